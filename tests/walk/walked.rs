//! Somebody walks in at each edge of a guarded zone.

use std::time::Duration;

use standclear::clock;
use standclear::engine::alarm::{Inhibition, ShelfTime};
use standclear::engine::{AlarmSource, AlarmState, SirenPattern};
use standclear::guard::app::Guard;
use standclear::guard::handle::{
    AlarmCommand, Armed, DueState, EdgeState, Outcome, Reason, SirenHeard, SkippedBy,
    WalkDeskError, WalkError, WalkState, ZonePlace,
};

use crate::site::{intrusion, wait_alarm, wait_for, wait_until};
use crate::worker::Scene;
use crate::yard::{BOTTOM, LEFT, RIGHT, RING, TOP, begin, leave, look, site, start, states, walk};

fn untested(guard: &Guard) -> bool {
    let now = guard.handle().snapshots().borrow().clone();
    now.alarms.iter().any(|alarm| matches!(alarm.source, AlarmSource::Untested(_)))
}

#[test]
fn every_edge_that_was_heard_in_time_makes_the_zone_valid() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    wait_until(&guard, "overdue", |now| {
        now.zones[0].walk_test.as_ref().is_some_and(|due| due.state == DueState::Overdue)
    });
    assert!(untested(&guard));
    assert_eq!(site.siren.now(), SirenPattern::Silent, "an overdue test is never heard");

    let test = begin(&guard);
    assert_eq!(
        states(&test),
        [EdgeState::Waiting, EdgeState::Waiting, EdgeState::Skipped, EdgeState::Waiting]
    );
    let skipped = test.edges[BOTTOM as usize].skipped.as_ref().expect("skipped");
    assert_eq!(skipped.by, SkippedBy::Box);
    assert_eq!(test.siren, SirenHeard::Sounds);

    for (scene, edge) in
        [(Scene::FromLeft, LEFT), (Scene::FromRight, RIGHT), (Scene::FromAbove, TOP)]
    {
        let test = walk(&site, &guard, test.id, scene, edge);
        let attempt = test.edges[edge as usize].attempts.last().expect("an attempt");
        println!("{scene:?}: {attempt:?}");
        assert_eq!(attempt.outcome, Outcome::Pass, "{attempt:?}");
        let (detected, decided, heard) = (
            attempt.detected_ms.expect("seen"),
            attempt.decided_ms.expect("decided"),
            attempt.time_ms.expect("heard"),
        );
        // The picture is 60 ms old when it is reported; the siren looks every 20 ms.
        assert!((60..=400).contains(&detected), "{attempt:?}");
        assert!(detected <= decided && decided <= heard && heard <= 2_000, "{attempt:?}");
        assert!(heard >= 85, "evidence spans 85 ms: {attempt:?}");
        assert!(attempt.frames >= 2 && attempt.incident.is_some(), "{attempt:?}");
    }
    let done = guard.handle().walk_desk().finish_walk(test.id, "Eva").expect("finished").test;
    assert_eq!(done.state, WalkState::Passed);
    let now = wait_until(&guard, "valid", |now| {
        now.zones[0].walk_test.as_ref().is_some_and(|due| due.state == DueState::Valid)
    });
    let due = now.zones[0].walk_test.as_ref().expect("due");
    let closed_at = done.closed.expect("closed").signed.at;
    let days = due.due_at.expect("due").duration_since(closed_at).as_hours() / 24;
    assert_eq!(days, 30);
    assert_eq!(due.last.as_ref().map(|last| last.id), Some(test.id));
    wait_until(&guard, "no untested zone", |now| {
        !now.alarms.iter().any(|it| {
            matches!(it.source, AlarmSource::Untested(_))
                && it.state == standclear::engine::AlarmState::Unacknowledged
        })
    });
    guard.stop();
}

#[test]
fn a_second_person_is_not_timed_by_the_siren_of_the_first() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    let test = begin(&guard);
    // Somebody stands inside already and the siren sounds for them.
    site.shows(Scene::FromRight);
    let walked = wait_for("the first", || {
        let test = look(&guard, test.id).test;
        (test.edges[RIGHT as usize].state() == EdgeState::Pass).then_some(test)
    });
    let before = states(&walked);
    site.shows(Scene::SecondFromLeft);
    let hint = wait_for("a hint", || look(&guard, test.id).hint);
    assert!(hint.contains("sounded already"), "{hint}");
    assert_eq!(states(&look(&guard, test.id).test), before, "no edge counts");
    // Once it is silent, the same walk counts.
    leave(&site, &guard);
    let walked = walk(&site, &guard, test.id, Scene::FromLeft, LEFT);
    assert_eq!(walked.edges[LEFT as usize].state(), EdgeState::Pass);
    assert_eq!(look(&guard, test.id).hint, None);
    guard.stop();
}

#[test]
fn an_edge_that_is_heard_too_late_fails_with_the_number_and_may_be_walked_again() {
    // Two seconds inside before it matters: by the file, since the box would not approve it.
    let site = site(RING, "restricted", r#","dwell_ms": 900"#);
    let guard = start(&site, "");
    let test = begin(&guard);
    // The siren's thread hangs: the order is taken late.
    let hung = site.siren.hang();
    site.shows(Scene::FromLeft);
    let incident = wait_until(&guard, "an incident", |now| now.zones[0].incident.is_some());
    let decided_at = clock::monotonic();
    assert!(incident.zones[0].incident.is_some());
    while clock::monotonic().since(decided_at) < Duration::from_millis(1_600) {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    drop(hung);
    let failed = wait_for("a failure", || {
        let test = look(&guard, test.id).test;
        (test.edges[LEFT as usize].state() == EdgeState::Fail).then_some(test)
    });
    let attempt = failed.edges[LEFT as usize].attempts.last().expect("an attempt").clone();
    let Outcome::Fail { reason } = &attempt.outcome else { panic!("{attempt:?}") };
    let ms = attempt.time_ms.expect("a number");
    assert!(ms > 2_000 && reason.contains(&format!("{ms} ms")), "{attempt:?}");
    leave(&site, &guard);
    site.shows(Scene::FromLeft);
    wait_for("a pass", || {
        let edge = look(&guard, test.id).test.edges[LEFT as usize].clone();
        (edge.state() == EdgeState::Pass && edge.attempts.len() == 2).then_some(())
    });
    guard.stop();
}

#[test]
fn a_skipped_edge_never_passes() {
    let site = site(RING, "warning", "");
    let guard = start(&site, "");
    let test = begin(&guard);
    let walked = walk(&site, &guard, test.id, Scene::FromLeft, LEFT);
    // A warning zone is heard by its own sound.
    assert_eq!(walked.edges[LEFT as usize].state(), EdgeState::Pass);
    let handle = guard.handle();
    let desk = handle.walk_desk();
    for edge in [TOP, RIGHT] {
        desk.skip_edge(test.id, edge, "Eva", "a wall").expect("skipped");
    }
    let twice = desk.skip_edge(test.id, TOP, "Eva", "a wall").expect_err("not twice");
    assert!(matches!(twice, WalkDeskError::Refused(WalkError::NotWaiting { .. })), "{twice}");
    let walked = desk.skip_edge(test.id, LEFT, "Eva", "a wall").expect_err("it was walked");
    assert!(matches!(walked, WalkDeskError::Refused(WalkError::NotWaiting { .. })), "{walked}");
    let done = desk.finish_walk(test.id, "Eva").expect("finished").test;
    assert_eq!(done.state, WalkState::Incomplete);
    assert!(untested(&guard));
    let over = desk.finish_walk(test.id, "Eva").expect_err("over");
    assert!(matches!(over, WalkDeskError::Refused(WalkError::Over { .. })), "{over}");
    drop(handle);
    guard.stop();
}

#[test]
fn a_zone_that_is_off_is_armed_for_its_test_and_off_again_after_it() {
    let lock = r#","interlock": {"armed_while": {"input": "press", "is": "on"}}"#;
    let site = site(RING, "restricted", lock);
    let input = "[[input]]\nname = \"press\"\nmax_age_ms = 60000\nfrom = \"http\"\n";
    let guard = start(&site, input);
    let off = standclear::guard::handle::InputValue::Off;
    guard.handle().set_input("press", off, "token plc").expect("taken");
    let armed = |wanted: Armed| {
        wait_until(&guard, &format!("{wanted:?}"), |now| now.zones[0].arming.armed == wanted)
    };
    armed(Armed::No);
    let test = begin(&guard);
    let now = armed(Armed::Yes);
    assert_eq!(now.zones[0].arming.reason, "Armed for its walk test");
    let walked = walk(&site, &guard, test.id, Scene::FromLeft, LEFT);
    assert_eq!(walked.edges[LEFT as usize].state(), EdgeState::Pass);
    guard.handle().walk_desk().abandon_walk(test.id, "Eva").expect("abandoned");
    armed(Armed::No);
    guard.stop();
}

#[test]
fn a_zone_over_the_whole_picture_is_tested_by_coming_into_view() {
    let site = site("[[0,0],[1,0],[1,1],[0,1],[0,0]]", "restricted", "");
    let guard = start(&site, "");
    let test = begin(&guard);
    assert_eq!(test.edges.len(), 5);
    let walked = walk(&site, &guard, test.id, Scene::Person, 4);
    assert_eq!(walked.edges[4].state(), EdgeState::Pass);
    let done = guard.handle().walk_desk().finish_walk(test.id, "Eva").expect("finished").test;
    assert_eq!(done.state, WalkState::Passed);
    guard.stop();
}

#[test]
fn a_test_that_nobody_could_hear_since_the_zone_is_kept_quiet_is_not_begun_and_says_what_to_do() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    let handle = guard.handle();
    let refused = || handle.walk_desk().start_walk("yard", "bay", "Tom", "Eva").expect_err("quiet");
    let place = || ZonePlace { camera: "yard".into(), zone: "bay".into() };
    let reason = || Reason::new("The gate is rebuilt").expect("a reason");
    let command = |it| handle.command(it, "Eva").expect("carried out");
    let quiet = |wanted: Inhibition| {
        wait_until(&guard, "the zone's inhibition", |now| {
            now.zones.iter().any(|zone| zone.id == "bay" && zone.inhibition == wanted)
        });
    };
    command(AlarmCommand::TakeOutOfService { zone: place(), reason: reason() });
    quiet(Inhibition::OutOfService);
    let said = refused().to_string();
    assert!(said.contains("Bay") && said.contains("put it back into service"), "{said}");
    command(AlarmCommand::PutIntoService { zone: place() });
    quiet(Inhibition::None);

    site.shows(Scene::Person);
    let alarm = wait_alarm(&guard, intrusion, AlarmState::Unacknowledged).id;
    let time = ShelfTime::from_minutes(10).expect("a time");
    command(AlarmCommand::Shelve { alarm, time, reason: reason() });
    quiet(Inhibition::Shelved);
    let said = refused().to_string();
    assert!(said.contains("Bay") && said.contains("Hear again"), "{said}");
    command(AlarmCommand::Unshelve { alarm });
    quiet(Inhibition::None);
    begin(&guard);
    drop(handle);
    guard.stop();
}

#[test]
fn one_test_at_a_time_and_none_of_what_cannot_alarm() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    let handle = guard.handle();
    let desk = handle.walk_desk();
    let glass = desk.start_walk("yard", "glass", "Tom", "Eva").expect_err("ignored");
    assert!(matches!(glass, WalkDeskError::NotTestable { .. }), "{glass}");
    let nobody = desk.start_walk("yard", "pit", "Tom", "Eva").expect_err("unknown");
    assert!(matches!(nobody, WalkDeskError::UnknownZone { .. }), "{nobody}");
    let test = begin(&guard);
    let second = desk.start_walk("yard", "bay", "Tom", "Eva").expect_err("one at a time");
    let said = second.to_string();
    assert!(said.contains(&format!("walk test {} of Bay", test.id)), "{said}");
    drop(handle);
    guard.stop();
}
