//! What is to be sent: written with its record, in order, bounded, and every loss counted.

use jiff::SignedDuration;
use standclear::engine::delivery::Class;
use standclear::store::handhelds::{HandheldChange, PairingRow, Revoked};
use standclear::store::outbox::{
    Backlog, Bounds, LossReason, Message, Progress, PushSubscription, Told, Trimmed,
};
use standclear::store::query::StoreReader;

use super::*;

const ALL: &[Class] = &Class::ALL;
const ROOMY: Bounds = Bounds { bytes_max: 1 << 40, not_before: None };

fn waiting(reader: &StoreReader, channel: &str, class: Class) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    loop {
        let after = messages.last().map_or(0, |message| message.id);
        match reader.next_message(channel, class, after).expect("readable") {
            Some(message) => messages.push(message),
            None => return messages,
        }
    }
}

fn keys(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| &*message.key).collect()
}

fn json(message: &Message) -> serde_json::Value {
    serde_json::from_str(&message.body).expect("JSON")
}

fn to(class: Class, position: u64) -> Progress {
    Progress { class, position, passed: Vec::new(), lost: Vec::new() }
}

fn standing(reader: &StoreReader, channel: &str, class: Class) -> Backlog {
    let all = reader.backlog(channel).expect("readable");
    all.into_iter().find(|backlog| backlog.class == class).expect("a cursor")
}

fn story_with_channels(dir: &Path, channels: &[(&str, &[Class])]) -> Store {
    let mut store = open(dir);
    store.set_channels(channels).expect("kept");
    store.write(&story()).expect("kept");
    store
}

#[test]
fn every_record_that_others_should_know_has_a_message_in_the_order_of_records() {
    let dir = folder();
    let mut store = story_with_channels(dir.path(), &[("broker", ALL)]);
    let reader = store.reader().expect("a reader");
    let alarms = waiting(&reader, "broker", Class::Alarm);
    assert!(keys(&alarms).starts_with(&["incident-17", "alarm-40"]), "{:?}", keys(&alarms));
    assert_eq!(keys(&waiting(&reader, "broker", Class::Telemetry)), ["zone-gate", "zone-dock"]);
    let alarm = json(&alarms[1]);
    assert_eq!(alarm["alarm"]["priority"], "emergency");
    assert_eq!(alarm["alarm"]["title"], "gate – Tor „Süd“");
    assert_eq!(alarms[1].valid_until, alarms[1].at + SignedDuration::from_secs(120));
    // The same records again bring nothing new.
    store.write(&story()).expect("kept");
    assert_eq!(waiting(&reader, "broker", Class::Alarm), alarms);
}

#[test]
fn a_message_says_who_answered_and_one_that_waits_for_an_answer_names_nobody() {
    let dir = folder();
    let mut store = open(dir.path());
    store.set_channels(&[("broker", ALL)]).expect("kept");
    let answered = Record::Acknowledged { alarm: AlarmId(4), at: at(3), by: "Eva".into() };
    store
        .write(&[
            started(0),
            alarm(4, 2, AlarmState::Unacknowledged, 1),
            alarm(4, 3, AlarmState::Acknowledged, 1),
            answered,
        ])
        .expect("kept");
    let reader = store.reader().expect("a reader");
    let said: Vec<_> = waiting(&reader, "broker", Class::Alarm).iter().map(json).collect();
    let by: Vec<_> = said.iter().map(|body| &body["alarm"]["acknowledged_by"]).collect();
    assert_eq!(by, [&serde_json::Value::Null, &serde_json::Value::from("Eva")]);
}

#[test]
fn versions_of_a_key_rise_over_restarts() {
    let dir = folder();
    let mut last = 0;
    for life in 0..4 {
        let mut store = open(dir.path());
        store.set_channels(&[("broker", ALL)]).expect("kept");
        // The clock was put back each time.
        let second = -100 * life;
        store.write(&[started(second), known("gate", second)]).expect("kept");
        let reader = store.reader().expect("a reader");
        let newest = waiting(&reader, "broker", Class::Telemetry).pop().expect("a message");
        assert!(newest.version > last, "{} after {last}", newest.version);
        last = newest.version;
    }
}

#[test]
fn an_incident_that_a_crash_cut_short_is_told_as_ended() {
    let dir = folder();
    let mut store = open(dir.path());
    store.set_channels(&[("broker", ALL)]).expect("kept");
    store.write(&[started(0), incident(1, 5)]).expect("kept");
    drop(store);
    let mut store = open(dir.path());
    store.restore().expect("restored");
    let reader = store.reader().expect("a reader");
    let messages = waiting(&reader, "broker", Class::Alarm);
    assert_eq!(keys(&messages), ["incident-1", "incident-1"]);
    assert!(messages[1].version > messages[0].version);
    let end = &json(&messages[1])["incident"];
    assert_eq!((&end["change"], &end["ended_how"]), (&"ended".into(), &"interrupted".into()));
}

#[test]
fn without_a_channel_nothing_is_written_and_a_new_one_begins_with_what_comes_now() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&story()).expect("kept");
    assert_eq!(number(dir.path(), "SELECT count(*) FROM outbox"), 0);
    store.set_channels(&[("first", ALL)]).expect("kept");
    store.write(&[incident(30, 500)]).expect("kept");
    store.set_channels(&[("first", ALL), ("second", ALL)]).expect("kept");
    store.write(&[incident(31, 501)]).expect("kept");
    let reader = store.reader().expect("a reader");
    let keys_of = |channel| {
        let messages = waiting(&reader, channel, Class::Alarm);
        messages.into_iter().map(|message| message.key).collect::<Vec<_>>()
    };
    assert_eq!(keys_of("first"), ["incident-30", "incident-31"]);
    assert_eq!(keys_of("second"), ["incident-31"]);
}

#[test]
fn a_message_goes_when_every_channel_is_done_with_it_and_not_before() {
    let dir = folder();
    let mut store = story_with_channels(dir.path(), &[("a", ALL), ("b", ALL)]);
    let reader = store.reader().expect("a reader");
    let last = waiting(&reader, "a", Class::Alarm).pop().expect("a message").id;
    let rows = "SELECT count(*) FROM outbox WHERE class = 'alarm'";
    let all = number(dir.path(), rows);
    store.advance("a", &[to(Class::Alarm, last)], &[], at(900)).expect("kept");
    assert_eq!(number(dir.path(), rows), all);
    assert_eq!(waiting(&reader, "a", Class::Alarm), []);
    store.advance("b", &[to(Class::Alarm, last)], &[], at(901)).expect("kept");
    assert_eq!(number(dir.path(), rows), 0);
    // Numbers go on where they were.
    store.write(&[incident(99, 700)]).expect("kept");
    let next = waiting(&reader, "a", Class::Alarm);
    assert!(next[0].id > last);
    let a = standing(&reader, "a", Class::Alarm);
    assert_eq!((a.delivered, a.waiting), (u64::try_from(all).expect("few"), 1));
    assert_eq!(a.delivered_at, Some(at(900)));
}

#[test]
fn what_is_given_up_or_passed_over_is_not_counted_as_delivered_and_told_twice_changes_nothing() {
    let dir = folder();
    let mut store = open(dir.path());
    store.set_channels(&[("hook", ALL)]).expect("kept");
    store.write(&[incident(1, 1), incident(2, 2), incident(3, 3)]).expect("kept");
    let reader = store.reader().expect("a reader");
    let ids: Vec<u64> =
        waiting(&reader, "hook", Class::Alarm).iter().map(|message| message.id).collect();
    let progress = Progress {
        class: Class::Alarm,
        position: ids[2],
        passed: vec![ids[0]],
        lost: vec![(ids[1], LossReason::Refused)],
    };
    for _ in 0..2 {
        store.advance("hook", std::slice::from_ref(&progress), &[], at(9)).expect("kept");
    }
    let standing = standing(&reader, "hook", Class::Alarm);
    assert_eq!((standing.delivered, standing.waiting), (1, 0));
    let losses = reader.losses("hook").expect("readable");
    assert_eq!(losses.len(), 1);
    assert_eq!((losses[0].rows, losses[0].reason, losses[0].told), (1, LossReason::Refused, 0));
    assert_eq!((losses[0].first_at, losses[0].last_at), (at(2), at(2)));
    let told = Told { class: Class::Alarm, reason: LossReason::Refused, rows: 1 };
    store.advance("hook", &[], &[told], at(9)).expect("kept");
    assert_eq!(reader.losses("hook").expect("readable")[0].told, 1);
}

/// Three telemetry messages, one fault, two alarms.
fn mixed() -> Vec<Record> {
    let fault = Record::Alarm {
        alarm: AlarmId(5),
        at: at(4),
        source: AlarmKey::Fault("siren".into()),
        state: AlarmState::Unacknowledged,
        version: 1 << 20,
        incident: None,
        text: "The siren is silent".into(),
    };
    vec![
        incident(1, 1),
        known("gate", 2),
        known("dock", 3),
        fault,
        known("yard", 5),
        incident(2, 6),
    ]
}

fn trim_all(store: &mut Store, bounds: Bounds) {
    while store.trim_outbox(bounds).expect("trimmed") == Trimmed::Portion {}
}

#[test]
fn when_there_is_no_room_telemetry_goes_first_then_faults_then_alarms_and_all_is_counted() {
    let dir = folder();
    let mut store = open(dir.path());
    store.set_channels(&[("hook", ALL), ("push", &[Class::Alarm, Class::Fault])]).expect("kept");
    store.write(&mixed()).expect("kept");
    let reader = store.reader().expect("a reader");
    let rows = || {
        let of = |class| waiting(&reader, "hook", class).len();
        (of(Class::Alarm), of(Class::Fault), of(Class::Telemetry))
    };
    trim_all(&mut store, ROOMY);
    assert_eq!(rows(), (2, 1, 3));
    let mut seen = vec![rows()];
    while rows() != (0, 0, 0) {
        let bytes = number(dir.path(), "SELECT sum(bytes) FROM outbox");
        let bytes_max = u64::try_from(bytes - 1).expect("some");
        trim_all(&mut store, Bounds { bytes_max, not_before: None });
        seen.push(rows());
    }
    let wanted = [(2, 1, 3), (2, 1, 2), (2, 1, 1), (2, 1, 0), (2, 0, 0), (1, 0, 0), (0, 0, 0)];
    assert_eq!(seen, wanted);
    let lost = |channel| {
        let losses = reader.losses(channel).expect("readable");
        losses.iter().map(|loss| (loss.class, loss.reason, loss.rows)).collect::<Vec<_>>()
    };
    let room = LossReason::Room;
    let (alarm, fault) = ((Class::Alarm, room, 2), (Class::Fault, room, 1));
    assert_eq!(lost("hook"), [alarm, fault, (Class::Telemetry, room, 3)]);
    assert_eq!(lost("push"), [alarm, fault]);
}

#[test]
fn what_is_too_old_goes_up_to_the_first_that_is_not() {
    let dir = folder();
    let mut store = open(dir.path());
    store.set_channels(&[("hook", ALL)]).expect("kept");
    store.write(&mixed()).expect("kept");
    let reader = store.reader().expect("a reader");
    trim_all(&mut store, Bounds { not_before: Some(at(3)), ..ROOMY });
    assert_eq!(keys(&waiting(&reader, "hook", Class::Alarm)), ["incident-2"]);
    assert_eq!(keys(&waiting(&reader, "hook", Class::Telemetry)), ["zone-dock", "zone-yard"]);
    let losses = reader.losses("hook").expect("readable");
    assert!(losses.iter().all(|loss| (loss.reason, loss.rows) == (LossReason::Age, 1)));
    assert_eq!(losses.len(), 2);
}

#[test]
fn what_was_lost_before_it_was_written_is_told_to_every_channel_that_wants_it() {
    let dir = folder();
    let mut store = open(dir.path());
    store.set_channels(&[("hook", ALL), ("push", &[Class::Alarm, Class::Fault])]).expect("kept");
    let unkept = |second, messages, from| Record::Unkept {
        at: at(second),
        class: Class::Telemetry,
        messages,
        first_at: at(from),
        last_at: at(from + 2),
    };
    store.write(&[unkept(10, 3, 1)]).expect("kept");
    store.write(&[unkept(10, 3, 1)]).expect("a repeat counts nothing");
    store.write(&[unkept(20, 2, 15)]).expect("kept");
    let reader = store.reader().expect("a reader");
    let losses = reader.losses("hook").expect("readable");
    assert_eq!(losses.len(), 1);
    let loss = &losses[0];
    assert_eq!((loss.reason, loss.rows, loss.told), (LossReason::Unkept, 5, 0));
    assert_eq!((loss.first_at, loss.last_at), (at(1), at(17)));
    assert_eq!(reader.losses("push").expect("readable"), [], "it wants no telemetry");
}

#[test]
fn a_message_dated_far_ahead_keeps_none_behind_it_and_one_without_a_date_does_not_go() {
    let year = 365 * 24 * 3_600;
    let kept = |dates: &[i64]| {
        let dir = folder();
        let mut store = open(dir.path());
        store.set_channels(&[("hook", ALL)]).expect("kept");
        let records: Vec<Record> =
            (1..).zip(dates).map(|(id, second)| incident(id, *second)).collect();
        store.write(&records).expect("kept");
        let reader = store.reader().expect("a reader");
        trim_all(&mut store, Bounds { not_before: Some(at(0)), ..ROOMY });
        let all = waiting(&reader, "hook", Class::Alarm);
        all.iter().map(|message| message.at).collect::<Vec<_>>()
    };
    let old = -3_600;
    assert_eq!(kept(&[50 * year, old, 5]), [at(5)], "it came before one that is too old");
    assert_eq!(kept(&[50 * year, 5]), [at(50 * year), at(5)], "nothing says when it came");
    assert_eq!(kept(&[5, old]), [at(5), at(old)], "it came after one that is not too old");
    assert_eq!(kept(&[-50 * year, 5]), [at(-50 * year), at(5)], "a clock that nobody had set");
    assert_eq!(kept(&[-50 * year, old, 5]), [at(5)]);
}

#[test]
fn a_channel_that_is_taken_away_holds_nothing_up_and_what_waited_is_counted() {
    let dir = folder();
    let mut store = story_with_channels(dir.path(), &[("gone", ALL), ("stays", ALL)]);
    let reader = store.reader().expect("a reader");
    let alarms = waiting(&reader, "gone", Class::Alarm).len();
    store.set_channels(&[("stays", ALL)]).expect("kept");
    let losses = reader.losses("gone").expect("readable");
    assert_eq!(losses[0].reason, LossReason::Unconfigured);
    assert_eq!(usize::try_from(losses[0].rows).expect("few"), alarms);
    assert_eq!(waiting(&reader, "stays", Class::Alarm).len(), alarms);
    assert_eq!(waiting(&reader, "gone", Class::Alarm), []);
    store.set_channels(&[]).expect("kept");
    assert_eq!(number(dir.path(), "SELECT count(*) FROM outbox"), 0);
}

#[test]
fn a_box_keeps_its_name_and_two_boxes_have_two() {
    let (one, other) = (folder(), folder());
    let id = |dir: &Path| open(dir).reader().expect("a reader").box_id().expect("an id");
    let first = id(one.path());
    assert_eq!(first.len(), 16);
    assert_eq!(id(one.path()), first);
    assert_ne!(id(other.path()), first);
}

#[test]
fn a_device_has_one_subscription_and_one_endpoint_one_device() {
    let dir = folder();
    let mut store = open(dir.path());
    let of = |device: &str, endpoint: &str| PushSubscription {
        device: device.into(),
        endpoint: endpoint.into(),
        p256dh: "k".into(),
        auth: "a".into(),
    };
    for subscription in [of("phone", "e1"), of("phone", "e2"), of("tablet", "e2"), of("old", "e3")]
    {
        store.push_subscribe(&subscription, at(0)).expect("kept");
    }
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.push_subscriptions().expect("rows"), [of("old", "e3"), of("tablet", "e2")]);
    store.push_gone("e3").expect("kept");
    store.push_unsubscribe("tablet").expect("kept");
    assert_eq!(reader.push_subscriptions().expect("rows"), []);
}

#[test]
fn a_revoked_device_has_no_subscription_and_none_that_comes_late_counts() {
    let dir = folder();
    let mut store = open(dir.path());
    let (code, now) = ([7; 32], at(0));
    let pairing = PairingRow {
        code,
        person: "Eva".into(),
        name: "phone".into(),
        by: "Ada".into(),
        at: now,
        expires_at: at(60),
    };
    let (id, platform) = ("phone".to_owned(), "test".to_owned());
    let pair = HandheldChange::Pair { code, id, platform, public_key: vec![4; 65], at: now };
    store.change_handhelds(&[HandheldChange::AddPairing(pairing), pair], &[]).expect("paired");
    let subscription = PushSubscription {
        device: "phone".into(),
        endpoint: "e".into(),
        p256dh: "k".into(),
        auth: "a".into(),
    };
    store.push_subscribe(&subscription, now).expect("kept");
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.push_subscriptions().expect("rows").len(), 1);
    let revoked = Revoked { by: "Ada".into(), at: now, reason: "lost".into() };
    let revoke = HandheldChange::Revoke { id: "phone".into(), revoked };
    store.change_handhelds(&[revoke], &[]).expect("revoked");
    assert_eq!(reader.push_subscriptions().expect("rows"), []);
    store.push_subscribe(&subscription, now).expect("kept");
    assert_eq!(reader.push_subscriptions().expect("rows"), []);
}

/// Whether this is the message of the record.
pub fn matches(record: &Record, message: &Message) -> bool {
    match record {
        Record::Alarm { alarm, version, at, .. } => {
            message.key == format!("alarm-{}", alarm.0)
                && message.version == *version
                && message.at == *at
        }
        Record::ZoneKnown { zone, at } => {
            message.key == format!("zone-{zone}") && message.at == *at
        }
        _ => false,
    }
}
