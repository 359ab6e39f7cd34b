//! A view that moved: told in time, and by how much.

use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;
use crate::integrity::Watch;
use crate::integrity::scenes::{noisy, turned, yard};
use crate::integrity::usual::Hour;

use super::{Camera, EVERY_MS, HEIGHT, SIGMA, TEN_PX, WIDTH, must_tell, scene};

#[test]
fn a_view_that_moved_by_ten_pixels_or_turned_is_told_within_five_seconds_and_as_nothing_else() {
    must_tell(&yard(WIDTH, HEIGHT, TEN_PX, 0.0), ViewFault::Moved, 5);
    must_tell(&yard(WIDTH, HEIGHT, 0.0, -TEN_PX), ViewFault::Moved, 5);
    must_tell(&turned(WIDTH, HEIGHT, 1.0), ViewFault::Moved, 5);
    must_tell(&yard(WIDTH, HEIGHT, 40.0, 12.0), ViewFault::Moved, 5);
}

#[test]
fn a_mast_that_sags_more_slowly_than_the_view_is_learned_is_found() {
    let mut camera = Camera { watch: Watch::new(), pictures: 0 };
    for _ in 0..100 {
        assert_eq!(camera.see(&scene()), vec![]);
    }
    let mut told = vec![];
    for i in 0..900 {
        let sag = f64::from(i) / 900.0 * 1.6 * TEN_PX;
        // Every tenth picture of the three minutes is drawn anew; the rest stands.
        let view = yard(WIDTH, HEIGHT, 0.0, (sag * 10.0).round() / 10.0);
        told = camera.see(&view);
        if !told.is_empty() {
            break;
        }
    }
    assert_eq!(told, [ViewFault::Moved]);
}

#[test]
fn a_camera_that_was_turned_while_nobody_looked_is_told_moved_and_by_how_much() {
    let known = Camera::known().watch.known();
    let turned = yard(WIDTH, HEIGHT, 3.0 * TEN_PX, -TEN_PX);
    let mut camera = Camera { watch: Watch::restored(known), pictures: 5_000 };
    let told = camera.first_told(&turned);
    assert!(
        told.is_some_and(|(fault, after)| fault == ViewFault::Moved && after.as_secs() < 5),
        "{told:?}"
    );
    for _ in 0..40 {
        camera.see(&turned);
    }
    let grey = noisy(&turned, SIGMA, 77);
    let at = Instant::from_millis(1_000_000 + camera.pictures * EVERY_MS);
    let look = camera.watch.look(grey.clone(), grey.tone(0, 0), at, Hour::new(12));
    let shift = look.shift.expect("it is known where it went");
    let off = (shift.right_px - 3.0 * TEN_PX).hypot(shift.down_px + TEN_PX);
    assert!(off < 0.3, "{shift:?}");
}

#[test]
fn from_the_first_word_on_a_view_that_was_knocked_aside_stands_where_it_stands() {
    let mut camera = Camera::known();
    let aside = yard(WIDTH, HEIGHT, 3.0 * TEN_PX, -TEN_PX);
    let mut told = None;
    for picture in 0..75 {
        let grey = noisy(&aside, SIGMA, camera.pictures);
        let look = camera.look(grey, (2.0, -1.0));
        if look.findings.is_empty() {
            continue;
        }
        told = told.or(Some(picture));
        let shift = look.shift.expect("it is known where it went");
        let off = (shift.right_px - 3.0 * TEN_PX).hypot(shift.down_px + TEN_PX);
        assert!(
            off < 0.5,
            "told at picture {told:?}, at picture {picture} it is said to be {shift:?}"
        );
    }
    assert!(told.is_some_and(|picture| picture < 25), "{told:?}");
}

#[test]
fn a_moved_view_is_right_once_it_was_accepted_and_moving_back_is_moving_again() {
    let mut camera = Camera::known();
    assert!(camera.first_told(&yard(WIDTH, HEIGHT, 2.0 * TEN_PX, 0.0)).is_some());
    camera.watch.accept();
    let moved = yard(WIDTH, HEIGHT, 2.0 * TEN_PX, 0.0);
    for _ in 0..60 {
        assert_eq!(camera.see(&moved), vec![]);
    }
    let back = camera.first_told(&scene());
    assert_eq!(back.map(|(fault, _)| fault), Some(ViewFault::Moved));
}
