//! Whose picture is looked at next: the one that must be looked at first (earliest deadline first).
//!
//! A picture is **due** one picture interval of its camera after it was taken: that is when the next
//! one makes it worthless. With these deadlines every camera is served at its own rate as long as the
//! detector can serve them all (Liu and Layland 1973, section 7). When it cannot, a newer picture
//! takes the place of the one that waits and **keeps its deadline**: so a camera's place in the queue
//! only moves forward, and no camera starves behind one that is faster.
//!
//! Not here: the pictures, and what is done when the detector cannot keep up.

use std::time::Duration;

use crate::engine::supervision::FRAME_AGE_MAX;

/// A slow camera's picture may not wait out its whole interval: half of the age at which its zones
/// become UNKNOWN leaves the other half for looking at it.
const SLACK_MAX: Duration = FRAME_AGE_MAX.checked_div(2).expect("two is not zero");

/// The deadlines of the pictures that wait, by camera.
#[derive(Debug, Default)]
pub struct Deadlines(Vec<Turn>);

#[derive(Clone, Copy, Debug)]
struct Turn {
    slack_ns: u64,
    due_ns: Option<u64>,
}

impl Deadlines {
    /// For cameras that are looked at so many times a second.
    pub fn new(fps: impl Iterator<Item = f64>) -> Deadlines {
        let turn = |fps: f64| {
            let interval = Duration::try_from_secs_f64(fps.recip()).unwrap_or(SLACK_MAX);
            let slack_ns = interval.min(SLACK_MAX).as_nanos() as u64;
            Turn { slack_ns, due_ns: None }
        };
        Deadlines(fps.map(turn).collect())
    }

    /// A picture came; one that waits already keeps its camera's place.
    pub fn came(&mut self, camera: usize, captured_ns: u64) {
        if let Some(turn) = self.0.get_mut(camera) {
            turn.due_ns.get_or_insert(captured_ns.saturating_add(turn.slack_ns));
        }
    }

    /// The camera whose picture is due first; the first of equals.
    pub fn first(&self) -> Option<usize> {
        let due = |(camera, turn): (usize, &Turn)| Some((turn.due_ns?, camera));
        self.0.iter().enumerate().filter_map(due).min().map(|(_, camera)| camera)
    }

    /// When the first of them is due.
    pub fn first_due_ns(&self) -> Option<u64> {
        self.0.iter().filter_map(|turn| turn.due_ns).min()
    }

    /// The camera's picture is being looked at.
    pub fn taken(&mut self, camera: usize) {
        if let Some(turn) = self.0.get_mut(camera) {
            turn.due_ns = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cameras get of a detector that needs `work_ms` a picture, in pictures a second over a
    /// minute, and the longest time between two looks at each, in ms.
    fn served(fps: &[f64], work_ms: u64) -> Vec<(f64, u64)> {
        const MINUTE_MS: u64 = 60_000;
        let mut deadlines = Deadlines::new(fps.iter().copied());
        let mut next_ms: Vec<f64> = fps.iter().map(|fps| 0.37 * 1000.0 / fps).collect();
        let (mut looks, mut last_ms, mut gap_ms) =
            (vec![0_u32; fps.len()], vec![0; fps.len()], vec![0; fps.len()]);
        let mut now_ms = 0;
        while now_ms < MINUTE_MS {
            for (camera, at) in next_ms.iter_mut().enumerate() {
                while *at <= now_ms as f64 {
                    deadlines.came(camera, (*at * 1e6) as u64);
                    *at += 1000.0 / fps[camera];
                }
            }
            let Some(camera) = deadlines.first() else {
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
    fn cameras_of_one_rate_share_what_there_is_evenly() {
        let got = served(&[5.0; 8], 50);
        for (rate, _) in got {
            assert!((rate - 2.5).abs() < 0.05, "{rate}");
        }
    }

    #[test]
    fn a_picture_of_a_fast_camera_is_due_before_one_of_a_slow_camera_that_is_a_little_older() {
        let mut deadlines = Deadlines::new([2.0, 10.0].into_iter());
        deadlines.came(0, 0);
        deadlines.came(1, 50_000_000);
        assert_eq!(deadlines.first(), Some(1));
        deadlines.taken(1);
        assert_eq!(deadlines.first(), Some(0));
    }
}
