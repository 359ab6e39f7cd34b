//! Pictures for handhelds: to whoever shows the ticket of an open line.
//!
//! A ticket is in the address because a browser can give no header to a picture or a socket; it is
//! over with its line.

use axum::extract::rejection::PathRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::web::error::ApiError;
use crate::web::query::{Pairs, path_number, path_text};
use crate::web::{App, live, routes};

/// Live pictures of a camera, as the operator's page has them.
pub(super) async fn live(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let ticket = ticket(&app, pairs)?;
    let camera = path_text(path)?;
    let may_still = move |app: &App| app.handle.handheld_desk().has_ticket(&ticket);
    let receiver = app.handle.live(&camera);
    let viewer = live::Viewer { receiver, over: live::SIGNED_OUT };
    live::open(&app, &camera, viewer, upgrade, may_still)
}

/// The picture that raised an incident.
pub(super) async fn snapshot(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
) -> Result<impl IntoResponse, ApiError> {
    ticket(&app, pairs)?;
    let id = path_number(path)?;
    let jpeg = routes::ask(&app, move |handle| handle.incident_snapshot(id)).await?;
    match jpeg.map_err(routes::store_error)? {
        Some(jpeg) => Ok(([(header::CONTENT_TYPE, "image/jpeg")], jpeg)),
        None => {
            let message = format!("there is no picture of incident {id} (yet, or no more)");
            Err(ApiError::new(StatusCode::NOT_FOUND, "no_snapshot", message))
        }
    }
}

fn ticket(app: &App, pairs: Pairs) -> Result<String, ApiError> {
    let pairs = pairs.map(|pairs| pairs.0).unwrap_or_default();
    let shown = pairs.into_iter().find(|(name, _)| name == "ticket").map(|(_, ticket)| ticket);
    let valid = shown.filter(|ticket| app.handle.handheld_desk().has_ticket(ticket));
    valid.ok_or_else(|| {
        let message = "this takes the `ticket` of a handheld's open connection";
        ApiError::new(StatusCode::UNAUTHORIZED, "ticket_needed", message)
    })
}
