//! `standclear run`: guards until told to stop.
//!
//! SIGINT (Ctrl-C) and SIGTERM end it cleanly: vision process, alarm path, siren, store. A second
//! one ends it at once; what is in the store stays in the store.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process;
use std::thread;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Config, SirenDevice};
use crate::guard::app::{Guard, Parts};
use crate::telemetry;

/// Exit status when a second signal ends it at once: as a shell reports SIGINT.
const EXIT_AT_ONCE: i32 = 130;

/// Guard the zones of a site.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
    /// Run without sounding anything: a fault that stays visible.
    #[arg(long)]
    no_siren: bool,
}

/// The signals cannot be listened to.
#[derive(Debug, thiserror::Error)]
#[error("signals cannot be received")]
struct SignalError(#[source] io::Error);

/// Guards until SIGINT or SIGTERM.
pub fn run(args: Args) -> Result<(), Box<dyn Error>> {
    telemetry::start("guard");
    let mut config = Config::load(&args.config)?;
    if args.no_siren {
        config.siren.device = SirenDevice::None;
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(SignalError)?;
    // Before anything starts, so that a stop during the start is heard.
    let mut stops = runtime.block_on(async { Stops::new() }).map_err(SignalError)?;
    let parts = Parts::of(&config)?;
    let guard = Guard::start(&config, parts)?;
    announce(&config, &guard);
    runtime.block_on(stops.next());
    eprintln!("Stopping. Nobody is watching from now on.");
    let (done, stopped) = tokio::sync::oneshot::channel();
    let stopper = thread::Builder::new().name("stopper".into()).spawn(move || {
        guard.stop();
        // The other end waits, unless a second signal ended the process.
        let _ = done.send(());
    })?;
    runtime.block_on(async {
        tokio::select! {
            _ = stopped => {}
            () = stops.next() => process::exit(EXIT_AT_ONCE),
        }
    });
    if stopper.join().is_err() {
        return Err("the guard did not stop cleanly".into());
    }
    Ok(())
}

fn announce(config: &Config, guard: &Guard) {
    let cameras = config.cameras.len();
    let plural = if cameras == 1 { "" } else { "s" };
    println!("{}: {cameras} camera{plural}, model {}", config.site.name, config.model.name);
    println!("Operator page:  http://{}/", guard.address());
    println!("Incidents in:   {}", config.store.path.display());
    println!("Every zone is UNKNOWN until its camera is seen; that takes a few seconds.");
    println!("Ctrl-C stops.");
}

/// SIGINT and SIGTERM.
struct Stops {
    interrupt: Signal,
    terminate: Signal,
}

impl Stops {
    fn new() -> io::Result<Stops> {
        Ok(Stops {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
