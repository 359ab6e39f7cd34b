//! Between alarm path and store: hands records over without ever waiting.
//!
//! While the store's queue is full, records wait here, up to `WAITING_MAX`; beyond that some go and
//! are counted, and the first thing kept afterwards says how many: first what only describes, the
//! oldest of it, and what people must answer for only when nothing else is left. A full queue is a
//! store fault, and so is a disk that has not answered for `SILENCE_MAX`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use super::keeper::{Answered, Job};
use super::message::Gravity;
use crate::clock;
use crate::engine::time::Instant;
use crate::store::record::Record;

/// Records that wait for a full queue: about an hour of a busy site, a few megabytes.
const WAITING_MAX: usize = 16_384;

/// Longest time the disk may take for what it was given. A sync on a busy disk takes tenths of a
/// second; R1 allows one second until a fault is heard.
pub const SILENCE_MAX: Duration = Duration::from_millis(900);

/// The alarm path's end of the store.
#[derive(Debug)]
pub struct Handover {
    jobs: SyncSender<Job>,
    waiting: VecDeque<Record>,
    lost: u64,
    /// Batches handed over, and batches the store thread is done with.
    given: u64,
    done: Arc<AtomicU64>,
    /// When the store thread was last seen to get anywhere, or had nothing to do.
    progress: (u64, Instant),
}

impl Handover {
    /// `done` counts the batches that the store thread is done with.
    pub fn new(jobs: SyncSender<Job>, done: Arc<AtomicU64>) -> Handover {
        Handover {
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
            self.waiting.push_back(record);
            if self.waiting.len() > WAITING_MAX {
                let least = self.waiting.iter().position(only_describes).unwrap_or(0);
                self.waiting.remove(least);
                self.lost += 1;
            }
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
    pub fn fault(&mut self, now: Instant) -> Option<(Gravity, String)> {
        let done = self.done.load(Ordering::Acquire);
        if done != self.progress.0 || done == self.given {
            self.progress = (done, now);
        }
        let waiting = self.waiting.len();
        match (waiting, self.lost) {
            (0, 0) if now.since(self.progress.1) > SILENCE_MAX => {
                Some((Gravity::Failed, "the disk does not answer".into()))
            }
            (0, 0) => None,
            (_, 0) => Some((Gravity::Impaired, "the disk is too slow: records wait for it".into())),
            (_, _) => Some((Gravity::Losing, "the disk is too slow: records were lost".into())),
        }
    }
}

/// Whether alarms and incidents are complete without it.
fn only_describes(record: &Record) -> bool {
    match record {
        Record::Note { .. }
        | Record::SirenSounded { .. }
        | Record::ZoneKnown { .. }
        | Record::ZoneUnknown { .. } => true,
        Record::Started { .. }
        | Record::ZoneArmed { .. }
        | Record::ZoneDisarmed { .. }
        | Record::IncidentStarted(_)
        | Record::PersonEntered { .. }
        | Record::IncidentEnded { .. }
        | Record::Alarm { .. }
        | Record::Acknowledged { .. }
        | Record::Silenced { .. }
        | Record::Reset { .. }
        | Record::Shelved { .. }
        | Record::Unshelved { .. }
        | Record::OutOfService { .. }
        | Record::InService { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use jiff::Timestamp;

    use super::*;
    use crate::engine::AlarmId;

    fn note(number: usize) -> Record {
        Record::Note { at: Timestamp::UNIX_EPOCH, text: number.to_string() }
    }

    fn answer(number: usize) -> Record {
        let (alarm, at) = (AlarmId(number as u64), Timestamp::UNIX_EPOCH);
        Record::Acknowledged { alarm, at, by: "Eva".into() }
    }

    fn handover() -> Handover {
        // A queue that takes nothing.
        Handover::new(mpsc::sync_channel(0).0, Arc::default())
    }

    #[test]
    fn an_overflow_drops_the_oldest_descriptions_and_keeps_every_alarm() {
        let mut handover = handover();
        handover.put([answer(1), note(1), note(2)]);
        handover.put((0..WAITING_MAX - 3).map(answer));
        handover.put([answer(2)]);
        assert_eq!(handover.lost, 1);
        let first: Vec<Record> = handover.waiting.iter().take(2).cloned().collect();
        assert_eq!(first, [answer(1), note(2)]);
        // The last description, then one that comes when only alarms are left.
        handover.put([answer(3), note(3)]);
        assert_eq!((handover.lost, handover.waiting.len()), (3, WAITING_MAX));
        assert!(!handover.waiting.iter().any(only_describes));
        assert_eq!(handover.waiting.front(), Some(&answer(1)));
    }

    #[test]
    fn an_overflow_of_alarms_alone_drops_the_oldest_and_says_so() {
        let mut handover = handover();
        handover.put((0..=WAITING_MAX).map(answer));
        assert_eq!((handover.lost, handover.waiting.front()), (1, Some(&answer(1))));
        let (gravity, fault) = handover.fault(clock::monotonic()).expect("a fault");
        assert_eq!(gravity, Gravity::Losing);
        assert!(fault.contains("lost"), "{fault}");
    }
}
