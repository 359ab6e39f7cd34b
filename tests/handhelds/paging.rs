//! Who gets an alarm, how soon, and what happens when nobody does.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use standclear::clock;
use standclear::engine::alarm::ShelfTime;
use standclear::engine::{AlarmSource, AlarmState, Part, SirenPattern};
use standclear::guard::handle::{Alarm, AlarmCommand, Reason, ZonePlace};

use crate::device::{Habit, Line};
use crate::site::{wait_alarm, wait_for, wait_until};
use crate::worker::Scene;
use crate::world::World;

/// R2: the longest time from a picture to a handheld.
const HANDHELD_MAX: Duration = Duration::from_secs(2);

fn nobody_listens(source: AlarmSource) -> bool {
    source == AlarmSource::Fault(Part::Handhelds)
}

/// The first message of the intrusion, and how long after the scene changed it came.
#[track_caller]
fn intrusion_on(line: &Line, world: &World) -> (Value, Duration) {
    let entered_at = clock::monotonic();
    world.site.shows(Scene::Person);
    let (message, at) = line.find("alarm", |it| it["alarm"]["priority"] == "emergency");
    (message, at.since(entered_at))
}

#[test]
fn an_alarm_is_on_the_handheld_of_whoever_is_on_duty_and_the_box_knows_when() {
    let (mut world, phones) = World::with(&["Eva", "Ben"], &["Eva", "Ben"]);
    let (eva, ben) = (phones[0].connect(Habit::Good), phones[1].connect(Habit::Good));
    let welcome = &eva.welcome;
    assert_eq!((&welcome["person"], &welcome["device"]), (&json!("Eva"), &json!("Eva's phone")));
    assert_eq!(welcome["cameras"], json!([{ "id": "yard", "name": "Yard" }]));
    let calm = eva.next("state").0;
    assert_eq!(calm["watched"], json!({ "zones": 1, "unknown": 0, "unguarded": [] }));

    let (message, after) = intrusion_on(&eva, &world);
    println!("on the handheld {after:?} after the scene changed");
    assert!(after <= HANDHELD_MAX, "{after:?}");
    assert_eq!(message["attempt"], 1);
    let alarm = &message["alarm"];
    assert_eq!((&alarm["title"], &alarm["text"]), (&json!("Bay"), &json!("1 person inside")));
    assert_eq!((&alarm["zone"], &alarm["camera"]), (&json!("bay"), &json!("yard")));
    assert_eq!((&alarm["people"], &alarm["next"]["person"]), (&json!(1), &json!("Ben")));
    assert!(alarm["captured_at"].is_string() && alarm["next"]["in_s"].as_u64() <= Some(10));
    eva.say(&json!({ "type": "shown", "alarm": alarm["id"], "version": alarm["version"] }));

    let shown = |alarm: &Alarm| alarm.delivery.iter().any(|it| it.shown_ms.is_some());
    let now = wait_until(&world.guard, "shown", |now| now.alarms.iter().any(shown));
    let delivery = now.alarms.iter().find(|it| shown(it)).expect("just seen").delivery.clone();
    println!("{delivery:?}");
    assert_eq!(delivery.len(), 1, "nobody but Eva was called");
    assert!(Some(delivery[0].sent_ms) <= delivery[0].received_ms);
    assert!(delivery[0].received_ms <= delivery[0].shown_ms);
    // The page's ladder names the person, and Ben can see who has it.
    let state = world.ada.state();
    let ladder = state["alarms"][0]["ladder"].as_array().expect("a list");
    assert!(ladder.iter().any(|it| it["step"] == "shown" && it["person"] == "Eva"), "{state}");
    assert_eq!(state["handhelds"]["listening"], "somebody");
    let seen = |state: &Value| {
        let first = &state["alarms"][0]["delivery"][0];
        first["person"] == "Eva" && first["shown_ms"].is_number()
    };
    ben.find("state", seen);
    assert_eq!(ben.within(Duration::from_millis(500), "alarm"), Vec::<Value>::new());

    // The evidence is in the store, with the answer.
    let (id, version) = (alarm["id"].as_u64(), alarm["version"].as_u64());
    let (id, version) = (id.expect("a number"), version.expect("a number"));
    assert_eq!(eva.acknowledge(id, version, "a", 0)["outcome"], "acknowledged");
    let answered = wait_alarm(&world.guard, crate::site::intrusion, AlarmState::Acknowledged);
    let by = answered.acknowledged.map(|(by, _)| by);
    assert_eq!(by.as_deref(), Some("Eva (Eva's phone)"));
    let answered = |alarm: &Value| alarm["acknowledged_by"] == "Eva (Eva's phone)";
    ben.find("state", |it| it["alarms"].as_array().is_some_and(|all| all.iter().any(answered)));
    world.guard.stop();
    let store = standclear::store::Store::open(&world.site.path("data")).expect("the store");
    let receipts = store.reader().expect("a reader").receipts(id).expect("read");
    let [receipt] = receipts.as_slice() else { panic!("{receipts:?}") };
    assert_eq!((receipt.version, receipt.attempts), (version, 1));
    let times =
        [Some(receipt.sent_at), receipt.received_at, receipt.shown_at, receipt.acknowledged_at];
    assert!(times.iter().all(Option::is_some) && times.is_sorted(), "{times:?}");
}

#[test]
fn without_a_receipt_it_comes_again_after_a_second_and_the_next_person_is_called_after_five() {
    let (world, phones) = World::with(&["Eva", "Ben"], &["Eva", "Ben"]);
    let (eva, ben) = (phones[0].connect(Habit::Deaf), phones[1].connect(Habit::Good));
    world.site.shows(Scene::Person);
    let is_it = |it: &Value| it["alarm"]["priority"] == "emergency";
    let (first, at) = eva.find("alarm", is_it);
    let (second, again_at) = eva.find("alarm", is_it);
    assert_eq!((&first["attempt"], &second["attempt"]), (&json!(1), &json!(2)));
    assert_eq!(first["alarm"]["id"], second["alarm"]["id"]);
    let (again, next) = (again_at.since(at), ben.find("alarm", is_it).1.since(at));
    println!("again after {again:?}, the next person after {next:?}");
    assert!((900..2_000).contains(&again.as_millis()), "{again:?}");
    assert!((4_900..6_500).contains(&next.as_millis()), "{next:?}");
    world.guard.stop();
}

#[test]
fn without_an_answer_the_next_person_is_called_and_handing_on_calls_them_now() {
    let (world, phones) = World::with(&["Eva", "Ben", "Cara"], &["Eva", "Ben", "Cara"]);
    let lines: Vec<Line> = phones.iter().map(|phone| phone.connect(Habit::Good)).collect();
    world.site.shows(Scene::Person);
    let is_it = |it: &Value| it["alarm"]["priority"] == "emergency";
    let (message, at) = lines[0].find("alarm", is_it);
    lines[0].say(&json!({ "type": "call_next", "alarm": message["alarm"]["id"] }));
    let handed = lines[1].find("alarm", is_it).1;
    assert!(handed.since(at) < Duration::from_secs(2));
    let third = lines[2].find("alarm", is_it).1.since(handed);
    println!("the third person after {third:?} without an answer");
    assert!((9_500..12_000).contains(&third.as_millis()), "{third:?}");
    world.guard.stop();
}

#[test]
fn phones_that_hang_delay_nobody() {
    let people = ["Eva", "Ben", "Cara", "Dan", "Finn"];
    let (world, phones) = World::with(&people, &["Eva", "Ben", "Cara", "Dan", "Finn"]);
    let hang: Vec<Line> = phones[..4].iter().map(|phone| phone.connect(Habit::Stuck)).collect();
    let good = phones[4].connect(Habit::Good);
    // One of those that hang is first: it is asked, found silent, and Finn has it all the same.
    let (_, after) = intrusion_on(&good, &world);
    println!("with four that hang, on the fifth after {after:?}");
    assert!(after < Duration::from_secs(5), "{after:?}");
    let alone = |now: &standclear::guard::handle::Snapshot| now.handhelds.connected.len() == 1;
    wait_until(&world.guard, "four lines given up", alone);
    drop(hang);
    world.guard.stop();
}

#[test]
fn the_page_under_a_flood_of_connections_delays_no_handheld() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    let flood: Vec<TcpStream> = (0..200)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(world.guard.address()).ok()?;
            // Half a request, so that each holds its place.
            stream.write_all(b"GET /api/state HTTP/1.1\r\nHost: ").ok()?;
            Some(stream)
        })
        .collect();
    let (_, after) = intrusion_on(&eva, &world);
    println!("with {} connections to the page, after {after:?}", flood.len());
    assert!(after <= HANDHELD_MAX, "{after:?}");
    drop(flood);
    world.guard.stop();
}

#[test]
fn nobody_listening_is_heard_within_seconds_and_ends_with_the_first_who_comes() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    eva.next("state");
    let left_at = clock::monotonic();
    drop(eva);
    let alarm = wait_alarm(&world.guard, nobody_listens, AlarmState::Unacknowledged);
    let after = clock::monotonic().since(left_at);
    println!("said after {after:?}: {}", alarm.text);
    assert!(after <= Duration::from_secs(4), "{after:?}");
    assert!(alarm.text.contains("does not answer"), "{}", alarm.text);
    world.site.siren.since(left_at, SirenPattern::Fault);
    let eva = phones[0].connect(Habit::Good);
    wait_alarm(&world.guard, nobody_listens, AlarmState::ReturnedUnacknowledged);
    // It has to be seen: that there was a time without anybody.
    let (message, _) = eva.find("alarm", |it| it["alarm"]["title"] == "Handhelds");
    assert_eq!(message["alarm"]["priority"], "fault");
    world.guard.stop();
}

#[test]
fn the_last_phone_revoked_while_the_duty_list_names_people_is_nobody_listening() {
    let (mut world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    eva.next("state");
    let revoked_at = clock::monotonic();
    let path = format!("/api/handhelds/{}", phones[0].id);
    assert_eq!(world.ada.ask("DELETE", &path, br#"{"reason":"lost"}"#).status, 204);
    let alarm = wait_alarm(&world.guard, nobody_listens, AlarmState::Unacknowledged);
    let after = clock::monotonic().since(revoked_at);
    assert!(after <= Duration::from_secs(4), "{after:?}");
    assert!(alarm.text.contains("no handheld is paired"), "{}", alarm.text);
    world.site.siren.since(revoked_at, SirenPattern::Fault);
    world.guard.stop();
}

#[test]
fn nobody_listening_before_a_restart_is_over_when_a_phone_is_back_and_the_next_time_is_heard() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    drop(phones[0].connect(Habit::Good));
    let alarm = wait_alarm(&world.guard, nobody_listens, AlarmState::Unacknowledged);
    world.guard.handle().acknowledge(alarm.id, None, "Ada").expect("answered");
    let world = world.restart();
    let eva = phones[0].connect(Habit::Good);
    wait_until(&world.guard, "a phone and no alarm of handhelds", |now| {
        !now.handhelds.connected.is_empty()
            && !now.alarms.iter().any(|it| nobody_listens(it.source))
    });
    drop(eva);
    wait_alarm(&world.guard, nobody_listens, AlarmState::Unacknowledged);
    world.guard.stop();
}

#[test]
fn nobody_listening_is_over_on_a_box_that_serves_handhelds_no_more() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    drop(phones[0].connect(Habit::Good));
    wait_alarm(&world.guard, nobody_listens, AlarmState::Unacknowledged);
    world.guard.stop();
    let guard = world.site.start();
    wait_alarm(&guard, nobody_listens, AlarmState::ReturnedUnacknowledged);
    guard.stop();
}

#[test]
fn a_mute_phone_listens_no_more_than_none() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Mute);
    let connected_at = clock::monotonic();
    wait_alarm(&world.guard, nobody_listens, AlarmState::Unacknowledged);
    let after = clock::monotonic().since(connected_at);
    assert!(after <= Duration::from_secs(5), "{after:?}");
    eva.closed();
    world.guard.stop();
}

#[test]
fn a_phone_that_may_make_no_sound_is_connected_and_nobody_listens() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    let awake = |sound: &str| {
        let said = json!({
            "type": "awake", "visible": true, "sound": sound, "notifications": "granted",
        });
        eva.say(&said);
    };
    awake("blocked");
    let alarm = wait_alarm(&world.guard, nobody_listens, AlarmState::Unacknowledged);
    assert!(alarm.text.contains("no sound"), "{}", alarm.text);
    wait_until(&world.guard, "its line", |now| now.handhelds.connected.len() == 1);
    eva.find("state", |it| it["duty"]["people"][0]["listening"] == false);
    awake("ready");
    wait_alarm(&world.guard, nobody_listens, AlarmState::ReturnedUnacknowledged);
    world.guard.stop();
}

#[test]
fn after_a_restart_a_phone_connects_with_its_key_and_gets_what_was_open() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    let (before, _) = intrusion_on(&eva, &world);
    let world = world.restart();
    eva.closed();
    let eva = phones[0].connect(Habit::Good);
    let is_it = |it: &Value| it["alarm"]["priority"] == "emergency";
    let (after, _) = eva.find("alarm", is_it);
    assert_eq!(after["alarm"]["id"], before["alarm"]["id"]);
    assert_eq!(after["attempt"], 1);
    assert!(after["alarm"]["version"].as_u64() >= before["alarm"]["version"].as_u64());
    world.guard.stop();
}

#[test]
fn a_phone_that_loses_its_line_gets_the_alarm_again_when_it_is_back() {
    let (world, phones) = World::with(&["Eva", "Ben"], &["Eva", "Ben"]);
    let (eva, ben) = (phones[0].connect(Habit::Deaf), phones[1].connect(Habit::Good));
    let (first, _) = intrusion_on(&eva, &world);
    let lost_at = clock::monotonic();
    drop(eva);
    // Ben is called at once, since nobody else who was called is there.
    let (_, at) = ben.find("alarm", |it| it["alarm"]["id"] == first["alarm"]["id"]);
    assert!(at.since(lost_at) < Duration::from_secs(2), "{:?}", at.since(lost_at));
    let eva = phones[0].connect(Habit::Good);
    let (again, _) = eva.find("alarm", |it| it["alarm"]["id"] == first["alarm"]["id"]);
    assert!(again["attempt"].as_u64() >= Some(2), "{again}");
    world.guard.stop();
}

#[test]
fn whoever_answers_before_the_picture_is_drawn_has_looked_at_it_all_the_same() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    let (message, _) = intrusion_on(&eva, &world);
    let number = |field: &str| message["alarm"][field].as_u64().expect("a number");
    assert_eq!(eva.acknowledge(number("id"), number("version"), "a", 0)["outcome"], "acknowledged");
    // What is drawn is the answered alarm, which the box told of in the state and sent to nobody.
    let answered = |alarm: &Value| alarm["acknowledged_by"] == "Eva (Eva's phone)";
    let all = |it: &Value| it["alarms"].as_array().cloned().unwrap_or_default();
    let state = eva.find("state", |it| all(it).iter().any(answered)).0;
    let newer = all(&state).into_iter().find(answered).expect("just seen")["version"].clone();
    assert!(newer.as_u64() > Some(number("version")), "{newer}");
    eva.say(&json!({ "type": "shown", "alarm": number("id"), "version": newer }));
    let shown = |alarm: &Alarm| alarm.delivery.iter().any(|it| it.shown_ms.is_some());
    wait_until(&world.guard, "shown", |now| now.alarms.iter().any(shown));
    world.guard.stop();
}

#[test]
fn an_ignored_area_is_no_zone_that_is_watched() {
    let site = crate::site::TestSite::new();
    let bay = std::fs::read_to_string(site.path("yard.json")).expect("a zone file");
    let mirror = r#"{"type":"Feature","properties":{"id":"mirror","name":"Mirror","kind":"ignore",
        "reason":"a mirror"},"geometry":{"type":"Polygon",
        "coordinates":[[[0,0],[0.1,0],[0.1,0.1],[0,0.1],[0,0]]]}}"#;
    let both = format!("{},{mirror}]}}", bay.strip_suffix("]}").expect("a list at its end"));
    std::fs::write(site.path("yard.json"), both).expect("written");
    let mut world = World::on(site);
    let phone = world.pair("Eva");
    let eva = phone.connect(Habit::Good);
    let told = eva.find("state", |it| it["watched"]["zones"] != 0).0;
    assert_eq!(told["watched"]["zones"], 1, "as the operator page counts them: {told}");
    world.guard.stop();
}

#[test]
fn a_handheld_is_told_which_zones_alarm_nobody_and_when_they_do_again() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    let told = |why: &str| {
        let zone = json!([{ "zone": "bay", "name": "Bay", "why": why }]);
        eva.find("state", |it| it["watched"]["unguarded"] == zone).0
    };
    let place = ZonePlace { camera: "yard".into(), zone: "bay".into() };
    let reason = || Reason::new("The gate is rebuilt").expect("a reason");
    let out = AlarmCommand::TakeOutOfService { zone: place.clone(), reason: reason() };
    world.guard.handle().command(out, "Ada").expect("taken");
    let state = told("out_of_service");
    let held = &state["held"][0];
    let who = json!(["out_of_service", "bay", "Ada", "The gate is rebuilt"]);
    assert_eq!(json!([held["state"], held["zone"], held["by"], held["reason"]]), who);
    assert_eq!((&held["alarm"], &held["until"]), (&json!(null), &json!(null)));
    assert_eq!(state["watched"]["unknown"], 0, "it is watched; nobody is told");
    let back = AlarmCommand::PutIntoService { zone: place };
    world.guard.handle().command(back, "Ada").expect("taken");
    eva.find("state", |it| it["watched"]["unguarded"] == json!([]));

    let alarm = world.intrusion().id;
    let time = ShelfTime::from_minutes(10).expect("a time");
    let shelve = AlarmCommand::Shelve { alarm, time, reason: reason() };
    world.guard.handle().command(shelve, "Ada").expect("taken");
    let held = &told("shelved")["held"][0];
    assert_eq!((&held["alarm"], &held["by"]), (&json!(alarm.0), &json!("Ada")), "{held}");
    assert!(held["until"].is_string(), "it says when it ends: {held}");
    world.guard.stop();
}

#[test]
fn silence_from_a_handheld_is_no_answer() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    let (_, _) = intrusion_on(&eva, &world);
    wait_for("the sound", || (world.site.siren.now() == SirenPattern::Intrusion).then_some(()));
    // Of a person who has not seen this alarm, or does not say what they saw.
    eva.say(&json!({ "type": "silence", "seen": 0 }));
    eva.say(&json!({ "type": "silence" }));
    eva.next("ping");
    assert_eq!(world.site.siren.now(), SirenPattern::Intrusion, "nobody saw what sounds");
    wait_for("silence", || {
        let now = world.guard.handle().snapshots().borrow().clone();
        let seen = now.alarms.iter().map(|alarm| alarm.version).max();
        eva.say(&json!({ "type": "silence", "seen": seen }));
        eva.next("ping");
        (world.site.siren.now() == SirenPattern::Silent).then_some(())
    });
    wait_alarm(&world.guard, crate::site::intrusion, AlarmState::Unacknowledged);
    world.guard.stop();
}
