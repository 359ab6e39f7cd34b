//! `standclear channels`: how far each channel has got, also while the box runs.
//!
//! From the store alone: what waits, what was delivered, what was lost. Whether a channel works at
//! this moment, and why not, the page and the log say.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::output::to_stdout;
use crate::config::Config;
use crate::store::outbox::{Backlog, Loss, OutboxReader};

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let reader = OutboxReader::open(&config.store.path)?;
    let box_id = reader.box_id()?;
    let mut channels = Vec::new();
    for name in reader.channel_names()? {
        channels.push((reader.backlog(&name)?, reader.losses(&name)?, name));
    }
    let zone = TimeZone::get(&config.site.time_zone).unwrap_or(TimeZone::UTC);
    to_stdout(|out| {
        writeln!(out, "Box {box_id}")?;
        if channels.is_empty() {
            return writeln!(out, "No channel yet: add [notify] to {}.", args.config.display());
        }
        channels
            .iter()
            .try_for_each(|(backlog, losses, name)| print(out, name, backlog, losses, &zone))
    })?;
    Ok(())
}

fn print(
    out: &mut dyn Write,
    name: &str,
    backlog: &[Backlog],
    losses: &[Loss],
    zone: &TimeZone,
) -> io::Result<()> {
    let shown = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    match backlog.is_empty() {
        true => writeln!(out, "\n{name} (no longer configured)")?,
        false => writeln!(out, "\n{name}")?,
    }
    for of in backlog {
        let oldest = of.oldest_at.map_or(String::new(), |at| format!(", oldest of {}", shown(at)));
        let last = of.delivered_at.map_or("never".to_owned(), shown);
        writeln!(
            out,
            "  {:<10} {:>6} waiting{oldest}; {} delivered, last {last}",
            of.class.name(),
            of.waiting,
            of.delivered
        )?;
    }
    for loss in losses {
        writeln!(
            out,
            "  {:<10} {:>6} LOST ({}), of {} to {}",
            loss.class.name(),
            loss.rows,
            loss.reason.name(),
            shown(loss.first_at),
            shown(loss.last_at)
        )?;
    }
    Ok(())
}
