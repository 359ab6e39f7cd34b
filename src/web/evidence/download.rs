//! Sending a file, or the range of it that a player asks for, in chunks.
//!
//! A chunk is read when the one before is taken: a slow listener costs memory for a few chunks and
//! no thread, and one that stopped listening is let go. So is whoever may not see it any more: what is
//! sent then ends before its length, so that nobody takes it for the whole.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::places::{Download, Places};
use crate::guard::handle::ClipFile;
use crate::web::error::ApiError;

/// Read at once.
const CHUNK_BYTES: u64 = 256 * 1024;

/// Chunks read ahead of whoever listens.
const CHUNKS_AHEAD: usize = 2;

/// Whoever takes nothing for so long has gone.
const TAKES_NOTHING_MAX: Duration = Duration::from_secs(30);

/// First byte and one past the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: u64,
    to: u64,
}

/// What `Range` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    All,
    Part(Span),
    /// There is nothing there.
    Beyond,
}

/// Whoever is sent a clip.
pub(super) struct Listener<M> {
    pub places: Places,
    pub place: Download,
    /// Whether they may still see it.
    pub may_still: M,
}

/// The clip as a response.
pub(super) fn send(
    clip: ClipFile,
    headers: &HeaderMap,
    to: Listener<impl Fn() -> bool + Send + Sync + 'static>,
) -> Result<Response, ApiError> {
    let length = clip.bytes;
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let (status, span) = match asked.map_or(Asked::All, |range| parse(range, length)) {
        Asked::All => (StatusCode::OK, Span { from: 0, to: length }),
        Asked::Part(span) => (StatusCode::PARTIAL_CONTENT, span),
        Asked::Beyond => {
            let message = format!("the clip has {length} bytes, and none there");
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            let mut response = ApiError::new(status, "bad_range", message).into_response();
            // RFC 9110, 15.5.17: how long it is.
            let whole = HeaderValue::from_str(&format!("bytes */{length}")).ok();
            response.headers_mut().extend(whole.map(|it| (header::CONTENT_RANGE, it)));
            return Ok(response);
        }
    };
    let (chunks, taken) = mpsc::channel(CHUNKS_AHEAD);
    tokio::spawn(read(Arc::new(clip.file), span, to, chunks));
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(taken)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let text = |text: String| HeaderValue::from_str(&text).ok();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(span.to - span.from));
    let named = text(format!("inline; filename=\"{}\"", clip.name));
    headers.extend(named.map(|it| (header::CONTENT_DISPOSITION, it)));
    if status == StatusCode::PARTIAL_CONTENT {
        let place = text(format!("bytes {}-{}/{length}", span.from, span.to.saturating_sub(1)));
        headers.extend(place.map(|it| (header::CONTENT_RANGE, it)));
    }
    Ok(response)
}

async fn read(
    file: Arc<File>,
    span: Span,
    to: Listener<impl Fn() -> bool + Send + Sync>,
    chunks: mpsc::Sender<io::Result<Bytes>>,
) {
    let Listener { places, place, may_still } = to;
    let mut at = span.from;
    while at < span.to {
        let length = CHUNK_BYTES.min(span.to - at);
        let (file, from) = (Arc::clone(&file), at);
        let chunk = if may_still() {
            let read = places.read(TAKES_NOTHING_MAX, move || {
                let mut chunk = vec![0; usize::try_from(length).unwrap_or(0)];
                file.read_exact_at(&mut chunk, from).map(|()| Bytes::from(chunk))
            });
            read.await.unwrap_or_else(|| Err(io::Error::other("the disk of the evidence hangs")))
        } else {
            Err(io::Error::other("whoever listens may not see this any more"))
        };
        let failed = chunk.is_err();
        let sent = tokio::time::timeout(TAKES_NOTHING_MAX, chunks.send(chunk)).await;
        if failed || !matches!(sent, Ok(Ok(()))) {
            return;
        }
        at += length;
    }
    drop(place);
}

/// One range of bytes; whatever else may be asked for gets everything, as RFC 9110 allows.
fn parse(range: &str, length: u64) -> Asked {
    let Some((from, to)) = range.strip_prefix("bytes=").and_then(|it| it.split_once('-')) else {
        return Asked::All;
    };
    let span = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(last)) if from <= last => {
            Span { from, to: last.saturating_add(1).min(length) }
        }
        (Ok(from), Err(_)) if to.is_empty() => Span { from, to: length },
        (Err(_), Ok(newest)) if from.is_empty() => {
            Span { from: length.saturating_sub(newest), to: length }
        }
        _ => return Asked::All,
    };
    if span.from < span.to { Asked::Part(span) } else { Asked::Beyond }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_what_players_mean_by_them() {
        let part = |from, to| Asked::Part(Span { from, to });
        for (range, asked) in [
            ("bytes=0-", part(0, 100)),
            ("bytes=0-0", part(0, 1)),
            ("bytes=10-19", part(10, 20)),
            ("bytes=90-400", part(90, 100)),
            ("bytes=-5", part(95, 100)),
            ("bytes=-500", part(0, 100)),
            ("bytes=100-", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=5-2", Asked::All),
            ("bytes=0-1,5-6", Asked::All),
            ("lines=0-1", Asked::All),
        ] {
            assert_eq!(parse(range, 100), asked, "{range}");
        }
    }
}
