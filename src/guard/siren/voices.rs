//! The zones' names as somebody spoke them: one WAV file a zone, read at the start.
//!
//! A folder holds `<zone-id>.wav`. Every file in it is taken or refused with its name, what is wrong
//! and what would be right; one bad recording is found at the start and not in an alarm. A zone
//! without a file has only tones.
//!
//! Not here: when a name is spoken (`player`).

use std::f32::consts::PI;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::VoiceIndex;
use super::tones::PEAK;

/// Longest name, seconds: while it is spoken the danger signal rests.
pub const VOICE_S_MAX: f32 = 5.0;

/// Shortest, seconds: less is a click and no word.
const VOICE_S_MIN: f32 = 0.2;

/// All names together, seconds: 40 MB of memory a sound device.
const VOICES_S_MAX: f32 = 200.0;

/// Files in the folder; the order to the siren counts them in 16 bits, and nobody records more.
const VOICES_MAX: usize = 256;

/// Sample rates taken, Hz: from telephone to studio.
const RATES_HZ: (u32, u32) = (8_000, 192_000);

/// A recording whose loudest sample is below this holds nothing but noise; 1 is full scale.
const LOUDEST_MIN: f32 = 0.02;

/// Half the width of the filter that changes the sample rate, in zero crossings.
const FILTER_HALF: i64 = 16;

/// The recordings, in the order of their zones' ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voices(Vec<Voice>);

#[derive(Clone, Debug, PartialEq)]
struct Voice {
    zone: String,
    rate_hz: u32,
    /// Mono, loudest sample 1.
    samples: Vec<f32>,
}

/// Why the recordings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VoicesError {
    #[error("the folder of zone names {folder} cannot be read", folder = .folder.display())]
    Folder {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{file} is no WAV file that can be read; record it as PCM with 16 bits, mono, 48000 Hz",
        file = .file.display()
    )]
    Wav {
        file: PathBuf,
        #[source]
        source: hound::Error,
    },
    #[error("{file}: {wrong}", file = .file.display())]
    Unfit { file: PathBuf, wrong: String },
}

impl Voices {
    /// Reads every `.wav` file of the folder.
    ///
    /// # Errors
    /// The folder cannot be read, or a file of it is no fit recording; the first in the order of
    /// names is told.
    pub fn load(folder: &Path) -> Result<Voices, VoicesError> {
        let unread = |source| VoicesError::Folder { folder: folder.to_owned(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(unread)? {
            let file = entry.map_err(unread)?.path();
            if file.extension().is_some_and(|extension| extension == "wav") {
                files.push(file);
            }
        }
        files.sort();
        if let Some(file) = files.get(VOICES_MAX) {
            let wrong = format!("one box speaks at most {VOICES_MAX} names; take some away");
            return Err(VoicesError::Unfit { file: file.clone(), wrong });
        }
        let mut voices = Voices::default();
        let mut seconds = 0.0;
        for file in files {
            let voice = read(&file)?;
            seconds += voice.samples.len() as f32 / voice.rate_hz as f32;
            if seconds > VOICES_S_MAX {
                let wrong = format!(
                    "with this file the names last longer than {VOICES_S_MAX} s together; shorten \
                     them or take some away"
                );
                return Err(VoicesError::Unfit { file, wrong });
            }
            voices.0.push(voice);
        }
        Ok(voices)
    }

    /// Recordings that are no files: id of the zone, sample rate, mono samples.
    pub fn of(recordings: impl IntoIterator<Item = (String, u32, Vec<f32>)>) -> Voices {
        let voice = |(zone, rate_hz, samples)| Voice { zone, rate_hz, samples };
        Voices(recordings.into_iter().map(voice).collect())
    }

    /// The recording of a zone.
    pub fn find(&self, zone: &str) -> Option<VoiceIndex> {
        let position = self.0.iter().position(|voice| voice.zone == zone)?;
        u16::try_from(position).ok().map(VoiceIndex)
    }

    /// The zones that have one.
    pub fn zones(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|voice| voice.zone.as_str())
    }

    /// All recordings at another sample rate, as loud as the tones.
    pub fn at_rate(&self, rate_hz: u32, volume: f32) -> Vec<Vec<f32>> {
        let peak = PEAK * volume.clamp(0.0, 1.0);
        let loud = |samples: Vec<f32>| samples.into_iter().map(|s| s * peak).collect();
        self.0.iter().map(|voice| loud(resampled(&voice.samples, voice.rate_hz, rate_hz))).collect()
    }
}

fn read(file: &Path) -> Result<Voice, VoicesError> {
    let unfit = |wrong: String| VoicesError::Unfit { file: file.to_owned(), wrong };
    let unread = |source| VoicesError::Wav { file: file.to_owned(), source };
    let zone = file.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
    let zone = zone.ok_or_else(|| unfit("name it after its zone: <zone-id>.wav".into()))?;
    let mut reader = hound::WavReader::open(file).map_err(unread)?;
    let spec = reader.spec();
    if !(1..=2).contains(&spec.channels) {
        return Err(unfit(format!("{} channels; record it in mono or stereo", spec.channels)));
    }
    if !(RATES_HZ.0..=RATES_HZ.1).contains(&spec.sample_rate) {
        let (least, most) = RATES_HZ;
        return Err(unfit(format!("{} Hz; it must be {least} to {most} Hz", spec.sample_rate)));
    }
    let seconds = reader.duration() as f32 / spec.sample_rate as f32;
    if !(VOICE_S_MIN..=VOICE_S_MAX).contains(&seconds) {
        return Err(unfit(format!(
            "{seconds:.2} s long; it must be {VOICE_S_MIN} to {VOICE_S_MAX} s, better below 2 s, \
             because the danger signal rests meanwhile"
        )));
    }
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>(),
        hound::SampleFormat::Int => {
            let full = f64::from(1u32 << (spec.bits_per_sample.clamp(1, 32) - 1));
            let scaled = |sample: i32| (f64::from(sample) / full) as f32;
            reader.samples::<i32>().map(|sample| sample.map(scaled)).collect::<Result<_, _>>()
        }
    }
    .map_err(unread)?;
    let channels = usize::from(spec.channels);
    let mono = samples.chunks(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32);
    let mono: Vec<f32> = mono.collect();
    let loudest = mono.iter().fold(0.0f32, |loudest, sample| loudest.max(sample.abs()));
    // Also when a sample is no number.
    if !(LOUDEST_MIN..=f32::MAX).contains(&loudest) || mono.iter().any(|s| !s.is_finite()) {
        return Err(unfit("nothing is to be heard in it; record it louder".into()));
    }
    let samples = mono.into_iter().map(|sample| sample / loudest).collect();
    Ok(Voice { zone, rate_hz: spec.sample_rate, samples })
}

/// The same sound at another sample rate: a windowed sinc, cut off below the lower of both rates'
/// half.
fn resampled(samples: &[f32], from_hz: u32, to_hz: u32) -> Vec<f32> {
    if from_hz == to_hz {
        return samples.to_vec();
    }
    let (from, to) = (f64::from(from_hz), f64::from(to_hz));
    let cut = (to / from).min(1.0) as f32;
    let half = (FILTER_HALF as f32 / cut).ceil() as i64;
    let count = (samples.len() as f64 * to / from) as usize;
    (0..count)
        .map(|i| {
            let place = i as f64 * from / to;
            let middle = place.floor() as i64;
            (middle - half..=middle + half)
                .filter_map(|k| Some((k, *samples.get(usize::try_from(k).ok()?)?)))
                .map(|(k, sample)| sample * kernel((place - k as f64) as f32, cut, half as f32))
                .sum()
        })
        .collect()
}

fn kernel(distance: f32, cut: f32, half: f32) -> f32 {
    if distance.abs() >= half {
        return 0.0;
    }
    let window = 0.5 + 0.5 * (PI * distance / half).cos();
    let x = PI * cut * distance;
    let sinc = if x.abs() < 1e-4 { 1.0 } else { x.sin() / x };
    cut * sinc * window
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    fn spec(channels: u16, sample_rate: u32) -> hound::WavSpec {
        let sample_format = hound::SampleFormat::Int;
        hound::WavSpec { channels, sample_rate, bits_per_sample: 16, sample_format }
    }

    fn write(file: &Path, spec: hound::WavSpec, seconds: f32, level: f32) {
        let mut writer = hound::WavWriter::create(file, spec).expect("a file");
        for i in 0..(seconds * spec.sample_rate as f32) as usize {
            let sine = (TAU * 1000.0 * i as f32 / spec.sample_rate as f32).sin();
            for _ in 0..spec.channels {
                writer.write_sample((sine * level * 32_767.0) as i16).expect("a sample");
            }
        }
        writer.finalize().expect("written");
    }

    #[test]
    fn recordings_of_any_rate_come_out_at_the_cards_rate_with_their_pitch() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, rate) in [("a", 8_000), ("b", 22_050), ("c", 44_100), ("d", 96_000)] {
            write(&folder.path().join(format!("{name}.wav")), spec(2, rate), 0.5, 0.1);
        }
        let voices = Voices::load(folder.path()).expect("fit");
        assert_eq!(voices.zones().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!((voices.find("c"), voices.find("e")), (Some(VoiceIndex(2)), None));
        for samples in voices.at_rate(48_000, 1.0) {
            assert!((23_990..=24_000).contains(&samples.len()), "{}", samples.len());
            let loudest = samples.iter().fold(0.0f32, |most, s| most.max(s.abs()));
            assert!((0.85..0.95).contains(&loudest), "as loud as the tones: {loudest}");
            // 1000 Hz cross zero upwards every 48 samples.
            let inner = &samples[4_800..19_200];
            let crossings = inner.windows(2).filter(|w| w[0] <= 0.0 && w[1] > 0.0).count();
            assert!((299..=301).contains(&crossings), "{crossings} periods in 0.3 s");
        }
    }

    #[test]
    fn a_recording_that_does_not_fit_is_refused_with_its_file_and_what_would_be_right() {
        let refused = |make: &dyn Fn(&Path)| {
            let folder = tempfile::tempdir().expect("a folder");
            make(&folder.path().join("gate-road.wav"));
            let error = Voices::load(folder.path()).expect_err("must be refused").to_string();
            assert!(error.contains("gate-road.wav"), "{error}");
            error
        };
        assert!(refused(&|file| write(file, spec(1, 48_000), 5.5, 0.5)).contains("0.2 to 5 s"));
        assert!(refused(&|file| write(file, spec(1, 48_000), 0.1, 0.5)).contains("0.2 to 5 s"));
        assert!(refused(&|file| write(file, spec(1, 4_000), 1.0, 0.5)).contains("8000 to 192000"));
        assert!(refused(&|file| write(file, spec(4, 48_000), 1.0, 0.5)).contains("mono or stereo"));
        assert!(refused(&|file| write(file, spec(1, 48_000), 1.0, 0.0)).contains("louder"));
        let no_wav = refused(&|file| fs::write(file, b"RIFF or so").expect("written"));
        assert!(no_wav.contains("PCM with 16 bits"), "{no_wav}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("voices");
        let error = Voices::load(&missing).expect_err("must be refused").to_string();
        assert!(error.contains(&missing.display().to_string()), "{error}");
    }
}
