//! What the active vision process gives the shadow process: pictures, one at a time.
//!
//! ```text
//! active ── FedPicture, as a message of the link; then its pixels ──> shadow
//!        <── FED_TAKEN, one byte: it has looked, and may be given another ──
//! ```
//!
//! Not here: which pictures, and when not (`vision::worker::feed`).

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::{CameraIndex, CaptureClock, DetailZone, LinkError, receive, send};

/// Bytes of a pixel: blue, green, red.
const PIXEL_BYTES: u64 = 3;

/// Largest picture either side accepts, bytes: 8K. What is larger means that the stream is out of step.
pub const FED_BYTES_MAX: u64 = 7680 * 4320 * PIXEL_BYTES;

/// What the shadow process answers each picture with.
pub const FED_TAKEN: u8 = b'.';

/// A picture that the active process has looked at; its pixels follow, row after row without gaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FedPicture {
    pub camera: CameraIndex,
    /// As in the active process's report of it.
    pub frame: u64,
    pub captured_ns: u64,
    pub arrived_ns: u64,
    pub clock: CaptureClock,
    /// Size of the source picture.
    pub source_px: (u32, u32),
    /// Size of what follows.
    pub width_px: u32,
    pub height_px: u32,
    /// How closely it was looked at; `None` where only whole pictures are (`model.detail`).
    pub closer: Option<FedCloser>,
}

/// Which parts of a picture the active model looked at beside the whole of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FedCloser {
    /// The zones that its plan was made for, with the heights that were expected then.
    pub zones: Vec<DetailZone>,
    /// How large parts were allowed to be, a place in the planner's list.
    pub tiles: u8,
    /// Parts that were planned, and the numbers of those that there was time for, in their order. A whole
    /// picture that is looked at larger is a plan of one part.
    pub planned: u16,
    pub looked_at: Vec<u16>,
}

/// How the shadow process is fed, since it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedNews {
    /// Pictures that the active model looked at, and those of them that were given.
    pub offered: u64,
    pub given: u64,
    /// Why it is given fewer than it could take.
    pub held: Option<Held>,
    /// What one look of the active model took lately, milliseconds, while the shadow process had nothing
    /// to do, and while it was at work; where both are known.
    pub looks_ms: Option<(f64, f64)>,
}

/// Why pictures are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    /// The active model does not keep up with its cameras.
    Overloaded,
    /// The active model takes longer while the shadow model works.
    Slower,
    /// Between the active model's looks there is not the time that the shadow model takes: of the newest
    /// pictures it saw so many percent.
    NoTime { seen_percent: u8 },
}

impl FedPicture {
    /// How many bytes of pixels follow.
    pub fn pixel_bytes(&self) -> u64 {
        PIXEL_BYTES * u64::from(self.width_px) * u64::from(self.height_px)
    }
}

/// Writes a picture; `rows` are as many bytes as it says.
pub fn send_picture<'r>(
    mut sink: impl Write,
    picture: &FedPicture,
    rows: impl Iterator<Item = &'r [u8]>,
) -> Result<(), LinkError> {
    send(&mut sink, picture)?;
    for row in rows {
        sink.write_all(row).map_err(LinkError::Io)?;
    }
    sink.flush().map_err(LinkError::Io)
}

/// Reads a picture, blocking; its pixels replace what is in `pixels`.
pub fn receive_picture(
    mut source: impl Read,
    pixels: &mut Vec<u8>,
) -> Result<FedPicture, LinkError> {
    let picture: FedPicture = receive(&mut source)?;
    let bytes = picture.pixel_bytes();
    if bytes == 0 || bytes > FED_BYTES_MAX {
        return Err(LinkError::TooLong { bytes });
    }
    pixels.clear();
    let read = source.take(bytes).read_to_end(pixels).map_err(LinkError::Io)?;
    if read as u64 != bytes {
        return Err(LinkError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> FedPicture {
        FedPicture {
            camera: 1,
            frame: 7,
            captured_ns: 5,
            arrived_ns: 6,
            clock: CaptureClock::Pipeline,
            source_px: (640, 480),
            width_px: 2,
            height_px: 2,
            closer: Some(FedCloser {
                zones: vec![DetailZone {
                    left_norm: 0.1,
                    top_norm: 0.2,
                    right_norm: 0.3,
                    bottom_norm: 0.4,
                    person_norm: vec![0.1; 8],
                }],
                tiles: 1,
                planned: 3,
                looked_at: vec![2, 0],
            }),
        }
    }

    #[test]
    fn pictures_come_through_one_after_the_other_and_a_torn_one_is_an_error() {
        let mut wire = Vec::new();
        let rows: [&[u8]; 2] = [&[1, 2, 3, 4, 5, 6], &[7, 8, 9, 10, 11, 12]];
        for _ in 0..2 {
            send_picture(&mut wire, &picture(), rows.into_iter()).expect("written");
        }
        let torn = wire.len() - 1;
        let (mut source, mut pixels) = (&wire[..torn], vec![99; 40]);
        assert_eq!(receive_picture(&mut source, &mut pixels).expect("whole"), picture());
        assert_eq!(pixels, rows.concat());
        assert!(matches!(receive_picture(&mut source, &mut pixels), Err(LinkError::Io(_))));
        assert!(matches!(receive_picture(&[][..], &mut pixels), Err(LinkError::Closed)));
    }

    #[test]
    fn a_picture_larger_than_any_is_refused_before_memory_is_taken_for_it() {
        let mut wire = Vec::new();
        send(&mut wire, &FedPicture { width_px: u32::MAX, ..picture() }).expect("written");
        let refused = receive_picture(&wire[..], &mut Vec::new());
        assert!(matches!(refused, Err(LinkError::TooLong { .. })));
    }
}
