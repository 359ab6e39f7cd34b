//! The same walk at any pace of the camera, with pictures lost at random: the same incidents, and
//! none later than the entry window and a picture, or two looks where pictures are lost.

use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::detection::Detection;
use standclear::engine::time::Instant;
use standclear::engine::zone::{EVIDENCE_SPAN_MIN, Rules};
use standclear::engine::{
    AlarmSource, AlarmState, CameraSpec, Criterion, Duty, EventKind, HeadCount, Restored, ZoneSpec,
};

use crate::world::{World, ZONE, area, cases, person, right_half};

/// Seconds of every walk.
const WALK_S: f64 = 12.0;

/// Who is where at second `t`: in at about 2 s, out at about 6.5 s.
fn walk(t: f64, (x, speed, y): (f64, f64, f64)) -> Vec<Detection> {
    let x = if t < 4.25 { x + speed * t } else { x + speed * (8.5 - t) };
    vec![person(x.max(30.0), y, 0.8)]
}

fn duty(which: usize) -> Duty {
    let (area, criterion) = (area(&right_half()), Criterion::Foot);
    match which {
        0 => Duty::Restricted { area, criterion, approach: None },
        1 => Duty::Warning { area, criterion },
        _ => Duty::Occupancy { area, criterion, count: HeadCount::AtMost(0) },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2_000)))]

    #[test]
    fn one_walk_is_one_incident_in_time_at_every_pace_with_pictures_dropped(
        fps in prop::sample::select(vec![2.0, 5.0, 10.0, 25.0]),
        which in 0usize..3,
        path in (300.0..400.0f64, 80.0..130.0f64, 350.0..950.0f64),
        drops in prop::collection::vec(0.0..1.0f64, 300),
        phase in 0.0..1.0f64,
    ) {
        let zones = vec![ZoneSpec { duty: duty(which), rules: Rules::DEFAULT }];
        let mut world =
            World::of(CameraSpec { zones, ..CameraSpec::default() }, &Restored::default());
        let start = world.now;
        let mut shown: Vec<(Instant, bool)> = Vec::new();
        for (i, luck) in drops.iter().enumerate().take((WALK_S * fps) as usize) {
            let t = (i as f64 + phase) / fps;
            let due = start.after(Duration::from_secs_f64(t));
            // 30 % dropped; never so many in a row that the pictures no longer see each other.
            let gap = shown.last().map_or(0.0, |(last, _)| due.since(*last).as_secs_f64());
            let next_too_far = gap + 1.0 / fps > if fps > 2.0 { 0.7 } else { 1.1 };
            if i > 4 && *luck < 0.3 && !next_too_far {
                continue;
            }
            world.wait(due.since(world.now));
            let people = walk(t, path);
            let foot = people[0].bounds.anchor_norm(crate::world::size());
            shown.push((due, world.engine.contains(ZONE, foot)));
            world.picture(&people);
        }
        // Sight back, then gone for long enough.
        world.film(10.0, 50, |_| vec![]);
        let starts: Vec<Instant> = world.events.iter().filter_map(|event| match event.kind {
            EventKind::IncidentStarted { .. } => Some(event.at),
            _ => None,
        }).collect();
        prop_assert_eq!(starts.len(), 1, "{} fps", fps);
        let first = shown.iter().position(|(_, inside)| *inside).expect("walks in");
        // The first look that is far enough from the first one inside; where none is lost on the way
        // that is far sooner than the entry window and a picture.
        let span = |taken: &Instant| taken.since(shown[first].0) >= EVIDENCE_SPAN_MIN;
        let due = shown.iter().map(|(taken, _)| *taken).find(span).expect("stays inside");
        prop_assert!(starts[0] >= shown[first].0, "nobody was inside yet");
        let late = starts[0].since(due);
        prop_assert!(starts[0] <= due, "{} fps: {:?} later than two looks", fps, late);
        let lost = shown.windows(2).any(|w| w[0].0 >= shown[first].0 && w[1].0 <= due
            && w[1].0.since(w[0].0).as_secs_f64() > 1.01 / fps);
        let allowed = Rules::DEFAULT.enter_window + Duration::from_secs_f64(1.0 / fps);
        prop_assert!(lost || starts[0].since(shown[first].0) <= allowed, "{} fps", fps);
        let ended = |kind: &EventKind| matches!(kind, EventKind::IncidentEnded { .. });
        prop_assert_eq!(world.count(ended), 1);
        let alarms = [AlarmSource::Intrusion(ZONE), AlarmSource::Warning(ZONE)];
        let returned = alarms.map(|a| world.alarm(a)).contains(&AlarmState::ReturnedUnacknowledged);
        prop_assert!(returned);
    }
}
