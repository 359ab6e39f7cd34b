//! Models: their roll-out, and their store under every power cut.

#[path = "models/boot.rs"]
mod boot;
#[path = "models/cuts.rs"]
mod cuts;
#[path = "models/damage.rs"]
mod damage;
#[path = "models/disk.rs"]
mod disk;
#[path = "models/ledger.rs"]
mod ledger;
#[path = "models/memory.rs"]
mod memory;
#[path = "models/probation.rs"]
mod probation;
#[path = "models/scripts.rs"]
mod scripts;
#[path = "models/stages.rs"]
mod stages;
#[path = "models/troubles.rs"]
mod troubles;
