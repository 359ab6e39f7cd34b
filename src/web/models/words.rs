//! What the gate found, in words: each with a code for programs and a sentence with numbers and units
//! for people.
//!
//! Not here: what is refused and what is missing (the gate decides that).

use std::time::Duration;

use crate::guard::handle::examples::{Proposal, Wish};
use crate::guard::handle::gated::{
    Gate, LOST_ONE_IN, Look, Needed, Outcome, Place, Probability, Reason, Recall, Shown, Tally,
    Warning,
};
use crate::guard::handle::shadowing::{Checked, Claim, Coverage, EvidenceFacts, RunRow, Source};

/// A finding for programs and for people.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Worded {
    pub code: &'static str,
    pub text: String,
    /// Number of the run that it is about.
    pub run: Option<u64>,
    /// The cases that it is about.
    pub cases: Vec<u64>,
    /// How many more are needed, where that is a number.
    pub more: Option<usize>,
}

impl Worded {
    fn of(code: &'static str, text: String) -> Worded {
        Worded { code, text, run: None, cases: Vec::new(), more: None }
    }
}

/// Why the shadow model must not guard.
pub(super) fn reason(facts: &EvidenceFacts, reason: &Reason) -> Worded {
    let (code, at, case, how) = match *reason {
        Reason::SeesLessThanParent => {
            return Worded::of("sees_less_than_parent", parent_words(facts));
        }
        Reason::LostIncident { run, case } => ("lost_incident", run, case, "did not".to_owned()),
        Reason::LateIncident { run, case, later_by } => {
            let later = seconds(later_by);
            ("late_incident", run, case, format!("told it too late, {later} after it"))
        }
    };
    let text = format!(
        "in case {} of {} somebody was inside: the active model told it, the shadow model {how}",
        case.0,
        name(facts, at)
    );
    Worded { run: id(facts, at), cases: vec![case.0], ..Worded::of(code, text) }
}

/// What is missing before somebody may approve it.
pub(super) fn needed(facts: &EvidenceFacts, needed: &Needed) -> Worded {
    let at = |run: &usize| (*run, name(facts, *run));
    let (run, worded) = match needed {
        Needed::Labels { run, cases } => {
            let (run, name) = at(run);
            (Some(run), labels(&name, cases.iter().map(|case| case.0).collect()))
        }
        Needed::Coverage { run, coverage } => {
            let text = coverage_words(facts, *run, *coverage);
            (Some(*run), Worded::of("coverage", text))
        }
        Needed::LiveIncidents { more } => {
            let text = format!(
                "the shadow model has to find {more} more true {} by this site's own cameras; \
                 what both told counts once somebody has said that it was true",
                one_or_many(*more, "incident", "incidents")
            );
            (None, Worded { more: Some(*more), ..Worded::of("live_incidents", text) })
        }
        Needed::Incidents { run, more } => (Some(*run), incidents(facts, *run, *more)),
        Needed::AnotherRun { run } => {
            let (run, name) = at(run);
            let text = format!(
                "the one look that was planned for {name} is over and does not show that {}; it \
                 takes another run, planned anew",
                claimed(&facts.claim)
            );
            (Some(run), Worded::of("another_run", text))
        }
        Needed::Together { source, tally } => (None, together(facts, *source, *tally)),
        Needed::Contradicted { run, tally } => {
            let (run, name) = at(run);
            let text = format!(
                "in {name} it missed {} of {} true incidents: so many that it can hardly be true \
                 that {}, whatever another run shows",
                tally.misses(),
                tally.of(),
                claimed(&facts.claim)
            );
            (Some(run), Worded::of("contradicted", text))
        }
        Needed::Separate { run, joined, told } => {
            let (run, name) = at(run);
            let text = format!(
                "in {name} it joined {joined} of {told} true incidents with others; with more than \
                 {} % nobody knows whether it would see the next person",
                Gate::default().joined_max_percent
            );
            (Some(run), Worded::of("joined_too_many", text))
        }
        Needed::LeftOut { run, left_out, told } => {
            (Some(*run), not_compared(&name(facts, *run), *left_out, *told))
        }
        Needed::ParentCheck => (None, Worded::of("parent_check", UNCHECKED.to_owned())),
        Needed::ParentPictures => (None, Worded::of("parent_pictures", parent_words(facts))),
        Needed::AnyRun => {
            let text = "nothing was compared yet: let it run in the shadow, or compare the two \
                        models on recordings";
            (None, Worded::of("no_run", text.to_owned()))
        }
    };
    Worded { run: run.and_then(|run| id(facts, run)), ..worded }
}

fn coverage_words(facts: &EvidenceFacts, run: usize, Coverage { seen, of }: Coverage) -> String {
    let row = facts.runs.get(run);
    let but = match row.map(|row| row.source) {
        Some(Source::Live) => ", where no recordings show the claim",
        Some(Source::Corpus) | None => "",
    };
    format!(
        "in {} the shadow model saw {seen} of {of} pictures ({}); at least {} % are needed to \
         compare the two{but}",
        name(facts, run),
        percent(share(seen, of).unwrap_or(0.0)),
        Gate::default().coverage_min_percent
    )
}

/// What whoever approves should know.
pub(super) fn warning(facts: &EvidenceFacts, warning: &Warning) -> Worded {
    let (run, worded) = match *warning {
        Warning::Noisier { run, p } => {
            let alarms = facts.runs.get(run).map(|row| row.figures.false_alarms);
            let alarms = alarms.unwrap_or_default();
            let text = format!(
                "in {} it alarms for nothing more often than the active model: {} times where the \
                 active model was quiet, against {}; so much comes by chance with {}, for one look",
                name(facts, run),
                alarms.shadow_only,
                alarms.active_only,
                percent(p)
            );
            (run, Worded::of("noisier", text))
        }
        Warning::Missed { run, tally } => {
            let text = format!(
                "in {} it missed {} of {} incidents that were true or might have been",
                name(facts, run),
                tally.misses(),
                tally.of()
            );
            (run, Worded::of("missed", text))
        }
        Warning::Joins { run, cases } => {
            let text = format!(
                "in {} it made one incident of several {}: somebody who comes second is not told \
                 anew",
                name(facts, run),
                one_or_many(cases, "once", &format!("{cases} times"))
            );
            (run, Worded::of("joins", text))
        }
        Warning::Coverage { run, coverage } => {
            let text = format!(
                "in {} it saw {} of the pictures: recordings show what is claimed, and this site's own \
                 incidents only confirm it",
                name(facts, run),
                percent(share(coverage.seen, coverage.of).unwrap_or(0.0))
            );
            (run, Worded::of("coverage", text))
        }
    };
    Worded { run: id(facts, run), ..worded }
}

/// What is shown.
pub(super) fn claim(facts: &EvidenceFacts, shown: &Shown) -> String {
    format!(
        "with {} confidence it misses less than {}: {} of {} true incidents missed in {}, so at most {}",
        percent(shown.claim.confidence.get()),
        percent(shown.claim.miss_rate.get()),
        shown.tally.misses(),
        shown.tally.of(),
        name(facts, shown.run),
        percent_up(shown.at_most)
    )
}

/// What quantizing has cost.
pub(super) fn quantization(checked: &Checked) -> (&'static str, String) {
    let recall = |place: &Place| checked.zones.get(place).copied().unwrap_or_default();
    match &checked.outcome {
        Outcome::Accepted => {
            let lost = lost_points(checked).map_or_else(String::new, |lost| {
                format!(": in the worst zone {} of recall, and 0.5 may be lost", points(lost))
            });
            ("accepted", format!("the INT8 model sees what its FP32 parent saw{lost}"))
        }
        Outcome::Refused { zones } => {
            let lost: Vec<String> = zones.iter().map(|at| lost_in(at, recall(at))).collect();
            let text = format!(
                "the INT8 model loses more than 0.5 points of recall against its FP32 parent: {}",
                lost.join("; ")
            );
            ("refused", text)
        }
        Outcome::NotEnough { zones } if zones.is_empty() => {
            let text = "no picture of the clips has been looked at by both models";
            ("not_enough", text.to_owned())
        }
        Outcome::NotEnough { zones } => {
            let few = |at: &Place| format!("{} {}", in_zone(at), recall(at).demanded);
            let few: Vec<String> = zones.iter().map(few).collect();
            let text = format!(
                "half a point takes {LOST_ONE_IN} pictures with somebody inside in each zone; there \
                 are {}",
                few.join(", ")
            );
            ("not_enough", text)
        }
    }
}

/// Nobody knows what quantizing has cost, or only of a file that is not run here.
const UNCHECKED: &str = "it is quantized (INT8), and nobody has held the file of it that this box runs \
                         against its FP32 parent: do so with `standclear model check-quantization --keep`, \
                         and give the box what that writes with `standclear model evidence --into-box`";

fn not_compared(name: &str, left_out: usize, told: usize) -> Worded {
    let text = format!(
        "in {name} {left_out} of {told} incidents that the active model told are not compared, since the \
         shadow model was not given enough of their pictures; with more than {} % what is compared may \
         be the quiet ones: give it more time",
        Gate::default().left_out_max_percent
    );
    Worded::of("left_out", text)
}

fn parent_words(facts: &EvidenceFacts) -> String {
    facts.quantization.as_ref().map(|it| quantization(&it.checked).1).unwrap_or_default()
}

/// Points of recall lost in the worst zone.
pub(super) fn lost_points(checked: &Checked) -> Option<f64> {
    checked.zones.values().filter_map(Recall::lost_points).reduce(f64::max)
}

/// What might be done with a camera's threshold; nobody is told to do it.
pub(in crate::web) fn threshold(
    now: Option<f32>,
    proposal: Option<&Proposal>,
    wish: Wish,
) -> String {
    let wished = format!(
        "loses less than {} of true incidents with {} confidence",
        percent(wish.miss_rate.get()),
        percent(wish.confidence.get())
    );
    match proposal {
        None => "nobody has said of any incident of this camera whether it was true".to_owned(),
        Some(Proposal::NotEnough { have, needed: Some(needed) }) => format!(
            "{needed} true incidents are needed for a threshold that {wished}; {}: {} more",
            there(*have),
            needed.saturating_sub(*have)
        ),
        Some(Proposal::NotEnough { have, needed: None }) => format!(
            "more than a million true incidents would be needed for a threshold that {wished}; {}",
            there(*have)
        ),
        Some(Proposal::Threshold(found)) => {
            let score = found.score.get();
            let from = match now {
                Some(now) if score > now => format!("{score:.2} instead of {now:.2}"),
                Some(now) if score < now => format!("{score:.2}, below the {now:.2} of now,"),
                Some(_) => format!("the {score:.2} of now"),
                None => format!("{score:.2}"),
            };
            format!(
                "{from} would have lost {} of {} true incidents (at most {} with {} confidence) and \
                 spared {} of {} false ones",
                found.lost.misses(),
                found.lost.of(),
                percent_up(at_most_lost(found.lost, wish)),
                percent(wish.confidence.get()),
                found.spared,
                found.false_incidents
            )
        }
    }
}

/// The largest share of true incidents that a threshold may still lose.
pub(in crate::web) fn at_most_lost(lost: Tally, wish: Wish) -> f64 {
    let look = Look::Once { incidents: lost.of() };
    Claim { miss_rate: wish.miss_rate, confidence: wish.confidence, look }.at_most(lost)
}

fn labels(name: &str, cases: Vec<u64>) -> Worded {
    let text = format!(
        "somebody has to say of {} {} in {name} whether somebody was inside",
        cases.len(),
        one_or_many(cases.len(), "case", "cases")
    );
    Worded { more: Some(cases.len()), cases, ..Worded::of("labels", text) }
}

/// How many incidents a claim takes, how many there are, and how many that leaves.
fn incidents(facts: &EvidenceFacts, run: usize, more: Option<usize>) -> Worded {
    let tally = facts.runs.get(run).map_or(Tally::EMPTY, |row| row.figures.counted);
    let claim = format!(
        "to claim a miss rate below {} with {} confidence",
        percent(facts.claim.miss_rate.get()),
        percent(facts.claim.confidence.get())
    );
    let name = name(facts, run);
    let (have, misses) = (tally.of(), tally.misses());
    let text = match more {
        Some(more) => {
            let without = match misses {
                0 => "without a miss".to_owned(),
                many => format!("with no miss but the {many} there {}", is_or_are(many)),
            };
            format!(
                "{} true incidents {without} are needed {claim}; {} in {name}: {more} more",
                have + more,
                there(have)
            )
        }
        None => format!(
            "no number of incidents that this site will see is enough {claim}: {misses} of {have} \
             were missed in {name}"
        ),
    };
    Worded { more, ..Worded::of("incidents", text) }
}

fn together(facts: &EvidenceFacts, source: Source, tally: Tally) -> Worded {
    let of = match source {
        Source::Live => "on this site",
        Source::Corpus => "on recordings",
    };
    let text = format!(
        "one of several runs {of} shows that {}, all of them together do not: {} of {} true \
         incidents missed",
        claimed(&facts.claim),
        tally.misses(),
        tally.of()
    );
    Worded::of("together", text)
}

fn claimed(claim: &Claim) -> String {
    let (miss_rate, confidence) = (claim.miss_rate.get(), claim.confidence.get());
    format!("it misses less than {} ({} confidence)", percent(miss_rate), percent(confidence))
}

fn lost_in(at: &Place, recall: Recall) -> String {
    let lost = recall.lost_points().map(points).unwrap_or_default();
    format!(
        "{} {} of {} pictures instead of {} ({lost})",
        in_zone(at),
        recall.quantized_found,
        recall.demanded,
        recall.parent_found
    )
}

fn in_zone(at: &Place) -> String {
    format!("in {} of {}", at.zone, at.camera)
}

fn row(facts: &EvidenceFacts, run: usize) -> Option<&RunRow> {
    facts.runs.get(run)
}

fn id(facts: &EvidenceFacts, run: usize) -> Option<u64> {
    row(facts, run).map(|row| row.id)
}

fn name(facts: &EvidenceFacts, run: usize) -> String {
    match row(facts, run) {
        Some(row) => format!("run {} ({})", row.id, row.name),
        None => "a run".to_owned(),
    }
}

fn there(have: usize) -> String {
    format!("{have} {} there", is_or_are(have))
}

fn is_or_are(count: usize) -> &'static str {
    one_or_many(count, "is", "are")
}

fn one_or_many<'t>(count: usize, one: &'t str, many: &'t str) -> &'t str {
    if count == 1 { one } else { many }
}

fn seconds(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}

fn points(lost: f64) -> String {
    format!("{lost:.2} points")
}

/// Of two counts; `None` where there was nothing.
pub(super) fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// A share, to a hundredth of a percent.
fn percent(share: f64) -> String {
    hundredths((share * 10_000.0).round())
}

/// A bound, never shown as less than it is.
fn percent_up(share: f64) -> String {
    // What binary numbers add to a decimal one is no hundredth more.
    hundredths((share * 10_000.0 - 1e-6).ceil())
}

fn hundredths(count: f64) -> String {
    let text = format!("{:.2}", count / 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// What a query may ask for; 5 % confidence or 99.999 % missed would be no claim.
pub(super) fn probability(
    text: &str,
    range: &std::ops::RangeInclusive<f64>,
) -> Option<Probability> {
    let value: f64 = text.parse().ok()?;
    range.contains(&value).then(|| Probability::new(value)).flatten()
}

#[cfg(test)]
mod tests;
