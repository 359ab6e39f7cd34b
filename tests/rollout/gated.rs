//! What the gate of a box says of a candidate, by what the store has of it: nobody approves against it.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use standclear::digest::sha256_of;
use standclear::gate::verdict::{Judgement, Needed, Reason};
use standclear::guard::handle::models::{KeptEvidence, ModelError, Models};
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::Stage;
use standclear::store::shadow::{
    CaseWord, Ended, NewShadowRun, RunProgress, RunSide, RunSource, ShadowIncident,
};

use super::steps::in_the_shadow;
use super::world::{Judge, World};

/// What `compare --keep` writes of one recording in which the first was found and, where it says so, the
/// second was lost.
fn file(world: &World, shadow: Digest, recording: &str, last: &str) -> Value {
    let manifest = fs::read(world.folder.path().join("shipped/manifest.json")).expect("read");
    file_of(sha256_of(manifest), shadow, recording, last)
}

pub fn file_of(active: String, shadow: Digest, recording: &str, last: &str) -> Value {
    let model = |package: String| json!({ "name": "people", "version": "1", "release": 1, "package": package, "model": "5a" });
    let span = json!({ "began_ms": 2_000, "ended_ms": 9_000 });
    let found = json!({
        "camera": recording, "zone": "bay", "at_ms": 2_000, "told": "both", "later_by_ms": 40,
        "label": "true", "active": span, "shadow": span,
    });
    // The two overlap in time, as an incident of a joined pair does: it stays what was found.
    let second = json!({
        "camera": recording, "zone": "bay", "at_ms": 8_000, "told": last,
        "later_by_ms": if last == "both" { json!(40) } else { Value::Null },
        "label": "true", "active": span, "shadow": if last == "both" { span.clone() } else { Value::Null },
    });
    json!({
        "format": "standclear-model-evidence", "version": 1, "made_at": "2026-03-01T10:00:00Z",
        "active": model(active), "shadow": model(shadow.to_string()),
        "settings": { "fps": null, "long_side_px": null, "detail": "off" },
        "recordings": [{
            "name": recording, "sha256": sha256_of(recording), "zones": "z1", "truth": null,
            "began_ms": 0, "seconds": 60.0, "pictures": 100,
        }],
        "coverage": { "seen": 100, "of": 100 },
        "cases": [found, second],
    })
}

fn keep(world: &World, file: &Value) -> Result<KeptEvidence, ModelError> {
    world.desk().keep_evidence(file.to_string().as_bytes(), "Eva")
}

fn seen(world: &World, digest: Digest) -> (String, Judgement) {
    world.desk().evidence.judgement(digest).expect("evidence")
}

#[track_caller]
fn refused<T: std::fmt::Debug>(done: Result<T, ModelError>, wanted: &str) {
    match done.expect_err("refused") {
        ModelError::Conflict { code, .. } | ModelError::Useless { code, .. } => {
            assert_eq!(code, wanted);
        }
        error => panic!("{error}"),
    }
}

#[test]
fn a_model_that_lost_a_true_incident_on_a_recording_is_refused_by_the_box_and_stays_in_the_shadow()
{
    let world = World::judged_by(Judge::Gate);
    let digest = in_the_shadow(&world);
    let ledger = || world.desk().intake.shared.now().ledger;
    let before = ledger();
    refused(world.desk().promote(digest, &"0".repeat(64), "Eva"), "not_enough");
    keep(&world, &file(&world, digest, "gate-road", "both")).expect("kept");
    let (few, _) = seen(&world, digest);
    refused(world.desk().promote(digest, &few, "Eva"), "not_enough");
    keep(&world, &file(&world, digest, "loading-bay", "active_only")).expect("kept");
    let (lost, judgement) = seen(&world, digest);
    assert_ne!(lost, few);
    assert!(
        matches!(&judgement, Judgement::Refused { reasons } if reasons.len() == 1),
        "{judgement:?}"
    );
    refused(world.desk().promote(digest, &lost, "Eva"), "refused_by_gate");
    // What was good before does not become good by being seen once more.
    refused(keep(&world, &file(&world, digest, "gate-road", "both")), "known");
    refused(world.desk().promote(digest, &lost, "Eva"), "refused_by_gate");
    assert_eq!(ledger(), before);
    assert!(matches!(world.stage(), Some(Stage::Shadowing)));
}

#[test]
fn a_comparison_of_other_models_or_one_that_is_none_is_not_kept() {
    let world = World::judged_by(Judge::Gate);
    let digest = in_the_shadow(&world);
    let good = file(&world, digest, "gate-road", "both");
    let mut of_another = good.clone();
    of_another["active"]["package"] = json!("5".repeat(64));
    refused(keep(&world, &of_another), "other_models");
    let mut not_here = good.clone();
    not_here["shadow"]["package"] = json!("5".repeat(64));
    refused(keep(&world, &not_here), "other_models");
    let mut twice = good.clone();
    let recording = twice["recordings"][0].clone();
    twice["recordings"] = json!([recording, recording]);
    refused(keep(&world, &twice), "bad_evidence");
    refused(world.desk().keep_evidence(b"[]", "Eva"), "bad_evidence");
    assert!(world.desk().evidence.judgement(digest).is_none());
    keep(&world, &good).expect("kept");
}

/// So many incidents that both models told, seen by this site's cameras and labelled as true.
fn live(world: &World, shadow: Digest, incidents: u64) {
    let began: Timestamp = "2026-03-01T10:00:00Z".parse().expect("a time");
    let after = |seconds: u64| began + SignedDuration::from_secs(seconds as i64);
    let of = |side, number: u64| ShadowIncident {
        side,
        number,
        camera: "yard".into(),
        zone: "gate".into(),
        zone_name: "Gate".into(),
        zone_number: Some(0),
        began: after(number * 60),
        last: after(number * 60 + 5),
        ended: Ended::Yes,
        score: 0.5,
        boxes: "[]".into(),
        left_out: None,
    };
    let both = [RunSide::Active, RunSide::Shadow];
    let all: Vec<ShadowIncident> =
        (1..=incidents).flat_map(|number| both.map(|side| of(side, number))).collect();
    let new = NewShadowRun {
        source: RunSource::Live,
        name: "this site".into(),
        active: "shipped".into(),
        shadow: Slot::Blob(shadow).to_string(),
        active_model: "m1".into(),
        shadow_model: "m2".into(),
        zones: "z1".into(),
        began,
    };
    let clerk = &world.life().clerk;
    let kept = clerk.ask(move |store| {
        let run = store.open_shadow_run(&new)?;
        let progress = RunProgress { seen: 1_000, of: 1_000, figures: "{}".into() };
        store.keep_shadow(run, &progress, &all).map(|()| run)
    });
    let run = kept.expect("its turn").expect("kept");
    let rows = world.desk().reader.shadow_incidents(run).expect("read");
    let told = rows.into_iter().filter(|row| row.of.side == RunSide::Active && row.mark.is_none());
    for row in told {
        let said = clerk.ask(move |store| store.label_case(row.id, CaseWord::True, "Eva", began));
        said.expect("its turn").expect("kept");
    }
}

#[test]
fn whoever_approves_has_seen_the_evidence_as_it_is_now() {
    let world = World::judged_by(Judge::Gate);
    let digest = in_the_shadow(&world);
    world.watch();
    live(&world, digest, 30);
    let (before, judgement) = seen(&world, digest);
    assert!(matches!(judgement, Judgement::MayBeApproved { .. }), "{judgement:?}");
    live(&world, digest, 31);
    let ledger = world.desk().intake.shared.now().ledger;
    refused(world.desk().promote(digest, &before, "Eva"), "evidence_changed");
    assert_eq!(world.desk().intake.shared.now().ledger, ledger);
    let (now, _) = seen(&world, digest);
    world.desk().promote(digest, &now, "Eva").expect("approved");
}

/// What `check-quantization --keep` writes of one recording, in which so many of 400 were lost.
fn beside_parent(quantized: Digest, recording: &str, (lost, hour): (u64, u8)) -> Value {
    let made_at = format!("2026-03-01T{hour:02}:00:00Z");
    let model = |package: String, model: &str| json!({ "name": "people", "version": "1", "release": 1, "package": package, "model": model });
    json!({
        "format": "standclear-model-parent-check", "version": 1, "made_at": made_at,
        "quantized": model(quantized.to_string(), "m2"), "parent": model("7".repeat(64), "f"),
        "settings": { "fps": null, "long_side_px": null, "detail": "off" },
        "recordings": [{
            "recording": {
                "name": recording, "sha256": sha256_of(recording), "zones": "z1", "truth": null,
                "began_ms": 0, "seconds": 60.0, "pictures": 600,
            },
            "counted": {
                "zones": [{ "zone": "bay", "inside": 400, "parent_saw": 400, "quantized_saw": 400 - lost }],
                "differ": [{ "zone": "bay", "picture": 17, "how": if lost > 0 { "lost" } else { "ghost" } }],
            },
        }],
    })
}

/// A quantized model of which nothing is missing but what it sees beside its parent.
fn quantized_in_the_shadow(world: &World) -> Digest {
    let package =
        world.package_with(|manifest| manifest["variants"][0]["activations"] = json!("u8"));
    let digest = world.install(&package).expect("installed");
    world.desk().shadow(digest, "Eva").expect("shadowing");
    world.watch();
    live(world, digest, 30);
    digest
}

#[test]
fn a_quantized_model_guards_only_when_it_was_held_against_its_parent_and_sees_as_much() {
    let world = World::judged_by(Judge::Gate);
    let digest = quantized_in_the_shadow(&world);
    let (unheld, judgement) = seen(&world, digest);
    assert_eq!(judgement, Judgement::NotEnough { needed: vec![Needed::ParentCheck] });
    refused(world.desk().promote(digest, &unheld, "Eva"), "not_enough");

    let kept = keep(&world, &beside_parent(digest, "gate-road", (3, 10))).expect("kept");
    assert_eq!(kept, KeptEvidence::ParentCheck { recordings: 1 });
    let (lost, judgement) = seen(&world, digest);
    assert_eq!(judgement, Judgement::Refused { reasons: vec![Reason::SeesLessThanParent] });
    refused(world.desk().promote(digest, &lost, "Eva"), "refused_by_gate");

    // Neither another recording makes up for it, nor another parent, nor what was found before; the same
    // one, looked at again, does.
    let mut weak = beside_parent(digest, "gate-road", (0, 11));
    weak["parent"]["package"] = json!("8".repeat(64));
    keep(&world, &weak).expect("kept");
    let (still_lost, judgement) = seen(&world, digest);
    assert!(still_lost != lost && matches!(judgement, Judgement::Refused { .. }), "{judgement:?}");
    refused(keep(&world, &beside_parent(digest, "gate-road", (0, 9))), "known");
    keep(&world, &beside_parent(digest, "loading-bay", (0, 10))).expect("kept");
    let (still, _) = seen(&world, digest);
    assert_ne!(still, still_lost);
    refused(world.desk().promote(digest, &still, "Eva"), "refused_by_gate");
    keep(&world, &beside_parent(digest, "gate-road", (2, 12))).expect("kept");
    let (now, judgement) = seen(&world, digest);
    assert!(matches!(judgement, Judgement::MayBeApproved { .. }), "{judgement:?}");
    refused(world.desk().promote(digest, &still, "Eva"), "evidence_changed");
    world.desk().promote(digest, &now, "Eva").expect("approved");
}

#[test]
fn what_was_found_of_another_model_or_of_another_file_of_it_says_nothing() {
    let world = World::judged_by(Judge::Gate);
    let digest = quantized_in_the_shadow(&world);
    let good = beside_parent(digest, "gate-road", (0, 10));
    let with = |pointer: &str, value: Value| {
        let mut file = good.clone();
        *file.pointer_mut(pointer).expect("there") = value;
        file
    };
    refused(keep(&world, &with("/quantized/package", json!("5".repeat(64)))), "other_models");
    refused(keep(&world, &with("/parent/package", json!(digest.to_string()))), "bad_evidence");
    let zone = "/recordings/0/counted/zones/0";
    refused(keep(&world, &with(&format!("{zone}/parent_saw"), json!(401))), "bad_evidence");
    refused(keep(&world, &with(&format!("{zone}/inside"), json!(601))), "bad_evidence");
    refused(keep(&world, &with("/recordings", json!([]))), "bad_evidence");
    let mut few = with(&format!("{zone}/inside"), json!(199));
    for saw in ["parent_saw", "quantized_saw"] {
        few["recordings"][0]["counted"]["zones"][0][saw] = json!(199);
    }
    refused(keep(&world, &few), "too_few_pictures");
    assert_eq!(seen(&world, digest).1, Judgement::NotEnough { needed: vec![Needed::ParentCheck] });
    keep(&world, &with("/quantized/model", json!("the one for other processors"))).expect("kept");
    let (_, judgement) = seen(&world, digest);
    assert_eq!(judgement, Judgement::NotEnough { needed: vec![Needed::ParentCheck] });
}
