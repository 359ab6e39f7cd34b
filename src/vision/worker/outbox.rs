//! What waits to be written to the guard. The inference loop never waits for the socket.
//!
//! When the guard reads too slowly, previews go first, then heartbeats that a newer one makes
//! pointless, and only then the oldest report, which is counted and told in the log: a guard that
//! far behind raises "late frames" from what it still gets.

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::link::{self, FromWorker};

/// Messages waiting: 20 reports and 10 heartbeats a second fill this in eight seconds.
const MESSAGES_MAX: usize = 256;

/// Previews waiting, of all cameras; 100 KB each.
const PREVIEWS_MAX: usize = 4;

pub struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<FromWorker>,
    reports_lost: u64,
    finishing: bool,
    /// Nothing is being written.
    drained: bool,
    broken: bool,
}

impl Outbox {
    /// Starts the writer thread.
    pub fn start(link: UnixStream) -> io::Result<Arc<Outbox>> {
        let outbox = Arc::new(Outbox::unattached());
        let writer = Arc::clone(&outbox);
        thread::Builder::new().name("report".into()).spawn(move || writer.write_to(&link))?;
        Ok(outbox)
    }

    pub(super) fn unattached() -> Outbox {
        Outbox { state: Mutex::default(), changed: Condvar::new() }
    }

    /// Queues a message; never blocks.
    pub fn push(&self, message: FromWorker) {
        let mut state = self.lock();
        if state.broken {
            return;
        }
        if state.waiting.len() >= MESSAGES_MAX {
            state.make_room();
        }
        state.waiting.push_back(message);
        drop(state);
        self.changed.notify_all();
    }

    /// Whether a preview would be written soon.
    pub fn has_room_for_preview(&self) -> bool {
        let state = self.lock();
        let previews = state.waiting.iter().filter(|message| is_preview(message));
        previews.count() < PREVIEWS_MAX && state.waiting.len() < MESSAGES_MAX / 2
    }

    /// Waits until everything is written, at most `wait`; the writer ends then.
    pub fn finish(&self, wait: Duration) {
        let mut state = self.lock();
        state.finishing = true;
        self.changed.notify_all();
        let pending = |state: &mut State| !state.drained && !state.broken;
        // What could not be written by now stays unwritten: the process ends.
        let _ = self.changed.wait_timeout_while(state, wait, pending);
    }

    fn write_to(&self, link: &UnixStream) {
        while let Some(message) = self.take() {
            if let Err(error) = link::send(link, &message) {
                tracing::debug!("the guard no longer reads: {error}");
                self.lock().broken = true;
                break;
            }
        }
        self.lock().drained = true;
        self.changed.notify_all();
    }

    /// `None` when everything is written and nothing more will come.
    fn take(&self) -> Option<FromWorker> {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.finishing;
        let waited = self.changed.wait_while(self.lock(), idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make_room(&mut self) {
        let first = |wanted: fn(&FromWorker) -> bool| self.waiting.iter().position(wanted);
        let heartbeat = |message: &FromWorker| matches!(message, FromWorker::Heartbeat { .. });
        let report = |message: &FromWorker| matches!(message, FromWorker::Report(_));
        let victim = first(is_preview).or_else(|| first(heartbeat));
        if let Some(victim) = victim {
            self.waiting.remove(victim);
            return;
        }
        self.waiting.remove(first(report).unwrap_or(0));
        self.reports_lost += 1;
        if self.reports_lost.is_power_of_two() {
            let reports_lost = self.reports_lost;
            tracing::warn!(reports_lost, "the guard reads too slowly: reports were dropped");
        }
    }
}

fn is_preview(message: &FromWorker) -> bool {
    matches!(message, FromWorker::Preview(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{CaptureClock, Picture, Report, StageTimes};

    fn report(frame: u64) -> FromWorker {
        FromWorker::Report(Report {
            camera: 0,
            frame,
            width_px: 1,
            height_px: 1,
            detections: vec![],
            stages: StageTimes::default(),
            clock: CaptureClock::Pipeline,
            passed_over: 0,
        })
    }

    fn preview() -> FromWorker {
        FromWorker::Preview(Picture { camera: 0, frame: 0, captured_ns: 0, jpeg: vec![] })
    }

    #[test]
    fn previews_and_stale_heartbeats_go_before_any_report() {
        let outbox = Outbox::unattached();
        outbox.push(preview());
        outbox.push(FromWorker::Heartbeat { at_ns: 1 });
        for n in 2..MESSAGES_MAX as u64 {
            outbox.push(report(n));
        }
        outbox.push(report(1000));
        outbox.push(report(1001));
        assert_eq!(outbox.lock().reports_lost, 0);
        assert_eq!(outbox.lock().waiting.front(), Some(&report(2)));
        outbox.push(report(1002));
        assert_eq!(outbox.lock().reports_lost, 1);
        assert_eq!(outbox.lock().waiting.front(), Some(&report(3)));
        assert_eq!(outbox.lock().waiting.len(), MESSAGES_MAX);
    }

    #[test]
    fn guard_that_does_not_read_gets_no_more_previews() {
        let outbox = Outbox::unattached();
        assert!(outbox.has_room_for_preview());
        for _ in 0..PREVIEWS_MAX {
            outbox.push(preview());
        }
        assert!(!outbox.has_room_for_preview());
    }

    #[test]
    fn last_words_are_written_before_the_end() {
        let (near, far) = UnixStream::pair().expect("a socket pair");
        let outbox = Outbox::start(near).expect("a thread");
        outbox.push(report(7));
        outbox.finish(Duration::from_secs(5));
        assert_eq!(link::receive::<FromWorker>(&far).expect("a message"), report(7));
    }
}
