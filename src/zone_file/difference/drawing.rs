//! What changed in a drawing: corners moved, added, removed; larger or smaller.
//!
//! A ring may begin at any corner and run either way round: that is no change. A line may not: its
//! sides would change places.
//!
//! Not here: everything that is not drawn.

use super::super::document::{Point, Polygon, Ring};
use super::super::words::counted;
use crate::engine::detection::FrameSize;

/// Smaller changes of the area are not worth a sentence.
const AREA_CHANGE_MIN: f64 = 0.005;

/// A move is named after both axes when the smaller part is more than this of the larger.
const DIAGONAL: f64 = 0.4;

/// Above so many pairs, which corner became which is not worth finding out.
const PAIRS_MAX: usize = 16_384;

/// How distances are told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Pixels(FrameSize),
    /// Size of the picture not known: percent of it.
    Percent,
}

/// From one corner to another.
#[derive(Clone, Copy, Debug)]
struct Move {
    across: f64,
    down: f64,
}

impl Unit {
    fn between(self, from: Point, to: Point) -> Move {
        let (width, height) = match self {
            Unit::Pixels(size) => (size.width_px(), size.height_px()),
            Unit::Percent => (100.0, 100.0),
        };
        Move { across: (to[0] - from[0]) * width, down: (to[1] - from[1]) * height }
    }

    /// `18 px left`.
    fn words(self, moved: Move) -> String {
        let length = moved.length();
        let (digits, unit) = match self {
            Unit::Pixels(_) if length >= 1.0 => (0, "px"),
            Unit::Pixels(_) => (2, "px"),
            Unit::Percent => (2, "% of the picture"),
        };
        format!("{length:.digits$} {unit} {}", moved.direction())
    }
}

impl Move {
    fn length(self) -> f64 {
        self.across.hypot(self.down)
    }

    fn direction(self) -> String {
        let across = if self.across < 0.0 { "left" } else { "right" };
        let down = if self.down < 0.0 { "up" } else { "down" };
        let (a, d) = (self.across.abs(), self.down.abs());
        match a.min(d) > DIAGONAL * a.max(d) {
            true => format!("{down} and {across}"),
            false if a >= d => across.to_owned(),
            false => down.to_owned(),
        }
    }
}

/// One sentence for each change of an area.
pub(super) fn areas(old: &[Polygon], new: &[Polygon], unit: Unit) -> Vec<String> {
    let mut told = Vec::new();
    for (place, thing) in [(Place::Outline, "part"), (Place::Hole, "hole")] {
        let (mut before, mut after) = (rings(old, place), rings(new, place));
        take_equal(&mut before, &mut after);
        let parts = rings(new, place).len().max(rings(old, place).len());
        let middles = |rings: &[&Ring]| rings.iter().map(|ring| middle(ring)).collect::<Vec<_>>();
        let pairs = nearest(&middles(&before), &middles(&after), unit);
        for &(i, j) in &pairs {
            let whose = match place {
                Place::Outline if parts <= 1 => String::new(),
                Place::Outline => "one part: ".to_owned(),
                Place::Hole => "hole: ".to_owned(),
            };
            let changes = ring_change(before[i], after[j], unit);
            told.extend(changes.into_iter().map(|text| format!("{whose}{text}")));
        }
        let (come, gone) = (after.len() - pairs.len(), before.len() - pairs.len());
        if come > 0 {
            told.push(format!("{} added", counted(come, thing)));
        }
        if gone > 0 {
            told.push(format!("{} removed", counted(gone, thing)));
        }
    }
    told.extend(area_change(share(old), share(new)));
    told
}

/// One sentence for each change of a line.
pub(super) fn lines(old: &[Point], new: &[Point], unit: Unit) -> Vec<String> {
    if old == new {
        return Vec::new();
    }
    if old.iter().rev().eq(new) {
        return vec!["the line runs the other way: left and right have changed places".to_owned()];
    }
    if old.len() == new.len() {
        let pairs: Vec<(Point, Point)> = old.iter().copied().zip(new.iter().copied()).collect();
        return moves(&pairs, "point", unit);
    }
    unlike(old, new, "point", unit)
}

/// The share of the picture, holes taken out.
pub(super) fn share(polygons: &[Polygon]) -> f64 {
    polygons
        .iter()
        .map(|rings| {
            let mut sizes = rings.iter().map(|ring| ring_share(ring));
            let outline = sizes.next().unwrap_or(0.0);
            outline - sizes.sum::<f64>()
        })
        .sum()
}

fn ring_share(ring: &[Point]) -> f64 {
    let next = ring.iter().cycle().skip(1);
    let doubled: f64 = ring.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum();
    doubled.abs() / 2.0
}

fn area_change(old: f64, new: f64) -> Option<String> {
    if old <= 0.0 || (new / old - 1.0).abs() < AREA_CHANGE_MIN {
        return None;
    }
    let word = if new > old { "grew" } else { "shrank" };
    // Never 0 %: AREA_CHANGE_MIN is rounded up.
    let by = ((new / old - 1.0).abs() * 100.0).round();
    let (old, new) = (of_picture(old), of_picture(new));
    let shares = match old == new {
        true => String::new(),
        false => format!(" ({old} → {new} of the picture)"),
    };
    Some(format!("area {word} by {by} %{shares}"))
}

/// A share of the picture: nobody draws finer than a tenth of a percent.
pub(super) fn of_picture(share: f64) -> String {
    let tenths = (share * 1_000.0).round();
    if tenths < 1.0 { "less than 0.1 %".to_owned() } else { format!("{} %", tenths / 10.0) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outline,
    Hole,
}

fn rings(polygons: &[Polygon], place: Place) -> Vec<&Ring> {
    let of = |rings: &'_ Polygon| match place {
        Place::Outline => 0..rings.len().min(1),
        Place::Hole => 1..rings.len().max(1),
    };
    polygons.iter().flat_map(|rings| rings[of(rings)].iter()).collect()
}

/// Takes out what both have.
fn take_equal(before: &mut Vec<&Ring>, after: &mut Vec<&Ring>) {
    before.retain(|ring| {
        let same = after.iter().position(|other| same_ring(ring, other));
        if let Some(position) = same {
            after.remove(position);
        }
        same.is_none()
    });
}

fn same_ring(a: &[Point], b: &[Point]) -> bool {
    a.len() == b.len() && alignments(b).any(|turned| turned.eq(a.iter().copied()))
}

/// The corners from each corner on, either way round.
fn alignments(ring: &[Point]) -> impl Iterator<Item = Box<dyn Iterator<Item = Point> + '_>> {
    let n = ring.len();
    (0..n).flat_map(move |start| {
        let onward = (0..n).map(move |i| ring[(start + i) % n]);
        let back = (0..n).map(move |i| ring[(start + n - i) % n]);
        let both: [Box<dyn Iterator<Item = Point> + '_>; 2] = [Box::new(onward), Box::new(back)];
        both
    })
}

/// Pairs of what is nearest to each other, nearest first, until one side has none left.
fn nearest(before: &[Point], after: &[Point], unit: Unit) -> Vec<(usize, usize)> {
    if before.len() * after.len() > PAIRS_MAX {
        return (0..before.len().min(after.len())).map(|i| (i, i)).collect();
    }
    let mut all = Vec::new();
    for (i, from) in before.iter().enumerate() {
        for (j, to) in after.iter().enumerate() {
            all.push((unit.between(*from, *to).length(), i, j));
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (_, i, j) in all {
        if !pairs.iter().any(|&(a, b)| a == i || b == j) {
            pairs.push((i, j));
        }
    }
    pairs
}

fn middle(ring: &[Point]) -> Point {
    let n = ring.len().max(1) as f64;
    let sum = ring.iter().fold([0.0, 0.0], |sum, p| [sum[0] + p[0], sum[1] + p[1]]);
    [sum[0] / n, sum[1] / n]
}

fn ring_change(old: &[Point], new: &[Point], unit: Unit) -> Vec<String> {
    if old.len() != new.len() {
        return unlike(old, new, "corner", unit);
    }
    // The way of laying one on the other that moves the corners least.
    let pairs = alignments(new)
        .map(|turned| old.iter().copied().zip(turned).collect::<Vec<(Point, Point)>>())
        .min_by(|a, b| total(a, unit).total_cmp(&total(b, unit)));
    pairs.map_or_else(Vec::new, |pairs| moves(&pairs, "corner", unit))
}

fn total(pairs: &[(Point, Point)], unit: Unit) -> f64 {
    pairs.iter().map(|(from, to)| unit.between(*from, *to).length()).sum()
}

/// What moved, of points that belong together.
fn moves(pairs: &[(Point, Point)], thing: &str, unit: Unit) -> Vec<String> {
    let moved: Vec<Move> = pairs
        .iter()
        .filter(|(from, to)| from != to)
        .map(|(from, to)| unit.between(*from, *to))
        .collect();
    let Some(farthest) = moved.iter().max_by(|a, b| a.length().total_cmp(&b.length())) else {
        return Vec::new();
    };
    let alike = |m: &Move| {
        (m.across - farthest.across).hypot(m.down - farthest.down) < 0.05 * farthest.length()
    };
    let far = unit.words(*farthest);
    if moved.len() == pairs.len() && pairs.len() > 1 && moved.iter().all(alike) {
        return vec![format!("moved as a whole {far}")];
    }
    if moved.len() == 1 {
        return vec![format!("one {thing} moved {far}")];
    }
    vec![format!("{} {thing}s moved, the farthest {far}", moved.len())]
}

/// What changed between point lists of different length.
fn unlike(old: &[Point], new: &[Point], thing: &str, unit: Unit) -> Vec<String> {
    let without = |a: &[Point], b: &[Point]| -> Vec<Point> {
        a.iter().filter(|point| !b.contains(point)).copied().collect()
    };
    let (gone, come) = (without(old, new), without(new, old));
    // As many as there are more are new; the others are those before, moved.
    let (more, word) = match new.len().checked_sub(old.len()) {
        Some(more) => (more, "added"),
        None => (old.len() - new.len(), "removed"),
    };
    let mut told = vec![format!("{} {word}", counted(more, thing))];
    let pairs = nearest(&gone, &come, unit);
    let pairs: Vec<(Point, Point)> = pairs.iter().map(|&(i, j)| (gone[i], come[j])).collect();
    told.extend(moves(&pairs, thing, unit));
    told
}
