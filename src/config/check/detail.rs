//! `model.detail`: whether the vision process looks closer where people are small.

use toml::Spanned;

use super::Place;
use crate::config::ConfigError;
use crate::link::DetailChoice;

impl Place<'_> {
    pub(super) fn detail(
        &self,
        written: Option<&Spanned<String>>,
    ) -> Result<DetailChoice, ConfigError> {
        let Some(written) = written else {
            return Ok(DetailChoice::Off);
        };
        match written.get_ref().as_str() {
            "off" => Ok(DetailChoice::Off),
            "zones" => Ok(DetailChoice::Zones),
            _ => Err(self.wrong("model.detail", written, "must be \"off\" or \"zones\"")),
        }
    }
}
