//! Machine signals: what a press, a gate or a controller says, and how far it can be believed.
//!
//! Terms: an **input** is one named signal, on or off; a **reading** is one time that its source
//! said so; an **adapter** is the way readings come in (HTTP, MQTT; later Modbus, GPIO), each on a
//! thread of its own. An input is **unknown** whenever nobody can vouch for its value: never heard,
//! not repeated for longer than `max_age`, its source lost, or a value that is neither on nor off.
//!
//! ```text
//!  broker ──> MQTT adapter ─┐
//!                           ├─ readings ──> table ──> arming thread (decides what unknown means: armed)
//!  POST ──> HTTP adapter ───┘
//! ```
//!
//! - `table`: what is known of each input now; pure. `adapter`: the trait, and the thread that runs
//!   one and starts it again. `http`, `mqtt`: the two ways there are. `words`: reasons for people.
//!
//! Not here: which zones an input keeps armed (`arming`), and who may post (`web`).

mod adapter;
mod http;
mod mqtt;
mod table;
mod words;

pub use adapter::{AdapterError, InputAdapter, Reading, SharedInputs, Stop, start};
pub use http::{HttpAdapter, HttpDoor, http};
pub use mqtt::MqttAdapter;
pub use table::{Change, Face, InputIndex, InputState, InputTable, Moment, Said, Unknown};

use crate::config::{Config, InputFrom};

/// The adapters that a configuration asks for, and the door for values that are posted.
pub fn configured(config: &Config) -> (Vec<Box<dyn InputAdapter>>, HttpDoor) {
    let mut posted = Vec::new();
    let mut topics = Vec::new();
    for (index, input) in (0u16..).map(InputIndex).zip(&config.inputs) {
        match &input.from {
            InputFrom::Http => posted.push((input.name.clone(), index)),
            InputFrom::Mqtt(topic) => topics.push((topic.clone(), index)),
        }
    }
    let mut adapters: Vec<Box<dyn InputAdapter>> = Vec::new();
    if let (Some(broker), false) = (&config.mqtt, topics.is_empty()) {
        adapters.push(Box::new(MqttAdapter::new(broker.clone(), topics)));
    }
    let others = config.inputs.iter().map(|input| input.name.clone());
    let (door, adapter) = http(posted, others.collect());
    adapters.push(Box::new(adapter));
    (adapters, door)
}
