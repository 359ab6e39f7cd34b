//! When a few detections are somebody: the rule shared by entries and crossings.
//!
//! Twice, over at least `EVIDENCE_SPAN_MIN`, in at least half of the pictures since first sight, all
//! within the entry window. A camera so slow that the window holds one picture is believed at once.

use std::time::Duration;

use super::super::detection::Score;
use super::super::time::Instant;
use super::Rules;

/// Evidence must span this long: below it, two pictures of a fast camera are one look at one ghost.
/// Just under the frame interval of a 10 fps camera, so that there two pictures in a row are enough.
pub const EVIDENCE_SPAN_MIN: Duration = Duration::from_millis(85);

/// Share of the pictures since first sight in which a candidate must have been seen.
const EVIDENCE_SHARE_MIN: f64 = 0.5;

/// Fewest detections that make an entry, unless the camera is too slow for two.
const EVIDENCE_HITS_MIN: usize = 2;

/// Two consecutive pictures may lie this far apart and still confirm each other (dropped frames).
const CONSECUTIVE_GAP_MAX: Duration = Duration::from_millis(700);

/// Gaps between pictures that must be known before a camera counts as slow.
const GAPS_KNOWN_MIN: usize = 3;

/// One detection that speaks for somebody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hit {
    pub at: Instant,
    pub score: Score,
}

/// When a camera takes its pictures. Worked out once a picture, for all its zones.
#[derive(Clone, Copy, Debug)]
pub struct Pace<'a> {
    /// When the last pictures were taken, newest last.
    pictures: &'a [Instant],
    /// The middle one of the gaps between them, once a few are known.
    usual_gap: Option<Duration>,
}

impl<'a> Pace<'a> {
    pub fn of(pictures: &'a [Instant]) -> Pace<'a> {
        let mut gaps: Vec<Duration> = pictures.windows(2).map(|w| w[1].since(w[0])).collect();
        gaps.sort_unstable();
        let known = gaps.len() >= GAPS_KNOWN_MIN;
        let usual_gap = if known { gaps.get(gaps.len() / 2).copied() } else { None };
        Pace { pictures, usual_gap }
    }

    /// How far back evidence reaches from the newest picture. What is older will never be evidence
    /// again: it ages at least as fast as this grows.
    pub(super) fn window(self, rules: Rules) -> Duration {
        match self.pictures {
            // The last two pictures always see each other, unless far apart.
            [.., previous, now] if now.since(*previous) <= CONSECUTIVE_GAP_MAX => {
                rules.enter_window.max(now.since(*previous))
            }
            _ => rules.enter_window,
        }
    }

    /// First sight and best score, when these hits, oldest first, are somebody.
    pub(super) fn evidence(self, hits: &[Hit], rules: Rules) -> Option<(Instant, Score)> {
        let now = *self.pictures.last()?;
        let window = self.window(rules);
        let old = hits.partition_point(|hit| now.since(hit.at) > window);
        let hits = &hits[old..];
        let first = hits.first()?.at;
        let best = hits.iter().map(|hit| hit.score).max()?;
        // Where the window holds one picture only, that one must be believed.
        let slow_camera = self.usual_gap.is_some_and(|gap| gap > rules.enter_window);
        let chances = self.pictures.iter().rev().take_while(|taken| **taken >= first).count();
        let often = hits.len() >= EVIDENCE_HITS_MIN
            && hits.len() as f64 >= EVIDENCE_SHARE_MIN * chances as f64
            && now.since(first) >= EVIDENCE_SPAN_MIN;
        (often || slow_camera).then_some((first, best))
    }
}
