//! Whether the models on a disk are what this program wrote. Reads only, and reads everything; a box
//! may go on meanwhile.

use std::collections::BTreeSet;
use std::path::Path;

use super::blobs::{all, damages};
use super::error::chain;
use super::files::{Disk, Files};
use super::ledger_file::{BACKUP, Both, NEWEST};
use crate::rollout::ledger::Ledger;
use crate::rollout::slot::Digest;

/// What one invariant was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What must hold, as a sentence.
    pub holds: &'static str,
    /// Where it does not; empty when it holds.
    pub broken: Vec<String>,
}

/// Looks again so often when a box that goes on may be the reason for what was found.
const LOOKS: usize = 3;

/// Checks the models of the box whose store is in `dir`. A box without a folder of models has none
/// that could be broken.
pub fn check(dir: &Path) -> Vec<Finding> {
    check_files(&Disk::existing(dir.join(super::FOLDER)))
}

/// The same of any file system.
pub fn check_files<F: Files>(files: &F) -> Vec<Finding> {
    let mut findings = look(files);
    for _ in 1..LOOKS {
        if findings.iter().all(|finding| finding.broken.is_empty()) {
            break;
        }
        // What was written or swept between two readings is none of it.
        let before = Both::read(files);
        findings = look(files);
        if Both::read(files) == before {
            break;
        }
    }
    findings
}

fn look<F: Files>(files: &F) -> Vec<Finding> {
    let there = all(files);
    let both = Both::read(files);
    let named: BTreeSet<Digest> = ledgers(&both).flat_map(Ledger::blobs).collect();
    let (there, unread) = match there {
        Ok(there) => (there, Vec::new()),
        Err(error) => (BTreeSet::new(), vec![chain(&error)]),
    };
    let whole = named.iter().flat_map(|digest| {
        let short = move |damage| format!("sha256-{digest}: {damage}");
        damages(files, *digest).into_iter().map(short)
    });
    let nobodys = there.difference(&named).map(|digest| format!("sha256-{digest}"));
    vec![
        Finding { holds: "the ledger of models is whole", broken: ledger(&both, &there) },
        Finding { holds: "every model that the ledger names is whole", broken: whole.collect() },
        Finding {
            holds: "every model on the disk is one that the ledger names",
            broken: unread.into_iter().chain(nobodys).collect(),
        },
        Finding { holds: "the floor of releases never sank", broken: floor(&both) },
    ]
}

fn ledgers(both: &Both) -> impl Iterator<Item = &Ledger> {
    [both.newest.ledger(), both.backup.ledger()].into_iter().flatten()
}

fn ledger(both: &Both, there: &BTreeSet<Digest>) -> Vec<String> {
    let mut broken = both.damages();
    if both.are_absent() && !there.is_empty() {
        broken.push(format!("{NEWEST}: it is not there, and {} models are", there.len()));
    }
    broken
}

fn floor(both: &Both) -> Vec<String> {
    let (Some(newest), Some(backup)) = (both.newest.ledger(), both.backup.ledger()) else {
        return Vec::new();
    };
    let sank = newest.generation() > backup.generation() && newest.floor() < backup.floor();
    let said = || format!("{NEWEST} has {}, {BACKUP} before it {}", newest.floor(), backup.floor());
    sank.then(said).into_iter().collect()
}
