//! Two models on recordings, by the real program: the worse one is refused with what it lost, the
//! equal one passes or is told what is missing, and what does not fit together is said.

#![cfg(feature = "vision")]

mod support;

#[path = "compare/footage.rs"]
mod footage;
#[path = "compare/quantized.rs"]
mod quantized;
#[path = "compare/tiny.rs"]
mod tiny;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::hostile::{self, Harm, Package, When};

/// Somebody everywhere in light pictures, and the same under another name.
pub fn seeing(name: &str) -> Package {
    hostile::package(name, 2, Harm::Everywhere, When::Light)
}

pub fn blind(name: &str) -> Package {
    hostile::package(name, 3, Harm::Nobody, When::Light)
}

/// A folder with a clip, its zones and its truth: black, then light with somebody inside, then black.
pub struct Scene {
    pub folder: tempfile::TempDir,
    pub clip: PathBuf,
    pub zones: PathBuf,
    pub truth: PathBuf,
}

/// Pictures before the light ones, at ten a second.
pub const DARK_BEFORE: u32 = 20;

impl Scene {
    pub fn new(light: u32) -> Scene {
        let folder = tempfile::tempdir().expect("a folder");
        let clip = clip(folder.path(), "gate.mp4", light);
        let zones = folder.path().join("yard.json");
        fs::write(&zones, YARD).expect("written");
        let truth = folder.path().join("truth.txt");
        fs::write(&truth, truth_of(DARK_BEFORE..DARK_BEFORE + light)).expect("written");
        Scene { folder, clip, zones, truth }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A clip with so many light pictures in the middle.
pub fn clip(folder: &Path, name: &str, light: u32) -> PathBuf {
    let path = folder.join(name);
    let caps = "video/x-raw,format=I420,width=320,height=240,framerate=10/1";
    let part = |pattern: &str, pictures: u32| {
        format!("videotestsrc {pattern} num-buffers={pictures} ! {caps} ! all. ")
    };
    support::make_clip(&format!(
        "concat name=all ! openh264enc gop-size=10 ! h264parse ! mp4mux ! filesink location={} {}{}{}",
        path.display(),
        part("pattern=black", DARK_BEFORE),
        part("pattern=solid-color foreground-color=0xff909090", light),
        part("pattern=black", 40),
    ));
    path
}

/// One person standing in the middle in these pictures, counted from 0.
pub fn truth_of(pictures: std::ops::Range<u32>) -> String {
    let mut text = String::new();
    for picture in pictures {
        writeln!(text, "{},1,150,80,30,80,1,-1,-1,-1", picture + 1).expect("a string");
    }
    text
}

pub const YARD: &str = r#"{"type": "FeatureCollection", "name": "yard", "features": [{
  "type": "Feature",
  "properties": {"id": "yard", "name": "Yard", "kind": "restricted"},
  "geometry": {"type": "Polygon",
    "coordinates": [[[0.01, 0.01], [0.99, 0.01], [0.99, 0.99], [0.01, 0.99], [0.01, 0.01]]]}
}]}"#;

/// `standclear model …`.
pub fn model(args: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_standclear"))
        .arg("model")
        .args(args.iter().map(|arg| arg.as_ref()))
        .current_dir(support::root())
        .output()
        .expect("the program starts")
}

pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
