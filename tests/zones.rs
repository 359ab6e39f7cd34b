//! Zone files: what is taken, and what a refusal says.

use std::fs;
use std::path::Path;

use standclear::engine::Duty;
use standclear::zone_file::load_site;

fn refusal(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("yard.json");
    fs::write(&path, text).expect("written");
    let error = load_site(&[("yard".to_owned(), path.as_path())]).expect_err("must be refused");
    let mut message = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    assert!(message.contains("yard.json"), "names the file: {message}");
    message
}

fn file(zones: &[(&str, &str, &str)]) -> String {
    let features: Vec<String> = zones
        .iter()
        .map(|(id, kind, ring)| {
            format!(
                r#"{{"type":"Feature","properties":{{"id":"{id}","name":"{id}","kind":"{kind}"}},
                "geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}"#
            )
        })
        .collect();
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

const SQUARE: &str = "[[0.1,0.1],[0.5,0.1],[0.5,0.5],[0.1,0.5],[0.1,0.1]]";

#[test]
fn every_zone_file_of_the_project_is_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("zones");
    let mut taken = 0;
    for entry in fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.to_string_lossy().ends_with(".schema.json") {
            continue;
        }
        let zones = load_site(&[("camera".to_owned(), path.as_path())]).expect("valid");
        assert!(!zones.infos.is_empty());
        taken += 1;
    }
    assert!(taken > 0);
}

#[test]
fn refusals_name_the_zone_and_what_would_be_right() {
    let bow_tie = "[[0.1,0.1],[0.9,0.9],[0.9,0.1],[0.1,0.9],[0.1,0.1]]";
    for (text, words) in [
        (
            file(&[("gate", "restricted", bow_tie)]),
            &["`gate`", "crosses itself", "(0.5000, 0.5000)"][..],
        ),
        (
            file(&[("gate", "restricted", "[[0.1,0.1],[0.5,0.5]]")]),
            &["`gate`", "2 different corners", "at least 3"],
        ),
        (
            file(&[("gate", "restricted", "[[0.1,0.1],[1.5,0.1],[0.5,0.5],[0.1,0.1]]")]),
            &["`gate`", "corner 2", "(1.5, 0.1)", "0 to 1"],
        ),
        (file(&[("gate", "forbidden", SQUARE)]), &["kind `forbidden` is unknown", "`restricted`"]),
        (
            file(&[("gate", "restricted", SQUARE), ("gate", "restricted", SQUARE)]),
            &["`gate`", "used twice"],
        ),
        (file(&[("", "restricted", SQUARE)]), &["feature 1", "id"]),
        (file(&[]), &["no zone"]),
        ("{".to_owned(), &["GeoJSON", "line 1"]),
        (
            file(&[("gate", "restricted", SQUARE)])
                .replace(r#""kind""#, r#""clear_after":5,"kind""#),
            &["unknown field `clear_after`", "clear_after_ms"],
        ),
        (
            file(&[("gate", "restricted", SQUARE)])
                .replace(r#""kind""#, r#""clear_after_ms":5,"kind""#),
            &["clear_after_ms is 5", "200 to 60000"],
        ),
    ] {
        let message = refusal(&text);
        for word in words {
            assert!(message.contains(word), "`{word}` is missing in: {message}");
        }
    }
}

#[test]
fn missing_file_is_named() {
    let error = load_site(&[("yard".to_owned(), Path::new("/nowhere/yard.json"))]);
    assert!(error.expect_err("refused").to_string().contains("/nowhere/yard.json"));
}

#[test]
fn revision_changes_with_every_corner_and_with_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("yard.json");
    let revision = |text: &str| {
        fs::write(&path, text).expect("written");
        load_site(&[("yard".to_owned(), path.as_path())]).expect("valid").revision
    };
    let first = revision(&file(&[("gate", "restricted", SQUARE)]));
    assert_eq!(first.len(), 64);
    assert_eq!(first, revision(&file(&[("gate", "restricted", SQUARE)])));
    assert_ne!(
        first,
        revision(&file(&[("gate", "restricted", &SQUARE.replace("0.5,0.1", "0.5,0.11"))]))
    );
}

#[test]
fn ids_must_differ_over_all_cameras() {
    let folder = tempfile::tempdir().expect("a folder");
    let (a, b) = (folder.path().join("a.json"), folder.path().join("b.json"));
    fs::write(&a, file(&[("gate", "restricted", SQUARE)])).expect("written");
    fs::write(&b, file(&[("gate", "restricted", SQUARE)])).expect("written");
    let error = load_site(&[("a".to_owned(), a.as_path()), ("b".to_owned(), b.as_path())]);
    let message = error.expect_err("refused").to_string();
    assert!(message.contains("a.json") && message.contains("b.json"), "{message}");
}

#[test]
fn holes_and_several_polygons_are_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("yard.json");
    let hole = "[[0.2,0.2],[0.3,0.2],[0.3,0.3],[0.2,0.2]]";
    let far = "[[[0.7,0.7],[0.9,0.7],[0.9,0.9],[0.7,0.7]]]";
    let text = file(&[("gate", "restricted", SQUARE)])
        .replace("Polygon", "MultiPolygon")
        .replace(&format!("[{SQUARE}]"), &format!("[[{SQUARE},{hole}],{far}]"));
    fs::write(&path, text).expect("written");
    let zones = load_site(&[("yard".to_owned(), path.as_path())]).expect("valid");
    let Duty::Restricted { area, .. } = &zones.site.cameras[0].zones[0].duty else {
        panic!("a restricted zone");
    };
    assert!(area.contains((0.85, 0.75)) && area.contains((0.15, 0.15)));
    assert!(!area.contains((0.28, 0.22)));
}
