//! A camera that sends one JPEG after the other over HTTP (`multipart/x-mixed-replace`).
//!
//! ```text
//! souphttpsrc ─> multipartdemux ─> parser ─> decoder ─> chain
//! ```
//!
//! `captured` is when the first bytes of the picture came: HTTP says nothing of the camera's clock.

use std::sync::Arc;
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
use super::{FrameSource, Pace, Polled, SourceError};
use crate::link::{CaptureClock, HttpMjpeg, Stream};

/// How long a camera may take to answer and may be silent, seconds.
const SILENT_MAX_S: u32 = 5;

/// A camera by HTTP.
pub struct MjpegSource {
    chain: Chain,
    scrubber: Scrubber,
}

impl MjpegSource {
    /// Builds and starts it; what a camera does not answer comes out of `next`.
    pub fn open(
        camera: &HttpMjpeg,
        decoder: impl Into<Wanted>,
        fit: Fit,
        fps: Option<f64>,
    ) -> Result<MjpegSource, SourceError> {
        let url = camera.url.reveal();
        let credentials = credentials(camera.login.as_ref())?;
        let scrubber = Scrubber::new(url, camera.login.as_ref(), credentials.as_ref());
        let name = scrubber.camera();
        let (mut chain, entry) = Chain::build(ChainOptions {
            source_name: name.clone(),
            fit,
            pace: Pace::Live,
            fps,
            clock: CaptureClock::Arrival,
        })?;
        let source = make("souphttpsrc", "gstreamer1.0-plugins-good")?;
        source.set_property("location", url);
        source.set_property("is-live", true);
        source.set_property("do-timestamp", true);
        source.set_property("timeout", SILENT_MAX_S);
        source.set_property("retries", 0);
        source.set_property("iradio-mode", false);
        if let Some(credentials) = &credentials {
            source.set_property("user-id", &credentials.user);
            source.set_property("user-pw", &credentials.password);
        }
        let demuxer = make("multipartdemux", "gstreamer1.0-plugins-good")?;
        demuxer.set_property("single-stream", true);
        let elements = decode::elements(Codec::Mjpeg, decoder.into())?;
        let not_built = |_| broken(&name, "the pipeline cannot be built");
        let pipeline = chain.pipeline();
        pipeline.add_many([&source, &demuxer]).map_err(not_built)?;
        pipeline.add_many(&elements).map_err(not_built)?;
        source.link(&demuxer).map_err(not_built)?;
        gst::Element::link_many(elements.iter().chain([&entry])).map_err(not_built)?;
        pass_on(&demuxer, &elements[0], &chain);
        chain.play().map_err(|error| scrubber.lost(error))?;
        Ok(MjpegSource { chain, scrubber })
    }
}

impl FrameSource for MjpegSource {
    fn next(&mut self, wait: Duration) -> Result<Polled, SourceError> {
        match self.chain.next(wait) {
            Ok(Polled::Ended) => Err(self.scrubber.lost_for("the stream ended".into())),
            Ok(polled @ (Polled::Frame(_) | Polled::Idle)) => Ok(polled),
            Err(error) => Err(self.scrubber.lost(error)),
        }
    }

    fn stream(&self) -> Stream {
        self.chain.stream()
    }

    fn unreachable(&self) -> Option<SourceError> {
        self.scrubber.unreachable()
    }

    fn decoder_failed(&self) -> Option<DecoderFailure> {
        self.chain.decoder_failed()
    }

    fn record(&mut self, ring: Arc<CameraRing>) {
        self.chain.record(ring);
    }

    fn refit(&mut self, fit: Fit) {
        self.chain.refit(fit);
    }
}

fn pass_on(demuxer: &gst::Element, first: &gst::Element, chain: &Chain) {
    let fail = Arc::new(chain.failure_slot());
    let first = first.downgrade();
    demuxer.connect_pad_added(move |_, pad| {
        let door = first.upgrade().and_then(|first| first.static_pad("sink"));
        if door.is_none_or(|door| !door.is_linked() && pad.link(&door).is_err()) {
            fail(Failure::Other("it sends something else than JPEG pictures".into()));
        }
    });
}
