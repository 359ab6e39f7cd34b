//! What R15 asks for, on a yard with the noise of a sensor: found in time, and nothing else told.

mod moved;
mod sizes;

use std::sync::OnceLock;
use std::time::Duration;

use crate::engine::time::Instant;
use crate::engine::view_fault::ViewFault;

use super::known::{Lately, resized};
use super::scenes::{blurred, covered, hazy, noisy, yard};
use super::usual::{Hour, Usual};
use super::watch::Look;
use super::{Grey, Known, Tone, Watch};

const WIDTH: usize = 256;
const HEIGHT: usize = 144;
const EVERY_MS: u64 = 200;
const SIGMA: f64 = 2.0;

/// Ten pixels of a full HD picture in this one.
const TEN_PX: f64 = 10.0 * WIDTH as f64 / 1920.0;

/// A camera, and what was told of it.
#[derive(Clone)]
struct Camera {
    watch: Watch,
    pictures: u64,
}

impl Camera {
    /// One that has looked at the yard for half a minute; nothing was told.
    fn known() -> Camera {
        static KNOWN: OnceLock<Camera> = OnceLock::new();
        let known = KNOWN.get_or_init(|| {
            let mut camera = Camera { watch: Watch::new(), pictures: 0 };
            let scene = scene();
            for _ in 0..150 {
                assert_eq!(camera.see(&scene), vec![]);
            }
            camera
        });
        known.clone()
    }

    /// The next picture: this scene, with noise.
    fn see(&mut self, scene: &Grey) -> Vec<ViewFault> {
        let grey = noisy(scene, SIGMA, self.pictures);
        self.see_exactly(grey, (2.0, -1.0))
    }

    /// The same, after some that nobody looks at: for what takes hours.
    fn see_later(&mut self, scene: &Grey) -> Vec<ViewFault> {
        self.pictures += 3;
        self.see(scene)
    }

    fn see_exactly(&mut self, grey: Grey, cast: (f32, f32)) -> Vec<ViewFault> {
        self.look(grey, cast).findings.iter().map(|finding| finding.fault).collect()
    }

    fn look(&mut self, grey: Grey, cast: (f32, f32)) -> Look {
        let at = Instant::from_millis(1_000_000 + self.pictures * EVERY_MS);
        self.pictures += 1;
        let tone = Tone { cast, ..grey.tone(0, 0) };
        self.watch.look(grey, tone, at, Hour::new(12))
    }

    /// Looks at it for six seconds. What was told first, and after which time.
    fn first_told(&mut self, scene: &Grey) -> Option<(ViewFault, Duration)> {
        (1..=30).find_map(|picture| {
            let told = self.see(scene).first().copied()?;
            Some((told, Duration::from_millis(picture * EVERY_MS)))
        })
    }
}

fn scene() -> Grey {
    yard(WIDTH, HEIGHT, 0.0, 0.0)
}

fn must_tell(scene: &Grey, fault: ViewFault, within_s: u64) {
    let told = Camera::known().first_told(scene);
    let in_time =
        told.is_some_and(|(it, after)| it == fault && after.as_secs_f64() <= within_s as f64);
    assert!(in_time, "{fault:?} within {within_s} s: {told:?}");
}

#[test]
fn a_frozen_picture_is_told_within_a_second() {
    let mut camera = Camera::known();
    let frozen = noisy(&scene(), SIGMA, 7);
    let told =
        (1..=5).find(|_| camera.see_exactly(frozen.clone(), (2.0, -1.0)) == [ViewFault::Frozen]);
    assert!(told.is_some_and(|pictures| pictures * EVERY_MS <= 1000), "{told:?}");
}

#[test]
fn thirty_percent_covered_is_told_within_two_seconds() {
    must_tell(&covered(&scene(), 0.3125, 90), ViewFault::Covered, 2);
    must_tell(&covered(&scene(), 1.0, 90), ViewFault::Covered, 2);
}

#[test]
fn dark_bright_blurred_and_fogged_are_told_within_three_seconds() {
    must_tell(&hazy(&scene(), 0.9, 0.0), ViewFault::Dark, 3);
    must_tell(&hazy(&scene(), 0.8, 255.0), ViewFault::Overexposed, 3);
    must_tell(&hazy(&scene(), 0.7, 150.0), ViewFault::Blurred, 3);
    must_tell(&blurred(&scene(), 4), ViewFault::Blurred, 3);
}

#[test]
fn another_cameras_view_is_told_within_five_seconds() {
    must_tell(&yard(WIDTH, HEIGHT, 5000.0, 3000.0), ViewFault::WrongPicture, 5);
}

#[test]
fn a_colour_cast_is_told_and_a_camera_that_turns_grey_for_the_night_is_not() {
    let mut camera = Camera::known();
    for _ in 0..25 {
        let grey = noisy(&scene(), SIGMA, camera.pictures);
        assert_eq!(camera.see_exactly(grey, (0.0, 0.0)), vec![]);
    }
    let mut told = vec![];
    for _ in 0..25 {
        let grey = noisy(&scene(), SIGMA, camera.pictures);
        told = camera.see_exactly(grey, (30.0, -25.0));
    }
    assert_eq!(told, [ViewFault::Discoloured]);
}

/// Whether pictures with this cast are told.
fn is_discoloured(known: Known, cast: (f32, f32)) -> bool {
    let mut camera = Camera { watch: Watch::restored(known), pictures: 5_000 };
    let mut told = vec![];
    for _ in 0..25 {
        let grey = noisy(&scene(), SIGMA, camera.pictures);
        told = camera.see_exactly(grey, cast);
    }
    told == [ViewFault::Discoloured]
}

#[test]
fn a_restarted_process_tells_the_cast_that_the_one_before_told() {
    let known = Camera::known().watch.known();
    assert!(is_discoloured(known.clone(), (30.0, -25.0)));
    assert!(!is_discoloured(known.clone(), (2.0, -1.0)));
    // Where nothing is known of how it was lately, by what is usual at this hour.
    let mut usual = Usual::default();
    let tone = Tone { cast: (2.0, -1.0), ..scene().tone(0, 0) };
    (0..200).for_each(|_| usual.learn(Hour::new(12), &tone));
    let known = Known { lately: Lately::default(), usual, ..known };
    assert!(is_discoloured(known.clone(), (30.0, -25.0)));
    assert!(!is_discoloured(known, (2.0, -1.0)));
}

#[test]
fn lamps_that_came_on_before_a_restart_are_no_cast_where_they_burn_at_this_hour() {
    // Kept by daylight, started again by lamps.
    let known = Camera::known().watch.known();
    let mut usual = Usual::default();
    let by_lamps = Tone { cast: (-20.0, 25.0), ..scene().tone(0, 0) };
    (0..200).for_each(|_| usual.learn(Hour::new(12), &by_lamps));
    let known = Known { usual, ..known };
    assert!(!is_discoloured(known.clone(), by_lamps.cast));
    assert!(!is_discoloured(known.clone(), (2.0, -1.0)));
    assert!(is_discoloured(known, (30.0, -25.0)));
}

#[test]
fn a_picture_that_stands_still_under_a_running_clock_is_frozen_for_a_restarted_process_too() {
    let known = Camera::known();
    let again = Camera { watch: Watch::restored(known.watch.known()), pictures: 5_000 };
    for mut camera in [known, again] {
        let told = (1..=20).find(|tick| {
            let mut luma = noisy(&scene(), SIGMA, 7).into_luma();
            for row in luma.chunks_exact_mut(WIDTH).skip(4).take(8) {
                row[4..12].fill(40 + 20 * (tick % 8) as u8);
            }
            let grey = Grey::new(WIDTH, HEIGHT, luma).expect("as many as before");
            camera.see_exactly(grey, (2.0, -1.0)).contains(&ViewFault::Frozen)
        });
        assert!(told.is_some_and(|pictures: u64| pictures * EVERY_MS <= 4000), "{told:?}");
    }
}

#[test]
fn time_that_runs_backwards_is_told_and_two_swapped_pictures_are_not() {
    let mut camera = Camera::known();
    // Pictures 1, 3, 2, 4.
    camera.pictures -= 2;
    assert_eq!(camera.see(&scene()), vec![]);
    camera.pictures += 1;
    for _ in 0..10 {
        assert_eq!(camera.see(&scene()), vec![]);
    }
    let mut told = vec![];
    for _ in 0..3 {
        camera.pictures -= 2;
        told = camera.see(&scene());
    }
    assert_eq!(told, [ViewFault::TimeBackwards]);
}

#[test]
fn a_shaking_mast_a_passing_lorry_and_a_cloud_are_told_as_nothing() {
    let mut camera = Camera::known();
    for i in 0..40 {
        let shake = if i % 2 == 0 { 0.8 } else { -0.8 };
        assert_eq!(camera.see(&yard(WIDTH, HEIGHT, shake, -shake)), vec![], "shake {i}");
    }
    for i in 0..12 {
        let lorry = passing(&scene(), i * 24);
        assert_eq!(camera.see(&lorry), vec![], "lorry {i}");
    }
    for i in 0..40 {
        let dim = hazy(&scene(), 0.3 * (f64::from(i) / 10.0).min(1.0), 20.0);
        assert_eq!(camera.see(&dim), vec![], "cloud {i}");
    }
}

/// A lorry as wide as a third of the picture, its left end here.
fn passing(scene: &Grey, left: usize) -> Grey {
    let mut luma = scene.luma().to_vec();
    for row in luma.chunks_exact_mut(WIDTH).skip(HEIGHT / 3) {
        for (x, value) in row.iter_mut().enumerate().skip(left).take(WIDTH / 3) {
            *value = 60 + 12 * ((x - left) / 10 % 8) as u8;
        }
    }
    Grey::new(WIDTH, HEIGHT, luma).expect("as many as before")
}

#[test]
fn what_is_right_again_ends_and_is_told_no_more() {
    let mut camera = Camera::known();
    assert!(camera.first_told(&covered(&scene(), 0.4, 90)).is_some());
    let told: Vec<_> = (0..15).map(|_| camera.see(&scene())).collect();
    assert_eq!(told.last(), Some(&vec![]), "{told:?}");
}

#[test]
fn a_night_that_was_accepted_once_is_known_and_so_is_the_day_after_it() {
    let mut camera = Camera::known();
    let night = hazy(&scene(), 0.65, 40.0);
    assert!(camera.first_told(&night).is_some(), "the first night is news");
    camera.watch.accept();
    // Four minutes each: many times as long as a background takes to be learned over.
    for hours in 0..2 {
        for _ in 0..300 {
            assert_eq!(camera.see_later(&night), vec![], "night {hours}");
        }
        for _ in 0..300 {
            assert_eq!(camera.see_later(&scene()), vec![], "day {hours}");
        }
    }
    let told = camera.first_told(&covered(&scene(), 0.3125, 90));
    assert_eq!(told.map(|(fault, _)| fault), Some(ViewFault::Covered));
}

#[test]
fn a_view_that_came_behind_a_cover_is_another_one_and_the_one_before_is_forgotten() {
    let mut camera = Camera::known();
    let sheet = |i: u64| covered(&scene(), 1.0, 60 + 40 * (i % 3) as u8);
    let told: Vec<_> = (0..25).map(|i| camera.see(&sheet(i))).collect();
    assert_eq!(told.last(), Some(&vec![ViewFault::Covered]));
    // Behind it the camera was turned; somebody confirms what is there now.
    let other = yard(WIDTH, HEIGHT, 5000.0, 3000.0);
    camera.watch.accept();
    for _ in 0..100 {
        assert_eq!(camera.see(&other), vec![]);
    }
    let back = camera.first_told(&scene());
    assert_eq!(back.map(|(fault, _)| fault), Some(ViewFault::WrongPicture));
}

#[test]
fn a_view_that_is_not_its_reference_is_told_from_the_first_seconds_on() {
    let known = Known { reference: Some(scene()), ..Known::default() };
    let mut camera = Camera { watch: Watch::restored(known), pictures: 0 };
    let told = camera.first_told(&yard(WIDTH, HEIGHT, TEN_PX, 0.0));
    assert!(
        told.is_some_and(
            |(fault, after)| fault == ViewFault::Moved && after <= Duration::from_secs(5)
        ),
        "{told:?}"
    );
}

#[test]
fn a_picture_of_another_shape_is_the_wrong_picture() {
    let mut camera = Camera::known();
    let told = camera.first_told(&yard(HEIGHT, WIDTH, 0.0, 0.0));
    assert_eq!(told.map(|(fault, _)| fault), Some(ViewFault::WrongPicture));
}

#[test]
fn a_camera_that_starts_covered_is_told_and_one_that_starts_as_it_was_is_not() {
    let known = Camera::known().watch.known();
    let mut camera = Camera { watch: Watch::restored(known.clone()), pictures: 5_000 };
    for _ in 0..50 {
        assert_eq!(camera.see(&scene()), vec![]);
    }
    let mut camera = Camera { watch: Watch::restored(known), pictures: 5_000 };
    let told = camera.first_told(&covered(&scene(), 0.3125, 90));
    assert_eq!(told.map(|(fault, _)| fault), Some(ViewFault::Covered));
}

#[test]
fn a_box_that_starts_by_night_knows_the_night_it_has_seen_before() {
    let mut camera = Camera::known();
    let night = hazy(&scene(), 0.65, 40.0);
    assert!(camera.first_told(&night).is_some());
    camera.watch.accept();
    for _ in 0..160 {
        camera.see(&night);
    }
    for _ in 0..160 {
        assert_eq!(camera.see(&scene()), vec![]);
    }
    let mut again = Camera { watch: Watch::restored(camera.watch.known()), pictures: 9_000 };
    for _ in 0..50 {
        assert_eq!(again.see(&night), vec![]);
    }
}

#[test]
fn a_kept_reference_is_scaled_to_another_size_and_of_another_shape_is_the_wrong_picture() {
    let known = Camera::known().watch.known();
    let larger = Known {
        reference: resized(&scene(), 2 * WIDTH, 2 * HEIGHT),
        background: resized(&scene(), 2 * WIDTH, 2 * HEIGHT),
        ..known.clone()
    };
    let mut camera = Camera { watch: Watch::restored(larger), pictures: 5_000 };
    for _ in 0..50 {
        assert_eq!(camera.see(&scene()), vec![]);
    }
    let told = camera.first_told(&yard(WIDTH, HEIGHT, 2.0 * TEN_PX, 0.0));
    assert_eq!(told.map(|(fault, _)| fault), Some(ViewFault::Moved));
    let upright = Known { reference: Some(yard(HEIGHT, WIDTH, 0.0, 0.0)), ..Known::default() };
    let mut camera = Camera { watch: Watch::restored(upright), pictures: 5_000 };
    let told = camera.first_told(&scene());
    assert_eq!(told.map(|(fault, _)| fault), Some(ViewFault::WrongPicture));
    camera.watch.accept();
    for _ in 0..60 {
        assert_eq!(camera.see(&scene()), vec![]);
    }
}

#[test]
fn the_reference_is_given_out_once_and_again_when_the_view_is_accepted() {
    let mut camera = Camera::known();
    assert!(camera.watch.newly_settled().is_some());
    assert!(camera.watch.newly_settled().is_none());
    camera.watch.accept();
    // Nothing was wrong with it and it is known: no need to learn it anew.
    assert!(camera.watch.newly_settled().is_some());
}

#[test]
fn whatever_flaps_before_the_lens_is_told_though_it_never_stands_still() {
    let mut camera = Camera::known();
    let told = (1..=25).find(|i: &u64| {
        let sheet = covered(&scene(), 1.0, 60 + 40 * (i % 3) as u8);
        camera.see(&sheet).contains(&ViewFault::Covered)
    });
    assert!(told.is_some_and(|pictures| pictures * EVERY_MS <= 4_000), "{told:?}");
}

#[test]
fn fog_that_comes_more_slowly_than_the_view_is_learned_is_told() {
    let mut camera = Camera::known();
    // Ten minutes.
    let told = (0..750).find_map(|i| {
        let fog = hazy(&scene(), 0.8 * f64::from(i) / 750.0, 140.0);
        camera.see_later(&fog).first().copied()
    });
    assert_eq!(told, Some(ViewFault::Blurred));
    // The lens is wiped.
    for _ in 0..40 {
        camera.see(&scene());
    }
    assert_eq!(camera.see(&scene()), vec![]);
}

#[test]
fn evening_and_morning_are_told_as_nothing() {
    // One with contrast, and one of grey on grey.
    for plain in [0.0, 0.55] {
        let scene = hazy(&scene(), plain, 150.0);
        let mut camera = Camera { watch: Watch::new(), pictures: 0 };
        for _ in 0..150 {
            assert_eq!(camera.see(&scene), vec![]);
        }
        // To a fifth of the light: less than half of the level.
        let level = |light: f64| hazy(&scene, 1.0 - light.powf(1.0 / 2.2), 0.0);
        let evening = (0..500).map(|i| 1.0 - 0.8 * f64::from(i) / 500.0);
        for light in evening.clone().chain(evening.rev()) {
            assert_eq!(camera.see_later(&level(light)), vec![], "at {light} of {plain}");
        }
    }
}

#[test]
fn two_cameras_shown_in_turn_are_told_as_another_view() {
    let mut camera = Camera::known();
    let other = yard(WIDTH, HEIGHT, 5000.0, 3000.0);
    let told = (0..50u64).find(|i| {
        let shown = if i / 5 % 2 == 0 { &other } else { &scene() };
        camera.see(shown).contains(&ViewFault::WrongPicture)
    });
    assert!(told.is_some_and(|pictures| pictures * EVERY_MS <= 10_000), "{told:?}");
}

#[test]
fn one_step_back_of_the_clock_is_nothing_and_time_that_keeps_running_back_is_told() {
    let play = |dates: &[u64]| {
        let mut camera = Camera::known();
        dates.iter().copied().find(|ms| {
            let grey = noisy(&scene(), SIGMA, *ms);
            let at = Instant::from_millis(2_000_000 + ms);
            let tone = Tone { cast: (2.0, -1.0), ..grey.tone(0, 0) };
            !camera.watch.look(grey, tone, at, Hour::new(12)).findings.is_empty()
        })
    };
    assert_eq!(play(&[0, 200, 400, 150, 350, 550, 750]), None);
    assert!(play(&[2000, 1800, 1600, 1400, 1200, 1000]).is_some());
}

#[test]
fn a_picture_too_small_to_judge_is_the_wrong_picture() {
    let mut camera = Camera { watch: Watch::new(), pictures: 0 };
    let told = camera.first_told(&yard(90, 60, 0.0, 0.0));
    assert_eq!(told.map(|(fault, _)| fault), Some(ViewFault::WrongPicture));
}

#[test]
fn a_dark_view_stays_dark_when_somebody_confirms_it_and_is_known_in_the_morning() {
    let mut camera = Camera::known();
    let black = hazy(&scene(), 0.97, 0.0);
    assert!(camera.first_told(&black).is_some());
    camera.watch.accept();
    for _ in 0..50 {
        assert_eq!(camera.see(&black), vec![ViewFault::Dark]);
    }
    for _ in 0..20 {
        camera.see(&scene());
    }
    for _ in 0..100 {
        assert_eq!(camera.see(&scene()), vec![]);
    }
    let told = camera.first_told(&covered(&scene(), 0.3125, 90));
    assert_eq!(told.map(|(fault, _)| fault), Some(ViewFault::Covered));
}
