//! What the threads around the alarm path tell it. One bounded queue, `INPUTS_MAX` long.
//!
//! The alarm path never waits for a sender. A sender that finds the queue full either tries again
//! later (news that stays true: states) or drops and counts (news that ages: pictures).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use jiff::Timestamp;

use super::arming::ArmingNews;
use super::handle::{AlarmCommand, CommandError, Commanded, HandheldsNow, WalkDue};
use super::records::SiteNames;
use super::relay::RelayReport;
use super::siren::tester::SirenTest;
use crate::engine::time::Instant;
use crate::engine::{CameraIndex, CameraSpec, IncidentId, Refusal, ZoneIndex};
use crate::link;

/// Messages waiting for the alarm path: two seconds of eight cameras at 15 pictures a second. One
/// step takes well under a millisecond, so a queue this long already means that something is wrong.
pub const INPUTS_MAX: usize = 256;

/// Everything that reaches the alarm path but the answers of people, which have a queue of their
/// own so that the web side cannot crowd out a picture.
#[derive(Debug)]
pub enum Message {
    Report(Box<ReceivedReport>),
    Worker(WorkerNews),
    Siren(SirenReport),
    Relay(RelayReport),
    Store(StoreReport),
    /// What schedules and machine signals say of the zones.
    Arming(Box<ArmingNews>),
    /// A camera's zones are others from now on.
    Rezone(Box<RezoneOrder>),
    /// How the walk tests of the zones stand.
    WalkTests(Box<WalkNews>),
    /// How handhelds stand.
    Handhelds(Box<HandheldReport>),
    /// The box is told to end.
    Stop,
}

/// A report with the moment the guard had it in hand.
#[derive(Debug)]
pub struct ReceivedReport {
    pub report: link::Report,
    pub received_at: Instant,
}

/// What becomes of the vision process.
#[derive(Debug)]
pub enum WorkerNews {
    /// A process was started and loads its model.
    Starting,
    Ready(link::ModelInfo),
    /// What it reports from here on was seen by this model.
    Looking(link::ModelInfo),
    /// A model that had just begun to guard ended with an error; this one guards on.
    FellBack {
        model: link::ModelInfo,
        reason: String,
    },
    Heartbeat,
    CameraLost {
        camera: link::CameraIndex,
        reason: String,
    },
    CameraUp {
        camera: link::CameraIndex,
        stream: link::Stream,
    },
    /// All that is wrong with a camera's view.
    Integrity {
        camera: link::CameraIndex,
        findings: Vec<link::ViewFinding>,
        shift: Option<link::ViewShift>,
    },
    /// A view is known, or was accepted: what it is held against from now on.
    Settled {
        camera: link::CameraIndex,
        frame: u64,
        reference: Box<link::GreyPicture>,
    },
    /// What else was learned of a view; after the reference that it belongs to.
    Learned {
        camera: link::CameraIndex,
        learned: Box<link::LearnedView>,
    },
    /// It said why it cannot go on.
    Fatal {
        reason: String,
    },
    /// Whether the detector keeps up with its cameras, and the numbers when it does not.
    Load(Option<link::Load>),
    DetailCut {
        camera: link::CameraIndex,
        cut: Option<link::DetailCut>,
    },
    /// It ended, or could not start.
    Down,
    /// Why it ended, and how often that has happened.
    Restarting {
        reason: String,
        restarts: u32,
    },
}

/// What the siren thread says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SirenReport {
    /// This order, and all before it, has been taken.
    Accepted {
        order: u64,
        at: Instant,
        output: Sounding,
    },
    Working {
        device: String,
    },
    /// It sounds on this device, but somebody has to look after it.
    Degraded {
        device: String,
        reason: String,
    },
    Broken {
        device: String,
        reason: String,
    },
    /// A test is over.
    Tested(SirenTest),
    /// Why the tests do not vouch for the siren, or that they do.
    TestFault(Option<String>),
}

/// How bad a failure of a part is, least first. A graver one than was answered wants an answer again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// It does what it is for, and somebody has to look after it.
    Impaired,
    /// It does not do what it is for.
    Failed,
    /// What it should have kept is gone for ever.
    Losing,
}

/// Whether an order that was taken can be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sounding {
    Yes,
    /// The output is broken; the fault alarm says why.
    No,
}

/// What the store thread says.
#[derive(Debug)]
pub enum StoreReport {
    Working,
    Broken {
        gravity: Gravity,
        reason: String,
    },
    /// These incidents are on disk.
    Stored {
        incidents: Vec<IncidentId>,
        at: Instant,
    },
    SnapshotStored {
        incident: IncidentId,
    },
}

/// How handhelds stand; comes at least once a second while there is a pager.
#[derive(Debug)]
pub struct HandheldReport {
    pub now: HandheldsNow,
    /// Whether the pager sees the alarms of now.
    pub sight: PagerSight,
}

/// What the pager sees of alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagerSight {
    Now,
    /// An old snapshot: who listens to the pager would not hear of what is new.
    Stale,
}

/// How the walk tests stand.
#[derive(Debug)]
pub struct WalkNews {
    /// Of the zones by these names; others may mean other zones.
    pub names: Arc<SiteNames>,
    pub zones: Vec<(ZoneIndex, WalkDue)>,
}

/// Zones were approved.
#[derive(Clone, Debug)]
pub struct Approval {
    pub by: String,
    /// When they were drawn: by what the view was then.
    pub drawn_at: Timestamp,
}

/// Zones on their way to the alarm path: everything that changes with them, in one step.
#[derive(Debug)]
pub struct RezoneOrder {
    pub camera: CameraIndex,
    pub spec: CameraSpec,
    /// `slots[i]` is the number of `spec.zones[i]`.
    pub slots: Vec<ZoneIndex>,
    /// The site's names with these zones.
    pub names: Arc<SiteNames>,
    /// Who approved them just now; `None`: they were approved before.
    pub approval: Option<Approval>,
    /// Whoever asked may have given up; what is not claimed is not carried out.
    pub claim: Arc<Claim>,
    pub reply: SyncSender<Result<(), Refusal>>,
}

/// Settles between two threads whether something is done or given up: exactly one of them wins, so
/// that what a person was told did not happen does not happen later.
#[derive(Debug, Default)]
pub struct Claim(AtomicBool);

/// Whether a claim was won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is ours to do, or to give up.
    Ours,
    /// The other side was first.
    Theirs,
}

impl Claim {
    pub fn take(&self) -> Claimed {
        match self.0.swap(true, Ordering::AcqRel) {
            false => Claimed::Ours,
            true => Claimed::Theirs,
        }
    }
}

/// A person's command, on its way to the alarm path.
#[derive(Debug)]
pub struct Answer {
    pub command: AlarmCommand,
    pub by: String,
    /// Who asked has given up by then; what is carried out later would silence an alarm that nobody
    /// has answered.
    pub until: Instant,
    pub reply: SyncSender<Reply>,
}

impl Answer {
    /// Whether it is too late to carry it out.
    pub fn is_stale(&self, now: Instant) -> bool {
        now > self.until
    }
}

/// What the person is told.
pub type Reply = Result<Commanded, CommandError>;
