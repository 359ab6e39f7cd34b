//! A thread of a whole guard that panics: what depends on it is a fault, nothing old is shown as now,
//! and it works again.
//!
//! A program of its own, one test at a time: the points that panic are those of the whole process.

#[path = "versions/client.rs"]
#[allow(dead_code, reason = "shared with the zone versions' tests, which use all of it")]
mod client;
#[path = "handhelds/device.rs"]
#[allow(dead_code, reason = "shared with the handhelds' tests, which use all of it")]
mod device;
#[path = "guard/site.rs"]
#[allow(dead_code, reason = "shared with the guard's tests, which use all of it")]
mod site;
#[path = "guard/worker.rs"]
mod worker;
#[path = "handhelds/world.rs"]
#[allow(dead_code, reason = "shared with the handhelds' tests, which use all of it")]
mod world;

use fail::FailScenario;
use serde_json::json;
use standclear::clock;
use standclear::engine::{AlarmSource, AlarmState, Part, SirenPattern, ZoneState};
use tokio_tungstenite::tungstenite::Message;

use device::{Habit, Line, Phone};
use site::{TestSite, intrusion, wait_alarm, wait_for, wait_until, wait_watched};
use worker::Scene;
use world::World;

/// Not a test of its own: the vision process of the others.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}

fn handhelds(source: AlarmSource) -> bool {
    source == AlarmSource::Fault(Part::Handhelds)
}

/// A thread that panics whenever it looks makes the fault sound, and neither a line that was open nor
/// a new one is told anything as if it were now.
fn panics_until_the_fault_sounds(point: &str, world: &World, phone: &Phone, line: Line) {
    fail::cfg(point, "panic").expect("a point");
    let failed_at = clock::monotonic();
    wait_for("the fault", || (world.site.siren.now() == SirenPattern::Fault).then_some(()));
    println!("{point}: heard {:?} after", clock::monotonic().since(failed_at));
    // Whatever it was told before it ended, it is not left open with an old all-clear.
    line.closed();
    if let Ok(line) = phone.try_connect(Habit::Good, |nonce| phone.proof(nonce)) {
        let told = line.closed();
        assert!(told.iter().all(|it| it["type"] != "state" && it["type"] != "alarm"), "{told:?}");
    }
}

/// It listens again, and an alarm reaches it.
fn works_again(world: &World, phone: &Phone) {
    wait_for("a line that is told how things stand", || {
        let line = phone.try_connect(Habit::Good, |nonce| phone.proof(nonce)).ok()?;
        let told = line.within(std::time::Duration::from_secs(2), "state");
        (!told.is_empty()).then_some(())
    });
    let line = phone.connect(Habit::Good);
    wait_alarm(&world.guard, handhelds, AlarmState::ReturnedUnacknowledged);
    world.site.shows(Scene::Person);
    line.find("alarm", |it| it["alarm"]["priority"] == "emergency");
}

#[test]
fn a_publisher_that_panics_is_a_fault_shows_nothing_old_and_works_again() {
    let scenario = FailScenario::setup();
    let (mut world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    eva.next("state");
    panics_until_the_fault_sounds("publisher::looks", &world, &phones[0], eva);
    wait_for("a page without a now", || {
        let told = world.ada.get("/api/state");
        (told.status == 503 && told.json["error"]["code"] == "guard_silent").then_some(())
    });
    // A greeting too is refused: whoever is let in would count as listening.
    let hello = json!({ "type": "hello", "device": phones[0].id, "protocol": 1 });
    let greeted = phones[0].says_first(Message::text(hello.to_string()));
    assert!(greeted.is_empty(), "{greeted:?}");
    fail::remove("publisher::looks");
    works_again(&world, &phones[0]);
    world.ada.get("/api/state").ok();
    world.guard.stop();
    scenario.teardown();
}

#[test]
fn a_pager_that_panics_is_a_fault_shows_nothing_old_and_works_again() {
    let scenario = FailScenario::setup();
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    eva.next("state");
    panics_until_the_fault_sounds("pager::looks", &world, &phones[0], eva);
    fail::remove("pager::looks");
    works_again(&world, &phones[0]);
    world.guard.stop();
    scenario.teardown();
}

#[test]
fn a_painter_that_panics_over_a_picture_paints_that_of_the_next_incident() {
    let scenario = FailScenario::setup();
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    fail::cfg("painter::paints", "1*panic->off").expect("a point");
    site.shows(Scene::Person);
    let of_first = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged).incident;
    site.shows(Scene::Empty);
    wait_until(&guard, "the end of it", |now| now.zones[0].state == ZoneState::Clear);
    site.shows(Scene::Person);
    let now = wait_until(&guard, "a picture", |now| now.alarms.iter().any(|it| it.has_snapshot));
    let alarm = now.alarms.iter().find(|alarm| alarm.has_snapshot).expect("one");
    assert_ne!(alarm.incident, of_first, "the first one has none");
    guard.stop();
    scenario.teardown();
}
