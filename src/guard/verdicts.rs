//! What people say of incidents, and that they took one away as a file: each in the audit log.
//!
//! Not here: which role it takes (the web side's route table).

use jiff::Timestamp;

use super::clerk::{Clerk, ClerkError};
use crate::clock;
use crate::store::StoreError;
use crate::store::verdicts::{Judged, Judgement, VerdictRow};

/// Longest note to a verdict, characters.
pub const NOTE_CHARS_MAX: usize = 500;

/// Keeps verdicts.
#[derive(Debug)]
pub struct Verdicts {
    clerk: Clerk,
}

/// Why a verdict or an export was not kept.
#[derive(Debug, thiserror::Error)]
pub enum VerdictError {
    #[error("there is no incident {0}; only the newest ones are kept")]
    NoIncident(u64),
    #[error(transparent)]
    Clerk(#[from] ClerkError),
    #[error("this cannot be kept")]
    Store(#[from] StoreError),
}

impl Verdicts {
    pub fn new(clerk: Clerk) -> Verdicts {
        Verdicts { clerk }
    }

    /// Keeps what somebody judged an incident to be; an earlier verdict stays in the audit log.
    /// Blocking.
    ///
    /// # Errors
    /// There is no such incident, or the store does not take it.
    pub fn judge(
        &self,
        incident: u64,
        verdict: Judgement,
        by: &str,
        note: &str,
    ) -> Result<VerdictRow, VerdictError> {
        let at = microseconds(clock::wall());
        let (by, note) = (by.to_owned(), note.to_owned());
        let row = VerdictRow { incident, verdict, by, at, note };
        let kept = row.clone();
        match self.clerk.ask(move |store| store.judge(&kept))?? {
            Judged::Yes => Ok(row),
            Judged::NoIncident => Err(VerdictError::NoIncident(incident)),
        }
    }

    /// Notes that somebody takes an incident away, before they have it. Blocking.
    ///
    /// # Errors
    /// The store does not take it; then nothing must be given.
    pub fn exported(&self, incident: u64, by: &str, detail: String) -> Result<(), VerdictError> {
        let (by, subject) = (by.to_owned(), format!("incident {incident}"));
        let at = clock::wall();
        let noted = self.clerk.ask(move |store| {
            store.append_audit(&by, "incident_exported", &subject, &detail, at)
        })?;
        Ok(noted?)
    }
}

/// As the store keeps it.
fn microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::IncidentId;
    use crate::store::Store;
    use crate::store::record::{IncidentStart, Record};

    fn store(folder: &std::path::Path) -> Store {
        let mut store = Store::open(folder).expect("a store");
        let at: Timestamp = "2026-05-04T12:00:00Z".parse().expect("a time");
        let started = Record::IncidentStarted(IncidentStart {
            incident: IncidentId(7),
            zone: "gate".into(),
            zone_name: "Gate".into(),
            camera: "yard".into(),
            at,
            captured_at: at,
            frame: 1,
            score: 0.5,
            anchor_norm: (0.5, 0.5),
            track: None,
            model_digest: String::new(),
            zone_revision: String::new(),
            stages: Vec::new(),
        });
        store.write(&[started]).expect("kept");
        store
    }

    #[test]
    fn the_newest_verdict_counts_and_the_audit_log_has_them_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(folder.path());
        let (reader, audit) = (store.reader().expect("one"), store.audit_reader().expect("one"));
        let verdicts = Verdicts::new(Clerk::over(store).expect("a thread"));
        verdicts.judge(7, Judgement::True, "Eva", "").expect("kept");
        let last = verdicts.judge(7, Judgement::False, "Karl", "a fork lift").expect("kept");
        assert_eq!(reader.verdicts(1, 100).expect("read"), [last]);
        assert_eq!(reader.verdicts(8, 100).expect("read"), []);
        let error = verdicts.judge(8, Judgement::Test, "Eva", "").expect_err("no such incident");
        assert!(matches!(error, VerdictError::NoIncident(8)), "{error}");
        verdicts.exported(7, "Eva", "{}".into()).expect("noted");
        let entries = audit.entries(10, None).expect("read");
        let told: Vec<_> = entries.iter().map(|e| (&*e.entry.action, &*e.entry.by)).collect();
        let expected =
            [("incident_exported", "Eva"), ("incident_judged", "Karl"), ("incident_judged", "Eva")];
        assert_eq!(told, expected);
        assert!(entries[1].entry.detail.contains("a fork lift"));
    }
}
