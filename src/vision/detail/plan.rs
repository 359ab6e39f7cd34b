//! Which parts of the picture are looked at beside the whole of it, and at which scale. Pure.
//!
//! Terms: a **scale** is pixels of the model's input for one pixel of the picture; a zone is cut into
//! `link::DetailZone::person_norm.len()` **strips**, since people at its far edge are smaller than at
//! its near one. A strip **needs detail** when somebody with their feet there would be lower than
//! `RESOLVED_PX` in the model's input.
//!
//! The same zones, sizes and picture give the same plan: replays hang on it.
//!
//! Not here: where sizes come from (`heights`, the floor's calibration), and time (`mod`).

use crate::link::DetailZone;

use super::super::preprocess::TensorSize;
use super::heights::{Heights, middle};

/// Height in the model's input from which a person is found well. COCO, on which the model was
/// trained and whose classes of size its makers report by, calls what covers less than 32 x 32 px
/// small, and detectors lose half of their precision there. A standing person is 0.41 times as wide
/// as high (Dollar and others 2012, "Pedestrian Detection"), so that is 32 / sqrt(0.41) px.
pub const RESOLVED_PX: f64 = 50.0;

/// Blowing up further than this shows the model nothing new: at twice, every pixel has its neighbours'
/// mean between it and them; what is added beyond are the same numbers once more.
const SCALE_MAX: f64 = 2.0;

/// A crop that enlarges by less than this is not worth its time: from 640 to 800 px of input (1.25
/// times) nothing was gained on any footage (docs/design/thresholds.md).
const GAIN_MIN: f64 = 1.25;

/// Longest side of a crop in the model's input: beyond, it is cut into tiles, each about as costly as
/// the whole picture, so that a crop more or less is a small step in time. The first, unless a box is
/// too slow for it: each has half the area of the one before, and all are multiples of 32.
pub const TILES_PX: [u32; 3] = [640, 448, 320];

/// Tiles in one plan: with more than this many a rotation would not come round within the second in
/// which an entry is to be seen. What needs more gets a smaller scale, and parts are joined. Only
/// where one part alone, as small as is of use, still needs more, it has them: seldom is not never.
const CROPS_MAX: usize = 6;

/// By how much the scale of a part goes down when there are too many tiles.
const SCALE_STEP: f64 = 0.85;

/// What a zone's crop holds around its strips, in heights of the tallest expected person: a tall adult
/// is 1.27 times as high as the small one sizes are expected of (1.9 m and 1.5 m), and the model
/// wants to see a little around a person.
const ABOVE: f64 = 1.27 + 0.1;
const BELOW: f64 = 0.25;
const BESIDE: f64 = 0.5;

/// What is planned for.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The picture as it is delivered, pixels.
    pub width_px: usize,
    pub height_px: usize,
    /// Longer side of the model's input for the whole picture, and the longest it may be; the same
    /// where the model takes one size.
    pub long_side_px: u32,
    pub long_side_px_max: u32,
    /// The model's input around the whole picture or a crop.
    pub tensor: TensorSize,
    pub zones: &'a [DetailZone],
    pub heights: &'a Heights,
    /// Longest side of a crop in the model's input, one of `TILES_PX`; a model of one size has its
    /// own.
    pub tile_px_max: u32,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Longer side of the model's input for the whole picture.
    pub long_side_px: u32,
    pub crops: Vec<Crop>,
}

/// A part of the picture, in its pixels, and its size for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crop {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
    pub content_width: usize,
    pub content_height: usize,
}

/// A part that is wanted, before tiling.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Wanted {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    scale: f64,
    /// Height of the tallest person expected in it, pixels: tiles overlap by that.
    person_px: f64,
}

/// Plans.
pub fn plan(scene: &Scene<'_>) -> Plan {
    let mut parts: Vec<Wanted> =
        scene.zones.iter().filter_map(|zone| wanted(scene, zone)).collect();
    let crops = limited(scene, &mut parts);
    let scale = parts.iter().map(|part| part.scale).fold(0.0, f64::max);
    let usual = Plan { long_side_px: scene.long_side_px, crops };
    // The whole picture larger shows everybody better, so at the same cost it is the better choice.
    match scene.whole(scale) {
        Some(larger)
            if !usual.crops.is_empty() && larger.cost_px(scene) <= usual.cost_px(scene) =>
        {
            larger
        }
        Some(_) | None => usual,
    }
}

impl Plan {
    /// Pixels of the model's input in all: what time goes with.
    pub fn cost_px(&self, scene: &Scene<'_>) -> usize {
        let whole = f64::from(self.long_side_px) / scene.long_px();
        let crops: usize = self.crops.iter().map(|crop| crop.cost_px(scene.tensor)).sum();
        scene.cost_px(scene.width_px as f64 * whole, scene.height_px as f64 * whole) + crops
    }
}

impl Crop {
    pub fn cost_px(&self, tensor: TensorSize) -> usize {
        tensor.cost_px((self.content_width, self.content_height))
    }
}

impl Scene<'_> {
    fn long_px(&self) -> f64 {
        self.width_px.max(self.height_px).max(1) as f64
    }

    /// The whole picture's usual scale.
    fn scale(&self) -> f64 {
        f64::from(self.long_side_px) / self.long_px()
    }

    /// The smallest scale at which a crop is of use.
    fn scale_min(&self) -> f64 {
        GAIN_MIN * self.scale()
    }

    fn cost_px(&self, width: f64, height: f64) -> usize {
        let side = |side: f64| (side.round() as usize).max(1);
        self.tensor.cost_px((side(width), side(height)))
    }

    /// Longest side of a crop in the model's input. What is larger than a model of one size takes
    /// would be looked at smaller than it was planned.
    fn tile_px(&self) -> f64 {
        f64::from(match self.tensor {
            TensorSize::Multiple(_) => self.tile_px_max,
            TensorSize::Fixed { width_px, height_px } => width_px.min(height_px),
        })
    }

    /// Only the whole picture, at this scale.
    fn whole(&self, scale: f64) -> Option<Plan> {
        let multiple = match self.tensor {
            TensorSize::Multiple(multiple) => multiple.max(1),
            TensorSize::Fixed { .. } => return None,
        };
        let long_side_px = ((scale * self.long_px()).ceil() as u32).next_multiple_of(multiple);
        (long_side_px > self.long_side_px && long_side_px <= self.long_side_px_max)
            .then(|| Plan { long_side_px, crops: Vec::new() })
    }
}

/// What of a zone needs detail.
fn wanted(scene: &Scene<'_>, zone: &DetailZone) -> Option<Wanted> {
    let (width, height) = (scene.width_px as f64, scene.height_px as f64);
    let strips = zone.strips();
    let step = (zone.bottom_norm - zone.top_norm) / strips as f64;
    let mut found: Option<Wanted> = None;
    for strip in 0..strips {
        let top_norm = zone.top_norm + step * strip as f64;
        let bottom_norm = top_norm + step;
        let expected = match zone.person_norm.get(strip) {
            Some(person_norm) => Some(*person_norm),
            None => scene.heights.at(middle(top_norm, step)),
        };
        // Whose size nobody knows is taken to be found at the picture's own scale and not below.
        let person_px = expected.map_or(RESOLVED_PX, |norm| norm * height);
        let scale = (RESOLVED_PX / person_px.max(1.0)).min(SCALE_MAX);
        if scale < scene.scale_min() {
            continue;
        }
        let part = Wanted {
            left: zone.left_norm * width,
            right: zone.right_norm * width,
            top: top_norm * height,
            bottom: bottom_norm * height,
            scale,
            person_px,
        };
        found = Some(found.map_or(part, |before| before.with(part)));
    }
    let part = found?;
    let margin = part.person_px;
    Some(Wanted {
        left: (part.left - BESIDE * margin).max(0.0),
        right: (part.right + BESIDE * margin).min(width),
        top: (part.top - ABOVE * margin).max(0.0),
        bottom: (part.bottom + BELOW * margin).min(height),
        ..part
    })
}

impl Wanted {
    fn with(self, other: Wanted) -> Wanted {
        Wanted {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
            scale: self.scale.max(other.scale),
            person_px: self.person_px.max(other.person_px),
        }
    }

    fn cost_px(&self, scene: &Scene<'_>) -> usize {
        match scene.tensor {
            TensorSize::Multiple(_) => {
                let (width, height) = (self.right - self.left, self.bottom - self.top);
                scene.cost_px(width * self.scale, height * self.scale)
            }
            // Each tile takes the whole input, however little is in it.
            TensorSize::Fixed { .. } => {
                let all = tiles(scene, std::slice::from_ref(self));
                all.iter().map(|crop| crop.cost_px(scene.tensor)).sum()
            }
        }
    }
}

/// The parts as tiles, not too many of them. No part is left out.
fn limited(scene: &Scene<'_>, parts: &mut Vec<Wanted>) -> Vec<Crop> {
    loop {
        merge(scene, parts);
        let crops = tiles(scene, parts);
        if crops.len() <= CROPS_MAX {
            return crops;
        }
        let fewer_parts = || parts.len() <= CROPS_MAX;
        let smaller = if fewer_parts() { with_most_tiles(scene, parts) } else { None };
        match smaller {
            Some(place) => {
                let part = &mut parts[place];
                part.scale = (part.scale * SCALE_STEP).max(scene.scale_min());
            }
            None => match cheapest_join(scene, parts) {
                Some((first, second, both)) => {
                    parts[first] = both;
                    parts.remove(second);
                }
                None => return crops,
            },
        }
    }
}

/// The part that is cut into most tiles, of those that can be made smaller.
fn with_most_tiles(scene: &Scene<'_>, parts: &[Wanted]) -> Option<usize> {
    let count = |part: &Wanted| tiles(scene, std::slice::from_ref(part)).len();
    let parts = parts.iter().enumerate();
    let smaller = parts.filter(|(_, part)| part.scale > scene.scale_min());
    let counted = smaller.map(|(place, part)| (count(part), place));
    counted.filter(|(count, _)| *count > 1).max().map(|(_, place)| place)
}

/// The two parts that cost least more when they are one.
fn cheapest_join(scene: &Scene<'_>, parts: &[Wanted]) -> Option<(usize, usize, Wanted)> {
    let pairs =
        (0..parts.len()).flat_map(|first| (first + 1..parts.len()).map(move |it| (first, it)));
    pairs.map(|(first, second)| (first, second, parts[first].with(parts[second]))).min_by_key(
        |(first, second, both)| {
            let apart = parts[*first].cost_px(scene) + parts[*second].cost_px(scene);
            both.cost_px(scene).saturating_sub(apart)
        },
    )
}

/// Joins parts as long as one for both is cheaper than two.
fn merge(scene: &Scene<'_>, parts: &mut Vec<Wanted>) {
    'again: loop {
        for first in 0..parts.len() {
            for second in first + 1..parts.len() {
                let both = parts[first].with(parts[second]);
                let apart = parts[first].cost_px(scene) + parts[second].cost_px(scene);
                if both.cost_px(scene) <= apart {
                    parts[first] = both;
                    parts.remove(second);
                    continue 'again;
                }
            }
        }
        return;
    }
}

fn tiles(scene: &Scene<'_>, parts: &[Wanted]) -> Vec<Crop> {
    let mut crops = Vec::new();
    for part in parts {
        let longest = scene.tile_px() / part.scale;
        let columns = cuts(part.left, part.right, longest, part.person_px * BESIDE * 2.0);
        let rows = cuts(part.top, part.bottom, longest, part.person_px * ABOVE);
        for (top, bottom) in &rows {
            for (left, right) in &columns {
                let (left, top) = (left.floor() as usize, top.floor() as usize);
                let right = (right.ceil() as usize).min(scene.width_px);
                let bottom = (bottom.ceil() as usize).min(scene.height_px);
                let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
                let content = |side: usize| ((side as f64 * part.scale).round() as usize).max(1);
                // Whole pixels may be one or two more than fit.
                let (content_width, content_height) =
                    scene.tensor.at_most((content(width), content(height)));
                if width > 0 && height > 0 {
                    crops.push(Crop { left, top, width, height, content_width, content_height });
                }
            }
        }
    }
    crops
}

/// Cuts a stretch into equal pieces that overlap, each at most `longest`.
fn cuts(from: f64, to: f64, longest: f64, overlap: f64) -> Vec<(f64, f64)> {
    let length = to - from;
    if length <= longest {
        return vec![(from, to)];
    }
    // People almost as large as a tile need no tiles; the whole picture shows them.
    let overlap = overlap.min(longest / 2.0);
    let count = ((length - overlap) / (longest - overlap)).ceil().max(1.0);
    let piece = (length + overlap * (count - 1.0)) / count;
    let start = |n: usize| from + (piece - overlap) * n as f64;
    (0..count as usize).map(|n| (start(n), (start(n) + piece).min(to))).collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
