//! Pictures of another size in the middle of a life, as where a model is loaded that wants larger ones.

use std::sync::OnceLock;

use super::super::known::scaled;
use super::*;

/// The camera's own picture: four to three, stored with rows that are too many by a twelfth.
const SOURCE: (usize, usize) = (704, 576);

/// What is looked at when a model wants pictures with this longer side, as the worker comes to it.
fn delivered(source: &Grey, long_px: usize) -> Grey {
    let height = (SOURCE.1 * long_px + SOURCE.0 / 2) / SOURCE.0;
    let picture = scaled(source, long_px, height).expect("it has pixels");
    let bytes: Vec<u8> = picture.luma().iter().flat_map(|&y| [y, y, y]).collect();
    Grey::from_bgr(bytes.chunks(long_px * 3), long_px).expect("whole").0
}

fn source() -> &'static Grey {
    static SOURCE_SEEN: OnceLock<Grey> = OnceLock::new();
    SOURCE_SEEN.get_or_init(|| yard(SOURCE.0, SOURCE.1, 0.0, 0.0))
}

/// A camera that has looked at these for a while; nothing was told.
fn knows(view: &Grey) -> Camera {
    let mut camera = Camera { watch: Watch::new(), pictures: 0 };
    for _ in 0..60 {
        assert_eq!(camera.see_later(view), vec![]);
    }
    camera
}

#[test]
fn a_model_that_wants_pictures_of_another_size_makes_no_view_the_wrong_one() {
    let now = delivered(source(), 640);
    assert_eq!((now.width_px(), now.height_px()), (416, 341));
    let mut camera = knows(&now);
    // One row less; much smaller; and back to what it was.
    for (long_px, size) in [(736, (416, 340)), (256, (256, 209)), (640, (416, 341))] {
        let view = delivered(source(), long_px);
        assert_eq!((view.width_px(), view.height_px()), size);
        for picture in 0..25 {
            assert_eq!(camera.see(&view), vec![], "picture {picture} for {long_px}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_view_is_told_in_another_size_too() {
    for long_px in [256, 736] {
        let mut camera = knows(&delivered(source(), 640));
        let view = delivered(source(), long_px);
        assert_eq!(camera.see(&view), vec![]);
        let told = camera.first_told(&covered(&view, 0.3125, 90));
        let in_time = told.is_some_and(|(fault, after)| {
            fault == ViewFault::Covered && after <= Duration::from_secs(2)
        });
        assert!(in_time, "for {long_px}: {told:?}");
    }
}

#[test]
fn a_picture_that_stands_still_is_told_in_another_size_too() {
    let mut camera = knows(&delivered(source(), 640));
    let frozen = noisy(&delivered(source(), 256), SIGMA, 7);
    let told =
        (1..=15).find(|_| camera.see_exactly(frozen.clone(), (2.0, -1.0)) == [ViewFault::Frozen]);
    assert!(told.is_some_and(|pictures| pictures * EVERY_MS <= 2_000), "{told:?}");
}
