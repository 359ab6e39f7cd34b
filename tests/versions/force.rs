//! What coming into force does to what the box decides, sounds and keeps.

use serde_json::{Value, json};
use standclear::clock;
use standclear::engine::{AlarmSource, AlarmState, SirenPattern};
use standclear::guard::handle::Alarm;

use crate::site::{intrusion, wait_alarm, wait_for, wait_until};
use crate::worker::Scene;
use crate::world::{AROUND, AROUND_TOO, BESIDE, World, document, shown, version};

fn incidents(world: &mut World) -> Vec<Value> {
    world.ada.get("/api/incidents").ok()["incidents"].as_array().expect("a list").clone()
}

#[test]
fn when_the_answer_comes_the_box_decides_by_the_new_zones() {
    let mut world = World::new(&[("bay", BESIDE)]);
    world.site.shows(Scene::Person);
    wait_until(&world.guard, "the person", |now| now.cameras[0].people == 1);
    assert_eq!(incidents(&mut world).len(), 0, "the person stands beside every zone");
    let number = world.propose(&document(&[("bay", BESIDE), ("dock", AROUND)]), "a dock");
    let approved_at = clock::monotonic();
    let made = world.ben.post(&version(number, "approve"), &json!({})).ok();
    let answered = clock::monotonic().since(approved_at);
    let heard = world.site.siren.since(approved_at, SirenPattern::Intrusion).since(approved_at);
    println!("approved in {answered:?}, heard after {heard:?}");
    wait_alarm(&world.guard, intrusion, AlarmState::Unacknowledged);
    let state = wait_for("the new zones", || {
        let state = world.ada.state();
        (state["cameras"][0]["zones_version"] == number).then_some(state)
    });
    assert_eq!(state["cameras"][0]["zones_fault"], Value::Null);
    assert_eq!(shown(&mut world.ada), ["bay", "dock"]);
    let incident = wait_for("the incident", || incidents(&mut world).pop());
    let told = (&incident["zone"], &incident["zone_revision"]);
    assert_eq!(told, (&json!("dock"), &made["digest"]), "an incident names the version");
    world.guard.stop();
}

#[test]
fn an_incident_carries_over_and_ends_with_its_zone() {
    let mut world = World::new(&[("bay", AROUND), ("dock", BESIDE)]);
    world.site.shows(Scene::Person);
    let alarm = wait_alarm(&world.guard, intrusion, AlarmState::Unacknowledged);
    let first = wait_for("the incident", || incidents(&mut world).pop());

    let moved = world.change(&document(&[("bay", AROUND_TOO), ("dock", BESIDE)]), "narrower");
    wait_until(&world.guard, "the new zones", |now| {
        u64::from(now.cameras[0].zones_version) == moved
    });
    // Pictures by the new zones, so that whatever they would end has ended.
    let uptime_ms = wait_until(&world.guard, "a picture", |_| true).uptime_ms;
    wait_until(&world.guard, "a second of it", |now| now.uptime_ms > uptime_ms + 1_500);
    let now = incidents(&mut world);
    assert_eq!(now.len(), 1, "one person, one incident: {now:?}");
    assert_eq!((&now[0]["id"], &now[0]["ended_at"]), (&first["id"], &Value::Null));
    let same = wait_alarm(&world.guard, intrusion, AlarmState::Unacknowledged);
    assert_eq!(same.id, alarm.id);

    world.change(&document(&[("dock", BESIDE)]), "the bay is no more");
    let returned = wait_alarm(&world.guard, intrusion, AlarmState::ReturnedUnacknowledged);
    assert_eq!(returned.id, alarm.id);
    assert_eq!(shown(&mut world.ada), ["dock"]);
    let ended = wait_for("the end", || {
        incidents(&mut world).pop().filter(|incident| incident["ended_at"] != Value::Null)
    });
    assert_eq!(ended["id"], first["id"]);
    let path = format!("/api/alarms/{}/acknowledge", alarm.id.0);
    assert_eq!(world.ben.post(&path, &json!({})).ok()["state"], "normal");
    world.guard.stop();
}

#[test]
fn other_zones_are_watched_without_a_gap_while_one_is_drawn_anew() {
    let mut world = World::new(&[("bay", BESIDE), ("dock", AROUND)]);
    world.site.shows(Scene::Person);
    let alarm = wait_alarm(&world.guard, intrusion, AlarmState::Unacknowledged);
    for round in 0..8 {
        let bay = if round % 2 == 0 { [0.72, 0.1, 0.95, 0.9] } else { BESIDE };
        let number = world.change(&document(&[("bay", bay), ("dock", AROUND)]), "to and fro");
        wait_until(&world.guard, "the new zones", |now| {
            u64::from(now.cameras[0].zones_version) == number
        });
        assert_eq!(world.site.siren.now(), SirenPattern::Intrusion);
    }
    let now = wait_until(&world.guard, "now", |_| true);
    let untested = |alarm: &&Alarm| matches!(alarm.source, AlarmSource::Untested(_));
    assert_eq!(
        now.alarms.iter().filter(|a| !untested(a)).map(|a| (a.id, a.state)).collect::<Vec<_>>(),
        [(alarm.id, AlarmState::Unacknowledged)]
    );
    assert_eq!(incidents(&mut world).len(), 1);
    let history = world.ada.get("/api/history?minutes=5").ok();
    let zones = history["zones"].as_array().expect("a list").clone();
    let spans = |id: &str| {
        let zone = zones.iter().find(|zone| zone["id"] == id).expect("a zone");
        let spans = zone["spans"].as_array().expect("a list").clone();
        spans.iter().filter(|span| span["state"] == "unknown").count()
    };
    // One: the time before the first start, with the start of the box.
    assert_eq!((spans("dock"), spans("bay")), (1, 1), "{history}");
    world.guard.stop();
}
