//! Evidence as the fake has it: incident 17 has a picture, a clip and one that is lost.

use std::io::Write;
use std::sync::atomic::Ordering;

use standclear::digest::sha256_of;
use standclear::guard::handle::{
    ClearFacts, ClipFile, ClipRow, Distances, EdgeDistance, EvidenceDesk, EvidenceError,
    EvidenceNow, EvidenceRow, EvidenceState, HiddenFile, Hides, KeptClip, PersonDistance, Reason,
    Shows, Side, SnapshotFacts, Track, WhichClip,
};

use super::{Fake, PATIENCE, time};

/// An incident whose clip lies on a disk that hangs.
pub const CLIP_HANGS: u64 = 1005;

/// What the clip holds.
pub const CLIP: &[u8] = b"a film of ten seconds";

/// What the one holds in which nobody can be recognised.
pub const HIDDEN: &[u8] = b"a film of nobody";

/// Who was seen where in it.
pub const TRACK: &str =
    r#"{"from":"2026-03-01T13:59:50Z","zone":"gate-road","zones":[],"frames":[]}"#;

/// Its digest.
pub fn sha256() -> String {
    sha256_of(CLIP)
}

/// The digest of the one in which nobody can be recognised.
pub fn hidden_sha256() -> String {
    sha256_of(HIDDEN)
}

/// Somebody stood in the zone of incident 17, and somebody above the horizon.
pub fn distances() -> Distances {
    let edge = EdgeDistance { metres: 0.617_3, side: Side::Inside };
    let people = vec![
        PersonDistance { foot_norm: [0.41, 0.77], camera_m: Some(12.406), edge: Some(edge) },
        PersonDistance { foot_norm: [0.8, 0.2], camera_m: None, edge: None },
    ];
    Distances { residual_m: 0.08, people }
}

fn kept() -> KeptClip {
    KeptClip {
        file: "incident-00000017-01.mp4".into(),
        bytes: CLIP.len() as u64,
        sha256: sha256(),
        from: time("2026-03-01T13:59:50Z"),
        to: time("2026-03-01T14:00:20Z"),
        longest_gap_ms: 101,
        codec: "H.264".into(),
        shows: Shows::Clear,
    }
}

fn hidden() -> HiddenFile {
    HiddenFile {
        file: "incident-00000017-01.hidden.mp4".into(),
        bytes: HIDDEN.len() as u64,
        sha256: hidden_sha256(),
        codec: "H.264".into(),
        hides: Some(Hides::Persons),
    }
}

impl EvidenceDesk for Fake {
    fn evidence(&self, incident: u64) -> Result<EvidenceRow, EvidenceError> {
        if incident != 17 {
            return Err(EvidenceError::NoIncident(incident));
        }
        let clip = |part, kept: Option<KeptClip>, lost| ClipRow {
            part,
            hidden: kept.as_ref().map(|_| hidden()),
            track: if kept.is_some() { Track::Kept } else { Track::None },
            kept,
            lost,
            removed_at: None,
            hidden_lost: None,
        };
        Ok(EvidenceRow {
            snapshot: Some(SnapshotFacts {
                bytes: 12,
                sha256: Some("77".repeat(32)),
                hides: Some(Hides::Persons),
                clear: Some(ClearFacts { bytes: 18, sha256: Some("78".repeat(32)) }),
            }),
            clips: vec![
                clip(1, Some(kept()), None),
                clip(2, None, Some("the disk is full".into())),
            ],
            pin: None,
        })
    }

    fn clip(&self, incident: u64, part: u32, which: WhichClip) -> Result<ClipFile, EvidenceError> {
        if incident == CLIP_HANGS {
            self.hanging.fetch_add(1, Ordering::SeqCst);
            std::thread::park_timeout(PATIENCE);
        }
        let row = self.evidence(incident)?;
        if part != 1 {
            let why = row.clips.into_iter().find(|clip| clip.part == part);
            let why = why.and_then(|clip| clip.lost).unwrap_or_default();
            return Err(EvidenceError::NoClip(why));
        }
        let (name, bytes) = match which {
            WhichClip::Hidden => (hidden().file, HIDDEN),
            WhichClip::Clear | WhichClip::Any => (kept().file, CLIP),
        };
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        Ok(ClipFile { file, name, bytes: bytes.len() as u64 })
    }

    fn track(&self, incident: u64, part: u32) -> Result<String, EvidenceError> {
        self.evidence(incident)?;
        if part == 1 { Ok(TRACK.to_owned()) } else { Err(EvidenceError::NoTrack) }
    }

    fn pin(&self, incident: u64, by: &str, reason: &Reason) -> Result<(), EvidenceError> {
        self.evidence(incident)?;
        self.answers
            .lock()
            .expect("not poisoned")
            .push((incident, format!("{by}: {}", reason.as_str())));
        Ok(())
    }

    fn unpin(&self, incident: u64, _by: &str) -> Result<(), EvidenceError> {
        self.evidence(incident)?;
        Err(EvidenceError::NotPinned(incident))
    }

    fn evidence_now(&self) -> Result<EvidenceNow, EvidenceError> {
        let state = EvidenceState { clips: 3, clip_bytes: 600, lost: 1, ..Default::default() };
        Ok(EvidenceNow { state, bytes_max: 1_000, days: 30, before_s: 10, after_s: 10 })
    }
}
