//! Takes passwords out of what is said about a camera, a receiver or a relay.
//!
//! GStreamer's messages repeat addresses and settings as they were written, so every text that comes
//! from it goes through here before anybody sees it. Of an address that is asked over HTTP only its
//! origin is ever named. Rather too much is hidden than too little.
//!
//! Not here: where such texts come from.

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// Settings and query parameters whose value is a secret, by how their names end.
const SECRET_SETTINGS: [&str; 16] = [
    "user-id",
    "user-pw",
    "proxy-id",
    "proxy-pw",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pass",
    "pwd",
    "token",
    "secret",
    "key",
    "auth",
    "authorization",
    "cookie",
];

/// The text without the credentials of any address and without the value of any secret setting.
pub fn redact(text: &str) -> String {
    redact_settings(&redact_addresses(text))
}

/// `scheme://host:port` of an address: what stands before and behind it may be a secret.
pub fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    // A password with a `/` in it is no proper address, but people write it: then this is none.
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let is_port = |port: &str| port.chars().all(|c| c.is_ascii_digit());
    let proper = match host.rsplit_once(':') {
        _ if host.ends_with(']') => true,
        Some((name, port)) => is_port(port) && (name.ends_with(']') || !name.contains(':')),
        None => true,
    };
    let host = if proper && host.chars().all(is_host) { host } else { HIDDEN };
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

/// `scheme://user:password@host` becomes `scheme://***@host`. A password with a `/` in it is no
/// proper address, but people write it: all up to the last `@` of the word goes.
fn redact_addresses(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, word) = rest.split_at(at + "://".len());
        clean.push_str(before);
        let end = word.find(ends_a_value).unwrap_or(word.len());
        match word[..end].rfind('@') {
            Some(credentials) => {
                clean.push_str(HIDDEN);
                rest = &word[credentials..];
            }
            None => rest = word,
        }
    }
    clean.push_str(rest);
    clean
}

/// `user-pw=secret` becomes `user-pw=***`, and so do `"user-pw": "secret"` and
/// `user-pw=(string)"secret"`, quoted, escaped or not.
fn redact_settings(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':']) {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        clean.push_str(&rest[..=at]);
        let name = before.trim_end_matches(|c: char| c.is_whitespace() || is_a_quote(c));
        let name = name.to_ascii_lowercase();
        rest = match SECRET_SETTINGS.iter().any(|secret| name.ends_with(secret)) {
            true => {
                clean.push_str(HIDDEN);
                &after[value_length(after, &name)..]
            }
            false => after,
        };
    }
    clean.push_str(rest);
    clean
}

/// How many bytes of the text are the value of that name that begins it.
fn value_length(text: &str, name: &str) -> usize {
    let blank = text.len() - text.trim_start().len();
    // `(string)` before a value says its type.
    let typed = match text[blank..].starts_with('(') {
        true => text[blank..].find(')').map_or(text.len() - blank, |end| end + 1),
        false => 0,
    };
    let start = blank + typed;
    let start = start + (text[start..].len() - text[start..].trim_start().len());
    let value = &text[start..];
    // Of a header all that follows is the value: `Authorization: Basic ZXZh`.
    let is_header = ["authorization", "cookie"].iter().any(|header| name.ends_with(header));
    let escapes = value.len() - value.trim_start_matches('\\').len();
    let length = match value[escapes..].chars().next().filter(|first| is_a_quote(*first)) {
        None if is_header => value.find(['\n', '"', '\'']).unwrap_or(value.len()),
        None => value.find(|c| ends_a_value(c) || c == '&').unwrap_or(value.len()),
        Some(quote) => quoted_length(value, quote, escapes),
    };
    start + length
}

/// A quoted value ends at a quote that is escaped as often as the first, not more. One that is never
/// closed hides everything.
fn quoted_length(value: &str, quote: char, escapes: usize) -> usize {
    let mut backslashes = 0;
    for (at, c) in value.char_indices().skip(escapes + 1) {
        match c {
            '\\' => backslashes += 1,
            _ if c == quote && backslashes <= escapes => return at + 1,
            _ => backslashes = 0,
        }
    }
    value.len()
}

fn is_a_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '\\')
}

fn ends_a_value(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_an_address_or_a_setting_gets_through() {
        for (said, heard) in [
            (
                "rtspsrc location=rtsp://eva:s3cret@10.0.0.7/a",
                "rtspsrc location=rtsp://***@10.0.0.7/a",
            ),
            ("two rtsp://a:s3cret@h, http://b:s3@cret@i/x", "two rtsp://***@h, http://***@i/x"),
            ("rtsp://eva:s3/cret@h/a", "rtsp://***@h/a"),
            ("rtspsrc user-id=eva user-pw=s3cret ! x", "rtspsrc user-id=*** user-pw=*** ! x"),
            ("user-pw=\"s3 cret\" ! x", "user-pw=*** ! x"),
            ("user-pw = 's3 cret", "user-pw =***"),
            ("user-pw=\"s3\\\"cret\" ! x", "user-pw=*** ! x"),
            ("user-pw=(string)\"s3 cret\" ! x", "user-pw=*** ! x"),
            ("user-pw=(string)s3cret, b=1", "user-pw=*** b=1"),
            ("text=\"user-pw=\\\"s3 cret\\\" x\"", "text=\"user-pw=*** x\""),
            (r#"{"password": "s3cret", "a": 1}"#, r#"{"password":***, "a": 1}"#),
            ("Authorization: Basic s3cret s3cret\nx", "Authorization:***\nx"),
            ("cookie=\"id=s3cret\"; auth=s3cret x", "cookie=***; auth=*** x"),
            ("http://h/mjpeg?Password=s3cret&size=2", "http://h/mjpeg?Password=***&size=2"),
            (
                "could not open \"rtsp://eva:s3cret@h/a\" (401)",
                "could not open \"rtsp://***@h/a\" (401)",
            ),
        ] {
            assert_eq!(redact(said), heard);
        }
    }

    #[test]
    fn of_an_address_only_scheme_host_and_port_are_named() {
        for (written, said) in [
            ("https://eva:s3cret@h:8443/in/s3cret?token=s3cret", "https://h:8443"),
            ("https://eva:s3/cret@h/in", "https://***"),
            ("http://10.0.0.7?on=s3cret", "http://10.0.0.7"),
            ("http://[::1]:80#s3cret", "http://[::1]:80"),
            ("http://h/in?mail=a@s3cret", "http://h"),
        ] {
            assert_eq!(origin(written), said);
        }
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        for text in ["videotestsrc pattern=ball ! x", "rtsp://10.0.0.7:554/a?b=c", "", "="] {
            assert_eq!(redact(text), text);
        }
    }
}
