//! `standclear zones export`: documents out of the store, as a zone file holds them.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::when::When;
use crate::cli::output::{self, to_stdout};
use crate::config::Config;
use crate::store::zones::{ZoneReader, ZoneVersion};

/// See the module.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The camera; without it every camera that has zones in force.
    #[arg(long, value_name = "ID")]
    camera: Option<String>,
    /// A version by its number, instead of the one in force.
    #[arg(long, value_name = "N", conflicts_with = "at", requires = "camera")]
    version: Option<u32>,
    /// What was in force then: `2026-03-01T12:00Z`, or `2026-03-01T12:00` on the clock of the site.
    #[arg(long, value_name = "TIME")]
    at: Option<When>,
    /// An existing folder for one file a camera, `ID.json`; without it, standard output.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("camera {camera} has no version {number}; `standclear zones history` lists them")]
    NoVersion { camera: String, number: u32 },
    #[error("no zones were in force{}; `standclear zones history` says what was when", of(.camera))]
    Nothing { camera: Option<String> },
    #[error(
        "there are zones of several cameras ({cameras}); name one with --camera, or a folder with --out"
    )]
    Several { cameras: String },
    #[error(
        "several versions of {camera} were in force on that day ({numbers}); give a time, or --version"
    )]
    SeveralThatDay { camera: String, numbers: String },
    #[error("{} is there already; name another folder, or move it away", .file.display())]
    Exists { file: PathBuf },
}

fn of(camera: &Option<String>) -> String {
    camera.as_ref().map(|camera| format!(" on camera {camera}")).unwrap_or_default()
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let reader = ZoneReader::open(&config.store.path)?;
    let versions = wanted(args, &reader, &config)?;
    if let Some(folder) = &args.out {
        return write(&versions, folder);
    }
    let [version] = versions.as_slice() else {
        let cameras: Vec<&str> = versions.iter().map(|v| v.camera.as_str()).collect();
        return Err(ExportError::Several { cameras: cameras.join(", ") }.into());
    };
    to_stdout(|out| out.write_all(version.document.as_bytes()))?;
    let _ = writeln!(io::stderr().lock(), "{}", told(version));
    Ok(())
}

/// One version a camera.
fn wanted(
    args: &Args,
    reader: &ZoneReader,
    config: &Config,
) -> Result<Vec<ZoneVersion>, Box<dyn Error>> {
    if let (Some(camera), Some(number)) = (&args.camera, args.version) {
        let version = reader.zone_version(camera, number)?;
        let camera = camera.clone();
        return Ok(vec![version.ok_or(ExportError::NoVersion { camera, number })?]);
    }
    let mut versions = match args.at {
        Some(when) => {
            let (from, to) = when.range(&TimeZone::get(&config.site.time_zone)?)?;
            reader.zones_in_force_between(from, to)?
        }
        None => {
            let mut now = Vec::new();
            for camera in reader.zone_cameras()? {
                now.extend(reader.zones_of(&camera)?.in_force);
            }
            now
        }
    };
    versions.retain(|version| args.camera.as_ref().is_none_or(|camera| *camera == version.camera));
    if versions.is_empty() {
        return Err(ExportError::Nothing { camera: args.camera.clone() }.into());
    }
    if let Some(pair) = versions.windows(2).find(|pair| pair[0].camera == pair[1].camera) {
        let camera = pair[0].camera.clone();
        let numbers = versions.iter().filter(|version| version.camera == camera);
        let numbers: Vec<String> = numbers.map(|version| version.number.to_string()).collect();
        return Err(ExportError::SeveralThatDay { camera, numbers: numbers.join(", ") }.into());
    }
    Ok(versions)
}

/// All files or none, and none over another.
fn write(versions: &[ZoneVersion], folder: &Path) -> Result<(), Box<dyn Error>> {
    let file = |version: &ZoneVersion| folder.join(format!("{}.json", version.camera));
    let files: Vec<PathBuf> = versions.iter().map(file).collect();
    if let Some(file) = files.iter().find(|file| file.exists()) {
        return Err(ExportError::Exists { file: file.clone() }.into());
    }
    let checked: Vec<Option<&Path>> = files.iter().map(|file| Some(file.as_path())).collect();
    output::check(&checked, &[])?;
    let contents: Vec<(&Path, &[u8])> = files
        .iter()
        .zip(versions)
        .map(|(file, version)| (file.as_path(), version.document.as_bytes()))
        .collect();
    output::write_all(&contents)?;
    to_stdout(|out| {
        let mut lines = files.iter().zip(versions);
        lines.try_for_each(|(file, version)| writeln!(out, "{}: {}", file.display(), told(version)))
    })?;
    Ok(())
}

fn told(version: &ZoneVersion) -> String {
    format!(
        "version {} of camera {}, {}, sha256 {}",
        version.number, version.camera, version.state, version.digest
    )
}
