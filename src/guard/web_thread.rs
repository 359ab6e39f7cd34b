//! The thread of the web side. Whatever happens on it stays on it.
//!
//! An error or a panic of the server is logged, and the server is started again after a pause that
//! doubles. The alarm path does not know that it exists.

use std::io;
use std::net::TcpListener;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::watch;

use super::handle::Handle;
use crate::telemetry::chain;
use crate::web::{self, Settings};

/// First and longest pause before the server is started again.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// How long requests may take to end when the box does.
const END_MAX: Duration = Duration::from_millis(500);

/// The web thread, to be stopped.
#[derive(Debug)]
pub struct WebThread {
    stop: watch::Sender<Running>,
    thread: JoinHandle<()>,
}

/// Whose pages are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    Operator,
    Handhelds,
}

impl Pages {
    fn thread_name(self) -> &'static str {
        match self {
            Pages::Operator => "web",
            Pages::Handhelds => "handhelds",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Yes,
    No,
}

impl WebThread {
    /// Serves on a socket that listens already.
    pub fn start(
        listener: TcpListener,
        handle: Arc<dyn Handle>,
        settings: Settings,
        pages: Pages,
    ) -> io::Result<WebThread> {
        listener.set_nonblocking(true)?;
        let (stop, stopped) = watch::channel(Running::Yes);
        let thread = thread::Builder::new()
            .name(pages.thread_name().into())
            .spawn(move || run(&listener, &handle, &settings, pages, &stopped))?;
        Ok(WebThread { stop, thread })
    }

    pub fn stop(self) {
        self.stop.send_replace(Running::No);
        let _ = self.thread.join();
    }
}

fn run(
    listener: &TcpListener,
    handle: &Arc<dyn Handle>,
    settings: &Settings,
    pages: Pages,
    stopped: &watch::Receiver<Running>,
) {
    let mut pause = BACK_OFF.0;
    loop {
        let served = panic::catch_unwind(AssertUnwindSafe(|| {
            serve(listener, handle, settings.clone(), pages, stopped)
        }));
        if *stopped.borrow() == Running::No {
            return;
        }
        let why = match served {
            Ok(Ok(())) => "it ended by itself".to_owned(),
            Ok(Err(error)) => error,
            Err(_) => "it panicked".to_owned(),
        };
        tracing::error!(
            "the pages of {} are not served ({why}); the siren is not affected; again in {} ms",
            pages.thread_name(),
            pause.as_millis()
        );
        thread::park_timeout(pause);
        pause = (pause * 2).min(BACK_OFF.1);
    }
}

fn serve(
    listener: &TcpListener,
    handle: &Arc<dyn Handle>,
    settings: Settings,
    pages: Pages,
    stopped: &watch::Receiver<Running>,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let listener = listener.try_clone().map_err(|error| error.to_string())?;
    let mut stopped = stopped.clone();
    let shutdown = async move {
        // An error means that the guard is gone, which is as good as a stop.
        let _ = stopped.wait_for(|running| *running == Running::No).await;
    };
    let handle = handle.clone();
    let outcome = match pages {
        Pages::Operator => runtime.block_on(web::serve(listener, handle, settings, shutdown)),
        Pages::Handhelds => {
            runtime.block_on(web::serve_handhelds(listener, handle, settings, shutdown))
        }
    };
    runtime.shutdown_timeout(END_MAX);
    outcome.map_err(|error| chain(&error))
}
