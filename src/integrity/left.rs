//! How much of a view is left in a picture: of the background, from one picture to the next, and of
//! the reference, for what comes so slowly that the background follows it.
//!
//! Not here: how little is too little (`judge`).

use std::time::Duration;

use crate::engine::time::Instant;

use super::background::{Background, STRONG_CONTRAST, Shows, UsualOf};
use super::cells::Cell;
use super::grey::Grey;
use super::judge::{STRONG_MIN, Since};
use super::shift::Shift;

/// What is left is said of at least so many cells.
const SAME_MIN: usize = 6;

/// How often a picture is held against the reference. What is looked for takes minutes.
const SINCE_EVERY: Duration = Duration::from_secs(2);

/// Added to brightness that is divided by, levels: black is not quite 0 in most pictures.
const BLACK: f32 = 16.0;

/// What is left of the reference, as it was found last.
#[derive(Clone, Debug)]
pub(super) struct Slowly {
    at: Option<Instant>,
    since: Since,
}

impl Default for Slowly {
    fn default() -> Slowly {
        Slowly { at: None, since: Since::ALL }
    }
}

impl Slowly {
    /// `shift`: where the view stands against the reference.
    pub(super) fn look(
        &mut self,
        (reference, background): (Option<&Background>, &Background),
        grey: &Grey,
        shift: Shift,
        noise: f32,
        now: Instant,
    ) -> Since {
        let Some(reference) = reference.filter(|it| it.fits(grey)) else {
            return Since::ALL;
        };
        if self.at.is_some_and(|at| now.since(at) < SINCE_EVERY) {
            return self.since;
        }
        self.at = Some(now);
        let cells = reference.grid().describe(grey);
        let shown = reference.shown(grey, shift);
        let same = same(reference, &shown);
        let weber = |cell: &Cell, _: f32| cell.contrast / (cell.mean + BLACK);
        let soft = |cell: &Cell, noise: f32| steps(cell, noise) / cell.contrast.max(0.1);
        // By the picture as it is: the background does not follow while anything is wrong with it. In the
        // evening contrast falls with the light.
        let left = |&cell: &usize| {
            let usual = &reference.usual()[cell];
            let dim = (cells[cell].mean + BLACK) / (usual.mean + BLACK);
            cells[cell].contrast >= STRONG_CONTRAST * dim.min(1.0)
        };
        let (before, now) = (reference.strong().count(), reference.strong().filter(left).count());
        let after = now.max(background.strong().count());
        let strong = if before < STRONG_MIN { 1.0 } else { after as f32 / before as f32 };
        self.since = Since {
            contrast: share(reference, &cells, &same, noise, &weber),
            sharpness: share(reference, &cells, &same, noise, &soft),
            strong,
        };
        self.since
    }
}

/// Share of the strong cells in which nothing of the background is recognised.
pub(super) fn share_lost(background: &Background, shown: &[Shows]) -> f32 {
    let strong = background.strong().count();
    let lost = shown.iter().filter(|shows| **shows == Shows::Lost).count();
    lost as f32 / strong.max(1) as f32
}

/// Contrast and sharpness that are left, as a share of the usual: of the middle one of the strong
/// cells that still show what they did. Noise makes steps between neighbours as large as from
/// picture to picture, and no lens blurs those: they are taken off, as far as the plainest cells have
/// them too; in a view that moves all the while pictures differ by more than noise.
pub(super) fn left_of(
    background: &Background,
    cells: &[Cell],
    shown: &[Shows],
    noise: f32,
) -> (f32, f32) {
    let same = same(background, shown);
    let contrast = share(background, cells, &same, noise, &|cell, _| cell.contrast);
    (contrast, share(background, cells, &same, noise, &steps))
}

/// Strong cells that show what they did.
fn same(background: &Background, shown: &[Shows]) -> Vec<usize> {
    background.strong().filter(|&cell| shown[cell] == Shows::Same).collect()
}

/// The middle one of the cells' shares of the usual; all of it where there are too few of them.
fn share(
    background: &Background,
    cells: &[Cell],
    same: &[usize],
    noise: f32,
    of: &dyn Fn(&Cell, f32) -> f32,
) -> f32 {
    let now = floor(cells, noise);
    let usual = match background.usual_of() {
        UsualOf::Pictures => now,
        UsualOf::Mean => 0.0,
    };
    let least = |value: f32| value.max(1e-3);
    let share = |&cell: &usize| of(&cells[cell], now) / least(of(&background.usual()[cell], usual));
    let mut all: Vec<f32> = same.iter().map(share).collect();
    all.sort_by(f32::total_cmp);
    if all.len() < SAME_MIN { 1.0 } else { all[all.len() / 2] }
}

/// Noise as far as the plainest cells have it too.
fn floor(cells: &[Cell], noise: f32) -> f32 {
    let mut plainest: Vec<f32> = cells.iter().map(|cell| cell.sharpness).collect();
    plainest.sort_by(f32::total_cmp);
    plainest.get(plainest.len() / 10).map_or(0.0, |plain| plain.min(noise))
}

/// Steps from pixel to pixel without what noise makes of them.
fn steps(cell: &Cell, noise: f32) -> f32 {
    (cell.sharpness * cell.sharpness - noise * noise).max(0.0).sqrt()
}
