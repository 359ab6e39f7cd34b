//! From two models' incidents and the truth to cases.

use std::time::Duration;

use standclear::engine::detection::{Detection, PixelBox, Score};
use standclear::engine::time::Instant;
use standclear::evaluation::episodes::Weight;
use standclear::gate::agreement::Agreement;
use standclear::gate::corpus::{CorpusCase, Presence, Recording, cases, run};
use standclear::gate::pairs::{Incident, Meanwhile, Place};
use standclear::gate::verdict::{Coverage, Gate, Label, Source, Standing, Told};

fn place() -> Place {
    Place { camera: "gate".to_owned(), zone: "press".to_owned() }
}

fn incident(from_ms: u64, to_ms: u64) -> Incident {
    Incident {
        id: from_ms,
        place: place(),
        started_at: Instant::from_millis(from_ms),
        last_inside_at: Instant::from_millis(to_ms),
    }
}

fn inside(from_ms: u64, until_ms: u64, weight: Weight) -> Presence {
    let (from, until) = (Instant::from_millis(from_ms), Instant::from_millis(until_ms));
    Presence { place: place(), from, until, weight }
}

fn found(active: &[Incident], shadow: &[Incident], truth: &[Presence]) -> Vec<CorpusCase> {
    cases(&Recording { active, shadow, truth: Some(truth) })
}

/// Who told it and what the truth says.
fn short(cases: &[CorpusCase]) -> Vec<(Standing, Option<Label>)> {
    let gate = Gate::default();
    cases.iter().map(|case| (gate.standing(case.case.told), case.case.label)).collect()
}

#[test]
fn the_truth_labels_what_either_told_by_who_was_inside_then() {
    let truth = [inside(1000, 5000, Weight::Demanded), inside(20_000, 20_200, Weight::Marginal)];
    let active = [incident(1200, 5000), incident(20_100, 20_200), incident(40_000, 41_000)];
    let cases = found(&active, &[incident(1300, 4900)], &truth);
    assert_eq!(
        short(&cases),
        [
            (Standing::Found, Some(Label::True)),
            (Standing::Lost, Some(Label::Unsure)),
            (Standing::Lost, Some(Label::False)),
        ]
    );
    let without = cases_without_truth(&active);
    assert!(without.iter().all(|case| case.case.label.is_none()));
}

fn cases_without_truth(active: &[Incident]) -> Vec<CorpusCase> {
    cases(&Recording { active, shadow: &[], truth: None })
}

#[test]
fn what_nobody_told_is_a_case_unless_it_is_marginal() {
    let truth = [inside(1000, 5000, Weight::Demanded), inside(20_000, 20_200, Weight::Marginal)];
    let cases = found(&[], &[], &truth);
    assert_eq!(short(&cases), [(Standing::Unseen, Some(Label::True))]);
    // What only the shadow model told is told, and counts as found nowhere.
    let cases = found(&[], &[incident(1100, 5000)], &truth);
    assert_eq!(short(&cases), [(Standing::Gained, Some(Label::True))]);
}

#[test]
fn who_comes_after_the_shadow_model_s_incident_ended_is_lost_though_the_incidents_are_a_pair() {
    let truth = [inside(1000, 5000, Weight::Demanded), inside(10_000, 12_000, Weight::Demanded)];
    let active = [incident(1100, 12_000)];
    let cases = found(&active, &[incident(1200, 5000)], &truth);
    let lost = Told::ActiveOnly(Meanwhile::Quiet);
    assert_eq!(cases.len(), 2);
    assert!(matches!(cases[0].case.told, Told::Both { .. }));
    assert_eq!((cases[1].case.told, cases[1].case.at), (lost, Instant::from_millis(10_000)));
    // Not where the shadow model saw them as well, in the same incident or another one …
    assert_eq!(found(&active, &[incident(1200, 12_000)], &truth).len(), 1);
    let both = found(&active, &[incident(1200, 5000), incident(10_100, 12_000)], &truth);
    assert!(short(&both).iter().all(|(standing, _)| *standing != Standing::Lost), "{both:?}");
    // … nor twice where the active model told it by itself.
    let apart = [incident(1100, 5000), incident(10_100, 12_000)];
    let cases = found(&apart, &[incident(1200, 5000)], &truth);
    assert_eq!(
        short(&cases),
        [(Standing::Found, Some(Label::True)), (Standing::Lost, Some(Label::True))]
    );
}

#[test]
fn who_comes_while_the_active_model_alarms_for_nothing_is_lost_where_the_shadow_model_tells_nothing()
 {
    let active = [incident(10_000, 20_000)];
    let truth = [inside(13_000, 19_000, Weight::Demanded)];
    let cases = found(&active, &[], &truth);
    assert_eq!(
        short(&cases),
        [(Standing::Lost, Some(Label::False)), (Standing::Lost, Some(Label::True))]
    );
    assert_eq!(cases[1].case.at, Instant::from_millis(13_000));
    // So where it began with somebody of whom the truth cannot tell.
    let truth = [inside(10_000, 10_200, Weight::Marginal), truth[0].clone()];
    let cases = found(&active, &[], &truth);
    assert_eq!(
        short(&cases),
        [(Standing::Lost, Some(Label::Unsure)), (Standing::Lost, Some(Label::True))]
    );
}

#[test]
fn who_comes_while_a_joined_incident_goes_on_and_the_shadow_model_s_is_over_is_lost() {
    let active = [incident(1000, 4500), incident(5500, 20_000)];
    let truth = [
        inside(1000, 4500, Weight::Demanded),
        inside(5500, 6000, Weight::Demanded),
        inside(13_000, 19_000, Weight::Demanded),
    ];
    let cases = found(&active, &[incident(1000, 6000)], &truth);
    assert_eq!(
        short(&cases),
        [
            (Standing::Found, Some(Label::True)),
            (Standing::Joined, Some(Label::True)),
            (Standing::Lost, Some(Label::True)),
        ]
    );
}

#[test]
fn too_late_is_lost() {
    let truth = [inside(1000, 9000, Weight::Demanded)];
    let cases = found(&[incident(1200, 9000)], &[incident(2201, 9000)], &truth);
    assert_eq!(short(&cases), [(Standing::Lost, Some(Label::True))]);
    let cases = found(&[incident(1200, 9000)], &[incident(2200, 9000)], &truth);
    assert_eq!(short(&cases), [(Standing::Found, Some(Label::True))]);
}

#[test]
fn a_run_of_recordings_numbers_its_cases_by_time() {
    let truth = [inside(1000, 5000, Weight::Demanded), inside(7000, 9000, Weight::Demanded)];
    let all = found(&[incident(7100, 9000)], &[incident(7200, 9000)], &truth);
    let coverage = Coverage { seen: 10, of: 10 };
    let run = run(&all, coverage);
    assert_eq!((run.source, run.coverage), (Source::Corpus, coverage));
    let told: Vec<Told> = run.cases.values().map(|case| case.told).collect();
    let both = Told::Both { shadow_later_by: Duration::from_millis(100) };
    assert_eq!(told, [Told::Neither, both]);
}

fn person(left: f64, score: f32) -> Detection {
    let bounds = PixelBox::new(left, 10.0, 20.0, 50.0).expect("a box");
    Detection { bounds, score: Score::new(score).expect("a share") }
}

#[test]
fn people_agree_where_boxes_overlap_and_one_of_the_two_is_sure() {
    let mut agreement = Agreement::default();
    // Met, though one is a little too unsure; alone on each side; too weak to count at all.
    agreement.picture(
        &[person(0.0, 0.5), person(100.0, 0.5), person(300.0, 0.25)],
        &[person(2.0, 0.25), person(200.0, 0.5), person(300.0, 0.28)],
    );
    assert_eq!((agreement.matched, agreement.active_only, agreement.shadow_only), (1, 1, 1));
    assert_eq!(agreement.share(), Some(1.0 / 3.0));
    assert!((agreement.score_shift().expect("one met") + 0.25).abs() < 1e-6);
    let mut twice = agreement;
    twice.add(&agreement);
    assert_eq!((twice.pictures, twice.matched), (2, 2));
    assert_eq!(Agreement::default().share(), None);
}
