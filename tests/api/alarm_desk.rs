//! The alarms of the fake guard, and the desk that takes commands about them.

use jiff::Timestamp;
use standclear::engine::{AlarmId, AlarmSource, AlarmState, ZoneIndex};
use standclear::guard::handle::{
    Alarm, AlarmCommand, AlarmKey, Alarms, CommandError, Commanded, Found, Further, HistoryError,
    Hold, HoldKind, IncidentRow, Judgement, Sought, SpanKpis, TestHeard, VerdictRow, Wanted,
    kpis_of,
};
use standclear::store::alarms::AlarmStory;

use super::{Fake, time};

/// Version and last renewal of every alarm.
pub const VERSION: u64 = (7 << 20) + 9;
pub const RENEWED: u64 = (7 << 20) + 5;

/// When whatever is silenced or shelved is heard again.
pub const UNTIL: &str = "2026-03-01T14:30:00Z";

pub fn alarm(id: u64, source: AlarmSource, state: AlarmState) -> Alarm {
    let since = time("2026-03-01T14:00:00Z");
    Alarm {
        id: AlarmId(id),
        source,
        state,
        version: VERSION,
        renewed: RENEWED,
        priority: source.priority(),
        silenced_until: None,
        title: "Gate road".into(),
        text: "2 people inside".into(),
        raised_at: since,
        changed_at: since,
        acknowledged: None,
        incident: None,
        has_snapshot: false,
        ladder: vec![("siren", 190)],
        captured: None,
        delivery: Vec::new(),
        stages: vec![("seen", 38.0)],
    }
}

pub fn holds() -> Vec<Hold> {
    let hold = |kind, zone, open: Option<u64>| Hold {
        kind,
        source: AlarmSource::Intrusion(ZoneIndex(zone)),
        title: "Gate road".into(),
        by: "Zoë 山田".into(),
        reason: "Scaffold in the picture".into(),
        since: time("2026-03-01T14:00:00Z"),
        open: open.map(AlarmId),
    };
    let shelved = HoldKind::Shelved { alarm: AlarmId(38), until: time(UNTIL) };
    vec![hold(shelved, 0, Some(40)), hold(HoldKind::OutOfService, 1, None)]
}

/// Knows alarm 40, which sounds, and the zone gate-road; notes whatever it is told.
impl Alarms for Fake {
    fn command(&self, command: AlarmCommand, by: &str) -> Result<Commanded, CommandError> {
        let done = match &command {
            AlarmCommand::Acknowledge { .. } | AlarmCommand::Reset { .. } => {
                Err(CommandError::StillActive)
            }
            AlarmCommand::Silence { seen, .. } if *seen != VERSION => Err(CommandError::NewerCause),
            AlarmCommand::Silence { alarm: None, .. } => Ok(Commanded::Until(time(UNTIL))),
            AlarmCommand::Silence { alarm: Some(alarm), .. }
            | AlarmCommand::Shelve { alarm, .. }
                if *alarm == AlarmId(40) =>
            {
                Ok(Commanded::Until(time(UNTIL)))
            }
            AlarmCommand::Silence { .. } | AlarmCommand::Shelve { .. } => {
                Err(CommandError::UnknownAlarm)
            }
            AlarmCommand::TestSiren { heard: TestHeard::ByPeople } => Ok(Commanded::Done),
            AlarmCommand::TestSiren { heard: TestHeard::ByNobody } => {
                Err(CommandError::SirenUnderTest)
            }
            AlarmCommand::Unshelve { alarm } if *alarm == AlarmId(38) => Ok(Commanded::Done),
            AlarmCommand::Unshelve { .. } => Err(CommandError::NotShelved),
            AlarmCommand::TakeOutOfService { zone, .. } | AlarmCommand::PutIntoService { zone }
                if zone.zone == "gate-road" && zone.camera == "yard-éast" =>
            {
                Ok(Commanded::Done)
            }
            AlarmCommand::TakeOutOfService { .. } | AlarmCommand::PutIntoService { .. } => {
                Err(CommandError::UnknownZone)
            }
            AlarmCommand::ConfirmView { camera, .. } if camera == "yard-éast" => {
                Ok(Commanded::Done)
            }
            AlarmCommand::ConfirmView { .. } => Err(CommandError::UnknownCamera),
        };
        if done.is_ok() {
            let mut commands = self.commands.lock().expect("not poisoned");
            commands.push((command.to_string(), by.to_owned()));
        }
        done
    }

    fn alarm_kpis(&self, from: Timestamp, to: Timestamp) -> Result<SpanKpis, HistoryError> {
        let changes = vec![(from, AlarmState::Unacknowledged), (from, AlarmState::Normal)];
        let source = AlarmKey::Intrusion("gate-road".into());
        let stories = vec![AlarmStory { alarm: AlarmId(38), source, changes }];
        Ok(SpanKpis { from, numbers: kpis_of(stories, from, to) })
    }
}

/// Somebody judged incident 17.
pub fn verdicts(first: u64, last: u64) -> Vec<VerdictRow> {
    let verdict = VerdictRow {
        incident: 17,
        verdict: Judgement::False,
        by: "Zoë 山田".into(),
        at: time("2026-03-01T15:00:00Z"),
        note: "a fork lift".into(),
    };
    (first..=last).contains(&17).then_some(verdict).into_iter().collect()
}

/// A zone that was taken away, without an incident.
pub const FORMER_ZONE: &str = "former";

pub fn has_been(which: &Sought) -> bool {
    matches!(which, Sought::Zone(zone) if zone == FORMER_ZONE)
}

/// A hundred incidents, whatever is looked for but where none ever was; and a number that fails.
pub fn found(limit: u32, wanted: &Wanted) -> Result<Found, HistoryError> {
    if wanted.before == Some(666) {
        return Err(HistoryError::Incidents(rusqlite::Error::InvalidQuery));
    }
    let mut places = wanted.zones.iter().flatten().chain(&wanted.camera);
    if places.any(|id| id == "nowhere" || id == FORMER_ZONE) {
        return Ok(Found::default());
    }
    let before = wanted.before;
    let last = before.map_or(100, |before| before - 1);
    let ids = (1..=last).rev().take(limit as usize);
    let further = if u64::from(limit) < last { Further::More } else { Further::Nothing };
    let rows: Vec<_> = ids.map(incident).collect();
    let verdicts = rows.iter().flat_map(|row| verdicts(row.id, row.id)).collect();
    Ok(Found { rows, verdicts, further })
}

pub fn incident(id: u64) -> IncidentRow {
    IncidentRow {
        id,
        zone: "gate-road".into(),
        zone_name: "Brána č. 1".into(),
        camera: "yard-éast".into(),
        started_at: time("2026-03-01T14:00:00.1234567Z"),
        ended_at: None,
        entries: 2,
        score: 0.5,
        model_digest: "3f9a".into(),
        zone_revision: "77".into(),
        has_snapshot: id == 17,
        clips: if id == 17 { vec![1] } else { vec![] },
        no_video: (id == 16).then(|| "the disk was full".into()),
        is_pinned: false,
        siren_after_ms: Some(190),
        acknowledged_by: Some("Zoë 山田".into()),
    }
}
