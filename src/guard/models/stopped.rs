//! The models of a box that is stopped, for whoever stands at it: the same keeper, without a vision
//! process, over the store that nobody else holds.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::chronicle::{Book, Told, write};
use super::evidence::EvidenceSource;
use super::fetching::{part_in, room};
use super::keeper::{Ask, Keeper, KeeperParts};
use super::recorded;
use super::shadow::append;
use super::shown::{Shared, Shown};
use super::start::OpenedModels;
use super::take::{self, Door, refusal_told};
use super::trials;
use super::trying::{TryModel, TryProcess};
use crate::clock;
use crate::config::Config;
use crate::gate::verdict::Judgement;
use crate::guard::handle::models::{InstalledModel, KeptEvidence, ModelError, Slot};
use crate::model_package::WallTime;
use crate::model_package::fetch::{Fetcher, Go, forget};
use crate::model_store::files::SharedFiles;
use crate::redact::origin;
use crate::rollout::slot::Digest;
use crate::store::models::ModelEventRow;
use crate::store::query::{HistoryError, StoreReader};
use crate::store::{Store, StoreError};
use crate::telemetry::chain;

/// Events of earlier lives that say when a package came.
const EVENTS_LOOKED_AT: u32 = 500;

/// See the module.
pub struct StoppedBox {
    keeper: Keeper,
    shared: Arc<Shared>,
    files: SharedFiles,
    store: Arc<Mutex<Store>>,
    reader: StoreReader,
    tries: TryProcess,
    data: PathBuf,
    ca_file: Option<PathBuf>,
    /// What the store did not take.
    unkept: Arc<Mutex<Option<StoreError>>>,
}

/// Nothing is approved while nobody guards.
struct NobodyLooks;

impl EvidenceSource for NobodyLooks {
    fn judgement(&self, _candidate: Digest) -> Option<(String, Judgement)> {
        None
    }
}

/// Writes at once.
struct Direct {
    store: Arc<Mutex<Store>>,
    unkept: Arc<Mutex<Option<StoreError>>>,
}

impl Book for Direct {
    fn tell(&mut self, told: Told) {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = write(&mut store, &told) {
            *self.unkept.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

impl StoppedBox {
    /// Takes the store for itself.
    ///
    /// # Errors
    /// The box runs, or its store cannot be read.
    pub fn open(config: &Config, program: OsString) -> Result<StoppedBox, StoreError> {
        let store = Store::open(&config.store.path)?;
        let reader = store.reader()?;
        let events = reader.model_events(EVENTS_LOOKED_AT, None).unwrap_or_default();
        let OpenedModels { store: models, files, shared, found } =
            OpenedModels::open(config, &events);
        let (store, unkept) = (Arc::new(Mutex::new(store)), Arc::default());
        let (data, signed) = (config.store.path.clone(), files.clone());
        let keys = data.clone();
        let parts = KeeperParts {
            files: files.clone(),
            store: models,
            shared: shared.clone(),
            // Nobody looks.
            vision: Box::new(|_| ()),
            candidate: Box::new(|_| ()),
            book: Box::new(Direct { store: store.clone(), unkept: Arc::clone(&unkept) }),
            found,
            time: Box::new(|_| WallTime::Trusted(clock::wall())),
            trusted: Box::new(move |digest| take::still_trusted(&signed, &keys, digest)),
            evidence: Arc::new(NobodyLooks),
        };
        let budget = config.models.latency_budget;
        let tries = TryProcess::of(&[program], &config.model, budget);
        let mut keeper = Keeper::new(parts);
        keeper.show_now();
        let ca_file = config.models.ca_file.clone();
        Ok(StoppedBox { keeper, shared, files, store, reader, tries, data, ca_file, unkept })
    }

    /// Whoever stands at the box says that its clock is right, or that it may not be.
    ///
    /// # Errors
    /// It is refused, of no use, or cannot be kept.
    pub fn install(
        &mut self,
        (name, file): (&str, File),
        time: WallTime,
        by: &str,
    ) -> Result<InstalledModel, ModelError> {
        let shown = self.shared.now();
        let door = Door { ledger: &shown.ledger, time, data: &self.data };
        let package = match take::take(&self.files, &door, file, &mut |_| ()) {
            Ok(package) => package,
            Err(error) => {
                self.keeper.tell(refusal_told(name, &error, by));
                self.keeper.sweep_now();
                return Err(error);
            }
        };
        self.keeper.stage(&package, by)?;
        self.keeper.sweep_now();
        let dir = self.shared.folders.dir_of(Slot::Blob(package.digest));
        if let Err(error) = trials::begin(&self.files, package.digest) {
            tracing::warn!("that a model is being tried is not kept: {error}");
        }
        let tried = self.tries.try_model(&dir);
        trials::over(&self.files);
        let done = self.keeper.tried(package.digest, tried);
        // One that is of no use leaves the disk.
        self.keeper.sweep_now();
        done.map(|()| package.installed())
    }

    /// Fetches a package and installs it; goes on where an earlier try left off.
    ///
    /// # Errors
    /// It does not come, or as of `install`.
    pub fn fetch(
        &mut self,
        url: &str,
        time: WallTime,
        by: &str,
    ) -> Result<InstalledModel, ModelError> {
        let part = part_in(&self.shared.folders);
        let has_come = fs::metadata(&part).map_or(0, |it| it.len());
        let room = room(take::free_bytes(&self.data)?)?;
        let fetched = Fetcher::new(self.ca_file.as_deref()).and_then(|fetcher| {
            fetcher.at_most(has_come.saturating_add(room)).fetch(url, &part, &mut |_| Go::On)
        });
        let file = fetched.map_err(|error| ModelError::Source(chain(&error)))?;
        let done = self.install((&origin(url), file), time, by);
        // What was taken lies elsewhere, and what was refused is of no use.
        if let Err(error) = forget(&part) {
            tracing::warn!("{} cannot be removed: {error}", part.display());
        }
        done
    }

    /// # Errors
    /// The step is out of order, or the disk does not take it.
    pub fn ask(&mut self, what: Ask, by: &str) -> Result<(), ModelError> {
        let done = self.keeper.ask(what, by, clock::monotonic());
        self.keeper.sweep_now();
        done
    }

    /// Keeps what was compared on recordings. Returns the number of the run.
    ///
    /// # Errors
    /// It is no such file, of other models, known already, or cannot be kept.
    pub fn keep_evidence(
        &mut self,
        from: &Path,
        json: &[u8],
        by: &str,
    ) -> Result<KeptEvidence, ModelError> {
        let file = recorded::for_box(from, json, &self.shared, clock::wall())?;
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        append(&mut store, &file, by)
    }

    pub fn shown(&mut self) -> Shown {
        self.keeper.show_now();
        self.shared.now()
    }

    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    pub fn candidate(&self) -> Option<Digest> {
        self.shared.now().ledger.candidate().map(|it| it.digest)
    }

    /// # Errors
    /// The store cannot be read.
    pub fn history(&self, limit: u32) -> Result<Vec<ModelEventRow>, HistoryError> {
        self.reader.model_events(limit, None)
    }

    /// What was done and could not be written down.
    pub fn unkept(&self) -> Option<StoreError> {
        self.unkept.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Lets go of the store.
    pub fn close(self) {
        let StoppedBox { keeper, store, .. } = self;
        drop((keeper, store));
    }
}
