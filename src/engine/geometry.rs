//! Areas on the picture and the one question asked of them: is this point inside? And lines, and
//! the one asked of them: does this path cross?
//!
//! Space: frame fractions (`_norm`), y down. An edge belongs to the area, of holes too: a foot on the
//! line is inside. The answer is exact: orientation signs come from Shewchuk's adaptive predicates
//! (through `geo`), so it equals rational arithmetic on the same coordinates (R5).
//!
//! An `Area` cannot be built from a polygon that crosses itself, has no area or leaves the frame.
//!
//! Not here: time, people, what being inside means.

use std::fmt;

use geo::coordinate_position::{CoordPos, CoordinatePosition};
use geo::kernels::{Kernel, Orientation};
use geo::line_intersection::{LineIntersection, line_intersection};
use geo::{Area as _, Coord, GeoNum, LineString, Polygon, Validation};

use super::detection::FrameSize;

/// A point in frame fractions.
pub type PointNorm = (f64, f64);

/// Smallest area accepted, as a share of the frame: about 18 × 18 px of a Full HD picture. Below
/// that a foot point cannot be placed reliably, and such a polygon is nearly always a slip.
pub const AREA_SHARE_MIN: f64 = 0.000_15;

/// Most corners a ring may have; a bound for the work of one test, far above any drawn zone.
pub const CORNERS_MAX: usize = 512;

/// Most polygons an area may have.
pub const POLYGONS_MAX: usize = 64;

/// Two corners further apart than this, as a share of the frame's side, make a line.
pub const LINE_LENGTH_MIN: f64 = 0.005;

/// One or more valid polygons, each possibly with holes.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    parts: Vec<Part>,
    min: PointNorm,
    max: PointNorm,
}

/// An open line of straight pieces. It may cross itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    points: Vec<PointNorm>,
}

/// A polygon with its bounding box, which answers most questions by itself.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    polygon: Polygon<f64>,
    min: PointNorm,
    max: PointNorm,
}

/// Why a polygon was refused. Ring 0 is the outer one, further rings are holes; corners count from 1.
#[derive(Clone, Debug, PartialEq)]
pub enum AreaError {
    /// No polygon at all.
    Empty,
    /// More than `POLYGONS_MAX` polygons.
    TooManyPolygons { count: usize },
    /// A ring with fewer than three different corners.
    TooFewCorners { ring: usize, corners: usize },
    /// More than `CORNERS_MAX` corners.
    TooManyCorners { ring: usize, corners: usize },
    /// A coordinate that is no number, or outside 0..=1.
    OutsideFrame { ring: usize, corner: usize, at: PointNorm },
    /// The same corner twice in a row.
    RepeatedCorner { ring: usize, corner: usize },
    /// Two edges of a ring touch or cross. Edge `n` runs from corner `n` to the next.
    SelfIntersection { ring: usize, edges: (usize, usize), at: PointNorm },
    /// Too small to stand in.
    TooSmall { share: f64 },
    /// A hole outside its polygon, holes that overlap, and the like; in the words of `geo`.
    Invalid { reason: String },
}

impl fmt::Display for AreaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AreaError::Empty => write!(f, "it has no polygon; draw at least three corners"),
            AreaError::TooManyPolygons { count } => {
                write!(f, "it has {count} polygons; at most {POLYGONS_MAX} are allowed")
            }
            AreaError::TooFewCorners { ring, corners } => write!(
                f,
                "{} has {corners} different corners; at least 3 are needed",
                RingName(*ring)
            ),
            AreaError::TooManyCorners { ring, corners } => write!(
                f,
                "{} has {corners} corners; at most {CORNERS_MAX} are allowed",
                RingName(*ring)
            ),
            AreaError::OutsideFrame { ring, corner, at } => write!(
                f,
                "corner {corner} of {} lies at ({}, {}), outside the picture; both must be 0 to 1",
                RingName(*ring),
                at.0,
                at.1
            ),
            AreaError::RepeatedCorner { ring, corner } => write!(
                f,
                "corner {corner} of {} stands where the one before it stands; remove one",
                RingName(*ring)
            ),
            AreaError::SelfIntersection { ring, edges, at } => write!(
                f,
                "{} crosses itself: edge {} meets edge {} at ({:.4}, {:.4}); move a corner so that \
                 the edges no longer meet",
                RingName(*ring),
                edges.0,
                edges.1,
                at.0,
                at.1
            ),
            AreaError::TooSmall { share } => write!(
                f,
                "it covers {:.4} % of the picture; at least {} % are needed",
                share * 100.0,
                AREA_SHARE_MIN * 100.0
            ),
            AreaError::Invalid { reason } => write!(f, "{reason}"),
        }
    }
}

impl std::error::Error for AreaError {}

struct RingName(usize);

impl fmt::Display for RingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => write!(f, "the outline"),
            hole => write!(f, "hole {hole}"),
        }
    }
}

impl Area {
    /// An area from polygons given as rings (outer first, then holes) of points in frame fractions.
    /// A ring may repeat its first point at its end, as GeoJSON demands, or not.
    pub fn new(polygons: &[Vec<Vec<PointNorm>>]) -> Result<Area, AreaError> {
        if polygons.is_empty() {
            return Err(AreaError::Empty);
        }
        if polygons.len() > POLYGONS_MAX {
            return Err(AreaError::TooManyPolygons { count: polygons.len() });
        }
        let parts: Vec<Part> =
            polygons.iter().map(|rings| Part::new(rings)).collect::<Result<_, _>>()?;
        let least = |of: fn(&Part) -> f64| parts.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&Part) -> f64| parts.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        let min = (least(|part| part.min.0), least(|part| part.min.1));
        let max = (most(|part| part.max.0), most(|part| part.max.1));
        Ok(Area { parts, min, max })
    }

    /// The least and the greatest coordinates.
    pub fn bounds_norm(&self) -> (PointNorm, PointNorm) {
        (self.min, self.max)
    }

    /// Every edge, of holes too.
    pub fn edges_norm(&self) -> impl Iterator<Item = (PointNorm, PointNorm)> {
        let lines = self.parts.iter().flat_map(Part::rings).flat_map(LineString::lines);
        lines.map(|edge| ((edge.start.x, edge.start.y), (edge.end.x, edge.end.y)))
    }

    /// The polygons as rings, outer first, the first point not repeated: what `new` takes.
    pub fn polygons(&self) -> Vec<Vec<Vec<PointNorm>>> {
        let open = |ring: &LineString<f64>| {
            ring.coords().take(ring.0.len().saturating_sub(1)).map(|c| (c.x, c.y)).collect()
        };
        self.parts.iter().map(|part| part.rings().map(open).collect()).collect()
    }

    /// For each polygon its rings, outer first, closed.
    pub(super) fn rings(&self) -> impl Iterator<Item = impl Iterator<Item = &LineString<f64>>> {
        self.parts.iter().map(Part::rings)
    }

    /// Whether the point is inside or on an edge.
    pub fn contains(&self, point: PointNorm) -> bool {
        self.parts.iter().any(|part| part.contains(point))
    }

    /// Distance from the point to the area in frame pixels; 0 inside.
    pub fn distance_px(&self, point: PointNorm, size: FrameSize) -> f64 {
        if self.contains(point) { 0.0 } else { self.edge_distance_px(point, size, |_| true) }
    }

    /// Whether the point is inside or at most `margin_px` frame pixels away.
    pub fn is_within_px(&self, point: PointNorm, size: FrameSize, margin_px: f64) -> bool {
        // The bounding boxes answer for nearly everybody.
        self.parts.iter().any(|part| part.box_gap_px(point, size) <= margin_px)
            && self.distance_px(point, size) <= margin_px
    }

    /// How deep inside the point is, frame pixels: the distance to the nearest edge that can be
    /// crossed. Edges on the picture's border cannot: what lies beyond is not seen. 0 outside, and
    /// infinite where every edge is the border.
    pub fn depth_px(&self, point: PointNorm, size: FrameSize) -> f64 {
        let border = |a: f64, b: f64| a == b && (a == 0.0 || a == 1.0);
        let crossable =
            |e: &geo::Line<f64>| !border(e.start.x, e.end.x) && !border(e.start.y, e.end.y);
        if self.contains(point) { self.edge_distance_px(point, size, crossable) } else { 0.0 }
    }

    /// Distance from the point to the nearest of the wanted edges in frame pixels.
    fn edge_distance_px(
        &self,
        point: PointNorm,
        size: FrameSize,
        wanted: impl Fn(&geo::Line<f64>) -> bool,
    ) -> f64 {
        let to_px = |c: Coord<f64>| (c.x * size.width_px(), c.y * size.height_px());
        let point_px = (point.0 * size.width_px(), point.1 * size.height_px());
        self.parts
            .iter()
            .flat_map(|part| part.rings())
            .flat_map(|ring| ring.lines())
            .filter(wanted)
            .map(|edge| distance_to_segment(point_px, to_px(edge.start), to_px(edge.end)))
            .fold(f64::INFINITY, f64::min)
    }

    /// The area's share of the frame, 0..=1 (overlapping polygons count twice).
    pub fn share(&self) -> f64 {
        self.parts.iter().map(|part| part.polygon.unsigned_area()).sum()
    }
}

/// Why a line was refused. Points count from 1.
#[derive(Clone, Debug, PartialEq)]
pub enum LineError {
    TooFewPoints {
        points: usize,
    },
    TooManyPoints {
        points: usize,
    },
    /// A coordinate that is no number, or outside 0..=1.
    OutsideFrame {
        point: usize,
        at: PointNorm,
    },
    /// Two points in a row that are the same, or nearly so.
    TooShort {
        point: usize,
    },
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineError::TooFewPoints { points } => {
                write!(f, "the line has {points} points; at least 2 are needed")
            }
            LineError::TooManyPoints { points } => {
                write!(f, "the line has {points} points; at most {CORNERS_MAX} are allowed")
            }
            LineError::OutsideFrame { point, at } => write!(
                f,
                "point {point} of the line lies at ({}, {}), outside the picture; both must be 0 to 1",
                at.0, at.1
            ),
            LineError::TooShort { point } => write!(
                f,
                "point {point} of the line stands where the one before it stands; move it at least \
                 {LINE_LENGTH_MIN} of the picture away"
            ),
        }
    }
}

impl std::error::Error for LineError {}

impl Line {
    /// A line through these points of the picture, in frame fractions.
    pub fn new(points: &[PointNorm]) -> Result<Line, LineError> {
        if points.len() < 2 {
            return Err(LineError::TooFewPoints { points: points.len() });
        }
        if points.len() > CORNERS_MAX {
            return Err(LineError::TooManyPoints { points: points.len() });
        }
        let outside = |p: &PointNorm| !(0.0..=1.0).contains(&p.0) || !(0.0..=1.0).contains(&p.1);
        if let Some(i) = points.iter().position(outside) {
            return Err(LineError::OutsideFrame { point: i + 1, at: points[i] });
        }
        let apart = |w: &[PointNorm]| (w[1].0 - w[0].0).hypot(w[1].1 - w[0].1);
        if let Some(i) = points.windows(2).position(|w| apart(w) < LINE_LENGTH_MIN) {
            return Err(LineError::TooShort { point: i + 2 });
        }
        Ok(Line { points: points.to_vec() })
    }

    /// The points, first to last.
    pub fn points_norm(&self) -> &[PointNorm] {
        &self.points
    }

    /// How often the straight path from one place to another crosses from the left of the line to
    /// its right, less the crossings the other way. Exact: a place on the line counts as right of
    /// it, so that a path in pieces counts as often as the whole.
    pub fn crossings(&self, from: PointNorm, to: PointNorm) -> i32 {
        // The way back meets what the way there met: which side of a path a corner on it belongs to
        // must not depend on the direction.
        let (a, b) = if from <= to { (from, to) } else { (to, from) };
        let crossing = |w: &[PointNorm]| {
            let (before, after) = (is_left(w[0], w[1], from), is_left(w[0], w[1], to));
            // A path through a corner meets one of the two pieces that share it.
            let meets = before != after && is_left(a, b, w[0]) != is_left(a, b, w[1]);
            i32::from(meets && before) - i32::from(meets && after)
        };
        self.points.windows(2).map(crossing).sum()
    }

    /// Distance from the point to the line in frame pixels.
    pub fn distance_px(&self, point: PointNorm, size: FrameSize) -> f64 {
        let to_px = |p: PointNorm| (p.0 * size.width_px(), p.1 * size.height_px());
        self.points
            .windows(2)
            .map(|w| distance_to_segment(to_px(point), to_px(w[0]), to_px(w[1])))
            .fold(f64::INFINITY, f64::min)
    }
}

/// Whether `p` lies left of the way from `a` to `b` as one sees it on the picture, where y runs down.
fn is_left(a: PointNorm, b: PointNorm, p: PointNorm) -> bool {
    let at = |(x, y): PointNorm| Coord { x, y };
    <f64 as GeoNum>::Ker::orient2d(at(a), at(b), at(p)) == Orientation::Clockwise
}

impl Part {
    fn new(rings: &[Vec<PointNorm>]) -> Result<Part, AreaError> {
        let Some((outer, holes)) = rings.split_first() else {
            return Err(AreaError::TooFewCorners { ring: 0, corners: 0 });
        };
        let outer = checked_ring(0, outer)?;
        let holes = holes
            .iter()
            .enumerate()
            .map(|(i, ring)| checked_ring(i + 1, ring))
            .collect::<Result<Vec<_>, _>>()?;
        let min = fold_points(&outer, f64::INFINITY, f64::min);
        let max = fold_points(&outer, f64::NEG_INFINITY, f64::max);
        let polygon = Polygon::new(outer, holes);
        if let Err(invalid) = polygon.check_validation() {
            return Err(AreaError::Invalid { reason: invalid.to_string() });
        }
        let share = polygon.unsigned_area();
        if share < AREA_SHARE_MIN {
            return Err(AreaError::TooSmall { share });
        }
        Ok(Part { polygon, min, max })
    }

    fn contains(&self, (x, y): PointNorm) -> bool {
        let in_box = x >= self.min.0 && x <= self.max.0 && y >= self.min.1 && y <= self.max.1;
        in_box && self.polygon.coordinate_position(&Coord { x, y }) != CoordPos::Outside
    }

    /// The larger of the gaps to the bounding box across and down, frame pixels; never more than the
    /// distance to the polygon, and cheaper than the distance to the box.
    fn box_gap_px(&self, (x, y): PointNorm, size: FrameSize) -> f64 {
        let across = (self.min.0 - x).max(x - self.max.0).max(0.0) * size.width_px();
        let down = (self.min.1 - y).max(y - self.max.1).max(0.0) * size.height_px();
        across.max(down)
    }

    fn rings(&self) -> impl Iterator<Item = &LineString<f64>> {
        std::iter::once(self.polygon.exterior()).chain(self.polygon.interiors())
    }
}

fn fold_points(ring: &LineString<f64>, start: f64, pick: fn(f64, f64) -> f64) -> PointNorm {
    ring.coords().fold((start, start), |(x, y), c| (pick(x, c.x), pick(y, c.y)))
}

/// A closed ring without repeated corners that does not touch itself.
fn checked_ring(ring: usize, points: &[PointNorm]) -> Result<LineString<f64>, AreaError> {
    let open = match points {
        [first, .., last] if first == last => &points[..points.len() - 1],
        all => all,
    };
    for (i, &(x, y)) in open.iter().enumerate() {
        // Written so that NaN fails it.
        if !((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y)) {
            return Err(AreaError::OutsideFrame { ring, corner: i + 1, at: (x, y) });
        }
    }
    let mut different = open.to_vec();
    different.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    different.dedup();
    if different.len() < 3 {
        return Err(AreaError::TooFewCorners { ring, corners: different.len() });
    }
    if open.len() > CORNERS_MAX {
        return Err(AreaError::TooManyCorners { ring, corners: open.len() });
    }
    if let Some(i) = (0..open.len()).find(|&i| open[i] == open[(i + 1) % open.len()]) {
        return Err(AreaError::RepeatedCorner { ring, corner: (i + 1) % open.len() + 1 });
    }
    refuse_self_intersection(ring, open)?;
    Ok(open.iter().chain(open.first()).map(|&(x, y)| Coord { x, y }).collect())
}

fn refuse_self_intersection(ring: usize, open: &[PointNorm]) -> Result<(), AreaError> {
    let n = open.len();
    let corner = |i: usize| Coord { x: open[i % n].0, y: open[i % n].1 };
    let edge = |i: usize| geo::Line::new(corner(i), corner(i + 1));
    for i in 0..n {
        for j in i + 1..n {
            let meets = line_intersection(edge(i), edge(j));
            // Neighbours share one corner and nothing else.
            let shared = if j == i + 1 {
                Some(corner(j))
            } else if i == 0 && j == n - 1 {
                Some(corner(0))
            } else {
                None
            };
            let at = match meets {
                None => continue,
                Some(LineIntersection::SinglePoint { intersection, .. }) => {
                    if shared.is_some() {
                        continue;
                    }
                    intersection
                }
                Some(LineIntersection::Collinear { intersection }) => {
                    if shared == Some(intersection.start) && shared == Some(intersection.end) {
                        continue;
                    }
                    intersection.start
                }
            };
            let edges = (i + 1, j + 1);
            return Err(AreaError::SelfIntersection { ring, edges, at: (at.x, at.y) });
        }
    }
    Ok(())
}

/// Distance from a point to a segment, in the unit of its arguments.
fn distance_to_segment(p: (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length_squared = dx * dx + dy * dy;
    let along = if length_squared > 0.0 {
        (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p.0 - a.0 - along * dx).hypot(p.1 - a.1 - along * dy)
}
