//! Faults of a camera, made on purpose: what integrity is tried with.
//!
//! A fault is painted into the decoded picture at the source's own size, before it is scaled, as it
//! would be in a camera. Each is no stronger than what R15 asks to be found; where R15 names no
//! strength, no stronger than what the painter's constants say.
//!
//! Not here: getting pictures, and judging what was found.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::engine::view_fault::ViewFault;

/// R15: the view moved by 10 pixels of 1920.
const SHIFT_SHARE: f64 = 10.0 / 1920.0;

const TURN_DEGREES: f64 = 1.0;

/// R15: 30 % of the view.
const COVER_SHARE: f64 = 0.3;

/// Two means over this share of the width each way: what a lens out of focus by a hundredth of the
/// picture does to a point.
const BLUR_SHARE: f64 = 0.004;

/// Fog leaves this share of the contrast, and is this bright.
const FOG_LEFT: f64 = 0.3;
const FOG_LEVEL: f64 = 190.0;

/// Dark: so much of each level is left, some hundredth of the light.
const DARK_LEFT: f64 = 0.12;

/// Over-exposed: levels are multiplied by this, two stops.
const BRIGHT_GAIN: f64 = 4.0;

/// Colour cast: what becomes of blue and red.
const CAST_GAINS: (f64, f64) = (1.4, 0.7);

/// Of ten pictures three are dropped.
const DROPPED_OF_TEN: u64 = 3;

const CHANNELS: usize = 3;

/// What is done to the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    Freeze,
    Cover,
    Blur,
    Dark,
    Bright,
    Fog,
    Shift,
    Rotate,
    /// 30 % of the pictures do not come.
    Drop,
    /// Every picture comes twice, and every other one not at all.
    Duplicate,
    /// No picture comes.
    Stall,
    Cast,
    /// Another camera's view: this one mirrored, which is as bright, as sharp and as noisy.
    Swap,
    /// Time runs backwards.
    Backwards,
}

impl FaultKind {
    pub const ALL: [FaultKind; 14] = [
        FaultKind::Freeze,
        FaultKind::Cover,
        FaultKind::Blur,
        FaultKind::Dark,
        FaultKind::Bright,
        FaultKind::Fog,
        FaultKind::Shift,
        FaultKind::Rotate,
        FaultKind::Drop,
        FaultKind::Duplicate,
        FaultKind::Stall,
        FaultKind::Cast,
        FaultKind::Swap,
        FaultKind::Backwards,
    ];

    pub const fn word(self) -> &'static str {
        match self {
            FaultKind::Freeze => "freeze",
            FaultKind::Cover => "cover",
            FaultKind::Blur => "blur",
            FaultKind::Dark => "dark",
            FaultKind::Bright => "bright",
            FaultKind::Fog => "fog",
            FaultKind::Shift => "shift",
            FaultKind::Rotate => "rotate",
            FaultKind::Drop => "drop",
            FaultKind::Duplicate => "duplicate",
            FaultKind::Stall => "stall",
            FaultKind::Cast => "cast",
            FaultKind::Swap => "swap",
            FaultKind::Backwards => "backwards",
        }
    }

    /// What must be found, and within which time. `None`: nothing is wrong with such pictures, and
    /// nothing may be told; a stall is found by the engine, from the pictures that do not come.
    pub const fn must_tell(self) -> Option<(ViewFault, Duration)> {
        let (fault, ms) = match self {
            FaultKind::Freeze => (ViewFault::Frozen, 1000),
            FaultKind::Cover => (ViewFault::Covered, 2000),
            FaultKind::Blur | FaultKind::Fog => (ViewFault::Blurred, 3000),
            FaultKind::Dark => (ViewFault::Dark, 3000),
            FaultKind::Bright => (ViewFault::Overexposed, 3000),
            FaultKind::Shift | FaultKind::Rotate => (ViewFault::Moved, 5000),
            FaultKind::Cast => (ViewFault::Discoloured, 5000),
            FaultKind::Swap => (ViewFault::WrongPicture, 5000),
            FaultKind::Backwards => (ViewFault::TimeBackwards, 1000),
            FaultKind::Drop | FaultKind::Duplicate | FaultKind::Stall => return None,
        };
        Some((fault, Duration::from_millis(ms)))
    }
}

/// A fault from one time of the footage to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultSpan {
    pub kind: FaultKind,
    pub from: Duration,
    pub to: Duration,
}

/// Why a text is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    #[error("`{text}` is no fault; KIND@START..END is wanted, seconds, as in freeze@10..15")]
    Form { text: String },
    #[error("`{kind}` is no kind of fault; there are: {}", words())]
    Kind { kind: String },
    #[error("a fault ends after it starts; {from} to {to} seconds does not")]
    Span { from: String, to: String },
}

fn words() -> String {
    FaultKind::ALL.map(FaultKind::word).join(", ")
}

impl FromStr for FaultSpan {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<FaultSpan, FaultError> {
        let parts = || {
            let (kind, span) = text.split_once('@')?;
            let (from, to) = span.split_once("..")?;
            Some((kind, from, to))
        };
        let form = || FaultError::Form { text: text.to_owned() };
        let (word, from_s, to_s) = parts().ok_or_else(form)?;
        let seconds =
            |text: &str| text.parse().ok().and_then(|s: f64| Duration::try_from_secs_f64(s).ok());
        let from = seconds(from_s).ok_or_else(form)?;
        let to = seconds(to_s).ok_or_else(form)?;
        let kind = FaultKind::ALL.into_iter().find(|kind| kind.word() == word);
        let kind = kind.ok_or_else(|| FaultError::Kind { kind: word.to_owned() })?;
        if to <= from {
            return Err(FaultError::Span { from: from_s.to_owned(), to: to_s.to_owned() });
        }
        Ok(FaultSpan { kind, from, to })
    }
}

impl fmt::Display for FaultSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from.as_secs_f64(), self.to.as_secs_f64());
        write!(f, "{}@{from}..{to}", self.kind.word())
    }
}

/// A picture to paint into: rows of blue, green, red, each row `stride` bytes after the one before.
pub struct Canvas<'a> {
    bytes: &'a mut [u8],
    width: usize,
    height: usize,
    stride: usize,
}

impl<'a> Canvas<'a> {
    /// `None` when bytes are missing.
    pub fn new(bytes: &'a mut [u8], width: usize, height: usize, stride: usize) -> Option<Self> {
        let row = width.checked_mul(CHANNELS)?;
        let needed = stride.checked_mul(height.checked_sub(1)?)?.checked_add(row)?;
        let whole = width > 0 && row <= stride && needed <= bytes.len();
        whole.then_some(Canvas { bytes, width, height, stride })
    }

    fn row(&mut self, y: usize) -> &mut [u8] {
        &mut self.bytes[y * self.stride..][..self.width * CHANNELS]
    }

    fn copy(&self) -> Vec<u8> {
        let rows = self.bytes.chunks(self.stride).take(self.height);
        rows.flat_map(|row| &row[..self.width * CHANNELS]).copied().collect()
    }

    fn paste(&mut self, bytes: &[u8]) {
        if bytes.len() == self.width * self.height * CHANNELS {
            for (y, from) in bytes.chunks_exact(self.width * CHANNELS).enumerate() {
                self.row(y).copy_from_slice(from);
            }
        }
    }

    /// Every channel of every pixel by a table of its levels.
    fn levels(&mut self, of: impl Fn(usize, f64) -> f64) {
        let table: [[u8; 256]; CHANNELS] = std::array::from_fn(|channel| {
            std::array::from_fn(|level| of(channel, level as f64).round().clamp(0.0, 255.0) as u8)
        });
        for y in 0..self.height {
            for pixel in self.row(y).as_chunks_mut::<CHANNELS>().0 {
                for (value, table) in pixel.iter_mut().zip(&table) {
                    *value = table[usize::from(*value)];
                }
            }
        }
    }

    /// Every pixel from where `from` says, the edge going on beyond the picture.
    fn warp(&mut self, from: impl Fn(f64, f64) -> (f64, f64)) {
        let before = self.copy();
        let (w, h) = (self.width, self.height);
        let at = |x: usize, y: usize, channel: usize| {
            f64::from(before[(y.min(h - 1) * w + x.min(w - 1)) * CHANNELS + channel])
        };
        for y in 0..h {
            for (x, pixel) in self.row(y).as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
                let (u, v) = from(x as f64, y as f64);
                let (u, v) = (u.clamp(0.0, (w - 1) as f64), v.clamp(0.0, (h - 1) as f64));
                let (i, j, s, t) = (u as usize, v as usize, u.fract(), v.fract());
                for (channel, value) in pixel.iter_mut().enumerate() {
                    let upper = at(i, j, channel) * (1.0 - s) + at(i + 1, j, channel) * s;
                    let lower = at(i, j + 1, channel) * (1.0 - s) + at(i + 1, j + 1, channel) * s;
                    *value = (upper * (1.0 - t) + lower * t).round() as u8;
                }
            }
        }
    }

    /// Every pixel the mean of its row's neighbours at most `reach` away; rows, then columns.
    fn smooth(&mut self, reach: usize) {
        let before = self.copy();
        let (w, h) = (self.width, self.height);
        let mut across = vec![0u8; before.len()];
        for y in 0..h {
            let row = &before[y * w * CHANNELS..][..w * CHANNELS];
            mean_along(row, &mut across[y * w * CHANNELS..][..w * CHANNELS], w, CHANNELS, reach);
        }
        let mut column = vec![0u8; h * CHANNELS];
        let mut smoothed = vec![0u8; h * CHANNELS];
        for x in 0..w {
            for y in 0..h {
                let at = (y * w + x) * CHANNELS;
                column[y * CHANNELS..][..CHANNELS].copy_from_slice(&across[at..at + CHANNELS]);
            }
            mean_along(&column, &mut smoothed, h, CHANNELS, reach);
            for y in 0..h {
                let from = &smoothed[y * CHANNELS..][..CHANNELS];
                self.row(y)[x * CHANNELS..][..CHANNELS].copy_from_slice(from);
            }
        }
    }

    /// A thing with a little noise of its own over the left part of the view.
    fn cover(&mut self, share: f64, salt: u64) {
        let edge = (self.width as f64 * share).ceil() as usize * CHANNELS;
        for y in 0..self.height {
            for (i, value) in self.row(y)[..edge].iter_mut().enumerate() {
                *value = 88 + (mix(i as u64 ^ ((y as u64) << 20) ^ (salt << 40)) % 5) as u8;
            }
        }
    }
}

fn mean_along(from: &[u8], to: &mut [u8], length: usize, step: usize, reach: usize) {
    for channel in 0..step {
        let at = |i: usize| u32::from(from[i * step + channel]);
        let mut sum: u32 = (0..reach.min(length)).map(at).sum();
        let mut n = reach.min(length) as u32;
        for i in 0..length {
            if i + reach < length {
                sum += at(i + reach);
                n += 1;
            }
            if i > reach {
                sum -= at(i - reach - 1);
                n -= 1;
            }
            to[i * step + channel] = (sum / n) as u8;
        }
    }
}

fn mix(v: u64) -> u64 {
    let v = (v ^ (v >> 31)).wrapping_mul(0x7FB5_D329_728E_A185);
    (v ^ (v >> 27)).wrapping_mul(0x81DA_DEF4_BC2D_D44D) >> 33
}

/// Whether a picture goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    Yes,
    No,
}

/// Makes the faults of one run of footage, picture by picture.
#[derive(Clone, Debug, Default)]
pub struct Injector {
    spans: Vec<FaultSpan>,
    pictures: u64,
    /// The picture that is shown again and again, or twice.
    kept: Option<Vec<u8>>,
}

impl Injector {
    pub fn new(spans: Vec<FaultSpan>) -> Injector {
        Injector { spans, pictures: 0, kept: None }
    }

    /// Paints into the picture of this time whatever is wrong then.
    pub fn paint(&mut self, mut canvas: Canvas<'_>, time: Duration) -> Passes {
        self.pictures += 1;
        let active: Vec<FaultKind> = self
            .spans
            .iter()
            .filter(|span| (span.from..span.to).contains(&time))
            .map(|span| span.kind)
            .collect();
        let keeps = [FaultKind::Freeze, FaultKind::Duplicate];
        if !active.iter().any(|kind| keeps.contains(kind)) {
            self.kept = None;
        }
        for kind in active {
            if self.paint_one(kind, &mut canvas) == Passes::No {
                return Passes::No;
            }
        }
        Passes::Yes
    }

    fn paint_one(&mut self, kind: FaultKind, canvas: &mut Canvas<'_>) -> Passes {
        let width = canvas.width as f64;
        match kind {
            FaultKind::Freeze => match &self.kept {
                Some(kept) => canvas.paste(kept),
                None => self.kept = Some(canvas.copy()),
            },
            FaultKind::Duplicate => match self.kept.take() {
                Some(kept) => canvas.paste(&kept),
                None => self.kept = Some(canvas.copy()),
            },
            FaultKind::Cover => canvas.cover(COVER_SHARE, self.pictures),
            FaultKind::Blur => {
                let reach = (width * BLUR_SHARE).round().max(1.0) as usize;
                canvas.smooth(reach);
                canvas.smooth(reach);
            }
            FaultKind::Dark => canvas.levels(|_, level| level * DARK_LEFT),
            FaultKind::Bright => canvas.levels(|_, level| level * BRIGHT_GAIN),
            FaultKind::Fog => {
                canvas.levels(|_, level| level * FOG_LEFT + FOG_LEVEL * (1.0 - FOG_LEFT));
            }
            FaultKind::Shift => canvas.warp(|x, y| (x - width * SHIFT_SHARE, y)),
            FaultKind::Rotate => {
                let (cx, cy) = (width / 2.0, canvas.height as f64 / 2.0);
                let (sin, cos) = TURN_DEGREES.to_radians().sin_cos();
                canvas.warp(|x, y| {
                    let (x, y) = (x - cx, y - cy);
                    (x * cos + y * sin + cx, y * cos - x * sin + cy)
                });
            }
            FaultKind::Cast => canvas.levels(|channel, level| match channel {
                0 => level * CAST_GAINS.0,
                1 => level,
                _ => level * CAST_GAINS.1,
            }),
            FaultKind::Swap => {
                let last = width - 1.0;
                canvas.warp(|x, y| (last - x, y));
            }
            FaultKind::Drop if mix(self.pictures) % 10 < DROPPED_OF_TEN => return Passes::No,
            FaultKind::Stall => return Passes::No,
            // Time is not in the picture: `dated` is asked for it.
            FaultKind::Drop | FaultKind::Backwards => {}
        }
        Passes::Yes
    }
}

/// What a picture of this time is dated.
pub fn dated(spans: &[FaultSpan], time: Duration) -> Duration {
    let backwards = |span: &&FaultSpan| {
        span.kind == FaultKind::Backwards && (span.from..span.to).contains(&time)
    };
    match spans.iter().find(backwards) {
        Some(span) => span.from.saturating_sub(time - span.from),
        None => time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_and_written_and_what_is_none_is_refused_with_the_reason() {
        for kind in FaultKind::ALL {
            let text = format!("{}@1.5..4", kind.word());
            let span: FaultSpan = text.parse().expect("a fault");
            assert_eq!((span.kind, span.to_string()), (kind, text));
        }
        for (text, says) in [
            ("freeze", "KIND@START..END"),
            ("freeze@a..b", "KIND@START..END"),
            ("freeze@-1..3", "KIND@START..END"),
            ("melt@1..2", "there are: freeze, cover"),
            ("dark@5..5", "ends after it starts"),
        ] {
            let error = text.parse::<FaultSpan>().expect_err("none").to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    fn picture(seed: u64) -> Vec<u8> {
        (0..64 * 48 * 3).map(|i| (mix(i ^ (seed << 32)) % 200) as u8).collect()
    }

    fn painted(kind: FaultKind, bytes: &mut [u8], injector: &mut Injector) -> Passes {
        let span = FaultSpan { kind, from: Duration::ZERO, to: Duration::from_secs(9) };
        injector.spans = vec![span];
        let canvas = Canvas::new(bytes, 64, 48, 64 * 3).expect("whole");
        injector.paint(canvas, Duration::from_secs(1))
    }

    #[test]
    fn a_frozen_picture_stays_and_a_duplicated_one_comes_twice() {
        let (a, b, c) = (picture(1), picture(2), picture(3));
        for (kind, second, third) in [(FaultKind::Freeze, &a, &a), (FaultKind::Duplicate, &a, &c)] {
            let mut injector = Injector::default();
            let mut shown = [a.clone(), b.clone(), c.clone()];
            for picture in &mut shown {
                assert_eq!(painted(kind, picture, &mut injector), Passes::Yes);
            }
            assert!(shown == [a.clone(), second.clone(), third.clone()], "{kind:?}");
        }
    }

    #[test]
    fn outside_its_time_nothing_is_painted() {
        for kind in FaultKind::ALL {
            let span = FaultSpan { kind, from: Duration::from_secs(3), to: Duration::from_secs(4) };
            let mut injector = Injector::new(vec![span]);
            for time in [2, 4] {
                let mut bytes = picture(1);
                let canvas = Canvas::new(&mut bytes, 64, 48, 64 * 3).expect("whole");
                assert_eq!(injector.paint(canvas, Duration::from_secs(time)), Passes::Yes);
                assert!(bytes == picture(1), "{kind:?} at {time} s");
            }
        }
    }

    #[test]
    fn three_of_ten_pictures_are_dropped_and_a_stall_drops_all() {
        let mut injector = Injector::default();
        let passed = |kind, injector: &mut Injector| {
            (0..1000).filter(|_| painted(kind, &mut picture(1), injector) == Passes::Yes).count()
        };
        assert!((650..750).contains(&passed(FaultKind::Drop, &mut injector)));
        assert_eq!(passed(FaultKind::Stall, &mut injector), 0);
    }

    #[test]
    fn a_shift_is_by_ten_pixels_of_a_full_hd_picture() {
        let mut bytes: Vec<u8> =
            (0..3).flat_map(|_| (0..1920 * 3).map(|i| (i / 3 / 8) as u8)).collect();
        let before = bytes.clone();
        let span = "shift@0..2".parse().expect("a fault");
        let canvas = Canvas::new(&mut bytes, 1920, 3, 1920 * 3).expect("whole");
        Injector::new(vec![span]).paint(canvas, Duration::from_secs(1));
        assert_eq!(bytes[1000 * 3], before[990 * 3]);
    }

    #[test]
    fn backwards_dates_run_back_from_where_they_turned() {
        let spans = ["backwards@10..14".parse().expect("a fault")];
        let at = |s| dated(&spans, Duration::from_secs(s)).as_secs();
        assert_eq!([9, 10, 11, 13, 14].map(at), [9, 10, 9, 7, 14]);
    }
}
