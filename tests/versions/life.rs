//! A version's life: draft, proposal, approval by somebody else, refusal, return.

use serde_json::{Value, json};

use crate::client::Person;
use crate::world::{
    AROUND, AROUND_TOO, AUTHOR, BESIDE, World, ZONES, document, draw, propose, trail, version, zone,
};

#[test]
fn a_draft_is_kept_unfinished_and_a_wrong_shape_leaves_no_trace() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let ada = &mut world.ada;
    let path = format!("{ZONES}/draft");
    let mut unfinished = document(&[("bay", BESIDE), ("dock", AROUND)]);
    unfinished["features"][1]["geometry"]["coordinates"] = json!([[[0.1, 0.1], [0.5, 0.5]]]);
    let draft = ada.put(&path, &json!({ "document": unfinished })).ok();
    let problems = draft["problems"].as_array().expect("a list");
    assert!(problems[0]["field"].as_str().is_some_and(|f| f.starts_with("features[1].geometry")));
    assert_eq!((&draft["by"], &draft["base"]), (&json!("Ada"), &json!(1)));

    let mut wrong = unfinished.clone();
    wrong["features"][0]["properties"]["kind"] = json!("forbidden");
    wrong["features"][1]["properties"]["dwel_ms"] = json!(5);
    let answer = ada.put(&path, &json!({ "document": wrong }));
    assert_eq!(answer.fields(), ["features[0].properties.kind", "features[1].properties.dwel_ms"]);
    answer.refused(422, "bad_request");
    for (body, field) in [
        (json!({}), "document"),
        (json!({ "document": unfinished, "reason": "x" }), "reason"),
        (json!({ "document": 7 }), "document"),
        (json!([1]), "body"),
    ] {
        let answer = ada.put(&path, &body);
        assert_eq!(answer.fields(), [field], "{}", answer.json);
        answer.refused(422, "bad_request");
    }
    let now = ada.get(ZONES).ok();
    assert_eq!(now["draft"]["document"], draft["document"], "what was refused changed nothing");
    assert_eq!((&now["in_force"]["number"], &now["proposed"]), (&json!(1), &Value::Null));

    let digest = &draft["digest"];
    let propose = format!("{ZONES}/propose");
    let answer = ada.post(&propose, &json!({ "reason": "new dock", "digest": digest }));
    assert!(answer.fields()[0].starts_with("features[1].geometry"), "{}", answer.json);
    answer.refused(422, "bad_request");
    for reason in [json!(""), json!("  "), json!("a".repeat(501)), json!(7), Value::Null] {
        let answer = ada.post(&propose, &json!({ "reason": reason, "digest": digest }));
        assert_eq!(answer.status, 422, "{reason}");
        assert!(!answer.fields().is_empty(), "{}", answer.json);
    }
    ada.delete(&path).ok();
    ada.delete(&path).refused(409, "no_draft");
    let body = json!({ "reason": "x", "digest": digest });
    ada.post(&propose, &body).refused(409, "no_draft");
    let answer = ada.post(&propose, &json!({ "reason": "x" }));
    assert_eq!(answer.fields(), ["digest"], "{}", answer.json);
    let log = trail(ada);
    let actions: Vec<&str> = log.iter().map(|entry| entry.1.as_str()).collect();
    assert_eq!(actions, ["zones_taken_from_file", "zone_draft_discarded"]);
    world.guard.stop();
}

#[test]
fn nobody_approves_their_own_change_and_the_log_names_both() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let number = world.propose(&document(&[("bay", AROUND)]), "the barrier was moved");
    let World { ada, ben, .. } = &mut world;
    let approve = version(number, "approve");
    let error = ada.post(&approve, &json!({})).refused(403, "own_change");
    assert!(error["message"].as_str().is_some_and(|m| m.contains("somebody else")), "{error}");
    let now = ada.get(ZONES).ok();
    assert_eq!((&now["in_force"]["number"], &now["proposed"]["number"]), (&json!(1), &json!(2)));

    let made = ben.post(&approve, &json!({})).ok();
    let who = (&made["by"], &made["approved_by"], &made["state"], &made["source"]);
    let expected = (&json!("Ada"), &json!("Ben"), &json!("in_force"), &json!("page"));
    assert_eq!(who, expected);
    ben.post(&approve, &json!({})).refused(409, "wrong_state");
    ben.post(&version(99, "approve"), &json!({})).refused(404, "unknown_version");
    let log = trail(ada);
    let last: Vec<(&str, &str)> =
        log.iter().rev().take(2).map(|entry| (entry.0.as_str(), entry.1.as_str())).collect();
    assert_eq!(last, [("Ben", "zones_approved"), ("Ada", "zones_proposed")]);
    let detail = &log[log.len() - 2].2;
    assert_eq!(detail["reason"], "the barrier was moved");
    assert_eq!(detail["digest"], made["digest"]);
    assert!(detail["differences"].as_str().is_some_and(|d| d.contains("bay")), "{detail}");
    world.guard.stop();
}

#[test]
fn a_box_of_one_person_says_in_its_log_that_authors_approve() {
    let mut world = World::with_approval(&[("bay", BESIDE)], AUTHOR);
    let number = world.propose(&document(&[("bay", AROUND)]), "alone here");
    let ada = &mut world.ada;
    assert_eq!(ada.get(ZONES).ok()["approval"], "self");
    let made = ada.post(&version(number, "approve"), &json!({})).ok();
    assert_eq!((&made["by"], &made["approved_by"]), (&json!("Ada"), &json!("Ada")));
    let log = trail(ada);
    let has = |by: &str, action: &str| log.iter().any(|entry| entry.0 == by && entry.1 == action);
    assert!(has("standclear", "zones_approved_by_author"), "{log:?}");
    assert!(has("Ada", "zones_approved"), "{log:?}");
    world.guard.stop();
}

#[test]
fn what_is_refused_never_guards_and_its_author_withdraws() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let first = world.propose(&document(&[("bay", AROUND)]), "wider");
    let refused = world.ben.post(&version(first, "refuse"), &json!({ "reason": "too wide" })).ok();
    let told = (&refused["state"], &refused["closed_by"], &refused["closed_reason"]);
    assert_eq!(told, (&json!("refused"), &json!("Ben"), &json!("too wide")));
    world.ben.post(&version(first, "approve"), &json!({})).refused(409, "wrong_state");
    let restore = json!({ "reason": "all the same" });
    world.ben.post(&version(first, "restore"), &restore).refused(409, "wrong_state");
    let second = world.propose(&document(&[("bay", AROUND_TOO)]), "less wide");
    let answer = world.ada.post(&version(second, "refuse"), &json!({ "reason": "a slip" }));
    assert_eq!(answer.ok()["state"], "withdrawn");
    // A later proposal takes the place of one that waits.
    let third = world.propose(&document(&[("bay", AROUND_TOO)]), "once more");
    let fourth = world.propose(&document(&[("bay", AROUND)]), "and again");
    let old = world.ben.get(&format!("{ZONES}/versions/{third}")).ok();
    assert_eq!((&old["state"], &old["closed_by"]), (&json!("withdrawn"), &json!("Ada")));
    let now = world.ben.get(ZONES).ok();
    assert_eq!(now["proposed"]["number"], fourth);
    assert_eq!(
        (&now["in_force"]["number"], world.ada.state()["cameras"][0]["zones_version"].as_u64()),
        (&json!(1), Some(1))
    );
    world.guard.stop();
}

#[test]
fn going_back_makes_a_new_version_and_loses_no_history() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let wide = world.change(&document(&[("bay", AROUND)]), "wider");
    let waiting = world.propose(&document(&[("bay", AROUND_TOO)]), "narrower");
    let ben = &mut world.ben;
    ben.post(&version(wide, "restore"), &json!({ "reason": "x" })).refused(409, "already_in_force");
    ben.post(&version(1, "restore"), &json!({})).refused(422, "bad_request");
    let back = ben.post(&version(1, "restore"), &json!({ "reason": "forklifts stop" })).ok();
    assert_eq!((&back["number"], &back["source"]), (&json!(waiting + 1), &json!("rollback")));
    assert_eq!(back["reason"], "back to version 1: forklifts stop");
    let versions = ben.get(&format!("{ZONES}/versions")).ok();
    let versions = versions["versions"].as_array().expect("a list").clone();
    let told: Vec<(u64, &str)> = versions
        .iter()
        .map(|v| (v["number"].as_u64().expect("a number"), v["state"].as_str().expect("a text")))
        .collect();
    assert_eq!(told, [(4, "in_force"), (3, "withdrawn"), (2, "replaced"), (1, "replaced")]);
    assert_eq!(versions[0]["digest"], versions[3]["digest"], "the same zones again");
    for version in &versions {
        for member in ["by", "at", "reason", "digest"] {
            assert!(version[member].as_str().is_some_and(|text| !text.is_empty()), "{version}");
        }
        assert!(version.get("document").is_none());
    }
    let first = ben.get(&format!("{ZONES}/versions/1")).ok();
    assert_eq!(first["document"]["features"][0]["properties"]["id"], "bay");
    let differences = ben.get(&format!("{ZONES}/differences?from=1&to=2")).ok();
    assert!(!differences["differences"].as_array().expect("a list").is_empty(), "{differences}");
    let none = ben.get(&format!("{ZONES}/differences?from=1&to=4")).ok();
    assert_eq!(none["differences"], json!([]));
    world.guard.stop();
}

#[test]
fn a_draft_of_what_is_no_longer_in_force_is_not_proposed() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let second = world.propose(&document(&[("bay", AROUND)]), "wider");
    // The next draft is begun while the second version waits: it is drawn from the first.
    let draft = draw(&mut world.ada, &document(&[("bay", AROUND_TOO)]));
    assert_eq!(draft["base"], 1);
    world.ben.post(&version(second, "approve"), &json!({})).ok();
    let body = json!({ "reason": "x", "digest": draft["digest"] });
    let told = world.ada.post(&format!("{ZONES}/propose"), &body);
    let error = told.refused(409, "stale_draft");
    assert!(error["message"].as_str().is_some_and(|m| m.contains("version 2 is in force now")));
    world.ada.delete(&format!("{ZONES}/draft")).ok();
    assert_eq!(draw(&mut world.ada, &document(&[("bay", AROUND_TOO)]))["base"], 2);
    assert_eq!(propose(&mut world.ada, "now"), 3);
    world.guard.stop();
}

#[test]
fn who_drew_a_part_of_a_change_does_not_approve_it_under_another_name() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let mut cara = world.ada.add("Cara", "engineer");
    let World { ada, ben, .. } = &mut world;
    draw(ben, &document(&[("bay", AROUND_TOO)]));
    draw(ada, &document(&[("bay", AROUND)]));
    let number = propose(ada, "wider");
    let approve = version(number, "approve");
    let error = ben.post(&approve, &json!({})).refused(403, "own_change");
    assert!(error["message"].as_str().is_some_and(|m| m.starts_with("Ben drew")), "{error}");
    ada.post(&approve, &json!({})).refused(403, "own_change");
    assert_eq!(cara.post(&approve, &json!({})).ok()["drawn_by"], json!(["Ben", "Ada"]));
    // What was thrown away with a draft is in no later one.
    draw(ben, &document(&[("bay", AROUND_TOO)]));
    ben.delete(&format!("{ZONES}/draft")).ok();
    draw(ada, &document(&[("bay", BESIDE)]));
    let number = propose(ada, "as before");
    ben.post(&version(number, "approve"), &json!({})).ok();
    world.guard.stop();
}

#[test]
fn nobody_proposes_and_nobody_overwrites_what_they_have_not_seen() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let World { ada, ben, .. } = &mut world;
    let path = format!("{ZONES}/draft");
    let save = |person: &mut Person, sides, before: &Value| {
        let body = json!({ "document": document(&[("bay", sides)]), "if_digest": before });
        person.put(&path, &body)
    };
    let hers = save(ada, AROUND, &Value::Null).ok()["digest"].clone();
    save(ben, AROUND_TOO, &Value::Null).refused(409, "draft_changed");
    let again = save(ada, AROUND, &Value::Null).ok();
    assert_eq!(again["digest"], hers, "an answer that was lost may be asked for again");
    let his = save(ben, AROUND_TOO, &hers).ok()["digest"].clone();
    assert_ne!(his, hers);
    save(ada, BESIDE, &hers).refused(409, "draft_changed");
    // Ada presses for what she looked at, and that is no longer the draft.
    let propose = format!("{ZONES}/propose");
    let body = json!({ "reason": "mine", "digest": hers });
    ada.post(&propose, &body).refused(409, "draft_changed");
    let now = ada.get(ZONES).ok();
    assert_eq!((&now["draft"]["digest"], &now["proposed"]), (&his, &Value::Null));
    let body = json!({ "reason": "his", "digest": his });
    assert_eq!(ada.post(&propose, &body).ok()["document"], now["draft"]["document"]);
    save(ben, BESIDE, &his).refused(409, "draft_changed");
    world.guard.stop();
}

#[test]
fn checking_says_what_a_draft_would_and_keeps_nothing() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let ada = &mut world.ada;
    let mut slow = document(&[("bay", BESIDE), ("bay", AROUND)]);
    slow["features"][0]["properties"]["dwell_ms"] = json!(1_500);
    let said = ada.post(&format!("{ZONES}/check"), &json!({ "document": slow })).ok();
    let problems = said["problems"].to_string();
    assert!(problems.contains("used twice"), "{problems}");
    let wider =
        json!({ "document": { "type": "FeatureCollection", "features": [zone("bay", AROUND)] } });
    let said = ada.post(&format!("{ZONES}/check"), &wider).ok();
    assert_eq!(said["problems"], json!([]));
    assert!(said["differences"].to_string().contains("bay"), "{}", said["differences"]);
    assert_eq!(ada.get(ZONES).ok()["draft"], Value::Null);
    ada.post("/api/cameras/attic/zones/check", &wider).refused(404, "unknown_camera");
    world.guard.stop();
}
