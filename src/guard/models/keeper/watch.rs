//! The trial that guards: what it shows, and what follows.

use std::collections::VecDeque;
use std::time::Duration;

use super::{AGAIN_AFTER, Keeper, Kind, Told};
use crate::engine::supervision::FRAME_AGE_MAX;
use crate::engine::time::Instant;
use crate::guard::handle::models::GoldenLook;
use crate::guard::models::shown::Course;
use crate::link::ToWorker;
use crate::rollout::probation::{Golden, Probation, Review, Seen, Verdict};
use crate::rollout::slot::{Digest, Slot};
use crate::rollout::stage::{Event, Fault};

/// Pictures of which the 99th percentile is taken: the newest, so that a slow minute does not hide
/// behind a day. Five are the slowest hundredth of them.
const WINDOW: usize = 500;

/// Fewer say nothing about a hundredth.
const WINDOW_MIN: usize = 200;

/// So many slow ones among the first of them decide what the hundredth of these will be: it is not
/// waited for while a slow model keeps cameras waiting.
const SLOW_MAX: usize = WINDOW_MIN - (WINDOW_MIN * 99).div_ceil(100) + 1;

/// It is computed after so many pictures.
const JUDGE_EVERY: usize = 50;

/// How often what a trial has shown is written down.
pub(super) const NOTE_EVERY: Duration = Duration::from_secs(60);

/// The trial of this life.
pub(super) struct Watch {
    pub digest: Digest,
    probation: Probation,
    times_ns: VecDeque<u64>,
    since_judged: usize,
    p99: Option<Duration>,
    golden: GoldenLook,
    /// The look at golden pictures that is awaited.
    run: Option<u64>,
    noted_at: Instant,
    /// A commit that the disk did not take is tried again then.
    commit_at: Option<Instant>,
}

impl Watch {
    pub fn course(&self) -> Course {
        Course { progress: self.probation.progress(), p99: self.p99, golden: self.golden }
    }

    /// The 99th percentile, when it is time to look at it.
    fn timed(&mut self, inference_ns: u64, budget: Duration) -> Option<Duration> {
        self.times_ns.push_back(inference_ns);
        if self.times_ns.len() < WINDOW_MIN {
            let mut sorted: Vec<u64> = self.times_ns.iter().copied().collect();
            sorted.sort_unstable_by_key(|it| std::cmp::Reverse(*it));
            let slow = sorted.get(SLOW_MAX - 1).copied().map(Duration::from_nanos);
            let slow = slow.filter(|it| *it > budget);
            self.p99 = slow.or(self.p99);
            self.since_judged += 1;
            return slow;
        }
        if self.times_ns.len() > WINDOW {
            self.times_ns.pop_front();
        }
        self.since_judged += 1;
        if self.since_judged < JUDGE_EVERY {
            return None;
        }
        self.since_judged = 0;
        self.p99 = p99(self.times_ns.iter().copied());
        self.p99
    }
}

/// The 99th percentile: of a hundred the second largest.
pub(super) fn p99(times_ns: impl Iterator<Item = u64>) -> Option<Duration> {
    let mut sorted: Vec<u64> = times_ns.collect();
    sorted.sort_unstable();
    let at = (sorted.len() * 99).div_ceil(100).checked_sub(1)?;
    sorted.get(at).copied().map(Duration::from_nanos)
}

impl Keeper {
    /// The model on trial guards from now on.
    pub(super) fn begin_watch(&mut self, now: Instant) {
        let Some(trial) = self.store.ledger().trial() else { return };
        let probation = Probation::new(self.shared.rules, trial.progress, now);
        let mut watch = Watch {
            digest: trial.slot,
            probation,
            times_ns: VecDeque::with_capacity(WINDOW),
            since_judged: 0,
            p99: None,
            golden: GoldenLook::NotYet,
            run: None,
            noted_at: now,
            commit_at: None,
        };
        for _ in 0..self.reviews_open {
            watch.probation.see(Seen::Review(Review::Opened), now);
        }
        self.watch = Some(watch);
    }

    /// The keeper was held up; whatever it did not hear meanwhile says nothing of the model. A vision
    /// process that hangs is ended by its supervisor, who tells that.
    pub(super) fn was_held_up(&mut self, now: Instant) {
        let Some(watch) = &mut self.watch else { return };
        let progress = watch.probation.progress();
        watch.probation = Probation::new(self.shared.rules, progress, now);
        for _ in 0..self.reviews_open {
            watch.probation.see(Seen::Review(Review::Opened), now);
        }
        (watch.golden, watch.run) = (GoldenLook::NotYet, None);
    }

    pub(super) fn saw_frame(&mut self, decided: Instant, inference_ns: u64) {
        let took = Duration::from_nanos(inference_ns);
        if self.watch.is_some() && took > FRAME_AGE_MAX {
            let text = format!(
                "{}: it took {} ms for one picture, and none is acted on that is older than {} ms",
                Fault::Latency,
                took.as_millis(),
                FRAME_AGE_MAX.as_millis()
            );
            self.take_back(Event::Fault(Fault::Latency), &text, None, decided);
            return;
        }
        self.saw(Seen::Frame, decided);
        let budget = self.shared.rules.latency_budget;
        let p99 = self.watch.as_mut().and_then(|watch| watch.timed(inference_ns, budget));
        if let Some(p99) = p99 {
            self.saw(Seen::Latency { p99 }, decided);
        }
    }

    pub(super) fn saw_golden(&mut self, run: u64, outcome: Result<(), String>, now: Instant) {
        let Some(watch) = self.watch.as_mut().filter(|watch| watch.run == Some(run)) else {
            return;
        };
        watch.run = None;
        match outcome {
            Ok(()) => {
                watch.golden = GoldenLook::Passed;
                self.saw(Seen::Golden(Golden::Passed), now);
            }
            Err(why) => {
                let slot = Some(Slot::Blob(watch.digest));
                self.book.tell(Told::now(Kind::GoldenFailed, slot, why));
                self.saw(Seen::Golden(Golden::Failed), now);
            }
        }
    }

    pub(super) fn saw(&mut self, seen: Seen, at: Instant) {
        let Some(watch) = self.watch.as_mut() else { return };
        match watch.probation.see(seen, at) {
            Verdict::GoOn => {}
            Verdict::RunGolden => {
                let run = self.number();
                if let Some(watch) = self.watch.as_mut() {
                    (watch.golden, watch.run) = (GoldenLook::Asked, Some(run));
                }
                self.post(ToWorker::RunGolden { run });
            }
            // Obeyed when all was heard: what waits behind this may speak against it.
            Verdict::Commit if seen != Seen::Tick => {}
            Verdict::Commit => self.commit(at),
            Verdict::RollBack { reason } => {
                let text = match (reason, watch.p99) {
                    (Fault::Latency, Some(p99)) => format!(
                        "{reason}: of its newest pictures one in a hundred takes {} ms or longer, \
                         and the budget is {} ms",
                        p99.as_millis(),
                        self.shared.rules.latency_budget.as_millis()
                    ),
                    _ => reason.to_string(),
                };
                self.take_back(Event::Fault(reason), &text, None, at);
            }
        }
    }

    fn commit(&mut self, now: Instant) {
        let Some(watch) = self.watch.as_mut() else { return };
        if watch.commit_at.is_some_and(|at| now < at) {
            return;
        }
        let (slot, progress) = (Slot::Blob(watch.digest), watch.probation.progress());
        watch.commit_at = Some(now.after(AGAIN_AFTER));
        if self.change(&Event::Commit).is_err() {
            // Shown as a fault; it guards on, on trial.
            return;
        }
        self.watch = None;
        self.life.standby = None;
        self.reviews_open = 0;
        let text = format!(
            "its probation is over: {} pictures, {} hours; it guards by right",
            progress.frames,
            progress.run_s / 3_600
        );
        let release = self.store.ledger().committed_release();
        self.book.tell(Told::now(Kind::Committed, Some(slot), text).of_release(release));
        self.post(ToWorker::ForgetStandby);
        self.sweep_due = true;
    }

    pub(super) fn tend_watch(&mut self, now: Instant) {
        self.saw(Seen::Tick, now);
        if self.watch.as_ref().is_some_and(|watch| now.since(watch.noted_at) > NOTE_EVERY) {
            self.note_progress();
            if let Some(watch) = self.watch.as_mut() {
                watch.noted_at = now;
            }
        }
    }

    /// What the trial has shown by now, on the disk.
    pub(super) fn note_progress(&mut self) {
        if let Some(watch) = &self.watch {
            let done = self.store.note(watch.probation.progress());
            // A trial goes on without it: what was not written is shown once more.
            let _ = self.kept(done);
        }
    }
}
