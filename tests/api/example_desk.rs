//! The example bank as the fake has it: example 7, of which nobody has said anything.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use standclear::gate::retention::{Occasion, Room};
use standclear::gate::verdict::Label;
use standclear::guard::handle::examples::{
    BankNow, BoxBy, CaseBox, CaseLabel, ExampleBox, ExampleError, ExampleRow, Examples, Imported,
    Thresholds, WantedExamples, Wish,
};

use super::{Fake, time};

/// What its picture holds.
pub const PICTURE: &[u8] = b"a picture of a near miss";

fn example() -> ExampleRow {
    let at = CaseBox {
        left_norm: 0.25,
        top_norm: 0.5,
        width_norm: 0.125,
        height_norm: 0.25,
        score: 0.5,
    };
    ExampleRow {
        id: 7,
        occasion: Occasion::NearMiss,
        camera: "yard-éast".into(),
        zone: Some((Some(0), "Gate road".into())),
        at: time("2026-03-01T14:00:00Z"),
        score: Some(0.5),
        size_px: (768, 576),
        boxes: vec![ExampleBox { at, by: BoxBy::Model }],
        label: None,
        kept_because: "somebody came close".into(),
    }
}

impl Examples for Fake {
    fn bank_now(&self) -> Result<BankNow, ExampleError> {
        let room = Room { examples: 2_000, bytes: 1 << 30 };
        Ok(BankNow { examples: 1, bytes: PICTURE.len() as u64, room })
    }

    fn examples(
        &self,
        wanted: WantedExamples,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<ExampleRow>, ExampleError> {
        let is_wanted = wanted.occasion.is_none_or(|it| it == Occasion::NearMiss);
        let is_there = limit > 0 && before.is_none_or(|before| before > 7);
        Ok(if is_wanted && is_there { vec![example()] } else { Vec::new() })
    }

    fn example_picture(&self, id: u64) -> Result<Vec<u8>, ExampleError> {
        if id == 7 { Ok(PICTURE.to_vec()) } else { Err(ExampleError::NoExample(id)) }
    }

    fn label_example(&self, id: u64, label: Label, by: &str) -> Result<ExampleRow, ExampleError> {
        if id != 7 {
            return Err(ExampleError::NoExample(id));
        }
        let (by, at) = (by.to_owned(), time("2026-03-01T14:05:00Z"));
        Ok(ExampleRow { label: Some(CaseLabel { label, by, at }), ..example() })
    }

    fn example_queue(&self, limit: u32) -> Result<Vec<ExampleRow>, ExampleError> {
        Ok(if limit > 0 { vec![example()] } else { Vec::new() })
    }

    fn export(&self, to: &mut dyn Write, _by: &str) -> Result<(), ExampleError> {
        to.write_all(b"PK").map_err(|error| ExampleError::Export(error.to_string()))
    }

    fn import(&self, coco: &mut dyn Read, _by: &str) -> Result<Imported, ExampleError> {
        let mut text = String::new();
        coco.read_to_string(&mut text)
            .map_err(|error| ExampleError::BadImport(error.to_string()))?;
        if text.starts_with('{') {
            return Ok(Imported { labels: 1, unknown: 0, changed: 1 });
        }
        Err(ExampleError::BadImport("line 1, column 1: no object".into()))
    }

    fn thresholds(&self, _wish: Wish) -> Result<Thresholds, ExampleError> {
        let now = BTreeMap::from([("yard-éast".to_owned(), 0.3)]);
        Ok(Thresholds { now, proposals: BTreeMap::new() })
    }
}
