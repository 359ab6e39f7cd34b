//! The cookies that a browser is known by: its session, and the marks of who signed in here.
//!
//! Under TLS their names begin with `__Host-`: browsers then keep them only from this very host, over
//! TLS, for all paths, so that no neighbour can plant one.

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::SignedDuration;

use crate::guard::handle::Marks;
use crate::web::Encryption;

/// Longest life of a cookie that browsers grant, days (RFC 6265bis).
const MARKS_DAYS: i64 = 400;

/// What a cookie is for; the second name is the one under TLS.
#[derive(Clone, Copy)]
struct Kind(&'static str, &'static str);

const SESSION: Kind = Kind("standclear_session", "__Host-standclear_session");

/// Who signed in here before; stays when they sign out.
const MARKS: Kind = Kind("standclear_known", "__Host-standclear_known");

/// The session's secret in the request.
pub(super) fn secret<'a>(headers: &'a HeaderMap, encryption: &Encryption) -> Option<&'a str> {
    found(headers, SESSION, encryption)
}

/// The marks in the request.
pub(super) fn marks(headers: &HeaderMap, encryption: &Encryption) -> Marks {
    found(headers, MARKS, encryption).map(Marks::parse).unwrap_or_default()
}

fn found<'a>(headers: &'a HeaderMap, kind: Kind, encryption: &Encryption) -> Option<&'a str> {
    let wanted = kind.name(encryption);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(name, _)| *name == wanted))
        .map(|(_, secret)| secret)
}

/// Gives the browser a session.
pub(super) fn set(secret: &str, life: SignedDuration, encryption: &Encryption) -> HeaderValue {
    cookie(SESSION, secret, life.as_secs(), encryption)
}

/// Takes it back.
pub(super) fn clear(encryption: &Encryption) -> HeaderValue {
    cookie(SESSION, "", 0, encryption)
}

/// Gives the browser its marks.
pub(super) fn remember(marks: &Marks, encryption: &Encryption) -> HeaderValue {
    cookie(MARKS, &marks.text(), MARKS_DAYS * 24 * 3600, encryption)
}

fn cookie(kind: Kind, value: &str, life_s: i64, encryption: &Encryption) -> HeaderValue {
    let secure = match encryption {
        Encryption::Plain => "",
        Encryption::Tls(_) => "; Secure",
    };
    let text = format!(
        "{}={value}; Max-Age={life_s}; Path=/; HttpOnly; SameSite=Strict{secure}",
        kind.name(encryption)
    );
    // Hexadecimal digits and constants are always legal in a header.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

impl Kind {
    fn name(self, encryption: &Encryption) -> &'static str {
        match encryption {
            Encryption::Plain => self.0,
            Encryption::Tls(_) => self.1,
        }
    }
}
