//! The page and the API, exactly as `docs/reference/api.md` says.
//!
//! Everything here reads one value, the guard's snapshot of now, and asks the guard's handle about
//! the past; the one command is to answer an alarm. Nothing here is on the way of an alarm: when
//! all of this hangs, the siren still sounds.
//!
//! There is no sign-in yet, so the box is reachable from itself only: loopback addresses, loopback
//! host names (`rails`), and no other page's scripts.
//!
//! A snapshot that has not been replaced for [`GUARD_SILENT_MS`] is not served as now: silence of
//! the guard reaches the page as silence, never as an old all-clear.
//!
//! Bounded: connections, viewers, blocking questions, bodies and waiting times; see the constants.
//!
//! Not here: any decision, the store, encryption, roles.

mod dto;
mod error;
mod live;
mod openapi;
mod page;
mod query;
mod rails;
mod routes;
mod server;
mod stream;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};
use tokio::sync::{Semaphore, watch};

use crate::clock;
use crate::engine::time::Instant;
use crate::guard::handle::{Handle, Snapshot};

/// Page streams and live pictures together. A wall screen has five; sixty-four are a mistake
/// somewhere, and each costs a copy of every change.
pub const VIEWERS_MAX: usize = 64;

/// TCP connections at once; more wait in the kernel's queue. Six a browser, beside the viewers.
pub const CONNECTIONS_MAX: usize = 256;

/// Questions to the store at once; more wait for their turn, within [`REQUEST_TIMEOUT`].
pub const QUESTIONS_MAX: usize = 8;

/// Largest request body, bytes: the only body is a name.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// Longest time a plain request may take. The guard answers within one second, the store within
/// two.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Without a new snapshot for so long the guard counts as silent. It replaces it once a second;
/// the page gives up after the same time.
pub const GUARD_SILENT_MS: u64 = 2_500;

/// Why the web side cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error(
        "{address} is not a loopback address: there is no sign-in yet, so the box serves only itself; set `listen` in `[web]` of standclear.toml to 127.0.0.1:8080 or [::1]:8080"
    )]
    NotLoopback { address: SocketAddr },
    #[error(
        "{address} is in use by another program; stop that one, or change `listen` in `[web]` of standclear.toml to a free port"
    )]
    InUse { address: SocketAddr },
    #[error("cannot listen on {address}; change `listen` in `[web]` of standclear.toml")]
    Bind {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("the listening socket cannot be used")]
    Listener(#[source] std::io::Error),
}

/// Listens on a loopback address; port 0 takes a free one.
///
/// # Errors
/// The address is not a loopback address, is in use, or cannot be had.
pub fn bind(address: SocketAddr) -> Result<TcpListener, WebError> {
    if !address.ip().is_loopback() {
        return Err(WebError::NotLoopback { address });
    }
    TcpListener::bind(address).map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => WebError::InUse { address },
        _ => WebError::Bind { address, source },
    })
}

/// Serves until `shutdown` is done; then streams end, and what is under way gets a moment to
/// finish.
///
/// # Errors
/// The listener is not on a loopback address or cannot be used.
pub async fn serve(
    listener: TcpListener,
    handle: Arc<dyn Handle>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WebError> {
    let listener = server::prepare(listener)?;
    let (stop, stopping) = watch::channel(Running::Yes);
    let freshness = watch_freshness(&handle);
    let app = App {
        handle,
        viewers: Arc::new(Semaphore::new(VIEWERS_MAX)),
        questions: Arc::new(Semaphore::new(QUESTIONS_MAX)),
        stopping,
        replaced_at: freshness.replaced_at.clone(),
    };
    server::run(listener, router(app), shutdown, stop).await;
    freshness.task.abort();
    Ok(())
}

/// Method and path of every API route, as served; the OpenAPI document lists the same.
pub fn routes() -> Vec<(&'static str, &'static str)> {
    table().into_iter().map(|route| (route.0, route.1)).collect()
}

/// What every handler holds.
#[derive(Clone)]
pub(crate) struct App {
    handle: Arc<dyn Handle>,
    viewers: Arc<Semaphore>,
    questions: Arc<Semaphore>,
    stopping: watch::Receiver<Running>,
    /// When the snapshot was last replaced, on the monotonic clock.
    replaced_at: watch::Receiver<Instant>,
}

/// Whether the server goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Running {
    Yes,
    Stopping,
}

impl App {
    /// The snapshot of now; the milliseconds of silence when it is too old to be that.
    fn now(&self) -> Result<Arc<Snapshot>, u64> {
        let silent = clock::monotonic().since(*self.replaced_at.borrow());
        let silent_ms = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
        if silent_ms > GUARD_SILENT_MS {
            return Err(silent_ms);
        }
        Ok(self.handle.snapshots().borrow().clone())
    }
}

/// Notes when snapshots are replaced; they carry no monotonic time themselves.
struct Freshness {
    replaced_at: watch::Receiver<Instant>,
    task: tokio::task::JoinHandle<()>,
}

fn watch_freshness(handle: &Arc<dyn Handle>) -> Freshness {
    let (replaced, replaced_at) = watch::channel(clock::monotonic());
    let mut snapshots = handle.snapshots();
    let task = tokio::spawn(async move {
        while snapshots.changed().await.is_ok() {
            replaced.send_replace(clock::monotonic());
        }
    });
    Freshness { replaced_at, task }
}

type RouteEntry = (&'static str, &'static str, MethodRouter<App>);

/// The one list of routes: the router, [`routes`] and the test of the OpenAPI document read it.
fn table() -> Vec<RouteEntry> {
    let timed = || middleware::from_fn(rails::within_time);
    vec![
        ("get", "/api/state", get(routes::state).layer(timed())),
        ("get", "/api/stream", get(stream::stream)),
        ("get", "/api/cameras/{id}/live", get(live::live)),
        ("post", "/api/alarms/{id}/acknowledge", post(routes::acknowledge).layer(timed())),
        ("get", "/api/incidents", get(routes::incidents).layer(timed())),
        ("get", "/api/incidents/{id}/snapshot.jpg", get(routes::snapshot).layer(timed())),
        ("get", "/api/history", get(routes::history).layer(timed())),
        ("get", "/api/openapi.json", get(openapi::document)),
        ("get", "/healthz", get(routes::health)),
    ]
}

fn router(app: App) -> Router {
    let mut router = Router::new();
    for (_method, path, handler) in table() {
        router = router.route(path, handler);
    }
    router
        .fallback(page::page)
        .method_not_allowed_fallback(error::wrong_method)
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(rails::keep_out))
        .layer(middleware::map_response(rails::add_headers))
        .with_state(app)
}
