//! The alarm path: the one thread that owns the engine.
//!
//! It takes a message, steps the engine and carries the effects out in the order of urgency: sound,
//! record, tell. Nothing it calls waits for a disk, a network, the vision process or the web side;
//! every queue it writes to is tried once.
//!
//! A panic here is the worst that can happen: the fault pattern sounds for `LAST_SOUND`, then the
//! process exits with the alarms in the store, for whatever runs it (a service, a container) to start again.

mod arming;
mod commands;
mod detector;
mod effects;
mod failing;
mod handhelds;
mod observe;
mod people;
mod relay;
mod rezone;
mod shadow;
mod siren;
mod view;

use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use self::failing::{Failing, Failures, Thing};
pub use self::handhelds::Pager;
use self::handhelds::PagerWatch;
use self::people::name_tracks;
use self::relay::RelayWatch;
use self::siren::SirenWatch;
use self::view::ViewWatch;
use super::arming::ArmingPost;
use super::board::Board;
use super::clerk::Clerk;
use super::clips::{ClipTask, SightingPost};
use super::evidence::PaintTask;
use super::handle::VisionState;
use super::handover::Handover;
use super::intake;
use super::ledger::Ledger;
use super::live::{FramePeople, LiveHub, Publication};
use super::message::{Answer, Gravity, Message, ReceivedReport, StoreReport, WorkerNews};
use super::models::bank::BankPost;
use super::models::shadow::ShadowTap;
use super::observer::Tap;
use super::priority;
use super::records::{SiteNames, stages};
use super::relay::Relays;
use super::siren::Siren;
use super::views::Views;
use super::worker::WorkerPost;
use crate::clock;
use crate::engine::time::Instant;
use crate::engine::{CameraIndex, Engine, Input, Part, SirenPattern, TICK_EVERY};
use crate::link::DetailZone;
use crate::store::record::Record;
use crate::telemetry;

/// Longest and shortest time between two snapshots of now.
const PUBLISH_EVERY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(50));

/// The publisher takes every snapshot at once; when it has not for so long, the log says so.
const PUBLISHER_SILENT_MAX: Duration = Duration::from_secs(1);

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
    pub relays: Relays,
    pub handover: Handover,
    pub ledger: Ledger,
    pub board: Board,
    pub hub: Arc<LiveHub>,
    pub publisher: SyncSender<Publication>,
    pub painter: SyncSender<PaintTask>,
    pub clips: SyncSender<ClipTask>,
    pub sightings: SightingPost,
    pub bank: BankPost,
    pub post: WorkerPost,
    pub arming: ArmingPost,
    pub tap: Tap,
    pub clerk: Clerk,
    pub pager: Pager,
    /// By camera: where the vision process is to look closer.
    pub detail: Vec<Vec<DetailZone>>,
    pub views: Arc<Views>,
    pub shadow: ShadowTap,
}

/// Starts the thread; it ends on `Message::Stop` or when all senders are gone.
pub fn start(
    path: AlarmPath,
    inputs: Receiver<Message>,
    answers: Receiver<Answer>,
) -> io::Result<JoinHandle<()>> {
    let now = clock::monotonic();
    let (cameras, relays) = (path.names.cameras.len(), path.relays.names().len());
    let pager = PagerWatch::new(path.pager, now);
    let views = ViewWatch::of(&path.engine, &path.names);
    let mut runner = Runner {
        path,
        seen: vec![VecDeque::with_capacity(SEEN_KEPT); cameras],
        model: Arc::from(""),
        siren: SirenWatch::new(),
        views,
        relays: RelayWatch::new(relays),
        store_says: None,
        store_judged: false,
        pager,
        handhelds_judged: false,
        failing: Failing::default(),
        ordered: 0,
        requests: 0,
        ticked_at: now,
        published_at: now,
        detail_told_at: now,
        changed: Changed::Yes,
        complaints: Complaints::default(),
    };
    runner.note_unrecognised();
    thread::Builder::new().name("alarm-path".into()).spawn(move || {
        priority::ask(priority::ALARM_PATH);
        let ran = panic::catch_unwind(AssertUnwindSafe(|| runner.run(&inputs, &answers)));
        if ran.is_err() {
            last_words(&mut runner.path.siren);
        }
    })
}

/// Sounds, then ends the process: a guard without its alarm path only looks like one.
fn last_words(siren: &mut Siren) -> ! {
    tracing::error!("the alarm path panicked; the siren sounds and the process exits");
    siren.order(SirenPattern::Fault, None);
    let until = clock::monotonic().after(LAST_SOUND);
    while !until.since(clock::monotonic()).is_zero() {
        siren.feed(clock::monotonic());
        thread::park_timeout(TICK_EVERY);
    }
    telemetry::flush(telemetry::FLUSH_MAX);
    process::exit(PANIC_EXIT_CODE)
}

struct Runner {
    path: AlarmPath,
    seen: Vec<VecDeque<Seen>>,
    /// Digest of the model that looks.
    model: Arc<str>,
    siren: SirenWatch,
    views: ViewWatch,
    relays: RelayWatch,
    /// Why the store does not work, as its thread says.
    store_says: Option<(Gravity, String)>,
    /// Whether the engine has been told of the store at all.
    store_judged: bool,
    pager: PagerWatch,
    /// Whether the engine has been told of handhelds at all.
    handhelds_judged: bool,
    failing: Failing,
    /// Number of the newest order to the siren.
    ordered: u64,
    /// Number of the newest evidence picture asked for.
    requests: u64,
    ticked_at: Instant,
    published_at: Instant,
    detail_told_at: Instant,
    changed: Changed,
    complaints: Complaints,
}

/// A picture that may decide something, now or at a later tick.
#[derive(Clone)]
struct Seen {
    received_at: Instant,
    stages: Vec<(&'static str, f64)>,
    people: FramePeople,
    /// What looked at it.
    model: Arc<str>,
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
        // What was in alarm when the box stopped is heard before anything is looked at.
        self.step(Input::Tick);
        self.judge_what_is_not_configured();
        loop {
            let waited = clock::monotonic().since(self.ticked_at);
            let message = inputs.recv_timeout(TICK_EVERY.saturating_sub(waited));
            let now = clock::monotonic();
            self.path.siren.feed(now);
            self.path.relays.feed(now);
            match message {
                Ok(message) => {
                    if self.take(message, now) == Next::Stop {
                        self.path.handover.end();
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.path.handover.end();
                    return;
                }
            }
            for answer in answers.try_iter().take(ANSWERS_A_STEP) {
                self.answer(answer);
            }
            if now.since(self.ticked_at) >= TICK_EVERY {
                self.ticked_at = now;
                self.step(Input::Tick);
                self.judge_siren(now);
                self.judge_relays(now);
                self.show_calls();
                self.list_relays();
                self.judge_handhelds(now);
                self.repeat_detail(now);
                self.ask_views_again(now);
                self.path.arming.flush();
                self.path.let_compare(now);
            }
            self.path.handover.flush(None);
            self.judge_store(now);
            self.publish(now);
        }
    }

    /// What failed when the box stopped, and is no part of it any more, fails no more.
    fn judge_what_is_not_configured(&mut self) {
        if self.path.relays.names().is_empty() {
            self.tell_part(Part::Relay, Failures::new());
        }
        if self.path.pager == Pager::NotConfigured {
            self.tell_part(Part::Handhelds, Failures::new());
        }
    }

    fn take(&mut self, message: Message, now: Instant) -> Next {
        match message {
            Message::Report(received) => self.report(&received, now),
            Message::Worker(news) => self.worker(news),
            Message::Siren(report) => self.siren(report),
            Message::Relay(report) => self.relay(report),
            Message::Store(report) => self.store(report),
            Message::Arming(news) => self.arming(*news),
            Message::Rezone(order) => self.rezone(*order),
            Message::WalkTests(news) => self.walk_tests(*news),
            Message::Handhelds(report) => self.handhelds(*report, now),
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
        let size_px = (report.width_px, report.height_px);
        let before = seen.back().map_or(&[][..], |seen| &seen.people.covers);
        let people = self.path.people(&parsed.frame, size_px, before);
        if seen.len() == SEEN_KEPT {
            seen.pop_front();
        }
        self.path.board.seen(&parsed.frame, size_px, report.passed_over, now);
        self.seen[index].push_back(Seen {
            received_at: received.received_at,
            stages: stages(received),
            people,
            model: self.model.clone(),
        });
        let detections = parsed.frame.detections.clone();
        self.path.shadow.took(report);
        self.step(Input::Frame(parsed.frame));
        if let Some(newest) = self.seen[index].back_mut() {
            let tracks = self.path.engine.tracks(CameraIndex(report.camera));
            self.path.judge(CameraIndex(report.camera), &mut newest.people.people);
            self.path.bank.seen(&newest.people);
            name_tracks(&mut newest.people.people, &detections, &tracks);
            self.path.tap.tell(observe::feet(newest));
            self.path.sightings.seen(&newest.people);
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
                self.looks_with(model);
                self.tell_detail();
                self.forget_detail_cut();
                self.views.ask_anew();
                self.step(Input::WorkerHeartbeat);
            }
            WorkerNews::Looking(model) => self.switched(model),
            WorkerNews::FellBack { model, reason } => self.fell_back(model, &reason),
            WorkerNews::Heartbeat => self.step(Input::WorkerHeartbeat),
            WorkerNews::CameraLost { camera, reason } => {
                let camera = CameraIndex(camera);
                tracing::warn!("camera {}: {reason}", self.path.names.camera_id(camera));
                self.path.board.lost(camera, reason);
                self.step(Input::CameraLost { camera });
            }
            WorkerNews::CameraUp { camera, stream } => {
                self.path.board.up(CameraIndex(camera), stream);
            }
            WorkerNews::Integrity { camera, findings, shift } => {
                self.view(CameraIndex(camera), findings, shift);
            }
            WorkerNews::Settled { camera, frame, reference } => {
                self.view_settled(CameraIndex(camera), frame, *reference);
            }
            WorkerNews::Learned { camera, learned } => {
                self.view_learned(CameraIndex(camera), learned);
            }
            WorkerNews::Fatal { reason } => {
                tracing::error!("the vision process cannot go on: {reason}");
                vision.detail = reason;
            }
            WorkerNews::Load(load) => self.load(load),
            WorkerNews::DetailCut { camera, cut } => self.detail_cut(CameraIndex(camera), cut),
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
                self.path.handover.put([Record::Note { at, text }]);
            }
        }
        self.changed = Changed::Yes;
    }

    fn store(&mut self, report: StoreReport) {
        self.changed = Changed::Yes;
        match report {
            StoreReport::Working => self.store_says = None,
            StoreReport::Broken { gravity, reason } => self.store_says = Some((gravity, reason)),
            StoreReport::Stored { incidents, at } => self.path.ledger.stored(&incidents, at),
            StoreReport::SnapshotStored { incident } => self.path.ledger.snapshot_stored(incident),
        }
    }

    /// What the store thread says, or what its silence says where that is graver.
    fn judge_store(&mut self, now: Instant) {
        let silence = self.path.handover.fault(now);
        let faults = silence.into_iter().chain(self.store_says.clone());
        let (gravity, fault) = faults.max_by_key(|(gravity, _)| *gravity).unzip();
        if fault == self.path.board.store_fault && self.store_judged {
            return;
        }
        self.store_judged = true;
        self.path.board.store_fault = fault;
        self.changed = Changed::Yes;
        self.tell_part(Part::Store, gravity.map(|it| (Thing::Disk, it)).into_iter().collect());
    }

    fn step(&mut self, input: Input) {
        let now = clock::monotonic();
        let effects = self.path.decide(input, now);
        self.carry_out(effects, now);
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
        } else if age >= PUBLISHER_SILENT_MAX {
            let ms = age.as_millis();
            self.complaints.say(now, || format!("the publisher has taken nothing for {ms} ms"));
        }
    }
}

/// Complaints about what goes on all the while, at most one a second.
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
