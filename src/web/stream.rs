//! `/api/stream`: the state as server-sent events.
//!
//! One event for each replacement of the snapshot, which the guard makes after every change and
//! once a second; several within [`EVENTS_APART`] become one, the newest. Nothing is repeated when
//! the guard is silent: the page must see that. The stream ends when its reader may no longer see.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time;
use tokio_stream::wrappers::ReceiverStream;

use super::access::{ASK_AGAIN, Caller};
use super::dto::StateDto;
use super::error::{ApiError, ErrorBody};
use super::{App, Running, live};

/// At most twenty events a second: faster than anybody sees.
const EVENTS_APART: Duration = Duration::from_millis(50);

/// A reader that takes nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(10);

/// Events under way to one reader; with one, what waits is never older than one event.
const EVENTS_WAITING: usize = 1;

/// The state, at once, after every change and at least once a second.
#[utoipa::path(
    get,
    path = "/api/stream",
    responses(
        (status = 200, description = "`event: state` with the object of `/api/state`", body = StateDto, content_type = "text/event-stream"),
        (status = 503, description = "`too_many_viewers`, or `guard_silent`", body = ErrorBody),
    )
)]
pub(super) async fn stream(
    State(app): State<App>,
    caller: Caller,
) -> Result<impl IntoResponse, ApiError> {
    let place = live::take_place(&app)?;
    app.now().map_err(ApiError::guard_silent)?;
    let (events, waiting) = mpsc::channel(EVENTS_WAITING);
    tokio::spawn(send_states(app, caller, events, place));
    // By itself it would allow a browser to keep who was where.
    Ok(([(header::CACHE_CONTROL, "no-store")], Sse::new(ReceiverStream::new(waiting))))
}

async fn send_states(
    app: App,
    caller: Caller,
    events: mpsc::Sender<Result<Event, Infallible>>,
    _place: OwnedSemaphorePermit,
) {
    let mut snapshots = app.handle.snapshots();
    let mut stopping = app.stopping.clone();
    let mut ask_again = time::interval(ASK_AGAIN);
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        let event = match Event::default().event("state").json_data(StateDto::from(&*snapshot)) {
            Ok(event) => event,
            Err(error) => {
                tracing::error!(%error, "the state could not be written as JSON");
                return;
            }
        };
        let sent = async {
            let delivered =
                matches!(time::timeout(STALLED, events.send(Ok(event))).await, Ok(Ok(())));
            if delivered {
                time::sleep(EVENTS_APART).await;
            }
            delivered && snapshots.changed().await.is_ok()
        };
        let mut sent = std::pin::pin!(sent);
        loop {
            let go_on = tokio::select! {
                go_on = &mut sent => if go_on { break } else { false },
                () = events.closed() => false,
                _stop = stopping.wait_for(|running| *running == Running::Stopping) => false,
                _tick = ask_again.tick() => caller.may_still(&app),
            };
            if !go_on {
                return;
            }
        }
    }
}
