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
use standclear::guard::handle::ClipRow;
use standclear::link::Ending;
use standclear::store::Store;
use standclear::store::check::{Finding, check};
use standclear::vision::ingest::file::{FileOptions, FileSource};
use standclear::vision::ingest::{FrameSource, Pace, Polled};
use standclear::vision::preprocess::{Fit, PictureRef};

use site::{SirenNotes, intrusion, wait_alarm};

/// So long the footage lasts in a short visit, and what is recorded around one.
const VISIT: Duration = Duration::from_secs(6);
const SHORT: &str = "evidence = { seconds_before = 1, seconds_after = 1 }";

/// So long an empty yard is seen before the footage begins.
const EMPTY: Duration = Duration::from_secs(3);

/// Three seconds of an empty yard, the beginning of the footage, and an empty yard again.
fn short_visit(folder: &Path) {
    let empty = |seconds| {
        format!(
            "videotestsrc pattern=white num-buffers={} ! \
             video/x-raw,format=I420,width=768,height=576,framerate=10/1 ! all. ",
            seconds * 10
        )
    };
    support::make_clip(&format!(
        "concat name=all ! videoconvert ! openh264enc gop-size=10 bitrate=2000000 ! h264parse ! \
         matroskamux ! filesink location={} {} \
         filesrc location={} ! decodebin ! identity eos-after={} ! videoconvertscale ! \
         video/x-raw,format=I420,width=768,height=576 ! all. {}",
        folder.join("camera.mkv").display(),
        empty(EMPTY.as_secs()),
        support::footage().display(),
        VISIT.as_secs() * 10,
        empty(30),
    ));
}

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

const BAY: &str = r#"{"type":"Feature",
    "properties":{"id":"bay","name":"Bay","kind":"restricted"},
    "geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}"#;

const DESK: &str = r#"{"type":"Feature",
    "properties":{"id":"desk","name":"Desk","kind":"privacy_mask","reason":"a desk"},
    "geometry":{"type":"Polygon","coordinates":[[[0,0],[0.4,0],[0.4,1],[0,1],[0,0]]]}}"#;

/// A box with the real vision process and one zone over the whole picture.
fn start(folder: &Path) -> Guard {
    start_with(folder, BAY, "")
}

fn start_with(folder: &Path, zones: &str, more: &str) -> Guard {
    let zones = format!(r#"{{"type":"FeatureCollection","features":[{zones}]}}"#);
    fs::write(folder.join("yard.json"), zones).expect("a zone file");
    let text = format!(
        r#"
        {more}
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
    let mut pictures = 0;
    watch(path, |_, _| pictures += 1);
    pictures
}

/// Shows a clip, each picture with its time in milliseconds.
fn watch(path: &Path, mut shown: impl FnMut(i64, PictureRef<'_>)) {
    let fit = Fit::new(768, 32);
    let options = FileOptions { fit, pace: Pace::AsFast, ending: Ending::Stop, fps: None };
    let mut source = FileSource::open(path, options).expect("it opens");
    while let Polled::Frame(frame) = source.next(support::SOON).expect("it plays") {
        let ms = i64::try_from(frame.time.as_millis()).expect("short");
        shown(ms, frame.picture.as_ref().expect("pixels"));
    }
}

/// Mean difference of neighbours in a place of a picture, given in frame fractions.
fn detail(picture: PictureRef<'_>, [left, top, width, height]: [f64; 4]) -> f64 {
    let place = |share: f64, of: usize| (share.clamp(0.0, 1.0) * of as f64) as usize;
    let (across, high) = (picture.width(), picture.height());
    let (left, right) = (place(left, across), place(left + width, across));
    let (top, bottom) = (place(top, high), place(top + height, high));
    let (mut sum, mut count) = (0.0, 0.0);
    for y in top..bottom {
        for pair in picture.row(y)[left * 3..right * 3].chunks(3).collect::<Vec<_>>().windows(2) {
            sum += f64::from(pair[0][0].abs_diff(pair[1][0]));
            count += 1.0;
        }
    }
    sum / f64::max(count, 1.0)
}

/// Waits for the first incident's hidden clip; `look` at the folder meanwhile.
fn wait_hidden(guard: &Guard, look: impl Fn()) -> ClipRow {
    let until = clock::monotonic().after(Duration::from_secs(300));
    while clock::monotonic() < until {
        look();
        if let Ok(row) = guard.handle().evidence_desk().evidence(1)
            && let Some(clip) = row.clips.into_iter().next()
            && (clip.hidden.is_some() || clip.lost.is_some())
        {
            assert!(clip.hidden.is_some(), "{clip:?}");
            return clip;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    panic!("no hidden clip in time");
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
fn everybody_may_see_the_hidden_clip_of_an_incident_in_which_nobody_has_a_face() {
    let folder = tempfile::tempdir().expect("a folder");
    short_visit(folder.path());
    let guard = start_with(folder.path(), BAY, SHORT);
    let clip = wait_hidden(&guard, || {});
    let track = guard.handle().evidence_desk().track(1, 1).expect("a track");
    let started_at = guard.handle().incidents(1, None).expect("read").remove(0).started_at;
    guard.stop();
    let store = folder.path().join("data");
    assert_whole(&store);
    let (kept, hidden) = (clip.clear().expect("a clear one"), clip.hidden.as_ref().expect("both"));
    assert!(kept.from < started_at, "{} is not before {started_at}", kept.from);
    let track: serde_json::Value = serde_json::from_str(&track).expect("JSON");
    let people = |ms: i64| -> Vec<[f64; 4]> {
        let frames = track["frames"].as_array().expect("frames");
        let near = frames.iter().min_by_key(|it| (it["t_ms"].as_i64().expect("a time") - ms).abs());
        let boxes = near.and_then(|frame| frame["boxes"].as_array()).expect("boxes");
        let side = |it: &serde_json::Value, name: &str| it[name].as_f64().expect("a number");
        boxes.iter().map(|it| ["x", "y", "w", "h"].map(|name| side(it, name))).collect()
    };
    let details = |file: &str| {
        let (mut of_people, mut pictures) = (Vec::new(), 0);
        watch(&store.join("evidence").join(file), |ms, picture| {
            pictures += 1;
            of_people.extend(people(ms).into_iter().map(|place| detail(picture, place)));
        });
        assert!(pictures > 20, "{file}: {pictures} pictures");
        of_people.iter().sum::<f64>() / of_people.len() as f64
    };
    let (clear, hidden) = (details(&kept.file), details(&hidden.file));
    println!("detail in people's boxes: {clear:.2} clear, {hidden:.2} hidden");
    assert!(clear > 4.0 && hidden < 0.5 * clear, "{clear} clear, {hidden} hidden");
}

#[test]
fn nothing_clear_of_a_camera_with_a_privacy_mask_is_on_the_disk_at_any_time() {
    let folder = tempfile::tempdir().expect("a folder");
    short_visit(folder.path());
    let guard = start_with(folder.path(), &format!("{BAY},{DESK}"), SHORT);
    let evidence = folder.path().join("data/evidence");
    let clip = wait_hidden(&guard, || {
        for entry in fs::read_dir(&evidence).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().expect("text");
            assert!(name.contains(".hidden.mp4"), "{name}");
        }
    });
    guard.stop();
    assert_whole(&folder.path().join("data"));
    assert!(clip.clear().is_none(), "{clip:?}");
    let mut pictures = 0;
    watch(&evidence.join(&clip.hidden.expect("hidden").file), |ms, picture| {
        pictures += 1;
        for y in (0..picture.height()).step_by(8) {
            let behind = &picture.row(y)[..picture.width() * 3 * 38 / 100];
            let brightest = behind.iter().max().expect("pixels");
            // What an encoder leaves of an edge beside black; the desk is three times as bright.
            assert!(*brightest < 64, "at {ms} ms row {y}: {brightest}");
        }
    });
    assert!(pictures > 20, "{pictures} pictures");
}

#[test]
fn a_disk_that_takes_nothing_costs_the_clip_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    camera(folder.path());
    let evidence = folder.path().join("data/evidence");
    fs::create_dir_all(&evidence).expect("made");
    for clip in ["incident-00000001-01.mp4.part", "incident-00000001-01.hidden.mp4.part"] {
        symlink("/dev/full", evidence.join(clip)).expect("linked");
    }
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
