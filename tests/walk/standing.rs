//! What a walk test is worth later: after a change, after a restart, and where none is required.

use standclear::guard::handle::{DraftBefore, DueState, EdgeState, SirenHeard, WalkState};
use standclear::store::audit::AuditReader;

use crate::site::{TestSite, wait_for, wait_until};
use crate::worker::Scene;
use crate::yard::{LEFT, RIGHT, RING, TOP, begin, draw, look, site, start, start_from, walk};

fn audited(site: &TestSite) -> Vec<(String, String, String)> {
    let reader = AuditReader::of_store(&site.path("data")).expect("a log");
    let mut rows = Vec::new();
    let checked = reader.check(Default::default(), |row| {
        let entry = &row.entry;
        if entry.action.starts_with("walk_test") {
            rows.push((entry.by.clone(), entry.action.clone(), entry.subject.clone()));
        }
    });
    checked.expect("read").expect("whole");
    rows
}

fn due(guard: &standclear::guard::app::Guard, wanted: DueState) {
    wait_until(guard, &format!("{wanted:?}"), |now| {
        now.zones[0].walk_test.as_ref().is_some_and(|due| due.state == wanted)
    });
}

#[test]
fn a_test_holds_over_a_restart_until_the_zone_is_another_one() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    let test = begin(&guard);
    for (scene, edge) in
        [(Scene::FromLeft, LEFT), (Scene::FromRight, RIGHT), (Scene::FromAbove, TOP)]
    {
        walk(&site, &guard, test.id, scene, edge);
    }
    let done = guard.handle().walk_desk().finish_walk(test.id, "Eva").expect("finished").test;
    assert_eq!(done.state, WalkState::Passed);
    due(&guard, DueState::Valid);
    guard.stop();

    let guard = start(&site, "");
    due(&guard, DueState::Valid);
    guard.stop();

    // One corner moves: the test was of another zone.
    draw(&site, "[[0.36,0.62],[0.78,0.62],[0.78,1],[0.35,1],[0.36,0.62]]", "restricted", "");
    let guard = start(&site, "");
    due(&guard, DueState::Overdue);
    let now = guard.handle().snapshots().borrow().clone();
    let last = now.zones[0].walk_test.as_ref().and_then(|due| due.last.clone());
    assert_eq!(last.map(|last| last.result), Some(WalkState::Passed), "what was is still told");
    guard.stop();

    // And back: it is the zone that was tested.
    draw(&site, RING, "restricted", "");
    let guard = start(&site, "");
    due(&guard, DueState::Valid);
    guard.stop();
    let who = |by: &str, action: &str| (by.to_owned(), action.to_owned(), "bay".to_owned());
    assert_eq!(audited(&site), [who("Eva", "walk_test_started"), who("Eva", "walk_test_finished")]);
}

#[test]
fn a_test_holds_for_the_camera_and_the_model_it_was_made_with() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    let test = begin(&guard);
    for (scene, edge) in
        [(Scene::FromLeft, LEFT), (Scene::FromRight, RIGHT), (Scene::FromAbove, TOP)]
    {
        walk(&site, &guard, test.id, scene, edge);
    }
    guard.handle().walk_desk().finish_walk(test.id, "Eva").expect("finished");
    due(&guard, DueState::Valid);
    guard.stop();
    let has_model =
        |digest: &str| std::fs::write(site.path("model"), digest).expect("another model");
    let after = |pattern: &str, more: &str, wanted: DueState| {
        let guard = start_from(&site, pattern, more);
        due(&guard, wanted);
        guard.stop();
    };
    // Another source behind the same camera's name: nobody walked before that one.
    after("snow", "", DueState::Overdue);
    // The model sees less in smaller pictures.
    after("ball", "[model]\ninput_long_side = 320\n", DueState::Overdue);
    // Who is looked at closer is found elsewhere than who is not.
    after("ball", "[model]\ndetail = \"zones\"\n", DueState::Overdue);
    has_model("another");
    after("ball", "", DueState::Overdue);
    has_model("d1ce");
    after("ball", "", DueState::Valid);
}

#[test]
fn a_test_that_nobody_could_hear_counts_only_where_no_siren_is_meant_to_be() {
    let site = site(RING, "restricted", "");
    *site.siren.broken.lock().expect("not poisoned") = Some("no card".into());
    let guard = start(&site, "");
    wait_until(&guard, "a broken siren", |now| now.siren.fault.is_some());
    let test = begin(&guard);
    for (scene, edge) in
        [(Scene::FromLeft, LEFT), (Scene::FromRight, RIGHT), (Scene::FromAbove, TOP)]
    {
        walk(&site, &guard, test.id, scene, edge);
    }
    let done = guard.handle().walk_desk().finish_walk(test.id, "Eva").expect("finished");
    assert_eq!((done.test.state, done.test.siren), (WalkState::Passed, SirenHeard::Muted));
    let hint = done.hint.expect("a reason");
    assert!(hint.contains("siren could not sound") && hint.contains("valid"), "{hint}");
    // It is known as the last test, and yet the zone is overdue.
    wait_until(&guard, "overdue for want of a siren", |now| {
        let due = now.zones[0].walk_test.as_ref();
        due.is_some_and(|due| {
            let known = due.last.as_ref().is_some_and(|last| last.id == test.id);
            known && due.state == DueState::Overdue
        })
    });
    guard.stop();

    let guard = start(&site, "[siren]\ndevice = \"none\"\n");
    due(&guard, DueState::Valid);
    let test = begin(&guard);
    assert_eq!(test.siren, SirenHeard::Muted);
    assert!(look(&guard, test.id).hint.is_none(), "there is no siren to be mended");
    guard.stop();
}

#[test]
fn a_test_that_a_restart_interrupted_is_abandoned_and_that_is_recorded() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    let test = begin(&guard);
    walk(&site, &guard, test.id, Scene::FromLeft, LEFT);
    guard.stop();
    let guard = start(&site, "");
    let found = look(&guard, test.id).test;
    assert_eq!(found.state, WalkState::Abandoned);
    assert_eq!(found.edges[LEFT as usize].state(), EdgeState::Pass, "what was found stays");
    let closed = found.closed.expect("closed");
    assert_eq!(closed.signed.by, "standclear");
    assert!(closed.reason.contains("started anew"), "{closed:?}");
    due(&guard, DueState::Overdue);
    // Nothing stands in the way of another.
    begin(&guard);
    guard.stop();
    assert!(audited(&site).contains(&(
        "standclear".to_owned(),
        "walk_test_abandoned".to_owned(),
        "bay".to_owned()
    )));
}

#[test]
fn a_test_that_only_the_store_knows_of_is_abandoned_and_another_can_start() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    let known = begin(&guard);
    guard.handle().walk_desk().abandon_walk(known.id, "Eva").expect("abandoned");
    // As after a start that the desk could not wait for.
    let disk = rusqlite::Connection::open(site.path("data/standclear.db")).expect("the store");
    let began = disk.execute(
        "INSERT INTO walk_test (zone, zone_name, camera, zone_digest, zones_version, tester, by,
           started_us, state, siren, limit_ms, facts)
         SELECT zone, zone_name, camera, zone_digest, zones_version, tester, by,
           started_us, 'running', siren, limit_ms, facts FROM walk_test",
        [],
    );
    assert_eq!(began.expect("a row"), 1);
    let astray = u64::try_from(disk.last_insert_rowid()).expect("a number");
    wait_for("its end", || (look(&guard, astray).test.state == WalkState::Abandoned).then_some(()));
    // One that is watched goes on.
    let next = begin(&guard);
    walk(&site, &guard, next.id, Scene::FromLeft, LEFT);
    assert_eq!(look(&guard, next.id).test.state, WalkState::Running);
    guard.stop();
}

#[test]
fn where_no_test_is_required_nothing_is_overdue_and_the_log_says_so() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "[walk_test]\nrequired = false\n");
    due(&guard, DueState::Valid);
    let now = guard.handle().snapshots().borrow().clone();
    assert!(now.alarms.is_empty(), "{:?}", now.alarms);
    guard.stop();
    let actions: Vec<String> = audited(&site).into_iter().map(|(_, action, _)| action).collect();
    assert_eq!(actions, ["walk_tests_not_required"]);
}

#[test]
fn a_zone_that_is_changed_while_it_is_tested_is_overdue_at_once_and_the_test_is_over() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "[zones]\napproval = \"self\"\n");
    let test = begin(&guard);
    for (scene, edge) in
        [(Scene::FromLeft, LEFT), (Scene::FromRight, RIGHT), (Scene::FromAbove, TOP)]
    {
        walk(&site, &guard, test.id, scene, edge);
    }
    guard.handle().walk_desk().finish_walk(test.id, "Eva").expect("finished");
    due(&guard, DueState::Valid);
    let second = begin(&guard);

    let handle = guard.handle();
    let desk = handle.zone_desk();
    let document = desk.zones("yard").expect("zones").in_force.document;
    let moved = document.replace("0.62", "0.6");
    assert_ne!(moved, document);
    let moved = serde_json::from_str(&moved).expect("JSON");
    let draft = desk.put_draft("yard", &moved, "Eva", &DraftBefore::Anything).expect("a draft");
    let version = desk.propose("yard", "Eva", "a little more", &draft.digest).expect("proposed");
    desk.approve("yard", version.number, "Eva").expect("in force");
    drop(handle);
    due(&guard, DueState::Overdue);
    let over = wait_for("the end of the test", || {
        let test = look(&guard, second.id).test;
        (test.state == WalkState::Abandoned).then_some(test)
    });
    assert!(over.closed.expect("closed").reason.contains("changed"));
    guard.stop();
}
