//! Zone documents: one GeoJSON FeatureCollection per camera, as a safety engineer keeps them. The
//! file on disk, the body of the API and the stored version are the same text.
//!
//! The way of a text: [`parse`] (or [`shape`] for a draft) makes a [`Document`];
//! [`Document::compile`] makes of it what the engine is told. A document is taken whole or not at
//! all; a refusal names every member that is wrong and what would be right. The JSON Schema beside
//! the files (`zones/zones.schema.json`) says the same to editors.
//!
//! Not here: who may change a document and when one is in force. Clocks are handed in.

mod check;
mod compile;
mod covered;
mod difference;
mod document;
mod field;
mod json;
pub mod limits;
mod read;
mod read_zone;
pub mod schedule;
mod site;
mod words;
mod write;

pub use self::compile::{ArmingRule, Compiled, Context, Delay, ZoneInfo};
pub use self::difference::{Difference, difference};
pub use self::document::*;
pub use self::field::FieldError;
pub use self::json::Json;
pub use self::read::{parse, shape, shape_of};
pub use self::schedule::{Armed, Planned};
pub use self::site::{
    SiteContext, SiteZones, ZoneFileError, assemble, load_document, load_documents, load_site,
    load_site_at, load_text, revision,
};
