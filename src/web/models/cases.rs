//! Cases in which the two models are compared: what both saw, the picture, what people say of it.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Page;
use super::places::ask_models;
use super::refusal::of_shadow;
use crate::guard::handle::gated::Meanwhile;
use crate::guard::handle::shadowing::{
    CaseBox, CaseClip, CaseLabel, CaseRow, CaseSide, Label, ShadowError, Standing, Told,
    WantedCases,
};
use crate::guard::handle::{Handle, HistoryError};
use crate::web::access::{Access, Caller, Role, body};
use crate::web::dto::timestamp;
use crate::web::error::{ApiError, ErrorBody};
use crate::web::evidence::{ask_evidence, send_hidden};
use crate::web::query::{Pairs, Texts, path_number};
use crate::web::{App, RouteEntry, rails, routes};

/// Cases in one answer when none are asked for, and at most.
const CASES_DEFAULT: u64 = 50;
const CASES_MAX: u64 = 200;

/// What a label must look like.
const RIGHT_LABEL: &str = r#"{"label": "true"}; label is true, false or unsure"#;

pub(super) fn table() -> Vec<RouteEntry> {
    let viewer = Access::AtLeast(Role::Viewer);
    let supervisor = Access::Person(Role::Supervisor);
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        ("get", "/api/models/cases", viewer, get(cases).layer(timed())),
        ("get", "/api/models/cases/{id}/picture", viewer, get(picture).layer(timed())),
        ("get", "/api/models/cases/{id}/clip", viewer, get(clip).layer(timed())),
        ("post", "/api/models/cases/{id}/label", supervisor, post(label).layer(timed())),
    ]
}

/// A page of cases, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct CasesDto {
    cases: Vec<CaseDto>,
    /// `before` of the next page.
    next: Option<u64>,
}

/// One incident of either model, of both, or of a recording's truth.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::web) struct CaseDto {
    id: u64,
    run: u64,
    camera: String,
    zone: Option<ZoneOfDto>,
    at: String,
    /// `both`, `active_only`, `shadow_only` or `neither`.
    told: &'static str,
    /// How much later the other model did than the first, where it told it or was in an incident
    /// meanwhile: the shadow model, of `shadow_only` the active one.
    later_by_ms: Option<u64>,
    label: Option<LabelDto>,
    labelled_by: Option<String>,
    labelled_at: Option<String>,
    /// What it says of the shadow model, whatever its label: `found`, `lost`, `joined`, `gained`,
    /// `split` or `missed`.
    standing: &'static str,
    active: Option<CaseSideDto>,
    shadow: Option<CaseSideDto>,
    /// As everybody may see it.
    picture: String,
    /// Why there is no video of it; null where a side has one.
    no_clip: Option<String>,
}

/// Where it was.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::web) struct ZoneOfDto {
    /// On this box, if it has it.
    number: Option<usize>,
    name: String,
}

/// One model's incident.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::web) struct CaseSideDto {
    began: String,
    /// Null: it goes on.
    ended: Option<String>,
    score: f32,
    /// The box's own incident.
    incident: Option<u64>,
    /// Its video, where there is any: of the active model's that of the incident, of the shadow model's
    /// that of the case.
    clip: Option<String>,
    boxes: Vec<CaseBoxDto>,
}

/// Frame fractions, origin top left, y down.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(in crate::web) struct CaseBoxDto {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    score: f32,
}

/// Was somebody inside when the first of the two told it?
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum LabelDto {
    True,
    False,
    /// Nobody can tell.
    Unsure,
}

/// What a person said.
#[derive(Clone, Debug)]
pub(in crate::web) struct LabelledDto {
    pub label: Option<LabelDto>,
    pub by: Option<String>,
    pub at: Option<String>,
}

/// What a person says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SetLabelDto {
    pub label: LabelDto,
}

/// Cases, newest first.
#[utoipa::path(
    get,
    path = "/api/models/cases",
    params(
        ("run" = Option<u64>, Query, minimum = 1, description = "Only of this run"),
        ("wanted" = Option<String>, Query, description = "`discordant` (unless told), `unlabelled` or `all`"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "50 unless told"),
        ("before" = Option<u64>, Query, minimum = 1, description = "Only cases below this number"),
    ),
    responses(
        (status = 200, body = CasesDto),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn cases(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<CasesDto>, ApiError> {
    let texts = Texts::parse(pairs, &["run", "wanted", "limit", "before"])?;
    let run = texts.number("run", &(1..=u64::MAX))?;
    let wanted = texts.parsed(
        "wanted",
        || "one of: discordant, unlabelled, all",
        |it| match it {
            "discordant" => Some(WantedCases::Discordant),
            "unlabelled" => Some(WantedCases::Unlabelled),
            "all" => Some(WantedCases::All),
            _ => None,
        },
    )?;
    let wanted = wanted.unwrap_or(WantedCases::Discordant);
    let limit = texts.number("limit", &(1..=CASES_MAX))?.unwrap_or(CASES_DEFAULT);
    let page = Page::of(limit, texts.number("before", &(1..=u64::MAX))?);
    let asked = move |handle: &dyn Handle| {
        let rows = of_desk(handle, run, wanted, (page.with_one_more(), page.before))?;
        let (rows, next) = page.cut(rows, |row| row.id);
        Ok(CasesDto { cases: shown(handle, rows)?, next })
    };
    ask_models(&app, asked).await?.map(Json)
}

/// The picture of a case, people pixelated as in every picture for everybody.
#[utoipa::path(
    get,
    path = "/api/models/cases/{id}/picture",
    params(("id" = u64, Path, description = "Case number")),
    responses(
        (status = 200, description = "JPEG; that of an incident has the zones and what the active model saw drawn into it", content_type = "image/jpeg", body = Vec<u8>),
        (status = 404, description = "`unknown_case`; `no_picture`, with the reason", body = ErrorBody),
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
    let found = ask_models(&app, move |handle| handle.shadow_desk().case_picture(id)).await?;
    Ok(jpeg(found.map_err(of_shadow)?))
}

/// Video of what only the shadow model told, people hidden as in every video for everybody. What the active
/// model told has that of its incident.
#[utoipa::path(
    get,
    path = "/api/models/cases/{id}/clip",
    params(("id" = u64, Path, description = "Case number")),
    responses(
        (status = 200, description = "MP4", content_type = "video/mp4", body = Vec<u8>),
        (status = 206, description = "The part of it that `Range` asks for", content_type = "video/mp4", body = Vec<u8>),
        (status = 404, description = "`unknown_case`; `no_clip`, with the reason", body = ErrorBody),
        (status = 416, description = "`bad_range`: it is not that long", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`; `busy`: too many are sent evidence, or its disk hangs", body = ErrorBody),
    )
)]
pub(super) async fn clip(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = path_number(path)?;
    Texts::parse(pairs, &[])?;
    let place = app.evidence.download()?;
    let opened = ask_evidence(&app, move |handle| handle.shadow_desk().case_clip(id)).await?;
    send_hidden(app, caller, (opened.map_err(of_shadow)?, place), &headers)
}

/// What somebody says of a case: was somebody inside when the first of the two told it?
#[utoipa::path(
    post,
    path = "/api/models/cases/{id}/label",
    params(("id" = u64, Path, description = "Case number")),
    request_body = SetLabelDto,
    responses(
        (status = 200, body = CaseDto),
        (status = 403, description = "`person_needed`: a token labels nothing; `role_needed`", body = ErrorBody),
        (status = 404, description = "`unknown_case`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the field", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `unclear`, `stopping`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn label(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Json<CaseDto>, ApiError> {
    let id = path_number(path)?;
    let SetLabelDto { label } = body::object(sent, RIGHT_LABEL)?;
    let said = move |handle: &dyn Handle| {
        let desk = handle.shadow_desk();
        let row = desk.label_case(id, label.into(), &caller.name).map_err(of_shadow)?;
        let mut rows = shown(handle, vec![row])?;
        rows.pop().ok_or_else(|| of_shadow(ShadowError::NoCase(id)))
    };
    ask_models(&app, said).await?.map(Json)
}

/// Cases, newest first; a box in which nothing was compared has none.
pub(super) fn of_desk(
    handle: &dyn Handle,
    run: Option<u64>,
    wanted: WantedCases,
    (limit, before): (u32, Option<u64>),
) -> Result<Vec<CaseRow>, ApiError> {
    match handle.shadow_desk().cases(run, wanted, limit, before) {
        Err(ShadowError::NoCandidate) => Ok(Vec::new()),
        cases => cases.map_err(of_shadow),
    }
}

/// A picture as an answer.
pub(in crate::web) fn jpeg(bytes: Vec<u8>) -> impl IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "image/jpeg")], bytes)
}

/// Cases with the addresses of what there is to see of them.
pub(super) fn shown(handle: &dyn Handle, rows: Vec<CaseRow>) -> Result<Vec<CaseDto>, ApiError> {
    let clips = clips(handle, &rows).map_err(routes::store_error)?;
    Ok(rows.into_iter().map(|row| dto(row, &clips)).collect())
}

/// Where the video of each incident is that one of these cases is.
fn clips(handle: &dyn Handle, rows: &[CaseRow]) -> Result<BTreeMap<u64, String>, HistoryError> {
    let mut clips = BTreeMap::new();
    let sides = rows.iter().flat_map(|row| [row.active.as_ref(), row.shadow.as_ref()]);
    for id in sides.flatten().filter_map(|side| side.incident) {
        if clips.contains_key(&id) {
            continue;
        }
        let found = handle.incidents(1, id.checked_add(1))?;
        let found = found.into_iter().find(|incident| incident.id == id);
        let part = found.and_then(|incident| incident.clips.first().copied());
        clips.extend(part.map(|part| (id, format!("/api/incidents/{id}/clips/{part}"))));
    }
    Ok(clips)
}

fn dto(row: CaseRow, clips: &BTreeMap<u64, String>) -> CaseDto {
    let said = LabelledDto::from(row.label);
    let (told, later_by) = told(row.told);
    let side = |side: CaseSide, clip| CaseSideDto {
        began: timestamp(side.began),
        ended: side.ended.map(timestamp),
        score: side.score,
        incident: side.incident,
        clip,
        boxes: side.boxes.into_iter().map(Into::into).collect(),
    };
    let incident = row.active.as_ref().and_then(|side| side.incident);
    let of_incident = incident.and_then(|id| clips.get(&id).cloned());
    let (of_case, why) = match row.clip {
        CaseClip::There => (Some(format!("/api/models/cases/{}/clip", row.id)), None),
        CaseClip::None(why) => (None, Some(why)),
    };
    let why = match incident {
        Some(id) => Some(format!("none is kept of incident {id}")),
        None => why,
    };
    let no_clip = why.filter(|_| of_incident.is_none() && of_case.is_none());
    CaseDto {
        id: row.id,
        run: row.run,
        camera: row.camera,
        zone: Some(row.zone.into()),
        at: timestamp(row.at),
        told,
        later_by_ms: later_by.map(|later| u64::try_from(later.as_millis()).unwrap_or(u64::MAX)),
        label: said.label,
        labelled_by: said.by,
        labelled_at: said.at,
        standing: standing(row.standing),
        active: row.active.map(|it| side(it, of_incident)),
        shadow: row.shadow.map(|it| side(it, of_case)),
        picture: format!("/api/models/cases/{}/picture", row.id),
        no_clip,
    }
}

fn told(told: Told) -> (&'static str, Option<std::time::Duration>) {
    let meanwhile = |meanwhile| match meanwhile {
        Meanwhile::Quiet => None,
        Meanwhile::InIncident { later_by } => Some(later_by),
    };
    match told {
        Told::Both { shadow_later_by } => ("both", Some(shadow_later_by)),
        Told::ActiveOnly(other) => ("active_only", meanwhile(other)),
        Told::ShadowOnly(other) => ("shadow_only", meanwhile(other)),
        Told::Neither => ("neither", None),
    }
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Found => "found",
        Standing::Lost => "lost",
        Standing::Joined => "joined",
        Standing::Gained => "gained",
        Standing::Split => "split",
        Standing::Unseen => "missed",
    }
}

impl From<(Option<usize>, String)> for ZoneOfDto {
    fn from((number, name): (Option<usize>, String)) -> ZoneOfDto {
        ZoneOfDto { number, name }
    }
}

impl From<CaseBox> for CaseBoxDto {
    fn from(at: CaseBox) -> CaseBoxDto {
        let CaseBox { left_norm, top_norm, width_norm, height_norm, score } = at;
        CaseBoxDto { left: left_norm, top: top_norm, width: width_norm, height: height_norm, score }
    }
}

impl From<Option<CaseLabel>> for LabelledDto {
    fn from(said: Option<CaseLabel>) -> LabelledDto {
        let label = said.as_ref().map(|said| said.label.into());
        let at = said.as_ref().map(|said| timestamp(said.at));
        LabelledDto { label, at, by: said.map(|said| said.by) }
    }
}

impl From<Label> for LabelDto {
    fn from(label: Label) -> LabelDto {
        match label {
            Label::True => LabelDto::True,
            Label::False => LabelDto::False,
            Label::Unsure => LabelDto::Unsure,
        }
    }
}

impl From<LabelDto> for Label {
    fn from(label: LabelDto) -> Label {
        match label {
            LabelDto::True => Label::True,
            LabelDto::False => Label::False,
            LabelDto::Unsure => Label::Unsure,
        }
    }
}
