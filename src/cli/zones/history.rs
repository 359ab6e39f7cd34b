//! `standclear zones history`: who changed zones when and why, and what was in force on a day.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::when::When;
use crate::cli::output::to_stdout;
use crate::config::Config;
use crate::store::zones::{VersionState, ZoneReader, ZoneVersion};

/// See the module.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Only this camera.
    #[arg(long, value_name = "ID")]
    camera: Option<String>,
    /// Only what was in force then: a time as `2026-03-01T12:00Z`, or a whole day as `2026-03-01`.
    #[arg(long, value_name = "TIME")]
    at: Option<When>,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Debug, thiserror::Error)]
#[error("camera {camera} never had zones; there are: {known}")]
struct UnknownCamera {
    camera: String,
    known: String,
}

/// A version, and when another took its place.
type Entry = (ZoneVersion, Option<Timestamp>);

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let reader = ZoneReader::open(&config.store.path)?;
    let tz = TimeZone::get(&config.site.time_zone)?;
    let cameras = cameras(args, &reader)?;
    let at = args.at.map(|when| when.range(&tz)).transpose()?;
    let mut told: Vec<(String, Vec<Entry>)> = Vec::new();
    for camera in cameras {
        let versions = match at {
            Some((from, to)) => {
                let mut then = reader.zones_in_force_between(from, to)?;
                then.retain(|version| version.camera == camera);
                then
            }
            None => reader.zone_versions(&camera)?,
        };
        let mut entries = Vec::new();
        for version in versions {
            let until = reader.zones_replaced_at(&version)?;
            entries.push((version, until));
        }
        told.push((camera, entries));
    }
    to_stdout(|out| {
        writeln!(out, "Times are those of {}.", config.site.time_zone)?;
        if let Some((from, to)) = at {
            let (from, to) = (clock_time(from, &tz), clock_time(to, &tz));
            match from == to {
                true => writeln!(out, "In force at {from}:")?,
                false => writeln!(out, "In force from {from} to {to}:")?,
            }
        }
        told.iter().try_for_each(|(camera, entries)| print(out, camera, entries, &tz))
    })?;
    Ok(())
}

fn cameras(args: &Args, reader: &ZoneReader) -> Result<Vec<String>, Box<dyn Error>> {
    let known = reader.zone_cameras()?;
    match &args.camera {
        None => Ok(known),
        Some(camera) if known.contains(camera) => Ok(vec![camera.clone()]),
        Some(camera) => {
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            Err(UnknownCamera { camera: camera.clone(), known }.into())
        }
    }
}

fn print(out: &mut dyn Write, camera: &str, entries: &[Entry], tz: &TimeZone) -> io::Result<()> {
    writeln!(out, "\nCamera {camera}")?;
    if entries.is_empty() {
        return writeln!(out, "  no zones were in force");
    }
    entries.iter().try_for_each(|(version, until)| print_version(out, version, *until, tz))
}

fn print_version(
    out: &mut dyn Write,
    version: &ZoneVersion,
    until: Option<Timestamp>,
    tz: &TimeZone,
) -> io::Result<()> {
    let time = |at: Timestamp| clock_time(at, tz);
    let span = match (version.state, version.applied_at, until) {
        (VersionState::InForce, Some(from), _) => format!("in force since {}", time(from)),
        (_, Some(from), Some(to)) => format!("in force from {} to {}", time(from), time(to)),
        (_, Some(from), None) => format!("in force from {}", time(from)),
        (state, None, _) => format!("never in force; {state}"),
    };
    writeln!(out, "  version {}: {span}", version.number)?;
    let base = version.base.map_or(String::new(), |base| format!(", from version {base}"));
    let (by, at, source) = (&version.made.by, time(version.made.at), version.source.name());
    writeln!(out, "    made by {by} at {at} ({source}{base}): {}", version.reason)?;
    if let Some(approved) = &version.approved {
        writeln!(out, "    approved by {} at {}", approved.by, time(approved.at))?;
    }
    if let Some(closed) = &version.closed {
        let (by, at) = (&closed.signed.by, time(closed.signed.at));
        writeln!(out, "    {} by {by} at {at}: {}", version.state, closed.reason)?;
    }
    writeln!(out, "    sha256 {}", version.digest)
}

fn clock_time(at: Timestamp, tz: &TimeZone) -> String {
    at.to_zoned(tz.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
