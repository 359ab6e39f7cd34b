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

/// Fogged: contrast of most of the view is less than this share of what it was. Half the contrast is what a person in grey has against asphalt when in full light they would
/// wear black and white; weather takes a third.
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
    /// Strong cells; without enough of them nothing is said of the view.
    pub strong: usize,
    /// How far the view has moved, as a share of the picture's width, over the last two seconds.
    pub moved: Option<f64>,
    /// Whether most corners of the background were found where one movement puts them.
    pub placed: Placed,
    /// How far the colours are from the usual; and how far they may be.
    pub cast_off: Option<f32>,
    pub order: Order,
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
    backwards: Vec<Instant>,
}

/// How long one fault has been so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Hold {
    /// Since when, told or not yet.
    since: Option<Instant>,
    /// When it was last so.
    last: Option<Instant>,
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
        for fault in ViewFault::ALL {
            let beyond = match fault {
                ViewFault::TimeBackwards => self.backwards_beyond(),
                _ => beyond(fault, measures, usual),
            };
            self.holds[fault as usize].look(beyond, wait(fault), at);
        }
        self.findings()
    }

    /// Whether nothing is wrong, or may turn out to be.
    pub fn at_rest(&self) -> bool {
        self.holds.iter().all(|hold| hold.since.is_none())
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
        match beyond {
            Some(_) => {
                self.beyond = beyond;
                self.last = Some(at);
                let since = *self.since.get_or_insert(at);
                self.told |= at.since(since) >= wait;
            }
            None if self.told => {
                if self.last.is_none_or(|last| at.since(last) >= RIGHT_AGAIN) {
                    *self = Hold::default();
                }
            }
            None => *self = Hold::default(),
        }
    }
}

/// Whether this picture is beyond the fault's limit.
fn beyond(fault: ViewFault, it: &Measures, usual: Option<&UsualHour>) -> Option<Beyond> {
    let more = |measured: f32, limit: f32| (measured > limit).then_some(Beyond { measured, limit });
    let less = |measured: f32, limit: f32| (measured < limit).then_some(Beyond { measured, limit });
    let lit = !is_dark(it, usual) && !is_overexposed(it, usual);
    let view = lit && it.strong >= STRONG_MIN;
    let softness = it.sharpness / it.contrast.max(0.1);
    let washed_out = less(it.contrast, WASHED_OUT).or(less(softness, SOFT));
    let wrong = it.lost >= WRONG_SHARE && it.scene >= SCENE_SHARE;
    match fault {
        ViewFault::Frozen => (it.run.frozen == Frozen::Yes).then_some(Beyond {
            measured: it.run.lasts.as_secs_f32(),
            limit: it.run.limit.as_secs_f32(),
        }),
        // Told by `Judge` from the pictures' order.
        ViewFault::TimeBackwards => None,
        ViewFault::Dark if is_dark(it, usual) => {
            Some(Beyond { measured: it.tone.high, limit: dark_limit(usual) })
        }
        ViewFault::Overexposed if is_overexposed(it, usual) => {
            Some(Beyond { measured: it.tone.clipped, limit: clipped_limit(usual) })
        }
        ViewFault::Dark | ViewFault::Overexposed => None,
        ViewFault::Moved if lit => more(it.moved? as f32, MOVED_SHARE as f32),
        ViewFault::WrongPicture if view && it.placed == Placed::No && wrong => {
            more(it.lost, WRONG_SHARE)
        }
        ViewFault::Blurred if view && it.lost < WRONG_SHARE => washed_out,
        ViewFault::Covered if view && !wrong => {
            let blurred = it.lost < WRONG_SHARE && washed_out.is_some();
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

fn dark_limit(usual: Option<&UsualHour>) -> f32 {
    usual.map_or(DARK_HIGH, |usual| DARK_HIGH.min(usual.high.mean * DARK_SHARE))
}

fn is_dark(it: &Measures, usual: Option<&UsualHour>) -> bool {
    it.tone.high < dark_limit(usual)
}

fn clipped_limit(usual: Option<&UsualHour>) -> f32 {
    usual.map_or(CLIPPED_SHARE, |usual| CLIPPED_SHARE.max(usual.clipped.mean + CLIPPED_MORE))
}

fn is_overexposed(it: &Measures, usual: Option<&UsualHour>) -> bool {
    it.tone.clipped > clipped_limit(usual) || it.tone.low > BRIGHT_LOW
}

fn cast_limit(usual: Option<&UsualHour>) -> f32 {
    usual.map_or(CAST_OFF, |usual| {
        CAST_OFF.max(CAST_SPREADS * usual.blue.spread.max(usual.red.spread))
    })
}
