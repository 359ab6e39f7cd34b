//! What each kind of zone takes for an incident: criteria, dwell, warnings, counts, ignored areas.

use std::time::Duration;

use standclear::engine::detection::Detection;
use standclear::engine::zone::Rules;
use standclear::engine::{
    AlarmSource, AlarmState, CameraSpec, Criterion, Duty, Empty, EventKind, HeadCount, Restored,
    Share, SirenPattern, Verdict, ZoneSpec, ZoneState,
};

use crate::world::{CAMERA, World, ZONE, area, person, person_sized, right_half};

fn restricted(criterion: Criterion) -> Duty {
    Duty::Restricted { area: area(&right_half()), criterion, approach: None }
}

fn counted(count: HeadCount, grace_ms: u64) -> World {
    let duty = Duty::Occupancy { area: area(&right_half()), criterion: Criterion::Foot, count };
    let rules = Rules { dwell: Duration::from_millis(grace_ms), ..Rules::DEFAULT };
    let zones = vec![ZoneSpec { duty, rules }];
    World::of(CameraSpec { zones, ..CameraSpec::default() }, &Restored::default())
}

fn one() -> Vec<Detection> {
    vec![person(700.0, 600.0, 0.8)]
}

fn two() -> Vec<Detection> {
    vec![person(700.0, 600.0, 0.8), person(900.0, 900.0, 0.8)]
}

#[test]
fn criterion_says_which_part_of_a_person_counts() {
    // The edge is at 500 px; the box reaches from 440 to 520: a quarter of it is inside.
    let leaning = || vec![person_sized(480.0, 600.0, 80.0, 200.0, 0.8)];
    let share = |value| Criterion::Overlap(Share::new(value).expect("a share"));
    for (criterion, incidents) in [
        (Criterion::Foot, 0),
        (share(0.3), 0),
        (share(0.25), 1),
        (share(0.2), 1),
        (Criterion::Any, 1),
    ] {
        let mut world = World::on_duty(vec![restricted(criterion)]);
        world.film(10.0, 10, |_| leaning());
        assert_eq!(world.incidents(), incidents, "{criterion:?}");
    }
}

#[test]
fn whoever_was_inside_by_their_share_is_held_by_seven_tenths_of_it() {
    // The edge is at 500 px: 100 px wide, so the share inside is what is right of it, in hundredths.
    let seen = |share: f64| vec![person_sized(450.0 + share, 600.0, 100.0, 200.0, 0.8)];
    for (held_by, state) in [(36.0, ZoneState::Occupied), (34.0, ZoneState::Clear)] {
        let share = Share::new(0.5).expect("a share");
        let mut world = World::on_duty(vec![restricted(Criterion::Overlap(share))]);
        world.film(10.0, 10, |_| seen(51.0));
        assert_eq!(world.incidents(), 1);
        world.film(10.0, 40, |_| seen(held_by));
        assert_eq!(world.state(), state, "{held_by} of a hundred inside");
    }
}

#[test]
fn any_counts_a_box_that_only_touches_the_edge() {
    for (x, incidents) in [(460.0, 1), (459.0, 0)] {
        let mut world = World::on_duty(vec![restricted(Criterion::Any)]);
        world.film(10.0, 10, |_| vec![person_sized(x, 600.0, 80.0, 200.0, 0.8)]);
        assert_eq!(world.incidents(), incidents, "right side at {}", x + 40.0);
    }
}

#[test]
fn a_share_outside_zero_to_one_is_no_share() {
    for value in [0.0, -0.1, 1.1, f64::NAN] {
        assert_eq!(Share::new(value), None, "{value}");
    }
}

#[test]
fn dwell_makes_an_incident_of_staying_and_not_of_passing() {
    let rules = Rules { dwell: Duration::from_millis(2000), ..Rules::DEFAULT };
    let mut world = World::with(&[right_half()], rules, &Restored::default());
    world.film(10.0, 15, |_| one());
    assert_eq!(world.state(), ZoneState::Occupied, "seen at once");
    world.film(10.0, 30, |_| vec![]);
    assert_eq!(world.incidents(), 0, "passed in a second and a half");
    let entered = world.now;
    world.film(10.0, 30, |_| one());
    let started = world.events.iter().find(|e| matches!(e.kind, EventKind::IncidentStarted { .. }));
    let after = started.expect("stayed").at.since(entered);
    assert_eq!(after, Duration::from_millis(2000));
}

#[test]
fn whoever_is_let_go_before_the_dwell_is_over_never_was_an_incident() {
    let rules = Rules {
        dwell: Duration::from_millis(500),
        clear_after: Duration::from_millis(200),
        vanished_after: Duration::from_millis(200),
        ..Rules::DEFAULT
    };
    let mut world = World::with(&[right_half()], rules, &Restored::default());
    world.film(10.0, 4, |_| one());
    world.film(10.0, 20, |_| vec![]);
    assert_eq!((world.incidents(), world.intrusion()), (0, AlarmState::Normal));
}

#[test]
fn warning_zone_warns_softly_and_its_incidents_are_incidents() {
    let duty = Duty::Warning { area: area(&right_half()), criterion: Criterion::Foot };
    let mut world = World::on_duty(vec![duty]);
    world.film(10.0, 10, |_| one());
    assert_eq!(world.alarm(AlarmSource::Warning(ZONE)), AlarmState::Unacknowledged);
    assert_eq!(world.intrusion(), AlarmState::Normal);
    assert_eq!(world.incidents(), 1);
    world.film(10.0, 30, |_| vec![]);
    assert_eq!(world.alarm(AlarmSource::Warning(ZONE)), AlarmState::ReturnedUnacknowledged);
}

#[test]
fn siren_sounds_the_most_urgent_of_intrusion_warning_and_fault() {
    let warning = Duty::Warning { area: area(&right_half()), criterion: Criterion::Foot };
    let deep = vec![(0.8, 0.8), (1.0, 0.8), (1.0, 1.0), (0.8, 1.0)];
    let inner = Duty::Restricted { area: area(&deep), criterion: Criterion::Foot, approach: None };
    let mut world = World::on_duty(vec![warning, inner]);
    world.film(10.0, 10, |_| vec![]);
    let mut orders = Vec::new();
    for i in 0..12 {
        world.wait(Duration::from_millis(100));
        let people = if i < 5 { one() } else { two() };
        orders.extend(world.picture(&people).siren.map(|order| order.pattern));
    }
    assert_eq!(orders, [SirenPattern::Warning, SirenPattern::Intrusion]);
}

#[test]
fn one_may_be_inside_and_a_second_alarms() {
    let mut world = counted(HeadCount::AtMost(1), 0);
    world.film(10.0, 30, |_| one());
    assert_eq!((world.incidents(), world.state()), (0, ZoneState::Occupied));
    world.film(10.0, 5, |_| two());
    assert_eq!(world.incidents(), 1);
    world.film(10.0, 30, |_| one());
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged);
    assert_eq!(world.state(), ZoneState::Occupied, "one is still inside, as may be");
}

#[test]
fn a_third_where_one_may_be_alarms_an_answered_zone_anew() {
    let mut world = counted(HeadCount::AtMost(1), 0);
    world.film(10.0, 10, |_| two());
    world.acknowledge_all();
    let third = || [two(), vec![person(550.0, 950.0, 0.8)]].concat();
    world.film(10.0, 10, |_| third());
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
    assert_eq!((world.incidents(), world.entries()), (1, 2));
}

#[test]
fn second_person_who_is_hidden_for_a_moment_ends_no_incident() {
    let mut world = counted(HeadCount::AtMost(1), 0);
    world.film(10.0, 10, |_| two());
    for _ in 0..5 {
        world.film(10.0, 9, |_| one());
        world.film(10.0, 3, |_| two());
    }
    assert_eq!((world.incidents(), world.intrusion()), (1, AlarmState::Unacknowledged));
}

#[test]
fn second_person_who_vanished_in_the_middle_counts_until_they_must_have_left() {
    // Counted for half a second; who is hidden in the middle of the zone still holds it for two.
    let mut world = counted(HeadCount::AtMost(1), 0);
    world.film(10.0, 10, |_| two());
    world.film(10.0, 19, |_| one());
    world.film(10.0, 10, |_| two());
    assert_eq!(world.count(|kind| matches!(kind, EventKind::IncidentEnded { .. })), 0);
    assert_eq!((world.incidents(), world.entries()), (1, 1));
}

#[test]
fn lone_worker_alarms_after_the_grace_and_two_or_nobody_do_not() {
    let two_person_rule = HeadCount::AtLeast { people: 2, empty: Empty::Allowed };
    let mut world = counted(two_person_rule, 5000);
    world.film(10.0, 50, |_| vec![]);
    world.film(10.0, 100, |_| two());
    assert_eq!(world.incidents(), 0);
    world.film(10.0, 30, |_| one());
    world.film(10.0, 30, |_| two());
    assert_eq!(world.incidents(), 0, "alone for three seconds only");
    let alone = world.now;
    world.film(10.0, 70, |_| one());
    let started = world.events.iter().find(|e| matches!(e.kind, EventKind::IncidentStarted { .. }));
    let after = started.expect("alone").at.since(alone);
    // Somebody is counted for half a second after they were last seen.
    let due = Duration::from_millis(5500);
    assert!(after >= due && after <= due + Duration::from_millis(200), "{after:?}");
    world.film(10.0, 30, |_| two());
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged);
}

#[test]
fn a_visit_of_a_moment_does_not_start_the_lone_workers_grace_anew() {
    let mut world = counted(HeadCount::AtLeast { people: 2, empty: Empty::Allowed }, 5000);
    world.film(10.0, 120, |i| if (30..35).contains(&i) { two() } else { one() });
    assert_eq!(world.incidents(), 1);
}

#[test]
fn a_place_that_must_be_staffed_alarms_when_nobody_is_there() {
    let staffed = HeadCount::AtLeast { people: 1, empty: Empty::Alarms };
    let mut world = counted(staffed, 2000);
    world.film(10.0, 50, |_| one());
    assert_eq!(world.incidents(), 0);
    world.film(10.0, 60, |_| vec![]);
    assert_eq!(world.incidents(), 1);
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
    world.film(10.0, 30, |_| one());
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged);
}

#[test]
fn two_who_enter_together_are_not_a_lone_worker_without_any_grace() {
    let mut world = counted(HeadCount::AtLeast { people: 2, empty: Empty::Allowed }, 0);
    world.film(10.0, 10, |_| vec![]);
    // The second is believed a picture later.
    world.film(10.0, 30, |i| if i == 0 { one() } else { two() });
    assert_eq!(world.incidents(), 0);
}

#[test]
fn time_without_sight_does_not_run_out_a_grace() {
    let mut world = counted(HeadCount::AtLeast { people: 1, empty: Empty::Alarms }, 5000);
    world.film(10.0, 20, |_| one());
    world.film(10.0, 10, |_| vec![]);
    world.wait(Duration::from_secs(60));
    world.film(10.0, 20, |_| one());
    assert_eq!(world.incidents(), 0);
}

#[test]
fn whoever_is_wholly_in_an_ignored_area_raises_nothing() {
    let corner = vec![(0.6, 0.5), (0.8, 0.5), (0.8, 0.7), (0.6, 0.7)];
    let duties = || vec![restricted(Criterion::Foot), Duty::Ignore { area: area(&corner) }];
    let mut world = World::on_duty(duties());
    world.film(10.0, 20, |_| one());
    assert_eq!(world.incidents(), 0);
    assert_eq!(world.engine.looked(CAMERA)[0].verdict, Verdict::Ignored);
    world.film(10.0, 5, |_| vec![person(850.0, 600.0, 0.8)]);
    assert_eq!(world.incidents(), 1, "beside it somebody is somebody");
    assert_eq!(world.engine.looked(CAMERA)[0].verdict, Verdict::Person);
}

#[test]
fn whoever_steps_from_the_zone_into_an_ignored_area_keeps_the_alarm() {
    let corner = vec![(0.6, 0.5), (0.8, 0.5), (0.8, 0.7), (0.6, 0.7)];
    let mut world =
        World::on_duty(vec![restricted(Criterion::Foot), Duty::Ignore { area: area(&corner) }]);
    world.film(10.0, 5, |_| vec![person(850.0, 600.0, 0.8)]);
    world.film(10.0, 50, |i| vec![person((850 - 5 * i.min(20)) as f64, 600.0, 0.8)]);
    assert_eq!(world.engine.looked(CAMERA)[0].verdict, Verdict::Ignored);
    assert_eq!(world.state(), ZoneState::Occupied, "doubt keeps an alarm");
}
