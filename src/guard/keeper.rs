//! The store's thread: writes what the alarm path hands over, one synced transaction at a time.
//!
//! A failed write is tried again until it works; meanwhile the box has a store fault and the queue
//! fills. Nothing is dropped here: what does not fit is the handover's to count. A disk that is nearly
//! full or read-only is a store fault too, before anything has to be written.
//!
//! Not here: what is worth keeping, and how it is laid out on disk.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::age::Age;
use super::clerk::Errand;
use super::disk;
use super::evidence::Pictures;
use super::followers::Steps;
use super::message::{Gravity, Message, Reply, StoreReport};
use super::reserve;
use crate::clock;
use crate::engine::IncidentId;
use crate::engine::time::Instant;
use crate::store::distances::Distances;
use crate::store::outbox::{AGE_MAX, Bounds, Trimmed};
use crate::store::pictures::Pixelated;
use crate::store::record::Record;
use crate::store::{ALIVE_EVERY_S, Moved, Store};
use crate::telemetry::chain;

/// Batches waiting for the disk: minutes of a busy site.
pub const QUEUE_MAX: usize = 256;

/// Most records in one transaction; keeps the time until an answer is on disk short.
const BATCH_MAX: usize = 512;

/// Pause before a failed write is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How often the room on the disk is looked at; and how long a quiet thread waits for work.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Pause between two portions of an earlier schema's log, so that records find the disk free.
const MOVE_EVERY: Duration = Duration::from_millis(200);

/// How often a piece of room is put aside for the next start, while one is missing.
const RESERVE_EVERY: Duration = Duration::from_secs(60);

/// How often there is a look whether too much waits for channels.
const TRIM_EVERY: Duration = Duration::from_secs(60);

/// Something for the disk.
#[derive(Debug)]
pub enum Job {
    Write {
        records: Vec<Record>,
        /// Told once the records are on disk, or once that has failed: an answer counts either way.
        answered: Option<Answered>,
    },
    Snapshot {
        incident: IncidentId,
        pictures: Pictures,
        distances: Option<Distances>,
    },
    Errand(Errand),
    /// Nothing more comes, though somebody may still hold on to the queue.
    End,
}

/// Somebody who waits for their answer to be kept.
#[derive(Debug)]
pub struct Answered {
    pub to: SyncSender<Reply>,
    pub reply: Reply,
}

impl Answered {
    /// Tells them; they may have stopped waiting.
    pub fn tell(self) {
        let _ = self.to.try_send(self.reply);
    }
}

/// What the thread is made of.
pub struct KeeperParts {
    pub store: Store,
    /// Where the store is.
    pub folder: PathBuf,
    /// Messages that wait for channels take at most so much.
    pub outbox_bytes_max: u64,
    /// Counts the batches of records it is done with.
    pub done: Arc<AtomicU64>,
    /// Counts whatever it does.
    pub steps: Steps,
}

/// Starts the thread; it ends, with everything written, at [`Job::End`] or when all senders of `jobs`
/// are gone.
pub fn start(
    parts: KeeperParts,
    jobs: Receiver<Job>,
    reports: SyncSender<Message>,
) -> io::Result<JoinHandle<()>> {
    let KeeperParts { store, folder, outbox_bytes_max, done, steps } = parts;
    let now = clock::monotonic();
    let keeper = Keeper {
        outbox_bytes_max,
        outbox_age: Age::new(AGE_MAX, clock::wall(), now),
        trimmed_at: None,
        store,
        folder,
        reports,
        done,
        steps,
        write_fault: None,
        disk_fault: None,
        fault: None,
        untold: true,
        alive_at: now,
        looked_at: now,
        move_at: Some(now),
        reserve_at: now,
    };
    thread::Builder::new().name("store".into()).spawn(move || keeper.run(&jobs))
}

struct Keeper {
    store: Store,
    folder: PathBuf,
    reports: SyncSender<Message>,
    done: Arc<AtomicU64>,
    steps: Steps,
    /// Why the last write failed.
    write_fault: Option<String>,
    /// Why the next one would.
    disk_fault: Option<String>,
    /// The first of the two that there is.
    fault: Option<(Gravity, String)>,
    /// The alarm path has not heard of the newest state.
    untold: bool,
    alive_at: Instant,
    looked_at: Instant,
    outbox_bytes_max: u64,
    outbox_age: Age,
    /// `None` while there is more to trim.
    trimmed_at: Option<Instant>,
    /// When the next portion of an earlier schema's log is moved; `None` when all of it is.
    move_at: Option<Instant>,
    /// When there is a look whether the next start has room.
    reserve_at: Instant,
}

impl Keeper {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            self.steps.another();
            self.look_at_disk();
            self.tell_state();
            self.trim_outbox();
            self.move_log();
            let wait = if self.move_at.is_some() { MOVE_EVERY } else { LOOK_EVERY };
            match jobs.recv_timeout(wait) {
                Ok(job) => {
                    if self.work(job, jobs) == Work::Over {
                        tell_left(jobs);
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.sign_of_life(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Does one job and, when it is records, all records queued behind it in the same transaction.
    fn work(&mut self, job: Job, jobs: &Receiver<Job>) -> Work {
        let mut next = Some(job);
        let mut batch = Vec::new();
        let mut waiting = Vec::new();
        let mut batches = 0;
        while let Some(Job::Write { records, answered }) =
            next.take_if(|job| matches!(job, Job::Write { .. }))
        {
            batches += 1;
            batch.extend(records);
            waiting.extend(answered);
            if batch.len() >= BATCH_MAX {
                break;
            }
            next = jobs.try_recv().ok();
        }
        if !batch.is_empty() || !waiting.is_empty() {
            let work = self.write_until_done(&batch, &mut waiting);
            if work == Work::Over {
                return Work::Over;
            }
            self.done.fetch_add(batches, Ordering::Release);
        }
        match next {
            Some(Job::Snapshot { incident, pictures, distances }) => {
                self.keep_snapshot(incident, &pictures);
                self.keep_distances(incident, distances.as_ref());
            }
            Some(Job::Errand(errand)) => errand.run(&mut self.store),
            Some(Job::End) => return Work::Over,
            Some(Job::Write { .. }) | None => {}
        }
        Work::GoesOn
    }

    fn write_until_done(&mut self, batch: &[Record], waiting: &mut Vec<Answered>) -> Work {
        loop {
            self.steps.another();
            fail::fail_point!("keeper::taken");
            let outcome = self.store.write(batch);
            waiting.drain(..).for_each(Answered::tell);
            match outcome {
                Ok(()) => {
                    self.set_fault(None);
                    self.report_stored(batch);
                    return Work::GoesOn;
                }
                Err(error) => self.set_fault(Some(chain(&error))),
            }
            self.tell_state();
            thread::park_timeout(RETRY_AFTER);
            if self.box_ended() {
                tracing::error!("{} records could not be kept before the end", batch.len());
                return Work::Over;
            }
        }
    }

    fn keep_snapshot(&mut self, incident: IncidentId, pictures: &Pictures) {
        let kept = match pictures {
            Pictures::Clear(jpeg) => self.store.put_snapshot(incident, jpeg),
            Pictures::Both { hides, pixelated, clear } => {
                let both = Pixelated { hides: *hides, jpeg: pixelated, clear };
                self.store.put_pixelated_snapshot(incident, both)
            }
        };
        match kept {
            Ok(()) => {
                let report = StoreReport::SnapshotStored { incident };
                // Lost when the alarm path is full: the page then lacks a link, no more.
                let _ = self.reports.try_send(Message::Store(report));
            }
            Err(error) => {
                tracing::error!(
                    "the picture of incident {} is not kept: {}",
                    incident.0,
                    chain(&error)
                );
            }
        }
    }

    fn keep_distances(&mut self, incident: IncidentId, distances: Option<&Distances>) {
        let kept = distances.map(|distances| self.store.put_distances(incident, distances));
        if let Some(Err(error)) = kept {
            tracing::error!("distances of incident {} are not kept: {}", incident.0, chain(&error));
        }
    }

    fn report_stored(&self, batch: &[Record]) {
        let incidents: Vec<IncidentId> = batch.iter().filter_map(incident_of).collect();
        if incidents.is_empty() {
            return;
        }
        let at = clock::monotonic();
        // Lost when the alarm path is full: the page then lacks one step of a ladder, no more.
        let _ = self.reports.try_send(Message::Store(StoreReport::Stored { incidents, at }));
    }

    fn sign_of_life(&mut self) {
        let now = clock::monotonic();
        let due = match self.write_fault {
            Some(_) => RETRY_AFTER,
            None => Duration::from_secs(ALIVE_EVERY_S),
        };
        if now.since(self.alive_at) >= due {
            self.alive_at = now;
            let outcome = self.store.alive(clock::wall());
            self.set_fault(outcome.err().map(|error| chain(&error)));
        }
    }

    /// Keeps what waits for channels within its bounds, one portion a turn.
    fn trim_outbox(&mut self) {
        let now = clock::monotonic();
        if self.trimmed_at.is_some_and(|at| now.since(at) < TRIM_EVERY) {
            return;
        }
        let bounds = Bounds {
            bytes_max: self.outbox_bytes_max,
            not_before: self.outbox_age.too_old_before(clock::wall(), now),
        };
        self.trimmed_at = match self.store.trim_outbox(bounds) {
            Ok(Trimmed::Portion) => None,
            Ok(Trimmed::Enough) => Some(now),
            Err(error) => {
                tracing::error!("what waits for channels is not trimmed: {}", chain(&error));
                Some(now)
            }
        };
    }

    /// Brings over what an earlier schema's log left behind, one portion a turn.
    fn move_log(&mut self) {
        let now = clock::monotonic();
        if self.move_at.is_none_or(|at| now < at) {
            return;
        }
        self.move_at = match self.store.move_log() {
            Ok(Moved::All) => None,
            Ok(Moved::Portion) => Some(clock::monotonic().after(MOVE_EVERY)),
            Err(error) => {
                tracing::error!("the rest of the event log is not moved: {}", chain(&error));
                Some(now.after(TRIM_EVERY))
            }
        };
    }

    fn look_at_disk(&mut self) {
        let now = clock::monotonic();
        if now.since(self.looked_at) >= LOOK_EVERY {
            self.looked_at = now;
            self.disk_fault = disk::fault(&self.folder);
            self.judge();
        }
        if now >= self.reserve_at {
            self.reserve_at = now.after(RESERVE_EVERY);
            if let Err(error) = reserve::keep(&self.folder) {
                tracing::warn!("no room is put aside for a start on a full disk: {error}");
            }
        }
    }

    fn set_fault(&mut self, fault: Option<String>) {
        self.write_fault = fault;
        self.judge();
    }

    fn judge(&mut self) {
        let failed = self.write_fault.clone().map(|reason| (Gravity::Failed, reason));
        let impaired = || self.disk_fault.clone().map(|reason| (Gravity::Impaired, reason));
        let fault = failed.or_else(impaired);
        if self.fault == fault {
            return;
        }
        match &fault {
            Some((_, reason)) => tracing::error!("the store does not work: {reason}"),
            None => tracing::info!("the store works again"),
        }
        self.fault = fault;
        self.untold = true;
    }

    fn tell_state(&mut self) {
        if !self.untold {
            return;
        }
        self.untold = self.reports.try_send(Message::Store(self.state())).is_err();
    }

    /// The alarm path has gone: nobody is left to bring new records.
    fn box_ended(&self) -> bool {
        let probe = Message::Store(self.state());
        matches!(self.reports.try_send(probe), Err(TrySendError::Disconnected(_)))
    }

    fn state(&self) -> StoreReport {
        match self.fault.clone() {
            Some((gravity, reason)) => StoreReport::Broken { gravity, reason },
            None => StoreReport::Working,
        }
    }
}

/// Says what stays in the queue for ever.
fn tell_left(jobs: &Receiver<Job>) {
    let (mut records, mut pictures, mut errands) = (0, 0, 0);
    while let Ok(job) = jobs.try_recv() {
        match job {
            Job::Write { records: more, .. } => records += more.len(),
            Job::Snapshot { .. } => pictures += 1,
            Job::Errand(_) => errands += 1,
            Job::End => {}
        }
    }
    if records + pictures + errands > 0 {
        tracing::error!(
            "{records} further records, {pictures} pictures and {errands} requests could not be kept \
             before the end"
        );
    }
}

#[derive(PartialEq, Eq)]
enum Work {
    GoesOn,
    Over,
}

fn incident_of(record: &Record) -> Option<IncidentId> {
    match record {
        Record::IncidentStarted(start) => Some(start.incident),
        Record::PersonEntered { incident, .. } => Some(*incident),
        Record::Started { .. }
        | Record::IncidentEnded { .. }
        | Record::ZoneUnknown { .. }
        | Record::ZoneKnown { .. }
        | Record::ZoneArmed { .. }
        | Record::ZoneDisarmed { .. }
        | Record::Alarm { .. }
        | Record::Acknowledged { .. }
        | Record::Silenced { .. }
        | Record::Reset { .. }
        | Record::Shelved { .. }
        | Record::Unshelved { .. }
        | Record::OutOfService { .. }
        | Record::InService { .. }
        | Record::SirenSounded { .. }
        | Record::ModelEvent(_)
        | Record::Unkept { .. }
        | Record::Note { .. } => None,
    }
}
