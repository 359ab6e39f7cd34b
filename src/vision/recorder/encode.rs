//! An encoder for cameras whose video no browser plays: few pictures a second, small, H.264.
//!
//! A pipeline of its own. A picture that finds it busy is dropped there: nothing waits for it.

use std::sync::Arc;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::CameraRing;
use super::ring::{Unit, UnitKind};

/// Pictures a second that are encoded at most: a person's walk stays readable, and a core of a small
/// box is not eaten by evidence.
const FPS: i32 = 10;

/// Shortest time between two pictures; a little less than `1 / FPS`, since cameras are not even.
const INTERVAL_NS: u64 = 90_000_000;

/// Longer and shorter side of an encoded picture at most, pixels.
const WIDTH_MAX: i32 = 1280;
const HEIGHT_MAX: i32 = 720;

/// Pictures between two key frames: a clip begins at most so much too early.
const KEY_EVERY: u32 = 20;

/// Bits a second aimed at: 30 s are about 6 MB.
const BITS_PER_S: u32 = 1_500_000;

/// Pictures waiting to be encoded; drivers have few buffers to lend.
const WAITING_MAX: u64 = 2;

/// Encoders without special hardware, the better first.
const ENCODERS: [&str; 2] = ["x264enc", "openh264enc"];

/// Why a camera's pictures cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error(
        "the camera's video is none that browsers play, and there is no encoder; install the \
         Debian package gstreamer1.0-plugins-bad (openh264enc)"
    )]
    NoEncoder,
    #[error(
        "the camera's video is none that browsers play, and its pictures lie where no encoder reaches them ({0})"
    )]
    Memory(String),
    #[error("the camera's pictures cannot be encoded")]
    Build(#[source] gst::glib::Error),
    #[error("the encoder does not start")]
    Start,
}

pub struct Encoder {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    format: gst::Caps,
    taken_ns: u64,
}

impl Encoder {
    /// An encoder of pictures in this format, into `ring`.
    pub fn start(format: &gst::Caps, ring: &Arc<CameraRing>) -> Result<Encoder, EncodeError> {
        let memory = format.features(0).filter(|it| !it.is_any() && !is_plain(it));
        if let Some(memory) = memory {
            return Err(EncodeError::Memory(memory.to_string()));
        }
        let found = |name: &str| gst::ElementFactory::find(name).is_some();
        let element =
            ENCODERS.into_iter().find(|name| found(name)).ok_or(EncodeError::NoEncoder)?;
        let (width, height) = size(format);
        let settings = match element {
            "x264enc" => format!(
                "tune=zerolatency speed-preset=ultrafast key-int-max={KEY_EVERY} bitrate={}",
                BITS_PER_S / 1000
            ),
            _ => format!(
                "gop-size={KEY_EVERY} bitrate={BITS_PER_S} complexity=low rate-control=bitrate"
            ),
        };
        let pipeline = gst::parse::launch(&format!(
            "appsrc name=pictures ! videoconvertscale ! \
             video/x-raw,format=I420,width={width},height={height},pixel-aspect-ratio=1/1 ! \
             {element} {settings} ! h264parse config-interval=-1 ! \
             video/x-h264,stream-format=byte-stream,alignment=au ! \
             appsink name=units sync=false"
        ))
        .map_err(EncodeError::Build)?;
        let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| EncodeError::Start)?;
        let element = |name| pipeline.by_name(name).ok_or(EncodeError::Start);
        let source = element("pictures")?.downcast::<gst_app::AppSrc>();
        let sink = element("units")?.downcast::<gst_app::AppSink>();
        let (Ok(source), Ok(sink)) = (source, sink) else {
            return Err(EncodeError::Start);
        };
        source.set_caps(Some(&steady(format)));
        source.set_format(gst::Format::Time);
        source.set_max_bytes(0);
        source.set_property("max-buffers", WAITING_MAX);
        source.set_property_from_str("leaky-type", "downstream");
        into_ring(&sink, ring);
        if pipeline.set_state(gst::State::Playing).is_err() {
            return Err(EncodeError::Start);
        }
        Ok(Encoder { pipeline, source, format: format.clone(), taken_ns: 0 })
    }

    /// Takes a picture captured then, unless the one before was just now.
    pub fn take(&mut self, pad: &gst::Pad, picture: &gst::BufferRef, captured_ns: u64) {
        if captured_ns < self.taken_ns.saturating_add(INTERVAL_NS) {
            return;
        }
        let Some(format) = pad.current_caps() else {
            return;
        };
        if format != self.format {
            self.source.set_caps(Some(&steady(&format)));
            self.format = format;
        }
        self.taken_ns = captured_ns;
        // Shares the pixels, not the times.
        let Ok(mut buffer) =
            picture.copy_region(gst::BufferCopyFlags::MEMORY | gst::BufferCopyFlags::META, ..)
        else {
            return;
        };
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(captured_ns));
        }
        // Refused when the encoder has failed: then the ring runs dry, and a clip says so.
        let _ = self.source.push_buffer(buffer);
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // Nothing can be done about a pipeline that does not even stop.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn into_ring(sink: &gst_app::AppSink, ring: &Arc<CameraRing>) {
    let ring = Arc::clone(ring);
    let taken = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let (Some(buffer), Some(format)) = (sample.buffer(), sample.caps()) else {
            return Ok(gst::FlowSuccess::Ok);
        };
        let (Some(at), Ok(map)) = (buffer.pts(), buffer.map_readable()) else {
            return Ok(gst::FlowSuccess::Ok);
        };
        let kind = match buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            true => UnitKind::Delta,
            false => UnitKind::Key,
        };
        ring.explain(None);
        ring.push(Unit {
            captured_ns: at.nseconds(),
            kind,
            format: format.to_owned(),
            bytes: Arc::from(map.as_slice()),
        });
        Ok(gst::FlowSuccess::Ok)
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(taken).build());
}

fn is_plain(memory: &gst::CapsFeaturesRef) -> bool {
    memory.is_equal(&gst::CapsFeatures::new_empty())
        || memory.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY)
}

/// The same format at the rate that is encoded: encoders share their bits out by it.
fn steady(format: &gst::Caps) -> gst::Caps {
    let mut format = format.clone();
    for media in format.make_mut().iter_mut() {
        media.set("framerate", gst::Fraction::new(FPS, 1));
    }
    format
}

/// What a picture is shrunk to: within the limits, its shape kept, sides even as the codec wants.
fn size(format: &gst::Caps) -> (i32, i32) {
    let side = |name| format.structure(0).and_then(|media| media.get::<i32>(name).ok());
    let (width, height) =
        (side("width").unwrap_or(WIDTH_MAX), side("height").unwrap_or(HEIGHT_MAX));
    let scale = (f64::from(WIDTH_MAX) / f64::from(width.max(1)))
        .min(f64::from(HEIGHT_MAX) / f64::from(height.max(1)))
        .min(1.0);
    let even = |side: i32| ((f64::from(side) * scale) as i32 / 2 * 2).max(16);
    (even(width), even(height))
}
