//! How the pictures of one camera come: their pace, how old they are when they are acted on, how many
//! the detector passed over, and for how long there were none to go by. Counted since the start.
//!
//! Not here: what follows from a picture that is too old; that is the engine's.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::time::Instant;
use crate::engine::{BlindCause, FrameReport};

/// The span over which pictures per second are counted.
const PACE_SPAN: Duration = Duration::from_secs(3);

/// Pictures remembered for the pace: `PACE_SPAN` at the fastest pace allowed.
const PACE_KEPT: usize = 180;

/// Ages are counted in this many classes and one beyond the last: from 5 ms on, each a tenth wider than
/// the one before, so the last ends at 2 s, where no picture is acted on any more.
pub const AGE_CLASSES: usize = 64;
const AGE_FIRST_MS: f64 = 5.0;
const AGE_STEP: f64 = 1.1;

/// What was counted since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub looked_at: u64,
    /// Newer ones came before the detector was free.
    pub passed_over: u64,
    /// Pictures by their age when they were acted on: up to each of [`age_bounds_ms`], and beyond.
    pub ages: [u64; AGE_CLASSES + 1],
    pub oldest: Duration,
    /// For how long the camera was UNKNOWN, in all.
    pub unknown: Duration,
}

/// The upper end of every class but the last, milliseconds.
pub fn age_bounds_ms() -> [f64; AGE_CLASSES] {
    let mut end = AGE_FIRST_MS;
    [(); AGE_CLASSES].map(|()| {
        let this = (end * 10.0).round() / 10.0;
        end *= AGE_STEP;
        this
    })
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            looked_at: 0,
            passed_over: 0,
            ages: [0; AGE_CLASSES + 1],
            oldest: Duration::ZERO,
            unknown: Duration::ZERO,
        }
    }
}

impl Tally {
    /// The age that this share of all pictures did not exceed, milliseconds: the upper end of its
    /// class, and never more than the oldest. `None` before the first picture.
    pub fn age_ms(&self, share: f64) -> Option<f64> {
        let wanted = (share * self.looked_at as f64).ceil().max(1.0) as u64;
        let mut so_far = 0;
        let class = self.ages.iter().position(|count| {
            so_far += count;
            so_far >= wanted
        })?;
        let oldest_ms = self.oldest.as_secs_f64() * 1e3;
        Some(age_bounds_ms().get(class).map_or(oldest_ms, |end| end.min(oldest_ms)))
    }

    fn count(&mut self, age: Duration) {
        let age_ms = age.as_secs_f64() * 1e3;
        let class = age_bounds_ms().partition_point(|end| *end < age_ms);
        self.looked_at += 1;
        self.ages[class] += 1;
        self.oldest = self.oldest.max(age);
    }
}

/// The pictures of one camera.
#[derive(Debug)]
pub struct Pictures {
    /// When the newest ones came.
    pace: VecDeque<Instant>,
    captured_at: Option<Instant>,
    tally: Tally,
    /// What this vision process has said of pictures passed over; the next one begins at 0.
    passed_over_said: u64,
    unknown_since: Option<Instant>,
}

impl Pictures {
    /// Of a camera that is UNKNOWN until its first picture.
    pub fn new(now: Instant) -> Pictures {
        Pictures {
            pace: VecDeque::with_capacity(PACE_KEPT),
            captured_at: None,
            tally: Tally::default(),
            passed_over_said: 0,
            unknown_since: Some(now),
        }
    }

    /// One was looked at. `passed_over`: in the life of its vision process.
    pub fn seen(&mut self, frame: &FrameReport, passed_over: u64, now: Instant) {
        self.captured_at = Some(frame.captured_at);
        if self.pace.len() == PACE_KEPT {
            self.pace.pop_front();
        }
        self.pace.push_back(now);
        self.tally.count(now.since(frame.captured_at));
        let more = passed_over.checked_sub(self.passed_over_said).unwrap_or(passed_over);
        self.tally.passed_over = self.tally.passed_over.saturating_add(more);
        self.passed_over_said = passed_over;
    }

    /// Whether its zones are watched now.
    pub fn judged(&mut self, blind: Option<BlindCause>, now: Instant) {
        match (blind, self.unknown_since) {
            (Some(_), None) => self.unknown_since = Some(now),
            (None, Some(since)) => {
                self.tally.unknown += now.since(since);
                self.unknown_since = None;
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    pub fn tally(&self, now: Instant) -> Tally {
        let unknown = self.unknown_since.map_or(Duration::ZERO, |since| now.since(since));
        Tally { unknown: self.tally.unknown + unknown, ..self.tally.clone() }
    }

    /// Pictures a second over `PACE_SPAN`.
    pub fn fps(&mut self, now: Instant) -> f64 {
        while self.pace.front().is_some_and(|&at| now.since(at) > PACE_SPAN) {
            self.pace.pop_front();
        }
        match (self.pace.front(), self.pace.back()) {
            // Gaps between pictures, not pictures: n of them span n - 1 gaps.
            (Some(&first), Some(&last)) if last > first => {
                (self.pace.len() - 1) as f64 / last.since(first).as_secs_f64()
            }
            _ => 0.0,
        }
    }

    /// How old the newest one is now.
    pub fn age_ms(&self, now: Instant) -> Option<u64> {
        let age = now.since(self.captured_at?).as_millis();
        u64::try_from(age).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::CameraIndex;
    use crate::engine::detection::FrameSize;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn frame(captured_ms: u64) -> FrameReport {
        FrameReport {
            camera: CameraIndex(0),
            frame: 0,
            size: FrameSize::new(640, 480).expect("a size"),
            captured_at: at(captured_ms),
            detections: vec![],
        }
    }

    #[test]
    fn the_age_that_a_share_of_pictures_did_not_exceed_is_known_to_a_tenth() {
        let mut pictures = Pictures::new(at(0));
        assert_eq!(pictures.tally(at(0)).age_ms(0.5), None);
        for n in 0..1000 {
            let age_ms = if n % 50 == 49 { 300 } else { 60 };
            pictures.seen(&frame(n * 200), 0, at(n * 200 + age_ms));
        }
        pictures.seen(&frame(300_000), 0, at(305_000));
        let tally = pictures.tally(at(310_000));
        for (share, ms) in [(0.5, 60.0), (0.97, 60.0), (0.99, 300.0), (1.0, 5000.0)] {
            let said = tally.age_ms(share).expect("pictures came");
            assert!((ms..=ms * AGE_STEP + 0.1).contains(&said), "{share}: {said}");
        }
        assert_eq!((tally.looked_at, tally.ages[AGE_CLASSES]), (1001, 1));
    }

    #[test]
    fn pictures_passed_over_add_up_over_vision_processes() {
        let mut pictures = Pictures::new(at(0));
        for (n, passed_over) in [0, 2, 2, 5, 1, 4].into_iter().enumerate() {
            pictures.seen(&frame(0), passed_over, at(n as u64));
        }
        assert_eq!(pictures.tally(at(9)).passed_over, 5 + 4);
    }

    #[test]
    fn the_time_without_a_watched_view_adds_up_and_goes_on() {
        let mut pictures = Pictures::new(at(0));
        pictures.judged(None, at(2000));
        pictures.judged(Some(BlindCause::NoFrames), at(5000));
        pictures.judged(Some(BlindCause::SourceLost), at(6000));
        assert_eq!(pictures.tally(at(6500)).unknown, Duration::from_millis(3500));
        pictures.judged(None, at(7000));
        assert_eq!(pictures.tally(at(60_000)).unknown, Duration::from_secs(4));
    }
}
