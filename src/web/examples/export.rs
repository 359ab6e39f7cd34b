//! The bank as one archive, given while it is written.
//!
//! The desk writes on a thread; what it writes is given piece by piece, and it waits for whoever takes
//! it. One who takes nothing, or may not see it any more, ends the writing; what cannot be written to its
//! end breaks the connection off, since half an archive must not look like one. Nothing is given before
//! there is a first piece, so that a failure at the start is told as one.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::runtime;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::guard::handle::examples::ExampleError;
use crate::telemetry::chain;
use crate::web::App;
use crate::web::error::ApiError;
use crate::web::models::{Place, of_example};

/// Given at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Chunks written ahead of whoever takes them.
const CHUNKS_AHEAD: usize = 2;

/// Whoever takes nothing for so long has gone.
const TAKES_NOTHING_MAX: Duration = Duration::from_secs(30);

/// Longest wait for the first piece.
const FIRST_MAX: Duration = Duration::from_secs(60);

/// The archive as a response.
pub(super) async fn send(
    app: &App,
    place: Place,
    by: String,
    may_still: impl Fn() -> bool + Send + 'static,
) -> Result<Response, ApiError> {
    let (chunks, mut taken) = mpsc::channel(CHUNKS_AHEAD);
    let handle = Arc::clone(&app.handle);
    let runtime = runtime::Handle::current();
    let writing = tokio::task::spawn_blocking(move || {
        let _place = place;
        let mut giving = Giving { chunks, waiting: Vec::new(), may_still, runtime };
        let written = handle.example_desk().export(&mut giving, &by);
        giving.finish(written)
    });
    let too_slow = || {
        let message = format!("nothing was written within {} s; try again", FIRST_MAX.as_secs());
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_slow", message)
    };
    let first = tokio::time::timeout(FIRST_MAX, taken.recv()).await;
    let first = match first.map_err(|_elapsed| too_slow())? {
        Some(Ok(first)) => first,
        Some(Err(_)) | None => return Err(failure(writing).await),
    };
    let rest = tokio_stream::once(Ok(first)).chain(ReceiverStream::new(taken));
    let mut response = Response::new(Body::from_stream(rest));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    let name = HeaderValue::from_static("attachment; filename=\"examples.zip\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Why there is no first piece.
async fn failure(writing: tokio::task::JoinHandle<Result<(), ExampleError>>) -> ApiError {
    match writing.await {
        Ok(Err(error)) => of_example(error),
        // An archive has an end, so there is a piece.
        Ok(Ok(())) => of_example(ExampleError::Export("nothing was written".to_owned())),
        Err(error) => {
            tracing::error!(%error, "writing the examples out panicked");
            let message = "the box failed to answer; its log says why";
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
        }
    }
}

/// Where the desk writes to.
struct Giving<M> {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    waiting: Vec<u8>,
    may_still: M,
    runtime: runtime::Handle,
}

impl<M: Fn() -> bool> Giving<M> {
    fn give(&self, chunk: io::Result<Bytes>) -> io::Result<()> {
        let send = async { tokio::time::timeout(TAKES_NOTHING_MAX, self.chunks.send(chunk)).await };
        match self.runtime.block_on(send) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(io::Error::other("whoever was given it has gone")),
            Err(_elapsed) => Err(io::Error::other("whoever is given it takes nothing")),
        }
    }

    fn give_waiting(&mut self) -> io::Result<()> {
        if !(self.may_still)() {
            return Err(io::Error::other("whoever takes it may not see this any more"));
        }
        let chunk = std::mem::take(&mut self.waiting);
        self.give(Ok(chunk.into()))
    }

    /// Gives the rest, or breaks off.
    fn finish(mut self, written: Result<(), ExampleError>) -> Result<(), ExampleError> {
        let given = written.and_then(|()| {
            let rest = if self.waiting.is_empty() { Ok(()) } else { self.give_waiting() };
            rest.map_err(|error| ExampleError::Export(error.to_string()))
        });
        if let Err(error) = &given {
            tracing::warn!("an export of examples was broken off: {}", chain(error));
            // Whoever listens sees no clean end; gone they hear nothing.
            let _ = self.give(Err(io::Error::other("broken off")));
        }
        given
    }
}

impl<M: Fn() -> bool> Write for Giving<M> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = CHUNK_BYTES - self.waiting.len();
        let taken = bytes.len().min(room);
        self.waiting.extend_from_slice(&bytes[..taken]);
        if self.waiting.len() == CHUNK_BYTES {
            self.give_waiting()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
