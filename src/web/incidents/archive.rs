//! Giving files as one archive, piece by piece.
//!
//! A file is read twice: for its checksum, which stands before it, and to be given. A chunk is read
//! when the one before is taken, so an archive takes memory for a few chunks, whatever is in it. Files
//! were opened before the first byte: one that is removed meanwhile is still given whole. One that
//! turns out shorter, or cannot be read, breaks the connection off: half an archive must not look like
//! one.
//!
//! Not here: what belongs into it (`export`), and its format (`zip`).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::zip::{Archive, Crc};

/// Read at once.
const CHUNK_BYTES: u64 = 256 * 1024;

/// Chunks read ahead of whoever listens.
const CHUNKS_AHEAD: usize = 2;

/// Whoever takes nothing for so long has gone.
const TAKES_NOTHING_MAX: Duration = Duration::from_secs(30);

/// A file of the archive.
#[derive(Debug)]
pub(super) struct Packed {
    pub name: String,
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Bytes(Bytes),
    File(Arc<File>),
}

/// The archive, made while it is taken. The permit is held until it is over.
pub(super) fn body(files: Vec<Packed>, at: Timestamp, permit: OwnedSemaphorePermit) -> Body {
    let (chunks, taken) = mpsc::channel(CHUNKS_AHEAD);
    tokio::spawn(async move {
        let _permit = permit;
        let sender = Sender { chunks };
        if let Err(Broken::Read(error)) = give(files, at, &sender).await {
            tracing::warn!("an export was broken off: {error}");
            // Whoever listens sees no clean end; gone they hear nothing.
            let _ = sender.give(Err(error)).await;
        }
    });
    Body::from_stream(ReceiverStream::new(taken))
}

/// Why an archive is not given whole.
enum Broken {
    Read(io::Error),
    /// Nobody listens.
    Gone,
}

struct Sender {
    chunks: mpsc::Sender<io::Result<Bytes>>,
}

impl Sender {
    async fn give(&self, chunk: io::Result<Bytes>) -> Result<(), Broken> {
        let sent = tokio::time::timeout(TAKES_NOTHING_MAX, self.chunks.send(chunk)).await;
        if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(Broken::Gone) }
    }
}

async fn give(files: Vec<Packed>, at: Timestamp, to: &Sender) -> Result<(), Broken> {
    let mut archive = Archive::new(at);
    for Packed { name, bytes, content, .. } in files {
        let mut crc = Crc::new();
        let mut from = 0;
        while from < bytes {
            let chunk = chunk(&content, from, bytes).await.map_err(Broken::Read)?;
            crc.add(&chunk);
            from += chunk.len() as u64;
        }
        to.give(Ok(archive.file(&name, crc.value(), bytes).into())).await?;
        let mut from = 0;
        while from < bytes {
            let chunk = chunk(&content, from, bytes).await.map_err(Broken::Read)?;
            from += chunk.len() as u64;
            to.give(Ok(chunk)).await?;
        }
    }
    to.give(Ok(archive.end().into())).await
}

/// The next bytes of a file that must have `bytes` of them.
async fn chunk(content: &Content, from: u64, bytes: u64) -> io::Result<Bytes> {
    let length = CHUNK_BYTES.min(bytes - from);
    let size = usize::try_from(length).map_err(io::Error::other)?;
    match content {
        Content::Bytes(all) => {
            let from = usize::try_from(from).map_err(io::Error::other)?;
            let whole = from + size <= all.len();
            whole.then(|| all.slice(from..from + size)).ok_or(io::ErrorKind::UnexpectedEof.into())
        }
        Content::File(file) => {
            let file = Arc::clone(file);
            let read = tokio::task::spawn_blocking(move || {
                let mut chunk = vec![0; size];
                file.read_exact_at(&mut chunk, from).map(|()| Bytes::from(chunk))
            });
            read.await.unwrap_or_else(|error| Err(io::Error::other(error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::body::to_bytes;
    use tokio::sync::Semaphore;

    use super::*;

    fn of(content: Content, bytes: u64) -> Packed {
        Packed { name: "clips/01.mp4".into(), bytes, sha256: String::new(), content }
    }

    fn file(bytes: usize) -> Arc<File> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&vec![7; bytes]).expect("written");
        Arc::new(file)
    }

    async fn taken(files: Vec<Packed>) -> Result<Bytes, axum::Error> {
        let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("open");
        to_bytes(body(files, Timestamp::UNIX_EPOCH, permit), usize::MAX).await
    }

    #[test]
    fn a_large_file_is_given_whole_and_one_that_is_shorter_than_it_was_breaks_the_archive_off() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let size = 3 * 256 * 1024 + 17;
            let bytes = size as u64;
            let whole = taken(vec![of(Content::File(file(size)), bytes)]).await.expect("whole");
            let told = super::super::zip::length([("clips/01.mp4", bytes)].into_iter());
            assert_eq!(Some(whole.len() as u64), told);
            let shorter = taken(vec![of(Content::File(file(size - 1)), bytes)]).await;
            assert!(shorter.is_err(), "a cut archive must not look whole");
        });
    }

    #[test]
    fn nothing_is_read_far_ahead_of_whoever_takes_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (chunks, mut taken) = mpsc::channel(CHUNKS_AHEAD);
            let sender = Sender { chunks };
            let made_up = Bytes::from(vec![1; 64 << 20]);
            let files = vec![of(Content::Bytes(made_up), 64 << 20)];
            let given =
                tokio::spawn(
                    async move { give(files, Timestamp::UNIX_EPOCH, &sender).await.is_ok() },
                );
            let mut largest = 0;
            while let Some(chunk) = taken.recv().await {
                assert!(taken.len() <= CHUNKS_AHEAD);
                largest = largest.max(chunk.expect("read").len());
            }
            assert!(given.await.expect("no panic"));
            assert_eq!(largest, 256 * 1024);
        });
    }
}
