//! `standclear doctor`: everything that guarding needs, checked one by one.
//!
//! Each line is `OK`, `WARN` or `FAIL`, then what was found and what to do. A check never changes
//! anything but a probe file in the store's folder, and none sounds the siren. Beside the box that it
//! looks at, what that box has for itself is no failure.
//!
//! Not here: whether the zones are right; that takes a walk through them.

mod models;
mod outside;
mod secrets;

use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use crate::config::{Config, Relay, SirenDevice};
use crate::guard::app::load_zones;
use crate::guard::relay;
use crate::guard::siren::voices::Voices;
use crate::store::{FREE_BYTES_ADVISED, in_use_by};
use crate::telemetry::chain;

/// Name of the file that is written and removed to see whether the store's folder takes data.
const PROBE_FILE: &str = ".standclear-doctor";

/// Check everything that guarding needs.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

/// At least one check failed; the lines above say which.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{failed} of the checks failed: the box cannot guard like this")]
    CannotGuard { failed: usize },
    #[error("{failed} of the checks failed: the box guards, but {}", .lost.join("; "))]
    Guards { failed: usize, lost: Vec<String> },
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Finding {
    Ok(String),
    Warn(String),
    Fail(String),
}

struct Check {
    name: String,
    finding: Finding,
}

/// Prints all checks.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut report = Report::default();
    match Config::load(&args.config) {
        Ok(config) => {
            report.add("configuration", Finding::Ok(config.file.display().to_string()));
            check_all(&config, &mut report);
        }
        Err(error) => report.add("configuration", Finding::Fail(chain(&error))),
    }
    Ok(report.outcome()?)
}

fn check_all(config: &Config, report: &mut Report) {
    vision::libraries(report);
    vision::model(config, report);
    report.add("model that guards", models::guarding(config));
    for camera in &config.cameras {
        report.add(format!("camera {}", camera.id), vision::camera(camera));
    }
    report.add("zones", zones(config));
    report.add_beside("siren", siren(config), "the siren does not sound on its device");
    if let Some(fallback) = &config.siren.fallback {
        let lost = "the siren has no second device";
        report.add_beside("siren fallback", sound_card(config, fallback), lost);
    }
    if let Some(folder) = &config.siren.voices {
        report.add("siren voices", voices(config, folder));
    }
    for relay in &config.relays {
        let lost = format!("the relay {} does not work", relay.name);
        report.add_beside(format!("relay {}", relay.name), relay_device(config, relay), lost);
    }
    outside::check(config, report);
    secrets::check(config, report);
    report.add("store", store(&config.store.path));
    report.add("page", address(config, config.web.listen, "web.listen"));
    report.add("handhelds", handhelds(config));
}

fn zones(config: &Config) -> Finding {
    match load_zones(config) {
        Ok(zones) if zones.infos.is_empty() => {
            Finding::Fail("no camera has a zone; draw at least one".into())
        }
        Ok(zones) => Finding::Ok(format!("{} zones", zones.infos.len())),
        Err(error) => Finding::Fail(chain(&error)),
    }
}

fn handhelds(config: &Config) -> Finding {
    let Some(handhelds) = &config.handhelds else {
        return Finding::Warn(
            "no [handhelds]: alarms are heard on the siren and seen on the page only".into(),
        );
    };
    match address(config, handhelds.listen, "handhelds.listen") {
        Finding::Ok(text) if handhelds.listen.ip().is_loopback() => Finding::Warn(format!(
            "{text}; no phone reaches a loopback address: write one of this machine's, or \
             \"0.0.0.0:{}\", as handhelds.listen",
            handhelds.listen.port()
        )),
        found => found,
    }
}

/// Whether an address can be listened on.
fn address(config: &Config, address: SocketAddr, key: &str) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::Ok(format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match in_use_by(&config.store.path) {
                Some(running) => {
                    Finding::Ok(format!("{address} is in use by the running box: {running}"))
                }
                None => Finding::Fail(format!(
                    "{address} is used by another program; write another port as {key}"
                )),
            }
        }
        Err(error) => Finding::Fail(format!("{address} cannot be used: {error}")),
    }
}

fn store(path: &Path) -> Finding {
    let written = fs::create_dir_all(path).and_then(|()| probe_disk(path));
    if let Err(error) = written {
        return Finding::Fail(format!(
            "{} does not take data: {error}; free or repair the disk, or write another store.path",
            path.display()
        ));
    }
    match rustix::fs::statvfs(path) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let megabytes = free / (1024 * 1024);
            let text = format!("{}, {megabytes} MB free", path.display());
            if free < FREE_BYTES_ADVISED {
                let advised = FREE_BYTES_ADVISED / (1024 * 1024);
                Finding::Warn(format!("{text}; at least {advised} MB are advised"))
            } else {
                Finding::Ok(text)
            }
        }
        Err(error) => Finding::Warn(format!("{}: free space unknown: {error}", path.display())),
    }
}

fn probe_disk(folder: &Path) -> io::Result<()> {
    let file = folder.join(PROBE_FILE);
    let mut probe = File::create(&file)?;
    let written = probe.write_all(b"standclear").and_then(|()| probe.sync_all());
    drop(probe);
    fs::remove_file(&file)?;
    written
}

fn siren(config: &Config) -> Finding {
    if config.siren.device == SirenDevice::None {
        return Finding::Warn("siren.device is \"none\": nobody will hear an alarm".into());
    }
    sound_card(config, &config.siren.device)
}

/// Nothing is switched.
fn relay_device(config: &Config, relay: &Relay) -> Finding {
    match relay::probe(relay) {
        Ok(found) => match relay::caution(relay) {
            Some(caution) => Finding::Warn(format!("{found}; {caution}")),
            None => Finding::Ok(format!("{found}; {}", relay::when_killed(relay))),
        },
        // A serial line takes one program.
        Err(error) if in_use_by(&config.store.path).is_some() => Finding::Warn(format!(
            "{}; perhaps because the running box has it; its page says whether it works",
            chain(&error)
        )),
        Err(error) => Finding::Fail(chain(&error)),
    }
}

/// The recordings of zone names: each must be fit, and belong to a zone.
fn voices(config: &Config, folder: &Path) -> Finding {
    let voices = match Voices::load(folder) {
        Ok(voices) => voices,
        Err(error) => return Finding::Fail(chain(&error)),
    };
    let infos = load_zones(config).map(|zones| zones.infos).unwrap_or_default();
    let stray: Vec<&str> =
        voices.zones().filter(|id| !infos.iter().any(|zone| zone.id == *id)).collect();
    let silent: Vec<&str> =
        infos.iter().map(|zone| zone.id.as_str()).filter(|id| voices.find(id).is_none()).collect();
    let text = format!("{}; {}", names(voices.zones().count()), only_tones(&silent));
    if stray.is_empty() {
        return Finding::Ok(text);
    }
    Finding::Warn(format!("{text}; no zone is called {}", stray.join(", ")))
}

fn names(count: usize) -> String {
    match count {
        1 => "1 name".into(),
        count => format!("{count} names"),
    }
}

/// Which zones have no name that is spoken.
fn only_tones(zones: &[&str]) -> String {
    match zones {
        [] => "every zone has one".into(),
        [zone] => format!("the zone {zone} has only tones"),
        zones => format!("the zones {} have only tones", zones.join(", ")),
    }
}

#[cfg(feature = "sound")]
fn sound_card(config: &Config, device: &SirenDevice) -> Finding {
    use crate::guard::siren::sound_card::{offered, try_open};
    use crate::guard::siren::trial;

    let granted = match try_open(device) {
        Ok(granted) => granted,
        Err(reason) if in_use_by(&config.store.path).is_some() => {
            return Finding::Warn(format!(
                "{:?}: not opened ({reason}), perhaps because the running box has it; its page \
                 says whether its siren works",
                device.name()
            ));
        }
        Err(reason) => {
            return Finding::Fail(format!(
                "{:?}: no sound: {reason}; connect a sound device, or name another one: {}",
                device.name(),
                offered()
            ));
        }
    };
    match trial::in_silence(device) {
        Ok(_took) => Finding::Ok(format!("{:?}: {granted}", device.name())),
        Err(reason) => Finding::Fail(format!(
            "{:?}: no sound: {reason}; name a device with a loudspeaker behind it: {}",
            device.name(),
            offered()
        )),
    }
}

#[cfg(not(feature = "sound"))]
fn sound_card(_config: &Config, _device: &SirenDevice) -> Finding {
    Finding::Fail("this program was built without sound; build it with the feature `sound`".into())
}

#[cfg(feature = "vision")]
mod vision {
    use std::path::Path;

    use super::{Finding, Report};
    use crate::config::{Camera, Config};
    use crate::link::{DetailChoice, Source};
    use crate::telemetry::chain;
    use crate::vision::probe::{self, Presence, ProbeError, Seen};

    pub fn libraries(report: &mut Report) {
        report.add(
            "ONNX Runtime",
            match probe::runtime() {
                Ok(runtime) => {
                    Finding::Ok(format!("{} ({})", runtime.version, runtime.path.display()))
                }
                Err(error) => Finding::Fail(chain(&error)),
            },
        );
        report.add(
            "GStreamer",
            match probe::gstreamer_elements() {
                Ok(elements) => {
                    let gone = |e: &probe::Element| e.presence == Presence::Missing;
                    let mut packages: Vec<&str> =
                        elements.iter().filter(|e| gone(e)).map(|e| e.package).collect();
                    packages.dedup();
                    if packages.is_empty() {
                        Finding::Ok(probe::gstreamer_version().unwrap_or_default())
                    } else {
                        Finding::Fail(format!("install {}", packages.join(" ")))
                    }
                }
                Err(error) => Finding::Fail(chain(&error)),
            },
        );
        report.add("video decoders", decoders());
    }

    /// The first of each is taken unless `source.decoder` says otherwise.
    fn decoders() -> Finding {
        let all = match probe::decoders() {
            Ok(all) => all,
            Err(error) => return Finding::Fail(chain(&error)),
        };
        let of = |(codec, names): &(&str, Vec<&str>)| match names.as_slice() {
            [] => format!("none for {codec}"),
            names => format!("{codec}: {}", names.join(", ")),
        };
        let text = all.iter().map(of).collect::<Vec<_>>().join("; ");
        match all.iter().any(|(_, names)| names.is_empty()) {
            true => Finding::Warn(text),
            false => Finding::Ok(text),
        }
    }

    pub fn model(config: &Config, report: &mut Report) {
        let folder = config.model.dir.display().to_string();
        report.add(
            "model",
            match probe::model(&folder, &config.model.provider) {
                Ok(model) => {
                    let closer = match config.model.detail {
                        DetailChoice::Off => "",
                        DetailChoice::Zones => {
                            "; looks closer around zones, and the page says at each camera's zones \
                             when there is no time for it"
                        }
                    };
                    let (name, version, on) = (&model.name, &model.version, &model.provider);
                    Finding::Ok(format!("{name} {version} on {on}{closer}"))
                }
                Err(error) => Finding::Fail(chain(&error)),
            },
        );
    }

    pub fn camera(camera: &Camera) -> Finding {
        match &camera.source {
            Source::File { path, .. } => match probe::file(Path::new(path)) {
                Ok(size) => {
                    Finding::Ok(format!("{path}, {}×{}", size.width_px(), size.height_px()))
                }
                Err(error) => Finding::Fail(chain(&error)),
            },
            Source::Test { pattern } => {
                Finding::Warn(format!("a test pattern ({pattern}), no camera"))
            }
            Source::Gst { description } => seen(probe::described(description)),
            Source::Rtsp(rtsp) => seen(probe::rtsp(rtsp, camera.decoder)),
            Source::HttpMjpeg(mjpeg) => seen(probe::mjpeg(mjpeg, camera.decoder)),
            Source::V4l2(v4l2) => seen(probe::v4l2(v4l2, camera.decoder)),
        }
    }

    fn seen(seen: Result<Seen, ProbeError>) -> Finding {
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return Finding::Fail(chain(&error)),
        };
        let size = format!("{}×{}", seen.size.width_px(), seen.size.height_px());
        let text = format!("{size}, {}", seen.stream);
        match seen.stream.clock_refused {
            Some(refused) => Finding::Warn(format!("{text}; {refused}")),
            None => Finding::Ok(text),
        }
    }
}

#[cfg(not(feature = "vision"))]
mod vision {
    use super::{Finding, Report};
    use crate::config::{Camera, Config};

    const ABSENT: &str =
        "this program was built without vision; build it with the feature `vision`";

    pub fn libraries(report: &mut Report) {
        report.add("vision", Finding::Fail(ABSENT.into()));
    }

    pub fn model(_config: &Config, _report: &mut Report) {}

    pub fn camera(_camera: &Camera) -> Finding {
        Finding::Warn("not looked at: built without vision".into())
    }
}

/// Prints checks as they are made, and counts.
#[derive(Default)]
struct Report {
    failed: usize,
    /// What a box that guards would lack, of the checks that failed.
    lost: Vec<String>,
}

impl Report {
    /// A check without which there is no guarding.
    fn add(&mut self, name: impl Into<String>, finding: Finding) {
        if matches!(finding, Finding::Fail(_)) {
            self.failed += 1;
        }
        println!("{}", Check { name: name.into(), finding });
    }

    /// A check that may fail in a box that guards, which then lacks this.
    fn add_beside(&mut self, name: impl Into<String>, finding: Finding, lost: impl Into<String>) {
        if matches!(finding, Finding::Fail(_)) {
            self.lost.push(lost.into());
        }
        self.add(name, finding);
    }

    fn outcome(self) -> Result<(), Failed> {
        let Report { failed, lost } = self;
        match failed {
            0 => Ok(()),
            failed if failed == lost.len() => Err(Failed::Guards { failed, lost }),
            failed => Err(Failed::CannotGuard { failed }),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, text) = match &self.finding {
            Finding::Ok(text) => ("OK", text),
            Finding::Warn(text) => ("WARN", text),
            Finding::Fail(text) => ("FAIL", text),
        };
        write!(f, "{word:<5} {:<18} {text}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(report: Report) -> String {
        report.outcome().expect_err("something failed").to_string()
    }

    #[test]
    fn a_relay_or_channel_that_fails_is_not_said_to_keep_the_box_from_guarding() {
        let fail = || Finding::Fail("no answer".into());
        let mut report = Report::default();
        report.add("store", Finding::Ok("there".into()));
        report.add_beside("relay horn", fail(), "the relay horn does not work");
        report.add_beside("siren", Finding::Ok("there".into()), "the siren does not sound");
        let text = said(report);
        assert!(text.contains("the box guards, but the relay horn does not work"), "{text}");
        assert!(!text.contains("siren"), "{text}");
        let mut report = Report::default();
        report.add("model", fail());
        report.add_beside("relay horn", fail(), "the relay horn does not work");
        assert_eq!(said(report), "2 of the checks failed: the box cannot guard like this");
    }

    #[test]
    fn zones_without_a_spoken_name_are_named() {
        assert_eq!(only_tones(&[]), "every zone has one");
        assert_eq!(only_tones(&["bay"]), "the zone bay has only tones");
        assert_eq!(only_tones(&["bay", "dock"]), "the zones bay, dock have only tones");
        assert_eq!((names(1), names(2)), ("1 name".into(), "2 names".into()));
    }
}
