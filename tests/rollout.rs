//! Models in the guard: every step of the roll-out, and everything that can come in between, against the
//! real keeper, a real folder of models and a real store.

#[path = "rollout/attacks.rs"]
mod attacks;
#[path = "rollout/command.rs"]
mod command;
#[path = "rollout/door.rs"]
mod door;
#[path = "rollout/fetches.rs"]
mod fetches;
#[path = "rollout/gated.rs"]
mod gated;
#[path = "rollout/hangs.rs"]
mod hangs;
#[path = "rollout/happens.rs"]
mod happens;
#[path = "package_files/maker.rs"]
#[allow(dead_code, reason = "shared with the tests of package files")]
mod maker;
#[path = "rollout/matrix.rs"]
mod matrix;
#[path = "rollout/moody.rs"]
mod moody;
#[cfg(feature = "vision")]
#[path = "guard/site.rs"]
#[allow(dead_code, reason = "shared with the tests of the guard")]
mod site;
#[path = "rollout/steps.rs"]
mod steps;
#[cfg(feature = "vision")]
mod support;
#[cfg(feature = "vision")]
#[path = "guard/worker.rs"]
#[allow(dead_code, reason = "shared with the tests of the guard")]
mod worker;
#[path = "rollout/world.rs"]
mod world;
