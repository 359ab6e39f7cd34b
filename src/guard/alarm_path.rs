//! The alarm path: the one thread that owns the engine.
//!
//! It takes a message, steps the engine and carries the effects out in the order of urgency: sound,
//! record, tell. Nothing it calls waits for a disk, a network, the vision process or the web side;
//! every queue it writes to is tried once.
//!
//! A panic here is the worst that can happen: the fault pattern sounds for `LAST_SOUND`, then the
//! process exits and is started again by the service manager, with every open alarm in the store.

use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::board::Board;
use super::evidence::{EvidenceJob, PaintTask};
use super::handle::{AcknowledgeError, Person, VisionState};
use super::intake;
use super::keeper::Answered;
use super::ledger::{Deciding, EpisodePart, Ledger};
use super::live::{FramePeople, LiveHub, Publication};
use super::message::{Answer, Message, ReceivedReport, SirenReport, StoreReport, WorkerNews};
use super::outbox::Outbox;
use super::records::{EvidenceContext, SiteNames, incident_start, stages};
use super::siren::Siren;
use super::words;
use super::worker::WorkerPost;
use crate::clock;
use crate::engine::detection::Detection;
use crate::engine::time::Instant;
use crate::engine::{
    AlarmId, AlarmSource, AlarmState, CameraIndex, Effects, Engine, Entry, Event, EventKind,
    FrameReport, Health, IncidentId, Input, Part, Refusal, SirenPattern, TICK_EVERY, TrackView,
    ZoneIndex,
};
use crate::link::ToWorker;
use crate::store::record::Record;

/// Longest and shortest time between two snapshots of now.
const PUBLISH_EVERY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(50));

/// Answers taken between two steps.
const ANSWERS_A_STEP: usize = 8;

/// Newest pictures remembered per camera, for the evidence of what they decide: a second at 30
/// pictures a second.
const SEEN_KEPT: usize = 32;

/// How long the fault pattern sounds after a panic, before the process exits.
const LAST_SOUND: Duration = Duration::from_secs(3);

/// Exit status after a panic of the alarm path (`EX_SOFTWARE`).
pub const PANIC_EXIT_CODE: i32 = 70;

/// How often the same complaint is logged.
const COMPLAIN_EVERY: Duration = Duration::from_secs(1);

/// Everything the alarm path is given.
pub struct AlarmPath {
    pub engine: Engine,
    pub names: Arc<SiteNames>,
    pub siren: Siren,
    pub outbox: Outbox,
    pub ledger: Ledger,
    pub board: Board,
    pub hub: Arc<LiveHub>,
    pub publisher: SyncSender<Publication>,
    pub painter: SyncSender<PaintTask>,
    pub post: WorkerPost,
}

/// Starts the thread; it ends on `Message::Stop` or when all senders are gone.
pub fn start(
    path: AlarmPath,
    inputs: Receiver<Message>,
    answers: Receiver<Answer>,
) -> io::Result<JoinHandle<()>> {
    let now = clock::monotonic();
    let cameras = path.names.cameras.len();
    let mut runner = Runner {
        path,
        seen: vec![VecDeque::with_capacity(SEEN_KEPT); cameras],
        ordered: 0,
        requests: 0,
        ticked_at: now,
        published_at: now,
        changed: Changed::Yes,
        complaints: Complaints::default(),
    };
    thread::Builder::new().name("alarm-path".into()).spawn(move || {
        let ran = panic::catch_unwind(AssertUnwindSafe(|| runner.run(&inputs, &answers)));
        if ran.is_err() {
            last_words(&mut runner.path.siren);
        }
    })
}

/// Sounds, then ends the process: a guard without its alarm path only looks like one.
fn last_words(siren: &mut Siren) -> ! {
    tracing::error!("the alarm path panicked; the siren sounds and the process exits");
    siren.order(SirenPattern::Fault);
    let until = clock::monotonic().after(LAST_SOUND);
    while !until.since(clock::monotonic()).is_zero() {
        siren.feed(clock::monotonic());
        thread::park_timeout(TICK_EVERY);
    }
    process::exit(PANIC_EXIT_CODE)
}

struct Runner {
    path: AlarmPath,
    seen: Vec<VecDeque<Seen>>,
    /// Number of the newest order to the siren.
    ordered: u64,
    /// Number of the newest evidence picture asked for.
    requests: u64,
    ticked_at: Instant,
    published_at: Instant,
    changed: Changed,
    complaints: Complaints,
}

/// A picture that may decide something, now or at a later tick.
#[derive(Clone)]
struct Seen {
    received_at: Instant,
    stages: Vec<(&'static str, f64)>,
    people: FramePeople,
}

#[derive(PartialEq, Eq)]
enum Changed {
    Yes,
    No,
}

#[derive(PartialEq, Eq)]
enum Next {
    Stop,
    GoOn,
}

impl Runner {
    fn run(&mut self, inputs: &Receiver<Message>, answers: &Receiver<Answer>) {
        loop {
            let waited = clock::monotonic().since(self.ticked_at);
            let message = inputs.recv_timeout(TICK_EVERY.saturating_sub(waited));
            let now = clock::monotonic();
            self.path.siren.feed(now);
            match message {
                Ok(message) => {
                    if self.take(message, now) == Next::Stop {
                        self.path.outbox.flush(None);
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for answer in answers.try_iter().take(ANSWERS_A_STEP) {
                self.answer(answer);
            }
            if now.since(self.ticked_at) >= TICK_EVERY {
                self.ticked_at = now;
                self.step(Input::Tick);
            }
            self.path.outbox.flush(None);
            self.note_store_backlog();
            self.publish(now);
        }
    }

    fn take(&mut self, message: Message, now: Instant) -> Next {
        match message {
            Message::Report(received) => self.report(&received, now),
            Message::Worker(news) => self.worker(news),
            Message::Siren(report) => self.siren(report),
            Message::Store(report) => self.store(report),
            Message::Stop => return Next::Stop,
        }
        Next::GoOn
    }

    fn report(&mut self, received: &ReceivedReport, now: Instant) {
        let report = &received.report;
        let Some(parsed) = intake::parse(report, received.received_at) else {
            self.complaints
                .say(now, || format!("camera {} reported a picture without size", report.camera));
            return;
        };
        if parsed.dropped > 0 {
            self.complaints.say(now, || {
                format!(
                    "{} impossible detections of camera {} were dropped",
                    parsed.dropped, report.camera
                )
            });
        }
        let index = usize::from(report.camera);
        let Some(seen) = self.seen.get_mut(index) else {
            self.complaints
                .say(now, || format!("a report of the unknown camera {}", report.camera));
            return;
        };
        if seen.len() == SEEN_KEPT {
            seen.pop_front();
        }
        let size_px = (report.width_px, report.height_px);
        let people = self.path.people(&parsed.frame, size_px);
        self.path.board.seen(&parsed.frame, size_px, now);
        self.seen[index].push_back(Seen {
            received_at: received.received_at,
            stages: stages(received),
            people,
        });
        let detections = parsed.frame.detections.clone();
        self.step(Input::Frame(parsed.frame));
        if let Some(newest) = self.seen[index].back_mut() {
            let tracks = self.path.engine.tracks(CameraIndex(report.camera));
            name_tracks(&mut newest.people.people, &detections, &tracks);
            if self.path.hub.watched(index) {
                // Full: a viewer misses a picture, the next one comes.
                let people = Publication::People(newest.people.clone());
                let _ = self.path.publisher.try_send(people);
            }
        }
    }

    fn worker(&mut self, news: WorkerNews) {
        let vision = &mut self.path.board.vision;
        match news {
            WorkerNews::Starting => {
                if vision.restarts == 0 {
                    vision.state = VisionState::Starting;
                    vision.detail = "the model is being loaded".into();
                }
            }
            WorkerNews::Ready(model) => {
                vision.state = VisionState::Watching;
                vision.detail.clear();
                tracing::info!("vision is ready: {} on {}", model.name, model.provider);
                self.path.board.model = Some(model);
                self.step(Input::WorkerHeartbeat);
            }
            WorkerNews::Heartbeat => self.step(Input::WorkerHeartbeat),
            WorkerNews::CameraLost { camera, reason } => {
                let camera = CameraIndex(camera);
                tracing::warn!("camera {}: {reason}", self.path.names.camera_id(camera));
                self.path.board.lost(camera, reason);
                self.step(Input::CameraLost { camera });
            }
            WorkerNews::Fatal { reason } => {
                tracing::error!("the vision process cannot go on: {reason}");
                vision.detail = reason;
            }
            WorkerNews::Down => {
                vision.state = VisionState::Restarting;
                self.step(Input::WorkerDown);
            }
            WorkerNews::Restarting { reason, restarts } => {
                vision.state = VisionState::Restarting;
                let text = format!("the vision process is started again: {reason}");
                vision.detail = reason;
                vision.restarts = restarts;
                let at = clock::wall();
                self.path.outbox.put([Record::Note { at, text }]);
            }
        }
        self.changed = Changed::Yes;
    }

    fn siren(&mut self, report: SirenReport) {
        self.changed = Changed::Yes;
        let board = &mut self.path.board;
        let health = match report {
            SirenReport::Accepted { order, at, output } => {
                let records = self.path.ledger.siren_accepted(order, at, output);
                self.path.outbox.put(records);
                return;
            }
            SirenReport::Working { device } => {
                tracing::info!("the siren is ready on the sound device {device:?}");
                board.siren_device = device;
                board.siren_fault = None;
                Health::Working
            }
            SirenReport::Broken { device, reason } => {
                tracing::error!("the siren cannot sound on {device:?}: {reason}");
                board.siren_device = device;
                board.siren_fault = Some(reason);
                Health::Broken
            }
        };
        self.step(Input::Part { part: Part::Siren, health });
    }

    fn store(&mut self, report: StoreReport) {
        self.changed = Changed::Yes;
        match report {
            StoreReport::Working => self.store_health(None),
            StoreReport::Broken { reason } => self.store_health(Some(reason)),
            StoreReport::Stored { incidents, at } => self.path.ledger.stored(&incidents, at),
            StoreReport::SnapshotStored { incident } => self.path.ledger.snapshot_stored(incident),
        }
    }

    /// A queue that stays full is a fault even when the disk says nothing.
    fn note_store_backlog(&mut self) {
        if self.path.board.store_fault.is_none()
            && let Some(reason) = self.path.outbox.fault()
        {
            self.store_health(Some(reason));
        }
    }

    fn store_health(&mut self, fault: Option<String>) {
        let health = match fault {
            Some(_) => Health::Broken,
            None => Health::Working,
        };
        self.path.board.store_fault = fault;
        self.step(Input::Part { part: Part::Store, health });
    }

    fn answer(&mut self, answer: Answer) {
        let alarm = answer.alarm;
        let now = clock::monotonic();
        let effects = self.path.engine.step(Input::Acknowledge { alarm }, now);
        let reply = match effects.refused {
            Some(Refusal::AlreadyAcknowledged) => Err(AcknowledgeError::AlreadyAcknowledged),
            Some(Refusal::UnknownAlarm | Refusal::UnknownCamera) => {
                Err(AcknowledgeError::UnknownAlarm)
            }
            None => Ok(new_state(&effects, alarm)),
        };
        let at = clock::wall_at(now);
        self.carry_out(effects, now);
        if reply.is_ok() {
            self.path.ledger.answered(alarm, &answer.by, at);
            let by = answer.by;
            self.path.outbox.put([Record::Acknowledged { alarm, at, by }]);
        }
        self.path.outbox.flush(Some(Answered { to: answer.reply, reply }));
    }

    fn step(&mut self, input: Input) {
        let now = clock::monotonic();
        let effects = self.path.engine.step(input, now);
        self.carry_out(effects, now);
    }

    /// Sound, record, tell.
    fn carry_out(&mut self, effects: Effects, now: Instant) {
        if let Some(order) = effects.siren {
            self.ordered = self.path.siren.order(order.pattern);
            self.path.board.siren = order;
            self.changed = Changed::Yes;
        }
        if effects.events.is_empty() {
            return;
        }
        self.changed = Changed::Yes;
        let mut decided = Vec::new();
        for event in effects.events {
            let records = self.record(event, &mut decided);
            self.path.outbox.put(records);
        }
        for (zone, deciding) in decided {
            let records = self.hear(zone, deciding, now);
            self.path.outbox.put(records);
        }
    }

    fn record(&mut self, event: Event, decided: &mut Vec<(ZoneIndex, Deciding)>) -> Option<Record> {
        let at = clock::wall_at(event.at);
        let zone_id = |zone| self.path.names.zone_id(zone).to_owned();
        Some(match event.kind {
            EventKind::IncidentStarted { incident, zone, entry } => {
                let deciding = self.deciding(incident, EpisodePart::Start, &entry);
                let record = incident_start(
                    incident,
                    zone,
                    &entry,
                    event.at,
                    EvidenceContext {
                        names: &self.path.names,
                        model_digest: self
                            .path
                            .board
                            .model
                            .as_ref()
                            .map_or("", |model| &model.digest),
                        stages: &deciding.stages,
                    },
                );
                self.ask_for_picture(incident, zone, &entry);
                decided.push((zone, deciding));
                record
            }
            EventKind::PersonEntered { incident, zone, entry } => {
                decided.push((zone, self.deciding(incident, EpisodePart::FurtherPerson, &entry)));
                Record::PersonEntered {
                    incident,
                    at,
                    score: entry.score.get(),
                    anchor_norm: entry.anchor_norm,
                    track: entry.track.map(|track| track.0),
                }
            }
            EventKind::IncidentEnded { incident, entries, last_inside_at, .. } => {
                let last_inside_at = clock::wall_at(last_inside_at);
                Record::IncidentEnded { incident, at, last_inside_at, entries }
            }
            EventKind::ZoneUnknown { zone, cause } => {
                Record::ZoneUnknown { zone: zone_id(zone), at, cause: words::blind(cause, None) }
            }
            EventKind::ZoneKnown { zone } => Record::ZoneKnown { zone: zone_id(zone), at },
            EventKind::Alarm { alarm, source, to } => {
                self.alarm_record(alarm, source, to, event.at)
            }
        })
    }

    fn alarm_record(
        &mut self,
        alarm: AlarmId,
        source: AlarmSource,
        state: AlarmState,
        at: Instant,
    ) -> Record {
        let at = clock::wall_at(at);
        let incident = match source {
            AlarmSource::Intrusion(zone) => self.path.engine.zone(zone).and_then(|z| z.incident),
            AlarmSource::Blind(_) | AlarmSource::Fault(_) => None,
        };
        Record::Alarm {
            alarm,
            at,
            source: self.path.names.key(source),
            state,
            incident: self.path.ledger.changed(alarm, state, incident, at),
            text: self.path.board.text(&self.path.engine, source, state),
        }
    }

    fn deciding(&self, incident: IncidentId, part: EpisodePart, entry: &Entry) -> Deciding {
        let seen = self.find(entry);
        Deciding {
            incident,
            part,
            captured_at: entry.captured_at,
            received_at: seen.map_or(entry.captured_at, |seen| seen.received_at),
            stages: seen.map(|seen| seen.stages.clone()).unwrap_or_default(),
        }
    }

    fn find(&self, entry: &Entry) -> Option<&Seen> {
        let seen = self.seen.get(usize::from(entry.camera.0))?;
        let is_it = |seen: &&Seen| {
            seen.people.frame == entry.frame && seen.people.captured_at == entry.captured_at
        };
        seen.iter().rev().find(is_it)
    }

    /// The entry's alarm is heard when the siren takes the newest order, if that is to sound.
    fn hear(&mut self, zone: ZoneIndex, deciding: Deciding, now: Instant) -> Vec<Record> {
        let source = AlarmSource::Intrusion(zone);
        let alarm = self.path.engine.alarms().into_iter().find(|alarm| alarm.source == source);
        let Some(alarm) = alarm else {
            return Vec::new();
        };
        self.path.ledger.decided(alarm.id, &deciding);
        let sounds = self.path.board.siren.pattern == SirenPattern::Intrusion;
        match (alarm.state, sounds) {
            (AlarmState::Unacknowledged, true) => {
                self.path.ledger.await_siren(self.ordered, alarm.id, deciding, now)
            }
            _ => Vec::new(),
        }
    }

    fn ask_for_picture(&mut self, incident: IncidentId, zone: ZoneIndex, entry: &Entry) {
        let Some(seen) = self.find(entry).map(|seen| seen.people.clone()) else {
            return;
        };
        self.requests += 1;
        let request = self.requests;
        let zone = usize::from(zone.0);
        let job = EvidenceJob { incident, zone, seen };
        if self.path.painter.try_send(PaintTask::Asked { request, job }).is_err() {
            tracing::warn!("incident {} has no picture: too many at once", incident.0);
            return;
        }
        self.path.post.post(ToWorker::TakeSnapshot {
            request,
            camera: entry.camera.0,
            frame: entry.frame,
        });
    }

    fn publish(&mut self, now: Instant) {
        let age = now.since(self.published_at);
        let due =
            age >= PUBLISH_EVERY.0 || (self.changed == Changed::Yes && age >= PUBLISH_EVERY.1);
        if !due {
            return;
        }
        let path = &mut self.path;
        let snapshot = Arc::new(path.board.snapshot(&path.engine, &path.ledger, now));
        // Full: the publisher is behind; the next snapshot holds all of this and more.
        if path.publisher.try_send(Publication::Snapshot(snapshot)).is_ok() {
            self.published_at = now;
            self.changed = Changed::No;
        }
    }
}

impl AlarmPath {
    /// The people of a frame, before the tracker has named them.
    fn people(&self, frame: &FrameReport, size_px: (u32, u32)) -> FramePeople {
        let (width, height) = (frame.size.width_px(), frame.size.height_px());
        let person = |detection: &Detection| {
            let bounds = detection.bounds;
            let foot = bounds.anchor_norm(frame.size);
            Person {
                track: None,
                bounds_norm: [
                    bounds.left() / width,
                    bounds.top() / height,
                    bounds.width() / width,
                    bounds.height() / height,
                ],
                foot_norm: [foot.0, foot.1],
                score: detection.score.get(),
                inside: self.zones_at(frame.camera, foot),
            }
        };
        FramePeople {
            camera: usize::from(frame.camera.0),
            frame: frame.frame,
            captured_at: frame.captured_at,
            size_px,
            people: frame.detections.iter().map(person).collect(),
        }
    }

    /// The zones of the camera that hold this point, edge included.
    fn zones_at(&self, camera: CameraIndex, foot_norm: (f64, f64)) -> Vec<usize> {
        let zones = (0u16..).zip(&self.names.zones);
        zones
            .filter(|(_, zone)| zone.camera == camera.0)
            .filter(|(index, _)| self.engine.contains(ZoneIndex(*index), foot_norm))
            .map(|(index, _)| usize::from(index))
            .collect()
    }
}

/// Tells each person the track whose newest box is theirs.
fn name_tracks(people: &mut [Person], detections: &[Detection], tracks: &[TrackView]) {
    for (person, detection) in people.iter_mut().zip(detections) {
        let same = tracks.iter().find(|track| track.bounds == detection.bounds);
        person.track = same.map(|track| track.id.0);
    }
}

fn new_state(effects: &Effects, alarm: AlarmId) -> AlarmState {
    let state = |event: &Event| match event.kind {
        EventKind::Alarm { alarm: changed, to, .. } if changed == alarm => Some(to),
        _ => None,
    };
    effects.events.iter().find_map(state).unwrap_or(AlarmState::Acknowledged)
}

/// Complaints about the vision process, at most one a second.
#[derive(Default)]
struct Complaints {
    said_at: Option<Instant>,
    unsaid: u64,
}

impl Complaints {
    fn say(&mut self, now: Instant, text: impl FnOnce() -> String) {
        if self.said_at.is_some_and(|at| now.since(at) < COMPLAIN_EVERY) {
            self.unsaid += 1;
            return;
        }
        tracing::warn!("{} ({} more like this since the last)", text(), self.unsaid);
        self.said_at = Some(now);
        self.unsaid = 0;
    }
}
