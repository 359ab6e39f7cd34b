//! Evidence as it goes out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::guard::handle::{
    ClearFacts, ClipRow, EvidenceNow, EvidenceRow, HiddenFile, Hides, Pin, SnapshotFacts, Track,
};
use crate::web::dto::timestamp;

/// How much evidence there is, and what it may take.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct EvidenceStateDto {
    clips: u64,
    clip_bytes: u64,
    clip_bytes_max: u64,
    snapshots: u64,
    /// Those of clear pictures too.
    snapshot_bytes: u64,
    /// Incidents that are pinned, and the bytes of their clips. They take their room too: what nobody
    /// pinned gets the rest.
    pinned: u64,
    pinned_bytes: u64,
    /// Beginning of the oldest incident with a clip.
    oldest_at: Option<String>,
    /// Clips that should be there and are not; each says why at its incident.
    lost: u64,
    /// Clips that made room.
    removed: u64,
    days: u32,
    seconds_before: u32,
    seconds_after: u32,
}

/// What is kept of an incident besides its records.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct EvidenceDto {
    snapshot: Option<SnapshotDto>,
    /// None yet, while the incident is under way or its first clip is being written.
    clips: Vec<ClipDto>,
    pin: Option<PinDto>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct SnapshotDto {
    bytes: u64,
    /// Of pictures of older versions, none.
    sha256: Option<String>,
    /// What of people it hides: `persons`, `heads` or `off`. When that is less than what is to be
    /// hidden now, it takes a grant.
    hidden: &'static str,
    /// The clear one beside it.
    clear: Option<ClearDto>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClearClipDto)]
pub(in crate::web) struct ClearDto {
    bytes: u64,
    sha256: Option<String>,
}

/// A part of the incident's video, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ClipDto {
    part: u32,
    /// `kept`, `lost` or `removed`.
    state: &'static str,
    /// Why it is lost.
    reason: Option<String>,
    removed_at: Option<String>,
    bytes: Option<u64>,
    sha256: Option<String>,
    /// When its first and its last picture were captured.
    from: Option<String>,
    to: Option<String>,
    /// Longest time between two pictures.
    longest_gap_ms: Option<u64>,
    codec: Option<String>,
    /// The one in which nobody can be recognised, which every viewer may see.
    hidden: Option<HiddenDto>,
    /// Why there is none.
    hidden_lost: Option<String>,
    /// Whether there is one that shows people as they are; what is above is of it, else of `hidden`.
    clear: bool,
    /// Whether it is known who was seen where.
    track: bool,
}

/// A clip in which nobody can be recognised.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct HiddenDto {
    bytes: u64,
    sha256: String,
    codec: String,
}

/// Who was seen where while a clip lasted. Places are fractions of the frame, times are counted from the
/// clip's first picture.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is kept as the text that goes out; this says what stands in it")]
pub(in crate::web) struct TrackDto {
    /// When the clip's first picture was captured.
    from: String,
    /// The zone that the incident is of.
    zone: String,
    /// The camera's zones as they were in force.
    zones: Vec<TrackZoneDto>,
    frames: Vec<TrackFrameDto>,
}

#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is kept as the text that goes out; this says what stands in it")]
pub(in crate::web) struct TrackZoneDto {
    id: String,
    name: String,
    /// The outline; of a zone of several parts there is an entry each.
    polygon: Vec<[f64; 2]>,
}

#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is kept as the text that goes out; this says what stands in it")]
pub(in crate::web) struct TrackFrameDto {
    t_ms: i64,
    boxes: Vec<TrackBoxDto>,
}

#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is kept as the text that goes out; this says what stands in it")]
pub(in crate::web) struct TrackBoxDto {
    x: f64,
    y: f64,
    w: f64,
    h: f64,
    score: f64,
    /// Whether they were inside the incident's zone.
    inside: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct PinDto {
    by: String,
    at: String,
    reason: String,
}

/// Why the evidence must stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewPinDto {
    #[serde(default)]
    pub reason: String,
}

impl From<EvidenceNow> for EvidenceStateDto {
    fn from(now: EvidenceNow) -> EvidenceStateDto {
        let EvidenceNow { state, bytes_max, days, before_s, after_s } = now;
        EvidenceStateDto {
            clips: state.clips,
            clip_bytes: state.clip_bytes,
            clip_bytes_max: bytes_max,
            snapshots: state.snapshots,
            snapshot_bytes: state.snapshot_bytes,
            pinned: state.pinned,
            pinned_bytes: state.pinned_bytes,
            oldest_at: state.oldest.map(timestamp),
            lost: state.lost,
            removed: state.removed,
            days,
            seconds_before: before_s,
            seconds_after: after_s,
        }
    }
}

impl From<EvidenceRow> for EvidenceDto {
    fn from(row: EvidenceRow) -> EvidenceDto {
        EvidenceDto {
            snapshot: row.snapshot.map(Into::into),
            clips: row.clips.into_iter().map(Into::into).collect(),
            pin: row.pin.map(|Pin { by, at, reason }| PinDto { by, at: timestamp(at), reason }),
        }
    }
}

impl From<SnapshotFacts> for SnapshotDto {
    fn from(facts: SnapshotFacts) -> SnapshotDto {
        let SnapshotFacts { bytes, sha256, hides, clear } = facts;
        let clear = clear.map(|ClearFacts { bytes, sha256 }| ClearDto { bytes, sha256 });
        SnapshotDto { bytes, sha256, hidden: hides.map_or("off", Hides::as_str), clear }
    }
}

impl From<ClipRow> for ClipDto {
    fn from(row: ClipRow) -> ClipDto {
        let clear = row.clear().is_some();
        let state = match (row.file(), &row.hidden, row.removed_at) {
            (Some(_), _, _) | (None, Some(_), None) => "kept",
            (None, _, Some(_)) => "removed",
            (None, None, None) => "lost",
        };
        let ClipRow { part, kept, lost, removed_at, hidden, hidden_lost, track } = row;
        let of = kept.as_ref();
        // Of the hidden one, where the clear one's file is gone.
        let shown = hidden.as_ref().filter(|_| !clear);
        let bytes = shown.map(|it| it.bytes).or(of.map(|kept| kept.bytes));
        let sha256 = shown.map(|it| it.sha256.clone()).or(of.map(|kept| kept.sha256.clone()));
        let codec = shown.map(|it| it.codec.clone()).or(of.map(|kept| kept.codec.clone()));
        ClipDto {
            part,
            state,
            reason: lost,
            removed_at: removed_at.map(timestamp),
            bytes,
            sha256,
            from: of.map(|kept| timestamp(kept.from)),
            to: of.map(|kept| timestamp(kept.to)),
            longest_gap_ms: of.map(|kept| kept.longest_gap_ms),
            codec,
            hidden: hidden.map(Into::into),
            hidden_lost,
            clear,
            track: track == Track::Kept,
        }
    }
}

impl From<HiddenFile> for HiddenDto {
    fn from(hidden: HiddenFile) -> HiddenDto {
        HiddenDto { bytes: hidden.bytes, sha256: hidden.sha256, codec: hidden.codec }
    }
}
