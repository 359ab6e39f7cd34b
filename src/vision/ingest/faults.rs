//! The fault injector as a stage of the pipeline: decoded pictures pass through it before they are
//! scaled. Only replays put it in.
//!
//! Not here: what each fault looks like (`crate::integrity::faults`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::VideoFrameExt;

use crate::integrity::faults::{Canvas, FaultSpan, Injector, Passes};

use super::SourceError;
use super::chain::{DROPPED, broken, make};

/// Puts the stage in front of `next` and returns the element that sources are linked to.
pub(super) fn stage(
    pipeline: &gst::Pipeline,
    next: &gst::Element,
    spans: Vec<FaultSpan>,
    source_name: &str,
) -> Result<gst::Element, SourceError> {
    let convert = make("videoconvert", "gstreamer1.0-plugins-base")?;
    let format = make("capsfilter", "libgstreamer1.0-0")?;
    let bgr = gst_video::VideoCapsBuilder::new().format(gst_video::VideoFormat::Bgr).build();
    format.set_property("caps", bgr);
    let linked = pipeline
        .add_many([&convert, &format])
        .and_then(|()| gst::Element::link_many([&convert, &format, next]));
    let (Ok(()), Some(pad)) = (linked, format.static_pad("src")) else {
        return Err(broken(source_name, "the fault injector cannot be put in"));
    };
    let injector = Mutex::new(Injector::new(spans));
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let time = info.buffer().and_then(|buffer| stream_time(pad, buffer));
        let painted = info.buffer_mut().and_then(|buffer| paint(&injector, pad, buffer, time?));
        match painted {
            Some(Passes::No) => DROPPED,
            Some(Passes::Yes) | None => gst::PadProbeReturn::Ok,
        }
    });
    Ok(convert)
}

fn stream_time(pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<Duration> {
    let event = pad.sticky_event::<gst::event::Segment>(0)?;
    let segment = event.segment().downcast_ref::<gst::ClockTime>()?;
    let time = segment.to_stream_time(buffer.pts()?)?;
    Some(Duration::from_nanos(time.nseconds()))
}

fn paint(
    injector: &Mutex<Injector>,
    pad: &gst::Pad,
    buffer: &mut gst::Buffer,
    time: Duration,
) -> Option<Passes> {
    let caps = pad.current_caps()?;
    let info = gst_video::VideoInfo::from_caps(&caps).ok()?;
    let buffer = buffer.make_mut();
    let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, &info).ok()?;
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let stride = usize::try_from(*frame.plane_stride().first()?).ok()?;
    let canvas = Canvas::new(frame.plane_data_mut(0).ok()?, width, height, stride)?;
    Some(injector.lock().unwrap_or_else(PoisonError::into_inner).paint(canvas, time))
}
