//! What the pager is told, and what it says is to be done.
//!
//! Not here: deciding it.

use super::AlarmId;

/// A handheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device(pub u32);

/// Whoever carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person(pub u32);

/// An alarm that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAlarm {
    pub alarm: AlarmId,
    pub version: u64,
    /// The version at which it last wanted an answer anew.
    pub renewed: u64,
    pub wants: Wants,
}

/// What an alarm wants of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Somebody has to answer.
    Answer,
    /// Somebody has to get it; nobody has to come.
    Delivery,
    /// Nobody is called: answered, inhibited, or only listed.
    Nothing,
}

/// What the pager is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Every device that is paired and not revoked, with its person.
    Devices(Vec<(Device, Person)>),
    /// Who is on duty now, first place first.
    Duty(Vec<Person>),
    /// Every open alarm.
    Alarms(Vec<OpenAlarm>),
    Connected(Device),
    /// It said something.
    Heard(Device),
    Disconnected(Device),
    /// What it says of its sound.
    Sound(Device, Sound),
    Receipt {
        device: Device,
        alarm: AlarmId,
        version: u64,
        receipt: Receipt,
    },
    /// Whoever has it hands it on.
    CallNext(AlarmId),
    /// Time passed.
    Tick,
}

/// Whether a device can be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// As far as it has said.
    Heard,
    /// Its browser lets it make none.
    Blocked,
}

/// How far an alarm has come on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receipt {
    /// It was sent; nothing was heard of it.
    None,
    Received,
    /// It was drawn on a screen that is on.
    Shown,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Send {
        device: Device,
        alarm: AlarmId,
        version: u64,
        /// From 1, of this device and this cause.
        attempt: u32,
    },
    /// Somebody more is called; for the record.
    Called {
        alarm: AlarmId,
        who: Who,
        why: Why,
    },
    /// It answers no more: its connection is worth nothing.
    Drop(Device),
    Listening(Listening),
}

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Person(Person),
    Everybody,
}

/// Why somebody more is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// They come first.
    First,
    NotConnected,
    NoReceipt,
    NoAnswer,
    /// Whoever was called is not on duty any more.
    OtherShift,
    HandedOn,
}

/// Whether an alarm would reach anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listening {
    /// No device is paired, and nobody is on duty.
    NotExpected,
    Somebody,
    Nobody,
}
