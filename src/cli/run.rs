//! `standclear run`: guards until told to stop.
//!
//! SIGINT (Ctrl-C) and SIGTERM end it cleanly: vision process, alarm path, siren, store. A second
//! one ends it at once, and so does a stop that takes longer than `STOP_MAX`; what is in the store
//! stays in the store.
//!
//! Nothing here waits for, or fails because of, a terminal: who closed it still wants to be guarded.

use std::error::Error;
use std::io::{self, Write};
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::process;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Config, SirenDevice};
use crate::guard::app::{END_MAX, Guard, Parts};
use crate::telemetry;
use crate::web::Encryption;
use crate::web::tls::LOOPBACK_NAMES;

/// Exit status when a second signal ends it at once: as a shell reports SIGINT.
const EXIT_AT_ONCE: i32 = 130;

/// Longest orderly stop: clips 3 s, vision process 2 s, store and painter while they get on. A guard
/// that neither guards nor ends cannot be started again.
const STOP_MAX: Duration = Duration::from_secs(10);

// What hangs is left behind before, and the log says what it was.
const _: () = assert!(END_MAX.as_secs() < STOP_MAX.as_secs());

/// Exit status when the stop took longer than that: as `timeout` reports it.
const EXIT_HUNG: i32 = 124;

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
    announce(announcement(&config, &guard))?;
    runtime.block_on(stops.next());
    telemetry::say("Stopping. Nobody is watching from now on.");
    let (done, stopped) = tokio::sync::oneshot::channel();
    let stopper = thread::Builder::new().name("stopper".into()).spawn(move || {
        guard.stop();
        // The other end waits, unless a second signal ended the process.
        let _ = done.send(());
    })?;
    runtime.block_on(async {
        tokio::select! {
            _ = stopped => {}
            () = stops.next() => exit(EXIT_AT_ONCE),
            () = tokio::time::sleep(STOP_MAX) => {
                telemetry::say("The guard does not stop; it is ended.");
                exit(EXIT_HUNG)
            }
        }
    });
    if stopper.join().is_err() {
        return Err("the guard did not stop cleanly".into());
    }
    Ok(())
}

fn exit(status: i32) -> ! {
    telemetry::flush(telemetry::FLUSH_MAX);
    process::exit(status)
}

/// Prints on a thread of its own: a full pipe that nobody reads takes nothing, for ever.
fn announce(text: String) -> io::Result<()> {
    // A standard output that cannot be written changes nothing about guarding.
    let print = move || drop(io::stdout().write_all(text.as_bytes()));
    thread::Builder::new().name("announce".into()).spawn(print).map(drop)
}

fn announcement(config: &Config, guard: &Guard) -> String {
    let cameras = config.cameras.len();
    let plural = if cameras == 1 { "" } else { "s" };
    format!(
        "{site}: {cameras} camera{plural}, model {model}\n\
         Operator page:  {page}\n\
         Incidents in:   {store}\n\
         {first_steps}\
         Every zone is UNKNOWN until its camera is seen; that takes a few seconds.\n\
         Ctrl-C stops.\n",
        site = config.site.name,
        model = config.model.name,
        page = page(guard),
        store = config.store.path.display(),
        first_steps = first_steps(guard),
    )
}

/// Where the page is: all addresses people may type, the best first.
fn page(guard: &Guard) -> String {
    let address = guard.address();
    let settings = guard.web_settings();
    match &settings.encryption {
        Encryption::Plain => format!("http://{address}/"),
        Encryption::Tls(_) => {
            let port = address.port();
            let url = |name: &String| match name.parse::<Ipv6Addr>() {
                Ok(address) => format!("https://[{address}]:{port}/"),
                Err(_) => format!("https://{name}:{port}/"),
            };
            // What others can type, where others can come.
            let outside = |name: &&String| {
                address.ip().is_loopback() || !LOOPBACK_NAMES.contains(&name.as_str())
            };
            let pages: Vec<String> = settings.names.iter().filter(outside).map(url).collect();
            pages.join("\n                ")
        }
    }
}

/// What a new box wants of its user.
fn first_steps(guard: &Guard) -> String {
    let mut text = String::new();
    if let Encryption::Tls(tls) = &guard.web_settings().encryption
        && let Some(fingerprint) = tls.fingerprint()
    {
        text += &format!(
            "Encrypted by:   this box's own authority; install /ca.crt of the page once on each \
             device\n                SHA-256 {fingerprint}\n"
        );
    }
    if let Some(code) = guard.setup_code() {
        text += &format!(
            "Set-up code:    {code}\n                \
             Nobody can sign in yet: open the page and make the first admin with this code.\n"
        );
    }
    text
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
