//! Walk tests and the heat map: a whole guard, somebody who walks, and what is said of it afterwards.

#[path = "walk/heat.rs"]
mod heat;
#[path = "walk/report.rs"]
mod report;
#[path = "guard/site.rs"]
#[allow(dead_code, reason = "shared with the guard's tests, which use all of it")]
mod site;
#[path = "walk/standing.rs"]
mod standing;
#[path = "walk/walked.rs"]
mod walked;
#[path = "guard/worker.rs"]
mod worker;
#[path = "walk/yard.rs"]
mod yard;

/// Not a test of its own: the vision process of the others.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}
