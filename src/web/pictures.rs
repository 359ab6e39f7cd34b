//! How old pictures are when they are acted on, and how many were not looked at, by camera.
//!
//! Not here: the age of the newest picture now; the state says that.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ErrorBody};
use crate::guard::handle::{Camera, age_bounds_ms};

/// Counted since the box started. Two answers' difference says what was between them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PicturesDto {
    uptime_ms: u64,
    /// The upper end of every class of `ages` but the last.
    age_bounds_ms: Vec<f64>,
    cameras: Vec<CameraPicturesDto>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CameraPicturesDto {
    id: String,
    looked_at: u64,
    /// Newer ones came before the detector was free.
    passed_over: u64,
    /// For how long its zones were UNKNOWN.
    unknown_ms: u64,
    /// Null before the first picture.
    age_ms: Option<AgesDto>,
    /// Pictures looked at, by age; the last class has no upper end.
    ages: Vec<u64>,
}

/// From light at the camera to the decision.
#[derive(Debug, Serialize, ToSchema)]
struct AgesDto {
    /// To a tenth, never less than it was.
    p50: f64,
    p99: f64,
    max: f64,
}

/// How pictures came since the start.
#[utoipa::path(
    get,
    path = "/api/pictures",
    responses(
        (status = 200, body = PicturesDto),
        (status = 503, description = "`guard_silent`", body = ErrorBody),
    )
)]
pub(super) async fn pictures(State(app): State<App>) -> Result<Json<PicturesDto>, ApiError> {
    let now = app.now().map_err(ApiError::guard_silent)?;
    Ok(Json(PicturesDto {
        uptime_ms: now.uptime_ms,
        age_bounds_ms: age_bounds_ms().to_vec(),
        cameras: now.cameras.iter().map(Into::into).collect(),
    }))
}

impl From<&Camera> for CameraPicturesDto {
    fn from(camera: &Camera) -> CameraPicturesDto {
        let tally = &camera.pictures;
        let age = |share| tally.age_ms(share);
        CameraPicturesDto {
            id: camera.id.clone(),
            looked_at: tally.looked_at,
            passed_over: tally.passed_over,
            unknown_ms: u64::try_from(tally.unknown.as_millis()).unwrap_or(u64::MAX),
            age_ms: age(0.5).zip(age(0.99)).zip(age(1.0)).map(|((p50, p99), max)| AgesDto {
                p50,
                p99,
                max,
            }),
            ages: tally.ages.to_vec(),
        }
    }
}
