//! A webhook: one POST a message, signed, so that the receiver knows who sent it and when.
//!
//! `Standclear-Signature` is `v1=` and the HMAC-SHA256, in hex, of timestamp, a point and the body,
//! under the secret both sides hold. A receiver refuses old timestamps, so that nobody can send an
//! old message again.
//!
//! 2xx: taken. 400, 410, 413, 414, 415, 422: this message is unacceptable. Any other answer: the
//! receiver does not work. Redirects are not followed: what is signed is for one address.
//!
//! Bounded: ten seconds a message, from the name's look-up to the answer's head; the answer's body
//! is not read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ring::hmac;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::{Channel, Letter, SEND_MAX, Sent, Tended};
use crate::clock;
use crate::config::Webhook;
use crate::engine::delivery::Outcome;
use crate::redact::origin;
use crate::telemetry::chain;

/// Shortest secret, bytes: 128 bits if it is random.
const SECRET_BYTES_MIN: usize = 16;

/// Largest secret file that is read, bytes: it holds one line.
const SECRET_BYTES_MAX: u64 = 1_024;

/// Answers by which a receiver calls the message unacceptable, whoever sends it and when.
const UNACCEPTABLE: [u16; 6] = [400, 410, 413, 414, 415, 422];

/// See [`Channel`].
pub struct WebhookChannel {
    webhook: Webhook,
    box_id: String,
    agent: Option<Agent>,
}

/// Why a message could not even be sent; fixed by a person at the box.
#[derive(Debug, thiserror::Error)]
enum SetUpError {
    #[error("the secret file {path} cannot be read", path = .path.display())]
    Secret {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the secret in {path} has fewer than {SECRET_BYTES_MIN} bytes; write a longer one", path = .path.display())]
    ShortSecret { path: PathBuf },
    #[error("there is no certificate in PEM form in {path}", path = .path.display())]
    Authority { path: PathBuf },
}

impl WebhookChannel {
    pub fn new(webhook: Webhook, box_id: String) -> WebhookChannel {
        WebhookChannel { webhook, box_id, agent: None }
    }

    fn post(&mut self, letter: &Letter) -> Result<Sent, SetUpError> {
        let secret = secret(&self.webhook.secret_file)?;
        if self.agent.is_none() {
            self.agent = Some(agent(self.webhook.ca_file.as_deref())?);
        }
        let Some(agent) = &self.agent else {
            return Ok(Sent::not(Outcome::Unreachable, "not ready"));
        };
        let timestamp = clock::wall().as_second().to_string();
        let signature = signature(&secret, &timestamp, letter.json.as_bytes());
        let answer = agent
            .post(&self.webhook.url)
            .header("Content-Type", "application/json")
            .header("Standclear-Id", format!("{}/{}", self.box_id, letter.key))
            .header("Standclear-Version", letter.version.to_string())
            .header("Standclear-Attempt", letter.attempt.to_string())
            .header("Standclear-Timestamp", timestamp)
            .header("Standclear-Signature", signature)
            .send(letter.json.as_bytes());
        Ok(match answer {
            Ok(answer) => judged(answer.status().as_u16()),
            // The rest of the address may be a secret, and this is read by many.
            Err(ureq::Error::BadUri(_)) => {
                let place = origin(&self.webhook.url);
                Sent::not(Outcome::Unreachable, format!("{place}: its url is no address"))
            }
            Err(error) => {
                let place = origin(&self.webhook.url);
                Sent::not(Outcome::Unreachable, format!("{place}: {error}"))
            }
        })
    }
}

impl Channel for WebhookChannel {
    /// There is no line between two messages.
    fn tend(&mut self) -> Tended {
        Tended::Same
    }

    fn send(&mut self, letter: &Letter) -> Sent {
        self.post(letter).unwrap_or_else(|error| Sent::not(Outcome::Unreachable, chain(&error)))
    }

    fn close(&mut self) {}
}

/// What an answer's status means for the message.
pub(super) fn judged(status: u16) -> Sent {
    match status {
        200..=299 => Sent::taken(),
        refused if UNACCEPTABLE.contains(&refused) => {
            Sent::not(Outcome::Refused, format!("the receiver refuses the message ({refused})"))
        }
        other => Sent::not(Outcome::Failed, format!("the receiver answers {other}")),
    }
}

/// The value of `Standclear-Signature`.
pub fn signature(secret: &[u8], timestamp: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    context.update(timestamp.as_bytes());
    context.update(b".");
    context.update(body);
    let tag = context.sign();
    tag.as_ref().iter().fold("v1=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

fn secret(file: &Path) -> Result<Vec<u8>, SetUpError> {
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(SECRET_BYTES_MAX).read_to_string(&mut text))
        .map_err(|source| SetUpError::Secret { path: file.to_owned(), source })?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.len() < SECRET_BYTES_MIN {
        return Err(SetUpError::ShortSecret { path: file.to_owned() });
    }
    Ok(line.as_bytes().to_vec())
}

/// What speaks HTTP: bounded in time, without redirects, without a proxy of the environment.
fn agent(ca_file: Option<&Path>) -> Result<Agent, SetUpError> {
    let mut tls = TlsConfig::builder();
    if let Some(path) = ca_file {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<_, _>>);
        let authorities: Vec<CertificateDer<'static>> = read.unwrap_or_default();
        if authorities.is_empty() {
            return Err(SetUpError::Authority { path: path.to_owned() });
        }
        let known = authorities.iter().map(|der| Certificate::from_der(der).to_owned());
        let known: Vec<Certificate<'static>> = known.collect();
        tls = tls.root_certs(RootCerts::new_with_certs(&known));
    }
    Ok(agent_with(tls.build()))
}

pub(super) fn agent_with(tls: TlsConfig) -> Agent {
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("standclear/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(SEND_MAX))
        .build()
        .new_agent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_hmac_sha256_over_timestamp_point_and_body() {
        // Computed with Python's hmac module.
        assert_eq!(
            signature(b"0123456789abcdef", "1772373600", b"{\"a\":1}"),
            "v1=8c7557d85cfdb266591a2e7c19c40afeb1db3ddb1b01d4048c20aac251a093be"
        );
    }

    #[test]
    fn only_an_answer_that_blames_the_message_can_cost_it() {
        for (status, outcome) in [
            (200, Outcome::Taken),
            (204, Outcome::Taken),
            (301, Outcome::Failed),
            (400, Outcome::Refused),
            (401, Outcome::Failed),
            (404, Outcome::Failed),
            (410, Outcome::Refused),
            (429, Outcome::Failed),
            (500, Outcome::Failed),
            (503, Outcome::Failed),
        ] {
            assert_eq!(judged(status).outcome, outcome, "{status}");
        }
    }
}
