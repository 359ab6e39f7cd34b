//! `standclear users`: the way back in, for whoever stands at the box itself.
//!
//! It needs the store for itself, so the box must be stopped; it says so otherwise. Who can run it
//! can read the store's folder anyway, so it asks for nothing else. The audit log says that it was
//! done.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::json;

use crate::clock;
use crate::config::Config;
use crate::guard::accounts::{fold, password, secret};
use crate::store::Store;
use crate::store::accounts::{AccountChange, Standing};
use crate::store::audit::AuditEntry;

/// See the module.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Give a person a new password, made here and printed once. The box must be stopped.
    ResetPassword(ResetArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub struct ResetArgs {
    /// The person's name.
    name: String,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

/// Nobody is called this.
#[derive(Debug, thiserror::Error)]
#[error("there is nobody called {name:?}; there are: {known}")]
struct UnknownUser {
    name: String,
    known: String,
}

pub fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::ResetPassword(args) => reset_password(args),
    }
}

fn reset_password(args: &ResetArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let mut store = Store::open(&config.store.path)?;
    let users = store.accounts()?.users;
    let user = fold(&args.name);
    let Some(row) = users.iter().find(|row| row.folded == user) else {
        let names: Vec<&str> = users.iter().map(|row| row.name.as_str()).collect();
        let known = if names.is_empty() { "nobody yet".to_owned() } else { names.join(", ") };
        return Err(UnknownUser { name: args.name.clone(), known }.into());
    };
    let password = secret::password()?;
    let changes = [
        AccountChange::SetPassword { user: user.clone(), password: password::hash(&password)? },
        AccountChange::EndSessionsOf { user, except: None },
    ];
    let entry = AuditEntry {
        at: clock::wall(),
        by: "console".into(),
        action: "password_reset".into(),
        subject: row.name.clone(),
        detail: json!({ "role": row.role.name() }).to_string(),
    };
    store.change_accounts(&changes, &[entry])?;
    let mut out = io::stdout().lock();
    writeln!(out, "The password of {} is now:  {password}", row.name)?;
    writeln!(out, "It is shown this once. Sign in with it, and choose another.")?;
    if row.standing == Standing::Disabled {
        writeln!(out, "{} is disabled, and stays so: an admin has to enable them.", row.name)?;
    }
    Ok(())
}
