//! `standclear vision`: the vision process. Started by the guard, which hands it one end of a
//! socket pair as standard input; of no use by hand, and it says so.
//!
//! Standard output is a socket as well: for the active process where the guard hands over the ends that
//! shadow processes read from, for a shadow process where its pictures come from.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use rustix::fs::FileType;

use crate::telemetry::chain;
use crate::vision::{shadow, worker};

/// Exit code for a start by hand, as for wrong arguments.
const EXIT_USAGE: u8 = 2;

/// Run the vision process (started by the guard).
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Look at what the active process gives it, at the lowest priority; nobody hears it.
    #[arg(long)]
    shadow: bool,
}

/// Serves the guard. Exit codes: 0 told to stop or guard gone, 1 cannot go on, 2 started by hand.
pub fn run(args: &Args) -> ExitCode {
    let link = match link_from_stdin() {
        Ok(Some(link)) => link,
        Ok(None) => {
            eprintln!(
                "error: `standclear vision` is started by the guard, not by hand: its standard \
                 input must be the socket to it; use `standclear run` or `standclear demo`"
            );
            return ExitCode::from(EXIT_USAGE);
        }
        Err(error) => {
            eprintln!("error: the socket to the guard cannot be used: {error}");
            return ExitCode::FAILURE;
        }
    };
    let feed = match feed_from_stdout() {
        Ok(feed) => feed,
        Err(error) => {
            eprintln!("error: the socket for pictures cannot be used: {error}");
            return ExitCode::FAILURE;
        }
    };
    let served = match (args.shadow, feed) {
        (false, feed) => worker::serve_feeding(link, feed).map_err(|error| chain(&error)),
        (true, Some(feed)) => shadow::serve(link, feed).map_err(|error| chain(&error)),
        (true, None) => Err("a shadow process gets its pictures through standard output".into()),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `None` when standard input is not a socket.
fn link_from_stdin() -> io::Result<Option<UnixStream>> {
    socket(rustix::stdio::stdin())
}

/// `None` when standard output is not a socket. What a library prints would else be taken for a message,
/// so it goes nowhere from here on.
fn feed_from_stdout() -> io::Result<Option<UnixStream>> {
    let socket = socket(rustix::stdio::stdout())?;
    if socket.is_some() {
        rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    }
    Ok(socket)
}

fn socket(of: BorrowedFd<'_>) -> io::Result<Option<UnixStream>> {
    let kind = FileType::from_raw_mode(rustix::fs::fstat(of)?.st_mode);
    Ok(match kind {
        FileType::Socket => Some(UnixStream::from(of.try_clone_to_owned()?)),
        _ => None,
    })
}
