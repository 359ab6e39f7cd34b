//! How often something is told falsely: clean pictures for days, judged as a camera's are.
//!
//! Pictures of a scene are shown to and fro, so that no join of two showings is ever judged, in the
//! light, the weather and the noise of [`super::day`].
//!
//! Whatever is told for [`CONFIRMED_AFTER`] is confirmed, as an engineer would, and counts.

use std::time::Duration;

use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;

use super::day::Day;
use super::grey::Grey;
use super::usual::Hour;
use super::watch::Watch;

/// How long something false stands before somebody has looked.
const CONFIRMED_AFTER: Duration = Duration::from_secs(60);

/// The engine's time at the beginning.
const ORIGIN: Instant = Instant::from_millis(1_000_000);

/// One picture of a scene, with the cast of its colours.
#[derive(Clone, Debug)]
pub struct Shot {
    pub grey: Grey,
    pub cast: (f32, f32),
}

/// Something that was told though nothing was wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FalselyTold {
    pub fault: ViewFault,
    /// Since the beginning, which is at noon.
    pub at: Duration,
    pub measured: f32,
    pub limit: f32,
}

/// A camera that looks at a clean scene.
pub struct Quiet {
    shots: Vec<Shot>,
    day: Day,
    watch: Watch,
    every: Duration,
    pictures: u32,
    wrong: Vec<ViewFault>,
    wrong_since: Option<Duration>,
    told: Vec<FalselyTold>,
}

impl Quiet {
    /// Shows these, one every so often. `None` without any.
    pub fn new(shots: Vec<Shot>, every: Duration, seed: u64) -> Option<Quiet> {
        (!shots.is_empty()).then(|| Quiet {
            shots,
            day: Day::new(seed),
            watch: Watch::new(),
            every,
            pictures: 0,
            wrong: Vec::new(),
            wrong_since: None,
            told: Vec::new(),
        })
    }

    /// How long has been judged.
    pub fn judged(&self) -> Duration {
        self.every * self.pictures
    }

    pub fn told(&self) -> &[FalselyTold] {
        &self.told
    }

    /// Judges the next picture.
    pub fn step(&mut self) {
        let at = self.judged();
        let shot = &self.shots[to_and_fro(self.pictures as usize, self.shots.len())];
        self.pictures += 1;
        let (grey, tone) = self.day.picture(&shot.grey, shot.cast, at);
        let hour = Hour::new(self.day.hour(at));
        let look = self.watch.look(grey, tone, ORIGIN.after(at), hour);
        for finding in &look.findings {
            if !self.wrong.contains(&finding.fault) {
                let (fault, measured, limit) = (finding.fault, finding.measured, finding.limit);
                self.told.push(FalselyTold { fault, at, measured, limit });
            }
        }
        self.wrong = look.findings.iter().map(|finding| finding.fault).collect();
        if self.wrong.is_empty() {
            self.wrong_since = None;
        } else if at.saturating_sub(*self.wrong_since.get_or_insert(at)) >= CONFIRMED_AFTER {
            self.watch.accept();
            self.wrong_since = None;
        }
    }
}

/// 0, 1, 2, 3, 2, 1, 0, 1 …: neither end twice, which would be a picture that stands still.
pub fn to_and_fro(step: usize, count: usize) -> usize {
    let last = count.saturating_sub(1);
    if last == 0 {
        return 0;
    }
    let at = step % (2 * last);
    at.min(2 * last - at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_and_fro_shows_neighbours_alone() {
        let shown: Vec<usize> = (0..8).map(|step| to_and_fro(step, 4)).collect();
        assert_eq!(shown, [0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(to_and_fro(5, 1), 0);
    }
}
