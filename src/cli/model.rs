//! `standclear model`: model packages on the command line.
//!
//! Making and signing need no box: a folder, a key. Verifying asks what this box would say, and
//! changes nothing.

mod keys;

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use super::output::{self, to_stdout};
use crate::clock;
use crate::config::Config;
use crate::model_package::carried::open_file;
use crate::model_package::keys::{Keyring, file};
use crate::model_package::pack::{self, PackError, Packed};
use crate::model_package::refusal::PackageFileError;
use crate::model_package::secret::SigningKey;
use crate::model_package::verify::{self, Trust, Verified};
use crate::model_package::{EXTENSION, WallTime};

/// See the module.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Keys: make them, put them together in a keyring, put a keyring in force, show it.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Make a package of a folder. It is not signed yet.
    Pack(PackArgs),
    /// Sign a package.
    Sign(SignArgs),
    /// Say whether this box would take a package, and what it is.
    Verify(VerifyArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub struct PackArgs {
    /// A folder with `manifest.json` and the files it names, and nothing else.
    folder: PathBuf,
    /// The package; without it NAME-VERSION.standclear-model, here.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Debug, clap::Args)]
pub struct SignArgs {
    /// The package.
    file: PathBuf,
    /// The file of a release key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The signed package; without it the same file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Debug, clap::Args)]
pub struct VerifyArgs {
    /// The package.
    file: PathBuf,
    /// The configuration, which says where the keyring in force lies.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
    /// A keyring to hold it against instead.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The lowest release that is taken.
    #[arg(long, value_name = "RELEASE", default_value_t = 0)]
    floor: u64,
    /// The clock of this machine may be wrong: say what is over by it, and refuse nothing for it.
    #[arg(long)]
    doubt_clock: bool,
}

/// Which package it is about; why it is not taken says the cause.
#[derive(Debug, thiserror::Error)]
#[error("{} is not taken", .file.display())]
struct NotTaken {
    file: PathBuf,
    #[source]
    source: PackageFileError,
}

/// Which package or folder it is about.
#[derive(Debug, thiserror::Error)]
#[error("no package comes of {}", .path.display())]
struct NotMade {
    path: PathBuf,
    #[source]
    source: PackError,
}

/// Runs the command.
pub fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Keys(command) => keys::run(command),
        Command::Pack(args) => pack(args),
        Command::Sign(args) => sign(args),
        Command::Verify(args) => verify(args),
    }
}

fn pack(args: &PackArgs) -> Result<(), Box<dyn Error>> {
    let packed =
        pack::pack(&args.folder).map_err(|source| NotMade { path: args.folder.clone(), source })?;
    let name = format!("{}-{}.{EXTENSION}", packed.contents.name(), packed.contents.version());
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(name));
    write(&path, &packed, "Not signed yet: `standclear model sign`.")
}

fn sign(args: &SignArgs) -> Result<(), Box<dyn Error>> {
    let key = SigningKey::read(&args.key)?;
    let signed = pack::sign(open_file(&args.file)?, &key)
        .map_err(|source| NotMade { path: args.file.clone(), source })?;
    let path = args.output.as_ref().unwrap_or(&args.file);
    write(path, &signed, &format!("Signed by the key {}.", key.id()))
}

fn write(path: &Path, packed: &Packed, then: &str) -> Result<(), Box<dyn Error>> {
    output::write_all(&[(path, packed.bytes.as_slice())])?;
    let contents = &packed.contents;
    to_stdout(|out| {
        writeln!(out, "{}", path.display())?;
        writeln!(
            out,
            "{} {}, release {}: {} files, {} bytes",
            contents.name(),
            contents.version(),
            contents.release(),
            contents.files().len(),
            packed.bytes.len()
        )?;
        writeln!(out, "Digest sha256 {}", contents.digest())?;
        writeln!(out, "{then}")
    })?;
    Ok(())
}

fn verify(args: &VerifyArgs) -> Result<(), Box<dyn Error>> {
    let keyring = match &args.keys {
        Some(path) => file::load(path)?,
        None => file::load(&file::path_in(&Config::load(&args.config)?.store.path))?,
    };
    let now = clock::wall();
    let time = if args.doubt_clock { WallTime::Doubted(now) } else { WallTime::Trusted(now) };
    let trust = Trust { keyring: &keyring, floor: args.floor, time };
    let source = open_file(&args.file)?;
    let verified = verify::open(source, &trust)
        .and_then(|opened| opened.unpack(&mut |_, _| Ok(())))
        .map_err(|source| NotTaken { file: args.file.clone(), source })?;
    to_stdout(|out| print(out, &verified, &keyring))?;
    Ok(())
}

fn print(out: &mut dyn io::Write, verified: &Verified, keyring: &Keyring) -> io::Result<()> {
    let (contents, signer) = (verified.contents(), verified.signer());
    let bytes: u64 = contents.files().iter().map(|file| file.bytes).sum();
    writeln!(out, "OK      {} {}", contents.name(), contents.version())?;
    writeln!(out, "Release {}", contents.release())?;
    writeln!(out, "Digest  sha256 {}", verified.digest())?;
    writeln!(
        out,
        "Signed  by {} (key {}, keyring version {})",
        signer.name,
        signer.key,
        keyring.version()
    )?;
    match contents.not_after() {
        Some(until) => writeln!(out, "Until   {until}")?,
        None => writeln!(out, "Until   no end is said")?,
    }
    writeln!(out, "Files   {}, {bytes} bytes", contents.files().len())?;
    for told in verified.told() {
        writeln!(out, "NOTE    not refused, because the clock is in doubt: {told}")?;
    }
    Ok(())
}
