//! A picture in grey, and what can be said of it without knowing any other.

/// Channels of the pictures that come in: blue, green, red.
const CHANNELS: usize = 3;

/// Shares of blue, green and red in brightness, of 256 (ITU-R BT.601).
const WEIGHTS: [u32; CHANNELS] = [29, 150, 77];

/// A pixel as bright as this says nothing more than "bright": 2 % below white, since decoders and
/// scalers ring.
const CLIPPED_FROM: u8 = 250;

/// Longer side of what is looked at. A movement by ten pixels of 1920 is two here, and is measured to
/// a fifth of one; twice as many pixels each way would take four to sixteen times as long.
pub const LONG_MAX_PX: usize = 416;

/// Brightness of every pixel, 0 black to 255 white, rows without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grey {
    width_px: usize,
    height_px: usize,
    luma: Vec<u8>,
}

/// The whole picture in a few numbers; levels are 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    /// A twentieth of the pixels is darker than `low`, a twentieth brighter than `high`.
    pub low: f32,
    pub high: f32,
    pub mean: f32,
    /// Share of pixels that are clipped.
    pub clipped: f32,
    /// Mean of blue less brightness and of red less brightness: the cast of the colours.
    pub cast: (f32, f32),
}

impl Grey {
    /// From brightness. `None` unless there are exactly as many pixels as the sides say.
    pub fn new(width_px: usize, height_px: usize, luma: Vec<u8>) -> Option<Grey> {
        let whole = width_px > 0 && height_px > 0 && width_px.checked_mul(height_px)? == luma.len();
        whole.then_some(Grey { width_px, height_px, luma })
    }

    /// From rows of interleaved blue, green, red; scaled down to `LONG_MAX_PX`. `None` when a row is of
    /// another length.
    pub fn from_bgr<'a>(
        rows: impl Iterator<Item = &'a [u8]>,
        width_px: usize,
    ) -> Option<(Grey, Tone)> {
        let mut luma = Vec::new();
        let (mut blue, mut red) = (0u64, 0u64);
        for row in rows {
            if row.len() != width_px * CHANNELS {
                return None;
            }
            for pixel in row.as_chunks::<CHANNELS>().0 {
                let [b, g, r] = pixel.map(u32::from);
                let y = (b * WEIGHTS[0] + g * WEIGHTS[1] + r * WEIGHTS[2]) >> 8;
                luma.push(y as u8);
            }
            let sums = row.as_chunks::<CHANNELS>().0.iter();
            let (b, r) = sums.fold((0u32, 0u32), |(b, r), pixel| {
                (b + u32::from(pixel[0]), r + u32::from(pixel[2]))
            });
            blue += u64::from(b);
            red += u64::from(r);
        }
        let height_px = luma.len().checked_div(width_px)?;
        let grey = Grey::new(width_px, height_px, luma)?;
        let tone = grey.tone(blue, red);
        Some((grey.at_most(LONG_MAX_PX), tone))
    }

    /// The same picture, its longer side at most this.
    fn at_most(self, long_px: usize) -> Grey {
        let long = self.width_px.max(self.height_px);
        if long <= long_px {
            return self;
        }
        let side = |px: usize| ((px * long_px + long / 2) / long).max(1);
        let scaled = super::known::scaled(&self, side(self.width_px), side(self.height_px));
        scaled.unwrap_or(self)
    }

    pub fn width_px(&self) -> usize {
        self.width_px
    }

    pub fn height_px(&self) -> usize {
        self.height_px
    }

    pub fn luma(&self) -> &[u8] {
        &self.luma
    }

    pub fn into_luma(self) -> Vec<u8> {
        self.luma
    }

    /// One row's brightness.
    pub fn row(&self, y: usize) -> &[u8] {
        &self.luma[y * self.width_px..(y + 1) * self.width_px]
    }

    /// The numbers of the whole picture; `blue` and `red` are sums over all pixels.
    pub fn tone(&self, blue: u64, red: u64) -> Tone {
        let mut counts = [0u32; 256];
        for &y in &self.luma {
            counts[usize::from(y)] += 1;
        }
        let pixels = self.luma.len() as f32;
        let sum: u64 = (0u64..).zip(counts).map(|(level, n)| level * u64::from(n)).sum();
        let mean = sum as f32 / pixels;
        let clipped: u32 = counts[usize::from(CLIPPED_FROM)..].iter().sum();
        Tone {
            low: level_at(&counts, self.luma.len() / 20),
            high: level_at(&counts, self.luma.len() - self.luma.len() / 20),
            mean,
            clipped: clipped as f32 / pixels,
            cast: (blue as f32 / pixels - mean, red as f32 / pixels - mean),
        }
    }
}

/// The level below or at which `rank` pixels are.
fn level_at(counts: &[u32; 256], rank: usize) -> f32 {
    let mut below = 0;
    for (level, &count) in counts.iter().enumerate() {
        below += count as usize;
        if below >= rank.max(1) {
            return level as f32;
        }
    }
    255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_cast_and_clipping_are_those_of_the_pixels() {
        // Half the picture white, half a pure red of 200.
        let row: Vec<u8> = [[255, 255, 255], [0, 0, 200]].repeat(10).concat();
        let rows = vec![row; 10];
        let (grey, tone) = Grey::from_bgr(rows.iter().map(Vec::as_slice), 20).expect("a picture");
        assert_eq!((grey.width_px(), grey.height_px()), (20, 10));
        assert_eq!((grey.row(3)[0], grey.row(3)[1]), (255, 60));
        assert_eq!((tone.low, tone.high, tone.clipped), (60.0, 255.0, 0.5));
        assert!(tone.cast.1 > 60.0 && tone.cast.0 < -20.0, "{:?}", tone.cast);
    }

    #[test]
    fn a_row_that_is_too_short_is_no_picture() {
        let rows = [vec![0; 30], vec![0; 29]];
        assert!(Grey::from_bgr(rows.iter().map(Vec::as_slice), 10).is_none());
        assert!(Grey::from_bgr(std::iter::empty(), 10).is_none());
        assert!(Grey::new(3, 3, vec![0; 8]).is_none());
    }

    #[test]
    fn whatever_size_comes_what_is_looked_at_is_bounded_and_of_the_same_shape() {
        for (width_px, height_px) in [(1920, 1080), (640, 360), (1080, 1920), (3840, 300)] {
            let row: Vec<u8> = [9, 9, 9].repeat(width_px);
            let rows = std::iter::repeat_n(row.as_slice(), height_px);
            let (grey, tone) = Grey::from_bgr(rows, width_px).expect("a picture");
            assert_eq!(grey.width_px().max(grey.height_px()), LONG_MAX_PX);
            let off = (width_px * grey.height_px()).abs_diff(height_px * grey.width_px());
            assert!(off <= width_px.max(height_px), "to the pixel: {width_px} {height_px}");
            assert_eq!((tone.mean, grey.row(3)[3]), (9.0, 9));
        }
    }
}
