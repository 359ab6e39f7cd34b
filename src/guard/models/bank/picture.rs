//! From a camera's picture to an example: what nobody may see is black, and how its surroundings look
//! is known. And back, to what everybody may see of it.

use std::time::Duration;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageReader, Limits, RgbImage};

use super::by_model;
use crate::config::Privacy;
use crate::engine::Verdict;
use crate::engine::time::Instant;
use crate::engine::zone::HOLD_SCORE;
use crate::gate::retention::{DifferenceHash, HASH_COLUMNS, HASH_ROWS};
use crate::guard::handle::Person;
use crate::guard::handle::shadowing::CaseBox;
use crate::hiding::covers::{Cover, overlap};
use crate::hiding::mosaic;
use crate::store::examples::KeptBox;
use crate::zone_file::Mask;

/// JPEG quality of what had to be encoded again: what a model learns from is to be what it would see.
const QUALITY: u8 = 92;

/// JPEG quality of what people look at.
const SHOWN_QUALITY: u8 = 80;

/// Longest side of a picture, pixels; a camera of 8K has half of it.
const SIDE_PX_MAX: u32 = 16_384;

/// Boxes of a picture; a crowd larger than this fills it.
const BOXES_MAX: usize = 256;

/// The surroundings of somebody are so many times as large as they are.
const SURROUNDINGS: f64 = 3.0;

/// Two boxes that overlap by so much are of the same person.
const SAME_IOU_MIN: f64 = 0.5;

/// A picture as it is kept.
#[derive(Debug)]
pub struct Developed {
    pub jpeg: Vec<u8>,
    pub size_px: (u32, u32),
    pub hash: DifferenceHash,
    /// What is to be hidden, JSON: left, top, width, height, and how many milliseconds before the
    /// picture somebody was there. `None`: everything.
    pub covers: Option<String>,
}

/// Makes an example of a picture. One in which nothing is masked stays byte for byte as it came.
pub fn develop(
    jpeg: &[u8],
    masks: &[Mask],
    covers: Option<&[Cover]>,
    boxes: &[KeptBox],
) -> image::ImageResult<Developed> {
    let mut canvas = decode(jpeg)?;
    let kept = if masks.is_empty() {
        jpeg.to_vec()
    } else {
        mosaic::black_out(&mut canvas, masks);
        encode(&canvas, QUALITY)?
    };
    Ok(Developed {
        jpeg: kept,
        size_px: canvas.dimensions(),
        hash: hash(&canvas, boxes),
        covers: covers.map(written),
    })
}

/// What everybody may see of an example.
pub fn shown(jpeg: Vec<u8>, covers: Option<&str>, privacy: Privacy) -> image::ImageResult<Vec<u8>> {
    if privacy == Privacy::Off {
        return Ok(jpeg);
    }
    let mut canvas = decode(&jpeg)?;
    // What was masked is black already.
    let nothing: &[Mask] = &[];
    match covers.and_then(read) {
        Some(covers) => mosaic::cover(&mut canvas, &covers, privacy, nothing),
        None => mosaic::cover_all(&mut canvas, nothing),
    }
    encode(&canvas, SHOWN_QUALITY)
}

fn decode(jpeg: &[u8]) -> image::ImageResult<RgbImage> {
    let mut reader = ImageReader::new(std::io::Cursor::new(jpeg));
    reader.set_format(image::ImageFormat::Jpeg);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_PX_MAX);
    limits.max_image_height = Some(SIDE_PX_MAX);
    reader.limits(limits);
    Ok(reader.decode()?.into_rgb8())
}

fn encode(canvas: &RgbImage, quality: u8) -> image::ImageResult<Vec<u8>> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality).encode_image(canvas)?;
    Ok(jpeg)
}

/// How the surroundings of the surest one look; of a picture without anybody, all of it.
fn hash(canvas: &RgbImage, boxes: &[KeptBox]) -> DifferenceHash {
    let (width, height) = canvas.dimensions();
    let surest = boxes.iter().max_by(|a, b| a.score.total_cmp(&b.score));
    let part = surest.map(|it| {
        let (middle_x, middle_y) = (it.left + it.width / 2.0, it.top + it.height / 2.0);
        let half = SURROUNDINGS / 2.0 * it.width.max(it.height * 0.5);
        let half_y = SURROUNDINGS / 2.0 * it.height;
        let px = |at: f64, size: u32| (at.clamp(0.0, 1.0) * f64::from(size)) as u32;
        let (left, right) = (px(middle_x - half, width), px(middle_x + half, width));
        let (top, bottom) = (px(middle_y - half_y, height), px(middle_y + half_y, height));
        (left, top, (right - left).max(1), (bottom - top).max(1))
    });
    let (left, top, part_width, part_height) = part.unwrap_or((0, 0, width, height));
    let left = left.min(width.saturating_sub(1));
    let top = top.min(height.saturating_sub(1));
    let part = imageops::crop_imm(canvas, left, top, part_width, part_height).to_image();
    let (columns, rows) = (HASH_COLUMNS as u32, HASH_ROWS as u32);
    let small = imageops::resize(&imageops::grayscale(&part), columns, rows, FilterType::Triangle);
    let mut grey = [[0; HASH_COLUMNS]; HASH_ROWS];
    for (x, y, pixel) in small.enumerate_pixels() {
        grey[y as usize][x as usize] = pixel.0[0];
    }
    DifferenceHash::of(&grey)
}

fn written(covers: &[Cover]) -> String {
    let one = |cover: &Cover| {
        let [left, top, width, height] = cover.bounds_norm;
        [left, top, width, height, cover.age.as_millis() as f64]
    };
    serde_json::json!(covers.iter().map(one).collect::<Vec<_>>()).to_string()
}

/// `None` for what other hands wrote: then everything is hidden.
fn read(text: &str) -> Option<Vec<Cover>> {
    let written: Vec<[f64; 5]> = serde_json::from_str(text).ok()?;
    let one = |[left, top, width, height, age_ms]: [f64; 5]| Cover {
        bounds_norm: [left, top, width, height],
        found_at: Instant::ZERO,
        age: Duration::from_millis(age_ms.clamp(0.0, 60_000.0) as u64),
    };
    Some(written.into_iter().map(one).collect())
}

/// Where the model saw people.
pub fn boxes_of(people: &[Person]) -> Vec<KeptBox> {
    let somebody = |it: &&Person| it.verdict == Verdict::Person && it.score >= HOLD_SCORE;
    let people = people.iter().filter(somebody).take(BOXES_MAX);
    people.filter_map(|it| within(it.bounds_norm, it.score)).collect()
}

/// Where either of two models saw somebody; whom both saw, as the active one did.
pub fn of_both(active: &[CaseBox], shadow: &[CaseBox]) -> Vec<KeptBox> {
    let bounds = |it: &CaseBox| [it.left_norm, it.top_norm, it.width_norm, it.height_norm];
    let alone = |it: &&CaseBox| {
        active.iter().all(|other| overlap(bounds(it), bounds(other)) < SAME_IOU_MIN)
    };
    let boxes = active.iter().chain(shadow.iter().filter(alone)).take(BOXES_MAX);
    boxes.filter_map(|it| within(bounds(it), it.score)).collect()
}

/// Whom the shadow model alone saw, faint ones left out.
pub fn alone(active: &[CaseBox], shadow: &[CaseBox]) -> Vec<KeptBox> {
    let bounds = |it: &CaseBox| [it.left_norm, it.top_norm, it.width_norm, it.height_norm];
    let alone = |it: &&CaseBox| {
        it.score >= HOLD_SCORE
            && active.iter().all(|other| overlap(bounds(it), bounds(other)) < SAME_IOU_MIN)
    };
    let alone = shadow.iter().filter(alone).take(BOXES_MAX);
    alone.filter_map(|it| within(bounds(it), it.score)).collect()
}

/// What of a box lies in the picture.
fn within([left, top, width, height]: [f64; 4], score: f32) -> Option<KeptBox> {
    let inside = |at: f64| at.clamp(0.0, 1.0);
    let (right, bottom) = (inside(left + width), inside(top + height));
    let (left, top) = (inside(left), inside(top));
    let whole = [left, top, right, bottom].into_iter().all(f64::is_finite) && score.is_finite();
    let some = whole && right > left && bottom > top;
    some.then(|| by_model([left, top, right - left, bottom - top], score.clamp(0.0, 1.0)))
}
