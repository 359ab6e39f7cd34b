//! What people see of the channels.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::engine::delivery::{Class, LossReason};

/// A channel as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// Unique: `mqtt`, `webhook-control-room`, `web-push`.
    pub name: String,
    pub kind: Kind,
    /// Whom it tells, without secrets.
    pub target: String,
    pub state: State,
    pub since: Timestamp,
    /// What was wrong last, and when; stays after it is mended.
    pub error: Option<(String, Timestamp)>,
    pub backlog: Vec<Backlog>,
    pub losses: Vec<Loss>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Mqtt,
    Webhook,
    WebPush,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing has been sent yet, and nothing was wrong yet.
    Starting,
    Working,
    /// The broker takes messages, and nobody has subscribed to them.
    Unheard,
    Down,
    /// This program cannot do it; the error says why.
    Off,
}

/// How a channel stands with a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    pub class: Class,
    pub waiting: u64,
    pub oldest_at: Option<Timestamp>,
    pub delivered: u64,
    pub delivered_at: Option<Timestamp>,
}

/// What of a class a channel lost for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    pub class: Class,
    pub reason: LossReason,
    pub rows: u64,
    /// How many of them the receiver has been told of.
    pub told: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

impl Face {
    pub fn new(name: String, kind: Kind, target: String, now: Timestamp) -> Face {
        Face {
            name,
            kind,
            target,
            state: State::Starting,
            since: now,
            error: None,
            backlog: Vec::new(),
            losses: Vec::new(),
        }
    }

    /// Shows another state, since now; the same one stays since when it was.
    pub fn turn(&mut self, state: State, now: Timestamp) {
        if self.state != state {
            self.state = state;
            self.since = now;
        }
    }
}

/// All channels, in the order of the configuration. Cloned freely.
#[derive(Clone, Debug, Default)]
pub struct Faces(Arc<Mutex<Vec<Face>>>);

impl Faces {
    pub fn new(faces: Vec<Face>) -> Faces {
        Faces(Arc::new(Mutex::new(faces)))
    }

    pub fn all(&self) -> Vec<Face> {
        self.lock().clone()
    }

    /// Changes the face of a name, if there is one.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut Face)) {
        if let Some(face) = self.lock().iter_mut().find(|face| face.name == name) {
            change(face);
        }
    }

    /// Held for a copy or one change only.
    fn lock(&self) -> MutexGuard<'_, Vec<Face>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
