//! STUB, to be replaced as a whole: where the ground is in the picture. It knows nothing yet, so
//! everything that needs the ground behaves as if the camera were not calibrated.

/// A calibrated ground plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Ground {
    residual_m: f64,
}

impl Ground {
    /// Metres on the ground of a point of the picture; `None` at or above the horizon.
    pub fn metres(&self, _image_norm: (f64, f64)) -> Option<(f64, f64)> {
        None
    }

    /// The point of the picture of a place on the ground.
    pub fn image(&self, _ground_m: (f64, f64)) -> Option<(f64, f64)> {
        None
    }

    /// Where the head of somebody standing there is.
    pub fn head_norm(&self, _foot_norm: (f64, f64), _height_m: f64) -> Option<(f64, f64)> {
        None
    }

    /// Where somebody whose head is there stands.
    pub fn foot_from_head(&self, _head_norm: (f64, f64), _height_m: f64) -> Option<(f64, f64)> {
        None
    }

    /// How tall somebody standing there is, as a fraction of the frame's height.
    pub fn expected_height_norm(&self, _foot_norm: (f64, f64), _height_m: f64) -> Option<f64> {
        None
    }

    /// How far the calibration is off, root mean square.
    pub fn residual_m(&self) -> f64 {
        self.residual_m
    }
}
