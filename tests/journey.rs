//! The whole way of a model's upgrade, at a box that is the real program: from the maker's folder to guarding
//! by right and back, by command line and API; a worse model that the gate refuses; and one that dies in the
//! shadow. Whoever walks in meanwhile is heard.

#[path = "soak/process.rs"]
#[allow(dead_code, reason = "shared with the soak")]
mod process;
#[path = "support/running.rs"]
#[allow(dead_code, reason = "shared with the soak and the measurement of latency")]
mod running;
#[path = "journey/service.rs"]
mod service;
mod support;
#[path = "journey/way.rs"]
mod way;

use serde_json::json;
use support::hostile::{self, Harm, When};

use service::{SOON, Scene, Service};
use way::{INCIDENTS_WITHIN, Way};

/// Three people walk through three zones, again and again.
const ROADS: &str = r#"{"type":"FeatureCollection","features":[
    {"type":"Feature","properties":{"id":"road","name":"Road","kind":"restricted"},
     "geometry":{"type":"Polygon","coordinates":
     [[[0.7891,0.3594],[0.9271,0.3854],[0.9948,0.5729],[0.7812,0.5295],[0.7891,0.3594]]]}},
    {"type":"Feature","properties":{"id":"walk","name":"Walkway","kind":"restricted"},
     "geometry":{"type":"Polygon","coordinates":
     [[[0.35,0.75],[0.58,0.75],[0.58,0.95],[0.35,0.95],[0.35,0.75]]]}},
    {"type":"Feature","properties":{"id":"crossing","name":"Crossing","kind":"restricted"},
     "geometry":{"type":"Polygon","coordinates":
     [[[0.59,0.5],[0.7,0.5],[0.7,0.58],[0.59,0.58],[0.59,0.5]]]}}]}"#;

/// Somebody walks down a path far away.
const FOOTPATH: &str = r#"{"type":"FeatureCollection","features":[
    {"type":"Feature","properties":{"id":"footpath","name":"Footpath","kind":"restricted"},
     "geometry":{"type":"Polygon","coordinates":
     [[[0.098,0.2],[0.378,0.113],[0.378,0.191],[0.098,0.278],[0.098,0.2]]]}}]}"#;

#[test]
fn an_upgrade_goes_all_the_way_and_back_and_whoever_walks_in_meanwhile_is_heard() {
    let scene = Scene { pictures: 618..680, zones: ROADS, model: "input_long_side = 320" };
    let mut way = Way::of(Service::start(scene), "nanodet-g-416-int8-r2");
    way.comes_in();
    way.is_not_approved_unseen();
    way.is_compared_on_a_recording();
    way.is_held_against_its_parent();
    way.looks_in_the_shadow();
    way.shows_enough();
    way.is_not_approved_by_what_was_seen_before();
    way.is_approved();
    way.guards_on_probation();
    way.begins_again_in_its_trial();
    way.is_committed();
    way.is_taken_back_by_a_person();
    way.is_told_whole();
}

#[test]
fn a_worse_model_in_the_shadow_loses_somebody_and_is_refused_by_name_and_what_it_lost_is_to_be_seen()
 {
    let scene = Scene { pictures: 80..170, zones: FOOTPATH, model: "" };
    let service = Service::start(scene);
    let name = "ssdlite-person-300-int8";
    service.packs(&support::root().join("models").join(name), "ssd.standclear-model");
    let digest = service.fetches("ssd.standclear-model");
    service.does(&["shadow", &digest]);

    let case = service.wait("a case that it lost", INCIDENTS_WITHIN, || {
        let cases = service.get("/api/models/cases?wanted=discordant");
        let mut lost = cases["cases"].as_array()?.iter().filter(|it| it["told"] == "active_only");
        lost.next().cloned()
    });
    assert_eq!((&case["zone"]["name"], &case["standing"]), (&json!("Footpath"), &json!("lost")));
    assert!(
        case["shadow"].is_null() && !case["active"]["boxes"].as_array().expect("boxes").is_empty()
    );
    let picture = service.bytes(case["picture"].as_str().expect("an address")).expect("a picture");
    assert!(image::load_from_memory(&picture).is_ok());
    let queue = service.get("/api/models/queue?limit=100");
    let first = &queue["items"][0];
    assert_eq!(
        (&first["kind"], &first["told"]),
        (&json!("case"), &json!("active_only")),
        "{queue:#}"
    );
    let example = service.wait("it in the example bank", SOON, || {
        let all = service.get("/api/examples?wanted=all&occasion=disagreement");
        all["examples"].as_array()?.first().cloned()
    });
    let picture =
        service.bytes(example["picture"].as_str().expect("an address")).expect("a picture");
    assert!(image::load_from_memory(&picture).is_ok());

    service.labels(&case["id"], "true");
    let evidence = service.get("/api/models/evidence");
    assert_eq!(evidence["judgement"], "refused", "{evidence:#}");
    let reason = &evidence["reasons"][0];
    assert_eq!((&reason["code"], &reason["case"]), (&json!("lost_incident"), &case["id"]));
    let seen = evidence["digest"].as_str().expect("a digest");
    let (code, said) = service.approves(&digest, seen, name);
    assert!(code != Some(0) && said.contains("409 refused_by_gate"), "{said}");
    let models = service.get("/api/models");
    assert_eq!(models["active"]["slot"], "shipped");
    assert_eq!(models["may"]["promote"]["allowed"], false);
    assert!(service.heard() > 0);
}

#[test]
fn a_model_that_dies_in_the_shadow_is_given_up_and_rejected_and_the_page_says_why() {
    let scene = Scene { pictures: 618..680, zones: ROADS, model: "input_long_side = 320" };
    let service = Service::start(scene);
    let crash = hostile::package("crash", 7, Harm::Crash, When::Light);
    service.packs(crash.dir(), "crash.standclear-model");
    let digest = service.installs("crash.standclear-model");
    service.does(&["shadow", &digest]);
    let rejected = service.told("rejected");
    assert_eq!(rejected["slot"], format!("sha256-{digest}"));
    assert!(rejected["text"].as_str().expect("text").contains("signal: 8"), "{rejected:#}");
    assert_eq!(rejected["by"], "box");
    let models = service.get("/api/models");
    let facts = &models["rejected"][0];
    assert_eq!((&facts["digest"], &facts["reason"]), (&json!(digest), &json!("crash_loop")));
    assert_eq!(models["active"]["slot"], "shipped");
    let (code, said) = service.approves(&digest, &"0".repeat(64), "crash");
    assert!(code != Some(0) && said.contains("the box refuses it"), "{said}");
    // Nobody who walked in meanwhile was unheard, and the vision process is the one from the start.
    service.incident_by(way::SHIPPED, service.newest_incident());
    assert_eq!(service.state()["vision"]["restarts"], 0);
    assert!(service.heard() > 0);
}
