//! A grid of metres as the picture shows it, so that an engineer sees at a glance whether the floor is right.

use crate::engine::geometry::PointNorm;
use crate::engine::ground::{Ground, PointM};

/// Most lines; the step is doubled until there are no more.
pub const LINES_MAX: usize = 200;

/// The floor counts as visible as long as one metre is at least this share of the frame's height or
/// width: beyond, lines run into each other.
const METRE_MIN_NORM: f64 = 0.004;

/// Places tried along and down the frame when the visible floor is looked for.
const SAMPLES: usize = 16;

/// A part of the floor, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    pub min_m: PointM,
    pub max_m: PointM,
}

impl Extent {
    /// What the frame shows of the floor, without the far end of it; `None` when that is nothing.
    pub fn visible(ground: &Ground) -> Option<Extent> {
        let share = |i: usize| i as f64 / SAMPLES as f64;
        let frame = (0..=SAMPLES).flat_map(|i| (0..=SAMPLES).map(move |j| (share(i), share(j))));
        let places = frame.filter_map(|image_norm| {
            let (x, y) = ground.metres(image_norm)?;
            let step = |p: PointM| {
                let there = ground.image(p)?;
                Some((there.0 - image_norm.0).abs().max((there.1 - image_norm.1).abs()))
            };
            // The shorter of the two ways: into the distance.
            let metre = step((x + 1.0, y))?.min(step((x, y + 1.0))?);
            (metre >= METRE_MIN_NORM).then_some((x, y))
        });
        places.fold(None, |extent: Option<Extent>, (x, y)| {
            let Extent { min_m, max_m } = extent.unwrap_or(Extent { min_m: (x, y), max_m: (x, y) });
            Some(Extent {
                min_m: (min_m.0.min(x), min_m.1.min(y)),
                max_m: (max_m.0.max(x), max_m.1.max(y)),
            })
        })
    }
}

/// The lines of a grid over a part of the floor, every `step_m` from the origin, clipped to the frame.
/// At most `LINES_MAX`; a step too fine for that is doubled. None for a step or extent that is not one.
pub fn grid(ground: &Ground, step_m: f64, extent: Extent) -> Vec<Vec<PointNorm>> {
    let Extent { min_m, max_m } = extent;
    let size_m = (max_m.0 - min_m.0, max_m.1 - min_m.1);
    let sound = step_m > 0.0 && size_m.0 >= 0.0 && size_m.1 >= 0.0;
    if !(sound && (step_m + min_m.0.abs() + min_m.1.abs() + size_m.0 + size_m.1).is_finite()) {
        return Vec::new();
    }
    let mut step_m = step_m;
    while size_m.0 / step_m + size_m.1 / step_m + 2.0 > LINES_MAX as f64 {
        step_m *= 2.0;
    }
    let marks = |min: f64, max: f64| {
        let first = (min / step_m).ceil();
        let count = ((max / step_m).floor() - first + 1.0).max(0.0) as usize;
        (0..count).map(move |i| (first + i as f64) * step_m)
    };
    let along_y = marks(min_m.0, max_m.0).map(|x| ((x, min_m.1), (x, max_m.1)));
    let along_x = marks(min_m.1, max_m.1).map(|y| ((min_m.0, y), (max_m.0, y)));
    along_y
        .chain(along_x)
        .filter_map(|(from, to)| ground.visible(from, to))
        .map(|(from, to)| vec![from, to])
        .collect()
}
