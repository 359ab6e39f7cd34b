//! Encryption: the box's own certificate authority, or a certificate that was given.
//!
//! Terms: the **authority** signs for this box alone; people install its certificate (`/ca.crt`)
//! once, for ten years. The **box's certificate** is signed by it for the names the box is reached
//! by, for 397 days at most (what browsers accept), and made anew before it ends, without a restart.
//! A box without a battery begins with a wrong clock: so whether it is due is asked every minute.
//!
//! The authority's key lies in the store's folder, for its owner only. Who has it can pretend to be
//! any site to those who installed the authority; docs/design/access.md says what follows.
//!
//! Not here: who may come in.

mod files;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::App;
use super::error::ApiError;
use super::error::ErrorBody;
use crate::digest::sha256_of;

/// Certificate and key of the box, and the authority's key.
const BOX_FILE: &str = "box.pem";
const AUTHORITY_KEY_FILE: &str = "ca.key";

/// What every box is called on itself.
pub const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Longest life of a server's certificate that browsers accept, days.
const BOX_DAYS: i64 = 397;

/// Made anew when fewer days are left.
const RENEW_DAYS: i64 = 30;

/// Life of the authority, years.
const AUTHORITY_YEARS: i16 = 10;

/// A box without a battery begins in 1970 until it hears the time; nothing was made before this.
const FIRST_DAY: Date = jiff::civil::date(2026, 1, 1);

/// Midnight as `rcgen` wants it: its type has no name here. jiff's months and days are 1 to 31.
macro_rules! midnight {
    ($day:expr) => {{
        let day: Date = $day;
        rcgen::date_time_ymd(
            day.year().into(),
            day.month().unsigned_abs(),
            day.day().unsigned_abs(),
        )
    }};
}

/// How a server speaks.
#[derive(Clone, Debug)]
pub enum Encryption {
    /// Plain HTTP: on loopback only.
    Plain,
    Tls(Arc<Tls>),
}

/// What is needed to speak TLS; renews itself when asked to.
#[derive(Debug)]
pub struct Tls {
    origin: Origin,
    config: RwLock<Arc<ServerConfig>>,
}

#[derive(Debug)]
enum Origin {
    Own { folder: PathBuf, names: Vec<String>, authority_pem: String },
    Given { certificate: PathBuf, key: PathBuf },
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path} cannot be read; give this user the right to, or name another file in [web]", path = .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} cannot be written", path = .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} holds no {what} in PEM form ({why})", path = .path.display())]
    Pem { path: PathBuf, what: &'static str, why: String },
    #[error("{certificate} and {key} do not make a server's certificate; they must belong together", certificate = .certificate.display(), key = .key.display())]
    Pair {
        certificate: PathBuf,
        key: PathBuf,
        #[source]
        source: rustls::Error,
    },
    #[error("a certificate for {names} could not be made; move {folder} away to have a new authority made", folder = .folder.display())]
    Make {
        names: String,
        folder: PathBuf,
        #[source]
        source: rcgen::Error,
    },
}

/// What the file of the box's certificate says of it, in its first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct About {
    names: Vec<String>,
    from: Date,
    until: Date,
    /// SHA-256 of the authority that signed it.
    authority: String,
}

impl Tls {
    /// TLS with the box's own authority, made in `folder` where there is none.
    ///
    /// # Errors
    /// The files cannot be read, written or understood.
    pub fn own(folder: &Path, names: &[String], now: Timestamp) -> Result<Tls, TlsError> {
        files::make_folder(folder)?;
        for file in [AUTHORITY_KEY_FILE, BOX_FILE] {
            files::close_to_others(&folder.join(file))?;
        }
        let authority_pem = authority(folder, names, now)?;
        let origin =
            Origin::Own { folder: folder.to_owned(), names: names.to_owned(), authority_pem };
        let config = origin.config(now)?;
        Ok(Tls { origin, config: RwLock::new(config) })
    }

    /// TLS with a certificate (and those that signed it, in one file) and its key.
    ///
    /// # Errors
    /// The files cannot be read or do not belong together.
    pub fn given(certificate: &Path, key: &Path, now: Timestamp) -> Result<Tls, TlsError> {
        let origin = Origin::Given { certificate: certificate.to_owned(), key: key.to_owned() };
        let config = origin.config(now)?;
        Ok(Tls { origin, config: RwLock::new(config) })
    }

    /// Makes the box's certificate anew when it is about to end, or reads the given one again. To be
    /// called daily; what is served stays as it is on an error.
    ///
    /// # Errors
    /// As when it was made.
    pub fn renew(&self, now: Timestamp) -> Result<(), TlsError> {
        let config = self.origin.config(now)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Renews where the certificate does not fit the time: about to end, or not begun yet because the
    /// clock was wrong when it was made. To be called every minute; costs a small read.
    ///
    /// # Errors
    /// As when it was made.
    pub fn renew_if_due(&self, now: Timestamp) -> Result<(), TlsError> {
        match &self.origin {
            Origin::Own { folder, names, authority_pem } => {
                if needs_another(&folder.join(BOX_FILE), names, authority_pem, now) {
                    return self.renew(now);
                }
                Ok(())
            }
            // Whoever gave it gives another.
            Origin::Given { .. } => Ok(()),
        }
    }

    /// What the next connection is served with.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The authority to install, in PEM form; `None` when the certificate was given.
    pub fn authority(&self) -> Option<&str> {
        match &self.origin {
            Origin::Own { authority_pem, .. } => Some(authority_pem),
            Origin::Given { .. } => None,
        }
    }

    /// SHA-256 of the authority's certificate as browsers show it: `AB:CD:…`.
    pub fn fingerprint(&self) -> Option<String> {
        let der = CertificateDer::from_pem_slice(self.authority()?.as_bytes()).ok()?;
        let pairs: Vec<String> =
            Sha256::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect();
        Some(pairs.join(":"))
    }
}

impl Origin {
    fn config(&self, now: Timestamp) -> Result<Arc<ServerConfig>, TlsError> {
        match self {
            Origin::Own { folder, names, authority_pem } => {
                let file = folder.join(BOX_FILE);
                if needs_another(&file, names, authority_pem, now) {
                    make_box(folder, &file, names, authority_pem, now)?;
                }
                server_config(&file, &file)
            }
            Origin::Given { certificate, key } => server_config(certificate, key),
        }
    }
}

/// What a box is called: what is configured, the machine's own name, the address it listens on, and
/// the loopback names.
pub fn names(configured: &[String], listen: IpAddr) -> Vec<String> {
    let mut names = configured.to_vec();
    if let Some(machine) = files::machine_name() {
        names.extend([machine.clone(), format!("{machine}.local")]);
    }
    if !listen.is_unspecified() {
        names.push(listen.to_string());
    }
    names.extend(LOOPBACK_NAMES.map(str::to_owned));
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The authority of the folder; made when there is none.
fn authority(folder: &Path, names: &[String], now: Timestamp) -> Result<String, TlsError> {
    let file = folder.join("ca.pem");
    if file.exists() {
        return files::read(&file);
    }
    let today = day(now);
    let make = || -> Result<(String, KeyPair), rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        (params.not_before, params.not_after) =
            (midnight!(today.yesterday().unwrap_or(today)), midnight!(years_later(today)));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let first = names.first().map_or("this box", String::as_str);
        params.distinguished_name = called(format!("Standclear authority of {first} ({today})"));
        Ok((params.self_signed(&key)?.pem(), key))
    };
    let (pem, key) = make().map_err(|source| make_error(folder, names, source))?;
    // The key first: an authority without its key would be a trap.
    files::write_private(&folder.join(AUTHORITY_KEY_FILE), &key.serialize_pem())?;
    files::write_private(&file, &pem)?;
    Ok(pem)
}

/// Whether the box's certificate is missing, about to end, or for other names.
fn needs_another(file: &Path, names: &[String], authority_pem: &str, now: Timestamp) -> bool {
    let Ok(text) = files::read(file) else { return true };
    let about = text.lines().next().and_then(|line| line.strip_prefix("# "));
    let Some(about) = about.and_then(|json| serde_json::from_str::<About>(json).ok()) else {
        return true;
    };
    let today = day(now);
    let soon = today.saturating_add(SignedDuration::from_hours(RENEW_DAYS * 24));
    about.names != names
        || about.authority != digest(authority_pem)
        || today < about.from
        || soon >= about.until
}

fn make_box(
    folder: &Path,
    file: &Path,
    names: &[String],
    authority_pem: &str,
    now: Timestamp,
) -> Result<(), TlsError> {
    let authority_key = files::read(&folder.join(AUTHORITY_KEY_FILE))?;
    let from = day(now).yesterday().unwrap_or(FIRST_DAY);
    let until = from.saturating_add(SignedDuration::from_hours(BOX_DAYS * 24));
    let make = || -> Result<String, rcgen::Error> {
        let issuer = Issuer::from_ca_cert_pem(authority_pem, KeyPair::from_pem(&authority_key)?)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.to_vec())?;
        (params.not_before, params.not_after) = (midnight!(from), midnight!(until));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.distinguished_name = called("Standclear box".to_owned());
        let certificate = params.signed_by(&key, &issuer)?;
        Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
    };
    let pem = make().map_err(|source| make_error(folder, names, source))?;
    let about = About { names: names.to_vec(), from, until, authority: digest(authority_pem) };
    let about = serde_json::to_string(&about).unwrap_or_default();
    files::write_private(file, &format!("# {about}\n{pem}"))
}

fn server_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let wrong = |path: &Path, what, why: String| TlsError::Pem { path: path.to_owned(), what, why };
    let text = files::read(certificate)?;
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let chain = chain.map_err(|error| wrong(certificate, "certificate", error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "certificate", "it has none".into()));
    }
    let secret = PrivateKeyDer::from_pem_slice(files::read(key)?.as_bytes())
        .map_err(|error| wrong(key, "private key", error.to_string()))?;
    let pair = |source| TlsError::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The certificate of the box's authority, to be installed where the page is used.
#[utoipa::path(
    get,
    path = "/ca.crt",
    responses(
        (status = 200, description = "The authority in PEM form", content_type = "application/x-x509-ca-cert", body = String),
        (status = 404, description = "`no_authority`: this box does not use one of its own", body = ErrorBody),
    )
)]
pub(super) async fn authority_download(
    State(app): State<App>,
) -> Result<impl IntoResponse, ApiError> {
    let authority = match app.encryption() {
        Encryption::Tls(tls) => tls.authority().map(str::to_owned),
        Encryption::Plain => None,
    };
    let Some(pem) = authority else {
        return Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "no_authority",
            "this box has no certificate authority of its own, so there is nothing to install",
        ));
    };
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"standclear-ca.crt\""),
    ];
    Ok((headers, pem))
}

fn make_error(folder: &Path, names: &[String], source: rcgen::Error) -> TlsError {
    TlsError::Make { names: names.join(", "), folder: folder.to_owned(), source }
}

fn called(name: String) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

fn digest(pem: &str) -> String {
    sha256_of(pem)
}

fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date().max(FIRST_DAY)
}

fn years_later(day: Date) -> Date {
    day.with().year(day.year() + AUTHORITY_YEARS).day(day.day().min(28)).build().unwrap_or(day)
}
