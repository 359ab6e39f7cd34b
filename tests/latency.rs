//! From light at a camera to samples at the sound device: the real program, a network camera that
//! the test makes, a sound card that only records, and what may go wrong around them.
//!
//! `docs/design/latency.md` says what is measured and how far it can be trusted. The tests below hold
//! the promise's maxima with a few people; `scripts/latency` measures with many.

#[path = "latency/camera.rs"]
mod camera;
#[path = "latency/ear.rs"]
mod ear;
#[path = "latency/handheld.rs"]
mod handheld;
#[path = "latency/plot.rs"]
mod plot;
#[path = "latency/report.rs"]
mod report;
#[path = "support/running.rs"]
#[expect(dead_code, reason = "the soak asks which process it is")]
mod running;
#[path = "latency/service.rs"]
mod service;
#[path = "latency/trouble.rs"]
mod trouble;
#[path = "latency/watch.rs"]
mod watch;
#[path = "latency/yard.rs"]
mod yard;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use report::{Incident, read, read_all};
use trouble::Condition;
use watch::Receiver;

/// Set in the run of this program that has sound card, network and mounts of its own: condition,
/// cameras, incidents, and the file the figures go to.
const INSIDE: &str = "STANDCLEAR_LATENCY_INSIDE";

/// What `tests/siren/record` exits with when PulseAudio is missing.
const NOT_INSTALLED: i32 = 77;

/// The promise: from light at the camera to a sounding siren, at worst.
const SIREN_MAX_MS: f64 = 1000.0;

/// Held by whoever measures.
static ALONE: Mutex<()> = Mutex::new(());

/// One measurement.
#[derive(Clone, Debug)]
struct Plan {
    condition: Condition,
    cameras: usize,
    incidents: usize,
    receiver: Receiver,
}

impl Plan {
    fn siren(condition: Condition, incidents: usize) -> Plan {
        Plan { condition, cameras: 1, incidents, receiver: Receiver::Siren }
    }

    fn to_text(&self) -> String {
        let receiver = match self.receiver {
            Receiver::Siren => "siren",
            Receiver::SirenAndHandheld => "handheld",
        };
        format!("{} {} {} {receiver}", self.condition.key(), self.cameras, self.incidents)
    }

    fn of_text(text: &str) -> Plan {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [condition, cameras, incidents, receiver] = words[..] else {
            panic!("{text:?} is no plan: CONDITION CAMERAS INCIDENTS siren|handheld");
        };
        Plan {
            condition: Condition::of_key(condition).unwrap_or_else(|| {
                let known = Condition::ALL.map(Condition::key).join(", ");
                panic!("{condition} is no condition; there are: {known}")
            }),
            cameras: cameras.parse().expect("a number of cameras"),
            incidents: incidents.parse().expect("a number of incidents"),
            receiver: match receiver {
                "siren" => Receiver::Siren,
                "handheld" => Receiver::SirenAndHandheld,
                other => panic!("{other} is no receiver: siren or handheld"),
            },
        }
    }
}

#[test]
fn the_siren_sounds_within_a_second_of_light_at_the_camera() {
    holds(&Plan::siren(Condition::Calm, 3));
}

#[test]
fn the_siren_does_not_wait_for_a_disk_that_stands_still() {
    holds(&Plan::siren(Condition::DiskStalled, 2));
}

#[test]
fn the_siren_needs_no_network() {
    holds(&Plan::siren(Condition::NoRoute, 2));
}

fn holds(plan: &Plan) {
    // Also where tests of one program share a process: two at once would time each other.
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("incidents.tsv");
    if let Outcome::Skipped(why) = run(plan, &file) {
        eprintln!("SKIPPED ({}): {why}", plan.to_text());
        return;
    }
    let incidents = read(&file);
    assert_eq!(incidents.len(), plan.incidents, "{incidents:?}");
    for incident in &incidents {
        println!("{incident:?}");
        let total = incident.total_ms.unwrap_or(f64::INFINITY);
        assert!(total <= SIREN_MAX_MS, "heard after {total} ms: {incident:?}");
    }
}

/// The long measurement, for `scripts/latency`: plans in `STANDCLEAR_LATENCY_PLANS` divided by commas,
/// results in the folder `STANDCLEAR_LATENCY_OUT`.
#[test]
#[ignore = "measures for an hour: scripts/latency"]
fn measure() {
    let plans = env::var("STANDCLEAR_LATENCY_PLANS").expect("started by scripts/latency");
    let out = PathBuf::from(env::var_os("STANDCLEAR_LATENCY_OUT").expect("a folder"));
    fs::create_dir_all(&out).expect("a folder");
    for plan in plans.split(',').map(Plan::of_text) {
        println!("== {}", plan.to_text());
        let file = out.join(format!("{}-{}.tsv", plan.condition.key(), plan.cameras));
        if let Outcome::Skipped(why) = run(&plan, &file) {
            println!("SKIPPED: {why}");
        }
        // After each, so that a run cut short leaves what it has.
        let incidents = read_all(&out);
        fs::write(out.join("latency.md"), report::table(&incidents)).expect("written");
        fs::write(out.join("latency.svg"), plot::svg(&incidents)).expect("written");
    }
    println!("\n{}", report::table(&read_all(&out)));
}

enum Outcome {
    Measured,
    Skipped(String),
}

/// Runs a plan in a run of this program of its own.
fn run(plan: &Plan, file: &Path) -> Outcome {
    for tool in ["chrt", "pulseaudio", "parec", "pacat"] {
        if !installed(tool) {
            return Outcome::Skipped(format!("{tool} is not installed"));
        }
    }
    let wrapper = plan.condition.wrapper();
    if let Some(first) = wrapper.first()
        && !can(first, &wrapper[1..])
    {
        return Outcome::Skipped(format!("`{}` is not allowed here; root is", wrapper.join(" ")));
    }
    let mut words: Vec<&str> = wrapper.to_vec();
    // Camera, sound server and recorder stand for hardware: they do not wait for a processor.
    let real_time = ["chrt", "--fifo", "10"];
    match can(real_time[0], &real_time[1..]) {
        true => words.extend(real_time),
        false => println!("without real-time priority for camera and recorder: root has it"),
    }
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/siren/record");
    words.push(record.to_str().expect("a path in words"));
    let status = Command::new(words[0])
        .args(&words[1..])
        .arg(env::current_exe().expect("this program"))
        .args(["--exact", "inside_the_yard", "--nocapture"])
        .env(INSIDE, format!("{} {}", plan.to_text(), file.display()))
        .status()
        .expect("it starts");
    if status.code() == Some(NOT_INSTALLED) {
        return Outcome::Skipped("libasound2-plugins is not installed".into());
    }
    assert!(status.success(), "{}: the part inside failed, see above", plan.to_text());
    Outcome::Measured
}

fn installed(tool: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(tool).is_file())
}

/// Whether a command may be started under this.
fn can(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).arg("true").status().is_ok_and(|status| status.success())
}

/// The body of the tests above; does nothing when it is not started by them.
#[test]
fn inside_the_yard() {
    let Ok(text) = env::var(INSIDE) else {
        return;
    };
    let (plan, file) = text.rsplit_once(' ').expect("plan and file");
    let plan = Plan::of_text(plan);
    let incidents = watch::watch(plan.condition, plan.cameras, plan.incidents, plan.receiver);
    let lines: Vec<String> = incidents.iter().map(Incident::to_line).collect();
    fs::write(file, lines.join("\n") + "\n").expect("written");
}

/// Not a test of its own: floods the web server of another run.
#[test]
fn flood_of_connections() {
    if let Ok(address) = env::var(trouble::FLOOD) {
        trouble::flood(&address);
    }
}
