//! Golden pictures: people a model must find before it may guard anything.
//!
//! They catch what checksums cannot: a runtime, processor or provider on which the model computes
//! something else.

use image::DynamicImage;

use crate::engine::detection::{Detection, FrameSize, PixelBox};

use super::inference::{Detected, Detector, ModelError};
use super::package::{Golden, ModelPackage};
use super::preprocess::{Fit, PictureRef};
use super::still;

/// A golden picture, verified and decoded.
pub struct GoldenPicture {
    expected: Golden,
    picture: DynamicImage,
}

/// One of which nothing is left to do but to show it to the model.
pub struct ScaledGolden {
    expected: Golden,
    size: FrameSize,
    content: Vec<u8>,
    width: usize,
    height: usize,
}

/// All golden pictures of a package, each compared with its sha256.
pub fn read(package: &ModelPackage) -> Result<Vec<GoldenPicture>, ModelError> {
    each(package).collect()
}

/// The same one after the other, so that no more than one is held in memory.
pub fn each(
    package: &ModelPackage,
) -> impl Iterator<Item = Result<GoldenPicture, ModelError>> + '_ {
    package.manifest().golden.iter().map(|expected| {
        let bytes = package.read_verified(&expected.file, &expected.sha256)?;
        let picture = still::decode(&bytes)
            .map_err(|source| ModelError::GoldenPicture { file: expected.file.clone(), source })?;
        Ok(GoldenPicture { expected: expected.clone(), picture })
    })
}

impl GoldenPicture {
    /// Longer side of the content in pixels at which it is to be run; `None` at the only one.
    pub fn long_side_px(&self) -> Option<u32> {
        self.expected.long_side
    }

    /// Runs the model on the picture, at the size it is set to.
    pub fn detect(&self, detector: &mut Detector) -> Result<Option<Detected>, ModelError> {
        still::detect(detector, &self.picture)
    }

    /// Runs the model on the picture and compares.
    pub fn check(&self, detector: &mut Detector) -> Result<(), ModelError> {
        let Some(detected) = still::detect(detector, &self.picture)? else {
            return Ok(());
        };
        compare(&self.expected, &detected.detections)
    }

    /// Scaled for its package's model. `None` for a picture without pixels, in which nobody is.
    pub fn scaled(self, package: &ModelPackage) -> Option<ScaledGolden> {
        let size = FrameSize::new(self.picture.width(), self.picture.height())?;
        let fit = Fit::of(package.manifest().input.size);
        let fit = self.long_side_px().map_or(fit, |long_side_px| fit.with_long_side(long_side_px));
        let (content, width, height) = still::scaled(fit, &self.picture, size);
        Some(ScaledGolden { expected: self.expected, size, content, width, height })
    }
}

impl ScaledGolden {
    /// Runs the model on the picture, once, and compares.
    pub fn check(&self, detector: &mut Detector) -> Result<(), ModelError> {
        let (width, height) = (self.width, self.height);
        let content = PictureRef::new(&self.content, width, height, width * 3);
        let content = content.ok_or(ModelError::Scale { width, height })?;
        compare(&self.expected, &detector.detect_content(&content, self.size)?.detections)
    }
}

fn compare(expected: &Golden, found: &[Detection]) -> Result<(), ModelError> {
    let file = || expected.file.clone();
    for (n, must) in expected.must_find.iter().enumerate() {
        let [left, top, width, height] = must.bounds;
        let Some(bounds) = PixelBox::new(left, top, width, height) else {
            continue;
        };
        let overlaps = found.iter().map(|d| (d.bounds.iou(bounds), d.score.get()));
        let right = |&(iou, score): &(f64, f32)| iou >= must.min_iou && score >= must.min_score;
        if overlaps.clone().any(|overlap| right(&overlap)) {
            continue;
        }
        let best = overlaps.max_by(|a, b| a.0.total_cmp(&b.0));
        return Err(ModelError::GoldenNotFound {
            file: file(),
            person: n + 1,
            min_score: must.min_score,
            min_iou: must.min_iou,
            best: best.map_or("nothing".into(), |(iou, score)| {
                format!("score {score:.2}, overlap {iou:.2}")
            }),
        });
    }
    if let Some(most) = expected.max_detections_above {
        let got = found.iter().filter(|d| d.score.get() >= most.score).count();
        if got > most.count {
            return Err(ModelError::GoldenTooMany {
                file: file(),
                score: most.score,
                got,
                max: most.count,
            });
        }
    }
    Ok(())
}
