//! Models through the API: how they stand, every step, every refusal.

use serde_json::{Value, json};
use standclear::guard::handle::ClerkError;
use standclear::guard::handle::HistoryError;
use standclear::guard::handle::models::{Digest, ModelError, PackageRefusal};

use standclear::guard::models::person::{Person, PersonError, Who};
use standclear::guard::models::remote::RemoteError;

use super::fake::case_desk::evidence_digest;
use super::fake::model_desk::{NAME, digest};
use super::fake::{PASSWORD, Served, serve};

fn step(name: &str) -> String {
    format!("/api/models/{}/{name}", digest())
}

fn promote(evidence: &str, confirm: &str) -> String {
    json!({ "evidence": evidence, "confirm": confirm }).to_string()
}

#[test]
fn models_are_what_the_reference_says() {
    let served = serve();
    let told = served.get("/api/models").json();
    let trial = digest().to_string();
    assert_eq!(
        told["active"],
        json!({
            "slot": format!("sha256-{trial}"), "since": "2026-03-01T13:00:00.000Z", "on_trial": true,
            "passed_over": [{"slot": format!("sha256-{}", Digest::of("old")), "reason": "a file is torn"}]
        })
    );
    assert_eq!(
        told["models"][1],
        json!({
            "slot": format!("sha256-{trial}"), "digest": trial, "name": NAME, "version": "r2",
            "release": 3, "roles": ["active", "candidate", "trial"], "stage": "probation",
            "installed_at": "2026-02-28T10:00:00.000Z", "installed_by": "Eva",
            "signed_by": ["Eva (0123456789abcdef)"], "bytes": 7_700_000, "licence": "Apache-2.0",
            "decoder": "nanodet", "guards_since": "2026-03-01T13:00:00.000Z", "damaged": null
        })
    );
    assert_eq!(
        (&told["models"][0]["slot"], &told["models"][0]["digest"], &told["models"][0]["roles"]),
        (&json!("shipped"), &Value::Null, &json!(["committed", "shipped"]))
    );
    assert_eq!(
        told["trial"],
        json!({
            "digest": trial, "approved_by": "Eva", "started": "2026-03-01T13:00:00.000Z",
            "deadline": "2026-03-02T13:00:00.000Z", "attempts_left": 2, "attempts": 3,
            "frames": 812, "frames_min": 5000, "run_s": 300, "run_min_s": 86400,
            "p99_ms": 41.0, "budget_ms": 150.0, "reviews_open": 1, "golden": "not_yet"
        })
    );
    assert_eq!(
        told["rejected"],
        json!([{
            "digest": Digest::of("bad").to_string(), "reason": "golden_failed",
            "text": "it failed its golden pictures"
        }])
    );
    assert_eq!(told["may"]["rollback"], json!({"allowed": true, "why": null, "to": "shipped"}));
    assert_eq!(told["may"]["promote"], json!({"allowed": false, "why": "it is on trial"}));
    assert_eq!(
        (&told["floor"], &told["previous"], &told["fault"]["code"]),
        (&json!(3), &json!("shipped"), &json!("passed_over"))
    );
    assert_eq!(
        told["taking"],
        json!({
            "from": "url", "name": "r4.standclear-model", "bytes": 123, "of": 456, "state": "taking"
        })
    );
}

#[test]
fn every_step_is_said_to_be_of_whoever_took_it_and_answers_how_things_stand_then() {
    let served = serve();
    let eva = served.person("Eva", "engineer");
    let why = r#"{"reason": "it misses people"}"#;
    let steps = [
        (step("shadow"), "{}".to_owned(), "shadow by Eva"),
        (step("promote"), promote(&evidence_digest(), NAME), "promote by Eva"),
        (step("discard"), why.to_owned(), "discard (it misses people) by Eva"),
        ("/api/models/rollback".to_owned(), why.to_owned(), "rollback (it misses people) by Eva"),
        (
            "/api/models/review".to_owned(),
            r#"{"action": "open", "reason": "who was that"}"#.to_owned(),
            "Open (who was that) by Eva",
        ),
        (
            "/api/models/review".to_owned(),
            r#"{"action": "dismiss", "reason": "a dog"}"#.to_owned(),
            "Dismiss (a dog) by Eva",
        ),
        (
            "/api/models/review".to_owned(),
            r#"{"action": "confirm", "reason": "a driver"}"#.to_owned(),
            "Confirm (a driver) by Eva",
        ),
    ];
    let now = served.get("/api/models").json();
    let kind = [("Content-Type", "application/json")];
    for (path, body, said) in steps {
        let reply = served.request_as(&eva.headers(), "POST", &path, &kind, body.as_bytes());
        assert_eq!((reply.status, reply.json()), (200, now.clone()), "{path}");
        assert_eq!(served.fake.models.said().last().map(String::as_str), Some(said));
        // No page of somebody else's takes a step.
        let cookie = [("Cookie", eva.cookie.as_str())];
        let forged = served.request_as(&cookie, "POST", &path, &kind, body.as_bytes());
        forged.refused(403, "csrf_needed");
    }
    assert_eq!(served.fake.models.said().len(), 7);
}

#[test]
fn from_another_machine_a_model_is_approved_by_a_person_who_signs_in_and_out_again() {
    let served = serve();
    served.person("Eva", "engineer");
    let at = |url: String, password: &str| {
        let password_file = served.folder.path().join("password");
        std::fs::write(&password_file, format!("{password}\n")).expect("written");
        Who { url, name: "Eva".into(), password_file, ca_file: None }
    };
    let url = format!("http://{}/", served.address);
    let wrong = Person::sign_in(&at(url.clone(), "not her password")).err().expect("refused");
    let code = match &wrong {
        PersonError::Box(RemoteError::Refused { code, .. }) => code.as_str(),
        _ => "another",
    };
    assert_eq!(code, "wrong_password", "{wrong}");
    for elsewhere in ["http://192.0.2.1:8080", "ftp://127.0.0.1", "box.local"] {
        let refused = Person::sign_in(&at(elsewhere.into(), PASSWORD)).err().expect("not sent");
        assert!(matches!(refused, PersonError::InClear { .. }), "{elsewhere}: {refused}");
    }
    let eva = Person::sign_in(&at(url, PASSWORD)).expect("signed in");
    let body = json!({ "evidence": evidence_digest(), "confirm": NAME });
    eva.post(&step("promote"), &body).expect("approved");
    assert_eq!(served.fake.models.said(), ["promote by Eva"]);
    drop(eva);
    let audit = served.get("/api/audit?limit=1").json();
    assert_eq!(audit["entries"][0]["action"], "signed_out", "{audit}");
}

#[test]
fn nobody_lets_a_model_guard_without_its_name_and_the_evidence_that_was_seen() {
    let served = serve();
    let path = step("promote");
    let seen = evidence_digest();
    for (body, hints) in [
        (promote(&seen, "nanodet"), ["`confirm` is \"nanodet\"", NAME]),
        (promote(&seen, ""), ["`confirm` is \"\"", NAME]),
        (promote("", NAME), ["`evidence` is \"\"", "64 digits"]),
        (promote(&seen.to_uppercase(), NAME), ["`evidence`", "0-9 and a-f"]),
        (json!({ "evidence": seen }).to_string(), ["missing field `confirm`", "the model's name"]),
        (json!({ "confirm": NAME }).to_string(), ["missing field `evidence`", "evidence"]),
    ] {
        let told = served.post(&path, &body).refused(422, "bad_request");
        assert!(hints.iter().all(|hint| told.contains(hint)), "{body}: {told}");
    }
    served.post(&path, &promote(&"0".repeat(64), NAME)).refused(409, "evidence_changed");
    let other = format!("/api/models/{}/promote", Digest::of("nobody's"));
    served.post(&other, &promote(&seen, NAME)).refused(404, "unknown_model");
    assert!(served.fake.models.said().is_empty());
}

#[test]
fn a_step_that_is_refused_says_why_by_its_code() {
    let served = serve();
    let conflict = |code| ModelError::Conflict { code, text: "not now".into() };
    let conflicts = [
        "not_shadowing",
        "not_enough",
        "refused_by_gate",
        "evidence_changed",
        "no_candidate",
        "no_previous",
        "no_review",
        "out_of_order",
        "not_watching",
        "no_keyring",
        "damaged",
        "on_trial",
        "busy_candidate",
        "not_kept",
        "known",
    ];
    for code in conflicts {
        served.fake.models.refuse(conflict(code));
        let told = served.post(&step("shadow"), "{}").refused(409, code);
        assert_eq!(told, "not now");
    }
    let read_only = rusqlite::Error::InvalidQuery;
    for (error, status, code, hint) in [
        (ModelError::Busy, 409, "busy", "in a moment"),
        (ModelError::Disk("no space left".into()), 507, "disk", "no space left"),
        (ModelError::Clerk(ClerkError::Busy), 503, "busy", "try again"),
        (ModelError::Clerk(ClerkError::Unclear), 503, "unclear", "look before trying again"),
        (ModelError::Clerk(ClerkError::Stopping), 503, "stopping", "stopping"),
        (HistoryError::Incidents(read_only).into(), 503, "store", "could not be read"),
        (PackageRefusal::Rollback { release: 2, floor: 3 }.into(), 422, "rollback", "release 3"),
    ] {
        served.fake.models.refuse(error);
        let told =
            served.post("/api/models/rollback", r#"{"reason": "why"}"#).refused(status, code);
        assert!(told.contains(hint), "{told}");
    }
    let unknown = format!("/api/models/{}/shadow", Digest::of("nobody's"));
    served.post(&unknown, "{}").refused(404, "unknown_model");
}

#[test]
fn what_is_no_digest_reason_or_action_is_refused_with_what_would_be() {
    let served = serve();
    let upper = digest().to_string().to_uppercase();
    for path in ["sha256-7", "77", upper.as_str(), "%FF", "shipped"] {
        let told = served.post(&format!("/api/models/{path}/shadow"), "{}");
        let told = told.refused(422, "bad_request");
        assert!(told.contains("64 digits") || told.contains("path"), "{path}: {told}");
    }
    for body in [r#"{"reason": ""}"#, "{}", r#"{"reason": "…"}"#] {
        for path in [step("discard"), "/api/models/rollback".to_owned()] {
            let told = served.post(&path, body).refused(422, "bad_request");
            assert!(told.contains("a reason is needed"), "{told}");
        }
    }
    for body in [
        r#"{"action": "confirm"}"#,
        r#"{"action": "end", "reason": "why"}"#,
        r#"{"reason": "why"}"#,
        r#"{"action": "open", "reason": "why", "by": "Eva"}"#,
    ] {
        served.post("/api/models/review", body).refused(422, "bad_request");
    }
    served.post(&step("shadow"), r#"{"force": true}"#).refused(422, "bad_request");
    assert!(served.fake.models.said().is_empty());
}

#[test]
fn history_comes_in_pages() {
    let served = serve();
    let page = served.get("/api/models/history?limit=3").json();
    assert_eq!(
        page["events"][0],
        json!({
            "id": 7, "at": "2026-03-01T13:00:00.000Z", "kind": "switched",
            "slot": format!("sha256-{}", digest()), "release": 4, "by": "Eva",
            "text": "guards on probation"
        })
    );
    let ids = |page: &Value| -> Vec<u64> {
        let events = page["events"].as_array().expect("a list");
        events.iter().map(|event| event["id"].as_u64().expect("a number")).collect()
    };
    assert_eq!((ids(&page), &page["next"]), (vec![7, 6, 5], &json!(5)));
    let page = served.get("/api/models/history?limit=4&before=5").json();
    assert_eq!((ids(&page), &page["next"]), (vec![4, 3, 2, 1], &Value::Null));
    for wrong in ["limit=0", "limit=501", "before=0", "after=3"] {
        served.get(&format!("/api/models/history?{wrong}")).refused(422, "bad_request");
    }
}

#[test]
fn a_package_is_fetched_from_where_it_was_said_to_be() {
    let served = serve();
    let reply = served.post("/api/models/fetch", r#"{"url": "https://models.example/r4"}"#);
    assert_eq!((reply.status, &reply.json()["taking"]["from"]), (202, &json!("url")));
    let by = format!("fetch https://models.example/r4 by {}", super::fake::ADMIN);
    assert_eq!(served.fake.models.said(), [by]);
    let long = format!("https://models.example/{}", "x".repeat(2_000));
    for wrong in [
        "",
        "r4",
        "file:///etc/passwd",
        "https://",
        "http:///r4",
        "https://a b",
        "ftp://a/b",
        &long,
    ] {
        let body = json!({ "url": wrong }).to_string();
        let told = served.post("/api/models/fetch", &body).refused(422, "bad_request");
        assert!(told.contains("`url`") && told.contains("https://"), "{told}");
    }
    served.fake.models.refuse(ModelError::Busy);
    served
        .post("/api/models/fetch", r#"{"url": "https://models.example/r4"}"#)
        .refused(409, "busy");
}

#[test]
fn a_package_on_a_stick_is_listed_with_what_is_wrong_with_it_and_taken() {
    let served = serve();
    let found = served.get("/api/models/carried").json();
    assert_eq!(found["folders"], json!(["/media/stick"]));
    assert_eq!(
        found["packages"],
        json!([
            {
                "id": "a1", "file": "a1.standclear-model", "folder": "/media/stick",
                "bytes": 7_700_000, "name": NAME, "version": "r3", "release": 4,
                "digest": digest().to_string(), "problem": null
            },
            {
                "id": "b2", "file": "b2.standclear-model", "folder": "/media/stick",
                "bytes": 7_700_000, "name": null, "version": null, "release": null, "digest": null,
                "problem": {"code": "unsigned", "text": "nobody vouches for this package"}
            }
        ])
    );
    let reply = served.post("/api/models/carried/a1", "{}");
    let installed =
        json!({"digest": digest().to_string(), "name": NAME, "version": "r3", "release": 4});
    assert_eq!((reply.status, reply.json()), (201, installed));
    served.post("/api/models/carried/b2", "{}").refused(422, "unsigned");
    served.post("/api/models/carried/c3", "{}").refused(404, "unknown_package");
    served.post("/api/models/carried/..%2F..%2Fetc", "{}").refused(404, "unknown_package");
    served.fake.models.refuse(ModelError::Source("the stick is gone".into()));
    served.post("/api/models/carried/a1", "{}").refused(422, "unreadable");
}

#[test]
fn who_may_only_look_changes_nothing() {
    let served = serve();
    let karl = served.person("Karl", "supervisor");
    let kind = [("Content-Type", "application/json")];
    let ask = |path: &str| served.request_as(&karl.headers(), "POST", path, &kind, b"{}");
    for path in [step("shadow"), step("promote"), "/api/models/rollback".to_owned()] {
        ask(&path).refused(403, "role_needed");
    }
    assert!(served.fake.models.said().is_empty());
    assert_eq!(get_as(&served, &karl, "/api/models"), 200);
}

fn get_as(served: &Served, who: &super::fake::Session, path: &str) -> u16 {
    served.request_as(&who.headers(), "GET", path, &[], b"").status
}
