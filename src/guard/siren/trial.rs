//! A device that is tried by hand: whether it takes a sound, and no faster than that sounds.
//!
//! The siren's own tests (`tester`) are judged by the same, so that a device which fails there never
//! passes here.
//!
//! Not here: which devices, and what becomes of the outcome.

use std::thread;
use std::time::Duration;

use super::{OutputState, SirenOutput, Sound};
use crate::clock;

/// How much silence a device is given to see how fast it takes it: long against its buffer and the
/// pauses of a busy machine.
#[cfg(feature = "sound")]
const SILENCE_FOR: Duration = Duration::from_secs(1);

/// What a test may take longer than it sounds: the card's buffer and a busy machine.
const LATE_MAX: Duration = Duration::from_millis(1500);

/// What a sound must at least take of its length. A device that swallows samples faster is none that
/// sounds.
const TOO_FAST_SHARE: f64 = 0.8;

/// Longest wait for a device that was opened.
const WORKING_WITHIN: Duration = Duration::from_secs(6);

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Sounds this for so long; how long it took until all of it had left.
///
/// # Errors
/// The device breaks, or takes too little or too much of it; for people.
pub fn of(
    output: &mut impl SirenOutput,
    sound: Sound,
    lasts: Duration,
) -> Result<Duration, String> {
    let opened_at = clock::monotonic();
    // When it began, and what of the same sound had left before.
    let mut begun = None;
    loop {
        let now = clock::monotonic();
        match (output.state(now), begun) {
            (OutputState::Broken { reason, .. }, _) => return Err(reason),
            (OutputState::Working { .. } | OutputState::Degraded { .. }, None) => {
                output.sound(sound);
                begun = Some((now, output.played(now).unwrap_or_default()));
            }
            (OutputState::Opening { .. }, None) if now.since(opened_at) > WORKING_WITHIN => {
                return Err("it takes no samples".into());
            }
            (OutputState::Opening { .. }, None) => {}
            (_, Some((since, before))) => {
                let played = output.played(now).map(|played| played.saturating_sub(before));
                if let Some(outcome) = judge(played, lasts, now.since(since)) {
                    return outcome;
                }
            }
        }
        thread::park_timeout(LOOK_EVERY);
    }
}

/// What has come of a sound of this length, of which so much has left in so long; `None` while it
/// goes on. Every test is judged by this, whoever makes it.
pub fn judge(
    played: Option<Duration>,
    length: Duration,
    took: Duration,
) -> Option<Result<Duration, String>> {
    match played {
        Some(played) if played >= length => Some(match took < length.mul_f64(TOO_FAST_SHARE) {
            true => Err(format!(
                "the device took {} ms of sound within {} ms: it plays nothing",
                length.as_millis(),
                took.as_millis()
            )),
            false => Ok(took),
        }),
        Some(played) if took > length + LATE_MAX => Some(Err(format!(
            "only {} ms of {} ms have left after {} ms",
            played.as_millis(),
            length.as_millis(),
            took.as_millis()
        ))),
        None if took > length + LATE_MAX => {
            Some(Err("the device does not say whether samples leave it".into()))
        }
        Some(_) | None => None,
    }
}

/// Opens a device and gives it silence, which nobody hears.
///
/// # Errors
/// As in [`of`].
#[cfg(feature = "sound")]
pub fn in_silence(device: &crate::config::SirenDevice) -> Result<Duration, String> {
    let mut card = super::sound_card::SoundCard::open(device, 1.0, &std::sync::Arc::default())
        .map_err(|error| error.to_string())?;
    of(&mut card, Sound::SILENT, SILENCE_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::Instant;

    /// A device that takes samples so many times as fast as they sound.
    struct Swallows {
        pace: f64,
        since: Instant,
    }

    impl SirenOutput for Swallows {
        fn sound(&mut self, _sound: Sound) {}

        fn state(&mut self, _now: Instant) -> OutputState {
            OutputState::Working { device: "null".into() }
        }

        fn played(&mut self, now: Instant) -> Option<Duration> {
            Some(now.since(self.since).mul_f64(self.pace))
        }
    }

    fn tried(pace: f64) -> Result<Duration, String> {
        let mut device = Swallows { pace, since: clock::monotonic() };
        of(&mut device, Sound::SILENT, Duration::from_millis(300))
    }

    #[test]
    fn a_device_that_swallows_samples_faster_than_they_sound_fails_and_one_that_plays_passes() {
        let swallowed = tried(170.0).expect_err("it plays nothing");
        assert!(swallowed.contains("it plays nothing"), "{swallowed}");
        let took = tried(1.0).expect("it plays");
        assert!(took >= Duration::from_millis(300), "{took:?}");
    }

    /// ALSA's own device that takes everything at once.
    #[cfg(feature = "sound")]
    #[test]
    fn the_null_device_fails_as_it_does_in_a_box_that_runs() {
        let null = crate::config::SirenDevice::of("null");
        if super::super::sound_card::try_open(&null).is_err() {
            eprintln!("skipped: this machine's ALSA has no device null");
            return;
        }
        let swallowed = in_silence(&null).expect_err("it plays nothing");
        assert!(swallowed.contains("it plays nothing"), "{swallowed}");
    }
}
