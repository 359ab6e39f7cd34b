//! The example bank: pictures that are worth learning from, what people say of them, all of it to take
//! away, labels to bring back, thresholds to propose.
//!
//! Not here: what is kept and what goes (the guard); bringing a threshold into force (an engineer, in
//! the configuration).

mod dto;
mod export;

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::Method;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use self::dto::{ExamplesDto, ImportedDto, RoomDto, ThresholdsDto, occasion};
use super::access::{Access, Caller, Role, body};
use super::error::{ApiError, ErrorBody};
use super::models::{Limits, Page, SetLabelDto, ask_models, jpeg, of_example, through, wished};
use super::privacy;
use super::query::{Pairs, Texts, path_number};
use super::{App, RouteEntry, rails};
use crate::guard::handle::examples::{WantedExamples, WantedLabels, Wish};
use crate::guard::handle::gated::Probability;
use crate::guard::handle::{Handle, Privacy};

pub(super) use self::dto::ExampleDto;

/// Largest file of labels that is brought back.
pub(super) const LABELS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Where labels are sent to.
const LABELS: &str = "/api/examples/import";

/// 64 MB in ten minutes are 0.9 Mbit/s.
const LABELS_LIMITS: Limits = Limits {
    bytes_max: LABELS_BYTES_MAX,
    silence_max: Duration::from_secs(20),
    arrival_max: Duration::from_secs(600),
    answer_max: Duration::from_secs(60),
};

/// Examples in one answer when none are asked for, and at most.
const EXAMPLES_DEFAULT: u64 = 50;
const EXAMPLES_MAX: u64 = 200;

/// What a label must look like.
const RIGHT_LABEL: &str = r#"{"label": "true"}; label is true, false or unsure"#;

/// The routes, with who may use them.
pub(super) fn table() -> Vec<RouteEntry> {
    let viewer = Access::AtLeast(Role::Viewer);
    let supervisor = Access::Person(Role::Supervisor);
    let engineer = Access::AtLeast(Role::Engineer);
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        ("get", "/api/examples", viewer, get(examples).layer(timed())),
        ("get", "/api/examples/{id}/picture", viewer, get(picture).layer(timed())),
        ("post", "/api/examples/{id}/label", supervisor, post(label).layer(timed())),
        // What takes long has time limits of its own.
        ("get", "/api/examples/export", engineer, get(export)),
        ("post", LABELS, engineer, post(import)),
        ("get", "/api/examples/thresholds", viewer, get(thresholds).layer(timed())),
    ]
}

/// Whether a request brings labels, which may be many.
pub(super) fn are_labels(method: &Method, path: &str) -> bool {
    *method == Method::POST && path == LABELS
}

/// The API's description of the routes here.
#[derive(utoipa::OpenApi)]
#[openapi(paths(examples, picture, label, export, import, thresholds))]
pub(super) struct Description;

/// Examples, newest first, and how full the bank is.
#[utoipa::path(
    get,
    path = "/api/examples",
    params(
        ("wanted" = Option<String>, Query, description = "`unlabelled` (unless told) or `all`"),
        ("occasion" = Option<String>, Query, description = "`incident`, `near_miss`, `disagreement` or `low_score`"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "50 unless told"),
        ("before" = Option<u64>, Query, minimum = 1, description = "Only examples below this number"),
    ),
    responses(
        (status = 200, body = ExamplesDto),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn examples(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<ExamplesDto>, ApiError> {
    let texts = Texts::parse(pairs, &["wanted", "occasion", "limit", "before"])?;
    let labelled = texts.parsed(
        "wanted",
        || "one of: unlabelled, all",
        |it| match it {
            "unlabelled" => Some(WantedLabels::Unlabelled),
            "all" => Some(WantedLabels::All),
            _ => None,
        },
    )?;
    let right = || "one of: incident, near_miss, disagreement, low_score";
    let wanted = WantedExamples {
        labelled: labelled.unwrap_or(WantedLabels::Unlabelled),
        occasion: texts.parsed("occasion", right, occasion)?,
    };
    let limit = texts.number("limit", &(1..=EXAMPLES_MAX))?.unwrap_or(EXAMPLES_DEFAULT);
    let page = Page::of(limit, texts.number("before", &(1..=u64::MAX))?);
    let asked = move |handle: &dyn Handle| {
        let desk = handle.example_desk();
        let rows = desk.examples(wanted, page.with_one_more(), page.before)?;
        Ok((rows, desk.bank_now()?))
    };
    let (rows, room) = ask_models(&app, asked).await?.map_err(of_example)?;
    let (rows, next) = page.cut(rows, |row| row.id);
    let examples = rows.into_iter().map(Into::into).collect();
    Ok(Json(ExamplesDto { examples, next, room: RoomDto::from(room) }))
}

/// The picture of an example, people pixelated as in every picture for everybody.
#[utoipa::path(
    get,
    path = "/api/examples/{id}/picture",
    params(("id" = u64, Path, description = "Example number")),
    responses(
        (status = 200, description = "JPEG, without boxes", content_type = "image/jpeg", body = Vec<u8>),
        (status = 404, description = "`unknown_example`; `no_picture`, with the reason", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn picture(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let id = path_number(path)?;
    Texts::parse(pairs, &[])?;
    let found = ask_models(&app, move |handle| handle.example_desk().example_picture(id)).await?;
    Ok(jpeg(found.map_err(of_example)?))
}

/// What somebody says of an example: is there a person where it shows one?
#[utoipa::path(
    post,
    path = "/api/examples/{id}/label",
    params(("id" = u64, Path, description = "Example number")),
    request_body = SetLabelDto,
    responses(
        (status = 200, body = ExampleDto),
        (status = 403, description = "`person_needed`: a token labels nothing; `role_needed`", body = ErrorBody),
        (status = 404, description = "`unknown_example`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn label(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<ExampleDto>, ApiError> {
    let id = path_number(path)?;
    let SetLabelDto { label } = body::object(sent, RIGHT_LABEL)?;
    let said = move |handle: &dyn Handle| {
        handle.example_desk().label_example(id, label.into(), &caller.name)
    };
    let row = ask_models(&app, said).await?.map_err(of_example)?;
    Ok(Json(row.into()))
}

/// All of the bank: pictures as they were taken, and what is known of them as COCO.
#[utoipa::path(
    get,
    path = "/api/examples/export",
    responses(
        (status = 200, description = "`annotations.json` (COCO) and `images/`; people can be recognised", content_type = "application/zip", body = Vec<u8>),
        (status = 403, description = "`clear_not_granted`: pictures in which people can be recognised take a grant", body = ErrorBody),
        (status = 409, description = "`busy`", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`export`, `store`, `busy`, `unclear`, `stopping`, `too_slow`: what is not in the audit log is not given", body = ErrorBody),
    )
)]
pub(super) async fn export(
    State(app): State<App>,
    caller: Caller,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    Texts::parse(pairs, &[])?;
    let place = app.models.export()?;
    let sight = match app.handle.grants().privacy() {
        Privacy::Off => privacy::Sight::Shown,
        Privacy::Persons | Privacy::Heads => {
            privacy::look(&app, &caller, "examples export".to_owned()).await?;
            privacy::Sight::Clear
        }
    };
    let by = caller.name.clone();
    let asking = app.clone();
    // Whoever takes it takes their time, and a grant may end meanwhile.
    let may_still = move || privacy::may_still_see(&asking, &caller, sight);
    export::send(&app, place, by, may_still).await
}

/// Brings labels of pictures back that this box wrote out; all of them or none.
#[utoipa::path(
    post,
    path = "/api/examples/import",
    request_body(content = Object, description = "COCO as `annotations.json` of the export, at most 64 MB"),
    responses(
        (status = 200, body = ImportedDto),
        (status = 400, description = "`broken_body`: it did not arrive whole", body = ErrorBody),
        (status = 408, description = "`body_too_slow`", body = ErrorBody),
        (status = 409, description = "`busy`", body = ErrorBody),
        (status = 413, description = "`too_large`", body = ErrorBody),
        (status = 415, description = "`wrong_content_type`", body = ErrorBody),
        (status = 422, description = "`bad_import`, with the place", body = ErrorBody),
        (status = 503, description = "`store`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn import(
    State(app): State<App>,
    caller: Caller,
    sent: Body,
) -> Result<Json<ImportedDto>, ApiError> {
    let place = app.models.import()?;
    let by = caller.name;
    let imported = through(&app, place, sent, LABELS_LIMITS, move |handle, bytes| {
        handle.example_desk().import(bytes, &by)
    });
    Ok(Json(imported.await?.map_err(of_example)?.into()))
}

/// Which score threshold each camera could have; proposed, never applied.
#[utoipa::path(
    get,
    path = "/api/examples/thresholds",
    params(
        ("miss" = Option<f64>, Query, minimum = 0.0001, maximum = 0.5, description = "Share of true incidents that may be lost; 0.05 unless told"),
        ("confidence" = Option<f64>, Query, minimum = 0.5, maximum = 0.9999, description = "0.95 unless told"),
    ),
    responses(
        (status = 200, body = ThresholdsDto),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn thresholds(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<ThresholdsDto>, ApiError> {
    let texts = Texts::parse(pairs, &["miss", "confidence"])?;
    let (miss, confidence) = wished(&texts)?;
    let wish = Wish {
        miss_rate: miss.unwrap_or(Wish::MISS_DEFAULT),
        confidence: confidence.unwrap_or(Probability::CONFIDENCE),
    };
    let found = ask_models(&app, move |handle| handle.example_desk().thresholds(wish)).await?;
    Ok(Json(ThresholdsDto::of(found.map_err(of_example)?, wish)))
}
