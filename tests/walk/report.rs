//! The report: what an auditor needs is in it, and no text of a person is markup.

use std::io::{Read, Write};
use std::net::TcpStream;

use standclear::guard::accounts::{Visitor, When};
use standclear::guard::app::Guard;
use standclear::guard::handle::{
    CalibrationFacts, SetbackFacts, SirenHeard, WalkReport, WalkState,
};
use standclear::web::walk::report::{STATEMENT, page};

use crate::site::wait_for;
use crate::worker::Scene;
use crate::yard::{LEFT, RIGHT, RING, TOP, begin, handle, site, start, walk};

/// A test in which two edges passed and one was skipped.
fn walked(guard: &Guard, site: &crate::site::TestSite) -> WalkReport {
    let test = begin(guard);
    let desk = handle(guard);
    let desk = desk.walk_desk();
    for (scene, edge) in [(Scene::FromLeft, LEFT), (Scene::FromAbove, TOP)] {
        walk(site, guard, test.id, scene, edge);
    }
    desk.skip_edge(test.id, RIGHT, "Eva", "<b>a wall</b>").expect("skipped");
    wait_for("the picture of the test", || desk.walk_report(test.id).expect("a report").picture);
    desk.finish_walk(test.id, "Eva").expect("finished");
    // The painter draws the incidents' pictures when it has time.
    wait_for("the incidents' pictures", || {
        let report = desk.walk_report(test.id).expect("a report");
        (report.snapshots.len() == 2).then_some(report)
    })
}

#[test]
fn what_an_auditor_needs_is_in_the_report_and_nothing_is_markup() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    let mut report = walked(&guard, &site);
    let text = page(&report);
    let test = &report.test;
    for wanted in [
        "INCOMPLETE",
        "Test &amp; Co",
        "Bay &lt;1&gt;",
        "Tom &lt;T&gt;",
        "by Eva",
        "fake 1",
        "d1ce",
        &test.zone_digest,
        &report.facts.version_digest,
        "Standclear 0.",
        "audible, on notes",
        "edge 1",
        "edge 4",
        "skipped: &lt;b&gt;a wall&lt;/b&gt;",
        "lies on the picture&#39;s border",
        "mirrors the &lt;street&gt;",
        "This camera is not calibrated",
        "No machine is drawn",
        "data:image/jpeg;base64,/9j/",
        "IEC 61496",
        STATEMENT,
        "now: this test does not hold",
    ] {
        assert!(text.contains(wanted), "the report lacks {wanted:?}");
    }
    for edge in [LEFT, TOP] {
        let ms = test.edges[edge as usize].attempts[0].time_ms.expect("a time");
        assert!(text.contains(&format!("<td class=\"n\">{ms}</td>")), "{ms} ms is missing");
    }
    for markup in ["<b>a wall", "<street>", "<T>", "<script", "http-equiv", " on"] {
        let tags = text.split('<').skip(1).filter_map(|tag| tag.split('>').next());
        let inside = tags.filter(|tag| !tag.contains("base64")).any(|tag| tag.contains(markup));
        assert!(!inside && (markup == " on" || !text.contains(markup)), "{markup:?} is markup");
    }
    // Nothing is fetched from anywhere.
    assert!(!text.contains("src=\"http") && !text.contains("href=\"http"));

    report.test.state = WalkState::Passed;
    report.test.siren = SirenHeard::Muted;
    report.test.lost = 3;
    report.facts.siren_fault = Some("no <card>".into());
    report.facts.calibration =
        Some(CalibrationFacts { residual_m: 0.084, worst_m: 0.21, points: 7 });
    report.facts.setback = Some(SetbackFacts {
        text: "S = 1.6 m/s × (0.30 s + 0.45 s) + 1.20 m = 2.40 m".into(),
        required_m: 2.4,
        actual_m: Some(1.9),
        tight: true,
    });
    let text = page(&report);
    for wanted in [
        "PASS",
        "The siren was muted (no &lt;card&gt;)",
        "7 points on the floor; residual 0.08 m (RMS), worst point 0.21 m",
        "S = 1.6 m/s × (0.30 s + 0.45 s) + 1.20 m = 2.40 m",
        "Required 2.40 m, actual 1.90 m. <b>Less than required",
        "3 observations were lost",
        "or at once when the zone is changed",
    ] {
        assert!(text.contains(wanted), "the report lacks {wanted:?}");
    }
    guard.stop();
}

#[test]
fn the_report_shows_under_its_own_policy_and_nothing_else_may_load() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    let test = begin(&guard);
    let handle = handle(&guard);
    let code = guard.setup_code().expect("nobody is there yet");
    let visitor = Visitor { from: [127, 0, 0, 1].into(), when: When::now() };
    let admin = handle.accounts().set_up(code, "Eva", "correct horse battery", visitor);
    let cookie = admin.expect("set up").session_secret;
    let mut stream = TcpStream::connect(guard.address()).expect("connected");
    write!(
        stream,
        "GET /api/walk-tests/{}/report.html HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         Cookie: standclear_session={cookie}\r\n\r\n",
        test.id,
        guard.address()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("content-type: text/html; charset=utf-8"), "{head}");
    let policy = head.lines().find(|line| line.starts_with("content-security-policy:"));
    let policy = policy.expect("a policy");
    assert_eq!(head.matches("content-security-policy:").count(), 1);
    assert!(policy.contains("default-src 'none'") && policy.contains("img-src data:"), "{policy}");
    // The one style that may apply is the one that is there.
    let style = body.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next());
    assert!(style.expect("a style").contains("@page"));
    assert_eq!(body.matches("<style>").count(), 1);
    assert!(!body.contains("style=\""), "an inline style would be blocked");
    assert!(policy.contains("style-src 'sha256-"), "{policy}");
    assert!(body.contains("RUNNING"));
    drop(handle);
    guard.stop();
}
