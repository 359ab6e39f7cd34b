//! Clips against their rows.

use std::path::Path;

use super::held::{Held, reader};
use super::{CheckError, Finding};
use crate::digest::sha256_of;
use crate::store::evidence::FOLDER;
use crate::store::query::StoreReader;
use crate::store::shadow::clips::FOLDER as CASES;

const SUFFIX: &str = ".mp4";

pub(super) fn check(dir: &Path) -> Result<[Finding; 3], CheckError> {
    let clips = Held {
        folder: FOLDER,
        suffix: SUFFIX,
        known: StoreReader::clip_files,
        // Also those that were gone when the box looked: what is back has its row.
        named: |reader| Ok(reader.named_clips()?.into_keys().collect()),
    };
    let (broken, strays) = clips.against(dir)?;
    Ok([
        Finding::of("every clip is there, as long as it was and with its digest", broken),
        Finding::of("every file among the clips has its row", strays),
        Finding::of("every track of a clip has its digest", tracks(dir)?),
    ])
}

/// Clips of what only a shadow model told.
pub(super) fn check_cases(dir: &Path) -> Result<[Finding; 2], CheckError> {
    let cases = Held {
        folder: CASES,
        suffix: SUFFIX,
        known: StoreReader::case_clip_files,
        named: |reader| Ok(reader.named_case_clips()?.into_keys().collect()),
    };
    let (broken, strays) = cases.against(dir)?;
    Ok([
        Finding::of("every clip of a case is there, with its digest", broken),
        Finding::of("every file among the clips of cases has its row", strays),
    ])
}

/// Tracks that are not what their digests say.
fn tracks(dir: &Path) -> Result<Vec<String>, CheckError> {
    let differs = |(_, json, sha256): &(String, String, String)| sha256_of(json) != *sha256;
    let tracks = reader(dir)?.clip_tracks()?.into_iter().filter(differs);
    Ok(tracks.map(|(of, ..)| format!("{of}: has another digest")).collect())
}
