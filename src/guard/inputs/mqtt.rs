//! Values from the site's MQTT broker (version 3.1.1, without TLS).
//!
//! Subscribed with QoS 1 in a clean session: the broker keeps nothing for us while we are away,
//! since what was said then is not said now. A **retained** message is what the broker kept from
//! earlier; its age is unknown, so it is no value: the machine may have stopped talking days ago.
//! A last will that is neither the on nor the off text makes the input unknown at once.
//!
//! Bounded: a packet of more than [`PACKET_BYTES_MAX`] ends the connection; a payload of more than
//! [`PAYLOAD_BYTES_MAX`] is neither on nor off.
//!
//! Not here: reconnecting (`adapter`) and ageing (`table`).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS, SubscribeFilter,
    SubscribeReasonCode,
};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::adapter::{AdapterError, InputAdapter, Reading};
use super::table::{InputIndex, Said};
use crate::clock;
use crate::config::{Mqtt, MqttInput};

/// Longest payload that is looked at, bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1024;

/// Largest packet taken or sent, bytes: a payload that is too long is still read to its end, so
/// that one wrong message does not cost the connection.
pub const PACKET_BYTES_MAX: usize = 64 * 1024;

/// From the first byte to the subscription's answer.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// How often the broker is asked whether it lives; one that does not answer is lost at the next
/// question. Ages run out by themselves, so this is only about a better reason.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// Requests on their way to the broker: one subscription.
const REQUESTS_MAX: usize = 4;

/// Messages taken in one read, so that a flood does not keep a stop from being heard.
const MESSAGES_A_READ: usize = 64;

/// Letters of a wrong value that people are shown.
const SHOWN_CHARS_MAX: usize = 40;

/// Largest password file, bytes: it holds one line.
const PASSWORD_BYTES_MAX: u64 = 1024;

/// See [`InputAdapter`].
pub struct MqttAdapter {
    broker: Mqtt,
    topics: Vec<(MqttInput, InputIndex)>,
    inputs: Vec<InputIndex>,
    session: Option<Session>,
}

struct Session {
    runtime: Runtime,
    events: EventLoop,
    /// Came before the subscription's answer.
    early: Vec<Reading>,
    /// Kept, because the connection ends when its last client is dropped.
    _client: AsyncClient,
}

impl MqttAdapter {
    pub fn new(broker: Mqtt, topics: Vec<(MqttInput, InputIndex)>) -> MqttAdapter {
        let inputs = topics.iter().map(|(_, input)| *input).collect();
        MqttAdapter { broker, topics, inputs, session: None }
    }

    fn options(&self) -> Result<MqttOptions, AdapterError> {
        let mut options = MqttOptions::new(client_id(), &self.broker.host, self.broker.port);
        options
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_session(true)
            .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        if let Some(login) = &self.broker.login {
            let password = match &login.password_file {
                None => String::new(),
                Some(file) => password(file).map_err(|source| AdapterError::Password {
                    file: file.display().to_string(),
                    source,
                })?,
            };
            options.set_credentials(&login.user, password);
        }
        Ok(options)
    }

    /// Each topic once: several inputs may hear the same.
    fn filters(&self) -> Vec<SubscribeFilter> {
        let mut topics: Vec<&str> = self.topics.iter().map(|(mqtt, _)| &*mqtt.topic).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
            .into_iter()
            .map(|topic| SubscribeFilter::new(topic.into(), QoS::AtLeastOnce))
            .collect()
    }

    fn readings(&self, message: &Publish) -> Vec<Reading> {
        let at = clock::monotonic();
        let heard = self.topics.iter().filter(|(mqtt, _)| mqtt.topic == message.topic);
        let reading = |(mqtt, input): &(MqttInput, InputIndex)| Reading {
            input: *input,
            said: said(mqtt, &message.payload, message.retain),
            at,
            by: None,
        };
        heard.map(reading).collect()
    }

    async fn subscribe(
        &self,
        events: &mut EventLoop,
        client: &AsyncClient,
    ) -> Result<Vec<Reading>, AdapterError> {
        let filters = self.filters();
        let failed = |error: rumqttc::ConnectionError| AdapterError::Connect(Box::new(error));
        let mut early = Vec::new();
        loop {
            match events.poll().await.map_err(failed)? {
                Event::Incoming(Packet::ConnAck(_)) => {
                    client
                        .try_subscribe_many(filters.clone())
                        .map_err(|error| AdapterError::Connect(Box::new(error)))?
                }
                Event::Incoming(Packet::Publish(message)) => early.extend(self.readings(&message)),
                Event::Incoming(Packet::SubAck(answer)) => {
                    let codes = answer.return_codes.iter();
                    let refused: Vec<&str> = filters
                        .iter()
                        .zip(codes)
                        .filter(|(_, code)| **code == SubscribeReasonCode::Failure)
                        .map(|(filter, _)| filter.path.as_str())
                        .collect();
                    if refused.is_empty() {
                        return Ok(early);
                    }
                    return Err(AdapterError::Refused { topics: refused.join(", ") });
                }
                Event::Incoming(_) | Event::Outgoing(_) => {}
            }
        }
    }
}

impl InputAdapter for MqttAdapter {
    fn source(&self) -> String {
        "the broker".into()
    }

    fn inputs(&self) -> &[InputIndex] {
        &self.inputs
    }

    fn connect(&mut self) -> Result<(), AdapterError> {
        if let Some(old) = self.session.take() {
            // A name that is being looked up may take long; nobody waits for it.
            old.runtime.shutdown_background();
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| AdapterError::Connect(Box::new(error)))?;
        let (client, mut events) = AsyncClient::new(self.options()?, REQUESTS_MAX);
        let subscribed = runtime
            .block_on(async { timeout(CONNECT_MAX, self.subscribe(&mut events, &client)).await });
        match subscribed {
            Ok(Ok(early)) => {
                self.session = Some(Session { runtime, events, early, _client: client });
                Ok(())
            }
            Ok(Err(error)) => {
                runtime.shutdown_background();
                Err(error)
            }
            Err(_late) => {
                runtime.shutdown_background();
                Err(AdapterError::NoAnswer(CONNECT_MAX))
            }
        }
    }

    fn read(&mut self, wait: Duration) -> Result<Vec<Reading>, AdapterError> {
        let Some(mut session) = self.session.take() else {
            return Err(AdapterError::Ended("it was not connected"));
        };
        let mut readings = std::mem::take(&mut session.early);
        // The first may take its time; what has come with it is taken along.
        let mut patience = if readings.is_empty() { wait } else { Duration::ZERO };
        for _ in 0..MESSAGES_A_READ {
            let next =
                session.runtime.block_on(async { timeout(patience, session.events.poll()).await });
            match next {
                Err(_nothing) => break,
                Ok(Err(error)) => {
                    session.runtime.shutdown_background();
                    return Err(AdapterError::Read(Box::new(error)));
                }
                Ok(Ok(Event::Incoming(Packet::Publish(message)))) => {
                    readings.extend(self.readings(&message));
                    patience = Duration::ZERO;
                }
                // Questions whether we live, and their answers.
                Ok(Ok(Event::Incoming(_) | Event::Outgoing(_))) => patience = Duration::ZERO,
            }
        }
        self.session = Some(session);
        Ok(readings)
    }
}

impl Drop for MqttAdapter {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.runtime.shutdown_background();
        }
    }
}

/// What a payload says. Blanks around it do not count.
fn said(mqtt: &MqttInput, payload: &[u8], retained: bool) -> Said {
    let text = payload.get(..PAYLOAD_BYTES_MAX.min(payload.len())).unwrap_or_default();
    let trimmed = text.trim_ascii();
    let short = payload.len() <= PAYLOAD_BYTES_MAX;
    let (on, off) = (trimmed == mqtt.on.as_bytes(), trimmed == mqtt.off.as_bytes());
    match (short && on, short && off, retained) {
        (true, _, true) | (_, true, true) => Said::OfUnknownAge,
        (true, _, false) => Said::On,
        (_, true, false) => Said::Off,
        (false, false, _) => Said::Neither { text: shown(text) },
    }
}

/// A stranger's bytes in a sentence.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut letters = text.chars().flat_map(char::escape_debug);
    let start: String = letters.by_ref().take(SHOWN_CHARS_MAX).collect();
    match letters.next() {
        Some(_) => format!("{start}…"),
        None => start,
    }
}

fn password(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(PASSWORD_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A broker ends the older of two connections of one name, so each has its own.
fn client_id() -> String {
    let mut bytes = [0u8; 8];
    // Without random numbers the name is one that another box may have too; both would say so.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().fold("standclear-".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> MqttInput {
        MqttInput { topic: "press".into(), on: "run".into(), off: "stop".into() }
    }

    #[test]
    fn only_the_configured_texts_are_values() {
        assert_eq!(said(&machine(), b"run", false), Said::On);
        assert_eq!(said(&machine(), b" stop\r\n", false), Said::Off);
        for wrong in [&b""[..], b"RUN", b"runstop", b"1", b"\xff\xfe", b"run\0"] {
            let said = said(&machine(), wrong, false);
            assert!(matches!(said, Said::Neither { .. }), "{wrong:?} is {said:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_bytes_come_only_the_two_texts_are_values(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2_000),
            retained in proptest::prelude::any::<bool>(),
        ) {
            match said(&machine(), &bytes, retained) {
                Said::On => proptest::prop_assert_eq!((bytes.trim_ascii(), retained), (&b"run"[..], false)),
                Said::Off => proptest::prop_assert_eq!((bytes.trim_ascii(), retained), (&b"stop"[..], false)),
                Said::OfUnknownAge => proptest::prop_assert!(retained),
                Said::Neither { text } => {
                    proptest::prop_assert!(text.chars().count() <= SHOWN_CHARS_MAX + 1);
                    proptest::prop_assert!(!text.contains(char::is_control));
                }
            }
        }
    }

    #[test]
    fn a_retained_value_has_no_age() {
        assert_eq!(said(&machine(), b"stop", true), Said::OfUnknownAge);
        assert!(matches!(said(&machine(), b"halt", true), Said::Neither { .. }));
    }

    #[test]
    fn a_long_payload_is_no_value_and_short_in_words() {
        let mut long = b"stop".to_vec();
        long.resize(PAYLOAD_BYTES_MAX + 1, b' ');
        assert!(matches!(said(&machine(), &long, false), Said::Neither { .. }));
        long.truncate(PAYLOAD_BYTES_MAX);
        assert_eq!(said(&machine(), &long, false), Said::Off);
        let Said::Neither { text } = said(&machine(), &[b'x'; 5000], false) else {
            panic!("it is no value");
        };
        assert_eq!(text.chars().count(), SHOWN_CHARS_MAX + 1);
    }
}
