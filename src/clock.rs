//! The only place that reads a clock (invariant 7).
//!
//! Two readings with two meanings: *monotonic* orders events and measures spans, and is the same
//! in every process of this machine (CLOCK_MONOTONIC, which GStreamer's system clock reads too);
//! *wall* is for people and for the store, and may step at any time.

use crate::engine::time::Instant;
use rustix::time::{ClockId, clock_gettime};

/// CLOCK_MONOTONIC, shared by guard and vision process.
pub fn monotonic() -> Instant {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    Instant::from_nanos(seconds * 1_000_000_000 + nanos)
}

/// The civil time, in UTC.
#[expect(clippy::disallowed_methods, reason = "the one legal place")]
pub fn wall() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The civil time at which the monotonic clock showed `then`, by today's difference of the two.
pub fn wall_at(then: Instant) -> jiff::Timestamp {
    let (mono, wall) = (monotonic(), wall());
    let age = mono.since(then);
    jiff::SignedDuration::try_from(age)
        .ok()
        .and_then(|age| wall.checked_sub(age).ok())
        .unwrap_or(wall)
}
