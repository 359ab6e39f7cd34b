//! What the guard is wired from, in four groups, before any thread runs.
//!
//! Not here: the order in which the threads start; see `app`.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};

use jiff::Timestamp;

use super::accounts::Accounts;
use super::app::StartError;
use super::arming::{ArmingPost, TestHold};
use super::board::Board;
use super::channels::Channels;
use super::clerk::Clerk;
use super::desk::{ANSWERS_MAX, Desk};
use super::detail;
use super::handhelds::start::HandheldFront;
use super::handle::SiteInfo;
use super::heat::HeatMap;
use super::keeper::{self, Job};
use super::ledger::{Ledger, Versions};
use super::live::LiveHub;
use super::machine::Machine;
use super::message::{Answer, INPUTS_MAX, Message};
use super::models::shadow::ShadowSlot;
use super::observer::{Observations, Tap, tap};
use super::records::{Inheritance, SiteNames};
use super::views::Views;
use super::walk::{self, WalkDesk, WalkParts};
use super::zones::{ZoneDesk, ZoneDeskParts};
use crate::clock;
use crate::config::{Approval, Config, WalkTests};
use crate::engine::view_fault::ViewFault;
use crate::engine::{CameraIndex, Engine, Site};
use crate::link::DetailZone;
use crate::store::accounts::AccountRows;
use crate::store::audit::AuditReader;
use crate::store::query::{HistoryError, StoreReader};
use crate::store::zones::ApprovalRule;
use crate::web::Settings;
use crate::zone_file::Document;

/// What decides, and what it shows.
pub struct Mind {
    pub engine: Engine,
    pub names: Arc<SiteNames>,
    pub ledger: Ledger,
    pub board: Board,
    pub hub: Arc<LiveHub>,
    /// By camera: where the vision process is to look closer.
    pub detail: Vec<Vec<DetailZone>>,
}

impl Mind {
    pub fn of(
        config: &Config,
        names: Arc<SiteNames>,
        site: Site,
        inheritance: &Inheritance,
        life: u64,
    ) -> Mind {
        let now = clock::monotonic();
        let detail = site.cameras.iter().map(detail::zones).collect();
        let engine = Engine::new(site, &inheritance.restored, now);
        let versions = Versions::of_life(life, inheritance.last_version);
        let ledger = Ledger::restored(&inheritance.alarms, &inheritance.holds, versions);
        let site =
            SiteInfo { name: config.site.name.clone(), time_zone: config.site.time_zone.clone() };
        let mut board = Board::new(names.clone(), site, now);
        let hub = Arc::new(LiveHub::new(Arc::new(board.snapshot(&engine, &ledger, now))));
        Mind { engine, names, ledger, board, hub, detail }
    }

    /// What the cameras' views are held against. A view that had moved when the box ended has still, and
    /// so has one of which masks leave too little to know it again.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn views(
        &mut self,
        config: &Config,
        reader: &StoreReader,
        clerk: Clerk,
    ) -> Result<Arc<Views>, HistoryError> {
        for (id, since) in reader.views_unconfirmed()? {
            let cameras = (0..).zip(&self.names.cameras);
            let mut of_id = cameras.filter(|(_, (camera, _))| *camera == id);
            if let Some((index, _)) = of_id.next() {
                self.stands(CameraIndex(index), since);
            }
        }
        let views = Views::of(config, reader, clerk, self.hub.clone(), &self.names)?;
        // Nobody can tell whether it is the same view, so it counts as one that is not.
        for camera in views.unrecognised() {
            if !self.engine.view_faults(camera).has(ViewFault::Moved) {
                self.stands(camera, clock::wall());
            }
        }
        Ok(Arc::new(views))
    }

    /// A view is another one until somebody has looked.
    fn stands(&mut self, camera: CameraIndex, since: Timestamp) {
        self.engine.view_stands(camera);
        if let Some(view) = self.board.view(camera) {
            view.stands(since);
        }
    }
}

/// What the alarm path and the store thread read from.
pub struct Queues {
    pub inputs: SyncSender<Message>,
    pub received: Receiver<Message>,
    pub answers: SyncSender<Answer>,
    pub answered: Receiver<Answer>,
    pub jobs: SyncSender<Job>,
    pub queued: Receiver<Job>,
}

impl Queues {
    pub fn new() -> Queues {
        let (inputs, received) = mpsc::sync_channel(INPUTS_MAX);
        let (answers, answered) = mpsc::sync_channel(ANSWERS_MAX);
        let (jobs, queued) = mpsc::sync_channel(keeper::QUEUE_MAX);
        Queues { inputs, received, answers, answered, jobs, queued }
    }
}

/// What faces people and machines.
pub struct Front {
    pub listener: TcpListener,
    pub address: SocketAddr,
    pub settings: Settings,
    pub setup_code: Option<String>,
    pub desk: Arc<Desk>,
    pub zones: Arc<ZoneDesk>,
    pub machine: Machine,
    pub arming: ArmingPost,
    pub walks: Walks,
    pub channels: Channels,
    pub handhelds: HandheldFront,
    pub slot: ShadowSlot,
}

/// Walk tests and the heat map, with both ends of what they are made of.
pub struct Walks {
    pub desk: Arc<WalkDesk>,
    pub tap: Tap,
    pub observations: Observations,
}

impl Walks {
    pub fn of(
        config: &Config,
        mind: &Mind,
        queues: &Queues,
        zones: Arc<ZoneDesk>,
        clerk: Clerk,
        reader: StoreReader,
        hold: TestHold,
    ) -> Walks {
        let (tap, observations) = tap();
        let days = match config.walk_tests {
            WalkTests::Every { days } => Some(days),
            WalkTests::NotRequired => None,
        };
        let desk = Arc::new(WalkDesk::new(WalkParts {
            zones,
            hub: mind.hub.clone(),
            clerk,
            reader,
            alarm_path: queues.inputs.clone(),
            hold,
            lost: observations.lost.clone(),
            every: walk::every(days),
            siren: config.siren.device.clone(),
            heat: HeatMap::new(config.cameras.iter().map(|camera| camera.id.clone())),
            input_long_side_px: config.model.input_long_side_px,
            detail: config.model.detail,
            privacy: config.privacy,
            sources: config.cameras.iter().map(|camera| camera.source.clone()).collect(),
        }));
        Walks { desk, tap, observations }
    }
}

/// Where zones are drawn, proposed and approved.
pub fn zone_desk(
    config: &Config,
    mind: &Mind,
    documents: Vec<Document>,
    reader: StoreReader,
    queues: &Queues,
) -> Arc<ZoneDesk> {
    let rule = match config.zones.approval {
        Approval::SecondPerson => ApprovalRule::SecondPerson,
        Approval::Author => ApprovalRule::Anybody,
    };
    Arc::new(ZoneDesk::new(ZoneDeskParts {
        names: mind.names.clone(),
        documents,
        rule,
        inputs: config.inputs.iter().map(|input| input.name.clone()).collect(),
        alarm_path: queues.inputs.clone(),
        hub: mind.hub.clone(),
        reader,
        clerk: Clerk::new(queues.jobs.clone()),
    }))
}

/// Who may come in, and the code that makes the first admin.
pub fn accounts_of(
    rows: AccountRows,
    audit: AuditReader,
    clerk: &Clerk,
) -> Result<(Arc<Accounts>, Option<String>), StartError> {
    let made = Accounts::new(rows, audit, clerk.clone()).map_err(StartError::Accounts)?;
    Ok((Arc::new(made.0), made.1))
}
