//! What changed between two documents, in sentences.

use serde_json::{Value, json};
use standclear::engine::detection::FrameSize;
use standclear::zone_file::{Document, difference, shape};

use super::schema::documents;

fn example(name: &str) -> Value {
    let found = documents().into_iter().find(|(path, _)| path.ends_with(name));
    serde_json::from_str(&found.expect("the example").1).expect("JSON")
}

fn read(value: &Value) -> Document {
    shape(&value.to_string()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// What is said after a change of the example, at 1000 × 1000 pixels.
fn told(name: &str, change: impl Fn(&mut Value)) -> Vec<String> {
    let old = example(name);
    let mut new = old.clone();
    change(&mut new);
    let size = FrameSize::new(1000, 1000);
    difference(&read(&old), &read(&new), size).into_iter().map(|d| d.text).collect()
}

fn set(place: &'static str, value: Value) -> impl Fn(&mut Value) {
    move |document| match document.pointer_mut(place) {
        Some(old) => *old = value.clone(),
        None => {
            let (parent, name) = place.rsplit_once('/').expect("a member");
            document.pointer_mut(parent).expect("the parent")[name] = value.clone();
        }
    }
}

#[test]
fn each_change_of_a_value_is_one_sentence() {
    let zone = |name: &str| format!("/features/0/properties/{name}");
    for (file, place, value, said) in [
        ("warning.json", zone("name"), json!("Crane"), "Crane: renamed, was “Below the crane”"),
        ("warning.json", zone("dwell_ms"), json!(0), "Below the crane: dwell 500 ms → 0 ms"),
        (
            "warning.json",
            zone("criterion"),
            json!("any"),
            "Below the crane: counts as inside with 30 % of the person → any part of the person",
        ),
        (
            "warning.json",
            zone("clear_after_ms"),
            json!(5000),
            "Below the crane: clear after 1000 ms → 5000 ms",
        ),
        (
            "warning.json",
            zone("latch"),
            json!(true),
            "Below the crane: after everybody has left the alarm ends → the alarm goes on until it \
             is reset",
        ),
        (
            "warning.json",
            zone("enter_window_ms"),
            json!(200),
            "Below the crane: entry window 300 ms → 200 ms",
        ),
        (
            "warning.json",
            zone("kind"),
            json!("restricted"),
            "Below the crane: kind warning zone → restricted zone",
        ),
        (
            "occupancy.json",
            zone("count"),
            json!({"at_least": 2, "empty": "allowed"}),
            "Control stand: people always at least 1 person → at least 2 people or nobody",
        ),
        (
            "occupancy.json",
            zone("schedule/armed"),
            json!([{"days": ["sat", "mon"], "from": "22:00", "to": "06:00"}]),
            "Control stand: schedule Mon–Fri 06:00–22:00 → Mon, Sat 22:00–06:00",
        ),
        (
            "occupancy.json",
            zone("schedule/exceptions/1/armed"),
            json!("all_day"),
            "Control stand: on 2026-12-25: not armed → armed all day",
        ),
        (
            "tripwire.json",
            zone("direction"),
            json!("both"),
            "Gate, way out only: direction left to right → both ways",
        ),
        (
            "ignore.json",
            "/features/1/properties/reason".to_owned(),
            json!("mirror"),
            "Poster wall: reason for ignoring “life-size people on the poster; nobody can stand \
             behind it” → “mirror”",
        ),
        (
            "restricted.json",
            zone("approach_ms"),
            json!(2000),
            "Press 3: warning of an approach 1500 ms ahead → 2000 ms ahead",
        ),
        (
            "restricted.json",
            zone("interlock/armed_while/is"),
            json!("off"),
            "Press 3: interlock armed while press-3-running is on or not known → armed while \
             press-3-running is off or not known",
        ),
        (
            "restricted.json",
            zone("hazard/stop_time_ms"),
            json!(600),
            "Press 3: stop time 450 ms → 600 ms",
        ),
        (
            "restricted.json",
            zone("hazard/height_m"),
            json!(0.5),
            "Press 3: height of the detection plane 0 m → 0.5 m",
        ),
        (
            "restricted.json",
            "/ground/points/0/ground_m/0".to_owned(),
            json!(-3.5),
            "Calibration: one point changed",
        ),
        (
            "restricted.json",
            "/marks/0/until".to_owned(),
            json!("2027-01-10T00:00:00Z"),
            "Mark “traffic cone”: until 2026-12-20 00:00 UTC → 2027-01-10 00:00 UTC",
        ),
        (
            "restricted.json",
            "/name".to_owned(),
            json!("press hall"),
            "Name of the document: “example-restricted” → “press hall”",
        ),
    ] {
        assert_eq!(told(file, set(place.leak(), value)), [said]);
    }
}

#[test]
fn what_is_taken_away_is_told() {
    let without = |place: &'static str, name: &'static str| {
        move |document: &mut Value| {
            let parent = document.pointer_mut(place).expect("the parent");
            parent.as_object_mut().expect("an object").remove(name);
        }
    };
    let properties = "/features/0/properties";
    assert_eq!(
        told("restricted.json", without(properties, "interlock")),
        ["Press 3: interlock armed while press-3-running is on or not known → none"]
    );
    assert_eq!(told("restricted.json", without(properties, "hazard")), ["Press 3: hazard removed"]);
    assert_eq!(told("restricted.json", without("", "ground")), ["Calibration removed"]);
    assert_eq!(told("restricted.json", without("", "marks")), ["Mark “traffic cone” removed"]);
    assert_eq!(
        told("occupancy.json", without("/features/0/properties/schedule", "exceptions")),
        [
            "Control stand: on 2026-12-24: as in every week (was armed 06:00–12:00)",
            "Control stand: on 2026-12-25: as in every week (was not armed)"
        ]
    );
    let gone = told("occupancy.json", |document| {
        document["features"].as_array_mut().expect("zones").remove(1);
    });
    assert_eq!(gone, ["Silo: occupancy zone removed"]);
}

#[test]
fn what_is_new_is_told() {
    let added = told("occupancy.json", |document| {
        let mut zone = document["features"][2].clone();
        zone["properties"]["id"] = json!("lift-2");
        zone["properties"]["name"] = json!("Second lift");
        document["features"].as_array_mut().expect("zones").push(zone);
    });
    assert!(added[0].starts_with("Second lift: new occupancy zone with 4 corners, "), "{added:?}");
    assert_eq!(added[1..], ["Second lift: people: at most 1 person"]);
    let turned = told("occupancy.json", |document| {
        document["features"].as_array_mut().expect("zones").reverse();
    });
    assert_eq!(turned, ["The zones stand in another order"]);
}

/// What is said, behind the drawing, of the first zone of the example when it is new.
fn told_of_new(name: &str, change: impl Fn(&mut Value)) -> Vec<String> {
    let mut new = example(name);
    change(&mut new);
    let mut old = new.clone();
    let zones = old["features"].as_array_mut().expect("zones");
    zones.remove(0);
    let mut told = difference(&read(&old), &read(&new), None);
    assert!(told[0].text.contains(": new "), "{told:?}");
    told.remove(0);
    told.into_iter().map(|difference| difference.text).collect()
}

/// The second person approves what stands here, and sees nothing else of a new zone.
#[test]
fn a_new_zone_is_told_with_all_that_is_not_as_usual() {
    assert_eq!(
        told_of_new("restricted.json", set("/features/0/properties/hazard/height_m", json!(0.5))),
        [
            "Press 3: warning of an approach 1500 ms ahead",
            "Press 3: armed while press-3-running is on or not known",
            "Press 3: hazard with a stop time of 450 ms",
            "Press 3: height of the detection plane 0.5 m",
        ]
    );
    assert_eq!(
        told_of_new("occupancy.json", |_| ()),
        [
            "Control stand: people: always at least 1 person",
            "Control stand: dwell 30000 ms",
            "Control stand: armed Mon–Fri 06:00–22:00, else off",
            "Control stand: on 2026-12-24: armed 06:00–12:00 (“Christmas Eve”)",
            "Control stand: on 2026-12-25: not armed (“closed”)",
        ]
    );
    assert_eq!(
        told_of_new("warning.json", |document| {
            let properties = &mut document["features"][0]["properties"];
            properties["enter_window_ms"] = json!(200);
            properties["clear_after_ms"] = json!(5000);
            properties["latch"] = json!(true);
            properties["interlock"] = json!({"armed_while": {"input": "crane", "is": "on"}});
            properties["schedule"] = json!({"armed": [
                {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "to": "22:00"},
                {"days": ["sat"], "from": "06:00", "to": "22:00"},
            ]});
        }),
        [
            "Below the crane: counts as inside with 30 % of the person",
            "Below the crane: dwell 500 ms",
            "Below the crane: entry window 200 ms",
            "Below the crane: clear after 5000 ms",
            "Below the crane: after everybody has left the alarm goes on until it is reset",
            "Below the crane: armed Mon–Fri 06:00–22:00 and Sat 06:00–22:00, else by its \
             interlock alone",
            "Below the crane: armed while crane is on or not known",
        ]
    );
    assert_eq!(
        told_of_new("tripwire.json", |_| ()).first().map(String::as_str),
        Some("Gate, way out only: direction left to right")
    );
    let reason = told_of_new("ignore.json", |document| {
        document["features"].as_array_mut().expect("zones").swap(0, 1);
    });
    assert_eq!(
        reason,
        ["Poster wall: reason for ignoring “life-size people on the poster; nobody can stand \
          behind it”"]
    );
}

/// A zone that was not looked at and now is gets all of that at once.
#[test]
fn what_comes_with_another_kind_is_told() {
    let told = told("ignore.json", |document| {
        let properties = document["features"][1]["properties"].as_object_mut().expect("members");
        properties.remove("reason");
        properties.insert("kind".into(), json!("restricted"));
        properties.insert("criterion".into(), json!("any"));
        properties.insert("clear_after_ms".into(), json!(5000));
    });
    for text in [
        "Poster wall: counts as inside with any part of the person",
        "Poster wall: clear after 5000 ms",
    ] {
        assert!(told.iter().any(|found| found == text), "`{text}` is missing in {told:?}");
    }
}

const RING: &str = "/features/0/geometry/coordinates/0";

/// A square of 0.4, open, as the outline of the first zone.
fn squared(change: impl Fn(&mut Vec<Value>)) -> Vec<String> {
    ring_changed(&[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]], change)
}

/// Of the first zone with this outline.
fn ring_changed(outline: &[[f64; 2]], change: impl Fn(&mut Vec<Value>)) -> Vec<String> {
    let square: Vec<Value> = outline.iter().map(|p| json!(p)).collect();
    let mut old = example("ignore.json");
    *old.pointer_mut(RING).expect("a ring") = json!(square);
    let mut ring = square;
    change(&mut ring);
    let mut new = old.clone();
    *new.pointer_mut(RING).expect("a ring") = json!(ring);
    let size = FrameSize::new(1000, 1000);
    difference(&read(&old), &read(&new), size).into_iter().map(|d| d.text).collect()
}

#[test]
fn moved_corners_are_told_in_pixels_and_direction() {
    assert_eq!(
        squared(|ring| ring[0] = json!([0.082, 0.1])),
        [
            "Yard: one corner moved 18 px left",
            "Yard: area grew by 2 % (16 % → 16.4 % of the picture)"
        ]
    );
    assert_eq!(
        squared(|ring| ring[2] = json!([0.47, 0.48])),
        [
            "Yard: one corner moved 36 px up and left",
            "Yard: area shrank by 6 % (16 % → 15 % of the picture)"
        ]
    );
    assert_eq!(
        squared(|ring| ring
            .iter_mut()
            .for_each(|p| *p = json!([p[0], p[1].as_f64().map(|y| y + 0.05)]))),
        ["Yard: moved as a whole 50 px down"]
    );
    let two = squared(|ring| {
        ring[0] = json!([0.09, 0.1]);
        ring[1] = json!([0.53, 0.1]);
    });
    assert_eq!(two[0], "Yard: 2 corners moved, the farthest 30 px right");
}

#[test]
fn a_small_zone_is_not_said_to_grow_from_one_size_to_the_same() {
    let small = [[0.1, 0.1], [0.12, 0.1], [0.12, 0.12], [0.1, 0.12]];
    let told = ring_changed(&small, |ring| ring[0] = json!([0.098, 0.1]));
    assert_eq!(told, ["Yard: one corner moved 2 px left", "Yard: area grew by 5 %"]);
}

#[test]
fn a_new_calibration_is_told_by_what_it_has_and_not_by_what_it_lacks() {
    let told = |people: usize| {
        let mut new = example("restricted.json");
        let marked = new["ground"]["people"].as_array_mut().expect("people");
        marked.truncate(people);
        let mut old = new.clone();
        old.as_object_mut().expect("a document").remove("ground");
        let told = difference(&read(&old), &read(&new), FrameSize::new(1000, 1000));
        told.into_iter().map(|d| d.text).collect::<Vec<_>>()
    };
    assert_eq!(told(0), ["Calibration: new, 6 points"]);
    assert_eq!(told(2), ["Calibration: new, 6 points and 2 people"]);
}

#[test]
fn corners_that_come_and_go_are_counted() {
    assert_eq!(squared(|ring| ring.insert(1, json!([0.3, 0.1]))), ["Yard: one corner added"]);
    assert_eq!(
        squared(|ring| {
            ring.remove(3);
        }),
        ["Yard: one corner removed", "Yard: area shrank by 50 % (16 % → 8 % of the picture)"]
    );
    let both = squared(|ring| {
        ring.insert(1, json!([0.3, 0.1]));
        ring[3] = json!([0.51, 0.5]);
    });
    assert_eq!(both[..2], ["Yard: one corner added", "Yard: one corner moved 10 px right"]);
}

#[test]
fn where_a_ring_begins_and_which_way_it_runs_is_no_change() {
    for turn in 0..4 {
        assert_eq!(squared(|ring| ring.rotate_left(turn)), [""; 0]);
        assert_eq!(
            squared(|ring| {
                ring.rotate_left(turn);
                ring.reverse();
                ring.push(ring[0].clone());
            }),
            [""; 0]
        );
    }
    // A line that runs the other way is another line.
    let turned = told("tripwire.json", |document| {
        let line = document.pointer_mut("/features/0/geometry/coordinates").expect("a line");
        line.as_array_mut().expect("points").reverse();
    });
    assert_eq!(
        turned,
        ["Gate, way out only: the line runs the other way: left and right have changed places"]
    );
}

#[test]
fn holes_and_parts_are_told() {
    let hole = json!([[0.2, 0.2], [0.3, 0.2], [0.3, 0.3], [0.2, 0.3]]);
    let with_hole = told("ignore.json", |document| {
        let rings = document.pointer_mut("/features/0/geometry/coordinates").expect("rings");
        rings.as_array_mut().expect("rings").push(hole.clone());
    });
    assert_eq!(with_hole[0], "Yard: one hole added");
    assert!(with_hole[1].contains("area shrank"), "{with_hole:?}");
    let one_part = told("warning.json", |document| {
        let parts = document.pointer_mut("/features/0/geometry/coordinates").expect("parts");
        parts.as_array_mut().expect("parts").remove(0);
    });
    assert_eq!(one_part[0], "Below the crane: one part removed");
}

#[test]
fn without_a_picture_size_distances_are_percent() {
    let old = read(&example("ignore.json"));
    let mut value = example("ignore.json");
    let corner = value.pointer_mut("/features/1/geometry/coordinates/0/2").expect("a corner");
    *corner = json!([0.16, 0.21]);
    let told = difference(&old, &read(&value), None);
    assert_eq!(told[0].text, "Poster wall: one corner moved 1.00 % of the picture down");
    assert_eq!(told[0].zone.as_deref(), Some("poster"));
}

/// Nothing that changes the text of a document, but the turning of rings, goes untold.
#[test]
fn no_change_of_any_member_goes_untold() {
    for (path, text) in documents() {
        let old: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(difference(&read(&old), &read(&old), None), []);
        let mut places = Vec::new();
        leaves(&old, String::new(), &mut places);
        for place in places {
            let mut new = old.clone();
            let leaf = new.pointer_mut(&place).expect("a leaf");
            match leaf {
                Value::Number(number) => {
                    let was = number.as_f64().expect("a number");
                    *leaf = if was.fract() == 0.0 { json!(was + 1.0) } else { json!(was + 0.01) };
                }
                Value::String(text) => text.push('x'),
                _ => continue,
            }
            let Ok(changed) = shape(&new.to_string()) else { continue };
            if changed != read(&old) {
                let told = difference(&read(&old), &changed, None);
                assert!(!told.is_empty(), "{} {place}", path.display());
            }
        }
    }
}

fn leaves(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                leaves(member, format!("{at}/{name}"), into);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, format!("{at}/{index}"), into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => into.push(at),
    }
}
