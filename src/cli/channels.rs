//! `standclear channels`: how far each channel has got, also while the box runs.
//!
//! From the configuration whom a channel tells; from the store what waits, what was delivered, what
//! was lost. Whether a channel works at this moment, and what is wrong, only the box that runs knows:
//! its page says it, and the log.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::output::to_stdout;
use crate::clock;
use crate::config::Config;
use crate::guard::channels::targets;
use crate::store::outbox::{Backlog, Loss, OutboxReader};

/// Said under the list: a number that stands still tells nobody why.
const WHERE_ELSE: &str = "Whether a channel works now, and what was wrong last, the running box \
                          says: page Alarms, Channels; GET /api/channels; its log.";

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

/// A channel, as far as configuration and store know it.
#[derive(Debug, Default)]
struct Known {
    /// Whom it tells; `None` where it is no longer configured.
    target: Option<String>,
    backlog: Vec<Backlog>,
    losses: Vec<Loss>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let reader = OutboxReader::open(&config.store.path)?;
    let box_id = reader.box_id()?;
    let mut channels: BTreeMap<String, Known> = BTreeMap::new();
    for (name, target) in targets(&config.notify) {
        channels.entry(name).or_default().target = Some(target);
    }
    for name in reader.channel_names()? {
        let known = channels.entry(name.clone()).or_default();
        (known.backlog, known.losses) = (reader.backlog(&name)?, reader.losses(&name)?);
    }
    let zone = TimeZone::get(&config.site.time_zone).unwrap_or(TimeZone::UTC);
    let now = clock::wall();
    to_stdout(|out| {
        writeln!(out, "Box {box_id}")?;
        if channels.is_empty() {
            return writeln!(out, "No channel yet: add [notify] to {}.", args.config.display());
        }
        channels.iter().try_for_each(|(name, known)| print(out, name, known, (now, &zone)))?;
        writeln!(out, "\n{WHERE_ELSE}")
    })?;
    Ok(())
}

fn print(
    out: &mut dyn Write,
    name: &str,
    known: &Known,
    (now, zone): (Timestamp, &TimeZone),
) -> io::Result<()> {
    let shown = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    match &known.target {
        None => writeln!(out, "\n{name} (no longer configured)")?,
        Some(target) if known.backlog.is_empty() => {
            writeln!(out, "\n{name}, to {target}: nothing yet; the box was not started with it")?;
        }
        Some(target) => writeln!(out, "\n{name}, to {target}")?,
    }
    for of in &known.backlog {
        let oldest = of.oldest_at.map_or(String::new(), |at| {
            format!(", the oldest for {} (of {})", span(at, now), shown(at))
        });
        let last = of.delivered_at.map_or("never".to_owned(), shown);
        writeln!(
            out,
            "  {:<10} {:>6} waiting{oldest}; {} delivered, last {last}",
            of.class.name(),
            of.waiting,
            of.delivered
        )?;
    }
    for loss in &known.losses {
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

/// How long ago, in the largest unit that says something: `45 s`, `12 min`, `3 h 05 min`, `4 days`.
fn span(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::outbox::Class;

    #[test]
    fn a_channel_that_is_down_shows_its_address_and_how_long_the_oldest_message_waits() {
        let now: Timestamp = "2026-03-01T14:00:00Z".parse().expect("a time");
        let backlog = Backlog {
            class: Class::Alarm,
            position: 0,
            waiting: 50,
            oldest_at: Some("2026-03-01T13:48:00Z".parse().expect("a time")),
            delivered: 0,
            delivered_at: None,
        };
        let target = Some("broker.example:1883".to_owned());
        let mut told = Vec::new();
        let known = Known { target, backlog: vec![backlog], losses: Vec::new() };
        print(&mut told, "mqtt", &known, (now, &TimeZone::UTC)).expect("printed");
        let told = String::from_utf8(told).expect("text");
        let line =
            "50 waiting, the oldest for 12 min (of 2026-03-01 13:48:00); 0 delivered, last never";
        for text in ["mqtt, to broker.example:1883", line] {
            assert!(told.contains(text), "`{text}` is missing in {told}");
        }
    }

    #[test]
    fn a_time_is_said_in_the_unit_that_people_think_in() {
        let now: Timestamp = "2026-03-05T00:00:00Z".parse().expect("a time");
        let ago = |seconds: i64| span(now - jiff::SignedDuration::from_secs(seconds), now);
        let told = [0, 59, 60, 3_599, 3_900, 172_799, 172_800, -5].map(ago);
        let right =
            ["0 s", "59 s", "1 min", "59 min", "1 h 05 min", "47 h 59 min", "2 days", "0 s"];
        assert_eq!(told, right);
    }
}
