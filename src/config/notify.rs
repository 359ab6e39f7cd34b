//! `[notify]`: who else is told, and how: a broker, webhooks, push services of handhelds.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::check::{Place, is_slug};
use super::inputs::MqttLogin;
use super::plaintext::Cover;
use super::{ConfigError, host};

/// Bounds of `outbox_mb`. Below the first a quiet week would not fit; above the second a box's disk
/// does not.
const OUTBOX_MB: (u32, u32) = (8, 16_384);

/// A month of a busy site, and no burden for the smallest disk.
const OUTBOX_MB_DEFAULT: u32 = 256;

/// Ports of MQTT without and with TLS, as registered with IANA.
const PORT_PLAIN: u16 = 1883;
const PORT_TLS: u16 = 8883;

/// Most webhooks of a box: each has a thread.
const WEBHOOKS_MAX: usize = 8;

/// Longest address of a webhook, bytes.
const URL_BYTES_MAX: usize = 2_048;

/// Longest prefix of topics, bytes.
const PREFIX_BYTES_MAX: usize = 64;

/// Who else is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Messages that wait take at most so much.
    pub outbox_bytes_max: u64,
    pub mqtt: Option<NotifyMqtt>,
    pub webhooks: Vec<Webhook>,
    pub web_push: Option<WebPush>,
}

/// A broker that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyMqtt {
    pub host: String,
    pub port: u16,
    pub version: MqttVersion,
    pub login: Option<MqttLogin>,
    /// Certificates, in PEM form, of whoever may vouch for the broker; `None` for no TLS.
    pub ca_file: Option<PathBuf>,
    /// First part of every topic but those of discovery.
    pub prefix: String,
    pub discovery: Discovery,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MqttVersion {
    V3,
    V5,
}

/// Whether Home Assistant is told what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    HomeAssistant,
    None,
}

/// An HTTP server that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Lower-case letters, digits and `-`; unique.
    pub name: String,
    pub url: String,
    /// Holds the secret on its first line; read for every message.
    pub secret_file: PathBuf,
    /// Certificates, in PEM form, of whoever may vouch for the server; `None` for those that
    /// browsers trust.
    pub ca_file: Option<PathBuf>,
}

/// Push services of handhelds' browsers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebPush {
    /// Whom a push service turns to: `mailto:` or `https:`.
    pub contact: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedNotify {
    outbox_mb: Option<Spanned<i64>>,
    mqtt: Option<UnvalidatedNotifyMqtt>,
    #[serde(default)]
    webhook: Vec<Spanned<UnvalidatedWebhook>>,
    web_push: Option<UnvalidatedWebPush>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedNotifyMqtt {
    host: Spanned<String>,
    port: Option<Spanned<i64>>,
    version: Option<Spanned<toml::Value>>,
    username: Option<Spanned<String>>,
    password_file: Option<Spanned<String>>,
    tls: Option<UnvalidatedTls>,
    plaintext: Option<Spanned<String>>,
    prefix: Option<Spanned<String>>,
    discovery: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedTls {
    ca_file: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedWebhook {
    name: Spanned<String>,
    url: Spanned<String>,
    secret_file: Spanned<String>,
    ca_file: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedWebPush {
    contact: Spanned<String>,
}

impl Place<'_> {
    pub(super) fn notify(&self, notify: UnvalidatedNotify) -> Result<Notify, ConfigError> {
        let range = OUTBOX_MB.0..OUTBOX_MB.1 + 1;
        let mb = self.whole("notify.outbox_mb", notify.outbox_mb.as_ref(), range);
        let mb = self.told(mb, None);
        let mqtt = notify.mqtt.map(|mqtt| self.notify_mqtt(mqtt)).transpose();
        let web_push = notify.web_push.map(|push| self.web_push(&push)).transpose();
        Ok(Notify {
            outbox_bytes_max: u64::from(mb.unwrap_or(OUTBOX_MB_DEFAULT)) << 20,
            mqtt: self.told(mqtt, None),
            webhooks: self.told(self.webhooks(notify.webhook), vec![]),
            web_push: self.told(web_push, None),
        })
    }

    fn notify_mqtt(&self, mqtt: UnvalidatedNotifyMqtt) -> Result<NotifyMqtt, ConfigError> {
        let written = self.text_of("notify.mqtt.host", &mqtt.host)?;
        let Some(host) = host(&written) else {
            let right = "must be a host name or an address, such as \"10.0.0.5\"; the port goes \
                         into notify.mqtt.port";
            return Err(self.wrong("notify.mqtt.host", &mqtt.host, right));
        };
        let ca_file = match &mqtt.tls {
            None => None,
            Some(tls) => Some(self.file("notify.mqtt.tls.ca_file", &tls.ca_file, CERTIFICATES)?),
        };
        let login = self.notify_login(mqtt.username.as_ref(), mqtt.password_file.as_ref())?;
        self.login_in_clear(
            ("notify.mqtt", &host, if ca_file.is_some() { Cover::Tls } else { Cover::Nothing }),
            mqtt.username.as_ref().map(|user| ("username", user)),
            mqtt.plaintext.as_ref(),
            "add notify.mqtt.tls with ca_file",
        )?;
        let usual = if ca_file.is_some() { PORT_TLS } else { PORT_PLAIN };
        let range = 1..u32::from(u16::MAX) + 1;
        let port = self.whole("notify.mqtt.port", mqtt.port.as_ref(), range)?;
        Ok(NotifyMqtt {
            host,
            port: port.and_then(|port| u16::try_from(port).ok()).unwrap_or(usual),
            version: self.mqtt_version(mqtt.version.as_ref())?,
            login,
            ca_file,
            prefix: self.prefix(mqtt.prefix.as_ref())?,
            discovery: match mqtt.discovery.as_ref().map(|discovery| *discovery.get_ref()) {
                Some(true) => Discovery::HomeAssistant,
                Some(false) | None => Discovery::None,
            },
        })
    }

    fn mqtt_version(
        &self,
        written: Option<&Spanned<toml::Value>>,
    ) -> Result<MqttVersion, ConfigError> {
        let Some(written) = written else {
            return Ok(MqttVersion::V5);
        };
        match written.get_ref() {
            toml::Value::Integer(5) => Ok(MqttVersion::V5),
            toml::Value::String(version) if version == "3.1.1" => Ok(MqttVersion::V3),
            _ => Err(self.wrong("notify.mqtt.version", written, "must be 5 or \"3.1.1\"")),
        }
    }

    fn notify_login(
        &self,
        username: Option<&Spanned<String>>,
        file: Option<&Spanned<String>>,
    ) -> Result<Option<MqttLogin>, ConfigError> {
        let key = "notify.mqtt.password_file";
        match (username, file) {
            (None, None) => Ok(None),
            (None, Some(file)) => {
                let right = "a password needs a user: add notify.mqtt.username";
                Err(self.wrong(key, file, right))
            }
            (Some(username), file) => Ok(Some(MqttLogin {
                user: self.text_of("notify.mqtt.username", username)?,
                password_file: file.map(|file| self.file(key, file, SECRET)).transpose()?,
            })),
        }
    }

    fn prefix(&self, written: Option<&Spanned<String>>) -> Result<String, ConfigError> {
        let Some(written) = written else {
            return Ok("standclear".into());
        };
        let prefix = written.get_ref();
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let parts = prefix.split('/').all(|part| !part.is_empty());
        if (1..=PREFIX_BYTES_MAX).contains(&prefix.len()) && prefix.chars().all(legal) && parts {
            return Ok(prefix.clone());
        }
        let right = "must be topic levels of letters, digits, \"-\", \"_\" and \".\", such as \
                     \"site/standclear\"";
        Err(self.wrong("notify.mqtt.prefix", written, right))
    }

    fn webhooks(
        &self,
        list: Vec<Spanned<UnvalidatedWebhook>>,
    ) -> Result<Vec<Webhook>, ConfigError> {
        let mut webhooks: Vec<Webhook> = Vec::with_capacity(list.len());
        let mut names: Vec<String> = Vec::with_capacity(list.len());
        for (index, webhook) in list.into_iter().enumerate() {
            let (span, key) = (webhook.span(), format!("notify.webhook[{index}]"));
            if index >= WEBHOOKS_MAX {
                let right = format!("one box tells at most {WEBHOOKS_MAX} webhooks");
                return Err(self.wrong_at("notify.webhook", &index.to_string(), span, &right));
            }
            let UnvalidatedWebhook { name, url, secret_file, ca_file } = webhook.into_inner();
            if !is_slug(name.get_ref()) {
                let right = "must be 1 to 80 lower-case letters, digits and \"-\", such as \
                             \"control-room\"";
                self.told(Err(self.wrong(&format!("{key}.name"), &name, right)), ());
            }
            if let Some(first) = names.iter().position(|other| other == name.get_ref()) {
                let right =
                    format!("notify.webhook[{first}] has this name already; names must be unique");
                self.told(Err(self.wrong(&format!("{key}.name"), &name, &right)), ());
            }
            names.push(name.get_ref().clone());
            let ca_key = format!("{key}.ca_file");
            let secret_file = self.file(&format!("{key}.secret_file"), &secret_file, SECRET);
            let ca_file = ca_file.map(|file| self.file(&ca_key, &file, CERTIFICATES)).transpose();
            webhooks.push(Webhook {
                url: self.told(self.url(&format!("{key}.url"), &url), String::new()),
                secret_file: self.told(secret_file, PathBuf::new()),
                ca_file: self.told(ca_file, None),
                name: name.into_inner(),
            });
        }
        Ok(webhooks)
    }

    /// What leaves this machine is encrypted.
    fn url(&self, key: &str, written: &Spanned<String>) -> Result<String, ConfigError> {
        let url = written.get_ref();
        let short = url.len() <= URL_BYTES_MAX && url.chars().all(|c| c.is_ascii_graphic());
        let rest = |scheme| url.strip_prefix(scheme).filter(|rest| short && !rest.is_empty());
        let local = |rest: &str| {
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
                host == *name || host.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'))
            })
        };
        if rest("https://").is_some() || rest("http://").is_some_and(local) {
            return Ok(url.clone());
        }
        let right = "must be an address such as \"https://alerts.example.com/hook\"; plain HTTP \
                     is for loopback addresses such as \"http://127.0.0.1:9000/hook\"";
        Err(self.wrong(key, written, right))
    }

    fn web_push(&self, push: &UnvalidatedWebPush) -> Result<WebPush, ConfigError> {
        let contact = self.text_of("notify.web_push.contact", &push.contact)?;
        if contact.starts_with("mailto:") && contact.contains('@') || contact.starts_with("https:")
        {
            return Ok(WebPush { contact });
        }
        let right = "must be whom a push service turns to, such as \
                     \"mailto:safety@example.com\"";
        Err(self.wrong("notify.web_push.contact", &push.contact, right))
    }

    pub(super) fn file(
        &self,
        key: &str,
        written: &Spanned<String>,
        holds: &str,
    ) -> Result<PathBuf, ConfigError> {
        let path = self.path_of(key, written)?;
        if path.is_file() {
            return Ok(path);
        }
        let right = format!("there is no file {}; {holds}", path.display());
        Err(self.wrong(key, written, &right))
    }
}

/// What is to stand in a file.
const SECRET: &str = "write the secret on its first line and let only this program read it";
pub(super) const CERTIFICATES: &str = "it holds the certificates, in PEM form, of whoever signed the other \
                            side's";
