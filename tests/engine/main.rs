//! The decision, from the outside: inputs in, effects out. No camera, no clock, no model.

mod adversary;
mod alarm_model;
mod alarms;
mod anchors;
mod approach;
mod duties;
mod exact;
mod floor;
mod geometry;
mod holds;
mod leases;
mod orders;
mod pace;
mod plain;
mod scenarios;
mod sight;
mod things;
mod tracker;
mod tripwire;
mod vectors;
mod view;
mod world;
