//! What a sound device really grants: asked of ALSA itself, with the parameters of the stream.
//!
//! A device that is asked for a small buffer may take the request and give another; a sound server
//! may buffer two seconds. A siren on such a device would start late, so it is refused: the error says
//! what was asked and what the device would give. There is no way round it in the configuration.
//!
//! Not here: the stream itself, which is opened right after with the same parameters.

use std::fmt;

use alsa::pcm::{Access, Format, Frames, HwParams, PCM};
use alsa::{Direction, ValueOr};
use rodio::cpal::{SampleFormat, SupportedStreamConfig};

/// Period asked of the card, frames: 21 ms at 48 kHz.
pub const PERIOD_FRAMES: u32 = 1024;

/// Periods in the card's buffer: one plays while the other is filled.
pub const PERIODS: u32 = 2;

/// A card may round what was asked to what its hardware knows, by a quarter.
const PERIOD_FRAMES_MAX: u32 = PERIOD_FRAMES + PERIOD_FRAMES / 4;
const BUFFER_FRAMES_MAX: u32 = PERIODS * PERIOD_FRAMES_MAX;

/// What a device granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    pub rate_hz: u32,
    pub channels: u16,
    pub period_frames: u32,
    pub buffer_frames: u32,
}

impl Granted {
    /// # Errors
    /// The buffer is larger than a siren may have; the text says what was asked.
    fn checked(self) -> Result<Granted, String> {
        if self.period_frames <= PERIOD_FRAMES_MAX && self.buffer_frames <= BUFFER_FRAMES_MAX {
            return Ok(self);
        }
        Err(format!(
            "the device gives no small buffer: asked were {PERIOD_FRAMES} frames a period and {} in \
             the buffer, it gives {} and {} ({:.0} ms), so that an alarm would start late; name \
             another device; `standclear siren devices` lists them, those of \"hw:\" first",
            PERIODS * PERIOD_FRAMES,
            self.period_frames,
            self.buffer_frames,
            ms(self.buffer_frames, self.rate_hz),
        ))
    }
}

impl fmt::Display for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Granted { rate_hz, channels, period_frames, buffer_frames } = *self;
        write!(
            f,
            "{rate_hz} Hz, {channels} channels, granted: period {period_frames} frames ({:.1} ms), \
             buffer {buffer_frames} frames ({:.1} ms)",
            ms(period_frames, rate_hz),
            ms(buffer_frames, rate_hz),
        )
    }
}

fn ms(frames: u32, rate_hz: u32) -> f64 {
    f64::from(frames) * 1000.0 / f64::from(rate_hz.max(1))
}

/// Asks the device as the stream will, and closes it again.
///
/// # Errors
/// It cannot be opened, or does not give a buffer small enough; for people.
pub fn ask(pcm: &str, config: &SupportedStreamConfig) -> Result<Granted, String> {
    granted(pcm, config)
        .map_err(|error| format!("the device refuses what a siren needs: {error}"))?
        .checked()
}

fn granted(pcm: &str, config: &SupportedStreamConfig) -> alsa::Result<Granted> {
    let handle = PCM::new(pcm, Direction::Playback, true)?;
    let wanted = HwParams::any(&handle)?;
    wanted.set_access(Access::RWInterleaved)?;
    wanted.set_format(format_of(config.sample_format()))?;
    wanted.set_rate(config.sample_rate(), ValueOr::Nearest)?;
    wanted.set_channels(u32::from(config.channels()))?;
    wanted.set_buffer_size_near(Frames::from(PERIODS * PERIOD_FRAMES))?;
    wanted.set_period_size_near(Frames::from(PERIOD_FRAMES), ValueOr::Nearest)?;
    handle.hw_params(&wanted)?;
    let given = handle.hw_params_current()?;
    // A number that does not fit is larger than any that is accepted.
    let frames = |frames: Frames| u32::try_from(frames).unwrap_or(u32::MAX);
    Ok(Granted {
        rate_hz: given.get_rate()?,
        channels: u16::try_from(given.get_channels()?).unwrap_or(u16::MAX),
        period_frames: frames(given.get_period_size()?),
        buffer_frames: frames(given.get_buffer_size()?),
    })
}

/// Of the formats a stream may have, what ALSA calls them; the width decides what is granted.
fn format_of(format: SampleFormat) -> Format {
    match format {
        SampleFormat::I8 => Format::S8,
        SampleFormat::U8 => Format::U8,
        SampleFormat::I16 => Format::s16(),
        SampleFormat::U16 => Format::u16(),
        SampleFormat::I24 => Format::s24(),
        SampleFormat::U24 => Format::u24(),
        SampleFormat::I32 => Format::s32(),
        SampleFormat::U32 => Format::u32(),
        SampleFormat::F64 => Format::float64(),
        // The rest is no format of sound cards.
        _ => Format::float(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(period_frames: u32, buffer_frames: u32) -> Granted {
        Granted { rate_hz: 48_000, channels: 2, period_frames, buffer_frames }
    }

    #[test]
    fn what_is_granted_is_told_in_frames_and_milliseconds() {
        let text = given(1024, 2048).checked().expect("small enough").to_string();
        assert!(text.contains("period 1024 frames (21.3 ms)"), "{text}");
        assert!(text.contains("buffer 2048 frames (42.7 ms)"), "{text}");
    }

    #[test]
    fn a_large_buffer_is_refused_with_what_was_asked_and_what_it_gives() {
        for (period, buffer) in [(1024, 96_000), (4096, 4096), (1024, 4096)] {
            let refused = given(period, buffer).checked().expect_err("must be refused");
            assert!(refused.contains("1024 frames a period and 2048"), "{refused}");
            assert!(refused.contains(&format!("{period} and {buffer}")), "{refused}");
        }
        assert!(given(1056, 2112).checked().is_ok(), "a card may round");
        assert!(given(480, 960).checked().is_ok(), "smaller is sooner");
    }
}
