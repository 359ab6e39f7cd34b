//! Wires machine inputs and arming: adapters, table, arming thread.
//!
//! Not here: what any of them does.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use jiff::Timestamp;

use super::arming::{ArmingPlan, ArmingPost, ArmingThread, TestHold, ZoneRules};
use super::inputs::{self, HttpDoor, InputAdapter, InputTable, SharedInputs, Stop};
use super::message::Message;
use crate::clock;
use crate::config::Config;
use crate::zone_file::ArmingRule;

/// Everything of it, before it runs.
pub struct Machine {
    adapters: Vec<Box<dyn InputAdapter>>,
    shared: Arc<SharedInputs>,
    plan: ArmingPlan,
}

/// What the other threads hold of it.
#[derive(Debug)]
pub struct MachineEnds {
    /// The web side's.
    pub door: HttpDoor,
    /// The alarm path's.
    pub post: ArmingPost,
    /// The walk desk's.
    pub hold: TestHold,
}

/// All of it, running.
#[derive(Debug)]
pub struct MachineThreads {
    adapters: Stop,
    arming: ArmingThread,
}

impl Machine {
    /// `rules` are those of all zones, by number; `last_alive` is the last sign of an earlier life.
    pub fn of(
        config: &Config,
        rules: Vec<Option<ArmingRule>>,
        last_alive: Option<Timestamp>,
        alarm_path: SyncSender<Message>,
    ) -> (Machine, MachineEnds) {
        let (adapters, door) = inputs::configured(config);
        let table = InputTable::new(&config.inputs, clock::wall());
        let shared = Arc::new(SharedInputs::new(table));
        let (post, changes) = ArmingPost::new();
        let hold = TestHold::default();
        let plan = ArmingPlan {
            time_zone: config.site.time_zone.clone(),
            rules: ZoneRules { epoch: 0, rules },
            last_alive,
            inputs: shared.clone(),
            changes,
            alarm_path,
            hold: hold.clone(),
        };
        (Machine { adapters, shared, plan }, MachineEnds { door, post, hold })
    }

    /// # Errors
    /// The system does not allow another thread.
    pub fn start(self) -> io::Result<MachineThreads> {
        let stop = Stop::default();
        let arming = ArmingThread::start(self.plan)?;
        for adapter in self.adapters {
            inputs::start(adapter, self.shared.clone(), stop.clone())?;
        }
        Ok(MachineThreads { adapters: stop, arming })
    }
}

impl MachineThreads {
    /// Disarms nothing from now on; what is off is armed when its lease runs out.
    pub fn stop_arming(&self) {
        self.arming.stop();
    }

    pub fn stop(self) {
        self.adapters.stop();
        self.arming.join();
    }
}
