//! Wires the shadow slot, and takes it down again.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::clips::{self, ClipParts};
use super::comparer::{self, ComparerParts};
use super::desk::Folders;
use super::footage::Footage;
use super::picture::Album;
use super::post::{Order, ShadowPost, Shared};
use super::process::Plan;
use super::supervisor;
use super::tap::{ShadowInbox, ShadowTap, queue};
use super::{ShadowDesk, ShadowQueue};
use crate::clock;
use crate::config::{Config, Evidence, Privacy};
use crate::guard::clerk::Clerk;
use crate::guard::clips::SightingLog;
use crate::guard::worker::{SupervisorThread, WorkerPost};
use crate::guard::worker_link::Addressees;
use crate::guard::worker_plan::WorkerPlan;
use crate::model_store;
use crate::store::query::StoreReader;
use crate::store::shadow::clips::FOLDER;

/// Orders that wait: each is one press of a button.
const ORDERS_MAX: usize = 16;

/// The slot before any thread runs.
pub struct ShadowSlot {
    post: ShadowPost,
    orders: Receiver<Order>,
    queue: ShadowQueue,
    tap: ShadowTap,
    inbox: ShadowInbox,
    clerk: Clerk,
    reader: Arc<StoreReader>,
    privacy: Privacy,
    evidence: Evidence,
    folders: Folders,
}

impl ShadowSlot {
    pub fn of(config: &Config, reader: StoreReader, clerk: Clerk) -> ShadowSlot {
        let (orders, taken) = mpsc::sync_channel(ORDERS_MAX);
        let post = ShadowPost { orders, shared: Arc::new(Shared::default()) };
        let (queue, tap, inbox) = queue();
        ShadowSlot {
            post,
            orders: taken,
            queue,
            tap,
            inbox,
            clerk,
            reader: Arc::new(reader),
            privacy: config.privacy,
            evidence: config.evidence,
            folders: Folders {
                packages: config.store.path.join(model_store::FOLDER),
                clips: config.store.path.join(FOLDER),
            },
        }
    }

    /// What the rest of the guard says to it, and hears of it.
    pub fn post(&self) -> &ShadowPost {
        &self.post
    }

    /// What the web side asks.
    pub fn desk(&self) -> ShadowDesk {
        let (post, clerk) = (self.post.clone(), self.clerk.clone());
        let (reader, folders) = (Arc::clone(&self.reader), self.folders.clone());
        ShadowDesk::new(post, reader, clerk, self.privacy, folders)
    }

    /// Where the link of the active process brings what is for the slot.
    pub fn queue(&self) -> ShadowQueue {
        self.queue.clone()
    }

    /// Starts the active process by this plan and the threads of the slot beside it; no shadow process
    /// before a model is to watch. Also returns what the alarm path holds.
    pub fn start_beside(
        self,
        active: WorkerPlan,
        addressees: Addressees,
        sightings: Arc<SightingLog>,
    ) -> io::Result<(WorkerPost, SupervisorThread, ShadowTap, ShadowThreads)> {
        let plan = Plan {
            command: active.command.clone(),
            config: active.config.clone(),
            feed: active.feed.clone(),
        };
        let (worker, guarding) = SupervisorThread::start(active, addressees)?;
        let ShadowSlot { post, orders, queue, tap, inbox, clerk, reader, .. } = self;
        let ShadowSlot { privacy, evidence, folders, .. } = self;
        let shared = Arc::clone(&post.shared);
        let comparer = comparer::start(ComparerParts {
            told: inbox.0,
            queue: queue.clone(),
            shared: Arc::clone(&shared),
            clerk: clerk.clone(),
            reader,
            footage: Footage::new(queue.clips(), sightings, (evidence, privacy)),
            album: Album::new(worker.clone(), privacy),
        })?;
        let post_of_clips = worker.clone();
        let folder = folders.clips;
        let filming = ClipParts { tasks: inbox.1, folder, evidence, clerk, post: post_of_clips };
        let clips = clips::start(filming)?;
        let supervisor = supervisor::start(plan, orders, queue.clone(), shared)?;
        Ok((worker, guarding, tap, ShadowThreads { post, queue, supervisor, comparer, clips }))
    }
}

/// How long the end of the box waits for a thread of the slot: a disk that hangs is nothing to wait for.
const END_MAX: Duration = Duration::from_secs(2);

/// How often it is looked whether one has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Tells a thread to end, and waits for it, but not for ever.
fn end(thread: JoinHandle<()>, name: &str, mut tell: impl FnMut() -> bool) {
    let until = clock::monotonic().after(END_MAX);
    let mut told = false;
    while !thread.is_finished() && clock::monotonic() < until {
        told = told || tell();
        thread::park_timeout(LOOK_EVERY);
    }
    if thread.is_finished() {
        // A panic is in the log already.
        let _ = thread.join();
        return;
    }
    tracing::error!("the {name} hangs, perhaps with the disk; it is left behind");
}

/// The threads, running.
#[derive(Debug)]
pub struct ShadowThreads {
    post: ShadowPost,
    queue: ShadowQueue,
    supervisor: JoinHandle<()>,
    comparer: JoinHandle<()>,
    clips: JoinHandle<()>,
}

impl ShadowThreads {
    /// Ends the shadow process and then the threads; one that hangs is left behind.
    pub fn stop(self) {
        self.queue.stop();
        // A full queue is one whose thread takes an order now or hangs; one that is gone takes none.
        let orders = self.post.orders.clone();
        end(self.supervisor, "shadow slot", || orders.try_send(Order::Stop).is_ok());
        end(self.comparer, "comparer", || self.queue.try_stop());
        end(self.clips, "keeper of cases' clips", || self.queue.try_stop_clips());
        // The example bank ends when nobody can bring anything.
        self.post.forget_hooks();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_hangs_is_told_to_end_and_left_behind() {
        let (hold, hangs) = mpsc::sync_channel::<()>(0);
        let thread = thread::spawn(move || {
            let _ = hangs.recv();
        });
        let mut told = 0;
        let from = clock::monotonic();
        end(thread, "thread", || {
            told += 1;
            told == 3
        });
        let waited = clock::monotonic().since(from);
        assert_eq!(told, 3, "until it is heard");
        assert!(waited >= END_MAX && waited < 5 * END_MAX, "{waited:?}");
        drop(hold);
    }
}
