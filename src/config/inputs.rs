//! `[[input]]` and `[mqtt]`: machine signals and where they come from.

use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::check::{Place, is_slug};
use super::plaintext::Cover;

/// Most inputs of a box: as many as a large controller has digital outputs.
pub const INPUTS_MAX: usize = 64;

/// Bounds of `max_age_ms`. A cut wire keeps a zone off for at most this long, so it is short; below
/// one second an ordinary network pause would arm the zone.
const MAX_AGE_MS: (u32, u32) = (1_000, 60_000);

/// An input is sent once a second by most gateways; five lost in a row are no accident.
const MAX_AGE_MS_DEFAULT: u32 = 5_000;

/// The port MQTT without TLS has of old.
const MQTT_PORT_DEFAULT: u16 = 1883;

/// Longest topic and longest text of a value, bytes. What is longer is no signal.
const TOPIC_BYTES_MAX: usize = 256;
const VALUE_BYTES_MAX: usize = 64;

/// One machine signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Lower-case letters, digits and `-`; unique. Interlocks of zones name it.
    pub name: String,
    /// A value that has not been repeated for so long is unknown.
    pub max_age: Duration,
    pub from: InputFrom,
}

/// Where an input's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputFrom {
    /// Somebody posts it to `/api/inputs/{name}`.
    Http,
    /// A topic of the site's broker.
    Mqtt(MqttInput),
}

/// A topic and how it says on and off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttInput {
    /// Without wildcards.
    pub topic: String,
    pub on: String,
    /// Differs from `on`.
    pub off: String,
}

/// The site's MQTT broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mqtt {
    pub host: String,
    pub port: u16,
    pub login: Option<MqttLogin>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttLogin {
    pub user: String,
    /// Holds the password on its first line; read at every connection.
    pub password_file: Option<PathBuf>,
}

/// Whether a broker for inputs is written down, rightly or not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Broker {
    None,
    Written,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedInput {
    name: Spanned<String>,
    max_age_ms: Option<Spanned<i64>>,
    /// A word or a table; which, is said in words of its own.
    from: Spanned<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedFromTable {
    mqtt: UnvalidatedTopic,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedTopic {
    topic: String,
    on: Option<String>,
    off: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedMqtt {
    host: Spanned<String>,
    port: Option<Spanned<i64>>,
    user: Option<Spanned<String>>,
    password_file: Option<Spanned<String>>,
    plaintext: Option<Spanned<String>>,
}

impl Place<'_> {
    /// All inputs; those from MQTT need a broker.
    pub(super) fn inputs(
        &self,
        list: Vec<Spanned<UnvalidatedInput>>,
        broker: Broker,
    ) -> Result<Vec<Input>, ConfigError> {
        let mut inputs: Vec<Input> = Vec::with_capacity(list.len());
        let mut names: Vec<String> = Vec::with_capacity(list.len());
        for (index, input) in list.into_iter().enumerate() {
            let (span, key) = (input.span(), format!("input[{index}]"));
            if index >= INPUTS_MAX {
                let right = format!("one box takes at most {INPUTS_MAX} inputs");
                return Err(self.wrong_at("input", &index.to_string(), span, &right));
            }
            let input = input.into_inner();
            let from = input.from.span();
            if let Some(first) = names.iter().position(|other| other == input.name.get_ref()) {
                let right = format!("input[{first}] has this name already; names must be unique");
                let wrong = self.wrong(&format!("{key}.name"), &input.name, &right);
                self.told(Err(wrong), ());
            }
            names.push(input.name.get_ref().clone());
            let Some(input) = self.noted(self.input(&key, input)) else {
                continue;
            };
            if matches!(input.from, InputFrom::Mqtt(_)) && broker == Broker::None {
                let right = "an input from MQTT needs a broker: add [mqtt] with host";
                let wrong = self.wrong_at(&format!("{key}.from"), "mqtt", from, right);
                self.told(Err(wrong), ());
            }
            inputs.push(input);
        }
        Ok(inputs)
    }

    fn input(&self, key: &str, input: UnvalidatedInput) -> Result<Input, ConfigError> {
        let name = input.name.get_ref().clone();
        if !is_slug(&name) {
            let right = "must be 1 to 80 lower-case letters, digits and \"-\", such as \
                         \"press-3-running\"";
            self.told(Err(self.wrong(&format!("{key}.name"), &input.name, right)), ());
        }
        let range = MAX_AGE_MS.0..MAX_AGE_MS.1 + 1;
        let max_age = self.whole(&format!("{key}.max_age_ms"), input.max_age_ms.as_ref(), range);
        let max_age = self.told(max_age, None);
        let max_age_ms = u64::from(max_age.unwrap_or(MAX_AGE_MS_DEFAULT));
        let from = self.input_from(&format!("{key}.from"), &input.from)?;
        Ok(Input { name, max_age: Duration::from_millis(max_age_ms), from })
    }

    fn input_from(&self, key: &str, from: &Spanned<toml::Value>) -> Result<InputFrom, ConfigError> {
        let right = "must be \"http\" or { mqtt = { topic = \"site/press3/running\" } }";
        let table = match from.get_ref() {
            toml::Value::String(word) if word == "http" => return Ok(InputFrom::Http),
            toml::Value::Table(table) => table.clone(),
            _ => return Err(self.wrong(key, from, right)),
        };
        let mqtt = table
            .try_into::<UnvalidatedFromTable>()
            .map_err(|error| self.wrong(key, from, &format!("{}; it {right}", error.message())))?;
        let UnvalidatedTopic { topic, on, off } = mqtt.mqtt;
        if !is_topic(&topic) {
            let right = format!(
                "topic must be 1 to {TOPIC_BYTES_MAX} bytes without `+` and `#`: one input is \
                 one topic"
            );
            return Err(self.wrong(&format!("{key}.mqtt"), from, &right));
        }
        let on = on.unwrap_or_else(|| "1".into());
        let off = off.unwrap_or_else(|| "0".into());
        if on == off || !is_value(&on) || !is_value(&off) {
            let right = format!(
                "on and off must differ, and be 1 to {VALUE_BYTES_MAX} bytes without blanks \
                 around them"
            );
            return Err(self.wrong(&format!("{key}.mqtt"), from, &right));
        }
        Ok(InputFrom::Mqtt(MqttInput { topic, on, off }))
    }

    pub(super) fn mqtt(&self, mqtt: UnvalidatedMqtt) -> Result<Mqtt, ConfigError> {
        let host = self.text_of("mqtt.host", &mqtt.host)?;
        let Some(host) = self::host(&host) else {
            let right = "must be a host name or an address, such as \"10.0.0.5\"; the port \
                         goes into mqtt.port";
            return Err(self.wrong("mqtt.host", &mqtt.host, right));
        };
        let port = self.whole("mqtt.port", mqtt.port.as_ref(), 1..u32::from(u16::MAX) + 1);
        let port = self.told(port, None);
        let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(MQTT_PORT_DEFAULT);
        let login = match (&mqtt.user, &mqtt.password_file) {
            (None, None) => None,
            (None, Some(file)) => {
                let right = "a password needs a user: add mqtt.user";
                return Err(self.wrong("mqtt.password_file", file, right));
            }
            (Some(user), file) => Some(MqttLogin {
                user: self.text_of("mqtt.user", user)?,
                password_file: match file {
                    None => None,
                    Some(file) => Some(self.password_file(file)?),
                },
            }),
        };
        self.login_in_clear(
            ("mqtt", &host, Cover::Nothing),
            mqtt.user.as_ref().map(|user| ("user", user)),
            mqtt.plaintext.as_ref(),
            "inputs know no TLS, so use a broker on this machine",
        )?;
        Ok(Mqtt { host, port, login })
    }

    fn password_file(&self, written: &Spanned<String>) -> Result<PathBuf, ConfigError> {
        let path = self.path_of("mqtt.password_file", written)?;
        if path.is_file() {
            return Ok(path);
        }
        let right = format!(
            "there is no file {}; write the password on its first line and let only this program \
             read it",
            path.display()
        );
        Err(self.wrong("mqtt.password_file", written, &right))
    }
}

/// A host as it stands in front of a port; `None` for what is none. A colon is a port or a scheme
/// that does not belong here, unless it is an IPv6 address.
pub(super) fn host(written: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    match written.parse::<Ipv6Addr>() {
        Ok(address) => Some(format!("[{address}]")),
        Err(_) => written.chars().all(legal).then(|| written.to_owned()),
    }
}

fn is_topic(topic: &str) -> bool {
    let illegal = |c: char| matches!(c, '+' | '#') || c.is_control();
    (1..=TOPIC_BYTES_MAX).contains(&topic.len()) && !topic.contains(illegal)
}

fn is_value(text: &str) -> bool {
    (1..=VALUE_BYTES_MAX).contains(&text.len()) && text.trim() == text
}
