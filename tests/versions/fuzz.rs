//! Bodies that nobody would write, thousands of them, at the zone routes of a real box: each is
//! answered with what is wrong where, and what is armed stays what it was.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jsonschema::Validator;
use serde_json::{Value, json};
use standclear::engine::AlarmState;

use crate::client::{Answer, Person};
use crate::generate::{Dice, Schema};
use crate::site::{intrusion, wait_alarm};
use crate::worker::Scene;
use crate::world::{AROUND, BESIDE, World, ZONES, seen};

/// Requests tried; more with STANDCLEAR_CASES.
const CASES: u64 = 2_400;

/// What is armed is looked at after so many.
const LOOK_EVERY: u64 = 50;

/// Members of bodies, paths and queries that are no members of a document.
const OF_THE_REQUEST: [&str; 7] =
    ["body", "document", "if_digest", "path", "reason", "digest", "n"];

fn cases() -> u64 {
    std::env::var("STANDCLEAR_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES)
}

/// Everything that must not change: in the store, on the page, and in the engine's own view.
fn armed(world: &mut World) -> Value {
    let in_force = world.ada.get(ZONES).ok()["in_force"].clone();
    let state = world.ada.state();
    let of_page =
        |zone: &Value| json!([zone["id"], zone["kind"], zone["polygons"], zone["arming"]]);
    let page: Vec<Value> = state["zones"].as_array().expect("a list").iter().map(of_page).collect();
    let now = world.guard.handle().snapshots().borrow().clone();
    let of_engine: Vec<Value> = now
        .zones
        .iter()
        .map(|zone| json!([zone.number, zone.id, format!("{:?}", zone.state)]))
        .collect();
    let camera = &state["cameras"][0];
    let zones = (camera["zones_version"].clone(), camera["zones_fault"].clone());
    json!({ "in_force": in_force, "page": page, "engine": of_engine, "zones": [zones.0, zones.1] })
}

struct Bodies {
    schema: Schema,
    validator: Validator,
    /// Names that a refusal may speak of as missing.
    names: String,
    examples: Vec<Value>,
}

impl Bodies {
    fn new() -> Bodies {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("zones");
        let read = |path: &Path| -> Value {
            serde_json::from_str(&fs::read_to_string(path).expect("text")).expect("JSON")
        };
        let text = fs::read_to_string(folder.join("zones.schema.json")).expect("the schema");
        let root: Value = serde_json::from_str(&text).expect("JSON");
        let examples = fs::read_dir(folder.join("examples")).expect("a folder");
        Bodies {
            validator: jsonschema::options()
                .should_validate_formats(true)
                .build(&root)
                .expect("a JSON Schema"),
            schema: Schema::new(root),
            names: text,
            examples: examples.map(|entry| read(&entry.expect("an entry").path())).collect(),
        }
    }

    /// A document that may be right, nearly right, or far from it.
    fn document(&self, dice: &mut Dice) -> Value {
        match dice.below(6) {
            0 => self.schema.instance(dice),
            1 => self.schema.overstepped(dice),
            2 => {
                let mut instance = self.schema.instance(dice);
                self.schema.slip(&mut instance, dice);
                instance
            }
            3 => dice.pick(&self.examples).clone(),
            _ => {
                let mut example = dice.pick(&self.examples).clone();
                for _ in 0..=dice.below(3) {
                    self.schema.slip(&mut example, dice);
                }
                example
            }
        }
    }

    /// Bytes that are no body, or not the right one.
    fn bytes(&self, dice: &mut Dice) -> Vec<u8> {
        let whole = json!({ "document": self.document(dice) }).to_string();
        let mut bytes = whole.clone().into_bytes();
        match dice.below(10) {
            0 => bytes.truncate(dice.below(bytes.len())),
            1 => {
                let at = dice.below(bytes.len());
                bytes[at] ^= 1 << dice.below(8);
            }
            2 => bytes = format!("[{whole}]").into_bytes(),
            3 => {
                bytes = format!("{{\"document\":{}{}", "[".repeat(5_000), "]".repeat(5_000)).into()
            }
            4 => bytes = whole.replacen(':', ":{\"document\":", 1).into_bytes(),
            5 => bytes = whole.replacen("0.", "1e999,0.", 1).into_bytes(),
            6 => bytes = whole.replacen('{', "{\"document\":null,", 1).into_bytes(),
            7 => bytes = whole.replacen('{', "{\"force\":true,", 1).into_bytes(),
            8 => bytes.insert(dice.below(whole.len()), 0xFF),
            _ => {
                bytes = dice
                    .pick(&["", "null", "{}", "[]", "7", "\"\"", "{\"document\":null}"])
                    .as_bytes()
                    .to_vec()
            }
        }
        bytes
    }

    /// What the schema has against a document.
    fn slip_of(&self, document: &Value) -> Option<String> {
        let error = self.validator.iter_errors(document).next()?;
        Some(format!("{} {error}", error.instance_path))
    }

    /// Whether a refusal's place is one of the body, or belongs there.
    fn belongs(&self, field: &str, body: &[u8]) -> bool {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            // It was read as far as it is JSON.
            let written = String::from_utf8_lossy(body).contains(field);
            return written || OF_THE_REQUEST.contains(&field);
        };
        let mut places = BTreeSet::new();
        collect(&body["document"], String::new(), &mut places);
        let mut members = body.as_object().into_iter().flatten();
        let of_request =
            OF_THE_REQUEST.contains(&field) || members.any(|(name, _)| name.starts_with(field));
        if places.contains(field) || of_request {
            return true;
        }
        // A member that is missing: what should hold it is there, and the schema has the name.
        let (holder, name) = field.rsplit_once('.').unwrap_or(("", field));
        let name = name.split('[').next().unwrap_or_default();
        (holder.is_empty() || places.contains(holder))
            && self.names.contains(&format!("\"{name}\""))
    }
}

/// Every place of a document, as refusals write it.
fn collect(value: &Value, at: String, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let dot = if at.is_empty() { "" } else { "." };
                // A stranger's name is cut, and what a terminal would obey is escaped.
                let name = name.chars().take(60).collect::<String>().escape_debug().to_string();
                collect(member, format!("{at}{dot}{name}"), into);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                collect(item, format!("{at}[{number}]"), into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    into.insert(at);
}

/// What came of all of them.
#[derive(Debug, Default)]
struct Tally {
    taken: u64,
    finished: u64,
    refused: u64,
    others: u64,
}

#[test]
fn a_malformed_zone_call_never_panics_never_changes_what_is_armed_and_is_told_the_field() {
    let mut world = World::new(&[("bay", AROUND), ("dock", BESIDE)]);
    let bodies = Bodies::new();
    let before = armed(&mut world);
    let mut tally = Tally::default();
    for seed in 0..cases() {
        let mut dice = Dice(seed);
        one(&mut world.ada, &bodies, &mut dice, seed, &mut tally);
        if seed % LOOK_EVERY == 0 {
            assert_eq!(armed(&mut world), before, "seed {seed}");
        }
    }
    println!("{} calls: {tally:?}", cases());
    assert!(tally.taken > cases() / 10 && tally.refused > cases() / 4, "{tally:?}");
    assert!(tally.finished > 0 && tally.others > 0, "{tally:?}");
    assert_eq!(armed(&mut world), before);
    // It lives, sees, sounds, and takes an answer.
    world.site.shows(Scene::Person);
    let alarm = wait_alarm(&world.guard, intrusion, AlarmState::Unacknowledged);
    let path = format!("/api/alarms/{}/acknowledge", alarm.id.0);
    assert_eq!(world.ben.post(&path, &json!({})).ok()["state"], "acknowledged");
    world.guard.stop();
}

fn one(person: &mut Person, bodies: &Bodies, dice: &mut Dice, seed: u64, tally: &mut Tally) {
    let draft = format!("{ZONES}/draft");
    let check = format!("{ZONES}/check");
    let (method, path) = if dice.one_in(3) { ("POST", &check) } else { ("PUT", &draft) };
    match dice.below(8) {
        // Documents, each verdict held against the schema.
        0..=4 => {
            let document = bodies.document(dice);
            let mut body = json!({ "document": document });
            if method == "PUT" && dice.one_in(4) {
                body["if_digest"] = seen(person);
            }
            let body = body.to_string();
            let answer = person.ask(method, path, body.as_bytes());
            told(&answer, bodies, body.as_bytes(), seed);
            let whole = answer.status == 200 && answer.json["problems"] == json!([]);
            // What the schema refuses may be an unfinished draft; it says so, and is not proposed.
            match bodies.validator.is_valid(&document) {
                _ if answer.status == 413 => {}
                true => assert_eq!(answer.status, 200, "seed {seed}: {body}\n{}", answer.json),
                false => assert!(!whole, "seed {seed}: {:?}\n{body}", bodies.slip_of(&document)),
            }
            tally.taken += u64::from(answer.status == 200);
            tally.refused += u64::from(answer.status == 422);
            tally.finished += u64::from(whole);
        }
        5 | 6 => {
            let body = bodies.bytes(dice);
            let answer = person.ask(method, path, &body);
            told(&answer, bodies, &body, seed);
            tally.refused += u64::from(answer.status == 422);
        }
        // Proposals of whatever draft there is, and decisions about versions there may be.
        _ => {
            let numbers = ["1", "2", "0", "-1", "99999999999", "x", "%00", "1.0"];
            let number = dice.pick(&numbers);
            let what = dice.pick(&["approve", "refuse", "restore"]);
            let path = match dice.below(3) {
                0 => format!("{ZONES}/versions/{number}/{what}"),
                1 => format!("/api/cameras/{}/zones/propose", dice.pick(&["yard", "%FF", "a/b"])),
                _ => format!("{ZONES}/propose"),
            };
            let body = match dice.below(4) {
                0 if path.ends_with("propose") => {
                    let digests = [seen(person), json!("x"), json!(7), json!(null)];
                    let digest = dice.pick(&digests);
                    json!({ "reason": "because", "digest": digest }).to_string().into_bytes()
                }
                0 => json!({ "reason": "because" }).to_string().into_bytes(),
                1 => json!({}).to_string().into_bytes(),
                2 => json!({ "reason": dice.pick(&[json!(null), json!(7), json!("\u{0}"), json!("x".repeat(600))]) }).to_string().into_bytes(),
                _ => bodies.bytes(dice),
            };
            let answer = person.ask("POST", &path, &body);
            told(&answer, bodies, &body, seed);
            tally.others += 1;
        }
    }
}

/// Asserts that an answer is one that a client can use.
fn told(answer: &Answer, bodies: &Bodies, body: &[u8], seed: u64) {
    let shown = || format!("seed {seed}: {} {}", answer.json, String::from_utf8_lossy(body));
    assert!(answer.status == 200 || (400..500).contains(&answer.status), "{}", shown());
    if answer.status == 200 {
        return;
    }
    assert!(answer.json["error"]["message"].as_str().is_some_and(|text| !text.is_empty()));
    if answer.status != 422 {
        return;
    }
    let fields = answer.fields();
    assert!(!fields.is_empty(), "{}", shown());
    let proposes =
        serde_json::from_slice::<Value>(body).is_ok_and(|body| body.get("document").is_none());
    for field in fields {
        // The problems of a proposal are those of the draft that was saved before.
        let of_draft = ["features", "ground", "marks"].iter().any(|name| field.starts_with(name));
        let belongs = (proposes && of_draft) || bodies.belongs(&field, body);
        assert!(belongs, "{field:?}: {}", shown());
    }
}
