//! Where somebody stands: the anchor point of a detection (R5, R9).
//!
//! The **foot** is the bottom centre of the current box, clipped to the picture. When the feet are
//! hidden it is too high up: then an **estimate** is added, below the head by a person's height. It
//! never takes the foot away: inside is the foot or any of the estimate.
//!
//! Whether the feet are hidden is a question of evidence; who crouches, sits or lies in full view
//! must not get feet elsewhere. The rule, with its limits, is told in `docs/design/decision.md`.

use super::super::detection::{Detection, FrameSize, PixelBox, Score};
use super::super::geometry::PointNorm;
use super::super::ground::Ground;

/// The height that boxes are compared with, metres.
const PERSON_M: f64 = 1.75;

/// The shortest and the tallest that hidden feet are looked for, metres.
const PERSON_M_MIN: f64 = 1.55;
const PERSON_M_MAX: f64 = 1.90;

/// A box that ends this near the frame's edge may go on beyond it, as a share of the frame.
const EDGE_NORM: f64 = 0.01;

/// Wider than this for their height are people who lie.
const LYING_ASPECT: f64 = 1.3;

/// Without the ground: more square than this (width by height) is nobody from head to foot, however
/// they crouch, but head and shoulders.
const HIDDEN_ASPECT: f64 = 0.95;

/// Without the ground: a shape alone is weak evidence, and things that are nobody are square and
/// faint; head and shoulders are believed from this score on.
const BUST_SCORE: f32 = 0.5;

/// Without the ground: nobody standing is narrower for their height, so feet are no lower.
const STANDING_ASPECT_MIN: f64 = 0.3;

/// From this score on the feet are hidden.
const HIDDEN_SCORE: f64 = 1.75;

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

    /// The anchor of a box that may or may not show the feet. `standing_px` is how high the person
    /// was while the feet were seen, where that is known and they are not seen now.
    pub fn of(
        detection: &Detection,
        size: FrameSize,
        ground: Option<&Ground>,
        standing_px: Option<f64>,
    ) -> Anchor {
        let anchor = Anchor::of_box(detection, size);
        let Some(seen) = Seen::of(detection.bounds, size) else {
            return anchor;
        };
        let heights = ground.filter(|ground| ground.camera_m().is_some());
        let (estimated, how) = match (standing_px, heights) {
            (Some(height_px), _) => (Some(seen.below_head(height_px, size)), AnchorHow::Head),
            (None, Some(ground)) if seen.feet_hidden_on(ground) => {
                match seen.stands_below_head(ground) {
                    Some(footprint) => (Some(footprint), AnchorHow::Head),
                    None => (Some(seen.lowest(size)), AnchorHow::Conservative),
                }
            }
            (None, None) if seen.feet_hidden(detection.score) => {
                (Some(seen.lowest(size)), AnchorHow::Conservative)
            }
            (None, Some(_) | None) => (None, AnchorHow::Box),
        };
        Anchor { estimated, how, ..anchor }
    }

    /// Where the estimate says that the feet are, from one end to the other; without one, the foot.
    pub fn stretch(&self) -> (PointNorm, PointNorm) {
        match self.estimated {
            None => (self.foot_norm, self.foot_norm),
            Some(footprint) => (footprint.from_norm, footprint.to_norm),
        }
    }
}

/// The part of a box inside the frame.
#[derive(Clone, Copy, Debug)]
struct Seen {
    head_norm: PointNorm,
    foot_norm: PointNorm,
    width_norm: f64,
    /// Of the clipped box, in pixels.
    width_px: f64,
    height_px: f64,
    cut_above: Cut,
    cut_below: Cut,
    cut_aside: Cut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    No,
    ByTheFrame,
}

impl Cut {
    fn when(cut: bool) -> Cut {
        if cut { Cut::ByTheFrame } else { Cut::No }
    }
}

impl Seen {
    fn of(bounds: PixelBox, size: FrameSize) -> Option<Seen> {
        let b = bounds.clipped_to(size)?;
        let (w, h) = (size.width_px(), size.height_px());
        let x = (b.left() + b.width() / 2.0) / w;
        Some(Seen {
            head_norm: (x, b.top() / h),
            foot_norm: (x, b.bottom() / h),
            width_norm: b.width() / w,
            width_px: b.width(),
            height_px: b.height(),
            cut_above: Cut::when(b.top() <= EDGE_NORM * h),
            cut_below: Cut::when(b.bottom() >= (1.0 - EDGE_NORM) * h),
            cut_aside: Cut::when(b.left() <= EDGE_NORM * w || b.right() >= (1.0 - EDGE_NORM) * w),
        })
    }

    fn aspect(&self) -> f64 {
        self.width_px / self.height_px
    }

    /// Without the ground only what the frame cuts, and head and shoulders, are known to be cut.
    fn feet_hidden(&self, score: Score) -> bool {
        let bust = (HIDDEN_ASPECT..LYING_ASPECT).contains(&self.aspect())
            && self.cut_above == Cut::No
            && score.get() >= BUST_SCORE;
        self.cut_below == Cut::ByTheFrame || bust
    }

    fn feet_hidden_on(&self, ground: &Ground) -> bool {
        if self.cut_below == Cut::ByTheFrame {
            return true;
        }
        // Without the head nothing is known of the height; a width cut at the side says nothing.
        if self.cut_above == Cut::ByTheFrame || self.aspect() >= LYING_ASPECT {
            return false;
        }
        let Some(expected) = ground.expected_height_norm(self.foot_norm, PERSON_M) else {
            // Nobody stands at the horizon or above.
            return ground.metres(self.foot_norm).is_none();
        };
        let height = (self.foot_norm.1 - self.head_norm.1) / expected;
        // In metres, since from above a height looks shorter than a width.
        let aspect = match (self.cut_aside, ground.metre_norm(self.foot_norm)) {
            (Cut::No, Some((metre_norm, _))) => self.width_norm / metre_norm / (height * PERSON_M),
            (Cut::No | Cut::ByTheFrame, _) => UPRIGHT_ASPECT,
        };
        hidden_score(height, aspect) >= HIDDEN_SCORE
    }

    fn stands_below_head(&self, ground: &Ground) -> Option<Footprint> {
        if self.cut_above == Cut::ByTheFrame {
            return None;
        }
        let highest = ground.foot_from_head(self.head_norm, PERSON_M_MIN)?;
        let lowest = ground.foot_from_head(self.head_norm, PERSON_M_MAX)?;
        // Feet are never above what is seen of the person.
        let below = |p: PointNorm| if p.1 < self.foot_norm.1 { self.foot_norm } else { p };
        let (from_norm, to_norm) = (below(highest), below(lowest));
        Some(Footprint { from_norm: in_frame(from_norm), to_norm: in_frame(to_norm) })
    }

    /// Straight below the head by this height.
    fn below_head(&self, height_px: f64, size: FrameSize) -> Footprint {
        let (x, y) = self.head_norm;
        let foot = in_frame((x, (y + height_px / size.height_px()).max(self.foot_norm.1)));
        Footprint { from_norm: foot, to_norm: foot }
    }

    /// From what is seen down to the lowest place where the feet can be.
    fn lowest(&self, size: FrameSize) -> Footprint {
        let (x, y) = self.head_norm;
        let tallest = self.width_px / STANDING_ASPECT_MIN / size.height_px();
        let to_norm = in_frame((x, (y + tallest).max(self.foot_norm.1)));
        Footprint { from_norm: self.foot_norm, to_norm }
    }
}

/// Width by height of somebody who stands.
const UPRIGHT_ASPECT: f64 = 0.45;

/// How far a box is from anybody in full view: too low for the place, and too wide for its height.
/// `height` is a share of a standing person's there.
///
/// One point is 30 % of the height below a sitting adult's (80 %), or 0.4 of aspect above a standing
/// one's. Somebody who crouches in full view has 56 % or more, and at most 0.82: 1.73.
fn hidden_score(height: f64, aspect: f64) -> f64 {
    (0.8 - height) / 0.3 + (aspect - UPRIGHT_ASPECT) / 0.4
}

fn in_frame((x, y): PointNorm) -> PointNorm {
    (x.clamp(0.0, 1.0), y.clamp(0.0, 1.0))
}
