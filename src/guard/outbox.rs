//! Between alarm path and store: hands records over without ever waiting.
//!
//! While the store's queue is full, records wait here, up to `WAITING_MAX`; beyond that the oldest
//! go and are counted, and the first thing kept afterwards says how many. A full queue is a store
//! fault, and so is a disk that has not answered for `SILENCE_MAX`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

use super::keeper::{Answered, Job};
use std::time::Duration;

use crate::clock;
use crate::engine::time::Instant;
use crate::store::record::Record;

/// Records that wait for a full queue: about an hour of a busy site, a few megabytes.
const WAITING_MAX: usize = 16_384;

/// Longest time the disk may take for what it was given. A sync on a busy disk takes tenths of a
/// second; two seconds are a disk that hangs.
pub const SILENCE_MAX: Duration = Duration::from_secs(2);

/// The alarm path's end of the store.
#[derive(Debug)]
pub struct Outbox {
    jobs: SyncSender<Job>,
    waiting: VecDeque<Record>,
    lost: u64,
    /// Batches handed over, and batches the store thread is done with.
    given: u64,
    done: Arc<AtomicU64>,
    /// When the store thread was last seen to get anywhere, or had nothing to do.
    progress: (u64, Instant),
}

impl Outbox {
    /// `done` counts the batches that the store thread is done with.
    pub fn new(jobs: SyncSender<Job>, done: Arc<AtomicU64>) -> Outbox {
        Outbox {
            jobs,
            waiting: VecDeque::new(),
            lost: 0,
            given: 0,
            done,
            progress: (0, clock::monotonic()),
        }
    }

    /// Takes records, in order.
    pub fn put(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            if self.waiting.len() == WAITING_MAX {
                self.waiting.pop_front();
                self.lost += 1;
            }
            self.waiting.push_back(record);
        }
    }

    /// Hands over what waits. `answered` is told when that is on disk; at once when it cannot be
    /// handed over.
    pub fn flush(&mut self, answered: Option<Answered>) {
        if self.waiting.is_empty() && self.lost == 0 {
            answered.into_iter().for_each(Answered::tell);
            return;
        }
        let mut records: Vec<Record> = Vec::with_capacity(self.waiting.len() + 1);
        if self.lost > 0 {
            records.push(Record::Note {
                at: clock::wall(),
                text: format!("{} records were lost: the store was too slow", self.lost),
            });
        }
        let noted = records.len();
        records.extend(self.waiting.drain(..));
        match self.jobs.try_send(Job::Write { records, answered }) {
            Ok(()) => {
                self.lost = 0;
                self.given += 1;
            }
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                if let Job::Write { records, answered } = job {
                    self.waiting.extend(records.into_iter().skip(noted));
                    answered.into_iter().for_each(Answered::tell);
                }
            }
        }
    }

    /// Why the store cannot keep up, for people.
    pub fn fault(&mut self, now: Instant) -> Option<String> {
        let done = self.done.load(Ordering::Acquire);
        if done != self.progress.0 || done == self.given {
            self.progress = (done, now);
        }
        let waiting = self.waiting.len();
        match (waiting, self.lost) {
            (0, 0) if now.since(self.progress.1) > SILENCE_MAX => {
                Some("the disk does not answer".into())
            }
            (0, 0) => None,
            (_, 0) => Some("the disk is too slow: records wait for it".into()),
            (_, _) => Some("the disk is too slow: records were lost".into()),
        }
    }
}
