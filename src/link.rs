//! The protocol between the guard and its vision process.
//!
//! One Unix socket pair, handed to the child as its standard input. Each message is a `u32`
//! little-endian length and that many bytes of postcard. Both ends are the same program, so the
//! version only guards against a binary replaced under a running guard.
//!
//! All times are nanoseconds of CLOCK_MONOTONIC, which both processes share.
//!
//! Not here: any decision. A worker reports what it sees and how long it took.

mod feed;
mod model;
mod source;
mod veil;
mod view;

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use feed::{
    FED_BYTES_MAX, FED_TAKEN, FedCloser, FedPicture, FeedNews, Held, receive_picture, send_picture,
};
pub use model::{ModelChoice, ModelInfo, PassedOver, SwitchedTo, WorkerRole};
pub use source::{
    DecoderChoice, DecoderFamily, Ending, HttpMjpeg, Login, Password, Rtsp, Secret, Source,
    Transport, V4l2, V4l2Format,
};
pub use veil::{ClipVeil, FoundPeople, HiddenPeople, MaskPolygon, SeenPicture};
pub use view::{
    GreyPicture, KnownView, LearnedView, UsualHour, ViewFinding, ViewKind, ViewLately, ViewShift,
};

/// Raised whenever a message changes shape.
pub const PROTOCOL_VERSION: u16 = 8;

/// Longest message either side accepts: a 4K preview picture with room to spare. A longer length
/// means the stream is out of step, and the only safe answer is to drop the worker.
pub const MESSAGE_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// How often a worker says that it lives. Ten beats fit into the second R1 allows.
pub const HEARTBEAT_EVERY_MS: u64 = 100;

/// Longest time for loading a model beside the one that looks: it takes a second or two by itself, and
/// gets what the others leave of the machine.
pub const PREPARE_MAX: Duration = Duration::from_secs(120);

/// Longest span that is asked for as one clip, seconds.
pub const CLIP_S_MAX: u32 = 40;

/// How far a camera's ring reaches back, seconds: a clip is asked for when it is over, and a busy
/// machine may take some seconds to get to it.
pub const RING_S: u32 = CLIP_S_MAX + 10;

/// A hidden clip that is not there so long after it was asked for is given up, seconds: encoding 40 s of
/// video takes a small box at low priority about as long, and others may wait before it.
pub const HIDE_S_MAX: u32 = 240;

/// Clips that are asked for by this number, or a higher one, give way to all others: they are refused with
/// [`GIVES_WAY`] while another of its kind waits or is written, take none of its room, and are given up sooner.
pub const YIELDS_FROM: u64 = 1 << 62;

/// See [`YIELDS_FROM`]. It may be asked for again.
pub const GIVES_WAY: &str = "other clips are being written";

/// A clip that gives way is given up after this, seconds.
pub const YIELD_S_MAX: u32 = 60;

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
    /// Where this camera's people may be too small for the whole picture to show them.
    Detail { camera: CameraIndex, zones: Vec<DetailZone> },
    /// An engineer has looked: this camera's view is right as it is now.
    AcceptView { camera: CameraIndex },
    /// What was known of this camera's view before this process began; right after `Start`.
    Reference { camera: CameraIndex, known: Box<KnownView> },
    /// Write the camera's video of this span to `path`, as MP4, and to no other file, but for one
    /// named `path.moov` meanwhile.
    WriteClip { request: u64, camera: CameraIndex, span: ClipSpan, path: String },
    /// The same, encoded anew so that nobody can be recognised; after whatever else is to be written.
    HideClip { request: u64, camera: CameraIndex, span: ClipSpan, path: String, veil: ClipVeil },
    /// Load this model beside the active one, warm it up and show it its golden pictures. The active
    /// one goes on meanwhile.
    Prepare { switch: u64, model: ModelChoice },
    /// Look with what was prepared from the next picture on; the one before stays loaded, as the standby.
    Switch { switch: u64 },
    /// Look with the standby again from the next picture on.
    SwitchBack { switch: u64, reason: String },
    /// Let go of the model that does not guard, also where it is still being loaded.
    ForgetStandby,
    /// Show the active model its golden pictures once more, between two pictures of cameras.
    RunGolden { run: u64 },
}

/// What of a camera's video is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipSpan {
    pub from_ns: u64,
    pub to_ns: u64,
    /// A clip begins with a key frame, which may be long before `from_ns`, but is never before this.
    pub not_before_ns: u64,
}

impl ClipSpan {
    /// From then to then, beginning with whatever key frame there is.
    pub fn between(from_ns: u64, to_ns: u64) -> ClipSpan {
        ClipSpan { from_ns, to_ns, not_before_ns: 0 }
    }
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
    /// The first that can be loaded looks; never empty.
    pub models: Vec<ModelChoice>,
    pub role: WorkerRole,
    /// Threads ONNX Runtime may use.
    pub threads: u16,
    /// Longer side of the model's input in pixels; `None`: the model's default.
    pub input_long_side_px: Option<u32>,
    /// Execution provider, `cpu` always works.
    pub provider: String,
    pub cameras: Vec<WorkerCamera>,
    pub detail: DetailChoice,
    /// How much of its newest video is kept of each camera, in memory.
    pub ring: RingBounds,
}

/// Bounds of what is kept of one camera; whichever is reached first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingBounds {
    pub seconds: u32,
    pub bytes_max: u64,
}

/// Whether parts of the picture are looked at closer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DetailChoice {
    #[default]
    Off,
    /// Around zones in which people are small.
    Zones,
}

/// A zone as far as its people's size goes: its bounds in frame fractions, and how high a small adult
/// is expected to be, as a share of the frame's height, with the feet in each of as many equally high
/// strips from the top down; no strips where nothing is calibrated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetailZone {
    pub left_norm: f64,
    pub top_norm: f64,
    pub right_norm: f64,
    pub bottom_norm: f64,
    pub person_norm: Vec<f64>,
}

/// Strips of a zone. Eight: from one to the next people of a zone as deep as the picture differ by an
/// eighth of the largest.
pub const DETAIL_STRIPS: usize = 8;

impl DetailZone {
    /// Into how many strips it is cut.
    pub fn strips(&self) -> usize {
        match self.person_norm.len() {
            0 => DETAIL_STRIPS,
            strips => strips,
        }
    }
}

/// One camera as the worker needs it; its index is its place in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerCamera {
    pub id: String,
    pub source: Source,
    /// Frames a second to look at; frames beyond that are dropped in the pipeline.
    pub fps: f64,
    pub decoder: DecoderChoice,
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
    /// The camera gives pictures; sent at the first one of each connection and whenever what is said
    /// of it changes.
    CameraUp { camera: CameraIndex, stream: Stream },
    /// The detector cannot keep up with its cameras: every few seconds while that is so. `None` once
    /// it does, and once after the start.
    Load(Option<Load>),
    /// Whether there was time to look closer everywhere small people may be (`model.detail`): at every
    /// change. `None`: there was.
    DetailCut { camera: CameraIndex, cut: Option<DetailCut> },
    /// All that is wrong with a camera's view: at every change, and every second while anything is.
    /// `shift`: how far the view lies from its reference, where that is known.
    Integrity { camera: CameraIndex, findings: Vec<ViewFinding>, shift: Option<ViewShift> },
    /// The view is known from now on, or was accepted: this is its reference, and of this frame is
    /// the picture to show of it.
    Settled { camera: CameraIndex, frame: u64, reference: GreyPicture },
    /// What else was learned of a view; rarely.
    Learned { camera: CameraIndex, learned: Box<LearnedView> },
    /// Answer to `WriteClip` and `HideClip`.
    Clip { request: u64, outcome: ClipOutcome },
    /// Answer to `Prepare`; the reason is for people.
    Prepared { switch: u64, outcome: Result<ModelInfo, String> },
    /// Answer to `Switch` and `SwitchBack`, once each camera was looked at with it, or soon after.
    Switched { switch: u64, outcome: Result<SwitchedTo, String> },
    /// The model that was switched to ended with an error on a picture: the standby, which this is,
    /// looked at that very picture and goes on.
    FellBack { model: ModelInfo, reason: String },
    /// Answer to `RunGolden`.
    Golden { run: u64, outcome: Result<(), String> },
    /// All reports from here on are of this model: after a switch, and when a model was fallen back on.
    Looking(ModelInfo),
    /// A model of the order could not be loaded; the next one is tried.
    PassedOver(PassedOver),
    /// How much the shadow process was given; every second while there is one.
    Feed(FeedNews),
}

/// How a camera's pictures come to the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// GStreamer's name of what decodes it; `None`: nothing needs to.
    pub decoder: Option<String>,
    /// `None`: it does not come in packets of its own.
    pub transport: Option<Transport>,
    pub clock: CaptureClock,
    /// Why the camera's own clock is not believed, for people.
    pub clock_refused: Option<String>,
    /// Why a better decoder than this one is not taken, for people.
    pub decoder_failed: Option<String>,
}

/// For people.
impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.transport {
            Some(Transport::Tcp) => "pictures come over TCP",
            Some(Transport::Udp) => "pictures come over UDP",
            Some(Transport::Auto) | None => "pictures come",
        })?;
        match &self.decoder {
            Some(decoder) => write!(f, ", decoded by {decoder}")?,
            None => f.write_str(", not encoded")?,
        }
        if let Some(failed) = &self.decoder_failed {
            write!(f, " ({failed})")?;
        }
        f.write_str(match self.clock {
            CaptureClock::SenderReport => ", timed by the camera's clock",
            CaptureClock::Arrival => ", timed by their arrival",
            CaptureClock::Pipeline => ", timed by when they were due",
        })
    }
}

/// What is known of the instant at which light reached the camera: what `captured_ns` rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaptureClock {
    /// The camera said it, by its own clock (RTCP sender reports), and that can be.
    SenderReport,
    /// When the picture's first packet came.
    Arrival,
    /// When the picture was due on the pipeline's clock.
    Pipeline,
}

/// What the detector had to do and what it did, over the last seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Work for all pictures that came, milliseconds a second, and what there is.
    pub needed_ms_per_s: f64,
    pub available_ms_per_s: f64,
    pub cameras: Vec<CameraLoad>,
}

/// What one camera wanted of the detector and got; pictures a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraLoad {
    pub camera: CameraIndex,
    pub came_fps: f64,
    pub looked_at_fps: f64,
    /// What one of its pictures takes.
    pub picture_ms: f64,
    pub served: Served,
}

/// Of the parts of the picture that should have been looked at closer lately, so many were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailCut {
    pub looked_at: u32,
    pub planned: u32,
}

/// Whether a camera gets what it was promised of the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Served {
    Enough,
    TooLittle,
}

/// What became of a clip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClipOutcome {
    /// It is on disk.
    Written(ClipWritten),
    /// There is none, and of the file at most a part; the reason is for people.
    Failed { reason: String },
}

/// A clip as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipWritten {
    /// When its first and its last picture were captured.
    pub first_ns: u64,
    pub last_ns: u64,
    /// Longest time between two pictures: the camera was away, or lost some.
    pub longest_gap_ns: u64,
    pub pictures: u32,
    pub bytes: u64,
    /// For people: `H.264`.
    pub codec: String,
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
    /// What `stages.captured_ns` rests on.
    pub clock: CaptureClock,
    /// Pictures of this camera that nobody looked at because a newer one came first, in all.
    pub passed_over: u64,
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
