//! Commands about alarms over HTTP: carried out as whoever is signed in, or refused with what would
//! be right, and then nothing reaches the guard.

use serde_json::json;

use crate::fake::{ADMIN, Served, serve};

fn told(served: &Served) -> Vec<String> {
    let commands = served.fake.commands.lock().expect("not poisoned").clone();
    assert!(commands.iter().all(|(_, by)| by == ADMIN), "{commands:?}");
    commands.into_iter().map(|(command, _)| command).collect()
}

/// What was seen by whoever silences.
const SEEN: &str = r#"{"seen": 7340041}"#;

#[test]
fn nobody_silences_without_saying_what_they_saw_or_what_they_did_not_see() {
    let served = serve();
    for path in ["/api/siren/silence", "/api/alarms/40/silence"] {
        let silent = served.post(path, "{}").refused(422, "bad_request");
        assert!(silent.to_string().contains("seen"), "{silent}");
        served.post(path, r#"{"seen": 7340040}"#).refused(409, "newer_cause");
    }
    assert_eq!(told(&served), Vec::<String>::new());
}

#[test]
fn commands_reach_the_guard_in_the_name_of_whoever_is_signed_in() {
    let served = serve();
    let until = "2026-03-01T14:30:00.000Z";
    let silenced = served.post("/api/siren/silence", SEEN);
    assert_eq!((silenced.status, silenced.json()), (200, json!({"id": null, "until": until})));
    let silenced = served.post("/api/alarms/40/silence", SEEN);
    assert_eq!((silenced.status, silenced.json()), (200, json!({"id": 40, "until": until})));
    let shelf = r#"{"minutes": 30, "reason": "Scaffold in the picture"}"#;
    let shelved = served.post("/api/alarms/40/shelve", shelf);
    assert_eq!((shelved.status, shelved.json()), (200, json!({"id": 40, "until": until})));
    assert_eq!(served.post("/api/shelved/38/end", "{}").status, 200);
    let zone = "/api/zones/yard-%C3%A9ast/gate-road";
    let out = served.post(&format!("{zone}/out-of-service"), r#"{"reason": "Gate is rebuilt"}"#);
    assert_eq!((out.status, out.json()), (200, json!({})));
    assert_eq!(served.post(&format!("{zone}/in-service"), "{}").status, 200);
    let view = "/api/cameras/yard-%C3%A9ast/view/confirm";
    let confirmed = served.post(view, r#"{"reason": "The mast was straightened"}"#);
    assert_eq!((confirmed.status, confirmed.json()), (200, json!({})));
    served.post(view, "{}").refused(422, "reason_needed");
    let nowhere = served.post("/api/cameras/attic/view/confirm", r#"{"reason": "why"}"#);
    nowhere.refused(404, "unknown_camera");
    assert_eq!(
        told(&served),
        [
            "silence the siren",
            "silence alarm 40",
            "shelve alarm 40 for 30 min",
            "take alarm 38 from the shelf",
            "take zone gate-road out of service",
            "put zone gate-road back into service",
            "confirm the view of camera yard-éast",
        ]
    );
}

#[test]
fn a_time_that_is_none_or_a_reason_that_says_nothing_never_reaches_the_guard() {
    let served = serve();
    let shelve = "/api/alarms/40/shelve";
    for (body, code, field, hint) in [
        (r#"{"minutes": 525600, "reason": "why"}"#, "too_long", "minutes", "at most 480 minutes"),
        (r#"{"minutes": 481, "reason": "why"}"#, "too_long", "minutes", "not 481"),
        (r#"{"minutes": 0, "reason": "why"}"#, "too_short", "minutes", "at least 1 minute"),
        (r#"{"minutes": 30}"#, "reason_needed", "reason", "say why"),
        (r#"{"minutes": 30, "reason": " \n "}"#, "reason_needed", "reason", "say why"),
        (r#"{"minutes": 30, "reason": "..."}"#, "reason_needed", "reason", "say why"),
        (r#"{"minutes": 30, "reason": "a\u0000b"}"#, "reason_needed", "reason", "say why"),
        (r#"{"minutes": -5, "reason": "why"}"#, "bad_request", "minutes", "from 1 to 480, not -5"),
        (r#"{"reason": "why"}"#, "bad_request", "minutes", "missing field"),
        (r#"{"minutes": 1e99, "reason": "why"}"#, "bad_request", "minutes", "from 1 to 480"),
    ] {
        let reply = served.post(shelve, body);
        let message = reply.refused(422, code);
        assert!(message.contains(hint), "{body}: {message}");
        assert_eq!(reply.json()["error"]["fields"][0]["field"], field, "{body}");
    }
    let long = format!(r#"{{"minutes": 30, "reason": "{}"}}"#, "x".repeat(501));
    served.post(shelve, &long).refused(422, "reason_needed");
    let out = "/api/zones/yard-%C3%A9ast/gate-road/out-of-service";
    served.post(out, "{}").refused(422, "reason_needed");
    assert_eq!(told(&served), Vec::<String>::new());
}

#[test]
fn the_siren_is_tested_in_the_name_of_whoever_asks() {
    let served = serve();
    let tested = served.post("/api/siren/test", r#"{"sound": "audible"}"#);
    assert_eq!((tested.status, tested.json()), (200, json!({})));
    assert_eq!(told(&served), ["test the siren, audibly"]);
    let inaudible = r#"{"sound": "inaudible"}"#;
    served.post("/api/siren/test", inaudible).refused(409, "siren_under_test");
    served.post("/api/siren/test", r#"{"sound": "loud"}"#).refused(422, "bad_request");
}

#[test]
fn what_the_guard_refuses_is_told_with_its_code() {
    let served = serve();
    let shelf = r#"{"minutes": 30, "reason": "why"}"#;
    served.post("/api/alarms/7/shelve", shelf).refused(404, "unknown_alarm");
    served.post("/api/alarms/7/silence", SEEN).refused(404, "unknown_alarm");
    served.post("/api/alarms/40/reset", "{}").refused(409, "still_active");
    served.post("/api/shelved/40/end", "{}").refused(404, "not_shelved");
    let why = r#"{"reason": "why"}"#;
    served.post("/api/zones/yard-east/gate/out-of-service", why).refused(404, "unknown_zone");
    served.post("/api/zones/%FF/gate/in-service", "{}").refused(404, "unknown_zone");
    served.post("/api/alarms/x/shelve", shelf).refused(422, "bad_request");
}

#[test]
fn numbers_of_the_alarms_come_with_their_targets() {
    let served = serve();
    let told = served.get("/api/alarms/kpi?days=1").json();
    assert_eq!(told["alarms"], 1);
    assert_eq!(
        told["worst_in_10_min"],
        json!({"value": 1.0, "target": 10.0, "met": true, "unjudged": null})
    );
    assert_eq!(told["top_ten_share"]["met"], json!(null), "one source says nothing");
    assert_eq!(told["top_ten_share"]["unjudged"], "too_few_sources");
    assert_eq!(
        told["top_ten"][0],
        json!({"kind": "intrusion", "subject": "gate-road", "alarms": 1, "share": 1.0})
    );
    assert_eq!(served.get("/api/alarms/kpi").status, 200);
    let refused = served.get("/api/alarms/kpi?days=91").refused(422, "bad_request");
    assert!(refused.contains("90"), "{refused}");
    served.get("/api/alarms/kpi?hours=1").refused(422, "bad_request");
}

#[test]
fn what_is_kept_quiet_is_told_with_who_and_why() {
    let served = serve();
    let shelved = served.get("/api/alarms/shelved").json();
    assert_eq!(
        shelved["holds"][0],
        json!({
            "state": "shelved", "alarm": 38, "until": "2026-03-01T14:30:00.000Z",
            "kind": "intrusion", "zone": "gate-road", "camera": "yard-éast", "part": null,
            "title": "Gate road", "by": "Zoë 山田", "reason": "Scaffold in the picture",
            "since": "2026-03-01T14:00:00.000Z", "open_alarm": 40
        })
    );
    let out = &shelved["holds"][1];
    assert_eq!(out["state"], "out_of_service");
    assert_eq!(
        (&out["alarm"], &out["until"], &out["zone"]),
        (&json!(null), &json!(null), &json!("dock"))
    );
    let state = served.get("/api/state").json();
    assert_eq!(state["holds"], shelved["holds"]);
    assert_eq!(state["zones"][0]["inhibition"], "suppressed_by_design");
    assert_eq!(state["siren"]["silenced_until"], json!(null));
}
