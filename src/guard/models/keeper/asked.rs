//! What people ask, and packages that come in.

use super::switching::Goal;
use super::{Ask, Keeper, Kind, REVIEW_OPEN, Step, Told};
use crate::clock;
use crate::engine::time::Instant;
use crate::guard::handle::models::{ModelError, PackageRefusal, ReviewStep};
use crate::guard::models::desk::ANSWER_MAX;
use crate::guard::models::evidence::judged;
use crate::guard::models::shown::facts_of;
use crate::guard::models::take::Staging;
use crate::guard::models::trying::Tried;
use crate::rollout::ledger::Refusal;
use crate::rollout::probation::{Review, Seen};
use crate::rollout::slot::{Digest, Slot};
use crate::rollout::stage::{Event, Fault, Person, Stage};

/// A step that is out of order, by the API's name.
pub fn refused(refusal: &Refusal) -> ModelError {
    let code = match refusal {
        Refusal::NoCandidate => "no_candidate",
        Refusal::NotAllowed(_) => "out_of_order",
        Refusal::Busy { .. } => "busy_candidate",
        Refusal::BelowFloor { release, floor } => {
            return PackageRefusal::Rollback { release: *release, floor: *floor }.into();
        }
        Refusal::Known { .. } => "known",
        Refusal::NoPrevious => "no_previous",
        Refusal::OnTrial { .. } => "on_trial",
    };
    ModelError::Conflict { code, text: refusal.to_string() }
}

fn no(code: &'static str, text: impl Into<String>) -> ModelError {
    ModelError::Conflict { code, text: text.into() }
}

impl Keeper {
    pub fn ask(&mut self, what: Ask, by: &str, now: Instant) -> Result<(), ModelError> {
        match what {
            Ask::Shadow(digest) => self.shadow(digest, by),
            Ask::Promote { digest, evidence } => self.promote(digest, &evidence, by, now),
            Ask::Rollback { reason } => self.rollback(&reason, by, now),
            Ask::Discard { digest, reason } => self.discard(digest, &reason, by),
            Ask::Review { step, reason } => self.review(step, &reason, by, now),
        }
    }

    /// A package is whole on the disk, and becomes the candidate.
    pub fn stage(&mut self, package: &Staging, by: &str) -> Result<(), ModelError> {
        let done = self.store.stage(package.digest, package.release);
        self.kept(done)?;
        let slot = Slot::Blob(package.digest);
        let mut facts = facts_of(&self.files, package.digest);
        let told = Told::now(Kind::Installed, Some(slot), package.said.clone());
        let told = told.by(by).of_release(package.release);
        facts.installed = Some((told.at, by.to_owned()));
        self.shared.change(|shown| shown.facts.insert(package.digest, facts));
        self.book.tell(told);
        self.sweep_due = true;
        Ok(())
    }

    /// It was tried in a process of its own.
    pub fn tried(&mut self, digest: Digest, tried: Tried) -> Result<(), ModelError> {
        let is_new = |stage: &Stage| *stage == Stage::Staged;
        if !self.candidate().is_some_and(|it| it.digest == digest && is_new(&it.stage)) {
            return Err(no("no_candidate", "it is no candidate any more"));
        }
        let slot = Some(Slot::Blob(digest));
        match tried {
            Tried::Well { p99, pictures } => {
                self.change(&Event::Verify)?;
                let text = format!(
                    "it finds whom it must find; {} ms for a picture at most in ninety-nine of a \
                     hundred ({pictures} measured)",
                    p99.as_millis()
                );
                self.book.tell(Told::now(Kind::Verified, slot, text));
                Ok(())
            }
            Tried::Badly { fault, code, text } => {
                self.change(&Event::Fault(fault))?;
                self.reviews_open = 0;
                let kind = match fault {
                    Fault::GoldenFailed => Kind::GoldenFailed,
                    _ => Kind::Rejected,
                };
                self.book.tell(Told::now(kind, slot, text.clone()));
                self.sweep_due = true;
                Err(ModelError::Useless { code, text })
            }
            // It says nothing of the model: it stays, and is tried again at the next start.
            Tried::NotTried { text } => {
                self.book.tell(Told::now(Kind::Fault, slot, text.clone()));
                Err(ModelError::Source(text))
            }
        }
    }

    fn shadow(&mut self, digest: Digest, by: &str) -> Result<(), ModelError> {
        self.is_candidate(digest)?;
        self.change(&Event::Shadow)?;
        let text = "it sees what the one that guards sees, and nothing follows from what it says";
        self.book.tell(Told::now(Kind::Shadowing, Some(Slot::Blob(digest)), text).by(by));
        Ok(())
    }

    fn promote(
        &mut self,
        digest: Digest,
        evidence: &str,
        by: &str,
        now: Instant,
    ) -> Result<(), ModelError> {
        self.is_candidate(digest)?;
        if self.reviews_open > 0 {
            return Err(no("review_open", REVIEW_OPEN));
        }
        if self.step != Step::Idle {
            return Err(ModelError::Busy);
        }
        if !self.watches() {
            return Err(no(
                "not_watching",
                "the vision process is starting; ask again in a moment",
            ));
        }
        if let Err(why) = (self.trusted)(digest) {
            self.against(digest, Fault::WrongKey, &why, now);
            return Err(no("no_candidate", why));
        }
        judged(&*self.evidence, digest, Some(evidence))?;
        let by_name = Person::named(by).map_err(|error| no("person", error.to_string()))?;
        match self.candidate().map(|it| it.stage.clone()) {
            // Somebody did, and the box or the vision process ended before it was switched to.
            Some(Stage::Approved { .. }) => {}
            Some(Stage::Shadowing) => self.change(&Event::Approve { by: by_name })?,
            Some(Stage::Probation) => {
                return Err(no("on_trial", "it guards on probation already"));
            }
            Some(_) | None => {
                return Err(no("not_shadowing", "it has to run in the shadow first"));
            }
        }
        let text = format!(
            "approved on the evidence {evidence}; it is loaded beside the one that guards, and \
             switched to if the evidence allows that then"
        );
        self.book.tell(Told::now(Kind::Approved, Some(Slot::Blob(digest)), text).by(by));
        if clock::monotonic().since(now) > ANSWER_MAX {
            return self.too_late();
        }
        self.prepare(Goal::Trial(digest), now);
        Ok(())
    }

    /// Whether a candidate that was approved may still guard, before that is written: it was loaded for
    /// up to two minutes, and meanwhile somebody may have labelled what it lost.
    pub(super) fn may_be_tried(&self, digest: Digest) -> Result<(), ModelError> {
        judged(&*self.evidence, digest, None)
    }

    /// Whoever asked was told that nobody knows what became of it, and may have decided otherwise.
    pub(super) fn too_late(&mut self) -> Result<(), ModelError> {
        let text = "what somebody asked is not gone on with: the keeper of models was held up for too \
                    long, perhaps by the disk; ask again";
        self.book.tell(Told::now(Kind::Fault, None, text));
        Err(ModelError::Busy)
    }

    fn rollback(&mut self, reason: &str, by: &str, now: Instant) -> Result<(), ModelError> {
        if self.store.ledger().trial().is_some() {
            self.take_back(Event::Operator, reason, Some(by), now);
            return match self.owed {
                None => Ok(()),
                Some(_) => Err(ModelError::Disk(
                    "it is taken back, but the disk does not take that yet; it is tried again"
                        .into(),
                )),
            };
        }
        if self.step != Step::Idle {
            return Err(ModelError::Busy);
        }
        let Some(to) = self.store.ledger().previous() else {
            return Err(refused(&Refusal::NoPrevious));
        };
        if self.life.active == Some(to) || !self.watches() {
            let done = self.store.put_back();
            self.kept(done)?;
            self.book.tell(Told::now(Kind::PutBack, Some(to), reason).by(by));
            self.sweep_due = true;
            return Ok(());
        }
        let (by, reason) = (by.to_owned(), reason.to_owned());
        self.prepare(Goal::PutBack { to, by, reason }, now);
        Ok(())
    }

    fn discard(&mut self, digest: Digest, reason: &str, by: &str) -> Result<(), ModelError> {
        self.is_candidate(digest)?;
        if self.is_on_trial(digest) {
            return Err(no("on_trial", "it guards on probation; roll it back instead"));
        }
        if matches!(self.step, Step::Switching { .. }) {
            return Err(ModelError::Busy);
        }
        self.change(&Event::Operator)?;
        self.stop_preparing(digest);
        self.reviews_open = 0;
        self.sweep_due = true;
        self.book.tell(Told::now(Kind::Discarded, Some(Slot::Blob(digest)), reason).by(by));
        Ok(())
    }

    fn review(
        &mut self,
        step: ReviewStep,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Result<(), ModelError> {
        let Some(digest) = self.candidate().map(|it| it.digest) else {
            return Err(refused(&Refusal::NoCandidate));
        };
        let (kind, seen) = match step {
            ReviewStep::Open => (Kind::ReviewOpened, Review::Opened),
            ReviewStep::Dismiss => (Kind::ReviewDismissed, Review::Dismissed),
            ReviewStep::Confirm => (Kind::ReviewConfirmed, Review::Confirmed),
        };
        if step == ReviewStep::Dismiss && self.reviews_open == 0 {
            return Err(no("no_review", "no review is open"));
        }
        self.book.tell(Told::now(kind, Some(Slot::Blob(digest)), reason).by(by));
        match step {
            ReviewStep::Open => {
                self.reviews_open = self.reviews_open.saturating_add(1);
                self.against(digest, Fault::ReviewOpened, reason, now);
            }
            ReviewStep::Dismiss => self.reviews_open -= 1,
            ReviewStep::Confirm => self.against(digest, Fault::ReviewConfirmed, reason, now),
        }
        if step != ReviewStep::Confirm {
            self.saw(Seen::Review(seen), now);
        }
        Ok(())
    }

    fn is_candidate(&self, digest: Digest) -> Result<(), ModelError> {
        match self.candidate() {
            Some(candidate) if candidate.digest == digest => Ok(()),
            Some(_) => Err(ModelError::NoSuchPackage(digest.to_string())),
            None => Err(refused(&Refusal::NoCandidate)),
        }
    }
}
