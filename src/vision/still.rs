//! Still pictures: decoding, turning upright, scaling for the model.
//!
//! Not here: video; its pictures are decoded and scaled in the GStreamer pipeline.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits, RgbImage};

use crate::engine::detection::FrameSize;

use super::inference::{Detected, Detector, ModelError};
use super::preprocess::{Fit, PictureRef};

/// Longest side of a still picture that is decoded: larger ones are no camera pictures, and would
/// take gigabytes.
const SIDE_PX_MAX: u32 = 16_384;

/// Most memory a picture may take while it is decoded.
const DECODE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// A JPEG or PNG as it is meant to be seen: turned as its EXIF orientation says.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, ImageError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_PX_MAX);
    limits.max_image_height = Some(SIDE_PX_MAX);
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Finds people in a still picture; boxes in its own pixels. `None` for a picture without pixels.
pub fn detect(
    detector: &mut Detector,
    picture: &DynamicImage,
) -> Result<Option<Detected>, ModelError> {
    let Some(size) = FrameSize::new(picture.width(), picture.height()) else {
        return Ok(None);
    };
    let (bytes, width, height) = scaled(detector.fit(), picture, size);
    match PictureRef::new(&bytes, width, height, width * 3) {
        Some(content) => detector.detect_content(&content, size).map(Some),
        None => Ok(None),
    }
}

/// A still picture of this size as the model's content: BGR bytes, width and height.
pub fn scaled(fit: Fit, picture: &DynamicImage, size: FrameSize) -> (Vec<u8>, usize, usize) {
    let geometry = fit.geometry(size);
    let (width, height) = (geometry.content_width, geometry.content_height);
    // Triangle averages over all source pixels when it shrinks: no aliasing at any ratio.
    let scaled =
        imageops::resize(&picture.to_rgb8(), width as u32, height as u32, FilterType::Triangle);
    (bgr(scaled), width, height)
}

fn bgr(picture: RgbImage) -> Vec<u8> {
    let mut bytes = picture.into_raw();
    for pixel in bytes.as_chunks_mut::<3>().0 {
        pixel.swap(0, 2);
    }
    bytes
}
