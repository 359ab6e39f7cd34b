//! What each camera's view is held against, kept over restarts of the vision process and of the box;
//! and the pictures of it that people see.
//!
//! ```text
//! vision process ── settled ──> alarm path ── picture of that frame, why, by ──> painter ──┐
//!               ── learned ──> alarm path ── after its reference ─────────────> painter ──> here ──> store
//!               <── at each of its starts ── supervisor <────────────────────────────────────┘
//! ```
//!
//! Nothing here is called by the alarm path but [`Views::outdated`], [`Views::replaced`],
//! [`Views::is_behind`] and [`Views::judged`], which take no lock.
//!
//! What a privacy mask covers is plain in every picture that the store keeps to compare by, and black in
//! those that people see, before it is kept; and in what is kept already once there is a new mask. In
//! memory what is compared by stays whole, as it is in the vision process that gave it: the next one
//! must find what covers a masked place as well.
//!
//! Not here: what a view is compared by (`crate::integrity`), and whether zones are watched.

mod kept;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::kept::{Kept, Left, Reference, Shown, decode, encoded, forget_looks};
use super::clerk::Clerk;
use super::handle::{
    CameraViews, Judged, Onlooker, Pictured, ReferenceFacts, ViewFacts, ViewPicture,
};
use super::live::{FramePeople, LiveHub};
use super::privacy::mosaic;
use super::records::SiteNames;
use crate::clock;
use crate::config::{Config, Privacy};
use crate::engine::CameraIndex;
use crate::link::{self, GreyPicture, KnownView, LearnedView};
use crate::store::query::{HistoryError, StoreReader};
use crate::store::views::ViewRows;
use crate::store::{Store, StoreError};
use crate::telemetry::chain;
use crate::zone_file::Mask;

/// The views of all cameras.
#[derive(Debug)]
pub struct Views {
    cameras: Vec<CameraSlot>,
    privacy: Privacy,
    clerk: Clerk,
    hub: Arc<LiveHub>,
}

#[derive(Debug)]
struct CameraSlot {
    id: String,
    judged: Judged,
    kept: Mutex<Kept>,
    /// How often somebody has replaced the view. While the reference is of one before, the next one is on
    /// its way.
    replaced: AtomicU64,
    behind: Arc<Behind>,
}

/// What the store has not taken of what is here.
#[derive(Debug, Default)]
struct Behind {
    something: AtomicBool,
    /// Something of that may not be left where it was overwritten.
    secret: AtomicBool,
}

/// Something that is to be kept. Until it says that it was, the store is behind: also when it was never
/// begun, and when whoever was to do it panicked.
struct Promise {
    behind: Arc<Behind>,
    leftovers: Leftovers,
    came: Came,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    Yes,
    No,
}

/// Whether what is kept may be left in the store's file where it was overwritten.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leftovers {
    Harmless,
    Secret,
}

/// A frame to be shown, with who is in it.
#[derive(Debug)]
pub struct ViewFrame {
    pub camera: CameraIndex,
    /// With what nobody may see.
    pub names: Arc<SiteNames>,
    /// `None`: nobody knows where people are in it.
    pub seen: Option<FramePeople>,
}

/// A reference on its way.
#[derive(Debug)]
pub struct NewReference {
    pub frame: ViewFrame,
    pub facts: ReferenceFacts,
    pub grey: GreyPicture,
    /// Which view it is of: how often somebody had replaced it.
    pub of: u64,
}

impl ViewFrame {
    /// Of another frame than was looked at nobody knows where people are.
    pub fn shown_in(self, picture: &link::Picture) -> ViewFrame {
        ViewFrame { seen: self.seen.filter(|seen| seen.frame == picture.frame), ..self }
    }
}

impl Views {
    /// What the store has of the cameras.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn of(
        config: &Config,
        reader: &StoreReader,
        clerk: Clerk,
        hub: Arc<LiveHub>,
        names: &SiteNames,
    ) -> Result<Views, HistoryError> {
        let mut references = reader.view_references()?;
        let mut learned = reader.view_learned()?;
        let mut slot = |(index, camera): (usize, &crate::config::Camera)| {
            let row = references.iter().position(|row| row.camera == camera.id);
            let row = row.map(|at| Reference::from(references.swap_remove(at)));
            let bytes = learned.iter().position(|(id, _)| *id == camera.id);
            let bytes = bytes.map(|at| learned.swap_remove(at).1).unwrap_or_default();
            let judged = if camera.source.has_view() { Judged::Yes } else { Judged::No };
            let (learned, left) = decode(&bytes);
            let masks = names.shared_masks(index);
            let kept = Kept { reference: row, learned, masks, left, ..Kept::default() };
            CameraSlot {
                id: camera.id.clone(),
                judged,
                kept: Mutex::new(kept),
                replaced: AtomicU64::new(0),
                behind: Arc::default(),
            }
        };
        let cameras = config.cameras.iter().enumerate().map(&mut slot).collect();
        let views = Views { cameras, privacy: config.privacy, clerk, hub };
        views.hide_what_was_kept();
        Ok(views)
    }

    /// What an older box kept, or one that ended before it had rewritten it; and the log of one that ended
    /// before it had emptied that.
    fn hide_what_was_kept(&self) {
        let mut log = None;
        for slot in &self.cameras {
            let mut kept = slot.kept();
            if kept.masks.is_empty() {
                continue;
            }
            log.get_or_insert(slot);
            if kept.is_bare() {
                kept.black_out();
                drop(kept);
                self.keep(slot, slot.promise(Leftovers::Secret));
            }
        }
        if let Some(slot) = log {
            let promise = slot.promise(Leftovers::Secret);
            self.leave("what a view was", promise, Store::forget_overwritten_views);
        }
    }

    /// Cameras of which too little was kept, beside what nobody may see, to know their view again.
    pub fn unrecognised(&self) -> Vec<CameraIndex> {
        let too_little =
            |slot: &CameraSlot| slot.judged == Judged::Yes && slot.kept().left == Left::TooLittle;
        let cameras = (0..).map(CameraIndex).zip(&self.cameras);
        cameras.filter(|(_, slot)| too_little(slot)).map(|(camera, _)| camera).collect()
    }

    /// Somebody has replaced the view: what is kept is of another one. Never waits.
    pub fn outdated(&self, camera: CameraIndex) {
        if let Some(slot) = self.slot(camera) {
            slot.replaced.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// How often somebody has replaced the view. Never waits.
    pub fn replaced(&self, camera: CameraIndex) -> u64 {
        self.slot(camera).map_or(0, |slot| slot.replaced.load(Ordering::Acquire))
    }

    /// Whether the store lacks something of the camera's view that is known here. Never waits.
    pub fn is_behind(&self, camera: CameraIndex) -> bool {
        self.slot(camera).is_some_and(|slot| slot.behind.something.load(Ordering::Acquire))
    }

    /// Whether the camera's view is judged.
    pub fn judged(&self, camera: CameraIndex) -> Judged {
        self.slot(camera).map_or(Judged::No, |slot| slot.judged)
    }

    /// What a vision process that starts has to know, by camera.
    pub fn known(&self) -> Vec<(link::CameraIndex, KnownView)> {
        let known = |slot: &CameraSlot| {
            let kept = slot.kept();
            let mut learned = kept.learned.clone();
            let reference = if kept.of == slot.replaced.load(Ordering::Acquire) {
                kept.reference.as_ref().map(|reference| reference.grey.clone())
            } else {
                forget_looks(&mut learned);
                None
            };
            KnownView { reference, learned }
        };
        let judged = (0..).zip(&self.cameras).filter(|(_, slot)| slot.judged == Judged::Yes);
        judged.map(|(index, slot)| (index, known(slot))).collect()
    }

    /// A view has its reference.
    pub fn settled(&self, new: &NewReference) {
        let NewReference { frame, facts, grey, of } = new;
        let Some(slot) = self.slot(frame.camera) else { return };
        let mut kept = slot.kept();
        let (facts, grey) = (facts.clone(), grey.clone());
        kept.reference = Some(Reference { facts, grey, shown: None });
        kept.left = Left::Enough;
        if kept.of != *of {
            kept.of = *of;
            // What is learned of the new view comes after this, and may be lost on the way.
            kept.forget_looks();
        }
        if kept.left() == Left::TooLittle {
            tracing::warn!(
                "camera {}: its privacy masks hide most of what its view is known by; when the box starts, \
                 its zones are UNKNOWN until somebody confirms the view",
                slot.id
            );
        }
        drop(kept);
        self.keep(slot, slot.promise(Leftovers::Harmless));
    }

    /// Other masks are in force. Nothing of what they cover stays in the store.
    pub fn masks(&self, camera: CameraIndex, masks: Arc<[Mask]>) {
        let Some(slot) = self.slot(camera) else { return };
        let promise = slot.promise(Leftovers::Secret);
        let mut kept = slot.kept();
        kept.masks = masks;
        fail::fail_point!(&format!("views::masks::{}", slot.id));
        let nothing = kept.reference.is_none() && kept.learned == LearnedView::default();
        if kept.masks.is_empty() || nothing {
            promise.keep();
            return;
        }
        kept.black_out();
        drop(kept);
        self.keep(slot, promise);
    }

    /// Keeps once more what the store has not taken.
    pub fn keep_again(&self, camera: CameraIndex) {
        let Some(slot) = self.slot(camera) else { return };
        if !slot.behind.something.swap(false, Ordering::AcqRel) {
            return;
        }
        let leftovers = match slot.behind.secret.swap(false, Ordering::AcqRel) {
            true => Leftovers::Secret,
            false => Leftovers::Harmless,
        };
        let promise = slot.promise(leftovers);
        if leftovers == Leftovers::Secret {
            slot.kept().black_out();
        }
        self.keep(slot, promise);
    }

    /// The picture to show of the reference that was taken then.
    pub fn reference_picture(&self, frame: &ViewFrame, facts: &ReferenceFacts, jpeg: &[u8]) {
        let Some(slot) = self.slot(frame.camera) else { return };
        let Some(shown) = self.shown(slot, frame, jpeg) else { return };
        match &mut slot.kept().reference {
            Some(reference) if reference.facts == *facts => reference.shown = Some(shown.clone()),
            // Another one came meanwhile.
            Some(_) | None => return,
        }
        let (camera, taken_at) = (slot.id.clone(), facts.taken_at);
        let promise = slot.promise(Leftovers::Harmless);
        self.leave("the picture of a view", promise, move |store| {
            let bytes = |of: &Option<Arc<Vec<u8>>>| of.as_ref().map(|it| it.to_vec());
            let (hidden, clear) = (bytes(&shown.hidden), bytes(&shown.clear));
            store.put_view_pictures(&camera, taken_at, hidden.as_deref(), clear.as_deref())
        });
    }

    /// What else was learned.
    pub fn learned(&self, camera: CameraIndex, learned: LearnedView) {
        let Some(slot) = self.slot(camera) else { return };
        let mut kept = slot.kept();
        kept.learned = learned;
        let bytes = kept.learned_bytes();
        drop(kept);
        let (camera, at) = (slot.id.clone(), clock::wall());
        let promise = slot.promise(Leftovers::Harmless);
        self.leave("what was learned of a view", promise, move |store| {
            store.put_view_learned(&camera, at, &bytes)
        });
    }

    /// The picture of a trouble that was told.
    pub fn trouble_picture(&self, frame: &ViewFrame, jpeg: &[u8]) {
        if let Some(slot) = self.slot(frame.camera) {
            let shown = self.shown(slot, frame, jpeg);
            slot.kept().trouble = shown;
        }
    }

    /// The view is right again.
    pub fn trouble_over(&self, camera: CameraIndex) {
        if let Some(slot) = self.slot(camera) {
            slot.kept().trouble = None;
        }
    }

    fn slot(&self, camera: CameraIndex) -> Option<&CameraSlot> {
        self.cameras.get(usize::from(camera.0))
    }

    /// Leaves all that is known of a view to be kept.
    fn keep(&self, slot: &CameraSlot, promise: Promise) {
        let (camera, at) = (slot.id.clone(), clock::wall());
        let kept = slot.kept();
        let (reference, learned) = (kept.row(&slot.id), kept.learned_bytes());
        drop(kept);
        let rows = ViewRows { camera, reference, learned, at };
        let leftovers = promise.leftovers;
        self.leave("what a view is held against", promise, move |store| {
            store.put_view(&rows)?;
            match leftovers {
                Leftovers::Harmless => Ok(()),
                Leftovers::Secret => store.forget_overwritten_views(),
            }
        });
    }

    fn leave(
        &self,
        what: &'static str,
        promise: Promise,
        keep: impl FnOnce(&mut Store) -> Result<(), StoreError> + Send + 'static,
    ) {
        let left = self.clerk.leave(move |store| match keep(store) {
            Ok(()) => promise.keep(),
            Err(error) => tracing::warn!("{what} is not kept: {}", chain(&error)),
        });
        if let Err(error) = left {
            tracing::warn!("{what} is not kept: {error}");
        }
    }

    /// `None` for what is no JPEG.
    fn shown(&self, slot: &CameraSlot, frame: &ViewFrame, jpeg: &[u8]) -> Option<Shown> {
        let mut canvas = image::load_from_memory(jpeg).ok()?.into_rgb8();
        // Those of the frame's time and those of now, before anything is kept.
        let masks = frame.names.masks(usize::from(frame.camera.0));
        let masks: Vec<Mask> = masks.iter().chain(&*slot.kept().masks).cloned().collect();
        let masks = masks.as_slice();
        mosaic::black_out(&mut canvas, masks);
        let clear = encoded(&canvas);
        if self.privacy == Privacy::Off {
            return Some(Shown { hidden: None, clear });
        }
        match &frame.seen {
            Some(seen) => mosaic::cover(&mut canvas, &seen.covers, self.privacy, masks),
            None => mosaic::cover_all(&mut canvas, masks),
        }
        Some(Shown { hidden: encoded(&canvas), clear })
    }
}

impl Promise {
    fn keep(mut self) {
        self.came = Came::Yes;
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if self.came == Came::No {
            if self.leftovers == Leftovers::Secret {
                self.behind.secret.store(true, Ordering::Release);
            }
            self.behind.something.store(true, Ordering::Release);
        }
    }
}

impl CameraSlot {
    fn promise(&self, leftovers: Leftovers) -> Promise {
        Promise { behind: self.behind.clone(), leftovers, came: Came::No }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CameraViews for Views {
    fn view_facts(&self, camera: &str) -> Option<ViewFacts> {
        let slot = self.cameras.iter().find(|slot| slot.id == camera)?;
        let kept = slot.kept();
        let reference = kept.reference.as_ref();
        let pictured = |shown: Option<&Shown>| match shown {
            Some(_) => Pictured::Yes,
            None => Pictured::No,
        };
        Some(ViewFacts {
            judged: slot.judged,
            reference: reference.map(|it| it.facts.clone()),
            pictures: (
                pictured(reference.and_then(|it| it.shown.as_ref())),
                pictured(kept.trouble.as_ref()),
            ),
        })
    }

    fn view_picture(&self, camera: &str, which: ViewPicture, who: Onlooker) -> Option<Vec<u8>> {
        let slot = self.cameras.iter().find(|slot| slot.id == camera)?;
        let shown = match which {
            ViewPicture::Reference => slot.kept().reference.as_ref()?.shown.clone(),
            ViewPicture::Trouble => slot.kept().trouble.clone(),
        }?;
        let everybody = self.privacy == Privacy::Off;
        let (jpeg, people) = match (who, &shown.hidden, &shown.clear) {
            (Onlooker::Granted, _, Some(clear)) => (clear, People::AsTheyAre),
            (Onlooker::Anybody, _, Some(clear)) if everybody => (clear, People::AsTheyAre),
            (Onlooker::Granted | Onlooker::Anybody, Some(hidden), _) => (hidden, People::AsTheyAre),
            // Taken while nobody was hidden; who is in it is not known any more.
            (Onlooker::Anybody, None, Some(clear)) => (clear, People::Hidden),
            (Onlooker::Granted | Onlooker::Anybody, None, None) => return None,
        };
        let now = self.hub.snapshots().borrow().clone();
        let masks = now.cameras.iter().find(|it| it.id == camera).map(|it| it.masks.clone());
        let masks = masks.as_deref().unwrap_or_default();
        if masks.is_empty() && people == People::AsTheyAre {
            return Some(jpeg.to_vec());
        }
        let mut canvas = image::load_from_memory(jpeg).ok()?.into_rgb8();
        // A mask may be newer than the picture.
        match people {
            People::AsTheyAre => mosaic::black_out(&mut canvas, masks),
            People::Hidden => mosaic::cover_all(&mut canvas, masks),
        }
        encoded(&canvas).map(|jpeg| jpeg.to_vec())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum People {
    AsTheyAre,
    Hidden,
}

#[cfg(test)]
pub(in crate::guard) mod tests;
