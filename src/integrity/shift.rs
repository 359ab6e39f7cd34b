//! How far the view has moved against the background: corners are looked for near where they were,
//! and the one movement (shift, turn, zoom) that most of them agree on is the answer.
//!
//! People, machines and shadows move single cells, and differently; only the camera moves most of
//! them together. Corners are found to a fraction of a pixel, so 10 pixels of a full HD picture are
//! told apart in one that is a quarter as wide.

use super::cells::{Grid, Patch};
use super::grey::Grey;

/// A corner must be found this well to count. Patches of different places are this alike once in
/// some hundred.
const LIKE_MIN: f32 = 0.7;

/// Found corners that agree to this many pixels move together: less than half a pixel each is
/// usual, a turn of a degree inside a patch adds as much.
const AGREE_PX: f64 = 1.0;

/// This share of the corners found must agree …
const AGREE_SHARE: f64 = 0.6;

/// … and this many: three fix a movement, the rest must confirm it.
const AGREE_MIN: usize = 8;

/// Looked for this far from where the corner was or is expected, in pixels.
const NEAR_PX: isize = 4;

/// The picture is this much smaller each way where a far movement is looked for.
const COARSE: usize = 4;

/// A far movement may be up to this share of each side: beyond it too little of the view is left.
const FAR_SHARE: f64 = 0.3;

/// What most corners agree on: a point of the background at `p` (pixels from the middle) is now at
/// `p + shift + turn × p`, with `turn` small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    pub right_px: f64,
    pub down_px: f64,
    /// Zoom less 1.
    pub zoom: f64,
    /// Clockwise as seen, radians.
    pub turn: f64,
}

impl Shift {
    pub const NONE: Shift = Shift { right_px: 0.0, down_px: 0.0, zoom: 0.0, turn: 0.0 };

    /// How far the point (`x`, `y`), pixels from the middle, has moved.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (
            self.right_px + self.zoom * x - self.turn * y,
            self.down_px + self.turn * x + self.zoom * y,
        )
    }

    /// The largest movement in the picture: that of one of its corners.
    pub fn largest_px(&self, width_px: usize, height_px: usize) -> f64 {
        let (x, y) = (width_px as f64 / 2.0, height_px as f64 / 2.0);
        let corners = [(-x, -y), (x, -y), (-x, y), (x, y)];
        let lengths = corners.map(|(x, y)| {
            let (right, down) = self.at(x, y);
            right.hypot(down)
        });
        lengths.into_iter().fold(0.0, f64::max)
    }
}

/// One corner of the background: the middle of its patch and its place, pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Corner {
    pub patch: Patch,
    pub left_px: usize,
    pub top_px: usize,
}

/// A corner that was found, from the picture's middle, and how far it moved.
#[derive(Clone, Copy, Debug)]
struct Found {
    x: f64,
    y: f64,
    right: f64,
    down: f64,
}

/// The movement of the view, looked for near `expected`. `None` when corners do not agree on any.
pub fn near(grey: &Grey, grid: &Grid, corners: &[Corner], expected: Shift) -> Option<Shift> {
    let found: Vec<Found> =
        corners.iter().filter_map(|corner| find(grey, grid, corner, expected)).collect();
    agree(&found)
}

fn find(grey: &Grey, grid: &Grid, corner: &Corner, expected: Shift) -> Option<Found> {
    let side = grid.side_px as f64;
    let middle = (grey.width_px() as f64 / 2.0, grey.height_px() as f64 / 2.0);
    let x = corner.left_px as f64 + side / 2.0 - middle.0;
    let y = corner.top_px as f64 + side / 2.0 - middle.1;
    let (right, down) = expected.at(x, y);
    let left = corner.left_px as isize + right.round() as isize;
    let top = corner.top_px as isize + down.round() as isize;
    let like =
        |dx: isize, dy: isize| corner.patch.likeness(grey, grid.side_px, left + dx, top + dy);
    let mut best = (LIKE_MIN, None);
    for dy in -NEAR_PX..=NEAR_PX {
        for dx in -NEAR_PX..=NEAR_PX {
            if let Some(likeness) = like(dx, dy)
                && likeness > best.0
            {
                best = (likeness, Some((dx, dy)));
            }
        }
    }
    let (dx, dy) = best.1?;
    // At the rim of what was looked at the best place may lie beyond it.
    if dx.abs() == NEAR_PX || dy.abs() == NEAR_PX {
        return None;
    }
    let across = peak(like(dx - 1, dy)?, best.0, like(dx + 1, dy)?);
    let along = peak(like(dx, dy - 1)?, best.0, like(dx, dy + 1)?);
    Some(Found {
        x,
        y,
        right: (left + dx - corner.left_px as isize) as f64 + across,
        down: (top + dy - corner.top_px as isize) as f64 + along,
    })
}

/// Where between −½ and ½ the parabola through three neighbours is highest.
fn peak(before: f32, here: f32, after: f32) -> f64 {
    let curve = f64::from(before) - 2.0 * f64::from(here) + f64::from(after);
    let slope = f64::from(before) - f64::from(after);
    if curve >= -1e-6 { 0.0 } else { (slope / (2.0 * curve)).clamp(-0.5, 0.5) }
}

/// The movement that most agree on: fitted to all, then to those near the fit, until it rests.
fn agree(found: &[Found]) -> Option<Shift> {
    let mut within = vec![true; found.len()];
    // Starts from the middle of all, which a third of strays does not move.
    let middle = |of: fn(&Found) -> f64| {
        let mut all: Vec<f64> = found.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    };
    let mut shift = Shift {
        right_px: middle(|it| it.right)?,
        down_px: middle(|it| it.down)?,
        zoom: 0.0,
        turn: 0.0,
    };
    // A turn of 2° moves the ends of the picture apart: the first look is generous.
    for tolerance in [8.0, 4.0, 2.0, 1.0, 1.0] {
        for (is_within, it) in within.iter_mut().zip(found) {
            let (right, down) = shift.at(it.x, it.y);
            *is_within = (it.right - right).hypot(it.down - down) <= tolerance * AGREE_PX;
        }
        let agreeing = found.iter().zip(&within).filter(|(_, within)| **within);
        shift = fit(agreeing.map(|(found, _)| *found))?;
    }
    let agreeing = within.iter().filter(|within| **within).count();
    let enough = agreeing >= AGREE_MIN && agreeing as f64 >= AGREE_SHARE * found.len() as f64;
    enough.then_some(shift)
}

/// Least squares. `None` for fewer than three.
fn fit(found: impl Iterator<Item = Found>) -> Option<Shift> {
    let found: Vec<Found> = found.collect();
    let n = found.len() as f64;
    if found.len() < 3 {
        return None;
    }
    let mean = |of: fn(&Found) -> f64| found.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|it| it.x), mean(|it| it.y));
    let (right, down) = (mean(|it| it.right), mean(|it| it.down));
    let (mut zoom, mut turn, mut square) = (0.0, 0.0, 0.0);
    for it in &found {
        let (px, py, u, v) = (it.x - x, it.y - y, it.right - right, it.down - down);
        zoom += px * u + py * v;
        turn += px * v - py * u;
        square += px * px + py * py;
    }
    if square < 1.0 {
        return None;
    }
    let (zoom, turn) = (zoom / square, turn / square);
    Some(Shift {
        right_px: right - (zoom * x - turn * y),
        down_px: down - (turn * x + zoom * y),
        zoom,
        turn,
    })
}

/// A small copy of the background, for a movement that is too far for its corners.
#[derive(Clone, Debug, PartialEq)]
pub struct Coarse {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
}

impl Coarse {
    pub fn of(pixels: impl Fn(usize, usize) -> f32, width_px: usize, height_px: usize) -> Coarse {
        let (width, height) = (width_px / COARSE, height_px / COARSE);
        let mut small = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let of_row = |dy: usize| {
                    (0..COARSE).map(|dx| pixels(x * COARSE + dx, y * COARSE + dy)).sum::<f32>()
                };
                small.push((0..COARSE).map(of_row).sum::<f32>() / (COARSE * COARSE) as f32);
            }
        }
        Coarse { width, height, pixels: small }
    }

    /// The shift at which the two are most alike, to within `COARSE` pixels.
    pub fn shift_to(&self, now: &Coarse) -> Shift {
        let reach = |side: usize| (side as f64 * FAR_SHARE) as isize;
        let (mut best, mut shift) = (f32::MIN, Shift::NONE);
        for dy in -reach(self.height)..=reach(self.height) {
            for dx in -reach(self.width)..=reach(self.width) {
                let likeness = self.likeness(now, dx, dy);
                if likeness > best {
                    best = likeness;
                    shift = Shift {
                        right_px: (dx * COARSE as isize) as f64,
                        down_px: (dy * COARSE as isize) as f64,
                        ..Shift::NONE
                    };
                }
            }
        }
        shift
    }

    /// Correlation where both show something, `now` shifted back by (`dx`, `dy`).
    fn likeness(&self, now: &Coarse, dx: isize, dy: isize) -> f32 {
        if (now.width, now.height) != (self.width, self.height) {
            return f32::MIN;
        }
        let width = self.width - dx.unsigned_abs();
        let (from_x, to_x) = (dx.min(0).unsigned_abs(), dx.max(0).unsigned_abs());
        let (mut n, mut a1, mut b1, mut aa, mut bb, mut ab) = (0f32, 0f32, 0f32, 0f32, 0f32, 0f32);
        for y in 0..self.height - dy.unsigned_abs() {
            let (ya, yb) = (y + dy.min(0).unsigned_abs(), y + dy.max(0).unsigned_abs());
            let a = &self.pixels[ya * self.width + from_x..][..width];
            let b = &now.pixels[yb * self.width + to_x..][..width];
            n += width as f32;
            for (&a, &b) in a.iter().zip(b) {
                let (a, b) = (a - 128.0, b - 128.0);
                a1 += a;
                b1 += b;
                aa += a * a;
                bb += b * b;
                ab += a * b;
            }
        }
        let spread = (aa - a1 * a1 / n).max(0.0) * (bb - b1 * b1 / n).max(0.0);
        if spread <= 0.0 { 0.0 } else { (ab - a1 * b1 / n) / spread.sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrity::background::Background;
    use crate::integrity::scenes::{noisy, turned, yard};

    fn seen(now: &Grey) -> Option<Shift> {
        let background = Background::new(&yard(416, 234, 0.0, 0.0)).expect("large enough");
        near(now, background.grid(), &background.corners(), Shift::NONE)
    }

    #[test]
    fn a_shift_is_measured_to_a_fifth_of_a_pixel_in_noise() {
        for (right, down) in [(0.0, 0.0), (0.4, -0.3), (2.2, 0.0), (-1.5, 2.7)] {
            let now = noisy(&yard(416, 234, right, down), 3.0, 11);
            let shift = seen(&now).expect("the corners agree");
            let off = (shift.right_px - right).hypot(shift.down_px - down);
            assert!(off < 0.2, "{right} {down}: {shift:?}");
        }
    }

    #[test]
    fn a_turn_of_one_degree_is_measured() {
        let now = noisy(&turned(416, 234, 1.0), 2.0, 3);
        let shift = seen(&now).expect("the corners agree");
        assert!((shift.turn.to_degrees() - 1.0).abs() < 0.15, "{shift:?}");
        let expected = 1f64.to_radians() * 208f64.hypot(117.0);
        assert!((shift.largest_px(416, 234) - expected).abs() < 0.8, "{shift:?}");
    }

    #[test]
    fn another_view_agrees_on_nothing() {
        let scene = yard(416, 234, 0.0, 0.0);
        let mirrored: Vec<u8> = (0..234)
            .flat_map(|y| scene.row(y).iter().rev().copied().collect::<Vec<u8>>())
            .collect();
        assert_eq!(seen(&Grey::new(416, 234, mirrored).expect("a picture")), None);
    }

    #[test]
    fn a_far_shift_is_found_in_the_small_picture_and_then_exactly() {
        let (before, now) = (yard(416, 234, 0.0, 0.0), yard(416, 234, 61.0, -18.0));
        let coarse = |grey: &Grey| Coarse::of(|x, y| f32::from(grey.row(y)[x]), 416, 234);
        let rough = coarse(&before).shift_to(&coarse(&now));
        let background = Background::new(&before).expect("large enough");
        let shift = near(&now, background.grid(), &background.corners(), rough).expect("agree");
        assert!((shift.right_px - 61.0).hypot(shift.down_px + 18.0) < 0.3, "{shift:?}");
    }
}
