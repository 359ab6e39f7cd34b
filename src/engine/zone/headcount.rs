//! Too many or too few people: an incident once that has lasted for the grace.
//!
//! The count is of people seen within half a second (`Occupancy::people`). Doubt alarms: whoever may
//! be there is one too many, but does not stand in for one too few. Whatever was wrong counts as
//! wrong until it has been right for `clear_after`: doubt keeps an alarm, and a lone worker whom
//! somebody visits for a moment does not start anew.

use std::time::Duration;

use super::super::detection::Score;
use super::super::site::{Empty, HeadCount};
use super::super::time::Instant;
use super::{Arrival, Change, Look, Occupancy, Rules, Telling};

/// An area with a count.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Headcounter {
    occupancy: Occupancy,
    count: HeadCount,
    rules: Rules,
    wrong: Option<Wrong>,
    /// When the newest picture was taken.
    newest: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Wrong {
    since: Instant,
    last: Instant,
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    NotYet,
    Yes,
}

impl Headcounter {
    pub fn new(occupancy: Occupancy, count: HeadCount, rules: Rules) -> Headcounter {
        Headcounter { occupancy, count, rules, wrong: None, newest: Instant::ZERO }
    }

    pub fn occupancy(&self) -> &Occupancy {
        &self.occupancy
    }

    pub fn occupancy_mut(&mut self) -> &mut Occupancy {
        &mut self.occupancy
    }

    pub fn into_occupancy(self) -> Occupancy {
        self.occupancy
    }

    /// The zone was drawn anew. What was wrong stays so until it is seen to be right.
    pub fn redraw(&mut self, change: impl FnOnce(&mut Occupancy), count: HeadCount, rules: Rules) {
        change(&mut self.occupancy);
        (self.count, self.rules) = (count, rules);
    }

    /// Takes one picture.
    pub fn look(&mut self, look: Look<'_>) -> Change {
        self.newest = look.at;
        // People are told by the count, not one by one.
        let entered = self.occupancy.look(Look { telling: Telling::Tell, ..look }).arrivals;
        if self.is_wrong() {
            let wrong = self.wrong.get_or_insert(Wrong {
                since: look.at,
                last: look.at,
                told: Told::NotYet,
            });
            wrong.last = look.at;
        }
        let Some(wrong) = self.wrong else {
            return Change::default();
        };
        if look.at.since(wrong.last) >= self.rules.clear_after {
            self.wrong = None;
            let cleared = (wrong.told == Told::Yes).then_some(wrong.last);
            return Change { arrivals: Vec::new(), cleared };
        }
        match (look.telling, wrong.told, self.count) {
            (Telling::Follow, _, _) => Change::default(),
            (Telling::Tell, Told::NotYet, _) => {
                Change { arrivals: self.tell(entered.last().copied()), cleared: None }
            }
            // A further one where there are too many already is news.
            (Telling::Tell, Told::Yes, HeadCount::AtMost(_)) if wrong.last == look.at => {
                Change { arrivals: entered, cleared: None }
            }
            (Telling::Tell, Told::Yes, HeadCount::AtMost(_) | HeadCount::AtLeast { .. }) => {
                Change::default()
            }
        }
    }

    /// What has been wrong for long enough and was not told yet.
    pub fn tell_now(&mut self) -> Vec<Arrival> {
        self.tell(None)
    }

    /// Nobody was counted until now: neither the grace nor the way back to right runs on.
    pub fn time_stood_still(&mut self, at: Instant) {
        self.occupancy.time_stood_still(at);
        if let Some(wrong) = &mut self.wrong {
            if wrong.told == Told::NotYet {
                wrong.since = wrong.since.max(at);
            }
            wrong.last = wrong.last.max(at);
        }
    }

    fn is_wrong(&self) -> bool {
        match self.count {
            // Too many stay too many until one is known to have left, not only hidden for a moment.
            HeadCount::AtMost(most) => {
                let doubted = if self.wrong.is_some() { self.occupancy.held() } else { 0 };
                self.occupancy.people().max(doubted) > usize::from(most)
            }
            HeadCount::AtLeast { people: least, empty } => {
                let nobody_is_fine = match empty {
                    // Only where nobody may be: what is in doubt may be somebody who lies there.
                    Empty::Allowed => self.occupancy.people() == 0,
                    Empty::Alarms => false,
                };
                self.occupancy.people_beyond_doubt() < usize::from(least) && !nobody_is_fine
            }
        }
    }

    fn tell(&mut self, newest: Option<Arrival>) -> Vec<Arrival> {
        let grace = self.grace();
        let Some(wrong) = &mut self.wrong else {
            return Vec::new();
        };
        // The count must be wrong now, not only not yet right for long enough.
        let due = wrong.last == self.newest && wrong.last.since(wrong.since) >= grace;
        if wrong.told == Told::Yes || !due {
            return Vec::new();
        }
        wrong.told = Told::Yes;
        let since = wrong.since;
        let evidence = newest.or_else(|| self.occupancy.newest_entry());
        let nobody = || {
            let (corner, _) = self.occupancy.area().bounds_norm();
            let score = Score::ZERO;
            Arrival { first_seen_at: since, score, track: None, anchor_norm: corner }
        };
        vec![evidence.unwrap_or_else(nobody)]
    }

    /// Two who come in together are not believed in the same picture: too few needs at least the
    /// time an entry may take.
    fn grace(&self) -> Duration {
        match self.count {
            HeadCount::AtMost(_) => self.rules.dwell,
            HeadCount::AtLeast { .. } => self.rules.dwell.max(self.rules.enter_window),
        }
    }
}
