//! Files that a command writes: whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file could not be written; what stood there before still does.
#[derive(Debug, thiserror::Error)]
#[error("{file} could not be written")]
pub struct WriteError {
    pub file: PathBuf,
    #[source]
    pub source: io::Error,
}

/// Writes all files, or none of them: every one is complete under another name before the first
/// takes its place.
pub fn write_all(files: &[(&Path, &[u8])]) -> Result<(), WriteError> {
    let mut waiting: Vec<Waiting<'_>> = Vec::new();
    for &(file, bytes) in files {
        waiting.push(Waiting::write(file, bytes)?);
    }
    waiting.into_iter().try_for_each(Waiting::take_place)
}

/// A complete file under a temporary name; removed unless it takes its place.
struct Waiting<'a> {
    file: &'a Path,
    temporary: PathBuf,
}

impl<'a> Waiting<'a> {
    fn write(file: &'a Path, bytes: &[u8]) -> Result<Waiting<'a>, WriteError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let temporary = file.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let failed = |source| WriteError { file: file.to_owned(), source };
        let mut sink = File::create(&temporary).map_err(failed)?;
        let waiting = Waiting { file, temporary };
        sink.write_all(bytes).and_then(|()| sink.sync_all()).map_err(failed)?;
        Ok(waiting)
    }

    #[expect(clippy::disallowed_methods, reason = "the file was synced before")]
    fn take_place(self) -> Result<(), WriteError> {
        let failed = |source| WriteError { file: self.file.to_owned(), source };
        fs::rename(&self.temporary, self.file).map_err(failed)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Gone already when it took its place.
        let _ = fs::remove_file(&self.temporary);
    }
}
