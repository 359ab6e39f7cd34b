//! From numbers to what is told: limits, and how long each must be passed.
//!
//! Every limit is what the picture must give to be worth deciding on, not what some footage gave.
//! Where a camera's hour is known, what is usual there moves the limit, never beyond what the
//! requirement asks to be found.

use std::time::Duration;

use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;

use super::grey::Tone;
use super::still::{Frozen, Run};
use super::usual::UsualHour;

/// Dark: a twentieth of the picture at most is brighter than this. 40 of 255 is a fiftieth of the
/// light that white gives (the usual transfer curve, 2.2); the noise of a sensor is as large there as
/// the difference between a dark jacket and asphalt.
const DARK_HIGH: f32 = 40.0;

/// At an hour that is usually nearly as dark: half of what is usual, which is a quarter of the light.
const DARK_SHARE: f32 = 0.5;

/// Over-exposed: this share of the pixels says nothing but "bright" …
const CLIPPED_SHARE: f32 = 0.4;

/// … and this much more than is usual at that hour, for views with snow or sky in them.
const CLIPPED_MORE: f32 = 0.25;

/// Over-exposed as well: a twentieth at most of the picture is darker than this.
const BRIGHT_LOW: f32 = 200.0;

/// Fogged: contrast of most of the view is less than this share of what it was. Half the contrast is
/// what a person in grey has against asphalt when in full light they would wear black and white;
/// weather takes a third.
const WASHED_OUT: f32 = 0.45;

/// Blurred: edges have lost so much more than contrast has; light changes both alike. Three decibels,
/// what is called the end of sharpness elsewhere too: a point is spread over some three pixels of the
/// picture looked at.
const SOFT: f32 = 0.7;

/// Cells that have lost their background and stand still, as a share of those that could lose it.
/// R15 asks for 30 % of the view; of what covers that much in a corner, 22 % are whole cells.
const COVERED_SHARE: f32 = 0.2;

/// Wrong: so much of the background is nowhere in the picture, though as much is in the picture.
const WRONG_SHARE: f32 = 0.7;

/// Hidden: so much of the background has been nowhere in the picture for this long, whatever is there
/// instead and however it moves: a sheet that flaps, smoke, a machine before the lens. A lorry that
/// passes is gone by then.
const HIDDEN_FOR: Duration = Duration::from_secs(3);

/// Hardly anything is left that could be recognised, where there was twice as much: dirt and fog that
/// come so slowly that the background follows them.
const STRONG_SHARE: f32 = 0.5;

/// Share of cells with contrast from which a picture shows a scene and not a cover.
const SCENE_SHARE: f32 = 0.6;

/// R15: 10 pixels of 1920. Told from seven: what is measured is off by a fifth of a pixel of the
/// picture looked at, which is one of 1920, and a shake adds as much.
pub const MOVED_SHARE: f64 = 7.0 / 1920.0;

/// Colours: off by so many levels of 255. White balance wanders by five, lamps add as much.
const CAST_OFF: f32 = 14.0;

/// … and by this many times what they usually are off.
const CAST_SPREADS: f32 = 6.0;

/// Time running backwards once may be two pictures swapped on the way; so often within
/// `BACKWARDS_OVER` it is not.
const BACKWARDS_MIN: usize = 2;
const BACKWARDS_OVER: Duration = Duration::from_secs(3);

/// What is right again must be so for this long, so that a flicker is one trouble and not twenty.
const RIGHT_AGAIN: Duration = Duration::from_millis(1500);

/// Not yet told, time in which nothing is wrong takes back a third of itself from time in which
/// something was: what is wrong in every other picture is told, what flashes once a second is not.
const TAKEN_BACK: u32 = 3;

/// One picture stands for this time at most; between pictures farther apart nothing is known.
const PICTURE_MAX: Duration = Duration::from_millis(500);

/// What one picture gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    pub tone: Tone,
    pub run: Run,
    /// Share of the strong cells that have lost their background; and of those that stand still.
    pub lost: f32,
    pub held: f32,
    /// Share of the strong cells that have contrast, of whatever.
    pub scene: f32,
    /// Contrast and sharpness of the middle one of the strong cells that still show what they did, as
    /// a share of the usual.
    pub contrast: f32,
    pub sharpness: f32,
    /// The same against the reference, of late: see `Since`.
    pub since_reference: Since,
    /// Strong cells; without enough of them nothing is said of the view.
    pub strong: usize,
    /// How far the view has moved, as a share of the picture's width, over the last two seconds.
    pub moved: Option<f64>,
    /// Whether most corners of the background were found where one movement puts them.
    pub placed: Placed,
    /// How far the colours are from the usual; and how far they may be.
    pub cast_off: Option<f32>,
    pub order: Order,
    pub size: Size,
}

/// Whether the picture has the size of the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Usual,
    Other,
}

/// What is left of the reference, as shares: what comes too slowly for `contrast` and `sharpness`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Since {
    /// Contrast for its brightness: evening takes both alike, fog and dirt do not.
    pub contrast: f32,
    /// Sharpness for its contrast.
    pub sharpness: f32,
    /// Cells that can be recognised at all.
    pub strong: f32,
}

impl Since {
    /// All of it, or nothing known.
    pub const ALL: Since = Since { contrast: 1.0, sharpness: 1.0, strong: 1.0 };
}

/// Whether the picture shows the background, wherever it has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    Yes,
    No,
}

/// Whether a picture is dated after the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Later,
    NotLater,
}

/// Fewer strong cells than this are no view: a wall, the sky. A tenth of them all.
pub const STRONG_MIN: usize = 12;

/// A measured value beyond its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beyond {
    pub measured: f32,
    pub limit: f32,
}

/// Something that is wrong, and since when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    pub fault: ViewFault,
    pub since: Instant,
    pub measured: f32,
    pub limit: f32,
}

/// What is remembered between pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judge {
    holds: [Hold; ViewFault::ALL.len()],
    hidden: Hold,
    backwards: Vec<Instant>,
}

/// How long one fault has been so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Hold {
    /// Since when, told or not yet.
    since: Option<Instant>,
    /// How long of that it was so, less what has been taken back.
    lasted: Duration,
    /// When it was last so, and when it was last looked at.
    last: Option<Instant>,
    seen: Option<Instant>,
    beyond: Option<Beyond>,
    told: bool,
}

/// How long a fault must last before it is told. The sum of this, of what is measured over time, and
/// of two pictures at 5 a second stays within R15.
const fn wait(fault: ViewFault) -> Duration {
    Duration::from_millis(match fault {
        // Measured over time already.
        ViewFault::Frozen | ViewFault::TimeBackwards => 0,
        ViewFault::Covered => 300,
        ViewFault::Moved => 800,
        ViewFault::WrongPicture => 1500,
        ViewFault::Dark | ViewFault::Overexposed | ViewFault::Blurred => 1500,
        ViewFault::Discoloured => 2000,
    })
}

impl Judge {
    /// Takes a picture's numbers; gives all that is wrong now, gravest first.
    pub fn look(
        &mut self,
        measures: &Measures,
        usual: Option<&UsualHour>,
        at: Instant,
    ) -> Vec<Finding> {
        self.note_order(measures.order, at);
        self.hidden.look(hidden(measures, usual), HIDDEN_FOR, at);
        for fault in ViewFault::ALL {
            let (beyond, wait) = match fault {
                ViewFault::TimeBackwards => (self.backwards_beyond(), Duration::ZERO),
                ViewFault::Covered if self.is_hidden() => (self.hidden.beyond, Duration::ZERO),
                _ => (beyond(fault, measures, usual), wait(fault)),
            };
            self.holds[fault as usize].look(beyond, wait, at);
        }
        self.findings()
    }

    /// What an engineer's word does not cure goes on, and is judged by the pictures that come.
    pub fn accepted(&self) -> Judge {
        let mut judge = Judge { backwards: self.backwards.clone(), ..Judge::default() };
        for fault in ViewFault::ALL {
            match fault {
                ViewFault::Frozen
                | ViewFault::TimeBackwards
                | ViewFault::Dark
                | ViewFault::Overexposed => {
                    judge.holds[fault as usize] = self.holds[fault as usize];
                }
                ViewFault::WrongPicture
                | ViewFault::Moved
                | ViewFault::Covered
                | ViewFault::Blurred
                | ViewFault::Discoloured => {}
            }
        }
        judge
    }

    /// Nothing is recognised, and it has not been called another view.
    fn is_hidden(&self) -> bool {
        self.hidden.told && !self.holds[ViewFault::WrongPicture as usize].told
    }

    /// Whether it may be another view that is shown: told so, moved, or one of which nothing is
    /// recognised, which is told as covered.
    pub fn is_elsewhere(&self) -> bool {
        let told = |fault: ViewFault| self.holds[fault as usize].told;
        told(ViewFault::Moved) || told(ViewFault::WrongPicture) || self.hidden.told
    }

    /// Whether nothing is wrong, or may turn out to be.
    pub fn at_rest(&self) -> bool {
        self.hidden.since.is_none() && self.holds.iter().all(|hold| hold.since.is_none())
    }

    /// What is wrong now.
    pub fn findings(&self) -> Vec<Finding> {
        let told = ViewFault::ALL.into_iter().zip(&self.holds).filter(|(_, hold)| hold.told);
        told.filter_map(|(fault, hold)| {
            let Beyond { measured, limit } = hold.beyond?;
            Some(Finding { fault, since: hold.since?, measured, limit })
        })
        .collect()
    }

    fn note_order(&mut self, order: Order, at: Instant) {
        self.backwards.retain(|then| at.since(*then) <= BACKWARDS_OVER);
        if order == Order::NotLater && self.backwards.len() < BACKWARDS_MIN * 4 {
            self.backwards.push(at);
        }
    }

    fn backwards_beyond(&self) -> Option<Beyond> {
        let times = self.backwards.len();
        (times >= BACKWARDS_MIN)
            .then_some(Beyond { measured: times as f32, limit: BACKWARDS_MIN as f32 })
    }
}

impl Hold {
    fn look(&mut self, beyond: Option<Beyond>, wait: Duration, at: Instant) {
        let passed = self.seen.map_or(Duration::ZERO, |seen| at.since(seen)).min(PICTURE_MAX);
        self.seen = Some(at);
        match beyond {
            Some(_) => {
                self.beyond = beyond;
                self.last = Some(at);
                if self.since.is_some() {
                    self.lasted += passed;
                }
                self.since.get_or_insert(at);
                self.told |= self.lasted >= wait;
            }
            None if self.told => {
                if self.last.is_none_or(|last| at.since(last) >= RIGHT_AGAIN) {
                    *self = Hold::default();
                }
            }
            None => {
                self.lasted = self.lasted.saturating_sub(passed / TAKEN_BACK);
                if self.lasted.is_zero() {
                    *self = Hold { seen: Some(at), ..Hold::default() };
                }
            }
        }
    }
}

/// Whether this picture is beyond the fault's limit.
fn beyond(fault: ViewFault, it: &Measures, usual: Option<&UsualHour>) -> Option<Beyond> {
    let lit = is_lit(&it.tone, usual);
    let view = lit && it.strong >= STRONG_MIN;
    let wrong = it.lost >= WRONG_SHARE && it.scene >= SCENE_SHARE;
    match fault {
        ViewFault::Frozen => (it.run.frozen == Frozen::Yes).then_some(Beyond {
            measured: it.run.lasts.as_secs_f32(),
            limit: it.run.limit.as_secs_f32(),
        }),
        // Told by `Judge` from the pictures' order.
        ViewFault::TimeBackwards => None,
        ViewFault::Dark if is_dark(&it.tone, usual) => {
            Some(Beyond { measured: it.tone.high, limit: dark_limit(usual) })
        }
        ViewFault::Overexposed if is_overexposed(&it.tone, usual) => {
            Some(Beyond { measured: it.tone.clipped, limit: clipped_limit(usual) })
        }
        ViewFault::Dark | ViewFault::Overexposed => None,
        ViewFault::Moved if lit => more(it.moved? as f32, MOVED_SHARE as f32),
        // Of another size it is another picture, whatever it shows.
        ViewFault::WrongPicture if it.size == Size::Other => more(it.lost, WRONG_SHARE),
        ViewFault::WrongPicture if view && it.placed == Placed::No && wrong => {
            more(it.lost, WRONG_SHARE)
        }
        ViewFault::Blurred if view && it.lost < WRONG_SHARE => washed_out(it).or(washed_away(it)),
        ViewFault::Blurred if lit => less(it.since_reference.strong, STRONG_SHARE),
        ViewFault::Covered if view && !wrong => {
            let blurred = it.lost < WRONG_SHARE && washed_out(it).is_some();
            more(it.held, COVERED_SHARE).filter(|_| !blurred)
        }
        ViewFault::Discoloured if lit => more(it.cast_off?, cast_limit(usual)),
        ViewFault::Moved
        | ViewFault::WrongPicture
        | ViewFault::Blurred
        | ViewFault::Covered
        | ViewFault::Discoloured => None,
    }
}

/// Whether nothing of the background is anywhere in the picture, whatever else is.
fn hidden(it: &Measures, usual: Option<&UsualHour>) -> Option<Beyond> {
    let view = is_lit(&it.tone, usual) && it.strong >= STRONG_MIN && it.size == Size::Usual;
    more(it.lost, WRONG_SHARE).filter(|_| view && it.placed == Placed::No)
}

/// Blurred or fogged from one picture to the next.
fn washed_out(it: &Measures) -> Option<Beyond> {
    let softness = it.sharpness / it.contrast.max(0.1);
    less(it.contrast, WASHED_OUT).or(less(softness, SOFT))
}

/// … and so slowly that nobody noticed.
fn washed_away(it: &Measures) -> Option<Beyond> {
    let since = &it.since_reference;
    less(since.contrast, WASHED_OUT)
        .or(less(since.sharpness, SOFT))
        .or(less(since.strong, STRONG_SHARE))
}

fn more(measured: f32, limit: f32) -> Option<Beyond> {
    (measured > limit).then_some(Beyond { measured, limit })
}

fn less(measured: f32, limit: f32) -> Option<Beyond> {
    (measured < limit).then_some(Beyond { measured, limit })
}

/// Whether the picture shows enough to be a view.
pub(super) fn is_lit(tone: &Tone, usual: Option<&UsualHour>) -> bool {
    !is_dark(tone, usual) && !is_overexposed(tone, usual)
}

fn dark_limit(usual: Option<&UsualHour>) -> f32 {
    usual.map_or(DARK_HIGH, |usual| DARK_HIGH.min(usual.high.mean * DARK_SHARE))
}

fn is_dark(tone: &Tone, usual: Option<&UsualHour>) -> bool {
    tone.high < dark_limit(usual)
}

fn clipped_limit(usual: Option<&UsualHour>) -> f32 {
    usual.map_or(CLIPPED_SHARE, |usual| CLIPPED_SHARE.max(usual.clipped.mean + CLIPPED_MORE))
}

fn is_overexposed(tone: &Tone, usual: Option<&UsualHour>) -> bool {
    tone.clipped > clipped_limit(usual) || tone.low > BRIGHT_LOW
}

fn cast_limit(usual: Option<&UsualHour>) -> f32 {
    usual.map_or(CAST_OFF, |usual| {
        CAST_OFF.max(CAST_SPREADS * usual.blue.spread.max(usual.red.spread))
    })
}
