//! The thread of the walk desk: takes observations to test and heat map, and looks after what is due,
//! what runs too long, and what is to be kept.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::due::due;
use super::keep::turn;
use super::{TEST_MAX, WalkDesk};
use crate::clock;
use crate::config::SirenDevice;
use crate::engine::time::Instant;
use crate::engine::{CameraIndex, ZoneIndex};
use crate::guard::handle::{WalkDeskError, WalkDue, WalkError};
use crate::guard::message::{Message, WalkNews};
use crate::guard::observer::Observations;
use crate::guard::records::SiteNames;
use crate::store::pictures::Hides;
use crate::store::walk::{SirenProof, WalkStanding};
use crate::store::zones::BY_BOX;
use crate::telemetry::chain;

/// How often it is looked at what is due: a changed zone is overdue within this.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What is due is told again after this, changed or not.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What is known of the zones' tests.
#[derive(Debug, Default)]
pub(super) struct Dues {
    /// Of the zones by these names.
    names: Option<Arc<SiteNames>>,
    /// With the model of this digest.
    model: String,
    zones: BTreeMap<ZoneIndex, Standing>,
    told: Option<(Instant, Vec<(ZoneIndex, WalkDue)>)>,
}

#[derive(Debug)]
struct Standing {
    id: String,
    digest: String,
    standing: Option<WalkStanding>,
}

impl Dues {
    /// The store knows something new.
    pub fn forget(&mut self) {
        for zone in self.zones.values_mut() {
            zone.standing = None;
        }
    }
}

/// The thread; it ends with the alarm path.
#[derive(Debug)]
pub struct WalkThread(JoinHandle<()>);

impl WalkThread {
    /// # Errors
    /// The system does not allow another thread.
    pub fn start(desk: Arc<WalkDesk>, observations: Observations) -> io::Result<WalkThread> {
        let run = move || desk.run(&observations);
        thread::Builder::new().name("walk-tests".into()).spawn(run).map(WalkThread)
    }

    /// Waits for its end; to be called when the alarm path has ended.
    pub fn join(self) {
        let _ = self.0.join();
    }
}

impl WalkDesk {
    fn run(&self, observations: &Observations) {
        let mut looked_at = clock::monotonic();
        let mut said = None;
        loop {
            let waited = clock::monotonic().since(looked_at);
            match observations.queue.recv_timeout(LOOK_EVERY.saturating_sub(waited)) {
                Ok(observation) => {
                    self.see(&observation);
                    self.parts.heat.see(&observation);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    // Whatever is not kept by now, the log says.
                    let _ = self.save();
                    self.parts.heat.keep(&self.parts.clerk);
                    return;
                }
            }
            if clock::monotonic().since(looked_at) < LOOK_EVERY {
                continue;
            }
            looked_at = clock::monotonic();
            let why = self.tend().err().map(|error| chain(&error));
            if let Some(why) = &why
                && said.as_ref() != Some(why)
            {
                tracing::warn!("walk tests could not be looked after, it is tried again: {why}");
            }
            said = why;
            self.parts.heat.tend(&self.parts.clerk);
        }
    }

    fn tend(&self) -> Result<(), WalkDeskError> {
        // First what is overdue: nothing that goes wrong below must hold it up.
        let told = self.tell_dues();
        self.settle();
        // A test ends in time, whatever of it cannot be kept.
        let (saved, pictured) = (self.save(), self.take_picture());
        self.end_what_is_over()?;
        self.end_what_nobody_watches()?;
        saved.and(pictured).and(told)
    }

    fn settle(&self) {
        if let Some(running) = &mut self.state().running {
            let findings = running.run.settle(clock::monotonic());
            running.take(findings);
        }
    }

    /// Tells the alarm path how every zone's test stands. What is tested hangs on the model: before it
    /// is loaded nothing is watched, which is heard, and nothing can be said of a test.
    fn tell_dues(&self) -> Result<(), WalkDeskError> {
        let Some(model) = self.now().model.as_ref().map(|model| model.digest.clone()) else {
            return Ok(());
        };
        let guarding = self.parts.zones.guarding();
        let (now, wall) = (clock::monotonic(), clock::wall());
        let mut dues = self.dues.lock().unwrap_or_else(PoisonError::into_inner);
        let same = dues.names.as_ref().is_some_and(|names| Arc::ptr_eq(names, &guarding.names));
        if !same || dues.model != model {
            dues.zones = BTreeMap::new();
            for (number, slot) in guarding.names.live() {
                let camera = CameraIndex(slot.info.camera);
                let document = guarding.documents.get(usize::from(camera.0));
                let digest = document
                    .and_then(|document| self.digest(&model, camera, document, &slot.info.id));
                if let Some(digest) = digest {
                    let id = slot.info.id.clone();
                    dues.zones.insert(number, Standing { id, digest, standing: None });
                }
            }
            (dues.names, dues.model) = (Some(guarding.names.clone()), model);
            dues.told = None;
        }
        let proof = match self.parts.siren {
            SirenDevice::Default | SirenDevice::Named(_) => SirenProof::Needed,
            SirenDevice::None => SirenProof::NotNeeded,
        };
        let mut outcome = Ok(());
        let mut zones = Vec::with_capacity(dues.zones.len());
        for (number, zone) in &mut dues.zones {
            if zone.standing.is_none() {
                match self.parts.reader.walk_standing(&zone.id, &zone.digest, proof) {
                    Ok(standing) => zone.standing = Some(standing),
                    Err(error) => outcome = Err(WalkDeskError::Store(error)),
                }
            }
            // What cannot be read was never tested.
            let unknown = WalkStanding::default();
            let standing = zone.standing.as_ref().unwrap_or(&unknown);
            zones.push((*number, due(standing, self.parts.every, wall)));
        }
        let known = dues
            .told
            .as_ref()
            .is_some_and(|(at, told)| *told == zones && now.since(*at) < TELL_EVERY);
        if !known {
            let news = WalkNews { names: guarding.names, zones: zones.clone() };
            // Full: it is told at the next look.
            if self.parts.alarm_path.try_send(Message::WalkTests(Box::new(news))).is_ok() {
                dues.told = Some((now, zones));
            }
        }
        outcome
    }

    /// Ends a test that has run too long, or of what is no more.
    fn end_what_is_over(&self) -> Result<(), WalkDeskError> {
        let running = self.state().running.as_ref().map(|running| {
            let what = (running.camera, running.zone.clone(), running.digest.clone());
            (running.id, what, running.started_at)
        });
        let Some((id, (camera, zone, digest), started_at)) = running else { return Ok(()) };
        let (now, guarding) = (self.now(), self.parts.zones.guarding());
        let document = guarding.documents.get(usize::from(camera.0));
        let same = now.model.as_ref().zip(document).is_some_and(|(model, document)| {
            self.digest(&model.digest, camera, document, &zone) == Some(digest)
        });
        let why = if !same {
            "the zone or the model was changed while the test ran"
        } else if clock::monotonic().since(started_at) > TEST_MAX {
            "it was not finished within 30 minutes"
        } else {
            return Ok(());
        };
        tracing::info!("walk test {id} is abandoned: {why}");
        match self.abandon(id, BY_BOX, why) {
            Ok(_) | Err(WalkDeskError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends a test that runs only in the store: whoever started it was told that this is not known.
    fn end_what_nobody_watches(&self) -> Result<(), WalkDeskError> {
        let watched = || self.state().running.as_ref().map(|running| running.id);
        let astray = || {
            let runs = self.parts.reader.running_walk_test();
            runs.map(|id| id.filter(|id| watched() != Some(*id))).map_err(WalkDeskError::Store)
        };
        if astray()?.is_none() {
            return Ok(());
        }
        // Perhaps it is only being started: looked at again when nobody does that.
        let _turn = turn(&self.saving);
        let Some(id) = astray()? else { return Ok(()) };
        let why = "the store was too slow when it was started";
        tracing::info!("walk test {id} is abandoned: {why}");
        match self.abandon(id, BY_BOX, why) {
            Ok(_) | Err(WalkDeskError::Refused(WalkError::Over { .. })) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Keeps the picture of the test, once there is one.
    fn take_picture(&self) -> Result<(), WalkDeskError> {
        let picture = {
            let state = self.state();
            let Some(running) = &state.running else { return Ok(()) };
            let viewer = running.viewer.as_ref();
            let picture = viewer.and_then(|viewer| viewer.pictures.borrow().clone());
            // One from before the test shows what was, perhaps hours ago.
            picture
                .filter(|picture| picture.captured >= running.started_at)
                .map(|picture| (running.id, picture))
        };
        let Some((id, picture)) = picture else { return Ok(()) };
        let jpeg = picture.jpeg.clone();
        let hides = Hides::of(self.parts.privacy);
        self.ask(move |store| store.put_walk_picture(id, &jpeg, hides))?;
        if let Some(running) = &mut self.state().running
            && running.id == id
        {
            running.viewer = None;
        }
        Ok(())
    }
}
