//! `[[relay]]`: what is taken, and what an error tells.

use std::time::Duration;

use standclear::config::{ModbusPoint, Parity, RelayRole, RelayTo, Wiring};

use super::{Folder, assert_says, error_of, smallest_with};

fn relay(body: &str) -> String {
    smallest_with(&format!("[[relay]]\nname = \"red\"\n{body}"))
}

#[test]
fn relays_of_every_kind_are_taken() {
    let relays = |body: &str| Folder::new().parse(&relay(body)).expect("valid").relays;
    let tcp = "to = { modbus-tcp = { address = \"10.0.0.7:502\", coil = 3 } }";
    let red = &relays(&format!("role = [\"emergency\", \"siren\"]\nheartbeat_ms = 500\n{tcp}"))[0];
    assert_eq!(red.role, [RelayRole::Emergency, RelayRole::Siren]);
    assert_eq!((red.wiring, red.heartbeat), (Wiring::FailSafe, Some(Duration::from_millis(500))));
    let point = ModbusPoint { unit: 1, coil: 3 };
    let address = "10.0.0.7:502".parse().expect("an address");
    assert_eq!(red.to, RelayTo::ModbusTcp { address, point });
    assert_eq!(relays(&format!("role = \"healthy\"\n{tcp}"))[0].role, [RelayRole::Fault]);
    let gpio = &relays("role = \"fault\"\nto = { gpio = { line = \"RELAY1\" } }")[0].to;
    assert!(matches!(gpio, RelayTo::Gpio(gpio) if gpio.chip.is_none()));
    let rtu = "role = \"fault\"\nto = { modbus-rtu = { port = \"/dev/ttyS0\", coil = 0 } }";
    let rtu = &relays(rtu)[0].to;
    assert!(matches!(rtu, RelayTo::ModbusRtu { baud: 9600, parity: Parity::None, .. }));
    let http = "role = \"fault\"\nwiring = \"energise-to-call\"\n\
                to = { http = { on = \"http://10.0.0.8/on\", off = \"http://10.0.0.8/off\" } }";
    assert_eq!(relays(http)[0].wiring, Wiring::EnergiseToCall);
}

#[test]
fn a_relay_that_cannot_be_is_refused_with_what_would_be_right() {
    let tcp = "to = { modbus-tcp = { address = \"10.0.0.7:502\", coil = 3 } }";
    for (body, parts) in [
        (format!("role = \"red\"\n{tcp}"), &["relay[0].role", "emergency", "healthy"][..]),
        (format!("role = []\n{tcp}"), &["relay[0].role", "must say"]),
        (format!("role = [\"healthy\", \"fault\"]\n{tcp}"), &["relay[0].role", "alone"]),
        (format!("role = \"fault\"\nwiring = \"nc\"\n{tcp}"), &["relay[0].wiring", "fail-safe"]),
        (
            format!("role = \"fault\"\nwiring = \"energise-to-call\"\nheartbeat_ms = 500\n{tcp}"),
            &["relay[0].heartbeat_ms", "fail-safe"],
        ),
        (format!("role = \"fault\"\nheartbeat_ms = 50\n{tcp}"), &["heartbeat_ms", "100 to 5000"]),
        (
            "role = \"fault\"\nto = { modbus-tcp = { address = \"plc:502\", coil = 3 } }".into(),
            &["relay[0].to.modbus-tcp.address", "plc:502", "10.0.0.7:502", "as a number"],
        ),
        (
            "role = \"fault\"\nto = { modbus-tcp = { address = \"10.0.0.7:502\", coil = 3, unit = \
             0 } }"
                .into(),
            &["relay[0].to.modbus-tcp.unit", "= 0", "1 to 247"],
        ),
        (
            "role = \"fault\"\nto = { gpio = { line = 17 } }".into(),
            &["relay[0].to.gpio.chip", "/dev/gpiochip0"],
        ),
        ("role = \"fault\"\nto = { canbus = { id = 1 } }".into(), &["relay[0].to", "modbus-rtu"]),
        (
            "role = \"fault\"\nto = { http = { on = \"10.0.0.8\", off = \"http://a/\" } }".into(),
            &["relay[0].to.http.on", "10.0.0.8", "http://"],
        ),
    ] {
        assert_says(&error_of(&relay(&body)), parts);
    }
    let twice = format!(
        "{}[[relay]]\nname = \"red\"\nrole = \"fault\"\n{tcp}",
        relay(&format!("role = \"fault\"\n{tcp}"))
    );
    assert_says(&error_of(&twice), &["relay[1].name", "unique"]);
}

#[test]
fn an_error_in_what_switches_a_relay_names_its_key_and_value_and_no_other_kind() {
    let tcp = |keys: &str| format!("role = \"fault\"\nto = {{ modbus-tcp = {{ {keys} }} }}");
    let rtu = |keys: &str| format!("role = \"fault\"\nto = {{ modbus-rtu = {{ {keys} }} }}");
    for (body, parts) in [
        (
            tcp("address = \"10.0.0.7:502\", coil = 70000"),
            &["relay[0].to.modbus-tcp.coil", "70000", "0 to 65535"][..],
        ),
        (tcp("address = \"10.0.0.7:502\""), &["relay[0].to.modbus-tcp.coil", "0 to 65535"]),
        (
            tcp("address = \"moxa.local:502\", coil = 1"),
            &["relay[0].to.modbus-tcp.address", "moxa.local:502", "10.0.0.7:502"],
        ),
        (
            tcp("address = \"10.0.0.7:502\", coil = 1, port = 502"),
            &["relay[0].to.modbus-tcp.port", "is no key here", "address, unit, coil"],
        ),
        (rtu("coil = 1"), &["relay[0].to.modbus-rtu.port", "/dev/ttyUSB0"]),
        (
            rtu("port = \"/dev/ttyUSB0\", coil = 1, baud = 300"),
            &["relay[0].to.modbus-rtu.baud", "300", "1200 to 921600"],
        ),
    ] {
        let error = error_of(&relay(&body));
        assert_says(&error, parts);
        assert_says(&error, &["standclear.toml:"]);
        for alien in ["u16", "syntax", "gpio", "http"] {
            assert!(!error.contains(alien), "{error:?} says {alien:?}");
        }
    }
}

#[test]
fn two_relays_that_would_switch_the_same_are_refused_and_both_are_named() {
    let two = |one: &str, other: &str| {
        smallest_with(&format!(
            "[[relay]]\nname = \"stack-red\"\nrole = \"emergency\"\nto = {{ {one} }}\n\
             [[relay]]\nname = \"healthy\"\nrole = \"healthy\"\nto = {{ {other} }}"
        ))
    };
    let tcp = |coil| format!("modbus-tcp = {{ address = \"10.0.0.7:502\", coil = {coil} }}");
    let with_unit = "modbus-tcp = { address = \"10.0.0.7:502\", unit = 1, coil = 0 }";
    let rtu = |baud| format!("modbus-rtu = {{ port = \"/dev/ttyS0\", baud = {baud}, coil = 4 }}");
    let http = |on: &str, off: &str| {
        format!("http = {{ on = \"http://10.0.0.8/{on}\", off = \"http://10.0.0.8/{off}\" }}")
    };
    let line = "gpio = { chip = \"/dev/gpiochip0\", line = 17 }";
    let low = "gpio = { chip = \"/dev/gpiochip0\", line = 17, active_low = true }";
    for (one, other) in [
        (tcp(0), with_unit.to_owned()),
        (rtu(9600), rtu(19200)),
        (http("on", "off"), http("off", "on")),
        (line.to_owned(), low.to_owned()),
    ] {
        let error = error_of(&two(&one, &other));
        let parts = ["relay[1].to", "stack-red", "healthy", "of its own", "standclear.toml:"];
        assert_says(&error, &parts);
    }
    for (one, other) in [(tcp(0), tcp(1)), (http("on", "off"), http("1/on", "1/off"))] {
        assert_eq!(Folder::new().parse(&two(&one, &other)).expect("valid").relays.len(), 2);
    }
}
