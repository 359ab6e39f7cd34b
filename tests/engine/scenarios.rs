//! People and zones: who alarms, who does not, and when it ends (R3–R8).

use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::detection::Detection;
use standclear::engine::geometry::Area;
use standclear::engine::zone::Rules;
use standclear::engine::{AlarmState, Criterion, Duty, EventKind, ZoneState};

use crate::world::{World, person, person_sized, right_half};

const INSIDE: f32 = 0.8;

fn inside() -> Detection {
    person(700.0, 600.0, INSIDE)
}

fn outside() -> Detection {
    person(300.0, 600.0, INSIDE)
}

/// Runs a picture list at `fps`: `#` somebody inside, `.` nobody.
fn pattern(fps: f64, pictures: &str) -> World {
    let mut world = World::new(&[right_half()]);
    let seen: Vec<bool> = pictures.chars().map(|c| c == '#').collect();
    world.film(fps, seen.len(), |i| if seen[i] { vec![inside()] } else { vec![] });
    world
}

#[test]
fn entries_as_data() {
    for (fps, pictures, incidents, why) in [
        (10.0, "#...#...#", 0, "one picture in four is not an entry"),
        (5.0, "#...#...#", 0, "the same at 5 fps"),
        (30.0, "#...#...#...#...#", 0, "the same at 30 fps"),
        (10.0, "...#...", 0, "a one-picture ghost"),
        (10.0, "...##...", 1, "two pictures in a row are somebody"),
        (5.0, "...##...", 1, "the same at 5 fps"),
        (10.0, "...#.#...", 1, "one miss between two sights"),
        (30.0, "...##....", 0, "two pictures 33 ms apart are one look"),
        (30.0, "...####...", 1, "100 ms of presence at 30 fps"),
        (2.0, ".....#..", 1, "a camera this slow gives one picture only: it is believed"),
        (2.0, ".#......", 0, "but not before it is known to be slow"),
        (10.0, "##", 1, "somebody is there in the very first picture"),
        (10.0, "##########.##########", 1, "one missed detection is no second incident"),
        (10.0, "#####........................#####", 2, "left and came back"),
    ] {
        assert_eq!(pattern(fps, pictures).incidents(), incidents, "{why}: {pictures} at {fps} fps");
    }
}

#[test]
fn presence_alarms_and_clears_after_t_clear() {
    let mut world = pattern(10.0, "##########");
    assert_eq!(
        (world.state(), world.intrusion()),
        (ZoneState::Occupied, AlarmState::Unacknowledged)
    );
    world.film(10.0, 30, |_| vec![]);
    assert_eq!(world.state(), ZoneState::Clear);
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged);
}

#[test]
fn person_lying_still_for_an_hour_is_present_the_whole_time() {
    let mut world = World::new(&[right_half()]);
    let lying = person_sized(700.0, 600.0, 110.0, 35.0, 0.5);
    world.film(5.0, 5 * 3600, |_| vec![lying]);
    assert_eq!(world.state(), ZoneState::Occupied);
    assert_eq!((world.incidents(), world.entries()), (1, 1));
}

#[test]
fn faint_detections_hold_a_presence_but_do_not_start_one() {
    let mut world = World::new(&[right_half()]);
    let faint = || vec![person(700.0, 600.0, 0.22)];
    world.film(10.0, 30, |_| faint());
    assert_eq!(world.incidents(), 0);
    world.film(10.0, 3, |_| vec![inside()]);
    world.film(10.0, 100, |_| faint());
    assert_eq!(world.state(), ZoneState::Occupied);
}

#[test]
fn errant_picture_of_a_jump_does_not_alarm_and_inherits_nothing() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 50, |i| if i == 30 { vec![inside()] } else { vec![outside()] });
    assert_eq!(world.incidents(), 0);
}

#[test]
fn two_ghosts_too_far_apart_for_one_person_are_not_an_entry() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 20, |i| match i {
        10 => vec![person(550.0, 400.0, INSIDE)],
        11 => vec![person(950.0, 950.0, INSIDE)],
        _ => vec![],
    });
    assert_eq!(world.incidents(), 0);
}

#[test]
fn foot_decides_whatever_part_of_the_box_overlaps() {
    for (x, incidents) in [(465.0, 0), (500.0, 1), (575.0, 1)] {
        let mut world = World::new(&[right_half()]);
        world.film(10.0, 10, |_| vec![person_sized(x, 600.0, 80.0, 200.0, INSIDE)]);
        assert_eq!(world.incidents(), incidents, "foot at {x}, edge at 500");
    }
}

#[test]
fn box_that_grows_is_judged_by_its_foot_of_now() {
    // Above the zone's upper edge (300) while legs are hidden, 20 px inside once they show.
    let mut world = World::new(&[right_half()]);
    let hidden = || person_sized(700.0, 220.0, 60.0, 100.0, INSIDE);
    let whole = || person_sized(700.0, 320.0, 60.0, 300.0, INSIDE);
    world.film(10.0, 10, |_| vec![hidden()]);
    assert_eq!(world.incidents(), 0);
    world.film(10.0, 2, |_| vec![whole()]);
    assert_eq!(world.incidents(), 1, "two pictures after the legs show");
}

#[test]
fn two_people_close_together_both_count() {
    let mut world = World::new(&[right_half()]);
    // 40 px wide, 10 px apart: IoU 0.6.
    world.film(10.0, 10, |_| vec![person(700.0, 600.0, 0.8), person(710.0, 600.0, 0.7)]);
    assert_eq!((world.incidents(), world.entries()), (1, 2));
    let people = world.events.iter().filter_map(|event| match &event.kind {
        EventKind::PersonEntered { entry, .. } => Some(entry.people),
        _ => None,
    });
    assert_eq!(people.max(), Some(2));
}

#[test]
fn new_intruder_re_alarms_an_acknowledged_zone() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 10, |_| vec![inside()]);
    world.acknowledge_all();
    world.film(10.0, 10, |_| vec![inside()]);
    assert_eq!(world.intrusion(), AlarmState::Acknowledged, "the same person is no news");
    world.film(10.0, 10, |_| vec![inside(), person(900.0, 900.0, INSIDE)]);
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
    assert_eq!(world.incidents(), 1, "still one incident for the operator");
}

#[test]
fn person_who_walks_through_the_zone_stays_one_entry() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 40, |i| vec![person(520.0 + 11.0 * i as f64, 600.0, INSIDE)]);
    assert_eq!((world.incidents(), world.entries()), (1, 1));
}

#[test]
fn jitter_over_the_edge_does_not_flap() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 100, |i| {
        let jitter = [4.0, -3.0, 2.0, -5.0, 1.0][i % 5];
        vec![person(500.0 + jitter, 600.0, INSIDE)]
    });
    assert_eq!(world.incidents(), 1);
}

#[test]
fn somebody_who_vanishes_in_the_middle_is_kept_longer_than_somebody_at_the_edge() {
    let cleared = |x: f64| {
        let mut world = World::new(&[right_half()]);
        world.film(10.0, 10, |_| vec![person(x, 700.0, INSIDE)]);
        world.film(10.0, 80, |_| vec![]);
        let end = world.events.iter().find_map(|event| match event.kind {
            EventKind::IncidentEnded { last_inside_at, .. } => Some(event.at.since(last_inside_at)),
            _ => None,
        });
        end.expect("cleared")
    };
    let tick = Duration::from_millis(101);
    let (edge, middle) = (cleared(510.0), cleared(750.0));
    assert!(edge >= Rules::DEFAULT.clear_after && edge < Rules::DEFAULT.clear_after + tick);
    let vanished = Rules::DEFAULT.vanished_after;
    assert!(middle >= vanished && middle < vanished + tick);
}

#[test]
fn old_sight_takes_no_evidence_from_a_fresh_one() {
    // Two small boxes half a second ago; now a whole person, then only their head where one was.
    let small = |x: f64| vec![person_sized(x, 600.0, 6.0, 12.0, INSIDE)];
    let whole = || vec![person_sized(748.0, 690.0, 40.0, 101.0, INSIDE)];
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 6, |i| match i {
        0 => small(746.0),
        1 | 5 => small(700.0),
        4 => whole(),
        _ => vec![],
    });
    assert_eq!(world.incidents(), 1, "seen twice within a tenth of a second");
}

#[test]
fn somebody_who_vanishes_over_a_hole_of_the_zone_has_left_it() {
    // Eight pixels wide: whoever steps over it is held by the margin, but is not in the middle.
    let hole = vec![(0.746, 0.696), (0.754, 0.696), (0.754, 0.704), (0.746, 0.704)];
    let area = Area::new(&[vec![right_half(), hole]]).expect("valid");
    let duty = Duty::Restricted { area, criterion: Criterion::Foot, approach: None };
    let mut world = World::on_duty(vec![duty]);
    world.film(10.0, 10, |_| vec![person(730.0, 700.0, INSIDE)]);
    world.film(10.0, 10, |_| vec![person(750.0, 700.0, INSIDE)]);
    assert_eq!(world.state(), ZoneState::Occupied);
    world.film(10.0, 11, |_| vec![]);
    assert_eq!(world.state(), ZoneState::Clear, "a second later, and not two");
}

/// One walk over the zone, in metres of nothing but time: where somebody is at second `t`.
fn walk(t: f64) -> Vec<Detection> {
    let x = 200.0 + 90.0 * t;
    vec![person(x, 600.0, INSIDE)]
}

#[test]
fn verdict_is_the_same_at_every_frame_rate() {
    let times = |fps: f64| {
        let mut world = World::new(&[right_half()]);
        world.film(fps, (14.0 * fps) as usize, |i| walk(i as f64 / fps));
        let at = |wanted: fn(&EventKind) -> bool| {
            let event = world.events.iter().find(|event| wanted(&event.kind)).expect("happened");
            event.at.as_secs_f64()
        };
        assert_eq!(world.incidents(), 1, "{fps} fps");
        at(|kind| matches!(kind, EventKind::IncidentStarted { .. }))
    };
    let reference = times(30.0);
    for fps in [5.0, 10.0, 15.0] {
        let start = times(fps);
        assert!((start - reference).abs() <= 1.0 / fps + 0.1, "{fps} fps: {start} vs {reference}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// 30 % of the pictures dropped: the same incident, at most a few pictures later.
    #[test]
    fn dropped_pictures_do_not_change_the_verdict(
        drops in prop::collection::vec(0u8..10, 140),
        fps in prop::sample::select(vec![10.0, 15.0, 30.0]),
    ) {
        let mut world = World::new(&[right_half()]);
        let start = world.now;
        for i in 0..(14.0 * fps) as usize {
            let due = start.after(Duration::from_secs_f64(i as f64 / fps));
            world.wait(due.since(world.now));
            if drops[i % drops.len()] >= 3 {
                world.picture(&walk(i as f64 / fps));
            }
        }
        let started = world.events.iter().find(|e| matches!(e.kind, EventKind::IncidentStarted { .. }));
        let started = started.expect("an incident").at.since(start).as_secs_f64();
        prop_assert_eq!(world.incidents(), 1);
        // The walk crosses the edge at 3.33 s.
        prop_assert!(started > 3.3 && started < 4.4, "{}", started);
    }

    /// Whatever the detections are, steps never panic, and equal inputs give equal effects.
    #[test]
    fn any_detections_give_the_same_effects_twice(
        film in prop::collection::vec(
            prop::collection::vec((0.0..1000.0f64, 0.0..1000.0f64, 1.0..400.0f64, 0.0..=1.0f32), 0..6),
            1..40,
        )
    ) {
        let run = || {
            let mut world = World::new(&[right_half()]);
            world.film(10.0, film.len(), |i| {
                film[i].iter().map(|&(x, y, h, s)| person_sized(x, y, h / 2.0, h, s)).collect()
            });
            world.events
        };
        prop_assert_eq!(run(), run());
    }
}
