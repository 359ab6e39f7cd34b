//! Whose picture is looked at next: the one that must be looked at first (earliest deadline first).
//!
//! A picture is **due** one picture interval of its camera after it was taken: that is when the next
//! one makes it worthless; one that comes later than that is due when it comes. With these deadlines every camera is served at its own rate as long as the
//! detector can serve them all (Liu and Layland 1973, section 7). When it cannot, a newer picture
//! takes the place of the one that waits and **keeps its deadline**: so a camera's place in the queue
//! only moves forward, and no camera starves behind one that is faster.
//!
//! A picture older than `FRAME_AGE_MAX` is **stale**: its zones are UNKNOWN whether it is looked at or
//! not. It is looked at only when no other waits: otherwise one camera behind a slow network would be
//! first at every turn, and make zones UNKNOWN that can be watched.
//!
//! Not here: the pictures, and what is done when the detector cannot keep up.

use std::time::Duration;

use crate::engine::supervision::FRAME_AGE_MAX;
use crate::engine::time::Instant;

/// A slow camera's picture may not wait out its whole interval: half of the age at which its zones
/// become UNKNOWN leaves the other half for looking at it.
const SLACK_MAX: Duration = FRAME_AGE_MAX.checked_div(2).expect("two is not zero");

/// The deadlines of the pictures that wait, by camera.
#[derive(Debug, Default)]
pub struct Deadlines(Vec<Turn>);

#[derive(Clone, Copy, Debug)]
struct Turn {
    slack_ns: u64,
    waiting: Option<Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    due_ns: u64,
    captured_ns: u64,
}

/// The instants of a picture that came, nanoseconds of CLOCK_MONOTONIC.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    pub captured_ns: u64,
    pub arrived_ns: u64,
}

/// In the order of who is looked at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Fresh,
    Stale,
}

impl Deadlines {
    /// For cameras that are looked at so many times a second.
    pub fn new(fps: impl Iterator<Item = f64>) -> Deadlines {
        let turn = |fps: f64| {
            let interval = Duration::try_from_secs_f64(fps.recip()).unwrap_or(SLACK_MAX);
            let slack_ns = interval.min(SLACK_MAX).as_nanos() as u64;
            Turn { slack_ns, waiting: None }
        };
        Deadlines(fps.map(turn).collect())
    }

    /// A picture came; one that waits already keeps its camera's place.
    pub fn came(&mut self, camera: usize, Came { captured_ns, arrived_ns }: Came) {
        if let Some(turn) = self.0.get_mut(camera) {
            let due_ns = captured_ns.saturating_add(turn.slack_ns).max(arrived_ns);
            let due_ns = turn.waiting.map_or(due_ns, |before| before.due_ns);
            turn.waiting = Some(Waiting { due_ns, captured_ns });
        }
    }

    /// The camera whose picture is due first; the first of equals, and stale ones last.
    pub fn first(&self, now: Instant) -> Option<usize> {
        let place = |(camera, turn): (usize, &Turn)| {
            let waiting = turn.waiting?;
            Some((waiting.worth(now), waiting.due_ns, camera))
        };
        self.0.iter().enumerate().filter_map(place).min().map(|(_, _, camera)| camera)
    }

    /// When the first of them is due that is not stale.
    pub fn first_due_ns(&self, now: Instant) -> Option<u64> {
        let waiting = self.0.iter().filter_map(|turn| turn.waiting);
        waiting.filter(|it| it.worth(now) == Worth::Fresh).map(|it| it.due_ns).min()
    }

    /// The camera's picture waits no longer: it is being looked at, or gone.
    pub fn taken(&mut self, camera: usize) {
        if let Some(turn) = self.0.get_mut(camera) {
            turn.waiting = None;
        }
    }
}

impl Waiting {
    fn worth(&self, now: Instant) -> Worth {
        match now.since(Instant::from_nanos(self.captured_ns)) > FRAME_AGE_MAX {
            true => Worth::Stale,
            false => Worth::Fresh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cameras get of a detector that needs `work_ms` a picture, in pictures a second over a
    /// minute, and the longest time between two looks at each, in ms.
    fn served(fps: &[f64], work_ms: u64) -> Vec<(f64, u64)> {
        served_late(fps, work_ms, 0)
    }

    /// … when the first camera's pictures come so late.
    fn served_late(fps: &[f64], work_ms: u64, late_ms: u64) -> Vec<(f64, u64)> {
        const MINUTE_MS: u64 = 60_000;
        let mut deadlines = Deadlines::new(fps.iter().copied());
        let mut next_ms: Vec<f64> = fps.iter().map(|fps| 0.37 * 1000.0 / fps).collect();
        let (mut looks, mut last_ms, mut gap_ms) =
            (vec![0_u32; fps.len()], vec![0; fps.len()], vec![0; fps.len()]);
        // Nothing is older than the clock.
        let begin_ms = 10_000;
        let mut now_ms = 0;
        while now_ms < MINUTE_MS {
            for (camera, at) in next_ms.iter_mut().enumerate() {
                while *at <= now_ms as f64 {
                    let arrived_ns = ((begin_ms as f64 + *at) * 1e6) as u64;
                    let late_ns = if camera == 0 { late_ms * 1_000_000 } else { 0 };
                    deadlines.came(camera, Came { captured_ns: arrived_ns - late_ns, arrived_ns });
                    *at += 1000.0 / fps[camera];
                }
            }
            let Some(camera) = deadlines.first(Instant::from_millis(begin_ms + now_ms)) else {
                now_ms += 1;
                continue;
            };
            deadlines.taken(camera);
            looks[camera] += 1;
            now_ms += work_ms;
            gap_ms[camera] = gap_ms[camera].max(now_ms - last_ms[camera]);
            last_ms[camera] = now_ms;
        }
        let rate = |looks: u32| f64::from(looks) / 60.0;
        looks.into_iter().map(rate).zip(gap_ms).collect()
    }

    #[test]
    fn every_camera_gets_its_own_rate_while_there_is_time_for_all() {
        // 5 + 5 + 10 + 15 pictures of 28 ms are 980 ms a second.
        for ((got, _), fps) in
            served(&[5.0, 5.0, 10.0, 15.0], 28).iter().zip([5.0, 5.0, 10.0, 15.0])
        {
            assert!(*got > 0.99 * fps - 0.1, "{got} of {fps}");
        }
    }

    #[test]
    fn no_camera_starves_behind_a_faster_one() {
        // 30 + 3 * 5 pictures of 100 ms are 4.5 s of work a second: ten can be looked at.
        let got = served(&[30.0, 5.0, 5.0, 5.0], 100);
        for (camera, (rate, gap_ms)) in got.iter().enumerate() {
            assert!(*rate > 1.5, "camera {camera} gets {rate} a second");
            assert!(*gap_ms <= 800, "camera {camera} was not looked at for {gap_ms} ms");
        }
    }

    #[test]
    fn a_camera_whose_pictures_come_too_late_starves_no_healthy_one() {
        // The late one alone is three seconds of work a second; the others are one and a half.
        for late_ms in [300, 800, 1500, 2000] {
            let got = served_late(&[30.0, 5.0, 5.0, 5.0], 100, late_ms);
            for (camera, (rate, gap_ms)) in got.iter().enumerate().skip(1) {
                assert!(*rate > 1.5, "{late_ms} ms: camera {camera} gets {rate} a second");
                assert!(*gap_ms <= 800, "{late_ms} ms: camera {camera} waits {gap_ms} ms");
            }
        }
    }

    #[test]
    fn a_camera_whose_pictures_come_late_gets_its_rate_while_there_is_time() {
        for late_ms in [300, 1500] {
            for (rate, _) in served_late(&[5.0; 4], 40, late_ms) {
                assert!(rate > 4.9, "{late_ms} ms: {rate}");
            }
        }
    }

    #[test]
    fn cameras_of_one_rate_share_what_there_is_evenly() {
        let got = served(&[5.0; 8], 50);
        for (rate, _) in got {
            assert!((rate - 2.5).abs() < 0.05, "{rate}");
        }
    }

    #[test]
    fn a_picture_of_a_fast_camera_is_due_before_one_of_a_slow_camera_that_is_a_little_older() {
        let at = |ns: u64| Came { captured_ns: ns, arrived_ns: ns };
        let mut deadlines = Deadlines::new([2.0, 10.0].into_iter());
        deadlines.came(0, at(0));
        deadlines.came(1, at(50_000_000));
        let now = Instant::from_millis(60);
        assert_eq!(deadlines.first(now), Some(1));
        deadlines.taken(1);
        assert_eq!(deadlines.first(now), Some(0));
    }

    #[test]
    fn a_stale_picture_keeps_nobody_from_looking_closer() {
        let mut deadlines = Deadlines::new([5.0; 2].into_iter());
        deadlines.came(0, Came { captured_ns: 0, arrived_ns: 1_500_000_000 });
        let now = Instant::from_millis(1500);
        assert_eq!((deadlines.first(now), deadlines.first_due_ns(now)), (Some(0), None));
        deadlines.came(1, Came { captured_ns: 1_400_000_000, arrived_ns: 1_500_000_000 });
        assert_eq!(deadlines.first(now), Some(1));
        assert_eq!(deadlines.first_due_ns(now), Some(1_600_000_000));
    }
}
