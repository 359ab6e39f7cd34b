//! The fake's relays: a lamp that works and a horn by HTTP that does not.

use std::time::Duration;

use standclear::guard::handle::{RelayCalling, RelayNow, RelayRole, RelayState, Wiring};

pub fn relays() -> Vec<RelayNow> {
    let lamp = RelayNow {
        name: "stack-red".into(),
        role: vec![RelayRole::Emergency, RelayRole::Siren],
        device: "coil 3 of Modbus unit 1 at 10.0.0.7:502".into(),
        wiring: Wiring::EnergiseToCall,
        heartbeat: Some(Duration::from_millis(500)),
        caution: None,
        state: RelayState::Working,
        calling: RelayCalling::Yes,
    };
    let horn = RelayNow {
        name: "horn".into(),
        role: vec![RelayRole::Fault],
        device: "http://10.0.0.8".into(),
        wiring: Wiring::FailSafe,
        heartbeat: None,
        caution: Some("not fail-safe by itself"),
        state: RelayState::Failed("no answer".into()),
        calling: RelayCalling::No,
    };
    vec![lamp, horn]
}
