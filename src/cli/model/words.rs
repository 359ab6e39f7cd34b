//! What the gate says, in words with numbers. Cases are called by their number in the list above it.

use std::io::{self, Write};
use std::time::Duration;

use super::judged::Judged;
use crate::gate::Tally;
use crate::gate::claim::{Claim, Look};
use crate::gate::figures::Figures;
use crate::gate::pairs::Place;
use crate::gate::quantization::{Checked, LOST_ONE_IN, Outcome};
use crate::gate::verdict::{
    CaseId, Evidence, Judgement, Label, Needed, Quantization, Reason, Run, Shown, Source, Standing,
    Warning,
};

/// Cases that are named one by one.
const NAMED_MAX: usize = 10;

/// The figures of each run and the judgement of all of them.
pub fn judged(out: &mut dyn Write, evidence: &Evidence, judged: &Judged) -> io::Result<()> {
    for (number, (run, figures)) in evidence.runs.iter().zip(&judged.figures).enumerate() {
        if evidence.runs.len() > 1 {
            writeln!(out, "run {}:", number + 1)?;
        }
        of_run(out, run, figures, &judged.claim)?;
    }
    let lines = sentences(judged, evidence.runs.len());
    let heading = match &judged.judgement {
        Judgement::Refused { .. } => "REFUSED",
        Judgement::NotEnough { .. } => "NOT ENOUGH to say that it may guard",
        Judgement::MayBeApproved { .. } => "SHOWN by these recordings",
    };
    writeln!(out, "{heading}")?;
    lines.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    if !judged.is_refused() {
        // Whether it is quantized is not known of recordings by themselves.
        let parent = match evidence.quantization {
            Quantization::NotAsked => {
                ", where it is quantized a check against its parent (`check-quantization`)"
            }
            Quantization::Unchecked | Quantization::Checked(_) => "",
        };
        writeln!(
            out,
            "  before it may guard: {} true incidents found by the site's own cameras{parent}, and a \
             person's approval",
            judged.live_incidents
        )?;
    }
    Ok(())
}

/// The judgement's reasons, what is needed, or what is shown, a line each.
pub fn sentences(judged: &Judged, runs: usize) -> Vec<String> {
    match &judged.judgement {
        Judgement::Refused { reasons } => reasons.iter().map(|it| reason(it, runs)).collect(),
        Judgement::NotEnough { needed } => {
            needed.iter().map(|it| need(it, &judged.claim, runs)).collect()
        }
        Judgement::MayBeApproved { claims, warnings } => {
            let shown = claims.iter().map(|it| shown(it, runs));
            shown.chain(warnings.iter().map(|it| warning(it, runs))).collect()
        }
    }
}

fn of_run(out: &mut dyn Write, run: &Run, figures: &Figures, claim: &Claim) -> io::Result<()> {
    let percent = 100.0 * run.coverage.seen as f64 / run.coverage.of.max(1) as f64;
    writeln!(
        out,
        "coverage: the shadow model saw {} of {} pictures, {percent:.1} %",
        run.coverage.seen, run.coverage.of
    )?;
    let sum = |standing| -> usize {
        figures.cases.iter().filter(|((one, _), _)| *one == standing).map(|(_, n)| n).sum()
    };
    let is_true =
        |standing| figures.cases.get(&(standing, Some(Label::True))).copied().unwrap_or(0);
    writeln!(out, "incidents, in all and of them true:")?;
    for (standing, name) in [
        (Standing::Found, "both told it in time"),
        (Standing::Lost, "lost: the active model only, or the shadow model too late"),
        (Standing::Joined, "joined: the shadow model was in an incident already"),
        (Standing::Gained, "gained: the shadow model only"),
        (Standing::Split, "split: the active model was in an incident already"),
        (Standing::Unseen, "neither told it"),
    ] {
        writeln!(out, "  {:>5} {:>5}  {name}", sum(standing), is_true(standing))?;
    }
    let (found, false_ones) = (figures.found, figures.false_alarms);
    writeln!(
        out,
        "McNemar, exact, for one look: true ones told by one only {} against {}, p {:.3}; false ones {} \
         against {}, p {:.3}",
        found.active_only,
        found.shadow_only,
        found.p_differs(),
        false_ones.active_only,
        false_ones.shadow_only,
        false_ones.p_differs()
    )?;
    let bound = match (claim.look, figures.at_most) {
        (Look::Once { incidents }, None) => {
            format!("no bound before the {incidents} that were planned")
        }
        (Look::Once { .. } | Look::Any, Some(at_most)) => {
            format!("at most {} with {}", share(at_most), share(claim.confidence.get()))
        }
        (Look::Any, None) => "no bound".to_owned(),
    };
    writeln!(out, "missed: {} true incidents; {bound}", of(figures.counted))
}

fn reason(reason: &Reason, runs: usize) -> String {
    match reason {
        Reason::LostIncident { run, case } => format!(
            "{}case {}: somebody was there, the active model told it, the shadow model did not",
            in_run(*run, runs),
            number(*case)
        ),
        Reason::LateIncident { run, case, later_by } => format!(
            "{}case {}: somebody was there, and the shadow model told it {} later",
            in_run(*run, runs),
            number(*case),
            seconds(*later_by)
        ),
        Reason::SeesLessThanParent => {
            "quantized, it sees less than the model that it was made of".to_owned()
        }
    }
}

/// What a quantized model was found to see beside its parent.
pub fn quantization(checked: &Checked) -> String {
    let zones = |zones: &[Place]| {
        let called = zones.iter().map(|place| format!("{} {}", place.camera, place.zone));
        called.collect::<Vec<_>>().join(", ")
    };
    let limit = 100.0 / LOST_ONE_IN as f64;
    match &checked.outcome {
        Outcome::Accepted => format!("ACCEPTED: no zone loses more than {limit} points"),
        Outcome::Refused { zones: lost } => {
            format!("REFUSED: more than {limit} points of recall lost in {}", zones(lost))
        }
        Outcome::NotEnough { zones: few } if few.is_empty() => {
            "NOT ENOUGH: both models looked at no picture of any zone".to_owned()
        }
        Outcome::NotEnough { zones: few } => format!(
            "NOT ENOUGH: {LOST_ONE_IN} pictures with somebody inside are needed in each zone, and \
             there are fewer in {}",
            zones(few)
        ),
    }
}

fn need(needed: &Needed, claim: &Claim, runs: usize) -> String {
    let wanted = format!(
        "less than {} missed with {}",
        share(claim.miss_rate.get()),
        share(claim.confidence.get())
    );
    match needed {
        Needed::Labels { run, cases } => format!(
            "{}somebody has to say of {} of the cases whether anybody was there: {}",
            in_run(*run, runs),
            cases.len(),
            named(cases)
        ),
        Needed::Coverage { run, coverage } => format!(
            "{}the shadow model saw only {} of {} pictures",
            in_run(*run, runs),
            coverage.seen,
            coverage.of
        ),
        Needed::LiveIncidents { more } => {
            format!("{more} more true incidents found by the site's own cameras")
        }
        Needed::Incidents { run, more: Some(more) } => format!(
            "{}{more} more true incidents, if none of them is missed, to show {wanted}",
            in_run(*run, runs)
        ),
        Needed::Incidents { run, more: None } => {
            format!("{}more incidents than any site sees, to show {wanted}", in_run(*run, runs))
        }
        Needed::AnotherRun { run } => format!(
            "{}the look that was planned does not show {wanted}; plan another run",
            in_run(*run, runs)
        ),
        Needed::Together { source, tally } => format!(
            "all runs {} together, {} missed, do not show {wanted}",
            from(*source),
            of(*tally)
        ),
        Needed::Contradicted { run, tally } => format!(
            "{}it missed {} true incidents: {wanted} can hardly be so",
            in_run(*run, runs),
            of(*tally)
        ),
        Needed::Separate { run, joined, told } => format!(
            "{}of {told} true incidents it joined {joined} with others, more than one of twenty: \
             nobody knows whether it would see a second person",
            in_run(*run, runs)
        ),
        Needed::LeftOut { run, left_out, told } => format!(
            "{}of {told} incidents that the active model told {left_out} are not compared, more than \
             one of ten: those that are may be the quiet ones",
            in_run(*run, runs)
        ),
        Needed::ParentCheck => {
            "it is quantized, and nobody has held it against its parent (`check-quantization`)"
                .to_owned()
        }
        Needed::ParentPictures => {
            "more pictures with somebody inside, to hold it against its parent".to_owned()
        }
        Needed::AnyRun => "there is nothing to judge by".to_owned(),
    }
}

fn shown(shown: &Shown, runs: usize) -> String {
    format!(
        "{}less than {} missed with {}: {} missed, at most {}",
        in_run(shown.run, runs),
        share(shown.claim.miss_rate.get()),
        share(shown.claim.confidence.get()),
        of(shown.tally),
        share(shown.at_most)
    )
}

fn warning(warning: &Warning, runs: usize) -> String {
    match warning {
        Warning::Noisier { run, p } => format!(
            "{}take care: it alarms for nothing more often than the active model (p {p:.3}, for one look)",
            in_run(*run, runs)
        ),
        Warning::Missed { run, tally } => {
            format!("{}take care: it missed {} true incidents", in_run(*run, runs), of(*tally))
        }
        Warning::Joins { run, cases } => format!(
            "{}take care: {cases} times it made one incident of several",
            in_run(*run, runs)
        ),
        Warning::Coverage { run, coverage } => format!(
            "{}take care: it saw {} of {} pictures; the recordings decide",
            in_run(*run, runs),
            coverage.seen,
            coverage.of
        ),
    }
}

/// Nothing where there is one run only.
fn in_run(run: usize, runs: usize) -> String {
    if runs > 1 { format!("run {}, ", run + 1) } else { String::new() }
}

fn from(source: Source) -> &'static str {
    match source {
        Source::Live => "by the site's cameras",
        Source::Corpus => "of recordings",
    }
}

/// As the list of cases numbers them.
pub fn number(case: CaseId) -> u64 {
    case.0 + 1
}

fn named(cases: &[CaseId]) -> String {
    let mut named: Vec<String> =
        cases.iter().take(NAMED_MAX).map(|case| number(*case).to_string()).collect();
    if cases.len() > NAMED_MAX {
        named.push(format!("and {} more", cases.len() - NAMED_MAX));
    }
    named.join(", ")
}

fn of(tally: Tally) -> String {
    format!("{} of {}", tally.misses(), tally.of())
}

/// A share for people, rounded up: what may be missed is never told too small.
pub fn share(share: f64) -> String {
    let percent = (share * 10_000.0 - 1e-9).ceil() / 100.0;
    format!("{percent} %")
}

pub fn seconds(span: Duration) -> String {
    format!("{:.2} s", span.as_secs_f64())
}
