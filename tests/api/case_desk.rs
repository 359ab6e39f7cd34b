//! What the fake's shadow model did: seven cases of one run, one of each kind.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use standclear::digest::sha256_of;
use standclear::engine::time::Instant;
use standclear::gate::verdict::{Case, CaseId, Evidence, Run};
use standclear::guard::handle::ClipFile;
use standclear::guard::handle::examples::ExampleError;
use standclear::guard::handle::gated::{Gate, Meanwhile};
use standclear::guard::handle::models::{Digest, Slot};
use standclear::guard::handle::shadowing::{
    CaseBox, CaseClip, CaseLabel, CaseRow, CaseSide, Claim, CompareLatency, Coverage, Discordant,
    EvidenceFacts, Figures, FrameAgreement, Label, RunRow, ShadowError, ShadowNow, ShadowState,
    Shadowing, Source, Standing, Told, WantedCases,
};

use super::model_desk::FakeModels;
use super::time;

/// A claim with so much confidence finds nothing to compare.
pub const NO_CANDIDATE: f64 = 0.75;

/// Video of case 5.
pub const CASE_CLIP: &[u8] = b"who the shadow model saw";

/// Labels of cases and examples by number.
#[derive(Default)]
pub struct Labels {
    cases: Mutex<BTreeMap<u64, CaseLabel>>,
    examples: Mutex<BTreeMap<u64, CaseLabel>>,
}

impl Labels {
    pub fn of_case(&self, id: u64) -> Option<CaseLabel> {
        self.cases.lock().expect("not poisoned").get(&id).cloned()
    }

    pub fn of_example(&self, id: u64) -> Option<CaseLabel> {
        self.examples.lock().expect("not poisoned").get(&id).cloned()
    }

    pub fn set_example(&self, id: u64, label: Label, by: &str) -> Result<(), ExampleError> {
        self.examples.lock().expect("not poisoned").insert(id, said(label, by));
        Ok(())
    }
}

fn said(label: Label, by: &str) -> CaseLabel {
    CaseLabel { label, by: by.into(), at: time("2026-03-01T15:00:00Z") }
}

/// Of the evidence as it is.
pub fn evidence_digest() -> String {
    sha256_of("evidence")
}

fn at_box() -> CaseBox {
    CaseBox { left_norm: 0.25, top_norm: 0.5, width_norm: 0.125, height_norm: 0.25, score: 0.5 }
}

fn side(incident: Option<u64>) -> CaseSide {
    CaseSide {
        began: time("2026-03-01T14:00:00Z"),
        ended: Some(time("2026-03-01T14:00:10Z")),
        score: 0.5,
        incident,
        boxes: vec![at_box()],
    }
}

fn told(id: u64) -> Told {
    let later_by = Duration::from_millis(1_500);
    match id {
        1 => Told::Both { shadow_later_by: Duration::ZERO },
        2 => Told::Both { shadow_later_by: later_by },
        3 => Told::ActiveOnly(Meanwhile::Quiet),
        4 => Told::ActiveOnly(Meanwhile::InIncident { later_by: Duration::ZERO }),
        5 => Told::ShadowOnly(Meanwhile::Quiet),
        6 => Told::ShadowOnly(Meanwhile::InIncident { later_by }),
        _ => Told::Neither,
    }
}

impl FakeModels {
    fn row(&self, id: u64) -> CaseRow {
        let told = told(id);
        // Incident 17 has a clip, 18 was before there was any.
        let incident = if id == 3 { 17 } else { 9_000 };
        let active = matches!(told, Told::Both { .. } | Told::ActiveOnly(_));
        let shadow = matches!(told, Told::Both { .. } | Told::ShadowOnly(_));
        CaseRow {
            id,
            run: 1,
            camera: "yard-éast".into(),
            zone: (Some(0), "Zóna gate-road".into()),
            at: time("2026-03-01T14:00:00Z"),
            told,
            standing: Gate::default().standing(told),
            label: self.labels.of_case(id),
            active: active.then(|| side(Some(incident))),
            shadow: shadow.then(|| side(None)),
            clip: match id {
                5 => CaseClip::There,
                6 => CaseClip::None("the disk is nearly full".into()),
                _ => CaseClip::None("the active model told it".into()),
            },
        }
    }
}

impl Shadowing for FakeModels {
    fn shadow_now(&self) -> ShadowNow {
        ShadowNow {
            state: ShadowState::Resting,
            text: "it died and waits 30 s".into(),
            restarts: 2,
            coverage: Coverage { seen: 1_000, of: 1_010 },
            skipped_because: Some("the box is busy".into()),
            run: Some(1),
        }
    }

    fn evidence(&self, claim: Claim) -> Result<EvidenceFacts, ShadowError> {
        if (claim.confidence.get() - NO_CANDIDATE).abs() < 1e-9 {
            return Err(ShadowError::NoCandidate);
        }
        let cases = (1..=7).map(|id| {
            let label = self.labels.of_case(id).map(|said| said.label);
            (CaseId(id), Case { at: Instant::ZERO, told: told(id), label })
        });
        let coverage = Coverage { seen: 1_000, of: 1_010 };
        let run = Run { source: Source::Live, coverage, cases: cases.collect(), left_out: 0 };
        let gate = Gate::default();
        let figures = Figures::of(&gate, &run, &claim);
        let evidence = Evidence { runs: vec![run], ..Evidence::default() };
        Ok(EvidenceFacts {
            digest: evidence_digest(),
            active: Slot::Shipped,
            shadow: Some(Slot::Blob(Digest::of("candidate"))),
            claim,
            judgement: gate.judge(&evidence, &claim),
            runs: vec![RunRow {
                id: 1,
                source: Source::Live,
                name: "this site".into(),
                began: time("2026-03-01T13:00:00Z"),
                ended: None,
                coverage,
                both: 2,
                discordant: Discordant { active_only: 2, shadow_only: 2 },
                figures,
                frames: FrameAgreement {
                    looked: 1_000,
                    matched: 97,
                    active_only: 1,
                    shadow_only: 2,
                    score_shift: -0.012,
                },
                latency: CompareLatency { active_p50_ms: Some(30.0), ..Default::default() },
            }],
            quantization: None,
        })
    }

    fn cases(
        &self,
        run: Option<u64>,
        wanted: WantedCases,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<CaseRow>, ShadowError> {
        self.wait();
        if run.is_none() && self.compared_nothing.load(Ordering::SeqCst) {
            return Err(ShadowError::NoCandidate);
        }
        if run.is_some_and(|run| run != 1) {
            return Ok(Vec::new());
        }
        let (agreed, waits) =
            (|row: &CaseRow| row.standing == Standing::Found, |row: &CaseRow| row.label.is_none());
        let is_wanted = |row: &CaseRow| match wanted {
            WantedCases::Discordant => !agreed(row),
            WantedCases::Unlabelled => waits(row),
            WantedCases::ToLabel => !agreed(row) && waits(row),
            WantedCases::AgreedToLabel => agreed(row) && waits(row),
            WantedCases::All => true,
        };
        let newest = before.unwrap_or(u64::MAX).min(8);
        let rows = (1..newest).rev().map(|id| self.row(id)).filter(is_wanted);
        Ok(rows.take(usize::try_from(limit).expect("it fits")).collect())
    }

    fn case(&self, id: u64) -> Result<CaseRow, ShadowError> {
        if (1..=7).contains(&id) { Ok(self.row(id)) } else { Err(ShadowError::NoCase(id)) }
    }

    fn case_picture(&self, id: u64) -> Result<Vec<u8>, ShadowError> {
        self.wait();
        match self.case(id)?.id {
            7 => Err(ShadowError::NoPicture(id, "it made room".into())),
            _ => Ok(b"\xFF\xD8 hidden".to_vec()),
        }
    }

    fn case_clip(&self, id: u64) -> Result<ClipFile, ShadowError> {
        let no_clip = |why: String| ShadowError::NoClip(id, why);
        match self.case(id)?.clip {
            CaseClip::None(why) => Err(no_clip(why)),
            CaseClip::There => {
                let mut file = tempfile::tempfile().map_err(|error| no_clip(error.to_string()))?;
                file.write_all(CASE_CLIP).map_err(|error| no_clip(error.to_string()))?;
                let bytes = CASE_CLIP.len() as u64;
                Ok(ClipFile { file, name: "case-00000001-5.mp4".into(), bytes })
            }
        }
    }

    fn label_case(&self, id: u64, label: Label, by: &str) -> Result<CaseRow, ShadowError> {
        self.case(id)?;
        self.labels.cases.lock().expect("not poisoned").insert(id, said(label, by));
        self.case(id)
    }
}
