//! `[handhelds]`: where handhelds connect, and how soon the next person is called.

use std::net::SocketAddr;

use serde::Deserialize;
use toml::Spanned;

use super::super::{ConfigError, Handhelds, Web};
use super::Place;

/// Seconds until the next person is called, unless told: time to take a phone out of a pocket with
/// a glove on, look and press.
const ACKNOWLEDGE_WITHIN_S: u32 = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedHandhelds {
    listen: Spanned<String>,
    acknowledge_within_s: Option<Spanned<i64>>,
}

impl Place<'_> {
    pub(super) fn handhelds(
        &self,
        from: &UnvalidatedHandhelds,
        web: Option<&Web>,
    ) -> Result<Handhelds, ConfigError> {
        let key = "handhelds.listen";
        let text = from.listen.get_ref().replacen("localhost:", "127.0.0.1:", 1);
        let listen = text.parse::<SocketAddr>().map_err(|_no_address| {
            let right = "must be an address and a port, such as \"0.0.0.0:8081\"";
            self.wrong(key, &from.listen, right)
        })?;
        if listen.port() != 0 && web.is_some_and(|web| web.listen.port() == listen.port()) {
            let right = "must have another port than web.listen: a page that is flooded must not \
                         keep an alarm from a handheld";
            self.told(Err(self.wrong(key, &from.listen, right)), ());
        }
        let within = self.whole(
            "handhelds.acknowledge_within_s",
            from.acknowledge_within_s.as_ref(),
            10..601,
        )?;
        Ok(Handhelds { listen, acknowledge_within_s: within.unwrap_or(ACKNOWLEDGE_WITHIN_S) })
    }
}
