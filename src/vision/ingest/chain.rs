//! The part every source shares: count, drop, scale, convert, hand out.
//!
//! ```text
//! decoded video ─> [probe: count, judge, tag] ─> videoconvertscale ─> capsfilter ─> appsink ─> next()
//! ```
//!
//! The probe sits in front of the scaler, so a picture beyond the wanted rate costs its decoding
//! and nothing more. It also sees a change of the picture's size before the scaler does, and sets
//! the content size for it: a source may change its resolution at any time.
//!
//! A picture's index and its source size travel through the scaler in the buffer's `offset` and
//! `offset_end`, which mean nothing for raw video and which every transform copies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use crate::clock;
use crate::engine::detection::FrameSize;
use crate::link::{CaptureClock, Stream};

use super::super::preprocess::Fit;
use super::super::recorder::{CameraRing, Tap};
use super::capture::Captured;
use super::decode;
use super::failure::{Failure, Reported};
use super::fallback::DecoderFailure;
use super::limit::{FPS_MAX, LiveRateLimit, RateLimit, Verdict};
use super::packets::Packets;
use super::{Frame, Pace, Picture, Polled, SourceError, UNUSABLE_PICTURE};

/// Pictures waiting to be taken, as fast as they are taken: enough that decoder and taker do not
/// wait for each other, few enough that 4 MB pictures do not matter.
const QUEUE_PICTURES: u32 = 3;

/// How often a waiting `next` looks at the bus: an error is heard after this long at the latest.
const BUS_LOOK_EVERY: Duration = Duration::from_millis(20);

/// Shrinking by more than this needs a filter that looks at all source pixels; below it the plain
/// two-tap filter loses nothing and costs half.
const PLAIN_SHRINK_MAX: f64 = 1.5;

/// Ends a picture's way. Not `Drop`: the binding has freed the buffer by then, and GStreamer would
/// complain about freeing it again, once a picture.
pub(in crate::vision) const DROPPED: gst::PadProbeReturn = gst::PadProbeReturn::Handled;

/// A running pipeline from its first element to the appsink.
pub(super) struct Chain {
    pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
    bus: gst::Bus,
    probed: Arc<Mutex<Probed>>,
    reported: Reported,
    source_name: String,
    pace: Pace,
    /// What a picture's running time rests on, where nothing better is known.
    clock: CaptureClock,
    packets: Option<Packets>,
    /// What the newest picture's instant rests on.
    newest_clock: CaptureClock,
    taken: u64,
    /// Where encoded video is taken; replay keeps none.
    tap: Option<Tap>,
}

/// What the probe knows; shared with the streaming thread.
struct Probed {
    /// What pictures are scaled for, and how they come.
    fit: Fit,
    caps: Option<gst::Caps>,
    /// Whether that was told to the scaler.
    scaled: Scaled,
    limit: Limit,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    source_size: Option<FrameSize>,
    /// Length of one picture by the stream's frame rate.
    usual_length: Duration,
    decoded: u64,
    /// End of the last picture on the video's time line.
    ended_at: Duration,
    failure: Option<Failure>,
}

/// Which pictures are kept, by the source's pace.
enum Limit {
    Video(RateLimit),
    Live(LiveRateLimit),
}

/// Whether pictures are scaled as they should be.
#[derive(PartialEq, Eq)]
enum Scaled {
    Yes,
    /// From the next picture on.
    Next,
}

/// What a chain is built for.
#[derive(Clone, Debug)]
pub(super) struct ChainOptions {
    pub source_name: String,
    pub fit: Fit,
    pub pace: Pace,
    pub fps: Option<f64>,
    /// What a picture's running time rests on.
    pub clock: CaptureClock,
}

impl Chain {
    /// Builds the shared part; the caller adds its source elements and links them to the returned
    /// element, then calls `play`.
    pub fn build(options: ChainOptions) -> Result<(Chain, gst::Element), SourceError> {
        gst::init().map_err(SourceError::Start)?;
        if let Some(fps) = options.fps
            && !(fps > 0.0 && fps <= FPS_MAX)
        {
            return Err(SourceError::Rate { fps, max: FPS_MAX });
        }
        let scaler = make("videoconvertscale", "gstreamer1.0-plugins-base")?;
        let caps = make("capsfilter", "libgstreamer1.0-0")?;
        let (buffers, drop, sync) = match options.pace {
            Pace::Clock | Pace::Live => (1, true, true),
            Pace::AsFast => (QUEUE_PICTURES, false, false),
        };
        let sink = gst_app::AppSink::builder().max_buffers(buffers).drop(drop).sync(sync).build();
        sink.set_property("enable-last-sample", false);
        let pipeline = gst::Pipeline::new();
        // The pipeline's time is CLOCK_MONOTONIC, whatever clocks the elements offer.
        let system = gst::SystemClock::obtain();
        system.set_property("clock-type", gst::ClockType::Monotonic);
        pipeline.use_clock(Some(&system));
        let elements = [&scaler, &caps, sink.upcast_ref()];
        let linked = pipeline.add_many(elements).and_then(|()| gst::Element::link_many(elements));
        let bus = pipeline.bus();
        let (Ok(()), Some(bus), Some(pad)) = (linked, bus, scaler.static_pad("sink")) else {
            return Err(broken(&options.source_name, "the pipeline cannot be built"));
        };
        let probed = Arc::new(Mutex::new(Probed {
            fit: options.fit,
            caps: None,
            scaled: Scaled::Yes,
            limit: match options.pace {
                Pace::Clock | Pace::AsFast => Limit::Video(RateLimit::new(options.fps)),
                Pace::Live => Limit::Live(LiveRateLimit::new(options.fps)),
            },
            segment: None,
            source_size: None,
            usual_length: Duration::ZERO,
            decoded: 0,
            ended_at: Duration::ZERO,
            failure: None,
        }));
        install_probe(&pad, Arc::clone(&probed), &scaler, &caps);
        let tap = match options.pace {
            Pace::Clock | Pace::Live => Some(Tap::attach(&pipeline, &pad)),
            Pace::AsFast => None,
        };
        let chain = Chain {
            tap,
            pipeline,
            sink,
            bus,
            probed,
            reported: Reported::default(),
            source_name: options.source_name,
            pace: options.pace,
            clock: options.clock,
            packets: None,
            newest_clock: options.clock,
            taken: 0,
        };
        Ok((chain, scaler))
    }

    /// The pipeline, for adding source elements.
    pub fn pipeline(&self) -> &gst::Pipeline {
        &self.pipeline
    }

    /// Pictures are as old as their packets say, where they say it.
    pub fn timed_by(&mut self, packets: Packets) {
        if let Some(tap) = &self.tap {
            // Clips have the times of the pictures that are looked at.
            let packets = packets.clone();
            tap.timed_by(move |pts_ns| Some(packets.lock().captured(pts_ns)?.at_ns));
        }
        self.packets = Some(packets);
    }

    /// How the pictures come, as far as a pipeline knows.
    pub fn stream(&self) -> Stream {
        Stream {
            decoder: decode::in_use(&self.pipeline),
            transport: None,
            clock: self.newest_clock,
            clock_refused: None,
            decoder_failed: None,
        }
    }

    /// The decoder that reported an error.
    pub fn decoder_failed(&self) -> Option<DecoderFailure> {
        self.reported.decoder().cloned()
    }

    /// Scales pictures for this from the next one on; nothing is opened anew.
    pub fn refit(&self, fit: Fit) {
        let mut probed = lock(&self.probed);
        if probed.fit != fit {
            (probed.fit, probed.scaled) = (fit, Scaled::Next);
        }
    }

    /// Keeps the encoded video in `ring`, with what has come already.
    pub fn record(&self, ring: Arc<CameraRing>) {
        if let Some(tap) = &self.tap {
            tap.keep_in(ring);
        }
    }

    /// A handle with which callbacks of source elements report that there is nothing to play.
    pub fn failure_slot(&self) -> impl Fn(Failure) + Send + Sync + 'static {
        let probed = Arc::clone(&self.probed);
        move |failure| {
            lock(&probed).failure.get_or_insert(failure);
        }
    }

    /// Starts the pipeline; failures come out of `next`.
    pub fn play(&mut self) -> Result<(), SourceError> {
        if self.pace == Pace::Live
            && self.pipeline.set_state(gst::State::Paused) == Ok(gst::StateChangeSuccess::NoPreroll)
        {
            // Synchronised, each picture would wait for the longest delay any element may need.
            self.sink.set_property("sync", false);
        }
        if self.pipeline.set_state(gst::State::Playing).is_err() {
            self.look_at_bus()?;
            return Err(broken(&self.source_name, "the pipeline does not start"));
        }
        Ok(())
    }

    /// Pictures decoded so far, also those dropped to keep the rate.
    pub fn decoded(&self) -> u64 {
        lock(&self.probed).decoded
    }

    /// Where the last decoded picture ends on the video's time line.
    pub fn ended_at(&self) -> Duration {
        lock(&self.probed).ended_at
    }

    /// The duration the pipeline believes in, once it plays.
    pub fn duration(&self) -> Option<Duration> {
        let duration = self.pipeline.query_duration::<gst::ClockTime>()?;
        Some(Duration::from_nanos(duration.nseconds()))
    }

    /// Waits at most `wait` for the next picture.
    pub fn next(&mut self, wait: Duration) -> Result<Polled, SourceError> {
        let until = clock::monotonic().after(wait);
        loop {
            self.look_at_bus()?;
            let left = until.since(clock::monotonic()).min(BUS_LOOK_EVERY);
            let nanos = u64::try_from(left.as_nanos()).unwrap_or(0);
            if let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::from_nseconds(nanos)) {
                self.taken += 1;
                let frame = self.frame(&sample)?;
                self.newest_clock = frame.clock;
                return Ok(Polled::Frame(frame));
            }
            if self.sink.is_eos() {
                self.look_at_bus()?;
                return Ok(Polled::Ended);
            }
            if clock::monotonic() >= until {
                return Ok(Polled::Idle);
            }
        }
    }

    fn frame(&self, sample: &gst::Sample) -> Result<Frame, SourceError> {
        let arrived_ns = clock::monotonic().as_nanos();
        let unusable =
            |reason| SourceError::Picture { source_name: self.source_name.clone(), reason };
        let buffer = sample.buffer_owned().ok_or(unusable("it is empty"))?;
        let caps = sample.caps().ok_or(unusable("it has no format"))?;
        let info = gst_video::VideoInfo::from_caps(caps)
            .map_err(|_| unusable("its format is not understood"))?;
        let segment = sample.segment();
        let segment = segment.and_then(|s| s.downcast_ref::<gst::ClockTime>());
        let (pts, index, size) = (buffer.pts(), buffer.offset(), buffer.offset_end());
        let time = segment.and_then(|s| s.to_stream_time(pts?));
        let running = segment.and_then(|s| s.to_running_time(pts?));
        let by_packets = pts.and_then(|pts| {
            self.packets.as_ref().and_then(|packets| packets.lock().captured(pts.nseconds()))
        });
        let by_pipeline = || match (self.pace, self.pipeline.base_time(), running) {
            (Pace::Clock | Pace::Live, Some(base), Some(running)) => (base + running).nseconds(),
            _ => arrived_ns,
        };
        let captured =
            by_packets.unwrap_or_else(|| Captured { at_ns: by_pipeline(), clock: self.clock });
        let source_size = FrameSize::new((size >> 32) as u32, (size & 0xffff_ffff) as u32)
            .ok_or(unusable("its source size is unknown"))?;
        let frame = gst_video::VideoFrame::from_buffer_readable(buffer, &info)
            .map_err(|_| unusable("its memory cannot be read"))?;
        let picture = Picture { frame: Box::new(frame) };
        // Told here it ends this source, which is then opened again; later it would be too late.
        if picture.as_ref().is_none() {
            return Err(unusable(UNUSABLE_PICTURE));
        }
        Ok(Frame {
            index,
            time: Duration::from_nanos(time.map_or(0, gst::ClockTime::nseconds)),
            captured_ns: captured.at_ns.min(arrived_ns),
            clock: captured.clock,
            arrived_ns,
            source_size,
            picture,
        })
    }

    /// Turns whatever GStreamer reported into an error.
    fn look_at_bus(&mut self) -> Result<(), SourceError> {
        while let Some(message) = self.bus.pop() {
            self.reported.add(&message);
        }
        let probed = lock(&self.probed);
        let after = probed.ended_at;
        let failure = probed.failure.clone();
        drop(probed);
        match self.reported.failure(failure) {
            Some(failure) => Err(failure.into_error(&self.source_name, after)),
            None => Ok(()),
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // Nothing can be done about a pipeline that does not even stop.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// An element, or which package brings it.
pub(super) fn make(
    element: &'static str,
    package: &'static str,
) -> Result<gst::Element, SourceError> {
    gst::ElementFactory::make(element)
        .build()
        .map_err(|_| SourceError::ElementMissing { element, package })
}

pub(super) fn broken(source_name: &str, reason: &str) -> SourceError {
    SourceError::Broken {
        source_name: source_name.to_owned(),
        after_s: 0.0,
        reason: reason.to_owned(),
    }
}

fn lock(probed: &Mutex<Probed>) -> MutexGuard<'_, Probed> {
    probed.lock().unwrap_or_else(PoisonError::into_inner)
}

fn install_probe(
    pad: &gst::Pad,
    probed: Arc<Mutex<Probed>>,
    scaler: &gst::Element,
    caps_filter: &gst::Element,
) {
    // Weak: the probe lives inside the pipeline these elements belong to.
    let (scaler, caps_filter) = (scaler.downgrade(), caps_filter.downgrade());
    let kinds = gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER;
    pad.add_probe(kinds, move |_, info| {
        if let Some(buffer) = info.buffer_mut() {
            let mut probed = lock(&probed);
            if probed.scaled == Scaled::Next
                && let (Some(scaler), Some(filter)) = (scaler.upgrade(), caps_filter.upgrade())
            {
                probed.scale(&scaler, &filter);
            }
            return probed.judge(buffer);
        }
        if let Some(event) = info.event() {
            match event.view() {
                gst::EventView::Segment(segment) => {
                    let segment = segment.segment().downcast_ref::<gst::ClockTime>();
                    lock(&probed).segment = segment.cloned();
                }
                gst::EventView::Caps(caps) => {
                    if let (Some(scaler), Some(filter)) = (scaler.upgrade(), caps_filter.upgrade())
                    {
                        let mut probed = lock(&probed);
                        probed.caps = Some(caps.caps_owned());
                        probed.scale(&scaler, &filter);
                    }
                }
                _ => {}
            }
        }
        gst::PadProbeReturn::Ok
    });
}

impl Probed {
    fn judge(&mut self, buffer: &mut gst::Buffer) -> gst::PadProbeReturn {
        let index = self.decoded;
        self.decoded += 1;
        let on_line = self.segment.as_ref();
        let time = on_line.and_then(|segment| segment.to_stream_time(buffer.pts()?));
        // A picture without a time stamp follows the one before.
        let time = time.map_or(self.ended_at, |time| Duration::from_nanos(time.nseconds()));
        let length = buffer.duration().map(|d| Duration::from_nanos(d.nseconds()));
        let end = time.saturating_add(length.unwrap_or(self.usual_length));
        self.ended_at = self.ended_at.max(end);
        let Some(size) = self.source_size else {
            return DROPPED;
        };
        let verdict = match &mut self.limit {
            Limit::Video(limit) => limit.judge(time),
            Limit::Live(limit) => limit.judge(time),
        };
        if verdict == Verdict::Drop {
            return DROPPED;
        }
        let buffer = buffer.make_mut();
        buffer.set_offset(index);
        buffer.set_offset_end(((size.width_px() as u64) << 32) | size.height_px() as u64);
        gst::PadProbeReturn::Ok
    }

    /// Pictures of this size come, or are to go out at another.
    fn scale(&mut self, scaler: &gst::Element, filter: &gst::Element) {
        self.scaled = Scaled::Yes;
        let Some(caps) = &self.caps else {
            return;
        };
        let Ok(info) = gst_video::VideoInfo::from_caps(caps) else {
            self.failure.get_or_insert(Failure::Format);
            return;
        };
        let Some(size) = FrameSize::new(info.width(), info.height()) else {
            self.failure.get_or_insert(Failure::Format);
            return;
        };
        self.source_size = Some(size);
        let fps = info.fps();
        if fps.numer() > 0 {
            let seconds = f64::from(fps.denom()) / f64::from(fps.numer());
            self.usual_length = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        }
        // Pixels that are not square are made so: the model knows people, not anamorphic people.
        let (wide, high) = (info.par().numer(), info.par().denom());
        let shown_width = match wide > 0 && high > 0 {
            true => (size.width_px() * f64::from(wide) / f64::from(high)).round() as u32,
            false => info.width(),
        };
        let shown = FrameSize::new(shown_width, info.height()).unwrap_or(size);
        let (width, height) = self.fit.delivered(shown);
        let shrink = size.width_px() / width as f64;
        let method = match shrink > PLAIN_SHRINK_MAX {
            true => "bilinear2",
            false => "bilinear",
        };
        scaler.set_property_from_str("method", method);
        let content = gst_video::VideoCapsBuilder::new()
            .format(gst_video::VideoFormat::Bgr)
            .width(width as i32)
            .height(height as i32)
            .pixel_aspect_ratio(gst::Fraction::new(1, 1))
            .build();
        filter.set_property("caps", content);
    }
}
