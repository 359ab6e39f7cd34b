//! The siren under a whole guard: its test is written down, and people are told when it is over.

use standclear::clock;
use standclear::engine::time::Instant;
use standclear::engine::{AlarmState, SirenPattern};
use standclear::guard::handle::{AlarmCommand, CommandError, Commanded, Snapshot, TestHeard};
use standclear::guard::siren::Sound;
use standclear::store::audit::AuditReader;

use crate::site::{TestSite, fault, intrusion, wait_alarm, wait_for, wait_until, wait_watched};
use crate::worker::Scene;

/// What the store holds of the siren's tests: in the event log, and action and detail in the audit
/// log.
fn written(site: &TestSite) -> (Vec<String>, Vec<(String, String)>) {
    let store = rusqlite::Connection::open(site.path("data/standclear.db")).expect("the store");
    let notes = store
        .prepare("SELECT detail FROM event WHERE detail LIKE '%siren test%' ORDER BY rowid")
        .expect("a log")
        .query_map([], |row| row.get(0))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("texts");
    let audit = store
        .prepare("SELECT action, detail FROM audit WHERE action LIKE 'siren_test%' ORDER BY number")
        .expect("a log")
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("texts");
    (notes, audit)
}

#[test]
fn the_sirens_test_at_the_start_stands_in_the_event_log_and_in_the_audit_log() {
    let site = TestSite::new();
    let guard = site.start();
    let (notes, audit) = wait_for("the test", || {
        Some(written(&site)).filter(|(notes, audit)| !notes.is_empty() && !audit.is_empty())
    });
    assert!(notes[0].contains("the inaudible siren test passed on \"notes\""), "{notes:?}");
    assert_eq!(audit[0].0, "siren_test_passed");
    assert!(audit[0].1.contains("all samples left"), "{audit:?}");
    guard.stop();
}

#[test]
fn a_siren_whose_test_fails_is_a_fault_until_one_passes() {
    let site = TestSite::new();
    *site.siren.unheard.lock().expect("not poisoned") = true;
    let guard = site.start();
    let alarm = wait_alarm(&guard, fault, AlarmState::Unacknowledged);
    assert!(alarm.text.contains("its last test failed"), "{}", alarm.text);
    let (_, audit) = wait_for("the entry", || Some(written(&site)).filter(|w| !w.1.is_empty()));
    assert_eq!(audit[0].0, "siren_test_failed");
    guard.stop();
}

#[test]
fn a_siren_that_breaks_after_its_failed_test_was_answered_is_an_alarm_again() {
    let site = TestSite::new();
    *site.siren.unheard.lock().expect("not poisoned") = true;
    let guard = site.start();
    let alarm = wait_alarm(&guard, fault, AlarmState::Unacknowledged);
    guard.handle().acknowledge(alarm.id, None, "eva").expect("answered");
    wait_alarm(&guard, fault, AlarmState::Acknowledged);
    *site.siren.broken.lock().expect("not poisoned") = Some("unplugged".into());
    let again = wait_alarm(&guard, fault, AlarmState::Unacknowledged);
    assert_eq!(again.id, alarm.id);
    assert!(again.text.contains("unplugged"), "{}", again.text);
    guard.stop();
}

#[test]
fn the_all_clear_sounds_once_when_an_intrusion_is_over() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    assert_eq!(site.siren.count(Sound::AllClear), 0, "nothing has happened yet");
    let from = clock::monotonic();
    site.shows(Scene::Person);
    site.siren.since(from, SirenPattern::Intrusion);
    let alarm = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    guard.handle().acknowledge(alarm.id, None, "eva").expect("answered");
    wait_for("silence", || (site.siren.now() == SirenPattern::Silent).then_some(()));
    assert_eq!(site.siren.count(Sound::AllClear), 0, "somebody is inside still");
    site.shows(Scene::Empty);
    wait_for("the all-clear", || (site.siren.count(Sound::AllClear) == 1).then_some(()));
    let again = clock::monotonic();
    site.shows(Scene::Person);
    assert!(site.siren.since(again, SirenPattern::Intrusion) > Instant::ZERO);
    assert_eq!(site.siren.count(Sound::AllClear), 1);
    guard.stop();
}

#[test]
fn a_siren_test_that_somebody_asks_for_is_in_the_audit_log_with_who_the_device_and_the_outcome() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    wait_until(&guard, "the test of the start", |now| now.siren.test.is_some());
    let test = |heard| guard.handle().command(AlarmCommand::TestSiren { heard }, "Eva");
    assert_eq!(test(TestHeard::ByPeople), Ok(Commanded::Done));
    assert_eq!(test(TestHeard::ByPeople), Err(CommandError::SirenUnderTest));
    let passed =
        |now: &Snapshot| now.siren.test.as_ref().is_some_and(|it| it.heard == TestHeard::ByPeople);
    let now = wait_until(&guard, "the outcome", passed);
    assert_eq!(now.siren.test.as_ref().and_then(|it| it.failed.clone()), None);
    *site.siren.broken.lock().expect("not poisoned") = Some("unplugged".into());
    wait_alarm(&guard, fault, AlarmState::Unacknowledged);
    assert_eq!(test(TestHeard::ByNobody), Err(CommandError::SirenSounds));
    let alarm = wait_alarm(&guard, fault, AlarmState::Unacknowledged);
    guard.handle().acknowledge(alarm.id, None, "eva").expect("answered");
    assert_eq!(test(TestHeard::ByNobody), Ok(Commanded::Done));
    let audit = AuditReader::of_store(&site.config().store.path).expect("a reader");
    let told = wait_for("both outcomes", || {
        let rows = audit.entries(100, None).expect("the log");
        let by_eva = rows.into_iter().map(|row| row.entry).filter(|it| it.by == "Eva");
        let told: Vec<_> = by_eva.map(|it| (it.action, it.subject, it.detail)).collect();
        let tests = told.into_iter().filter(|it| it.0.starts_with("siren_test"));
        let tests: Vec<_> = tests.collect();
        (tests.len() == 2).then_some(tests)
    });
    // The newest first.
    assert_eq!((told[1].0.as_str(), told[1].1.as_str()), ("siren_test_passed", "notes"));
    assert_eq!((told[0].0.as_str(), told[0].1.as_str()), ("siren_test_failed", "notes"));
    assert!(told[0].2.contains("unplugged") && told[1].2.contains("audible"), "{told:?}");
    guard.stop();
}
