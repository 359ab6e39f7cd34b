//! Privacy: people in pictures are made unrecognisable before anybody sees them.
//!
//! Once, here, never in a browser: what leaves the box for everybody is pixelated already. The clear
//! picture is for an engineer who said why, for a while (`grants`).
//!
//! Not here: where people are and what becomes of those places (`hiding`), and who may have which role.

pub mod grants;
pub mod veil;

pub use crate::hiding::{covers, flat, mosaic};

use crate::config::Privacy;
use crate::store::query::{HistoryError, StoreReader};

/// The picture of an incident as everybody may see it. One that hides less than is to be hidden now,
/// since less was to be hidden when it was kept, is for nobody without a grant.
///
/// # Errors
/// The store cannot be read.
pub fn snapshot_for_all(
    reader: &StoreReader,
    privacy: Privacy,
    incident: u64,
) -> Result<Option<Vec<u8>>, HistoryError> {
    reader.shown_snapshot(incident, privacy)
}
