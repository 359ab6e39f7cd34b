//! The keeper's answer to the supervisor: what the next life of the vision process may load.

use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::time::Duration;

use super::keeper::Task;
use super::order::{NextLife, ORDER_WAIT_MAX};
use super::shown::Shared;
use crate::clock;
use crate::link::ModelChoice;

/// Of the time that is given, for what else there is to do.
const MARGIN: Duration = Duration::from_millis(100);

/// See the module.
pub struct KeepersOrder {
    tasks: SyncSender<Task>,
    shared: Arc<Shared>,
}

impl KeepersOrder {
    pub const fn new(tasks: SyncSender<Task>, shared: Arc<Shared>) -> KeepersOrder {
        KeepersOrder { tasks, shared }
    }
}

impl NextLife for KeepersOrder {
    /// While the disk hangs, or the keeper is gone: without the trial.
    fn order(&self) -> Vec<ModelChoice> {
        let (reply, answer) = mpsc::sync_channel(1);
        let within = ORDER_WAIT_MAX - MARGIN;
        let until = clock::monotonic().after(within);
        let asked = self.tasks.try_send(Task::Order { until, reply });
        let order = asked.ok().and_then(|()| answer.recv_timeout(within).ok());
        order.unwrap_or_else(|| {
            tracing::error!("the keeper of models does not answer; nothing on trial is loaded");
            let slots = self.shared.order_without_trial();
            slots.into_iter().map(|slot| self.shared.folders.choice(slot)).collect()
        })
    }
}
