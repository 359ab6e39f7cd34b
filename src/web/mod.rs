//! The page and the API, exactly as `docs/reference/api.md` says.
//!
//! Everything here reads one value, the guard's snapshot of now, and asks the guard's handle about
//! the past; what may be changed, somebody with the role for it changes (`access`). Nothing here is
//! on the way of an alarm: when all of this hangs, the siren still sounds.
//!
//! Who may use a route stands in the route table, beside the route. Whatever may be reached from
//! outside this machine is encrypted (`tls`), and only under the box's own names (`rails`).
//!
//! A snapshot that has not been replaced for [`GUARD_SILENT_MS`] is not served as now: silence of
//! the guard reaches the page as silence, never as an old all-clear.
//!
//! Bounded: connections, viewers, blocking questions, bodies and waiting times; see the constants.
//!
//! Not here: any decision, the store, what makes a password right.

pub mod access;
mod alarms;
mod channels;
mod dto;
mod error;
mod evidence;
mod examples;
mod handheld;
mod handheld_admin;
mod health;
mod incidents;
mod inputs;
mod live;
mod models;
mod openapi;
mod page;
mod pictures;
mod privacy;
mod query;
mod rails;
mod relays;
mod routes;
mod server;
mod snapshot;
mod stream;
pub mod tls;
mod views;
pub mod walk;
mod zones;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::routing::{MethodRouter, delete, get, patch, post};
use axum::{Router, middleware};
use tokio::sync::{Semaphore, watch};

use crate::clock;
use crate::engine::time::Instant;
use crate::guard::handle::{Handle, Snapshot, When};
use crate::telemetry::chain;

use self::access::{Access, Role};
pub use self::evidence::{DOWNLOADS_MAX, EXPORTS_MAX, READS_MAX};
pub use self::models::MODEL_QUESTIONS_MAX;
pub use self::tls::{Encryption, Tls, TlsError};

/// Page streams and live pictures together. A wall screen has five; sixty-four are a mistake
/// somewhere, and each costs a copy of every change.
pub const VIEWERS_MAX: usize = 64;

/// TCP connections at once; more wait in the kernel's queue. Six a browser, beside the viewers.
pub const CONNECTIONS_MAX: usize = 256;

/// Questions to the store at once; more wait for their turn, within [`REQUEST_TIMEOUT`].
pub const QUESTIONS_MAX: usize = 8;

/// Answers to alarms at once: in a queue of their own, so that no crowd of questions to the store
/// keeps a supervisor from answering.
pub const ANSWERS_MAX: usize = 4;

/// Passwords hashed at once: 19 MiB each, and a core.
pub const PASSWORDS_MAX: usize = 2;

/// How often accounts are tended.
const TEND_EVERY: Duration = Duration::from_secs(60);

/// The certificate is read again, and the audit log's head noted, once in so many times: once a day.
/// Whether the certificate fits the time is asked every time.
const RENEW_EVERY_TENDINGS: u32 = 24 * 60;

/// Largest request body, bytes.
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
        "{address} is not a loopback address, and what leaves this machine must be encrypted; set `tls = true` in `[web]` of standclear.toml, or `listen` to 127.0.0.1:8080"
    )]
    NotEncrypted { address: SocketAddr },
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

/// How the page is served.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names and addresses by which the box may be asked, besides loopback addresses.
    pub names: Vec<String>,
    pub encryption: Encryption,
}

impl Settings {
    /// Plain HTTP under the loopback names.
    pub fn plain() -> Settings {
        let names = tls::LOOPBACK_NAMES.map(str::to_owned).to_vec();
        Settings { names, encryption: Encryption::Plain }
    }
}

/// Listens; port 0 takes a free one.
///
/// # Errors
/// The address is in use, or cannot be had.
pub fn bind(address: SocketAddr) -> Result<TcpListener, WebError> {
    TcpListener::bind(address).map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => WebError::InUse { address },
        _ => WebError::Bind { address, source },
    })
}

/// Serves until `shutdown` is done; then streams end, and what is under way gets a moment to
/// finish.
///
/// # Errors
/// The listener can be reached from outside and is not encrypted, or cannot be used.
pub async fn serve(
    listener: TcpListener,
    handle: Arc<dyn Handle>,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WebError> {
    let running = Served::new(listener, &handle, &settings)?;
    let tending = tokio::spawn(tend(handle, settings.encryption));
    let router = router(running.app.clone());
    running.until(router, CONNECTIONS_MAX, shutdown).await;
    tending.abort();
    Ok(())
}

/// Serves handhelds, until `shutdown` is done; nothing else is reached by this door.
///
/// # Errors
/// The listener can be reached from outside and is not encrypted, or cannot be used.
pub async fn serve_handhelds(
    listener: TcpListener,
    handle: Arc<dyn Handle>,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WebError> {
    let running = Served::new(listener, &handle, &settings)?;
    let router = handheld::router(running.app.clone());
    running.until(router, handheld::CONNECTIONS_MAX, shutdown).await;
    Ok(())
}

/// A server with places of its own.
struct Served {
    app: App,
    listener: tokio::net::TcpListener,
    freshness: Freshness,
    stop: watch::Sender<Running>,
}

impl Served {
    fn new(
        listener: TcpListener,
        handle: &Arc<dyn Handle>,
        settings: &Settings,
    ) -> Result<Served, WebError> {
        let listener = server::prepare(listener, &settings.encryption)?;
        let (stop, stopping) = watch::channel(Running::Yes);
        let freshness = watch_freshness(handle);
        let app = App {
            handle: Arc::clone(handle),
            names: settings.names.clone().into(),
            encryption: settings.encryption.clone(),
            passwords: Arc::new(Semaphore::new(PASSWORDS_MAX)),
            viewers: Arc::new(Semaphore::new(VIEWERS_MAX)),
            questions: Arc::new(Semaphore::new(QUESTIONS_MAX)),
            answers: Arc::new(Semaphore::new(ANSWERS_MAX)),
            evidence: evidence::Places::new(),
            models: models::Places::new(),
            devices: Arc::default(),
            stopping,
            replaced_at: freshness.replaced_at.clone(),
        };
        Ok(Served { app, listener, freshness, stop })
    }

    async fn until(
        self,
        router: Router,
        connections_max: usize,
        shutdown: impl Future<Output = ()>,
    ) {
        let (encryption, names) = (self.app.encryption, self.app.names);
        let door = server::Door { router, encryption, names, connections_max };
        server::run(self.listener, door, shutdown, self.stop).await;
        self.freshness.task.abort();
    }
}

/// Method and path of every API route, as served; the OpenAPI document lists the same.
pub fn routes() -> Vec<(&'static str, &'static str)> {
    table().into_iter().map(|route| (route.0, route.1)).collect()
}

/// Looks after accounts and certificate while the server runs.
async fn tend(handle: Arc<dyn Handle>, encryption: Encryption) {
    let mut ticks = tokio::time::interval(TEND_EVERY);
    for tending in (0..RENEW_EVERY_TENDINGS).cycle() {
        ticks.tick().await;
        let handle = Arc::clone(&handle);
        let encryption = encryption.clone();
        let work = tokio::task::spawn_blocking(move || {
            let accounts = handle.accounts();
            accounts.tend(When::now());
            if tending == 0 {
                match accounts.audit_sentence(clock::monotonic()) {
                    Ok(whole) => tracing::info!("{whole}"),
                    Err(broken) => tracing::error!("{broken}"),
                }
            }
            let Encryption::Tls(tls) = encryption else { return };
            let now = clock::wall();
            let renewed = if tending == 0 { tls.renew(now) } else { tls.renew_if_due(now) };
            if let Err(error) = renewed {
                tracing::error!("the certificate is not renewed: {}", chain(&error));
            }
        });
        // A panic is in the log, and the next minute is another try.
        let _ = work.await;
    }
}

/// What every handler holds.
#[derive(Clone)]
pub(crate) struct App {
    handle: Arc<dyn Handle>,
    /// What the box may be asked as.
    names: Arc<[String]>,
    encryption: Encryption,
    passwords: Arc<Semaphore>,
    viewers: Arc<Semaphore>,
    questions: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    evidence: evidence::Places,
    models: models::Places,
    /// What each handheld has under way.
    devices: Arc<handheld::Devices>,
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
    fn encryption(&self) -> &Encryption {
        &self.encryption
    }

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

pub(crate) type RouteEntry = (&'static str, &'static str, Access, MethodRouter<App>);

/// The one list of routes and of who may use them: the router, [`routes`] and the test of the
/// OpenAPI document read it.
fn table() -> Vec<RouteEntry> {
    use Access::{AtLeast, Inputs, Known, Public, SignedIn};
    use Role::{Admin, Engineer, Supervisor, Viewer};
    use access::{people, session, trail};
    let timed = || middleware::from_fn(rails::within_time);
    let mut table = vec![
        ("get", "/api/state", Known, get(routes::state).layer(timed())),
        ("get", "/api/stream", AtLeast(Viewer), get(stream::stream)),
        ("get", "/api/cameras/{id}/live", AtLeast(Viewer), get(live::live)),
        (
            "post",
            "/api/alarms/{id}/acknowledge",
            AtLeast(Supervisor),
            post(routes::acknowledge).layer(timed()),
        ),
        ("post", "/api/inputs/{name}", Inputs, post(inputs::set).layer(timed())),
        ("get", "/api/incidents", AtLeast(Viewer), get(incidents::list::incidents).layer(timed())),
        (
            "get",
            "/api/incidents/{id}/snapshot.jpg",
            AtLeast(Viewer),
            get(snapshot::snapshot).layer(timed()),
        ),
        ("get", "/api/history", AtLeast(Viewer), get(routes::history).layer(timed())),
        ("get", "/api/openapi.json", AtLeast(Viewer), get(openapi::document)),
        ("get", "/api/pictures", AtLeast(Viewer), get(pictures::pictures)),
        ("get", "/api/relays", AtLeast(Viewer), get(relays::list)),
        ("get", "/api/channels", AtLeast(Viewer), get(channels::list).layer(timed())),
        (
            "post",
            "/api/channels/{name}/test",
            AtLeast(Engineer),
            post(channels::test).layer(timed()),
        ),
        ("get", "/healthz", Public, get(health::health)),
        ("get", "/ca.crt", Public, get(tls::authority_download)),
        ("get", "/api/session", Public, get(session::session)),
        ("post", "/api/setup", Public, post(session::set_up).layer(timed())),
        ("post", "/api/session", Public, post(session::sign_in).layer(timed())),
        ("delete", "/api/session", SignedIn, delete(session::sign_out).layer(timed())),
        ("post", "/api/session/password", SignedIn, post(session::change_password).layer(timed())),
        ("get", "/api/users", AtLeast(Admin), get(people::users)),
        ("post", "/api/users", AtLeast(Admin), post(people::add_user).layer(timed())),
        ("patch", "/api/users/{name}", AtLeast(Admin), patch(people::change_user).layer(timed())),
        ("get", "/api/tokens", AtLeast(Admin), get(people::tokens)),
        ("post", "/api/tokens", AtLeast(Admin), post(people::add_token).layer(timed())),
        ("delete", "/api/tokens/{id}", AtLeast(Admin), delete(people::remove_token).layer(timed())),
        ("get", "/api/audit", AtLeast(Engineer), get(trail::audit).layer(timed())),
    ];
    table.extend(alarms::table());
    table.extend(evidence::table());
    table.extend(examples::table());
    table.extend(incidents::table());
    table.extend(models::table());
    table.extend(privacy::table());
    table.extend(views::table());
    table.extend(zones::table());
    table.extend(walk::table());
    table.extend(handheld_admin::table());
    table
}

fn router(app: App) -> Router {
    let mut router = Router::new();
    for (_method, path, access, handler) in table() {
        let guarded = middleware::from_fn_with_state((app.clone(), access), access::enforce);
        router = router.route(path, handler.route_layer(guarded));
    }
    router
        .fallback(page::page)
        .method_not_allowed_fallback(error::wrong_method)
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(app.clone(), rails::keep_out))
        .layer(middleware::map_response_with_state(app.clone(), rails::add_headers))
        .with_state(app)
}
