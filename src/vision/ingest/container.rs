//! What a video file says of itself: how long its pictures last and how many there are.
//!
//! GStreamer plays a truncated file to where it breaks off and reports a clean end. A replay must
//! not: numbers computed from half the footage look like numbers from all of it. So the promise is
//! read here, from the header, and compared with what came.
//!
//! Read are AVI (`strh` of the video stream), MP4/MOV (`mdhd` and `stts` of the video track) and
//! Matroska/WebM (`Duration` of the segment, which covers sound too, and whether it is all there).
//! Not here: streams without any promise, like MPEG-TS; where they end is where they end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

/// Headers looked at are at most this long; `moov` of a day of video is below 50 MB.
const HEADER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Boxes or chunks looked at before giving up: a sane file has tens at the levels read here.
const PARTS_MAX: usize = 10_000;

/// What the header promises; `None` where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Promise {
    /// How long the pictures last.
    pub duration: Option<Duration>,
    /// How many pictures there are.
    pub pictures: Option<u64>,
    /// Whether `missing_bytes` alone proves a truncation. AVI writers get their sizes wrong; a
    /// Matroska segment's size is either right or said to be unknown.
    pub sizes: Sizes,
    /// Bytes the structure speaks of beyond the end of the file; 0 for a whole file.
    pub missing_bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sizes {
    /// The header itself is among what is missing: nothing can be played.
    HeaderMissing,
    Proof,
    #[default]
    Hint,
}

impl Promise {
    /// Whether bytes are missing in a container that knows its size.
    pub fn proves_truncation(&self) -> bool {
        self.missing_bytes > 0 && self.sizes != Sizes::Hint
    }
}

/// Reads the promise of a file. `Ok(None)`: another container, or one that is too odd to judge.
pub fn read(path: &Path) -> io::Result<Option<Promise>> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut start = [0; 12];
    if bytes < start.len() as u64 {
        return Ok(None);
    }
    file.read_exact(&mut start)?;
    file.rewind()?;
    match (&start[..4], &start[4..8], &start[8..]) {
        (b"RIFF", size, b"AVI ") => {
            let size = u32::from_le_bytes([size[0], size[1], size[2], size[3]]);
            avi(&mut file, bytes, size)
        }
        ([0x1a, 0x45, 0xdf, 0xa3], _, _) => matroska(&mut file, bytes),
        (_, b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free" | b"skip", _) => mp4(&mut file, bytes),
        _ => Ok(None),
    }
}

fn avi(file: &mut File, bytes: u64, riff_size: u32) -> io::Result<Option<Promise>> {
    let mut promise = Promise {
        // A recorder that was killed leaves 0 here: then the size says nothing.
        missing_bytes: match riff_size {
            0 | u32::MAX => 0,
            size => (u64::from(size) + 8).saturating_sub(bytes),
        },
        ..Promise::default()
    };
    let mut header = vec![0; 4096.min(bytes as usize)];
    file.read_exact(&mut header)?;
    // Stream headers follow each other inside LIST hdrl; the video stream's is the first `vids`.
    let found = header.windows(12).position(|w| &w[..4] == b"strh" && &w[8..] == b"vids");
    let Some(strh) = found.and_then(|at| header.get(at + 8..at + 8 + 36)) else {
        return Ok(Some(promise));
    };
    let field = |at: usize| u64::from(le32(&strh[at..at + 4]));
    let (scale, rate, length) = (field(20), field(24), field(32));
    if scale > 0 && rate > 0 && length > 0 {
        promise.pictures = Some(length);
        let seconds = length as f64 * scale as f64 / rate as f64;
        promise.duration = Duration::try_from_secs_f64(seconds).ok();
    }
    Ok(Some(promise))
}

fn le32(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn be(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Walks the top level; the header (`moov`) may stand before or behind the pictures (`mdat`).
fn mp4(file: &mut File, bytes: u64) -> io::Result<Option<Promise>> {
    let mut promise = Promise::default();
    let (mut at, mut seen_header) = (0, false);
    for _ in 0..PARTS_MAX {
        if at + 8 > bytes {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        let have = (bytes - at).min(16) as usize;
        file.read_exact(&mut head[..have])?;
        let (header, size) = match be(&head[..4]) {
            0 => (8, bytes - at),
            1 if have == 16 => (16, be(&head[8..])),
            size => (8, size),
        };
        if size < header {
            return Ok(None);
        }
        promise.missing_bytes = at.saturating_add(size).saturating_sub(bytes);
        if &head[4..8] == b"moov" && promise.missing_bytes == 0 && size <= HEADER_BYTES_MAX {
            seen_header = true;
            let mut body = vec![0; (size - header) as usize];
            file.seek(SeekFrom::Start(at + header))?;
            file.read_exact(&mut body)?;
            moov(&body, &mut promise);
        }
        at = at.saturating_add(size);
    }
    // Without a header the pictures cannot be found at all: it was to come behind them.
    if !seen_header && promise.missing_bytes == 0 {
        return Ok(None);
    }
    if !seen_header {
        promise.sizes = Sizes::HeaderMissing;
    }
    Ok(Some(promise))
}

fn moov(body: &[u8], promise: &mut Promise) {
    // Fragmented: the header promises nothing, each fragment speaks for itself.
    if boxes(body).any(|(name, _)| name == b"mvex") {
        return;
    }
    let tracks = boxes(body).filter(|(name, _)| *name == b"trak");
    for (_, track) in tracks {
        let Some(media) = child(track, b"mdia") else {
            continue;
        };
        let is_video = child(media, b"hdlr").and_then(|h| h.get(8..12)) == Some(b"vide");
        if !is_video {
            continue;
        }
        promise.duration = child(media, b"mdhd").and_then(media_duration);
        promise.pictures = child(media, b"minf")
            .and_then(|part| child(part, b"stbl"))
            .and_then(|part| child(part, b"stts"))
            .and_then(sample_count);
        return;
    }
}

fn media_duration(mdhd: &[u8]) -> Option<Duration> {
    let (scale, duration) = match mdhd.first()? {
        0 => (be(mdhd.get(12..16)?), be(mdhd.get(16..20)?)),
        _ => (be(mdhd.get(20..24)?), be(mdhd.get(24..32)?)),
    };
    let seconds = duration as f64 / scale as f64;
    Duration::try_from_secs_f64(seconds).ok().filter(|d| !d.is_zero())
}

fn sample_count(stts: &[u8]) -> Option<u64> {
    let runs = be(stts.get(4..8)?) as usize;
    let table = stts.get(8..8usize.checked_add(runs.checked_mul(8)?)?)?;
    let count = table.chunks_exact(8).map(|run| be(&run[..4])).sum();
    (count > 0).then_some(count)
}

fn child<'a>(body: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(body).find(|(name, _)| *name == wanted).map(|(_, body)| body)
}

/// The boxes inside a box: name and body. Ends at the first that does not fit.
fn boxes(mut rest: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let size = usize::try_from(be(rest.get(..4)?)).ok()?;
        let name = rest.get(4..8)?;
        let body = rest.get(8..size)?;
        rest = &rest[size..];
        Some((name, body))
    })
}

/// Matroska's elements as far as they are looked at.
const SEGMENT: u64 = 0x1853_8067;
const INFO: u64 = 0x1549_a966;
const TIMESTAMP_SCALE: u64 = 0x2a_d7b1;
const DURATION: u64 = 0x4489;

/// `Info` stands near the start of a segment; this much is looked through for it.
const MATROSKA_HEAD_BYTES: u64 = 64 * 1024;

fn matroska(file: &mut File, bytes: u64) -> io::Result<Option<Promise>> {
    let mut head = vec![0; MATROSKA_HEAD_BYTES.min(bytes) as usize];
    file.read_exact(&mut head)?;
    let Some((_, size, start)) = element(&head, 0) else {
        return Ok(None);
    };
    let after_head = size.and_then(|size| start.checked_add(usize::try_from(size).ok()?));
    let segment = after_head.and_then(|at| element(&head, at));
    // Without a size it was streamed or its recorder was killed: it promises nothing.
    let Some((SEGMENT, Some(size), start)) = segment else {
        return Ok(None);
    };
    let missing_bytes = (start as u64).saturating_add(size).saturating_sub(bytes);
    let duration = children(&head, start)
        .find(|(id, _)| *id == INFO)
        .and_then(|(_, info)| segment_duration(info));
    Ok(Some(Promise {
        // A whole segment's duration may be that of its sound.
        duration: duration.filter(|_| missing_bytes > 0),
        pictures: None,
        sizes: Sizes::Proof,
        missing_bytes,
    }))
}

fn segment_duration(info: &[u8]) -> Option<Duration> {
    let mut scale_ns = 1_000_000;
    let mut ticks = None;
    for (id, value) in children(info, 0) {
        match (id, value.len()) {
            (TIMESTAMP_SCALE, 1..=8) => scale_ns = be(value),
            (DURATION, 4) => ticks = Some(f64::from(f32::from_bits(be(value) as u32))),
            (DURATION, 8) => ticks = Some(f64::from_bits(be(value))),
            _ => {}
        }
    }
    Duration::try_from_secs_f64(ticks? * scale_ns as f64 / 1e9).ok()
}

/// The elements from `at` on whose bodies are wholly in `bytes`: id and body.
fn children(bytes: &[u8], mut at: usize) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        let (id, size, start) = element(bytes, at)?;
        let end = start.checked_add(usize::try_from(size?).ok()?)?;
        at = end;
        Some((id, bytes.get(start..end)?))
    })
}

/// An element's id, its size (`None`: unknown) and where its body starts.
fn element(bytes: &[u8], at: usize) -> Option<(u64, Option<u64>, usize)> {
    let id_length = bytes.get(at)?.leading_zeros() as usize + 1;
    let id = bytes.get(at..at + id_length).filter(|_| id_length <= 4)?;
    let at = at + id_length;
    let length = bytes.get(at)?.leading_zeros() as usize + 1;
    let size = bytes.get(at..at + length).filter(|_| length <= 8)?;
    let all_ones = (1_u64 << (7 * length)) - 1;
    let size = be(size) & all_ones;
    Some((be(id), (size != all_ones).then_some(size), at + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut all = (body.len() as u32 + 8).to_be_bytes().to_vec();
        all.extend(name);
        all.extend(body);
        all
    }

    /// 100 pictures in 4 s, behind an audio track that lasts longer.
    fn movie() -> Vec<u8> {
        let track = |kind: &[u8; 4], scale: u32, duration: u32| {
            let mut mdhd = vec![0; 12];
            mdhd.extend(scale.to_be_bytes());
            mdhd.extend(duration.to_be_bytes());
            let mut hdlr = vec![0; 8];
            hdlr.extend(kind);
            let stts: Vec<u8> =
                [0u32, 2, 60, 40, 40, 40].iter().flat_map(|n| n.to_be_bytes()).collect();
            let table = part(b"minf", &part(b"stbl", &part(b"stts", &stts)));
            let media = [part(b"mdhd", &mdhd), part(b"hdlr", &hdlr), table].concat();
            part(b"trak", &part(b"mdia", &media))
        };
        part(b"moov", &[track(b"soun", 1, 60), track(b"vide", 1000, 4000)].concat())
    }

    fn read_bytes(bytes: &[u8]) -> Option<Promise> {
        let file = tempfile::NamedTempFile::new().expect("temp file");
        std::fs::write(file.path(), bytes).expect("written");
        read(file.path()).expect("readable")
    }

    #[test]
    fn mp4_promise_is_that_of_the_video_track() {
        let whole = [part(b"ftyp", b"isom"), movie(), part(b"mdat", &[7; 500])].concat();
        let promise = read_bytes(&whole).expect("an mp4");
        assert_eq!(promise.duration, Some(Duration::from_secs(4)));
        assert_eq!(promise.pictures, Some(100));
        assert_eq!(promise.missing_bytes, 0);
        let promise = read_bytes(&whole[..whole.len() - 200]).expect("an mp4");
        assert_eq!((promise.pictures, promise.missing_bytes), (Some(100), 200));
    }

    #[test]
    fn mp4_that_breaks_off_before_its_header_misses_bytes() {
        let whole = [part(b"ftyp", b"isom"), part(b"mdat", &[7; 500]), movie()].concat();
        let promise = read_bytes(&whole[..300]).expect("an mp4");
        assert_eq!(promise.pictures, None);
        assert!(promise.missing_bytes > 0 && promise.sizes == Sizes::HeaderMissing);
    }

    #[test]
    fn no_cut_and_no_flipped_byte_panics() {
        let whole = [part(b"ftyp", b"isom"), movie(), part(b"mdat", &[7; 50])].concat();
        for n in 0..whole.len() {
            read_bytes(&whole[..n]);
            let mut flipped = whole.clone();
            flipped[n] = !flipped[n];
            read_bytes(&flipped);
        }
    }

    #[test]
    fn other_files_promise_nothing() {
        assert_eq!(read_bytes(b""), None);
        assert_eq!(read_bytes(b"this is not a video at all"), None);
    }
}
