//! One connection to a broker: packets over TCP or TLS, blocking, every wait bounded.
//!
//! The packets are `rumqttc`'s; its event loop is not used, because it forgets what is in flight when
//! the broker forgot the session, and a publication here counts only with the broker's word for it.
//!
//! A broker that sends what cannot be read, or nothing for too long, costs the connection.
//!
//! Not here: what is published, and connecting again.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4;
use rumqttc::v5::mqttbytes::v5;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::clock;
use crate::config::{MqttVersion, NotifyMqtt};
use crate::engine::time::Instant;

/// Longest wait for a connection, and for each word of the broker.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How long the broker may hear nothing of us before it sends the last will; half of it is how often
/// it is asked whether it lives.
const KEEP_ALIVE_S: u16 = 10;

/// Longest single wait for bytes, so that time is looked at in between.
const READ_WAIT: Duration = Duration::from_millis(50);

/// Largest packet taken, bytes: commands are small.
const PACKET_BYTES_MAX: usize = 64 * 1024;

/// Largest packet sent, bytes: letters have a few kilobytes.
const SENT_BYTES_MAX: usize = 1 << 20;

/// Messages taken in that nobody has looked at yet; a flood beyond that is dropped.
const INBOX_MAX: usize = 64;

/// Why there is no connection (any more).
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the name {host} leads to no address")]
    Name {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("nobody takes connections at {address}: {source}")]
    Connect {
        address: String,
        #[source]
        source: io::Error,
    },
    #[error("there is no certificate in PEM form in {path}", path = .path.display())]
    Authority { path: PathBuf },
    #[error("{host} is no name that a certificate can be for")]
    TlsName { host: String },
    #[error("encryption with the broker failed: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the broker refuses the connection: {0}")]
    Refused(String),
    #[error("the broker did not answer for {} s", ANSWER_MAX.as_secs())]
    NoAnswer,
    #[error("the broker ended the connection")]
    Ended,
    #[error("the broker said what cannot be read: {0}")]
    Garbage(String),
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
}

/// Something to publish.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    pub topic: &'a str,
    pub payload: &'a [u8],
    pub kept: Kept,
}

/// Whether the broker keeps it for whoever comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Yes,
    No,
}

/// What the broker said to a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    Taken,
    /// Not this one, and why.
    Refused(String),
}

/// A message from somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub topic: String,
    pub payload: Vec<u8>,
    pub kept: Kept,
}

/// Who connects, and what is said for it when it dies.
pub struct Hello<'a> {
    pub client_id: &'a str,
    pub login: Option<(String, String)>,
    pub will_topic: &'a str,
    pub will: &'a [u8],
}

/// A connection that stands.
pub struct Wire {
    stream: Stream,
    version: MqttVersion,
    buffer: BytesMut,
    inbox: Vec<Incoming>,
    packet_id: u16,
    heard_at: Instant,
    asked_at: Option<Instant>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A packet, of whichever version, as far as it matters here.
enum Packet {
    Connected(Result<(), String>),
    Word(u16, Word),
    Subscribed(Result<(), String>),
    Incoming { message: Incoming, answer: Option<u16> },
    Alive,
    Goodbye(String),
    Other,
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
            inbox: Vec::new(),
            packet_id: 0,
            heard_at: clock::monotonic(),
            asked_at: None,
        };
        wire.write(|version, bytes| encode_hello(version, hello, bytes))?;
        wire.wait(|packet| match packet {
            Packet::Connected(outcome) => Some(outcome.clone()),
            _ => None,
        })?
        .map_err(WireError::Refused)?;
        Ok(wire)
    }

    /// Hears of a topic from now on.
    ///
    /// # Errors
    /// The broker refuses, or the connection is gone.
    pub fn subscribe(&mut self, topic: &str) -> Result<(), WireError> {
        let id = self.next_id();
        self.write(|version, bytes| encode_subscription(version, topic, id, bytes))?;
        self.wait(|packet| match packet {
            Packet::Subscribed(outcome) => Some(outcome.clone()),
            _ => None,
        })?
        .map_err(WireError::Refused)
    }

    /// Publishes and waits for the broker's word (QoS 1).
    ///
    /// # Errors
    /// The connection is gone; whether the broker has it is not known.
    pub fn publish(&mut self, publication: Publication<'_>) -> Result<Word, WireError> {
        let id = self.next_id();
        self.write(|version, bytes| encode_publication(version, publication, id, bytes))?;
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
        while let Some(packet) = self.read(Duration::from_millis(1))? {
            self.take_in(packet)?;
        }
        let now = clock::monotonic();
        match self.asked_at {
            Some(at) if now.since(at) > ANSWER_MAX => return Err(WireError::NoAnswer),
            Some(_) => {}
            None if now.since(self.heard_at) > Duration::from_secs(u64::from(KEEP_ALIVE_S) / 2) => {
                self.asked_at = Some(now);
                self.write(encode_ping)?;
            }
            None => {}
        }
        Ok(std::mem::take(&mut self.inbox))
    }

    /// Says goodbye, so that the broker does not send the last will.
    pub fn close(mut self) {
        // It is over either way.
        let _ = self.write(encode_goodbye);
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
            Packet::Incoming { message, answer } => {
                if let Some(id) = answer {
                    self.write(|version, bytes| encode_word(version, id, bytes))?;
                }
                if self.inbox.len() < INBOX_MAX {
                    self.inbox.push(message);
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
        match self.version {
            MqttVersion::V3 => match v4::Packet::read(&mut self.buffer, PACKET_BYTES_MAX) {
                Ok(packet) => Ok(Some(of_v4(packet))),
                Err(rumqttc::mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
                Err(error) => Err(WireError::Garbage(error.to_string())),
            },
            MqttVersion::V5 => {
                match v5::Packet::read(&mut self.buffer, Some(PACKET_BYTES_MAX as u32)) {
                    Ok(packet) => Ok(Some(of_v5(packet))),
                    Err(rumqttc::v5::mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
                    Err(error) => Err(WireError::Garbage(error.to_string())),
                }
            }
        }
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

fn in_v4(packet: &v4::Packet, bytes: &mut BytesMut) -> Result<(), String> {
    packet.write(bytes, SENT_BYTES_MAX).map(drop).map_err(|error| error.to_string())
}

fn in_v5(packet: &v5::Packet, bytes: &mut BytesMut) -> Result<(), String> {
    packet.write(bytes, None).map(drop).map_err(|error| error.to_string())
}

fn encode_hello(
    version: MqttVersion,
    hello: &Hello<'_>,
    bytes: &mut BytesMut,
) -> Result<(), String> {
    let login = hello.login.clone();
    match version {
        MqttVersion::V3 => {
            let mut connect = v4::Connect::new(hello.client_id);
            connect.keep_alive = KEEP_ALIVE_S;
            connect.clean_session = true;
            let qos = rumqttc::QoS::AtLeastOnce;
            connect.last_will = Some(v4::LastWill::new(hello.will_topic, hello.will, qos, true));
            connect.login = login.map(|(user, password)| v4::Login::new(user, password));
            in_v4(&v4::Packet::Connect(connect), bytes)
        }
        MqttVersion::V5 => {
            let connect = v5::Connect {
                keep_alive: KEEP_ALIVE_S,
                client_id: hello.client_id.into(),
                clean_start: true,
                properties: None,
            };
            let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
            let will = v5::LastWill::new(hello.will_topic, hello.will, qos, true, None);
            let login = login.map(|(user, password)| v5::Login::new(user, password));
            in_v5(&v5::Packet::Connect(connect, Some(will), login), bytes)
        }
    }
}

fn encode_subscription(
    version: MqttVersion,
    topic: &str,
    id: u16,
    bytes: &mut BytesMut,
) -> Result<(), String> {
    match version {
        MqttVersion::V3 => {
            let mut subscribe = v4::Subscribe::new(topic, rumqttc::QoS::AtLeastOnce);
            subscribe.pkid = id;
            in_v4(&v4::Packet::Subscribe(subscribe), bytes)
        }
        MqttVersion::V5 => {
            let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
            let mut subscribe = v5::Subscribe::new(v5::Filter::new(topic, qos), None);
            subscribe.pkid = id;
            in_v5(&v5::Packet::Subscribe(subscribe), bytes)
        }
    }
}

fn encode_publication(
    version: MqttVersion,
    publication: Publication<'_>,
    id: u16,
    bytes: &mut BytesMut,
) -> Result<(), String> {
    let Publication { topic, payload, kept } = publication;
    match version {
        MqttVersion::V3 => {
            let mut publish = v4::Publish::new(topic, rumqttc::QoS::AtLeastOnce, payload);
            publish.pkid = id;
            publish.retain = kept == Kept::Yes;
            in_v4(&v4::Packet::Publish(publish), bytes)
        }
        MqttVersion::V5 => {
            let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
            let mut publish = v5::Publish::new(topic, qos, payload.to_vec(), None);
            publish.pkid = id;
            publish.retain = kept == Kept::Yes;
            in_v5(&v5::Packet::Publish(publish), bytes)
        }
    }
}

fn encode_word(version: MqttVersion, id: u16, bytes: &mut BytesMut) -> Result<(), String> {
    match version {
        MqttVersion::V3 => in_v4(&v4::Packet::PubAck(v4::PubAck::new(id)), bytes),
        MqttVersion::V5 => in_v5(&v5::Packet::PubAck(v5::PubAck::new(id, None)), bytes),
    }
}

fn encode_ping(version: MqttVersion, bytes: &mut BytesMut) -> Result<(), String> {
    match version {
        MqttVersion::V3 => in_v4(&v4::Packet::PingReq, bytes),
        MqttVersion::V5 => in_v5(&v5::Packet::PingReq(v5::PingReq), bytes),
    }
}

fn encode_goodbye(version: MqttVersion, bytes: &mut BytesMut) -> Result<(), String> {
    match version {
        MqttVersion::V3 => in_v4(&v4::Packet::Disconnect, bytes),
        MqttVersion::V5 => {
            let reason = v5::DisconnectReasonCode::NormalDisconnection;
            in_v5(&v5::Packet::Disconnect(v5::Disconnect::new(reason)), bytes)
        }
    }
}

fn of_v4(packet: v4::Packet) -> Packet {
    match packet {
        v4::Packet::ConnAck(answer) => Packet::Connected(match answer.code {
            v4::ConnectReturnCode::Success => Ok(()),
            code => Err(format!("{code:?}")),
        }),
        v4::Packet::PubAck(answer) => Packet::Word(answer.pkid, Word::Taken),
        v4::Packet::SubAck(answer) => {
            let failed = answer.return_codes.contains(&v4::SubscribeReasonCode::Failure);
            Packet::Subscribed(if failed { Err("the subscription".into()) } else { Ok(()) })
        }
        v4::Packet::Publish(message) => Packet::Incoming {
            answer: (message.qos == rumqttc::QoS::AtLeastOnce).then_some(message.pkid),
            message: Incoming {
                topic: message.topic,
                payload: message.payload.to_vec(),
                kept: if message.retain { Kept::Yes } else { Kept::No },
            },
        },
        v4::Packet::PingResp => Packet::Alive,
        _ => Packet::Other,
    }
}

fn of_v5(packet: v5::Packet) -> Packet {
    match packet {
        v5::Packet::ConnAck(answer) => Packet::Connected(match answer.code {
            v5::ConnectReturnCode::Success => Ok(()),
            code => Err(format!("{code:?}")),
        }),
        v5::Packet::PubAck(answer) => {
            let word = match answer.reason {
                v5::PubAckReason::Success | v5::PubAckReason::NoMatchingSubscribers => Word::Taken,
                reason => Word::Refused(format!("{reason:?}")),
            };
            Packet::Word(answer.pkid, word)
        }
        v5::Packet::SubAck(answer) => {
            let good = |code: &v5::SubscribeReasonCode| {
                matches!(code, v5::SubscribeReasonCode::Success(_))
            };
            Packet::Subscribed(match answer.return_codes.iter().find(|code| !good(code)) {
                None => Ok(()),
                Some(code) => Err(format!("{code:?}")),
            })
        }
        v5::Packet::Publish(message) => {
            let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
            Packet::Incoming {
                answer: (message.qos == qos).then_some(message.pkid),
                message: Incoming {
                    topic: String::from_utf8_lossy(&message.topic).into_owned(),
                    payload: message.payload.to_vec(),
                    kept: if message.retain { Kept::Yes } else { Kept::No },
                },
            }
        }
        v5::Packet::PingResp(_) => Packet::Alive,
        v5::Packet::Disconnect(goodbye) => Packet::Goodbye(format!("{:?}", goodbye.reason_code)),
        _ => Packet::Other,
    }
}
