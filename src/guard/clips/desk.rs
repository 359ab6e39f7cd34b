//! The web side's way to evidence: rows from the store, files from the folder, pins by the clerk.

use std::fs::File;
use std::path::PathBuf;

use crate::clock;
use crate::config::{Config, Evidence};
use crate::engine::IncidentId;
use crate::guard::clerk::Clerk;
use crate::guard::handle::{
    ClipFile, EvidenceDesk, EvidenceError, EvidenceNow, EvidenceRow, Reason,
};
use crate::store::evidence::{FOLDER, Pinning};
use crate::store::query::StoreReader;

/// See [`EvidenceDesk`].
#[derive(Debug)]
pub struct ClipDesk {
    reader: StoreReader,
    clerk: Clerk,
    /// The folder of the clips.
    folder: PathBuf,
    evidence: Evidence,
}

impl ClipDesk {
    pub fn of(config: &Config, reader: StoreReader, clerk: Clerk) -> ClipDesk {
        let folder = config.store.path.join(FOLDER);
        ClipDesk { reader, clerk, folder, evidence: config.evidence }
    }
}

impl EvidenceDesk for ClipDesk {
    fn evidence(&self, incident: u64) -> Result<EvidenceRow, EvidenceError> {
        self.reader.evidence(incident)?.ok_or(EvidenceError::NoIncident(incident))
    }

    fn clip(&self, incident: u64, part: u32) -> Result<ClipFile, EvidenceError> {
        let row = self.evidence(incident)?;
        let Some(clip) = row.clips.iter().find(|clip| clip.part == part) else {
            let why = match row.clips.is_empty() {
                true => "it is not written yet",
                false => "the incident has no such part",
            };
            return Err(EvidenceError::NoClip(why.into()));
        };
        let Some(kept) = clip.file() else {
            let gone = "it was removed to make room".to_owned();
            return Err(EvidenceError::NoClip(clip.lost.clone().unwrap_or(gone)));
        };
        // Names come from this program's own rows; a row that other hands wrote leads nowhere else.
        let name = PathBuf::from(&kept.file);
        let name = name.file_name().unwrap_or_default();
        let file = File::open(self.folder.join(name))
            .map_err(|error| EvidenceError::NoClip(format!("its file cannot be read: {error}")))?;
        Ok(ClipFile { file, kept: kept.clone() })
    }

    fn pin(&self, incident: u64, by: &str, reason: &Reason) -> Result<(), EvidenceError> {
        let (by, reason) = (by.to_owned(), reason.as_str().to_owned());
        let pin = move |store: &mut crate::store::Store| {
            store.pin(IncidentId(incident), &by, &reason, clock::wall())
        };
        match self.clerk.ask(pin)?? {
            Pinning::Done => Ok(()),
            Pinning::AsBefore => Err(EvidenceError::AlreadyPinned(incident)),
            Pinning::NoIncident => Err(EvidenceError::NoIncident(incident)),
        }
    }

    fn unpin(&self, incident: u64, by: &str) -> Result<(), EvidenceError> {
        let by = by.to_owned();
        let unpin = move |store: &mut crate::store::Store| {
            store.unpin(IncidentId(incident), &by, clock::wall())
        };
        match self.clerk.ask(unpin)?? {
            Pinning::Done => Ok(()),
            Pinning::AsBefore => Err(EvidenceError::NotPinned(incident)),
            Pinning::NoIncident => Err(EvidenceError::NoIncident(incident)),
        }
    }

    fn evidence_now(&self) -> Result<EvidenceNow, EvidenceError> {
        let Evidence { before_s, after_s, days, bytes_max, .. } = self.evidence;
        let state = self.reader.evidence_state()?;
        Ok(EvidenceNow { state, bytes_max, days, before_s, after_s })
    }
}
