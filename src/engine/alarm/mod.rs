//! Alarms: what a person has to answer, in which state that is, and what of it is heard.
//!
//! Terms, as in ISA-18.2, IEC 62682 and OPC UA Part 9: an alarm's **condition** is what happened and
//! what people answered (`condition`); its **inhibition** is whether anybody is told of it at all
//! (`inhibition`). The two are orthogonal: each has one table, every cell written. What people see is
//! made of both: [`super::AlarmState`].
//!
//! - **Acknowledge** is an answer: somebody knows. **Silence** is not: the siren pauses, nothing is
//!   answered, and the next cause sounds at once.
//! - **Latch**: a zone that stays in alarm after the cause has gone until somebody resets it.
//! - **Shelved**: a supervisor keeps one alarm quiet for a while, with a reason. **Out of service**: an
//!   engineer keeps all alarms of a zone quiet, with a reason and without an end. **Suppressed by
//!   design**: the zone is disarmed by its schedule or a machine, and raises nothing.
//!
//! One alarm per source, so an operator sees one line per zone however many people are inside.
//!
//! Not here: what makes an alarm active, who may command what, and what it sounds like.

mod book;
mod condition;
mod inhibition;
mod sound;

pub use book::{AlarmBook, Change, HoldView, Release};
pub use condition::{Condition, Latch, Trigger, next};
pub use inhibition::{
    Hold, HoldTrigger, Inhibition, SHELVE_MAX, ShelfTime, ShelfTimeError, next_hold,
};
pub use sound::SILENCE_MAX;
pub(super) use sound::SILENT;
