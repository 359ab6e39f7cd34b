//! How much time crops may take of the detector: what is left when every whole picture had its own.
//!
//! Four limits, and a crop must be within all of them:
//! - on the long run all cameras together use at most `SHARE_MAX` of the detector;
//! - no picture that waits becomes overdue because of a crop;
//! - the picture a crop belongs to does not get older than `AGE_MAX` with it;
//! - one picture keeps the detector for at most `BUSY_MAX`: heartbeats come from its thread.
//!
//! So crops go before any whole picture is late. Pure: it is told what time it is.

use std::time::Duration;

/// Share of the detector's time that whole pictures and crops may use. Beyond, pictures that come a
/// little early or late wait for each other: at 0.8, one in five finds the detector free at once.
const SHARE_MAX: f64 = 0.8;

/// R2 gives p99 500 ms from light to siren; latency.md leaves 100 ms of that for what comes behind the
/// detector (link, decision, siren).
const AGE_MAX: Duration = Duration::from_millis(400);

/// Less than half of the 600 ms of silence after which the guard raises an alarm.
const BUSY_MAX: Duration = Duration::from_millis(250);

/// Time saved up by pictures without crops, in pictures: not six crops at once after a pause.
const SAVED_PICTURES: f64 = 3.0;

/// Debt beyond this is forgotten: after a second of too much work nothing is owed for ever.
const DEBT_MAX_MS: f64 = 1000.0;

/// Weight of the newest picture in the estimate of what a pixel costs.
const NEWEST_WEIGHT: f64 = 0.1;

/// A measurement counts as at most so many times what was usual.
const OUTLIER_MAX: f64 = 2.0;

/// Pictures after which it is known what a pixel takes: the first ones after a start take longer, and
/// of what they said less than a hundredth is left in the estimate then.
const KNOWN_AFTER: u32 = 50;

/// One camera's budget.
#[derive(Clone, Debug)]
pub struct Budget {
    /// What each picture of this box may take, all cameras counted alike, milliseconds.
    share_ms: f64,
    /// What pictures before left; below zero, what a crop took beyond it and the next ones pay back.
    saved_ms: f64,
    /// What a pixel of the model's input takes; `None` before the first picture.
    ms_per_px: Option<f64>,
    /// What the detector's thread does with a picture beside that, milliseconds.
    beside_ms: f64,
    /// Pixels of the last whole picture, and how many there were.
    whole_px: usize,
    wholes: u32,
}

/// The moment at which a crop is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// How old the picture is.
    pub age: Duration,
    /// For how long the detector has been at it.
    pub busy: Duration,
    /// When the first picture that waits is due.
    pub waiting_due_in: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allow {
    Go,
    Stop,
}

impl Budget {
    /// For one camera of a box that looks at so many pictures a second in all.
    pub fn new(all_fps: f64) -> Budget {
        let share_ms = SHARE_MAX * 1000.0 / all_fps.max(f64::MIN_POSITIVE);
        Budget {
            share_ms: share_ms.min(1000.0),
            saved_ms: 0.0,
            ms_per_px: None,
            beside_ms: 0.0,
            whole_px: 0,
            wholes: 0,
        }
    }

    /// A whole picture was looked at.
    pub fn whole(&mut self, cost_px: usize, took: Duration) {
        let took_ms = took.as_secs_f64() * 1e3;
        self.learn(cost_px, took_ms);
        self.whole_px = cost_px;
        self.wholes = self.wholes.saturating_add(1);
        let left_ms = self.share_ms - took_ms;
        let saved_max_ms = SAVED_PICTURES * left_ms.max(0.0);
        self.saved_ms = (self.saved_ms + left_ms).clamp(-DEBT_MAX_MS, saved_max_ms);
    }

    /// Whether there is time for a crop of so many pixels.
    pub fn allows(&self, cost_px: usize, moment: Moment) -> Allow {
        let Some(ms_per_px) = self.ms_per_px else {
            return Allow::Stop;
        };
        let crop = duration(ms_per_px * cost_px as f64);
        // The one that waits takes about as long itself, and must be done when it is due.
        let before_that = crop * 2 + duration(self.beside_ms);
        let in_the_way = moment.waiting_due_in.is_some_and(|due| due < before_that);
        let too_much = self.saved_ms <= 0.0
            || moment.age + crop > AGE_MAX
            || moment.busy + crop > BUSY_MAX
            || in_the_way;
        if too_much { Allow::Stop } else { Allow::Go }
    }

    /// Whether there can be time for it beside the whole picture, however calm it is.
    pub fn ever_allows(&self, cost_px: usize) -> Allow {
        let px = (self.whole_px + cost_px) as f64;
        match self.ms_per_px {
            Some(ms) if self.wholes >= KNOWN_AFTER && duration(ms * px) > BUSY_MAX => Allow::Stop,
            Some(_) | None => Allow::Go,
        }
    }

    /// Something else than the model kept the detector's thread from the next picture.
    pub fn beside(&mut self, took: Duration) {
        let took_ms = took.as_secs_f64() * 1e3;
        self.beside_ms += NEWEST_WEIGHT * (took_ms - self.beside_ms);
        self.saved_ms = (self.saved_ms - took_ms).max(-DEBT_MAX_MS);
    }

    /// A crop was looked at.
    pub fn crop(&mut self, cost_px: usize, took: Duration) {
        let took_ms = took.as_secs_f64() * 1e3;
        self.learn(cost_px, took_ms);
        self.saved_ms = (self.saved_ms - took_ms).max(-DEBT_MAX_MS);
    }

    fn learn(&mut self, cost_px: usize, took_ms: f64) {
        let newest = took_ms / cost_px.max(1) as f64;
        self.ms_per_px = Some(match self.ms_per_px {
            // One that was held up by something else says nothing of the next.
            Some(before) => before + NEWEST_WEIGHT * (newest.min(OUTLIER_MAX * before) - before),
            None => newest,
        });
    }
}

/// Beyond what a duration can be, as long as nothing may take.
fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or(Duration::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE_PX: usize = 640 * 480;
    const WHOLE: Duration = Duration::from_millis(30);

    fn calm() -> Moment {
        Moment { age: WHOLE, busy: WHOLE, waiting_due_in: None }
    }

    /// Crops looked at with a hundred pictures of one camera, of `crops` wanted with each.
    fn looked_at(all_fps: f64, crops: u32) -> u32 {
        looked_at_beside(all_fps, crops, Duration::ZERO)
    }

    /// … when the detector's thread does something else for so long with each picture.
    fn looked_at_beside(all_fps: f64, crops: u32, beside: Duration) -> u32 {
        let mut budget = Budget::new(all_fps);
        let mut count = 0;
        for _ in 0..100 {
            budget.whole(WHOLE_PX, WHOLE);
            let mut busy = WHOLE;
            for _ in 0..crops {
                let moment = Moment { busy, age: busy, ..calm() };
                if budget.allows(WHOLE_PX, moment) == Allow::Stop {
                    break;
                }
                budget.crop(WHOLE_PX, WHOLE);
                busy += WHOLE;
                count += 1;
            }
            budget.beside(beside);
        }
        count
    }

    #[test]
    fn one_camera_has_time_for_its_crops() {
        // Five pictures a second: 160 ms each, 130 of them for crops.
        assert_eq!(looked_at(5.0, 3), 300);
    }

    #[test]
    fn four_cameras_look_at_a_crop_in_some_pictures_and_never_use_more_than_their_share() {
        // Twenty pictures a second: 40 ms each, 10 of them for crops of 30.
        let got = looked_at(20.0, 3);
        assert!((30..=34).contains(&got), "{got}");
        // Thirty a second leave nothing.
        assert_eq!(looked_at(30.0, 3), 0);
    }

    #[test]
    fn what_the_thread_does_beside_the_model_leaves_less_for_crops() {
        // Of the 10 ms of each picture that four cameras leave, 7 and all.
        let got = looked_at_beside(20.0, 3, Duration::from_millis(7));
        assert!((9..=14).contains(&got), "{got}");
        assert!(looked_at_beside(20.0, 3, Duration::from_millis(20)) <= 1);
    }

    #[test]
    fn a_crop_that_no_calm_moment_has_time_for_is_told_once_that_is_known() {
        let mut budget = Budget::new(2.0);
        let (large, small) = (640 * 640, 320 * 320);
        for _ in 0..KNOWN_AFTER {
            assert_eq!(budget.ever_allows(large), Allow::Go);
            budget.whole(640 * 384, Duration::from_millis(120));
        }
        // 200 ms beside 120, and 50.
        assert_eq!(budget.ever_allows(large), Allow::Stop);
        assert_eq!(budget.ever_allows(small), Allow::Go);
    }

    #[test]
    fn no_crop_makes_a_waiting_picture_overdue_or_its_own_too_old() {
        let mut budget = Budget::new(2.0);
        budget.whole(WHOLE_PX, WHOLE);
        let asked = |moment| budget.allows(WHOLE_PX, moment);
        let ms = Duration::from_millis;
        assert_eq!(asked(calm()), Allow::Go);
        assert_eq!(asked(Moment { waiting_due_in: Some(ms(200)), ..calm() }), Allow::Go);
        assert_eq!(asked(Moment { waiting_due_in: Some(ms(40)), ..calm() }), Allow::Stop);
        assert_eq!(asked(Moment { age: ms(390), ..calm() }), Allow::Stop);
        assert_eq!(asked(Moment { busy: ms(240), ..calm() }), Allow::Stop);
    }

    #[test]
    fn before_the_first_whole_picture_nothing_is_allowed() {
        assert_eq!(Budget::new(1.0).allows(1, calm()), Allow::Stop);
    }
}
