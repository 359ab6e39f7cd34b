//! Who in this picture is whom in the last one.
//!
//! ByteTrack's idea (Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection
//! Box", 2022): strong detections are matched first, then the weak ones to the tracks left over, so
//! that a person who fades keeps their number. Motion is a Kalman filter per coordinate with constant
//! velocity, in *seconds*, not frames.
//!
//! The tracker annotates and draws. **No decision rests on it** (R4): zones look at detections, and a
//! swapped, missing or new number can neither end nor prevent an alarm.
//!
//! A match that needs a person to move faster than `SPEED_MAX_HEIGHTS_PER_S` is not made: the far
//! detection starts a tentative track of its own and inherits nothing (R8).

use std::time::Duration;

use super::TrackId;
use super::assignment::assign;
use super::detection::{Detection, PixelBox, Score};
use super::time::Instant;

/// Detections from this score start tracks and are matched first.
pub const STRONG_SCORE: f32 = 0.35;

/// Detections from this score keep a track alive.
pub const WEAK_SCORE: f32 = 0.12;

/// Fastest motion believed, in body heights a second: 5 × 1.75 m ≈ 8.7 m/s, a sprinter. ISO 13855
/// reckons with 1.6 m/s for walking.
pub const SPEED_MAX_HEIGHTS_PER_S: f64 = 5.0;

/// Box jitter allowed on top of motion, in body heights: a box that grows from head to whole body
/// moves its centre by half a height.
pub const JITTER_HEIGHTS: f64 = 0.5;

/// A track is confirmed by this many detections.
const CONFIRM_HITS: u32 = 2;

/// A confirmed track that is not seen is kept this long: people pass behind things.
const LOST_KEPT: Duration = Duration::from_millis(2000);

/// A tentative one, shorter: ghosts must not pile up.
const TENTATIVE_KEPT: Duration = Duration::from_millis(350);

/// Most tracks per camera. A picture with more people than this is a fault of the detector.
const TRACKS_MAX: usize = 512;

/// Matches with less overlap than this (of the widened boxes) are not made: 1 − IoU at most 0.9.
const COST_MAX_STRONG: f64 = 0.9;
/// Weak detections are often half a person; they must overlap well to count.
const COST_MAX_WEAK: f64 = 0.6;

/// A person followed over several pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    id: TrackId,
    motion: Motion,
    bounds: PixelBox,
    score: Score,
    hits: u32,
    last_seen: Instant,
    /// Position in the newest picture's detections, when seen there.
    detection: Option<usize>,
}

/// All tracks of one camera.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tracker {
    tracks: Vec<Track>,
    last_id: u64,
    last_frame: Option<Instant>,
}

impl Track {
    /// The track's number.
    pub fn id(&self) -> TrackId {
        self.id
    }

    /// The box of the newest detection, frame pixels.
    pub fn bounds(&self) -> PixelBox {
        self.bounds
    }

    /// The score of the newest detection.
    pub fn score(&self) -> Score {
        self.score
    }

    fn confirmed(&self) -> bool {
        self.hits >= CONFIRM_HITS
    }

    fn keeps_until(&self) -> Instant {
        self.last_seen.after(if self.confirmed() { LOST_KEPT } else { TENTATIVE_KEPT })
    }
}

impl Tracker {
    /// Takes the detections of one picture; returns for each the track it belongs to, if any.
    pub fn update(&mut self, detections: &[Detection], at: Instant) -> Vec<Option<TrackId>> {
        let elapsed = self.last_frame.map_or(0.0, |last| at.since(last).as_secs_f64());
        self.last_frame = Some(at);
        for track in &mut self.tracks {
            track.motion.predict(elapsed);
            track.detection = None;
        }
        self.match_detections(detections, at, CONFIRMED_FIRST, STRONG_SCORE, COST_MAX_STRONG);
        self.match_detections(detections, at, CONFIRMED_FIRST, WEAK_SCORE, COST_MAX_WEAK);
        self.match_detections(detections, at, TENTATIVE, STRONG_SCORE, COST_MAX_STRONG);
        self.tracks.retain(|track| track.detection.is_some() || at < track.keeps_until());
        self.start_tracks(detections, at);
        let mut ids = vec![None; detections.len()];
        for track in &self.tracks {
            if let Some(index) = track.detection {
                ids[index] = Some(track.id);
            }
        }
        ids
    }

    /// Confirmed tracks seen in the newest picture.
    pub fn seen(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(|track| track.confirmed() && track.detection.is_some())
    }

    fn match_detections(
        &mut self,
        detections: &[Detection],
        at: Instant,
        eligible: fn(&Track) -> bool,
        score_min: f32,
        cost_max: f64,
    ) {
        let taken: Vec<usize> = self.tracks.iter().filter_map(|track| track.detection).collect();
        let free: Vec<usize> = (0..detections.len())
            .filter(|i| detections[*i].score.get() >= score_min && !taken.contains(i))
            .collect();
        let waiting: Vec<usize> = (0..self.tracks.len())
            .filter(|&i| self.tracks[i].detection.is_none() && eligible(&self.tracks[i]))
            .collect();
        // Asked for many times over, and dear: worked out once.
        let mut costs = Vec::with_capacity(waiting.len() * free.len());
        for &row in &waiting {
            let expected = self.tracks[row].expected(at);
            costs.extend(free.iter().map(|&column| expected.cost(detections[column].bounds)));
        }
        let cost = |row: usize, column: usize| costs[row * free.len() + column];
        let pairs = assign(waiting.len(), free.len(), cost_max, cost);
        for (row, column) in pairs {
            let index = free[column];
            self.tracks[waiting[row]].see(index, detections[index], at);
        }
    }

    fn start_tracks(&mut self, detections: &[Detection], at: Instant) {
        let taken: Vec<usize> = self.tracks.iter().filter_map(|track| track.detection).collect();
        for (index, detection) in detections.iter().enumerate() {
            let strong = detection.score.get() >= STRONG_SCORE;
            if !strong || taken.contains(&index) || self.tracks.len() >= TRACKS_MAX {
                continue;
            }
            self.last_id += 1;
            self.tracks.push(Track {
                id: TrackId(self.last_id),
                motion: Motion::new(detection.bounds),
                bounds: detection.bounds,
                score: detection.score,
                hits: 1,
                last_seen: at,
                detection: Some(index),
            });
        }
    }
}

const CONFIRMED_FIRST: fn(&Track) -> bool = |track| track.confirmed();
const TENTATIVE: fn(&Track) -> bool = |track| !track.confirmed();

impl Track {
    fn see(&mut self, index: usize, detection: Detection, at: Instant) {
        self.motion.correct(detection.bounds);
        self.bounds = detection.bounds;
        self.score = detection.score;
        self.hits = self.hits.saturating_add(1);
        self.last_seen = at;
        self.detection = Some(index);
    }

    /// What is asked of whoever is to be this track's now.
    fn expected(&self, at: Instant) -> Expected {
        let unseen = at.since(self.last_seen).as_secs_f64();
        let widen = (0.15 + 0.5 * unseen).min(0.6);
        let predicted = self.motion.bounds().and_then(|predicted| widened(predicted, widen));
        Expected { last: self.bounds, unseen, predicted, widen }
    }
}

/// Where a track should be seen now.
struct Expected {
    last: PixelBox,
    /// Seconds since then.
    unseen: f64,
    /// The predicted box, widened.
    predicted: Option<PixelBox>,
    widen: f64,
}

impl Expected {
    /// 1 − IoU of the predicted and the seen box, both widened by what a person may move while the
    /// camera looks away, so that fast or rarely seen people still overlap; 1 beyond belief.
    fn cost(&self, seen: PixelBox) -> f64 {
        if !reachable(self.last, seen, self.unseen) {
            return 1.0;
        }
        match (self.predicted, widened(seen, self.widen)) {
            (Some(predicted), Some(seen)) => 1.0 - predicted.iou(seen),
            (None, _) | (_, None) => 1.0,
        }
    }
}

/// Whether one person can be at both places, `seconds` apart.
///
/// Feet and heads are compared, and the nearer pair counts: a box that is cut or half hidden has
/// one of the two in the wrong place.
pub fn reachable(from: PixelBox, to: PixelBox, seconds: f64) -> bool {
    let height = from.height().max(to.height());
    let reach = (JITTER_HEIGHTS + SPEED_MAX_HEIGHTS_PER_S * seconds) * height;
    let across = (from.left() + from.width() / 2.0) - (to.left() + to.width() / 2.0);
    // Answers for nearly everybody.
    if across.abs() > reach {
        return false;
    }
    let feet = from.bottom() - to.bottom();
    let heads = from.top() - to.top();
    // The root rounds alike on every machine, which `hypot` does not, and is a third of the work.
    (across * across + (feet * feet).min(heads * heads)).sqrt() <= reach
}

fn widened(b: PixelBox, share: f64) -> Option<PixelBox> {
    let (dx, dy) = (b.width() * share, b.height() * share);
    PixelBox::new(b.left() - dx, b.top() - dy, b.width() + 2.0 * dx, b.height() + 2.0 * dy)
}

/// Where a person is and how fast they move: centre, foot line, height and width, each by itself.
#[derive(Clone, Debug, PartialEq)]
struct Motion {
    centre: Axis,
    bottom: Axis,
    width: Axis,
    height: Axis,
}

impl Motion {
    fn new(b: PixelBox) -> Motion {
        let h = b.height();
        Motion {
            centre: Axis::new(b.left() + b.width() / 2.0, h),
            bottom: Axis::new(b.bottom(), h),
            width: Axis::new(b.width(), h),
            height: Axis::new(h, h),
        }
    }

    fn predict(&mut self, seconds: f64) {
        let h = self.height.position.max(1.0);
        self.centre.predict(seconds, ACCELERATION_HEIGHTS * h);
        self.bottom.predict(seconds, ACCELERATION_HEIGHTS * h);
        self.width.predict(seconds, SHAPE_ACCELERATION_HEIGHTS * h);
        self.height.predict(seconds, SHAPE_ACCELERATION_HEIGHTS * h);
    }

    fn correct(&mut self, b: PixelBox) {
        let noise = MEASUREMENT_HEIGHTS * b.height();
        self.centre.correct(b.left() + b.width() / 2.0, noise);
        self.bottom.correct(b.bottom(), noise);
        self.width.correct(b.width(), noise);
        self.height.correct(b.height(), noise);
    }

    fn bounds(&self) -> Option<PixelBox> {
        let (w, h) = (self.width.position, self.height.position);
        PixelBox::new(self.centre.position - w / 2.0, self.bottom.position - h, w, h)
    }
}

/// How hard people accelerate, body heights per second squared: about 3.5 m/s² at a start.
const ACCELERATION_HEIGHTS: f64 = 2.0;
/// Boxes change their shape slower than people move.
const SHAPE_ACCELERATION_HEIGHTS: f64 = 0.5;
/// Jitter of a box edge, standard deviation in body heights (ByteTrack uses 1/20 as well).
const MEASUREMENT_HEIGHTS: f64 = 0.05;

/// A coordinate with its velocity and their covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    position: f64,
    velocity: f64,
    var_position: f64,
    covariance: f64,
    var_velocity: f64,
}

impl Axis {
    /// `height` is the person's, in pixels: the scale of all uncertainty.
    fn new(position: f64, height: f64) -> Axis {
        Axis {
            position,
            velocity: 0.0,
            var_position: (2.0 * MEASUREMENT_HEIGHTS * height).powi(2),
            covariance: 0.0,
            // Nobody has said yet how fast this person walks: one body height a second.
            var_velocity: height.powi(2),
        }
    }

    fn predict(&mut self, dt: f64, acceleration: f64) {
        let q = acceleration * acceleration;
        self.position += self.velocity * dt;
        self.var_position +=
            dt * (2.0 * self.covariance + dt * self.var_velocity) + q * dt.powi(4) / 4.0;
        self.covariance += dt * self.var_velocity + q * dt.powi(3) / 2.0;
        self.var_velocity += q * dt * dt;
    }

    fn correct(&mut self, measured: f64, noise: f64) {
        let innovation = measured - self.position;
        let total = self.var_position + noise * noise;
        let (gain, velocity_gain) = (self.var_position / total, self.covariance / total);
        self.position += gain * innovation;
        self.velocity += velocity_gain * innovation;
        self.var_velocity -= velocity_gain * self.covariance;
        self.covariance -= velocity_gain * self.var_position;
        self.var_position -= gain * self.var_position;
    }
}
