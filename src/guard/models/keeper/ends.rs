//! What speaks against a model, and what becomes of it: rejected, rolled back, or only told.

use super::{AGAIN_AFTER, Keeper, Kind, Owed, Told};
use crate::engine::time::Instant;
use crate::rollout::ledger::Candidate;
use crate::rollout::slot::{Digest, Slot};
use crate::rollout::stage::{Event, Fault, Stage};

impl Keeper {
    pub(super) fn candidate(&self) -> Option<&Candidate> {
        self.store.ledger().candidate()
    }

    pub(super) fn is_on_trial(&self, digest: Digest) -> bool {
        self.store.ledger().trial().is_some_and(|trial| trial.slot == digest)
    }

    /// Something went wrong with a candidate.
    pub(super) fn against(&mut self, digest: Digest, fault: Fault, why: &str, now: Instant) {
        let stays = Stage::Probation.next(&Event::Fault(fault)) == Ok(Stage::Probation);
        if self.is_on_trial(digest) {
            if !stays {
                self.take_back(Event::Fault(fault), why, None, now);
            }
            return;
        }
        let Some(before) = self.candidate().filter(|it| it.digest == digest).cloned() else {
            return;
        };
        let slot = Some(Slot::Blob(digest));
        if self.change(&Event::Fault(fault)).is_err() {
            // Nothing of it guards; it is found again.
            return;
        }
        let after = self.candidate().map(|it| it.stage.clone());
        match after {
            None => {
                self.stop_preparing(digest);
                self.sweep_due = true;
                self.reviews_open = 0;
                let text = format!("{fault}: {why}");
                let told = Told::now(Kind::Rejected, slot, text).of_release(before.release);
                self.book.tell(told);
            }
            Some(Stage::Shadowing) if before.stage != Stage::Shadowing => {
                self.stop_preparing(digest);
                let text = format!("its approval is taken back: {fault}; {why}");
                self.book.tell(Told::now(Kind::Fault, slot, text));
            }
            Some(_) => {}
        }
    }

    /// The trial is over: in the vision process at once, then on the disk. A disk that does not take
    /// that gets it again and again; until then no life begins with it.
    pub(super) fn take_back(&mut self, event: Event, why: &str, by: Option<&str>, now: Instant) {
        let Some(trial) = self.store.ledger().trial() else { return };
        let (digest, release) = (trial.slot, trial.release);
        // Taken back already, and the vision process told: what is missing is the disk.
        if let Some(owed) = self.owed.as_mut().filter(|owed| owed.digest == digest) {
            owed.again_at = now;
            self.settle(now);
            return;
        }
        self.watch = None;
        self.reviews_open = 0;
        if self.life.active == Some(Slot::Blob(digest)) {
            self.lead_back(why, now);
        }
        let slot = Some(Slot::Blob(digest));
        let mut told = Told::now(Kind::RolledBack, slot, why).of_release(release);
        told.by = by.map(str::to_owned);
        match self.change(&event) {
            Ok(()) => self.book.tell(told),
            Err(_) => {
                let again_at = now.after(AGAIN_AFTER);
                self.owed = Some(Owed { digest, event, told, again_at });
                self.publish();
            }
        }
        self.sweep_due = true;
    }

    /// What the disk did not take, again.
    pub(super) fn settle(&mut self, now: Instant) {
        let Some(owed) = self.owed.as_ref().filter(|owed| now >= owed.again_at).cloned() else {
            return;
        };
        if !self.is_on_trial(owed.digest) {
            self.owed = None;
            return;
        }
        match self.change(&owed.event) {
            Ok(()) => {
                self.owed = None;
                self.book.tell(owed.told);
                self.publish();
            }
            Err(_) => {
                self.owed = Some(Owed { again_at: now.after(AGAIN_AFTER), ..owed });
            }
        }
    }

    /// The files of a package were read.
    pub(super) fn looked_over(&mut self, digest: Digest, wrong: Option<(Fault, String)>) {
        let said = wrong.as_ref().map(|(_, why)| why.clone());
        self.shared.change(|shown| {
            if let Some(facts) = shown.facts.get_mut(&digest) {
                facts.damaged = said;
            }
        });
        let Some((fault, why)) = wrong else { return };
        let is_candidate = self.candidate().is_some_and(|it| it.digest == digest);
        if !is_candidate {
            let text = format!("its files on the disk are damaged, install it again: {why}");
            self.book.tell(Told::now(Kind::Fault, Some(Slot::Blob(digest)), text));
        }
        self.against(digest, fault, &why, self.looked);
    }

    /// Whether whoever signed the candidate is trusted still.
    pub(super) fn ask_keys(&mut self, now: Instant) {
        let Some(digest) = self.candidate().map(|it| it.digest) else { return };
        if let Err(why) = (self.trusted)(digest) {
            self.against(digest, Fault::WrongKey, &why, now);
        }
    }
}
