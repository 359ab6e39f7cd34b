//! Takes passwords out of what is said about a camera.
//!
//! GStreamer's messages repeat addresses and settings as they were written, so every text that comes
//! from it goes through here before anybody sees it. Rather too much is hidden than too little.
//!
//! Not here: where such texts come from.

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// Settings and query parameters whose value is a secret, by how their names end.
const SECRET_SETTINGS: [&str; 13] = [
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
];

/// The text without the credentials of any address and without the value of any secret setting.
pub fn redact(text: &str) -> String {
    redact_settings(&redact_addresses(text))
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

/// `user-pw=secret` becomes `user-pw=***`, quoted or not.
fn redact_settings(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        clean.push_str(before);
        clean.push('=');
        let name = before.trim_end().to_ascii_lowercase();
        rest = match SECRET_SETTINGS.iter().any(|secret| name.ends_with(secret)) {
            true => {
                clean.push_str(HIDDEN);
                &after[value_length(after)..]
            }
            false => after,
        };
    }
    clean.push_str(rest);
    clean
}

/// How many bytes of the text are the value that begins it.
fn value_length(text: &str) -> usize {
    let blank = text.len() - text.trim_start().len();
    let value = &text[blank..];
    let quoted = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let length = match quoted {
        // A quote that is never closed hides everything.
        Some(quote) => value[1..].find(quote).map_or(value.len(), |end| end + 2),
        None => value.find(|c| ends_a_value(c) || c == '&').unwrap_or(value.len()),
    };
    blank + length
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
    fn what_holds_no_secret_stays_as_it_is() {
        for text in ["videotestsrc pattern=ball ! x", "rtsp://10.0.0.7:554/a?b=c", "", "="] {
            assert_eq!(redact(text), text);
        }
    }
}
