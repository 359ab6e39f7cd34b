//! Handhelds through the real guard, the real store and real sockets: who gets an alarm and when,
//! who may, and that nobody listening is an alarm itself.

#[path = "versions/client.rs"]
#[allow(dead_code, reason = "shared with the zone versions' tests, which use all of it")]
mod client;
#[path = "handhelds/command.rs"]
mod command;
#[path = "handhelds/device.rs"]
mod device;
#[path = "handhelds/duty.rs"]
mod duty;
#[path = "handhelds/hostile.rs"]
mod hostile;
#[path = "handhelds/paging.rs"]
mod paging;
#[path = "handhelds/pairing.rs"]
mod pairing;
#[path = "guard/site.rs"]
#[allow(dead_code, reason = "shared with the guard's tests, which use all of it")]
mod site;
#[path = "guard/worker.rs"]
mod worker;
#[path = "handhelds/world.rs"]
mod world;

/// Not a test of its own: the vision process of the others.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}
