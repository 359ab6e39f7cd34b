//! The guard as a whole: wires the threads, and takes them down again in order.
//!
//! Start: zones, store, what the store remembers, socket; then siren, alarm path, store thread,
//! publisher, painter, vision process, page. What can be wrong before anything runs is an error;
//! what breaks later is an alarm.
//!
//! Stop: vision process first, so that nothing new comes; then alarm path, siren, and last the store
//! thread, which writes everything it was given.

use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;

use super::alarm_path::{self, AlarmPath};
use super::board::Board;
use super::clerk::Clerk;
use super::desk::{ANSWERS_MAX, Desk};
use super::handle::{Handle, SiteInfo};
use super::ledger::Ledger;
use super::live::{self, LiveHub};
use super::message::{INPUTS_MAX, Message};
use super::outbox::Outbox;
use super::records::{Inheritance, SiteNames, inherit};
use super::siren::{NoSiren, SirenOutput, SirenThread};
use super::web_thread::WebThread;
use super::worker::{SupervisorThread, WorkerPlan};
use super::worker_link::Addressees;
use super::{evidence, keeper};
use crate::clock;
use crate::config::{Config, SirenDevice};
use crate::engine::{Engine, Site};
use crate::link::{Source, WorkerCamera, WorkerConfig};
use crate::store::query::StoreReader;
use crate::store::{Store, StoreError};
use crate::zone_file::{SiteZones, ZoneFileError, load_site};

/// What the guard is built with besides the configuration; tests replace it.
pub struct Parts {
    pub siren: Box<dyn SirenOutput>,
    /// Program and arguments of the vision process.
    pub worker_command: Vec<OsString>,
}

impl Parts {
    /// The siren that is configured, and this program as the vision process.
    pub fn of(config: &Config) -> Result<Parts, StartError> {
        let program = std::env::current_exe().map_err(StartError::Program)?;
        Ok(Parts {
            siren: configured_siren(config)?,
            worker_command: vec![program.into(), "vision".into()],
        })
    }
}

/// A guard that runs.
pub struct Guard {
    inputs: SyncSender<Message>,
    desk: Arc<Desk>,
    address: SocketAddr,
    web: WebThread,
    supervisor: SupervisorThread,
    alarm_path: JoinHandle<()>,
    siren: SirenThread,
    /// Publisher, painter and store thread; they end when nobody is left to bring anything.
    followers: Vec<JoinHandle<()>>,
}

/// Why the guard did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the zones cannot be used")]
    Zones(#[source] Box<ZoneFileError>),
    #[error(
        "the video file {path} of camera {camera} is not there; correct its source in {config}",
        path = .path.display(), config = .config.display()
    )]
    NoSuchVideo { camera: String, path: PathBuf, config: PathBuf },
    #[error("incidents cannot be kept in {path}", path = .path.display())]
    Store {
        path: PathBuf,
        #[source]
        source: Box<StoreError>,
    },
    #[error(
        "the disk under {path} is full, so incidents cannot be kept; free at least {} MB and start \
         again",
        crate::store::FREE_BYTES_ADVISED / (1024 * 1024), path = .path.display()
    )]
    StoreFull {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(
        "another program uses {address}; end it, or write another port as web.listen in {config}",
        config = .config.display()
    )]
    AddressInUse { address: SocketAddr, config: PathBuf },
    #[error("the page cannot be served on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("the program cannot find itself to start the vision process")]
    Program(#[source] io::Error),
    #[error("the system does not allow another thread")]
    Thread(#[source] io::Error),
}

impl Guard {
    /// Starts to guard.
    pub fn start(config: &Config, parts: Parts) -> Result<Guard, StartError> {
        let Prepared { names, site, store, reader, inheritance } = Prepared::of(config)?;
        let (listener, address) = listen(config)?;
        let now = clock::monotonic();
        let engine = Engine::new(site, &inheritance.restored, now);
        let ledger = Ledger::restored(&inheritance.alarms);
        let site =
            SiteInfo { name: config.site.name.clone(), time_zone: config.site.time_zone.clone() };
        let mut board = Board::new(names.clone(), site, now);
        let hub = Arc::new(LiveHub::new(Arc::new(board.snapshot(&engine, &ledger, now))));
        let (inputs, received) = mpsc::sync_channel(INPUTS_MAX);
        let (answers, answered) = mpsc::sync_channel(ANSWERS_MAX);
        let (publisher, publications) = live::queue();
        let (painter, tasks) = evidence::queue();
        let (jobs, queued) = mpsc::sync_channel(keeper::QUEUE_MAX);
        let done = Arc::new(AtomicU64::new(0));
        let clerk = Clerk::new(jobs.clone());
        let desk = Arc::new(Desk { hub: hub.clone(), answers, reader, clerk });
        let plan = plan(config, parts.worker_command);
        let store_folder = config.store.path.clone();

        let start = || -> io::Result<Guard> {
            let (siren, siren_thread) = SirenThread::start(parts.siren, inputs.clone())?;
            let addressees = Addressees {
                alarm_path: inputs.clone(),
                publisher: publisher.clone(),
                painter: painter.clone(),
            };
            let (post, supervisor) = SupervisorThread::start(plan, addressees)?;
            let followers = vec![
                live::start(hub.clone(), publications, post.clone())?,
                evidence::start(names.clone(), tasks, jobs.clone())?,
                keeper::start(store, store_folder, queued, inputs.clone(), done.clone())?,
            ];
            let outbox = Outbox::new(jobs, done);
            let path = AlarmPath {
                engine,
                names,
                siren,
                outbox,
                ledger,
                board,
                hub,
                publisher,
                painter,
                post,
            };
            let web = WebThread::start(listener, desk.clone())?;
            Ok(Guard {
                alarm_path: alarm_path::start(path, received, answered)?,
                inputs,
                desk,
                address,
                web,
                supervisor,
                siren: siren_thread,
                followers,
            })
        };
        start().map_err(StartError::Thread)
    }

    /// Where the page is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the web side holds.
    pub fn handle(&self) -> Arc<dyn Handle> {
        self.desk.clone()
    }

    /// Stops guarding; returns when everything is on disk.
    pub fn stop(self) {
        self.web.stop();
        self.supervisor.stop();
        // An error means that the alarm path has ended already.
        let _ = self.inputs.send(Message::Stop);
        let _ = self.alarm_path.join();
        self.siren.stop();
        drop(self.desk);
        for follower in self.followers {
            let _ = follower.join();
        }
    }
}

/// What is read before anything runs.
struct Prepared {
    names: Arc<SiteNames>,
    site: Site,
    store: Store,
    reader: StoreReader,
    inheritance: Inheritance,
}

impl Prepared {
    fn of(config: &Config) -> Result<Prepared, StartError> {
        check_sources(config)?;
        let SiteZones { site, infos, revision } = load_zones(config)?;
        let names = Arc::new(SiteNames::new(config, infos, revision));
        let store_error = |error| store_error(&config.store.path, error);
        let mut store = Store::open(&config.store.path).map_err(store_error)?;
        let remembered = store.restore().map_err(store_error)?;
        let at = clock::wall();
        let mut inheritance = inherit(remembered, &names, at);
        let mut first = vec![names.started(at)];
        first.append(&mut inheritance.records);
        store.write(&first).map_err(store_error)?;
        let reader = store.reader().map_err(store_error)?;
        Ok(Prepared { names, site, store, reader, inheritance })
    }
}

/// A store that was full from the start has nobody who tries again, unlike one that fills up.
fn store_error(folder: &Path, error: StoreError) -> StartError {
    let path = folder.to_owned();
    match error {
        StoreError::Full { source, .. } => StartError::StoreFull { path, source: Box::new(source) },
        error => StartError::Store { path, source: Box::new(error) },
    }
}

/// Loads the zone files of all cameras.
pub fn load_zones(config: &Config) -> Result<SiteZones, StartError> {
    let files: Vec<(String, &Path)> =
        config.cameras.iter().map(|camera| (camera.id.clone(), camera.zones.as_path())).collect();
    load_site(&files).map_err(|error| StartError::Zones(Box::new(error)))
}

/// A file that is not there will not come back by itself, so it is an error at the start.
pub fn check_sources(config: &Config) -> Result<(), StartError> {
    for camera in &config.cameras {
        if let Source::File { path, .. } = &camera.source
            && !Path::new(path).is_file()
        {
            return Err(StartError::NoSuchVideo {
                camera: camera.id.clone(),
                path: path.into(),
                config: config.file.clone(),
            });
        }
    }
    Ok(())
}

/// What the vision process is told, from the configuration.
pub fn worker_config(config: &Config) -> WorkerConfig {
    let cameras = config.cameras.iter().map(|camera| WorkerCamera {
        id: camera.id.clone(),
        source: camera.source.clone(),
        fps: camera.fps,
    });
    WorkerConfig {
        model_dir: config.model.dir.display().to_string(),
        threads: config.model.threads,
        input_long_side_px: config.model.input_long_side_px,
        provider: config.model.provider.clone(),
        cameras: cameras.collect(),
    }
}

fn plan(config: &Config, command: Vec<OsString>) -> WorkerPlan {
    WorkerPlan { command, config: worker_config(config) }
}

fn listen(config: &Config) -> Result<(TcpListener, SocketAddr), StartError> {
    let address = config.web.listen;
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => {
            StartError::AddressInUse { address, config: config.file.clone() }
        }
        _ => StartError::Listen { address, source },
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn configured_siren(config: &Config) -> Result<Box<dyn SirenOutput>, StartError> {
    if config.siren.device == SirenDevice::None {
        let reason = "this box has no siren (siren.device = \"none\")";
        return Ok(Box::new(NoSiren { reason }));
    }
    sound_card(config)
}

#[cfg(feature = "sound")]
fn sound_card(config: &Config) -> Result<Box<dyn SirenOutput>, StartError> {
    let siren = &config.siren;
    let card = super::sound_card::SoundCard::open(&siren.device, siren.volume);
    Ok(Box::new(card.map_err(StartError::Thread)?))
}

#[cfg(not(feature = "sound"))]
fn sound_card(_config: &Config) -> Result<Box<dyn SirenOutput>, StartError> {
    let reason = "this program was built without sound";
    Ok(Box::new(NoSiren { reason }))
}
