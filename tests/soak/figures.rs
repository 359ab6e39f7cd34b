//! What a soak measured, in words, and what of it is beyond the limits.

use std::fmt::Write;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::FPS;
use crate::slope::{ERRORS, Slope, slope};

/// From this share on a machine has nothing left.
const BUSY_SHARE: f64 = 0.9;

/// Of what one camera gets, another gets at least this share: they have the same rate.
const FAIR_MIN: f64 = 0.6;

/// What a box must keep to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of its pictures, each camera gets at least this share looked at.
    pub looked_at_min: f64,
    pub passed_over_max: f64,
    pub age_p50_max_ms: f64,
    pub age_p99_max_ms: f64,
    pub age_max_ms: f64,
    pub unknown_max: Duration,
    /// What memory may grow by, megabytes: an hour by the line through it, and in all.
    pub guard_mb_per_h: f64,
    pub vision_mb_per_h: f64,
    pub growth_max_mb: f64,
    /// Alarms of faults and blind cameras: nothing was wrong.
    pub troubles_max: usize,
}

/// The promises (R2: p99 500 ms from light to siren, of which latency.md leaves 400 ms for what comes
/// before the decision; no picture older than 900 ms is acted on), and growth as small as twenty minutes
/// can tell from none.
pub const PROMISED: Limits = Limits {
    looked_at_min: 0.95,
    passed_over_max: 0.02,
    age_p50_max_ms: 200.0,
    age_p99_max_ms: 400.0,
    age_max_ms: 900.0,
    unknown_max: Duration::ZERO,
    guard_mb_per_h: 2.0,
    vision_mb_per_h: 6.0,
    growth_max_mb: 40.0,
    troubles_max: 0,
};

/// For a minute of a build for tests, which takes up to ten times as long over a picture, beside other
/// tests: only what no slow build and no busy machine explains.
pub const GROSS: Limits = Limits {
    looked_at_min: 0.15,
    passed_over_max: 0.85,
    age_p50_max_ms: 900.0,
    age_p99_max_ms: f64::INFINITY,
    age_max_ms: f64::INFINITY,
    unknown_max: Duration::from_secs(20),
    guard_mb_per_h: f64::INFINITY,
    vision_mb_per_h: f64::INFINITY,
    growth_max_mb: 100.0,
    troubles_max: usize::MAX,
};

/// One camera's pictures between two answers of the box.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraFigures {
    pub id: String,
    pub looked_at: u64,
    pub passed_over: u64,
    pub unknown: Duration,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// Memory of a process over time: hours and megabytes.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub Vec<(f64, f64)>);

/// All that was measured.
#[derive(Clone, Debug)]
pub struct Figures {
    pub span: Duration,
    pub cameras: Vec<CameraFigures>,
    /// The worst p99 of any camera in any minute.
    pub worst_minute_ms: f64,
    pub guard: Memory,
    pub vision: Memory,
    /// Cores used.
    pub guard_cores: f64,
    pub vision_cores: f64,
    pub machine_cores: f64,
    pub incidents: u64,
    pub evidence: String,
    pub restarts: u64,
    pub troubles: Vec<String>,
    pub log: Vec<String>,
}

/// Camera by camera, what lies between two answers of `/api/pictures`.
pub fn between(before: &Value, after: &Value) -> Vec<CameraFigures> {
    let bounds: Vec<f64> = numbers(&after["age_bounds_ms"]);
    let list = |value: &Value| value["cameras"].as_array().cloned().unwrap_or_default();
    let pairs = list(before).into_iter().zip(list(after));
    pairs.map(|(before, after)| camera_between(&bounds, &before, &after)).collect()
}

fn camera_between(bounds: &[f64], before: &Value, after: &Value) -> CameraFigures {
    let count = |key: &str| {
        let at = |value: &Value| value[key].as_u64().unwrap_or(0);
        at(after).saturating_sub(at(before))
    };
    let pairs = numbers(&after["ages"]).into_iter().zip(numbers(&before["ages"]));
    let ages: Vec<f64> = pairs.map(|(after, before)| after - before).collect();
    let oldest = after["age_ms"]["max"].as_f64().unwrap_or(f64::INFINITY);
    let looked_at = count("looked_at");
    let quantile = |share: f64| {
        let (wanted, mut so_far) = ((share * looked_at as f64).ceil().max(1.0), 0.0);
        let class = ages.iter().position(|count| {
            so_far += count;
            so_far >= wanted
        });
        class.map_or(f64::INFINITY, |class| bounds.get(class).copied().unwrap_or(oldest))
    };
    CameraFigures {
        id: after["id"].as_str().unwrap_or_default().to_owned(),
        looked_at,
        passed_over: count("passed_over"),
        unknown: Duration::from_millis(count("unknown_ms")),
        p50_ms: quantile(0.5),
        p99_ms: quantile(0.99),
        max_ms: quantile(1.0),
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_f64).collect()
}

impl Memory {
    fn line(&self) -> Option<Slope> {
        slope(&self.0)
    }

    fn ends(&self) -> (f64, f64) {
        let value = |point: Option<&(f64, f64)>| point.map_or(0.0, |point| point.1);
        (value(self.0.first()), value(self.0.last()))
    }

    fn words(&self) -> String {
        let (first, last) = self.ends();
        let most = self.0.iter().map(|point| point.1).fold(0.0, f64::max);
        let line = match self.line() {
            None => "too few measurements for a slope".to_owned(),
            Some(Slope { per_h, error_per_h }) => {
                let certain = per_h.abs() > ERRORS * error_per_h;
                let known = if certain { "" } else { ", which cannot be told from none" };
                format!("{per_h:+.1} ± {error_per_h:.1} MB/h{known}")
            }
        };
        format!("{first:.1} -> {last:.1} MB, most {most:.1}; {line}")
    }

    fn beyond(&self, who: &str, limit_mb_per_h: f64, growth_max_mb: f64, broken: &mut Vec<String>) {
        let (first, last) = self.ends();
        let certain = self.line().map_or(0.0, |line| line.per_h - ERRORS * line.error_per_h);
        if certain > limit_mb_per_h {
            broken.push(format!(
                "{who} grows by at least {certain:.1} MB an hour, of {limit_mb_per_h} allowed"
            ));
        }
        if last - first > growth_max_mb {
            broken.push(format!("{who} grew from {first:.1} to {last:.1} MB"));
        }
    }
}

impl CameraFigures {
    /// Pictures a camera of this rate gives in that time.
    fn due(span: Duration) -> f64 {
        f64::from(FPS) * span.as_secs_f64()
    }

    fn beyond(&self, span: Duration, limits: &Limits, broken: &mut Vec<String>) {
        let due = CameraFigures::due(span);
        let mut say = |what: String| broken.push(format!("{}: {what}", self.id));
        if (self.looked_at as f64) < limits.looked_at_min * due {
            say(format!("{} of {due:.0} pictures were looked at", self.looked_at));
        }
        if self.passed_over as f64 > limits.passed_over_max * due {
            say(format!("{} of {due:.0} pictures were passed over", self.passed_over));
        }
        if self.unknown > limits.unknown_max {
            say(format!("UNKNOWN for {:.1} s", self.unknown.as_secs_f64()));
        }
        for (name, is_ms, max_ms) in [
            ("p50", self.p50_ms, limits.age_p50_max_ms),
            ("p99", self.p99_ms, limits.age_p99_max_ms),
            ("largest", self.max_ms, limits.age_max_ms),
        ] {
            if is_ms > max_ms {
                say(format!("{name} age of a picture {is_ms:.0} ms, of {max_ms} allowed"));
            }
        }
    }
}

impl Figures {
    /// What is beyond the limits, in words; nothing: it holds.
    pub fn beyond(&self, limits: &Limits) -> Vec<String> {
        let mut broken = Vec::new();
        for camera in &self.cameras {
            camera.beyond(self.span, limits, &mut broken);
        }
        if self.restarts > 0 {
            broken.push(format!("the vision process was started again {} times", self.restarts));
        }
        if self.troubles.len() > limits.troubles_max {
            broken.push(format!("troubles where none was: {}", self.troubles.join("; ")));
        }
        broken.extend(self.beyond_whatever_the_load(limits));
        broken
    }

    /// Whether other programs left the box without a processor, so that its pace says nothing of it.
    pub fn starved_from_outside(&self) -> bool {
        let all = thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        let own = self.guard_cores + self.vision_cores;
        self.machine_cores > BUSY_SHARE * all && own < self.machine_cores / 2.0
    }

    /// Of that, what no other program explains: memory, and a camera that starves beside the others.
    pub fn beyond_whatever_the_load(&self, limits: &Limits) -> Vec<String> {
        let mut broken = Vec::new();
        let least = self.cameras.iter().map(|it| it.looked_at).min().unwrap_or(0);
        let most = self.cameras.iter().map(|it| it.looked_at).max().unwrap_or(0);
        if least == 0 || (least as f64) < FAIR_MIN * most as f64 {
            broken.push(format!("one camera gets {least} pictures looked at, another {most}"));
        }
        let growth = limits.growth_max_mb;
        self.guard.beyond("the guard", limits.guard_mb_per_h, growth, &mut broken);
        self.vision.beyond("the vision process", limits.vision_mb_per_h, growth, &mut broken);
        broken
    }

    /// For people.
    pub fn words(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let due = CameraFigures::due(self.span);
        writeln!(out, "{:.1} minutes measured", self.span.as_secs_f64() / 60.0)?;
        writeln!(
            out,
            "\n| camera | looked at | of | passed over | age p50 | p99 | max, ms | UNKNOWN, s |"
        )?;
        writeln!(out, "|---|---|---|---|---|---|---|---|")?;
        for it in &self.cameras {
            let unknown_s = it.unknown.as_secs_f64();
            let (p50, p99, max) = (it.p50_ms, it.p99_ms, it.max_ms);
            writeln!(
                out,
                "| {} | {} | {due:.0} | {} | {p50:.0} | {p99:.0} | {max:.0} | {unknown_s:.1} |",
                it.id, it.looked_at, it.passed_over
            )?;
        }
        writeln!(out, "\nages to a tenth; worst p99 of a minute {:.0} ms", self.worst_minute_ms)?;
        writeln!(out, "guard:  {:.2} cores, {}", self.guard_cores, self.guard.words())?;
        writeln!(out, "vision: {:.2} cores, {}", self.vision_cores, self.vision.words())?;
        writeln!(out, "machine: {:.2} cores, cameras' server and all", self.machine_cores)?;
        writeln!(out, "{} incidents; {}", self.incidents, self.evidence)?;
        writeln!(out, "vision started again: {}", self.restarts)?;
        writeln!(out, "troubles: {}", list(&self.troubles))?;
        writeln!(out, "warnings in the log: {}", list(&self.log))
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { format!("\n  {}", items.join("\n  ")) }
}
