//! `to` of a `[[relay]]`: what switches its coil. Each key is read by itself, so that an error names it.
//!
//! Not here: name, role and wiring (`relay`), and whether anything answers there.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use toml::{Spanned, Table, Value};

use super::ConfigError;
use super::check::Place;
use super::relay::{Active, Gpio, GpioLine, HttpMethod, ModbusPoint, Parity, RelayTo};

/// Speeds of a serial line.
const BAUD: RangeInclusive<u32> = 1_200..=921_600;
const BAUD_DEFAULT: u32 = 9_600;

/// Modbus units that can be addressed; 0 is everybody, who do not answer.
const UNITS: RangeInclusive<u8> = 1..=247;
const UNIT_DEFAULT: u8 = 1;

/// Coils as the protocol counts them.
const COILS: RangeInclusive<u16> = 0..=u16::MAX;

const FORMS: &str = "must be one of { gpio = { … } }, { modbus-tcp = { … } }, \
                     { modbus-rtu = { … } }, { http = { … } }";

/// The keys of one kind.
struct Keys<'a> {
    place: &'a Place<'a>,
    /// Of the table: `relay[0].to.modbus-tcp`.
    key: String,
    written: &'a Spanned<Value>,
    table: &'a Table,
}

impl Place<'_> {
    pub(super) fn relay_to(
        &self,
        key: &str,
        written: &Spanned<Value>,
    ) -> Result<RelayTo, ConfigError> {
        let only = written.get_ref().as_table().filter(|table| table.len() == 1);
        let Some((kind, value)) = only.and_then(|table| table.iter().next()) else {
            return Err(self.wrong(key, written, FORMS));
        };
        let key = format!("{key}.{kind}");
        let Some(table) = value.as_table() else {
            let right = "must be a table of keys, such as { … = … }";
            return Err(self.wrong_at(&key, &value.to_string(), written.span(), right));
        };
        let keys = Keys { place: self, key, written, table };
        match kind.as_str() {
            "gpio" => keys.gpio(),
            "modbus-tcp" => keys.modbus_tcp(),
            "modbus-rtu" => keys.modbus_rtu(),
            "http" => keys.http(),
            _ => Err(self.wrong_at(&keys.key, kind, written.span(), FORMS)),
        }
    }
}

impl Keys<'_> {
    fn gpio(&self) -> Result<RelayTo, ConfigError> {
        self.only(&["chip", "line", "active_low"])?;
        let right = "must be an offset such as 17, or the name of a line";
        let line = match self.table.get("line") {
            Some(Value::Integer(offset)) => match u32::try_from(*offset) {
                Ok(offset) => GpioLine::Offset(offset),
                Err(_) => return Err(self.wrong("line", right)),
            },
            Some(Value::String(name)) if !name.trim().is_empty() => GpioLine::Name(name.clone()),
            Some(_) | None => return Err(self.wrong("line", right)),
        };
        let chip = self.text("chip", "must be a device file such as \"/dev/gpiochip0\"")?;
        if chip.is_none() && matches!(line, GpioLine::Offset(_)) {
            let right = "an offset needs its chip, such as \"/dev/gpiochip0\"";
            return Err(self.wrong("chip", right));
        }
        let active = match self.table.get("active_low") {
            Some(Value::Boolean(true)) => Active::Low,
            Some(Value::Boolean(false)) | None => Active::High,
            Some(_) => return Err(self.wrong("active_low", "must be true or false")),
        };
        let chip = chip.map(|chip| self.place.resolve(chip));
        Ok(RelayTo::Gpio(Gpio { chip, line, active }))
    }

    fn modbus_tcp(&self) -> Result<RelayTo, ConfigError> {
        self.only(&["address", "unit", "coil"])?;
        let right = "must be an address as a number, and its port, such as \"10.0.0.7:502\"; a \
                     name would need a name server between box and relay";
        let address = self.needed("address", right)?;
        let address: SocketAddr = address.parse().map_err(|_| self.wrong("address", right))?;
        Ok(RelayTo::ModbusTcp { address, point: self.point()? })
    }

    fn modbus_rtu(&self) -> Result<RelayTo, ConfigError> {
        self.only(&["port", "baud", "parity", "unit", "coil"])?;
        let port = self.needed("port", "must be a serial line such as \"/dev/ttyUSB0\"")?;
        let right = "must be \"none\", \"even\" or \"odd\"";
        let parity = match self.text("parity", right)? {
            None | Some("none") => Parity::None,
            Some("even") => Parity::Even,
            Some("odd") => Parity::Odd,
            Some(_) => return Err(self.wrong("parity", right)),
        };
        let baud = self.whole("baud", BAUD)?.unwrap_or(BAUD_DEFAULT);
        let port: PathBuf = self.place.resolve(port);
        Ok(RelayTo::ModbusRtu { port, baud, parity, point: self.point()? })
    }

    fn http(&self) -> Result<RelayTo, ConfigError> {
        self.only(&["on", "off", "method"])?;
        let right = "must be an address with http://, such as \"http://10.0.0.8/relay/0?turn=on\"";
        let url = |name| {
            let url = self.needed(name, right)?;
            let rest = url.strip_prefix("http://").or(url.strip_prefix("https://"));
            match rest {
                Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => {
                    Ok(url.to_owned())
                }
                Some(_) | None => Err(self.wrong(name, right)),
            }
        };
        let (on, off) = (url("on")?, url("off")?);
        if on == off {
            return Err(self.wrong("off", "must be another address than \"on\""));
        }
        let right = "must be \"GET\" or \"POST\"";
        let method = match self.text("method", right)? {
            None | Some("GET") => HttpMethod::Get,
            Some("POST") => HttpMethod::Post,
            Some(_) => return Err(self.wrong("method", right)),
        };
        Ok(RelayTo::Http { method, on, off })
    }

    fn point(&self) -> Result<ModbusPoint, ConfigError> {
        let unit = self.whole("unit", UNITS)?.unwrap_or(UNIT_DEFAULT);
        let Some(coil) = self.whole("coil", COILS)? else {
            return Err(self.wrong("coil", &must_be(&COILS)));
        };
        Ok(ModbusPoint { unit, coil })
    }

    /// No other keys than these.
    fn only(&self, known: &[&str]) -> Result<(), ConfigError> {
        match self.table.keys().find(|key| !known.contains(&key.as_str())) {
            Some(stranger) => {
                let right = format!("is no key here; there are {}", known.join(", "));
                Err(self.wrong(stranger, &right))
            }
            None => Ok(()),
        }
    }

    fn text(&self, name: &str, right: &str) -> Result<Option<&str>, ConfigError> {
        match self.table.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, right)),
        }
    }

    fn needed(&self, name: &str, right: &str) -> Result<&str, ConfigError> {
        self.text(name, right)?.ok_or_else(|| self.wrong(name, right))
    }

    fn whole<T>(&self, name: &str, range: RangeInclusive<T>) -> Result<Option<T>, ConfigError>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let Some(value) = self.table.get(name) else {
            return Ok(None);
        };
        match value.as_integer().and_then(|value| T::try_from(value).ok()) {
            Some(value) if range.contains(&value) => Ok(Some(value)),
            Some(_) | None => Err(self.wrong(name, &must_be(&range))),
        }
    }

    fn wrong(&self, name: &str, right: &str) -> ConfigError {
        let value = self.table.get(name).map_or("(not written)".to_owned(), Value::to_string);
        let key = format!("{}.{name}", self.key);
        self.place.wrong_at(&key, &value, self.written.span(), right)
    }
}

fn must_be<T: Display>(range: &RangeInclusive<T>) -> String {
    format!("must be a whole number, {} to {}", range.start(), range.end())
}

/// Whether two relays would switch one and the same.
pub(super) fn same_output(one: &RelayTo, other: &RelayTo) -> bool {
    match (one, other) {
        (RelayTo::Gpio(one), RelayTo::Gpio(other)) => {
            // A line that is only named is the first of this name on any chip.
            let chips = one.chip.as_ref().zip(other.chip.as_ref());
            one.line == other.line && chips.is_none_or(|(one, other)| one == other)
        }
        (
            RelayTo::ModbusTcp { address: one, point },
            RelayTo::ModbusTcp { address: other, point: other_point },
        ) => one == other && point == other_point,
        (
            RelayTo::ModbusRtu { port: one, point, .. },
            RelayTo::ModbusRtu { port: other, point: other_point, .. },
        ) => one == other && point == other_point,
        (RelayTo::Http { on, off, .. }, RelayTo::Http { on: other_on, off: other_off, .. }) => {
            [on, off].iter().any(|url| [other_on, other_off].contains(url))
        }
        (
            RelayTo::Gpio(_)
            | RelayTo::ModbusTcp { .. }
            | RelayTo::ModbusRtu { .. }
            | RelayTo::Http { .. },
            _,
        ) => false,
    }
}

/// What one relay needs for itself, in words.
pub(super) fn output_word(to: &RelayTo) -> &'static str {
    match to {
        RelayTo::Gpio(_) => "a line",
        RelayTo::ModbusTcp { .. } | RelayTo::ModbusRtu { .. } => "a coil",
        RelayTo::Http { .. } => "addresses",
    }
}
