//! Standstills as cameras, encoders and clocks make them, and what a restart knows of them.

use super::*;

const CELLS: usize = 40;

fn ms(ms: u64) -> Instant {
    Instant::from_millis(10_000 + ms)
}

/// Pictures every 200 ms; says when frozen is first told.
fn play(stillness: &mut Stillness, from: u64, changes: &[f32]) -> Option<u64> {
    let mut told = None;
    for (i, &level) in (0..).zip(changes) {
        let at = from + 200 * i;
        if stillness.look(&[level; CELLS], ms(at)).frozen == Frozen::Yes {
            told = told.or(Some(at - from));
        }
    }
    told
}

#[test]
fn a_noisy_camera_that_freezes_is_told_within_a_second() {
    let mut camera = Stillness::default();
    assert_eq!(play(&mut camera, 0, &[1.2; 100]), None);
    assert_eq!(play(&mut camera, 20_000, &[0.0; 10]), Some(400));
}

#[test]
fn a_frozen_picture_that_is_encoded_again_is_told_as_well() {
    let mut camera = Stillness::default();
    play(&mut camera, 0, &[1.2; 100]);
    let refined = [0.5, 0.3, 0.2, 0.1, 0.05, 0.0, 0.0];
    assert_eq!(play(&mut camera, 20_000, &refined), Some(400));
}

#[test]
fn somebody_who_moves_in_a_quiet_picture_is_no_freeze() {
    let mut camera = Stillness::default();
    play(&mut camera, 0, &[1.2; 100]);
    // Through a cell a second: as slowly as somebody far away who walks.
    for i in 0..100 {
        let mut cells = [0.1; CELLS];
        (cells[i / 5], cells[i / 5 + 1]) = (9.0, 4.0);
        assert_eq!(camera.look(&cells, ms(20_000 + 200 * i as u64)).frozen, Frozen::No);
    }
}

#[test]
fn a_camera_that_repeats_every_other_picture_is_not_frozen_until_it_stays_so() {
    let mut camera = Stillness::default();
    let twice: Vec<f32> = [1.0, 0.0].repeat(100);
    assert_eq!(play(&mut camera, 0, &twice), None);
    assert_eq!(play(&mut camera, 40_000, &[0.0; 20]), Some(800));
}

#[test]
fn a_camera_that_stands_still_ever_longer_is_told_after_ten_seconds_all_the_same() {
    let mut camera = Stillness::default();
    let mut at = 0;
    let mut play = |camera: &mut Stillness, changes: &[f32]| {
        let told = play(camera, at, changes);
        at += 200 * changes.len() as u64;
        told
    };
    assert_eq!(play(&mut camera, &[1.2; 100]), None);
    for still in [1, 4, 13, 40, 40, 40] {
        play(&mut camera, &[vec![0.0; still], vec![1.2; 10]].concat());
    }
    let told = play(&mut camera, &[0.0; 200]);
    assert_eq!(told, Some(9_800));
    // An hour later that is forgotten.
    for _ in 0..3 {
        play(&mut camera, &[1.2; 9_100]);
    }
    assert_eq!(play(&mut camera, &[0.0; 20]), Some(400));
}

#[test]
fn a_picture_that_stands_still_under_a_running_clock_is_frozen() {
    let mut camera = Stillness::default();
    play(&mut camera, 0, &[1.2; 100]);
    let told = (0..40u64).find(|i| {
        let mut cells = [0.0; CELLS];
        if i.is_multiple_of(5) {
            (cells[3], cells[4]) = (2.0, 5.0);
        }
        camera.look(&cells, ms(20_000 + 200 * i)).frozen == Frozen::Yes
    });
    assert!(told.is_some_and(|pictures| pictures * 200 <= 3_200), "{told:?}");
}

/// A picture of which two cells change every time; says after which time it is frozen.
fn play_clock(stillness: &mut Stillness, from: u64) -> Option<u64> {
    (0..40u64).map(|i| 200 * i).find(|after| {
        let mut cells = [0.0; CELLS];
        (cells[3], cells[4]) = (2.0, 5.0);
        stillness.look(&cells, ms(from + after)).frozen == Frozen::Yes
    })
}

#[test]
fn a_clock_that_ticks_with_every_picture_keeps_none_alive() {
    let mut camera = Stillness::default();
    play(&mut camera, 0, &[1.2; 100]);
    let told = play_clock(&mut camera, 20_000);
    assert!(told.is_some_and(|after| after <= 3_200), "{told:?}");
    // Nor after a start, whoever told it before; and one that changes is found to.
    let habit = camera.habit().expect("known");
    let mut again = Stillness::restored(habit);
    let told = play_clock(&mut again, 90_000);
    assert!(told.is_some_and(|after| after <= 3_200), "{told:?}");
    assert!(!again.has_changed());
    assert_eq!(play(&mut again, 100_000, &[1.2; 20]), None);
    assert!(again.has_changed());
}

fn habit(noise: f32, longest_ms: u64) -> Habit {
    let longest = Duration::from_millis(longest_ms);
    Habit { noise, longest, remembered: LONGEST_OVER }
}

#[test]
fn less_noise_than_half_of_what_was_restored_is_no_standstill_though_nobody_comes() {
    // At dusk the gain was up; now lamps are on.
    for noise in [0.9, 0.7, 0.3] {
        let mut camera = Stillness::restored(habit(2.0, 0));
        assert_eq!(play(&mut camera, 0, &[noise; 300]), None, "{noise}");
        // One that stands still is told all the same, then and later.
        assert!(play(&mut camera, 60_000, &[0.0; 6]).is_some_and(|after| after <= 1_000));
        assert_eq!(play(&mut camera, 61_200, &[noise; 300]), None, "{noise}");
        let mut at_once = Stillness::restored(habit(2.0, 0));
        assert_eq!(play(&mut at_once, 0, &[noise; 4]), None);
        let told = play(&mut at_once, 800, &[0.0; 6]);
        assert!(told.is_some_and(|after| after <= 1_000), "{told:?}");
    }
}

#[test]
fn nor_is_it_one_under_a_clock_that_alone_changes_by_as_much_as_the_picture_once_did() {
    for noise in [0.9, 0.7, 0.3] {
        let mut camera = Stillness::restored(habit(2.0, 0));
        let told = (0..300u64).find(|i| {
            let mut cells = [noise; CELLS];
            if i.is_multiple_of(5) {
                (cells[3], cells[4]) = (2.0, 5.0);
            }
            camera.look(&cells, ms(200 * i)).frozen == Frozen::Yes
        });
        assert_eq!(told, None, "{noise}");
        assert!(!camera.has_changed(), "{noise} is no proof against what was told before");
        let learned = camera.habit().expect("known").noise;
        assert!((learned - noise).abs() < 0.01, "{learned}");
        // One that stands still under its clock is told all the same.
        let told = play_clock(&mut camera, 60_000);
        assert!(told.is_some_and(|after| after <= 3_200), "{told:?}");
    }
}

#[test]
fn a_picture_that_stands_still_and_is_encoded_again_and_again_stays_frozen_after_a_restart() {
    for refined in [&[0.5, 0.3, 0.1, 0.0, 0.0][..], &[0.5, 0.4, 0.2, 0.1, 0.0, 0.0, 0.0, 0.0]] {
        let mut camera = Stillness::restored(habit(1.2, 0));
        let minute = refined.repeat(300 / refined.len());
        let told = play(&mut camera, 0, &minute);
        assert!(told.is_some_and(|after| after <= 1_200), "{told:?}");
        assert!(play(&mut camera, 60_000, &minute[..refined.len()]).is_some());
        assert!(!camera.has_changed(), "nor does it take back what was told before");
    }
}

#[test]
fn refining_without_end_is_no_sign_of_life_after_a_restart() {
    let mut camera = Stillness::restored(habit(1.2, 0));
    let told: Vec<_> = (0..600u64)
        .filter(|i| {
            let change = [0.05, 0.05, 0.05, 0.0][*i as usize % 4];
            camera.look(&[change; CELLS], ms(200 * i)).frozen == Frozen::Yes
        })
        .collect();
    assert!(told.iter().filter(|i| **i >= 150).count() > 400, "{told:?}");
    assert!(!camera.has_changed(), "nor does it take back what was told before");
}

#[test]
fn a_camera_that_freezes_under_its_clock_while_its_noise_is_in_doubt_is_told() {
    let mut camera = Stillness::restored(habit(2.0, 0));
    assert_eq!(play(&mut camera, 0, &[0.7; 60]), None);
    let told = play_clock(&mut camera, 12_000);
    assert!(told.is_some_and(|after| after <= 3_200), "{told:?}");
}

#[test]
fn of_an_unknown_camera_rounding_alone_is_no_sign_of_life() {
    let mut camera = Stillness::default();
    play(&mut camera, 0, &[0.01; 40]);
    assert!(!camera.has_changed());
    play(&mut camera, 8_000, &[1.2; 2]);
    assert!(camera.has_changed());
}

#[test]
fn a_long_standstill_is_forgotten_after_an_hour_however_often_the_process_is_restarted() {
    let mut camera = Stillness::default();
    let mut at = 0;
    play(&mut camera, at, &[1.2; 100]);
    at += 20_000;
    for still in [1, 4, 13] {
        play(&mut camera, at, &[vec![0.0; still], vec![1.2; 10]].concat());
        at += 200 * (still as u64 + 10);
    }
    let mut habit = camera.habit().expect("known");
    assert!(habit.longest > Duration::from_secs(2), "{habit:?}");
    // Every twenty minutes.
    for _ in 0..4 {
        at += 20_000;
        let mut again = Stillness::restored(habit);
        play(&mut again, at, &[1.2; 6_000]);
        at += 1_200_000;
        habit = again.habit().expect("known");
    }
    assert_eq!(habit.longest, Duration::ZERO);
    let told = play(&mut Stillness::restored(habit), at, &[0.0; 10]);
    assert_eq!(told, Some(600));
}

#[test]
fn what_was_restored_of_another_light_is_learned_over() {
    let by_day = habit(1.2, 0);
    let mut camera = Stillness::restored(by_day);
    // By night an encoder leaves every other second as it was.
    let night: Vec<f32> = [vec![1.2; 5], vec![0.0; 5]].concat().repeat(4);
    assert!(play(&mut camera, 0, &night).is_some(), "nobody knows yet");
    assert_eq!(play(&mut camera, 8_000, &night), None);
}

#[test]
fn the_time_in_which_a_camera_was_away_is_no_standstill() {
    let mut camera = Stillness::default();
    play(&mut camera, 0, &[1.2; 100]);
    assert_eq!(play(&mut camera, 80_000, &[0.0, 1.2, 1.2]), None);
    // Counted from the last change, at 80.4.
    assert_eq!(play(&mut camera, 81_000, &[0.0; 10]), Some(200));
}

#[test]
fn a_picture_without_noise_stands_still_as_long_as_it_will_before_it_is_known() {
    let mut drawn = Stillness::default();
    assert_eq!(play(&mut drawn, 0, &[0.0; 300]), None);
}
