//! The shadow model's engine, and all that leaves it.
//!
//! An engine returns orders to the siren, and events that become records and alarms. Here its effects are
//! taken apart at once, and what is left says of an incident that it began or ended, for a comparison.
//! There is no way from that back to an effect. This compiles, with every name of the refusals below, so
//! that none of them is refused because a name is gone:
//!
//! ```
//! use standclear::engine::time::Instant;
//! use standclear::engine::{Effects, Engine, Input, Restored, SirenOrder, Site};
//! use standclear::guard::models::shadow::{Mind, Noticed};
//! use standclear::store::record::Record;
//!
//! let now = Instant::from_nanos(0);
//! let mut engine = Engine::new(Site::default(), &Restored::default(), now);
//! let effects: Effects = engine.step(Input::Tick, now);
//! let mut mind = Mind::of(engine);
//! let noticed: Vec<Noticed> = mind.hear(Input::Tick, now);
//! assert!(noticed.is_empty());
//!
//! fn sound(order: SirenOrder) -> SirenOrder {
//!     order.into()
//! }
//! fn keep(record: Record) -> Record {
//!     record.into()
//! }
//! ```
//!
//! The engine cannot be reached:
//! ```compile_fail,E0616
//! use standclear::engine::time::Instant;
//! use standclear::engine::{Engine, Input, Restored, Site};
//! use standclear::guard::models::shadow::Mind;
//!
//! let now = Instant::from_nanos(0);
//! let mut mind = Mind::of(Engine::new(Site::default(), &Restored::default(), now));
//! let effects = mind.engine.step(Input::Tick, now);
//! ```
//!
//! What it says is no effect of an engine:
//! ```compile_fail,E0308
//! use standclear::engine::time::Instant;
//! use standclear::engine::{Effects, Engine, Input, Restored, Site};
//! use standclear::guard::models::shadow::Mind;
//!
//! let now = Instant::from_nanos(0);
//! let mut mind = Mind::of(Engine::new(Site::default(), &Restored::default(), now));
//! let effects: Effects = mind.hear(Input::Tick, now);
//! ```
//!
//! It does not become an order to the siren:
//! ```compile_fail,E0277
//! use standclear::engine::SirenOrder;
//! use standclear::guard::models::shadow::Noticed;
//!
//! fn sound(noticed: Noticed) -> SirenOrder {
//!     noticed.into()
//! }
//! ```
//!
//! And no record of an incident or an alarm:
//! ```compile_fail,E0277
//! use standclear::guard::models::shadow::Noticed;
//! use standclear::store::record::Record;
//!
//! fn keep(noticed: Noticed) -> Record {
//!     noticed.into()
//! }
//! ```

use crate::engine::time::Instant;
use crate::engine::{CameraIndex, Effects, Engine, Entry, EventKind, IncidentId, Input, ZoneIndex};

/// An engine that nobody hears.
#[derive(Debug)]
pub struct Mind {
    engine: Engine,
}

/// What is compared of an incident.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noticed {
    Began {
        incident: IncidentId,
        zone: ZoneIndex,
        entry: Entry,
    },
    /// A further person, with what they scored.
    Another {
        incident: IncidentId,
        score: f32,
    },
    Ended {
        incident: IncidentId,
        last_inside_at: Instant,
    },
}

impl Mind {
    /// Goes on where this engine is.
    pub fn of(engine: Engine) -> Mind {
        Mind { engine }
    }

    /// One step.
    pub fn hear(&mut self, input: Input, now: Instant) -> Vec<Noticed> {
        let Effects { siren: _, events, refused: _ } = self.engine.step(input, now);
        events.iter().filter_map(|event| Noticed::of(&event.kind)).collect()
    }

    /// Whether the camera's pictures are seen.
    pub(super) fn sees(&self, camera: CameraIndex) -> Sees {
        match self.engine.blind(camera) {
            None => Sees::Yes,
            Some(_) => Sees::No,
        }
    }

    /// Incidents that are under way.
    pub(super) fn under_way(&self) -> Vec<IncidentId> {
        let zones = 0..self.engine.zone_count();
        let zones = zones.filter_map(|zone| u16::try_from(zone).ok().map(ZoneIndex));
        zones.filter_map(|zone| self.engine.zone(zone)?.incident).collect()
    }
}

/// Whether a camera's pictures are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sees {
    Yes,
    No,
}

impl Noticed {
    pub(super) fn of(kind: &EventKind) -> Option<Noticed> {
        match kind {
            EventKind::IncidentStarted { incident, zone, entry } => {
                Some(Noticed::Began { incident: *incident, zone: *zone, entry: *entry })
            }
            EventKind::PersonEntered { incident, entry, .. } => {
                Some(Noticed::Another { incident: *incident, score: entry.score.get() })
            }
            EventKind::IncidentEnded { incident, last_inside_at, .. } => {
                Some(Noticed::Ended { incident: *incident, last_inside_at: *last_inside_at })
            }
            EventKind::ZoneUnknown { .. }
            | EventKind::ZoneKnown { .. }
            | EventKind::ZoneArmed { .. }
            | EventKind::ZoneDisarmed { .. }
            | EventKind::Alarm { .. }
            | EventKind::HoldEnded { .. } => None,
        }
    }
}
