//! The box with network cameras, as the soak runs it.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::running::{Running, STARTS_WITHIN};
use crate::support;
use crate::{FPS, process};

/// What plays the siren.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// A sound card that nobody hears (`tests/siren/record`).
    Recorded,
    /// There is none here, which is a fault of the box, and the only one that is expected.
    None,
}

pub struct Service {
    running: Running,
    pub sound: Sound,
}

impl Deref for Service {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

impl Service {
    /// Starts it with a camera for each source, as the configuration writes them.
    pub fn start(folder: &Path, cameras: &[String]) -> Service {
        let record = support::root().join("tests/siren/record");
        let can = Command::new(&record).arg("true").stderr(Stdio::null()).status();
        let sound = match can.is_ok_and(|status| status.success()) {
            true => Sound::Recorded,
            false => Sound::None,
        };
        let config = write_config(folder, cameras, sound);
        let wrapper = match sound {
            Sound::Recorded => Command::new(record),
            Sound::None => Command::new("env"),
        };
        let guard = |root| process::started_as("run", root);
        Service { running: Running::start(wrapper, &config, "Soak", guard), sound }
    }

    /// Until every camera is watched.
    pub fn wait_watched(&self) {
        self.wait("all cameras are watched", STARTS_WITHIN, |state| {
            let cameras = state["cameras"].as_array().map_or(&[][..], Vec::as_slice);
            !cameras.is_empty() && cameras.iter().all(|camera| camera["state"] == "watched")
        });
    }

    /// The guard and the vision process.
    pub fn processes(&self) -> Option<(u32, u32)> {
        let root = self.id();
        Some((process::started_as("run", root)?, process::started_as("vision", root)?))
    }
}

fn write_config(folder: &Path, cameras: &[String], sound: Sound) -> PathBuf {
    let models = support::root().join("models");
    let device = match sound {
        Sound::Recorded => "default",
        Sound::None => "none",
    };
    let mut text = format!(
        "[site]\nname = \"Soak\"\ntime_zone = \"UTC\"\n[model]\nfolder = {models:?}\n\
         [store]\npath = \"data\"\n[web]\nlisten = \"127.0.0.1:0\"\n\
         [walk_test]\nrequired = false\n[siren]\ndevice = \"{device}\"\n"
    );
    let zones = fs::read_to_string(support::root().join("zones/yard-east.json")).expect("zones");
    for (number, source) in cameras.iter().enumerate() {
        let file = format!("yard-{number}.json");
        let named = zones.replace("excavation", &format!("excavation-{number}"));
        let named = named.replace("gate-road", &format!("gate-road-{number}"));
        fs::write(folder.join(&file), named).expect("a zone file");
        text += &format!(
            "[[camera]]\nid = \"yard-{number}\"\nname = \"Yard {number}\"\n\
             source = {source}\nzones = {file:?}\nfps = {FPS}\n"
        );
    }
    let file = folder.join("standclear.toml");
    fs::write(&file, text).expect("a configuration");
    file
}
