//! The command line: one file per subcommand, arguments in, exit code out.
//!
//! An error is printed once, here, as a chain: what could not be done, then because of what.
//! Everything that needs GStreamer or ONNX Runtime is absent from a build without `vision`.

pub mod alarms;
pub mod audit;
#[cfg(feature = "vision")]
pub mod bench;
pub mod channels;
pub mod check;
#[cfg(feature = "vision")]
pub mod detect;
pub mod doctor;
#[cfg(feature = "vision")]
pub mod evaluate;
pub mod examples;
#[cfg(feature = "vision")]
pub mod footage;
pub mod handhelds;
#[cfg(feature = "vision")]
pub mod integrity;
pub mod model;
pub mod output;
#[cfg(feature = "vision")]
pub mod replay;
pub mod run;
pub mod siren;
pub mod users;
#[cfg(feature = "vision")]
pub mod vision;
pub mod walk_tests;
pub mod zones;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Watches restricted zones: camera to siren in under two seconds, on the box, without the internet.
///
/// A supplementary warning system. It is not protective equipment (IEC 61496) and replaces none.
#[derive(Debug, Parser)]
#[command(name = "standclear", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Guard the zones: cameras, siren, incidents and the operator page.
    Run(run::Args),
    /// Check everything that guarding needs, and say what to do about what is missing.
    Doctor(doctor::Args),
    /// Check that everything the box remembers is what it wrote.
    Check(check::Args),
    /// The siren: sound it by hand.
    #[command(subcommand)]
    Siren(siren::Command),
    /// Alarms: what is open and kept quiet, and how well they serve.
    #[command(subcommand)]
    Alarms(alarms::Command),
    /// The audit log: whether it is whole, and what is in it.
    #[command(subcommand)]
    Audit(audit::Command),
    /// People, when nobody can sign in any more.
    #[command(subcommand)]
    Users(users::Command),
    /// Handhelds, on a box that is stopped: list, pair, revoke.
    #[command(subcommand)]
    Handhelds(handhelds::Command),
    /// Zone documents and versions: check, export, import, look back.
    Zones(zones::Args),
    /// Walk tests: list them, and write a report.
    #[command(subcommand)]
    WalkTests(walk_tests::Command),
    /// Channels to others: what waits, what was delivered, what was lost.
    Channels(channels::Args),
    /// Examples: what the box keeps to learn from, labels, and thresholds to propose.
    #[command(subcommand)]
    Examples(examples::Command),
    /// Models: make, sign and verify packages, and the way of one until it guards.
    #[command(subcommand)]
    Model(model::Command),
    #[cfg(feature = "vision")]
    Replay(replay::Args),
    #[cfg(feature = "vision")]
    Evaluate(evaluate::Args),
    #[cfg(feature = "vision")]
    Detect(detect::Args),
    #[cfg(feature = "vision")]
    Bench(bench::Args),
    #[cfg(feature = "vision")]
    Integrity(integrity::Args),
    #[cfg(feature = "vision")]
    #[command(hide = true)]
    Vision(vision::Args),
}

/// Runs the command.
pub fn main(arguments: Arguments) -> ExitCode {
    let outcome = match arguments.command {
        Command::Run(args) => run::run(args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Siren(command) => siren::run(&command),
        Command::Alarms(command) => alarms::run(&command),
        Command::Audit(command) => audit::run(&command),
        Command::Users(command) => users::run(&command),
        Command::Handhelds(command) => handhelds::run(&command),
        Command::Zones(args) => zones::run(args),
        Command::WalkTests(command) => walk_tests::run(&command),
        Command::Channels(args) => channels::run(&args),
        Command::Examples(command) => examples::run(&command),
        Command::Model(command) => model::run(&command),
        #[cfg(feature = "vision")]
        Command::Replay(args) => replay::run(args),
        #[cfg(feature = "vision")]
        Command::Evaluate(args) => evaluate::run(args),
        #[cfg(feature = "vision")]
        Command::Detect(args) => detect::run(args),
        #[cfg(feature = "vision")]
        Command::Bench(args) => bench::run(args),
        #[cfg(feature = "vision")]
        Command::Integrity(args) => integrity::run(args),
        #[cfg(feature = "vision")]
        Command::Vision(args) => {
            crate::telemetry::start("vision");
            return vision::run(&args);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_chain(error.as_ref());
            match error.downcast_ref::<model::Refused>() {
                Some(_) => ExitCode::from(model::Refused::EXIT_CODE),
                None => ExitCode::FAILURE,
            }
        }
    }
}

fn print_chain(error: &dyn Error) {
    // Nobody is left to tell when this cannot be written; the exit code still says it.
    let mut sink = std::io::stderr().lock();
    let _ = writeln!(sink, "error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = writeln!(sink, "  because: {cause}");
        source = cause.source();
    }
}
