//! `privacy`: what of people is made unrecognisable in what is shown and exported.

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::check::Place;

/// What of people is made unrecognisable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privacy {
    /// The whole person.
    #[default]
    Persons,
    /// The upper part of the box, where the head is.
    Heads,
    /// Nothing; it stands in the audit log at every start.
    Off,
}

/// `privacy`, as written.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct UnvalidatedPrivacy(Option<Spanned<String>>);

impl Privacy {
    /// As it stands in the configuration and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Privacy::Persons => "persons",
            Privacy::Heads => "heads",
            Privacy::Off => "off",
        }
    }
}

impl Place<'_> {
    pub(super) fn privacy(&self, from: &UnvalidatedPrivacy) -> Result<Privacy, ConfigError> {
        let Some(written) = &from.0 else { return Ok(Privacy::default()) };
        let known = [Privacy::Persons, Privacy::Heads, Privacy::Off];
        let found = known.into_iter().find(|it| it.as_str() == written.get_ref());
        found.ok_or_else(|| {
            let right = "must be \"persons\" (whole people are pixelated in what is shown and \
                         exported), \"heads\" or \"off\"";
            self.wrong("privacy", written, right)
        })
    }
}
