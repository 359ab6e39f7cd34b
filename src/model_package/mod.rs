//! Model packages as files and bytes: what of them needs no C library.
//!
//! Not here: what is in a manifest for the model's sake, and running it (`vision`).

pub mod folder;
