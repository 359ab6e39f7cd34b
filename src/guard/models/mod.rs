//! Models in the guard: which one guards, how one comes in and how it is taken back, and what all that
//! is decided by.
//!
//! ```text
//!  upload, stick, URL ──> take ──> blobs ──> trying (a process of its own) ──┐
//!  people ── desk ───────────────────── tasks ───────────────────────────────┤
//!  vision process ── seen ───────────── news ──> keeper ── ledger, fsynced   │
//!       ^                                          │  ^───────────────────────┘
//!       └── Prepare, Switch, SwitchBack ───────────┘
//!  supervisor ── order: what may the next life load? (bounded, whatever the disk does)
//! ```
//!
//! Nothing here is on the alarm path: a keeper that hangs or panics costs an upgrade, and the committed
//! model guards on.
//!
//! - `bank`: pictures that are worth learning from.
//! - `keeper`: the thread that owns the ledger. `order`, `next_life`: its answer to the supervisor.
//! - `shadow`: a model that looks at what the active one looks at, and whose detections are compared.
//! - `seen`: what it hears of the vision process. `chronicle`: what is remembered of each step.
//! - `take`, `gather`: packages on their way in. `trying`: a model is loaded and tried before it may
//!   come near a camera. `desk`: what people may ask. `evidence`: whether a
//!   candidate may guard. `shown`: what is shown to them.

pub mod bank;
pub mod chronicle;
pub mod desk;
pub mod evidence;
pub mod fetching;
pub mod gather;
pub mod keeper;
pub mod next_life;
pub mod order;
pub mod person;
pub mod recent;
pub mod recorded;
pub mod remote;
pub mod seen;
pub mod shadow;
pub mod shown;
pub mod start;
pub mod stopped;
pub mod take;
pub mod trials;
pub mod trying;

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
