//! `[[relay]]`: what a relay or a lamp shows, how it is wired, and what switches it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::check::{Place, is_slug};

/// Most relays of a box: two stack lights of five, and some to spare. Each has a thread.
pub const RELAYS_MAX: usize = 16;

/// Bounds of `heartbeat_ms`. Faster wears a contact out; slower, and a monitor relay would tell too
/// late.
const HEARTBEAT_MS: (u32, u32) = (100, 5_000);

/// Speeds of a serial line.
const BAUD: (u32, u32) = (1_200, 921_600);
const BAUD_DEFAULT: u32 = 9_600;

/// Modbus units that can be addressed; 0 is everybody, who do not answer.
const UNITS: (u8, u8) = (1, 247);

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

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum UnvalidatedTo {
    Gpio(UnvalidatedGpio),
    ModbusTcp(UnvalidatedTcp),
    ModbusRtu(UnvalidatedRtu),
    Http(UnvalidatedHttp),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedGpio {
    chip: Option<String>,
    line: toml::Value,
    active_low: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedTcp {
    address: SocketAddr,
    unit: Option<u8>,
    coil: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedRtu {
    port: String,
    baud: Option<u32>,
    parity: Option<String>,
    unit: Option<u8>,
    coil: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedHttp {
    method: Option<String>,
    on: String,
    off: String,
}

impl Place<'_> {
    /// All relays.
    pub(super) fn relays(
        &self,
        list: Vec<Spanned<UnvalidatedRelay>>,
    ) -> Result<Vec<Relay>, ConfigError> {
        let mut relays: Vec<Relay> = Vec::with_capacity(list.len());
        for (index, relay) in list.into_iter().enumerate() {
            let (span, key) = (relay.span(), format!("relay[{index}]"));
            if index >= RELAYS_MAX {
                let right = format!("one box switches at most {RELAYS_MAX} relays");
                return Err(self.wrong_at("relay", &index.to_string(), span, &right));
            }
            let relay = relay.into_inner();
            let name = relay.name.clone();
            let relay = self.relay(&key, &relay)?;
            if let Some(first) = relays.iter().position(|other| other.name == relay.name) {
                let right = format!("relay[{first}] has this name already; names must be unique");
                return Err(self.wrong(&format!("{key}.name"), &name, &right));
            }
            relays.push(relay);
        }
        Ok(relays)
    }

    fn relay(&self, key: &str, relay: &UnvalidatedRelay) -> Result<Relay, ConfigError> {
        if !is_slug(relay.name.get_ref()) {
            let right = "must be 1 to 80 lower-case letters, digits and \"-\", such as \
                         \"stack-red\"";
            return Err(self.wrong(&format!("{key}.name"), &relay.name, right));
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
            self.whole(&format!("{key}.heartbeat_ms"), relay.heartbeat_ms.as_ref(), range)?;
        if let Some(written) = relay.heartbeat_ms.as_ref().filter(|_| wiring != Wiring::FailSafe) {
            let right = "a heartbeat needs the wiring \"fail-safe\": it beats while there is \
                         nothing to say";
            return Err(self.wrong(&format!("{key}.heartbeat_ms"), written, right));
        }
        Ok(Relay {
            name: relay.name.get_ref().clone(),
            role: self.role(&format!("{key}.role"), &relay.role, wiring)?,
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

    fn relay_to(&self, key: &str, written: &Spanned<toml::Value>) -> Result<RelayTo, ConfigError> {
        let right = "must be one of { gpio = { chip, line, active_low } }, { modbus-tcp = { \
                     address = \"10.0.0.7:502\", unit, coil } }, { modbus-rtu = { port, baud, \
                     parity, unit, coil } }, { http = { on = \"http://…\", off = \"http://…\", \
                     method } }";
        let wrong = |what: &str| self.wrong(key, written, &format!("{what}; it {right}"));
        let to = written
            .get_ref()
            .clone()
            .try_into::<UnvalidatedTo>()
            .map_err(|error| wrong(error.message()))?;
        let point = |unit: Option<u8>, coil| match unit.unwrap_or(1) {
            unit if (UNITS.0..=UNITS.1).contains(&unit) => Ok(ModbusPoint { unit, coil }),
            _ => Err(wrong(&format!("unit must be {} to {}", UNITS.0, UNITS.1))),
        };
        Ok(match to {
            UnvalidatedTo::Gpio(gpio) => RelayTo::Gpio(self.gpio(gpio, &wrong)?),
            UnvalidatedTo::ModbusTcp(tcp) => {
                RelayTo::ModbusTcp { address: tcp.address, point: point(tcp.unit, tcp.coil)? }
            }
            UnvalidatedTo::ModbusRtu(rtu) => {
                let parity = match rtu.parity.as_deref() {
                    None | Some("none") => Parity::None,
                    Some("even") => Parity::Even,
                    Some("odd") => Parity::Odd,
                    Some(_) => return Err(wrong("parity must be \"none\", \"even\" or \"odd\"")),
                };
                let baud = rtu.baud.unwrap_or(BAUD_DEFAULT);
                if !(BAUD.0..=BAUD.1).contains(&baud) {
                    return Err(wrong(&format!("baud must be {} to {}", BAUD.0, BAUD.1)));
                }
                let point = point(rtu.unit, rtu.coil)?;
                RelayTo::ModbusRtu { port: self.resolve(&rtu.port), baud, parity, point }
            }
            UnvalidatedTo::Http(http) => {
                let method = match http.method.as_deref() {
                    None | Some("GET") => HttpMethod::Get,
                    Some("POST") => HttpMethod::Post,
                    Some(_) => return Err(wrong("method must be \"GET\" or \"POST\"")),
                };
                let is_url = |url: &str| {
                    let rest = url.strip_prefix("http://").or(url.strip_prefix("https://"));
                    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
                };
                if !is_url(&http.on) || !is_url(&http.off) || http.on == http.off {
                    return Err(wrong("on and off must be two addresses with http://"));
                }
                RelayTo::Http { method, on: http.on, off: http.off }
            }
        })
    }

    fn gpio(
        &self,
        gpio: UnvalidatedGpio,
        wrong: &dyn Fn(&str) -> ConfigError,
    ) -> Result<Gpio, ConfigError> {
        let line = match gpio.line {
            toml::Value::Integer(offset) => match u32::try_from(offset) {
                Ok(offset) => GpioLine::Offset(offset),
                Err(_) => return Err(wrong("line must be an offset such as 17, or a name")),
            },
            toml::Value::String(name) if !name.trim().is_empty() => GpioLine::Name(name),
            _ => return Err(wrong("line must be an offset such as 17, or a name")),
        };
        if gpio.chip.is_none() && matches!(line, GpioLine::Offset(_)) {
            return Err(wrong("an offset needs its chip, such as \"/dev/gpiochip0\""));
        }
        let active = match gpio.active_low {
            Some(true) => Active::Low,
            Some(false) | None => Active::High,
        };
        Ok(Gpio { chip: gpio.chip.map(|chip| self.resolve(&chip)), line, active })
    }
}
