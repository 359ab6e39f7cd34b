//! How much a slow model has to compute to be so slow on the machine at hand.

use std::num::NonZeroU16;
use std::time::Duration;

use image::{DynamicImage, Rgb, RgbImage};
use standclear::clock;
use standclear::vision::inference::{Detector, GoldenCheck, Options};
use standclear::vision::package::ModelPackage;
use standclear::vision::still;

use crate::support;
use crate::support::hostile::{self, Harm, When};

/// Rounds of a slow model that take so long for a picture here and now, on one thread.
pub fn rounds_that_take(wanted: Duration) -> i64 {
    const TRIED: i64 = 200;
    let package = hostile::package("slow", 7, Harm::Slow { rounds: TRIED }, When::Light);
    let package = ModelPackage::open(package.dir()).expect("it is whole");
    let threads = NonZeroU16::MIN;
    let options = Options { threads, ..support::options(GoldenCheck::Skip) };
    let mut detector = Detector::load(&package, &options).expect("it loads");
    let light = DynamicImage::ImageRgb8(RgbImage::from_pixel(128, 64, Rgb([160; 3])));
    let mut look = || {
        let from = clock::monotonic();
        still::detect(&mut detector, &light).expect("it looks").expect("a picture");
        clock::monotonic().since(from)
    };
    // The first one warms up; what came between makes the others longer, never shorter.
    look();
    let least = (0..5).map(|_| look()).min().expect("five");
    (wanted.as_secs_f64() / least.as_secs_f64() * TRIED as f64) as i64
}
