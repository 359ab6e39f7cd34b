//! Pictures of incidents: each is what was kept, both versions of it, and its digest was noted then.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{CheckError, Finding};
use crate::digest::sha256_of;

/// Asked of pictures that have a digest: those of older versions have none.
const PICTURES: [(&str, &str); 2] = [
    ("the picture", "SELECT incident, jpeg, sha256 FROM snapshot WHERE sha256 IS NOT NULL"),
    (
        "the clear picture",
        "SELECT incident, jpeg, sha256 FROM snapshot_clear WHERE sha256 IS NOT NULL",
    ),
];

/// Both findings in one reading: half of the store is pictures.
pub(super) fn check(view: &Connection) -> Result<[Finding; 2], CheckError> {
    let holds = "every picture of an incident has its digest";
    let noted_holds = "a picture's digest stands in the audit log";
    let noted = noted(view).map_err(|source| CheckError::Ask { holds: noted_holds, source })?;
    let ask = || -> rusqlite::Result<(Vec<String>, Vec<String>)> {
        let (mut broken, mut unnoted) = (Vec::new(), Vec::new());
        for (what, sql) in PICTURES {
            let mut statement = view.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (incident, jpeg): (u64, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let sha256: String = row.get(2)?;
                let named = format!("{what} of incident {incident}");
                if sha256_of(&jpeg) != sha256 {
                    broken.push(named.clone());
                }
                if !noted.contains(&(format!("incident {incident}"), sha256)) {
                    unnoted.push(named);
                }
            }
        }
        Ok((broken, unnoted))
    };
    let (broken, unnoted) = ask().map_err(|source| CheckError::Ask { holds, source })?;
    Ok([Finding::of(holds, broken), Finding::of(noted_holds, unnoted)])
}

/// Every digest that was noted of a picture, with whose it is.
fn noted(view: &Connection) -> rusqlite::Result<BTreeSet<(String, String)>> {
    let mut statement =
        view.prepare("SELECT subject, detail FROM audit WHERE action = 'snapshot_kept'")?;
    let mut rows = statement.query([])?;
    let mut noted = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let (subject, detail): (String, String) = (row.get(0)?, row.get(1)?);
        let detail: serde_json::Value = serde_json::from_str(&detail).unwrap_or_default();
        for key in ["sha256", "clear_sha256"] {
            let digest = detail.get(key).and_then(serde_json::Value::as_str);
            noted.extend(digest.map(|digest| (subject.clone(), digest.to_owned())));
        }
    }
    Ok(noted)
}
