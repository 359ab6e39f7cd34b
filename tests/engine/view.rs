//! Pictures that come in time and cannot be trusted: UNKNOWN and an alarm, by the name of the fault.

use std::time::Duration;

use standclear::engine::alarm::ShelfTime;
use standclear::engine::view_fault::{ViewFault, ViewFaults};
use standclear::engine::{
    AlarmState, BlindCause, CameraIndex, EventKind, Input, Refusal, ZoneState,
};

use crate::world::{CAMERA, World, person, right_half};

fn watched() -> World {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 20, |_| vec![]);
    assert_eq!(world.state(), ZoneState::Clear);
    world
}

fn say(world: &mut World, faults: &[ViewFault]) {
    let faults: ViewFaults = faults.iter().copied().collect();
    world.step(Input::View { camera: CAMERA, faults });
}

fn clear_for_a_second(world: &mut World) {
    world.film(10.0, 10, |_| vec![]);
}

#[test]
fn every_fault_of_the_view_makes_the_zone_unknown_by_its_name_and_alarms_at_once() {
    for fault in ViewFault::ALL {
        let mut world = watched();
        say(&mut world, &[fault]);
        assert_eq!(world.state(), ZoneState::Unknown(BlindCause::View(fault)), "{fault:?}");
        assert_eq!(world.blind_alarm(), AlarmState::Unacknowledged, "{fault:?}");
        clear_for_a_second(&mut world);
        assert_eq!(world.state(), ZoneState::Unknown(BlindCause::View(fault)), "{fault:?}");
    }
}

#[test]
fn a_view_that_is_right_again_is_watched_again_after_a_while() {
    let mut world = watched();
    say(&mut world, &[ViewFault::Covered]);
    say(&mut world, &[]);
    world.film(10.0, 3, |_| vec![]);
    assert!(matches!(world.state(), ZoneState::Unknown(_)), "not yet");
    clear_for_a_second(&mut world);
    assert_eq!(world.state(), ZoneState::Clear);
    assert_eq!(world.blind_alarm(), AlarmState::ReturnedUnacknowledged);
}

#[test]
fn a_moved_view_stays_unknown_whatever_is_said_until_an_engineer_confirms_it() {
    let mut world = watched();
    say(&mut world, &[ViewFault::Moved]);
    say(&mut world, &[]);
    clear_for_a_second(&mut world);
    let moved = ZoneState::Unknown(BlindCause::View(ViewFault::Moved));
    assert_eq!(world.state(), moved);
    world.step(Input::WorkerDown);
    clear_for_a_second(&mut world);
    assert_eq!(world.state(), moved, "another vision process knows nothing of it");
    world.step(Input::ViewConfirmed { camera: CAMERA });
    clear_for_a_second(&mut world);
    assert_eq!(world.state(), ZoneState::Clear);
}

#[test]
fn a_confirmed_view_is_not_unsettled_by_what_was_on_its_way_and_may_move_again() {
    let mut world = watched();
    say(&mut world, &[ViewFault::Moved]);
    world.step(Input::ViewConfirmed { camera: CAMERA });
    say(&mut world, &[ViewFault::Moved]);
    clear_for_a_second(&mut world);
    assert_eq!(world.state(), ZoneState::Clear);
    say(&mut world, &[]);
    say(&mut world, &[ViewFault::Moved]);
    assert_eq!(world.state(), ZoneState::Unknown(BlindCause::View(ViewFault::Moved)));
}

#[test]
fn a_view_that_was_put_back_and_confirmed_may_move_again() {
    let mut world = watched();
    say(&mut world, &[ViewFault::Moved]);
    say(&mut world, &[]);
    world.step(Input::ViewConfirmed { camera: CAMERA });
    clear_for_a_second(&mut world);
    assert_eq!(world.state(), ZoneState::Clear);
    say(&mut world, &[ViewFault::Moved]);
    assert_eq!(world.state(), ZoneState::Unknown(BlindCause::View(ViewFault::Moved)));
}

#[test]
fn confirming_a_view_that_has_not_moved_excuses_no_later_movement() {
    let mut world = watched();
    world.step(Input::ViewConfirmed { camera: CAMERA });
    say(&mut world, &[ViewFault::Moved]);
    assert_eq!(world.state(), ZoneState::Unknown(BlindCause::View(ViewFault::Moved)));
}

#[test]
fn a_graver_fault_than_was_answered_must_be_answered_again_and_a_lesser_one_not() {
    let mut world = watched();
    say(&mut world, &[ViewFault::Blurred]);
    world.acknowledge_all();
    say(&mut world, &[ViewFault::Blurred, ViewFault::Discoloured]);
    assert_eq!(world.blind_alarm(), AlarmState::Acknowledged);
    say(&mut world, &[ViewFault::Blurred, ViewFault::Frozen]);
    assert_eq!(world.state(), ZoneState::Unknown(BlindCause::View(ViewFault::Frozen)));
    assert_eq!(world.blind_alarm(), AlarmState::Unacknowledged);
    world.acknowledge_all();
    say(&mut world, &[ViewFault::Blurred]);
    assert_eq!(world.blind_alarm(), AlarmState::Acknowledged);
}

#[test]
fn a_graver_fault_leaves_the_shelf_on_which_a_lesser_one_was_put() {
    let mut world = watched();
    say(&mut world, &[ViewFault::Dark]);
    let alarm = world.engine.alarms()[0].id;
    let time = ShelfTime::from_minutes(60).expect("an hour");
    world.step(Input::Shelve { alarm, time });
    assert_eq!(world.blind_alarm(), AlarmState::Shelved);
    say(&mut world, &[ViewFault::Dark, ViewFault::Covered]);
    assert_eq!(world.blind_alarm(), AlarmState::Unacknowledged);
}

#[test]
fn somebody_is_found_in_what_can_still_be_seen_of_a_covered_view() {
    let mut world = watched();
    say(&mut world, &[ViewFault::Covered]);
    world.film(10.0, 5, |_| vec![person(700.0, 600.0, 0.8)]);
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
}

#[test]
fn pictures_that_stop_under_a_fault_are_told_as_such() {
    let mut world = watched();
    say(&mut world, &[ViewFault::Dark]);
    world.wait(Duration::from_secs(1));
    assert_eq!(world.state(), ZoneState::Unknown(BlindCause::NoFrames));
    let known = world.count(|kind| matches!(kind, EventKind::ZoneKnown { .. }));
    assert_eq!(known, 1, "only the first picture's");
}

#[test]
fn a_view_of_no_camera_is_refused() {
    let mut world = watched();
    let camera = CameraIndex(7);
    let effects = world.step(Input::View { camera, faults: ViewFaults::NONE });
    assert_eq!(effects.refused, Some(Refusal::UnknownCamera));
    let effects = world.step(Input::ViewConfirmed { camera });
    assert_eq!(effects.refused, Some(Refusal::UnknownCamera));
}

#[test]
fn what_was_wrong_with_a_view_stands_until_another_vision_process_says_otherwise() {
    for fault in ViewFault::ALL {
        let mut world = watched();
        say(&mut world, &[fault]);
        world.step(Input::WorkerDown);
        clear_for_a_second(&mut world);
        assert_eq!(world.state(), ZoneState::Unknown(BlindCause::View(fault)), "{fault:?}");
    }
}

#[test]
fn a_view_that_had_moved_before_the_box_ended_is_unknown_until_it_is_confirmed() {
    let mut world = World::new(&[right_half()]);
    world.engine.view_stands(CAMERA);
    world.film(10.0, 20, |_| vec![]);
    say(&mut world, &[]);
    clear_for_a_second(&mut world);
    assert_eq!(world.state(), ZoneState::Unknown(BlindCause::View(ViewFault::Moved)));
    assert_eq!(world.blind_alarm(), AlarmState::Unacknowledged);
    world.step(Input::ViewConfirmed { camera: CAMERA });
    clear_for_a_second(&mut world);
    assert_eq!(world.state(), ZoneState::Clear);
}

#[test]
fn whoever_answered_that_pictures_are_missing_answers_anew_when_the_view_is_covered_after_it() {
    let mut world = watched();
    world.step(Input::CameraLost { camera: CAMERA });
    world.acknowledge_all();
    say(&mut world, &[ViewFault::Covered]);
    world.film(10.0, 3, |_| vec![]);
    assert_eq!(world.state(), ZoneState::Unknown(BlindCause::View(ViewFault::Covered)));
    assert_eq!(world.blind_alarm(), AlarmState::Unacknowledged);
    // The same after another gap is what was answered.
    world.acknowledge_all();
    world.step(Input::CameraLost { camera: CAMERA });
    world.film(10.0, 3, |_| vec![]);
    assert_eq!(world.state(), ZoneState::Unknown(BlindCause::View(ViewFault::Covered)));
    assert_eq!(world.blind_alarm(), AlarmState::Acknowledged);
}
