//! Where pictures come from: cameras by RTSP, HTTP and V4L2, video files, GStreamer's test pattern,
//! whatever else GStreamer can open.
//!
//! A source decodes, drops pictures beyond the wanted rate, scales what is left to the model's
//! content size and hands it out as BGR, without copying it again.
//!
//! Three paces: by the **clock**, as a camera would (a picture nobody fetched is replaced by the next
//! one: newest wins), **live** (the same, but a picture is there when it comes: nothing waits for an
//! even pace), and **as fast** as they are taken (nothing is ever dropped: replay).
//!
//! Not here: retrying. A source that failed stays failed; whoever holds it opens a new one.

pub mod capture;
mod chain;
pub mod container;
pub mod decode;
pub mod described;
mod failure;
pub mod fallback;
mod faults;
pub mod file;
pub mod limit;
mod login;
pub mod loss;
pub mod mjpeg;
mod packets;
pub mod pattern;
mod pictures;
pub mod rtsp;
mod trust;
pub mod v4l2;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gst_video::VideoFrameExt;
use gstreamer as gst;
use gstreamer_video as gst_video;

use crate::engine::detection::FrameSize;
use crate::link::{CaptureClock, Stream};
use crate::reach::{Place, Unreachable};

pub(super) use self::chain::DROPPED;
use self::fallback::DecoderFailure;

use super::preprocess::{Fit, PictureRef};
use super::recorder::CameraRing;

/// Something that delivers pictures.
pub trait FrameSource: Send {
    /// Waits at most `wait` for the next picture.
    fn next(&mut self, wait: Duration) -> Result<Polled, SourceError>;

    /// How the pictures come; meaningful once there was one.
    fn stream(&self) -> Stream;

    /// The decoder that did not do its work, after a failure.
    fn decoder_failed(&self) -> Option<DecoderFailure> {
        None
    }

    /// Why nothing comes, looked for now; for a source that never gave a picture and says nothing.
    fn unreachable(&self) -> Option<SourceError> {
        None
    }

    /// Keeps the encoded video in `ring` from its beginning on; called once, after opening.
    fn record(&mut self, ring: Arc<CameraRing>);

    /// Hands pictures out for this from now on; the source stays open.
    fn refit(&mut self, fit: Fit);
}

/// What a source had to offer.
#[derive(Debug)]
pub enum Polled {
    Frame(Frame),
    /// Nothing within the wait.
    Idle,
    /// There will be no more.
    Ended,
}

/// One picture of a source, scaled for the model.
#[derive(Debug)]
pub struct Frame {
    /// Position in the source video, from 0, counting every decoded picture, also those dropped
    /// to keep the wanted rate.
    pub index: u64,
    /// Presentation time from the start of the video.
    pub time: Duration,
    /// When light reached the camera, as well as that is known, nanoseconds of CLOCK_MONOTONIC; as
    /// fast: the same as `arrived_ns`.
    pub captured_ns: u64,
    /// What that rests on.
    pub clock: CaptureClock,
    /// When it was handed out, nanoseconds of CLOCK_MONOTONIC.
    pub arrived_ns: u64,
    /// Size of the source picture, before scaling.
    pub source_size: FrameSize,
    pub picture: Picture,
}

/// A picture in GStreamer's memory, mapped for reading.
pub struct Picture {
    /// Boxed: the description alone is 700 bytes, and pictures travel through enums.
    frame: Box<gst_video::VideoFrame<gst_video::video_frame::Readable>>,
}

/// What is wrong with a picture whose memory is not what it says.
pub const UNUSABLE_PICTURE: &str = "its pixels contradict their own description";

/// How time passes in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As a camera would deliver; pictures not taken in time are lost.
    Clock,
    /// As a camera delivers. A source that turns out not to be live is paced by the clock.
    Live,
    /// As fast as pictures are taken; none is lost.
    AsFast,
}

/// Why a source gives no pictures.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("GStreamer could not be started")]
    Start(#[source] gst::glib::Error),
    #[error("GStreamer has no element `{element}`; install the Debian package {package}")]
    ElementMissing { element: &'static str, package: &'static str },
    #[error("{path} does not exist")]
    Missing { path: PathBuf },
    #[error("{path} could not be opened")]
    Open {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not a file; a video file is wanted")]
    NotAFile { path: PathBuf },
    #[error("{path} is empty")]
    Empty { path: PathBuf },
    #[error("{path} is not a video this machine can read: its format is not recognised")]
    UnknownFormat { path: PathBuf },
    #[error(
        "{path} has no pictures in it, only other streams; a file with a video stream is wanted"
    )]
    NoVideo { path: PathBuf },
    #[error("{source_name} needs {what}, which is missing; install the Debian package {package}")]
    PluginMissing { source_name: String, what: String, package: &'static str },
    #[error("{path} is truncated: the file says {declared_s:.1} s, pictures end at {ended_s:.1} s")]
    Truncated { path: PathBuf, declared_s: f64, ended_s: f64 },
    #[error("{path} is truncated: the file says {declared} pictures, only {got} could be read")]
    TruncatedPictures { path: PathBuf, declared: u64, got: u64 },
    #[error("{path} is truncated: {missing} of the bytes it speaks of are not there")]
    TruncatedStart { path: PathBuf, missing: u64 },
    #[error("{source_name} is damaged or in an unreadable form after {after_s:.1} s: {reason}")]
    Broken { source_name: String, after_s: f64, reason: String },
    #[error(
        "the camera's GStreamer description (`source.gst`) cannot be used: {reason}; \
         docs/reference/config.md says how it is written"
    )]
    Description { reason: String },
    #[error("the camera cannot be watched: {reason}")]
    Lost { reason: String },
    #[error("{camera} does not let the box in: {right}")]
    Login { camera: String, right: &'static str },
    #[error("no connection to the camera at {place}")]
    Unreachable {
        place: Place,
        #[source]
        source: Unreachable,
    },
    #[error(
        "{camera} has nothing at the path of its address (404 Not Found); correct what stands \
         behind host and port: the camera's manual names it"
    )]
    NoPath { camera: String },
    #[error("{source_name} is not there: {reason}")]
    NotFound { source_name: String, reason: String },
    #[error("{source_name} cannot be read after {after_s:.1} s: {reason}")]
    Resource { source_name: String, after_s: f64, reason: String },
    #[error("the camera's password in {path} cannot be read")]
    PasswordFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "this machine has no {}decoder for the camera's {codec}; `standclear doctor` says which it has",
        .family.map(|family| format!("`{family}` ")).unwrap_or_default()
    )]
    NoDecoder { codec: &'static str, family: Option<&'static str> },
    #[error("{reason}")]
    Unusable { reason: String },
    #[error("{source_name} delivered a picture that cannot be used: {reason}")]
    Picture { source_name: String, reason: &'static str },
    #[error("`{pattern}` is no test pattern; there are: {known}")]
    UnknownPattern { pattern: String, known: String },
    #[error("{fps} frames a second cannot be kept; a number above 0 and up to {max} is wanted")]
    Rate { fps: f64, max: f64 },
}

impl Picture {
    /// The pixels. `None` only if GStreamer handed out memory that contradicts its own description.
    pub fn as_ref(&self) -> Option<PictureRef<'_>> {
        let bytes = self.frame.plane_data(0).ok()?;
        let stride = usize::try_from(*self.frame.plane_stride().first()?).ok()?;
        let (width, height) = (self.frame.width() as usize, self.frame.height() as usize);
        PictureRef::new(bytes, width, height, stride)
    }

    /// How much memory it takes.
    pub fn bytes(&self) -> usize {
        self.frame.buffer().size()
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}x{})", self.frame.width(), self.frame.height())
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn picture(format: gst_video::VideoFormat) -> Picture {
        gst::init().expect("GStreamer starts");
        let info = gst_video::VideoInfo::builder(format, 8, 4).build().expect("a description");
        let buffer = gst::Buffer::with_size(info.size()).expect("memory");
        let frame = gst_video::VideoFrame::from_buffer_readable(buffer, &info).expect("readable");
        Picture { frame: Box::new(frame) }
    }

    #[test]
    fn picture_with_too_few_bytes_for_its_size_has_no_pixels_and_does_not_panic() {
        assert!(picture(gst_video::VideoFormat::Bgr).as_ref().is_some());
        assert!(picture(gst_video::VideoFormat::Gray8).as_ref().is_none());
    }
}
