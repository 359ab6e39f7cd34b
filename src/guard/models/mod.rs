//! What the guard does about models besides running one: what it keeps to learn from.
//!
//! - `bank`: pictures that are worth learning from.

pub mod bank;
