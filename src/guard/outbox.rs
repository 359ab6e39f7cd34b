//! Between alarm path and store: hands records over without ever waiting.
//!
//! While the store's queue is full, records wait here, up to `WAITING_MAX`; beyond that the oldest
//! go and are counted, and the first thing kept afterwards says how many. A queue that stays full is
//! a store fault.

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, TrySendError};

use super::keeper::{Answered, Job};
use crate::clock;
use crate::store::record::Record;

/// Records that wait for a full queue: about an hour of a busy site, a few megabytes.
const WAITING_MAX: usize = 16_384;

/// The alarm path's end of the store.
#[derive(Debug)]
pub struct Outbox {
    jobs: SyncSender<Job>,
    waiting: VecDeque<Record>,
    lost: u64,
}

impl Outbox {
    pub fn new(jobs: SyncSender<Job>) -> Outbox {
        Outbox { jobs, waiting: VecDeque::new(), lost: 0 }
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
            Ok(()) => self.lost = 0,
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                if let Job::Write { records, answered } = job {
                    self.waiting.extend(records.into_iter().skip(noted));
                    answered.into_iter().for_each(Answered::tell);
                }
            }
        }
    }

    /// Why the store cannot keep up, for people.
    pub fn fault(&self) -> Option<String> {
        let waiting = self.waiting.len();
        match (waiting, self.lost) {
            (0, 0) => None,
            (_, 0) => Some(format!("{waiting} records wait for the disk")),
            (_, lost) => Some(format!("{lost} records were lost, {waiting} wait for the disk")),
        }
    }
}
