//! The API's description for programs, made from the routes' own signatures.

use axum::Json;
use utoipa::OpenApi;

use super::{live, routes, stream};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Standclear",
        description = "Camera to siren in under two seconds: what the box sees, says and remembers. \
            A supplementary warning system, not electro-sensitive protective equipment."
    ),
    paths(
        routes::state,
        stream::stream,
        live::live,
        routes::acknowledge,
        routes::incidents,
        routes::snapshot,
        routes::history,
        document,
        routes::health,
    )
)]
struct Description;

/// This document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object))
)]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
