//! One camera's integrity: what is measured of each picture, and what is remembered.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;

use super::background::{Background, Shows};
use super::cells::Cell;
use super::grey::{Grey, Tone};
use super::judge::{Finding, Judge, Measures, Order, Placed};
use super::shift::{self, Coarse, Shift};
use super::still::{Frozen, Run, Stillness};
use super::usual::{Hour, Usual};

/// How often the background is learned.
const LEARN_EVERY: Duration = Duration::from_millis(500);

/// How often the view's movement is measured, and over how many: the middle of five is untouched by
/// a lorry that shakes the mast. The two gaps differ, lest a mast that swings as regularly as it is
/// looked at be found always at the same end.
const MOVEMENT_EVERY: [Duration; 2] = [Duration::from_millis(350), Duration::from_millis(550)];
const MOVEMENTS: usize = 5;

/// Every so many of those the reference is asked instead of the background, for a mast that sags more
/// slowly than the background is learned.
const REFERENCE_EVERY: u32 = 5;

/// A cell that is lost stands still when its brightness stays within this many levels …
const STILL_LEVELS: f32 = 8.0;

/// … for this long. People who pass are gone by then; R15 allows two seconds.
const STILL_FOR: Duration = Duration::from_millis(900);

/// A plain cell counts as covered too when its brightness is off by this many levels from what the
/// rest of the view says, and this share of the strong cells is lost as well.
const OTHER_LEVELS: f32 = 20.0;
const LOST_TOO: f32 = 0.1;

/// A cell has contrast from this share of its usual one on.
const CONTRAST_SHARE: f32 = 0.5;

/// What is left of contrast and sharpness is said of at least so many cells.
const SAME_MIN: usize = 6;

/// The cast of the last minutes: the newest look counts by this share, two looks a second.
const CAST_RATE: f32 = 1.0 / 600.0;

/// Faces of one view that are remembered: day, night, lamplight, snow.
const FACES_MAX: usize = 4;

/// A picture shows a face when at most this share of its cells is lost, and contrast and sharpness are
/// within this share of what they are there.
const FACE_LOST: f32 = 0.15;
const FACE_LEFT: f32 = 0.7;

/// From so many strong cells lost on a far movement is looked for.
const FAR_FROM: f32 = 0.4;

/// Everything known of one camera's view.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    before: Option<(Instant, Grey)>,
    background: Option<Background>,
    reference: Option<Background>,
    /// The same view as it looks at other times: by night, by lamplight.
    faces: Vec<Background>,
    learned_at: Option<Instant>,
    stillness: Stillness,
    movement: Movement,
    past: VecDeque<Past>,
    /// Usual cast of the last minutes and how many looks it rests on.
    cast: Option<((f32, f32), f32)>,
    usual: Usual,
    judge: Judge,
}

/// What the last second's cells were.
#[derive(Clone, Debug)]
struct Past {
    at: Instant,
    means: Vec<f32>,
    shown: Vec<Shows>,
}

/// How bright a cell is, against the rest of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Light {
    Usual,
    Other,
}

/// The view's movement, measured now and then.
#[derive(Clone, Debug, Default)]
struct Movement {
    measured_at: Option<Instant>,
    count: u32,
    /// The last ones against the background; `None` where corners agreed on nothing.
    last: VecDeque<Option<Shift>>,
    /// The last ones against the reference.
    of_reference: VecDeque<Option<Shift>>,
}

/// What a picture gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    pub measures: Measures,
    /// How the view has moved, where corners agree; of the picture looked at, pixels.
    pub shift: Option<Shift>,
    /// All that is wrong, gravest first.
    pub findings: Vec<Finding>,
}

impl Watch {
    pub fn new() -> Watch {
        Watch::default()
    }

    /// The picture that the zones in force were drawn on, from now on: the view must be this one.
    pub fn refer_to(&mut self, reference: &Grey) {
        self.accept();
        self.reference = Background::new(reference).map(Background::settled);
        self.background = self.reference.clone();
    }

    /// The view is right as it is now: it is learned anew, and is the reference once it is. What is
    /// usual for the camera stays; so does how the view looked before, unless it has moved.
    pub fn accept(&mut self) {
        let mut faces = std::mem::take(&mut self.faces);
        faces.extend(self.background.take());
        let elsewhere =
            |finding: &Finding| matches!(finding.fault, ViewFault::Moved | ViewFault::WrongPicture);
        if self.judge.findings().iter().any(elsewhere) {
            faces.clear();
        }
        let forgotten = faces.len().saturating_sub(FACES_MAX);
        faces.drain(..forgotten);
        let usual = std::mem::take(&mut self.usual);
        let stillness = std::mem::take(&mut self.stillness);
        *self = Watch { usual, stillness, faces, ..Watch::default() };
    }

    /// Where the view is not what it was, it may be what it was at another time of day.
    fn turn_face(&mut self, grey: &Grey) {
        let noise = self.stillness.noise();
        let is_it = |face: &Background| {
            if !face.fits(grey) {
                return false;
            }
            let (cells, shown) = (face.grid().describe(grey), face.shown(grey, Shift::NONE));
            let (contrast, sharpness) = left_of(face, &cells, &shown, noise);
            let like = |left: f32| (FACE_LEFT..=1.0 / FACE_LEFT).contains(&left);
            share_lost(face, &shown) <= FACE_LOST && like(contrast) && like(sharpness)
        };
        let found = self.faces.iter().position(is_it);
        if let (Some(found), Some(background)) = (found, &mut self.background) {
            std::mem::swap(&mut self.faces[found], background);
            self.past.clear();
        }
    }

    /// What is usual, for keeping; and back again.
    pub fn usual(&self) -> &Usual {
        &self.usual
    }

    pub fn restore_usual(&mut self, usual: Usual) {
        self.usual = usual;
    }

    /// Takes a picture. `None` for one that is too small to say anything about.
    pub fn look(&mut self, grey: Grey, tone: Tone, at: Instant, hour: Hour) -> Option<Look> {
        if self.background.is_none() {
            self.background = Some(Background::new(&grey)?);
        }
        if !self.judge.at_rest() {
            self.turn_face(&grey);
        }
        let background = self.background.as_ref()?;
        let order = match &self.before {
            Some((before, _)) if at <= *before => Order::NotLater,
            Some(_) | None => Order::Later,
        };
        // Time for everything else goes on, whatever the picture says.
        let now = self.before.as_ref().map_or(at, |(before, _)| at.max(*before));
        let run = match &self.before {
            Some((_, before)) if background.fits(before) && background.fits(&grey) => {
                let change = background.grid().change(before, &grey);
                self.stillness.look(&change, now)
            }
            Some(_) | None => {
                Run { lasts: Duration::ZERO, limit: Duration::ZERO, frozen: Frozen::No }
            }
        };
        let (measures, cells, shown) = self.measure(&grey, tone, run, order, now)?;
        let findings = self.judge.look(&measures, self.usual.at(hour), now);
        self.learn(&grey, &tone, &cells, &shown, now, hour);
        let shift = self.movement.newest();
        self.before = Some((now, grey));
        Some(Look { measures, shift, findings })
    }

    fn measure(
        &mut self,
        grey: &Grey,
        tone: Tone,
        run: Run,
        order: Order,
        now: Instant,
    ) -> Option<(Measures, Vec<Cell>, Vec<Shows>)> {
        let background = self.background.as_ref()?;
        let mut measures = Measures {
            tone,
            run,
            lost: 1.0,
            held: 0.0,
            scene: 1.0,
            contrast: 1.0,
            sharpness: 1.0,
            strong: background.strong().count(),
            moved: None,
            placed: Placed::No,
            cast_off: self.cast_off(tone.cast),
            order,
        };
        if !background.fits(grey) {
            // Another shape of picture is another picture.
            return Some((measures, Vec::new(), Vec::new()));
        }
        let grid = *background.grid();
        let cells = grid.describe(grey);
        let expected = self.movement.newest().unwrap_or(Shift::NONE);
        let mut shown = background.shown(grey, expected);
        measures.lost = share_lost(background, &shown);
        if self.movement.is_due(now) {
            let reference = self.reference.as_ref();
            self.movement.measure(background, reference, grey, measures.lost, now);
            let newest = self.movement.newest().unwrap_or(Shift::NONE);
            shown = background.shown(grey, newest);
            measures.lost = share_lost(background, &shown);
        }
        (measures.contrast, measures.sharpness) =
            left_of(background, &cells, &shown, self.stillness.noise());
        let with_contrast = background.strong().filter(|&cell| {
            cells[cell].contrast >= CONTRAST_SHARE * background.usual()[cell].contrast
        });
        measures.scene = with_contrast.count() as f32 / measures.strong.max(1) as f32;
        measures.moved = self.movement.moved(grey.width_px(), grey.height_px());
        measures.placed = match self.movement.newest() {
            Some(_) => Placed::Yes,
            None => Placed::No,
        };
        measures.held = self.held(&cells, &shown, now);
        Some((measures, cells, shown))
    }

    /// Share of the view that has been lost and has stood still for `STILL_FOR`.
    fn held(&mut self, cells: &[Cell], shown: &[Shows], now: Instant) -> f32 {
        let means = cells.iter().map(|cell| cell.mean).collect();
        self.past.push_back(Past { at: now, means, shown: shown.to_vec() });
        // One that is old enough stays, as the proof that the time has passed.
        while self.past.get(1).is_some_and(|next| now.since(next.at) >= STILL_FOR) {
            self.past.pop_front();
        }
        let Some(background) = &self.background else { return 0.0 };
        if self.past.front().is_none_or(|first| now.since(first.at) < STILL_FOR) {
            return 0.0;
        }
        let usual = background.usual();
        let light = light_since(usual, cells);
        let mut stands = vec![false; cells.len()];
        for (cell, stands) in stands.iter_mut().enumerate() {
            let other = (cells[cell].mean - usual[cell].mean - light).abs() >= OTHER_LEVELS;
            *stands = self.stands(cell, if other { Light::Other } else { Light::Usual });
        }
        let strong = background.strong().count().max(1);
        let held = background.strong().filter(|&cell| stands[cell]).count();
        let of_strong = held as f32 / strong as f32;
        let of_all = stands.iter().filter(|stands| **stands).count() as f32 / cells.len() as f32;
        // Where nothing that can be recognised is lost, brightness alone is sunlight.
        if of_strong < LOST_TOO { of_strong } else { of_strong.max(of_all) }
    }

    /// Whether a cell has been lost, or as plain as it was and of other brightness, for a while and
    /// has not changed since.
    fn stands(&self, cell: usize, light: Light) -> bool {
        let (mut low, mut high) = (f32::MAX, f32::MIN);
        for past in &self.past {
            match past.shown.get(cell) {
                Some(Shows::Lost) => {}
                Some(Shows::Plain) if light == Light::Other => {}
                Some(Shows::Same | Shows::Plain) | None => return false,
            }
            low = low.min(past.means[cell]);
            high = high.max(past.means[cell]);
        }
        high - low <= STILL_LEVELS
    }

    /// How far the colours are from the usual. On the way to grey nothing is off: a camera that sees
    /// by infrared light has no colours.
    fn cast_off(&self, (blue, red): (f32, f32)) -> Option<f32> {
        let ((usual_blue, usual_red), looks) = self.cast?;
        if looks < 4.0 {
            return None;
        }
        let length = usual_blue * usual_blue + usual_red * usual_red;
        let along = (blue * usual_blue + red * usual_red) / length.max(1e-3);
        let along = along.clamp(0.0, 1.0);
        Some((blue - usual_blue * along).hypot(red - usual_red * along))
    }

    fn learn(
        &mut self,
        grey: &Grey,
        tone: &Tone,
        cells: &[Cell],
        shown: &[Shows],
        now: Instant,
        hour: Hour,
    ) {
        let due = self.learned_at.is_none_or(|at| now.since(at) >= LEARN_EVERY);
        let Some(background) = self.background.as_mut().filter(|it| due && it.fits(grey)) else {
            return;
        };
        if !self.judge.at_rest() {
            return;
        }
        self.learned_at = Some(now);
        background.learn(grey, cells, shown);
        if self.reference.is_none() && background.is_settled() {
            self.reference = Some(background.clone());
        }
        self.usual.learn(hour, tone);
        let ((blue, red), looks) = self.cast.unwrap_or((tone.cast, 0.0));
        let rate = (1.0 / (looks + 1.0)).max(CAST_RATE);
        let cast = (blue + (tone.cast.0 - blue) * rate, red + (tone.cast.1 - red) * rate);
        self.cast = Some((cast, looks + 1.0));
    }
}

impl Movement {
    fn is_due(&self, now: Instant) -> bool {
        let gap = MOVEMENT_EVERY[self.count as usize % MOVEMENT_EVERY.len()];
        self.measured_at.is_none_or(|at| now.since(at) >= gap)
    }

    /// The newest movement that corners agreed on, unless it is older than what is looked at.
    fn newest(&self) -> Option<Shift> {
        self.last.back().copied().flatten()
    }

    fn measure(
        &mut self,
        background: &Background,
        reference: Option<&Background>,
        grey: &Grey,
        lost: f32,
        now: Instant,
    ) {
        self.measured_at = Some(now);
        self.count = self.count.wrapping_add(1);
        if let Some(reference) = reference
            && self.count.is_multiple_of(REFERENCE_EVERY)
        {
            let expected = self.of_reference.back().copied().flatten().unwrap_or(Shift::NONE);
            let corners = reference.corners();
            let found = shift::near(grey, reference.grid(), &corners, expected)
                .or_else(|| shift::near(grey, reference.grid(), &corners, Shift::NONE));
            remember(&mut self.of_reference, found);
        }
        let (grid, corners) = (background.grid(), background.corners());
        let near = |expected| shift::near(grey, grid, &corners, expected);
        let mut found = near(self.newest().unwrap_or(Shift::NONE)).or_else(|| near(Shift::NONE));
        if found.is_none() && lost >= FAR_FROM {
            let at = |x: usize, y: usize| f32::from(grey.row(y)[x]);
            let coarse = Coarse::of(at, grey.width_px(), grey.height_px());
            found = near(background.coarse().shift_to(&coarse));
        }
        remember(&mut self.last, found);
    }

    /// The largest movement in the picture, as a share of its width: of the middle of the last few.
    fn moved(&self, width_px: usize, height_px: usize) -> Option<f64> {
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
    (found.len() * 2 > MOVEMENTS).then(|| Shift {
        right_px: middle(&found, |it| it.right_px),
        down_px: middle(&found, |it| it.down_px),
        zoom: middle(&found, |it| it.zoom),
        turn: middle(&found, |it| it.turn),
    })
}

/// The mean without the least and the greatest: of a mast that shakes it is where it stands.
fn middle(shifts: &[Shift], of: fn(&Shift) -> f64) -> f64 {
    let mut all: Vec<f64> = shifts.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    let inner = if all.len() > 2 { &all[1..all.len() - 1] } else { &all[..] };
    inner.iter().sum::<f64>() / inner.len().max(1) as f64
}

fn share_lost(background: &Background, shown: &[Shows]) -> f32 {
    let strong = background.strong().count();
    let lost = shown.iter().filter(|shows| **shows == Shows::Lost).count();
    lost as f32 / strong.max(1) as f32
}

/// By how much the whole view is brighter than usual: the middle one of all cells.
fn light_since(usual: &[Cell], cells: &[Cell]) -> f32 {
    let mut all: Vec<f32> =
        cells.iter().zip(usual).map(|(now, usual)| now.mean - usual.mean).collect();
    all.sort_by(f32::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Contrast and sharpness that are left, as a share of the usual: of the middle one of the strong
/// cells that still show what they did. Noise makes steps between neighbours as large as from
/// picture to picture, and no lens blurs those: they are taken off, as far as the plainest cells have
/// them too; in a view that moves all the while pictures differ by more than noise.
fn left_of(background: &Background, cells: &[Cell], shown: &[Shows], noise: f32) -> (f32, f32) {
    let same: Vec<usize> = background.strong().filter(|&cell| shown[cell] == Shows::Same).collect();
    let left = |of: &dyn Fn(&Cell) -> f32| {
        let share = |&cell: &usize| of(&cells[cell]) / of(&background.usual()[cell]).max(0.1);
        let mut all: Vec<f32> = same.iter().map(share).collect();
        all.sort_by(f32::total_cmp);
        if all.len() < SAME_MIN { 1.0 } else { all[all.len() / 2] }
    };
    let mut plainest: Vec<f32> = cells.iter().map(|cell| cell.sharpness).collect();
    plainest.sort_by(f32::total_cmp);
    let noise = plainest.get(plainest.len() / 10).map_or(0.0, |plain| plain.min(noise));
    let steps = |cell: &Cell| (cell.sharpness * cell.sharpness - noise * noise).max(0.0).sqrt();
    (left(&|cell| cell.contrast), left(&steps))
}
