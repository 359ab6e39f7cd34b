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
//!
//! What is known of a camera outlives the process, and may then be of another light: less noise than half
//! of that is no standstill, and nobody may come for hours who shows it. So what was restored is in
//! **doubt** until fifty changes have borne it out. As long, noise in nearly every picture is a sensor,
//! however little it is; an encoder that goes on with a picture that stands still changes all of it now
//! and then only.

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

/// In doubt, so many pictures in a row in which the middle cell changes are a sensor's …
const ALIVE_PAIRS: u32 = 3;

/// … and when so large a share of all do for so long, half of the noise is looked for.
const ALIVE_SHARE: f32 = 0.75;
const ALIVE_FOR: Duration = LIMIT_MAX;

/// … and never less than this share: light changes the noise of a sensor by so much at most, and what
/// changes by less is no sign of life.
const SHARE_MIN: f32 = 0.25;

/// How a camera's picture usually changes: what outlives this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habit {
    /// Least change of the middle cell, levels.
    pub noise: f32,
    /// For how long it stands still by itself, and for how long that is still to be remembered.
    pub longest: Duration,
    pub remembered: Duration,
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
    /// How long the running time is, where it is another than usual.
    longest_over: Option<Duration>,
    all_but: Option<AllBut>,
    /// Cells that have changed since the start; no more than it takes to say that it is no clock.
    changed: Vec<usize>,
    /// Whether what was restored fits the light of now.
    doubt: Option<Doubt>,
    /// Half of the restored noise: what was told before is taken back by changes of more only.
    vouched: f32,
}

/// What was restored, until it is as good as seen.
#[derive(Clone, Debug, PartialEq)]
struct Doubt {
    /// Changes that are still to be seen.
    unseen: u32,
    /// Of the restored noise, the share that is looked for.
    share: f32,
    /// Since when pictures are counted, how many, and in how many of them the middle cell changed.
    since: Option<Instant>,
    pairs: u32,
    alive: u32,
    /// How many of those were the last ones.
    in_a_row: u32,
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
            longest_over: Some(habit.remembered.min(LONGEST_OVER)),
            changes: KNOWN_FROM,
            doubt: Some(Doubt::new()),
            vouched: habit.noise * STILL_SHARE,
            ..Stillness::default()
        }
    }

    /// What is known of the camera, once it is.
    pub fn habit(&self) -> Option<Habit> {
        let longest = self.longest.max(self.longest_before).min(LIMIT_MAX);
        let passed = match (self.longest_since, self.seen_at) {
            (Some(since), Some(at)) => at.since(since),
            _ => Duration::ZERO,
        };
        let left = self.longest_over.unwrap_or(LONGEST_OVER).saturating_sub(passed);
        let remembered =
            if self.longest >= self.longest_before { left + LONGEST_OVER } else { left };
        (self.changes >= KNOWN_FROM).then(|| Habit { noise: self.noise(), longest, remembered })
    }

    /// Whether more has changed since the start than a clock in the picture does: by more than noise of a
    /// camera that is known (what was restored counts, too), and of one that is not yet by more than
    /// rounding.
    pub fn has_changed(&self) -> bool {
        self.changed.len() > CLOCK_CELLS
    }

    /// Takes what each cell changed by since the picture before.
    pub fn look(&mut self, change: &[f32], at: Instant) -> Run {
        if self.seen_at.is_some_and(|before| at.since(before) > APART_MAX) {
            (self.changed_at, self.still, self.all_but) = (Some(at), 0, None);
            if let Some(doubt) = &mut self.doubt {
                *doubt = Doubt { unseen: doubt.unseen, share: doubt.share, ..Doubt::new() };
            }
        }
        self.seen_at = Some(at);
        let noise = middle(change);
        let usual = self.usual_noise();
        let still_below = usual.map_or(0.0, |usual| usual * STILL_SHARE);
        // What says that the picture goes on rests on what was restored as it was.
        let clock = self.all_but_a_clock(change, still_below, at).filter(|_| usual.is_some());
        let doubt = self.doubt.as_mut();
        let (share, alive) = doubt.map_or((1.0, Alive::No), |doubt| doubt.look(noise, at));
        let still_below = still_below * share;
        // In doubt, of a picture that goes on as a whole no more than a clock may have changed by noise that
        // it lacks.
        let goes_on = share < 1.0 && noise > still_below;
        let clock = clock.filter(|_| !goes_on && alive == Alive::No);
        let since = *self.changed_at.get_or_insert(at);
        let lasts = at.since(since);
        if change.iter().any(|change| *change > still_below) {
            self.end_run(at, noise, goes_on.then_some(GoesOn));
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
        let frozen = if over && known && alive == Alive::No { Frozen::Yes } else { Frozen::No };
        Run { lasts, limit: self.limit(), frozen }
    }

    /// For how long nothing but the same few cells has changed, once that is too long.
    fn all_but_a_clock(&mut self, change: &[f32], above: f32, at: Instant) -> Option<Duration> {
        let changed = |(cell, change): (usize, &f32)| (*change > above).then_some(cell);
        let now: Vec<usize> = change.iter().enumerate().filter_map(changed).collect();
        let vouched = above.max(self.vouched).max(NOISE_MIN);
        let by_more = |(cell, change): (usize, &f32)| (*change > vouched).then_some(cell);
        add(&mut self.changed, &change.iter().enumerate().filter_map(by_more).collect::<Vec<_>>());
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

    fn end_run(&mut self, at: Instant, noise: f32, goes_on: Option<GoesOn>) {
        let lasted = self.changed_at.map_or(Duration::ZERO, |since| at.since(since));
        let since = *self.longest_since.get_or_insert(at);
        if at.since(since) > self.longest_over.unwrap_or(LONGEST_OVER) {
            self.longest_before = std::mem::take(&mut self.longest);
            (self.longest_since, self.longest_over) = (Some(at), None);
        }
        // A run that was told as frozen teaches nothing; but what was restored may be of another light.
        let all_changed = self.all_but.is_none();
        let taught = self.doubt.is_some() && all_changed && lasted <= LIMIT_MAX / LONGER;
        if self.still > 0 && (lasted < self.limit() || taught) {
            self.longest = self.longest.max(lasted);
        }
        if all_changed {
            self.doubt = self.doubt.take().and_then(Doubt::borne_out);
        }
        self.still = 0;
        self.changed_at = Some(at);
        self.changes = self.changes.saturating_add(1);
        match &mut self.all_but {
            // What was restored is too much.
            Some(_) if goes_on.is_some() => self.learn_noise(noise, at),
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

/// In doubt, the picture as a whole has changed.
struct GoesOn;

/// Whether the middle cell has changed in each of the last few pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alive {
    Yes,
    No,
}

impl Doubt {
    fn new() -> Doubt {
        Doubt { unseen: KNOWN_FROM, share: 1.0, since: None, pairs: 0, alive: 0, in_a_row: 0 }
    }

    /// Takes what the middle cell changed by. The share of the restored noise to be looked for.
    fn look(&mut self, noise: f32, at: Instant) -> (f32, Alive) {
        self.pairs += 1;
        if noise >= NOISE_MIN {
            self.alive += 1;
            self.in_a_row += 1;
        } else {
            self.in_a_row = 0;
        }
        if at.since(*self.since.get_or_insert(at)) >= ALIVE_FOR {
            if self.alive as f32 >= ALIVE_SHARE * self.pairs as f32 {
                self.share = (self.share / 2.0).max(SHARE_MIN);
            }
            (self.since, self.pairs, self.alive) = (Some(at), 0, 0);
        }
        // By so little of the noise it is judged as one that is known.
        let alive = self.in_a_row >= ALIVE_PAIRS && self.share > SHARE_MIN;
        (self.share, if alive { Alive::Yes } else { Alive::No })
    }

    /// One change more that bears it out.
    fn borne_out(self) -> Option<Doubt> {
        let unseen = self.unseen.checked_sub(1).filter(|unseen| *unseen > 0)?;
        Some(Doubt { unseen, ..self })
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
mod tests;
