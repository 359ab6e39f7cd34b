//! From what GStreamer reports to an error that says what to do.

use std::path::PathBuf;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use super::SourceError;
use super::decode;
use super::fallback::DecoderFailure;
use crate::redact::redact;

/// The package most missing decoders are in.
const LIBAV: &str = "gstreamer1.0-libav";

/// What stopped a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// The file holds other streams only.
    NoVideo,
    /// The typefinder gave up.
    UnknownFormat,
    /// Pictures in a form that cannot be described.
    Format,
    /// No plugin for a stream.
    Plugin { what: String, package: &'static str },
    /// The camera wants another user or password.
    Login,
    /// What was asked for is not there, in GStreamer's words.
    NotFound(String),
    /// File, device or network do not give what is asked for, in GStreamer's words.
    Resource(String),
    /// It cannot be decoded here, in our own words.
    Unusable(String),
    /// Anything else, in GStreamer's words.
    Other(String),
}

/// What the bus said so far.
#[derive(Debug, Default)]
pub(super) struct Reported {
    missing: Option<Failure>,
    error: Option<Failure>,
    decoder: Option<DecoderFailure>,
}

impl Reported {
    pub fn add(&mut self, message: &gst::Message) {
        match message.view() {
            gst::MessageView::Error(error) => {
                let source = message.src();
                let decoder = source.and_then(|it| it.downcast_ref::<gst::Element>());
                let decoder =
                    decoder.filter(|it| decode::is_decoder(it)).and_then(|it| it.factory());
                if let Some(factory) = decoder {
                    let reason = redact(error.error().message());
                    let element = factory.name().to_string();
                    self.decoder.get_or_insert(DecoderFailure { element, reason });
                }
                self.error.get_or_insert(classify(&error.error(), error.debug(), source));
            }
            gst::MessageView::Warning(warning) => {
                tracing::debug!(
                    debug = redact(warning.debug().as_deref().unwrap_or("")),
                    "gstreamer: {}",
                    redact(warning.error().message())
                );
            }
            gst::MessageView::Element(element) => {
                if let Some(structure) = element.structure()
                    && structure.name() == "missing-plugin"
                {
                    let new = missing_plugin(structure);
                    self.missing = self.missing.take().or(new);
                }
            }
            _ => {}
        }
    }

    /// The decoder that reported an error.
    pub fn decoder(&self) -> Option<&DecoderFailure> {
        self.decoder.as_ref()
    }

    /// The most telling failure: a missing plugin explains everything that follows from it, and
    /// what the probe saw explains what the pipeline then complains about.
    pub fn failure(&self, probed: Option<Failure>) -> Option<Failure> {
        if probed.is_none() && self.error.is_none() {
            return None;
        }
        self.missing.clone().or(probed).or_else(|| self.error.clone())
    }
}

impl Failure {
    pub fn into_error(self, source_name: &str, after: Duration) -> SourceError {
        let path = PathBuf::from(source_name);
        match self {
            Failure::NoVideo => SourceError::NoVideo { path },
            Failure::UnknownFormat => SourceError::UnknownFormat { path },
            Failure::Format => SourceError::Picture {
                source_name: source_name.to_owned(),
                reason: "its format is not understood",
            },
            Failure::Plugin { what, package } => {
                SourceError::PluginMissing { source_name: source_name.to_owned(), what, package }
            }
            Failure::Login => SourceError::Login {
                camera: source_name.to_owned(),
                right: "user or password are missing or wrong",
            },
            Failure::NotFound(reason) => {
                SourceError::NotFound { source_name: source_name.to_owned(), reason }
            }
            Failure::Resource(reason) => SourceError::Resource {
                source_name: source_name.to_owned(),
                after_s: after.as_secs_f64(),
                reason,
            },
            Failure::Unusable(reason) => SourceError::Unusable { reason },
            Failure::Other(reason) => SourceError::Broken {
                source_name: source_name.to_owned(),
                after_s: after.as_secs_f64(),
                reason,
            },
        }
    }
}

fn classify(
    error: &gst::glib::Error,
    debug: Option<gst::glib::GString>,
    from: Option<&gst::Object>,
) -> Failure {
    if error.matches(gst::StreamError::TypeNotFound) {
        return Failure::UnknownFormat;
    }
    if error.matches(gst::StreamError::CodecNotFound) {
        return Failure::Plugin { what: "a decoder for its video stream".into(), package: LIBAV };
    }
    if error.matches(gst::ResourceError::NotAuthorized) {
        return Failure::Login;
    }
    let name = from.map(|from| from.name());
    let element = name.as_deref().unwrap_or("?");
    // The first line names source file and line of the plugin; the second is for people.
    let detail = debug.as_deref().and_then(|text| text.lines().nth(1));
    let words = redact(&match detail.filter(|detail| !detail.is_empty()) {
        Some(detail) => format!("{error} ({detail}; element {element})"),
        None => format!("{error} (element {element})"),
    });
    match () {
        () if error.matches(gst::ResourceError::NotFound) => Failure::NotFound(words),
        // Of a source that opens nothing, some say only that no data flows.
        () if error.is::<gst::ResourceError>() || is_source(from) => Failure::Resource(words),
        () => Failure::Other(words),
    }
}

fn is_source(object: Option<&gst::Object>) -> bool {
    let element = object.and_then(|object| object.downcast_ref::<gst::Element>());
    element.is_some_and(|it| it.element_flags().contains(gst::ElementFlags::SOURCE))
}

/// `None` for streams that are not looked at, like sound.
fn missing_plugin(structure: &gst::StructureRef) -> Option<Failure> {
    let what = structure.get::<String>("name").unwrap_or_default();
    let caps = structure.get::<gst::Caps>("detail").ok();
    let media = caps.as_ref().and_then(|caps| caps.structure(0));
    let media = media.map_or(String::new(), |s| s.name().to_string());
    if media.starts_with("audio/") || media.starts_with("text/") || media.starts_with("subpicture/")
    {
        return None;
    }
    Some(Failure::Plugin {
        what: match what.is_empty() {
            true => format!("a plugin for {media}"),
            false => format!("a {what}"),
        },
        package: package_for(&media),
    })
}

/// Debian's package for a media type.
fn package_for(media: &str) -> &'static str {
    match media {
        "video/quicktime" | "video/x-matroska" | "video/webm" | "video/x-msvideo"
        | "video/x-flv" | "image/jpeg" | "image/png" | "video/x-vp8" | "video/x-vp9" => {
            "gstreamer1.0-plugins-good"
        }
        "video/mpegts" | "video/x-av1" | "video/mpeg-sys" => "gstreamer1.0-plugins-bad",
        "application/ogg" | "video/x-theora" => "gstreamer1.0-plugins-base",
        _ => LIBAV,
    }
}
