//! What the API says, field by field as in `docs/reference/api.md`. These are the only types of the
//! project that are serialized for others; a change here is a change of a public promise.
//!
//! Times are ISO 8601 in UTC with milliseconds, spans milliseconds (`_ms`), coordinates frame
//! fractions (0..=1, origin top left, y down) unless a name ends in `_px`.
//!
//! Not here: any judgement. An index that leads nowhere becomes `null`, not a panic.

mod convert;
mod holds;
mod inputs;

pub(super) use self::convert::timestamp;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) use self::holds::HoldDto;
use self::holds::InhibitionDto;
use self::inputs::{ArmingDto, InputDto};
use super::handheld_admin::dto::{DeliveryDto, ListeningDto};
use super::incidents::JudgementDto;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StateDto {
    site: SiteDto,
    now: String,
    uptime_ms: u64,
    vision: VisionDto,
    model: Option<ModelDto>,
    siren: SirenDto,
    store: StoreDto,
    latency: LatencyDto,
    cameras: Vec<CameraDto>,
    zones: Vec<ZoneDto>,
    /// Machine inputs, in the order of the configuration.
    inputs: Vec<InputDto>,
    /// Whether alarms reach anybody.
    handhelds: ListeningDto,
    /// Everything not normal, most urgent first.
    alarms: Vec<AlarmDto>,
    /// What people keep quiet: alarms on the shelf, zones out of service.
    holds: Vec<HoldDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SiteDto {
    name: String,
    /// IANA name.
    time_zone: String,
    version: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct VisionDto {
    state: VisionStateDto,
    detail: String,
    restarts: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum VisionStateDto {
    Starting,
    Watching,
    Restarting,
}

#[derive(Debug, Serialize, ToSchema)]
struct ModelDto {
    name: String,
    version: String,
    /// sha256 of the model file, hex.
    digest: String,
    provider: String,
    runtime: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct SirenDto {
    state: SirenStateDto,
    /// Id of the zone it sounds for.
    zone: Option<String>,
    device: String,
    /// Why it cannot sound, for people.
    fault: Option<String>,
    /// When the first of what was silenced sounds again; null when nothing is.
    silenced_until: Option<String>,
    /// Who silenced it.
    silenced_by: Option<String>,
    /// It sounds, but somebody has to look after it: why, for people.
    attention: Option<String>,
    /// The newest of its tests since the start.
    last_test: Option<SirenTestDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SirenTestDto {
    at: String,
    passed: bool,
    /// Whether people could hear it.
    audible: bool,
    /// Why it failed, for people.
    detail: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SirenStateDto {
    Silent,
    Intrusion,
    Warning,
    Fault,
    Broken,
}

#[derive(Debug, Serialize, ToSchema)]
struct StoreDto {
    /// Why it cannot keep anything, for people.
    fault: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LatencyDto {
    capture_to_siren_p99_ms: Option<u32>,
    capture_to_siren_max_ms: Option<u32>,
    alarms: u32,
}

#[derive(Debug, Serialize, ToSchema)]
struct CameraDto {
    id: String,
    name: String,
    state: CameraStateDto,
    /// For people, when unknown.
    reason: Option<String>,
    since: String,
    width_px: Option<u32>,
    height_px: Option<u32>,
    fps: f64,
    frame_age_ms: Option<u64>,
    /// What is not looked at closer for lack of time, for people.
    detail_cut: Option<String>,
    people: u32,
    /// Number of the zone version that is in force.
    zones_version: u32,
    /// Why that is not the one that was meant, for people.
    zones_fault: Option<String>,
    source: CameraSourceDto,
    /// What of its picture is black for everybody; people are looked for there all the same.
    privacy_masks: Vec<MaskDto>,
    /// The gravest of what is wrong with its view: `moved`.
    view_trouble: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MaskDto {
    id: String,
    name: String,
    /// GeoJSON MultiPolygon coordinates, frame fractions.
    polygons: Vec<Vec<Vec<[f64; 2]>>>,
}

/// How a camera's pictures come. All but the address is null before the first picture.
#[derive(Debug, Serialize, ToSchema)]
struct CameraSourceDto {
    /// Without user, password and path.
    address: String,
    /// GStreamer's name; null also where nothing is encoded.
    decoder: Option<String>,
    /// Null also where packets are none of the source's.
    transport: Option<TransportDto>,
    clock: Option<CaptureClockDto>,
    /// Why the camera's own clock is not believed, for people.
    clock_refused: Option<String>,
    /// Why a better decoder is not taken, for people.
    decoder_failed: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TransportDto {
    Tcp,
    Udp,
}

/// What the age of a picture rests on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CaptureClockDto {
    SenderReport,
    Arrival,
    Pipeline,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CameraStateDto {
    Watched,
    Unknown,
}

#[derive(Debug, Serialize, ToSchema)]
struct ZoneDto {
    id: String,
    name: String,
    camera: Option<String>,
    kind: String,
    state: ZoneStateDto,
    /// For people, when unknown.
    reason: Option<String>,
    since: String,
    people: u32,
    incident: Option<u64>,
    arming: ArmingDto,
    /// Why nobody is told of what happens in it.
    inhibition: InhibitionDto,
    /// Null for an ignored area, and until it is known.
    walk_test: Option<WalkDueDto>,
    /// GeoJSON MultiPolygon coordinates: polygon, ring, point. Empty for a tripwire.
    polygons: Vec<Vec<Vec<[f64; 2]>>>,
    /// Points of a tripwire.
    line: Option<Vec<[f64; 2]>>,
}

/// How the walk test of a zone stands.
#[derive(Debug, Serialize, ToSchema)]
struct WalkDueDto {
    state: WalkDueStateDto,
    /// Null: never passed as it is now, or no test is required.
    due_at: Option<String>,
    /// The newest that was finished, of whatever the zone was then.
    last: Option<LastWalkDto>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WalkDueStateDto {
    Valid,
    Overdue,
}

#[derive(Debug, Serialize, ToSchema)]
struct LastWalkDto {
    id: u64,
    at: String,
    /// `passed`, `failed` or `incomplete`.
    result: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ZoneStateDto {
    Clear,
    Occupied,
    Unknown,
}

#[derive(Debug, Serialize, ToSchema)]
struct AlarmDto {
    id: u64,
    kind: AlarmKindDto,
    priority: PriorityDto,
    state: AlarmStateDto,
    /// Rises with every change of the alarm and every further person.
    version: u64,
    /// The version at which it last wanted an answer.
    renewed: u64,
    /// A person paused its sound until then.
    silenced_until: Option<String>,
    zone: Option<String>,
    camera: Option<String>,
    part: Option<PartDto>,
    title: String,
    text: String,
    raised_at: String,
    changed_at: String,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<String>,
    incident: Option<u64>,
    /// Whether `/api/incidents/{incident}/snapshot.jpg` has a picture.
    snapshot: bool,
    ladder: Vec<StepDto>,
    /// What became of it on each handheld it was sent to.
    delivery: Vec<DeliveryDto>,
    stages: Vec<StageDto>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AlarmKindDto {
    Intrusion,
    Warning,
    Blind,
    Fault,
    Untested,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PriorityDto {
    Emergency,
    High,
    Fault,
    Low,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AlarmStateDto {
    Normal,
    Unacknowledged,
    Acknowledged,
    ReturnedUnacknowledged,
    LatchedUnacknowledged,
    LatchedAcknowledged,
    Shelved,
    OutOfService,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PartDto {
    Siren,
    Store,
    Relay,
    Handhelds,
    Detector,
}

#[derive(Debug, Serialize, ToSchema)]
struct StepDto {
    step: &'static str,
    /// Milliseconds after the camera's frame.
    after_ms: u32,
    /// On whose handheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StageDto {
    stage: &'static str,
    ms: f64,
}

/// Header of a live picture.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PictureDto {
    frame: u64,
    captured_at: String,
    age_ms: u64,
    width_px: u32,
    height_px: u32,
    people: Vec<PersonDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PersonDto {
    track: Option<u64>,
    /// Left, top, width, height.
    #[serde(rename = "box")]
    bounds: [f64; 4],
    foot: [f64; 2],
    score: f32,
    verdict: VerdictDto,
    /// What the anchor point rests on.
    anchor: AnchorDto,
    /// Metres on the ground, where the camera is calibrated.
    ground_m: Option<[f64; 2]>,
    speed_m_s: Option<f64>,
    /// Ids of the zones the person is in.
    inside: Vec<String>,
}

/// Whether a detection counts as somebody entering.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum VerdictDto {
    Person,
    TooSmall,
    Marked,
    Ignored,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AnchorDto {
    Box,
    Head,
    Conservative,
}

/// Nothing is to be said.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct EmptyDto {}

/// Whoever is signed in answers the alarm.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcknowledgeDto {
    /// The alarm's `version` that the person saw.
    #[serde(default)]
    pub seen: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AcknowledgedDto {
    pub id: u64,
    pub state: AlarmStateDto,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IncidentsDto {
    /// Newest first.
    pub incidents: Vec<IncidentDto>,
    /// What people judged them to be, where anybody has.
    pub verdicts: Vec<JudgementDto>,
    /// Whether there are further ones below the last number.
    pub more: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IncidentDto {
    id: u64,
    zone: String,
    zone_name: String,
    camera: String,
    started_at: String,
    ended_at: Option<String>,
    entries: u32,
    score: f32,
    model_digest: String,
    zone_revision: String,
    snapshot: bool,
    /// Parts of its video that are there, the first first.
    clips: Vec<u32>,
    /// Why there is no video of it and none will come; null where there is some, or it is still to come.
    no_video: Option<String>,
    pinned: bool,
    siren_after_ms: Option<u32>,
    acknowledged_by: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HistoryDto {
    from: String,
    to: String,
    zones: Vec<ZoneHistoryDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ZoneHistoryDto {
    id: String,
    /// Oldest first; a span may begin before `from`.
    spans: Vec<SpanDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SpanDto {
    state: SpanStateDto,
    from: String,
    /// Null while it goes on.
    to: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SpanStateDto {
    Occupied,
    Unknown,
    /// Before the zone, or the box, was there at all.
    NoRecord,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HealthDto {
    pub status: HealthStatusDto,
    /// What is wrong, for people; absent when nothing is, and for whoever is not signed in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum HealthStatusDto {
    Ok,
    /// The box guards, and somebody beyond it is not told.
    Degraded,
    Fault,
}
