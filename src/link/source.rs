//! Where a camera's pictures come from, as the vision process is told it.
//!
//! Not here: how a source is opened (`vision/ingest`), and how it is written in the configuration.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where pictures come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// A video file, paced by the clock.
    File { path: String, ending: Ending },
    /// GStreamer's `videotestsrc` with this pattern, live.
    Test { pattern: String },
    /// Whatever a GStreamer description opens, live.
    Gst { description: Secret },
    /// A network camera.
    Rtsp(Rtsp),
    /// A camera that sends one JPEG after the other over HTTP.
    HttpMjpeg(HttpMjpeg),
    /// A camera at this machine.
    V4l2(V4l2),
}

impl Source {
    /// Whether a camera looks at something: a test pattern is drawn, without noise and without a view.
    pub fn has_view(&self) -> bool {
        match self {
            Source::File { .. }
            | Source::Gst { .. }
            | Source::Rtsp(_)
            | Source::HttpMjpeg(_)
            | Source::V4l2(_) => true,
            Source::Test { .. } => false,
        }
    }
}

/// A camera by RTSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rtsp {
    /// Without user and password; its path and query may hold a token all the same.
    pub url: Secret,
    pub login: Option<Login>,
    pub transport: Transport,
    /// How long a packet that is missing may hold up a picture; `None`: as the transport needs.
    pub wait_ms: Option<u32>,
}

/// A camera by HTTP, `multipart/x-mixed-replace`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpMjpeg {
    /// As of `Rtsp`.
    pub url: Secret,
    pub login: Option<Login>,
}

/// A video device of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct V4l2 {
    pub device: String,
    pub format: V4l2Format,
    /// Width and height to ask for; `None`: the device's own choice.
    pub size_px: Option<(u32, u32)>,
}

/// What a video device is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum V4l2Format {
    Raw,
    Mjpeg,
    H264,
}

/// Who a camera is told that the box is. It is asked for only where the camera asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub user: Secret,
    pub password: Password,
}

/// Where a password is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Password {
    Written(Secret),
    /// On the first line of this file, read at every connection.
    File(String),
}

/// How the packets of an RTSP camera come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// TCP, and UDP where TCP gives no picture; then by turns, beginning with what worked last.
    Auto,
    Tcp,
    Udp,
}

/// What decodes a camera's video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecoderChoice {
    /// The first of `DecoderFamily::ALL` that this machine has for the video.
    Auto,
    Named(DecoderFamily),
}

/// Decoders of one make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecoderFamily {
    Nvidia,
    Va,
    V4l2,
    Software,
}

impl DecoderFamily {
    /// Best first.
    pub const ALL: [DecoderFamily; 4] =
        [DecoderFamily::Nvidia, DecoderFamily::Va, DecoderFamily::V4l2, DecoderFamily::Software];

    /// As it is written in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            DecoderFamily::Nvidia => "nvidia",
            DecoderFamily::Va => "va",
            DecoderFamily::V4l2 => "v4l2",
            DecoderFamily::Software => "software",
        }
    }
}

/// A text that may hold a password. It cannot be printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Secret {
        Secret(text)
    }

    /// The text itself, for whoever has to use it and for nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a file source does at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Starts again: the demo.
    Loop,
    /// Stops: the camera is then blind, and says so.
    Stop,
}
