//! What a shadow process may take of the machine, set by itself before it loads anything.
//!
//! Not here: how long it may be silent, and how often it may die; the guard sees to that.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, Signal, nice, set_parent_process_death_signal, setrlimit};

/// As much as there is.
const NICER_BY: i32 = 40;

/// Memory of its own, bytes. The model that comes with the program takes a tenth of it at 640 pixels, and
/// a package has 512 MB at most; a runtime that wants more gets an error where it would else take the
/// memory of whoever guards.
const DATA_BYTES_MAX: u64 = 1536 * 1024 * 1024;

/// When memory runs out all the same, this process goes before any other.
const FIRST_TO_GO: &str = "1000";

pub fn take() -> io::Result<()> {
    // It may be stopped when the guard goes, and so not hear of it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    nice(NICER_BY)?;
    let bound = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    setrlimit(Resource::Data, bound(DATA_BYTES_MAX))?;
    // A model that crashes each time would fill the disk with what it left.
    setrlimit(Resource::Core, bound(0))?;
    // Without /proc the limit on memory has to do.
    if let Err(error) = fs::write("/proc/self/oom_score_adj", FIRST_TO_GO) {
        tracing::info!("the shadow process is not the first to go when memory runs out: {error}");
    }
    Ok(())
}
