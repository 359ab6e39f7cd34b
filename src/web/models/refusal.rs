//! Why nothing was done with a model or an example, as the API says it.

use axum::http::StatusCode;

use crate::guard::handle::ClerkError;
use crate::guard::handle::examples::ExampleError;
use crate::guard::handle::models::ModelError;
use crate::guard::handle::shadowing::ShadowError;
use crate::telemetry::chain;
use crate::web::error::ApiError;
use crate::web::routes::store_error;

pub(super) fn of_model(error: ModelError) -> ApiError {
    let text = chain(&error);
    let (status, code) = match error {
        ModelError::Refused(refusal) => (StatusCode::UNPROCESSABLE_ENTITY, refusal.code()),
        ModelError::Useless { code, .. } => (StatusCode::UNPROCESSABLE_ENTITY, code),
        ModelError::Conflict { code, .. } => (StatusCode::CONFLICT, code),
        ModelError::NoSuchPackage(_) => (StatusCode::NOT_FOUND, "unknown_model"),
        ModelError::Source(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unreadable"),
        ModelError::Disk(_) => (StatusCode::INSUFFICIENT_STORAGE, "disk"),
        ModelError::Busy => (StatusCode::CONFLICT, "busy"),
        ModelError::History(error) => return store_error(error),
        ModelError::Clerk(error) => return of_clerk(error),
    };
    ApiError::new(status, code, text)
}

pub(super) fn of_shadow(error: ShadowError) -> ApiError {
    let text = chain(&error);
    let code = match error {
        ShadowError::NoCase(_) => "unknown_case",
        ShadowError::NoPicture(..) => "no_picture",
        ShadowError::NoClip(..) => "no_clip",
        ShadowError::NoCandidate => "no_candidate",
        ShadowError::NotKept => {
            return ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "store", text);
        }
        ShadowError::History(error) => return store_error(error),
        ShadowError::Clerk(error) => return of_clerk(error),
    };
    ApiError::new(StatusCode::NOT_FOUND, code, text)
}

pub(in crate::web) fn of_example(error: ExampleError) -> ApiError {
    let text = chain(&error);
    let (status, code) = match error {
        ExampleError::NoExample(_) => (StatusCode::NOT_FOUND, "unknown_example"),
        ExampleError::NoPicture(..) => (StatusCode::NOT_FOUND, "no_picture"),
        ExampleError::BadImport(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad_import"),
        ExampleError::Export(_) => (StatusCode::SERVICE_UNAVAILABLE, "export"),
        ExampleError::NotKept(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
        ExampleError::History(error) => return store_error(error),
        ExampleError::Clerk(error) => return of_clerk(error),
    };
    ApiError::new(status, code, text)
}

fn of_clerk(error: ClerkError) -> ApiError {
    let code = match error {
        ClerkError::Busy => "busy",
        ClerkError::Unclear => "unclear",
        ClerkError::Stopping => "stopping",
    };
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, error.to_string())
}
