//! `standclear detect`: the model on still pictures, without zones, tracks or alarms.
//!
//! Nothing is written unless every picture was read: a list with a hole in it would be taken for a
//! list of empty pictures.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io::{self, Cursor};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use image::{DynamicImage, RgbImage};
use imageproc::drawing::{draw_filled_circle_mut, draw_hollow_rect_mut};
use imageproc::rect::Rect;
use serde::Serialize;

use crate::clock;
use crate::engine::detection::Detection;
use crate::engine::zone::ENTER_SCORE;
use crate::vision::inference::{Detector, GoldenCheck, ModelError, Options, Provider};
use crate::vision::package::ModelPackage;
use crate::vision::still;

use super::output::{Waiting, check, to_stdout, write_all};

/// The model that comes with the program.
pub const DEFAULT_MODEL: &str = "nanodet-g-416-int8";

/// Score from which a detection counts, the same as for entering a zone.
pub const DEFAULT_SCORE: f32 = ENTER_SCORE;

/// Most threads inside one inference: the model is too small to gain from more, and thousands
/// would only wait for each other.
const THREADS_MAX: u16 = 64;

/// Longest picture file read, in bytes.
const PICTURE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Find people in pictures.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// JPEG or PNG files.
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Model package: a folder or a name.
    #[arg(long, default_value = DEFAULT_MODEL)]
    model: String,
    /// Lowest score that counts, 0 to 1.
    #[arg(long, default_value_t = DEFAULT_SCORE, value_parser = parse_score)]
    score: f32,
    /// Longer side of the model's input in pixels; more finds smaller people and takes longer.
    #[arg(long, value_name = "PX")]
    long_side: Option<u32>,
    /// Threads inside one inference.
    #[arg(long, default_value = "2", value_parser = parse_threads)]
    threads: NonZeroU16,
    /// Execution provider: cpu, tensorrt, cuda, openvino, xnnpack.
    #[arg(long, default_value = "cpu")]
    provider: String,
    /// Write what was found as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write copies with boxes, foot points and scores into this folder.
    #[arg(long, value_name = "DIR")]
    draw: Option<PathBuf>,
}

/// Why `detect` stopped.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    #[error("{file} could not be read")]
    Read {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{file} has {bytes} bytes; at most {PICTURE_BYTES_MAX} are read")]
    TooLong { file: PathBuf, bytes: u64 },
    #[error("{file} is no JPEG or PNG picture that can be decoded")]
    Picture {
        file: PathBuf,
        #[source]
        source: image::ImageError,
    },
    #[error("{file} has no pixels")]
    Empty { file: PathBuf },
    #[error("{file} could not be looked at")]
    Model {
        file: PathBuf,
        #[source]
        source: ModelError,
    },
    #[error("{file} could not be written")]
    Write {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the annotated copy {file} could not be written")]
    Draw {
        file: PathBuf,
        #[source]
        source: image::ImageError,
    },
}

/// One picture in the JSON.
#[derive(Debug, Serialize)]
struct PictureRow {
    file: String,
    width: u32,
    height: u32,
    persons: Vec<PersonRow>,
}

#[derive(Debug, Serialize)]
struct PersonRow {
    /// Left, top, width, height in pixels of the picture.
    #[serde(rename = "box")]
    bounds: [f64; 4],
    score: f32,
}

/// Looks at all pictures, prints a line for each, and writes what was asked for.
pub fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let targets = match &args.draw {
        Some(folder) => {
            fs::create_dir_all(folder)
                .map_err(|source| DetectError::Write { file: folder.to_owned(), source })?;
            copies(folder, &args.pictures)
        }
        None => Vec::new(),
    };
    let outputs: Vec<Option<&Path>> =
        targets.iter().map(|t| Some(t.as_path())).chain([args.json.as_deref()]).collect();
    let inputs: Vec<&Path> = args.pictures.iter().map(PathBuf::as_path).collect();
    check(&outputs, &inputs)?;
    let package = ModelPackage::find(&args.model)?;
    let options = Options {
        threads: args.threads,
        long_side_px: args.long_side,
        provider: args.provider.parse::<Provider>()?,
        golden: GoldenCheck::Run,
    };
    let mut detector = Detector::load(&package, &options)?;
    // A picture that cannot be read is told before the first one is looked at; decoded again
    // below, because a thousand decoded pictures do not fit into memory.
    for file in &args.pictures {
        read(file)?;
    }
    let mut rows = Vec::new();
    let mut waiting = Vec::new();
    for (number, file) in args.pictures.iter().enumerate() {
        let picture = read(file)?;
        let row = look_at(&mut detector, file, &picture, args.score)?;
        if let Some(target) = targets.get(number) {
            waiting.push(draw(target, &picture, &row)?);
        }
        rows.push(row);
    }
    waiting.into_iter().try_for_each(Waiting::take_place)?;
    if let Some(file) = &args.json {
        let mut text = serde_json::to_vec_pretty(&rows)?;
        text.push(b'\n');
        write_all(&[(file, &text)])?;
    }
    Ok(())
}

/// A number of threads, for every command that has `--threads`.
pub fn parse_threads(text: &str) -> Result<NonZeroU16, String> {
    match text.parse::<NonZeroU16>() {
        Ok(threads) if threads.get() <= THREADS_MAX => Ok(threads),
        _ => Err(format!("a whole number from 1 to {THREADS_MAX} is wanted")),
    }
}

fn parse_score(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(score) if (0.0..=1.0).contains(&score) => Ok(score),
        _ => Err("a number from 0 to 1 is wanted".into()),
    }
}

fn read(file: &Path) -> Result<DynamicImage, DetectError> {
    let failed = |source| DetectError::Read { file: file.to_owned(), source };
    let bytes = fs::metadata(file).map_err(failed)?.len();
    if bytes > PICTURE_BYTES_MAX {
        return Err(DetectError::TooLong { file: file.to_owned(), bytes });
    }
    let bytes = fs::read(file).map_err(failed)?;
    still::decode(&bytes).map_err(|source| DetectError::Picture { file: file.to_owned(), source })
}

fn look_at(
    detector: &mut Detector,
    file: &Path,
    picture: &DynamicImage,
    score_min: f32,
) -> Result<PictureRow, Box<dyn Error>> {
    let started = clock::monotonic();
    let detected = still::detect(detector, picture)
        .map_err(|source| DetectError::Model { file: file.to_owned(), source })?;
    let took_ms = clock::monotonic().since(started).as_secs_f64() * 1e3;
    let detected = detected.ok_or_else(|| DetectError::Empty { file: file.to_owned() })?;
    let counts = |d: &&Detection| d.score.get() >= score_min;
    let persons: Vec<_> = detected.detections.iter().filter(counts).map(row).collect();
    let best = persons.first().map_or("-".to_owned(), |p| format!("{:.2}", p.score));
    let (name, count) = (file.display(), persons.len());
    to_stdout(|out| {
        writeln!(out, "{name}: {count} person(s), best score {best}, {took_ms:.1} ms")
    })?;
    Ok(PictureRow {
        file: file.display().to_string(),
        width: picture.width(),
        height: picture.height(),
        persons,
    })
}

fn row(detection: &Detection) -> PersonRow {
    let b = detection.bounds;
    PersonRow { bounds: [b.left(), b.top(), b.width(), b.height()], score: detection.score.get() }
}

/// Writes the annotated copy of one picture, still under a temporary name.
fn draw(
    target: &Path,
    picture: &DynamicImage,
    row: &PictureRow,
) -> Result<Waiting, Box<dyn Error>> {
    let mut copy = picture.to_rgb8();
    for person in &row.persons {
        annotate(&mut copy, person);
    }
    let mut bytes = Cursor::new(Vec::new());
    copy.write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|source| DetectError::Draw { file: target.to_owned(), source })?;
    Ok(Waiting::write(target, bytes.get_ref())?)
}

/// Where each picture's copy goes. Pictures of the same name from different folders get numbers.
fn copies(folder: &Path, pictures: &[PathBuf]) -> Vec<PathBuf> {
    let mut taken = BTreeSet::new();
    let name = |(number, picture): (usize, &PathBuf)| {
        let stem = picture.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut name = format!("{stem}.png");
        if !taken.insert(name.clone()) {
            name = format!("{stem}-{}.png", number + 1);
            taken.insert(name.clone());
        }
        folder.join(name)
    };
    pictures.iter().enumerate().map(name).collect()
}

const BOX_COLOUR: image::Rgb<u8> = image::Rgb([255, 214, 0]);
const FOOT_COLOUR: image::Rgb<u8> = image::Rgb([255, 48, 48]);

fn annotate(picture: &mut RgbImage, person: &PersonRow) {
    let [left, top, width, height] = person.bounds;
    let rect =
        Rect::at(left as i32, top as i32).of_size((width as u32).max(1), (height as u32).max(1));
    draw_hollow_rect_mut(picture, rect, BOX_COLOUR);
    let foot = (left + width / 2.0, top + height);
    draw_filled_circle_mut(picture, (foot.0 as i32, foot.1 as i32), 3, FOOT_COLOUR);
    write_score(picture, rect.left() + 2, rect.top() + 2, person.score);
}

/// Digits 0–9 as five rows of three dots, highest bit left: two digits need no font file.
const DIGITS: [[u8; 5]; 10] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 7, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 2, 2, 2],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
];

/// The score in hundredths, each dot two pixels wide.
fn write_score(picture: &mut RgbImage, left: i32, top: i32, score: f32) {
    let hundredths = ((score * 100.0).round() as usize).min(99);
    for (n, digit) in [hundredths / 10, hundredths % 10].into_iter().enumerate() {
        for (row, dots) in DIGITS[digit].into_iter().enumerate() {
            for column in (0..3).filter(|column| dots >> (2 - column) & 1 == 1) {
                let x = left + 2 * (4 * n as i32 + column);
                let y = top + 2 * row as i32;
                for (x, y) in [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)] {
                    let inside = x >= 0 && y >= 0;
                    if let Some(pixel) =
                        picture.get_pixel_mut_checked(x as u32, y as u32).filter(|_| inside)
                    {
                        *pixel = BOX_COLOUR;
                    }
                }
            }
        }
    }
}
