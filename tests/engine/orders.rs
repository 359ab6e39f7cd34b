//! Orders of people: zones drawn anew, armed, disarmed, tested.

use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::detection::Detection;
use standclear::engine::zone::Rules;
use standclear::engine::{
    AlarmSource, AlarmState, Arming, ArmingView, CameraIndex, CameraSpec, Criterion, DisarmedBy,
    Duty, EventKind, Input, Refusal, SirenPattern, WalkTest, ZoneIndex, ZoneSpec, ZoneState,
};

use crate::world::{CAMERA, World, ZONE, area, person, right_half};

const MINUTE: Duration = Duration::from_secs(60);

fn inside() -> Vec<Detection> {
    vec![person(700.0, 600.0, 0.8)]
}

fn left_half() -> Vec<(f64, f64)> {
    vec![(0.0, 0.3), (0.4, 0.3), (0.4, 1.0), (0.0, 1.0)]
}

fn spec(rings: &[Vec<(f64, f64)>]) -> CameraSpec {
    let zone = |ring: &Vec<_>| ZoneSpec::restricted(area(ring), Rules::DEFAULT);
    CameraSpec { zones: rings.iter().map(zone).collect(), ..CameraSpec::default() }
}

fn rezone(world: &mut World, rings: &[Vec<(f64, f64)>], slots: &[u16]) -> Option<Refusal> {
    let slots = slots.iter().map(|&slot| ZoneIndex(slot)).collect();
    world.step(Input::Rezone { camera: CAMERA, spec: spec(rings), slots }).refused
}

fn disarm(world: &mut World, span: Duration) {
    let until = world.now.after(span);
    let arming = Arming::Disarmed { until, by: DisarmedBy::Interlock };
    world.step(Input::Arm { zone: ZONE, arming });
}

fn arm(world: &mut World) {
    world.step(Input::Arm { zone: ZONE, arming: Arming::Armed });
}

#[test]
fn zone_moved_around_somebody_inside_keeps_incident_alarm_and_answer() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 10, |_| inside());
    world.acknowledge_all();
    let smaller = vec![(0.55, 0.35), (1.0, 0.35), (1.0, 1.0), (0.55, 1.0)];
    assert_eq!(rezone(&mut world, &[smaller], &[0]), None);
    world.film(10.0, 20, |_| inside());
    assert_eq!(world.state(), ZoneState::Occupied);
    assert_eq!(world.intrusion(), AlarmState::Acknowledged);
    assert_eq!((world.incidents(), world.entries()), (1, 1));
}

#[test]
fn zone_moved_away_from_somebody_ends_the_incident_the_usual_way() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 10, |_| inside());
    let moved = vec![(0.85, 0.3), (1.0, 0.3), (1.0, 1.0), (0.85, 1.0)];
    assert_eq!(rezone(&mut world, &[moved], &[0]), None);
    assert_eq!(world.state(), ZoneState::Occupied, "not at a stroke");
    world.film(10.0, 30, |_| inside());
    assert_eq!(world.state(), ZoneState::Clear);
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged);
}

#[test]
fn zone_drawn_over_somebody_alarms_and_is_unknown_until_it_was_looked_at() {
    let mut world = World::new(&[right_half()]);
    let outside = || vec![person(200.0, 600.0, 0.8)];
    world.film(10.0, 10, |_| outside());
    assert_eq!(rezone(&mut world, &[right_half(), left_half()], &[0, 1]), None);
    let new = ZoneIndex(1);
    let state = |world: &World| world.engine.zone(new).expect("there").state;
    assert!(matches!(state(&world), ZoneState::Unknown(_)));
    assert_eq!(world.engine.zone_count(), 2);
    world.film(10.0, 3, |_| outside());
    assert_eq!(state(&world), ZoneState::Occupied);
    assert_eq!(world.alarm(AlarmSource::Intrusion(new)), AlarmState::Unacknowledged);
}

#[test]
fn retired_zone_ends_its_incident_and_its_number_can_come_back() {
    let mut world = World::new(&[right_half(), left_half()]);
    world.film(10.0, 10, |_| inside());
    assert_eq!(rezone(&mut world, &[left_half()], &[1]), None);
    assert!(world.engine.zone(ZONE).is_none());
    assert_eq!(world.count(|kind| matches!(kind, EventKind::IncidentEnded { .. })), 1);
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged);
    assert_eq!(world.engine.zone_count(), 2);
    assert_eq!(rezone(&mut world, &[left_half(), right_half()], &[1, 0]), None);
    world.film(10.0, 5, |_| inside());
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
}

#[test]
fn slots_that_do_not_fit_are_refused_and_change_nothing() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 10, |_| inside());
    let both = [right_half(), left_half()];
    for slots in [vec![0], vec![0, 0], vec![0, 2], vec![2, 0], vec![1, 2, 3]] {
        let before = world.engine.clone();
        assert_eq!(rezone(&mut world, &both, &slots), Some(Refusal::BadSlots), "{slots:?}");
        assert_eq!(world.engine, before, "{slots:?}");
    }
    let elsewhere = Input::Rezone { camera: CameraIndex(7), spec: spec(&both), slots: vec![ZONE] };
    assert_eq!(world.step(elsewhere).refused, Some(Refusal::UnknownCamera));
    let nobody = Input::Arm { zone: ZoneIndex(9), arming: Arming::Armed };
    assert_eq!(world.step(nobody).refused, Some(Refusal::UnknownZone));
}

#[test]
fn zone_that_becomes_a_warning_zone_ends_the_intrusion_and_warns_of_whoever_is_inside() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 10, |_| inside());
    let duty = Duty::Warning { area: area(&right_half()), criterion: Criterion::Foot };
    let spec = CameraSpec {
        zones: vec![ZoneSpec { duty, rules: Rules::DEFAULT }],
        ..CameraSpec::default()
    };
    world.step(Input::Rezone { camera: CAMERA, spec, slots: vec![ZONE] });
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged);
    assert_eq!(world.alarm(AlarmSource::Warning(ZONE)), AlarmState::Unacknowledged);
    assert_eq!(world.incidents(), 2);
}

#[test]
fn disarmed_zone_is_followed_and_shown_but_does_not_alarm() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 5, |_| vec![]);
    disarm(&mut world, MINUTE);
    world.film(10.0, 50, |_| inside());
    let view = world.engine.zone(ZONE).expect("there");
    assert_eq!(view.state, ZoneState::Occupied);
    assert_eq!(view.arming, ArmingView::Disarmed(DisarmedBy::Interlock));
    assert_eq!((world.incidents(), world.intrusion()), (0, AlarmState::Normal));
}

#[test]
fn zone_armed_with_somebody_inside_alarms_in_the_same_step() {
    let mut world = World::new(&[right_half()]);
    disarm(&mut world, MINUTE);
    world.film(10.0, 50, |_| inside());
    let effects = world.step(Input::Arm { zone: ZONE, arming: Arming::Armed });
    assert_eq!(effects.siren.map(|order| order.pattern), Some(SirenPattern::Intrusion));
    assert_eq!(world.incidents(), 1);
    let armed = |kind: &EventKind| matches!(kind, EventKind::ZoneArmed { .. });
    assert_eq!(world.count(armed), 1);
}

#[test]
fn lease_that_nobody_renews_arms_the_zone_by_itself() {
    let mut world = World::new(&[right_half()]);
    disarm(&mut world, Duration::from_secs(10));
    world.film(10.0, 99, |_| inside());
    assert_eq!(world.intrusion(), AlarmState::Normal);
    world.film(10.0, 2, |_| inside());
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
}

#[test]
fn lease_is_over_at_its_end_and_not_a_moment_later() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 5, |_| inside());
    let until = world.now.after(Duration::from_millis(100));
    disarm(&mut world, Duration::from_millis(100));
    for (at, arming) in [
        (until.before(Duration::from_nanos(1)), ArmingView::Disarmed(DisarmedBy::Interlock)),
        (until, ArmingView::Armed),
    ] {
        world.now = at;
        world.step(Input::Tick);
        assert_eq!(world.engine.zone(ZONE).map(|zone| zone.arming), Some(arming));
    }
}

#[test]
fn lease_that_ran_out_before_it_came_arms() {
    let mut world = World::new(&[right_half()]);
    disarm(&mut world, MINUTE);
    disarm(&mut world, Duration::ZERO);
    assert_eq!(world.engine.zone(ZONE).map(|zone| zone.arming), Some(ArmingView::Armed));
}

#[test]
fn renewed_lease_is_no_event() {
    let mut world = World::new(&[right_half()]);
    for _ in 0..20 {
        disarm(&mut world, Duration::from_secs(3));
        world.film(10.0, 10, |_| vec![]);
    }
    assert_eq!(world.count(|kind| matches!(kind, EventKind::ZoneDisarmed { .. })), 1);
    assert_eq!(world.count(|kind| matches!(kind, EventKind::ZoneArmed { .. })), 0);
}

#[test]
fn disarming_ends_no_incident_and_answers_no_alarm() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 10, |_| inside());
    disarm(&mut world, MINUTE);
    world.film(10.0, 50, |_| inside());
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged, "still inside");
    world.film(10.0, 30, |_| vec![]);
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged, "left");
    world.film(10.0, 20, |_| inside());
    assert_eq!((world.incidents(), world.entries()), (1, 1), "disarmed: nobody is news");
}

#[test]
fn blindness_of_a_disarmed_zone_still_alarms() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 5, |_| vec![]);
    disarm(&mut world, MINUTE);
    world.wait(Duration::from_secs(2));
    assert!(matches!(world.state(), ZoneState::Unknown(_)));
    assert_eq!(world.blind_alarm(), AlarmState::Unacknowledged);
}

#[test]
fn overdue_walk_test_is_shown_and_never_heard() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 5, |_| vec![]);
    let effects = world.step(Input::Tested { zone: ZONE, walk_test: WalkTest::Overdue });
    assert_eq!(effects.siren, None);
    let untested = AlarmSource::Untested(ZONE);
    assert_eq!(world.alarm(untested), AlarmState::Unacknowledged);
    world.acknowledge_all();
    world.step(Input::Tested { zone: ZONE, walk_test: WalkTest::Valid });
    assert_eq!(world.alarm(untested), AlarmState::Normal);
}

/// What may be ordered while somebody is inside an armed zone that nobody touches.
#[derive(Clone, Copy, Debug)]
enum Order {
    Neighbour(usize),
    NeighbourDisarmed,
    NeighbourArmed,
    Armed,
    Picture,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens to other zones of the camera, in whatever order, whoever is inside this one
    /// stays inside, with one incident and one alarm.
    #[test]
    fn no_order_about_other_zones_loses_a_person_inside_this_one(
        orders in prop::collection::vec(
            prop_oneof![
                (0usize..4).prop_map(Order::Neighbour),
                Just(Order::NeighbourDisarmed),
                Just(Order::NeighbourArmed),
                Just(Order::Armed),
                Just(Order::Picture),
            ],
            1..60,
        )
    ) {
        let mut world = World::new(&[right_half()]);
        world.film(10.0, 5, |_| inside());
        let mut neighbours: Vec<u16> = Vec::new();
        for order in orders {
            match order {
                Order::Neighbour(count) => {
                    let total = world.engine.zone_count() as u16;
                    // Numbers used before first, then new ones.
                    neighbours = (1..).take(count).collect();
                    let new = neighbours.iter().filter(|&&slot| slot >= total).count();
                    prop_assert!(new <= count);
                    let rings: Vec<_> = std::iter::once(right_half())
                        .chain(neighbours.iter().map(|_| left_half()))
                        .collect();
                    let slots: Vec<u16> = std::iter::once(0).chain(neighbours.clone()).collect();
                    prop_assert_eq!(rezone(&mut world, &rings, &slots), None);
                }
                Order::NeighbourDisarmed => {
                    let until = world.now.after(MINUTE);
                    for &slot in &neighbours {
                        let arming = Arming::Disarmed { until, by: DisarmedBy::Schedule };
                        world.step(Input::Arm { zone: ZoneIndex(slot), arming });
                    }
                }
                Order::NeighbourArmed => {
                    for &slot in &neighbours {
                        world.step(Input::Arm { zone: ZoneIndex(slot), arming: Arming::Armed });
                    }
                }
                Order::Armed => arm(&mut world),
                Order::Picture => world.film(10.0, 1, |_| inside()),
            }
            prop_assert_eq!(world.state(), ZoneState::Occupied);
            prop_assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
        }
        prop_assert_eq!((world.incidents(), world.entries()), (1, 1));
    }

    /// However leases are given, a zone is armed once the longest of them is over.
    #[test]
    fn every_lease_ends(spans in prop::collection::vec(0u64..5_000, 1..20)) {
        let mut world = World::new(&[right_half()]);
        world.film(10.0, 3, |_| inside());
        for &span in &spans {
            disarm(&mut world, Duration::from_millis(span));
            world.film(10.0, 1, |_| inside());
        }
        world.film(10.0, 51, |_| inside());
        prop_assert_eq!(world.engine.zone(ZONE).map(|zone| zone.arming), Some(ArmingView::Armed));
        prop_assert_eq!(world.state(), ZoneState::Occupied);
    }
}
