//! The picture cut into cells, and what is in each: its brightness, contrast, sharpness, and whether
//! it is still what it was.
//!
//! Terms: **contrast** is the standard deviation of a cell's brightness in levels; **sharpness** the
//! mean size of the step between neighbouring pixels in levels; **likeness** the correlation of a
//! cell's pixels with the same place of the background (1 the same but for brightness and contrast,
//! 0 nothing to do with it). Light that changes changes the first three, not the likeness.

use super::grey::Grey;

/// Cells across the longer side: a cell is a hand's breadth of the view. Fewer could not tell 30 %
/// of a picture from 20 %; more would have too few pixels each for a correlation to mean something.
const CELLS_LONG: usize = 16;

/// How the picture is cut. The last pixels of a row that make no whole cell are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    pub columns: usize,
    pub rows: usize,
    /// Side of a cell.
    pub side_px: usize,
}

/// What one cell shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    pub mean: f32,
    pub contrast: f32,
    pub sharpness: f32,
}

impl Grid {
    /// For pictures of this size; `None` for pictures too small to say anything about.
    pub fn of(width_px: usize, height_px: usize) -> Option<Grid> {
        let side_px = width_px.max(height_px) / CELLS_LONG;
        // 8 px: 64 pixels, below which a correlation is luck.
        let grid = Grid {
            columns: width_px.checked_div(side_px)?,
            rows: height_px.checked_div(side_px)?,
            side_px,
        };
        (side_px >= 8 && grid.columns > 1 && grid.rows > 1).then_some(grid)
    }

    pub fn count(&self) -> usize {
        self.columns * self.rows
    }

    /// Column and row of a cell.
    pub fn place(&self, cell: usize) -> (usize, usize) {
        (cell % self.columns, cell / self.columns)
    }

    /// Left upper pixel of a cell.
    pub fn corner_px(&self, cell: usize) -> (usize, usize) {
        let (column, row) = self.place(cell);
        (column * self.side_px, row * self.side_px)
    }

    /// What every cell shows.
    pub fn describe(&self, grey: &Grey) -> Vec<Cell> {
        (0..self.count()).map(|cell| self.describe_one(grey, cell)).collect()
    }

    fn describe_one(&self, grey: &Grey, cell: usize) -> Cell {
        let (left, top) = self.corner_px(cell);
        let (mut sum, mut squares, mut steps) = (0u32, 0u32, 0u32);
        for y in top..top + self.side_px {
            let row = &grey.row(y)[left..left + self.side_px];
            let below = &grey.row((y + 1).min(grey.height_px() - 1))[left..left + self.side_px];
            for (&a, &b) in row.iter().zip(below) {
                sum += u32::from(a);
                squares += u32::from(a) * u32::from(a);
                steps += u32::from(a.abs_diff(b));
            }
            for (&a, &b) in row.iter().zip(&row[1..]) {
                steps += u32::from(a.abs_diff(b));
            }
        }
        let n = (self.side_px * self.side_px) as f32;
        let mean = sum as f32 / n;
        let variance =
            (f64::from(squares) / f64::from(n) - f64::from(mean) * f64::from(mean)) as f32;
        Cell { mean, contrast: variance.max(0.0).sqrt(), sharpness: steps as f32 / (2.0 * n) }
    }

    /// Mean size of the change of each cell's pixels from one picture to the next, in levels.
    pub fn change(&self, before: &Grey, now: &Grey) -> Vec<f32> {
        let n = (self.side_px * self.side_px) as f32;
        let one = |cell: usize| {
            let (left, top) = self.corner_px(cell);
            let rows = top..top + self.side_px;
            let sum: u32 = rows
                .map(|y| {
                    let span = left..left + self.side_px;
                    let pairs = before.row(y)[span.clone()].iter().zip(&now.row(y)[span]);
                    pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>()
                })
                .sum();
            sum as f32 / n
        };
        (0..self.count()).map(one).collect()
    }
}

/// A patch of a picture, of mean 0 and length 1, ready to be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    pixels: Vec<f32>,
}

impl Patch {
    /// The cell's patch; `None` where all pixels are alike.
    pub fn of(background: &[f32], width_px: usize, grid: &Grid, cell: usize) -> Option<Patch> {
        let (left, top) = grid.corner_px(cell);
        let side = grid.side_px;
        let mut pixels = Vec::with_capacity(side * side);
        for y in top..top + side {
            pixels.extend_from_slice(&background[y * width_px + left..][..side]);
        }
        let mean = pixels.iter().sum::<f32>() / pixels.len() as f32;
        pixels.iter_mut().for_each(|it| *it -= mean);
        let length = pixels.iter().map(|it| it * it).sum::<f32>().sqrt();
        if length < 1e-3 {
            return None;
        }
        pixels.iter_mut().for_each(|it| *it /= length);
        Some(Patch { pixels })
    }

    /// Correlation with the picture where the patch would lie with its corner at (`left`, `top`);
    /// `None` outside the picture. 0 where all pixels are alike.
    pub fn likeness(&self, grey: &Grey, side: usize, left: isize, top: isize) -> Option<f32> {
        let (left, top) = (usize::try_from(left).ok()?, usize::try_from(top).ok()?);
        if left + side > grey.width_px() || top + side > grey.height_px() {
            return None;
        }
        let (mut dot, mut sum, mut squares) = (0f32, 0u32, 0u32);
        for (y, mine) in (top..).zip(self.pixels.chunks_exact(side)) {
            let theirs = &grey.row(y)[left..left + side];
            let mut line = 0f32;
            for (a, &b) in mine.iter().zip(theirs) {
                line += a * f32::from(b);
                sum += u32::from(b);
                squares += u32::from(b) * u32::from(b);
            }
            dot += line;
        }
        let n = (side * side) as f64;
        let spread = f64::from(squares) - f64::from(sum) * f64::from(sum) / n;
        Some(if spread < 1.0 { 0.0 } else { dot / spread.sqrt() as f32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrity::scenes::{noisy, yard};

    #[test]
    fn cells_cover_the_picture_but_for_less_than_a_cell() {
        let grid = Grid::of(416, 234).expect("a grid");
        assert_eq!((grid.columns, grid.rows, grid.side_px), (16, 9, 26));
        assert!(Grid::of(60, 40).is_none());
        assert!(Grid::of(0, 0).is_none());
    }

    #[test]
    fn a_patch_is_like_its_place_in_any_light_and_like_no_other_place() {
        let scene = yard(416, 234, 0.0, 0.0);
        let grid = Grid::of(416, 234).expect("a grid");
        let background: Vec<f32> = scene.luma().iter().map(|&y| f32::from(y)).collect();
        let dim: Vec<u8> = scene.luma().iter().map(|&y| 20 + y / 3).collect();
        let dim = noisy(&Grey::new(416, 234, dim).expect("a picture"), 1.0, 7);
        let cell = 5 * 16 + 7;
        let patch = Patch::of(&background, 416, &grid, cell).expect("it has texture");
        let (left, top) = grid.corner_px(cell);
        let here = patch.likeness(&dim, 26, left as isize, top as isize);
        let there = patch.likeness(&dim, 26, left as isize + 78, top as isize - 52);
        assert!(here.expect("inside") > 0.9, "{here:?}");
        assert!(there.expect("inside") < 0.5, "{there:?}");
        assert_eq!(patch.likeness(&dim, 26, -1, 0), None);
        assert_eq!(patch.likeness(&dim, 26, 400, 0), None);
    }
}
