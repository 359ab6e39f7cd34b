//! Loading models: the first of an order that can be, and one more beside the one that looks.
//!
//! Each is verified, loaded and has found the people of its golden pictures before anything asks it
//! about a camera.

use std::num::NonZeroU16;
use std::thread;

use rustix::process::setpriority_process;

use super::super::golden;
use super::super::inference::{Detector, GoldenCheck, ModelError, Options, Provider};
use super::super::package::ModelPackage;
use super::super::preprocess::{CHANNELS, PictureRef};
use super::WorkerError;
use crate::engine::detection::FrameSize;
use crate::link::{ModelChoice, ModelInfo, PassedOver, WorkerConfig};
use crate::telemetry::chain;

/// The model that came with the program. The configured size of the input is meant for it: one that
/// comes later keeps its own size where it does not allow that one.
const SHIPPED: &str = "shipped";

/// `nice` of what must not take time from the model that looks: it gets a hundredth of what that one
/// does, where both want all, and is still done some time on a machine that is busy with other things.
const BESIDE_NICENESS: i32 = 10;

/// A model that may look.
pub struct Loaded {
    pub detector: Detector,
    pub info: ModelInfo,
    pub package: ModelPackage,
}

/// How models are loaded, from the configuration.
#[derive(Clone)]
pub struct Loading {
    threads: NonZeroU16,
    long_side_px: Option<u32>,
    provider: String,
}

impl Loading {
    pub fn of(config: &WorkerConfig) -> Result<Loading, WorkerError> {
        let count = config.threads;
        let threads = NonZeroU16::new(count).ok_or(WorkerError::Threads { count })?;
        let (long_side_px, provider) = (config.input_long_side_px, config.provider.clone());
        Ok(Loading { threads, long_side_px, provider })
    }

    /// The first of these that can be loaded; `told` hears of those that cannot, one by one.
    pub fn first(
        &self,
        order: &[ModelChoice],
        mut told: impl FnMut(PassedOver),
    ) -> Result<Loaded, WorkerError> {
        let mut passed_over = Vec::new();
        let mut last = None;
        for choice in order {
            match self.load(choice) {
                Ok(mut loaded) => {
                    loaded.info.passed_over = passed_over;
                    return Ok(loaded);
                }
                Err(error) => {
                    let reason = chain(&error);
                    let over = PassedOver { slot: choice.slot.clone(), reason };
                    told(over.clone());
                    passed_over.push(over);
                    last = Some(error);
                }
            }
        }
        match (last, passed_over.len()) {
            (None, _) => Err(WorkerError::NoModels),
            (Some(error), 1) => Err(WorkerError::Load(error)),
            (Some(_), _) => {
                let each = passed_over.iter().map(|over| format!("{}: {}", over.slot, over.reason));
                Err(WorkerError::NoneLoads { reasons: each.collect::<Vec<_>>().join("; ") })
            }
        }
    }

    fn load(&self, choice: &ModelChoice) -> Result<Loaded, ModelError> {
        let mut loaded = self.open(choice)?;
        loaded.detector.prove(&loaded.package)?;
        Ok(loaded)
    }

    /// Loads a model on a thread that takes no time from the others, and runs it once for each of these
    /// sizes of camera pictures, so that its first look is no slower than the next ones.
    pub fn beside(&self, choice: &ModelChoice, sizes: &[FrameSize]) -> Result<Loaded, ModelError> {
        // Threads of the model inherit what its loader has then, and could not get it back: with any,
        // only what comes after loading gives way.
        if self.threads == NonZeroU16::MIN {
            give_way();
        }
        let mut loaded = self.open(choice)?;
        give_way();
        loaded.detector.prove(&loaded.package)?;
        for size in sizes {
            let geometry = loaded.detector.fit().geometry(*size);
            let (width, height) = (geometry.content_width, geometry.content_height);
            let black = vec![0; width * height * CHANNELS];
            if let Some(content) = PictureRef::new(&black, width, height, width * CHANNELS) {
                loaded.detector.detect_content(&content, *size)?;
            }
        }
        Ok(loaded)
    }

    fn open(&self, choice: &ModelChoice) -> Result<Loaded, ModelError> {
        let package = ModelPackage::chosen(choice)?;
        let long_side_px = match choice.slot == SHIPPED {
            true => self.long_side_px,
            false => package.manifest().input.size.allowed(self.long_side_px),
        };
        let options = Options {
            threads: self.threads,
            long_side_px,
            provider: self.provider.parse::<Provider>()?,
            golden: GoldenCheck::Run,
        };
        let detector = Detector::open(&package, &options)?;
        let info = ModelInfo { slot: choice.slot.clone(), ..detector.info().clone() };
        Ok(Loaded { detector, info, package })
    }
}

/// The calling thread comes after all others from here on. A system that refuses leaves it as it is.
pub fn give_way() {
    let _ = setpriority_process(None, BESIDE_NICENESS);
}

/// Lets go of a model without keeping a camera waiting.
pub fn forget(loaded: Loaded) {
    let forget = move || {
        give_way();
        drop(loaded);
    };
    // Without a thread it is let go of here.
    let _ = thread::Builder::new().name("forget".into()).spawn(forget);
}

/// The golden pictures of a package, scaled, one after the other.
pub fn golden_pictures(
    package: &ModelPackage,
) -> impl Iterator<Item = Result<golden::ScaledGolden, ModelError>> + '_ {
    golden::each(package).filter_map(|picture| match picture {
        Ok(picture) => picture.scaled(package).map(Ok),
        Err(error) => Some(Err(error)),
    })
}
