//! Which pictures to keep so that no more than a wanted number a second are looked at.
//!
//! A video: time is cut into slots of `1 / fps`; the first picture of each slot is kept. A video at
//! twice the rate loses exactly every other picture, whatever rounding its time stamps went through.
//!
//! Live: a picture is kept when the next one is due, or nearly. A camera's clock is not the box's, so
//! its pictures drift through any slots; at their edges every other picture would be lost for a while.

use std::time::Duration;

/// Highest rate that can be asked for, in pictures a second.
pub const FPS_MAX: f64 = 240.0;

/// Share of a slot by which a picture may be early and still belong to the next slot. Containers
/// round time stamps to a millisecond or worse; a quarter of a slot covers 33 ms written as 30.
const EARLY_SHARE: f64 = 0.25;

/// Decides picture by picture.
#[derive(Clone, Debug)]
pub struct RateLimit {
    fps: Option<f64>,
    start: Option<Duration>,
    last_slot: Option<i64>,
}

/// The same for a camera.
#[derive(Clone, Debug)]
pub struct LiveRateLimit {
    every_s: Option<f64>,
    /// When the next picture is due, and when the last one was taken, seconds.
    due_s: Option<f64>,
    last_s: f64,
}

/// What to do with a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Drop,
}

impl RateLimit {
    /// `None` keeps everything. The rate is taken as it is: `checked_fps` comes before.
    pub fn new(fps: Option<f64>) -> RateLimit {
        RateLimit { fps, start: None, last_slot: None }
    }

    /// The verdict for the next picture, by its presentation time.
    pub fn judge(&mut self, time: Duration) -> Verdict {
        let Some(fps) = self.fps else {
            return Verdict::Keep;
        };
        let start = *self.start.get_or_insert(time);
        let since = time.as_secs_f64() - start.as_secs_f64();
        let slot = (since * fps + EARLY_SHARE).floor() as i64;
        // Not "later than": a video whose time jumps back must not go blind.
        if self.last_slot == Some(slot) {
            return Verdict::Drop;
        }
        self.last_slot = Some(slot);
        Verdict::Keep
    }
}

impl LiveRateLimit {
    /// `None` keeps everything.
    pub fn new(fps: Option<f64>) -> LiveRateLimit {
        LiveRateLimit { every_s: fps.map(|fps| 1.0 / fps), due_s: None, last_s: 0.0 }
    }

    /// The verdict for the next picture, by its presentation time.
    pub fn judge(&mut self, time: Duration) -> Verdict {
        let now_s = time.as_secs_f64();
        let Some(every_s) = self.every_s else {
            return Verdict::Keep;
        };
        let jumped_back = now_s < self.last_s;
        self.last_s = now_s;
        match self.due_s {
            Some(due_s) if !jumped_back && now_s < due_s - EARLY_SHARE * every_s => Verdict::Drop,
            // A whole picture late: what was missed is not made up for.
            Some(due_s) if !jumped_back && now_s < due_s + every_s => {
                self.due_s = Some(due_s + every_s);
                Verdict::Keep
            }
            Some(_) | None => {
                self.due_s = Some(now_s + every_s);
                Verdict::Keep
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a camera's pictures are kept; its clock is wrong by `drift`, each picture early or
    /// late by up to `jitter_s`.
    fn kept_live(camera_fps: f64, fps: f64, drift: f64, jitter_s: f64, count: u32) -> usize {
        let mut limit = LiveRateLimit::new(Some(fps));
        let shaken = |n: u32| jitter_s * (f64::from(n * 7919 % 101) / 50.0 - 1.0);
        let time = |n: u32| 1.0 + f64::from(n) / camera_fps * (1.0 + drift) + shaken(n);
        (0..count)
            .filter(|n| limit.judge(Duration::from_secs_f64(time(*n))) == Verdict::Keep)
            .count()
    }

    #[test]
    fn a_camera_whose_clock_drifts_through_ours_loses_hardly_a_picture() {
        for drift in [-3e-4, -1e-5, 0.0, 1e-5, 3e-4] {
            let kept = kept_live(5.0, 5.0, drift, 0.01, 50_000);
            assert!(kept >= 49_980, "{kept} of 50000 at a drift of {drift}");
        }
    }

    #[test]
    fn a_faster_camera_is_looked_at_as_often_as_wanted() {
        for camera_fps in [7.0, 12.5, 25.0] {
            let kept = kept_live(camera_fps, 5.0, 0.0, 0.005, 10_000) as f64;
            let wanted = 10_000.0 / camera_fps * 5.0;
            assert!((kept / wanted - 1.0).abs() < 0.01, "{kept} of {wanted} at {camera_fps}");
        }
    }

    #[test]
    fn a_camera_that_pauses_or_starts_its_time_anew_is_not_left_out() {
        let mut limit = LiveRateLimit::new(Some(5.0));
        for seconds in [0.0, 0.2, 3.0, 3.2, 0.1, 0.3] {
            assert_eq!(limit.judge(Duration::from_secs_f64(seconds)), Verdict::Keep, "{seconds}");
        }
        assert_eq!(limit.judge(Duration::from_secs_f64(0.35)), Verdict::Drop);
    }

    fn kept(source_fps: f64, fps: f64, round_ms: bool, count: u32) -> Vec<u32> {
        let mut limit = RateLimit::new(Some(fps));
        (0..count)
            .filter(|n| {
                let exact = f64::from(*n) / source_fps + 0.08;
                let time = match round_ms {
                    true => (exact * 1000.0).floor() / 1000.0,
                    false => exact,
                };
                limit.judge(Duration::from_secs_f64(time)) == Verdict::Keep
            })
            .collect()
    }

    #[test]
    fn half_the_rate_keeps_exactly_every_other_picture() {
        let even: Vec<u32> = (0..1000).step_by(2).collect();
        assert_eq!(kept(10.0, 5.0, false, 1000), even);
        assert_eq!(kept(10.0, 5.0, true, 1000), even);
        assert_eq!(kept(30.0, 15.0, true, 1000), even);
    }

    #[test]
    fn a_third_of_the_rate_keeps_exactly_every_third_picture() {
        let thirds: Vec<u32> = (0..3000).step_by(3).collect();
        assert_eq!(kept(30.0, 10.0, false, 3000), thirds);
        assert_eq!(kept(30.0, 10.0, true, 3000), thirds);
    }

    #[test]
    fn a_rate_at_or_above_the_source_keeps_everything() {
        assert_eq!(kept(10.0, 10.0, true, 500).len(), 500);
        assert_eq!(kept(10.0, 25.0, true, 500).len(), 500);
    }

    #[test]
    fn rate_that_does_not_divide_is_met_on_average() {
        assert_eq!(kept(30.0, 20.0, true, 300).len(), 200);
        assert_eq!(kept(29.97, 10.0, true, 2997).len(), 1000);
    }

    #[test]
    fn time_that_jumps_back_does_not_blind() {
        let mut limit = RateLimit::new(Some(5.0));
        assert_eq!(limit.judge(Duration::from_secs(60)), Verdict::Keep);
        assert_eq!(limit.judge(Duration::from_secs(1)), Verdict::Keep);
        assert_eq!(limit.judge(Duration::from_secs(2)), Verdict::Keep);
    }
}
