//! Is anybody in the zone? Fast in, slow out, by time and not by frames (R3–R8).
//!
//! **In.** A *candidate* is a chain of detections whose anchor point is inside and which one person
//! could have produced (within reach of each other). It becomes a *presence* when, within
//! `enter_window`, it was seen at least twice, over at least `EVIDENCE_SPAN_MIN`, in at least half of
//! the pictures since it was first seen. A camera so slow that the window holds one picture only is
//! believed at once. One errant detection is therefore nothing; two looks 85 ms apart are somebody.
//!
//! **Stay.** A presence is held by any detection within reach whose anchor is inside or within a
//! margin of the edge, and a weaker score is enough for that (`HOLD_SCORE`): doubt keeps an alarm.
//!
//! **Out.** A presence ends when nothing has held it for `clear_after`; longer (`VANISHED_KEPT`) if it
//! vanished in the middle of the zone, where nobody can have left without being seen.
//!
//! Tracks play no part: chains are made of detections and reach, so a tracker that swaps, drops or
//! invents numbers changes nothing here (R4). There is no motion anywhere in it: who stands still,
//! lies or was there from the first picture on is present (R3).

use std::time::Duration;

use super::TrackId;
use super::detection::{Detection, FrameSize, PixelBox, Score};
use super::geometry::Area;
use super::time::Instant;
use super::tracking::reachable;

/// Detections from this score count as evidence of an entry. Measured: docs/design/thresholds.md.
pub const ENTER_SCORE: f32 = 0.3;

/// Detections from this score hold a presence. Measured: docs/design/thresholds.md.
pub const HOLD_SCORE: f32 = 0.2;

/// Evidence must span this long: below it, two pictures of a fast camera are one look at one ghost.
/// Just under the frame interval of a 10 fps camera, so that there two pictures in a row are enough.
pub const EVIDENCE_SPAN_MIN: Duration = Duration::from_millis(85);

/// Share of the pictures since first sight in which a candidate must have been seen.
const EVIDENCE_SHARE_MIN: f64 = 0.5;

/// Fewest detections that make an entry, unless the camera is too slow for two.
const EVIDENCE_HITS_MIN: usize = 2;

/// Two consecutive pictures may lie this far apart and still confirm each other (dropped frames).
const CONSECUTIVE_GAP_MAX: Duration = Duration::from_millis(700);

/// Outside by this much of the person's height still holds a presence.
const MARGIN_HEIGHTS: f64 = 0.08;

/// The margin is never below this, in pixels: jitter of a foot line.
const MARGIN_PX_MIN: f64 = 3.0;

/// Further from the edge than this (body heights) counts as the middle of the zone.
const MIDDLE_HEIGHTS: f64 = 0.5;

/// Somebody not seen for longer still holds the zone but is not counted: who left and who stayed in
/// a crowd would otherwise add up.
const COUNTED_FOR: Duration = Duration::from_millis(500);

/// Somebody not seen for longer, because sight was lost, is not recognised: whoever is there then
/// enters anew and alarms anew. Long enough for the vision process to be started again.
const STRANGER_AFTER: Duration = Duration::from_secs(10);

/// Reach does not grow beyond what a person can cover in this time.
const REACH_GROWS_FOR: Duration = Duration::from_secs(2);

/// Gaps between pictures that must be known before a camera counts as slow.
const GAPS_KNOWN_MIN: usize = 3;

/// Most candidates and presences kept per zone; far above any crowd a picture can hold.
const PEOPLE_MAX: usize = 256;

/// How a zone decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Evidence for an entry must fall into this span.
    pub enter_window: Duration,
    /// How long nobody must be seen before the zone is clear.
    pub clear_after: Duration,
    /// The same for somebody who vanished in the middle of the zone.
    pub vanished_after: Duration,
    /// Detections from this score count as evidence of an entry.
    pub enter_score: f32,
    /// Detections from this score hold a presence.
    pub hold_score: f32,
}

impl Rules {
    /// Chosen by measurement, see docs/design/thresholds.md.
    pub const DEFAULT: Rules = Rules {
        enter_window: Duration::from_millis(300),
        clear_after: Duration::from_millis(1000),
        vanished_after: Duration::from_millis(2000),
        enter_score: ENTER_SCORE,
        hold_score: HOLD_SCORE,
    };
}

/// One person's completed evidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    pub first_seen_at: Instant,
    pub score: Score,
    pub track: Option<TrackId>,
    pub anchor_norm: (f64, f64),
}

/// What one picture changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// People who entered, in order of the detections.
    pub arrivals: Vec<Arrival>,
    /// Set when the last person left: when somebody was last seen inside.
    pub cleared: Option<Instant>,
}

/// A zone's memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Occupancy {
    area: Area,
    rules: Rules,
    candidates: Vec<Candidate>,
    presences: Vec<Presence>,
    /// When the newest picture was taken.
    newest: Instant,
}

/// What a zone is shown of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub detections: &'a [Detection],
    /// Their anchor points, frame fractions: the same for every zone, so worked out once.
    pub anchors_norm: &'a [(f64, f64)],
    /// For each detection its track, if any; annotation only.
    pub tracks: &'a [Option<TrackId>],
    pub size: FrameSize,
    pub at: Instant,
    /// When this camera's last pictures were taken, newest last, this one included.
    pub pictures: &'a [Instant],
}

/// Somebody who may be entering.
#[derive(Clone, Debug, PartialEq)]
struct Candidate {
    hits: Vec<Hit>,
    bounds: PixelBox,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Hit {
    at: Instant,
    score: Score,
}

/// Somebody who is inside.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Presence {
    bounds: PixelBox,
    /// When a detection last held it: reach grows from here.
    seen_at: Instant,
    /// The same, moved on past times without sight: the way out is counted from here.
    held_at: Instant,
    /// Whether the last hold was far from every way out.
    in_the_middle: bool,
}

impl Occupancy {
    pub fn new(area: Area, rules: Rules) -> Occupancy {
        Occupancy {
            area,
            rules,
            candidates: Vec::new(),
            presences: Vec::new(),
            newest: Instant::ZERO,
        }
    }

    /// Where the zone is.
    pub fn area(&self) -> &Area {
        &self.area
    }

    /// People inside: those seen within `COUNTED_FOR`, and at least one while anybody holds the zone.
    pub fn people(&self) -> usize {
        let seen = |presence: &&Presence| self.newest.since(presence.seen_at) <= COUNTED_FOR;
        let count = self.presences.iter().filter(seen).count();
        count.max(usize::from(!self.presences.is_empty()))
    }

    /// How long nobody must be seen before the zone is clear.
    pub fn clear_after(&self) -> Duration {
        self.rules.clear_after
    }

    /// Takes one picture.
    pub fn look(&mut self, look: Look<'_>) -> Change {
        self.newest = look.at;
        let mut free = self.inside_or_near(look);
        self.hold(&mut free, look);
        free.retain(|spot| spot.inside && spot.detection.score.get() >= self.rules.enter_score);
        self.extend_candidates(&free, look.at);
        let arrivals = self.admit(&free, look);
        Change { arrivals, cleared: self.release(look.at) }
    }

    /// Sight is lost, or was until now: nobody is known to have left, so nobody's way out runs on.
    pub fn time_stood_still(&mut self, at: Instant) {
        for presence in &mut self.presences {
            presence.held_at = presence.held_at.max(at);
        }
    }

    fn inside_or_near(&self, look: Look<'_>) -> Vec<Spot> {
        let mut spots = Vec::new();
        let seen = look.detections.iter().zip(look.anchors_norm).enumerate();
        for (index, (&detection, &anchor_norm)) in seen {
            if detection.score.get() < self.rules.hold_score.min(self.rules.enter_score) {
                continue;
            }
            let inside = self.area.contains(anchor_norm);
            // The margin matters to somebody who was inside; without them the edge is exact.
            let near = || {
                let margin = (MARGIN_HEIGHTS * detection.bounds.height()).max(MARGIN_PX_MIN);
                self.area.is_within_px(anchor_norm, look.size, margin)
            };
            if inside || (!self.presences.is_empty() && near()) {
                spots.push(Spot { index, detection, anchor_norm, inside });
            }
        }
        spots
    }

    /// Gives each presence the nearest detection within reach; removes those from `free`.
    fn hold(&mut self, free: &mut Vec<Spot>, look: Look<'_>) {
        let mut pairs = Vec::new();
        for (p, presence) in self.presences.iter().enumerate() {
            let unseen = look.at.since(presence.seen_at);
            if unseen > STRANGER_AFTER {
                continue;
            }
            let unseen = unseen.min(REACH_GROWS_FOR).as_secs_f64();
            for (s, spot) in free.iter().enumerate() {
                let strong_enough = spot.detection.score.get() >= self.rules.hold_score;
                if strong_enough && reachable(presence.bounds, spot.detection.bounds, unseen) {
                    pairs.push((foot_distance(presence.bounds, spot.detection.bounds), p, s));
                }
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut held = vec![false; self.presences.len()];
        let mut used = vec![false; free.len()];
        for (_, p, s) in pairs {
            if held[p] || used[s] {
                continue;
            }
            (held[p], used[s]) = (true, true);
            let bounds = free[s].detection.bounds;
            let in_the_middle = self.in_the_middle(&free[s], look.size);
            self.presences[p] =
                Presence { bounds, seen_at: look.at, held_at: look.at, in_the_middle };
        }
        let mut used = used.into_iter();
        free.retain(|_| !used.next().unwrap_or(false));
    }

    /// Adds each detection to the candidate it may belong to, or starts one.
    fn extend_candidates(&mut self, free: &[Spot], at: Instant) {
        let kept = self.rules.enter_window.max(CONSECUTIVE_GAP_MAX);
        for candidate in &mut self.candidates {
            candidate.hits.retain(|hit| at.since(hit.at) <= kept);
        }
        self.candidates.retain(|candidate| !candidate.hits.is_empty());
        let mut extended = vec![false; self.candidates.len()];
        for spot in free {
            let hit = Hit { at, score: spot.detection.score };
            let nearest = (0..extended.len())
                .filter(|&c| !extended[c] && self.candidates[c].reaches(spot, at))
                .min_by(|&a, &b| {
                    let far =
                        |c: usize| foot_distance(self.candidates[c].bounds, spot.detection.bounds);
                    far(a).total_cmp(&far(b)).then(a.cmp(&b))
                });
            match nearest {
                Some(c) => {
                    extended[c] = true;
                    self.candidates[c].hits.push(hit);
                    self.candidates[c].bounds = spot.detection.bounds;
                }
                None if self.candidates.len() < PEOPLE_MAX => {
                    let bounds = spot.detection.bounds;
                    self.candidates.push(Candidate { hits: vec![hit], bounds });
                }
                None => {}
            }
        }
    }

    /// Turns candidates with enough evidence into presences.
    fn admit(&mut self, free: &[Spot], look: Look<'_>) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        for spot in free {
            let position = self.candidates.iter().position(|candidate| {
                candidate.bounds == spot.detection.bounds
                    && candidate.hits.last().is_some_and(|hit| hit.at == look.at)
            });
            let Some(position) = position else { continue };
            let evidence = self.candidates[position].evidence(look.pictures, self.rules);
            let Some((first_seen_at, score)) = evidence else {
                continue;
            };
            if self.presences.len() >= PEOPLE_MAX {
                continue;
            }
            self.candidates.remove(position);
            self.presences.push(Presence {
                bounds: spot.detection.bounds,
                seen_at: look.at,
                held_at: look.at,
                in_the_middle: self.in_the_middle(spot, look.size),
            });
            arrivals.push(Arrival {
                first_seen_at,
                score,
                track: look.tracks.get(spot.index).copied().flatten(),
                anchor_norm: spot.anchor_norm,
            });
        }
        arrivals
    }

    /// Drops presences that nothing has held for long enough.
    fn release(&mut self, at: Instant) -> Option<Instant> {
        let last = self.presences.iter().map(|presence| presence.held_at).max()?;
        let rules = self.rules;
        self.presences.retain(|presence| {
            let kept =
                if presence.in_the_middle { rules.vanished_after } else { rules.clear_after };
            at.since(presence.held_at) < kept
        });
        self.presences.is_empty().then_some(last)
    }

    /// Whether somebody seen here could not leave unseen: far from the zone's edge on all sides, and
    /// from the picture's.
    fn in_the_middle(&self, spot: &Spot, size: FrameSize) -> bool {
        let b = spot.detection.bounds;
        let reach_px = MIDDLE_HEIGHTS * b.height();
        let (x, y) = spot.anchor_norm;
        let (dx, dy) = (reach_px / size.width_px(), reach_px / size.height_px());
        let around = [(x - dx, y), (x + dx, y), (x, y - dy), (x, y + dy)];
        spot.inside && around.iter().all(|&point| self.area.contains(point))
    }
}

/// A detection inside the zone or near it.
#[derive(Clone, Copy, Debug)]
struct Spot {
    index: usize,
    detection: Detection,
    anchor_norm: (f64, f64),
    inside: bool,
}

impl Candidate {
    fn reaches(&self, spot: &Spot, at: Instant) -> bool {
        self.hits.last().is_some_and(|last| {
            reachable(self.bounds, spot.detection.bounds, at.since(last.at).as_secs_f64())
        })
    }

    /// First sight and best score, when the evidence is enough.
    fn evidence(&self, pictures: &[Instant], rules: Rules) -> Option<(Instant, Score)> {
        let now = *pictures.last()?;
        let usual_gap = usual_gap(pictures);
        let window = match pictures {
            // The last two pictures always see each other, unless far apart.
            [.., previous, _] if now.since(*previous) <= CONSECUTIVE_GAP_MAX => {
                rules.enter_window.max(now.since(*previous))
            }
            _ => rules.enter_window,
        };
        let hits: Vec<&Hit> = self.hits.iter().filter(|h| now.since(h.at) <= window).collect();
        let first = hits.first()?.at;
        let best = hits.iter().map(|hit| hit.score).max()?;
        // Where the window holds one picture only, that one must be believed.
        let slow_camera = usual_gap.is_some_and(|gap| gap > rules.enter_window);
        let chances = pictures.iter().filter(|taken| **taken >= first).count();
        let often = hits.len() >= EVIDENCE_HITS_MIN
            && hits.len() as f64 >= EVIDENCE_SHARE_MIN * chances as f64
            && now.since(first) >= EVIDENCE_SPAN_MIN;
        (often || slow_camera).then_some((first, best))
    }
}

/// The middle one of the gaps between a camera's last pictures, once a few are known.
fn usual_gap(pictures: &[Instant]) -> Option<Duration> {
    let mut gaps: Vec<Duration> = pictures.windows(2).map(|w| w[1].since(w[0])).collect();
    gaps.sort_unstable();
    if gaps.len() < GAPS_KNOWN_MIN { None } else { gaps.get(gaps.len() / 2).copied() }
}

fn foot_distance(a: PixelBox, b: PixelBox) -> f64 {
    let across = (a.left() + a.width() / 2.0) - (b.left() + b.width() / 2.0);
    across.hypot(a.bottom() - b.bottom())
}
