//! `camera.source`: a file, a test pattern, a camera, or a GStreamer description.

use serde::Deserialize;
use toml::Spanned;

use super::Place;
use crate::config::ConfigError;
use crate::link::{DecoderChoice, DecoderFamily, Ending, Secret, Source, V4l2, V4l2Format};

/// Longest GStreamer description, in characters: a dozen elements with all their settings.
const DESCRIPTION_CHARS_MAX: usize = 4096;

/// Sides of the picture a video device may be asked for, pixels.
const SIDE_PX: std::ops::Range<u32> = 64..8193;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedSource {
    file: Option<Spanned<String>>,
    test: Option<Spanned<String>>,
    gst: Option<Spanned<String>>,
    pub(super) rtsp: Option<Spanned<String>>,
    pub(super) mjpeg: Option<Spanned<String>>,
    v4l2: Option<Spanned<String>>,
    #[serde(rename = "loop")]
    looping: Option<Spanned<bool>>,
    pub(super) user: Option<Spanned<String>>,
    pub(super) password_file: Option<Spanned<String>>,
    pub(super) transport: Option<Spanned<String>>,
    pub(super) wait_ms: Option<Spanned<i64>>,
    decoder: Option<Spanned<String>>,
    format: Option<Spanned<String>>,
    width: Option<Spanned<i64>>,
    height: Option<Spanned<i64>>,
}

/// What kind of source it is, by its one key that says where pictures come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Test,
    Gst,
    Rtsp,
    Mjpeg,
    V4l2,
}

impl Kind {
    /// The keys that may stand beside it.
    fn beside(self) -> &'static [&'static str] {
        match self {
            Kind::File => &["loop"],
            Kind::Test | Kind::Gst => &[],
            Kind::Rtsp => &["user", "password_file", "transport", "wait_ms", "decoder"],
            Kind::Mjpeg => &["user", "password_file", "decoder"],
            Kind::V4l2 => &["format", "width", "height", "decoder"],
        }
    }

    fn key(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Test => "test",
            Kind::Gst => "gst",
            Kind::Rtsp => "rtsp",
            Kind::Mjpeg => "mjpeg",
            Kind::V4l2 => "v4l2",
        }
    }
}

impl UnvalidatedSource {
    fn kinds(&self) -> Vec<Kind> {
        let kinds = [
            self.file.as_ref().map(|_| Kind::File),
            self.test.as_ref().map(|_| Kind::Test),
            self.gst.as_ref().map(|_| Kind::Gst),
            self.rtsp.as_ref().map(|_| Kind::Rtsp),
            self.mjpeg.as_ref().map(|_| Kind::Mjpeg),
            self.v4l2.as_ref().map(|_| Kind::V4l2),
        ];
        kinds.into_iter().flatten().collect()
    }

    /// The other keys that were written.
    fn settings(&self) -> Vec<&'static str> {
        let settings = [
            self.looping.as_ref().map(|_| "loop"),
            self.user.as_ref().map(|_| "user"),
            self.password_file.as_ref().map(|_| "password_file"),
            self.transport.as_ref().map(|_| "transport"),
            self.wait_ms.as_ref().map(|_| "wait_ms"),
            self.decoder.as_ref().map(|_| "decoder"),
            self.format.as_ref().map(|_| "format"),
            self.width.as_ref().map(|_| "width"),
            self.height.as_ref().map(|_| "height"),
        ];
        settings.into_iter().flatten().collect()
    }
}

impl Place<'_> {
    pub(super) fn source(
        &self,
        key: &str,
        from: Spanned<UnvalidatedSource>,
    ) -> Result<(Source, DecoderChoice), ConfigError> {
        let span = from.span();
        let source = from.into_inner();
        let (kinds, settings) = (source.kinds(), source.settings());
        let [kind] = kinds[..] else {
            let right = "must be one of { file = \"clip.mp4\", loop = true }, { test = \"ball\" }, \
                         { rtsp = \"rtsp://…\" }, { mjpeg = \"http://…\" }, { v4l2 = \
                         \"/dev/video0\" } and { gst = \"videotestsrc ! …\" }";
            return Err(self.wrong_at(key, &named(&kinds, &settings), span, right));
        };
        if settings.iter().any(|setting| !kind.beside().contains(setting)) {
            let beside = match kind.beside() {
                [] => "nothing".to_owned(),
                keys => format!("only {}", keys.join(", ")),
            };
            let right = format!("beside `{}` may stand {beside}", kind.key());
            return Err(self.wrong_at(key, &named(&kinds, &settings), span, &right));
        }
        let decoder = self.decoder(key, source.decoder.as_ref())?;
        Ok((self.source_of(kind, key, &source)?, decoder))
    }

    fn source_of(
        &self,
        kind: Kind,
        key: &str,
        from: &UnvalidatedSource,
    ) -> Result<Source, ConfigError> {
        // The key of its kind is there: that is how the kind was found.
        let written = |value: &Option<Spanned<String>>| {
            value.clone().unwrap_or_else(|| Spanned::new(0..0, String::new()))
        };
        Ok(match kind {
            Kind::File => Source::File {
                path: self
                    .path_of(&format!("{key}.file"), &written(&from.file))?
                    .display()
                    .to_string(),
                ending: match from.looping.as_ref().map(|looping| *looping.get_ref()) {
                    Some(true) => Ending::Loop,
                    Some(false) | None => Ending::Stop,
                },
            },
            Kind::Test => Source::Test {
                pattern: self.text_of(&format!("{key}.test"), &written(&from.test))?,
            },
            Kind::Gst => Source::Gst { description: self.description(key, &written(&from.gst))? },
            Kind::Rtsp => Source::Rtsp(self.rtsp(key, &written(&from.rtsp), from)?),
            Kind::Mjpeg => Source::HttpMjpeg(self.mjpeg(key, &written(&from.mjpeg), from)?),
            Kind::V4l2 => Source::V4l2(self.v4l2(key, &written(&from.v4l2), from)?),
        })
    }

    fn decoder(
        &self,
        key: &str,
        written: Option<&Spanned<String>>,
    ) -> Result<DecoderChoice, ConfigError> {
        let Some(written) = written.filter(|written| written.get_ref() != "auto") else {
            return Ok(DecoderChoice::Auto);
        };
        let named = DecoderFamily::ALL.into_iter().find(|it| it.name() == written.get_ref());
        named.map(DecoderChoice::Named).ok_or_else(|| {
            let names = DecoderFamily::ALL.map(|family| format!("\"{}\"", family.name()));
            let right = format!("must be \"auto\", or one of {}", names.join(", "));
            self.wrong(&format!("{key}.decoder"), written, &right)
        })
    }

    fn v4l2(
        &self,
        key: &str,
        device: &Spanned<String>,
        from: &UnvalidatedSource,
    ) -> Result<V4l2, ConfigError> {
        let format = match from.format.as_ref().map(|format| (format, format.get_ref().as_str())) {
            None | Some((_, "raw")) => V4l2Format::Raw,
            Some((_, "mjpeg")) => V4l2Format::Mjpeg,
            Some((_, "h264")) => V4l2Format::H264,
            Some((written, _)) => {
                let right = "must be \"raw\", \"mjpeg\" or \"h264\"; `v4l2-ctl --list-formats-ext` \
                             says what the device gives";
                return Err(self.wrong(&format!("{key}.format"), written, right));
            }
        };
        let side = |name: &str, written: &Option<Spanned<i64>>| {
            self.whole(&format!("{key}.{name}"), written.as_ref(), SIDE_PX)
        };
        let size_px = match (side("width", &from.width)?, side("height", &from.height)?) {
            (Some(width), Some(height)) => Some((width, height)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let right = "width and height belong together";
                return Err(self.wrong(&format!("{key}.v4l2"), device, right));
            }
        };
        let device = self.path_of(&format!("{key}.v4l2"), device)?.display().to_string();
        Ok(V4l2 { device, format, size_px })
    }

    /// Whether GStreamer understands it shows when the camera is opened.
    fn description(&self, key: &str, written: &Spanned<String>) -> Result<Secret, ConfigError> {
        let text = written.get_ref().trim();
        let fits = (1..=DESCRIPTION_CHARS_MAX).contains(&text.chars().count());
        if fits && !text.contains('\0') {
            return Ok(Secret::new(text.to_owned()));
        }
        let right = format!("must be 1 to {DESCRIPTION_CHARS_MAX} characters");
        Err(self.wrong_at(&format!("{key}.gst"), "…", written.span(), &right))
    }
}

/// By names alone: a value may hold a password.
fn named(kinds: &[Kind], settings: &[&str]) -> String {
    let kinds = kinds.iter().map(|kind| kind.key());
    let names: Vec<&str> = kinds.chain(settings.iter().copied()).collect();
    format!("{{ {} }}", names.join(", "))
}
