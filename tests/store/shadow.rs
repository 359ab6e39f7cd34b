//! Runs of shadow models: what is kept of them, and what people say.

use std::ops::Range;

use standclear::config::Privacy;
use standclear::store::pictures::Hides;
use standclear::store::shadow::{
    CaseWord, CorpusRun, Ended, Labelled, NewShadowRun, PARENT_CHECKS_KEPT, ParentCheck,
    ParentChecks, RUNS_KEPT, RecordingKept, RunProgress, RunSide, RunSource, ShadowIncident,
};
use standclear::store::{Store, StoreError};

use super::{at, folder, number, open};

fn new(shadow: &str, zones: &str) -> NewShadowRun {
    NewShadowRun {
        source: RunSource::Live,
        name: "this site".into(),
        active: "shipped".into(),
        shadow: shadow.into(),
        active_model: "m1".into(),
        shadow_model: "m2".into(),
        zones: zones.into(),
        began: at(1_000),
    }
}

fn incident(side: RunSide, number: u64) -> ShadowIncident {
    ShadowIncident {
        side,
        number,
        camera: "yard".into(),
        zone: "bay".into(),
        zone_name: "Bay".into(),
        zone_number: Some(3),
        began: at(2_000),
        last: at(2_500),
        ended: Ended::No,
        score: 0.5,
        boxes: "[]".into(),
        left_out: None,
    }
}

fn begin(store: &mut Store, shadow: &str, zones: &str) -> u64 {
    store.open_shadow_run(&new(shadow, zones)).expect("kept")
}

#[test]
fn a_run_goes_on_after_a_restart_and_ends_when_model_or_zones_are_others() {
    let dir = folder();
    let run = begin(&mut open(dir.path()), "sha256-a", "z1");
    let mut store = open(dir.path());
    assert_eq!(begin(&mut store, "sha256-a", "z1"), run);
    let other = begin(&mut store, "sha256-a", "z2");
    assert_ne!(other, run);
    let reader = store.reader().expect("a reader");
    assert!(reader.shadow_run(Some(run)).expect("read").expect("there").ended.is_some());
    let again = begin(&mut store, "sha256-a", "z1");
    assert!(again > other, "what was ended is not begun again");
    let third = begin(&mut store, "sha256-b", "z1");
    let runs = reader.shadow_runs("shipped", "sha256-a").expect("read");
    assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [run, other, again]);
    assert_eq!(reader.newest_shadow("shipped").expect("read").expect("there").id, third);
}

#[test]
fn another_model_in_the_same_slot_is_compared_anew_and_what_is_known_of_the_one_before_is_not_of_it()
 {
    let dir = folder();
    let mut store = open(dir.path());
    let run = begin(&mut store, "sha256-a", "z1");
    let updated = NewShadowRun { active_model: "m3".into(), ..new("sha256-a", "z1") };
    let next = store.open_shadow_run(&updated).expect("kept");
    assert_ne!(next, run);
    let reader = store.reader().expect("a reader");
    let runs = reader.shadow_runs("shipped", "sha256-a").expect("read");
    assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [next]);
    assert_eq!((runs[0].active_model.as_str(), runs[0].shadow_model.as_str()), ("m3", "m2"));
}

#[test]
fn a_run_does_not_go_on_by_a_clock_that_was_put_back() {
    let dir = folder();
    let mut store = open(dir.path());
    let run = begin(&mut store, "sha256-a", "z1");
    let of = [incident(RunSide::Active, 7)];
    store.keep_shadow(run, &RunProgress::default(), &of).expect("kept");
    let later = |s| NewShadowRun { began: at(s), ..new("sha256-a", "z1") };
    assert_eq!(store.open_shadow_run(&later(2_500)).expect("kept"), run);
    let after = store.open_shadow_run(&later(2_400)).expect("kept");
    assert_ne!(after, run, "an incident of the run ended after that");
    assert_ne!(store.open_shadow_run(&later(2_300)).expect("kept"), after);
}

#[test]
fn what_is_kept_again_is_one_row_and_its_label_stays_with_who_and_when() {
    let dir = folder();
    let mut store = open(dir.path());
    let run = begin(&mut store, "sha256-a", "z1");
    let progress = RunProgress { seen: 9, of: 10, figures: "{}".into() };
    let first = [incident(RunSide::Active, 7), incident(RunSide::Shadow, 7)];
    store.keep_shadow(run, &progress, &first).expect("kept");
    let reader = store.reader().expect("a reader");
    let rows = reader.shadow_incidents(run).expect("read");
    let case = rows[0].id;
    let audited =
        || number(dir.path(), "SELECT count(*) FROM audit WHERE action = 'case_labelled'");
    let labelled = store.label_case(case, CaseWord::Unsure, "Eva", at(5_000)).expect("kept");
    assert_eq!((labelled, audited()), (Labelled::Yes, 1));
    store.label_case(case, CaseWord::True, "Ali", at(6_000)).expect("kept");
    let nobody = store.label_case(case + 99, CaseWord::True, "Ali", at(6_000)).expect("asked");
    assert_eq!((nobody, audited()), (Labelled::NoCase, 2));
    let over = ShadowIncident { ended: Ended::Yes, last: at(9_000), ..first[0].clone() };
    store.keep_shadow(run, &progress, std::slice::from_ref(&over)).expect("kept");
    let rows = reader.shadow_incidents(run).expect("read");
    assert_eq!((rows.len(), rows[0].id, &rows[0].of), (2, case, &over));
    let mark = rows[0].mark.clone().expect("labelled");
    assert_eq!((mark.word, mark.by.as_str(), mark.at), (CaseWord::True, "Ali", at(6_000)));
    let row = reader.shadow_run(Some(run)).expect("read").expect("there");
    assert_eq!((row.seen, row.of), (9, 10));
}

#[test]
fn a_picture_of_a_case_is_not_shown_once_more_is_to_be_hidden() {
    let dir = folder();
    let mut store = open(dir.path());
    let run = begin(&mut store, "sha256-a", "z1");
    let of = [incident(RunSide::Shadow, 7)];
    store.keep_shadow(run, &RunProgress::default(), &of).expect("kept");
    let reader = store.reader().expect("a reader");
    let case = reader.shadow_incidents(run).expect("read")[0].id;
    let key = (run, RunSide::Shadow, 7);
    store.put_case_picture(key, Some(Hides::Heads), b"jpeg").expect("kept");
    let shown = |privacy| reader.case_picture(case, privacy).expect("read").is_some();
    assert_eq!([Privacy::Off, Privacy::Heads, Privacy::Persons].map(shown), [true, true, false]);
    store.put_case_picture(key, None, b"").expect_err("no picture");
}

#[test]
fn a_run_over_recordings_is_kept_whole_beside_the_live_one_with_what_both_missed() {
    let dir = folder();
    let mut store = open(dir.path());
    let live = begin(&mut store, "sha256-a", "z1");
    let run = NewShadowRun {
        source: RunSource::Corpus,
        name: "gate-road".into(),
        ..new("sha256-a", "z9")
    };
    let corpus = CorpusRun {
        run,
        ended: at(8_000),
        progress: RunProgress { seen: 5, of: 5, figures: "{}".into() },
        incidents: vec![
            (incident(RunSide::Active, 1), Some(CaseWord::True)),
            (incident(RunSide::Truth, 2), Some(CaseWord::True)),
        ],
        recordings: vec![RecordingKept {
            name: "gate-road".into(),
            sha256: "5a".into(),
            zones: "z9".into(),
        }],
    };
    let kept = store.append_corpus_run(&corpus, "recording").expect("kept");
    assert_eq!(begin(&mut store, "sha256-a", "z1"), live, "it goes on");
    let reader = store.reader().expect("a reader");
    let rows = reader.shadow_incidents(kept).expect("read");
    let sides: Vec<RunSide> = rows.iter().map(|row| row.of.side).collect();
    assert_eq!(sides, [RunSide::Active, RunSide::Truth]);
    assert!(rows.iter().all(|row| row.mark.as_ref().is_some_and(|it| it.by == "recording")));
    // A recording counts once for two models and the same zones.
    let again = store.append_corpus_run(&corpus, "recording").expect_err("known");
    assert!(again.to_string().contains("`gate-road`"), "{again}");
    let mut other = corpus.clone();
    other.run.shadow = "sha256-b".into();
    store.append_corpus_run(&other, "recording").expect("another model");
    other.run.shadow = "sha256-a".into();
    other.recordings[0].zones = "z10".into();
    store.append_corpus_run(&other, "recording").expect("other zones");
    let audited = "SELECT count(*) FROM audit WHERE action = 'evidence_kept'";
    assert_eq!(number(dir.path(), audited), 3);
    assert_eq!(reader.shadow_runs("shipped", "sha256-a").expect("read").len(), 3);
}

/// A run over one recording, ended; `label`: what is said of the incident it lost.
fn recorded(store: &mut Store, models: (&str, &str), label: Option<CaseWord>) -> Option<u64> {
    let run =
        NewShadowRun { source: RunSource::Corpus, active: models.0.into(), ..new(models.1, "z1") };
    let incidents = vec![(incident(RunSide::Active, 1), label)];
    let progress = RunProgress { seen: 5, of: 5, figures: "{}".into() };
    let recordings = Vec::new();
    let corpus = CorpusRun { run, ended: at(8_000), progress, incidents, recordings };
    match store.append_corpus_run(&corpus, "recording") {
        Ok(id) => Some(id),
        Err(StoreError::ShadowRunsFull { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_run_that_speaks_against_a_model_is_not_forgotten_for_others_that_came_later() {
    let dir = folder();
    let mut store = open(dir.path());
    let lost = Some(CaseWord::True);
    let refused = recorded(&mut store, ("shipped", "sha256-a"), lost).expect("kept");
    let old = recorded(&mut store, ("sha256-z", "sha256-a"), lost).expect("kept");
    for _ in 0..RUNS_KEPT + 5 {
        recorded(&mut store, ("shipped", "sha256-b"), None).expect("there is room");
        if store.reader().expect("a reader").shadow_run(Some(old)).expect("read").is_none() {
            break;
        }
    }
    let reader = store.reader().expect("a reader");
    assert!(reader.shadow_run(Some(refused)).expect("read").is_some());
    assert!(
        reader.shadow_run(Some(old)).expect("read").is_none(),
        "of a model that guards no more"
    );
    // Of its own pair nothing goes, and what one has seen less of does not get in.
    assert_eq!(recorded(&mut store, ("shipped", "sha256-b"), None), None);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM shadow_run"), RUNS_KEPT);
    // Another pair has room, at the cost of what nobody labelled.
    assert!(recorded(&mut store, ("shipped", "sha256-c"), None).is_some());
    assert!(reader.shadow_run(Some(refused)).expect("read").is_some());
}

fn parent_checks(
    package: &str,
    recordings: Range<usize>,
    (counted, made): (&str, i64),
) -> ParentChecks {
    let check = |n: usize| ParentCheck {
        name: format!("{n}.mp4"),
        sha256: format!("{n:064}"),
        zones: "z1".into(),
        counted: counted.into(),
        lost_most: 0,
    };
    ParentChecks {
        package: package.into(),
        parent: "p".into(),
        model: "m".into(),
        settings: "s".into(),
        recordings: recordings.map(check).collect(),
        made_at: at(made),
        at: at(9_000),
    }
}

#[test]
fn the_newest_check_of_a_recording_counts_and_the_candidates_own_are_never_forgotten_for_others() {
    let dir = folder();
    let mut store = open(dir.path());
    let keep = |store: &mut Store, checks: &ParentChecks| store.append_parent_checks(checks, "Eva");
    keep(&mut store, &parent_checks("old", 0..900, ("{}", 1))).expect("kept");
    keep(&mut store, &parent_checks("new", 0..2, ("first", 1))).expect("kept");
    keep(&mut store, &parent_checks("new", 1..2, ("second", 2))).expect("kept");
    let reader = store.reader().expect("a reader");
    let counted = |package: &str| -> Vec<String> {
        let rows = reader.parent_checks(package).expect("read");
        rows.into_iter().map(|row| row.counted).collect()
    };
    assert_eq!(counted("new"), ["first", "second"]);
    let again = keep(&mut store, &parent_checks("new", 0..2, ("first", 1))).expect_err("older");
    assert!(matches!(again, StoreError::ParentCheckOlder { .. }), "{again}");
    let other = ParentChecks { parent: "q".into(), ..parent_checks("new", 1..2, ("third", 1)) };
    keep(&mut store, &other).expect("another parent is another question");
    assert_eq!(counted("new"), ["first", "second", "third"]);
    let audited = "SELECT count(*) FROM audit WHERE action = 'parent_check_kept'";
    assert_eq!(number(dir.path(), audited), 4);

    let most = usize::try_from(PARENT_CHECKS_KEPT).expect("small");
    let full = keep(&mut store, &parent_checks("new", 0..most, ("{}", 3))).expect_err("too many");
    assert!(matches!(full, StoreError::ParentChecksFull { .. }), "{full}");
    assert_eq!(counted("new").len(), 3, "nothing of it is kept");
    keep(&mut store, &parent_checks("new", 0..most - 100, ("{}", 3))).expect("kept");
    assert_eq!((counted("new").len(), counted("old").len()), (most - 99, 0), "whole or not at all");
}
