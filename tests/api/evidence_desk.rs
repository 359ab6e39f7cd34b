//! Evidence as the fake has it: incident 17 has a picture, a clip and one that is lost.

use std::io::Write;

use sha2::{Digest, Sha256};
use standclear::guard::handle::{
    ClipFile, ClipRow, Distances, EdgeDistance, EvidenceDesk, EvidenceError, EvidenceNow,
    EvidenceRow, EvidenceState, KeptClip, PersonDistance, Reason, Side, SnapshotFacts, hex,
};

use super::{Fake, time};

/// What the clip holds.
pub const CLIP: &[u8] = b"a film of ten seconds";

/// Its digest.
pub fn sha256() -> String {
    hex(&Sha256::digest(CLIP).into())
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
    }
}

impl EvidenceDesk for Fake {
    fn evidence(&self, incident: u64) -> Result<EvidenceRow, EvidenceError> {
        if incident != 17 {
            return Err(EvidenceError::NoIncident(incident));
        }
        let clip = |part, kept, lost| ClipRow { part, kept, lost, removed_at: None };
        Ok(EvidenceRow {
            snapshot: Some(SnapshotFacts { bytes: 12, sha256: Some("77".repeat(32)) }),
            clips: vec![
                clip(1, Some(kept()), None),
                clip(2, None, Some("the disk is full".into())),
            ],
            pin: None,
        })
    }

    fn clip(&self, incident: u64, part: u32) -> Result<ClipFile, EvidenceError> {
        let row = self.evidence(incident)?;
        if part != 1 {
            let why = row.clips.into_iter().find(|clip| clip.part == part);
            let why = why.and_then(|clip| clip.lost).unwrap_or_default();
            return Err(EvidenceError::NoClip(why));
        }
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(CLIP).expect("written");
        Ok(ClipFile { file, kept: kept() })
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
