//! The zone document: what is said of a wrong one, and that text and document are one.

use proptest::prelude::*;
use serde_json::{Value, json};
use standclear::zone_file::{Document, FieldError, parse, shape};

use super::generate::Dice;
use super::schema::documents;
use super::{SQUARE, document_with, file};

/// What the parser says: one line for each slip.
fn told(text: &str) -> Vec<String> {
    parse(text).expect_err("must be refused").iter().map(ToString::to_string).collect()
}

/// The only thing said of a zone with these members.
fn told_of(members: &str) -> String {
    let told = told(&document_with(members));
    assert_eq!(told.len(), 1, "{told:?}");
    told[0].clone()
}

#[test]
fn a_refusal_names_the_member_the_value_and_what_would_be_right() {
    for (members, said) in [
        (
            r#""kind":"restricted","schedule":{"armed":[{"days":["mon"],"from":"6:00","to":"22:00"}]}"#,
            "features[0].properties.schedule.armed[0].from = \"6:00\": must be a time of day, as \"06:00\"",
        ),
        (
            r#""kind":"restricted","schedule":{"armed":[{"days":["mon"],"from":"06:00","to":"06:00"}]}"#,
            "features[0].properties.schedule.armed[0].to = 06:00 to 06:00: begins when it ends; \
             for a whole day write \"00:00\" to \"24:00\"",
        ),
        (
            r#""kind":"restricted","count":{"at_most":1}"#,
            "features[0].properties.count = an object: belongs to zones of kind occupancy, and this \
             one is of kind restricted; remove it",
        ),
        (
            r#""kind":"restricted","reason":"poster""#,
            "features[0].properties.reason = \"poster\": belongs to zones of kind ignore, privacy_mask, and this \
             one is of kind restricted; remove it",
        ),
        (
            r#""kind":"occupancy""#,
            "features[0].properties.count = missing: must be how many people are right, as \
             {\"at_most\": 1}",
        ),
        (
            r#""kind":"ignore","reason":"""#,
            "features[0].properties.reason = \"\": must say why this blind spot was chosen",
        ),
        (
            r#""kind":"restricted","enter_window_ms":1001"#,
            "features[0].properties.enter_window_ms = 1001: must be a whole number from 100 to 1000 \
             (milliseconds)",
        ),
        (
            r#""kind":"restricted","criterion":{"overlap":0}"#,
            "features[0].properties.criterion.overlap = 0: must be a number from 0.01 to 1",
        ),
        (
            r#""kind":"restricted","kind":"warning""#,
            "features[0].properties.kind = \"warning\": stands here twice; keep one",
        ),
        (
            r#""kind":"restricted","approach_ms":1500"#,
            "features[0].properties.approach_ms = 1500: needs the ground, which is not calibrated; \
             add `ground` or remove this",
        ),
        (
            r#""kind":"restricted","interlock":{"armed_while":{"input":"press","is":true}}"#,
            "features[0].properties.interlock.armed_while.is = true: must be \"on\" or \"off\"",
        ),
        (
            r#""kind":"tripwire","direction":"both""#,
            "features[0].geometry.type = \"Polygon\": a tripwire is a LineString",
        ),
        (
            r#""kind":"occupancy","count":{"at_least":1,"empty":"allowed"}"#,
            "features[0].properties.count = at least 1, empty allowed: that is always so; ask for 2 \
             people, or write \"empty\": \"alarms\"",
        ),
    ] {
        assert_eq!(told_of(members), said);
    }
}

#[test]
fn all_slips_of_a_document_are_told_at_once() {
    let bow_tie = "[[0.1,0.1],[0.9,0.9],[0.9,0.1],[0.1,0.9],[0.1,0.1]]";
    let text = file(&[("gate", "restricted", bow_tie), ("gate", "forbidden", SQUARE)])
        .replace(r#""features""#, r#""nmae":"yard","features""#);
    let told = told(&text);
    for word in [
        "nmae = \"yard\": is no member here",
        "features[0].geometry.coordinates[0]: the outline crosses itself: edge 1 meets edge 3 at \
         (0.5000, 0.5000)",
        "features[1].properties.kind = \"forbidden\": must be \"restricted\" or \"warning\"",
        "features[1].properties.id = `gate`: the id is used twice, also by features[0]",
    ] {
        assert!(told.iter().any(|line| line.contains(word)), "`{word}` is missing in {told:#?}");
    }
}

/// The editor marks the place on the picture.
#[test]
fn what_is_wrong_with_a_drawing_says_where_on_the_picture() {
    let bow_tie = "[[0.1,0.1],[0.9,0.9],[0.9,0.1],[0.1,0.9],[0.1,0.1]]";
    let errors = parse(&file(&[("gate", "restricted", bow_tie)])).expect_err("refused");
    assert_eq!(errors.len(), 1);
    let [x, y] = errors[0].at.expect("a place");
    assert!((x - 0.5).abs() < 1e-9 && (y - 0.5).abs() < 1e-9);
    let stuck = "[[0.1,0.1],[0.5,0.1],[0.5,0.1],[0.5,0.5],[0.1,0.1]]";
    let errors = parse(&file(&[("gate", "restricted", stuck)])).expect_err("refused");
    assert_eq!(errors[0].field, "features[0].geometry.coordinates[0][2]");
    assert_eq!(errors[0].at, Some([0.5, 0.1]));
}

#[test]
fn holes_are_held_against_their_outline() {
    let ring =
        |x: f64, y: f64| json!([[x, y], [x + 0.1, y], [x + 0.1, y + 0.1], [x, y + 0.1], [x, y]]);
    let with_holes = |holes: &[Value]| {
        let mut document: Value =
            serde_json::from_str(&document_with(r#""kind":"restricted""#)).expect("JSON");
        let rings = document.pointer_mut("/features/0/geometry/coordinates").expect("rings");
        rings.as_array_mut().expect("a list").extend(holes.iter().cloned());
        document.to_string()
    };
    assert!(parse(&with_holes(&[ring(0.2, 0.2)])).is_ok());
    for holes in [[ring(0.2, 0.2), ring(0.25, 0.25)], [ring(0.2, 0.2), ring(0.8, 0.8)]] {
        let told = told(&with_holes(&holes));
        assert!(told[0].starts_with("features[0].geometry.coordinates"), "{told:?}");
    }
    let crossed = json!([[0.2, 0.2], [0.3, 0.3], [0.3, 0.2], [0.2, 0.3], [0.2, 0.2]]);
    let told = told(&with_holes(&[ring(0.4, 0.4), crossed]));
    assert!(told[0].contains("coordinates[2]: hole 2 crosses itself"), "{told:?}");
}

/// A draft may be unfinished; it may not be of another shape.
#[test]
fn a_draft_keeps_its_problems_and_no_foreign_members() {
    let two_corners = file(&[("gate", "restricted", "[[0.1,0.1],[0.5,0.5]]")]);
    let draft = shape(&two_corners).expect("a draft");
    assert_eq!(draft.problems().len(), 1);
    assert!(parse(&two_corners).is_err());
    assert!(shape(&two_corners.replace("restricted", "forbidden")).is_err());
    let empty = r#"{"type":"FeatureCollection","features":[]}"#;
    assert_eq!(shape(empty).expect("a draft").problems()[0].field, "features");
}

#[test]
fn text_that_is_no_json_names_line_and_column() {
    let message = |text: &str| told(text)[0].clone();
    for (text, place, words) in [
        ("", "line 1, column 1", "it is empty"),
        (" \n ", "line 1, column 1", "it is empty"),
        ("{", "line 1, column 1", "it ends too early"),
        ("{\n  name: 1}", "line 2, column 3", "without its double quotes"),
        ("zones", "line 1, column 1", "a value should begin here"),
        ("{\"name\" 1}", "line 1, column 9", "a colon is missing"),
        ("{\"a\": 1 \"b\": 2}", "line 1, column 9", "a comma or a closing brace is missing"),
        ("[1 2]", "line 1, column 4", "a comma or a closing bracket is missing"),
        ("{\"a\": 1,}", "line 1, column 9", "a comma stands before"),
        ("{} {}", "line 1, column 4", "behind the end of the document"),
        ("{\"a\": \"b\n\"}", "line 2, column 0", "over the end of its line"),
        ("{\"a\": 01}", "line 1, column 8", "this is no number"),
    ] {
        let told = message(text);
        assert!(told.starts_with(&format!("document = {place}: ")), "{text}: {told}");
        assert!(told.contains(words) && told.contains("GeoJSON"), "{text}: {told}");
    }
    assert!(message("{\n  \"type\": 1e999}").contains("line 2"), "huge numbers are refused");
    assert!(message("NaN").starts_with("document = line 1, column"));
    let deep = "[".repeat(100_000);
    assert!(message(&deep).contains("too many braces and brackets"), "{}", message(&deep));
    let long = " ".repeat(8 * 1024 * 1024 + 1);
    assert!(message(&long).contains("at most 8388608 bytes"), "{}", message(&long));
}

#[test]
fn an_empty_name_is_told_beside_everything_else() {
    let wanted = "features[0].properties.name = \"\": give the zone a name, 1 to 80 characters";
    let nameless = document_with(r#""kind":"restricted""#).replace("\"Gate\"", "\"\"");
    assert_eq!(told(&nameless), [wanted]);
    let twice_wrong = nameless.replace("restricted", "forbidden");
    assert!(told(&twice_wrong).contains(&wanted.to_owned()), "{:?}", told(&twice_wrong));
    assert_eq!(told(&twice_wrong).len(), 2);
}

#[test]
fn a_thousand_slips_are_not_a_thousand_messages() {
    let zones = vec![("gate", "forbidden", "[]"); 1000];
    let told = told(&file(&zones));
    assert_eq!(told.len(), 101);
    assert!(told[100].contains("there is more"));
}

#[test]
fn a_document_that_takes_too_long_to_check_is_refused() {
    let corner = |i: usize| {
        let angle = i as f64 / 512.0 * std::f64::consts::TAU;
        json!([0.5 + 0.4 * angle.cos(), 0.5 + 0.4 * angle.sin()])
    };
    let ring: Value = (0..512).map(corner).collect();
    let ring = ring.to_string();
    let ids: Vec<String> = (0..40).map(|i| format!("zone-{i}")).collect();
    let zones: Vec<(&str, &str, &str)> =
        ids.iter().map(|id| (id.as_str(), "restricted", ring.as_str())).collect();
    assert!(parse(&file(&zones[..32])).is_ok());
    assert_eq!(
        told(&file(&zones)),
        ["features = 20480 corners: at most 16384 are allowed for one camera"]
    );
}

#[test]
fn equal_documents_have_equal_text_and_digest_however_they_are_written() {
    let plain = parse(&document_with(r#""kind":"restricted""#)).expect("taken");
    let open = document_with(
        r#""kind":"restricted","clear_after_ms":1000,"dwell_ms":0.0,"criterion":"foot""#,
    )
    .replace(",[0.1,0.1]]", "]")
    .replace("0.5,0.1", "0.50000004,1e-1");
    let other = parse(&open).expect("taken");
    assert_eq!(plain, other);
    assert_eq!(plain.to_text(), other.to_text());
    assert_eq!(plain.digest(), other.digest());
    assert_eq!(plain.digest().len(), 64);
    let moved = parse(&open.replace("0.5,0.5", "0.5,0.500001")).expect("taken");
    assert_ne!(plain.digest(), moved.digest());
}

#[test]
fn canonical_text_reads_like_a_file_somebody_wrote() {
    let text = parse(&document_with(r#""kind":"restricted""#)).expect("taken").to_text();
    let expected = r#"{
  "type": "FeatureCollection",
  "features": [
    {
      "type": "Feature",
      "properties": {
        "id": "gate",
        "name": "Gate",
        "kind": "restricted",
        "criterion": "foot",
        "dwell_ms": 0,
        "enter_window_ms": 300,
        "clear_after_ms": 1000
      },
      "geometry": {
        "type": "Polygon",
        "coordinates": [
          [
            [0.1, 0.1],
            [0.5, 0.1],
            [0.5, 0.5],
            [0.1, 0.5],
            [0.1, 0.1]
          ]
        ]
      }
    }
  ]
}
"#;
    assert_eq!(text, expected);
}

/// What the outside embeds a document in.
#[test]
fn a_document_goes_through_serde_and_stays_itself() {
    for (path, text) in documents() {
        let document = parse(&text).expect("valid");
        let value = serde_json::to_value(&document).expect("JSON");
        let back: Document = serde_json::from_value(value).expect("the same");
        assert_eq!(back, document, "{}", path.display());
    }
    let refused = serde_json::from_str::<Document>(r#"{"type":"Feature"}"#).expect_err("refused");
    assert!(refused.to_string().contains("features = missing"), "{refused}");
}

/// A rectangle somewhere, with as many digits as it has.
fn rectangle(dice: &mut Dice) -> Value {
    let (x, y) = (0.8 * dice.fraction(), 0.8 * dice.fraction());
    let (w, h) = (0.02 + 0.18 * dice.fraction(), 0.02 + 0.18 * dice.fraction());
    let ring = [[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]];
    let turned = dice.below(4);
    // Open or closed, from any corner on.
    let mut ring: Vec<Value> = (0..4).map(|i| json!(ring[(i + turned) % 4])).collect();
    if dice.one_in(2) {
        ring.push(ring[0].clone());
    }
    Value::Array(ring)
}

/// A complete document: one zone of every kind, drawn at random.
fn complete(dice: &mut Dice) -> Value {
    let ms = |dice: &mut Dice, min: u64, max: u64| min + dice.next() % (max - min + 1);
    let schedule = json!({
        "armed": [{"days": ["sun", "mon"], "from": "22:00", "to": "06:00"}],
        "exceptions": [{"date": "2026-12-24", "armed": "never"}]
    });
    let hazard = json!({"outline": rectangle(dice), "stop_time_ms": ms(dice, 1, 60_000)});
    let properties = [
        json!({"kind": "restricted", "approach_ms": ms(dice, 200, 10_000), "hazard": hazard}),
        json!({"kind": "warning", "criterion": {"overlap": 0.01 + 0.99 * dice.fraction()}}),
        json!({"kind": "occupancy", "count": {"at_most": ms(dice, 1, 255)}, "schedule": schedule}),
        json!({"kind": "tripwire", "direction": "both", "clear_after_ms": ms(dice, 200, 60_000)}),
        json!({"kind": "ignore", "reason": "Plakatwand „groß“ \"quoted\" \\ / 🚧"}),
    ];
    let mut features = Vec::new();
    for (number, mut properties) in properties.into_iter().enumerate() {
        properties["id"] = json!(format!("zone {number}"));
        properties["name"] = json!("  Tor  ");
        let geometry = match (number, dice.below(2)) {
            (3, _) => json!({"type": "LineString",
                "coordinates": [[0.1, dice.fraction()], [0.5, dice.fraction()], [0.9, 0.5]]}),
            (_, 0) => json!({"type": "Polygon", "coordinates": [rectangle(dice)]}),
            _ => json!({"type": "MultiPolygon",
                "coordinates": [[rectangle(dice)], [rectangle(dice)]]}),
        };
        features.push(json!({"type": "Feature", "id": number, "properties": properties,
            "geometry": geometry}));
    }
    let points: Vec<Value> = (0..4)
        .map(|_| {
            json!({"image": [dice.fraction(), dice.fraction()],
            "ground_m": [20.0 * dice.fraction(), 20.0 * dice.fraction()]})
        })
        .collect();
    json!({"type": "FeatureCollection", "name": "yard", "ground": {"points": points},
        "marks": [{"box": [0.1, 0.2, 0.3 * dice.fraction() + 0.001, 0.1], "reason": "cone",
            "until": "2026-12-20T01:00:00.123+01:00"}],
        "features": features})
}

/// Bytes of a document, cut, flipped or repeated.
fn damaged(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(bytes.len());
        match dice.below(5) {
            0 => bytes[at] = dice.next() as u8,
            1 => bytes.truncate(at.max(1)),
            2 => bytes.insert(at, *dice.pick(b"0123456789-.eE\"[]{},:")),
            3 => {
                bytes.remove(at);
                bytes.push(b' ');
            }
            _ => {
                let piece = bytes[at..(at + 40).min(bytes.len())].to_vec();
                let to = dice.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "type",
        "features",
        "properties",
        "geometry",
        "coordinates",
        "id",
        "name",
        "kind",
        "ground",
        "points",
        "marks",
        "box",
        "schedule",
        "armed",
        "count",
        "hazard",
        "outline",
    ]);
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn parse_of_to_text_is_the_same_document(seed in any::<u64>()) {
        let text = complete(&mut Dice(seed)).to_string();
        let document = parse(&text);
        prop_assert!(document.is_ok(), "{document:?}");
        let document = document.expect("just looked at");
        prop_assert_eq!(parse(&document.to_text()), Ok(document.clone()));
        prop_assert_eq!(parse(&document.to_text()).expect("the same").digest(), document.digest());
    }

    /// Whatever the bytes are, there is an answer; and what is taken is taken for good.
    #[test]
    fn damaged_documents_are_answered(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let text = complete(&mut dice).to_string();
        let bytes = damaged(&text, &mut dice);
        answered(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_json_is_answered(value in any_json()) {
        answered(&value.to_string())?;
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        answered(&text)?;
    }
}

fn answered(text: &str) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(document) => {
            prop_assert!(document.problems().is_empty());
            prop_assert_eq!(parse(&document.to_text()), Ok(document));
        }
        Err(errors) => {
            let silent = |e: &FieldError| e.field.is_empty() || e.right.is_empty();
            prop_assert!(!errors.is_empty() && !errors.iter().any(silent), "{errors:?}");
        }
    }
    Ok(())
}
