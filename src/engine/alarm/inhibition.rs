//! Whether anybody is told of an alarm: what people keep quiet, and what is quiet by design.
//!
//! A **hold** is what people decided of a source: on the shelf until a time, or out of service. It
//! is independent of **suppressed by design**, which the zone's arming says; where both hold, the
//! stronger one is shown. An alarm under a hold is shown, never heard and never sent; incidents are
//! recorded all the same. When the hold ends and the cause is there, the alarm is raised anew.
//!
//! A zone that is suppressed by design raises no new alarm; one that was open before stays as it is:
//! a schedule answers nothing.

use std::fmt;
use std::time::Duration;

use crate::engine::Refusal;

/// Longest time on the shelf: one shift. Whoever comes next decides anew.
pub const SHELVE_MAX: Duration = Duration::from_secs(8 * 3600);

const SHELVE_MAX_MINUTES: u64 = SHELVE_MAX.as_secs() / 60;

/// Why nobody is told of a source's alarms, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Inhibition {
    None,
    /// The zone is disarmed by its schedule or a machine.
    SuppressedByDesign,
    Shelved,
    OutOfService,
}

/// What people decided of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    None,
    Shelved,
    OutOfService,
}

/// What can happen to a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldTrigger {
    Shelve,
    /// A person takes it from the shelf.
    Unshelve,
    /// The time on the shelf is over.
    TimeUp,
    TakeOut,
    PutBack,
    /// The zone is no more.
    Retire,
}

/// The whole behaviour of a hold.
///
/// # Errors
/// What a person asked for is so already, or never was.
pub const fn next_hold(hold: Hold, trigger: HoldTrigger) -> Result<Hold, Refusal> {
    use HoldTrigger::{PutBack, Retire, Shelve, TakeOut, TimeUp, Unshelve};
    match (hold, trigger) {
        (Hold::None, Shelve) => Ok(Hold::Shelved),
        (Hold::None, Unshelve) => Err(Refusal::NotShelved),
        (Hold::None, TimeUp | Retire) => Ok(Hold::None),
        (Hold::None, TakeOut) => Ok(Hold::OutOfService),
        (Hold::None, PutBack) => Err(Refusal::InServiceAlready),
        (Hold::Shelved, Shelve) => Err(Refusal::AlreadyShelved),
        (Hold::Shelved, Unshelve | TimeUp | Retire) => Ok(Hold::None),
        (Hold::Shelved, TakeOut) => Ok(Hold::OutOfService),
        (Hold::Shelved, PutBack) => Err(Refusal::InServiceAlready),
        (Hold::OutOfService, Shelve | TakeOut) => Err(Refusal::OutOfServiceAlready),
        (Hold::OutOfService, Unshelve) => Err(Refusal::NotShelved),
        (Hold::OutOfService, TimeUp) => Ok(Hold::OutOfService),
        (Hold::OutOfService, PutBack | Retire) => Ok(Hold::None),
    }
}

impl Inhibition {
    /// What is shown of a hold and of what the zone's arming says.
    pub fn of(hold: Hold, by_design: Inhibition) -> Inhibition {
        let held = match hold {
            Hold::None => Inhibition::None,
            Hold::Shelved => Inhibition::Shelved,
            Hold::OutOfService => Inhibition::OutOfService,
        };
        held.max(by_design)
    }
}

/// A time on the shelf that is neither nothing nor longer than a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShelfTime(Duration);

/// Why a time on the shelf cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShelfTimeError {
    Nothing,
    TooLong { minutes: u64 },
}

impl ShelfTime {
    /// A time from whole minutes.
    ///
    /// # Errors
    /// It is nothing, or longer than [`SHELVE_MAX`].
    pub const fn from_minutes(minutes: u64) -> Result<ShelfTime, ShelfTimeError> {
        match minutes {
            0 => Err(ShelfTimeError::Nothing),
            1..=SHELVE_MAX_MINUTES => Ok(ShelfTime(Duration::from_secs(minutes * 60))),
            _ => Err(ShelfTimeError::TooLong { minutes }),
        }
    }

    pub const fn get(self) -> Duration {
        self.0
    }
}

impl fmt::Display for ShelfTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShelfTimeError::Nothing => {
                write!(f, "an alarm is shelved for at least 1 minute, not 0")
            }
            ShelfTimeError::TooLong { minutes } => write!(
                f,
                "an alarm is shelved for at most {SHELVE_MAX_MINUTES} minutes (one shift), not {minutes}"
            ),
        }
    }
}

impl std::error::Error for ShelfTimeError {}
