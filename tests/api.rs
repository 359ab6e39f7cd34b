//! The API as a stranger meets it: over a real socket, every route and every refusal.

use serde_json::json;
use standclear::guard::handle::{Channels, Listening, RelayState, SirenTested, TestHeard};
use standclear::web;

#[path = "api/cases.rs"]
mod cases;
#[path = "api/commands.rs"]
mod commands;
#[path = "api/disk.rs"]
mod disk;
#[path = "api/evidence.rs"]
mod evidence;
#[path = "api/examples.rs"]
mod examples;
#[path = "api/fake.rs"]
#[allow(dead_code, reason = "shared with the tests of access, which use more of it")]
mod fake;
#[path = "api/incidents.rs"]
mod incidents;
#[path = "api/inputs.rs"]
mod inputs;
#[path = "api/models.rs"]
mod models;
#[path = "api/privacy.rs"]
mod privacy;
#[path = "api/rails.rs"]
mod rails;
#[path = "api/relays.rs"]
mod relays;
#[path = "api/streams.rs"]
mod streams;
#[path = "api/unzip.rs"]
mod unzip;
#[path = "api/uploads.rs"]
mod uploads;
#[path = "api/views.rs"]
mod views;

use fake::{Beats, eventually, serve, serve_with, snapshot};

const ACKNOWLEDGE: &str = "/api/alarms/40/acknowledge";

fn acknowledge(alarm: u64) -> String {
    format!("/api/alarms/{alarm}/acknowledge")
}

#[test]
fn state_is_what_the_reference_says() {
    let served = serve();
    let reply = served.get("/api/state");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let state = reply.json();
    let keys: Vec<&str> = state.as_object().expect("object").keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "alarms",
            "cameras",
            "handhelds",
            "holds",
            "inputs",
            "latency",
            "model",
            "now",
            "siren",
            "site",
            "store",
            "uptime_ms",
            "vision",
            "zones"
        ]
    );
    assert_eq!(
        state["site"],
        json!({"name": "Nordhof „Süd“ 北", "time_zone": "Europe/Prague", "version": env!("CARGO_PKG_VERSION")})
    );
    assert_eq!(state["now"], "2026-03-01T14:00:00.000Z");
    assert_eq!(
        state["siren"],
        json!({
            "state": "intrusion", "zone": "gate-road", "device": "default", "fault": null,
            "attention": null, "last_test": null,
            "silenced_until": null, "silenced_by": null
        })
    );
    assert_eq!(
        state["cameras"][0],
        json!({
            "id": "yard-éast", "name": "Yard east", "state": "watched", "reason": null,
            "since": "2026-03-01T14:00:00.000Z", "width_px": 768, "height_px": 576, "fps": 10.0,
            "frame_age_ms": 48, "detail_cut": null, "people": 6, "zones_version": 12, "zones_fault": null,
            "source": {
                "address": "rtsp://10.0.0.7", "decoder": "avdec_h264", "transport": "tcp",
                "clock": "sender_report", "clock_refused": null, "decoder_failed": null
            },
            "privacy_masks": [], "view_trouble": "moved"
        })
    );
    assert_eq!(
        state["zones"][0],
        json!({
            "id": "gate-road", "name": "Zóna gate-road", "camera": "yard-éast", "kind": "restricted",
            "state": "occupied", "reason": null, "since": "2026-03-01T14:00:00.000Z", "people": 0,
            "incident": 17,
            "arming": {
                "armed": false, "by": "schedule", "reason": "Off by schedule until Mon 06:00",
                "until": "2026-03-02T05:00:00.000Z"
            },
            "inhibition": "suppressed_by_design",
            "polygons": [[[[0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [0.0, 0.0]]]],
            "line": null,
            "walk_test": {
                "state": "overdue", "due_at": "2026-02-28T14:00:00.000Z",
                "last": {"id": 9, "at": "2026-01-29T14:00:00.000Z", "result": "passed"}
            }
        })
    );
}

#[test]
fn every_kind_of_alarm_is_told_with_what_it_is_about() {
    let served = serve();
    let state = served.get("/api/state").json();
    assert_eq!(
        state["alarms"][0],
        json!({
            "id": 40, "kind": "intrusion", "priority": "emergency", "state": "unacknowledged",
            "version": fake::alarm_desk::VERSION, "renewed": fake::alarm_desk::RENEWED,
            "silenced_until": null,
            "zone": "gate-road", "camera": "yard-éast", "part": null, "title": "Gate road",
            "text": "2 people inside", "raised_at": "2026-03-01T14:00:00.000Z",
            "changed_at": "2026-03-01T14:00:00.000Z", "acknowledged_by": null,
            "acknowledged_at": null, "incident": null, "snapshot": false,
            "ladder": [{"step": "siren", "after_ms": 190}], "delivery": [], "stages": [{"stage": "seen", "ms": 38.0}]
        })
    );
    let blind = &state["alarms"][1];
    assert_eq!(
        (&blind["kind"], &blind["priority"], &blind["state"], &blind["camera"]),
        (&json!("blind"), &json!("fault"), &json!("returned_unacknowledged"), &json!("yard-éast"))
    );
    assert_eq!(
        (&state["alarms"][2]["kind"], &state["alarms"][2]["part"]),
        (&json!("fault"), &json!("store"))
    );
    assert_eq!(state["alarms"][3]["zone"], json!(null), "an index that leads nowhere is no panic");
}

#[test]
fn a_silent_guard_is_never_shown_as_now() {
    let served = serve_with(Beats::OnlyWhenTold);
    assert_eq!(served.get("/api/state").status, 200);
    eventually("the silence is noticed", || served.get("/api/state").status == 503);
    let told = served.get("/api/state").refused(503, "guard_silent");
    assert!(told.contains("nothing current"), "{told}");
    served.get("/api/stream").refused(503, "guard_silent");
    let health = served.get("/healthz");
    assert_eq!((health.status, &health.json()["status"]), (503, &json!("fault")));
    served.fake.snapshots.send_modify(|_same| {});
    eventually("it is current again", || served.get("/api/state").status == 200);
}

#[test]
fn an_alarm_is_answered_once_by_whoever_is_signed_in() {
    let served = serve();
    let reply = served.post(ACKNOWLEDGE, "{}");
    assert_eq!((reply.status, reply.json()), (200, json!({"id": 40, "state": "acknowledged"})));
    let answers = served.fake.answers.lock().expect("not poisoned").clone();
    assert_eq!(answers, [(40, fake::ADMIN.to_owned())]);
    served.post(ACKNOWLEDGE, "{}").refused(409, "already_acknowledged");
    let old = format!("{{\"seen\": {}}}", fake::alarm_desk::RENEWED - 1);
    let told = served.post(ACKNOWLEDGE, &old).refused(409, "newer_cause");
    assert!(told.contains("look again"), "{told}");
    let new = format!("{{\"seen\": {}}}", fake::alarm_desk::VERSION);
    served.post(ACKNOWLEDGE, &new).refused(409, "already_acknowledged");
    served.post(ACKNOWLEDGE, "{\"seen\": \"x\"}").refused(422, "bad_request");
    served.post("/api/alarms/7/acknowledge", "{}").refused(404, "unknown_alarm");
    served.post(&acknowledge(fake::STOPS), "{}").refused(503, "stopping");
}

#[test]
fn a_body_that_is_not_what_it_must_be_is_refused_with_what_would_be() {
    let served = serve();
    for (body, hint) in [
        ("", "EOF"),
        ("{", "line 1 column 1"),
        ("7", "invalid type"),
        ("null", "invalid type"),
        (r#"{"by": "Eva"}"#, "unknown field `by`"),
        (r#"{"shelve": true}"#, "unknown field `shelve`"),
        ("{} x", "trailing"),
    ] {
        let told = served.post(ACKNOWLEDGE, body).refused(422, "bad_request");
        assert!(told.contains(hint) && told.contains("who is signed in answers"), "{body}: {told}");
    }
    let kind = [("Content-Type", "application/json")];
    served.request("POST", ACKNOWLEDGE, &kind, b"{\"\xFF\": 1}").refused(422, "bad_request");
    for kinds in
        [&[][..], &[("Content-Type", "text/plain")], &[("Content-Type", "application/jsonx")]]
    {
        let told =
            served.request("POST", ACKNOWLEDGE, kinds, b"{}").refused(415, "wrong_content_type");
        assert!(told.contains("application/json"), "{told}");
    }
    assert!(served.fake.answers.lock().expect("not poisoned").is_empty());
}

#[test]
fn incidents_come_in_pages() {
    let served = serve();
    let page = served.get("/api/incidents?limit=2&before=18").json();
    assert_eq!(
        page["incidents"][0],
        json!({
            "id": 17, "zone": "gate-road", "zone_name": "Brána č. 1", "camera": "yard-éast",
            "started_at": "2026-03-01T14:00:00.123Z", "ended_at": null, "entries": 2, "score": 0.5,
            "model_digest": "3f9a", "zone_revision": "77", "snapshot": true, "clips": [1],
            "no_video": null, "pinned": false, "siren_after_ms": 190,
            "acknowledged_by": "Zoë 山田"
        })
    );
    assert_eq!(page["incidents"].as_array().map(Vec::len), Some(2));
    let page = served.get("/api/incidents").json();
    assert_eq!(page["incidents"].as_array().map(Vec::len), Some(50));
    let told = served.get("/api/incidents?before=666").refused(503, "store");
    assert!(told.contains("could not be read from the store: "), "the cause is told: {told}");
}

#[test]
fn wrong_query_values_are_named_with_what_would_be_right() {
    let served = serve();
    for (path, hints) in [
        ("/api/incidents?limit=0", ["`limit` is \"0\"", "from 1 to 500"]),
        ("/api/incidents?limit=501", ["\"501\"", "from 1 to 500"]),
        ("/api/incidents?limit=many", ["\"many\"", "a whole number"]),
        ("/api/incidents?before=-1", ["`before` is \"-1\"", "from 1"]),
        ("/api/incidents?before=99999999999999999999", ["`before`", "from 1"]),
        ("/api/incidents?limti=5", ["\"limti\"", "limit, before"]),
        ("/api/incidents?limit=1&limit=2", ["`limit`", "given once"]),
        ("/api/history?minutes=0", ["`minutes` is \"0\"", "from 1 to 10080"]),
        ("/api/history?minutes=1e3", ["\"1e3\"", "a whole number"]),
        ("/api/history?minutes=%FF", ["`minutes`", "a whole number"]),
        ("/api/incidents/x/snapshot.jpg", ["`id` is \"x\"", "from 1"]),
    ] {
        let told = served.get(path).refused(422, "bad_request");
        assert!(hints.iter().all(|hint| told.contains(hint)), "{path}: {told}");
    }
    served.post("/api/alarms/x/acknowledge", "{}").refused(422, "bad_request");
}

#[test]
fn a_snapshot_is_a_jpeg_or_said_to_be_none() {
    let served = serve();
    let reply = served.get("/api/incidents/17/snapshot.jpg");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("image/jpeg")));
    assert_eq!(reply.body, b"\xFF\xD8 a jpeg");
    served.get("/api/incidents/18/snapshot.jpg").refused(404, "no_snapshot");
}

#[test]
fn history_lists_every_zone_and_asks_for_the_minutes_wanted() {
    let served = serve();
    let history = served.get("/api/history?minutes=90").json();
    assert_eq!(
        history["zones"],
        json!([
            {"id": "gate-road", "spans": []},
            {"id": "dock", "spans": [{"state": "occupied", "from": "2026-03-01T14:00:00.000Z", "to": "2026-03-01T14:00:07.500Z"}]},
            {"id": "gone", "spans": [{"state": "unknown", "from": "2026-03-01T14:00:00.000Z", "to": null}]}
        ])
    );
    let (from, to) = (&history["from"], &history["to"]);
    let (from, to) =
        (fake::time(from.as_str().expect("text")), fake::time(to.as_str().expect("text")));
    assert_eq!(to.duration_since(from).as_mins(), 90);
    let asked = served.fake.asked_since.lock().expect("not poisoned").expect("asked");
    assert!(asked.duration_since(from).abs().as_millis() < 2);
}

#[test]
fn health_names_everything_that_is_wrong() {
    let served = serve();
    let well = || {
        let mut now = snapshot();
        now.relays[1].state = RelayState::Working;
        now
    };
    served.fake.snapshots.send_replace(std::sync::Arc::new(well()));
    let answer = served.get("/healthz");
    assert_eq!((answer.status, answer.json()), (200, json!({"status": "ok"})));
    let mut broken = well();
    broken.zones[1].state =
        standclear::engine::ZoneState::Unknown(standclear::engine::BlindCause::NoFrames);
    broken.zones[1].reason = Some("no picture for 1.0 s".into());
    broken.siren.fault = Some("no sound card".into());
    broken.store_fault = Some("the disk is full".into());
    served.fake.snapshots.send_replace(std::sync::Arc::new(broken));
    let ill = served.get("/healthz");
    assert_eq!(
        (ill.status, ill.json()),
        (
            503,
            json!({"status": "fault", "reasons": [
                "zone Zóna dock is not watched: no picture for 1.0 s",
                "the siren cannot sound: no sound card",
                "the store cannot keep anything: the disk is full"
            ]})
        )
    );
    assert_eq!(served.get("/api/state").json()["siren"]["state"], "broken");
    let mut degraded = well();
    degraded.siren.attention = Some("the first device is gone".into());
    degraded.siren.test = Some(SirenTested {
        at: snapshot().now,
        heard: TestHeard::ByPeople,
        failed: Some("it took too long".into()),
    });
    served.fake.snapshots.send_replace(std::sync::Arc::new(degraded));
    let siren = &served.get("/api/state").json()["siren"];
    assert_eq!(
        (&siren["state"], &siren["attention"], &siren["last_test"]["detail"]),
        (&json!("intrusion"), &json!("the first device is gone"), &json!("it took too long")),
        "what sounds is never called broken"
    );
    assert_eq!(served.get("/healthz").status, 503, "and somebody has to look after it");
    let mut empty = well();
    empty.zones.clear();
    served.fake.snapshots.send_replace(std::sync::Arc::new(empty));
    assert_eq!(served.get("/healthz").status, 503, "a box without zones watches nothing");
}

#[test]
fn health_names_relays_that_fail_handhelds_that_do_not_listen_and_channels_that_are_down() {
    let served = serve();
    let tell = |now| served.fake.snapshots.send_replace(std::sync::Arc::new(now));
    let mut now = snapshot();
    now.handhelds.listening = Listening::Nobody;
    tell(now.clone());
    let reasons =
        json!(["the relay horn does not work: no answer", "no handheld listens, and some should"]);
    let ill = served.get("/healthz");
    assert_eq!((ill.status, ill.json()), (503, json!({"status": "fault", "reasons": reasons})));
    // The box guards while a receiver of messages is away.
    now.relays[1].state = RelayState::Working;
    now.handhelds.listening = Listening::Somebody;
    now.channels = served.fake.channels();
    tell(now);
    let reasons = json!(["the channel webhook-office: it does not work: the receiver answers 503"]);
    let lame = served.get("/healthz");
    assert_eq!(
        (lame.status, lame.json()),
        (200, json!({"status": "degraded", "reasons": reasons}))
    );
}

#[test]
fn every_route_is_in_the_openapi_document_and_nothing_else() {
    let served = serve();
    let document = served.get("/api/openapi.json").json();
    let mut listed = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            listed.push((method.as_str(), path.as_str()));
        }
    }
    let mut routes = web::routes();
    listed.sort_unstable();
    routes.sort_unstable();
    assert_eq!(listed, routes);
    let alarm = &document["components"]["schemas"]["AlarmDto"]["properties"];
    assert!(alarm["acknowledged_by"].is_object(), "schemas are in it: {alarm}");
}

#[test]
fn unknown_paths_and_wrong_methods_are_refused_in_the_reader_s_language() {
    let served = serve();
    let told = served.get("/api/nothing").refused(404, "not_found");
    assert!(told.contains("/api/openapi.json"), "{told}");
    served.get("/api").refused(404, "not_found");
    for path in ["/nothing.html", "/assets/../../Cargo.toml", "/%2e%2e/Cargo.toml"] {
        let page = served.get(path);
        assert_eq!(
            (page.status, page.header("content-type")),
            (404, Some("text/plain; charset=utf-8"))
        );
    }
    let reply =
        served.request("DELETE", "/api/state", &[("Content-Type", "application/json")], b"");
    let told = reply.refused(405, "wrong_method");
    assert!(told.contains("DELETE") && told.contains("/api/state"), "{told}");
    assert_eq!(reply.header("allow"), Some("GET,HEAD"));
    served.get(ACKNOWLEDGE).refused(405, "wrong_method");
    served.post("/", "{}").refused(405, "wrong_method");
}

#[test]
fn the_page_is_served_with_the_right_type_and_kept_as_long_as_it_may_be() {
    let served = serve();
    let page = served.get("/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let tag = page.header("etag").expect("a tag").to_owned();
    let again = served.request("GET", "/index.html", &[("If-None-Match", &tag)], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    // Whatever the build named its script, the page names it.
    let html = String::from_utf8(page.body).expect("text");
    let asset = html.split('"').find(|text| text.starts_with("/assets/") && text.ends_with(".js"));
    let script = served.get(asset.expect("a script"));
    assert_eq!(
        (script.status, script.header("content-type")),
        (200, Some("text/javascript; charset=utf-8"))
    );
    assert!(script.header("cache-control").is_some_and(|keep| keep.contains("immutable")));
}

#[test]
fn a_guard_that_panics_or_hangs_costs_one_answer() {
    let served = serve();
    served.post(&acknowledge(fake::PANICS), "{}").refused(500, "internal");
    let told = served.post(&acknowledge(fake::HANGS), "{}").refused(503, "too_slow");
    assert!(told.contains("within 5 s"), "{told}");
    assert_eq!(served.get("/api/state").status, 200);
}
