//! Relays and stack lights as they are shown.

use std::time::Duration;

pub use crate::config::{RelayRole, Wiring};

/// A relay that is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayNow {
    pub name: String,
    /// What it calls for attention about.
    pub role: Vec<RelayRole>,
    /// The device in words, without secrets.
    pub device: String,
    pub wiring: Wiring,
    pub heartbeat: Option<Duration>,
    /// Why it may not call when the box is dead though it is wired fail-safe, for people.
    pub caution: Option<&'static str>,
    pub state: RelayState,
    pub calling: RelayCalling,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayState {
    /// Its device has not answered yet.
    Starting,
    Working,
    /// It does not show what it should, for this reason.
    Failed(String),
}

/// What it is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayCalling {
    Yes,
    No,
}
