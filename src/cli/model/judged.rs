//! What the gate says of recordings by themselves.

use crate::gate::claim::Claim;
use crate::gate::figures::Figures;
use crate::gate::verdict::{Evidence, Gate, Judgement};

/// What the gate says, and of what.
#[derive(Debug)]
pub struct Judged {
    pub claim: Claim,
    /// Of each run.
    pub figures: Vec<Figures>,
    pub judgement: Judgement,
    /// True incidents that the site's own cameras have to show besides.
    pub live_incidents: usize,
}

impl Judged {
    /// Of recordings alone: the gate's rules, but for those of the site's own cameras.
    pub fn of(evidence: &Evidence, claim: Claim) -> Judged {
        let gate = Gate::default();
        let recorded = Gate { live_incidents_min: 0, ..gate };
        Judged {
            claim,
            figures: evidence.runs.iter().map(|run| Figures::of(&gate, run, &claim)).collect(),
            judgement: recorded.judge(evidence, &claim),
            live_incidents: gate.live_incidents_min,
        }
    }

    pub fn is_refused(&self) -> bool {
        matches!(self.judgement, Judgement::Refused { .. })
    }
}
