//! What people ask of the example bank: pictures, labels, files of both, and thresholds to propose.
//!
//! Not here: keeping examples (`super`); who may ask (the web side's route table).

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use super::coco::{self, Export};
use super::keep::{label_of, occasion_of};
use super::picture;
use super::shelf::Shelf;
use super::zip::Zip;
use crate::clock;
use crate::config::{Config, ExampleRoom, Privacy};
use crate::engine::detection::Score;
use crate::engine::zone::ENTER_SCORE;
use crate::gate::calibration::{Answered, propose};
use crate::gate::retention::Room;
use crate::gate::verdict::Label;
use crate::guard::clerk::Clerk;
use crate::guard::handle::examples::{
    BankNow, BoxBy, ExampleBox, ExampleError, ExampleRow, Examples, Imported, Occasion, Proposal,
    Thresholds, WantedExamples, WantedLabels, Wish,
};
use crate::guard::handle::shadowing::{CaseBox, CaseLabel};
use crate::guard::live::LiveHub;
use crate::store::StoreError;
use crate::store::examples::{
    DrawnBy, ExampleOccasion, FOLDER, KeptExample, LabelGiven, NewLabels, SoughtExamples,
    SoughtLabels,
};
use crate::store::query::{HistoryError, StoreReader};
use crate::store::verdicts::Judgement;
use crate::telemetry::chain;

/// Examples read at once while all are written out.
const PAGE: u32 = 200;

/// See [`Examples`].
#[derive(Debug)]
pub struct ExampleDesk {
    reader: StoreReader,
    clerk: Clerk,
    shelf: Shelf,
    privacy: Privacy,
    room: Room,
    site: String,
    /// Ids.
    cameras: Vec<String>,
    /// Who knows the zones' numbers; `None` without a box.
    hub: Option<Arc<LiveHub>>,
}

impl ExampleDesk {
    pub fn of(config: &Config, reader: StoreReader, clerk: Clerk) -> ExampleDesk {
        ExampleDesk {
            reader,
            clerk,
            shelf: Shelf::new(config.store.path.join(FOLDER)),
            privacy: config.privacy,
            room: room_of(config),
            site: config.site.name.clone(),
            cameras: config.cameras.iter().map(|camera| camera.id.clone()).collect(),
            hub: None,
        }
    }

    /// With the zones that a box guards.
    #[must_use]
    pub fn with_zones(self, hub: Arc<LiveHub>) -> ExampleDesk {
        ExampleDesk { hub: Some(hub), ..self }
    }

    fn row(&self, id: u64) -> Result<KeptExample, ExampleError> {
        self.reader.example(id)?.ok_or(ExampleError::NoExample(id))
    }

    fn shown(&self, kept: KeptExample) -> ExampleRow {
        let numbers = self.hub.as_ref().map(|hub| hub.snapshots().borrow().clone());
        let number = |id: &str| {
            let zones = numbers.iter().flat_map(|now| &now.zones);
            zones.filter(|zone| zone.id == id).map(|zone| zone.number).next()
        };
        let KeptExample { example, label, verdict } = kept;
        let kept_because = match verdict {
            Some(Judgement::False) => format!(
                "{}; somebody judged that nobody was there, or somebody who may be",
                example.why
            ),
            Some(Judgement::True | Judgement::Test) | None => example.why,
        };
        ExampleRow {
            id: example.id,
            occasion: occasion_of(example.occasion),
            camera: example.camera,
            zone: example.zone.map(|(id, name)| (number(&id), name)),
            at: example.at,
            score: example.score,
            size_px: example.size_px,
            boxes: example.boxes.iter().map(shown_box).collect(),
            label: label.map(|it| CaseLabel { label: label_of(it.label), by: it.by, at: it.at }),
            kept_because,
        }
    }

    fn write_all(&self, to: &mut dyn Write) -> Result<(), ExampleError> {
        let failed = |error: std::io::Error| ExampleError::Export(error.to_string());
        let mut export = Export::new(Zip::new(to));
        let mut after = 0;
        loop {
            let page = self.reader.examples_after(after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.example.id;
            for row in &page {
                // One that made room meanwhile is not in it; nor is one that somebody took away.
                match self.shelf.read(&row.example.file) {
                    Ok(jpeg) => export.add(row, &jpeg).map_err(failed)?,
                    Err(error) => tracing::warn!("{} is left out: {error}", row.example.file),
                }
            }
        }
        export.finish(&self.site).map_err(failed)
    }

    fn read_labels(&self, coco: &mut dyn Read) -> Result<Vec<NewLabels>, ExampleError> {
        let refused = |bad: coco::Bad| ExampleError::BadImport(bad.to_string());
        let mut labels = Vec::new();
        for one in coco::parse(coco).map_err(refused)? {
            let known = one.id.map(|id| self.reader.example(id)).transpose()?.flatten();
            labels.push(match known {
                Some(KeptExample { example, .. }) => {
                    let known = (example.size_px, &example.boxes[..]);
                    coco::labels_of(&one, example.id, known).map_err(refused)?
                }
                // There is none with that number, now or ever: it is counted.
                None => NewLabels { id: u64::MAX, label: None, boxes: None },
            });
        }
        Ok(labels)
    }
}

impl Examples for ExampleDesk {
    fn bank_now(&self) -> Result<BankNow, ExampleError> {
        let (examples, bytes) = self.reader.examples_kept()?;
        Ok(BankNow { examples, bytes, room: self.room })
    }

    fn examples(
        &self,
        wanted: WantedExamples,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<ExampleRow>, ExampleError> {
        let WantedExamples { labelled, occasion } = wanted;
        let labels = match labelled {
            WantedLabels::Unlabelled => SoughtLabels::Unlabelled,
            WantedLabels::All => SoughtLabels::All,
        };
        let occasion = occasion.map(kept_occasion);
        let found = self.reader.examples(SoughtExamples { labels, occasion, before, limit })?;
        Ok(found.into_iter().map(|row| self.shown(row)).collect())
    }

    fn example_picture(&self, id: u64) -> Result<Vec<u8>, ExampleError> {
        let KeptExample { example, .. } = self.row(id)?;
        let gone = |why: String| ExampleError::NoPicture(id, why);
        let jpeg = self.shelf.read(&example.file).map_err(|error| gone(error.to_string()))?;
        picture::shown(jpeg, example.covers.as_deref(), self.privacy)
            .map_err(|error| gone(error.to_string()))
    }

    fn label_example(&self, id: u64, label: Label, by: &str) -> Result<ExampleRow, ExampleError> {
        let (by, said, at) = (by.to_owned(), coco::said(label), clock::wall());
        let given = self.clerk.ask(move |store| store.label_example(id, said, &by, at))?;
        match given.map_err(not_kept)? {
            LabelGiven::Yes => Ok(self.shown(self.row(id)?)),
            LabelGiven::NoExample => Err(ExampleError::NoExample(id)),
        }
    }

    fn example_queue(&self, limit: u32) -> Result<Vec<ExampleRow>, ExampleError> {
        let queue = self.reader.example_queue(limit)?;
        Ok(queue.into_iter().map(|row| self.shown(row)).collect())
    }

    fn export(&self, to: &mut dyn Write, by: &str) -> Result<(), ExampleError> {
        let (examples, bytes) = self.reader.examples_kept()?;
        let detail = serde_json::json!({ "examples": examples, "bytes": bytes }).to_string();
        let (by, at) = (by.to_owned(), clock::wall());
        // Before anything is given.
        let noted = self
            .clerk
            .ask(move |store| store.append_audit(&by, "examples_exported", "", &detail, at))?;
        noted.map_err(not_kept)?;
        self.write_all(to)
    }

    fn import(&self, coco: &mut dyn Read, by: &str) -> Result<Imported, ExampleError> {
        let labels = self.read_labels(coco)?;
        let (by, at) = (by.to_owned(), clock::wall());
        let done = self.clerk.ask(move |store| store.import_labels(&labels, &by, at))?;
        let done = done.map_err(not_kept)?;
        Ok(Imported { labels: done.labelled, unknown: done.unknown, changed: done.changed })
    }

    fn thresholds(&self, wish: Wish) -> Result<Thresholds, ExampleError> {
        let now = self.cameras.iter().map(|camera| (camera.clone(), ENTER_SCORE)).collect();
        Ok(Thresholds { now, proposals: proposals(&self.reader, wish)? })
    }
}

/// What the labels of a store's incidents propose for each camera.
///
/// # Errors
/// The store cannot be read.
pub fn proposals(
    reader: &StoreReader,
    wish: Wish,
) -> Result<BTreeMap<String, Proposal>, HistoryError> {
    let answered = reader.labelled_incidents()?.into_iter().filter_map(|it| {
        let score = Score::new(it.score)?;
        Some(Answered { camera: it.camera, score, label: label_of(it.label) })
    });
    Ok(propose(&answered.collect::<Vec<_>>(), wish))
}

/// What the bank may hold.
pub fn room_of(config: &Config) -> Room {
    let ExampleRoom { examples_max, bytes_max } = config.examples;
    // 10 000 at most.
    Room { examples: usize::try_from(examples_max).unwrap_or(usize::MAX), bytes: bytes_max }
}

/// The store did not take it.
fn not_kept(error: StoreError) -> ExampleError {
    ExampleError::NotKept(chain(&error))
}

fn shown_box(it: &crate::store::examples::KeptBox) -> ExampleBox {
    ExampleBox {
        at: CaseBox {
            left_norm: it.left,
            top_norm: it.top,
            width_norm: it.width,
            height_norm: it.height,
            score: it.score,
        },
        by: match it.by {
            DrawnBy::Model => BoxBy::Model,
            DrawnBy::Person => BoxBy::Person,
        },
    }
}

fn kept_occasion(occasion: Occasion) -> ExampleOccasion {
    match occasion {
        Occasion::Incident => ExampleOccasion::Incident,
        Occasion::NearMiss => ExampleOccasion::NearMiss,
        Occasion::Disagreement => ExampleOccasion::Disagreement,
        Occasion::LowScore => ExampleOccasion::LowScore,
    }
}

/// A reader of a box's examples, beside the box.
///
/// # Errors
/// There is no store, or it cannot be read.
pub fn reader_beside(store: &Path) -> Result<StoreReader, StoreError> {
    crate::store::examples::reader_of(store)
}
