//! Elements in a row that work in the thread that pushes into them, and in no other.
//!
//! A pipeline's threads come out of GStreamer's pool: they are as urgent as whoever made the first of
//! them, and one that is made less urgent goes back to the pool as it is, perhaps to a camera. Here a
//! thread of low priority does all of the work itself, and sees an error where it happens.

use std::sync::{Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;

/// Why pictures cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    #[error("what works on the pictures cannot be built")]
    Build(#[source] gst::glib::Error),
    #[error("what works on the pictures does not start")]
    Start,
    #[error("the pictures cannot be worked on: {0}")]
    Failed(String),
}

/// Something that came out at the end.
pub struct Taken {
    pub format: gst::Caps,
    pub buffer: gst::Buffer,
    /// Its time on the line of what was pushed.
    pub at: gst::ClockTime,
}

type Flow = Result<gst::FlowSuccess, gst::FlowError>;

pub struct Row {
    bin: gst::Bin,
    bus: gst::Bus,
    entry: gst::Pad,
    /// Lives as long as what it is linked to.
    _exit: gst::Pad,
}

impl Row {
    /// Elements as `gst-launch-1.0` takes them, the last no mere format, for pictures of this one. `taken` gets what comes
    /// out.
    pub fn start(
        elements: &str,
        format: &gst::Caps,
        taken: impl FnMut(Taken) -> Flow + Send + 'static,
    ) -> Result<Row, RowError> {
        let bin = gst::parse::bin_from_description(elements, true).map_err(RowError::Build)?;
        let bus = gst::Bus::new();
        // Each message holds the element that it is from, and nobody reads any but errors.
        bus.set_sync_handler(|_, message| match message.type_() {
            gst::MessageType::Error => gst::BusSyncReply::Pass,
            _ => gst::BusSyncReply::Drop,
        });
        bin.set_bus(Some(&bus));
        let exit = exit(taken);
        let entry = gst::Pad::builder(gst::PadDirection::Src).name("entry").build();
        let (Some(first), Some(last)) = (bin.static_pad("sink"), bin.static_pad("src")) else {
            return Err(RowError::Start);
        };
        let linked = last.link(&exit).is_ok() && entry.link(&first).is_ok();
        let active = exit.set_active(true).is_ok() && entry.set_active(true).is_ok();
        let row = Row { bin, bus, entry, _exit: exit };
        if !linked || !active || row.bin.set_state(gst::State::Playing).is_err() {
            return Err(RowError::Start);
        }
        row.entry.push_event(gst::event::StreamStart::new("pictures"));
        row.retune(format);
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        row.entry.push_event(gst::event::Segment::new(&segment));
        Ok(row)
    }

    /// What is pushed from now on has this format.
    pub fn retune(&self, format: &gst::Caps) {
        // Refused: the next picture says so.
        self.entry.push_event(gst::event::Caps::new(format));
    }

    /// Returns when all is done that can be done with it.
    pub fn push(&self, buffer: gst::Buffer) -> Result<(), RowError> {
        match self.entry.push(buffer) {
            Ok(_) => Ok(()),
            Err(flow) => Err(RowError::Failed(said(&self.bus).unwrap_or_else(|| flow.to_string()))),
        }
    }

    /// Nothing more comes: what is still held comes out.
    pub fn end(&self) {
        self.entry.push_event(gst::event::Eos::new());
    }

    /// An element by its name.
    pub fn element(&self, name: &str) -> Option<gst::Element> {
        self.bin.by_name(name)
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        // Nothing can be done about elements that do not even stop.
        let _ = self.bin.set_state(gst::State::Null);
        let _ = self.entry.set_active(false);
        // An error that nobody took holds its element, which holds the bus: only a pipeline's bus
        // lets go by itself.
        self.bus.set_flushing(true);
    }
}

fn exit(taken: impl FnMut(Taken) -> Flow + Send + 'static) -> gst::Pad {
    let taken = Mutex::new(taken);
    let chain = move |pad: &gst::Pad, _: Option<&gst::Object>, buffer: gst::Buffer| {
        let (Some(format), Some(at)) = (pad.current_caps(), running_time(pad, &buffer)) else {
            return Ok(gst::FlowSuccess::Ok);
        };
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken(Taken { format, buffer, at })
    };
    gst::Pad::builder(gst::PadDirection::Sink)
        .name("exit")
        .chain_function(chain)
        .event_function(|_, _, _| true)
        .build()
}

/// The error on the bus that says most: the first one.
fn said(bus: &gst::Bus) -> Option<String> {
    let message = bus.pop_filtered(&[gst::MessageType::Error])?;
    match message.view() {
        gst::MessageView::Error(error) => Some(error.error().to_string()),
        _ => None,
    }
}

/// A buffer's time on its stream's line.
pub fn running_time(pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
    let event = pad.sticky_event::<gst::event::Segment>(0)?;
    let segment = event.segment().downcast_ref::<gst::ClockTime>()?;
    segment.to_running_time(buffer.pts()?)
}
