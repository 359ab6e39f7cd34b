//! Walk tests: somebody walked in at each edge of a zone, and what came of it.
//!
//! Terms: an **attempt** is one walk across one edge; the newest attempt of an edge counts. An edge
//! may be **skipped**: by the box, where nobody can walk (the picture's border), or by a person,
//! with a reason. A test that is over is never rewritten.
//!
//! ```text
//! running ── finish ──> passed | failed | incomplete
//!    └────── abandon ──> abandoned
//! ```
//!
//! Starting, skipping and closing are one transaction each with their entry in the audit log.
//!
//! Not here: what makes an attempt a pass, and when a test is due (`guard::walk`).

mod read;
mod write;

use jiff::Timestamp;

pub use self::read::{LastWalk, WalkReader, WalkStanding};
use super::StoreError;
use super::zones::{Closed, Signed};

/// Walk tests kept: a hundred zones, tested each month, for eight years.
pub const WALK_TESTS_KEPT: i64 = 10_000;

/// Pictures kept with the newest tests.
pub const WALK_PICTURES_KEPT: i64 = 1_000;

/// Most tests in one answer.
pub const WALK_TESTS_AT_ONCE_MAX: u32 = 200;

/// Attempts of one test: who needs more starts again.
pub const ATTEMPTS_MAX: usize = 500;

/// A walk test as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkTest {
    pub id: u64,
    pub zone: String,
    pub zone_name: String,
    pub camera: String,
    /// What of the zone was tested.
    pub zone_digest: String,
    pub zones_version: u32,
    /// Who walked.
    pub tester: String,
    pub started: Signed,
    pub state: WalkState,
    pub siren: SirenHeard,
    pub limit_ms: u32,
    /// What else held then; JSON of whoever started it.
    pub facts: String,
    /// Observations that were lost while it ran.
    pub lost: u32,
    /// Who closed it, and why; the reason is empty for a test that was finished.
    pub closed: Option<Closed>,
    pub edges: Vec<WalkEdge>,
}

/// Where a test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkState {
    Running,
    /// Every edge that can be walked passed.
    Passed,
    /// The newest attempt at an edge failed.
    Failed,
    /// Nothing failed, and not every edge was walked.
    Incomplete,
    Abandoned,
}

/// Whether the siren could be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SirenHeard {
    Sounds,
    Muted,
}

/// Whether a test must show that the siren can be heard; a box without a siren cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SirenProof {
    Needed,
    NotNeeded,
}

/// A stretch of a zone's outline, to be walked in at.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkEdge {
    /// From 0.
    pub edge: u32,
    pub label: String,
    /// Frame fractions.
    pub points: Vec<[f64; 2]>,
    pub skipped: Option<Skipped>,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
}

/// Why an edge is not walked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub by: SkippedBy,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkippedBy {
    /// Nobody can walk in there.
    Box,
    /// Somebody did not want to, or could not.
    Person,
}

/// One walk across one edge. Times are from the first picture of the person inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub edge: u32,
    pub at: Timestamp,
    pub outcome: Outcome,
    /// Until the guard had that picture's detections.
    pub detected_ms: Option<u32>,
    /// Until the entry was decided.
    pub decided_ms: Option<u32>,
    /// Until the siren had the sound; of an attempt without an alarm, how long there was none.
    pub time_ms: Option<u32>,
    /// Pictures with the person inside, up to the decision.
    pub frames: u32,
    pub incident: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Pass,
    Fail { reason: String },
}

/// Where an edge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeState {
    Waiting,
    Pass,
    Fail,
    Skipped,
}

/// A test to be started.
#[derive(Clone, Debug, PartialEq)]
pub struct NewWalkTest {
    pub zone: String,
    pub zone_name: String,
    pub camera: String,
    pub zone_digest: String,
    pub zones_version: u32,
    pub tester: String,
    pub started: Signed,
    pub siren: SirenHeard,
    pub limit_ms: u32,
    pub facts: String,
    /// Without attempts.
    pub edges: Vec<WalkEdge>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    #[error("there is no walk test {id}")]
    NoTest { id: u64 },
    #[error("walk test {id} of {zone} is running; finish or abandon it first")]
    Running { id: u64, zone: String },
    #[error("walk test {id} is {}; nothing can be changed any more", .state.name())]
    Over { id: u64, state: WalkState },
    #[error("walk test {id} has no edge {edge}")]
    NoEdge { id: u64, edge: u32 },
    #[error("{label} was walked or skipped already; only an edge that waits can be skipped")]
    NotWaiting { label: String },
    #[error("walk test {id} has {ATTEMPTS_MAX} attempts already; start another")]
    TooMany { id: u64 },
    #[error("the walk test could not be kept")]
    Store(#[source] StoreError),
}

impl WalkState {
    pub(super) const ALL: [WalkState; 5] = [
        WalkState::Running,
        WalkState::Passed,
        WalkState::Failed,
        WalkState::Incomplete,
        WalkState::Abandoned,
    ];

    /// As kept and as told.
    pub fn name(self) -> &'static str {
        match self {
            WalkState::Running => "running",
            WalkState::Passed => "passed",
            WalkState::Failed => "failed",
            WalkState::Incomplete => "incomplete",
            WalkState::Abandoned => "abandoned",
        }
    }
}

impl SirenHeard {
    pub(super) const ALL: [SirenHeard; 2] = [SirenHeard::Sounds, SirenHeard::Muted];

    /// As kept and as told.
    pub fn name(self) -> &'static str {
        match self {
            SirenHeard::Sounds => "sounds",
            SirenHeard::Muted => "muted",
        }
    }
}

impl SkippedBy {
    pub(super) const ALL: [SkippedBy; 2] = [SkippedBy::Box, SkippedBy::Person];

    pub(super) fn name(self) -> &'static str {
        match self {
            SkippedBy::Box => "box",
            SkippedBy::Person => "person",
        }
    }
}

impl EdgeState {
    /// As told.
    pub fn name(self) -> &'static str {
        match self {
            EdgeState::Waiting => "waiting",
            EdgeState::Pass => "pass",
            EdgeState::Fail => "fail",
            EdgeState::Skipped => "skipped",
        }
    }
}

impl WalkEdge {
    pub fn state(&self) -> EdgeState {
        match (&self.skipped, self.attempts.last().map(|attempt| &attempt.outcome)) {
            (Some(_), _) => EdgeState::Skipped,
            (None, Some(Outcome::Pass)) => EdgeState::Pass,
            (None, Some(Outcome::Fail { .. })) => EdgeState::Fail,
            (None, None) => EdgeState::Waiting,
        }
    }
}

/// What a test is when it is finished now. It passes only by edges that were walked.
pub fn result(edges: &[WalkEdge]) -> WalkState {
    let any = |wanted: EdgeState| edges.iter().any(|edge| edge.state() == wanted);
    let skipped_by_person = edges
        .iter()
        .any(|edge| edge.skipped.as_ref().is_some_and(|skip| skip.by == SkippedBy::Person));
    if any(EdgeState::Fail) {
        WalkState::Failed
    } else if any(EdgeState::Waiting) || skipped_by_person || !any(EdgeState::Pass) {
        WalkState::Incomplete
    } else {
        WalkState::Passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(outcomes: &[Outcome], skipped: Option<SkippedBy>) -> WalkEdge {
        let attempt = |outcome: &Outcome| Attempt {
            edge: 0,
            at: Timestamp::UNIX_EPOCH,
            outcome: outcome.clone(),
            detected_ms: None,
            decided_ms: None,
            time_ms: None,
            frames: 0,
            incident: None,
        };
        WalkEdge {
            edge: 0,
            label: "edge 1".into(),
            points: vec![[0.0, 0.0], [1.0, 0.0]],
            skipped: skipped.map(|by| Skipped { by, reason: "why".into() }),
            attempts: outcomes.iter().map(attempt).collect(),
        }
    }

    #[test]
    fn only_edges_that_were_walked_make_a_test_pass() {
        let (pass, fail) = (Outcome::Pass, Outcome::Fail { reason: "late".into() });
        let passed = || edge(&[Outcome::Pass], None);
        let of = |last: WalkEdge| result(&[passed(), last]);
        assert_eq!(of(passed()), WalkState::Passed);
        assert_eq!(of(edge(&[], Some(SkippedBy::Box))), WalkState::Passed);
        assert_eq!(of(edge(&[], None)), WalkState::Incomplete);
        assert_eq!(of(edge(&[], Some(SkippedBy::Person))), WalkState::Incomplete);
        assert_eq!(of(edge(&[fail.clone(), pass.clone()], None)), WalkState::Passed);
        assert_eq!(of(edge(&[pass, fail], None)), WalkState::Failed);
        assert_eq!(result(&[edge(&[], Some(SkippedBy::Box))]), WalkState::Incomplete);
        assert_eq!(result(&[]), WalkState::Incomplete);
    }
}
