//! Which model guards, which one is on its way to, and what each thing that happens makes of that. Pure.
//!
//! A change is a new `Ledger`, made of the old one; the shell believes it only once it is on the disk
//! (`model_store`). Nothing here reads a clock, a file or a thread; wall-clock times are carried along
//! for people, and nothing is decided by them.
//!
//! Terms: a **slot** is what may guard; **committed** is the one that does by right; the
//! **candidate** is the one package on its way there, at most one; it is on **trial** while it guards
//! on **probation**; **previous** was committed before, and may return; the **floor** is the release
//! below which nothing comes in.
//!
//! Not here: what a package is, how it is verified, and who may want what.

pub mod boot;
pub mod ledger;
pub mod probation;
pub mod slot;
pub mod stage;
pub mod written;
