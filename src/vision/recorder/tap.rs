//! Where encoded video is taken from a source's pipeline, whatever the source is made of.
//!
//! A probe on every video decoder's entry sees what the camera sent, picture by picture. Where that
//! is nothing that browsers play (raw cameras, motion JPEG, MPEG-4 of old), decoded pictures go to
//! an encoder instead, at a low rate.
//!
//! Capture times are those of the pictures that are looked at: running time on the pipeline's clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gst::prelude::*;
use gstreamer as gst;

use super::encode::Encoder;
use super::ring::{Unit, UnitKind};
use super::{CameraRing, mux};

/// Units that wait until the pipeline plays and there is somebody to keep them: the beginning of a
/// stream holds the key frame that everything up to the next one needs.
const WAITING_MAX: usize = 64;

/// The taps of one pipeline. Dropped with it.
pub struct Tap {
    shared: Arc<Shared>,
}

struct Shared {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ring: Option<Arc<CameraRing>>,
    /// The pad that encoded video comes from; a second stream is somebody else's.
    pad: Option<gst::glib::WeakRef<gst::Pad>>,
    waiting: Vec<Waiting>,
    /// Time of the unit before.
    newest: Option<gst::ClockTime>,
    video: Video,
}

/// Where the camera's video comes from.
#[derive(Default)]
enum Video {
    /// Nothing has come that can be kept.
    #[default]
    None,
    AsSent,
    Encoded(Encoder),
    /// It was tried and does not work.
    Impossible,
}

/// A unit whose time is known on the stream only.
struct Waiting {
    running: gst::ClockTime,
    kind: UnitKind,
    format: gst::Caps,
    bytes: Arc<[u8]>,
}

impl Tap {
    /// Watches `pipeline` for decoders; decoded pictures pass `decoded`.
    pub fn attach(pipeline: &gst::Pipeline, decoded: &gst::Pad) -> Tap {
        let shared = Arc::new(Shared { pipeline: pipeline.downgrade(), state: Mutex::default() });
        let ours = Arc::clone(&shared);
        pipeline.connect_deep_element_added(move |_, _, element| ours.look_at(element));
        let ours = Arc::clone(&shared);
        decoded.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let Some(buffer) = info.buffer() {
                ours.decoded(pad, buffer);
            }
            gst::PadProbeReturn::Ok
        });
        Tap { shared }
    }

    /// Keeps everything in `ring` from now on, and what has waited for it.
    pub fn keep_in(&self, ring: Arc<CameraRing>) {
        self.shared.lock().ring = Some(ring);
    }
}

impl Shared {
    fn look_at(self: &Arc<Shared>, element: &gst::Element) {
        // Parsers repeat what a decoder must know before every key frame, or a clip that does not
        // begin with the stream could not be shown.
        if element.factory().is_some_and(|it| matches!(&*it.name(), "h264parse" | "h265parse")) {
            element.set_property("config-interval", -1);
        }
        if !is_video_decoder(element) {
            return;
        }
        let Some(pad) = element.static_pad("sink") else {
            return;
        };
        let ours = Arc::downgrade(self);
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let (Some(ours), Some(buffer)) = (ours.upgrade(), info.buffer()) {
                ours.encoded(pad, buffer);
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn encoded(&self, pad: &gst::Pad, buffer: &gst::BufferRef) {
        let Some(format) = pad.current_caps().filter(|format| mux::is_playable(format)) else {
            return;
        };
        let Ok(map) = buffer.map_readable() else {
            return;
        };
        let kind = match buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            true => UnitKind::Delta,
            false => UnitKind::Key,
        };
        // Copied: buffers belong to pools of drivers, or hold far more memory than they show.
        let bytes = Arc::from(map.as_slice());
        let mut state = self.lock();
        let first = state.pad.get_or_insert_with(|| pad.downgrade()).upgrade();
        if first.as_ref() != Some(pad) {
            return;
        }
        if !matches!(state.video, Video::AsSent) {
            state.video = Video::AsSent;
            tracing::debug!("the recorder keeps what the camera sends: {format}");
        }
        // One without a time belongs to the one before; without it, those after could not be shown.
        let Some(running) = running_time(pad, buffer).or(state.newest) else {
            return;
        };
        state.newest = Some(running);
        state.waiting.push(Waiting { running, kind, format, bytes });
        state.hand_over(self.base_time());
    }

    /// A decoded picture: wanted only where nothing else can be kept.
    fn decoded(&self, pad: &gst::Pad, buffer: &gst::BufferRef) {
        let base = self.base_time();
        let mut state = self.lock();
        let (Some(ring), Some(base)) = (state.ring.clone(), base) else {
            return;
        };
        if matches!(state.video, Video::None) {
            state.video = match pad.current_caps().map(|caps| Encoder::start(&caps, &ring)) {
                Some(Ok(encoder)) => Video::Encoded(encoder),
                Some(Err(error)) => {
                    tracing::warn!("no clips of this camera: {error}");
                    ring.explain(Some(error.to_string()));
                    Video::Impossible
                }
                None => return,
            };
        }
        if let (Video::Encoded(encoder), Some(running)) =
            (&mut state.video, running_time(pad, buffer))
        {
            encoder.take(pad, buffer, (base + running).nseconds());
        }
    }

    /// When the pipeline's running time began; `None` while it does not play.
    fn base_time(&self) -> Option<gst::ClockTime> {
        let pipeline = self.pipeline.upgrade()?;
        pipeline.base_time().filter(|base| *base > gst::ClockTime::ZERO)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hand_over(&mut self, base: Option<gst::ClockTime>) {
        let (Some(ring), Some(base)) = (&self.ring, base) else {
            if self.waiting.len() >= WAITING_MAX {
                // Nobody keeps it, or it does not play. Without its beginning the rest is nothing.
                self.waiting.clear();
            }
            return;
        };
        for unit in self.waiting.drain(..) {
            let Waiting { running, kind, format, bytes } = unit;
            let captured_ns = (base + running).nseconds();
            ring.push(Unit { captured_ns, kind, format, bytes });
        }
        ring.explain(None);
    }
}

fn is_video_decoder(element: &gst::Element) -> bool {
    let Some(factory) = element.factory() else {
        return false;
    };
    let klass = factory.metadata(gst::ELEMENT_METADATA_KLASS).unwrap_or_default();
    let says = |word| klass.split('/').any(|part| part == word);
    says("Decoder") && says("Codec") && (says("Video") || says("Image"))
}

fn running_time(pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
    let event = pad.sticky_event::<gst::event::Segment>(0)?;
    let segment = event.segment().downcast_ref::<gst::ClockTime>()?;
    segment.to_running_time(buffer.pts()?)
}
