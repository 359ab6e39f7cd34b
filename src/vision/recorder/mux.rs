//! Encoded video into an MP4 file, without touching its pictures.
//!
//! The index stands before the pictures, so that a browser plays the file as it comes. For that the
//! pictures are gathered in a file beside it first, which goes with the muxer.
//! The time line is the capture times: where pictures were missing, it stands still.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::ring::{Selection, Unit, UnitKind};
use crate::clock;
use crate::link::ClipWritten;

/// Added to the name of the file in which pictures are gathered.
const GATHERED: &str = ".moov";

/// Longest time a clip may take to be written: 30 s of video take well under one on any disk that
/// works; one that does not must not hold up the clips of other cameras for ever.
const WRITE_MAX: Duration = Duration::from_secs(30);

/// Clips that hang with the disk: beyond so many none is begun.
static HANGING: AtomicU32 = AtomicU32::new(0);
const HANGING_MAX: u32 = 2;

/// How often a waiting writer looks for errors.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Shown for so long, the last picture of a clip whose rate cannot be told.
const USUAL_LENGTH_NS: u64 = 100_000_000;

/// Why a clip could not be written.
#[derive(Debug, thiserror::Error)]
pub enum MuxError {
    #[error("GStreamer has no element `{element}`; install the Debian package {package}")]
    ElementMissing { element: &'static str, package: &'static str },
    #[error("no MP4 can be made of {format}")]
    Format { format: String },
    #[error("the clip {path} could not be written: {reason}")]
    Write { path: PathBuf, reason: String },
    #[error("the clip {path} was not written within {} s", WRITE_MAX.as_secs())]
    TooSlow { path: PathBuf },
    #[error("the disk hangs: earlier clips are still being written")]
    Hangs,
    #[error("the clip {path} could not be brought to the disk")]
    Sync {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What MP4 can hold and browsers show: media type, name for people, parser.
const CODECS: [(&str, &str, &str); 2] =
    [("video/x-h264", "H.264", "h264parse"), ("video/x-h265", "H.265", "h265parse")];

/// Whether video of this format is worth keeping as it comes.
pub fn is_playable(format: &gst::CapsRef) -> bool {
    codec_of(format).is_some()
}

fn codec_of(format: &gst::CapsRef) -> Option<(&'static str, &'static str)> {
    let media = format.structure(0)?.name();
    let (_, name, parser) = CODECS.iter().find(|(known, ..)| *known == media.as_str())?;
    Some((name, parser))
}

/// Writes the clip and brings it to the disk.
pub fn write(selected: &Selection, path: &Path) -> Result<ClipWritten, MuxError> {
    let unplayable = |format: Option<&gst::Caps>| MuxError::Format {
        format: format.map_or("nothing".into(), ToString::to_string),
    };
    let first = selected.units.first().ok_or_else(|| unplayable(None))?;
    let (codec, parser) = codec_of(&first.format).ok_or_else(|| unplayable(Some(&first.format)))?;
    let (pipeline, source) = build(&first.format, parser, path)?;
    if HANGING.load(Ordering::Relaxed) >= HANGING_MAX {
        return Err(MuxError::Hangs);
    }
    let fed = feed(&pipeline, &source, &selected.units, path);
    match &fed {
        Err(MuxError::TooSlow { .. }) => leave_behind(pipeline),
        _ => {
            // A pipeline that does not even stop is nothing to wait for.
            let _ = pipeline.set_state(gst::State::Null);
        }
    }
    fed?;
    let synced = |source| MuxError::Sync { path: path.to_owned(), source };
    let file = File::open(path).map_err(synced)?;
    file.sync_all().map_err(synced)?;
    let mut shown: Vec<u64> = selected.units.iter().map(|unit| unit.captured_ns).collect();
    shown.sort_unstable();
    let gaps = shown.windows(2).map(|pair| pair[1] - pair[0]);
    Ok(ClipWritten {
        first_ns: shown.first().copied().unwrap_or(0),
        last_ns: shown.last().copied().unwrap_or(0),
        longest_gap_ns: gaps.max().unwrap_or(0),
        pictures: u32::try_from(shown.len()).unwrap_or(u32::MAX),
        bytes: file.metadata().map_err(synced)?.len(),
        codec: codec.to_owned(),
    })
}

/// Stopping it waits for whoever writes, as long as the disk hangs: nothing for this thread.
fn leave_behind(pipeline: gst::Pipeline) {
    HANGING.fetch_add(1, Ordering::Relaxed);
    let stopping = thread::Builder::new().name("clip-hangs".into()).spawn(move || {
        let _ = pipeline.set_state(gst::State::Null);
        HANGING.fetch_sub(1, Ordering::Relaxed);
    });
    if stopping.is_err() {
        tracing::error!("a clip that hangs cannot even be left behind");
    }
}

fn build(
    format: &gst::Caps,
    parser: &'static str,
    path: &Path,
) -> Result<(gst::Pipeline, gst_app::AppSrc), MuxError> {
    let make = |element: &'static str, package: &'static str| {
        gst::ElementFactory::make(element)
            .build()
            .map_err(|_| MuxError::ElementMissing { element, package })
    };
    // Takes all at once: the units lie in memory anyway, and nothing waits but for the time limit.
    let source = gst_app::AppSrc::builder()
        .caps(format)
        .format(gst::Format::Time)
        .max_bytes(0)
        .block(false)
        .build();
    let parser = make(parser, "gstreamer1.0-plugins-bad")?;
    let muxer = make("mp4mux", "gstreamer1.0-plugins-good")?;
    let mut gathered = path.as_os_str().to_owned();
    gathered.push(GATHERED);
    muxer.set_property("faststart", true);
    muxer.set_property("faststart-file", &*gathered.to_string_lossy());
    let sink = make("filesink", "libgstreamer1.0-0")?;
    sink.set_property("location", path);
    sink.set_property("sync", false);
    let pipeline = gst::Pipeline::new();
    let elements = [source.upcast_ref(), &parser, &muxer, &sink];
    let linked = pipeline.add_many(elements).and_then(|()| gst::Element::link_many(elements));
    linked.map_err(|error| MuxError::Write { path: path.to_owned(), reason: error.to_string() })?;
    Ok((pipeline, source))
}

fn feed(
    pipeline: &gst::Pipeline,
    source: &gst_app::AppSrc,
    units: &[Unit],
    path: &Path,
) -> Result<(), MuxError> {
    let failed = |reason: String| MuxError::Write { path: path.to_owned(), reason };
    let bus = pipeline.bus().ok_or_else(|| failed("the pipeline has no bus".into()))?;
    if pipeline.set_state(gst::State::Playing).is_err() {
        return Err(failed(said(&bus).unwrap_or_else(|| "the pipeline does not start".into())));
    }
    let until = clock::monotonic().after(WRITE_MAX);
    for buffer in timed(units) {
        if source.push_buffer(buffer).is_err() {
            break;
        }
        if let Some(reason) = said(&bus) {
            return Err(failed(reason));
        }
    }
    // Refused when the pipeline has failed, which the bus says.
    let _ = source.end_of_stream();
    loop {
        let wait = gst::ClockTime::from_nseconds(LOOK_EVERY.as_nanos() as u64);
        let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
        if let Some(message) = bus.timed_pop_filtered(wait, &kinds) {
            return match message.view() {
                gst::MessageView::Error(error) => Err(failed(error_text(error))),
                _ => Ok(()),
            };
        }
        if clock::monotonic() >= until {
            return Err(MuxError::TooSlow { path: path.to_owned() });
        }
    }
}

/// An error on the bus.
fn said(bus: &gst::Bus) -> Option<String> {
    let message = bus.pop_filtered(&[gst::MessageType::Error])?;
    match message.view() {
        gst::MessageView::Error(error) => Some(error_text(error)),
        _ => None,
    }
}

fn error_text(error: &gst::message::Error) -> String {
    error.error().to_string()
}

/// The units with times on a line that begins at zero. Cameras do not say when a picture is to be
/// decoded; since all are here, that can be told: in this order, each before it is shown.
fn timed(units: &[Unit]) -> impl Iterator<Item = gst::Buffer> {
    let mut shown: Vec<u64> = units.iter().map(|unit| unit.captured_ns).collect();
    shown.sort_unstable();
    let pairs = || shown.iter().zip(units);
    let late = |(at, unit): (&u64, &Unit)| at.saturating_sub(unit.captured_ns);
    let ahead_ns = pairs().map(late).max().unwrap_or(0);
    let zero_ns = shown.first().copied().unwrap_or(0);
    let decoded: Vec<u64> = shown.iter().map(|at| at - zero_ns).collect();
    let mut buffers = Vec::with_capacity(units.len());
    for (place, unit) in units.iter().enumerate() {
        let mut buffer = gst::Buffer::from_slice(unit.bytes.clone());
        let next = decoded.get(place + 1).copied();
        let length_ns = match (next, place.checked_sub(1)) {
            (Some(next), _) => next - decoded[place],
            (None, Some(before)) => decoded[place] - decoded[before],
            (None, None) => USUAL_LENGTH_NS,
        };
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_dts(gst::ClockTime::from_nseconds(decoded[place]));
            let shown_ns = unit.captured_ns - zero_ns + ahead_ns;
            buffer.set_pts(gst::ClockTime::from_nseconds(shown_ns));
            buffer.set_duration(gst::ClockTime::from_nseconds(length_ns));
            if unit.kind == UnitKind::Delta {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        buffers.push(buffer);
    }
    buffers.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_picture_is_shown_before_it_is_decoded_and_both_lines_rise() {
        gst::init().expect("GStreamer starts");
        let format = gst::Caps::builder("video/x-h264").build();
        let unit = |captured_ns| Unit {
            captured_ns,
            kind: UnitKind::Delta,
            format: format.clone(),
            bytes: vec![0].into(),
        };
        // I P B B P B B, and a hole before the last three.
        let units: Vec<Unit> = [100, 400, 200, 300, 1700, 1500, 1600].map(unit).into();
        let buffers: Vec<gst::Buffer> = timed(&units).collect();
        let at = |time: Option<gst::ClockTime>| time.expect("a time").nseconds();
        let decoded: Vec<u64> = buffers.iter().map(|buffer| at(buffer.dts())).collect();
        let shown: Vec<u64> = buffers.iter().map(|buffer| at(buffer.pts())).collect();
        assert!(decoded.is_sorted(), "{decoded:?}");
        assert!(decoded.iter().zip(&shown).all(|(decode, show)| decode <= show), "{shown:?}");
        let gaps: Vec<u64> =
            [(0, 2), (2, 3), (3, 1), (1, 5)].map(|(a, b)| shown[b] - shown[a]).into();
        assert_eq!(gaps, [100, 100, 100, 1100]);
    }
}
