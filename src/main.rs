//! Arguments → configuration → run → exit code. Everything else is in the library.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use standclear::cli::{self, Arguments};
use standclear::telemetry;

fn main() -> ExitCode {
    let code = cli::main(Arguments::parse());
    telemetry::flush(telemetry::FLUSH_MAX);
    code
}
