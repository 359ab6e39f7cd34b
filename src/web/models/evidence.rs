//! Whether the shadow model may guard: what was compared, what that shows, what is missing.
//!
//! Figures are those that stay true whenever one looks at them, since whoever opens a page looks.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode};
use axum::middleware;
use axum::routing::{get, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::places::ask_models;
use super::refusal::{of_model, of_shadow};
use super::words::{self, Worded, share};
use crate::guard::handle::Handle;
use crate::guard::handle::gated::{Difference, Differs, Look, Place, Probability, Recall};
use crate::guard::handle::models::KeptEvidence;
use crate::guard::handle::shadowing::{
    Claim, Coverage, EvidenceFacts, Judgement, ParentFacts, RunRow, ShadowNow, ShadowState, Source,
};
use crate::web::access::{Access, Caller, Role, body};
use crate::web::dto::timestamp;
use crate::web::error::{ApiError, ErrorBody};
use crate::web::query::{Pairs, Texts};
use crate::web::{App, RouteEntry, rails};

const EVIDENCE: &str = "/api/models/evidence";

/// Largest file of a comparison: four thousand cases have a quarter of it.
pub(in crate::web) const EVIDENCE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What may be asked for: less than a hundredth of a percent takes more incidents than a site has, and
/// a model that misses half shows nothing.
const MISS: std::ops::RangeInclusive<f64> = 0.000_1..=0.5;
const CONFIDENCE: std::ops::RangeInclusive<f64> = 0.5..=0.9999;

pub(super) fn table() -> Vec<RouteEntry> {
    let viewer = Access::AtLeast(Role::Viewer);
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        ("get", EVIDENCE, viewer, get(evidence).layer(timed())),
        ("get", "/api/models/shadow", viewer, get(shadow_now).layer(timed())),
        (
            "post",
            EVIDENCE,
            Access::AtLeast(Role::Engineer),
            post(keep).layer(DefaultBodyLimit::max(EVIDENCE_BYTES_MAX)).layer(timed()),
        ),
    ]
}

/// Whether a request brings what was compared on recordings, which may be much.
pub(in crate::web) fn is_evidence(method: &Method, path: &str) -> bool {
    *method == Method::POST && path == EVIDENCE
}

/// All that is known of the candidate against the active model.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ModelEvidenceDto {
    /// sha256 over the facts: what whoever promotes the model has seen.
    digest: String,
    active: String,
    shadow: Option<String>,
    /// What is asked for: so small a share of misses, with so much confidence.
    miss: f64,
    confidence: f64,
    /// `refused`, `not_enough` or `may_be_approved`.
    judgement: &'static str,
    reasons: Vec<FindingDto>,
    needed: Vec<FindingDto>,
    warnings: Vec<FindingDto>,
    claims: Vec<ClaimDto>,
    runs: Vec<RunDto>,
    quantization: Option<QuantizationDto>,
}

/// Something that the gate found.
#[derive(Debug, Serialize, ToSchema)]
struct FindingDto {
    #[schema(example = "lost_incident")]
    code: &'static str,
    /// A sentence for people, with numbers and units.
    text: String,
    run: Option<u64>,
    /// The first of `cases`.
    case: Option<u64>,
    cases: Vec<u64>,
    /// How many more are needed, where that is a number.
    more: Option<usize>,
}

/// A claim that is shown.
#[derive(Debug, Serialize, ToSchema)]
struct ClaimDto {
    text: String,
    /// The largest share of misses that is still possible.
    at_most: f64,
    misses: usize,
    of: usize,
    /// `live` or `corpus`.
    source: &'static str,
    run: Option<u64>,
}

/// Both models over the same pictures.
#[derive(Debug, Serialize, ToSchema)]
struct RunDto {
    id: u64,
    /// `live`: this site's cameras; `corpus`: recordings.
    source: &'static str,
    began: String,
    /// Null: it goes on.
    ended: Option<String>,
    name: String,
    coverage: CoverageDto,
    tally: TallyDto,
    true_incidents: usize,
    missed: usize,
    /// The largest share of misses that is still possible.
    at_most: Option<f64>,
    /// True incidents still needed for the claim if none of them is missed; null: more than a million.
    more_needed: Option<usize>,
    mcnemar: McNemarDto,
    frames: FramesDto,
    latency_ms: CompareLatencyDto,
}

/// Pictures that the shadow model saw, of those the active one saw.
#[derive(Debug, Serialize, ToSchema)]
struct CoverageDto {
    seen: u64,
    of: u64,
    /// Null before the first picture.
    percent: Option<f64>,
}

/// Cases by who told them.
#[derive(Debug, Serialize, ToSchema)]
struct TallyDto {
    both: usize,
    active_only: usize,
    shadow_only: usize,
    labelled: usize,
    /// Differences that nobody has labelled.
    to_label: usize,
}

/// Whether one finds more than the other: true incidents that only one told.
#[derive(Debug, Serialize, ToSchema)]
struct McNemarDto {
    active_only: usize,
    shadow_only: usize,
    /// How probable so large a difference is if they find equally much.
    p: f64,
}

/// How much the two agree picture by picture.
#[derive(Debug, Serialize, ToSchema)]
struct FramesDto {
    looked: u64,
    matched_boxes: u64,
    active_only_boxes: u64,
    shadow_only_boxes: u64,
    /// Matched of all boxes; null where there was none.
    agreement: Option<f64>,
    /// Null where no box was found by both.
    score_shift: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CompareLatencyDto {
    active_p50: Option<f64>,
    active_p99: Option<f64>,
    shadow_p50: Option<f64>,
    shadow_p99: Option<f64>,
}

/// An INT8 model against its FP32 parent.
#[derive(Debug, Serialize, ToSchema)]
struct QuantizationDto {
    /// sha256 of the manifests of what it was held against.
    parents: Vec<String>,
    /// `accepted`, `refused` or `not_enough`.
    outcome: &'static str,
    /// Points of recall lost in the worst zone; null where nobody was ever inside.
    lost_points: Option<f64>,
    text: String,
    zones: Vec<RecallDto>,
    /// The first pictures that differ, lost people before all others.
    pictures: Vec<DiffersDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RecallDto {
    camera: String,
    zone: String,
    /// Pictures with somebody inside.
    demanded: usize,
    parent_found: usize,
    quantized_found: usize,
    lost_points: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DiffersDto {
    clip: String,
    picture: u64,
    camera: String,
    zone: String,
    /// `lost`, `won`, `ghost` or `ghost_gone`.
    how: &'static str,
}

/// How the shadow process does.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ShadowNowDto {
    /// `off`, `starting`, `watching`, `resting` or `gave_up`.
    state: &'static str,
    text: String,
    restarts: u32,
    coverage: CoverageDto,
    skipped_because: Option<String>,
    run: Option<u64>,
}

/// May the shadow model guard?
#[utoipa::path(
    get,
    path = "/api/models/evidence",
    params(
        ("miss" = Option<f64>, Query, minimum = 0.0001, maximum = 0.5, description = "Share of misses that is to be excluded; unless told what this box asks for (`models.miss_max_percent`)"),
        ("confidence" = Option<f64>, Query, minimum = 0.5, maximum = 0.9999, description = "What this box asks for unless told"),
    ),
    responses(
        (status = 200, body = ModelEvidenceDto),
        (status = 404, description = "`no_candidate`: nothing was compared", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn evidence(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<ModelEvidenceDto>, ApiError> {
    let texts = Texts::parse(pairs, &["miss", "confidence"])?;
    let (miss, confidence) = wished(&texts)?;
    let asked = move |handle: &dyn Handle| {
        let asks = handle.model_desk().asks();
        let claim = Claim {
            miss_rate: miss.unwrap_or(asks.miss_rate),
            confidence: confidence.unwrap_or(asks.confidence),
            look: Look::Any,
        };
        handle.shadow_desk().evidence(claim)
    };
    let facts = ask_models(&app, asked).await?;
    Ok(Json(facts.map_err(of_shadow)?.into()))
}

/// What was kept: one of the two.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct KeptRunDto {
    /// The number of the comparison, as a run of this box.
    run: Option<u64>,
    /// Of how many recordings it is known now what the quantized model sees beside its parent.
    parent_check: Option<usize>,
}

/// Takes in what was found on recordings: the body is a file of `standclear model compare --keep` or of
/// `check-quantization --keep`. The gate judges by it from then on.
#[utoipa::path(
    post,
    path = "/api/models/evidence",
    request_body(content = String, content_type = "application/json", description = "At most 16 MB"),
    responses(
        (status = 201, body = KeptRunDto),
        (status = 409, description = "`other_models`: it is of others than what guards and an installed package; `known`: a recording is there already; `full`, `not_kept`", body = ErrorBody),
        (status = 413, description = "`too_large`", body = ErrorBody),
        (status = 422, description = "`bad_evidence`, `too_few_pictures`", body = ErrorBody),
        (status = 503, description = "`busy`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn keep(
    State(app): State<App>,
    caller: Caller,
    sent: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<KeptRunDto>), ApiError> {
    let json = body::whole(sent, EVIDENCE_BYTES_MAX)?;
    let kept =
        ask_models(&app, move |handle| handle.model_desk().keep_evidence(&json, &caller.name));
    let (run, parent_check) = match kept.await?.map_err(of_model)? {
        KeptEvidence::Run(run) => (Some(run), None),
        KeptEvidence::ParentCheck { recordings } => (None, Some(recordings)),
    };
    Ok((StatusCode::CREATED, Json(KeptRunDto { run, parent_check })))
}

/// How the shadow process does.
#[utoipa::path(
    get,
    path = "/api/models/shadow",
    responses(
        (status = 200, body = ShadowNowDto),
        (status = 503, description = "`busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn shadow_now(State(app): State<App>) -> Result<Json<ShadowNowDto>, ApiError> {
    let now = ask_models(&app, |handle| handle.shadow_desk().shadow_now()).await?;
    Ok(Json(now.into()))
}

/// `miss` and `confidence` of a query.
pub(in crate::web) fn wished(
    texts: &Texts,
) -> Result<(Option<Probability>, Option<Probability>), ApiError> {
    let range = |range: std::ops::RangeInclusive<f64>| {
        let right = format!("a number from {} to {}", range.start(), range.end());
        (move || right, move |text: &str| words::probability(text, &range))
    };
    let (right, parse) = range(MISS);
    let miss = texts.parsed("miss", right, parse)?;
    let (right, parse) = range(CONFIDENCE);
    Ok((miss, texts.parsed("confidence", right, parse)?))
}

impl From<EvidenceFacts> for ModelEvidenceDto {
    fn from(facts: EvidenceFacts) -> ModelEvidenceDto {
        let (mut reasons, mut needed) = (Vec::new(), Vec::new());
        let (mut warnings, mut claims) = (Vec::new(), Vec::new());
        let judgement = match &facts.judgement {
            Judgement::Refused { reasons: found } => {
                reasons.extend(found.iter().map(|it| words::reason(&facts, it).into()));
                "refused"
            }
            Judgement::NotEnough { needed: found } => {
                needed.extend(found.iter().map(|it| words::needed(&facts, it).into()));
                "not_enough"
            }
            Judgement::MayBeApproved { claims: shown, warnings: found } => {
                warnings.extend(found.iter().map(|it| words::warning(&facts, it).into()));
                claims.extend(shown.iter().map(|it| ClaimDto {
                    text: words::claim(&facts, it),
                    at_most: it.at_most,
                    misses: it.tally.misses(),
                    of: it.tally.of(),
                    source: source(it.source),
                    run: facts.runs.get(it.run).map(|run| run.id),
                }));
                "may_be_approved"
            }
        };
        ModelEvidenceDto {
            digest: facts.digest,
            active: facts.active.to_string(),
            shadow: facts.shadow.map(|slot| slot.to_string()),
            miss: facts.claim.miss_rate.get(),
            confidence: facts.claim.confidence.get(),
            judgement,
            reasons,
            needed,
            warnings,
            claims,
            runs: facts.runs.into_iter().map(Into::into).collect(),
            quantization: facts.quantization.as_ref().map(quantization),
        }
    }
}

impl From<Worded> for FindingDto {
    fn from(worded: Worded) -> FindingDto {
        let Worded { code, text, run, cases, more } = worded;
        FindingDto { code, text, run, case: cases.first().copied(), cases, more }
    }
}

impl From<RunRow> for RunDto {
    fn from(row: RunRow) -> RunDto {
        let RunRow { figures, frames, latency, discordant, .. } = row;
        let labelled = figures.cases.iter().filter(|((_, label), _)| label.is_some());
        let boxes = frames.matched + frames.active_only + frames.shadow_only;
        RunDto {
            id: row.id,
            source: source(row.source),
            began: timestamp(row.began),
            ended: row.ended.map(timestamp),
            name: row.name,
            coverage: row.coverage.into(),
            tally: TallyDto {
                both: row.both,
                active_only: discordant.active_only,
                shadow_only: discordant.shadow_only,
                labelled: labelled.map(|(_, count)| count).sum(),
                to_label: figures.unlabelled.len(),
            },
            true_incidents: figures.all.of(),
            missed: figures.all.misses(),
            at_most: figures.at_most,
            more_needed: figures.more_needed,
            mcnemar: McNemarDto {
                active_only: figures.found.active_only,
                shadow_only: figures.found.shadow_only,
                p: figures.found.p_differs(),
            },
            frames: FramesDto {
                looked: frames.looked,
                matched_boxes: frames.matched,
                active_only_boxes: frames.active_only,
                shadow_only_boxes: frames.shadow_only,
                agreement: share(frames.matched, boxes),
                score_shift: (frames.matched > 0).then_some(frames.score_shift),
            },
            latency_ms: CompareLatencyDto {
                active_p50: latency.active_p50_ms,
                active_p99: latency.active_p99_ms,
                shadow_p50: latency.shadow_p50_ms,
                shadow_p99: latency.shadow_p99_ms,
            },
        }
    }
}

impl From<Coverage> for CoverageDto {
    fn from(coverage: Coverage) -> CoverageDto {
        let Coverage { seen, of } = coverage;
        // To a hundredth.
        let percent = share(seen, of).map(|share| (share * 10_000.0).floor() / 100.0);
        CoverageDto { seen, of, percent }
    }
}

impl From<ShadowNow> for ShadowNowDto {
    fn from(now: ShadowNow) -> ShadowNowDto {
        ShadowNowDto {
            state: match now.state {
                ShadowState::Off => "off",
                ShadowState::Starting => "starting",
                ShadowState::Watching => "watching",
                ShadowState::Resting => "resting",
                ShadowState::GaveUp => "gave_up",
            },
            text: now.text,
            restarts: now.restarts,
            coverage: now.coverage.into(),
            skipped_because: now.skipped_because,
            run: now.run,
        }
    }
}

fn quantization(ParentFacts { checked, parents }: &ParentFacts) -> QuantizationDto {
    let (outcome, text) = words::quantization(checked);
    let zone = |(Place { camera, zone }, recall): (&Place, &Recall)| RecallDto {
        camera: camera.clone(),
        zone: zone.clone(),
        demanded: recall.demanded,
        parent_found: recall.parent_found,
        quantized_found: recall.quantized_found,
        lost_points: recall.lost_points().map(hundredths),
    };
    let picture = |differs: &Differs| DiffersDto {
        clip: differs.clip.clone(),
        picture: differs.picture,
        camera: differs.place.camera.clone(),
        zone: differs.place.zone.clone(),
        how: match differs.how {
            Difference::Lost => "lost",
            Difference::Won => "won",
            Difference::Ghost => "ghost",
            Difference::GhostGone => "ghost_gone",
        },
    };
    QuantizationDto {
        parents: parents.clone(),
        outcome,
        lost_points: words::lost_points(checked).map(hundredths),
        text,
        zones: checked.zones.iter().map(zone).collect(),
        pictures: checked.differ.iter().map(picture).collect(),
    }
}

/// Two digits behind the point.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Live => "live",
        Source::Corpus => "corpus",
    }
}
