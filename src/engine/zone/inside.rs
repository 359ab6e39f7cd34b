//! Is this person inside, by the zone's criterion, or near enough to hold whoever was?
//!
//! A foot that is hidden counts wherever it may be: inside is the box's foot or its estimate.

use super::super::detection::FrameSize;
use super::super::geometry::Area;
use super::super::overlap::{share_inside, touches_box, touches_segment};
use super::super::site::{BoxNorm, Criterion};
use super::crowd::{Crowd, Sighting};
use super::margin_px;

/// Somebody inside is held by this part of the share that brought them in.
const OVERLAP_HOLD: f64 = 0.7;

pub(super) fn inside(area: &Area, criterion: Criterion, crowd: &Crowd, index: usize) -> bool {
    let sighting = &crowd.sightings()[index];
    match (criterion, crowd.box_norm(index)) {
        (Criterion::Foot, _) | (_, None) => foot_inside(area, sighting),
        (Criterion::Overlap(share), Some(b)) => share_inside(area, b) >= share.get(),
        (Criterion::Any, Some(b)) => touches_box(area, b) || foot_inside(area, sighting),
    }
}

/// Near enough to hold somebody who was inside. Also true of whoever is inside.
pub(super) fn near(
    area: &Area,
    criterion: Criterion,
    crowd: &Crowd,
    index: usize,
    size: FrameSize,
) -> bool {
    let sighting = &crowd.sightings()[index];
    match (criterion, crowd.box_norm(index)) {
        (Criterion::Foot, _) | (_, None) => foot_near(area, sighting, size),
        (Criterion::Overlap(share), Some(b)) => share_inside(area, b) >= OVERLAP_HOLD * share.get(),
        (Criterion::Any, Some(b)) => {
            let margin = margin_px(sighting.detection.bounds);
            let (dx, dy) = (margin / size.width_px(), margin / size.height_px());
            let wide = BoxNorm {
                left: b.left - dx,
                top: b.top - dy,
                width: b.width + 2.0 * dx,
                height: b.height + 2.0 * dy,
            };
            touches_box(area, wide) || foot_near(area, sighting, size)
        }
    }
}

fn foot_inside(area: &Area, sighting: &Sighting) -> bool {
    let anchor = sighting.anchor;
    area.contains(anchor.foot_norm)
        || anchor.estimated.is_some_and(|f| touches_segment(area, f.from_norm, f.to_norm))
}

fn foot_near(area: &Area, sighting: &Sighting, size: FrameSize) -> bool {
    let margin = margin_px(sighting.detection.bounds);
    let (from, to) = sighting.anchor.stretch();
    area.is_within_px(sighting.anchor.foot_norm, size, margin)
        || (sighting.anchor.estimated.is_some()
            && (touches_segment(area, from, to)
                || area.is_within_px(from, size, margin)
                || area.is_within_px(to, size, margin)))
}
