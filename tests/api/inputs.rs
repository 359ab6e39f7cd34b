//! Machine signals by HTTP: who may say them, and what is refused.

use serde_json::json;
use standclear::guard::handle::InputValue;

use crate::fake::{Served, serve};

const PRESS: &str = "/api/inputs/press-3-running";

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

/// The bearer of a new token with this role.
fn token(served: &Served, role: &str) -> String {
    let body = json!({"name": format!("plc-{role}"), "role": role}).to_string();
    let made = served.post("/api/tokens", &body);
    assert!(made.status == 200 || made.status == 201, "{made:?}");
    format!("Bearer {}", made.json()["token"].as_str().expect("a secret"))
}

#[test]
fn a_machine_with_a_token_says_what_it_is_and_is_named_in_the_record() {
    let served = serve();
    let bearer = token(&served, "integration");
    let machine = [("Authorization", bearer.as_str())];
    for value in ["on", "off"] {
        let body = json!({"value": value}).to_string();
        let reply = served.request_as(&machine, "POST", PRESS, &JSON, body.as_bytes());
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.json(), json!({"name": "press-3-running", "value": value}));
    }
    let said = served.fake.inputs.lock().expect("not poisoned").clone();
    let values: Vec<InputValue> = said.iter().map(|(_, value, _)| *value).collect();
    assert_eq!(values, [InputValue::On, InputValue::Off]);
    assert!(said.iter().all(|(name, _, by)| name == "press-3-running" && by.contains("plc-")));
}

#[test]
fn only_integrations_and_engineers_say_what_a_machine_does() {
    let served = serve();
    let body = br#"{"value": "off"}"#;
    served.request_as(&[], "POST", PRESS, &JSON, body).refused(401, "sign_in_needed");
    for (role, allowed) in [
        ("viewer", false),
        ("supervisor", false),
        ("engineer", true),
        ("admin", true),
        ("integration", true),
    ] {
        let bearer = token(&served, role);
        let who = [("Authorization", bearer.as_str())];
        let reply = served.request_as(&who, "POST", PRESS, &JSON, body);
        match allowed {
            true => assert_eq!(reply.status, 200, "{role}: {reply:?}"),
            false => drop(reply.refused(403, "role_needed")),
        }
    }
    let cookie = [("Cookie", served.admin.cookie.as_str())];
    served.request_as(&cookie, "POST", PRESS, &JSON, body).refused(403, "csrf_needed");
    let said = served.fake.inputs.lock().expect("not poisoned").len();
    assert_eq!(said, 3, "what is refused is not taken");
}

#[test]
fn what_is_no_value_is_refused_and_nothing_is_taken() {
    let served = serve();
    for wrong in [
        "",
        "on",
        "{}",
        r#"{"value": "maybe"}"#,
        r#"{"value": "ON"}"#,
        r#"{"value": true}"#,
        r#"{"value": null}"#,
        r#"{"value": "on", "at": 1}"#,
        r#"{"value": "on", "value": "off"}"#,
        "{\"value\": \"on\"} {\"value\": \"off\"}",
    ] {
        let told = served.post(PRESS, wrong).refused(422, "bad_request");
        assert!(told.contains(r#"{"value": "on"}"#), "{wrong}: {told}");
    }
    let long = format!(r#"{{"value": "{}"}}"#, "n".repeat(20_000));
    served.post(PRESS, &long).refused(413, "too_large");
    let good = r#"{"value": "on"}"#;
    served.post("/api/inputs/press-4", good).refused(404, "unknown_input");
    served.post("/api/inputs/%ff%fe", good).refused(404, "unknown_input");
    served.post("/api/inputs/by-mqtt", good).refused(409, "not_posted");
    served.post("/api/inputs/flooded", good).refused(503, "busy");
    served.request("POST", PRESS, &[], good.as_bytes()).refused(415, "wrong_content_type");
    assert!(served.fake.inputs.lock().expect("not poisoned").is_empty());
}

#[test]
fn the_state_tells_inputs_with_the_reason() {
    let state = serve().get("/api/state").json();
    assert_eq!(
        state["inputs"],
        json!([{
            "name": "press-3-running", "state": "unknown",
            "reason": "no word for 7 s (at most 5 s)",
            "since": "2026-03-01T14:00:00.000Z", "age_ms": 7012
        }])
    );
}
