//! Where people stood, through the whole guard and over a restart.

use standclear::guard::handle::{HEAT_COLUMNS, HEAT_ROWS, WalkDeskError};

use crate::site::{wait_for, wait_until};
use crate::worker::Scene;
use crate::yard::{RING, site, start};

/// The cell in which the walker of the fake vision process ends: 176 of 320, 190 of 240 pixels.
fn middle() -> usize {
    let place = |at: f64, count: u16| (at * f64::from(count)) as usize;
    place(190.0 / 240.0, HEAT_ROWS) * usize::from(HEAT_COLUMNS) + place(176.0 / 320.0, HEAT_COLUMNS)
}

#[test]
fn seconds_of_feet_and_beginnings_of_incidents_are_there_after_a_restart() {
    let site = site(RING, "restricted", "");
    let guard = start(&site, "");
    site.shows(Scene::FromLeft);
    let handle = guard.handle();
    let seen = wait_for("two seconds in the middle", || {
        let heat = handle.walk_desk().heat("yard", 24).expect("heat");
        (heat.seconds[middle()] >= 2).then_some(heat)
    });
    assert_eq!(seen.seconds.len(), 64 * 48);
    assert!(seen.seconds.iter().filter(|seconds| **seconds > 0).count() > 3, "the way there");
    let strange = handle.walk_desk().heat("pit", 24).expect_err("no such camera");
    assert!(matches!(strange, WalkDeskError::UnknownCamera { .. }));
    drop(handle);
    site.shows(Scene::Empty);
    wait_until(&guard, "nobody", |now| now.zones.iter().all(|zone| zone.incident.is_none()));
    guard.stop();

    let guard = start(&site, "");
    let heat = guard.handle().walk_desk().heat("yard", 168).expect("heat");
    assert!(heat.seconds[middle()] >= 2);
    let [incident] = heat.incidents.as_slice() else { panic!("{:?}", heat.incidents) };
    assert_eq!(incident.zone, "bay");
    assert!((0.3..0.6).contains(&incident.anchor_norm[0]), "{incident:?}");
    assert!(heat.from < incident.at && incident.at < heat.to);
    guard.stop();
}
