//! Plane geometry without rounding: whole numbers in a unit so small that nothing is cut off.
//!
//! Written for this test alone and on purpose without the product's geometry, `geo` included.

use std::cmp::{max, min};

use num_bigint::BigInt;
use num_rational::BigRational;

/// Digits after the point that a number may have.
const DIGITS: u32 = 24;

/// A length in units of 1 / (3 · 10^24) px; the three lets a width be divided by 0.3.
pub type Length = BigInt;

/// Whole pixels.
pub fn px(pixels: u32) -> Length {
    BigInt::from(pixels) * 3 * BigInt::from(10).pow(DIGITS)
}

/// Decimal text, exactly; pixels, or a score in the same unit.
pub fn decimal(text: &str) -> Length {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let missing = DIGITS.checked_sub(part.len() as u32).expect("no more digits than the unit has");
    let all: BigInt = format!("{whole}{part}").parse().expect("decimal digits");
    all * sign * 3 * BigInt::from(10).pow(missing)
}

/// `length · numerator / denominator`, which must leave no rest.
pub fn part(length: &Length, numerator: u64, denominator: u64) -> Length {
    let product = length * numerator;
    let quotient = &product / denominator;
    assert_eq!(&quotient * denominator, product, "the unit is too coarse");
    quotient
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub x: Length,
    pub y: Length,
}

impl Point {
    pub fn new(x: Length, y: Length) -> Point {
        Point { x, y }
    }

    pub fn moved(&self, x: &Length, y: &Length) -> Point {
        Point::new(&self.x + x, &self.y + y)
    }

    pub fn square_of_distance(&self, other: &Point) -> BigInt {
        let (dx, dy) = (&self.x - &other.x, &self.y - &other.y);
        &dx * &dx + &dy * &dy
    }
}

/// Twice the signed area of the triangle a, b, c.
fn cross(a: &Point, b: &Point, c: &Point) -> BigInt {
    (&b.x - &a.x) * (&c.y - &a.y) - (&b.y - &a.y) * (&c.x - &a.x)
}

fn sign(value: &BigInt) -> i32 {
    let zero = BigInt::ZERO;
    i32::from(*value > zero) - i32::from(*value < zero)
}

#[derive(Clone, Debug)]
pub struct Bounds {
    pub left: Length,
    pub top: Length,
    pub right: Length,
    pub bottom: Length,
}

impl Bounds {
    pub fn grown(&self, by: &Length) -> Bounds {
        Bounds {
            left: &self.left - by,
            top: &self.top - by,
            right: &self.right + by,
            bottom: &self.bottom + by,
        }
    }

    pub fn holds(&self, p: &Point) -> bool {
        self.left <= p.x && p.x <= self.right && self.top <= p.y && p.y <= self.bottom
    }

    pub fn meets(&self, other: &Bounds) -> bool {
        self.left <= other.right
            && other.left <= self.right
            && self.top <= other.bottom
            && other.top <= self.bottom
    }

    fn of(points: &[Point]) -> Bounds {
        let xs = || points.iter().map(|p| &p.x);
        let ys = || points.iter().map(|p| &p.y);
        Bounds {
            left: xs().min().expect("a corner").clone(),
            top: ys().min().expect("a corner").clone(),
            right: xs().max().expect("a corner").clone(),
            bottom: ys().max().expect("a corner").clone(),
        }
    }

    fn corners(&self) -> [Point; 4] {
        let at = |x: &Length, y: &Length| Point::new(x.clone(), y.clone());
        [
            at(&self.left, &self.top),
            at(&self.right, &self.top),
            at(&self.right, &self.bottom),
            at(&self.left, &self.bottom),
        ]
    }
}

/// A straight piece, both ends included.
#[derive(Clone, Debug)]
struct Edge {
    a: Point,
    b: Point,
    bounds: Bounds,
}

impl Edge {
    fn new(a: Point, b: Point) -> Edge {
        let bounds = Bounds::of(&[a.clone(), b.clone()]);
        Edge { a, b, bounds }
    }

    fn holds(&self, p: &Point) -> bool {
        self.bounds.holds(p) && cross(&self.a, &self.b, p) == BigInt::ZERO
    }

    fn meets(&self, other: &Edge) -> bool {
        if !self.bounds.meets(&other.bounds) {
            return false;
        }
        let side = |e: &Edge, p: &Point| sign(&cross(&e.a, &e.b, p));
        let apart = |e: &Edge, f: &Edge| side(e, &f.a) * side(e, &f.b) > 0;
        !apart(self, other) && !apart(other, self)
    }

    /// Whether the point is no farther than `distance`.
    fn within(&self, p: &Point, distance: &Length) -> bool {
        if !self.bounds.grown(distance).holds(p) {
            return false;
        }
        let (dx, dy) = (&self.b.x - &self.a.x, &self.b.y - &self.a.y);
        let along = (&p.x - &self.a.x) * &dx + (&p.y - &self.a.y) * &dy;
        let length_squared = &dx * &dx + &dy * &dy;
        let limit = distance * distance;
        if along <= BigInt::ZERO {
            p.square_of_distance(&self.a) <= limit
        } else if along >= length_squared {
            p.square_of_distance(&self.b) <= limit
        } else {
            let cross = cross(&self.a, &self.b, p);
            &cross * &cross <= limit * length_squared
        }
    }
}

/// A ring of corners, without the first one repeated.
pub type Ring = Vec<Point>;

/// Outlines with holes. Closed: every edge belongs to it.
#[derive(Clone, Debug)]
pub struct Area {
    polygons: Vec<Vec<Ring>>,
    edges: Vec<Vec<Edge>>,
    bounds: Bounds,
}

impl Area {
    /// Polygons that lie apart from each other; the first ring of each is its outline.
    pub fn new(polygons: Vec<Vec<Ring>>) -> Area {
        let edges_of = |ring: &Ring| -> Vec<Edge> {
            let next = ring.iter().cycle().skip(1);
            ring.iter().zip(next).map(|(a, b)| Edge::new(a.clone(), b.clone())).collect()
        };
        let edges = polygons.iter().map(|p| p.iter().flat_map(edges_of).collect()).collect();
        let corners: Vec<Point> = polygons.iter().flatten().flatten().cloned().collect();
        Area { polygons, edges, bounds: Bounds::of(&corners) }
    }

    pub fn contains(&self, p: &Point) -> bool {
        self.bounds.holds(p) && self.edges.iter().any(|edges| inside(edges, p))
    }

    /// Whether any point between `from` and `to` belongs to the area.
    pub fn touches_stretch(&self, from: &Point, to: &Point) -> bool {
        let stretch = Edge::new(from.clone(), to.clone());
        self.contains(from)
            || self.contains(to)
            || self.edges.iter().flatten().any(|edge| edge.meets(&stretch))
    }

    pub fn touches_box(&self, bounds: &Bounds) -> bool {
        if !self.bounds.meets(bounds) {
            return false;
        }
        let corners = bounds.corners();
        let next = corners.iter().cycle().skip(1);
        corners.iter().zip(next).any(|(a, b)| self.touches_stretch(a, b))
            || self.edges.iter().flatten().any(|edge| bounds.holds(&edge.a))
    }

    /// Whether the point is inside, or no farther than `distance` from the nearest edge.
    pub fn is_near(&self, p: &Point, distance: &Length) -> bool {
        self.bounds.grown(distance).holds(p)
            && (self.contains(p)
                || self.edges.iter().flatten().any(|edge| edge.within(p, distance)))
    }

    /// Which share of the box is inside.
    pub fn share_of(&self, bounds: &Bounds) -> BigRational {
        let mut twice = BigRational::from_integer(BigInt::ZERO);
        if self.bounds.meets(bounds) {
            for rings in &self.polygons {
                for (position, ring) in rings.iter().enumerate() {
                    let clipped = twice_area_in(ring, bounds);
                    if position == 0 {
                        twice += clipped;
                    } else {
                        twice -= clipped;
                    }
                }
            }
        }
        let whole = (&bounds.right - &bounds.left) * (&bounds.bottom - &bounds.top) * 2;
        twice / BigRational::from_integer(whole)
    }
}

/// Even-odd rule over outline and holes; on an edge is inside.
fn inside(edges: &[Edge], p: &Point) -> bool {
    let mut inside = false;
    for edge in edges {
        if edge.holds(p) {
            return true;
        }
        if (edge.a.y > p.y) != (edge.b.y > p.y) {
            let downward = edge.b.y > edge.a.y;
            let left = sign(&cross(&edge.a, &edge.b, p)) > 0;
            inside ^= downward == left;
        }
    }
    inside
}

/// Twice the area of a simple ring's part in the box: the ring is cut at each side in turn.
fn twice_area_in(ring: &Ring, bounds: &Bounds) -> BigRational {
    let whole = |value: &Length| BigRational::from_integer(value.clone());
    let mut points: Vec<[BigRational; 2]> =
        ring.iter().map(|p| [whole(&p.x), whole(&p.y)]).collect();
    let sides = [(0, &bounds.left, 1), (0, &bounds.right, -1), (1, &bounds.top, 1)];
    for (axis, limit, direction) in sides.into_iter().chain([(1, &bounds.bottom, -1)]) {
        let limit = whole(limit);
        let keeps = |p: &[BigRational; 2]| {
            if direction > 0 { p[axis] >= limit } else { p[axis] <= limit }
        };
        let mut kept = Vec::new();
        for (i, q) in points.iter().enumerate() {
            let p = &points[(i + points.len() - 1) % points.len()];
            if keeps(p) != keeps(q) {
                let t = (&limit - &p[axis]) / (&q[axis] - &p[axis]);
                kept.push([0, 1].map(|i| &p[i] + &t * (&q[i] - &p[i])));
            }
            if keeps(q) {
                kept.push(q.clone());
            }
        }
        points = kept;
    }
    let mut sum = BigRational::from_integer(BigInt::ZERO);
    for (i, q) in points.iter().enumerate() {
        let p = &points[(i + points.len() - 1) % points.len()];
        sum += &p[0] * &q[1] - &q[0] * &p[1];
    }
    max(sum.clone(), -sum)
}

/// The value, moved into a range.
pub fn clamped(value: &Length, least: &Length, most: &Length) -> Length {
    max(least, min(most, value)).clone()
}
