//! The whole way of a camera that is turned while the box is off: the real vision process, the real
//! store, pictures with faults painted into them.

#[path = "guard/site.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod site;
mod support;
#[path = "guard/worker.rs"]
mod worker;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, RgbImage};
use standclear::clock;
use standclear::config::Config;
use standclear::engine::{AlarmState, ZoneState};
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::{Onlooker, Pictured, ReferenceWhy, ViewFault, ViewPicture};
use standclear::integrity::faults::{FaultKind, FaultSpan};
use standclear::link::Ending;
use standclear::vision::ingest::file::{FileOptions, FileSource};
use standclear::vision::ingest::{FrameSource, Pace, Polled};
use standclear::vision::preprocess::Fit;

use site::{SirenNotes, blind, wait_alarm, wait_for, wait_until};

/// Pictures a second, and how many of the footage are shown: to its end, and then again.
const FPS: u32 = 5;
const PICTURES: usize = 150;

/// A view is known after some twenty seconds; a busy machine takes longer.
const SETTLED_MAX: Duration = Duration::from_secs(90);

/// What the camera shows from now on: the walkway with these faults, as a video.
fn camera(folder: &Path, faults: Vec<FaultSpan>) {
    let options = FileOptions {
        fit: Fit::new(416, 32),
        pace: Pace::AsFast,
        ending: Ending::Stop,
        fps: Some(f64::from(FPS)),
    };
    let mut source =
        FileSource::open_faulty(&support::footage(), options, faults).expect("it opens");
    let pictures = folder.join("pictures");
    fs::create_dir_all(&pictures).expect("made");
    let mut number = 0;
    while number < PICTURES
        && let Polled::Frame(frame) = source.next(support::SOON).expect("it plays")
    {
        let picture = frame.picture.as_ref().expect("usable");
        let rgb: Vec<u8> = picture
            .rows()
            .flat_map(|row| row.chunks(3))
            .flat_map(|pixel| [pixel[2], pixel[1], pixel[0]])
            .collect();
        let (width, height) = (picture.width() as u32, picture.height() as u32);
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 95)
            .encode(&rgb, width, height, ExtendedColorType::Rgb8)
            .expect("a JPEG");
        fs::write(pictures.join(format!("{number:05}.jpg")), jpeg).expect("written");
        number += 1;
    }
    support::make_clip(&format!(
        "multifilesrc location={}/%05d.jpg stop-index={} caps=image/jpeg,framerate={FPS}/1 ! \
         jpegdec ! videoconvert ! video/x-raw,format=I420 ! \
         openh264enc gop-size=10 bitrate=4000000 ! h264parse ! matroskamux ! filesink location={}",
        pictures.display(),
        number - 1,
        folder.join("camera.mkv").display(),
    ));
}

/// A box with the real vision process and one zone in the picture.
fn start(folder: &Path) -> Guard {
    let zone = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
        "properties":{"id":"bay","name":"Bay","kind":"restricted"},
        "geometry":{"type":"Polygon","coordinates":[[[0,0],[0.1,0],[0.1,0.1],[0,0.1],[0,0]]]}}]}"#;
    fs::write(folder.join("yard.json"), zone).expect("a zone file");
    let text = format!(
        r#"
        site = {{ name = "Test", time_zone = "UTC" }}
        web.listen = "127.0.0.1:0"
        model = {{ folder = "{}", input_long_side = 416 }}
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ file = "camera.mkv" }}
        zones = "yard.json"
        fps = {FPS}.0
        "#,
        support::root().join("models").display()
    );
    let config = Config::parse(&folder.join("standclear.toml"), &text).expect("valid");
    let vision = vec![env!("CARGO_BIN_EXE_standclear").into(), "vision".into()];
    let parts = Parts { siren: Box::new(SirenNotes::default()), worker_command: vision };
    Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"))
}

fn picture(guard: &Guard, which: ViewPicture) -> RgbImage {
    let jpeg = wait_for("a picture", || {
        guard.handle().view_desk().view_picture("yard", which, Onlooker::Anybody)
    });
    image::load_from_memory(&jpeg).expect("a JPEG").into_rgb8()
}

/// Not a test of its own: the vision process of other tests that share this file.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}

#[test]
fn a_camera_that_was_turned_while_the_box_was_off_is_unknown_and_an_alarm_with_both_pictures() {
    let folder = tempfile::tempdir().expect("a folder");
    camera(folder.path(), Vec::new());
    let guard = start(folder.path());
    let until = clock::monotonic().after(SETTLED_MAX);
    let pictured = || {
        let facts = guard.handle().view_desk().view_facts("yard").expect("a camera");
        facts.pictures.0 == Pictured::Yes
    };
    while !pictured() {
        assert!(clock::monotonic() < until, "no reference within {SETTLED_MAX:?}");
        thread::park_timeout(Duration::from_millis(50));
    }
    guard.stop();

    let kind = FaultKind::Shift;
    let always = FaultSpan { kind, from: Duration::ZERO, to: Duration::from_secs(3600) };
    camera(folder.path(), vec![always]);
    let guard = start(folder.path());
    let alarm = wait_alarm(&guard, blind, AlarmState::Unacknowledged);
    let now = wait_until(&guard, "what is wrong with the view", |now| {
        let trouble = now.cameras[0].view.trouble.as_ref();
        trouble.is_some_and(|trouble| trouble.fault == ViewFault::Moved)
    });
    println!("{}; {:?}", alarm.text, now.cameras[0].view);
    assert!(matches!(now.zones[0].state, ZoneState::Unknown(_)), "{:?}", now.zones[0].state);
    let shift = now.cameras[0].view.shift.expect("how far");
    // Ten pixels of 1920 to the right.
    assert!((shift.x_norm * 1920.0 - 10.0).abs() < 3.0, "{shift:?}");
    assert!(shift.y_norm.abs() * 1920.0 < 3.0, "{shift:?}");
    let facts = guard.handle().view_desk().view_facts("yard").expect("a camera");
    assert_eq!(facts.reference.expect("kept").why, ReferenceWhy::First);
    let (reference, trouble) =
        (picture(&guard, ViewPicture::Reference), picture(&guard, ViewPicture::Trouble));
    assert_eq!(reference.dimensions(), trouble.dimensions());
    guard.stop();
}
