//! A disk of evidence that hangs: who looks at evidence waits, nobody else.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

use standclear::clock;
use standclear::web::{DOWNLOADS_MAX, EXPORTS_MAX, READS_MAX};

use crate::fake::evidence_desk::CLIP_HANGS;
use crate::fake::{HANGS_BEFORE, Served, eventually, serve};

/// Nobody who answers an alarm waits for what others want to see.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// Asks, and waits for nothing.
fn ask(served: &Served, path: &str) -> TcpStream {
    let mut stream = served.connect();
    let (host, cookie) = (served.address, &served.admin.cookie);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n")
        .expect("sent");
    stream
}

#[test]
fn a_disk_of_evidence_that_hangs_keeps_nobody_from_questions_and_answers() {
    let served = serve();
    assert_eq!(served.post("/api/privacy/clear", r#"{"reason": "who was it"}"#).status, 200);
    let path = format!("/api/incidents/{CLIP_HANGS}/clips/1");
    let _players: Vec<_> = (0..DOWNLOADS_MAX).map(|_| ask(&served, &path)).collect();
    let hanging = || served.fake.hanging.load(Ordering::SeqCst);
    eventually("the disk hangs", || hanging() == READS_MAX);
    let asked_at = clock::monotonic();
    assert_eq!(served.get("/api/incidents?limit=1").status, 200);
    assert_eq!(served.post("/api/alarms/40/acknowledge", "{}").status, 200);
    let took = clock::monotonic().since(asked_at);
    assert!(took < ANSWERED_WITHIN, "{took:?}");
    served.get("/api/incidents/17/clips/1").refused(503, "busy");
    served.get("/api/incidents/17/export.zip").refused(503, "busy");
    assert_eq!(hanging(), READS_MAX, "no further thread waits for it");
}

#[test]
fn whoever_fetches_many_archives_leaves_places_for_those_who_watch_a_clip() {
    let served = serve();
    let path = format!("/api/incidents/{}/export.zip", HANGS_BEFORE - 1);
    let _takers: Vec<_> = (0..EXPORTS_MAX).map(|_| ask(&served, &path)).collect();
    eventually("the store hangs", || served.fake.hanging.load(Ordering::SeqCst) == EXPORTS_MAX);
    let told = served.get("/api/incidents/17/export.zip").refused(503, "busy");
    assert!(told.contains("archives are being sent already"), "{told}");
}

// Each of them has a place of those of clips.
const _: () = assert!(EXPORTS_MAX < DOWNLOADS_MAX && EXPORTS_MAX <= READS_MAX);
