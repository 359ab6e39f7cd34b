//! What the API says about zones.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::guard::handle::{
    ApprovalRule, Calibration, CameraZones, Draft, DraftBefore, HeightsKnown, Json, Measured,
    SetbackFit, VersionSource, VersionState, ZoneSetback, ZoneVersion,
};
use crate::web::dto::timestamp;
use crate::web::error::FieldDto;

/// A zone document, as a zone file holds it; `zones/zones.schema.json` is its schema.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct DocumentDto {
    #[schema(value_type = Object)]
    pub document: Json,
}

/// A zone document to keep, and what its author believes is kept now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct PutDraftDto {
    #[schema(value_type = Object)]
    pub document: Json,
    /// The digest of the draft that this one is made from, null for none: anything else is not
    /// overwritten. Absent: whatever is there is.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub if_digest: IfDigest,
}

/// A member that may be absent, null or a text, and means another thing each time.
#[derive(Debug, Default)]
pub(in crate::web) enum IfDigest {
    #[default]
    Absent,
    Given(Option<String>),
}

impl<'de> Deserialize<'de> for IfDigest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<IfDigest, D::Error> {
        Option::deserialize(from).map(IfDigest::Given)
    }
}

impl From<IfDigest> for DraftBefore {
    fn from(given: IfDigest) -> DraftBefore {
        match given {
            IfDigest::Absent => DraftBefore::Anything,
            IfDigest::Given(None) => DraftBefore::Nothing,
            IfDigest::Given(Some(digest)) => DraftBefore::Digest(digest),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ProposeDto {
    /// Why, 1 to 500 characters; the audit log keeps it.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// Of the draft that is proposed.
    pub digest: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ZonesReasonDto)]
pub(in crate::web) struct ReasonDto {
    /// Why, 1 to 500 characters; the audit log keeps it.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct CameraZonesDto {
    camera: String,
    in_force: VersionDto,
    draft: Option<DraftDto>,
    /// Waits for approval.
    proposed: Option<VersionDto>,
    /// Size of the camera's picture; null before the first.
    frame: Option<FrameDto>,
    pipeline: PipelineDto,
    /// Names of the machine inputs.
    inputs: Vec<String>,
    approval: ApprovalDto,
}

#[derive(Debug, Serialize, ToSchema)]
struct FrameDto {
    width_px: u32,
    height_px: u32,
}

/// Time from picture to siren, as zones are judged by.
#[derive(Debug, Serialize, ToSchema)]
struct PipelineDto {
    p99_ms: u32,
    max_ms: u32,
    /// False: nothing was measured yet, the numbers are the usual ones.
    measured: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ApprovalDto {
    SecondPerson,
    #[serde(rename = "self")]
    Author,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct VersionsDto {
    /// Newest first, at most a thousand.
    versions: Vec<VersionDto>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct VersionDto {
    number: u32,
    /// sha256 of the document; incidents name it as their zone revision.
    digest: String,
    state: VersionStateDto,
    by: String,
    at: String,
    /// Whoever saved its draft: none of them approves it.
    drawn_by: Vec<String>,
    reason: String,
    /// The version it was drawn from.
    base: Option<u32>,
    approved_by: Option<String>,
    approved_at: Option<String>,
    /// When it came into force.
    applied_at: Option<String>,
    /// Who refused or withdrew it, and why.
    closed_by: Option<String>,
    closed_at: Option<String>,
    closed_reason: Option<String>,
    source: VersionSourceDto,
    /// Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    document: Option<Json>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum VersionStateDto {
    Proposed,
    InForce,
    Replaced,
    Withdrawn,
    Refused,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum VersionSourceDto {
    File,
    Page,
    Rollback,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct DraftDto {
    by: String,
    at: String,
    /// The version it was drawn from.
    base: Option<u32>,
    #[schema(value_type = Object)]
    document: Option<Json>,
    /// sha256 of the document: names what was seen, when it is saved over or proposed.
    digest: String,
    /// What keeps it from being proposed.
    problems: Vec<FieldDto>,
    warnings: Vec<FieldDto>,
    /// From what is in force, a sentence each.
    differences: Vec<String>,
    /// Null without ground points that fit, or before the first picture.
    calibration: Option<CalibrationDto>,
    setback: Vec<SetbackDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CalibrationDto {
    residual_m: f64,
    worst_m: f64,
    per_point_m: Vec<f64>,
    heights: HeightsDto,
    /// Metre lines on the ground, frame fractions.
    grid: Vec<Vec<[f64; 2]>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HeightsDto {
    Known,
    Unknown,
}

#[derive(Debug, Serialize, ToSchema)]
struct SetbackDto {
    zone: String,
    required_m: f64,
    /// Null where it cannot be measured.
    actual_m: Option<f64>,
    /// Outlines of the required set-back, frame fractions.
    band: Vec<Vec<[f64; 2]>>,
    /// Less than required, or not known to be enough.
    tight: bool,
    text: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct DifferencesDto {
    /// A sentence each.
    pub differences: Vec<String>,
}

impl VersionsDto {
    pub fn of(versions: Vec<ZoneVersion>) -> VersionsDto {
        let bare = |version| VersionDto { document: None, ..VersionDto::from(version) };
        VersionsDto { versions: versions.into_iter().map(bare).collect() }
    }
}

impl From<CameraZones> for CameraZonesDto {
    fn from(zones: CameraZones) -> CameraZonesDto {
        CameraZonesDto {
            camera: zones.camera,
            in_force: zones.in_force.into(),
            draft: zones.draft.map(Into::into),
            proposed: zones.proposed.map(Into::into),
            frame: zones.frame_px.map(|(width_px, height_px)| FrameDto { width_px, height_px }),
            pipeline: PipelineDto {
                p99_ms: zones.pipeline.p99_ms,
                max_ms: zones.pipeline.max_ms,
                measured: zones.pipeline.measured == Measured::Yes,
            },
            inputs: zones.inputs.to_vec(),
            approval: match zones.approval {
                ApprovalRule::SecondPerson => ApprovalDto::SecondPerson,
                ApprovalRule::Anybody => ApprovalDto::Author,
            },
        }
    }
}

impl From<ZoneVersion> for VersionDto {
    fn from(version: ZoneVersion) -> VersionDto {
        let (approved, closed) = (version.approved, version.closed);
        let (closed, closed_reason) = closed.map(|closed| (closed.signed, closed.reason)).unzip();
        VersionDto {
            number: version.number,
            digest: version.digest,
            state: match version.state {
                VersionState::Proposed => VersionStateDto::Proposed,
                VersionState::InForce => VersionStateDto::InForce,
                VersionState::Replaced => VersionStateDto::Replaced,
                VersionState::Withdrawn => VersionStateDto::Withdrawn,
                VersionState::Refused => VersionStateDto::Refused,
            },
            by: version.made.by,
            at: timestamp(version.made.at),
            drawn_by: version.drawn_by,
            reason: version.reason,
            base: version.base,
            approved_at: approved.as_ref().map(|signed| timestamp(signed.at)),
            approved_by: approved.map(|signed| signed.by),
            applied_at: version.applied_at.map(timestamp),
            closed_at: closed.as_ref().map(|signed| timestamp(signed.at)),
            closed_by: closed.map(|signed| signed.by),
            closed_reason,
            source: match version.source {
                VersionSource::File => VersionSourceDto::File,
                VersionSource::Page => VersionSourceDto::Page,
                VersionSource::Rollback => VersionSourceDto::Rollback,
            },
            document: tree(&version.document),
        }
    }
}

impl From<Draft> for DraftDto {
    fn from(draft: Draft) -> DraftDto {
        let findings = draft.findings;
        DraftDto {
            by: draft.saved.by,
            at: timestamp(draft.saved.at),
            base: draft.base,
            document: tree(&draft.document),
            digest: draft.digest,
            problems: findings.problems.into_iter().map(Into::into).collect(),
            warnings: findings.warnings.into_iter().map(Into::into).collect(),
            differences: findings.differences,
            calibration: findings.calibration.map(Into::into),
            setback: findings.setbacks.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Calibration> for CalibrationDto {
    fn from(calibration: Calibration) -> CalibrationDto {
        CalibrationDto {
            residual_m: calibration.residual_m,
            worst_m: calibration.worst_m,
            per_point_m: calibration.per_point_m,
            heights: match calibration.heights {
                HeightsKnown::Yes => HeightsDto::Known,
                HeightsKnown::No => HeightsDto::Unknown,
            },
            grid: points(calibration.grid),
        }
    }
}

impl From<ZoneSetback> for SetbackDto {
    fn from(setback: ZoneSetback) -> SetbackDto {
        SetbackDto {
            zone: setback.zone,
            required_m: setback.required_m,
            actual_m: setback.actual_m,
            band: points(setback.band),
            tight: setback.fit == SetbackFit::Tight,
            text: setback.text,
        }
    }
}

fn points(lines: Vec<Vec<(f64, f64)>>) -> Vec<Vec<[f64; 2]>> {
    let line = |line: Vec<(f64, f64)>| line.into_iter().map(|(x, y)| [x, y]).collect();
    lines.into_iter().map(line).collect()
}

/// A kept document is JSON; one that other hands broke is none.
fn tree(text: &str) -> Option<Json> {
    serde_json::from_str(text).ok()
}
