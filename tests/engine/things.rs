//! What the detector takes for people and is not: things too small, and things an engineer marked.

use std::time::Duration;

use standclear::engine::detection::Detection;
use standclear::engine::ground::Ground;
use standclear::engine::time::Instant;
use standclear::engine::zone::Rules;
use standclear::engine::{
    AlarmState, BoxNorm, CameraSpec, Criterion, Duty, Empty, HeadCount, Input, Restored,
    StaticMark, Verdict, ZoneSpec, ZoneState,
};

use crate::floor::{floor, patch, somebody, standing};
use crate::world::{CAMERA, World, ZONE, area, person_sized, right_half};

fn floor_world(ground: Option<Ground>) -> World {
    let zones = vec![ZoneSpec::restricted(patch((-2.0, 2.0), (9.0, 12.0)), Rules::DEFAULT)];
    World::of(CameraSpec { zones, ground, marks: vec![] }, &Restored::default())
}

/// A cat, a bird, a leaf: 25 cm at 10 m.
fn cat() -> Detection {
    somebody(0.0, 10.0, 0.25, 0.3, 0.0)
}

#[test]
fn what_is_too_small_for_its_place_raises_nothing_where_the_ground_is_known() {
    let mut world = floor_world(Some(floor()));
    world.film(10.0, 20, |_| vec![cat()]);
    assert_eq!(world.incidents(), 0);
    assert_eq!(world.engine.looked(CAMERA)[0].verdict, Verdict::TooSmall);
    let mut plain = floor_world(None);
    plain.film(10.0, 20, |_| vec![cat()]);
    assert_eq!(plain.incidents(), 1, "without the ground nothing is too small");
}

#[test]
fn who_crouches_or_lies_is_not_too_small() {
    for (height_m, width_m) in [(1.0, 0.7), (0.9, 0.6), (0.4, 1.7)] {
        let mut world = floor_world(Some(floor()));
        world.film(10.0, 10, |_| vec![somebody(0.0, 10.0, height_m, width_m, 0.0)]);
        assert_eq!(world.incidents(), 1, "{height_m} m high");
    }
}

#[test]
fn somebody_inside_of_whom_little_is_left_to_see_stays_inside() {
    let mut world = floor_world(Some(floor()));
    world.film(10.0, 5, |_| vec![standing(0.0, 10.0)]);
    world.film(10.0, 60, |_| vec![cat()]);
    assert_eq!(world.engine.looked(CAMERA)[0].verdict, Verdict::TooSmall);
    assert_eq!(world.state(), ZoneState::Occupied, "doubt keeps an alarm");
}

/// A place on the floor where so many must be, after two seconds.
fn counted_floor(count: HeadCount) -> World {
    let area = patch((-2.0, 2.0), (9.0, 12.0));
    let duty = Duty::Occupancy { area, criterion: Criterion::Foot, count };
    let rules = Rules { dwell: Duration::from_secs(2), ..Rules::DEFAULT };
    let zones = vec![ZoneSpec { duty, rules }];
    let spec = CameraSpec { zones, ground: Some(floor()), marks: vec![] };
    World::of(spec, &Restored::default())
}

#[test]
fn what_is_left_at_a_place_that_must_be_staffed_does_not_stand_in_for_whoever_left() {
    let mut world = counted_floor(HeadCount::AtLeast { people: 1, empty: Empty::Alarms });
    world.film(10.0, 30, |_| vec![standing(0.0, 10.0)]);
    assert_eq!(world.incidents(), 0);
    world.film(10.0, 30, |_| vec![cat()]);
    assert_eq!(world.engine.looked(CAMERA)[0].verdict, Verdict::TooSmall);
    assert_eq!(world.incidents(), 1, "nobody is there");
    world.film(10.0, 30, |_| vec![standing(0.0, 10.0), cat()]);
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged, "staffed again");
}

#[test]
fn lone_worker_of_whom_little_is_left_to_see_is_not_an_empty_place() {
    let mut world = counted_floor(HeadCount::AtLeast { people: 2, empty: Empty::Allowed });
    world.film(10.0, 10, |_| vec![standing(0.0, 10.0)]);
    world.film(10.0, 30, |_| vec![cat()]);
    assert_eq!(world.incidents(), 1);
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
}

#[test]
fn one_too_many_of_whom_little_is_left_to_see_stays_one_too_many() {
    let mut world = counted_floor(HeadCount::AtMost(0));
    world.film(10.0, 30, |_| vec![standing(0.0, 10.0)]);
    world.film(10.0, 30, |_| vec![cat()]);
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
}

/// A cone in the zone, 60 × 120 px, marked for a minute.
fn marked() -> World {
    let bounds_norm = BoxNorm { left: 0.67, top: 0.48, width: 0.06, height: 0.12 };
    let until = Instant::from_millis(61_000);
    let zones = vec![ZoneSpec::restricted(area(&right_half()), Rules::DEFAULT)];
    let marks = vec![StaticMark { bounds_norm, until }];
    World::of(CameraSpec { zones, ground: None, marks }, &Restored::default())
}

fn cone(jitter: f64) -> Detection {
    person_sized(700.0 + jitter, 600.0 - jitter, 60.0 + jitter, 120.0 - jitter, 0.6)
}

#[test]
fn marked_thing_raises_nothing_while_the_mark_holds_and_alarms_after() {
    let mut world = marked();
    let jitter = |i: usize| [0.0, 2.0, -3.0, 4.0, -2.0][i % 5];
    world.film(10.0, 550, |i| vec![cone(jitter(i))]);
    assert_eq!(world.incidents(), 0);
    assert_eq!(world.engine.looked(CAMERA)[0].verdict, Verdict::Marked);
    world.wait(Duration::from_millis(500));
    world.film(10.0, 60, |i| vec![cone(jitter(i))]);
    assert_eq!(world.incidents(), 1);
}

#[test]
fn somebody_at_the_marked_place_alarms() {
    for (who, why) in [
        (person_sized(700.0, 600.0, 80.0, 210.0, 0.8), "taller"),
        (person_sized(735.0, 600.0, 60.0, 120.0, 0.8), "half a step aside"),
        (person_sized(700.0, 640.0, 60.0, 120.0, 0.8), "nearer"),
    ] {
        let mut world = marked();
        world.film(10.0, 5, |_| vec![who]);
        assert_eq!(world.incidents(), 1, "{why}");
    }
}

#[test]
fn alarm_that_a_thing_raised_ends_a_minute_after_it_is_marked() {
    let zones = || vec![ZoneSpec::restricted(area(&right_half()), Rules::DEFAULT)];
    let mut world =
        World::of(CameraSpec { zones: zones(), ..CameraSpec::default() }, &Restored::default());
    world.film(10.0, 10, |_| vec![cone(0.0)]);
    assert_eq!(world.state(), ZoneState::Occupied);
    let bounds_norm = BoxNorm { left: 0.67, top: 0.48, width: 0.06, height: 0.12 };
    let marks = vec![StaticMark { bounds_norm, until: world.now.after(Duration::from_secs(600)) }];
    let spec = CameraSpec { zones: zones(), ground: None, marks };
    world.step(Input::Rezone { camera: CAMERA, spec, slots: vec![ZONE] });
    world.film(10.0, 590, |_| vec![cone(0.0)]);
    assert_eq!(world.state(), ZoneState::Occupied, "somebody may stand right there");
    world.film(10.0, 40, |_| vec![cone(0.0)]);
    assert_eq!(world.state(), ZoneState::Clear);
    assert_eq!(world.incidents(), 1);
}

#[test]
fn marked_thing_does_not_staff_a_place() {
    let bounds_norm = BoxNorm { left: 0.67, top: 0.48, width: 0.06, height: 0.12 };
    let marks = vec![StaticMark { bounds_norm, until: Instant::from_millis(61_000) }];
    let count = HeadCount::AtLeast { people: 1, empty: Empty::Alarms };
    let duty = Duty::Occupancy { area: area(&right_half()), criterion: Criterion::Foot, count };
    let zones = vec![ZoneSpec { duty, rules: Rules::DEFAULT }];
    let mut world = World::of(CameraSpec { zones, ground: None, marks }, &Restored::default());
    let worker = person_sized(730.0, 600.0, 80.0, 210.0, 0.8);
    world.film(10.0, 20, |_| vec![worker, cone(0.0)]);
    assert_eq!(world.incidents(), 0);
    world.film(10.0, 30, |_| vec![cone(0.0)]);
    assert_eq!(world.incidents(), 1, "the worker left, the cone stayed");
}

#[test]
fn one_mark_stands_for_one_thing() {
    let mut world = marked();
    world.film(10.0, 5, |_| vec![cone(0.0), cone(4.0)]);
    assert_eq!(world.incidents(), 1, "the other one is somebody in front of it");
}
