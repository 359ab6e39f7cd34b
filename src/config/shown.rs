//! What a camera's source is called wherever people see it: never with a password or a token.

use crate::link::Source;
use crate::redact::origin;

/// Where pictures come from, in a word or two.
pub fn shown(source: &Source) -> String {
    match source {
        Source::File { path, ending: _ } => path.clone(),
        Source::Test { pattern } => format!("test pattern {pattern}"),
        Source::Gst { description: _ } => "GStreamer description".to_owned(),
        Source::Rtsp(rtsp) => origin(rtsp.url.reveal()),
        Source::HttpMjpeg(mjpeg) => origin(mjpeg.url.reveal()),
        Source::V4l2(v4l2) => v4l2.device.clone(),
    }
}
