//! A zip archive of stored files, one after the other into a stream: nothing is held but the list of
//! names. The same files give the same bytes.
//!
//! Not here: compression (JPEG is compressed), archives beyond 4 GB.

use std::io::{self, Write};

/// 1980-01-01, the first day there is.
const DATE: u16 = 0x21;

/// Version 2.0 of the format.
const VERSION: u16 = 20;

/// An archive under way.
pub struct Zip<'a> {
    to: &'a mut dyn Write,
    written: u64,
    /// Name, check sum, bytes, where it begins.
    entries: Vec<(String, u32, u32, u32)>,
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "more than 4 GB, or 65535 files, fit into no zip")
}

impl<'a> Zip<'a> {
    pub fn new(to: &'a mut dyn Write) -> Zip<'a> {
        Zip { to, written: 0, entries: Vec::new() }
    }

    /// Adds a file.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let at = u32::try_from(self.written).map_err(|_| too_large())?;
        let size = u32::try_from(bytes.len()).map_err(|_| too_large())?;
        let crc = crc32(bytes);
        let mut header = b"PK\x03\x04".to_vec();
        describe(&mut header, (crc, size), name)?;
        header.extend(0_u16.to_le_bytes());
        header.extend(name.as_bytes());
        self.write(&header)?;
        self.write(bytes)?;
        self.entries.push((name.to_owned(), crc, size, at));
        Ok(())
    }

    /// Writes the list of what is in it.
    pub fn finish(mut self) -> io::Result<()> {
        let at = u32::try_from(self.written).map_err(|_| too_large())?;
        let count = u16::try_from(self.entries.len()).map_err(|_| too_large())?;
        let mut list = Vec::new();
        for (name, crc, size, at) in std::mem::take(&mut self.entries) {
            list.extend(b"PK\x01\x02");
            list.extend(VERSION.to_le_bytes());
            describe(&mut list, (crc, size), &name)?;
            // No extra field, no comment, first disk, no attributes.
            list.extend([0; 12]);
            list.extend(at.to_le_bytes());
            list.extend(name.as_bytes());
        }
        let size = u32::try_from(list.len()).map_err(|_| too_large())?;
        list.extend(b"PK\x05\x06\0\0\0\0");
        list.extend(count.to_le_bytes());
        list.extend(count.to_le_bytes());
        list.extend(size.to_le_bytes());
        list.extend(at.to_le_bytes());
        list.extend(0_u16.to_le_bytes());
        self.write(&list)?;
        self.to.flush()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.to.write_all(bytes)
    }
}

/// What both headers of a file say alike, down to the length of its name.
fn describe(header: &mut Vec<u8>, (crc, size): (u32, u32), name: &str) -> io::Result<()> {
    header.extend(VERSION.to_le_bytes());
    // No flags, stored, midnight.
    header.extend([0; 6]);
    header.extend(DATE.to_le_bytes());
    header.extend(crc.to_le_bytes());
    header.extend(size.to_le_bytes());
    header.extend(size.to_le_bytes());
    header.extend(u16::try_from(name.len()).map_err(|_| too_large())?.to_le_bytes());
    Ok(())
}

/// The check sum of zip and PNG: the reflected polynomial 0x04C11DB7.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize];
    !bytes.iter().fold(!0, step)
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xEDB8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
