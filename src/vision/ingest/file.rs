//! Video files, by the clock (as a camera) or as fast as pictures are taken (replay).
//!
//! As fast, the end is checked: a file whose pictures end before its own header says so is an error
//! and not a short video. By the clock it is not: a truncated file is still something to look at.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use crate::clock;
use crate::integrity::faults::FaultSpan;
use crate::link::{CaptureClock, Ending, Stream};

use super::super::preprocess::Fit;
use super::super::recorder::CameraRing;
use super::chain::{Chain, ChainOptions, broken, make};
use super::container::{self, Promise, Sizes};
use super::faults;
use super::{FrameSource, Pace, Polled, SourceError, pictures};

/// Pictures may end this much before the header says: headers round, and count the last picture's
/// length differently.
const EARLY_END_MAX: Duration = Duration::from_secs(1);

/// … or this share of the whole, whichever is longer.
const EARLY_END_SHARE: f64 = 0.03;

/// Pictures that may be missing in a file some of whose bytes are missing: a decoder may hold back
/// the very last one.
const EARLY_END_PICTURES: u64 = 1;

/// A video file.
pub struct FileSource {
    path: PathBuf,
    options: FileOptions,
    faults: Vec<FaultSpan>,
    promise: Option<Promise>,
    chain: Chain,
    ended: bool,
    /// What its video is kept in, of every round.
    ring: Option<Arc<CameraRing>>,
}

/// How a file is to be played.
#[derive(Clone, Debug)]
pub struct FileOptions {
    pub fit: Fit,
    pub pace: Pace,
    /// At the end; `Pace::AsFast` always stops.
    pub ending: Ending,
    /// Pictures a second to keep; `None`: all.
    pub fps: Option<f64>,
}

impl FileSource {
    /// Checks that the file can be opened, and starts the pipeline. What is wrong inside the file
    /// comes out of `next`.
    pub fn open(path: &Path, options: FileOptions) -> Result<FileSource, SourceError> {
        FileSource::open_faulty(path, options, Vec::new())
    }

    /// The same, with these faults painted into the decoded pictures.
    pub fn open_faulty(
        path: &Path,
        options: FileOptions,
        faults: Vec<FaultSpan>,
    ) -> Result<FileSource, SourceError> {
        let promise = inspect(path)?;
        let chain = build(path, &options, &faults)?;
        let path = path.to_owned();
        Ok(FileSource { path, options, faults, promise, chain, ended: false, ring: None })
    }

    /// How many pictures will come, by the header and the wanted rate; for progress bars only.
    pub fn expected_frames(&self) -> Option<u64> {
        let promise = self.promise.unwrap_or_default();
        let duration = promise.duration.or_else(|| self.chain.duration());
        let by_rate = match (self.options.fps, duration) {
            (Some(fps), Some(duration)) => Some((duration.as_secs_f64() * fps).ceil() as u64),
            _ => None,
        };
        match (promise.pictures, by_rate) {
            (Some(pictures), Some(by_rate)) => Some(pictures.min(by_rate)),
            (pictures, by_rate) => pictures.or(by_rate),
        }
    }

    /// Compares what came with what the header said.
    fn check_complete(&self) -> Result<(), SourceError> {
        let (decoded, ended_at) = (self.chain.decoded(), self.chain.ended_at());
        if decoded == 0 {
            return Err(match self.promise {
                Some(promise) if promise.missing_bytes > 0 => self.truncated_start(promise),
                _ => SourceError::NoVideo { path: self.path.clone() },
            });
        }
        if !self.faults.is_empty() {
            // Pictures may have been taken away on purpose.
            return Ok(());
        }
        let promise = self.promise.unwrap_or_default();
        if promise.missing_bytes > 0
            && let Some(declared) = promise.pictures
            && decoded + EARLY_END_PICTURES < declared
        {
            return Err(match promise.duration {
                Some(duration) => self.truncated(duration, ended_at),
                None => SourceError::TruncatedPictures {
                    path: self.path.clone(),
                    declared,
                    got: decoded,
                },
            });
        }
        match promise.duration {
            Some(declared) if promise.proves_truncation() || ends_early(declared, ended_at) => {
                Err(self.truncated(declared, ended_at))
            }
            None if promise.proves_truncation() => Err(self.truncated_start(promise)),
            _ => Ok(()),
        }
    }

    fn truncated(&self, declared: Duration, ended_at: Duration) -> SourceError {
        SourceError::Truncated {
            path: self.path.clone(),
            declared_s: declared.as_secs_f64(),
            ended_s: ended_at.as_secs_f64(),
        }
    }

    fn truncated_start(&self, promise: Promise) -> SourceError {
        SourceError::TruncatedStart { path: self.path.clone(), missing: promise.missing_bytes }
    }

    /// A break in a file that lacks bytes is a truncation, whatever GStreamer calls it.
    fn explained(&self, error: SourceError) -> SourceError {
        let Some(promise) = self.promise.filter(|promise| promise.missing_bytes > 0) else {
            return error;
        };
        match (error, self.chain.decoded(), promise.duration) {
            (SourceError::Broken { .. } | SourceError::Resource { .. }, 0, _) => {
                self.truncated_start(promise)
            }
            (SourceError::Broken { .. } | SourceError::Resource { .. }, _, Some(declared)) => {
                self.truncated(declared, self.chain.ended_at())
            }
            (error, _, _) => error,
        }
    }
}

impl FrameSource for FileSource {
    fn next(&mut self, wait: Duration) -> Result<Polled, SourceError> {
        if self.ended {
            return Ok(Polled::Ended);
        }
        let until = clock::monotonic().after(wait);
        loop {
            let left = until.since(clock::monotonic());
            match self.chain.next(left).map_err(|error| self.explained(error))? {
                Polled::Ended => {}
                polled => return Ok(polled),
            }
            match (self.options.pace, self.options.ending) {
                (Pace::AsFast, _) => {
                    self.ended = true;
                    return self.check_complete().map(|()| Polled::Ended);
                }
                (Pace::Clock | Pace::Live, Ending::Stop) => {
                    self.ended = true;
                    return Ok(Polled::Ended);
                }
                (Pace::Clock | Pace::Live, Ending::Loop) if self.chain.decoded() == 0 => {
                    return Err(SourceError::NoVideo { path: self.path.clone() });
                }
                // A new pipeline takes some 20 ms and starts in the same state every time; seeking
                // back depends on what each demuxer makes of it.
                (Pace::Clock | Pace::Live, Ending::Loop) => {
                    self.chain = build(&self.path, &self.options, &self.faults)?;
                    if let Some(ring) = &self.ring {
                        self.chain.record(Arc::clone(ring));
                    }
                }
            }
        }
    }

    fn stream(&self) -> Stream {
        self.chain.stream()
    }

    fn record(&mut self, ring: Arc<CameraRing>) {
        self.chain.record(Arc::clone(&ring));
        self.ring = Some(ring);
    }

    fn refit(&mut self, fit: Fit) {
        self.options.fit = fit;
        self.chain.refit(fit);
    }
}

fn ends_early(declared: Duration, ended_at: Duration) -> bool {
    let allowed = EARLY_END_MAX.max(declared.mul_f64(EARLY_END_SHARE));
    declared.saturating_sub(ended_at) > allowed
}

/// What can be said without GStreamer.
fn inspect(path: &Path) -> Result<Option<Promise>, SourceError> {
    let owned = || path.to_owned();
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SourceError::Missing { path: owned() },
        _ => SourceError::Open { path: owned(), source },
    };
    // Asked before opening: opening a pipe waits for somebody to write into it.
    let about = fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(SourceError::NotAFile { path: owned() });
    }
    File::open(path).map_err(failed)?;
    if about.len() == 0 {
        return Err(SourceError::Empty { path: owned() });
    }
    let promise = container::read(path).map_err(failed)?;
    // GStreamer's decodebin sometimes loses the demuxer's error about this and waits for ever.
    match promise {
        Some(Promise { sizes: Sizes::HeaderMissing, missing_bytes, .. }) => {
            Err(SourceError::TruncatedStart { path: owned(), missing: missing_bytes })
        }
        promise => Ok(promise),
    }
}

fn build(path: &Path, options: &FileOptions, spans: &[FaultSpan]) -> Result<Chain, SourceError> {
    let source_name = path.display().to_string();
    let (mut chain, scaler) = Chain::build(ChainOptions {
        source_name: source_name.clone(),
        fit: options.fit,
        pace: options.pace,
        fps: options.fps,
        clock: CaptureClock::Pipeline,
    })?;
    let entry = match spans {
        [] => scaler,
        spans => faults::stage(chain.pipeline(), &scaler, spans.to_vec(), &source_name)?,
    };
    let source = make("filesrc", "libgstreamer1.0-0")?;
    source.set_property("location", path);
    let decoder = make("decodebin", "gstreamer1.0-plugins-base")?;
    let elements = [&source, &decoder];
    let linked = chain.pipeline().add_many(elements).is_ok() && source.link(&decoder).is_ok();
    if !linked {
        return Err(broken(&source_name, "the pipeline cannot be built"));
    }
    pictures::pass_on(&decoder, &entry, chain.failure_slot(), |pad, entry| {
        pad.link(entry).map(drop).map_err(|error| gst::glib::bool_error!("{error}"))
    });
    chain.play()?;
    Ok(chain)
}
