//! The whole way on footage: the real vision process, an incident, a clip that plays.

#[path = "guard/site.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod site;
mod support;
#[path = "guard/worker.rs"]
mod worker;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use standclear::clock;
use standclear::config::Config;
use standclear::engine::AlarmState;
use standclear::guard::app::{Guard, Parts};
use standclear::link::Ending;
use standclear::store::Store;
use standclear::store::check::{Finding, check};
use standclear::vision::ingest::file::{FileOptions, FileSource};
use standclear::vision::ingest::{FrameSource, Pace, Polled};

use site::{SirenNotes, intrusion, wait_alarm};

/// So long an empty yard is seen before the footage begins.
const EMPTY: Duration = Duration::from_secs(3);

/// Three seconds of grey, then the footage, encoded as a camera would.
fn camera(folder: &Path) {
    support::make_clip(&format!(
        "concat name=all ! videoconvert ! openh264enc gop-size=10 bitrate=2000000 ! h264parse ! \
         matroskamux ! filesink location={} \
         videotestsrc pattern=white num-buffers={} ! \
         video/x-raw,format=I420,width=768,height=576,framerate=10/1 ! all. \
         filesrc location={} ! decodebin ! videoconvertscale ! \
         video/x-raw,format=I420,width=768,height=576 ! all.",
        folder.join("camera.mkv").display(),
        EMPTY.as_secs() * 10,
        support::footage().display(),
    ));
}

/// A box with the real vision process and one zone over the whole picture.
fn start(folder: &Path) -> Guard {
    let zone = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
        "properties":{"id":"bay","name":"Bay","kind":"restricted"},
        "geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}]}"#;
    fs::write(folder.join("yard.json"), zone).expect("a zone file");
    let text = format!(
        r#"
        site = {{ name = "Test", time_zone = "UTC" }}
        web.listen = "127.0.0.1:0"
        model = {{ folder = "{}", input_long_side = 320 }}
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ file = "camera.mkv" }}
        zones = "yard.json"
        fps = 5.0
        "#,
        support::root().join("models").display()
    );
    let config = Config::parse(&folder.join("standclear.toml"), &text).expect("valid");
    let vision = vec![env!("CARGO_BIN_EXE_standclear").into(), "vision".into()];
    let parts = Parts { siren: Box::new(SirenNotes::default()), worker_command: vision };
    Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"))
}

#[track_caller]
fn assert_whole(store: &Path) {
    let findings = check(store).expect("checked");
    let broken: Vec<Finding> = findings.into_iter().filter(Finding::is_broken).collect();
    assert_eq!(broken, []);
}

/// How many pictures a clip shows to its end.
fn play(path: &Path) -> u32 {
    let options =
        FileOptions { fit: support::fit(), pace: Pace::AsFast, ending: Ending::Stop, fps: None };
    let mut source = FileSource::open(path, options).expect("it opens");
    let mut pictures = 0;
    while let Polled::Frame(_) = source.next(support::SOON).expect("it plays") {
        pictures += 1;
    }
    pictures
}

/// Not a test of its own: the vision process of other tests that share this file.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}

#[test]
fn an_incident_on_the_footage_has_a_clip_that_plays_and_begins_before_it() {
    let folder = tempfile::tempdir().expect("a folder");
    camera(folder.path());
    let guard = start(folder.path());
    wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    let until = clock::monotonic().after(Duration::from_secs(2));
    site::wait_for("two seconds", || (clock::monotonic() >= until).then_some(()));
    guard.stop();
    let store = folder.path().join("data");
    assert_whole(&store);
    let reader = Store::open(&store).expect("free again").reader().expect("a reader");
    let incident = reader.incidents(1, None).expect("read").remove(0);
    let evidence = reader.evidence(incident.id).expect("read").expect("known");
    let clip = evidence.clips.first().expect("a clip");
    let kept = clip.file().unwrap_or_else(|| panic!("{clip:?}"));
    let before = incident.started_at.duration_since(kept.from);
    println!("{kept:?} began {before:?} before the incident");
    // The grey seconds are all there was.
    assert!(before.as_secs_f64() > EMPTY.as_secs_f64() - 1.0, "only {before:?}");
    assert!(kept.to > incident.started_at);
    let pictures = play(&store.join("evidence").join(&kept.file));
    let span = kept.to.duration_since(kept.from).as_secs_f64();
    assert!((f64::from(pictures) - span * 10.0).abs() < 3.0, "{pictures} pictures in {span} s");
    assert_eq!(kept.codec, "H.264");
}

#[test]
fn a_disk_that_takes_nothing_costs_the_clip_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    camera(folder.path());
    let evidence = folder.path().join("data/evidence");
    fs::create_dir_all(&evidence).expect("made");
    symlink("/dev/full", evidence.join("incident-00000001-01.mp4.part")).expect("linked");
    let guard = start(folder.path());
    wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    guard.stop();
    let store = folder.path().join("data");
    assert_whole(&store);
    let reader = Store::open(&store).expect("free again").reader().expect("a reader");
    let row = reader.evidence(1).expect("read").expect("known");
    let lost = row.clips.first().and_then(|clip| clip.lost.clone()).expect("a reason");
    println!("{lost}");
    let left: Vec<_> = fs::read_dir(&evidence).expect("readable").collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(lost.contains("could not be written"), "{lost}");
}
