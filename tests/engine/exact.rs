//! Inside or outside, compared with exact rational arithmetic (R5): points, holes, several polygons,
//! estimated stretches and whole boxes.

use std::cell::Cell;

use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;
use standclear::engine::detection::{Detection, FrameSize, PixelBox, Score};
use standclear::engine::geometry::Area;
use standclear::engine::time::Instant;
use standclear::engine::zone::{Crowd, Look, Occupancy, Pace, Rules, Sighting, Telling};
use standclear::engine::{Anchor, AnchorHow, Criterion, Footprint, Verdict};

use crate::world::cases;

pub type Point = (f64, f64);

fn exact(value: f64) -> BigRational {
    BigRational::from_float(value).expect("finite")
}

/// The sign of the turn a → b → c, without rounding.
pub fn turn(a: Point, b: Point, c: Point) -> i32 {
    let (ax, ay) = (exact(a.0), exact(a.1));
    let (bx, by) = (exact(b.0) - &ax, exact(b.1) - &ay);
    let (cx, cy) = (exact(c.0) - &ax, exact(c.1) - &ay);
    let cross = bx * cy - by * cx;
    let zero = BigRational::from_integer(BigInt::from(0));
    i32::from(cross > zero) - i32::from(cross < zero)
}

/// Whether the point lies on the segment.
fn on_segment(a: Point, b: Point, p: Point) -> bool {
    let within = |v: f64, s: f64, t: f64| v >= s.min(t) && v <= s.max(t);
    turn(a, b, p) == 0 && within(p.0, a.0, b.0) && within(p.1, a.1, b.1)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Inside,
    OnEdge,
    Outside,
}

/// Where the point lies to a simple ring, by crossing number, without rounding.
fn side_of(ring: &[Point], p: Point) -> Side {
    let mut inside = false;
    for i in 0..ring.len() {
        let (a, b) = (ring[i], ring[(i + 1) % ring.len()]);
        if on_segment(a, b, p) {
            return Side::OnEdge;
        }
        if (a.1 > p.1) != (b.1 > p.1) {
            let upward = b.1 > a.1;
            let side = turn(a, b, p);
            if (upward && side > 0) || (!upward && side < 0) {
                inside = !inside;
            }
        }
    }
    if inside { Side::Inside } else { Side::Outside }
}

pub type Rings = Vec<Vec<Point>>;

/// Inside any polygon or on an edge of it, of its holes too.
fn inside_exactly(polygons: &[Rings], p: Point) -> bool {
    polygons.iter().any(|rings| {
        let (outer, holes) = rings.split_first().expect("an outline");
        side_of(outer, p) != Side::Outside
            && holes.iter().all(|hole| side_of(hole, p) != Side::Inside)
    })
}

/// Whether two segments share a point, without rounding.
fn meet(a: (Point, Point), b: (Point, Point)) -> bool {
    let apart = |s: (Point, Point), t: (Point, Point)| turn(s.0, s.1, t.0) * turn(s.0, s.1, t.1);
    (apart(a, b) < 0 && apart(b, a) < 0)
        || on_segment(a.0, a.1, b.0)
        || on_segment(a.0, a.1, b.1)
        || on_segment(b.0, b.1, a.0)
        || on_segment(b.0, b.1, a.1)
}

fn edges(polygons: &[Rings]) -> Vec<(Point, Point)> {
    let of = |ring: &Vec<Point>| -> Vec<(Point, Point)> {
        (0..ring.len()).map(|i| (ring[i], ring[(i + 1) % ring.len()])).collect()
    };
    polygons.iter().flatten().flat_map(of).collect()
}

pub fn segment_touches_exactly(polygons: &[Rings], from: Point, to: Point) -> bool {
    inside_exactly(polygons, from)
        || inside_exactly(polygons, to)
        || edges(polygons).into_iter().any(|edge| meet(edge, (from, to)))
}

fn box_touches_exactly(polygons: &[Rings], least: Point, most: Point) -> bool {
    let corners = [least, (most.0, least.1), most, (least.0, most.1)];
    let around = [0, 1, 2, 3].map(|i| (corners[i], corners[(i + 1) % 4]));
    let holds = |p: Point| p.0 >= least.0 && p.0 <= most.0 && p.1 >= least.1 && p.1 <= most.1;
    around.iter().any(|&(from, to)| segment_touches_exactly(polygons, from, to))
        || polygons.iter().flatten().flatten().any(|&corner| holds(corner))
}

/// Corners on a coarse grid make collinear, vertical and touching cases common.
pub fn coordinate() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => (0u32..=16).prop_map(|n| f64::from(n) / 16.0),
        1 => (0u32..=10).prop_map(|n| f64::from(n) / 10.0),
        2 => 0.0..=1.0f64,
    ]
}

pub fn ring() -> impl Strategy<Value = Vec<Point>> {
    prop::collection::vec((coordinate(), coordinate()), 3..9)
}

/// One to three polygons; a hole is a smaller copy of its outline, moved a little, so that many are
/// valid and some touch the outline.
fn polygons() -> impl Strategy<Value = Vec<Rings>> {
    let shrunk = |outer: &Vec<Point>, (scale, x, y): (f64, f64, f64)| -> Vec<Point> {
        outer.iter().map(|p| (x + scale * (p.0 - x), y + scale * (p.1 - y))).collect()
    };
    let scale = prop::sample::select(vec![0.25, 0.5, 0.3]);
    let hole = prop::option::of((scale, coordinate(), coordinate()));
    let polygon = (ring(), hole).prop_map(move |(outer, hole)| {
        let hole = hole.map(|hole| shrunk(&outer, hole));
        std::iter::once(outer).chain(hole).collect::<Rings>()
    });
    prop::collection::vec(polygon, 1..4)
}

/// Any valid area: polygons that are refused are left out.
fn valid(polygons: Vec<Rings>) -> Option<(Vec<Rings>, Area)> {
    let good = |rings: &Rings| Area::new(std::slice::from_ref(rings)).is_ok();
    let polygons: Vec<Rings> = polygons.into_iter().filter(good).collect();
    let area = Area::new(&polygons).ok()?;
    Some((polygons, area))
}

/// Points of the picture, and points exactly on corners and midway on edges.
fn probe(polygons: &[Rings], pick: usize, free: Point) -> Point {
    let edges = edges(polygons);
    let (a, b) = edges[pick % edges.len()];
    match pick % 3 {
        0 => a,
        1 => ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0),
        _ => free,
    }
}

/// Counts what was compared, so that a test that compares nothing fails.
#[derive(Default)]
struct Compared {
    all: Cell<u32>,
    inside: Cell<u32>,
    with_hole: Cell<u32>,
    several: Cell<u32>,
}

impl Compared {
    fn note(&self, polygons: &[Rings], inside: bool) {
        let add = |cell: &Cell<u32>, one: bool| cell.set(cell.get() + u32::from(one));
        add(&self.all, true);
        add(&self.inside, inside);
        add(&self.with_hole, polygons.iter().any(|rings| rings.len() > 1));
        add(&self.several, polygons.len() > 1);
    }

    fn enough(&self, cases: u32) {
        let (all, inside) = (self.all.get(), self.inside.get());
        println!(
            "{all} compared, {inside} inside; {} with holes, {} of several polygons",
            self.with_hole.get(),
            self.several.get()
        );
        assert!(all > cases / 10 && inside > cases / 100 && all - inside > cases / 100);
        assert!(self.with_hole.get() > cases / 500 && self.several.get() > cases / 500);
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, max_global_rejects: u32::MAX, ..Default::default() }
}

/// Points asked of each area: most random polygons are refused, and areas are dear to make.
const PROBES: usize = 4;

#[test]
fn inside_equals_exact_rational_arithmetic() {
    let cases = cases(20_000);
    let compared = Compared::default();
    let point = (any::<usize>(), (coordinate(), coordinate()));
    let strategy = (polygons(), prop::collection::vec(point, PROBES));
    proptest!(config(cases), |((polygons, points) in strategy)| {
        if let Some((polygons, area)) = valid(polygons) {
            for (pick, free) in points {
                let p = probe(&polygons, pick, free);
                let inside = inside_exactly(&polygons, p);
                prop_assert_eq!(area.contains(p), inside, "{:?} point {:?}", polygons, p);
                compared.note(&polygons, inside);
            }
        }
    });
    compared.enough(cases);
}

/// A frame in which sixteenths and tenths of it are whole pixels or exact fractions of one.
const SIDE_PX: f64 = 1024.0;

/// Whether a zone lets this in, seen twice.
fn enters(area: &Area, criterion: Criterion, detection: Detection, anchor: Anchor) -> bool {
    let size = FrameSize::new(1024, 1024).expect("positive");
    let mut zone = Occupancy::new(area.clone(), criterion, Rules::DEFAULT);
    let pictures = [Instant::from_millis(100), Instant::from_millis(200)];
    let seen = Sighting { detection, track: None, anchor, verdict: Verdict::Person };
    let mut arrivals = 0;
    for taken in 1..=pictures.len() {
        let change = zone.look(Look {
            crowd: &Crowd::new(vec![seen], size),
            size,
            at: pictures[taken - 1],
            pace: Pace::of(&pictures[..taken]),
            telling: Telling::Tell,
        });
        arrivals += change.arrivals.len();
    }
    arrivals == 1
}

#[test]
fn hidden_feet_are_inside_exactly_when_their_stretch_touches_the_zone() {
    let cases = cases(20_000);
    let compared = Compared::default();
    let point = || (coordinate(), coordinate());
    let strategy = (polygons(), any::<usize>(), point(), point(), point(), any::<bool>());
    proptest!(config(cases), |((polygons, pick, foot_norm, from, to, straight_down) in strategy)| {
        if let Some((polygons, area)) = valid(polygons) {
            let from_norm = probe(&polygons, pick, from);
            let to_norm = if straight_down { (from_norm.0, to.1) } else { to };
            let bounds = PixelBox::new(100.0, 100.0, 40.0, 100.0).expect("a box");
            let detection = Detection { bounds, score: Score::new(0.8).expect("a score") };
            let estimated = Some(Footprint { from_norm, to_norm });
            let anchor = Anchor { foot_norm, estimated, how: AnchorHow::Conservative };
            let inside = inside_exactly(&polygons, foot_norm)
                || segment_touches_exactly(&polygons, from_norm, to_norm);
            let entered = enters(&area, Criterion::Foot, detection, anchor);
            prop_assert_eq!(entered, inside, "{:?} {:?}", polygons, anchor);
            compared.note(&polygons, inside);
        }
    });
    compared.enough(cases);
}

#[test]
fn any_part_of_a_box_is_inside_exactly_when_box_and_zone_share_a_point() {
    let cases = cases(20_000);
    let compared = Compared::default();
    let side = || prop_oneof![(1u32..=8).prop_map(|n| f64::from(n) / 16.0), 0.001..0.2f64];
    let strategy = (polygons(), any::<usize>(), (coordinate(), coordinate()), side(), side());
    proptest!(config(cases), |((polygons, pick, free, width, height) in strategy)| {
        if let Some((polygons, area)) = valid(polygons) {
            let least = probe(&polygons, pick, free);
            // Within the frame, and in fractions that survive the way over pixels unrounded.
            let round = |v: f64| (v * SIDE_PX * 64.0).round() / 64.0;
            let (left, top) = (round(least.0), round(least.1));
            let (width, height) = (round(width), round(height));
            if left + width <= SIDE_PX && top + height <= SIDE_PX && width > 0.0 && height > 0.0 {
                let bounds = PixelBox::new(left, top, width, height).expect("a box");
                let detection = Detection { bounds, score: Score::new(0.8).expect("a score") };
                let size = FrameSize::new(1024, 1024).expect("positive");
                let least = (left / SIDE_PX, top / SIDE_PX);
                let most = ((left + width) / SIDE_PX, (top + height) / SIDE_PX);
                let inside = box_touches_exactly(&polygons, least, most);
                let anchor = Anchor::of_box(&detection, size);
                let entered = enters(&area, Criterion::Any, detection, anchor);
                prop_assert_eq!(entered, inside, "{:?} {:?}", polygons, bounds);
                compared.note(&polygons, inside);
            }
        }
    });
    compared.enough(cases);
}
