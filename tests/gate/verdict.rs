//! What the gate says of evidence.

use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::time::Instant;
use standclear::gate::Probability;
use standclear::gate::claim::{Claim, Look};
use standclear::gate::figures::Figures;
use standclear::gate::mcnemar::Discordant;
use standclear::gate::pairs::{Incident, Meanwhile, Place, TOLERANCE, pair};
use standclear::gate::verdict::{
    Case, CaseId, Coverage, Evidence, Gate, Judgement, Label, Needed, Reason, Run, Shown, Source,
    Told, Warning,
};

use crate::exact::{probability, ratio, so_few, tally};

pub const BOTH: Told = Told::Both { shadow_later_by: Duration::ZERO };
pub const LOST: Told = Told::ActiveOnly(Meanwhile::Quiet);
const JOINED: Told = Told::ActiveOnly(Meanwhile::InIncident { later_by: Duration::ZERO });
pub const GAINED: Told = Told::ShadowOnly(Meanwhile::Quiet);
const SPLIT: Told = Told::ShadowOnly(Meanwhile::InIncident { later_by: Duration::ZERO });
pub const TRUE: Option<Label> = Some(Label::True);
const FALSE: Option<Label> = Some(Label::False);
const UNSURE: Option<Label> = Some(Label::Unsure);

/// So many cases of each sort, in this order in time.
pub fn run(source: Source, sorts: &[(usize, Told, Option<Label>)]) -> Run {
    let all = sorts.iter().flat_map(|&(many, told, label)| (0..many).map(move |_| (told, label)));
    let case = |(index, (told, label)): (usize, (Told, Option<Label>))| {
        let number = index as u64;
        (CaseId(number), Case { at: Instant::from_millis(number), told, label })
    };
    Run {
        source,
        coverage: Coverage { seen: 95, of: 100 },
        cases: all.enumerate().map(case).collect(),
        left_out: 0,
    }
}

pub fn of_runs(runs: Vec<Run>) -> Evidence {
    Evidence { runs, ..Evidence::default() }
}

pub fn live(sorts: &[(usize, Told, Option<Label>)]) -> Evidence {
    of_runs(vec![run(Source::Live, sorts)])
}

pub fn less_than(percent: f64, look: Look) -> Claim {
    let miss_rate = probability(percent / 100.0);
    Claim { miss_rate, confidence: Probability::CONFIDENCE, look }
}

pub fn judge(evidence: &Evidence, claim: &Claim) -> Judgement {
    Gate::default().judge(evidence, claim)
}

pub fn once(incidents: usize) -> Look {
    Look::Once { incidents }
}

#[test]
fn an_equal_model_may_be_approved_with_299_incidents_and_not_with_298() {
    let claim = less_than(1.0, once(299));
    // It differs where it should: one found more, one false alarm less, one more.
    let others = [(1, GAINED, TRUE), (1, LOST, FALSE), (1, GAINED, FALSE), (1, SPLIT, TRUE)];
    let with = |found| {
        let mut sorts = others.to_vec();
        sorts.push((found, BOTH, TRUE));
        live(&sorts)
    };
    let Judgement::MayBeApproved { claims, warnings } = judge(&with(299), &claim) else {
        panic!("{:?}", judge(&with(299), &claim));
    };
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!((claims.len(), claims[0].tally), (1, tally(0, 299)));
    assert!(claims[0].at_most < 0.01, "{claims:?}");
    let missing =
        Judgement::NotEnough { needed: vec![Needed::Incidents { run: 0, more: Some(1) }] };
    assert_eq!(judge(&with(298), &claim), missing);
}

#[test]
fn one_lost_true_incident_refuses_whatever_else_was_found() {
    let sorts = [(5000, BOTH, TRUE), (40, GAINED, TRUE), (1, LOST, TRUE), (3, LOST, None)];
    let refused =
        Judgement::Refused { reasons: vec![Reason::LostIncident { run: 0, case: CaseId(5040) }] };
    for look in [Look::Any, once(100)] {
        assert_eq!(judge(&live(&sorts), &less_than(5.0, look)), refused);
    }
}

#[test]
fn an_incident_told_more_than_a_second_later_is_lost() {
    let late = |ms| Told::Both { shadow_later_by: Duration::from_millis(ms) };
    let claim = less_than(5.0, Look::Any);
    let with = |told, label| live(&[(200, BOTH, TRUE), (1, told, label)]);
    let later_by = Duration::from_millis(1001);
    let reasons = vec![Reason::LateIncident { run: 0, case: CaseId(200), later_by }];
    assert_eq!(judge(&with(late(1001), TRUE), &claim), Judgement::Refused { reasons });
    assert!(matches!(judge(&with(late(1000), TRUE), &claim), Judgement::MayBeApproved { .. }));
    let needed = vec![Needed::Labels { run: 0, cases: vec![CaseId(200)] }];
    assert_eq!(judge(&with(late(1001), None), &claim), Judgement::NotEnough { needed });
    // Nobody was there when the active model began: it was earlier for nothing.
    assert!(matches!(judge(&with(late(1001), FALSE), &claim), Judgement::MayBeApproved { .. }));
}

#[test]
fn a_second_person_behind_the_first_does_not_make_the_first_one_heard() {
    let claim = less_than(5.0, Look::Any);
    let incident = |id, from_ms, to_ms| Incident {
        id,
        place: Place { camera: "gate".to_owned(), zone: "press".to_owned() },
        started_at: Instant::from_millis(from_ms),
        last_inside_at: Instant::from_millis(to_ms),
    };
    let two = [incident(0, 0, 60_000), incident(1, 70_000, 100_000)];
    for from_ms in [60_500, 55_000] {
        let shadow = [incident(0, from_ms, 100_000)];
        let mut evidence = live(&[(200, BOTH, TRUE)]);
        for (incident, told) in pair(&two, &shadow, TOLERANCE).told() {
            let case = Case { at: incident.started_at, told, label: TRUE };
            evidence.runs[0].cases.insert(CaseId(1000 + incident.id), case);
        }
        let later_by = Duration::from_millis(from_ms);
        let reasons = vec![Reason::LateIncident { run: 0, case: CaseId(1000), later_by }];
        assert_eq!(judge(&evidence, &claim), Judgement::Refused { reasons });
    }
}

#[test]
fn an_incident_that_was_joined_a_second_after_it_began_is_late() {
    let claim = less_than(5.0, Look::Any);
    let joined = |ms| {
        let later_by = Duration::from_millis(ms);
        let told = Told::ActiveOnly(Meanwhile::InIncident { later_by });
        judge(&live(&[(200, BOTH, TRUE), (1, told, TRUE)]), &claim)
    };
    assert!(matches!(joined(1000), Judgement::MayBeApproved { .. }));
    let later_by = Duration::from_millis(1001);
    let reasons = vec![Reason::LateIncident { run: 0, case: CaseId(200), later_by }];
    assert_eq!(joined(1001), Judgement::Refused { reasons });
}

#[test]
fn what_differs_and_nobody_has_labelled_is_not_enough() {
    let claim = less_than(5.0, once(59));
    for told in [LOST, GAINED, JOINED, SPLIT, Told::Neither] {
        let evidence = live(&[(59, BOTH, TRUE), (2, told, None)]);
        let cases = vec![CaseId(59), CaseId(60)];
        let needed = vec![Needed::Labels { run: 0, cases }];
        assert_eq!(judge(&evidence, &claim), Judgement::NotEnough { needed }, "{told:?}");
    }
}

#[test]
fn incidents_that_both_told_count_once_somebody_has_said_that_they_were_true() {
    let claim = less_than(5.0, once(59));
    for label in [FALSE, UNSURE] {
        let evidence = live(&[(58, BOTH, TRUE), (100, BOTH, label)]);
        let needed = vec![Needed::Incidents { run: 0, more: Some(1) }];
        assert_eq!(judge(&evidence, &claim), Judgement::NotEnough { needed }, "{label:?}");
    }
}

#[test]
fn who_cannot_be_judged_counts_as_missed() {
    let found = |incidents| live(&[(1, LOST, UNSURE), (incidents - 1, BOTH, TRUE)]);
    let planned = |incidents| judge(&found(incidents), &less_than(1.0, once(incidents)));
    let again = Judgement::NotEnough { needed: vec![Needed::AnotherRun { run: 0 }] };
    assert_eq!(planned(299), again);
    assert_eq!(planned(472), again);
    let Judgement::MayBeApproved { claims, .. } = planned(473) else {
        panic!("473 are enough for one miss");
    };
    assert_eq!(claims[0].tally, tally(1, 473));
}

#[test]
fn what_only_the_shadow_told_makes_it_look_no_better_nor_does_to_tell_it_five_times() {
    let gate = Gate::default();
    let claim = less_than(5.0, Look::Any);
    let sorts = [(20, BOTH, TRUE), (30, GAINED, TRUE), (2, Told::Neither, TRUE)];
    let counted = |source| Figures::of(&gate, &run(source, &sorts), &claim).all;
    assert_eq!(counted(Source::Live), tally(2, 22));
    assert_eq!(counted(Source::Corpus), tally(2, 22));
    // Sixty people whom the active model missed, each told as five incidents, are not three hundred.
    let flickers = run(Source::Corpus, &[(300, GAINED, TRUE)]);
    let live = run(Source::Live, &[(10, BOTH, TRUE)]);
    let judged = judge(&of_runs(vec![flickers, live]), &less_than(1.0, once(299)));
    assert!(matches!(judged, Judgement::NotEnough { .. }), "{judged:?}");
}

#[test]
fn a_look_that_was_planned_is_looked_at_then_and_not_when_it_suits() {
    // A plan too small for its claim is not mended by whatever came later.
    let evidence = live(&[(500, BOTH, TRUE)]);
    let again = Judgement::NotEnough { needed: vec![Needed::AnotherRun { run: 0 }] };
    assert_eq!(judge(&evidence, &less_than(1.0, once(100))), again);
    // And a miss that came later takes nothing from it.
    let evidence = live(&[(299, BOTH, TRUE), (1, LOST, UNSURE)]);
    assert!(matches!(
        judge(&evidence, &less_than(1.0, once(299))),
        Judgement::MayBeApproved { .. }
    ));
    // Before it is due there is no bound to look at, but the one for any time.
    let early = run(Source::Live, &[(200, BOTH, TRUE)]);
    let figures = Figures::of(&Gate::default(), &early, &less_than(1.0, once(299)));
    assert_eq!((figures.at_most, figures.more_needed), (None, Some(99)));
    assert!(figures.at_most_any_time > 0.01 && figures.at_most_any_time < 0.02);
}

#[test]
fn a_planned_look_cannot_be_moved_by_labelling_one_more_or_one_less() {
    let claim = less_than(1.0, once(299));
    let with = |first| live(&[(1, BOTH, first), (298, BOTH, TRUE), (1, LOST, UNSURE)]);
    // Where the look is depends on the first one: the loss nobody can judge is in it or is not.
    let needed = vec![Needed::Labels { run: 0, cases: vec![CaseId(0)] }];
    assert_eq!(judge(&with(None), &claim), Judgement::NotEnough { needed: needed.clone() });
    assert!(matches!(judge(&with(TRUE), &claim), Judgement::MayBeApproved { .. }));
    let again = vec![Needed::AnotherRun { run: 0 }];
    assert_eq!(judge(&with(FALSE), &claim), Judgement::NotEnough { needed: again });
    // Nor is it made good by leaving one out.
    let left_out = live(&[(1, BOTH, None), (299, BOTH, TRUE)]);
    assert_eq!(judge(&left_out, &claim), Judgement::NotEnough { needed });
    // A difference in it is asked for once.
    let needed = vec![Needed::Labels { run: 0, cases: vec![CaseId(0)] }];
    let lost = live(&[(1, LOST, None), (299, BOTH, TRUE)]);
    assert_eq!(judge(&lost, &claim), Judgement::NotEnough { needed });
    // What comes after the look needs no label, nor does any where one looks at any time.
    let later = live(&[(299, BOTH, TRUE), (50, BOTH, None)]);
    assert!(matches!(judge(&later, &claim), Judgement::MayBeApproved { .. }));
    let any = live(&[(50, BOTH, None), (400, BOTH, TRUE)]);
    let judged = judge(&any, &less_than(1.0, Look::Any));
    assert!(matches!(judged, Judgement::MayBeApproved { .. }));
}

#[test]
fn looked_at_any_time_the_same_claim_takes_the_sequential_number() {
    let claim = less_than(1.0, Look::Any);
    let needed = claim.incidents_needed(0).expect("within reach");
    let at = |incidents| judge(&live(&[(incidents, BOTH, TRUE)]), &claim);
    assert!(matches!(at(needed), Judgement::MayBeApproved { .. }));
    let more = vec![Needed::Incidents { run: 0, more: Some(1) }];
    assert_eq!(at(needed - 1), Judgement::NotEnough { needed: more });
}

#[test]
fn what_was_joined_is_neither_found_nor_lost_and_is_told() {
    let evidence = live(&[(59, BOTH, TRUE), (3, JOINED, TRUE), (1, JOINED, FALSE)]);
    let Judgement::MayBeApproved { claims, warnings } = judge(&evidence, &less_than(5.0, once(59)))
    else {
        panic!("nobody was unheard");
    };
    assert_eq!(claims[0].tally, tally(0, 59));
    assert_eq!(warnings, [Warning::Joins { run: 0, cases: 3 }]);
    // A model that is always in an incident joins everything, and shows nothing by it.
    let stuck = live(&[(1, BOTH, TRUE), (299, JOINED, TRUE)]);
    assert!(matches!(judge(&stuck, &less_than(5.0, once(59))), Judgement::NotEnough { .. }));
}

#[test]
fn a_model_that_latches_after_the_first_person_is_not_passed_by_clips_of_one_person_each() {
    let claim = less_than(1.0, once(299));
    let corpus = run(Source::Corpus, &[(299, BOTH, TRUE)]);
    let of = |run| judge(&of_runs(vec![corpus.clone(), run]), &claim);
    // Ten days, on each of which it told the first person and then stayed OCCUPIED.
    let ten_days = run(Source::Live, &[(10, BOTH, TRUE), (300, JOINED, TRUE)]);
    let needed = vec![Needed::Separate { run: 1, joined: 300, told: 310 }];
    assert_eq!(of(ten_days), Judgement::NotEnough { needed });
    for label in [TRUE, UNSURE] {
        let with = |found| of(run(Source::Live, &[(found, BOTH, TRUE), (2, JOINED, label)]));
        let needed = vec![Needed::Separate { run: 1, joined: 2, told: 39 }];
        assert_eq!(with(37), Judgement::NotEnough { needed }, "{label:?}");
        assert!(matches!(with(38), Judgement::MayBeApproved { .. }), "one of twenty");
    }
    // Nobody was there to be joined with anybody.
    let nobody = run(Source::Live, &[(10, BOTH, TRUE), (300, JOINED, FALSE)]);
    assert!(matches!(of(nobody), Judgement::MayBeApproved { .. }));
}

#[test]
fn a_noisier_model_may_be_approved_with_a_warning() {
    let noisy = |times| live(&[(59, BOTH, TRUE), (times, GAINED, FALSE)]);
    let warned = |times| match judge(&noisy(times), &less_than(5.0, once(59))) {
        Judgement::MayBeApproved { warnings, .. } => warnings,
        other => panic!("{other:?}"),
    };
    assert!(warned(4).is_empty(), "four could be chance: 1 of 16");
    let five = warned(5);
    let [Warning::Noisier { run: 0, p }] = five[..] else { panic!("{five:?}") };
    assert!((p - 1.0 / 32.0).abs() < 1e-15, "{p}");
}

#[test]
fn recordings_decide_and_this_sites_own_cameras_confirm() {
    let claim = less_than(1.0, once(299));
    let corpus = run(Source::Corpus, &[(299, BOTH, TRUE)]);
    let of = |live: &[(usize, Told, Option<Label>)]| {
        of_runs(vec![corpus.clone(), run(Source::Live, live)])
    };
    let alone = of_runs(vec![corpus.clone()]);
    let more = |more| Judgement::NotEnough { needed: vec![Needed::LiveIncidents { more }] };
    assert_eq!(judge(&alone, &claim), more(10));
    assert_eq!(judge(&of(&[(7, BOTH, TRUE)]), &claim), more(3));
    let Judgement::MayBeApproved { claims, .. } = judge(&of(&[(10, BOTH, TRUE)]), &claim) else {
        panic!("ten live ones are enough beside a corpus");
    };
    assert_eq!((claims.len(), claims[0].source), (1, Source::Corpus), "and are no claim");
    // What is lost here refuses, whatever the recordings say.
    let lost = judge(&of(&[(10, BOTH, TRUE), (1, LOST, TRUE)]), &claim);
    let reasons = vec![Reason::LostIncident { run: 1, case: CaseId(10) }];
    assert_eq!(lost, Judgement::Refused { reasons });
}

#[test]
fn what_it_missed_here_and_nobody_can_judge_does_not_confirm_it() {
    let claim = less_than(1.0, once(299));
    let both =
        |live| of_runs(vec![run(Source::Corpus, &[(299, BOTH, TRUE)]), run(Source::Live, &[live])]);
    for live in [(10, LOST, UNSURE), (10, Told::Neither, TRUE), (10, Told::Neither, UNSURE)] {
        let contradicted = Needed::Contradicted { run: 1, tally: tally(10, 10) };
        let needed = vec![contradicted, Needed::LiveIncidents { more: 10 }];
        assert_eq!(judge(&both(live), &claim), Judgement::NotEnough { needed }, "{live:?}");
    }
}

#[test]
fn a_run_that_missed_too_many_is_not_outvoted_by_another() {
    let claim = less_than(5.0, once(59));
    let with = |misses| {
        of_runs(vec![
            run(Source::Corpus, &[(59, BOTH, TRUE)]),
            run(Source::Live, &[(58, BOTH, TRUE), (misses, LOST, UNSURE)]),
        ])
    };
    // Of 65, seven or more would be missed with 4.3 % if 5 % were; six of 64 or more with 10 %.
    let Judgement::MayBeApproved { warnings, .. } = judge(&with(6), &claim) else {
        panic!("{:?}", judge(&with(6), &claim));
    };
    assert_eq!(warnings, [Warning::Missed { run: 1, tally: tally(6, 64) }]);
    let needed = vec![Needed::Contradicted { run: 1, tally: tally(7, 65) }];
    assert_eq!(judge(&with(7), &claim), Judgement::NotEnough { needed });
    // Nor is it by its own look, when they came later.
    let late = live(&[(59, BOTH, TRUE), (8, LOST, UNSURE)]);
    let needed = vec![Needed::Contradicted { run: 0, tally: tally(8, 67) }];
    assert_eq!(judge(&late, &claim), Judgement::NotEnough { needed });
}

#[test]
fn one_run_of_several_that_shows_it_is_not_enough_if_all_of_them_do_not() {
    let claim = less_than(1.0, once(299));
    let good = live(&[(299, BOTH, TRUE)]).runs.remove(0);
    let with = |others: &[usize]| {
        let failed = others
            .iter()
            .map(|found| run(Source::Live, &[(1, Told::Neither, TRUE), (*found, BOTH, TRUE)]));
        judge(&of_runs(failed.chain([good.clone()]).collect()), &claim)
    };
    assert!(matches!(with(&[]), Judgement::MayBeApproved { .. }));
    let needed = vec![Needed::Together { source: Source::Live, tally: tally(1, 599) }];
    assert_eq!(with(&[299]), Judgement::NotEnough { needed });
    // One missed takes 696 if one looks at any time.
    assert!(matches!(with(&[396]), Judgement::MayBeApproved { .. }));
    assert!(matches!(with(&[395]), Judgement::NotEnough { .. }));
}

#[test]
fn nothing_at_all_is_not_enough() {
    let needed = vec![Needed::LiveIncidents { more: 10 }, Needed::AnyRun];
    let judged = judge(&Evidence::default(), &less_than(5.0, Look::Any));
    assert_eq!(judged, Judgement::NotEnough { needed });
}

#[test]
fn the_evidence_page_gets_every_case_and_who_found_more() {
    let sorts = [
        (7, BOTH, TRUE),
        (2, LOST, FALSE),
        (5, GAINED, FALSE),
        (6, GAINED, TRUE),
        (1, JOINED, UNSURE),
        (3, BOTH, None),
    ];
    let run = run(Source::Live, &sorts);
    let figures = Figures::of(&Gate::default(), &run, &less_than(5.0, Look::Any));
    assert_eq!(figures.cases.values().sum::<usize>(), 24);
    assert_eq!(figures.found, Discordant { active_only: 0, shadow_only: 6 });
    assert_eq!(figures.false_alarms, Discordant { active_only: 2, shadow_only: 5 });
    assert_eq!((figures.joined, figures.unlabelled.len()), (1, 0));
    assert!((figures.found.p_differs() - 0.03125).abs() < 1e-15);
}

fn any_told() -> impl Strategy<Value = Told> {
    prop_oneof![
        8 => Just(BOTH),
        1 => (0u64..3000).prop_map(|ms| Told::Both { shadow_later_by: Duration::from_millis(ms) }),
        1 => Just(LOST),
        1 => Just(JOINED),
        1 => (0u64..3000).prop_map(|ms| {
            Told::ActiveOnly(Meanwhile::InIncident { later_by: Duration::from_millis(ms) })
        }),
        1 => Just(GAINED),
        1 => Just(SPLIT),
        1 => Just(Told::Neither),
    ]
}

fn any_label() -> impl Strategy<Value = Option<Label>> {
    prop_oneof![12 => Just(TRUE), 3 => Just(FALSE), 1 => Just(UNSURE), 1 => Just(None)]
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let cases = prop::collection::vec((any_told(), any_label()), 0..25);
    let bulk = prop_oneof![Just(0usize), Just(58), 55usize..400];
    let run = (cases, bulk, any::<bool>(), 94u64..=100).prop_map(|(cases, bulk, is_live, seen)| {
        let source = if is_live { Source::Live } else { Source::Corpus };
        let mut sorts = vec![(bulk, BOTH, TRUE)];
        sorts.extend(cases.into_iter().map(|(told, label)| (1, told, label)));
        Run { coverage: Coverage { seen, of: 100 }, ..run(source, &sorts) }
    });
    prop::collection::vec(run, 0..3).prop_map(of_runs)
}

/// Lost or told too late, by the definition and not by the code.
fn is_lost(case: &Case) -> bool {
    match case.told {
        Told::Both { shadow_later_by: later_by }
        | Told::ActiveOnly(Meanwhile::InIncident { later_by }) => later_by > Duration::from_secs(1),
        other => other == LOST,
    }
}

proptest! {
    #[test]
    fn nothing_is_approved_that_its_definition_does_not_allow(
        evidence in any_evidence(),
        percent in prop::sample::select(vec![1u64, 2, 5, 20]),
    ) {
        let claim = less_than(percent as f64, Look::Any);
        if let Judgement::MayBeApproved { claims, .. } = judge(&evidence, &claim) {
            prop_assert!(!claims.is_empty());
            for case in evidence.runs.iter().flat_map(|run| run.cases.values()) {
                prop_assert!(case.label != TRUE || !is_lost(case), "{:?}", case);
                let agree = matches!(case.told, Told::Both { .. }) && !is_lost(case);
                prop_assert!(agree || case.label.is_some(), "{:?}", case);
            }
            for shown in &claims {
                let (k, n) = (shown.tally.misses() as u64, shown.tally.of() as u64);
                // The bound for any look is wider than the one for a single one, which is exact.
                prop_assert!(so_few(k, n, &ratio(percent, 100)) <= ratio(1, 20));
            }
            let is_covered = |run: &&Run| run.coverage.seen >= 95;
            let shows = |shown: &Shown| (shown.source, is_covered(&&evidence.runs[shown.run]));
            prop_assert!(claims.iter().all(|shown| shows(shown).1));
            let mut few = evidence.runs.iter().filter(|run| !is_covered(run));
            let recordings = claims.iter().any(|shown| shows(shown) == (Source::Corpus, true));
            prop_assert!(few.all(|run| run.source == Source::Live && recordings));
        }
    }

    #[test]
    fn to_miss_one_more_never_helps(
        evidence in any_evidence(),
        which in any::<prop::sample::Index>(),
        label in any_label(),
    ) {
        let approved = |e: &Evidence| {
            matches!(judge(e, &less_than(5.0, Look::Any)), Judgement::MayBeApproved { .. })
        };
        let before = approved(&evidence);
        let mut worse = evidence.clone();
        let cases: usize = worse.runs.iter().map(|run| run.cases.len()).sum();
        prop_assume!(cases > 0);
        let which = which.index(cases);
        let case = worse.runs.iter_mut().flat_map(|run| run.cases.values_mut()).nth(which);
        let case = case.expect("one of them");
        let was_both = matches!(case.told, Told::Both { .. });
        prop_assume!(case.label == TRUE && was_both && !is_lost(case));
        case.told = LOST;
        prop_assert!(!approved(&worse), "a lost true incident");
        let case = worse.runs.iter_mut().flat_map(|run| run.cases.values_mut()).nth(which);
        case.expect("one of them").label = label.filter(|label| *label != Label::True);
        prop_assert!(before || !approved(&worse), "approved since it found one less");
    }
}
