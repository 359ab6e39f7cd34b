//! Pictures made for trials and tests: a yard with walls, windows and gravel, seen from anywhere near, and the
//! noise of a sensor. Made of functions of the place, so that a shift by part of a pixel is exact.

use super::grey::Grey;

/// A number that looks random, 0 to 1, always the same for the same place.
fn hash(x: i64, y: i64, seed: u64) -> f64 {
    let mut v = (x as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (y as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F)
        ^ seed.wrapping_mul(0x1656_67B1_9E37_79F9);
    v ^= v >> 29;
    v = v.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    v ^= v >> 32;
    (v % 10_007) as f64 / 10_006.0
}

/// Smooth hills and valleys of this size in pixels, 0 to 1.
fn hills(x: f64, y: f64, size_px: f64, seed: u64) -> f64 {
    let (u, v) = (x / size_px, y / size_px);
    let (i, j) = (u.floor(), v.floor());
    let ease = |t: f64| t * t * (3.0 - 2.0 * t);
    let (s, t) = (ease(u - i), ease(v - j));
    let (i, j) = (i as i64, j as i64);
    let upper = hash(i, j, seed) * (1.0 - s) + hash(i + 1, j, seed) * s;
    let lower = hash(i, j + 1, seed) * (1.0 - s) + hash(i + 1, j + 1, seed) * s;
    upper * (1.0 - t) + lower * t
}

/// Brightness of the yard at a place, levels.
fn at(x: f64, y: f64) -> f64 {
    40.0 + 90.0 * hills(x, y, 37.0, 1) + 60.0 * hills(x, y, 9.0, 2) + 30.0 * hills(x, y, 4.0, 3)
}

fn paint(width: usize, height: usize, level: impl Fn(f64, f64) -> f64) -> Grey {
    let level = &level;
    let row = |y: usize| (0..width).map(move |x| level(x as f64, y as f64).clamp(0.0, 255.0) as u8);
    Grey::new(width, height, (0..height).flat_map(row).collect()).expect("as many as there are")
}

/// The yard, everything in it moved by this much.
pub fn yard(width: usize, height: usize, right_px: f64, down_px: f64) -> Grey {
    paint(width, height, |x, y| at(x - right_px, y - down_px))
}

/// The yard turned clockwise about the picture's middle.
pub fn turned(width: usize, height: usize, degrees: f64) -> Grey {
    let (cx, cy) = (width as f64 / 2.0, height as f64 / 2.0);
    let (sin, cos) = degrees.to_radians().sin_cos();
    paint(width, height, |x, y| {
        let (x, y) = (x - cx, y - cy);
        at(x * cos + y * sin + cx, -x * sin + y * cos + cy)
    })
}

/// The yard through this much of a haze (0 none, 1 nothing else), of this brightness.
pub fn hazy(grey: &Grey, haze: f64, level: f64) -> Grey {
    let mix = |&y: &u8| (f64::from(y) * (1.0 - haze) + level * haze) as u8;
    Grey::new(grey.width_px(), grey.height_px(), grey.luma().iter().map(mix).collect())
        .expect("as many as before")
}

/// Each pixel the mean of those at most this far from it.
pub fn blurred(grey: &Grey, reach: usize) -> Grey {
    let (w, h) = (grey.width_px(), grey.height_px());
    let mean = |x: usize, y: usize| {
        let (mut sum, mut n) = (0u32, 0u32);
        for j in y.saturating_sub(reach)..(y + reach + 1).min(h) {
            for &v in &grey.row(j)[x.saturating_sub(reach)..(x + reach + 1).min(w)] {
                sum += u32::from(v);
                n += 1;
            }
        }
        (sum / n) as u8
    };
    let luma = (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).map(|(x, y)| mean(x, y)).collect();
    Grey::new(w, h, luma).expect("as many as before")
}

/// One flat thing over the left part of the picture.
pub fn covered(grey: &Grey, share: f64, level: u8) -> Grey {
    let edge = (grey.width_px() as f64 * share) as usize;
    let mut luma = grey.luma().to_vec();
    for row in luma.chunks_exact_mut(grey.width_px()) {
        row[..edge].fill(level);
    }
    Grey::new(grey.width_px(), grey.height_px(), luma).expect("as many as before")
}

/// With a sensor's noise of this standard deviation in levels; another `picture`, other noise.
pub fn noisy(grey: &Grey, sigma: f64, picture: u64) -> Grey {
    let spread =
        |i: i64| (0..3).map(|k| hash(i, k, picture + 100) - 0.5).sum::<f64>() * 2.0 * sigma;
    let luma = (0i64..)
        .zip(grey.luma())
        .map(|(i, &y)| (f64::from(y) + spread(i)).round().clamp(0.0, 255.0) as u8)
        .collect();
    Grey::new(grey.width_px(), grey.height_px(), luma).expect("as many as before")
}
