//! The log: plain lines for people on standard error, level by `STANDCLEAR_LOG`.
//!
//! Guard and vision process share the terminal; each line says which of the two wrote it.
//! Not here: metrics, and anything the alarm path would have to wait for.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock;

/// Environment variable with the level (`error`, `warn`, `info`, `debug`) or `tracing` directives.
pub const LEVEL_VARIABLE: &str = "STANDCLEAR_LOG";

/// Starts the log of this process; `process` is the word each line begins with (`guard`, `vision`).
/// A second call changes nothing.
pub fn start(process: &'static str) {
    let filter = EnvFilter::try_from_env(LEVEL_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    // An error means that a log runs already, which is what the caller wants.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .event_format(Lines { process })
        .try_init();
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
