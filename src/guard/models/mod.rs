//! Models as the guard deals with them: which ones a vision process may load, and what is seen of them.
//!
//! - `order`: what the next life of the vision process may load. `seen`: what becomes of models there.

pub mod order;
pub mod seen;
