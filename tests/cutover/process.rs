//! A real vision process, and this end of its link.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use standclear::link::{
    self, DecoderChoice, DetailChoice, Ending, FromWorker, LinkError, ModelChoice, RingBounds,
    Source, ToWorker, WorkerCamera, WorkerConfig, WorkerRole,
};

use crate::support;

pub struct Vision {
    child: Child,
    link: UnixStream,
}

impl Vision {
    pub fn start(config: WorkerConfig) -> Vision {
        let (link, theirs) = UnixStream::pair().expect("a socket pair");
        link.set_read_timeout(Some(support::SOON)).expect("settable");
        let child = Command::new(env!("CARGO_BIN_EXE_standclear"))
            .arg("vision")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .expect("it starts");
        let vision = Vision { child, link };
        vision.send(&ToWorker::Start(config));
        vision
    }

    pub fn send(&self, message: &ToWorker) {
        link::send(&self.link, message).expect("the process reads");
    }

    /// Reads on until `wanted` gives something.
    #[track_caller]
    pub fn until<T>(&self, mut wanted: impl FnMut(FromWorker) -> Option<T>) -> T {
        loop {
            let message = link::receive(&self.link).expect("the process writes");
            if let Some(found) = wanted(message) {
                return found;
            }
        }
    }

    /// What it says within this; `None`: nothing.
    pub fn silent_for(&self, wait: Duration) -> Option<FromWorker> {
        self.link.set_read_timeout(Some(wait)).expect("settable");
        let said = match link::receive(&self.link) {
            Ok(message) => Some(message),
            Err(LinkError::Io(_)) => None,
            Err(error) => panic!("{error}"),
        };
        self.link.set_read_timeout(Some(support::SOON)).expect("settable");
        said
    }

    pub fn stop(mut self) {
        self.send(&ToWorker::Stop);
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}");
    }

    pub fn kill(mut self) {
        self.child.kill().expect("it is there");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Vision {
    fn drop(&mut self) {
        // Ended already, after a test that passed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn choice(slot: &str, dir: &Path) -> ModelChoice {
    ModelChoice { slot: slot.into(), dir: dir.display().to_string() }
}

pub fn shipped() -> ModelChoice {
    choice("shipped", &support::model_dir())
}

/// Another architecture, of one small size.
pub fn other_model() -> PathBuf {
    support::root().join("models/ssdlite-person-300-int8")
}

/// So many cameras that show the walkway.
pub fn config(models: Vec<ModelChoice>, cameras: usize, fps: f64) -> WorkerConfig {
    let camera = |number: usize| WorkerCamera {
        id: format!("walkway-{number}"),
        source: Source::File {
            path: support::footage().display().to_string(),
            ending: Ending::Loop,
        },
        fps,
        decoder: DecoderChoice::Auto,
    };
    WorkerConfig {
        models,
        role: WorkerRole::Active,
        threads: 1,
        input_long_side_px: None,
        provider: "cpu".into(),
        cameras: (0..cameras).map(camera).collect(),
        detail: DetailChoice::Off,
        ring: RingBounds { seconds: 50, bytes_max: 16 * 1024 * 1024 },
    }
}

/// Flips a bit.
pub fn damage(file: &Path) {
    let mut bytes = fs::read(file).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("written");
}
