//! Examples as others train by them, and labels as they come back: COCO JSON (Lin et al., "Microsoft
//! COCO", 2014; "object detection" format), one category, `person`.
//!
//! A box is an annotation where somebody is, or may be. In a picture of which somebody said that nobody
//! is there it stands as `false_boxes` of the picture, where no trainer takes it for a person.
//!
//! Not here: who may have clear pictures (the web side), and whose audit log it stands in (`desk`).

mod read;

pub use self::read::{Bad, labels_of, parse};

use serde_json::{Value, json};

use super::zip::Zip;
use crate::gate::verdict::Label;
use crate::guard::models::bank::keep::label_of;
use crate::store::examples::{DrawnBy, KeptBox, KeptExample, SaidLabel};

/// Number of the only category.
pub const PERSON: u64 = 1;

/// Digits after the point of a coordinate in pixels: what is lost is less than what JPEG loses.
const DIGITS: f64 = 1e3;

/// An export under way: pictures first, so that what is said is of what is there.
pub struct Export<'a> {
    zip: Zip<'a>,
    images: Vec<Value>,
    annotations: Vec<Value>,
}

impl<'a> Export<'a> {
    pub fn new(zip: Zip<'a>) -> Export<'a> {
        Export { zip, images: Vec::new(), annotations: Vec::new() }
    }

    /// Adds a picture and what is known of it.
    pub fn add(&mut self, row: &KeptExample, jpeg: &[u8]) -> std::io::Result<()> {
        self.zip.add(&format!("images/{}", row.example.file), jpeg)?;
        let is_false = row.label.as_ref().is_some_and(|it| label_of(it.label) == Label::False);
        let (of_nobody, of_people): (&[KeptBox], &[KeptBox]) =
            if is_false { (&row.example.boxes, &[]) } else { (&[], &row.example.boxes) };
        for one in of_people {
            let id = self.annotations.len() as u64 + 1;
            self.annotations.push(annotation(id, row, one));
        }
        let mut image = image(row);
        if !of_nobody.is_empty() {
            let boxes: Vec<Value> = of_nobody.iter().map(|it| json!(pixels(row, it))).collect();
            image["false_boxes"] = json!(boxes);
        }
        self.images.push(image);
        Ok(())
    }

    /// Writes what is known of all of them.
    pub fn finish(self, site: &str) -> std::io::Result<()> {
        let Export { mut zip, images, annotations } = self;
        let newest = images.last().and_then(|it| it["date_captured"].as_str()).unwrap_or_default();
        let year = newest.get(..4).and_then(|year| year.parse::<u16>().ok());
        let licence = format!(
            "Pictures of people at {site}, for whoever operates it; what they may be used for is that \
             operator's to say"
        );
        let info = json!({
            "description": format!("Examples of {site}, written out by Standclear"),
            "version": env!("CARGO_PKG_VERSION"), "contributor": site, "url": "",
            "date_created": newest, "year": year,
        });
        let all = json!({
            "info": info,
            "licenses": [{ "id": 1, "name": licence, "url": "" }],
            "categories": [{ "id": PERSON, "name": "person", "supercategory": "person" }],
            "images": images, "annotations": annotations,
        });
        zip.add("annotations.json", &serde_json::to_vec_pretty(&all)?)?;
        zip.finish()
    }
}

fn image(row: &KeptExample) -> Value {
    let it = &row.example;
    let zone = it.zone.as_ref().map(|(id, name)| json!({ "id": id, "name": name }));
    json!({
        "id": it.id, "file_name": it.file, "width": it.size_px.0, "height": it.size_px.1,
        "license": 1, "date_captured": it.at.to_string(), "camera": it.camera, "zone": zone,
        "occasion": it.occasion.as_str(), "score": it.score.map(short),
        "label": row.label.as_ref().map(|it| it.label.as_str()),
        "kept_because": it.why, "sha256": it.sha256,
    })
}

fn annotation(id: u64, row: &KeptExample, one: &KeptBox) -> Value {
    let bounds = pixels(row, one);
    let by = match one.by {
        DrawnBy::Model => "model",
        DrawnBy::Person => "person",
    };
    json!({
        "id": id, "image_id": row.example.id, "category_id": PERSON, "bbox": bounds,
        "area": rounded(bounds[2] * bounds[3]), "iscrowd": 0, "segmentation": [],
        "score": short(one.score), "by": by,
    })
}

/// Left, top, width, height.
fn pixels(row: &KeptExample, one: &KeptBox) -> [f64; 4] {
    in_pixels(row.example.size_px, one)
}

fn in_pixels((width, height): (u32, u32), one: &KeptBox) -> [f64; 4] {
    let (across, down) = (f64::from(width), f64::from(height));
    [one.left * across, one.top * down, one.width * across, one.height * down].map(rounded)
}

fn rounded(value: f64) -> f64 {
    (value * DIGITS).round() / DIGITS
}

/// As people read it: 0.35 and not 0.349999994.
fn short(score: f32) -> f64 {
    (f64::from(score) * 1e4).round() / 1e4
}

/// What a label is in the store.
pub fn said(label: Label) -> SaidLabel {
    match label {
        Label::True => SaidLabel::True,
        Label::False => SaidLabel::False,
        Label::Unsure => SaidLabel::Unsure,
    }
}
