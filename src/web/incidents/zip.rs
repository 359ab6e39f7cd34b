//! A ZIP archive of a few files, as they are: pictures and video do not get smaller.
//!
//! As PKWARE's APPNOTE.TXT 6.3.9 lays it out: each file behind its local header, then the central
//! directory, then its end. Not here: compression, encryption, archives of 4 GiB and more.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// Version 1.0: nothing but files as they are.
const VERSION: u16 = 10;

/// Bit 11: names are UTF-8.
const FLAGS: u16 = 1 << 11;

/// The polynomial of CRC-32 (ISO 3309), its bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// The archive of these files, all of this time.
pub(super) fn stored(files: &[(&str, Vec<u8>)], at: Timestamp) -> Vec<u8> {
    let mut archive = Vec::with_capacity(files.iter().map(|(_, bytes)| bytes.len() + 256).sum());
    let mut directory = Vec::new();
    let time = dos_time(at);
    for (name, bytes) in files {
        let offset = length(archive.len());
        let entry = entry(name, bytes, time);
        put_u32(&mut archive, LOCAL_HEADER);
        archive.extend(&entry);
        archive.extend(name.as_bytes());
        archive.extend(bytes);
        put_u32(&mut directory, CENTRAL_HEADER);
        put_u16(&mut directory, VERSION);
        directory.extend(&entry);
        // No comment, first disk, no attributes.
        for _ in 0..3 {
            put_u16(&mut directory, 0);
        }
        put_u32(&mut directory, 0);
        put_u32(&mut directory, offset);
        directory.extend(name.as_bytes());
    }
    let (at, size, count) = (length(archive.len()), length(directory.len()), files.len());
    archive.extend(directory);
    put_u32(&mut archive, END);
    put_u32(&mut archive, 0);
    for _ in 0..2 {
        put_u16(&mut archive, u16::try_from(count).unwrap_or(u16::MAX));
    }
    put_u32(&mut archive, size);
    put_u32(&mut archive, at);
    put_u16(&mut archive, 0);
    archive
}

/// What local header and directory say alike of a file, from the version to the length of the extra
/// field.
fn entry(name: &str, bytes: &[u8], (time, date): (u16, u16)) -> Vec<u8> {
    let mut entry = Vec::with_capacity(26);
    for word in [VERSION, FLAGS, 0, time, date] {
        put_u16(&mut entry, word);
    }
    put_u32(&mut entry, crc32(bytes));
    put_u32(&mut entry, length(bytes.len()));
    put_u32(&mut entry, length(bytes.len()));
    put_u16(&mut entry, u16::try_from(name.len()).unwrap_or(u16::MAX));
    put_u16(&mut entry, 0);
    entry
}

/// Two seconds are the finest it knows, 1980 the first year; in UTC, as everything that is exported.
fn dos_time(at: Timestamp) -> (u16, u16) {
    let at = at.to_zoned(TimeZone::UTC);
    let part = |value: i8| u16::try_from(value).unwrap_or(0);
    let year = u16::try_from(i32::from(at.year()) - 1980).unwrap_or(0).min(127);
    let time = part(at.hour()) << 11 | part(at.minute()) << 5 | (part(at.second()) / 2);
    (time, year << 9 | part(at.month()) << 5 | part(at.day()))
}

fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let step = |crc: u32, byte: &u8| TABLE[usize::from((crc as u8) ^ byte)] ^ (crc >> 8);
    !bytes.iter().fold(u32::MAX, step)
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

/// Everything that is exported is far below 4 GiB: what is kept of one incident is bounded.
fn length(bytes: usize) -> u32 {
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

    #[test]
    fn crc_is_that_of_the_standard() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn every_file_is_found_through_the_directory_as_it_was() {
        let files = [("incident.json", b"{}".to_vec()), ("picture.jpg", vec![0xff; 70_000])];
        let at = "2026-05-04T12:30:58Z".parse().expect("a time");
        let archive = stored(&files, at);
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
}
