//! Models that come later: taking them in, watching them, bringing them into force and back.
//!
//! - `absent`: a box that takes no packages.

pub mod absent;
