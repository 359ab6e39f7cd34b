//! A body that is larger than memory should hold, handed on while it arrives.
//!
//! Whoever reads it sits on a thread and is given piece after piece through a short queue; a slow reader
//! slows the sender down. The queue ends with a word that it is whole: when the sender goes away, is too
//! slow or sends too much, the reader gets an error, and never an end that looks like one.
//!
//! Not here: what is in it.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::StreamExt;

use super::places::{Place, end_of};
use crate::guard::handle::Handle;
use crate::web::error::ApiError;
use crate::web::{App, rails};

/// Pieces between sender and reader, of 16 KiB at most each.
const PIECES_AHEAD: usize = 16;

/// What comes after the reader had enough is taken for so long, so that the sender hears the answer.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// So long a reader that is busy is waited for, to hear why there is no more.
const TOLD_MAX: Duration = Duration::from_secs(1);

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Limits {
    pub bytes_max: usize,
    /// Whoever sends nothing for so long has gone.
    pub silence_max: Duration,
    /// All of it has to be there then.
    pub arrival_max: Duration,
    /// The reader has to be done then, once it is there.
    pub answer_max: Duration,
}

/// What the reader's thread is told.
enum Piece {
    Bytes(Bytes),
    /// That was all of it.
    Whole,
    Broken(io::Error),
}

/// How sending it on ended.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    Whole,
    /// The reader wants no more.
    Enough,
}

/// Has `read` read the body, in `place`, on a thread of its own.
pub(in crate::web) async fn through<T: Send + 'static>(
    app: &App,
    place: Place,
    body: Body,
    limits: Limits,
    read: impl FnOnce(&dyn Handle, &mut dyn Read) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let (pieces, arriving) = mpsc::channel(PIECES_AHEAD);
    let handle = Arc::clone(&app.handle);
    let reading = tokio::task::spawn_blocking(move || {
        let done = read(&*handle, &mut Arriving::new(arriving));
        drop(place);
        done
    });
    let sending = timeout(limits.arrival_max, send_on(body, &pieces, limits));
    // What is dropped here is an error to the reader, unless it was told that it has all.
    sending.await.map_err(|_elapsed| slow(limits))??;
    drop(pieces);
    end_of(reading, limits.answer_max).await
}

async fn send_on(body: Body, to: &mpsc::Sender<Piece>, limits: Limits) -> Result<Sent, ApiError> {
    let mut stream = body.into_data_stream();
    let mut bytes = 0_usize;
    loop {
        let next = tokio::select! {
            // Somebody who stopped reading has an answer already.
            () = to.closed() => {
                let rest = async { while let Some(Ok(_unread)) = stream.next().await {} };
                // Whoever sends for longer hears nothing but the end of the connection.
                let _ = timeout(DRAIN_MAX, rest).await;
                return Ok(Sent::Enough);
            }
            next = timeout(limits.silence_max, stream.next()) => next,
        };
        let piece = match next {
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(error))) => return Err(broken(to, cut(&error)).await),
            Ok(None) => {
                // One that reads no more needs no end.
                let _ = to.send(Piece::Whole).await;
                return Ok(Sent::Whole);
            }
            Err(_elapsed) => return Err(broken(to, silent(limits)).await),
        };
        bytes = bytes.saturating_add(piece.len());
        if bytes > limits.bytes_max {
            return Err(broken(to, rails::too_large(limits.bytes_max)).await);
        }
        // The next look at `closed` finds out where nobody takes it.
        let _ = to.send(Piece::Bytes(piece)).await;
    }
}

/// Tells the reader why, if it reads on soon; it sees the queue's end in any case.
async fn broken(to: &mpsc::Sender<Piece>, refusal: ApiError) -> ApiError {
    let why = io::Error::other(refusal.message().to_owned());
    let _ = timeout(TOLD_MAX, to.send(Piece::Broken(why))).await;
    refusal
}

fn cut(error: &axum::Error) -> ApiError {
    let message = format!("the body did not arrive whole: {error}");
    ApiError::new(StatusCode::BAD_REQUEST, "broken_body", message)
}

fn silent(limits: Limits) -> ApiError {
    let message = format!(
        "nothing more of the body came for {} s; send it again",
        limits.silence_max.as_secs()
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", message)
}

fn slow(limits: Limits) -> ApiError {
    let message = format!(
        "not all of the body was there and taken after {} minutes; a slow line is better served by \
         POST /api/models/fetch, which goes on where it was cut, or by a stick",
        limits.arrival_max.as_secs() / 60
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", message)
}

/// The body as its reader sees it.
struct Arriving {
    pieces: mpsc::Receiver<Piece>,
    now: Bytes,
    is_whole: bool,
}

impl Arriving {
    fn new(pieces: mpsc::Receiver<Piece>) -> Arriving {
        Arriving { pieces, now: Bytes::new(), is_whole: false }
    }
}

impl Read for Arriving {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.now.is_empty() && !self.is_whole {
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.now = bytes,
                Some(Piece::Whole) => self.is_whole = true,
                Some(Piece::Broken(error)) => return Err(error),
                None => {
                    let why = "whoever sent it went away before its end";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
                }
            }
        }
        let length = into.len().min(self.now.len());
        into[..length].copy_from_slice(&self.now.split_to(length));
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        bytes_max: 10,
        silence_max: Duration::from_millis(30),
        arrival_max: Duration::from_secs(5),
        answer_max: Duration::from_secs(5),
    };

    type Chunk = Result<Bytes, io::Error>;

    /// What the sender is told, and what the reader got.
    fn sent(
        body: impl tokio_stream::Stream<Item = Chunk> + Send + 'static,
    ) -> (Result<Sent, ApiError>, io::Result<Vec<u8>>) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (pieces, arriving) = mpsc::channel(PIECES_AHEAD);
            let reading = tokio::task::spawn_blocking(move || {
                let mut all = Vec::new();
                Arriving::new(arriving).read_to_end(&mut all).map(|_| all)
            });
            let sent = send_on(Body::from_stream(body), &pieces, LIMITS).await;
            drop(pieces);
            (sent, reading.await.expect("no panic"))
        })
    }

    fn chunk(text: &'static str) -> Chunk {
        Ok(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn what_arrives_is_what_was_sent() {
        let (sent, read) = sent(tokio_stream::iter([chunk("01234"), chunk(""), chunk("56789")]));
        assert_eq!(
            (sent.expect("taken"), read.expect("whole").as_slice()),
            (Sent::Whole, b"0123456789".as_slice())
        );
    }

    #[test]
    fn no_end_of_a_body_but_its_own_looks_like_one_to_its_reader() {
        let cut = tokio_stream::iter([chunk("0123"), Err(io::Error::other("the line is dead"))]);
        let silent = tokio_stream::iter([chunk("0123")]).chain(tokio_stream::pending::<Chunk>());
        let large = tokio_stream::iter([chunk("0123456789"), chunk("0")]);
        for (told, (sent, read)) in [
            ("broken_body", sent(cut)),
            ("body_too_slow", sent(silent)),
            ("too_large", sent(large)),
        ] {
            let refusal = format!("{:?}", sent.expect_err("refused"));
            assert!(refusal.contains(told), "{refusal}");
            assert!(read.is_err(), "{told}");
        }
    }

    #[test]
    fn a_sender_who_goes_away_between_two_pieces_is_no_end_either() {
        let (pieces, arriving) = mpsc::channel(PIECES_AHEAD);
        pieces.try_send(Piece::Bytes(Bytes::from_static(b"half"))).expect("room");
        drop(pieces);
        let mut all = Vec::new();
        let read = Arriving::new(arriving).read_to_end(&mut all);
        assert_eq!(read.expect_err("cut").kind(), io::ErrorKind::UnexpectedEof);
    }
}
