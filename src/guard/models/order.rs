//! Which models the next life of the vision process may load.

use crate::link::ModelChoice;

/// Asked by the supervisor before each life; answers within a bounded time whatever the disk does.
pub trait NextLife: Send + Sync {
    /// The first that loads guards. Never empty; the last is always what came with the program.
    fn order(&self) -> Vec<ModelChoice>;
}

/// For boxes and tests without a keeper of models.
#[derive(Clone, Debug)]
pub struct ShippedOnly(pub ModelChoice);

impl NextLife for ShippedOnly {
    fn order(&self) -> Vec<ModelChoice> {
        vec![self.0.clone()]
    }
}
