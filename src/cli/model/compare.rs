//! `standclear model compare`: two models over the same recordings, through the real engine, and what
//! the gate makes of the difference.
//!
//! Recordings decide whether a model may guard; the site's own cameras confirm it. So what is printed
//! is what the gate says of the recordings by themselves, and that more is needed.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use super::super::output::{self, to_stdout};
use super::Refused;
use super::claim::ClaimArgs;
use super::judged::Judged;
use super::kept;
use super::print;
use super::recordings::{self, LookArgs, Recording, Watched};
use super::side::BoxArgs;
use super::words;
use crate::gate::agreement::Agreement;
use crate::gate::corpus::{self, CorpusCase};
use crate::gate::pairs::Incident;
use crate::gate::verdict::{Coverage, Evidence, Run};

/// See the module.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The model that guards: a folder, a name, a package file, or a slot (`shipped`, `sha256-…`).
    active: String,
    /// The model that might guard.
    shadow: String,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    claim: ClaimArgs,
    #[command(flatten)]
    of_box: BoxArgs,
    /// Write what came out as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep the run as evidence, in a file that `standclear model evidence` reads.
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
}

/// One recording, compared.
#[derive(Debug)]
pub struct Compared {
    pub name: String,
    pub has_truth: bool,
    pub seconds: f64,
    pub coverage: Coverage,
    pub agreement: Agreement,
    /// Time in them counts from the first recording's start.
    pub offset: Duration,
    pub cases: Vec<CorpusCase>,
}

/// All of it together.
#[derive(Debug)]
pub struct Comparison {
    pub recordings: Vec<Compared>,
    pub cases: Vec<CorpusCase>,
    pub run: Run,
    pub agreement: Agreement,
    pub active_ms: Latency,
    pub shadow_ms: Latency,
}

/// How long one inference took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    pub p50: f64,
    pub p99: f64,
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    output::check(&[args.json.as_deref(), args.keep.as_deref()], &[])?;
    let recordings = recordings::open(&args.look)?;
    let active = args.of_box.open(&args.active)?;
    let shadow = args.of_box.open(&args.shadow)?;
    let (by_active, active_detector) = recordings::watch(&active, &recordings, &args.look)?;
    let (by_shadow, shadow_detector) = recordings::watch(&shadow, &recordings, &args.look)?;
    let compared = compare(&recordings, &by_active, &by_shadow);
    let evidence = Evidence { runs: vec![compared.run.clone()], ..Evidence::default() };
    let judged = Judged::of(&evidence, args.claim.claim());
    let sides = [(&active, &active_detector), (&shadow, &shadow_detector)];
    let sides = sides.map(|(side, detector)| kept::model(side, detector));
    let kept = kept::file(sides, &recordings, &compared, &args.look);
    to_stdout(|out| print::comparison(out, &kept, &compared))?;
    to_stdout(|out| words::judged(out, &evidence, &judged))?;
    let mut files = Vec::new();
    let json = print::json(&kept, &compared, &evidence, &judged)?;
    let kept = kept.text()?;
    files.extend(args.json.as_deref().map(|file| (file, json.as_slice())));
    files.extend(args.keep.as_deref().map(|file| (file, kept.as_slice())));
    output::write_all(&files)?;
    if judged.is_refused() { Err(Refused::ByGate.into()) } else { Ok(()) }
}

/// Everything that is compared, from what both models made of the recordings.
pub fn compare(
    recordings: &[Recording],
    by_active: &[Watched],
    by_shadow: &[Watched],
) -> Comparison {
    let mut offset = Duration::ZERO;
    let mut compared = Vec::new();
    let (mut all, mut agreement) = (Vec::new(), Agreement::default());
    for ((recording, active), shadow) in recordings.iter().zip(by_active).zip(by_shadow) {
        let one = compare_one(recording, active, shadow, offset);
        offset += active.summary.end.max(shadow.summary.end);
        all.extend(one.cases.iter().cloned());
        agreement.add(&one.agreement);
        compared.push(one);
    }
    let coverage = compared.iter().fold(Coverage { seen: 0, of: 0 }, |sum, one| Coverage {
        seen: sum.seen + one.coverage.seen,
        of: sum.of + one.coverage.of,
    });
    let run = corpus::run(&all, coverage);
    let latency = |watched: &[Watched]| {
        Latency::of(watched.iter().flat_map(|one| one.inference_ms.iter().copied()).collect())
    };
    Comparison {
        recordings: compared,
        cases: all,
        run,
        agreement,
        active_ms: latency(by_active),
        shadow_ms: latency(by_shadow),
    }
}

fn compare_one(
    recording: &Recording,
    active: &Watched,
    shadow: &Watched,
    offset: Duration,
) -> Compared {
    let incidents = [active, shadow].map(|one| recording.incidents(&one.events, offset));
    let presences = recording.presences(&active.summary, offset);
    let judged: Vec<String> = recording.judged().into_iter().map(|(_, zone, _)| zone).collect();
    // The truth cannot say whether a line was crossed, or too many were there.
    let parted = incidents.map(|all| -> (Vec<Incident>, Vec<Incident>) {
        all.into_iter().partition(|one| judged.contains(&one.place.zone))
    });
    let [(active_judged, active_else), (shadow_judged, shadow_else)] = &parted;
    let truth = presences.as_deref();
    let mut cases =
        corpus::cases(&corpus::Recording { active: active_judged, shadow: shadow_judged, truth });
    let unjudged = corpus::Recording { active: active_else, shadow: shadow_else, truth: None };
    cases.extend(corpus::cases(&unjudged));
    cases.sort_by_key(|case| case.case.at);
    let (coverage, agreement) = pictures(active, shadow);
    Compared {
        name: recording.name.clone(),
        has_truth: recording.truth.is_some(),
        seconds: active.summary.end.as_secs_f64(),
        coverage,
        agreement,
        offset,
        cases,
    }
}

/// Both lists are by number of the picture.
fn pictures(active: &Watched, shadow: &Watched) -> (Coverage, Agreement) {
    let mut agreement = Agreement::default();
    let mut others = shadow.pictures.iter().peekable();
    for one in &active.pictures {
        while others.next_if(|other| other.index < one.index).is_some() {}
        if let Some(other) = others.next_if(|other| other.index == one.index) {
            agreement.picture(&one.detections, &other.detections);
        }
    }
    (Coverage { seen: agreement.pictures, of: active.pictures.len() as u64 }, agreement)
}

impl Latency {
    fn of(mut all_ms: Vec<f64>) -> Latency {
        all_ms.sort_by(f64::total_cmp);
        let rank = |share: f64| (share * all_ms.len() as f64).ceil().max(1.0) as usize - 1;
        let at = |share| all_ms.get(rank(share)).copied().unwrap_or(0.0);
        Latency { p50: at(0.5), p99: at(0.99) }
    }
}
