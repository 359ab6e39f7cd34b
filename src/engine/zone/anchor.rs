//! Where somebody stands: the anchor point of a detection.
//!
//! The **foot** is the bottom centre of the current box, clipped to the picture. A correction may
//! add a second place; it never takes the first one away.

use super::super::detection::{Detection, FrameSize};
use super::super::geometry::PointNorm;

/// Where a person stands, as far as one picture tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchor {
    /// Bottom centre of the box, frame fractions.
    pub foot_norm: PointNorm,
    /// Where the feet are if the box does not show them.
    pub estimated: Option<Footprint>,
    pub how: AnchorHow,
}

/// Where feet may be: a straight stretch of the picture, or a point of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Footprint {
    pub from_norm: PointNorm,
    pub to_norm: PointNorm,
}

/// What the anchor rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorHow {
    /// The box shows the feet.
    Box,
    /// The feet are hidden; they are below the head by a person's height.
    Head,
    /// The feet are hidden; they are somewhere between the box and the lowest place they can be.
    Conservative,
}

impl Anchor {
    /// The anchor of a box that shows the feet.
    pub fn of_box(detection: &Detection, size: FrameSize) -> Anchor {
        let foot_norm = detection.bounds.anchor_norm(size);
        Anchor { foot_norm, estimated: None, how: AnchorHow::Box }
    }

    /// Every point where the feet may be, as a stretch; the foot first.
    pub fn stretch(&self) -> (PointNorm, PointNorm) {
        match self.estimated {
            None => (self.foot_norm, self.foot_norm),
            Some(footprint) => (footprint.from_norm, footprint.to_norm),
        }
    }
}
