//! Random zones from a seed, as a zone document and as exact areas.

use std::f64::consts::TAU;

use serde_json::{Value, json};

use crate::exact::{Area, Point, part, px};

/// Corners are given in millionths of the picture, the finest that a zone document keeps.
const MILLION: u64 = 1_000_000;

/// What of a person must be inside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Criterion {
    Foot,
    Any,
    /// A share of the box, in hundredths.
    Share(u64),
}

/// One zone. Corners in millionths of the picture.
#[derive(Clone, Debug)]
pub struct Zone {
    pub id: String,
    kind: &'static str,
    pub criterion: Criterion,
    pub enter_window_ms: i64,
    pub clear_after_ms: i64,
    pub dwell_ms: i64,
    polygons: Vec<Vec<Vec<[u64; 2]>>>,
}

impl Zone {
    pub fn area(&self, width_px: u32, height_px: u32) -> Area {
        let point = |[x, y]: &[u64; 2]| {
            Point::new(part(&px(width_px), *x, MILLION), part(&px(height_px), *y, MILLION))
        };
        let ring = |ring: &Vec<[u64; 2]>| ring.iter().map(point).collect();
        Area::new(self.polygons.iter().map(|rings| rings.iter().map(ring).collect()).collect())
    }

    fn feature(&self) -> Value {
        let ring = |ring: &Vec<[u64; 2]>| -> Vec<[f64; 2]> {
            ring.iter().map(|point| point.map(|v| v as f64 / MILLION as f64)).collect()
        };
        let polygons: Vec<Vec<Vec<[f64; 2]>>> =
            self.polygons.iter().map(|rings| rings.iter().map(ring).collect()).collect();
        let geometry = match polygons.as_slice() {
            [only] => json!({"type": "Polygon", "coordinates": only}),
            several => json!({"type": "MultiPolygon", "coordinates": several}),
        };
        let criterion = match self.criterion {
            Criterion::Foot => json!("foot"),
            Criterion::Any => json!("any"),
            Criterion::Share(hundredths) => json!({"overlap": hundredths as f64 / 100.0}),
        };
        json!({"type": "Feature", "geometry": geometry, "properties": {
            "id": self.id, "name": self.id, "kind": self.kind, "criterion": criterion,
            "enter_window_ms": self.enter_window_ms, "clear_after_ms": self.clear_after_ms,
            "dwell_ms": self.dwell_ms,
        }})
    }
}

/// The zones as the file that `replay` reads.
pub fn document(zones: &[Zone]) -> String {
    let features: Vec<Value> = zones.iter().map(Zone::feature).collect();
    json!({"type": "FeatureCollection", "name": "random", "features": features}).to_string()
}

/// The same zones for the same seed, wherever and whenever.
pub fn random(seed: u64, count: usize) -> Vec<Zone> {
    let mut dice = Dice(seed);
    (0..count).map(|number| zone(&mut dice, number)).collect()
}

/// A part of the picture: left, top, right, bottom.
type Cell = [f64; 4];

const PICTURE: Cell = [0.0, 0.0, 1.0, 1.0];

fn zone(dice: &mut Dice, number: usize) -> Zone {
    let mut centre = (dice.between(0.05, 0.95), dice.between(0.15, 0.98));
    let mut radius = dice.between(0.08, 0.35);
    let polygons = match number % 10 {
        // In two places.
        5 => [[0.0, 0.0, 0.49, 1.0], [0.51, 0.0, 1.0, 1.0]]
            .map(|cell: Cell| {
                let middle = ((cell[0] + cell[2]) / 2.0, centre.1);
                star(dice, middle, radius, cell, &[1.0])
            })
            .to_vec(),
        shape => {
            match shape {
                // Cut by the left or the right edge of the picture.
                6 => centre.0 = dice.one_of(&[0.02, 0.98]),
                // Tiny.
                7 => radius = dice.between(0.02, 0.04),
                _ => {}
            }
            let hole = dice.between(0.3, 0.6);
            let scales: &[f64] = if matches!(shape, 3 | 4) { &[1.0, hole] } else { &[1.0] };
            vec![star(dice, centre, radius, PICTURE, scales)]
        }
    };
    let share = Criterion::Share(dice.between(5.0, 90.0) as u64);
    let criterion = match number % 20 {
        8 => Criterion::Any,
        18 => share,
        _ => Criterion::Foot,
    };
    Zone {
        id: format!("zone-{number}"),
        kind: if number % 12 == 11 { "warning" } else { "restricted" },
        criterion,
        enter_window_ms: match number % 3 {
            1 => dice.one_of(&[200, 250, 400, 500, 700]),
            _ => 300,
        },
        clear_after_ms: match number % 4 {
            1 => dice.one_of(&[200, 450, 700, 1500, 3000]),
            _ => 1000,
        },
        dwell_ms: match number % 5 {
            2 => dice.one_of(&[200, 350, 500, 600]),
            _ => 0,
        },
        polygons,
    }
}

/// A star-shaped ring around `centre` that ends where the cell does, once for each scale.
fn star(
    dice: &mut Dice,
    centre: (f64, f64),
    radius: f64,
    cell: Cell,
    scales: &[f64],
) -> Vec<Vec<[u64; 2]>> {
    let corners = dice.between(4.0, 13.0) as usize;
    let mut rays = Vec::new();
    for corner in 0..corners {
        let angle = (corner as f64 + dice.between(0.1, 0.9)) * TAU / corners as f64;
        let (dx, dy) = (angle.cos(), angle.sin());
        let mut length = radius * dice.between(0.5, 1.0);
        for (from, step, least, most) in
            [(centre.0, dx, cell[0], cell[2]), (centre.1, dy, cell[1], cell[3])]
        {
            if step.abs() > 1e-9 {
                length = length.min(((if step > 0.0 { most } else { least }) - from) / step);
            }
        }
        rays.push((length * dx, length * dy));
    }
    let millionths = |value: f64| (value * MILLION as f64).round().clamp(0.0, 1e6) as u64;
    let ring = |scale: f64| {
        let corner =
            |(x, y): &(f64, f64)| [centre.0 + scale * x, centre.1 + scale * y].map(millionths);
        rays.iter().map(corner).collect()
    };
    scales.iter().map(|&scale| ring(scale)).collect()
}

/// Random numbers: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[(self.next() % values.len() as u64) as usize]
    }
}
