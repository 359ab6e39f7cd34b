//! All that looks: the vision process, the shadow slot beside it, and who leads a roll-out.
//!
//! Here they are told of each other: the keeper of models says which candidate is to look, the shadow slot
//! what became of it, and what the two models saw differently goes into the example bank.
//!
//! Not here: what any of them does with that.

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use super::clips::{self, ClipTask, SightingLog};
use super::evidence::{self, PaintTask};
use super::live::{self, Publication};
use super::message::Message;
use super::models::Rollout;
use super::models::bank::{self, BankPost, BankQueue, Disagreement};
use super::models::keeper::{KeeperThread, Task};
use super::models::seen::NewsPost;
use super::models::shadow::{self, ShadowSlot, ShadowTap, ShadowThreads};
use super::models::start::Leading;
use super::views::Views;
use super::worker::{SupervisorThread, WorkerPost};
use super::worker_link::Addressees;
use super::worker_plan::{WorkerPlan, plan};
use crate::config::Config;
use crate::link::ToWorker;
use crate::rollout::slot::Slot;
use crate::rollout::stage::Fault;

/// Before any thread runs.
pub struct VisionParts {
    pub plan: WorkerPlan,
    pub news: NewsPost,
    pub leading: Leading,
}

/// Whom the vision process tells, beside those who are here.
#[derive(Clone)]
pub struct Told {
    pub alarm_path: SyncSender<Message>,
    pub publisher: SyncSender<Publication>,
    pub painter: SyncSender<PaintTask>,
    pub clips: SyncSender<ClipTask>,
    pub bank: BankPost,
}

/// Where they hear it.
pub struct Queued {
    pub publications: Receiver<Publication>,
    pub paintings: Receiver<PaintTask>,
    pub clip_tasks: Receiver<ClipTask>,
    pub banked: BankQueue,
}

impl Told {
    /// With a queue for each but the alarm path, which has its own.
    pub fn queues(alarm_path: &SyncSender<Message>) -> (Told, Queued) {
        let (publisher, publications) = live::queue();
        let (painter, paintings) = evidence::queue();
        let (clips, clip_tasks) = clips::queue();
        let (bank, banked) = bank::queue();
        let alarm_path = alarm_path.clone();
        let told = Told { alarm_path, publisher, painter, clips, bank };
        (told, Queued { publications, paintings, clip_tasks, banked })
    }
}

/// The threads, running.
pub struct VisionThreads {
    supervisor: SupervisorThread,
    shadow: ShadowThreads,
    keeper: Option<KeeperThread>,
}

impl VisionParts {
    pub fn of(
        config: &Config,
        (rollout, leading): (Rollout, Leading),
        command: Vec<OsString>,
        views: Arc<Views>,
    ) -> VisionParts {
        let Rollout { next_life, news } = rollout;
        VisionParts { plan: plan(config, command, next_life, views), news, leading }
    }

    /// Starts the threads. Returns what the alarm path holds of them.
    ///
    /// # Errors
    /// The system does not allow another thread.
    pub fn start(
        self,
        slot: ShadowSlot,
        told: Told,
        seen: Arc<SightingLog>,
    ) -> io::Result<(WorkerPost, ShadowTap, VisionThreads)> {
        let VisionParts { plan, news, leading } = self;
        let Told { alarm_path, publisher, painter, clips, bank } = told;
        slot.post().on_disagreement({
            let bank = bank.clone();
            move |it| keep(&bank, it)
        });
        if let Some(tasks) = leading.tasks() {
            slot.post().on_gave_up(move |it| speak_against(&tasks, it));
        }
        let shadow = slot.queue();
        let to = Addressees { alarm_path, publisher, painter, clips, models: news, shadow, bank };
        let candidate = slot.post().clone();
        let (post, supervisor, tap, shadow) = slot.start_beside(plan, to, seen)?;
        let keeper = leading.start(&post, move |model| candidate.watch(model))?;
        Ok((post, tap, VisionThreads { supervisor, shadow, keeper }))
    }
}

impl VisionThreads {
    /// Tells the vision process, if there is one and room.
    pub fn tell(&self, message: ToWorker) {
        self.supervisor.tell(message);
    }

    pub fn stop(self) {
        self.shadow.stop();
        self.supervisor.stop();
        self.keeper.into_iter().for_each(KeeperThread::stop);
    }
}

/// What the active model alone told is in the bank already, with the picture of its incident.
fn keep(bank: &BankPost, it: &shadow::Disagreement) {
    if let Some(incident) = it.incident {
        return bank.differs(incident, it.active.clone(), it.shadow.clone());
    }
    let Some(picture) = &it.picture else { return };
    bank.disagreement(Disagreement {
        camera: usize::from(it.camera.0),
        zone: Some(usize::from(it.zone.0)),
        at: it.at,
        active: it.active.clone(),
        shadow: it.shadow.clone(),
        covers: Some(picture.covers.clone()),
        names: it.names.clone(),
        picture: picture.jpeg.clone(),
    });
}

/// A candidate that cannot even be looked with does not guard.
fn speak_against(tasks: &SyncSender<Task>, it: &shadow::GaveUp) {
    let Some(digest) = it.model.slot.parse().ok().and_then(Slot::digest) else { return };
    let shadow::GaveUp { deaths, words, reason, .. } = it;
    let why = format!("its process died {deaths} times {words} in the shadow: {reason}");
    // The keeper empties its queue ten times a second; a candidate it does not hear of only rests.
    let _ = tasks.try_send(Task::Against { digest, fault: Fault::CrashLoop, why });
}
