//! Does the evidence allow that somebody approves the shadow model? Refused, not enough, or may be
//! approved; never approved: that a named person does.
//!
//! The rules, in this order:
//! 1. A true incident that the active model told and the shadow model did not, or told too late:
//!    refused, however many others it found. So is a quantized model that sees less than its parent.
//! 2. Not enough: a quantized model that nobody has held against its parent; a difference, or what both
//!    missed, that nobody has labelled; a run in which the shadow model saw too few of the pictures, but
//!    for one of this site where recordings show the claim; too few incidents found on this site; a run that missed more than is claimed, or joined more than a few
//!    with others, whatever another one shows; a claim that no run shows.
//! 3. Else it may be approved, for the claims that are shown, with warnings.
//!
//! Which incidents a miss is counted against is said once, in `Standing`: they must not be there
//! *because* the shadow model found them, or the share of misses would come out too small.
//!
//! Not here: figures for the evidence page (`figures`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::claim::{Claim, Look};
use super::figures::Figures;
use super::pairs::Meanwhile;
use super::quantization::Outcome;
use super::{Probability, Tally, bounds, sequential};
use crate::engine::time::Instant;

/// What a person says of a case. The question is "was somebody inside when the first of the two told
/// it?", not "might they be?": whoever may be there must be seen as well, and a walk test is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    True,
    False,
    /// They cannot tell. Counted against the shadow model where that makes a difference.
    Unsure,
}

/// The caller's number of a case, unique in its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaseId(pub u64);

/// Who told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Both; how much later the shadow model did.
    Both {
        shadow_later_by: Duration,
    },
    ActiveOnly(Meanwhile),
    ShadowOnly(Meanwhile),
    /// Neither: the truth of a recording has it, or a person reported it.
    Neither,
}

/// One incident of either model, both, or the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Orders the cases of a run; means nothing else.
    pub at: Instant,
    pub told: Told,
    pub label: Option<Label>,
}

/// Where a run's pictures came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// This site's cameras, beside the active model. Nobody knows what both of them missed.
    Live,
    /// Recordings whose truth is known and labelled whole, whatever any model saw.
    Corpus,
}

/// Pictures that the shadow model saw, of those the active one saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    pub seen: u64,
    pub of: u64,
}

/// Both models over the same pictures, with the same zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub source: Source,
    pub coverage: Coverage,
    pub cases: BTreeMap<CaseId, Case>,
    /// Incidents that the active model told and that are not compared, since the shadow model was not
    /// given what it takes to tell them.
    pub left_out: usize,
}

/// All that is known: every run of these two models, those that showed nothing as well. Runs are judged
/// each by itself, since two sites' incidents are not one sample; of several from one source all
/// together must show the claim as well, or it would be enough to try often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    pub runs: Vec<Run>,
    pub quantization: Quantization,
}

/// What is known of the shadow model against the parent that it was quantized from (`quantization`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Quantization {
    /// It is not quantized, or it is not for the gate to ask: of recordings by themselves.
    #[default]
    NotAsked,
    /// It is, and nobody has held it against its parent.
    Unchecked,
    Checked(Outcome),
}

/// What the evidence allows.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    Refused { reasons: Vec<Reason> },
    NotEnough { needed: Vec<Needed> },
    MayBeApproved { claims: Vec<Shown>, warnings: Vec<Warning> },
}

/// Why the shadow model must not guard. `run` is a position in the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody was there, the active model told it, the shadow model did not.
    LostIncident { run: usize, case: CaseId },
    /// It did, too late.
    LateIncident { run: usize, case: CaseId, later_by: Duration },
    /// Quantizing has cost more than half a point of recall in a zone.
    SeesLessThanParent,
}

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Somebody has to say what these were.
    Labels { run: usize, cases: Vec<CaseId> },
    /// The shadow model saw too few pictures to be compared.
    Coverage { run: usize, coverage: Coverage },
    /// The shadow model has found too few true incidents by this site's own cameras.
    LiveIncidents { more: usize },
    /// So many more true incidents, if none of them is missed; `None`: more than `INCIDENTS_MAX`.
    Incidents { run: usize, more: Option<usize> },
    /// The one look that was planned is over and does not show it. Another run, planned anew.
    AnotherRun { run: usize },
    /// One of several runs from there shows it, all of them together do not: whoever goes on until one
    /// does is right too seldom.
    Together { source: Source, tally: Tally },
    /// The run missed so many that what is claimed can hardly be true, whatever another one shows.
    Contradicted { run: usize, tally: Tally },
    /// In this run so many of the true incidents told, or such that might be, were joined with others:
    /// of a model that latches after the first person nobody knows whether it would see the next.
    Separate { run: usize, joined: usize, told: usize },
    /// Nobody has held the quantized model against its parent.
    ParentCheck,
    /// Somebody has, on too few pictures with somebody inside.
    ParentPictures,
    /// So many of the incidents that the active model told are not compared: those that are may be the
    /// quiet ones.
    LeftOut { run: usize, left_out: usize, told: usize },
    /// There is nothing to judge by.
    AnyRun,
}

/// A claim that a run shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    pub run: usize,
    pub source: Source,
    pub claim: Claim,
    pub tally: Tally,
    /// The largest share of misses that is still possible.
    pub at_most: f64,
}

/// What whoever approves should know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Warning {
    /// It alarms for nothing more often than the active model; how probable so much is by chance.
    Noisier { run: usize, p: f64 },
    /// Of these true incidents, or such that might be, it missed some; no lost one that was true.
    Missed { run: usize, tally: Tally },
    /// It made one incident of several, so many times. Somebody who comes second is not told anew.
    Joins { run: usize, cases: usize },
    /// On this site it saw too few pictures to be compared by them: recordings decide, and this site's own
    /// incidents only confirm.
    Coverage { run: usize, coverage: Coverage },
}

/// What the gate asks for beside the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Least share of pictures that the shadow model must have seen, percent.
    pub coverage_min_percent: u64,
    /// Fewest true incidents by this site's own cameras that the shadow model must have found.
    pub live_incidents_min: usize,
    /// Largest share of a run's true incidents told that the shadow model may have joined with others,
    /// percent.
    pub joined_max_percent: usize,
    /// Largest share of the incidents that the active model told of which nothing may be known, percent.
    pub left_out_max_percent: usize,
    /// Alarming so much later than the active model is as bad as not alarming.
    pub later_max: Duration,
}

impl Default for Gate {
    /// 95 %: with more skipped it is compared at another picture rate than it would guard with.
    /// Ten: a model that misses a third of what this site is about has lost one of them with 98 %.
    /// Five: somebody who comes while another is inside is rare; more is a zone that stays OCCUPIED.
    /// Ten: an incident or two fall out with each start of the shadow process, and a whole shift must not.
    /// One second: what is left of the siren's two (R2) after the second it takes at most.
    fn default() -> Gate {
        let later_max = Duration::from_secs(1);
        Gate {
            coverage_min_percent: 95,
            live_incidents_min: 10,
            joined_max_percent: 5,
            left_out_max_percent: 10,
            later_max,
        }
    }
}

/// What a case says about the shadow model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Both told it, in time. Counts as found.
    Found,
    /// The active model told it and the shadow model did not, or too late. Counts as missed.
    Lost,
    /// The active model told two where the shadow model was in one, already when the second began:
    /// neither found nor missed.
    Joined,
    /// Only the shadow model told it. It does not count, since it would not be there had the shadow
    /// model missed it; where the truth is known it would be, but once, and not as often as a model
    /// that flickers tells it.
    Gained,
    /// The shadow model told two where the active model was in one.
    Split,
    /// Neither told it. Counts as missed.
    Unseen,
}

impl Gate {
    /// What the evidence allows to be approved.
    pub fn judge(&self, evidence: &Evidence, claim: &Claim) -> Judgement {
        let reasons = self.reasons(evidence);
        if !reasons.is_empty() {
            return Judgement::Refused { reasons };
        }
        let runs: Vec<(usize, &Run, Figures)> = evidence
            .runs
            .iter()
            .enumerate()
            .map(|(index, run)| (index, run, Figures::of(self, run, claim)))
            .collect();
        let (mut claims, alone): (Vec<Shown>, Vec<Shown>) = runs
            .iter()
            .filter_map(|(i, run, f)| shown(*i, run, f, claim))
            .partition(|shown| together(&runs, shown.source, claim).is_none());
        let is_covered = |shown: &Shown| {
            runs.iter().any(|(i, r, _)| *i == shown.run && self.is_covered(r.coverage))
        };
        let recordings_decide =
            claims.iter().any(|shown| shown.source == Source::Corpus && is_covered(shown));
        let mut needed = self.missing(&runs, claim);
        let mut warnings: Vec<Warning> =
            runs.iter().flat_map(|(i, _, f)| warnings(*i, f, claim.confidence)).collect();
        for (run, of, _) in runs.iter().filter(|(_, of, _)| !self.is_covered(of.coverage)) {
            let (run, coverage) = (*run, of.coverage);
            match recordings_decide && of.source == Source::Live && coverage.seen > 0 {
                true => warnings.push(Warning::Coverage { run, coverage }),
                false => needed.push(Needed::Coverage { run, coverage }),
            }
        }
        if claims.is_empty() && !alone.is_empty() {
            let sources: BTreeSet<Source> = alone.iter().map(|shown| shown.source).collect();
            needed.extend(sources.into_iter().filter_map(|source| together(&runs, source, claim)));
        } else if claims.is_empty() {
            needed.extend(runs.iter().filter_map(|(index, _, f)| more(*index, f, claim)));
        }
        needed.extend(match &evidence.quantization {
            Quantization::Unchecked => Some(Needed::ParentCheck),
            Quantization::Checked(Outcome::NotEnough { .. }) => Some(Needed::ParentPictures),
            // Refused already, above.
            Quantization::Checked(Outcome::Accepted | Outcome::Refused { .. })
            | Quantization::NotAsked => None,
        });
        if evidence.runs.is_empty() {
            needed.push(Needed::AnyRun);
        }
        if !needed.is_empty() {
            return Judgement::NotEnough { needed };
        }
        // What was seen of too few pictures shows nothing; without recordings it is not enough, above.
        claims.retain(is_covered);
        Judgement::MayBeApproved { claims, warnings }
    }

    /// What a case says, whatever its label.
    pub fn standing(&self, told: Told) -> Standing {
        match told {
            Told::Both { shadow_later_by } if shadow_later_by > self.later_max => Standing::Lost,
            Told::Both { .. } => Standing::Found,
            Told::ActiveOnly(Meanwhile::Quiet) => Standing::Lost,
            Told::ActiveOnly(Meanwhile::InIncident { later_by }) if later_by > self.later_max => {
                Standing::Lost
            }
            Told::ActiveOnly(Meanwhile::InIncident { .. }) => Standing::Joined,
            Told::ShadowOnly(Meanwhile::Quiet) => Standing::Gained,
            Told::ShadowOnly(Meanwhile::InIncident { .. }) => Standing::Split,
            Told::Neither => Standing::Unseen,
        }
    }

    fn reasons(&self, evidence: &Evidence) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for (run, of) in evidence.runs.iter().enumerate() {
            for (&id, case) in &of.cases {
                if case.label != Some(Label::True) || self.standing(case.told) != Standing::Lost {
                    continue;
                }
                reasons.push(match case.told {
                    Told::Both { shadow_later_by: later_by }
                    | Told::ActiveOnly(Meanwhile::InIncident { later_by }) => {
                        Reason::LateIncident { run, case: id, later_by }
                    }
                    Told::ActiveOnly(Meanwhile::Quiet) | Told::ShadowOnly(_) | Told::Neither => {
                        Reason::LostIncident { run, case: id }
                    }
                });
            }
        }
        if let Quantization::Checked(Outcome::Refused { .. }) = evidence.quantization {
            reasons.push(Reason::SeesLessThanParent);
        }
        reasons
    }

    /// What is missing whatever is claimed.
    fn missing(&self, runs: &[(usize, &Run, Figures)], claim: &Claim) -> Vec<Needed> {
        let mut needed = Vec::new();
        for (run, of, figures) in runs {
            if !figures.unlabelled.is_empty() {
                needed.push(Needed::Labels { run: *run, cases: figures.unlabelled.clone() });
            }
            if bounds::contradicts(figures.all, claim.miss_rate, claim.confidence) {
                needed.push(Needed::Contradicted { run: *run, tally: figures.all });
            }
            let active = of.cases.values().filter(|case| is_active_told(case.told)).count();
            let (left_out, told) = (of.left_out, active + of.left_out);
            if left_out * 100 > told * self.left_out_max_percent {
                needed.push(Needed::LeftOut { run: *run, left_out, told });
            }
            let (joined, told) = (figures.joined, figures.told);
            if joined * 100 > told * self.joined_max_percent {
                needed.push(Needed::Separate { run: *run, joined, told });
            }
        }
        let live = runs.iter().filter(|(_, run, _)| run.source == Source::Live);
        // Found ones: what it missed says nothing for it, however much of it there was.
        let found: usize = live.map(|(_, _, figures)| figures.all.found()).sum();
        if found < self.live_incidents_min {
            needed.push(Needed::LiveIncidents { more: self.live_incidents_min - found });
        }
        needed
    }

    fn is_covered(&self, coverage: Coverage) -> bool {
        coverage.of > 0
            && u128::from(coverage.seen) * 100
                >= u128::from(coverage.of) * u128::from(self.coverage_min_percent)
    }
}

fn is_active_told(told: Told) -> bool {
    match told {
        Told::Both { .. } | Told::ActiveOnly(_) => true,
        Told::ShadowOnly(_) | Told::Neither => false,
    }
}

/// Whether it has to be labelled before anything can be said: a difference, or what both missed, which
/// would else be gone without a word.
pub(super) fn is_difference(standing: Standing) -> bool {
    match standing {
        Standing::Lost
        | Standing::Joined
        | Standing::Gained
        | Standing::Split
        | Standing::Unseen => true,
        Standing::Found => false,
    }
}

fn shown(run: usize, of: &Run, figures: &Figures, claim: &Claim) -> Option<Shown> {
    // There is no bound before the look is due.
    let at_most = figures.at_most?;
    let tally = figures.counted;
    claim.is_shown_by(tally).then_some(Shown {
        run,
        source: of.source,
        claim: *claim,
        tally,
        at_most,
    })
}

/// What is wrong with several runs of a source together, by the bound that allows for many looks.
fn together(runs: &[(usize, &Run, Figures)], source: Source, claim: &Claim) -> Option<Needed> {
    let of = runs.iter().filter(|(_, run, _)| run.source == source && !run.cases.is_empty());
    let (many, tally) = of.fold((0, Tally::EMPTY), |(many, tally), (_, _, figures)| {
        (many + 1, tally.plus(figures.all))
    });
    let is_shown = many < 2 || sequential::shows(tally, claim.miss_rate, claim.confidence);
    (!is_shown).then_some(Needed::Together { source, tally })
}

/// What is missing for the claim; `None` where it is labels that are asked for already.
fn more(run: usize, figures: &Figures, claim: &Claim) -> Option<Needed> {
    if !figures.undecided.is_empty() {
        let asked: BTreeSet<&CaseId> = figures.unlabelled.iter().collect();
        let cases = figures.undecided.iter().filter(|id| !asked.contains(id));
        let cases: Vec<CaseId> = cases.copied().collect();
        return (!cases.is_empty()).then_some(Needed::Labels { run, cases });
    }
    let have = figures.counted.of();
    Some(match claim.look {
        Look::Once { incidents } if have >= incidents => Needed::AnotherRun { run },
        Look::Once { incidents } => Needed::Incidents { run, more: Some(incidents - have) },
        Look::Any => Needed::Incidents { run, more: figures.more_needed },
    })
}

fn warnings(run: usize, figures: &Figures, confidence: Probability) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let p = figures.false_alarms.p_shadow_more();
    if p <= confidence.doubt() {
        warnings.push(Warning::Noisier { run, p });
    }
    if figures.all.misses() > 0 {
        warnings.push(Warning::Missed { run, tally: figures.all });
    }
    if figures.joined > 0 {
        warnings.push(Warning::Joins { run, cases: figures.joined });
    }
    warnings
}
