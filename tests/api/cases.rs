//! The evidence, its cases, and what people say of them, through the API.

use serde_json::{Value, json};

use standclear::guard::handle::models::ModelError;

use super::fake::case_desk::{CASE_CLIP, evidence_digest};
use super::fake::{Served, serve};

const EVIDENCE: &str = "/api/models/evidence";

fn ids(list: &Value) -> Vec<u64> {
    let list = list.as_array().expect("a list");
    list.iter().map(|row| row["id"].as_u64().expect("a number")).collect()
}

#[test]
fn a_comparison_of_recordings_is_handed_on_whole_with_who_brought_it_or_refused_by_its_reason() {
    let served = serve();
    let file = format!("{{\"cases\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let reply = served.post(EVIDENCE, &file);
    assert_eq!((reply.status, reply.json()), (201, json!({"run": 7, "parent_check": null})));
    let said = served.fake.models.said();
    let wanted = format!("evidence {} ", standclear::digest::sha256_of(&file));
    assert!(said.iter().any(|it| it.starts_with(&wanted)), "{said:?}");
    served.fake.models.refuse(ModelError::Conflict { code: "other_models", text: "others".into() });
    served.post(EVIDENCE, "{}").refused(409, "other_models");
    // Announced, and refused before any of it is sent.
    let too_large = [("Content-Type", "application/json"), ("Content-Length", "16777217")];
    served.request("POST", EVIDENCE, &too_large, b"").refused(413, "too_large");
}

fn label(served: &Served, case: u64, label: &str) -> Value {
    let reply = served
        .post(&format!("/api/models/cases/{case}/label"), &json!({ "label": label }).to_string());
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

#[test]
fn evidence_says_what_was_compared_and_what_is_missing_in_numbers() {
    let served = serve();
    let told = served.get(EVIDENCE).json();
    assert_eq!(
        (&told["digest"], &told["active"], &told["judgement"]),
        (&json!(evidence_digest()), &json!("shipped"), &json!("not_enough"))
    );
    let asks = served.get("/api/models").json()["asks"].clone();
    assert_eq!(asks, json!({"miss": 0.03, "confidence": 0.95}));
    assert_eq!((&told["miss"], &told["confidence"]), (&asks["miss"], &asks["confidence"]));
    let run = &told["runs"][0];
    assert_eq!(
        (&run["name"], &run["source"], &run["ended"]),
        (&json!("this site"), &json!("live"), &Value::Null)
    );
    assert_eq!(run["coverage"], json!({"seen": 1000, "of": 1010, "percent": 99.0}));
    assert_eq!(
        run["tally"],
        json!({"both": 2, "active_only": 2, "shadow_only": 2, "labelled": 0, "to_label": 6})
    );
    assert_eq!(run["mcnemar"], json!({"active_only": 0, "shadow_only": 0, "p": 1.0}));
    assert_eq!(
        run["frames"],
        json!({
            "looked": 1000, "matched_boxes": 97, "active_only_boxes": 1, "shadow_only_boxes": 2,
            "agreement": 0.97, "score_shift": -0.012
        })
    );
    assert_eq!(
        run["latency_ms"],
        json!({"active_p50": 30.0, "active_p99": null, "shadow_p50": null, "shadow_p99": null})
    );
    let needed = told["needed"].as_array().expect("a list");
    let labels = needed.iter().find(|it| it["code"] == "labels").expect("labels are missing");
    assert_eq!(
        (&labels["more"], &labels["case"], &labels["cases"], &labels["run"]),
        (&json!(6), &json!(2), &json!([2, 3, 4, 5, 6, 7]), &json!(1))
    );
    assert!(needed.iter().all(|it| it["text"].as_str().is_some_and(|text| text.len() > 20)));
}

#[test]
fn a_lost_true_incident_refuses_the_model_whatever_else_it_found() {
    let served = serve();
    label(&served, 1, "true");
    label(&served, 3, "true");
    let told = served.get(EVIDENCE).json();
    assert_eq!((&told["judgement"], &told["needed"]), (&json!("refused"), &json!([])));
    let reason = &told["reasons"][0];
    assert_eq!(
        (&reason["code"], &reason["case"], &reason["run"]),
        (&json!("lost_incident"), &json!(3), &json!(1))
    );
    assert_eq!(
        (&told["runs"][0]["true_incidents"], &told["runs"][0]["missed"]),
        (&json!(2), &json!(1))
    );
    let mcnemar = &told["runs"][0]["mcnemar"];
    assert_eq!((&mcnemar["active_only"], &mcnemar["shadow_only"]), (&json!(1), &json!(0)));
    let p = mcnemar["p"].as_f64().expect("a number");
    assert!((p - 1.0).abs() < 1e-9, "one alone shows nothing: {p}");
}

#[test]
fn a_claim_is_asked_for_by_share_and_confidence_and_nonsense_is_refused() {
    let served = serve();
    let told = served.get(&format!("{EVIDENCE}?miss=0.05&confidence=0.9")).json();
    assert_eq!((&told["miss"], &told["confidence"]), (&json!(0.05), &json!(0.9)));
    for (query, hints) in [
        ("miss=0", ["`miss` is \"0\"", "from 0.0001 to 0.5"]),
        ("miss=1", ["\"1\"", "0.5"]),
        ("miss=NaN", ["\"NaN\"", "a number"]),
        ("miss=1%25", ["\"1%\"", "a number"]),
        ("confidence=95", ["`confidence` is \"95\"", "from 0.5 to 0.9999"]),
        ("confidence=-inf", ["\"-inf\"", "0.9999"]),
        ("miss=0.1&miss=0.2", ["`miss`", "given once"]),
        ("look=once", ["\"look\"", "miss, confidence"]),
    ] {
        for path in [EVIDENCE, "/api/examples/thresholds"] {
            let told = served.get(&format!("{path}?{query}")).refused(422, "bad_request");
            assert!(hints.iter().all(|hint| told.contains(hint)), "{query}: {told}");
        }
    }
    served.get(&format!("{EVIDENCE}?confidence=0.75")).refused(404, "no_candidate");
}

#[test]
fn a_case_is_shown_with_both_sides_and_where_its_video_is() {
    let served = serve();
    let told = served.get("/api/models/cases?wanted=all").json();
    assert_eq!((ids(&told["cases"]), &told["next"]), (vec![7, 6, 5, 4, 3, 2, 1], &Value::Null));
    let side = json!({
        "began": "2026-03-01T14:00:00.000Z", "ended": "2026-03-01T14:00:10.000Z", "score": 0.5,
        "incident": 17, "clip": "/api/incidents/17/clips/1",
        "boxes": [{"left": 0.25, "top": 0.5, "width": 0.125, "height": 0.25, "score": 0.5}]
    });
    assert_eq!(
        told["cases"][4],
        json!({
            "id": 3, "run": 1, "camera": "yard-éast",
            "zone": {"number": 0, "name": "Zóna gate-road"}, "at": "2026-03-01T14:00:00.000Z",
            "told": "active_only", "later_by_ms": null, "label": null, "labelled_by": null,
            "labelled_at": null, "standing": "lost", "active": side, "shadow": null,
            "picture": "/api/models/cases/3/picture", "no_clip": null
        })
    );
    assert_eq!(told["cases"][6]["active"]["clip"], Value::Null, "there is no video of it");
    assert_eq!(told["cases"][6]["no_clip"], "none is kept of incident 9000");
    let clips: Vec<(&Value, &Value)> = told["cases"].as_array().expect("a list")[1..=2]
        .iter()
        .map(|case| (&case["shadow"]["clip"], &case["no_clip"]))
        .collect();
    let of_case = json!("/api/models/cases/5/clip");
    let full = json!("the disk is nearly full");
    assert_eq!(clips, [(&Value::Null, &full), (&of_case, &Value::Null)]);
    let kinds: Vec<(&str, &Value, &str)> = told["cases"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|case| {
            let text = |name: &str| case[name].as_str().expect("text");
            (text("told"), &case["later_by_ms"], text("standing"))
        })
        .collect();
    assert_eq!(
        kinds,
        [
            ("neither", &Value::Null, "missed"),
            ("shadow_only", &json!(1500), "split"),
            ("shadow_only", &Value::Null, "gained"),
            ("active_only", &json!(0), "joined"),
            ("active_only", &Value::Null, "lost"),
            ("both", &json!(1500), "lost"),
            ("both", &json!(0), "found"),
        ]
    );
}

#[test]
fn cases_come_in_pages_of_what_is_wanted() {
    let served = serve();
    let page = served.get("/api/models/cases?limit=4").json();
    assert_eq!((ids(&page["cases"]), &page["next"]), (vec![7, 6, 5, 4], &json!(4)));
    let page = served.get("/api/models/cases?limit=4&before=4").json();
    assert_eq!((ids(&page["cases"]), &page["next"]), (vec![3, 2], &Value::Null));
    label(&served, 2, "false");
    let page = served.get("/api/models/cases?wanted=unlabelled&run=1").json();
    assert_eq!(ids(&page["cases"]), [7, 6, 5, 4, 3, 1]);
    assert_eq!(served.get("/api/models/cases?run=2").json()["cases"], json!([]));
    for wrong in ["wanted=some", "limit=201", "limit=0", "run=0", "before=x", "camera=a"] {
        served.get(&format!("/api/models/cases?{wrong}")).refused(422, "bad_request");
    }
}

#[test]
fn what_somebody_says_of_a_case_stands_there_with_their_name() {
    let served = serve();
    let karl = served.person("Karl", "supervisor");
    let viewer = served.person("Vera", "viewer");
    let kind = [("Content-Type", "application/json")];
    let path = "/api/models/cases/5/label";
    let body = br#"{"label": "unsure"}"#;
    served.request_as(&viewer.headers(), "POST", path, &kind, body).refused(403, "role_needed");
    let reply = served.request_as(&karl.headers(), "POST", path, &kind, body);
    let case = reply.json();
    assert_eq!(
        (reply.status, &case["label"], &case["labelled_by"], &case["labelled_at"]),
        (200, &json!("unsure"), &json!("Karl"), &json!("2026-03-01T15:00:00.000Z"))
    );
    assert_eq!(label(&served, 5, "true")["label"], "true", "whoever looks again may say otherwise");
    for body in
        [r#"{"label": true}"#, r#"{"label": "True"}"#, "{}", r#"{"label": "true", "by": "Eva"}"#]
    {
        let told = served.post(path, body).refused(422, "bad_request");
        assert!(told.contains("true, false or unsure"), "{told}");
    }
    served.post("/api/models/cases/8/label", r#"{"label": "true"}"#).refused(404, "unknown_case");
    served.post("/api/models/cases/0/label", r#"{"label": "true"}"#).refused(422, "bad_request");
}

#[test]
fn the_video_of_what_only_the_shadow_told_plays_in_parts_and_says_why_there_is_none() {
    let served = serve();
    let viewer = served.person("Vera", "viewer");
    let viewer = viewer.headers();
    let path = "/api/models/cases/5/clip";
    let reply = served.request_as(&viewer, "GET", path, &[], b"");
    assert_eq!((reply.status, reply.body.as_slice()), (200, CASE_CLIP));
    assert_eq!(
        (reply.header("content-type"), reply.header("cache-control")),
        (Some("video/mp4"), Some("no-store"))
    );
    let reply = served.request_as(&viewer, "GET", path, &[("range", "bytes=4-6")], b"");
    assert_eq!((reply.status, reply.body.as_slice()), (206, &CASE_CLIP[4..=6]));
    let reply = served.request_as(&viewer, "GET", path, &[("range", "bytes=900-")], b"");
    assert_eq!(reply.status, 416);
    let told = served.get("/api/models/cases/6/clip").refused(404, "no_clip");
    assert!(told.contains("the disk is nearly full"), "{told}");
    served.get("/api/models/cases/8/clip").refused(404, "unknown_case");
    served.get(&format!("{path}?clear=1")).refused(422, "bad_request");
}

#[test]
fn the_picture_of_a_case_is_for_everybody_and_so_nobody_is_recognised_in_it() {
    let served = serve();
    let viewer = served.person("Vera", "viewer");
    let path = "/api/models/cases/3/picture";
    let reply = served.request_as(&viewer.headers(), "GET", path, &[], b"");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("image/jpeg")));
    assert_eq!(
        (reply.body.as_slice(), reply.header("cache-control")),
        (b"\xFF\xD8 hidden".as_slice(), Some("no-store"))
    );
    let told = served.get("/api/models/cases/7/picture").refused(404, "no_picture");
    assert!(told.contains("it made room"), "{told}");
    served.get("/api/models/cases/8/picture").refused(404, "unknown_case");
    served.get("/api/models/cases/3/picture?picture=clear").refused(422, "bad_request");
}

#[test]
fn the_shadow_process_is_told_as_it_is() {
    let served = serve();
    assert_eq!(
        served.get("/api/models/shadow").json(),
        json!({
            "state": "resting", "text": "it died and waits 30 s", "restarts": 2,
            "coverage": {"seen": 1000, "of": 1010, "percent": 99.0},
            "skipped_because": "the box is busy", "run": 1
        })
    );
}

#[test]
fn what_wants_a_label_comes_in_the_order_of_what_it_decides() {
    let served = serve();
    let order = |told: &Value| -> Vec<(String, u64)> {
        let items = told["items"].as_array().expect("a list").iter();
        let item = |item: &Value| {
            let kind = item["kind"].as_str().expect("text").to_owned();
            (kind, item["id"].as_u64().expect("a number"))
        };
        items.map(item).collect()
    };
    let case = |id| ("case".to_owned(), id);
    let example = |id| ("example".to_owned(), id);
    let told = served.get("/api/models/queue").json();
    let differ = [7, 6, 5, 4, 3, 2].map(case);
    let all = [differ.as_slice(), &[2, 3, 1].map(example), &[case(1)]].concat();
    assert_eq!((order(&told), &told["left"]), (all.clone(), &json!(0)));
    assert!(told["items"][0]["told"].is_string() && told["items"][6]["occasion"].is_string());
    let told = served.get("/api/models/queue?limit=7").json();
    assert_eq!((order(&told), &told["left"]), (all[..7].to_vec(), &json!(3)));
    label(&served, 7, "true");
    assert_eq!(served.post("/api/examples/2/label", r#"{"label": "false"}"#).status, 200);
    let told = served.get("/api/models/queue?limit=6").json();
    assert_eq!((order(&told)[5].clone(), &told["left"]), (example(3), &json!(2)));
    for wrong in ["limit=0", "limit=101", "before=3"] {
        served.get(&format!("/api/models/queue?{wrong}")).refused(422, "bad_request");
    }
}

#[test]
fn where_nothing_was_compared_examples_wait_all_the_same() {
    let served = serve();
    served.fake.models.compared_nothing.store(true, std::sync::atomic::Ordering::SeqCst);
    let told = served.get("/api/models/queue").json();
    assert_eq!((ids(&told["items"]), &told["left"]), (vec![2, 3, 1], &json!(0)));
    assert!(told["items"].as_array().expect("a list").iter().all(|it| it["kind"] == "example"));
    assert_eq!(served.get("/api/models/cases").json(), json!({"cases": [], "next": null}));
}
