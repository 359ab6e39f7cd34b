//! Silence, shelf, out of service and latch, with people in the picture.

use std::time::Duration;

use standclear::engine::alarm::{Inhibition, Latch, SILENCE_MAX, ShelfTime};
use standclear::engine::detection::Detection;
use standclear::engine::zone::Rules;
use standclear::engine::{
    AlarmId, AlarmSource, AlarmState, Arming, DisarmedBy, EventKind, Input, Refusal, Restored,
    RestoredAlarm, RestoredHold, SirenPattern, WalkTest, ZoneIndex,
};

use super::world::{World, ZONE, person, right_half};

fn one() -> Vec<Detection> {
    vec![person(700.0, 600.0, 0.8)]
}

fn two() -> Vec<Detection> {
    vec![person(700.0, 600.0, 0.8), person(900.0, 900.0, 0.8)]
}

/// Somebody is inside and sounds.
fn alarmed() -> World {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 10, |_| one());
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
    world
}

fn alarm(world: &World) -> AlarmId {
    world.engine.alarms()[0].id
}

fn minutes(minutes: u64) -> ShelfTime {
    ShelfTime::from_minutes(minutes).expect("a time")
}

/// What the siren was told last.
fn sound(world: &World) -> SirenPattern {
    world.engine.siren().pattern
}

#[test]
fn silence_pauses_the_siren_answers_nothing_and_ends_by_itself() {
    let mut world = alarmed();
    let silenced = world.step(Input::Silence { alarm: None });
    assert_eq!(silenced.siren.map(|order| order.pattern), Some(SirenPattern::Silent));
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
    let again = world.step(Input::Silence { alarm: None });
    assert_eq!(again.refused, Some(Refusal::AlreadySilenced));
    let pictures = usize::try_from(SILENCE_MAX.as_secs()).expect("small") * 10;
    world.film(10.0, pictures - 1, |_| one());
    assert_eq!(sound(&world), SirenPattern::Silent);
    world.film(10.0, 5, |_| one());
    assert_eq!(sound(&world), SirenPattern::Intrusion, "two minutes are over");
}

#[test]
fn a_further_person_is_heard_through_a_silence() {
    let mut world = alarmed();
    let alarm = alarm(&world);
    world.step(Input::Silence { alarm: Some(alarm) });
    world.film(10.0, 10, |_| two());
    assert_eq!(sound(&world), SirenPattern::Intrusion);
}

#[test]
fn whatever_else_goes_wrong_is_heard_through_a_silence() {
    let mut world = alarmed();
    world.step(Input::Silence { alarm: None });
    world.step(Input::WorkerDown);
    assert_eq!(sound(&world), SirenPattern::Intrusion, "and so is what was silenced");
}

#[test]
fn nothing_to_silence_and_an_unknown_alarm_are_refused() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 5, |_| vec![]);
    let refused = |world: &mut World, alarm| world.step(Input::Silence { alarm }).refused;
    assert_eq!(refused(&mut world, None), Some(Refusal::NothingSounds));
    assert_eq!(refused(&mut world, Some(AlarmId(9))), Some(Refusal::UnknownAlarm));
    let mut world = alarmed();
    let alarm = alarm(&world);
    world.acknowledge_all();
    assert_eq!(refused(&mut world, Some(alarm)), Some(Refusal::NothingSounds));
}

#[test]
fn a_shelved_alarm_is_shown_and_silent_and_its_incidents_are_recorded() {
    let mut world = alarmed();
    let alarm = alarm(&world);
    let shelved = world.step(Input::Shelve { alarm, time: minutes(30) });
    assert_eq!(shelved.siren.map(|order| order.pattern), Some(SirenPattern::Silent));
    assert_eq!(world.intrusion(), AlarmState::Shelved);
    assert_eq!(world.engine.zone(ZONE).expect("there").inhibition, Inhibition::Shelved);
    world.film(10.0, 20, |_| two());
    assert_eq!(world.entries(), 2, "a further person is recorded");
    assert_eq!((world.intrusion(), sound(&world)), (AlarmState::Shelved, SirenPattern::Silent));
    world.film(10.0, 40, |_| vec![]);
    assert_eq!(world.intrusion(), AlarmState::Normal, "nobody has to answer what nobody was told");
    world.film(10.0, 20, |_| one());
    assert_eq!((world.intrusion(), world.incidents()), (AlarmState::Shelved, 2));
    assert_eq!(sound(&world), SirenPattern::Silent);
    assert_eq!(world.engine.holds().len(), 1);
}

#[test]
fn the_shelf_ends_by_itself_and_whoever_is_inside_then_is_heard_at_once() {
    let mut world = alarmed();
    let alarm = alarm(&world);
    world.step(Input::Shelve { alarm, time: minutes(1) });
    world.film(10.0, 595, |_| one());
    assert_eq!(world.intrusion(), AlarmState::Shelved);
    world.film(10.0, 10, |_| one());
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
    assert_eq!(sound(&world), SirenPattern::Intrusion);
    let ended = |kind: &EventKind| matches!(kind, EventKind::HoldEnded { alarm: Some(it), .. } if *it == alarm);
    assert_eq!(world.count(ended), 1);
    assert_eq!(world.engine.holds(), []);
}

#[test]
fn taken_from_the_shelf_by_a_person_it_is_heard_at_once() {
    let mut world = alarmed();
    let alarm = alarm(&world);
    world.step(Input::Shelve { alarm, time: minutes(480) });
    let twice = world.step(Input::Shelve { alarm, time: minutes(1) });
    assert_eq!(twice.refused, Some(Refusal::AlreadyShelved));
    let other = world.step(Input::Unshelve { alarm: AlarmId(99) });
    assert_eq!(other.refused, Some(Refusal::NotShelved));
    let taken = world.step(Input::Unshelve { alarm });
    assert_eq!(taken.siren.map(|order| order.pattern), Some(SirenPattern::Intrusion));
    assert_eq!(world.step(Input::Unshelve { alarm }).refused, Some(Refusal::NotShelved));
    let unknown = world.step(Input::Shelve { alarm: AlarmId(99), time: minutes(1) });
    assert_eq!(unknown.refused, Some(Refusal::UnknownAlarm));
}

#[test]
fn a_zone_out_of_service_is_quiet_as_a_whole_until_somebody_puts_it_back() {
    let mut world = alarmed();
    let out = world.step(Input::TakeOutOfService { zone: ZONE });
    assert_eq!(out.siren.map(|order| order.pattern), Some(SirenPattern::Silent));
    assert_eq!(world.intrusion(), AlarmState::OutOfService);
    let untested = AlarmSource::Untested(ZONE);
    world.step(Input::Tested { zone: ZONE, walk_test: WalkTest::Overdue });
    assert_eq!(world.alarm(untested), AlarmState::OutOfService);
    world.film(10.0, 9_000, |_| one());
    assert_eq!(world.intrusion(), AlarmState::OutOfService, "it has no limit");
    assert_eq!(world.engine.zone(ZONE).expect("there").inhibition, Inhibition::OutOfService);
    let twice = world.step(Input::TakeOutOfService { zone: ZONE });
    assert_eq!(twice.refused, Some(Refusal::OutOfServiceAlready));
    let back = world.step(Input::PutIntoService { zone: ZONE });
    assert_eq!(back.siren.map(|order| order.pattern), Some(SirenPattern::Intrusion));
    assert_eq!(world.alarm(untested), AlarmState::Unacknowledged);
    let twice = world.step(Input::PutIntoService { zone: ZONE });
    assert_eq!(twice.refused, Some(Refusal::InServiceAlready));
    let nowhere = ZoneIndex(7);
    let unknown = world.step(Input::TakeOutOfService { zone: nowhere });
    assert_eq!(unknown.refused, Some(Refusal::UnknownZone));
}

#[test]
fn blindness_is_heard_while_a_zone_is_out_of_service() {
    let mut world = alarmed();
    world.step(Input::TakeOutOfService { zone: ZONE });
    world.step(Input::WorkerDown);
    assert_eq!(sound(&world), SirenPattern::Fault);
}

#[test]
fn a_zone_off_by_schedule_is_called_suppressed_by_design() {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 5, |_| vec![]);
    let until = world.now.after(Duration::from_secs(3));
    let arming = Arming::Disarmed { until, by: DisarmedBy::Schedule };
    world.step(Input::Arm { zone: ZONE, arming });
    let inhibition = |world: &World| world.engine.zone(ZONE).expect("there").inhibition;
    assert_eq!(inhibition(&world), Inhibition::SuppressedByDesign);
    world.wait(Duration::from_secs(4));
    assert_eq!(inhibition(&world), Inhibition::None);
}

#[test]
fn many_zones_are_armed_in_one_step_or_none_of_them() {
    let left = vec![(0.0, 0.3), (0.4, 0.3), (0.4, 1.0), (0.0, 1.0)];
    let mut world = World::new(&[right_half(), left]);
    world.film(10.0, 5, |_| vec![]);
    let until = world.now.after(Duration::from_secs(3));
    let arming = Arming::Disarmed { until, by: DisarmedBy::Schedule };
    let unknown = vec![(ZONE, arming), (ZoneIndex(7), arming)];
    let refused = world.step(Input::ArmMany { zones: unknown });
    assert_eq!((refused.refused, refused.events.len()), (Some(Refusal::UnknownZone), 0));
    let zones = vec![(ZONE, arming), (ZoneIndex(1), arming)];
    assert_eq!(world.step(Input::ArmMany { zones }).events.len(), 2);
    let overdue = vec![(ZONE, WalkTest::Overdue), (ZoneIndex(1), WalkTest::Overdue)];
    assert_eq!(world.step(Input::TestedMany { zones: overdue }).events.len(), 2);
    let overdue = vec![(ZoneIndex(7), WalkTest::Overdue)];
    let refused = world.step(Input::TestedMany { zones: overdue });
    assert_eq!(refused.refused, Some(Refusal::UnknownZone));
}

#[test]
fn a_zone_that_latches_stays_in_alarm_after_everybody_has_left() {
    let rules = Rules { latch: Latch::Yes, ..Rules::DEFAULT };
    let mut world = World::with(&[right_half()], rules, &Restored::default());
    world.film(10.0, 10, |_| one());
    world.film(10.0, 50, |_| vec![]);
    assert_eq!(world.intrusion(), AlarmState::LatchedUnacknowledged);
    assert_eq!(sound(&world), SirenPattern::Intrusion);
    world.acknowledge_all();
    assert_eq!(world.intrusion(), AlarmState::LatchedAcknowledged);
    let alarm = alarm(&world);
    world.film(10.0, 10, |_| one());
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged, "the next one is heard");
    world.film(10.0, 50, |_| vec![]);
    world.acknowledge_all();
    world.step(Input::Reset { alarm });
    assert_eq!(world.intrusion(), AlarmState::Normal);
}

/// Alarm 40 of the zone as it was kept, and who kept it quiet.
fn restored(state: AlarmState, holds: Vec<RestoredHold>) -> World {
    let source = AlarmSource::Intrusion(ZONE);
    let raised_at = standclear::engine::time::Instant::ZERO;
    let alarms = vec![RestoredAlarm { id: AlarmId(40), source, state, raised_at }];
    let away = Duration::from_secs(5);
    let restored = Restored { last_incident: 17, last_alarm: 40, away, alarms, holds };
    World::with(&[right_half()], Rules::DEFAULT, &restored)
}

#[test]
fn an_alarm_that_sounded_when_the_box_stopped_sounds_before_any_picture_is_seen() {
    for state in [AlarmState::Unacknowledged, AlarmState::LatchedUnacknowledged] {
        let mut world = restored(state, Vec::new());
        let first = world.step(Input::Tick);
        assert_eq!(first.siren.map(|order| order.pattern), Some(SirenPattern::Intrusion));
        assert_eq!(world.intrusion(), state);
    }
    for state in [AlarmState::Acknowledged, AlarmState::LatchedAcknowledged] {
        let mut world = restored(state, Vec::new());
        assert_eq!(world.step(Input::Tick).siren, None, "answered is answered");
        assert_eq!(world.intrusion(), state);
    }
}

#[test]
fn what_was_on_the_shelf_stays_there_over_a_restart_for_the_time_that_is_left() {
    let source = AlarmSource::Intrusion(ZONE);
    let until = standclear::engine::time::Instant::from_millis(61_000);
    let held = RestoredHold::Shelved { source, alarm: AlarmId(40), until };
    let mut world = restored(AlarmState::Shelved, vec![held]);
    assert_eq!(world.step(Input::Tick).siren, None);
    world.film(10.0, 595, |_| one());
    assert_eq!(world.intrusion(), AlarmState::Shelved);
    world.film(10.0, 10, |_| one());
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
    let out = RestoredHold::OutOfService { source };
    let mut world = restored(AlarmState::OutOfService, vec![out]);
    world.film(10.0, 50, |_| one());
    assert_eq!(world.intrusion(), AlarmState::OutOfService);
}

#[test]
fn a_shelf_nobody_can_vouch_for_ends_with_the_first_look_at_the_time() {
    let mut world = restored(AlarmState::Shelved, Vec::new());
    let first = world.step(Input::Tick);
    assert_eq!(first.siren.map(|order| order.pattern), Some(SirenPattern::Intrusion));
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
}
