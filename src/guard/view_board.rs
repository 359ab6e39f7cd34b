//! What the vision process measured of each camera's view: for the page and for words.
//!
//! Not here: whether zones are watched. The engine decides that from the kinds alone.

use jiff::Timestamp;

use crate::clock;
use crate::engine::time::Instant;
use crate::engine::view_fault::{ViewFault, ViewFaults};
use crate::link::{ViewFinding, ViewShift};

use super::handle::{CameraView, ViewTrouble};
use super::intake;
use super::words;

/// What is wrong with one camera's view, as was said last.
#[derive(Clone, Debug, Default)]
pub struct ViewBoard {
    findings: Vec<Dated>,
    /// Since when the view has moved: it stays so when nothing more is said of it.
    moved_since: Option<Timestamp>,
    shift: Option<ViewShift>,
}

/// A finding with its civil time, computed once so that it does not tremble.
#[derive(Clone, Copy, Debug)]
struct Dated {
    finding: ViewFinding,
    since: Timestamp,
}

impl ViewBoard {
    /// Whether other faults are there than before; measured values change all the while.
    pub fn put(&mut self, findings: Vec<ViewFinding>, shift: Option<ViewShift>) -> bool {
        let before: ViewFaults = self.findings.iter().map(Dated::fault).collect();
        let news = before != intake::faults(&findings);
        let dated = |finding: ViewFinding| {
            let known = self.findings.iter().find(|it| it.finding.since_ns == finding.since_ns);
            let since = match known {
                Some(known) => known.since,
                None => clock::wall_at(Instant::from_nanos(finding.since_ns)),
            };
            Dated { finding, since }
        };
        self.findings = findings.into_iter().map(dated).collect();
        let moved = self.findings.iter().find(|it| it.fault() == ViewFault::Moved).copied();
        if let Some(moved) = moved {
            self.shift = shift.or(self.shift);
            self.moved_since = Some(moved.since);
        }
        news
    }

    /// It had moved when the box ended.
    pub fn stands(&mut self, since: Timestamp) {
        self.moved_since = Some(since);
    }

    /// Somebody has taken the view as it is.
    pub fn accepted(&mut self) {
        (self.moved_since, self.shift) = (None, None);
    }

    /// Since when the view has moved.
    pub fn moved_since(&self) -> Option<Timestamp> {
        self.moved_since
    }

    /// What was measured of this fault, in words; `None` when it is there no more and only waits
    /// for an engineer.
    pub fn measured(&self, fault: ViewFault) -> Option<String> {
        let finding = self.find(fault)?.finding;
        Some(words::view_measured(fault, finding.measured, finding.limit))
    }

    /// For the page. `faults` is what the engine goes by.
    pub fn now(&self, faults: ViewFaults) -> CameraView {
        let trouble = |fault| {
            let latched = self.moved_since.filter(|_| fault == ViewFault::Moved);
            let dated = self.find(fault);
            Some(ViewTrouble {
                fault,
                words: words::view(fault).to_owned(),
                since: dated.map(|it| it.since).or(latched)?,
                measured: dated
                    .map(|it| words::view_value(fault, it.finding.measured, it.finding.limit)),
            })
        };
        CameraView {
            trouble: faults.first().and_then(trouble),
            shift: self.shift.filter(|_| faults.has(ViewFault::Moved)),
        }
    }

    fn find(&self, fault: ViewFault) -> Option<&Dated> {
        self.findings.iter().find(|it| it.fault() == fault)
    }
}

impl Dated {
    fn fault(&self) -> ViewFault {
        intake::fault(self.finding.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::ViewKind;

    const SHIFT: ViewShift = ViewShift { x_norm: 0.1, y_norm: 0.0, turn_deg: 1.0, zoom: 1.0 };

    #[test]
    fn how_far_a_view_has_moved_stays_known_when_nothing_more_is_said_of_it() {
        let mut board = ViewBoard::default();
        let finding =
            ViewFinding { kind: ViewKind::Moved, since_ns: 7, measured: 0.1, limit: 0.003 };
        assert!(board.put(vec![finding], Some(SHIFT)));
        assert!(board.put(vec![], None));
        let moved = ViewFaults::NONE.with(ViewFault::Moved);
        let now = board.now(moved);
        assert_eq!(now.shift, Some(SHIFT));
        let trouble = now.trouble.expect("it stays until an engineer has looked");
        assert_eq!((trouble.fault, trouble.measured), (ViewFault::Moved, None));
        assert!(board.now(ViewFaults::NONE).shift.is_none());
    }
}
