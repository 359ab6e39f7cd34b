//! Pictures of a recording with the boxes of two models drawn into them.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use imageproc::drawing::draw_hollow_rect_mut;
use imageproc::rect::Rect;

use super::super::output::write_all;
use super::recordings::{Recording, Watched};
use crate::engine::detection::Detection;
use crate::engine::zone::ENTER_SCORE;
use crate::gate::quantization::Differs;
use crate::vision::offline::show_pictures;

const PARENT: Rgb<u8> = Rgb([40, 220, 60]);
const QUANTIZED: Rgb<u8> = Rgb([240, 50, 40]);

/// A folder or a picture that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PicturesError {
    #[error("the folder {} cannot be made", .path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} cannot be drawn", .path.display())]
    Draw {
        path: PathBuf,
        #[source]
        source: image::ImageError,
    },
}

/// Before an hour is spent on what is to lie in it.
pub fn make_folder(path: &Path) -> Result<(), PicturesError> {
    fs::create_dir_all(path)
        .map_err(|source| PicturesError::Folder { path: path.to_owned(), source })
}

/// Writes each picture that differs once; returns how many.
pub fn draw(
    folder: &Path,
    recordings: &[Recording],
    differ: &[Differs],
    parent: &[Watched],
    quantized: &[Watched],
) -> Result<usize, Box<dyn Error>> {
    let mut drawn = 0;
    for ((recording, parent), quantized) in recordings.iter().zip(parent).zip(quantized) {
        let of_this = differ.iter().filter(|one| one.clip == recording.name);
        let wanted: BTreeSet<u64> = of_this.map(|one| one.picture).collect();
        let mut outcome = Ok(());
        let mut show = |index: u64, scale: f64, mut picture: RgbImage| {
            for (watched, colour) in [(parent, PARENT), (quantized, QUANTIZED)] {
                let seen = watched.pictures.iter().find(|one| one.index == index);
                for detection in seen.iter().flat_map(|one| &one.detections) {
                    frame(&mut picture, detection, scale, colour);
                }
            }
            let path = folder.join(format!("{}-{index:06}.png", plain(&recording.name)));
            if outcome.is_ok() {
                outcome = write(&path, &picture);
                drawn += 1;
            }
        };
        show_pictures(&recording.video, &wanted, &mut show)?;
        outcome?;
    }
    Ok(drawn)
}

fn write(path: &Path, picture: &RgbImage) -> Result<(), Box<dyn Error>> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|source| PicturesError::Draw { path: path.to_owned(), source })?;
    Ok(write_all(&[(path, bytes.get_ref())])?)
}

/// Two lines where it would be evidence of an entry, one where it only holds somebody.
fn frame(picture: &mut RgbImage, detection: &Detection, scale: f64, colour: Rgb<u8>) {
    let of = detection.bounds;
    let side = |length: f64| (length * scale).round().clamp(-100_000.0, 100_000.0);
    let lines = if detection.score.get() >= ENTER_SCORE { 2 } else { 1 };
    for line in 0..lines {
        let (left, top) = (side(of.left()) as i32 - line, side(of.top()) as i32 - line);
        let width = (side(of.width()) as u32).max(1) + 2 * line as u32;
        let height = (side(of.height()) as u32).max(1) + 2 * line as u32;
        draw_hollow_rect_mut(picture, Rect::at(left, top).of_size(width, height), colour);
    }
}

/// Nothing of a recording's name leads out of the folder.
fn plain(name: &str) -> String {
    let keep = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' };
    name.chars().map(keep).collect()
}
