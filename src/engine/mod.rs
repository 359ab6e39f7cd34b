//! The decision: what the detector saw goes in, what must happen comes out. Pure.
//!
//! `Engine::step(input, now) -> Effects` is the whole interface; same state and same inputs give the
//! same effects, byte for byte (invariant 1). Names, texts, wall-clock times and JSON belong to the
//! shell: here zones, cameras, incidents and alarms are numbers.
//!
//! Terms: a **zone** is CLEAR, OCCUPIED or UNKNOWN, and **armed** or not; an **incident** is one
//! episode in which a zone's duty was violated; an **alarm** is what a person has to answer, one per
//! zone and kind (intrusion, warning, untested), camera (blind) or part of the box (fault).

pub mod alarm;
pub mod alarm_kpi;
pub mod approach;
mod approaching;
pub mod assignment;
mod camera;
mod commands;
pub mod delivery;
pub mod detection;
pub mod geometry;
pub mod ground;
pub mod ground_area;
mod incident;
mod motion;
mod overlap;
pub mod paging;
pub mod plausible;
mod rezone;
pub mod setback;
mod site;
mod stature;
mod step;
pub mod supervision;
pub mod time;
pub mod tracking;
pub mod view_fault;
pub mod zone;

use std::time::Duration;

use alarm::{Hold, Inhibition, ShelfTime};
use detection::{Detection, FrameSize, Score};
pub use site::{
    Arming, BoxNorm, CameraSpec, Criterion, Direction, DisarmedBy, Duty, Empty, HeadCount, Share,
    Site, SiteError, StaticMark, WalkTest, ZoneSpec,
};
pub use step::Engine;
use time::Instant;
use view_fault::{ViewFault, ViewFaults};
pub use zone::anchor::{Anchor, AnchorHow, Footprint};

/// Position of a camera in the site's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CameraIndex(pub u16);

/// A zone's slot: it belongs to one zone for the life of the process. At the start zones are counted
/// over all cameras in order; zones drawn later get the next numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneIndex(pub u16);

/// An incident's number; counts up over the life of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentId(pub u64);

/// An alarm's number; a new one each time a normal alarm is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmId(pub u64);

/// A track's number, from 1; counts up per camera and engine life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u64);

/// Everything that can reach the engine.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "zones are drawn rarely, and an input is moved once")]
pub enum Input {
    /// One picture, looked at.
    Frame(FrameReport),
    /// The vision process says that this camera gives no usable picture.
    CameraLost { camera: CameraIndex },
    /// The vision process says all that is wrong with this camera's view.
    View { camera: CameraIndex, faults: ViewFaults },
    /// An engineer has looked: the zones fit the view as it is now.
    ViewConfirmed { camera: CameraIndex },
    /// The vision process says that it lives.
    WorkerHeartbeat,
    /// The vision process ended or could not start.
    WorkerDown,
    /// A part of the box broke or works again.
    Part { part: Part, health: Health },
    /// A person answers an alarm.
    Acknowledge { alarm: AlarmId },
    /// A person pauses the sound of one alarm, or of all; that answers nothing.
    Silence { alarm: Option<AlarmId> },
    /// A person ends a latched alarm.
    Reset { alarm: AlarmId },
    /// A person keeps an alarm quiet for a while.
    Shelve { alarm: AlarmId, time: ShelfTime },
    /// A person takes an alarm from the shelf.
    Unshelve { alarm: AlarmId },
    /// An engineer keeps all alarms of a zone quiet.
    TakeOutOfService { zone: ZoneIndex },
    /// An engineer puts a zone back into service.
    PutIntoService { zone: ZoneIndex },
    /// The zones of a camera are these from now on; `slots[i]` is the number of `spec.zones[i]`.
    /// A zone that keeps its slot keeps its incident and whoever is inside; a slot of the camera
    /// that is not listed is retired. Taken whole or refused.
    Rezone { camera: CameraIndex, spec: CameraSpec, slots: Vec<ZoneIndex> },
    /// The schedule or a machine arms a zone, or disarms it for a while.
    Arm { zone: ZoneIndex, arming: Arming },
    /// The same of many zones; taken whole or refused.
    ArmMany { zones: Vec<(ZoneIndex, Arming)> },
    /// How the zone's walk test stands.
    Tested { zone: ZoneIndex, walk_test: WalkTest },
    /// The same of many zones; taken whole or refused.
    TestedMany { zones: Vec<(ZoneIndex, WalkTest)> },
    /// Nothing happened; time passed. At least every `TICK_EVERY`.
    Tick,
}

/// What was seen in one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameReport {
    pub camera: CameraIndex,
    /// The worker's frame number, only carried along.
    pub frame: u64,
    pub size: FrameSize,
    /// When the light reached the camera.
    pub captured_at: Instant,
    pub detections: Vec<Detection>,
}

/// A part of the box whose failure is an alarm of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Siren,
    Store,
    /// The relay or stack light.
    Relay,
    /// The handhelds as a whole: broken when nobody listens.
    Handhelds,
    /// The detector, shared by all cameras: broken when it cannot keep up with them.
    Detector,
}

impl Part {
    /// Every part there is.
    pub const ALL: [Part; 5] =
        [Part::Siren, Part::Store, Part::Relay, Part::Handhelds, Part::Detector];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Working,
    Broken,
    /// More of it fails, or it fails more gravely, than what somebody may have answered.
    Worse,
}

/// Everything the engine wants done, in the order of urgency: sound, record, notify.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// What the siren shall do from now on; `None`: as before.
    pub siren: Option<SirenOrder>,
    /// What happened, oldest first: to be stored and told.
    pub events: Vec<Event>,
    /// Set when the input was refused; nothing changed then.
    pub refused: Option<Refusal>,
}

/// Why an input was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No alarm of this number is open.
    UnknownAlarm,
    /// Somebody has answered it already.
    AlreadyAcknowledged,
    /// Nothing that was asked about sounds.
    NothingSounds,
    /// It is silenced already.
    AlreadySilenced,
    /// The cause of the alarm is still there.
    StillActive,
    /// Nobody has answered the alarm.
    NotAcknowledged,
    /// The alarm ends by itself; there is nothing to reset.
    NotLatched,
    /// The alarm is on the shelf.
    AlreadyShelved,
    /// Nothing is on the shelf under this alarm's number.
    NotShelved,
    /// It is out of service.
    OutOfServiceAlready,
    /// It is in service.
    InServiceAlready,
    /// No camera of this number.
    UnknownCamera,
    /// No zone has this number now.
    UnknownZone,
    /// The slots do not fit the zones: as many as zones, none twice, each one of this camera, a
    /// retired one, or the next number nobody has had.
    BadSlots,
}

/// What the siren sounds, and for which zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SirenOrder {
    pub pattern: SirenPattern,
    /// The zone it sounds for; `None` for faults and silence.
    pub zone: Option<ZoneIndex>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SirenPattern {
    Silent,
    /// Something is not watched.
    Fault,
    /// Somebody is close to where nobody may be, or on the way there.
    Warning,
    /// Somebody is where nobody may be.
    Intrusion,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When the engine decided it.
    pub at: Instant,
    pub kind: EventKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// A zone became occupied.
    IncidentStarted { incident: IncidentId, zone: ZoneIndex, entry: Entry },
    /// A further person entered an occupied zone.
    PersonEntered { incident: IncidentId, zone: ZoneIndex, entry: Entry },
    /// The zone is clear again.
    IncidentEnded { incident: IncidentId, zone: ZoneIndex, entries: u32, last_inside_at: Instant },
    /// The zone is not watched.
    ZoneUnknown { zone: ZoneIndex, cause: BlindCause },
    /// The zone is watched again.
    ZoneKnown { zone: ZoneIndex },
    /// The zone alarms again.
    ZoneArmed { zone: ZoneIndex },
    /// The zone is watched but does not alarm.
    ZoneDisarmed { zone: ZoneIndex, by: DisarmedBy },
    /// An alarm changed its state.
    Alarm { alarm: AlarmId, source: AlarmSource, to: AlarmState },
    /// What people kept quiet is so no more, and nobody asked for it: its time on the shelf is over,
    /// what is there got worse, or its zone is no more.
    HoldEnded { source: AlarmSource, was: Hold, alarm: Option<AlarmId> },
}

/// Evidence for one person's entry. When too few people are the incident and nobody is there, the
/// score is 0 and the anchor point is a corner of the zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    pub camera: CameraIndex,
    /// The frame that completed the evidence.
    pub frame: u64,
    pub captured_at: Instant,
    /// The first frame of the evidence.
    pub first_seen_at: Instant,
    /// The track the person belongs to, where there is one; never needed for the decision.
    pub track: Option<TrackId>,
    /// The best score among the evidence.
    pub score: Score,
    /// Anchor point in the completing frame, frame fractions.
    pub anchor_norm: (f64, f64),
    /// People inside after this entry.
    pub people: u32,
}

/// Why a zone is not watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlindCause {
    /// No picture has come since the box started.
    Starting,
    /// Pictures stopped coming.
    NoFrames,
    /// Pictures come, but too old to act on.
    LateFrames,
    /// The vision process says the source gives nothing.
    SourceLost,
    /// The vision process lives no more, or hangs.
    WorkerSilent,
    /// The vision process ended.
    WorkerDown,
    /// Pictures come in time, and cannot be trusted.
    View(ViewFault),
}

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmSource {
    /// Somebody is where nobody may be, crossed a line, or too many or too few people are inside.
    Intrusion(ZoneIndex),
    /// Somebody is in a warning zone, or will be in a restricted one within a moment.
    Warning(ZoneIndex),
    /// The zones of a camera are not watched.
    Blind(CameraIndex),
    /// A part of the box is broken.
    Fault(Part),
    /// The zone's walk test is overdue. Shown, never heard.
    Untested(ZoneIndex),
}

/// How soon a person must do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Somebody is where nobody may be: now.
    Emergency,
    /// Somebody is close to that, or on the way there: within moments.
    High,
    /// Something is not watched, or cannot be heard, seen or kept: now, by whoever repairs it.
    Fault,
    /// Within the shift. Shown, never heard.
    Low,
}

impl AlarmSource {
    pub const fn priority(self) -> Priority {
        match self {
            AlarmSource::Intrusion(_) => Priority::Emergency,
            AlarmSource::Warning(_) => Priority::High,
            AlarmSource::Blind(_) | AlarmSource::Fault(_) => Priority::Fault,
            AlarmSource::Untested(_) => Priority::Low,
        }
    }
}

/// What an alarm is to people: the states of ISA-18.2 and IEC 62682. `Normal` ends the alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    Normal,
    /// Active, nobody has answered.
    Unacknowledged,
    /// Active, answered.
    Acknowledged,
    /// The cause is gone, nobody has answered.
    ReturnedUnacknowledged,
    /// The cause is gone, nobody has answered, and the zone stays in alarm until it is reset.
    LatchedUnacknowledged,
    /// The cause is gone and somebody has answered; the zone stays in alarm until it is reset.
    LatchedAcknowledged,
    /// Active; shown, not heard and not sent until its time on the shelf is over.
    Shelved,
    /// Active; shown, not heard and not sent until an engineer puts its zone back into service.
    OutOfService,
}

impl AlarmState {
    /// Whether the cause is there.
    pub const fn is_active(self) -> bool {
        match self {
            AlarmState::Unacknowledged
            | AlarmState::Acknowledged
            | AlarmState::Shelved
            | AlarmState::OutOfService => true,
            AlarmState::Normal
            | AlarmState::ReturnedUnacknowledged
            | AlarmState::LatchedUnacknowledged
            | AlarmState::LatchedAcknowledged => false,
        }
    }
}

/// What a zone is, for the page and for the audit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZoneView {
    /// OCCUPIED while somebody is inside or an incident is open, armed or not.
    pub state: ZoneState,
    pub since: Instant,
    /// People inside, as far as known.
    pub people: u32,
    pub incident: Option<IncidentId>,
    pub arming: ArmingView,
    /// Why nobody is told of what happens in it.
    pub inhibition: Inhibition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArmingView {
    Armed,
    Disarmed(DisarmedBy),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneState {
    Clear,
    Occupied,
    Unknown(BlindCause),
}

/// An alarm that is not normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlarmView {
    pub id: AlarmId,
    pub source: AlarmSource,
    pub state: AlarmState,
    pub raised_at: Instant,
    /// A person paused its sound until then.
    pub silent_until: Option<Instant>,
}

/// A tracked person in the newest picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackView {
    pub id: TrackId,
    pub bounds: detection::PixelBox,
    pub score: Score,
}

/// What the engine made of one detection of the newest picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Looked {
    pub anchor: Anchor,
    pub verdict: Verdict,
    /// Where the person stands, where the ground is known.
    pub ground_m: Option<(f64, f64)>,
    pub speed_m_s: Option<f64>,
}

/// Whether a detection is evidence of somebody entering. Whoever is inside already is held by any
/// detection, whatever its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Person,
    /// Nobody is that small at that place.
    TooSmall,
    /// A thing that an engineer marked.
    Marked,
    /// Wholly in an ignore zone.
    Ignored,
}

/// An open alarm from the store, to go on with after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredAlarm {
    pub id: AlarmId,
    pub source: AlarmSource,
    pub state: AlarmState,
    pub raised_at: Instant,
}

/// What the store remembers of earlier lives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restored {
    /// Highest incident number ever given; 0 for none.
    pub last_incident: u64,
    /// Highest alarm number ever given; 0 for none.
    pub last_alarm: u64,
    /// Time since the last sign of the earlier life.
    pub away: Duration,
    pub alarms: Vec<RestoredAlarm>,
    pub holds: Vec<RestoredHold>,
}

/// What people keep quiet, from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoredHold {
    /// Until now or earlier: the time is over, or nobody knows how much of it is left.
    Shelved {
        source: AlarmSource,
        alarm: AlarmId,
        until: Instant,
    },
    OutOfService {
        source: AlarmSource,
    },
}

impl RestoredHold {
    pub const fn source(&self) -> AlarmSource {
        match self {
            RestoredHold::Shelved { source, .. } | RestoredHold::OutOfService { source } => *source,
        }
    }
}

/// How often the engine wants to be told that time passes.
pub const TICK_EVERY: Duration = Duration::from_millis(50);
