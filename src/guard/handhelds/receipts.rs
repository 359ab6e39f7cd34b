//! Receipts on their way into the store: evidence of who was told what, and when. Revocations that
//! the store has not taken go the same way.
//!
//! A thread of its own waits for the disk, so that nobody else does. What the store does not take
//! is kept and tried again; what no longer fits, or can never be kept, is counted and told in the
//! log.
//!
//! Not here: what a receipt means for who is called next.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;

use super::revocation::Revocation;
use crate::guard::clerk::Clerk;
use crate::store::Store;
use crate::store::handhelds::{HandheldChange, ReceiptRow};
use crate::telemetry::chain;

/// Receipts that wait for the thread.
const WAITING_MAX: usize = 1024;

/// Receipts in one transaction.
const BATCH_MAX: usize = 256;

/// Pause before the store is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Something to be kept.
#[derive(Clone, Debug)]
enum Kept {
    Receipt(ReceiptRow),
    Seen { number: u32, at: Timestamp },
    Revocation(Box<Revocation>),
}

/// Where receipts are handed in. Cloned freely; never waits.
#[derive(Clone, Debug)]
pub struct ReceiptPost(SyncSender<Kept>);

impl ReceiptPost {
    pub fn put(&self, receipt: ReceiptRow) {
        self.try_put(Kept::Receipt(receipt));
    }

    /// A device was there.
    pub fn seen(&self, number: u32, at: Timestamp) {
        self.try_put(Kept::Seen { number, at });
    }

    /// A revocation that the store has not taken.
    pub fn revocation(&self, revocation: Revocation) {
        self.try_put(Kept::Revocation(Box::new(revocation)));
    }

    fn try_put(&self, kept: Kept) {
        if let Err(error) = self.0.try_send(kept) {
            tracing::error!("a receipt is not kept, since the store takes nothing: {error}");
        }
    }
}

/// A post, and what comes out of it.
pub fn post() -> (ReceiptPost, Receipts) {
    let (sender, receiver) = mpsc::sync_channel(WAITING_MAX);
    (ReceiptPost(sender), Receipts(receiver))
}

/// Receipts that wait.
#[derive(Debug)]
pub struct Receipts(Receiver<Kept>);

impl Receipts {
    /// Starts the thread; it ends, with everything handed to the store once more, when all posts
    /// are gone.
    ///
    /// # Errors
    /// The system does not allow another thread.
    pub fn start(self, clerk: Clerk) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("receipts".into()).spawn(move || self.run(&clerk))
    }

    fn run(self, clerk: &Clerk) {
        while let Ok(first) = self.0.recv() {
            let mut batch = vec![first];
            while let Err(why) = self.keep(clerk, &mut batch) {
                tracing::warn!("{} receipts are kept later: {why}", batch.len());
                match self.0.recv_timeout(RETRY_AFTER) {
                    // Before all receipts: it must not be among those that no longer fit.
                    Ok(kept @ Kept::Revocation(_)) => batch.insert(0, kept),
                    Ok(kept) => batch.push(kept),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => {
                        tracing::error!(
                            "{} receipts could not be kept before the end",
                            batch.len()
                        );
                        return;
                    }
                }
                if batch.len() > WAITING_MAX {
                    let lost = batch.len() - WAITING_MAX;
                    batch.truncate(WAITING_MAX);
                    tracing::error!("{lost} receipts are lost, since the store takes nothing");
                }
            }
        }
    }

    fn keep(&self, clerk: &Clerk, batch: &mut Vec<Kept>) -> Result<(), String> {
        let room = BATCH_MAX.saturating_sub(batch.len());
        batch.extend(self.0.try_iter().take(room));
        match keep(clerk, batch) {
            Ok(()) => Ok(()),
            Err(Failed::Later(why)) => Err(why),
            Err(Failed::Row(_)) => keep_each(clerk, batch),
        }
    }
}

/// Why nothing of a batch was kept.
enum Failed {
    /// The store does not work now.
    Later(String),
    /// One of the batch can never be kept.
    Row(String),
}

/// Keeps one by one; what can never be kept is left out, so that it keeps no other from the store.
fn keep_each(clerk: &Clerk, batch: &mut Vec<Kept>) -> Result<(), String> {
    let mut lost: usize = 0;
    while let Some(kept) = batch.first() {
        match keep(clerk, std::slice::from_ref(kept)) {
            Ok(()) => {}
            Err(Failed::Row(why)) => {
                lost += 1;
                tracing::error!("a receipt can never be kept and is left out ({lost}): {why}");
            }
            Err(Failed::Later(why)) => return Err(why),
        }
        batch.remove(0);
    }
    Ok(())
}

fn keep(clerk: &Clerk, batch: &[Kept]) -> Result<(), Failed> {
    let mut receipts = Vec::new();
    let mut seen = Vec::new();
    let mut revocations = Vec::new();
    for kept in batch {
        match kept {
            Kept::Receipt(receipt) => receipts.push(receipt.clone()),
            Kept::Revocation(revocation) => revocations.push(revocation.clone()),
            Kept::Seen { number, at } => {
                seen.push(HandheldChange::Seen { number: *number, at: *at });
            }
        }
    }
    let errand = move |store: &mut Store| {
        for revocation in &revocations {
            revocation.keep(store)?;
        }
        store.change_handhelds(&seen, &[])?;
        store.keep_receipts(&receipts)
    };
    match clerk.ask(errand) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.is_of_the_row() => Err(Failed::Row(chain(&error))),
        Ok(Err(error)) => Err(Failed::Later(chain(&error))),
        Err(error) => Err(Failed::Later(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::handhelds::PairingRow;

    #[test]
    fn a_receipt_that_can_never_be_kept_keeps_no_other_from_the_store() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let (code, at) = ([7; 32], Timestamp::UNIX_EPOCH);
        let (person, name, by) = ("Eva".to_owned(), "phone".to_owned(), "Ada".to_owned());
        let pairing = PairingRow { code, person, name, by, at, expires_at: at };
        let (id, platform) = ("phone".to_owned(), "test".to_owned());
        let pair = HandheldChange::Pair { code, id, platform, public_key: vec![4; 65], at };
        store.change_handhelds(&[HandheldChange::AddPairing(pairing), pair], &[]).expect("paired");
        let reader = store.reader().expect("a reader");
        let clerk = Clerk::over(store).expect("a thread");
        let row = |version: u64| ReceiptRow {
            alarm: 7,
            version,
            handheld: 1,
            attempts: 1,
            sent_at: Timestamp::UNIX_EPOCH,
            received_at: None,
            shown_at: None,
            acknowledged_at: None,
        };
        let (post, receipts) = post();
        for version in [1, u64::MAX, 2] {
            post.put(row(version));
        }
        drop(post);
        receipts.run(&clerk);
        assert_eq!(reader.receipts(7).expect("readable"), [row(1), row(2)]);
    }
}
