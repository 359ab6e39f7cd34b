//! What sounds, as the configuration has it.
//!
//! Not here: when it sounds (the alarm path), and the threads (`app`).

use std::io;
use std::sync::mpsc::SyncSender;

use jiff::tz::TimeZone;

use super::app::StartError;
use super::message::Message;
use super::relay::{self, RelayOutput, RelayThreads, Relays};
use super::siren::tester::{TestPlan, TestSound};
use super::siren::{NoSiren, Siren, SirenOutput, SirenThread};
use crate::config::{Config, Relay, SirenDevice, SirenTestSound};

/// The siren that is configured.
pub fn siren(config: &Config) -> Result<Box<dyn SirenOutput>, StartError> {
    if config.siren.device == SirenDevice::None {
        let reason = "this box has no siren (siren.device = \"none\")";
        return Ok(Box::new(NoSiren { reason }));
    }
    sound_card(config)
}

/// All that sounds, before its threads run.
pub struct Annunciators {
    siren: Box<dyn SirenOutput>,
    tests: TestPlan,
    relays: Vec<(Relay, Box<dyn RelayOutput>)>,
}

/// The alarm path's ends of them.
pub struct Orders {
    pub siren: Siren,
    pub relays: Relays,
}

/// Their threads, to be stopped.
pub struct AnnunciatorThreads {
    siren: SirenThread,
    relays: RelayThreads,
}

impl AnnunciatorThreads {
    /// Silences the siren and de-energises the relays.
    pub fn stop(self) {
        self.siren.stop();
        self.relays.stop();
    }
}

impl Annunciators {
    pub fn of(config: &Config, siren: Box<dyn SirenOutput>) -> Annunciators {
        let relays = config.relays.iter().map(|relay| (relay.clone(), relay::output(relay)));
        Annunciators { siren, tests: test_plan(config), relays: relays.collect() }
    }

    /// Starts their threads, the siren's first.
    pub fn start(self, reports: &SyncSender<Message>) -> io::Result<(Orders, AnnunciatorThreads)> {
        let (siren, siren_thread) = SirenThread::start(self.siren, self.tests, reports.clone())?;
        let (relays, relay_threads) = RelayThreads::start(self.relays, reports)?;
        let threads = AnnunciatorThreads { siren: siren_thread, relays: relay_threads };
        Ok((Orders { siren, relays }, threads))
    }
}

/// When and how the siren is tested.
fn test_plan(config: &Config) -> TestPlan {
    TestPlan {
        at: config.siren.test.at,
        // The configuration takes no zone that is unknown.
        zone: TimeZone::get(&config.site.time_zone).unwrap_or(TimeZone::UTC),
        sound: match config.siren.test.sound {
            SirenTestSound::Audible => TestSound::Audible,
            SirenTestSound::Inaudible => TestSound::Inaudible,
        },
    }
}

#[cfg(feature = "sound")]
fn sound_card(config: &Config) -> Result<Box<dyn SirenOutput>, StartError> {
    use std::sync::Arc;

    use super::siren::fallback::WithFallback;
    use super::siren::sound_card::SoundCard;
    use super::siren::voices::Voices;

    let siren = &config.siren;
    let voices = siren.voices.as_deref().map(Voices::load).transpose();
    let voices = Arc::new(voices.map_err(StartError::Voices)?.unwrap_or_default());
    let opened = match &siren.fallback {
        None => SoundCard::open(&siren.device, siren.volume, &voices).map(boxed),
        Some(fallback) => {
            WithFallback::open(&siren.device, fallback, siren.volume, &voices).map(boxed)
        }
    };
    opened.map_err(StartError::Thread)
}

#[cfg(feature = "sound")]
fn boxed(output: impl SirenOutput + 'static) -> Box<dyn SirenOutput> {
    Box::new(output)
}

#[cfg(not(feature = "sound"))]
fn sound_card(_config: &Config) -> Result<Box<dyn SirenOutput>, StartError> {
    let reason = "this program was built without sound";
    Ok(Box::new(NoSiren { reason }))
}
