//! The tracker keeps numbers, and is never believed (R4, R8).

use proptest::prelude::*;
use standclear::engine::TrackId;
use standclear::engine::assignment::assign;
use standclear::engine::detection::Detection;
use standclear::engine::time::Instant;
use standclear::engine::tracking::Tracker;
use standclear::engine::zone::{Crowd, Look, Occupancy, Pace, Rules, Sighting, Telling};
use standclear::engine::{Anchor, Criterion, Verdict};

use crate::world::{area, person, right_half, size};

fn at(picture: usize) -> Instant {
    Instant::from_millis(100 * picture as u64)
}

#[test]
fn people_who_cross_keep_their_numbers() {
    let mut tracker = Tracker::default();
    let mut ids = Vec::new();
    for i in 0..40 {
        let x = 10.0 * i as f64;
        ids =
            tracker.update(&[person(300.0 + x, 500.0, 0.8), person(700.0 - x, 560.0, 0.8)], at(i));
    }
    assert_eq!(ids, vec![Some(TrackId(1)), Some(TrackId(2))]);
}

#[test]
fn fading_detection_keeps_the_number() {
    let mut tracker = Tracker::default();
    for i in 0..20 {
        let score = if i < 5 { 0.8 } else { 0.15 };
        let ids = tracker.update(&[person(300.0 + 5.0 * i as f64, 500.0, score)], at(i));
        assert_eq!(ids, vec![Some(TrackId(1))], "picture {i}");
    }
}

#[test]
fn somebody_hidden_for_a_second_keeps_the_number() {
    let mut tracker = Tracker::default();
    for i in 0..40 {
        let seen = !(15..25).contains(&i);
        let people = [person(300.0 + 6.0 * i as f64, 500.0, 0.8)];
        let ids = tracker.update(if seen { &people } else { &[] }, at(i));
        if seen {
            assert_eq!(ids, vec![Some(TrackId(1))], "picture {i}");
        }
    }
}

#[test]
fn a_jump_faster_than_a_person_is_somebody_new() {
    let mut tracker = Tracker::default();
    for i in 0..10 {
        tracker.update(&[person(200.0, 500.0, 0.8)], at(i));
    }
    let ids = tracker.update(&[person(800.0, 500.0, 0.8)], at(10));
    assert_eq!(ids, vec![Some(TrackId(2))]);
    assert_eq!(tracker.seen().count(), 0, "one picture confirms nobody");
}

/// Least total cost by trying everything.
fn best_by_force(costs: &[Vec<f64>], limit: f64, row: usize, taken: &mut Vec<bool>) -> f64 {
    if row == costs.len() {
        return 0.0;
    }
    let mut best = limit + best_by_force(costs, limit, row + 1, taken);
    for column in 0..taken.len() {
        if !taken[column] && costs[row][column] < limit {
            taken[column] = true;
            let total = costs[row][column] + best_by_force(costs, limit, row + 1, taken);
            taken[column] = false;
            best = best.min(total);
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn assignment_is_the_cheapest_there_is(
        rows in 0usize..6,
        columns in 0usize..6,
        values in prop::collection::vec(0u8..20, 36),
    ) {
        let costs: Vec<Vec<f64>> = (0..rows)
            .map(|r| (0..columns).map(|c| f64::from(values[6 * r + c]) / 10.0).collect())
            .collect();
        let pairs = assign(rows, columns, 1.2, |r, c| costs[r][c]);
        let total: f64 = pairs.iter().map(|&(r, c)| costs[r][c]).sum::<f64>()
            + 1.2 * (rows - pairs.len()) as f64;
        let best = best_by_force(&costs, 1.2, 0, &mut vec![false; columns]);
        prop_assert!((total - best).abs() < 1e-9, "{} vs {}", total, best);
        let mut used: Vec<usize> = pairs.iter().map(|p| p.1).collect();
        used.sort_unstable();
        used.dedup();
        prop_assert_eq!(used.len(), pairs.len());
    }

    /// R4: numbers that are random, swapped or missing change no arrival and no departure.
    #[test]
    fn adversarial_numbers_change_no_decision(
        film in prop::collection::vec(
            prop::collection::vec((300.0..1000.0f64, 300.0..1000.0f64, 0.1..=1.0f32), 0..5),
            5..60,
        ),
        numbers in prop::collection::vec(prop::option::of(0u64..4), 7),
    ) {
        let decide = |numbered: fn(usize, &[Option<u64>]) -> Option<TrackId>| {
            let mut zone = Occupancy::new(area(&right_half()), Criterion::Foot, Rules::DEFAULT);
            let mut decisions = Vec::new();
            let mut pictures = Vec::new();
            for (i, people) in film.iter().enumerate() {
                let detections: Vec<Detection> =
                    people.iter().map(|&(x, y, s)| person(x, y, s)).collect();
                pictures.push(at(i));
                let sighting = |(d, detection): (usize, &Detection)| Sighting {
                    detection: *detection,
                    track: numbered(i + d, &numbers),
                    anchor: Anchor::of_box(detection, size()),
                    verdict: Verdict::Person,
                };
                let sightings = detections.iter().enumerate().map(sighting).collect();
                let change = zone.look(Look {
                    crowd: &Crowd::new(sightings, size()),
                    size: size(),
                    at: at(i),
                    pace: Pace::of(&pictures),
                    telling: Telling::Tell,
                });
                let arrivals: Vec<_> =
                    change.arrivals.iter().map(|a| (a.anchor_norm, a.first_seen_at)).collect();
                decisions.push((arrivals, change.cleared, zone.people()));
            }
            decisions
        };
        let none = decide(|_, _| None);
        let wild = decide(|i, numbers| numbers[i % numbers.len()].map(TrackId));
        prop_assert_eq!(none, wild);
    }
}
