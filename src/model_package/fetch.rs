//! Fetching a package over HTTP or HTTPS: within a size, within a time, and going on where a broken
//! line left off.
//!
//! What is fetched lies in a part file until it is whole; beside it stands what it is a part of, so
//! that two files are never mixed. Nothing of it is believed: it is verified afterwards like a package
//! on a stick, and whoever refuses it calls [`forget`].
//!
//! Of an address only the origin is named in messages: the rest may be a secret. Blocking: never on
//! the alarm path.

mod part;

use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::http::{HeaderMap, Response, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use self::part::Part;
pub use self::part::forget;
use super::PACKAGE_BYTES_MAX;
use super::refusal::Refusal;
use crate::clock;
use crate::redact::origin;

/// Longest wait for a name, for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Longest wait for the head of an answer, and for more of its body.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Longest a package may take: 512 MB at 1.2 Mbit/s. Whoever sends a byte now and then is not waited
/// for any longer.
const WHOLE_MAX: Duration = Duration::from_secs(3_600);

/// Tries in a row that bring nothing.
const IDLE_TRIES_MAX: u32 = 3;

/// A try that brings less brings nothing.
const GROWTH_BYTES_MIN: u64 = 64 * 1024;

/// Read at once, bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// Addresses that an answer may send us on to.
const REDIRECTS_MAX: u32 = 5;

/// Answers after which the same may be asked again.
const PASSING: [u16; 4] = [408, 425, 429, 416];

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub bytes: u64,
    /// As the other side says.
    pub total: Option<u64>,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    On,
    Stop,
}

/// Told now and then how far it is.
pub type Tell<'a> = dyn FnMut(Progress) -> Go + 'a;

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{place} is no address of a package; it must begin with https:// or http://")]
    Address { place: String },
    #[error("there is no certificate in PEM form in {path}", path = .path.display())]
    Authority { path: PathBuf },
    #[error("{place} answered {status} instead of a package")]
    Answered { place: String, status: u16 },
    #[error("the line to {place} broke; what came is kept, and the next try goes on from there")]
    Broken {
        place: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{place} sends too slowly: no package takes more than {minutes} minutes", minutes = WHOLE_MAX.as_secs() / 60)]
    TooSlow { place: String },
    #[error(
        "fetching from {place} was stopped; what came is kept, and the next try goes on from there"
    )]
    Stopped { place: String },
    #[error(
        "{place} sends us on to more than {REDIRECTS_MAX} other addresses, one after the other"
    )]
    TooFar { place: String },
    #[error(
        "{place} sends us on to an address without encryption; give the last address itself, if that \
         is what is meant"
    )]
    Downgraded { place: String },
    #[error("what {place} sends is refused")]
    Refused {
        place: String,
        #[source]
        refusal: Refusal,
    },
    #[error("what came cannot be kept in {path}", path = .path.display())]
    Keep {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Whether a package can be fetched from there.
pub fn is_address(text: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme))
}

/// How one try ended without the whole.
enum Ended {
    /// The same may be tried again.
    Broken(Box<dyn Error + Send + Sync>),
    For(FetchError),
}

/// Fetches packages.
pub struct Fetcher {
    agent: Agent,
    limit_bytes: u64,
}

impl Fetcher {
    /// With the well-known certificate authorities, or with those of a file alone.
    ///
    /// # Errors
    /// The file holds none.
    pub fn new(ca_file: Option<&Path>) -> Result<Fetcher, FetchError> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = ca_file {
            let read =
                CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<_, _>>);
            let authorities: Vec<CertificateDer<'static>> = read.unwrap_or_default();
            if authorities.is_empty() {
                return Err(FetchError::Authority { path: path.to_owned() });
            }
            let known = authorities.iter().map(|der| Certificate::from_der(der).to_owned());
            let known: Vec<Certificate<'static>> = known.collect();
            tls = tls.root_certs(RootCerts::new_with_certs(&known));
        }
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            .max_redirects(REDIRECTS_MAX)
            .user_agent(concat!("standclear/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(CONNECT_MAX))
            .timeout_connect(Some(CONNECT_MAX))
            .timeout_recv_response(Some(SILENCE_MAX))
            .timeout_per_read(Some(SILENCE_MAX))
            .timeout_per_write(Some(SILENCE_MAX))
            .build()
            .new_agent();
        Ok(Fetcher { agent, limit_bytes: PACKAGE_BYTES_MAX })
    }

    /// Takes no more than this, where there is no room for the largest package.
    pub fn at_most(self, limit_bytes: u64) -> Fetcher {
        Fetcher { limit_bytes: limit_bytes.min(PACKAGE_BYTES_MAX), ..self }
    }

    /// Fetches into `part`, goes on where an earlier try left off, and gives the file from its start.
    ///
    /// # Errors
    /// The package did not come whole. What came is kept for the next try, unless it was refused or the
    /// disk takes no more.
    pub fn fetch(&self, url: &str, part: &Path, tell: &mut Tell<'_>) -> Result<File, FetchError> {
        let place = origin(url);
        if !is_address(url) {
            return Err(FetchError::Address { place });
        }
        let keep = |source| FetchError::Keep { path: part.to_owned(), source };
        let mut file = Part::open(part, url).map_err(keep)?;
        let began = clock::monotonic();
        let in_time = || clock::monotonic().since(began) < WHOLE_MAX;
        let mut idle_tries = 0;
        // Not what the last try had: a server that makes us begin anew would be asked for ever.
        let mut most = file.bytes();
        loop {
            match self.once(url, &mut file, tell, &in_time) {
                Ok(()) => return file.into_start().map_err(keep),
                Err(Ended::For(error)) => {
                    drop(file);
                    // What is refused is of no use, and a full disk is needed for other things.
                    if matches!(error, FetchError::Refused { .. } | FetchError::Keep { .. }) {
                        forget(part).map_err(keep)?;
                    }
                    return Err(error);
                }
                Err(Ended::Broken(source)) => {
                    let grew = file.bytes() >= most + GROWTH_BYTES_MIN;
                    idle_tries = if grew { 0 } else { idle_tries + 1 };
                    most = most.max(file.bytes());
                    if idle_tries >= IDLE_TRIES_MAX {
                        return Err(FetchError::Broken { place, source });
                    }
                }
            }
        }
    }

    /// One request, and all that comes.
    fn once(
        &self,
        url: &str,
        part: &mut Part,
        tell: &mut Tell<'_>,
        in_time: &dyn Fn() -> bool,
    ) -> Result<(), Ended> {
        let place = || origin(url);
        // Packages are not compressed, and a size that is not that of the package says nothing.
        let request = self.agent.get(url).header(header::ACCEPT_ENCODING, "identity");
        // Who asked for encryption gets it to the end of every chain of addresses.
        let mut request = request.config().https_only(url.starts_with("https://")).build();
        if let Some(validator) = part.validator() {
            let from = format!("bytes={}-", part.bytes());
            request = request.header(header::RANGE, from).header(header::IF_RANGE, validator);
        }
        let answer = request.call().map_err(|error| match error {
            ureq::Error::BadUri(_) => Ended::For(FetchError::Address { place: place() }),
            ureq::Error::TooManyRedirects => Ended::For(FetchError::TooFar { place: place() }),
            ureq::Error::RequireHttpsOnly(_) => {
                Ended::For(FetchError::Downgraded { place: place() })
            }
            error => Ended::Broken(error.into()),
        })?;
        let total = begin(url, part, &answer)?;
        let refused = |refusal| Ended::For(FetchError::Refused { place: place(), refusal });
        let limit = self.limit_bytes;
        let endless = || Refusal::EndlessData { what: "the package".to_owned(), limit };
        if total.is_some_and(|total| total > limit) {
            return Err(refused(endless()));
        }
        let mut body = answer.into_body().into_reader();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            if tell(Progress { bytes: part.bytes(), total }) == Go::Stop {
                return Err(Ended::For(FetchError::Stopped { place: place() }));
            }
            if !in_time() {
                return Err(Ended::For(FetchError::TooSlow { place: place() }));
            }
            let read = body.read(&mut chunk).map_err(|error| Ended::Broken(error.into()))?;
            if read == 0 {
                break;
            }
            if part.bytes() + read as u64 > limit {
                return Err(refused(endless()));
            }
            part.add(&chunk[..read]).map_err(|source| kept(part, source))?;
        }
        match total {
            Some(total) if total != part.bytes() => {
                Err(Ended::Broken(format!("{} of {total} bytes came", part.bytes()).into()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Looks at the head of an answer, makes the part what the body goes on from, and gives the size of
/// the whole.
fn begin(url: &str, part: &mut Part, answer: &Response<Body>) -> Result<Option<u64>, Ended> {
    match answer.status().as_u16() {
        200 => {
            part.start_over(validator(answer.headers())).map_err(|source| kept(part, source))?;
            Ok(answer.body().content_length())
        }
        206 => match content_range(answer.headers()) {
            Some((from, total)) if from == part.bytes() => Ok(Some(total)),
            _ => {
                part.start_over(None).map_err(|source| kept(part, source))?;
                Err(Ended::Broken("it sent another part than was asked for".into()))
            }
        },
        status if PASSING.contains(&status) || status >= 500 => {
            if status == 416 {
                part.start_over(None).map_err(|source| kept(part, source))?;
            }
            Err(Ended::Broken(format!("it answered {status}").into()))
        }
        status => Err(Ended::For(FetchError::Answered { place: origin(url), status })),
    }
}

fn kept(part: &Part, source: io::Error) -> Ended {
    Ended::For(FetchError::Keep { path: part.path().to_owned(), source })
}

/// What tells this file from any other under the same address; a weak tag does not.
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let tag = text(header::ETAG).filter(|tag| tag.starts_with('"'));
    tag.or_else(|| text(header::LAST_MODIFIED)).map(str::to_owned)
}

/// First byte and size of the whole in `bytes 100-199/200`.
fn content_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.parse().ok()?, total.parse().ok()?))
}
