//! The decision, from the outside: inputs in, effects out. No camera, no clock, no model.

mod alarms;
mod duties;
mod geometry;
mod orders;
mod scenarios;
mod sight;
mod tracker;
mod tripwire;
mod world;
