//! Rows of clips on their way into the store: in order, and each until the store has it or never will.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock;
use crate::engine::time::Instant;
use crate::guard::clerk::Clerk;
use crate::guard::clips::Folder;
use crate::store::evidence::Kept;
use crate::store::shadow::clips::{CaseKey, NewCaseClip};
use crate::telemetry::chain;

/// Rows that wait for the store; the files of those beyond are found when the folder is looked over.
const ROWS_MAX: usize = 64;

/// A store that takes nothing for so long is one whose disk has other worries.
const WAITED_MAX: Duration = Duration::from_secs(600);

/// Its incident is kept within seconds, or never.
const INCIDENT_WAITED_MAX: Duration = Duration::from_secs(30);

/// What is to stand in the store.
#[derive(Clone, Debug)]
pub(super) enum Row {
    Awaited(CaseKey),
    Kept(NewCaseClip),
    Lost(CaseKey, String),
}

impl Row {
    fn file(&self) -> Option<&str> {
        match self {
            Row::Kept(clip) => Some(&clip.file.file),
            Row::Awaited(_) | Row::Lost(..) => None,
        }
    }
}

#[derive(Default)]
pub(super) struct Rows(VecDeque<(Instant, Row)>);

impl Rows {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The files that they are about.
    pub fn files(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|(_, row)| row.file()).map(str::to_owned)
    }

    pub fn put(&mut self, row: Row) {
        if self.0.len() == ROWS_MAX {
            tracing::warn!("a case's clip is lost: the store has taken nothing for too long");
            self.0.pop_front();
        }
        self.0.push_back((clock::monotonic(), row));
    }

    /// Gives the store what waits; what it does not take now waits for the next look, and those behind.
    pub fn write(&mut self, clerk: &Clerk, folder: &Folder) {
        while let Some((since, row)) = self.0.pop_front() {
            let writing = row.clone();
            let asked = clerk.ask(move |store| match &writing {
                Row::Awaited(of) => store.await_case_clip(*of),
                Row::Kept(clip) => store.put_case_clip(clip),
                Row::Lost(of, why) => store.put_case_clip_lost(*of, why),
            });
            let (why, most) = match asked {
                Ok(Ok(Kept::Yes)) => continue,
                Ok(Ok(Kept::NoIncident)) => {
                    ("its incident is not kept".to_owned(), INCIDENT_WAITED_MAX)
                }
                Ok(Err(error)) => (chain(&error), WAITED_MAX),
                Err(error) => (error.to_string(), WAITED_MAX),
            };
            if clock::monotonic().since(since) < most {
                tracing::debug!("a case's clip waits for the store: {why}");
                self.0.push_front((since, row));
                return;
            }
            tracing::warn!("a case's clip is not kept: {why}");
            row.file().into_iter().for_each(|file| folder.remove(file));
        }
    }
}
