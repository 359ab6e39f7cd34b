//! Zone versions through the real guard, the real store and real HTTP: what is drawn, who approves
//! it, and that the box decides by what it says it does.

#[path = "versions/alarms.rs"]
mod alarms;
#[path = "versions/client.rs"]
mod client;
#[path = "versions/command.rs"]
mod command;
#[path = "versions/force.rs"]
mod force;
#[path = "versions/fuzz.rs"]
mod fuzz;
#[path = "zones/generate.rs"]
#[allow(dead_code, reason = "shared with the zone documents' tests, which use all of it")]
mod generate;
#[path = "versions/kill.rs"]
mod kill;
#[path = "versions/life.rs"]
mod life;
#[path = "versions/race.rs"]
mod race;
#[path = "versions/restart.rs"]
mod restart;
#[path = "guard/site.rs"]
#[allow(dead_code, reason = "shared with the guard's tests, which use all of it")]
mod site;
#[path = "guard/worker.rs"]
mod worker;
#[path = "versions/world.rs"]
mod world;

/// Not a test of its own: the vision process of the others.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}
