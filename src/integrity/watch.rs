//! One camera's integrity: what is measured of each picture, and what is remembered.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::time::Instant;

use super::background::{Background, STRONG_CONTRAST, Shows};
use super::cells::{Cell, Grid};
use super::face::{FACE_LEFT, FACE_LOST, complete, is_face};
use super::grey::{Grey, Tone};
use super::judge::{Finding, Judge, Measures, Order, Placed, Since, Size, is_lit};
use super::known::{Cast, Known, Lately, resized};
use super::left::{Slowly, left_of, share_lost};
use super::movement::Movement;
use super::shift::Shift;
use super::still::{Frozen, Run, Stillness};
use super::usual::{Hour, Usual};

/// How often the background is learned.
const LEARN_EVERY: Duration = Duration::from_millis(500);

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

/// The cast of the last minutes: the newest look counts by this share, two looks a second.
const CAST_RATE: f32 = 1.0 / 600.0;

/// A cast is known from so many looks on: two seconds.
const CAST_LOOKS_MIN: f32 = 4.0;

/// Faces of one view that are remembered: day, night, lamplight, snow.
const FACES_MAX: usize = 4;

/// A view that shows so much more than it did is another face, if it lasts for this long: a lamp that
/// is switched on, a camera that turns from infrared to colours.
const RICHER_FOR: Duration = Duration::from_secs(3);

/// Everything known of one camera's view.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    before: Option<Before>,
    background: Option<Background>,
    reference: Option<Background>,
    /// Whether the reference is newer than what was last asked for.
    settled: bool,
    /// What was kept, until the first picture says in which size it is wanted.
    kept: Option<Known>,
    /// The same view as it looks at other times: by night, by lamplight.
    faces: Vec<Background>,
    learned_at: Option<Instant>,
    stillness: Stillness,
    movement: Movement,
    slowly: Slowly,
    /// Since when the view shows more than the background.
    richer_since: Option<Instant>,
    past: VecDeque<Past>,
    /// Usual cast of the last minutes.
    cast: Option<Cast>,
    usual: Usual,
    judge: Judge,
}

/// The picture before.
#[derive(Clone, Debug)]
struct Before {
    grey: Grey,
    /// What it was dated, and the latest that any was.
    dated: Instant,
    latest: Instant,
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

/// What a picture gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    pub measures: Measures,
    /// How the view stands against its reference, where corners agree; of the picture looked at,
    /// pixels.
    pub shift: Option<Shift>,
    /// All that is wrong, gravest first.
    pub findings: Vec<Finding>,
}

impl Watch {
    pub fn new() -> Watch {
        Watch::default()
    }

    /// Goes on with what was kept: from the first picture on the view must be this one.
    pub fn restored(known: Known) -> Watch {
        let Lately { cast, habit } = known.lately;
        let stillness = habit.map(Stillness::restored).unwrap_or_default();
        Watch { usual: known.usual, cast, stillness, kept: Some(known), ..Watch::default() }
    }

    /// Whether more has changed since the start than a clock that is written into the picture: before,
    /// it may be one that stands still.
    pub fn has_changed(&self) -> bool {
        self.stillness.has_changed()
    }

    /// What is worth keeping; the reference only once.
    pub fn known(&self) -> Known {
        let picture = |background: &Background| background.picture();
        let settled = self.background.as_ref().filter(|it| it.is_settled());
        Known {
            reference: self.reference.as_ref().and_then(picture),
            background: settled.and_then(picture),
            faces: self.faces.iter().filter_map(picture).collect(),
            usual: self.usual,
            lately: Lately { cast: self.cast, habit: self.stillness.habit() },
        }
    }

    /// The reference, if it is another one than when this was last asked.
    pub fn newly_settled(&mut self) -> Option<Grey> {
        let reference = self.reference.as_ref().filter(|_| std::mem::take(&mut self.settled))?;
        reference.picture()
    }

    /// Takes what was kept, now that the size of pictures is known.
    fn unpack(&mut self, now: &Grey, (blue, red): (f32, f32), hour: Hour) {
        let Some(kept) = self.kept.take() else { return };
        let usual = self.usual.at(hour).map(|usual| Cast {
            blue: usual.blue.mean,
            red: usual.red.mean,
            looks: 1.0 / CAST_RATE,
        });
        // As it was lately, or as it is at this hour: lamps may have come on since, or clouds.
        let off = |cast: &Cast| (cast.blue - blue).hypot(cast.red - red);
        let known = self.cast.into_iter().chain(usual);
        self.cast = known.min_by(|a, b| off(a).total_cmp(&off(b)));
        let (width_px, height_px) = (now.width_px(), now.height_px());
        let sized = |grey: &Grey| {
            let grey = resized(grey, width_px, height_px)?;
            Background::new(&grey).map(Background::settled)
        };
        self.reference = kept.reference.as_ref().and_then(|reference| {
            // One of another shape stays as it is: no picture fits it, and that is told.
            sized(reference).or_else(|| Background::new(reference).map(Background::settled))
        });
        let fits = self.reference.as_ref().is_none_or(|reference| reference.fits(now));
        self.faces = kept.faces.iter().filter_map(sized).filter(|_| fits).collect();
        self.background = kept.background.as_ref().and_then(sized).filter(|_| fits);
        if self.background.is_none() {
            self.background = self.reference.clone();
        } else if self.faces.len() < FACES_MAX {
            // It may be hours since: the reference is how the view looked at another time.
            self.faces.extend(self.reference.clone());
        }
        complete(&mut self.faces, self.background.as_ref());
    }

    /// The box looks at larger or smaller pictures from here on, for another model: what is known of
    /// the view is scaled, as it is at a start. What was measured in pixels is measured anew, and noise
    /// is another one.
    fn follow_size(&mut self, now: &Grey) {
        let of_the_view = self.background.iter_mut().chain(&mut self.reference);
        let mut scaled = false;
        for known in of_the_view.chain(&mut self.faces) {
            if let Some(sized) = known.in_size_of(now) {
                *known = sized;
                scaled = true;
            }
        }
        if scaled {
            let habit = self.stillness.habit();
            self.stillness = habit.map(Stillness::restored).unwrap_or_default();
            (self.movement, self.slowly) = (Movement::default(), Slowly::default());
            self.past.clear();
            self.richer_since = None;
        }
    }

    /// The view is right as it is now, and the reference once it is learned: at once, when nothing is
    /// wrong with it and all of it is known. What is usual for the camera stays; so does how the view looked
    /// before, unless it has moved.
    pub fn accept(&mut self) {
        let known = self.background.as_ref().filter(|it| it.is_settled());
        if let Some(background) = known.filter(|_| self.judge.at_rest()) {
            if self.has_all_of_the_picture(background) {
                self.reference = Some(background.clone());
                self.movement.forget_reference();
                self.settled = true;
                return;
            }
            // Neither a reference nor a face: it is right, and lacks a part.
            self.background = None;
        }
        let mut faces = std::mem::take(&mut self.faces);
        faces.extend(self.background.take());
        if self.judge.is_elsewhere() {
            faces.clear();
        }
        let forgotten = faces.len().saturating_sub(FACES_MAX);
        faces.drain(..forgotten);
        let usual = std::mem::take(&mut self.usual);
        let stillness = std::mem::take(&mut self.stillness);
        let judge = self.judge.accepted();
        let before = self.before.take();
        *self = Watch { usual, stillness, faces, judge, before, ..Watch::default() };
    }

    /// Whether the background has what the picture has, but for little. What was kept where a privacy
    /// mask was has not: it is plain there, and no reference to hold what comes against.
    fn has_all_of_the_picture(&self, background: &Background) -> bool {
        let Some(Before { grey, .. }) = self.before.as_ref().filter(|it| background.fits(&it.grey))
        else {
            return true;
        };
        let cells = background.grid().describe(grey);
        let is_new = |(now, usual): &(&Cell, &Cell)| {
            now.contrast >= STRONG_CONTRAST && usual.contrast < STRONG_CONTRAST / 2.0
        };
        let new = cells.iter().zip(background.usual()).filter(is_new).count();
        let all = background.strong().count() + new;
        new as f32 <= LOST_TOO * all as f32
    }

    /// Where the view is not what it was, it may be what it was at another time of day.
    fn turn_face(&mut self, grey: &Grey) -> bool {
        let noise = self.stillness.noise();
        let found = self.faces.iter().position(|face| is_face(face, grey, noise));
        if let (Some(found), Some(background)) = (found, &mut self.background) {
            std::mem::swap(&mut self.faces[found], background);
            self.past.clear();
            self.richer_since = None;
        }
        found.is_some()
    }

    /// The view shows more than the background does, and nothing is wrong with it: what it was is put
    /// aside before it is learned over, so that the way back is known.
    fn put_face_aside(&mut self, grey: &Grey, measures: &Measures, now: Instant) {
        let more = |left: f32| left > 1.0 / FACE_LEFT;
        let richer = measures.lost <= FACE_LOST
            && (more(measures.contrast) || more(measures.sharpness))
            && self.background.as_ref().is_some_and(Background::is_settled);
        if !richer || !self.judge.at_rest() {
            self.richer_since = None;
            return;
        }
        let since = *self.richer_since.get_or_insert(now);
        if self.turn_face(grey) || now.since(since) < RICHER_FOR {
            return;
        }
        self.faces.extend(self.background.take());
        let forgotten = self.faces.len().saturating_sub(FACES_MAX);
        self.faces.drain(..forgotten);
        self.background = Background::new(grey);
        self.past.clear();
        self.richer_since = None;
    }

    /// Takes a picture.
    pub fn look(&mut self, grey: Grey, tone: Tone, at: Instant, hour: Hour) -> Look {
        self.unpack(&grey, tone.cast, hour);
        self.follow_size(&grey);
        // By one that is black nothing could ever be recognised.
        if self.background.is_none() && is_lit(&tone, self.usual.at(hour)) {
            self.background = Background::new(&grey);
        }
        if !self.judge.at_rest() {
            self.turn_face(&grey);
        }
        let order = match &self.before {
            Some(before) if at <= before.dated => Order::NotLater,
            Some(_) | None => Order::Later,
        };
        // Time for everything else goes on, whatever the picture says.
        let now = self.before.as_ref().map_or(at, |before| at.max(before.latest));
        let run = self.run(&grey, now);
        let (measures, cells, shown) = self.measure(&grey, tone, run, order, now);
        let findings = self.judge.look(&measures, self.usual.at(hour), now);
        self.put_face_aside(&grey, &measures, now);
        self.learn(&grey, &tone, &cells, &shown, now, hour);
        let shift = self.movement.stands(grey.width_px(), grey.height_px());
        self.before = Some(Before { grey, dated: at, latest: now });
        Look { measures, shift, findings }
    }

    fn run(&mut self, grey: &Grey, now: Instant) -> Run {
        let nothing = Run { lasts: Duration::ZERO, limit: Duration::ZERO, frozen: Frozen::No };
        let Some(background) = self.background.as_ref().filter(|it| it.fits(grey)) else {
            return nothing;
        };
        match &self.before {
            Some(before) if background.fits(&before.grey) => {
                let change = background.grid().change(&before.grey, grey);
                self.stillness.look(&change, now)
            }
            Some(_) | None => nothing,
        }
    }

    fn measure(
        &mut self,
        grey: &Grey,
        tone: Tone,
        run: Run,
        order: Order,
        now: Instant,
    ) -> (Measures, Vec<Cell>, Vec<Shows>) {
        let background = self.background.as_ref();
        let mut measures = Measures {
            tone,
            run,
            lost: 1.0,
            held: 0.0,
            scene: 1.0,
            contrast: 1.0,
            sharpness: 1.0,
            since_reference: Since::ALL,
            strong: background.map_or(0, |it| it.strong().count()),
            moved: None,
            placed: Placed::No,
            cast_off: self.cast_off(tone.cast),
            order,
            size: Size::Usual,
        };
        // Another shape of picture is another picture; one that is too small is none.
        let other = match background {
            Some(background) => !background.fits(grey),
            None => Grid::of(grey.width_px(), grey.height_px()).is_none(),
        };
        let Some(background) = background.filter(|_| !other) else {
            measures.size = if other { Size::Other } else { Size::Usual };
            return (measures, Vec::new(), Vec::new());
        };
        let grid = *background.grid();
        let cells = grid.describe(grey);
        let expected = self.movement.newest().unwrap_or(Shift::NONE);
        let mut shown = background.shown(grey, expected);
        measures.lost = share_lost(background, &shown);
        if self.movement.is_due(now) {
            let reference = self.reference.as_ref();
            self.movement.measure(background, reference, grey, now);
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
        let both = (self.reference.as_ref(), background);
        let stands = self.movement.stands(grey.width_px(), grey.height_px()).unwrap_or(Shift::NONE);
        measures.since_reference =
            self.slowly.look(both, grey, stands, self.stillness.noise(), now);
        measures.held = self.held(&cells, &shown, now);
        (measures, cells, shown)
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
        let Cast { blue: usual_blue, red: usual_red, looks } = self.cast?;
        if looks < CAST_LOOKS_MIN {
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
        if !self.judge.at_rest() || self.richer_since.is_some() {
            return;
        }
        self.learned_at = Some(now);
        background.learn(grey, cells, shown, self.stillness.noise());
        complete(&mut self.faces, Some(background));
        if self.reference.is_none() && background.is_settled() {
            self.reference = Some(background.clone());
            self.settled = true;
        }
        self.usual.learn(hour, tone);
        let (blue_now, red_now) = tone.cast;
        let first = Cast { blue: blue_now, red: red_now, looks: 0.0 };
        let Cast { blue, red, looks } = self.cast.unwrap_or(first);
        let looks = (looks + 1.0).min(1.0 / CAST_RATE);
        let (blue, red) = (blue + (blue_now - blue) / looks, red + (red_now - red) / looks);
        self.cast = Some(Cast { blue, red, looks });
    }
}

/// By how much the whole view is brighter than usual: the middle one of all cells.
fn light_since(usual: &[Cell], cells: &[Cell]) -> f32 {
    let mut all: Vec<f32> =
        cells.iter().zip(usual).map(|(now, usual)| now.mean - usual.mean).collect();
    all.sort_by(f32::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
