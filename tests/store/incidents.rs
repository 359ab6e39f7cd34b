//! What is looked for is found: the real store against a list in memory, for every mixture of what
//! may be asked.

use proptest::prelude::*;
use standclear::store::incidents::{Found, Further, Pins, Wanted, WantedVerdict};
use standclear::store::query::IncidentRow;
use standclear::store::verdicts::{Judgement, VerdictRow};

use super::*;

const ZONES: [&str; 4] = ["gate", "dock", "press-3", "výtah „A“"];
const CAMERAS: [&str; 2] = ["east", "west"];
const INCIDENTS: u64 = 240;

/// An incident as the list in memory has it.
#[derive(Clone, Debug)]
struct Told {
    id: u64,
    zone: &'static str,
    camera: &'static str,
    second: i64,
    verdict: Option<Judgement>,
    pinned: bool,
}

/// Not in order: a clock was put back in the middle, and every zone has a camera but one with two.
fn told(id: u64) -> Told {
    let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let zone = ZONES[usize::try_from(mixed % 4).expect("small")];
    let camera = CAMERAS[usize::from(zone == "dock" || (zone == "gate" && id.is_multiple_of(2)))];
    let put_back = if id > INCIDENTS / 2 { 3_000 } else { 0 };
    let verdict = match mixed / 4 % 8 {
        0 => Some(Judgement::True),
        1 | 2 => Some(Judgement::False),
        3 => Some(Judgement::Test),
        _ => None,
    };
    let second = i64::try_from(id * 60).expect("small") - put_back;
    Told { id, zone, camera, second, verdict, pinned: (mixed / 64).is_multiple_of(9) }
}

fn filled(dir: &Path) -> (Store, Vec<Told>) {
    let all: Vec<Told> = (1..=INCIDENTS).map(told).collect();
    let mut store = open(dir);
    let record = |it: &Told| match incident(it.id, it.second) {
        Record::IncidentStarted(start) => {
            let (zone, camera) = (it.zone.into(), it.camera.into());
            Record::IncidentStarted(IncidentStart { zone, camera, ..start })
        }
        other => other,
    };
    let mut batch = vec![started(0)];
    batch.extend(all.iter().map(record));
    store.write(&batch).expect("kept");
    for it in &all {
        if let Some(verdict) = it.verdict {
            let (by, note) = ("Eva".into(), String::new());
            let row = VerdictRow { incident: it.id, verdict, by, at: at(0), note };
            store.judge(&row).expect("kept");
        }
        if it.pinned {
            store.pin(IncidentId(it.id), "Eva", "claim 12", at(0)).expect("kept");
        }
    }
    (store, all)
}

fn counts(it: &Told, wanted: &Wanted) -> bool {
    let zones = wanted.zones.as_ref();
    wanted.before.is_none_or(|before| it.id < before)
        && zones.is_none_or(|zones| zones.iter().any(|zone| zone == it.zone))
        && wanted.camera.as_ref().is_none_or(|camera| camera == it.camera)
        && wanted.from.is_none_or(|from| at(it.second) >= from)
        && wanted.to.is_none_or(|to| at(it.second) < to)
        && match wanted.verdict {
            None => true,
            Some(WantedVerdict::NotJudged) => it.verdict.is_none(),
            Some(WantedVerdict::Judged(word)) => it.verdict == Some(word),
        }
        && match wanted.pins {
            Pins::Any => true,
            Pins::OnlyPinned => it.pinned,
        }
}

fn anything() -> impl Strategy<Value = Wanted> {
    let zone = || prop::sample::select(vec!["gate", "dock", "press-3", "výtah „A“", "gone"]);
    let zones = prop::collection::vec(zone().prop_map(str::to_owned), 0..4);
    let verdict = prop::sample::select(vec![
        WantedVerdict::NotJudged,
        WantedVerdict::Judged(Judgement::True),
        WantedVerdict::Judged(Judgement::False),
        WantedVerdict::Judged(Judgement::Test),
    ]);
    let second = || prop::option::weighted(0.4, (-100..16_000_i64).prop_map(at));
    (
        prop::option::weighted(0.2, prop_oneof![1..300_u64, Just(u64::MAX)]),
        prop::option::weighted(0.4, zones),
        prop::option::weighted(0.3, prop::sample::select(vec!["east", "west", "gone"])),
        prop::option::weighted(0.3, verdict),
        (second(), second()),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(before, zones, camera, verdict, (from, to), pinned)| Wanted {
            before,
            zones,
            camera: camera.map(str::to_owned),
            verdict,
            from,
            to,
            pins: if pinned { Pins::OnlyPinned } else { Pins::Any },
        })
}

#[test]
fn every_page_of_what_is_wanted_is_what_a_list_in_memory_has() {
    let dir = folder();
    let (store, all) = filled(dir.path());
    let reader = store.reader().expect("a reader");
    let cases = std::env::var("STANDCLEAR_CASES").ok().and_then(|it| it.parse().ok());
    let config = ProptestConfig { cases: cases.unwrap_or(1_500), ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let pages = (anything(), 1..70_u32);
    let outcome = runner.run(&pages, |(wanted, limit)| {
        let expected: Vec<u64> =
            all.iter().rev().filter(|it| counts(it, &wanted)).map(|it| it.id).collect();
        let (mut met, mut next) = (Vec::<u64>::new(), wanted.clone());
        loop {
            let Found { rows, verdicts, further } =
                reader.find_incidents(limit, &next).expect("asked");
            let ids: Vec<u64> = rows.iter().map(|row: &IncidentRow| row.id).collect();
            let judged = all.iter().rev().filter(|it| ids.contains(&it.id));
            let judged: Vec<_> = judged.filter_map(|it| Some((it.id, it.verdict?))).collect();
            let given: Vec<_> = verdicts.iter().map(|row| (row.incident, row.verdict)).collect();
            prop_assert_eq!(given, judged, "verdicts of those listed and of nobody else");
            met.extend(&ids);
            match further {
                Further::More => prop_assert_eq!(ids.len(), limit as usize),
                Further::Nothing => break,
            }
            next.before = ids.last().copied();
        }
        prop_assert_eq!(met, expected, "{:?}", wanted);
        Ok(())
    });
    outcome.expect("the same as the list");
}
