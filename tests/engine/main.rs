//! The decision, from the outside: inputs in, effects out. No camera, no clock, no model.

mod alarms;
mod anchors;
mod approach;
mod duties;
mod floor;
mod geometry;
mod orders;
mod scenarios;
mod sight;
mod things;
mod tracker;
mod tripwire;
mod vectors;
mod world;
