//! The cookie that a browser is known by.
//!
//! Under TLS its name begins with `__Host-`: browsers then keep it only from this very host, over
//! TLS, for all paths, so that no neighbour can plant one.

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::SignedDuration;

use crate::web::Encryption;

const NAME: &str = "standclear_session";
const NAME_UNDER_TLS: &str = "__Host-standclear_session";

/// The session's secret in the request.
pub(super) fn secret<'a>(headers: &'a HeaderMap, encryption: &Encryption) -> Option<&'a str> {
    let wanted = name(encryption);
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
    cookie(secret, life.as_secs(), encryption)
}

/// Takes it back.
pub(super) fn clear(encryption: &Encryption) -> HeaderValue {
    cookie("", 0, encryption)
}

fn cookie(secret: &str, life_s: i64, encryption: &Encryption) -> HeaderValue {
    let secure = match encryption {
        Encryption::Plain => "",
        Encryption::Tls(_) => "; Secure",
    };
    let text = format!(
        "{}={secret}; Max-Age={life_s}; Path=/; HttpOnly; SameSite=Strict{secure}",
        name(encryption)
    );
    // Hexadecimal digits and constants are always legal in a header.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

fn name(encryption: &Encryption) -> &'static str {
    match encryption {
        Encryption::Plain => NAME,
        Encryption::Tls(_) => NAME_UNDER_TLS,
    }
}
