//! A box that takes no packages: it guards with the model that came with the program, compares nothing
//! and collects no examples. Every step is refused with that reason.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use crate::guard::handle::Reason;
use crate::guard::handle::examples::{
    BankNow, ExampleError, ExampleRow, Examples, Imported, Label, Room, Thresholds, WantedExamples,
    Wish,
};
use crate::guard::handle::models::{
    ActiveModel, CarriedModels, Digest, InstalledModel, May, ModelError, ModelHistoryRow, Models,
    ModelsNow, Possible, ReviewStep, Slot,
};
use crate::guard::handle::shadowing::{
    CaseRow, Claim, Coverage, EvidenceFacts, ShadowError, ShadowNow, ShadowState, Shadowing,
    WantedCases,
};

const WHY: &str = "this program guards with the model that came with it, and takes no other";

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Absent;

fn refused<T>() -> Result<T, ModelError> {
    Err(ModelError::Conflict { code: "not_kept", text: WHY.to_owned() })
}

impl Models for Absent {
    fn models_now(&self) -> ModelsNow {
        let no = || May::No { why: WHY.to_owned() };
        ModelsNow {
            active: ActiveModel { slot: Some(Slot::Shipped), since: None, passed_over: Vec::new() },
            models: Vec::new(),
            floor: 0,
            trial: None,
            previous: None,
            rejected: Vec::new(),
            taking: None,
            may: Possible {
                install: no(),
                shadow: no(),
                promote: no(),
                rollback: no(),
                rollback_to: None,
                discard: no(),
            },
            fault: None,
        }
    }

    fn install(&self, _: &str, _: &mut dyn Read, _: &str) -> Result<InstalledModel, ModelError> {
        refused()
    }

    fn fetch(&self, _: &str, _: &str) -> Result<(), ModelError> {
        refused()
    }

    fn carried(&self) -> Result<CarriedModels, ModelError> {
        Ok(CarriedModels::default())
    }

    fn install_carried(&self, id: &str, _: &str) -> Result<InstalledModel, ModelError> {
        Err(ModelError::NoSuchPackage(id.to_owned()))
    }

    fn shadow(&self, _: Digest, _: &str) -> Result<(), ModelError> {
        refused()
    }

    fn promote(&self, _: Digest, _: &str, _: &str) -> Result<(), ModelError> {
        refused()
    }

    fn rollback(&self, _: &Reason, _: &str) -> Result<(), ModelError> {
        refused()
    }

    fn discard(&self, _: Digest, _: &Reason, _: &str) -> Result<(), ModelError> {
        refused()
    }

    fn review(&self, _: ReviewStep, _: &Reason, _: &str) -> Result<(), ModelError> {
        refused()
    }

    fn model_history(&self, _: u32, _: Option<u64>) -> Result<Vec<ModelHistoryRow>, ModelError> {
        Ok(Vec::new())
    }
}

impl Shadowing for Absent {
    fn shadow_now(&self) -> ShadowNow {
        ShadowNow {
            state: ShadowState::Off,
            text: WHY.to_owned(),
            restarts: 0,
            coverage: Coverage { seen: 0, of: 0 },
            skipped_because: None,
            run: None,
        }
    }

    fn evidence(&self, _: Claim) -> Result<EvidenceFacts, ShadowError> {
        Err(ShadowError::NoCandidate)
    }

    fn cases(
        &self,
        _: Option<u64>,
        _: WantedCases,
        _: u32,
        _: Option<u64>,
    ) -> Result<Vec<CaseRow>, ShadowError> {
        Ok(Vec::new())
    }

    fn case(&self, id: u64) -> Result<CaseRow, ShadowError> {
        Err(ShadowError::NoCase(id))
    }

    fn case_picture(&self, id: u64) -> Result<Vec<u8>, ShadowError> {
        Err(ShadowError::NoCase(id))
    }

    fn label_case(&self, id: u64, _: Label, _: &str) -> Result<CaseRow, ShadowError> {
        Err(ShadowError::NoCase(id))
    }
}

impl Examples for Absent {
    fn bank_now(&self) -> Result<BankNow, ExampleError> {
        Ok(BankNow { examples: 0, bytes: 0, room: Room { examples: 0, bytes: 0 } })
    }

    fn examples(
        &self,
        _: WantedExamples,
        _: u32,
        _: Option<u64>,
    ) -> Result<Vec<ExampleRow>, ExampleError> {
        Ok(Vec::new())
    }

    fn example_picture(&self, id: u64) -> Result<Vec<u8>, ExampleError> {
        Err(ExampleError::NoExample(id))
    }

    fn label_example(&self, id: u64, _: Label, _: &str) -> Result<ExampleRow, ExampleError> {
        Err(ExampleError::NoExample(id))
    }

    fn example_queue(&self, _: u32) -> Result<Vec<ExampleRow>, ExampleError> {
        Ok(Vec::new())
    }

    fn export(&self, _: &mut dyn Write, _: &str) -> Result<(), ExampleError> {
        Err(ExampleError::Export(WHY.to_owned()))
    }

    fn import(&self, _: &mut dyn Read, _: &str) -> Result<Imported, ExampleError> {
        Err(ExampleError::BadImport(WHY.to_owned()))
    }

    fn thresholds(&self, _: Wish) -> Result<Thresholds, ExampleError> {
        Ok(Thresholds { now: BTreeMap::new(), proposals: BTreeMap::new() })
    }
}
