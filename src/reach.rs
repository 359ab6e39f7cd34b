//! Why does a network camera not answer? One try at its host and port, after the real thing failed.
//!
//! GStreamer says the same of a wrong name, a port where nobody listens and a camera that is off. This
//! tells them apart: look the name up, connect, and ask a camera by RTSP for its options, which every
//! one answers without a login. Each step is bounded, so that whoever asks is never held up for long.
//!
//! Not here: the real connection, and who is let in.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use crate::redact::origin;

/// Longest wait for each step. A camera in the same building answers in milliseconds.
const NAME_MAX: Duration = Duration::from_secs(2);
const CONNECT_MAX: Duration = Duration::from_secs(2);
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// What all steps take together at most.
pub const LOOK_MAX: Duration = NAME_MAX.saturating_add(CONNECT_MAX).saturating_add(ANSWER_MAX);

/// The system may hold who asks for a name for half a minute: so many threads wait for it at most.
const LOOKUPS_MAX: usize = 8;

static LOOKUPS: AtomicUsize = AtomicUsize::new(0);

/// What an RTSP camera answers to whoever asks, logged in or not (RFC 2326, 10.1).
const OPTIONS: &[u8] = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";

/// How every answer by RTSP begins.
const RTSP: &[u8] = b"RTSP/";

/// Where a camera is to be found. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    speaks: Speaks,
}

/// What it is asked once it takes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Rtsp,
    /// Nothing: encrypted, or a protocol whose own messages say enough.
    Other,
}

/// Why it does not answer, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    #[error(
        "the name {host} is not found ({said}); correct it, or write the camera's number address"
    )]
    Name { host: String, said: String },
    #[error(
        "the name {host} is not answered by the name server within {} s; write the camera's \
         number address, or mend the network",
        NAME_MAX.as_secs()
    )]
    NameServer { host: String },
    #[error(
        "the connection is refused: the address is there, and nobody listens on this port; correct \
         the port, or switch the camera's video server on"
    )]
    Refused,
    #[error(
        "no answer within {} s: the camera is off, its address is another one, or a firewall is \
         between",
        CONNECT_MAX.as_secs()
    )]
    NoAnswer,
    #[error(
        "nobody is there ({said}): the camera is off or unplugged, or its address is another one"
    )]
    NoWay { said: String },
    #[error(
        "it takes the connection and says nothing within {} s: the port is another one, or the \
         camera hangs",
        ANSWER_MAX.as_secs()
    )]
    Silent,
    #[error(
        "it takes the connection and closes it again: the port is another one, or the camera has \
         as many viewers as it takes"
    )]
    Closes,
    #[error("what listens there does not speak RTSP; correct the port (most cameras use 554)")]
    NotRtsp,
}

impl Place {
    /// Of an address with a scheme. `None` where no host can be made out without doubt.
    pub fn of(url: &str) -> Option<Place> {
        // An `@` behind the host is most likely a password with a `/` in it, written as it is: then what
        // stands before it is no host.
        let (_, rest) = url.split_once("://")?;
        let behind = rest.split_once(['/', '?', '#', '\\']).map_or("", |(_, behind)| behind);
        if behind.contains('@') {
            return None;
        }
        let origin = origin(url);
        let (scheme, authority) = origin.split_once("://")?;
        let (port, speaks) = match scheme.to_ascii_lowercase().as_str() {
            "rtsp" | "rtspt" | "rtspu" => (554, Speaks::Rtsp),
            // GStreamer's only default, with and without encryption (gst_rtsp_url_get_port).
            "rtsps" => (554, Speaks::Other),
            "http" => (80, Speaks::Other),
            "https" => (443, Speaks::Other),
            _ => return None,
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, written)) if !written.ends_with(']') => (host, written.parse().ok()?),
            Some(_) | None => (authority, port),
        };
        let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        let plain = !host.is_empty() && !host.contains('*');
        plain.then(|| Place { host: host.to_owned(), port, speaks })
    }

    /// Whether it is asked by RTSP.
    pub fn is_rtsp(&self) -> bool {
        self.speaks == Speaks::Rtsp
    }

    /// Why it does not answer now; `Ok` when it does. Takes `LOOK_MAX` at most.
    pub fn look(&self) -> Result<(), Unreachable> {
        let address = self.address()?;
        let stream = TcpStream::connect_timeout(&address, CONNECT_MAX).map_err(why)?;
        match self.speaks {
            Speaks::Rtsp => ask(stream),
            Speaks::Other => Ok(()),
        }
    }

    fn address(&self) -> Result<SocketAddr, Unreachable> {
        if let Ok(number) = self.host.parse::<IpAddr>() {
            return Ok(SocketAddr::new(number, self.port));
        }
        let host = self.host.clone();
        let found = look_up(&self.host, self.port).ok_or(Unreachable::NameServer { host })?;
        let none = |said: String| Unreachable::Name { host: self.host.clone(), said };
        found.map_err(|error| none(said(&error)))?.ok_or_else(|| none("it has no address".into()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// The first address of a name; `None` when nobody says in time.
fn look_up(host: &str, port: u16) -> Option<io::Result<Option<SocketAddr>>> {
    if LOOKUPS.fetch_add(1, Ordering::AcqRel) >= LOOKUPS_MAX {
        LOOKUPS.fetch_sub(1, Ordering::AcqRel);
        return None;
    }
    let (found, finding) = sync_channel(1);
    let host = host.to_owned();
    let looking = thread::Builder::new().name("name".into()).spawn(move || {
        let addresses = (host.as_str(), port).to_socket_addrs();
        LOOKUPS.fetch_sub(1, Ordering::AcqRel);
        // Nobody may be waiting any more.
        let _ = found.send(addresses.map(|mut addresses| addresses.next()));
    });
    if let Err(error) = looking {
        LOOKUPS.fetch_sub(1, Ordering::AcqRel);
        return Some(Err(error));
    }
    finding.recv_timeout(NAME_MAX).ok()
}

fn why(error: io::Error) -> Unreachable {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Unreachable::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Unreachable::NoAnswer,
        _ => Unreachable::NoWay { said: said(&error) },
    }
}

/// The system's words, without those that Rust and the number of the error add.
fn said(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" (os error").map_or(text.as_str(), |(words, _)| words);
    text.rsplit_once("address information: ").map_or(text, |(_, words)| words).to_owned()
}

fn ask(mut stream: TcpStream) -> Result<(), Unreachable> {
    let waits = |stream: &TcpStream| {
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.set_write_timeout(Some(ANSWER_MAX))
    };
    let asked = waits(&stream).and_then(|()| stream.write_all(OPTIONS));
    let mut answer = [0; 64];
    match asked.and_then(|()| stream.read(&mut answer)) {
        Ok(0) => Err(Unreachable::Closes),
        // The first bytes decide; they come in one piece from whoever speaks RTSP.
        Ok(length) if answer[..length].starts_with(&RTSP[..length.min(RTSP.len())]) => Ok(()),
        Ok(_) => Err(Unreachable::NotRtsp),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Unreachable::Silent,
            _ => Unreachable::Closes,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

    use super::*;

    /// Takes one connection and does this with it.
    fn serve(what: impl FnOnce(TcpStream) + Send + 'static) -> Place {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || what(listener.accept().expect("a connection").0));
        place(&format!("rtsp://{address}/yard"))
    }

    fn place(url: &str) -> Place {
        Place::of(url).expect(url)
    }

    fn answers(answer: &'static [u8]) -> Place {
        serve(move |mut stream| {
            let mut asked = [0; OPTIONS.len()];
            stream.read_exact(&mut asked).expect("a question");
            stream.write_all(answer).expect("an answer");
        })
    }

    #[test]
    fn a_place_is_host_and_port_with_the_usual_one_where_none_is_written_and_nothing_secret() {
        for (url, said) in [
            ("rtsp://eva:s3cret@10.0.0.7/t0ken?a=s3cret", "10.0.0.7:554"),
            ("rtsps://yard.example", "yard.example:554"),
            ("http://yard.example:8080/x", "yard.example:8080"),
            ("https://[fe80::1]/x", "[fe80::1]:443"),
            ("rtsp://[::1]:8554/x", "[::1]:8554"),
        ] {
            assert_eq!(place(url).to_string(), said);
        }
        for url in ["", "10.0.0.7", "file:///a", "rtsp://"] {
            assert_eq!(Place::of(url), None, "{url}");
        }
        for password in ["s3/cret", "12/34", "s3@cret/x", "12?34", "12#34"] {
            let url = format!("rtsp://eva:{password}@10.0.0.7/a");
            assert_eq!(Place::of(&url), None, "{url}");
        }
    }

    #[test]
    fn who_answers_by_rtsp_is_reached_whatever_the_answer() {
        for answer in [b"RTSP/1.0 200 OK\r\n".as_slice(), b"RTSP/1.0 401 Unauthorized\r\n"] {
            assert_eq!(answers(answer).look(), Ok(()));
        }
    }

    #[test]
    fn what_is_no_camera_is_told_from_what_is_not_there() {
        assert_eq!(answers(b"HTTP/1.1 400 Bad Request\r\n").look(), Err(Unreachable::NotRtsp));
        assert_eq!(serve(drop).look(), Err(Unreachable::Closes));
        let (kept, keep) = sync_channel(1);
        let silent = serve(move |stream| kept.send(stream).expect("kept"));
        assert_eq!(silent.look(), Err(Unreachable::Silent));
        drop(keep);
        let gone = {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            place(&format!("rtsp://{}", listener.local_addr().expect("an address")))
        };
        assert_eq!(gone.look(), Err(Unreachable::Refused));
    }

    #[test]
    fn an_address_that_swallows_what_is_sent_has_not_answered_in_time() {
        // A queue of one place that nobody empties: further connections get no answer at all.
        let full = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&full, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        listen(&full, 0).expect("it listens");
        let address = getsockname(&full).expect("an address");
        let address = SocketAddr::try_from(address).expect("of the internet");
        let wait = Duration::from_millis(200);
        let mut held = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, wait) {
            held.push(stream);
        }
        let looked = place(&format!("rtsp://{address}/yard")).look();
        assert_eq!(looked, Err(Unreachable::NoAnswer));
    }

    #[test]
    fn a_name_that_nobody_has_is_named() {
        // RFC 6761: nobody ever has it. Without a name server the answer is none.
        let looked = place("rtsp://camera.invalid/yard").look().expect_err("nobody has it");
        let named = matches!(looked, Unreachable::Name { .. } | Unreachable::NameServer { .. });
        assert!(named && looked.to_string().contains("camera.invalid"), "{looked}");
    }
}
