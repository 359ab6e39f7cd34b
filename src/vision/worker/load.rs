//! Does the detector keep up with its cameras? If not: what is needed, what there is, who gets what.
//!
//! Judged over windows of `WINDOW`. The detector is one thread, so it has a second of work a second.
//! A picture **came** in the window in which it was looked at or a newer one took its place: one that
//! still waits is nobody's fault yet. What is **needed** is the pictures that came times what one of
//! their camera takes, with all that the thread does for it.
//!
//! A camera that gets too little while there is time for all is no overload: its pictures come in
//! bursts, behind a network that stops and goes. That is said in the log.
//!
//! Not here: whose turn it is (`deadlines`), and what the guard makes of an overload.

use std::time::Duration;

use crate::engine::time::Instant;
use crate::link::{CameraIndex, CameraLoad, Load, Served};

/// Long enough for 25 pictures at 5 a second, so that one that was replaced by chance is no overload;
/// short enough that somebody hears of it before they have gone away from what they switched on.
const WINDOW: Duration = Duration::from_secs(5);

/// A camera of whose pictures fewer than this many in ten are looked at, one picture aside, does not
/// get what it was promised.
const LOOKED_AT_OF_TEN: u64 = 9;

/// Share of the thread's time from which pictures get too little because of it. Whatever comes a
/// little early or late needs the rest.
const BUSY_SHARE: f64 = 0.9;

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
    /// Windows with a camera that got too little, though there was time.
    bursts: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Pictures that were replaced, of all time, when the window began.
    replaced_before: u64,
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
            bursts: 0,
        }
    }

    /// A picture was looked at; it kept the detector's thread busy for so long.
    pub fn looked_at(&mut self, camera: CameraIndex, work: Duration) {
        if let Some(counts) = self.cameras.get_mut(usize::from(camera)) {
            counts.looked_at += 1;
            counts.work += work;
        }
    }

    /// Judges when a window is over; `replaced` is how many pictures of each camera were ever replaced
    /// by a newer one.
    pub fn judge(&mut self, now: Instant, replaced: &[u64]) -> LoadNews {
        let span = now.since(self.since);
        if span < WINDOW {
            return LoadNews::Nothing;
        }
        self.since = now;
        let load = self.measure(span, replaced);
        let short = load.cameras.iter().any(|camera| camera.served == Served::TooLittle);
        let busy = load.needed_ms_per_s >= BUSY_SHARE * load.available_ms_per_s;
        if short && !busy {
            self.tell_bursts(&load);
        }
        self.verdict = match (self.verdict, short && busy) {
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

    /// Seldom: what comes in bursts does so all day.
    fn tell_bursts(&mut self, load: &Load) {
        self.bursts += 1;
        if self.bursts.is_power_of_two() {
            for camera in load.cameras.iter().filter(|it| it.served == Served::TooLittle) {
                tracing::warn!(
                    camera = camera.camera,
                    came_fps = camera.came_fps,
                    looked_at_fps = camera.looked_at_fps,
                    times = self.bursts,
                    "pictures came in bursts and replaced each other, though there was time for all"
                );
            }
        }
    }

    fn measure(&mut self, span: Duration, replaced: &[u64]) -> Load {
        let seconds = span.as_secs_f64();
        let mut needed_ms_per_s = 0.0;
        let mut cameras = Vec::with_capacity(self.cameras.len());
        let all = self.cameras.iter().fold((Duration::ZERO, 0), |(work, looked_at), counts| {
            (work + counts.work, looked_at + counts.looked_at)
        });
        let usual_ms = mean_ms(all.0, all.1).unwrap_or(0.0);
        for ((camera, counts), replaced) in (0..).zip(&mut self.cameras).zip(replaced) {
            let mean = mean_ms(counts.work, counts.looked_at);
            counts.mean_ms = mean.unwrap_or(match counts.mean_ms > 0.0 {
                true => counts.mean_ms,
                false => usual_ms,
            });
            let looked_at = u64::from(counts.looked_at);
            let came = looked_at + replaced.saturating_sub(counts.replaced_before);
            let came_fps = came as f64 / seconds;
            needed_ms_per_s += came_fps * counts.mean_ms;
            let looked_at_fps = f64::from(counts.looked_at) / seconds;
            cameras.push(CameraLoad {
                camera,
                came_fps,
                looked_at_fps,
                picture_ms: counts.mean_ms,
                served: served(looked_at, came),
            });
            let mean_ms = counts.mean_ms;
            *counts = Counts { replaced_before: *replaced, mean_ms, ..Counts::default() };
        }
        Load { needed_ms_per_s, available_ms_per_s: AVAILABLE_MS_PER_S, cameras }
    }
}

/// Whole numbers: of ten pictures nine are nine tenths, however long the window was.
fn served(looked_at: u64, came: u64) -> Served {
    match 10 * (looked_at + 1) < LOOKED_AT_OF_TEN * came {
        true => Served::TooLittle,
        false => Served::Enough,
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
        news_of(windows, 100)
    }

    /// … each of which takes so long.
    fn news_of(windows: &[[(u64, u32); 2]], work_ms: u64) -> Vec<LoadNews> {
        let mut meter = LoadMeter::new(2, Instant::from_millis(0));
        let mut replaced = [0; 2];
        let judge = |(number, window): (usize, &[(u64, u32); 2])| {
            for (camera, (coming, looked_at)) in window.iter().enumerate() {
                replaced[camera] += coming - u64::from(*looked_at);
                for _ in 0..*looked_at {
                    meter.looked_at(camera as CameraIndex, Duration::from_millis(work_ms));
                }
            }
            // Windows are never quite as long as they should be.
            meter.judge(Instant::from_millis(5013 * (number as u64 + 1)), &replaced)
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
        assert_eq!((load.needed_ms_per_s.round(), load.available_ms_per_s), (1995.0, 1000.0));
        let got = load.cameras.iter().map(|it| (it.came_fps.round(), it.looked_at_fps.round()));
        assert_eq!(got.collect::<Vec<_>>(), [(10.0, 6.0), (10.0, 4.0)]);
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
    fn one_picture_that_was_replaced_is_no_overload_at_the_slowest_rate_either() {
        // Two a second, and a detector that is busy: nine of ten, in whole numbers.
        assert_eq!(news_of(&[[(10, 9), (10, 10)]], 400)[0], LoadNews::KeepsUp);
        assert!(matches!(news_of(&[[(10, 7), (10, 10)]], 400)[0], LoadNews::Overloaded(_)));
    }

    #[test]
    fn pictures_that_come_in_a_burst_are_no_overload_of_a_detector_that_has_time() {
        // After a stall ten came at once and replaced each other; there is work for half the time.
        assert_eq!(news_of(&[[(25, 15), (25, 25)]], 50)[0], LoadNews::KeepsUp);
        assert!(matches!(news_of(&[[(25, 15), (25, 25)]], 100)[0], LoadNews::Overloaded(_)));
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
        assert_eq!(load.needed_ms_per_s.round(), 1197.0);
    }
}
