//! Accepting connections, so that none can hold the box up: their number is bounded, a request's
//! head must come in time, and a stop is heard by all of them.
//!
//! When all places are taken, a few more connections wait until an idle one has run out of time;
//! whoever waits longer, and everybody beyond those, is told so and not left without an answer.
//! One address has at most half of them, taken or waiting, so that a single machine
//! that opens them faster than they run out cannot keep everybody else out.
//!
//! Not here: routes and what they may do.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, TcpListener as StdListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time;
use tokio_rustls::TlsAcceptor;

use super::access::Peer;
use super::{Encryption, Running, WebError};

/// Longest time for a request's head to arrive, also between two requests of one connection.
/// Short, because an idle connection holds a place that an acknowledgement may need.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that may wait for a place.
const WAITING_MAX: usize = 64;

/// … and for how long: all idle connections have run out of time by then.
const PLACE_WAIT: Duration = Duration::from_secs(6);

/// The answer to whoever gets no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
    content-type: application/json\r\ncache-control: no-store\r\nretry-after: 5\r\n\
    content-length: 90\r\n\r\n\
    {\"error\":{\"code\":\"too_many_connections\",\"message\":\"too many connections; try again soon\"}}";

/// Most bytes of a request's head: the longest path has 200.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What the kernel may hold for one connection, bytes (it doubles the number). Live pictures wait
/// here when a viewer reads slowly: little room means a fresh picture, not a backlog.
const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// After the stop, requests under way get this long.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// After a refused accept (no descriptors left) the next try waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The first byte of every TLS handshake; no HTTP method begins with it.
const HANDSHAKE: u8 = 0x16;

/// What is behind the listener.
#[derive(Clone)]
pub(super) struct Door {
    pub router: Router,
    pub encryption: Encryption,
    /// What the box is called, the best name first.
    pub names: Arc<[String]>,
    /// TCP connections at once. One address has at most half: not fewer, because behind a proxy every
    /// viewer has the same address.
    pub connections_max: usize,
}

/// A connection on its way in.
struct Visit {
    stream: TcpStream,
    peer: Peer,
    door: Door,
    stopping: watch::Receiver<Running>,
    /// Held while it lives.
    _share: Share,
}

/// How many connections each address has.
type Crowd = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

/// One of an address's connections; given back when dropped.
struct Share {
    of: IpAddr,
    crowd: Crowd,
}

impl Share {
    /// `None` when the address has all it may.
    fn take(crowd: &Crowd, of: IpAddr, share_max: usize) -> Option<Share> {
        let mut counts = crowd.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(of).or_insert(0);
        if *count >= share_max {
            return None;
        }
        *count += 1;
        Some(Share { of, crowd: Arc::clone(crowd) })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut counts = self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.of);
            }
        }
    }
}

/// Makes a listener fit for `run`, and refuses one that the outside can reach unencrypted.
pub(super) fn prepare(
    listener: StdListener,
    encryption: &Encryption,
) -> Result<TcpListener, WebError> {
    let address = listener.local_addr().map_err(WebError::Listener)?;
    match encryption {
        Encryption::Plain if !address.ip().is_loopback() => {
            return Err(WebError::NotEncrypted { address });
        }
        Encryption::Plain | Encryption::Tls(_) => {}
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
    door: Door,
    shutdown: impl Future<Output = ()>,
    stop: watch::Sender<Running>,
) {
    let places = Arc::new(Semaphore::new(door.connections_max));
    let crowd = Crowd::default();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            // Only takes away what has ended, so that the set holds no more than is open.
            Some(_ended) = connections.join_next() => continue,
            accepted = accept(&listener) => accepted,
        };
        while connections.try_join_next().is_some() {}
        let Some((stream, peer)) = accepted else { continue };
        let room = connections.len() < door.connections_max + WAITING_MAX;
        let share = Share::take(&crowd, peer.0.to_canonical(), door.connections_max / 2);
        match share.filter(|_share| room) {
            Some(share) => {
                let (door, stopping) = (door.clone(), stop.subscribe());
                let visit = Visit { stream, peer, door, stopping, _share: share };
                connections.spawn(serve_in_place(visit, Arc::clone(&places)));
            }
            None => refuse(stream, &door.encryption),
        }
    }
    drop(listener);
    stop.send_replace(Running::Stopping);
    let drained = async { while connections.join_next().await.is_some() {} };
    if time::timeout(STOP_GRACE, drained).await.is_err() {
        tracing::debug!("connections still open at the end are cut");
    }
}

async fn accept(listener: &TcpListener) -> Option<(TcpStream, Peer)> {
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, Peer(peer.ip()))),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Serves a connection once it has a place. Places are given in the order of asking.
async fn serve_in_place(mut visit: Visit, places: Arc<Semaphore>) {
    let place = tokio::select! {
        place = time::timeout(PLACE_WAIT, places.acquire_owned()) => place,
        _stop = visit.stopping.wait_for(|running| *running == Running::Stopping) => return,
    };
    let Ok(place) = place else {
        return refuse(visit.stream, &visit.door.encryption);
    };
    let Visit { stream, peer, door, stopping, _share } = visit;
    // Small answers go at once; a refusal only costs speed.
    let _ = stream.set_nodelay(true);
    match &door.encryption {
        Encryption::Plain => serve_one(stream, peer, door.router, stopping).await,
        Encryption::Tls(tls) => {
            // A peer that is slow or speaks nonsense loses its place.
            let greeted = time::timeout(HEAD_TIMEOUT, greet(stream, tls, &door)).await;
            if let Ok(Some(stream)) = greeted {
                serve_one(stream, peer, door.router.clone(), stopping).await;
            }
        }
    }
    drop(place);
}

/// The handshake; `None` when there is none. Whoever speaks plain HTTP is told what to do.
async fn greet(
    stream: TcpStream,
    tls: &super::Tls,
    door: &Door,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await.ok()? > 0 && first[0] != HANDSHAKE {
        let port = stream.local_addr().map_or(0, |address| address.port());
        let name = door.names.first().map_or("localhost", String::as_str);
        answer(stream, &plain_spoken(name, port));
        return None;
    }
    match TlsAcceptor::from(tls.config()).accept(stream).await {
        Ok(stream) => Some(stream),
        Err(error) => {
            tracing::debug!(%error, "no TLS with a peer");
            None
        }
    }
}

fn plain_spoken(name: &str, port: u16) -> Vec<u8> {
    let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let text = format!("This port speaks HTTPS only. Open https://{name}:{port}/ instead.\n");
    format!(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
         cache-control: no-store\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    )
    .into_bytes()
}

/// Answers that there is no place, without waiting for anything. Without a handshake nothing can be
/// said under TLS: the connection ends.
fn refuse(stream: TcpStream, encryption: &Encryption) {
    match encryption {
        Encryption::Plain => answer(stream, NO_PLACE),
        Encryption::Tls(_) => drop(stream),
    }
}

/// Says a last word without waiting. The peer may be gone, or not get the answer because it was
/// still talking; then it sees a closed connection.
fn answer(stream: TcpStream, word: &[u8]) {
    let Ok(mut stream) = stream.into_std() else {
        return;
    };
    // What was sent is taken first: closing over unread bytes would take the answer back.
    let mut unread = [0; HEAD_BYTES_MAX];
    let _ = stream.read(&mut unread);
    let _ = stream.write(word);
    let _ = stream.shutdown(Shutdown::Write);
}

async fn serve_one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    mut stopping: watch::Receiver<Running>,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
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
