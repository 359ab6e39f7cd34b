//! MQTT's packets, of both versions, as far as they matter here; `rumqttc` knows their bytes.
//!
//! Not here: connections, and waiting.

use bytes::BytesMut;
use rumqttc::mqttbytes::v4;
use rumqttc::v5::mqttbytes::v5;

use crate::config::MqttVersion;

/// How long the broker may hear nothing of us before it sends the last will; half of it is how often
/// it is asked whether it lives.
pub(super) const KEEP_ALIVE_S: u16 = 10;

/// Largest packet taken, bytes: commands are small.
const PACKET_BYTES_MAX: usize = 64 * 1024;

/// Largest packet sent, bytes: letters have a few kilobytes.
const SENT_BYTES_MAX: usize = 1 << 20;

/// Most messages that the broker may send without our word for them, where it can be told: as many as
/// there is room for (`wire`).
pub(super) const UNANSWERED_MAX: u16 = 64;

/// Something to publish.
#[derive(Clone, Copy, Debug)]
pub(super) struct Publication<'a> {
    pub topic: &'a str,
    pub payload: &'a [u8],
    pub kept: Kept,
}

/// Whether the broker keeps it for whoever comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    No,
}

/// What the broker said to a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Taken,
    /// The broker took it, and nobody has subscribed to it. Only version 5 can tell.
    NobodySubscribed,
    /// Not this one, and why.
    Refused(String),
    /// Not from this login, or not so much; why.
    Forbidden(String),
}

/// A message from somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incoming {
    pub topic: String,
    pub payload: Vec<u8>,
    pub kept: Kept,
    /// The number by which the broker wants our word.
    pub answer: Option<u16>,
}

/// Who connects, and what is said for it when it dies.
pub(super) struct Hello<'a> {
    pub client_id: &'a str,
    pub login: Option<(String, String)>,
    pub will_topic: &'a str,
    pub will: &'a [u8],
}

/// A packet, of whichever version, as far as it matters here.
pub(super) enum Packet {
    Connected(Result<(), String>),
    Word(u16, Word),
    Subscribed(Result<(), String>),
    Incoming { message: Incoming },
    Alive,
    Goodbye(String),
    Other,
}

/// The next packet in the buffer; `None` while it is not whole.
pub(super) fn decode(
    version: MqttVersion,
    buffer: &mut BytesMut,
) -> Result<Option<Packet>, String> {
    match version {
        MqttVersion::V3 => match v4::Packet::read(buffer, PACKET_BYTES_MAX) {
            Ok(packet) => Ok(Some(of_v4(packet))),
            Err(rumqttc::mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(error.to_string()),
        },
        MqttVersion::V5 => match v5::Packet::read(buffer, u32::try_from(PACKET_BYTES_MAX).ok()) {
            Ok(packet) => Ok(Some(of_v5(packet))),
            Err(rumqttc::v5::mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(error.to_string()),
        },
    }
}

fn in_v4(packet: &v4::Packet, bytes: &mut BytesMut) -> Result<(), String> {
    packet.write(bytes, SENT_BYTES_MAX).map(drop).map_err(|error| error.to_string())
}

fn in_v5(packet: &v5::Packet, bytes: &mut BytesMut) -> Result<(), String> {
    packet.write(bytes, None).map(drop).map_err(|error| error.to_string())
}

pub(super) fn hello(
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
                properties: Some(v5::ConnectProperties {
                    receive_maximum: Some(UNANSWERED_MAX),
                    ..v5::ConnectProperties::new()
                }),
            };
            let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
            let will = v5::LastWill::new(hello.will_topic, hello.will, qos, true, None);
            let login = login.map(|(user, password)| v5::Login::new(user, password));
            in_v5(&v5::Packet::Connect(connect, Some(will), login), bytes)
        }
    }
}

/// Topics are wanted at most once where they are only looked at, so that nothing waits for our word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    AtLeastOnce,
    ToLookAt,
}

pub(super) fn subscription(
    version: MqttVersion,
    (topic, wanted): (&str, Wanted),
    id: u16,
    bytes: &mut BytesMut,
) -> Result<(), String> {
    use rumqttc::v5::mqttbytes::QoS as QoS5;
    let (v3, v5) = match wanted {
        Wanted::AtLeastOnce => (rumqttc::QoS::AtLeastOnce, QoS5::AtLeastOnce),
        Wanted::ToLookAt => (rumqttc::QoS::AtMostOnce, QoS5::AtMostOnce),
    };
    match version {
        MqttVersion::V3 => {
            let mut subscribe = v4::Subscribe::new(topic, v3);
            subscribe.pkid = id;
            in_v4(&v4::Packet::Subscribe(subscribe), bytes)
        }
        MqttVersion::V5 => {
            let mut filter = v5::Filter::new(topic, v5);
            // What the box says itself is not to come back.
            filter.nolocal = true;
            let mut subscribe = v5::Subscribe::new(filter, None);
            subscribe.pkid = id;
            in_v5(&v5::Packet::Subscribe(subscribe), bytes)
        }
    }
}

pub(super) fn publication(
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

pub(super) fn word(version: MqttVersion, id: u16, bytes: &mut BytesMut) -> Result<(), String> {
    match version {
        MqttVersion::V3 => in_v4(&v4::Packet::PubAck(v4::PubAck::new(id)), bytes),
        MqttVersion::V5 => in_v5(&v5::Packet::PubAck(v5::PubAck::new(id, None)), bytes),
    }
}

pub(super) fn ping(version: MqttVersion, bytes: &mut BytesMut) -> Result<(), String> {
    match version {
        MqttVersion::V3 => in_v4(&v4::Packet::PingReq, bytes),
        MqttVersion::V5 => in_v5(&v5::Packet::PingReq(v5::PingReq), bytes),
    }
}

pub(super) fn goodbye(version: MqttVersion, bytes: &mut BytesMut) -> Result<(), String> {
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
            message: Incoming {
                answer: (message.qos == rumqttc::QoS::AtLeastOnce).then_some(message.pkid),
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
                v5::PubAckReason::Success => Word::Taken,
                v5::PubAckReason::NoMatchingSubscribers => Word::NobodySubscribed,
                reason @ (v5::PubAckReason::NotAuthorized | v5::PubAckReason::QuotaExceeded) => {
                    Word::Forbidden(format!("{reason:?}"))
                }
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
                message: Incoming {
                    answer: (message.qos == qos).then_some(message.pkid),
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
