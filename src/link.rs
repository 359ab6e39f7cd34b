//! The protocol between the guard and its vision process.
//!
//! One Unix socket pair, handed to the child as its standard input. Each message is a `u32`
//! little-endian length and that many bytes of postcard. Both ends are the same program, so the
//! version only guards against a binary replaced under a running guard.
//!
//! All times are nanoseconds of CLOCK_MONOTONIC, which both processes share.
//!
//! Not here: any decision. A worker reports what it sees and how long it took.

use std::fmt;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Raised whenever a message changes shape.
pub const PROTOCOL_VERSION: u16 = 2;

/// Longest message either side accepts: a 4K preview picture with room to spare. A longer length
/// means the stream is out of step, and the only safe answer is to drop the worker.
pub const MESSAGE_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// How often a worker says that it lives. Ten beats fit into the second R1 allows.
pub const HEARTBEAT_EVERY_MS: u64 = 100;

/// Position of a camera in the configuration; the same number the engine uses.
pub type CameraIndex = u16;

/// Guard → worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// First message: everything the worker needs.
    Start(WorkerConfig),
    /// Send preview pictures of this camera (somebody looks), or stop doing so.
    Watch { camera: CameraIndex, watched: Watched },
    /// Send the picture of this frame (or the nearest one still kept) as a JPEG.
    TakeSnapshot { request: u64, camera: CameraIndex, frame: u64 },
    /// End cleanly.
    Stop,
}

/// Whether anybody looks at a camera's picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watched {
    Yes,
    No,
}

/// What a worker is told at the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerConfig {
    /// Folder of the model package.
    pub model_dir: String,
    /// Threads ONNX Runtime may use.
    pub threads: u16,
    /// Longer side of the model's input in pixels; `None`: the model's default.
    pub input_long_side_px: Option<u32>,
    /// Execution provider, `cpu` always works.
    pub provider: String,
    pub cameras: Vec<WorkerCamera>,
}

/// One camera as the worker needs it; its index is its place in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerCamera {
    pub id: String,
    pub source: Source,
    /// Frames a second to look at; frames beyond that are dropped in the pipeline.
    pub fps: f64,
}

/// Where pictures come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// A video file, paced by the clock.
    File { path: String, ending: Ending },
    /// GStreamer's `videotestsrc` with this pattern, live.
    Test { pattern: String },
    /// Whatever a GStreamer description opens, live.
    Gst { description: GstDescription },
}

/// A GStreamer description of a camera. It may hold a password, so it cannot be printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GstDescription(String);

impl GstDescription {
    pub fn new(description: String) -> GstDescription {
        GstDescription(description)
    }

    /// The description with whatever secrets it holds, for GStreamer alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GstDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GstDescription(…)")
    }
}

/// What a file source does at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Starts again: the demo.
    Loop,
    /// Stops: the camera is then blind, and says so.
    Stop,
}

/// Worker → guard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// First message.
    Hello { version: u16 },
    /// The model is loaded and has found its golden frames.
    Ready(ModelInfo),
    /// Every `HEARTBEAT_EVERY_MS`, from the thread that runs inference.
    Heartbeat { at_ns: u64 },
    /// One picture looked at.
    Report(Report),
    /// The camera gives no usable picture; sent again whenever the reason changes.
    CameraLost { camera: CameraIndex, reason: String },
    /// A preview picture; only while watched.
    Preview(Picture),
    /// Answer to `TakeSnapshot`; `None` when the frame is no longer kept.
    Snapshot { request: u64, picture: Option<Picture> },
    /// The worker cannot go on and will exit; the reason is for people.
    Fatal { reason: String },
}

/// The loaded model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    pub name: String,
    pub version: String,
    /// sha256 of the loaded ONNX file, hex.
    pub digest: String,
    pub provider: String,
    /// ONNX Runtime's version.
    pub runtime: String,
}

/// What was seen in one picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub camera: CameraIndex,
    /// Counts up from 0 per camera and worker life.
    pub frame: u64,
    /// Size of the source picture in pixels.
    pub width_px: u32,
    pub height_px: u32,
    pub detections: Vec<WireDetection>,
    pub stages: StageTimes,
}

/// A detection on the wire: frame pixels, score 0..=1. Parsed into `engine::detection::Detection`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WireDetection {
    pub left_px: f64,
    pub top_px: f64,
    pub width_px: f64,
    pub height_px: f64,
    pub score: f32,
}

/// When a picture passed each stage; nanoseconds of CLOCK_MONOTONIC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTimes {
    /// Light reached the camera, as well as that can be known.
    pub captured_ns: u64,
    /// The decoded, scaled picture left the pipeline.
    pub arrived_ns: u64,
    /// The model's input was ready.
    pub preprocessed_ns: u64,
    /// The model had answered.
    pub inferred_ns: u64,
    /// Boxes were decoded and duplicates removed.
    pub decoded_ns: u64,
}

/// A JPEG with the frame it shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    pub camera: CameraIndex,
    pub frame: u64,
    pub captured_ns: u64,
    pub jpeg: Vec<u8>,
}

/// Why a message could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The other end closed the socket between two messages.
    #[error("the other process closed the link")]
    Closed,
    #[error("the link broke")]
    Io(#[source] io::Error),
    #[error("a message of {bytes} bytes is longer than the {MESSAGE_BYTES_MAX} allowed")]
    TooLong { bytes: u64 },
    #[error("a message could not be understood")]
    Malformed(#[source] postcard::Error),
}

/// Writes one message in a single `write_all`, so that two threads under one lock cannot interleave.
pub fn send<T: Serialize>(mut sink: impl Write, message: &T) -> Result<(), LinkError> {
    let mut bytes = vec![0; 4];
    bytes = postcard::to_extend(message, bytes).map_err(LinkError::Malformed)?;
    let length = bytes.len() - 4;
    match u32::try_from(length) {
        Ok(length) if length <= MESSAGE_BYTES_MAX => {
            bytes[..4].copy_from_slice(&length.to_le_bytes());
        }
        _ => {
            return Err(LinkError::TooLong { bytes: length as u64 });
        }
    }
    sink.write_all(&bytes).map_err(LinkError::Io)
}

/// Reads one message, blocking.
pub fn receive<T: DeserializeOwned>(mut source: impl Read) -> Result<T, LinkError> {
    let mut length = [0; 4];
    match source.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(LinkError::Closed);
        }
        Err(error) => return Err(LinkError::Io(error)),
    }
    let length = u32::from_le_bytes(length);
    if length > MESSAGE_BYTES_MAX {
        return Err(LinkError::TooLong { bytes: u64::from(length) });
    }
    let mut bytes = vec![0; length as usize];
    source.read_exact(&mut bytes).map_err(LinkError::Io)?;
    postcard::from_bytes(&bytes).map_err(LinkError::Malformed)
}
