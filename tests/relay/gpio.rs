//! A GPIO chip at the boundary to the kernel, and the kernel's own simulated one where there is one.
//!
//! The chip below stands in for what `gpiocdev` asks of the kernel: lines by offset and name, taken
//! once, set and read. A kernel with `gpio-sim` and a chip of that driver is used as well.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use standclear::config::{Active, Gpio, GpioLine};
use standclear::guard::relay::gpio::{GpioRelay, Kernel, Line, Lines};
use standclear::guard::relay::{Coil, RelayError, RelayOutput};

/// Set to the path of a `gpio-sim` chip to try the kernel's own.
const SIMULATED_CHIP: &str = "STANDCLEAR_GPIO_SIM";

/// One chip with one named line; what the coil is, the level it takes, and whether it is plugged in.
#[derive(Clone, Default)]
struct Chip(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    coil: Option<Coil>,
    active: Option<Active>,
    requests: u32,
    gone: Option<&'static str>,
}

impl Lines for Chip {
    fn find(&self, _chip: Option<&Path>, name: &str) -> Result<(PathBuf, u32), Cause> {
        match name {
            "RELAY1" => Ok(("/dev/gpiochip7".into(), 4)),
            _ => Err("there is no line of this name; `gpioinfo` lists them".into()),
        }
    }

    fn request(&self, chip: &Path, offset: u32, active: Active) -> Result<Box<dyn Line>, Cause> {
        let mut inside = self.0.lock().expect("not poisoned");
        if let Some(reason) = inside.gone {
            return Err(reason.into());
        }
        assert_eq!((chip, offset), (Path::new("/dev/gpiochip7"), 4));
        inside.requests += 1;
        inside.active = Some(active);
        inside.coil = Some(Coil::DeEnergised);
        Ok(Box::new(self.clone()))
    }
}

impl Line for Chip {
    fn set(&mut self, coil: Coil) -> Result<(), Cause> {
        let mut inside = self.0.lock().expect("not poisoned");
        match inside.gone {
            Some(reason) => Err(reason.into()),
            None => {
                inside.coil = Some(coil);
                Ok(())
            }
        }
    }

    fn read(&mut self) -> Result<Coil, Cause> {
        self.0.lock().expect("not poisoned").coil.ok_or_else(|| "not requested".into())
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn named(name: &str) -> Gpio {
    Gpio { chip: None, line: GpioLine::Name(name.into()), active: Active::Low }
}

#[test]
fn a_line_by_name_is_taken_once_set_and_read_back() {
    let chip = Chip::default();
    let mut relay = GpioRelay::new(named("RELAY1"), Box::new(chip.clone()));
    for coil in [Coil::Energised, Coil::DeEnergised, Coil::Energised] {
        relay.set(coil).expect("set");
        assert_eq!(chip.0.lock().expect("not poisoned").coil, Some(coil));
        assert_eq!(relay.read().expect("read"), Some(coil));
    }
    let inside = chip.0.lock().expect("not poisoned");
    assert_eq!((inside.requests, inside.active), (1, Some(Active::Low)));
}

#[test]
fn a_chip_that_was_unplugged_is_asked_for_anew() {
    let chip = Chip::default();
    let mut relay = GpioRelay::new(named("RELAY1"), Box::new(chip.clone()));
    relay.set(Coil::Energised).expect("set");
    chip.0.lock().expect("not poisoned").gone = Some("No such device");
    assert!(matches!(relay.set(Coil::Energised), Err(RelayError::Set { .. })));
    assert!(matches!(relay.set(Coil::Energised), Err(RelayError::Open { .. })));
    chip.0.lock().expect("not poisoned").gone = None;
    relay.set(Coil::Energised).expect("plugged in again");
    assert_eq!(chip.0.lock().expect("not poisoned").requests, 2);
}

#[test]
fn a_line_or_chip_that_is_not_there_is_named() {
    let error = GpioRelay::new(named("RELAY9"), Box::new(Chip::default())).set(Coil::Energised);
    let error = error.expect_err("no such line");
    assert!(error.to_string().contains("RELAY9"), "{error}");
    let chip = Some(PathBuf::from("/dev/gpiochip-none"));
    let gpio = Gpio { chip, line: GpioLine::Offset(3), active: Active::High };
    let error = GpioRelay::new(gpio, Box::new(Kernel)).set(Coil::Energised).expect_err("no chip");
    assert!(error.to_string().contains("/dev/gpiochip-none"), "{error}");
}

#[test]
fn a_line_of_the_kernels_simulated_chip_is_set_and_read_back_where_there_is_one() {
    let Some(chip) = std::env::var_os(SIMULATED_CHIP) else {
        eprintln!("SKIPPED: set {SIMULATED_CHIP} to the path of a gpio-sim chip to try it");
        return;
    };
    let gpio = Gpio { chip: Some(chip.into()), line: GpioLine::Offset(0), active: Active::High };
    let mut relay = GpioRelay::new(gpio, Box::new(Kernel));
    for coil in [Coil::Energised, Coil::DeEnergised] {
        relay.set(coil).expect("set");
        assert_eq!(relay.read().expect("read"), Some(coil));
    }
}
