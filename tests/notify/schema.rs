//! What the reference says of messages, what the schema says, and what a box sends are one thing.

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use serde_json::Value;
use standclear::clock;
use standclear::engine::delivery::{Class, LossReason};
use standclear::engine::{AlarmId, AlarmState, IncidentId};
use standclear::notify::{Letter, Loss, Waiting};
use standclear::store::record::{AlarmKey, IncidentStart, Record};

use crate::Outlet;

fn reference(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
    fs::read_to_string(path).expect("a reference")
}

fn schema() -> Validator {
    let schema: Value = serde_json::from_str(&reference("messages.schema.json")).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

#[track_caller]
fn assert_valid(schema: &Validator, message: &Value) {
    let wrong: Vec<String> = schema.iter_errors(message).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{message:#}\n{wrong:?}");
}

#[test]
fn every_example_of_the_reference_is_valid() {
    let (schema, text) = (schema(), reference("messages.md"));
    let examples: Vec<&str> =
        text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    for kind in ["alarm", "incident", "zone", "test"] {
        let quoted = format!("\"kind\": \"{kind}\"");
        assert!(examples.iter().any(|example| example.contains(&quoted)), "no example of {kind}");
    }
    for example in examples {
        assert_valid(&schema, &serde_json::from_str(example).expect("JSON"));
    }
}

#[test]
fn a_field_that_nobody_described_is_not_valid() {
    let mut message: Value =
        serde_json::from_str(&Letter::test("0123456789abcdef", clock::wall(), "Eva").json)
            .expect("JSON");
    assert_valid(&schema(), &message);
    message["test"]["mood"] = "good".into();
    assert!(!schema().is_valid(&message));
}

/// One record of every kind that others are told of.
fn everything() -> Vec<Record> {
    let at = clock::wall();
    let alarm = |number: u64, source, state| Record::Alarm {
        alarm: AlarmId(number),
        at,
        source,
        state,
        version: (1 << 20) + number,
        incident: Some(IncidentId(1)),
        text: "text".into(),
    };
    let bay = || "bay".to_owned();
    vec![
        Record::IncidentStarted(IncidentStart {
            incident: IncidentId(1),
            zone: bay(),
            zone_name: "Bay".into(),
            camera: "yard".into(),
            at,
            captured_at: at,
            frame: 1,
            score: 0.7,
            anchor_norm: (0.5, 0.5),
            track: None,
            model_digest: "d".into(),
            zone_revision: "z".into(),
            stages: Vec::new(),
        }),
        Record::PersonEntered {
            incident: IncidentId(1),
            at,
            score: 0.7,
            anchor_norm: (0.5, 0.5),
            track: None,
        },
        alarm(1, AlarmKey::Intrusion(bay()), AlarmState::Unacknowledged),
        alarm(2, AlarmKey::Warning(bay()), AlarmState::Unacknowledged),
        alarm(3, AlarmKey::Untested(bay()), AlarmState::Unacknowledged),
        alarm(4, AlarmKey::Blind("yard".into()), AlarmState::Unacknowledged),
        alarm(5, AlarmKey::Fault("siren".into()), AlarmState::ReturnedUnacknowledged),
        alarm(1, AlarmKey::Intrusion(bay()), AlarmState::Acknowledged),
        Record::Acknowledged { alarm: AlarmId(1), at, by: "Eva".into() },
        Record::ZoneUnknown { zone: bay(), at, cause: "No picture".into() },
        Record::ZoneKnown { zone: bay(), at },
        Record::ZoneArmed { zone: bay(), at, reason: "schedule".into() },
        Record::ZoneDisarmed { zone: bay(), at, by: "schedule".into(), reason: "off".into() },
        Record::IncidentEnded { incident: IncidentId(1), at, last_inside_at: at, entries: 2 },
        // Its beginning was lost.
        Record::IncidentEnded { incident: IncidentId(9), at, last_inside_at: at, entries: 2 },
    ]
}

#[test]
fn whatever_a_box_sends_is_what_the_schema_says() {
    let (outlet, schema) = (Outlet::new(&["hook"]), schema());
    let mut store = outlet.store.lock().expect("not poisoned");
    store.write(&everything()).expect("kept");
    let reader = store.reader().expect("a reader");
    let loss = Loss {
        class: Class::Fault,
        reason: LossReason::Age,
        rows: 3,
        told: 1,
        first_at: clock::wall(),
        last_at: clock::wall(),
    };
    let mut seen = 0;
    for class in Class::ALL {
        let mut after = 0;
        while let Some(of) = reader.next_message("hook", class, after).expect("readable") {
            after = of.id;
            seen += 1;
            let waiting = Waiting {
                id: of.id,
                class: of.class,
                key: of.key,
                version: of.version,
                at: of.at,
                valid_until: of.valid_until,
                body: of.body,
            };
            let losses = std::slice::from_ref(&loss);
            let letter = Letter::of(&waiting, &outlet.box_id, 1, losses, clock::wall());
            assert_valid(&schema, &serde_json::from_str(&letter.json).expect("JSON"));
        }
    }
    assert_eq!(seen, everything().len() - 1, "an answer is told with the alarm");
}
