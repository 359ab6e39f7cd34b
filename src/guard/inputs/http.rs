//! Values that somebody posts: from the web side through a bounded queue.
//!
//! Not here: who may post (`web`).

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::Duration;

use super::adapter::{AdapterError, InputAdapter, Reading};
use super::table::{InputIndex, Said};
use crate::clock;
use crate::guard::handle::{InputValue, SetInputError};

/// Posted values that wait for the adapter, which takes them at once.
const QUEUE_MAX: usize = 64;

/// Longest name of who posts that is kept, characters.
const BY_CHARS_MAX: usize = 80;

/// The web side's end. Cloned freely.
#[derive(Clone, Debug)]
pub struct HttpDoor {
    inputs: Vec<(String, InputIndex)>,
    /// Every input there is, for a better answer than "unknown".
    all: Vec<String>,
    queue: SyncSender<Reading>,
}

/// The table's end.
#[derive(Debug)]
pub struct HttpAdapter {
    inputs: Vec<InputIndex>,
    queue: Receiver<Reading>,
}

/// Both ends for the inputs that are posted; `all` names every input.
pub fn http(posted: Vec<(String, InputIndex)>, all: Vec<String>) -> (HttpDoor, HttpAdapter) {
    let (sender, queue) = mpsc::sync_channel(QUEUE_MAX);
    let inputs = posted.iter().map(|(_, input)| *input).collect();
    (HttpDoor { inputs: posted, all, queue: sender }, HttpAdapter { inputs, queue })
}

impl HttpDoor {
    /// Passes a value on; never waits.
    ///
    /// # Errors
    /// No such input, one that is heard in another way, or nobody takes values now.
    pub fn set(&self, name: &str, value: InputValue, by: &str) -> Result<(), SetInputError> {
        let Some((_, input)) = self.inputs.iter().find(|(posted, _)| posted == name) else {
            return Err(match self.all.iter().any(|known| known == name) {
                true => SetInputError::NotPosted,
                false => SetInputError::UnknownInput,
            });
        };
        let said = match value {
            InputValue::On => Said::On,
            InputValue::Off => Said::Off,
        };
        let by = Some(by.chars().take(BY_CHARS_MAX).collect());
        let reading = Reading { input: *input, said, at: clock::monotonic(), by };
        self.queue.try_send(reading).map_err(|error| match error {
            TrySendError::Full(_) => SetInputError::Busy,
            TrySendError::Disconnected(_) => SetInputError::Stopping,
        })
    }
}

impl InputAdapter for HttpAdapter {
    fn source(&self) -> String {
        "the box's own HTTP port".into()
    }

    fn inputs(&self) -> &[InputIndex] {
        &self.inputs
    }

    fn connect(&mut self) -> Result<(), AdapterError> {
        // What was posted before a loss carries its own time, and is dropped all the same.
        self.queue.try_iter().take(QUEUE_MAX).for_each(drop);
        Ok(())
    }

    fn read(&mut self, wait: Duration) -> Result<Vec<Reading>, AdapterError> {
        match self.queue.recv_timeout(wait) {
            Ok(first) => {
                let mut readings = vec![first];
                readings.extend(self.queue.try_iter().take(QUEUE_MAX));
                Ok(readings)
            }
            Err(RecvTimeoutError::Timeout) => Ok(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => Err(AdapterError::Ended("the web side is gone")),
        }
    }
}
