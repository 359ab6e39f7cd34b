//! Zone files: what is taken, and what a refusal says.

use std::fs;
use std::path::Path;

use standclear::engine::Duty;
use standclear::zone_file::load_site;

#[path = "zones/command.rs"]
mod command;
#[path = "zones/compile.rs"]
mod compile;
#[path = "zones/difference.rs"]
mod difference;
#[path = "zones/document.rs"]
mod document;
#[path = "zones/generate.rs"]
mod generate;
#[path = "zones/schedule.rs"]
mod schedule;
#[path = "zones/schema.rs"]
mod schema;

/// A document with one zone over a square, with these members beside id and name.
fn document_with(members: &str) -> String {
    format!(
        r#"{{"type":"FeatureCollection","features":[{{"type":"Feature",
            "properties":{{"id":"gate","name":"Gate",{members}}},
            "geometry":{{"type":"Polygon","coordinates":[{SQUARE}]}}}}]}}"#
    )
}

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
fn refusals_name_the_zone_and_what_would_be_right() {
    let bow_tie = "[[0.1,0.1],[0.9,0.9],[0.9,0.1],[0.1,0.9],[0.1,0.1]]";
    for (text, words) in [
        (
            file(&[("gate", "restricted", bow_tie)]),
            &["features[0].geometry", "crosses itself", "(0.5000, 0.5000)"][..],
        ),
        (
            file(&[("gate", "restricted", "[[0.1,0.1],[0.5,0.5]]")]),
            &["features[0].geometry", "2 different corners", "at least 3"],
        ),
        (
            file(&[("gate", "restricted", "[[0.1,0.1],[1.5,0.1],[0.5,0.5],[0.1,0.1]]")]),
            &["coordinates[0][1][0] = 1.5", "0 to 1"],
        ),
        (file(&[("gate", "forbidden", SQUARE)]), &["kind = \"forbidden\"", "\"restricted\""]),
        (
            file(&[("gate", "restricted", SQUARE), ("gate", "restricted", SQUARE)]),
            &["`gate`", "used twice"],
        ),
        (file(&[("", "restricted", SQUARE)]), &["features[0].properties.id = \"\"", "1 to 64"]),
        (
            // Two ids that differ by what nobody sees.
            file(&[("gate", "restricted", SQUARE), ("\u{feff}gate", "restricted", SQUARE)]),
            &["features[1].properties.id", "no blanks"],
        ),
        (file(&[]), &["no zone"]),
        ("{".to_owned(), &["line 1", "GeoJSON"]),
        (
            file(&[("gate", "restricted", SQUARE)])
                .replace(r#""kind""#, r#""clear_after":5,"kind""#),
            &["properties.clear_after = 5", "is no member here", "clear_after_ms"],
        ),
        (
            file(&[("gate", "restricted", SQUARE)])
                .replace(r#""kind""#, r#""clear_after_ms":5,"kind""#),
            &["clear_after_ms = 5", "200 to 60000"],
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
