//! What the API says of models.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::guard::handle::models::{
    ActiveModel, CarriedModel, EndReason, Fault, GoldenLook, InstalledModel, May, ModelFaultKind,
    ModelHistoryRow, ModelRole, ModelRow, ModelsNow, Possible, ReviewStep, Stage, Taking,
    TakingFrom, TakingState, TrialNow,
};
use crate::web::dto::timestamp;

/// Everything there is to show of the box's models.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ModelsDto {
    active: ActiveModelDto,
    /// What came with the program first.
    models: Vec<ModelRowDto>,
    /// Nothing of a lower release comes in.
    floor: u64,
    trial: Option<TrialDto>,
    /// What a rollback puts back.
    previous: Option<String>,
    /// The newest last.
    rejected: Vec<RejectedDto>,
    /// The package that is being taken in.
    taking: Option<TakingDto>,
    may: PossibleDto,
    asks: AsksDto,
    /// Of the candidate: it is not promoted while there is one.
    reviews_open: u32,
    fault: Option<ModelFaultDto>,
}

/// What the evidence has to show before a model may be promoted here.
#[derive(Debug, Serialize, ToSchema)]
struct AsksDto {
    /// Less than this share of true incidents missed.
    miss: f64,
    confidence: f64,
}

/// What guards.
#[derive(Debug, Serialize, ToSchema)]
struct ActiveModelDto {
    /// Null: no model does, and every zone is UNKNOWN.
    #[schema(example = "shipped")]
    slot: Option<String>,
    since: Option<String>,
    on_trial: bool,
    /// What came earlier in the order and could not be loaded.
    passed_over: Vec<PassedOverDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PassedOverDto {
    slot: String,
    reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct ModelRowDto {
    #[schema(example = "shipped")]
    slot: String,
    /// Null for what came with the program.
    digest: Option<String>,
    name: String,
    version: String,
    release: u64,
    /// Of `active`, `committed`, `previous`, `candidate`, `trial`, `shadow`, `shipped`.
    roles: Vec<&'static str>,
    /// Of the candidate: `staged`, `verified`, `shadowing`, `approved` or `probation`.
    stage: Option<&'static str>,
    installed_at: Option<String>,
    installed_by: Option<String>,
    signed_by: Vec<String>,
    bytes: u64,
    licence: Option<String>,
    decoder: Option<String>,
    guards_since: Option<String>,
    /// What is wrong with its files.
    damaged: Option<String>,
}

/// A model that guards, and may be taken back at any moment.
#[derive(Debug, Serialize, ToSchema)]
struct TrialDto {
    digest: String,
    approved_by: String,
    started: String,
    deadline: String,
    attempts_left: u8,
    attempts: u8,
    frames: u64,
    frames_min: u64,
    run_s: u64,
    run_min_s: u64,
    p99_ms: Option<f64>,
    budget_ms: f64,
    reviews_open: u32,
    /// `not_yet`, `asked` or `passed`.
    golden: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct RejectedDto {
    digest: String,
    #[schema(example = "golden_failed")]
    reason: &'static str,
    text: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct TakingDto {
    /// `upload`, `url` or `folder`.
    from: &'static str,
    name: String,
    bytes: u64,
    of: Option<u64>,
    /// `taking` or `verifying`.
    state: &'static str,
}

/// What can be done now.
#[derive(Debug, Serialize, ToSchema)]
struct PossibleDto {
    install: MayDto,
    shadow: MayDto,
    promote: MayDto,
    rollback: MayBackDto,
    discard: MayDto,
}

#[derive(Debug, Serialize, ToSchema)]
struct MayDto {
    allowed: bool,
    /// Why not.
    why: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MayBackDto {
    allowed: bool,
    why: Option<String>,
    /// What guards then.
    to: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ModelFaultDto {
    /// `ledger_older`, `ledger_lost`, `not_kept` or `passed_over`.
    code: &'static str,
    text: String,
}

/// What was installed.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct InstalledModelDto {
    digest: String,
    name: String,
    version: String,
    release: u64,
}

/// Packages in the folders that they are carried to the box in.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct CarriedModelsDto {
    pub folders: Vec<String>,
    pub packages: Vec<CarriedModelDto>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct CarriedModelDto {
    /// Names it until the folders are looked at again.
    id: String,
    file: String,
    folder: String,
    bytes: u64,
    /// Null, with the three below, where it has a problem.
    name: Option<String>,
    version: Option<String>,
    release: Option<u64>,
    digest: Option<String>,
    problem: Option<ProblemDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ProblemDto {
    /// As a refusal of `POST /api/models` has it.
    code: &'static str,
    text: String,
}

/// What happened to models, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ModelHistoryDto {
    pub events: Vec<ModelEventDto>,
    /// `before` of the next page.
    pub next: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ModelEventDto {
    id: u64,
    at: String,
    #[schema(example = "committed")]
    kind: String,
    slot: Option<String>,
    release: Option<u64>,
    /// A person's name, or `box`.
    by: String,
    text: String,
}

/// Where a package is to be fetched from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct FetchDto {
    pub url: String,
}

/// The approval of a named person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct PromoteDto {
    /// `digest` of the evidence that was seen.
    pub evidence: String,
    /// The model's name, typed again.
    pub confirm: String,
}

/// Why it is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct WhyDto {
    #[serde(default)]
    pub reason: String,
}

/// What people do about a model on probation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ReviewDto {
    pub action: ReviewActionDto,
    #[serde(default)]
    pub reason: String,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum ReviewActionDto {
    Open,
    Dismiss,
    Confirm,
}

impl From<ModelsNow> for ModelsDto {
    fn from(now: ModelsNow) -> ModelsDto {
        let on_trial = now.trial.as_ref().map(|trial| trial.digest);
        let active = now.active.slot.and_then(|slot| slot.digest());
        ModelsDto {
            active: active_dto(now.active, on_trial.is_some() && on_trial == active),
            models: now.models.into_iter().map(Into::into).collect(),
            floor: now.floor,
            trial: now.trial.map(Into::into),
            previous: now.previous.map(|slot| slot.to_string()),
            rejected: now
                .rejected
                .into_iter()
                .map(|(digest, reason)| RejectedDto {
                    digest: digest.to_string(),
                    reason: reason_code(reason),
                    text: reason.to_string(),
                })
                .collect(),
            taking: now.taking.map(Into::into),
            may: now.may.into(),
            asks: AsksDto { miss: now.asks.miss_rate.get(), confidence: now.asks.confidence.get() },
            reviews_open: now.reviews_open,
            fault: now.fault.map(|fault| ModelFaultDto {
                code: match fault.kind {
                    ModelFaultKind::LedgerOlder => "ledger_older",
                    ModelFaultKind::LedgerLost => "ledger_lost",
                    ModelFaultKind::NotKept => "not_kept",
                    ModelFaultKind::PassedOver => "passed_over",
                },
                text: fault.text,
            }),
        }
    }
}

fn active_dto(active: ActiveModel, on_trial: bool) -> ActiveModelDto {
    let passed_over = active.passed_over.into_iter();
    let passed_over =
        passed_over.map(|(slot, reason)| PassedOverDto { slot: slot.to_string(), reason });
    ActiveModelDto {
        slot: active.slot.map(|slot| slot.to_string()),
        since: active.since.map(timestamp),
        on_trial,
        passed_over: passed_over.collect(),
    }
}

impl From<ModelRow> for ModelRowDto {
    fn from(row: ModelRow) -> ModelRowDto {
        ModelRowDto {
            slot: row.slot.to_string(),
            digest: row.slot.digest().map(|digest| digest.to_string()),
            name: row.name,
            version: row.version,
            release: row.release,
            roles: row.roles.into_iter().map(role).collect(),
            stage: row.stage.as_ref().and_then(stage),
            installed_at: row.installed_at.map(timestamp),
            installed_by: row.installed_by,
            signed_by: row.signed_by,
            bytes: row.bytes,
            licence: row.licence,
            decoder: row.decoder,
            guards_since: row.guards_since.map(timestamp),
            damaged: row.damaged,
        }
    }
}

impl From<TrialNow> for TrialDto {
    fn from(trial: TrialNow) -> TrialDto {
        TrialDto {
            digest: trial.digest.to_string(),
            approved_by: trial.approved_by.as_str().to_owned(),
            started: timestamp(trial.started),
            deadline: timestamp(trial.deadline),
            attempts_left: trial.attempts_left,
            attempts: trial.attempts,
            frames: trial.frames,
            frames_min: trial.frames_min,
            run_s: trial.run.as_secs(),
            run_min_s: trial.run_min.as_secs(),
            p99_ms: trial.p99.map(ms),
            budget_ms: ms(trial.budget),
            reviews_open: trial.reviews_open,
            golden: match trial.golden {
                GoldenLook::NotYet => "not_yet",
                GoldenLook::Asked => "asked",
                GoldenLook::Passed => "passed",
            },
        }
    }
}

impl From<Taking> for TakingDto {
    fn from(taking: Taking) -> TakingDto {
        TakingDto {
            from: match taking.from {
                TakingFrom::Upload => "upload",
                TakingFrom::Url => "url",
                TakingFrom::Folder => "folder",
            },
            name: taking.name,
            bytes: taking.bytes,
            of: taking.of,
            state: match taking.state {
                TakingState::Taking => "taking",
                TakingState::Verifying => "verifying",
            },
        }
    }
}

impl From<Possible> for PossibleDto {
    fn from(may: Possible) -> PossibleDto {
        let MayDto { allowed, why } = may_dto(may.rollback);
        let to = may.rollback_to.map(|slot| slot.to_string());
        PossibleDto {
            install: may_dto(may.install),
            shadow: may_dto(may.shadow),
            promote: may_dto(may.promote),
            rollback: MayBackDto { allowed, why, to },
            discard: may_dto(may.discard),
        }
    }
}

fn may_dto(may: May) -> MayDto {
    match may {
        May::Yes => MayDto { allowed: true, why: None },
        May::No { why } => MayDto { allowed: false, why: Some(why) },
    }
}

impl From<InstalledModel> for InstalledModelDto {
    fn from(model: InstalledModel) -> InstalledModelDto {
        let InstalledModel { digest, name, version, release } = model;
        InstalledModelDto { digest: digest.to_string(), name, version, release }
    }
}

impl From<CarriedModel> for CarriedModelDto {
    fn from(carried: CarriedModel) -> CarriedModelDto {
        let CarriedModel { id, file, folder, bytes, contents } = carried;
        let (model, problem) = match contents {
            Ok(model) => (Some(model), None),
            Err((code, text)) => (None, Some(ProblemDto { code, text })),
        };
        CarriedModelDto {
            id,
            file,
            folder,
            bytes,
            version: model.as_ref().map(|model| model.version.clone()),
            release: model.as_ref().map(|model| model.release),
            digest: model.as_ref().map(|model| model.digest.to_string()),
            name: model.map(|model| model.name),
            problem,
        }
    }
}

impl From<ModelHistoryRow> for ModelEventDto {
    fn from(row: ModelHistoryRow) -> ModelEventDto {
        let ModelHistoryRow { id, at, kind, slot, release, by, text } = row;
        ModelEventDto { id, at: timestamp(at), kind, slot, release, by, text }
    }
}

impl From<ReviewActionDto> for ReviewStep {
    fn from(action: ReviewActionDto) -> ReviewStep {
        match action {
            ReviewActionDto::Open => ReviewStep::Open,
            ReviewActionDto::Dismiss => ReviewStep::Dismiss,
            ReviewActionDto::Confirm => ReviewStep::Confirm,
        }
    }
}

fn role(role: ModelRole) -> &'static str {
    match role {
        ModelRole::Active => "active",
        ModelRole::Committed => "committed",
        ModelRole::Previous => "previous",
        ModelRole::Candidate => "candidate",
        ModelRole::Trial => "trial",
        ModelRole::Shadow => "shadow",
        ModelRole::Shipped => "shipped",
    }
}

/// How far a candidate is; one that is none any more is nowhere.
fn stage(stage: &Stage) -> Option<&'static str> {
    match stage {
        Stage::Staged => Some("staged"),
        Stage::Verified => Some("verified"),
        Stage::Shadowing => Some("shadowing"),
        Stage::Approved { .. } => Some("approved"),
        Stage::Probation => Some("probation"),
        Stage::Committed | Stage::Rejected { .. } | Stage::RolledBack { .. } => None,
    }
}

/// As the ledger writes it.
fn reason_code(reason: EndReason) -> &'static str {
    let fault = match reason {
        EndReason::Operator => return "operator",
        EndReason::Fault(fault) => fault,
    };
    match fault {
        Fault::Error => "error",
        Fault::Killed => "killed",
        Fault::Hung => "hung",
        Fault::Latency => "latency",
        Fault::GoldenFailed => "golden_failed",
        Fault::CrashLoop => "crash_loop",
        Fault::ReviewOpened => "review_opened",
        Fault::ReviewConfirmed => "review_confirmed",
        Fault::DiskFull => "disk_full",
        Fault::ReadOnly => "read_only",
        Fault::TornFile => "torn_file",
        Fault::FlippedBit => "flipped_bit",
        Fault::WrongKey => "wrong_key",
        Fault::OldRelease => "old_release",
        Fault::Expired => "expired",
        Fault::ClockStepped => "clock_stepped",
    }
}

/// To a tenth.
fn ms(span: Duration) -> f64 {
    (span.as_secs_f64() * 10_000.0).round() / 10.0
}
