//! Standclear: people in restricted zones, from camera to siren in under two seconds.
//!
//! The map and the invariants stand in `ARCHITECTURE.md`. In one line: `vision` turns pictures into
//! detections in a process of its own, `engine` decides (pure), `guard` sounds, stores and tells.

#![forbid(unsafe_code)]
#![warn(clippy::too_many_lines)]

pub mod calibration;
pub mod cli;
pub mod clock;
pub mod config;
pub mod digest;
pub mod engine;
pub mod evaluation;
pub mod gate;
pub mod guard;
pub mod hiding;
pub mod integrity;
pub mod link;
pub mod model_package;
pub mod model_store;
pub mod notify;
pub mod pem;
pub mod reach;
pub mod redact;
pub mod replay;
pub mod rollout;
pub mod store;
pub mod telemetry;
#[cfg(feature = "vision")]
pub mod vision;
pub mod web;
pub mod zone_file;
