//! The web side's handle on the guard: reads what was published, asks the store, passes answers on.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender, TrySendError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::accounts::Accounts;
use super::channels::ChannelDesk;
use super::clips::ClipDesk;
use super::handhelds::HandheldDesk;
use super::handle::examples::Examples;
use super::handle::models::Models;
use super::handle::shadowing::Shadowing;
use super::handle::{
    AcknowledgeError, AlarmCommand, Alarms, CameraViews, Channels, CommandError, Commanded,
    Distances, EvidenceDesk, Found, Handhelds, Handle, HistoryError, InputValue, Inputs,
    LiveReceiver, SetInputError, Snapshot, Sought, Span, SpanKpis, WalkTests, Wanted, Zones,
    span_kpis,
};
use super::inputs::HttpDoor;
use super::live::LiveHub;
use super::message::Answer;
use super::models::bank::desk::ExampleDesk;
use super::models::desk::ModelsDesk;
use super::models::shadow::ShadowDesk;
use super::privacy::grants::Grants;
use super::privacy::snapshot_for_all;
use super::verdicts::Verdicts;
use super::views::Views;
use super::walk::WalkDesk;
use super::zones::ZoneDesk;
use crate::clock;
use crate::engine::{AlarmId, AlarmState};
use crate::store::query::StoreReader;
use crate::store::verdicts::VerdictRow;

/// Answers waiting for the alarm path, which takes some at every tick.
pub const ANSWERS_MAX: usize = 32;

/// An answer is replied to twice: when it is decided, and when it is on disk.
const REPLIES: usize = 2;

/// Longest wait until an answer is on disk.
const REPLY_MAX: Duration = Duration::from_secs(1);

/// Longest time until an answer is decided. Shorter than `REPLY_MAX`, so that an answer which is
/// carried out at the last moment is not reported as refused.
const DECIDE_MAX: Duration = Duration::from_millis(800);

/// Longest name of a person that is kept, characters.
const BY_CHARS_MAX: usize = 80;

/// See [`Handle`].
#[derive(Debug)]
pub struct Desk {
    pub hub: Arc<LiveHub>,
    pub answers: SyncSender<Answer>,
    pub reader: StoreReader,
    pub accounts: Arc<Accounts>,
    /// For inputs that are posted.
    pub inputs: HttpDoor,
    pub zones: Arc<ZoneDesk>,
    pub walk: Arc<WalkDesk>,
    pub channels: Arc<ChannelDesk>,
    pub handhelds: Arc<HandheldDesk>,
    pub evidence: ClipDesk,
    pub grants: Grants,
    pub verdicts: Verdicts,
    pub views: Arc<Views>,
    pub models: Arc<ModelsDesk>,
    pub shadow: ShadowDesk,
    pub examples: ExampleDesk,
}

impl Inputs for Desk {
    fn set_input(&self, name: &str, value: InputValue, by: &str) -> Result<(), SetInputError> {
        self.inputs.set(name, value, by)
    }
}

impl Handle for Desk {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.hub.snapshots()
    }

    fn live(&self, camera: &str) -> Option<LiveReceiver> {
        self.hub.live(camera)
    }

    fn live_clear(&self, camera: &str) -> Option<LiveReceiver> {
        self.hub.live_clear(camera)
    }

    fn acknowledge(
        &self,
        alarm: AlarmId,
        seen: Option<u64>,
        by: &str,
    ) -> Result<AlarmState, AcknowledgeError> {
        let answered = ask(&self.answers, AlarmCommand::Acknowledge { alarm, seen }, by)?;
        Ok(match answered {
            Commanded::State(state) => state,
            Commanded::Until(_) | Commanded::Done => AlarmState::Acknowledged,
        })
    }

    fn find_incidents(&self, limit: u32, wanted: &Wanted) -> Result<Found, HistoryError> {
        self.reader.find_incidents(limit, wanted)
    }

    fn has_been(&self, which: &Sought) -> Result<bool, HistoryError> {
        self.reader.has_been(which)
    }

    fn incident_snapshot(&self, incident: u64) -> Result<Option<Vec<u8>>, HistoryError> {
        snapshot_for_all(&self.reader, self.grants.privacy(), incident)
    }

    fn clear_snapshot(&self, incident: u64) -> Result<Option<Vec<u8>>, HistoryError> {
        self.reader.clear_snapshot(incident)
    }

    fn distances(&self, incident: u64) -> Result<Option<Distances>, HistoryError> {
        self.reader.distances(incident)
    }

    fn history(&self, from: Timestamp) -> Result<Vec<Span>, HistoryError> {
        self.reader.history(from)
    }

    fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    fn verdicts(&self, first: u64, last: u64) -> Result<Vec<VerdictRow>, HistoryError> {
        self.reader.verdicts(first, last)
    }

    fn judging(&self) -> &Verdicts {
        &self.verdicts
    }

    fn grants(&self) -> &Grants {
        &self.grants
    }

    fn zone_desk(&self) -> &dyn Zones {
        &*self.zones
    }

    fn handheld_desk(&self) -> &dyn Handhelds {
        &*self.handhelds
    }

    fn walk_desk(&self) -> &dyn WalkTests {
        &*self.walk
    }

    fn evidence_desk(&self) -> &dyn EvidenceDesk {
        &self.evidence
    }

    fn view_desk(&self) -> &dyn CameraViews {
        &*self.views
    }

    fn model_desk(&self) -> &dyn Models {
        &*self.models
    }

    fn shadow_desk(&self) -> &dyn Shadowing {
        &self.shadow
    }

    fn channel_desk(&self) -> &dyn Channels {
        &*self.channels
    }

    fn example_desk(&self) -> &dyn Examples {
        &self.examples
    }
}

impl Alarms for Desk {
    fn command(&self, command: AlarmCommand, by: &str) -> Result<Commanded, CommandError> {
        ask(&self.answers, command, by)
    }

    fn alarm_kpis(&self, from: Timestamp, to: Timestamp) -> Result<SpanKpis, HistoryError> {
        span_kpis(&self.reader, from, to)
    }
}

/// Passes the answer on and waits for what becomes of it.
pub(super) fn ask(
    answers: &SyncSender<Answer>,
    command: AlarmCommand,
    by: &str,
) -> Result<Commanded, CommandError> {
    let asked_at = clock::monotonic();
    let until = asked_at.after(DECIDE_MAX);
    let (reply, replied) = mpsc::sync_channel(REPLIES);
    let by = by.trim().chars().take(BY_CHARS_MAX).collect();
    answers.try_send(Answer { command, by, until, reply }).map_err(|error| match error {
        TrySendError::Full(_) => CommandError::Busy,
        TrySendError::Disconnected(_) => CommandError::Stopping,
    })?;
    let decided = replied.recv_timeout(REPLY_MAX).map_err(|error| match error {
        RecvTimeoutError::Timeout => CommandError::Busy,
        RecvTimeoutError::Disconnected => CommandError::Stopping,
    })??;
    let left = REPLY_MAX.saturating_sub(clock::monotonic().since(asked_at));
    // A disk that does not answer must not keep a person from silencing the siren; it has an
    // alarm of its own.
    let _ = replied.recv_timeout(left);
    Ok(decided)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> AlarmCommand {
        AlarmCommand::Acknowledge { alarm: AlarmId(1), seen: None }
    }

    #[test]
    fn an_answer_that_nobody_took_in_time_is_busy_and_never_carried_out() {
        let (answers, taken) = mpsc::sync_channel(1);
        assert_eq!(ask(&answers, command(), "Eva"), Err(CommandError::Busy));
        // The queue is full now.
        assert_eq!(ask(&answers, command(), "Eva"), Err(CommandError::Busy));
        let answer = taken.try_recv().expect("it waits still");
        assert!(answer.is_stale(clock::monotonic()));
        drop(taken);
        assert_eq!(ask(&answers, command(), "Eva"), Err(CommandError::Stopping));
    }

    #[test]
    fn an_answer_is_fresh_when_it_arrives() {
        let (answers, taken) = mpsc::sync_channel::<Answer>(1);
        let alarm_path = std::thread::spawn(move || {
            let answer = taken.recv().expect("an answer");
            let fresh = !answer.is_stale(clock::monotonic());
            let _ = answer.reply.try_send(Ok(Commanded::State(AlarmState::Acknowledged)));
            fresh
        });
        assert_eq!(ask(&answers, command(), "Eva"), Ok(Commanded::State(AlarmState::Acknowledged)));
        assert!(alarm_path.join().expect("no panic"));
    }
}
