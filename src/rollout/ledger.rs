//! What a box must know of its models whatever happens to it: a page of facts, and each change of it.
//!
//! Every change makes a new ledger and leaves the old one as it is. Fields cannot be set from
//! outside, so that no ledger contradicts itself; one that was read is asked (`contradiction`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::probation::Progress;
use super::slot::{Digest, Slot};
use super::stage::{Event, Fault, NotAllowed, Person, Reason, Stage};

/// Lives that a trial may begin, the one in which it is switched to among them: two that end by
/// themselves may be power cuts, the third is taken to be the model's doing.
pub const ATTEMPTS: u8 = 3;

/// Packages that are remembered as taken back, the newest; for people, nothing is decided by it.
pub const REJECTED_MAX: usize = 64;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    generation: u64,
    committed: Release,
    trial: Option<Trial>,
    previous: Option<Release>,
    floor: u64,
    candidate: Option<Candidate>,
    rejected: Vec<Rejection>,
}

/// A slot and the number that its manifest counts it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub slot: Slot,
    pub release: u64,
}

/// The candidate while it guards on probation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    pub slot: Digest,
    pub release: u64,
    /// Lives it may still begin.
    pub attempts_left: u8,
    /// For people: nothing is decided by the wall clock.
    pub started_unix_s: i64,
    /// When it will be over if nothing holds it up; for people.
    pub deadline_unix_s: i64,
    pub approved_by: Person,
    /// What earlier lives of this trial have seen.
    pub progress: Progress,
}

/// The one package on its way to guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    pub digest: Digest,
    pub release: u64,
    pub stage: Stage,
}

/// A package that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    pub digest: Digest,
    pub reason: Reason,
}

/// Why a change was not made. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no candidate; install a package first")]
    NoCandidate,
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(
        "{digest} is the candidate already, and there is one at a time; discard it first, or \
             roll it back where it is on trial"
    )]
    Busy { digest: Digest },
    #[error(
        "release {release} is below {floor}, and nothing older than what was committed comes in"
    )]
    BelowFloor { release: u64, floor: u64 },
    #[error("{digest} is here already: it guards, or guarded before and can be put back")]
    Known { digest: Digest },
    #[error("there is no model to go back to: nothing was committed before this one")]
    NoPrevious,
    #[error("{digest} is on trial; take that back first")]
    OnTrial { digest: Digest },
}

impl Ledger {
    /// The ledger of a box that has never had another model than what came with the program.
    pub fn first(shipped_release: u64) -> Ledger {
        Ledger {
            generation: 0,
            committed: Release { slot: Slot::Shipped, release: shipped_release },
            trial: None,
            previous: None,
            floor: shipped_release,
            candidate: None,
            rejected: Vec::new(),
        }
    }

    /// A package is whole on the disk.
    ///
    /// # Errors
    /// There is a candidate, this one is too old, or it is here already.
    pub fn staged(&self, digest: Digest, release: u64) -> Result<Ledger, Refusal> {
        if let Some(candidate) = &self.candidate {
            return Err(Refusal::Busy { digest: candidate.digest });
        }
        if self.guarded().any(|it| it.slot == Slot::Blob(digest)) {
            return Err(Refusal::Known { digest });
        }
        if release < self.floor {
            return Err(Refusal::BelowFloor { release, floor: self.floor });
        }
        let candidate = Some(Candidate { digest, release, stage: Stage::Staged });
        Ok(Ledger { candidate, ..self.clone() })
    }

    /// What something that happened to the candidate makes of it all. A ledger that equals the old
    /// one need not be written.
    ///
    /// # Errors
    /// There is no candidate, or the step is out of order.
    pub fn after(&self, event: &Event) -> Result<Ledger, Refusal> {
        let candidate = self.candidate.as_ref().ok_or(Refusal::NoCandidate)?;
        let stage = candidate.stage.next(event)?;
        let of = Release { slot: Slot::Blob(candidate.digest), release: candidate.release };
        match stage {
            Stage::Staged | Stage::Verified | Stage::Shadowing | Stage::Approved { .. } => {
                let candidate = Some(Candidate { stage, ..candidate.clone() });
                Ok(Ledger { candidate, ..self.clone() })
            }
            Stage::Probation => Ok(self.on_trial(candidate, event)),
            Stage::Committed => Ok(self.committed_to(of)),
            Stage::Rejected { reason } | Stage::RolledBack { reason } => {
                let without = Ledger { candidate: None, trial: None, ..self.clone() };
                Ok(without.remembering(candidate.digest, reason))
            }
        }
    }

    /// The model that was committed before guards again, and the one that does now may return in
    /// turn. The floor stays.
    ///
    /// # Errors
    /// There is none, or a trial is under way.
    pub fn put_back(&self) -> Result<Ledger, Refusal> {
        if let Some(trial) = &self.trial {
            return Err(Refusal::OnTrial { digest: trial.slot });
        }
        let previous = self.previous.ok_or(Refusal::NoPrevious)?;
        let now = Ledger { committed: previous, previous: Some(self.committed), ..self.clone() };
        let now = now.forgetting(previous.slot);
        let taken_back = Stage::Committed.next(&Event::Operator)?;
        let (Some(digest), Stage::RolledBack { reason }) =
            (self.committed.slot.digest(), taken_back)
        else {
            return Ok(now);
        };
        Ok(now.remembering(digest, reason))
    }

    /// What the trial has seen by now; never less than what was written before.
    pub fn went_on(&self, progress: Progress) -> Ledger {
        let further = |trial: &Trial| Trial {
            progress: trial.progress.or_further(progress),
            ..trial.clone()
        };
        Ledger { trial: self.trial.as_ref().map(further), ..self.clone() }
    }

    /// One more life of the trial; without the trial where it has had them all.
    pub(super) fn attempted(&self) -> Result<Ledger, Refusal> {
        let left = self.trial.as_ref().map_or(0, |trial| trial.attempts_left.saturating_sub(1));
        if left == 0 {
            return self.after(&Event::Fault(Fault::CrashLoop));
        }
        let fewer = |trial: &Trial| Trial { attempts_left: left, ..trial.clone() };
        Ok(Ledger { trial: self.trial.as_ref().map(fewer), ..self.clone() })
    }

    /// The same facts under another number. Only whoever writes it gives numbers.
    pub fn stamped(&self, generation: u64) -> Ledger {
        Ledger { generation, ..self.clone() }
    }

    /// How many were written before it, and itself.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// What guards by right.
    pub const fn committed(&self) -> Slot {
        self.committed.slot
    }

    pub const fn committed_release(&self) -> u64 {
        self.committed.release
    }

    pub const fn trial(&self) -> Option<&Trial> {
        self.trial.as_ref()
    }

    pub fn previous(&self) -> Option<Slot> {
        self.previous.map(|it| it.slot)
    }

    /// Nothing of a lower release comes in.
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    pub const fn candidate(&self) -> Option<&Candidate> {
        self.candidate.as_ref()
    }

    /// The newest last.
    pub fn rejected(&self) -> &[Rejection] {
        &self.rejected
    }

    /// The packages that must be on the disk.
    pub fn blobs(&self) -> BTreeSet<Digest> {
        let guarded = self.guarded().filter_map(|it| it.slot.digest());
        guarded.chain(self.candidate.as_ref().map(|it| it.digest)).collect()
    }

    /// What no change can have led to, if there is such a thing in it.
    pub fn contradiction(&self) -> Option<&'static str> {
        let stage = self.candidate.as_ref().map(|it| &it.stage);
        let is_over = |stage: &Stage| match stage {
            Stage::Committed | Stage::Rejected { .. } | Stage::RolledBack { .. } => true,
            Stage::Staged
            | Stage::Verified
            | Stage::Shadowing
            | Stage::Approved { .. }
            | Stage::Probation => false,
        };
        let on_trial = self.trial.as_ref().map(|it| (it.slot, it.release));
        let on_probation = self.candidate.as_ref().filter(|it| it.stage == Stage::Probation);
        let is_guarding = |it: &Candidate| self.guarded().any(|g| g.slot == Slot::Blob(it.digest));
        let has = [
            (stage.is_some_and(is_over), "a candidate whose way is over"),
            (
                on_trial != on_probation.map(|it| (it.digest, it.release)),
                "a trial that is not the candidate on probation",
            ),
            (
                self.trial.as_ref().is_some_and(|it| !(1..=ATTEMPTS).contains(&it.attempts_left)),
                "a trial with more or fewer attempts left than there are",
            ),
            (self.candidate.as_ref().is_some_and(is_guarding), "a candidate that guards already"),
            (
                self.candidate.as_ref().is_some_and(|it| it.release < self.floor),
                "a candidate below the floor",
            ),
            (
                self.previous() == Some(self.committed()),
                "a previous model that is the committed one",
            ),
            (self.guarded().any(|it| it.release > self.floor), "a floor below what was committed"),
            (self.rejected.len() > REJECTED_MAX, "more rejected packages than are remembered"),
        ];
        has.into_iter().find_map(|(is_so, what)| is_so.then_some(what))
    }

    fn guarded(&self) -> impl Iterator<Item = Release> {
        std::iter::once(self.committed).chain(self.previous)
    }

    fn on_trial(&self, candidate: &Candidate, event: &Event) -> Ledger {
        let (Stage::Approved { by }, Event::Try { started_unix_s, deadline_unix_s }) =
            (&candidate.stage, event)
        else {
            // It was on trial already, and goes on.
            return self.clone();
        };
        let trial = Trial {
            slot: candidate.digest,
            release: candidate.release,
            attempts_left: ATTEMPTS,
            started_unix_s: *started_unix_s,
            deadline_unix_s: *deadline_unix_s,
            approved_by: by.clone(),
            progress: Progress::default(),
        };
        let candidate = Candidate { stage: Stage::Probation, ..candidate.clone() };
        Ledger { trial: Some(trial), candidate: Some(candidate), ..self.clone() }
    }

    fn committed_to(&self, of: Release) -> Ledger {
        let now = Ledger {
            committed: of,
            previous: Some(self.committed),
            floor: self.floor.max(of.release),
            trial: None,
            candidate: None,
            ..self.clone()
        };
        now.forgetting(of.slot)
    }

    fn remembering(mut self, digest: Digest, reason: Reason) -> Ledger {
        self = self.forgetting(Slot::Blob(digest));
        self.rejected.push(Rejection { digest, reason });
        let over = self.rejected.len().saturating_sub(REJECTED_MAX);
        self.rejected.drain(..over);
        self
    }

    /// What guards is not among what was taken back.
    fn forgetting(mut self, slot: Slot) -> Ledger {
        self.rejected.retain(|it| Slot::Blob(it.digest) != slot);
        self
    }
}
