//! Evidence by the API: clips whole and in pieces, who may have which, and what pins them.

use serde_json::json;

use super::fake::{self, serve};

#[test]
fn a_clip_comes_whole_or_by_range_and_a_lost_one_says_why() {
    let served = serve();
    let clip = fake::evidence_desk::HIDDEN;
    let whole = served.get("/api/incidents/17/clips/1");
    assert_eq!((whole.status, whole.header("content-type")), (200, Some("video/mp4")));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(whole.body, clip);
    let part = served.request("GET", "/api/incidents/17/clips/1", &[("Range", "bytes=2-5")], b"");
    assert_eq!((part.status, part.header("content-range")), (206, Some("bytes 2-5/16")));
    assert_eq!(part.body, &clip[2..6]);
    let beyond = served.request("GET", "/api/incidents/17/clips/1", &[("Range", "bytes=16-")], b"");
    beyond.refused(416, "bad_range");
    assert_eq!(beyond.header("content-range"), Some("bytes */16"));
    let lost = served.get("/api/incidents/17/clips/2");
    assert!(String::from_utf8_lossy(&lost.body).contains("the disk is full"));
    lost.refused(404, "no_clip");
    served.get("/api/incidents/17/clips/0").refused(422, "bad_request");
    served.get("/api/incidents/18/clips/1").refused(404, "unknown_incident");
}

#[test]
fn a_clear_clip_takes_a_grant_and_the_hidden_one_and_its_track_do_not() {
    let served = serve();
    let clear = "/api/incidents/17/clips/1?clear=1";
    served.get(clear).refused(403, "clear_not_granted");
    assert_eq!(served.get("/api/incidents/17/clips/1").body, fake::evidence_desk::HIDDEN);
    let track = served.get("/api/incidents/17/clips/1/track");
    assert_eq!((track.status, track.header("content-type")), (200, Some("application/json")));
    assert_eq!(track.body, fake::evidence_desk::TRACK.as_bytes());
    assert_eq!(served.post("/api/privacy/clear", r#"{"reason": "who was it"}"#).status, 200);
    assert_eq!(served.get(clear).body, fake::evidence_desk::CLIP);
    assert_eq!(served.get("/api/incidents/17/clips/1").body, fake::evidence_desk::HIDDEN);
    for wrong in ["clear=yes", "clear=1&clear=1", "wide=1"] {
        let told = served.get(&format!("/api/incidents/17/clips/1?{wrong}"));
        told.refused(422, "bad_request");
    }
    served.get("/api/incidents/17/clips/2/track").refused(404, "no_track");
    served.get("/api/incidents/18/clips/1/track").refused(404, "unknown_incident");
}

#[test]
fn evidence_of_an_incident_and_of_all_is_what_the_reference_says() {
    let served = serve();
    let evidence = served.get("/api/incidents/17/evidence").json();
    assert_eq!(
        evidence["snapshot"],
        json!({
            "bytes": 12, "sha256": "77".repeat(32), "hidden": "persons",
            "clear": { "bytes": 18, "sha256": "78".repeat(32) }
        })
    );
    assert_eq!(
        evidence["clips"],
        json!([
            {
                "part": 1, "state": "kept", "reason": null, "removed_at": null, "bytes": 21,
                "sha256": fake::evidence_desk::sha256(), "from": "2026-03-01T13:59:50.000Z",
                "to": "2026-03-01T14:00:20.000Z", "longest_gap_ms": 101, "codec": "H.264",
                "hidden": {"bytes": 16, "sha256": fake::evidence_desk::hidden_sha256(), "codec": "H.264"},
                "hidden_lost": null, "clear": true, "track": true
            },
            {
                "part": 2, "state": "lost", "reason": "the disk is full", "removed_at": null,
                "bytes": null, "sha256": null, "from": null, "to": null,
                "longest_gap_ms": null, "codec": null, "hidden": null, "hidden_lost": null,
                "clear": false, "track": false
            }
        ])
    );
    let state = served.get("/api/evidence").json();
    assert_eq!((&state["clips"], &state["lost"]), (&json!(3), &json!(1)));
    assert_eq!((&state["clip_bytes_max"], &state["pinned_bytes"]), (&json!(1_000), &json!(200)));
}

#[test]
fn a_pin_wants_a_reason_and_is_by_whoever_is_signed_in() {
    let served = serve();
    let pin = "/api/incidents/17/pin";
    let put =
        |body: &[u8]| served.request("PUT", pin, &[("Content-Type", "application/json")], body);
    put(br#"{"reason": " "}"#).refused(422, "reason_needed");
    assert_eq!(put(br#"{"reason": "claim 12"}"#).status, 200);
    let answers = served.fake.answers.lock().expect("not poisoned").clone();
    assert_eq!(answers, [(17, format!("{}: claim 12", fake::ADMIN))]);
    served.request("DELETE", pin, &[], b"").refused(404, "not_pinned");
}
