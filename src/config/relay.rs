//! `[[relay]]`: what a relay or a lamp shows, how it is wired, and what switches it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::check::{Place, is_slug};
use super::relay_to::{output_word, same_output};

/// Most relays of a box: two stack lights of five, and some to spare. Each has a thread.
pub const RELAYS_MAX: usize = 16;

/// Bounds of `heartbeat_ms`. Faster wears a contact out; slower, and a monitor relay would tell too
/// late.
const HEARTBEAT_MS: (u32, u32) = (100, 5_000);

/// A relay, or a lamp of a stack light.
#[derive(Clone, Debug, PartialEq)]
pub struct Relay {
    /// Lower-case letters, digits and `-`; unique.
    pub name: String,
    /// What makes it call for attention, any of these; at least one.
    pub role: Vec<RelayRole>,
    pub wiring: Wiring,
    /// While it does not call, its coil changes this often.
    pub heartbeat: Option<Duration>,
    pub to: RelayTo,
}

/// What a relay calls for attention about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayRole {
    /// Somebody is where nobody may be.
    Emergency,
    /// Somebody is about to be.
    Warning,
    /// Something is not watched, or does not work.
    Fault,
    /// Whatever the siren sounds for, and as long as it sounds.
    Siren,
}

/// Which state of the coil calls for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// Energised: nothing to say. A dead box, a cut wire or lost power call too, where the device lets
    /// go when nobody asks it any more.
    FailSafe,
    /// Energised: it calls. A dead box is silent.
    EnergiseToCall,
}

/// What switches the coil.
#[derive(Clone, Debug, PartialEq)]
pub enum RelayTo {
    Gpio(Gpio),
    ModbusTcp { address: SocketAddr, point: ModbusPoint },
    ModbusRtu { port: PathBuf, baud: u32, parity: Parity, point: ModbusPoint },
    Http { method: HttpMethod, on: String, off: String },
}

/// A line of a GPIO chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpio {
    /// `None`: the first chip that has a line of this name.
    pub chip: Option<PathBuf>,
    pub line: GpioLine,
    pub active: Active,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GpioLine {
    Offset(u32),
    Name(String),
}

/// Which level energises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Active {
    High,
    Low,
}

/// A coil of a Modbus unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModbusPoint {
    pub unit: u8,
    pub coil: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    None,
    Even,
    Odd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpMethod {
    Get,
    Post,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedRelay {
    name: Spanned<String>,
    /// A word or a list of words.
    role: Spanned<toml::Value>,
    wiring: Option<Spanned<String>>,
    heartbeat_ms: Option<Spanned<i64>>,
    /// A table with one key, the kind; which, is said in words of its own.
    to: Spanned<toml::Value>,
}

impl Place<'_> {
    /// All relays.
    pub(super) fn relays(
        &self,
        list: Vec<Spanned<UnvalidatedRelay>>,
    ) -> Result<Vec<Relay>, ConfigError> {
        let mut relays: Vec<(usize, Relay)> = Vec::with_capacity(list.len());
        for (index, relay) in list.into_iter().enumerate() {
            let (span, key) = (relay.span(), format!("relay[{index}]"));
            if index >= RELAYS_MAX {
                let right = format!("one box switches at most {RELAYS_MAX} relays");
                return Err(self.wrong_at("relay", &index.to_string(), span, &right));
            }
            let relay = relay.into_inner();
            let name = relay.name.clone();
            let to = relay.to.clone();
            let Some(relay) = self.noted(self.relay(&key, &relay)) else {
                continue;
            };
            if let Some((first, _)) = relays.iter().find(|(_, other)| other.name == relay.name) {
                let right = format!("relay[{first}] has this name already; names must be unique");
                self.told(Err(self.wrong(&format!("{key}.name"), &name, &right)), ());
            }
            if let Some((first, other)) =
                relays.iter().find(|(_, other)| same_output(&other.to, &relay.to))
            {
                let right = format!(
                    "relay[{first}] {:?} switches this already, and {:?} would undo what it does; \
                     give each relay {} of its own, or one relay both roles",
                    other.name,
                    relay.name,
                    output_word(&relay.to)
                );
                self.told(Err(self.wrong(&format!("{key}.to"), &to, &right)), ());
            }
            relays.push((index, relay));
        }
        Ok(relays.into_iter().map(|(_, relay)| relay).collect())
    }

    fn relay(&self, key: &str, relay: &UnvalidatedRelay) -> Result<Relay, ConfigError> {
        if !is_slug(relay.name.get_ref()) {
            let right = "must be 1 to 80 lower-case letters, digits and \"-\", such as \
                         \"stack-red\"";
            self.told(Err(self.wrong(&format!("{key}.name"), &relay.name, right)), ());
        }
        let wiring = match &relay.wiring {
            None => Wiring::FailSafe,
            Some(written) => match written.get_ref().as_str() {
                "fail-safe" => Wiring::FailSafe,
                "energise-to-call" => Wiring::EnergiseToCall,
                _ => {
                    let right = "must be \"fail-safe\" (energised while there is nothing to say) \
                                 or \"energise-to-call\", which a dead box cannot";
                    return Err(self.wrong(&format!("{key}.wiring"), written, right));
                }
            },
        };
        let range = HEARTBEAT_MS.0..HEARTBEAT_MS.1 + 1;
        let heartbeat =
            self.whole(&format!("{key}.heartbeat_ms"), relay.heartbeat_ms.as_ref(), range);
        let heartbeat = self.told(heartbeat, None);
        if let Some(written) = relay.heartbeat_ms.as_ref().filter(|_| wiring != Wiring::FailSafe) {
            let right = "a heartbeat needs the wiring \"fail-safe\": it beats while there is \
                         nothing to say";
            return Err(self.wrong(&format!("{key}.heartbeat_ms"), written, right));
        }
        Ok(Relay {
            name: relay.name.get_ref().clone(),
            role: self.told(self.role(&format!("{key}.role"), &relay.role, wiring), vec![]),
            wiring,
            heartbeat: heartbeat.map(|ms| Duration::from_millis(u64::from(ms))),
            to: self.relay_to(&format!("{key}.to"), &relay.to)?,
        })
    }

    fn role(
        &self,
        key: &str,
        written: &Spanned<toml::Value>,
        wiring: Wiring,
    ) -> Result<Vec<RelayRole>, ConfigError> {
        let words: Vec<&str> = match written.get_ref() {
            toml::Value::String(word) => vec![word.as_str()],
            toml::Value::Array(list) => list.iter().map(|v| v.as_str().unwrap_or("")).collect(),
            _ => Vec::new(),
        };
        let mut role = Vec::new();
        for word in &words {
            role.push(match *word {
                "emergency" => RelayRole::Emergency,
                "warning" => RelayRole::Warning,
                "fault" => RelayRole::Fault,
                "siren" => RelayRole::Siren,
                // The same coil seen from the other side: energised while nothing is wrong.
                "healthy" if wiring == Wiring::FailSafe && words.len() == 1 => RelayRole::Fault,
                _ => {
                    let right = "must be one or a list of \"emergency\", \"warning\", \"fault\" \
                                 and \"siren\"; or \"healthy\" alone with the wiring \"fail-safe\"";
                    return Err(self.wrong(key, written, right));
                }
            });
        }
        if role.is_empty() {
            let right = "must say what the relay shows, such as [\"emergency\", \"fault\"]";
            return Err(self.wrong(key, written, right));
        }
        Ok(role)
    }
}
