//! The vision side: pictures in, detections out. The only place that knows C libraries.
//!
//! ```text
//! ingest ─ newest picture wins ─> preprocess ─> inference ─> decoder ─> detections
//! detail: parts of the picture looked at closer     package: what a model is, verified before it runs
//! worker: the process around it all
//! ```
//!
//! Terms: the **source** picture is what the camera delivers; the **content** is that picture
//! scaled for the model, aspect kept; the **tensor** is the content filled up at the right and at
//! the bottom to the multiple of pixels the model needs. Boxes leave this module in source pixels.
//!
//! Not here: any decision about zones, tracks or alarms, and nothing that must survive a crash.

pub mod bench;
pub mod decoder;
pub mod detail;
pub mod golden;
pub mod inference;
pub mod ingest;
pub mod offline;
pub mod package;
pub mod preprocess;
pub mod probe;
pub mod proof;
pub mod recorder;
pub mod runtime;
pub mod shadow;
pub mod still;
pub mod trial;
pub mod worker;
