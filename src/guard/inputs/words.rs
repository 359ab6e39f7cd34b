//! What people read of an input: why it is unknown, and what it did.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::table::{Change, InputState, Unknown};

impl Unknown {
    /// Alone, beside the input's name.
    pub fn reason(&self, time_zone: &TimeZone) -> String {
        match self {
            Unknown::NeverHeard => "never heard".into(),
            Unknown::NotSinceConnected => "not heard since the connection came back".into(),
            Unknown::Stale { age, max } => {
                format!("no word for {} s (at most {} s)", age.as_secs(), max.as_secs_f64())
            }
            Unknown::OfUnknownAge => {
                "only a retained value has come, and nobody knows how old it is".into()
            }
            Unknown::Neither { text } => format!("value `{text}` is neither on nor off"),
            Unknown::Lost { source, why, at } => {
                let since = clock_time(*at, time_zone);
                format!("{source} is not reachable since {since} ({why})")
            }
            Unknown::NotConfigured => "no input of this name is configured".into(),
        }
    }

    /// Behind the input's name, in a sentence.
    pub fn predicate(&self, time_zone: &TimeZone) -> String {
        match self {
            Unknown::NeverHeard => "has never been heard".into(),
            Unknown::NotSinceConnected => {
                "has not been heard since the connection came back".into()
            }
            Unknown::Stale { age, .. } => format!("has not been heard for {} s", age.as_secs()),
            Unknown::OfUnknownAge => "has only a retained value of unknown age".into(),
            Unknown::Neither { text } => format!("says `{text}`, which is neither on nor off"),
            Unknown::Lost { source, at, .. } => {
                let since = clock_time(*at, time_zone);
                format!("is unknown: {source} is not reachable since {since}")
            }
            Unknown::NotConfigured => "is not configured".into(),
        }
    }
}

impl Change {
    /// For the record.
    pub fn text(&self, name: &str, time_zone: &TimeZone) -> String {
        let mut text = match &self.state {
            InputState::On => format!("input {name} is on"),
            InputState::Off => format!("input {name} is off"),
            InputState::Unknown(why) => {
                format!("input {name} is unknown: {}", why.reason(time_zone))
            }
        };
        if let Some(by) = &self.by {
            text += &format!(", says {by}");
        }
        if self.changes > 1 {
            text += &format!(" ({} changes since the last note)", self.changes);
        }
        text
    }
}

fn clock_time(at: Timestamp, time_zone: &TimeZone) -> String {
    at.to_zoned(time_zone.clone()).strftime("%H:%M").to_string()
}
