//! An area of the picture laid on the floor: polygons in metres, made once and asked often.
//!
//! Straight edges stay straight under a projection, so corners are enough. What a polygon has at or
//! above the horizon is cut off: nobody stands there. Points on an edge are inside, as in `geometry`;
//! but these corners are rounded, so who must be exact asks `Area::contains` of the picture's point.
//!
//! Not here: people, time, what a distance means.

use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::{Coord, LineString, Polygon};

use super::geometry::{Area, PointNorm};
use super::ground::{FLOOR_MIN, Ground, PointM};

/// How far to either side of an edge it is tested whether the edge parts inside from outside, metres:
/// above the rounding of coordinates, below anything drawn.
const SIDE_STEP_M: f64 = 1e-4;

/// A straight piece of an outline on the floor.
pub type EdgeM = (PointM, PointM);

/// Polygons on the floor, metres.
#[derive(Clone, Debug, PartialEq)]
pub struct GroundArea {
    polygons: Vec<Polygon<f64>>,
    /// Every edge of every ring, holes too.
    edges: Vec<EdgeM>,
    horizon: Horizon,
}

/// Whether the whole area lies on the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizon {
    Below,
    /// A part was cut off.
    Crossed,
}

impl GroundArea {
    /// `None` when nothing of the area lies on the floor.
    pub fn new(ground: &Ground, area: &Area) -> Option<GroundArea> {
        let mut horizon = Horizon::Below;
        let mut ring_m = |ring: &[PointNorm]| {
            if ring.iter().any(|&corner| ground.nearness(corner) <= FLOOR_MIN) {
                horizon = Horizon::Crossed;
            }
            let floor = cut_at_horizon(ground, ring);
            let corners = floor.iter().filter_map(|&corner| ground.metres(corner));
            LineString::from_iter(corners.map(|(x, y)| Coord { x, y }))
        };
        let polygons: Vec<Polygon<f64>> = area
            .polygons()
            .iter()
            .filter_map(|rings| {
                let (outer, holes) = rings.split_first()?;
                let outer = ring_m(outer);
                let holes = holes.iter().map(|hole| ring_m(hole)).filter(|h| h.0.len() > 2);
                let polygon = Polygon::new(outer, holes.collect());
                (polygon.exterior().0.len() > 3).then_some(polygon)
            })
            .collect();
        let edges = polygons.iter().flat_map(edges_of).collect();
        (!polygons.is_empty()).then_some(GroundArea { polygons, edges, horizon })
    }

    /// Whether the place is inside or on an edge.
    pub fn contains(&self, (x, y): PointM) -> bool {
        self.polygons
            .iter()
            .any(|polygon| polygon.coordinate_position(&Coord { x, y }) != CoordPos::Outside)
    }

    /// Whether all of it is below the horizon.
    pub fn horizon(&self) -> Horizon {
        self.horizon
    }

    /// Every edge, of holes and of polygons that touch too.
    pub fn edges(&self) -> &[EdgeM] {
        &self.edges
    }

    /// How far a place, inside or outside, is from where the area is entered; `None` of an area without
    /// an edge.
    pub fn edge_distance_m(&self, place_m: PointM) -> Option<f64> {
        let edges = self.entry_edges();
        edges.into_iter().map(|edge| distance_to_edge(place_m, edge)).min_by(f64::total_cmp)
    }

    /// The area with those holes filled that hold the whole of the other area.
    pub(super) fn filled_around(&self, other: &GroundArea) -> GroundArea {
        let holds = |hole: &LineString<f64>| {
            let hole = Polygon::new(hole.clone(), Vec::new());
            other
                .edges
                .iter()
                .all(|&((x, y), _)| hole.coordinate_position(&Coord { x, y }) != CoordPos::Outside)
        };
        let filled = self.polygons.iter().map(|polygon| {
            let holes = polygon.interiors().iter().filter(|hole| !holds(hole)).cloned();
            Polygon::new(polygon.exterior().clone(), holes.collect())
        });
        let polygons: Vec<_> = filled.collect();
        let edges = polygons.iter().flat_map(edges_of).collect();
        GroundArea { polygons, edges, horizon: self.horizon }
    }

    /// The edges that are crossed on the way in: seams between polygons that touch or overlap are not.
    pub(super) fn entry_edges(&self) -> Vec<EdgeM> {
        self.edges
            .iter()
            .flat_map(|&edge| self.split_at_crossings(edge))
            .filter(|&edge| self.parts_inside_from_outside(edge))
            .collect()
    }

    fn split_at_crossings(&self, edge: EdgeM) -> Vec<EdgeM> {
        let mut cuts = vec![0.0, 1.0];
        for &other in &self.edges {
            cuts.extend(crossing(edge, other).map(|(along, _)| along));
            // Corners of others that lie on this edge, where the two run along each other.
            cuts.extend([other.0, other.1].into_iter().filter_map(|corner| {
                let along = along(edge, corner)?;
                (distance(corner, at(edge, along)) < SIDE_STEP_M).then_some(along)
            }));
        }
        cuts.retain(|cut| (0.0..=1.0).contains(cut));
        cuts.sort_by(f64::total_cmp);
        cuts.windows(2)
            .filter(|pair| pair[0] < pair[1])
            .map(|pair| (at(edge, pair[0]), at(edge, pair[1])))
            .collect()
    }

    fn parts_inside_from_outside(&self, edge: EdgeM) -> bool {
        let (dx, dy) = (edge.1.0 - edge.0.0, edge.1.1 - edge.0.1);
        let step = SIDE_STEP_M / (dx * dx + dy * dy).sqrt();
        let (x, y) = at(edge, 0.5);
        let left = self.contains((x - dy * step, y + dx * step));
        left != self.contains((x + dy * step, y - dx * step))
    }
}

/// The part of a ring that lies on the floor (Sutherland and Hodgman, one half plane). A ring that
/// leaves and returns several times gets seams along the horizon, which are far away.
fn cut_at_horizon(ground: &Ground, ring: &[PointNorm]) -> Vec<PointNorm> {
    // A little nearer than the limit, so that rounding cannot push a cut above it.
    let above = |p: PointNorm| ground.nearness(p) - 2.0 * FLOOR_MIN;
    let mut floor = Vec::with_capacity(ring.len() + 2);
    for (i, &corner) in ring.iter().enumerate() {
        let next = ring[(i + 1) % ring.len()];
        let (here, there) = (above(corner), above(next));
        if here >= 0.0 {
            floor.push(corner);
        }
        if (here >= 0.0) != (there >= 0.0) {
            floor.push(at((corner, next), here / (here - there)));
        }
    }
    floor
}

fn edges_of(polygon: &Polygon<f64>) -> Vec<EdgeM> {
    std::iter::once(polygon.exterior())
        .chain(polygon.interiors())
        .flat_map(|ring| ring.lines())
        .map(|line| ((line.start.x, line.start.y), (line.end.x, line.end.y)))
        .filter(|(a, b)| a != b)
        .collect()
}

/// The point a share of the way along.
pub(super) fn at((a, b): EdgeM, share: f64) -> PointM {
    (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
}

/// Which share of the way along the edge's line a point is nearest; `None` for an edge of no length.
fn along((a, b): EdgeM, p: PointM) -> Option<f64> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let squared = dx * dx + dy * dy;
    (squared > 0.0).then(|| ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / squared)
}

/// Where two edges' lines cross, as shares along both, if that is within the second edge. Parallels
/// cross nowhere.
pub(super) fn crossing(first: EdgeM, second: EdgeM) -> Option<(f64, f64)> {
    let (d1, d2) = (
        (first.1.0 - first.0.0, first.1.1 - first.0.1),
        (second.1.0 - second.0.0, second.1.1 - second.0.1),
    );
    let apart = (second.0.0 - first.0.0, second.0.1 - first.0.1);
    let cross = |a: (f64, f64), b: (f64, f64)| a.0 * b.1 - a.1 * b.0;
    let whole = cross(d1, d2);
    let (t, u) = (cross(apart, d2) / whole, cross(apart, d1) / whole);
    (whole != 0.0 && t.is_finite() && (0.0..=1.0).contains(&u)).then_some((t, u))
}

/// Distance between two points.
pub fn distance(a: PointM, b: PointM) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    (dx * dx + dy * dy).sqrt()
}

/// Distance between a point and an edge.
pub fn distance_to_edge(p: PointM, edge: EdgeM) -> f64 {
    let share = along(edge, p).map_or(0.0, |share| share.clamp(0.0, 1.0));
    distance(p, at(edge, share))
}

/// Smallest distance between two edges; 0 where they meet.
pub(super) fn distance_of_edges(a: EdgeM, b: EdgeM) -> f64 {
    if crossing(a, b).is_some_and(|(t, _)| (0.0..=1.0).contains(&t)) {
        return 0.0;
    }
    let ends = [
        distance_to_edge(a.0, b),
        distance_to_edge(a.1, b),
        distance_to_edge(b.0, a),
        distance_to_edge(b.1, a),
    ];
    ends.into_iter().fold(f64::INFINITY, f64::min)
}
