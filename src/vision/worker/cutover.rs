//! From one model to another without a camera noticing: the next is loaded beside the one that looks,
//! then takes its place between two pictures, and the one before stays loaded as the **standby**.
//!
//! ```text
//!              Prepare             Switch                 ForgetStandby
//!   active  ──────────> + prepared ──────> active + standby ──────────> active
//!                                             │ SwitchBack, or an error on a picture
//!                                             └──────────> the standby is active again
//! ```
//!
//! A picture on which a model ends with an error is looked at again at once by the standby. A model
//! that was taken back is let go of: nothing falls back on it.
//!
//! Pictures are handed out with pixels enough for the one that is prepared as soon as it is, so that
//! neither a switch nor a way back changes anything in a pipeline.
//!
//! Not here: whether to switch. The guard says so, after it has written it down.

use std::mem;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

use super::super::golden::ScaledGolden;
use super::super::inference::ModelError;
use super::super::preprocess::Fit;
use super::models::{Loaded, Loading, forget, give_way, golden_pictures};
use super::{Worker, WorkerError};
use crate::clock;
use crate::engine::detection::FrameSize;
use crate::engine::time::Instant;
use crate::link::{CameraIndex, FromWorker, ModelChoice, ModelInfo, PREPARE_MAX, SwitchedTo};
use crate::telemetry::chain;

/// A camera that gave no picture for so long is not waited for, before a switch is told to be done.
const SWITCH_TOLD_MAX: Duration = Duration::from_secs(2);

/// The models of a process.
pub struct Models {
    pub active: Loaded,
    standby: Option<Loaded>,
    prepared: Option<(u64, Loaded)>,
    preparing: Option<Preparing>,
    /// To be loaded once the one that nobody waits for any more is: three at once are one too many.
    next: Option<(u64, ModelChoice)>,
    switching: Option<Switching>,
    golden: Option<GoldenRun>,
    loading: Loading,
}

/// A model that is being loaded.
struct Preparing {
    switch: u64,
    since: Instant,
    outcome: Receiver<Result<Loaded, ModelError>>,
    waited_for: WaitedFor,
}

#[derive(PartialEq, Eq)]
enum WaitedFor {
    Yes,
    /// It took too long, and that was told, or it is not wanted; what still comes of it is let go of.
    NoMore,
}

/// A switch of which the guard has not heard yet.
struct Switching {
    switch: u64,
    at: Instant,
    /// By camera: its last decision, until the first one by the model that looks now.
    decided_ns: Vec<Option<u64>>,
    gap_ns: u64,
}

/// Golden pictures on their way, one at a time.
struct GoldenRun {
    run: u64,
    pictures: Receiver<Golden>,
}

enum Golden {
    Picture(Box<ScaledGolden>),
    Failed(String),
    /// All were shown.
    End,
}

impl Models {
    pub fn new(active: Loaded, loading: Loading) -> Models {
        Models {
            active,
            standby: None,
            prepared: None,
            preparing: None,
            next: None,
            switching: None,
            golden: None,
            loading,
        }
    }

    /// The pictures that serve the active model and whichever may take its place.
    fn fit(&self) -> Fit {
        let prepared = self.prepared.as_ref().map(|(_, loaded)| loaded);
        let active = self.active.detector.fit();
        match prepared.or(self.standby.as_ref()) {
            Some(other) => active.serving(other.detector.fit()),
            None => active,
        }
    }
}

impl Worker {
    /// Loads a model beside the one that looks.
    pub(super) fn prepare(&mut self, switch: u64, model: ModelChoice) {
        if let Some(preparing) = &self.models.preparing {
            if preparing.waited_for == WaitedFor::NoMore && self.models.next.is_none() {
                self.forget_standby();
                self.models.next = Some((switch, model));
                return;
            }
            let reason = "another model is still being loaded".to_owned();
            return self.outbox.push(FromWorker::Prepared { switch, outcome: Err(reason) });
        }
        // Whoever wants another one is done with these, and three would take the memory of three.
        self.forget_standby();
        let loading = self.models.loading.clone();
        let sizes = self.sizes();
        let (sender, outcome) = mpsc::sync_channel(1);
        let prepare = move || {
            // An error means that the process ends.
            let _ = sender.send(loading.beside(&model, &sizes));
        };
        if let Err(error) = thread::Builder::new().name("prepare".into()).spawn(prepare) {
            let outcome = Err(format!("no thread can be started: {error}"));
            return self.outbox.push(FromWorker::Prepared { switch, outcome });
        }
        let (since, waited_for) = (clock::monotonic(), WaitedFor::Yes);
        self.models.preparing = Some(Preparing { switch, since, outcome, waited_for });
    }

    /// Sizes of the cameras' pictures, each once.
    fn sizes(&self) -> Vec<FrameSize> {
        let mut sizes: Vec<FrameSize> = Vec::new();
        for size in self.states.iter().filter_map(|state| state.size) {
            if !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        sizes
    }

    /// What other threads did since, and what has waited long enough.
    pub(super) fn tend_models(&mut self, now: Instant) {
        self.tend_preparing(now);
        if let Some(switching) = &mut self.models.switching
            && now.since(switching.at) >= SWITCH_TOLD_MAX
        {
            // Those that still wait have waited for so long.
            let waiting = switching.decided_ns.iter().flatten();
            let waited = waiting.map(|last| now.as_nanos().saturating_sub(*last)).max();
            switching.gap_ns = switching.gap_ns.max(waited.unwrap_or(0));
            self.tell_switched();
        }
    }

    fn tend_preparing(&mut self, now: Instant) {
        let Some(preparing) = &mut self.models.preparing else {
            return;
        };
        let switch = preparing.switch;
        let outcome = match preparing.outcome.try_recv() {
            Ok(outcome) => outcome.map_err(|error| chain(&error)),
            Err(TryRecvError::Disconnected) => Err("loading it ended in a panic".to_owned()),
            Err(TryRecvError::Empty) => {
                let late = now.since(preparing.since) >= PREPARE_MAX;
                if late
                    && mem::replace(&mut preparing.waited_for, WaitedFor::NoMore) == WaitedFor::Yes
                {
                    let seconds = PREPARE_MAX.as_secs();
                    let outcome = Err(format!("it was not loaded within {seconds} s"));
                    self.outbox.push(FromWorker::Prepared { switch, outcome });
                }
                return;
            }
        };
        let waited_for = self.models.preparing.take().map(|it| it.waited_for);
        if waited_for != Some(WaitedFor::Yes) {
            if let Ok(loaded) = outcome {
                forget(loaded);
            }
            if let Some((switch, model)) = self.models.next.take() {
                self.prepare(switch, model);
            }
            return;
        }
        let outcome = outcome.map(|loaded| {
            let info = loaded.info.clone();
            self.models.prepared = Some((switch, loaded));
            self.refit();
            info
        });
        self.outbox.push(FromWorker::Prepared { switch, outcome });
    }

    /// The prepared model looks from here on.
    pub(super) fn switch(&mut self, switch: u64) {
        let prepared = self.models.prepared.take_if(|(number, _)| *number == switch);
        let Some((_, next)) = prepared else {
            let outcome = Err("nothing was prepared for it".to_owned());
            return self.outbox.push(FromWorker::Switched { switch, outcome });
        };
        let before = mem::replace(&mut self.models.active, next);
        if let Some(older) = self.models.standby.replace(before) {
            forget(older);
        }
        self.begin(switch);
    }

    /// The standby looks from here on, and the other one is let go of.
    pub(super) fn switch_back(&mut self, switch: u64, reason: &str) {
        let Some(standby) = self.models.standby.take() else {
            let outcome = Err("there is no model to go back to".to_owned());
            return self.outbox.push(FromWorker::Switched { switch, outcome });
        };
        let taken_back = mem::replace(&mut self.models.active, standby);
        tracing::warn!("the model {} was taken back: {reason}", taken_back.info.slot);
        forget(taken_back);
        self.begin(switch);
    }

    /// Another model looks: what was measured of the one before is not true of it.
    fn begin(&mut self, switch: u64) {
        self.no_more_golden();
        self.give_up_switch("another switch came before it was done");
        self.outbox.push(FromWorker::Looking(self.models.active.info.clone()));
        self.closer.another_model();
        self.refit();
        let now = clock::monotonic();
        let lately = |at: &u64| now.since(Instant::from_nanos(*at)) < SWITCH_TOLD_MAX;
        let decided_ns = self.states.iter().map(|state| state.decided_ns.filter(lately)).collect();
        self.models.switching = Some(Switching { switch, at: now, decided_ns, gap_ns: 0 });
    }

    /// A picture of a camera was decided on.
    pub(super) fn decided(&mut self, camera: CameraIndex, decided_ns: u64) {
        if let Some(state) = self.states.get_mut(usize::from(camera)) {
            state.decided_ns = Some(decided_ns);
        }
        let Some(switching) = &mut self.models.switching else {
            return;
        };
        let last = switching.decided_ns.get_mut(usize::from(camera)).and_then(Option::take);
        if let Some(last) = last {
            switching.gap_ns = switching.gap_ns.max(decided_ns.saturating_sub(last));
        }
        if switching.decided_ns.iter().all(Option::is_none) {
            self.tell_switched();
        }
    }

    fn tell_switched(&mut self) {
        if let Some(Switching { switch, at, gap_ns, .. }) = self.models.switching.take() {
            let model = self.models.active.info.clone();
            let outcome = Ok(SwitchedTo { model, at_ns: at.as_nanos(), gap_ns });
            self.outbox.push(FromWorker::Switched { switch, outcome });
        }
    }

    fn give_up_switch(&mut self, reason: &str) {
        if let Some(Switching { switch, .. }) = self.models.switching.take() {
            let outcome = Err(reason.to_owned());
            self.outbox.push(FromWorker::Switched { switch, outcome });
        }
    }

    pub(super) fn forget_standby(&mut self) {
        if let Some(preparing) = &mut self.models.preparing {
            preparing.waited_for = WaitedFor::NoMore;
        }
        self.models.next = None;
        let prepared = self.models.prepared.take().map(|(_, loaded)| loaded);
        self.models.standby.take().into_iter().chain(prepared).for_each(forget);
        self.refit();
    }

    /// The standby takes over from a model that ended with an error, if there is one.
    pub(super) fn fall_back(&mut self, error: &ModelError) -> FellBack {
        let Some(standby) = self.models.standby.take() else {
            return FellBack::No;
        };
        let reason = chain(error);
        let failed = mem::replace(&mut self.models.active, standby);
        let slot = &failed.info.slot;
        tracing::error!(
            "the model {slot} ended with an error, the one before it looks on: {reason}"
        );
        self.give_up_switch(&reason);
        self.no_more_golden();
        let model: ModelInfo = self.models.active.info.clone();
        self.outbox.push(FromWorker::FellBack { model, reason });
        forget(failed);
        self.closer.another_model();
        self.refit();
        FellBack::Yes
    }

    fn refit(&self) {
        self.wanted.set(self.closer.fit(self.models.fit()));
    }

    /// Reads the golden pictures of the active model on another thread; they are shown one by one.
    pub(super) fn run_golden(&mut self, run: u64) {
        self.no_more_golden();
        let package = self.models.active.package.clone();
        let (sender, pictures) = mpsc::sync_channel(0);
        let read = move || {
            give_way();
            for picture in golden_pictures(&package) {
                let golden = match picture {
                    Ok(picture) => Golden::Picture(Box::new(picture)),
                    Err(error) => Golden::Failed(chain(&error)),
                };
                // An error means that nobody wants them any more.
                if sender.send(golden).is_err() {
                    return;
                }
            }
            let _ = sender.send(Golden::End);
        };
        match thread::Builder::new().name("golden".into()).spawn(read) {
            Ok(_) => self.models.golden = Some(GoldenRun { run, pictures }),
            Err(error) => {
                let outcome = Err(format!("no thread can be started: {error}"));
                self.outbox.push(FromWorker::Golden { run, outcome });
            }
        }
    }

    /// Between two pictures of cameras: shows the active model a golden one, if one waits.
    pub(super) fn show_golden(&mut self) -> Result<(), WorkerError> {
        let Some(GoldenRun { run, pictures }) = &self.models.golden else {
            return Ok(());
        };
        let run = *run;
        let outcome = match pictures.try_recv() {
            Err(TryRecvError::Empty) => return Ok(()),
            Ok(Golden::Picture(picture)) => match picture.check(&mut self.models.active.detector) {
                Ok(()) => return Ok(()),
                Err(error) => Err(error),
            },
            Ok(Golden::Failed(reason)) => return self.end_golden(run, Err(reason)),
            Err(TryRecvError::Disconnected) => {
                return self.end_golden(run, Err("reading them ended in a panic".into()));
            }
            Ok(Golden::End) => Ok(()),
        };
        self.end_golden(run, outcome.as_ref().map_err(|error| chain(error)).copied())?;
        match outcome {
            Ok(()) | Err(ModelError::GoldenNotFound { .. } | ModelError::GoldenTooMany { .. }) => {
                Ok(())
            }
            // It would not survive a camera's picture either.
            Err(error) => match self.fall_back(&error) {
                FellBack::Yes => Ok(()),
                FellBack::No => Err(WorkerError::Golden(error)),
            },
        }
    }

    fn end_golden(&mut self, run: u64, outcome: Result<(), String>) -> Result<(), WorkerError> {
        self.models.golden = None;
        self.outbox.push(FromWorker::Golden { run, outcome });
        Ok(())
    }

    fn no_more_golden(&mut self) {
        if let Some(GoldenRun { run, .. }) = self.models.golden.take() {
            let outcome = Err("something else was wanted before all were shown".to_owned());
            self.outbox.push(FromWorker::Golden { run, outcome });
        }
    }
}

/// Whether there was a model to fall back on.
#[derive(PartialEq, Eq)]
pub enum FellBack {
    Yes,
    No,
}
