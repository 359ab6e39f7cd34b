//! What nobody may see, taken out of pictures in grey that are kept to hold others against: each masked
//! place becomes its own mean. Black would be something that covers the view.
//!
//! Not here: pictures for people (`mosaic`).

use image::{Rgb, RgbImage};

use super::mosaic;
use crate::zone_file::Mask;

/// What is compared is 416 px long; what is so much longer is no such picture.
const SIDE_PX_MAX: u32 = 4096;

/// Where no mask is, on the canvas that shows where masks are.
const FREE: Rgb<u8> = Rgb([255, 255, 255]);

/// Whether there was anything to be seen where nobody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flattened {
    Yes,
    No,
}

/// Makes masked places plain, to the edge as `mosaic::black_out` does. `None` for a picture that is not
/// whole: nobody knows where in it anything is.
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
    let mut found = Flattened::No;
    // A place under two masks is the first one's, so that doing it twice changes nothing.
    let mut done = vec![false; luma.len()];
    for polygon in masks.iter().flat_map(|mask| &mask.polygons) {
        let mut canvas = RgbImage::from_pixel(width_px, height_px, FREE);
        mosaic::black_out_polygons(&mut canvas, [polygon]);
        let masked =
            canvas.pixels().enumerate().filter(|(at, pixel)| **pixel != FREE && !done[*at]);
        let masked: Vec<usize> = masked.map(|(at, _)| at).collect();
        let sum: u64 = masked.iter().map(|&at| u64::from(luma[at])).sum();
        let mean = u8::try_from(sum / (masked.len() as u64).max(1)).unwrap_or(u8::MAX);
        for at in masked {
            if luma[at] != mean {
                found = Flattened::Yes;
            }
            (luma[at], done[at]) = (mean, true);
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (40, 20);

    fn mask([left, top, right, bottom]: [f64; 4]) -> Mask {
        let ring = vec![[left, top], [right, top], [right, bottom], [left, bottom], [left, top]];
        Mask { id: "desk".into(), name: "Desk".into(), polygons: vec![vec![ring]] }
    }

    /// No two neighbours alike.
    fn texture() -> Vec<u8> {
        (0..SIZE.0 * SIZE.1).map(|at| (at * 7919 % 251) as u8).collect()
    }

    #[test]
    fn a_masked_place_is_plain_to_its_edge_and_everything_else_as_it_was() {
        let (before, mut luma) = (texture(), texture());
        let masks = [mask([0.5, 0.25, 0.75, 0.75]), mask([0.6, 0.5, 0.9, 0.75])];
        assert_eq!(flatten(&mut luma, SIZE, &masks), Some(Flattened::Yes));
        let at = |x: usize, y: usize| luma[y * SIZE.0 as usize + x];
        let first = at(25, 10);
        for (x, y) in (20..30).flat_map(|x| (5..15).map(move |y| (x, y))) {
            assert_eq!(at(x, y), first, "{x} {y}");
        }
        assert!((60..190).contains(&first), "its mean, {first}");
        assert_eq!(at(33, 12), at(34, 13));
        assert_eq!(luma[..3 * 40], before[..3 * 40]);
        assert_eq!((at(10, 10), at(38, 10)), (before[410], before[438]));
        // Once more there is nothing to be done.
        assert_eq!(flatten(&mut luma, SIZE, &masks), Some(Flattened::No));
    }

    #[test]
    fn a_picture_that_is_not_whole_is_refused() {
        assert_eq!(flatten(&mut [0; 7], SIZE, &[]), None);
        assert_eq!(flatten(&mut [], (0, 20), &[mask([0.0, 0.0, 1.0, 1.0])]), Some(Flattened::No));
    }
}
