//! Which files a manifest names, and by which digests.
//!
//! The three lists that name files are the same in all schemas, whatever else the manifest says. So
//! packages of older and newer ones are held against what lies on the disk by the same rule.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde_json::Value;

use super::error::ModelStoreError;
use crate::model_package::folder::MANIFEST;
use crate::model_package::signature::SIGNATURES;
use crate::rollout::slot::Digest;

/// The lists of files in a manifest; the last one only where there are others.
const LISTS: [&str; 3] = ["variants", "golden", "files"];

/// Signatures on their way to take the place of others; never read.
pub(super) const NEW_SIGNATURES: &str = "tmp-manifest.sig";

/// Longest name of a file inside a package.
const NAME_BYTES_MAX: usize = 200;

/// What a manifest says of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    pub sha256: Digest,
    /// Not said by older manifests.
    pub bytes: Option<u64>,
}

/// # Errors
/// It is no JSON object, a name leads out of the package, or a digest is none.
pub fn named(manifest: &[u8]) -> Result<BTreeMap<String, Named>, ModelStoreError> {
    let is_not = |why: &str, source| ModelStoreError::Manifest { why: why.into(), source };
    let parsed: Value =
        serde_json::from_slice(manifest).map_err(|source| is_not("it is no JSON", Some(source)))?;
    let members = parsed.as_object().ok_or_else(|| is_not("it is no JSON object", None))?;
    let mut files = BTreeMap::new();
    for entry in LISTS.iter().filter_map(|list| members.get(*list)?.as_array()).flatten() {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let (Some(file), Some(sha256)) = (text("file"), text("sha256")) else {
            return Err(is_not("it names a file without `file` or `sha256`", None));
        };
        if !is_inside(file) {
            return Err(is_not(&format!("`{file}` is no name of a file inside a package"), None));
        }
        let bad = |source| ModelStoreError::ManifestDigest { file: file.to_owned(), source };
        let sha256: Digest = sha256.parse().map_err(bad)?;
        let bytes = entry.get("bytes").and_then(Value::as_u64);
        let it = Named { sha256, bytes };
        if files.insert(file.to_owned(), it).is_some_and(|other| other.sha256 != it.sha256) {
            return Err(is_not(&format!("it names `{file}` with two digests"), None));
        }
    }
    match files.is_empty() {
        true => Err(is_not("it names no files", None)),
        false => Ok(files),
    }
}

/// A name that stays inside the package and is not one of the store's own.
fn is_inside(file: &str) -> bool {
    let path = Path::new(file);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    !file.is_empty()
        && file.len() <= NAME_BYTES_MAX
        && path.components().all(is_plain)
        // One spelling of each path: no `a//b`, no `a/./b`, no `a/`.
        && path.components().map(|it| it.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
            == file
        && ![MANIFEST, SIGNATURES, NEW_SIGNATURES].contains(&file)
}
