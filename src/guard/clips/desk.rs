//! The web side's way to evidence: rows from the store, files from the folder, pins by the clerk.

use std::fs::File;
use std::path::PathBuf;

use crate::clock;
use crate::config::{Config, Evidence};
use crate::engine::IncidentId;
use crate::guard::clerk::Clerk;
use crate::guard::handle::{
    ClipFile, ClipRow, EvidenceDesk, EvidenceError, EvidenceNow, EvidenceRow, Reason, WhichClip,
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

    fn clip(&self, incident: u64, part: u32, which: WhichClip) -> Result<ClipFile, EvidenceError> {
        let clip = part_of(self.evidence(incident)?, part)?;
        let (name, bytes) = file_of(&clip, which).map_err(EvidenceError::NoClip)?;
        // Names come from this program's own rows; a row that other hands wrote leads nowhere else.
        let path = PathBuf::from(&name);
        let path = self.folder.join(path.file_name().unwrap_or_default());
        let file = File::open(path)
            .map_err(|error| EvidenceError::NoClip(format!("its file cannot be read: {error}")))?;
        Ok(ClipFile { file, name, bytes })
    }

    fn track(&self, incident: u64, part: u32) -> Result<String, EvidenceError> {
        let clip = part_of(self.evidence(incident)?, part)?;
        self.reader.clip_track(incident, clip.part)?.ok_or(EvidenceError::NoTrack)
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

fn part_of(row: EvidenceRow, part: u32) -> Result<ClipRow, EvidenceError> {
    let why = match row.clips.is_empty() {
        true => "it is not written yet",
        false => "the incident has no such part",
    };
    let clip = row.clips.into_iter().find(|clip| clip.part == part);
    clip.ok_or_else(|| EvidenceError::NoClip(why.into()))
}

/// Name and size of the file that is meant, or why there is none.
fn file_of(clip: &ClipRow, which: WhichClip) -> Result<(String, u64), String> {
    let clear = || clip.clear().map(|kept| (kept.file.clone(), kept.bytes));
    let hidden = || clip.hidden.as_ref().map(|hidden| (hidden.file.clone(), hidden.bytes));
    let found = match which {
        WhichClip::Hidden => hidden(),
        WhichClip::Clear => clear(),
        WhichClip::Any => clear().or_else(hidden),
    };
    found.ok_or_else(|| match (which, clip) {
        (_, ClipRow { removed_at: Some(_), .. }) => "it was removed to make room".to_owned(),
        (_, ClipRow { hidden: None, lost: Some(lost), .. }) => lost.clone(),
        (WhichClip::Hidden, ClipRow { hidden_lost: Some(lost), .. }) => {
            format!("there is none in which nobody can be recognised: {lost}")
        }
        (WhichClip::Hidden, _) => {
            "it was kept while nobody was hidden, and shows people as they are".to_owned()
        }
        (WhichClip::Clear | WhichClip::Any, _) => "only the one in which nobody can be \
            recognised was kept"
            .to_owned(),
    })
}
