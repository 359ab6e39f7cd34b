//! The decision, from the outside: inputs in, effects out. No camera, no clock, no model.

mod alarms;
mod geometry;
mod scenarios;
mod sight;
mod tracker;
mod world;
