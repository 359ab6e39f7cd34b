//! From the store to the alarm path: in force first, armed next, put back when it is not taken.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{ArmedCamera, Clocks, ZoneDesk, frame_size};
use crate::clock;
use crate::engine::{CameraIndex, CameraSpec, ZoneIndex};
use crate::guard::clerk::ClerkError;
use crate::guard::handle::{FieldError, ZoneDeskError};
use crate::guard::message::{Approval, Claim, Claimed, Message, RezoneOrder};
use crate::guard::records::{InForce, SiteNames};
use crate::store::Store;
use crate::store::record::ZoneName;
use crate::store::zones::{ZoneVersion, ZonesError};
use crate::zone_file::{Compiled, Context, Document, parse};

/// Longest wait until the alarm path takes zones; it looks every 50 ms.
const TAKE_MAX: Duration = Duration::from_millis(800);

/// What was taken in the last moment is waited for this much longer.
const TAKEN_MAX: Duration = Duration::from_secs(1);

/// Zones ready to be armed.
pub(super) struct Plan {
    index: CameraIndex,
    spec: CameraSpec,
    slots: Vec<ZoneIndex>,
    names: SiteNames,
    pub(super) camera: ArmedCamera,
}

/// What became of an order to the alarm path.
enum Taken {
    Yes,
    /// Nothing was changed there.
    No(ZoneDeskError),
    Unknown,
}

/// Judges a document for use.
pub(super) type Compile = fn(&Document, &Context<'_>) -> Result<Compiled, Vec<FieldError>>;

impl ZoneDesk {
    /// Everything that can be refused is refused here, before anything is changed.
    pub(super) fn plan(
        &self,
        index: CameraIndex,
        version: &ZoneVersion,
        how: Compile,
    ) -> Result<Plan, ZoneDeskError> {
        let document = parse(&version.document).map_err(ZoneDeskError::Fields)?;
        // Before: set in between, the clocks are found apart at the next look.
        let clocks = Clocks::now();
        // Looked at once: what is recorded is what it was compiled for, also when the picture
        // changes its size this moment.
        let frame_size = frame_size(&self.now(), index);
        let compiled = self.compile_for(index, &document, how, frame_size)?;
        let armed = self.armed();
        let twice = elsewhere(&armed.names, index, &document);
        if !twice.is_empty() {
            return Err(ZoneDeskError::Fields(twice));
        }
        let in_force = InForce {
            version: version.number,
            digest: version.digest.clone(),
            fault: None,
            masks: document.masks().into(),
            ground: compiled.spec.ground.clone().map(Arc::new),
        };
        let rezoned = armed.names.rezoned(index, compiled.infos, in_force);
        let (names, slots) = rezoned.ok_or(ZoneDeskError::NoNumbers)?;
        let camera = ArmedCamera { document: Arc::new(document), frame_size, clocks };
        Ok(Plan { index, spec: compiled.spec, slots, names, camera })
    }

    /// In force in the store, then armed; see the module for why in this order.
    pub(super) fn bring_into_force(
        &self,
        mut plan: Plan,
        approval: Option<Approval>,
        keep: impl FnOnce(&mut Store, &[ZoneName]) -> Result<ZoneVersion, ZonesError> + Send + 'static,
    ) -> Result<ZoneVersion, ZoneDeskError> {
        let zones = plan.names.zones_of(plan.index);
        let kept = self.clerk.ask(move |store| keep(store, &zones));
        let version = match kept {
            Ok(kept) => kept.map_err(ZoneDeskError::Refused)?,
            Err(ClerkError::Unclear) => {
                self.unsettled.store(true, Ordering::Release);
                return Err(ZoneDeskError::Unclear);
            }
            Err(error @ (ClerkError::Busy | ClerkError::Stopping)) => {
                return Err(ZoneDeskError::Clerk(error));
            }
        };
        if let Some(zones) = plan.names.in_force.get_mut(usize::from(plan.index.0)) {
            zones.version = version.number;
        }
        let index = plan.index;
        match self.arm(plan, approval) {
            Taken::Yes => {
                tracing::info!(
                    "zones of {}: version {} is in force",
                    version.camera,
                    version.number
                );
                Ok(version)
            }
            Taken::No(why) => {
                let zones = self.armed().names.zones_of(index);
                let (camera, number) = (version.camera, version.number);
                let back = self
                    .ask(move |store| store.put_zones_back(&camera, number, clock::wall(), &zones));
                match back {
                    Ok(()) => Err(why),
                    Err(error) => {
                        tracing::error!(
                            "zones that were not taken are still in the store: {error}"
                        );
                        self.unsettled.store(true, Ordering::Release);
                        Err(ZoneDeskError::Unclear)
                    }
                }
            }
            Taken::Unknown => {
                self.unsettled.store(true, Ordering::Release);
                Err(ZoneDeskError::Unclear)
            }
        }
    }

    /// Hands zones to the alarm path and waits, but not for ever.
    fn arm(&self, plan: Plan, approval: Option<Approval>) -> Taken {
        let Plan { index, spec, slots, names, camera } = plan;
        let names = Arc::new(names);
        let claim = Arc::new(Claim::default());
        let (reply, replied) = mpsc::sync_channel(1);
        let order = RezoneOrder {
            camera: index,
            spec,
            slots,
            names: names.clone(),
            approval,
            claim: claim.clone(),
            reply,
        };
        if self.alarm_path.try_send(Message::Rezone(Box::new(order))).is_err() {
            return Taken::No(ZoneDeskError::NotTaken);
        }
        let outcome = match replied.recv_timeout(TAKE_MAX) {
            Err(RecvTimeoutError::Timeout) if claim.take() == Claimed::Ours => {
                return Taken::No(ZoneDeskError::NotTaken);
            }
            Err(RecvTimeoutError::Timeout) => replied.recv_timeout(TAKEN_MAX),
            outcome => outcome,
        };
        match outcome {
            Ok(Ok(())) => {
                let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
                armed.names = names;
                if let Some(place) = armed.cameras.get_mut(usize::from(index.0)) {
                    *place = camera;
                }
                Taken::Yes
            }
            Ok(Err(refusal)) => Taken::No(ZoneDeskError::EngineRefused(refusal)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Taken::Unknown,
        }
    }

    /// Arms what the store says is in force, for a picture of this size: after the first picture,
    /// after another one, and when a change was left unsettled.
    pub(super) fn arm_what_is_in_force(
        &self,
        index: CameraIndex,
        version: &ZoneVersion,
    ) -> Result<(), ZoneDeskError> {
        let armed = self.armed();
        let fault = match armed.names.in_force.get(usize::from(index.0)) {
            Some(now) if now.version == version.number => now.fault.clone(),
            Some(_) | None => None,
        };
        let mut plan = self.plan(index, version, Document::compile_in_force)?;
        if let Some(zones) = plan.names.in_force.get_mut(usize::from(index.0)) {
            zones.fault = fault;
        }
        match self.arm(plan, None) {
            Taken::Yes => Ok(()),
            Taken::No(why) => Err(why),
            Taken::Unknown => Err(ZoneDeskError::Unclear),
        }
    }
}

/// Zones whose id another camera has: ids differ over all cameras.
pub(super) fn elsewhere(
    names: &SiteNames,
    index: CameraIndex,
    document: &Document,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (number, zone) in document.zones.iter().enumerate() {
        let other =
            names.live().find(|(_, slot)| slot.info.camera != index.0 && slot.info.id == zone.id);
        if let Some((_, slot)) = other {
            let camera = names.camera_name(CameraIndex(slot.info.camera));
            let right =
                format!("camera {camera} has a zone of this id; ids differ over all cameras");
            let field = format!("features[{number}].properties.id");
            errors.push(FieldError::new(field, format!("{:?}", zone.id), right));
        }
    }
    errors
}
