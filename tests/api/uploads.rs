//! Packages and labels that are sent: whole, cut, too large, too many, and by nobody who may.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use standclear::clock;
use standclear::digest::sha256_of;
use standclear::web::MODEL_QUESTIONS_MAX;

use super::fake::example_desk::NO_COCO;
use super::fake::model_desk::{NAME, PANICS, UNSIGNED, USELESS, digest};
use super::fake::{ADMIN, Reply, Served, eventually, serve};

const PACKAGE: [(&str, &str); 1] = [("Content-Type", "application/octet-stream")];
const LABELS: [(&str, &str); 1] = [("Content-Type", "application/json")];
const IMPORT: &str = "/api/examples/import";

fn send(served: &Served, path: &str, body: &[u8]) -> Reply {
    served.request("POST", path, &PACKAGE, body)
}

/// The head of a request of the admin's that says how long its body is, or that nobody knows.
fn begin(served: &Served, path: &str, kind: &str, length: Option<u64>) -> TcpStream {
    let mut stream = served.connect();
    let length = match length {
        Some(length) => format!("Content-Length: {length}"),
        None => "Transfer-Encoding: chunked".to_owned(),
    };
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\n\
         Cookie: {}\r\nX-Standclear-CSRF: {}\r\n{length}\r\n\r\n",
        served.address, served.admin.cookie, served.admin.csrf
    )
    .expect("sent");
    stream
}

fn package(served: &Served, length: u64) -> TcpStream {
    begin(served, "/api/models", "application/octet-stream", Some(length))
}

/// All that the server says, as far as it does.
fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_package_arrives_byte_for_byte_with_its_name_and_its_sender() {
    let served = serve();
    // More than all that is kept on the way.
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let reply = send(&served, "/api/models?name=r%C3%A9%204.standclear-model", &bytes);
    let installed =
        json!({"digest": digest().to_string(), "name": NAME, "version": "r3", "release": 4});
    assert_eq!((reply.status, reply.json()), (201, installed));
    let arrived = [("ré 4.standclear-model".into(), sha256_of(&bytes), ADMIN.into())];
    assert_eq!(served.fake.models.arrived(), arrived);
    for wrong in ["name=", "name=a%0Ab", &format!("name={}", "x".repeat(201)), "nmae=a"] {
        send(&served, &format!("/api/models?{wrong}"), b"small").refused(422, "bad_request");
    }
    assert_eq!(served.fake.models.arrived().len(), 1);
}

#[test]
fn a_refused_package_is_named_after_the_attack_while_it_is_still_being_sent() {
    let served = serve();
    let mut stream = package(&served, 4_000_000);
    stream.write_all(UNSIGNED).expect("sent");
    // The rest comes slowly and is not waited for for ever.
    let rest = vec![0; 4_000_000 - UNSIGNED.len()];
    let _ = stream.write_all(&rest);
    let told = answer(stream);
    assert!(told.starts_with("HTTP/1.1 422") && told.contains("\"unsigned\""), "{told}");
    let told = send(&served, "/api/models", USELESS).refused(422, "too_slow");
    assert!(told.contains("2.1 s"), "{told}");
    assert!(served.fake.models.arrived().is_empty());
}

#[test]
fn a_package_that_does_not_arrive_whole_looks_whole_to_nobody_and_makes_way_for_the_next() {
    let served = serve();
    let mut half = package(&served, 1_000_000);
    half.write_all(&[7; 500_000]).expect("sent");
    half.shutdown(Shutdown::Write).expect("shut");
    let told = answer(half);
    assert!(told.starts_with("HTTP/1.1 400") && told.contains("broken_body"), "{told}");
    eventually("there is a place again", || send(&served, "/api/models", UNSIGNED).status == 422);
    let mut gone = package(&served, 1_000_000);
    gone.write_all(&[7; 500_000]).expect("sent");
    drop(gone);
    let arrived = || served.fake.models.arrived();
    eventually("both have ended", || arrived().len() == 2);
    for (_, what, _) in arrived() {
        assert_ne!(what.len(), 64, "an error and no digest: {what}");
    }
    let whole = || send(&served, "/api/models", b"a whole package").status;
    eventually("the next one is taken", || whole() == 201);
}

#[test]
fn too_large_a_package_is_refused_before_it_is_sent_and_labels_while_they_are() {
    let served = serve();
    let told = answer(package(&served, 512 * 1024 * 1024 + 1));
    assert!(told.starts_with("HTTP/1.1 413") && told.contains("536870912"), "{told}");
    // One that does not say how much will come.
    let mut stream = begin(&served, IMPORT, "application/json", None);
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 0x10_0000], b"\r\n"].concat();
    for _ in 0..65 {
        // The box may have had enough by then.
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    eventually("the reader has heard of it", || !served.fake.models.arrived().is_empty());
    let (_, what, _) = served.fake.models.arrived().remove(0);
    assert!(what.contains("larger than 67108864 bytes"), "{what}");
}

#[test]
fn a_package_is_no_form_and_no_json_and_takes_the_header_of_our_own_page() {
    let served = serve();
    for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain", ""] {
        let told = served.request("POST", "/api/models", &[("Content-Type", kind)], b"package");
        let told = told.refused(415, "wrong_content_type");
        assert!(told.contains("application/octet-stream"), "{told}");
    }
    // And nothing else is taken as one.
    served
        .request("POST", "/api/models/rollback", &PACKAGE, b"{}")
        .refused(415, "wrong_content_type");
    let cookie = [("Cookie", served.admin.cookie.as_str())];
    served
        .request_as(&cookie, "POST", "/api/models", &PACKAGE, b"package")
        .refused(403, "csrf_needed");
    let origin = [("Origin", "https://evil.example"), PACKAGE[0]];
    served.request("POST", "/api/models", &origin, b"package").refused(403, "wrong_origin");
    assert!(served.fake.models.arrived().is_empty());
}

#[test]
fn a_taking_in_that_panics_costs_one_answer() {
    let served = serve();
    send(&served, "/api/models", PANICS).refused(500, "internal");
    eventually("there is a place again", || {
        send(&served, "/api/models", b"a package").status == 201
    });
}

#[test]
fn one_package_at_a_time_and_a_slow_one_holds_up_nothing_but_the_next() {
    let served = serve();
    let begun = || {
        let mut slow = package(&served, 1_000_000);
        slow.write_all(b"a package").expect("sent");
        slow
    };
    let mut slow = begun();
    eventually("it has the place", || {
        let is_busy = send(&served, "/api/models", UNSIGNED).status == 409;
        // What is sent here may have been there before, and then it is the slow one that was sent away.
        if !is_busy {
            slow = begun();
        }
        is_busy
    });
    let told = send(&served, "/api/models", b"another").refused(409, "busy");
    assert!(told.contains("being taken in"), "{told}");
    served.post("/api/models/carried/a1", "{}").refused(409, "busy");
    let asked_at = clock::monotonic();
    assert_eq!(served.get("/api/models").status, 200);
    assert_eq!(served.get("/api/incidents?limit=1").status, 200);
    assert_eq!(served.post("/api/models/rollback", r#"{"reason": "why"}"#).status, 200);
    assert_eq!(served.post("/api/alarms/40/acknowledge", "{}").status, 200);
    assert_eq!(served.request("POST", IMPORT, &LABELS, b"{}").status, 200);
    let took = clock::monotonic().since(asked_at);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_disk_of_models_that_hangs_keeps_nobody_from_questions_and_answers() {
    let served = serve();
    served.fake.models.hangs.store(true, Ordering::SeqCst);
    let asking: Vec<TcpStream> = (0..3 * MODEL_QUESTIONS_MAX)
        .map(|number| {
            let path = ["/api/models", "/api/models/cases", "/api/models/cases/1/picture"];
            let mut stream = served.connect();
            let (host, cookie) = (served.address, &served.admin.cookie);
            let path = path[number % path.len()];
            write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n")
                .expect("sent");
            stream
        })
        .collect();
    let hanging = || served.fake.models.hanging.load(Ordering::SeqCst);
    eventually("every place is taken", || hanging() == MODEL_QUESTIONS_MAX);
    let mut back = begin(&served, "/api/models/rollback", "application/json", Some(17));
    back.write_all(br#"{"reason": "why"}"#).expect("sent");
    eventually("a step hangs, too", || hanging() == MODEL_QUESTIONS_MAX + 1);
    let told = served.post("/api/models/rollback", r#"{"reason": "why"}"#).refused(409, "busy");
    assert!(told.contains("another step is under way"), "{told}");
    let asked_at = clock::monotonic();
    assert_eq!(served.get("/api/incidents?limit=1").status, 200);
    assert_eq!(served.post("/api/alarms/40/acknowledge", "{}").status, 200);
    let took = clock::monotonic().since(asked_at);
    assert!(took < Duration::from_secs(2), "{took:?}");
    let told = served.get("/api/models/shadow").refused(503, "busy");
    assert!(told.contains("others ask about models"), "{told}");
    assert_eq!(hanging(), MODEL_QUESTIONS_MAX + 1, "no further thread waits for it");
    drop(asking);
}

#[test]
fn labels_come_back_whole_or_not_at_all() {
    let served = serve();
    let reply = served.request("POST", IMPORT, &LABELS, br#"{"images": []}"#);
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({"labels": 3, "unknown": 1, "changed": 2}))
    );
    let told = served.request("POST", IMPORT, &LABELS, NO_COCO).refused(422, "bad_import");
    assert!(told.contains("line 1"), "{told}");
    // More than any other body may have.
    let many = format!("{{\"images\": [{}0]}}", "0,".repeat(200_000));
    assert_eq!(served.request("POST", IMPORT, &LABELS, many.as_bytes()).status, 200);
    let (_, what, by) = served.fake.models.arrived().pop().expect("it arrived");
    assert_eq!((what, by.as_str()), (sha256_of(many.as_bytes()), ADMIN));
    served.post("/api/models/review", &many).refused(413, "too_large");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_sent_to_whatever_route_is_answered_and_breaks_nothing(
        tail in "[a-z0-9%./_?=&-]{0,40}",
        body in proptest::collection::vec(any::<u8>(), 1..400),
        route in 0_usize..8,
        read in any::<u8>(),
    ) {
        let served = SERVED.get_or_init(|| std::sync::Mutex::new(serve()));
        let served = served.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let starts = ["models/", "models?", "examples/", "examples?", "models/evidence?",
            "models/cases?", "models/cases/", "examples/thresholds?"];
        let path = format!("/api/{}{tail}", starts[route]);
        let method = if read.is_multiple_of(2) { "GET" } else { "POST" };
        let reply = served.request(method, &path, &LABELS, &body);
        let status = reply.status;
        prop_assert!(status < 600 && status != 500, "{method} {path}: {reply:?}");
        if status >= 400 && !path.contains("/../") {
            let json = reply.json();
            prop_assert!(json["error"]["message"].is_string(), "{method} {path}: {reply:?}");
        }
        prop_assert_eq!(served.get("/api/models").status, 200);
    }
}

/// One server for all cases.
static SERVED: std::sync::OnceLock<std::sync::Mutex<Served>> = std::sync::OnceLock::new();
