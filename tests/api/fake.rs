//! A guard without cameras behind a real socket, and a client that can be as rude as it likes.

#[path = "alarm_desk.rs"]
pub mod alarm_desk;
#[path = "case_desk.rs"]
pub mod case_desk;
#[path = "channel_desk.rs"]
mod channel_desk;
#[path = "eventually.rs"]
mod eventually;
#[path = "evidence_desk.rs"]
pub mod evidence_desk;
#[path = "example_desk.rs"]
pub mod example_desk;
#[path = "handheld_desk.rs"]
mod handheld_desk;
#[path = "input_door.rs"]
mod input_door;
#[path = "model_desk.rs"]
pub mod model_desk;
#[path = "pictures.rs"]
mod pictures;
#[path = "relay_list.rs"]
mod relay_list;
#[path = "reply.rs"]
mod reply;
#[path = "session.rs"]
mod session;
#[path = "view_desk.rs"]
mod view_desk;
#[path = "walk_desk.rs"]
mod walk_desk;
#[path = "zone_desk.rs"]
mod zone_desk;

pub use eventually::eventually;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use standclear::engine::{
    AlarmId, AlarmSource, AlarmState, CameraIndex, Part, ZoneIndex, ZoneState,
};
use standclear::guard::clerk::Clerk;
use standclear::guard::handle::examples::Examples;
use standclear::guard::handle::models::Models;
use standclear::guard::handle::shadowing::Shadowing;
use standclear::guard::handle::{
    Accounts, AcknowledgeError, CameraViews, Channels, Distances, EvidenceDesk, Found, Grants,
    Handhelds, HandheldsNow, Handle, HistoryError, Input, InputSight, InputValue, Latency,
    LivePicture, LiveReceiver, Privacy, Siren, SirenSound, SiteInfo, Snapshot, Sought, Span,
    SpanState, VerdictRow, Verdicts, Vision, VisionState, Visitor, WalkTests, Wanted, When, Zones,
};
use standclear::store::Store;
use standclear::web::{self, Settings};
use tokio::sync::{oneshot, watch};

use alarm_desk::{RENEWED, alarm};
pub use pictures::picture;
use pictures::{camera, zone};
pub use reply::Reply;
pub use session::Session;

/// Longest wait of any test for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Stands for the guard.
pub struct Fake {
    pub snapshots: watch::Sender<Arc<Snapshot>>,
    pub pictures: watch::Sender<Option<Arc<LivePicture>>>,
    pub viewer: Arc<()>,
    pub alarms: Mutex<BTreeMap<u64, AlarmState>>,
    /// Other commands, as they were said, with who said them.
    pub commands: Mutex<Vec<(String, String)>>,
    /// Who answered what.
    pub answers: Mutex<Vec<(u64, String)>>,
    pub asked_since: Mutex<Option<Timestamp>>,
    /// Which incidents were asked for last.
    pub wanted: Mutex<Wanted>,
    pub accounts: Arc<Accounts>,
    /// Questions to the store that hang.
    pub hanging: AtomicUsize,
    pub grants: Grants,
    pub judging: Verdicts,
    /// What was said of which input, by whom.
    pub inputs: Mutex<Vec<(String, InputValue, String)>>,
    pub models: model_desk::FakeModels,
}

/// Alarms that the guard takes badly.
pub const PANICS: u64 = 1001;
pub const HANGS: u64 = 1002;
pub const STOPS: u64 = 1003;

/// Incidents before this one are a question that the store takes long over.
pub const HANGS_BEFORE: u64 = 1004;

/// The first admin of every fake.
pub const ADMIN: &str = "Zoë 山田 🦺";
pub const PASSWORD: &str = "correct horse battery";
impl Handle for Fake {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.subscribe()
    }

    fn live(&self, camera: &str) -> Option<LiveReceiver> {
        (camera == "yard-éast").then(|| LiveReceiver {
            pictures: self.pictures.subscribe(),
            viewer: Arc::clone(&self.viewer),
        })
    }

    fn live_clear(&self, camera: &str) -> Option<LiveReceiver> {
        self.live(camera)
    }

    fn acknowledge(
        &self,
        alarm: AlarmId,
        seen: Option<u64>,
        by: &str,
    ) -> Result<AlarmState, AcknowledgeError> {
        match alarm.0 {
            PANICS => panic!("the test asked for it"),
            STOPS => return Err(AcknowledgeError::Stopping),
            HANGS => std::thread::park_timeout(PATIENCE),
            _ => {}
        }
        let mut alarms = self.alarms.lock().expect("not poisoned");
        let state = alarms.get_mut(&alarm.0).ok_or(AcknowledgeError::UnknownAlarm)?;
        if seen.is_some_and(|seen| seen < RENEWED) {
            return Err(AcknowledgeError::NewerCause);
        }
        if *state == AlarmState::Acknowledged {
            return Err(AcknowledgeError::AlreadyAcknowledged);
        }
        *state = AlarmState::Acknowledged;
        self.answers.lock().expect("not poisoned").push((alarm.0, by.to_owned()));
        Ok(*state)
    }

    fn find_incidents(&self, limit: u32, wanted: &Wanted) -> Result<Found, HistoryError> {
        let before = wanted.before;
        *self.wanted.lock().expect("not poisoned") = wanted.clone();
        if before == Some(HANGS_BEFORE) {
            self.hanging.fetch_add(1, Ordering::SeqCst);
            std::thread::park_timeout(PATIENCE);
        }
        alarm_desk::found(limit, wanted)
    }

    fn has_been(&self, which: &Sought) -> Result<bool, HistoryError> {
        Ok(alarm_desk::has_been(which))
    }

    fn incident_snapshot(&self, incident: u64) -> Result<Option<Vec<u8>>, HistoryError> {
        Ok((incident == 17).then(|| b"\xFF\xD8 a jpeg".to_vec()))
    }

    fn clear_snapshot(&self, incident: u64) -> Result<Option<Vec<u8>>, HistoryError> {
        Ok((incident == 17).then(|| b"\xFF\xD8 a clear jpeg".to_vec()))
    }

    fn distances(&self, incident: u64) -> Result<Option<Distances>, HistoryError> {
        Ok((incident == 17).then(evidence_desk::distances))
    }

    fn verdicts(&self, first: u64, last: u64) -> Result<Vec<VerdictRow>, HistoryError> {
        Ok(alarm_desk::verdicts(first, last))
    }

    fn judging(&self) -> &Verdicts {
        &self.judging
    }

    fn grants(&self) -> &Grants {
        &self.grants
    }

    fn history(&self, from: Timestamp) -> Result<Vec<Span>, HistoryError> {
        *self.asked_since.lock().expect("not poisoned") = Some(from);
        let span = |zone: &str, state, to| Span {
            zone: zone.to_owned(),
            state,
            from: time("2026-03-01T14:00:00Z"),
            to,
        };
        Ok(vec![
            span("gone", SpanState::Unknown, None),
            span("dock", SpanState::Occupied, Some(time("2026-03-01T14:00:07.5Z"))),
        ])
    }

    fn zone_desk(&self) -> &dyn Zones {
        self
    }

    fn channel_desk(&self) -> &dyn Channels {
        self
    }

    fn model_desk(&self) -> &dyn Models {
        &self.models
    }

    fn shadow_desk(&self) -> &dyn Shadowing {
        &self.models
    }

    fn example_desk(&self) -> &dyn Examples {
        &self.models
    }

    fn handheld_desk(&self) -> &dyn Handhelds {
        self
    }

    fn evidence_desk(&self) -> &dyn EvidenceDesk {
        self
    }

    fn view_desk(&self) -> &dyn CameraViews {
        self
    }

    fn walk_desk(&self) -> &dyn WalkTests {
        self
    }

    fn accounts(&self) -> &Accounts {
        &self.accounts
    }
}

/// A box with one camera, two zones and every kind of alarm.
pub fn snapshot() -> Snapshot {
    let since = time("2026-03-01T14:00:00Z");
    Snapshot {
        site: SiteInfo { name: "Nordhof „Süd“ 北".into(), time_zone: "Europe/Prague".into() },
        now: since,
        uptime_ms: 93_211,
        vision: Vision { state: VisionState::Watching, detail: String::new(), restarts: 0 },
        model: None,
        siren: Siren {
            sound: SirenSound::Intrusion,
            zone: Some(0),
            device: "default".into(),
            fault: None,
            silenced: None,
            attention: None,
            test: None,
        },
        store_fault: None,
        latency: Latency::default(),
        cameras: vec![camera(since)],
        zones: vec![
            zone(0, "gate-road", ZoneState::Occupied, Some(17)),
            zone(1, "dock", ZoneState::Clear, None),
        ],
        retired: Vec::new(),
        inputs: vec![Input {
            name: "press-3-running".into(),
            state: InputSight::Unknown("no word for 7 s (at most 5 s)".into()),
            since,
            age_ms: Some(7_012),
        }],
        handhelds: HandheldsNow::default(),
        alarms: vec![
            alarm(40, AlarmSource::Intrusion(ZoneIndex(0)), AlarmState::Unacknowledged),
            alarm(41, AlarmSource::Blind(CameraIndex(0)), AlarmState::ReturnedUnacknowledged),
            alarm(42, AlarmSource::Fault(Part::Store), AlarmState::Acknowledged),
            alarm(43, AlarmSource::Intrusion(ZoneIndex(99)), AlarmState::Unacknowledged),
        ],
        channels: Vec::new(),
        relays: relay_list::relays(),
        holds: alarm_desk::holds(),
    }
}

/// Whether the fake guard replaces its snapshot by itself, as a real one does.
#[derive(PartialEq, Eq)]
pub enum Beats {
    Regularly,
    OnlyWhenTold,
}

/// A served fake; dropping it stops the server and waits for it.
pub struct Served {
    pub fake: Arc<Fake>,
    pub address: SocketAddr,
    /// Who asks, unless a test says otherwise: the admin.
    pub admin: Session,
    /// What makes the first admin; used up.
    pub setup_code: String,
    /// The store's folder.
    pub folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

pub fn serve() -> Served {
    serve_with(Beats::Regularly)
}

pub fn serve_with(beats: Beats) -> Served {
    serve_as(beats, Settings::plain())
}

pub fn serve_as(beats: Beats, settings: Settings) -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("a store");
    let audit = store.audit_reader().expect("a reader");
    let rows = store.accounts().expect("read");
    let clerk = Clerk::over(store).expect("a thread");
    let judging = Verdicts::new(clerk.clone());
    let (accounts, setup_code) = Accounts::new(rows, audit, clerk.clone()).expect("accounts");
    let accounts = Arc::new(accounts);
    let grants = Grants::new(Privacy::Persons, clerk, accounts.clone());
    let setup_code = setup_code.expect("nobody is there yet");
    let from = [127, 0, 0, 1].into();
    let visitor = Visitor { from, when: When::now() };
    let admin = accounts.set_up(&setup_code, ADMIN, PASSWORD, visitor).expect("set up");
    let admin = Session {
        cookie: format!("standclear_session={}", admin.session_secret),
        csrf: admin.identity.csrf.expect("a session has one"),
    };
    let fake = Arc::new(Fake {
        accounts,
        grants,
        judging,
        hanging: AtomicUsize::new(0),
        snapshots: watch::Sender::new(Arc::new(snapshot())),
        pictures: watch::Sender::new(None),
        viewer: Arc::new(()),
        alarms: Mutex::new(BTreeMap::from([
            (40, AlarmState::Unacknowledged),
            (42, AlarmState::Acknowledged),
        ])),
        answers: Mutex::default(),
        commands: Mutex::default(),
        asked_since: Mutex::default(),
        wanted: Mutex::default(),
        inputs: Mutex::default(),
        models: model_desk::FakeModels::default(),
    });
    let listener = web::bind("127.0.0.1:0".parse().expect("an address")).expect("bound");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let handle = Arc::clone(&fake);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            if beats == Beats::Regularly {
                let beating = Arc::clone(&handle);
                tokio::spawn(async move {
                    loop {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        beating.snapshots.send_modify(|_same| {});
                    }
                });
            }
            let shutdown = async {
                let _ = stopped.await;
            };
            web::serve(listener, handle, settings, shutdown).await.expect("served");
        });
        runtime.shutdown_background();
    });
    Served { fake, address, admin, setup_code, folder, stop: Some(stop), thread: Some(thread) }
}

impl Served {
    /// Stops the server and waits until it has.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ended well");
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream
    }

    pub fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &str) -> Reply {
        let kind = [("Content-Type", "application/json")];
        self.request("POST", path, &kind, body.as_bytes())
    }

    /// One request of the admin on a connection of its own; `Host` is right unless `headers` has
    /// another.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.request_as(&self.admin.headers(), method, path, headers, body)
    }

    /// The same of somebody else, by what they show: nothing, a cookie, a token.
    pub fn request_as(
        &self,
        who: &[(&str, &str)],
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let headers = &[who, headers].concat();
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            head += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(body);
        self.raw(&bytes)
    }

    /// Sends bytes as they are and reads until the server closes.
    pub fn raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        stream.write_all(bytes).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(answer[..end].to_vec()).expect("text");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Reply { status: status.expect("a status"), body: answer[end + 4..].to_vec(), head }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}
