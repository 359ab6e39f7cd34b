//! A model that nobody knows yet: loaded, shown its golden pictures, and timed as this box would run it.
//!
//! Not here: limits of memory and time; whoever calls runs in a process of its own and has them.

use std::path::Path;
use std::time::Duration;

use crate::clock;

use super::golden;
use super::inference::{Detector, GoldenCheck, ModelError, Options};
use super::package::ModelPackage;

/// Runs before any is timed: the first ones make buffers.
const WARM_UP: usize = 5;

/// Pictures that are timed: two of them are the slowest hundredth.
const PICTURES: usize = 200;

/// A slow model is timed for no longer.
const TIMED_MAX: Duration = Duration::from_secs(30);

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Proof {
    NotLoadable { why: String },
    GoldenFailed { why: String },
    Right { p99_ms: f64, pictures: u32 },
}

/// Proves the model in a folder. Takes seconds.
pub fn prove(dir: &Path, options: &Options) -> Proof {
    let proved = ModelPackage::open(dir).map_err(ModelError::from).and_then(|package| {
        // As the vision process would.
        let long_side_px = package.manifest().input.size.allowed(options.long_side_px);
        let options = Options { golden: GoldenCheck::Run, long_side_px, ..options.clone() };
        let mut detector = Detector::load(&package, &options)?;
        timed(&package, &mut detector)
    });
    match proved {
        Ok(times_ms) => judged(times_ms),
        Err(error @ (ModelError::GoldenNotFound { .. } | ModelError::GoldenTooMany { .. })) => {
            Proof::GoldenFailed { why: error.to_string() }
        }
        Err(error) => Proof::NotLoadable { why: crate::telemetry::chain(&error) },
    }
}

/// What each picture takes, milliseconds: golden pictures at the size in which cameras' pictures come.
fn timed(package: &ModelPackage, detector: &mut Detector) -> Result<Vec<f64>, ModelError> {
    let pictures = golden::read(package)?;
    let began = clock::monotonic();
    let mut times_ms = Vec::with_capacity(PICTURES);
    for (run, picture) in pictures.iter().cycle().take(WARM_UP + PICTURES).enumerate() {
        let Some(detected) = picture.detect(detector)? else { continue };
        if run >= WARM_UP {
            let ns = detected.inferred_ns.saturating_sub(detected.preprocessed_ns);
            times_ms.push(ns as f64 / 1e6);
        }
        if clock::monotonic().since(began) > TIMED_MAX {
            break;
        }
    }
    Ok(times_ms)
}

fn judged(mut times_ms: Vec<f64>) -> Proof {
    times_ms.sort_by(f64::total_cmp);
    let at = (times_ms.len() * 99).div_ceil(100).saturating_sub(1);
    match times_ms.get(at) {
        Some(p99_ms) => Proof::Right { p99_ms: *p99_ms, pictures: times_ms.len() as u32 },
        None => {
            Proof::NotLoadable { why: "it has no golden picture that could be looked at".into() }
        }
    }
}
