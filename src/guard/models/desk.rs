//! What people may ask of models, as the web side has it.

use std::convert::Infallible;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::evidence::{EvidenceSource, allows, judged};
use super::fetching::{Intake, ask};
use super::gather::{Gathered, gather};
use super::keeper::{Ask, REVIEW_OPEN, Task};
use super::recent::Recent;
use super::recorded;
use super::shown::{Facts, Shown};
use super::take;
use crate::clock;
use crate::gate::claim::Claim;
use crate::gate::verdict::Judgement;
use crate::guard::handle::Reason;
use crate::guard::handle::models::{
    CarriedModels, InstalledModel, KeptEvidence, May, ModelError, ModelHistoryRow, Models,
    ModelsNow, Possible, ReviewStep, TakingFrom,
};
use crate::model_package::carried::open_file;
use crate::model_package::keys::Keyring;
use crate::model_store::blobs;
use crate::rollout::slot::{Digest, Slot};
use crate::rollout::stage::Stage;
use crate::store::query::StoreReader;
use crate::telemetry::chain;

/// Longest wait for an answer of the keeper. The web side cuts a request off after five seconds.
pub const ANSWER_MAX: Duration = Duration::from_secs(4);

/// How long a judgement is shown before all evidence is read again, and names of keys.
const JUDGEMENT_FOR: Duration = Duration::from_secs(5);
const KEYRING_FOR: Duration = Duration::from_secs(60);

/// See the module.
pub struct ModelsDesk {
    pub intake: Intake,
    pub evidence: Arc<dyn EvidenceSource>,
    pub reader: StoreReader,
    /// Folders that packages are carried in.
    pub carried: Vec<PathBuf>,
    /// What was found there last.
    pub found: Mutex<Vec<(String, PathBuf)>>,
    /// What the evidence has to show here.
    pub asks: Claim,
    pub lately: Lately,
}

/// What pages ask for every few seconds, from a moment ago. No step is decided by it.
#[derive(Debug)]
pub struct Lately {
    judgement: Recent<Digest, Option<(String, Judgement)>>,
    keyring: Recent<(), Arc<Keyring>>,
}

impl Default for Lately {
    fn default() -> Lately {
        Lately { judgement: Recent::new(JUDGEMENT_FOR), keyring: Recent::new(KEYRING_FOR) }
    }
}

fn no(code: &'static str, text: impl Into<String>) -> ModelError {
    ModelError::Conflict { code, text: text.into() }
}

fn why_not(text: impl Into<String>) -> May {
    May::No { why: text.into() }
}

impl fmt::Debug for ModelsDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelsDesk").field("carried", &self.carried).finish_non_exhaustive()
    }
}

impl ModelsDesk {
    fn ask(&self, what: Ask, by: &str) -> Result<(), ModelError> {
        let (by, until) = (by.to_owned(), clock::monotonic().after(ANSWER_MAX));
        ask(&self.intake.tasks, ANSWER_MAX, |reply| Task::Ask { what, by, until, reply })
    }

    fn possible(&self, shown: &Shown) -> Possible {
        let candidate = shown.ledger.candidate();
        let free = match (&shown.under_way, self.intake.now()) {
            (Some(what), _) => Err(why_not(what.clone())),
            (None, Some(_)) => Err(why_not("a package is being taken in")),
            (None, None) => Ok(()),
        };
        let install = match (&free, candidate) {
            (Err(why), _) => why.clone(),
            (Ok(()), Some(_)) => why_not("there is a candidate, and there is one at a time"),
            (Ok(()), None) => match self.keyring() {
                Ok(_) => May::Yes,
                Err(error) => why_not(error.to_string()),
            },
        };
        let of_candidate = |stage: &dyn Fn(&Stage) -> May| match candidate {
            None => why_not("there is no candidate; install a package first"),
            Some(candidate) => stage(&candidate.stage),
        };
        let shadow = of_candidate(&|stage| match stage {
            Stage::Verified => May::Yes,
            stage => why_not(format!("it {stage}")),
        });
        let promote = of_candidate(&|stage| match (stage, &shown.under_way) {
            (_, Some(what)) => why_not(what.clone()),
            (Stage::Shadowing | Stage::Approved { .. }, None) => {
                self.may_promote(candidate, shown.reviews_open)
            }
            (stage, None) => why_not(format!("it {stage}")),
        });
        let discard = of_candidate(&|stage| match stage {
            Stage::Probation => why_not("it guards on probation; roll it back instead"),
            _ => May::Yes,
        });
        let trial = shown.ledger.trial().is_some();
        let rollback_to = match trial {
            true => Some(shown.ledger.committed()),
            false => shown.ledger.previous(),
        };
        let rollback = match (rollback_to, &shown.under_way) {
            (None, _) => why_not("nothing was committed before this one"),
            (Some(_), Some(what)) if !trial => why_not(what.clone()),
            (Some(_), _) => May::Yes,
        };
        Possible { install, shadow, promote, rollback, rollback_to, discard }
    }

    fn may_promote(
        &self,
        candidate: Option<&crate::rollout::ledger::Candidate>,
        reviews_open: u32,
    ) -> May {
        let Some(candidate) = candidate else { return why_not("there is no candidate") };
        if reviews_open > 0 {
            return why_not(REVIEW_OPEN);
        }
        let find = |digest: &Digest| Ok::<_, Infallible>(self.evidence.judgement(*digest));
        let Ok(known) = self.lately.judgement.get(candidate.digest, find);
        let seen = known.as_ref().map(|(digest, _)| digest.clone()).unwrap_or_default();
        match allows(known, Some(&seen)) {
            Ok(()) => May::Yes,
            Err(error) => why_not(error.to_string()),
        }
    }

    fn keyring(&self) -> Result<Arc<Keyring>, ModelError> {
        self.lately.keyring.get((), |()| take::keyring(&self.intake.data).map(Arc::new))
    }

    /// Keys by the names that the keyring in force has for them.
    fn named(&self, mut facts: Vec<String>) -> Vec<String> {
        let Ok(keyring) = self.keyring() else { return facts };
        for id in &mut facts {
            let name = keyring.keys().iter().find(|key| key.id().to_string() == *id);
            if let Some(key) = name {
                *id = format!("{} ({id})", key.name);
            }
        }
        facts
    }
}

impl Models for ModelsDesk {
    fn models_now(&self) -> ModelsNow {
        let shared = &self.intake.shared;
        let shown = shared.now();
        let mut models = shown.rows(&shared.shipped);
        for row in &mut models {
            row.signed_by = self.named(std::mem::take(&mut row.signed_by));
        }
        let rejected = shown.ledger.rejected().iter().map(|it| (it.digest, it.reason));
        ModelsNow {
            models,
            floor: shown.ledger.floor(),
            trial: shown.trial(&shared.rules),
            previous: shown.ledger.previous(),
            rejected: rejected.collect(),
            taking: self.intake.now(),
            may: self.possible(&shown),
            asks: self.asks,
            reviews_open: shown.reviews_open,
            fault: shown.fault.clone(),
            active: shown.active,
        }
    }

    fn asks(&self) -> Claim {
        self.asks
    }

    fn install(
        &self,
        name: &str,
        bytes: &mut dyn Read,
        by: &str,
    ) -> Result<InstalledModel, ModelError> {
        self.intake.bring(TakingFrom::Upload, (name, None), bytes, by)
    }

    fn fetch(&self, url: &str, by: &str) -> Result<(), ModelError> {
        self.intake.fetch(url, by)
    }

    fn carried(&self) -> Result<CarriedModels, ModelError> {
        let shown = self.intake.shared.now();
        let floor = shown.ledger.floor();
        let Gathered { shown, paths } = gather(&self.carried, &self.intake.data, floor, shown.time);
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = paths;
        Ok(shown)
    }

    fn install_carried(&self, id: &str, by: &str) -> Result<InstalledModel, ModelError> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let path = found.iter().find(|(it, _)| it == id).map(|(_, path)| path.clone());
        drop(found);
        let path = path.ok_or_else(|| ModelError::NoSuchPackage(id.to_owned()))?;
        let mut file = open_file(&path).map_err(|error| ModelError::Source(chain(&error)))?;
        let of = file.metadata().ok().map(|it| it.len());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.intake.bring(TakingFrom::Folder, (&name, of), &mut file, by)
    }

    fn shadow(&self, digest: Digest, by: &str) -> Result<(), ModelError> {
        self.ask(Ask::Shadow(digest), by)
    }

    fn promote(&self, digest: Digest, evidence: &str, by: &str) -> Result<(), ModelError> {
        let shown = self.intake.shared.now();
        match shown.ledger.candidate() {
            None => {
                return Err(no("no_candidate", "there is no candidate; install a package first"));
            }
            Some(it) if it.digest != digest => {
                return Err(ModelError::NoSuchPackage(digest.to_string()));
            }
            Some(it) => match &it.stage {
                Stage::Shadowing | Stage::Approved { .. } => {}
                Stage::Probation => return Err(no("on_trial", "it guards on probation already")),
                stage => {
                    return Err(no(
                        "not_shadowing",
                        format!("it {stage}; it has to run in the shadow first"),
                    ));
                }
            },
        }
        judged(&*self.evidence, digest, Some(evidence))?;
        // Whatever was verified before: what is loaded now is what was signed.
        if let Some((fault, why)) = blobs::what_is_wrong(&self.intake.files, digest) {
            let wrong = Some((fault, why.clone()));
            let _ = self.intake.tasks.try_send(Task::Looked { digest, wrong });
            return Err(no("damaged", format!("its files are not what was installed: {why}")));
        }
        self.ask(Ask::Promote { digest, evidence: evidence.to_owned() }, by)
    }

    fn keep_evidence(&self, json: &[u8], by: &str) -> Result<KeptEvidence, ModelError> {
        let sent = Path::new("as it was sent");
        let file = recorded::for_box(sent, json, &self.intake.shared, clock::wall())?;
        self.evidence.append(file, by)
    }

    fn rollback(&self, reason: &Reason, by: &str) -> Result<(), ModelError> {
        self.ask(Ask::Rollback { reason: reason.as_str().to_owned() }, by)
    }

    fn discard(&self, digest: Digest, reason: &Reason, by: &str) -> Result<(), ModelError> {
        self.ask(Ask::Discard { digest, reason: reason.as_str().to_owned() }, by)
    }

    fn review(&self, step: ReviewStep, reason: &Reason, by: &str) -> Result<(), ModelError> {
        self.ask(Ask::Review { step, reason: reason.as_str().to_owned() }, by)
    }

    fn model_history(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<ModelHistoryRow>, ModelError> {
        let rows = self.reader.model_events(limit, before)?;
        let row = |row: crate::store::models::ModelEventRow| ModelHistoryRow {
            id: row.id,
            at: row.event.at,
            kind: row.event.kind.as_str().to_owned(),
            slot: row.event.slot,
            release: row.event.release,
            by: row.event.by,
            text: row.event.text,
        };
        Ok(rows.into_iter().map(row).collect())
    }
}

/// What earlier lives of the box told of a package, for its row.
pub fn with_installed(
    facts: Facts,
    rows: &[crate::store::models::ModelEventRow],
    slot: Slot,
) -> Facts {
    use crate::store::models::ModelEventKind;
    let slot = slot.to_string();
    let is_it = |row: &&crate::store::models::ModelEventRow| {
        row.event.kind == ModelEventKind::Installed && row.event.slot.as_ref() == Some(&slot)
    };
    let installed = rows.iter().find(is_it).map(|row| (row.event.at, row.event.by.clone()));
    Facts { installed, ..facts }
}
