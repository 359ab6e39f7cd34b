//! `standclear model try`: loads a model that nobody knows yet, shows it its golden pictures and times
//! it. Started by the box when a package comes in; prints one line of JSON.
//!
//! Memory and processor time are limited before anything of the model is read: a hostile one ends this
//! process and nothing else. The box sets further bounds from outside.
//!
//! Its standard input is the box's hold on it: when that ends, the box is gone, and so is this.

use std::error::Error;
use std::io::{self, Read};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process;
use std::thread;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use super::super::output::to_stdout;
use crate::guard::models::trying::Report;
use crate::vision::inference::{GoldenCheck, Options, Provider};
use crate::vision::proof::{Proof, prove};

/// Address space for a model on the processor: the largest package four times over, and the libraries.
/// A graphics processor's library maps much more than it uses, so there it is not limited; what it
/// writes to is, from outside.
const MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Processor time, seconds, over all threads.
const CPU_S_MAX: u64 = 240;

/// Exit code where whoever started it is gone.
const EXIT_ALONE: i32 = 3;

/// How much less urgent than everything else (`nice`).
const NICENESS: i32 = 15;

/// See the module.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Folder of the package.
    folder: PathBuf,
    #[arg(long, default_value = "cpu")]
    provider: String,
    #[arg(long, default_value = "1")]
    threads: NonZeroU16,
    #[arg(long, value_name = "PX")]
    long_side: Option<u32>,
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let provider: Provider = args.provider.parse()?;
    limit(provider)?;
    end_with_the_box()?;
    let (threads, long_side_px) = (args.threads, args.long_side);
    let options = Options { threads, long_side_px, provider, golden: GoldenCheck::Run };
    let report = match prove(&args.folder, &options) {
        Proof::NotLoadable { why } => Report::NotLoadable { why },
        Proof::GoldenFailed { why } => Report::GoldenFailed { why },
        Proof::Right { p99_ms, pictures } => Report::Right { p99_ms, pictures },
    };
    let line = serde_json::to_string(&report)?;
    to_stdout(|out| writeln!(out, "{line}"))?;
    Ok(())
}

/// Nobody would hear what came of it.
fn end_with_the_box() -> io::Result<()> {
    let wait = || {
        let mut ignored = [0; 64];
        while matches!(io::stdin().read(&mut ignored), Ok(1..)) {}
        process::exit(EXIT_ALONE);
    };
    thread::Builder::new().name("hold".into()).spawn(wait)?;
    Ok(())
}

fn limit(provider: Provider) -> io::Result<()> {
    // Without it this process merely competes.
    let _ = nice(NICENESS);
    let at_most = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Cpu, at_most(CPU_S_MAX))?;
    setrlimit(Resource::Core, at_most(0))?;
    if matches!(provider, Provider::Cpu | Provider::Xnnpack) {
        setrlimit(Resource::As, at_most(MEMORY_BYTES_MAX))?;
    }
    Ok(())
}
