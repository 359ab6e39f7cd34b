//! Relays and stack lights: what a loudspeaker cannot say, and what must be noticed when the box dies.
//!
//! Each relay has a thread that waits for its device so that nobody else does. What is to be shown is
//! one atomic word of **calls**, which the alarm path sets without waiting. A relay's **coil** follows
//! from the calls, its role and its wiring: wired fail-safe it is energised while there is nothing to
//! say, so that a dead box, a cut wire and lost power call as well, where the device lets go of a coil
//! that nobody asks for any more (`caution`).
//!
//! ```text
//!   calls ──┐                                    ┌─> set, read back ── differs, late, refused ──┐
//!   alarm path silent for DEAD_MAN_MAX: calls ───┤                                              │
//!   stop: de-energised                           └── tried again, soon and then later <─ fault ─┘
//! ```
//!
//! While a relay does not call, a **heartbeat** may change its coil all the time, for a monitor that
//! notices a box that hangs with its relay energised.
//!
//! - `attendant`: the thread. `gpio`, `modbus`, `http`: the devices.
//!
//! Not here: what is an emergency (the engine), and the siren's sound (`guard::siren`).

mod attendant;
pub mod gpio;
pub mod http;
pub mod modbus;

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use self::attendant::Attendant;
use super::message::Message;
use crate::clock;
use crate::config::{Relay, RelayRole, RelayTo, Wiring};
use crate::engine::time::Instant;
use crate::redact::origin;

/// Longest time a device may take for one question or answer.
pub const ANSWER_MAX: Duration = Duration::from_millis(800);

/// The state of a relay's coil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coil {
    Energised,
    DeEnergised,
}

impl fmt::Display for Coil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Coil::Energised => "energised",
            Coil::DeEnergised => "de-energised",
        })
    }
}

/// What drives a coil. Called by the relay's own thread, so it may wait, for about `ANSWER_MAX`.
pub trait RelayOutput: Send {
    fn set(&mut self, coil: Coil) -> Result<(), RelayError>;

    /// What the coil is; `None` where the device does not tell.
    fn read(&mut self) -> Result<Option<Coil>, RelayError>;
}

/// What a cause may be.
type Cause = Box<dyn Error + Send + Sync>;

/// Why a coil is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("{place} cannot be opened")]
    Open {
        place: String,
        #[source]
        source: Cause,
    },
    #[error("{place} cannot be switched")]
    Set {
        place: String,
        #[source]
        source: Cause,
    },
    #[error("{place} cannot be read back")]
    Read {
        place: String,
        #[source]
        source: Cause,
    },
    #[error("{place} has not answered within {} ms", ANSWER_MAX.as_millis())]
    Late { place: String },
    #[error("its coil was made {wanted} and reads {found}; look at the device and its wiring")]
    Differs { wanted: Coil, found: Coil },
}

/// What calls for attention; several at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls(u8);

impl Calls {
    pub const NONE: Calls = Calls(0);
    /// Of a box about which nothing is known.
    pub const ALL: Calls = Calls(u8::MAX);

    /// With this one too.
    #[must_use]
    pub const fn with(self, role: RelayRole) -> Calls {
        Calls(self.0 | bit(role))
    }

    /// Whether any of these is among them.
    pub fn has_any(self, roles: &[RelayRole]) -> bool {
        roles.iter().any(|role| self.0 & bit(*role) != 0)
    }
}

const fn bit(role: RelayRole) -> u8 {
    match role {
        RelayRole::Emergency => 1,
        RelayRole::Warning => 2,
        RelayRole::Fault => 4,
        RelayRole::Siren => 8,
    }
}

/// Whether a relay has something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calling {
    Yes,
    No,
}

/// The half of the heartbeat that it is; without one, always the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beat {
    First,
    Second,
}

/// What a relay's wiring makes of it.
const fn coil(calling: Calling, wiring: Wiring, beat: Beat) -> Coil {
    match (calling, wiring, beat) {
        (Calling::Yes, Wiring::FailSafe, _) => Coil::DeEnergised,
        (Calling::No, Wiring::FailSafe, Beat::First) => Coil::Energised,
        (Calling::No, Wiring::FailSafe, Beat::Second) => Coil::DeEnergised,
        (Calling::Yes, Wiring::EnergiseToCall, _) => Coil::Energised,
        (Calling::No, Wiring::EnergiseToCall, _) => Coil::DeEnergised,
    }
}

/// What a relay's thread says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayReport {
    /// Place in the configuration.
    pub relay: usize,
    /// Why the coil is not what it should be.
    pub fault: Option<String>,
}

/// The alarm path's end of all relays.
#[derive(Debug)]
pub struct Relays {
    shared: Arc<Shared>,
    names: Vec<String>,
    configured: Vec<Relay>,
    threads: Vec<Thread>,
}

#[derive(Debug)]
struct Shared {
    calls: AtomicU8,
    /// When the alarm path was last alive, nanoseconds of the monotonic clock.
    fed_ns: AtomicU64,
    /// When each thread last looked.
    looked_ns: Vec<AtomicU64>,
    stop: AtomicBool,
}

impl Relays {
    /// Shows these calls from now on. Never waits.
    pub fn show(&self, calls: Calls) {
        if self.shared.calls.swap(calls.0, Ordering::AcqRel) != calls.0 {
            self.threads.iter().for_each(Thread::unpark);
        }
    }

    /// The alarm path lives.
    pub fn feed(&self, now: Instant) {
        self.shared.fed_ns.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// How long each relay's thread has not looked.
    pub fn silences(&self, now: Instant) -> impl Iterator<Item = Duration> {
        let looked = self.shared.looked_ns.iter();
        looked.map(move |at| now.since(Instant::from_nanos(at.load(Ordering::Relaxed))))
    }

    /// As they are configured, in that order.
    pub fn configured(&self) -> &[Relay] {
        &self.configured
    }

    /// In the order of the configuration.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// The relays' threads, to be stopped.
#[derive(Debug)]
pub struct RelayThreads {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl RelayThreads {
    /// Starts a thread for each; their reports go to the alarm path.
    ///
    /// # Errors
    /// The system does not allow another thread.
    pub fn start(
        relays: Vec<(Relay, Box<dyn RelayOutput>)>,
        reports: &SyncSender<Message>,
    ) -> io::Result<(Relays, RelayThreads)> {
        let now_ns = clock::monotonic().as_nanos();
        let configured: Vec<Relay> = relays.iter().map(|(relay, _)| relay.clone()).collect();
        let names: Vec<String> = configured.iter().map(|relay| relay.name.clone()).collect();
        let shared = Arc::new(Shared {
            calls: AtomicU8::new(Calls::ALL.0),
            fed_ns: AtomicU64::new(now_ns),
            looked_ns: names.iter().map(|_| AtomicU64::new(now_ns)).collect(),
            stop: AtomicBool::new(false),
        });
        let mut threads = Vec::with_capacity(names.len());
        for (number, (relay, output)) in relays.into_iter().enumerate() {
            if let Some(caution) = caution(&relay) {
                tracing::warn!("the relay {} is {caution}", relay.name);
            }
            let attendant = Attendant::new(number, relay, output, shared.clone(), reports.clone());
            let thread = thread::Builder::new().name("relay".into());
            threads.push(thread.spawn(move || attendant.run())?);
        }
        let unpark = threads.iter().map(|thread| thread.thread().clone()).collect();
        let relays = Relays { shared: shared.clone(), names, configured, threads: unpark };
        Ok((relays, RelayThreads { shared, threads }))
    }

    /// De-energises all of them and ends their threads; waits for a device at most as long as a
    /// thread may.
    pub fn stop(self) {
        self.shared.stop.store(true, Ordering::Release);
        for thread in &self.threads {
            thread.thread().unpark();
        }
        for thread in self.threads {
            // A panic in it has been logged by the panic hook.
            let _ = thread.join();
        }
    }
}

/// The device of a relay, not opened yet.
pub fn output(relay: &Relay) -> Box<dyn RelayOutput> {
    match &relay.to {
        RelayTo::Gpio(gpio) => Box::new(gpio::GpioRelay::new(gpio.clone(), Box::new(gpio::Kernel))),
        RelayTo::ModbusTcp { address, point } => {
            Box::new(modbus::ModbusRelay::tcp(*address, *point))
        }
        RelayTo::ModbusRtu { port, baud, parity, point } => {
            Box::new(modbus::ModbusRelay::rtu(port, *baud, *parity, *point))
        }
        RelayTo::Http { method, on, off } => Box::new(http::HttpRelay::new(*method, on, off)),
    }
}

/// Looks at a device without switching it; for people.
///
/// # Errors
/// It is not there, or does not answer.
pub fn probe(relay: &Relay) -> Result<String, RelayError> {
    let place = place(relay);
    match &relay.to {
        RelayTo::Gpio(gpio) => gpio::probe(gpio).map(|found| format!("{place}: {found}")),
        RelayTo::ModbusTcp { .. } | RelayTo::ModbusRtu { .. } => {
            let found = output(relay).read()?;
            Ok(found.map_or_else(|| place.clone(), |coil| format!("{place}: {coil} now")))
        }
        RelayTo::Http { .. } => Ok(format!("{place}: not asked, since asking switches it")),
    }
}

/// Why a relay that is wired fail-safe may still say nothing when the box is dead; for people.
///
/// A coil of a Modbus module and a web server in a relay keep the state they were asked for last,
/// until somebody asks for another: only what is set up in the device itself ends that, and nobody
/// can see it from here. The kernel takes a GPIO line back from a process that ends.
pub fn caution(relay: &Relay) -> Option<&'static str> {
    if relay.wiring != Wiring::FailSafe || relay.heartbeat.is_some() {
        return None;
    }
    match &relay.to {
        RelayTo::Gpio(_) => None,
        RelayTo::ModbusTcp { .. } | RelayTo::ModbusRtu { .. } => Some(
            "not fail-safe by itself: a coil by Modbus keeps its last state when the box dies, and \
             calls nobody, unless the module's own watchdog (communication timeout) drops it; set \
             that to 3 s in the module, or give the relay heartbeat_ms and a monitor relay behind it",
        ),
        RelayTo::Http { .. } => Some(
            "not fail-safe by itself: a relay by HTTP keeps its last state when the box dies, and \
             calls nobody; let the address of \"on\" end by itself (a pulse time of the device, \
             3 s or more: it is asked again every second), or give it heartbeat_ms and a monitor \
             relay behind it",
        ),
    }
}

/// What becomes of a relay when the box is killed and can say nothing more; for people.
pub fn when_killed(relay: &Relay) -> &'static str {
    match (&relay.to, relay.heartbeat) {
        (_, Some(_)) => {
            "killed, the box beats no more, and the monitor relay behind this one has to call"
        }
        (RelayTo::Gpio(_), None) => {
            "killed, the box loses the line; whether its level falls back then depends on the \
             board: try it with kill -9"
        }
        (RelayTo::ModbusTcp { .. } | RelayTo::ModbusRtu { .. }, None) => {
            "killed, the box leaves the coil as it is, until the module's own watchdog drops it: \
             try it with kill -9"
        }
        (RelayTo::Http { .. }, None) => {
            "killed, the box leaves the relay as it was told last, until the device's own pulse \
             time is over: try it with kill -9"
        }
    }
}

/// The device in words.
pub fn place(relay: &Relay) -> String {
    match &relay.to {
        RelayTo::Gpio(gpio) => gpio::place(gpio),
        RelayTo::ModbusTcp { address, point } => {
            format!("coil {} of Modbus unit {} at {address}", point.coil, point.unit)
        }
        RelayTo::ModbusRtu { port, point, .. } => {
            format!("coil {} of Modbus unit {} on {}", point.coil, point.unit, port.display())
        }
        RelayTo::Http { on, .. } => origin(on),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Active, Gpio, GpioLine, HttpMethod, ModbusPoint};

    #[test]
    fn what_keeps_its_state_when_the_box_dies_is_not_called_fail_safe_without_a_heartbeat() {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 502));
        let http = |state: &str| format!("http://10.0.0.8/relay/0?turn={state}");
        let relay = |wiring, heartbeat, to| Relay {
            name: "horn".into(),
            role: vec![RelayRole::Emergency],
            wiring,
            heartbeat,
            to,
        };
        let web = RelayTo::Http { method: HttpMethod::Get, on: http("on"), off: http("off") };
        let modbus = RelayTo::ModbusTcp { address, point: ModbusPoint { unit: 1, coil: 0 } };
        let beat = Some(Duration::from_millis(500));
        for (to, needs) in [(web, "pulse time"), (modbus, "watchdog")] {
            let bare = relay(Wiring::FailSafe, None, to.clone());
            let said = caution(&bare).expect("it keeps its state");
            for part in ["not fail-safe", "heartbeat_ms", needs] {
                assert!(said.contains(part), "{part} is not in: {said}");
            }
            assert!(when_killed(&bare).contains(needs), "{}", when_killed(&bare));
            assert_eq!(caution(&relay(Wiring::FailSafe, beat, to.clone())), None);
            // Whoever wires it so has been told that a dead box cannot call.
            assert_eq!(caution(&relay(Wiring::EnergiseToCall, None, to)), None);
        }
        let line = Gpio {
            chip: Some("/dev/gpiochip0".into()),
            line: GpioLine::Offset(17),
            active: Active::High,
        };
        let line = relay(Wiring::FailSafe, None, RelayTo::Gpio(line));
        assert_eq!(caution(&line), None);
        assert!(when_killed(&line).contains("depends on the board"));
    }
}
