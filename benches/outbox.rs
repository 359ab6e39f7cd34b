//! What the outbox costs the commit of an alarm: the same batch without a channel, with one, with
//! three. On a real disk the sync decides; `TMPDIR` says where the store is.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion};
use jiff::{SignedDuration, Timestamp};
use standclear::engine::delivery::Class;
use standclear::engine::{AlarmId, AlarmState, IncidentId};
use standclear::store::Store;
use standclear::store::record::{AlarmKey, IncidentStart, Record, ZoneName};

/// What one intrusion writes: the incident and its alarm.
fn intrusion(number: u64) -> Vec<Record> {
    let start: Timestamp = "2026-03-01T14:00:00Z".parse().expect("a time");
    let at = start + SignedDuration::from_millis(i64::try_from(number).expect("few") * 40);
    let incident = IncidentId(number);
    vec![
        Record::IncidentStarted(IncidentStart {
            incident,
            zone: "gate".into(),
            zone_name: "Gate road".into(),
            camera: "yard-east".into(),
            at,
            captured_at: at - SignedDuration::from_millis(120),
            frame: number,
            score: 0.7,
            anchor_norm: (0.25, 0.5),
            track: Some(3),
            model_digest: "d".repeat(64),
            zone_revision: "z".repeat(64),
            stages: vec![("seen".into(), 38.0), ("inferred".into(), 26.5), ("link".into(), 0.4)],
        }),
        Record::Alarm {
            alarm: AlarmId(number),
            at,
            source: AlarmKey::Intrusion("gate".into()),
            state: AlarmState::Unacknowledged,
            version: (1 << 20) + number,
            incident: Some(incident),
            text: "1 person inside".into(),
        },
    ]
}

fn commit(criterion: &mut Criterion, name: &str, channels: &[(&str, &[Class])]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("a store");
    store.set_channels(channels).expect("kept");
    let started = Record::Started {
        at: "2026-03-01T13:59:00Z".parse().expect("a time"),
        version: "bench".into(),
        zone_revision: "z".into(),
        boot: None,
        zones: vec![ZoneName { id: "gate".into(), name: "Gate road".into(), camera: "e".into() }],
    };
    store.write(&[started]).expect("kept");
    let mut number = 0;
    criterion.bench_function(name, |bencher| {
        bencher.iter_batched(
            || {
                number += 1;
                intrusion(number)
            },
            |records| store.write(black_box(&records)).expect("kept"),
            BatchSize::PerIteration,
        );
    });
}

fn main() {
    let mut criterion =
        Criterion::default().measurement_time(Duration::from_secs(8)).configure_from_args();
    let all: &[Class] = &Class::ALL;
    commit(&mut criterion, "commit an intrusion, no channel", &[]);
    commit(&mut criterion, "commit an intrusion, one channel", &[("a", all)]);
    commit(
        &mut criterion,
        "commit an intrusion, three channels",
        &[("a", all), ("b", all), ("c", all)],
    );
    criterion.final_summary();
}
