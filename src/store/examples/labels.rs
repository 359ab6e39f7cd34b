//! What people say of examples: asked, by a verdict on the incident, or in a file of labels.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::{DrawnBy, KeptBox, NewExample, SaidLabel};
use crate::store::audit::{self, AuditEntry};
use crate::store::verdicts::{Judgement, VerdictRow};
use crate::store::{Store, StoreError};

/// Whether there was anything to label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelGiven {
    Yes,
    NoExample,
}

/// Labels of one picture out of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLabels {
    pub id: u64,
    /// `None`: nothing is said.
    pub label: Option<SaidLabel>,
    /// `None`: they stay as they are.
    pub boxes: Option<Vec<KeptBox>>,
}

/// What a file of labels did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportedLabels {
    /// Pictures of it that have a label now.
    pub labelled: usize,
    pub unknown: usize,
    pub changed: usize,
}

impl Store {
    /// Keeps what somebody says of an example, and of its incident, with an entry in the audit log; or
    /// nothing of it.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn label_example(
        &mut self,
        id: u64,
        label: SaidLabel,
        by: &str,
        at: Timestamp,
    ) -> Result<LabelGiven, StoreError> {
        self.examples(|connection| {
            let id = i64::try_from(id).unwrap_or(i64::MAX);
            if !put(connection, id, label, by, at)? {
                return Ok(LabelGiven::NoExample);
            }
            let detail = json!({ "label": label.as_str() }).to_string();
            let subject = format!("example {id}");
            sign(connection, (by, at), "example_labelled", subject, detail)?;
            Ok(LabelGiven::Yes)
        })
    }

    /// Keeps all labels of a file, with one entry in the audit log; or nothing of it.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn import_labels(
        &mut self,
        labels: &[NewLabels],
        by: &str,
        at: Timestamp,
    ) -> Result<ImportedLabels, StoreError> {
        self.examples(|connection| {
            let mut done = ImportedLabels::default();
            for one in labels {
                import(connection, one, (by, at), &mut done)?;
            }
            let detail = json!({
                "pictures": labels.len(), "labelled": done.labelled, "unknown": done.unknown,
                "changed": done.changed,
            });
            sign(connection, (by, at), "examples_imported", String::new(), detail.to_string())?;
            Ok(done)
        })
    }
}

fn import(
    connection: &Connection,
    one: &NewLabels,
    (by, at): (&str, Timestamp),
    done: &mut ImportedLabels,
) -> rusqlite::Result<()> {
    let id = i64::try_from(one.id).unwrap_or(i64::MAX);
    let before: Option<(Option<String>, String)> = connection
        .prepare_cached("SELECT label, boxes FROM example WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((label_before, boxes_before)) = before else {
        done.unknown += 1;
        return Ok(());
    };
    let mut changed = false;
    if let Some(label) = one.label
        && label_before.as_deref() != Some(label.as_str())
    {
        changed = put(connection, id, label, by, at)?;
    }
    if let Some(boxes) = &one.boxes {
        let boxes = super::json(boxes);
        if boxes != boxes_before {
            connection
                .prepare_cached("UPDATE example SET boxes = ?2 WHERE id = ?1")?
                .execute(params![id, boxes])?;
            changed = true;
        }
    }
    done.labelled += usize::from(one.label.is_some() || label_before.is_some());
    done.changed += usize::from(changed);
    Ok(())
}

/// Whether there is such an example.
/// See [`Store::example_differs`].
pub(super) fn differs(
    connection: &Connection,
    incident: u64,
    more: &[KeptBox],
    why: &str,
) -> rusqlite::Result<()> {
    let incident = i64::try_from(incident).unwrap_or(i64::MAX);
    let row: Option<(i64, String, Option<String>)> = connection
        .prepare_cached(
            "SELECT id, boxes, covers FROM example WHERE incident = ?1 AND occasion = 'incident'",
        )?
        .query_row([incident], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((id, boxes, covers)) = row else { return Ok(()) };
    let boxes = with_more(boxes, more);
    // What cannot be read hides everything.
    let covers = covers.and_then(|covers| serde_json::from_str::<Vec<[f64; 5]>>(&covers).ok());
    let covers = covers.map(|mut covers| {
        covers.extend(more.iter().map(|it| [it.left, it.top, it.width, it.height, 0.0]));
        json!(covers).to_string()
    });
    connection
        .prepare_cached(
            "UPDATE example SET occasion = 'disagreement', boxes = ?2, covers = ?3, why = ?4
             WHERE id = ?1",
        )?
        .execute(params![id, boxes, covers, why])
        .map(|_rows| ())
}

/// Boxes as kept, with those that nobody has corrected.
fn with_more(kept: String, more: &[KeptBox]) -> String {
    match serde_json::from_str::<Vec<KeptBox>>(&kept) {
        Ok(mut boxes) if boxes.iter().all(|it| it.by == DrawnBy::Model) => {
            boxes.extend(more);
            json!(boxes).to_string()
        }
        Ok(_) | Err(_) => kept,
    }
}

fn put(
    connection: &Connection,
    id: i64,
    label: SaidLabel,
    by: &str,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let said = params![id, label.as_str(), by, at.as_microsecond()];
    let kept = connection
        .prepare_cached(
            "UPDATE example SET label = ?2, labelled_by = ?3, labelled_us = ?4,
               label_from = 'person' WHERE id = ?1",
        )?
        .execute(said)?;
    // The same was asked of the incident; its example may make room one day.
    connection
        .prepare_cached(
            "INSERT INTO incident_label (incident, label, by, at_us)
             SELECT incident.id, ?2, ?3, ?4 FROM example JOIN incident
               ON incident.id = example.incident WHERE example.id = ?1
             ON CONFLICT (incident) DO UPDATE SET label = excluded.label, by = excluded.by,
               at_us = excluded.at_us",
        )?
        .execute(said)?;
    Ok(kept > 0)
}

/// What was said of the incident before its example came.
pub(super) fn take_over(connection: &Connection, new: &NewExample) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE example SET label = said.label, labelled_by = said.by, labelled_us = said.at_us,
               label_from = said.source
             FROM (SELECT label, by, at_us, 'person' AS source FROM incident_label
                   WHERE incident = ?2
                   UNION ALL
                   SELECT 'true', by, at_us, 'verdict' FROM verdict
                   WHERE incident = ?2 AND verdict IN ('true', 'test')
                   LIMIT 1) AS said
             WHERE example.id = ?1",
        )?
        .execute(params![new.id, new.incident])
        .map(|_rows| ())
}

/// A verdict on an incident is a word on its example, where it says whether somebody was there.
pub(in crate::store) fn judged(connection: &Connection, row: &VerdictRow) -> rusqlite::Result<()> {
    let incident = i64::try_from(row.incident).unwrap_or(i64::MAX);
    match row.verdict {
        Judgement::True | Judgement::Test => {
            connection
                .prepare_cached("DELETE FROM incident_label WHERE incident = ?1")?
                .execute([incident])?;
            connection
                .prepare_cached(
                    "UPDATE example SET label = 'true', labelled_by = ?2, labelled_us = ?3,
                       label_from = 'verdict' WHERE incident = ?1",
                )?
                .execute(params![incident, row.by, row.at.as_microsecond()])
        }
        // Somebody may have been there who may be: what an earlier verdict said is taken back.
        Judgement::False => connection
            .prepare_cached(
                "UPDATE example SET label = NULL, labelled_by = NULL, labelled_us = NULL,
                   label_from = NULL WHERE incident = ?1 AND label_from = 'verdict'",
            )?
            .execute([incident]),
    }
    .map(|_rows| ())
}

fn sign(
    connection: &Connection,
    (by, at): (&str, Timestamp),
    action: &str,
    subject: String,
    detail: String,
) -> rusqlite::Result<()> {
    let entry = AuditEntry { at, by: by.to_owned(), action: action.to_owned(), subject, detail };
    audit::append(connection, &entry)
}
