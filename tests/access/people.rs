//! The first admin, people, tokens, and who guesses.

use std::time::Duration;

use serde_json::{Value, json};
use standclear::engine::time::Instant;
use standclear::guard::clerk::Clerk;
use standclear::guard::handle::{AccountError, Accounts, Visitor, When};
use standclear::store::Store;

use crate::fake::{ADMIN, PASSWORD, Reply, Served, serve};

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

fn set_up(served: &Served, code: &str) -> Reply {
    let body = json!({ "code": code, "name": "Mallory", "password": PASSWORD }).to_string();
    served.request_as(&[], "POST", "/api/setup", &JSON, body.as_bytes())
}

fn patch(served: &Served, name: &str, body: &Value) -> Reply {
    let path = format!("/api/users/{name}");
    served.request("PATCH", &path, &JSON, body.to_string().as_bytes())
}

#[test]
fn the_set_up_code_makes_one_admin_and_no_second() {
    let served = serve();
    // The harness used it to make the first admin.
    set_up(&served, &served.setup_code).refused(409, "already_set_up");
    set_up(&served, "AAAA-AAAA-AAAA").refused(409, "already_set_up");
    let session = served.request_as(&[], "GET", "/api/session", &[], b"").json();
    assert_eq!(session["setup_needed"], false);
}

/// Accounts of a box that nobody has set up.
fn nobody_yet() -> (tempfile::TempDir, Accounts, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("a store");
    let audit = store.audit_reader().expect("a reader");
    let rows = store.accounts().expect("read");
    let clerk = Clerk::over(store).expect("a thread");
    let (accounts, code) = Accounts::new(rows, audit, clerk).expect("accounts");
    (folder, accounts, code.expect("a set-up code"))
}

/// Somebody at an address, so many seconds after the start.
fn visitor(host: u8, seconds: u64) -> Visitor {
    let start: jiff::Timestamp = "2026-03-01T08:00:00Z".parse().expect("a time");
    let span = Duration::from_secs(seconds);
    let wall = start + jiff::SignedDuration::try_from(span).expect("short");
    let monotonic = Instant::ZERO.after(Duration::from_secs(1_000) + span);
    Visitor { from: [192, 0, 2, host].into(), when: When { wall, monotonic } }
}

#[test]
fn the_set_up_code_cannot_be_guessed_and_no_guesser_keeps_its_owner_waiting() {
    let (_folder, accounts, code) = nobody_yet();
    let guesses = (0..600).filter(|second| {
        let guess = format!("AAAA-AAAA-{second:04}");
        match accounts.set_up(&guess, "Mallory", PASSWORD, visitor(7, *second)) {
            Err(AccountError::WrongCode) => true,
            Err(AccountError::TooMany { wait }) if wait <= Duration::from_secs(60) => false,
            other => panic!("{other:?}"),
        }
    });
    let guesses = guesses.count();
    assert!(guesses <= 35, "{guesses} guesses in ten minutes");
    assert!(accounts.setup_needed());
    // In the same second, from another address. A name or password that cannot be costs no code.
    let owner = visitor(250, 599);
    accounts.set_up(&code, "nobody", PASSWORD, owner).expect_err("a name of the log");
    accounts.set_up(&code, "Ada", "short", owner).expect_err("too short");
    accounts.set_up(&code, "Ada", PASSWORD, owner).expect("the right one");
    assert!(!accounts.setup_needed());
    let again = accounts.set_up(&code, "Eve", PASSWORD, visitor(250, 800));
    assert!(matches!(again, Err(AccountError::AlreadySetUp)), "{again:?}");
}

#[test]
fn an_attack_fills_neither_the_audit_log_nor_hides_in_it() {
    const FAILURES: u8 = 30;
    let (_folder, accounts, _code) = nobody_yet();
    for n in 0..FAILURES {
        let outcome = accounts.sign_in(&format!("guess {n}"), PASSWORD, visitor(n, 0));
        assert!(matches!(outcome, Err(AccountError::WrongPassword)), "{outcome:?}");
    }
    let count = |action: &str| {
        let entries = accounts.audit(500, None).expect("read");
        entries.iter().filter(|row| row.entry.action == action).count()
    };
    accounts.tend(visitor(0, 60).when);
    assert_eq!((count("sign_in_failed"), count("sign_ins_failed")), (20, 0));
    accounts.tend(visitor(0, 3_600).when);
    let newest = accounts.audit(1, None).expect("read").remove(0).entry;
    assert_eq!(
        (newest.action.as_str(), newest.detail.as_str()),
        ("sign_ins_failed", r#"{"not_listed":10}"#)
    );
}

#[test]
fn the_right_password_of_another_or_of_nobody_is_wrong_in_the_same_words() {
    let served = serve();
    served.person("Eva", "viewer");
    let wrong = served.sign_in("Eva", "not this password").expect_err("wrong");
    let nobody = served.sign_in("Nobody Ever", PASSWORD).expect_err("nobody");
    assert_eq!(wrong.refused(403, "wrong_password"), nobody.refused(403, "wrong_password"));
    assert!(wrong.header("set-cookie").is_none());
    assert_eq!(patch(&served, "EVA", &json!({ "disabled": true })).status, 200);
    let disabled = served.sign_in("Eva", PASSWORD).expect_err("disabled");
    assert_eq!(disabled.refused(403, "wrong_password"), nobody.refused(403, "wrong_password"));
}

#[test]
fn guessing_is_slowed_down_and_says_for_how_long() {
    let served = serve();
    served.person("Eva", "viewer");
    let mut refused = None;
    for _ in 0..12 {
        match served.sign_in("Eva", "not this password").expect_err("wrong") {
            reply if reply.status == 429 => {
                refused = Some(reply);
                break;
            }
            reply => drop(reply.refused(403, "wrong_password")),
        }
    }
    let reply = refused.expect("slowed down within a dozen tries");
    let told = reply.refused(429, "too_many_attempts");
    let wait: u64 = reply.header("retry-after").expect("a header").parse().expect("seconds");
    assert!((1..=31).contains(&wait) && told.contains(&format!("{wait} s")), "{told}");
    served.sign_in("Eva", PASSWORD).expect_err("nor the right one, for now");
    served.sign_in(ADMIN, PASSWORD).expect("others are not kept out");
}

#[test]
fn names_are_told_apart_without_case_and_people_are_never_removed() {
    let served = serve();
    served.person("Zoë Nováková", "viewer");
    let body = json!({ "name": "ZOË nováková", "role": "admin", "password": PASSWORD });
    served.post("/api/users", &body.to_string()).refused(409, "name_taken");
    served.sign_in(" zoë NOVÁKOVÁ ", PASSWORD).expect("signed in");
    let users = served.get("/api/users").json();
    let users = users["users"].as_array().expect("a list");
    let zoë = users.iter().find(|user| user["name"] == "Zoë Nováková").expect("listed");
    assert_eq!((&zoë["role"], &zoë["disabled"]), (&json!("viewer"), &json!(false)));
    assert!(zoë["last_seen_at"].is_string() && zoë["created_at"].is_string());
    assert_eq!(users.iter().filter(|user| user.to_string().contains("argon2")).count(), 0);
}

#[test]
fn names_roles_and_passwords_that_cannot_be_are_named_and_not_repeated() {
    let served = serve();
    let refused = |name: &str, role: &str, password: &str| {
        let body = json!({ "name": name, "role": role, "password": password });
        served.post("/api/users", &body.to_string()).refused(422, "bad_request")
    };
    for name in ["", "  ", "a\nb", &"x".repeat(81), "token press", "Console", "nobody"] {
        assert!(refused(name, "viewer", PASSWORD).contains("`name`"), "{name:?}");
    }
    for role in ["", "root", "Admin", "integration"] {
        assert!(refused("Eva", role, PASSWORD).contains("`role`"), "{role:?}");
    }
    for password in ["short", &"x".repeat(257), "eva nováková"] {
        let told = refused("Eva Nováková", "viewer", password);
        assert!(told.contains("`password`") && told.contains("at least 10"), "{told}");
        assert!(!told.contains(password), "{told}");
    }
    assert_eq!(served.get("/api/users").json()["users"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_last_admin_stays_one() {
    let served = serve();
    let me = ADMIN.replace(' ', "%20");
    let me: String = me
        .bytes()
        .map(|byte| match byte {
            b'!'..=b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    patch(&served, &me, &json!({ "role": "engineer" })).refused(409, "last_admin");
    patch(&served, &me, &json!({ "disabled": true })).refused(409, "last_admin");
    served.person("Eva", "admin");
    assert_eq!(patch(&served, "Eva", &json!({ "disabled": true })).status, 200);
    patch(&served, &me, &json!({ "role": "viewer" })).refused(409, "last_admin");
    assert_eq!(patch(&served, "Eva", &json!({ "disabled": false })).status, 200);
    assert_eq!(patch(&served, &me, &json!({ "role": "viewer" })).status, 200);
    // Not an admin any more, from this very moment.
    served.get("/api/users").refused(403, "role_needed");
    // Nor by other hands than the program's, while its triggers stand.
    let disk = rusqlite::Connection::open(served.folder.path().join("standclear.db"));
    let disk = disk.expect("the store");
    let told = disk.execute("UPDATE user SET disabled = 1 WHERE name = 'Eva'", []);
    assert!(told.expect_err("refused").to_string().contains("one enabled admin"));
    assert!(disk.execute("DELETE FROM user", []).is_err());
}

#[test]
fn a_token_is_shown_once_works_and_is_gone_when_taken_away() {
    let served = serve();
    let secret = served.token("Press 3", "viewer");
    let bearer = format!("Bearer {secret}");
    let who = [("Authorization", bearer.as_str())];
    assert_eq!(served.request_as(&who, "GET", "/api/incidents", &[], b"").status, 200);
    let listed = served.get("/api/tokens").json();
    let token = &listed["tokens"][0];
    assert_eq!((&token["name"], &token["role"]), (&json!("Press 3"), &json!("viewer")));
    assert!(token["last_used_at"].is_string() && !listed.to_string().contains(&secret));
    let body = json!({ "name": "press 3", "role": "viewer" }).to_string();
    served.post("/api/tokens", &body).refused(409, "name_taken");
    let path = format!("/api/tokens/{}", token["id"].as_str().expect("an id"));
    assert_eq!(served.request("DELETE", &path, &[], b"").status, 204);
    served.request_as(&who, "GET", "/api/incidents", &[], b"").refused(401, "sign_in_needed");
    served.request("DELETE", &path, &[], b"").refused(404, "unknown_token");
    patch(&served, "nobody-knows", &json!({ "disabled": true })).refused(404, "unknown_user");
    let told =
        patch(&served, "nobody-knows", &json!({ "admin": true })).refused(422, "bad_request");
    assert!(told.contains("unknown field `admin`"), "{told}");
    served.person("Eva", "viewer");
    patch(&served, "Eva", &json!({})).refused(422, "bad_request");
}
