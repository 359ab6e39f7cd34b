//! The box with cameras of the test, as latency is measured: configuration, zones, store and port in a
//! folder.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use standclear::clock;
use standclear::engine::time::Instant;

use crate::camera::{Camera, FPS};
use crate::running::{Running, STARTS_WITHIN};
use crate::yard;

pub struct Service(Running);

impl Deref for Service {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.0
    }
}

impl Service {
    /// Starts it with these cameras; `settings` are added to its configuration.
    pub fn start(folder: &Path, store: &Path, cameras: &[Camera], settings: &str) -> Service {
        let config = write_config(folder, store, cameras, settings);
        // At normal priority, whatever the test itself runs at: what the box may have it must ask for.
        let mut wrapper = Command::new("chrt");
        wrapper.args(["--other", "0"]);
        // `chrt` becomes the program.
        Service(Running::start(wrapper, &config, "Latency", Some))
    }

    /// All cameras are watched and nobody is in sight.
    pub fn wait_calm(&self) {
        self.wait("all zones are watched and clear", STARTS_WITHIN, |state| {
            let zones = state["zones"].as_array().map_or(&[][..], Vec::as_slice);
            !zones.is_empty() && zones.iter().all(|zone| zone["state"] == "clear")
        });
    }

    pub fn stop(&mut self) {
        self.0.stop();
    }
}

pub fn zone_of(camera: usize) -> String {
    format!("yard-{camera}")
}

fn write_config(folder: &Path, store: &Path, cameras: &[Camera], settings: &str) -> PathBuf {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut text = format!(
        "[site]\nname = \"Latency\"\ntime_zone = \"UTC\"\n[model]\nfolder = {models:?}\n\
         [store]\npath = {store:?}\n[web]\nlisten = \"127.0.0.1:0\"\n\
         [walk_test]\nrequired = false\n{settings}\n"
    );
    for (number, camera) in cameras.iter().enumerate() {
        let (zone, description) = (zone_of(number), camera.description());
        let zones = format!("{zone}.json");
        let coordinates = yard::zone();
        let document = format!(
            r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":
            {{"id":"{zone}","name":"Yard {number}","kind":"restricted"}},"geometry":
            {{"type":"MultiPolygon","coordinates":{coordinates}}}}}]}}"#
        );
        fs::write(folder.join(&zones), document).expect("a zone file");
        text += &format!(
            "[[camera]]\nid = \"{zone}\"\nname = \"Yard {number}\"\n\
             source = {{ gst = {description:?} }}\nzones = {zones:?}\nfps = {FPS}\n"
        );
    }
    let file = folder.join("standclear.toml");
    fs::write(&file, text).expect("a configuration");
    file
}

/// The instant of a time that the API said, by today's difference of the two clocks.
pub fn instant_of(said: &Value) -> Option<Instant> {
    let then: jiff::Timestamp = said.as_str()?.parse().ok()?;
    let age = clock::wall().duration_since(then);
    Some(clock::monotonic().before(Duration::try_from(age).ok()?))
}
