//! Pictures of examples against their rows.

use std::path::Path;

use super::held::Held;
use super::{CheckError, Finding};
use crate::store::examples::FOLDER;
use crate::store::query::StoreReader;

pub(super) fn check(dir: &Path) -> Result<[Finding; 2], CheckError> {
    let examples = Held {
        folder: FOLDER,
        suffix: ".jpg",
        known: StoreReader::example_files,
        named: |reader| Ok(reader.example_files()?.into_keys().collect()),
    };
    let (broken, strays) = examples.against(dir)?;
    Ok([
        Finding::of("every picture of an example is there, with its digest", broken),
        Finding::of("every file among the examples has its row", strays),
    ])
}
