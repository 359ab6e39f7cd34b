//! What people say of incidents, and one incident as a file.

use serde_json::{Value, json};
use standclear::guard::handle::{Judgement, Pins, Wanted, WantedVerdict};

use crate::fake::{ADMIN, serve, time};
use crate::unzip::unzip;

#[test]
fn what_is_looked_for_is_what_the_store_is_asked_for() {
    let served = serve();
    let page = served.get(
        "/api/incidents?zone=dock%2F%C3%A9&camera=yard&kind=restricted&verdict=none&pinned=1\
         &from=2026-03-01T14:00:00Z&to=2026-03-02T01:00:00%2B01:00&before=18&limit=2",
    );
    assert_eq!(page.json()["more"], true);
    let wanted = || served.fake.wanted.lock().expect("not poisoned").clone();
    let expected = Wanted {
        before: Some(18),
        // Of that kind there is no such zone now.
        zones: Some(vec![]),
        camera: Some("yard".into()),
        verdict: Some(WantedVerdict::NotJudged),
        from: Some(time("2026-03-01T14:00:00Z")),
        to: Some(time("2026-03-02T00:00:00Z")),
        pins: Pins::OnlyPinned,
    };
    assert_eq!(wanted(), expected);
    served.get("/api/incidents?zone=dock&verdict=false").json();
    let verdict = Some(WantedVerdict::Judged(Judgement::False));
    let expected = Wanted { zones: Some(vec!["dock".into()]), verdict, ..Wanted::default() };
    assert_eq!(wanted(), expected);
    served.get("/api/incidents?kind=restricted").json();
    let zones = Some(vec!["gate-road".into(), "dock".into()]);
    assert_eq!(wanted(), Wanted { zones, ..Wanted::default() });
    served.get("/api/incidents?kind=restricted&zone=dock").json();
    assert_eq!(wanted().zones, Some(vec!["dock".into()]));
    assert_eq!(served.get("/api/incidents?before=3").json()["more"], false);
}

#[test]
fn a_zone_that_never_was_is_a_mistake_and_one_that_was_is_quiet() {
    let served = serve();
    for (name, there) in [("zone", "gate-road, dock"), ("camera", "yard")] {
        let reply = served.get(&format!("/api/incidents?{name}=nowhere"));
        assert_eq!(reply.json()["error"]["fields"][0]["field"], *name);
        let told = reply.refused(422, "bad_request");
        assert!(told.contains("\"nowhere\"") && told.contains(there), "{told}");
    }
    let both = served.get("/api/incidents?kind=restricted&zone=nowhere&camera=nowhere");
    assert!(both.refused(422, "bad_request").contains("`zone`"));
    let former = served.get("/api/incidents?zone=former").json();
    assert_eq!((&former["incidents"], &former["more"]), (&json!([]), &json!(false)));
}

#[test]
fn what_cannot_be_looked_for_is_named_with_what_would_be_right() {
    let served = serve();
    for (query, field, hint) in [
        ("kind=fence", "kind", "restricted, warning, occupancy, tripwire"),
        ("kind=", "kind", "restricted"),
        ("verdict=perhaps", "verdict", "true, false, test, none"),
        ("pinned=yes", "pinned", "1, or left out"),
        ("zone=", "zone", "an id"),
        ("camera=", "camera", "an id"),
        ("from=yesterday", "from", "2026-03-01T14:07:33Z"),
        ("from=2026-03-01", "from", "2026-03-01T14:07:33Z"),
        ("from=2026-03-02T00:00:00Z&to=2026-03-02T00:00:00Z", "to", "later than `from`"),
        ("zone=a&zone=b", "zone", "given once"),
    ] {
        let reply = served.get(&format!("/api/incidents?{query}"));
        let fields = reply.json()["error"]["fields"].clone();
        let told = reply.refused(422, "bad_request");
        assert!(told.contains(hint), "{query}: {told}");
        assert_eq!(fields[0]["field"], field, "{query}: {fields}");
    }
}

#[test]
fn the_list_has_what_people_judged_incidents_to_be() {
    let served = serve();
    let page = served.get("/api/incidents?limit=3&before=19").json();
    assert_eq!(page["incidents"].as_array().map(Vec::len), Some(3));
    let verdict = json!({
        "incident": 17, "verdict": "false", "by": "Zoë 山田", "at": "2026-03-01T15:00:00.000Z",
        "note": "a fork lift"
    });
    assert_eq!(page["verdicts"], json!([verdict]));
    assert_eq!(served.get("/api/incidents?limit=3&before=10").json()["verdicts"], json!([]));
}

#[test]
fn a_verdict_is_one_of_three_words_of_a_supervisor_and_its_note_is_bounded() {
    let served = serve();
    let path = "/api/incidents/17/verdict";
    let told = served.post(path, r#"{"verdict": "perhaps"}"#).refused(422, "bad_request");
    assert!(told.contains("true, false or test"), "{told}");
    let long = format!(r#"{{"verdict": "true", "note": "{}"}}"#, "x".repeat(501));
    served.post(path, &long).refused(422, "bad_request");
    // The fake's store is empty, and nobody judges what there is not.
    served.post(path, r#"{"verdict": "true"}"#).refused(404, "unknown_incident");
    let eva = served.person("Eva", "viewer");
    let json = [("Content-Type", "application/json")];
    served
        .request_as(&eva.headers(), "POST", path, &json, br#"{"verdict": "true"}"#)
        .refused(403, "role_needed");
}

#[test]
fn an_exported_incident_opens_its_sums_are_right_and_it_is_in_the_audit_log() {
    let served = serve();
    served.get("/api/incidents/17/export.zip?picture=clear").refused(403, "clear_not_granted");
    let reply = served.get("/api/incidents/17/export.zip");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/zip"));
    let disposition = reply.header("content-disposition").expect("a name");
    assert!(disposition.contains("incident-17.zip"), "{disposition}");

    let files = unzip(&reply.body);
    let facts: Value = serde_json::from_slice(&files["incident.json"]).expect("JSON");
    assert_eq!((&facts["incident"]["id"], &facts["hidden"]), (&json!(17), &json!("persons")));
    assert_eq!(facts["verdict"]["note"], "a fork lift");
    let raiser =
        json!({ "foot": [0.41, 0.77], "camera_m": 12.41, "edge_m": 0.62, "side": "inside" });
    let nowhere = json!({ "foot": [0.8, 0.2], "camera_m": null, "edge_m": null, "side": null });
    let distances = json!({ "residual_m": 0.08, "people": [raiser, nowhere] });
    assert_eq!(facts["distances"], distances);
    assert_eq!(files["snapshot.jpg"], b"\xFF\xD8 a jpeg");
    // Nobody was granted to see people clear: only the video in which they are hidden is in it.
    assert_eq!(files["clips/01.mp4"], crate::fake::evidence_desk::HIDDEN);
    assert!(!files.contains_key("clips/01.clear.mp4"));
    assert!(files.contains_key("clips/01.track.json"));
    assert_eq!(facts["clips"][1]["missing"], "the disk is full");
    let entry = &served.get("/api/audit?limit=1").json()["entries"][0];
    assert_eq!((&entry["action"], &entry["by"]), (&json!("incident_exported"), &json!(ADMIN)));
    assert_eq!(entry["subject"], "incident 17");
}

#[test]
fn whoever_sees_people_clear_takes_the_video_away_and_its_sum_is_that_of_when_it_was_kept() {
    let served = serve();
    served.post("/api/privacy/clear", r#"{"reason": "who opened the gate"}"#).json();
    let reply = served.get("/api/incidents/17/export.zip?picture=clear");
    assert_eq!(reply.status, 200);
    let length: usize = reply.header("content-length").and_then(|it| it.parse().ok()).expect("one");
    assert_eq!(length, reply.body.len());
    let files = unzip(&reply.body);
    assert_eq!(files["clips/01.clear.mp4"], crate::fake::evidence_desk::CLIP);
    let facts: Value = serde_json::from_slice(&files["incident.json"]).expect("JSON");
    assert_eq!(facts["hidden"], "off");
    assert_eq!(facts["clips"][0]["file"], "clips/01.mp4", "the hidden one is in it too");
    assert_eq!(facts["clips"][1]["missing"], "the disk is full", "what is not there is told");
    let entry = &served.get("/api/audit?limit=1").json()["entries"][0];
    assert!(entry["detail"].to_string().contains("clips/01.clear.mp4"), "{entry}");
}
