//! Where people stand, summed up: how long feet were in each cell of the picture.
//!
//! Every picture counts for the time since the one before it, at most [`PICTURE_MAX`], so that the
//! map shows seconds whatever the pace. Only what the engine took for a person counts. What is new
//! is kept every [`KEEP_EVERY`]; a crash loses no more than that.
//!
//! Not here: how a grid lies on disk (`store::heat`).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;

use super::clerk::{Clerk, ClerkError};
use super::handle::{HEAT_COLUMNS, HEAT_ROWS, Heat};
use super::observer::{Feet, Observation};
use crate::clock;
use crate::engine::Verdict;
use crate::engine::time::Instant;
use crate::store::heat::{HeatCells, HeatHour, Hour, merge};
use crate::store::query::{HistoryError, StoreReader};
use crate::telemetry::chain;

/// Longest time one picture stands for: after a gap nobody knows who stood there.
const PICTURE_MAX: Duration = Duration::from_secs(1);

/// How often what is new is kept.
const KEEP_EVERY: Duration = Duration::from_secs(180);

/// Hours that may wait for a store that does not work; then the oldest are given up.
const HOURS_WAITING_MAX: usize = 6;

/// What is not kept yet.
#[derive(Debug)]
pub struct HeatMap(Mutex<State>);

#[derive(Debug)]
struct State {
    cameras: Vec<CameraHeat>,
    kept_at: Instant,
}

#[derive(Debug)]
struct CameraHeat {
    id: String,
    seen_at: Option<Instant>,
    hours: BTreeMap<Hour, HeatCells>,
}

impl HeatMap {
    /// For cameras of these ids.
    pub fn new(cameras: impl IntoIterator<Item = String>) -> HeatMap {
        let camera = |id| CameraHeat { id, seen_at: None, hours: BTreeMap::new() };
        let cameras = cameras.into_iter().map(camera).collect();
        HeatMap(Mutex::new(State { cameras, kept_at: clock::monotonic() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn see(&self, observation: &Observation) {
        if let Observation::Feet(feet) = observation
            && let Some(camera) = self.state().cameras.get_mut(usize::from(feet.camera.0))
        {
            camera.see(feet, Hour::of(clock::wall_at(feet.captured_at)));
        }
    }

    /// Keeps what is new, when it is time.
    pub fn tend(&self, clerk: &Clerk) {
        if clock::monotonic().since(self.state().kept_at) >= KEEP_EVERY {
            self.keep(clerk);
        }
    }

    /// Keeps what is new.
    pub fn keep(&self, clerk: &Clerk) {
        let new = {
            let mut state = self.state();
            state.kept_at = clock::monotonic();
            state.take()
        };
        if new.is_empty() {
            return;
        }
        let again = new.clone();
        let now = Hour::of(clock::wall());
        match clerk.ask(move |store| store.add_heat(&new, now)) {
            // Once more would count it twice; once less is what a crash would cost as well.
            Ok(Ok(())) | Err(ClerkError::Unclear) => {}
            Ok(Err(error)) => {
                tracing::warn!("the heat map is not kept, it is tried again: {}", chain(&error));
                self.state().put_back(again);
            }
            Err(ClerkError::Busy | ClerkError::Stopping) => self.state().put_back(again),
        }
    }

    /// What a camera saw in so many hours, the one that is not over included.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn since(
        &self,
        reader: &StoreReader,
        index: usize,
        camera: &str,
        hours: u32,
    ) -> Result<Heat, HistoryError> {
        let to = clock::wall();
        let span = SignedDuration::from_hours(hours.into());
        let first = Hour::of(to.checked_sub(span).unwrap_or(jiff::Timestamp::MIN));
        let mut cells = reader.heat(camera, first)?;
        if let Some(camera) = self.state().cameras.get(index) {
            camera.hours.range(first..).for_each(|(_, new)| merge(&mut cells, new));
        }
        let count = u16::min(HEAT_COLUMNS * HEAT_ROWS, u16::MAX);
        let seconds = (0..count).map(|cell| cells.get(&cell).map_or(0, |ms| ms.div_ceil(1_000)));
        let from = first.start();
        let incidents = reader.heat_incidents(camera, from)?;
        Ok(Heat { seconds: seconds.collect(), incidents, from, to })
    }
}

impl State {
    fn take(&mut self) -> Vec<HeatHour> {
        let mut new = Vec::new();
        for camera in &mut self.cameras {
            for (hour, cells) in std::mem::take(&mut camera.hours) {
                new.push(HeatHour { camera: camera.id.clone(), hour, cells });
            }
        }
        new
    }

    fn put_back(&mut self, hours: Vec<HeatHour>) {
        for HeatHour { camera, hour, cells } in hours {
            if let Some(camera) = self.cameras.iter_mut().find(|known| known.id == camera) {
                merge(camera.hours.entry(hour).or_default(), &cells);
                while camera.hours.len() > HOURS_WAITING_MAX {
                    camera.hours.pop_first();
                }
            }
        }
    }
}

impl CameraHeat {
    fn see(&mut self, feet: &Feet, hour: Hour) {
        let before = self.seen_at.replace(feet.captured_at);
        let passed = before.map_or(Duration::ZERO, |before| feet.captured_at.since(before));
        let ms = u32::try_from(passed.min(PICTURE_MAX).as_millis()).unwrap_or(0);
        let people = feet.people.iter().filter(|foot| foot.verdict == Verdict::Person);
        let cells: Vec<u16> = people.map(|foot| cell(foot.at_norm)).collect();
        if cells.is_empty() || ms == 0 {
            return;
        }
        let sums = self.hours.entry(hour).or_default();
        for cell in cells {
            let sum = sums.entry(cell).or_default();
            *sum = sum.saturating_add(ms);
        }
        while self.hours.len() > HOURS_WAITING_MAX {
            self.hours.pop_first();
        }
    }
}

/// The cell of a place; what lies outside the picture belongs to the cell at its border.
fn cell([x, y]: [f64; 2]) -> u16 {
    // Truncated towards the border on purpose; no number becomes 0.
    let place = |at: f64, count: u16| ((at * f64::from(count)) as u16).min(count - 1);
    place(y, HEAT_ROWS) * HEAT_COLUMNS + place(x, HEAT_COLUMNS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::CameraIndex;
    use crate::guard::observer::Foot;

    fn feet(ms: u64, people: &[([f64; 2], Verdict)]) -> Feet {
        let foot = |&(at_norm, verdict): &([f64; 2], Verdict)| Foot {
            track: None,
            at_norm,
            verdict,
            inside: Vec::new(),
        };
        Feet {
            camera: CameraIndex(0),
            captured_at: Instant::from_millis(ms),
            received_at: Instant::from_millis(ms + 60),
            size_px: (640, 480),
            people: people.iter().map(foot).collect(),
        }
    }

    fn camera() -> CameraHeat {
        CameraHeat { id: "yard".into(), seen_at: None, hours: BTreeMap::new() }
    }

    #[test]
    fn a_cell_says_how_long_people_stood_there_whatever_the_pace() {
        let mut camera = camera();
        let stands = [([0.5, 0.5], Verdict::Person), ([0.9, 0.5], Verdict::Marked)];
        for ms in (0..=2_000).step_by(200) {
            camera.see(&feet(ms, &stands), Hour(7));
        }
        let cells = &camera.hours[&Hour(7)];
        assert_eq!(cells.values().sum::<u32>(), 2_000);
        assert_eq!(cells.keys().copied().collect::<Vec<_>>(), [24 * 64 + 32]);
    }

    #[test]
    fn nobody_knows_who_stood_there_while_no_picture_came() {
        let mut camera = camera();
        let stands = [([0.0, 0.0], Verdict::Person)];
        camera.see(&feet(0, &stands), Hour(7));
        camera.see(&feet(60_000, &stands), Hour(7));
        assert_eq!(camera.hours[&Hour(7)][&0], 1_000);
    }

    #[test]
    fn places_outside_the_picture_stay_within_the_grid() {
        let last = HEAT_COLUMNS * HEAT_ROWS - 1;
        assert_eq!([cell([1.0, 1.0]), cell([9.0, 9.0]), cell([-3.0, f64::NAN])], [last, last, 0]);
    }

    #[test]
    fn what_the_store_does_not_take_waits_but_not_without_end() {
        let map = HeatMap::new(["yard".to_owned()]);
        let hour = |hour| HeatHour {
            camera: "yard".into(),
            hour: Hour(hour),
            cells: HeatCells::from([(0, 1)]),
        };
        map.state().put_back((0..20).map(hour).collect());
        let waiting: Vec<i64> = map.state().cameras[0].hours.keys().map(|hour| hour.0).collect();
        assert_eq!(waiting, (14..20).collect::<Vec<_>>());
    }
}
