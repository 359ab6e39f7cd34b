//! The picture of an incident, as it was kept or smaller for a list.
//!
//! What everybody may see a browser keeps, and asks each time whether it still may: whoever has
//! signed out finds nothing in its cache. A clear picture it does not keep.
//! Not here: who hides people in it (the guard), pictures for handhelds (`handheld::pictures`).

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, ImageResult};
use tokio::sync::Semaphore;

use super::App;
use super::access::Caller;
use super::error::{ApiError, ErrorBody};
use super::privacy::{self, Sight};
use super::query::{Numbers, Pairs, path_number};
use super::routes::{ask, store_error};
use crate::digest::sha256_of;
use crate::guard::handle::Privacy;

/// Widths that may be asked for: less is no picture, more is not a list's.
const WIDTH_PX_MIN: u64 = 64;
const WIDTH_PX_MAX: u64 = 1280;

/// Of a small picture: artefacts of this quality are not seen at its size.
const SMALL_QUALITY: u8 = 80;

/// Pictures made smaller at once: a list of fifty must leave the processors to those who watch.
static MADE_SMALLER: Semaphore = Semaphore::const_new(2);

/// The picture of the frame that raised an incident.
#[utoipa::path(
    get,
    path = "/api/incidents/{id}/snapshot.jpg",
    params(
        ("id" = u64, Path, description = "Incident number"),
        ("picture" = Option<String>, Query, description = "`clear`, for whoever was granted clear pictures; else people are pixelated"),
        ("width" = Option<u64>, Query, minimum = 64, maximum = 1280, description = "Made smaller to so many pixels; never larger"),
    ),
    responses(
        (status = 200, description = "JPEG with boxes, foot points and zones", content_type = "image/jpeg", body = Vec<u8>),
        (status = 304, description = "`If-None-Match` names it: the browser has it"),
        (status = 403, description = "`clear_not_granted`", body = ErrorBody),
        (status = 404, description = "`no_snapshot`: none (yet), or only a clear one", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`store`, `busy`, `too_slow`", body = ErrorBody),
    )
)]
pub(super) async fn snapshot(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
    asked: HeaderMap,
) -> Result<Response, ApiError> {
    let id = path_number(path)?;
    let (sight, width_px) = parse(pairs)?;
    let jpeg = match sight {
        Sight::Shown => ask(&app, move |handle| handle.incident_snapshot(id)).await?,
        Sight::Clear => {
            privacy::look(&app, &caller, format!("incident {id}")).await?;
            ask(&app, move |handle| handle.clear_snapshot(id)).await?
        }
    };
    let Some(jpeg) = jpeg.map_err(store_error)? else {
        let message =
            format!("there is no picture of incident {id} that may be shown (yet, or no more)");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "no_snapshot", message));
    };
    let kind = (header::CONTENT_TYPE, "image/jpeg".to_owned());
    // Where nobody is hidden, what everybody sees is clear too.
    if sight == Sight::Clear || app.handle.grants().privacy() == Privacy::Off {
        return Ok(([kind], smaller(jpeg.into(), width_px).await).into_response());
    }
    let width = width_px.map_or_else(|| "whole".to_owned(), |px| px.to_string());
    let tag = format!("\"{}-{width}\"", sha256_of(&jpeg));
    let kept = [
        kind,
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    let known =
        asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    if known {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    Ok((kept, smaller(jpeg.into(), width_px).await).into_response())
}

/// `?picture=clear&width=320`, either or both.
fn parse(pairs: Pairs) -> Result<(Sight, Option<u32>), ApiError> {
    let Ok(Query(pairs)) = pairs else {
        return Ok((privacy::sight(pairs)?, None));
    };
    let (widths, rest): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| name == "width");
    let widths = Numbers::parse(Ok(Query(widths)), &[("width", WIDTH_PX_MIN..=WIDTH_PX_MAX)])?;
    let width_px = widths.get("width").and_then(|px| u32::try_from(px).ok());
    Ok((privacy::sight(Ok(Query(rest)))?, width_px))
}

/// The picture so wide; as it is where that is not smaller, or where none can be made.
async fn smaller(jpeg: Bytes, width_px: Option<u32>) -> Bytes {
    let Some(width_px) = width_px else { return jpeg };
    let Ok(turn) = MADE_SMALLER.acquire().await else { return jpeg };
    let whole = jpeg.clone();
    let shrunk = move || {
        let made = shrink(&whole, width_px);
        // A request that was given up does not end the work, nor give its place to the next.
        drop(turn);
        made
    };
    let made = tokio::task::spawn_blocking(shrunk).await;
    match made {
        Ok(Ok(Some(small))) => small.into(),
        Ok(Ok(None)) => jpeg,
        Ok(Err(error)) => {
            tracing::warn!(%error, "a picture cannot be made smaller and is sent as it is");
            jpeg
        }
        Err(error) => {
            tracing::error!(%error, "making a picture smaller panicked; it is sent as it is");
            jpeg
        }
    }
}

/// None when it is not wider than that.
fn shrink(jpeg: &[u8], width_px: u32) -> ImageResult<Option<Vec<u8>>> {
    let whole = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg)?;
    if whole.width() <= width_px {
        return Ok(None);
    }
    let small = whole.thumbnail(width_px, whole.height()).into_rgb8();
    let mut bytes = Vec::new();
    small.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, SMALL_QUALITY))?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 90]));
        picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 95)).expect("encoded");
        bytes
    }

    #[test]
    fn a_small_picture_keeps_the_shape_and_is_never_larger_than_the_one_kept() {
        let whole = jpeg(1280, 720);
        let small = shrink(&whole, 320).expect("it is a JPEG").expect("it is wider");
        let read = image::load_from_memory(&small).expect("a JPEG again");
        assert_eq!((read.width(), read.height()), (320, 180));
        assert!(small.len() * 4 < whole.len(), "{} of {}", small.len(), whole.len());
        assert!(shrink(&jpeg(320, 240), 320).expect("it is a JPEG").is_none());
        assert!(shrink(b"no jpeg", 320).is_err());
    }
}
