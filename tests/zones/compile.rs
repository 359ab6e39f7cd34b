//! What the engine is told of a document, and what site and day have to say.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use standclear::calibration::Heights;
use standclear::engine::detection::FrameSize;
use standclear::engine::time::Instant;
use standclear::engine::zone::Rules;
use standclear::engine::{Criterion, Direction, Duty, Empty, HeadCount};
use standclear::zone_file::{
    Compiled, Context, Document, FieldError, SiteContext, assemble, load_site, parse,
};

use super::document_with;
use super::schema::documents;

const NOW: &str = "2026-11-21T12:00:00Z";

fn context() -> Context<'static> {
    Context {
        camera: 3,
        now: NOW.parse().expect("a time"),
        monotonic_now: Instant::from_millis(5_000),
        frame_size: FrameSize::new(1920, 1080),
        pipeline_max_ms: 700,
        inputs: None,
    }
}

fn document(members: &str) -> Document {
    parse(&document_with(members)).expect("a document")
}

fn example(name: &str) -> Document {
    let found = documents().into_iter().find(|(path, _)| path.ends_with(name));
    parse(&found.expect("the example").1).expect("valid")
}

fn lines(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn compiled(document: &Document) -> Compiled {
    document.compile(&context()).unwrap_or_else(|errors| panic!("{:#?}", lines(&errors)))
}

#[test]
fn every_kind_reaches_the_engine_as_it_is_written() {
    let restricted = compiled(&example("restricted.json"));
    let spec = &restricted.spec.zones[0];
    let Duty::Restricted { area, criterion, approach } = &spec.duty else { panic!("{spec:?}") };
    assert_eq!((*criterion, *approach), (Criterion::Foot, Some(Duration::from_millis(1500))));
    // The press stands in a hole of the zone.
    assert!(area.contains((0.3, 0.59)) && !area.contains((0.5, 0.45)));
    let fit = restricted.fit.expect("calibrated");
    assert_eq!(fit.heights, Heights::Known);
    assert!(fit.worst_m < 0.05, "{fit:?}");
    let ground = restricted.spec.ground.expect("the ground");
    let (x, y) = ground.metres((0.5, 0.4076)).expect("on the ground");
    assert!(x.abs() < 0.05 && (y - 14.0).abs() < 0.1, "({x}, {y})");

    let warning = compiled(&example("warning.json"));
    let spec = &warning.spec.zones[0];
    assert_eq!(spec.rules.dwell, Duration::from_millis(500));
    assert!(matches!(
        spec.duty,
        Duty::Warning { criterion: Criterion::Overlap(share), .. } if share.get() == 0.3
    ));

    let occupancy = compiled(&example("occupancy.json"));
    let counts: Vec<HeadCount> = occupancy
        .spec
        .zones
        .iter()
        .map(|spec| match spec.duty {
            Duty::Occupancy { count, .. } => count,
            _ => panic!("{spec:?}"),
        })
        .collect();
    assert_eq!(
        counts,
        [
            HeadCount::AtLeast { people: 1, empty: Empty::Alarms },
            HeadCount::AtLeast { people: 2, empty: Empty::Allowed },
            HeadCount::AtMost(1)
        ]
    );
    assert_eq!(occupancy.spec.zones[0].rules.dwell, Duration::from_secs(30));

    let tripwire = compiled(&example("tripwire.json"));
    assert!(matches!(
        &tripwire.spec.zones[0].duty,
        Duty::Tripwire { line, direction: Direction::LeftToRight } if line.points_norm().len() == 3
    ));
    let ignore = compiled(&example("ignore.json"));
    assert!(matches!(ignore.spec.zones[1].duty, Duty::Ignore { .. }));
}

#[test]
fn what_is_left_out_is_the_measured_default() {
    let plain = compiled(&document(r#""kind":"restricted""#));
    assert_eq!(plain.spec.zones[0].rules, Rules::DEFAULT);
    assert_eq!((plain.spec.ground, plain.spec.marks.len(), plain.warnings.len()), (None, 0, 0));
    let slow = compiled(&document(r#""kind":"restricted","clear_after_ms":30000"#));
    let rules = slow.spec.zones[0].rules;
    assert_eq!(rules.clear_after, Duration::from_secs(30));
    assert!(rules.vanished_after >= rules.clear_after);
}

#[test]
fn the_shell_learns_what_people_see() {
    let infos = compiled(&example("ignore.json")).infos;
    assert_eq!((infos[1].kind.as_str(), infos[1].camera), ("ignore", 3));
    assert!(infos[1].reason.as_ref().is_some_and(|reason| reason.contains("poster")));
    assert!(infos[0].arming.is_always());
    // GeoJSON: a ring ends where it begins.
    let ring = &infos[0].polygons[0][0];
    assert_eq!((ring.len(), ring.first()), (5, ring.last()));
    let press = &compiled(&example("restricted.json")).infos[0];
    let interlock = press.arming.interlock.as_ref().expect("an interlock");
    assert_eq!(interlock.input, "press-3-running");
    assert!(press.arming.schedule.is_none() && !press.arming.is_always());
    let wire = &compiled(&example("tripwire.json")).infos[0];
    assert_eq!((wire.polygons.len(), wire.line.len()), (0, 3));
}

fn refused(members: &str, context: &Context<'_>) -> Vec<String> {
    lines(&document(members).compile(context).expect_err("must be refused"))
}

#[test]
fn more_than_two_seconds_from_picture_to_siren_are_refused_with_the_sum() {
    assert_eq!(
        refused(r#""kind":"restricted","dwell_ms":1200"#, &context()),
        [
            "features[0].properties.dwell_ms = enter 300 ms + dwell 1200 ms + worst measured pipeline \
          700 ms = 2200 ms: more than 2000 ms; shorten dwell_ms to at most 1000"
        ]
    );
    let slow = Context { pipeline_max_ms: 1600, ..context() };
    assert_eq!(
        refused(r#""kind":"warning","enter_window_ms":500"#, &slow),
        ["features[0].properties.enter_window_ms = enter 500 ms + dwell 0 ms + worst measured \
          pipeline 1600 ms = 2100 ms: more than 2000 ms; shorten enter_window_ms to at most 400"]
    );
    assert!(
        refused(r#""kind":"restricted","enter_window_ms":500,"dwell_ms":9"#, &slow)[0]
            .ends_with("shorten dwell_ms to 0 and enter_window_ms to at most 400")
    );
    let too_slow = Context { pipeline_max_ms: 1950, ..context() };
    assert!(refused(r#""kind":"restricted""#, &too_slow)[0].contains("pipeline must be faster"));
}

#[test]
fn two_seconds_are_enough_and_the_grace_of_a_head_count_is_no_delay() {
    for members in [
        r#""kind":"restricted","dwell_ms":1000"#,
        r#""kind":"restricted","enter_window_ms":1000,"dwell_ms":300"#,
        r#""kind":"occupancy","count":{"at_most":1},"dwell_ms":3600000"#,
        r#""kind":"ignore","reason":"poster""#,
    ] {
        assert!(document(members).compile(&context()).is_ok(), "{members}");
    }
    let slow = Context { pipeline_max_ms: 1701, ..context() };
    assert_eq!(refused(r#""kind":"occupancy","count":{"at_most":1}"#, &slow).len(), 1);
}

/// A slow day, a lost input or a wrong clock must not stop a box that guards.
#[test]
fn what_site_and_day_changed_since_approval_is_a_warning() {
    let inputs = vec!["press-4-running".to_owned()];
    let bad_day = Context {
        now: Timestamp::UNIX_EPOCH,
        pipeline_max_ms: 5_000,
        inputs: Some(&inputs),
        ..context()
    };
    let document = example("restricted.json");
    let told = lines(&document.compile(&bad_day).expect_err("not to be proposed"));
    for word in [
        "marks[0].until = 2026-12-20T00:00:00Z: a mark may hold for 90 days at most",
        "pipeline 5000 ms = 5300 ms",
        "armed_while.input = \"press-3-running\": no such machine input; there are press-4-running",
    ] {
        assert!(told.iter().any(|line| line.contains(word)), "`{word}` is missing in {told:#?}");
    }
    let guarding = document.compile_in_force(&bad_day).expect("it goes on guarding");
    assert_eq!(lines(&guarding.warnings), told);
    assert_eq!(guarding.spec.zones, compiled(&document).spec.zones);
    assert_eq!(guarding.spec.marks, [], "a mark whose time is not believed does not hold");
}

fn marked(until: &str) -> Document {
    let mut value: Value =
        serde_json::from_str(&document_with(r#""kind":"restricted""#)).expect("JSON");
    value["marks"] = json!([{"box": [0.1, 0.2, 0.3, 0.4], "reason": "cone", "until": until}]);
    parse(&value.to_string()).expect("a document")
}

#[test]
fn a_mark_holds_until_its_time_and_90_days_at_most() {
    let held = compiled(&marked("2026-11-21T12:00:10Z"));
    assert_eq!(held.spec.marks[0].until, Instant::from_millis(15_000));
    assert_eq!(held.spec.marks[0].bounds_norm.width, 0.3);
    assert!(held.warnings.is_empty());
    for ended in [NOW, "2026-11-21T11:59:59Z", "2001-01-01T00:00:00Z"] {
        let ended = compiled(&marked(ended));
        assert!(ended.spec.marks.is_empty());
        assert!(ended.warnings[0].to_string().contains("“cone” has ended"));
    }
    assert!(marked("2027-02-19T12:00:00Z").compile(&context()).is_ok());
    assert!(marked("2027-02-19T12:00:01Z").compile(&context()).is_err());
}

#[test]
fn the_ground_waits_for_the_size_of_the_picture() {
    let blind = Context { frame_size: None, ..context() };
    let waiting = example("restricted.json").compile(&blind).expect("taken");
    assert_eq!((waiting.spec.ground, waiting.fit), (None, None));
    assert!(waiting.warnings.iter().any(|w| w.field == "ground"), "{:?}", waiting.warnings);
}

#[test]
fn a_ground_that_cannot_be_is_refused_and_a_doubtful_one_is_told() {
    let mut value: Value =
        serde_json::from_str(&example("restricted.json").to_text()).expect("JSON");
    let points = value["ground"]["points"].as_array().expect("points").clone();
    let with_points = |points: &[Value]| {
        let mut value = value.clone();
        value["ground"] = json!({"points": points});
        parse(&value.to_string()).expect("a document")
    };
    // Near and far exchanged.
    let mut crossed = points.clone();
    crossed.swap(0, 2);
    let swapped_image = crossed[0]["image"].clone();
    crossed[0]["image"] = crossed[2]["image"].clone();
    crossed[2]["image"] = swapped_image;
    crossed[0]["ground_m"] = points[2]["ground_m"].clone();
    crossed[2]["ground_m"] = points[0]["ground_m"].clone();
    let outcome = with_points(&crossed).compile(&context());
    match outcome {
        Err(errors) => assert_eq!(errors[0].field, "ground"),
        Ok(compiled) => {
            assert!(compiled.warnings.iter().any(|w| w.field.starts_with("ground.points[")));
        }
    }
    let four = compiled(&with_points(&points[..4]));
    assert!(four.warnings.iter().any(|w| w.field == "ground.points"), "{:?}", four.warnings);
    // In one line.
    value["ground"] = json!({"points": (0..4).map(|i| json!(
        {"image": [0.2 + 0.1 * f64::from(i), 0.5], "ground_m": [i, 10]})).collect::<Vec<_>>()});
    let errors = parse(&value.to_string()).expect("shape").compile(&context()).expect_err("a line");
    assert!(errors[0].right.contains("one line"), "{}", errors[0]);
}

#[test]
fn a_site_is_made_of_documents_and_keeps_them() {
    let (a, b) = (example("restricted.json"), example("occupancy.json"));
    let now = (NOW.parse().expect("a time"), Instant::from_millis(1));
    let sizes = [FrameSize::new(1920, 1080)];
    let context = SiteContext { frame_sizes: &sizes, ..SiteContext::starting(now) };
    let list = vec![("a".to_owned(), a.clone()), ("b".to_owned(), b.clone())];
    let site = assemble(list, &context).expect("a site");
    assert_eq!(site.documents, [a.clone(), b]);
    assert_eq!(site.infos.iter().map(|info| info.camera).collect::<Vec<_>>(), [0, 1, 1, 1]);
    assert!(site.site.cameras[0].ground.is_some() && !site.site.cameras[0].marks.is_empty());
    assert_eq!(site.site.cameras[1].zones.len(), 3);
    let twice = vec![("a".to_owned(), a.clone()), ("b".to_owned(), a)];
    let message = assemble(twice, &context).expect_err("refused").to_string();
    assert!(message.contains("camera b") && message.contains("`press-3`"), "{message}");
}

/// A replay does not know on which day its footage was taken.
#[test]
fn footage_has_no_marks() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("yard.json");
    std::fs::write(&path, marked("2026-12-01T00:00:00Z").to_text()).expect("written");
    let zones = load_site(&[("yard".to_owned(), path.as_path())]).expect("valid");
    assert!(zones.site.cameras[0].marks.is_empty() && zones.warnings.is_empty());
}

#[test]
fn footage_is_calibrated_once_its_size_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("yard.json");
    let document = example("restricted.json");
    std::fs::write(&path, document.to_text()).expect("written");
    let zones = load_site(&[("yard".to_owned(), path.as_path())]).expect("valid");
    assert_eq!(zones.site.cameras[0].ground, None);
    let site = zones.for_footage(&[FrameSize::new(1920, 1080)]);
    assert_eq!(site.cameras[0].ground, compiled(&document).spec.ground);
    assert_eq!(site.cameras[0].zones, zones.site.cameras[0].zones);
    assert_eq!(zones.for_footage(&[]), zones.site);
}

#[test]
fn a_file_too_slow_for_two_seconds_is_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("yard.json");
    std::fs::write(&path, document_with(r#""kind":"restricted","dwell_ms":1200"#))
        .expect("written");
    let refused =
        load_site(&[("yard".to_owned(), path.as_path())]).expect_err("refused").to_string();
    assert!(refused.contains("yard.json") && refused.contains("= 2200 ms"), "{refused}");
}

/// A guarded square with a part of it ignored, from its left edge to this x, frame fractions.
fn ignored_to(x: f64) -> Document {
    under("ignore", x)
}

/// The same, under an area of this kind.
fn under(kind: &str, x: f64) -> Document {
    let mut value: Value =
        serde_json::from_str(&document_with(r#""kind":"restricted""#)).expect("JSON");
    let corners = json!([[[0.1, 0.1], [x, 0.1], [x, 0.9], [0.1, 0.9], [0.1, 0.1]]]);
    value["features"].as_array_mut().expect("features").push(json!({
        "type": "Feature",
        "properties": {"id": "poster", "name": "Poster", "kind": kind, "reason": "a picture"},
        "geometry": {"type": "Polygon", "coordinates": corners},
    }));
    value["features"][0]["geometry"]["coordinates"] =
        json!([[[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6], [0.2, 0.2]]]);
    parse(&value.to_string()).expect("a document")
}

#[test]
fn an_ignored_area_over_a_guarded_one_is_a_warning_that_says_how_much() {
    for (x, share) in [(0.3, "25 %"), (0.5, "75 %"), (0.9, "100 %")] {
        let warnings = lines(&compiled(&ignored_to(x)).warnings);
        let it = warnings.iter().find(|line| line.contains("“Poster”"));
        let it = it.unwrap_or_else(|| panic!("no warning at {x}: {warnings:?}"));
        assert!(it.contains(share) && it.contains("features[0]"), "{it}");
    }
    for x in [0.15, 0.22] {
        assert!(compiled(&ignored_to(x)).warnings.is_empty(), "at {x}");
    }
}

#[test]
fn a_privacy_mask_over_a_guarded_area_is_a_warning_that_says_what_is_not_found_there() {
    let warnings = lines(&compiled(&under("privacy_mask", 0.5)).warnings);
    let it = warnings.iter().find(|line| line.contains("privacy mask “Poster”"));
    let it = it.unwrap_or_else(|| panic!("no warning: {warnings:?}"));
    assert!(it.contains("75 %") && it.contains("alarms") && it.contains("not found"), "{it}");
    assert!(compiled(&under("privacy_mask", 0.22)).warnings.is_empty());
}
