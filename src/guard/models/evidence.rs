//! What the shadow has shown of a candidate, and whether that allows it to guard.
//!
//! Asked when a person asks, again when that is written down, and once more before the candidate guards:
//! an incident may be found to be lost at any moment between.

use std::sync::Arc;

use super::recorded::ForBox;
use super::shadow::ShadowDesk;
use super::shown::Shared;
use crate::gate::claim::Claim;
use crate::gate::verdict::{Judgement, Reason};
use crate::guard::handle::models::{KeptEvidence, ModelError};
use crate::guard::handle::shadowing::{EvidenceFacts, Shadowing};
use crate::rollout::slot::{Digest, Slot};

/// What is known of the candidate's deeds in the shadow.
pub trait EvidenceSource: Send + Sync {
    /// What it allows, and the digest of the facts it rests on; `None`: there is none.
    fn judgement(&self, candidate: Digest) -> Option<(String, Judgement)>;

    /// Takes in what was found on recordings.
    ///
    /// # Errors
    /// It is known already, or cannot be kept.
    fn append(&self, _file: ForBox, _by: &str) -> Result<KeptEvidence, ModelError> {
        let text = "nothing is compared on this box".to_owned();
        Err(ModelError::Conflict { code: "not_kept", text })
    }
}

/// By all runs that are kept, against what this box asks for.
pub struct ShadowEvidence {
    pub shadow: ShadowDesk,
    pub claim: Claim,
    pub shared: Arc<Shared>,
}

impl EvidenceSource for ShadowEvidence {
    fn judgement(&self, candidate: Digest) -> Option<(String, Judgement)> {
        // Before it was compared with what is loaded now, nobody knows whether what is kept is of that.
        let beside = self.shadow.beside()?;
        // What cannot be read speaks for nobody.
        let facts = self.shadow.evidence(self.claim).ok()?;
        let guards = self.shared.now().ledger.committed();
        let is_it = beside == guards && is_of(&facts, guards, candidate);
        is_it.then_some((facts.digest, facts.judgement))
    }

    fn append(&self, file: ForBox, by: &str) -> Result<KeptEvidence, ModelError> {
        self.shadow.append(file, by)
    }
}

/// Whether it is known of the candidate, beside what guards: another one may see less than that does.
fn is_of(facts: &EvidenceFacts, guards: Slot, candidate: Digest) -> bool {
    facts.active == guards && facts.shadow == Some(Slot::Blob(candidate))
}

/// Whether the evidence allows it, and is what a person saw, where somebody has just looked.
///
/// # Errors
/// It does not, or is not.
pub fn judged(
    evidence: &dyn EvidenceSource,
    digest: Digest,
    seen: Option<&str>,
) -> Result<(), ModelError> {
    allows(evidence.judgement(digest), seen)
}

/// The same of a judgement that is known.
///
/// # Errors
/// It does not, or is not.
pub fn allows(known: Option<(String, Judgement)>, seen: Option<&str>) -> Result<(), ModelError> {
    let no = |code, text: &str| Err(ModelError::Conflict { code, text: text.to_owned() });
    let Some((now, judgement)) = known else {
        return no("not_enough", "nothing is known yet of what it does in the shadow");
    };
    match judgement {
        Judgement::Refused { reasons } if reasons.contains(&Reason::SeesLessThanParent) => no(
            "refused_by_gate",
            "the evidence speaks against it: quantized, it sees less than the model it was made of; \
             the page says whether it lost an incident, too",
        ),
        Judgement::Refused { .. } => {
            no("refused_by_gate", "the evidence speaks against it: it lost an incident")
        }
        Judgement::NotEnough { .. } => no(
            "not_enough",
            "the evidence is not enough yet for what this box asks (models.miss_max_percent); the \
             comparison says what is missing, and so does `standclear model evidence --url …`",
        ),
        Judgement::MayBeApproved { .. } if seen.is_some_and(|seen| seen != now) => {
            no("evidence_changed", "the evidence is not the one you saw any more; look at it again")
        }
        Judgement::MayBeApproved { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Probability;
    use crate::gate::claim::Look;

    #[test]
    fn evidence_beside_another_model_than_the_one_that_guards_is_none() {
        let candidate = "5".repeat(64).parse().expect("a digest");
        let other = Slot::Blob("6".repeat(64).parse().expect("a digest"));
        let of = |active, shadow| EvidenceFacts {
            digest: String::new(),
            active,
            shadow: Some(shadow),
            claim: Claim {
                miss_rate: Probability::CONFIDENCE,
                confidence: Probability::CONFIDENCE,
                look: Look::Any,
            },
            judgement: Judgement::NotEnough { needed: vec![] },
            runs: vec![],
            quantization: None,
        };
        let it = Slot::Blob(candidate);
        assert!(is_of(&of(Slot::Shipped, it), Slot::Shipped, candidate));
        assert!(!is_of(&of(other, it), Slot::Shipped, candidate));
        assert!(!is_of(&of(Slot::Shipped, it), other, candidate));
        assert!(!is_of(&of(Slot::Shipped, other), Slot::Shipped, candidate));
    }
}
