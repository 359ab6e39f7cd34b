//! A relay on a GPIO line, through the kernel's character device.
//!
//! `Lines` is the boundary: what is below it is a request to the kernel and one value set and read.
//! Where the kernel has no simulated chip (`gpio-sim`), tests put a chip of their own there.
//!
//! Not here: which line is wired to what.

use std::path::{Path, PathBuf};

use gpiocdev::Request;
use gpiocdev::line::Value;

use super::{Cause, Coil, RelayError, RelayOutput};
use crate::config::{Active, Gpio, GpioLine};

/// Where lines come from.
pub trait Lines: Send {
    /// The chip and the offset of the first line of this name, on this chip or any.
    fn find(&self, chip: Option<&Path>, name: &str) -> Result<(PathBuf, u32), Cause>;

    /// Takes a line as an output, de-energised.
    fn request(&self, chip: &Path, offset: u32, active: Active) -> Result<Box<dyn Line>, Cause>;
}

/// A line that is ours.
pub trait Line: Send {
    fn set(&mut self, coil: Coil) -> Result<(), Cause>;
    fn read(&mut self) -> Result<Coil, Cause>;
}

/// A relay on a line.
pub struct GpioRelay {
    gpio: Gpio,
    lines: Box<dyn Lines>,
    line: Option<Box<dyn Line>>,
}

impl GpioRelay {
    pub fn new(gpio: Gpio, lines: Box<dyn Lines>) -> GpioRelay {
        GpioRelay { gpio, lines, line: None }
    }

    fn open(&self) -> Result<Box<dyn Line>, Cause> {
        let (chip, offset) = match (&self.gpio.chip, &self.gpio.line) {
            (Some(chip), GpioLine::Offset(offset)) => (chip.clone(), *offset),
            (None, GpioLine::Offset(_)) => return Err("an offset needs its chip".into()),
            (chip, GpioLine::Name(name)) => self.lines.find(chip.as_deref(), name)?,
        };
        self.lines.request(&chip, offset, self.gpio.active)
    }

    fn line(&mut self) -> Result<&mut Box<dyn Line>, RelayError> {
        if self.line.is_none() {
            let open = |source| RelayError::Open { place: place(&self.gpio), source };
            self.line = Some(self.open().map_err(open)?);
        }
        let gone = || RelayError::Open { place: String::new(), source: "no line".into() };
        self.line.as_mut().ok_or_else(gone)
    }
}

impl RelayOutput for GpioRelay {
    fn set(&mut self, coil: Coil) -> Result<(), RelayError> {
        self.line()?.set(coil).map_err(|source| {
            // A chip that was unplugged has to be asked for anew.
            self.line = None;
            RelayError::Set { place: place(&self.gpio), source }
        })
    }

    fn read(&mut self) -> Result<Option<Coil>, RelayError> {
        self.line()?.read().map(Some).map_err(|source| {
            self.line = None;
            RelayError::Read { place: place(&self.gpio), source }
        })
    }
}

/// The line in words.
pub fn place(gpio: &Gpio) -> String {
    let line = match &gpio.line {
        GpioLine::Offset(offset) => format!("GPIO line {offset}"),
        GpioLine::Name(name) => format!("GPIO line {name:?}"),
    };
    match &gpio.chip {
        Some(chip) => format!("{line} of {}", chip.display()),
        None => line,
    }
}

/// Looks at a line without taking it; for people.
///
/// # Errors
/// There is no such chip or line.
pub fn probe(gpio: &Gpio) -> Result<String, RelayError> {
    let info = || -> Result<gpiocdev::line::Info, Cause> {
        let (chip, offset) = match (&gpio.chip, &gpio.line) {
            (Some(chip), GpioLine::Offset(offset)) => (chip.clone(), *offset),
            (None, GpioLine::Offset(_)) => return Err("an offset needs its chip".into()),
            (chip, GpioLine::Name(name)) => Kernel.find(chip.as_deref(), name)?,
        };
        Ok(gpiocdev::Chip::from_path(chip)?.line_info(offset)?)
    };
    let info = info().map_err(|source| RelayError::Open { place: place(gpio), source })?;
    Ok(match info.used {
        true => format!("in use by {:?}", info.consumer),
        false => "free".into(),
    })
}

/// The kernel's chips.
#[derive(Debug)]
pub struct Kernel;

impl Lines for Kernel {
    fn find(&self, chip: Option<&Path>, name: &str) -> Result<(PathBuf, u32), Cause> {
        let found = match chip {
            Some(chip) => {
                let found = gpiocdev::Chip::from_path(chip)?.find_line_info(name);
                found.map(|info| (chip.to_owned(), info.offset))
            }
            None => gpiocdev::find_named_line(name).map(|line| (line.chip, line.info.offset)),
        };
        found.ok_or_else(|| "there is no line of this name; `gpioinfo` lists them".into())
    }

    fn request(&self, chip: &Path, offset: u32, active: Active) -> Result<Box<dyn Line>, Cause> {
        let mut wanted = Request::builder();
        wanted.on_chip(chip).with_consumer("standclear").with_line(offset);
        match active {
            Active::High => wanted.as_active_high(),
            Active::Low => wanted.as_active_low(),
        };
        Ok(Box::new(wanted.as_output(Value::Inactive).request()?))
    }
}

impl Line for Request {
    fn set(&mut self, coil: Coil) -> Result<(), Cause> {
        let value = match coil {
            Coil::Energised => Value::Active,
            Coil::DeEnergised => Value::Inactive,
        };
        Ok(self.set_lone_value(value)?)
    }

    fn read(&mut self) -> Result<Coil, Cause> {
        Ok(match self.lone_value()? {
            Value::Active => Coil::Energised,
            Value::Inactive => Coil::DeEnergised,
        })
    }
}
