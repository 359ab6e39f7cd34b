//! Places for whoever is sent evidence: few, and apart from all others.
//!
//! Clips lie on a disk that may hang. What waits for it then has these places, and neither those of the
//! questions to the store nor the threads that an answer to an alarm needs. A place of a read is given
//! back when the read is over, not when its request was given up.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::guard::handle::Handle;
use crate::web::App;
use crate::web::error::ApiError;

/// Reads of evidence at once, each on a thread: a disk has no use for more.
pub const READS_MAX: usize = 4;

/// Clips and archives under way at once: each has up to 768 KiB in memory.
pub const DOWNLOADS_MAX: usize = 16;

/// Archives among them: whoever fetches many leaves places for those who watch a clip.
pub const EXPORTS_MAX: usize = 4;

/// Longest wait of a request for a place to read; then it is told.
const TURN_MAX: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub(in crate::web) struct Places {
    reads: Arc<Semaphore>,
    downloads: Arc<Semaphore>,
    exports: Arc<Semaphore>,
}

/// Somebody who is being sent evidence, for as long as this lives.
#[derive(Debug)]
pub(in crate::web) struct Download {
    _place: OwnedSemaphorePermit,
    _of_archives: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub fn new() -> Places {
        Places {
            reads: Arc::new(Semaphore::new(READS_MAX)),
            downloads: Arc::new(Semaphore::new(DOWNLOADS_MAX)),
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
        }
    }

    /// A place for one more.
    pub fn download(&self) -> Result<Download, ApiError> {
        match Arc::clone(&self.downloads).try_acquire_owned() {
            Ok(place) => Ok(Download { _place: place, _of_archives: None }),
            Err(_full) => Err(busy(&format!(
                "{DOWNLOADS_MAX} clips and archives are being sent already; try again in a moment"
            ))),
        }
    }

    /// A place for one more archive.
    pub fn export(&self) -> Result<Download, ApiError> {
        let of_archives = Arc::clone(&self.exports).try_acquire_owned().map_err(|_full| {
            busy(&format!("{EXPORTS_MAX} archives are being sent already; try again in a moment"))
        })?;
        Ok(Download { _of_archives: Some(of_archives), ..self.download()? })
    }

    /// Reads from the disk when it is its turn; `None` when it is not within `wait`, or the read
    /// panicked.
    pub async fn read<T: Send + 'static>(
        &self,
        wait: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let turn = Arc::clone(&self.reads).acquire_owned();
        let turn = tokio::time::timeout(wait, turn).await.ok()?.ok()?;
        let read = tokio::task::spawn_blocking(move || {
            let read = work();
            // Not before: a read that hangs still has its thread.
            drop(turn);
            read
        });
        read.await.ok()
    }
}

/// Asks the handle for what lies on the disk of evidence.
pub(in crate::web) async fn ask_evidence<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&dyn Handle) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let handle = Arc::clone(&app.handle);
    let answer = app.evidence.read(TURN_MAX, move || question(&*handle)).await;
    answer.ok_or_else(|| {
        busy("the disk of the evidence is busy, or hangs: others wait for it already; try again")
    })
}

fn busy(message: &str) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
}
