//! Can a camera's picture be trusted? Pure: pictures and times in, findings out.
//!
//! ```text
//!            ┌ tone        brightness, clipping, cast ──────────────┐
//! picture ──>├ stillness   change against the picture before ───────┼─> judge ─> findings
//!            ├ cells       contrast, sharpness, likeness ─┐          │   limits, waits
//!            └ shift       where corners went ────────────┴ against ┘
//!                                             background: learned while nothing is wrong
//! ```
//!
//! Terms: the **background** is the view as it usually looks, learned slowly; the **reference** is
//! the picture the zones in force were drawn on; a **finding** is a fault that has lasted long enough
//! to be told. `docs/design/integrity.md` says where each limit comes from.
//!
//! Not here: what becomes of a finding (the engine makes the camera's zones UNKNOWN), pictures that do
//! not come or come late (`engine::supervision`), and how a picture gets here.

pub mod background;
pub mod cells;
pub mod day;
mod face;
pub mod faults;
pub mod grey;
pub mod judge;
pub mod known;
mod left;
mod movement;
#[cfg(test)]
mod plain_tests;
pub mod quiet;
#[cfg(test)]
mod realign_tests;
pub mod scenes;
pub mod shift;
pub mod still;
pub mod usual;
pub mod watch;
#[cfg(test)]
mod watch_tests;

pub use background::strong_cells;
pub use grey::{Grey, Tone};
pub use judge::STRONG_MIN;
pub use judge::{Finding, Measures};
pub use known::Known;
pub use shift::Shift;
pub use usual::Hour;
pub use watch::{Look, Watch};
