//! Looks at the parts of a picture that another model has looked at.
//!
//! Two models are compared by what they tell, so one must not look closer than the other. The plan is made
//! of what the other one's was made of: its zones, the heights that were expected in them then, and how large
//! parts may be. A model of the same input then has the same plan, and looks at the parts that there was
//! time for, in their order. One of another input has its own plan for the same zones, and of that as many
//! parts.
//!
//! Not here: whether there is time. There was for the other one.

use super::budget::Allow;
use super::heights::Heights;
use super::{Clock, Detail, Looked};
use crate::engine::detection::FrameSize;
use crate::link::FedCloser;
use crate::vision::inference::{Detector, ModelError};
use crate::vision::preprocess::PictureRef;

/// One camera's pictures, after another model.
#[derive(Clone, Debug, Default)]
pub struct Alike(Detail);

impl Alike {
    /// Looks at a delivered picture as `like` says; boxes come back in pixels of `source`.
    pub fn look(
        &mut self,
        detector: &mut Detector,
        (picture, source): (&PictureRef<'_>, FrameSize),
        like: &FedCloser,
    ) -> Result<Looked, ModelError> {
        let Alike(detail) = self;
        detail.set_zones(like.zones.clone());
        detail.set_tiles(usize::from(like.tiles));
        // What this model sees of heights would make another plan of it.
        detail.heights = Heights::default();
        let crops = detail.plan(detector, picture).crops.len();
        if crops == usize::from(like.planned) {
            detail.turns.put_first(&like.looked_at, crops);
        }
        let all = like.looked_at.len() >= usize::from(like.planned);
        let mut left = Left(if all { usize::MAX } else { like.looked_at.len() });
        detail.look(detector, picture, source, &mut left)
    }
}

/// How many parts may be looked at still.
#[derive(Debug)]
struct Left(usize);

impl Clock for Left {
    fn allows(&mut self, _cost_px: usize) -> Allow {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                Allow::Go
            }
            None => Allow::Stop,
        }
    }

    fn ever_allows(&self, _cost_px: usize) -> Allow {
        Allow::Go
    }

    fn whole(&mut self, _cost_px: usize, _took_ns: u64) {}

    fn crop(&mut self, _cost_px: usize, _took_ns: u64) {}
}
