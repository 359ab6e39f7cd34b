//! What is done to a store, step by step, and what must be so after anything.

use std::collections::{BTreeMap, BTreeSet};

use standclear::model_store::blobs::{Unfinished, damages};
use standclear::model_store::check::check_files;
use standclear::model_store::files::Files;
use standclear::model_store::{ModelStore, ModelStoreError};
use standclear::rollout::boot::{Trust, boot};
use standclear::rollout::ledger::Ledger;
use standclear::rollout::probation::Progress;
use standclear::rollout::slot::{Digest, Slot};
use standclear::rollout::stage::{Event, Fault, Person};

use super::memory::{Memory, Tree};

/// Of the model that came with the program.
pub const SHIPPED_RELEASE: u64 = 1;

/// A package: its files, the manifest first, the signature after it.
pub struct Package {
    pub digest: Digest,
    pub release: u64,
    pub files: Vec<(String, Vec<u8>)>,
}

/// The n-th package; release n + 2.
pub fn package(n: u8) -> Package {
    let model = format!("the weights of model {n}").into_bytes();
    let golden = format!("picture {n}").into_bytes();
    let manifest = serde_json::json!({
        "schema": 2,
        "name": format!("model-{n}"),
        "release": u64::from(n) + 2,
        "variants": [{
            "file": "model.onnx", "sha256": Digest::of(&model), "bytes": model.len(),
        }],
        "golden": [{ "file": "golden/1.jpg", "sha256": Digest::of(&golden), "must_find": [] }],
        "provenance": { "a": ["b"] },
    });
    let manifest = manifest.to_string().into_bytes();
    Package {
        digest: Digest::of(&manifest),
        release: u64::from(n) + 2,
        files: vec![
            ("manifest.json".into(), manifest),
            ("manifest.sig".into(), SIGNED.to_vec()),
            ("golden/1.jpg".into(), golden),
            ("model.onnx".into(), model),
        ],
    }
}

/// What `manifest.sig` may say.
pub const SIGNED: &[u8] = b"signed";
const SIGNED_ANEW: &[u8] = b"signed with another key";

/// The n-th package, signed by somebody else.
pub fn signed_anew(n: u8) -> Package {
    let mut package = package(n);
    package.files[1].1 = SIGNED_ANEW.to_vec();
    package
}

pub fn install<F: Files>(files: &F, package: &Package) -> Result<Digest, ModelStoreError> {
    let mut unfinished = Unfinished::begin(files, package.digest)?;
    for (file, bytes) in &package.files {
        unfinished.add(file, &mut bytes.as_slice())?;
    }
    unfinished.finish()
}

/// What can be asked of a store.
#[derive(Clone, Debug)]
pub enum Step {
    Install(u8),
    /// The same package, with other signatures.
    InstallSignedAnew(u8),
    Stage(u8),
    Apply(Event),
    Boot,
    Note(Progress),
    PutBack,
    Sweep,
}

pub fn approve() -> Event {
    Event::Approve { by: Person::named("Ada").expect("a name") }
}

pub const TRY: Event = Event::Try { started_unix_s: 1_700_000_000, deadline_unix_s: 1_700_086_400 };

/// The n-th package, from the outside to its trial.
fn tried(n: u8) -> Vec<Step> {
    let steps = [Event::Verify, Event::Shadow, approve(), TRY];
    let way = steps.into_iter().map(Step::Apply);
    [Step::Install(n), Step::Stage(n)].into_iter().chain(way).collect()
}

fn committed(n: u8) -> Vec<Step> {
    let seen = Progress { frames: 5_000, run_s: 86_400 };
    let over = [Step::Boot, Step::Note(seen), Step::Apply(Event::Commit), Step::Sweep];
    [tried(n), over.to_vec()].concat()
}

/// Each with a name. Together they write, remove and replace everything there is.
pub fn scripts() -> Vec<(&'static str, Vec<Step>)> {
    let fault = |fault| Step::Apply(Event::Fault(fault));
    let operator = Step::Apply(Event::Operator);
    vec![
        (
            "committed, and installed again",
            [committed(0), vec![Step::Install(0), Step::Boot]].concat(),
        ),
        (
            "committed, and signed anew, twice",
            [
                committed(0),
                vec![Step::InstallSignedAnew(0), Step::Install(0), Step::Sweep, Step::Boot],
            ]
            .concat(),
        ),
        (
            "a third model pushes the first one out, and the second returns",
            [
                committed(0),
                committed(1),
                vec![Step::PutBack, Step::Sweep, Step::Boot],
                committed(2),
                vec![Step::PutBack, Step::Sweep, Step::PutBack, Step::Boot],
            ]
            .concat(),
        ),
        (
            "rolled back, and another one comes",
            [
                committed(0),
                tried(1),
                vec![Step::Boot, fault(Fault::Hung), Step::Boot, Step::Sweep],
                vec![Step::Install(2), Step::Stage(2), Step::Sweep, Step::Boot],
            ]
            .concat(),
        ),
        (
            "dies as often as it may",
            [tried(0), vec![Step::Boot; 4], vec![Step::Sweep, Step::Boot]].concat(),
        ),
        (
            "discarded, installed again, rejected, and another one",
            vec![
                Step::Install(0),
                Step::Stage(0),
                operator,
                Step::Sweep,
                Step::Install(0),
                Step::Stage(0),
                fault(Fault::GoldenFailed),
                Step::Install(1),
                Step::Install(1),
                Step::Stage(1),
                Step::Sweep,
                Step::Boot,
            ],
        ),
    ]
}

/// A store that is being worked with, and what may be found of it.
pub struct Run<'m> {
    memory: &'m Memory,
    pub store: ModelStore<&'m Memory>,
    /// What a step that returned well has left.
    pub acknowledged: Ledger,
    /// What the step under way wants to leave.
    pub attempted: Ledger,
}

impl<'m> Run<'m> {
    pub fn open(memory: &'m Memory) -> Run<'m> {
        let store = ModelStore::open(memory, SHIPPED_RELEASE).store;
        let first = store.ledger().stamped(0);
        Run { memory, store, acknowledged: first.clone(), attempted: first }
    }

    /// # Errors
    /// Of the disk.
    pub fn take(&mut self, step: &Step) -> Result<(), ModelStoreError> {
        let now = self.store.ledger().clone();
        let next = match step {
            Step::Install(_) | Step::InstallSignedAnew(_) | Step::Sweep => now,
            Step::Stage(n) => now.staged(package(*n).digest, package(*n).release).expect("fits"),
            Step::Apply(event) => now.after(event).expect("in order"),
            Step::Boot => boot(&now, self.store.trust()).persist_first.unwrap_or(now),
            Step::Note(progress) => now.went_on(*progress),
            Step::PutBack => now.put_back().expect("there is one"),
        };
        self.attempted = next.stamped(0);
        match step {
            Step::Install(n) => install(self.memory, &package(*n)).map(|_| ()),
            Step::InstallSignedAnew(n) => install(self.memory, &signed_anew(*n)).map(|_| ()),
            Step::Stage(n) => self.store.stage(package(*n).digest, package(*n).release),
            Step::Apply(event) => self.store.apply(event),
            Step::Boot => {
                let booted = self.store.boot();
                let trial = self.store.ledger().trial().map(|it| Slot::Blob(it.slot));
                match booted.not_kept {
                    None => Ok(()),
                    Some(error) => {
                        assert!(
                            !booted.order.iter().any(|slot| Some(*slot) == trial),
                            "{step:?}: an attempt that is not on the disk loads nothing"
                        );
                        Err(error)
                    }
                }
            }
            Step::Note(progress) => self.store.note(*progress),
            Step::PutBack => self.store.put_back(),
            Step::Sweep => self.store.sweep(None).map(|_| ()),
        }?;
        assert_eq!(self.store.ledger().stamped(0), self.attempted, "{step:?}");
        self.acknowledged = self.attempted.clone();
        Ok(())
    }

    /// What may be found after a power cut now.
    pub fn may_be(&self) -> BTreeSet<Vec<u8>> {
        BTreeSet::from([facts(&self.acknowledged), facts(&self.attempted)])
    }
}

/// A ledger without its number, to be compared.
pub fn facts(ledger: &Ledger) -> Vec<u8> {
    standclear::rollout::written::to_bytes(&ledger.stamped(0))
}

macro_rules! ensure {
    ($holds:expr, $($said:tt)+) => {
        if !$holds {
            return Err(format!($($said)+));
        }
    };
}

fn is_whole(memory: &Memory, slot: Slot) -> bool {
    slot.digest().is_none_or(|digest| damages(&memory, digest).is_empty())
}

/// Judges what power cuts left, each state of a disk once.
#[derive(Default)]
pub struct Judge {
    seen: BTreeMap<Tree, Vec<u8>>,
}

impl Judge {
    /// Panics where a box does not start as it must, or with a ledger that may not be.
    pub fn judge(&mut self, tree: Tree, may_be: &BTreeSet<Vec<u8>>, context: &str) {
        let found = self.seen.entry(tree).or_insert_with_key(|tree| {
            let names = tree.keys();
            starts_well(tree).unwrap_or_else(|why| panic!("{context}: {why}\n{names:#?}"))
        });
        assert!(
            may_be.contains(found),
            "{context}: neither the old ledger nor the new one: {}",
            String::from_utf8_lossy(found)
        );
    }

    /// How many states there were.
    pub fn disks(&self) -> usize {
        self.seen.len()
    }
}

/// Starts a box from what a power cut left, and says which ledger it found, or what is not as it
/// must be.
pub fn starts_well(tree: &Tree) -> Result<Vec<u8>, String> {
    let memory = Memory::of(tree);
    let opened = ModelStore::open(&memory, SHIPPED_RELEASE);
    let mut store = opened.store;
    ensure!(opened.damages.is_empty(), "damaged: {:?}", opened.damages);
    ensure!(store.trust() == Trust::Newest, "trusted as {:?}", store.trust());
    let found = store.ledger().clone();
    for digest in found.blobs() {
        let damages = damages(&memory, digest);
        ensure!(damages.is_empty(), "the ledger names what is not whole: {damages:?}");
        let signatures = file(tree, &format!("blobs/sha256-{digest}/manifest.sig"));
        let is_whole = [SIGNED, SIGNED_ANEW].contains(&signatures);
        ensure!(is_whole, "the signatures are torn: {signatures:?}");
    }
    let booted = store.boot();
    ensure!(booted.not_kept.is_none(), "{:?}", booted.not_kept);
    let first = booted.order.first().copied();
    let trial = store.ledger().trial().map(|it| Slot::Blob(it.slot));
    let by_right = trial.unwrap_or(found.committed());
    ensure!(first == Some(by_right), "{first:?} guards instead of {by_right:?}");
    for slot in &booted.order {
        ensure!(is_whole(&memory, *slot), "{slot} is to be loaded and cannot be");
    }
    attempt_is_counted(&memory, &found)?;
    store.sweep(None).map_err(|error| format!("{error:?}"))?;
    let broken: Vec<_> =
        check_files(&memory).into_iter().filter(|it| !it.broken.is_empty()).collect();
    ensure!(broken.is_empty(), "{broken:?}");
    let half = memory.now().into_keys().find(|it| it.contains("/tmp-"));
    ensure!(half.is_none(), "swept, and there is {half:?}");
    Ok(facts(&found))
}

/// Whatever is cut after a start, the disk has one attempt less.
fn attempt_is_counted(memory: &Memory, before: &Ledger) -> Result<(), String> {
    let Some(trial) = before.trial() else {
        return Ok(());
    };
    for tree in memory.survivors() {
        let memory = Memory::of(&tree);
        let left = ModelStore::open(&memory, SHIPPED_RELEASE)
            .store
            .ledger()
            .trial()
            .map_or(0, |it| it.attempts_left);
        ensure!(left < trial.attempts_left, "{left} attempts left of {}", trial.attempts_left);
    }
    Ok(())
}

/// A ledger that may be found, and whatever its own start may leave of it.
pub fn and_started(may_be: &BTreeSet<Vec<u8>>) -> BTreeSet<Vec<u8>> {
    let read = |bytes: &Vec<u8>| standclear::rollout::written::from_bytes(bytes).expect("a ledger");
    let started = may_be.iter().filter_map(|it| boot(&read(it), Trust::Newest).persist_first);
    may_be.iter().cloned().chain(started.map(|it| facts(&it))).collect()
}

/// A box that was started from a disk, until nothing was left to do.
pub fn started(memory: Memory) -> Memory {
    let mut store = ModelStore::open(&memory, SHIPPED_RELEASE).store;
    store.boot();
    // Where the power was cut there is nothing to sweep.
    let _ = store.sweep(None);
    drop(store);
    memory
}

/// A file of a tree.
pub fn file<'t>(tree: &'t Tree, path: &str) -> &'t [u8] {
    tree.get(path).and_then(Option::as_deref).expect("a file")
}
