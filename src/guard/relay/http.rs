//! A relay with a web server in it: one address switches it on, another off.
//!
//! An answer with a status of 200 to 299 counts as switched; such devices tell no more. Each request
//! has a connection and a time limit of its own. Faults name its origin alone: what stands before and
//! behind the host may be a secret.

use std::time::Duration;

use ureq::Agent;

use super::{ANSWER_MAX, Coil, RelayError, RelayOutput};
use crate::config::HttpMethod;
use crate::redact::origin;

/// Bytes of an answer that are looked at; it says nothing of use.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Longest wait for a name server, where the address has a name.
const RESOLVE_MAX: Duration = Duration::from_millis(300);

/// A relay by HTTP.
pub struct HttpRelay {
    agent: Agent,
    method: HttpMethod,
    on: String,
    off: String,
}

impl HttpRelay {
    pub fn new(method: HttpMethod, on: &str, off: &str) -> HttpRelay {
        let config = Agent::config_builder()
            .timeout_global(Some(ANSWER_MAX))
            .timeout_resolve(Some(RESOLVE_MAX))
            // A proxy of the environment has no business between box and relay.
            .proxy(None)
            .max_redirects(0)
            .max_idle_connections(0)
            .build();
        HttpRelay { agent: config.into(), method, on: on.to_owned(), off: off.to_owned() }
    }
}

impl RelayOutput for HttpRelay {
    fn set(&mut self, coil: Coil) -> Result<(), RelayError> {
        let url = match coil {
            Coil::Energised => &self.on,
            Coil::DeEnergised => &self.off,
        };
        let sent = match self.method {
            HttpMethod::Get => self.agent.get(url).call(),
            HttpMethod::Post => self.agent.post(url).send_empty(),
        };
        let failed = |error: ureq::Error| match error {
            ureq::Error::Timeout(_) => RelayError::Late { place: origin(url) },
            ureq::Error::BadUri(_) => {
                RelayError::Set { place: origin(url), source: "its url is no address".into() }
            }
            error => RelayError::Set { place: origin(url), source: error.into() },
        };
        let mut answer = sent.map_err(failed)?;
        if !answer.status().is_success() {
            let source = format!("it answered {}", answer.status()).into();
            return Err(RelayError::Set { place: origin(url), source });
        }
        // Read to its end, so that the device is not cut off in the middle of it.
        let _ = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        Ok(())
    }

    fn read(&mut self) -> Result<Option<Coil>, RelayError> {
        Ok(None)
    }
}
