//! `standclear zones`: zone documents and zone versions on the command line.
//!
//! `check` reads files as a proposal would be read: on this site, today, with every reason for a
//! refusal. `export` and `history` read the store, also while the box runs. Only `import` changes
//! something, and only while the box is stopped.
//!
//! Not here: what a document may hold (`zone_file`), how versions lie on disk (`store`).

mod export;
mod history;
mod import;
mod when;

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::output::to_stdout;
use crate::clock;
use crate::config::Config;
use crate::engine::detection::FrameSize;
use crate::zone_file::limits::{PIPELINE_MS_DEFAULT, SYSTEM_MS_MAX};
use crate::zone_file::{
    ArmingRule, Compiled, Context, Document, Duty, FieldError, Zone, load_text, parse, shape,
};

/// The configuration that is looked for when none is named.
const CONFIG_FILE: &str = "standclear.toml";

/// Zone documents and versions: check, export, import, look back.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Read zone files and say everything that is wrong with them.
    Check(CheckArgs),
    /// Write zones of the store as zone documents: those in force, a version, or those of a day.
    Export(export::Args),
    /// Make a zone file the next version, on a box without a page. The box must be stopped.
    Import(import::Args),
    /// Who changed zones when and why, and which were in force on a day.
    History(history::Args),
}

#[derive(Clone, Debug, clap::Args)]
struct CheckArgs {
    /// Zone files, one for each camera of a box.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The configuration, for the site's time zone; without it `standclear.toml`, if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The site's time zone, as `Europe/Prague`, instead of the configuration's.
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
    /// Worst time from picture to siren that was measured, milliseconds.
    #[arg(long, value_name = "MS", default_value_t = PIPELINE_MS_DEFAULT)]
    pipeline: u32,
    /// Size of the camera's picture, for calibration.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1920x1080")]
    picture: Picture,
}

/// A picture's size on the command line.
#[derive(Clone, Copy, Debug)]
struct Picture(FrameSize);

impl FromStr for Picture {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Picture, Self::Err> {
        let side = |text: &str| text.parse::<u32>().ok();
        let (width, height) = text.split_once('x').ok_or("write it as 1920x1080")?;
        let size = side(width).zip(side(height)).and_then(|(w, h)| FrameSize::new(w, h));
        size.map(Picture).ok_or("write two numbers of pixels, as 1920x1080")
    }
}

#[derive(Debug, thiserror::Error)]
enum ZonesError {
    #[error("{refused} of {of} zone documents are refused; the lines above say why")]
    Refused { refused: usize, of: usize },
    #[error(
        "`{name}` is no time zone this system knows; write an IANA name such as \"Europe/Prague\""
    )]
    TimeZone {
        name: String,
        #[source]
        source: jiff::Error,
    },
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), Box<dyn Error>> {
    match args.action {
        Action::Check(args) => check(&args),
        Action::Export(args) => export::run(&args),
        Action::Import(args) => import::run(&args),
        Action::History(args) => history::run(&args),
    }
}

fn check(args: &CheckArgs) -> Result<(), Box<dyn Error>> {
    let tz = time_zone(args)?;
    let now = clock::wall().to_zoned(tz);
    let mut checked: Vec<(&Path, Outcome)> = Vec::new();
    for file in &args.files {
        let outcome = outcome(file, args, now.timestamp(), &checked);
        checked.push((file, outcome));
    }
    to_stdout(|out| {
        checked.iter().try_for_each(|(file, outcome)| print(out, file, outcome, args, &now))
    })?;
    let refused = checked.iter().filter(|(_, outcome)| outcome.is_err()).count();
    match refused {
        0 => Ok(()),
        refused => Err(ZonesError::Refused { refused, of: checked.len() }.into()),
    }
}

/// A good document with what it compiles to, or what is wrong.
type Outcome = Result<(Document, Compiled), Vec<String>>;

fn outcome(file: &Path, args: &CheckArgs, now: Timestamp, earlier: &[(&Path, Outcome)]) -> Outcome {
    let lines =
        |errors: &[FieldError]| errors.iter().map(ToString::to_string).collect::<Vec<String>>();
    let text = load_text(file).map_err(|error| vec![crate::telemetry::chain(&error)])?;
    let document = parse(&text).map_err(|mut errors| {
        // A time sum can be told of a document that is wrong elsewhere: all in one go.
        errors.extend(shape(&text).iter().flat_map(|draft| draft.slow_zones(args.pipeline)));
        lines(&errors)
    })?;
    let context = Context {
        camera: 0,
        now,
        monotonic_now: clock::monotonic(),
        frame_size: Some(args.picture.0),
        pipeline_max_ms: args.pipeline,
        inputs: None,
    };
    let compiled = document.compile(&context).map_err(|errors| lines(&errors))?;
    for (other, outcome) in earlier {
        let Ok((known, _)) = outcome else { continue };
        if let Some(zone) = document.zones.iter().find(|zone| known.zone(&zone.id).is_some()) {
            return Err(vec![format!(
                "the id `{}` is used twice, also in {}; ids must differ over all cameras",
                zone.id,
                other.display()
            )]);
        }
    }
    Ok((document, compiled))
}

fn time_zone(args: &CheckArgs) -> Result<TimeZone, Box<dyn Error>> {
    let named = |name: &str| {
        TimeZone::get(name)
            .map_err(|source| ZonesError::TimeZone { name: name.to_owned(), source }.into())
    };
    if let Some(name) = &args.time_zone {
        return named(name);
    }
    if let Some(file) = &args.config {
        return named(&Config::load(file)?.site.time_zone);
    }
    // Nobody asked for the configuration, so one that is not right is no reason to stop.
    match Config::load(Path::new(CONFIG_FILE)) {
        Ok(config) => named(&config.site.time_zone),
        Err(_) => Ok(TimeZone::system()),
    }
}

fn print(
    out: &mut dyn Write,
    file: &Path,
    outcome: &Outcome,
    args: &CheckArgs,
    now: &Zoned,
) -> io::Result<()> {
    let (document, compiled) = match outcome {
        Ok(both) => both,
        Err(lines) => {
            writeln!(out, "FAIL  {}", file.display())?;
            return lines.iter().try_for_each(|line| writeln!(out, "      {line}"));
        }
    };
    let digest = document.digest();
    let start = digest.get(..12).unwrap_or_default();
    let zones = match document.zones.len() {
        1 => "1 zone".to_owned(),
        zones => format!("{zones} zones"),
    };
    writeln!(out, "OK    {}: {zones}, digest {start}", file.display())?;
    for zone in &document.zones {
        writeln!(out, "      {} ({}): {}", zone.name, zone.id, zone.kind().words())?;
        if let Some(sum) = time_sum(zone, args.pipeline) {
            writeln!(out, "        {sum}")?;
        }
        if let Some(armed) = arming(zone, now) {
            writeln!(out, "        {armed}")?;
        }
        if let Some(reason) = zone.reason() {
            writeln!(out, "        not looked at: {reason}")?;
        }
    }
    if let Some(fit) = &compiled.fit {
        let (residual, worst) = (fit.residual_m, fit.worst_m);
        writeln!(out, "      calibration: residual {residual:.2} m, worst {worst:.2} m")?;
    }
    for warning in &compiled.warnings {
        writeln!(out, "WARN  {}: {warning}", file.display())?;
    }
    Ok(())
}

/// The time sum of a zone, and its grace.
fn time_sum(zone: &Zone, pipeline_ms: u32) -> Option<String> {
    let delay = zone.delay(pipeline_ms)?;
    let grace = match (&zone.duty, zone.presence()) {
        (Duty::Occupancy { .. }, Some(presence)) => {
            format!(", after a grace of {} ms", presence.dwell_ms)
        }
        _ => String::new(),
    };
    Some(format!("{delay} of {SYSTEM_MS_MAX} ms{grace}"))
}

fn arming(zone: &Zone, now: &Zoned) -> Option<String> {
    let watch = zone.watch()?;
    let rule = ArmingRule { schedule: watch.schedule.clone(), interlock: watch.interlock.clone() };
    Some(rule.words(now))
}
