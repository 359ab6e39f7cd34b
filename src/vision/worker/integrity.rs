//! Each camera's integrity in the live worker: looks at the pictures the model looks at, and tells
//! the guard at a change, and every second while anything is wrong. What is learned goes to the guard
//! to keep, and comes back with the next start.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock;
use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;
use crate::integrity::known::{Cast, Lately};
use crate::integrity::still::Habit;
use crate::integrity::usual::{Band, HOURS, Usual, UsualHour};
use crate::integrity::{Finding, Grey, Hour, Known, Look, Shift, Watch};
use crate::link::{
    self, CameraIndex, FromWorker, GreyPicture, KnownView, LearnedView, Source, ViewFinding,
    ViewKind, ViewLately, ViewShift,
};

use super::super::preprocess::PictureRef;

/// How often the guard is told again of what is wrong.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// When what was learned is first given to the guard, and how often from then on: some hundred
/// kilobytes a camera, and an hour of it is learned anew in an hour.
const KEEP_FIRST: Duration = Duration::from_secs(600);
const KEEP_EVERY: Duration = Duration::from_secs(3600);

/// What a process before this one told stands until this one has looked for so long, a second more than
/// the longest time within which anything must be told, at pictures that change.
const FIRST_WORD: Duration = Duration::from_secs(6);
const MOVES_WITHIN: Duration = Duration::from_secs(1);

const SECONDS_AN_HOUR: i64 = 3600;

/// How a camera's pictures were lately is true for so long: it is kept once an hour, and light that is
/// two hours older has other colours and other noise.
const LATELY_S: i64 = 2 * SECONDS_AN_HOUR;

/// One camera's watch, and what the guard knows of it.
#[derive(Default)]
pub struct Integrity {
    watch: Watch,
    /// What the guard was told last; nothing yet, which is not the same as that all is right.
    told: Option<Vec<ViewFault>>,
    began_at: Option<Instant>,
    told_at: Option<Instant>,
    keep_at: Option<Instant>,
}

impl Integrity {
    /// A camera's. A test pattern has none: it is drawn, without noise and without a view.
    pub fn of(source: &Source) -> Option<Integrity> {
        source.has_view().then(Integrity::default)
    }

    /// Looks at a picture. What the guard must be told of it.
    pub fn look(
        &mut self,
        (camera, frame): (CameraIndex, u64),
        picture: &PictureRef<'_>,
        captured_ns: u64,
    ) -> Vec<FromWorker> {
        let Some((grey, tone)) = Grey::from_bgr(picture.rows(), picture.width()) else {
            return Vec::new();
        };
        let hours = clock::wall().as_second().div_euclid(SECONDS_AN_HOUR);
        let hour = Hour::new(u64::try_from(hours).unwrap_or_default());
        let sides = (grey.width_px(), grey.height_px());
        let look = self.watch.look(grey, tone, Instant::from_nanos(captured_ns), hour);
        let mut news = Vec::new();
        news.extend(self.news(camera, &look, sides));
        let settled = self.watch.newly_settled();
        let now = clock::monotonic();
        let keep = *self.keep_at.get_or_insert(now.after(KEEP_FIRST)) <= now || settled.is_some();
        if let Some(reference) = settled {
            news.push(FromWorker::Settled { camera, frame, reference: wire_grey(reference) });
        }
        if keep {
            self.keep_at = Some(now.after(KEEP_EVERY));
            let learned = Box::new(learned(self.watch.known(), clock::wall()));
            news.push(FromWorker::Learned { camera, learned });
        }
        news
    }

    /// An engineer has looked: the view is right as it is now.
    pub fn accept(&mut self) {
        self.watch.accept();
    }

    /// Goes on with what was known before.
    pub fn restore(&mut self, known: KnownView) {
        self.watch = Watch::restored(restored(known, clock::wall()));
    }

    fn news(
        &mut self,
        camera: CameraIndex,
        look: &Look,
        sides: (usize, usize),
    ) -> Option<FromWorker> {
        let faults: Vec<ViewFault> = look.findings.iter().map(|finding| finding.fault).collect();
        let now = clock::monotonic();
        let again = !faults.is_empty() && self.told_at.is_none_or(|at| now.since(at) >= TELL_EVERY);
        let news = match &self.told {
            Some(told) => faults != *told,
            None => {
                let looked = now.since(*self.began_at.get_or_insert(now)) >= FIRST_WORD;
                // A picture that has not changed yet, or as a clock in it does, may be frozen.
                let moves = look.measures.run.lasts < MOVES_WITHIN && self.watch.has_changed();
                !faults.is_empty() || (looked && moves)
            }
        };
        if !news && !again {
            return None;
        }
        self.told = Some(faults);
        self.told_at = Some(now);
        let findings = look.findings.iter().map(wire).collect();
        let shift = look.shift.map(|shift| wire_shift(shift, sides));
        Some(FromWorker::Integrity { camera, findings, shift })
    }
}

fn wire(finding: &Finding) -> ViewFinding {
    ViewFinding {
        kind: match finding.fault {
            ViewFault::Frozen => ViewKind::Frozen,
            ViewFault::TimeBackwards => ViewKind::TimeBackwards,
            ViewFault::WrongPicture => ViewKind::WrongPicture,
            ViewFault::Moved => ViewKind::Moved,
            ViewFault::Covered => ViewKind::Covered,
            ViewFault::Dark => ViewKind::Dark,
            ViewFault::Overexposed => ViewKind::Overexposed,
            ViewFault::Blurred => ViewKind::Blurred,
            ViewFault::Discoloured => ViewKind::Discoloured,
        },
        since_ns: finding.since.as_nanos(),
        measured: finding.measured,
        limit: finding.limit,
    }
}

fn wire_shift(shift: Shift, (width_px, height_px): (usize, usize)) -> ViewShift {
    ViewShift {
        x_norm: shift.right_px / width_px as f64,
        y_norm: shift.down_px / height_px as f64,
        turn_deg: shift.turn.to_degrees(),
        zoom: 1.0 + shift.zoom,
    }
}

fn wire_grey(grey: Grey) -> GreyPicture {
    // Of a picture that was in memory: both sides fit.
    let side = |px: usize| u32::try_from(px).unwrap_or_default();
    let (width_px, height_px) = (side(grey.width_px()), side(grey.height_px()));
    GreyPicture { width_px, height_px, luma: grey.into_luma() }
}

fn learned(known: Known, at: Timestamp) -> LearnedView {
    let band = |band: Band| (band.mean, band.spread);
    let hour = |it: &UsualHour| link::UsualHour {
        looks: it.looks,
        high: band(it.high),
        clipped: band(it.clipped),
        blue: band(it.blue),
        red: band(it.red),
    };
    LearnedView {
        usual: known.usual.hours().iter().map(hour).collect(),
        background: known.background.map(wire_grey),
        faces: known.faces.into_iter().map(wire_grey).collect(),
        lately: Some(wire_lately(known.lately, at)),
    }
}

fn wire_lately(Lately { cast, habit }: Lately, at: Timestamp) -> ViewLately {
    let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    ViewLately {
        at_s: at.as_second(),
        cast: cast.map(|Cast { blue, red, looks }| (blue, red, looks)),
        habit: habit.map(|it| (it.noise, ms(it.longest), ms(it.remembered))),
    }
}

/// What is too old, and numbers that cannot be, are as if they had not been kept.
fn restored_lately(kept: Option<ViewLately>, now: Timestamp) -> Lately {
    let fresh = |it: &ViewLately| (0..=LATELY_S).contains(&now.as_second().saturating_sub(it.at_s));
    let Some(ViewLately { cast, habit, at_s }) = kept.filter(fresh) else {
        return Lately::default();
    };
    let since = u64::try_from(now.as_second().saturating_sub(at_s)).unwrap_or_default();
    let level = |level: f32| level.abs() <= f32::from(u8::MAX);
    let cast = cast.map(|(blue, red, looks)| Cast { blue, red, looks });
    let ms = |ms: u32| Duration::from_millis(ms.into());
    let habit = habit.map(|(noise, longest_ms, remembered_ms)| Habit {
        noise,
        longest: ms(longest_ms),
        remembered: ms(remembered_ms).saturating_sub(Duration::from_secs(since)),
    });
    Lately {
        cast: cast.filter(|it| level(it.blue) && level(it.red) && it.looks >= 0.0),
        habit: habit.filter(|it| level(it.noise) && it.noise >= 0.0),
    }
}

/// What does not fit together is as if it had not been kept.
fn restored(known: KnownView, now: Timestamp) -> Known {
    let grey = |it: GreyPicture| Grey::new(it.width_px as usize, it.height_px as usize, it.luma);
    let band = |(mean, spread): (f32, f32)| Band { mean, spread };
    let mut hours = [UsualHour::default(); HOURS];
    for (hour, kept) in hours.iter_mut().zip(&known.learned.usual) {
        *hour = UsualHour {
            looks: kept.looks,
            high: band(kept.high),
            clipped: band(kept.clipped),
            blue: band(kept.blue),
            red: band(kept.red),
        };
    }
    Known {
        reference: known.reference.and_then(grey),
        background: known.learned.background.and_then(grey),
        faces: known.learned.faces.into_iter().filter_map(grey).collect(),
        usual: Usual::restored(hours),
        lately: restored_lately(known.learned.lately, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        let grey = |level| Grey::new(64, 36, vec![level; 64 * 36]);
        let mut hours = [UsualHour::default(); HOURS];
        let band = |mean| Band { mean, spread: mean / 2.0 };
        let (high, clipped, blue, red) = (band(200.0), band(0.1), band(-3.0), band(7.0));
        hours[7] = UsualHour { looks: 130.0, high, clipped, blue, red };
        let known = Known {
            reference: grey(10),
            background: grey(20),
            faces: grey(30).into_iter().collect(),
            usual: Usual::restored(hours),
            lately: Lately {
                cast: Some(Cast { blue: -3.0, red: 7.0, looks: 600.0 }),
                habit: Some(Habit {
                    noise: 1.2,
                    longest: Duration::from_millis(400),
                    remembered: Duration::from_secs(5_000),
                }),
            },
        };
        let kept_at = clock::wall();
        let wired = KnownView {
            reference: known.reference.clone().map(wire_grey),
            learned: learned(known.clone(), kept_at),
        };
        let after = |hours| kept_at + jiff::SignedDuration::from_hours(hours);
        assert_eq!(restored(wired.clone(), kept_at), known);
        // Meanwhile time passes.
        let habit =
            known.lately.habit.map(|it| Habit { remembered: Duration::from_secs(1_400), ..it });
        let later = Known { lately: Lately { habit, ..known.lately }, ..known.clone() };
        assert_eq!(restored(wired.clone(), after(1)), later);
        // By another light nobody knows noise and colours; nor where the clock was set back.
        let unlike = Known { lately: Lately::default(), ..known };
        assert_eq!(restored(wired.clone(), after(3)), unlike);
        assert_eq!(restored(wired, after(-1)), unlike);
    }

    #[test]
    fn colours_and_noise_that_cannot_be_are_as_if_they_had_not_been_kept() {
        let now = clock::wall();
        let kept = |cast, habit| {
            restored_lately(Some(ViewLately { at_s: now.as_second(), cast, habit }), now)
        };
        let broken = kept(Some((f32::NAN, 1.0, 9.0)), Some((f32::INFINITY, 0, 0)));
        assert_eq!(broken, Lately::default());
        assert_eq!(kept(Some((1.0, 1.0, -1.0)), Some((-1.0, 0, 0))), Lately::default());
    }

    #[test]
    fn a_kept_picture_that_is_not_whole_is_as_if_it_had_not_been_kept() {
        let broken = GreyPicture { width_px: 64, height_px: 36, luma: vec![0; 7] };
        let known = KnownView { reference: Some(broken), ..KnownView::default() };
        assert_eq!(restored(known, clock::wall()).reference, None);
    }
}
