//! Does the picture stand still? A sensor never gives the same picture twice: its noise says so.
//!
//! Noise is what the middle one of all cells changes from picture to picture: people and machines
//! change some cells, noise all. A picture is **still** when no cell changes, or no cell by half of
//! what noise alone usually does.
//!
//! An encoder at a low rate, and much more so a file that was encoded again, leaves quiet parts as
//! they were, and at night whole pictures. How long such a camera stands still by itself is learned
//! from the runs that end: short ones come before long ones, and the limit stays above them, up to
//! `LIMIT_MAX`; what was not seen again for an hour is forgotten.
//!
//! A clock that is written into the picture goes on when the picture does not: where noise says that
//! all must change, and nothing but the same few cells does, the picture stands still as well. What the
//! middle cell does meanwhile is no noise before that is over: under a clock it would be that of a
//! picture that stands still, which is none.

use std::time::Duration;

use crate::engine::time::Instant;

/// Frozen after this time: R15 says one second, and the picture that shows it may be 200 ms old.
pub const FROZEN_AFTER: Duration = Duration::from_millis(500);

/// … and after this many pictures that stand still.
const STILL_PAIRS: u32 = 2;

/// The limit is this many times the longest run that ended by itself, and never more than that: a
/// camera that repeats itself for longer cannot be told from a frozen one.
const LONGER: u32 = 3;
const LIMIT_MAX: Duration = Duration::from_secs(10);

/// The longest run is that of the last one or two of these times.
const LONGEST_OVER: Duration = Duration::from_secs(1800);

/// Pictures farther apart than this are no pair: the camera was away, and that is told otherwise.
const APART_MAX: Duration = Duration::from_secs(1);

/// A clock in the picture changes so many cells at most, always the same …
const CLOCK_CELLS: usize = 4;

/// … and for so long nothing else may: an encoder that is short of bits holds everything still but
/// somebody who moves, and they do not stay in the same cells.
const CLOCK_AFTER: Duration = Duration::from_secs(3);

/// A camera is known from this many changes on; until then it may stand still as long as it will.
const KNOWN_FROM: u32 = 50;

/// Still is when no cell changes by more than this share of the usual noise.
const STILL_SHARE: f32 = 0.5;

/// Noise is the least of what was seen in the last one or two of these times.
const NOISE_OVER: Duration = Duration::from_secs(30);

/// Below this many levels it is no noise but rounding: one pixel in fifty changes by one.
const NOISE_MIN: f32 = 0.02;

/// How a camera's picture usually changes: what outlives this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habit {
    /// Least change of the middle cell, levels.
    pub noise: f32,
    /// For how long it stands still by itself.
    pub longest: Duration,
}

/// What is known of how a camera's picture changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stillness {
    /// Least noise of the running time and of the one before; levels.
    noise: Option<f32>,
    noise_before: Option<f32>,
    noise_since: Option<Instant>,
    changes: u32,
    /// Time of the last picture that was not still, and how many were since.
    changed_at: Option<Instant>,
    still: u32,
    /// When the picture before was.
    seen_at: Option<Instant>,
    /// Longest run of the running time and of the one before.
    longest: Duration,
    longest_before: Duration,
    longest_since: Option<Instant>,
    all_but: Option<AllBut>,
    /// Cells that have changed since the start; no more than it takes to say that it is no clock.
    changed: Vec<usize>,
    /// Changes that are still to be seen before what was restored is as good as seen.
    unsure: u32,
}

/// Nothing but the same few cells has changed for a while.
#[derive(Clone, Debug, PartialEq)]
struct AllBut {
    since: Instant,
    cells: Vec<usize>,
    /// Least noise meanwhile.
    noise: Option<f32>,
}

/// How long the picture has been still, and how long it may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    pub lasts: Duration,
    pub limit: Duration,
    pub frozen: Frozen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frozen {
    Yes,
    No,
}

impl Stillness {
    /// Goes on with what was known of the camera.
    pub fn restored(habit: Habit) -> Stillness {
        Stillness {
            noise_before: Some(habit.noise),
            longest_before: habit.longest,
            changes: KNOWN_FROM,
            unsure: KNOWN_FROM,
            ..Stillness::default()
        }
    }

    /// What is known of the camera, once it is.
    pub fn habit(&self) -> Option<Habit> {
        let longest = self.longest.max(self.longest_before).min(LIMIT_MAX);
        (self.changes >= KNOWN_FROM).then(|| Habit { noise: self.noise(), longest })
    }

    /// Whether more has changed since the start than a clock in the picture does.
    pub fn has_changed(&self) -> bool {
        self.changed.len() > CLOCK_CELLS
    }

    /// Takes what each cell changed by since the picture before.
    pub fn look(&mut self, change: &[f32], at: Instant) -> Run {
        if self.seen_at.is_some_and(|before| at.since(before) > APART_MAX) {
            (self.changed_at, self.still, self.all_but) = (Some(at), 0, None);
        }
        self.seen_at = Some(at);
        let noise = middle(change);
        let usual = self.usual_noise();
        let still_below = usual.map_or(0.0, |usual| usual * STILL_SHARE);
        let clock = self.all_but_a_clock(change, still_below, at).filter(|_| usual.is_some());
        let since = *self.changed_at.get_or_insert(at);
        let lasts = at.since(since);
        if change.iter().any(|change| *change > still_below) {
            self.end_run(at, noise);
            let frozen = if clock.is_some() { Frozen::Yes } else { Frozen::No };
            let limit = clock.map_or_else(|| self.limit(), |_| CLOCK_AFTER);
            return Run { lasts: clock.unwrap_or_default(), limit, frozen };
        }
        self.still += 1;
        let over = self.still >= STILL_PAIRS && lasts >= self.limit();
        let known = self.changes >= KNOWN_FROM;
        if !known {
            self.longest = self.longest.max(lasts);
        }
        let frozen = if over && known { Frozen::Yes } else { Frozen::No };
        Run { lasts, limit: self.limit(), frozen }
    }

    /// For how long nothing but the same few cells has changed, once that is too long.
    fn all_but_a_clock(&mut self, change: &[f32], above: f32, at: Instant) -> Option<Duration> {
        let changed = |(cell, change): (usize, &f32)| (*change > above).then_some(cell);
        let now: Vec<usize> = change.iter().enumerate().filter_map(changed).collect();
        add(&mut self.changed, &now);
        let mut all_but = self.all_but.take().unwrap_or_else(|| AllBut::since(at));
        add(&mut all_but.cells, &now);
        if all_but.cells.len() > CLOCK_CELLS {
            // Over by itself: it was the sensor that changed so little.
            if let Some(noise) = all_but.noise {
                self.learn_noise(noise, at);
            }
            if now.len() > CLOCK_CELLS {
                return None;
            }
            all_but = AllBut { cells: now, ..AllBut::since(at) };
        }
        let lasts = at.since(all_but.since);
        // Not one cell: that is a run of its own, with a limit of its own.
        let told = lasts >= CLOCK_AFTER && !all_but.cells.is_empty();
        self.all_but = Some(all_but);
        told.then_some(lasts)
    }

    fn end_run(&mut self, at: Instant, noise: f32) {
        let lasted = self.changed_at.map_or(Duration::ZERO, |since| at.since(since));
        let since = *self.longest_since.get_or_insert(at);
        if at.since(since) > LONGEST_OVER {
            self.longest_before = std::mem::take(&mut self.longest);
            self.longest_since = Some(at);
        }
        // A run that was told as frozen teaches nothing; but what was restored may be of another light.
        let all_changed = self.all_but.is_none();
        let taught = self.unsure > 0 && all_changed && lasted <= LIMIT_MAX / LONGER;
        if self.still > 0 && (lasted < self.limit() || taught) {
            self.longest = self.longest.max(lasted);
        }
        if all_changed {
            self.unsure = self.unsure.saturating_sub(1);
        }
        self.still = 0;
        self.changed_at = Some(at);
        self.changes = self.changes.saturating_add(1);
        match &mut self.all_but {
            Some(it) => it.noise = Some(it.noise.map_or(noise, |least| least.min(noise))),
            None => self.learn_noise(noise, at),
        }
    }

    fn learn_noise(&mut self, noise: f32, at: Instant) {
        let since = *self.noise_since.get_or_insert(at);
        if at.since(since) > NOISE_OVER {
            self.noise_before = self.noise.take();
            self.noise_since = Some(at);
        }
        self.noise = Some(self.noise.map_or(noise, |least| least.min(noise)));
    }

    fn limit(&self) -> Duration {
        let longest = self.longest.max(self.longest_before);
        FROZEN_AFTER.max(longest.saturating_mul(LONGER)).min(LIMIT_MAX)
    }

    /// Least change of the middle cell lately: what the sensor alone makes, in levels.
    pub fn noise(&self) -> f32 {
        self.noise.into_iter().chain(self.noise_before).reduce(f32::min).unwrap_or_default()
    }

    fn usual_noise(&self) -> Option<f32> {
        Some(self.noise()).filter(|noise| *noise >= NOISE_MIN && self.changes >= KNOWN_FROM)
    }
}

impl AllBut {
    fn since(since: Instant) -> AllBut {
        AllBut { since, cells: Vec::new(), noise: None }
    }
}

/// Adds the cells that are not there yet, until there are too many for a clock.
fn add(cells: &mut Vec<usize>, now: &[usize]) {
    for cell in now {
        if cells.len() <= CLOCK_CELLS && !cells.contains(cell) {
            cells.push(*cell);
        }
    }
}

fn middle(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: usize = 40;

    fn ms(ms: u64) -> Instant {
        Instant::from_millis(10_000 + ms)
    }

    /// Pictures every 200 ms; says when frozen is first told.
    fn play(stillness: &mut Stillness, from: u64, changes: &[f32]) -> Option<u64> {
        let mut told = None;
        for (i, &level) in (0..).zip(changes) {
            let at = from + 200 * i;
            if stillness.look(&[level; CELLS], ms(at)).frozen == Frozen::Yes {
                told = told.or(Some(at - from));
            }
        }
        told
    }

    #[test]
    fn a_noisy_camera_that_freezes_is_told_within_a_second() {
        let mut camera = Stillness::default();
        assert_eq!(play(&mut camera, 0, &[1.2; 100]), None);
        assert_eq!(play(&mut camera, 20_000, &[0.0; 10]), Some(400));
    }

    #[test]
    fn a_frozen_picture_that_is_encoded_again_is_told_as_well() {
        let mut camera = Stillness::default();
        play(&mut camera, 0, &[1.2; 100]);
        let refined = [0.5, 0.3, 0.2, 0.1, 0.05, 0.0, 0.0];
        assert_eq!(play(&mut camera, 20_000, &refined), Some(400));
    }

    #[test]
    fn somebody_who_moves_in_a_quiet_picture_is_no_freeze() {
        let mut camera = Stillness::default();
        play(&mut camera, 0, &[1.2; 100]);
        // Through a cell a second: as slowly as somebody far away who walks.
        for i in 0..100 {
            let mut cells = [0.1; CELLS];
            (cells[i / 5], cells[i / 5 + 1]) = (9.0, 4.0);
            assert_eq!(camera.look(&cells, ms(20_000 + 200 * i as u64)).frozen, Frozen::No);
        }
    }

    #[test]
    fn a_camera_that_repeats_every_other_picture_is_not_frozen_until_it_stays_so() {
        let mut camera = Stillness::default();
        let twice: Vec<f32> = [1.0, 0.0].repeat(100);
        assert_eq!(play(&mut camera, 0, &twice), None);
        assert_eq!(play(&mut camera, 40_000, &[0.0; 20]), Some(800));
    }

    #[test]
    fn a_camera_that_stands_still_ever_longer_is_told_after_ten_seconds_all_the_same() {
        let mut camera = Stillness::default();
        let mut at = 0;
        let mut play = |camera: &mut Stillness, changes: &[f32]| {
            let told = play(camera, at, changes);
            at += 200 * changes.len() as u64;
            told
        };
        assert_eq!(play(&mut camera, &[1.2; 100]), None);
        for still in [1, 4, 13, 40, 40, 40] {
            play(&mut camera, &[vec![0.0; still], vec![1.2; 10]].concat());
        }
        let told = play(&mut camera, &[0.0; 200]);
        assert_eq!(told, Some(9_800));
        // An hour later that is forgotten.
        for _ in 0..3 {
            play(&mut camera, &[1.2; 9_100]);
        }
        assert_eq!(play(&mut camera, &[0.0; 20]), Some(400));
    }

    #[test]
    fn a_picture_that_stands_still_under_a_running_clock_is_frozen() {
        let mut camera = Stillness::default();
        play(&mut camera, 0, &[1.2; 100]);
        let told = (0..40u64).find(|i| {
            let mut cells = [0.0; CELLS];
            if i.is_multiple_of(5) {
                (cells[3], cells[4]) = (2.0, 5.0);
            }
            camera.look(&cells, ms(20_000 + 200 * i)).frozen == Frozen::Yes
        });
        assert!(told.is_some_and(|pictures| pictures * 200 <= 3_200), "{told:?}");
    }

    /// A picture of which two cells change every time; says after which time it is frozen.
    fn play_clock(stillness: &mut Stillness, from: u64) -> Option<u64> {
        (0..40u64).map(|i| 200 * i).find(|after| {
            let mut cells = [0.0; CELLS];
            (cells[3], cells[4]) = (2.0, 5.0);
            stillness.look(&cells, ms(from + after)).frozen == Frozen::Yes
        })
    }

    #[test]
    fn a_clock_that_ticks_with_every_picture_keeps_none_alive() {
        let mut camera = Stillness::default();
        play(&mut camera, 0, &[1.2; 100]);
        let told = play_clock(&mut camera, 20_000);
        assert!(told.is_some_and(|after| after <= 3_200), "{told:?}");
        // Nor after a start, whoever told it before; and one that changes is found to.
        let habit = camera.habit().expect("known");
        let mut again = Stillness::restored(habit);
        let told = play_clock(&mut again, 90_000);
        assert!(told.is_some_and(|after| after <= 3_200), "{told:?}");
        assert!(!again.has_changed());
        assert_eq!(play(&mut again, 100_000, &[1.2; 20]), None);
        assert!(again.has_changed());
    }

    #[test]
    fn what_was_restored_of_another_light_is_learned_over() {
        let by_day = Habit { noise: 1.2, longest: Duration::ZERO };
        let mut camera = Stillness::restored(by_day);
        // By night an encoder leaves every other second as it was.
        let night: Vec<f32> = [vec![1.2; 5], vec![0.0; 5]].concat().repeat(4);
        assert!(play(&mut camera, 0, &night).is_some(), "nobody knows yet");
        assert_eq!(play(&mut camera, 8_000, &night), None);
    }

    #[test]
    fn the_time_in_which_a_camera_was_away_is_no_standstill() {
        let mut camera = Stillness::default();
        play(&mut camera, 0, &[1.2; 100]);
        assert_eq!(play(&mut camera, 80_000, &[0.0, 1.2, 1.2]), None);
        // Counted from the last change, at 80.4.
        assert_eq!(play(&mut camera, 81_000, &[0.0; 10]), Some(200));
    }

    #[test]
    fn a_picture_without_noise_stands_still_as_long_as_it_will_before_it_is_known() {
        let mut drawn = Stillness::default();
        assert_eq!(play(&mut drawn, 0, &[0.0; 300]), None);
    }
}
