//! What the web side may ask of the shadow slot.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::recorded::ForBox;
use super::cases::{self, Found};
use super::evidence;
use super::post::ShadowPost;
use crate::clock;
use crate::config::Privacy;
use crate::gate::claim::Claim;
use crate::guard::clerk::Clerk;
use crate::guard::handle::ClipFile;
use crate::guard::handle::models::{KeptEvidence, ModelError};
use crate::guard::handle::shadowing::{
    CASES_AT_ONCE_MAX, CaseRow, EvidenceFacts, Label, ShadowError, ShadowNow, Shadowing, Slot,
    WantedCases,
};
use crate::guard::privacy::snapshot_for_all;
use crate::store::pictures::Hides;
use crate::store::query::{HistoryError, StoreReader};
use crate::store::shadow::{Labelled, ShadowIncidentRow, ShadowRunRow};
use crate::store::{Store, StoreError};
use crate::telemetry::chain;

/// Longest name of a person that is kept, characters.
const BY_CHARS_MAX: usize = 80;

/// Where files lie.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Installed packages.
    pub packages: PathBuf,
    pub clips: PathBuf,
}

/// See [`Shadowing`].
#[derive(Debug)]
pub struct ShadowDesk {
    post: ShadowPost,
    reader: Arc<StoreReader>,
    clerk: Clerk,
    privacy: Privacy,
    folders: Folders,
}

impl ShadowDesk {
    pub fn new(
        post: ShadowPost,
        reader: Arc<StoreReader>,
        clerk: Clerk,
        privacy: Privacy,
        folders: Folders,
    ) -> ShadowDesk {
        ShadowDesk { post, reader, clerk, privacy, folders }
    }

    /// What the slot holds.
    pub fn post(&self) -> &ShadowPost {
        &self.post
    }

    /// Keeps what was found on recordings; the gate judges by it from now on.
    ///
    /// # Errors
    /// The store has it already, or does not take it.
    pub fn append(&self, file: ForBox, by: &str) -> Result<KeptEvidence, ModelError> {
        let by = by.to_owned();
        self.clerk.ask(move |store| append(store, &file, &by))?
    }

    /// Beside what a model was compared in this life of the box, if any was.
    pub fn beside(&self) -> Option<Slot> {
        self.post.shared.standing().active.as_ref()?.parse().ok()
    }

    /// What is compared: the candidate that watches or did last, or that of the newest run, beside what
    /// guards.
    fn models(&self) -> Result<(Slot, Slot), ShadowError> {
        let (active, candidate) = {
            let standing = self.post.shared.standing();
            (standing.active.clone(), standing.candidate.clone())
        };
        let newest = match &active {
            Some(active) => self.reader.newest_shadow(active)?,
            None => self.reader.shadow_run(None)?,
        };
        let active = active.or_else(|| newest.as_ref().map(|run| run.active.clone()));
        let shadow = candidate.or_else(|| newest.map(|run| run.shadow));
        let slot = |text: Option<String>| text.and_then(|text| text.parse().ok());
        slot(active).zip(slot(shadow)).ok_or(ShadowError::NoCandidate)
    }

    fn with_run<T>(
        &self,
        run: &ShadowRunRow,
        look: impl FnOnce(&[Found<'_>]) -> T,
    ) -> Result<T, HistoryError> {
        let rows: Vec<ShadowIncidentRow> = self.reader.shadow_incidents(run.id)?;
        Ok(look(&cases::cases(run, &rows, now())))
    }

    fn run_of(&self, case: u64) -> Result<ShadowRunRow, ShadowError> {
        let run = self.reader.run_of_case(case)?.ok_or(ShadowError::NoCase(case))?;
        self.reader.shadow_run(Some(run))?.ok_or(ShadowError::NoCase(case))
    }

    /// The rows of a case, the one with its picture first.
    fn pictured(&self, id: u64) -> Result<(Option<u64>, Vec<u64>), ShadowError> {
        let run = self.run_of(id)?;
        let pictured = self.with_run(&run, |found| {
            let it = found.iter().find(|it| is_it(it, id))?;
            let incident = it.row(&run).active.and_then(|side| side.incident);
            let rows = [it.active, it.shadow].into_iter().flatten();
            Some((incident, rows.map(|row| row.id).collect()))
        })?;
        pictured.ok_or(ShadowError::NoCase(id))
    }
}

impl Shadowing for ShadowDesk {
    fn shadow_now(&self) -> ShadowNow {
        self.post.now()
    }

    fn evidence(&self, claim: Claim) -> Result<EvidenceFacts, ShadowError> {
        evidence::of((&self.reader, &self.folders.packages), self.models()?, claim, now())
    }

    fn cases(
        &self,
        run: Option<u64>,
        wanted: WantedCases,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<CaseRow>, ShadowError> {
        let runs = match run {
            Some(run) => self.reader.shadow_run(Some(run))?.into_iter().collect(),
            None => {
                let (active, shadow) = self.models()?;
                self.reader.shadow_runs(&active.to_string(), &shadow.to_string())?
            }
        };
        let mut rows: Vec<CaseRow> = Vec::new();
        for run in &runs {
            let mut of_run = self.with_run(run, |found| {
                let wanted = found.iter().filter(|it| match wanted {
                    WantedCases::Discordant => it.is_discordant(),
                    WantedCases::Unlabelled => !it.is_labelled(),
                    WantedCases::ToLabel => it.is_discordant() && !it.is_labelled(),
                    WantedCases::AgreedToLabel => !it.is_discordant() && !it.is_labelled(),
                    WantedCases::All => true,
                });
                wanted.map(|it| it.row(run)).collect::<Vec<CaseRow>>()
            })?;
            rows.append(&mut of_run);
        }
        rows.retain(|row| before.is_none_or(|before| row.id < before));
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        rows.truncate(limit.min(CASES_AT_ONCE_MAX) as usize);
        Ok(rows)
    }

    fn case(&self, id: u64) -> Result<CaseRow, ShadowError> {
        let run = self.run_of(id)?;
        let row = self
            .with_run(&run, |found| found.iter().find(|it| is_it(it, id)).map(|it| it.row(&run)))?;
        row.ok_or(ShadowError::NoCase(id))
    }

    fn case_picture(&self, id: u64) -> Result<Vec<u8>, ShadowError> {
        let (incident, rows) = self.pictured(id)?;
        if let Some(incident) = incident
            && let Some(jpeg) = snapshot_for_all(&self.reader, self.privacy, incident)?
        {
            return Ok(jpeg);
        }
        for row in rows {
            if let Some(jpeg) = self.reader.case_picture(row, self.privacy)? {
                return Ok(jpeg);
            }
        }
        let why = "none was kept, or it hides less than is configured now";
        Err(ShadowError::NoPicture(id, why.into()))
    }

    fn case_clip(&self, id: u64) -> Result<ClipFile, ShadowError> {
        let run = self.run_of(id)?;
        let clip = self.with_run(&run, |found| {
            let it = found.iter().find(|it| is_it(it, id))?;
            Some(it.clip(run.source).cloned())
        })?;
        let clip = clip.ok_or(ShadowError::NoCase(id))?;
        let clip = clip.and_then(|clip| match clip.hides >= Hides::of(self.privacy) {
            true => Ok(clip),
            false => Err("it hides less than is configured now".to_owned()),
        });
        let clip = clip.map_err(|why| ShadowError::NoClip(id, why))?;
        // Names come from this program's own rows; a row that other hands wrote leads nowhere else.
        let name = PathBuf::from(&clip.file);
        let file = File::open(self.folders.clips.join(name.file_name().unwrap_or_default()));
        let unreadable =
            |error| ShadowError::NoClip(id, format!("its file cannot be read: {error}"));
        Ok(ClipFile { file: file.map_err(unreadable)?, name: clip.file, bytes: clip.bytes })
    }

    fn label_case(&self, id: u64, label: Label, by: &str) -> Result<CaseRow, ShadowError> {
        // By the number that it has now: of a pair that of the active model's incident.
        let case = self.case(id)?.id;
        let word = cases::word(label);
        let by: String = by.trim().chars().take(BY_CHARS_MAX).collect();
        let at = now();
        let kept = self.clerk.ask(move |store| store.label_case(case, word, &by, at))?;
        match kept {
            Ok(Labelled::Yes) => self.case(case),
            Ok(Labelled::NoCase) => Err(ShadowError::NoCase(id)),
            Err(error) => {
                tracing::error!("a label is not kept: {}", crate::telemetry::chain(&error));
                Err(ShadowError::NotKept)
            }
        }
    }
}

/// Keeps what was found on recordings.
///
/// # Errors
/// The store has it already, or does not take it.
pub fn append(store: &mut Store, file: &ForBox, by: &str) -> Result<KeptEvidence, ModelError> {
    let kept = match file {
        ForBox::Compared(run) => store.append_corpus_run(run, by).map(KeptEvidence::Run),
        ForBox::Parent(checks) => {
            let recordings = checks.recordings.len();
            let kept = store.append_parent_checks(checks, by);
            kept.map(|()| KeptEvidence::ParentCheck { recordings })
        }
    };
    kept.map_err(not_appended)
}

/// Why it is not kept.
fn not_appended(error: StoreError) -> ModelError {
    let text = chain(&error);
    match error {
        StoreError::RecordingKnown { .. } | StoreError::ParentCheckOlder { .. } => {
            ModelError::Conflict { code: "known", text }
        }
        StoreError::ShadowRunsFull { .. } | StoreError::ParentChecksFull { .. } => {
            ModelError::Conflict { code: "full", text }
        }
        _ => ModelError::Conflict { code: "not_kept", text },
    }
}

/// By the number of any of its incidents: it may have been asked for before it was paired.
fn is_it(it: &Found<'_>, id: u64) -> bool {
    it.id() == id || [it.active, it.shadow].into_iter().flatten().any(|row| row.id == id)
}

fn now() -> Timestamp {
    clock::wall()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::super::post::Shared;
    use super::*;
    use crate::store::Store;
    use crate::store::shadow::{
        CaseWord, CorpusRun, Ended, NewShadowRun, RunProgress, RunSide, RunSource, ShadowIncident,
    };

    /// Told by the active model alone.
    fn lost(number: u64, word: Option<CaseWord>) -> (ShadowIncident, Option<CaseWord>) {
        let at = Timestamp::from_second(i64::try_from(number).expect("small")).expect("a time");
        let of = ShadowIncident {
            side: RunSide::Active,
            number,
            camera: "yard".into(),
            zone: "bay".into(),
            zone_name: "Bay".into(),
            zone_number: None,
            began: at,
            last: at,
            ended: Ended::Yes,
            score: 0.5,
            boxes: "[]".into(),
            left_out: None,
        };
        (of, word)
    }

    #[test]
    fn what_waits_for_a_label_is_found_behind_any_number_of_cases_that_have_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let labelled =
            (2..=u64::from(CASES_AT_ONCE_MAX) + 2).map(|n| lost(n * 600, Some(CaseWord::True)));
        let corpus = CorpusRun {
            run: NewShadowRun {
                source: RunSource::Corpus,
                name: "gate-road".into(),
                active: "shipped".into(),
                shadow: format!("sha256-{}", "a".repeat(64)),
                active_model: "m1".into(),
                shadow_model: "m2".into(),
                zones: "z".into(),
                began: Timestamp::UNIX_EPOCH,
            },
            ended: Timestamp::from_second(1_000_000).expect("a time"),
            progress: RunProgress { seen: 1, of: 1, figures: "{}".into() },
            incidents: std::iter::once(lost(600, None)).chain(labelled).collect(),
            recordings: vec![],
        };
        store.append_corpus_run(&corpus, "recording").expect("kept");
        let reader = Arc::new(store.reader().expect("a reader"));
        let (orders, _taken) = sync_channel(1);
        let post = ShadowPost { orders, shared: Arc::new(Shared::default()) };
        let clerk = Clerk::over(store).expect("a thread");
        let folders = Folders { packages: PathBuf::new(), clips: folder.path().into() };
        let desk = ShadowDesk::new(post, reader, clerk, Privacy::Persons, folders);
        let waits = |wanted| desk.cases(None, wanted, 10, None).expect("read");
        let [case] = &waits(WantedCases::ToLabel)[..] else { panic!("one waits") };
        assert!(case.label.is_none() && case.active.is_some(), "{case:?}");
        assert!(waits(WantedCases::AgreedToLabel).is_empty(), "the models agree on none");
    }
}
