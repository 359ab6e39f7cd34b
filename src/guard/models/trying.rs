//! A model is loaded, shown its golden pictures and timed before it may come near a camera: in a process
//! of its own, within a time and an amount of memory, so that a hostile one hurts nobody.
//!
//! The process prints one line of JSON, [`Report`]. Whatever else it does is a model that cannot be
//! loaded. It ends when its input does, so that it does not outlive a guard that was killed.
//!
//! Not here: what the process does (`standclear model try`).

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::config::Model;
use crate::guard::confine::confine_trial;
use crate::rollout::stage::Fault;

/// Longest a model may be tried: the slowest box takes 4 s to load the slowest model, and runs it for
/// some seconds.
pub const TRY_MAX: Duration = Duration::from_secs(90);

/// Most that such a process says.
const SAID_BYTES_MAX: u64 = 64 * 1024;

/// Of a command line that is not understood.
const EXIT_USAGE: i32 = 2;

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    Well {
        p99: Duration,
        pictures: u32,
    },
    /// `code` is the API's.
    Badly {
        fault: Fault,
        code: &'static str,
        text: String,
    },
    /// Nobody knows: there is no such process here.
    NotTried {
        text: String,
    },
}

/// What the process says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum Report {
    NotLoadable {
        why: String,
    },
    GoldenFailed {
        why: String,
    },
    /// It finds whom it must find.
    Right {
        /// Of the pictures that were measured.
        p99_ms: f64,
        pictures: u32,
    },
}

/// Tries a model in a folder. Blocking.
pub trait TryModel: Send + Sync {
    fn try_model(&self, dir: &Path) -> Tried;
}

/// By a process.
pub struct TryProcess {
    /// Program and arguments; the folder follows.
    pub command: Vec<OsString>,
    pub budget: Duration,
    pub within: Duration,
}

impl TryProcess {
    /// This program, as the box runs models. Where the vision process is another program, a box in a
    /// test, that one is asked.
    pub fn of(vision: &[OsString], model: &Model, budget: Duration) -> TryProcess {
        let program = vision.first().cloned().unwrap_or_default();
        let mut command: Vec<OsString> = vec![program, "model".into(), "try".into()];
        command.extend(["--provider".into(), model.provider.clone().into()]);
        command.extend(["--threads".into(), model.threads.to_string().into()]);
        if let Some(px) = model.input_long_side_px {
            command.extend(["--long-side".into(), px.to_string().into()]);
        }
        TryProcess { command, budget, within: TRY_MAX }
    }
}

/// How the process ended.
enum Ended {
    Said(ExitStatus, Vec<u8>),
    TooLong,
}

impl TryModel for TryProcess {
    fn try_model(&self, dir: &Path) -> Tried {
        let not_loadable = |text: String| Tried::Badly {
            fault: Fault::Error,
            code: "not_loadable",
            text: format!("it cannot be loaded: {text}"),
        };
        let said = match self.run(dir) {
            Ok(Ended::Said(_, said)) if !said.is_empty() => said,
            // So does a program that was built without vision end: it knows no such command.
            Ok(Ended::Said(status, _)) if status.code() == Some(EXIT_USAGE) => {
                let text = "this program was built without vision and cannot try a model".into();
                return Tried::NotTried { text };
            }
            Ok(Ended::Said(status, _)) => {
                return not_loadable(format!("the process that tried it ended with {status}"));
            }
            Ok(Ended::TooLong) => {
                let text = format!("it could not be tried within {} s", self.within.as_secs_f64());
                return Tried::Badly { fault: Fault::Hung, code: "too_slow", text };
            }
            Err(error) => {
                let text = format!("no process could be started to try it: {error}");
                return Tried::NotTried { text };
            }
        };
        match serde_json::from_slice(&said) {
            Ok(report) => self.judge(report),
            Err(error) => not_loadable(format!("what tried it said something else: {error}")),
        }
    }
}

impl TryProcess {
    fn judge(&self, report: Report) -> Tried {
        match report {
            Report::NotLoadable { why } => Tried::Badly {
                fault: Fault::Error,
                code: "not_loadable",
                text: format!("it cannot be loaded: {why}"),
            },
            Report::GoldenFailed { why } => {
                Tried::Badly { fault: Fault::GoldenFailed, code: "golden_failed", text: why }
            }
            Report::Right { p99_ms, pictures } => {
                let budget_ms = self.budget.as_secs_f64() * 1e3;
                // Also where it is no number.
                if !(p99_ms >= 0.0 && p99_ms <= budget_ms) {
                    let text = format!(
                        "one picture in a hundred takes {p99_ms:.0} ms or longer here, and the \
                         budget is {budget_ms:.0} ms (models.latency_budget_ms); where the machine was \
                         busy with something else, bring it in once more"
                    );
                    return Tried::Badly { fault: Fault::Latency, code: "too_slow", text };
                }
                Tried::Well { p99: Duration::from_secs_f64(p99_ms / 1e3), pictures }
            }
        }
    }

    fn run(&self, dir: &Path) -> io::Result<Ended> {
        let no_command = || io::Error::new(io::ErrorKind::InvalidInput, "no command");
        let (program, arguments) = self.command.split_first().ok_or_else(no_command)?;
        let mut child = Command::new(program)
            .args(arguments)
            .arg("--")
            .arg(dir)
            // Held open for as long as this process lives and waits.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        confine_trial(child.id());
        // Its word is read beside, so that a full pipe is no reason to wait.
        let pipe = child.stdout.take();
        let reader = thread::Builder::new().name("model-try".into()).spawn(move || {
            let mut said = Vec::new();
            if let Some(pipe) = pipe {
                // What came before it broke is no report, or one.
                let _ = pipe.take(SAID_BYTES_MAX).read_to_end(&mut said);
            }
            said
        });
        let status = self.wait(&mut child);
        end(&mut child);
        let said = reader.map(|reader| reader.join().unwrap_or_default());
        match status? {
            Some(status) => Ok(Ended::Said(status, said?)),
            None => Ok(Ended::TooLong),
        }
    }

    fn wait(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let until = clock::monotonic().after(self.within);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if until.since(clock::monotonic()).is_zero() {
                return Ok(None);
            }
            thread::park_timeout(LOOK_EVERY);
        }
    }
}

/// Whatever is left of the process and its children; they hold the pipe, too.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // An error means that no process of the group is left.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(script: &str) -> Tried {
        let command = ["sh", "-c", script, "try"].map(OsString::from).to_vec();
        let within = Duration::from_millis(1_500);
        let process = TryProcess { command, budget: Duration::from_millis(150), within };
        process.try_model(Path::new("/models/one"))
    }

    fn code(tried: &Tried) -> (&'static str, Fault) {
        match tried {
            Tried::Badly { code, fault, .. } => (code, *fault),
            Tried::Well { .. } | Tried::NotTried { .. } => panic!("{tried:?}"),
        }
    }

    #[test]
    fn a_model_that_is_right_and_quick_enough_is_told_with_its_time() {
        let said = r#"echo '{"outcome":"right","p99_ms":41.5,"pictures":100}'"#;
        let well = Tried::Well { p99: Duration::from_micros(41_500), pictures: 100 };
        assert_eq!(tried(said), well);
        // The folder is what follows the arguments.
        let said = r#"echo "{\"outcome\":\"not_loadable\",\"why\":\"$2\"}""#;
        let Tried::Badly { text, .. } = tried(said) else { panic!("it was not loaded") };
        assert!(text.contains("/models/one"), "{text}");
    }

    #[test]
    fn whatever_such_a_process_does_is_said_of_the_model_and_ends_in_time() {
        let slow = r#"echo '{"outcome":"right","p99_ms":151,"pictures":100}'"#;
        assert_eq!(code(&tried(slow)), ("too_slow", Fault::Latency));
        let golden = r#"echo '{"outcome":"golden_failed","why":"it sees nobody"}'"#;
        assert_eq!(code(&tried(golden)), ("golden_failed", Fault::GoldenFailed));
        for dies in ["kill -9 $$", "exit 3", "echo what", "head -c 1000000 /dev/zero"] {
            assert_eq!(code(&tried(dies)), ("not_loadable", Fault::Error), "{dies}");
        }
        // Also one that leaves a child with the pipe behind.
        for hangs in ["sleep 60", "sleep 60 & wait"] {
            assert_eq!(code(&tried(hangs)), ("too_slow", Fault::Hung), "{hangs}");
        }
    }

    #[test]
    fn what_tries_a_model_has_bounded_memory_goes_first_and_hears_when_the_guard_is_gone() {
        let right = r#"echo '{"outcome":"right","p99_ms":1,"pictures":100}'"#;
        let is_last = r#"[ "$(cat /proc/self/oom_score_adj)" != 1000 ]"#;
        let is_free = r#"[ "$(ulimit -d)" = unlimited ]"#;
        // Set from outside, some moment after its start.
        let confined = tried(&format!("while {is_last} || {is_free}; do :; done; {right}"));
        assert!(matches!(confined, Tried::Well { .. }), "{confined:?}");
        // Its input stays open, which ends with the guard.
        let open = tried(&format!("[ -p /dev/stdin ] && {right}"));
        assert!(matches!(open, Tried::Well { .. }), "{open:?}");
    }

    #[test]
    fn a_process_that_cannot_be_started_says_nothing_of_the_model() {
        let command = vec!["/there/is/none".into()];
        let process = TryProcess { command, budget: TRY_MAX, within: TRY_MAX };
        let tried = process.try_model(Path::new("/models/one"));
        assert!(matches!(tried, Tried::NotTried { .. }), "{tried:?}");
    }
}
