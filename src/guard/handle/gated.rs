//! The gate's words, for whoever shows what it found.

pub use crate::gate::claim::{Claim, Look};
pub use crate::gate::pairs::{Meanwhile, Place};
pub use crate::gate::quantization::{Difference, Differs, LOST_ONE_IN, Outcome, Recall};
pub use crate::gate::verdict::{CaseId, Gate, Needed, Reason, Shown, Warning};
pub use crate::gate::{Probability, Tally};
