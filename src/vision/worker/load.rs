//! Does the detector keep up with its cameras? If not: what is needed, what there is, who gets what.
//!
//! Judged over windows of `WINDOW`. The detector is one thread, so it has a second of work a second.
//! What is **needed** is the pictures that came times what one of their camera takes.
//!
//! Not here: whose turn it is (`deadlines`), and what the guard makes of an overload.

use std::time::Duration;

use crate::engine::time::Instant;
use crate::link::{CameraIndex, CameraLoad, Load};

/// Long enough for 25 pictures at 5 a second, so that one that was replaced by chance is no overload;
/// short enough that somebody hears of it before they have gone away from what they switched on.
const WINDOW: Duration = Duration::from_secs(5);

/// A camera of whose pictures fewer than this share are looked at does not get what it was promised.
const LOOKED_AT_MIN: f64 = 0.9;

/// Good windows after which an overload is over: a box at its limit is one alarm and not twenty.
const GOOD_WINDOWS: u32 = 3;

/// Milliseconds of work that one thread has in a second.
const AVAILABLE_MS_PER_S: f64 = 1000.0;

/// The count of one window after another.
#[derive(Debug)]
pub struct LoadMeter {
    since: Instant,
    cameras: Vec<Counts>,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Pictures that came, of all time, when the window began.
    came_before: u64,
    looked_at: u32,
    work: Duration,
    /// What a picture takes; kept for a window in which none was looked at.
    mean_ms: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nobody has been told anything.
    Unknown,
    KeepsUp,
    Overloaded {
        good_windows: u32,
    },
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadNews {
    Nothing,
    KeepsUp,
    Overloaded(Load),
}

impl LoadMeter {
    pub fn new(cameras: usize, now: Instant) -> LoadMeter {
        LoadMeter {
            since: now,
            cameras: vec![Counts::default(); cameras],
            verdict: Verdict::Unknown,
        }
    }

    /// A picture was looked at; it kept the detector busy for so long.
    pub fn looked_at(&mut self, camera: CameraIndex, work: Duration) {
        if let Some(counts) = self.cameras.get_mut(usize::from(camera)) {
            counts.looked_at += 1;
            counts.work += work;
        }
    }

    /// Judges when a window is over; `came` is how many pictures of each camera ever came.
    pub fn judge(&mut self, now: Instant, came: &[u64]) -> LoadNews {
        let span = now.since(self.since);
        if span < WINDOW {
            return LoadNews::Nothing;
        }
        self.since = now;
        let load = self.measure(span, came);
        let short = |camera: &CameraLoad| camera.looked_at_fps < LOOKED_AT_MIN * camera.came_fps;
        self.verdict = match (self.verdict, load.cameras.iter().any(short)) {
            (_, true) => Verdict::Overloaded { good_windows: 0 },
            (Verdict::Overloaded { good_windows }, false) if good_windows + 1 < GOOD_WINDOWS => {
                Verdict::Overloaded { good_windows: good_windows + 1 }
            }
            (Verdict::KeepsUp, false) => return LoadNews::Nothing,
            (Verdict::Unknown | Verdict::Overloaded { .. }, false) => Verdict::KeepsUp,
        };
        match self.verdict {
            Verdict::Overloaded { .. } => LoadNews::Overloaded(load),
            Verdict::KeepsUp | Verdict::Unknown => LoadNews::KeepsUp,
        }
    }

    fn measure(&mut self, span: Duration, came: &[u64]) -> Load {
        let seconds = span.as_secs_f64();
        let mut needed_ms_per_s = 0.0;
        let mut cameras = Vec::with_capacity(self.cameras.len());
        let all = self.cameras.iter().fold((Duration::ZERO, 0), |(work, looked_at), counts| {
            (work + counts.work, looked_at + counts.looked_at)
        });
        let usual_ms = mean_ms(all.0, all.1).unwrap_or(0.0);
        for ((camera, counts), came) in (0..).zip(&mut self.cameras).zip(came) {
            let mean = mean_ms(counts.work, counts.looked_at);
            counts.mean_ms = mean.unwrap_or(match counts.mean_ms > 0.0 {
                true => counts.mean_ms,
                false => usual_ms,
            });
            let came_fps = came.saturating_sub(counts.came_before) as f64 / seconds;
            needed_ms_per_s += came_fps * counts.mean_ms;
            let looked_at_fps = f64::from(counts.looked_at) / seconds;
            cameras.push(CameraLoad {
                camera,
                came_fps,
                looked_at_fps,
                picture_ms: counts.mean_ms,
            });
            *counts = Counts { came_before: *came, mean_ms: counts.mean_ms, ..Counts::default() };
        }
        Load { needed_ms_per_s, available_ms_per_s: AVAILABLE_MS_PER_S, cameras }
    }
}

fn mean_ms(work: Duration, pictures: u32) -> Option<f64> {
    (pictures > 0).then(|| work.as_secs_f64() * 1e3 / f64::from(pictures))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `windows` of five seconds, each with so many pictures that came and were looked at.
    fn news(windows: &[[(u64, u32); 2]]) -> Vec<LoadNews> {
        let mut meter = LoadMeter::new(2, Instant::from_millis(0));
        let mut came = [0; 2];
        let judge = |(number, window): (usize, &[(u64, u32); 2])| {
            for (camera, (coming, looked_at)) in window.iter().enumerate() {
                came[camera] += coming;
                for _ in 0..*looked_at {
                    meter.looked_at(camera as CameraIndex, Duration::from_millis(100));
                }
            }
            meter.judge(Instant::from_millis(5000 * (number as u64 + 1)), &came)
        };
        windows.iter().enumerate().map(judge).collect()
    }

    #[test]
    fn an_overload_is_told_with_what_is_needed_and_what_each_camera_gets() {
        let told = news(&[[(25, 25), (25, 24)], [(50, 30), (50, 20)]]);
        assert_eq!(told[0], LoadNews::KeepsUp);
        let LoadNews::Overloaded(load) = &told[1] else {
            panic!("{told:?}");
        };
        // Twenty pictures a second of 100 ms each.
        assert_eq!((load.needed_ms_per_s, load.available_ms_per_s), (2000.0, 1000.0));
        let got: Vec<_> = load.cameras.iter().map(|it| (it.came_fps, it.looked_at_fps)).collect();
        assert_eq!(got, [(10.0, 6.0), (10.0, 4.0)]);
    }

    #[test]
    fn one_camera_that_is_short_is_an_overload_though_the_others_are_fine() {
        assert!(matches!(news(&[[(25, 25), (25, 20)]])[0], LoadNews::Overloaded(_)));
    }

    #[test]
    fn an_overload_is_over_after_three_good_windows_and_told_until_then() {
        let (bad, good) = ([(50, 25), (50, 25)], [(25, 25), (25, 25)]);
        let told = news(&[bad, good, good, bad, good, good, good, good]);
        let overloaded: Vec<_> =
            told.iter().map(|it| matches!(it, LoadNews::Overloaded(_))).collect();
        assert_eq!(overloaded, [true, true, true, true, true, true, false, false]);
        assert_eq!((&told[6], &told[7]), (&LoadNews::KeepsUp, &LoadNews::Nothing));
    }

    #[test]
    fn cameras_without_pictures_overload_nothing() {
        assert_eq!(news(&[[(0, 0), (25, 25)]])[0], LoadNews::KeepsUp);
    }

    #[test]
    fn a_camera_that_nobody_looks_at_counts_with_what_the_others_take() {
        let told = news(&[[(50, 50), (10, 0)]]);
        let LoadNews::Overloaded(load) = &told[0] else {
            panic!("{told:?}");
        };
        assert_eq!(load.needed_ms_per_s, 1200.0);
    }
}
