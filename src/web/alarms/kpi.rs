//! How well the alarms serve: the numbers of the last days against their targets.

use axum::Json;
use axum::extract::State;
use jiff::SignedDuration;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock;
use crate::engine::alarm_kpi::{Busy, Frequent, Kpis, Measure, Verdict};
use crate::guard::handle::AlarmKey;
use crate::web::dto::timestamp;
use crate::web::error::{ApiError, ErrorBody};
use crate::web::query::{Numbers, Pairs};
use crate::web::{App, routes};

/// Days when none are asked for, and at most.
const DAYS_DEFAULT: u64 = 7;
const DAYS_MAX: u64 = 90;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct KpiDto {
    /// The first moment that is counted: not before the box was there.
    from: String,
    to: String,
    /// How often an alarm wanted an answer.
    alarms: u32,
    mean_per_10_min: MeasureDto,
    worst_in_10_min: MeasureDto,
    /// Share of the time with more than ten alarms in ten minutes.
    flood_share: MeasureDto,
    /// Sources that raised three alarms within a minute.
    chattering: MeasureDto,
    chatterers: Vec<SourceDto>,
    /// Alarms open for more than a day.
    stale: MeasureDto,
    stale_sources: Vec<SourceDto>,
    /// Share of the ten most frequent sources; `met` is null for ten sources or fewer.
    top_ten_share: MeasureDto,
    /// Most frequent first.
    top_ten: Vec<FrequentDto>,
    /// Ten minutes each, oldest first; what is not in it was quiet.
    periods: Vec<PeriodDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PeriodDto {
    /// Since `from`.
    after_ms: u64,
    alarms: u32,
}

/// A number and the most it should be (IEC 62682).
#[derive(Debug, Serialize, ToSchema)]
struct MeasureDto {
    value: f64,
    target: f64,
    met: Option<bool>,
    /// Why `met` is null: `too_few_sources` or `too_short`, less than ten minutes; of stale, a day.
    unjudged: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SourceDto {
    /// `intrusion`, `warning`, `untested`, `blind` or `fault`.
    kind: &'static str,
    /// Id of a zone or camera, or a part of the box.
    subject: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct FrequentDto {
    kind: &'static str,
    subject: String,
    alarms: u32,
    share: f64,
}

/// How well the alarms of the last days served.
#[utoipa::path(
    get,
    path = "/api/alarms/kpi",
    params(("days" = Option<u64>, Query, minimum = 1, maximum = 90, description = "7 unless told")),
    responses(
        (status = 200, body = KpiDto),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(in crate::web) async fn kpi(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<KpiDto>, ApiError> {
    let numbers = Numbers::parse(pairs, &[("days", 1..=DAYS_MAX)])?;
    let days = numbers.get("days").unwrap_or(DAYS_DEFAULT);
    let to = clock::wall();
    let span = SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or(i64::MAX / 24));
    let from = to.checked_sub(span).unwrap_or(jiff::Timestamp::MIN);
    let told = routes::ask(&app, move |handle| handle.alarm_kpis(from, to)).await?;
    let told = told.map_err(routes::store_error)?;
    let from = timestamp(told.from);
    Ok(Json(KpiDto { from, to: timestamp(to), ..told.numbers.into() }))
}

impl From<Kpis<AlarmKey>> for KpiDto {
    fn from(told: Kpis<AlarmKey>) -> KpiDto {
        KpiDto {
            from: String::new(),
            to: String::new(),
            alarms: told.alarms,
            mean_per_10_min: told.mean.into(),
            worst_in_10_min: told.worst.into(),
            flood_share: told.flood_share.into(),
            chattering: told.chattering.into(),
            chatterers: told.chatterers.into_iter().map(Into::into).collect(),
            stale: told.stale.into(),
            stale_sources: told.stale_sources.into_iter().map(Into::into).collect(),
            top_ten_share: told.top_share.into(),
            top_ten: told.top.into_iter().map(Into::into).collect(),
            periods: told.periods.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Busy> for PeriodDto {
    fn from(busy: Busy) -> PeriodDto {
        PeriodDto {
            after_ms: u64::try_from(busy.after.as_millis()).unwrap_or(u64::MAX),
            alarms: busy.alarms,
        }
    }
}

impl From<Measure> for MeasureDto {
    fn from(measure: Measure) -> MeasureDto {
        let (met, unjudged) = match measure.verdict {
            Verdict::Met => (Some(true), None),
            Verdict::Missed => (Some(false), None),
            Verdict::TooFew => (None, Some("too_few_sources")),
            Verdict::TooShort => (None, Some("too_short")),
        };
        MeasureDto { value: measure.value, target: measure.target, met, unjudged }
    }
}

impl From<AlarmKey> for SourceDto {
    fn from(key: AlarmKey) -> SourceDto {
        let (kind, subject) = match key {
            AlarmKey::Intrusion(zone) => ("intrusion", zone),
            AlarmKey::Warning(zone) => ("warning", zone),
            AlarmKey::Untested(zone) => ("untested", zone),
            AlarmKey::Blind(camera) => ("blind", camera),
            AlarmKey::Fault(part) => ("fault", part),
        };
        SourceDto { kind, subject }
    }
}

impl From<Frequent<AlarmKey>> for FrequentDto {
    fn from(frequent: Frequent<AlarmKey>) -> FrequentDto {
        let SourceDto { kind, subject } = frequent.source.into();
        FrequentDto { kind, subject, alarms: frequent.alarms, share: frequent.share }
    }
}
