//! What is known of each input now. Pure: time is passed in.
//!
//! ```text
//!            heard on/off            older than max_age
//!  unknown ────────────────> on/off ────────────────────> unknown
//!     ^                         │ heard neither, source lost
//!     └─────────────────────────┘
//! ```
//!
//! There is no way from unknown to a value but a reading of now. A value of unknown age (what a
//! broker kept for whoever comes later) is none: the machine may have been cut off since.
//!
//! Not here: what an unknown input means for a zone (`arming`).

use std::time::Duration;

use jiff::Timestamp;

use crate::config;
use crate::engine::time::Instant;

/// Shortest time between two notes on one input: a loose wire must not fill the disk.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// Position of an input in the configuration's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputIndex(pub u16);

/// Now, on both clocks: the monotonic one measures, the civil one is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub monotonic: Instant,
    pub wall: Timestamp,
}

/// What a source said of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    On,
    Off,
    /// On or off, but nobody knows when that was said first.
    OfUnknownAge,
    /// Something else; its beginning, for people.
    Neither {
        text: String,
    },
}

/// What an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputState {
    On,
    Off,
    Unknown(Unknown),
}

/// Why nobody can vouch for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    NeverHeard,
    /// Its source was lost and is back; the input has not been heard since.
    NotSinceConnected,
    Stale {
        age: Duration,
        max: Duration,
    },
    OfUnknownAge,
    Neither {
        text: String,
    },
    /// Its source is lost.
    Lost {
        source: String,
        why: String,
        at: Timestamp,
    },
    /// No input of this name is configured.
    NotConfigured,
}

/// An input's state without its reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    On,
    Off,
    Unknown,
}

/// An input that shows another face, to be noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub input: InputIndex,
    pub state: InputState,
    /// Who said so, where that is known.
    pub by: Option<String>,
    /// How often its value changed since the last note, this change included.
    pub changes: u32,
}

/// All inputs.
#[derive(Clone, Debug)]
pub struct InputTable {
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    max_age: Duration,
    heard: Heard,
    lost: Option<Lost>,
    /// When anything was heard last.
    heard_at: Option<Instant>,
    by: Option<String>,
    face: Face,
    since: Timestamp,
    noted: Noted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    NothingEver,
    NothingSinceConnected,
    Value { value: Value, at: Instant },
    OfUnknownAge,
    Neither { text: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    On,
    Off,
}

#[derive(Clone, Debug)]
struct Lost {
    source: String,
    why: String,
    at: Timestamp,
}

#[derive(Clone, Debug)]
struct Noted {
    face: Face,
    at: Option<Instant>,
    changes: u32,
}

impl InputTable {
    /// Nothing has been heard yet.
    pub fn new(inputs: &[config::Input], at: Timestamp) -> InputTable {
        let row = |input: &config::Input| Row {
            name: input.name.clone(),
            max_age: input.max_age,
            heard: Heard::NothingEver,
            lost: None,
            heard_at: None,
            by: None,
            face: Face::Unknown,
            since: at,
            noted: Noted { face: Face::Unknown, at: None, changes: 0 },
        };
        InputTable { rows: inputs.iter().map(row).collect() }
    }

    /// A source said something at `at`. A reading that is older than the newest one is ignored, and
    /// so is one of a lost source: it came from before the loss.
    pub fn heard(&mut self, input: InputIndex, said: Said, at: Instant, by: Option<String>) {
        let Some(row) = self.rows.get_mut(usize::from(input.0)) else {
            return;
        };
        if row.lost.is_some() || row.heard_at.is_some_and(|newest| at < newest) {
            return;
        }
        let heard = match said {
            Said::On => Heard::Value { value: Value::On, at },
            Said::Off => Heard::Value { value: Value::Off, at },
            Said::Neither { text } => Heard::Neither { text },
            // It adds nothing to what was heard live.
            Said::OfUnknownAge => match row.heard {
                Heard::NothingEver | Heard::NothingSinceConnected => Heard::OfUnknownAge,
                Heard::Value { .. } | Heard::OfUnknownAge | Heard::Neither { .. } => return,
            },
        };
        if heard.value() != row.heard.value() {
            row.noted.changes = row.noted.changes.saturating_add(1);
        }
        row.heard = heard;
        row.heard_at = Some(at);
        row.by = by;
    }

    /// Nobody can say what these inputs are until their source is connected and heard again.
    pub fn lost(&mut self, inputs: &[InputIndex], source: &str, why: &str, at: Timestamp) {
        for input in inputs {
            let Some(row) = self.rows.get_mut(usize::from(input.0)) else {
                continue;
            };
            let at = row.lost.as_ref().map_or(at, |lost| lost.at);
            row.lost = Some(Lost { source: source.to_owned(), why: why.to_owned(), at });
            row.by = None;
            row.heard = Heard::NothingSinceConnected;
        }
    }

    /// The source of these inputs is there (again).
    pub fn connected(&mut self, inputs: &[InputIndex]) {
        for input in inputs {
            if let Some(row) = self.rows.get_mut(usize::from(input.0)) {
                row.lost = None;
            }
        }
    }

    /// What the input is at `now`.
    pub fn state(&self, input: InputIndex, now: Instant) -> InputState {
        let Some(row) = self.rows.get(usize::from(input.0)) else {
            return InputState::Unknown(Unknown::NotConfigured);
        };
        row.state(now)
    }

    /// What the input of this name is at `now`.
    pub fn state_of(&self, name: &str, now: Instant) -> InputState {
        match self.rows.iter().find(|row| row.name == name) {
            Some(row) => row.state(now),
            None => InputState::Unknown(Unknown::NotConfigured),
        }
    }

    /// Keeps since when each input shows its face, and returns what is to be noted: at most one
    /// change a second and input.
    pub fn look(&mut self, now: Moment) -> Vec<Change> {
        let mut changes = Vec::new();
        for (input, row) in (0u16..).map(InputIndex).zip(&mut self.rows) {
            let state = row.state(now.monotonic);
            let face = state.face();
            if face != row.face {
                row.face = face;
                row.since = now.wall;
            }
            let due = row.noted.at.is_none_or(|at| now.monotonic.since(at) >= NOTE_EVERY);
            let changed = face != row.noted.face || row.noted.changes > 1;
            if due && changed {
                let count = row.noted.changes.max(1);
                row.noted = Noted { face, at: Some(now.monotonic), changes: 0 };
                changes.push(Change { input, state, by: row.by.clone(), changes: count });
            }
        }
        changes
    }

    /// Name, state, since when it shows its face, and the time since anything was heard of it.
    pub fn rows(
        &self,
        now: Instant,
    ) -> impl Iterator<Item = (&str, InputState, Timestamp, Option<Duration>)> {
        self.rows.iter().map(move |row| {
            let age = row.heard_at.map(|at| now.since(at));
            (row.name.as_str(), row.state(now), row.since, age)
        })
    }

    pub fn name(&self, input: InputIndex) -> &str {
        self.rows.get(usize::from(input.0)).map_or("?", |row| &row.name)
    }

    /// Every input, in order.
    pub fn all(&self) -> Vec<InputIndex> {
        (0u16..).map(InputIndex).take(self.rows.len()).collect()
    }
}

impl Row {
    fn state(&self, now: Instant) -> InputState {
        if let Some(Lost { source, why, at }) = self.lost.clone() {
            return InputState::Unknown(Unknown::Lost { source, why, at });
        }
        let unknown = match &self.heard {
            Heard::NothingEver => Unknown::NeverHeard,
            Heard::NothingSinceConnected => Unknown::NotSinceConnected,
            Heard::OfUnknownAge => Unknown::OfUnknownAge,
            Heard::Neither { text } => Unknown::Neither { text: text.clone() },
            Heard::Value { value, at } => {
                let age = now.since(*at);
                if age <= self.max_age {
                    return match value {
                        Value::On => InputState::On,
                        Value::Off => InputState::Off,
                    };
                }
                Unknown::Stale { age, max: self.max_age }
            }
        };
        InputState::Unknown(unknown)
    }
}

impl Heard {
    fn value(&self) -> Option<Value> {
        match self {
            Heard::Value { value, .. } => Some(*value),
            Heard::NothingEver
            | Heard::NothingSinceConnected
            | Heard::OfUnknownAge
            | Heard::Neither { .. } => None,
        }
    }
}

impl InputState {
    pub fn face(&self) -> Face {
        match self {
            InputState::On => Face::On,
            InputState::Off => Face::Off,
            InputState::Unknown(_) => Face::Unknown,
        }
    }
}
