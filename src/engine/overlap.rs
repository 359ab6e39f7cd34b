//! Segments and boxes against an area: does it touch, is it wholly inside, how much of it is inside?
//!
//! Space: frame fractions. Touching and holding are decided by exact predicates, edges included;
//! shares are plain floating point, since nobody draws a zone for the last bit of a share.

use geo::line_intersection::{LineIntersection, line_intersection};
use geo::{Coord, Line};

use super::geometry::{Area, PointNorm};
use super::site::BoxNorm;

/// Whether any point of the segment lies in the area.
pub(super) fn touches_segment(area: &Area, from: PointNorm, to: PointNorm) -> bool {
    if area.contains(from) || area.contains(to) {
        return true;
    }
    let path = Line::new(coord(from), coord(to));
    from != to && area.edges_norm().any(|edge| line_intersection(path, segment(edge)).is_some())
}

/// Whether the whole segment lies in the area. In doubt, where it touches an edge on its way, not.
pub(super) fn holds_segment(area: &Area, from: PointNorm, to: PointNorm) -> bool {
    if !area.contains(from) || !area.contains(to) {
        return false;
    }
    let path = Line::new(coord(from), coord(to));
    from == to
        || !area.edges_norm().any(|edge| match line_intersection(path, segment(edge)) {
            None => false,
            Some(LineIntersection::SinglePoint { intersection, .. }) => {
                intersection != path.start && intersection != path.end
            }
            Some(LineIntersection::Collinear { .. }) => true,
        })
}

/// Whether any point of the box lies in the area.
pub(super) fn touches_box(area: &Area, b: BoxNorm) -> bool {
    let corners = corners(b);
    let within =
        |p: PointNorm| p.0 >= b.left && p.0 <= b.right() && p.1 >= b.top && p.1 <= b.bottom();
    let sides = || (0..4).map(|i| Line::new(coord(corners[i]), coord(corners[(i + 1) % 4])));
    corners.iter().any(|&corner| area.contains(corner))
        || area.edges_norm().any(|edge| {
            within(edge.0) || sides().any(|side| line_intersection(side, segment(edge)).is_some())
        })
}

/// The share of the box that lies in the area, 0..=1.
pub(super) fn share_inside(area: &Area, b: BoxNorm) -> f64 {
    let clipped = |ring: &geo::LineString<f64>| {
        let open = ring.0.split_last().map_or(&ring.0[..], |(_, open)| open);
        area_of(&clipped_to(open.iter().map(|c| (c.x, c.y)).collect(), b))
    };
    let inside: f64 = area
        .rings()
        .map(|mut rings| rings.next().map_or(0.0, clipped) - rings.map(clipped).sum::<f64>())
        .sum();
    (inside / (b.width * b.height)).clamp(0.0, 1.0)
}

/// The ring cut to the box, side by side (Sutherland and Hodgman, "Reentrant polygon clipping",
/// 1974). Pieces that fall apart stay joined by edges of no area.
fn clipped_to(ring: Vec<PointNorm>, b: BoxNorm) -> Vec<PointNorm> {
    let ring = cut(ring, |p| p.0 - b.left);
    let ring = cut(ring, |p| b.right() - p.0);
    let ring = cut(ring, |p| p.1 - b.top);
    cut(ring, |p| b.bottom() - p.1)
}

/// Keeps what is on the side where `depth` is not negative.
fn cut(ring: Vec<PointNorm>, depth: impl Fn(PointNorm) -> f64) -> Vec<PointNorm> {
    let mut kept = Vec::with_capacity(ring.len() + 4);
    for (i, &p) in ring.iter().enumerate() {
        let q = ring[(i + 1) % ring.len()];
        let (dp, dq) = (depth(p), depth(q));
        if dp >= 0.0 {
            kept.push(p);
        }
        if (dp >= 0.0) != (dq >= 0.0) {
            let t = dp / (dp - dq);
            kept.push((p.0 + t * (q.0 - p.0), p.1 + t * (q.1 - p.1)));
        }
    }
    kept
}

/// The area of a ring, whichever way it runs.
fn area_of(ring: &[PointNorm]) -> f64 {
    let next = |i: usize| ring[(i + 1) % ring.len()];
    let twice: f64 = ring.iter().enumerate().map(|(i, p)| p.0 * next(i).1 - next(i).0 * p.1).sum();
    (twice / 2.0).abs()
}

fn corners(b: BoxNorm) -> [PointNorm; 4] {
    [(b.left, b.top), (b.right(), b.top), (b.right(), b.bottom()), (b.left, b.bottom())]
}

fn coord((x, y): PointNorm) -> Coord<f64> {
    Coord { x, y }
}

fn segment((a, b): (PointNorm, PointNorm)) -> Line<f64> {
    Line::new(coord(a), coord(b))
}
