//! What of a zone counts as a change for its walk test.
//!
//! A walk test shows that somebody who crosses the edge is heard. It holds as long as everything
//! that decides this is the same: the drawing, the duty, the timing, the calibration and the ignore
//! zones of the camera, since whoever stands in one of those counts nowhere. It does not hang on
//! names, reasons, the hazard beside the zone, or on when the zone is armed. Marks end by
//! themselves within days and are not in it.

use crate::zone_file::{Document, Duty, Zone};

/// A text that changes when the zone's walk test has to be done again: sha256, hex. `None` for an
/// id the document has not, and for an ignore zone, which has nothing to test.
pub fn zone_digest(document: &Document, id: &str) -> Option<String> {
    let zone = document.zone(id)?;
    if matches!(zone.duty, Duty::Ignore { .. }) {
        return None;
    }
    let ignored = document.zones.iter().filter(|zone| matches!(zone.duty, Duty::Ignore { .. }));
    let zones = std::iter::once(zone).chain(ignored).map(bare).collect();
    let tested = Document { name: None, ground: document.ground.clone(), marks: Vec::new(), zones };
    Some(tested.digest())
}

/// The zone without what its test does not hang on.
fn bare(zone: &Zone) -> Zone {
    let mut zone = Zone { name: String::new(), ..zone.clone() };
    match &mut zone.duty {
        Duty::Restricted { watch, hazard, .. } | Duty::Warning { watch, hazard, .. } => {
            *hazard = None;
            (watch.schedule, watch.interlock) = (None, None);
        }
        Duty::Occupancy { watch, .. } | Duty::Tripwire { watch, .. } => {
            (watch.schedule, watch.interlock) = (None, None);
        }
        Duty::Ignore { reason, .. } => reason.clear(),
    }
    zone
}
