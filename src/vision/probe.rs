//! What `doctor` asks the vision side: are the libraries, the plugins, the model, the files there?
//!
//! Cheap checks without side effects. None of them runs the model.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gstreamer as gst;

use crate::clock;
use crate::engine::detection::FrameSize;
use crate::link::{
    DecoderChoice, Ending, HttpMjpeg, ModelInfo, Rtsp, Secret, Stream, Transport, V4l2,
};

use super::ingest::decode::{Codec, Wanted};
use super::ingest::described::DescribedSource;
use super::ingest::fallback::{Fallback, Fell};
use super::ingest::file::{FileOptions, FileSource};
use super::ingest::mjpeg::MjpegSource;
use super::ingest::rtsp::{RtspOptions, RtspSource, Way};
use super::ingest::v4l2::V4l2Source;
use super::ingest::{FrameSource, Pace, Polled, SourceError};
use super::package::{ModelPackage, PackageError};
use super::preprocess::Fit;
use super::runtime::{self, RuntimeError};

/// A file must give its first picture within this time; they give it in under 0.2 s.
pub const FIRST_PICTURE_MAX: Duration = Duration::from_secs(3);

/// A camera's first picture may wait for a connection and for the next whole picture of its video.
pub const FIRST_LIVE_PICTURE_MAX: Duration = Duration::from_secs(10);

/// Elements a box needs, and the Debian packages that bring them.
const ELEMENTS: [(&str, &str); 20] = [
    ("filesrc", "libgstreamer1.0-0"),
    ("decodebin", "gstreamer1.0-plugins-base"),
    ("videoconvertscale", "gstreamer1.0-plugins-base"),
    ("videotestsrc", "gstreamer1.0-plugins-base"),
    ("appsink", "gstreamer1.0-plugins-base"),
    ("avidemux", "gstreamer1.0-plugins-good"),
    ("qtdemux", "gstreamer1.0-plugins-good"),
    ("matroskademux", "gstreamer1.0-plugins-good"),
    ("h264parse", "gstreamer1.0-plugins-bad"),
    ("h265parse", "gstreamer1.0-plugins-bad"),
    ("jpegparse", "gstreamer1.0-plugins-bad"),
    ("rtspsrc", "gstreamer1.0-plugins-good"),
    ("rtpjitterbuffer", "gstreamer1.0-plugins-good"),
    ("rtph264depay", "gstreamer1.0-plugins-good"),
    ("souphttpsrc", "gstreamer1.0-plugins-good"),
    ("multipartdemux", "gstreamer1.0-plugins-good"),
    ("v4l2src", "gstreamer1.0-plugins-good"),
    ("jpegdec", "gstreamer1.0-plugins-good"),
    ("avdec_h264", "gstreamer1.0-libav"),
    ("avdec_mpeg4", "gstreamer1.0-libav"),
];

/// An element and whether it is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    pub name: &'static str,
    pub presence: Presence,
    /// The Debian package that brings it.
    pub package: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Present,
    Missing,
}

/// ONNX Runtime as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeInfo {
    pub version: String,
    pub path: PathBuf,
}

/// Why a source is not usable.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("the file cannot be played")]
    Source(#[from] SourceError),
    #[error("no picture")]
    Camera(#[source] SourceError),
    #[error("the camera gave no picture within {} s", FIRST_LIVE_PICTURE_MAX.as_secs())]
    SlowCamera,
    #[error("{path} gave no picture within {} s", FIRST_PICTURE_MAX.as_secs())]
    Slow { path: PathBuf },
}

/// Loads ONNX Runtime.
pub fn runtime() -> Result<RuntimeInfo, RuntimeError> {
    let runtime = runtime::load()?;
    Ok(RuntimeInfo { version: runtime.version, path: runtime.path })
}

/// GStreamer's own version, e.g. `GStreamer 1.22.0`.
pub fn gstreamer_version() -> Result<String, SourceError> {
    gst::init().map_err(SourceError::Start)?;
    Ok(gst::version_string().to_string())
}

/// Which of the elements a box needs are installed.
pub fn gstreamer_elements() -> Result<Vec<Element>, SourceError> {
    gst::init().map_err(SourceError::Start)?;
    let element = |(name, package): (&'static str, &'static str)| Element {
        name,
        presence: match gst::ElementFactory::find(name) {
            Some(_) => Presence::Present,
            None => Presence::Missing,
        },
        package,
    };
    Ok(ELEMENTS.into_iter().map(element).collect())
}

/// Finds a package and verifies the variant for `provider` and the golden pictures, without running
/// anything. `ModelInfo::runtime` is empty.
pub fn model(name: &str, provider: &str) -> Result<ModelInfo, PackageError> {
    let package = ModelPackage::find(name)?;
    let manifest = package.manifest();
    let variant = package.variant_for(provider)?;
    package.read_variant(variant)?;
    for golden in &manifest.golden {
        package.read_verified(&golden.file, &golden.sha256)?;
    }
    Ok(ModelInfo {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        slot: String::new(),
        digest: variant.sha256.clone(),
        provider: provider.to_owned(),
        release: manifest.release,
        ..ModelInfo::default()
    })
}

/// Opens a file and waits for its first picture; returns the size of the source picture.
pub fn file(path: &Path) -> Result<FrameSize, ProbeError> {
    let mut source = FileSource::open(
        path,
        FileOptions { fit: Fit::new(320, 32), pace: Pace::Clock, ending: Ending::Stop, fps: None },
    )?;
    match source.next(FIRST_PICTURE_MAX)? {
        Polled::Frame(frame) => Ok(frame.source_size),
        Polled::Idle => Err(ProbeError::Slow { path: path.to_owned() }),
        Polled::Ended => Err(ProbeError::Source(SourceError::NoVideo { path: path.to_owned() })),
    }
}

/// What a camera that gives pictures is like.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub size: FrameSize,
    pub stream: Stream,
}

/// The decoders this machine has for each kind of video, best first, by GStreamer's names.
pub fn decoders() -> Result<Vec<(&'static str, Vec<&'static str>)>, SourceError> {
    gst::init().map_err(SourceError::Start)?;
    let names = |codec: Codec| {
        let all = codec.available(DecoderChoice::Auto.into()).into_iter();
        (codec.name(), all.map(|decoder| decoder.element).collect())
    };
    Ok(Codec::ALL.into_iter().map(names).collect())
}

/// Opens a camera by its description and waits for a picture.
pub fn described(description: &Secret) -> Result<Seen, ProbeError> {
    first_picture(DescribedSource::open(description, small(), None))
}

/// The same by RTSP, by each way of transport that may be taken.
pub fn rtsp(camera: &Rtsp, decoder: DecoderChoice) -> Result<Seen, ProbeError> {
    let by = |way: Way| {
        let options = |decoder| RtspOptions { fit: small(), fps: None, way, decoder };
        first_decoded(decoder, |wanted| RtspSource::open(camera, &options(wanted)))
    };
    let first = Way::first(camera.transport);
    let seen = by(first);
    if matches!(&seen, Err(ProbeError::Camera(error)) if is_before_any_packet(error)) {
        return seen;
    }
    match (&seen, camera.transport) {
        // The first failure says more: TCP goes through where UDP does not.
        (Err(_), Transport::Auto) => by(first.after_failure(camera.transport)).or(seen),
        (Ok(_), _) | (Err(_), Transport::Tcp | Transport::Udp) => seen,
    }
}

/// What no other way for the packets changes.
fn is_before_any_packet(error: &SourceError) -> bool {
    matches!(
        error,
        SourceError::Unreachable { .. } | SourceError::Login { .. } | SourceError::NoPath { .. }
    )
}

/// The same by HTTP.
pub fn mjpeg(camera: &HttpMjpeg, decoder: DecoderChoice) -> Result<Seen, ProbeError> {
    first_decoded(decoder, |wanted| MjpegSource::open(camera, wanted, small(), None))
}

/// The same of a camera at this machine.
pub fn v4l2(camera: &V4l2, decoder: DecoderChoice) -> Result<Seen, ProbeError> {
    first_decoded(decoder, |wanted| V4l2Source::open(camera, wanted, small(), None))
}

fn small() -> Fit {
    Fit::new(320, 32)
}

fn first_picture(source: Result<impl FrameSource, SourceError>) -> Result<Seen, ProbeError> {
    picture_of(&mut source.map_err(ProbeError::Camera)?)
}

/// By the best decoder, and where that fails by the next one, as the box does after some more failures.
fn first_decoded<S: FrameSource>(
    choice: DecoderChoice,
    open: impl Fn(Wanted) -> Result<S, SourceError>,
) -> Result<Seen, ProbeError> {
    let mut decoders = Fallback::at_once(choice);
    loop {
        let mut source = open(decoders.wanted()).map_err(ProbeError::Camera)?;
        let seen = picture_of(&mut source);
        if seen.is_err()
            && let Some(failure) = source.decoder_failed()
            && decoders.failed(&failure, clock::monotonic()) == Fell::ToNext
        {
            continue;
        }
        let decoder_failed = decoders.words().map(str::to_owned);
        return seen.map(|seen| Seen { stream: Stream { decoder_failed, ..seen.stream }, ..seen });
    }
}

fn picture_of(source: &mut impl FrameSource) -> Result<Seen, ProbeError> {
    match source.next(FIRST_LIVE_PICTURE_MAX).map_err(ProbeError::Camera)? {
        Polled::Frame(frame) => Ok(Seen { size: frame.source_size, stream: source.stream() }),
        Polled::Idle | Polled::Ended => {
            Err(source.unreachable().map_or(ProbeError::SlowCamera, ProbeError::Camera))
        }
    }
}
