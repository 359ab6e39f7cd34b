//! What the API says about walk tests and the heat map.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::guard::handle::{
    Attempt, EdgeState, HEAT_COLUMNS, HEAT_ROWS, Heat, Outcome, SirenHeard, WalkEdge, WalkState,
    WalkTest, WalkView,
};
use crate::web::dto::timestamp;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct StartDto {
    /// Id of the zone.
    pub zone: String,
    /// Who walks, if it is not whoever is signed in.
    #[serde(default)]
    pub tester: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SkipDto {
    /// Why nobody can walk in there, 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct WalkTestsDto {
    /// Newest first, at most 200.
    pub walk_tests: Vec<WalkTestDto>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct WalkTestDto {
    id: u64,
    /// Id of the zone.
    zone: String,
    /// As it was called then.
    zone_name: String,
    camera: String,
    zones_version: u32,
    /// What of the zone was tested; with another one the test holds no more.
    zone_digest: String,
    edges: Vec<EdgeDto>,
    state: StateDto,
    siren: SirenHeardDto,
    /// From inside to siren.
    limit_ms: u32,
    /// Who walked.
    tester: String,
    /// Who started it.
    by: String,
    at: String,
    finished_at: Option<String>,
    finished_by: Option<String>,
    /// Why it was abandoned.
    reason: Option<String>,
    /// What the tester should know now, for people.
    hint: Option<String>,
    /// Observations that were lost while it ran.
    lost: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WalkTestStateDto)]
enum StateDto {
    Running,
    Passed,
    Failed,
    Incomplete,
    Abandoned,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SirenHeardDto {
    Sounds,
    Muted,
}

#[derive(Debug, Serialize, ToSchema)]
struct EdgeDto {
    /// From 0.
    edge: u32,
    label: String,
    from: [f64; 2],
    to: [f64; 2],
    /// The whole of it.
    points: Vec<[f64; 2]>,
    state: EdgeStateDto,
    /// From the first picture inside to the siren.
    time_ms: Option<u32>,
    /// Where that time went.
    stages: Vec<StageDto>,
    /// Why it was skipped or failed.
    reason: Option<String>,
    /// How often it was walked in at; the newest counts.
    attempts: usize,
    /// Pictures with the person inside, up to the decision.
    frames: Option<u32>,
    /// The incident with the picture.
    incident: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum EdgeStateDto {
    Waiting,
    Pass,
    Fail,
    Skipped,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WalkTestStageDto)]
struct StageDto {
    /// `seen`, `confirmed`, `siren`.
    stage: &'static str,
    ms: u32,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct HeatDto {
    columns: u16,
    rows: u16,
    /// Seconds in which feet of people were in a cell, row by row, rounded up.
    feet: Vec<u32>,
    /// Where incidents began: x, y, time, zone; newest first.
    #[schema(value_type = Vec<Vec<Object>>)]
    incidents: Vec<(f64, f64, String, String)>,
    from: String,
    to: String,
}

impl From<WalkView> for WalkTestDto {
    fn from(view: WalkView) -> WalkTestDto {
        WalkTestDto { hint: view.hint, ..WalkTestDto::from(view.test) }
    }
}

impl From<WalkTest> for WalkTestDto {
    fn from(test: WalkTest) -> WalkTestDto {
        let closed = test.closed;
        WalkTestDto {
            id: test.id,
            zone: test.zone,
            zone_name: test.zone_name,
            camera: test.camera,
            zones_version: test.zones_version,
            zone_digest: test.zone_digest,
            edges: test.edges.into_iter().map(Into::into).collect(),
            state: match test.state {
                WalkState::Running => StateDto::Running,
                WalkState::Passed => StateDto::Passed,
                WalkState::Failed => StateDto::Failed,
                WalkState::Incomplete => StateDto::Incomplete,
                WalkState::Abandoned => StateDto::Abandoned,
            },
            siren: match test.siren {
                SirenHeard::Sounds => SirenHeardDto::Sounds,
                SirenHeard::Muted => SirenHeardDto::Muted,
            },
            limit_ms: test.limit_ms,
            tester: test.tester,
            by: test.started.by,
            at: timestamp(test.started.at),
            finished_at: closed.as_ref().map(|closed| timestamp(closed.signed.at)),
            finished_by: closed.as_ref().map(|closed| closed.signed.by.clone()),
            reason: closed.map(|closed| closed.reason).filter(|reason| !reason.is_empty()),
            hint: None,
            lost: test.lost,
        }
    }
}

impl From<WalkEdge> for EdgeDto {
    fn from(edge: WalkEdge) -> EdgeDto {
        let state = match edge.state() {
            EdgeState::Waiting => EdgeStateDto::Waiting,
            EdgeState::Pass => EdgeStateDto::Pass,
            EdgeState::Fail => EdgeStateDto::Fail,
            EdgeState::Skipped => EdgeStateDto::Skipped,
        };
        let attempts = edge.attempts.len();
        let newest = edge.attempts.into_iter().next_back();
        let skipped = edge.skipped.map(|skip| skip.reason);
        let failed = newest.as_ref().and_then(|attempt| match &attempt.outcome {
            Outcome::Pass => None,
            Outcome::Fail { reason } => Some(reason.clone()),
        });
        let end = |point: Option<&[f64; 2]>| point.copied().unwrap_or_default();
        EdgeDto {
            edge: edge.edge,
            label: edge.label,
            from: end(edge.points.first()),
            to: end(edge.points.last()),
            points: edge.points,
            state,
            time_ms: newest.as_ref().and_then(|attempt| attempt.time_ms),
            stages: newest.as_ref().map(stages).unwrap_or_default(),
            reason: skipped.or(failed),
            attempts,
            frames: newest.as_ref().map(|attempt| attempt.frames),
            incident: newest.and_then(|attempt| attempt.incident),
        }
    }
}

/// Where the time went; nothing where one of its ends is not known.
fn stages(attempt: &Attempt) -> Vec<StageDto> {
    let (Some(detected), Some(decided), Some(time)) =
        (attempt.detected_ms, attempt.decided_ms, attempt.time_ms)
    else {
        return Vec::new();
    };
    vec![
        StageDto { stage: "seen", ms: detected },
        StageDto { stage: "confirmed", ms: decided.saturating_sub(detected) },
        StageDto { stage: "siren", ms: time.saturating_sub(decided) },
    ]
}

impl From<Heat> for HeatDto {
    fn from(heat: Heat) -> HeatDto {
        let incidents = heat.incidents.into_iter().map(|incident| {
            let [x, y] = incident.anchor_norm;
            (x, y, timestamp(incident.at), incident.zone)
        });
        HeatDto {
            columns: HEAT_COLUMNS,
            rows: HEAT_ROWS,
            feet: heat.seconds,
            incidents: incidents.collect(),
            from: timestamp(heat.from),
            to: timestamp(heat.to),
        }
    }
}
