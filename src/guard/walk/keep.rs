//! What a running test has found and the store has yet to take.
//!
//! An attempt is kept once, or its edge is open again: nothing counts as walked that no report says.
//!
//! Not here: what an attempt is (`run`), how it lies on disk (`store::walk`).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::run::{Finding, Run, Tried};
use crate::clock;
use crate::engine::CameraIndex;
use crate::engine::time::Instant;
use crate::guard::handle::{LiveReceiver, SirenHeard, WalkDeskError, WalkError};
use crate::store::walk::Attempt;

/// Attempts that wait to be kept; a person walks in a few times a minute.
const UNSAVED_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct State {
    pub running: Option<Running>,
}

/// The test that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub id: u64,
    pub camera: CameraIndex,
    /// Of the zone.
    pub zone: String,
    pub digest: String,
    pub run: Run,
    pub started_at: Instant,
    pub lost_before: u32,
    pub hint: Option<String>,
    /// Until it has given the picture of the test.
    pub viewer: Option<LiveReceiver>,
    pub unsaved: VecDeque<Tried>,
}

impl Running {
    pub fn take(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            match finding {
                Finding::Hint(hint) => self.hint = Some(hint),
                Finding::Attempt(tried) => {
                    self.hint = None;
                    if self.unsaved.len() < UNSAVED_MAX {
                        self.unsaved.push_back(tried);
                    } else {
                        self.drop_walk(tried.edge, "The store is too slow");
                    }
                }
            }
        }
    }

    /// A walk that is not kept did not happen: its edge is open again.
    fn drop_walk(&mut self, edge: u32, why: &str) {
        self.run.reopen(edge);
        self.hint = Some(format!("{why}, so the last walk does not count; walk in again."));
    }
}

/// Keeps what was found, in its order and each walk once, by whichever thread comes first. What the
/// disk does not take now is tried again; what the test cannot have is dropped.
pub(super) fn save(
    state: &Mutex<State>,
    saving: &Mutex<()>,
    keep: impl Fn(u64, Attempt, SirenHeard) -> Result<(), WalkDeskError>,
) -> Result<(), WalkDeskError> {
    let look = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let _turn = turn(saving);
    loop {
        let next = look()
            .running
            .as_ref()
            .and_then(|running| running.unsaved.front().map(|tried| (running.id, tried.clone())));
        let Some((id, tried)) = next else { return Ok(()) };
        let (edge, heard) = (tried.edge, tried.heard);
        let refusal = match keep(id, attempt_of(tried), heard) {
            Ok(()) => None,
            Err(WalkDeskError::Refused(refusal)) if !is_of_the_disk(&refusal) => Some(refusal),
            Err(later) => return Err(later),
        };
        if let Some(running) = &mut look().running
            && running.id == id
        {
            running.unsaved.pop_front();
            if let Some(refusal) = refusal {
                tracing::warn!("an attempt of walk test {id} is not kept: {refusal}");
                running.drop_walk(edge, "The walk could not be kept");
            }
        }
    }
}

/// The turn of whoever writes what the running test is in the store.
pub(super) fn turn(turns: &Mutex<()>) -> MutexGuard<'_, ()> {
    turns.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says nothing about the attempt: the same may be taken a moment later.
fn is_of_the_disk(refusal: &WalkError) -> bool {
    match refusal {
        WalkError::Store(_) => true,
        WalkError::NoTest { .. }
        | WalkError::Running { .. }
        | WalkError::Over { .. }
        | WalkError::NoEdge { .. }
        | WalkError::NotWaiting { .. }
        | WalkError::TooMany { .. } => false,
    }
}

/// What an attempt is in the store.
fn attempt_of(tried: Tried) -> Attempt {
    Attempt {
        edge: tried.edge,
        at: clock::wall_at(tried.at),
        outcome: tried.outcome,
        detected_ms: tried.detected_ms,
        decided_ms: tried.decided_ms,
        time_ms: tried.time_ms,
        frames: tried.frames,
        incident: tried.incident,
    }
}

#[cfg(test)]
#[path = "keep_tests.rs"]
mod tests;
