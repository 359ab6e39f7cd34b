//! What a command puts out: files, each whole or not at all and never over what it reads, and text
//! on standard output.
//!
//! Several files are each whole: all are complete under other names before the first takes its
//! place. A machine that dies between two places leaves some new and some old, and none half.
//! A link stays, and what it points to is replaced. Pipes and devices are written directly, at the
//! end, and what is wrong with them comes out only then.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a file is not written; what stood there before still does.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("{} could not be written", .file.display())]
    Write {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is a folder; name a file in it", .file.display())]
    Folder { file: PathBuf },
    #[error("{} cannot be written: the folder {} does not exist; make it first", .file.display(), .folder.display())]
    NoFolder { file: PathBuf, folder: PathBuf },
    #[error("{} is read and would be overwritten; name another file", .file.display())]
    IsInput { file: PathBuf },
    #[error("{} is named for two outputs; give each its own file", .file.display())]
    Twice { file: PathBuf },
    #[error("standard output cannot be written")]
    Stdout(#[source] io::Error),
}

/// Refuses outputs that cannot work, before an hour is spent on what they should hold.
pub fn check(outputs: &[Option<&Path>], inputs: &[&Path]) -> Result<(), OutputError> {
    let mut seen: Vec<PathBuf> = Vec::new();
    for file in outputs.iter().copied().flatten() {
        if file.is_dir() {
            return Err(OutputError::Folder { file: file.to_owned() });
        }
        let target = linked(file);
        let folder = folder_of(&target);
        if !folder.is_dir() {
            let (file, folder) = (file.to_owned(), folder.to_owned());
            return Err(OutputError::NoFolder { file, folder });
        }
        let same = |other: &&Path| match (other.canonicalize(), file.canonicalize()) {
            (Ok(other), Ok(file)) => other == file,
            _ => false,
        };
        if inputs.iter().any(same) {
            return Err(OutputError::IsInput { file: file.to_owned() });
        }
        let place = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let place = place.join(target.file_name().unwrap_or_default());
        // Two reports into one pipe are fine; two into one file are one lost.
        if seen.contains(&place) && !is_special(file) {
            return Err(OutputError::Twice { file: file.to_owned() });
        }
        seen.push(place);
        // Only a try tells whether the folder can be written: rights, disks mounted read-only.
        if !is_special(file) {
            drop(Waiting::write(file, b"")?);
        }
    }
    Ok(())
}

/// Lets a command write text to standard output. A reader that is gone and a disk that is full are
/// errors here, where `println!` would panic.
pub fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    write(&mut out).and_then(|()| out.flush()).map_err(OutputError::Stdout)
}

/// Writes all files: every one is complete under another name before the first takes its place.
pub fn write_all(files: &[(&Path, &[u8])]) -> Result<(), OutputError> {
    let waiting: Result<Vec<_>, _> =
        files.iter().map(|(file, bytes)| Waiting::write(file, bytes)).collect();
    waiting?.into_iter().try_for_each(Waiting::take_place)
}

/// A complete file under a temporary name; removed unless it takes its place.
pub struct Waiting {
    file: PathBuf,
    /// `None` for a pipe or a device, which was written at once.
    temporary: Option<PathBuf>,
}

impl Waiting {
    /// Writes and syncs the content beside its place.
    pub fn write(file: &Path, bytes: &[u8]) -> Result<Waiting, OutputError> {
        let failed = |source| OutputError::Write { file: file.to_owned(), source };
        if is_special(file) {
            let mut sink = OpenOptions::new().write(true).open(file).map_err(failed)?;
            sink.write_all(bytes).map_err(failed)?;
            return Ok(Waiting { file: file.to_owned(), temporary: None });
        }
        let target = linked(file);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let temporary = target.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let mut sink = File::create(&temporary).map_err(failed)?;
        let waiting = Waiting { file: target, temporary: Some(temporary) };
        sink.write_all(bytes).and_then(|()| sink.sync_all()).map_err(failed)?;
        Ok(waiting)
    }

    /// Gives the file its name.
    #[expect(
        clippy::disallowed_methods,
        reason = "the content is synced before and the folder behind the rename"
    )]
    pub fn take_place(self) -> Result<(), OutputError> {
        let failed = |source| OutputError::Write { file: self.file.clone(), source };
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.file).map_err(failed)?;
            File::open(folder_of(&self.file)).and_then(|f| f.sync_all()).map_err(failed)?;
        }
        Ok(())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Gone already when it took its place.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// A pipe, a terminal or a device: nothing that could be replaced by a file.
fn is_special(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// What a link points to, so that the link is not replaced by a file; anything else as it is.
fn linked(file: &Path) -> PathBuf {
    match fs::read_link(file) {
        // A link to a file that is yet to be made is followed once.
        Ok(to) => file.canonicalize().unwrap_or_else(|_| folder_of(file).join(to)),
        Err(_) => file.to_owned(),
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
