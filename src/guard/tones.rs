//! The sounds of the siren, computed once at the start.
//!
//! Each pattern is one loop of mono samples. **Intrusion** alternates 700 Hz and 1200 Hz four times
//! a second: between 500 and 2500 Hz, strongly time-varying and unlike machine noise, as ISO 7731
//! asks of a danger signal. **Fault** is two short low beeps every two seconds: to be noticed, not
//! to be run from. **Warning** is a soft chime, a high note falling to a lower one, every second and
//! a half: pure, quieter, and it dies away, so that nobody takes it for either of the others.
//!
//! Not here: spoken zone names, and any claim about the sound pressure at a place, which depends on
//! the loudspeaker.

use std::f32::consts::TAU;

use crate::engine::SirenPattern;

/// Frequencies of the intrusion pattern, Hz.
pub const INTRUSION_HZ: (f32, f32) = (700.0, 1200.0);

/// How long each of the two lasts, seconds: four full changes a second.
pub const INTRUSION_TONE_S: f32 = 0.125;

/// Frequency of the fault beep, Hz.
pub const FAULT_HZ: f32 = 440.0;

/// Length of one fault beep and of the gap between the two, seconds.
pub const FAULT_BEEP_S: f32 = 0.15;

/// One loop of the fault pattern, seconds.
pub const FAULT_LOOP_S: f32 = 2.0;

/// The two notes of the warning chime, Hz.
pub const WARNING_HZ: (f32, f32) = (988.0, 784.0);

/// How long each note rings, seconds.
pub const WARNING_NOTE_S: f32 = 0.3;

/// One loop of the warning pattern, seconds.
pub const WARNING_LOOP_S: f32 = 1.5;

/// The chime's peak as a share of the alarm's: about 9 dB quieter.
pub const WARNING_SHARE: f32 = 0.35;

/// Highest sample at full volume: leaves 0.9 dB for converters that overshoot between samples.
pub const PEAK: f32 = 0.9;

/// Rise and fall of a tone, seconds: short enough to startle, long enough not to click.
const EDGE_S: f32 = 0.004;

/// How far the sine is driven towards a square: about 3 dB louder at the same peak.
const DRIVE: f32 = 2.5;

/// Loops of all patterns at one sample rate and volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Tones {
    fault: Vec<f32>,
    warning: Vec<f32>,
    intrusion: Vec<f32>,
}

impl Tones {
    /// Computes all loops. `volume` is 0..=1, what lies outside is clamped.
    pub fn new(sample_rate_hz: u32, volume: f32) -> Tones {
        let rate = sample_rate_hz as f32;
        let peak = PEAK * volume.clamp(0.0, 1.0);
        let silence = |seconds: f32| vec![0.0; (seconds * rate) as usize];
        let beep = tone(rate, FAULT_HZ, FAULT_BEEP_S, peak);
        let rest = FAULT_LOOP_S - 3.0 * FAULT_BEEP_S;
        let note = |hz| chime(rate, hz, WARNING_NOTE_S, WARNING_SHARE * peak);
        let pause = WARNING_LOOP_S - 2.0 * WARNING_NOTE_S;
        Tones {
            fault: [&beep, &silence(FAULT_BEEP_S), &beep, &silence(rest)]
                .map(Vec::as_slice)
                .concat(),
            warning: [note(WARNING_HZ.0), note(WARNING_HZ.1), silence(pause)].concat(),
            intrusion: [
                tone(rate, INTRUSION_HZ.0, INTRUSION_TONE_S, peak),
                tone(rate, INTRUSION_HZ.1, INTRUSION_TONE_S, peak),
            ]
            .concat(),
        }
    }

    /// The loop of a pattern; empty for silence.
    pub fn samples(&self, pattern: SirenPattern) -> &[f32] {
        match pattern {
            SirenPattern::Silent => &[],
            SirenPattern::Fault => &self.fault,
            SirenPattern::Warning => &self.warning,
            SirenPattern::Intrusion => &self.intrusion,
        }
    }
}

fn tone(rate: f32, hz: f32, seconds: f32, peak: f32) -> Vec<f32> {
    let count = (seconds * rate) as usize;
    let edge = (EDGE_S * rate).max(1.0);
    (0..count)
        .map(|i| {
            let wave = (DRIVE * (TAU * hz * i as f32 / rate).sin()).tanh() / DRIVE.tanh();
            let from_ends = i.min(count - 1 - i) as f32;
            peak * wave * (from_ends / edge).min(1.0)
        })
        .collect()
}

/// A struck note: a pure sine that dies away to nothing.
fn chime(rate: f32, hz: f32, seconds: f32, peak: f32) -> Vec<f32> {
    let count = (seconds * rate) as usize;
    let edge = (EDGE_S * rate).max(1.0);
    (0..count)
        .map(|i| {
            let left = 1.0 - i as f32 / count as f32;
            peak * (TAU * hz * i as f32 / rate).sin() * left * (i as f32 / edge).min(1.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;

    /// Power at a frequency, as a share of the loop's whole power (Goertzel's sum, written out).
    fn share_at(samples: &[f32], hz: f32) -> f32 {
        let step = TAU * hz / RATE_HZ as f32;
        let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
        for (i, sample) in samples.iter().enumerate() {
            re += sample * (step * i as f32).cos();
            im += sample * (step * i as f32).sin();
            all += sample * sample;
        }
        2.0 * (re * re + im * im) / (all * samples.len() as f32)
    }

    fn loudest(samples: &[f32]) -> f32 {
        samples.iter().fold(0.0, |loudest, sample| loudest.max(sample.abs()))
    }

    #[test]
    fn warning_shares_no_note_with_the_others_and_is_much_quieter() {
        let tones = Tones::new(RATE_HZ, 1.0);
        let warning = tones.samples(SirenPattern::Warning);
        let sounding = &warning[..(2.0 * WARNING_NOTE_S * RATE_HZ as f32) as usize];
        for hz in [WARNING_HZ.0, WARNING_HZ.1] {
            assert!(share_at(sounding, hz) > 0.1, "{hz} Hz");
            for other in [SirenPattern::Fault, SirenPattern::Intrusion] {
                assert!(share_at(tones.samples(other), hz) < 0.02, "{hz} Hz in {other:?}");
            }
        }
        for hz in [FAULT_HZ, INTRUSION_HZ.0, INTRUSION_HZ.1] {
            assert!(share_at(sounding, hz) < 0.02, "{hz} Hz in the warning");
        }
        for other in [SirenPattern::Fault, SirenPattern::Intrusion] {
            let quieter = loudest(warning) / loudest(tones.samples(other));
            assert!(quieter < 0.4, "{quieter} of {other:?}");
        }
        assert!(loudest(&warning[sounding.len()..]) == 0.0, "it rests");
    }
}
