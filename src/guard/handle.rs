//! What the web side may see and do: a snapshot of now, pictures, questions about the past, and one
//! command. Everything else of the guard is out of its reach.

mod alarms;
mod channels;
mod evidence;
pub mod examples;
pub mod gated;
mod handheld_address;
mod handhelds;
mod inputs;
pub mod models;
mod relays;
pub mod shadowing;
mod views;
mod walk;
mod zones;

use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::alarm::Inhibition;
use crate::engine::{AlarmId, AlarmSource, AlarmState, AnchorHow, Priority, Verdict, ZoneState};
use crate::link;

pub use self::alarms::{
    AlarmCommand, AlarmKey, Alarms, CommandError, Commanded, Hold, HoldKind, NoReason,
    REASON_CHARS_MAX, Reason, SpanKpis, ZonePlace, kpis_of, span_kpis,
};
pub use self::channels::{
    Channel, ChannelBacklog, ChannelError, ChannelKind, ChannelLoss, ChannelState, Channels,
    LossReason, MessageClass, PushSubscription,
};
pub use self::evidence::{
    ClearFacts, ClipFile, ClipRow, EvidenceDesk, EvidenceError, EvidenceNow, EvidenceRow,
    EvidenceState, HiddenFile, KeptClip, Pin, Shows, SnapshotFacts, Track, WhichClip,
};
pub use self::handheld_address::{HandheldAddress, Scheme};
pub use self::handhelds::{
    AnswerOutcome, CloseWhy, ConnectedHandheld, Delivery, Duty, DutyList, Handheld, HandheldAlarm,
    HandheldAnswer, HandheldError, HandheldLine, HandheldState, Handhelds, HandheldsNow,
    HeldForHandheld, LeftNote, LineId, LineRefusal, Listening, Notifications, OnDuty, OnDutyPerson,
    Outline, PairRequest, Paired, Pairing, Presence, Revoked, Said, Screen, Shift, Sound,
    ToHandheld, Unguarded, UnguardedZone,
};
pub use self::inputs::{
    Armed, ArmedBy, Input, InputSight, InputValue, Inputs, SetInputError, ZoneArming,
};
pub use self::relays::{RelayCalling, RelayNow, RelayRole, RelayState, Wiring};
pub use self::views::{
    CameraView, CameraViews, Judged, Onlooker, Pictured, ReferenceFacts, ReferenceWhy, ViewFacts,
    ViewFault, ViewMeasured, ViewPicture, ViewShift, ViewTrouble,
};
pub use self::walk::{
    Attempt, CalibrationFacts, DueState, EdgeState, HEAT_COLUMNS, HEAT_ROWS, Heat, HeatIncident,
    IgnoredFacts, LastWalk, ModelFacts, Outcome, SetbackFacts, SirenHeard, Skipped, SkippedBy,
    VersionFacts, WalkDeskError, WalkDue, WalkEdge, WalkError, WalkFacts, WalkReport, WalkState,
    WalkTest, WalkTests, WalkView,
};
pub use self::zones::{
    ApprovalRule, Calibration, CameraZones, Closed, Draft, DraftBefore, FieldError, Findings,
    HeightsKnown, Json, Measured, Pipeline, SetbackFit, Signed, VersionSource, VersionState,
    ZoneDeskError, ZoneDraft, ZoneSetback, ZoneVersion, Zones, ZonesError,
};
pub use super::accounts::secret::same_text;
pub use super::accounts::{
    AccountError, Accounts, AuditState, Identity, Marks, Proof, SignedIn, UserPatch, Visitor, When,
};
pub use super::clerk::ClerkError;
pub use super::pictures::{Tally, age_bounds_ms};
pub use super::privacy::grants::{GRANT_FOR, Grant, GrantError, Grants};
pub use super::verdicts::{NOTE_CHARS_MAX, VerdictError, Verdicts};
pub use crate::config::Privacy;
pub use crate::store::accounts::{Role, Standing, TokenRow, UserRow};
pub use crate::store::audit::AuditRow;
pub use crate::store::distances::{Distances, EdgeDistance, PersonDistance, Side};
pub use crate::store::incidents::{Found, Further, Pins, Sought, Wanted, WantedVerdict};
pub use crate::store::pictures::Hides;
pub use crate::store::query::{HistoryError, IncidentRow, Span, SpanState};
pub use crate::store::verdicts::{Judgement, VerdictRow};
pub use crate::zone_file::{Kind, Mask};

/// The whole of now, replaced as one value after every change and at least once a second.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub site: SiteInfo,
    pub now: Timestamp,
    pub uptime_ms: u64,
    pub vision: Vision,
    pub model: Option<crate::link::ModelInfo>,
    pub siren: Siren,
    /// Why the store does not work, for people.
    pub store_fault: Option<String>,
    pub latency: Latency,
    pub cameras: Vec<Camera>,
    /// Those that are guarded, in the order of their numbers.
    pub zones: Vec<Zone>,
    /// Zones that were taken away in this life; alarms may still speak of them.
    pub retired: Vec<RetiredZone>,
    /// In the order of the configuration.
    pub inputs: Vec<Input>,
    /// Whether alarms reach anybody.
    pub handhelds: HandheldsNow,
    /// Most urgent first: unacknowledged before returned before acknowledged, intrusion before
    /// warning before blind before fault before untested, newest first.
    pub alarms: Vec<Alarm>,
    /// Who else is told, in the order of the configuration. Filled in by the publisher.
    pub channels: Vec<Channel>,
    /// In the order of the configuration.
    pub relays: Vec<RelayNow>,
    /// What people keep quiet: shelved, or out of service.
    pub holds: Vec<Hold>,
}

/// Fixed for the life of the process.
#[derive(Clone, Debug)]
pub struct SiteInfo {
    pub name: String,
    /// IANA name.
    pub time_zone: String,
}

#[derive(Clone, Debug)]
pub struct Vision {
    pub state: VisionState,
    /// For people; empty when there is nothing to say.
    pub detail: String,
    pub restarts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisionState {
    Starting,
    Watching,
    Restarting,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Siren {
    pub sound: SirenSound,
    /// Number of the zone it sounds for.
    pub zone: Option<usize>,
    pub device: String,
    /// Why it cannot sound, for people.
    pub fault: Option<String>,
    /// Who silenced something that would sound, and when the first of it sounds again.
    pub silenced: Option<(String, Timestamp)>,
    /// It sounds, but somebody has to look after it: why, for people.
    pub attention: Option<String>,
    /// The newest of its tests in this life of the box.
    pub test: Option<SirenTested>,
}

impl Siren {
    /// Why nobody can be sure that it sounds as it should.
    pub fn doubt(&self) -> Option<&String> {
        self.fault.as_ref().or(self.attention.as_ref())
    }
}

/// A test of the siren that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SirenTested {
    pub at: Timestamp,
    pub heard: TestHeard,
    /// Why it failed, for people.
    pub failed: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestHeard {
    ByPeople,
    ByNobody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SirenSound {
    Silent,
    Intrusion,
    Warning,
    Fault,
}

/// Camera frame to siren command, over the incidents of this process's life.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    pub capture_to_siren_p99_ms: Option<u32>,
    pub capture_to_siren_max_ms: Option<u32>,
    /// The worst of the last ten minutes; when nothing was measured in them, the newest.
    pub worst_lately_ms: Option<u32>,
    pub incidents: u32,
}

#[derive(Clone, Debug)]
pub struct Camera {
    pub id: String,
    pub name: String,
    /// Why its zones are not watched, for people; `None` while they are.
    pub unknown: Option<String>,
    pub since: Timestamp,
    /// Size of the source picture; `None` before the first frame.
    pub size_px: Option<(u32, u32)>,
    /// Pictures looked at per second, over the last few seconds.
    pub fps: f64,
    pub frame_age_ms: Option<u64>,
    /// What its pictures were like since the start.
    pub pictures: Tally,
    /// What is not looked at closer for lack of time, for people.
    pub detail_cut: Option<String>,
    pub people: u32,
    /// Number of the zone version that is in force.
    pub zones_version: u32,
    /// Why that is not the one that was meant, for people.
    pub zones_fault: Option<String>,
    /// Where pictures come from, without passwords.
    pub address: String,
    /// How they come; `None` before the first one.
    pub stream: Option<link::Stream>,
    /// What of its picture nobody may see.
    pub masks: Arc<[Mask]>,
    /// What is wrong with its view.
    pub view: CameraView,
}

/// A zone that was taken away.
#[derive(Clone, Debug)]
pub struct RetiredZone {
    pub number: usize,
    pub id: String,
    /// Index into `Snapshot::cameras`.
    pub camera: usize,
}

#[derive(Clone, Debug)]
pub struct Zone {
    /// The engine's number; never another zone's, also when zones come and go.
    pub number: usize,
    pub id: String,
    pub name: String,
    /// Index into `Snapshot::cameras`.
    pub camera: usize,
    pub kind: String,
    pub state: ZoneState,
    /// For people, when unknown.
    pub reason: Option<String>,
    pub since: Timestamp,
    pub people: u32,
    pub incident: Option<u64>,
    pub arming: ZoneArming,
    /// Why nobody is told of what happens in it.
    pub inhibition: Inhibition,
    /// `None` for an ignored area, and until it is known.
    pub walk_test: Option<WalkDue>,
    /// GeoJSON MultiPolygon coordinates, frame fractions; empty for a tripwire.
    pub polygons: Arc<Vec<Vec<Vec<[f64; 2]>>>>,
    /// Points of a tripwire, frame fractions; empty for an area.
    pub line: Arc<Vec<[f64; 2]>>,
}

#[derive(Clone, Debug)]
pub struct Alarm {
    pub id: AlarmId,
    pub source: AlarmSource,
    pub state: AlarmState,
    /// Rises with every change of the alarm and every further person, over restarts too.
    pub version: u64,
    /// The version at which it last wanted an answer. Whoever saw an older one has not seen it all.
    pub renewed: u64,
    pub priority: Priority,
    /// A person paused its sound until then.
    pub silenced_until: Option<Timestamp>,
    pub title: String,
    pub text: String,
    pub raised_at: Timestamp,
    pub changed_at: Timestamp,
    pub acknowledged: Option<(String, Timestamp)>,
    pub incident: Option<u64>,
    /// Whether a snapshot of the incident is stored.
    pub has_snapshot: bool,
    /// Step and milliseconds after the camera's frame: `siren`, `stored`.
    pub ladder: Vec<(&'static str, u32)>,
    /// When the light of the deciding picture reached the camera, in this life.
    pub captured: Option<crate::engine::time::Instant>,
    /// What became of it on handhelds.
    pub delivery: Vec<Delivery>,
    /// Stage and milliseconds, camera to siren.
    pub stages: Vec<(&'static str, f64)>,
}

/// A picture with what was seen in it.
#[derive(Clone, Debug)]
pub struct LivePicture {
    pub frame: u64,
    pub captured_at: Timestamp,
    pub captured: crate::engine::time::Instant,
    pub size_px: (u32, u32),
    pub people: Vec<Person>,
    pub jpeg: Arc<Vec<u8>>,
}

/// One person in a live picture; frame fractions.
#[derive(Clone, Debug)]
pub struct Person {
    pub track: Option<u64>,
    /// Left, top, width, height.
    pub bounds_norm: [f64; 4],
    pub foot_norm: [f64; 2],
    pub score: f32,
    /// What the engine made of it.
    pub verdict: Verdict,
    pub anchor: AnchorHow,
    /// Where the ground is known.
    pub ground_m: Option<[f64; 2]>,
    pub speed_m_s: Option<f64>,
    /// Numbers of zones.
    pub inside: Vec<usize>,
}

/// Why an acknowledgement was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcknowledgeError {
    #[error("there is no open alarm of this number; it may have ended meanwhile")]
    UnknownAlarm,
    #[error("somebody has answered this alarm already")]
    AlreadyAcknowledged,
    #[error("more has happened since you looked; look again, then answer")]
    NewerCause,
    /// It was not carried out, and will not be.
    #[error("the guard is busy and has not taken the answer; press again")]
    Busy,
    #[error("the guard is stopping")]
    Stopping,
}

impl From<CommandError> for AcknowledgeError {
    fn from(error: CommandError) -> AcknowledgeError {
        match error {
            CommandError::UnknownAlarm => AcknowledgeError::UnknownAlarm,
            CommandError::AlreadyAcknowledged => AcknowledgeError::AlreadyAcknowledged,
            CommandError::NewerCause => AcknowledgeError::NewerCause,
            CommandError::Stopping => AcknowledgeError::Stopping,
            // Nothing else is said of an answer; what was not carried out may be tried again.
            CommandError::Busy
            | CommandError::UnknownZone
            | CommandError::NothingSounds
            | CommandError::AlreadySilenced
            | CommandError::StillActive
            | CommandError::NotAcknowledged
            | CommandError::NotLatched
            | CommandError::AlreadyShelved
            | CommandError::NotShelved
            | CommandError::AlreadyOutOfService
            | CommandError::AlreadyInService
            | CommandError::SirenSounds
            | CommandError::SirenUnderTest
            | CommandError::UnknownCamera
            | CommandError::ViewUnseen => AcknowledgeError::Busy,
        }
    }
}

/// What the web side holds. A trait, so that the API is tested without a camera.
pub trait Handle: Inputs + Alarms + Send + Sync + 'static {
    /// The newest snapshot; wakes on every replacement.
    fn snapshots(&self) -> tokio::sync::watch::Receiver<Arc<Snapshot>>;

    /// Pictures of a camera, newest wins; they are made while at least one receiver lives.
    /// `None` for an unknown camera.
    fn live(&self, camera: &str) -> Option<LiveReceiver>;

    /// The same in which everybody can be recognised.
    fn live_clear(&self, camera: &str) -> Option<LiveReceiver>;

    /// Answers an alarm for a person who saw it at version `seen`: refused when it has wanted an
    /// answer anew since. Blocking for at most a second: call from a blocking task.
    fn acknowledge(
        &self,
        alarm: AlarmId,
        seen: Option<u64>,
        by: &str,
    ) -> Result<AlarmState, AcknowledgeError>;

    /// Newest first. Blocking.
    fn find_incidents(&self, limit: u32, wanted: &Wanted) -> Result<Found, HistoryError>;

    /// Whether the record knows such a zone or camera. Blocking.
    fn has_been(&self, which: &Sought) -> Result<bool, HistoryError>;

    /// Those below a number, newest first. Blocking.
    fn incidents(&self, limit: u32, before: Option<u64>) -> Result<Vec<IncidentRow>, HistoryError> {
        Ok(self.find_incidents(limit, &Wanted { before, ..Wanted::default() })?.rows)
    }

    /// JPEG of an incident, as everybody may see it. Blocking.
    fn incident_snapshot(&self, incident: u64) -> Result<Option<Vec<u8>>, HistoryError>;

    /// The same in which everybody can be recognised. Blocking.
    fn clear_snapshot(&self, incident: u64) -> Result<Option<Vec<u8>>, HistoryError>;

    /// How far people were from camera and zone in its picture; `None` where the floor is not known.
    /// Blocking.
    fn distances(&self, incident: u64) -> Result<Option<Distances>, HistoryError>;

    /// What people judged the incidents of these numbers to be, both ends included. Blocking.
    fn verdicts(&self, first: u64, last: u64) -> Result<Vec<VerdictRow>, HistoryError>;

    /// Keeps what people say of incidents.
    fn judging(&self) -> &Verdicts;

    /// Spans overlapping the time since `from`, oldest first. Blocking.
    fn history(&self, from: Timestamp) -> Result<Vec<Span>, HistoryError>;

    /// Who may come in, and what they may do.
    fn accounts(&self) -> &Accounts;

    /// Who may see clear pictures.
    fn grants(&self) -> &Grants;

    /// What the cameras' zones are and might be.
    fn zone_desk(&self) -> &dyn Zones;

    /// Handhelds, and who is on duty.
    fn handheld_desk(&self) -> &dyn Handhelds;

    /// Walk tests, and where people stand.
    fn walk_desk(&self) -> &dyn WalkTests;

    /// Clips, pictures and pins of incidents.
    fn evidence_desk(&self) -> &dyn EvidenceDesk;

    /// Pictures worth learning from.
    fn example_desk(&self) -> &dyn examples::Examples;

    /// What cameras' views are held against.
    fn view_desk(&self) -> &dyn CameraViews;

    /// Who else is told, and how that goes.
    fn channel_desk(&self) -> &dyn Channels;

    /// Which model guards, and which is on its way to.
    fn model_desk(&self) -> &dyn models::Models;

    /// What the shadow model did.
    fn shadow_desk(&self) -> &dyn shadowing::Shadowing;

    /// Keeps where a handheld takes messages while its page is closed. Blocking.
    fn push_subscribe(&self, device: &str, to: &PushSubscription) -> Result<(), ChannelError> {
        self.channel_desk().push_subscribe(device, to)
    }

    /// Forgets it. Blocking.
    fn push_unsubscribe(&self, device: &str) -> Result<(), ChannelError> {
        self.channel_desk().push_unsubscribe(device)
    }
}

/// A viewer of a camera; dropping it is the viewer leaving.
#[derive(Debug)]
pub struct LiveReceiver {
    pub pictures: tokio::sync::watch::Receiver<Option<Arc<LivePicture>>>,
    /// Counts the viewers of the camera.
    pub viewer: Arc<()>,
}
