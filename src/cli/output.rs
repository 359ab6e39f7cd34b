//! Files that a command writes: whole or not at all, and never over what it reads.

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
}

/// Refuses outputs that cannot work, before an hour is spent on what they should hold.
pub fn check(outputs: &[Option<&Path>], inputs: &[&Path]) -> Result<(), OutputError> {
    let mut seen: Vec<PathBuf> = Vec::new();
    for file in outputs.iter().copied().flatten() {
        if file.is_dir() {
            return Err(OutputError::Folder { file: file.to_owned() });
        }
        let folder = folder_of(file);
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
        let place = place.join(file.file_name().unwrap_or_default());
        // Two reports into one pipe are fine; two into one file are one lost.
        if seen.contains(&place) && !is_special(file) {
            return Err(OutputError::Twice { file: file.to_owned() });
        }
        seen.push(place);
    }
    Ok(())
}

/// Writes all files, or none of them: every one is complete under another name before the first
/// takes its place.
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
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let temporary = file.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let mut sink = File::create(&temporary).map_err(failed)?;
        let waiting = Waiting { file: file.to_owned(), temporary: Some(temporary) };
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

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
