//! Which models the next life of the vision process may load: the first of them that can be guards.
//!
//! Not here: the ledger that the answer comes from.

use std::time::Duration;

use crate::link::ModelChoice;

/// Nobody guards while it is waited for, so an answer comes within this, whatever the disk does: a
/// fifth of the five seconds after which some model guards again.
pub const ORDER_WAIT_MAX: Duration = Duration::from_secs(1);

/// Asked by the supervisor before each life of the vision process.
pub trait NextLife: Send + Sync {
    /// Never empty, and what came with the program is the last of it. Answers within
    /// [`ORDER_WAIT_MAX`].
    fn order(&self) -> Vec<ModelChoice>;
}

/// The model that came with the program, always.
#[derive(Clone, Debug)]
pub struct ShippedOnly(pub ModelChoice);

impl NextLife for ShippedOnly {
    fn order(&self) -> Vec<ModelChoice> {
        vec![self.0.clone()]
    }
}
