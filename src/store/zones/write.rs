//! Changing drafts and versions: each call one transaction with its entry in the audit log.

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::notes::{json, names, note, note_version};
use super::read::{draft, in_state, version};
use super::{
    BY_BOX, Decision, DraftBefore, NewVersion, Signed, Step, VersionSource, VersionState,
    ZoneDraft, ZoneVersion, ZonesError, life, text_digest,
};
use crate::store::Store;
use crate::store::record::ZoneName;

/// Who may approve a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalRule {
    SecondPerson,
    /// Also whoever proposed it.
    Anybody,
}

/// What stops a transaction.
pub(super) enum Stop {
    Refused(ZonesError),
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(source: rusqlite::Error) -> Stop {
        Stop::Broken(source)
    }
}

impl From<ZonesError> for Stop {
    fn from(refusal: ZonesError) -> Stop {
        Stop::Refused(refusal)
    }
}

impl Store {
    /// Keeps a draft. A new one is drawn from what is in force; a changed one keeps its base.
    /// Saving what is kept already is no conflict: an answer may have been lost on its way.
    ///
    /// # Errors
    /// What is kept is not what was believed, or the disk is full or fails.
    pub fn put_zone_draft(
        &mut self,
        camera: &str,
        document: &str,
        saved: &Signed,
        before: &DraftBefore,
    ) -> Result<ZoneDraft, ZonesError> {
        self.change_zones(|connection, _life| {
            let kept = draft(connection, camera)?;
            let same = kept.as_ref().is_some_and(|draft| draft.document == document);
            if !same && !believed(kept.as_ref(), before) {
                return Err(ZonesError::DraftChanged.into());
            }
            let (base, mut drawn_by) = match kept {
                Some(draft) => (draft.base, draft.drawn_by),
                None => (in_force_number(connection, camera)?, Vec::new()),
            };
            if !drawn_by.iter().any(|name| same_person(name, &saved.by)) {
                drawn_by.push(saved.by.clone());
            }
            connection
                .prepare_cached(
                    "INSERT INTO zone_draft (camera, base, document, by, at_us, drawn_by)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (camera) DO UPDATE SET
                       document = excluded.document, by = excluded.by, at_us = excluded.at_us,
                       drawn_by = excluded.drawn_by",
                )?
                .execute(params![
                    camera,
                    base,
                    document,
                    saved.by,
                    saved.at.as_microsecond(),
                    names(&drawn_by)
                ])?;
            Ok(ZoneDraft { base, document: document.to_owned(), saved: saved.clone(), drawn_by })
        })
    }

    /// Throws the draft away.
    ///
    /// # Errors
    /// There is none, or the disk fails.
    pub fn delete_zone_draft(&mut self, camera: &str, signed: &Signed) -> Result<(), ZonesError> {
        self.change_zones(|connection, _life| {
            let Some(draft) = draft(connection, camera)? else {
                return Err(ZonesError::NoDraft { camera: camera.to_owned() }.into());
            };
            remove_draft(connection, camera)?;
            let detail = json(&[("saved_by", &draft.saved.by)]);
            note(connection, signed, "zone_draft_discarded", camera, &detail)
        })
    }

    /// Makes the draft a proposed version; its text must still be `drafted`. A proposal that waits
    /// already is withdrawn.
    ///
    /// # Errors
    /// There is no draft, it was changed, or its base is no longer in force.
    pub fn propose_zones(
        &mut self,
        new: &NewVersion,
        drafted: &str,
    ) -> Result<ZoneVersion, ZonesError> {
        self.change_zones(|connection, _life| {
            let camera = &new.camera;
            let Some(draft) = draft(connection, camera)? else {
                return Err(ZonesError::NoDraft { camera: camera.clone() }.into());
            };
            if draft.document != drafted {
                return Err(ZonesError::DraftChanged.into());
            }
            let in_force = in_force_number(connection, camera)?;
            if draft.base != in_force {
                return Err(ZonesError::StaleDraft { base: draft.base, in_force }.into());
            }
            let made = proposed(connection, new, VersionSource::Page, &draft.drawn_by)?;
            remove_draft(connection, camera)?;
            Ok(made)
        })
    }

    /// Makes the document of a file a proposed version. A proposal that waits already is withdrawn;
    /// a draft stays.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn propose_zone_file(&mut self, new: &NewVersion) -> Result<ZoneVersion, ZonesError> {
        self.change_zones(|connection, _life| proposed(connection, new, VersionSource::File, &[]))
    }

    /// Brings a proposed version into force in place of the one that is; `zones` are the camera's
    /// zones from then on.
    ///
    /// # Errors
    /// It is not proposed, its base is no longer in force, or the same person proposed it and that
    /// is not allowed.
    pub fn approve_zones(
        &mut self,
        decision: &Decision,
        rule: ApprovalRule,
        zones: &[ZoneName],
    ) -> Result<ZoneVersion, ZonesError> {
        self.change_zones(|connection, life| {
            let Decision { camera, number, signed } = decision;
            approvable(connection, decision, rule)?;
            replace_in_force(connection, camera)?;
            connection
                .prepare_cached(
                    "UPDATE zone_version SET state = 'in_force', approved_by = ?3, approved_us = ?4,
                       applied_us = ?4 WHERE camera = ?1 AND number = ?2",
                )?
                .execute(params![camera, number, signed.by, signed.at.as_microsecond()])?;
            life::change(connection, life, camera, zones, signed.at)?;
            let now = found(connection, camera, *number)?;
            note_version(connection, signed, "zones_approved", &now, &[])?;
            Ok(now)
        })
    }

    /// Turns a proposed version down; its author withdraws it.
    ///
    /// # Errors
    /// It is not proposed.
    pub fn refuse_zones(
        &mut self,
        decision: &Decision,
        reason: &str,
    ) -> Result<ZoneVersion, ZonesError> {
        self.change_zones(|connection, _life| {
            let Decision { camera, number, signed } = decision;
            let proposed = found(connection, camera, *number)?;
            let (step, action) = match same_person(&proposed.made.by, &signed.by) {
                true => (Step::Withdraw, "zones_withdrawn"),
                false => (Step::Refuse, "zones_refused"),
            };
            close(connection, &proposed, step, signed, reason)?;
            let detail = json(&[("version", &number.to_string()), ("reason", reason)]);
            note(connection, signed, action, camera, &detail)?;
            found(connection, camera, *number)
        })
    }

    /// Makes a document a new version that is in force at once. A waiting proposal is withdrawn:
    /// it was drawn from what is no longer in force.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn put_zones_in_force(
        &mut self,
        new: &NewVersion,
        source: VersionSource,
        zones: &[ZoneName],
    ) -> Result<ZoneVersion, ZonesError> {
        self.change_zones(|connection, life| {
            let (camera, made) = (&new.camera, &new.made);
            withdraw_proposal(connection, camera, made, "another version came into force")?;
            let base = in_force_number(connection, camera)?;
            replace_in_force(connection, camera)?;
            let now =
                insert_drawn_from(connection, new, source, VersionState::InForce, (base, &[]))?;
            life::change(connection, life, camera, zones, made.at)?;
            let action = match source {
                VersionSource::File => "zones_taken_from_file",
                VersionSource::Page => "zones_put_in_force",
                VersionSource::Rollback => "zones_restored",
            };
            note_version(connection, made, action, &now, &new.differences)?;
            Ok(now)
        })
    }

    /// Undoes the newest change of what is in force, because the alarm path did not take it: a
    /// proposal is proposed again, a restored version is withdrawn. `zones` are the camera's zones
    /// as before.
    ///
    /// # Errors
    /// `number` is not in force, or the disk is full or fails.
    pub fn put_zones_back(
        &mut self,
        camera: &str,
        number: u32,
        at: Timestamp,
        zones: &[ZoneName],
    ) -> Result<(), ZonesError> {
        self.change_zones(|connection, life| {
            let newest = found(connection, camera, number)?;
            let signed = Signed { by: BY_BOX.into(), at };
            next_state(&newest, Step::PutBack)?;
            let overtaken = "the version it was drawn from did not come into force";
            withdraw_proposal(connection, camera, &signed, overtaken)?;
            put_back(connection, &newest)?;
            if newest.approved.is_none() {
                let proposed = found(connection, camera, number)?;
                let reason = "the box did not take it";
                close(connection, &proposed, Step::Withdraw, &signed, reason)?;
            }
            life::change(connection, life, camera, zones, at)?;
            let detail = json(&[("version", &number.to_string())]);
            note(connection, &signed, "zones_not_taken", camera, &detail)
        })
    }

    /// Remembers the zone file on disk as taken, by its bytes and by the document they held.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn remember_zone_file(
        &mut self,
        camera: &str,
        digest: &str,
        document: Option<&str>,
        at: Timestamp,
    ) -> Result<(), ZonesError> {
        self.change_zones(|connection, _life| {
            connection
                .prepare_cached(
                    "INSERT INTO zone_file (camera, digest, at_us, document_digest)
                     VALUES (?1, ?2, ?3, ?4) ON CONFLICT (camera) DO UPDATE SET
                       digest = excluded.digest, at_us = excluded.at_us,
                       document_digest = excluded.document_digest",
                )?
                .execute(params![camera, digest, at.as_microsecond(), document])?;
            Ok(())
        })
    }

    fn change_zones<T>(
        &mut self,
        change: impl FnOnce(&Connection, Option<i64>) -> Result<T, Stop>,
    ) -> Result<T, ZonesError> {
        let life = self.life;
        let attempt = || {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let outcome = change(&transaction, life)?;
            transaction.commit()?;
            Ok(outcome)
        };
        let outcome = attempt();
        outcome.map_err(|stop| match stop {
            Stop::Refused(refusal) => refusal,
            Stop::Broken(source) => ZonesError::Store(self.zones_error(source)),
        })
    }
}

fn believed(kept: Option<&ZoneDraft>, before: &DraftBefore) -> bool {
    match (before, kept) {
        (DraftBefore::Anything, _) | (DraftBefore::Nothing, None) => true,
        (DraftBefore::Digest(digest), Some(draft)) => *digest == text_digest(&draft.document),
        (DraftBefore::Nothing, Some(_)) | (DraftBefore::Digest(_), None) => false,
    }
}

/// Names are told apart without regard to case, as at sign-in.
fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

fn found(connection: &Connection, camera: &str, number: u32) -> Result<ZoneVersion, Stop> {
    version(connection, camera, number)?
        .ok_or_else(|| ZonesError::NoVersion { camera: camera.to_owned(), number }.into())
}

fn next_state(version: &ZoneVersion, step: Step) -> Result<VersionState, Stop> {
    let (number, state) = (version.number, version.state);
    state.after(step).ok_or_else(|| ZonesError::WrongState { number, state }.into())
}

fn approvable(
    connection: &Connection,
    decision: &Decision,
    rule: ApprovalRule,
) -> Result<(), Stop> {
    let Decision { camera, number, signed } = decision;
    let proposed = found(connection, camera, *number)?;
    next_state(&proposed, Step::Approve)?;
    let (number, base) = (*number, proposed.base);
    let in_force = in_force_number(connection, camera)?;
    if base != in_force {
        return Err(ZonesError::StaleVersion { number, base, in_force }.into());
    }
    let mut authors = proposed.drawn_by.iter().chain([&proposed.made.by]);
    match rule {
        ApprovalRule::SecondPerson if authors.any(|name| same_person(name, &signed.by)) => {
            Err(ZonesError::OwnChange { number, by: signed.by.clone() }.into())
        }
        ApprovalRule::SecondPerson | ApprovalRule::Anybody => Ok(()),
    }
}

fn in_force_number(connection: &Connection, camera: &str) -> rusqlite::Result<Option<u32>> {
    Ok(in_state(connection, camera, VersionState::InForce)?.map(|version| version.number))
}

fn remove_draft(connection: &Connection, camera: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM zone_draft WHERE camera = ?1", [camera]).map(|_rows| ())
}

fn withdraw_proposal(
    connection: &Connection,
    camera: &str,
    signed: &Signed,
    reason: &str,
) -> Result<(), Stop> {
    match in_state(connection, camera, VersionState::Proposed)? {
        Some(waiting) => close(connection, &waiting, Step::Withdraw, signed, reason),
        None => Ok(()),
    }
}

fn close(
    connection: &Connection,
    version: &ZoneVersion,
    step: Step,
    signed: &Signed,
    reason: &str,
) -> Result<(), Stop> {
    let state = next_state(version, step)?;
    let at_us = signed.at.as_microsecond();
    connection
        .prepare_cached(
            "UPDATE zone_version SET state = ?3, closed_by = ?4, closed_us = ?5, closed_reason = ?6
             WHERE camera = ?1 AND number = ?2",
        )?
        .execute(params![version.camera, version.number, state.name(), signed.by, at_us, reason])?;
    Ok(())
}

fn replace_in_force(connection: &Connection, camera: &str) -> Result<(), Stop> {
    let Some(old) = in_state(connection, camera, VersionState::InForce)? else {
        return Ok(());
    };
    let state = next_state(&old, Step::Replace)?;
    connection
        .prepare_cached("UPDATE zone_version SET state = ?3 WHERE camera = ?1 AND number = ?2")?
        .execute(params![camera, old.number, state.name()])?;
    Ok(())
}

/// The newest in force is proposed again, and what it replaced is in force again.
fn put_back(connection: &Connection, newest: &ZoneVersion) -> Result<(), Stop> {
    let (camera, number) = (&newest.camera, newest.number);
    connection
        .prepare_cached(
            "UPDATE zone_version SET state = 'proposed', applied_us = NULL, approved_by = NULL,
               approved_us = NULL WHERE camera = ?1 AND number = ?2",
        )?
        .execute(params![camera, number])?;
    connection
        .prepare_cached(
            "UPDATE zone_version SET state = 'in_force' WHERE camera = ?1 AND number =
               (SELECT max(number) FROM zone_version WHERE camera = ?1 AND state = 'replaced')",
        )?
        .execute([camera])?;
    Ok(())
}

fn proposed(
    connection: &Connection,
    new: &NewVersion,
    source: VersionSource,
    drawn_by: &[String],
) -> Result<ZoneVersion, Stop> {
    let camera = &new.camera;
    withdraw_proposal(connection, camera, &new.made, "another version was proposed")?;
    let base = in_force_number(connection, camera)?;
    let made =
        insert_drawn_from(connection, new, source, VersionState::Proposed, (base, drawn_by))?;
    note_version(connection, &new.made, "zones_proposed", &made, &new.differences)?;
    Ok(made)
}

fn insert_drawn_from(
    connection: &Connection,
    new: &NewVersion,
    source: VersionSource,
    state: VersionState,
    (base, drawn_by): (Option<u32>, &[String]),
) -> Result<ZoneVersion, Stop> {
    let at_us = new.made.at.as_microsecond();
    let applied_us = (state == VersionState::InForce).then_some(at_us);
    let number: u32 = connection
        .prepare_cached(
            "INSERT INTO zone_version (camera, number, base, document, digest, state, source, by,
               at_us, reason, applied_us, drawn_by)
             SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
             FROM zone_version WHERE camera = ?1 RETURNING number",
        )?
        .query_row(
            params![
                new.camera,
                base,
                new.document,
                new.digest,
                state.name(),
                source.name(),
                new.made.by,
                at_us,
                new.reason,
                applied_us,
                names(drawn_by)
            ],
            |row| row.get(0),
        )?;
    found(connection, &new.camera, number)
}
