//! Where handhelds connect, and the address that is typed on them.

use std::net::{IpAddr, SocketAddr};

/// Where handhelds connect, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandheldAddress {
    pub address: SocketAddr,
    pub scheme: Scheme,
}

impl HandheldAddress {
    /// Where handhelds open their page: under the best of the box's names that leads here from
    /// another machine.
    pub fn url(self, names: &[String]) -> String {
        let port = self.address.port();
        let is_loopback = |name: &&String| {
            name.as_str() == "localhost"
                || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        };
        let name = names.iter().find(|name| !is_loopback(name));
        let (scheme, name) = match self.scheme {
            Scheme::Https => ("https", name.map_or("localhost", String::as_str)),
            // Unencrypted, so only on this machine.
            Scheme::Http => ("http", "localhost"),
        };
        match name.contains(':') {
            true => format!("{scheme}://[{name}]:{port}/handheld"),
            false => format!("{scheme}://{name}:{port}/handheld"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// On this machine only.
    Http,
    Https,
}
