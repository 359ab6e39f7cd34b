//! One life of the shadow process: its start, its link, its end.
//!
//! Nothing here waits for it: writing is one message before it has anything to say, reading has a thread,
//! ending is SIGKILL to the whole process group.
//!
//! Not here: when it is started again (`supervisor`).

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::feed::FeedPort;
use super::log::Looked;
use super::{ShadowQueue, Told};
use crate::clock;
use crate::engine::time::Instant;
use crate::guard::worker::ONE_HEAP;
use crate::link::{
    self, FromWorker, LinkError, ModelChoice, PROTOCOL_VERSION, ToWorker, WorkerConfig, WorkerRole,
};
use crate::telemetry::chain;

/// A process that worked for so long without a word hangs. Time of the processor: it may get little of
/// it, and waiting for it is no fault of the model.
const WORK_MAX: Duration = Duration::from_secs(5);

/// One that said nothing for so long hangs, whatever it did. Where a picture always waits it is stopped for
/// ten elevenths of the time: a look of five seconds of the processor then takes a minute.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// The same while it loads: that takes up to some ten seconds of the processor, of which it may get a tenth.
const LOAD_MAX: Duration = Duration::from_secs(300);

/// Of these the kernel counts what a process worked (`_SC_CLK_TCK`, 100 on every Linux that runs here).
const TICKS_A_SECOND: u64 = 100;

/// What a process is started with.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Program and arguments of the vision process.
    pub command: Vec<OsString>,
    /// That of the active process.
    pub config: WorkerConfig,
    pub feed: FeedPort,
}

#[derive(Debug, Default)]
struct Pulse {
    heard_ns: AtomicU64,
    ready: AtomicBool,
}

/// A running process.
pub(super) struct Life {
    child: Child,
    stream: UnixStream,
    reader: Option<JoinHandle<String>>,
    pulse: Arc<Pulse>,
    /// Beside which active process.
    active: u64,
    /// What it had worked when it was last heard, and when that was.
    worked: (u64, Duration),
}

/// How it ended.
pub(super) struct End {
    pub reason: String,
    pub status: Option<ExitStatus>,
    /// Whether it ever watched.
    pub watched: bool,
}

impl Life {
    pub fn start(plan: &Plan, model: &ModelChoice, to: &ShadowQueue) -> io::Result<Life> {
        let (program, arguments) = plan.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        if !plan.feed.is_there() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let (writes, pictures) = UnixStream::pair()?;
        let (stream, theirs) = UnixStream::pair()?;
        let pulse = Arc::new(Pulse::default());
        pulse.heard_ns.store(clock::monotonic().as_nanos(), Ordering::Relaxed);
        let child = Command::new(program)
            .args(arguments)
            .arg("--shadow")
            .env(ONE_HEAP.0, ONE_HEAP.1)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(pictures)))
            .process_group(0)
            .spawn()?;
        let mut life = Life {
            child,
            stream,
            reader: None,
            pulse: Arc::clone(&pulse),
            active: 0,
            worked: (0, Duration::ZERO),
        };
        let cameras = plan.config.cameras.len();
        let config = WorkerConfig {
            models: vec![model.clone()],
            role: WorkerRole::Shadow,
            ..plan.config.clone()
        };
        let connected = life.connect((config, cameras), pulse, to.clone());
        let handed = connected.and_then(|()| plan.feed.hand_over(&writes, life.child.id()));
        match handed {
            Ok(active) => {
                life.active = active;
                Ok(life)
            }
            Err(error) => {
                life.end();
                Err(error)
            }
        }
    }

    fn connect(
        &mut self,
        (config, cameras): (WorkerConfig, usize),
        pulse: Arc<Pulse>,
        to: ShadowQueue,
    ) -> io::Result<()> {
        // The socket has room for it: nobody waits for the process here.
        link::send(&self.stream, &ToWorker::Start(config)).map_err(io::Error::other)?;
        let stream = self.stream.try_clone()?;
        let read = move || read_all((&stream, cameras), &to, &pulse);
        self.reader = Some(thread::Builder::new().name("shadow-link".into()).spawn(read)?);
        Ok(())
    }

    /// Beside which active process it was started.
    pub fn beside(&self) -> u64 {
        self.active
    }

    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Why it is taken for hung, for people.
    pub fn hung(&mut self, now: Instant) -> Option<String> {
        let heard_ns = self.pulse.heard_ns.load(Ordering::Relaxed);
        let silence = now.since(Instant::from_nanos(heard_ns));
        if !self.pulse.ready.load(Ordering::Acquire) {
            return (silence > LOAD_MAX)
                .then(|| format!("its model was not loaded in {} s", LOAD_MAX.as_secs()));
        }
        let worked = worked(self.child.id()).unwrap_or_default();
        if heard_ns != self.worked.0 {
            self.worked = (heard_ns, worked);
        }
        let work = worked.saturating_sub(self.worked.1);
        (work > WORK_MAX || silence > SILENCE_MAX).then(|| {
            format!(
                "it said nothing for {:.1} s, in which it worked for {:.1} s, and was killed",
                silence.as_secs_f64(),
                work.as_secs_f64()
            )
        })
    }

    /// Kills what is left of it; says how it ended.
    pub fn end(&mut self) -> End {
        let before = self.exited();
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // An error means that no process of the group is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
        // A killed process ends at once, but for one in a driver, of which a model knows nothing.
        let after = self.child.wait().ok();
        let _ = self.stream.shutdown(Shutdown::Both);
        let said = match self.reader.take().map(JoinHandle::join) {
            Some(Ok(reason)) => reason,
            Some(Err(_)) | None => "the link to it broke".into(),
        };
        let status = before.or(after);
        let how = status.map(|status| format!(" ({status})")).unwrap_or_default();
        let watched = self.pulse.ready.load(Ordering::Acquire);
        End { reason: format!("{said}{how}"), status: before, watched }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if self.reader.is_some() {
            self.end();
        }
    }
}

/// Until the link ends; says why it did.
fn read_all((stream, cameras): (&UnixStream, usize), to: &ShadowQueue, pulse: &Pulse) -> String {
    let mut source = io::BufReader::with_capacity(64 * 1024, stream);
    let mut fatal = None;
    loop {
        let message = match link::receive::<FromWorker>(&mut source) {
            Ok(message) => message,
            Err(LinkError::Closed | LinkError::Io(_)) => {
                return fatal.unwrap_or_else(|| "the shadow process ended".into());
            }
            Err(error) => return chain(&error),
        };
        pulse.heard_ns.store(clock::monotonic().as_nanos(), Ordering::Relaxed);
        match message {
            FromWorker::Hello { version } if version != PROTOCOL_VERSION => {
                return format!("the shadow process speaks version {version} of the link");
            }
            FromWorker::Ready(model) => {
                pulse.ready.store(true, Ordering::Release);
                to.tell(Told::Ready(Box::new(model)));
            }
            FromWorker::Report(report) => {
                if let Some(looked) = Looked::of(&report, cameras, clock::monotonic()) {
                    to.report(looked);
                }
            }
            FromWorker::Fatal { reason } => fatal = Some(reason),
            // Its heartbeat is that it speaks; nothing else is of any interest.
            _ => {}
        }
    }
}

/// What a process has worked since it began.
fn worked(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Behind the name, which may hold anything: state is the first field, utime the twelfth.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(11)? + ticks(12)?) * 1000 / TICKS_A_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that does nothing at all, heard at `heard`.
    fn silent(heard: Instant, ready: bool) -> Life {
        let (stream, _) = UnixStream::pair().expect("two sockets");
        let child = Command::new("sleep").arg("600").process_group(0).spawn().expect("it starts");
        let pulse = Pulse { heard_ns: heard.as_nanos().into(), ready: ready.into() };
        let (reader, pulse) = (None, Arc::new(pulse));
        Life { child, stream, reader, pulse, active: 0, worked: (0, Duration::ZERO) }
    }

    #[test]
    fn a_process_that_hangs_without_work_is_told_by_its_silence_and_ends() {
        let heard = clock::monotonic();
        for (ready, most, why) in
            [(true, SILENCE_MAX, "it said nothing"), (false, LOAD_MAX, "was not loaded")]
        {
            let mut life = silent(heard, ready);
            assert_eq!(life.hung(heard.after(most)), None, "it may be given no time to work");
            let hung = life.hung(heard.after(most + Duration::from_millis(1)));
            assert!(hung.as_deref().is_some_and(|hung| hung.contains(why)), "{hung:?}");
            let end = life.end();
            assert!(end.status.is_none() && end.reason.contains("signal: 9"), "{}", end.reason);
            assert!(life.exited().is_some(), "nothing of it is left");
        }
    }
}
