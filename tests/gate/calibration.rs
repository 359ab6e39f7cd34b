//! Thresholds from verdicts: what is promised, against every sample there could have been.

use proptest::prelude::*;
use standclear::engine::detection::Score;
use standclear::gate::Probability;
use standclear::gate::calibration::{Answered, Proposal, Threshold, Wish, propose};
use standclear::gate::verdict::Label;

use crate::exact::{float, probability, ratio, tally};

fn five_percent() -> Wish {
    Wish { miss_rate: probability(0.05), confidence: Probability::CONFIDENCE }
}

fn score(value: f32) -> Score {
    Score::new(value).expect("a score")
}

fn answered(camera: &str, value: f32, label: Label) -> Answered {
    Answered { camera: camera.to_owned(), score: score(value), label }
}

/// True incidents with the scores 0.001, 0.002, and so on, from the worst to the best.
fn ladder(camera: &str, steps: usize) -> Vec<Answered> {
    (1..=steps).rev().map(|i| answered(camera, i as f32 / 1000.0, Label::True)).collect()
}

fn only(answered: &[Answered], wish: Wish) -> Proposal {
    let proposals = propose(answered, wish);
    assert_eq!(proposals.len(), 1);
    proposals.into_values().next().expect("one camera")
}

fn threshold(answered: &[Answered], wish: Wish) -> Threshold {
    match only(answered, wish) {
        Proposal::Threshold(threshold) => threshold,
        Proposal::NotEnough { have, needed } => panic!("{have} of {needed:?}"),
    }
}

#[test]
fn fifty_nine_true_incidents_are_the_fewest_and_then_none_of_them_may_be_lost() {
    let wish = five_percent();
    let not_enough = Proposal::NotEnough { have: 58, needed: Some(59) };
    assert_eq!(only(&ladder("gate", 58), wish), not_enough);
    for (incidents, position) in [(59, 1), (92, 1), (93, 2), (124, 3)] {
        let proposed = threshold(&ladder("gate", incidents), wish);
        assert_eq!(proposed.score, score(position as f32 / 1000.0), "{incidents}");
        assert_eq!(proposed.lost, tally(position - 1, incidents));
    }
}

#[test]
fn the_interval_of_a_hundred_is_from_the_second_to_the_tenth_score() {
    // Binomial of 100 and 5 %: P(X <= 1) = 0.0371, P(X <= 2) = 0.1183; P(X <= 8) = 0.9369,
    // P(X <= 9) = 0.9718.
    let proposed = threshold(&ladder("gate", 100), five_percent());
    assert_eq!(proposed.score, score(0.002));
    assert_eq!(proposed.too_high_from, Some(score(0.010)));
    assert!((proposed.lost_share.estimate - 0.01).abs() < 1e-12);
    assert!(proposed.lost_share.low < 0.001 && proposed.lost_share.high > 0.05);
}

#[test]
fn false_alarms_move_no_threshold_and_are_counted() {
    let mut all = ladder("gate", 100);
    let before = threshold(&all, five_percent());
    assert_eq!((before.spared, before.spared_share), (0, None));
    all.extend((0..8).map(|i| answered("gate", 0.0005 * (i + 1) as f32, Label::False)));
    let after = threshold(&all, five_percent());
    assert_eq!((after.score, after.too_high_from), (before.score, before.too_high_from));
    // 0.0005, 0.0010 and 0.0015 are below 0.002.
    assert_eq!((after.spared, after.false_incidents), (3, 8));
    assert!(after.spared_share.is_some_and(|share| (share.estimate - 0.375).abs() < 1e-12));
}

#[test]
fn a_camera_learns_nothing_from_another_one() {
    let mut all = ladder("gate", 59);
    all.extend(ladder("yard", 58));
    let proposals = propose(&all, five_percent());
    assert!(matches!(proposals["gate"], Proposal::Threshold(_)));
    assert!(matches!(proposals["yard"], Proposal::NotEnough { have: 58, .. }));
    assert!(propose(&[], five_percent()).is_empty());
}

/// Four scores with equal and unequal chances; of every sample of seven, what is proposed: the second
/// lowest score, since P(X <= 1) = 8/128 and P(X <= 2) = 29/128.
#[test]
fn of_all_samples_there_could_be_at_most_one_in_ten_loses_more_than_was_promised() {
    let wish = Wish { miss_rate: probability(0.5), confidence: probability(0.9) };
    let scores = [0.2f32, 0.4, 0.6, 0.8];
    for chances in [[1u64, 1, 1, 1], [4, 3, 2, 1], [1, 5, 1, 3], [6, 1, 1, 2], [9, 2, 9, 1]] {
        let whole: u64 = chances.iter().sum();
        let mut wrong = 0;
        for sample in 0..4usize.pow(7) {
            let drawn: Vec<usize> = (0..7).map(|i| sample / 4usize.pow(i) % 4).collect();
            let all: Vec<Answered> =
                drawn.iter().map(|&i| answered("gate", scores[i], Label::True)).collect();
            let proposed = threshold(&all, wish).score;
            let lost: u64 =
                (0..4).filter(|&i| score(scores[i]) < proposed).map(|i| chances[i]).sum();
            if 2 * lost > whole {
                wrong += drawn.iter().map(|&which| chances[which]).product::<u64>();
            }
        }
        let wrong = ratio(wrong, whole.pow(7));
        println!("{chances:?}: loses more than promised with {:.4}", float(&wrong));
        assert!(wrong <= ratio(1, 10), "{chances:?}: {wrong}");
    }
}

proptest! {
    #[test]
    fn whom_nobody_can_judge_never_raises_a_threshold(
        unsure in prop::collection::vec(0u16..1000, 0..80),
        steps in 59usize..140,
    ) {
        let mut all = ladder("gate", steps);
        let before = threshold(&all, five_percent());
        all.extend(unsure.iter().map(|&s| answered("gate", f32::from(s) / 1000.0, Label::Unsure)));
        let after = threshold(&all, five_percent());
        prop_assert!(after.score <= before.score);
        prop_assert!(after.lost.misses() <= before.lost.misses());
    }
}
