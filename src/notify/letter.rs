//! A message as it leaves: the facts as they were kept, and what is true only now.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Loss, Waiting};
use crate::engine::delivery::Class;

/// The number of the envelope's layout; a receiver that reads it knows what to expect.
const SCHEMA: u32 = 1;

/// Why a letter is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Something happened.
    News,
    /// It happened long ago: nobody is to run because of it.
    History,
    /// A person, or the delivery policy, wants to know whether the channel works.
    Test,
}

/// What leaves through a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    pub occasion: Occasion,
    pub class: Class,
    pub key: String,
    pub version: u64,
    pub at: Timestamp,
    pub valid_until: Timestamp,
    /// The key of the message in whose place a test is sent.
    pub in_place_of: Option<String>,
    /// How long it is news from when it is sent.
    pub news_for: Duration,
    /// Counts from 1.
    pub attempt: u32,
    /// The facts alone: `kind` and a member of that name.
    pub facts: Map<String, Value>,
    /// Everything, as the receiver gets it.
    pub json: String,
}

impl Letter {
    /// A waiting message as it leaves at `now`, by the clock that dated it.
    pub fn of(
        message: &Waiting,
        box_id: &str,
        attempt: u32,
        losses: &[Loss],
        now: Timestamp,
    ) -> Letter {
        let facts = match serde_json::from_str(&message.body) {
            Ok(Value::Object(facts)) => facts,
            // Other hands changed it; the receiver still learns that there was something.
            Ok(_) | Err(_) => Map::from_iter([("kind".to_owned(), json!("unreadable"))]),
        };
        // A clock that was put back makes a message look young: louder than needed, not quieter.
        let occasion = if now > message.valid_until { Occasion::History } else { Occasion::News };
        let json = envelope(
            &Envelope {
                box_id,
                class: message.class,
                key: &message.key,
                version: message.version,
                at: message.at,
                valid_until: message.valid_until,
                occasion,
            },
            &facts,
            losses,
        );
        Letter {
            occasion,
            class: message.class,
            key: message.key.clone(),
            version: message.version,
            at: message.at,
            valid_until: message.valid_until,
            in_place_of: None,
            news_for: message.valid_until.duration_since(now).try_into().unwrap_or_default(),
            attempt,
            facts,
            json,
        }
    }

    /// A letter that says nothing but that the channel works.
    pub fn test(box_id: &str, now: Timestamp, by: &str) -> Letter {
        let facts = Map::from_iter([
            ("kind".to_owned(), json!("test")),
            ("test".to_owned(), json!({ "by": by })),
        ]);
        let version = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let valid_until = now + Class::Telemetry.valid_for();
        let envelope_of = Envelope {
            box_id,
            class: Class::Telemetry,
            key: "test",
            version,
            at: now,
            valid_until,
            occasion: Occasion::Test,
        };
        let json = envelope(&envelope_of, &facts, &[]);
        Letter {
            occasion: Occasion::Test,
            class: Class::Telemetry,
            key: "test".into(),
            version,
            at: now,
            valid_until,
            in_place_of: None,
            news_for: Class::Telemetry.valid_for(),
            attempt: 1,
            facts,
            json,
        }
    }

    /// A test that goes the way of a message which is not taken, to tell the message from the way.
    pub fn probe(box_id: &str, now: Timestamp, key: &str) -> Letter {
        Letter { in_place_of: Some(key.into()), ..Letter::test(box_id, now, "the box") }
    }

    /// A text of the facts: `alarm.title`.
    pub fn text(&self, member: &str, field: &str) -> Option<&str> {
        self.facts.get(member)?.get(field)?.as_str()
    }
}

struct Envelope<'a> {
    box_id: &'a str,
    class: Class,
    key: &'a str,
    version: u64,
    at: Timestamp,
    valid_until: Timestamp,
    occasion: Occasion,
}

fn envelope(of: &Envelope<'_>, facts: &Map<String, Value>, losses: &[Loss]) -> String {
    let mut whole = facts.clone();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("schema", json!(SCHEMA));
    put("box", json!(of.box_id));
    put("key", json!(of.key));
    put("version", json!(of.version));
    put("class", json!(of.class.name()));
    put("at", json!(of.at.to_string()));
    put("valid_until", json!(of.valid_until.to_string()));
    put("history", json!(of.occasion == Occasion::History));
    let untold = losses.iter().filter(|loss| loss.rows > loss.told).map(|loss| {
        json!({
            "class": loss.class.name(),
            "reason": loss.reason.name(),
            "messages": loss.rows - loss.told,
            "first_at": loss.first_at.to_string(),
            "last_at": loss.last_at.to_string(),
        })
    });
    let untold: Vec<Value> = untold.collect();
    if !untold.is_empty() {
        put("lost", Value::Array(untold));
    }
    Value::Object(whole).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting() -> Waiting {
        Waiting {
            id: 9,
            class: Class::Alarm,
            key: "alarm-12".into(),
            version: 7,
            at: "2026-03-01T14:00:00Z".parse().expect("a time"),
            valid_until: "2026-03-01T14:02:00Z".parse().expect("a time"),
            body: r#"{"kind":"alarm","alarm":{"id":12}}"#.into(),
        }
    }

    #[test]
    fn what_is_sent_after_its_time_is_history_and_in_its_time_is_not() {
        for (now, history) in [("2026-03-01T14:02:00Z", false), ("2026-03-01T14:02:01Z", true)] {
            let letter = Letter::of(&waiting(), "b", 1, &[], now.parse().expect("a time"));
            let json: Value = serde_json::from_str(&letter.json).expect("JSON");
            assert_eq!(json["history"], history, "{now}");
            assert_eq!((&json["key"], &json["alarm"]["id"]), (&json!("alarm-12"), &json!(12)));
        }
    }

    #[test]
    fn a_loss_is_told_until_it_has_been_told() {
        let mut loss = Loss {
            class: Class::Telemetry,
            reason: crate::engine::delivery::LossReason::Room,
            rows: 5,
            told: 2,
            first_at: waiting().at,
            last_at: waiting().at,
        };
        let now = waiting().at;
        let json = |loss: &Loss| -> Value {
            let letter = Letter::of(&waiting(), "b", 1, std::slice::from_ref(loss), now);
            serde_json::from_str(&letter.json).expect("JSON")
        };
        assert_eq!(json(&loss)["lost"][0]["messages"], 3);
        loss.told = 5;
        assert_eq!(json(&loss)["lost"], Value::Null);
    }
}
