//! The sounds of the siren, computed once at the start.
//!
//! Each is a stretch of mono samples. **Intrusion** alternates 700 Hz and 1200 Hz four times a second:
//! between 500 and 2500 Hz, strongly time-varying and unlike machine noise, as ISO 7731 asks of a
//! danger signal. **Fault** is two short low beeps every two seconds: to be noticed, not to be run
//! from. **Warning** is a soft chime, a high note falling to a lower one, every second and a half:
//! pure, quieter, and it dies away, so that nobody takes it for either of the others. **All clear** is
//! one steady tone: what changes in pitch means more danger than what does not (directive 92/58/EEC,
//! annex VII). **Test** is three rising notes, twice, and never again that day. The **inaudible test**
//! is below what can be heard, and yet real samples.
//!
//! Not here: spoken zone names (`voices`), what follows what (`player`), and any claim about the sound
//! pressure at a place, which depends on the loudspeaker.

use std::f32::consts::TAU;

use super::Sound;
use crate::engine::SirenPattern;

/// Frequencies of the intrusion pattern, Hz.
pub const INTRUSION_HZ: (f32, f32) = (700.0, 1200.0);

/// How long each of the two lasts, seconds: four full changes a second.
pub const INTRUSION_TONE_S: f32 = 0.125;

/// Full changes in one loop of the intrusion pattern, so that a loop is one second.
const INTRUSION_CHANGES: usize = 4;

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

/// The steady tone that says that it is over, Hz, and how long it lasts, seconds.
pub const ALL_CLEAR_HZ: f32 = 520.0;
pub const ALL_CLEAR_S: f32 = 2.0;

/// The rising notes of the test, Hz; no other sound has them.
pub const TEST_HZ: [f32; 3] = [600.0, 900.0, 1500.0];

/// How long each lasts, and the whole test, seconds.
const TEST_NOTE_S: f32 = 0.25;
pub const TEST_S: f32 = 2.0;

/// The inaudible test: at 30 Hz an ear hears nothing below 59 dB (ISO 226), and a siren that gives
/// 120 dB at full scale gives 48 dB at this level, at 30 Hz far less.
pub const INAUDIBLE_HZ: f32 = 30.0;
pub const INAUDIBLE_S: f32 = 1.0;

/// Its peak, whatever the volume: eight steps of 16 bits, 72 dB below full scale, so that what a
/// converter gets is not zero.
pub const INAUDIBLE_PEAK: f32 = 8.0 / 32_768.0;

/// Highest sample at full volume: leaves 0.9 dB for converters that overshoot between samples.
pub const PEAK: f32 = 0.9;

/// Rise and fall of a tone, seconds: short enough to startle, long enough not to click.
const EDGE_S: f32 = 0.004;

/// How far the sine is driven towards a square: about 3 dB louder at the same peak.
const DRIVE: f32 = 2.5;

/// Whether a sound goes on until another is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    Forever,
    Once,
}

/// All sounds at one sample rate and volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Tones {
    fault: Vec<f32>,
    warning: Vec<f32>,
    intrusion: Vec<f32>,
    all_clear: Vec<f32>,
    test: Vec<f32>,
    inaudible: Vec<f32>,
}

impl Tones {
    /// Computes all of them. `volume` is 0..=1, what lies outside is clamped.
    pub fn new(sample_rate_hz: u32, volume: f32) -> Tones {
        let rate = sample_rate_hz as f32;
        let peak = PEAK * volume.clamp(0.0, 1.0);
        let silence = |seconds: f32| vec![0.0; (seconds * rate) as usize];
        let beep = tone(rate, FAULT_HZ, FAULT_BEEP_S, peak);
        let rest = FAULT_LOOP_S - 3.0 * FAULT_BEEP_S;
        let note = |hz| chime(rate, hz, WARNING_NOTE_S, WARNING_SHARE * peak);
        let pause = WARNING_LOOP_S - 2.0 * WARNING_NOTE_S;
        let change = [
            tone(rate, INTRUSION_HZ.0, INTRUSION_TONE_S, peak),
            tone(rate, INTRUSION_HZ.1, INTRUSION_TONE_S, peak),
        ]
        .concat();
        let rise = TEST_HZ.map(|hz| chime(rate, hz, TEST_NOTE_S, peak)).concat();
        let breath = silence(TEST_S / 2.0 - TEST_NOTE_S * TEST_HZ.len() as f32);
        Tones {
            fault: [&beep, &silence(FAULT_BEEP_S), &beep, &silence(rest)]
                .map(Vec::as_slice)
                .concat(),
            warning: [note(WARNING_HZ.0), note(WARNING_HZ.1), silence(pause)].concat(),
            intrusion: change.repeat(INTRUSION_CHANGES),
            all_clear: steady(rate, ALL_CLEAR_HZ, ALL_CLEAR_S, peak),
            test: [&rise, &breath, &rise, &breath].map(Vec::as_slice).concat(),
            inaudible: steady(rate, INAUDIBLE_HZ, INAUDIBLE_S, INAUDIBLE_PEAK),
        }
    }

    /// The samples of a sound; none for silence.
    pub fn samples(&self, sound: Sound) -> (&[f32], Repeat) {
        match sound {
            Sound::Alarm(SirenPattern::Silent, _) => (&[], Repeat::Forever),
            Sound::Alarm(SirenPattern::Fault, _) => (&self.fault, Repeat::Forever),
            Sound::Alarm(SirenPattern::Warning, _) => (&self.warning, Repeat::Forever),
            Sound::Alarm(SirenPattern::Intrusion, _) => (&self.intrusion, Repeat::Forever),
            Sound::AllClear => (&self.all_clear, Repeat::Once),
            Sound::Test => (&self.test, Repeat::Once),
            Sound::InaudibleTest => (&self.inaudible, Repeat::Once),
        }
    }
}

fn tone(rate: f32, hz: f32, seconds: f32, peak: f32) -> Vec<f32> {
    shaped(rate, hz, seconds, |sine| peak * (DRIVE * sine).tanh() / DRIVE.tanh())
}

/// A pure tone of one level.
fn steady(rate: f32, hz: f32, seconds: f32, peak: f32) -> Vec<f32> {
    shaped(rate, hz, seconds, |sine| peak * sine)
}

/// A sine through `shape`, with soft edges.
fn shaped(rate: f32, hz: f32, seconds: f32, shape: impl Fn(f32) -> f32) -> Vec<f32> {
    let count = (seconds * rate) as usize;
    let edge = (EDGE_S * rate).max(1.0);
    (0..count)
        .map(|i| {
            let from_ends = i.min(count - 1 - i) as f32;
            shape((TAU * hz * i as f32 / rate).sin()) * (from_ends / edge).min(1.0)
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

    const WARNING: Sound = Sound::Alarm(SirenPattern::Warning, None);
    const FAULT: Sound = Sound::Alarm(SirenPattern::Fault, None);
    const INTRUSION: Sound = Sound::Alarm(SirenPattern::Intrusion, None);

    /// Every sound that can be heard, with the notes it is known by.
    const NOTES: [(Sound, &[f32]); 5] = [
        (INTRUSION, &[INTRUSION_HZ.0, INTRUSION_HZ.1]),
        (WARNING, &[WARNING_HZ.0, WARNING_HZ.1]),
        (FAULT, &[FAULT_HZ]),
        (Sound::AllClear, &[ALL_CLEAR_HZ]),
        (Sound::Test, &TEST_HZ),
    ];

    /// Power at a frequency, as a share of the whole power (Goertzel's sum, written out).
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
    fn every_sound_has_its_own_notes_and_no_other_has_them() {
        let tones = Tones::new(RATE_HZ, 1.0);
        for (sound, notes) in NOTES {
            let own = tones.samples(sound).0;
            for &hz in notes {
                let share = share_at(own, hz);
                assert!(share > 0.02, "{hz} Hz is only {share} of {sound:?}");
                for (other, _) in NOTES.into_iter().filter(|(other, _)| *other != sound) {
                    let share = share_at(tones.samples(other).0, hz);
                    assert!(share < 0.005, "{hz} Hz of {sound:?} is {share} of {other:?}");
                }
            }
        }
    }

    #[test]
    fn an_intrusion_has_its_power_where_iso_7731_wants_it_and_changes_all_the_time() {
        let tones = Tones::new(RATE_HZ, 1.0);
        let (samples, _) = tones.samples(INTRUSION);
        let within: f32 = (500..=2500).step_by(4).map(|hz| share_at(samples, hz as f32)).sum();
        assert!(within > 0.9, "{within} of the power lies between 500 and 2500 Hz");
        let half = (INTRUSION_TONE_S * RATE_HZ as f32) as usize;
        for (number, part) in samples.chunks(half).enumerate() {
            let (low, high) = (share_at(part, INTRUSION_HZ.0), share_at(part, INTRUSION_HZ.1));
            assert_eq!(low > high, number % 2 == 0, "tone {number}: {low} and {high}");
        }
    }

    #[test]
    fn a_warning_is_much_quieter_than_the_alarms_and_rests() {
        let tones = Tones::new(RATE_HZ, 1.0);
        let warning = tones.samples(WARNING).0;
        for other in [FAULT, INTRUSION] {
            let quieter = loudest(warning) / loudest(tones.samples(other).0);
            assert!(quieter < 0.4, "{quieter} of {other:?}");
        }
        let sounding = (2.0 * WARNING_NOTE_S * RATE_HZ as f32) as usize;
        assert!(loudest(&warning[sounding..]) == 0.0, "it rests");
    }

    #[test]
    fn the_all_clear_is_steady_from_end_to_end() {
        let tones = Tones::new(RATE_HZ, 1.0);
        let (samples, repeat) = tones.samples(Sound::AllClear);
        assert_eq!(repeat, Repeat::Once);
        let tenth = RATE_HZ as usize / 10;
        let levels: Vec<f32> = samples.chunks(tenth).map(loudest).collect();
        let (least, most) = levels.iter().fold((1.0f32, 0.0f32), |(l, m), &x| (l.min(x), m.max(x)));
        assert!(most - least < 0.01 * most, "{least} to {most}");
        assert!(share_at(samples, ALL_CLEAR_HZ) > 0.98);
    }

    #[test]
    fn the_inaudible_test_is_72_db_down_whatever_the_volume_and_never_zero_for_long() {
        for volume in [0.05, 1.0] {
            let tones = Tones::new(RATE_HZ, volume);
            let (samples, repeat) = tones.samples(Sound::InaudibleTest);
            assert_eq!(repeat, Repeat::Once);
            let level_db = 20.0 * loudest(samples).log10();
            assert!((-73.0..-71.0).contains(&level_db), "{level_db} dB");
            let steps = |sample: &f32| (sample * 32_768.0).round() as i32;
            for window in samples.chunks(RATE_HZ as usize / 20) {
                assert!(window.iter().any(|s| steps(s) != 0), "zeros reach a 16 bit converter");
            }
        }
    }
}
