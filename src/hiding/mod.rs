//! Hiding people: where they are in a picture, and what becomes of those places.
//!
//! Terms: a **cover** is a place of a picture where somebody is, or was a moment ago (`covers`); a
//! **mosaic** is what becomes of it (`mosaic`); a **span** has the covers of every picture of a video,
//! also of those that nobody looked at (`span`). What is kept to compare by is made plain under masks
//! (`flat`).
//!
//! Pure: both processes hide by it, the guard in pictures and the vision process in video.
//! Not here: whose picture is hidden from whom (`guard::privacy`).

pub mod covers;
pub mod flat;
pub mod mosaic;
pub mod span;
