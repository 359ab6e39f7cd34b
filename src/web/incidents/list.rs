//! The list of incidents: what is looked for, a page at a time.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use crate::guard::handle::{
    Further, Handle, Judgement, Kind, Pins, Snapshot, Sought, Wanted, WantedVerdict,
};
use crate::web::dto::IncidentsDto;
use crate::web::error::{ApiError, ErrorBody};
use crate::web::query::{Pairs, Texts};
use crate::web::{App, routes};

/// Incidents in one answer when none are asked for, and at most.
const INCIDENTS_DEFAULT: u64 = 50;
const INCIDENTS_MAX: u64 = 500;

/// Longest id of a zone or camera that is looked for, characters; longer ones nobody can have.
const ID_CHARS_MAX: usize = 200;

/// Ids that are named to whoever asked for another: what a person reads.
const NAMED_MAX: usize = 20;

/// The parameters, with what filters by the kind of zone apart: only the guard knows it.
const KNOWN: [&str; 9] =
    ["limit", "before", "zone", "camera", "kind", "verdict", "from", "to", "pinned"];

/// Incidents, newest first.
#[utoipa::path(
    get,
    path = "/api/incidents",
    params(
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 500, description = "50 unless told"),
        ("before" = Option<u64>, Query, minimum = 1, description = "Only incidents below this number"),
        ("zone" = Option<String>, Query, description = "Id of a zone, also of one that was taken away"),
        ("camera" = Option<String>, Query, description = "Id of a camera"),
        ("kind" = Option<String>, Query, description = "Kind of a zone that there is now: `restricted`, `warning`, `occupancy`, `tripwire`, `ignore`, `privacy_mask`"),
        ("verdict" = Option<String>, Query, description = "`true`, `false`, `test`, or `none`: not judged"),
        ("from" = Option<String>, Query, description = "Began then or later, RFC 3339"),
        ("to" = Option<String>, Query, description = "Began before, RFC 3339"),
        ("pinned" = Option<u64>, Query, description = "`1`: only those whose evidence is pinned"),
    ),
    responses(
        (status = 200, body = IncidentsDto),
        (status = 422, description = "`bad_request`, names the parameter; also for a zone or a camera that there is not and never was", body = ErrorBody),
        (status = 503, description = "`store`, `too_slow`", body = ErrorBody),
    )
)]
pub(in crate::web) async fn incidents(
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<IncidentsDto>, ApiError> {
    let texts = Texts::parse(pairs, &KNOWN)?;
    let limit = texts.number("limit", &(1..=INCIDENTS_MAX))?.unwrap_or(INCIDENTS_DEFAULT);
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let wanted = wanted(&texts, &app.handle.snapshots().borrow())?;
    let find = move |handle: &dyn Handle| handle.find_incidents(limit, &wanted);
    let found = routes::ask(&app, find).await?.map_err(routes::store_error)?;
    if found.rows.is_empty() {
        nothing_of_that_name(&app, &texts).await?;
    }
    Ok(Json(IncidentsDto {
        incidents: found.rows.into_iter().map(Into::into).collect(),
        verdicts: found.verdicts.into_iter().map(Into::into).collect(),
        more: found.further == Further::More,
    }))
}

/// Nothing found: a zone or a camera that never was is a mistake in the question, not a quiet place.
async fn nothing_of_that_name(app: &App, texts: &Texts) -> Result<(), ApiError> {
    let now = app.handle.snapshots().borrow().clone();
    let zones: Vec<&str> = now.zones.iter().map(|zone| zone.id.as_str()).collect();
    let cameras: Vec<&str> = now.cameras.iter().map(|camera| camera.id.as_str()).collect();
    let asked = [
        ("zone", zones, Sought::Zone as fn(String) -> Sought),
        ("camera", cameras, Sought::Camera),
    ];
    for (name, in_force, sought) in asked {
        let Some(id) = texts.get(name).filter(|id| !in_force.contains(id)) else {
            continue;
        };
        let which = sought(id.to_owned());
        let known = routes::ask(app, move |handle: &dyn Handle| handle.has_been(&which)).await?;
        if !known.map_err(routes::store_error)? {
            let right = format!("the id of a {name} there is ({}), or was", listed(&in_force));
            return Err(ApiError::bad_request(name, id, &right));
        }
    }
    Ok(())
}

/// Ids for people.
fn listed(ids: &[&str]) -> String {
    match ids.get(..NAMED_MAX) {
        None => ids.join(", "),
        Some(first) => format!("{} and {} more", first.join(", "), ids.len() - NAMED_MAX),
    }
}

fn wanted(texts: &Texts, now: &Snapshot) -> Result<Wanted, ApiError> {
    let id = |name| {
        let right = || format!("an id of at most {ID_CHARS_MAX} characters");
        let fits = |text: &str| !text.is_empty() && text.chars().count() <= ID_CHARS_MAX;
        texts.parsed(name, right, |text| fits(text).then(|| text.to_owned()))
    };
    let time = |name| {
        let right = || "a time as 2026-03-01T14:07:33Z";
        texts.parsed(name, right, |text| text.parse::<Timestamp>().ok())
    };
    let (from, to) = (time("from")?, time("to")?);
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        let right = format!("later than `from`, {from}");
        return Err(ApiError::bad_request("to", &to.to_string(), &right));
    }
    Ok(Wanted {
        before: texts.number("before", &(1..=u64::MAX))?,
        zones: zones(id("zone")?, kind(texts)?, now),
        camera: id("camera")?,
        verdict: verdict(texts)?,
        from,
        to,
        pins: pins(texts)?,
    })
}

fn kind(texts: &Texts) -> Result<Option<Kind>, ApiError> {
    let right = || format!("one of: {}", Kind::ALL.map(Kind::as_str).join(", "));
    texts.parsed("kind", right, |text| Kind::ALL.into_iter().find(|kind| kind.as_str() == text))
}

fn verdict(texts: &Texts) -> Result<Option<WantedVerdict>, ApiError> {
    texts.parsed(
        "verdict",
        || "one of: true, false, test, none",
        |text| match text {
            "none" => Some(WantedVerdict::NotJudged),
            word => Judgement::parse(word).map(WantedVerdict::Judged),
        },
    )
}

fn pins(texts: &Texts) -> Result<Pins, ApiError> {
    let pins = texts.parsed("pinned", || "1, or left out", |text| (text == "1").then_some(()))?;
    Ok(pins.map_or(Pins::Any, |()| Pins::OnlyPinned))
}

/// The zones that are looked through; `None`: all, those that were taken away too.
fn zones(zone: Option<String>, kind: Option<Kind>, now: &Snapshot) -> Option<Vec<String>> {
    let Some(kind) = kind else {
        return zone.map(|zone| vec![zone]);
    };
    let of_kind = now.zones.iter().filter(|it| it.kind == kind.as_str());
    let asked = of_kind.filter(|it| zone.as_ref().is_none_or(|zone| it.id == *zone));
    Some(asked.map(|it| it.id.clone()).collect())
}
