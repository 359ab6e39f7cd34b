//! What happened, and what people answered: the condition of one alarm.
//!
//! ```text
//!              Activate                 Acknowledge
//!   Normal ──────────────> Unacknowledged ────────> Acknowledged
//!     ^                      │  ^    ^                │   │
//!     │               Return │  │    └─── Renew ──────┘   │ Return
//!     │                      v  │ Activate, Renew         │
//!     │  Acknowledge  ReturnedUnacknowledged              │
//!     ├───────────────────────┴───────────────────────────┘
//!     │                        of a source that latches, Return leads instead
//!     │                        from Unacknowledged to LatchedUnacknowledged,
//!     │  Reset                 from Acknowledged to LatchedAcknowledged
//!     └────────── LatchedAcknowledged <── Acknowledge ── LatchedUnacknowledged
//! ```
//!
//! **Renew** is a new intruder in a zone whose alarm was answered, or a part that fails more gravely
//! than what was answered: it must be answered again (R7).
//! A new cause leads from every state to Unacknowledged; only an answer leads away from it.

/// What happened, and what people answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Normal,
    /// Active, nobody has answered.
    Unacknowledged,
    /// Active, answered.
    Acknowledged,
    /// The cause is gone, nobody has answered.
    ReturnedUnacknowledged,
    /// The cause is gone, nobody has answered, and nobody has reset it.
    LatchedUnacknowledged,
    /// The cause is gone, somebody has answered, and nobody has reset it.
    LatchedAcknowledged,
}

/// What can happen to a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The cause is there.
    Activate,
    /// The cause is there once more: a further person, a further or graver failure.
    Renew,
    /// The cause is gone.
    Return,
    /// A person answers.
    Acknowledge,
    /// A person has looked, and ends what is latched.
    Reset,
}

/// Whether a source stays in alarm after its cause has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latch {
    #[default]
    No,
    /// Until somebody has acknowledged and reset it.
    Yes,
}

/// The whole behaviour of a condition. One that maps to itself is a trigger without effect.
pub const fn next(condition: Condition, trigger: Trigger, latch: Latch) -> Condition {
    use Condition::{
        Acknowledged, LatchedAcknowledged, LatchedUnacknowledged, Normal, ReturnedUnacknowledged,
        Unacknowledged,
    };
    use Trigger::{Acknowledge, Activate, Renew, Reset, Return};
    match (condition, trigger, latch) {
        (Normal, Activate | Renew, _) => Unacknowledged,
        (Normal, Return | Acknowledge | Reset, _) => Normal,
        (Unacknowledged, Activate | Renew | Reset, _) => Unacknowledged,
        (Unacknowledged, Return, Latch::No) => ReturnedUnacknowledged,
        (Unacknowledged, Return, Latch::Yes) => LatchedUnacknowledged,
        (Unacknowledged, Acknowledge, _) => Acknowledged,
        (Acknowledged, Activate | Acknowledge | Reset, _) => Acknowledged,
        (Acknowledged, Renew, _) => Unacknowledged,
        (Acknowledged, Return, Latch::No) => Normal,
        (Acknowledged, Return, Latch::Yes) => LatchedAcknowledged,
        (ReturnedUnacknowledged, Activate | Renew, _) => Unacknowledged,
        (ReturnedUnacknowledged, Return | Reset, _) => ReturnedUnacknowledged,
        (ReturnedUnacknowledged, Acknowledge, _) => Normal,
        // Also when the zone was drawn anew meanwhile and latches no more: somebody must look.
        (LatchedUnacknowledged, Activate | Renew, _) => Unacknowledged,
        (LatchedUnacknowledged, Return | Reset, _) => LatchedUnacknowledged,
        (LatchedUnacknowledged, Acknowledge, _) => LatchedAcknowledged,
        (LatchedAcknowledged, Activate | Renew, _) => Unacknowledged,
        (LatchedAcknowledged, Return | Acknowledge, _) => LatchedAcknowledged,
        (LatchedAcknowledged, Reset, _) => Normal,
    }
}

impl Condition {
    /// Whether the cause is there.
    pub const fn is_active(self) -> bool {
        match self {
            Condition::Unacknowledged | Condition::Acknowledged => true,
            Condition::Normal
            | Condition::ReturnedUnacknowledged
            | Condition::LatchedUnacknowledged
            | Condition::LatchedAcknowledged => false,
        }
    }

    /// What it becomes where nobody is asked to answer or reset anything.
    pub const fn unasked(self) -> Condition {
        let answered = next(self, Trigger::Acknowledge, Latch::No);
        next(answered, Trigger::Reset, Latch::No)
    }
}
