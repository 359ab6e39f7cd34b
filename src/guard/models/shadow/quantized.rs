//! Whether the shadow model is a quantized one, and what it was found to see beside its parent.

use std::collections::BTreeSet;
use std::path::Path;

use crate::gate::quantization::Checked;
use crate::guard::handle::shadowing::Slot;
use crate::guard::models::recorded::{self, KeptZones};
use crate::model_package::folder::{MANIFEST, read_manifest};
use crate::model_store::blobs;
use crate::store::query::{HistoryError, StoreReader};

/// Whether any variant of the package holds its activations in bytes. What nobody can read is taken for
/// one, since it has to be looked at before it may guard.
pub(super) fn is_so(packages: &Path, shadow: Slot) -> bool {
    // What came with the program was checked before it did.
    let Slot::Blob(digest) = shadow else { return false };
    let manifest = packages.join(blobs::folder_of(digest)).join(MANIFEST);
    let read = read_manifest(&manifest).ok();
    let manifest: Option<serde_json::Value> =
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let variants = manifest.as_ref().and_then(|it| it.get("variants")?.as_array());
    let is_float = |it: &serde_json::Value| it.get("activations").is_some_and(|it| it == "f32");
    !variants.is_some_and(|all| !all.is_empty() && all.iter().all(is_float))
}

/// By all recordings that are kept of it, and the parents it was held against, sha256 of their manifests;
/// `None`: of none. `ran`: the sha256 of what is run of it here, where it was: another variant of the
/// package rounds elsewhere.
pub(super) fn checked(
    reader: &StoreReader,
    shadow: Slot,
    ran: Option<&str>,
) -> Result<Option<(Checked, BTreeSet<String>)>, HistoryError> {
    let Slot::Blob(digest) = shadow else { return Ok(None) };
    let rows = reader.parent_checks(&digest.to_string())?;
    let here = rows.into_iter().filter(|row| ran.is_none_or(|ran| row.model == ran));
    let (mut kept, mut parents) = (Vec::new(), BTreeSet::new());
    for row in here {
        let counted: KeptZones = serde_json::from_str(&row.counted)
            .map_err(|source| HistoryError::ParentCheck { id: row.id, source })?;
        // Another parent or way of looking is another question, and each has to be answered.
        let question = format!("{} {} {}", row.zones, row.parent, row.settings);
        parents.insert(row.parent);
        kept.push((row.name, question, counted));
    }
    let all = kept.iter().map(|(name, zones, counted)| (name.as_str(), zones.as_str(), counted));
    Ok((!kept.is_empty()).then(|| (recorded::checked(all), parents)))
}
