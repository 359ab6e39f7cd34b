//! Which pictures to keep so that no more than a wanted number a second are looked at.
//!
//! Time is cut into slots of `1 / fps`; the first picture of each slot is kept. A video at twice
//! the rate loses exactly every other picture, whatever rounding its time stamps went through.

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

#[cfg(test)]
mod tests {
    use super::*;

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
