//! Labels that come back. The file is from outside: bounded, looked at as a whole, and taken as a whole
//! or refused with the place and the reason.
//!
//! A picture is known by the name of its file, since programs that label give pictures numbers of their
//! own. What a program adds is passed over; what it says of pictures and boxes has to be right.

mod within;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use serde::Deserialize;

use self::within::{AtMost, Mark};
use super::in_pixels;
use crate::guard::models::bank::shelf::number_of;
use crate::store::examples::{DrawnBy, KeptBox, NewLabels, SaidLabel};

/// Largest file, bytes: a hundred thousand boxes have a quarter of it.
pub const IMPORT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Most pictures, boxes and categories of a file.
const IMAGES_MAX: usize = 100_000;
const ANNOTATIONS_MAX: usize = 400_000;
const CATEGORIES_MAX: usize = 10_000;

/// Most boxes of a picture.
const BOXES_MAX: usize = 1_000;

/// A box may reach so far beyond the picture, pixels: rounding, and no more.
const BEYOND_PX: f64 = 1.0;

/// Boxes that differ by less, in pixels, are the same: what is written out is rounded.
const SAME_PX: f64 = 0.01;

/// Why a file is refused, for people: where, and what would be right.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Bad {
    pub place: String,
    pub why: String,
}

fn bad(place: impl Into<String>, why: impl Into<String>) -> Bad {
    Bad { place: place.into(), why: why.into() }
}

#[derive(Deserialize)]
struct Coco {
    images: AtMost<Image, IMAGES_MAX>,
    annotations: AtMost<Annotation, ANNOTATIONS_MAX>,
    categories: AtMost<Category, CATEGORIES_MAX>,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
    width: u32,
    height: u32,
    /// Without it, a picture with boxes is one with somebody and one without is one with nobody.
    #[serde(default)]
    label: Mark,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    score: Option<f32>,
    by: Option<DrawnBy>,
}

/// Width and height of a picture, pixels.
pub type Size = (u32, u32);

/// What the file says of one picture.
#[derive(Debug)]
pub struct Labelled {
    /// The example, where its file is called as one's is.
    pub id: Option<u64>,
    place: String,
    size_px: Size,
    label: Said,
    boxes: Vec<([f64; 4], f32, DrawnBy)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Label(SaidLabel),
    /// It says that nothing was said.
    Nothing,
    ByBoxes,
}

/// Reads a whole file.
pub fn parse(from: &mut dyn Read) -> Result<Vec<Labelled>, Bad> {
    let mut text = Vec::new();
    from.take(IMPORT_BYTES_MAX + 1)
        .read_to_end(&mut text)
        .map_err(|error| bad("the file", format!("it cannot be read: {error}")))?;
    if text.len() as u64 > IMPORT_BYTES_MAX {
        let most = IMPORT_BYTES_MAX / (1024 * 1024);
        return Err(bad("the file", format!("it has more than {most} MB; split it")));
    }
    let coco: Coco = serde_json::from_slice(&text).map_err(|error| {
        bad(format!("line {}, column {}", error.line(), error.column()), error.to_string())
    })?;
    drop(text);
    let person = person_of(&coco.categories.0)?;
    let mut images = images_of(coco.images.0)?;
    for (index, annotation) in coco.annotations.0.into_iter().enumerate() {
        add(&mut images, person, annotation, &format!("annotations[{index}]"))?;
    }
    Ok(images.into_values().collect())
}

fn person_of(categories: &[Category]) -> Result<u64, Bad> {
    let people = categories.iter().filter(|it| it.name.eq_ignore_ascii_case("person"));
    let mut ids = people.map(|it| it.id);
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => Err(bad("categories", "none is called \"person\"")),
        (Some(_), Some(_)) => Err(bad("categories", "more than one is called \"person\"")),
    }
}

/// By the number that the file gives them, in its order of numbers.
fn images_of(images: Vec<Image>) -> Result<BTreeMap<u64, Labelled>, Bad> {
    let mut by_id = BTreeMap::new();
    let mut examples = BTreeSet::new();
    for (index, image) in images.into_iter().enumerate() {
        let place = format!("images[{index}]");
        let name = image.file_name.rsplit(['/', '\\']).next().unwrap_or_default();
        let id = number_of(name);
        if id.is_some_and(|id| !examples.insert(id)) {
            let why = format!("{name:?} stands there twice; once is right");
            return Err(bad(format!("{place}.file_name"), why));
        }
        let Mark::Said(label) = image.label else {
            let why = "\"true\", \"false\", \"unsure\" or null is right, or no label at all";
            return Err(bad(format!("{place}.label"), why));
        };
        let size_px = (image.width, image.height);
        let one = Labelled { id, place: place.clone(), size_px, label, boxes: Vec::new() };
        if by_id.insert(image.id, one).is_some() {
            let why = format!("{} is another picture's, too", image.id);
            return Err(bad(format!("{place}.id"), why));
        }
    }
    Ok(by_id)
}

fn add(
    images: &mut BTreeMap<u64, Labelled>,
    person: u64,
    annotation: Annotation,
    place: &str,
) -> Result<(), Bad> {
    let Annotation { image_id, category_id, bbox, score, by } = annotation;
    if category_id != person {
        let why = format!("{category_id} is not the category \"person\", which is {person}");
        return Err(bad(format!("{place}.category_id"), why));
    }
    let Some(image) = images.get_mut(&image_id) else {
        let why = format!("there is no picture {image_id} in this file");
        return Err(bad(format!("{place}.image_id"), why));
    };
    if image.label == Said::Label(SaidLabel::False) {
        let why = "its picture is labelled \"false\", nobody is there; take one of the two away";
        return Err(bad(place, why));
    }
    if image.boxes.len() == BOXES_MAX {
        return Err(bad(place, format!("its picture has more than {BOXES_MAX} boxes")));
    }
    let (width, height) = (f64::from(image.size_px.0), f64::from(image.size_px.1));
    let [left, top, across, down] = bbox;
    let inside = left >= -BEYOND_PX
        && top >= -BEYOND_PX
        && left + across <= width + BEYOND_PX
        && top + down <= height + BEYOND_PX;
    if !(inside && across > 0.0 && down > 0.0) {
        let why = format!(
            "{bbox:?} is no box within the picture's {width} × {height} pixels; left, top, width and \
             height are right"
        );
        return Err(bad(format!("{place}.bbox"), why));
    }
    let score = score.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&score) {
        return Err(bad(format!("{place}.score"), format!("{score} is not from 0 to 1")));
    }
    image.boxes.push((bbox, score, by.unwrap_or(DrawnBy::Person)));
    Ok(())
}

/// What becomes of an example by it. `known`: its size and boxes.
pub fn labels_of(
    one: &Labelled,
    id: u64,
    (size_px, before): (Size, &[KeptBox]),
) -> Result<NewLabels, Bad> {
    if one.size_px != size_px {
        let ((width, height), (is_width, is_height)) = (size_px, one.size_px);
        let why = format!(
            "the picture of example {id} has {width} × {height} pixels, not {is_width} × {is_height}; \
             boxes of a picture that was scaled do not fit"
        );
        return Err(bad(one.place.clone(), why));
    }
    let label = match one.label {
        Said::Label(label) => Some(label),
        Said::Nothing => None,
        Said::ByBoxes if one.boxes.is_empty() => Some(SaidLabel::False),
        Said::ByBoxes => Some(SaidLabel::True),
    };
    // Where nobody is there, what the model took for somebody stays.
    let stay = label == Some(SaidLabel::False);
    let boxes = (!stay).then(|| one.boxes.iter().map(|it| kept(size_px, it, before)).collect());
    Ok(NewLabels { id, label, boxes })
}

/// As it was, where it is the same: rounding changes nothing.
fn kept(
    size_px: Size,
    &(bbox, score, by): &([f64; 4], f32, DrawnBy),
    before: &[KeptBox],
) -> KeptBox {
    let same = |it: &&KeptBox| {
        let px = in_pixels(size_px, it);
        it.by == by
            && (it.score - score).abs() < 1e-3
            && px.iter().zip(bbox).all(|(a, b)| (a - b).abs() < SAME_PX)
    };
    if let Some(same) = before.iter().find(same) {
        return *same;
    }
    let (width, height) = (f64::from(size_px.0), f64::from(size_px.1));
    let inside = |at: f64, of: f64| (at / of).clamp(0.0, 1.0);
    let [left, top, across, down] = bbox;
    let (right, bottom) = (inside(left + across, width), inside(top + down, height));
    let (left, top) = (inside(left, width), inside(top, height));
    KeptBox { left, top, width: right - left, height: bottom - top, score, by }
}
