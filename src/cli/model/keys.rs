//! `standclear model keys`: who may sign for this box.
//!
//! The first keyring of a box is put in force by a person who names a root key of it that they learned
//! on another way; every later one by the root keys in force.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;

use super::super::output::{self, to_stdout};
use crate::config::Config;
use crate::model_package::keys::file::{self, KeyringFileError};
use crate::model_package::keys::{Draft, Key, Keyring, KeyringError, PublicKey, Role, Standing};
use crate::model_package::secret::SigningKey;

/// See the module.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Make a key, in a new file that only its owner may read.
    New(NewArgs),
    /// Make a keyring, or the one that follows another.
    Ring(RingArgs),
    /// Put a keyring in force on this box: the first one, or those that follow, in their order.
    Trust(TrustArgs),
    /// Show the keyring in force on this box, or one in a file.
    Show(ShowArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub struct NewArgs {
    /// Where the half that signs is kept. Whoever has it can sign.
    file: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub struct RingArgs {
    /// The keyring that it follows; without it this is version 1.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// A key that signs keyrings: a name and the public half.
    #[arg(long, value_name = "NAME=PUBLIC")]
    root: Vec<String>,
    /// A key that signs packages.
    #[arg(long, value_name = "NAME=PUBLIC")]
    release: Vec<String>,
    /// From when the signatures of these release keys do not count any more.
    #[arg(long, value_name = "TIME", requires = "release")]
    until: Option<Timestamp>,
    /// A key whose signatures do not count any more, also those made before.
    #[arg(long, value_name = "ID")]
    revoke: Vec<String>,
    /// The files of root keys to sign it with: one of its own, and one of the keyring it follows.
    #[arg(long, value_name = "FILE", required = true)]
    sign: Vec<PathBuf>,
    /// The keyring.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub struct TrustArgs {
    /// Keyrings; several where this box missed some.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// For the first keyring of a box: the id of a root key of it, as its maker told it on another
    /// way than the file came.
    #[arg(long, value_name = "ID")]
    root: Option<String>,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// A keyring; without it the one in force.
    file: Option<PathBuf>,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

/// Why no keyring is made or put in force.
#[derive(Debug, thiserror::Error)]
enum KeysError {
    #[error("{written:?} is no key; write NAME=PUBLIC, as `standclear model keys new` prints it")]
    Written { written: String },
    #[error("no keyring is made")]
    NotMade(#[source] KeyringError),
    #[error("{} is not put in force; nothing was changed", .file.display())]
    NotTrusted {
        file: PathBuf,
        #[source]
        source: KeyringError,
    },
    #[error(
        "{} would be the first keyring of this box, which nobody vouches for but you; name a root \
         key of it with --root, as its maker told you on another way than this file came",
        .file.display()
    )]
    First { file: PathBuf },
}

/// Runs the command.
pub fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::New(args) => new(args),
        Command::Ring(args) => ring(args),
        Command::Trust(args) => trust(args),
        Command::Show(args) => show(args),
    }
}

fn new(args: &NewArgs) -> Result<(), Box<dyn Error>> {
    let key = SigningKey::make(&args.file)?;
    to_stdout(|out| {
        writeln!(out, "Key     {}", key.id())?;
        writeln!(out, "Public  {}", BASE64_STANDARD.encode(key.public().as_bytes()))?;
        writeln!(out, "The half that signs is in {}, for its owner only.", args.file.display())
    })?;
    Ok(())
}

fn ring(args: &RingArgs) -> Result<(), Box<dyn Error>> {
    let before = args.from.as_deref().map(file::load).transpose()?;
    let mut draft = before.as_ref().map_or_else(Draft::first, Keyring::next_draft);
    for written in &args.root {
        draft.add(key(written, Role::Root, None)?).map_err(KeysError::NotMade)?;
    }
    for written in &args.release {
        draft.add(key(written, Role::Release, args.until)?).map_err(KeysError::NotMade)?;
    }
    for id in &args.revoke {
        draft.revoke(id).map_err(KeysError::NotMade)?;
    }
    for path in &args.sign {
        draft.sign(&SigningKey::read(path)?);
    }
    let made = draft.finish();
    // One that no box would follow to is better found here.
    let made = made.and_then(|made| match &before {
        Some(before) => before.follow(made),
        None => Ok(made),
    });
    let made = made.map_err(KeysError::NotMade)?;
    output::write_all(&[(args.output.as_path(), made.to_text().as_bytes())])?;
    to_stdout(|out| print(out, &made, &args.output))?;
    Ok(())
}

fn trust(args: &TrustArgs) -> Result<(), Box<dyn Error>> {
    let path = file::path_in(&Config::load(&args.config)?.store.path);
    let mut held = match file::load(&path) {
        Ok(held) => Some(held),
        Err(KeyringFileError::NotThere { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    for given in &args.files {
        let next = file::load(given)?;
        let taken = match (&held, &args.root) {
            (Some(held), _) => held.follow(next),
            (None, Some(root)) => next.be_first(root),
            (None, None) => return Err(KeysError::First { file: given.clone() }.into()),
        };
        let refused = |source| KeysError::NotTrusted { file: given.clone(), source };
        held = Some(taken.map_err(refused)?);
    }
    if let Some(held) = held {
        file::keep(&path, &held)?;
        to_stdout(|out| {
            print(out, &held, &path)?;
            writeln!(out, "In force.")
        })?;
    }
    Ok(())
}

fn show(args: &ShowArgs) -> Result<(), Box<dyn Error>> {
    let path = match &args.file {
        Some(path) => path.clone(),
        None => file::path_in(&Config::load(&args.config)?.store.path),
    };
    let keyring = file::load(&path)?;
    to_stdout(|out| print(out, &keyring, &path))?;
    Ok(())
}

/// A key as it is written on the command line.
fn key(written: &str, role: Role, not_after: Option<Timestamp>) -> Result<Key, KeysError> {
    let parsed = written.split_once('=').and_then(|(name, public)| {
        let public = PublicKey::from_bytes(&BASE64_STANDARD.decode(public).ok()?)?;
        Some(Key { public, role, standing: Standing::Valid, not_after, name: name.to_owned() })
    });
    parsed.ok_or_else(|| KeysError::Written { written: written.to_owned() })
}

fn print(out: &mut dyn io::Write, keyring: &Keyring, path: &Path) -> io::Result<()> {
    writeln!(out, "Keyring version {}, {}", keyring.version(), path.display())?;
    for key in keyring.keys() {
        let standing = match (key.standing, key.not_after) {
            (Standing::Revoked, _) => ", REVOKED".to_owned(),
            (Standing::Valid, Some(until)) => format!(", until {until}"),
            (Standing::Valid, None) => String::new(),
        };
        writeln!(out, "  {:<7} {}  {}{standing}", key.role.name(), key.id(), key.name)?;
    }
    let signed: Vec<String> = keyring.signed_by().map(ToString::to_string).collect();
    writeln!(out, "Signed by {}", signed.join(", "))
}
