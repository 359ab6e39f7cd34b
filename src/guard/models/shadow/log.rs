//! What the alarm path was told, in its order, with the shadow model's reports put in where the active
//! model's were.
//!
//! A picture waits for the shadow model's report of it: until that comes, or one of a later picture of the
//! same camera (it is given one picture at a time, the newest), or `WAIT_MAX` is over. Everything behind
//! it waits with it, so that nothing happens in another order than on the alarm path.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::mind::Noticed;
use crate::engine::detection::Detection;
use crate::engine::time::Instant;
use crate::engine::{CameraIndex, FrameReport, Input};
use crate::guard::intake;
use crate::link::Report;

/// How long a picture waits. The shadow model has what is left of the machine; one that takes longer for a
/// picture sees too few of them anyway.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(5);

/// Most entries that wait; beyond that the oldest picture waits no longer.
const ENTRIES_MAX: usize = 8192;

/// Most reports of a camera that wait for their picture: it comes through a queue of its own, and the shadow
/// process is not believed that it looked at pictures at all.
const REPORTS_MAX: usize = 64;

/// What the shadow model saw in a picture.
#[derive(Debug)]
pub(in crate::guard::models) struct Looked {
    pub camera: CameraIndex,
    pub frame: u64,
    pub detections: Vec<Detection>,
    pub took: Duration,
}

impl Looked {
    /// `None` for a picture that cannot be, or is of none of so many cameras.
    pub fn of(report: &Report, cameras: usize, now: Instant) -> Option<Looked> {
        if usize::from(report.camera) >= cameras {
            return None;
        }
        let FrameReport { camera, frame, detections, .. } = intake::parse(report, now)?.frame;
        let stages = &report.stages;
        let ns = stages.decoded_ns.saturating_sub(stages.preprocessed_ns);
        Some(Looked { camera, frame, detections, took: Duration::from_nanos(ns) })
    }
}

/// Something in the order of the alarm path.
#[derive(Debug)]
pub(super) enum Entry {
    Input(Input),
    Frame {
        frame: FrameReport,
        took: Duration,
    },
    Noticed(Noticed),
    /// From here on.
    Given(Given),
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Turn {
    Entry(Entry),
    /// A picture that both looked at.
    Both {
        frame: FrameReport,
        took: Duration,
        report: Looked,
    },
    /// A picture that the shadow model has not seen.
    Unseen {
        frame: FrameReport,
        took: Duration,
    },
}

#[derive(Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<(Instant, Entry)>,
    reports: BTreeMap<CameraIndex, VecDeque<Looked>>,
}

impl Log {
    pub fn put(&mut self, at: Instant, entry: Entry) {
        self.entries.push_back((at, entry));
    }

    pub fn report(&mut self, report: Looked) {
        let reports = self.reports.entry(report.camera).or_default();
        if reports.len() == REPORTS_MAX {
            reports.pop_front();
        }
        reports.push_back(report);
    }

    /// Whoever looks from now on counts pictures anew.
    pub fn forget_reports(&mut self) {
        self.reports.clear();
    }

    /// The next thing that is known by `now`; where nobody `watches`, no picture waits.
    pub fn next(&mut self, now: Instant, watches: Watches) -> Option<(Instant, Turn)> {
        let waiting = match self.entries.front()? {
            (at, Entry::Frame { frame, .. }) => {
                let reports = self.reports.entry(frame.camera).or_default();
                while reports.front().is_some_and(|report| report.frame < frame.frame) {
                    reports.pop_front();
                }
                let no_more = watches == Watches::No
                    || now.since(*at) >= WAIT_MAX
                    || self.entries.len() > ENTRIES_MAX;
                reports.is_empty() && !no_more
            }
            (_, Entry::Input(_) | Entry::Noticed(_) | Entry::Given(_)) => false,
        };
        if waiting {
            return None;
        }
        let (at, entry) = self.entries.pop_front()?;
        let turn = match entry {
            Entry::Frame { frame, took } => match self.of(&frame) {
                Some(report) => Turn::Both { frame, took, report },
                None => Turn::Unseen { frame, took },
            },
            entry => Turn::Entry(entry),
        };
        Some((at, turn))
    }

    fn of(&mut self, frame: &FrameReport) -> Option<Looked> {
        let reports = self.reports.get_mut(&frame.camera)?;
        reports.pop_front_if(|report| report.frame == frame.frame)
    }
}

/// Whether it is the shadow model's doing when it sees nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// Pictures are there for it: what it does not answer, or is not there to answer, it has lost.
    Yes,
    /// They are held back, or there is no active process whose pictures they would be.
    No,
}

/// Whether the shadow process watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watches {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::detection::FrameSize;
    use crate::guard::intake::DETECTIONS_MAX;
    use crate::link::{CaptureClock, StageTimes, WireDetection};

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn picture(log: &mut Log, camera: u16, frame: u64, ms: u64) {
        let frame = FrameReport {
            camera: CameraIndex(camera),
            frame,
            size: FrameSize::new(8, 8).expect("a size"),
            captured_at: at(ms),
            detections: vec![],
        };
        log.put(at(ms), Entry::Frame { frame, took: Duration::ZERO });
    }

    fn seen(log: &mut Log, camera: u16, frame: u64) {
        let (camera, took) = (CameraIndex(camera), Duration::ZERO);
        log.report(Looked { camera, frame, detections: vec![], took });
    }

    /// What is known: `+` for a picture that both saw, `-` for one that the shadow model did not, `.` for
    /// all else.
    fn known(log: &mut Log, ms: u64, watches: Watches) -> String {
        let mut text = String::new();
        while let Some((_, turn)) = log.next(at(ms), watches) {
            text.push(match turn {
                Turn::Both { .. } => '+',
                Turn::Unseen { .. } => '-',
                Turn::Entry(_) => '.',
            });
        }
        text
    }

    #[test]
    fn nothing_overtakes_a_picture_that_is_still_looked_at() {
        let mut log = Log::default();
        picture(&mut log, 0, 0, 0);
        log.put(at(1), Entry::Input(Input::Tick));
        picture(&mut log, 1, 0, 2);
        assert_eq!(known(&mut log, 100, Watches::Yes), "");
        seen(&mut log, 1, 0);
        assert_eq!(known(&mut log, 100, Watches::Yes), "");
        seen(&mut log, 0, 0);
        assert_eq!(known(&mut log, 100, Watches::Yes), "+.+");
    }

    #[test]
    fn a_picture_that_was_skipped_is_known_by_the_next_one_and_by_time() {
        let mut log = Log::default();
        for frame in 0..4 {
            picture(&mut log, 0, frame, frame * 200);
        }
        seen(&mut log, 0, 2);
        assert_eq!(known(&mut log, 800, Watches::Yes), "--+");
        assert_eq!(known(&mut log, 600 + 4999, Watches::Yes), "");
        assert_eq!(known(&mut log, 600 + 5000, Watches::Yes), "-");
        // Too late: it counts for nothing, and for no other picture.
        seen(&mut log, 0, 3);
        picture(&mut log, 0, 4, 6000);
        seen(&mut log, 0, 4);
        assert_eq!(known(&mut log, 6001, Watches::Yes), "+");
        picture(&mut log, 0, 5, 6200);
        assert_eq!(known(&mut log, 6200, Watches::No), "-");
    }

    #[test]
    fn reports_of_pictures_that_nobody_gave_take_no_more_room_than_there_is() {
        let mut log = Log::default();
        for frame in 0..10_000 {
            seen(&mut log, 0, 1_000_000 + frame);
        }
        assert_eq!(log.reports.values().map(VecDeque::len).sum::<usize>(), REPORTS_MAX);
        log.forget_reports();
        picture(&mut log, 0, 1_009_999, 0);
        assert_eq!(
            known(&mut log, 100, Watches::Yes),
            "",
            "what was said before is of no picture now"
        );
    }

    #[test]
    fn of_a_report_is_kept_what_the_guard_itself_would_take_and_nothing_of_a_camera_that_is_none() {
        let (left_px, top_px, width_px, height_px, score) = (1.0, 1.0, 2.0, 2.0, 0.5);
        let report = |camera| Report {
            camera,
            frame: 1,
            width_px: 8,
            height_px: 8,
            detections: vec![
                WireDetection { left_px, top_px, width_px, height_px, score };
                DETECTIONS_MAX * 4
            ],
            stages: StageTimes::default(),
            clock: CaptureClock::Pipeline,
            passed_over: 0,
        };
        let looked = Looked::of(&report(1), 2, at(0)).expect("a picture");
        assert_eq!(looked.detections.len(), DETECTIONS_MAX);
        assert!(Looked::of(&report(2), 2, at(0)).is_none());
    }
}
