//! Walk tests and the heat map, as the web side sees and does them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FieldError, HistoryError};
use crate::guard::clerk::ClerkError;
use crate::store::zones::Signed;

pub use crate::store::heat::{HEAT_COLUMNS, HEAT_ROWS, HeatIncident};
pub use crate::store::walk::{
    Attempt, EdgeState, LastWalk, Outcome, SirenHeard, Skipped, SkippedBy, WalkEdge, WalkError,
    WalkState, WalkTest,
};

/// What the web side may do about walk tests. All of it blocks: call from a blocking task.
pub trait WalkTests: Send + Sync + 'static {
    /// Starts a test of a zone; `tester` walks.
    fn start_walk(
        &self,
        camera: &str,
        zone: &str,
        tester: &str,
        by: &str,
    ) -> Result<WalkView, WalkDeskError>;

    fn walk_test(&self, id: u64) -> Result<WalkView, WalkDeskError>;

    /// Newest first, of one zone or of all.
    fn walk_tests(&self, zone: Option<&str>) -> Result<Vec<WalkTest>, WalkDeskError>;

    fn skip_edge(
        &self,
        id: u64,
        edge: u32,
        by: &str,
        reason: &str,
    ) -> Result<WalkView, WalkDeskError>;

    /// Its edges say whether it passed.
    fn finish_walk(&self, id: u64, by: &str) -> Result<WalkView, WalkDeskError>;

    fn abandon_walk(&self, id: u64, by: &str) -> Result<WalkView, WalkDeskError>;

    /// Everything that a report of it says.
    fn walk_report(&self, id: u64) -> Result<WalkReport, WalkDeskError>;

    /// Where people stood for so many hours.
    fn heat(&self, camera: &str, hours: u32) -> Result<Heat, WalkDeskError>;
}

/// A test, and what the tester should know now.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkView {
    pub test: WalkTest,
    pub hint: Option<String>,
}

/// How the walk test of a zone stands.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkDue {
    pub state: DueState,
    /// `None`: never tested as it is, or no test is required.
    pub due_at: Option<Timestamp>,
    pub last: Option<LastWalk>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueState {
    Valid,
    Overdue,
}

/// What a report is made of.
#[derive(Clone, Debug)]
pub struct WalkReport {
    pub test: WalkTest,
    pub facts: WalkFacts,
    /// The camera's picture when it was started, JPEG, without drawings.
    pub picture: Option<Vec<u8>>,
    /// Pictures of incidents, by number.
    pub snapshots: Vec<(u64, Vec<u8>)>,
    /// Of the zones that were tested; `None` when they are kept no more.
    pub version: Option<VersionFacts>,
    /// When the box did not see the zone while the test ran; the end is `None` while it lasts.
    pub unseen: Vec<(Timestamp, Option<Timestamp>)>,
}

/// Who answers for a zone version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionFacts {
    pub made: Signed,
    pub approved: Option<Signed>,
    pub applied_at: Option<Timestamp>,
}

/// What held when a test was started, beside the zone itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WalkFacts {
    pub site: String,
    /// IANA name.
    pub time_zone: String,
    pub box_version: String,
    pub camera_name: String,
    pub frame_px: Option<(u32, u32)>,
    pub kind: String,
    /// GeoJSON MultiPolygon coordinates, frame fractions.
    pub polygons: Vec<Vec<Vec<[f64; 2]>>>,
    pub line: Vec<[f64; 2]>,
    /// When the zone alarms, beside its tests; for people.
    pub armed: String,
    /// Digest of the zone version that was in force.
    pub version_digest: String,
    pub model: Option<ModelFacts>,
    pub calibration: Option<CalibrationFacts>,
    pub setback: Option<SetbackFacts>,
    pub ignored: Vec<IgnoredFacts>,
    pub siren_device: String,
    /// The configuration says that this box has none.
    pub no_siren: bool,
    /// Why the siren could not sound.
    pub siren_fault: Option<String>,
    pub pipeline_p99_ms: u32,
    pub valid_days: Option<u32>,
}

impl WalkFacts {
    /// Facts of another version of this program may lack some; what is there counts.
    pub fn of(test: &WalkTest) -> WalkFacts {
        serde_json::from_str(&test.facts).unwrap_or_default()
    }

    /// A test that passed while a siren that should be there could not sound.
    pub fn leaves_siren_unproved(&self, test: &WalkTest) -> bool {
        test.state == WalkState::Passed && test.siren == SirenHeard::Muted && !self.no_siren
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    pub name: String,
    pub version: String,
    pub digest: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CalibrationFacts {
    pub residual_m: f64,
    pub worst_m: f64,
    pub points: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SetbackFacts {
    /// The sum.
    pub text: String,
    pub required_m: f64,
    pub actual_m: Option<f64>,
    /// Less than required, or not known to be enough.
    pub tight: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IgnoredFacts {
    pub name: String,
    pub reason: String,
    pub polygons: Vec<Vec<Vec<[f64; 2]>>>,
}

/// How long feet were where.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// Seconds, cell by cell, row by row, rounded up.
    pub seconds: Vec<u32>,
    /// Newest first.
    pub incidents: Vec<HeatIncident>,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Why nothing of what was asked was done.
#[derive(Debug, thiserror::Error)]
pub enum WalkDeskError {
    #[error("there is no camera {camera:?}; /api/state lists those there are")]
    UnknownCamera { camera: String },
    #[error("camera {camera} has no zone {zone:?}; /api/state lists those there are")]
    UnknownZone { camera: String, zone: String },
    #[error("{zone} is an ignored area: nothing there alarms, so there is nothing to test")]
    NotTestable { zone: String },
    #[error(
        "the alarm of {zone} is shelved: nobody would be heard, so no edge could pass; press Hear \
         again on the page Alarms, then start the test"
    )]
    Shelved { zone: String },
    #[error(
        "{zone} is out of service: nobody would be heard, so no edge could pass; put it back into \
         service on the page Zones, then start the test"
    )]
    OutOfService { zone: String },
    #[error("{camera} is not watched: {why}; nothing can be tested")]
    NotWatched { camera: String, why: String },
    #[error(transparent)]
    Refused(WalkError),
    #[error("the zones cannot be read")]
    Zones(Vec<FieldError>),
    #[error(transparent)]
    Clerk(ClerkError),
    #[error(transparent)]
    Store(HistoryError),
}
