//! A JSON document as it was written: members in their order, a name that stands twice still there
//! twice.
//!
//! Between the text and the [`Document`](super::Document): reading and writing both go through this
//! tree, so that a refusal can name every member, and the canonical text has one order.
//!
//! Not here: what the members mean.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Number;

/// Any JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    /// In the order of the text; may hold a name twice.
    Object(Vec<(String, Json)>),
}

impl Json {
    pub fn text(text: impl Into<String>) -> Json {
        Json::Text(text.into())
    }

    /// A number; one that JSON cannot write becomes null.
    pub fn number(value: f64) -> Json {
        Number::from_f64(value).map_or(Json::Null, Json::Number)
    }

    pub fn whole(value: u32) -> Json {
        Json::Number(Number::from(value))
    }

    /// Indented text with one order and one spelling; lists of plain values stand on one line.
    pub fn to_pretty(&self) -> String {
        let mut out = String::new();
        self.write(0, &mut out);
        out.push('\n');
        out
    }

    fn write(&self, depth: usize, out: &mut String) {
        match self {
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => {
                out.push_str(&self.to_compact());
            }
            Json::List(items) if items.iter().all(Json::is_plain) => {
                let items: Vec<String> = items.iter().map(Json::to_compact).collect();
                out.push('[');
                out.push_str(&items.join(", "));
                out.push(']');
            }
            Json::List(items) => {
                write_block(('[', ']'), items, depth, out, |item, out| item.write(depth + 1, out));
            }
            Json::Object(members) => {
                write_block(('{', '}'), members, depth, out, |(name, value), out| {
                    out.push_str(&Json::text(name.as_str()).to_compact());
                    out.push_str(": ");
                    value.write(depth + 1, out);
                });
            }
        }
    }

    fn is_plain(&self) -> bool {
        match self {
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => true,
            Json::List(_) | Json::Object(_) => false,
        }
    }

    /// On one line.
    fn to_compact(&self) -> String {
        // A tree of texts and finite numbers can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn write_block<T>(
    (open, close): (char, char),
    items: &[T],
    depth: usize,
    out: &mut String,
    write: impl Fn(&T, &mut String),
) {
    out.push(open);
    for (number, item) in items.iter().enumerate() {
        out.push_str(if number == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write(item, out);
    }
    if !items.is_empty() {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(close);
}

/// On one line, for messages.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_compact())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => to.serialize_unit(),
            Json::Bool(value) => to.serialize_bool(*value),
            Json::Number(value) => value.serialize(to),
            Json::Text(value) => to.serialize_str(value),
            Json::List(items) => to.collect_seq(items),
            Json::Object(members) => {
                let mut map = to.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Json, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::text(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = from.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}
