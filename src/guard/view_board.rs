//! What the vision process measured of each camera's view: for the page and for words.
//!
//! Not here: whether zones are watched. The engine decides that from the kinds alone.

use crate::engine::view_fault::ViewFault;
use crate::link::ViewFinding;

use super::intake;
use super::words;

/// What is wrong with one camera's view, as was said last.
#[derive(Clone, Debug, Default)]
pub struct ViewBoard(Vec<ViewFinding>);

impl ViewBoard {
    /// Whether other faults are there than before; measured values change all the while.
    pub fn put(&mut self, findings: Vec<ViewFinding>) -> bool {
        let kinds = |findings: &[ViewFinding]| intake::faults(findings);
        let news = kinds(&self.0) != kinds(&findings);
        self.0 = findings;
        news
    }

    /// What was measured of this fault, in words; `None` when it is there no more and only waits
    /// for an engineer.
    pub fn measured(&self, fault: ViewFault) -> Option<String> {
        let finding = self.0.iter().find(|finding| intake::fault(finding.kind) == fault)?;
        Some(words::view_measured(fault, finding.measured, finding.limit))
    }
}
