//! The web side's way to evidence: rows from the store, files from the folder, pins by the clerk.

use std::fs::File;
use std::path::PathBuf;

use crate::clock;
use crate::config::{Config, Evidence, Privacy};
use crate::engine::IncidentId;
use crate::guard::clerk::Clerk;
use crate::guard::handle::{
    ClipFile, ClipRow, EvidenceDesk, EvidenceError, EvidenceNow, EvidenceRow, Reason, WhichClip,
};
use crate::store::evidence::{FOLDER, HiddenFile, Pinning};
use crate::store::pictures::Hides;
use crate::store::query::StoreReader;

/// See [`EvidenceDesk`].
#[derive(Debug)]
pub struct ClipDesk {
    reader: StoreReader,
    clerk: Clerk,
    /// The folder of the clips.
    folder: PathBuf,
    evidence: Evidence,
    privacy: Privacy,
}

/// Why a hidden clip is not for everybody.
const HIDES_LESS: &str = "it hides less of people than is to be hidden now";

impl ClipDesk {
    pub fn of(config: &Config, reader: StoreReader, clerk: Clerk) -> ClipDesk {
        let folder = config.store.path.join(FOLDER);
        let (evidence, privacy) = (config.evidence, config.privacy);
        ClipDesk { reader, clerk, folder, evidence, privacy }
    }

    fn kept(&self, incident: u64) -> Result<EvidenceRow, EvidenceError> {
        self.reader.evidence(incident)?.ok_or(EvidenceError::NoIncident(incident))
    }
}

impl EvidenceDesk for ClipDesk {
    fn evidence(&self, incident: u64) -> Result<EvidenceRow, EvidenceError> {
        let mut row = self.kept(incident)?;
        for clip in &mut row.clips {
            if clip.hidden.as_ref().is_some_and(|it| !hides_enough(it, self.privacy)) {
                clip.hidden = None;
                clip.hidden_lost = Some(HIDES_LESS.to_owned());
            }
        }
        Ok(row)
    }

    fn clip(&self, incident: u64, part: u32, which: WhichClip) -> Result<ClipFile, EvidenceError> {
        let clip = part_of(self.kept(incident)?, part)?;
        let found = file_of(&clip, which, self.privacy);
        let (name, bytes) = found.map_err(EvidenceError::NoClip)?;
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
fn file_of(clip: &ClipRow, which: WhichClip, privacy: Privacy) -> Result<(String, u64), String> {
    let clear = || clip.clear().map(|kept| (kept.file.clone(), kept.bytes));
    let named = |hidden: &HiddenFile| (hidden.file.clone(), hidden.bytes);
    let (enough, less) = match &clip.hidden {
        Some(hidden) if hides_enough(hidden, privacy) => (Some(named(hidden)), None),
        Some(hidden) => (None, Some(named(hidden))),
        None => (None, None),
    };
    if which == WhichClip::Hidden && less.is_some() {
        return Err(HIDES_LESS.to_owned());
    }
    let found = match which {
        WhichClip::Hidden => enough,
        // Whoever may see people clear may see them half hidden.
        WhichClip::Clear => clear().or(less),
        WhichClip::Any => clear().or(enough),
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

/// Whether it hides as much as is to be hidden now: the configuration may have been stricter since.
fn hides_enough(hidden: &HiddenFile, privacy: Privacy) -> bool {
    hidden.hides >= Hides::of(privacy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::evidence::Track;

    fn clip(hides: Option<Hides>) -> ClipRow {
        let hidden = HiddenFile {
            file: "a.hidden.mp4".into(),
            bytes: 3,
            sha256: "5e".repeat(32),
            codec: "H.264".into(),
            hides,
        };
        ClipRow {
            part: 1,
            kept: None,
            lost: None,
            removed_at: None,
            hidden: Some(hidden),
            hidden_lost: None,
            track: Track::None,
        }
    }

    #[test]
    fn a_clip_that_hides_less_than_is_to_be_hidden_now_is_for_whoever_was_granted_it() {
        let given = |hides, which, privacy| file_of(&clip(hides), which, privacy).is_ok();
        for (hides, privacy, everybody) in [
            (Some(Hides::Persons), Privacy::Persons, true),
            (Some(Hides::Persons), Privacy::Heads, true),
            (Some(Hides::Heads), Privacy::Heads, true),
            (Some(Hides::Heads), Privacy::Persons, false),
            (None, Privacy::Heads, false),
            (None, Privacy::Persons, false),
        ] {
            assert_eq!(
                given(hides, WhichClip::Hidden, privacy),
                everybody,
                "{hides:?} {privacy:?}"
            );
            assert_eq!(
                given(hides, WhichClip::Clear, privacy),
                !everybody,
                "{hides:?} {privacy:?}"
            );
        }
        assert!(given(None, WhichClip::Any, Privacy::Off));
    }
}
