//! What nobody may see, taken out of pictures in grey that are kept to hold others against: each block
//! of the picture that a mask reaches into becomes its own mean. Black would be something that covers
//! the view.
//!
//! Blocks are the cells by which pictures are compared (`crate::integrity`): one that is plain all over
//! is a place of which nothing is said. A cell that were plain in part, or two levels side by side, has
//! edges that the yard has not, and would be found lost for ever.
//!
//! Not here: pictures for people (`mosaic`).

use image::{Rgb, RgbImage};

use super::mosaic;
use crate::zone_file::Mask;

/// What is compared is 416 px long; what is so much longer is no such picture.
const SIDE_PX_MAX: u32 = 4096;

/// Blocks across the longer side: as many as there are cells. Whoever is as high as the picture has 16
/// over their height at most, nine a metre; that is below the 12.5 from which an operator can monitor a
/// crowd (`mosaic`).
const BLOCKS_LONG: u32 = 16;

/// Smallest side of a block, pixels: smaller cells are compared by nobody, and hide nothing.
const BLOCK_PX_MIN: u32 = 8;

/// Where no mask is, on the canvas that shows where masks are.
const FREE: Rgb<u8> = Rgb([255, 255, 255]);

/// Whether there was anything to be seen where nobody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flattened {
    Yes,
    No,
}

/// Makes masked blocks plain; masks reach as far as `mosaic::black_out` paints them. `None` for a picture
/// that is not whole: nobody knows where in it anything is.
pub fn flatten(
    luma: &mut [u8],
    (width_px, height_px): (u32, u32),
    masks: &[Mask],
) -> Option<Flattened> {
    let whole = width_px.max(height_px) <= SIDE_PX_MAX
        && luma.len() == width_px as usize * height_px as usize;
    if !whole {
        return None;
    }
    if masks.is_empty() {
        return Some(Flattened::No);
    }
    let mut canvas = RgbImage::from_pixel(width_px, height_px, FREE);
    mosaic::black_out(&mut canvas, masks);
    let side_px = (width_px.max(height_px) / BLOCKS_LONG).max(BLOCK_PX_MIN);
    let mut found = Flattened::No;
    for top in (0..height_px).step_by(side_px as usize) {
        for left in (0..width_px).step_by(side_px as usize) {
            let (right, bottom) = ((left + side_px).min(width_px), (top + side_px).min(height_px));
            let places = || (top..bottom).flat_map(move |y| (left..right).map(move |x| (x, y)));
            if places().any(|(x, y)| canvas.get_pixel(x, y) != &FREE) {
                let at = |(x, y): (u32, u32)| y as usize * width_px as usize + x as usize;
                if level(luma, || places().map(at)) == Flattened::Yes {
                    found = Flattened::Yes;
                }
            }
        }
    }
    Some(found)
}

/// Makes these places their mean.
fn level<I: Iterator<Item = usize>>(luma: &mut [u8], places: impl Fn() -> I) -> Flattened {
    let (sum, count) =
        places().fold((0u64, 0u64), |(sum, count), at| (sum + u64::from(luma[at]), count + 1));
    let mean = u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX);
    let mut found = Flattened::No;
    for at in places() {
        if luma[at] != mean {
            (luma[at], found) = (mean, Flattened::Yes);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of 10 px.
    const SIZE: (u32, u32) = (160, 80);

    fn mask([left, top, right, bottom]: [f64; 4]) -> Mask {
        let ring = vec![[left, top], [right, top], [right, bottom], [left, bottom], [left, top]];
        Mask { id: "desk".into(), name: "Desk".into(), polygons: vec![vec![ring]] }
    }

    /// No two neighbours alike.
    fn texture() -> Vec<u8> {
        (0..SIZE.0 * SIZE.1).map(|at| (at * 7919 % 251) as u8).collect()
    }

    /// The levels of the block that begins there.
    fn block(luma: &[u8], left: usize, top: usize) -> Vec<u8> {
        let row = |y: usize| luma[y * SIZE.0 as usize + left..][..10].to_vec();
        (top..top + 10).flat_map(row).collect()
    }

    #[test]
    fn each_block_that_a_mask_reaches_into_is_its_mean_and_everything_else_as_it_was() {
        let (before, mut luma) = (texture(), texture());
        // From 83 to 123 and from 23 to 43 px, and one that overlaps it.
        let masks = [mask([0.52, 0.29, 0.77, 0.54]), mask([0.7, 0.5, 0.84, 0.6])];
        assert_eq!(flatten(&mut luma, SIZE, &masks), Some(Flattened::Yes));
        for (left, top) in [(80, 20), (100, 30), (120, 40), (130, 40)] {
            let (was, is) = (block(&before, left, top), block(&luma, left, top));
            let mean = was.iter().map(|it| u64::from(*it)).sum::<u64>() / 100;
            assert!(is.iter().all(|it| u64::from(*it) == mean), "{left} {top}: {is:?}");
        }
        for (left, top) in [(70, 30), (80, 10), (140, 40), (100, 50), (0, 0), (150, 70)] {
            assert_eq!(block(&luma, left, top), block(&before, left, top), "{left} {top}");
        }
        // Once more there is nothing to be done.
        assert_eq!(flatten(&mut luma, SIZE, &masks), Some(Flattened::No));
    }

    #[test]
    fn a_small_picture_has_blocks_that_hide_something() {
        let mut luma: Vec<u8> = (0..16 * 12).collect();
        assert_eq!(
            flatten(&mut luma, (16, 12), &[mask([0.5, 0.7, 1.0, 1.0])]),
            Some(Flattened::Yes)
        );
        assert!((9..16).all(|x| luma[11 * 16 + x] == luma[11 * 16 + 8]));
    }

    #[test]
    fn a_picture_that_is_not_whole_is_refused() {
        assert_eq!(flatten(&mut [0; 7], SIZE, &[]), None);
        assert_eq!(flatten(&mut [], (0, 20), &[mask([0.0, 0.0, 1.0, 1.0])]), Some(Flattened::No));
    }
}
