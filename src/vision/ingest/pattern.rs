//! GStreamer's test pattern as a camera: for trying out a site before a camera hangs there.

use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use crate::link::{CaptureClock, Stream};

use super::super::preprocess::Fit;
use super::super::recorder::CameraRing;
use super::chain::{Chain, ChainOptions, broken, make};
use super::{FrameSource, Pace, Polled, SourceError};

/// Size of the pattern in pixels: that of a common small camera.
const WIDTH_PX: i32 = 640;
const HEIGHT_PX: i32 = 480;

/// A live test pattern.
pub struct PatternSource {
    chain: Chain,
}

impl PatternSource {
    /// `pattern` is one of the nicknames of `videotestsrc`: `smpte`, `black`, `snow`, `ball` …
    pub fn open(pattern: &str, fit: Fit, fps: f64) -> Result<PatternSource, SourceError> {
        let name = format!("the test pattern `{pattern}`");
        let (mut chain, entry) = Chain::build(ChainOptions {
            source_name: name.clone(),
            fit,
            pace: Pace::Clock,
            fps: Some(fps),
            clock: CaptureClock::Pipeline,
        })?;
        let source = make("videotestsrc", "gstreamer1.0-plugins-base")?;
        check_pattern(&source, pattern)?;
        source.set_property_from_str("pattern", pattern);
        source.set_property("is-live", true);
        let caps = make("capsfilter", "libgstreamer1.0-0")?;
        let rate = gst::Fraction::approximate_f64(fps).unwrap_or(gst::Fraction::new(10, 1));
        caps.set_property(
            "caps",
            gst::Caps::builder("video/x-raw")
                .field("width", WIDTH_PX)
                .field("height", HEIGHT_PX)
                .field("framerate", rate)
                .build(),
        );
        let elements = [&source, &caps, &entry];
        let added = chain.pipeline().add_many([&source, &caps]).is_ok();
        if !added || gst::Element::link_many(elements).is_err() {
            return Err(broken(&name, "the pipeline cannot be built"));
        }
        chain.play()?;
        Ok(PatternSource { chain })
    }
}

impl FrameSource for PatternSource {
    fn next(&mut self, wait: Duration) -> Result<Polled, SourceError> {
        self.chain.next(wait)
    }

    fn stream(&self) -> Stream {
        self.chain.stream()
    }

    fn record(&mut self, ring: Arc<CameraRing>) {
        self.chain.record(ring);
    }

    fn refit(&mut self, fit: Fit) {
        self.chain.refit(fit);
    }
}

/// Setting an unknown name would abort the program.
fn check_pattern(source: &gst::Element, pattern: &str) -> Result<(), SourceError> {
    let patterns = source
        .find_property("pattern")
        .and_then(|property| gst::glib::EnumClass::with_type(property.value_type()));
    let Some(patterns) = patterns else {
        return Ok(());
    };
    if patterns.value_by_nick(pattern).is_some() {
        return Ok(());
    }
    let known: Vec<_> = patterns.values().iter().map(|value| value.nick()).collect();
    Err(SourceError::UnknownPattern { pattern: pattern.to_owned(), known: known.join(", ") })
}
