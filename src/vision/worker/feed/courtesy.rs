//! Whether the shadow process may be given a picture now: only of what the active model leaves.
//!
//! - While the active model does not keep up with its cameras, it is given nothing.
//! - A look of the active model before which the shadow process has worked may take `SLOWER_MAX` times what it
//!   takes otherwise; when it takes longer, the shadow process rests longer between its pictures.
//! - Where it works before each look of a camera, it is given nothing for a moment now and then, since nobody
//!   would know else what a look takes without it.
//!
//! Looks differ by more than a twentieth from each other, so it takes a test (Mann and Whitney 1947) to tell
//! chance from the shadow model, and one that was wrong comes to be believed less quickly.
//!
//! Pure: no clock, thread, lock.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::time::Instant;
use crate::link::Held;

/// What a look may take beside the shadow model, of what it takes without.
const SLOWER_MAX: f64 = 1.05;

/// From here on down it may take more again.
const SLOWER_FINE: f64 = 1.03;

/// A share is above its limit when chance alone would show as much once in a hundred times (one-sided,
/// normal).
const SURE: f64 = 2.33;

/// Looks beside the shadow model after which there is a judgement, all cameras together, and what is kept of
/// each camera: at five pictures a second of one camera some twenty seconds, of four some five.
const LOOKS: usize = 96;

/// Looks of a camera without it from which on that camera counts.
const ALONE_MIN: usize = 12;

/// The longest rest is as many times what the shadow model takes for a picture.
const REST_MAX: u32 = 64;

/// At most so many good judgements in a row are wanted before it rests less.
const PATIENCE_MAX: u32 = 64;

/// How often there must be a look of each camera without the shadow process, and for how long it is given
/// nothing for that. What is seen then serves the next time, too: an eightieth of the pictures.
const ALONE_EVERY: Duration = Duration::from_secs(20);
const ALONE_FOR: Duration = Duration::from_millis(500);

/// What the shadow process did since the active model began its look before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    Alone,
    Beside,
}

/// Whether the active model keeps up with its cameras.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    KeepsUp,
    Overloaded,
}

/// Whether a picture may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    Yes,
    NotYet { wait: Duration },
}

/// What is known of the active model's looks.
#[derive(Debug)]
pub struct Courtesy {
    load: Load,
    cameras: Vec<Looks>,
    /// How many times as long as it worked the shadow process rests; 0: not at all.
    rests: u32,
    not_before: Instant,
    /// When it was last seen to that there are looks without it.
    alone_at: Instant,
    /// Good judgements in a row, and how many of them it takes to rest less.
    good: u32,
    patience: u32,
    last: Last,
    said: Option<(f64, f64)>,
}

/// What was last done with its rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    More,
    Less,
}

/// Of one camera: what is in its picture decides how long a look takes.
#[derive(Debug, Default)]
struct Looks {
    alone: VecDeque<f64>,
    beside: VecDeque<f64>,
    /// Of each kind, since it was last seen to that there are both.
    lately: (u32, u32),
}

impl Default for Courtesy {
    fn default() -> Courtesy {
        Courtesy::new(0)
    }
}

impl Courtesy {
    pub fn new(cameras: usize) -> Courtesy {
        let zero = Instant::from_nanos(0);
        Courtesy {
            load: Load::KeepsUp,
            cameras: (0..cameras).map(|_| Looks::default()).collect(),
            rests: 0,
            not_before: zero,
            alone_at: zero,
            good: 0,
            patience: 1,
            last: Last::More,
            said: None,
        }
    }

    /// Another shadow process, perhaps with another model. What a look takes without one stays.
    pub fn begin(&mut self, now: Instant) {
        let (load, mut cameras) = (self.load, std::mem::take(&mut self.cameras));
        for looks in &mut cameras {
            looks.beside.clear();
            looks.lately = (0, 0);
        }
        *self = Courtesy { load, alone_at: now, cameras, ..Courtesy::default() };
    }

    pub fn load(&mut self, load: Load) {
        self.load = load;
    }

    /// The active model took so long for a picture of this camera.
    pub fn looked(&mut self, camera: usize, took: Duration, meanwhile: Meanwhile) {
        let Some(looks) = self.cameras.get_mut(camera) else { return };
        let of = match meanwhile {
            Meanwhile::Alone => {
                looks.lately.0 += 1;
                &mut looks.alone
            }
            Meanwhile::Beside => {
                looks.lately.1 += 1;
                &mut looks.beside
            }
        };
        if of.len() == LOOKS {
            of.pop_front();
        }
        of.push_back(took.as_secs_f64() * 1000.0);
        self.judge();
    }

    /// The shadow process was at work on a picture for so long.
    pub fn given(&mut self, now: Instant, took: Duration) {
        self.not_before = now.after(took * self.rests);
    }

    pub fn allows(&mut self, now: Instant) -> Allowed {
        if self.load == Load::Overloaded {
            return Allowed::NotYet { wait: ALONE_FOR };
        }
        if now.since(self.alone_at) >= ALONE_EVERY {
            if self.cameras.iter().any(|looks| looks.lately.0 == 0 && looks.lately.1 > 0) {
                self.not_before = self.not_before.max(now.after(ALONE_FOR));
            }
            self.alone_at = now;
            self.cameras.iter_mut().for_each(|looks| looks.lately = (0, 0));
        }
        match self.not_before.since(now) {
            Duration::ZERO => Allowed::Yes,
            wait => Allowed::NotYet { wait },
        }
    }

    /// Why pictures are held back, and what a look took without and beside the shadow model.
    pub fn says(&self) -> (Option<Held>, Option<(f64, f64)>) {
        let held = match (self.load, self.rests) {
            (Load::Overloaded, _) => Some(Held::Overloaded),
            (Load::KeepsUp, 0) => None,
            (Load::KeepsUp, _) => Some(Held::Slower),
        };
        (held, self.said)
    }

    /// Once enough looks of both kinds are there, anew.
    fn judge(&mut self) {
        let known = || self.cameras.iter().filter(|looks| looks.alone.len() >= ALONE_MIN);
        if known().map(|looks| looks.beside.len()).sum::<usize>() < LOOKS {
            return;
        }
        let above = |limit: f64| above(limit, known());
        let (slower, not_fine) = (above(SLOWER_MAX), above(SLOWER_FINE));
        self.said = means(known());
        if slower > SURE {
            if self.last == Last::Less {
                self.patience = (self.patience * 2).min(PATIENCE_MAX);
            }
            (self.rests, self.good) = ((self.rests * 2).clamp(1, REST_MAX), 0);
            self.last = Last::More;
        } else if not_fine < 0.0 {
            self.good += 1;
            if self.rests > 0 && self.good >= self.patience {
                (self.rests, self.good) = (self.rests / 2, 0);
                self.last = Last::Less;
            }
        } else {
            self.good = 0;
        }
        // What was seen under another rule says nothing of this one.
        self.cameras.iter_mut().for_each(|looks| looks.beside.clear());
    }
}

/// How far looks beside it are above so many times those without, in standard deviations of what chance
/// does where they are just that: pairs of looks in which the former is longer, camera by camera.
fn above<'l>(times: f64, cameras: impl Iterator<Item = &'l Looks>) -> f64 {
    let (mut longer, mut variance) = (0.0, 0.0);
    for Looks { alone, beside, .. } in cameras {
        let pairs = alone.iter().flat_map(|it| beside.iter().map(move |other| (*it, *other)));
        let half = |ordering| match ordering {
            std::cmp::Ordering::Less => 0.5,
            std::cmp::Ordering::Equal => 0.0,
            std::cmp::Ordering::Greater => -0.5,
        };
        longer += pairs.map(|(it, other)| half((it * times).total_cmp(&other))).sum::<f64>();
        let (many, others) = (alone.len() as f64, beside.len() as f64);
        variance += many * others * (many + others + 1.0) / 12.0;
    }
    if variance > 0.0 { longer / variance.sqrt() } else { 0.0 }
}

/// Means over cameras of the medians of both kinds, where a camera has both.
fn means<'l>(cameras: impl Iterator<Item = &'l Looks>) -> Option<(f64, f64)> {
    let both = cameras.filter(|looks| !looks.beside.is_empty());
    let sum = both.fold((0.0, 0.0, 0.0), |(count, alone, beside), looks| {
        (count + 1.0, alone + median(&looks.alone), beside + median(&looks.beside))
    });
    let (count, alone, beside) = sum;
    (count > 0.0).then(|| (alone / count, beside / count))
}

fn median(of: &VecDeque<f64>) -> f64 {
    let mut sorted: Vec<f64> = of.iter().copied().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn looks(courtesy: &mut Courtesy, many: usize, took_ms: u64, meanwhile: Meanwhile) {
        for _ in 0..many {
            courtesy.looked(0, Duration::from_millis(took_ms), meanwhile);
        }
    }

    /// Times around a mean, by a fifth of it to each side: the same each time.
    struct Noise(u64);

    impl Noise {
        fn around(&mut self, mean_ms: f64) -> Duration {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let share = (self.0 >> 33) as f64 / (1_u64 << 31) as f64;
            Duration::from_secs_f64(mean_ms / 1000.0 * (0.8 + 0.4 * share))
        }
    }

    /// How often it is said otherwise than before, in an hour of four cameras, and for which share of it
    /// pictures are held back; a look beside takes so many times one without, where it rests so much.
    fn an_hour(slower: impl Fn(u32) -> f64) -> (u32, f64) {
        const LOOKS_AN_HOUR: usize = 4 * 5 * 3600;
        let (mut courtesy, mut noise) = (Courtesy::new(4), Noise(7));
        let (mut changes, mut held) = (0, 0);
        for look in 0..LOOKS_AN_HOUR {
            let before = courtesy.rests;
            let (mean, meanwhile) = match look % 8 < 4 {
                true => (20.0, Meanwhile::Alone),
                false => (20.0 * slower(before), Meanwhile::Beside),
            };
            courtesy.looked(look % 4, noise.around(mean), meanwhile);
            changes += u32::from((courtesy.rests > 0) != (before > 0));
            held += u32::from(courtesy.rests > 0);
        }
        (changes, f64::from(held) / LOOKS_AN_HOUR as f64)
    }

    #[test]
    fn a_box_that_has_no_time_left_gives_nothing_and_says_so() {
        let mut courtesy = Courtesy::new(1);
        courtesy.begin(at(0));
        assert_eq!(courtesy.allows(at(1)), Allowed::Yes);
        courtesy.load(Load::Overloaded);
        assert!(matches!(courtesy.allows(at(2)), Allowed::NotYet { .. }));
        assert_eq!(courtesy.says().0, Some(Held::Overloaded));
        courtesy.load(Load::KeepsUp);
        assert_eq!((courtesy.allows(at(3)), courtesy.says().0), (Allowed::Yes, None));
    }

    #[test]
    fn who_makes_the_active_model_slower_rests_longer_until_it_does_so_no_more() {
        let mut courtesy = Courtesy::new(1);
        courtesy.begin(at(0));
        let work = Duration::from_millis(100);
        looks(&mut courtesy, LOOKS, 100, Meanwhile::Alone);
        looks(&mut courtesy, LOOKS, 104, Meanwhile::Beside);
        courtesy.given(at(1000), work);
        assert_eq!((courtesy.allows(at(1000)), courtesy.says().0), (Allowed::Yes, None));
        for rests in [1, 2, 4] {
            looks(&mut courtesy, LOOKS, 110, Meanwhile::Beside);
            courtesy.given(at(2000), work);
            assert_eq!(courtesy.allows(at(2000)), Allowed::NotYet { wait: work * rests });
            assert_eq!(courtesy.says(), (Some(Held::Slower), Some((100.0, 110.0))));
        }
        for _ in 0..3 {
            looks(&mut courtesy, LOOKS, 101, Meanwhile::Beside);
        }
        courtesy.given(at(3000), work);
        assert_eq!((courtesy.allows(at(3000)), courtesy.says().0), (Allowed::Yes, None));
    }

    #[test]
    fn looks_that_differ_by_chance_hold_nothing_back_and_a_tenth_more_does() {
        let (changes, held) = an_hour(|_| 1.0);
        assert!((changes, held) == (0, 0.0), "{changes} changes, held for {held}");
        let (changes, held) = an_hour(|_| 1.1);
        assert!(changes == 1 && held > 0.98, "{changes} changes, held for {held}");
    }

    #[test]
    fn where_every_trial_of_more_ends_badly_there_are_fewer_and_fewer_trials() {
        let (changes, held) = an_hour(|rests| if rests == 0 { 1.15 } else { 1.0 });
        assert!((5..40).contains(&changes) && held > 0.9, "{changes} changes, held for {held}");
    }

    #[test]
    fn a_camera_that_is_never_looked_at_without_it_gets_its_moment_whatever_others_get() {
        let mut courtesy = Courtesy::new(2);
        courtesy.begin(at(0));
        for _ in 0..10 {
            courtesy.looked(0, Duration::from_millis(20), Meanwhile::Beside);
            courtesy.looked(1, Duration::from_millis(20), Meanwhile::Alone);
        }
        assert_eq!(courtesy.allows(at(19_000)), Allowed::Yes);
        assert_eq!(courtesy.allows(at(20_000)), Allowed::NotYet { wait: ALONE_FOR });
        assert_eq!(courtesy.allows(at(20_500)), Allowed::Yes);
        // One camera's picture has not come since then: no reason to hold anything back.
        assert_eq!(courtesy.allows(at(40_000)), Allowed::Yes);
    }

    #[test]
    fn where_it_works_all_the_time_an_eightieth_is_left_to_know_what_a_look_takes_without_it() {
        let mut courtesy = Courtesy::new(1);
        courtesy.begin(at(0));
        let mut given = 0;
        for ms in 0..100_000 {
            match courtesy.allows(at(ms)) {
                Allowed::Yes => {
                    given += 1;
                    looks(&mut courtesy, 1, 100, Meanwhile::Beside);
                }
                Allowed::NotYet { .. } => looks(&mut courtesy, 1, 100, Meanwhile::Alone),
            }
        }
        assert!((98_500..99_500).contains(&given), "{given}");
    }
}
