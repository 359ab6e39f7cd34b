//! Handhelds as the web side sees them: who is paired, who listens, and a line to each device.
//!
//! A **line** is one connection of one device that has proved who it is. What comes on it is a
//! value; sockets and JSON are the web side's.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::handheld_address::HandheldAddress;
use super::{ClerkError, FieldError};
use crate::engine::time::Instant;
use crate::engine::{AlarmId, AlarmState, Priority};
use crate::store::StoreError;

pub use crate::engine::paging::Listening;
pub use crate::store::handhelds::Revoked;

/// What the web side may do about handhelds.
pub trait Handhelds: Send + Sync + 'static {
    /// Where handhelds connect; `None`: this box has none.
    fn handheld_address(&self) -> Option<HandheldAddress>;

    /// Who this box is: a proof is bound to it.
    fn box_id(&self) -> String;

    /// Every device there is or was, oldest first.
    fn handhelds(&self) -> Vec<Handheld>;

    /// Makes a code with which one device pairs. Blocking.
    fn begin_pairing(&self, person: &str, device: &str, by: &str)
    -> Result<Pairing, HandheldError>;

    /// Uses a code up. Blocking.
    fn pair(&self, request: &PairRequest, from: IpAddr) -> Result<Paired, HandheldError>;

    /// Ends a device for good; its connection closes at once. Blocking.
    fn revoke(&self, id: &str, reason: &str, by: &str) -> Result<(), HandheldError>;

    /// The duty list, and who is on duty. `users` may be named as well as who carries a device.
    fn duty(&self, users: &[String]) -> Duty;

    /// Puts another duty list in force; refused when it is not `if_digest` that is in force now
    /// (`None`: no list). Blocking.
    fn put_duty(
        &self,
        list: DutyList,
        if_digest: Option<&str>,
        users: &[String],
        by: &str,
    ) -> Result<Duty, HandheldError>;

    /// Something that nobody has signed yet.
    fn nonce(&self) -> Result<String, HandheldError>;

    /// A line to a device that signed `nonce`. Does not block.
    fn connect(
        &self,
        device: &str,
        nonce: &str,
        signature: &str,
    ) -> Result<HandheldLine, LineRefusal>;

    /// What a device said on its line. Does not block; what finds no room is said again by whoever
    /// waits for its effect.
    fn said(&self, line: LineId, said: Said);

    /// Answers an alarm for the person of a line. Blocking for at most a second.
    fn answer(&self, line: LineId, answer: &HandheldAnswer) -> AnswerOutcome;

    /// Silences the siren for a while, for the person of a line, who saw no alarm of a version above
    /// `seen`. Blocking for at most a second.
    fn silence_siren(&self, line: LineId, seen: u64);

    /// Whether somebody who shows this has an open line.
    fn has_ticket(&self, ticket: &str) -> bool;
}

/// A device there is or was.
#[derive(Clone, Debug)]
pub struct Handheld {
    pub id: String,
    pub person: String,
    pub name: String,
    pub platform: String,
    pub paired_by: String,
    pub paired_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
    pub revoked: Option<Revoked>,
    /// What it said of itself, while it is connected.
    pub connected: Option<Presence>,
}

/// What a device says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    pub screen: Screen,
    pub sound: Sound,
    pub notifications: Notifications,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    #[default]
    Unknown,
    Visible,
    Hidden,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sound {
    #[default]
    Unknown,
    Ready,
    Blocked,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notifications {
    #[default]
    Unknown,
    Granted,
    Denied,
    NotAsked,
    Unsupported,
}

/// A code with which one device pairs.
#[derive(Clone, Debug)]
pub struct Pairing {
    pub code: String,
    pub expires_at: Timestamp,
}

/// What a device that pairs says.
#[derive(Clone, Debug)]
pub struct PairRequest {
    pub code: String,
    /// A point of P-256, uncompressed, as base64url.
    pub public_key: String,
    pub platform: String,
}

/// Who a device is from now on.
#[derive(Clone, Debug)]
pub struct Paired {
    pub id: String,
    pub person: String,
    pub name: String,
    pub box_id: String,
}

/// Who is on duty when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DutyList {
    pub shifts: Vec<Shift>,
    /// Who is on duty while no shift is.
    pub otherwise: Vec<String>,
}

/// A stretch of some days of every week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    pub name: String,
    /// `mon` … `sun`: the days on which it begins.
    pub days: Vec<String>,
    /// `HH:MM`; when `to` is not later, it is that of the next day.
    pub from: String,
    pub to: String,
    /// First place first.
    pub people: Vec<String>,
}

/// The duty list in force.
#[derive(Clone, Debug)]
pub struct Duty {
    /// `None`: nobody has written one.
    pub list: Option<DutyList>,
    pub digest: Option<String>,
    pub now: OnDuty,
    /// Whom a list may name.
    pub known: Vec<String>,
}

/// Who is on duty now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnDuty {
    /// `None`: no shift.
    pub shift: Option<String>,
    /// First place first.
    pub people: Vec<OnDutyPerson>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnDutyPerson {
    pub person: String,
    /// Whether a device of theirs is connected.
    pub listens: bool,
}

/// One connection; never another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineId {
    pub device: u32,
    pub connection: u64,
}

/// A connection of a device that has proved who it is. Dropping it is the device leaving.
#[derive(Debug)]
pub struct HandheldLine {
    pub id: LineId,
    /// The device's id, its person and its name.
    pub device_id: String,
    pub person: String,
    pub device: String,
    /// Shows pictures to this device while the line is open.
    pub ticket: String,
    /// Bounded; a device that does not take what waits here loses its line.
    pub messages: mpsc::Receiver<ToHandheld>,
    /// The newest is enough.
    pub state: watch::Receiver<Arc<HandheldState>>,
    pub left: LeftNote,
}

/// Tells that the line is gone, when dropped.
#[derive(Debug)]
pub struct LeftNote {
    pub line: LineId,
    pub tell: mpsc::Sender<(LineId, Said)>,
}

impl Drop for LeftNote {
    fn drop(&mut self) {
        // Full: silence says the same within seconds.
        let _ = self.tell.try_send((self.line, Said::Left));
    }
}

/// What goes to a device, besides the state.
#[derive(Clone, Debug)]
pub enum ToHandheld {
    Alarm { alarm: Arc<HandheldAlarm>, attempt: u32, sent_at: Timestamp },
    Close(CloseWhy),
}

/// Why a line is closed from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseWhy {
    Revoked,
    /// The same device opened another.
    Replaced,
    /// Nothing was heard of it.
    Silent,
}

/// What a device says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Anything that only shows that it is there.
    Here,
    Received {
        alarm: AlarmId,
        version: u64,
    },
    Shown {
        alarm: AlarmId,
        version: u64,
    },
    CallNext {
        alarm: AlarmId,
    },
    Awake(Presence),
    /// Its connection is gone.
    Left,
}

/// What every device is shown.
#[derive(Clone, Debug)]
pub struct HandheldState {
    /// The time of what is told, and when it was made: what is old is not shown as now.
    pub now: Timestamp,
    pub made_at: Instant,
    pub zones: usize,
    pub zones_unknown: usize,
    /// Zones in which nobody is told of a person.
    pub unguarded: Vec<UnguardedZone>,
    /// What people keep quiet: who, until when and why.
    pub held: Vec<HeldForHandheld>,
    pub siren: Option<super::Siren>,
    /// Most urgent first.
    pub alarms: Vec<Arc<HandheldAlarm>>,
    pub duty: OnDuty,
}

impl HandheldState {
    /// Before anything is known.
    pub fn unknown() -> HandheldState {
        HandheldState {
            now: Timestamp::UNIX_EPOCH,
            made_at: Instant::ZERO,
            zones: 0,
            zones_unknown: 0,
            unguarded: Vec::new(),
            held: Vec::new(),
            siren: None,
            alarms: Vec::new(),
            duty: OnDuty::default(),
        }
    }

    /// Whether a person sees the same, but for the time.
    pub fn shows_the_same(&self, other: &HandheldState) -> bool {
        (self.zones, self.zones_unknown) == (other.zones, other.zones_unknown)
            && self.unguarded == other.unguarded
            && self.held == other.held
            && self.siren == other.siren
            && self.alarms == other.alarms
            && self.duty == other.duty
    }
}

/// Something that people keep quiet, with the id of its zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldForHandheld {
    pub hold: super::Hold,
    pub zone: Option<String>,
}

/// A zone that is in force and alarms nobody now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnguardedZone {
    pub id: String,
    pub name: String,
    pub why: Unguarded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unguarded {
    Shelved,
    OutOfService,
    /// By its schedule or a machine.
    Disarmed,
}

/// An alarm as a device is shown it.
#[derive(Clone, Debug, PartialEq)]
pub struct HandheldAlarm {
    pub id: AlarmId,
    pub version: u64,
    pub renewed: u64,
    pub priority: Priority,
    pub state: AlarmState,
    pub title: String,
    pub text: String,
    pub zone: Option<String>,
    pub camera: Option<String>,
    pub raised_at: Timestamp,
    pub captured_at: Option<Timestamp>,
    pub changed_at: Timestamp,
    pub acknowledged: Option<(String, Timestamp)>,
    pub incident: Option<u64>,
    pub has_snapshot: bool,
    pub people: u32,
    /// Of the zone: areas, and the points of a tripwire, frame fractions.
    pub outline: Option<Outline>,
    pub delivery: Vec<Delivery>,
    /// Who is called next, and when at the latest.
    pub next: Option<(String, Instant)>,
}

/// Polygons as in a zone of the snapshot, and its line.
pub type Outline = (Arc<Vec<Vec<Vec<[f64; 2]>>>>, Arc<Vec<[f64; 2]>>);

/// How far an alarm has come on one device: milliseconds after the camera's picture; of an alarm
/// without one, after the pager had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub person: String,
    pub device: String,
    pub sent_ms: u32,
    pub received_ms: Option<u32>,
    pub shown_ms: Option<u32>,
}

/// Whether alarms reach anybody.
#[derive(Clone, Debug, PartialEq)]
pub struct HandheldsNow {
    pub listening: Listening,
    /// Those that are connected, by person.
    pub connected: Vec<ConnectedHandheld>,
    pub paired: usize,
    pub duty: OnDuty,
    /// What became of each open alarm that somebody was called for.
    pub deliveries: Vec<(AlarmId, Vec<Delivery>)>,
}

impl Default for HandheldsNow {
    fn default() -> HandheldsNow {
        HandheldsNow {
            listening: Listening::NotExpected,
            connected: Vec::new(),
            paired: 0,
            duty: OnDuty::default(),
            deliveries: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedHandheld {
    pub person: String,
    pub device: String,
    pub presence: Presence,
}

/// An answer on its way from a device.
#[derive(Clone, Debug)]
pub struct HandheldAnswer {
    pub alarm: AlarmId,
    /// The version that was on the screen.
    pub version: u64,
    /// The device's own name of the press: the same press is the same answer.
    pub id: String,
    /// How long it lay on the device.
    pub age: Duration,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerOutcome {
    Acknowledged,
    AlreadyAcknowledged,
    UnknownAlarm,
    NewerCause,
    TooOld,
    /// Not carried out; the device asks again.
    Busy,
}

/// Why a device has no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineRefusal {
    #[error("this device was revoked; ask an engineer to pair it again")]
    Revoked,
    #[error("this box does not know this device; ask an engineer to pair it")]
    UnknownDevice,
    #[error("the signature does not belong to this device, this box and this connection")]
    BadProof,
    #[error("too many devices ask at once; try again in a moment")]
    TooMany,
}

/// Why something about handhelds was refused.
#[derive(Debug, thiserror::Error)]
pub enum HandheldError {
    #[error("this box has no handhelds; add [handhelds] with `listen` to standclear.toml")]
    NotConfigured,
    #[error("{0}")]
    Field(FieldError),
    #[error("the duty list cannot be used")]
    Fields(Vec<FieldError>),
    #[error(
        "there is no such code, or it was used already, or its ten minutes are over; ask for another"
    )]
    WrongCode,
    #[error("too many wrong codes; try again in {} s", wait.as_secs() + 1)]
    TooMany { wait: Duration },
    #[error("this key belongs to a paired device already")]
    KeyTaken,
    #[error("there are {max} handhelds already, the most that are kept in use; revoke one first")]
    Full { max: usize },
    #[error("there is no handheld of this id; GET /api/handhelds lists those there are")]
    UnknownHandheld,
    #[error("this handheld was revoked already")]
    AlreadyRevoked,
    #[error(
        "this handheld is revoked from now on, but the store has not kept it yet and is asked again; a restart before it has would let the handheld in again"
    )]
    NotKeptYet,
    #[error("the duty list was changed meanwhile; look at it again")]
    DutyChanged,
    #[error("the store does not take it now")]
    Clerk(#[source] ClerkError),
    #[error("the store could not keep it")]
    Store(#[source] StoreError),
    #[error("the system gives no random numbers")]
    NoRandom,
}
