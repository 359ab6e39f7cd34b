//! The tar of a package, read block by block and once, and written.
//!
//! Of all that a tar may hold only one thing is taken: plain files, in the one header that this
//! program writes for a name and a size. So there are no links, devices, sparse files, long names,
//! extended headers, and no two readings of the same bytes.
//!
//! Bounded: nothing is read beyond what the caller allows for a file, and the end is the end.

use std::io::{ErrorKind, Read};

use tar::{EntryType, Header};

use super::PACKAGE_BYTES_MAX;
use super::name::PackagePath;
use super::refusal::{PackageFileError, Refusal, shown};

/// Bytes of a header, and what files are filled up to.
const BLOCK_BYTES: usize = 512;

/// Everybody may read, and only the owner write.
const FILE_MODE: u32 = 0o644;

/// The header of the next file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: PackagePath,
    /// As the header says: it may be anything.
    pub(super) bytes: u64,
}

/// A package that is being read.
pub(super) struct Archive<R> {
    source: R,
    /// Bytes read so far, for messages.
    read_bytes: u64,
}

impl<R: Read> Archive<R> {
    pub(super) fn new(source: R) -> Archive<R> {
        Archive { source, read_bytes: 0 }
    }

    /// The next file's header; `None` where the package ends.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, PackageFileError> {
        let at = self.read_bytes;
        let block = self.block()?;
        if block == [0; BLOCK_BYTES] {
            self.end()?;
            return Ok(None);
        }
        Ok(Some(entry(at, &block)?))
    }

    /// The bytes of the file whose header was read last. The caller looked at how many there are.
    pub(super) fn bytes(&mut self, entry: &Entry) -> Result<Vec<u8>, PackageFileError> {
        let mut bytes = Vec::new();
        let read = (&mut self.source).take(entry.bytes).read_to_end(&mut bytes);
        self.read_bytes += read.map_err(PackageFileError::Read)? as u64;
        if (bytes.len() as u64) < entry.bytes {
            return Err(self.cut(entry.name.as_str()));
        }
        let mut rest = [0; BLOCK_BYTES];
        let fill = &mut rest[..filling(entry.bytes)];
        self.exactly(fill, "the filling of a file")?;
        if fill.iter().any(|byte| *byte != 0) {
            let at = format!("what follows {}", entry.name.as_str());
            return Err(Refusal::malformed(at, "it must be zeros").into());
        }
        Ok(bytes)
    }

    /// After the first block of zeros: another one, and nothing.
    fn end(&mut self) -> Result<(), PackageFileError> {
        if self.block()? != [0; BLOCK_BYTES] {
            return Err(Refusal::malformed("the end", "it must be zeros").into());
        }
        let mut more = [0];
        loop {
            match self.source.read(&mut more) {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    let (what, limit) = ("the package".to_owned(), self.read_bytes);
                    return Err(Refusal::EndlessData { what, limit }.into());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(PackageFileError::Read(error)),
            }
        }
    }

    fn block(&mut self) -> Result<[u8; BLOCK_BYTES], PackageFileError> {
        let mut block = [0; BLOCK_BYTES];
        self.exactly(&mut block, "a header")?;
        Ok(block)
    }

    fn exactly(&mut self, into: &mut [u8], what: &str) -> Result<(), PackageFileError> {
        match self.source.read_exact(into) {
            Ok(()) => {
                self.read_bytes += into.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.cut(what)),
            Err(error) => Err(PackageFileError::Read(error)),
        }
    }

    fn cut(&self, what: &str) -> PackageFileError {
        let at = format!("what follows byte {}", self.read_bytes);
        let problem = format!("the package ends in the middle of {what}; fetch it again");
        Refusal::malformed(at, problem).into()
    }
}

/// The one header of a file of this name and size.
pub(super) fn header(name: &PackagePath, bytes: u64) -> Result<Header, Refusal> {
    let mut header = Header::new_ustar();
    if header.set_path(name.as_str()).is_err() {
        let problem = "its folders end nowhere where a tar could part them; make it shorter";
        return Err(Refusal::malformed(shown(name.as_str().as_bytes()), problem));
    }
    header.set_mode(FILE_MODE);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(bytes);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    Ok(header)
}

/// Adds one file to a package.
pub(super) fn write_file(out: &mut Vec<u8>, header: &Header, bytes: &[u8]) {
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(&[0; BLOCK_BYTES][..filling(bytes.len() as u64)]);
}

/// Ends a package.
pub(super) fn write_end(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 2 * BLOCK_BYTES]);
}

fn entry(at: u64, block: &[u8; BLOCK_BYTES]) -> Result<Entry, Refusal> {
    let found = Header::from_byte_slice(block);
    let written = found.path_bytes();
    let kind = match found.entry_type() {
        EntryType::Regular => None,
        EntryType::Link => Some("a hard link"),
        EntryType::Symlink => Some("a link"),
        EntryType::Char | EntryType::Block => Some("a device"),
        EntryType::Directory => Some("a folder"),
        EntryType::Fifo => Some("a pipe"),
        EntryType::GNUSparse => Some("a sparse file"),
        EntryType::XHeader
        | EntryType::XGlobalHeader
        | EntryType::GNULongName
        | EntryType::GNULongLink => Some("a header that changes what follows"),
        _ => Some("of no kind that a tar of plain files has"),
    };
    if let Some(kind) = kind {
        return Err(Refusal::NotARegularFile { name: shown(&written), kind });
    }
    let name = PackagePath::parse(&written)?;
    let malformed = |problem: &str| Refusal::malformed(format!("the header at byte {at}"), problem);
    let bytes = found.entry_size().map_err(|_| malformed("its size is no number"))?;
    if bytes > PACKAGE_BYTES_MAX {
        let what = shown(name.as_str().as_bytes());
        return Err(Refusal::EndlessData { what, limit: PACKAGE_BYTES_MAX });
    }
    if header(&name, bytes)?.as_bytes() != block {
        let problem = "it is damaged, or not written by `standclear model pack`";
        return Err(malformed(problem));
    }
    Ok(Entry { name, bytes })
}

/// Zeros after so many bytes, up to the next block.
fn filling(bytes: u64) -> usize {
    let over = (bytes % BLOCK_BYTES as u64) as usize;
    (BLOCK_BYTES - over) % BLOCK_BYTES
}
