//! The route of the audit log.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock;
use crate::digest::hex;
use crate::guard::handle::{AuditRow, AuditState};
use crate::web::dto::timestamp;
use crate::web::error::{ApiError, ErrorBody};
use crate::web::query::{Numbers, Pairs};
use crate::web::{App, routes};

/// Entries in one answer when none are asked for, and at most.
const ENTRIES_DEFAULT: u64 = 100;
const ENTRIES_MAX: u64 = 500;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct AuditDto {
    /// Newest first.
    entries: Vec<AuditEntryDto>,
    verified: VerifiedDto,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct AuditEntryDto {
    number: u64,
    at: String,
    /// A person's name, `token NAME`, `console`, or `nobody`.
    by: String,
    #[schema(example = "signed_in")]
    action: String,
    subject: String,
    /// An object, or null.
    detail: serde_json::Value,
    hash: String,
}

/// Whether the log is what was written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::web) enum VerifiedDto {
    Whole {
        /// Always true.
        ok: bool,
        entries: u64,
        /// Hash of the newest entry: export it, to compare later.
        head: String,
    },
    Broken {
        /// Always false.
        ok: bool,
        number: u64,
        why: String,
    },
}

/// Who did what, newest first, and whether the log is whole.
#[utoipa::path(
    get,
    path = "/api/audit",
    params(
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 500, description = "100 unless told"),
        ("before" = Option<u64>, Query, minimum = 1, description = "Only entries below this number"),
    ),
    responses(
        (status = 200, body = AuditDto),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(in crate::web) async fn audit(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<AuditDto>, ApiError> {
    let known = [("limit", 1..=ENTRIES_MAX), ("before", 1..=u64::MAX)];
    let numbers = Numbers::parse(pairs, &known)?;
    let limit = u32::try_from(numbers.get("limit").unwrap_or(ENTRIES_DEFAULT)).unwrap_or(u32::MAX);
    let before = numbers.get("before");
    let answer = routes::ask(&app, move |handle| {
        let accounts = handle.accounts();
        let state = accounts.audit_state(clock::monotonic())?;
        Ok((accounts.audit(limit, before)?, state))
    });
    let (rows, state) = answer.await?.map_err(routes::store_error)?;
    Ok(Json(AuditDto {
        entries: rows.into_iter().map(AuditEntryDto::from).collect(),
        verified: state.into(),
    }))
}

impl From<AuditRow> for AuditEntryDto {
    fn from(row: AuditRow) -> AuditEntryDto {
        let AuditRow { number, entry, previous: _, hash } = row;
        // Whatever stands there is shown: a text that is no JSON was put there by other hands.
        let detail = match entry.detail.as_str() {
            "" => serde_json::Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        AuditEntryDto {
            number,
            at: timestamp(entry.at),
            by: entry.by,
            action: entry.action,
            subject: entry.subject,
            detail,
            hash: hex(&hash),
        }
    }
}

impl From<AuditState> for VerifiedDto {
    fn from(state: AuditState) -> VerifiedDto {
        match state {
            AuditState::Whole(checked) => {
                VerifiedDto::Whole { ok: true, entries: checked.entries, head: hex(&checked.head) }
            }
            AuditState::Broken(broken) => {
                VerifiedDto::Broken { ok: false, number: broken.number, why: broken.why }
            }
        }
    }
}
