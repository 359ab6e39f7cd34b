//! Which model is being tried, in a small file beside the ledger: a model that takes the box down while it
//! is tried is not tried again at each start.

use std::io;
use std::path::Path;

use super::take::read_small;
use crate::model_store::files::Files;
use crate::rollout::slot::Digest;

/// Beside the ledger of models.
const TRYING: &str = "trying";

/// On the disk when this returns.
///
/// # Errors
/// The disk does not take it.
pub fn begin(files: &(impl Files + ?Sized), digest: Digest) -> io::Result<()> {
    let path = Path::new(TRYING);
    if files.kind(path)?.is_some() {
        files.remove_file(path)?;
    }
    files.write_new(path, &mut digest.to_string().as_bytes())?;
    files.sync_file(path)?;
    files.sync_dir(Path::new(""))
}

/// Whatever came of it, the box is there still.
pub fn over(files: &(impl Files + ?Sized)) {
    let path = Path::new(TRYING);
    let removed = files.remove_file(path).and_then(|()| files.sync_dir(Path::new("")));
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!("that a model was tried to the end is not kept: {error}");
        }
        Ok(()) | Err(_) => {}
    }
}

/// Whether the box ended in a try of this one.
pub fn ended_the_box(files: &(impl Files + ?Sized), digest: Digest) -> bool {
    read_small(files, Path::new(TRYING)).is_ok_and(|it| it == digest.to_string().as_bytes())
}
