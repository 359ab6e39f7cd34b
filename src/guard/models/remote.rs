//! A box that runs, asked over its API with a token: for the command line.

use std::fs::{self, File};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::redact::origin;

/// A package is tried, or a model loaded beside the one that guards, before the box answers.
const ANSWER_MAX: Duration = Duration::from_secs(180);

const CONNECT_MAX: Duration = Duration::from_secs(10);

/// A package may come over a slow line: as long as the box listens to it, and a bit.
const SENT_MAX: Duration = Duration::from_secs(31 * 60);

/// Nothing goes out for so long: nobody is there any more.
const STANDS_MAX: Duration = Duration::from_secs(60);

/// Largest token and largest answer read, bytes.
const TOKEN_BYTES_MAX: usize = 4 * 1024;
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How the box is reached.
#[derive(Clone, Debug)]
pub struct Address {
    /// `https://box:8443`.
    pub url: String,
    pub token_file: PathBuf,
    /// The box's own authority, `/ca.crt` of its page.
    pub ca_file: Option<PathBuf>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error(
        "{place} is no address that a token may be sent to: it must begin with https://, or be http:// to this machine itself"
    )]
    Plain { place: String },
    #[error("{} cannot be read", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} holds no token; an admin makes one on the page, under People", .path.display())]
    Token { path: PathBuf },
    #[error("{} holds no certificate in PEM form; the box gives it as /ca.crt", .path.display())]
    Authority { path: PathBuf },
    #[error("{url} does not answer; {hint}")]
    Unreachable {
        url: String,
        hint: &'static str,
        #[source]
        source: Box<ureq::Error>,
    },
    #[error("the box refuses it ({status} {code}): {message}")]
    Refused { status: u16, code: String, message: String },
    #[error("the box has not taken it: {why}")]
    NotTaken { why: String },
    #[error("{url} answers what no box answers; is it the box's page?")]
    NoAnswer { url: String },
}

/// See the module.
pub struct Remote {
    agent: Agent,
    url: String,
    token: String,
}

impl Remote {
    /// # Errors
    /// There is no token or no certificate where they were said to be.
    pub fn new(address: &Address) -> Result<Remote, RemoteError> {
        if !may_be_told(&address.url) {
            return Err(RemoteError::Plain { place: origin(&address.url) });
        }
        let path = address.token_file.clone();
        let text = fs::read_to_string(&path)
            .map_err(|source| RemoteError::File { path: path.clone(), source })?;
        let token = text.trim();
        let is_token = (1..=TOKEN_BYTES_MAX).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token {
            return Err(RemoteError::Token { path });
        }
        let agent = agent(address.ca_file.as_deref())?;
        let url = address.url.trim_end_matches('/').to_owned();
        Ok(Remote { agent, url, token: token.to_owned() })
    }

    /// # Errors
    /// The box does not answer, or refuses.
    pub fn get(&self, path: &str) -> Result<Value, RemoteError> {
        let url = format!("{}{path}", self.url);
        let answer = self.agent.get(&url).header("authorization", self.bearer()).call();
        self.answered(answer)
    }

    /// # Errors
    /// The box does not answer, or refuses.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, RemoteError> {
        let url = format!("{}{path}", self.url);
        let request = self.agent.post(&url).header("authorization", self.bearer());
        let answer = request.content_type("application/json").send(body.to_string());
        self.answered(answer)
    }

    /// # Errors
    /// The box does not answer, or refuses.
    pub fn send_file(&self, path: &str, file: File) -> Result<Value, RemoteError> {
        let url = format!("{}{path}", self.url);
        let request = self.agent.post(&url).header("authorization", self.bearer());
        let answer = request.content_type("application/octet-stream").send(file);
        self.answered(answer)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn answered(
        &self,
        answer: Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, RemoteError> {
        answered(&self.url, answer)
    }
}

/// Asks a box. `ca_file`: its own authority.
pub(super) fn agent(ca_file: Option<&Path>) -> Result<Agent, RemoteError> {
    let mut tls = TlsConfig::builder();
    if let Some(path) = ca_file {
        tls = tls.root_certs(roots(path)?);
    }
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        // A secret goes to the box that was named and to nobody else.
        .max_redirects(0)
        .timeout_resolve(Some(CONNECT_MAX))
        .timeout_connect(Some(CONNECT_MAX))
        .timeout_send_request(Some(STANDS_MAX))
        .timeout_send_body(Some(SENT_MAX))
        .timeout_per_write(Some(STANDS_MAX))
        .timeout_recv_response(Some(ANSWER_MAX))
        .timeout_recv_body(Some(ANSWER_MAX));
    Ok(config.build().new_agent())
}

/// Whether nobody on the way reads a secret.
pub(super) fn may_be_told(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_here(),
        Some(_) | None => false,
    }
}

/// What the box at `url` says.
pub(super) fn answered(
    url: &str,
    answer: Result<Response<ureq::Body>, ureq::Error>,
) -> Result<Value, RemoteError> {
    let url = || url.to_owned();
    let hint = match url().starts_with("https:") {
        true => "with the box's own authority name its certificate with --ca",
        false => "does it run, on this port?",
    };
    let unreachable =
        |source| RemoteError::Unreachable { url: url(), hint, source: Box::new(source) };
    let mut answer = answer.map_err(unreachable)?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
    let body = body.map_err(unreachable)?;
    let said: Result<Value, _> = serde_json::from_str(&body);
    match (status, said) {
        (200..=299, Ok(said)) => Ok(said),
        (200..=299, Err(_)) if body.is_empty() => Ok(Value::Null),
        (_, Ok(said)) => {
            let text =
                |at: &str| said.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (code, message) = (text("/error/code"), text("/error/message"));
            Err(RemoteError::Refused { status, code, message })
        }
        (_, Err(_)) => Err(RemoteError::NoAnswer { url: url() }),
    }
}

fn roots(path: &Path) -> Result<RootCerts, RemoteError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<_, _>>);
    let authorities: Vec<CertificateDer<'static>> = read.unwrap_or_default();
    if authorities.is_empty() {
        return Err(RemoteError::Authority { path: path.to_owned() });
    }
    let known = authorities.iter().map(|der| Certificate::from_der(der).to_owned());
    Ok(RootCerts::new_with_certs(&known.collect::<Vec<_>>()))
}
