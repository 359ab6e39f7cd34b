//! Two models on the same incidents.

use standclear::gate::mcnemar::{Discordant, fewest_conclusive};

use crate::exact::{float, probability, ratio, so_few};

fn of(active_only: usize, shadow_only: usize) -> Discordant {
    Discordant { active_only, shadow_only }
}

#[test]
fn six_discordant_all_one_way_are_the_fewest_that_show_a_difference() {
    assert!((of(6, 0).p_differs() - 0.03125).abs() < 1e-15);
    assert!((of(0, 6).p_differs() - 0.03125).abs() < 1e-15);
    assert!(of(5, 0).p_differs() > 0.05);
    assert_eq!(fewest_conclusive(probability(0.95)), 6);
    assert_eq!(fewest_conclusive(probability(0.99)), 8);
}

#[test]
fn ten_against_two_is_the_textbooks_0_039() {
    assert!((of(10, 2).p_differs() - 158.0 / 4096.0).abs() < 1e-12);
}

#[test]
fn every_p_is_the_exact_one() {
    let half = ratio(1, 2);
    let large = [(0, 1000), (480, 520), (430, 570), (1000, 1100), (5, 900)];
    let small = (0..=40usize).flat_map(|a| (0..=40 - a).map(move |s| (a, s)));
    for (active, shadow) in small.chain(large) {
        let all = (active + shadow) as u64;
        // P(X >= a) is P(X <= n - a) for a coin.
        let tail = |one_way: usize| so_few(all - one_way as u64, all, &half);
        let (more, less) = (tail(active), tail(shadow));
        let both = (ratio(2, 1) * more.clone().min(less.clone())).min(ratio(1, 1));
        let seen = of(active, shadow);
        for (p, expected) in [
            (seen.p_active_more(), &more),
            (seen.p_shadow_more(), &less),
            (seen.p_differs(), &both),
        ] {
            let expected = float(expected);
            assert!((p - expected).abs() < 1e-11, "{active} against {shadow}: {p}, {expected}");
        }
    }
}

#[test]
fn no_difference_is_no_evidence_of_one() {
    assert_eq!(of(0, 0).p_differs(), 1.0);
    assert_eq!(of(0, 0).p_active_more(), 1.0);
    assert_eq!(of(7, 7).p_differs(), 1.0);
}
