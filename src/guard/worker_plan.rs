//! What the vision process is started as, from the configuration.

use std::ffi::OsString;
use std::sync::Arc;

use super::models::order::NextLife;
use super::models::shadow::FeedPort;
use super::views::Views;
use crate::config::Config;
use crate::link::{RING_S, RingBounds, WorkerCamera, WorkerConfig, WorkerRole};

/// What to start, and what to tell it first.
#[derive(Clone)]
pub struct WorkerPlan {
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// But for its models, of which each life has its own.
    pub config: WorkerConfig,
    /// Asked before each life.
    pub next_life: Arc<dyn NextLife>,
    /// Most memory it may take; `None`: by the machine's.
    pub memory_max_mb: Option<u32>,
    /// What it has to know of each view.
    pub views: Arc<Views>,
    /// Through which it is told whom to give its pictures, too.
    pub feed: FeedPort,
}

/// How the vision process is started.
pub fn plan(
    config: &Config,
    command: Vec<OsString>,
    next_life: Arc<dyn NextLife>,
    views: Arc<Views>,
) -> WorkerPlan {
    let memory_max_mb = config.model.memory_max_mb;
    let (feed, config) = (FeedPort::default(), worker_config(config));
    WorkerPlan { command, config, next_life, memory_max_mb, views, feed }
}

/// What the vision process is told, from the configuration.
fn worker_config(config: &Config) -> WorkerConfig {
    let cameras = config.cameras.iter().map(|camera| WorkerCamera {
        id: camera.id.clone(),
        source: camera.source.clone(),
        fps: camera.fps,
        decoder: camera.decoder,
    });
    WorkerConfig {
        models: Vec::new(),
        role: WorkerRole::Active,
        threads: config.model.threads,
        input_long_side_px: config.model.input_long_side_px,
        provider: config.model.provider.clone(),
        cameras: cameras.collect(),
        detail: config.model.detail,
        ring: RingBounds { seconds: RING_S, bytes_max: config.evidence.ring_bytes_max },
    }
}
