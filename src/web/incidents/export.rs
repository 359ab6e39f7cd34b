//! One incident as a file: facts, picture, video, checksums.
//!
//! In this order: files are opened, then it is noted in the audit log who takes what, then the first
//! byte is given.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

use super::archive::{self, Content, Packed};
use super::{JudgementDto, verdict_error, zip};
use crate::digest::sha256_of;
use crate::guard::handle::{
    ClipFile, ClipRow, Distances, EvidenceError, Handle, HistoryError, IncidentRow, PersonDistance,
    Privacy, Side, VerdictError, WhichClip,
};
use crate::web::access::Caller;
use crate::web::dto::{IncidentDto, timestamp};
use crate::web::error::{ApiError, ErrorBody};
use crate::web::privacy::{self, Sight};
use crate::web::query::{Pairs, path_number};
use crate::web::{App, evidence, routes};

/// The checksums' name, as `sha256sum --check` takes it.
const SUMS: &str = "checksums.sha256";

/// An incident as it is exported.
#[derive(Serialize)]
struct ExportDto {
    incident: IncidentDto,
    verdict: Option<JudgementDto>,
    exported_by: String,
    exported_at: String,
    /// What is pixelated: `persons`, `heads`, or `off`.
    hidden: &'static str,
    clips: Vec<ClipDto>,
    distances: Option<DistancesDto>,
    version: &'static str,
}

/// A part of the video, in the archive or not.
#[derive(Serialize)]
struct ClipDto {
    part: u32,
    file: Option<String>,
    /// Why it is not in the archive.
    missing: Option<String>,
    from: Option<String>,
    to: Option<String>,
    longest_gap_ms: Option<u64>,
    codec: Option<String>,
}

#[derive(Serialize)]
struct DistancesDto {
    residual_m: f64,
    people: Vec<PersonDto>,
}

#[derive(Serialize)]
struct PersonDto {
    foot: [f64; 2],
    camera_m: Option<f64>,
    edge_m: Option<f64>,
    side: Option<&'static str>,
}

/// What is given.
struct Export {
    files: Vec<Packed>,
    bytes: u64,
    at: Timestamp,
}

/// Everything about an incident in one file: facts, picture, video and checksums.
#[utoipa::path(
    get,
    path = "/api/incidents/{id}/export.zip",
    params(
        ("id" = u64, Path, description = "Incident number"),
        ("picture" = Option<String>, Query, description = "`clear`, for whoever was granted clear pictures"),
    ),
    responses(
        (status = 200, description = "`incident.json`, `snapshot.jpg` where there is one, `clips/`, `checksums.sha256`", content_type = "application/zip", body = Vec<u8>),
        (status = 403, description = "`clear_not_granted`", body = ErrorBody),
        (status = 404, description = "`unknown_incident`", body = ErrorBody),
        (status = 413, description = "`too_large`: fetch the clips one by one", body = ErrorBody),
        (status = 422, description = "`bad_request`", body = ErrorBody),
        (status = 503, description = "`store`, `busy`: what is not in the audit log is not given", body = ErrorBody),
    )
)]
pub(in crate::web) async fn export(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let id = path_number(path)?;
    let sight = privacy::sight(pairs)?;
    let place = app.evidence.export()?;
    if sight == Sight::Clear {
        privacy::look(&app, &caller, format!("incident {id} export")).await?;
    }
    let by = caller.name.clone();
    let made = evidence::ask_evidence(&app, move |handle| gather(handle, id, &by, sight)).await?;
    let Export { files, bytes, at } = made?;
    let places = app.evidence.clone();
    // Whoever takes it takes their time, and a grant may end meanwhile.
    let may_still = move || privacy::may_still_see(&app, &caller, sight);
    let to = archive::Taker { place, places, may_still };
    let mut response = Response::new(archive::body(files, at, to));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    let name = HeaderValue::from_str(&format!("attachment; filename=\"incident-{id}.zip\""));
    headers.extend(name.ok().map(|name| (header::CONTENT_DISPOSITION, name)));
    Ok(response)
}

/// What is given, once the audit log has it.
fn gather(handle: &dyn Handle, id: u64, by: &str, sight: Sight) -> Result<Export, ApiError> {
    let row = row_of(handle, id).map_err(routes::store_error)?;
    let row = row.ok_or_else(|| verdict_error(VerdictError::NoIncident(id)))?;
    let at = row.started_at;
    let verdict = handle.verdicts(id, id).map_err(routes::store_error)?.pop();
    let picture = match sight {
        Sight::Shown => handle.incident_snapshot(id),
        Sight::Clear => handle.clear_snapshot(id),
    };
    let picture = picture.map_err(routes::store_error)?;
    let distances = handle.distances(id).map_err(routes::store_error)?;
    let (clips, packed) = clips(handle, id, sight)?;
    // At the least: nothing is in it that hides less than is to be hidden now.
    let hidden = match sight {
        Sight::Shown => handle.grants().privacy().as_str(),
        Sight::Clear => Privacy::Off.as_str(),
    };
    let facts = ExportDto {
        incident: row.into(),
        verdict: verdict.map(Into::into),
        exported_by: by.to_owned(),
        exported_at: timestamp(crate::clock::wall()),
        hidden,
        clips,
        distances: distances.map(Into::into),
        version: env!("CARGO_PKG_VERSION"),
    };
    let facts = serde_json::to_vec_pretty(&facts).map_err(|error| {
        let message = format!("the incident cannot be written as JSON: {error}");
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "store", message)
    })?;
    let mut files = vec![in_memory("incident.json", facts)];
    files.extend(picture.map(|jpeg| in_memory("snapshot.jpg", jpeg)));
    files.extend(packed);
    let sums = sums(&files);
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let detail = serde_json::json!({
        "files": names,
        "sha256": sha256_of(&sums),
        "hidden": hidden,
    });
    files.push(in_memory(SUMS, sums.into_bytes()));
    let bytes = zip::length(files.iter().map(|file| (file.name.as_str(), file.bytes)));
    let bytes = bytes.ok_or_else(|| {
        let message = "an archive holds at most 4 GiB; fetch the clips of this incident one by one";
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    })?;
    handle.judging().exported(id, by, detail.to_string()).map_err(verdict_error)?;
    Ok(Export { files, bytes, at })
}

fn row_of(handle: &dyn Handle, id: u64) -> Result<Option<IncidentRow>, HistoryError> {
    let rows = handle.incidents(1, id.checked_add(1))?;
    Ok(rows.into_iter().find(|row| row.id == id))
}

fn in_memory(name: &str, bytes: Vec<u8>) -> Packed {
    Packed {
        name: name.to_owned(),
        bytes: bytes.len() as u64,
        sha256: sha256_of(&bytes),
        content: Content::Bytes(bytes.into()),
    }
}

/// Every part of the video with its files, opened, or with why it is missing; and who was seen where.
fn clips(
    handle: &dyn Handle,
    id: u64,
    sight: Sight,
) -> Result<(Vec<ClipDto>, Vec<Packed>), ApiError> {
    let desk = handle.evidence_desk();
    let rows = desk.evidence(id).map_err(evidence::refused)?.clips;
    let (mut clips, mut packed) = (Vec::new(), Vec::new());
    for row in rows {
        let part = row.part;
        let open = |name: String, which| match desk.clip(id, part, which) {
            Ok(opened) => {
                let sum = sum_of(&row, which).ok_or("its row is gone")?;
                whole(name, opened, sum)
            }
            // It made room since it was listed, or was never there.
            Err(EvidenceError::NoClip(why)) => Err(why),
            Err(error) => Err(error.to_string()),
        };
        let which = match handle.grants().privacy() {
            Privacy::Off => WhichClip::Any,
            Privacy::Persons | Privacy::Heads => WhichClip::Hidden,
        };
        let found = open(format!("clips/{part:02}.mp4"), which);
        let clear = (sight == Sight::Clear)
            .then(|| open(format!("clips/{part:02}.clear.mp4"), WhichClip::Clear));
        let track = desk.track(id, part).ok();
        let track =
            track.map(|json| in_memory(&format!("clips/{part:02}.track.json"), json.into()));
        clips.push(clip_dto(row.clone(), found.as_ref()));
        packed.extend(found.ok());
        packed.extend(clear.and_then(Result::ok));
        packed.extend(track);
    }
    Ok((clips, packed))
}

fn sum_of(row: &ClipRow, which: WhichClip) -> Option<String> {
    let hidden = || row.hidden.as_ref().map(|hidden| hidden.sha256.clone());
    let clear = || row.clear().map(|kept| kept.sha256.clone());
    match which {
        WhichClip::Hidden => hidden(),
        WhichClip::Clear => clear(),
        WhichClip::Any => clear().or_else(hidden),
    }
}

/// A file as long as it was when it was kept. Of another length it would break every archive off.
fn whole(name: String, clip: ClipFile, sha256: String) -> Result<Packed, String> {
    let bytes = clip.bytes;
    match clip.file.metadata() {
        Ok(found) if found.len() == bytes => {
            Ok(Packed { name, bytes, sha256, content: Content::File(Arc::new(clip.file)) })
        }
        Ok(found) => Err(format!("its file has {} bytes, and {bytes} were kept", found.len())),
        Err(error) => Err(format!("its file cannot be looked at: {error}")),
    }
}

fn clip_dto(row: ClipRow, found: Result<&Packed, &String>) -> ClipDto {
    let of = row.kept.as_ref();
    ClipDto {
        part: row.part,
        file: found.ok().map(|packed| packed.name.clone()),
        missing: found.err().cloned(),
        from: of.map(|kept| timestamp(kept.from)),
        to: of.map(|kept| timestamp(kept.to)),
        longest_gap_ms: of.map(|kept| kept.longest_gap_ms),
        codec: row.kept.map(|kept| kept.codec),
    }
}

/// As `sha256sum --check` reads it.
fn sums(files: &[Packed]) -> String {
    let mut text = String::new();
    for Packed { name, sha256, .. } in files {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{sha256}  {name}");
    }
    text
}

impl From<Distances> for DistancesDto {
    fn from(distances: Distances) -> DistancesDto {
        let people = distances.people.into_iter().map(Into::into).collect();
        DistancesDto { residual_m: centimetres(distances.residual_m), people }
    }
}

impl From<PersonDistance> for PersonDto {
    fn from(person: PersonDistance) -> PersonDto {
        PersonDto {
            foot: person.foot_norm,
            camera_m: person.camera_m.map(centimetres),
            edge_m: person.edge.map(|edge| centimetres(edge.metres)),
            side: person.edge.map(|edge| match edge.side {
                Side::Inside => "inside",
                Side::Outside => "outside",
                Side::Line => "line",
            }),
        }
    }
}

/// Nothing is known better.
fn centimetres(metres: f64) -> f64 {
    (metres * 100.0).round() / 100.0
}
