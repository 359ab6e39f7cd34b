//! `[zones]`: how zones are changed.

use serde::Deserialize;
use toml::Spanned;

use super::Place;
use crate::config::{Approval, ConfigError, Zones};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedZones {
    approval: Option<Spanned<String>>,
}

impl Place<'_> {
    pub(super) fn zones(&self, zones: &UnvalidatedZones) -> Result<Zones, ConfigError> {
        let approval = match &zones.approval {
            None => Approval::SecondPerson,
            Some(written) => match written.get_ref().as_str() {
                "second_person" => Approval::SecondPerson,
                "self" => Approval::Author,
                _ => {
                    let right = "must be \"second_person\" (whoever proposes zones cannot approve \
                                 them) or \"self\"";
                    return Err(self.wrong("zones.approval", written, right));
                }
            },
        };
        Ok(Zones { approval })
    }
}
