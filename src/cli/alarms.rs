//! `standclear alarms`: what is open and kept quiet, and how well the alarms serve, also while a box
//! runs.
//!
//! Not here: commands about alarms; those take a person who is signed in.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::output::to_stdout;
use crate::clock;
use crate::config::Config;
use crate::engine::AlarmState;
use crate::engine::alarm_kpi::{Kpis, Measure, Verdict};
use crate::guard::handle::{SpanKpis, span_kpis};
use crate::store::alarms::AlarmReader;
use crate::store::record::{AlarmKey, HeldKind, OpenAlarm, OpenHold};

/// Alarms: what is open and kept quiet, and how well they serve.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List what is open, and what people keep quiet.
    List(ListArgs),
    /// Alarms in numbers, against the targets of IEC 62682.
    Kpi(KpiArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

#[derive(Clone, Debug, clap::Args)]
pub struct KpiArgs {
    /// Of the last so many days.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=90))]
    days: u16,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "standclear.toml")]
    config: PathBuf,
}

/// Runs the command.
pub fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::List(args) => list(args),
        Command::Kpi(args) => kpi(args),
    }
}

fn list(args: &ListArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let reader = AlarmReader::open(&config.store.path)?;
    let (alarms, holds) = (reader.open_alarms()?, reader.holds()?);
    let zone = TimeZone::get(&config.site.time_zone).unwrap_or(TimeZone::UTC);
    to_stdout(|out| {
        if alarms.is_empty() {
            writeln!(out, "No alarm is open.")?;
        }
        alarms.iter().try_for_each(|alarm| print_alarm(out, alarm, &zone))?;
        if holds.is_empty() {
            return writeln!(out, "Nothing is kept quiet.");
        }
        writeln!(out, "Kept quiet:")?;
        holds.iter().try_for_each(|hold| print_hold(out, hold, &zone))
    })?;
    Ok(())
}

fn print_alarm(out: &mut dyn Write, alarm: &OpenAlarm, zone: &TimeZone) -> io::Result<()> {
    let by = alarm.acknowledged.as_ref().map(|(by, _)| format!(" by {by}")).unwrap_or_default();
    writeln!(
        out,
        "{:>6}  {}  {:<28}  {}{by}  {}",
        alarm.alarm.0,
        local(alarm.raised_at, zone),
        named(&alarm.source),
        state(alarm.state),
        alarm.text
    )
}

/// A zone out of service is kept under each of its sources; one line is enough.
fn print_hold(out: &mut dyn Write, hold: &OpenHold, zone: &TimeZone) -> io::Result<()> {
    let how = match (hold.kind, &hold.source) {
        (HeldKind::Shelved { alarm, until }, _) => {
            format!("alarm {} shelved until {}", alarm.0, local(until, zone))
        }
        (HeldKind::OutOfService, AlarmKey::Warning(_) | AlarmKey::Untested(_)) => return Ok(()),
        (
            HeldKind::OutOfService,
            AlarmKey::Intrusion(_) | AlarmKey::Blind(_) | AlarmKey::Fault(_),
        ) => "out of service".to_owned(),
    };
    let since = local(hold.since, zone);
    writeln!(
        out,
        "        {since}  {:<28}  {how} by {}: {}",
        named(&hold.source),
        hold.by,
        hold.reason
    )
}

fn kpi(args: &KpiArgs) -> Result<(), Box<dyn Error>> {
    let config = Config::load(&args.config)?;
    let reader = AlarmReader::open(&config.store.path)?;
    let to = clock::wall();
    let from = to.checked_sub(SignedDuration::from_hours(24 * i64::from(args.days)))?;
    let told = span_kpis(&reader, from, to)?;
    let zone = TimeZone::get(&config.site.time_zone).unwrap_or(TimeZone::UTC);
    to_stdout(|out| {
        print_span(out, &told, (from, args.days), &zone)?;
        print_kpis(out, &told.numbers)
    })?;
    Ok(())
}

fn print_span(
    out: &mut dyn Write,
    told: &SpanKpis,
    (asked, days): (Timestamp, u16),
    zone: &TimeZone,
) -> io::Result<()> {
    let alarms = told.numbers.alarms;
    match told.from > asked {
        true => writeln!(
            out,
            "{alarms} alarms since the box began at {}; targets of IEC 62682",
            local(told.from, zone)
        ),
        false => writeln!(out, "{alarms} alarms in the last {days} × 24 h; targets of IEC 62682"),
    }
}

fn print_kpis(out: &mut dyn Write, told: &Kpis<AlarmKey>) -> io::Result<()> {
    for (what, measure, percent) in [
        ("alarms per 10 minutes, mean", told.mean, Unit::Count),
        ("alarms in the worst 10 minutes", told.worst, Unit::Count),
        ("time in flood (> 10 in 10 min)", told.flood_share, Unit::Share),
        ("chattering sources", told.chattering, Unit::Count),
        ("alarms active for more than 24 h", told.stale, Unit::Count),
        ("share of the top ten sources", told.top_share, Unit::Share),
    ] {
        print_measure(out, what, measure, percent)?;
    }
    for source in &told.chatterers {
        writeln!(out, "chatters: {}", named(source))?;
    }
    for source in &told.stale_sources {
        writeln!(out, "stale: {}", named(source))?;
    }
    for (place, it) in (1..).zip(&told.top) {
        let share = it.share * 100.0;
        writeln!(out, "{place:>3}. {:<28} {:>6} {share:>5.1} %", named(&it.source), it.alarms)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Unit {
    Count,
    Share,
}

fn print_measure(out: &mut dyn Write, what: &str, measure: Measure, unit: Unit) -> io::Result<()> {
    let shown = |value: f64| match unit {
        Unit::Count => format!("{value:.2}"),
        Unit::Share => format!("{:.1} %", value * 100.0),
    };
    let verdict = match measure.verdict {
        Verdict::Met => "met",
        Verdict::Missed => "MISSED",
        Verdict::TooFew => "too few sources to judge",
        Verdict::TooShort => "too short to judge",
    };
    let (value, target) = (shown(measure.value), shown(measure.target));
    writeln!(out, "{what:<32} {value:>9}  target at most {target:<8} {verdict}")
}

fn named(source: &AlarmKey) -> String {
    match source {
        AlarmKey::Intrusion(zone) => format!("intrusion {zone}"),
        AlarmKey::Warning(zone) => format!("warning {zone}"),
        AlarmKey::Untested(zone) => format!("untested {zone}"),
        AlarmKey::Blind(camera) => format!("blind {camera}"),
        AlarmKey::Fault(part) => format!("fault {part}"),
    }
}

fn state(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Normal => "normal",
        AlarmState::Unacknowledged => "unacknowledged",
        AlarmState::Acknowledged => "acknowledged",
        AlarmState::ReturnedUnacknowledged => "over, unacknowledged",
        AlarmState::LatchedUnacknowledged => "latched, unacknowledged",
        AlarmState::LatchedAcknowledged => "latched, acknowledged",
        AlarmState::Shelved => "shelved",
        AlarmState::OutOfService => "out of service",
    }
}

fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}
