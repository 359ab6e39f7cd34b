//! Warned before the alarm: people on their way into a zone.

use std::time::Duration;

use standclear::engine::detection::Detection;
use standclear::engine::zone::Rules;
use standclear::engine::{
    AlarmSource, AlarmState, Arming, CameraSpec, Criterion, DisarmedBy, Duty, EventKind, Input,
    Restored, ZoneSpec,
};

use crate::floor::{floor, patch, standing};
use crate::world::{CAMERA, World, ZONE};

const WARNING: AlarmSource = AlarmSource::Warning(ZONE);

/// A zone 8 to 10 m away that warns 1.5 s ahead.
fn world() -> World {
    let duty = Duty::Restricted {
        area: patch((-2.0, 2.0), (8.0, 10.0)),
        criterion: Criterion::Foot,
        approach: Some(Duration::from_millis(1500)),
    };
    let zones = vec![ZoneSpec { duty, rules: Rules::DEFAULT }];
    World::of(CameraSpec { zones, ground: Some(floor()), marks: vec![] }, &Restored::default())
}

/// From 16 m towards the camera at 1.4 m/s, measured within a few pixels.
fn walker(t: f64, stops_at_m: f64) -> Vec<Detection> {
    let jitter = 0.03 * (t * 37.0).sin();
    vec![standing(jitter, (16.0 - 1.4 * t).max(stops_at_m) + jitter)]
}

#[test]
fn whoever_walks_towards_the_zone_is_warned_before_they_are_inside() {
    for fps in [5.0, 10.0, 15.0, 30.0] {
        let mut world = world();
        world.film(fps, (6.0 * fps) as usize, |i| walker(i as f64 / fps, 0.0));
        let at = |wanted: &dyn Fn(&EventKind) -> bool| {
            world.events.iter().find(|event| wanted(&event.kind)).expect("happened").at
        };
        let warned =
            at(&|kind| matches!(kind, EventKind::Alarm { source: AlarmSource::Warning(_), .. }));
        let entered = at(&|kind| matches!(kind, EventKind::IncidentStarted { .. }));
        let ahead = entered.since(warned).as_secs_f64();
        assert!((1.0..2.0).contains(&ahead), "{fps} fps: {ahead} s ahead");
        assert_eq!(world.incidents(), 1, "an approach is no incident");
    }
}

#[test]
fn whoever_stops_before_the_zone_ends_the_warning_and_never_alarms() {
    let mut world = world();
    world.film(10.0, 90, |i| walker(i as f64 / 10.0, 10.8));
    let raised = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::Alarm {
                source: AlarmSource::Warning(_),
                to: AlarmState::Unacknowledged,
                ..
            }
        )
    };
    assert_eq!(world.count(raised), 1, "it does not chatter");
    assert_eq!(world.alarm(WARNING), AlarmState::ReturnedUnacknowledged);
    assert_eq!(world.incidents(), 0);
}

#[test]
fn whoever_walks_past_or_away_or_stands_is_not_warned() {
    type Path = fn(f64) -> (f64, f64);
    let paths: [(&str, Path); 3] = [
        ("past", |t| (-4.0 + 1.4 * t, 11.5)),
        ("away", |t| (0.0, 10.8 + 1.2 * t)),
        ("stands", |t| (0.02 * (t * 31.0).sin(), 10.8)),
    ];
    for (name, path) in paths {
        let mut world = world();
        world.film(10.0, 60, |i| {
            let (x, y) = path(i as f64 / 10.0);
            vec![standing(x, y)]
        });
        assert_eq!(world.alarm(WARNING), AlarmState::Normal, "{name}");
    }
}

#[test]
fn disarmed_zone_warns_nobody() {
    let mut world = world();
    let until = world.now.after(Duration::from_secs(60));
    let arming = Arming::Disarmed { until, by: DisarmedBy::Schedule };
    world.step(Input::Arm { zone: ZONE, arming });
    world.film(10.0, 50, |i| walker(i as f64 / 10.0, 0.0));
    assert_eq!(world.alarm(WARNING), AlarmState::Normal);
}

#[test]
fn speed_and_place_are_told_in_metres() {
    let mut world = world();
    world.film(10.0, 20, |i| walker(i as f64 / 10.0, 0.0));
    let looked = world.engine.looked(CAMERA)[0];
    let (_, y) = looked.ground_m.expect("a place");
    assert!((y - (16.0 - 1.4 * 1.9)).abs() < 0.1, "{y}");
    let speed = looked.speed_m_s.expect("a speed");
    assert!((speed - 1.4).abs() < 0.15, "{speed}");
}
