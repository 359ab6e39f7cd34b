//! Where encoded video is taken from a source's pipeline, whatever the source is made of.
//!
//! A probe on every video decoder's entry sees what the camera sent, picture by picture. Where that
//! is nothing that browsers play (raw cameras, motion JPEG, MPEG-4 of old), decoded pictures go to
//! an encoder instead, at a low rate.
//!
//! Capture times are those of the pictures that are looked at: what the stream's packets say, else running
//! time on the pipeline's clock.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use gst::prelude::*;
use gstreamer as gst;

use super::encode::Encoder;
use super::ring::{Unit, UnitKind};
use super::row::running_time;
use super::{CameraRing, mux};
use crate::clock;

/// Units that wait until the pipeline plays and there is somebody to keep them: the beginning of a
/// stream holds the key frame that everything up to the next one needs.
const WAITING_MAX: usize = 64;

/// The taps of one pipeline. Dropped with it.
pub struct Tap {
    shared: Arc<Shared>,
}

/// When the picture with this time stamp was captured, nanoseconds; `None`: it is not known.
type Captured = Box<dyn Fn(u64) -> Option<u64> + Send + Sync>;

struct Shared {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    /// What the stream's packets say.
    captured: OnceLock<Captured>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ring: Option<Arc<CameraRing>>,
    /// The pad that encoded video comes from; a second stream is somebody else's.
    pad: Option<gst::glib::WeakRef<gst::Pad>>,
    waiting: Vec<Waiting>,
    /// Time of the unit before.
    newest: Option<Time>,
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

/// A unit's time.
#[derive(Clone, Copy)]
enum Time {
    /// When it was captured, nanoseconds.
    Captured(u64),
    /// On the pipeline's line.
    Running(gst::ClockTime),
}

impl Time {
    fn captured_ns(self, base: gst::ClockTime) -> u64 {
        match self {
            Time::Captured(at_ns) => at_ns,
            Time::Running(running) => (base + running).nseconds(),
        }
    }
}

/// A unit that waits for somebody to keep it.
struct Waiting {
    time: Time,
    kind: UnitKind,
    format: gst::Caps,
    bytes: Arc<[u8]>,
}

impl Tap {
    /// Watches `pipeline` for decoders; decoded pictures pass `decoded`.
    pub fn attach(pipeline: &gst::Pipeline, decoded: &gst::Pad) -> Tap {
        let shared = Arc::new(Shared {
            pipeline: pipeline.downgrade(),
            captured: OnceLock::new(),
            state: Mutex::default(),
        });
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

    /// Pictures were captured when `captured` says, where it says anything of their time stamps.
    pub fn timed_by(&self, captured: impl Fn(u64) -> Option<u64> + Send + Sync + 'static) {
        // There is one stream to a pipeline.
        let _ = self.shared.captured.set(Box::new(captured));
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
        let Some(time) = self.time(pad, buffer).or(state.newest) else {
            return;
        };
        state.newest = Some(time);
        state.waiting.push(Waiting { time, kind, format, bytes });
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
        if let (Video::Encoded(encoder), Some(time)) = (&mut state.video, self.time(pad, buffer)) {
            encoder.take(pad, buffer, time.captured_ns(base));
        }
    }

    fn time(&self, pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<Time> {
        let pts = buffer.pts()?;
        let said = self.captured.get().and_then(|captured| captured(pts.nseconds()));
        match said {
            // No picture is from later than now.
            Some(at_ns) => Some(Time::Captured(at_ns.min(clock::monotonic().as_nanos()))),
            None => running_time(pad, buffer).map(Time::Running),
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
            let Waiting { time, kind, format, bytes } = unit;
            let captured_ns = time.captured_ns(base);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{ClipSpan, RingBounds};

    /// Half an hour, nanoseconds: what a camera's clock may say of its pictures.
    const CAMERA_SAYS_NS: u64 = 1_800_000_000_000;

    #[test]
    fn video_has_the_times_that_its_packets_say_and_not_those_of_the_pipeline() {
        gst::init().expect("GStreamer starts");
        let pipeline = gst::Pipeline::new();
        let sink = gst::ElementFactory::make("fakesink").build().expect("a sink");
        pipeline.add(&sink).expect("added");
        let entry = sink.static_pad("sink").expect("a pad");
        let tap = Tap::attach(&pipeline, &entry);
        let said = |pts_ns| pts_ns + 7_000_000;
        tap.timed_by(move |pts_ns| (pts_ns < CAMERA_SAYS_NS).then(|| said(pts_ns)));
        let ring = Arc::new(CameraRing::new(RingBounds { seconds: 50, bytes_max: 1 << 24 }));
        tap.keep_in(Arc::clone(&ring));
        let camera = "videotestsrc num-buffers=20 ! \
             video/x-raw,format=I420,width=64,height=48,framerate=10/1 ! openh264enc ! \
             h264parse ! avdec_h264";
        let camera = gst::parse::bin_from_description(camera, true).expect("a camera");
        pipeline.add(&camera).expect("added");
        camera.link(&sink).expect("linked");
        pipeline.set_state(gst::State::Playing).expect("it plays");
        let bus = pipeline.bus().expect("a bus");
        let wait = gst::ClockTime::from_seconds(30);
        let ended = bus.timed_pop_filtered(wait, &[gst::MessageType::Eos, gst::MessageType::Error]);
        assert!(ended.is_some_and(|message| message.type_() == gst::MessageType::Eos));
        pipeline.set_state(gst::State::Null).expect("it stops");
        let units = ring.select(ClipSpan::between(0, u64::MAX)).expect("video").units;
        let times: Vec<u64> = units.iter().map(|unit| unit.captured_ns).collect();
        let frames: Vec<u64> = (0..20).map(|n| said(n * 100_000_000)).collect();
        assert_eq!(times, frames);
    }
}
