//! What the API says of examples.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::guard::handle::examples::{
    BankNow, BoxBy, ExampleBox, ExampleRow, Imported, Occasion, Proposal, Thresholds, Wish,
};
use crate::web::dto::timestamp;
use crate::web::models::{CaseBoxDto, LabelDto, LabelledDto, ZoneOfDto, at_most_lost, threshold};

/// A page of examples, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ExamplesDto {
    pub examples: Vec<ExampleDto>,
    /// `before` of the next page.
    pub next: Option<u64>,
    pub room: RoomDto,
}

/// A picture in the bank.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::web) struct ExampleDto {
    id: u64,
    /// `incident`, `near_miss`, `disagreement` or `low_score`.
    occasion: &'static str,
    camera: String,
    zone: Option<ZoneOfDto>,
    at: String,
    score: Option<f32>,
    width_px: u32,
    height_px: u32,
    boxes: Vec<ExampleBoxDto>,
    label: Option<LabelDto>,
    labelled_by: Option<String>,
    labelled_at: Option<String>,
    kept_because: String,
    /// As everybody may see it.
    picture: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::web) struct ExampleBoxDto {
    #[serde(flatten)]
    at: CaseBoxDto,
    /// `model`, or `person`: labels that were brought back.
    by: &'static str,
}

/// How full the bank is.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct RoomDto {
    examples: usize,
    max: usize,
    bytes: u64,
    bytes_max: u64,
}

/// What an import did.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ImportedDto {
    /// Pictures that have labels now.
    labels: usize,
    /// Named in the file, and not in the bank.
    unknown: usize,
    /// Of the pictures, those whose labels are others than before.
    changed: usize,
}

/// Proposals for all cameras.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ThresholdsDto {
    cameras: Vec<ThresholdDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ThresholdDto {
    camera: String,
    /// In force.
    now: Option<f32>,
    /// Null: too few true incidents for any.
    proposed: Option<f32>,
    /// Above this more is lost than was wished, for sure; null where the incidents show no such score.
    too_high_from: Option<f32>,
    /// True incidents that it would have lost.
    would_lose: Option<usize>,
    /// Of so many true incidents.
    of: usize,
    /// The largest share of true incidents that it may still lose.
    at_most: Option<f64>,
    /// False ones that it would have spared, of so many.
    would_spare: Option<usize>,
    false_incidents: Option<usize>,
    /// True incidents still needed for a proposal.
    more_needed: Option<usize>,
    text: String,
}

impl From<ExampleRow> for ExampleDto {
    fn from(row: ExampleRow) -> ExampleDto {
        let said = LabelledDto::from(row.label);
        let (width_px, height_px) = row.size_px;
        ExampleDto {
            id: row.id,
            occasion: occasion_name(row.occasion),
            camera: row.camera,
            zone: row.zone.map(Into::into),
            at: timestamp(row.at),
            score: row.score,
            width_px,
            height_px,
            boxes: row.boxes.into_iter().map(Into::into).collect(),
            label: said.label,
            labelled_by: said.by,
            labelled_at: said.at,
            kept_because: row.kept_because,
            picture: format!("/api/examples/{}/picture", row.id),
        }
    }
}

impl From<ExampleBox> for ExampleBoxDto {
    fn from(of: ExampleBox) -> ExampleBoxDto {
        let by = match of.by {
            BoxBy::Model => "model",
            BoxBy::Person => "person",
        };
        ExampleBoxDto { at: of.at.into(), by }
    }
}

impl From<BankNow> for RoomDto {
    fn from(now: BankNow) -> RoomDto {
        let BankNow { examples, bytes, room } = now;
        RoomDto { examples, max: room.examples, bytes, bytes_max: room.bytes }
    }
}

impl From<Imported> for ImportedDto {
    fn from(imported: Imported) -> ImportedDto {
        let Imported { labels, unknown, changed } = imported;
        ImportedDto { labels, unknown, changed }
    }
}

impl ThresholdsDto {
    /// Of every camera that has a threshold or a proposal.
    pub fn of(found: Thresholds, wish: Wish) -> ThresholdsDto {
        let cameras: BTreeSet<&String> = found.now.keys().chain(found.proposals.keys()).collect();
        let of = |camera: &String| {
            let (now, proposal) = (found.now.get(camera).copied(), found.proposals.get(camera));
            threshold_dto(camera, now, proposal, wish)
        };
        ThresholdsDto { cameras: cameras.into_iter().map(of).collect() }
    }
}

fn threshold_dto(
    camera: &str,
    now: Option<f32>,
    proposal: Option<&Proposal>,
    wish: Wish,
) -> ThresholdDto {
    let nothing = ThresholdDto {
        camera: camera.to_owned(),
        now,
        proposed: None,
        too_high_from: None,
        would_lose: None,
        of: 0,
        at_most: None,
        would_spare: None,
        false_incidents: None,
        more_needed: None,
        text: threshold(now, proposal, wish),
    };
    match proposal {
        None => nothing,
        Some(Proposal::NotEnough { have, needed }) => ThresholdDto {
            of: *have,
            more_needed: needed.map(|needed| needed.saturating_sub(*have)),
            ..nothing
        },
        Some(Proposal::Threshold(found)) => ThresholdDto {
            proposed: Some(found.score.get()),
            too_high_from: found.too_high_from.map(|score| score.get()),
            would_lose: Some(found.lost.misses()),
            of: found.lost.of(),
            at_most: Some(at_most_lost(found.lost, wish)),
            would_spare: Some(found.spared),
            false_incidents: Some(found.false_incidents),
            ..nothing
        },
    }
}

fn occasion_name(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::Incident => "incident",
        Occasion::NearMiss => "near_miss",
        Occasion::Disagreement => "disagreement",
        Occasion::LowScore => "low_score",
    }
}

/// The occasion of a name.
pub(super) fn occasion(name: &str) -> Option<Occasion> {
    let all = [Occasion::Incident, Occasion::NearMiss, Occasion::Disagreement, Occasion::LowScore];
    all.into_iter().find(|occasion| occasion_name(*occasion) == name)
}
