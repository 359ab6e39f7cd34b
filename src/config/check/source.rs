//! `camera.source`: a file, a test pattern, or a GStreamer description.

use serde::Deserialize;
use toml::Spanned;

use super::Place;
use crate::config::ConfigError;
use crate::link::{Ending, GstDescription, Source};

/// Longest GStreamer description, in characters: a dozen elements with all their settings.
const DESCRIPTION_CHARS_MAX: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedSource {
    file: Option<Spanned<String>>,
    #[serde(rename = "loop")]
    looping: Option<Spanned<bool>>,
    test: Option<Spanned<String>>,
    gst: Option<Spanned<String>>,
}

impl Place<'_> {
    pub(super) fn source(
        &self,
        key: &str,
        from: Spanned<UnvalidatedSource>,
    ) -> Result<Source, ConfigError> {
        let span = from.span();
        let source = from.into_inner();
        match (&source.file, &source.test, &source.gst, &source.looping) {
            (Some(path), None, None, looping) => Ok(Source::File {
                path: self.path_of(&format!("{key}.file"), path)?.display().to_string(),
                ending: match looping.as_ref().map(|looping| *looping.get_ref()) {
                    Some(true) => Ending::Loop,
                    Some(false) | None => Ending::Stop,
                },
            }),
            (None, Some(pattern), None, None) => {
                Ok(Source::Test { pattern: self.text_of(&format!("{key}.test"), pattern)? })
            }
            (None, None, Some(description), None) => {
                Ok(Source::Gst { description: self.description(key, description)? })
            }
            _ => {
                // By names alone: a description may hold a password.
                let named = [
                    source.file.as_ref().map(|_| "file"),
                    source.test.as_ref().map(|_| "test"),
                    source.gst.as_ref().map(|_| "gst"),
                    source.looping.as_ref().map(|_| "loop"),
                ];
                let named: Vec<&str> = named.into_iter().flatten().collect();
                let value = format!("{{ {} }}", named.join(", "));
                let right = "must be one of { file = \"clip.mp4\", loop = true }, { test = \
                             \"ball\" } and { gst = \"rtspsrc location=rtsp://… latency=0\" }";
                Err(self.wrong_at(key, &value, span, right))
            }
        }
    }

    /// Whether GStreamer understands it shows when the camera is opened.
    fn description(
        &self,
        key: &str,
        written: &Spanned<String>,
    ) -> Result<GstDescription, ConfigError> {
        let text = written.get_ref().trim();
        let fits = (1..=DESCRIPTION_CHARS_MAX).contains(&text.chars().count());
        if fits && !text.contains('\0') {
            return Ok(GstDescription::new(text.to_owned()));
        }
        let right = format!("must be 1 to {DESCRIPTION_CHARS_MAX} characters");
        Err(self.wrong_at(&format!("{key}.gst"), "…", written.span(), &right))
    }
}
