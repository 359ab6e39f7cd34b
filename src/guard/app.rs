//! The guard as a whole: wires the threads, and takes them down again in order.
//!
//! Start: zones, store, what the store remembers, socket; then siren, alarm path, store thread,
//! publisher, painter, vision process, page. What can be wrong before anything runs is an error;
//! what breaks later is an alarm.
//!
//! Stop: vision process first, so that nothing new comes; then alarm path, siren, and last the store
//! thread, which writes everything it was given, unless its disk hangs (`followers`).

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Duration;

use super::accounts::password::HashError;
use super::alarm_path::{self, AlarmPath};
use super::annunciators::{AnnunciatorThreads, Annunciators};
use super::channels::{ChannelThreads, Channels};
use super::clerk::Clerk;
use super::clips::{self, ClipDesk};
use super::desk::Desk;
use super::doors::Doors;
use super::handhelds::start::{HandheldFront, HandheldThreads};
use super::handle::{Grants, Handle, Verdicts, When};
use super::handover::Handover;
use super::keeping::{Keeping, KeptParts, StoreEnds};
use super::live;
use super::machine::{Machine, MachineEnds, MachineThreads};
use super::message::Message;
use super::models::Rollout;
use super::models::bank::desk::ExampleDesk;
use super::models::shadow::{ShadowPost, ShadowSlot};
use super::models::start::ModelsFront;
pub use super::parts::Parts;
use super::prepared::Prepared;
use super::reserve;
use super::siren::voices::VoicesError;
use super::vision_side::{Queued, Told, VisionParts, VisionThreads};
use super::walk::WalkThread;
use super::web_thread::{Pages, WebThread};
use super::wiring::{Front, Mind, Queues, Walks, accounts_of, zone_desk};
use super::zones::ZoneThread;
use crate::clock;
use crate::config::Config;
use crate::engine::IncidentId;
use crate::link::{Source, ToWorker};
use crate::store::StoreError;
use crate::store::walk::WalkError;
use crate::store::zones::ZonesError;
use crate::web::{Settings, TlsError};
use crate::zone_file::{SiteContext, SiteZones, ZoneFileError, load_site_at};

/// So long after the end of the box began, a store that hangs is left behind.
pub const END_MAX: Duration = Duration::from_secs(8);

/// A guard that runs.
pub struct Guard {
    inputs: SyncSender<Message>,
    desk: Arc<Desk>,
    address: SocketAddr,
    setup_code: Option<String>,
    settings: Settings,
    web: WebThread,
    handhelds: HandheldThreads,
    vision: VisionThreads,
    alarm_path: JoinHandle<()>,
    annunciators: AnnunciatorThreads,
    machine: MachineThreads,
    zones: ZoneThread,
    walk: WalkThread,
    channels: ChannelThreads,
    keeping: Keeping,
    /// The publisher; it ends when nobody is left to bring anything.
    publishing: JoinHandle<()>,
}

/// Why the guard did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the zones cannot be used")]
    Zones(#[source] Box<ZoneFileError>),
    #[error("the zones cannot be kept")]
    ZonesNotKept(#[source] ZonesError),
    #[error("a walk test that was left running cannot be closed")]
    WalkTests(#[source] WalkError),
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
        "another program uses {address}; end it, or write another port as {key} in {config}",
        config = .config.display()
    )]
    AddressInUse { address: SocketAddr, key: &'static str, config: PathBuf },
    #[error("nothing can be served on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("what the cameras' views are held against cannot be read")]
    Views(#[source] crate::store::query::HistoryError),
    #[error("the page cannot be encrypted")]
    Tls(#[source] Box<TlsError>),
    #[error("nobody could sign in")]
    Accounts(#[source] HashError),
    #[error("the program cannot find itself to start the vision process")]
    Program(#[source] io::Error),
    #[error("the spoken zone names cannot be used")]
    Voices(#[source] VoicesError),
    #[error("the system does not allow another thread")]
    Thread(#[source] io::Error),
}

impl Guard {
    /// Starts to guard.
    pub fn start(config: &Config, parts: Parts) -> Result<Guard, StartError> {
        Guard::launch(config, parts, None)
    }

    /// The same with somebody else than the keeper of models who leads a roll-out.
    pub fn start_with(config: &Config, parts: Parts, by: Rollout) -> Result<Guard, StartError> {
        Guard::launch(config, parts, Some(by))
    }

    fn launch(config: &Config, parts: Parts, by: Option<Rollout>) -> Result<Guard, StartError> {
        let Prepared {
            names,
            site,
            documents,
            store,
            reader,
            readers,
            inheritance,
            life,
            accounts,
            audit,
            channels,
            handhelds,
        } = reserve::with_room(&config.store.path, || Prepared::of(config))?;
        let Doors { listener, address, settings, handhelds: handheld_door } = Doors::open(config)?;
        let mut mind = Mind::of(config, names, site, &inheritance, life);
        let queues = Queues::new();
        let clerk = Clerk::new(queues.jobs.clone());
        let views = mind.views(config, &reader, clerk.clone()).map_err(StartError::Views)?;
        let (accounts, setup_code) = accounts_of(accounts, audit, &clerk)?;
        let grants = Grants::new(config.privacy, clerk.clone(), accounts.clone());
        let (rules, last_alive) = (mind.names.rules(), inheritance.last_alive);
        let (machine, MachineEnds { door, post: arming, hold }) =
            Machine::of(config, rules, last_alive, queues.inputs.clone());
        let slot = ShadowSlot::of(config, readers.shadow, clerk.clone());
        let models = ModelsFront::of(config, &store, &clerk, (&parts, last_alive), slot.desk())
            .map_err(|error| StartError::of_store(&config.store.path, error))?;
        let zones = zone_desk(config, &mind, documents, readers.zones, &queues);
        let channels = Channels::new(config, channels, (&mind.hub, &queues.answers), clerk.clone());
        let handhelds = HandheldFront::of(config, handheld_door, handhelds, &clerk, &queues);
        let walks = Walks::of(config, &mind, &queues, zones.clone(), clerk, readers.walks, hold);
        let desk = Arc::new(Desk {
            hub: mind.hub.clone(),
            answers: queues.answers.clone(),
            reader,
            accounts,
            inputs: door,
            zones: zones.clone(),
            walk: walks.desk.clone(),
            channels: channels.desk.clone(),
            handhelds: handhelds.desk.clone(),
            evidence: ClipDesk::of(config, readers.evidence, Clerk::new(queues.jobs.clone())),
            verdicts: Verdicts::new(Clerk::new(queues.jobs.clone())),
            grants,
            views: views.clone(),
            models: models.desk.clone(),
            shadow: slot.desk(),
            examples: ExampleDesk::of(config, readers.examples, Clerk::new(queues.jobs.clone()))
                .with_zones(mind.hub.clone()),
        });
        let front = Front {
            listener,
            address,
            settings,
            setup_code,
            desk,
            zones,
            machine,
            arming,
            walks,
            channels,
            handhelds,
            slot,
        };
        let earlier = IncidentId(inheritance.restored.last_incident);
        let bank = (readers.bank, mind.hub.clone());
        let kept = KeptParts::of(config, (store, earlier), views.clone(), bank);
        let vision = VisionParts::of(config, models.led(by), parts.worker_command, views);
        let sounding = Annunciators::of(config, parts.siren);
        Guard::run(front, mind, queues, kept, sounding, vision).map_err(StartError::Thread)
    }

    /// Starts the threads, the siren first.
    fn run(
        front: Front,
        mind: Mind,
        queues: Queues,
        kept: KeptParts,
        sounding: Annunciators,
        vision: VisionParts,
    ) -> io::Result<Guard> {
        let Front { listener, address, settings, setup_code, desk, .. } = front;
        let (privacy, views) = (desk.grants.privacy(), desk.views.clone());
        let Front { zones, machine, arming, walks, channels, handhelds, slot, .. } = front;
        let Mind { engine, names, ledger, board, hub, detail } = mind;
        let inputs = queues.inputs;
        let (told, Queued { publications, paintings, clip_tasks, banked }) = Told::queues(&inputs);
        let Told { publisher, painter, clips, bank, .. } = told.clone();
        let (sightings, seen, watching) = clips::start_sightings(&names)?;
        let done = Arc::new(AtomicU64::new(0));
        let (orders, annunciators) = sounding.start(&inputs)?;
        let (post, shadow, vision) = vision.start(slot, told, seen.clone())?;
        let publishing =
            live::start(hub.clone(), publications, post.clone(), channels.desk.faces(), privacy)?;
        let ends = StoreEnds {
            jobs: queues.jobs.clone(),
            queued: queues.queued,
            reports: inputs.clone(),
            done: done.clone(),
        };
        let (clip_queue, seen) = ((clips.clone(), clip_tasks), (seen, watching));
        let banked = (bank.clone(), banked);
        let keeping =
            Keeping::start(kept, paintings, clip_queue, banked, seen, post.clone(), ends)?;
        let handhelds = handhelds.start(desk.clone(), hub.clone())?;
        let path = AlarmPath {
            engine,
            names,
            siren: orders.siren,
            relays: orders.relays,
            clerk: Clerk::new(queues.jobs.clone()),
            handover: Handover::new(queues.jobs, done),
            ledger,
            board,
            hub,
            publisher,
            painter,
            clips,
            sightings,
            bank,
            post,
            arming,
            tap: walks.tap,
            detail,
            pager: handhelds.pager(),
            views,
            shadow,
        };
        Ok(Guard {
            web: WebThread::start(listener, desk.clone(), settings.clone(), Pages::Operator)?,
            handhelds,
            alarm_path: alarm_path::start(path, queues.received, queues.answered)?,
            inputs,
            desk,
            address,
            setup_code,
            settings,
            vision,
            annunciators,
            machine: machine.start()?,
            zones: ZoneThread::start(zones)?,
            walk: WalkThread::start(walks.desk, walks.observations)?,
            channels: channels.start()?,
            keeping,
            publishing,
        })
    }

    /// Where the page is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where handhelds connect, if they do.
    pub fn handheld_address(&self) -> Option<SocketAddr> {
        self.handhelds.address()
    }

    /// How the page is served.
    pub fn web_settings(&self) -> &Settings {
        &self.settings
    }

    /// What makes the first admin, while there is none.
    pub fn setup_code(&self) -> Option<&str> {
        self.setup_code.as_deref()
    }

    /// What the web side holds.
    pub fn handle(&self) -> Arc<dyn Handle> {
        self.desk.clone()
    }

    /// Tells the vision process, if there is one and room: for whoever leads a roll-out.
    pub fn tell_vision(&self, message: ToWorker) {
        self.vision.tell(message);
    }

    /// Sets which model looks beside the one that guards.
    pub fn shadow(&self) -> &ShadowPost {
        self.desk.shadow.post()
    }

    /// Disarms nothing from now on: what is off by schedule or by a machine is armed when its lease
    /// runs out.
    pub fn stop_arming(&self) {
        self.machine.stop_arming();
    }

    /// Stops guarding; returns when everything is on disk, or the disk hangs.
    pub fn stop(self) {
        let began = clock::monotonic();
        self.machine.stop();
        self.web.stop();
        let receipts = self.handhelds.stop();
        self.zones.stop();
        // While there is somebody to write the clips of what is under way.
        let followers = self.keeping.stop_clips();
        self.vision.stop();
        // An error means that the alarm path has ended already.
        let _ = self.inputs.send(Message::Stop);
        let _ = self.alarm_path.join();
        self.walk.join();
        self.annunciators.stop();
        self.channels.stop();
        self.desk.accounts.tend(When::now());
        drop(self.desk);
        let _ = receipts.join();
        let _ = self.publishing.join();
        followers.join(began.after(END_MAX));
    }
}

impl StartError {
    /// A store that was full from the start has nobody who tries again, unlike one that fills up.
    pub(super) fn of_store(folder: &Path, error: StoreError) -> StartError {
        let path = folder.to_owned();
        match error {
            StoreError::Full { source, .. } => {
                StartError::StoreFull { path, source: Box::new(source) }
            }
            error => StartError::Store { path, source: Box::new(error) },
        }
    }
}

/// Loads the zone files of all cameras.
pub fn load_zones(config: &Config) -> Result<SiteZones, StartError> {
    let files: Vec<(String, &Path)> =
        config.cameras.iter().map(|camera| (camera.id.clone(), camera.zones.as_path())).collect();
    let now = (clock::wall(), clock::monotonic());
    let inputs: Vec<String> = config.inputs.iter().map(|input| input.name.clone()).collect();
    let context = SiteContext { inputs: Some(&inputs), ..SiteContext::starting(now) };
    load_site_at(&files, &context).map_err(|error| StartError::Zones(Box::new(error)))
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
