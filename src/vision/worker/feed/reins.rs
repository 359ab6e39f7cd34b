//! Stops the shadow process while the active model looks.
//!
//! Two processes of one machine share its caches and its memory bus, and no priority helps against that.
//! So the loop that guards stops the shadow process before a look, and lets it go on when no picture waits:
//! two signals of some twenty microseconds. What stops is the process that the guard handed over (a pidfd),
//! whatever the model in it may do or say.
//!
//! Not here: who is given a picture, and when (`courtesy`).

use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Duration;

use rustix::process::{Signal, pidfd_send_signal};

use crate::engine::time::Instant;

/// The longest it is stopped without a break. The guard takes one that says nothing for two minutes
/// for one that hangs.
const STOPPED_MAX: Duration = Duration::from_secs(1);

/// How long that break is: it comes only where a picture of some camera always waits, so it costs the active
/// model part of one look in ten.
const BREAK: Duration = Duration::from_millis(100);

/// The process, while there is one that can be stopped.
#[derive(Debug, Default)]
pub struct Reins(Mutex<Option<OwnedFd>>);

/// Whether a signal reached it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    Yes,
    No,
}

impl Reins {
    /// Of another process from now on.
    pub fn take(&self, process: Option<OwnedFd>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = process;
    }

    /// It is stopped no more by whoever held these reins.
    pub fn drop_them(&self) {
        let process = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(process) = process {
            // One that has ended needs nothing.
            let _ = pidfd_send_signal(process, Signal::CONT);
        }
    }

    pub fn stop(&self) -> Reached {
        self.signal(Signal::STOP)
    }

    pub fn go_on(&self) -> Reached {
        self.signal(Signal::CONT)
    }

    /// Never waits for whoever changes the process at this moment.
    fn signal(&self, signal: Signal) -> Reached {
        let process = match self.0.try_lock() {
            Ok(process) => process,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Reached::No,
        };
        let sent = process.as_ref().map(|process| pidfd_send_signal(process, signal));
        match sent {
            Some(Ok(())) => Reached::Yes,
            Some(Err(_)) | None => Reached::No,
        }
    }
}

/// When it is stopped. Pure: no clock, no signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gaps {
    stopped: Option<Instant>,
    free_until: Instant,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    Nothing,
    Stop,
    GoOn,
}

impl Default for Gaps {
    fn default() -> Gaps {
        Gaps { stopped: None, free_until: Instant::from_nanos(0) }
    }
}

impl Gaps {
    /// The active model begins a look.
    pub fn looks(&mut self, now: Instant) -> Do {
        match self.stopped {
            Some(since) if now.since(since) >= STOPPED_MAX => {
                *self = Gaps { stopped: None, free_until: now.after(BREAK) };
                Do::GoOn
            }
            None if now >= self.free_until => {
                self.stopped = Some(now);
                Do::Stop
            }
            Some(_) | None => Do::Nothing,
        }
    }

    /// No picture waits.
    pub fn rests(&mut self) -> Do {
        match self.stopped.take() {
            Some(_) => Do::GoOn,
            None => Do::Nothing,
        }
    }

    /// Whether it has been stopped since an earlier look.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::process::id;

    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn it_is_stopped_from_the_first_look_until_no_picture_waits() {
        let mut gaps = Gaps::default();
        assert_eq!(gaps.rests(), Do::Nothing);
        assert_eq!(
            [gaps.looks(at(1)), gaps.looks(at(25)), gaps.rests()],
            [Do::Stop, Do::Nothing, Do::GoOn]
        );
        assert_eq!([gaps.rests(), gaps.looks(at(90))], [Do::Nothing, Do::Stop]);
    }

    #[test]
    fn where_a_picture_always_waits_it_has_a_tenth_of_each_second_so_that_it_does_not_look_hung() {
        let mut gaps = Gaps::default();
        let (mut stopped, mut longest, mut since) = (0, 0, None);
        for ms in (0..60_000).step_by(20) {
            match gaps.looks(at(ms)) {
                Do::Stop => since = Some(ms),
                Do::GoOn => longest = longest.max(ms - since.take().expect("it was stopped")),
                Do::Nothing => {}
            }
            stopped += u32::from(gaps.is_stopped());
        }
        assert_eq!(longest, 1000);
        let share = f64::from(stopped) / 3000.0;
        assert!((0.88..0.93).contains(&share), "{share}");
    }

    #[test]
    fn without_a_process_nothing_is_reached_and_nobody_waits() {
        let reins = Reins::default();
        assert_eq!([reins.stop(), reins.go_on()], [Reached::No; 2]);
        let this = Pid::from_raw(i32::try_from(id()).expect("an id")).expect("not zero");
        reins.take(Some(pidfd_open(this, PidfdFlags::empty()).expect("it lives")));
        assert_eq!(reins.go_on(), Reached::Yes);
        let held = reins.0.lock().expect("nobody panicked");
        assert_eq!(reins.go_on(), Reached::No);
        drop(held);
        reins.drop_them();
        assert_eq!(reins.go_on(), Reached::No);
    }
}
