//! The zone desk: drafts, versions, and bringing a version into force while the box guards.
//!
//! Terms: what is **armed** is what the alarm path has taken; what is **in force** is what the store
//! says. The store is the truth: a version is in force there first, in one transaction with its
//! approval and its audit entry, and then the alarm path takes it in one step. So
//!
//! - a kill before the transaction changes nothing; a kill after it finds the new version at the
//!   next start: approved, kept, and armed from the first picture;
//! - an incident never names a version that the store does not know as in force;
//! - an alarm path that does not take it (it is busy, or refuses) has changed nothing, and the store
//!   is put back: the version is proposed again. Should even that fail, the two are brought together
//!   by `tend` within a second, by what the store says then.
//!
//! - `start`: what is in force when the box starts. `apply`: the one way from the store to the alarm
//!   path. `findings`: what is to be said of a document. `tend`: what has to be looked after.
//!   `digest`: what of a zone counts as a change for its walk test.
//!
//! Not here: what a document means (`zone_file`), how versions lie on disk (`store`), roles (`web`).

mod apply;
pub mod digest;
mod findings;
mod start;
mod tend;
#[cfg(test)]
mod tests;

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use jiff::{SignedDuration, Timestamp};

use self::apply::Compile;
pub use self::start::{Begun, begin};
pub use self::tend::ZoneThread;
use super::clerk::Clerk;
use super::handle::{
    CameraZones, Draft, Findings, Json, Measured, Pipeline, Snapshot, ZoneDeskError, Zones,
};
use super::live::LiveHub;
use super::message::{Approval, Message};
use super::records::SiteNames;
use crate::clock;
use crate::engine::CameraIndex;
use crate::engine::detection::FrameSize;
use crate::engine::time::Instant;
use crate::store::Store;
use crate::store::query::StoreReader;
use crate::store::zones::{
    ApprovalRule, Decision, DraftBefore, NewVersion, Signed, VersionSource, VersionState,
    ZoneDraft, ZoneVersion, ZonesError, ZonesOfCamera, text_digest,
};
use crate::zone_file::limits::PIPELINE_MS_DEFAULT;
use crate::zone_file::{Compiled, Context, Document, difference, parse, shape, shape_of};

/// Everything about zones that is not on the alarm path.
#[derive(Debug)]
pub struct ZoneDesk {
    /// Held only to look or to replace.
    armed: Mutex<Armed>,
    /// Held by whoever changes what is armed.
    changing: Mutex<()>,
    /// The store and the alarm path may differ: `tend` has to look.
    unsettled: AtomicBool,
    rule: ApprovalRule,
    inputs: Arc<[String]>,
    alarm_path: SyncSender<Message>,
    hub: Arc<LiveHub>,
    reader: StoreReader,
    clerk: Clerk,
}

/// What the zone desk is made of.
#[derive(Debug)]
pub struct ZoneDeskParts {
    pub names: Arc<SiteNames>,
    /// In the order of the cameras.
    pub documents: Vec<Document>,
    pub rule: ApprovalRule,
    pub inputs: Arc<[String]>,
    pub alarm_path: SyncSender<Message>,
    pub hub: Arc<LiveHub>,
    pub reader: StoreReader,
    pub clerk: Clerk,
}

/// What the alarm path has taken.
#[derive(Clone, Debug)]
struct Armed {
    names: Arc<SiteNames>,
    cameras: Vec<ArmedCamera>,
}

/// What the alarm path decides by.
#[derive(Clone, Debug)]
pub struct Guarding {
    pub names: Arc<SiteNames>,
    /// In the order of the cameras.
    pub documents: Vec<Arc<Document>>,
}

#[derive(Clone, Debug)]
struct ArmedCamera {
    document: Arc<Document>,
    /// The picture its calibration was made for.
    frame_size: Option<FrameSize>,
    /// The clocks by which the ends of its marks were reckoned.
    clocks: Clocks,
}

/// How far the civil clock is ahead of the monotonic one; another distance means that somebody has
/// set it.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    ahead: SignedDuration,
}

impl Clocks {
    fn now() -> Clocks {
        let up = clock::monotonic().since(Instant::ZERO);
        let up = SignedDuration::try_from(up).unwrap_or(SignedDuration::MAX);
        Clocks { ahead: clock::wall().duration_since(Timestamp::UNIX_EPOCH).saturating_sub(up) }
    }

    fn apart(self, other: Clocks) -> SignedDuration {
        self.ahead.saturating_sub(other.ahead).abs()
    }
}

impl ZoneDesk {
    pub fn new(parts: ZoneDeskParts) -> ZoneDesk {
        let clocks = Clocks::now();
        let camera =
            |document| ArmedCamera { document: Arc::new(document), frame_size: None, clocks };
        let cameras = parts.documents.into_iter().map(camera).collect();
        ZoneDesk {
            armed: Mutex::new(Armed { names: parts.names, cameras }),
            changing: Mutex::new(()),
            unsettled: AtomicBool::new(false),
            rule: parts.rule,
            inputs: parts.inputs,
            alarm_path: parts.alarm_path,
            hub: parts.hub,
            reader: parts.reader,
            clerk: parts.clerk,
        }
    }

    /// One change at a time; whoever finds another under way is told so and holds up nobody.
    fn change(&self) -> Result<MutexGuard<'_, ()>, ZoneDeskError> {
        match self.changing.try_lock() {
            Ok(change) => Ok(change),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(ZoneDeskError::Busy),
        }
    }

    fn armed(&self) -> Armed {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What guards now, names and documents of one moment.
    pub fn guarding(&self) -> Guarding {
        let armed = self.armed();
        let documents = armed.cameras.into_iter().map(|camera| camera.document).collect();
        Guarding { names: armed.names, documents }
    }

    /// What is to be said of a camera's zones as they guard.
    pub fn findings_of(&self, camera: CameraIndex, guarding: &Guarding) -> Findings {
        let document = guarding.documents.get(usize::from(camera.0));
        document
            .map(|document| self.judge(camera, &ZonesOfCamera::default(), document))
            .unwrap_or_default()
    }

    fn now(&self) -> Arc<Snapshot> {
        self.hub.snapshots().borrow().clone()
    }

    fn camera(&self, id: &str) -> Result<CameraIndex, ZoneDeskError> {
        let position = self.now().cameras.iter().position(|camera| camera.id == id);
        let unknown = || ZoneDeskError::UnknownCamera { camera: id.to_owned() };
        position.and_then(|at| u16::try_from(at).ok()).map(CameraIndex).ok_or_else(unknown)
    }

    fn kept(&self, camera: &str) -> Result<ZonesOfCamera, ZoneDeskError> {
        self.reader.zones_of(camera).map_err(ZoneDeskError::Store)
    }

    fn version_of(&self, camera: &str, number: u32) -> Result<ZoneVersion, ZoneDeskError> {
        let found = self.reader.zone_version(camera, number).map_err(ZoneDeskError::Store)?;
        let camera = camera.to_owned();
        found.ok_or(ZoneDeskError::Refused(ZonesError::NoVersion { camera, number }))
    }

    fn ask<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut Store) -> Result<T, ZonesError> + Send + 'static,
    ) -> Result<T, ZoneDeskError> {
        self.clerk.ask(errand).map_err(ZoneDeskError::Clerk)?.map_err(ZoneDeskError::Refused)
    }

    /// The site as documents are judged by.
    fn compile(
        &self,
        camera: CameraIndex,
        document: &Document,
        how: Compile,
    ) -> Result<Compiled, ZoneDeskError> {
        self.compile_for(camera, document, how, frame_size(&self.now(), camera))
    }

    fn compile_for(
        &self,
        camera: CameraIndex,
        document: &Document,
        how: Compile,
        frame_size: Option<FrameSize>,
    ) -> Result<Compiled, ZoneDeskError> {
        let now = self.now();
        let context = Context {
            camera: camera.0,
            now: clock::wall(),
            monotonic_now: clock::monotonic(),
            frame_size,
            pipeline_max_ms: pipeline(&now).max_ms,
            inputs: Some(&self.inputs),
        };
        how(document, &context).map_err(ZoneDeskError::Fields)
    }

    fn draft_of(&self, camera: CameraIndex, kept: &ZonesOfCamera, draft: ZoneDraft) -> Draft {
        let findings = match shape(&draft.document) {
            Ok(document) => self.judge(camera, kept, &document),
            // It was kept by another version of this program.
            Err(problems) => Findings { problems, ..Findings::default() },
        };
        told(draft, findings)
    }
}

impl Zones for ZoneDesk {
    fn zones(&self, camera: &str) -> Result<CameraZones, ZoneDeskError> {
        let index = self.camera(camera)?;
        let mut kept = self.kept(camera)?;
        let draft = kept.draft.take().map(|draft| self.draft_of(index, &kept, draft));
        let in_force = kept.in_force.ok_or_else(|| {
            let camera = camera.to_owned();
            ZoneDeskError::Refused(ZonesError::NoVersion { camera, number: 1 })
        })?;
        let now = self.now();
        Ok(CameraZones {
            camera: camera.to_owned(),
            in_force,
            draft,
            proposed: kept.proposed,
            frame_px: now.cameras.get(usize::from(index.0)).and_then(|camera| camera.size_px),
            pipeline: pipeline(&now),
            inputs: self.inputs.clone(),
            approval: self.rule,
        })
    }

    fn check_zones(&self, camera: &str, document: &Json, by: &str) -> Result<Draft, ZoneDeskError> {
        let index = self.camera(camera)?;
        let document = shape_of(document).map_err(ZoneDeskError::Fields)?;
        let kept = self.kept(camera)?;
        let findings = self.judge(index, &kept, &document);
        let base = match &kept.draft {
            Some(draft) => draft.base,
            None => kept.in_force.map(|version| version.number),
        };
        let document = document.to_text();
        Ok(told(ZoneDraft { base, document, saved: signed(by), drawn_by: Vec::new() }, findings))
    }

    fn put_draft(
        &self,
        camera: &str,
        document: &Json,
        by: &str,
        before: &DraftBefore,
    ) -> Result<Draft, ZoneDeskError> {
        let index = self.camera(camera)?;
        let document = shape_of(document).map_err(ZoneDeskError::Fields)?;
        let (id, text, saved) = (camera.to_owned(), document.to_text(), signed(by));
        let before = before.clone();
        let draft = self.ask(move |store| store.put_zone_draft(&id, &text, &saved, &before))?;
        let findings = self.judge(index, &self.kept(camera)?, &document);
        Ok(told(draft, findings))
    }

    fn delete_draft(&self, camera: &str, by: &str) -> Result<(), ZoneDeskError> {
        self.camera(camera)?;
        let (id, signed) = (camera.to_owned(), signed(by));
        self.ask(move |store| store.delete_zone_draft(&id, &signed))
    }

    fn propose(
        &self,
        camera: &str,
        by: &str,
        reason: &str,
        digest: &str,
    ) -> Result<ZoneVersion, ZoneDeskError> {
        let index = self.camera(camera)?;
        let kept = self.kept(camera)?;
        let Some(draft) = &kept.draft else {
            let camera = camera.to_owned();
            return Err(ZoneDeskError::Refused(ZonesError::NoDraft { camera }));
        };
        if text_digest(&draft.document) != digest {
            return Err(ZoneDeskError::Refused(ZonesError::DraftChanged));
        }
        let document = parse(&draft.document).map_err(ZoneDeskError::Fields)?;
        let findings = self.judge(index, &kept, &document);
        if !findings.problems.is_empty() {
            return Err(ZoneDeskError::Fields(findings.problems));
        }
        let new = NewVersion {
            camera: camera.to_owned(),
            document: document.to_text(),
            digest: document.digest(),
            made: signed(by),
            reason: reason.to_owned(),
            differences: findings.differences,
        };
        let drafted = draft.document.clone();
        self.ask(move |store| store.propose_zones(&new, &drafted))
    }

    fn approve(&self, camera: &str, number: u32, by: &str) -> Result<ZoneVersion, ZoneDeskError> {
        let index = self.camera(camera)?;
        let _change = self.change()?;
        let version = self.version_of(camera, number)?;
        if version.state != VersionState::Proposed {
            let state = version.state;
            return Err(ZoneDeskError::Refused(ZonesError::WrongState { number, state }));
        }
        let decision = Decision { camera: camera.to_owned(), number, signed: signed(by) };
        let rule = self.rule;
        let plan = self.plan(index, &version, Document::compile)?;
        let approval = Approval { by: by.to_owned(), drawn_at: version.made.at };
        self.bring_into_force(plan, Some(approval), move |store, zones| {
            store.approve_zones(&decision, rule, zones)
        })
    }

    fn refuse(
        &self,
        camera: &str,
        number: u32,
        by: &str,
        reason: &str,
    ) -> Result<ZoneVersion, ZoneDeskError> {
        self.camera(camera)?;
        let decision = Decision { camera: camera.to_owned(), number, signed: signed(by) };
        let reason = reason.to_owned();
        self.ask(move |store| store.refuse_zones(&decision, &reason))
    }

    fn restore(
        &self,
        camera: &str,
        number: u32,
        by: &str,
        reason: &str,
    ) -> Result<ZoneVersion, ZoneDeskError> {
        let index = self.camera(camera)?;
        let _change = self.change()?;
        let version = self.version_of(camera, number)?;
        match version.state {
            VersionState::Replaced => {}
            VersionState::InForce => return Err(ZoneDeskError::AlreadyInForce { number }),
            // It never guarded: nobody has approved it.
            state @ (VersionState::Proposed | VersionState::Withdrawn | VersionState::Refused) => {
                return Err(ZoneDeskError::Refused(ZonesError::WrongState { number, state }));
            }
        }
        // It was approved once; what the site has changed since must not keep anybody from going
        // back.
        let plan = self.plan(index, &version, Document::compile_in_force)?;
        let before = self.kept(camera)?.in_force;
        let before = before.and_then(|version| shape(&version.document).ok());
        let size = frame_size(&self.now(), index);
        let new = NewVersion {
            camera: camera.to_owned(),
            document: version.document,
            digest: version.digest,
            made: signed(by),
            reason: format!("back to version {number}: {reason}"),
            differences: before
                .map(|before| sentences(&before, &plan.camera.document, size))
                .unwrap_or_default(),
        };
        self.bring_into_force(plan, None, move |store, zones| {
            store.put_zones_in_force(&new, VersionSource::Rollback, zones)
        })
    }

    fn zone_versions(&self, camera: &str) -> Result<Vec<ZoneVersion>, ZoneDeskError> {
        self.camera(camera)?;
        self.reader.zone_versions(camera).map_err(ZoneDeskError::Store)
    }

    fn zone_version(&self, camera: &str, number: u32) -> Result<ZoneVersion, ZoneDeskError> {
        self.camera(camera)?;
        self.version_of(camera, number)
    }

    fn zone_differences(
        &self,
        camera: &str,
        from: u32,
        to: u32,
    ) -> Result<Vec<String>, ZoneDeskError> {
        let index = self.camera(camera)?;
        let document = |number| -> Result<Document, ZoneDeskError> {
            shape(&self.version_of(camera, number)?.document).map_err(ZoneDeskError::Fields)
        };
        Ok(sentences(&document(from)?, &document(to)?, frame_size(&self.now(), index)))
    }
}

fn told(draft: ZoneDraft, findings: Findings) -> Draft {
    let ZoneDraft { base, document, saved, drawn_by: _ } = draft;
    Draft { saved, base, digest: text_digest(&document), document, findings }
}

fn signed(by: &str) -> Signed {
    Signed { by: by.to_owned(), at: clock::wall() }
}

fn sentences(old: &Document, new: &Document, size: Option<FrameSize>) -> Vec<String> {
    difference(old, new, size).into_iter().map(|difference| difference.text).collect()
}

fn frame_size(now: &Snapshot, camera: CameraIndex) -> Option<FrameSize> {
    let (width_px, height_px) = now.cameras.get(usize::from(camera.0))?.size_px?;
    FrameSize::new(width_px, height_px)
}

/// Time from picture to siren, measured or usual.
fn pipeline(now: &Snapshot) -> Pipeline {
    let latency = &now.latency;
    match (latency.capture_to_siren_p99_ms, latency.worst_lately_ms) {
        (Some(p99_ms), Some(max_ms)) => Pipeline { p99_ms, max_ms, measured: Measured::Yes },
        _ => Pipeline {
            p99_ms: PIPELINE_MS_DEFAULT,
            max_ms: PIPELINE_MS_DEFAULT,
            measured: Measured::NotYet,
        },
    }
}
