//! Between alarm path and store: hands records over without ever waiting.
//!
//! While the store's queue is full, records wait here, up to `WAITING_MAX`; beyond that some go and
//! are counted, and the first thing kept afterwards says how many, and to every channel what it will
//! never get. What only describes goes first, the oldest of it, then that a zone is watched again, then
//! that one is not; what people must answer for goes only when nothing else is left. A full queue is a
//! store fault, and so is a disk that has not answered for `SILENCE_MAX`.
//!
//! At the end, when nothing is guarded any more, it waits for the store a little; what is left then is
//! logged.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::keeper::{Answered, Job};
use super::message::Gravity;
use crate::clock;
use crate::engine::delivery::Class;
use crate::engine::time::Instant;
use crate::store::outbox::class_of;
use crate::store::record::Record;

/// Records that wait for a full queue: about an hour of a busy site, a few megabytes.
const WAITING_MAX: usize = 16_384;

/// Longest time the disk may take for what it was given. A sync on a busy disk takes tenths of a
/// second; R1 allows one second until a fault is heard.
pub const SILENCE_MAX: Duration = Duration::from_millis(900);

/// Longest wait for the store at the end, and how often it is asked.
const END_MAX: Duration = Duration::from_secs(1);
const END_LOOK: Duration = Duration::from_millis(10);

/// The alarm path's end of the store.
#[derive(Debug)]
pub struct Handover {
    jobs: SyncSender<Job>,
    waiting: VecDeque<Record>,
    lost: u64,
    /// What of that others would have been told.
    untold: BTreeMap<Class, Untold>,
    /// Batches handed over, and batches the store thread is done with.
    given: u64,
    done: Arc<AtomicU64>,
    /// When the store thread was last seen to get anywhere, or had nothing to do.
    progress: (u64, Instant),
}

/// Messages that will never be written.
#[derive(Clone, Copy, Debug)]
struct Untold {
    messages: u64,
    first_at: Timestamp,
    last_at: Timestamp,
}

/// What goes first when not everything can stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// Alarms and incidents are complete without it.
    Describes,
    /// Without it a zone is shown as not watched for longer than it was.
    WatchedAgain,
    /// Without it a zone is shown as watched that was not.
    NotWatched,
    /// People must answer for it.
    Needed,
}

impl Handover {
    /// `done` counts the batches that the store thread is done with.
    pub fn new(jobs: SyncSender<Job>, done: Arc<AtomicU64>) -> Handover {
        Handover {
            jobs,
            waiting: VecDeque::new(),
            lost: 0,
            untold: BTreeMap::new(),
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
                self.lose_one();
            }
        }
    }

    fn lose_one(&mut self) {
        let least = self.waiting.iter().enumerate().min_by_key(|(_, record)| worth(record));
        let Some(record) = least.map(|(place, _)| place).and_then(|at| self.waiting.remove(at))
        else {
            return;
        };
        self.lost += 1;
        if let Some((class, at)) = class_of(&record).zip(record.at()) {
            let fresh = Untold { messages: 0, first_at: at, last_at: at };
            let untold = self.untold.entry(class).or_insert(fresh);
            untold.messages += 1;
            untold.first_at = untold.first_at.min(at);
            untold.last_at = untold.last_at.max(at);
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
            let at = clock::wall();
            records.push(Record::Note {
                at,
                text: format!("{} records were lost: the store was too slow", self.lost),
            });
            records.extend(self.untold.iter().map(|(class, untold)| Record::Unkept {
                at,
                class: *class,
                messages: untold.messages,
                first_at: untold.first_at,
                last_at: untold.last_at,
            }));
        }
        let noted = records.len();
        records.extend(self.waiting.drain(..));
        match self.jobs.try_send(Job::Write { records, answered }) {
            Ok(()) => {
                self.lost = 0;
                self.untold.clear();
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

    /// Hands over what waits at the end of the box, for as long as `END_MAX`. Nothing is guarded any more,
    /// so this may wait.
    pub fn end(&mut self) {
        let until = clock::monotonic().after(END_MAX);
        loop {
            self.flush(None);
            let is_done = self.waiting.is_empty() && self.lost == 0;
            if is_done || clock::monotonic() >= until {
                return;
            }
            thread::park_timeout(END_LOOK);
        }
    }

    /// What would be lost without a word if this ended now, for people.
    fn left(&self) -> Option<String> {
        let (waiting, lost) = (self.waiting.len(), self.lost);
        (waiting > 0 || lost > 0).then(|| {
            format!(
                "{waiting} records did not reach the store before the end, and {lost} were lost before \
                 that"
            )
        })
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

impl Drop for Handover {
    fn drop(&mut self) {
        if let Some(left) = self.left() {
            tracing::error!("{left}");
        }
    }
}

fn worth(record: &Record) -> Worth {
    match record {
        Record::Note { .. } | Record::SirenSounded { .. } | Record::ModelEvent(_) => {
            Worth::Describes
        }
        Record::ZoneKnown { .. } => Worth::WatchedAgain,
        Record::ZoneUnknown { .. } => Worth::NotWatched,
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
        | Record::InService { .. }
        | Record::Unkept { .. } => Worth::Needed,
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
        assert!(handover.waiting.iter().all(|record| worth(record) == Worth::Needed));
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

    fn zone(second: i64, state: Worth) -> Record {
        let (zone, at) = ("gate".to_owned(), Timestamp::from_second(second).expect("a time"));
        if state == Worth::NotWatched {
            Record::ZoneUnknown { zone, at, cause: "dark".into() }
        } else {
            Record::ZoneKnown { zone, at }
        }
    }

    #[test]
    fn that_a_zone_is_not_watched_outlives_that_it_is_and_receivers_are_told_what_went() {
        let (jobs, taken) = mpsc::sync_channel(1);
        let mut handover = Handover::new(jobs, Arc::default());
        let (blind, seen) = (Worth::NotWatched, Worth::WatchedAgain);
        handover.put([zone(1, blind), zone(2, seen), zone(3, blind), zone(4, seen)]);
        handover.put((0..WAITING_MAX - 2).map(answer));
        assert_eq!(handover.waiting.front(), Some(&zone(1, blind)));
        assert_eq!(handover.waiting.get(1), Some(&zone(3, blind)));
        handover.put([answer(1)]);
        assert_eq!(handover.waiting.front(), Some(&zone(3, blind)), "the oldest of the same kind");
        handover.flush(None);
        let Ok(Job::Write { records, .. }) = taken.try_recv() else { panic!("a batch") };
        let time = |second| Timestamp::from_second(second).expect("a time");
        let unkept: Vec<_> = records
            .iter()
            .filter_map(|record| match record {
                Record::Unkept { class, messages, first_at, last_at, .. } => {
                    Some((*class, *messages, *first_at, *last_at))
                }
                _ => None,
            })
            .collect();
        assert_eq!(unkept, [(Class::Telemetry, 3, time(1), time(4))]);
        handover.put([answer(2)]);
        handover.flush(None);
        let Ok(Job::Write { records, .. }) = taken.try_recv() else { panic!("a batch") };
        assert_eq!(records, [answer(2)], "told once");
    }

    #[test]
    fn what_does_not_reach_the_store_before_the_end_is_said() {
        let mut full = handover();
        full.put([answer(1), answer(2)]);
        full.end();
        let left = full.left().expect("something is left");
        assert!(left.contains("2 records did not reach the store"), "{left}");
        let (jobs, taken) = mpsc::sync_channel(1);
        let mut slow = Handover::new(jobs, Arc::default());
        slow.put([answer(1)]);
        slow.flush(None);
        slow.put([answer(2)]);
        let store = thread::spawn(move || taken.iter().count());
        slow.end();
        assert_eq!(slow.left(), None);
        drop(slow);
        assert_eq!(store.join().expect("no panic"), 2);
    }
}
