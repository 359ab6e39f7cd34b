//! Clear pictures: who gets them, and that everybody else gets none.

use serde_json::json;

use crate::fake::evidence_desk::CLIP;
use crate::fake::{PASSWORD, Served, Session, serve};

const SNAPSHOT: &str = "/api/incidents/17/snapshot.jpg";
const CLEAR: &str = "/api/incidents/17/snapshot.jpg?picture=clear";
/// A video in which nobody is hidden.
const CLIP_CLEAR: &str = "/api/incidents/17/clips/1?clear=1";
const GRANT: &str = "/api/privacy/clear";
const WHY: &str = r#"{"reason": "who was it"}"#;

fn ask(served: &Served, who: &Session, method: &str, path: &str, body: &str) -> crate::fake::Reply {
    let kind = [("Content-Type", "application/json")];
    served.request_as(&who.headers(), method, path, &kind, body.as_bytes())
}

#[test]
fn a_clear_picture_takes_an_engineer_with_a_logged_reason() {
    let served = serve();
    let eva = served.person("Eva", "engineer");
    let karl = served.person("Karl", "supervisor");
    for who in [&eva, &karl] {
        assert_eq!(ask(&served, who, "GET", SNAPSHOT, "").body, b"\xFF\xD8 a jpeg");
        ask(&served, who, "GET", CLEAR, "").refused(403, "clear_not_granted");
    }
    ask(&served, &eva, "POST", "/api/privacy/clear", "{}").refused(422, "bad_request");
    let reply = ask(&served, &eva, "POST", "/api/privacy/clear", r#"{"reason": "who was it"}"#);
    assert_eq!(reply.status, 200);
    let told = reply.json();
    assert_eq!(told["hidden"], "persons");
    assert_eq!((&told["clear"][0]["by"], &told["clear"][0]["own"]), (&json!("Eva"), &json!(true)));
    assert_eq!(ask(&served, &eva, "GET", CLEAR, "").body, b"\xFF\xD8 a clear jpeg");
    // Hers alone, and everybody sees that she has it.
    ask(&served, &karl, "GET", CLEAR, "").refused(403, "clear_not_granted");
    let told = ask(&served, &karl, "GET", "/api/privacy", "").json();
    assert_eq!((&told["clear"][0]["by"], &told["clear"][0]["own"]), (&json!("Eva"), &json!(false)));
    let entries = served.get("/api/audit?limit=10").json();
    let actions: Vec<&str> = entries["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .filter(|action| action.starts_with("clear_"))
        .collect();
    assert_eq!(actions, ["clear_picture_seen", "clear_pictures_granted"]);

    assert_eq!(ask(&served, &eva, "DELETE", "/api/privacy/clear", "").status, 200);
    ask(&served, &eva, "GET", CLEAR, "").refused(403, "clear_not_granted");
    ask(&served, &eva, "DELETE", "/api/privacy/clear", "").refused(409, "not_granted");

    // Whoever is no engineer any more sees nobody clear, whatever was granted.
    ask(&served, &eva, "POST", "/api/privacy/clear", r#"{"reason": "who was it"}"#);
    assert_eq!(ask(&served, &eva, "GET", CLEAR, "").status, 200);
    let json = [("Content-Type", "application/json")];
    let body = br#"{"role": "supervisor"}"#;
    assert_eq!(served.request("PATCH", "/api/users/Eva", &json, body).status, 200);
    ask(&served, &eva, "GET", CLEAR, "").refused(403, "clear_not_granted");
}

#[test]
fn clear_pictures_are_of_one_browser_and_end_at_sign_out() {
    let served = serve();
    let desk = served.person("Eva", "engineer");
    let wall = served.sign_in("Eva", PASSWORD).expect("signed in");
    assert_eq!(ask(&served, &desk, "POST", GRANT, WHY).status, 200);
    assert_eq!(ask(&served, &desk, "GET", CLEAR, "").status, 200);
    // The screen in the hall, on which she signed in too, says that she sees people clear elsewhere.
    ask(&served, &wall, "GET", CLEAR, "").refused(403, "clear_not_granted");
    let told = ask(&served, &wall, "GET", "/api/privacy", "").json();
    assert_eq!((&told["clear"][0]["by"], &told["clear"][0]["own"]), (&json!("Eva"), &json!(false)));
    ask(&served, &wall, "DELETE", GRANT, "").refused(409, "not_granted");

    assert_eq!(ask(&served, &desk, "DELETE", "/api/session", "").status, 204);
    let told = ask(&served, &wall, "GET", "/api/privacy", "").json();
    assert_eq!(told["clear"], json!([]), "nobody sees people clear any more");
    let again = served.sign_in("Eva", PASSWORD).expect("signed in");
    ask(&served, &again, "GET", CLEAR, "").refused(403, "clear_not_granted");
}

#[test]
fn a_grant_ends_between_two_pieces_of_a_video() {
    let served = serve();
    let eva = served.person("Eva", "engineer");
    assert_eq!(ask(&served, &eva, "POST", GRANT, WHY).status, 200);
    let piece = |range: &str| {
        served.request_as(&eva.headers(), "GET", CLIP_CLEAR, &[("Range", range)], b"")
    };
    let first = piece("bytes=0-3");
    assert_eq!((first.status, &first.body[..]), (206, &CLIP[..4]));
    assert_eq!(ask(&served, &eva, "DELETE", GRANT, "").status, 200);
    piece("bytes=4-7").refused(403, "clear_not_granted");
}

#[test]
fn no_browser_keeps_a_picture_of_people_who_can_be_recognised() {
    let served = serve();
    assert_eq!(served.post(GRANT, WHY).status, 200);
    // In which nobody can be: kept, and asked for each time.
    assert_eq!(served.get(SNAPSHOT).header("cache-control"), Some("private, no-cache"));
    for path in [CLEAR, CLIP_CLEAR, "/api/incidents/17/export.zip?picture=clear"] {
        let reply = served.get(path);
        assert_eq!(
            (reply.status, reply.header("cache-control")),
            (200, Some("no-store")),
            "{path}"
        );
    }
}

#[test]
fn a_token_sees_nobody_clear_and_another_word_is_refused() {
    let served = serve();
    let token = format!("Bearer {}", served.token("press", "engineer"));
    let bearer = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let with_token = |method: &str, path: &str, body: &str| {
        served.request_as(&bearer, method, path, &[], body.as_bytes())
    };
    with_token("POST", GRANT, WHY).refused(403, "person_needed");
    // Nor while somebody else does.
    assert_eq!(served.post(GRANT, WHY).status, 200);
    assert_eq!(with_token("GET", SNAPSHOT, "").body, b"\xFF\xD8 a jpeg");
    for path in [CLEAR, CLIP_CLEAR, "/api/incidents/17/export.zip?picture=clear"] {
        with_token("GET", path, "").refused(403, "clear_not_granted");
    }
    with_token("DELETE", GRANT, "").refused(409, "not_granted");
    served.get("/api/incidents/17/snapshot.jpg?picture=sharp").refused(422, "bad_request");
    served.get("/api/incidents/17/snapshot.jpg?sight=clear").refused(422, "bad_request");
}

#[test]
fn a_list_gets_small_pictures_which_a_browser_keeps_only_while_it_may() {
    let served = serve();
    let small = format!("{SNAPSHOT}?width=320");
    let reply = served.get(&small);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("image/jpeg")));
    assert_eq!(reply.header("cache-control"), Some("private, no-cache"));
    let tag = reply.header("etag").expect("what to ask with").to_owned();
    assert_ne!(
        served.get(SNAPSHOT).header("etag"),
        Some(tag.as_str()),
        "another size, another tag"
    );
    let known = [("If-None-Match", tag.as_str())];
    let again = served.request("GET", &small, &known, b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    // What a browser keeps helps nobody who has signed out.
    served.request_as(&[], "GET", &small, &known, b"").refused(401, "sign_in_needed");
    // Smaller does not mean that somebody sees clear whom nobody granted that, and what is clear is not kept.
    let clear = format!("{CLEAR}&width=320");
    served.get(&clear).refused(403, "clear_not_granted");
    let kind = [("Content-Type", "application/json")];
    served.request("POST", "/api/privacy/clear", &kind, br#"{"reason": "who was it"}"#);
    let seen = served.get(&clear);
    assert_eq!((seen.status, seen.body.as_slice()), (200, b"\xFF\xD8 a clear jpeg".as_slice()));
    assert_eq!((seen.header("cache-control"), seen.header("etag")), (Some("no-store"), None));
    for width in ["63", "1281", "big", "320&width=320"] {
        served.get(&format!("{SNAPSHOT}?width={width}")).refused(422, "bad_request");
    }
}
