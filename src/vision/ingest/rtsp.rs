//! A network camera by RTSP.
//!
//! ```text
//! rtspsrc ─> depayloader ─> parser ─> decoder ─> chain
//!    └ packets: when they came, what the camera's clock says
//! ```
//!
//! One way of transport at a time: which is tried next is for whoever opens it again. Nothing waits
//! for an even pace, and only a packet that is missing over UDP holds a picture up, for a bounded time.
//!
//! Not here: sound, and talking back to the camera.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use super::super::preprocess::Fit;
use super::super::recorder::CameraRing;
use super::chain::{Chain, ChainOptions, broken, make};
use super::decode::{self, Codec, Wanted};
use super::failure::Failure;
use super::fallback::DecoderFailure;
use super::login::{Scrubber, credentials};
use super::packets::Packets;
use super::{FrameSource, Pace, Polled, SourceError};
use crate::link::{CaptureClock, Rtsp, Stream, Transport};

/// How long a missing packet may hold up a picture over UDP, unless told: packets overtake each other
/// by less in any building.
const UDP_WAIT_MS: u32 = 50;

/// Over UDP no packet for so long after the start means that none will come: a firewall.
const UDP_SILENT_MAX: Duration = Duration::from_secs(3);

/// How long a camera may take to answer a connection or a request.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A decoder that has got so many whole pictures and given none never will: B pictures hold a decoder up
/// by 16 at most.
const SWALLOWED_MIN: u64 = 20;

/// A way of transport that packets really take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Tcp,
    Udp,
}

/// A camera by RTSP.
pub struct RtspSource {
    chain: Chain,
    packets: Packets,
    scrubber: Scrubber,
    way: Way,
}

/// How a camera is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct RtspOptions {
    pub fit: Fit,
    pub fps: Option<f64>,
    pub way: Way,
    pub decoder: Wanted,
}

impl Way {
    /// The one to begin with.
    pub fn first(transport: Transport) -> Way {
        match transport {
            Transport::Auto | Transport::Tcp => Way::Tcp,
            Transport::Udp => Way::Udp,
        }
    }

    /// The one to try when this one gave no picture.
    pub fn after_failure(self, transport: Transport) -> Way {
        match (transport, self) {
            (Transport::Auto, Way::Tcp) => Way::Udp,
            (Transport::Auto, Way::Udp) => Way::Tcp,
            (Transport::Tcp, _) => Way::Tcp,
            (Transport::Udp, _) => Way::Udp,
        }
    }
}

impl RtspSource {
    /// Builds and starts it; what a camera does not answer comes out of `next`.
    pub fn open(camera: &Rtsp, options: &RtspOptions) -> Result<RtspSource, SourceError> {
        let url = camera.url.reveal();
        let credentials = credentials(camera.login.as_ref())?;
        let scrubber = Scrubber::new(url, camera.login.as_ref(), credentials.as_ref());
        let name = scrubber.camera();
        let (mut chain, entry) = Chain::build(ChainOptions {
            source_name: name.clone(),
            fit: options.fit,
            pace: Pace::Live,
            fps: options.fps,
            clock: CaptureClock::Pipeline,
        })?;
        let source = make("rtspsrc", "gstreamer1.0-plugins-good")?;
        set_up(&source, camera, options.way);
        if let Some(credentials) = &credentials {
            source.set_property("user-id", &credentials.user);
            source.set_property("user-pw", &credentials.password);
        }
        let packets = Packets::default();
        packets.listen(&source);
        chain.timed_by(packets.clone());
        choose_video(&source);
        chain.pipeline().add(&source).map_err(|_| broken(&name, "the pipeline cannot be built"))?;
        pass_on(&source, &chain, &entry, &packets, options.decoder);
        chain.play().map_err(|error| scrubber.lost(error))?;
        Ok(RtspSource { chain, packets, scrubber, way: options.way })
    }
}

impl FrameSource for RtspSource {
    fn next(&mut self, wait: Duration) -> Result<Polled, SourceError> {
        let lags = self.packets.lock().lags();
        if let Some(lag) = lags {
            let seconds = lag.as_secs_f64();
            let reason = format!("its pictures queue up on their way and come {seconds:.1} s late");
            return Err(self.scrubber.lost_for(reason));
        }
        match self.chain.next(wait) {
            // Cameras do not end; one that says so is opened again.
            Ok(Polled::Ended) => Err(self.scrubber.lost_for("the stream ended".into())),
            Ok(polled @ (Polled::Frame(_) | Polled::Idle)) => Ok(polled),
            Err(error) => Err(self.scrubber.lost(error)),
        }
    }

    fn stream(&self) -> Stream {
        let transport = match self.way {
            Way::Tcp => Transport::Tcp,
            Way::Udp => Transport::Udp,
        };
        Stream {
            transport: Some(transport),
            clock_refused: self.packets.lock().clock_refused(),
            ..self.chain.stream()
        }
    }

    fn unreachable(&self) -> Option<SourceError> {
        self.scrubber.unreachable()
    }

    fn decoder_failed(&self) -> Option<DecoderFailure> {
        let swallows = || self.packets.whole() >= SWALLOWED_MIN && self.chain.decoded() == 0;
        self.chain.decoder_failed().or_else(|| {
            let element = self.chain.stream().decoder.filter(|_| swallows())?;
            let reason = "it takes whole pictures and gives none".to_owned();
            Some(DecoderFailure { element, reason })
        })
    }

    fn record(&mut self, ring: Arc<CameraRing>) {
        self.chain.record(ring);
    }

    fn refit(&mut self, fit: Fit) {
        self.chain.refit(fit);
    }
}

fn set_up(source: &gst::Element, camera: &Rtsp, way: Way) {
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(0);
    source.set_property("location", camera.url.reveal());
    source.set_property("tcp-timeout", micros(ANSWER_MAX));
    source.set_property("timeout", micros(UDP_SILENT_MAX));
    // What does not come in time is given up: newest wins.
    source.set_property("drop-on-latency", true);
    // Connecting anew is for whoever holds this source, who says so.
    source.set_property("udp-reconnect", false);
    let (protocol, wait_ms) = match way {
        Way::Tcp => ("tcp", 0),
        Way::Udp => ("udp", UDP_WAIT_MS),
    };
    source.set_property_from_str("protocols", protocol);
    source.set_property("latency", camera.wait_ms.unwrap_or(wait_ms));
}

/// Takes the first video and leaves sound, texts and second videos with the camera.
fn choose_video(source: &gst::Element) {
    let chosen = AtomicBool::new(false);
    source.connect("select-stream", false, move |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let is_video = caps
            .as_ref()
            .and_then(|caps| caps.structure(0))
            .is_some_and(|media| media.get::<&str>("media") == Ok("video"));
        let wanted = is_video && !chosen.swap(true, Ordering::AcqRel);
        Some(wanted.to_value())
    });
}

/// Puts the decoder for the camera's video between it and the chain, once it says what it sends.
fn pass_on(
    source: &gst::Element,
    chain: &Chain,
    entry: &gst::Element,
    packets: &Packets,
    wanted: Wanted,
) {
    let packets = packets.clone();
    let fail = std::sync::Arc::new(chain.failure_slot());
    let (pipeline, entry_weak) = (chain.pipeline().downgrade(), entry.downgrade());
    let told = std::sync::Arc::clone(&fail);
    source.connect_pad_added(move |_, pad| {
        let (Some(pipeline), Some(entry)) = (pipeline.upgrade(), entry_weak.upgrade()) else {
            return;
        };
        if let Err(failure) = decode(pad, &pipeline, &entry, &packets, wanted) {
            told(failure);
        }
    });
    let entry = entry.downgrade();
    source.connect_no_more_pads(move |_| {
        let entry = entry.upgrade().and_then(|entry| entry.static_pad("sink"));
        if entry.is_some_and(|entry| !entry.is_linked()) {
            fail(Failure::NoVideo);
        }
    });
}

fn decode(
    pad: &gst::Pad,
    pipeline: &gst::Pipeline,
    entry: &gst::Element,
    packets: &Packets,
    wanted: Wanted,
) -> Result<(), Failure> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let encoding = caps.structure(0).and_then(|media| media.get::<String>("encoding-name").ok());
    let encoding = encoding.unwrap_or_default();
    let codec = Codec::of_rtp(&encoding).ok_or_else(|| {
        Failure::Other(format!("it sends {encoding}, and this box takes H264, H265 and JPEG"))
    })?;
    let said = |error: SourceError| Failure::Unusable(crate::telemetry::chain(&error));
    let decoding = decode::elements(codec, wanted).map_err(said)?;
    packets.keep_whole(&decoding[0]);
    let mut elements = vec![codec.depayloader().map_err(said)?];
    elements.extend(decoding);
    let unlinked = |_| Failure::Other(format!("its {} cannot be decoded", codec.name()));
    pipeline.add_many(&elements).map_err(unlinked)?;
    gst::Element::link_many(elements.iter().chain([entry])).map_err(unlinked)?;
    // From the last to the first, so that none gets data before the next one takes it.
    for element in elements.iter().rev() {
        element.sync_state_with_parent().map_err(unlinked)?;
    }
    let first = elements[0].static_pad("sink");
    let linked = first.is_some_and(|first| pad.link(&first).is_ok());
    if linked { Ok(()) } else { Err(Failure::Other("its packets cannot be unpacked".into())) }
}
