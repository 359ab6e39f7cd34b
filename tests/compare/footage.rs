//! The models of the repository on the first 26 s of the sample footage. `gate-road.txt` says who
//! stands on the gate road in it: boxes looked at picture by picture, by eye, kept where they are right.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::{self, make_clip};
use super::{err, model, out};

/// Of the sample footage.
const PICTURES: u32 = 260;

const GATE_ROAD: &str = r#"{"type": "FeatureCollection", "name": "gate", "features": [{
  "type": "Feature",
  "properties": {"id": "gate-road", "name": "Gate road", "kind": "restricted"},
  "geometry": {"type": "Polygon", "coordinates": [[[0.7891, 0.3594], [0.9271, 0.3854],
    [0.9948, 0.5729], [0.7812, 0.5295], [0.7891, 0.3594]]]}
}]}"#;

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
    let zones = folder.join("gate.json");
    std::fs::write(&zones, GATE_ROAD).expect("written");
    let json = folder.join(format!("{shadow}.json"));
    let truth = support::root().join("tests/compare/gate-road.txt");
    let (active, shadow) = (support::model_dir(), models.join(shadow));
    let compared = model(&[
        &"compare", &active, &shadow, &clip, &"--zones", &zones, &"--truth", &truth, &"--json",
        &json, &"--threads", &"2",
    ]);
    let text = out(&compared) + &err(&compared);
    let report = std::fs::read(json).unwrap_or_else(|_| panic!("{text}"));
    (compared.status.code(), text, serde_json::from_slice(&report).expect("JSON"))
}

#[test]
fn on_the_sample_footage_the_worse_model_is_refused_and_the_recalibrated_one_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = beginning(folder.path());

    let (code, text, report) =
        against_shipped(folder.path(), &clip, "ssdlite-person-300-int8");
    assert_eq!(code, Some(3), "{text}");
    assert_eq!(report["judgement"], "refused", "{text}");
    let reasons = report["reasons"].as_array().expect("a list");
    assert!(reasons.iter().any(|it| it.as_str().is_some_and(|it| it.contains("case "))), "{text}");
    assert!(text.contains("walkway.mp4 gate-road"), "{text}");

    let (code, text, report) = against_shipped(folder.path(), &clip, "nanodet-g-416-int8-r2");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(report["judgement"], "not_enough", "{text}");
    assert_eq!(report["missed"], 0, "{text}");
    assert!(report["true_incidents"].as_u64() >= Some(2), "{text}");
    assert!(text.contains("more true incidents, if none of them is missed"), "{text}");
    assert!(report["frames"]["agreement"].as_f64() > Some(0.9), "{text}");
}
