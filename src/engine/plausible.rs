//! Is a detection far too small for its place to be a person?
//!
//! Only what is smaller than any part of a person in **both** directions is refused. A box counts as
//! somebody as soon as it is wide enough for shoulders or high enough for a head, shoulders and chest,
//! so crouching, sitting and lying people pass, and those of whom a machine leaves a third.
//! `docs/design/ground.md` has the measurement behind the two limits, and what they cannot tell apart.
//!
//! Not here: sizes that are too large, scores, what follows from the verdict.

use super::ground::Ground;

/// Narrower than this is narrower than anybody seen from the front or back, lying with the head
/// towards the camera included: shoulders with arms and clothes of a small adult.
const WIDTH_MIN_M: f64 = 0.42;

/// Lower than this is less than a third of a person who stands: head, shoulders and chest.
const HEIGHT_MIN_M: f64 = 0.60;

/// A small adult who lies on the side with the head towards the camera: length, and how high the
/// shoulder is, metres.
const LYING_LENGTH_M: f64 = 1.5;
const LYING_SHOULDER_M: f64 = 0.40;

/// Depth of a body from front to back, metres: what is seen of it steeply from above.
const BODY_DEPTH_M: f64 = 0.25;

/// How tall somebody is taken to be whose feet are hidden.
const HIDDEN_PERSON_M: f64 = 1.75;

/// Which share of the hidden part another box has to cover: about half of a body's width, most of
/// its length.
const HIDDEN_SHARE_MIN: f64 = 0.3;

/// What boxes of detectors may be too tight by.
const TIGHT_BOX: f64 = 0.9;

/// A box this near the frame's edge may go on beyond it: about five pixels of a 576-line picture, as
/// boxes at the edge end some pixels before it. Share of the frame.
const FRAME_EDGE_NORM: f64 = 0.01;

/// Whether a box (left, top, width, height in frame fractions) is far too small to be a person where
/// its lower edge stands. Never so at the frame's edge, at or above the horizon, and without heights.
pub fn too_small(ground: &Ground, box_norm: [f64; 4]) -> bool {
    let [left, top, width, height] = box_norm;
    let (right, bottom) = (left + width, top + height);
    let inner = FRAME_EDGE_NORM..=1.0 - FRAME_EDGE_NORM;
    if ![left, top, right, bottom].iter().all(|edge| inner.contains(edge)) {
        return false;
    }
    let foot_norm = (left + width / 2.0, bottom);
    let (Some(metre_norm), Some(place_m)) =
        (ground.metre_norm(foot_norm), ground.metres(foot_norm))
    else {
        return false;
    };
    let Some((sine, cosine)) = ground.look_down(place_m) else {
        return false;
    };
    // The lowest box of each way to be there: what stands, seen from this far above, and what lies.
    let standing_m = HEIGHT_MIN_M * cosine + BODY_DEPTH_M * sine;
    let lying_m = TIGHT_BOX * (LYING_LENGTH_M * sine + LYING_SHOULDER_M * cosine);
    let height_min_m = HEIGHT_MIN_M.min(standing_m).min(lying_m);
    width / metre_norm.0 < WIDTH_MIN_M && height / metre_norm.1 < height_min_m
}

/// Whether somebody of whom only this box is seen may stand behind the other box: it covers where the
/// rest of the body would be, and stands nearer. What is too small alone may then be a head and
/// shoulders behind somebody else, and should count.
pub fn may_be_hidden_by(ground: &Ground, box_norm: [f64; 4], other_norm: [f64; 4]) -> bool {
    let [left, top, width, height] = box_norm;
    let [other_left, other_top, other_width, other_height] = other_norm;
    let (bottom, other_bottom) = (top + height, other_top + other_height);
    let Some(foot) = ground.foot_from_head((left + width / 2.0, top), HIDDEN_PERSON_M) else {
        return false;
    };
    let across = (left + width).min(other_left + other_width) - left.max(other_left);
    let down = foot.1.min(other_bottom) - bottom.max(other_top);
    let hidden = width * (foot.1 - bottom);
    across > 0.0
        && down > 0.0
        && other_bottom > bottom
        && across * down >= HIDDEN_SHARE_MIN * hidden
}
