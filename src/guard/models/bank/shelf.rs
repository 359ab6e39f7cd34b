//! The pictures' folder. A file is written under its name with `.part`, synced, and then named; only
//! then is there a row. What is removed loses its row first. So whatever a crash leaves is a file
//! without a row.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::statvfs;

/// Of a file that is being written.
const UNFINISHED: &str = ".part";

/// Pictures of people: only for the user the box runs as.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Least free room, bytes, when a picture is written: the store's own reserve comes first.
const FREE_MIN_BYTES: u64 = 64 * 1024 * 1024;

/// Largest picture that is read, bytes.
const READ_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// See the module.
#[derive(Clone, Debug)]
pub struct Shelf {
    path: PathBuf,
}

/// What an example's picture is called.
pub fn name_of(id: u64) -> String {
    format!("example-{id:08}.jpg")
}

/// The example whose picture is called that.
pub fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("example-")?.strip_suffix(".jpg")?;
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let id = digits.then(|| number.parse().ok()).flatten()?;
    (name_of(id) == name).then_some(id)
}

impl Shelf {
    pub fn new(path: PathBuf) -> Shelf {
        Shelf { path }
    }

    /// Puts a picture there: whole, on the disk, under its last name; or nothing.
    ///
    /// # Errors
    /// The disk is full, nearly full, or fails.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.path)?;
        let disk = statvfs(&self.path)?;
        // Blocks that others than the administrator may use.
        if disk.f_bavail.saturating_mul(disk.f_frsize) < FREE_MIN_BYTES {
            let megabytes = FREE_MIN_BYTES / (1024 * 1024);
            let why = format!("the disk is nearly full; free at least {megabytes} MB");
            return Err(io::Error::new(io::ErrorKind::StorageFull, why));
        }
        let unfinished = self.path.join(format!("{name}{UNFINISHED}"));
        #[expect(clippy::disallowed_methods, reason = "the folder is synced right after")]
        let put = || -> io::Result<()> {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(FILE_MODE)
                .open(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fail::fail_point!("examples::written");
            fs::rename(&unfinished, self.path.join(name))?;
            // The name must survive a power cut too.
            File::open(&self.path)?.sync_all()?;
            fail::fail_point!("examples::named");
            Ok(())
        };
        put().inspect_err(|_| {
            let _ = fs::remove_file(&unfinished);
        })
    }

    /// # Errors
    /// It is not there, or cannot be read.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.path.join(name))?.take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub fn remove(&self, name: &str) {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("the example {name} could not be removed: {error}");
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Removes files of ours that no row names. Anything else that lies there is somebody else's and
    /// stays.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn sweep<T>(&self, named: &BTreeMap<String, T>) -> io::Result<()> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            let last_name = name.strip_suffix(UNFINISHED).unwrap_or(&name);
            if number_of(last_name).is_some() && !named.contains_key(&name) {
                tracing::warn!("{name} was never finished, or was to be removed; it goes");
                self.remove(&name);
            }
        }
        Ok(())
    }
}
