//! Channels against real receivers: brokers, HTTP servers and push services that work, die, hang,
//! reset and answer nonsense. Nothing is lost, nothing is new to a receiver twice, nobody else waits.

#[path = "inputs/broker.rs"]
#[allow(dead_code, reason = "shared with the inputs' tests, which use all of it")]
mod broker;
#[path = "notify/guard.rs"]
mod guard;
#[path = "notify/hook.rs"]
mod hook;
#[path = "notify/mqtt.rs"]
mod mqtt;
#[cfg(feature = "push")]
#[path = "notify/push.rs"]
mod push;
#[path = "notify/schema.rs"]
mod schema;
#[path = "guard/site.rs"]
#[allow(dead_code, reason = "shared with the guard's tests, which use all of it")]
mod site;
#[path = "notify/unheard.rs"]
mod unheard;
#[path = "notify/webhook.rs"]
mod webhook;
#[path = "guard/worker.rs"]
#[allow(dead_code, reason = "shared with the guard's tests, which use all of it")]
mod worker;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use standclear::clock;
use standclear::engine::delivery::{Class, Progress, Told};
use standclear::engine::{AlarmId, AlarmState};
use standclear::notify::runner::{self, Parts, Running};
use standclear::notify::{
    Backlog, Channel, Face, Faces, Kind, Loss, Source, SourceError, State, Waiting,
};
use standclear::store::Store;
use standclear::store::outbox::{Bounds, Trimmed};
use standclear::store::query::StoreReader;
use standclear::store::record::{AlarmKey, Record, ZoneName};

/// Not a test of its own: the vision process of the others.
#[test]
fn fake_vision_process() {
    worker::serve_if_started_by_the_guard();
}

/// Longest wait for anything that must come: a few back-offs and one receiver that hangs.
pub const WAIT_MAX: Duration = Duration::from_secs(40);

/// Waits until there is an answer.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = clock::monotonic().after(WAIT_MAX);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock::monotonic() < until, "{what} did not come within {WAIT_MAX:?}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// A real store, and channels that run on it.
pub struct Outlet {
    pub folder: tempfile::TempDir,
    pub store: Arc<Mutex<Store>>,
    pub box_id: String,
    faces: Faces,
    running: Vec<Running>,
    alarms: u64,
}

impl Outlet {
    pub fn new(channels: &[&str]) -> Outlet {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let wanted: Vec<(&str, &[Class])> =
            channels.iter().map(|name| (*name, &Class::ALL[..])).collect();
        store.set_channels(&wanted).expect("kept");
        let zones = vec![ZoneName { id: "bay".into(), name: "Bay".into(), camera: "yard".into() }];
        let started = Record::Started {
            at: clock::wall(),
            version: "1".into(),
            zone_revision: "z".into(),
            boot: None,
            zones,
        };
        store.write(&[started]).expect("kept");
        let face =
            |name: &&str| Face::new((*name).into(), Kind::Webhook, "a test".into(), clock::wall());
        Outlet {
            box_id: store.box_id().expect("an id"),
            store: Arc::new(Mutex::new(store)),
            folder,
            faces: Faces::new(channels.iter().map(face).collect()),
            running: Vec::new(),
            alarms: 0,
        }
    }

    pub fn start(&mut self, name: &str, channel: Box<dyn Channel>) {
        let reader = self.store.lock().expect("not poisoned").reader().expect("a reader");
        let source = OfStore { name: name.into(), reader, store: self.store.clone() };
        let parts = Parts {
            name: name.into(),
            box_id: self.box_id.clone(),
            channel,
            source: Box::new(source),
            faces: self.faces.clone(),
            classes: Class::ALL.to_vec(),
            seed: 7,
        };
        self.running.push(runner::start(parts).expect("a thread"));
    }

    /// Ends the channels; what they had not noted they send again.
    pub fn stop(&mut self) {
        for running in self.running.drain(..) {
            running.stop();
            wait_for("the end of a channel", || running.has_ended().then_some(()));
        }
    }

    /// Writes so many alarms, now.
    pub fn alarms(&mut self, many: u64) {
        self.alarms_at(many, clock::wall());
    }

    pub fn alarms_at(&mut self, many: u64, at: Timestamp) {
        for _ in 0..many {
            self.alarms += 1;
            let alarm = Record::Alarm {
                alarm: AlarmId(self.alarms),
                at,
                source: AlarmKey::Intrusion("bay".into()),
                state: AlarmState::Unacknowledged,
                version: (1 << 20) + self.alarms,
                incident: None,
                text: "1 person inside".into(),
            };
            self.store.lock().expect("not poisoned").write(&[alarm]).expect("kept");
        }
    }

    /// Writes an alarm that finds no room: lost for every channel, and none has been told.
    pub fn lose_one(&mut self) {
        self.alarms(1);
        let bounds = Bounds { bytes_max: 0, not_before: None };
        let mut store = self.store.lock().expect("not poisoned");
        while store.trim_outbox(bounds).expect("trimmed") == Trimmed::Portion {}
    }

    /// How much of what the channel lost its receiver has been told of, and how much there is.
    pub fn told(&self, name: &str) -> (u64, u64) {
        let reader = self.store.lock().expect("not poisoned").reader().expect("a reader");
        let losses = reader.losses(name).expect("readable");
        (losses.iter().map(|loss| loss.told).sum(), losses.iter().map(|loss| loss.rows).sum())
    }

    pub fn face(&self, name: &str) -> Face {
        self.faces.all().into_iter().find(|face| face.name == name).expect("a face")
    }

    pub fn wait_state(&self, name: &str, state: State) {
        wait_for("the state of a channel", || (self.face(name).state == state).then_some(()));
    }

    /// Waits until nothing waits for a channel.
    pub fn wait_empty(&self, name: &str) {
        let reader = self.store.lock().expect("not poisoned").reader().expect("a reader");
        wait_for("everything to be delivered", || {
            let backlog = reader.backlog(name).expect("readable");
            backlog.iter().all(|of| of.waiting == 0).then_some(())
        });
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.running.iter().for_each(Running::stop);
    }
}

struct OfStore {
    name: String,
    reader: StoreReader,
    store: Arc<Mutex<Store>>,
}

impl Source for OfStore {
    fn next(&self, class: Class, after: u64) -> Result<Option<Waiting>, SourceError> {
        let message = self.reader.next_message(&self.name, class, after).expect("readable");
        Ok(message.map(|of| Waiting {
            id: of.id,
            class: of.class,
            key: of.key,
            version: of.version,
            at: of.at,
            valid_until: of.valid_until,
            body: of.body,
        }))
    }

    fn backlog(&self) -> Result<Vec<Backlog>, SourceError> {
        let rows = self.reader.backlog(&self.name).expect("readable");
        let shown = rows.into_iter().map(|of| Backlog {
            class: of.class,
            waiting: of.waiting,
            oldest_at: of.oldest_at,
            delivered: of.delivered,
            delivered_at: of.delivered_at,
        });
        Ok(shown.collect())
    }

    fn losses(&self) -> Result<Vec<Loss>, SourceError> {
        let rows = self.reader.losses(&self.name).expect("readable");
        let shown = rows.into_iter().map(|of| Loss {
            class: of.class,
            reason: of.reason,
            rows: of.rows,
            told: of.told,
            first_at: of.first_at,
            last_at: of.last_at,
        });
        Ok(shown.collect())
    }

    fn advance(&self, progress: Vec<Progress>, told: Vec<Told>) -> Result<(), SourceError> {
        let mut store = self.store.lock().expect("not poisoned");
        store.advance(&self.name, &progress, &told, clock::wall()).expect("kept");
        Ok(())
    }
}
