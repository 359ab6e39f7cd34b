//! `standclear siren test`: sounds the siren by hand, and sees that the samples leave.
//!
//! It opens the devices itself, as the guard would, so it also works where no guard runs yet. Beside a
//! running guard it works on a device that takes two programs; on one that does not, it says so.
//!
//! What came of it goes into the audit log, by `console`, where there is a store and no guard has it.
//!
//! Not here: the daily test and those asked for on the page, which the guard makes and writes down.

use std::error::Error;
use std::path::PathBuf;

use crate::config::{Config, SirenDevice};

/// The siren.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Sound it, and see that the samples leave; each configured device in turn.
    Test(Args),
    /// List the names that `siren.device` may have on this machine.
    Devices,
}

/// What to sound, and on what.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
    /// What to sound.
    #[arg(long, value_enum, default_value_t = Pattern::Test)]
    pattern: Pattern,
    /// Speak the recorded name of this zone after the pattern.
    #[arg(long, value_name = "ID", conflicts_with = "inaudible")]
    zone: Option<String>,
    /// Nobody hears it; only the flow of samples is seen.
    #[arg(long, conflicts_with = "pattern")]
    inaudible: bool,
    /// This device alone, by a name that `standclear siren devices` lists.
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
}

/// A sound by its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Pattern {
    Emergency,
    Warning,
    Fault,
    AllClear,
    Test,
}

/// At least one device did not sound; the lines above say why.
#[cfg(feature = "sound")]
#[derive(Debug, thiserror::Error)]
#[error("{0} of the devices did not sound")]
struct Failed(usize);

/// Sounds the siren.
pub fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    let args = match command {
        Command::Test(args) => args,
        Command::Devices => return sound::list(),
    };
    let config = Config::load(&args.config)?;
    let devices: Vec<SirenDevice> = match &args.device {
        Some(name) => vec![SirenDevice::of(name)],
        None => [Some(&config.siren.device), config.siren.fallback.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
    };
    sound::test(args, &config, &devices)
}

#[cfg(not(feature = "sound"))]
mod sound {
    use std::error::Error;

    use super::Args;
    use crate::config::{Config, SirenDevice};

    const ABSENT: &str = "this program was built without sound; build it with the feature `sound`";

    pub fn test(
        _args: &Args,
        _config: &Config,
        _devices: &[SirenDevice],
    ) -> Result<(), Box<dyn Error>> {
        Err(ABSENT.into())
    }

    pub fn list() -> Result<(), Box<dyn Error>> {
        Err(ABSENT.into())
    }
}

#[cfg(feature = "sound")]
mod sound {
    use std::error::Error;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Args, Failed, Pattern};
    use crate::clock;
    use crate::config::{Config, SirenDevice};
    use crate::engine::SirenPattern;
    use crate::guard::siren::sound_card::{SoundCard, names, try_open};
    use crate::guard::siren::voices::Voices;
    use crate::guard::siren::{Sound, trial};
    use crate::store::audit::AuditEntry;
    use crate::store::{FILE_NAME, Store, in_use_by};

    /// How long a pattern that goes on for ever is sounded.
    const PATTERN_FOR: Duration = Duration::from_secs(4);

    /// The same when a name is spoken: it comes after two loops, and lasts at most 5 s.
    const NAME_FOR: Duration = Duration::from_secs(10);

    pub fn test(
        args: &Args,
        config: &Config,
        devices: &[SirenDevice],
    ) -> Result<(), Box<dyn Error>> {
        let voices = config.siren.voices.as_deref().map(Voices::load).transpose()?;
        let voices = Arc::new(voices.unwrap_or_default());
        let sound = wanted(args, &voices)?;
        let lasts = sound.lasts().unwrap_or(match args.zone {
            Some(_) => NAME_FOR,
            None => PATTERN_FOR,
        });
        let box_runs = in_use_by(&config.store.path);
        let (mut failed, mut entries) = (0, Vec::new());
        for device in devices {
            let tested = try_open(device).and_then(|granted| {
                let mut card = SoundCard::open(device, config.siren.volume, &voices)
                    .map_err(|error| error.to_string())?;
                let took = trial::of(&mut card, sound, lasts)?;
                Ok((granted, took))
            });
            let name = device.name();
            entries.push(entry(name, &tested));
            match tested {
                Ok((granted, took)) => println!(
                    "{name}: passed: {} ms of sound left within {} ms; {granted}",
                    lasts.as_millis(),
                    took.as_millis()
                ),
                Err(reason) => {
                    failed += 1;
                    println!("{name}: failed: {reason}");
                    if let Some(running) = &box_runs {
                        println!(
                            "  The box is running ({running}) and may hold the device. It tests \
                             its siren by itself, every day at {}; stop it to test by hand.",
                            config.siren.test.at.strftime("%H:%M")
                        );
                    }
                }
            }
        }
        keep(config, box_runs.as_deref(), &entries)?;
        match failed {
            0 => Ok(()),
            failed => Err(Failed(failed).into()),
        }
    }

    pub fn list() -> Result<(), Box<dyn Error>> {
        let names = names();
        if names.is_empty() {
            return Err("this machine has no sound device; connect one".into());
        }
        names.iter().for_each(|name| println!("{name}"));
        Ok(())
    }

    fn entry<T>(device: &str, tested: &Result<(T, Duration), String>) -> AuditEntry {
        let (action, detail) = match tested {
            Ok((_, took)) => ("siren_test_passed", format!("left within {} ms", took.as_millis())),
            Err(reason) => ("siren_test_failed", reason.clone()),
        };
        AuditEntry {
            at: clock::wall(),
            by: "console".into(),
            action: action.into(),
            subject: device.into(),
            detail,
        }
    }

    /// Into the audit log, where there is one and nobody else writes it.
    fn keep(
        config: &Config,
        box_runs: Option<&str>,
        entries: &[AuditEntry],
    ) -> Result<(), Box<dyn Error>> {
        let folder = &config.store.path;
        if let Some(running) = box_runs {
            println!(
                "Not in the audit log, which {running} has open: test on its page, Alarms, Siren, \
                 and it is written down who did."
            );
            return Ok(());
        }
        if !folder.join(FILE_NAME).exists() {
            println!("Not in the audit log: there is none yet in {}.", folder.display());
            return Ok(());
        }
        let mut store = Store::open(folder)?;
        for AuditEntry { at, by, action, subject, detail } in entries {
            store.append_audit(by, action, subject, detail, *at)?;
        }
        Ok(())
    }

    fn wanted(args: &Args, voices: &Voices) -> Result<Sound, String> {
        let voice = match &args.zone {
            None => None,
            Some(zone) => Some(voices.find(zone).ok_or_else(|| {
                format!("there is no recording {zone}.wav in the folder siren.voices")
            })?),
        };
        Ok(match args.pattern {
            _ if args.inaudible => Sound::InaudibleTest,
            Pattern::Emergency => Sound::Alarm(SirenPattern::Intrusion, voice),
            Pattern::Warning => Sound::Alarm(SirenPattern::Warning, voice),
            Pattern::Fault => Sound::Alarm(SirenPattern::Fault, voice),
            Pattern::AllClear => Sound::AllClear,
            Pattern::Test if voice.is_some() => Sound::Alarm(SirenPattern::Intrusion, voice),
            Pattern::Test => Sound::Test,
        })
    }
}
