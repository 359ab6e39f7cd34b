//! Keeping an example: what is alike stays out, what is too much goes, file before row.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::picture::Developed;
use super::shelf::{Shelf, name_of};
use crate::clock;
use crate::digest::sha256_of;
use crate::engine::time::Instant;
use crate::gate::retention::{
    DifferenceHash, Example, ExampleId, Hold, Kind, NEAR_BITS, Occasion, Room, choose,
};
use crate::gate::verdict::Label;
use crate::guard::age::Age;
use crate::guard::clerk::{Clerk, ClerkError};
use crate::store::examples::{ExampleFacts, ExampleOccasion, KeptBox, NewExample, SaidLabel};
use crate::store::query::{HistoryError, StoreReader};
use crate::telemetry::chain;

/// An example that is to be kept.
#[derive(Debug)]
pub struct Found {
    pub occasion: ExampleOccasion,
    pub camera: String,
    /// Id and name.
    pub zone: Option<(String, String)>,
    pub incident: Option<u64>,
    pub at: Timestamp,
    pub score: Option<f32>,
    pub boxes: Vec<KeptBox>,
    pub why: String,
    pub developed: Developed,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Yes(u64),
    /// Another one of its kind looks nearly the same.
    AlikeIsThere,
    /// All that is there is worth more.
    NoRoom,
}

pub struct Keeper {
    shelf: Shelf,
    room: Room,
    reader: StoreReader,
    clerk: Clerk,
    age: Age,
    /// Above every number that was ever tried.
    next: u64,
}

impl Keeper {
    /// `longest`: how long a picture may be kept.
    pub fn new(
        (folder, room, longest): (PathBuf, Room, Duration),
        reader: StoreReader,
        clerk: Clerk,
    ) -> Keeper {
        let age = Age::new(longest, clock::wall(), clock::monotonic());
        Keeper { shelf: Shelf::new(folder), room, reader, clerk, age, next: 1 }
    }

    /// Removes what is too old, what is more than there is room for, and what no row names.
    pub fn tidy(&mut self, (wall, now): (Timestamp, Instant)) {
        let too_old_before = self.age.too_old_before(wall, now);
        let tidied = || -> Result<(), String> {
            if let Some(then) = too_old_before {
                let removed = self.clerk.ask(move |store| store.remove_examples_before(then));
                removed.map_err(|error| error.to_string())?.map_err(|error| chain(&error))?;
            }
            let rows = self.reader.example_facts().map_err(|error| chain(&error))?;
            let bank: Vec<Example> = rows.iter().map(example).collect();
            let drop: Vec<u64> = choose(&bank, self.room).drop.iter().map(|it| it.0).collect();
            if !drop.is_empty() {
                let removed = self.clerk.ask(move |store| store.remove_examples(&drop));
                removed.map_err(|error| error.to_string())?.map_err(|error| chain(&error))?;
                fail::fail_point!("examples::dropped");
            }
            let named = self.reader.example_files().map_err(|error| chain(&error))?;
            self.shelf.sweep(&named).map_err(|error| error.to_string())
        };
        if let Err(why) = tidied() {
            tracing::warn!("the examples are not looked over: {why}");
        }
    }

    /// Keeps one, whole, or nothing of it.
    pub fn keep(&mut self, found: Found) -> Result<Kept, String> {
        let rows = self.reader.example_facts().map_err(|error| chain(&error))?;
        if is_known(&rows, &found) {
            return Ok(Kept::AlikeIsThere);
        }
        let newest = self.reader.newest_example().map_err(|error: HistoryError| chain(&error))?;
        let id = self.next.max(newest + 1);
        // One that was not kept for want of an answer may be kept yet: its number is taken.
        self.next = id + 1;
        let (new, jpeg) = new_example(id, found);
        let Some(drop) = self.making_room(&rows, &new) else {
            return Ok(Kept::NoRoom);
        };
        let file = new.file.clone();
        self.shelf.put(&file, &jpeg).map_err(|error| error.to_string())?;
        match self.clerk.ask(move |store| store.put_example(&new, &drop)) {
            Ok(Ok(gone)) => {
                fail::fail_point!("examples::kept");
                gone.iter().for_each(|file| self.shelf.remove(file));
                Ok(Kept::Yes(id))
            }
            Ok(Err(error)) => {
                self.shelf.remove(&file);
                Err(chain(&error))
            }
            // Whether it was kept is not known: the next sweep sees.
            Err(error @ ClerkError::Unclear) => Err(error.to_string()),
            Err(error @ (ClerkError::Busy | ClerkError::Stopping)) => {
                self.shelf.remove(&file);
                Err(error.to_string())
            }
        }
    }

    /// The example of this incident, if there is one, shows what two models saw differently.
    pub fn differs(&self, incident: u64, more: Vec<KeptBox>, why: String) -> Result<(), String> {
        let kept = self.clerk.ask(move |store| store.example_differs(incident, &more, &why));
        kept.map_err(|error| error.to_string())?.map_err(|error| chain(&error))
    }

    /// What goes for it; `None` when it would go itself.
    fn making_room(&self, rows: &[ExampleFacts], new: &NewExample) -> Option<Vec<u64>> {
        let mut bank: Vec<Example> = rows.iter().map(example).collect();
        bank.push(example(&ExampleFacts {
            id: new.id,
            occasion: new.occasion,
            label: None,
            camera: new.camera.clone(),
            hash: new.hash,
            bytes: new.bytes,
        }));
        let drop: Vec<u64> = choose(&bank, self.room).drop.iter().map(|it| it.0).collect();
        (!drop.contains(&new.id)).then_some(drop)
    }
}

/// Every incident has its example; of the rest one of those that look the same is enough.
fn is_known(rows: &[ExampleFacts], found: &Found) -> bool {
    let hash = found.developed.hash;
    found.occasion != ExampleOccasion::Incident
        && rows.iter().any(|row| {
            row.occasion == found.occasion
                && row.camera == found.camera
                && DifferenceHash(row.hash).distance(hash) <= NEAR_BITS
        })
}

fn new_example(id: u64, found: Found) -> (NewExample, Vec<u8>) {
    let Found { occasion, camera, zone, incident, at, score, boxes, why, developed } = found;
    let Developed { jpeg, size_px, hash, covers } = developed;
    let new = NewExample {
        id,
        occasion,
        camera,
        zone,
        incident,
        at,
        score,
        size_px,
        boxes,
        covers,
        hash: hash.0,
        file: name_of(id),
        bytes: jpeg.len() as u64,
        sha256: sha256_of(&jpeg),
        why,
    };
    (new, jpeg)
}

fn example(row: &ExampleFacts) -> Example {
    Example {
        id: ExampleId(row.id),
        kind: Kind { occasion: occasion_of(row.occasion), label: row.label.map(label_of) },
        camera: row.camera.clone(),
        hash: DifferenceHash(row.hash),
        bytes: row.bytes,
        hold: Hold::Free,
    }
}

pub fn occasion_of(occasion: ExampleOccasion) -> Occasion {
    match occasion {
        ExampleOccasion::Incident => Occasion::Incident,
        ExampleOccasion::NearMiss => Occasion::NearMiss,
        ExampleOccasion::Disagreement => Occasion::Disagreement,
        ExampleOccasion::LowScore => Occasion::LowScore,
    }
}

pub fn label_of(label: SaidLabel) -> Label {
    match label {
        SaidLabel::True => Label::True,
        SaidLabel::False => Label::False,
        SaidLabel::Unsure => Label::Unsure,
    }
}
