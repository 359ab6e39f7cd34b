//! `standclear model install|list|shadow|promote|rollback|discard|history`: the way of a model, from the
//! command line.
//!
//! A box that runs is asked over its API, with a token that may (`--url`, `--token-file`); letting a model
//! guard takes a person who signs in. At
//! a box that is stopped the same is done in its store, by whoever stands there; what needs cameras is
//! for a box that runs.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::super::output::to_stdout;
use super::remote;
use crate::clock;
use crate::config::Config;
use crate::guard::handle::Reason;
use crate::guard::handle::models::KeptEvidence;
use crate::guard::models::keeper::Ask;
use crate::guard::models::person::Who;
use crate::guard::models::recorded::{EvidenceError, FILE_BYTES_MAX};
use crate::guard::models::remote::Address;
use crate::guard::models::shown::{Facts, Shown};
use crate::guard::models::stopped::StoppedBox;
use crate::model_package::WallTime;
use crate::model_package::carried::open_file;
use crate::model_package::fetch::is_address;
use crate::rollout::slot::{Digest, Slot};
use crate::store::{FILE_NAME, in_use_by};

/// Whoever acts at the box itself.
const CONSOLE: &str = "console";

const NOT_STARTED: &str =
    "The box was never started: it has no models but what came with the program.";

/// Lines of history that are shown.
const HISTORY_DEFAULT: u32 = 50;

/// Which box.
#[derive(Clone, Debug, clap::Args)]
pub struct Where {
    /// The configuration of the box at which this is typed.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
    /// A box that runs: the address of its page.
    #[arg(long, value_name = "URL", requires = "token_file")]
    url: Option<String>,
    /// A file with a token of that box; an admin makes one on the page, under People.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The certificate of that box's own authority (`/ca.crt` of its page).
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Clone, Debug, clap::Args)]
pub struct InstallArgs {
    /// The package: a file, or an http or https address that the box fetches it from.
    #[arg(value_name = "FILE|ADDRESS")]
    file: PathBuf,
    /// The clock of this machine may be wrong: refuse nothing for its date.
    #[arg(long)]
    doubt_clock: bool,
    #[command(flatten)]
    at: Where,
}

#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    at: Where,
}

#[derive(Clone, Debug, clap::Args)]
pub struct OfModelArgs {
    /// The digest of the candidate; `standclear model list` has it.
    digest: Digest,
    #[command(flatten)]
    at: Where,
}

#[derive(Clone, Debug, clap::Args)]
pub struct PromoteArgs {
    /// The digest of the candidate.
    digest: Digest,
    /// The digest of the evidence that you looked at; the page shows it beside the evidence.
    #[arg(long)]
    evidence: String,
    /// The name of the model, typed once more.
    #[arg(long)]
    confirm: String,
    /// The box, which runs: the address of its page.
    #[arg(long, value_name = "URL", requires_all = ["user", "password_file"])]
    url: Option<String>,
    /// Who approves it: a person of that box, an engineer. No token approves anything.
    #[arg(long, value_name = "NAME", requires = "url")]
    user: Option<String>,
    /// A file with their password; `-` reads it from the standard input.
    #[arg(long, value_name = "FILE", requires = "url")]
    password_file: Option<PathBuf>,
    /// The certificate of that box's own authority (`/ca.crt` of its page).
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Clone, Debug, clap::Args)]
pub struct RollbackArgs {
    /// Why; it stands in the history and in the audit log.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    at: Where,
}

#[derive(Clone, Debug, clap::Args)]
pub struct DiscardArgs {
    /// The digest of the candidate.
    digest: Digest,
    /// Why; it stands in the history and in the audit log.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    at: Where,
}

#[derive(Clone, Debug, clap::Args)]
pub struct HistoryArgs {
    /// So many lines, the newest.
    #[arg(long, default_value_t = HISTORY_DEFAULT)]
    limit: u32,
    #[command(flatten)]
    at: Where,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(
        "this box runs ({holder}); ask it: --url with the address of its page and --token-file with \
         a token of an engineer, or stop it first"
    )]
    Runs { holder: String },
    #[error("{what} needs a box that runs: name it with --url and --token-file, or use the page")]
    NeedsRunning { what: &'static str },
    #[error(
        "a person lets a model guard, at a box that runs: use its page, or name the box and yourself with \
         --url, --user and --password-file"
    )]
    NeedsPerson,
    #[error("--url and --token-file go together")]
    HalfAddress,
    #[error(
        "it was done, and cannot be written into the history; look with `standclear model list`"
    )]
    NotTold(#[source] crate::store::StoreError),
}

impl Where {
    fn address(&self) -> Result<Option<Address>, StepError> {
        match (&self.url, &self.token_file) {
            (Some(url), Some(token_file)) => Ok(Some(Address {
                url: url.clone(),
                token_file: token_file.clone(),
                ca_file: self.ca.clone(),
            })),
            (None, None) => Ok(None),
            (Some(_), None) | (None, Some(_)) => Err(StepError::HalfAddress),
        }
    }

    /// A question makes no store.
    fn was_started(&self) -> Result<bool, Box<dyn Error>> {
        let config = Config::load(&self.config)?;
        Ok(config.store.path.join(FILE_NAME).is_file())
    }

    fn stopped(&self) -> Result<StoppedBox, Box<dyn Error>> {
        let config = Config::load(&self.config)?;
        if let Some(holder) = in_use_by(&config.store.path) {
            return Err(StepError::Runs { holder }.into());
        }
        let program = std::env::current_exe()?;
        Ok(StoppedBox::open(&config, program.into())?)
    }
}

impl InstallArgs {
    /// The address that it is fetched from.
    fn url(&self) -> Option<&str> {
        self.file.to_str().filter(|text| is_address(text))
    }
}

pub fn install(args: &InstallArgs) -> Result<(), Box<dyn Error>> {
    let now = clock::wall();
    let time = if args.doubt_clock { WallTime::Doubted(now) } else { WallTime::Trusted(now) };
    let (stopped, installed) = if let Some(url) = args.url() {
        if let Some(address) = args.at.address()? {
            return remote::fetch(&address, url);
        }
        let mut stopped = args.at.stopped()?;
        let installed = stopped.fetch(url, time, CONSOLE);
        (stopped, installed)
    } else {
        let file = open_file(&args.file)?;
        if let Some(address) = args.at.address()? {
            return remote::install(&address, file);
        }
        let mut stopped = args.at.stopped()?;
        let name = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let installed = stopped.install((&name, file), time, CONSOLE);
        (stopped, installed)
    };
    let said = installed.map(|it| {
        format!(
            "{} {}, release {}, is installed and verified: {}\nOnce the box runs, let it look in the \
             shadow.",
            it.name, it.version, it.release, it.digest
        )
    });
    done(stopped, said)
}

pub fn list(args: &ListArgs) -> Result<(), Box<dyn Error>> {
    if let Some(address) = args.at.address()? {
        return remote::list(&address);
    }
    if !args.at.was_started()? {
        to_stdout(|out| writeln!(out, "{NOT_STARTED}"))?;
        return Ok(());
    }
    let mut stopped = args.at.stopped()?;
    let shown = stopped.shown();
    let shipped = stopped.shared().shipped.clone();
    let rows = shown.rows(&shipped);
    to_stdout(|out| {
        for row in &rows {
            let roles: Vec<String> =
                row.roles.iter().map(|it| format!("{it:?}").to_lowercase()).collect();
            let stage = row.stage.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
            writeln!(
                out,
                "{} {}  release {}  {}{stage}",
                row.name,
                row.version,
                row.release,
                roles.join(" ")
            )?;
            writeln!(out, "    {}", row.slot)?;
            if let Some(damaged) = &row.damaged {
                writeln!(out, "    DAMAGED {damaged}")?;
            }
        }
        print_rest(out, &shown)
    })?;
    Ok(())
}

fn print_rest(out: &mut dyn Write, shown: &Shown) -> io::Result<()> {
    writeln!(out, "Nothing below release {} comes in.", shown.ledger.floor())?;
    if let Some(trial) = shown.ledger.trial() {
        writeln!(
            out,
            "On trial: approved by {}, {} of its lives left, {} pictures so far.",
            trial.approved_by, trial.attempts_left, trial.progress.frames
        )?;
    }
    for it in shown.ledger.rejected() {
        let name = shown.facts.get(&it.digest).map_or("", |facts: &Facts| facts.name.as_str());
        writeln!(out, "Taken back: {} {name} {}", it.digest, it.reason)?;
    }
    match &shown.fault {
        Some(fault) => writeln!(out, "FAULT: {}", fault.text),
        None => Ok(()),
    }
}

pub fn shadow(args: &OfModelArgs) -> Result<(), Box<dyn Error>> {
    match args.at.address()? {
        Some(address) => remote::shadow(&address, args.digest),
        None => Err(StepError::NeedsRunning { what: "looking in the shadow" }.into()),
    }
}

pub fn promote(args: &PromoteArgs) -> Result<(), Box<dyn Error>> {
    let (Some(url), Some(user), Some(password_file)) = (&args.url, &args.user, &args.password_file)
    else {
        return Err(StepError::NeedsPerson.into());
    };
    let who = Who {
        url: url.clone(),
        name: user.clone(),
        password_file: password_file.clone(),
        ca_file: args.ca.clone(),
    };
    remote::promote(&who, args.digest, &args.evidence, &args.confirm)
}

pub fn rollback(args: &RollbackArgs) -> Result<(), Box<dyn Error>> {
    let reason = Reason::new(&args.reason)?.as_str().to_owned();
    if let Some(address) = args.at.address()? {
        return remote::rollback(&address, &reason);
    }
    let mut stopped = args.at.stopped()?;
    let asked = stopped.ask(Ask::Rollback { reason }, CONSOLE);
    let committed = stopped.shown().ledger.committed();
    done(stopped, asked.map(|()| format!("{committed} guards from the next start on.")))
}

/// Gives a box what was compared on recordings, file by file.
pub fn keep_evidence(at: &Where, files: &[PathBuf]) -> Result<(), Box<dyn Error>> {
    // Said one by one: what was kept stays kept, whatever becomes of the next.
    let say = |path: &Path, kept: KeptEvidence| {
        to_stdout(|out| match kept {
            KeptEvidence::Run(run) => writeln!(out, "{} is run {run} of the box", path.display()),
            KeptEvidence::ParentCheck { recordings } => writeln!(
                out,
                "{}: the box holds the model against its parent by it, on {recordings} recordings",
                path.display()
            ),
        })
    };
    if let Some(address) = at.address()? {
        for path in files {
            say(path, remote::keep_evidence(&address, path)?)?;
        }
        return Ok(());
    }
    let mut stopped = at.stopped()?;
    for path in files {
        say(path, stopped.keep_evidence(path, &read_evidence(path)?, CONSOLE)?)?;
    }
    stopped.close();
    Ok(())
}

/// What the gate of a box that runs says, by all that it has.
pub fn evidence_of_box(at: &Where) -> Result<(), Box<dyn Error>> {
    match at.address()? {
        Some(address) => remote::evidence(&address),
        None => Err(StepError::HalfAddress.into()),
    }
}

/// As much of a file as a box takes, and a byte more where it has more.
pub fn read_evidence(path: &Path) -> Result<Vec<u8>, EvidenceError> {
    let failed = |source| EvidenceError::Read { path: path.to_owned(), source };
    let mut json = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut json).map_err(failed)?;
    Ok(json)
}

pub fn discard(args: &DiscardArgs) -> Result<(), Box<dyn Error>> {
    let reason = Reason::new(&args.reason)?.as_str().to_owned();
    if let Some(address) = args.at.address()? {
        return remote::discard(&address, args.digest, &reason);
    }
    let mut stopped = args.at.stopped()?;
    let digest = args.digest;
    let asked = stopped.ask(Ask::Discard { digest, reason }, CONSOLE);
    done(stopped, asked.map(|()| format!("{} is no candidate any more.", Slot::Blob(digest))))
}

pub fn history(args: &HistoryArgs) -> Result<(), Box<dyn Error>> {
    if let Some(address) = args.at.address()? {
        return remote::history(&address, args.limit);
    }
    if !args.at.was_started()? {
        to_stdout(|out| writeln!(out, "{NOT_STARTED}"))?;
        return Ok(());
    }
    let stopped = args.at.stopped()?;
    let rows = stopped.history(args.limit)?;
    to_stdout(|out| {
        for row in rows.iter().rev() {
            let it = &row.event;
            let slot = it.slot.as_deref().unwrap_or("-");
            writeln!(out, "{}  {}  {slot}  {}: {}", it.at, it.kind.as_str(), it.by, it.text)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// What came of it, and whether all of it is written down.
fn done(
    stopped: StoppedBox,
    said: Result<String, crate::guard::handle::models::ModelError>,
) -> Result<(), Box<dyn Error>> {
    let unkept = stopped.unkept();
    stopped.close();
    let said = said?;
    to_stdout(|out| writeln!(out, "{said}"))?;
    match unkept {
        None => Ok(()),
        Some(error) => Err(StepError::NotTold(error).into()),
    }
}
