//! How far the view has moved, measured now and then, against the background and the reference.
//!
//! Not here: how one movement is measured (`shift`), and from how much on it is told (`judge`).

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::time::Instant;

use super::background::Background;
use super::grey::Grey;
use super::shift::{self, Coarse, Shift};

/// How often the view's movement is measured, and over how many: the middle of five is untouched by
/// a lorry that shakes the mast. The two gaps differ, lest a mast that swings as regularly as it is
/// looked at be found always at the same end.
const MOVEMENT_EVERY: [Duration; 2] = [Duration::from_millis(350), Duration::from_millis(550)];
const MOVEMENTS: usize = 5;

/// Every so many of those the reference is asked instead of the background, for a mast that sags more
/// slowly than the background is learned.
const REFERENCE_EVERY: u32 = 5;

/// Measurements of a view that stands still differ by a fifth of a pixel; these so far apart are of
/// one that went elsewhere between them. Zoom and turn (radians) are of about as much at the border.
const SETTLED_PX: f64 = 2.0;
const SETTLED_SHARE: f64 = 0.01;

/// With fewer corners than this no movement is found anyway, near or far.
const CORNERS_MIN: usize = 8;

/// A far movement is looked for so rarely: it takes some fifty times as long as a near one, and a
/// view that is covered, or dark all night, has none to be found.
const FAR_EVERY: Duration = Duration::from_secs(2);

/// The view's movement, measured now and then.
#[derive(Clone, Debug, Default)]
pub(super) struct Movement {
    measured_at: Option<Instant>,
    far_at: Option<Instant>,
    count: u32,
    /// The last ones against the background; `None` where corners agreed on nothing.
    last: VecDeque<Option<Shift>>,
    /// The last ones against the reference.
    of_reference: VecDeque<Option<Shift>>,
}

impl Movement {
    /// The reference is another one.
    pub(super) fn forget_reference(&mut self) {
        self.of_reference.clear();
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        let gap = MOVEMENT_EVERY[self.count as usize % MOVEMENT_EVERY.len()];
        self.measured_at.is_none_or(|at| now.since(at) >= gap)
    }

    /// The newest movement that corners agreed on, unless it is older than what is looked at.
    pub(super) fn newest(&self) -> Option<Shift> {
        self.last.back().copied().flatten()
    }

    pub(super) fn measure(
        &mut self,
        background: &Background,
        reference: Option<&Background>,
        grey: &Grey,
        now: Instant,
    ) {
        self.measured_at = Some(now);
        self.count = self.count.wrapping_add(1);
        if let Some(reference) = reference
            && self.count.is_multiple_of(REFERENCE_EVERY)
        {
            let before = self.of_reference.back().copied().flatten();
            let corners = reference.corners();
            let near = |expected| shift::near(grey, reference.grid(), &corners, expected);
            let found = before
                .and_then(near)
                .or_else(|| near(Shift::NONE))
                // Farther than that: where the background went.
                .or_else(|| self.newest().and_then(near));
            remember(&mut self.of_reference, found);
        }
        let (grid, corners) = (background.grid(), background.corners());
        let near = |expected| shift::near(grey, grid, &corners, expected);
        let mut found = near(self.newest().unwrap_or(Shift::NONE)).or_else(|| near(Shift::NONE));
        let far = self.far_at.is_none_or(|at| now.since(at) >= FAR_EVERY);
        if found.is_none() && far && corners.len() >= CORNERS_MIN {
            self.far_at = Some(now);
            let at = |x: usize, y: usize| f32::from(grey.row(y)[x]);
            let coarse = Coarse::of(at, grey.width_px(), grey.height_px());
            found = near(background.coarse().shift_to(&coarse));
        }
        remember(&mut self.last, found);
    }

    /// Where the view stands: against its reference, or where it has gone farther meanwhile, against
    /// the background, which follows it by less than the limit. The reference is asked so rarely that
    /// for ten seconds after a jolt its last few are of before, or of before and after: between the
    /// two the view never stood, and zones are proposed by this.
    pub(super) fn stands(&self, width_px: usize, height_px: usize) -> Option<Shift> {
        let far = |shift: &Shift| shift.largest_px(width_px, height_px);
        let both = [&self.of_reference, &self.last];
        let settled = both.into_iter().filter_map(settled).max_by(|a, b| far(a).total_cmp(&far(b)));
        settled.or_else(|| both.into_iter().find_map(standing)).or_else(|| self.newest())
    }

    /// The largest movement in the picture, as a share of its width: of the middle of the last few.
    pub(super) fn moved(&self, width_px: usize, height_px: usize) -> Option<f64> {
        let both = [&self.last, &self.of_reference].into_iter().filter_map(standing);
        let largest = both.map(|shift| shift.largest_px(width_px, height_px) / width_px as f64);
        largest.reduce(f64::max)
    }
}

fn remember(last: &mut VecDeque<Option<Shift>>, found: Option<Shift>) {
    if last.len() == MOVEMENTS {
        last.pop_front();
    }
    last.push_back(found);
}

/// Where the view stands by the last few measurements; `None` where most of them found nothing.
fn standing(last: &VecDeque<Option<Shift>>) -> Option<Shift> {
    let found: Vec<Shift> = last.iter().copied().flatten().collect();
    (found.len() * 2 > MOVEMENTS).then(|| middle_of(&found))
}

fn middle_of(shifts: &[Shift]) -> Shift {
    Shift {
        right_px: middle(shifts, |it| it.right_px),
        down_px: middle(shifts, |it| it.down_px),
        zoom: middle(shifts, |it| it.zoom),
        turn: middle(shifts, |it| it.turn),
    }
}

/// Where the view stands by those of the last few that are of after a jolt, where there was one and
/// two of them agree already; `None` where they differ as those of a mast that shakes.
fn settled(last: &VecDeque<Option<Shift>>) -> Option<Shift> {
    let found: Vec<Shift> = last.iter().copied().flatten().collect();
    let jolt = (0..found.len().saturating_sub(1)).find(|&at| agree(&found[at..]))?;
    let known = found.len() * 2 > MOVEMENTS && agree(&found[..jolt]);
    known.then(|| middle_of(&found[jolt..]))
}

fn agree(shifts: &[Shift]) -> bool {
    let within = |of: fn(&Shift) -> f64, most| spread(shifts.iter().map(of)) <= most;
    within(|it| it.right_px, SETTLED_PX)
        && within(|it| it.down_px, SETTLED_PX)
        && within(|it| it.zoom, SETTLED_SHARE)
        && within(|it| it.turn, SETTLED_SHARE)
}

/// The greatest less the least.
fn spread(all: impl Iterator<Item = f64>) -> f64 {
    let (least, most) =
        all.fold((f64::MAX, f64::MIN), |(least, most), it| (least.min(it), most.max(it)));
    most - least
}

/// The mean without the least and the greatest: of a mast that shakes it is where it stands.
fn middle(shifts: &[Shift], of: fn(&Shift) -> f64) -> f64 {
    let mut all: Vec<f64> = shifts.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    let inner = if all.len() > 2 { &all[1..all.len() - 1] } else { &all[..] };
    inner.iter().sum::<f64>() / inner.len().max(1) as f64
}
