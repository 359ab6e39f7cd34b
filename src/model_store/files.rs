//! The little that the store asks of a file system, so that a test can cut its power at any call.
//!
//! Paths are relative to the store's folder. A call that returned has happened as far as everybody
//! sees; it survives a power cut only when what it changed was synced: a file's content by
//! `sync_file`, names in a folder by `sync_dir` of that folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// For the user the box runs as.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What a name stands for; what a link points to is never looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    File,
    Folder,
    /// A link, a device, a socket: nothing that this program makes.
    Other,
}

/// See the module.
pub trait Files {
    /// # Errors
    /// The name is taken, or it cannot be made.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Writes a file that was not there, and says how many bytes that were.
    ///
    /// # Errors
    /// The name is taken, `content` cannot be read, or it cannot be written; part of it may be there.
    fn write_new(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64>;

    /// # Errors
    /// It is not known to be on the disk.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// # Errors
    /// It is not known to be on the disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Within one folder; a file takes the place of a file.
    ///
    /// # Errors
    /// There is nothing, or it cannot be done.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// # Errors
    /// There is none, or it cannot be done.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// # Errors
    /// There is none, something is in it, or it cannot be done.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// # Errors
    /// There is no file of this name, or it cannot be read.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>>;

    /// Names in a folder, in no order.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// `None`: there is nothing of this name.
    ///
    /// # Errors
    /// It cannot be told.
    fn kind(&self, path: &Path) -> io::Result<Option<Kind>>;
}

/// One that several threads work with, each on other files.
pub type SharedFiles = Arc<dyn Files + Send + Sync>;

macro_rules! files_behind {
    ($($pointer:ty),+) => {$(
impl<F: Files + ?Sized> Files for $pointer {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        (**self).create_dir(path)
    }

    fn write_new(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64> {
        (**self).write_new(path, content)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        (**self).sync_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        (**self).sync_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        (**self).rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        (**self).remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        (**self).remove_dir(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        (**self).open(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        (**self).list(path)
    }

    fn kind(&self, path: &Path) -> io::Result<Option<Kind>> {
        (**self).kind(path)
    }
}
    )+};
}

files_behind!(&F, Arc<F>);

/// A folder on the machine.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The folder, which is made where it is not there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(root: PathBuf) -> io::Result<Disk> {
        if !root.is_dir() {
            DirBuilder::new().mode(FOLDER_MODE).create(&root)?;
            if let Some(parent) = root.parent().filter(|it| !it.as_os_str().is_empty()) {
                // The folder's own name must survive a power cut too.
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(Disk { root })
    }

    /// The folder as it is; for looking.
    pub const fn existing(root: PathBuf) -> Disk {
        Disk { root }
    }

    fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }
}

impl Files for Disk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(FOLDER_MODE).create(self.at(path))
    }

    fn write_new(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(FILE_MODE).open(self.at(path))?;
        io::copy(content, &mut file)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::open(self.at(path))?.sync_all()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(self.at(path))?.sync_all()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "whoever renames syncs the folder: it is counted"
    )]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(self.at(path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        match self.kind(path)? {
            Some(Kind::File) => Ok(Box::new(File::open(self.at(path))?)),
            // A pipe would be waited for.
            Some(Kind::Folder | Kind::Other) => Err(io::ErrorKind::InvalidInput.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let name = |entry: io::Result<fs::DirEntry>| {
            entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
        };
        fs::read_dir(self.at(path))?.map(name).collect()
    }

    fn kind(&self, path: &Path) -> io::Result<Option<Kind>> {
        match fs::symlink_metadata(self.at(path)) {
            Ok(it) if it.is_file() => Ok(Some(Kind::File)),
            Ok(it) if it.is_dir() => Ok(Some(Kind::Folder)),
            Ok(_) => Ok(Some(Kind::Other)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
