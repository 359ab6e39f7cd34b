//! Two models over the same recordings: from their incidents, and the truth where it is known, to the
//! cases that the gate judges.
//!
//! The truth answers the question that a person is asked of a live case: "was somebody inside when the
//! first of the two told it?" And it knows what nobody told. So with truth every case has its label,
//! and there are two kinds of case more:
//! * somebody was inside, and neither model told it (`Told::Neither`);
//! * somebody came while the active model's incident went on and after the shadow model's had ended.
//!   The two incidents are a pair, and yet somebody was unheard: told by the active model alone.
//!
//! Not here: replaying (`replay`), and what follows from the cases (`verdict`).

use std::collections::BTreeMap;

use super::pairs::{Incident, Meanwhile, Place, TOLERANCE, pair};
use super::verdict::{Case, CaseId, Coverage, Gate, Label, Run, Source, Standing, Told};
use crate::engine::time::Instant;
use crate::evaluation::episodes::Weight;

/// Somebody was truly inside.
#[derive(Clone, Debug, PartialEq)]
pub struct Presence {
    pub place: Place,
    pub from: Instant,
    pub until: Instant,
    /// A marginal one may be told or not: of it the truth cannot tell.
    pub weight: Weight,
}

/// One recording, or several one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Recording<'a> {
    pub active: &'a [Incident],
    pub shadow: &'a [Incident],
    /// `None`: nobody has said who was inside.
    pub truth: Option<&'a [Presence]>,
}

/// A case with what it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct CorpusCase {
    pub place: Place,
    pub case: Case,
    pub active: Option<Incident>,
    pub shadow: Option<Incident>,
}

/// All cases of a recording, by time.
pub fn cases(recording: &Recording<'_>) -> Vec<CorpusCase> {
    let pairing = pair(recording.active, recording.shadow, TOLERANCE);
    let mut cases = Vec::new();
    for both in &pairing.both {
        let told = Told::Both { shadow_later_by: both.shadow_later_by() };
        let sides = (Some(both.active.clone()), Some(both.shadow.clone()));
        cases.push(told_case(recording.truth, told, sides));
    }
    for only in &pairing.active_only {
        let sides = (Some(only.incident.clone()), None);
        cases.push(told_case(recording.truth, Told::ActiveOnly(only.meanwhile), sides));
    }
    for only in &pairing.shadow_only {
        let sides = (None, Some(only.incident.clone()));
        cases.push(told_case(recording.truth, Told::ShadowOnly(only.meanwhile), sides));
    }
    let gate = Gate::default();
    let unheard = recording.truth.unwrap_or_default().iter().filter_map(|presence| {
        // A case that counts as nothing (an alarm for nothing, one joined with another) tells nobody of
        // whoever came while it went on.
        let is_told = |case: &CorpusCase| {
            matches!(case.case.told, Told::ActiveOnly(_))
                && case.case.label == Some(Label::True)
                && gate.standing(case.case.told) == Standing::Lost
                && case.active.as_ref().is_some_and(|incident| presence.overlaps(incident))
        };
        if cases.iter().any(is_told) { None } else { presence.unheard_by(recording) }
    });
    let unheard: Vec<CorpusCase> = unheard.collect();
    cases.extend(unheard);
    cases.sort_by(|a, b| (a.case.at, &a.place).cmp(&(b.case.at, &b.place)));
    cases
}

/// What the gate judges; a case's number is its position.
pub fn run(cases: &[CorpusCase], coverage: Coverage) -> Run {
    let numbered = (0..).map(CaseId).zip(cases.iter().map(|case| case.case));
    let cases = numbered.collect::<BTreeMap<_, _>>();
    Run { source: Source::Corpus, coverage, cases, left_out: 0 }
}

/// A case that one of the two told, or both.
fn told_case(
    truth: Option<&[Presence]>,
    told: Told,
    (active, shadow): (Option<Incident>, Option<Incident>),
) -> CorpusCase {
    let told_at = |incident: &Incident| (incident.started_at, incident.place.clone());
    let sides = [&active, &shadow];
    let first = sides.into_iter().flatten().map(told_at).min();
    // One of the two told it.
    let (at, place) =
        first.unwrap_or((Instant::ZERO, Place { camera: String::new(), zone: String::new() }));
    let label = truth.map(|truth| label(truth, &place, at));
    CorpusCase { place, case: Case { at, told, label }, active, shadow }
}

/// Whether somebody was inside then.
fn label(truth: &[Presence], place: &Place, at: Instant) -> Label {
    let then = truth.iter().filter(|presence| {
        presence.place == *place
            && presence.from <= at.after(TOLERANCE)
            && at <= presence.until.after(TOLERANCE)
    });
    let weights: Vec<Weight> = then.map(|presence| presence.weight).collect();
    if weights.contains(&Weight::Demanded) {
        Label::True
    } else if weights.contains(&Weight::Marginal) {
        Label::Unsure
    } else {
        Label::False
    }
}

impl Presence {
    /// While the incident went on, exactly.
    fn overlaps(&self, incident: &Incident) -> bool {
        let end = incident.last_inside_at.max(incident.started_at);
        self.place == incident.place && incident.started_at <= self.until && self.from <= end
    }

    /// The same, but for the tolerance.
    fn meets(&self, incident: &Incident) -> bool {
        let end = incident.last_inside_at.max(incident.started_at);
        self.place == incident.place
            && incident.started_at <= self.until.after(TOLERANCE)
            && self.from <= end.after(TOLERANCE)
    }

    /// The case that no incident by itself shows.
    fn unheard_by(&self, recording: &Recording<'_>) -> Option<CorpusCase> {
        let meets = |incidents: &[Incident]| incidents.iter().any(|one| self.meets(one));
        if self.weight == Weight::Marginal || meets(recording.shadow) {
            return None;
        }
        let by = recording.active.iter().find(|incident| self.overlaps(incident));
        let told = match by {
            Some(_) => Told::ActiveOnly(Meanwhile::Quiet),
            None if meets(recording.active) => return None,
            None => Told::Neither,
        };
        let case = Case { at: self.from, told, label: Some(Label::True) };
        Some(CorpusCase { place: self.place.clone(), case, active: by.cloned(), shadow: None })
    }
}
