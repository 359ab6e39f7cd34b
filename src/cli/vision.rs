//! `standclear vision`: the vision process. Started by the guard, which hands it one end of a
//! socket pair as standard input; of no use by hand, and it says so.

use std::io;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use rustix::fs::FileType;

use crate::vision::worker;

/// Exit code for a start by hand, as for wrong arguments.
const EXIT_USAGE: u8 = 2;

/// Run the vision process (started by the guard).
#[derive(Clone, Debug, clap::Args)]
pub struct Args {}

/// Serves the guard. Exit codes: 0 told to stop or guard gone, 1 cannot go on, 2 started by hand.
pub fn run(_args: Args) -> ExitCode {
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
    match worker::serve(link) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", crate::telemetry::chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// `None` when standard input is not a socket.
fn link_from_stdin() -> io::Result<Option<UnixStream>> {
    let stdin = rustix::stdio::stdin();
    let kind = FileType::from_raw_mode(rustix::fs::fstat(stdin)?.st_mode);
    if kind != FileType::Socket {
        return Ok(None);
    }
    Ok(Some(UnixStream::from(stdin.try_clone_to_owned()?)))
}
