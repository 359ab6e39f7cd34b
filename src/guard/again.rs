//! Work that must not stay dead: a thread whose work panicked begins it anew.
//!
//! What panics every time is tried less and less often, so that it fills no log.
//! Not here: the alarm path, whose panic ends the process.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::clock;

/// Pauses before the work begins anew: the first, doubled at each panic up to the last.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// Work that went well for so long starts with the first pause again.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// Works until `work` returns; after a panic, `failed` says so and it begins anew. `work` returns when
/// `stop` is set; a panic after that is the end too.
pub(super) fn keep<T>(
    what: &str,
    it: &mut T,
    stop: &AtomicBool,
    work: impl Fn(&mut T),
    failed: impl Fn(&mut T),
) {
    let mut pause = PAUSE.0;
    loop {
        let stopping = stop.load(Ordering::Acquire);
        let began_at = clock::monotonic();
        let ran = panic::catch_unwind(AssertUnwindSafe(|| work(it)));
        if ran.is_ok() || stopping {
            return;
        }
        if clock::monotonic().since(began_at) >= WELL_AFTER {
            pause = PAUSE.0;
        }
        tracing::error!("{what} panicked and begins anew");
        failed(it);
        if !stop.load(Ordering::Acquire) {
            thread::park_timeout(pause);
        }
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// What people are told of a thread that panicked, until it works again.
pub(super) const PANICKED: &str = "its thread failed and begins anew";
