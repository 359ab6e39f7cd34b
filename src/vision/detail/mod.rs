//! Detail where the zones are: beside the whole picture, parts of it are looked at with more pixels.
//!
//! ```text
//! zones, calibration ─┐
//! boxes seen ─> heights ─> plan ─> whole picture, then its crops in turn ─> merge ─> detections
//!                                        ^ budget: only while nothing is late (live)
//! ```
//!
//! Terms: the **delivered** picture is what the source hands out, at its own size or a little less; a
//! **crop** is a part of it that is scaled for the model by itself. Crops take turns where there is
//! no time for all of them.
//!
//! The plan hangs on zones, calibration and boxes seen, never on time, so a replay is the same every
//! time. Only the budget knows time, and it is for live cameras alone.

pub mod alike;
pub mod budget;
pub mod heights;
pub mod merge;
pub mod plan;
pub mod turns;

use crate::clock;
use crate::engine::detection::{Detection, FrameSize, PixelBox};
use crate::link::{DetailZone, FedCloser};

use self::budget::Allow;
use self::heights::{Heights, News};
use self::plan::{Crop, Plan, Scene, TILES_PX};
use self::turns::Turns;
use super::inference::{Detected, Detector, ModelError};
use super::preprocess::scale::Scaler;
use super::preprocess::{Fit, PictureRef, TensorSize};

/// Boxes of crops are rounded to this fraction of a picture's pixel, as the decoder's are.
const GRID_PER_PX: f64 = 64.0;

/// The longest side of a delivered picture, pixels: full HD as it is; of larger pictures this much,
/// since each takes three bytes a pixel and a second and a half of them is kept for snapshots.
pub const DELIVERED_PX_MAX: u32 = 1920;

/// Smaller parts are for a box that is slow, not for one that was held up: so many pictures in a row.
const TOO_MUCH_MIN: u32 = 50;

/// What one camera's pictures are looked at with.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    zones: Vec<DetailZone>,
    heights: Heights,
    planned: Option<Planned>,
    scaler: Scaler,
    turns: Turns,
    /// How large tiles may be, a place in `TILES_PX`.
    tiles: usize,
    /// Pictures in a row for which not even a calm moment could have had time for all parts.
    too_much: u32,
    /// How the newest picture was looked at.
    fed: FedCloser,
}

#[derive(Clone, Debug)]
struct Planned {
    delivered: (usize, usize),
    plan: Plan,
}

/// Who decides whether there is time; offline there always is.
pub trait Clock {
    /// Whether to look at a crop of so many pixels of the model's input.
    fn allows(&mut self, cost_px: usize) -> Allow;

    /// Whether there can be time for it beside a whole picture even if nothing else is to be done.
    fn ever_allows(&self, cost_px: usize) -> Allow;

    /// The whole picture was looked at: pixels of input, nanoseconds.
    fn whole(&mut self, cost_px: usize, took_ns: u64);

    /// A crop was looked at.
    fn crop(&mut self, cost_px: usize, took_ns: u64);
}

/// Time without end: replays.
#[derive(Clone, Copy, Debug)]
pub struct Unhurried;

impl Clock for Unhurried {
    fn allows(&mut self, _cost_px: usize) -> Allow {
        Allow::Go
    }

    fn ever_allows(&self, _cost_px: usize) -> Allow {
        Allow::Go
    }

    fn whole(&mut self, _cost_px: usize, _took_ns: u64) {}

    fn crop(&mut self, _cost_px: usize, _took_ns: u64) {}
}

/// What was found, and how much of the plan was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    pub detected: Detected,
    /// Crops, or the whole picture with more pixels than usual.
    pub parts_planned: usize,
    pub parts_looked_at: usize,
    /// Pixels of the model's input in all.
    pub cost_px: usize,
}

impl Detail {
    pub fn new(zones: Vec<DetailZone>) -> Detail {
        Detail { zones, ..Detail::default() }
    }

    /// The zones from now on; what was learned of heights holds. The same ones change nothing.
    pub fn set_zones(&mut self, zones: Vec<DetailZone>) {
        if zones != self.zones {
            self.zones = zones;
            self.planned = None;
            self.tiles = 0;
        }
    }

    /// How large tiles may be from now on; the same changes nothing.
    fn set_tiles(&mut self, tiles: usize) {
        let tiles = tiles.min(TILES_PX.len() - 1);
        if tiles != self.tiles {
            self.tiles = tiles;
            self.planned = None;
        }
    }

    /// Another model looks from here on.
    pub fn plan_anew(&mut self) {
        self.planned = None;
        self.tiles = 0;
        self.too_much = 0;
    }

    /// How the newest picture was looked at, for whoever shall look at it alike.
    pub fn fed(&self) -> &FedCloser {
        &self.fed
    }

    /// Looks at a delivered picture; boxes come back in pixels of `source`.
    pub fn look(
        &mut self,
        detector: &mut Detector,
        picture: &PictureRef<'_>,
        source: FrameSize,
        clock: &mut impl Clock,
    ) -> Result<Looked, ModelError> {
        let plan = self.plan(detector, picture);
        let fit = detector.fit();
        let started_ns = clock::monotonic().as_nanos();
        let larger_fit = fit.with_long_side(plan.long_side_px);
        let cost_px = |fit: Fit| input_px(fit, picture);
        let more_px = cost_px(larger_fit).saturating_sub(cost_px(fit));
        let larger = match plan.long_side_px > long_side_px(fit, picture) {
            true => Some(clock.allows(more_px)),
            false => None,
        };
        let whole_fit = if larger == Some(Allow::Stop) { fit } else { larger_fit };
        let detected = self.whole(detector, picture, source, whole_fit)?;
        clock.whole(cost_px(whole_fit), detected.decoded_ns.saturating_sub(started_ns));
        let mut looked = Looked {
            detected,
            parts_planned: plan.crops.len() + usize::from(larger.is_some()),
            parts_looked_at: usize::from(larger == Some(Allow::Go)),
            cost_px: cost_px(whole_fit),
        };
        self.fed.planned = number(looked.parts_planned);
        self.fed.looked_at = (0..number(looked.parts_looked_at)).collect();
        self.look_closer(detector, picture, source, &plan, clock, &mut looked)?;
        let never = |cost_px: usize| clock.ever_allows(cost_px) == Allow::Stop;
        if plan.crops.iter().any(|crop| never(crop.cost_px(fit.tensor())))
            || (larger == Some(Allow::Stop) && never(more_px))
        {
            self.too_much += 1;
        } else {
            self.too_much = 0;
        }
        if self.too_much >= TOO_MUCH_MIN {
            self.too_much = 0;
            self.look_at_less(fit.tensor());
        }
        merge::sort(&mut looked.detected.detections);
        if self.heights.see(&looked.detected.detections, source) == News::Yes {
            self.planned = None;
        }
        Ok(looked)
    }

    /// Looks at the crops for which there is time.
    fn look_closer(
        &mut self,
        detector: &mut Detector,
        picture: &PictureRef<'_>,
        source: FrameSize,
        plan: &Plan,
        clock: &mut impl Clock,
        looked: &mut Looked,
    ) -> Result<(), ModelError> {
        let tensor = detector.fit().tensor();
        for turn in self.turns.next(plan.crops.len()) {
            let crop = plan.crops[turn];
            let cost_px = crop.cost_px(tensor);
            if clock.allows(cost_px) == Allow::Stop {
                continue;
            }
            let from_ns = clock::monotonic().as_nanos();
            let found = &mut looked.detected.detections;
            let Some(stages) = self.crop(detector, picture, source, crop, found)? else {
                continue;
            };
            looked.detected.inferred_ns = stages.inferred_ns;
            looked.detected.decoded_ns = clock::monotonic().as_nanos();
            clock.crop(cost_px, looked.detected.decoded_ns.saturating_sub(from_ns));
            self.turns.had(turn);
            self.fed.looked_at.push(number(turn));
            looked.parts_looked_at += 1;
            looked.cost_px += cost_px;
        }
        Ok(())
    }

    /// Smaller parts from now on, and no larger whole picture: there is never time for what was planned.
    /// A model of one size takes as long for a smaller part, and would need more of them.
    fn look_at_less(&mut self, tensor: TensorSize) {
        match tensor {
            TensorSize::Multiple(_) if self.tiles + 1 < TILES_PX.len() => {
                self.tiles += 1;
                self.planned = None;
            }
            TensorSize::Multiple(_) | TensorSize::Fixed { .. } => {}
        }
    }

    fn plan(&mut self, detector: &Detector, picture: &PictureRef<'_>) -> Plan {
        let delivered = (picture.width(), picture.height());
        if let Some(planned) = &self.planned
            && planned.delivered == delivered
        {
            return planned.plan.clone();
        }
        let zones = self.zones.iter().map(|zone| self.heights.known_in(zone)).collect();
        let tiles = u8::try_from(self.tiles).unwrap_or(u8::MAX);
        self.fed = FedCloser { zones, tiles, ..FedCloser::default() };
        let usual_px = long_side_px(detector.fit(), picture);
        let plan = plan::plan(&Scene {
            width_px: delivered.0,
            height_px: delivered.1,
            long_side_px: usual_px,
            long_side_px_max: match (self.tiles, detector.long_side_px_max()) {
                (0, Some(long_side_px_max)) => long_side_px_max,
                (_, _) => usual_px,
            },
            tensor: detector.fit().tensor(),
            zones: &self.zones,
            heights: &self.heights,
            tile_px_max: TILES_PX[self.tiles],
        });
        self.planned = Some(Planned { delivered, plan: plan.clone() });
        plan
    }

    fn whole(
        &mut self,
        detector: &mut Detector,
        picture: &PictureRef<'_>,
        source: FrameSize,
        fit: Fit,
    ) -> Result<Detected, ModelError> {
        let (width, height) = content(fit, picture);
        // Never the picture as it is: it may be many times as large as the model's input.
        let scaled = self.scaler.scale(picture, width, height);
        detector.detect_content(&scaled.ok_or(ModelError::Scale { width, height })?, source)
    }

    /// Looks at one crop and adds what it shows. `None`: it does not lie in the picture, so there was
    /// nothing to look at.
    fn crop(
        &mut self,
        detector: &mut Detector,
        picture: &PictureRef<'_>,
        source: FrameSize,
        crop: Crop,
        found: &mut Vec<Detection>,
    ) -> Result<Option<Detected>, ModelError> {
        let scaled = picture
            .part((crop.left, crop.top), (crop.width, crop.height))
            .and_then(|part| self.scaler.scale(&part, crop.content_width, crop.content_height));
        let size = FrameSize::new(crop.width as u32, crop.height as u32);
        let (Some(scaled), Some(size)) = (scaled, size) else {
            return Ok(None);
        };
        let mut detected = detector.detect_content(&scaled, size)?;
        let to_source = (
            source.width_px() / picture.width() as f64,
            source.height_px() / picture.height() as f64,
        );
        let seen = std::mem::take(&mut detected.detections);
        let seen = seen.into_iter().filter_map(|it| {
            let bounds = moved(it.bounds, crop, to_source)?;
            Some(Detection { bounds, ..it })
        });
        let whole = PixelBox::new(0.0, 0.0, crop.width as f64, crop.height as f64);
        if let Some(bounds) = whole.and_then(|whole| moved(whole, crop, to_source)) {
            let input_px = bounds.width() / crop.content_width as f64;
            merge::add(found, merge::Seen { bounds, input_px }, seen.collect(), source);
        }
        Ok(Some(detected))
    }
}

fn number(of: usize) -> u16 {
    u16::try_from(of).unwrap_or(u16::MAX)
}

/// From a crop's pixels to the source's.
fn moved(bounds: PixelBox, crop: Crop, (x, y): (f64, f64)) -> Option<PixelBox> {
    let grid = |value: f64| (value * GRID_PER_PX).round() / GRID_PER_PX;
    let left = grid((bounds.left() + crop.left as f64) * x);
    let top = grid((bounds.top() + crop.top as f64) * y);
    let right = grid((bounds.right() + crop.left as f64) * x);
    let bottom = grid((bounds.bottom() + crop.top as f64) * y);
    PixelBox::new(left, top, right - left, bottom - top)
}

/// Size of the whole picture's content for the model.
fn content(fit: Fit, picture: &PictureRef<'_>) -> (usize, usize) {
    size(picture).map_or((picture.width(), picture.height()), |size| {
        let geometry = fit.geometry(size);
        (geometry.content_width, geometry.content_height)
    })
}

fn input_px(fit: Fit, picture: &PictureRef<'_>) -> usize {
    fit.tensor().cost_px(content(fit, picture))
}

/// Longer side of the whole picture in the model's pixels.
fn long_side_px(fit: Fit, picture: &PictureRef<'_>) -> u32 {
    size(picture).map_or(1, |size| fit.long_side_px(size))
}

fn size(picture: &PictureRef<'_>) -> Option<FrameSize> {
    FrameSize::new(picture.width() as u32, picture.height() as u32)
}
