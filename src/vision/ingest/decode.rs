//! What decodes a camera's video: chosen by what this machine has, or by the configuration.
//!
//! ```text
//! encoded video ─> parser ─> decoder (─> converter) ─> chain
//! ```
//!
//! A parser stands before every decoder: it makes whole pictures of whatever packets bring, and what
//! looks at the encoded video looks there.
//!
//! Not here: containers. Files and descriptions are opened by GStreamer's `decodebin`.

use gst::prelude::*;
use gstreamer as gst;

use super::SourceError;
use super::chain::make;
use crate::link::{DecoderChoice, DecoderFamily};

/// The package of all parsers but one.
const BAD: &str = "gstreamer1.0-plugins-bad";

/// How cameras encode their video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    H264,
    H265,
    Mjpeg,
}

/// A decoder that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoder {
    pub family: DecoderFamily,
    /// GStreamer's name.
    pub element: &'static str,
}

/// Which decoders may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub choice: DecoderChoice,
    /// Only those after this family: it and the better ones have failed.
    pub after: Option<DecoderFamily>,
}

impl From<DecoderChoice> for Wanted {
    fn from(choice: DecoderChoice) -> Wanted {
        Wanted { choice, after: None }
    }
}

impl Wanted {
    pub fn allows(self, family: DecoderFamily) -> bool {
        let place = |wanted| DecoderFamily::ALL.into_iter().position(|it| it == wanted);
        match self.choice {
            DecoderChoice::Auto => self.after.is_none_or(|after| place(family) > place(after)),
            DecoderChoice::Named(named) => named == family,
        }
    }
}

/// What a decoder of this name decodes, and whose it is.
pub fn kind_of(element: &str) -> Option<(Codec, DecoderFamily)> {
    let codecs = Codec::ALL.into_iter();
    let mut all = codecs.flat_map(|codec| DecoderFamily::ALL.map(|family| (codec, family)));
    all.find(|(codec, family)| codec.decoders(*family).contains(&element))
}

impl Codec {
    pub const ALL: [Codec; 3] = [Codec::H264, Codec::H265, Codec::Mjpeg];

    /// By the encoding name of RTP (RFC 6184, 7798, 2435).
    pub fn of_rtp(encoding: &str) -> Option<Codec> {
        match encoding {
            "H264" => Some(Codec::H264),
            "H265" => Some(Codec::H265),
            "JPEG" => Some(Codec::Mjpeg),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Codec::H264 => "H.264",
            Codec::H265 => "H.265",
            Codec::Mjpeg => "MJPEG",
        }
    }

    /// What takes it out of RTP packets.
    pub(super) fn depayloader(self) -> Result<gst::Element, SourceError> {
        let name = match self {
            Codec::H264 => "rtph264depay",
            Codec::H265 => "rtph265depay",
            Codec::Mjpeg => "rtpjpegdepay",
        };
        let element = make(name, "gstreamer1.0-plugins-good")?;
        // After a loss the next whole picture is waited for, and asked for where the camera listens.
        set_if_there(&element, "request-keyframe", true);
        Ok(element)
    }

    fn parser(self) -> Result<gst::Element, SourceError> {
        match self {
            Codec::H264 => make("h264parse", BAD),
            Codec::H265 => make("h265parse", BAD),
            Codec::Mjpeg => make("jpegparse", BAD),
        }
    }

    /// All there are of a family, best first.
    fn decoders(self, family: DecoderFamily) -> &'static [&'static str] {
        match (family, self) {
            (DecoderFamily::Nvidia, Codec::H264) => &["nvv4l2decoder", "nvh264dec"],
            (DecoderFamily::Nvidia, Codec::H265) => &["nvv4l2decoder", "nvh265dec"],
            (DecoderFamily::Nvidia, Codec::Mjpeg) => &["nvjpegdec"],
            (DecoderFamily::Va, Codec::H264) => &["vah264dec", "vaapih264dec"],
            (DecoderFamily::Va, Codec::H265) => &["vah265dec", "vaapih265dec"],
            (DecoderFamily::Va, Codec::Mjpeg) => &["vajpegdec", "vaapijpegdec"],
            (DecoderFamily::V4l2, Codec::H264) => &["v4l2slh264dec", "v4l2h264dec"],
            (DecoderFamily::V4l2, Codec::H265) => &["v4l2slh265dec", "v4l2h265dec"],
            (DecoderFamily::V4l2, Codec::Mjpeg) => &["v4l2jpegdec"],
            (DecoderFamily::Software, Codec::H264) => &["avdec_h264", "openh264dec"],
            (DecoderFamily::Software, Codec::H265) => &["avdec_h265", "libde265dec"],
            (DecoderFamily::Software, Codec::Mjpeg) => &["jpegdec", "avdec_mjpeg"],
        }
    }

    /// The decoders that this machine has for it, best first.
    pub fn available(self, wanted: Wanted) -> Vec<Decoder> {
        let families = DecoderFamily::ALL.into_iter().filter(|family| wanted.allows(*family));
        let all = families.flat_map(|family| {
            self.decoders(family).iter().map(move |element| Decoder { family, element })
        });
        all.filter(|decoder| works(decoder.element)).collect()
    }
}

/// Parser, decoder and whatever brings its pictures into ordinary memory, to be linked in this order.
pub(super) fn elements(codec: Codec, wanted: Wanted) -> Result<Vec<gst::Element>, SourceError> {
    let Some(decoder) = codec.available(wanted).first().copied() else {
        return Err(SourceError::NoDecoder {
            codec: codec.name(),
            family: match wanted.choice {
                DecoderChoice::Auto => None,
                DecoderChoice::Named(family) => Some(family.name()),
            },
        });
    };
    let mut elements = vec![codec.parser()?, make(decoder.element, "gstreamer1.0-libav")?];
    // A picture known to be broken is none.
    set_if_there(&elements[1], "output-corrupt", false);
    if decoder.element == "nvv4l2decoder" {
        elements.push(make("nvvidconv", "nvidia-l4t-gstreamer")?);
    }
    Ok(elements)
}

/// The decoder in a running pipeline, whoever chose it.
pub(super) fn in_use(pipeline: &gst::Pipeline) -> Option<String> {
    let found = pipeline.iterate_recurse().into_iter().filter_map(Result::ok).find(is_decoder)?;
    found.factory().map(|factory| factory.name().to_string())
}

pub(super) fn is_decoder(element: &gst::Element) -> bool {
    let class = element.factory().and_then(|it| it.metadata("klass").map(str::to_owned));
    class.is_some_and(|class| {
        class.contains("Decoder") && (class.contains("Video") || class.contains("Image"))
    })
}

/// Whether it is installed and finds the hardware it needs.
fn works(element: &str) -> bool {
    let Ok(built) = gst::ElementFactory::make(element).build() else {
        return false;
    };
    let ready = built.set_state(gst::State::Ready).is_ok();
    // It holds nothing that could keep it from stopping.
    let _ = built.set_state(gst::State::Null);
    ready
}

fn set_if_there(element: &gst::Element, property: &str, value: bool) {
    if element.find_property(property).is_some_and(|it| it.value_type() == bool::static_type()) {
        element.set_property(property, value);
    }
}
