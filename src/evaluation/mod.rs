//! What a replay is worth against the truth, zone by zone, with intervals (R24).
//!
//! Recall, precision, time to alarm and false alarms per hour; never accuracy, since empty pictures
//! outnumber everything else and a blind detector would score well.
//!
//! **True episode**: a span in which at least one person's foot point (bottom centre of the true box,
//! clipped to the picture) lies in the zone, gaps up to `EPISODE_GAP` joined. It is *marginal*, and
//! neither demanded nor punished, when it is shorter than `MARGINAL_SPAN` or nobody is ever deeper
//! inside than `MARGINAL_DEPTH_PX`. **Pairing**: an episode is found if an incident overlaps it,
//! either widened by the tolerance; an incident that overlaps no episode is a false alarm.

pub mod boxes;
pub mod episodes;
pub mod intervals;
pub mod pairing;
