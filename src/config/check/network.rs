//! Cameras behind an address: `camera.source.rtsp` and `.mjpeg`, with user and password.
//!
//! User and password are taken out of the address at once, so that what is left of it can be handed
//! to GStreamer, which repeats addresses in its messages.

use toml::Spanned;

use super::Place;
use super::source::UnvalidatedSource;
use crate::config::ConfigError;
use crate::link::{HttpMjpeg, Login, Password, Rtsp, Secret, Transport};

/// Longest address, characters; beyond that it is none.
const URL_CHARS_MAX: usize = 2048;

/// Longest wait for a missing packet, milliseconds: with more, a picture would be too old to be acted
/// on before it is there.
const WAIT_MS: std::ops::Range<u32> = 0..501;

/// An address in its parts.
struct Address {
    /// Without user and password.
    url: String,
    /// What stood before the `@`, decoded.
    user: Option<(String, Option<String>)>,
}

impl Place<'_> {
    pub(super) fn rtsp(
        &self,
        key: &str,
        written: &Spanned<String>,
        from: &UnvalidatedSource,
    ) -> Result<Rtsp, ConfigError> {
        let right = "must be an address such as \"rtsp://10.0.0.7:554/stream\"";
        let address = self.address(&format!("{key}.rtsp"), written, &["rtsp", "rtsps"], right)?;
        let transport = match from.transport.as_ref().map(|it| (it, it.get_ref().as_str())) {
            None | Some((_, "auto")) => Transport::Auto,
            Some((_, "tcp")) => Transport::Tcp,
            Some((_, "udp")) => Transport::Udp,
            Some((written, _)) => {
                let right = "must be \"auto\" (TCP, and UDP where TCP gives no picture), \"tcp\" or \
                             \"udp\"";
                return Err(self.wrong(&format!("{key}.transport"), written, right));
            }
        };
        let wait_ms = self.whole(&format!("{key}.wait_ms"), from.wait_ms.as_ref(), WAIT_MS)?;
        let login = self.login(key, address.user, written, from)?;
        Ok(Rtsp { url: Secret::new(address.url), login, transport, wait_ms })
    }

    pub(super) fn mjpeg(
        &self,
        key: &str,
        written: &Spanned<String>,
        from: &UnvalidatedSource,
    ) -> Result<HttpMjpeg, ConfigError> {
        let right = "must be an address such as \"http://10.0.0.8/video.mjpg\"";
        let address = self.address(&format!("{key}.mjpeg"), written, &["http", "https"], right)?;
        let login = self.login(key, address.user, written, from)?;
        Ok(HttpMjpeg { url: Secret::new(address.url), login })
    }

    fn address(
        &self,
        key: &str,
        written: &Spanned<String>,
        schemes: &[&str],
        right: &str,
    ) -> Result<Address, ConfigError> {
        let text = written.get_ref().trim();
        let fits = text.chars().count() <= URL_CHARS_MAX && !text.contains(char::is_control);
        let address = Some(text).filter(|_| fits).and_then(|text| parse(text, schemes));
        // Never what was written: it may hold a password wherever somebody put it.
        address.ok_or_else(|| self.wrong_at(key, "…", written.span(), right))
    }

    fn login(
        &self,
        key: &str,
        in_address: Option<(String, Option<String>)>,
        url: &Spanned<String>,
        from: &UnvalidatedSource,
    ) -> Result<Option<Login>, ConfigError> {
        let twice = "user and password stand either in the address or in `user` and \
                     `password_file`, and the latter is the better place";
        let file = from.password_file.as_ref();
        let file = file.map(|file| self.camera_password(key, file)).transpose()?;
        let hidden = |right: &str| Err(self.wrong_at(key, "…", url.span(), right));
        match (in_address, from.user.as_ref(), file) {
            (None, None, None) => Ok(None),
            (Some((user, Some(password))), None, None) => Ok(Some(Login {
                user: Secret::new(user),
                password: Password::Written(Secret::new(password)),
            })),
            (Some((user, None)), None, Some(file)) => {
                Ok(Some(Login { user: Secret::new(user), password: Password::File(file) }))
            }
            (None, Some(user), Some(file)) => Ok(Some(Login {
                user: Secret::new(self.text_of(&format!("{key}.user"), user)?),
                password: Password::File(file),
            })),
            (Some((_, None)), None, None) | (None, Some(_), None) => {
                hidden("a user needs a password: add password_file")
            }
            (None, None, Some(_)) => hidden("a password needs a user: add user"),
            (Some(_), Some(_), _) | (Some((_, Some(_))), None, Some(_)) => hidden(twice),
        }
    }

    fn camera_password(&self, key: &str, written: &Spanned<String>) -> Result<String, ConfigError> {
        let key = format!("{key}.password_file");
        let path = self.path_of(&key, written)?;
        if path.is_file() {
            return Ok(path.display().to_string());
        }
        let right = format!(
            "there is no file {}; write the password on its first line and let only this program \
             read it",
            path.display()
        );
        Err(self.wrong(&key, written, &right))
    }
}

/// `None` for what is no address of these schemes.
fn parse(text: &str, schemes: &[&str]) -> Option<Address> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if !schemes.contains(&scheme.as_str()) || rest.contains(char::is_whitespace) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (login, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, authority),
    };
    // An `@` behind the host is most likely a password with a `/` in it, written as it is.
    if !is_host_and_port(host) || (login.is_none() && path.split('?').next()?.contains('@')) {
        return None;
    }
    let user = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
        None | Some(("", "")) => None,
        Some((user, "")) => Some((decoded(user)?, None)),
        Some((user, password)) => Some((decoded(user)?, Some(decoded(password)?))),
    };
    Some(Address { url: format!("{scheme}://{host}{path}"), user })
}

fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let proper = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(legal),
    };
    proper && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// `%40` becomes `@`. `None` for a `%` that is none of it.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                tail
            }
            (b'%', _) => return None,
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_taken_out_of_an_address_decoded() {
        let eva = |password: Option<&str>| Some(("eva".to_owned(), password.map(str::to_owned)));
        for (written, url, user) in [
            ("rtsp://10.0.0.7/a", "rtsp://10.0.0.7/a", None),
            ("RTSP://eva:s3cret@h:554/a?b=c", "rtsp://h:554/a?b=c", eva(Some("s3cret"))),
            ("rtsp://eva:s3%40%2fcret@h", "rtsp://h", eva(Some("s3@/cret"))),
            ("rtsp://eva:s3@cret@h/", "rtsp://h/", eva(Some("s3@cret"))),
            ("rtsp://eva@[::1]:8554/a", "rtsp://[::1]:8554/a", eva(None)),
        ] {
            let address = parse(written, &["rtsp"]).expect(written);
            assert_eq!((address.url.as_str(), address.user), (url, user), "{written}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_camera_is_none() {
        for written in [
            "",
            "10.0.0.7/a",
            "http://h/a",
            "rtsp://",
            "rtsp:///a",
            "rtsp://h:0/a",
            "rtsp://h:99999/a",
            "rtsp://h a/b",
            "rtsp://eva:s3/cret@h/a",
            "rtsp://eva:%zz@h/a",
            "rtsp://[::g]/a",
        ] {
            assert!(parse(written, &["rtsp"]).is_none(), "{written}");
        }
    }
}
