//! When somebody was truly inside, from the boxes of the truth.

use std::collections::BTreeMap;

use crate::engine::detection::FrameSize;
use crate::engine::geometry::Area;
use crate::replay::mot::{Counts, TruthRow};

/// Gaps up to this are one episode, seconds.
pub const EPISODE_GAP_S: f64 = 1.0;

/// Shorter episodes are marginal, seconds.
pub const MARGINAL_SPAN_S: f64 = 0.3;

/// Episodes never deeper inside than this are marginal, pixels.
pub const MARGINAL_DEPTH_PX: f64 = 6.0;

/// A span with somebody inside, seconds of video time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episode {
    pub start_s: f64,
    pub end_s: f64,
    pub weight: Weight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Must be found.
    Demanded,
    /// May be found or not.
    Marginal,
}

/// Episodes of one zone. `times_s[i]` is when picture `i` was taken; a picture lasts until the next.
pub fn episodes(
    rows: &[TruthRow],
    area: &Area,
    size: FrameSize,
    times_s: &BTreeMap<u64, f64>,
    picture_s: f64,
) -> Vec<Episode> {
    let mut inside: BTreeMap<u64, f64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.counts == Counts::Yes) {
        let anchor = row.bounds.anchor_norm(size);
        if area.contains(anchor) {
            let depth = area.depth_px(anchor, size);
            let deepest = inside.entry(row.frame).or_insert(0.0);
            *deepest = deepest.max(depth);
        }
    }
    let mut found: Vec<(f64, f64, f64)> = Vec::new();
    for (frame, depth) in inside {
        let Some(&start) = times_s.get(&frame) else {
            continue;
        };
        let end = start + picture_s;
        match found.last_mut() {
            Some(last) if start - last.1 <= EPISODE_GAP_S => {
                last.1 = end;
                last.2 = last.2.max(depth);
            }
            _ => found.push((start, end, depth)),
        }
    }
    found
        .into_iter()
        .map(|(start_s, end_s, depth)| {
            let marginal = end_s - start_s < MARGINAL_SPAN_S || depth <= MARGINAL_DEPTH_PX;
            let weight = if marginal { Weight::Marginal } else { Weight::Demanded };
            Episode { start_s, end_s, weight }
        })
        .collect()
}
