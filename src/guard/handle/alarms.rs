//! What people may do about alarms besides answering them, and what they are told of it.

use std::fmt;

use jiff::Timestamp;

use super::TestHeard;
use crate::engine::alarm::ShelfTime;
use crate::engine::alarm_kpi::{Kpis, Story, kpis};
use crate::engine::time::Instant;
use crate::engine::{AlarmId, AlarmSource, AlarmState};
use crate::store::alarms::AlarmStory;
use crate::store::query::{HistoryError, StoreReader};
pub use crate::store::record::AlarmKey;

/// Longest reason of a person, characters.
pub const REASON_CHARS_MAX: usize = 500;

/// What the web side may command about alarms.
pub trait Alarms: Send + Sync + 'static {
    /// Carries out a person's command. Blocking for at most a second: call from a blocking task.
    ///
    /// # Errors
    /// It was not carried out, and will not be.
    fn command(&self, command: AlarmCommand, by: &str) -> Result<Commanded, CommandError>;

    /// How well the alarms since `from`, or since the box is there, served the people who answer
    /// them. Blocking.
    ///
    /// # Errors
    /// The store cannot be read.
    fn alarm_kpis(&self, from: Timestamp, to: Timestamp) -> Result<SpanKpis, HistoryError>;

    /// Pauses all sound; answers nothing. `seen`: the highest version of an alarm the person saw.
    ///
    /// # Errors
    /// Nothing sounds, something sounds that the person has not seen, or it was not carried out.
    fn silence(&self, seen: u64, by: &str) -> Result<Commanded, CommandError> {
        self.command(AlarmCommand::Silence { alarm: None, seen }, by)
    }
}

/// The numbers, and since when they are: a box has none of the time before it was there.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanKpis {
    pub from: Timestamp,
    pub numbers: Kpis<AlarmKey>,
}

/// The numbers since `from`, or since the box is there where that is later.
///
/// # Errors
/// The store cannot be read.
pub fn span_kpis(
    reader: &StoreReader,
    from: Timestamp,
    to: Timestamp,
) -> Result<SpanKpis, HistoryError> {
    // A clock that was put back: no time is left, and nothing is judged.
    let from = reader.began_at()?.map_or(from, |began| began.max(from)).min(to);
    Ok(SpanKpis { from, numbers: kpis_of(reader.alarm_stories(from)?, from, to) })
}

/// The numbers of a span of civil time. A clock that was put back is taken as it stands in the log.
pub fn kpis_of(stories: Vec<AlarmStory>, from: Timestamp, to: Timestamp) -> Kpis<AlarmKey> {
    let micros = |at: Timestamp| u64::try_from(at.as_microsecond()).unwrap_or(0);
    let instant = |at: Timestamp| Instant::from_nanos(micros(at).saturating_mul(1_000));
    let story = |story: AlarmStory| Story {
        source: story.source,
        changes: story.changes.into_iter().map(|(at, state)| (instant(at), state)).collect(),
    };
    let stories: Vec<Story<AlarmKey>> = stories.into_iter().map(story).collect();
    kpis(&stories, instant(from), instant(to))
}

/// What a person asks of the alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmCommand {
    /// Answers an alarm. `seen`: the version the person saw; refused when more has happened since.
    Acknowledge {
        alarm: AlarmId,
        seen: Option<u64>,
    },
    /// Pauses the sound of one alarm, or of all. `seen`: the version of it the person saw, or the
    /// highest of all; refused when more has happened since.
    Silence {
        alarm: Option<AlarmId>,
        seen: u64,
    },
    /// Ends a latched alarm.
    Reset {
        alarm: AlarmId,
    },
    /// Keeps an alarm quiet for a while.
    Shelve {
        alarm: AlarmId,
        time: ShelfTime,
        reason: Reason,
    },
    /// Takes from the shelf what was put there as this alarm.
    Unshelve {
        alarm: AlarmId,
    },
    /// Keeps all alarms of a zone quiet until somebody puts it back.
    TakeOutOfService {
        zone: ZonePlace,
        reason: Reason,
    },
    PutIntoService {
        zone: ZonePlace,
    },
    /// Tests the siren now, if nothing sounds.
    TestSiren {
        heard: TestHeard,
    },
    /// The zones of this camera fit its view as it is now.
    ConfirmView {
        camera: String,
        reason: Reason,
    },
}

/// A zone by the ids of its camera and itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZonePlace {
    pub camera: String,
    pub zone: String,
}

/// Why a person keeps something quiet: one or more lines that say something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

/// Why a text is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason is needed: 1 to {REASON_CHARS_MAX} characters that say why")]
pub struct NoReason;

impl Reason {
    /// A reason from what a person wrote.
    ///
    /// # Errors
    /// It says nothing, is too long, or holds what is no text.
    pub fn new(text: &str) -> Result<Reason, NoReason> {
        let text = text.trim();
        let fits = (1..=REASON_CHARS_MAX).contains(&text.chars().count());
        let says = text.chars().any(char::is_alphanumeric);
        let plain = !text.chars().any(|letter| letter.is_control() && letter != '\n');
        if fits && says && plain { Ok(Reason(text.to_owned())) } else { Err(NoReason) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commanded {
    /// The alarm is this from now on.
    State(AlarmState),
    /// It is so until then.
    Until(Timestamp),
    Done,
}

/// Why a command was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("there is no open alarm of this number; it may have ended meanwhile")]
    UnknownAlarm,
    #[error("no zone of this id is guarded on this camera")]
    UnknownZone,
    #[error("no camera of this id is guarded")]
    UnknownCamera,
    #[error(
        "the camera's view cannot be seen now (no picture, or a frozen, dark or over-exposed one), so \
         nobody can say that it is right; confirm it when it can be seen"
    )]
    ViewUnseen,
    #[error("somebody has answered this alarm already")]
    AlreadyAcknowledged,
    #[error("more has happened since you looked; look again, then answer")]
    NewerCause,
    #[error("nothing sounds that could be silenced")]
    NothingSounds,
    #[error("it is silenced already; acknowledge the alarm, or wait until it sounds again")]
    AlreadySilenced,
    #[error("the cause of the alarm is still there; reset it when the zone is clear")]
    StillActive,
    #[error("nobody has answered the alarm; acknowledge it, then reset it")]
    NotAcknowledged,
    #[error("this alarm ends by itself; only a latched one is reset")]
    NotLatched,
    #[error("this is on the shelf already; end that first")]
    AlreadyShelved,
    #[error("nothing is on the shelf under this alarm's number; its time may be over")]
    NotShelved,
    #[error("the zone is out of service already")]
    AlreadyOutOfService,
    #[error("the zone is in service already")]
    AlreadyInService,
    #[error("the siren sounds; a test never sounds over an alarm")]
    SirenSounds,
    #[error("somebody tests the siren already; wait for the outcome")]
    SirenUnderTest,
    #[error("the guard is busy and has not taken the command; press again")]
    Busy,
    #[error("the guard is stopping")]
    Stopping,
}

/// Something that people keep quiet, as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub kind: HoldKind,
    /// What it is about; for a zone out of service its intrusions.
    pub source: AlarmSource,
    pub title: String,
    pub by: String,
    pub reason: String,
    pub since: Timestamp,
    /// The alarm that is open there now, if the cause is there.
    pub open: Option<AlarmId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldKind {
    /// Under this alarm's number, until then.
    Shelved {
        alarm: AlarmId,
        until: Timestamp,
    },
    OutOfService,
}

impl fmt::Display for AlarmCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AlarmCommand::Acknowledge { alarm, .. } => write!(f, "acknowledge alarm {}", alarm.0),
            AlarmCommand::Silence { alarm: Some(alarm), .. } => {
                write!(f, "silence alarm {}", alarm.0)
            }
            AlarmCommand::Silence { alarm: None, .. } => write!(f, "silence the siren"),
            AlarmCommand::Reset { alarm } => write!(f, "reset alarm {}", alarm.0),
            AlarmCommand::Shelve { alarm, time, .. } => {
                write!(f, "shelve alarm {} for {} min", alarm.0, time.get().as_secs() / 60)
            }
            AlarmCommand::Unshelve { alarm } => write!(f, "take alarm {} from the shelf", alarm.0),
            AlarmCommand::TakeOutOfService { zone, .. } => {
                write!(f, "take zone {} out of service", zone.zone)
            }
            AlarmCommand::PutIntoService { zone } => {
                write!(f, "put zone {} back into service", zone.zone)
            }
            AlarmCommand::TestSiren { heard: TestHeard::ByPeople } => {
                write!(f, "test the siren, audibly")
            }
            AlarmCommand::TestSiren { heard: TestHeard::ByNobody } => {
                write!(f, "test the siren, inaudibly")
            }
            AlarmCommand::ConfirmView { camera, .. } => {
                write!(f, "confirm the view of camera {camera}")
            }
        }
    }
}
