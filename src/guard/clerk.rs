//! The web side's way to the store: one errand at a time, run on the store's thread.
//!
//! An errand is a closure over the one writer. Whoever sends it waits, but not for ever: the time
//! that is granted covers the errand's turn; one whose sender has given up is not begun, so that
//! what a person was told did not happen does not happen later.
//!
//! Not here: what the alarm path keeps (`handover`), which never waits.

use std::fmt;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use super::keeper::Job;
use crate::clock;
use crate::engine::time::Instant;
use crate::store::Store;

/// Longest wait for an errand's turn. The web side cuts a request off after five seconds.
const TURN_MAX: Duration = Duration::from_millis(2000);

/// An errand that was begun is waited for this much longer: its outcome is worth knowing.
const WORK_MAX: Duration = Duration::from_millis(2000);

/// Errands that may wait where there is no guard.
const JOBS_MAX: usize = 64;

/// Sends errands. Cloned freely.
#[derive(Clone, Debug)]
pub struct Clerk {
    jobs: SyncSender<Job>,
}

/// Work for the store's thread.
pub(super) struct Errand {
    until: Instant,
    work: Box<dyn FnOnce(&mut Store) + Send>,
}

/// Why an errand has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClerkError {
    /// It was not carried out, and will not be.
    #[error("the store is busy and has not taken this; try again")]
    Busy,
    /// It was begun; whether it was kept is not known.
    #[error("the store has not said whether this was kept; look before trying again")]
    Unclear,
    #[error("the guard is stopping")]
    Stopping,
}

impl Clerk {
    pub(super) fn new(jobs: SyncSender<Job>) -> Clerk {
        Clerk { jobs }
    }

    /// A clerk over a store without a guard: a thread of its own runs the errands, and closes the
    /// store when the last clerk is gone. For tools and tests.
    ///
    /// # Errors
    /// The system does not allow another thread.
    pub fn over(mut store: Store) -> io::Result<Clerk> {
        let (jobs, taken) = mpsc::sync_channel(JOBS_MAX);
        thread::Builder::new().name("errands".into()).spawn(move || {
            while let Ok(job) = taken.recv() {
                match job {
                    Job::Errand(errand) => errand.run(&mut store),
                    Job::Write { .. } | Job::Snapshot { .. } | Job::End => {}
                }
            }
        })?;
        Ok(Clerk { jobs })
    }

    /// Runs `errand` on the store's thread and returns what it returns. Blocking, for at most four
    /// seconds: call from a blocking task, never from the alarm path.
    pub fn ask<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Result<T, ClerkError> {
        let (begun, beginning) = mpsc::sync_channel(1);
        let (done, outcome) = mpsc::sync_channel(1);
        let work = move |store: &mut Store| {
            // Whoever asked may have gone meanwhile.
            let _ = begun.try_send(());
            let _ = done.try_send(errand(store));
        };
        let until = clock::monotonic().after(TURN_MAX);
        let errand = Errand { until, work: Box::new(work) };
        self.jobs.try_send(Job::Errand(errand)).map_err(|error| match error {
            TrySendError::Full(_) => ClerkError::Busy,
            TrySendError::Disconnected(_) => ClerkError::Stopping,
        })?;
        beginning.recv_timeout(TURN_MAX + TURN_MARGIN).map_err(|error| match error {
            // An errand that is too late is dropped unbegun, and with it its end of the channel.
            RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected => ClerkError::Busy,
        })?;
        outcome.recv_timeout(WORK_MAX).map_err(|error| match error {
            RecvTimeoutError::Timeout => ClerkError::Unclear,
            RecvTimeoutError::Disconnected => ClerkError::Stopping,
        })
    }
}

impl Clerk {
    /// Leaves an errand and goes. Never waits, so that the alarm path may; an errand that finds the
    /// queue full, or no turn in `LEFT_MAX`, is not carried out.
    pub(super) fn leave(
        &self,
        errand: impl FnOnce(&mut Store) + Send + 'static,
    ) -> Result<(), ClerkError> {
        let until = clock::monotonic().after(LEFT_MAX);
        let errand = Errand { until, work: Box::new(errand) };
        self.jobs.try_send(Job::Errand(errand)).map_err(|error| match error {
            TrySendError::Full(_) => ClerkError::Busy,
            TrySendError::Disconnected(_) => ClerkError::Stopping,
        })
    }
}

/// How long an errand that was left may wait: a stalled disk comes back, or the box is stopped.
const LEFT_MAX: Duration = Duration::from_secs(60);

/// The sender waits this much longer than its errand may wait, so that an errand begun at the last
/// moment is not reported as refused.
const TURN_MARGIN: Duration = Duration::from_millis(200);

impl Errand {
    /// Carries it out, unless nobody waits for it any more.
    pub fn run(self, store: &mut Store) {
        if clock::monotonic() <= self.until {
            (self.work)(store);
        }
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand").field("until", &self.until).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_nobody_took_in_time_is_busy_and_never_begun() {
        let (jobs, taken) = mpsc::sync_channel(1);
        let clerk = Clerk::new(jobs);
        assert_eq!(clerk.ask(|_| ()), Err(ClerkError::Busy));
        let Ok(Job::Errand(errand)) = taken.try_recv() else { panic!("it waits still") };
        assert!(clock::monotonic() > errand.until);
        drop(taken);
        assert_eq!(clerk.ask(|_| ()), Err(ClerkError::Stopping));
    }

    #[test]
    fn the_outcome_comes_back_from_the_stores_thread() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let (jobs, taken) = mpsc::sync_channel::<Job>(1);
        let keeper = std::thread::spawn(move || {
            let Ok(Job::Errand(errand)) = taken.recv() else { panic!("an errand") };
            errand.run(&mut store);
        });
        assert_eq!(Clerk::new(jobs).ask(|store| store.reader().is_ok()), Ok(true));
        keeper.join().expect("no panic");
    }
}
