//! What all runs of two models allow, with a digest of what was known.
//!
//! The digest is over what a judgement is made of, so that whoever approves approves what they saw: cases,
//! who told them, labels, and whether enough pictures were seen. How many that were changes all the
//! while and is not in it; nor is what is claimed of it, which is whoever's who asks.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use jiff::Timestamp;

use super::cases::{self, Found};
use super::frames::Figures as Counted;
use super::quantized;
use crate::digest::sha256_of;
use crate::gate::claim::Claim;
use crate::gate::figures::Figures;
use crate::gate::mcnemar::Discordant;
use crate::gate::pairs::Meanwhile;
use crate::gate::verdict::{
    Case, CaseId, Coverage, Evidence, Gate, Quantization, Run, Standing, Told,
};
use crate::guard::handle::shadowing::{
    Checked, EvidenceFacts, ParentFacts, RunRow, ShadowError, Slot,
};
use crate::store::query::StoreReader;
use crate::store::shadow::ShadowRunRow;

/// For these two models, by everything that is kept of them. `packages`: where the shadow model's lies.
pub(super) fn of(
    (reader, packages): (&StoreReader, &Path),
    (active, shadow): (Slot, Slot),
    claim: Claim,
    now: Timestamp,
) -> Result<EvidenceFacts, ShadowError> {
    let gate = Gate::default();
    let mut runs = Vec::new();
    let kept = reader.shadow_runs(&active.to_string(), &shadow.to_string())?;
    let ran = kept.last().map(|row| row.shadow_model.clone());
    for row in kept {
        let rows = reader.shadow_incidents(row.id)?;
        let found = cases::cases(&row, &rows, now);
        let run = cases::run(&row, &rows, &found);
        // A run in which nothing was looked at says nothing, and lacks nothing.
        if run.coverage.of > 0 || !run.cases.is_empty() {
            runs.push((shown(&gate, &row, &run, &found, &claim), run));
        }
    }
    let (rows, runs): (Vec<RunRow>, Vec<Run>) = runs.into_iter().unzip();
    let is_quantized = quantized::is_so(packages, shadow);
    let checked = match is_quantized {
        true => quantized::checked(reader, shadow, ran.as_deref())?,
        false => None,
    };
    let quantization = match &checked {
        _ if !is_quantized => Quantization::NotAsked,
        None => Quantization::Unchecked,
        Some((checked, _)) => Quantization::Checked(checked.outcome.clone()),
    };
    let digest = digest(&gate, (active, shadow), rows.iter().zip(&runs), (&quantization, &checked));
    let judgement = gate.judge(&Evidence { runs, quantization }, &claim);
    Ok(EvidenceFacts {
        digest,
        active,
        shadow: Some(shadow),
        claim,
        judgement,
        runs: rows,
        quantization: checked.map(|(checked, parents)| ParentFacts {
            checked,
            parents: parents.into_iter().collect(),
        }),
    })
}

fn shown(gate: &Gate, row: &ShadowRunRow, run: &Run, found: &[Found<'_>], claim: &Claim) -> RunRow {
    let counted = Counted::read(&row.figures);
    let many = |wanted: &[Standing]| {
        found.iter().filter(|it| wanted.contains(&gate.standing(it.told))).count()
    };
    RunRow {
        id: row.id,
        source: run.source,
        name: row.name.clone(),
        began: row.began,
        ended: row.ended,
        coverage: run.coverage,
        both: many(&[Standing::Found]),
        discordant: Discordant {
            active_only: many(&[Standing::Lost, Standing::Joined]),
            shadow_only: many(&[Standing::Gained, Standing::Split]),
        },
        figures: Figures::of(gate, run, claim),
        frames: counted.agreement(),
        latency: counted.latency(),
    }
}

fn digest<'r>(
    gate: &Gate,
    (active, shadow): (Slot, Slot),
    runs: impl Iterator<Item = (&'r RunRow, &'r Run)>,
    parent: (&Quantization, &Option<(Checked, BTreeSet<String>)>),
) -> String {
    let mut text = format!("active {active}\nshadow {shadow}\ngate {gate:?}\nparent {parent:?}\n");
    for (row, run) in runs {
        let enough = is_enough(gate, run.coverage);
        // Writing to a text cannot fail.
        let (source, name, left_out) = (run.source, &row.name, run.left_out);
        let _ = writeln!(text, "run {} {source:?} {name} {enough} {left_out}", row.id);
        for (id, case) in &run.cases {
            let _ = writeln!(text, "{}", line(*id, case));
        }
    }
    sha256_of(text)
}

fn is_enough(gate: &Gate, coverage: Coverage) -> &'static str {
    let percent = u128::from(coverage.seen) * 100;
    match percent >= u128::from(coverage.of) * u128::from(gate.coverage_min_percent) {
        true => "enough",
        false => "too few",
    }
}

fn line(id: CaseId, case: &Case) -> String {
    let told = match case.told {
        Told::Both { shadow_later_by } => format!("both {}", shadow_later_by.as_micros()),
        Told::ActiveOnly(meanwhile) => format!("active {}", words(meanwhile)),
        Told::ShadowOnly(meanwhile) => format!("shadow {}", words(meanwhile)),
        Told::Neither => "neither".into(),
    };
    format!("case {} {} {told} {:?}", id.0, case.at.as_nanos(), case.label)
}

fn words(meanwhile: Meanwhile) -> String {
    match meanwhile {
        Meanwhile::Quiet => "quiet".into(),
        Meanwhile::InIncident { later_by } => format!("meanwhile {}", later_by.as_micros()),
    }
}
