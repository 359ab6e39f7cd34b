//! `/api/cameras/{id}/live`: pictures with what was seen in them, over a WebSocket.
//!
//! Each message: `u32` big-endian length of a JSON header, the header, a JPEG. Newest wins: while a
//! picture is under way, only the newest of those that come meanwhile is kept. People in them are
//! pixelated, unless somebody with a grant asks for clear ones.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time;

use super::access::{ASK_AGAIN, Caller};
use super::dto::PictureDto;
use super::error::{ApiError, ErrorBody};
use super::privacy::{self, Sight};
use super::query::{Pairs, path_text};
use super::{App, Running, VIEWERS_MAX};
use crate::clock;
use crate::guard::handle::{LivePicture, LiveReceiver, Snapshot};

/// A viewer that takes nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(5);

/// Viewers have nothing to say; what they send is read away, and may not be long.
const FROM_VIEWER_BYTES_MAX: usize = 4 * 1024;

/// One picture may wait inside the socket's own buffer, whole.
const PICTURE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a viewer's pictures end before the box does.
pub(super) const SIGNED_OUT: &str = "signed out";
const CLEAR_ENDED: &str = "clear pictures have ended";

/// What a viewer gets, and what they are told when they may see it no longer.
pub(super) struct Viewer<R> {
    pub receiver: R,
    pub over: &'static str,
}

/// Pictures of a camera as binary WebSocket messages; see docs/reference/api.md for the framing.
#[utoipa::path(
    get,
    path = "/api/cameras/{id}/live",
    params(
        ("id" = String, Path, description = "Camera id"),
        ("picture" = Option<String>, Query, description = "`clear`, for whoever was granted clear pictures; else people are pixelated"),
    ),
    responses(
        (status = 101, description = "WebSocket; each binary message: `u32` big-endian header length, header (JSON), JPEG", body = PictureDto),
        (status = 400, description = "`websocket_expected`", body = ErrorBody),
        (status = 403, description = "`wrong_origin`, `clear_not_granted`", body = ErrorBody),
        (status = 404, description = "`unknown_camera`", body = ErrorBody),
        (status = 422, description = "`bad_request`, names the parameter", body = ErrorBody),
        (status = 503, description = "`too_many_viewers`; `busy`, `store`: a look at clear pictures could not be logged", body = ErrorBody),
    )
)]
pub(super) async fn live(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    pairs: Pairs,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let camera = path_text(path)?;
    match privacy::sight(pairs)? {
        Sight::Shown => {
            let receiver = app.handle.live(&camera);
            let viewer = Viewer { receiver, over: SIGNED_OUT };
            open(&app, &camera, viewer, upgrade, move |app| caller.may_still(app))
        }
        Sight::Clear => {
            privacy::look(&app, &caller, format!("camera {camera} live")).await?;
            let receiver = app.handle.live_clear(&camera);
            let may_still = move |app: &App| privacy::may_still_see(app, &caller, Sight::Clear);
            open(&app, &camera, Viewer { receiver, over: CLEAR_ENDED }, upgrade, may_still)
        }
    }
}

/// A viewer's socket, for as long as it may see.
pub(super) fn open(
    app: &App,
    camera: &str,
    viewer: Viewer<Option<LiveReceiver>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    may_still: impl Fn(&App) -> bool + Send + Sync + 'static,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(websocket_expected)?;
    let place = take_place(app)?;
    let Viewer { receiver, over } = viewer;
    let Some(receiver) = receiver else {
        let message = format!("there is no camera {camera:?}; /api/state lists those there are");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "unknown_camera", message));
    };
    let app = app.clone();
    Ok(upgrade
        .max_message_size(FROM_VIEWER_BYTES_MAX)
        .max_frame_size(FROM_VIEWER_BYTES_MAX)
        .write_buffer_size(0)
        .max_write_buffer_size(PICTURE_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            show(socket, app, may_still, Viewer { receiver, over }).await;
            drop(place);
        }))
}

/// 400.
pub(super) fn websocket_expected(rejection: WebSocketUpgradeRejection) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "websocket_expected",
        format!("this is a WebSocket: {}", rejection.body_text()),
    )
}

/// A place among the viewers, given back when dropped.
pub(super) fn take_place(app: &App) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(&app.viewers).try_acquire_owned().map_err(|_full| {
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_viewers",
            format!("{VIEWERS_MAX} pages and pictures are open already; close one and try again"),
        )
    })
}

async fn show(
    mut socket: WebSocket,
    app: App,
    may_still: impl Fn(&App) -> bool,
    mut viewer: Viewer<LiveReceiver>,
) {
    let mut stopping = app.stopping.clone();
    let mut ask_again = time::interval(ASK_AGAIN);
    let mut goodbye = (close_code::AWAY, "the box stops or the camera is gone");
    // A picture that was made before this viewer came may be old: the next one is due at once.
    loop {
        tokio::select! {
            changed = viewer.receiver.pictures.changed() => if changed.is_err() { break },
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            _tick = ask_again.tick() => if may_still(&app) {
                continue;
            } else {
                goodbye = (close_code::POLICY, viewer.over);
                break;
            },
            _stop = stopping.wait_for(|running| *running == Running::Stopping) => break,
        }
        let picture = viewer.receiver.pictures.borrow_and_update().clone();
        let Some(picture) = picture else { continue };
        // Not only once a second: a grant that has ended shows no more picture.
        if !may_still(&app) {
            goodbye = (close_code::POLICY, viewer.over);
            break;
        }
        let snapshot = app.handle.snapshots().borrow().clone();
        let Some(message) = frame(&picture, &snapshot) else {
            continue;
        };
        match time::timeout(STALLED, socket.send(Message::binary(message))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
    let close = Message::Close(Some(CloseFrame { code: goodbye.0, reason: goodbye.1.into() }));
    let _ = time::timeout(STALLED, socket.send(close)).await;
}

/// `None` when the header cannot be written, which would be a bug; the next picture may do.
fn frame(picture: &LivePicture, snapshot: &Snapshot) -> Option<Vec<u8>> {
    let header = PictureDto::of(picture, snapshot, clock::monotonic());
    let header = match serde_json::to_vec(&header) {
        Ok(header) => header,
        Err(error) => {
            tracing::error!(%error, "a picture's header could not be written as JSON");
            return None;
        }
    };
    let length = u32::try_from(header.len()).ok()?;
    let mut message = Vec::with_capacity(4 + header.len() + picture.jpeg.len());
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(&header);
    message.extend_from_slice(&picture.jpeg);
    Some(message)
}
