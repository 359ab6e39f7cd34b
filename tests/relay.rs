//! Relays against real devices of their kind: a Modbus server over TCP and over a pseudo-terminal, a
//! web server, a GPIO chip at the boundary to the kernel; and all of it under a whole guard.

#[path = "relay/gpio.rs"]
mod gpio;
#[path = "relay/guard.rs"]
mod guard;
#[path = "relay/http.rs"]
mod http;
#[path = "relay/modbus.rs"]
mod modbus;
#[path = "guard/site.rs"]
#[allow(dead_code, reason = "shared with the guard's tests, which use all of it")]
mod site;
#[path = "guard/worker.rs"]
mod worker;

use std::time::Duration;

use standclear::clock;

/// Not a test of its own: the vision process of the others.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}

/// How long something takes.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let from = clock::monotonic();
    let done = work();
    (done, clock::monotonic().since(from))
}
