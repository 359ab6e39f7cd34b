//! `standclear handhelds`: who is paired, for whoever stands at the box itself.
//!
//! It needs the store for itself, so the box must be stopped; it says so otherwise. Who can run it
//! can read the store's folder anyway, so it asks for nothing else. The audit log says that it was
//! done. While the box runs, the page does the same.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use jiff::tz::TimeZone;
use serde_json::json;

use super::output::to_stdout;
use crate::clock;
use crate::config::{Config, Encryption};
use crate::guard::accounts::secret;
use crate::guard::handhelds::CODE_LIFE;
use crate::guard::handle::{HandheldAddress, Scheme};
use crate::store::audit::AuditEntry;
use crate::store::handhelds::{HandheldChange, HandheldRow, PairingRow, Revoked};
use crate::store::{FILE_NAME, Store};

/// Whoever acts here.
const CONSOLE: &str = "console";

/// A question makes no store.
const NOT_STARTED: &str = "the box was never started, and has no store yet";

/// Handhelds, on a box that is stopped.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List the handhelds there are or were.
    List(ListArgs),
    /// Make a code with which one device pairs within ten minutes, once the box runs again.
    Pair(PairArgs),
    /// End a handheld for good.
    Revoke(RevokeArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub struct PairArgs {
    /// Whose it is.
    person: String,
    /// What it is called, such as "Eva's phone".
    device: String,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub struct RevokeArgs {
    /// The handheld's id; `standclear handhelds list` has it.
    id: String,
    /// Why.
    #[arg(long)]
    reason: String,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
enum HandheldsError {
    #[error("this box has no handhelds; add [handhelds] with `listen` to {config}")]
    NotConfigured { config: String },
    #[error("{what} must be 1 to 80 characters on one line")]
    Name { what: &'static str },
    #[error(
        "there is no handheld {id:?} in use; `standclear handhelds list` names those there are"
    )]
    Unknown { id: String },
}

/// Runs the command.
pub fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::List(args) => list(args),
        Command::Pair(args) => pair(args),
        Command::Revoke(args) => revoke(args),
    }
}

fn list(args: &ListArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    if !config.store.path.join(FILE_NAME).is_file() {
        to_stdout(|out| writeln!(out, "No handheld is paired: {NOT_STARTED}."))?;
        return Ok(());
    }
    let rows = Store::open(&config.store.path)?.handhelds()?;
    let zone = TimeZone::get(&config.site.time_zone).unwrap_or(TimeZone::UTC);
    to_stdout(|out| {
        if rows.handhelds.is_empty() {
            return writeln!(out, "No handheld is paired.");
        }
        rows.handhelds.iter().try_for_each(|row| print(out, row, &zone))
    })?;
    Ok(())
}

fn print(out: &mut dyn Write, row: &HandheldRow, zone: &TimeZone) -> io::Result<()> {
    let day =
        |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let seen = row.last_seen_at.map_or("never seen".to_owned(), |at| format!("seen {}", day(at)));
    let state = match &row.revoked {
        None => seen,
        Some(revoked) => {
            format!("revoked {} by {}: {}", day(revoked.at), revoked.by, revoked.reason)
        }
    };
    let (id, person, name) = (&row.id, &row.person, &row.name);
    writeln!(out, "{id}  {person:<20} {name:<24} paired {}, {state}", day(row.paired_at))
}

fn pair(args: &PairArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let Some(handhelds) = config.handhelds else {
        let config = config.file.display().to_string();
        return Err(HandheldsError::NotConfigured { config }.into());
    };
    let person = name("the person", &args.person)?;
    let device = name("the device", &args.device)?;
    let mut store = Store::open(&config.store.path)?;
    let code = secret::pairing_code()?;
    let at = clock::wall();
    let expires_at = at.checked_add(CODE_LIFE)?;
    let detail = json!({ "device": device });
    let entry = entry("handheld_code_made", &person, &detail, at);
    let pairing = PairingRow {
        code: secret::code_digest(&code),
        person,
        name: device,
        by: CONSOLE.into(),
        at,
        expires_at,
    };
    let changes = [HandheldChange::DropPairings { by: at }, HandheldChange::AddPairing(pairing)];
    store.change_handhelds(&changes, &[entry])?;
    let mut out = io::stdout().lock();
    let scheme = match config.web.encryption {
        Encryption::None => Scheme::Http,
        Encryption::OwnAuthority | Encryption::Given { .. } => Scheme::Https,
    };
    let url = HandheldAddress { address: handhelds.listen, scheme }.url(&config.web.names);
    writeln!(out, "The code is:  {}", in_two(&code))?;
    writeln!(out, "Start the box, open {url} on the device, and type it within ten minutes.")?;
    writeln!(out, "An iPhone or iPad: first put that page on the home screen, and type it there.")?;
    Ok(())
}

/// A code as the page shows it: read aloud in two breaths. Whoever types it may leave the dash out.
fn in_two(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((first, second)) if second.len() == 4 => format!("{first}-{second}"),
        Some(_) | None => code.to_owned(),
    }
}

fn revoke(args: &RevokeArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    if !config.store.path.join(FILE_NAME).is_file() {
        return Err(HandheldsError::Unknown { id: args.id.clone() }.into());
    }
    let mut store = Store::open(&config.store.path)?;
    let rows = store.handhelds()?;
    let in_use = |row: &&HandheldRow| row.id == args.id && row.revoked.is_none();
    let Some(row) = rows.handhelds.iter().find(in_use) else {
        return Err(HandheldsError::Unknown { id: args.id.clone() }.into());
    };
    let at = clock::wall();
    let detail = json!({ "device": row.name, "person": row.person, "reason": args.reason });
    let revoked = Revoked { by: CONSOLE.into(), at, reason: args.reason.clone() };
    let change = HandheldChange::Revoke { id: args.id.clone(), revoked };
    store.change_handhelds(&[change], &[entry("handheld_revoked", &args.id, &detail, at)])?;
    writeln!(io::stdout().lock(), "{} of {} is revoked.", row.name, row.person)?;
    Ok(())
}

fn entry(
    action: &str,
    subject: &str,
    detail: &serde_json::Value,
    at: jiff::Timestamp,
) -> AuditEntry {
    AuditEntry {
        at,
        by: CONSOLE.into(),
        action: action.into(),
        subject: subject.into(),
        detail: detail.to_string(),
    }
}

fn name(what: &'static str, text: &str) -> Result<String, HandheldsError> {
    let text = text.trim();
    let fits = (1..=80).contains(&text.chars().count()) && !text.contains(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(HandheldsError::Name { what }) }
}
