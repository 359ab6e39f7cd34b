//! Room on the disk under the store, before a write fails for lack of it.
//!
//! A quiet site writes nothing for hours; without this look a full disk would be found by the very
//! incident that it cannot keep. Not here: what a failed write says, which comes from the store.

use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

/// Least free room, bytes: some thousand incidents with their pictures, and the store's own journal.
const FREE_MIN_BYTES: u64 = 16 * 1024 * 1024;

/// Why the disk under `folder` would not take records, for people. Waits for the file system.
pub fn fault(folder: &Path) -> Option<String> {
    match statvfs(folder) {
        Ok(disk) => {
            let writable = !disk.f_flag.contains(StatVfsMountFlags::RDONLY);
            // Blocks that others than the administrator may use.
            let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
            judge(folder, if writable { Room::Bytes(free_bytes) } else { Room::ReadOnly })
        }
        Err(error) => Some(format!("the folder {} cannot be looked at: {error}", folder.display())),
    }
}

enum Room {
    Bytes(u64),
    ReadOnly,
}

/// The text holds no number that changes, or it would be a new fault at every look.
fn judge(folder: &Path, room: Room) -> Option<String> {
    let folder = folder.display();
    match room {
        Room::Bytes(free) if free >= FREE_MIN_BYTES => None,
        Room::Bytes(_) => Some(format!(
            "the disk under {folder} is nearly full; free at least {} MB",
            FREE_MIN_BYTES / (1024 * 1024)
        )),
        Room::ReadOnly => {
            Some(format!("the disk under {folder} is read-only; make it writable again"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_nearly_full_or_read_only_is_a_fault_that_says_what_to_do() {
        let folder = Path::new("/data");
        assert_eq!(judge(folder, Room::Bytes(FREE_MIN_BYTES)), None);
        let full = judge(folder, Room::Bytes(FREE_MIN_BYTES - 1)).expect("a fault");
        assert!(full.contains("/data") && full.contains("16 MB"), "{full}");
        let read_only = judge(folder, Room::ReadOnly).expect("a fault");
        assert!(read_only.contains("read-only"), "{read_only}");
    }

    #[test]
    fn a_folder_that_is_gone_is_a_fault() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let gone = folder.path().join("gone");
        assert!(fault(&gone).expect("a fault").contains("gone"));
    }
}
