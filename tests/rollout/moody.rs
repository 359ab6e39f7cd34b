//! A disk that has moods.

use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use standclear::model_store::files::{Disk, Files, Kind};

/// What a disk does; changed while the box works with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mood {
    Well,
    Full,
    ReadOnly,
    /// Whoever writes waits until it is well again.
    Hangs,
}

/// A real folder on a disk that has moods.
pub struct Moody {
    pub disk: Disk,
    pub mood: Arc<AtomicU8>,
}

impl Moody {
    fn write(&self) -> io::Result<()> {
        loop {
            match self.mood.load(Ordering::SeqCst) {
                0 => return Ok(()),
                1 => return Err(ErrorKind::StorageFull.into()),
                2 => return Err(ErrorKind::ReadOnlyFilesystem.into()),
                _ => thread::park_timeout(Duration::from_millis(2)),
            }
        }
    }
}

impl Files for Moody {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.write().and_then(|()| self.disk.create_dir(path))
    }

    fn write_new(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64> {
        self.write().and_then(|()| self.disk.write_new(path, content))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.write().and_then(|()| self.disk.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        self.disk.open(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.disk.list(path)
    }

    fn kind(&self, path: &Path) -> io::Result<Option<Kind>> {
        self.disk.kind(path)
    }
}
