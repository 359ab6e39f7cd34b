//! What the two processes say of a camera's view: what is wrong with it, and what was learned of it.
//!
//! What was learned outlives the vision process in the guard's hands, which only keep it: it means
//! something to `crate::integrity` alone.

use serde::{Deserialize, Serialize};

/// One thing that is wrong with a camera's view.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewFinding {
    pub kind: ViewKind,
    /// Since when, nanoseconds of CLOCK_MONOTONIC.
    pub since_ns: u64,
    /// What was measured, and the limit it is beyond; the unit is the kind's own.
    pub measured: f32,
    pub limit: f32,
}

/// What is wrong; `engine::view_fault` says what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ViewKind {
    Frozen,
    TimeBackwards,
    WrongPicture,
    Moved,
    Covered,
    Dark,
    Overexposed,
    Blurred,
    Discoloured,
}

/// How far the view lies from its reference: what was at `p` (from the picture's middle) is now at
/// `p + shift + turn × p + (zoom - 1) × p`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewShift {
    /// To the right and down, fractions of the frame.
    pub x_norm: f64,
    pub y_norm: f64,
    /// Clockwise as seen, about the frame's middle.
    pub turn_deg: f64,
    /// 1: as large as it was.
    pub zoom: f64,
}

/// A picture in grey, rows without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GreyPicture {
    pub width_px: u32,
    pub height_px: u32,
    pub luma: Vec<u8>,
}

/// What was learned of a view and is not its reference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnedView {
    pub usual: Vec<UsualHour>,
    /// The view as it was when it was last right.
    pub background: Option<GreyPicture>,
    /// The same view at other times of the day.
    pub faces: Vec<GreyPicture>,
    pub lately: Option<ViewLately>,
}

/// How a camera's pictures were lately: true for some hours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewLately {
    /// Seconds since 1970 in UTC.
    pub at_s: i64,
    /// Mean of blue and of red less brightness, levels; and how many looks it rests on.
    pub cast: Option<(f32, f32, f32)>,
    /// What the sensor's noise changes from picture to picture, levels; for how long the picture stands
    /// still by itself, and for how long that is still to be remembered, milliseconds.
    pub habit: Option<(f32, u32, u32)>,
}

/// What is usual in an hour of the day; mean and spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UsualHour {
    pub looks: f32,
    pub high: (f32, f32),
    pub clipped: (f32, f32),
    pub blue: (f32, f32),
    pub red: (f32, f32),
}

/// All that is known of a view from before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownView {
    /// What the zones in force were drawn on.
    pub reference: Option<GreyPicture>,
    pub learned: LearnedView,
}
