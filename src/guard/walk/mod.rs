//! The walk desk: tests that somebody who walks in is heard in time, and when they are due again.
//!
//! Terms: a test has **edges** to be walked in at, each a stretch of the zone's outline; an
//! **attempt** is one walk across one of them. A test proves something of the zone as it was: its
//! **digest** (`zones::digest`) says what that is, model and camera with it, and with another digest the test is **overdue** at
//! once, as after the days that are configured.
//!
//! One test at a time: there is one siren. It ends after [`TEST_MAX`], when the zone is changed and
//! when the box ends. While it runs its zone is armed for it, whatever schedule and machines say;
//! nothing here ever switches a zone off.
//!
//! - `edges`, `path`, `run`, `due`: pure. `thread`: takes observations and looks after everything.
//! - `keep`: what the store has yet to take. `facts`: what else a report says.
//!
//! Not here: how a test lies on disk (`store::walk`), how its report looks (`web`).

mod due;
mod edges;
mod facts;
mod keep;
mod path;
mod run;
mod thread;

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;

pub use self::due::Every;
use self::edges::edges;
pub use self::facts::report_of;
use self::keep::{Running, State};
pub use self::run::TIME_MS_MAX;
use self::run::{Counts, Incident, Run, Task};
use self::thread::Dues;
pub use self::thread::WalkThread;
use super::arming::{Held, TestHold};
use super::clerk::Clerk;
use super::handle::{
    Heat, SirenHeard, SirenSound, Snapshot, WalkDeskError, WalkError, WalkReport, WalkTest,
    WalkTests, WalkView,
};
use super::heat::HeatMap;
use super::live::LiveHub;
use super::message::Message;
use super::observer::{Lost, Observation};
use super::zones::digest::{Looking, zone_digest};
use super::zones::{Guarding, ZoneDesk};
use crate::clock;
use crate::config::Privacy;
use crate::config::SirenDevice;
use crate::engine::CameraIndex;
use crate::engine::alarm::Inhibition;
use crate::engine::detection::FrameSize;
use crate::engine::geometry::Line;
use crate::link::{DetailChoice, ModelInfo, Source};
use crate::store::Store;
use crate::store::query::StoreReader;
use crate::store::walk::NewWalkTest;
use crate::store::zones::{BY_BOX, Signed};
use crate::zone_file::{Criterion, Document, Duty, Zone};

/// Longest test.
pub const TEST_MAX: Duration = Duration::from_secs(30 * 60);

/// Everything about walk tests.
#[derive(Debug)]
pub struct WalkDesk {
    /// Held only to look or to replace, never while the store is asked.
    state: Mutex<State>,
    /// Held by whoever writes what the running test is in the store: pages and the thread do.
    saving: Mutex<()>,
    dues: Mutex<Dues>,
    parts: WalkParts,
}

/// What it is made of.
#[derive(Debug)]
pub struct WalkParts {
    pub zones: Arc<ZoneDesk>,
    pub hub: Arc<LiveHub>,
    pub clerk: Clerk,
    pub reader: StoreReader,
    pub alarm_path: SyncSender<Message>,
    pub hold: TestHold,
    pub lost: Lost,
    pub every: Every,
    /// As configured.
    pub siren: SirenDevice,
    pub heat: HeatMap,
    /// What the model is told to look at; `None`: its default.
    pub input_long_side_px: Option<u32>,
    /// Whether it looks closer at parts of the picture.
    pub detail: DetailChoice,
    /// In the order of the cameras.
    pub sources: Vec<Source>,
    /// Of the pictures in reports.
    pub privacy: Privacy,
}

impl WalkDesk {
    pub fn new(parts: WalkParts) -> WalkDesk {
        WalkDesk {
            state: Mutex::default(),
            saving: Mutex::default(),
            dues: Mutex::default(),
            parts,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Arc<Snapshot> {
        self.parts.hub.snapshots().borrow().clone()
    }

    fn ask<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut Store) -> Result<T, WalkError> + Send + 'static,
    ) -> Result<T, WalkDeskError> {
        let answer = self.parts.clerk.ask(errand).map_err(WalkDeskError::Clerk)?;
        answer.map_err(WalkDeskError::Refused)
    }

    fn kept(&self, id: u64) -> Result<WalkTest, WalkDeskError> {
        let found = self.parts.reader.walk_test(id).map_err(WalkDeskError::Store)?;
        found.ok_or(WalkDeskError::Refused(WalkError::NoTest { id }))
    }

    fn view(&self, test: WalkTest) -> WalkView {
        let running = self.state();
        let running = running.running.as_ref().filter(|running| running.id == test.id);
        let hint = running.and_then(|running| running.hint.clone());
        let hint = hint.or_else(|| facts::siren_hint(&test).map(str::to_owned));
        WalkView { hint, test }
    }

    /// What the test of a zone hangs on, with this model.
    fn digest(
        &self,
        model: &str,
        camera: CameraIndex,
        document: &Document,
        zone: &str,
    ) -> Option<String> {
        let source = self.parts.sources.get(usize::from(camera.0))?;
        let input_long_side_px = self.parts.input_long_side_px;
        let detail = self.parts.detail;
        zone_digest(document, zone, Looking { model, input_long_side_px, detail, source })
    }

    /// Takes an observation to the running test.
    fn see(&self, observation: &Observation) {
        let mut state = self.state();
        let Some(running) = &mut state.running else { return };
        let findings = running.run.see(observation, clock::monotonic());
        running.take(findings);
    }

    /// Keeps what was found. What the store does not take now is tried again.
    fn save(&self) -> Result<(), WalkDeskError> {
        keep::save(&self.state, &self.saving, |id, attempt, heard| {
            self.ask(move |store| store.add_walk_attempt(id, &attempt, heard))
        })
    }

    fn lost_in(&self, id: u64) -> u32 {
        let running = self.state();
        let before = running.running.as_ref().filter(|it| it.id == id).map(|it| it.lost_before);
        before.map_or(0, |before| self.parts.lost.count().saturating_sub(before))
    }

    /// The test is over: its zone is armed as ever, and what is due is asked anew.
    fn ended(&self, id: u64) {
        let mut state = self.state();
        if state.running.as_ref().is_some_and(|running| running.id == id) {
            state.running = None;
            self.parts.hold.release();
        }
        drop(state);
        self.dues.lock().unwrap_or_else(PoisonError::into_inner).forget();
    }

    fn abandon(&self, id: u64, by: &str, why: &str) -> Result<WalkView, WalkDeskError> {
        let (signed, why, lost) = (signed(by), why.to_owned(), self.lost_in(id));
        let outcome = self.ask(move |store| store.abandon_walk_test(id, &signed, &why, lost));
        if let Ok(_) | Err(WalkDeskError::Refused(WalkError::Over { .. })) = &outcome {
            self.ended(id);
        }
        outcome.map(|test| self.view(test))
    }
}

impl WalkTests for WalkDesk {
    fn start_walk(
        &self,
        camera: &str,
        zone: &str,
        tester: &str,
        by: &str,
    ) -> Result<WalkView, WalkDeskError> {
        let now = self.now();
        let guarding = self.parts.zones.guarding();
        let place = Place::find(&now, &guarding, camera, zone)?;
        let found = edges(place.zone, place.size);
        let digest = self.digest(&place.model.digest, place.camera, place.document, zone);
        let digest = digest.filter(|_| !found.is_empty());
        let Some(digest) = digest else {
            return Err(WalkDeskError::NotTestable { zone: place.zone.name.clone() });
        };
        let facts = self.facts(&now, &place, &guarding);
        let limit_ms = limit_ms(place.zone);
        let (counts, line) = (counts(&place.zone.duty), line(place.zone));
        let task = Task {
            zone: place.number,
            camera: place.camera,
            counts,
            line,
            limit_ms,
            edges: found.clone(),
        };
        let new = NewWalkTest {
            zone: zone.to_owned(),
            zone_name: place.zone.name.clone(),
            camera: camera.to_owned(),
            zone_digest: digest.clone(),
            zones_version: place.version,
            tester: tester.to_owned(),
            started: signed(by),
            siren: match now.siren.doubt() {
                Some(_) => SirenHeard::Muted,
                None => SirenHeard::Sounds,
            },
            limit_ms,
            facts: serde_json::to_string(&facts).unwrap_or_default(),
            edges: found.into_iter().map(|edge| edge.kept).collect(),
        };
        let incident = if place.has_incident { Incident::Open } else { Incident::None };
        let run = Run::new(task, incident);
        // Until it is known here, it would be one that nobody watches.
        let _turn = keep::turn(&self.saving);
        let test = self.ask(move |store| store.start_walk_test(&new))?;
        let started_at = clock::monotonic();
        let running = Running {
            id: test.id,
            camera: place.camera,
            zone: zone.to_owned(),
            digest,
            run,
            started_at,
            lost_before: self.parts.lost.count(),
            hint: sounds_already(&now).map(str::to_owned),
            unsaved: VecDeque::new(),
            viewer: self.parts.hub.live(camera),
        };
        let mut state = self.state();
        self.parts.hold.hold(Held { zone: place.number, until: started_at.after(TEST_MAX) });
        state.running = Some(running);
        drop(state);
        tracing::info!("walk test {} of {} was started by {by}", test.id, test.zone_name);
        Ok(self.view(test))
    }

    fn walk_test(&self, id: u64) -> Result<WalkView, WalkDeskError> {
        Ok(self.view(self.kept(id)?))
    }

    fn walk_tests(&self, zone: Option<&str>) -> Result<Vec<WalkTest>, WalkDeskError> {
        self.parts.reader.walk_tests(zone).map_err(WalkDeskError::Store)
    }

    fn skip_edge(
        &self,
        id: u64,
        edge: u32,
        by: &str,
        reason: &str,
    ) -> Result<WalkView, WalkDeskError> {
        self.save()?;
        let (signed, reason) = (signed(by), reason.to_owned());
        let test = self.ask(move |store| store.skip_walk_edge(id, edge, &signed, &reason))?;
        if let Some(running) = &mut self.state().running
            && running.id == id
        {
            running.run.skip(edge);
        }
        Ok(self.view(test))
    }

    fn finish_walk(&self, id: u64, by: &str) -> Result<WalkView, WalkDeskError> {
        self.save()?;
        let (signed, lost) = (signed(by), self.lost_in(id));
        let test = self.ask(move |store| store.finish_walk_test(id, &signed, lost))?;
        self.ended(id);
        tracing::info!("walk test {id} of {}: {}", test.zone_name, test.state.name());
        Ok(self.view(test))
    }

    fn abandon_walk(&self, id: u64, by: &str) -> Result<WalkView, WalkDeskError> {
        self.abandon(id, by, "given up by a person")
    }

    fn walk_report(&self, id: u64) -> Result<WalkReport, WalkDeskError> {
        let found =
            report_of(&self.parts.reader, id, self.parts.privacy).map_err(WalkDeskError::Store)?;
        found.ok_or(WalkDeskError::Refused(WalkError::NoTest { id }))
    }

    fn heat(&self, camera: &str, hours: u32) -> Result<Heat, WalkDeskError> {
        let now = self.now();
        let index = now.cameras.iter().position(|known| known.id == camera);
        let Some(index) = index else {
            return Err(WalkDeskError::UnknownCamera { camera: camera.to_owned() });
        };
        let answer = self.parts.heat.since(&self.parts.reader, index, camera, hours);
        answer.map_err(WalkDeskError::Store)
    }
}

/// Whether somebody who walks in would be heard; what is off by design is armed for the test.
fn heard(inhibition: Inhibition, zone: &str) -> Result<(), WalkDeskError> {
    match inhibition {
        Inhibition::None | Inhibition::SuppressedByDesign => Ok(()),
        Inhibition::Shelved => Err(WalkDeskError::Shelved { zone: zone.to_owned() }),
        Inhibition::OutOfService => Err(WalkDeskError::OutOfService { zone: zone.to_owned() }),
    }
}

/// A zone to be tested.
struct Place<'a> {
    camera: CameraIndex,
    camera_name: &'a str,
    number: crate::engine::ZoneIndex,
    zone: &'a Zone,
    document: &'a Document,
    model: &'a ModelInfo,
    size: FrameSize,
    version: u32,
    version_digest: &'a str,
    has_incident: bool,
}

impl<'a> Place<'a> {
    fn find(
        now: &'a Snapshot,
        guarding: &'a Guarding,
        camera: &str,
        zone: &str,
    ) -> Result<Place<'a>, WalkDeskError> {
        let unknown = || WalkDeskError::UnknownCamera { camera: camera.to_owned() };
        let place = now.cameras.iter().position(|known| known.id == camera).ok_or_else(unknown)?;
        let index = u16::try_from(place).map(CameraIndex).map_err(|_too_many| unknown())?;
        let (shown, document) =
            now.cameras.get(place).zip(guarding.documents.get(place)).ok_or_else(unknown)?;
        let names = &guarding.names;
        let number = names
            .live()
            .find(|(_, slot)| slot.info.camera == index.0 && slot.info.id == zone)
            .map(|(number, _)| number);
        let (number, drawn) = number.zip(document.zone(zone)).ok_or_else(|| {
            WalkDeskError::UnknownZone { camera: camera.to_owned(), zone: zone.to_owned() }
        })?;
        let not_watched = |why: &str| WalkDeskError::NotWatched {
            camera: shown.name.clone(),
            why: why.to_owned(),
        };
        if let Some(why) = &shown.unknown {
            return Err(not_watched(why));
        }
        let model = now.model.as_ref().ok_or_else(|| not_watched("the model is not loaded"))?;
        let size = shown.size_px.and_then(|(width, height)| FrameSize::new(width, height));
        let size = size.ok_or_else(|| not_watched("no picture has come yet"))?;
        let view = now.zones.iter().find(|view| view.number == usize::from(number.0));
        heard(view.map_or(Inhibition::None, |view| view.inhibition), &drawn.name)?;
        let in_force = names.in_force.get(place);
        Ok(Place {
            camera: index,
            camera_name: &shown.name,
            number,
            zone: drawn,
            document,
            model,
            size,
            version: in_force.map_or(0, |zones| zones.version),
            version_digest: in_force.map_or("", |zones| &zones.digest),
            has_incident: view.is_some_and(|view| view.incident.is_some()),
        })
    }
}

/// What an entry may take. In a place with a head count the grace is the engineer's wish.
fn limit_ms(zone: &Zone) -> u32 {
    match &zone.duty {
        Duty::Occupancy { presence, watch, .. } => {
            let grace_ms = presence.dwell_ms.max(watch.enter_window_ms);
            TIME_MS_MAX.saturating_add(grace_ms)
        }
        Duty::Restricted { .. }
        | Duty::Warning { .. }
        | Duty::Tripwire { .. }
        | Duty::Ignore { .. }
        | Duty::PrivacyMask { .. } => TIME_MS_MAX,
    }
}

fn counts(duty: &Duty) -> Counts {
    match duty {
        Duty::Restricted { presence, .. } | Duty::Warning { presence, .. } => {
            match presence.criterion {
                Criterion::Foot => Counts::Feet,
                Criterion::Overlap(_) | Criterion::Any => Counts::Boxes,
            }
        }
        Duty::Occupancy { .. } => Counts::Heads,
        Duty::Tripwire { .. } | Duty::Ignore { .. } | Duty::PrivacyMask { .. } => Counts::Crossing,
    }
}

fn line(zone: &Zone) -> Option<Line> {
    let points: Vec<(f64, f64)> = zone.line().iter().map(|point| (point[0], point[1])).collect();
    if points.is_empty() { None } else { Line::new(&points).ok() }
}

fn sounds_already(now: &Snapshot) -> Option<&'static str> {
    match now.siren.sound {
        SirenSound::Silent | SirenSound::Fault => None,
        SirenSound::Intrusion | SirenSound::Warning => Some(
            "The siren sounds already. Leave the zone, or answer the alarm, until it is silent; \
             then walk in.",
        ),
    }
}

fn signed(by: &str) -> Signed {
    Signed { by: by.to_owned(), at: clock::wall() }
}

/// Days as a span; `None` stays none.
pub fn every(days: Option<u32>) -> Every {
    Every(days.map(|days| SignedDuration::from_hours(i64::from(days) * 24)))
}

/// Gives up the test that an earlier life left running.
///
/// # Errors
/// The store fails.
pub fn begin(store: &mut Store) -> Result<(), WalkError> {
    let why = "the box was started anew while the test ran";
    if let Some(id) = store.abandon_running_walk_test(&signed(BY_BOX), why)? {
        tracing::info!("walk test {id} was abandoned: {why}");
    }
    Ok(())
}
