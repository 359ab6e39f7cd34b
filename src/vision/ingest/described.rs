//! A camera by GStreamer description, as `gst-launch-1.0` takes it: the way to whatever GStreamer
//! can read and nothing here knows.
//!
//! ```text
//! [ the description ! decodebin ] ─> chain
//! ```
//!
//! Raw video passes the decoder untouched, so a description may end in either. It plays as a camera
//! does: newest wins, and a source that says it is live is never held up to keep an even pace.
//!
//! `captured` is the running time of the picture on the pipeline's clock: when its first packet
//! came, of a network camera. What the camera took before that is not in it.
//!
//! Descriptions hold passwords. They are never logged, and what GStreamer says is redacted. Of a network
//! camera's element only the address is looked at, so that what keeps it from answering can be told.

use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use super::super::preprocess::Fit;
use super::super::recorder::CameraRing;
use super::chain::{Chain, ChainOptions, broken};
use super::login::Scrubber;
use super::{FrameSource, Pace, Polled, SourceError, pictures};
use crate::link::{CaptureClock, Secret, Stream};
use crate::reach::Place;
use crate::redact::redact;

/// What messages call it.
const NAME: &str = "the camera's GStreamer description";

/// The decoder behind the description.
const DECODER: &str = "standclear-decoder";

/// A camera that a description opens.
pub struct DescribedSource {
    chain: Chain,
    scrubber: Scrubber,
}

impl DescribedSource {
    /// Builds and starts it; what a camera does not answer comes out of `next`.
    pub fn open(
        description: &Secret,
        fit: Fit,
        fps: Option<f64>,
    ) -> Result<DescribedSource, SourceError> {
        let (mut chain, entry) = Chain::build(ChainOptions {
            source_name: NAME.to_owned(),
            fit,
            pace: Pace::Live,
            fps,
            clock: CaptureClock::Pipeline,
        })?;
        let bin = parse(description)?;
        let scrubber = scrubber(&bin);
        let not_built = || broken(NAME, "the pipeline cannot be built");
        chain.pipeline().add(&bin).map_err(|_| not_built())?;
        let decoder = bin.by_name(DECODER).ok_or_else(not_built)?;
        let bin = bin.downgrade();
        pictures::pass_on(&decoder, &entry, chain.failure_slot(), move |pad, entry| {
            let bin = bin.upgrade().ok_or_else(|| gst::glib::bool_error!("it is gone"))?;
            let door = gst::GhostPad::with_target(pad)?;
            door.set_active(true)?;
            bin.add_pad(&door)?;
            door.link(entry).map(drop).map_err(|error| gst::glib::bool_error!("{error}"))
        });
        chain.play().map_err(|error| lost(&scrubber, error))?;
        Ok(DescribedSource { chain, scrubber })
    }
}

impl FrameSource for DescribedSource {
    fn next(&mut self, wait: Duration) -> Result<Polled, SourceError> {
        match self.chain.next(wait) {
            // Cameras do not end; one that says so is opened again.
            Ok(Polled::Ended) => Err(self.scrubber.lost_for("the stream ended".into())),
            Ok(polled @ (Polled::Frame(_) | Polled::Idle)) => Ok(polled),
            Err(error) => Err(lost(&self.scrubber, error)),
        }
    }

    fn stream(&self) -> Stream {
        self.chain.stream()
    }

    fn unreachable(&self) -> Option<SourceError> {
        self.scrubber.unreachable()
    }

    fn record(&mut self, ring: Arc<CameraRing>) {
        self.chain.record(ring);
    }

    fn refit(&mut self, fit: Fit) {
        self.chain.refit(fit);
    }
}

/// In words of cameras where it is one of these errors; a description that is wrong is told as it is.
fn lost(scrubber: &Scrubber, error: SourceError) -> SourceError {
    match error {
        error @ (SourceError::NoVideo { .. } | SourceError::UnknownFormat { .. }) => error,
        error => scrubber.lost(error),
    }
}

/// Knows the address and the user of the first element that has an address of a network.
fn scrubber(bin: &gst::Bin) -> Scrubber {
    let said = |element: &gst::Element, name: &str| {
        let known = element.find_property(name)?;
        (known.value_type() == String::static_type())
            .then(|| element.property::<Option<String>>(name))?
    };
    let address = |element: &gst::Element| {
        let url = ["location", "uri"].into_iter().find_map(|name| said(element, name))?;
        Place::of(&url).map(|_| (url, said(element, "user-id")))
    };
    match bin.iterate_recurse().into_iter().flatten().find_map(|element| address(&element)) {
        Some((url, user)) => Scrubber::described(Some(&url), user.as_deref()),
        None => Scrubber::described(None, None),
    }
}

fn parse(description: &Secret) -> Result<gst::Bin, SourceError> {
    let whole = format!("{} ! decodebin name={DECODER}", description.reveal());
    let flags = gst::ParseFlags::FATAL_ERRORS;
    let built = gst::parse::bin_from_description_full(&whole, false, None, flags)
        .map_err(|error| SourceError::Description { reason: redact(error.message()) })?;
    built.downcast::<gst::Bin>().map_err(|_| broken(NAME, "it is no chain of elements"))
}
