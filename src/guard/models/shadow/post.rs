//! What the rest of the guard says to the shadow slot, and hears of it.

use std::fmt;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::incidents::Who;
use jiff::Timestamp;

use crate::engine::{CameraIndex, ZoneIndex};
use crate::gate::verdict::Coverage;
use crate::guard::handle::shadowing::{CaseBox, ShadowNow, ShadowState};
use crate::guard::privacy::covers::Cover;
use crate::guard::records::SiteNames;
use crate::link::ModelChoice;
use crate::rollout::slot::Slot;

/// Sets what the shadow slot holds. Cloned freely.
#[derive(Clone)]
pub struct ShadowPost {
    pub(super) orders: SyncSender<Order>,
    pub(super) shared: Arc<Shared>,
}

/// For the supervisor.
#[derive(Debug)]
pub(super) enum Order {
    Watch(Option<ModelChoice>),
    Stop,
}

/// The shadow process died as often as it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GaveUp {
    pub model: ModelChoice,
    /// How it ended the last time, for people.
    pub reason: String,
    pub deaths: u32,
    /// In which time, for people.
    pub words: &'static str,
}

/// An incident that only one of the two models told.
#[derive(Clone, Debug)]
pub struct Disagreement {
    pub run: u64,
    /// Whose incident it is.
    pub told_by: Who,
    pub camera: CameraIndex,
    pub zone: ZoneIndex,
    /// The frame that completed the evidence.
    pub frame: u64,
    /// When that was taken.
    pub at: Timestamp,
    pub score: f32,
    /// Its number, where the active model told it.
    pub incident: Option<u64>,
    /// What each of the two saw in that frame.
    pub active: Vec<CaseBox>,
    pub shadow: Vec<CaseBox>,
    /// With what nobody may see of it.
    pub names: Arc<SiteNames>,
    /// That very picture, where the active model did not tell it and it was still there.
    pub picture: Option<ClearPicture>,
}

/// A picture in which everybody can be recognised, and where they are.
#[derive(Clone, Debug, PartialEq)]
pub struct ClearPicture {
    pub jpeg: Vec<u8>,
    pub covers: Vec<Cover>,
}

type Hook<T> = Box<dyn Fn(&T) + Send + Sync>;

/// What the threads of the slot share with whoever asks.
#[derive(Default)]
pub(super) struct Shared {
    now: Mutex<Standing>,
    gave_up: Mutex<Option<Hook<GaveUp>>>,
    disagreement: Mutex<Option<Hook<Disagreement>>>,
}

/// How things stand.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub state: ShadowState,
    pub text: String,
    pub restarts: u32,
    pub coverage: Coverage,
    pub skipped_because: Option<String>,
    pub run: Option<u64>,
    /// What was to watch last, and beside what it did in this life of the box, as slots.
    pub candidate: Option<String>,
    pub active: Option<String>,
}

impl Default for Standing {
    fn default() -> Standing {
        Standing {
            state: ShadowState::Off,
            text: String::new(),
            restarts: 0,
            coverage: Coverage { seen: 0, of: 0 },
            skipped_because: None,
            run: None,
            candidate: None,
            active: None,
        }
    }
}

impl ShadowPost {
    /// This model looks beside the active one from now on; `None`: none does. The same again changes
    /// nothing, but that what was given up begins anew. Never waits long: the supervisor takes an order at once.
    pub fn watch(&self, model: Option<ModelChoice>) {
        // The slot ends with the box.
        let _ = self.orders.send(Order::Watch(model));
    }

    /// Called when the shadow process died as often as it may; instead of whoever was called before.
    pub fn on_gave_up(&self, hook: impl Fn(&GaveUp) + Send + Sync + 'static) {
        *lock(&self.shared.gave_up) = Some(Box::new(hook));
    }

    /// Called for each incident that only one of the two told, some seconds after it began.
    pub fn on_disagreement(&self, hook: impl Fn(&Disagreement) + Send + Sync + 'static) {
        *lock(&self.shared.disagreement) = Some(Box::new(hook));
    }

    /// A run begins beside this model, which guards.
    pub fn looks_beside(&self, active: Slot) {
        self.shared.standing().active = Some(active.to_string());
    }

    /// Calls nobody any more, and lets go of what they hold.
    pub fn forget_hooks(&self) {
        *lock(&self.shared.gave_up) = None;
        *lock(&self.shared.disagreement) = None;
    }

    pub fn now(&self) -> ShadowNow {
        let now = self.shared.standing().clone();
        ShadowNow {
            state: now.state,
            text: now.text,
            restarts: now.restarts,
            coverage: now.coverage,
            skipped_because: now.skipped_because,
            run: now.run,
        }
    }
}

impl Shared {
    pub fn standing(&self) -> MutexGuard<'_, Standing> {
        lock(&self.now)
    }

    pub fn tell_gave_up(&self, it: &GaveUp) {
        if let Some(hook) = &*lock(&self.gave_up) {
            hook(it);
        }
    }

    pub fn tell_disagreement(&self, it: &Disagreement) {
        if let Some(hook) = &*lock(&self.disagreement) {
            hook(it);
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for ShadowPost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShadowPost").finish_non_exhaustive()
    }
}
