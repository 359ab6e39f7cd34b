//! Does the picture stand still? A sensor never gives the same picture twice: its noise says so.
//!
//! Noise is what the middle one of all cells changes from picture to picture: people and machines
//! change some cells, noise all. A picture is **still** when no cell changes, or no cell by half of
//! what noise alone usually does.
//!
//! An encoder at a low rate, and much more so a file that was encoded again, leaves quiet parts as
//! they were, and at night whole pictures. How long such a camera stands still by itself is learned
//! from the runs that end: short ones come before long ones, and the limit stays above them.

use std::time::Duration;

use crate::engine::time::Instant;

/// Frozen after this time: R15 says one second, and the picture that shows it may be 200 ms old.
pub const FROZEN_AFTER: Duration = Duration::from_millis(500);

/// … and after this many pictures that stand still.
const STILL_PAIRS: u32 = 2;

/// The limit is this many times the longest run that ended by itself.
const LONGER: u32 = 3;

/// A camera is known from this many changes on; until then it may stand still as long as it will.
const KNOWN_FROM: u32 = 50;

/// Still is when no cell changes by more than this share of the usual noise.
const STILL_SHARE: f32 = 0.5;

/// Noise is the least of what was seen in the last one or two of these times.
const NOISE_OVER: Duration = Duration::from_secs(30);

/// Below this many levels it is no noise but rounding: one pixel in fifty changes by one.
const NOISE_MIN: f32 = 0.02;

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
    longest: Duration,
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
    /// Takes what each cell changed by since the picture before.
    pub fn look(&mut self, change: &[f32], at: Instant) -> Run {
        let most = change.iter().copied().fold(0.0, f32::max);
        let noise = middle(change);
        let usual = self.usual_noise();
        let still = most == 0.0 || usual.is_some_and(|usual| most <= usual * STILL_SHARE);
        let since = *self.changed_at.get_or_insert(at);
        let lasts = at.since(since);
        if !still {
            self.end_run(at, noise);
            return Run { lasts: Duration::ZERO, limit: self.limit(), frozen: Frozen::No };
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

    fn end_run(&mut self, at: Instant, noise: f32) {
        let lasted = self.changed_at.map_or(Duration::ZERO, |since| at.since(since));
        // A run that was told as frozen teaches nothing.
        if self.still > 0 && lasted < self.limit() {
            self.longest = self.longest.max(lasted);
        }
        self.still = 0;
        self.changed_at = Some(at);
        self.changes = self.changes.saturating_add(1);
        let since = *self.noise_since.get_or_insert(at);
        if at.since(since) > NOISE_OVER {
            self.noise_before = self.noise.take();
            self.noise_since = Some(at);
        }
        self.noise = Some(self.noise.map_or(noise, |least| least.min(noise)));
    }

    fn limit(&self) -> Duration {
        FROZEN_AFTER.max(self.longest * LONGER)
    }

    /// Least change of the middle cell lately: what the sensor alone makes, in levels.
    pub fn noise(&self) -> f32 {
        self.noise.into_iter().chain(self.noise_before).reduce(f32::min).unwrap_or_default()
    }

    fn usual_noise(&self) -> Option<f32> {
        Some(self.noise()).filter(|noise| *noise >= NOISE_MIN && self.changes >= KNOWN_FROM)
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
        let mut cells = [0.1; CELLS];
        cells[7] = 9.0;
        for i in 0..20 {
            assert_eq!(camera.look(&cells, ms(20_000 + 200 * i)).frozen, Frozen::No);
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
    fn a_picture_without_noise_stands_still_as_long_as_it_will_before_it_is_known() {
        let mut drawn = Stillness::default();
        assert_eq!(play(&mut drawn, 0, &[0.0; 300]), None);
    }
}
