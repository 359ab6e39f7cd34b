//! What is heard of models from the vision process, for whoever follows a roll-out.
//!
//! It is told where it is heard (the link's reader, the supervisor), without waiting: what finds no room
//! is lost and counted. Each piece of news has the moment at which it was heard, so that somebody who
//! reads late takes nobody for silent.
//!
//! Not here: what the alarm path hears, and any judgement.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};

use crate::clock;
use crate::engine::time::Instant;
use crate::link::{CameraIndex, ModelInfo, Report, SwitchedTo};

/// News waiting: eight seconds of eight cameras at 15 pictures a second.
pub const NEWS_MAX: usize = 1024;

/// A piece of news, and when it was heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    pub at: Instant,
    pub news: ModelNews,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ModelNews {
    /// A vision process was started with these slots to choose from.
    LifeBegins {
        order: Vec<String>,
    },
    /// It guards with this one.
    Ready(ModelInfo),
    /// A picture was decided on, by the model that guards.
    Frame {
        camera: CameraIndex,
        captured_ns: u64,
        decided_ns: u64,
        /// What the model took of it; parts that were looked at closer, and their scaling, with it.
        inference_ns: u64,
    },
    Heartbeat,
    Prepared {
        switch: u64,
        outcome: Result<ModelInfo, String>,
    },
    Switched {
        switch: u64,
        outcome: Result<SwitchedTo, String>,
    },
    /// The model that was switched to ended with an error; this one guards on.
    FellBack {
        model: ModelInfo,
        reason: String,
    },
    Golden {
        run: u64,
        outcome: Result<(), String>,
    },
    LifeEnded {
        how: LifeEnd,
        reason: String,
    },
}

/// How a life of the vision process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeEnd {
    /// It exited by itself or by a signal, or closed the link; or could not be started.
    Killed,
    /// It was silent for too long, and was killed for it.
    Hung,
    /// It said why it cannot go on.
    Failed,
    /// The box ends.
    Stopped,
}

impl ModelNews {
    pub fn frame(report: &Report) -> ModelNews {
        let stages = &report.stages;
        ModelNews::Frame {
            camera: report.camera,
            captured_ns: stages.captured_ns,
            decided_ns: stages.decoded_ns,
            inference_ns: stages.inferred_ns.saturating_sub(stages.preprocessed_ns),
        }
    }
}

/// Tells news; never waits.
#[derive(Clone, Debug)]
pub struct NewsPost {
    queue: SyncSender<Heard>,
    lost: Arc<AtomicU64>,
}

impl NewsPost {
    pub fn tell(&self, news: ModelNews) {
        let heard = Heard { at: clock::monotonic(), news };
        // Full, or nobody follows.
        if self.queue.try_send(heard).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were never heard of.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Both ends. Where nobody follows, the second is dropped.
pub fn news() -> (NewsPost, Receiver<Heard>) {
    let (queue, heard) = mpsc::sync_channel(NEWS_MAX);
    (NewsPost { queue, lost: Arc::new(AtomicU64::new(0)) }, heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_listen_holds_up_nobody_and_what_was_lost_is_counted() {
        let (post, heard) = news();
        for _ in 0..NEWS_MAX + 7 {
            post.tell(ModelNews::Heartbeat);
        }
        assert_eq!(post.lost(), 7);
        assert_eq!(heard.try_iter().count(), NEWS_MAX);
        post.tell(ModelNews::Heartbeat);
        assert_eq!((post.lost(), heard.try_iter().count()), (7, 1));
    }
}
