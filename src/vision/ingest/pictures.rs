//! The decoder at the end of a source: its first video stream goes on, everything else stays.

use gst::prelude::*;
use gstreamer as gst;

use super::failure::Failure;

/// Links the decoder's first video stream to `entry` by `link`; a decoder without one fails.
pub(super) fn pass_on(
    decoder: &gst::Element,
    entry: &gst::Element,
    fail: impl Fn(Failure) + Send + Sync + 'static,
    link: impl Fn(&gst::Pad, &gst::Pad) -> Result<(), gst::glib::BoolError> + Send + Sync + 'static,
) {
    only_pictures(decoder);
    let entry_weak = entry.downgrade();
    decoder.connect_pad_added(move |_, pad| {
        let is_video = pad
            .current_caps()
            .unwrap_or_else(|| pad.query_caps(None))
            .structure(0)
            .is_some_and(|media| media.name() == "video/x-raw");
        let entry = entry_weak.upgrade().and_then(|entry| entry.static_pad("sink"));
        // The first video stream is the picture; others are covers, thumbnails, second angles.
        if let Some(entry) = entry
            && is_video
            && !entry.is_linked()
            && let Err(error) = link(pad, &entry)
        {
            tracing::debug!("the video stream could not be linked: {error}");
        }
    });
    let entry = entry.downgrade();
    decoder.connect_no_more_pads(move |_| {
        let entry = entry.upgrade().and_then(|entry| entry.static_pad("sink"));
        if entry.is_some_and(|entry| !entry.is_linked()) {
            fail(Failure::NoVideo);
        }
    });
}

/// Keeps the decoder from decoding sound: nobody listens.
fn only_pictures(decoder: &gst::Element) {
    decoder.connect("autoplug-continue", false, |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let media = caps.as_ref().and_then(|caps| caps.structure(0));
        let silent = media.is_none_or(|media| {
            let name = media.name();
            !["audio/", "text/", "subpicture/"].iter().any(|kind| name.starts_with(kind))
        });
        Some(silent.to_value())
    });
}
