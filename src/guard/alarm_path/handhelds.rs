//! What the pager says of handhelds, and what its silence says.

use std::time::Duration;

use super::{Changed, Runner};
use crate::engine::time::Instant;
use crate::engine::{Health, Input, Part};
use crate::guard::handle::Listening;
use crate::guard::message::HandheldReport;

/// Longest silence of the pager, which speaks every second.
const PAGER_SILENT_MAX: Duration = Duration::from_secs(3);

impl Runner {
    pub(super) fn handhelds(&mut self, report: HandheldReport, now: Instant) {
        let board = &mut self.path.board;
        board.handhelds = report.now;
        board.pager_heard_at = Some(now);
        self.changed = Changed::Yes;
        self.judge_handhelds(now);
    }

    /// Whether an alarm would reach somebody, once there is a pager that says so.
    pub(super) fn judge_handhelds(&mut self, now: Instant) {
        let board = &mut self.path.board;
        let Some(heard_at) = board.pager_heard_at else { return };
        let fault = if now.since(heard_at) > PAGER_SILENT_MAX {
            Some("the pager's thread does not answer".to_owned())
        } else {
            match board.handhelds.listening {
                Listening::NotExpected | Listening::Somebody => None,
                Listening::Nobody => Some(match board.handhelds.paired {
                    1 => "the only one that is paired does not answer".to_owned(),
                    paired => format!("none of the {paired} that are paired answers"),
                }),
            }
        };
        if fault == board.handhelds_fault {
            return;
        }
        let health = match fault {
            Some(_) => Health::Broken,
            None => Health::Working,
        };
        board.handhelds_fault = fault;
        self.changed = Changed::Yes;
        self.step(Input::Part { part: Part::Handhelds, health });
    }
}
