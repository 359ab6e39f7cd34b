//! Which model guards, and what becomes of the others.
//!
//! - `shadow`: a model that looks at what the active one looks at, and whose detections are compared.
//!
//! Not here: what may happen to a model in which order (`rollout`), and packages on the disk
//! (`model_store`).

pub mod shadow;
