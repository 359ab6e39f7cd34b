//! A run's numbers for the evidence page: how many of each kind, what they show, how many are needed.
//!
//! Not here: what follows from them (`verdict`).

use std::collections::BTreeMap;

use super::claim::{Claim, Look};
use super::mcnemar::Discordant;
use super::verdict::{Case, CaseId, Gate, Label, Run, Standing, is_difference};
use super::{Tally, sequential};

/// What one run comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Cases by what they say of the shadow model and by label.
    pub cases: BTreeMap<(Standing, Option<Label>), usize>,
    /// True incidents, and how many of them the shadow model missed; where somebody cannot tell, what
    /// is worse for it.
    pub all: Tally,
    /// The same, as far as the claim's look goes.
    pub counted: Tally,
    /// The largest share of misses still possible by the claim's look; `None` before that is due,
    /// since a bound for one look is none to peek at.
    pub at_most: Option<f64>,
    /// The same, true whenever one looks.
    pub at_most_any_time: f64,
    /// True incidents still needed for the claim if none of them is missed; `None`: more than
    /// `INCIDENTS_MAX`.
    pub more_needed: Option<usize>,
    /// True incidents only one model told.
    pub found: Discordant,
    /// False ones only one model told.
    pub false_alarms: Discordant,
    /// True incidents, or such that might be, that the shadow model joined with others.
    pub joined: usize,
    /// True incidents that the active model told, and of the lost and joined ones such that might be.
    pub told: usize,
    /// Among the incidents of the one look, those that nobody has labelled, by time: until somebody
    /// does, nobody knows where that look is.
    pub undecided: Vec<CaseId>,
    /// Differences, and what both missed, that nobody has labelled, by time.
    pub unlabelled: Vec<CaseId>,
}

impl Figures {
    pub fn of(gate: &Gate, run: &Run, claim: &Claim) -> Figures {
        let mut by_time: Vec<(CaseId, &Case)> = run.cases.iter().map(|(id, c)| (*id, c)).collect();
        by_time.sort_by_key(|(id, case)| (case.at, *id));
        let standing = |case: &Case| gate.standing(case.told);
        let outcomes: Vec<(CaseId, Outcome)> = by_time
            .iter()
            .filter_map(|(id, case)| Some((*id, outcome(standing(case), case.label)?)))
            .collect();
        let all = tally(&outcomes);
        let look = Looked::at(&outcomes, claim.look);
        let counted = tally(look.at);
        let mut cases = BTreeMap::new();
        for (_, case) in &by_time {
            *cases.entry((standing(case), case.label)).or_insert(0) += 1;
        }
        let count = |s, l| cases.get(&(s, Some(l))).copied().unwrap_or(0);
        let only = |label| Discordant {
            active_only: count(Standing::Lost, label),
            shadow_only: count(Standing::Gained, label),
        };
        let might_be = |standing| count(standing, Label::True) + count(standing, Label::Unsure);
        let joined = might_be(Standing::Joined);
        let needed = claim.incidents_needed(counted.misses());
        Figures {
            all,
            counted,
            at_most: look.is_due().then(|| claim.at_most(counted)),
            at_most_any_time: sequential::at_most(all, claim.confidence),
            more_needed: needed.map(|needed| needed.saturating_sub(counted.of())),
            found: only(Label::True),
            false_alarms: only(Label::False),
            joined,
            told: count(Standing::Found, Label::True) + might_be(Standing::Lost) + joined,
            undecided: look.undecided,
            unlabelled: by_time
                .iter()
                .filter(|(_, case)| case.label.is_none() && is_difference(standing(case)))
                .map(|(id, _)| *id)
                .collect(),
            cases,
        }
    }
}

/// What the claim's look is at.
struct Looked<'o> {
    at: &'o [(CaseId, Outcome)],
    undecided: Vec<CaseId>,
    missing: usize,
}

impl<'o> Looked<'o> {
    /// One look is at the first true incidents, and not at the first that somebody came to label: else
    /// it could be moved by labelling one more, or one less, once it is known what it would show.
    fn at(outcomes: &'o [(CaseId, Outcome)], look: Look) -> Looked<'o> {
        match look {
            Look::Once { incidents } => {
                let at = &outcomes[..incidents.min(outcomes.len())];
                let undecided = at.iter().filter(|(_, outcome)| *outcome == Outcome::Undecided);
                let undecided = undecided.map(|(id, _)| *id).collect();
                Looked { at, undecided, missing: incidents - at.len() }
            }
            Look::Any => Looked { at: outcomes, undecided: Vec::new(), missing: 0 },
        }
    }

    fn is_due(&self) -> bool {
        self.missing == 0 && self.undecided.is_empty()
    }
}

/// A true incident, for the count of misses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Found,
    Missed,
    /// Nobody has said whether it is one.
    Undecided,
}

fn tally(outcomes: &[(CaseId, Outcome)]) -> Tally {
    outcomes.iter().fold(Tally::EMPTY, |tally, (_, outcome)| match outcome {
        Outcome::Found => tally.with_found(),
        Outcome::Missed => tally.with_miss(),
        Outcome::Undecided => tally,
    })
}

/// Whether a case counts, and as what. Doubt counts against the shadow model: an incident that it
/// missed and nobody can judge is a miss, one that it found and nobody can judge is nothing.
fn outcome(standing: Standing, label: Option<Label>) -> Option<Outcome> {
    let Some(label) = label else {
        return match standing {
            Standing::Found | Standing::Lost | Standing::Unseen => Some(Outcome::Undecided),
            Standing::Gained | Standing::Joined | Standing::Split => None,
        };
    };
    match label {
        Label::True => match standing {
            Standing::Found => Some(Outcome::Found),
            Standing::Lost | Standing::Unseen => Some(Outcome::Missed),
            Standing::Gained | Standing::Joined | Standing::Split => None,
        },
        Label::Unsure => match standing {
            Standing::Lost | Standing::Unseen => Some(Outcome::Missed),
            Standing::Found | Standing::Gained | Standing::Joined | Standing::Split => None,
        },
        Label::False => None,
    }
}
