//! What the vision tests share: footage, the model, clips made by GStreamer itself.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod hostile;
pub mod onnx;

use std::fmt::Display;
use std::fs;
use std::num::NonZeroU16;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use standclear::vision::inference::{Detector, GoldenCheck, Options, Provider};
use standclear::vision::package::ModelPackage;
use standclear::vision::preprocess::Fit;

/// Longest wait for anything in these tests.
pub const SOON: Duration = Duration::from_secs(30);

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Resident memory of a process, its id or `self`, kilobytes; `None` when it is gone.
pub fn resident_kb(process: impl Display) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// The walkway footage that `scripts/setup` fetches.
pub fn footage() -> PathBuf {
    let named = std::env::var_os("STANDCLEAR_FOOTAGE").map(PathBuf::from);
    let path = named.unwrap_or_else(|| root().join(".deps/footage/vtest.avi"));
    assert!(path.is_file(), "{} is missing: run scripts/setup", path.display());
    path
}

pub fn model_dir() -> PathBuf {
    root().join("models/nanodet-g-416-int8")
}

pub fn options(golden: GoldenCheck) -> Options {
    Options {
        threads: NonZeroU16::new(2).expect("not zero"),
        long_side_px: None,
        provider: Provider::Cpu,
        golden,
    }
}

pub fn detector() -> Detector {
    let package = ModelPackage::open(&model_dir()).expect("the package is whole");
    Detector::load(&package, &options(GoldenCheck::Skip)).expect("the model loads")
}

pub fn fit() -> Fit {
    Fit::new(320, 32)
}

/// Runs a pipeline description to its end.
pub fn make_clip(description: &str) {
    gst::init().expect("GStreamer starts");
    play(&gst::parse::launch(description).expect("the description is right"));
}

fn play(pipeline: &gst::Element) {
    pipeline.set_state(gst::State::Playing).expect("starts");
    let bus = pipeline.bus().expect("a pipeline has a bus");
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus
        .timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds)
        .expect("the clip is made in time");
    if let gst::MessageView::Error(error) = message.view() {
        panic!("{}: {:?}", error.error(), error.debug());
    }
    pipeline.set_state(gst::State::Null).expect("stops");
}

/// Pictures a second of the walkway footage.
const FOOTAGE_FPS: u64 = 10;

/// These pictures of the walkway footage as a clip, to be played again and again.
pub fn part_of_footage(folder: &Path, name: &str, pictures: Range<u64>) -> PathBuf {
    gst::init().expect("GStreamer starts");
    let path = folder.join(name);
    let description = format!(
        "filesrc location={} ! decodebin ! videoconvert ! video/x-raw,format=I420 ! \
         identity name=cut eos-after={} ! openh264enc gop-size=10 bitrate=4000000 ! h264parse ! \
         mp4mux ! filesink location={}",
        footage().display(),
        pictures.end,
        path.display()
    );
    let pipeline = gst::parse::launch(&description).expect("the description is right");
    let bin = pipeline.clone().downcast::<gst::Bin>().expect("a pipeline is a bin");
    let pad = bin.by_name("cut").and_then(|cut| cut.static_pad("src")).expect("a pad");
    let (seen, before) = (AtomicU64::new(0), gst::ClockTime::SECOND * pictures.start / FOOTAGE_FPS);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if seen.fetch_add(1, Ordering::Relaxed) < pictures.start {
            return gst::PadProbeReturn::Drop;
        }
        let buffer = info.buffer_mut().expect("a picture").make_mut();
        let earlier = |at: gst::ClockTime| at.saturating_sub(before);
        let (pts, dts) = (buffer.pts().map(earlier), buffer.dts().map(earlier));
        buffer.set_pts(pts);
        buffer.set_dts(dts);
        gst::PadProbeReturn::Ok
    });
    play(&pipeline);
    path
}

/// A folder with all in it, somewhere else.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let (path, into) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &into),
            false => drop(fs::copy(&path, &into).expect("copied")),
        }
    }
}

/// A clip of moving balls, 320x240 at 10 pictures a second.
pub fn clip(folder: &Path, name: &str, pictures: u32, muxer: &str) -> PathBuf {
    let path = folder.join(name);
    make_clip(&format!(
        "videotestsrc pattern=ball num-buffers={pictures} ! \
         video/x-raw,width=320,height=240,framerate=10/1 ! openh264enc gop-size=10 ! \
         h264parse ! {muxer} ! \
         filesink location={}",
        path.display()
    ));
    path
}

/// Cuts a file to a share of its length.
pub fn cut(path: &Path, share: f64) -> PathBuf {
    let bytes = std::fs::read(path).expect("readable");
    let length = (bytes.len() as f64 * share) as usize;
    let cut = path
        .with_extension(format!("cut.{}", path.extension().unwrap_or_default().to_string_lossy()));
    std::fs::write(&cut, &bytes[..length]).expect("written");
    cut
}
