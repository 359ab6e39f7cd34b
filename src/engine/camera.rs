//! One camera: its sight, its newest picture, and what is made of each detection before any zone
//! is asked.
//!
//! A **verdict** other than Person keeps a detection from being evidence of an entry. Whoever is inside
//! is held by it all the same (`zone::presence` says for how long).

use std::collections::VecDeque;

use super::detection::{Detection, FrameSize};
use super::geometry::Area;
use super::ground::Ground;
use super::motion::{Motions, Moving};
use super::overlap::holds_segment;
use super::plausible::{may_be_hidden_by, too_small};
use super::site::{BoxNorm, StaticMark};
use super::stature::Statures;
use super::supervision::CameraWatch;
use super::time::Instant;
use super::tracking::Tracker;
use super::zone::anchor::{Anchor, AnchorHow};
use super::zone::{Crowd, Sighting};
use super::{FrameReport, Looked, Verdict};

/// Pictures remembered per camera: enough to know its pace and to fill the entry window at 60 fps.
const PICTURES_KEPT: usize = 48;

/// A detection is a marked thing if it lies on the mark this well …
const MARK_IOU_MIN: f64 = 0.7;

/// … and neither side differs by more than this share of the mark's.
const MARK_SIZE_TOLERANCE: f64 = 0.2;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Camera {
    pub watch: CameraWatch,
    pub tracker: Tracker,
    pictures: VecDeque<Instant>,
    /// Slots of its zones, ascending.
    pub zones: Vec<usize>,
    ground: Option<Ground>,
    marks: Vec<StaticMark>,
    statures: Statures,
    motions: Motions,
    /// The newest picture's number.
    pub newest_frame: u64,
    pub looked: Vec<Looked>,
}

impl Camera {
    pub fn new(
        zones: Vec<usize>,
        ground: Option<Ground>,
        marks: Vec<StaticMark>,
        now: Instant,
    ) -> Camera {
        Camera {
            watch: CameraWatch::new(now),
            tracker: Tracker::default(),
            pictures: VecDeque::with_capacity(PICTURES_KEPT),
            zones,
            ground,
            marks,
            statures: Statures::default(),
            motions: Motions::default(),
            newest_frame: 0,
            looked: Vec::new(),
        }
    }

    pub fn ground(&self) -> Option<&Ground> {
        self.ground.as_ref()
    }

    /// What an engineer drew and measured anew, but for the zones.
    pub fn redraw(&mut self, ground: Option<Ground>, marks: Vec<StaticMark>) {
        if self.ground != ground {
            self.motions.clear();
        }
        (self.ground, self.marks) = (ground, marks);
    }

    /// When the newest picture was taken.
    pub fn newest(&self) -> Option<Instant> {
        self.pictures.back().copied()
    }

    /// When the last pictures were taken, newest last.
    pub fn pictures(&mut self) -> &[Instant] {
        self.pictures.make_contiguous()
    }

    /// Takes a picture that is newer than the newest.
    pub fn take(&mut self, report: &FrameReport) {
        if self.pictures.len() == PICTURES_KEPT {
            self.pictures.pop_front();
        }
        self.pictures.push_back(report.captured_at);
        self.newest_frame = report.frame;
    }

    /// Says of each detection who or what it is, where it stands and how it moves.
    pub fn see<'a>(
        &mut self,
        report: &FrameReport,
        ignored: impl Iterator<Item = &'a Area> + Clone,
    ) -> (Crowd, Vec<Moving>) {
        let (size, at) = (report.size, report.captured_at);
        let tracks = self.tracker.update(&report.detections, at);
        let marked = self.marked(&report.detections, size, at);
        let too_small = self.too_small(&report.detections, size);
        let mut sightings = Vec::with_capacity(report.detections.len());
        let mut walkers = Vec::new();
        self.looked.clear();
        let judged = tracks.into_iter().zip(marked).zip(too_small);
        for (&detection, ((track, marked), too_small)) in report.detections.iter().zip(judged) {
            let standing_px =
                track.and_then(|track| self.statures.see(track, detection.bounds, size, at));
            let ground = self.ground.as_ref();
            let anchor = Anchor::of(&detection, size, ground, standing_px);
            let verdict = match (marked, too_small) {
                (Marked::Yes, _) => Verdict::Marked,
                (Marked::No, _) if wholly_in(ignored.clone(), &anchor) => Verdict::Ignored,
                (Marked::No, TooSmall::Yes) => Verdict::TooSmall,
                (Marked::No, TooSmall::No) => Verdict::Person,
            };
            sightings.push(Sighting { detection, track, anchor, verdict });
            let ground_m = ground.and_then(|ground| ground.metres(anchor.foot_norm));
            // A foot that is only estimated jumps; who moves is known from feet that are seen.
            let seen_m = ground_m.filter(|_| anchor.how == AnchorHow::Box);
            let moving = track.zip(seen_m).and_then(|(id, here)| self.motions.see(id, here, at));
            let speed_m_s = moving.map(Moving::speed_m_s);
            self.looked.push(Looked { anchor, verdict, ground_m, speed_m_s });
            walkers.extend(moving.filter(|_| verdict == Verdict::Person));
        }
        self.statures.forget(at);
        self.motions.forget(at);
        (Crowd::new(sightings, size), walkers)
    }

    /// Which detections are too small for their place. A head and shoulders behind somebody is as
    /// small as a bird: what somebody in front may hide the rest of is not refused.
    fn too_small(&self, detections: &[Detection], size: FrameSize) -> Vec<TooSmall> {
        let Some(ground) = &self.ground else {
            return vec![TooSmall::No; detections.len()];
        };
        let edges = |b: BoxNorm| [b.left, b.top, b.width, b.height];
        let seen = |d: &Detection| BoxNorm::seen(d.bounds, size).map(edges);
        let boxes: Vec<Option<[f64; 4]>> = detections.iter().map(seen).collect();
        let judge = |b: &Option<[f64; 4]>| match *b {
            Some(b) if too_small(ground, b) => {
                let hides = |other: &[f64; 4]| may_be_hidden_by(ground, b, *other);
                if boxes.iter().flatten().any(hides) { TooSmall::No } else { TooSmall::Yes }
            }
            Some(_) | None => TooSmall::No,
        };
        boxes.iter().map(judge).collect()
    }

    /// Which detections are marked things: for each mark the one that fits best, so that somebody
    /// standing in front of the thing is not taken for it as well.
    fn marked(&self, detections: &[Detection], size: FrameSize, at: Instant) -> Vec<Marked> {
        let mut marked = vec![Marked::No; detections.len()];
        for mark in self.marks.iter().filter(|mark| at < mark.until) {
            let fits = |(i, d): (usize, &Detection)| Some((fit(mark, d, size)?, i));
            let best = detections.iter().enumerate().filter_map(fits).max_by(|a, b| {
                // The first of equals.
                a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))
            });
            if let Some((_, index)) = best {
                marked[index] = Marked::Yes;
            }
        }
        marked
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marked {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TooSmall {
    Yes,
    No,
}

/// How well the detection lies on the mark; `None` when it is something else.
fn fit(mark: &StaticMark, detection: &Detection, size: FrameSize) -> Option<f64> {
    let seen = BoxNorm::seen(detection.bounds, size)?;
    let bounds = mark.bounds_norm;
    let like = |a: f64, b: f64| (a - b).abs() <= MARK_SIZE_TOLERANCE * b;
    let iou = bounds.iou(seen);
    let same =
        iou >= MARK_IOU_MIN && like(seen.width, bounds.width) && like(seen.height, bounds.height);
    same.then_some(iou)
}

/// Whether everywhere this person may stand lies in one of the areas.
fn wholly_in<'a>(mut areas: impl Iterator<Item = &'a Area>, anchor: &Anchor) -> bool {
    let (from, to) = anchor.stretch();
    areas.any(|area| area.contains(anchor.foot_norm) && holds_segment(area, from, to))
}
