//! How high people were while their feet were seen: for those whose legs a machine hides now.
//!
//! Somebody's legs go behind a machine when the box's lower edge rises while the head stays and the
//! box gets no narrower. Who crouches lowers the head; who walks away gets narrower as well. While
//! the legs stay hidden the feet are below the head by the height remembered.
//!
//! Keyed by tracks, and therefore only ever an addition (R4): without it, or with somebody else's,
//! the foot of the box counts all the same.

use std::collections::BTreeMap;
use std::time::Duration;

use super::TrackId;
use super::detection::{FrameSize, PixelBox};
use super::time::Instant;

/// Boxes younger than this are what somebody looked like just now.
const REMEMBERED_FOR: Duration = Duration::from_millis(1000);

/// A track not seen for longer is forgotten; the tracker keeps it no longer either.
const FORGOTTEN_AFTER: Duration = Duration::from_millis(2000);

/// Legs are hidden when the box keeps less than this of its height …
const HEIGHT_KEPT_MAX: f64 = 0.75;

/// … the lower edge rises by at least this much of it …
const BOTTOM_RISE_MIN: f64 = 0.2;

/// … the head sinks by no more than this …
const HEAD_SINK_MAX: f64 = 0.1;

/// … and the width keeps at least this.
const WIDTH_KEPT_MIN: f64 = 0.8;

/// The feet are seen again when the box has this much of the remembered height.
const HEIGHT_BACK: f64 = 0.85;

/// A box that ends this near to the frame's edge shows no feet, or no head; share of the frame.
const EDGE_NORM: f64 = 0.01;

/// Half a person is wider than this for what shows; a whole one who stands is not, and is believed
/// to show their feet whatever they looked like before (two people in one box, most often).
const HALF_ASPECT_MIN: f64 = 0.5;

/// The share of the last second's boxes against which the legs must have gone: one box that was too
/// tall says nothing.
const AGREEING_SHARE: f64 = 0.5;

/// Most boxes remembered a track: a second at 30 pictures a second.
const BOXES_KEPT: usize = 30;

/// What is remembered of every track.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Statures {
    tracks: BTreeMap<TrackId, Stature>,
}

#[derive(Clone, Debug, PartialEq)]
struct Stature {
    /// Whole boxes of the last second, oldest first.
    whole: Vec<(Instant, PixelBox)>,
    /// How high the person is, while the legs are hidden.
    hidden_px: Option<f64>,
    seen_at: Instant,
}

impl Statures {
    /// Takes somebody's box of now; returns how high they are when their legs are hidden.
    pub fn see(
        &mut self,
        track: TrackId,
        bounds: PixelBox,
        size: FrameSize,
        at: Instant,
    ) -> Option<f64> {
        let stature = self.tracks.entry(track).or_insert(Stature {
            whole: Vec::new(),
            hidden_px: None,
            seen_at: at,
        });
        stature.see(bounds, size, at)
    }

    /// Drops who has not been seen for long.
    pub fn forget(&mut self, at: Instant) {
        self.tracks.retain(|_, stature| at.since(stature.seen_at) <= FORGOTTEN_AFTER);
    }
}

impl Stature {
    fn see(&mut self, bounds: PixelBox, size: FrameSize, at: Instant) -> Option<f64> {
        self.seen_at = at;
        if let Some(height_px) = self.hidden_px {
            if bounds.height() < HEIGHT_BACK * height_px && is_half(bounds) {
                return self.hidden_px;
            }
            self.hidden_px = None;
            self.whole.clear();
        }
        self.whole.retain(|(then, _)| at.since(*then) <= REMEMBERED_FOR);
        self.hidden_px = self.standing_px(bounds);
        let margin = EDGE_NORM * size.height_px();
        let inside = bounds.top() > margin && bounds.bottom() < size.height_px() - margin;
        if self.hidden_px.is_none() && inside {
            if self.whole.len() == BOXES_KEPT {
                self.whole.remove(0);
            }
            self.whole.push((at, bounds));
        }
        self.hidden_px
    }
}

impl Stature {
    /// How high the person was of whom this is what is left; `None` when the legs did not go.
    fn standing_px(&self, now: PixelBox) -> Option<f64> {
        let before = self.whole.iter().map(|(_, before)| *before);
        let mut agreeing: Vec<f64> =
            before.filter(|before| legs_went(*before, now)).map(PixelBox::height).collect();
        agreeing.sort_by(f64::total_cmp);
        let enough = agreeing.len() as f64 >= AGREEING_SHARE * self.whole.len() as f64;
        // The middle one.
        if enough { agreeing.get(agreeing.len() / 2).copied() } else { None }
    }
}

fn is_half(now: PixelBox) -> bool {
    now.width() >= HALF_ASPECT_MIN * now.height()
}

/// Whether the legs of somebody who looked like `before` are hidden now.
fn legs_went(before: PixelBox, now: PixelBox) -> bool {
    let height = before.height();
    is_half(now)
        && now.height() < HEIGHT_KEPT_MAX * height
        && before.bottom() - now.bottom() >= BOTTOM_RISE_MIN * height
        && now.top() - before.top() <= HEAD_SINK_MAX * height
        && now.width() >= WIDTH_KEPT_MIN * before.width()
}
