//! The vision process: told by the guard what to look at, it looks and reports, and dies if it must.
//!
//! ```text
//! camera threads ─ newest frame of each ─┐                 ┌─> outbox ─> writer thread ─> guard
//! reader thread  ─ commands ─────────────┴─> this loop ────┴─> encoder thread (JPEG) ─┘
//! ```
//!
//! All cameras share one model. Of the pictures waiting, the one that is due first is looked at first,
//! so no camera starves; that the model cannot keep up is told with its numbers. Heartbeats come from
//! the very loop that runs the model: a model that hangs stops them, and an idle loop does not.
//!
//! Not here: any judgement of what was seen, and restarting. The guard restarts this process.

mod camera;
mod closer;
mod cutover;
mod deadlines;
mod duties;
mod encoder;
mod feed;
mod inbox;
mod integrity;
mod kept;
mod load;
mod models;
mod outbox;

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::engine::detection::{Detection, FrameSize};
use crate::engine::time::Instant;
use crate::link::{
    self, CameraIndex, FromWorker, HEARTBEAT_EVERY_MS, LinkError, PROTOCOL_VERSION, Report,
    StageTimes, ToWorker, Watched, WireDetection, WorkerCamera,
};
use crate::telemetry::chain;

use self::camera::{Cameras, WantedFit};
use self::closer::Closer;
use self::cutover::{FellBack, Models};
use self::duties::Duties;
use self::encoder::{Encoder, Job, Purpose};
use self::feed::Feed;
use self::inbox::{Event, Inbox};
use self::integrity::Integrity;
use self::kept::{Kept, KeptPictures};
use self::load::{LoadMeter, LoadNews};
use self::models::Loading;
use self::outbox::Outbox;
use super::inference::{Detected, ModelError};
use super::ingest::{Frame, UNUSABLE_PICTURE};
use super::preprocess::PictureRef;
use super::recorder::{ClipRequest, Recorder, Shown};

/// Previews of a camera come at most this often: more is not smoother to the eye on a page.
const PREVIEW_EVERY: Duration = Duration::from_millis(100);

/// How much more urgent than ordinary programs this process is (`nice`): with two of them busy on
/// each core it keeps four fifths of what it wants. Not real time: the model may take every core.
const NICENESS: i32 = -10;

/// How long an ending process tries to get its last words to the guard.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);

/// Why the process cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("the link to the guard cannot be set up")]
    Setup(#[source] io::Error),
    #[error("the guard could not be understood")]
    Link(#[source] LinkError),
    #[error("the guard's first message was not `Start`")]
    NoStart,
    #[error("{count} threads cannot run a model; 1 or more are wanted")]
    Threads { count: u16 },
    #[error("the model cannot be used")]
    Load(#[source] ModelError),
    #[error("there is no model to look with")]
    NoModels,
    #[error("none of the models can be used: {reasons}")]
    NoneLoads { reasons: String },
    #[error("the model's golden pictures could not be looked at again")]
    Golden(#[source] ModelError),
    #[error("a picture of camera `{camera}` could not be looked at")]
    Detect {
        camera: String,
        #[source]
        source: ModelError,
    },
    #[error("the pipeline of camera `{camera}` does not {what}; only a new process can")]
    Hung { camera: String, what: &'static str },
}

/// Serves the guard at the other end until it says stop or is gone. An error has been told to the
/// guard as `Fatal` already.
pub fn serve(link: UnixStream) -> Result<(), WorkerError> {
    serve_feeding(link, None)
}

/// The same, beside shadow processes whose ends the guard hands over through `feed`.
pub fn serve_feeding(link: UnixStream, feed: Option<UnixStream>) -> Result<(), WorkerError> {
    // Before any other thread: they inherit it. A system that does not allow it leaves it as it is.
    if rustix::process::nice(NICENESS).is_err() {
        tracing::info!(
            "vision runs at ordinary priority, more is not allowed here; a busy machine may delay \
             what it sees: LimitNICE=-10 in the service allows it"
        );
    }
    let writer = link.try_clone().map_err(WorkerError::Setup)?;
    let outbox = Outbox::start(writer).map_err(WorkerError::Setup)?;
    outbox.push(FromWorker::Hello { version: PROTOCOL_VERSION });
    let result = serve_until_stopped(link, feed, &outbox);
    if let Err(error) = &result {
        outbox.push(FromWorker::Fatal { reason: chain(error) });
    }
    outbox.finish(LAST_WORDS_MAX);
    result
}

fn serve_until_stopped(
    link: UnixStream,
    feed: Option<UnixStream>,
    outbox: &Arc<Outbox>,
) -> Result<(), WorkerError> {
    let config = match link::receive(&link) {
        Ok(ToWorker::Start(config)) => config,
        Ok(ToWorker::Stop) | Err(LinkError::Closed) => return Ok(()),
        Ok(_) => return Err(WorkerError::NoStart),
        Err(error) => return Err(WorkerError::Link(error)),
    };
    let loading = Loading::of(&config)?;
    let told = |over| outbox.push(FromWorker::PassedOver(over));
    let active = loading.first(&config.models, told)?;
    outbox.push(FromWorker::Ready(active.info.clone()));
    let fps: Vec<f64> = config.cameras.iter().map(|camera| camera.fps).collect();
    let inbox = Arc::new(Inbox::new(&fps));
    start_reader(link, Arc::clone(&inbox)).map_err(WorkerError::Setup)?;
    let duties = Arc::new(Duties::new(config.cameras.len()));
    let told = Arc::clone(outbox);
    let recorder = Recorder::start(config.cameras.len(), config.ring, move |it| told.push(it));
    let recorder = recorder.map_err(WorkerError::Setup)?;
    let closer = Closer::new(&config);
    let wanted = Arc::new(WantedFit::new(closer.fit(active.detector.fit())));
    let rings = recorder.rings();
    let cameras = Cameras::start(&config.cameras, rings, &wanted, &inbox, &duties);
    let cameras = cameras.map_err(WorkerError::Setup)?;
    let encoder = Encoder::start(Arc::clone(outbox)).map_err(WorkerError::Setup)?;
    let feed = Feed::start(feed, config.cameras.len(), outbox).map_err(WorkerError::Setup)?;
    let mut worker = Worker {
        feed,
        states: config.cameras.iter().map(CameraState::new).collect(),
        closer,
        load: LoadMeter::new(config.cameras.len(), clock::monotonic()),
        models: Models::new(active, loading),
        wanted,
        inbox,
        outbox: Arc::clone(outbox),
        encoder,
        duties,
        recorder,
    };
    let result = worker.run();
    // A thread that hangs is not waited for: the guard shall hear of it before it wonders.
    if !matches!(result, Err(WorkerError::Hung { .. })) {
        cameras.stop();
    }
    result
}

/// Reads commands until the link closes; a closed link is how a dead guard looks from here.
fn start_reader(link: UnixStream, inbox: Arc<Inbox>) -> io::Result<()> {
    let read = move || {
        loop {
            match link::receive(&link) {
                Ok(command) => inbox.put_command(command),
                Err(error) => {
                    if !matches!(error, LinkError::Closed) {
                        tracing::error!("the link to the guard broke: {}", chain(&error));
                    }
                    inbox.close();
                    return;
                }
            }
        }
    };
    // Not joined: it sits in a read that ends with the link.
    thread::Builder::new().name("link".into()).spawn(read).map(drop)
}

/// What is remembered of a camera.
struct CameraState {
    id: String,
    frames: u64,
    watched: Watched,
    previewed_at: Option<Instant>,
    kept: KeptPictures,
    /// Of the newest picture, before it was scaled.
    size: Option<FrameSize>,
    /// When the newest picture was decided on.
    decided_ns: Option<u64>,
    /// `None` for a test pattern, which is drawn and no view.
    integrity: Option<Integrity>,
}

/// A picture, the size of its source, and when it was captured.
type Looked<'a> = (&'a PictureRef<'a>, FrameSize, u64);

struct Worker {
    models: Models,
    /// What pictures are to be handed out for.
    wanted: Arc<WantedFit>,
    /// What the shadow process gets to see.
    feed: Feed,
    closer: Closer,
    load: LoadMeter,
    states: Vec<CameraState>,
    inbox: Arc<Inbox>,
    outbox: Arc<Outbox>,
    encoder: Encoder,
    duties: Arc<Duties>,
    recorder: Recorder,
}

impl Worker {
    fn run(&mut self) -> Result<(), WorkerError> {
        let beat_every = Duration::from_millis(HEARTBEAT_EVERY_MS);
        let mut beat_at = clock::monotonic();
        loop {
            let now = clock::monotonic();
            if now >= beat_at {
                self.check_cameras(now)?;
                self.outbox.push(FromWorker::Heartbeat { at_ns: now.as_nanos() });
                beat_at = now.after(beat_every);
                self.tell_load(now);
            }
            self.tend_models(now);
            if !self.inbox.picture_waits() {
                self.feed.rests();
            }
            match self.inbox.next(beat_at.since(now)) {
                Event::LinkClosed | Event::Command(ToWorker::Stop) => return Ok(()),
                Event::Command(command) => self.obey(command),
                Event::Lost { camera, reason } => {
                    self.outbox.push(FromWorker::CameraLost { camera, reason });
                }
                Event::Up { camera, stream } => {
                    self.outbox.push(FromWorker::CameraUp { camera, stream });
                }
                Event::Frame { camera, frame } => {
                    self.look_at(camera, frame)?;
                    self.show_golden()?;
                }
                Event::Nothing => self.show_golden()?,
            }
        }
    }

    /// A camera's thread that hangs in a driver can be ended only with the process.
    fn check_cameras(&self, now: Instant) -> Result<(), WorkerError> {
        let Some(hung) = self.duties.hung(now) else {
            return Ok(());
        };
        let camera = self.states.get(usize::from(hung.camera)).map(|state| state.id.clone());
        Err(WorkerError::Hung { camera: camera.unwrap_or_default(), what: hung.doing.words() })
    }

    fn tell_load(&mut self, now: Instant) {
        let news = self.load.judge(now, &self.inbox.replaced());
        self.feed.load(&news);
        match news {
            LoadNews::Nothing => {}
            LoadNews::KeepsUp => self.outbox.push(FromWorker::Load(None)),
            LoadNews::Overloaded(load) => self.outbox.push(FromWorker::Load(Some(load))),
        }
    }

    fn obey(&mut self, command: ToWorker) {
        match command {
            ToWorker::Watch { camera, watched } => {
                if let Some(state) = self.states.get_mut(usize::from(camera)) {
                    state.watched = watched;
                }
            }
            ToWorker::TakeSnapshot { request, camera, frame } => {
                self.snapshot(request, camera, frame)
            }
            ToWorker::Detail { camera, zones } => self.closer.set_zones(camera, zones),
            ToWorker::AcceptView { camera } => {
                if let Some(integrity) = self.integrity(camera) {
                    integrity.accept();
                }
            }
            ToWorker::Reference { camera, known } => {
                if let Some(integrity) = self.integrity(camera) {
                    integrity.restore(*known);
                }
            }
            ToWorker::WriteClip { request, camera, span, path } => {
                let (path, shown) = (path.into(), Shown::AsSent);
                self.write_clip(ClipRequest { request, camera, span, path, shown });
            }
            ToWorker::HideClip { request, camera, span, path, veil } => {
                let (path, shown) = (path.into(), Shown::Hidden(veil));
                self.write_clip(ClipRequest { request, camera, span, path, shown });
            }
            ToWorker::Prepare { switch, model } => self.prepare(switch, model),
            ToWorker::Switch { switch } => self.switch(switch),
            ToWorker::SwitchBack { switch, reason } => self.switch_back(switch, &reason),
            ToWorker::ForgetStandby => self.forget_standby(),
            ToWorker::RunGolden { run } => self.run_golden(run),
            // `Stop` ends the loop before it comes here; a second `Start` changes nothing.
            ToWorker::Stop | ToWorker::Start(_) => {
                tracing::warn!("the guard sent a message that has no meaning now");
            }
        }
    }

    fn integrity(&mut self, camera: CameraIndex) -> Option<&mut Integrity> {
        self.states.get_mut(usize::from(camera))?.integrity.as_mut()
    }

    fn write_clip(&self, asked: ClipRequest) {
        if let Err(refused) = self.recorder.write(asked) {
            self.outbox.push(*refused);
        }
    }

    fn look_at(&mut self, camera: CameraIndex, frame: Frame) -> Result<(), WorkerError> {
        if usize::from(camera) >= self.states.len() {
            return Ok(());
        }
        // Sources refuse such pictures; should one come all the same, the other cameras go on.
        let Some(picture) = frame.picture.as_ref() else {
            self.inbox.put_lost(camera, UNUSABLE_PICTURE.to_owned());
            return Ok(());
        };
        let (meanwhile, started) = (self.feed.looks(), clock::monotonic());
        let detected = self.detect(camera, (&picture, frame.source_size, frame.captured_ns))?;
        let seen_at = clock::monotonic();
        self.feed.looked(camera, seen_at.since(started), meanwhile);
        self.decided(camera, detected.decoded_ns);
        let Some(state) = self.states.get_mut(usize::from(camera)) else {
            return Ok(());
        };
        state.size = Some(frame.source_size);
        let number = state.frames;
        state.frames += 1;
        self.outbox.push(FromWorker::Report(Report {
            camera,
            frame: number,
            width_px: frame.source_size.width_px() as u32,
            height_px: frame.source_size.height_px() as u32,
            detections: detected.detections.iter().map(wire).collect(),
            stages: StageTimes {
                captured_ns: frame.captured_ns,
                arrived_ns: frame.arrived_ns,
                preprocessed_ns: detected.preprocessed_ns,
                inferred_ns: detected.inferred_ns,
                decoded_ns: detected.decoded_ns,
            },
            clock: frame.clock,
            passed_over: self.inbox.passed_over(camera),
        }));
        if let Some(cut) = self.closer.news(camera) {
            self.outbox.push(FromWorker::DetailCut { camera, cut });
        }
        if let Some(integrity) = &mut state.integrity {
            let news = integrity.look((camera, number), &picture, frame.captured_ns);
            news.into_iter().for_each(|it| self.outbox.push(it));
        }
        let closer = self.feed.is_attached().then(|| self.closer.fed(camera)).flatten();
        let fed = feed::described(camera, number, &frame, closer);
        let kept = Kept {
            frame: number,
            captured_ns: frame.captured_ns,
            bytes: frame.picture.bytes(),
            picture: Arc::new(frame.picture),
        };
        self.feed.offer(fed, &kept.picture);
        if state.wants_preview() && self.outbox.has_room_for_preview() {
            self.encoder.put(kept.job(camera, Purpose::Preview));
        }
        state.kept.keep(kept);
        // All of it kept the next picture waiting, not only the model.
        let done_at = clock::monotonic();
        self.load.looked_at(camera, done_at.since(started));
        self.closer.beside(camera, done_at.since(seen_at));
        Ok(())
    }

    /// What the active model sees in a picture; the standby where that one ends with an error.
    fn detect(
        &mut self,
        camera: CameraIndex,
        picture: Looked<'_>,
    ) -> Result<Detected, WorkerError> {
        loop {
            let detector = &mut self.models.active.detector;
            match self.closer.look(detector, camera, picture, &self.inbox) {
                Ok(detected) => return Ok(detected),
                Err(source) if self.fall_back(&source) == FellBack::No => {
                    let state = self.states.get(usize::from(camera));
                    let camera = state.map(|state| state.id.clone()).unwrap_or_default();
                    return Err(WorkerError::Detect { camera, source });
                }
                Err(_) => {}
            }
        }
    }

    /// The picture asked for, or the one nearest to it that is still kept.
    fn snapshot(&mut self, request: u64, camera: CameraIndex, frame: u64) {
        let state = self.states.get(usize::from(camera));
        let nearest = state.and_then(|state| state.kept.nearest(frame));
        let refused = match nearest {
            Some(kept) => {
                let job = kept.job(camera, Purpose::Snapshot { request });
                self.encoder.put(job)
            }
            None => encoder::Queued::Full,
        };
        if refused == encoder::Queued::Full {
            self.outbox.push(FromWorker::Snapshot { request, picture: None });
        }
    }
}

impl CameraState {
    fn new(camera: &WorkerCamera) -> CameraState {
        CameraState {
            id: camera.id.clone(),
            frames: 0,
            watched: Watched::No,
            previewed_at: None,
            kept: KeptPictures::default(),
            size: None,
            decided_ns: None,
            integrity: Integrity::of(&camera.source),
        }
    }

    fn wants_preview(&mut self) -> bool {
        let now = clock::monotonic();
        let due = self.previewed_at.is_none_or(|at| now.since(at) >= PREVIEW_EVERY);
        let wanted = due && self.watched == Watched::Yes;
        if wanted {
            self.previewed_at = Some(now);
        }
        wanted
    }
}

impl Kept {
    fn job(&self, camera: CameraIndex, purpose: Purpose) -> Job {
        Job {
            camera,
            frame: self.frame,
            captured_ns: self.captured_ns,
            picture: Arc::clone(&self.picture),
            purpose,
        }
    }
}

/// As it is told.
pub(super) fn wire(detection: &Detection) -> WireDetection {
    let bounds = detection.bounds;
    WireDetection {
        left_px: bounds.left(),
        top_px: bounds.top(),
        width_px: bounds.width(),
        height_px: bounds.height(),
        score: detection.score.get(),
    }
}
