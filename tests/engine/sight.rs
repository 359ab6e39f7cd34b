//! Loss of sight: UNKNOWN and its alarm within a second, whatever the cause (R1).

use std::time::Duration;

use standclear::engine::alarm::ShelfTime;
use standclear::engine::time::Instant;
use standclear::engine::zone::Rules;
use standclear::engine::{
    AlarmId, AlarmSource, AlarmState, AlarmView, BlindCause, Event, EventKind, FrameReport, Health,
    Input, Part, Restored, RestoredAlarm, SirenPattern, ZoneState,
};

use crate::world::{CAMERA, World, ZONE, person, person_sized, right_half, size};

const SECOND: Duration = Duration::from_millis(1000);

fn watched() -> World {
    let mut world = World::new(&[right_half()]);
    world.film(10.0, 20, |_| vec![]);
    assert_eq!(world.state(), ZoneState::Clear);
    world
}

#[test]
fn zone_is_unknown_until_the_first_picture() {
    let mut world = World::new(&[right_half()]);
    assert_eq!(world.state(), ZoneState::Unknown(BlindCause::Starting));
    world.wait(Duration::from_millis(4_900));
    assert_eq!(world.blind_alarm(), AlarmState::Normal, "a box may take five seconds to arm");
    world.wait(Duration::from_millis(200));
    assert_eq!(world.blind_alarm(), AlarmState::Unacknowledged);
    world.picture(&[]);
    assert_eq!(world.state(), ZoneState::Clear);
}

#[test]
fn every_loss_of_sight_makes_the_zone_unknown_and_alarms_within_a_second() {
    type Loss = fn(&mut World);
    let losses: [(&str, BlindCause, Loss); 4] = [
        ("pictures stop, the process lives", BlindCause::NoFrames, |w| w.wait(SECOND)),
        ("the process hangs", BlindCause::WorkerSilent, |w| w.silence(SECOND)),
        ("the process dies", BlindCause::WorkerDown, |w| {
            w.step(Input::WorkerDown);
        }),
        ("the source is lost", BlindCause::SourceLost, |w| {
            w.step(Input::CameraLost { camera: CAMERA });
        }),
    ];
    for (name, cause, lose) in losses {
        let mut world = watched();
        lose(&mut world);
        assert_eq!(world.state(), ZoneState::Unknown(cause), "{name}");
        assert_eq!(world.blind_alarm(), AlarmState::Unacknowledged, "{name}");
    }
}

#[test]
fn pictures_too_old_to_act_on_are_blindness_and_not_a_silent_drop() {
    let mut world = watched();
    for _ in 0..5 {
        world.wait(Duration::from_millis(100));
        let report = FrameReport {
            camera: CAMERA,
            frame: world.frame,
            size: size(),
            captured_at: world.now.before(Duration::from_millis(950)),
            detections: vec![],
        };
        world.frame += 1;
        world.step(Input::Frame(report));
    }
    assert_eq!(world.state(), ZoneState::Unknown(BlindCause::LateFrames));
    assert_eq!(world.blind_alarm(), AlarmState::Unacknowledged);
}

#[test]
fn fault_sounds_at_once_and_ends_when_sight_is_back_for_a_while() {
    let mut world = watched();
    let effects = world.step(Input::WorkerDown);
    assert_eq!(effects.siren.map(|order| order.pattern), Some(SirenPattern::Fault));
    world.wait(SECOND);
    world.film(10.0, 3, |_| vec![]);
    assert!(matches!(world.state(), ZoneState::Unknown(_)), "not yet: sight may flicker");
    world.film(10.0, 5, |_| vec![]);
    assert_eq!(world.state(), ZoneState::Clear);
    assert_eq!(world.blind_alarm(), AlarmState::ReturnedUnacknowledged);
}

#[test]
fn a_flickering_source_is_one_alarm_and_not_many() {
    let mut world = watched();
    for _ in 0..10 {
        world.wait(SECOND);
        world.picture(&[]);
    }
    let unknown = world.events.iter();
    let unknown = unknown.filter(|e| matches!(e.kind, EventKind::ZoneUnknown { .. })).count();
    assert_eq!(unknown, 1);
}

#[test]
fn an_intruder_is_found_while_the_zone_still_counts_as_unknown() {
    let mut world = watched();
    world.wait(SECOND);
    world.film(10.0, 2, |_| vec![person(700.0, 600.0, 0.8)]);
    assert!(matches!(world.state(), ZoneState::Unknown(_)));
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
}

#[test]
fn loss_of_sight_neither_ends_an_incident_nor_its_acknowledgement() {
    let mut world = watched();
    world.film(10.0, 5, |_| vec![person(700.0, 600.0, 0.8)]);
    world.acknowledge_all();
    world.step(Input::WorkerDown);
    world.wait(Duration::from_secs(5));
    assert_eq!(world.intrusion(), AlarmState::Acknowledged, "nobody saw the person leave");
    // The first pictures after the gap miss them: a single look proves nobody's absence.
    world.film(10.0, 3, |_| vec![]);
    assert_eq!(world.intrusion(), AlarmState::Acknowledged);
    world.film(10.0, 20, |_| vec![person(710.0, 610.0, 0.8)]);
    assert_eq!(world.state(), ZoneState::Occupied);
    assert_eq!(world.intrusion(), AlarmState::Acknowledged);
    assert_eq!(world.incidents(), 1);
}

#[test]
fn picture_that_brings_sight_back_proves_nobodys_absence_however_soon_the_zone_clears() {
    let span = Duration::from_millis(300);
    let rules = Rules { clear_after: span, vanished_after: span, ..Rules::DEFAULT };
    let mut world = World::with(&[right_half()], rules, &Restored::default());
    world.film(10.0, 5, |_| vec![person(700.0, 600.0, 0.8)]);
    world.step(Input::CameraLost { camera: CAMERA });
    world.wait(Duration::from_secs(5));
    world.picture(&[]);
    world.wait(Duration::from_millis(600));
    world.picture(&[]);
    assert_eq!(world.state(), ZoneState::Occupied, "seen again, for one picture");
    world.film(10.0, 4, |_| vec![]);
    assert_eq!(world.state(), ZoneState::Clear);
}

#[test]
fn somebody_further_away_than_two_seconds_run_is_a_stranger_after_a_loss_of_sight() {
    // 40 px high: half a height and ten are 420 px.
    for (x, state) in [(900.0, AlarmState::Acknowledged), (960.0, AlarmState::Unacknowledged)] {
        let seen = |x: f64| vec![person_sized(x, 600.0, 16.0, 40.0, 0.8)];
        let mut world = watched();
        world.film(10.0, 5, |_| seen(520.0));
        world.acknowledge_all();
        world.step(Input::WorkerDown);
        world.wait(Duration::from_secs(8));
        world.film(10.0, 3, |_| seen(x));
        assert_eq!(world.intrusion(), state, "{} px away", x - 520.0);
    }
}

#[test]
fn somebody_found_after_a_long_loss_of_sight_alarms_anew() {
    let mut world = watched();
    world.film(10.0, 5, |_| vec![person(700.0, 600.0, 0.8)]);
    world.acknowledge_all();
    world.step(Input::WorkerDown);
    world.wait(Duration::from_secs(3600));
    world.film(10.0, 5, |_| vec![person(950.0, 950.0, 0.8)]);
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
    assert_eq!(world.incidents(), 1, "nobody saw the zone empty in between");
}

#[test]
fn sight_is_lost_a_second_after_the_last_light_however_long_that_light_took() {
    for latency_ms in [0, 100, 400, 700] {
        let mut world = World::new(&[right_half()]);
        let latency = Duration::from_millis(latency_ms);
        for _ in 0..30 {
            world.wait(Duration::from_millis(100));
            let report = FrameReport {
                camera: CAMERA,
                frame: world.frame,
                size: size(),
                captured_at: world.now.before(latency),
                detections: vec![],
            };
            world.frame += 1;
            world.step(Input::Frame(report));
        }
        assert_eq!(world.state(), ZoneState::Clear, "{latency_ms} ms late is fresh enough");
        world.wait(Duration::from_millis(1000) - latency);
        assert_eq!(world.state(), ZoneState::Unknown(BlindCause::NoFrames), "{latency_ms} ms");
        assert_eq!(world.blind_alarm(), AlarmState::Unacknowledged);
    }
}

#[test]
fn someone_who_left_unseen_clears_the_zone_only_after_sight_is_back() {
    let mut world = watched();
    world.film(10.0, 5, |_| vec![person(700.0, 600.0, 0.8)]);
    world.step(Input::WorkerDown);
    world.wait(Duration::from_secs(30));
    world.film(10.0, 40, |_| vec![]);
    assert_eq!(world.state(), ZoneState::Clear);
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged);
}

#[test]
fn one_alarm_a_camera_however_many_zones_it_has() {
    let left = vec![(0.0, 0.3), (0.4, 0.3), (0.4, 1.0), (0.0, 1.0)];
    let mut world = World::new(&[right_half(), left]);
    world.film(10.0, 5, |_| vec![]);
    world.step(Input::WorkerDown);
    assert_eq!(world.engine.alarms().len(), 1);
}

#[test]
fn a_broken_part_is_an_alarm_and_works_again() {
    let mut world = watched();
    let broken = Input::Part { part: Part::Siren, health: Health::Broken };
    assert_eq!(world.step(broken).siren.map(|o| o.pattern), Some(SirenPattern::Fault));
    world.step(Input::Part { part: Part::Siren, health: Health::Working });
    assert_eq!(world.engine.alarms()[0].state, AlarmState::ReturnedUnacknowledged);
}

fn siren(world: &World) -> AlarmState {
    let is_it = |alarm: &&AlarmView| alarm.source == AlarmSource::Fault(Part::Siren);
    world.engine.alarms().iter().find(is_it).map_or(AlarmState::Normal, |alarm| alarm.state)
}

#[test]
fn a_part_that_gets_worse_is_heard_and_wants_an_answer_whatever_was_answered() {
    let part = |health| Input::Part { part: Part::Siren, health };
    let mut world = watched();
    world.step(part(Health::Broken));
    let alarm = world.engine.alarms()[0].id;
    world.step(Input::Acknowledge { alarm });
    world.step(part(Health::Broken));
    assert_eq!(siren(&world), AlarmState::Acknowledged, "what was answered stays answered");

    let heard = world.step(part(Health::Worse)).siren.map(|order| order.pattern);
    assert_eq!((siren(&world), heard), (AlarmState::Unacknowledged, Some(SirenPattern::Fault)));

    let silenced = world.step(Input::Silence { alarm: Some(alarm) });
    assert_eq!(silenced.siren.map(|order| order.pattern), Some(SirenPattern::Silent));
    let heard = world.step(part(Health::Worse)).siren.map(|order| order.pattern);
    assert_eq!(heard, Some(SirenPattern::Fault), "silence was of what was known then");
}

#[test]
fn a_part_on_the_shelf_that_gets_worse_leaves_it_and_is_heard() {
    let part = |health| Input::Part { part: Part::Siren, health };
    let mut world = watched();
    world.step(part(Health::Broken));
    let alarm = world.engine.alarms()[0].id;
    let time = ShelfTime::from_minutes(60).expect("a time");
    world.step(Input::Shelve { alarm, time });
    assert_eq!(siren(&world), AlarmState::Shelved);
    let effects = world.step(part(Health::Worse));
    assert_eq!(siren(&world), AlarmState::Unacknowledged);
    assert_eq!(effects.siren.map(|order| order.pattern), Some(SirenPattern::Fault));
    let told = |event: &Event| matches!(event.kind, EventKind::HoldEnded { .. });
    assert_eq!(effects.events.iter().filter(|it| told(it)).count(), 1);
}

fn restored(state: AlarmState) -> World {
    let alarm = RestoredAlarm {
        id: AlarmId(40),
        source: AlarmSource::Intrusion(ZONE),
        state,
        raised_at: Instant::ZERO,
    };
    restored_after(Duration::from_secs(30), alarm)
}

fn restored_after(away: Duration, alarm: RestoredAlarm) -> World {
    let (alarms, holds) = (vec![alarm], Vec::new());
    let restored = Restored { last_incident: 17, last_alarm: 40, away, alarms, holds };
    World::with(&[right_half()], Rules::DEFAULT, &restored)
}

#[test]
fn an_acknowledged_alarm_of_an_earlier_life_stays_acknowledged_with_the_same_person_inside() {
    let mut world = restored(AlarmState::Acknowledged);
    assert_eq!(world.intrusion(), AlarmState::Acknowledged);
    world.film(10.0, 30, |_| vec![person(700.0, 600.0, 0.8)]);
    assert_eq!(world.intrusion(), AlarmState::Acknowledged);
    world.film(10.0, 10, |_| vec![person(700.0, 600.0, 0.8), person(900.0, 900.0, 0.8)]);
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged, "a second person is news");
}

#[test]
fn an_active_alarm_of_an_earlier_life_returns_when_the_zone_is_seen_to_be_empty() {
    let mut world = restored(AlarmState::Unacknowledged);
    world.wait(Duration::from_secs(3));
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged, "not seen yet");
    world.film(10.0, 30, |_| vec![]);
    assert_eq!(world.intrusion(), AlarmState::ReturnedUnacknowledged);
}

#[test]
fn numbers_go_on_after_a_restart() {
    let mut world = restored(AlarmState::Acknowledged);
    world.film(10.0, 5, |_| vec![person(700.0, 600.0, 0.8)]);
    let first = world.events.iter().find_map(|event| match &event.kind {
        EventKind::IncidentStarted { incident, .. } => Some(incident.0),
        _ => None,
    });
    assert_eq!(first, Some(18));
}

#[test]
fn an_answer_from_before_a_weekend_does_not_silence_whoever_is_there_on_monday() {
    let alarm = RestoredAlarm {
        id: AlarmId(40),
        source: AlarmSource::Intrusion(ZONE),
        state: AlarmState::Acknowledged,
        raised_at: Instant::ZERO,
    };
    let mut world = restored_after(Duration::from_secs(60 * 3600), alarm);
    world.film(10.0, 5, |_| vec![person(700.0, 600.0, 0.8)]);
    assert_eq!(world.intrusion(), AlarmState::Unacknowledged);
}
