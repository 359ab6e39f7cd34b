//! The trait of everything that hears machine signals, and the thread that runs one.
//!
//! An adapter is asked to connect, then to read, again and again. It needs no thread, no back-off
//! and no clock of its own: whatever goes wrong, it returns an error, all its inputs are unknown at
//! that moment, and it is asked to connect again after a pause that doubles. A panic is such an
//! error too.
//!
//! What waits for events (MQTT, HTTP, a GPIO edge) blocks in `read` for at most the given time; what
//! has to be asked (Modbus, a GPIO level) asks once in each `read`, and returns what it found.
//!
//! Not here: how old a value may be (`table`).

use std::error::Error;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use super::table::{InputIndex, InputTable, Said};
use crate::clock;
use crate::engine::time::Instant;
use crate::telemetry::chain;

/// Longest time a read may wait for news; a stop is heard after it.
const READ_WAIT: Duration = Duration::from_millis(200);

/// A read that took this much longer than it may: the machine or this process stood still, and what
/// is read now may have waited as long. The connection is given up with all that waits in it.
const STALL_MAX: Duration = Duration::from_secs(1);

/// First and longest pause before a lost source is tried again. Zones are armed meanwhile, so
/// people wait for it.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// A connection that lived so long was a good one: the next pause is the first again.
const STEADY_AFTER: Duration = Duration::from_secs(10);

/// A way by which machine signals come in.
pub trait InputAdapter: Send {
    /// What people call the source: "the broker".
    fn source(&self) -> String;

    /// The inputs it hears, all of which are unknown while it is lost.
    fn inputs(&self) -> &[InputIndex];

    /// Connects anew: nothing that was said before may be read afterwards as if it were said now.
    /// May block for a few seconds.
    ///
    /// # Errors
    /// The source cannot be heard; tried again later.
    fn connect(&mut self) -> Result<(), AdapterError>;

    /// What was said; empty when nothing was within `wait`. Must not block much longer.
    ///
    /// # Errors
    /// The source is lost.
    fn read(&mut self, wait: Duration) -> Result<Vec<Reading>, AdapterError>;
}

/// A source said something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub input: InputIndex,
    pub said: Said,
    /// When it was said; not later than now.
    pub at: Instant,
    /// Who said it, where that is known.
    pub by: Option<String>,
}

/// Why a source cannot be heard.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    #[error("cannot connect")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    #[error("the connection is lost")]
    Read(#[source] Box<dyn Error + Send + Sync>),
    #[error("it does not take this subscription: {topics}")]
    Refused { topics: String },
    #[error("it did not answer within {} s", .0.as_secs())]
    NoAnswer(Duration),
    #[error("the password in {file} cannot be read")]
    Password {
        file: String,
        #[source]
        source: io::Error,
    },
    #[error("this machine stood still for {} ms", .0.as_millis())]
    Stalled(Duration),
    #[error("it cannot be heard any more: {0}")]
    Ended(&'static str),
}

/// The table, shared by the adapters, which write, and the arming thread, which reads.
#[derive(Debug)]
pub struct SharedInputs {
    table: Mutex<InputTable>,
    /// Woken when something was written.
    reader: OnceLock<Thread>,
}

impl SharedInputs {
    pub fn new(table: InputTable) -> SharedInputs {
        SharedInputs { table: Mutex::new(table), reader: OnceLock::new() }
    }

    /// From now on this thread is woken at every change.
    pub fn wake_me(&self) {
        // A second reader would not be woken; it looks by itself twice a second.
        let _ = self.reader.set(thread::current());
    }

    /// The table. Held for moments only: nothing under it waits.
    pub fn table(&self) -> MutexGuard<'_, InputTable> {
        self.table.lock().unwrap_or_else(|poisoned| {
            // Whoever panicked may have left half a change: nothing in it is believed.
            self.table.clear_poison();
            let mut table = poisoned.into_inner();
            let all = table.all();
            table.lost(&all, "the list of inputs", "it broke", clock::wall());
            table.connected(&all);
            table
        })
    }

    fn change(&self, change: impl FnOnce(&mut InputTable)) {
        change(&mut self.table());
        if let Some(reader) = self.reader.get() {
            reader.unpark();
        }
    }
}

/// Tells adapters to end. Cloned freely.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Adapters end within moments; one that hangs is left behind.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Runs an adapter on a thread of its own until told to stop. The thread is not waited for at the
/// end: a source that hangs must not keep the box from ending.
///
/// # Errors
/// The system does not allow another thread.
pub fn start(
    adapter: Box<dyn InputAdapter>,
    shared: Arc<SharedInputs>,
    stop: Stop,
) -> io::Result<()> {
    let run = move || Runner { adapter, shared, stop, pause: BACK_OFF.0 }.run();
    thread::Builder::new().name("input".into()).spawn(run).map(drop)
}

struct Runner {
    adapter: Box<dyn InputAdapter>,
    shared: Arc<SharedInputs>,
    stop: Stop,
    pause: Duration,
}

impl Runner {
    fn run(mut self) {
        let inputs = self.adapter.inputs().to_vec();
        let source = self.adapter.source();
        while !self.stop.is_stopped() {
            let began = clock::monotonic();
            let ended = panic::catch_unwind(AssertUnwindSafe(|| self.session(&source, &inputs)));
            let why = match ended {
                Ok(Ok(())) => return,
                Ok(Err(error)) => chain(&error),
                Err(_panic) => "its thread panicked".to_owned(),
            };
            self.shared.change(|table| table.lost(&inputs, &source, &why, clock::wall()));
            if clock::monotonic().since(began) >= STEADY_AFTER {
                self.pause = BACK_OFF.0;
            }
            let pause = jittered(self.pause);
            tracing::warn!(
                "{source} is not reachable ({why}); {} inputs are unknown, which arms the zones \
                 that need them; again in {} ms",
                inputs.len(),
                pause.as_millis()
            );
            self.pause = (self.pause * 2).min(BACK_OFF.1);
            self.wait(pause);
        }
    }

    /// From connecting to the loss; `Ok` when told to stop.
    fn session(&mut self, source: &str, inputs: &[InputIndex]) -> Result<(), AdapterError> {
        self.adapter.connect()?;
        tracing::info!("{source} is connected");
        self.shared.change(|table| table.connected(inputs));
        while !self.stop.is_stopped() {
            let asked_at = clock::monotonic();
            let readings = self.adapter.read(READ_WAIT)?;
            let took = clock::monotonic().since(asked_at);
            if took > READ_WAIT + STALL_MAX {
                return Err(AdapterError::Stalled(took));
            }
            if readings.is_empty() {
                continue;
            }
            self.shared.change(|table| {
                // What an adapter says of others' inputs is a mistake and no news.
                for Reading { input, said, at, by } in readings {
                    if inputs.contains(&input) {
                        table.heard(input, said, at, by);
                    }
                }
            });
        }
        Ok(())
    }

    fn wait(&self, pause: Duration) {
        let until = clock::monotonic().after(pause);
        while !self.stop.is_stopped() {
            let left = until.since(clock::monotonic());
            if left.is_zero() {
                return;
            }
            thread::park_timeout(left.min(READ_WAIT));
        }
    }
}

/// Half to all of a pause, so that many boxes do not come back to one broker together.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0u8];
    // Without random numbers there is no jitter, which costs nothing but company.
    let _ = getrandom::fill(&mut byte);
    pause.mul_f64(0.5 + f64::from(byte[0]) / 512.0)
}
