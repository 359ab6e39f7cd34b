//! The shadow process: another model looks at the pictures that the active vision process looked at.
//!
//! ```text
//! active process ── pictures, one at a time ──> this loop ── Report ──> guard
//! ```
//!
//! It takes what is left of the machine: the least priority there is, one thread, bounded memory, and the
//! first to be ended when memory runs out (`limits`). The active process stops it while its own model looks,
//! so what a picture takes is told as what this thread has worked. It looks as closely as the active model
//! did. Heartbeats come from the very loop that runs the model. It ends when either socket does.
//!
//! Not here: cameras, evidence, and anything that somebody could hear or see of its detections: the guard
//! compares them and nothing else (`guard::models::shadow`).

mod limits;

use std::io::{self, Write};
use std::num::NonZeroU16;
use std::os::unix::net::UnixStream;
use std::process;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::detail::alike::Alike;
use super::inference::{Detector, GoldenCheck, ModelError, Options, Provider};
use super::package::ModelPackage;
use super::preprocess::{CHANNELS, PictureRef};
use super::worker::wire;
use crate::clock;
use crate::engine::detection::{Detection, FrameSize};
use crate::engine::time::Instant;
use crate::link::{
    self, FED_TAKEN, FedPicture, FromWorker, HEARTBEAT_EVERY_MS, LinkError, PROTOCOL_VERSION,
    Report, StageTimes, ToWorker, WorkerConfig, WorkerRole,
};
use crate::telemetry::chain;

/// More threads would take from the active model what it does not use at the moment, and needs at the next.
const THREADS: NonZeroU16 = NonZeroU16::MIN;

/// Why the process cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    #[error("the shadow process cannot be kept small")]
    Limits(#[source] io::Error),
    #[error("a thread cannot be started")]
    Thread(#[source] io::Error),
    #[error("the guard could not be understood")]
    Link(#[source] LinkError),
    #[error("the guard's first message was not `Start` for a shadow process")]
    NoStart,
    #[error("the model cannot be used")]
    Load(#[source] ModelError),
    #[error("a picture could not be looked at")]
    Detect(#[source] ModelError),
    #[error("the pictures of the active process could not be understood")]
    Feed(#[source] LinkError),
    #[error("a picture of {0} x {1} pixels is none")]
    Picture(u32, u32),
}

/// A picture, or why there will be no more.
type Fed = Result<(FedPicture, Vec<u8>), LinkError>;

/// Serves the guard at the other end until it says stop, or one of the two is gone. An error has been told
/// to the guard as `Fatal` already.
pub fn serve(link: UnixStream, feed: UnixStream) -> Result<(), ShadowError> {
    let served = serve_until_stopped(&link, feed);
    if let Err(error) = &served {
        // The guard may have gone.
        let _ = link::send(&link, &FromWorker::Fatal { reason: chain(error) });
    }
    served
}

fn serve_until_stopped(link: &UnixStream, feed: UnixStream) -> Result<(), ShadowError> {
    limits::take().map_err(ShadowError::Limits)?;
    say(link, &FromWorker::Hello { version: PROTOCOL_VERSION })?;
    let config = match link::receive(link) {
        Ok(ToWorker::Start(config)) if config.role == WorkerRole::Shadow => config,
        Ok(ToWorker::Stop) | Err(LinkError::Closed) => return Ok(()),
        Ok(_) => return Err(ShadowError::NoStart),
        Err(error) => return Err(ShadowError::Link(error)),
    };
    let detector = load(&config).map_err(ShadowError::Load)?;
    say(link, &FromWorker::Ready(detector.info().clone()))?;
    start_listener(link.try_clone().map_err(ShadowError::Thread)?).map_err(ShadowError::Thread)?;
    let pictures = start_reader(feed.try_clone().map_err(ShadowError::Thread)?);
    let pictures = pictures.map_err(ShadowError::Thread)?;
    let alike = vec![Alike::default(); config.cameras.len()];
    Looker { link, feed: &feed, detector, alike }.run(&pictures)
}

fn load(config: &WorkerConfig) -> Result<Detector, ModelError> {
    let choice = config.models.first().ok_or(ModelError::NoChoice)?;
    let package = ModelPackage::chosen(choice)?;
    let options = Options {
        threads: THREADS,
        // What the configuration says of the size is said of the active model.
        long_side_px: package.manifest().input.size.allowed(config.input_long_side_px),
        provider: config.provider.parse::<Provider>()?,
        golden: GoldenCheck::Run,
    };
    Ok(Detector::load(&package, &options)?.of_slot(&choice.slot))
}

fn say(link: &UnixStream, message: &FromWorker) -> Result<(), ShadowError> {
    link::send(link, message).map_err(ShadowError::Link)
}

/// Ends the process when the guard says so or is gone, whatever the model does at that moment.
fn start_listener(link: UnixStream) -> io::Result<()> {
    let listen = move || {
        loop {
            match link::receive::<ToWorker>(&link) {
                Ok(ToWorker::Stop) | Err(_) => process::exit(0),
                Ok(_) => {}
            }
        }
    };
    thread::Builder::new().name("link".into()).spawn(listen).map(drop)
}

fn start_reader(feed: UnixStream) -> io::Result<Receiver<Fed>> {
    let (sender, pictures) = mpsc::sync_channel(0);
    let read = move || {
        loop {
            let mut pixels = Vec::new();
            let fed = link::receive_picture(&feed, &mut pixels).map(|picture| (picture, pixels));
            let ended = fed.is_err();
            if sender.send(fed).is_err() || ended {
                return;
            }
        }
    };
    thread::Builder::new().name("fed".into()).spawn(read)?;
    Ok(pictures)
}

struct Looker<'l> {
    link: &'l UnixStream,
    feed: &'l UnixStream,
    detector: Detector,
    /// By camera.
    alike: Vec<Alike>,
}

impl Looker<'_> {
    fn run(mut self, pictures: &Receiver<Fed>) -> Result<(), ShadowError> {
        let beat_every = Duration::from_millis(HEARTBEAT_EVERY_MS);
        let mut beat_at = Instant::from_nanos(0);
        loop {
            let now = clock::monotonic();
            if now >= beat_at {
                say(self.link, &FromWorker::Heartbeat { at_ns: now.as_nanos() })?;
                beat_at = now.after(beat_every);
            }
            match pictures.recv_timeout(beat_at.since(now)) {
                Ok(Ok((picture, pixels))) => self.look_at(&picture, &pixels)?,
                // The active process has ended; there will be another one, and another shadow beside it.
                Ok(Err(LinkError::Closed | LinkError::Io(_))) => return Ok(()),
                Ok(Err(error)) => return Err(ShadowError::Feed(error)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn look_at(&mut self, fed: &FedPicture, pixels: &[u8]) -> Result<(), ShadowError> {
        let (width, height) = (fed.width_px as usize, fed.height_px as usize);
        let picture = PictureRef::new(pixels, width, height, width * CHANNELS);
        let source = FrameSize::new(fed.source_px.0, fed.source_px.1);
        let (Some(picture), Some(source)) = (picture, source) else {
            return Err(ShadowError::Picture(fed.width_px, fed.height_px));
        };
        let (began_ns, worked) = (clock::monotonic().as_nanos(), clock::worked());
        let detected = self.detect(fed, (&picture, source)).map_err(ShadowError::Detect)?;
        let took = clock::worked().saturating_sub(worked);
        let decoded_ns = began_ns.saturating_add(took.as_nanos() as u64);
        say(
            self.link,
            &FromWorker::Report(Report {
                camera: fed.camera,
                frame: fed.frame,
                width_px: fed.source_px.0,
                height_px: fed.source_px.1,
                detections: detected.iter().map(wire).collect(),
                stages: StageTimes {
                    captured_ns: fed.captured_ns,
                    arrived_ns: fed.arrived_ns,
                    preprocessed_ns: began_ns,
                    inferred_ns: decoded_ns,
                    decoded_ns,
                },
                clock: fed.clock,
                passed_over: 0,
            }),
        )?;
        // The next one may come; who does not take the answer has ended, which the reader finds out.
        let _ = self.feed.write_all(&[FED_TAKEN]);
        Ok(())
    }

    /// As closely as the active model looked at it.
    fn detect(
        &mut self,
        fed: &FedPicture,
        (picture, source): (&PictureRef<'_>, FrameSize),
    ) -> Result<Vec<Detection>, ModelError> {
        let detected = match (&fed.closer, self.alike.get_mut(usize::from(fed.camera))) {
            (Some(like), Some(alike)) => {
                alike.look(&mut self.detector, (picture, source), like)?.detected
            }
            (None, _) | (_, None) => self.detector.detect(picture, source)?,
        };
        Ok(detected.detections)
    }
}
