//! The report: what an auditor needs is in it, and no text of a person is markup.

use std::io::{Read, Write};
use std::net::TcpStream;

use standclear::guard::accounts::{Visitor, When};
use standclear::guard::app::Guard;
use standclear::guard::handle::{
    CalibrationFacts, Outcome, SetbackFacts, Signed, SirenHeard, VersionFacts, WalkReport,
    WalkState,
};
use standclear::web::walk::report::{STATEMENT, page};

use rustix::process::Signal;

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
        "PASS, siren not proved",
        "now: the siren could not sound, so this test does not make the zone valid",
        "The siren was muted (no &lt;card&gt;)",
        "7 points on the floor; residual 0.08 m (RMS), worst point 0.21 m",
        "S = 1.6 m/s × (0.30 s + 0.45 s) + 1.20 m = 2.40 m",
        "Required 2.40 m, actual 1.90 m. <b>Less than required",
        "3 observations were lost",
    ] {
        assert!(text.contains(wanted), "the report lacks {wanted:?}");
    }
    assert!(!text.contains("class=\"result passed\""), "not as a proved one");
    report.facts.no_siren = true;
    let text = page(&report);
    for wanted in ["class=\"result passed\">PASS<", "This box has no siren", "or at once when"] {
        assert!(text.contains(wanted), "the report lacks {wanted:?}");
    }
    guard.stop();
}

#[test]
fn the_slowest_walk_is_told_also_when_it_is_the_one_that_failed() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    let mut report = walked(&guard, &site);
    let late = report.test.edges[LEFT as usize].attempts.last_mut().expect("walked");
    late.outcome = Outcome::Fail { reason: "late".into() };
    (late.detected_ms, late.decided_ms, late.time_ms) = (Some(87), Some(4_163), Some(4_346));
    report.test.state = WalkState::Failed;
    let at = late.at;
    let text = page(&report);
    assert!(text.contains("slowest 4346 ms of 2000 ms allowed"));
    // As the page shows them: parts that add up.
    let cells = "<td class=\"n\">87</td><td class=\"n\">4076</td><td class=\"n\">183</td>\
                 <td class=\"n\">4346</td>";
    assert!(text.contains(cells), "{cells}");
    let clock = at.in_tz("Europe/Prague").expect("a zone").strftime("%H:%M:%S").to_string();
    assert!(text.contains(&format!("<td class=\"w\">{clock}</td>")), "{clock}");
    // A skipped edge's walks do not count.
    report.test.edges[LEFT as usize].skipped = report.test.edges[RIGHT as usize].skipped.clone();
    assert!(!page(&report).contains("slowest 4346"));
    guard.stop();
}

#[test]
fn the_report_says_who_answers_for_the_zone_when_it_is_armed_and_when_nobody_saw_it() {
    let schedule = r#","schedule": {"armed": [{"days": ["mon", "tue", "wed", "thu", "fri"],
        "from": "06:00", "to": "22:00"}]}"#;
    let site = site(RING, "restricted", schedule);
    let guard = start(&site, "");
    let test = begin(&guard);
    let desk = handle(&guard);
    let mut report = desk.walk_desk().walk_report(test.id).expect("a report");
    assert!(report.version.is_some() && report.unseen.is_empty(), "{:?}", report.unseen);
    assert!(page(&report).contains("by schedule: Mon–Fri 06:00–22:00"), "{}", report.facts.armed);
    drop(desk);

    // The camera is gone while the test runs.
    site.signal_worker(Signal::KILL);
    report = wait_for("a time unseen", || {
        let report = guard.handle().walk_desk().walk_report(test.id).expect("a report");
        (!report.unseen.is_empty()).then_some(report)
    });
    assert!(report.unseen[0].0 >= test.started.at);
    let at = test.started.at;
    report.version = Some(VersionFacts {
        made: Signed { by: "Ada".into(), at },
        approved: Some(Signed { by: "<Ben>".into(), at }),
        applied_at: Some(at),
    });
    let text = page(&report);
    for wanted in ["The zone was not seen</b> from", ">Ada, ", ">&lt;Ben&gt;, ", "In force since"] {
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
