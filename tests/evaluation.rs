//! The figures of `evaluate`, checked against numbers worked out elsewhere.

use std::collections::BTreeMap;

use standclear::engine::detection::{Detection, FrameSize, PixelBox, Score};
use standclear::engine::geometry::Area;
use standclear::evaluation::boxes::BoxCount;
use standclear::evaluation::episodes::{Weight, episodes};
use standclear::evaluation::intervals::{rate, share};
use standclear::evaluation::pairing::{Incident, pair};
use standclear::replay::mot::{MotError, parse_truth, push_row};

fn near(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 5e-4
}

#[test]
fn share_intervals_are_clopper_and_pearsons() {
    // Published: 0 of 10 gives 0 to 0.3085; 5 of 10 gives 0.1871 to 0.8129; 10 of 10 from 0.6915.
    for (hits, low, high) in [(0, 0.0, 0.3085), (5, 0.1871, 0.8129), (10, 0.6915, 1.0)] {
        let interval = share(hits, 10).expect("some");
        assert!(near(interval.low, low) && near(interval.high, high), "{interval:?}");
    }
    assert_eq!(share(0, 0), None);
}

#[test]
fn rate_intervals_are_garwoods() {
    // Published: 0 events up to 3.6889; 5 events 1.6235 to 11.6683.
    let none = rate(0, 1.0).expect("some");
    assert!(near(none.low, 0.0) && near(none.high, 3.6889), "{none:?}");
    let five = rate(5, 2.0).expect("some");
    assert!(near(five.low, 1.6235 / 2.0) && near(five.high, 11.6683 / 2.0), "{five:?}");
    assert_eq!(rate(1, 0.0), None);
}

fn size() -> FrameSize {
    FrameSize::new(100, 100).expect("positive")
}

fn lower_half() -> Area {
    Area::new(&[vec![vec![(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)]]]).expect("valid")
}

/// One person whose foot is at (50, y) in picture `i`; 10 pictures a second.
fn truth(feet: &[Option<f64>]) -> (String, BTreeMap<u64, f64>) {
    let mut text = String::new();
    for (i, foot) in feet.iter().enumerate() {
        if let Some(y) = foot {
            let bounds = PixelBox::new(45.0, y - 20.0, 10.0, 20.0).expect("a box");
            push_row(&mut text, i as u64, 1, bounds, 1.0);
        }
    }
    (text, (0..feet.len()).map(|i| (i as u64, i as f64 / 10.0)).collect())
}

fn found(feet: &[Option<f64>]) -> Vec<(f64, f64, Weight)> {
    let (text, times) = truth(feet);
    let rows = parse_truth(&text).expect("our own text");
    episodes(&rows, &lower_half(), size(), &times, 0.1)
        .into_iter()
        .map(|e| ((e.start_s * 10.0).round() / 10.0, (e.end_s * 10.0).round() / 10.0, e.weight))
        .collect()
}

#[test]
fn episodes_join_short_gaps_and_know_what_is_marginal() {
    let inside = Some(80.0);
    let mut feet = vec![None; 60];
    feet[5..10].fill(inside);
    feet[15..20].fill(inside);
    assert_eq!(found(&feet), vec![(0.5, 2.0, Weight::Demanded)], "0.5 s apart is one episode");
    feet[45..60].fill(inside);
    assert_eq!(found(&feet).len(), 2, "2.5 s apart is two");
    let mut brief = vec![None; 60];
    brief[5..7].fill(inside);
    assert_eq!(found(&brief), vec![(0.5, 0.7, Weight::Marginal)], "0.2 s is marginal");
    let mut shallow = vec![None; 60];
    shallow[5..25].fill(Some(54.0));
    assert_eq!(found(&shallow), vec![(0.5, 2.5, Weight::Marginal)], "4 px deep is marginal");
}

#[test]
fn pairing_counts_hits_misses_and_false_alarms() {
    let mut feet = vec![None; 300];
    feet[50..100].fill(Some(80.0));
    feet[200..250].fill(Some(80.0));
    let (text, times) = truth(&feet);
    let rows = parse_truth(&text).expect("our own text");
    let episodes = episodes(&rows, &lower_half(), size(), &times, 0.1);
    let incident = |start_s, end_s| Incident { start_s, end_s, last_inside_s: end_s - 1.0 };
    let balance = pair(&[incident(5.2, 11.0), incident(14.0, 16.0)], &episodes, 0.7, 30.0);
    assert_eq!((balance.episodes, balance.found, balance.false_alarms), (2, 1, 1));
    assert!(near(balance.delays_s[0], 0.2));
    assert!(near(balance.occupied_s, 10.0) && near(balance.occupied_seen_s, 4.8));
    assert!(near(balance.empty_alarmed_s, 3.0), "{balance:?}");
    let one_long = pair(&[incident(5.1, 26.0)], &episodes, 0.7, 30.0);
    assert_eq!((one_long.found, one_long.merged, one_long.false_alarms), (2, 1, 0));
    assert_eq!(one_long.delays_s[1], 0.0, "the zone was occupied already");
}

#[test]
fn detections_on_left_out_rows_count_on_neither_side() {
    let rows = parse_truth("1,p-001,0,0,10,20,1\n1,2,50,50,10,20,0\n").expect("valid");
    let seen = |l, t| Detection {
        bounds: PixelBox::new(l, t, 10.0, 20.0).expect("a box"),
        score: Score::new(0.9).expect("a score"),
    };
    let mut count = BoxCount::default();
    count.picture(&rows, &[seen(0.5, 0.0), seen(50.0, 50.0), seen(80.0, 10.0)], 0.3);
    assert_eq!((count.people, count.found, count.ghosts), (1, 1, 1));
}

#[test]
fn truth_that_cannot_be_read_names_the_line() {
    for (text, problem) in [
        ("1,1,0,0,10,20,1\n2,1,x,0,10,20,1", "not a number"),
        ("1,1,0,0,10,20,1\n2,1,0", "too few"),
        ("1,1,0,0,10,20,1\n0,1,0,0,10,20,1", "whole number from 1"),
        ("1,1,0,0,10,20,1\n2,1,0,0,-10,20,1", "positive"),
    ] {
        match parse_truth(text) {
            Err(MotError::Row { line: 2, problem: said, .. }) => assert!(said.contains(problem)),
            other => panic!("{other:?}"),
        }
    }
}
