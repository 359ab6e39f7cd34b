//! What may not come in: foreign names, other pages, large bodies, and listening to the outside.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::Duration;

use standclear::clock;
use standclear::web::{self, CONNECTIONS_MAX, QUESTIONS_MAX, Settings, WebError};

use super::ACKNOWLEDGE;
use super::fake::{HANGS_BEFORE, eventually, serve};

#[test]
fn only_loopback_names_are_answered() {
    let served = serve();
    let port = served.address.port();
    for right in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "127.8.9.1:80",
        "[::1]:8080",
        &format!("localhost:{port}"),
    ] {
        assert_eq!(
            served.request("GET", "/api/state", &[("Host", right)], b"").status,
            200,
            "{right}"
        );
    }
    for wrong in [
        "evil.example",
        "evil.example:80",
        "192.168.1.7",
        "localhost.evil.example",
        "0.0.0.0",
        "localhost@evil.example",
        "evil.example@localhost",
        "",
        "127.0.0.1.evil.example",
        "[::2]",
    ] {
        for path in ["/api/state", "/", "/healthz", "/api/stream"] {
            let told =
                served.request("GET", path, &[("Host", wrong)], b"").refused(421, "wrong_host");
            assert!(told.contains("localhost"), "{told}");
        }
    }
    let two = [("Host", "localhost"), ("Host", "evil.example")];
    served.request("GET", "/api/state", &two, b"").refused(421, "wrong_host");
    served
        .request("GET", "http://evil.example/api/state", &[("Host", "localhost")], b"")
        .refused(421, "wrong_host");
    served.raw(b"GET /api/state HTTP/1.0\r\n\r\n").refused(421, "wrong_host");
}

#[test]
fn another_page_cannot_answer_an_alarm() {
    let served = serve();
    let mine = format!("http://{}", served.address);
    let other_port = format!("http://127.0.0.1:{}", served.address.port() ^ 1);
    for origin in ["http://evil.example", "null", "https://localhost", other_port.as_str(), ""] {
        let headers = [("Content-Type", "application/json"), ("Origin", origin)];
        let told =
            served.request("POST", ACKNOWLEDGE, &headers, b"{}").refused(403, "wrong_origin");
        assert!(told.contains(&mine), "{told}");
    }
    assert!(served.fake.answers.lock().expect("not poisoned").is_empty());
    let headers = [("Content-Type", "application/json; charset=utf-8"), ("Origin", mine.as_str())];
    assert_eq!(served.request("POST", ACKNOWLEDGE, &headers, b"{}").status, 200);
}

#[test]
fn a_large_body_is_refused_whether_it_says_its_size_or_not() {
    let served = serve();
    let head = format!(
        "POST {ACKNOWLEDGE} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Cookie: {}\r\nX-Standclear-CSRF: {}\r\n",
        served.address, served.admin.cookie, served.admin.csrf
    );
    // Ten megabytes announced: refused before the first of them is sent.
    served
        .raw(format!("{head}Content-Length: 10485760\r\n\r\n").as_bytes())
        .refused(413, "too_large");
    let hidden = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n5000\r\n{}\r\n0\r\n\r\n",
        " ".repeat(0x5000)
    );
    served.raw(hidden.as_bytes()).refused(413, "too_large");
}

#[test]
fn nothing_leaves_the_machine_unencrypted() {
    let served = serve();
    let listener = web::bind("0.0.0.0:0".parse().expect("an address")).expect("bound");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let outcome = runtime.block_on(web::serve(
        listener,
        served.fake.clone(),
        Settings::plain(),
        std::future::pending(),
    ));
    let error = outcome.expect_err("refused");
    assert!(matches!(error, WebError::NotEncrypted { .. }), "{error:?}");
    assert!(error.to_string().contains("tls = true"), "{error}");
}

#[test]
fn an_address_in_use_is_said_to_be() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("an address");
    let error = web::bind(address).expect_err("in use");
    assert!(matches!(error, WebError::InUse { .. }), "{error:?}");
    let told = error.to_string();
    assert!(told.contains(&address.to_string()) && told.contains("`listen` in `[web]`"), "{told}");
}

#[test]
fn idle_connections_on_every_place_do_not_keep_the_state_from_being_asked() {
    let served = serve();
    let idle = served.crowd(CONNECTIONS_MAX);
    let start = clock::monotonic();
    assert_eq!(served.get("/api/state").status, 200);
    assert_eq!(served.post(ACKNOWLEDGE, "{}").status, 200);
    let took = clock::monotonic().since(start);
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(idle);
}

#[test]
fn one_address_that_takes_all_it_can_get_keeps_nobody_else_waiting() {
    let served = serve();
    // Far more than there are places; those that find none are told and end.
    let mut greedy: Vec<_> = (0..2 * CONNECTIONS_MAX).map(|_| served.connect_from(9)).collect();
    let start = clock::monotonic();
    assert_eq!(served.get("/api/state").status, 200);
    assert_eq!(served.post(ACKNOWLEDGE, "{}").status, 200);
    let took = clock::monotonic().since(start);
    assert!(took < Duration::from_secs(2), "{took:?}");
    // What it gave back it may have again.
    greedy.clear();
    let mut answer = String::new();
    eventually("there is a place again", || {
        let mut stream = served.connect_from(9);
        let host = served.address;
        let asked =
            write!(stream, "GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        answer.clear();
        asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains("status")
    });
}

#[test]
fn whoever_finds_no_place_is_told_at_once_and_served_later() {
    let served = serve();
    let idle = served.crowd(CONNECTIONS_MAX + 100);
    // Says nothing first: the answer to a connection beyond all places needs no request.
    let start = clock::monotonic();
    served.raw(b"").refused(503, "too_many_connections");
    let took = clock::monotonic().since(start);
    assert!(took < Duration::from_secs(3), "{took:?}");
    drop(idle);
    eventually("there is a place again", || {
        served.get("/healthz").json()["error"]["code"] != "too_many_connections"
    });
}

#[test]
fn slow_questions_on_every_place_do_not_keep_an_alarm_from_being_answered() {
    let served = serve();
    let question = format!("/api/incidents?before={HANGS_BEFORE}");
    std::thread::scope(|scope| {
        for _ in 0..2 * QUESTIONS_MAX {
            scope.spawn(|| served.get(&question).refused(503, "too_slow"));
        }
        eventually("every place is taken", || {
            served.fake.hanging.load(Ordering::SeqCst) == QUESTIONS_MAX
        });
        let start = clock::monotonic();
        assert_eq!(served.post(ACKNOWLEDGE, "{}").status, 200);
        let took = clock::monotonic().since(start);
        assert!(took < Duration::from_secs(2), "{took:?}");
    });
}
