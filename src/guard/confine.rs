//! Bounds that a vision process cannot leave: so much memory, and where the machine runs out of it all
//! the same, it is the one that is ended.
//!
//! A model may allocate without end. The guard, which holds the siren, goes on; the vision process
//! gets an error from its next allocation, or ends, and the next one begins without that model.
//!
//! Set from outside, before the process is told which models there are. A process in which a model is
//! tried has less, and is the first to go: it is nothing that anybody needs.

use std::fs;
use std::io;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

/// Of the machine's memory a vision process may take this much, in hundredths: the rest is for the guard,
/// which takes some hundred megabytes, for the system and for its caches.
const MEMORY_PERCENT: u64 = 75;

/// It counts what may be written to, whether it was or not. With one camera that is about as much as is
/// in memory; other libraries than ours may want more beforehand. So on a small machine a vision
/// process may ask for this much all the same.
const MEMORY_MIN_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// How ready the kernel is to end it when there is no memory left, of -1000 to 1000 (`oom_score_adj`):
/// before anything else that was left as it is, after a shadow model.
const SACRIFICE: &str = "500";

/// Of the machine's memory a model that is tried may take this much, in hundredths, on whatever it is
/// to run: beside it the one that guards goes on. At most this much, and as much on a small machine.
const TRIED_PERCENT: u64 = 25;
const TRIED_MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
const TRIED_MIN_BYTES: u64 = 1024 * 1024 * 1024;

/// When memory runs out all the same, it goes before any other.
const FIRST_TO_GO: &str = "1000";

/// Confines a process that was just started. What the system refuses is said and left.
pub fn confine(process: u32, memory_max_mb: Option<u32>) {
    if let Err(error) = limit_memory(process, memory_max_mb) {
        tracing::warn!("the memory of the vision process has no bound: {error}");
    }
    if let Err(error) = fs::write(format!("/proc/{process}/oom_score_adj"), SACRIFICE) {
        tracing::warn!("the vision process is not the first to end without memory: {error}");
    }
}

/// Confines a process that was just started to try a model.
pub fn confine_trial(process: u32) {
    let of_the_machine = fs::read_to_string("/proc/meminfo").ok();
    let most = of_the_machine.as_deref().and_then(tried_max).unwrap_or(TRIED_MIN_BYTES);
    // An error may mean that it has ended already.
    if let Err(error) = limit_data(process, most) {
        tracing::info!("the memory of what tries a model has no bound: {error}");
    }
    if let Err(error) = fs::write(format!("/proc/{process}/oom_score_adj"), FIRST_TO_GO) {
        tracing::info!("what tries a model is not the first to end without memory: {error}");
    }
}

fn limit_memory(process: u32, memory_max_mb: Option<u32>) -> io::Result<()> {
    let unknown = || io::Error::other("nobody says how much there is");
    let bytes = match memory_max_mb {
        Some(mb) => u64::from(mb) * 1024 * 1024,
        None => memory_max(&fs::read_to_string("/proc/meminfo")?).ok_or_else(unknown)?,
    };
    limit_data(process, bytes)
}

fn limit_data(process: u32, bytes: u64) -> io::Result<()> {
    let unknown = || io::Error::other("there is no such process");
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    // Never more than this process may.
    let most = getrlimit(Resource::Data).maximum;
    let bytes = most.map_or(bytes, |most| most.min(bytes));
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    prlimit(Some(pid.ok_or_else(unknown)?), Resource::Data, limit)?;
    Ok(())
}

/// By what the kernel says of the machine's memory.
fn memory_max(meminfo: &str) -> Option<u64> {
    Some(share(meminfo, MEMORY_PERCENT)?.max(MEMORY_MIN_BYTES))
}

fn tried_max(meminfo: &str) -> Option<u64> {
    Some(share(meminfo, TRIED_PERCENT)?.clamp(TRIED_MIN_BYTES, TRIED_MAX_BYTES))
}

fn share(meminfo: &str, percent: u64) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes.checked_mul(1024)? / 100 * percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_machine_is_left_and_a_small_machine_may_map_more_than_it_has() {
        let of =
            |kilobytes: u64| memory_max(&format!("MemTotal:  {kilobytes} kB\nMemFree: 1 kB\n"));
        assert_eq!(of(16 * 1024 * 1024).map(|bytes| bytes / (1024 * 1024)), Some(12 * 1024 - 1));
        assert_eq!(of(1024 * 1024), Some(MEMORY_MIN_BYTES));
        assert_eq!(memory_max("MemFree: 1 kB\n"), None);
    }
    #[test]
    fn a_model_that_is_tried_gets_a_quarter_of_the_machine_within_bounds() {
        let of = |gigabytes: u64| tried_max(&format!("MemTotal: {} kB\n", gigabytes << 20));
        assert_eq!(of(8).map(|bytes| bytes >> 20), Some(2 * 1024 - 1));
        assert_eq!((of(1), of(64)), (Some(TRIED_MIN_BYTES), Some(TRIED_MAX_BYTES)));
        assert_eq!(tried_max("MemFree: 1 kB\n"), None);
    }
}
