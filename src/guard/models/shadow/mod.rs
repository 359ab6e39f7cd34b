//! The shadow slot: another model sees what the active one sees, on its own process, and what the two
//! make of it is compared. Nobody hears it.
//!
//! ```text
//! active process ── pictures ──> shadow process ── reports ──┐
//!                   (`feed`)      (`process`, `supervisor`)   ▼
//! alarm path ── what it was told, what it told ──> `log` ──> `comparer` ──> store
//!               (`tap`: bounded, lossy)                        │ `mind`: an engine of its own
//!                                                              ▼
//!                                               `desk`: cases, evidence, labels
//!          span of video ── `footage` ──> `clips` <── outcome ── recorder of the active process
//! ```
//!
//! Terms: a **run** is one active and one shadow model with the same zones; it ends when one of them
//! changes, or when something the alarm path was told is lost on the way here. A **case** is one incident
//! of either or both.
//!
//! The shadow model's engine is a copy of the one that guards, taken when the run begins, and takes every
//! step at the time at which that one took it: its model is not later for working at the lowest priority.
//! A picture that it was not given, or not in `WAIT_MAX`, it has not seen, which is counted (coverage).
//!
//! What it decides leaves `mind` as [`Noticed`] and nothing else, which is no order to a siren and no
//! record: see there for the proof. No file in here names a room that tells anybody anything
//! (`tests/architecture.rs`).
//!
//! `quantized`: whether it is a quantized model, and what that was found to see beside its parent.
//!
//! Not here: whether it may guard (`gate`), and what becomes of it (the keeper of models, which is told
//! when the shadow process gave up).

mod cases;
mod clips;
mod comparer;
mod deaths;
mod desk;
mod evidence;
mod feed;
mod footage;
mod frames;
mod incidents;
mod log;
mod mind;
mod picture;
mod post;
mod process;
mod quantized;
mod session;
mod start;
mod supervisor;
mod tap;

use crate::link::{FeedNews, ModelInfo, Picture};

pub use self::desk::{ShadowDesk, append};
pub use self::feed::FeedPort;
pub use self::incidents::Who;
pub use self::mind::{Mind, Noticed};
pub use self::picture::is_ours;
pub use self::post::{ClearPicture, Disagreement, GaveUp, ShadowPost};
pub use self::start::{ShadowSlot, ShadowThreads};
pub use self::tap::{ShadowQueue, ShadowTap};

/// Something for the comparer.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a full queue of them is a megabyte, once")]
pub(super) enum Told {
    /// What the alarm path was told, or told.
    Tapped(tap::Tapped),
    /// What the shadow model saw.
    Report(log::Looked),
    /// The shadow process watches.
    Ready(Box<ModelInfo>),
    /// It does not.
    Gone(Gone),
    /// How it is fed.
    Feed(FeedNews),
    /// A picture of a case; `None` when it is no longer kept.
    Picture { request: u64, picture: Option<Picture> },
    /// Nothing more comes.
    Stop,
}

/// Why the shadow process does not watch any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// It died or hung: what it misses until it watches again it has lost.
    Failed,
    /// There is nothing to look beside, or nobody wants it to look.
    Unneeded,
}
