//! Refusals about zones, in the API's shape.

use axum::http::StatusCode;

use crate::guard::handle::{ClerkError, ZoneDeskError, ZonesError};
use crate::telemetry::chain;
use crate::web::error::ApiError;

pub(super) fn zone_error(error: ZoneDeskError) -> ApiError {
    let text = chain(&error);
    let (status, code) = match error {
        ZoneDeskError::Fields(errors) => return ApiError::fields(&text, errors),
        ZoneDeskError::UnknownCamera { .. } => (StatusCode::NOT_FOUND, "unknown_camera"),
        ZoneDeskError::Refused(refusal) => of_store(&refusal),
        ZoneDeskError::AlreadyInForce { .. } => (StatusCode::CONFLICT, "already_in_force"),
        ZoneDeskError::NoNumbers => (StatusCode::CONFLICT, "too_many_zones"),
        ZoneDeskError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        ZoneDeskError::NotTaken | ZoneDeskError::EngineRefused(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "not_taken")
        }
        ZoneDeskError::Unclear => (StatusCode::SERVICE_UNAVAILABLE, "unclear"),
        ZoneDeskError::Clerk(ClerkError::Busy) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        ZoneDeskError::Clerk(ClerkError::Unclear) => (StatusCode::SERVICE_UNAVAILABLE, "unclear"),
        ZoneDeskError::Clerk(ClerkError::Stopping) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        ZoneDeskError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
    };
    ApiError::new(status, code, text)
}

fn of_store(refusal: &ZonesError) -> (StatusCode, &'static str) {
    match refusal {
        ZonesError::NoDraft { .. } => (StatusCode::CONFLICT, "no_draft"),
        ZonesError::DraftChanged => (StatusCode::CONFLICT, "draft_changed"),
        ZonesError::StaleDraft { .. } => (StatusCode::CONFLICT, "stale_draft"),
        ZonesError::NoVersion { .. } => (StatusCode::NOT_FOUND, "unknown_version"),
        ZonesError::WrongState { .. } => (StatusCode::CONFLICT, "wrong_state"),
        ZonesError::StaleVersion { .. } => (StatusCode::CONFLICT, "stale_version"),
        ZonesError::OwnChange { .. } => (StatusCode::FORBIDDEN, "own_change"),
        ZonesError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
    }
}
