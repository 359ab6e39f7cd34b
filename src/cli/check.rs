//! `standclear check`: whether everything the box remembers is what it wrote.
//!
//! Reads only; the box may run meanwhile. Ends with an error when an invariant does not hold.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::config::Config;
use crate::model_store;
use crate::store::check::{Finding, SHOWN_MAX, check};

/// Check that everything the box remembers is what it wrote.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
    /// The folder of a store, instead of the configuration's.
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    store: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
#[error(
    "{broken} of {all} invariants do not hold in {store}: keep a copy of the folder before anything \
     else, then look at the records named above",
    store = .store.display()
)]
struct Broken {
    broken: usize,
    all: usize,
    store: PathBuf,
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let store = match &args.store {
        Some(folder) => folder.clone(),
        None => Config::load(&args.config)?.store.path,
    };
    let mut findings = check(&store)?;
    findings.extend(model_store::check::check(&store).into_iter().map(of_models));
    let mut out = io::stdout().lock();
    for finding in &findings {
        print(&mut out, finding)?;
    }
    let broken = findings.iter().filter(|finding| finding.is_broken()).count();
    if broken > 0 {
        return Err(Broken { broken, all: findings.len(), store }.into());
    }
    writeln!(out, "The store {} is whole: {} invariants hold.", store.display(), findings.len())?;
    Ok(())
}

fn of_models(finding: model_store::check::Finding) -> Finding {
    let model_store::check::Finding { holds, mut broken } = finding;
    let count = broken.len();
    broken.truncate(SHOWN_MAX);
    Finding { holds, broken, count }
}

fn print(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    if !finding.is_broken() {
        return writeln!(out, "ok      {}", finding.holds);
    }
    writeln!(out, "BROKEN  {}", finding.holds)?;
    for line in &finding.broken {
        writeln!(out, "          {line}")?;
    }
    let more = finding.count.saturating_sub(SHOWN_MAX);
    if more > 0 {
        writeln!(out, "          and {more} more")?;
    }
    Ok(())
}
