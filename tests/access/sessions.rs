//! Sessions: what the cookie is, when they end, and what ends with them.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use standclear::clock;
use standclear::guard::clerk::Clerk;
use standclear::guard::handle::{AccountError, Accounts, Proof, Role, Visitor, When};
use standclear::store::Store;
use tokio_stream::StreamExt;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::fake::{ADMIN, PASSWORD, Served, Session, eventually, picture, serve};

const ACKNOWLEDGE: &str = "/api/alarms/40/acknowledge";
const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
const LIVE: &str = "/api/cameras/yard-%C3%A9ast/live";

/// A stream ends this soon after its reader lost the right to it.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

#[test]
fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let served = serve();
    let body = json!({ "name": ADMIN.to_uppercase(), "password": PASSWORD }).to_string();
    let reply = served.request_as(&[], "POST", "/api/session", &JSON, body.as_bytes());
    assert_eq!(reply.status, 200);
    let cookie = reply.header("set-cookie").expect("a cookie").to_owned();
    let mut parts = cookie.split("; ");
    let (name, secret) = parts.next().and_then(|pair| pair.split_once('=')).expect("a pair");
    assert_eq!((name, secret.len()), ("standclear_session", 64));
    let flags: Vec<&str> = parts.collect();
    assert_eq!(flags, ["Max-Age=604800", "Path=/", "HttpOnly", "SameSite=Strict"]);
    let session = reply.json();
    assert_eq!(session["signed_in"], json!({ "name": ADMIN, "role": "admin" }));
    assert_eq!(session["setup_needed"], false);
    assert_eq!(session["roles"], json!(["viewer", "supervisor", "engineer", "admin"]));
    // What the page says is not what the cookie holds, nor what the store keeps of it.
    let csrf = session["csrf"].as_str().expect("a text");
    assert!(csrf != secret && csrf.len() == 64);
    let nobody = served.request_as(&[], "GET", "/api/session", &[], b"").json();
    assert_eq!((&nobody["signed_in"], &nobody["csrf"]), (&json!(null), &json!(null)));
}

#[test]
fn a_change_needs_the_pages_own_header_and_no_other_pages() {
    let served = serve();
    let other = served.person("Eva", "admin");
    let cookie = ("Cookie", served.admin.cookie.as_str());
    for csrf in [None, Some(""), Some("0"), Some(other.csrf.as_str())] {
        let mut who = vec![cookie];
        who.extend(csrf.map(|csrf| ("X-Standclear-CSRF", csrf)));
        for (method, path) in
            [("POST", ACKNOWLEDGE), ("DELETE", "/api/session"), ("PATCH", "/api/users/Eva")]
        {
            let told =
                served.request_as(&who, method, path, &JSON, b"{}").refused(403, "csrf_needed");
            assert!(told.contains("X-Standclear-CSRF"), "{told}");
        }
        assert_eq!(served.request_as(&who, "GET", "/api/state", &[], b"").status, 200);
    }
    assert!(served.fake.answers.lock().expect("not poisoned").is_empty());
    assert_eq!(served.post(ACKNOWLEDGE, "{}").status, 200);
}

#[test]
fn signing_out_ends_the_session_and_takes_the_cookie_back() {
    let served = serve();
    let eva = served.person("Eva", "viewer");
    let again = served.sign_in("Eva", PASSWORD).expect("in another browser");
    let reply = served.request_as(&eva.headers(), "DELETE", "/api/session", &[], b"");
    assert_eq!(reply.status, 204);
    assert!(reply.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")));
    served.request_as(&eva.headers(), "GET", "/api/state", &[], b"").refused(401, "sign_in_needed");
    assert_eq!(served.request_as(&again.headers(), "GET", "/api/state", &[], b"").status, 200);
}

/// Accounts without a server, and the time.
struct Alone {
    folder: tempfile::TempDir,
    accounts: Accounts,
}

impl Alone {
    fn new() -> Alone {
        let folder = tempfile::tempdir().expect("a folder");
        let (accounts, code) = open(&folder);
        let code = code.expect("a set-up code");
        accounts.set_up(&code, "Ada", PASSWORD, visitor(at(0))).expect("set up");
        Alone { folder, accounts }
    }

    fn sign_in(&self, name: &str, hours: i64) -> String {
        let signed_in = self.accounts.sign_in(name, PASSWORD, visitor(at(hours)));
        signed_in.expect("signed in").session_secret
    }

    fn is_in(&self, secret: &str, hours: i64) -> bool {
        self.accounts.session(secret, at(hours).wall).is_some()
    }

    /// The box stops and starts.
    fn restart(self) -> Alone {
        let Alone { folder, accounts } = self;
        drop(accounts);
        let (accounts, code) = open(&folder);
        assert_eq!(code, None, "there is an admin");
        Alone { folder, accounts }
    }
}

fn open(folder: &tempfile::TempDir) -> (Accounts, Option<String>) {
    // The thread of the clerk before lets go of the store when it notices.
    let mut store = None;
    eventually("the store is free", || {
        store = Store::open(folder.path()).ok();
        store.is_some()
    });
    let store = store.expect("just opened");
    let audit = store.audit_reader().expect("a reader");
    let rows = store.accounts().expect("read");
    let clerk = Clerk::over(store).expect("a thread");
    Accounts::new(rows, audit, clerk).expect("accounts")
}

fn at(hours: i64) -> When {
    let start: jiff::Timestamp = "2026-03-01T08:00:00Z".parse().expect("a time");
    let span = Duration::from_secs(u64::try_from(hours).expect("later") * 3600);
    When {
        wall: start + SignedDuration::from_hours(hours),
        monotonic: standclear::engine::time::Instant::ZERO.after(span),
    }
}

fn visitor(when: When) -> Visitor {
    Visitor { from: [192, 0, 2, 1].into(), when }
}

#[test]
fn a_session_ends_after_a_shift_without_use_and_after_a_week_with() {
    let alone = Alone::new();
    let idle = alone.sign_in("ada", 0);
    assert!(alone.is_in(&idle, 11));
    assert!(alone.is_in(&idle, 22), "it was used 11 hours ago");
    assert!(!alone.is_in(&idle, 34), "it was not used for 12 hours");
    let busy = alone.sign_in("Ada", 0);
    for hours in (0..168).step_by(6) {
        assert!(alone.is_in(&busy, hours), "after {hours} h");
    }
    assert!(!alone.is_in(&busy, 168), "a week is over");
}

#[test]
fn a_viewer_stays_on_the_wall_for_a_season_and_loses_that_with_the_role() {
    let alone = Alone::new();
    let ada = alone.accounts.sign_in("Ada", PASSWORD, visitor(at(0))).expect("in").identity;
    alone.accounts.add_user(&ada, "Wall", Role::Viewer, PASSWORD, at(0)).expect("added");
    let wall = alone.sign_in("Wall", 0);
    assert!(alone.is_in(&wall, 89 * 24), "89 days without a request");
    assert!(!alone.is_in(&wall, 90 * 24));
    let patch =
        standclear::guard::handle::UserPatch { role: Some(Role::Supervisor), ..Default::default() };
    let wall = alone.sign_in("Wall", 0);
    alone.accounts.change_user(&ada, "wall", patch, at(1)).expect("changed");
    assert!(!alone.is_in(&wall, 13), "a supervisor's session ends after a shift");
}

#[test]
fn sessions_tokens_and_passwords_survive_a_restart_and_no_secret_lies_in_the_store() {
    let alone = Alone::new();
    let ada = alone.accounts.sign_in("Ada", PASSWORD, visitor(at(0))).expect("in");
    let (_row, token) =
        alone.accounts.add_token(&ada.identity, "press", Role::Integration, at(0)).expect("made");
    let alone = alone.restart();
    assert!(alone.is_in(&ada.session_secret, 1));
    let machine = alone.accounts.token(&token, at(1).wall).expect("known");
    assert_eq!((machine.name.as_str(), machine.role), ("token press", Role::Integration));
    alone.sign_in("Ada", 1);
    let alone = alone.restart();
    for file in std::fs::read_dir(alone.folder.path()).expect("a folder") {
        let path = file.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        for secret in [ada.session_secret.as_str(), &token, PASSWORD] {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
    }
}

#[test]
fn an_own_new_password_ends_the_other_sessions_and_not_this_one() {
    let alone = Alone::new();
    let here = alone.accounts.sign_in("Ada", PASSWORD, visitor(at(0))).expect("in");
    let there = alone.sign_in("Ada", 0);
    let change =
        |old, new| alone.accounts.change_password(&here.identity, old, new, visitor(at(1)));
    change("not the password", "another password").expect_err("wrong");
    change(PASSWORD, "too short").expect_err("too short");
    change(PASSWORD, "another password").expect("changed");
    assert!(alone.is_in(&here.session_secret, 1) && !alone.is_in(&there, 1));
    let alone = alone.restart();
    assert!(alone.is_in(&here.session_secret, 1) && !alone.is_in(&there, 1));
    alone.accounts.sign_in("Ada", PASSWORD, visitor(at(2))).expect_err("the old one");
    alone.accounts.sign_in("Ada", "another password", visitor(at(2))).expect("the new one");
}

#[test]
fn a_store_that_takes_nothing_keeps_nobody_out_and_gets_everything_later() {
    let alone = Alone::new();
    let disk = rusqlite::Connection::open(alone.folder.path().join("standclear.db"));
    let disk = disk.expect("the store");
    disk.execute_batch("BEGIN IMMEDIATE").expect("to ourselves");
    let secret = alone.sign_in("Ada", 0);
    assert!(alone.is_in(&secret, 0));
    disk.execute_batch("ROLLBACK").expect("given back");
    alone.accounts.tend(at(0));
    let entries = alone.accounts.audit(10, None).expect("read");
    let actions: Vec<&str> = entries.iter().map(|row| row.entry.action.as_str()).collect();
    assert_eq!(actions, ["signed_in", "set_up"]);
    let alone = alone.restart();
    assert!(alone.is_in(&secret, 1), "it is in the store");
}

#[test]
fn a_change_the_store_does_not_take_is_no_change() {
    let alone = Alone::new();
    let ada = alone.accounts.sign_in("Ada", PASSWORD, visitor(at(0))).expect("in").identity;
    let disk = rusqlite::Connection::open(alone.folder.path().join("standclear.db"));
    let disk = disk.expect("the store");
    disk.execute_batch("BEGIN IMMEDIATE").expect("to ourselves");
    let add = |name| alone.accounts.add_user(&ada, name, Role::Engineer, PASSWORD, at(1));
    let error = add("Eva").expect_err("not kept");
    assert!(matches!(error, AccountError::Store(_) | AccountError::Clerk(_)), "{error:?}");
    assert_eq!(alone.accounts.users().len(), 1);
    alone.accounts.sign_in("Eva", PASSWORD, visitor(at(1))).expect_err("nobody");
    disk.execute_batch("ROLLBACK").expect("given back");
    // Whoever was told that the outcome is not known may find that it was kept after all.
    let again = add("Eva");
    assert!(matches!(again, Ok(_) | Err(AccountError::NameTaken)), "{again:?}");
    let alone = alone.restart();
    alone.sign_in("Eva", 1);
}

/// Lines of `/api/stream`, for whoever shows this header.
fn stream(served: &Served, who: &str) -> BufReader<TcpStream> {
    let mut stream = served.connect();
    write!(
        stream,
        "GET /api/stream HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{who}\r\n\r\n",
        served.address
    )
    .expect("sent");
    let mut lines = BufReader::new(stream);
    let mut status = String::new();
    lines.read_line(&mut status).expect("a status");
    assert!(status.contains("200"), "{status}");
    lines
}

#[test]
fn an_open_stream_ends_soon_after_its_reader_may_no_longer_see() {
    let served = serve();
    let patch = |body: &str| {
        let path = "/api/users/Eva";
        let reply = served.request("PATCH", path, &JSON, body.as_bytes());
        assert_eq!(reply.status, 200, "{reply:?}");
    };
    let eva = served.person("Eva", "supervisor");
    let endings: [&dyn Fn(&Session); 3] = [
        &|_session| patch(r#"{"disabled": true}"#),
        &|_session| patch(r#"{"password": "another password"}"#),
        &|session| {
            served.request_as(&session.headers(), "DELETE", "/api/session", &[], b"");
        },
    ];
    let mut session = eva;
    for ending in endings {
        let lines = stream(&served, &format!("Cookie: {}", session.cookie));
        ends_soon(lines, || ending(&session));
        patch(&json!({ "disabled": false, "password": PASSWORD }).to_string());
        session = served.sign_in("Eva", PASSWORD).expect("again");
    }
    let lines =
        stream(&served, &format!("Authorization: Bearer {}", served.token("wall", "viewer")));
    let id =
        served.get("/api/tokens").json()["tokens"][0]["id"].as_str().expect("an id").to_owned();
    ends_soon(lines, || {
        served.request("DELETE", &format!("/api/tokens/{id}"), &[], b"");
    });
}

fn ends_soon(mut lines: BufReader<TcpStream>, ending: impl FnOnce()) {
    let mut line = String::new();
    while !line.starts_with("data: ") {
        line.clear();
        lines.read_line(&mut line).expect("a state");
    }
    let start = clock::monotonic();
    ending();
    while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
        line.clear();
        assert!(clock::monotonic().since(start) < ENDS_WITHIN, "it goes on");
    }
    let took = clock::monotonic().since(start);
    assert!(took < ENDS_WITHIN, "{took:?}");
}

#[test]
fn live_pictures_are_for_viewers_and_end_soon_after_the_right_to_them() {
    let served = serve();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ask = |header: &'static str, value: String| {
        let url = format!("ws://{}{LIVE}", served.address);
        let mut request = url.into_client_request().expect("a request");
        if !value.is_empty() {
            request.headers_mut().insert(header, value.parse().expect("a value"));
        }
        connect_async(request)
    };
    let refused = |header, value| match runtime.block_on(ask(header, value)) {
        Err(Error::Http(reply)) => reply.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => 101,
    };
    let integration = served.token("press", "integration");
    let viewer = served.token("wall", "viewer");
    assert_eq!(refused("Cookie", String::new()), 401);
    assert_eq!(refused("Cookie", "standclear_session=00".into()), 401);
    assert_eq!(refused("Authorization", format!("Bearer {integration}")), 403);
    assert_eq!(refused("Authorization", format!("Bearer {viewer}")), 101);

    let eva = served.person("Eva", "viewer");
    runtime.block_on(async {
        let (mut socket, _reply) = ask("Cookie", eva.cookie.clone()).await.expect("connected");
        served.fake.pictures.send_replace(picture(1, 100));
        let message = socket.next().await.expect("a message").expect("a picture");
        assert!(message.is_binary());
        let start = clock::monotonic();
        served.request_as(&eva.headers(), "DELETE", "/api/session", &[], b"");
        let closed = loop {
            match tokio::time::timeout(ENDS_WITHIN, socket.next()).await.expect("in time") {
                Some(Ok(Message::Close(frame))) => break frame.expect("a reason"),
                Some(Ok(_picture)) => {}
                Some(Err(error)) => panic!("{error}"),
                None => panic!("no goodbye"),
            }
        };
        assert!(clock::monotonic().since(start) < ENDS_WITHIN);
        assert_eq!((u16::from(closed.code), closed.reason.as_str()), (1008, "signed out"));
    });
}

#[test]
fn a_proof_is_asked_again_and_loses_its_worth() {
    let alone = Alone::new();
    let ada = alone.accounts.sign_in("Ada", PASSWORD, visitor(at(0))).expect("in").identity;
    assert!(matches!(ada.proof, Proof::Session(_)));
    assert!(alone.accounts.again(&ada.proof, at(1).wall).is_some());
    alone.accounts.sign_out(&ada, at(1));
    assert!(alone.accounts.again(&ada.proof, at(1).wall).is_none());
}
