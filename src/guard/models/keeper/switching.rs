//! From one loaded model to another: prepared, on the disk, switched to, or back.

use std::time::Duration;

use super::{Keeper, Kind, Told};
use crate::clock;
use crate::engine::time::Instant;
use crate::link::{ModelInfo, PREPARE_MAX, SwitchedTo, ToWorker};
use crate::rollout::slot::{Digest, Slot};
use crate::rollout::stage::{Event, Fault};

/// While it is waited for, a trial that was taken back guards on: five times what loading takes. Then a
/// vision process that loads nothing else does it sooner.
const RETURN_MAX: Duration = Duration::from_secs(15);

/// What guarded before a model was put back stays loaded for so long: an error in the light of that day
/// comes early, and memory for two models is not needed for ever.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// A switch happens at the next picture; it is told once each camera was looked at, or soon after.
const SWITCH_MAX: Duration = Duration::from_secs(10);

/// What is under way with the vision process; one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Idle,
    Preparing {
        number: u64,
        goal: Goal,
        until: Instant,
    },
    /// The ledger says so already.
    Switching {
        number: u64,
        goal: Goal,
        until: Instant,
    },
    /// To the standby.
    GoingBack {
        number: u64,
        to: Slot,
        until: Instant,
    },
}

/// What a model is prepared for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Trial(Digest),
    /// The model that was committed before guards again.
    PutBack {
        to: Slot,
        by: String,
        reason: String,
    },
    /// What is committed guards instead of a trial that is over, where no standby is loaded.
    Return {
        to: Slot,
    },
}

impl Goal {
    const fn slot(&self) -> Slot {
        match self {
            Goal::Trial(digest) => Slot::Blob(*digest),
            Goal::PutBack { to, .. } | Goal::Return { to } => *to,
        }
    }
}

impl Step {
    /// For people.
    pub fn said(&self) -> Option<String> {
        match self {
            Step::Idle => None,
            Step::Preparing { goal, .. } => Some(format!("{} is being loaded", goal.slot())),
            Step::Switching { goal, .. } => Some(format!("{} is being switched to", goal.slot())),
            Step::GoingBack { to, .. } => Some(format!("{to} is being switched back to")),
        }
    }
}

impl Keeper {
    pub(super) fn prepare(&mut self, goal: Goal, now: Instant) {
        let number = self.number();
        let model = self.shared.folders.choice(goal.slot());
        let within = match goal {
            Goal::Trial(_) | Goal::PutBack { .. } => PREPARE_MAX,
            Goal::Return { .. } => RETURN_MAX,
        };
        self.step = Step::Preparing { number, goal, until: now.after(within) };
        // The vision process lets go of it for this.
        (self.life.standby, self.life.kept_until) = (None, None);
        self.post(ToWorker::Prepare { switch: number, model });
    }

    pub(super) fn prepared(&mut self, of: u64, outcome: Result<ModelInfo, String>, now: Instant) {
        let Step::Preparing { number, goal, .. } = self.step.clone() else { return };
        if number != of {
            return;
        }
        self.step = Step::Idle;
        match outcome {
            Ok(_) => self.switch(number, goal, now),
            Err(why) => self.not_prepared(&goal, Fault::Error, &why, now),
        }
    }

    /// On the disk first; then the vision process is told.
    fn switch(&mut self, number: u64, goal: Goal, now: Instant) {
        let kept = match &goal {
            Goal::Trial(digest) => self.may_be_tried(*digest).and_then(|()| {
                let started_unix_s = clock::wall().as_second();
                let run_s = i64::try_from(self.shared.rules.run_min.as_secs()).unwrap_or(i64::MAX);
                let deadline_unix_s = started_unix_s.saturating_add(run_s);
                self.change(&Event::Try { started_unix_s, deadline_unix_s })
            }),
            Goal::PutBack { .. } => {
                let done = self.store.put_back();
                self.kept(done)
            }
            Goal::Return { .. } => Ok(()),
        };
        if let Err(error) = kept {
            let text = format!("{} is not switched to: {error}", goal.slot());
            self.book.tell(Told::now(Kind::Fault, Some(goal.slot()), text));
            self.post(ToWorker::ForgetStandby);
            return;
        }
        if let Goal::PutBack { to, by, reason } = &goal {
            let told = Told::now(Kind::PutBack, Some(*to), reason.clone()).by(by.clone());
            self.book.tell(told);
        }
        self.step = Step::Switching { number, goal, until: now.after(SWITCH_MAX) };
        self.post(ToWorker::Switch { switch: number });
    }

    fn not_prepared(&mut self, goal: &Goal, fault: Fault, why: &str, now: Instant) {
        let slot = Some(goal.slot());
        self.post(ToWorker::ForgetStandby);
        match goal {
            Goal::Trial(digest) => {
                let text = format!("it could not be loaded beside the one that guards: {why}");
                self.book.tell(Told::now(Kind::Fault, slot, text));
                self.against(*digest, fault, why, now);
            }
            Goal::PutBack { .. } => {
                let text = format!("it cannot be put back, and nothing was changed: {why}");
                self.book.tell(Told::now(Kind::Fault, slot, text));
            }
            Goal::Return { .. } => self.restart_vision(why),
        }
    }

    pub(super) fn switched(&mut self, of: u64, outcome: Result<SwitchedTo, String>, now: Instant) {
        match self.step.clone() {
            Step::Switching { number, goal, .. } if number == of => {
                self.step = Step::Idle;
                match outcome {
                    Ok(to) => self.switched_to(&goal, &to, now),
                    Err(why) => self.not_switched(&goal, Fault::Error, &why, now),
                }
            }
            Step::GoingBack { number, to, .. } if number == of => {
                self.step = Step::Idle;
                match outcome {
                    Ok(_) => self.is_back(to),
                    // It was never switched away from.
                    Err(_) if self.life.active == Some(to) => self.is_back(to),
                    Err(why) => self.restart_vision(&why),
                }
            }
            Step::Idle
            | Step::Preparing { .. }
            | Step::Switching { .. }
            | Step::GoingBack { .. } => {}
        }
    }

    fn switched_to(&mut self, goal: &Goal, to: &SwitchedTo, now: Instant) {
        let slot = goal.slot();
        let before = self.life.active.replace(slot);
        self.active_is(Some(slot));
        let gap_ms = to.gap_ns / 1_000_000;
        match goal {
            Goal::Trial(_) => {
                self.life.standby = before;
                let text = format!(
                    "it guards on probation from this picture on; longest time of a camera without \
                     a decision {gap_ms} ms"
                );
                self.book.tell(Told::now(Kind::Switched, Some(slot), text));
                self.begin_watch(now);
            }
            Goal::PutBack { .. } => {
                let text = format!("it guards; {gap_ms} ms without a decision at most");
                self.book.tell(Told::now(Kind::Switched, Some(slot), text));
                (self.life.standby, self.life.kept_until) = (before, Some(now.after(KEPT_FOR)));
                self.sweep_due = true;
            }
            Goal::Return { .. } => {
                let text = format!("it guards; {gap_ms} ms without a decision at most");
                self.book.tell(Told::now(Kind::Switched, Some(slot), text));
                self.life.standby = None;
                self.post(ToWorker::ForgetStandby);
                self.sweep_due = true;
            }
        }
    }

    /// The ledger says that it guards, and it does not.
    fn not_switched(&mut self, goal: &Goal, fault: Fault, why: &str, now: Instant) {
        match goal {
            Goal::Trial(digest) => self.against(*digest, fault, why, now),
            Goal::PutBack { to, .. } => self.not_put_back(*to, why),
            Goal::Return { .. } => return self.restart_vision(why),
        }
        let Some(to) = self.life.active.filter(|_| fault == Fault::Hung) else {
            self.post(ToWorker::ForgetStandby);
            return;
        };
        // It may have been switched to after all.
        let number = self.number();
        self.post(ToWorker::SwitchBack { switch: number, reason: why.to_owned() });
        self.step = Step::GoingBack { number, to, until: now.after(SWITCH_MAX) };
    }

    /// The model that was put back is of no use, and the one that guarded before looks: by right, too.
    pub(super) fn not_put_back(&mut self, failed: Slot, why: &str) {
        let done = self.store.put_back();
        let kept = match self.kept(done) {
            Ok(()) => "what guarded before guards by right again".to_owned(),
            Err(error) => format!("the next vision process tries it once more: {error}"),
        };
        let text = format!("it was put back and does not guard; {kept}: {why}");
        self.book.tell(Told::now(Kind::Fault, Some(failed), text));
    }

    /// The vision process looks with what is committed again: at the next picture where that is loaded.
    pub(super) fn lead_back(&mut self, why: &str, now: Instant) {
        let to = self.store.ledger().committed();
        let number = self.number();
        match self.life.standby {
            Some(standby) => {
                self.step = Step::GoingBack { number, to: standby, until: now.after(SWITCH_MAX) };
                self.post(ToWorker::SwitchBack { switch: number, reason: why.to_owned() });
            }
            None => self.prepare(Goal::Return { to }, now),
        }
    }

    pub(super) fn is_back(&mut self, to: Slot) {
        self.life.active = Some(to);
        (self.life.standby, self.life.kept_until) = (None, None);
        self.active_is(Some(to));
        self.post(ToWorker::ForgetStandby);
        self.sweep_due = true;
    }

    /// The last resort: the next life loads what the ledger says.
    pub(super) fn restart_vision(&mut self, why: &str) {
        let text =
            format!("the vision process is started anew, to guard with another model: {why}");
        self.book.tell(Told::now(Kind::Fault, self.life.active, text));
        self.post(ToWorker::Stop);
    }

    /// What takes too long.
    pub(super) fn tend_step(&mut self, now: Instant) {
        let why = "it did not answer in time";
        match self.step.clone() {
            Step::Preparing { goal, until, .. } if now > until => {
                self.step = Step::Idle;
                self.not_prepared(&goal, Fault::Hung, why, now);
            }
            Step::Switching { goal, until, .. } if now > until => {
                self.step = Step::Idle;
                self.not_switched(&goal, Fault::Hung, why, now);
            }
            Step::GoingBack { until, .. } if now > until => {
                self.step = Step::Idle;
                self.restart_vision(why);
            }
            Step::Idle if self.life.kept_until.is_some_and(|until| now > until) => {
                (self.life.standby, self.life.kept_until) = (None, None);
                self.post(ToWorker::ForgetStandby);
            }
            Step::Idle
            | Step::Preparing { .. }
            | Step::Switching { .. }
            | Step::GoingBack { .. } => {}
        }
    }

    /// The vision process is gone, and with it whatever it was about to do.
    pub(super) fn step_is_gone(&mut self) {
        if let Step::Preparing { goal, .. } = std::mem::replace(&mut self.step, Step::Idle) {
            let text = "the vision process ended while it was being loaded; nothing was changed, \
                        and somebody has to ask again";
            self.book.tell(Told::now(Kind::Fault, Some(goal.slot()), text));
        }
    }

    /// What was prepared is wanted no more.
    pub(super) fn stop_preparing(&mut self, digest: Digest) {
        if matches!(&self.step, Step::Preparing { goal: Goal::Trial(of), .. } if *of == digest) {
            self.step = Step::Idle;
            self.post(ToWorker::ForgetStandby);
        }
    }
}
