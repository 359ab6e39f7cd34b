//! Machine inputs, as the web side sees and sets them.

use jiff::Timestamp;

/// What the web side may do about inputs.
pub trait Inputs: Send + Sync + 'static {
    /// Takes a value for an input that is heard by HTTP; `by` is who said so. Never waits.
    ///
    /// # Errors
    /// No such input, one that is heard in another way, or nobody takes values now.
    fn set_input(&self, name: &str, value: InputValue, by: &str) -> Result<(), SetInputError>;
}

/// What may be said of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputValue {
    On,
    Off,
}

/// Why a value was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetInputError {
    #[error("there is no input of this name; inputs stand in the box's configuration")]
    UnknownInput,
    #[error("this input is not heard by HTTP: its `from` in the box's configuration says how")]
    NotPosted,
    #[error("the guard is busy and has not taken the value; send it again")]
    Busy,
    #[error("the guard is stopping")]
    Stopping,
}

/// An input, as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub name: String,
    pub state: InputSight,
    /// Since when it is on, off or unknown.
    pub since: Timestamp,
    /// Time since anything was heard of it; `None`: never.
    pub age_ms: Option<u64>,
}

/// What an input is known to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputSight {
    On,
    Off,
    /// Why, for people.
    Unknown(String),
}

/// Whether a zone is armed and why, as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneArming {
    pub armed: Armed,
    /// What says so; `None`: nothing could say otherwise, or nobody can vouch for what could.
    pub by: Option<ArmedBy>,
    /// For people.
    pub reason: String,
    /// When the schedule changes that.
    pub until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Armed {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArmedBy {
    Schedule,
    Interlock,
}
