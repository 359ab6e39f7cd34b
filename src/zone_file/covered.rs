//! Guarded zones that an ignored area takes out of sight, or a privacy mask out of everybody's.
//!
//! Whoever is wholly inside an ignored area counts nowhere, so one drawn over a guarded zone makes a
//! hole in it that nobody sees on the page. That may be meant, so it is a warning, not an error.
//!
//! Under a privacy mask people are found as everywhere; but what is kept of the view has nothing of it, so
//! a box that starts cannot tell what has come to stand there.
//!
//! Not here: what ignoring does to a detection (the engine).

use super::document::{Duty, Kind, Point, Ring, Zone};
use super::field::{Errors, FieldError};
use crate::engine::geometry::{Area, PointNorm};

/// From this share on it is said. Below, a person is hardly ever wholly inside the common part.
const COVERED_SHARE_MIN: f64 = 0.1;

/// Points a side of the grid that shares are counted on, over the zone's own rectangle: exact to a
/// few hundredths, which is enough for a sentence.
const GRID: u32 = 32;

/// What lies over a guarded area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Ignored,
    Masked,
}

impl Over {
    fn kind(self) -> Kind {
        match self {
            Over::Ignored => Kind::Ignore,
            Over::Masked => Kind::PrivacyMask,
        }
    }
}

/// Warns of every guarded area that ignored ones cover, or that privacy masks do.
pub(super) fn warn(zones: &[Zone], warnings: &mut Errors) {
    for over in [Over::Ignored, Over::Masked] {
        let covering: Vec<(&str, Area)> = zones
            .iter()
            .filter(|zone| zone.kind() == over.kind())
            .filter_map(|zone| Some((zone.name.as_str(), area_of(zone)?)))
            .collect();
        for (number, zone) in zones.iter().enumerate() {
            if zone.watch().is_some()
                && let Some(right) = of_zone(zone, &covering, over)
            {
                let place = format!("features[{number}].geometry.coordinates");
                warnings.add(FieldError::new(place, "", right));
            }
        }
    }
}

/// What is to be said of a guarded area, when enough of it is covered.
fn of_zone(zone: &Zone, covering: &[(&str, Area)], by: Over) -> Option<String> {
    let area = area_of(zone)?;
    let over: Vec<&(&str, Area)> =
        covering.iter().filter(|(_, other)| overlaps(other, &area)).collect();
    let share = covered(&area, &over);
    if share < COVERED_SHARE_MIN {
        return None;
    }
    let names: Vec<String> = over.iter().map(|(name, _)| format!("“{name}”")).collect();
    let (percent, name, names) = (share * 100.0, &zone.name, names.join(" and "));
    Some(match by {
        Over::Masked => format!(
            "{percent:.0} % of “{name}” lies under the privacy mask {names}: whoever is there alarms, \
             and nobody can look; what covers the view there while the box is off is not found when it \
             starts; draw the mask smaller unless this is meant"
        ),
        Over::Ignored => format!(
            "{percent:.0} % of “{name}” lies in the ignored {names}: whoever is wholly inside that \
             part is not seen and does not alarm; draw the ignored area smaller unless this is meant"
        ),
    })
}

/// The share of the area that lies in any of the others, 0..=1.
fn covered(area: &Area, others: &[&(&str, Area)]) -> f64 {
    if others.is_empty() {
        return 0.0;
    }
    let (from, to) = area.bounds_norm();
    let step =
        |from: f64, to: f64, i: u32| from + (to - from) * (f64::from(i) + 0.5) / f64::from(GRID);
    let (mut inside, mut hidden) = (0_u32, 0_u32);
    for row in 0..GRID {
        for column in 0..GRID {
            let point = (step(from.0, to.0, column), step(from.1, to.1, row));
            if area.contains(point) {
                inside += 1;
                hidden += u32::from(others.iter().any(|(_, other)| other.contains(point)));
            }
        }
    }
    if inside == 0 { 0.0 } else { f64::from(hidden) / f64::from(inside) }
}

fn overlaps(a: &Area, b: &Area) -> bool {
    let ((a_from, a_to), (b_from, b_to)) = (a.bounds_norm(), b.bounds_norm());
    a_from.0 <= b_to.0 && b_from.0 <= a_to.0 && a_from.1 <= b_to.1 && b_from.1 <= a_to.1
}

/// `None` for a line, and for what is not finished.
fn area_of(zone: &Zone) -> Option<Area> {
    let polygons = match &zone.duty {
        Duty::Restricted { area, .. }
        | Duty::Warning { area, .. }
        | Duty::Occupancy { area, .. }
        | Duty::Ignore { area, .. }
        | Duty::PrivacyMask { area, .. } => area,
        Duty::Tripwire { .. } => return None,
    };
    let ring = |ring: &Ring| ring.iter().map(|p: &Point| (p[0], p[1])).collect();
    let polygons: Vec<Vec<Vec<PointNorm>>> =
        polygons.iter().map(|rings| rings.iter().map(ring).collect()).collect();
    Area::new(&polygons).ok()
}
