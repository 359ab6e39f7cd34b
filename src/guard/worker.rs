//! The supervisor of the vision process: starts it, watches it, ends it, starts it again.
//!
//! ```text
//!            spawn                 Ready
//!   waiting ──────> starting ───────────────> watching
//!      ^               │ START_SILENCE_MAX      │ SILENCE_MAX
//!      └── back-off ───┴──── ended / killed ────┘
//! ```
//!
//! It never makes a call that the vision process can hold up: writing has a thread and a bounded
//! queue, reading has a thread, ending is SIGKILL to the whole process group, which also ends a
//! process that is stopped (SIGSTOP).
//!
//! Not here: raising UNKNOWN. The engine does that by itself when reports stop; all this can do is
//! to shorten the time until somebody watches again.

use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::confine::confine;
use super::message::{Message, WorkerNews};
use super::models::seen::{LifeEnd, ModelNews};
use super::worker_link::{Addressees, Pulse, start_reader, start_writer};
use super::worker_plan::WorkerPlan;
use crate::clock;
use crate::engine::time::Instant;
use crate::link::{ModelChoice, ToWorker, WorkerConfig};

/// Longest silence of a process that watches, before it is killed. The alarm came long before (after
/// 600 ms); this leaves a process that was merely held up the chance to go on.
pub const SILENCE_MAX: Duration = Duration::from_secs(2);

/// Longest silence while the model loads; the slowest model on the slowest box takes about 4 s.
pub const START_SILENCE_MAX: Duration = Duration::from_secs(10);

/// First and longest pause before the next start; doubled after each failure beyond `LIVES_AT_ONCE`.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// After so many doublings it is the longest one.
const BACK_OFF_DOUBLED_MAX: u32 = 6;

/// So many lives in a row may fail before a pause becomes longer than the first: a model on trial has
/// three, and the one after them is that of a model that guarded before.
const LIVES_AT_ONCE: u32 = 4;

/// A process that lived this long is healthy: the next pause is the first again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// How long a process may take to end after `Stop`.
const STOP_MAX: Duration = Duration::from_secs(1);

/// How long a killed process may take to be gone, before it is left to the system.
const REAP_MAX: Duration = Duration::from_secs(2);

/// How often the process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Messages waiting for the vision process: what is known of the views of as many cameras as a box
/// may have, and as many more.
const TO_WORKER_MAX: usize = 128;

/// Of the C library, for the vision process: memory that one thread frees can be used by every other.
/// By default each thread gets a heap of its own, and pipelines that come and go (a clip is made, a
/// file begins again) leave each of them with holes: it grows for hours by what nobody holds.
/// Measured in docs/design/soak.md. See mallopt(3), M_ARENA_MAX.
pub(super) const ONE_HEAP: (&str, &str) = ("MALLOC_ARENA_MAX", "1");

/// Sends to the vision process of the moment; never waits.
#[derive(Clone, Debug)]
pub struct WorkerPost {
    tasks: SyncSender<Task>,
    life: Arc<AtomicU32>,
}

impl WorkerPost {
    /// Sends if there is a process and room; a message for a process that ends is lost with it.
    pub fn post(&self, message: ToWorker) {
        if self.tasks.try_send(Task::Send(message)).is_err() {
            tracing::debug!("a message to the vision process was dropped: too many at once");
        }
    }

    /// Counts the processes started; a new one knows nothing of what was posted before.
    pub fn life(&self) -> u32 {
        self.life.load(Ordering::Acquire)
    }
}

#[cfg(test)]
impl WorkerPost {
    /// One of which nobody but whoever made it gets the messages, each at once or not at all.
    pub fn of_nobody() -> (WorkerPost, impl FnMut() -> Option<ToWorker>) {
        let (tasks, inbox) = mpsc::sync_channel(TO_WORKER_MAX);
        let sent = move || match inbox.try_recv() {
            Ok(Task::Send(message)) => Some(message),
            Ok(Task::LinkClosed | Task::Stop) | Err(_) => None,
        };
        (WorkerPost { tasks, life: Arc::new(AtomicU32::new(0)) }, sent)
    }
}

#[derive(Debug)]
enum Task {
    Send(ToWorker),
    LinkClosed,
    Stop,
}

/// The supervisor thread, to be stopped.
#[derive(Debug)]
pub struct SupervisorThread {
    tasks: SyncSender<Task>,
    thread: JoinHandle<()>,
}

impl SupervisorThread {
    pub fn start(plan: WorkerPlan, to: Addressees) -> io::Result<(WorkerPost, SupervisorThread)> {
        let (tasks, inbox) = mpsc::sync_channel(TO_WORKER_MAX);
        let post = WorkerPost { tasks: tasks.clone(), life: Arc::new(AtomicU32::new(0)) };
        let supervisor = Supervisor { plan, to, inbox, post: post.clone(), restarts: 0 };
        let thread =
            thread::Builder::new().name("supervisor".into()).spawn(move || supervisor.run())?;
        Ok((post, SupervisorThread { tasks, thread }))
    }

    /// Sends to the vision process of the moment, as `WorkerPost::post`.
    pub fn tell(&self, message: ToWorker) {
        if self.tasks.try_send(Task::Send(message)).is_err() {
            tracing::debug!("a message to the vision process was dropped: too many at once");
        }
    }

    /// Ends the vision process and then the thread; takes about `STOP_MAX` at worst.
    pub fn stop(self) {
        // An error means that the thread is gone already.
        let _ = self.tasks.send(Task::Stop);
        let _ = self.thread.join();
    }
}

struct Supervisor {
    plan: WorkerPlan,
    to: Addressees,
    inbox: Receiver<Task>,
    post: WorkerPost,
    restarts: u32,
}

/// How a life of the vision process ended.
enum End {
    /// The box ends.
    Stopped,
    Failed {
        reason: String,
        lived: Duration,
        how: LifeEnd,
    },
}

impl Supervisor {
    fn run(mut self) {
        let mut failed_in_a_row = 0;
        loop {
            let pause = match self.live() {
                End::Stopped => {
                    self.end_of_life(LifeEnd::Stopped, "the box ends".into());
                    return;
                }
                End::Failed { reason, lived, how } => {
                    self.end_of_life(how, reason.clone());
                    failed_in_a_row = match lived >= HEALTHY_AFTER {
                        true => 1,
                        false => failed_in_a_row + 1,
                    };
                    let pause = pause_after(failed_in_a_row);
                    self.restarts += 1;
                    tracing::error!("{reason}; it is started again in {} ms", pause.as_millis());
                    self.tell(WorkerNews::Restarting { reason, restarts: self.restarts });
                    pause
                }
            };
            if self.rest(pause) == Rest::Stopped {
                return;
            }
        }
    }

    fn end_of_life(&self, how: LifeEnd, reason: String) {
        self.to.models.tell(ModelNews::LifeEnded { how, reason });
    }

    /// One life: from the start to the end of one process.
    fn live(&mut self) -> End {
        let started_at = clock::monotonic();
        self.tell(WorkerNews::Starting);
        let models = self.plan.next_life.order();
        let order = models.iter().map(|model| model.slot.clone()).collect();
        self.to.models.tell(ModelNews::LifeBegins { order });
        match Life::start(&self.plan, models, &self.to, &self.post) {
            Ok(life) => {
                self.post.life.fetch_add(1, Ordering::AcqRel);
                self.watch(life, started_at)
            }
            Err(error) => {
                self.tell(WorkerNews::Down);
                End::Failed {
                    reason: format!("the vision process cannot be started: {error}"),
                    lived: Duration::ZERO,
                    how: LifeEnd::Killed,
                }
            }
        }
    }

    fn watch(&self, mut life: Life, started_at: Instant) -> End {
        let mut end = LifeEnd::Killed;
        let how = loop {
            match self.inbox.recv_timeout(LOOK_EVERY) {
                Ok(Task::Send(message)) => life.send(message),
                Ok(Task::LinkClosed) => break life.end(REAP_MAX),
                Ok(Task::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    life.send(ToWorker::Stop);
                    life.wait(STOP_MAX);
                    life.end(REAP_MAX);
                    return End::Stopped;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(status) = life.exited() {
                life.end(REAP_MAX);
                break Some(describe(status));
            }
            let now = clock::monotonic();
            if let Some(silence) = life.hung(now) {
                end = LifeEnd::Hung;
                life.end(REAP_MAX);
                break Some(format!(
                    "it said nothing for {:.1} s and was killed",
                    silence.as_secs_f64()
                ));
            }
        };
        let said = life.close();
        if end == LifeEnd::Killed && life.pulse.gave_up.load(Ordering::Acquire) {
            end = LifeEnd::Failed;
        }
        let reason = match how {
            Some(how) => format!("{said} ({how})"),
            None => said,
        };
        End::Failed { reason, lived: clock::monotonic().since(started_at), how: end }
    }

    fn tell(&self, news: WorkerNews) {
        // The alarm path ends before the supervisor does; then nobody needs to know.
        let _ = self.to.alarm_path.send(Message::Worker(news));
    }

    fn rest(&self, pause: Duration) -> Rest {
        let until = clock::monotonic().after(pause);
        loop {
            let left = until.since(clock::monotonic());
            if left.is_zero() {
                return Rest::Over;
            }
            match self.inbox.recv_timeout(left) {
                Ok(Task::Stop) | Err(RecvTimeoutError::Disconnected) => return Rest::Stopped,
                // Nobody is there to hear it.
                Ok(Task::Send(_) | Task::LinkClosed) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Rest {
    Over,
    Stopped,
}

/// One running process and its link.
struct Life {
    child: Child,
    stream: UnixStream,
    queue: Option<SyncSender<ToWorker>>,
    reader: Option<JoinHandle<String>>,
    writer: Option<JoinHandle<()>>,
    pulse: Arc<Pulse>,
}

impl Life {
    fn start(
        plan: &WorkerPlan,
        models: Vec<ModelChoice>,
        to: &Addressees,
        post: &WorkerPost,
    ) -> io::Result<Life> {
        let (stream, theirs) = UnixStream::pair()?;
        let (program, arguments) = plan
            .command
            .split_first()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no command"))?;
        let pulse = Arc::new(Pulse::default());
        pulse.heard_ns.store(clock::monotonic().as_nanos(), Ordering::Relaxed);
        let (queue, messages) = mpsc::sync_channel(TO_WORKER_MAX);
        let closed = post.tasks.clone();
        let child = Command::new(program)
            .args(arguments)
            .env(ONE_HEAP.0, ONE_HEAP.1)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(plan.feed.other_end())
            .process_group(0)
            .spawn()?;
        confine(child.id(), plan.memory_max_mb);
        let mut life =
            Life { child, stream, queue: Some(queue), reader: None, writer: None, pulse };
        match life.connect(to, messages, closed) {
            Ok(()) => {
                life.send(ToWorker::Start(WorkerConfig { models, ..plan.config.clone() }));
                for (camera, known) in plan.views.known() {
                    life.send(ToWorker::Reference { camera, known: Box::new(known) });
                }
                Ok(life)
            }
            Err(error) => {
                life.end(REAP_MAX);
                Err(error)
            }
        }
    }

    fn connect(
        &mut self,
        to: &Addressees,
        messages: Receiver<ToWorker>,
        closed: SyncSender<Task>,
    ) -> io::Result<()> {
        self.writer = Some(start_writer(self.stream.try_clone()?, messages)?);
        let at_end = move || {
            // Full: then the supervisor finds out at its next look.
            let _ = closed.try_send(Task::LinkClosed);
        };
        let stream = self.stream.try_clone()?;
        self.reader = Some(start_reader(stream, to.clone(), self.pulse.clone(), at_end)?);
        Ok(())
    }

    fn send(&self, message: ToWorker) {
        if let Some(queue) = &self.queue {
            // Full: the process does not read, which its silence will show.
            let _ = queue.try_send(message);
        }
    }

    fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// For how long it has been silent, when that is too long.
    fn hung(&self, now: Instant) -> Option<Duration> {
        let heard = Instant::from_nanos(self.pulse.heard_ns.load(Ordering::Relaxed));
        let silence = now.since(heard);
        let allowed = match self.pulse.ready.load(Ordering::Acquire) {
            true => SILENCE_MAX,
            false => START_SILENCE_MAX,
        };
        (silence > allowed).then_some(silence)
    }

    /// Waits until the process has gone, at most `limit`.
    fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let until = clock::monotonic().after(limit);
        loop {
            if let Some(status) = self.exited() {
                return Some(status);
            }
            if until.since(clock::monotonic()).is_zero() {
                return None;
            }
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Kills what is left of the process and its children; says how the process ended.
    fn end(&mut self, limit: Duration) -> Option<String> {
        let before = self.exited();
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // An error means that no process of the group is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let after = self.wait(limit);
        if after.is_none() {
            tracing::error!("a killed vision process does not end; it is left to the system");
        }
        before.or(after).map(describe)
    }

    /// Closes the link, ends its threads and says what the process said last.
    fn close(&mut self) -> String {
        self.queue = None;
        // Wakes both threads, also when a grandchild still holds the other end.
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
        let dropped = self.pulse.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!("{dropped} reports were dropped: the alarm path had too much to do");
        }
        match self.reader.take().map(JoinHandle::join) {
            Some(Ok(reason)) => reason,
            Some(Err(_)) | None => "the link to the vision process broke".into(),
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.close();
    }
}

fn describe(status: ExitStatus) -> String {
    status.to_string()
}

/// The pause after so many lives in a row that failed.
fn pause_after(failed: u32) -> Duration {
    let doubled = failed.saturating_sub(LIVES_AT_ONCE).min(BACK_OFF_DOUBLED_MAX);
    (BACK_OFF.0 * 2_u32.pow(doubled)).min(BACK_OFF.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_that_used_up_its_lives_does_not_hold_up_the_model_before_it() {
        let pauses: Vec<u128> = (1..=12).map(|failed| pause_after(failed).as_millis()).collect();
        assert_eq!(pauses[..6], [200, 200, 200, 200, 400, 800]);
        assert_eq!(pauses[9..], [10_000; 3]);
    }
}
