//! What is heard of models from the vision process, for whoever follows a roll-out.
//!
//! It is told where it is heard (the link's reader, the supervisor), without waiting: what finds no room
//! is lost and counted. Each piece of news has the moment at which it was heard, so that somebody who
//! reads late takes nobody for silent.
//!
//! Pictures and signs of life are many, and one more or less says nothing. What a process does (it
//! begins, ends, falls back) is told once, and decides who is judged: places are kept for it, and
//! whoever reads is told when even those were not enough.
//!
//! Not here: what the alarm path hears, and any judgement.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use crate::clock;
use crate::engine::time::Instant;
use crate::link::{CameraIndex, ModelInfo, Report, SwitchedTo};

/// News waiting: eight seconds of eight cameras at 15 pictures a second.
pub const NEWS_MAX: usize = 1024;

/// Of these places, those that pictures and signs of life leave free: sixteen lives of a process.
const KEPT_FREE: usize = 64;

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
    /// One of many, without which as much is known.
    const fn is_one_of_many(&self) -> bool {
        matches!(self, ModelNews::Frame { .. } | ModelNews::Heartbeat)
    }

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

/// What both ends know.
#[derive(Debug, Default)]
struct Counts {
    waiting: AtomicUsize,
    lost: AtomicU64,
    missed: AtomicU64,
}

/// Tells news; never waits.
#[derive(Clone, Debug)]
pub struct NewsPost {
    queue: SyncSender<Heard>,
    counts: Arc<Counts>,
}

/// Whoever follows.
#[derive(Debug)]
pub struct NewsQueue {
    queue: Receiver<Heard>,
    counts: Arc<Counts>,
}

impl NewsPost {
    pub fn tell(&self, news: ModelNews) {
        let counts = &self.counts;
        let is_one_of_many = news.is_one_of_many();
        let room = if is_one_of_many { NEWS_MAX - KEPT_FREE } else { NEWS_MAX };
        let heard = Heard { at: clock::monotonic(), news };
        let has_room = counts.waiting.fetch_add(1, Ordering::SeqCst) < room;
        // Full, or nobody follows.
        if !has_room || self.queue.try_send(heard).is_err() {
            counts.waiting.fetch_sub(1, Ordering::SeqCst);
            counts.lost.fetch_add(1, Ordering::SeqCst);
            if !is_one_of_many {
                counts.missed.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// How many were never heard of.
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::SeqCst)
    }
}

impl NewsQueue {
    /// How many wait, or are just being told.
    pub fn waiting(&self) -> usize {
        self.counts.waiting.load(Ordering::SeqCst)
    }

    /// How many were never heard of without which it is not known what the process does.
    pub fn missed(&self) -> u64 {
        self.counts.missed.load(Ordering::SeqCst)
    }

    pub fn next(&self) -> Option<Heard> {
        self.queue.try_recv().ok().inspect(|_| self.is_read())
    }

    /// # Errors
    /// There is none in that time, or never again.
    pub fn recv_timeout(&self, within: Duration) -> Result<Heard, RecvTimeoutError> {
        self.queue.recv_timeout(within).inspect(|_| self.is_read())
    }

    fn is_read(&self) {
        self.counts.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Both ends. Where nobody follows, the second is dropped.
pub fn news() -> (NewsPost, NewsQueue) {
    let (sender, receiver) = mpsc::sync_channel(NEWS_MAX);
    let counts = Arc::<Counts>::default();
    let post = NewsPost { queue: sender, counts: counts.clone() };
    (post, NewsQueue { queue: receiver, counts })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended() -> ModelNews {
        ModelNews::LifeEnded { how: LifeEnd::Hung, reason: "it was silent".into() }
    }

    #[test]
    fn who_does_not_listen_holds_up_nobody_and_what_was_lost_is_counted() {
        let (post, heard) = news();
        for _ in 0..NEWS_MAX + 7 {
            post.tell(ModelNews::Heartbeat);
        }
        assert_eq!((post.lost(), heard.missed()), (7 + KEPT_FREE as u64, 0));
        while heard.next().is_some() {}
        assert_eq!(heard.waiting(), 0);
        post.tell(ModelNews::Heartbeat);
        assert_eq!((post.lost(), heard.waiting()), (7 + KEPT_FREE as u64, 1));
    }

    #[test]
    fn what_a_process_does_finds_room_behind_any_number_of_pictures() {
        let (post, heard) = news();
        for _ in 0..2 * NEWS_MAX {
            post.tell(ModelNews::Heartbeat);
        }
        post.tell(ended());
        let last = std::iter::from_fn(|| heard.next()).last().expect("news");
        assert_eq!((last.news, heard.missed()), (ended(), 0));
    }

    #[test]
    fn it_is_known_when_even_that_was_lost() {
        let (post, heard) = news();
        for _ in 0..NEWS_MAX + 3 {
            post.tell(ended());
        }
        assert_eq!((post.lost(), heard.missed()), (3, 3));
    }
}
