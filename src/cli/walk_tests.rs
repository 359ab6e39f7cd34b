//! `standclear walk-tests`: the walk tests of a box, also while it runs.
//!
//! Not here: doing one (the page), and what a report says (`web::walk::report`).

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::output::{self, to_stdout};
use crate::config::Config;
use crate::guard::handle::WalkFacts;
use crate::guard::walk::report_of;
use crate::store::walk::{EdgeState, WalkReader, WalkTest};
use crate::web::walk::report;

/// Walk tests: list them, and write a report.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List walk tests, newest first.
    List(ListArgs),
    /// Write the report of a walk test: one HTML page that prints.
    Report(ReportArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// Only of this zone.
    #[arg(long, value_name = "ID")]
    zone: Option<String>,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub struct ReportArgs {
    /// Number of the walk test.
    id: u64,
    /// Where to write it; standard output unless told.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Debug, thiserror::Error)]
#[error("there is no walk test {id}; `standclear walk-tests list` names those there are")]
struct NoTest {
    id: u64,
}

/// Runs the command.
pub fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::List(args) => list(args),
        Command::Report(args) => write_report(args),
    }
}

fn list(args: &ListArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let reader = WalkReader::open(&config.store.path)?;
    let tests = reader.walk_tests(args.zone.as_deref())?;
    let zone = TimeZone::get(&config.site.time_zone).unwrap_or(TimeZone::UTC);
    to_stdout(|out| {
        if tests.is_empty() {
            return writeln!(out, "No walk test yet.");
        }
        tests.iter().try_for_each(|test| print(out, test, &zone))
    })?;
    Ok(())
}

fn print(out: &mut dyn Write, test: &WalkTest, zone: &TimeZone) -> io::Result<()> {
    let at = test.started.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let passed = test.edges.iter().filter(|edge| edge.state() == EdgeState::Pass).count();
    let slowest = test.edges.iter().filter_map(|edge| edge.attempts.last()?.time_ms).max();
    let slowest = slowest.map_or(String::new(), |ms| format!(", slowest {ms} ms"));
    let state = if WalkFacts::of(test).leaves_siren_unproved(test) {
        "passed, siren not proved"
    } else {
        test.state.name()
    };
    writeln!(
        out,
        "{:>5}  {at}  {:<24}  {}: {passed} of {} edges pass{slowest}, by {}",
        test.id,
        state,
        test.zone,
        test.edges.len(),
        test.tester
    )
}

fn write_report(args: &ReportArgs) -> Result<(), Box<dyn Error>> {
    let out: Option<&Path> = args.out.as_deref();
    output::check(&[out], &[&args.config])?;
    let config = Config::load(&args.config)?;
    let reader = WalkReader::open(&config.store.path)?;
    let found = report_of(&reader, args.id, config.privacy)?.ok_or(NoTest { id: args.id })?;
    let page = report::page(&found);
    match out {
        Some(file) => output::write_all(&[(file, page.as_bytes())])?,
        None => to_stdout(|out| out.write_all(page.as_bytes()))?,
    }
    Ok(())
}
