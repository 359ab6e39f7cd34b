//! The threads that keep things, as one: the store's, the painter, the keeper of clips.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::clerk::Clerk;
use super::clips::{self, ClipParts, ClipTask, ClipThread, SightingLog};
use super::evidence::{self, PaintTask, PainterParts};
use super::followers::{self, Follower, STILL_MAX, Steps, Told};
use super::keeper::{self, Job, KeeperParts};
use super::live::LiveHub;
use super::message::Message;
use super::models::bank::{self, BankParts, BankPost, BankQueue};
use super::views::Views;
use super::worker::WorkerPost;
use crate::config::{Config, Evidence, Privacy};
use crate::engine::IncidentId;
use crate::engine::time::Instant;
use crate::gate::retention::Room;
use crate::store::query::StoreReader;
use crate::store::{Store, evidence as rows, examples};

const DAY_S: u64 = 24 * 3_600;

/// What they are given.
pub struct KeptParts {
    store: Store,
    /// The newest incident of earlier lives.
    earlier: IncidentId,
    folder: PathBuf,
    outbox_bytes_max: u64,
    evidence: Evidence,
    privacy: Privacy,
    views: Arc<Views>,
    /// What the example bank reads by, whom it asks what is guarded, and what it may hold.
    examples: (StoreReader, Arc<LiveHub>, Room),
}

impl KeptParts {
    pub fn of(
        config: &Config,
        (store, earlier): (Store, IncidentId),
        views: Arc<Views>,
        (reader, hub): (StoreReader, Arc<LiveHub>),
    ) -> KeptParts {
        KeptParts {
            store,
            earlier,
            folder: config.store.path.clone(),
            outbox_bytes_max: config.notify.outbox_bytes_max,
            evidence: config.evidence,
            privacy: config.privacy,
            views,
            examples: (reader, hub, bank::desk::room_of(config)),
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
    followers: Followers,
}

impl Keeping {
    pub fn start(
        parts: KeptParts,
        pictures: Receiver<PaintTask>,
        clips: (SyncSender<ClipTask>, Receiver<ClipTask>),
        (bank, banked): (BankPost, BankQueue),
        (sightings, watching): (Arc<SightingLog>, JoinHandle<()>),
        post: WorkerPost,
        ends: StoreEnds,
    ) -> io::Result<Keeping> {
        let KeptParts { store, earlier, folder, outbox_bytes_max, evidence, .. } = parts;
        let KeptParts { privacy, views, examples: (reader, hub, room), .. } = parts;
        let StoreEnds { jobs, queued, reports, done } = ends;
        let clip_parts = ClipParts {
            evidence,
            privacy,
            sightings,
            folder: folder.join(rows::FOLDER),
            earlier,
            clerk: Clerk::new(jobs.clone()),
            post: post.clone(),
        };
        let (painted, kept, stored) = (Steps::default(), Steps::default(), Steps::default());
        let examples = BankParts {
            folder: folder.join(examples::FOLDER),
            room,
            longest: Duration::from_secs(DAY_S * u64::from(evidence.days)),
            reader,
            clerk: Clerk::new(jobs.clone()),
            post,
            hub,
            steps: stored.clone(),
        };
        let banking = bank::start(examples, banked)?;
        let keeper = jobs.clone();
        let paints = PainterParts { keeper, bank, privacy, views, steps: painted.clone() };
        let painter = evidence::start(pictures, paints)?;
        let keeper = KeeperParts { store, folder, outbox_bytes_max, done, steps: kept.clone() };
        let store = keeper::start(keeper, queued, reports)?;
        let followers = Followers {
            bringers: vec![
                Follower::new("painter", painter, painted),
                // It only takes what it is given, and has no disk.
                Follower::new("example bank", banking, stored),
                Follower::new("keeper of sightings", watching, Steps::default()),
            ],
            store: Follower::new("store", store, kept),
            jobs,
        };
        Ok(Keeping { followers, clips: clips::start(clip_parts, clips)? })
    }

    /// Ends the keeper of clips. The others end when nobody is left to bring anything.
    pub fn stop_clips(self) -> Followers {
        self.clips.stop();
        self.followers
    }
}

/// Threads that end when nobody is left to bring anything.
pub struct Followers {
    /// Those who bring something to the store.
    bringers: Vec<Follower>,
    store: Follower,
    jobs: SyncSender<Job>,
}

impl Followers {
    /// Returns when they have ended, with all that they were given, or hang. A store that hangs may go
    /// on before `until`.
    pub fn join(self, until: Instant) {
        let Followers { bringers, store, jobs } = self;
        // Somebody who was left behind may hold on to the queue: the store is told in it.
        let tell_store = move || match jobs.try_send(Job::End) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => Told::Yes,
            Err(TrySendError::Full(_)) => Told::NotYet,
        };
        followers::wait_for(bringers, store, tell_store, (STILL_MAX, until));
    }
}
