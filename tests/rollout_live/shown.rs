//! What a package has shown in the shadow, written down: enough for somebody to approve it.

use jiff::{SignedDuration, Timestamp};
use standclear::guard::handle::models::Slot;
use standclear::store::Store;
use standclear::store::shadow::{
    CaseWord, Ended, NewShadowRun, RunProgress, RunSide, RunSource, ShadowIncident,
};

use crate::support;

/// True incidents that both models told: at most 20 % missed is shown by half of them.
const INCIDENTS: u64 = 30;

/// Of the package in `slot`, whose model file has the digest `model`, beside what came with the program.
pub fn enough(store: &mut Store, slot: Slot, model: &str) {
    let began: Timestamp = "2026-03-01T10:00:00Z".parse().expect("a time");
    let run = NewShadowRun {
        source: RunSource::Live,
        name: "this site".into(),
        active: Slot::Shipped.to_string(),
        shadow: slot.to_string(),
        // Runs count for the very models that are loaded.
        active_model: support::detector().info().digest.clone(),
        shadow_model: model.to_owned(),
        zones: "z1".into(),
        began,
    };
    let run = store.open_shadow_run(&run).expect("kept");
    let of_both = |at| [RunSide::Active, RunSide::Shadow].map(|side| told(side, at, began));
    let rows: Vec<ShadowIncident> = (1..=INCIDENTS).flat_map(of_both).collect();
    let progress = RunProgress { seen: 1_000, of: 1_000, figures: "{}".into() };
    store.keep_shadow(run, &progress, &rows).expect("kept");
    let kept = store.reader().expect("one").shadow_incidents(run).expect("read");
    for row in kept.iter().filter(|row| row.of.side == RunSide::Active) {
        store.label_case(row.id, CaseWord::True, "Eva", began).expect("kept");
    }
}

/// One that this side told, at this minute.
fn told(side: RunSide, minute: u64, began: Timestamp) -> ShadowIncident {
    let after = |seconds: u64| began + SignedDuration::from_secs(seconds as i64);
    ShadowIncident {
        side,
        number: minute,
        camera: "yard".into(),
        zone: "road".into(),
        zone_name: "Road".into(),
        zone_number: Some(0),
        began: after(minute * 60),
        last: after(minute * 60 + 5),
        ended: Ended::Yes,
        score: 0.5,
        boxes: "[]".into(),
        left_out: None,
    }
}
