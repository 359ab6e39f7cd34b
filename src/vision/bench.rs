//! The yardstick: how much slower is the whole pipeline than the model alone?
//!
//! Raw inference and pipeline passes alternate in one run, so that a machine that slows down or
//! speeds up meanwhile does so for both.

pub mod cameras;

use std::path::Path;

use crate::clock;

use super::inference::{Detector, ModelError};
use super::ingest::file::{FileOptions, FileSource};
use super::ingest::{FrameSource, Pace, Polled};
use super::offline::{Offline, OfflineError, OfflineFrame, OfflineOptions, STALL_MAX, span_ms};
use super::preprocess::Prepared;
use crate::link::Ending;

/// Prepared pictures the raw blocks run over; different pictures, as in the pipeline.
const RAW_PICTURES: usize = 16;

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct BenchOptions {
    pub rounds: u32,
    /// Pictures per raw block and per pipeline pass.
    pub pictures: u32,
}

/// Means over all rounds, in milliseconds a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BenchResult {
    pub pictures: u64,
    /// The model alone.
    pub raw_ms: f64,
    /// Wall time of the pipeline, from opening the file to the last picture.
    pub pipeline_ms: f64,
    /// Of that: waiting for a decoded, prepared picture.
    pub decode_wait_ms: f64,
    /// Beside that, in the decoding thread.
    pub preprocess_ms: f64,
    pub inference_ms: f64,
    pub postprocess_ms: f64,
    /// Of that: what the caller did with each picture.
    pub consumer_ms: f64,
}

impl BenchResult {
    /// How many times longer the pipeline takes than the model alone.
    pub fn ratio(&self) -> f64 {
        self.pipeline_ms / self.raw_ms
    }
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("the video cannot be replayed")]
    Offline(#[from] OfflineError),
    #[error("the model alone cannot be run")]
    Raw(#[source] ModelError),
    #[error("the video has no pictures")]
    NoPictures,
}

/// Measures on the first pictures of a video. `consumer` stands for what a replay does with each.
pub fn run(
    path: &Path,
    detector: &mut Detector,
    options: BenchOptions,
    mut consumer: impl FnMut(&OfflineFrame),
) -> Result<BenchResult, BenchError> {
    let prepared = prepare(path, detector)?;
    raw_block(detector, &prepared, RAW_PICTURES as u32)?;
    let mut sum = BenchResult::default();
    let mut raw_pictures = 0_u64;
    for _ in 0..options.rounds.max(1) {
        sum.raw_ms += raw_block(detector, &prepared, options.pictures)?;
        raw_pictures += u64::from(options.pictures);
        pass(path, detector, options.pictures, &mut sum, &mut consumer)?;
    }
    if sum.pictures == 0 {
        return Err(BenchError::NoPictures);
    }
    let count = sum.pictures as f64;
    Ok(BenchResult {
        pictures: sum.pictures,
        raw_ms: sum.raw_ms / raw_pictures as f64,
        pipeline_ms: sum.pipeline_ms / count,
        decode_wait_ms: sum.decode_wait_ms / count,
        preprocess_ms: sum.preprocess_ms / count,
        inference_ms: sum.inference_ms / count,
        postprocess_ms: sum.postprocess_ms / count,
        consumer_ms: sum.consumer_ms / count,
    })
}

fn prepare(path: &Path, detector: &Detector) -> Result<Vec<Prepared>, BenchError> {
    let options =
        FileOptions { fit: detector.fit(), pace: Pace::AsFast, ending: Ending::Stop, fps: None };
    let mut source = FileSource::open(path, options).map_err(OfflineError::from)?;
    let preprocessor = detector.preprocessor();
    let mut prepared = Vec::new();
    while prepared.len() < RAW_PICTURES {
        match source.next(STALL_MAX).map_err(OfflineError::from)? {
            Polled::Frame(frame) => {
                let mut input = Prepared::default();
                if let Some(picture) = frame.picture.as_ref() {
                    preprocessor.prepare(&picture, &mut input);
                    prepared.push(input);
                }
            }
            Polled::Idle | Polled::Ended => break,
        }
    }
    match prepared.is_empty() {
        true => Err(BenchError::NoPictures),
        false => Ok(prepared),
    }
}

/// Milliseconds for `pictures` inferences.
fn raw_block(
    detector: &mut Detector,
    prepared: &[Prepared],
    pictures: u32,
) -> Result<f64, BenchError> {
    let started = clock::monotonic().as_nanos();
    for input in prepared.iter().cycle().take(pictures as usize) {
        detector.raw_run(input).map_err(BenchError::Raw)?;
    }
    Ok(span_ms(started, clock::monotonic().as_nanos()))
}

fn pass(
    path: &Path,
    detector: &mut Detector,
    pictures: u32,
    sum: &mut BenchResult,
    consumer: &mut impl FnMut(&OfflineFrame),
) -> Result<(), BenchError> {
    let started = clock::monotonic().as_nanos();
    let mut offline = Offline::open(path, detector, OfflineOptions::default())?;
    let mut finished = started;
    for frame in offline.by_ref().take(pictures as usize) {
        let frame = frame?;
        let handed_out = clock::monotonic().as_nanos();
        consumer(&frame);
        finished = clock::monotonic().as_nanos();
        sum.pictures += 1;
        sum.decode_wait_ms += frame.decode_wait_ms;
        sum.preprocess_ms += frame.preprocess_ms;
        sum.inference_ms += frame.inference_ms;
        sum.postprocess_ms += frame.postprocess_ms;
        sum.consumer_ms += span_ms(handed_out, finished);
    }
    // Tearing down is not part of a replay's rate; `offline` is dropped behind this line.
    sum.pipeline_ms += span_ms(started, finished);
    Ok(())
}
