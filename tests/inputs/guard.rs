//! The whole guard with a fake vision process: schedules, a real broker, posted values, and what
//! happens when the arming thread is gone.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use standclear::clock;
use standclear::config::Config;
use standclear::engine::time::Instant;
use standclear::engine::{AlarmState, SirenPattern};
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::{
    Armed, ArmedBy, InputSight, InputValue, SetInputError, Snapshot, ZoneArming,
};

use crate::broker::{Broker, Kept};
use crate::site::{
    SirenNotes, TestSite, fake_worker, intrusion, wait_alarm, wait_for, wait_until, wait_watched,
};
use crate::worker::Scene;

const WHILE_PRESS_RUNS: &str =
    r#""interlock": {"armed_while": {"input": "press-3-running", "is": "on"}}"#;

const BY_HTTP: &str = r#"
[[input]]
name = "press-3-running"
max_age_ms = 2000
from = "http"
"#;

/// A schedule that is off now and for hours: armed from six to seven hours after now.
fn off_now() -> String {
    let now = clock::wall().in_tz("Europe/Prague").expect("known");
    let hour = |ahead: i8| (now.hour() + ahead) % 24;
    format!(
        r#""schedule": {{"armed": [{{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        "from": "{:02}:00", "to": "{:02}:00"}}]}}"#,
        hour(6),
        hour(7)
    )
}

/// A site with one zone over the whole picture and these members in its properties.
fn site(member: &str) -> TestSite {
    let site = TestSite::new();
    let zones = format!(
        r#"{{"type": "FeatureCollection", "features": [{{"type": "Feature",
        "properties": {{"id": "bay", "name": "Bay", "kind": "restricted", {member}}},
        "geometry": {{"type": "Polygon",
        "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}}}}]}}"#
    );
    fs::write(site.path("yard.json"), zones).expect("a zone file");
    site
}

fn start(site: &TestSite, inputs: &str) -> Guard {
    let text = format!(
        r#"
        site = {{ name = "Test", time_zone = "Europe/Prague" }}
        web.listen = "127.0.0.1:0"
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ test = "ball" }}
        zones = "yard.json"
        {inputs}"#
    );
    let config = Config::parse(&site.path("standclear.toml"), &text);
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let siren: Box<SirenNotes> = Box::new(site.siren.clone());
    let parts = Parts { siren, worker_command: fake_worker(site.folder.path()) };
    Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"))
}

fn arming(now: &Snapshot) -> &ZoneArming {
    &now.zones[0].arming
}

#[track_caller]
fn wait_armed(guard: &Guard, armed: Armed) -> Arc<Snapshot> {
    wait_until(guard, &format!("armed: {armed:?}"), |now| arming(now).armed == armed)
}

/// Says so again and again until it is so.
#[track_caller]
fn post_until(guard: &Guard, value: InputValue, wanted: impl Fn(&Snapshot) -> bool) {
    let snapshots = guard.handle().snapshots();
    wait_for("the posted value's effect", || {
        guard.handle().set_input("press-3-running", value, "token plc").expect("taken");
        wanted(&snapshots.borrow()).then_some(())
    });
}

/// Everything that the event log holds of this kind.
fn log(site: &TestSite, kind: &str) -> Vec<String> {
    let store = rusqlite::Connection::open(site.path("data/standclear.db")).expect("the store");
    let mut statement =
        store.prepare("SELECT detail FROM event WHERE kind = ?1 ORDER BY rowid").expect("a log");
    let rows = statement.query_map([kind], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a text")).collect()
}

#[test]
fn a_zone_off_by_schedule_is_watched_and_silent() {
    let site = site(&off_now());
    let guard = start(&site, "");
    wait_watched(&guard);
    let now = wait_armed(&guard, Armed::No);
    assert_eq!(arming(&now).by, Some(ArmedBy::Schedule));
    let reason = arming(&now).reason.clone();
    assert!(reason.starts_with("Off by schedule until ") && reason.ends_with(":00"), "{reason}");
    let shown_at = clock::monotonic();
    site.shows(Scene::Person);
    let now = wait_until(&guard, "the person", |now| now.zones[0].people == 1);
    assert!(now.alarms.iter().all(|alarm| !intrusion(alarm.source)), "{:?}", now.alarms);

    // The arming thread is gone: its lease runs out, and who is inside alarms.
    guard.stop_arming();
    let heard = site.siren.since(shown_at, SirenPattern::Intrusion).since(shown_at);
    println!("armed without the arming thread, and heard, after {heard:?}");
    wait_alarm(&guard, intrusion, AlarmState::Unacknowledged);
    let now = wait_armed(&guard, Armed::Yes);
    assert_eq!(arming(&now).reason, "Armed because nobody looks at schedules and inputs");
    guard.stop();
    let (off, on) = (log(&site, "zone_disarmed"), log(&site, "zone_armed"));
    assert_eq!(off, [format!("by=schedule\nreason={reason}")]);
    assert_eq!(on, ["reason=Armed because nobody looks at schedules and inputs"]);
}

#[test]
fn a_posted_value_switches_a_zone_off_and_its_silence_on() {
    let site = site(WHILE_PRESS_RUNS);
    let guard = start(&site, BY_HTTP);
    let now = wait_watched(&guard);
    assert_eq!(arming(&now).armed, Armed::Yes);
    post_until(&guard, InputValue::Off, |now| arming(now).armed == Armed::No);
    let now = guard.handle().snapshots().borrow().clone();
    assert_eq!(arming(&now).reason, "Off while press-3-running is off");
    assert_eq!(now.inputs[0].state, InputSight::Off);
    let fell_silent_at = clock::monotonic();
    let now = wait_armed(&guard, Armed::Yes);
    let after = clock::monotonic().since(fell_silent_at);
    println!("armed {after:?} after the last word");
    assert!(after < Duration::from_millis(4_000), "{after:?}");
    assert!(arming(&now).reason.starts_with("Armed because press-3-running has not been heard"));
    let handle = guard.handle();
    let unknown = handle.set_input("press-4", InputValue::Off, "token plc");
    assert_eq!(unknown, Err(SetInputError::UnknownInput));
    drop(handle);
    guard.stop();
    let notes = log(&site, "note");
    let told = |text: &str| notes.iter().any(|note| note.contains(text));
    assert!(told("input press-3-running is off, says token plc"), "{notes:?}");
    assert!(told("input press-3-running is unknown: no word for"), "{notes:?}");
    let armed = log(&site, "zone_armed");
    assert!(armed[0].contains("press-3-running has not been heard"), "{armed:?}");
}

#[test]
fn on_arms_at_once_and_who_is_inside_is_heard() {
    let site = site(WHILE_PRESS_RUNS);
    let guard = start(&site, BY_HTTP);
    wait_watched(&guard);
    post_until(&guard, InputValue::Off, |now| arming(now).armed == Armed::No);
    site.shows(Scene::Person);
    post_until(&guard, InputValue::Off, |now| now.zones[0].people == 1);
    assert_eq!(site.siren.now(), SirenPattern::Silent);
    let on_at = clock::monotonic();
    guard.handle().set_input("press-3-running", InputValue::On, "token plc").expect("taken");
    let heard = site.siren.since(on_at, SirenPattern::Intrusion).since(on_at);
    assert!(heard < Duration::from_millis(500), "{heard:?}");
    guard.stop();
}

#[test]
fn a_broker_that_is_killed_arms_at_once_and_its_restart_can_disarm_again() {
    let mut broker = Broker::start();
    let site = site(WHILE_PRESS_RUNS);
    let inputs = format!(
        r#"
        [mqtt]
        host = "127.0.0.1"
        port = {}
        [[input]]
        name = "press-3-running"
        max_age_ms = 60000
        from = {{ mqtt = {{ topic = "press3" }} }}"#,
        broker.port()
    );
    let guard = start(&site, &inputs);
    wait_watched(&guard);
    let say_off = |broker: &Broker| {
        let snapshots = guard.handle().snapshots();
        wait_for("off", || {
            broker.publish("press3", "0", Kept::No);
            (arming(&snapshots.borrow()).armed == Armed::No).then_some(())
        });
    };
    say_off(&broker);
    site.shows(Scene::Person);
    wait_until(&guard, "the person", |now| now.zones[0].people == 1);
    let killed_at = clock::monotonic();
    broker.kill();
    let heard: Instant = site.siren.since(killed_at, SirenPattern::Intrusion);
    println!("a killed broker is heard after {:?}", heard.since(killed_at));
    assert!(heard.since(killed_at) < Duration::from_secs(2));
    let now = wait_until(&guard, "the reason", |now| {
        arming(now).reason.starts_with("Armed because press-3-running is unknown: the broker")
    });
    let InputSight::Unknown(reason) = &now.inputs[0].state else {
        panic!("{:?}", now.inputs);
    };
    assert!(reason.starts_with("the broker is not reachable since"), "{reason}");
    site.shows(Scene::Empty);
    broker.restart();
    say_off(&broker);
    let taken = guard.handle().set_input("press-3-running", InputValue::Off, "token plc");
    assert_eq!(taken, Err(SetInputError::NotPosted));
    guard.stop();
}

#[test]
fn an_interlock_without_its_input_is_armed_and_says_so() {
    let site = site(WHILE_PRESS_RUNS);
    let guard = start(&site, "");
    let now = wait_until(&guard, "the reason", |now| {
        arming(now).reason == "Armed because press-3-running is not configured"
    });
    assert_eq!(arming(&now).armed, Armed::Yes);
    guard.stop();
}
