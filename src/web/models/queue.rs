//! What wants a label, most important first: cases in which the models differ, then examples by what
//! they teach, then cases in which the models agree.

use axum::Json;
use axum::extract::State;
use axum::middleware;
use axum::routing::get;
use serde::Serialize;
use utoipa::ToSchema;

use super::cases::{self, CaseDto};
use super::places::ask_models;
use super::refusal::of_example;
use crate::guard::handle::Handle;
use crate::guard::handle::shadowing::{CASES_AT_ONCE_MAX, WantedCases};
use crate::web::access::{Access, Role};
use crate::web::error::{ApiError, ErrorBody};
use crate::web::examples::ExampleDto;
use crate::web::query::{Numbers, Pairs};
use crate::web::{App, RouteEntry, rails};

/// Items in one answer when none are asked for, and at most.
const ITEMS_DEFAULT: u64 = 20;
const ITEMS_MAX: u64 = 100;

/// Of each kind that waits so many are looked at, the newest; there may be more.
const LOOKED_AT_MAX: u32 = CASES_AT_ONCE_MAX;

pub(super) fn table() -> Vec<RouteEntry> {
    let viewer = Access::AtLeast(Role::Viewer);
    let timed = middleware::from_fn(rails::within_time);
    vec![("get", "/api/models/queue", viewer, get(queue).layer(timed))]
}

/// What wants a label.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct QueueDto {
    items: Vec<QueueItemDto>,
    /// How many more there are; counted up to 500 of each kind.
    left: usize,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum QueueItemDto {
    Case(Box<CaseDto>),
    Example(Box<ExampleDto>),
}

/// What wants a label, most important first.
#[utoipa::path(
    get,
    path = "/api/models/queue",
    params(("limit" = Option<u64>, Query, minimum = 1, maximum = 100, description = "20 unless told")),
    responses(
        (status = 200, body = QueueDto),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn queue(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<QueueDto>, ApiError> {
    let numbers = Numbers::parse(pairs, &[("limit", 1..=ITEMS_MAX)])?;
    let limit = numbers.get("limit").unwrap_or(ITEMS_DEFAULT);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    ask_models(&app, move |handle| waiting(handle, limit)).await?.map(Json)
}

fn waiting(handle: &dyn Handle, limit: usize) -> Result<QueueDto, ApiError> {
    let cases = |wanted| cases::of_desk(handle, None, wanted, (LOOKED_AT_MAX, None));
    let mut differ = cases(WantedCases::ToLabel)?;
    let mut agree = cases(WantedCases::AgreedToLabel)?;
    let mut examples = handle.example_desk().example_queue(LOOKED_AT_MAX).map_err(of_example)?;
    let all = differ.len() + examples.len() + agree.len();
    differ.truncate(limit);
    examples.truncate(limit - differ.len());
    agree.truncate(limit - differ.len() - examples.len());
    let case = |rows| {
        Ok(cases::shown(handle, rows)?.into_iter().map(|case| QueueItemDto::Case(Box::new(case))))
    };
    let mut items: Vec<QueueItemDto> = case(differ)?.collect();
    items.extend(examples.into_iter().map(|row| QueueItemDto::Example(Box::new(row.into()))));
    items.extend(case(agree)?);
    Ok(QueueDto { left: all - items.len(), items })
}
