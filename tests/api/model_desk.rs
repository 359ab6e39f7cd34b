//! Models as the fake has them: a package of Eva's on trial, and one that was taken back.

use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use standclear::digest::sha256_of;
use standclear::gate::Probability;
use standclear::gate::claim::Look;
use standclear::guard::handle::Reason;
use standclear::guard::handle::models::{
    ActiveModel, CarriedModel, CarriedModels, Claim, Digest, EndReason, Fault, GoldenLook,
    InstalledModel, KeptEvidence, May, ModelError, ModelFault, ModelFaultKind, ModelHistoryRow,
    ModelRole, ModelRow, Models, ModelsNow, PackageRefusal, Person, Possible, ReviewStep, Slot,
    Stage, Taking, TakingFrom, TakingState, TrialNow,
};

use super::{PATIENCE, time};

/// The model on trial is called so.
pub const NAME: &str = "nanodet-g-416";

/// A package that begins so is refused by that, and nothing more of it is read.
pub const UNSIGNED: &[u8] = b"unsigned";

/// One that begins so is genuine and of no use.
pub const USELESS: &[u8] = b"useless!";

/// A package whose taking in panics.
pub const PANICS: &[u8] = b"panics!!";

/// Of the model on trial.
pub fn digest() -> Digest {
    Digest::of("candidate")
}

/// What the models' desks were told, and what they answer.
#[derive(Default)]
pub struct FakeModels {
    /// Steps as they were said, with who said them.
    pub said: Mutex<Vec<String>>,
    /// Packages and labels as they arrived: name, sha256 or why not, and who sent them.
    pub arrived: Mutex<Vec<(String, String, String)>>,
    /// What the next step is refused by.
    pub refusal: Mutex<Option<ModelError>>,
    /// The disk of the models hangs.
    pub hangs: AtomicBool,
    /// So many wait for it.
    pub hanging: AtomicUsize,
    /// What people said of cases and examples.
    pub labels: super::case_desk::Labels,
    /// Nothing was ever compared.
    pub compared_nothing: AtomicBool,
    /// How much of the bank was written out.
    pub written: AtomicUsize,
}

impl FakeModels {
    fn step(&self, said: String) -> Result<(), ModelError> {
        self.wait();
        if let Some(refusal) = self.refusal.lock().expect("not poisoned").take() {
            return Err(refusal);
        }
        self.said.lock().expect("not poisoned").push(said);
        Ok(())
    }

    /// While the disk hangs.
    pub fn wait(&self) {
        if self.hangs.load(Ordering::SeqCst) {
            self.hanging.fetch_add(1, Ordering::SeqCst);
            std::thread::park_timeout(PATIENCE);
        }
    }

    pub fn refuse(&self, refusal: ModelError) {
        *self.refusal.lock().expect("not poisoned") = Some(refusal);
    }

    pub fn said(&self) -> Vec<String> {
        self.said.lock().expect("not poisoned").clone()
    }

    pub fn arrived(&self) -> Vec<(String, String, String)> {
        self.arrived.lock().expect("not poisoned").clone()
    }

    /// Notes what arrived of a body, whole or not.
    pub fn note(&self, name: &str, read: &std::io::Result<Vec<u8>>, by: &str) {
        let what = match read {
            Ok(all) => sha256_of(all),
            Err(error) => error.to_string(),
        };
        self.arrived.lock().expect("not poisoned").push((name.into(), what, by.into()));
    }
}

fn installed() -> InstalledModel {
    InstalledModel { digest: digest(), name: NAME.into(), version: "r3".into(), release: 4 }
}

fn row(slot: Slot, name: &str) -> ModelRow {
    ModelRow {
        slot,
        name: name.into(),
        version: "r2".into(),
        release: 3,
        roles: vec![ModelRole::Committed, ModelRole::Shipped],
        stage: None,
        installed_at: None,
        installed_by: None,
        signed_by: Vec::new(),
        bytes: 7_700_000,
        licence: None,
        decoder: None,
        guards_since: None,
        damaged: None,
    }
}

fn trial_row() -> ModelRow {
    ModelRow {
        roles: vec![ModelRole::Active, ModelRole::Candidate, ModelRole::Trial],
        stage: Some(Stage::Probation),
        installed_at: Some(time("2026-02-28T10:00:00Z")),
        installed_by: Some("Eva".into()),
        signed_by: vec!["Eva (0123456789abcdef)".into()],
        licence: Some("Apache-2.0".into()),
        decoder: Some("nanodet".into()),
        guards_since: Some(time("2026-03-01T13:00:00Z")),
        ..row(Slot::Blob(digest()), NAME)
    }
}

impl Models for FakeModels {
    fn asks(&self) -> Claim {
        let share = |share| Probability::new(share).expect("a share");
        Claim { miss_rate: share(0.03), confidence: share(0.95), look: Look::Any }
    }

    fn models_now(&self) -> ModelsNow {
        self.wait();
        let no = |why: &str| May::No { why: why.into() };
        ModelsNow {
            active: ActiveModel {
                slot: Some(Slot::Blob(digest())),
                since: Some(time("2026-03-01T13:00:00Z")),
                passed_over: vec![(Slot::Blob(Digest::of("old")), "a file is torn".into())],
            },
            models: vec![row(Slot::Shipped, "nanodet-g-shipped"), trial_row()],
            floor: 3,
            trial: Some(TrialNow {
                digest: digest(),
                approved_by: Person::named("Eva").expect("a name"),
                started: time("2026-03-01T13:00:00Z"),
                deadline: time("2026-03-02T13:00:00Z"),
                attempts_left: 2,
                attempts: 3,
                frames: 812,
                frames_min: 5_000,
                run: Duration::from_secs(300),
                run_min: Duration::from_secs(86_400),
                p99: Some(Duration::from_micros(41_020)),
                budget: Duration::from_millis(150),
                reviews_open: 1,
                golden: GoldenLook::NotYet,
            }),
            previous: Some(Slot::Shipped),
            rejected: vec![(Digest::of("bad"), EndReason::Fault(Fault::GoldenFailed))],
            taking: Some(Taking {
                from: TakingFrom::Url,
                name: "r4.standclear-model".into(),
                bytes: 123,
                of: Some(456),
                state: TakingState::Taking,
            }),
            may: Possible {
                install: no("another package is being taken in"),
                shadow: May::Yes,
                promote: no("it is on trial"),
                rollback: May::Yes,
                rollback_to: Some(Slot::Shipped),
                discard: May::Yes,
            },
            asks: self.asks(),
            reviews_open: 1,
            fault: Some(ModelFault {
                kind: ModelFaultKind::PassedOver,
                text: "a model was passed over".into(),
            }),
        }
    }

    fn install(
        &self,
        name: &str,
        bytes: &mut dyn Read,
        by: &str,
    ) -> Result<InstalledModel, ModelError> {
        self.wait();
        let mut start = [0; 8];
        let mut all = Vec::new();
        let read = bytes.read_exact(&mut start).map(|()| match start.as_slice() {
            UNSIGNED => Err(PackageRefusal::Unsigned.into()),
            USELESS => {
                let text = "it takes 2.1 s for a picture".into();
                Err(ModelError::Useless { code: "too_slow", text })
            }
            PANICS => panic!("the test asked for it"),
            _ => Ok(installed()),
        });
        if let Ok(Err(refusal)) = read {
            return Err(refusal);
        }
        all.extend(start);
        let read = read.and_then(|model| bytes.read_to_end(&mut all).map(|_| model));
        self.note(
            name,
            &read.as_ref().map(|_| all).map_err(|e| std::io::Error::other(e.to_string())),
            by,
        );
        match read {
            Ok(model) => model,
            Err(error) => Err(ModelError::Source(error.to_string())),
        }
    }

    fn fetch(&self, url: &str, by: &str) -> Result<(), ModelError> {
        self.step(format!("fetch {url} by {by}"))
    }

    fn carried(&self) -> Result<CarriedModels, ModelError> {
        let package = |id: &str, contents| CarriedModel {
            id: id.into(),
            file: format!("{id}.standclear-model"),
            folder: "/media/stick".into(),
            bytes: 7_700_000,
            contents,
        };
        Ok(CarriedModels {
            folders: vec!["/media/stick".into()],
            packages: vec![
                package("a1", Ok(installed())),
                package("b2", Err(("unsigned", "nobody vouches for this package".into()))),
            ],
        })
    }

    fn install_carried(&self, id: &str, by: &str) -> Result<InstalledModel, ModelError> {
        match id {
            "a1" => self.step(format!("install {id} by {by}")).map(|()| installed()),
            "b2" => Err(PackageRefusal::Unsigned.into()),
            _ => Err(ModelError::NoSuchPackage(id.into())),
        }
    }

    fn shadow(&self, digest: Digest, by: &str) -> Result<(), ModelError> {
        known(digest)?;
        self.step(format!("shadow by {by}"))
    }

    fn promote(&self, of: Digest, evidence: &str, by: &str) -> Result<(), ModelError> {
        known(of)?;
        if evidence != super::case_desk::evidence_digest() {
            let text = "more is known since you looked; look again".into();
            return Err(ModelError::Conflict { code: "evidence_changed", text });
        }
        self.step(format!("promote by {by}"))
    }

    fn keep_evidence(&self, json: &[u8], by: &str) -> Result<KeptEvidence, ModelError> {
        self.step(format!("evidence {} {by}", sha256_of(json)))?;
        Ok(KeptEvidence::Run(7))
    }

    fn rollback(&self, reason: &Reason, by: &str) -> Result<(), ModelError> {
        self.step(format!("rollback ({}) by {by}", reason.as_str()))
    }

    fn discard(&self, digest: Digest, reason: &Reason, by: &str) -> Result<(), ModelError> {
        known(digest)?;
        self.step(format!("discard ({}) by {by}", reason.as_str()))
    }

    fn review(&self, step: ReviewStep, reason: &Reason, by: &str) -> Result<(), ModelError> {
        self.step(format!("{step:?} ({}) by {by}", reason.as_str()))
    }

    fn model_history(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<ModelHistoryRow>, ModelError> {
        let newest = before.unwrap_or(u64::MAX).min(8);
        let row = |id| ModelHistoryRow {
            id,
            at: time("2026-03-01T13:00:00Z"),
            kind: "switched".into(),
            slot: Some(Slot::Blob(digest()).to_string()),
            release: Some(4),
            by: "Eva".into(),
            text: "guards on probation".into(),
        };
        let limit = usize::try_from(limit).expect("it fits");
        Ok((1..newest).rev().take(limit).map(row).collect())
    }
}

fn known(of: Digest) -> Result<(), ModelError> {
    if of == digest() { Ok(()) } else { Err(ModelError::NoSuchPackage(of.to_string())) }
}
