//! Encoding for clips: few pictures a second, small, H.264.
//!
//! Here is the encoder of cameras whose video no browser plays: a thread of its own, less urgent than
//! everything else. A picture that finds it busy is dropped: nothing waits for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use super::CameraRing;
use super::ring::{Unit, UnitKind};
use super::row::{Row, RowError, Taken};
use crate::clock;
use crate::engine::time::Instant;
use crate::telemetry::chain;

/// Pictures a second that are encoded at most: a person's walk stays readable, and a core of a small
/// box is not eaten by evidence.
const FPS: i32 = 10;

/// Shortest time between two pictures; a little less than `1 / FPS`, since cameras are not even.
pub const INTERVAL_NS: u64 = 90_000_000;

/// Longer and shorter side of an encoded picture at most, pixels.
const WIDTH_MAX: i32 = 1280;
const HEIGHT_MAX: i32 = 720;

/// Pictures between two key frames: a clip begins at most so much too early.
const KEY_EVERY: u32 = 20;

/// Bits a second aimed at: 30 s are about 6 MB.
const BITS_PER_S: u32 = 1_500_000;

/// Pictures waiting to be encoded; drivers have few buffers to lend.
const WAITING_MAX: usize = 1;

/// How much less urgent than the rest of this process (`nice`) encoding is: as little as can be.
pub const NICENESS: i32 = 29;

/// Pause after an encoder failed.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Encoders without special hardware, the better first.
const ENCODERS: [&str; 2] = ["x264enc", "openh264enc"];

/// What an encoder is called that gives each picture before it takes the next.
const HOLDS_NOTHING: &str = "holds-nothing";

/// Why a camera's pictures cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error(
        "there is no encoder; install the Debian package gstreamer1.0-plugins-bad (openh264enc)"
    )]
    NoEncoder,
    #[error(
        "the camera's video is none that browsers play, and its pictures lie where no encoder reaches them ({0})"
    )]
    Memory(String),
    #[error("the camera's pictures cannot be encoded")]
    Row(#[from] RowError),
    #[error("the encoder's thread does not start")]
    Thread(#[source] std::io::Error),
}

/// What turns pictures into units of H.264, in the caller's thread: the elements of a row.
///
/// # Errors
/// No encoder is installed.
pub fn elements(format: &gst::Caps) -> Result<String, EncodeError> {
    let found = |name: &str| gst::ElementFactory::find(name).is_some();
    let element = ENCODERS.into_iter().find(|name| found(name)).ok_or(EncodeError::NoEncoder)?;
    let (width, height) = size(format);
    let settings = match element {
        "x264enc" => format!(
            "tune=zerolatency speed-preset=ultrafast threads=1 key-int-max={KEY_EVERY} bitrate={}",
            BITS_PER_S / 1000
        ),
        _ => format!(
            "name={HOLDS_NOTHING} gop-size={KEY_EVERY} bitrate={BITS_PER_S} complexity=low rate-control=bitrate \
             multi-thread=1"
        ),
    };
    // Without borders: what is known of a place of the frame holds for that place of the clip.
    Ok(format!(
        "videoconvertscale add-borders=false ! \
         video/x-raw,format=I420,width={width},height={height} ! \
         {element} {settings} ! h264parse config-interval=-1 ! \
         capsfilter caps=video/x-h264,stream-format=byte-stream,alignment=au"
    ))
}

/// Nothing more comes into such a row: what it still holds comes out.
pub fn end(row: &Row) {
    let encoder = row.element(HOLDS_NOTHING);
    // Told of the end, GStreamer's element asks OpenH264 for pictures that it never holds, and the library
    // writes an error of its own on standard error, without time or camera. So the end goes past it.
    match encoder.and_then(|encoder| encoder.static_pad("src")) {
        Some(behind) => drop(behind.push_event(gst::event::Eos::new())),
        None => row.end(),
    }
}

/// What came out of such a row; `None` for nothing that can be read.
pub fn unit(taken: Taken) -> Option<Unit> {
    let map = taken.buffer.map_readable().ok()?;
    let kind = match taken.buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
        true => UnitKind::Delta,
        false => UnitKind::Key,
    };
    let bytes = Arc::from(map.as_slice());
    Some(Unit { captured_ns: taken.at.nseconds(), kind, format: taken.format, bytes })
}

/// A picture for the thread.
struct Waiting {
    buffer: gst::Buffer,
    format: gst::Caps,
}

/// The thread's handle; it ends when this is dropped.
pub struct Encoder {
    pictures: SyncSender<Waiting>,
    taken_ns: u64,
}

impl Encoder {
    /// An encoder of pictures in this format, into `ring`.
    pub fn start(format: &gst::Caps, ring: &Arc<CameraRing>) -> Result<Encoder, EncodeError> {
        let memory = format.features(0).filter(|it| !it.is_any() && !is_plain(it));
        if let Some(memory) = memory {
            return Err(EncodeError::Memory(memory.to_string()));
        }
        elements(format)?;
        let (pictures, waiting) = sync_channel(WAITING_MAX);
        let ring = Arc::clone(ring);
        thread::Builder::new()
            .name("encode".into())
            .spawn(move || {
                // Linux keeps niceness per thread; without it this one merely competes.
                let _ = rustix::process::nice(NICENESS);
                encode_all(&waiting, &ring);
            })
            .map_err(EncodeError::Thread)?;
        Ok(Encoder { pictures, taken_ns: 0 })
    }

    /// Takes a picture captured then, unless the one before was just now.
    pub fn take(&mut self, pad: &gst::Pad, picture: &gst::BufferRef, captured_ns: u64) {
        if captured_ns < self.taken_ns.saturating_add(INTERVAL_NS) {
            return;
        }
        let Some(format) = pad.current_caps() else {
            return;
        };
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
        // Full: the one before is still being encoded.
        let _ = self.pictures.try_send(Waiting { buffer, format });
    }
}

fn encode_all(waiting: &Receiver<Waiting>, ring: &Arc<CameraRing>) {
    let mut row: Option<(gst::Caps, Row)> = None;
    let mut not_before: Option<Instant> = None;
    for picture in waiting {
        if not_before.is_some_and(|at| clock::monotonic() < at) {
            continue;
        }
        if let Err(error) = encode(&mut row, picture, ring) {
            let why = chain(&error);
            tracing::warn!("no clips of a camera for a while: {why}");
            ring.explain(Some(why));
            row = None;
            not_before = Some(clock::monotonic().after(AGAIN_AFTER));
        }
    }
}

fn encode(
    row: &mut Option<(gst::Caps, Row)>,
    picture: Waiting,
    ring: &Arc<CameraRing>,
) -> Result<(), EncodeError> {
    let Waiting { buffer, format } = picture;
    let (_, row) = match row.take().filter(|(of, _)| *of == format) {
        Some(same) => row.insert(same),
        None => {
            let ours = Arc::clone(ring);
            let taken = move |taken| {
                if let Some(unit) = unit(taken) {
                    ours.explain(None);
                    ours.push(unit);
                }
                Ok(gst::FlowSuccess::Ok)
            };
            let new = Row::start(&elements(&format)?, &steady(&format), taken)?;
            row.insert((format, new))
        }
    };
    Ok(row.push(buffer)?)
}

fn is_plain(memory: &gst::CapsFeaturesRef) -> bool {
    memory.is_equal(&gst::CapsFeatures::new_empty())
        || memory.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY)
}

/// The same format at the rate that is encoded: encoders share their bits out by it.
pub fn steady(format: &gst::Caps) -> gst::Caps {
    let mut format = format.clone();
    for media in format.make_mut().iter_mut() {
        media.set("framerate", gst::Fraction::new(FPS, 1));
    }
    format
}

/// What a picture is shrunk to: within the limits, its shape kept, sides even as the codec wants.
pub fn size(format: &gst::Caps) -> (i32, i32) {
    let side = |name| format.structure(0).and_then(|media| media.get::<i32>(name).ok());
    let (width, height) =
        (side("width").unwrap_or(WIDTH_MAX), side("height").unwrap_or(HEIGHT_MAX));
    let scale = (f64::from(WIDTH_MAX) / f64::from(width.max(1)))
        .min(f64::from(HEIGHT_MAX) / f64::from(height.max(1)))
        .min(1.0);
    let even = |side: i32| ((f64::from(side) * scale) as i32 / 2 * 2).max(16);
    (even(width), even(height))
}
