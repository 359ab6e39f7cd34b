//! The alarms of the fake guard.

use standclear::engine::{AlarmId, AlarmSource, AlarmState};
use standclear::guard::handle::Alarm;

use super::time;

/// Version and last renewal of every alarm.
pub const VERSION: u64 = (7 << 20) + 9;
pub const RENEWED: u64 = (7 << 20) + 5;

pub fn alarm(id: u64, source: AlarmSource, state: AlarmState) -> Alarm {
    let since = time("2026-03-01T14:00:00Z");
    Alarm {
        id: AlarmId(id),
        source,
        state,
        version: VERSION,
        renewed: RENEWED,
        priority: source.priority(),
        title: "Gate road".into(),
        text: "2 people inside".into(),
        raised_at: since,
        changed_at: since,
        acknowledged: None,
        incident: None,
        has_snapshot: false,
        ladder: vec![("siren", 190)],
        stages: vec![("seen", 38.0)],
    }
}
