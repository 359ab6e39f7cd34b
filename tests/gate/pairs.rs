//! Pairing against every pairing there is.

use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::time::Instant;
use standclear::gate::pairs::{Incident, Meanwhile, Only, Pairing, Place, TOLERANCE, pair};
use standclear::gate::verdict::Told;

fn incident(id: u64, zone: &str, from_ms: u64, to_ms: u64) -> Incident {
    Incident {
        id,
        place: Place { camera: "gate".to_owned(), zone: zone.to_owned() },
        started_at: Instant::from_millis(from_ms),
        last_inside_at: Instant::from_millis(to_ms),
    }
}

fn in_incident(later_ms: u64) -> Meanwhile {
    Meanwhile::InIncident { later_by: Duration::from_millis(later_ms) }
}

fn ids(pairing: &Pairing) -> Vec<(u64, u64)> {
    pairing.both.iter().map(|pair| (pair.active.id, pair.shadow.id)).collect()
}

fn alone(only: &[Only]) -> Vec<(u64, Meanwhile)> {
    only.iter().map(|only| (only.incident.id, only.meanwhile)).collect()
}

#[test]
fn what_overlaps_in_a_zone_is_one_incident_and_what_does_not_is_two() {
    let active = [incident(1, "press", 1000, 5000), incident(2, "press", 60_000, 61_000)];
    let shadow = [incident(1, "press", 1200, 4000), incident(2, "press", 90_000, 91_000)];
    let pairing = pair(&active, &shadow, TOLERANCE);
    assert_eq!(ids(&pairing), [(1, 1)]);
    assert_eq!(alone(&pairing.active_only), [(2, Meanwhile::Quiet)]);
    assert_eq!(alone(&pairing.shadow_only), [(2, Meanwhile::Quiet)]);
    assert_eq!(pairing.both[0].shadow_later_by(), Duration::from_millis(200));
}

#[test]
fn zones_and_cameras_are_never_mixed_up() {
    let active = [incident(1, "press", 1000, 5000)];
    let mut other_camera = incident(2, "press", 1000, 5000);
    other_camera.place.camera = "yard".to_owned();
    let shadow = [incident(1, "saw", 1000, 5000), other_camera];
    let pairing = pair(&active, &shadow, TOLERANCE);
    assert!(ids(&pairing).is_empty());
    assert_eq!(alone(&pairing.active_only), [(1, Meanwhile::Quiet)]);
    assert_eq!(pairing.shadow_only.len(), 2);
}

#[test]
fn the_tolerance_is_exact() {
    let active = [incident(1, "press", 1000, 2000)];
    for (from_ms, met) in [(2700, true), (2701, false)] {
        let late = [incident(1, "press", from_ms, 9000)];
        for (a, s) in [(&active, &late), (&late, &active)] {
            assert_eq!(!pair(a, s, TOLERANCE).both.is_empty(), met, "{from_ms} ms");
        }
    }
}

#[test]
fn of_two_in_the_time_of_a_long_one_the_second_is_not_called_unheard() {
    let two = [incident(1, "press", 0, 10_000), incident(2, "press", 15_000, 20_000)];
    let long = [incident(1, "press", 0, 20_000)];
    let joined = pair(&two, &long, TOLERANCE);
    assert_eq!(ids(&joined), [(1, 1)], "the one that agrees better");
    assert_eq!(alone(&joined.active_only), [(2, in_incident(0))]);
    let split = pair(&long, &two, TOLERANCE);
    assert_eq!(alone(&split.shadow_only), [(2, in_incident(0))]);
}

#[test]
fn whoever_left_before_the_other_model_said_anything_was_unheard() {
    // Two people one after the other; the shadow model's incident is the second one's.
    let two = [incident(1, "press", 0, 60_000), incident(2, "press", 70_000, 100_000)];
    for from_ms in [60_500, 55_000] {
        let shadow = [incident(9, "press", from_ms, 100_000)];
        let pairing = pair(&two, &shadow, TOLERANCE);
        assert_eq!(ids(&pairing), [(2, 9)]);
        assert_eq!(alone(&pairing.active_only), [(1, in_incident(from_ms))]);
    }
}

#[test]
fn what_was_over_before_tells_nobody_of_what_came_then() {
    let two = [incident(1, "press", 0, 9500), incident(2, "press", 10_000, 70_000)];
    for (to_ms, meanwhile) in [(9999, Meanwhile::Quiet), (10_000, in_incident(0))] {
        let first = pair(&two, &[incident(9, "press", 0, to_ms)], TOLERANCE);
        assert_eq!(ids(&first), [(1, 9)]);
        assert_eq!(alone(&first.active_only), [(2, meanwhile)], "until {to_ms} ms");
    }
}

#[test]
fn one_pair_more_goes_before_better_ones() {
    // 1 agrees wholly with 11, but 2 meets nobody else.
    let active = [incident(1, "press", 1000, 9000), incident(2, "press", 9500, 9600)];
    let shadow = [incident(11, "press", 1000, 9000), incident(10, "press", 0, 500)];
    assert_eq!(ids(&pair(&active, &shadow, TOLERANCE)), [(1, 10), (2, 11)]);
}

#[test]
fn every_incident_becomes_one_case() {
    let active = [incident(1, "press", 0, 1000), incident(2, "press", 9000, 9500)];
    let shadow = [incident(7, "press", 300, 1000), incident(8, "press", 20_000, 21_000)];
    let pairing = pair(&active, &shadow, TOLERANCE);
    let told: Vec<(u64, Told)> = pairing.told().map(|(i, told)| (i.id, told)).collect();
    let both = Told::Both { shadow_later_by: Duration::from_millis(300) };
    let expected = [
        (1, both),
        (2, Told::ActiveOnly(Meanwhile::Quiet)),
        (8, Told::ShadowOnly(Meanwhile::Quiet)),
    ];
    assert_eq!(told, expected);
}

fn meet(a: &Incident, s: &Incident, tolerance_ms: u64) -> bool {
    let ms = |at: Instant| at.as_nanos() / 1_000_000;
    a.place == s.place
        && ms(a.started_at) <= ms(s.last_inside_at) + tolerance_ms
        && ms(s.started_at) <= ms(a.last_inside_at) + tolerance_ms
}

/// How much later the first of those it met began, of those that were not over when it did.
fn meanwhile(only: &Incident, others: &[Incident], tolerance_ms: u64) -> Meanwhile {
    let ms = |at: Instant| at.as_nanos() / 1_000_000;
    let mut first: Option<u64> = None;
    for other in others {
        if meet(only, other, tolerance_ms) && ms(other.last_inside_at) >= ms(only.started_at) {
            let later_ms = ms(other.started_at).saturating_sub(ms(only.started_at));
            first = Some(first.map_or(later_ms, |first| first.min(later_ms)));
        }
    }
    first.map_or(Meanwhile::Quiet, in_incident)
}

fn likeness(a: &Incident, s: &Incident) -> f64 {
    let first = a.started_at.min(s.started_at);
    let last = a.last_inside_at.max(s.last_inside_at);
    let both = a.last_inside_at.min(s.last_inside_at).since(a.started_at.max(s.started_at));
    if last == first { 1.0 } else { both.as_secs_f64() / last.since(first).as_secs_f64() }
}

/// Most pairs, and among those the greatest likeness, of all ways to pair what is left.
fn best(active: &[Incident], shadow: &[Incident], taken: u32, tolerance_ms: u64) -> (usize, f64) {
    let Some((first, rest)) = active.split_first() else {
        return (0, 0.0);
    };
    let mut top = best(rest, shadow, taken, tolerance_ms);
    for (index, other) in shadow.iter().enumerate() {
        if taken & (1 << index) == 0 && meet(first, other, tolerance_ms) {
            let (pairs, like) = best(rest, shadow, taken | 1 << index, tolerance_ms);
            let found = (pairs + 1, like + likeness(first, other));
            if found.0 > top.0 || (found.0 == top.0 && found.1 > top.1) {
                top = found;
            }
        }
    }
    top
}

fn some() -> impl Strategy<Value = Vec<(u64, u64, bool)>> {
    prop::collection::vec((0u64..40, 0u64..15, any::<bool>()), 0..6)
}

fn incidents(drawn: &[(u64, u64, bool)]) -> Vec<Incident> {
    drawn
        .iter()
        .enumerate()
        .map(|(i, &(from, long, press))| {
            let zone = if press { "press" } else { "saw" };
            incident(i as u64, zone, from * 100, (from + long) * 100)
        })
        .collect()
}

proptest! {
    #[test]
    fn no_pairing_has_more_pairs_or_agrees_better(a in some(), s in some(), tolerance_ms in 0u64..900) {
        let (active, shadow) = (incidents(&a), incidents(&s));
        let pairing = pair(&active, &shadow, Duration::from_millis(tolerance_ms));
        let (pairs, like) = best(&active, &shadow, 0, tolerance_ms);
        prop_assert_eq!(pairing.both.len(), pairs);
        let total: f64 = pairing.both.iter().map(|p| likeness(&p.active, &p.shadow)).sum();
        prop_assert!((total - like).abs() < 1e-9, "{} instead of {}", total, like);
        prop_assert!(pairing.both.iter().all(|p| meet(&p.active, &p.shadow, tolerance_ms)));
        // Each incident once, and what is alone is said rightly.
        let mut mine: Vec<u64> = pairing.both.iter().map(|p| p.active.id).collect();
        mine.extend(pairing.active_only.iter().map(|only| only.incident.id));
        mine.sort_unstable();
        prop_assert_eq!(mine, (0..active.len() as u64).collect::<Vec<_>>());
        let mut theirs: Vec<u64> = pairing.both.iter().map(|p| p.shadow.id).collect();
        theirs.extend(pairing.shadow_only.iter().map(|only| only.incident.id));
        theirs.sort_unstable();
        prop_assert_eq!(theirs, (0..shadow.len() as u64).collect::<Vec<_>>());
        for only in &pairing.active_only {
            let said = meanwhile(&only.incident, &shadow, tolerance_ms);
            prop_assert_eq!(only.meanwhile, said);
        }
        for only in &pairing.shadow_only {
            let said = meanwhile(&only.incident, &active, tolerance_ms);
            prop_assert_eq!(only.meanwhile, said);
        }
    }

    #[test]
    fn the_order_in_which_incidents_come_changes_nothing(a in some(), s in some()) {
        let (mut active, mut shadow) = (incidents(&a), incidents(&s));
        let forward = pair(&active, &shadow, TOLERANCE);
        active.reverse();
        shadow.reverse();
        prop_assert_eq!(pair(&active, &shadow, TOLERANCE), forward);
    }
}
