//! `standclear model`: model packages on the command line.
//!
//! Making and signing need no box: a folder, a key. Verifying asks what this box would say, and
//! changes nothing. The steps of a model's way are in `steps`.

#[cfg(feature = "vision")]
mod check_quantization;
mod claim;
#[cfg(feature = "vision")]
mod compare;
pub mod evidence;
mod judged;
#[cfg(feature = "vision")]
mod kept;
mod keys;
#[cfg(feature = "vision")]
mod pictures;
#[cfg(feature = "vision")]
mod print;
#[cfg(feature = "vision")]
mod recordings;
mod remote;
#[cfg(feature = "vision")]
mod side;
mod steps;
#[cfg(feature = "vision")]
mod trying;
mod verify;
mod words;

use std::error::Error;
use std::path::{Path, PathBuf};

use super::output::{self, to_stdout};
use crate::model_package::EXTENSION;
use crate::model_package::carried::open_file;
use crate::model_package::pack::{self, PackError, Packed};
use crate::model_package::secret::SigningKey;
#[cfg(feature = "vision")]
use crate::vision::package::{ModelPackage, PackageError};

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
    Verify(verify::Args),
    /// Compare two models on recordings, and say what the gate says. Refused: exit code 3.
    #[cfg(feature = "vision")]
    Compare(compare::Args),
    /// Say whether a quantized model still sees what its parent saw. Refused: exit code 3.
    #[cfg(feature = "vision")]
    CheckQuantization(check_quantization::Args),
    /// Say what the gate says of comparisons that were kept. Refused: exit code 3.
    Evidence(evidence::Args),
    /// Take a package in: it is verified, and becomes the candidate.
    Install(steps::InstallArgs),
    /// Show the models of a box, and what each is to it.
    List(steps::ListArgs),
    /// Let the candidate see what the model that guards sees.
    Shadow(steps::OfModelArgs),
    /// Approve the candidate: it guards on probation.
    Promote(steps::PromoteArgs),
    /// End a trial, or put the model back that guarded before.
    Rollback(steps::RollbackArgs),
    /// The candidate is wanted no more.
    Discard(steps::DiscardArgs),
    /// Show what happened to models.
    History(steps::HistoryArgs),
    #[cfg(feature = "vision")]
    #[command(hide = true)]
    Try(trying::Args),
}

/// A model that was compared and must not guard. All there is to say was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the gate refuses this model")]
    ByGate,
    #[error("the quantized model is refused: it loses too much of what its parent sees")]
    Quantized,
}

impl Refused {
    /// Of the program. Another one than for what went wrong.
    pub const EXIT_CODE: u8 = 3;
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

/// Which package or folder it is about.
#[derive(Debug, thiserror::Error)]
enum NotMade {
    #[error("no package comes of {}", .path.display())]
    Package {
        path: PathBuf,
        #[source]
        source: PackError,
    },
    #[cfg(feature = "vision")]
    #[error("no package comes of {}: no box could run its model", .path.display())]
    Model {
        path: PathBuf,
        #[source]
        source: PackageError,
    },
}

/// Runs the command.
pub fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Keys(command) => keys::run(command),
        Command::Pack(args) => pack(args),
        Command::Sign(args) => sign(args),
        Command::Verify(args) => verify::run(args),
        #[cfg(feature = "vision")]
        Command::Compare(args) => compare::run(args),
        #[cfg(feature = "vision")]
        Command::CheckQuantization(args) => check_quantization::run(args),
        Command::Evidence(args) => evidence::run(args),
        Command::Install(args) => steps::install(args),
        Command::List(args) => steps::list(args),
        Command::Shadow(args) => steps::shadow(args),
        Command::Promote(args) => steps::promote(args),
        Command::Rollback(args) => steps::rollback(args),
        Command::Discard(args) => steps::discard(args),
        Command::History(args) => steps::history(args),
        #[cfg(feature = "vision")]
        Command::Try(args) => trying::run(args),
    }
}

fn pack(args: &PackArgs) -> Result<(), Box<dyn Error>> {
    let path = || args.folder.clone();
    let packed =
        pack::pack(&args.folder).map_err(|source| NotMade::Package { path: path(), source })?;
    #[cfg(feature = "vision")]
    ModelPackage::open(&args.folder).map_err(|source| NotMade::Model { path: path(), source })?;
    let name = format!("{}-{}.{EXTENSION}", packed.contents.name(), packed.contents.version());
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(name));
    write(&path, &packed, "Not signed yet: `standclear model sign`.")
}

fn sign(args: &SignArgs) -> Result<(), Box<dyn Error>> {
    let key = SigningKey::read(&args.key)?;
    let signed = pack::sign(open_file(&args.file)?, &key)
        .map_err(|source| NotMade::Package { path: args.file.clone(), source })?;
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
