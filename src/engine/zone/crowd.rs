//! Everybody seen in one picture, in an order in which a zone finds the few who are near it.

use super::super::TrackId;
use super::super::Verdict;
use super::super::detection::{Detection, FrameSize};
use super::super::geometry::{Area, PointNorm};
use super::super::site::{BoxNorm, Criterion};
use super::anchor::Anchor;
use super::margin_px;

/// One person, or what was taken for one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    pub detection: Detection,
    /// Annotation only.
    pub track: Option<TrackId>,
    pub anchor: Anchor,
    pub verdict: Verdict,
}

/// All sightings of a picture.
#[derive(Clone, Debug)]
pub struct Crowd {
    sightings: Vec<Sighting>,
    /// The part of each box inside the frame; `None` when nothing of it is.
    boxes_norm: Vec<Option<BoxNorm>>,
    feet: Order,
    boxes: Order,
}

/// Extents sorted by their left edge.
#[derive(Clone, Debug)]
struct Order {
    extents: Vec<(Extent, usize)>,
    /// The widest extent: nobody further left than this reaches anything.
    widest: f64,
}

/// Least and greatest coordinates, margin included.
#[derive(Clone, Copy, Debug)]
struct Extent {
    min: PointNorm,
    max: PointNorm,
}

impl Crowd {
    pub fn new(sightings: Vec<Sighting>, size: FrameSize) -> Crowd {
        let boxes_norm: Vec<_> =
            sightings.iter().map(|s| BoxNorm::seen(s.detection.bounds, size)).collect();
        let feet = Order::new(sightings.iter().map(|s| Extent::of_feet(s, size)).collect());
        let extent = |(s, b): (&Sighting, &Option<BoxNorm>)| Extent::of_feet(s, size).with(*b);
        let boxes = Order::new(sightings.iter().zip(&boxes_norm).map(extent).collect());
        Crowd { sightings, boxes_norm, feet, boxes }
    }

    /// Everybody, in the detector's order.
    pub fn sightings(&self) -> &[Sighting] {
        &self.sightings
    }

    /// The part of somebody's box inside the frame.
    pub fn box_norm(&self, index: usize) -> Option<BoxNorm> {
        self.boxes_norm.get(index).copied().flatten()
    }

    /// Everybody who could be inside the area or within its margin, in the detector's order. Nobody
    /// else can; some of these are not either.
    pub fn near(&self, area: &Area, criterion: Criterion) -> Vec<usize> {
        match criterion {
            Criterion::Foot => self.feet.meeting(area.bounds_norm()),
            Criterion::Overlap(_) | Criterion::Any => self.boxes.meeting(area.bounds_norm()),
        }
    }
}

impl Order {
    fn new(extents: Vec<Extent>) -> Order {
        let widest = extents.iter().map(|e| e.max.0 - e.min.0).fold(0.0, f64::max);
        let mut extents: Vec<_> = extents.into_iter().zip(0..).collect();
        extents.sort_by(|(a, i), (b, j)| a.min.0.total_cmp(&b.min.0).then(i.cmp(j)));
        Order { extents, widest }
    }

    fn meeting(&self, (min, max): (PointNorm, PointNorm)) -> Vec<usize> {
        let first = self.extents.partition_point(|(e, _)| e.min.0 < min.0 - self.widest);
        let mut found: Vec<usize> = self.extents[first..]
            .iter()
            .take_while(|(e, _)| e.min.0 <= max.0)
            .filter(|(e, _)| e.max.0 >= min.0 && e.min.1 <= max.1 && e.max.1 >= min.1)
            .map(|(_, index)| *index)
            .collect();
        found.sort_unstable();
        found
    }
}

impl Extent {
    /// Where the feet may be and the margin around, a pixel more than the margin itself so that
    /// rounding leaves nobody out.
    fn of_feet(sighting: &Sighting, size: FrameSize) -> Extent {
        let margin = margin_px(sighting.detection.bounds) + 1.0;
        let (dx, dy) = (margin / size.width_px(), margin / size.height_px());
        let foot = sighting.anchor.foot_norm;
        let (a, b) = sighting.anchor.stretch();
        let least = |f: fn(PointNorm) -> f64| f(foot).min(f(a)).min(f(b));
        let most = |f: fn(PointNorm) -> f64| f(foot).max(f(a)).max(f(b));
        Extent {
            min: (least(|p| p.0) - dx, least(|p| p.1) - dy),
            max: (most(|p| p.0) + dx, most(|p| p.1) + dy),
        }
    }

    fn with(self, b: Option<BoxNorm>) -> Extent {
        let Some(b) = b else { return self };
        let (dx, dy) = (self.max.0 - self.min.0, self.max.1 - self.min.1);
        Extent {
            min: (self.min.0.min(b.left - dx), self.min.1.min(b.top - dy)),
            max: (self.max.0.max(b.right() + dx), self.max.1.max(b.bottom() + dy)),
        }
    }
}
