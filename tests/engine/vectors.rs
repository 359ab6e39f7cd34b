//! Faults that widely used systems shipped, each as a test that keeps them out.

use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::detection::Detection;
use standclear::engine::geometry::Line;
use standclear::engine::{
    AlarmState, Criterion, Direction, Duty, Empty, EventKind, HeadCount, ZoneState,
};

use crate::world::{CAMERA, World, area, person, person_sized, right_half};

fn inside() -> Detection {
    person(700.0, 600.0, 0.8)
}

#[test]
fn a_frames_inside_one_in_four_are_not_an_entry() {
    for fps in [5.0, 10.0, 15.0, 30.0] {
        let mut world = World::new(&[right_half()]);
        let seen = [1, 0, 0, 0, 1, 0, 0, 0, 1];
        world.film(fps, seen.len(), |i| if seen[i] == 1 { vec![inside()] } else { vec![] });
        assert_eq!(world.incidents(), 0, "{fps} fps");
    }
}

#[test]
fn b_box_that_grows_to_its_feet_is_inside_at_once() {
    // The head stays; 100 px are visible, then 300 px: the foot is 20 px inside the upper edge.
    let mut world = World::new(&[right_half()]);
    let visible = |height: f64| person_sized(700.0, 20.0 + height, 100.0, height, 0.8);
    world.film(10.0, 20, |_| vec![visible(100.0)]);
    let grown = world.now;
    world.film(10.0, 2, |_| vec![visible(300.0)]);
    let started = world.events.iter().find(|e| matches!(e.kind, EventKind::IncidentStarted { .. }));
    let after = started.expect("an incident").at.since(grown);
    assert!(after <= Duration::from_millis(100), "{after:?}: nothing is averaged");
}

#[test]
fn c_detection_that_no_track_follows_alarms() {
    // Between the score of an entry and the one that starts a track.
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 10, |_| vec![person(700.0, 600.0, 0.32)]);
    assert_eq!(world.engine.tracks(CAMERA), []);
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
}

#[test]
fn d_foot_decides_whatever_part_of_the_box_overlaps() {
    // 80 px wide; the edge is at 500.
    for (foot, incidents) in [(465.0, 0), (575.0, 1)] {
        for height in [80.0, 160.0, 240.0] {
            let mut world = World::new(&[right_half()]);
            world.film(10.0, 10, |_| vec![person_sized(foot, 600.0, 80.0, height, 0.8)]);
            assert_eq!(world.incidents(), incidents, "foot at {foot}, {height} px high");
        }
    }
}

#[test]
fn e_two_people_close_together_are_two() {
    let mut world = World::new(&[right_half()]);
    // 40 px wide, 10 px apart: 30 of 50 px are shared, an IoU of 0.6.
    let (one, other) = (person(700.0, 600.0, 0.8), person(710.0, 600.0, 0.8));
    assert!((one.bounds.iou(other.bounds) - 0.6).abs() < 1e-9);
    world.film(10.0, 10, |_| vec![one, other]);
    assert_eq!((world.incidents(), world.entries()), (1, 2));
    assert_eq!(world.engine.zone(crate::world::ZONE).map(|zone| zone.people), Some(2));
}

#[test]
fn f_person_lying_still_for_an_hour_stays() {
    let mut world = World::new(&[right_half()]);
    let lying = person_sized(700.0, 600.0, 110.0, 35.0, 0.5);
    for _ in 0..60 {
        world.film(5.0, 5 * 60, |_| vec![lying]);
        assert_eq!(world.state(), ZoneState::Occupied);
    }
    assert_eq!((world.incidents(), world.entries()), (1, 1));
}

#[test]
fn g_one_errant_picture_of_a_jump_does_not_alarm_and_takes_no_confidence_along() {
    let mut world = World::new(&[right_half()]);
    let outside = || person(200.0, 600.0, 0.8);
    world.film(10.0, 30, |_| vec![outside()]);
    let followed = world.engine.tracks(CAMERA);
    assert_eq!(followed.len(), 1);
    world.film(10.0, 1, |_| vec![inside()]);
    assert_eq!(world.engine.tracks(CAMERA), [], "a jump starts somebody new, not yet believed");
    world.film(10.0, 30, |_| vec![outside()]);
    assert_eq!(world.engine.tracks(CAMERA)[0].id, followed[0].id);
    assert_eq!(world.incidents(), 0);
}

#[test]
fn h_somebody_in_the_very_first_picture_alarms() {
    for fps in [2.0, 5.0, 10.0, 15.0, 30.0] {
        let mut world = World::new(&[right_half()]);
        world.film(fps, (fps as usize).max(3), |_| vec![inside()]);
        assert_eq!(world.incidents(), 1, "{fps} fps");
    }
}

#[test]
fn i_second_intruder_alarms_an_answered_zone_anew() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 10, |_| vec![inside()]);
    world.acknowledge_all();
    world.film(10.0, 5, |_| vec![inside(), person(900.0, 900.0, 0.8)]);
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
}

#[test]
fn j_one_missed_detection_neither_clears_nor_flips() {
    let mut world = World::new(&[right_half()]);
    for i in 0..200 {
        world.film(10.0, 1, |_| if i % 5 == 4 { vec![] } else { vec![inside()] });
        if i > 1 {
            assert_eq!(world.state(), ZoneState::Occupied, "picture {i}");
        }
    }
    assert_eq!((world.incidents(), world.entries()), (1, 1));
}

/// Where people are at second `t`.
type Walk = fn(f64) -> Vec<Detection>;

/// A duty, and a walk that violates it once.
fn violations() -> Vec<(&'static str, Duty, Walk)> {
    let area = || area(&right_half());
    let (criterion, both) = (Criterion::Foot, Direction::Both);
    let line = Line::new(&[(0.5, 0.2), (0.5, 0.95)]).expect("a line");
    let through: Walk = |t| vec![person(250.0 + 90.0 * t, 600.0, 0.8)];
    let joined: Walk = |t| {
        let first = person(700.0, 600.0, 0.8);
        if t < 3.0 { vec![first] } else { vec![first, person(900.0, 900.0, 0.8)] }
    };
    let left_alone: Walk = |t| {
        let first = person(700.0, 600.0, 0.8);
        if t < 3.0 { vec![first, person(900.0, 900.0, 0.8)] } else { vec![first] }
    };
    let two = HeadCount::AtLeast { people: 2, empty: Empty::Allowed };
    vec![
        ("restricted", Duty::Restricted { area: area(), criterion, approach: None }, through),
        ("warning", Duty::Warning { area: area(), criterion }, through),
        ("tripwire", Duty::Tripwire { line, direction: both }, through),
        (
            "at most one",
            Duty::Occupancy { area: area(), criterion, count: HeadCount::AtMost(1) },
            joined,
        ),
        ("at least two", Duty::Occupancy { area: area(), criterion, count: two }, left_alone),
    ]
}

#[test]
fn every_duty_decides_the_same_at_every_frame_rate() {
    for (name, duty, people) in violations() {
        let started = |fps: f64| {
            let mut world = World::on_duty(vec![duty.clone()]);
            world.film(fps, (6.0 * fps) as usize, |i| people(i as f64 / fps));
            assert_eq!((world.incidents(), world.entries()), (1, 1), "{name} at {fps} fps");
            let start = |e: &&standclear::engine::Event| {
                matches!(e.kind, EventKind::IncidentStarted { .. })
            };
            world.events.iter().find(start).expect("started").at.as_secs_f64()
        };
        let reference = started(30.0);
        for fps in [5.0, 10.0, 15.0] {
            let late = (started(fps) - reference).abs();
            assert!(late <= 1.0 / fps + 0.11, "{name} at {fps} fps: {late} s from 30 fps");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// 30 % of the pictures lost change no verdict, whatever the duty.
    #[test]
    fn every_duty_decides_the_same_with_pictures_dropped(
        drops in prop::collection::vec(0u8..10, 180),
        fps in prop::sample::select(vec![5.0, 10.0, 15.0, 30.0]),
        which in 0usize..5,
    ) {
        let (name, duty, people) = violations().swap_remove(which);
        let mut world = World::on_duty(vec![duty]);
        let start = world.now;
        let mut dropped = 0.0;
        for i in 0..(6.0 * fps) as usize {
            let due = start.after(Duration::from_secs_f64(i as f64 / fps));
            world.wait(due.since(world.now));
            // Half a second without a picture is no dropped picture but blindness to come.
            if drops[i % drops.len()] < 3 && (dropped + 2.0) / fps <= 0.6 {
                dropped += 1.0;
                continue;
            }
            dropped = 0.0;
            world.picture(&people(i as f64 / fps));
        }
        prop_assert_eq!(world.incidents(), 1, "{} at {} fps", name, fps);
    }

    /// What the tracker makes of people it never sees twice in the same order: the alarm of whoever
    /// is inside goes on, whoever else is swapped, split or lost around them.
    #[test]
    fn no_confusion_of_the_tracker_ends_an_alarm(
        others in prop::collection::vec(
            prop::collection::vec((0.0..1000.0f64, 100.0..1000.0f64, 0.05..=1.0f32), 0..8),
            20..60,
        ),
        position in 0usize..8,
    ) {
        let mut world = World::new(&[right_half()]);
        world.film(10.0, 5, |_| vec![inside()]);
        for people in &others {
            let mut seen: Vec<Detection> =
                people.iter().map(|&(x, y, score)| person(x, y, score)).collect();
            seen.insert(position.min(seen.len()), inside());
            world.film(10.0, 1, |_| seen.clone());
            prop_assert_eq!(world.state(), ZoneState::Occupied);
            prop_assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
        }
        prop_assert_eq!(world.incidents(), 1);
    }
}
