//! How people move over the ground: places in metres of the last second, and the velocity in them.
//!
//! The velocity is the median over all pairs of places far enough apart in time (Theil 1950, Sen
//! 1968): a few feet that are measured wrong do not bend it. Keyed by tracks, so nothing but a
//! warning rests on it.
//!
//! Not here: where somebody will be (`approach`).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::TrackId;
use super::ground::PointM;
use super::time::Instant;

/// Places older than this say nothing of how somebody moves now.
const KEPT_FOR: Duration = Duration::from_millis(1000);

/// Places closer together in time than this add work and no knowledge.
const APART_MIN: Duration = Duration::from_millis(60);

/// Pairs of places give a velocity when this far apart.
const PAIR_MIN: Duration = Duration::from_millis(300);

/// No velocity is given before the places span this.
const SPAN_MIN: Duration = Duration::from_millis(450);

/// Somebody's place and velocity on the ground.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moving {
    pub position_m: PointM,
    pub velocity_m_s: (f64, f64),
}

impl Moving {
    pub fn speed_m_s(self) -> f64 {
        self.velocity_m_s.0.hypot(self.velocity_m_s.1)
    }
}

/// The paths of all tracks of a camera.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Motions {
    paths: BTreeMap<TrackId, VecDeque<(Instant, PointM)>>,
}

impl Motions {
    /// Somebody is here now; returns how they move, once that is known.
    pub fn see(&mut self, track: TrackId, position_m: PointM, at: Instant) -> Option<Moving> {
        let path = self.paths.entry(track).or_default();
        while path.front().is_some_and(|(then, _)| at.since(*then) > KEPT_FOR) {
            path.pop_front();
        }
        let velocity_m_s = velocity(path, position_m, at);
        if path.back().is_none_or(|(then, _)| at.since(*then) >= APART_MIN) {
            path.push_back((at, position_m));
        }
        velocity_m_s.map(|velocity_m_s| Moving { position_m, velocity_m_s })
    }

    /// Drops who has not been seen for a while.
    pub fn forget(&mut self, at: Instant) {
        self.paths
            .retain(|_, path| path.back().is_some_and(|(then, _)| at.since(*then) <= KEPT_FOR));
    }

    /// The ground was measured anew: places of before are elsewhere.
    pub fn clear(&mut self) {
        self.paths.clear();
    }
}

fn velocity(path: &VecDeque<(Instant, PointM)>, here: PointM, now: Instant) -> Option<(f64, f64)> {
    let (first, _) = path.front()?;
    if now.since(*first) < SPAN_MIN {
        return None;
    }
    let places: Vec<(Instant, PointM)> =
        path.iter().copied().chain(std::iter::once((now, here))).collect();
    let (mut across, mut along) = (Vec::new(), Vec::new());
    for (i, &(then, from)) in places.iter().enumerate() {
        for &(later, to) in &places[i + 1..] {
            let span = later.since(then);
            if span >= PAIR_MIN {
                let seconds = span.as_secs_f64();
                across.push((to.0 - from.0) / seconds);
                along.push((to.1 - from.1) / seconds);
            }
        }
    }
    Some((median(across)?, median(along)?))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
