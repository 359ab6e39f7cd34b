//! The way somebody came: from an entry back through the pictures before it. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::detection::FrameSize;
use crate::engine::geometry::Line;
use crate::engine::time::Instant;
use crate::engine::{CameraIndex, Entry};
use crate::guard::observer::{Feet, Foot};

use super::edges::Way;

/// Pictures remembered: what an entry may take, and the way there, at 30 pictures a second.
const FEET_KEPT: usize = 240;

/// Pictures may be missing between two steps of a way, up to so long.
const GAP_MAX: Duration = Duration::from_millis(700);

/// Somebody without a track is looked for this near, frame heights, and this much further a second:
/// somebody who runs close to the camera.
const NEAR: f64 = 0.03;
const NEAR_A_SECOND: f64 = 0.8;

/// The newest pictures of a camera.
#[derive(Clone, Debug)]
pub struct Pictures {
    camera: CameraIndex,
    feet: VecDeque<Feet>,
}

/// One picture of somebody's way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub captured_at: Instant,
    pub received_at: Instant,
    pub foot_norm: [f64; 2],
    pub inside: Inside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    Yes,
    No,
}

impl Pictures {
    pub fn of(camera: CameraIndex) -> Pictures {
        Pictures { camera, feet: VecDeque::with_capacity(FEET_KEPT) }
    }

    pub fn see(&mut self, feet: &Feet) {
        if feet.camera != self.camera {
            return;
        }
        if self.feet.len() == FEET_KEPT {
            self.feet.pop_front();
        }
        self.feet.push_back(feet.clone());
    }

    /// Whether the picture of this moment was seen, or a newer one.
    pub fn has_reached(&self, captured_at: Instant) -> bool {
        self.feet.back().is_some_and(|feet| feet.captured_at >= captured_at)
    }

    pub fn size(&self) -> Option<FrameSize> {
        let (width_px, height_px) = self.feet.back()?.size_px;
        FrameSize::new(width_px, height_px)
    }

    /// The way to an entry, newest first. Empty when the picture of the entry is not known.
    pub fn way(&self, zone: usize, entry: &Entry) -> Vec<Step> {
        let track = entry.track.map(|track| track.0);
        let anchor = [entry.anchor_norm.0, entry.anchor_norm.1];
        let mut way: Vec<Step> = Vec::new();
        let before = self.feet.iter().rev().filter(|feet| feet.captured_at <= entry.captured_at);
        for feet in before {
            let (from, at) =
                way.last().map_or((anchor, entry.captured_at), |it| (it.foot_norm, it.captured_at));
            let passed = at.since(feet.captured_at);
            if passed > GAP_MAX {
                break;
            }
            let Some(foot) = find(feet, track, from, passed) else { continue };
            let inside = if foot.inside.contains(&zone) { Inside::Yes } else { Inside::No };
            way.push(Step {
                captured_at: feet.captured_at,
                received_at: feet.received_at,
                foot_norm: foot.at_norm,
                inside,
            });
        }
        way
    }
}

fn find(feet: &Feet, track: Option<u64>, from: [f64; 2], passed: Duration) -> Option<&Foot> {
    let by_track = feet.people.iter().find(|foot| track.is_some() && foot.track == track);
    by_track.or_else(|| {
        let reach = NEAR + NEAR_A_SECOND * passed.as_secs_f64();
        let aspect = f64::from(feet.size_px.0) / f64::from(feet.size_px.1.max(1));
        let distance =
            |foot: &&Foot| ((foot.at_norm[0] - from[0]) * aspect).hypot(foot.at_norm[1] - from[1]);
        // Who has another track is somebody else.
        let free = feet.people.iter().filter(|foot| track.is_none() || foot.track.is_none());
        let nearest = free.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        (distance(&nearest) <= reach).then_some(nearest)
    })
}

/// How the person came in: the first picture inside, and the last one before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameIn {
    pub first_inside: Option<Step>,
    pub last_outside: Option<Step>,
    /// Pictures inside.
    pub frames: u32,
}

/// Reads a way, newest first, back to where it was last outside.
pub fn came_in(way: &[Step]) -> CameIn {
    let inside = way.iter().take_while(|step| step.inside == Inside::Yes).count();
    CameIn {
        first_inside: inside.checked_sub(1).and_then(|place| way.get(place)).copied(),
        last_outside: way.get(inside).filter(|_| inside > 0).copied(),
        frames: u32::try_from(inside).unwrap_or(u32::MAX),
    }
}

/// Which way the line was crossed; `None` where the way does not say.
pub fn way_across(line: &Line, way: &[Step]) -> Option<Way> {
    let pair = |step: &Step| (step.foot_norm[0], step.foot_norm[1]);
    let crossings: i32 =
        way.windows(2).map(|two| line.crossings(pair(&two[1]), pair(&two[0]))).sum();
    match crossings {
        1.. => Some(Way::LeftToRight),
        0 => None,
        ..0 => Some(Way::RightToLeft),
    }
}

/// Where the step from outside to inside meets a chain of points, nearest to the inside.
pub fn crossing(points: &[[f64; 2]], outside: [f64; 2], inside: [f64; 2]) -> Option<[f64; 2]> {
    let meets = points.windows(2).filter_map(|side| meeting(side[0], side[1], outside, inside));
    let share = meets.max_by(f64::total_cmp)?;
    Some([
        outside[0] + share * (inside[0] - outside[0]),
        outside[1] + share * (inside[1] - outside[1]),
    ])
}

/// How far along `c`–`d` it meets `a`–`b`, 0 to 1.
fn meeting(a: [f64; 2], b: [f64; 2], c: [f64; 2], d: [f64; 2]) -> Option<f64> {
    let (r, s) = ([d[0] - c[0], d[1] - c[1]], [b[0] - a[0], b[1] - a[1]]);
    let cross = r[0] * s[1] - r[1] * s[0];
    if cross == 0.0 {
        return None;
    }
    let q = [a[0] - c[0], a[1] - c[1]];
    let along_way = (q[0] * s[1] - q[1] * s[0]) / cross;
    let along_side = (q[0] * r[1] - q[1] * r[0]) / cross;
    ((0.0..=1.0).contains(&along_way) && (0.0..=1.0).contains(&along_side)).then_some(along_way)
}

/// Distance of a place from a chain of points, frame heights.
pub fn distance(points: &[[f64; 2]], place: [f64; 2], size: FrameSize) -> f64 {
    let aspect = size.width_px() / size.height_px();
    let wide = |p: [f64; 2]| [p[0] * aspect, p[1]];
    let p = wide(place);
    let to_side = |side: &[[f64; 2]]| {
        let (a, b) = (wide(side[0]), wide(side[1]));
        let along = [b[0] - a[0], b[1] - a[1]];
        let length = along[0] * along[0] + along[1] * along[1];
        let share = if length > 0.0 {
            (((p[0] - a[0]) * along[0] + (p[1] - a[1]) * along[1]) / length).clamp(0.0, 1.0)
        } else {
            0.0
        };
        (p[0] - a[0] - share * along[0]).hypot(p[1] - a[1] - share * along[1])
    };
    points.windows(2).map(to_side).fold(f64::INFINITY, f64::min)
}
