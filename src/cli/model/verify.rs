//! `standclear model verify`: what this box would say to a package. Changes nothing.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::super::output::to_stdout;
use crate::clock;
use crate::config::Config;
use crate::model_package::WallTime;
use crate::model_package::carried::open_file;
use crate::model_package::folder::MANIFEST;
use crate::model_package::keys::{Keyring, file};
use crate::model_package::refusal::PackageFileError;
use crate::model_package::verify::{self, Trust, Verified};
use crate::model_store;
use crate::model_store::files::Disk;
use crate::model_store::ledger_file::Both;
#[cfg(feature = "vision")]
use crate::vision::package::{Manifest, PackageError};

/// Of the box in whose folder the program is called.
const CONFIG: &str = "standclear.toml";

/// See the module.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The package.
    file: PathBuf,
    /// The box's configuration, which says where its keyring and its floor lie [default:
    /// standclear.toml, unless --keys is given].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A keyring to hold it against, instead of the box's.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The lowest release that is taken, instead of the box's.
    #[arg(long, value_name = "RELEASE")]
    floor: Option<u64>,
    /// The clock of this machine may be wrong: say what is over by it, and refuse nothing for it.
    #[arg(long)]
    doubt_clock: bool,
}

/// Which package it is about; why it is not taken says the cause.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("{} is not taken", .file.display())]
    Package {
        file: PathBuf,
        #[source]
        source: PackageFileError,
    },
    #[cfg(feature = "vision")]
    #[error("{} is not taken: this program could not run its model", .file.display())]
    Model {
        file: PathBuf,
        #[source]
        source: PackageError,
    },
}

/// The lowest release that is taken, and who says so.
enum Floor {
    Given(u64),
    OfBox(u64),
    /// Nothing was ever installed, or there is no box.
    None,
    /// The ledger cannot be read.
    Lost,
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let (keyring, of_box) = match (&args.keys, &args.config) {
        (Some(keys), None) => (file::load(keys)?, Floor::None),
        (keys, config) => {
            let data = Config::load(config.as_deref().unwrap_or(Path::new(CONFIG)))?.store.path;
            let keys = keys.clone().unwrap_or_else(|| file::path_in(&data));
            (file::load(&keys)?, Floor::of_box(&data))
        }
    };
    let floor = args.floor.map_or(of_box, Floor::Given);
    let now = clock::wall();
    let time = if args.doubt_clock { WallTime::Doubted(now) } else { WallTime::Trusted(now) };
    let trust = Trust { keyring: &keyring, floor: floor.release(), time };
    let verified = verify(&args.file, &trust)?;
    to_stdout(|out| print(out, &verified, &keyring, &floor))?;
    Ok(())
}

fn verify(file: &Path, trust: &Trust<'_>) -> Result<Verified, Box<dyn Error>> {
    let mut manifest = Vec::new();
    let source = open_file(file)?;
    let verified = verify::open(source, trust)
        .and_then(|opened| {
            opened.unpack(&mut |name, bytes| {
                if name.as_str() == MANIFEST {
                    bytes.clone_into(&mut manifest);
                }
                Ok(())
            })
        })
        .map_err(|source| NotTaken::Package { file: file.to_owned(), source })?;
    #[cfg(feature = "vision")]
    Manifest::parse(Path::new(MANIFEST), &manifest)
        .map_err(|source| NotTaken::Model { file: file.to_owned(), source })?;
    Ok(verified)
}

impl Floor {
    fn of_box(data: &Path) -> Floor {
        let both = Both::read(&Disk::existing(data.join(model_store::FOLDER)));
        match both.best() {
            Some((ledger, _)) => Floor::OfBox(ledger.floor()),
            None if both.are_absent() => Floor::None,
            None => Floor::Lost,
        }
    }

    const fn release(&self) -> u64 {
        match self {
            Floor::Given(release) | Floor::OfBox(release) => *release,
            Floor::None | Floor::Lost => 0,
        }
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Floor::Given(release) => write!(f, "release {release}, as given"),
            Floor::OfBox(release) => write!(f, "release {release}, of this box"),
            Floor::None => f.write_str("none"),
            Floor::Lost => {
                f.write_str("NOT KNOWN: the ledger of models is damaged, see `standclear check`")
            }
        }
    }
}

fn print(
    out: &mut dyn io::Write,
    verified: &Verified,
    keyring: &Keyring,
    floor: &Floor,
) -> io::Result<()> {
    let (contents, signer) = (verified.contents(), verified.signer());
    let bytes: u64 = contents.files().iter().map(|file| file.bytes).sum();
    writeln!(out, "OK      {} {}", contents.name(), contents.version())?;
    writeln!(out, "Release {}", contents.release())?;
    writeln!(out, "Floor   {floor}")?;
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
    if cfg!(not(feature = "vision")) {
        writeln!(out, "NOTE    built without vision: nobody looked whether the model can be run")?;
    }
    Ok(())
}
