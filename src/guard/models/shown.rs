//! What the keeper lets others see: the desk, the supervisor's order, whoever watches the shadow.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::guard::handle::models::{
    ActiveModel, GoldenLook, ModelFault, ModelRole, ModelRow, TrialNow,
};
use crate::link::ModelChoice;
use crate::model_package::WallTime;
use crate::model_store::blobs;
use crate::model_store::files::Files;
use crate::rollout::ledger::{ATTEMPTS, Ledger};
use crate::rollout::probation::{Progress, Rules};
use crate::rollout::slot::{Digest, Slot};

use super::take::read_small;

/// What came with the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipped {
    pub dir: PathBuf,
    pub name: String,
    pub version: String,
    pub release: u64,
    pub licence: Option<String>,
    pub decoder: Option<String>,
    pub bytes: u64,
}

/// Where models lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The folder of models, in the box's store.
    pub root: PathBuf,
    pub shipped: PathBuf,
}

/// What is known of an installed package besides what the ledger says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub name: String,
    pub version: String,
    pub release: u64,
    pub licence: Option<String>,
    pub decoder: Option<String>,
    pub bytes: u64,
    pub signed_by: Vec<String>,
    pub installed: Option<(Timestamp, String)>,
    /// For people.
    pub damaged: Option<String>,
}

/// How far the trial of this life is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    pub progress: Progress,
    pub p99: Option<Duration>,
    pub golden: GoldenLook,
}

/// Replaced by the keeper after each change.
#[derive(Clone, Debug)]
pub struct Shown {
    pub ledger: Ledger,
    pub active: ActiveModel,
    pub course: Option<Course>,
    pub reviews_open: u32,
    pub fault: Option<ModelFault>,
    pub facts: BTreeMap<Digest, Facts>,
    /// What is being done with the vision process, for people; nothing else can be done meanwhile.
    pub under_way: Option<String>,
    /// Taken back, and not known to be on the disk.
    pub banned: Option<Digest>,
    pub time: WallTime,
}

/// Shared by the keeper and those who ask.
#[derive(Debug)]
pub struct Shared {
    pub folders: Folders,
    pub shipped: Shipped,
    pub rules: Rules,
    /// Held while packages are swept away, so that none is of which something is being written.
    taking: Mutex<Option<Digest>>,
    shown: Mutex<Shown>,
}

impl Folders {
    pub fn dir_of(&self, slot: Slot) -> PathBuf {
        match slot {
            Slot::Shipped => self.shipped.clone(),
            Slot::Blob(digest) => self.root.join(blobs::folder_of(digest)),
        }
    }

    pub fn choice(&self, slot: Slot) -> ModelChoice {
        ModelChoice { slot: slot.to_string(), dir: self.dir_of(slot).display().to_string() }
    }
}

impl Shared {
    pub fn new(folders: Folders, shipped: Shipped, rules: Rules, shown: Shown) -> Shared {
        Shared { folders, shipped, rules, taking: Mutex::default(), shown: Mutex::new(shown) }
    }

    pub fn now(&self) -> Shown {
        self.lock().clone()
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Shown) -> T) -> T {
        change(&mut self.lock())
    }

    /// This package is being written, or none is any more. Waits for a sweep that is under way.
    pub fn takes(&self, digest: Option<Digest>) {
        *self.taking.lock().unwrap_or_else(PoisonError::into_inner) = digest;
    }

    /// Sweeps; nobody begins to write a package meanwhile.
    pub fn sweep<T>(&self, sweep: impl FnOnce(Option<Digest>) -> T) -> T {
        sweep(*self.taking.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        // Whoever panicked with it had replaced one value by another.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What may be loaded when the keeper does not answer: nothing that is on trial.
    pub fn order_without_trial(&self) -> Vec<Slot> {
        let shown = self.lock();
        let all = [Some(shown.ledger.committed()), shown.ledger.previous(), Some(Slot::Shipped)];
        let mut order = Vec::new();
        for slot in all.into_iter().flatten() {
            if !order.contains(&slot) {
                order.push(slot);
            }
        }
        order
    }
}

impl Shown {
    pub fn trial(&self, rules: &Rules) -> Option<TrialNow> {
        let trial = self.ledger.trial()?;
        let progress = self.course.map_or(trial.progress, |course| course.progress);
        let time = |unix_s| Timestamp::from_second(unix_s).unwrap_or(Timestamp::UNIX_EPOCH);
        Some(TrialNow {
            digest: trial.slot,
            approved_by: trial.approved_by.clone(),
            started: time(trial.started_unix_s),
            deadline: time(trial.deadline_unix_s),
            attempts_left: trial.attempts_left,
            attempts: ATTEMPTS,
            frames: progress.frames,
            frames_min: rules.frames_min,
            run: Duration::from_secs(progress.run_s),
            run_min: rules.run_min,
            p99: self.course.and_then(|course| course.p99),
            budget: rules.latency_budget,
            reviews_open: self.reviews_open,
            golden: self.course.map_or(GoldenLook::NotYet, |course| course.golden),
        })
    }

    /// The shipped one first, then the packages.
    pub fn rows(&self, shipped: &Shipped) -> Vec<ModelRow> {
        let mut slots = vec![Slot::Shipped];
        let digest = |slot: Option<Slot>| slot.and_then(Slot::digest);
        let first = [digest(self.active.slot), self.ledger.candidate().map(|it| it.digest)];
        let others = self.ledger.blobs();
        for one in first.into_iter().flatten().chain(others) {
            if !slots.contains(&Slot::Blob(one)) {
                slots.push(Slot::Blob(one));
            }
        }
        slots.into_iter().map(|slot| self.row(slot, shipped)).collect()
    }

    fn row(&self, slot: Slot, shipped: &Shipped) -> ModelRow {
        let facts = match slot {
            Slot::Shipped => Facts {
                name: shipped.name.clone(),
                version: shipped.version.clone(),
                release: shipped.release,
                licence: shipped.licence.clone(),
                decoder: shipped.decoder.clone(),
                bytes: shipped.bytes,
                ..Facts::default()
            },
            Slot::Blob(digest) => self.facts.get(&digest).cloned().unwrap_or_default(),
        };
        let candidate = self.ledger.candidate().filter(|it| Slot::Blob(it.digest) == slot);
        let is_active = self.active.slot == Some(slot);
        let (installed_at, installed_by) = facts.installed.unzip();
        ModelRow {
            slot,
            name: facts.name,
            version: facts.version,
            release: facts.release,
            roles: self.roles(slot),
            stage: candidate.map(|it| it.stage.clone()),
            installed_at,
            installed_by,
            signed_by: facts.signed_by,
            bytes: facts.bytes,
            licence: facts.licence,
            decoder: facts.decoder,
            guards_since: self.active.since.filter(|_| is_active),
            damaged: facts.damaged,
        }
    }

    fn roles(&self, slot: Slot) -> Vec<ModelRole> {
        use crate::rollout::stage::Stage;
        let candidate = self.ledger.candidate().filter(|it| Slot::Blob(it.digest) == slot);
        let looks = |stage: &Stage| matches!(stage, Stage::Shadowing | Stage::Approved { .. });
        let has = [
            (self.active.slot == Some(slot), ModelRole::Active),
            (self.ledger.committed() == slot, ModelRole::Committed),
            (self.ledger.previous() == Some(slot), ModelRole::Previous),
            (candidate.is_some(), ModelRole::Candidate),
            (candidate.is_some_and(|it| it.stage == Stage::Probation), ModelRole::Trial),
            (candidate.is_some_and(|it| looks(&it.stage)), ModelRole::Shadow),
            (slot == Slot::Shipped, ModelRole::Shipped),
        ];
        has.into_iter().filter_map(|(is_so, role)| is_so.then_some(role)).collect()
    }
}

/// What an installed package's manifest says for people; nothing where it cannot be read.
pub fn facts_of(files: &(impl Files + ?Sized), digest: Digest) -> Facts {
    use crate::model_package::folder::MANIFEST;
    use crate::model_package::signature::SIGNATURES;
    let folder = blobs::folder_of(digest);
    let value = |name: &str| {
        let bytes = read_small(files, &folder.join(name)).ok()?;
        serde_json::from_slice::<serde_json::Value>(&bytes).ok()
    };
    let manifest = value(MANIFEST).unwrap_or_default();
    let text = |key: &str| manifest.get(key).and_then(|it| it.as_str()).map(str::to_owned);
    let lists = ["variants", "golden", "files"];
    let named = lists.iter().filter_map(|list| manifest.get(*list)?.as_array()).flatten();
    let keys = value(SIGNATURES).unwrap_or_default();
    let keys = keys.as_array().into_iter().flatten();
    Facts {
        name: text("name").unwrap_or_else(|| "?".into()),
        version: text("version").unwrap_or_default(),
        release: manifest.get("release").and_then(|it| it.as_u64()).unwrap_or(0),
        licence: text("licence"),
        decoder: manifest.pointer("/decoder/kind").and_then(|it| it.as_str()).map(str::to_owned),
        bytes: named.filter_map(|it| it.get("bytes")?.as_u64()).sum(),
        signed_by: keys.filter_map(|it| Some(it.get("key")?.as_str()?.to_owned())).collect(),
        installed: None,
        damaged: None,
    }
}

/// The package of the program's own folder.
pub fn shipped_in(dir: &Path) -> Shipped {
    use crate::model_package::folder::{MANIFEST, read_manifest};
    let manifest = read_manifest(&dir.join(MANIFEST)).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap_or_default();
    let text = |key: &str| manifest.get(key).and_then(|it| it.as_str()).map(str::to_owned);
    let variants = manifest.get("variants").and_then(|it| it.as_array()).into_iter().flatten();
    Shipped {
        dir: dir.to_owned(),
        name: text("name").unwrap_or_else(|| "?".into()),
        version: text("version").unwrap_or_default(),
        release: manifest.get("release").and_then(|it| it.as_u64()).unwrap_or(0),
        licence: text("licence"),
        decoder: manifest.pointer("/decoder/kind").and_then(|it| it.as_str()).map(str::to_owned),
        bytes: variants.filter_map(|it| it.get("bytes")?.as_u64()).sum(),
    }
}
