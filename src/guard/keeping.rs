//! The threads that keep things, as one: the store's, the painter, the keeper of clips.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::clerk::Clerk;
use super::clips::{self, ClipParts, ClipTask, ClipThread, Ended, SightingLog};
use super::evidence::{self, PaintTask};
use super::keeper::{self, Job, KeeperParts};
use super::message::Message;
use super::views::Views;
use super::worker::WorkerPost;
use crate::clock;
use crate::config::{Config, Evidence, Privacy};
use crate::store::{Store, evidence as rows};

/// How long the store's thread has to write what it was given, when the keeper of clips hangs.
const FINISH_MAX: Duration = Duration::from_secs(2);

/// How often the end of the box looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What they are given.
pub struct KeptParts {
    store: Store,
    folder: PathBuf,
    outbox_bytes_max: u64,
    evidence: Evidence,
    privacy: Privacy,
    views: Arc<Views>,
}

impl KeptParts {
    pub fn of(config: &Config, store: Store, views: Arc<Views>) -> KeptParts {
        KeptParts {
            store,
            folder: config.store.path.clone(),
            outbox_bytes_max: config.notify.outbox_bytes_max,
            evidence: config.evidence,
            privacy: config.privacy,
            views,
        }
    }
}

/// What the store's thread is fed by, and whom it tells.
pub struct StoreEnds {
    pub jobs: SyncSender<Job>,
    pub queued: Receiver<Job>,
    pub reports: SyncSender<Message>,
    /// Counts the batches of records it is done with.
    pub done: Arc<AtomicU64>,
}

/// The threads, running.
pub struct Keeping {
    clips: ClipThread,
    followers: Vec<JoinHandle<()>>,
}

impl Keeping {
    pub fn start(
        parts: KeptParts,
        pictures: Receiver<PaintTask>,
        clips: (SyncSender<ClipTask>, Receiver<ClipTask>),
        (sightings, watching): (Arc<SightingLog>, JoinHandle<()>),
        post: WorkerPost,
        ends: StoreEnds,
    ) -> io::Result<Keeping> {
        let KeptParts { store, folder, outbox_bytes_max, evidence, privacy, views } = parts;
        let StoreEnds { jobs, queued, reports, done } = ends;
        let clip_parts = ClipParts {
            evidence,
            privacy,
            sightings,
            folder: folder.join(rows::FOLDER),
            clerk: Clerk::new(jobs.clone()),
            post,
        };
        let keeper = KeeperParts { store, folder, outbox_bytes_max, done };
        Ok(Keeping {
            followers: vec![
                evidence::start(pictures, jobs, privacy, views)?,
                keeper::start(keeper, queued, reports)?,
                watching,
            ],
            clips: clips::start(clip_parts, clips)?,
        })
    }

    /// Ends the keeper of clips. The others end when nobody is left to bring anything.
    pub fn stop_clips(self) -> Followers {
        Followers { clips: self.clips.stop(), threads: self.followers }
    }
}

/// Threads that end when nobody is left to bring anything.
pub struct Followers {
    clips: Ended,
    threads: Vec<JoinHandle<()>>,
}

impl Followers {
    /// Returns when they have ended; beside a keeper of clips that hangs they never do, and have some
    /// time to finish what they have.
    pub fn join(self) {
        let until = clock::monotonic().after(FINISH_MAX);
        for thread in self.threads {
            while self.clips == Ended::Hangs && !thread.is_finished() && clock::monotonic() < until
            {
                thread::park_timeout(LOOK_EVERY);
            }
            if self.clips == Ended::Yes || thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}
