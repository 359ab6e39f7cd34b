//! What the detector reports for one picture, and the two coordinate spaces it lives in.
//!
//! - **frame pixels** (`_px`): pixels of the source video, origin top left, y down.
//! - **frame fractions** (`_norm`): pixels divided by the frame's width and height, 0..=1.
//!
//! The **anchor point** of a person is the foot point: the bottom centre of the *current* box,
//! clipped to the frame. It is never averaged over time: a box that grows downwards because the
//! person stepped out from behind a machine has its foot where it is now.

use std::cmp::Ordering;

/// A detector score: finite and within 0..=1 by construction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score(f32);

impl Score {
    /// No evidence at all.
    pub const ZERO: Score = Score(0.0);

    /// `None` for NaN, infinities and values outside 0..=1.
    pub fn new(value: f32) -> Option<Score> {
        (value.is_finite() && (0.0..=1.0).contains(&value)).then_some(Score(value))
    }

    /// The value, 0..=1.
    pub fn get(self) -> f32 {
        self.0
    }
}

impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Size of the source picture in pixels. Neither side is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSize {
    width_px: u32,
    height_px: u32,
}

impl FrameSize {
    /// `None` when a side is zero.
    pub fn new(width_px: u32, height_px: u32) -> Option<FrameSize> {
        (width_px > 0 && height_px > 0).then_some(FrameSize { width_px, height_px })
    }

    /// Width in pixels.
    pub fn width_px(self) -> f64 {
        f64::from(self.width_px)
    }

    /// Height in pixels.
    pub fn height_px(self) -> f64 {
        f64::from(self.height_px)
    }
}

/// An axis-aligned box in frame pixels; finite, with a positive area, by construction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelBox {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl PixelBox {
    /// `None` unless all four are finite and width and height are positive.
    pub fn new(left: f64, top: f64, width: f64, height: f64) -> Option<PixelBox> {
        let finite = [left, top, width, height].iter().all(|v| v.is_finite());
        (finite && width > 0.0 && height > 0.0).then_some(PixelBox { left, top, width, height })
    }

    /// Left edge in pixels.
    pub fn left(self) -> f64 {
        self.left
    }

    /// Top edge in pixels.
    pub fn top(self) -> f64 {
        self.top
    }

    /// Width in pixels.
    pub fn width(self) -> f64 {
        self.width
    }

    /// Height in pixels.
    pub fn height(self) -> f64 {
        self.height
    }

    /// Right edge in pixels.
    pub fn right(self) -> f64 {
        self.left + self.width
    }

    /// Bottom edge in pixels.
    pub fn bottom(self) -> f64 {
        self.top + self.height
    }

    /// The part of the box inside the frame; `None` when nothing of it is.
    pub fn clipped_to(self, size: FrameSize) -> Option<PixelBox> {
        let left = self.left.max(0.0);
        let top = self.top.max(0.0);
        let right = self.right().min(size.width_px());
        let bottom = self.bottom().min(size.height_px());
        PixelBox::new(left, top, right - left, bottom - top)
    }

    /// Intersection over union, 0..=1.
    pub fn iou(self, other: PixelBox) -> f64 {
        let width = self.right().min(other.right()) - self.left.max(other.left);
        let height = self.bottom().min(other.bottom()) - self.top.max(other.top);
        if width <= 0.0 || height <= 0.0 {
            return 0.0;
        }
        let shared = width * height;
        shared / (self.width * self.height + other.width * other.height - shared)
    }

    /// The anchor point in frame pixels: bottom centre of the part of the box inside the frame.
    /// A box wholly outside is pulled onto the frame's edge, so that it still has a place.
    pub fn anchor_px(self, size: FrameSize) -> (f64, f64) {
        let left = self.left.clamp(0.0, size.width_px());
        let right = self.right().clamp(0.0, size.width_px());
        let bottom = self.bottom().clamp(0.0, size.height_px());
        ((left + right) / 2.0, bottom)
    }

    /// The anchor point in frame fractions, each 0..=1.
    pub fn anchor_norm(self, size: FrameSize) -> (f64, f64) {
        let (x_px, y_px) = self.anchor_px(size);
        (x_px / size.width_px(), y_px / size.height_px())
    }
}

/// One person in one picture, as the detector saw them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Where, in frame pixels.
    pub bounds: PixelBox,
    /// How sure the detector is.
    pub score: Score,
}
