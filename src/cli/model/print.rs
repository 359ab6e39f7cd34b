//! What `compare` prints and writes as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::compare::{Compared, Comparison, Latency};
use super::evidence::{CaseRow, EvidenceFile, LabelRow, ToldRow};
use super::judged::Judged;
use super::words;
use crate::gate::agreement::Agreement;
use crate::gate::claim::Look;
use crate::gate::corpus::CorpusCase;
use crate::gate::verdict::{Evidence, Gate, Judgement, Standing, Told};

/// Cases that are printed; all of them are in the JSON.
const CASES_PRINTED_MAX: usize = 200;

/// A table with a row for each recording, and the cases in which the two differ.
pub fn comparison(
    out: &mut dyn Write,
    kept: &EvidenceFile,
    compared: &Comparison,
) -> io::Result<()> {
    writeln!(out, "active  {}\nshadow  {}", kept.active, kept.shadow)?;
    writeln!(
        out,
        "{:<24} {:>8} {:>5} {:>7} {:>7} {:>7} {:>5}  {:>7} {:>7}",
        "", "", "", "active", "shadow", "", "", "boxes", "score"
    )?;
    writeln!(
        out,
        "{:<24} {:>8} {:>5} {:>7} {:>7} {:>7} {:>5}  {:>7} {:>7}",
        "recording", "pictures", "both", "only", "only", "neither", "late", "agree", "shift"
    )?;
    for one in &compared.recordings {
        let name =
            if one.has_truth { one.name.clone() } else { format!("{} (no truth)", one.name) };
        row(out, &name, one.coverage.of, &one.cases, &one.agreement)?;
    }
    if compared.recordings.len() > 1 {
        row(out, "all", compared.run.coverage.of, &compared.cases, &compared.agreement)?;
    }
    let (active, shadow) = (compared.active_ms, compared.shadow_ms);
    writeln!(
        out,
        "inference ms, p50/p99: active {:.1}/{:.1}, shadow {:.1}/{:.1}",
        active.p50, active.p99, shadow.p50, shadow.p99
    )?;
    differences(out, kept, compared)
}

fn row(
    out: &mut dyn Write,
    name: &str,
    pictures: u64,
    cases: &[CorpusCase],
    agreement: &Agreement,
) -> io::Result<()> {
    let tally = Tallied::of(cases);
    let share = agreement.share().map_or("-".to_owned(), |it| format!("{:.1} %", 100.0 * it));
    let shift = agreement.score_shift().map_or("-".to_owned(), |it| format!("{it:+.3}"));
    writeln!(
        out,
        "{name:<24} {pictures:>8} {:>5} {:>7} {:>7} {:>7} {:>5}  {share:>7} {shift:>7}",
        tally.both, tally.active_only, tally.shadow_only, tally.neither, tally.late
    )
}

/// Each case in which the two differ, by its number.
fn differences(out: &mut dyn Write, kept: &EvidenceFile, compared: &Comparison) -> io::Result<()> {
    let gate = Gate::default();
    let differ = kept
        .cases
        .iter()
        .zip(&compared.cases)
        .enumerate()
        .filter(|(_, (_, case))| gate.standing(case.case.told) != Standing::Found);
    let differ: Vec<_> = differ.collect();
    if !differ.is_empty() {
        writeln!(out, "cases in which they differ (video time):")?;
    }
    for (number, (row, case)) in differ.iter().take(CASES_PRINTED_MAX) {
        let began = compared.began_ms(case);
        let seconds = |ms: u64| ms.saturating_sub(began) as f64 / 1000.0;
        let span = [row.active, row.shadow].into_iter().flatten().next();
        let until = span.map_or(String::new(), |span| format!("–{:.1}", seconds(span.ended_ms)));
        writeln!(
            out,
            "  {:>3}  {} {}  {:.1}{until} s  {}, {}",
            number + 1,
            row.camera,
            row.zone,
            seconds(row.at_ms),
            told(row),
            label(row.label)
        )?;
    }
    if differ.len() > CASES_PRINTED_MAX {
        writeln!(out, "  and {} more, see --json", differ.len() - CASES_PRINTED_MAX)?;
    }
    Ok(())
}

fn told(row: &CaseRow) -> String {
    let later = row.later_by_ms.map(|ms| format!("{:.1} s", ms as f64 / 1000.0));
    match (row.told, later) {
        (ToldRow::Both, later) => format!("the shadow model {} later", later.unwrap_or_default()),
        (ToldRow::ActiveOnly, None) => "the active model only".to_owned(),
        (ToldRow::ActiveOnly, Some(later)) => {
            format!("the active model only; the shadow model in another incident, {later} later")
        }
        (ToldRow::ShadowOnly, None) => "the shadow model only".to_owned(),
        (ToldRow::ShadowOnly, Some(_)) => {
            "the shadow model only; the active model in another incident".to_owned()
        }
        (ToldRow::Neither, _) => "neither".to_owned(),
    }
}

fn label(label: Option<LabelRow>) -> &'static str {
    match label {
        Some(LabelRow::True) => "somebody was there",
        Some(LabelRow::False) => "nobody was there",
        Some(LabelRow::Unsure) => "the truth cannot tell",
        None => "nobody has said who was there",
    }
}

impl Comparison {
    /// When the recording of a case began, in the evidence's time.
    fn began_ms(&self, case: &CorpusCase) -> u64 {
        let of = self.recordings.iter().find(|one| one.name == case.place.camera);
        of.map_or(0, |one| u64::try_from(one.offset.as_millis()).unwrap_or(0))
    }
}

/// How many of each kind.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Tallied {
    both: usize,
    active_only: usize,
    shadow_only: usize,
    neither: usize,
    /// Of those that both told: too late.
    late: usize,
}

impl Tallied {
    fn of(cases: &[CorpusCase]) -> Tallied {
        let gate = Gate::default();
        let mut tally = Tallied::default();
        for told in cases.iter().map(|case| case.case.told) {
            match told {
                Told::Both { .. } => {
                    tally.both += 1;
                    tally.late += usize::from(gate.standing(told) == Standing::Lost);
                }
                Told::ActiveOnly(_) => tally.active_only += 1,
                Told::ShadowOnly(_) => tally.shadow_only += 1,
                Told::Neither => tally.neither += 1,
            }
        }
        tally
    }
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    kept: &'a EvidenceFile,
    by_recording: Vec<OneReport<'a>>,
    tally: Tallied,
    frames: FramesReport,
    latency_ms: LatencyReport,
    claim: ClaimReport,
    true_incidents: usize,
    missed: usize,
    at_most: Option<f64>,
    more_needed: Option<usize>,
    mcnemar: McNemarReport,
    judgement: &'static str,
    reasons: Vec<String>,
    live_incidents_needed: usize,
}

#[derive(Serialize)]
struct OneReport<'a> {
    name: &'a str,
    tally: Tallied,
    frames: FramesReport,
}

#[derive(Serialize)]
struct FramesReport {
    looked: u64,
    matched_boxes: u64,
    active_only_boxes: u64,
    shadow_only_boxes: u64,
    agreement: Option<f64>,
    score_shift: Option<f64>,
}

#[derive(Serialize)]
struct LatencyReport {
    active_p50: f64,
    active_p99: f64,
    shadow_p50: f64,
    shadow_p99: f64,
}

#[derive(Serialize)]
struct ClaimReport {
    miss: f64,
    confidence: f64,
    planned: Option<usize>,
}

#[derive(Serialize)]
struct McNemarReport {
    active_only: usize,
    shadow_only: usize,
    p: f64,
}

/// The evidence, and what follows from it.
pub fn json(
    kept: &EvidenceFile,
    compared: &Comparison,
    evidence: &Evidence,
    judged: &Judged,
) -> Result<Vec<u8>, serde_json::Error> {
    let figures = judged.figures.first();
    let discordant = figures.map(|it| it.found).unwrap_or_default();
    let report = Report {
        kept,
        by_recording: compared.recordings.iter().map(one_report).collect(),
        tally: Tallied::of(&compared.cases),
        frames: frames(&compared.agreement),
        latency_ms: latency(compared.active_ms, compared.shadow_ms),
        claim: ClaimReport {
            miss: judged.claim.miss_rate.get(),
            confidence: judged.claim.confidence.get(),
            planned: match judged.claim.look {
                Look::Once { incidents } => Some(incidents),
                Look::Any => None,
            },
        },
        true_incidents: figures.map_or(0, |it| it.all.of()),
        missed: figures.map_or(0, |it| it.all.misses()),
        at_most: figures.and_then(|it| it.at_most),
        more_needed: figures.and_then(|it| it.more_needed),
        mcnemar: McNemarReport {
            active_only: discordant.active_only,
            shadow_only: discordant.shadow_only,
            p: discordant.p_differs(),
        },
        judgement: match judged.judgement {
            Judgement::Refused { .. } => "refused",
            Judgement::NotEnough { .. } => "not_enough",
            Judgement::MayBeApproved { .. } => "shown",
        },
        reasons: words::sentences(judged, evidence.runs.len()),
        live_incidents_needed: judged.live_incidents,
    };
    let mut text = serde_json::to_vec_pretty(&report)?;
    text.push(b'\n');
    Ok(text)
}

fn one_report(one: &Compared) -> OneReport<'_> {
    OneReport { name: &one.name, tally: Tallied::of(&one.cases), frames: frames(&one.agreement) }
}

fn frames(agreement: &Agreement) -> FramesReport {
    FramesReport {
        looked: agreement.pictures,
        matched_boxes: agreement.matched,
        active_only_boxes: agreement.active_only,
        shadow_only_boxes: agreement.shadow_only,
        agreement: agreement.share(),
        score_shift: agreement.score_shift(),
    }
}

fn latency(active: Latency, shadow: Latency) -> LatencyReport {
    LatencyReport {
        active_p50: active.p50,
        active_p99: active.p99,
        shadow_p50: shadow.p50,
        shadow_p99: shadow.p99,
    }
}
