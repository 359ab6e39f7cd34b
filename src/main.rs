//! Arguments → configuration → run → exit code. Everything else is in the library.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use standclear::cli::{self, Arguments};

fn main() -> ExitCode {
    cli::main(Arguments::parse())
}
