//! Wires the shadow slot, and takes it down again.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;

use super::comparer::{self, ComparerParts};
use super::picture::Album;
use super::post::{Order, ShadowPost, Shared};
use super::process::Plan;
use super::supervisor;
use super::tap::{ShadowInbox, ShadowTap, queue};
use super::{ShadowDesk, ShadowQueue, Told};
use crate::config::{Config, Privacy};
use crate::guard::clerk::Clerk;
use crate::guard::worker::{SupervisorThread, WorkerPost};
use crate::guard::worker_link::Addressees;
use crate::guard::worker_plan::WorkerPlan;
use crate::store::query::StoreReader;

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
        }
    }

    /// What the rest of the guard says to it, and hears of it.
    pub fn post(&self) -> &ShadowPost {
        &self.post
    }

    /// What the web side asks.
    pub fn desk(&self) -> ShadowDesk {
        let (post, clerk) = (self.post.clone(), self.clerk.clone());
        ShadowDesk::new(post, Arc::clone(&self.reader), clerk, self.privacy)
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
    ) -> io::Result<(WorkerPost, SupervisorThread, ShadowTap, ShadowThreads)> {
        let plan = Plan {
            command: active.command.clone(),
            config: active.config.clone(),
            feed: active.feed.clone(),
        };
        let (worker, guarding) = SupervisorThread::start(active, addressees)?;
        let ShadowSlot { post, orders, queue, tap, inbox, clerk, reader, privacy } = self;
        let shared = Arc::clone(&post.shared);
        let comparer = comparer::start(ComparerParts {
            told: inbox.0,
            queue: queue.clone(),
            shared: Arc::clone(&shared),
            clerk,
            reader,
            album: Album::new(worker.clone(), privacy),
        })?;
        let supervisor = supervisor::start(plan, orders, queue.clone(), shared)?;
        Ok((worker, guarding, tap, ShadowThreads { post, queue, supervisor, comparer }))
    }
}

/// The threads, running.
#[derive(Debug)]
pub struct ShadowThreads {
    post: ShadowPost,
    queue: ShadowQueue,
    supervisor: JoinHandle<()>,
    comparer: JoinHandle<()>,
}

impl ShadowThreads {
    /// Ends the shadow process and then the threads.
    pub fn stop(self) {
        // An error means that the thread is gone already.
        let _ = self.post.orders.send(Order::Stop);
        let _ = self.supervisor.join();
        self.queue.tell(Told::Stop);
        let _ = self.comparer.join();
        // The example bank ends when nobody can bring anything.
        self.post.forget_hooks();
    }
}
