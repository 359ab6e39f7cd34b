//! Which model a vision process is to load, asked before each of its lives.
//!
//! A trial costs one of its attempts, and that must be on the disk **before** its model is loaded:
//! otherwise a model that takes the box down with it would be tried for ever. Where it cannot be
//! written, the trial's model is not loaded in this life ([`Boot::order_when_not_kept`]).
//!
//! What came with the program is always in the order. The first that loads guards; when none does, that
//! is a fault, and no zone is CLEAR.

use super::ledger::Ledger;
use super::slot::{Digest, Slot};
use super::stage::{Event, Fault};

/// How far the ledger at hand can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It is the newest that was written.
    Newest,
    /// The newest is damaged; this is the one before.
    Older,
    /// Both are damaged, or gone while packages are there: nothing is known.
    Lost,
}

/// What a vision process is to do first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Must be on the disk before anything is loaded.
    pub persist_first: Option<Ledger>,
    /// What to load: the first that can be. No slot twice, never empty.
    pub order: Vec<Slot>,
    /// A trial that is over by this, and why.
    pub ended: Option<(Digest, Fault)>,
    /// What somebody has to be told.
    pub fault: Option<BootFault>,
}

/// What is wrong with what the box remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BootFault {
    #[error(
        "the newest ledger of models is damaged; the box goes on with the one before, without any \
         trial that it names"
    )]
    Older,
    #[error(
        "no ledger of models can be read: the model that came with the program guards, and nothing \
         is known of releases that were committed; install the model that is to guard anew"
    )]
    Lost,
}

impl Boot {
    /// What to load when `persist_first` could not be written: nothing that is on trial.
    pub fn order_when_not_kept(&self) -> Vec<Slot> {
        let on_trial = self.persist_first.as_ref().and_then(Ledger::trial);
        let on_trial = on_trial.map(|trial| Slot::Blob(trial.slot));
        self.order.iter().copied().filter(|slot| Some(*slot) != on_trial).collect()
    }
}

/// What the ledger at hand leads to.
pub fn boot(ledger: &Ledger, trust: Trust) -> Boot {
    match trust {
        Trust::Newest => counted(ledger),
        Trust::Older => {
            // The newest may have said that the trial was taken back, so it does not guard again.
            let ended = ended_by(ledger, Fault::FlippedBit);
            // Written again, the newest is whole once more.
            let persist_first = ended.persist_first.or_else(|| Some(ledger.clone()));
            Boot { persist_first, fault: Some(BootFault::Older), ..ended }
        }
        Trust::Lost => Boot {
            persist_first: None,
            order: vec![Slot::Shipped],
            ended: None,
            fault: Some(BootFault::Lost),
        },
    }
}

fn counted(ledger: &Ledger) -> Boot {
    if ledger.trial().is_none() {
        return plain(ledger);
    }
    let Ok(attempted) = ledger.attempted() else {
        return plain(ledger);
    };
    if attempted.trial().is_none() {
        return ended_by(ledger, Fault::CrashLoop);
    }
    let order = order(&attempted);
    Boot { persist_first: Some(attempted), order, ended: None, fault: None }
}

/// The trial, where there is one, is over.
fn ended_by(ledger: &Ledger, fault: Fault) -> Boot {
    let (Some(trial), Ok(without)) = (ledger.trial(), ledger.after(&Event::Fault(fault))) else {
        return plain(ledger);
    };
    let ended = Some((trial.slot, fault));
    let order = order(&without);
    Boot { persist_first: Some(without), order, ended, fault: None }
}

fn plain(ledger: &Ledger) -> Boot {
    // A trial that could not be counted is not tried.
    let order = order(ledger)
        .into_iter()
        .filter(|slot| ledger.trial().is_none_or(|trial| Slot::Blob(trial.slot) != *slot));
    Boot { persist_first: None, order: order.collect(), ended: None, fault: None }
}

fn order(ledger: &Ledger) -> Vec<Slot> {
    let trial = ledger.trial().map(|trial| Slot::Blob(trial.slot));
    let all = [trial, Some(ledger.committed()), ledger.previous(), Some(Slot::Shipped)];
    let mut order = Vec::with_capacity(all.len());
    for slot in all.into_iter().flatten() {
        if !order.contains(&slot) {
            order.push(slot);
        }
    }
    order
}
