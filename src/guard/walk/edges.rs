//! The edges of a zone, to be walked in at one by one. Pure.
//!
//! - An area: the sides of its outer rings. Sides that turn by less than [`TURN_MIN_DEG`] are one
//!   edge, since nobody can tell them apart on the ground. A side on the picture's border is skipped:
//!   nobody can be seen before it. When no other side is left, the whole zone is one edge: somebody
//!   comes into view inside.
//! - A line: one edge for each direction that it watches.
//! - A place where people must be: one edge, somebody too few inside.

use crate::engine::detection::FrameSize;
use crate::store::walk::{Skipped, SkippedBy, WalkEdge};
use crate::zone_file::{Direction, Duty, HeadCount, Point, Polygon, Ring, Zone};

/// Sides that turn by less are one edge, degrees as seen in the picture.
pub const TURN_MIN_DEG: f64 = 10.0;

/// A side within this of the picture's border lies on it, frame fractions: two pixels of a small
/// picture.
const BORDER_NORM: f64 = 0.005;

const AT_THE_BORDER: &str = "lies on the picture's border: nobody is seen before it";

/// How an edge is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// The path of the feet crosses it.
    Across,
    /// The line is crossed this way.
    Way(Way),
    /// Any entry of the zone.
    Anywhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    LeftToRight,
    RightToLeft,
}

/// An edge, and how it is recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    pub kept: WalkEdge,
    pub entrance: Entrance,
}

/// The edges of a zone in a picture of this size; none for an ignored area or a privacy mask.
pub fn edges(zone: &Zone, size: FrameSize) -> Vec<Edge> {
    let mut edges = match &zone.duty {
        Duty::Restricted { area, .. }
        | Duty::Warning { area, .. }
        | Duty::Occupancy { area, count: HeadCount::AtMost(_), .. } => of_area(area, size),
        Duty::Occupancy { area, count: HeadCount::AtLeast { .. }, .. } => {
            vec![whole(area, "too few people inside")]
        }
        Duty::Tripwire { line, direction, .. } => of_line(line, *direction),
        Duty::Ignore { .. } | Duty::PrivacyMask { .. } => Vec::new(),
    };
    for (number, edge) in (0u32..).zip(&mut edges) {
        edge.kept.edge = number;
        let label = format!("edge {}", number + 1);
        edge.kept.label = match edge.kept.label.as_str() {
            "" => label,
            more => format!("{label}, {more}"),
        };
    }
    edges
}

fn edge(points: Vec<Point>, label: &str, entrance: Entrance) -> Edge {
    let kept =
        WalkEdge { edge: 0, label: label.into(), points, skipped: None, attempts: Vec::new() };
    Edge { kept, entrance }
}

fn of_area(area: &[Polygon], size: FrameSize) -> Vec<Edge> {
    let outer = area.iter().filter_map(|rings| rings.first());
    let mut edges: Vec<Edge> = outer
        .flat_map(|ring| sides(ring, size))
        .map(|side| {
            let skipped = on_border(&side)
                .then(|| Skipped { by: SkippedBy::Box, reason: AT_THE_BORDER.into() });
            let mut edge = edge(side, "", Entrance::Across);
            edge.kept.skipped = skipped;
            edge
        })
        .collect();
    if !edges.is_empty() && edges.iter().all(|edge| edge.kept.skipped.is_some()) {
        edges.push(whole(area, "into view inside"));
    }
    edges
}

fn of_line(line: &[Point], direction: Direction) -> Vec<Edge> {
    let there = || edge(line.to_vec(), "from left to right", Entrance::Way(Way::LeftToRight));
    let back = || edge(line.to_vec(), "from right to left", Entrance::Way(Way::RightToLeft));
    match direction {
        Direction::LeftToRight => vec![there()],
        Direction::RightToLeft => vec![back()],
        Direction::Both => vec![there(), back()],
    }
}

/// The whole zone as one edge, shown as a line through its middle.
fn whole(area: &[Polygon], label: &str) -> Edge {
    let corners: Vec<Point> =
        area.iter().filter_map(|rings| rings.first()).flatten().copied().collect();
    let range = |axis: usize| {
        let along = corners.iter().map(|corner| corner[axis]);
        (along.clone().fold(f64::INFINITY, f64::min), along.fold(f64::NEG_INFINITY, f64::max))
    };
    let ((left, right), (top, bottom)) = (range(0), range(1));
    let middle = f64::midpoint(top, bottom);
    edge(vec![[left, middle], [right, middle]], label, Entrance::Anywhere)
}

/// The sides of a ring, merged where it hardly turns.
fn sides(ring: &Ring, size: FrameSize) -> Vec<Vec<Point>> {
    let count = ring.len();
    let at = |place: usize| ring[place % count];
    if count < 3 {
        return Vec::new();
    }
    let corners: Vec<usize> = (0..count)
        .filter(|&place| {
            turn_deg(at(place + count - 1), at(place), at(place + 1), size) >= TURN_MIN_DEG
        })
        .collect();
    let Some(&first) = corners.first() else {
        // Round all the way: one edge, from its first point to its first point.
        return vec![(0..=count).map(at).collect()];
    };
    let ends = corners.iter().skip(1).copied().chain([first + count]);
    corners.iter().zip(ends).map(|(&from, to)| (from..=to).map(at).collect()).collect()
}

/// How far the way turns at `b`, degrees in the picture's own proportions.
fn turn_deg(a: Point, b: Point, c: Point, size: FrameSize) -> f64 {
    let heading = |from: Point, to: Point| {
        ((to[1] - from[1]) * size.height_px()).atan2((to[0] - from[0]) * size.width_px())
    };
    let turn = (heading(b, c) - heading(a, b)).to_degrees().rem_euclid(360.0);
    turn.min(360.0 - turn)
}

/// Whether the whole side lies on one border of the picture.
fn on_border(side: &[Point]) -> bool {
    let all = |is: fn(&Point) -> bool| side.iter().all(is);
    all(|p| p[0] <= BORDER_NORM)
        || all(|p| p[0] >= 1.0 - BORDER_NORM)
        || all(|p| p[1] <= BORDER_NORM)
        || all(|p| p[1] >= 1.0 - BORDER_NORM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone_file::shape;

    fn size() -> FrameSize {
        FrameSize::new(1600, 900).expect("a size")
    }

    fn zone(kind: &str, more: &str, geometry: &str) -> Zone {
        let text = format!(
            r#"{{"type":"FeatureCollection","features":[{{"type":"Feature",
            "properties":{{"id":"z","name":"Z","kind":"{kind}"{more}}},"geometry":{geometry}}}]}}"#
        );
        shape(&text).unwrap_or_else(|errors| panic!("{errors:?}")).zones.remove(0)
    }

    fn area(ring: &str) -> String {
        format!(r#"{{"type":"Polygon","coordinates":[{ring}]}}"#)
    }

    #[test]
    fn sides_that_hardly_turn_are_one_edge_and_the_border_is_skipped() {
        // The lower side has a bend of about two degrees; the left side is the picture's border.
        let ring = "[[0,0.2],[0.6,0.2],[0.6,0.8],[0.3,0.81],[0,0.8],[0,0.2]]";
        let found = edges(&zone("restricted", "", &area(ring)), size());
        let corners: Vec<usize> = found.iter().map(|edge| edge.kept.points.len()).collect();
        assert_eq!(corners, [2, 2, 3, 2]);
        let skipped: Vec<bool> = found.iter().map(|edge| edge.kept.skipped.is_some()).collect();
        assert_eq!(skipped, [false, false, false, true]);
        assert_eq!(found[2].kept.label, "edge 3");
    }

    #[test]
    fn a_merged_edge_may_run_over_the_rings_first_point() {
        let ring = "[[0.3,0.2],[0.6,0.2],[0.6,0.8],[0.2,0.8],[0.2,0.2],[0.3,0.2]]";
        let found = edges(&zone("restricted", "", &area(ring)), size());
        assert_eq!(found.len(), 4);
        assert!(found.iter().any(|edge| edge.kept.points == [[0.2, 0.2], [0.3, 0.2], [0.6, 0.2]]));
    }

    #[test]
    fn a_zone_over_the_whole_picture_is_entered_by_coming_into_view() {
        let ring = "[[0,0],[1,0],[1,1],[0,1],[0,0]]";
        let found = edges(&zone("warning", "", &area(ring)), size());
        assert_eq!(found.len(), 5);
        assert!(found[..4].iter().all(|edge| edge.kept.skipped.is_some()));
        assert_eq!(found[4].entrance, Entrance::Anywhere);
        assert_eq!(found[4].kept.label, "edge 5, into view inside");
    }

    #[test]
    fn a_line_has_an_edge_for_each_way_it_watches() {
        let line = r#"{"type":"LineString","coordinates":[[0.2,0.5],[0.8,0.5]]}"#;
        let ways = |direction: &str| {
            let more = format!(r#","direction":"{direction}""#);
            edges(&zone("tripwire", &more, line), size())
                .iter()
                .map(|edge| edge.entrance)
                .collect::<Vec<_>>()
        };
        let (there, back) = (Entrance::Way(Way::LeftToRight), Entrance::Way(Way::RightToLeft));
        assert_eq!(ways("both"), [there, back]);
        assert_eq!(ways("right_to_left"), [back]);
    }

    #[test]
    fn an_ignored_area_has_no_edge() {
        let ring = "[[0.2,0.2],[0.6,0.2],[0.6,0.8],[0.2,0.2]]";
        let glass = zone("ignore", r#","reason":"glass""#, &area(ring));
        assert!(edges(&glass, size()).is_empty());
    }
}
