//! The fake's example bank: three pictures, of which the second teaches most.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::atomic::Ordering;

use standclear::engine::detection::Score;
use standclear::gate::calibration::Answered;
use standclear::gate::calibration::propose;
use standclear::guard::handle::examples::{
    BankNow, BoxBy, CaseBox, ExampleBox, ExampleError, ExampleRow, Examples, Imported, Label,
    Occasion, Room, Thresholds, WantedExamples, WantedLabels, Wish,
};

use super::model_desk::FakeModels;
use super::time;

/// Labels that begin so are none.
pub const NO_COCO: &[u8] = b"{\"licenses\": 7";

/// How much of an export there is: more than the network keeps on its way.
pub const ARCHIVE_BYTES: usize = 40_000_000;

/// Exports are cut after so much when whoever is signed in is called so; at once for the other.
pub const TAKES_HALF: &str = "Halva";
pub const TAKES_NONE: &str = "Nula";

impl FakeModels {
    fn example(&self, id: u64) -> ExampleRow {
        let occasion = match id {
            1 => Occasion::Incident,
            2 => Occasion::Disagreement,
            _ => Occasion::LowScore,
        };
        let at = CaseBox {
            left_norm: 0.25,
            top_norm: 0.5,
            width_norm: 0.125,
            height_norm: 0.25,
            score: 0.5,
        };
        ExampleRow {
            id,
            occasion,
            camera: "yard-éast".into(),
            zone: (id == 1).then(|| (None, "Zóna gate-road".into())),
            at: time("2026-03-01T14:00:00Z"),
            score: Some(0.5),
            size_px: (768, 576),
            boxes: vec![ExampleBox { at, by: BoxBy::Person }],
            label: self.labels.of_example(id),
            kept_because: "the models differ".into(),
        }
    }

    fn known(id: u64) -> Result<(), ExampleError> {
        if (1..=3).contains(&id) { Ok(()) } else { Err(ExampleError::NoExample(id)) }
    }
}

impl Examples for FakeModels {
    fn bank_now(&self) -> Result<BankNow, ExampleError> {
        let room = Room { examples: 2_000, bytes: 1 << 30 };
        Ok(BankNow { examples: 3, bytes: 360_000, room })
    }

    fn examples(
        &self,
        wanted: WantedExamples,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<ExampleRow>, ExampleError> {
        let newest = before.unwrap_or(u64::MAX).min(4);
        let rows = (1..newest).rev().map(|id| self.example(id)).filter(|row| {
            let unlabelled = wanted.labelled == WantedLabels::All || row.label.is_none();
            unlabelled && wanted.occasion.is_none_or(|occasion| occasion == row.occasion)
        });
        Ok(rows.take(usize::try_from(limit).expect("it fits")).collect())
    }

    fn example_picture(&self, id: u64) -> Result<Vec<u8>, ExampleError> {
        FakeModels::known(id)?;
        match id {
            3 => Err(ExampleError::NoPicture(id, "its file is gone".into())),
            _ => Ok(b"\xFF\xD8 hidden".to_vec()),
        }
    }

    fn label_example(&self, id: u64, label: Label, by: &str) -> Result<ExampleRow, ExampleError> {
        FakeModels::known(id)?;
        self.labels.set_example(id, label, by)?;
        Ok(self.example(id))
    }

    fn example_queue(&self, limit: u32) -> Result<Vec<ExampleRow>, ExampleError> {
        let rows = [2, 3, 1].into_iter().map(|id| self.example(id));
        let rows = rows.filter(|row| row.label.is_none());
        Ok(rows.take(usize::try_from(limit).expect("it fits")).collect())
    }

    fn export(&self, to: &mut dyn Write, by: &str) -> Result<(), ExampleError> {
        if by == TAKES_NONE {
            return Err(ExampleError::Export("the disk is gone".into()));
        }
        self.said.lock().expect("not poisoned").push(format!("export by {by}"));
        let piece = [b'z'; 10_000];
        for number in 0..ARCHIVE_BYTES / piece.len() {
            if by == TAKES_HALF && number == 100 {
                return Err(ExampleError::Export("the disk is gone".into()));
            }
            let written = to.write_all(&piece);
            written.map_err(|error| ExampleError::Export(error.to_string()))?;
            self.written.fetch_add(piece.len(), Ordering::SeqCst);
        }
        Ok(())
    }

    fn import(&self, coco: &mut dyn Read, by: &str) -> Result<Imported, ExampleError> {
        let mut all = Vec::new();
        let read = coco.read_to_end(&mut all).map(|_| all);
        self.note("labels", &read, by);
        match read {
            Err(error) => Err(ExampleError::BadImport(error.to_string())),
            Ok(all) if all.starts_with(NO_COCO) => {
                Err(ExampleError::BadImport("line 1: `images` is missing".into()))
            }
            Ok(_) => Ok(Imported { labels: 3, unknown: 1, changed: 2 }),
        }
    }

    /// The yard has a hundred true incidents, the dock ten, the gate none.
    fn thresholds(&self, wish: Wish) -> Result<Thresholds, ExampleError> {
        let answered = |camera: &str, count: u16| -> Vec<Answered> {
            let one = |number| Answered {
                camera: camera.into(),
                score: Score::new(0.4 + f32::from(number) / 1_000.0).expect("a score"),
                label: Label::True,
            };
            (0..count).map(one).collect()
        };
        let all = [answered("yard-éast", 100), answered("dock", 10)].concat();
        let now = ["yard-éast", "dock", "gate"].map(|camera| (camera.to_owned(), 0.35));
        Ok(Thresholds { now: BTreeMap::from(now), proposals: propose(&all, wish) })
    }
}
