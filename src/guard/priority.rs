//! Real-time priority for the threads between a decision and its sound.
//!
//! Where the system allows it (`LimitRTPRIO=` of the service, `CAP_SYS_NICE`), they run round-robin
//! before every ordinary program; where not, they run like any other, and the log says so once per
//! thread. A thread started by one of them inherits the priority; none of them starts the vision
//! process.
//!
//! Not here: the limit itself (the service file).

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// A priority of `SCHED_RR`, 1 to 99. All of ours are small: the system's own come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority(u8);

/// What hands the reports of the vision process over.
pub const LINK: Priority = Priority(9);

/// What decides.
pub const ALARM_PATH: Priority = Priority(10);

/// What carries its orders out.
pub const SIREN: Priority = Priority(11);
pub const RELAY: Priority = Priority(11);

/// What feeds the sound card, every 21 ms.
#[cfg(feature = "sound")]
pub const SOUND_CARD: Priority = Priority(12);

/// Asks for it for the calling thread, and says in the log what was granted.
pub fn ask(priority: Priority) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("unnamed");
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    let granted = ThreadPriorityValue::try_from(priority.0)
        .map_err(|error| error.to_string())
        .and_then(|value| {
            let value = ThreadPriority::Crossplatform(value);
            set_thread_priority_and_policy(thread_native_id(), value, policy)
                .map_err(|error| error.to_string())
        });
    match granted {
        Ok(()) => tracing::info!("thread {name}: real-time priority {}", priority.0),
        Err(reason) => tracing::info!(
            "thread {name}: ordinary priority, real time is not allowed here ({reason}); a busy \
             machine may delay the siren: LimitRTPRIO=20 in the service allows it"
        ),
    }
}
