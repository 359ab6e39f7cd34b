//! Taking hold of the store's folder and file, and nothing else of anybody's.
//!
//! The file is looked at before SQLite touches it, so that a file that is not ours stays as it is,
//! byte for byte. The folder is held by a lock that the kernel drops with the process, however that
//! ends; there is no stale lock to clean up.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use rustix::fs::{FlockOperation, flock};

use super::moving::move_portion;
use super::retention::EVENTS_KEPT;
use super::{FILE_NAME, StoreError};

/// "StCl": marks the file as ours in SQLite's header.
const APPLICATION_ID: i64 = 0x5374_436C;

/// `MIGRATIONS[n]` leads from schema `n` to `n + 1`.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
    include_str!("schema_9.sql"),
    include_str!("schema_10.sql"),
    include_str!("schema_11.sql"),
    include_str!("schema_12.sql"),
    include_str!("schema_13.sql"),
    include_str!("schema_14.sql"),
    include_str!("schema_15.sql"),
    include_str!("schema_16.sql"),
    include_str!("schema_17.sql"),
    include_str!("schema_18.sql"),
    include_str!("schema_19.sql"),
    include_str!("schema_20.sql"),
    include_str!("schema_21.sql"),
];

/// The schema that leaves rows of the log behind, to be moved later.
const MOVED_SINCE: i64 = 8;

/// The schema this program writes.
#[allow(clippy::cast_possible_wrap)]
pub const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// How long a statement waits for another connection. Only a checkpoint ever holds the writer up.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// The write-ahead log is cut back to this many bytes after a checkpoint, so that one big burst
/// does not hold disk space for ever.
const WAL_BYTES_KEPT: i64 = 64 * 1024 * 1024;

/// SQLite's file header: magic at 0, application id at 68.
const HEADER_BYTES: usize = 100;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Pictures of people: only for the user the box runs as.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The folder is ours while this lives.
#[derive(Debug)]
pub(super) struct FolderLock {
    file: File,
}

impl Drop for FolderLock {
    /// Closing alone would leave the lock to a child that was forked but has not run its program
    /// yet; letting go takes it from that one as well.
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

pub(super) fn open(dir: &Path) -> Result<(Connection, PathBuf, FolderLock), StoreError> {
    make_folder(dir)?;
    let lock = lock_folder(dir)?;
    let path = dir.join(FILE_NAME);
    inspect(&path)?;
    let mut connection = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|source| open_error(&path, source))?;
    let version = known_version(&connection, &path)?;
    configure(&connection, &path)?;
    migrate(&mut connection, &path, version)?;
    Ok((connection, path, lock))
}

fn make_folder(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    if dir.exists() {
        return Err(StoreError::NotAFolder { path: dir.to_path_buf() });
    }
    let create = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(dir)?;
        // The folder's own name must survive a power cut too.
        match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    };
    create().map_err(|source| StoreError::CreateFolder { path: dir.to_path_buf(), source })
}

fn lock_folder(dir: &Path) -> Result<FolderLock, StoreError> {
    let not_writable = |source| StoreError::NotWritable { path: dir.to_path_buf(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(dir.join("lock"))
        .map_err(not_writable)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(StoreError::InUse { path: dir.to_path_buf(), holder: holder(&mut file) });
        }
        Err(errno) => return Err(not_writable(errno.into())),
    }
    // The number only helps people to find the holder; a full disk must not stop us here.
    let _ = file
        .set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| writeln!(file, "{}", std::process::id()));
    Ok(FolderLock { file })
}

/// Who has the store in `dir` open now; `None` when nobody has, or when that cannot be seen.
pub fn in_use_by(dir: &Path) -> Option<String> {
    let mut file = File::open(dir.join("lock")).ok()?;
    // Let go of again with the file.
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(rustix::io::Errno::WOULDBLOCK) => Some(holder(&mut file)),
        Ok(()) | Err(_) => None,
    }
}

/// Who holds the lock, as far as it said so.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(32).read_to_string(&mut text);
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(number)) if number == std::process::id() => {
            "this very process (it is open already)".to_owned()
        }
        (Ok(_), Ok(number)) => format!("another Standclear (process {number})"),
        (Ok(_), Err(_)) | (Err(_), _) => "another Standclear".to_owned(),
    }
}

/// Refuses a file that is not ours before SQLite could change it. An absent or empty file is new.
fn inspect(path: &Path) -> Result<(), StoreError> {
    let unreadable = |source| StoreError::Unreadable { path: path.to_path_buf(), source };
    let not_ours = |found| StoreError::NotAStore { path: path.to_path_buf(), found };
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return create_private(path),
        Err(error) => return Err(unreadable(error)),
    };
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(not_ours("it is not a plain file"));
    }
    let mut header = Vec::with_capacity(HEADER_BYTES);
    Read::by_ref(&mut file)
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut header)
        .map_err(unreadable)?;
    if header.is_empty() {
        return Ok(());
    }
    if header.len() < HEADER_BYTES || !header.starts_with(MAGIC) {
        return Err(not_ours("it is not a SQLite database"));
    }
    // Zero is a store whose making was cut short; `known_version` looks closer.
    let id = u32::from_be_bytes([header[68], header[69], header[70], header[71]]);
    if id != 0 && i64::from(id) != APPLICATION_ID {
        return Err(not_ours("it is the database of another program"));
    }
    Ok(())
}

/// SQLite would create the file readable for everybody.
fn create_private(path: &Path) -> Result<(), StoreError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
        .map(|_file| ())
        .map_err(|source| StoreError::NotWritable {
            path: path.parent().unwrap_or(path).to_path_buf(),
            source,
        })
}

/// The schema found, 0 for a new file; refuses what is newer than this program or not ours.
fn known_version(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let ask = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|source| open_error(path, source))
    };
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|source| open_error(path, source))?;
    let id = ask("PRAGMA application_id")?;
    let tables = ask("SELECT count(*) FROM sqlite_schema")?;
    let found = ask("PRAGMA user_version")?;
    if id != APPLICATION_ID && (id != 0 || tables != 0 || found != 0) {
        return Err(StoreError::NotAStore {
            path: path.to_path_buf(),
            found: "it is the database of another program",
        });
    }
    if found > SCHEMA {
        return Err(StoreError::Newer { path: path.to_path_buf(), found, known: SCHEMA });
    }
    Ok(found.max(0))
}

/// Sets what durability rests on, and asks whether it took effect: SQLite answers a setting that a
/// file system cannot honour with the old one, not with an error.
fn configure(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let fail = |source| open_error(path, source);
    let expect = |setting: &'static str, wanted: &'static str, asked: &str, answer: &str| {
        let found: String = connection
            .query_row(asked, [], |row| row.get::<_, rusqlite::types::Value>(0))
            .map(shown)
            .map_err(fail)?;
        if found == answer {
            Ok(())
        } else {
            Err(StoreError::Setting { path: path.to_path_buf(), setting, wanted, found })
        }
    };
    expect("journal_mode", "WAL", "PRAGMA journal_mode = WAL", "wal")?;
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
             PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = {WAL_BYTES_KEPT};"
        ))
        .map_err(fail)?;
    expect("synchronous", "FULL", "PRAGMA synchronous", "2")?;
    expect("foreign_keys", "ON", "PRAGMA foreign_keys", "1")
}

fn shown(value: rusqlite::types::Value) -> String {
    use rusqlite::types::Value;
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Blob(_) => "a blob".to_owned(),
    }
}

/// One transaction a step: a power cut leaves the old schema or the new one, nothing between.
fn migrate(connection: &mut Connection, path: &Path, from: i64) -> Result<(), StoreError> {
    for (version, sql) in (1_i64..).zip(MIGRATIONS) {
        if version <= from {
            continue;
        }
        let step = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(sql)?;
            if version == MOVED_SINCE {
                // A small log has come over as a whole.
                move_portion(&transaction, EVENTS_KEPT)?;
            }
            transaction.execute_batch(&format!(
                "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version};"
            ))?;
            transaction.commit()
        };
        step(connection).map_err(|source| {
            StoreError::or_full(path, source, |path, source| StoreError::Migrate {
                path,
                to: version,
                source,
            })
        })?;
    }
    Ok(())
}

fn open_error(path: &Path, source: rusqlite::Error) -> StoreError {
    if source.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) {
        return StoreError::NotAStore {
            path: path.to_path_buf(),
            found: "it is not a SQLite database",
        };
    }
    StoreError::or_full(path, source, |path, source| StoreError::Open { path, source })
}
