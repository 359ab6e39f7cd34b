//! Bringing packages in, one at a time, from wherever they come; and how far each is.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::chronicle::{Kind, Told};
use super::keeper::{Reply, Task};
use super::shown::{Folders, Shared};
use super::take::{self, Door, refusal_told};
use super::trials;
use super::trying::{Tried, TryModel};
use crate::clock;
use crate::guard::clerk::ClerkError;
use crate::guard::handle::models::{
    InstalledModel, ModelError, Slot, Taking, TakingFrom, TakingState,
};
use crate::model_package::fetch::{FetchError, Fetcher, Go, forget, is_address};
use crate::model_store::files::SharedFiles;
use crate::redact::origin;
use crate::rollout::slot::Digest;
use crate::store::FREE_BYTES_ADVISED;
use crate::telemetry::chain;

/// Longest wait for the keeper to write a line of the ledger, where nobody waits behind it.
const KEPT_MAX: Duration = Duration::from_secs(30);

/// What is being fetched, in the folder of models.
const PART: &str = "fetched.part";

/// For so long what came of a package is kept for whoever fetches it again.
const PART_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How often it is looked whether the disk has room for more of what is being fetched, bytes.
const ROOM_EVERY_BYTES: u64 = 8 * 1024 * 1024;

/// How many bytes are free in the box's data.
pub type Free = Arc<dyn Fn() -> Result<u64, ModelError> + Send + Sync>;

/// What packages are brought in by.
#[derive(Clone)]
pub struct Intake {
    pub shared: Arc<Shared>,
    pub tasks: SyncSender<Task>,
    pub files: SharedFiles,
    /// The box's data.
    pub data: PathBuf,
    pub tries: Arc<dyn TryModel>,
    pub taking: Arc<Mutex<Option<Taking>>>,
    pub free: Free,
    /// Who signs the certificates of whom packages are fetched from; `None`: the well-known authorities.
    pub ca_file: Option<PathBuf>,
}

/// One at a time; over when dropped.
struct Turn(Arc<Mutex<Option<Taking>>>);

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Counts what is read.
struct Counted<'a> {
    source: &'a mut dyn Read,
    intake: &'a Intake,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.intake.progress(|taking| taking.bytes += read as u64);
        Ok(read)
    }
}

/// Asks the keeper, and waits so long.
pub fn ask(
    tasks: &SyncSender<Task>,
    within: Duration,
    task: impl FnOnce(Reply) -> Task,
) -> Result<(), ModelError> {
    let (reply, answer) = mpsc::sync_channel(1);
    tasks.try_send(task(reply)).map_err(|error| match error {
        TrySendError::Full(_) => ModelError::Busy,
        TrySendError::Disconnected(_) => ModelError::Clerk(ClerkError::Stopping),
    })?;
    answer.recv_timeout(within).map_err(|error| match error {
        RecvTimeoutError::Timeout => ModelError::Clerk(ClerkError::Unclear),
        // The keeper failed at it, or is gone.
        RecvTimeoutError::Disconnected => ModelError::Clerk(ClerkError::Unclear),
    })?
}

impl Intake {
    pub fn now(&self) -> Option<Taking> {
        self.taking.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn progress(&self, change: impl FnOnce(&mut Taking)) {
        if let Some(taking) = &mut *self.taking.lock().unwrap_or_else(PoisonError::into_inner) {
            change(taking);
        }
    }

    fn begin(&self, from: TakingFrom, name: &str, of: Option<u64>) -> Result<Turn, ModelError> {
        let mut taking = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        if taking.is_some() {
            return Err(ModelError::Busy);
        }
        let (name, state) = (name.to_owned(), TakingState::Taking);
        *taking = Some(Taking { from, name, bytes: 0, of, state });
        Ok(Turn(self.taking.clone()))
    }

    /// Takes a package from its bytes, and tries its model. Blocking.
    ///
    /// # Errors
    /// It is refused, of no use, or cannot be kept; nothing is in force that was not.
    pub fn bring(
        &self,
        from: TakingFrom,
        (name, of): (&str, Option<u64>),
        source: &mut dyn Read,
        by: &str,
    ) -> Result<InstalledModel, ModelError> {
        let turn = self.begin(from, name, of)?;
        let done = self.take_in(name, source, by);
        drop(turn);
        done
    }

    fn take_in(
        &self,
        name: &str,
        source: &mut dyn Read,
        by: &str,
    ) -> Result<InstalledModel, ModelError> {
        let shown = self.shared.now();
        let door = Door { ledger: &shown.ledger, time: shown.time, data: &self.data };
        let mut telling = |digest| self.shared.takes(Some(digest));
        let counted = Counted { source, intake: self };
        let taken = take::take(&self.files, &door, counted, &mut telling);
        let staged = taken.and_then(|package| {
            let installed = package.installed();
            ask(&self.tasks, KEPT_MAX, |reply| Task::Stage { package, by: by.into(), reply })?;
            Ok(installed)
        });
        // Whatever was half-written goes.
        self.shared.takes(None);
        self.leave(Task::Sweep);
        match staged {
            Ok(installed) => {
                self.progress(|taking| taking.state = TakingState::Verifying);
                self.try_candidate(installed.digest)?;
                Ok(installed)
            }
            Err(error) => {
                self.leave(Task::Tell(refusal_told(name, &error, by)));
                Err(error)
            }
        }
    }

    /// Tries the candidate in a process of its own. Blocking.
    ///
    /// # Errors
    /// It is of no use.
    pub fn try_candidate(&self, digest: Digest) -> Result<(), ModelError> {
        // A disk that does not take it costs the count of this one try: a person asked for it.
        if let Err(error) = trials::begin(&self.files, digest) {
            tracing::warn!("that a model is being tried is not kept: {error}");
        }
        self.try_now(digest)
    }

    /// Goes on with a candidate that an earlier life of the box did not try to the end, unless that
    /// life ended in the try: it may end the box again.
    ///
    /// # Errors
    /// It is of no use, or not tried.
    pub fn go_on_trying(&self, digest: Digest) -> Result<(), ModelError> {
        let text = if trials::ended_the_box(&self.files, digest) {
            "the box ended while it was being tried, and it is not tried again by itself; discard it, \
             and install it again to try it once more"
                .to_owned()
        } else {
            match trials::begin(&self.files, digest) {
                Ok(()) => return self.try_now(digest),
                Err(error) => {
                    format!("it is not tried: the disk does not take that it is: {error}")
                }
            }
        };
        let tried = Tried::NotTried { text };
        ask(&self.tasks, KEPT_MAX, |reply| Task::Tried { digest, tried, reply: Some(reply) })
    }

    fn try_now(&self, digest: Digest) -> Result<(), ModelError> {
        let dir = self.shared.folders.dir_of(Slot::Blob(digest));
        let tried = self.tries.try_model(&dir);
        trials::over(&self.files);
        ask(&self.tasks, KEPT_MAX, |reply| Task::Tried { digest, tried, reply: Some(reply) })
    }

    fn leave(&self, task: Task) {
        // Full or gone: nothing depends on it.
        let _ = self.tasks.try_send(task);
    }

    /// Begins to fetch a package on a thread of its own.
    ///
    /// # Errors
    /// Another one is being taken, the address is none, or there is no thread.
    pub fn fetch(&self, url: &str, by: &str) -> Result<(), ModelError> {
        if !is_address(url) {
            let place = origin(url);
            return Err(ModelError::Source(FetchError::Address { place }.to_string()));
        }
        let name = origin(url);
        let turn = self.begin(TakingFrom::Url, &name, None)?;
        let (intake, url, by) = (self.clone(), url.to_owned(), by.to_owned());
        let work = move || {
            let _turn = turn;
            if let Err(error) = intake.fetch_and_take(&url, &by) {
                tracing::warn!("no package came from {}: {}", origin(&url), chain(&error));
            }
        };
        let thread = thread::Builder::new().name("model-fetch".into()).spawn(work);
        thread.map(drop).map_err(|error| ModelError::Source(error.to_string()))
    }

    fn fetch_and_take(&self, url: &str, by: &str) -> Result<(), ModelError> {
        let part = part_in(&self.shared.folders);
        let name = origin(url);
        let mut file: File = match self.fetch_into(&part, url) {
            Ok(file) => file,
            Err(error) => {
                let text = format!("{name}: {error}");
                self.leave(Task::Tell(Told::now(Kind::Refused, None, text).by(by)));
                return Err(error);
            }
        };
        self.progress(|taking| taking.bytes = 0);
        let done = self.take_in(&name, &mut file, by);
        // What was taken lies elsewhere, and what was refused is of no use.
        if let Err(error) = forget(&part) {
            tracing::warn!("{} cannot be removed: {error}", part.display());
        }
        done.map(drop)
    }

    /// Incidents need the room more: it takes no more than leaves enough for them, and goes when
    /// something else took that meanwhile.
    fn fetch_into(&self, part: &Path, url: &str) -> Result<File, ModelError> {
        let has_come = fs::metadata(part).map_or(0, |it| it.len());
        let room = self.room()?;
        let mut look_at = has_come + ROOM_EVERY_BYTES;
        let mut full = None;
        let fetched = Fetcher::new(self.ca_file.as_deref()).and_then(|fetcher| {
            let fetcher = fetcher.at_most(has_come.saturating_add(room));
            fetcher.fetch(url, part, &mut |progress| {
                self.progress(|taking| {
                    (taking.bytes, taking.of) = (progress.bytes, progress.total)
                });
                if progress.bytes >= look_at {
                    look_at = progress.bytes + ROOM_EVERY_BYTES;
                    full = self.room().err();
                }
                if full.is_some() { Go::Stop } else { Go::On }
            })
        });
        match (fetched, full) {
            (Ok(file), _) => Ok(file),
            (Err(_), Some(full)) => {
                forget(part).map_err(|error| ModelError::Disk(error.to_string()))?;
                Err(full)
            }
            (Err(error), None) => Err(ModelError::Source(chain(&error))),
        }
    }

    /// What may be written, bytes.
    fn room(&self) -> Result<u64, ModelError> {
        room((self.free)()?)
    }

    /// What an earlier life of the box began to fetch waits for whoever fetches it again, unless incidents
    /// need its room or nobody came for it.
    pub fn forget_old_part(&self) {
        let part = part_in(&self.shared.folders);
        let changed = fs::metadata(&part).and_then(|it| it.modified());
        let is_young = changed.is_ok_and(|changed| {
            let changed = Timestamp::try_from(changed);
            changed.is_ok_and(|it| clock::wall().duration_since(it).abs() < PART_KEPT)
        });
        if is_young && self.room().is_ok() {
            return;
        }
        if let Err(error) = forget(&part) {
            tracing::warn!("what was begun to be fetched cannot be removed: {error}");
        }
    }
}

/// What may be written of so many free bytes.
pub(super) fn room(free: u64) -> Result<u64, ModelError> {
    let room = free.checked_sub(FREE_BYTES_ADVISED).filter(|room| *room > 0);
    room.ok_or_else(|| {
        ModelError::Disk(format!(
            "{} MB are free, and {} MB have to stay free for incidents",
            free / (1024 * 1024),
            FREE_BYTES_ADVISED / (1024 * 1024)
        ))
    })
}

pub(super) fn part_in(folders: &Folders) -> PathBuf {
    folders.root.join(Path::new(PART))
}
