//! The log: plain lines for people on standard error, level by `STANDCLEAR_LOG`.
//!
//! Guard and vision process share the terminal; each line says which of the two wrote it.
//!
//! Nobody waits for standard error: a line goes into a bounded queue, and one thread writes what is
//! there. A terminal or pipe that takes nothing stops that thread alone; lines that no longer fit
//! are dropped and counted, and the first line that gets through again is told with their number.
//! Not here: metrics.

use std::fmt;
use std::io::{self, Write};
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock;

/// Environment variable with the level (`error`, `warn`, `info`, `debug`) or `tracing` directives.
pub const LEVEL_VARIABLE: &str = "STANDCLEAR_LOG";

/// Longest wait for the log at the end of a process: a terminal takes what is queued in
/// milliseconds, and one that does not must not keep a process from ending.
pub const FLUSH_MAX: Duration = Duration::from_millis(200);

/// Lines waiting for standard error: a burst of every thread; a few hundred kilobytes at most.
const LINES_MAX: usize = 1024;

/// Pause before a full queue is tried again, by `flush` alone.
const RETRY_AFTER: Duration = Duration::from_millis(5);

/// The log of this process.
static LOG: OnceLock<LineQueue> = OnceLock::new();

/// Starts the log of this process; `process` is the word each line begins with (`guard`, `vision`).
/// A panic becomes a line of it. A second call changes nothing.
pub fn start(process: &'static str) {
    let (queue, lines) = LineQueue::new();
    if LOG.set(queue.clone()).is_err() {
        return;
    }
    start_writer(lines, queue.dropped.clone(), io::stderr());
    let filter = EnvFilter::try_from_env(LEVEL_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    // An error means that somebody else's log runs already; theirs it is then.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || queue.clone())
        .with_ansi(false)
        .event_format(Lines { process })
        .try_init();
    // The usual hook writes to standard error itself, and would hang with it.
    panic::set_hook(Box::new(|panicked| {
        tracing::error!("{panicked}");
        flush(FLUSH_MAX);
    }));
}

/// Puts a line for people on standard error, whatever the level of the log, without waiting.
pub fn say(line: &str) {
    match LOG.get() {
        Some(queue) => queue.put(format!("{line}\n").into_bytes()),
        // No log, so no alarm path either; a line that cannot be written is lost.
        None => drop(writeln!(io::stderr(), "{line}")),
    }
}

/// Waits until all lines so far are written, for at most `longest`. For the end of a process.
pub fn flush(longest: Duration) {
    if let Some(queue) = LOG.get() {
        queue.flush(longest);
    }
}

/// What the log's thread is given.
enum Line {
    Text(Vec<u8>),
    /// Everything before this is written.
    Flush(SyncSender<()>),
}

/// The end that never waits; each `write` is one line, as the subscriber hands it over.
#[derive(Clone)]
struct LineQueue {
    lines: SyncSender<Line>,
    /// Lines dropped since the last one that got through.
    dropped: Arc<AtomicU64>,
}

impl LineQueue {
    fn new() -> (LineQueue, Receiver<Line>) {
        let (lines, queued) = mpsc::sync_channel(LINES_MAX);
        (LineQueue { lines, dropped: Arc::default() }, queued)
    }

    fn put(&self, line: Vec<u8>) {
        if self.lines.try_send(Line::Text(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self, longest: Duration) {
        let until = clock::monotonic().after(longest);
        let (written, told) = mpsc::sync_channel(1);
        let mut line = Line::Flush(written);
        loop {
            let left = until.since(clock::monotonic());
            match self.lines.try_send(line) {
                Ok(()) => {
                    // Too late is all right: the wait has its limit.
                    let _ = told.recv_timeout(left);
                    return;
                }
                Err(TrySendError::Full(back)) if !left.is_zero() => line = back,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return,
            }
            thread::park_timeout(RETRY_AFTER.min(left));
        }
    }
}

impl Write for LineQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the only thread that waits for `sink`. Without it every line counts as dropped.
fn start_writer(lines: Receiver<Line>, dropped: Arc<AtomicU64>, sink: impl Write + Send + 'static) {
    let run = move || write_lines(&lines, &dropped, sink);
    if thread::Builder::new().name("log".into()).spawn(run).is_err() {
        say("There is no log: the system does not allow another thread.");
    }
}

/// A line that cannot be written is lost; there is nowhere to say so.
fn write_lines(lines: &Receiver<Line>, dropped: &AtomicU64, mut sink: impl Write) {
    for line in lines {
        match line {
            Line::Text(text) => {
                let _ = sink.write_all(&text);
            }
            Line::Flush(written) => {
                let _ = sink.flush();
                let _ = written.try_send(());
            }
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(sink, "{lost} lines of the log were lost: nobody took them in time");
        }
    }
}

/// `2026-03-01T14:07:33.120Z guard  WARN the siren cannot sound: …`
struct Lines {
    process: &'static str,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = match *event.metadata().level() {
            Level::ERROR => "ERROR ",
            Level::WARN => "WARN ",
            Level::INFO => "",
            Level::DEBUG | Level::TRACE => "debug ",
        };
        let process = self.process;
        write!(writer, "{:.3} {process:<6} {level}", clock::wall())?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// An error and its causes in one line: `a: b: c`.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Longest wait for what must come.
    const WAIT_MAX: Duration = Duration::from_secs(5);

    /// A sink that takes nothing while the test holds its lock.
    #[derive(Clone, Default)]
    struct Pipe(Arc<Mutex<Vec<u8>>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_sink_stops_no_writer_and_its_losses_are_counted() {
        let pipe = Pipe::default();
        let (mut queue, lines) = LineQueue::new();
        start_writer(lines, queue.dropped.clone(), pipe.clone());
        let extra = 10;
        let stuck = pipe.0.lock().expect("not poisoned");
        // One more may be in the thread's hands.
        for number in 0..LINES_MAX + 1 + extra {
            queue.write_all(format!("line {number}\n").as_bytes()).expect("never fails");
        }
        let began = clock::monotonic();
        Write::flush(&mut queue).expect("never fails");
        LineQueue::flush(&queue, Duration::from_millis(50));
        assert!(clock::monotonic().since(began) < Duration::from_secs(1));
        assert!(queue.dropped.load(Ordering::Relaxed) >= extra as u64);
        drop(stuck);
        LineQueue::flush(&queue, WAIT_MAX);
        let text = String::from_utf8(pipe.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        assert!(text.starts_with("line 0\n"), "{text:.40}");
        assert!(text.contains("lines of the log were lost"), "{} bytes", text.len());
    }
}
