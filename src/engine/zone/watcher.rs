//! A zone's memory by its duty, behind one face.

use super::super::geometry::{Area, PointNorm};
use super::super::site::Duty;
use super::super::time::Instant;
use super::headcount::Headcounter;
use super::tripwire::Tripwire;
use super::{Arrival, Change, Look, Occupancy, Rules};
use std::time::Duration;

/// What a zone remembers.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Watcher {
    following: Following,
    clear_after: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Following {
    Restricted(Occupancy),
    Warning(Occupancy),
    Occupancy(Headcounter),
    Tripwire(Tripwire),
    Ignore(Area),
}

/// Whether an incident goes on over a change of the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kept {
    /// The same kind of zone: whoever is inside keeps it open.
    Yes,
    /// Another kind: what was told is over, and is told anew if it is an incident there too.
    No,
}

impl Watcher {
    pub fn new(duty: Duty, rules: Rules) -> Watcher {
        let following = match duty {
            Duty::Restricted { area, criterion, approach: _ } => {
                Following::Restricted(Occupancy::new(area, criterion, rules))
            }
            Duty::Warning { area, criterion } => {
                Following::Warning(Occupancy::new(area, criterion, rules))
            }
            Duty::Occupancy { area, criterion, count } => {
                let occupancy = Occupancy::new(area, criterion, each_counts(rules));
                Following::Occupancy(Headcounter::new(occupancy, count, rules))
            }
            Duty::Tripwire { line, direction } => {
                Following::Tripwire(Tripwire::new(line, direction, rules))
            }
            Duty::Ignore { area } => Following::Ignore(area),
        };
        Watcher { following, clear_after: rules.clear_after }
    }

    /// Takes over the memory of what the zone was before.
    pub fn redrawn(self, duty: Duty, rules: Rules) -> (Watcher, Kept) {
        let clear_after = rules.clear_after;
        let (following, kept) = match (self.following, duty) {
            (Following::Restricted(mut o), Duty::Restricted { area, criterion, approach: _ }) => {
                o.redraw(area, criterion, rules);
                (Following::Restricted(o), Kept::Yes)
            }
            (Following::Warning(mut o), Duty::Warning { area, criterion }) => {
                o.redraw(area, criterion, rules);
                (Following::Warning(o), Kept::Yes)
            }
            (Following::Occupancy(mut h), Duty::Occupancy { area, criterion, count }) => {
                h.redraw(|o| o.redraw(area, criterion, each_counts(rules)), count, rules);
                (Following::Occupancy(h), Kept::Yes)
            }
            (Following::Tripwire(mut t), Duty::Tripwire { line, direction }) => {
                t.redraw(line, direction, rules);
                (Following::Tripwire(t), Kept::Yes)
            }
            (Following::Ignore(_), Duty::Ignore { area }) => (Following::Ignore(area), Kept::Yes),
            (before, duty) => {
                let mut after = Watcher::new(duty, rules).following;
                if let (Some(inside), Some(occupancy)) =
                    (before.into_occupancy(), after.occupancy_mut())
                {
                    occupancy.take_people(inside);
                }
                (after, Kept::No)
            }
        };
        (Watcher { following, clear_after }, kept)
    }

    pub fn following(&self) -> &Following {
        &self.following
    }

    pub fn clear_after(&self) -> Duration {
        self.clear_after
    }

    /// Takes one picture.
    pub fn look(&mut self, look: Look<'_>) -> Change {
        match &mut self.following {
            Following::Restricted(occupancy) | Following::Warning(occupancy) => {
                occupancy.look(look)
            }
            Following::Occupancy(headcounter) => headcounter.look(look),
            Following::Tripwire(tripwire) => tripwire.look(look),
            Following::Ignore(_) => Change::default(),
        }
    }

    /// The zone is armed from now on: what is an incident already.
    pub fn tell_now(&mut self) -> Vec<Arrival> {
        match &mut self.following {
            Following::Restricted(occupancy) | Following::Warning(occupancy) => occupancy.tell(),
            Following::Occupancy(headcounter) => headcounter.tell_now(),
            Following::Tripwire(_) | Following::Ignore(_) => Vec::new(),
        }
    }

    pub fn time_stood_still(&mut self, at: Instant) {
        match &mut self.following {
            Following::Restricted(occupancy) | Following::Warning(occupancy) => {
                occupancy.time_stood_still(at);
            }
            Following::Occupancy(headcounter) => headcounter.time_stood_still(at),
            Following::Tripwire(tripwire) => tripwire.time_stood_still(at),
            Following::Ignore(_) => {}
        }
    }

    /// People inside; nobody is inside a line, and nobody counts in an ignore zone.
    pub fn people(&self) -> usize {
        match &self.following {
            Following::Restricted(occupancy) | Following::Warning(occupancy) => occupancy.people(),
            Following::Occupancy(headcounter) => headcounter.occupancy().people(),
            Following::Tripwire(_) | Following::Ignore(_) => 0,
        }
    }

    pub fn contains(&self, point: PointNorm) -> bool {
        match &self.following {
            Following::Restricted(occupancy) | Following::Warning(occupancy) => {
                occupancy.area().contains(point)
            }
            Following::Occupancy(headcounter) => headcounter.occupancy().area().contains(point),
            Following::Ignore(area) => area.contains(point),
            Following::Tripwire(_) => false,
        }
    }
}

impl Following {
    fn into_occupancy(self) -> Option<Occupancy> {
        match self {
            Following::Restricted(occupancy) | Following::Warning(occupancy) => Some(occupancy),
            Following::Occupancy(headcounter) => Some(headcounter.into_occupancy()),
            Following::Tripwire(_) | Following::Ignore(_) => None,
        }
    }

    fn occupancy_mut(&mut self) -> Option<&mut Occupancy> {
        match self {
            Following::Restricted(occupancy) | Following::Warning(occupancy) => Some(occupancy),
            Following::Occupancy(headcounter) => Some(headcounter.occupancy_mut()),
            Following::Tripwire(_) | Following::Ignore(_) => None,
        }
    }
}

/// In an occupancy zone the dwell time is the count's, not each person's.
fn each_counts(rules: Rules) -> Rules {
    Rules { dwell: Duration::ZERO, ..rules }
}
