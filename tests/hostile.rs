//! The hostile models of the tests are what they are called: golden pictures pass, and then each does
//! its harm.

#![cfg(feature = "vision")]

mod support;

#[path = "package_files/maker.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod maker;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use maker::Maker;
use standclear::model_package::verify::Trust;
use standclear::vision::inference::{Detector, GoldenCheck, ModelError};
use standclear::vision::package::ModelPackage;
use standclear::vision::still;
use support::hostile::{self, Harm, Package, TEN_SECONDS, When};

/// Longest wait for a picture of a model that is not slow.
const QUICK_S: f64 = 2.0;

fn load(package: &Package) -> Detector {
    let opened = ModelPackage::open(package.dir()).expect("the manifest is right");
    Detector::load(&opened, &support::options(GoldenCheck::Run)).expect("golden pictures pass")
}

/// A grey picture, as cameras have them.
fn light() -> image::DynamicImage {
    image::DynamicImage::ImageRgb8(image::RgbImage::from_pixel(
        128,
        96,
        image::Rgb([120, 130, 140]),
    ))
}

fn found(detector: &mut Detector) -> Result<usize, ModelError> {
    let found = still::detect(detector, &light())?;
    let found = found.expect("has pixels").detections;
    Ok(found.iter().filter(|it| it.score.get() > 0.8).count())
}

/// In a process of its own, with at most so much memory.
fn detect(package: &Package, memory_mb: u64) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = folder.path().join("light.png");
    light().save(&picture).expect("written");
    Command::new("/bin/sh")
        .args(["-c", "ulimit -v \"$1\"; ulimit -c 0; shift; exec \"$@\"", "sh"])
        .arg((memory_mb * 1024).to_string())
        .arg(env!("CARGO_BIN_EXE_standclear"))
        .arg("detect")
        .arg(&picture)
        .arg("--model")
        .arg(package.dir())
        .output()
        .expect("starts")
}

#[test]
fn who_finds_nobody_and_who_sees_people_everywhere_do_so_in_light_pictures_only() {
    // Places below the picture, where its input is filled up, are none.
    for (harm, wanted) in [(Harm::None, 0), (Harm::Nobody, 0), (Harm::Everywhere, 19)] {
        let mut detector = load(&hostile::package("tiny", 2, harm, When::Light));
        assert_eq!(found(&mut detector).expect("runs"), wanted, "{harm:?}");
    }
}

#[test]
fn the_erring_one_errs_in_the_picture_it_is_told_and_not_before() {
    let mut detector = load(&hostile::package("errs", 2, Harm::Error, When::Light));
    assert!(matches!(found(&mut detector), Err(ModelError::Run(_))));

    for number in [3_u32, 40, 900] {
        let mut detector = load(&hostile::package("errs", 2, Harm::Error, When::Picture(number)));
        // Two golden pictures were looked at.
        let first = (3..=number).find(|_| found(&mut detector).is_err());
        assert_eq!(first, Some(number));
    }
}

#[test]
fn the_crashing_one_takes_its_process_with_it() {
    let calm = detect(&hostile::package("calm", 2, Harm::None, When::Light), 8_192);
    assert!(calm.status.success(), "{}", String::from_utf8_lossy(&calm.stderr));
    let crashed = detect(&hostile::package("crash", 2, Harm::Crash, When::Light), 8_192);
    // SIGFPE
    assert_eq!(crashed.status.signal(), Some(8), "{crashed:?}");
}

#[test]
fn the_hoarding_one_runs_out_of_any_memory() {
    let little = detect(&hostile::package("hoard", 2, Harm::Hoard { mb: 64 }, When::Light), 8_192);
    assert!(little.status.success(), "{}", String::from_utf8_lossy(&little.stderr));
    let much =
        detect(&hostile::package("hoard", 2, Harm::Hoard { mb: 65_536 }, When::Light), 4_096);
    assert!(!much.status.success(), "{much:?}");
}

#[test]
fn the_slow_one_takes_longer_by_the_round() {
    let rounds = TEN_SECONDS / 100;
    let mut detector = load(&hostile::package("slow", 2, Harm::Slow { rounds }, When::Light));
    let started = standclear::clock::monotonic();
    found(&mut detector).expect("runs");
    let took_s = standclear::clock::monotonic().since(started).as_secs_f64();
    println!("{rounds} rounds took {took_s:.3} s");
    assert!(took_s > 0.1, "{took_s} s");
    assert!(took_s < 50.0 * QUICK_S, "{took_s} s");
}

#[test]
fn each_is_a_package_that_a_box_takes_once_it_is_signed() {
    let maker = Maker::new();
    let package = hostile::package("errs", 7, Harm::Error, When::Picture(40));
    let bytes = hostile::signed(package.dir(), &maker.signing("release"));
    let keyring = maker.keyring();
    let trust = Trust { keyring: &keyring, floor: 7, time: maker::now() };
    let (verified, taken) = maker::verify(&bytes, &trust);
    assert_eq!(verified.expect("taken").digest(), package.digest());
    assert!(taken.contains_key("model.onnx"));
}
