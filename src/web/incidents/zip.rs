//! A ZIP archive of a few files, as they are: pictures and video do not get smaller. Made piece by
//! piece, so that nobody holds all of it.
//!
//! As PKWARE's APPNOTE.TXT 6.3.9 lays it out: each file behind its local header, then the central
//! directory, then its end. Sizes and checksums stand before each file, as every program reads them.
//!
//! Not here: compression, encryption, archives of 4 GiB and more: [`length`] refuses those.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// Bytes around a file and its name: local header and directory entry; and of the end.
const AROUND_BYTES: u64 = 30 + 46;
const END_BYTES: u64 = 22;

/// Version 1.0: nothing but files as they are.
const VERSION: u16 = 10;

/// Bit 11: names are UTF-8.
const FLAGS: u16 = 1 << 11;

/// The polynomial of CRC-32 (ISO 3309), its bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// How long an archive of these names and sizes is; `None` when it is more than the format can say.
pub(super) fn length<'a>(files: impl Iterator<Item = (&'a str, u64)>) -> Option<u64> {
    let mut total = END_BYTES;
    let mut count: u16 = 0;
    for (name, bytes) in files {
        count = count.checked_add(1)?;
        u16::try_from(name.len()).ok()?;
        total = total.checked_add(bytes)?.checked_add(AROUND_BYTES + 2 * name.len() as u64)?;
    }
    (total < u64::from(u32::MAX)).then_some(total)
}

/// An archive under way.
pub(super) struct Archive {
    time: (u16, u16),
    /// Bytes that were given out.
    at: u64,
    directory: Vec<u8>,
    count: u16,
}

impl Archive {
    /// All files will be of this time.
    pub fn new(at: Timestamp) -> Archive {
        Archive { time: dos_time(at), at: 0, directory: Vec::new(), count: 0 }
    }

    /// What comes before the bytes of a file. What [`length`] refused makes an archive that does not
    /// open.
    pub fn file(&mut self, name: &str, crc: u32, bytes: u64) -> Vec<u8> {
        let offset = short(self.at);
        let entry = self.entry(name, crc, bytes);
        let mut header = Vec::with_capacity(30 + name.len());
        put_u32(&mut header, LOCAL_HEADER);
        header.extend(&entry);
        header.extend(name.as_bytes());
        let directory = &mut self.directory;
        put_u32(directory, CENTRAL_HEADER);
        put_u16(directory, VERSION);
        directory.extend(&entry);
        // No comment, first disk, no attributes.
        for _ in 0..3 {
            put_u16(directory, 0);
        }
        put_u32(directory, 0);
        put_u32(directory, offset);
        directory.extend(name.as_bytes());
        self.at += header.len() as u64 + bytes;
        self.count = self.count.saturating_add(1);
        header
    }

    /// What comes behind the last file.
    pub fn end(self) -> Vec<u8> {
        let (at, size) = (short(self.at), short(self.directory.len() as u64));
        let mut end = self.directory;
        put_u32(&mut end, END);
        put_u32(&mut end, 0);
        for _ in 0..2 {
            put_u16(&mut end, self.count);
        }
        put_u32(&mut end, size);
        put_u32(&mut end, at);
        put_u16(&mut end, 0);
        end
    }

    /// What local header and directory say alike of a file, from the version to the length of the
    /// extra field.
    fn entry(&self, name: &str, crc: u32, bytes: u64) -> Vec<u8> {
        let mut entry = Vec::with_capacity(26);
        for word in [VERSION, FLAGS, 0, self.time.0, self.time.1] {
            put_u16(&mut entry, word);
        }
        put_u32(&mut entry, crc);
        put_u32(&mut entry, short(bytes));
        put_u32(&mut entry, short(bytes));
        put_u16(&mut entry, u16::try_from(name.len()).unwrap_or(u16::MAX));
        put_u16(&mut entry, 0);
        entry
    }
}

/// The checksum of what is given piece by piece.
pub(super) struct Crc(u32);

impl Crc {
    pub fn new() -> Crc {
        Crc(u32::MAX)
    }

    pub fn add(&mut self, bytes: &[u8]) {
        const TABLE: [u32; 256] = table();
        let step = |crc: u32, byte: &u8| TABLE[usize::from((crc as u8) ^ byte)] ^ (crc >> 8);
        self.0 = bytes.iter().fold(self.0, step);
    }

    pub fn value(&self) -> u32 {
        !self.0
    }
}

/// Two seconds are the finest it knows, 1980 the first year; in UTC, as everything that is exported.
fn dos_time(at: Timestamp) -> (u16, u16) {
    let at = at.to_zoned(TimeZone::UTC);
    let part = |value: i8| u16::try_from(value).unwrap_or(0);
    let year = u16::try_from(i32::from(at.year()) - 1980).unwrap_or(0).min(127);
    let time = part(at.hour()) << 11 | part(at.minute()) << 5 | (part(at.second()) / 2);
    (time, year << 9 | part(at.month()) << 5 | part(at.day()))
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

/// Within what [`length`] lets through.
fn short(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn put_u16(to: &mut Vec<u8>, value: u16) {
    to.extend(value.to_le_bytes());
}

fn put_u32(to: &mut Vec<u8>, value: u32) {
    to.extend(value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = Crc::new();
        bytes.chunks(7).for_each(|piece| crc.add(piece));
        crc.value()
    }

    #[test]
    fn crc_is_that_of_the_standard() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn every_file_is_found_through_the_directory_as_it_was() {
        let files = [("incident.json", b"{}".to_vec()), ("clips/01.mp4", vec![0xff; 70_000])];
        let at = "2026-05-04T12:30:58Z".parse().expect("a time");
        let mut making = Archive::new(at);
        let mut archive = Vec::new();
        for (name, bytes) in &files {
            archive.extend(making.file(name, crc32(bytes), bytes.len() as u64));
            archive.extend(bytes);
        }
        archive.extend(making.end());
        let told = length(files.iter().map(|(name, bytes)| (*name, bytes.len() as u64)));
        assert_eq!(told, Some(archive.len() as u64));
        let u16_at = |at: usize| usize::from(u16::from_le_bytes([archive[at], archive[at + 1]]));
        let u32_at = |at: usize| {
            let bytes = archive[at..at + 4].try_into().expect("four");
            usize::try_from(u32::from_le_bytes(bytes)).expect("it fits")
        };
        let end = archive.len() - 22;
        assert_eq!(u32_at(end), END as usize);
        assert_eq!(u16_at(end + 10), files.len());
        let mut entry = u32_at(end + 16);
        for (name, bytes) in &files {
            assert_eq!(u32_at(entry), CENTRAL_HEADER as usize);
            assert_eq!(u16_at(entry + 12), 12 << 11 | 30 << 5 | 29);
            assert_eq!(&archive[entry + 46..entry + 46 + name.len()], name.as_bytes());
            let local = u32_at(entry + 42);
            assert_eq!(u32_at(local), LOCAL_HEADER as usize);
            assert_eq!(u32_at(local + 14), crc32(bytes) as usize);
            let content = local + 30 + name.len();
            assert_eq!(&archive[content..content + u32_at(local + 22)], bytes.as_slice());
            entry += 46 + name.len();
        }
        assert_eq!(entry, end, "the directory ends where its end begins");
    }

    #[test]
    fn what_the_format_cannot_say_is_refused() {
        let parts = |bytes: u64| length([("a", bytes), ("b", bytes)].into_iter());
        assert!(parts(2_000_000_000).is_some());
        assert_eq!(parts(2_147_483_648), None);
        assert_eq!(parts(u64::MAX), None);
        assert_eq!(length((0..70_000).map(|_| ("a", 1))), None);
    }
}
