//! Who else is told, and who tells the box: whether a broker or a web server takes a connection.
//!
//! A connection is opened and closed; nothing is said in it. So this finds a wrong name or port, a
//! firewall, and a program that does not run.
//!
//! Not here: logins, certificates and what a receiver answers; the test on the page sends a message.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::{Finding, Report};
use crate::clock;
use crate::config::Config;
use crate::redact::origin;

/// Longest wait for a connection, over all addresses of a name.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// Ports of an address that names none.
const PORT_HTTP: u16 = 80;
const PORT_HTTPS: u16 = 443;

/// Everybody beyond the box that the configuration names.
pub fn check(config: &Config, report: &mut Report) {
    if let Some(broker) = &config.mqtt {
        let lost = "the machine signals of the MQTT broker do not come, and what they would switch \
                    off stays armed";
        report.add_beside("inputs mqtt", connect(&broker.host, broker.port), lost);
    }
    if let Some(broker) = &config.notify.mqtt {
        let lost = "the MQTT broker is not told";
        report.add_beside("notify mqtt", connect(&broker.host, broker.port), lost);
    }
    for webhook in &config.notify.webhooks {
        let found = match host_and_port(&webhook.url) {
            Some((host, port)) => connect(&host, port),
            None => Finding::Fail(format!("{} names no host", origin(&webhook.url))),
        };
        let lost = format!("the webhook {} is not told", webhook.name);
        report.add_beside(format!("webhook {}", webhook.name), found, lost);
    }
}

fn connect(host: &str, port: u16) -> Finding {
    let begun = clock::monotonic();
    let addresses: Vec<SocketAddr> = match (bare(host), port).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            return Finding::Fail(format!(
                "{host}: no name server knows it ({error}); write the address as a number, or mend \
                 the name"
            ));
        }
    };
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        let left = CONNECT_MAX.saturating_sub(clock::monotonic().since(begun));
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(_closed) => {
                let took = clock::monotonic().since(begun);
                return Finding::Ok(format!(
                    "{address} takes a connection ({} ms); nothing was sent",
                    took.as_millis()
                ));
            }
            Err(error) => last = error,
        }
    }
    Finding::Fail(format!("{host} port {port}: no connection within 3 s: {last}"))
}

/// An IPv6 address stands in brackets in a URL only.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Of a checked address; `None` where there is no host in it.
fn host_and_port(url: &str) -> Option<(String, u16)> {
    let origin = origin(url);
    let (scheme, authority) = origin.split_once("://")?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        Some(_) | None => (authority, if scheme == "http" { PORT_HTTP } else { PORT_HTTPS }),
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_host_that_listens_is_found_and_one_that_does_not_is_named() {
        let door = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = door.local_addr().expect("an address").port();
        assert!(matches!(connect("127.0.0.1", port), Finding::Ok(_)));
        drop(door);
        let refused = connect("127.0.0.1", port);
        let Finding::Fail(text) = refused else { panic!("{refused:?}") };
        assert!(text.contains("127.0.0.1") && text.contains(&port.to_string()), "{text}");
    }

    #[test]
    fn host_and_port_are_those_of_the_address() {
        let of = |url| host_and_port(url).expect("a host");
        assert_eq!(of("https://hooks.example.com/a?b=c:1"), ("hooks.example.com".into(), 443));
        assert_eq!(of("http://10.0.0.8:8080/x"), ("10.0.0.8".into(), 8080));
        assert_eq!(of("http://[::1]/x"), ("[::1]".into(), 80));
        assert_eq!(of("http://[::1]:99/x"), ("[::1]".into(), 99));
    }
}
