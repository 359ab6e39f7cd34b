//! Places in metres: the plane, its calibration, the set-back, the approach and plausible sizes.

#[path = "ground/approach.rs"]
mod approach;
#[path = "ground/camera.rs"]
mod camera;
#[path = "ground/fit.rs"]
mod fit;
#[path = "ground/footage.rs"]
mod footage;
#[path = "ground/noise.rs"]
mod noise;
#[path = "ground/plane.rs"]
mod plane;
#[path = "ground/plausible.rs"]
mod plausible;
#[path = "ground/setback.rs"]
mod setback;
