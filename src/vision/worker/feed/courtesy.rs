//! Whether the shadow process may be given a picture now: only of what the active model leaves.
//!
//! - While the active model does not keep up with its cameras, it is given nothing.
//! - A look of the active model while the shadow process is at work may take `SLOWER_MAX` times what it
//!   takes otherwise; when it takes longer, the shadow process rests longer between its pictures.
//! - Where it is at work nearly always, it is given nothing for a moment now and then, since nobody would
//!   know else what a look takes without it.
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

/// Looks of a camera that are compared, of each kind: their median is known to some percent, and at five
/// pictures a second it is known within five seconds.
const LOOKS: usize = 24;

/// The longest rest is as many times what the shadow model takes for a picture.
const REST_MAX: u32 = 64;

/// How often there must be a look without the shadow process at work, and for how long it is given nothing
/// for that. What is seen then serves the next time, too: an eightieth of the pictures.
const ALONE_EVERY: Duration = Duration::from_secs(20);
const ALONE_FOR: Duration = Duration::from_millis(500);

/// What the shadow process did while the active model looked at a picture.
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
    /// When the last look without it was, or was asked for.
    alone_at: Instant,
    /// Looks without it since then.
    alone: u32,
    said: Option<(f64, f64)>,
}

/// Of one camera: what is in its picture decides how long a look takes.
#[derive(Debug, Default)]
struct Looks {
    alone: VecDeque<f64>,
    beside: VecDeque<f64>,
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
            alone: 0,
            said: None,
        }
    }

    /// Another shadow process, perhaps with another model. What a look takes without one stays.
    pub fn begin(&mut self, now: Instant) {
        let (load, mut cameras) = (self.load, std::mem::take(&mut self.cameras));
        cameras.iter_mut().for_each(|looks| looks.beside.clear());
        *self = Courtesy { load, alone_at: now, cameras, ..Courtesy::new(0) };
    }

    pub fn load(&mut self, load: Load) {
        self.load = load;
    }

    /// The active model took so long for a picture of this camera.
    pub fn looked(&mut self, camera: usize, took: Duration, meanwhile: Meanwhile) {
        let Some(looks) = self.cameras.get_mut(camera) else { return };
        let of = match meanwhile {
            Meanwhile::Alone => {
                self.alone += 1;
                &mut looks.alone
            }
            Meanwhile::Beside => &mut looks.beside,
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
            if self.alone == 0 {
                self.not_before = self.not_before.max(now.after(ALONE_FOR));
            }
            (self.alone_at, self.alone) = (now, 0);
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
        let known = |looks: &&Looks| looks.alone.len() >= LOOKS / 2 && looks.beside.len() == LOOKS;
        let (mut alone, mut beside, mut cameras) = (0.0, 0.0, 0.0);
        for looks in self.cameras.iter().filter(known) {
            alone += median(&looks.alone);
            beside += median(&looks.beside);
            cameras += 1.0;
        }
        if alone <= 0.0 {
            return;
        }
        self.said = Some((alone / cameras, beside / cameras));
        if beside > SLOWER_MAX * alone {
            self.rests = (self.rests * 2).clamp(1, REST_MAX);
        } else if beside <= SLOWER_FINE * alone {
            self.rests /= 2;
        }
        // What was seen under another rule says nothing of this one.
        self.cameras.iter_mut().for_each(|looks| looks.beside.clear());
    }
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
