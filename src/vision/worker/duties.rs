//! What each camera's thread is about, so that one that hangs is noticed.
//!
//! A driver or a plugin can hold a thread for ever: opening a device, tearing a pipeline down. Nothing
//! in this process can end such a thread, so the process ends with it, and the guard starts another.
//!
//! Not here: a camera that gives no pictures. Its thread is well, and opens it again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::engine::time::Instant;
use crate::link::CameraIndex;

/// No call into a pipeline takes longer than this: waiting for cameras happens elsewhere, and the
/// slowest device seen takes two seconds to open.
pub const DUTY_MAX: Duration = Duration::from_secs(8);

/// What all cameras' threads are about.
pub struct Duties {
    cameras: Vec<Mutex<Option<Duty>>>,
}

#[derive(Clone, Copy, Debug)]
struct Duty {
    doing: Doing,
    since: Instant,
}

/// A call that must come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Opening,
    Asking,
    Closing,
}

/// A thread that does not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hung {
    pub camera: CameraIndex,
    pub doing: Doing,
}

impl Doing {
    /// What the pipeline does not do.
    pub fn words(self) -> &'static str {
        match self {
            Doing::Opening => "open",
            Doing::Asking => "answer",
            Doing::Closing => "stop",
        }
    }
}

impl Duties {
    pub fn new(cameras: usize) -> Duties {
        Duties { cameras: (0..cameras).map(|_| Mutex::new(None)).collect() }
    }

    /// Makes the call, watched.
    pub fn during<T>(&self, camera: CameraIndex, doing: Doing, call: impl FnOnce() -> T) -> T {
        self.put(camera, Some(Duty { doing, since: clock::monotonic() }));
        let result = call();
        self.put(camera, None);
        result
    }

    /// A thread whose call takes too long.
    pub fn hung(&self, now: Instant) -> Option<Hung> {
        (0..).zip(&self.cameras).find_map(|(camera, duty)| {
            let duty = (*duty.lock().unwrap_or_else(PoisonError::into_inner))?;
            let hangs = now.since(duty.since) > DUTY_MAX;
            hangs.then_some(Hung { camera, doing: duty.doing })
        })
    }

    fn put(&self, camera: CameraIndex, duty: Option<Duty>) {
        if let Some(place) = self.cameras.get(usize::from(camera)) {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = duty;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_that_does_not_come_back_hangs_and_it_is_named() {
        let duties = Duties::new(2);
        assert_eq!(duties.during(1, Doing::Opening, || 7), 7);
        let later = clock::monotonic().after(DUTY_MAX * 2);
        assert_eq!(duties.hung(later), None);
        duties.during(1, Doing::Closing, || {
            assert_eq!(duties.hung(clock::monotonic()), None);
            let later = clock::monotonic().after(DUTY_MAX * 2);
            assert_eq!(duties.hung(later), Some(Hung { camera: 1, doing: Doing::Closing }));
        });
    }
}
