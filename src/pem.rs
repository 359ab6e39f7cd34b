//! Private keys as text: PKCS#8 in PEM form (RFC 7468). Reading it is `rustls`'s.

use base64::prelude::{BASE64_STANDARD, Engine};

/// Characters of a line (RFC 7468).
const LINE: usize = 64;

/// The text of a private key.
pub fn private_key(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        pem = pem + line + "\n";
        rest = after;
    }
    pem + "-----END PRIVATE KEY-----\n"
}
