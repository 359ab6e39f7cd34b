//! The models of the repository on the sample footage. `walkway.txt` says who is on the footpath and on
//! the gate road in its first 26 s, `gate-road.txt` who is on the gate road in all of it: boxes that were
//! looked at by eye, and kept where they are right. `README.md` beside them says how, and what is in doubt.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::{self, make_clip};
use super::{err, model, out};

/// Of the sample footage.
const PICTURES: u32 = 260;

fn beginning(folder: &Path) -> PathBuf {
    let path = folder.join("walkway.mp4");
    make_clip(&format!(
        "filesrc location={} ! decodebin ! videoconvert ! video/x-raw,format=I420 ! \
         identity eos-after={PICTURES} ! openh264enc gop-size=10 bitrate=4000000 ! h264parse ! \
         mp4mux ! filesink location={}",
        support::footage().display(),
        path.display()
    ));
    path
}

/// Exit code, text and report of `compare` against the model that is shipped.
fn against_shipped(folder: &Path, clip: &Path, shadow: &str) -> (Option<i32>, String, Value) {
    let models = support::root().join("models");
    let zones = support::root().join("tests/compare/walkway.json");
    let json = folder.join(format!("{shadow}.json"));
    let truth = support::root().join("tests/compare/walkway.txt");
    let (active, shadow) = (support::model_dir(), models.join(shadow));
    let compared = model(&[
        &"compare",
        &active,
        &shadow,
        &clip,
        &"--zones",
        &zones,
        &"--truth",
        &truth,
        &"--json",
        &json,
        &"--threads",
        &"2",
    ]);
    let text = out(&compared) + &err(&compared);
    let report = std::fs::read(json).unwrap_or_else(|_| panic!("{text}"));
    (compared.status.code(), text, serde_json::from_slice(&report).expect("JSON"))
}

#[test]
fn on_the_sample_footage_the_worse_model_is_refused_and_the_recalibrated_one_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = beginning(folder.path());

    let (code, text, report) = against_shipped(folder.path(), &clip, "ssdlite-person-300-int8");
    assert_eq!(code, Some(3), "{text}");
    assert_eq!(report["judgement"], "refused", "{text}");
    // Somebody walks down the footpath for six seconds; they are small, and it sees nobody.
    let lost = report["cases"].as_array().expect("a list").iter().position(|case| {
        case["zone"] == "footpath" && case["told"] == "active_only" && case["label"] == "true"
    });
    let named = format!("case {}: somebody was there", lost.expect(&text) + 1);
    assert!(text.contains(&named), "{named}: {text}");

    let (code, text, report) = against_shipped(folder.path(), &clip, "nanodet-g-416-int8-r2");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(report["judgement"], "not_enough", "{text}");
    assert_eq!(report["missed"], 0, "{text}");
    assert!(report["true_incidents"].as_u64() >= Some(3), "{text}");
    assert!(text.contains("more true incidents, if none of them is missed"), "{text}");
    assert!(report["frames"]["agreement"].as_f64() > Some(0.9), "{text}");
}

/// Without truth the same is seen on an upgrade's whole way (`tests/journey.rs`).
#[test]
fn the_recalibrated_model_sees_on_the_gate_road_who_is_truly_there_as_its_parent_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("report.json");
    let here = support::root().join("tests/compare");
    let int8 = support::root().join("models/nanodet-g-416-int8-r2");
    let (fp32, zones) = (here.join("nanodet-g-416-fp32"), here.join("gate-road.json"));
    let (footage, truth) = (support::footage(), here.join("gate-road.txt"));
    let checked = model(&[
        &"check-quantization",
        &int8,
        &fp32,
        &footage,
        &"--zones",
        &zones,
        &"--truth",
        &truth,
        &"--json",
        &json,
        &"--threads",
        &"2",
    ]);
    let text = out(&checked) + &err(&checked);
    assert_eq!(checked.status.code(), Some(0), "{text}");
    assert!(text.contains("ACCEPTED"), "{text}");
    let report = std::fs::read(json).unwrap_or_else(|_| panic!("{text}"));
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["outcome"], "accepted", "{text}");
    let zone = &report["zones"][0];
    assert!(zone["inside"].as_u64() >= Some(290), "{text}");
    assert!(zone["lost_points"].as_f64() <= Some(0.0), "{text}");
}
