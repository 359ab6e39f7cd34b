//! Models as the guard deals with them: which ones a vision process may load, and what is seen of them.
//!
//! - `order`: what the next life of the vision process may load. `seen`: what becomes of models there.

pub mod order;
pub mod seen;

use std::sync::Arc;

use self::order::{NextLife, ShippedOnly};
use self::seen::{NewsPost, news};
use crate::config::Config;
use crate::link::ModelChoice;

/// Whoever leads a roll-out, as far as the vision process goes.
pub struct Rollout {
    pub next_life: Arc<dyn NextLife>,
    pub news: NewsPost,
}

impl Rollout {
    /// There is none: what came with the program guards, and nobody follows.
    pub fn shipped(config: &Config) -> Rollout {
        let dir = config.model.dir.display().to_string();
        let shipped = ModelChoice { slot: "shipped".into(), dir };
        let (news, _) = news();
        Rollout { next_life: Arc::new(ShippedOnly(shipped)), news }
    }
}
