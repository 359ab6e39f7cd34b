//! Rows of clips on their way into the store: in order, and each until the store has it or never will.
//!
//! Not here: what stands in them (`part`), and files that no row is about (`room`).

use std::collections::VecDeque;
use std::time::Duration;

use super::folder::Folder;
use super::part::PendingRow;
use crate::clock;
use crate::engine::IncidentId;
use crate::engine::time::Instant;
use crate::guard::clerk::Clerk;
use crate::store::evidence::{Kept, Shows};
use crate::telemetry::chain;

/// An incident that is not in the store so long after its clip was made was lost to it.
const INCIDENT_WAITED_MAX: Duration = Duration::from_secs(600);

/// Rows waiting for the store; the files of those beyond are looked for later (`room`).
const ROWS_MAX: usize = 256;

/// What the store has not taken yet, with when it was given.
#[derive(Default)]
pub struct Rows(VecDeque<(Instant, PendingRow)>);

/// A file whose row the store refuses for good. It has been removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub incident: IncidentId,
    pub part: u32,
    pub shows: Shows,
    pub why: String,
}

/// What the store made of a row.
enum Taken {
    Yes,
    /// What it belongs to is not there.
    NothingToBelongTo,
    /// It may be taken another time.
    NotNow(String),
    /// The store refuses what stands in it.
    Never(String),
}

impl Rows {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The files that they are about.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(_, row)| file_of(row))
    }

    pub fn put(&mut self, row: PendingRow) {
        if self.0.len() >= ROWS_MAX {
            tracing::error!("a clip is lost: the store has taken nothing for too long");
            self.0.pop_front();
        }
        self.0.push_back((clock::monotonic(), row));
    }

    /// Whether something of a part waits.
    pub fn any_of(&self, of: (IncidentId, u32)) -> bool {
        self.0.iter().any(|(_, row)| part_of(row) == of)
    }

    /// Gives the store what waits. A row that it does not take now waits for the next look, and with it
    /// those behind; so it is called again until it returns nothing. One that the store never will take
    /// is returned, and what waits of its part besides is forgotten.
    pub fn write(&mut self, clerk: &Clerk, folder: &Folder) -> Option<Refused> {
        while let Some((since, row)) = self.0.pop_front() {
            match give(clerk, &row) {
                Taken::Yes => {}
                Taken::NothingToBelongTo => {
                    if self.may_belong(since, &row) {
                        self.0.push_back((since, row));
                        return None;
                    }
                    tracing::warn!("a clip belongs to nothing that the store has");
                    file_of(&row).into_iter().for_each(|file| folder.remove(file));
                }
                Taken::NotNow(why) => {
                    tracing::debug!("a clip waits for the store: {why}");
                    self.0.push_front((since, row));
                    return None;
                }
                Taken::Never(why) => {
                    tracing::error!("the row of a clip is refused for good: {why}");
                    file_of(&row).into_iter().for_each(|file| folder.remove(file));
                    if let Some(shows) = shown_by(&row) {
                        let of @ (incident, part) = part_of(&row);
                        self.0.retain(|(_, other)| part_of(other) != of);
                        return Some(Refused { incident, part, shows, why });
                    }
                }
            }
        }
        None
    }

    /// An incident may still be on its way; and so may a clip, for what comes beside it, as long as its
    /// row waits here.
    fn may_belong(&self, since: Instant, row: &PendingRow) -> bool {
        let is_clip = |other: &PendingRow| match other {
            PendingRow::Clip(_) => part_of(other) == part_of(row),
            PendingRow::Hidden(_) | PendingRow::HiddenLost { .. } | PendingRow::Lost { .. } => {
                false
            }
        };
        match row {
            PendingRow::Hidden(_) | PendingRow::HiddenLost { .. } => {
                self.0.iter().any(|(_, other)| is_clip(other))
            }
            PendingRow::Clip(_) | PendingRow::Lost { .. } => {
                clock::monotonic().since(since) < INCIDENT_WAITED_MAX
            }
        }
    }
}

fn give(clerk: &Clerk, row: &PendingRow) -> Taken {
    let writing = row.clone();
    let asked = clerk.ask(move |store| match &writing {
        PendingRow::Clip(clip) => store.put_clip(clip),
        PendingRow::Hidden(hidden) => store.put_hidden(hidden),
        PendingRow::HiddenLost { incident, part, why } => {
            store.put_hidden_lost(*incident, *part, why)
        }
        PendingRow::Lost { incident, part, why } => {
            store.put_clip_lost(*incident, *part, why, clock::wall())
        }
    });
    match asked {
        Ok(Ok(Kept::Yes)) => Taken::Yes,
        Ok(Ok(Kept::NoIncident)) => Taken::NothingToBelongTo,
        Ok(Err(error)) if error.is_of_the_row() => Taken::Never(chain(&error)),
        Ok(Err(error)) => Taken::NotNow(chain(&error)),
        Err(error) => Taken::NotNow(error.to_string()),
    }
}

fn part_of(row: &PendingRow) -> (IncidentId, u32) {
    match row {
        PendingRow::Clip(clip) => (clip.incident, clip.part),
        PendingRow::Hidden(hidden) => (hidden.incident, hidden.part),
        PendingRow::HiddenLost { incident, part, .. } | PendingRow::Lost { incident, part, .. } => {
            (*incident, *part)
        }
    }
}

/// Which version it is about, of a row that is about a file.
fn shown_by(row: &PendingRow) -> Option<Shows> {
    match row {
        PendingRow::Clip(clip) => Some(clip.shows),
        PendingRow::Hidden(_) => Some(Shows::Hidden),
        PendingRow::HiddenLost { .. } | PendingRow::Lost { .. } => None,
    }
}

fn file_of(row: &PendingRow) -> Option<&str> {
    match row {
        PendingRow::Clip(clip) => Some(&clip.file),
        PendingRow::Hidden(hidden) => Some(&hidden.file),
        PendingRow::HiddenLost { .. } | PendingRow::Lost { .. } => None,
    }
}
