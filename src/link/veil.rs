//! What is to be hidden in a clip, as the vision process is told it.
//!
//! Not here: how it is hidden (`hiding`).

use serde::{Deserialize, Serialize};

/// What is to be hidden in a clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipVeil {
    pub people: HiddenPeople,
    /// The pictures that were looked at around the clip.
    pub seen: Vec<SeenPicture>,
    /// What is black in every picture.
    pub masks: Vec<MaskPolygon>,
}

/// Rings of points in frame fractions, as in GeoJSON.
pub type MaskPolygon = Vec<Vec<[f64; 2]>>;

/// How much of people is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HiddenPeople {
    /// All of everybody.
    Persons,
    Heads,
    Nobody,
}

/// Where people were found in a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenPicture {
    pub captured_ns: u64,
    pub found: FoundPeople,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FoundPeople {
    /// Left, top, width, height in frame fractions.
    Boxes(Vec<[f64; 4]>),
    /// More than are told.
    TooMany,
}
