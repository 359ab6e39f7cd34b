//! A disk of evidence that hangs: who looks at evidence waits, nobody else.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use standclear::clock;
use standclear::web::{DOWNLOADS_MAX, READS_MAX};

use crate::fake::evidence_desk::CLIP_HANGS;
use crate::fake::{eventually, serve};

/// Nobody who answers an alarm waits for what others want to see.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

#[test]
fn a_disk_of_evidence_that_hangs_keeps_nobody_from_questions_and_answers() {
    let served = serve();
    assert_eq!(served.post("/api/privacy/clear", r#"{"reason": "who was it"}"#).status, 200);
    let path = format!("/api/incidents/{CLIP_HANGS}/clips/1");
    let ask = || {
        let mut stream = served.connect();
        let (host, cookie) = (served.address, &served.admin.cookie);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n")
            .expect("sent");
        stream
    };
    let _players: Vec<_> = (0..DOWNLOADS_MAX).map(|_| ask()).collect();
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
