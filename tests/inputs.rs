//! Machine inputs and arming: whatever is sent, whatever breaks, what nobody can vouch for arms.

#[path = "inputs/adapters.rs"]
mod adapters;
#[path = "inputs/arming.rs"]
mod arming;
#[path = "inputs/broker.rs"]
mod broker;
#[path = "inputs/guard.rs"]
mod guard;
#[path = "inputs/mqtt.rs"]
mod mqtt;
#[path = "guard/site.rs"]
#[allow(dead_code, reason = "shared with the guard's tests, which use all of it")]
mod site;
#[path = "inputs/table.rs"]
mod table;
#[path = "guard/worker.rs"]
mod worker;
#[path = "inputs/world.rs"]
mod world;

use std::thread;
use std::time::Duration;

use standclear::clock;
use standclear::config::{Input, InputFrom, MqttInput};

/// Not a test of its own: the vision process of the others.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}

/// Longest wait for anything that must come.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

/// Waits until there is an answer.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = clock::monotonic().after(WAIT_MAX);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock::monotonic() < until, "{what} did not come within {WAIT_MAX:?}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

pub fn posted(name: &str, max_age_ms: u64) -> Input {
    let max_age = Duration::from_millis(max_age_ms);
    Input { name: name.into(), max_age, from: InputFrom::Http }
}

pub fn topic(topic: &str) -> MqttInput {
    MqttInput { topic: topic.into(), on: "run".into(), off: "stop".into() }
}
