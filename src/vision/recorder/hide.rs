//! Clips in which nobody can be recognised: decoded, covered, encoded anew, all in one thread.
//!
//! ```text
//! units ─> parser ─> decoder ─> [10 a second] ─> scaler ─> [mosaic, black] ─> encoder ─> units ─> MP4
//! ```
//!
//! It fails closed: a picture of which nobody knows where people are is a mosaic all over, and one whose
//! time is not known is not in the clip.

use std::path::Path;
use std::sync::{Arc, Mutex};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::VideoFrameExt;
use image::RgbImage;

use super::super::ingest::DROPPED;
use super::encode::{self, EncodeError, INTERVAL_NS};
use super::ring::{Selection, Unit, UnitKind};
use super::row::{Row, RowError, Taken};
use super::{MuxError, lock, mux};
use crate::clock;
use crate::config::Privacy;
use crate::engine::time::Instant;
use crate::hiding::mosaic;
use crate::hiding::span::{Found, Look, Places, Span};
use crate::link::{
    ClipVeil, ClipWritten, FoundPeople, GIVES_WAY, HiddenPeople, MaskPolygon, SeenPicture,
};

/// Decoders that work in the thread that asks them, by media type; the better first.
const DECODERS: [(&str, &str, &str); 4] = [
    ("video/x-h264", "h264parse", "avdec_h264 max-threads=1"),
    ("video/x-h264", "h264parse", "openh264dec"),
    ("video/x-h265", "h265parse", "avdec_h265 max-threads=1"),
    ("video/x-h265", "h265parse", "libde265dec max-threads=1"),
];

/// Why there is no hidden clip.
#[derive(Debug, thiserror::Error)]
pub enum HideError {
    #[error(
        "there is no decoder for {0}; install the Debian package gstreamer1.0-libav or \
         gstreamer1.0-plugins-bad"
    )]
    NoDecoder(String),
    #[error("the video cannot be decoded")]
    Decode(#[source] RowError),
    #[error("the video cannot be encoded")]
    Encode(#[from] EncodeError),
    #[error("a picture of the video cannot be read")]
    Picture,
    #[error("no picture came out of the video")]
    Nothing,
    #[error("it was not done within the time that there is for it")]
    TooSlow,
    /// For a clip that is nobody's evidence.
    #[error("{GIVES_WAY}")]
    GivesWay,
    #[error(transparent)]
    Mux(#[from] MuxError),
}

/// How long it may go on.
pub struct Bounds<'b> {
    pub until: Instant,
    /// Whether somebody waits to whom this gives way.
    pub is_wanted: &'b dyn Fn() -> bool,
}

/// Writes the clip and brings it to the disk, unless it is given up before.
pub fn write(
    selected: &Selection,
    veil: &ClipVeil,
    path: &Path,
    bounds: &Bounds<'_>,
) -> Result<ClipWritten, HideError> {
    let units = hide(selected, veil, bounds)?;
    Ok(mux::write(&Selection { units }, path)?)
}

/// The same pictures, fewer of them, with nobody to be recognised in them.
fn hide(
    selected: &Selection,
    veil: &ClipVeil,
    bounds: &Bounds<'_>,
) -> Result<Vec<Unit>, HideError> {
    let format = selected.units.first().map(|unit| &unit.format).ok_or(HideError::Nothing)?;
    let drawing = Arc::new(Mutex::new(Drawing::new(veil)));
    let ours = Arc::clone(&drawing);
    let draw = move |taken| lock(&ours).take(&taken);
    let row = Row::start(&decoding(format)?, format, draw).map_err(HideError::Decode)?;
    thin_out(&row);
    for unit in &selected.units {
        if clock::monotonic() >= bounds.until {
            return Err(HideError::TooSlow);
        }
        if (bounds.is_wanted)() {
            return Err(HideError::GivesWay);
        }
        if let Err(error) = row.push(buffer(unit)) {
            return Err(lock(&drawing).failed.take().unwrap_or(HideError::Decode(error)));
        }
    }
    row.end();
    drop(row);
    lock(&drawing).finish()
}

fn decoding(format: &gst::Caps) -> Result<String, HideError> {
    let none = || HideError::NoDecoder(format.to_string());
    let media = format.structure(0).ok_or_else(none)?.name();
    let there = |decoder: &str| {
        let name = decoder.split(' ').next().unwrap_or_default();
        gst::ElementFactory::find(name).is_some()
    };
    let (_, parser, decoder) = DECODERS
        .into_iter()
        .find(|(of, _, decoder)| *of == media.as_str() && there(decoder))
        .ok_or_else(none)?;
    let (width, height) = encode::size(format);
    Ok(format!(
        "{parser} ! {decoder} ! identity name=decoded silent=true ! \
         videoconvertscale add-borders=false ! \
         capsfilter caps=video/x-raw,format=RGB,width={width},height={height}"
    ))
}

/// Lets no more pictures through than are encoded.
fn thin_out(row: &Row) {
    let pad = row.element("decoded").and_then(|element| element.static_pad("sink"));
    let taken_ns: Mutex<Option<u64>> = Mutex::default();
    let probe = move |_: &gst::Pad, info: &mut gst::PadProbeInfo<'_>| {
        let at_ns = info.buffer().and_then(|buffer| buffer.pts()).map(gst::ClockTime::nseconds);
        let mut taken_ns = lock(&taken_ns);
        let due = match (at_ns, *taken_ns) {
            (Some(at), Some(taken)) => at >= taken.saturating_add(INTERVAL_NS),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if due {
            *taken_ns = at_ns;
            return gst::PadProbeReturn::Ok;
        }
        DROPPED
    };
    if let Some(pad) = pad {
        pad.add_probe(gst::PadProbeType::BUFFER, probe);
    }
}

fn buffer(unit: &Unit) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(unit.bytes.clone());
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::from_nseconds(unit.captured_ns));
        if unit.kind == UnitKind::Delta {
            buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
        }
    }
    buffer
}

/// Covers pictures as they come and encodes them.
struct Drawing {
    span: Span,
    privacy: Privacy,
    masks: Vec<MaskPolygon>,
    encoder: Option<Row>,
    encoded: Arc<Mutex<Vec<Unit>>>,
    failed: Option<HideError>,
}

impl Drawing {
    fn new(veil: &ClipVeil) -> Drawing {
        let look = |seen: &SeenPicture| Look {
            at: Instant::from_nanos(seen.captured_ns),
            found: match &seen.found {
                FoundPeople::Boxes(boxes) => Found::People(boxes.clone()),
                FoundPeople::TooMany => Found::TooMany,
            },
        };
        Drawing {
            span: Span::new(veil.seen.iter().map(look).collect()),
            privacy: match veil.people {
                HiddenPeople::Persons => Privacy::Persons,
                HiddenPeople::Heads => Privacy::Heads,
                HiddenPeople::Nobody => Privacy::Off,
            },
            masks: veil.masks.clone(),
            encoder: None,
            encoded: Arc::default(),
            failed: None,
        }
    }

    fn take(&mut self, taken: &Taken) -> Result<gst::FlowSuccess, gst::FlowError> {
        match self.draw(taken) {
            Ok(()) => Ok(gst::FlowSuccess::Ok),
            Err(error) => {
                self.failed = Some(error);
                Err(gst::FlowError::Error)
            }
        }
    }

    fn draw(&mut self, taken: &Taken) -> Result<(), HideError> {
        let info =
            gst_video::VideoInfo::from_caps(&taken.format).map_err(|_| HideError::Picture)?;
        let mut canvas = canvas(&taken.buffer, &info).ok_or(HideError::Picture)?;
        let (masks, at) = (self.masks.as_slice(), Instant::from_nanos(taken.at.nseconds()));
        match (self.privacy, self.span.at(at)) {
            (Privacy::Off, _) => mosaic::black_out(&mut canvas, masks),
            (privacy, Places::Known(covers)) => {
                mosaic::cover(&mut canvas, &covers, privacy, masks);
            }
            (Privacy::Persons | Privacy::Heads, Places::Unknown) => {
                mosaic::cover_all(&mut canvas, masks);
            }
        }
        let drawn = picture(&canvas, &info, taken.at).ok_or(HideError::Picture)?;
        if self.encoder.is_none() {
            self.encoder = Some(self.start_encoder(&taken.format)?);
        }
        match &self.encoder {
            Some(encoder) => Ok(encoder.push(drawn).map_err(EncodeError::from)?),
            None => Ok(()),
        }
    }

    fn start_encoder(&self, format: &gst::Caps) -> Result<Row, HideError> {
        let encoded = Arc::clone(&self.encoded);
        let taken = move |taken| {
            lock(&encoded).extend(encode::unit(taken));
            Ok(gst::FlowSuccess::Ok)
        };
        let row = Row::start(&encode::elements(format)?, &encode::steady(format), taken);
        Ok(row.map_err(EncodeError::from)?)
    }

    fn finish(&mut self) -> Result<Vec<Unit>, HideError> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        let encoder = self.encoder.take().ok_or(HideError::Nothing)?;
        encode::end(&encoder);
        drop(encoder);
        let units = std::mem::take(&mut *lock(&self.encoded));
        if units.is_empty() { Err(HideError::Nothing) } else { Ok(units) }
    }
}

/// The pixels of a picture, row by row: rows of video may be longer than what they show.
fn canvas(buffer: &gst::Buffer, info: &gst_video::VideoInfo) -> Option<RgbImage> {
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info).ok()?;
    let stride = usize::try_from(*frame.plane_stride().first()?).ok()?;
    let row_bytes = info.width() as usize * 3;
    let data = frame.plane_data(0).ok()?;
    let mut pixels = Vec::with_capacity(row_bytes * info.height() as usize);
    for row in data.chunks(stride).take(info.height() as usize) {
        pixels.extend_from_slice(row.get(..row_bytes)?);
    }
    RgbImage::from_raw(info.width(), info.height(), pixels)
}

fn picture(
    canvas: &RgbImage,
    info: &gst_video::VideoInfo,
    at: gst::ClockTime,
) -> Option<gst::Buffer> {
    let stride = usize::try_from(*info.stride().first()?).ok()?;
    let row_bytes = info.width() as usize * 3;
    let mut pixels = vec![0; info.size()];
    let rows = canvas.as_raw().chunks_exact(row_bytes).zip(pixels.chunks_mut(stride));
    for (from, to) in rows {
        to.get_mut(..row_bytes)?.copy_from_slice(from);
    }
    let mut buffer = gst::Buffer::from_mut_slice(pixels);
    buffer.get_mut()?.set_pts(at);
    Some(buffer)
}
