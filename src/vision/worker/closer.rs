//! Live: how each picture is looked at, and whether there is time to look closer.
//!
//! Not here: what is looked at closer (`detail`), and whose picture it is (`deadlines`).

use std::time::Duration;

use super::super::detail::budget::{Allow, Budget, Moment};
use super::super::detail::{Clock, DELIVERED_PX_MAX, Detail};
use super::super::inference::{Detected, Detector, ModelError};
use super::super::preprocess::{Delivery, Fit, PictureRef};
use super::inbox::Inbox;
use crate::clock;
use crate::engine::detection::FrameSize;
use crate::engine::time::Instant;
use crate::link::{CameraIndex, DetailChoice, DetailCut, DetailZone, FedCloser, WorkerConfig};

/// Over how many pictures it is counted what was looked at closer, before it is said.
const SAID_EVERY: u32 = 100;

/// How every camera is looked at.
pub enum Closer {
    /// The whole picture only.
    Off,
    Zones {
        cameras: Vec<Camera>,
        all_fps: f64,
    },
}

/// One camera that is looked at closer.
pub struct Camera {
    detail: Detail,
    budget: Budget,
    count: Count,
}

/// What was planned and looked at since it was last said.
#[derive(Default)]
struct Count {
    pictures: u32,
    planned: u32,
    looked_at: u32,
    said: Short,
    /// What the guard is still to be told.
    news: Option<Option<DetailCut>>,
}

/// Whether there was time for every crop.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Short {
    Yes,
    #[default]
    No,
}

impl Closer {
    pub fn new(config: &WorkerConfig) -> Closer {
        match config.detail {
            DetailChoice::Off => Closer::Off,
            DetailChoice::Zones => {
                let all_fps = config.cameras.iter().map(|camera| camera.fps).sum();
                let camera = || Camera {
                    detail: Detail::default(),
                    budget: Budget::new(all_fps),
                    count: Count::default(),
                };
                let cameras = config.cameras.iter().map(|_| camera()).collect();
                Closer::Zones { cameras, all_fps }
            }
        }
    }

    /// The pictures that sources are to hand out.
    pub fn fit(&self, fit: Fit) -> Fit {
        match self {
            Closer::Off => fit,
            Closer::Zones { .. } => {
                fit.delivering(Delivery::Own { long_side_px_max: DELIVERED_PX_MAX })
            }
        }
    }

    /// Another model looks from here on: other sizes, other times. What was seen of people's heights holds.
    pub fn another_model(&mut self) {
        if let Closer::Zones { cameras, all_fps } = self {
            for camera in cameras {
                camera.detail.plan_anew();
                camera.budget = Budget::new(*all_fps);
            }
        }
    }

    pub fn set_zones(&mut self, camera: CameraIndex, zones: Vec<DetailZone>) {
        if let Closer::Zones { cameras, .. } = self
            && let Some(camera) = cameras.get_mut(usize::from(camera))
        {
            camera.detail.set_zones(zones);
        }
    }

    /// The thread of the model did something else with this camera's picture, for so long.
    pub fn beside(&mut self, camera: CameraIndex, took: Duration) {
        if let Closer::Zones { cameras, .. } = self
            && let Some(camera) = cameras.get_mut(usize::from(camera))
        {
            camera.budget.beside(took);
        }
    }

    /// Whether there was time to look closer at a camera's zones, when that is news.
    pub fn news(&mut self, camera: CameraIndex) -> Option<Option<DetailCut>> {
        match self {
            Closer::Off => None,
            Closer::Zones { cameras, .. } => {
                cameras.get_mut(usize::from(camera))?.count.news.take()
            }
        }
    }

    /// Which parts of a camera's newest picture were looked at, for whoever looks at the same.
    pub fn fed(&self, camera: CameraIndex) -> Option<FedCloser> {
        match self {
            Closer::Off => None,
            Closer::Zones { cameras, .. } => {
                cameras.get(usize::from(camera)).map(|camera| camera.detail.fed().clone())
            }
        }
    }

    /// Finds people; boxes come back in pixels of `size`.
    pub fn look(
        &mut self,
        detector: &mut Detector,
        camera: CameraIndex,
        (picture, size, captured_ns): (&PictureRef<'_>, FrameSize, u64),
        inbox: &Inbox,
    ) -> Result<Detected, ModelError> {
        let Closer::Zones { cameras, .. } = self else {
            return detector.detect(picture, size);
        };
        let Some(closer) = cameras.get_mut(usize::from(camera)) else {
            return detector.detect(picture, size);
        };
        let mut live = Live {
            budget: &mut closer.budget,
            captured: Instant::from_nanos(captured_ns),
            started: clock::monotonic(),
            inbox,
        };
        let looked = closer.detail.look(detector, picture, size, &mut live)?;
        closer.count.add(camera, looked.parts_planned, looked.parts_looked_at);
        Ok(looked.detected)
    }
}

impl Count {
    fn add(&mut self, camera: CameraIndex, planned: usize, looked_at: usize) {
        let count = |crops: usize| u32::try_from(crops).unwrap_or(u32::MAX);
        self.pictures += 1;
        self.planned = self.planned.saturating_add(count(planned));
        self.looked_at = self.looked_at.saturating_add(count(looked_at));
        if self.pictures < SAID_EVERY {
            return;
        }
        let Count { planned, looked_at, said, .. } = *self;
        tracing::debug!(camera, planned, looked_at, "parts of the last {SAID_EVERY} pictures");
        let short = if looked_at < planned { Short::Yes } else { Short::No };
        let news = match (said, short) {
            (Short::No, Short::Yes) => Some(Some(DetailCut { looked_at, planned })),
            (Short::Yes, Short::No) => Some(None),
            (Short::Yes, Short::Yes) | (Short::No, Short::No) => None,
        };
        *self = Count { said: short, news, ..Count::default() };
    }
}

/// The budget, with what time it is.
struct Live<'a> {
    budget: &'a mut Budget,
    captured: Instant,
    started: Instant,
    inbox: &'a Inbox,
}

impl Clock for Live<'_> {
    fn allows(&mut self, cost_px: usize) -> Allow {
        let now = clock::monotonic();
        let due = self.inbox.first_due_ns(now).map(|due| Instant::from_nanos(due).since(now));
        self.budget.allows(
            cost_px,
            Moment {
                age: now.since(self.captured),
                busy: now.since(self.started),
                waiting_due_in: due,
            },
        )
    }

    fn ever_allows(&self, cost_px: usize) -> Allow {
        self.budget.ever_allows(cost_px)
    }

    fn whole(&mut self, cost_px: usize, took_ns: u64) {
        self.budget.whole(cost_px, Duration::from_nanos(took_ns));
    }

    fn crop(&mut self, cost_px: usize, took_ns: u64) {
        self.budget.crop(cost_px, Duration::from_nanos(took_ns));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred pictures of which each should have three crops.
    fn hundred(count: &mut Count, looked_at: usize) -> Option<Option<DetailCut>> {
        for n in 0..SAID_EVERY {
            assert_eq!(count.news.take(), None, "{n}");
            count.add(0, 3, looked_at);
        }
        count.news.take()
    }

    #[test]
    fn that_small_people_are_not_looked_for_everywhere_is_said_once_and_so_is_its_end() {
        let mut count = Count::default();
        assert_eq!(hundred(&mut count, 3), None);
        assert_eq!(hundred(&mut count, 1), Some(Some(DetailCut { looked_at: 100, planned: 300 })));
        assert_eq!(hundred(&mut count, 2), None);
        assert_eq!(hundred(&mut count, 3), Some(None));
        assert_eq!(hundred(&mut count, 3), None);
    }
}
