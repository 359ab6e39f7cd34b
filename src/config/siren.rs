//! `[siren]`: what sounds, how loud, what it says, and when it is tested.

use std::path::PathBuf;

use jiff::civil::Time;
use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::check::Place;

/// Quietest siren, as a part of the loudest that does not clip: 26 dB below it. What is quieter
/// would count as a siren that works and be heard by nobody.
const VOLUME_MIN: f64 = 0.05;

/// When the siren is tested, unless told: before most sites begin to work.
const TEST_AT: Time = Time::constant(7, 0, 0, 0);

/// The siren.
#[derive(Clone, Debug, PartialEq)]
pub struct Siren {
    pub device: SirenDevice,
    /// What sounds while that cannot; another device.
    pub fallback: Option<SirenDevice>,
    /// 0..=1 of the loudest the card gives without clipping.
    pub volume: f32,
    /// Folder of the zones' spoken names; exists.
    pub voices: Option<PathBuf>,
    pub test: SirenTest,
}

/// What the siren sounds through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SirenDevice {
    /// The system's default sound device.
    Default,
    /// The ALSA device of this name.
    Named(String),
    /// This box has no siren: a fault that stays visible.
    None,
}

impl SirenDevice {
    /// As it is written in the configuration, and as ALSA knows it.
    pub fn name(&self) -> &str {
        match self {
            SirenDevice::Default => "default",
            SirenDevice::Named(name) => name,
            SirenDevice::None => "none",
        }
    }

    /// The device of this name.
    pub fn of(name: &str) -> SirenDevice {
        match name {
            "default" => SirenDevice::Default,
            "none" => SirenDevice::None,
            other => SirenDevice::Named(other.to_owned()),
        }
    }
}

/// The daily test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SirenTest {
    /// In the site's time zone.
    pub at: Time,
    pub sound: SirenTestSound,
}

/// Whether people hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SirenTestSound {
    Audible,
    Inaudible,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedSiren {
    device: Option<Spanned<String>>,
    fallback: Option<Spanned<String>>,
    volume: Option<Spanned<f64>>,
    voices: Option<Spanned<String>>,
    #[serde(default)]
    test: UnvalidatedTest,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedTest {
    at: Option<Spanned<String>>,
    sound: Option<Spanned<String>>,
}

impl Place<'_> {
    pub(super) fn siren(&self, siren: &UnvalidatedSiren) -> Result<Siren, ConfigError> {
        let device = match &siren.device {
            None => SirenDevice::Default,
            Some(name) => SirenDevice::of(&self.text_of("siren.device", name)?),
        };
        Ok(Siren {
            fallback: self.told(self.fallback(siren.fallback.as_ref(), &device), None),
            device,
            volume: self.told(self.volume(siren.volume.as_ref()), 1.0),
            voices: self.told(self.voices(siren.voices.as_ref()), None),
            test: self.siren_test(&siren.test)?,
        })
    }

    fn fallback(
        &self,
        written: Option<&Spanned<String>>,
        device: &SirenDevice,
    ) -> Result<Option<SirenDevice>, ConfigError> {
        let Some(written) = written else {
            return Ok(None);
        };
        let fallback = SirenDevice::of(&self.text_of("siren.fallback", written)?);
        if fallback != SirenDevice::None && *device != SirenDevice::None && fallback != *device {
            return Ok(Some(fallback));
        }
        let right = "must be another device than siren.device, one that `standclear siren devices` lists; leave it \
                     out where there is no second one";
        Err(self.wrong("siren.fallback", written, right))
    }

    fn volume(&self, written: Option<&Spanned<f64>>) -> Result<f32, ConfigError> {
        match written {
            None => Ok(1.0),
            // Exact in range, and f32 is what the sound card takes.
            Some(volume) if (VOLUME_MIN..=1.0).contains(volume.get_ref()) => {
                Ok(*volume.get_ref() as f32)
            }
            Some(volume) => {
                let right = format!(
                    "must be {VOLUME_MIN} to 1.0; a box without a siren has siren.device = \
                     \"none\", which stays visible as a fault"
                );
                Err(self.wrong("siren.volume", volume, &right))
            }
        }
    }

    fn voices(&self, written: Option<&Spanned<String>>) -> Result<Option<PathBuf>, ConfigError> {
        let Some(written) = written else {
            return Ok(None);
        };
        let folder = self.path_of("siren.voices", written)?;
        if folder.is_dir() {
            return Ok(Some(folder));
        }
        let right = format!(
            "there is no folder {}; it holds one recording a zone, <zone-id>.wav",
            folder.display()
        );
        Err(self.wrong("siren.voices", written, &right))
    }

    fn siren_test(&self, test: &UnvalidatedTest) -> Result<SirenTest, ConfigError> {
        let at = match &test.at {
            None => TEST_AT,
            Some(written) => {
                let at = clock_time(written.get_ref()).ok_or_else(|| {
                    let right = "must be a time of the site's day, \"00:00\" to \"23:59\"";
                    self.wrong("siren.test.at", written, right)
                });
                self.told(at, TEST_AT)
            }
        };
        let sound = match &test.sound {
            None => SirenTestSound::Inaudible,
            Some(written) => match written.get_ref().as_str() {
                "audible" => SirenTestSound::Audible,
                "inaudible" => SirenTestSound::Inaudible,
                _ => {
                    let right = "must be \"audible\" (people hear it) or \"inaudible\"";
                    return Err(self.wrong("siren.test.sound", written, right));
                }
            },
        };
        Ok(SirenTest { at, sound })
    }
}

/// `HH:MM`, and nothing else.
fn clock_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<i8>().ok()).flatten()
    };
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}
