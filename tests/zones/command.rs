//! `standclear zones check`: what it prints and how it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{SQUARE, document_with, file};

fn check(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standclear"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["zones", "check"]).args(arguments);
    command.output().expect("the program runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn good_files_are_told_with_their_times_and_when_they_are_armed() {
    let output = check(&[
        "zones/examples/restricted.json",
        "zones/examples/occupancy.json",
        "--time-zone",
        "Europe/Prague",
        "--pipeline",
        "450",
    ]);
    let text = out(&output);
    assert!(output.status.success(), "{text}");
    for line in [
        "OK    zones/examples/restricted.json: 1 zone, digest ",
        "Press 3 (press-3): restricted zone",
        "enter 300 ms + dwell 0 ms + worst measured pipeline 450 ms = 750 ms of 2000 ms\n",
        "armed while press-3-running is on or not known",
        "calibration: residual 0.00 m",
        "750 ms of 2000 ms, after a grace of 30000 ms",
        "armed now; changes ",
        "armed always",
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
}

#[test]
fn a_refused_file_fails_the_command_and_hides_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (bad, slow, good) = (path("bad.json"), path("slow.json"), path("good.json"));
    fs::write(&bad, file(&[("gate", "forbidden", SQUARE)])).expect("written");
    fs::write(&slow, document_with(r#""kind":"restricted","dwell_ms":1200"#)).expect("written");
    fs::write(&good, document_with(r#""kind":"restricted""#)).expect("written");
    let output = check(&[&bad, &slow, "/nowhere.json", &good]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1));
    for line in [
        &format!("FAIL  {bad}\n      features[0].properties.kind = \"forbidden\""),
        "dwell 1200 ms + worst measured pipeline 700 ms = 2200 ms",
        "FAIL  /nowhere.json\n      zone file /nowhere.json: does not exist; is its name right?\n",
        &format!("OK    {good}: 1 zone"),
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("3 of 4 zone documents are refused"), "{told}");
}

#[test]
fn a_file_that_is_no_document_is_told_in_peoples_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (empty, bytes, here) = (path("empty.json"), path("bytes.json"), path("."));
    fs::write(&empty, "").expect("written");
    fs::write(&bytes, [0xff, 0xfe, 0x00]).expect("written");
    let text = out(&check(&[&empty, &bytes, &here, "/nowhere.json"]));
    for line in [
        "document = line 1, column 1: it is empty; write a GeoJSON FeatureCollection of zones\n",
        &format!("zone file {bytes}: is not text in UTF-8; is it a zone document?\n"),
        &format!("zone file {here}: is a folder; name the file in it\n"),
        "zone file /nowhere.json: does not exist; is its name right?\n",
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
    assert!(!text.contains("os error") && !text.contains("EOF"), "{text}");
}

#[test]
fn a_time_sum_is_told_beside_a_missing_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad.json");
    let document = document_with(r#""kind":"restricted","dwell_ms":1200"#);
    fs::write(&bad, document.replace("\"Gate\"", "\"\"")).expect("written");
    let text = out(&check(&[&bad.display().to_string()]));
    for words in ["give the zone a name", "= 2200 ms"] {
        assert!(text.contains(words), "`{words}` is missing in\n{text}");
    }
}

#[test]
fn an_id_in_two_files_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.json");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("zones/yard-east.json"), &copy)
        .expect("copied");
    let output = check(&["zones/yard-east.json", &copy.display().to_string()]);
    assert!(!output.status.success());
    assert!(
        out(&output).contains("the id `excavation` is used twice, also in zones/yard-east.json")
    );
}

#[test]
fn an_unknown_time_zone_is_named() {
    let output = check(&["zones/yard-east.json", "--time-zone", "Mars/Olympus"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("`Mars/Olympus` is no time zone"));
}
