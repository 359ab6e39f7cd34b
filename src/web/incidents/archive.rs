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
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::zip::{Archive, Crc};
use crate::web::evidence::{Download, Places};

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

/// Whoever is given an archive.
pub(super) struct Taker<M> {
    /// Held until it is over.
    pub place: Download,
    /// Where its files are read.
    pub places: Places,
    /// Whether they may still see it.
    pub may_still: M,
}

/// The archive, made while it is taken.
pub(super) fn body(
    files: Vec<Packed>,
    at: Timestamp,
    to: Taker<impl Fn() -> bool + Send + Sync + 'static>,
) -> Body {
    let (chunks, taken) = mpsc::channel(CHUNKS_AHEAD);
    tokio::spawn(async move {
        let Taker { place, places, may_still } = to;
        let _place = place;
        let sender = Sender { chunks, places, may_still };
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

struct Sender<M> {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    places: Places,
    may_still: M,
}

impl<M: Fn() -> bool + Sync> Sender<M> {
    /// Whether it is still worth reading on.
    fn listened_to(&self) -> Result<(), Broken> {
        if self.chunks.is_closed() {
            return Err(Broken::Gone);
        }
        if (self.may_still)() {
            return Ok(());
        }
        let why = "whoever takes it may not see this any more";
        Err(Broken::Read(io::Error::other(why)))
    }

    async fn give(&self, chunk: io::Result<Bytes>) -> Result<(), Broken> {
        let sent = tokio::time::timeout(TAKES_NOTHING_MAX, self.chunks.send(chunk)).await;
        if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(Broken::Gone) }
    }
}

async fn give<M: Fn() -> bool + Sync>(
    files: Vec<Packed>,
    at: Timestamp,
    to: &Sender<M>,
) -> Result<(), Broken> {
    let mut archive = Archive::new(at);
    for Packed { name, bytes, content, .. } in files {
        let mut crc = Crc::new();
        let mut from = 0;
        while from < bytes {
            to.listened_to()?;
            let chunk = chunk(&to.places, &content, from, bytes).await.map_err(Broken::Read)?;
            crc.add(&chunk);
            from += chunk.len() as u64;
        }
        to.give(Ok(archive.file(&name, crc.value(), bytes).into())).await?;
        let mut from = 0;
        while from < bytes {
            to.listened_to()?;
            let chunk = chunk(&to.places, &content, from, bytes).await.map_err(Broken::Read)?;
            from += chunk.len() as u64;
            to.give(Ok(chunk)).await?;
        }
    }
    to.give(Ok(archive.end().into())).await
}

/// The next bytes of a file that must have `bytes` of them.
async fn chunk(places: &Places, content: &Content, from: u64, bytes: u64) -> io::Result<Bytes> {
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
            let read = places.read(TAKES_NOTHING_MAX, move || {
                let mut chunk = vec![0; size];
                file.read_exact_at(&mut chunk, from).map(|()| Bytes::from(chunk))
            });
            let hangs = || Err(io::Error::other("the disk of the evidence does not answer"));
            read.await.unwrap_or_else(hangs)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::body::to_bytes;

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
        to_bytes(body(files, Timestamp::UNIX_EPOCH, taker(|| true)), usize::MAX).await
    }

    fn taker<M>(may_still: M) -> Taker<M> {
        let places = Places::new();
        let place = places.export().expect("nobody else is sent any");
        Taker { place, places, may_still }
    }

    #[test]
    fn an_archive_ends_with_the_right_to_see_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            // For the checksum and two chunks of the file.
            let left = std::sync::atomic::AtomicU32::new(10);
            let may_still = move || left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) > 1;
            let size = 7 * 256 * 1024;
            let files = vec![of(Content::File(file(size)), size as u64)];
            let taken = to_bytes(body(files, Timestamp::UNIX_EPOCH, taker(may_still)), usize::MAX);
            assert!(taken.await.is_err(), "a cut archive must not look whole");
        });
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
            let sender = Sender { chunks, places: Places::new(), may_still: || true };
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
