//! The process that must not die. PROVISIONAL.
pub mod handle;
