//! The long run: clean pictures for hours, and how often something was told all the same.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use crate::clock;
use crate::evaluation::intervals::rate;
use crate::integrity::quiet::{FalselyTold, Quiet, Shot};
use crate::integrity::scenes::yard;
use crate::vision::trial::{self, TrialOptions};

use super::super::output::to_stdout;
use super::name;

/// Pictures of a video that are kept to be shown to and fro: a minute at five a second, 30 MB at 416
/// pixels.
const SHOTS_MAX: usize = 300;

const HOURS_A_WEEK: f64 = 168.0;
const SECONDS_AN_HOUR: f64 = 3600.0;
const NOON_H: f64 = 12.0;

/// Pictures judged between two looks at the clock.
const STEPS: usize = 500;

/// The generated yard's size, and colours.
const YARD: (usize, usize) = (416, 234);
const YARD_CAST: (f32, f32) = (2.0, -1.0);

/// What was judged and told, all pieces together.
#[derive(Default)]
pub struct Sum {
    pub told: usize,
    pub hours: f64,
}

/// Shows every piece of footage, and a yard that is generated, for so many hours each, or as long as
/// there is time.
pub fn run(
    videos: &[&Path],
    options: TrialOptions,
    (hours, minutes): (f64, f64),
) -> Result<Sum, Box<dyn Error>> {
    let each = Duration::try_from_secs_f64(minutes * 60.0 / (videos.len() + 1) as f64)?;
    let grey = yard(YARD.0, YARD.1, 0.0, 0.0);
    let mut sum =
        one("a generated yard", vec![Shot { grey, cast: YARD_CAST }], (options, 0), (hours, each))?;
    for (seed, video) in (1..).zip(videos) {
        let shots = trial::shots(video, options, SHOTS_MAX)?;
        let more = one(&name(video), shots, (options, seed), (hours, each))?;
        sum = Sum { told: sum.told + more.told, hours: sum.hours + more.hours };
    }
    to_stdout(|out| match rate(sum.told, sum.hours) {
        None => writeln!(out, "long run: nothing was judged"),
        Some(it) => writeln!(
            out,
            "long run: {} false troubles in {:.1} h, {:.2} a week and camera (95 %: {:.2} to {:.2}, Garwood)",
            sum.told,
            sum.hours,
            it.estimate * HOURS_A_WEEK,
            it.low * HOURS_A_WEEK,
            it.high * HOURS_A_WEEK
        ),
    })?;
    Ok(sum)
}

fn one(
    name: &str,
    shots: Vec<Shot>,
    (options, seed): (TrialOptions, u64),
    (hours, each): (f64, Duration),
) -> Result<Sum, Box<dyn Error>> {
    let every = Duration::try_from_secs_f64(1.0 / options.fps)?;
    let Some(mut quiet) = Quiet::new(shots, every, seed) else {
        return Ok(Sum::default());
    };
    let began = clock::monotonic();
    let judged = |quiet: &Quiet| quiet.judged().as_secs_f64() / SECONDS_AN_HOUR;
    while judged(&quiet) < hours && clock::monotonic().since(began) < each {
        (0..STEPS).for_each(|_| quiet.step());
    }
    let hours = judged(&quiet);
    to_stdout(|out| {
        write!(out, "long run, {name}: {} false in {hours:.1} h", quiet.told().len())?;
        quiet.told().iter().try_for_each(|told| write!(out, "; {}", words(told)))?;
        writeln!(out)
    })?;
    Ok(Sum { told: quiet.told().len(), hours })
}

fn words(told: &FalselyTold) -> String {
    let hours = told.at.as_secs_f64() / SECONDS_AN_HOUR;
    let clock = (hours + NOON_H) % 24.0;
    format!(
        "{:?} after {hours:.2} h, at {:02}:{:02} o'clock ({:.3}, limit {:.3})",
        told.fault,
        clock as u32,
        (clock.fract() * 60.0) as u32,
        told.measured,
        told.limit
    )
}
