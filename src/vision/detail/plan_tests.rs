//! What is looked at closer, and what is not.

use super::*;
use crate::vision::detail::heights::Heights;

fn zone(top_norm: f64, bottom_norm: f64, person_norm: Vec<f64>) -> DetailZone {
    DetailZone { left_norm: 0.2, top_norm, right_norm: 0.5, bottom_norm, person_norm }
}

fn planned(width_px: usize, height_px: usize, zones: &[DetailZone]) -> Plan {
    plan(&Scene { zones, ..scene(width_px, height_px, &Heights::default()) })
}

fn scene(width_px: usize, height_px: usize, heights: &Heights) -> Scene<'_> {
    Scene {
        width_px,
        height_px,
        long_side_px: 640,
        long_side_px_max: 1280,
        tensor: TensorSize::Multiple(32),
        zones: &[],
        heights,
        tile_px_max: TILES_PX[0],
    }
}

fn scale(crop: &Crop) -> f64 {
    crop.content_height as f64 / crop.height as f64
}

#[test]
fn large_people_need_no_detail() {
    // 0.2 of 1080 lines are 216 px, 72 for the model.
    let plan = planned(1920, 1080, &[zone(0.5, 0.9, vec![0.2; 4])]);
    assert_eq!(plan, Plan { long_side_px: 640, crops: vec![] });
}

#[test]
fn small_people_are_looked_at_so_that_they_are_as_high_as_the_model_needs() {
    // 0.06 of 1080 lines are 65 px, 22 for the model.
    let plan = planned(1920, 1080, &[zone(0.4, 0.45, vec![0.06; 4])]);
    assert_eq!(plan.long_side_px, 640);
    let [crop] = plan.crops.as_slice() else {
        panic!("{plan:?}");
    };
    assert!((scale(crop) * 0.06 * 1080.0 - RESOLVED_PX).abs() < 2.0, "{crop:?}");
}

#[test]
fn somebody_anywhere_in_the_zone_is_whole_in_the_crop() {
    let (top, bottom, person) = (0.4, 0.5, 0.06);
    let plan = planned(1920, 1080, &[zone(top, bottom, vec![person; 4])]);
    for foot_y in [top, bottom] {
        for foot_x in [0.2, 0.5] {
            let (x, y, high) = (foot_x * 1920.0, foot_y * 1080.0, person * 1.25 * 1080.0);
            let whole = |crop: &Crop| {
                let (left, top) = (crop.left as f64, crop.top as f64);
                let (right, bottom) = (left + crop.width as f64, top + crop.height as f64);
                left <= x - 0.2 * high && x + 0.2 * high <= right && top <= y - high && y <= bottom
            };
            assert!(plan.crops.iter().any(whole), "{foot_x} {foot_y} in {plan:?}");
        }
    }
}

#[test]
fn only_the_far_part_of_a_deep_zone_is_looked_at_closer() {
    let plan = planned(1920, 1080, &[zone(0.3, 0.9, vec![0.05, 0.2, 0.35, 0.5])]);
    let [crop] = plan.crops.as_slice() else {
        panic!("{plan:?}");
    };
    assert!(((crop.top + crop.height) as f64) < 0.5 * 1080.0, "{crop:?}");
}

#[test]
fn nothing_is_blown_up_beyond_twice_its_pixels() {
    for crop in planned(1920, 1080, &[zone(0.3, 0.33, vec![0.005; 4])]).crops {
        assert!(scale(&crop) < 2.1, "{crop:?}");
    }
}

#[test]
fn people_of_unknown_size_are_looked_at_with_the_picture_s_own_pixels() {
    let plan = planned(1920, 1080, &[zone(0.4, 0.5, vec![])]);
    assert!(!plan.crops.is_empty());
    assert!(plan.crops.iter().all(|crop| (scale(crop) - 1.0).abs() < 0.02), "{plan:?}");
    // A small picture has no more to show than its whole has.
    assert_eq!(planned(640, 480, &[zone(0.4, 0.5, vec![])]).crops, []);
}

#[test]
fn zones_next_to_each_other_share_a_crop_and_distant_ones_do_not() {
    let beside = |left: f64| DetailZone {
        left_norm: left,
        right_norm: left + 0.1,
        ..zone(0.4, 0.45, vec![0.06; 4])
    };
    assert_eq!(planned(1920, 1080, &[beside(0.2), beside(0.28)]).crops.len(), 1);
    assert_eq!(planned(1920, 1080, &[beside(0.05), beside(0.85)]).crops.len(), 2);
}

#[test]
fn the_whole_picture_is_taken_larger_where_that_costs_no_more_than_crops() {
    let everywhere =
        DetailZone { left_norm: 0.0, right_norm: 1.0, ..zone(0.1, 1.0, vec![0.07; 4]) };
    let plan = planned(768, 576, &[everywhere]);
    assert!(plan.crops.is_empty(), "{plan:?}");
    // 0.07 of 576 lines are 40 px; at 960 they are 50.
    assert_eq!(plan.long_side_px, 960);
}

#[test]
fn no_plan_has_more_crops_or_larger_ones_than_allowed() {
    let zones: Vec<DetailZone> = (0..10)
        .map(|n| DetailZone {
            left_norm: 0.1 * f64::from(n),
            right_norm: 0.1 * f64::from(n) + 0.05,
            ..zone(0.1 * f64::from(n % 3), 0.1 * f64::from(n % 3) + 0.5, vec![0.01; 4])
        })
        .collect();
    let plan = planned(3840, 2160, &zones);
    assert!(!plan.crops.is_empty());
    assert!(plan.crops.len() <= CROPS_MAX, "{}", plan.crops.len());
    for crop in &plan.crops {
        assert!(crop.content_width.max(crop.content_height) <= 660, "{crop:?}");
        assert!(crop.left + crop.width <= 3840 && crop.top + crop.height <= 2160, "{crop:?}");
    }
}

/// So many zones of people of unknown size, in a grid, none near another.
fn apart(count: usize) -> Vec<DetailZone> {
    let place = |n: usize| (0.02 + 0.25 * (n % 4) as f64, 0.1 + 0.22 * (n / 4) as f64);
    (0..count)
        .map(|n| DetailZone {
            left_norm: place(n).0,
            right_norm: place(n).0 + 0.02,
            ..zone(place(n).1, place(n).1 + 0.02, vec![])
        })
        .collect()
}

#[test]
fn however_many_zones_lie_apart_each_of_them_is_looked_at_closer() {
    for count in 1..=16 {
        let zones = apart(count);
        let plan = planned(1920, 1080, &zones);
        assert!(plan.crops.len() <= CROPS_MAX, "{count}: {plan:?}");
        for zone in &zones {
            let (x, y) = (zone.left_norm * 1920.0, zone.bottom_norm * 1080.0);
            let shown = |crop: &Crop| {
                (crop.left as f64..=(crop.left + crop.width) as f64).contains(&x)
                    && (crop.top as f64..=(crop.top + crop.height) as f64).contains(&y)
                    && scale(crop) >= 0.99 * GAIN_MIN * 640.0 / 1920.0
            };
            let larger = f64::from(plan.long_side_px) >= GAIN_MIN * 640.0;
            assert!(larger || plan.crops.iter().any(shown), "{count}: {zone:?} in {plan:?}");
        }
    }
}

#[test]
fn a_part_too_large_for_six_tiles_has_more_rather_than_none() {
    // 1280 px already for the whole picture: what is of use is 1600 and more.
    let everywhere =
        DetailZone { left_norm: 0.0, right_norm: 1.0, ..zone(0.3, 1.0, vec![0.02; 4]) };
    let heights = Heights::default();
    let scene = Scene { long_side_px: 1280, zones: &[everywhere], ..scene(1920, 1080, &heights) };
    assert!(!plan(&scene).crops.is_empty());
}

#[test]
fn on_a_slow_box_tiles_are_smaller_and_show_as_much() {
    let heights = Heights::default();
    let zones = [DetailZone { right_norm: 0.6, ..zone(0.4, 0.5, vec![]) }];
    for tile_px_max in TILES_PX {
        let scene = Scene { zones: &zones, tile_px_max, ..scene(1920, 1080, &heights) };
        let plan = plan(&scene);
        let right = plan.crops.iter().map(|crop| crop.left + crop.width).max();
        assert!(right >= Some(1152), "{plan:?}");
        for crop in &plan.crops {
            assert!(crop.content_width.max(crop.content_height) <= tile_px_max as usize + 2);
        }
    }
}

#[test]
fn tiles_overlap_by_a_person_and_cover_everything() {
    let cut = cuts(100.0, 2000.0, 640.0, 70.0);
    assert_eq!((cut[0].0, cut[cut.len() - 1].1), (100.0, 2000.0));
    for pair in cut.windows(2) {
        assert!((pair[0].1 - pair[1].0 - 70.0).abs() < 1e-9, "{pair:?}");
        assert!(pair[0].1 - pair[0].0 <= 640.0 + 1e-9);
    }
}

#[test]
fn a_model_of_one_size_gets_crops_that_fit_and_no_larger_whole() {
    let heights = Heights::default();
    for (width_px, height_px) in [(300, 300), (640, 384), (256, 512)] {
        let tensor = TensorSize::Fixed { width_px, height_px };
        for zones in [
            vec![zone(0.4, 0.45, vec![0.06; 4])],
            vec![zone(0.1, 0.9, vec![0.03; 8])],
            vec![zone(0.1, 0.15, vec![0.04; 8]), zone(0.8, 0.85, vec![0.04; 8])],
        ] {
            let long_side_px = width_px.min(height_px);
            let scene = Scene {
                long_side_px,
                long_side_px_max: long_side_px,
                tensor,
                zones: &zones,
                ..scene(1920, 1080, &heights)
            };
            let plan = plan(&scene);
            assert_eq!(plan.long_side_px, long_side_px);
            assert!(!plan.crops.is_empty(), "{tensor:?} {zones:?}");
            let (wide, high) = (width_px as usize, height_px as usize);
            for crop in &plan.crops {
                assert!(crop.content_width <= wide && crop.content_height <= high, "{crop:?}");
                // People are as wide and high as in the picture: nothing is stretched.
                let across = crop.content_width as f64 / crop.width as f64;
                assert!((across / scale(crop) - 1.0).abs() < 0.03, "{crop:?}");
                assert!(scale(crop) >= 1.2 * f64::from(long_side_px) / 1920.0, "{crop:?}");
            }
            if zones.len() == 2 {
                // Nothing between two zones that lie apart.
                let between = |it: &Crop| it.top < 540 && it.top + it.height > 540;
                assert!(!plan.crops.iter().any(between), "{tensor:?}: {:?}", plan.crops);
            }
            // Every run of the model takes the same time, whatever is in it.
            assert_eq!(plan.cost_px(&scene), (1 + plan.crops.len()) * wide * high);
        }
    }
}
