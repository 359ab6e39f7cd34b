//! How far people in a picture are from the camera, and whoever raised the incident from the edge of
//! the zone: metres on the floor, where the camera's zones have ground points.
//!
//! Terms: from the **camera** means from the point on the floor below it. The **edge** is that of the
//! zone that decided, and the point is the one it was decided by.
//!
//! Not here: drawing it (`label`), and deciding by it; nothing follows from these numbers.

use super::EvidenceJob;
use crate::engine::Entry;
use crate::engine::geometry::Area;
use crate::engine::ground::{Ground, PointM};
use crate::engine::ground_area::{EdgeM, GroundArea, distance, distance_to_edge};
use crate::guard::handle::Person;
use crate::guard::records::ZoneSlot;
use crate::store::distances::{Distances, EdgeDistance, PersonDistance, Side};

/// Farther away a pixel is several metres, and a number would promise what it cannot keep.
const FAR_M: f64 = 200.0;

/// What is known of a picture's people; `None` where the floor is not, or nobody stands on it.
pub(super) fn measure(job: &EvidenceJob) -> Option<Distances> {
    let ground = job.names.ground(job.seen.camera)?;
    // Where too few people are the incident, nobody raised it.
    let somebody = job.entry.score.get() > 0.0;
    let raiser = raiser(&job.seen.people, &job.entry, job.zone).filter(|_| somebody);
    let edge = job.names.zones.get(job.zone).and_then(|zone| edge(ground, zone, &job.entry));
    let person = |(number, person): (usize, &Person)| PersonDistance {
        foot_norm: person.foot_norm,
        camera_m: from_camera(ground, person.foot_norm),
        edge: edge.filter(|_| raiser == Some(number)),
    };
    let people: Vec<_> = job.seen.people.iter().enumerate().map(person).collect();
    let known = people.iter().any(|it| it.camera_m.is_some() || it.edge.is_some());
    known.then(|| Distances { residual_m: ground.residual_m(), people })
}

fn from_camera(ground: &Ground, [x, y]: [f64; 2]) -> Option<f64> {
    let (below_x, below_y, _) = ground.camera_m()?;
    let metres = distance(ground.metres((x, y))?, (below_x, below_y));
    (metres <= FAR_M).then_some(metres)
}

/// Whose entry it was: their track, else whoever is inside nearest to the point that decided.
fn raiser(people: &[Person], entry: &Entry, zone: usize) -> Option<usize> {
    let track = entry.track.map(|track| track.0);
    let followed = people.iter().position(|person| track.is_some() && person.track == track);
    let apart = |person: &Person| {
        let [x, y] = person.foot_norm;
        (x - entry.anchor_norm.0).hypot(y - entry.anchor_norm.1)
    };
    let inside = people.iter().enumerate().filter(|(_, person)| person.inside.contains(&zone));
    let nearest = inside.min_by(|a, b| apart(a.1).total_cmp(&apart(b.1)));
    followed.or(nearest.map(|(number, _)| number))
}

fn edge(ground: &Ground, zone: &ZoneSlot, entry: &Entry) -> Option<EdgeDistance> {
    let at_m = ground.metres(entry.anchor_norm)?;
    let (metres, side) = match zone.line.as_slice() {
        [] => {
            let point = |[x, y]: &[f64; 2]| (*x, *y);
            let ring = |ring: &Vec<[f64; 2]>| ring.iter().map(point).collect();
            let rings = |polygon: &Vec<Vec<[f64; 2]>>| polygon.iter().map(ring).collect();
            let polygons: Vec<Vec<Vec<(f64, f64)>>> = zone.polygons.iter().map(rings).collect();
            let area = Area::new(&polygons).ok()?;
            let floor = GroundArea::new(ground, &area)?;
            // Asked of the picture's point: corners on the floor are rounded.
            let inside = area.contains(entry.anchor_norm);
            (floor.edge_distance_m(at_m)?, if inside { Side::Inside } else { Side::Outside })
        }
        line => (from_line(ground, line, at_m)?, Side::Line),
    };
    (metres <= FAR_M).then_some(EdgeDistance { metres, side })
}

fn from_line(ground: &Ground, line: &[[f64; 2]], at_m: PointM) -> Option<f64> {
    let pieces = line.windows(2).filter_map(|piece| -> Option<EdgeM> {
        let end = |[x, y]: [f64; 2]| ground.metres((x, y));
        Some((end(piece[0])?, end(piece[1])?))
    });
    pieces.map(|piece| distance_to_edge(at_m, piece)).min_by(f64::total_cmp)
}
