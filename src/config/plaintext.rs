//! `plaintext`: whether a login may go over the network as it is.
//!
//! Whoever reads a login on the wire may publish as the box, switch zones off by inputs, and answer
//! alarms by message. So it needs TLS or the machine itself, unless the site says that the network is
//! its own. Not here: whether the broker's certificate is right.

use std::net::IpAddr;

use toml::Spanned;

use super::ConfigError;
use super::check::Place;

/// What the key must be, where it is written.
const ALLOWED: &str = "allowed";

/// How a connection with a login is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    Tls,
    Nothing,
}

impl Place<'_> {
    /// Refuses a login that others could read. `table` is the broker's; `user` is its key and value;
    /// `remedy` is what else would be right.
    pub(super) fn login_in_clear(
        &self,
        (table, host, cover): (&str, &str, Cover),
        user: Option<(&str, &Spanned<String>)>,
        plaintext: Option<&Spanned<String>>,
        remedy: &str,
    ) -> Result<(), ConfigError> {
        let key = format!("{table}.plaintext");
        match plaintext {
            Some(written) if written.get_ref() == ALLOWED => return Ok(()),
            Some(written) => {
                let right = format!("must be \"{ALLOWED}\", or be left out");
                return Err(self.wrong(&key, written, &right));
            }
            None => {}
        }
        match user {
            Some((name, user)) if cover == Cover::Nothing && !is_this_machine(host) => {
                let right = format!(
                    "would send a login to {host} for everybody on the network to read, and whoever \
                     has it speaks as this box; {remedy}, or write {key} = \"{ALLOWED}\" where the \
                     network is yours alone"
                );
                Err(self.wrong(&format!("{table}.{name}"), user, &right))
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
