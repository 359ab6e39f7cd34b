//! The real program on real footage: `replay`, `evaluate`, `detect`, and what they refuse.

#![cfg(feature = "vision")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use standclear::engine::detection::{Detection, FrameSize, PixelBox, Score};
use standclear::replay::Player;
use standclear::zone_file::load_site;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn footage() -> PathBuf {
    std::env::var_os("STANDCLEAR_FOOTAGE")
        .map_or_else(|| root().join(".deps/footage/vtest.avi"), PathBuf::from)
}

fn standclear(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_standclear"))
        .args(args)
        .current_dir(root())
        .output()
        .expect("the program starts")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Runs `replay` on the sample footage and returns the events as text.
fn replay(folder: &Path, name: &str, more: &[&str]) -> String {
    let events = folder.join(name);
    let video = footage();
    let mut args = vec!["replay", text(&video), "--zones", "zones/yard-east.json"];
    args.extend(["--events", text(&events)]);
    args.extend(more);
    let output = standclear(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(events).expect("the events")
}

fn rows(events: &str) -> Vec<Value> {
    events.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn two_replays_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = ["--long-side", "320"];
    let first = replay(folder.path(), "first.jsonl", &[&small[..], &["--threads", "1"]].concat());
    let second = replay(folder.path(), "second.jsonl", &[&small[..], &["--threads", "2"]].concat());
    assert_eq!(first, second);
    assert!(first.contains("incident_started"));
}

#[test]
fn every_event_has_the_keys_that_readers_rely_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let tracks = folder.path().join("tracks.txt");
    let detections = folder.path().join("detections.txt");
    let more = ["--long-side", "320", "--tracks", text(&tracks), "--detections", text(&detections)];
    let events = rows(&replay(folder.path(), "events.jsonl", &more));
    let mut open = BTreeMap::new();
    let mut last = 0.0;
    for event in &events {
        let time = event["time_s"].as_f64().expect("time_s");
        assert!(time >= last, "events come in order");
        last = time;
        let zone = event["zone"].as_str().expect("zone").to_owned();
        for key in ["incident", "track", "score", "anchor"] {
            assert!(event.get(key).is_some(), "{key} in {event}");
        }
        match event["event"].as_str().expect("event") {
            "incident_started" => {
                let anchor = event["anchor"].as_array().expect("anchor");
                assert!(anchor.iter().all(|v| (0.0..=1.0).contains(&v.as_f64().expect("number"))));
                assert!(open.insert(zone, event["incident"].as_u64()).is_none(), "{event}");
            }
            "incident_ended" => assert_eq!(open.remove(&zone), Some(event["incident"].as_u64())),
            "person_entered" => assert_eq!(open.get(&zone), Some(&event["incident"].as_u64())),
            "zone_known" | "zone_unknown" => {}
            other => panic!("{other}"),
        }
    }
    assert!(open.is_empty(), "every incident ends, if only with the footage");
    for (file, id_is_minus_one) in [(&tracks, false), (&detections, true)] {
        let text = fs::read_to_string(file).expect("MOT text");
        assert!(text.lines().count() > 1000);
        for line in text.lines() {
            let fields: Vec<f64> = line.split(',').map(|f| f.parse().expect("number")).collect();
            assert_eq!(fields.len(), 10, "{line}");
            assert!((1.0..=795.0).contains(&fields[0]) && fields[0].fract() == 0.0, "{line}");
            assert_eq!(fields[1] == -1.0, id_is_minus_one, "{line}");
            assert_eq!(fields[7..], [-1.0; 3], "{line}");
        }
    }
}

#[test]
fn every_other_picture_gives_the_same_incidents() {
    let folder = tempfile::tempdir().expect("a folder");
    let starts = |events: &str| -> Vec<(String, f64)> {
        rows(events)
            .iter()
            .filter(|event| event["event"] == "incident_started")
            .map(|e| (e["zone"].to_string(), e["time_s"].as_f64().expect("time")))
            .collect()
    };
    let all = starts(&replay(folder.path(), "all.jsonl", &["--threads", "2"]));
    let half = starts(&replay(folder.path(), "half.jsonl", &["--threads", "2", "--fps", "5"]));
    assert!(all.len() > 3, "{all:?}");
    assert_eq!(all.len(), half.len(), "{all:?}\n{half:?}");
    for ((zone, time), (other_zone, other_time)) in all.iter().zip(&half) {
        assert_eq!(zone, other_zone);
        // One picture at 5 fps.
        assert!((time - other_time).abs() <= 0.2 + 1e-6, "{time} and {other_time}");
    }
}

/// The zone and second of each start, of footage of 10 pictures a second with these detections, without
/// the pictures that are dropped.
fn starts_without(
    film: &BTreeMap<u64, Vec<Detection>>,
    mut dropped: impl FnMut() -> bool,
) -> Vec<(String, f64)> {
    let zones = root().join("zones/yard-east.json");
    let zones = load_site(&[("yard".to_owned(), zones.as_path())]).expect("zones");
    let mut player = Player::new(&zones);
    let size = FrameSize::new(768, 576).expect("positive");
    let time = |frame: u64| Duration::from_millis(100 * frame);
    let mut in_a_row = 0;
    for frame in 0..795 {
        // Six in a row would be a gap in which two pictures no longer confirm each other.
        in_a_row = if dropped() && in_a_row < 5 { in_a_row + 1 } else { 0 };
        if in_a_row == 0 {
            let people = film.get(&frame).cloned().unwrap_or_default();
            player.show(frame, time(frame), size, people);
        }
    }
    let events = player.finish(time(795)).events.into_iter();
    events.filter(|e| e.event == "incident_started").map(|e| (e.zone, e.time_s)).collect()
}

#[test]
fn a_third_of_the_pictures_dropped_gives_the_same_incidents() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("detections.txt");
    let more = ["--long-side", "320", "--threads", "2", "--detections", text(&file)];
    replay(folder.path(), "events.jsonl", &more);
    let mut film: BTreeMap<u64, Vec<Detection>> = BTreeMap::new();
    for line in fs::read_to_string(&file).expect("MOT text").lines() {
        let f: Vec<f64> = line.split(',').map(|f| f.parse().expect("number")).collect();
        let bounds = PixelBox::new(f[2], f[3], f[4], f[5]).expect("a box");
        let score = Score::new(f[6] as f32).expect("a score");
        film.entry(f[0] as u64 - 1).or_default().push(Detection { bounds, score });
    }
    let all = starts_without(&film, || false);
    assert!(all.len() > 3, "{all:?}");
    for seed in 1..=20u64 {
        // The multiplier of Knuth's MMIX generator.
        let mut state = seed;
        let dropped = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed);
            (state >> 33) % 10 < 3
        };
        let some = starts_without(&film, dropped);
        assert_eq!(all.len(), some.len(), "{all:?}\n{some:?}");
        for ((zone, time), (other_zone, other_time)) in all.iter().zip(&some) {
            assert_eq!(zone, other_zone);
            // The entry window, and the longest gap.
            assert!((time - other_time).abs() <= 0.3 + 0.6 + 1e-6, "{time} and {other_time}");
        }
    }
}

#[test]
fn nobody_enters_the_excavation() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = rows(&replay(folder.path(), "events.jsonl", &["--threads", "2"]));
    let wrong: Vec<&Value> = events
        .iter()
        .filter(|e| e["zone"] == "excavation" && e["event"] == "incident_started")
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Expects a refusal that says all of `words`, exit code ≠ 0, and an untouched output file.
fn refused(args: &[&str], words: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("kept.out");
    fs::write(&kept, "as before").expect("written");
    let flag = if args[0] == "detect" || args[0] == "evaluate" { "--json" } else { "--events" };
    let output = standclear(&[args, &[flag, text(&kept)]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{args:?} was not refused");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is missing in: {said}");
    }
    assert_eq!(fs::read_to_string(&kept).expect("kept"), "as before");
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "nothing half-written stays: {left:?}");
}

const ZONES: [&str; 2] = ["--zones", "zones/yard-east.json"];

#[test]
fn bad_videos_are_refused_with_their_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing.avi");
    refused(&["replay", text(&missing), ZONES[0], ZONES[1]], &["missing.avi"]);
    let not_video = folder.path().join("notes.avi");
    fs::write(&not_video, "this is no video\n".repeat(500)).expect("written");
    refused(&["replay", text(&not_video), ZONES[0], ZONES[1]], &["notes.avi"]);
    let bytes = fs::read(footage()).expect("the footage");
    let cut = folder.path().join("cut.avi");
    fs::write(&cut, &bytes[..bytes.len() / 3]).expect("written");
    let args = ["replay", text(&cut), ZONES[0], ZONES[1], "--long-side", "128"];
    refused(&args, &["cut.avi", "truncated"]);
    refused(&["replay", text(folder.path()), ZONES[0], ZONES[1]], &[text(folder.path())]);
}

#[test]
fn bad_zone_files_are_refused_before_the_model_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let bow_tie = folder.path().join("bow-tie.json");
    let zone = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
        "properties":{"id":"a","name":"A","kind":"restricted"},"geometry":{"type":"Polygon",
        "coordinates":[[[0.1,0.1],[0.9,0.9],[0.9,0.1],[0.1,0.9],[0.1,0.1]]]}}]}"#;
    fs::write(&bow_tie, zone).expect("written");
    let video = footage();
    refused(
        &["replay", text(&video), "--zones", text(&bow_tie)],
        &["bow-tie.json", "features[0]", "crosses itself"],
    );
}

#[test]
fn a_model_with_a_flipped_byte_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("model");
    fs::create_dir_all(copy.join("golden")).expect("a folder");
    let original = root().join("models/nanodet-g-416-int8");
    for place in ["", "golden"] {
        for entry in fs::read_dir(original.join(place)).expect("the package") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let name = path.file_name().expect("a name");
                fs::copy(&path, copy.join(place).join(name)).expect("copied");
            }
        }
    }
    let model = copy.join("model.onnx");
    let mut bytes = fs::read(&model).expect("the model");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&model, bytes).expect("written");
    let video = footage();
    refused(
        &["replay", text(&video), ZONES[0], ZONES[1], "--model", text(&copy)],
        &["model.onnx", "sha256"],
    );
}

#[test]
fn truth_of_other_footage_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let truth = folder.path().join("gt.txt");
    fs::write(&truth, "5000,1,10,10,20,40,1\n").expect("written");
    let video = footage();
    let args = [
        "evaluate",
        text(&video),
        ZONES[0],
        ZONES[1],
        "--truth",
        text(&truth),
        "--long-side",
        "128",
    ];
    refused(&args, &["gt.txt", "5000", "795"]);
}

#[test]
fn evaluating_against_our_own_detections_finds_every_episode() {
    let folder = tempfile::tempdir().expect("a folder");
    let detections = folder.path().join("detections.txt");
    replay(
        folder.path(),
        "events.jsonl",
        &["--long-side", "416", "--threads", "2", "--detections", text(&detections)],
    );
    // Strong detections as truth: the evaluation must then find what the engine found.
    let truth: String = fs::read_to_string(&detections)
        .expect("MOT text")
        .lines()
        .filter(|line| {
            line.split(',').nth(6).is_some_and(|s| s.parse::<f64>().unwrap_or(0.0) > 0.3)
        })
        .map(|line| format!("{}\n", line.replace(",-1,-1,-1", "")))
        .map(|line| {
            let fields: Vec<&str> = line.trim().split(',').collect();
            format!("{},1\n", fields[..6].join(","))
        })
        .collect();
    let gt = folder.path().join("gt.txt");
    fs::write(&gt, truth).expect("written");
    let json = folder.path().join("report.json");
    let video = footage();
    let output = standclear(&[
        "evaluate",
        text(&video),
        ZONES[0],
        ZONES[1],
        "--truth",
        text(&gt),
        "--long-side",
        "416",
        "--threads",
        "2",
        "--json",
        text(&json),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value =
        serde_json::from_str(&fs::read_to_string(&json).expect("a report")).expect("JSON");
    let gate = report["zones"].as_array().expect("zones").iter().find(|z| z["zone"] == "gate-road");
    let gate = gate.expect("the gate");
    assert!(gate["episodes"].as_u64() > Some(2));
    assert_eq!(gate["episodes"], gate["found"]);
    assert_eq!(report["detection"]["recall"]["estimate"], 1.0);
}

#[test]
fn outputs_that_cannot_work_are_refused_before_the_footage_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let video = folder.path().join("video.avi");
    fs::copy(footage(), &video).expect("copied");
    let before = fs::read(&video).expect("read");
    let args = |events: &Path| -> Vec<String> {
        ["replay", text(&video), ZONES[0], ZONES[1], "--events", text(events)]
            .map(str::to_owned)
            .to_vec()
    };
    for (events, word) in [
        (video.clone(), "would be overwritten"),
        (folder.path().join("missing/events.jsonl"), "does not exist"),
        (folder.path().to_owned(), "is a folder"),
    ] {
        let args = args(&events);
        let output = standclear(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(word), "{word}: {said}");
    }
    assert_eq!(fs::read(&video).expect("read"), before, "the footage is untouched");
}

#[test]
fn detect_finds_people_in_a_picture_and_draws_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let golden = root().join("models/nanodet-g-416-int8/golden");
    let mut pictures: Vec<PathBuf> = fs::read_dir(golden)
        .expect("golden pictures")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    pictures.sort();
    let json = folder.path().join("found.json");
    let draw = folder.path().join("drawn");
    let mut args = vec!["detect", "--json", text(&json), "--draw", text(&draw)];
    args.extend(pictures.iter().map(|p| text(p)));
    let output = standclear(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value =
        serde_json::from_str(&fs::read_to_string(&json).expect("JSON")).expect("JSON");
    let rows = found.as_array().expect("a list");
    assert_eq!(rows.len(), pictures.len());
    let people = |row: &Value| row["persons"].as_array().expect("persons").len();
    assert!(rows.iter().any(|row| people(row) >= 5), "{found}");
    for person in rows.iter().flat_map(|row| row["persons"].as_array().expect("persons")) {
        let score = person["score"].as_f64().expect("a score");
        assert!((0.3..=1.0).contains(&score));
        assert_eq!(person["box"].as_array().expect("a box").len(), 4);
    }
    assert_eq!(fs::read_dir(&draw).expect("copies").count(), pictures.len());
}

#[test]
fn a_picture_that_cannot_be_read_stops_detect_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("broken.jpg");
    fs::write(&broken, [0xff, 0xd8, 0xff, 0x00]).expect("written");
    refused(&["detect", text(&broken)], &["broken.jpg"]);
}

#[test]
fn full_or_closed_standard_output_is_an_error_and_no_panic() {
    let picture = root().join("models/nanodet-g-416-int8/golden/walkway-1.jpg");
    let video = footage();
    let replay = ["replay", text(&video), ZONES[0], ZONES[1], "--long-side", "128", "--fps", "1"];
    for args in [&["detect", text(&picture)][..], &replay[..]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let (reader, closed) = std::io::pipe().expect("a pipe");
        drop(reader);
        for stdout in [std::process::Stdio::from(full), closed.into()] {
            let output = Command::new(env!("CARGO_BIN_EXE_standclear"))
                .args(args)
                .current_dir(root())
                .stdout(stdout)
                .output()
                .expect("the program starts");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("standard output cannot be written"), "{said}");
            assert!(!said.contains("panicked"), "{said}");
        }
    }
}

#[test]
fn numbers_without_sense_are_refused_with_what_would_be_right() {
    let video = footage();
    let (video, right) = (text(&video), "from 1 to 64 is wanted");
    let replay = ["replay", video, ZONES[0], ZONES[1]];
    for (args, option, value, word) in [
        (&replay[..], "--threads", "65535", right),
        (&replay[..], "--threads", "0", right),
        (&["detect", "a.jpg"][..], "--threads", "65", right),
        (&["bench", video][..], "--threads", "65535", right),
        (&["bench", video][..], "--rounds", "0", "not in 1.."),
        (&["bench", video][..], "--pictures", "0", "not in 1.."),
        (&replay[..], "--fps", "1e-9", "from 0.1 to 1000 is wanted"),
        (&replay[..], "--fps", "nan", "from 0.1 to 1000 is wanted"),
    ] {
        let output = standclear(&[args, &[option, value]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{option} {value}: {said}");
        assert!(said.contains(option) && said.contains(word), "{option} {value}: {said}");
    }
}

#[test]
fn truth_without_anybody_is_said_and_no_zero_has_a_sign() {
    let folder = tempfile::tempdir().expect("a folder");
    let truth = folder.path().join("gt.txt");
    fs::write(&truth, "").expect("written");
    let video = footage();
    let mut args = vec!["evaluate", text(&video), ZONES[0], ZONES[1], "--truth", text(&truth)];
    args.extend(["--long-side", "128", "--fps", "1"]);
    let output = standclear(&args);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("the truth holds nobody"), "{said}");
    assert!(!said.contains("-0.0"), "{said}");
}

#[test]
fn output_in_a_folder_that_cannot_be_written_is_refused_before_the_footage_is_read() {
    // Nobody, not even root, makes files in /proc.
    let output = standclear(&[
        "replay",
        "no-such-footage.avi",
        ZONES[0],
        ZONES[1],
        "--events",
        "/proc/events.jsonl",
    ]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("events.jsonl could not be"), "{said}");
    assert!(!said.contains("no-such-footage"), "{said}");
}

#[test]
fn link_named_as_output_stays_and_its_file_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("another folder");
    let picture = root().join("models/nanodet-g-416-int8/golden/walkway-1.jpg");
    for (name, before) in [("old.json", Some("as before")), ("new.json", None)] {
        let file = elsewhere.path().join(name);
        if let Some(before) = before {
            fs::write(&file, before).expect("written");
        }
        let link = folder.path().join(name);
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        let output = standclear(&["detect", text(&picture), "--json", text(&link)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink(), "{name}");
        assert!(fs::symlink_metadata(&file).expect("there").is_file(), "{name}");
        assert!(fs::read_to_string(&file).expect("JSON").contains("persons"), "{name}");
    }
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 2);
}
