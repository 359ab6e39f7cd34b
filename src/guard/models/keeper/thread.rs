//! The thread of the keeper: a panic costs what it was about.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{Keeper, KeeperParts, Kind, LOOK_EVERY, Step, Task, Told};
use crate::clock;
use crate::guard::models::seen::NewsQueue;

/// The thread, to be stopped.
pub struct KeeperThread {
    tasks: SyncSender<Task>,
    thread: JoinHandle<()>,
}

/// How long the end of the box waits for it: a disk that hangs is nothing to wait for.
const END_MAX: Duration = Duration::from_secs(1);

impl KeeperThread {
    /// # Errors
    /// The system does not allow another thread.
    pub fn start(
        parts: KeeperParts,
        (tasks, asked): (SyncSender<Task>, Receiver<Task>),
        news: NewsQueue,
    ) -> io::Result<KeeperThread> {
        let mut keeper = Keeper::new(parts);
        let thread = thread::Builder::new().name("model-keeper".into()).spawn(move || {
            while panic::catch_unwind(AssertUnwindSafe(|| keeper.run(&asked, &news))).is_err() {
                tracing::error!("the keeper of models panicked and goes on");
                let text = "the keeper of models failed at this and goes on; what guards stays";
                keeper.book.tell(Told::now(Kind::Fault, None, text));
                keeper.step = Step::Idle;
                thread::park_timeout(LOOK_EVERY);
            }
        })?;
        Ok(KeeperThread { tasks, thread })
    }

    pub fn stop(self) {
        let until = clock::monotonic().after(END_MAX);
        let mut told = false;
        while !self.thread.is_finished() && clock::monotonic() < until {
            told = told || self.tasks.try_send(Task::Stop).is_ok();
            thread::park_timeout(Duration::from_millis(10));
        }
        if self.thread.is_finished() {
            let _ = self.thread.join();
            return;
        }
        tracing::error!("the keeper of models hangs, perhaps with the disk; it is left behind");
    }
}
