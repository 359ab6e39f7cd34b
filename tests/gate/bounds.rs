//! One look: the bound, and how many incidents it takes.

use standclear::evaluation::intervals::share;
use standclear::gate::claim::{Claim, Look};
use standclear::gate::{Probability, bounds};

use crate::exact::{chances, exact, float, probability, ratio, so_few, tally};

/// Misses allowed, and the incidents needed with 95 % confidence.
const KNOWN: [(u64, u64, [u64; 3]); 3] =
    [(5, 100, [59, 93, 124]), (2, 100, [149, 236, 313]), (1, 100, [299, 473, 628])];

fn once(miss_rate: f64) -> Claim {
    Claim {
        miss_rate: probability(miss_rate),
        confidence: Probability::CONFIDENCE,
        look: Look::Once { incidents: 0 },
    }
}

#[test]
fn the_known_numbers_of_incidents_come_out() {
    for (of_hundred, hundred, needed) in KNOWN {
        let claim = once(of_hundred as f64 / hundred as f64);
        let rate = ratio(of_hundred, hundred);
        for (misses, expected) in needed.into_iter().enumerate() {
            assert_eq!(claim.incidents_needed(misses), Some(expected as usize), "{of_hundred} %");
            // Without rounding: so many are enough, and one less is not.
            let doubt = ratio(1, 20);
            assert!(so_few(misses as u64, expected, &rate) <= doubt, "{expected}");
            assert!(so_few(misses as u64, expected - 1, &rate) > doubt, "{expected}");
        }
    }
    assert_eq!(once(0.005).incidents_needed(0), Some(598));
}

#[test]
fn more_incidents_than_any_site_sees_are_not_promised() {
    assert_eq!(once(1e-9).incidents_needed(0), None);
    assert!(once(1e-5).incidents_needed(0).is_some(), "299 572 are within reach");
}

#[test]
fn at_the_bound_so_few_misses_have_a_chance_of_exactly_one_in_twenty() {
    let small = (1..=40u64).flat_map(|n| (0..n).map(move |k| (k, n)));
    let large = [(0, 1000), (3, 1000), (40, 1000), (10, 4000), (2, 6000)];
    for (k, n) in small.chain(large) {
        let bound = bounds::at_most(tally(k as usize, n as usize), Probability::CONFIDENCE);
        let chance = float(&so_few(k, n, &exact(bound)));
        assert!((chance - 0.05).abs() < 1e-9, "{k} of {n}: {bound} leaves {chance}");
    }
    for n in [10_000usize, 100_000, 1_000_000] {
        let bound = bounds::at_most(tally(0, n), Probability::CONFIDENCE);
        let expected = -f64::exp_m1(0.05f64.ln() / n as f64);
        assert!((bound / expected - 1.0).abs() < 1e-7, "{n}: {bound}, {expected}");
    }
}

#[test]
fn so_many_misses_contradict_a_share_if_they_come_by_chance_once_in_twenty_at_most() {
    for (numerator, denominator) in [(1u64, 100u64), (1, 20), (1, 2)] {
        let rate = ratio(numerator, denominator);
        let claimed = probability(numerator as f64 / denominator as f64);
        for (k, n) in (1..=40u64).flat_map(|n| (0..=n).map(move |k| (k, n))) {
            let contradicts = bounds::contradicts(
                tally(k as usize, n as usize),
                claimed,
                Probability::CONFIDENCE,
            );
            // P(X >= k) is one less P(X <= k - 1).
            let expected = k > 0 && so_few(k - 1, n, &rate) >= ratio(19, 20);
            assert_eq!(contradicts, expected, "{k} of {n} at {rate}");
        }
    }
}

#[test]
fn whatever_the_true_share_the_bound_is_below_it_at_most_once_in_twenty() {
    for n in 1..=30u64 {
        for percent in (1..100).step_by(3) {
            let rate = ratio(percent, 100);
            let limit = percent as f64 / 100.0;
            let wrong: f64 = chances(n, n, &rate)
                .iter()
                .enumerate()
                .filter(|(k, _)| {
                    bounds::at_most(tally(*k, n as usize), Probability::CONFIDENCE) < limit
                })
                .map(|(_, chance)| float(chance))
                .sum();
            assert!(wrong <= 0.05, "{n} incidents, {percent} % missed: wrong with {wrong}");
        }
    }
}

#[test]
fn what_is_shown_is_what_the_bound_says() {
    for n in (1..400).step_by(7) {
        for k in 0..n.min(12) {
            for rate in [0.01, 0.02, 0.05, 0.2] {
                let seen = tally(k, n);
                let bound = bounds::at_most(seen, Probability::CONFIDENCE);
                let shown = bounds::shows(seen, probability(rate), Probability::CONFIDENCE);
                assert_eq!(shown, bound <= rate, "{k} of {n}, {rate}: {bound}");
            }
        }
    }
}

#[test]
fn the_one_sided_bound_and_the_interval_are_of_one_family() {
    for (k, n) in [(0, 10), (3, 40), (39, 40), (2, 600)] {
        let interval = share(k, n).expect("some");
        let bound = bounds::at_most(tally(k, n), probability(0.975));
        assert!((bound - interval.high).abs() < 1e-9, "{k} of {n}: {bound}, {interval:?}");
    }
}

#[test]
fn nothing_seen_and_everything_missed_show_nothing() {
    for seen in [tally(0, 0), tally(5, 5)] {
        assert_eq!(bounds::at_most(seen, Probability::CONFIDENCE), 1.0);
        assert!(!bounds::shows(seen, probability(0.999), Probability::CONFIDENCE));
    }
}
