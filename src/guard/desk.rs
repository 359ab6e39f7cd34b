//! The web side's handle on the guard: reads what was published, asks the store, passes answers on.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender, TrySendError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::handle::{
    AcknowledgeError, Handle, HistoryError, IncidentRow, LiveReceiver, Snapshot, Span,
};
use super::live::LiveHub;
use super::message::Answer;
use crate::clock;
use crate::engine::{AlarmId, AlarmState};
use crate::store::query::StoreReader;

/// Answers waiting for the alarm path, which takes some at every tick.
pub const ANSWERS_MAX: usize = 32;

/// An answer is replied to twice: when it is decided, and when it is on disk.
const REPLIES: usize = 2;

/// Longest wait until an answer is on disk.
const REPLY_MAX: Duration = Duration::from_secs(1);

/// Longest name of a person that is kept, characters.
const BY_CHARS_MAX: usize = 80;

/// See [`Handle`].
#[derive(Debug)]
pub struct Desk {
    pub hub: Arc<LiveHub>,
    pub answers: SyncSender<Answer>,
    pub reader: StoreReader,
}

impl Handle for Desk {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.hub.snapshots()
    }

    fn live(&self, camera: &str) -> Option<LiveReceiver> {
        self.hub.live(camera)
    }

    fn acknowledge(&self, alarm: AlarmId, by: &str) -> Result<AlarmState, AcknowledgeError> {
        let asked_at = clock::monotonic();
        let (reply, replied) = mpsc::sync_channel(REPLIES);
        let by = by.trim().chars().take(BY_CHARS_MAX).collect();
        match self.answers.try_send(Answer { alarm, by, reply }) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                return Err(AcknowledgeError::Stopping);
            }
        }
        let decided = match replied.recv_timeout(REPLY_MAX) {
            Ok(reply) => reply?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(AcknowledgeError::Stopping);
            }
        };
        let left = REPLY_MAX.saturating_sub(clock::monotonic().since(asked_at));
        // A disk that does not answer must not keep a person from silencing the siren; it has an
        // alarm of its own.
        let _ = replied.recv_timeout(left);
        Ok(decided)
    }

    fn incidents(&self, limit: u32, before: Option<u64>) -> Result<Vec<IncidentRow>, HistoryError> {
        self.reader.incidents(limit, before)
    }

    fn incident_snapshot(&self, incident: u64) -> Result<Option<Vec<u8>>, HistoryError> {
        self.reader.snapshot(incident)
    }

    fn history(&self, from: Timestamp) -> Result<Vec<Span>, HistoryError> {
        self.reader.history(from)
    }
}
