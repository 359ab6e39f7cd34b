//! What the view looks like when nobody is in it: learned slowly, picture by picture.
//!
//! A cell is **strong** when its background has enough contrast to be recognised in any light; only
//! strong cells can be found lost, and only corners among them can be found moved.
//!
//! Not here: when to learn. Whoever judges does not let troubles be learned.

use super::cells::{Cell, Grid, Patch};
use super::grey::Grey;
use super::known::{is_same_shape, resized};
use super::shift::{Coarse, Corner, Shift};

/// Contrast from which a cell is recognised, in levels: three times the noise of a poor sensor (2
/// levels of 255), at which a correlation is still above 0.9 of what it would be without noise.
pub(super) const STRONG_CONTRAST: f32 = 6.0;

/// A corner has edges in two directions, each with steps of at least this many levels (root mean
/// square): along an edge alone a movement is not seen.
const CORNER_STEP: f32 = 3.0;

/// Contrast below which a cell's pixels are all alike, and the levels between black and white.
const BLANK_CONTRAST: f32 = 0.1;
const NEITHER: std::ops::RangeInclusive<f32> = 4.0..=250.0;

/// Corners looked for: enough that half of them may stand behind something.
const CORNERS_MAX: usize = 48;

/// A new background is the mean of what it saw; from this many looks on (half a minute at two a
/// second) the newest count by this share, so that sunlight is followed and people are not.
const LOOKS: f32 = 60.0;

/// A look moves a pixel by at most this many levels, divided by the number of looks at first: who
/// passes leaves no trace that outlasts them, as with a median; sunlight is slower than that.
const STEP_FIRST: f32 = 20.0;
const STEP_MIN: f32 = 0.5;

/// What is not as it was is learned this much more slowly: a pallet becomes background in ten
/// minutes, somebody who waits does not.
const LOST_SHARE: f32 = 0.05;

/// The learned view.
#[derive(Clone, Debug, PartialEq)]
pub struct Background {
    grid: Grid,
    width_px: usize,
    height_px: usize,
    pixels: Vec<f32>,
    looks: f32,
    /// What single pictures usually show in each cell; sharper than their mean is.
    usual: Vec<Cell>,
    usual_of: UsualOf,
    /// The patch of each strong cell.
    patches: Vec<Option<Patch>>,
}

/// What the usual of cells was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsualOf {
    /// Pictures as they come, with noise.
    Pictures,
    /// A mean of many, which has none.
    Mean,
}

/// Whether a cell shows what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    Same,
    /// Nothing of the background is recognised.
    Lost,
    /// Too plain to say.
    Plain,
}

/// Below this likeness a cell is lost. A cell of another scene reaches it once in about fifteen; the
/// same cell in other light stays above it.
const LOST_BELOW: f32 = 0.35;

/// By how many cells a view that was kept as this picture is recognised.
pub fn strong_cells(view: &Grey) -> usize {
    Background::new(view).map_or(0, |it| it.strong().count())
}

impl Background {
    /// From one picture; `None` for pictures that are too small.
    pub fn new(grey: &Grey) -> Option<Background> {
        let grid = Grid::of(grey.width_px(), grey.height_px())?;
        let mut background = Background {
            grid,
            width_px: grey.width_px(),
            height_px: grey.height_px(),
            pixels: grey.luma().iter().map(|&y| f32::from(y)).collect(),
            looks: 1.0,
            usual: grid.describe(grey),
            usual_of: UsualOf::Pictures,
            patches: Vec::new(),
        };
        background.cut();
        Some(background)
    }

    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// What a picture usually shows in each cell.
    pub fn usual(&self) -> &[Cell] {
        &self.usual
    }

    /// What it looks like, for keeping.
    pub fn picture(&self) -> Option<Grey> {
        let luma = self.pixels.iter().map(|level| level.round().clamp(0.0, 255.0) as u8).collect();
        Grey::new(self.width_px, self.height_px, luma)
    }

    /// Of a mean that was kept and is known to be right: it counts as much as many pictures.
    pub fn settled(self) -> Background {
        Background { looks: LOOKS / 2.0, usual_of: UsualOf::Mean, ..self }
    }

    /// The same for pictures of another size; `None` where it fits them already, or never will.
    pub fn in_size_of(&self, grey: &Grey) -> Option<Background> {
        let (from, to) = ((self.width_px, self.height_px), (grey.width_px(), grey.height_px()));
        if from == to || !is_same_shape(from, to) {
            return None;
        }
        let scaled = Background::new(&resized(&self.picture()?, to.0, to.1)?)?;
        // Of few looks it has their noise still.
        let usual_of = if self.is_settled() { UsualOf::Mean } else { UsualOf::Pictures };
        Some(Background { looks: self.looks, usual_of, ..scaled })
    }

    pub fn usual_of(&self) -> UsualOf {
        self.usual_of
    }

    /// Whether it rests on enough looks to hold other views against it.
    pub fn is_settled(&self) -> bool {
        self.looks >= LOOKS / 2.0
    }

    /// Whether pictures of this size can be held against it.
    pub fn fits(&self, grey: &Grey) -> bool {
        (grey.width_px(), grey.height_px()) == (self.width_px, self.height_px)
    }

    /// Whether nobody knows what a cell shows: it was taken out before the picture was kept. All of its
    /// pixels are alike, as not even those of a wall are; black and white say nothing of that.
    fn is_blank(&self, cell: usize) -> bool {
        let usual = &self.usual[cell];
        usual.contrast < BLANK_CONTRAST && NEITHER.contains(&usual.mean)
    }

    /// Takes blank cells from another picture of the same view, where they are strong.
    pub(super) fn fill_blank(&mut self, from: &Background) {
        if (self.width_px, self.height_px) != (from.width_px, from.height_px) {
            return;
        }
        for cell in from.strong().filter(|&cell| self.is_blank(cell)).collect::<Vec<_>>() {
            let (left, top) = self.grid.corner_px(cell);
            for y in top..top + self.grid.side_px {
                let row = y * self.width_px + left..y * self.width_px + left + self.grid.side_px;
                self.pixels[row.clone()].copy_from_slice(&from.pixels[row]);
            }
            self.usual[cell] = from.usual[cell];
            self.patches[cell].clone_from(&from.patches[cell]);
        }
    }

    /// Which cells are strong.
    pub fn strong(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.patches.len()).filter(|&cell| self.patches[cell].is_some())
    }

    /// What each cell of the picture shows, in a view that has moved by this, give or take a pixel.
    pub fn shown(&self, grey: &Grey, shift: Shift) -> Vec<Shows> {
        (0..self.grid.count()).map(|cell| self.shown_in(grey, cell, shift)).collect()
    }

    fn shown_in(&self, grey: &Grey, cell: usize, shift: Shift) -> Shows {
        let Some(patch) = &self.patches[cell] else {
            return Shows::Plain;
        };
        let side = self.grid.side_px;
        let (left, top) = self.grid.corner_px(cell);
        let from_middle =
            |corner: usize, length: usize| corner as f64 + side as f64 / 2.0 - length as f64 / 2.0;
        let (right, down) =
            shift.at(from_middle(left, self.width_px), from_middle(top, self.height_px));
        let (left, top) =
            (left as isize + right.round() as isize, top as isize + down.round() as isize);
        // A mast in the wind: fine texture is lost by a pixel already.
        let near = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)].into_iter();
        // Moved out of the picture: nothing can be said.
        let mut shows = Shows::Plain;
        for (dx, dy) in near {
            match patch.likeness(grey, side, left + dx, top + dy) {
                Some(likeness) if likeness >= LOST_BELOW => return Shows::Same,
                Some(_) => shows = Shows::Lost,
                None => {}
            }
        }
        shows
    }

    /// Learns a picture; `shown` is what its cells show, `noise` the sensor's, in levels.
    pub fn learn(&mut self, grey: &Grey, cells: &[Cell], shown: &[Shows], noise: f32) {
        if self.usual_of == UsualOf::Mean {
            self.usual.iter_mut().for_each(|it| it.sharpness = it.sharpness.hypot(noise));
            self.usual_of = UsualOf::Pictures;
        }
        self.looks = (self.looks + 1.0).min(LOOKS);
        let usual_rate = 1.0 / self.looks;
        let step = (STEP_FIRST / self.looks).max(STEP_MIN);
        let rate = |(shows, cell): (&Shows, &Cell)| match shows {
            Shows::Same => usual_rate,
            // Something stands where nothing was.
            Shows::Plain if cell.contrast >= STRONG_CONTRAST => usual_rate * LOST_SHARE,
            Shows::Plain => usual_rate,
            Shows::Lost => usual_rate * LOST_SHARE,
        };
        let rates: Vec<f32> = shown.iter().zip(cells).map(rate).collect();
        for (y, row) in self.pixels.chunks_exact_mut(self.width_px).enumerate() {
            let now = grey.row(y);
            let cell_row = (y / self.grid.side_px).min(self.grid.rows - 1) * self.grid.columns;
            let parts = row.chunks_mut(self.grid.side_px).zip(now.chunks(self.grid.side_px));
            for (column, (old, new)) in parts.enumerate() {
                let rate = rates[cell_row + column.min(self.grid.columns - 1)];
                for (old, &new) in old.iter_mut().zip(new) {
                    *old += ((f32::from(new) - *old) * rate).clamp(-step, step);
                }
            }
        }
        for ((usual, now), rate) in self.usual.iter_mut().zip(cells).zip(&rates) {
            usual.mean += (now.mean - usual.mean) * rate;
            usual.contrast += (now.contrast - usual.contrast) * rate;
            usual.sharpness += (now.sharpness - usual.sharpness) * rate;
        }
        self.cut();
    }

    /// Cuts the patches anew.
    fn cut(&mut self) {
        let least = STRONG_CONTRAST * self.grid.side_px as f32;
        let patch = |cell: usize| {
            Patch::of(&self.pixels, self.width_px, &self.grid, cell)
                .filter(|_| self.contrast_length(cell) >= least)
        };
        self.patches = (0..self.grid.count()).map(patch).collect();
    }

    /// Contrast of the background's cell times the side of a cell.
    fn contrast_length(&self, cell: usize) -> f32 {
        let (left, top) = self.grid.corner_px(cell);
        let side = self.grid.side_px;
        let rows = (top..top + side).map(|y| &self.pixels[y * self.width_px + left..][..side]);
        let (mut sum, mut squares) = (0f32, 0f32);
        for v in rows.flatten() {
            sum += v - 128.0;
            squares += (v - 128.0) * (v - 128.0);
        }
        (squares - sum * sum / (side * side) as f32).max(0.0).sqrt()
    }

    /// The best corners, over the whole picture.
    pub fn corners(&self) -> Vec<Corner> {
        let mut ranked: Vec<(f32, usize)> =
            self.strong().map(|cell| (self.corner_step(cell), cell)).collect();
        ranked.retain(|(step, _)| *step >= CORNER_STEP);
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.truncate(CORNERS_MAX);
        let corner = |&(_, cell): &(f32, usize)| {
            let (left_px, top_px) = self.grid.corner_px(cell);
            let patch = self.patches[cell].clone()?;
            Some(Corner { patch, left_px, top_px })
        };
        ranked.iter().filter_map(corner).collect()
    }

    /// Root mean square of the steps in the direction in which they are smallest.
    fn corner_step(&self, cell: usize) -> f32 {
        let (left, top) = self.grid.corner_px(cell);
        let side = self.grid.side_px;
        let (mut xx, mut yy, mut xy) = (0f32, 0f32, 0f32);
        for y in top..top + side - 1 {
            let row = &self.pixels[y * self.width_px + left..][..side];
            let below = &self.pixels[(y + 1) * self.width_px + left..][..side];
            for x in 0..side - 1 {
                let (dx, dy) = (row[x + 1] - row[x], below[x] - row[x]);
                xx += dx * dx;
                yy += dy * dy;
                xy += dx * dy;
            }
        }
        let n = ((side - 1) * (side - 1)) as f32;
        let half = (xx - yy) / 2.0;
        let least = (xx + yy) / 2.0 - (half * half + xy * xy).sqrt();
        (least.max(0.0) / n).sqrt()
    }

    /// A small copy, for a far movement.
    pub fn coarse(&self) -> Coarse {
        let at = |x: usize, y: usize| self.pixels[y * self.width_px + x];
        Coarse::of(at, self.width_px, self.height_px)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrity::scenes::{blurred, covered, hazy, noisy, yard};

    fn lost(grey: &Grey) -> f64 {
        let background = Background::new(&yard(416, 234, 0.0, 0.0)).expect("large enough");
        let shown = background.shown(grey, Shift::NONE);
        let strong = background.strong().count();
        assert!(strong > 100, "{strong}");
        shown.iter().filter(|it| **it == Shows::Lost).count() as f64 / strong as f64
    }

    #[test]
    fn other_light_haze_noise_and_a_shake_of_a_pixel_lose_no_cell() {
        let scene = yard(416, 234, 0.0, 0.0);
        assert_eq!(lost(&noisy(&scene, 4.0, 1)), 0.0);
        assert_eq!(lost(&hazy(&scene, 0.6, 200.0)), 0.0);
        assert_eq!(lost(&yard(416, 234, 0.7, -0.7)), 0.0);
        assert!(lost(&blurred(&scene, 2)) < 0.02);
    }

    #[test]
    fn what_is_covered_is_lost_and_nothing_else() {
        let scene = noisy(&covered(&yard(416, 234, 0.0, 0.0), 0.3125, 90), 2.0, 5);
        let share = lost(&scene);
        assert!((0.28..0.36).contains(&share), "{share}");
    }

    #[test]
    fn somebody_who_waits_half_a_minute_is_not_learned() {
        let scene = yard(416, 234, 0.0, 0.0);
        let mut background = Background::new(&scene).expect("large enough");
        for _ in 0..60 {
            let cells = background.grid().describe(&scene);
            background.learn(&scene, &cells, &background.shown(&scene, Shift::NONE), 0.0);
        }
        let waits = covered(&scene, 0.125, 30);
        for _ in 0..60 {
            let cells = background.grid().describe(&waits);
            background.learn(&waits, &cells, &background.shown(&waits, Shift::NONE), 0.0);
        }
        let back = background.shown(&scene, Shift::NONE);
        assert!(!back.contains(&Shows::Lost), "the yard is still what it was");
    }
}
