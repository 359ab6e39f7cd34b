//! The table beside this file, row by row: a box is brought to a state, something happens, and what
//! comes of it is what the table says.

use std::collections::BTreeSet;
use std::iter::successors;

use serde_json::json;
use standclear::clock;
use standclear::guard::handle::models::{ModelError, Models};
use standclear::guard::models::order::NextLife;
use standclear::guard::models::seen::ModelNews;
use standclear::guard::models::trying::Tried;
use standclear::link::{ModelInfo, PassedOver};
use standclear::model_store::blobs;
use standclear::model_store::files::Disk;
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::{Fault, Person, Reason, Stage};

use super::happens::{WHAT, fell_back, happens};
use super::steps::{MS, commit, golden_asked, on_probation};
use super::world::{EVIDENCE, World, badly, info};

const TABLE: &str = include_str!("matrix.txt");

/// Every stage, with a test of each.
macro_rules! states {
    ($($state:ident),*) => {
        const STATES: &[&str] = &[$(stringify!($state)),*];
        $(
            #[test]
            fn $state() {
                play(stringify!($state));
            }
        )*
    };
}

states!(staged, verified, shadowing, approved, probation, committed, rejected, rolled_back);

/// The name of a stage, and one that is not before it here: a new one has to be put in between.
fn name_and_next(stage: &Stage) -> (&'static str, Option<Stage>) {
    let reason = Reason::Fault(Fault::Error);
    match stage {
        Stage::Staged => ("staged", Some(Stage::Verified)),
        Stage::Verified => ("verified", Some(Stage::Shadowing)),
        Stage::Shadowing => {
            let by = Person::named("Eva").expect("a name");
            ("shadowing", Some(Stage::Approved { by }))
        }
        Stage::Approved { .. } => ("approved", Some(Stage::Probation)),
        Stage::Probation => ("probation", Some(Stage::Committed)),
        Stage::Committed => ("committed", Some(Stage::Rejected { reason })),
        Stage::Rejected { .. } => ("rejected", Some(Stage::RolledBack { reason })),
        Stage::RolledBack { .. } => ("rolled_back", None),
    }
}

pub struct Row {
    pub state: &'static str,
    pub what: &'static str,
    then: &'static str,
    guards: &'static str,
    told: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &'static str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [state, what, then, guards, told] = words[..] else { panic!("{line}") };
        Row { state, what, then, guards, told }
    };
    lines.map(row).collect()
}

#[test]
fn the_table_has_every_state_with_everything_once() {
    let stages = successors(Some(Stage::Staged), |stage| name_and_next(stage).1);
    let names: Vec<_> = stages.map(|stage| name_and_next(&stage).0).collect();
    assert_eq!(names, STATES);
    let rows: Vec<_> = rows().iter().map(|row| (row.state, row.what)).collect();
    let all: BTreeSet<_> =
        STATES.iter().flat_map(|state| WHAT.iter().map(move |what| (*state, *what))).collect();
    assert_eq!(rows.len(), all.len());
    assert_eq!(rows.into_iter().collect::<BTreeSet<_>>(), all);
}

fn play(state: &str) {
    for row in rows().iter().filter(|row| row.state == state) {
        println!("{} {}", row.state, row.what);
        one(row);
    }
}

/// Brings a box to the state.
fn brought(world: &mut World, row: &Row) -> Digest {
    let next = match row.state {
        // The process that would try it cannot be started; it is tried again at the next start.
        "staged" => Some(Tried::NotTried { text: "no process".into() }),
        "rejected" => Some(badly(Fault::GoldenFailed)),
        _ => None,
    };
    world.tries.0.lock().expect("not poisoned").extend(next);
    if matches!(row.state, "probation" | "committed" | "rolled_back") {
        let digest = on_probation(world);
        match row.state {
            "committed" => commit(world),
            "rolled_back" => world.tell(fell_back()),
            _ => {}
        }
        return digest;
    }
    // It is valid for an hour.
    let until = clock::wall().checked_add(jiff::Span::new().hours(1)).expect("a time");
    let package = world.package_with(|it| it["not_after"] = json!(until.to_string()));
    let installed = world.install(&package);
    assert_eq!(installed.is_err(), matches!(row.state, "staged" | "rejected"));
    world.watch();
    if row.state == "rejected" {
        return world.now().rejected[0].0;
    }
    let digest = world.candidate();
    if matches!(row.state, "shadowing" | "approved") {
        world.desk().shadow(digest, "Eva").expect("shadowing");
    }
    if row.state == "approved" {
        world.desk().promote(digest, EVIDENCE, "Eva").expect("approved");
    }
    digest
}

fn one(row: &Row) {
    let mut world = World::new();
    if (row.state, row.what) == ("staged", "expired") {
        // Expiry is asked at the door.
        let past = world.package_with(|it| it["not_after"] = json!("2020-01-01T00:00:00Z"));
        let refused = world.install(&past).expect_err("expired");
        assert!(matches!(&refused, ModelError::Refused(it) if it.code() == "freeze"), "{refused}");
        assert_outcome(&world, row, None, 0);
        return;
    }
    let digest = brought(&mut world, row);
    let is = || state_of(&world, Some(digest));
    world.wait_for(&format!("it to be {}", row.state), || is() == row.state);
    world.wait_for("all is in the history", || settled(&world));
    let before = world.history().len();
    happens(&mut world, row, digest);
    assert_outcome(&world, row, Some(digest), before);
    if (row.state, row.guards) == ("probation", "new") {
        goes_on_to_the_end(&world, digest);
    }
}

/// Nothing more comes into the history.
pub fn settled(world: &World) -> bool {
    let before = world.history().len();
    let until = clock::monotonic().after(120 * MS);
    world.wait_for("time passes", || clock::monotonic() > until);
    world.history().len() == before
}

fn state_of(world: &World, digest: Option<Digest>) -> &'static str {
    let ledger = world.desk().intake.shared.now().ledger;
    let Some(digest) = digest else {
        return if ledger.candidate().is_none() { "none" } else { "?" };
    };
    if ledger.committed() == Slot::Blob(digest) {
        return name_and_next(&Stage::Committed).0;
    }
    if let Some(candidate) = ledger.candidate() {
        return name_and_next(&candidate.stage).0;
    }
    match ledger.rejected().last().map(|it| it.reason) {
        // The ledger does not say whether it ever guarded; the history does.
        Some(Reason::Fault(_)) if world.history().iter().any(|kind| kind == "rolled_back") => {
            "rolled_back"
        }
        Some(Reason::Fault(_)) => "rejected",
        Some(Reason::Operator) | None => "none",
    }
}

fn assert_outcome(world: &World, row: &Row, digest: Option<Digest>, before: usize) {
    let case = format!("{} {}", row.state, row.what);
    world.wait_for(&format!("{case} to be {}", row.then), || state_of(world, digest) == row.then);
    let told = || world.history().into_iter().skip(before).next_back();
    if row.told == "-" {
        assert!(settled(world));
        assert_eq!(told(), None, "{case}");
    } else {
        world.wait_for(&format!("{case} to be told as {}", row.told), || {
            told().as_deref() == Some(row.told)
        });
    }
    assert_eq!(state_of(world, digest), row.then, "{case}: and it stays so");
    let looks = next_life(world);
    let guards = if Some(looks) == digest.map(Slot::Blob) { "new" } else { "old" };
    assert_eq!(guards, row.guards, "{case}: {looks}");
}

/// The next life of the vision process: it looks with the first of its order that is whole, and says
/// which ones are not. What is asked of it is in its own tests.
fn next_life(world: &World) -> Slot {
    let order = world.life().order.order();
    assert_eq!(order.last().map(|it| it.slot.as_str()), Some("shipped"));
    let slots: Vec<Slot> = order.iter().map(|it| it.slot.parse().expect("a slot")).collect();
    let disk = Disk::existing(world.root());
    let wrong = |slot: Slot| slot.digest().and_then(|it| blobs::what_is_wrong(&disk, it));
    let first = slots.iter().position(|slot| wrong(*slot).is_none()).expect("shipped");
    let over = |slot: &Slot| PassedOver { slot: slot.to_string(), reason: "damaged".into() };
    let passed_over = slots[..first].iter().map(over).collect();
    world.tell(ModelNews::LifeBegins { order: order.into_iter().map(|it| it.slot).collect() });
    let looks = slots[first];
    world.tell(ModelNews::Ready(ModelInfo { passed_over, ..info(&looks.to_string()) }));
    let now = world.wait("it guards", |now| now.active.slot == Some(looks));
    let said: Vec<Slot> = now.active.passed_over.iter().map(|it| it.0).collect();
    assert_eq!(said, slots[..first], "whoever looks is told what does not guard");
    looks
}

/// What happened does not keep a model that is right from guarding for good.
fn goes_on_to_the_end(world: &World, digest: Digest) {
    while world.told_now().is_some() {}
    let run = golden_asked(world);
    world.tell(ModelNews::Golden { run, outcome: Ok(()) });
    world.wait("it is committed", |now| now.trial.is_none());
    assert_eq!(state_of(world, Some(digest)), "committed");
}
