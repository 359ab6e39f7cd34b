//! The mosaic over a person, and the black of what nobody may see.
//!
//! How coarse: IEC 62676-4 says from how many pixels a metre of the scene on an operator can do what:
//! 12.5 to monitor a crowd, 25 to detect that somebody is there, 62.5 to observe clothes, 125 to
//! recognise a known person, 250 to identify an unknown one. A mosaic of [`CELLS_A_HEIGHT`] cells over
//! a standing person (1.7 m) has 7 a metre, below the lowest of them.
//!
//! What it is not: anonymous. Gait, clothes' colour and place stay, and a network trained on mosaics of
//! the same people recognises more than people do (McPherson, Shokri, Shmatikov 2016, arXiv:1609.00408).
//! What nobody may see is a privacy mask.

use image::{Rgb, RgbImage};
use imageproc::drawing::draw_line_segment_mut;

use super::covers::{BoxNorm, Cover};
use crate::config::Privacy;
use crate::zone_file::Mask;

/// Cells over the height of a person.
const CELLS_A_HEIGHT: u32 = 12;

/// Cells over the width, for people of whom only the upper part is in the picture: a standing person
/// is 0.41 as wide as high (Dollár et al. 2012, pedestrian boxes), and 12 × 0.41 is 5.
const CELLS_A_WIDTH: u32 = 5;

/// Smallest side of a cell, pixels: below it a far person would be hardly changed.
const CELL_PX_MIN: u32 = 4;

/// How much of a box's width and height is added on each side: a detector's boxes are a few percent
/// off, and hands and hats stand out.
const MARGIN: f64 = 0.12;

/// The part of a standing person's box that holds the head. The shoulders are at 0.82 of the height
/// (Drillis and Contini 1966), and a box may begin above the hair.
const HEAD_SHARE: f64 = 0.3;

/// A box less high than so many widths is nobody who stands, and the head may be anywhere in it.
const STANDING_WIDTHS: f64 = 1.5;

/// What is painted where nobody may see.
const BLACK: Rgb<u8> = Rgb([0, 0, 0]);

/// A place of the canvas, pixels; the ends are exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

/// Rings of points in frame fractions; rings are closed.
pub type Polygon = Vec<Vec<[f64; 2]>>;

/// What nobody may see of a picture.
pub trait Masked {
    fn polygons(&self) -> impl Iterator<Item = &Polygon>;
}

impl Masked for [Mask] {
    fn polygons(&self) -> impl Iterator<Item = &Polygon> {
        self.iter().flat_map(|mask| &mask.polygons)
    }
}

impl Masked for [Polygon] {
    fn polygons(&self) -> impl Iterator<Item = &Polygon> {
        self.iter()
    }
}

/// Makes people unrecognisable, and black what nobody may see: before, so that nothing behind a mask
/// colours a cell, and after, so that no cell reaches over a mask.
pub fn cover(
    canvas: &mut RgbImage,
    covers: &[Cover],
    privacy: Privacy,
    masks: &(impl Masked + ?Sized),
) {
    black_out(canvas, masks);
    if covers.is_empty() || privacy == Privacy::Off {
        return;
    }
    for cover in covers {
        let bounds = match privacy {
            Privacy::Persons => cover.place_norm(),
            Privacy::Heads => head(cover),
            Privacy::Off => continue,
        };
        // By the person, not by the place: one that has grown would get coarser for nothing.
        let cell_px = cell_px(canvas, cover.bounds_norm);
        if let Some(place) = place(canvas, widened(bounds)) {
            pixelate(canvas, place, cell_px);
        }
    }
    black_out(canvas, masks);
}

/// Makes all of a picture unrecognisable whose people are not known; masks as in [`cover`].
pub fn cover_all(canvas: &mut RgbImage, masks: &(impl Masked + ?Sized)) {
    black_out(canvas, masks);
    let (width, height) = canvas.dimensions();
    let place = Place { left: 0, top: 0, right: width, bottom: height };
    // Nobody is higher than the picture.
    let cell_px = height.div_ceil(CELLS_A_HEIGHT).max(CELL_PX_MIN).next_power_of_two();
    pixelate(canvas, place, cell_px);
    black_out(canvas, masks);
}

/// Paints over what nobody may see; also every pixel that an edge goes through.
pub fn black_out(canvas: &mut RgbImage, masks: &(impl Masked + ?Sized)) {
    for polygon in masks.polygons() {
        for row in 0..canvas.height() {
            blacken_row(canvas, polygon, row);
        }
        for side in polygon.iter().flat_map(|ring| ring.windows(2)) {
            edge(canvas, side[0], side[1]);
        }
    }
}

/// Everything between the first and the second crossing of a row's middle, the third and the fourth …
fn blacken_row(canvas: &mut RgbImage, polygon: &[Vec<[f64; 2]>], row: u32) {
    let (width, height) = (f64::from(canvas.width()), f64::from(canvas.height()));
    let y = (f64::from(row) + 0.5) / height;
    let crossing = |side: &[[f64; 2]]| {
        let ([x0, y0], [x1, y1]) = (side[0], side[1]);
        // Half open, so that a corner is crossed once.
        ((y0 <= y) != (y1 <= y)).then(|| x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    };
    let sides = polygon.iter().flat_map(|ring| ring.windows(2));
    let mut crossings: Vec<f64> = sides.filter_map(crossing).collect();
    crossings.sort_by(f64::total_cmp);
    for span in crossings.as_chunks::<2>().0 {
        let [from, to] = span.map(|x| x.clamp(0.0, 1.0) * width);
        for column in from.floor() as u32..(to.ceil() as u32).min(canvas.width()) {
            canvas.put_pixel(column, row, BLACK);
        }
    }
}

/// Three pixels wide: half a pixel of a face beside the line is nobody's business.
fn edge(canvas: &mut RgbImage, from: [f64; 2], to: [f64; 2]) {
    let (width, height) = canvas.dimensions();
    let place = |share: f64, of: u32| (share.clamp(0.0, 1.0) * f64::from(of)) as f32;
    for (dx, dy) in [(0.0, 0.0), (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
        let at = |point: [f64; 2]| (place(point[0], width) + dx, place(point[1], height) + dy);
        draw_line_segment_mut(canvas, at(from), at(to), BLACK);
    }
}

/// The upper part of somebody who stands, all of anybody else.
fn head(cover: &Cover) -> BoxNorm {
    let [_, _, width, height] = cover.bounds_norm;
    let [left, top, place_width, place_height] = cover.place_norm();
    if height < STANDING_WIDTHS * width {
        return [left, top, place_width, place_height];
    }
    let grown = place_height - height;
    [left, top, place_width, grown + HEAD_SHARE * height]
}

fn widened([left, top, width, height]: BoxNorm) -> BoxNorm {
    let (beside, above) = (MARGIN * width, MARGIN * height);
    [left - beside, top - above, width + 2.0 * beside, height + 2.0 * above]
}

/// A power of two, so that the cells of a walking person do not shift with every box: a grid that
/// shifts gives away more with every picture.
fn cell_px(canvas: &RgbImage, [_, _, width, height]: BoxNorm) -> u32 {
    let size_px = |share: f64, of: u32| (share.clamp(0.0, 1.0) * f64::from(of)).ceil() as u32;
    let of_height = size_px(height, canvas.height()).div_ceil(CELLS_A_HEIGHT);
    let of_width = size_px(width, canvas.width()).div_ceil(CELLS_A_WIDTH);
    of_height.max(of_width).max(CELL_PX_MIN).next_power_of_two()
}

/// `None` for a place outside the canvas, or without size.
fn place(canvas: &RgbImage, [left, top, width, height]: BoxNorm) -> Option<Place> {
    let finite = [left, top, width, height].iter().all(|number| number.is_finite());
    let down = |share: f64, of: u32| (share.clamp(0.0, 1.0) * f64::from(of)).floor() as u32;
    let up = |share: f64, of: u32| (share.clamp(0.0, 1.0) * f64::from(of)).ceil() as u32;
    let (across, high) = canvas.dimensions();
    let place = Place {
        left: down(left, across),
        top: down(top, high),
        right: up(left + width, across).min(across),
        bottom: up(top + height, high).min(high),
    };
    (finite && place.left < place.right && place.top < place.bottom).then_some(place)
}

/// Each cell becomes its mean. The grid lies on the picture, not on the person; cells at the edge of
/// the place are whole, so the place grows to them.
fn pixelate(canvas: &mut RgbImage, place: Place, cell_px: u32) {
    let first = |from: u32| from / cell_px * cell_px;
    let (across, high) = canvas.dimensions();
    for top in (first(place.top)..place.bottom).step_by(cell_px as usize) {
        for left in (first(place.left)..place.right).step_by(cell_px as usize) {
            let cell = Place {
                left,
                top,
                right: (left + cell_px).min(across),
                bottom: (top + cell_px).min(high),
            };
            let mean = mean(canvas, cell);
            fill(canvas, cell, mean);
        }
    }
}

fn mean(canvas: &RgbImage, cell: Place) -> Rgb<u8> {
    let mut sums = [0u64; 3];
    for row in rows(canvas, cell) {
        for pixel in row.as_chunks::<3>().0 {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(*value);
            }
        }
    }
    let pixels = u64::from(cell.right - cell.left) * u64::from(cell.bottom - cell.top);
    Rgb(sums.map(|sum| u8::try_from(sum / pixels.max(1)).unwrap_or(u8::MAX)))
}

fn rows(canvas: &RgbImage, cell: Place) -> impl Iterator<Item = &[u8]> {
    (cell.top..cell.bottom).map(move |row| &canvas.as_raw()[span(canvas.width(), cell, row)])
}

fn fill(canvas: &mut RgbImage, cell: Place, color: Rgb<u8>) {
    let width = canvas.width();
    for row in cell.top..cell.bottom {
        let range = span(width, cell, row);
        for pixel in (**canvas)[range].as_chunks_mut::<3>().0 {
            *pixel = color.0;
        }
    }
}

/// The bytes of a cell's row. A cell lies within the canvas.
fn span(width: u32, cell: Place, row: u32) -> std::ops::Range<usize> {
    let at = |column: u32| (row as usize * width as usize + column as usize) * 3;
    at(cell.left)..at(cell.right)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::time::Instant;

    const NOBODY: &[Mask] = &[];

    /// A picture in which no two neighbours are alike.
    fn noise(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let value = (x * 7919 + y * 104_729) % 251;
            Rgb([value as u8, (value * 3 % 251) as u8, (value * 7 % 251) as u8])
        })
    }

    fn person(bounds_norm: BoxNorm) -> Cover {
        Cover { bounds_norm, found_at: Instant::ZERO, age: Duration::ZERO }
    }

    /// Different colours in a place, pixels.
    fn colors(canvas: &RgbImage, x: std::ops::Range<u32>, y: std::ops::Range<u32>) -> usize {
        let seen = x.flat_map(|x| y.clone().map(move |y| (x, y)));
        seen.map(|(x, y)| canvas.get_pixel(x, y).0).collect::<std::collections::BTreeSet<_>>().len()
    }

    #[test]
    fn a_person_has_fewer_cells_than_anybody_could_be_told_by() {
        for (width, height) in [(416, 320), (768, 576), (1920, 1080)] {
            let mut canvas = noise(width, height);
            cover(&mut canvas, &[person([0.4, 0.25, 0.1, 0.5])], Privacy::Persons, NOBODY);
            let (left, right) = (width * 2 / 5, width / 2);
            let column = colors(&canvas, left + 1..left + 2, height / 4..height * 3 / 4);
            assert!(column <= 13, "{column} cells over a person at {width}x{height}");
            let row = colors(&canvas, left..right, height / 2..height / 2 + 1);
            assert!(row <= 7, "{row} cells across a person at {width}x{height}");
        }
    }

    #[test]
    fn what_is_beside_the_person_stays_as_it_was() {
        let (before, mut canvas) = (noise(416, 320), noise(416, 320));
        cover(&mut canvas, &[person([0.4, 0.25, 0.1, 0.5])], Privacy::Persons, NOBODY);
        for (x, y) in [(10, 10), (100, 160), (300, 160), (200, 310)] {
            assert_eq!(canvas.get_pixel(x, y), before.get_pixel(x, y));
        }
    }

    #[test]
    fn heads_leave_the_legs_of_whoever_stands_and_cover_all_of_whoever_does_not() {
        let (before, mut canvas) = (noise(416, 320), noise(416, 320));
        cover(&mut canvas, &[person([0.4, 0.25, 0.1, 0.5])], Privacy::Heads, NOBODY);
        assert_ne!(canvas.get_pixel(190, 90), before.get_pixel(190, 90), "the head");
        assert_eq!(canvas.get_pixel(190, 220), before.get_pixel(190, 220), "the legs");
        cover(&mut canvas, &[person([0.1, 0.5, 0.3, 0.2])], Privacy::Heads, NOBODY);
        let lying = colors(&canvas, 50..160, 165..220);
        assert!(lying < 60, "somebody lies there in {lying} colours");
    }

    #[test]
    fn a_box_beyond_the_edge_or_without_sense_costs_nothing() {
        let mut canvas = noise(64, 48);
        let strange = [
            [-5.0, -5.0, 0.1, 0.1],
            [0.9, 0.9, 10.0, 10.0],
            [f64::NAN, 0.0, 1.0, 1.0],
            [0.5, 0.5, 0.0, 0.0],
            [0.5, 0.5, f64::INFINITY, 0.2],
        ];
        for bounds in strange {
            cover(&mut canvas, &[person(bounds)], Privacy::Persons, NOBODY);
        }
        cover_all(&mut RgbImage::new(0, 0), NOBODY);
    }

    #[test]
    fn a_mask_is_black_to_its_edge_and_its_hole_is_not() {
        let ring = |points: &[[f64; 2]]| points.iter().chain(points.first()).copied().collect();
        let outline = ring(&[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]);
        let hole = ring(&[[0.45, 0.45], [0.55, 0.45], [0.55, 0.55], [0.45, 0.55]]);
        let mask =
            Mask { id: "desk".into(), name: "Desk".into(), polygons: vec![vec![outline, hole]] };
        let mut canvas = RgbImage::from_pixel(400, 300, Rgb([200, 200, 200]));
        black_out(&mut canvas, [mask].as_slice());
        for (x, y) in [(100, 75), (299, 224), (101, 150), (200, 80), (150, 150)] {
            assert_eq!(canvas.get_pixel(x, y), &BLACK, "{x} {y}");
        }
        for (x, y) in [(95, 150), (305, 150), (200, 70), (200, 230), (200, 150)] {
            assert_eq!(canvas.get_pixel(x, y), &Rgb([200, 200, 200]), "{x} {y}");
        }
    }

    #[test]
    fn no_cell_takes_its_colour_from_behind_a_mask_or_reaches_over_one() {
        let ring = vec![[0.45, 0.0], [0.5, 0.0], [0.5, 1.0], [0.45, 1.0], [0.45, 0.0]];
        let masks: &[Polygon] = &[vec![ring]];
        let behind = |level: u8| {
            let grey = |x| if (187..208).contains(&x) { level } else { 90 };
            RgbImage::from_fn(416, 320, |x, _| Rgb([grey(x); 3]))
        };
        let whole = |canvas: &mut RgbImage| cover_all(canvas, masks);
        let people = |canvas: &mut RgbImage| {
            cover(canvas, &[person([0.3, 0.1, 0.4, 0.8])], Privacy::Persons, masks);
        };
        for hide in [&whole as &dyn Fn(&mut RgbImage), &people] {
            let (mut dark, mut bright) = (behind(0), behind(255));
            hide(&mut dark);
            hide(&mut bright);
            assert_eq!(dark, bright);
            assert!((190..205).all(|x| bright.get_pixel(x, 160) == &BLACK));
        }
    }

    #[test]
    fn off_changes_nothing() {
        let mut canvas = noise(64, 48);
        cover(&mut canvas, &[person([0.0, 0.0, 1.0, 1.0])], Privacy::Off, NOBODY);
        assert_eq!(canvas, noise(64, 48));
    }
}
