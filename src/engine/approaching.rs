//! Is somebody on the way into a zone? A warning before the alarm, never instead of it.
//!
//! Somebody approaches while, going on as now, they would be inside sooner than the zone allows.
//! Seen for `EVIDENCE`, that is a warning; not seen for `clear_after`, it is over. It rests on tracks
//! and on a straight path, both of which are guesses: no alarm waits for it, none ends with it.

use std::time::Duration;

use super::alarm::Trigger;
use super::approach::time_to_entry;
use super::geometry::Area;
use super::ground::Ground;
use super::ground_area::GroundArea;
use super::motion::Moving;
use super::time::Instant;
use super::zone::Telling;

/// Somebody must approach this long: one turn of the body is not a way.
const EVIDENCE: Duration = Duration::from_millis(150);

/// Looks at an approach further apart than this are not one approach.
const GAP_MAX: Duration = Duration::from_millis(500);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Approaching {
    /// Warn below this time to entry.
    within: Duration,
    area: GroundArea,
    /// First and last look at the approach going on.
    seen: Option<(Instant, Instant)>,
    warns: Warns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Warns {
    No,
    Yes,
}

impl Approaching {
    /// `None` without the ground, or when nothing of the area lies on it.
    pub fn new(within: Duration, area: &Area, ground: Option<&Ground>) -> Option<Approaching> {
        let area = GroundArea::new(ground?, area)?;
        Some(Approaching { within, area, seen: None, warns: Warns::No })
    }

    /// Goes on with what is known of the zone before it was drawn anew.
    pub fn after(self, before: Option<&Approaching>) -> Approaching {
        match before {
            Some(before) => Approaching { seen: before.seen, warns: before.warns, ..self },
            None => self,
        }
    }

    pub fn is_warning(&self) -> bool {
        self.warns == Warns::Yes
    }

    /// Takes everybody who moves; returns what becomes of the warning.
    pub fn look(
        &mut self,
        moving: &[Moving],
        at: Instant,
        clear_after: Duration,
        telling: Telling,
    ) -> Option<Trigger> {
        let approaches = |person: &Moving| {
            // Whoever is inside is an intruder and needs no warning.
            !self.area.contains(person.position_m)
                && time_to_entry(&self.area, person.position_m, person.velocity_m_s)
                    .is_some_and(|time| time < self.within)
        };
        if telling == Telling::Tell && moving.iter().any(approaches) {
            let first = match self.seen {
                Some((first, last)) if at.since(last) <= GAP_MAX => first,
                Some(_) | None => at,
            };
            self.seen = Some((first, at));
            if self.warns == Warns::No && at.since(first) >= EVIDENCE {
                self.warns = Warns::Yes;
                return Some(Trigger::Activate);
            }
            return None;
        }
        let over = self.seen.is_none_or(|(_, last)| at.since(last) >= clear_after);
        if self.warns == Warns::Yes && over {
            self.warns = Warns::No;
            return Some(Trigger::Return);
        }
        None
    }
}
