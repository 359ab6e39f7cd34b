//! What a camera's watch has learned and outlives it: the reference, the view as it was last, its
//! other faces, what is usual, and how its pictures were lately.
//!
//! A picture of another size but of the same shape is scaled: the box looks at larger or smaller
//! pictures than before, since it was started anew or since another model is loaded. A reference of another shape is not: then the camera delivers another
//! picture than the zones were drawn on, which is told as the wrong picture until somebody confirms.
//!
//! Not here: where it is kept.

use super::grey::Grey;
use super::still::Habit;
use super::usual::Usual;

/// Width over height may differ by this share: rows and columns are whole pixels.
const SHAPE_OFF_MAX: f64 = 0.015;

/// What is kept of a view.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// What the zones in force were drawn on.
    pub reference: Option<Grey>,
    /// The view as it was when it was last right.
    pub background: Option<Grey>,
    /// The same view at other times of the day.
    pub faces: Vec<Grey>,
    pub usual: Usual,
    pub lately: Lately,
}

/// How the camera's pictures were lately: true for some hours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lately {
    pub cast: Option<Cast>,
    pub habit: Option<Habit>,
}

/// The colours' usual cast: mean of blue less brightness and of red less brightness, levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cast {
    pub blue: f32,
    pub red: f32,
    /// How many looks it rests on.
    pub looks: f32,
}

/// The same picture in another size; `None` when it is of another shape.
pub fn resized(grey: &Grey, width_px: usize, height_px: usize) -> Option<Grey> {
    let (from, to) = ((grey.width_px(), grey.height_px()), (width_px, height_px));
    if from == to {
        return Some(grey.clone());
    }
    is_same_shape(from, to).then(|| scaled(grey, width_px, height_px))?
}

/// Whether pictures of these widths and heights have the same shape, but for whole rows and columns.
pub(super) fn is_same_shape(one: (usize, usize), other: (usize, usize)) -> bool {
    let shape = |(width, height): (usize, usize)| width as f64 / height as f64;
    let off = shape(one) / shape(other) - 1.0;
    !off.is_nan() && off.abs() <= SHAPE_OFF_MAX
}

/// The picture in exactly this size. `None` for no pixels at all.
pub(super) fn scaled(grey: &Grey, width_px: usize, height_px: usize) -> Option<Grey> {
    let across = weights(grey.width_px(), width_px);
    let down = weights(grey.height_px(), height_px);
    let mut narrow = Vec::with_capacity(width_px * grey.height_px());
    for y in 0..grey.height_px() {
        let row = grey.row(y);
        narrow.extend(across.iter().map(|it| it.sum(|x| f32::from(row[x]))));
    }
    let pixel = |of: &Weights, x: usize| of.sum(|y| narrow[y * width_px + x]).round() as u8;
    let rows = down.iter().flat_map(|of| (0..width_px).map(move |x| (of, x)));
    Grey::new(width_px, height_px, rows.map(|(of, x)| pixel(of, x)).collect())
}

/// What one pixel takes of a line of others.
struct Weights {
    first: usize,
    shares: Vec<f32>,
}

impl Weights {
    fn sum(&self, of: impl Fn(usize) -> f32) -> f32 {
        (self.first..).zip(&self.shares).map(|(at, share)| of(at) * share).sum()
    }
}

/// The mean of what a pixel covers where the picture gets smaller, which leaves edges as sharp as that
/// many pixels can show; a straight line from pixel to pixel where it gets larger.
fn weights(from: usize, to: usize) -> Vec<Weights> {
    let scale = from as f64 / to as f64;
    let of = |at: usize| {
        let (left, right) = (at as f64 * scale, (at + 1) as f64 * scale);
        let middle = (left + right) / 2.0 - 0.5;
        let covers = |x: usize| right.min(x as f64 + 1.0) - left.max(x as f64);
        let near = |x: usize| 1.0 - (x as f64 - middle).abs();
        let (first, last) = if scale > 1.0 {
            (left.floor(), right.ceil() - 1.0)
        } else {
            (middle.floor(), middle.ceil())
        };
        let first = first.max(0.0) as usize;
        let last = (last.max(0.0) as usize).min(from - 1);
        let share = |x: usize| if scale > 1.0 { covers(x) } else { near(x) }.max(0.0);
        let sum: f64 = (first..=last).map(share).sum();
        let shares = (first..=last).map(|x| (share(x) / sum.max(1e-9)) as f32).collect();
        Weights { first, shares }
    };
    (0..to).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrity::scenes::yard;

    #[test]
    fn another_size_keeps_everything_where_it_is_and_another_shape_is_refused() {
        let grey = yard(416, 234, 0.0, 0.0);
        let larger = resized(&grey, 832, 468).expect("the same shape");
        let back = resized(&larger, 416, 234).expect("the same shape");
        let off = |a: &Grey, b: &Grey| {
            let all = a.luma().iter().zip(b.luma());
            all.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.luma().len() as f64
        };
        // Less than one that had moved by half a pixel.
        let moved = off(&grey, &yard(416, 234, 0.5, 0.0));
        assert!(off(&grey, &back) < moved, "{} {moved}", off(&grey, &back));
        assert_eq!(resized(&grey, 416, 312), None);
        assert_eq!(resized(&grey, 416, 234), Some(grey.clone()));
        assert_eq!(resized(&grey, 0, 0), None);
    }
}
