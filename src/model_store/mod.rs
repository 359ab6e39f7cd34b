//! What a box has of models on its disk: packages by their digest, and the ledger that says which of
//! them guards.
//!
//! The folder has one owner at a time, the process that holds the box's store. Nothing of it is
//! changed in place. A change is believed here once it is on the disk; when the disk does not take
//! it, everything stays as it was, and the caller is told.
//!
//! Terms: see `rollout`. A **blob** is an installed package.
//!
//! Not here: what a change may be (`rollout`), what a package is, and threads: whoever calls waits
//! for the disk, so this is never called on the alarm path.

pub mod blobs;
pub mod check;
mod error;
pub mod files;
pub mod ledger_file;
pub mod named;

use std::collections::BTreeSet;
use std::path::Path;

pub use error::ModelStoreError;

use files::{Files, Kind};
use ledger_file::Both;

use crate::rollout::boot::{self, BootFault, Trust};
use crate::rollout::ledger::Ledger;
use crate::rollout::probation::Progress;
use crate::rollout::slot::{Digest, Slot};
use crate::rollout::stage::{Event, Fault};

/// Of the store of models, below the box's store.
pub const FOLDER: &str = "models";

/// See the module.
#[derive(Debug)]
pub struct ModelStore<F> {
    files: F,
    ledger: Ledger,
    trust: Trust,
    /// Whether the ledger is on the disk; the first one may not be yet.
    is_kept: bool,
    /// The highest number given, also to what may not have arrived.
    stamped: u64,
}

/// What a vision process is to do first, and what somebody has to be told.
#[derive(Debug)]
pub struct Booted {
    /// What to load: the first that can be. Never empty.
    pub order: Vec<Slot>,
    /// A trial that is over by this, and why.
    pub ended: Option<(Digest, Fault)>,
    pub fault: Option<BootFault>,
    /// The ledger could not be written, so nothing that is on trial is in `order`.
    pub not_kept: Option<ModelStoreError>,
}

/// What a store was found to be when it was opened.
#[derive(Debug)]
pub struct Opened<F> {
    pub store: ModelStore<F>,
    /// What is wrong with the ledger's files, in words.
    pub damages: Vec<String>,
    /// The first ledger of this box could not be written; the next start of a vision process does.
    pub not_kept: Option<ModelStoreError>,
}

impl<F: Files> ModelStore<F> {
    /// Always succeeds: a box has to guard, whatever its disk says.
    pub fn open(files: F, shipped_release: u64) -> Opened<F> {
        // What a process that was killed has written may not be on the disk yet. A disk that cannot
        // be written cannot be synced, and is read as it is.
        let _ = files.sync_dir(Path::new(""));
        let both = Both::read(&files);
        let damages = both.damages();
        let stamped = both.generation();
        if let Some((ledger, trust)) = both.best() {
            let store = ModelStore { files, ledger: ledger.clone(), trust, is_kept: true, stamped };
            return Opened { store, damages, not_kept: None };
        }
        let ledger = Ledger::first(shipped_release);
        // No ledger beside packages was lost: the first one is written before any package.
        let is_first = both.are_absent() && blobs::all(&files).is_ok_and(|all| all.is_empty());
        let trust = if is_first { Trust::Newest } else { Trust::Lost };
        let mut store =
            ModelStore { files, ledger: ledger.clone(), trust, is_kept: !is_first, stamped };
        let not_kept = if is_first { store.keep(&ledger).err() } else { None };
        Opened { store, damages, not_kept }
    }

    /// What is on the disk for certain.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub const fn trust(&self) -> Trust {
        self.trust
    }

    /// What to load, asked before each life of a vision process. One attempt of a trial is on the
    /// disk when this returns, or the trial is not in the order.
    pub fn boot(&mut self) -> Booted {
        let boot = boot::boot(&self.ledger, self.trust);
        // Packages without any ledger would look like a ledger that was lost.
        let first = (!self.is_kept).then(|| self.ledger.clone());
        let to_keep = boot.persist_first.clone().or(first);
        let not_kept = to_keep.and_then(|ledger| self.keep(&ledger).err());
        let order = match &not_kept {
            None => boot.order,
            Some(_) => boot.order_when_not_kept(),
        };
        Booted { order, ended: boot.ended, fault: boot.fault, not_kept }
    }

    /// A package that was finished is the candidate.
    ///
    /// # Errors
    /// It may not be, or the disk does not take it.
    pub fn stage(&mut self, digest: Digest, release: u64) -> Result<(), ModelStoreError> {
        let next = self.ledger.staged(digest, release)?;
        let path = blobs::folder_of(digest);
        let found = self.files.kind(&path);
        match found.map_err(|source| ModelStoreError::Read { path, source })? {
            Some(Kind::Folder) => self.keep(&next),
            Some(Kind::File | Kind::Other) | None => Err(ModelStoreError::NotThere { digest }),
        }
    }

    /// What something that happened makes of it all; nothing is written when nothing changed.
    ///
    /// # Errors
    /// The step is out of order, or the disk does not take it.
    pub fn apply(&mut self, event: &Event) -> Result<(), ModelStoreError> {
        let next = self.ledger.after(event)?;
        if next == self.ledger { Ok(()) } else { self.keep(&next) }
    }

    /// What the trial has shown by now.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn note(&mut self, progress: Progress) -> Result<(), ModelStoreError> {
        let next = self.ledger.went_on(progress);
        if next == self.ledger { Ok(()) } else { self.keep(&next) }
    }

    /// The model that was committed before guards again.
    ///
    /// # Errors
    /// There is none, a trial is under way, or the disk does not take it.
    pub fn put_back(&mut self) -> Result<(), ModelStoreError> {
        let next = self.ledger.put_back()?;
        self.keep(&next)
    }

    /// Removes what is half-written, and the packages that neither ledger on the disk names; says
    /// which. `taking`: a package that somebody writes meanwhile. With a lost ledger nobody knows
    /// what is to be kept, and all packages stay.
    ///
    /// # Errors
    /// The disk does not do it; what is left is swept the next time.
    pub fn sweep(&self, taking: Option<Digest>) -> Result<Vec<Digest>, ModelStoreError> {
        let folder = Path::new("");
        // What is removed must not be named by what a power cut would bring back.
        self.files
            .sync_dir(folder)
            .map_err(|source| ModelStoreError::Sync { path: folder.into(), source })?;
        let both = Both::read(&self.files);
        let is_lost = both.best().is_none();
        let on_disk = [both.newest.ledger(), both.backup.ledger()].into_iter().flatten();
        let kept: BTreeSet<Digest> =
            on_disk.chain([&self.ledger]).flat_map(Ledger::blobs).collect();
        blobs::sweep(&self.files, taking, |digest| is_lost || kept.contains(&digest))
    }

    /// Writes a ledger, and believes it then.
    fn keep(&mut self, ledger: &Ledger) -> Result<(), ModelStoreError> {
        // Whatever becomes of it, no other ledger gets this number.
        self.stamped = self.stamped.saturating_add(1);
        let ledger = ledger.stamped(self.stamped);
        ledger_file::write(&self.files, &ledger)?;
        (self.ledger, self.trust, self.is_kept) = (ledger, Trust::Newest, true);
        Ok(())
    }
}
