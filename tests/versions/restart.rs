//! What is in force after a restart: what the store says, what a changed file says, never nothing.

use serde_json::{Value, json};
use standclear::clock;
use standclear::store::Store;
use standclear::store::record::ZoneName;
use standclear::store::zones::{ApprovalRule, Decision, Signed};

use crate::world::{AROUND, AROUND_TOO, BESIDE, World, ZONES, document, shown, trail, write_zones};

/// Version in force as the store says, version and zones the box decides by, and its fault.
fn now(world: &mut World) -> (Value, Value, Vec<String>, Value) {
    let in_force = world.ada.get(ZONES).ok()["in_force"]["number"].clone();
    let camera = world.ada.state()["cameras"][0].clone();
    let ids = shown(&mut world.ada);
    (in_force, camera["zones_version"].clone(), ids, camera["zones_fault"].clone())
}

#[test]
fn what_was_drawn_on_the_page_stays_though_the_file_is_older() {
    let mut world = World::new(&[("bay", BESIDE)]);
    world.change(&document(&[("bay", BESIDE), ("dock", AROUND)]), "a dock");
    let mut world = world.restart();
    let zones = vec!["bay".to_owned(), "dock".to_owned()];
    assert_eq!(now(&mut world), (json!(2), json!(2), zones.clone(), Value::Null));
    // Another spelling of the same file is no change.
    let spelled = serde_json::to_string_pretty(&document(&[("bay", BESIDE)])).expect("JSON");
    let mut world = world.restart_after(|site| write_zones(site, &spelled));
    assert_eq!(now(&mut world), (json!(2), json!(2), zones, Value::Null));
    world.guard.stop();
}

#[test]
fn another_spelling_of_a_file_that_said_what_was_in_force_undoes_nothing_drawn_since() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let wider = document(&[("bay", AROUND)]);
    world.change(&wider, "wider");
    let mut world = world.restart_after(|site| write_zones(site, &wider.to_string()));
    world.change(&document(&[("bay", AROUND), ("dock", BESIDE)]), "a dock");
    let spelled = serde_json::to_string_pretty(&wider).expect("JSON");
    let mut world = world.restart_after(|site| write_zones(site, &spelled));
    assert_eq!(now(&mut world).0, 3);
    world.guard.stop();
}

#[test]
fn a_file_that_was_changed_while_the_box_was_off_is_a_version_of_its_own() {
    let mut world = World::new(&[("bay", BESIDE)]);
    world.change(&document(&[("bay", AROUND)]), "wider");
    let waiting = world.propose(&document(&[("bay", AROUND_TOO)]), "narrower");
    let file = document(&[("pit", BESIDE)]).to_string();
    let mut world = world.restart_after(|site| write_zones(site, &file));
    assert_eq!(now(&mut world), (json!(4), json!(4), vec!["pit".to_owned()], Value::Null));
    let in_force = world.ada.get(ZONES).ok()["in_force"].clone();
    let told = (&in_force["source"], &in_force["by"], &in_force["base"]);
    assert_eq!(told, (&json!("file"), &json!("file"), &json!(2)));
    assert_eq!(in_force["reason"], "the zone file yard.json", "not where on the box it lies");
    let old = world.ada.get(&format!("{ZONES}/versions/{waiting}")).ok();
    assert_eq!(old["state"], "withdrawn", "it was drawn from what is no longer in force");
    let log = trail(&mut world.ada);
    let (by, action, detail) = log.last().expect("an entry");
    assert_eq!((by.as_str(), action.as_str()), ("file", "zones_taken_from_file"));
    assert!(detail["differences"].as_str().is_some_and(|text| text.contains("pit")), "{detail}");
    let mut world = world.restart();
    assert_eq!(now(&mut world).0, 4, "taken once");
    world.guard.stop();
}

#[test]
fn a_broken_file_leaves_the_last_version_in_force_and_is_shown_until_it_is_mended() {
    let mut world = World::new(&[("bay", BESIDE)]);
    world.change(&document(&[("bay", AROUND)]), "wider");
    let slow = document(&[("bay", AROUND)]).to_string();
    let slow = slow.replace("\"kind\"", "\"dwell_ms\":1900,\"kind\"");
    for broken in ["{", r#"{"type": "FeatureCollection", "features": []}"#, &slow] {
        world = world.restart_after(|site| write_zones(site, broken));
        let (in_force, armed, zones, fault) = now(&mut world);
        assert_eq!((in_force, armed, zones), (json!(2), json!(2), vec!["bay".to_owned()]));
        let fault = fault.as_str().expect("a fault").to_owned();
        assert!(
            fault.contains("zone file cannot be used") && fault.contains("yard.json"),
            "{fault}"
        );
        let health = world.ada.get("/healthz");
        assert_eq!(health.status, 503);
        assert!(health.json["reasons"].to_string().contains("not those that were meant"));
    }
    // The fault does not stand in the way of people: a change on the page settles it.
    world.change(&document(&[("bay", AROUND_TOO)]), "narrower");
    crate::site::wait_until(&world.guard, "no fault", |now| now.cameras[0].zones_fault.is_none());
    let mended = document(&[("bay", BESIDE)]).to_string();
    let mut world = world.restart_after(|site| write_zones(site, &mended));
    assert_eq!(now(&mut world), (json!(3), json!(3), vec!["bay".to_owned()], Value::Null));
    world.guard.stop();
}

/// The moment between store and engine, as a kill leaves it: the store has approved, nobody told
/// the engine.
#[test]
fn what_the_store_says_is_in_force_is_what_the_box_decides_by() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let number = world.propose(&document(&[("dock", AROUND)]), "a dock");
    let mut world = world.restart_after(|site| {
        let mut store = Store::open(&site.path("data")).expect("the store");
        let signed = Signed { by: "Ben".into(), at: clock::wall() };
        let number = u32::try_from(number).expect("small");
        let decision = Decision { camera: "yard".into(), number, signed };
        let zone = |id: &str| ZoneName { id: id.into(), name: id.into(), camera: "yard".into() };
        store
            .approve_zones(&decision, ApprovalRule::SecondPerson, &[zone("dock")])
            .expect("approved");
    });
    assert_eq!(now(&mut world), (json!(2), json!(2), vec!["dock".to_owned()], Value::Null));
    world.guard.stop();
}

#[test]
fn drafts_and_proposals_survive_a_restart() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let number = world.propose(&document(&[("bay", AROUND)]), "wider");
    crate::world::draw(&mut world.ada, &document(&[("bay", AROUND_TOO)]));
    let mut world = world.restart();
    let now = world.ben.get(ZONES).ok();
    assert_eq!((&now["proposed"]["number"], &now["draft"]["by"]), (&json!(number), &json!("Ada")));
    let path = crate::world::version(number, "approve");
    assert_eq!(world.ben.post(&path, &json!({})).ok()["state"], "in_force");
    world.guard.stop();
}
