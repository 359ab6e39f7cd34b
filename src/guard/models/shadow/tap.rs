//! The alarm path's end: what it was told and what it told, for the comparer.
//!
//! It never waits. What finds no room is lost, and since an engine that missed something would not be the
//! one that guards, the run ends there and another begins with a copy of the engine as it is then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use super::Told;
use super::clips::{self, ClipTask};
use super::log::Looked;
use super::mind::Noticed;
use crate::engine::time::Instant;
use crate::engine::{Effects, Engine, Input};
use crate::guard::records::SiteNames;
use crate::link::{ClipOutcome, FeedNews, ModelInfo, Picture, Report};

/// What may wait for the comparer: half a minute of eight cameras at 15 pictures a second, and its store
/// may take some seconds for an errand.
const QUEUE_MAX: usize = 4096;

/// How often whoever may wait looks for room.
const ROOM_EVERY: Duration = Duration::from_millis(10);

/// The engine is copied no sooner than this after the last time, and after a loss: a comparer that cannot
/// follow, or cannot keep anything, shall not cost the alarm path a copy each time.
const COPY_EVERY: Duration = Duration::from_secs(1);
const COPY_EVERY_LOST: Duration = Duration::from_secs(10);

/// Nobody compares.
const OFF: u8 = 0;
/// Somebody wants to, from the next step on.
const BEGIN: u8 = 1;
const ON: u8 = 2;

/// What the alarm path lets the comparer know.
#[derive(Debug)]
pub(in crate::guard) enum Tapped {
    /// From here on it is told everything.
    Begin(Box<Beginning>),
    /// All but pictures.
    Input { input: Input, at: Instant },
    /// A picture that the active model looked at; the detections are its own.
    Frame { frame: crate::engine::FrameReport, at: Instant, took: Duration },
    /// What it told.
    Noticed { noticed: Noticed, at: Instant },
}

/// How things stand when a run begins.
#[derive(Debug)]
pub(in crate::guard) struct Beginning {
    pub engine: Engine,
    pub names: Arc<SiteNames>,
    pub model: ModelInfo,
    pub at: Instant,
    pub why: Why,
}

/// Why a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::guard) enum Why {
    /// A shadow model watches.
    Wanted,
    /// Something was lost; the run before ended with that.
    Lost,
    /// The zones or the active model are others.
    Changed,
}

/// The queue, for whoever brings something.
#[derive(Clone, Debug)]
pub struct ShadowQueue {
    queue: SyncSender<Told>,
    clips: SyncSender<ClipTask>,
    state: Arc<AtomicU8>,
    stopping: Arc<AtomicBool>,
}

/// What the alarm path holds.
#[derive(Debug)]
pub struct ShadowTap {
    to: ShadowQueue,
    why: Why,
    /// What the active model took for the picture that comes next.
    took: Duration,
    copied_at: Option<Instant>,
    /// The active model of the run: slot and digest.
    model: Option<(String, String)>,
}

/// All ends.
pub fn queue() -> (ShadowQueue, ShadowTap, ShadowInbox) {
    let (queue, told) = mpsc::sync_channel(QUEUE_MAX);
    let (clips, tasks) = mpsc::sync_channel(clips::QUEUE_MAX);
    let state = Arc::new(AtomicU8::new(OFF));
    let to = ShadowQueue { queue, clips, state, stopping: Arc::default() };
    let tap = ShadowTap {
        to: to.clone(),
        why: Why::Wanted,
        took: Duration::ZERO,
        copied_at: None,
        model: None,
    };
    (to, tap, ShadowInbox(told, tasks))
}

/// The comparer's end, and that of the keeper of clips.
#[derive(Debug)]
pub struct ShadowInbox(pub(super) Receiver<Told>, pub(super) Receiver<ClipTask>);

impl ShadowQueue {
    /// How the shadow process is fed; never waits.
    pub fn fed(&self, news: FeedNews) {
        let _ = self.queue.try_send(Told::Feed(news));
    }

    /// A picture that was asked for; never waits. Lost: that case has none.
    pub fn picture(&self, request: u64, picture: Option<Picture>) {
        let _ = self.queue.try_send(Told::Picture { request, picture });
    }

    /// What became of a clip that was asked for; never waits. Lost: it is given up in time.
    pub fn clip(&self, request: u64, outcome: ClipOutcome) {
        let _ = self.clips.try_send(ClipTask::Outcome { request, outcome });
    }

    /// The queue of the keeper of clips.
    pub(super) fn clips(&self) -> SyncSender<ClipTask> {
        self.clips.clone()
    }

    /// Lost: a picture that was not seen.
    pub(super) fn report(&self, looked: Looked) {
        let _ = self.queue.try_send(Told::Report(looked));
    }

    /// Waits for room, until the box ends: then nobody waits for the comparer any more.
    pub(super) fn tell(&self, told: Told) {
        let mut told = Some(told);
        while let Some(it) = told.take() {
            if let Err(TrySendError::Full(it)) = self.queue.try_send(it)
                && !self.is_stopping()
            {
                told = Some(it);
                thread::park_timeout(ROOM_EVERY);
            }
        }
    }

    /// The box ends: from now on nobody waits for anybody here.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Tells the comparer to end, behind all that waits; whether there was room.
    pub(super) fn try_stop(&self) -> bool {
        self.queue.try_send(Told::Stop).is_ok()
    }

    /// The same for the keeper of clips.
    pub(super) fn try_stop_clips(&self) -> bool {
        self.clips.try_send(ClipTask::Stop).is_ok()
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// A run is wanted, from the alarm path's next step on.
    pub(super) fn begin(&self) {
        self.state.store(BEGIN, Ordering::Release);
    }

    /// Whether a run is under way or wanted.
    pub(super) fn is_on(&self) -> bool {
        self.state.load(Ordering::Acquire) != OFF
    }

    /// Nobody compares any more.
    pub(super) fn end(&self) {
        self.state.store(OFF, Ordering::Release);
    }
}

impl ShadowTap {
    /// What the active model took for the picture that comes next.
    pub(in crate::guard) fn took(&mut self, report: &Report) {
        let stages = &report.stages;
        let ns = stages.decoded_ns.saturating_sub(stages.preprocessed_ns);
        self.took = Duration::from_nanos(ns);
    }

    /// Before the engine's step.
    pub(in crate::guard) fn before(&mut self, input: &Input, at: Instant) {
        if self.to.state.load(Ordering::Acquire) != ON {
            return;
        }
        let tapped = match input {
            Input::Frame(frame) => Tapped::Frame { frame: frame.clone(), at, took: self.took },
            // The names change with the zones: from the next step on, anew.
            Input::Rezone { .. } => return self.anew(Why::Changed),
            input => Tapped::Input { input: input.clone(), at },
        };
        self.send(tapped);
    }

    /// After it.
    pub(in crate::guard) fn after(&mut self, effects: &Effects, at: Instant) {
        for event in &effects.events {
            if self.to.state.load(Ordering::Acquire) == ON
                && let Some(noticed) = Noticed::of(&event.kind)
            {
                self.send(Tapped::Noticed { noticed, at });
            }
        }
    }

    /// At a tick, between two steps: begins a run where one is wanted.
    pub(in crate::guard) fn look(
        &mut self,
        (engine, names): (&Engine, &Arc<SiteNames>),
        model: Option<&ModelInfo>,
        now: Instant,
    ) {
        let state = self.to.state.load(Ordering::Acquire);
        let Some(model) = model else { return };
        let is_it =
            |(slot, digest): &(String, String)| (slot, digest) == (&model.slot, &model.digest);
        if state == ON && !self.model.as_ref().is_some_and(is_it) {
            self.anew(Why::Changed);
        } else if state != BEGIN {
            return;
        }
        let every = match self.why {
            Why::Wanted | Why::Changed => COPY_EVERY,
            Why::Lost => COPY_EVERY_LOST,
        };
        if self.copied_at.is_some_and(|at| now.since(at) < every) {
            return;
        }
        self.copied_at = Some(now);
        let beginning = Beginning {
            engine: engine.clone(),
            names: Arc::clone(names),
            model: model.clone(),
            at: now,
            why: self.why,
        };
        if self.to.queue.try_send(Told::Tapped(Tapped::Begin(Box::new(beginning)))).is_ok() {
            self.model = Some((model.slot.clone(), model.digest.clone()));
            self.why = Why::Wanted;
            // Unless somebody has ended it meanwhile.
            let _ = self.to.state.compare_exchange(BEGIN, ON, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    fn send(&mut self, tapped: Tapped) {
        if self.to.queue.try_send(Told::Tapped(tapped)).is_err() {
            self.anew(Why::Lost);
        }
    }

    fn anew(&mut self, why: Why) {
        self.why = why;
        let _ = self.to.state.compare_exchange(ON, BEGIN, Ordering::AcqRel, Ordering::Acquire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Restored, Site};

    fn model(slot: &str) -> ModelInfo {
        ModelInfo { name: "m".into(), slot: slot.into(), ..ModelInfo::default() }
    }

    fn names() -> Arc<SiteNames> {
        Arc::new(SiteNames { cameras: vec![], addresses: vec![], in_force: vec![], zones: vec![] })
    }

    fn begins(told: &ShadowInbox) -> Vec<Why> {
        let told = told.0.try_iter();
        told.filter_map(|told| match told {
            Told::Tapped(Tapped::Begin(beginning)) => Some(beginning.why),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn a_loss_ends_the_run_and_another_begins_with_the_engine_as_it_is() {
        let at = |s: u64| Instant::from_nanos(s * 1_000_000_000);
        let engine = Engine::new(Site::default(), &Restored::default(), at(0));
        let (queue, mut tap, told) = queue();
        let names = names();
        let look =
            |tap: &mut ShadowTap, slot, s| tap.look((&engine, &names), Some(&model(slot)), at(s));
        tap.before(&Input::Tick, at(1));
        look(&mut tap, "shipped", 1);
        assert_eq!(told.0.try_iter().count(), 0, "nobody compares");
        queue.begin();
        look(&mut tap, "shipped", 2);
        assert_eq!(begins(&told), [Why::Wanted]);
        for _ in 0..=QUEUE_MAX {
            tap.before(&Input::Tick, at(3));
        }
        assert_eq!(told.0.try_iter().count(), QUEUE_MAX);
        tap.before(&Input::Tick, at(4));
        assert_eq!(told.0.try_iter().count(), 0, "a gap is no run");
        look(&mut tap, "shipped", 5);
        assert_eq!(begins(&told), [], "not each time");
        look(&mut tap, "shipped", 13);
        assert_eq!(begins(&told), [Why::Lost]);
        look(&mut tap, "sha256-x", 14);
        assert_eq!(begins(&told), [Why::Changed]);
        queue.end();
        look(&mut tap, "shipped", 15);
        assert_eq!(begins(&told), []);
    }

    #[test]
    fn nobody_waits_for_a_comparer_that_hangs_once_the_box_ends() {
        let (queue, _tap, _hangs) = queue();
        while queue.try_stop() {}
        let teller = queue.clone();
        let waits = thread::spawn(move || teller.tell(Told::Stop));
        queue.stop();
        waits.join().expect("it waits no longer");
    }
}
