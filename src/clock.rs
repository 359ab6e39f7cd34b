//! The only place that reads a clock (invariant 7).
//!
//! Two readings with two meanings: *monotonic* orders events and measures spans, and is the same
//! in every process of this machine (CLOCK_MONOTONIC, which GStreamer's system clock reads too);
//! *wall* is for people and for the store, and may step at any time.

use std::time::Duration;

use crate::engine::time::Instant;
use rustix::time::{ClockId, clock_gettime};

/// CLOCK_MONOTONIC, shared by guard and vision process.
pub fn monotonic() -> Instant {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    Instant::from_nanos(seconds * 1_000_000_000 + nanos)
}

/// What this thread has worked; neither what it waited for others nor what it was stopped for.
pub fn worked() -> Duration {
    let worked = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(worked.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(worked.tv_nsec).unwrap_or(0))
}

/// One run of the machine, from switching on to switching off: the monotonic clock's, and nobody
/// else's. Two times of different runs are compared by the civil clock alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootId(String);

impl BootId {
    pub fn new(id: String) -> BootId {
        BootId(id)
    }

    /// That of this run; `None` where the kernel does not tell.
    pub fn now() -> Option<BootId> {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let id = id.trim();
        (!id.is_empty()).then(|| BootId(id.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
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

/// Both clocks, when they were last known to agree: finds where the wall clock was set.
#[derive(Clone, Copy, Debug)]
pub struct AgreedClocks {
    wall: jiff::Timestamp,
    mono: Instant,
}

/// The wall clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// What it would say now had nobody set it.
    pub unstepped: jiff::Timestamp,
    /// How far it was set forward; negative: put back.
    pub gained: jiff::SignedDuration,
}

impl AgreedClocks {
    pub fn new(wall: jiff::Timestamp, now: Instant) -> AgreedClocks {
        AgreedClocks { wall, mono: now }
    }

    /// Compares the clocks; a difference of `least` or more is a step, and from then on they agree
    /// anew. Below it clocks are slewed.
    pub fn look(
        &mut self,
        wall: jiff::Timestamp,
        now: Instant,
        least: jiff::SignedDuration,
    ) -> Option<ClockStep> {
        let passed = jiff::SignedDuration::try_from(now.since(self.mono));
        let unstepped = self.wall.checked_add(passed.unwrap_or(jiff::SignedDuration::MAX)).ok()?;
        let gained = wall.duration_since(unstepped);
        if gained.abs() < least {
            return None;
        }
        *self = AgreedClocks::new(wall, now);
        Some(ClockStep { unstepped, gained })
    }
}
