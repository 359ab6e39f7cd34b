//! A camera at this machine, as the kernel offers it (`/dev/video0`).
//!
//! `captured` is the driver's time stamp, which is CLOCK_MONOTONIC as ours is.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use super::super::preprocess::Fit;
use super::super::recorder::CameraRing;
use super::chain::{Chain, ChainOptions, broken, make};
use super::decode::{self, Codec, Wanted};
use super::fallback::DecoderFailure;
use super::{FrameSource, Pace, Polled, SourceError};
use crate::link::{CaptureClock, Stream, V4l2, V4l2Format};

/// A camera at this machine.
pub struct V4l2Source {
    chain: Chain,
    device: String,
}

impl V4l2Source {
    pub fn open(
        camera: &V4l2,
        decoder: impl Into<Wanted>,
        fit: Fit,
        fps: Option<f64>,
    ) -> Result<V4l2Source, SourceError> {
        let device = camera.device.clone();
        if !Path::new(&device).exists() {
            return Err(SourceError::Missing { path: device.into() });
        }
        let (mut chain, entry) = Chain::build(ChainOptions {
            source_name: device.clone(),
            fit,
            pace: Pace::Live,
            fps,
            clock: CaptureClock::Pipeline,
        })?;
        let source = make("v4l2src", "gstreamer1.0-plugins-good")?;
        source.set_property("device", &device);
        let filter = make("capsfilter", "libgstreamer1.0-0")?;
        filter.set_property("caps", wanted(camera));
        let mut elements = vec![source, filter];
        elements.extend(match camera.format {
            V4l2Format::Raw => Vec::new(),
            V4l2Format::Mjpeg => decode::elements(Codec::Mjpeg, decoder.into())?,
            V4l2Format::H264 => decode::elements(Codec::H264, decoder.into())?,
        });
        let not_built = |_| broken(&device, "the pipeline cannot be built");
        chain.pipeline().add_many(&elements).map_err(not_built)?;
        gst::Element::link_many(elements.iter().chain([&entry])).map_err(not_built)?;
        chain.play().map_err(|error| lost(error, &device))?;
        Ok(V4l2Source { chain, device })
    }
}

impl FrameSource for V4l2Source {
    fn next(&mut self, wait: Duration) -> Result<Polled, SourceError> {
        match self.chain.next(wait) {
            Ok(Polled::Ended) => Err(SourceError::Lost { reason: "the stream ended".into() }),
            Ok(polled @ (Polled::Frame(_) | Polled::Idle)) => Ok(polled),
            Err(error) => Err(lost(error, &self.device)),
        }
    }

    fn stream(&self) -> Stream {
        self.chain.stream()
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

fn wanted(camera: &V4l2) -> gst::Caps {
    let media = match camera.format {
        V4l2Format::Raw => "video/x-raw",
        V4l2Format::Mjpeg => "image/jpeg",
        V4l2Format::H264 => "video/x-h264",
    };
    let caps = gst::Caps::builder(media);
    let side = |px: u32| i32::try_from(px).unwrap_or(i32::MAX);
    match camera.size_px {
        None => caps.build(),
        Some((width, height)) => {
            caps.field("width", side(width)).field("height", side(height)).build()
        }
    }
}

fn lost(error: SourceError, device: &str) -> SourceError {
    match error {
        SourceError::Broken { reason, .. }
        | SourceError::Resource { reason, .. }
        | SourceError::NotFound { reason, .. } => {
            SourceError::Lost { reason: format!("{device}: {reason}") }
        }
        error => error,
    }
}
