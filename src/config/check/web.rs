//! `[web]`: where the page is, what it is called, and how it is encrypted.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::super::{ConfigError, Encryption, Web};
use super::Place;

/// Names of one box; a certificate with more is hard to read.
const NAMES_MAX: usize = 32;

/// Longest host name, characters: RFC 1035.
const HOST_NAME_CHARS_MAX: usize = 253;

/// Longest part of one.
const LABEL_CHARS_MAX: usize = 63;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedWeb {
    listen: Option<Spanned<String>>,
    tls: Option<Spanned<bool>>,
    #[serde(default)]
    names: Vec<Spanned<String>>,
    certificate: Option<Spanned<String>>,
    key: Option<Spanned<String>>,
}

impl Place<'_> {
    pub(super) fn web(&self, web: UnvalidatedWeb) -> Result<Web, ConfigError> {
        let listen = match &web.listen {
            None => SocketAddr::from(([127, 0, 0, 1], 8080)),
            Some(written) => {
                let text = written.get_ref().replacen("localhost:", "127.0.0.1:", 1);
                text.parse::<SocketAddr>().map_err(|_no_address| {
                    let right = "must be an address and a port, such as \"127.0.0.1:8080\"";
                    self.wrong("web.listen", written, right)
                })?
            }
        };
        let names = self.told(self.names(&web.names), vec![]);
        Ok(Web { listen, names, encryption: self.encryption(&web, listen)? })
    }

    fn encryption(
        &self,
        web: &UnvalidatedWeb,
        listen: SocketAddr,
    ) -> Result<Encryption, ConfigError> {
        if let Some(tls) = &web.tls
            && !tls.get_ref()
            && !listen.ip().is_loopback()
        {
            let right = "must be true, or left out: what leaves this machine is encrypted; plain \
                         HTTP is for loopback addresses such as web.listen = \"127.0.0.1:8080\"";
            return Err(self.wrong("web.tls", tls, right));
        }
        match (&web.certificate, &web.key) {
            (Some(certificate), Some(key)) => {
                if let Some(tls) = web.tls.as_ref().filter(|tls| !tls.get_ref()) {
                    let right = "must be true, or left out, where there is web.certificate";
                    return Err(self.wrong("web.tls", tls, right));
                }
                let certificate = self.pem("web.certificate", certificate);
                Ok(Encryption::Given {
                    certificate: self.told(certificate, PathBuf::new()),
                    key: self.pem("web.key", key)?,
                })
            }
            (Some(alone), None) => {
                Err(self.wrong("web.certificate", alone, "needs web.key, its private key, too"))
            }
            (None, Some(alone)) => {
                Err(self.wrong("web.key", alone, "needs web.certificate, what it is for, too"))
            }
            (None, None) => Ok(match web.tls.as_ref().map(|tls| *tls.get_ref()) {
                Some(true) => Encryption::OwnAuthority,
                None if !listen.ip().is_loopback() => Encryption::OwnAuthority,
                Some(false) | None => Encryption::None,
            }),
        }
    }

    fn pem(&self, key: &str, written: &Spanned<String>) -> Result<PathBuf, ConfigError> {
        let path = self.path_of(key, written)?;
        if path.is_file() {
            return Ok(path);
        }
        let right = format!("there is no file {}; it must be in PEM form", path.display());
        Err(self.wrong(key, written, &right))
    }

    fn names(&self, written: &[Spanned<String>]) -> Result<Vec<String>, ConfigError> {
        let mut names: Vec<String> = Vec::with_capacity(written.len());
        for (index, name) in written.iter().enumerate() {
            let key = format!("web.names[{index}]");
            if index >= NAMES_MAX {
                let right = format!("one box has at most {NAMES_MAX} names");
                return Err(self.wrong(&key, name, &right));
            }
            let text = name.get_ref().trim().to_lowercase();
            if !is_host(&text) {
                let right = "must be a host name or an address without port or scheme, such as \
                             \"box.local\" or \"192.168.1.5\"";
                return Err(self.wrong(&key, name, right));
            }
            if !names.contains(&text) {
                names.push(text);
            }
        }
        Ok(names)
    }
}

fn is_host(text: &str) -> bool {
    if let Ok(address) = text.parse::<IpAddr>() {
        return !address.is_unspecified();
    }
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let label = |label: &str| {
        (1..=LABEL_CHARS_MAX).contains(&label.len())
            && label.chars().all(legal)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // Only digits and dots is an address with a mistake in it.
    text.len() <= HOST_NAME_CHARS_MAX
        && text.split('.').all(label)
        && text.contains(|c: char| c.is_ascii_lowercase())
}
