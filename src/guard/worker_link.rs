//! Both ends of talking to one life of the vision process: a thread that reads, one that writes.
//!
//! Each kind of message has one addressee: what decides goes to the alarm path, preview pictures to
//! the publisher, evidence pictures to the painter, outcomes of clips to their keeper. A picture that finds its queue full is dropped
//! and counted; it ages, and the next one comes.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};

use super::clips::ClipTask;
use super::evidence::PaintTask;
use super::live::Publication;
use super::message::{Message, ReceivedReport, WorkerNews};
use super::models::bank::{BankPost, REQUESTS_FROM};
use super::models::seen::{ModelNews, NewsPost};
use super::models::shadow::{ShadowQueue, is_ours};
use super::priority;
use crate::clock;
use crate::link::{
    self, ClipOutcome, FromWorker, LinkError, PROTOCOL_VERSION, PassedOver, ToWorker,
};
use crate::telemetry::chain;

/// Where the messages of the vision process go.
#[derive(Clone, Debug)]
pub struct Addressees {
    pub alarm_path: SyncSender<Message>,
    pub publisher: SyncSender<Publication>,
    pub painter: SyncSender<PaintTask>,
    pub clips: SyncSender<ClipTask>,
    /// Whoever follows a roll-out.
    pub models: NewsPost,
    pub shadow: ShadowQueue,
    pub bank: BankPost,
}

/// What the supervisor reads of a life.
#[derive(Debug, Default)]
pub struct Pulse {
    /// When the process last said anything, nanoseconds of the monotonic clock.
    pub heard_ns: AtomicU64,
    /// Whether the model is loaded.
    pub ready: AtomicBool,
    /// Whether it said why it cannot go on.
    pub gave_up: AtomicBool,
    /// Reports that found the alarm path's queue full.
    pub dropped: AtomicU64,
}

/// Reads until the link ends; the last message to the alarm path is then `Down`. Returns why.
pub fn start_reader(
    stream: UnixStream,
    to: Addressees,
    pulse: Arc<Pulse>,
    at_end: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<String>> {
    thread::Builder::new().name("link-in".into()).spawn(move || {
        priority::ask(priority::LINK);
        let reason = read_all(&stream, &to, &pulse);
        // The alarm path may be gone, at the end of the box.
        let _ = to.alarm_path.send(Message::Worker(WorkerNews::Down));
        at_end();
        reason
    })
}

fn read_all(stream: &UnixStream, to: &Addressees, pulse: &Pulse) -> String {
    let mut source = io::BufReader::with_capacity(64 * 1024, stream);
    let mut fatal = None;
    loop {
        let message = match link::receive::<FromWorker>(&mut source) {
            Ok(message) => message,
            Err(LinkError::Closed | LinkError::Io(_)) => {
                return fatal.unwrap_or_else(|| "the vision process ended".into());
            }
            Err(error) => return chain(&error),
        };
        pulse.heard_ns.store(clock::monotonic().as_nanos(), Ordering::Relaxed);
        match message {
            FromWorker::Hello { version } if version != PROTOCOL_VERSION => {
                return format!(
                    "the vision process speaks version {version} of the link, this guard \
                     {PROTOCOL_VERSION}: the program was replaced while it ran, restart it"
                );
            }
            FromWorker::Fatal { reason } => {
                pulse.gave_up.store(true, Ordering::Release);
                let news = WorkerNews::Fatal { reason: reason.clone() };
                fatal = Some(reason);
                if to.alarm_path.send(Message::Worker(news)).is_err() {
                    return "the guard ends".into();
                }
            }
            other => {
                if pass_on(other, to, pulse).is_err() {
                    return "the guard ends".into();
                }
            }
        }
    }
}

impl Addressees {
    fn clip(&self, request: u64, outcome: ClipOutcome) {
        if is_ours(request) {
            return self.shadow.clip(request, outcome);
        }
        // Full: it is given up after a minute, with its reason.
        let _ = self.clips.try_send(ClipTask::Outcome { request, outcome });
    }
}

/// The alarm path is gone.
struct Ended;

fn pass_on(message: FromWorker, to: &Addressees, pulse: &Pulse) -> Result<(), Ended> {
    if let Some(news) = of_models(&message) {
        to.models.tell(news);
    }
    let news = match message {
        FromWorker::Report(report) => {
            let received_at = clock::monotonic();
            let report = Box::new(ReceivedReport { report, received_at });
            return match to.alarm_path.try_send(Message::Report(report)) {
                Ok(()) => Ok(()),
                Err(TrySendError::Full(_)) => {
                    pulse.dropped.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }
                Err(TrySendError::Disconnected(_)) => Err(Ended),
            };
        }
        FromWorker::Preview(picture) => {
            // Full: a viewer misses a picture, the next one comes.
            let _ = to.publisher.try_send(Publication::Picture(picture));
            return Ok(());
        }
        FromWorker::Snapshot { request, picture } if is_ours(request) => {
            to.shadow.picture(request, picture);
            return Ok(());
        }
        FromWorker::Snapshot { request, picture } if request >= REQUESTS_FROM => {
            to.bank.arrived(request, picture);
            return Ok(());
        }
        FromWorker::Feed(news) => {
            to.shadow.fed(news);
            return Ok(());
        }
        FromWorker::Snapshot { request, picture } => {
            let task = PaintTask::Arrived { request, picture };
            if to.painter.try_send(task).is_err() {
                tracing::warn!("an evidence picture was lost: too many at once");
            }
            return Ok(());
        }
        FromWorker::Clip { request, outcome } => {
            to.clip(request, outcome);
            return Ok(());
        }
        FromWorker::Hello { .. } => return Ok(()),
        FromWorker::Fatal { reason } => WorkerNews::Fatal { reason },
        FromWorker::Ready(model) => {
            pulse.ready.store(true, Ordering::Release);
            WorkerNews::Ready(model)
        }
        FromWorker::Heartbeat { .. } => WorkerNews::Heartbeat,
        FromWorker::Looking(model) => WorkerNews::Looking(model),
        FromWorker::FellBack { model, reason } => WorkerNews::FellBack { model, reason },
        // Told already to whoever it is for.
        FromWorker::Prepared { .. }
        | FromWorker::Switched { .. }
        | FromWorker::Golden { .. }
        | FromWorker::PassedOver(_) => return Ok(()),
        FromWorker::CameraLost { camera, reason } => WorkerNews::CameraLost { camera, reason },
        FromWorker::CameraUp { camera, stream } => WorkerNews::CameraUp { camera, stream },
        FromWorker::Load(load) => WorkerNews::Load(load),
        FromWorker::DetailCut { camera, cut } => WorkerNews::DetailCut { camera, cut },
        FromWorker::Integrity { camera, findings, shift } => {
            WorkerNews::Integrity { camera, findings, shift }
        }
        FromWorker::Settled { camera, frame, reference } => {
            WorkerNews::Settled { camera, frame, reference: Box::new(reference) }
        }
        // The way of the reference, which it must not overtake.
        FromWorker::Learned { camera, learned } => WorkerNews::Learned { camera, learned },
    };
    to.alarm_path.send(Message::Worker(news)).map_err(|_| Ended)
}

/// What whoever follows a roll-out hears of it.
fn of_models(message: &FromWorker) -> Option<ModelNews> {
    Some(match message {
        FromWorker::Report(report) => ModelNews::frame(report),
        FromWorker::Heartbeat { .. } => ModelNews::Heartbeat,
        FromWorker::Ready(model) => ModelNews::Ready(model.clone()),
        FromWorker::Prepared { switch, outcome } => {
            ModelNews::Prepared { switch: *switch, outcome: outcome.clone() }
        }
        FromWorker::Switched { switch, outcome } => {
            ModelNews::Switched { switch: *switch, outcome: outcome.clone() }
        }
        FromWorker::FellBack { model, reason } => {
            ModelNews::FellBack { model: model.clone(), reason: reason.clone() }
        }
        FromWorker::Golden { run, outcome } => {
            ModelNews::Golden { run: *run, outcome: outcome.clone() }
        }
        FromWorker::PassedOver(PassedOver { slot, reason }) => {
            tracing::error!("the model {slot} cannot be loaded, the next one is tried: {reason}");
            return None;
        }
        FromWorker::Hello { .. }
        | FromWorker::CameraLost { .. }
        | FromWorker::Preview(_)
        | FromWorker::Snapshot { .. }
        | FromWorker::Fatal { .. }
        | FromWorker::CameraUp { .. }
        | FromWorker::Load(_)
        | FromWorker::DetailCut { .. }
        | FromWorker::Integrity { .. }
        | FromWorker::Settled { .. }
        | FromWorker::Learned { .. }
        | FromWorker::Clip { .. }
        | FromWorker::Feed(_)
        | FromWorker::Looking(_) => return None,
    })
}

/// Writes what comes through the queue until queue or link end. A process that does not read blocks
/// only this thread; the supervisor ends it by closing the link.
pub fn start_writer(stream: UnixStream, queue: Receiver<ToWorker>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("link-out".into()).spawn(move || {
        for message in queue {
            if let Err(error) = link::send(&stream, &message) {
                tracing::debug!("to the vision process: {}", chain(&error));
                return;
            }
        }
    })
}
