//! What the audit log is told of drafts and versions, in the same transaction as the change.

use rusqlite::Connection;

use super::write::Stop;
use super::{Signed, ZoneVersion};
use crate::store::audit::{self, AuditEntry};

pub(super) fn note_version(
    connection: &Connection,
    signed: &Signed,
    action: &str,
    version: &ZoneVersion,
    differences: &[String],
) -> Result<(), Stop> {
    let number = version.number.to_string();
    let differences = differences.join("; ");
    let detail = json(&[
        ("version", &number),
        ("digest", &version.digest),
        ("made_by", &version.made.by),
        ("reason", &version.reason),
        ("differences", &differences),
    ]);
    note(connection, signed, action, &version.camera, &detail)
}

pub(super) fn note(
    connection: &Connection,
    signed: &Signed,
    action: &str,
    camera: &str,
    detail: &str,
) -> Result<(), Stop> {
    let entry = AuditEntry {
        at: signed.at,
        by: signed.by.clone(),
        action: action.into(),
        subject: camera.into(),
        detail: detail.into(),
    };
    audit::append(connection, &entry).map_err(Stop::Broken)
}

/// A JSON list.
pub(super) fn names(people: &[String]) -> String {
    serde_json::Value::from(people).to_string()
}

/// A flat JSON object.
pub(super) fn json(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|&(key, value)| (key.to_owned(), value.into()));
    serde_json::Value::Object(fields.collect()).to_string()
}
