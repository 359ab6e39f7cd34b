//! A part of a picture at another size, in safe Rust: what GStreamer does for the whole picture cannot
//! be had twice from one pipeline without a second copy of every picture.
//!
//! Shrinking takes the mean over the area of each new pixel, enlarging is linear between pixels. Whole
//! numbers only, so that every machine gives the same bytes. Rows first, then columns: the rows' pass
//! runs over neighbouring bytes, which compilers turn into vector instructions.

use super::{CHANNELS, PictureRef};

/// Weights of one new pixel add up to this; a byte times it still fits into sixteen bits.
const ONE: u16 = 256;

/// Sizes remembered: a whole picture and its crops, both ways, of a few plans.
const SIZES_MAX: usize = 32;

/// Scales; keeps its memory for the next picture.
#[derive(Clone, Debug, Default)]
pub struct Scaler {
    sizes: Vec<((usize, usize), Vec<Taps>)>,
    sums: Vec<u16>,
    row: Vec<u8>,
    bytes: Vec<u8>,
}

/// Which old pixels make a new one.
#[derive(Clone, Debug, PartialEq)]
struct Taps {
    first: usize,
    weights: Vec<u16>,
}

impl Scaler {
    /// The picture at another size. `None` only for a size of zero.
    pub fn scale<'a>(
        &'a mut self,
        picture: &PictureRef<'_>,
        width: usize,
        height: usize,
    ) -> Option<PictureRef<'a>> {
        // Room for both before either is looked up: making room moves what is there.
        if self.sizes.len() + 2 > SIZES_MAX {
            self.sizes.drain(..SIZES_MAX / 2);
        }
        let across = self.taps(picture.width(), width);
        let down = self.taps(picture.height(), height);
        let line = width * CHANNELS;
        self.bytes.resize(line * height, 0);
        self.row.resize(picture.width() * CHANNELS, 0);
        self.sums.resize(picture.width() * CHANNELS, 0);
        let (across, down) = (&self.sizes.get(across)?.1, &self.sizes.get(down)?.1);
        for (taps, into) in down.iter().zip(self.bytes.chunks_exact_mut(line.max(1))) {
            self.sums.fill(ONE / 2);
            for (y, weight) in (taps.first..).zip(&taps.weights) {
                for (sum, byte) in self.sums.iter_mut().zip(picture.row(y)) {
                    *sum += u16::from(*byte) * weight;
                }
            }
            for (byte, sum) in self.row.iter_mut().zip(&self.sums) {
                *byte = (sum >> 8) as u8;
            }
            columns(across, &self.row, into);
        }
        PictureRef::new(&self.bytes, width, height, line)
    }

    /// The place of the weights for a size, among at most `SIZES_MAX`; until there is made room.
    fn taps(&mut self, from: usize, to: usize) -> usize {
        if let Some(place) = self.sizes.iter().position(|(sizes, _)| *sizes == (from, to)) {
            return place;
        }
        self.sizes.push(((from, to), taps(from, to)));
        self.sizes.len() - 1
    }
}

fn columns(across: &[Taps], row: &[u8], into: &mut [u8]) {
    for (taps, pixel) in across.iter().zip(into.as_chunks_mut::<CHANNELS>().0) {
        let mut sums = [u32::from(ONE / 2); CHANNELS];
        let old = row[taps.first * CHANNELS..].as_chunks::<CHANNELS>().0;
        for (old, weight) in old.iter().zip(&taps.weights) {
            for (sum, byte) in sums.iter_mut().zip(old) {
                *sum += u32::from(*byte) * u32::from(*weight);
            }
        }
        *pixel = sums.map(|sum| (sum >> 8) as u8);
    }
}

fn taps(from: usize, to: usize) -> Vec<Taps> {
    let ratio = from as f64 / to.max(1) as f64;
    (0..to)
        .map(|new| if ratio > 1.0 { mean(new, ratio, from) } else { between(new, ratio, from) })
        .collect()
}

/// The mean over the old pixels that lie under a new one.
fn mean(new: usize, ratio: f64, from: usize) -> Taps {
    let (start, end) = (new as f64 * ratio, (new + 1) as f64 * ratio);
    let first = (start as usize).min(from - 1);
    let last = (end.ceil() as usize).clamp(first + 1, from);
    let under = |old: usize| ((old + 1) as f64).min(end) - (old as f64).max(start);
    whole(first, (first..last).map(|old| under(old).max(0.0) / ratio).collect())
}

/// Linear between the two old pixels whose centres are nearest.
fn between(new: usize, ratio: f64, from: usize) -> Taps {
    let centre = ((new as f64 + 0.5) * ratio - 0.5).clamp(0.0, (from - 1) as f64);
    let first = centre as usize;
    let share = centre - first as f64;
    match first + 1 < from {
        true => whole(first, vec![1.0 - share, share]),
        false => whole(first, vec![1.0]),
    }
}

/// Shares as whole numbers that add up to `ONE`.
fn whole(first: usize, shares: Vec<f64>) -> Taps {
    let mut weights: Vec<u16> =
        shares.iter().map(|share| (share * f64::from(ONE)).round() as u16).collect();
    let sum: i32 = weights.iter().map(|weight| i32::from(*weight)).sum();
    let left = i32::from(ONE) - sum;
    // What rounding left over goes where it changes least.
    if let Some(largest) = weights.iter_mut().max() {
        *largest = u16::try_from(i32::from(*largest) + left).unwrap_or(0);
    }
    Taps { first, weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(bytes: &[u8], (w, h): (usize, usize), (to_w, to_h): (usize, usize)) -> Vec<u8> {
        let picture = PictureRef::new(bytes, w, h, w * 3).expect("fits");
        let mut scaler = Scaler::default();
        let result = scaler.scale(&picture, to_w, to_h).expect("a size");
        result.rows().flatten().copied().collect()
    }

    #[test]
    fn one_colour_stays_that_colour_at_every_size() {
        let bytes = [10, 250, 255].repeat(37 * 23);
        for to in [(37, 23), (12, 7), (36, 22), (1, 1), (74, 46), (50, 10)] {
            assert_eq!(scaled(&bytes, (37, 23), to), [10, 250, 255].repeat(to.0 * to.1), "{to:?}");
        }
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let bytes: Vec<u8> = (0..6 * 4 * 3).map(|n| (n * 37 % 256) as u8).collect();
        assert_eq!(scaled(&bytes, (6, 4), (6, 4)), bytes);
    }

    #[test]
    fn shrinking_takes_the_mean_and_enlarging_lies_between() {
        let bytes = [[0; 3], [100; 3], [200; 3], [40; 3]].concat();
        assert_eq!(scaled(&bytes, (4, 1), (2, 1)), [[50; 3], [120; 3]].concat());
        assert_eq!(
            scaled(&bytes[..6], (2, 1), (4, 1)),
            [[0; 3], [25; 3], [75; 3], [100; 3]].concat()
        );
    }

    #[test]
    fn what_was_scaled_before_changes_nothing() {
        let (width, height) = (48, 31);
        let bytes: Vec<u8> = (0..width * height * 3).map(|n| (n * 37 % 251) as u8).collect();
        let picture = PictureRef::new(&bytes, width, height, width * 3).expect("fits");
        let mut scaler = Scaler::default();
        // Many sizes, one side new or both, and ones from before among them.
        for n in 0..200 {
            for to in [(20 + n % 67, 9 + n % 41), (20 + n % 67, 9), (20 + n % 5, 9 + n % 3)] {
                let got = scaler.scale(&picture, to.0, to.1).expect("a size");
                let got: Vec<u8> = got.rows().flatten().copied().collect();
                assert!(got == scaled(&bytes, (width, height), to), "{to:?} after {n}");
                assert!(scaler.sizes.len() <= SIZES_MAX);
            }
        }
    }

    #[test]
    fn weights_always_add_up() {
        for (from, to) in [(1920, 640), (1080, 360), (768, 640), (100, 333), (7, 7), (1, 5), (5, 1)]
        {
            for taps in taps(from, to) {
                assert_eq!(taps.weights.iter().map(|it| u32::from(*it)).sum::<u32>(), 256);
                assert!(taps.first + taps.weights.len() <= from, "{from} to {to}: {taps:?}");
            }
        }
    }
}
