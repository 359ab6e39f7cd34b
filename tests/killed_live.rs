//! R20 with the program itself: the whole box is killed in each state that a model may be in, and guards again
//! within seconds, with the model that is due, and with everything it remembers whole.

#[path = "package_files/maker.rs"]
#[allow(dead_code, reason = "shared with the tests of package files")]
mod maker;
#[path = "killed_live/plant.rs"]
mod plant;
#[path = "support/running.rs"]
#[allow(dead_code, reason = "shared with the soak and the measurement of latency")]
mod running;
#[path = "rollout_live/shown.rs"]
mod shown;
mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use standclear::rollout::slot::Slot;
use standclear::rollout::stage::{Event, Fault, Person, Stage};

use plant::{Life, Plant};

/// R20: some verified model guards again so soon …
const GUARDS_AGAIN_MAX: Duration = Duration::from_secs(5);

/// … where the box can start within that at all; else no later than it starts without a kill, and this.
const LATER_THAN_PLAIN_MAX: Duration = Duration::from_secs(1);

/// Where a model may be when the box is killed.
struct Row {
    state: &'static str,
    /// On its way from verified to there.
    way: Vec<Event>,
    guards: Guards,
    /// Lives that its trial has left after the first start, and after the kill.
    lives: [Option<u64>; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Guards {
    Shipped,
    Package,
}

fn rows() -> Vec<Row> {
    let by = Person::named(plant::EVA).expect("a name");
    let all = [
        Event::Shadow,
        Event::Approve { by },
        Event::Try { started_unix_s: 0, deadline_unix_s: 86_400 },
        Event::Commit,
    ];
    let row = |state, way: &[Event], guards| Row {
        state,
        way: way.to_vec(),
        guards,
        lives: [None, None],
    };
    let rolled_back = [&all[..3], &[Event::Fault(Fault::Error)]].concat();
    vec![
        row("verified", &[], Guards::Shipped),
        row("shadowing", &all[..1], Guards::Shipped),
        row("approved", &all[..2], Guards::Shipped),
        Row { lives: [Some(2), Some(1)], ..row("trial", &all[..3], Guards::Package) },
        row("committed", &all, Guards::Package),
        row("rolled back", &rolled_back, Guards::Shipped),
    ]
}

#[test]
fn a_box_that_is_killed_in_any_state_of_a_model_guards_again_within_five_seconds() {
    let folder = support::root().join("models/nanodet-g-416-int8-r2");
    let plant = Plant::with(&folder);
    for row in rows() {
        let slot = match row.guards {
            Guards::Shipped => Slot::Shipped,
            Guards::Package => plant.slot(),
        };
        plant.is_as_installed();
        let mut store = plant.store();
        row.way.iter().for_each(|event| store.apply(event).expect("kept"));
        let life = plant.begins();
        let plain = life.guarded_by(slot, row.state);
        assert_eq!(life.lives_left(), row.lives[0], "{}", row.state);
        if row.state == "shadowing" {
            life.has_processes(2);
        }
        let (life, again) = killed(&plant, life, slot, row.state);
        assert_eq!(life.lives_left(), row.lives[1], "{}", row.state);
        in_time(row.state, slot, plain, again);
        ends_whole(&plant, life, row.state);
    }
}

#[test]
fn a_box_that_is_killed_while_an_approved_model_is_being_loaded_goes_on_with_the_one_before() {
    // Not quantized, so that nobody has to hold it against what it was made of.
    let folder = support::root().join("tests/compare/nanodet-g-416-fp32");
    let plant = Plant::with(&folder);
    plant.is_as_installed();
    plant.has_shown_enough(&model_of(&folder));
    let life = plant.begins();
    let plain = life.guarded_by(Slot::Shipped, "being loaded");
    life.is_approved("nanodet-g-416-fp32");
    let (life, again) = killed(&plant, life, Slot::Shipped, "being loaded");
    // Whoever approved it has to ask again: it may be what took the box down.
    let by = Person::named(plant::EVA).expect("a name");
    let stage = plant.store().ledger().candidate().map(|it| it.stage.clone());
    assert_eq!(stage, Some(Stage::Approved { by }));
    in_time("being loaded", Slot::Shipped, plain, again);
    ends_whole(&plant, life, "being loaded");
}

/// sha256 of the model file of a package.
fn model_of(package: &Path) -> String {
    let manifest = fs::read(package.join("manifest.json")).expect("readable");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    manifest["variants"][0]["sha256"].as_str().expect("a digest").to_owned()
}

/// Kills the box whole and starts it again at once: it, and how long nobody guarded.
#[track_caller]
fn killed<'p>(plant: &'p Plant, life: Life, slot: Slot, state: &str) -> (Life<'p>, Duration) {
    let orphans = life.dies();
    let life = plant.begins();
    let again = life.guarded_by(slot, state);
    println!("{state}: the killed guard's processes ended {:?} after it", orphans.gone_after());
    (life, again)
}

#[track_caller]
fn in_time(state: &str, slot: Slot, plain: Duration, again: Duration) {
    println!("{state}: {slot} guards {again:?} after the kill; a plain start takes {plain:?}");
    let most = GUARDS_AGAIN_MAX.max(plain + LATER_THAN_PLAIN_MAX);
    assert!(again <= most, "{state}: {again:?}, a plain start takes {plain:?}");
}

#[track_caller]
fn ends_whole(plant: &Plant, life: Life, state: &str) {
    life.dies().gone_after();
    let (is_whole, said) = plant.check();
    assert!(is_whole && said.contains("is whole"), "{state}: {said}");
    assert!(!said.contains("BROKEN"), "{state}: {said}");
    let log = fs::read_to_string(plant.path("log")).unwrap_or_default();
    assert!(!log.contains("panicked"), "{state}: {log}");
}
