//! What the pager says of handhelds, and what its silence says.

use std::time::Duration;

use super::failing::Thing;
use super::{Changed, Runner};
use crate::engine::Part;
use crate::engine::time::Instant;
use crate::guard::handle::{HandheldsNow, Listening};
use crate::guard::message::{Gravity, HandheldReport, PagerSight};

/// Longest silence of the pager, which speaks every second.
const PAGER_SILENT_MAX: Duration = Duration::from_secs(3);

/// Whether there is somebody who says how handhelds stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pager {
    Runs,
    /// This box serves no handhelds.
    NotConfigured,
}

/// What is known of the pager.
pub(super) enum PagerWatch {
    /// Nothing yet, since the box started.
    Unheard {
        since: Instant,
    },
    Heard {
        at: Instant,
        sight: PagerSight,
    },
    /// There is none to listen for.
    NotConfigured,
}

/// Whether an alarm would reach somebody.
enum Reach {
    Fine,
    Fault(String),
    /// Phones come back after a start; nobody can say yet.
    NotKnownYet,
}

impl PagerWatch {
    pub fn new(pager: Pager, now: Instant) -> PagerWatch {
        match pager {
            Pager::Runs => PagerWatch::Unheard { since: now },
            Pager::NotConfigured => PagerWatch::NotConfigured,
        }
    }

    fn reach(&self, handhelds: &HandheldsNow, now: Instant) -> Reach {
        let silent = |since: Instant| now.since(since) > PAGER_SILENT_MAX;
        match self {
            PagerWatch::Unheard { since: at } | PagerWatch::Heard { at, .. } if silent(*at) => {
                Reach::Fault("the pager's thread does not answer".to_owned())
            }
            PagerWatch::Unheard { .. } => Reach::NotKnownYet,
            PagerWatch::Heard { sight: PagerSight::Stale, .. } => {
                Reach::Fault("alarms do not reach the pager".to_owned())
            }
            PagerWatch::Heard { sight: PagerSight::Now, .. } => match handhelds.listening {
                Listening::Somebody if handhelds.connected.is_empty() => Reach::NotKnownYet,
                Listening::NotExpected | Listening::Somebody => Reach::Fine,
                Listening::Nobody => Reach::Fault(match handhelds.paired {
                    _ if !handhelds.connected.is_empty() => {
                        "those that are connected may make no sound; touch their screens".to_owned()
                    }
                    0 => "people are on duty, and no handheld is paired".to_owned(),
                    1 => "the only one that is paired does not answer".to_owned(),
                    paired => format!("none of the {paired} that are paired answers"),
                }),
            },
            PagerWatch::NotConfigured => Reach::Fine,
        }
    }
}

impl Runner {
    pub(super) fn handhelds(&mut self, report: HandheldReport, now: Instant) {
        self.path.board.handhelds = report.now;
        self.pager = PagerWatch::Heard { at: now, sight: report.sight };
        self.changed = Changed::Yes;
        self.judge_handhelds(now);
    }

    /// Whether an alarm would reach somebody. The first answer counts whatever it is: a fault that
    /// was open when the box stopped may be over.
    pub(super) fn judge_handhelds(&mut self, now: Instant) {
        let fault = match self.pager.reach(&self.path.board.handhelds, now) {
            Reach::Fine => None,
            Reach::Fault(reason) => Some(reason),
            Reach::NotKnownYet => return,
        };
        if fault == self.path.board.handhelds_fault && self.handhelds_judged {
            return;
        }
        self.handhelds_judged = true;
        let failures = fault.iter().map(|_| (Thing::Listeners, Gravity::Failed)).collect();
        self.path.board.handhelds_fault = fault;
        self.changed = Changed::Yes;
        self.tell_part(Part::Handhelds, failures);
    }
}
