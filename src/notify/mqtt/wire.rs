//! One connection to a broker: packets over TCP or TLS, blocking, every wait bounded.
//!
//! The packets are `rumqttc`'s; its event loop is not used, because it forgets what is in flight when
//! the broker forgot the session, and a publication here counts only with the broker's word for it.
//!
//! A broker that sends what cannot be read, or nothing for too long, costs the connection.
//!
//! Not here: how packets look (`packets`), what is published, and connecting again.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::packets::{
    self, Hello, Incoming, KEEP_ALIVE_S, Kept, Packet, Publication, Wanted, Word,
};
use crate::clock;
use crate::config::{MqttVersion, NotifyMqtt};
use crate::engine::time::Instant;

/// Longest wait for a connection, and for each word of the broker.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Longest single wait for bytes, so that time is looked at in between.
const READ_WAIT: Duration = Duration::from_millis(50);

/// Messages taken in that nobody has looked at yet; a flood beyond that is dropped, without our word
/// for it.
const INBOX_MAX: usize = packets::UNANSWERED_MAX as usize;

/// Kept topics that nobody has looked at yet; a broker with more is swept in several connections.
const KEPT_MAX: usize = 4_096;

/// Most packets, and longest time, of one look at what came: a flood must not hold up letters.
const LOOK_PACKETS_MAX: usize = 256;
const LOOK_MAX: Duration = Duration::from_millis(100);

/// How often a flood is told of.
const FLOOD_LOGGED_EVERY: Duration = Duration::from_secs(60);

/// Why there is no connection (any more).
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the name {host} leads to no address")]
    Name {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("nobody takes connections at {address}")]
    Connect {
        address: String,
        #[source]
        source: io::Error,
    },
    #[error("there is no certificate in PEM form in {path}", path = .path.display())]
    Authority { path: PathBuf },
    #[error("{host} is no name that a certificate can be for")]
    TlsName { host: String },
    #[error("encryption with the broker failed")]
    Tls(#[from] rustls::Error),
    #[error("the broker refuses the connection: {0}")]
    Refused(String),
    #[error("the broker did not answer for {} s", ANSWER_MAX.as_secs())]
    NoAnswer,
    #[error("the broker ended the connection")]
    Ended,
    #[error("the broker said what cannot be read: {0}")]
    Garbage(String),
    #[error("the connection to the broker broke")]
    Io(#[from] io::Error),
}

/// A connection that stands.
pub struct Wire {
    stream: Stream,
    version: MqttVersion,
    buffer: BytesMut,
    /// The one topic whose messages are taken.
    hears: Option<String>,
    inbox: Vec<Incoming>,
    /// Topics of which the broker keeps something, from other subscriptions.
    kept: Vec<String>,
    dropped: u64,
    flood_logged_at: Option<Instant>,
    packet_id: u16,
    heard_at: Instant,
    asked_at: Option<Instant>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    /// Connects and introduces itself.
    ///
    /// # Errors
    /// There is no broker, it does not answer, or refuses.
    pub fn connect(broker: &NotifyMqtt, hello: &Hello<'_>) -> Result<Wire, WireError> {
        let tcp = tcp(broker)?;
        let stream = match &broker.ca_file {
            None => Stream::Plain(tcp),
            Some(path) => Stream::Tls(Box::new(tls(&broker.host, path, tcp)?)),
        };
        let mut wire = Wire {
            stream,
            version: broker.version,
            buffer: BytesMut::with_capacity(4_096),
            hears: None,
            inbox: Vec::new(),
            kept: Vec::new(),
            dropped: 0,
            flood_logged_at: None,
            packet_id: 0,
            heard_at: clock::monotonic(),
            asked_at: None,
        };
        wire.write(|version, bytes| packets::hello(version, hello, bytes))?;
        wire.wait(|packet| match packet {
            Packet::Connected(outcome) => Some(outcome.clone()),
            _ => None,
        })?
        .map_err(WireError::Refused)?;
        Ok(wire)
    }

    /// Takes the messages of this topic from now on.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn hear(&mut self, topic: &str) -> Result<Word, WireError> {
        self.hears = Some(topic.to_owned());
        self.subscribe(topic, Wanted::AtLeastOnce)
    }

    /// Learns, soon and not at once, on which of these topics the broker keeps something.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn look_at_kept(&mut self, filter: &str) -> Result<Word, WireError> {
        self.subscribe(filter, Wanted::ToLookAt)
    }

    /// Topics of which the broker keeps something, as far as they were heard of since the last call.
    pub fn kept(&mut self) -> Vec<String> {
        std::mem::take(&mut self.kept)
    }

    fn subscribe(&mut self, topic: &str, wanted: Wanted) -> Result<Word, WireError> {
        let id = self.next_id();
        self.write(|version, bytes| packets::subscription(version, (topic, wanted), id, bytes))?;
        let answer = self.wait(|packet| match packet {
            Packet::Subscribed(outcome) => Some(outcome.clone()),
            _ => None,
        })?;
        Ok(answer.map_or_else(Word::Refused, |()| Word::Taken))
    }

    /// Publishes and waits for the broker's word (QoS 1).
    ///
    /// # Errors
    /// The connection is gone; whether the broker has it is not known.
    pub fn publish(&mut self, publication: Publication<'_>) -> Result<Word, WireError> {
        let id = self.next_id();
        self.write(|version, bytes| packets::publication(version, publication, id, bytes))?;
        self.wait(|packet| match packet {
            Packet::Word(of, word) if *of == id => Some(word.clone()),
            _ => None,
        })
    }

    /// Takes in what came, without waiting, and asks now and then whether the broker lives.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn tend(&mut self) -> Result<Vec<Incoming>, WireError> {
        let until = clock::monotonic().after(LOOK_MAX);
        for _ in 0..LOOK_PACKETS_MAX {
            let Some(packet) = self.read(Duration::from_millis(1))? else {
                break;
            };
            self.take_in(packet)?;
            if clock::monotonic() > until {
                break;
            }
        }
        let now = clock::monotonic();
        self.tell_of_flood(now);
        match self.asked_at {
            Some(at) if now.since(at) > ANSWER_MAX => return Err(WireError::NoAnswer),
            Some(_) => {}
            None if now.since(self.heard_at) > Duration::from_secs(u64::from(KEEP_ALIVE_S) / 2) => {
                self.asked_at = Some(now);
                self.write(packets::ping)?;
            }
            None => {}
        }
        // Whoever gets our word for a message knows that it was taken.
        for id in self.inbox.iter().filter_map(|message| message.answer).collect::<Vec<u16>>() {
            self.write(|version, bytes| packets::word(version, id, bytes))?;
        }
        Ok(std::mem::take(&mut self.inbox))
    }

    fn tell_of_flood(&mut self, now: Instant) {
        let told = self.flood_logged_at.is_some_and(|at| now.since(at) < FLOOD_LOGGED_EVERY);
        if self.dropped > 0 && !told {
            tracing::warn!("{} messages by MQTT came too fast and were dropped", self.dropped);
            self.dropped = 0;
            self.flood_logged_at = Some(now);
        }
    }

    /// Says goodbye, so that the broker does not send the last will.
    pub fn close(mut self) {
        // It is over either way.
        let _ = self.write(packets::goodbye);
    }

    fn next_id(&mut self) -> u16 {
        // Zero is none.
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        self.packet_id
    }

    /// Waits for one packet and takes in the others meanwhile.
    fn wait<T>(&mut self, wanted: impl Fn(&Packet) -> Option<T>) -> Result<T, WireError> {
        let until = clock::monotonic().after(ANSWER_MAX);
        while clock::monotonic() < until {
            let Some(packet) = self.read(READ_WAIT)? else {
                continue;
            };
            if let Some(found) = wanted(&packet) {
                return Ok(found);
            }
            self.take_in(packet)?;
        }
        Err(WireError::NoAnswer)
    }

    fn take_in(&mut self, packet: Packet) -> Result<(), WireError> {
        match packet {
            Packet::Incoming { message } => {
                if self.hears.as_ref() == Some(&message.topic) {
                    if self.inbox.len() < INBOX_MAX {
                        self.inbox.push(message);
                    } else {
                        self.dropped += 1;
                    }
                } else if message.kept == Kept::Yes
                    && !message.payload.is_empty()
                    && self.kept.len() < KEPT_MAX
                {
                    self.kept.push(message.topic);
                }
                Ok(())
            }
            Packet::Goodbye(why) => Err(WireError::Refused(why)),
            Packet::Connected(_)
            | Packet::Word(..)
            | Packet::Subscribed(_)
            | Packet::Alive
            | Packet::Other => Ok(()),
        }
    }

    fn write(
        &mut self,
        encode: impl FnOnce(MqttVersion, &mut BytesMut) -> Result<(), String>,
    ) -> Result<(), WireError> {
        let mut bytes = BytesMut::new();
        encode(self.version, &mut bytes).map_err(WireError::Garbage)?;
        self.stream.write_all(&bytes)?;
        Ok(self.stream.flush()?)
    }

    /// The next packet; `None` when there is none within `wait`.
    fn read(&mut self, wait: Duration) -> Result<Option<Packet>, WireError> {
        if let Some(packet) = self.decode()? {
            return Ok(Some(packet));
        }
        self.stream.socket().set_read_timeout(Some(wait))?;
        let mut bytes = [0; 4_096];
        match self.stream.read(&mut bytes) {
            Ok(0) => Err(WireError::Ended),
            Ok(read) => {
                self.buffer.extend_from_slice(&bytes[..read]);
                self.heard_at = clock::monotonic();
                self.asked_at = None;
                self.decode()
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(WireError::Io(error)),
        }
    }

    fn decode(&mut self) -> Result<Option<Packet>, WireError> {
        packets::decode(self.version, &mut self.buffer).map_err(WireError::Garbage)
    }
}

fn tcp(broker: &NotifyMqtt) -> Result<TcpStream, WireError> {
    let address = format!("{}:{}", broker.host, broker.port);
    let addresses = address
        .to_socket_addrs()
        .map_err(|source| WireError::Name { host: broker.host.clone(), source })?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    for one in addresses {
        match TcpStream::connect_timeout(&one, ANSWER_MAX) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(ANSWER_MAX))?;
                stream.set_read_timeout(Some(READ_WAIT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(WireError::Connect { address, source: last })
}

fn tls(
    host: &str,
    authority: &std::path::Path,
    tcp: TcpStream,
) -> Result<StreamOwned<ClientConnection, TcpStream>, WireError> {
    let read = CertificateDer::pem_file_iter(authority).and_then(Iterator::collect::<Result<_, _>>);
    let certificates: Vec<CertificateDer<'static>> = read.unwrap_or_default();
    let mut known = RootCertStore::empty();
    if known.add_parsable_certificates(certificates).0 == 0 {
        return Err(WireError::Authority { path: authority.to_owned() });
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(known)
        .with_no_client_auth();
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare).map_err(|_| WireError::TlsName { host: host.into() })?;
    let mut connection = ClientConnection::new(Arc::new(config), name)?;
    let mut tcp = tcp;
    tcp.set_read_timeout(Some(ANSWER_MAX))?;
    let until = clock::monotonic().after(ANSWER_MAX);
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp)?;
        if clock::monotonic() > until {
            return Err(WireError::NoAnswer);
        }
    }
    Ok(StreamOwned::new(connection, tcp))
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.read(bytes),
            Stream::Tls(tls) => tls.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.write(bytes),
            Stream::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(tcp) => tcp.flush(),
            Stream::Tls(tls) => tls.flush(),
        }
    }
}
