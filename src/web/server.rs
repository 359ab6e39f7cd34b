//! Accepting connections, so that none can hold the box up: their number is bounded, a request's
//! head must come in time, and a stop is heard by all of them.
//!
//! Not here: routes and what they may do.

use std::future::Future;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time;

use super::{CONNECTIONS_MAX, Running, WebError};

/// Longest time for a request's head to arrive, also between two requests of one connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Most bytes of a request's head: the longest path has 200.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What the kernel may hold for one connection, bytes (it doubles the number). Live pictures wait
/// here when a viewer reads slowly: little room means a fresh picture, not a backlog.
const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// After the stop, requests under way get this long.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// After a refused accept (no descriptors left) the next try waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Makes a listener fit for `run`, and refuses one that the outside can reach.
pub(super) fn prepare(listener: StdListener) -> Result<TcpListener, WebError> {
    let address = listener.local_addr().map_err(WebError::Listener)?;
    if !address.ip().is_loopback() {
        return Err(WebError::NotLoopback { address });
    }
    // Accepted sockets inherit it.
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER_BYTES)
        .map_err(|errno| WebError::Listener(errno.into()))?;
    listener.set_nonblocking(true).map_err(WebError::Listener)?;
    TcpListener::from_std(listener).map_err(WebError::Listener)
}

/// Serves until `shutdown`, then tells everybody through `stop` and waits for them a little.
pub(super) async fn run(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    stop: watch::Sender<Running>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            // Only takes away what has ended, so that the set stays as small as the semaphore.
            Some(_ended) = connections.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        if let Some((stream, place)) = accepted {
            let served = serve_one(stream, router.clone(), stop.subscribe());
            connections.spawn(async move {
                served.await;
                drop(place);
            });
        }
    }
    drop(listener);
    stop.send_replace(Running::Stopping);
    let drained = async { while connections.join_next().await.is_some() {} };
    if time::timeout(STOP_GRACE, drained).await.is_err() {
        tracing::debug!("connections still open at the end are cut");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _peer)) => Some((stream, place)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn serve_one(stream: TcpStream, router: Router, mut stopping: watch::Receiver<Running>) {
    // Small answers go at once; a refusal only costs speed.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // The error is the peer's: it went away or spoke nonsense, and has been told so.
    tokio::select! {
        _ended = &mut connection => return,
        _stop = stopping.wait_for(|running| *running == Running::Stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ended = connection.await;
}
