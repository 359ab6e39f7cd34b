//! The guard with a fake vision process: what it does when something breaks, and how soon.

mod commands;
mod doctor;
mod full_disk;
mod privacy;
mod siren;
mod site;
#[path = "../support/small_disk.rs"]
mod small_disk;
mod terminal;
mod view;
mod worker;

use std::net::TcpListener;
use std::time::Duration;

use rustix::process::Signal;
use standclear::clock;
use standclear::engine::time::Instant;
use standclear::engine::{AlarmSource, AlarmState, Part, SirenPattern, ZoneState};
use standclear::guard::app::{Guard, Parts, StartError};
use standclear::guard::handle::{
    AcknowledgeError, AlarmCommand, CommandError, Commanded, Reason, VisionState,
};
use standclear::store::audit::AuditReader;

use site::{
    TestSite, blind, fake_worker, fault, intrusion, wait_alarm, wait_for, wait_until, wait_watched,
};
use worker::Scene;

/// R1: the longest time until the loss of sight is heard.
const FAULT_HEARD_MAX: Duration = Duration::from_secs(1);

/// Not a test of its own: the vision process of the others.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}

fn heard_within_a_second(site: &TestSite, from: Instant, pattern: SirenPattern) {
    let after = site.siren.since(from, pattern).since(from);
    assert!(after <= FAULT_HEARD_MAX, "{pattern:?} was heard only after {after:?}");
}

#[test]
fn a_person_in_a_zone_is_heard_seen_and_kept() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    let entered_at = clock::monotonic();
    site.shows(Scene::Person);
    heard_within_a_second(&site, entered_at, SirenPattern::Intrusion);

    let now = wait_until(&guard, "an alarm with picture and ladder", |now| {
        now.alarms.iter().any(|a| a.has_snapshot && a.ladder.len() == 2)
    });
    let alarm = &now.alarms[0];
    assert_eq!(now.zones[0].state, ZoneState::Occupied);
    assert_eq!((alarm.title.as_str(), alarm.text.as_str()), ("Bay", "1 person inside"));
    let reached = |step| alarm.ladder.iter().find(|(s, _)| *s == step).map(|(_, ms)| *ms);
    let (siren, stored) = (reached("siren").expect("heard"), reached("stored").expect("kept"));
    assert!(siren <= stored, "the disk came before the siren: {siren} and {stored} ms");
    let sum: f64 = alarm.stages.iter().map(|(_, ms)| ms).sum();
    assert!((sum.ceil() - f64::from(siren)).abs() <= 1.0, "{:?} is not {siren} ms", alarm.stages);
    assert_eq!(now.latency.capture_to_siren_max_ms, Some(siren));

    let incidents = guard.handle().incidents(10, None).expect("the store");
    assert_eq!(incidents.len(), 1);
    assert_eq!((incidents[0].model_digest.as_str(), incidents[0].zone.as_str()), ("d1ce", "bay"));
    assert_eq!(incidents[0].siren_after_ms, Some(siren));
    let jpeg = guard.handle().incident_snapshot(incidents[0].id).expect("the store");
    let picture = image::load_from_memory(&jpeg.expect("a picture")).expect("a JPEG").into_rgb8();
    let red = picture.pixels().filter(|p| p[0] > 150 && p[1] < 90).count();
    assert!(red > 200, "nothing is drawn in: {red} red pixels");
    guard.stop();
}

#[test]
fn a_killed_vision_process_is_heard_within_a_second_and_replaced() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    let killed_at = clock::monotonic();
    site.signal_worker(Signal::KILL);
    heard_within_a_second(&site, killed_at, SirenPattern::Fault);
    let alarm = wait_alarm(&guard, blind, AlarmState::ReturnedUnacknowledged);
    assert_eq!(alarm.text, "Watched again");
    let now = wait_watched(&guard);
    assert_eq!((now.vision.state, now.vision.restarts), (VisionState::Watching, 1));
    guard.stop();
}

#[test]
fn a_stopped_vision_process_is_heard_within_a_second_and_replaced() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    let stopped_at = clock::monotonic();
    site.signal_worker(Signal::STOP);
    heard_within_a_second(&site, stopped_at, SirenPattern::Fault);
    wait_until(&guard, "a new vision process", |now| {
        now.vision.restarts == 1 && now.vision.state == VisionState::Watching
    });
    wait_watched(&guard);
    guard.stop();
}

#[test]
fn a_lost_camera_is_heard_within_a_second_with_its_reason() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    let lost_at = clock::monotonic();
    site.shows(Scene::Lost);
    heard_within_a_second(&site, lost_at, SirenPattern::Fault);
    let alarm = wait_alarm(&guard, blind, AlarmState::Unacknowledged);
    assert!(alarm.text.contains("the cable is out"), "{}", alarm.text);
    guard.stop();
}

#[test]
fn the_vision_process_is_told_again_where_to_look_since_a_message_may_be_lost() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    wait_for("a second message with the zones", || {
        // Read while it is being written, it is empty for a moment.
        let told = std::fs::read_to_string(site.path("detail")).unwrap_or_default();
        (told.parse().unwrap_or(0_u32) >= 2).then_some(())
    });
    guard.stop();
}

#[test]
fn an_overloaded_detector_is_an_alarm_with_the_numbers_until_it_keeps_up() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Overload);
    let overload = |source| source == AlarmSource::Fault(Part::Detector);
    let alarm = wait_alarm(&guard, overload, AlarmState::Unacknowledged);
    for number in ["1320 ms", "can do 1000", "3.1 of 5.0 pictures a second"] {
        assert!(alarm.text.contains(number), "{}", alarm.text);
    }
    site.shows(Scene::Empty);
    wait_alarm(&guard, overload, AlarmState::ReturnedUnacknowledged);
    guard.stop();
}

#[test]
fn a_moved_view_is_heard_and_shown_until_an_engineer_confirms_it_and_that_is_audited() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    let moved_at = clock::monotonic();
    site.shows(Scene::Moved);
    heard_within_a_second(&site, moved_at, SirenPattern::Fault);
    let alarm = wait_alarm(&guard, blind, AlarmState::Unacknowledged);
    assert!(alarm.text.contains("moved"), "{}", alarm.text);
    assert!(alarm.text.contains("by 24 of 1920 pixels"), "{}", alarm.text);
    let confirm = |camera: &str| AlarmCommand::ConfirmView {
        camera: camera.into(),
        reason: Reason::new("The mast was straightened").expect("a reason"),
    };
    // No handle outlives the call: the guard's end waits for those who hold one.
    let command = |camera: &str| guard.handle().command(confirm(camera), "Eva");
    assert_eq!(command("attic"), Err(CommandError::UnknownCamera));
    assert_eq!(command("yard"), Ok(Commanded::Done));
    wait_watched(&guard);
    guard.stop();
    let reader = AuditReader::of_store(&site.config().store.path).expect("a reader");
    let rows = reader.entries(100, None).expect("the log");
    let signed = rows.iter().find(|row| row.entry.action == "view_confirmed").expect("signed");
    assert_eq!(signed.entry.by, "Eva");
}

#[test]
fn a_refused_model_is_told_in_its_own_words() {
    let site = TestSite::new();
    site.shows(Scene::Fatal);
    let guard = site.start();
    let now = wait_until(&guard, "the reason", |now| now.vision.restarts >= 2);
    assert!(now.vision.detail.contains("wrong digest"), "{}", now.vision.detail);
    assert!(matches!(now.zones[0].state, ZoneState::Unknown(_)));
    site.siren.since(Instant::ZERO, SirenPattern::Fault);
    guard.stop();
}

#[test]
fn a_vision_process_that_ends_or_says_nothing_never_looks_clear() {
    for command in [vec!["false".into()], vec!["sleep".into(), "1000".into()]] {
        let site = TestSite::new();
        let guard = site.start_with(command);
        site.siren.since(Instant::ZERO, SirenPattern::Fault);
        let now = wait_until(&guard, "an alarm", |now| !now.alarms.is_empty());
        assert!(matches!(now.zones[0].state, ZoneState::Unknown(_)));
        guard.stop();
    }
}

#[test]
fn impossible_reports_cost_nothing_but_themselves() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Garbage);
    wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    let now = wait_watched(&guard);
    assert_eq!((now.zones[0].people, now.vision.restarts), (1, 0));
    guard.stop();
}

#[test]
fn an_answer_silences_and_survives_a_kill_of_vision_and_a_restart() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Person);
    let alarm = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    let handle = guard.handle();
    assert_eq!(handle.acknowledge(alarm.id, None, "Eva"), Ok(AlarmState::Acknowledged));
    assert_eq!(
        handle.acknowledge(alarm.id, None, "Eva"),
        Err(AcknowledgeError::AlreadyAcknowledged)
    );
    wait_for("silence", || (site.siren.now() == SirenPattern::Silent).then_some(()));

    site.signal_worker(Signal::KILL);
    wait_alarm(&guard, blind, AlarmState::ReturnedUnacknowledged);
    let answered = wait_alarm(&guard, intrusion, AlarmState::Acknowledged);
    assert_eq!(answered.acknowledged.map(|(by, _)| by).as_deref(), Some("Eva"));
    drop(handle);
    guard.stop();

    let guard = site.start();
    let answered = wait_alarm(&guard, intrusion, AlarmState::Acknowledged);
    assert_eq!(answered.id, alarm.id);
    assert_eq!(answered.acknowledged.map(|(by, _)| by).as_deref(), Some("Eva"));
    guard.stop();
}

#[test]
fn an_alarm_of_a_removed_zone_is_closed_and_unknown_numbers_are_refused() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Person);
    let alarm = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    guard.stop();

    site.shows(Scene::Empty);
    site.zone("another");
    let guard = site.start();
    let now = wait_watched(&guard);
    assert!(now.alarms.iter().all(|open| open.id != alarm.id));
    let answered = guard.handle().acknowledge(alarm.id, None, "Eva");
    assert_eq!(answered, Err(AcknowledgeError::UnknownAlarm));
    guard.stop();
}

#[test]
fn a_broken_siren_is_an_alarm_until_it_works() {
    let site = TestSite::new();
    *site.siren.broken.lock().expect("not poisoned") = Some("unplugged".into());
    let guard = site.start();
    let alarm = wait_alarm(&guard, fault, AlarmState::Unacknowledged);
    assert_eq!(alarm.text, "The siren cannot sound: unplugged");
    let now = wait_until(&guard, "the fault", |now| now.siren.fault.is_some());
    assert_eq!(now.siren.fault.as_deref(), Some("unplugged"));
    *site.siren.broken.lock().expect("not poisoned") = None;
    wait_alarm(&guard, fault, AlarmState::ReturnedUnacknowledged);
    guard.stop();
}

#[test]
fn a_siren_thread_that_hangs_is_an_alarm_until_it_answers() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    let hung = site.siren.hang();
    let hung_at = clock::monotonic();
    let now = wait_until(&guard, "the fault", |now| now.siren.fault.is_some());
    let after = clock::monotonic().since(hung_at);
    assert!(after <= FAULT_HEARD_MAX, "only after {after:?}");
    assert_eq!(now.siren.fault.as_deref(), Some("the siren's thread does not answer"));
    wait_alarm(&guard, fault, AlarmState::Unacknowledged);
    drop(hung);
    wait_alarm(&guard, fault, AlarmState::ReturnedUnacknowledged);
    wait_until(&guard, "no fault", |now| now.siren.fault.is_none());
    guard.stop();
}

#[test]
fn a_store_that_cannot_write_is_an_alarm_and_loses_nothing() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    let disk = rusqlite::Connection::open(site.path("data/standclear.db")).expect("the store");
    disk.execute_batch("BEGIN IMMEDIATE").expect("the store to ourselves");
    let blocked_at = clock::monotonic();
    site.shows(Scene::Person);
    heard_within_a_second(&site, blocked_at, SirenPattern::Intrusion);
    let now = wait_until(&guard, "the fault", |now| now.store_fault.is_some());
    println!("store fault {:?}: {:?}", clock::monotonic().since(blocked_at), now.store_fault);
    wait_alarm(&guard, fault, AlarmState::Unacknowledged);
    // An answer counts although it cannot be kept yet.
    let alarm = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    let answered_at = clock::monotonic();
    let answered = guard.handle().acknowledge(alarm.id, None, "Eva");
    println!("answer after {:?}: {answered:?}", clock::monotonic().since(answered_at));
    wait_alarm(&guard, intrusion, AlarmState::Acknowledged);
    disk.execute_batch("ROLLBACK").expect("given back");
    wait_alarm(&guard, fault, AlarmState::ReturnedUnacknowledged);
    let kept = wait_for("the incident", || {
        let incidents = guard.handle().incidents(10, None).expect("the store");
        incidents.into_iter().next().filter(|i| i.acknowledged_by.is_some())
    });
    assert_eq!(kept.acknowledged_by.as_deref(), Some("Eva"));
    // And the audit log has it, once.
    let entries = guard.handle().accounts().audit(10, None).expect("the store");
    let answers = entries.iter().filter(|row| row.entry.action == "alarm_acknowledged");
    let answers: Vec<_> = answers.map(|row| (&*row.entry.by, row.entry.subject.clone())).collect();
    assert_eq!(answers, [("Eva", format!("alarm {}", alarm.id.0))]);
    guard.stop();
}

#[test]
fn live_pictures_carry_their_people_and_are_made_only_for_viewers() {
    let site = TestSite::new();
    let guard = site.start();
    wait_watched(&guard);
    site.shows(Scene::Person);
    assert!(guard.handle().live("nowhere").is_none());
    let watched = |wanted: &str| {
        wait_for(wanted, || {
            let text = std::fs::read_to_string(site.path("watched")).unwrap_or_default();
            (text == wanted).then_some(())
        });
    };
    watched("No");
    let mut receiver = guard.handle().live("yard").expect("a camera");
    let picture = wait_for("a picture with a person", || {
        let picture = receiver.pictures.borrow_and_update().clone();
        picture.filter(|picture| !picture.people.is_empty())
    });
    watched("Yes");
    assert_eq!(picture.people[0].inside, [0]);
    assert_eq!(picture.people[0].foot_norm, [140.0 / 320.0, 180.0 / 240.0]);
    assert!(image::load_from_memory(&picture.jpeg).is_ok());

    // A new vision process is told as well.
    site.signal_worker(Signal::KILL);
    wait_until(&guard, "a new vision process", |now| now.vision.restarts == 1);
    watched("Yes");
    drop(receiver);
    watched("No");
    guard.stop();
}

#[test]
fn a_used_address_and_an_unusable_store_are_errors_at_the_start() {
    let site = TestSite::new();
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = other.local_addr().expect("an address").to_string();
    let parts = || Parts {
        siren: Box::new(site.siren.clone()),
        worker_command: fake_worker(site.folder.path()),
    };
    let error = Guard::start(&site.config_on(&address), parts()).err().expect("in use");
    assert!(matches!(error, StartError::AddressInUse { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&address) && text.contains("web.listen"), "{text}");

    std::fs::remove_dir_all(site.path("data")).expect("the store's folder");
    std::fs::write(site.path("data"), "no folder").expect("a file");
    let error = Guard::start(&site.config(), parts()).err().expect("no folder");
    assert!(matches!(error, StartError::Store { .. }), "{error:?}");
    assert!(error.to_string().contains("data"), "{error}");
}

#[test]
fn a_video_file_that_is_not_there_is_an_error_at_the_start() {
    let site = TestSite::new();
    let mut config = site.config();
    config.cameras[0].source = standclear::link::Source::File {
        path: "/nowhere/clip.mp4".into(),
        ending: standclear::link::Ending::Stop,
    };
    let parts = Parts { siren: Box::new(site.siren.clone()), worker_command: vec!["false".into()] };
    let error = Guard::start(&config, parts).err().expect("no such file").to_string();
    assert!(error.contains("/nowhere/clip.mp4") && error.contains("yard"), "{error}");
}
