//! What a stranger, an old answer and a broken device get: a clear no, and nothing changed.

use std::time::Duration;

use serde_json::{Value, json};
use standclear::clock;
use standclear::engine::AlarmState;
use tokio_tungstenite::tungstenite::Message;

use crate::device::{Habit, Key};
use crate::site::{intrusion, wait_alarm, wait_for, wait_until};
use crate::worker::Scene;
use crate::world::World;

#[test]
fn only_a_fresh_proof_of_the_right_key_lets_a_device_in() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = &phones[0];
    let mut old = String::new();
    let line = eva.try_connect(Habit::Good, |nonce| {
        old = eva.proof(nonce);
        old.clone()
    });
    let line = line.expect("welcome");
    let refused = |proof: String| {
        let refusal = eva.try_connect(Habit::Good, |_| proof).err().expect("refused");
        assert_eq!(refusal["type"], "refused", "{refusal}");
        refusal["code"].clone()
    };
    // The proof of another connection, of another key, of nothing.
    assert_eq!(refused(old.clone()), "bad_proof");
    let other = Key::new();
    let forged = eva.try_connect(Habit::Good, |nonce| {
        other.sign(&format!("standclear-handheld-1|{}|{}|{nonce}", eva.box_id, eva.id))
    });
    assert_eq!(forged.err().expect("refused")["code"], "bad_proof");
    for proof in ["", "AAAA", "not base64 at all!"] {
        assert_eq!(refused(proof.to_owned()), "bad_proof");
    }
    let mut stranger = eva.clone();
    stranger.id = "nobody22".into();
    let refusal = stranger.try_connect(Habit::Good, |nonce| stranger.proof(nonce)).err();
    assert_eq!(refusal.expect("refused")["code"], "unknown_device");
    // Whoever tried has not ended the line of who was right.
    line.next("ping");
    line.next("state");
    world.guard.stop();
}

#[test]
fn who_does_not_say_hello_first_is_told_and_let_go() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let text = |value: Value| Message::text(value.to_string());
    let answers = phones[0].says_first(text(json!({ "type": "silence", "seen": 0 })));
    assert_eq!(answers[0]["code"], "protocol", "{answers:?}");
    let hello = json!({ "type": "hello", "device": phones[0].id, "protocol": 2 });
    let answers = phones[0].says_first(text(hello));
    assert!(answers[0]["message"].as_str().is_some_and(|it| it.contains("protocol 1")));
    assert_eq!(phones[0].says_first(Message::text("{")), Vec::<Value>::new());
    assert_eq!(phones[0].says_first(Message::binary(vec![1, 2, 3])), Vec::<Value>::new());
    world.guard.stop();
}

#[test]
fn a_revoked_device_is_gone_at_once_and_stays_out() {
    let (mut world, phones) = World::with(&["Eva", "Ben"], &["Eva"]);
    let (eva, ben) = (phones[0].connect(Habit::Good), phones[1].connect(Habit::Good));
    let ticket = eva.welcome["ticket"].as_str().expect("a ticket").to_owned();
    let path = format!("/api/handhelds/{}", phones[0].id);
    let refused = world.ada.ask("DELETE", &path, b"{}");
    assert_eq!((refused.status, refused.fields()), (422, vec!["reason".to_owned()]));
    let gone = world.ada.ask("DELETE", &path, br#"{"reason":"lost in the yard"}"#);
    assert_eq!(gone.status, 204, "{}", gone.json);
    let last = eva.closed();
    assert_eq!(last.last().map(|it| &it["code"]), Some(&json!("revoked")), "{last:?}");
    let refusal = phones[0].try_connect(Habit::Good, |nonce| phones[0].proof(nonce)).err();
    assert_eq!(refusal.expect("refused")["code"], "revoked");
    let again = world.ada.ask("DELETE", &path, br#"{"reason":"twice"}"#);
    again.refused(409, "already_revoked");
    world
        .ada
        .ask("DELETE", "/api/handhelds/nobody", br#"{"reason":"x"}"#)
        .refused(404, "unknown_handheld");
    // Its ticket shows no picture any more.
    let mut nobody = crate::client::Person::nobody(format!("127.0.0.1:{}", world.port));
    let picture = format!("/api/handheld/incidents/1/snapshot.jpg?ticket={ticket}");
    nobody.get(&picture).refused(401, "ticket_needed");
    // Nobody of the duty list has a device now: Ben is called.
    world.site.shows(Scene::Person);
    ben.find("alarm", |it| it["alarm"]["priority"] == "emergency");
    let list = world.ada.get("/api/handhelds").ok();
    assert_eq!(list["handhelds"][0]["revoked"]["reason"], "lost in the yard");
    assert_eq!(list["handhelds"][1]["connected"], true);
    let id = phones[0].id.clone();
    assert!(world.trail().contains(&("Ada".into(), "handheld_revoked".into(), id)));
    world.guard.stop();
}

#[test]
fn a_device_is_cut_off_at_once_while_the_disk_takes_nothing_and_that_is_kept_when_it_does() {
    let (mut world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    let disk =
        rusqlite::Connection::open(world.site.path("data/standclear.db")).expect("the store");
    disk.execute_batch("BEGIN IMMEDIATE").expect("the store to ourselves");
    let path = format!("/api/handhelds/{}", phones[0].id);
    let asked_at = clock::monotonic();
    let said = world.ada.ask("DELETE", &path, br#"{"reason":"lost in the yard"}"#);
    said.refused(503, "not_kept_yet");
    let last = eva.closed();
    println!("cut off {:?} after it was asked", clock::monotonic().since(asked_at));
    assert_eq!(last.last().map(|it| &it["code"]), Some(&json!("revoked")), "{last:?}");
    let refusal = phones[0].try_connect(Habit::Good, |nonce| phones[0].proof(nonce)).err();
    assert_eq!(refusal.expect("refused")["code"], "revoked");
    let revoked = "SELECT count(*) FROM audit WHERE action = 'handheld_revoked'";
    let kept = || disk.query_row(revoked, [], |row| row.get::<_, u32>(0)).expect("a count");
    assert_eq!(kept(), 0, "the disk takes nothing");
    disk.execute_batch("ROLLBACK").expect("given back");
    wait_for("the revocation on disk", || (kept() == 1).then_some(()));

    let world = world.restart();
    let refusal = phones[0].try_connect(Habit::Good, |nonce| phones[0].proof(nonce)).err();
    assert_eq!(refusal.expect("refused")["code"], "revoked", "also after a restart");
    world.guard.stop();
}

#[test]
fn an_answer_counts_once_and_only_for_what_was_on_the_screen() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    let outcome = |alarm: u64, version: u64, id: &str, age_ms: u64| {
        let answer = eva.acknowledge(alarm, version, id, age_ms);
        assert_eq!(answer["alarm"], alarm);
        assert!(answer["message"].as_str().is_some_and(|it| !it.is_empty()));
        answer["outcome"].as_str().expect("a text").to_owned()
    };
    assert_eq!(outcome(999, 1, "none", 0), "unknown_alarm");
    let alarm = world.intrusion();
    let (id, version) = (alarm.id.0, alarm.version);
    assert_eq!(outcome(id, version - 1, "older", 0), "newer_cause");
    assert_eq!(outcome(id, u64::MAX, "of what never was", 0), "newer_cause");
    assert_eq!(outcome(id, version, "old", 120_001), "too_old");
    // What was refused under a name stays so under that name.
    assert_eq!(outcome(id, version, "old", 0), "too_old");
    wait_alarm(&world.guard, intrusion, AlarmState::Unacknowledged);
    assert_eq!(outcome(id, version, "new", 0), "acknowledged");
    assert_eq!(outcome(id, version, "new", 0), "acknowledged");
    assert_eq!(outcome(id, version, "newer", 0), "already_acknowledged");
    let entries = world.guard.handle().accounts().audit(100, None).expect("the store");
    let answers = entries.iter().filter(|row| row.entry.action == "alarm_acknowledged");
    assert_eq!(answers.count(), 1, "one press, one answer");
    world.guard.stop();
}

#[test]
fn ten_megabytes_end_the_line_that_sent_them_and_no_other() {
    let (world, phones) = World::with(&["Eva", "Ben"], &["Eva", "Ben"]);
    let (eva, ben) = (phones[0].connect(Habit::Good), phones[1].connect(Habit::Good));
    eva.say_any(Message::text("x".repeat(10 * 1024 * 1024)));
    eva.closed();
    ben.next("ping");
    wait_until(&world.guard, "one line", |now| now.handhelds.connected.len() == 1);
    let eva = phones[0].connect(Habit::Good);
    world.site.shows(Scene::Person);
    eva.find("alarm", |it| it["alarm"]["priority"] == "emergency");
    world.guard.stop();
}

#[test]
fn what_cannot_be_read_changes_nothing_and_too_much_of_it_ends_the_line() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let eva = phones[0].connect(Habit::Good);
    let alarm = world.intrusion();
    let (id, version) = (alarm.id.0, alarm.version);
    for said in [
        json!({ "type": "nonsense" }),
        json!({ "type": "acknowledge", "alarm": -1 }),
        json!({ "type": "received", "alarm": "x" }),
        // Receipts of what was never sent.
        json!({ "type": "received", "alarm": 999, "version": 1, "attempt": 1, "after_ms": 0 }),
        json!({ "type": "shown", "alarm": id, "version": version + 1000 }),
        json!({ "type": "call_next", "alarm": 999 }),
        json!({ "type": "subscribe_push", "subscription": {} }),
        json!([]),
        json!(7),
    ] {
        eva.say(&said);
    }
    eva.next("ping");
    let now = wait_alarm(&world.guard, intrusion, AlarmState::Unacknowledged);
    assert!(now.delivery.iter().all(|it| it.shown_ms.is_none()), "{:?}", now.delivery);
    for _ in 0..40 {
        eva.say(&json!({ "type": "nonsense" }));
    }
    eva.closed();
    // Nor may a device talk without end.
    let eva = phones[0].connect(Habit::Good);
    for n in 0..200 {
        eva.say(&json!({ "type": "pong", "n": n }));
    }
    eva.closed();
    world.guard.stop();
}

#[test]
fn the_same_device_on_another_connection_takes_the_place_of_the_first() {
    let (world, phones) = World::with(&["Eva"], &["Eva"]);
    let first = phones[0].connect(Habit::Good);
    let second = phones[0].connect(Habit::Good);
    first.closed();
    world.site.shows(Scene::Person);
    second.find("alarm", |it| it["alarm"]["priority"] == "emergency");
    assert!(second.within(Duration::from_millis(100), "refused").is_empty());
    world.guard.stop();
}
