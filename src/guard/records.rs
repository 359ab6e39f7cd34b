//! From numbers to names: the engine's events as records, and restored records as numbers.
//!
//! Zone and camera numbers mean nothing after the configuration changed, so the store keeps ids.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::ledger::HoldNotes;
use super::message::ReceivedReport;
use super::words;
use crate::clock::{self, BootId};
use crate::config::{Config, shown};
use crate::engine::alarm::SHELVE_MAX;
use crate::engine::ground::Ground;
use crate::engine::time::Instant;
use crate::engine::{
    AlarmSource, CameraIndex, Entry, IncidentId, Part, Restored, RestoredAlarm, RestoredHold,
    ZoneIndex,
};
use crate::store::Remembered;
use crate::store::record::{
    AlarmKey, HeldKind, IncidentStart, OpenAlarm, OpenHold, Record, ZoneName,
};
use crate::zone_file::{ArmingRule, Mask, ZoneInfo};

/// Zone numbers there are in one life of the process; the engine takes no more.
const ZONE_NUMBERS_MAX: usize = 16_384;

/// GeoJSON MultiPolygon coordinates in frame fractions: polygon, ring, point.
type Polygons = Vec<Vec<Vec<[f64; 2]>>>;

/// The names of a site, by engine number. A value never changes: new zones make a new one, which the
/// alarm path takes in the step in which the engine takes the zones.
#[derive(Clone, Debug)]
pub struct SiteNames {
    /// Id and name.
    pub cameras: Vec<(String, String)>,
    /// Where each camera's pictures come from, without passwords.
    pub addresses: Vec<String>,
    /// What each camera's zones are.
    pub in_force: Vec<InForce>,
    /// By zone number. A number keeps its zone for ever, so that whatever still names it (an open
    /// alarm, a picture under way) means what it meant.
    pub zones: Vec<ZoneSlot>,
}

/// The zone version a camera is guarded by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InForce {
    pub version: u32,
    /// sha256 of its document, hex: the zone revision that incidents carry.
    pub digest: String,
    /// Why it is not the one that was meant, for people.
    pub fault: Option<String>,
    /// What nobody may see.
    pub masks: Arc<[Mask]>,
    /// The floor, where the zones have ground points; known once a picture was seen.
    pub ground: Option<Arc<Ground>>,
}

/// A zone number's zone.
#[derive(Clone, Debug)]
pub struct ZoneSlot {
    pub info: ZoneInfo,
    /// GeoJSON coordinates, shared with every snapshot.
    pub polygons: Arc<Polygons>,
    pub line: Arc<Vec<[f64; 2]>>,
    pub standing: Standing,
}

/// Whether a zone is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Live,
    /// It was taken away.
    Retired,
}

impl ZoneSlot {
    fn live(info: ZoneInfo) -> ZoneSlot {
        ZoneSlot {
            polygons: Arc::new(info.polygons.clone()),
            line: Arc::new(info.line.clone()),
            info,
            standing: Standing::Live,
        }
    }

    pub fn is_live(&self) -> bool {
        self.standing == Standing::Live
    }
}

impl SiteNames {
    pub fn new(config: &Config, zones: Vec<ZoneInfo>, in_force: Vec<InForce>) -> SiteNames {
        let cameras = config.cameras.iter();
        SiteNames {
            addresses: config.cameras.iter().map(|camera| shown(&camera.source)).collect(),
            cameras: cameras.map(|c| (c.id.clone(), c.name.clone())).collect(),
            in_force,
            zones: zones.into_iter().map(ZoneSlot::live).collect(),
        }
    }

    /// The same with other zones of one camera, and the number of each of them: that of the same
    /// id, or the next nobody has had. `None` when there are no more numbers.
    pub fn rezoned(
        &self,
        camera: CameraIndex,
        infos: Vec<ZoneInfo>,
        in_force: InForce,
    ) -> Option<(SiteNames, Vec<ZoneIndex>)> {
        let mut names = self.clone();
        *names.in_force.get_mut(usize::from(camera.0))? = in_force;
        for zone in names.zones.iter_mut().filter(|zone| zone.info.camera == camera.0) {
            zone.standing = Standing::Retired;
        }
        let mut slots = Vec::with_capacity(infos.len());
        for info in infos {
            let known = names.zones.iter().position(|zone| zone.info.id == info.id);
            let number = known.unwrap_or(names.zones.len());
            if number >= ZONE_NUMBERS_MAX {
                return None;
            }
            match known {
                Some(number) => names.zones[number] = ZoneSlot::live(info),
                None => names.zones.push(ZoneSlot::live(info)),
            }
            slots.push(ZoneIndex(u16::try_from(number).ok()?));
        }
        Some((names, slots))
    }

    /// Zones that are guarded, with their numbers.
    pub fn live(&self) -> impl Iterator<Item = (ZoneIndex, &ZoneSlot)> {
        let numbered = (0u16..).map(ZoneIndex).zip(&self.zones);
        numbered.filter(|(_, zone)| zone.is_live())
    }

    /// The zones a camera is guarded by, as the store keeps them.
    pub fn zones_of(&self, camera: CameraIndex) -> Vec<ZoneName> {
        let of_camera = |(_, zone): &(ZoneIndex, &ZoneSlot)| zone.info.camera == camera.0;
        self.live().filter(of_camera).map(|(_, zone)| self.zone_name(&zone.info)).collect()
    }

    fn zone_name(&self, zone: &ZoneInfo) -> ZoneName {
        ZoneName {
            id: zone.id.clone(),
            name: zone.name.clone(),
            camera: self.camera_id(CameraIndex(zone.camera)).into(),
        }
    }

    /// The rule of each zone, by number; `None` for one that was taken away.
    pub fn rules(&self) -> Vec<Option<ArmingRule>> {
        let rule = |zone: &ZoneSlot| zone.is_live().then(|| zone.info.arming.clone());
        self.zones.iter().map(rule).collect()
    }

    /// Also one that was taken away.
    pub fn zone(&self, zone: ZoneIndex) -> Option<&ZoneInfo> {
        self.zones.get(usize::from(zone.0)).map(|slot| &slot.info)
    }

    /// The zone revision that an incident of this camera carries.
    fn revision_of(&self, camera: CameraIndex) -> &str {
        self.in_force.get(usize::from(camera.0)).map_or("", |zones| &zones.digest)
    }

    /// All cameras' zones as one text, for the record of a life.
    fn revision(&self) -> String {
        let camera = |((id, _), zones): (&(String, String), &InForce)| {
            format!("{id} version {} {}", zones.version, zones.digest)
        };
        self.cameras.iter().zip(&self.in_force).map(camera).collect::<Vec<_>>().join(", ")
    }

    /// What nobody may see of a camera's picture.
    pub fn masks(&self, camera: usize) -> &[Mask] {
        self.in_force.get(camera).map_or(&[], |zones| &zones.masks)
    }

    /// The same, to be kept.
    pub fn shared_masks(&self, camera: usize) -> Arc<[Mask]> {
        self.in_force.get(camera).map_or_else(|| Arc::from([]), |zones| zones.masks.clone())
    }

    /// The floor as a camera sees it.
    pub fn ground(&self, camera: usize) -> Option<&Ground> {
        self.in_force.get(camera)?.ground.as_deref()
    }

    /// Id, or `?` for a number nobody has.
    pub fn zone_id(&self, zone: ZoneIndex) -> &str {
        self.zone(zone).map_or("?", |zone| &zone.id)
    }

    pub fn camera_id(&self, camera: CameraIndex) -> &str {
        self.cameras.get(usize::from(camera.0)).map_or("?", |(id, _)| id)
    }

    pub fn camera_name(&self, camera: CameraIndex) -> &str {
        self.cameras.get(usize::from(camera.0)).map_or("?", |(_, name)| name)
    }

    pub fn key(&self, source: AlarmSource) -> AlarmKey {
        match source {
            AlarmSource::Intrusion(zone) => AlarmKey::Intrusion(self.zone_id(zone).into()),
            AlarmSource::Warning(zone) => AlarmKey::Warning(self.zone_id(zone).into()),
            AlarmSource::Untested(zone) => AlarmKey::Untested(self.zone_id(zone).into()),
            AlarmSource::Blind(camera) => AlarmKey::Blind(self.camera_id(camera).into()),
            AlarmSource::Fault(part) => AlarmKey::Fault(words::part_key(part).into()),
        }
    }

    fn source(&self, key: &AlarmKey) -> Option<AlarmSource> {
        let number = |position: Option<usize>| position.and_then(|p| u16::try_from(p).ok());
        let zone =
            |id: &str| self.live().find(|(_, zone)| zone.info.id == id).map(|(number, _)| number);
        match key {
            AlarmKey::Intrusion(id) => zone(id).map(AlarmSource::Intrusion),
            AlarmKey::Warning(id) => zone(id).map(AlarmSource::Warning),
            AlarmKey::Untested(id) => zone(id).map(AlarmSource::Untested),
            AlarmKey::Blind(id) => number(self.cameras.iter().position(|(camera, _)| camera == id))
                .map(|camera| AlarmSource::Blind(CameraIndex(camera))),
            AlarmKey::Fault(part) => {
                Part::ALL.into_iter().find(|&p| words::part_key(p) == part).map(AlarmSource::Fault)
            }
        }
    }

    /// The first record of a life.
    pub fn started(&self, start: &Start) -> Record {
        Record::Started {
            at: start.at,
            boot: start.boot.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            zone_revision: self.revision(),
            zones: self.live().map(|(_, zone)| self.zone_name(&zone.info)).collect(),
        }
    }
}

/// When a life begins, and in which run of the machine.
#[derive(Clone, Debug)]
pub struct Start {
    pub at: Timestamp,
    pub boot: Option<BootId>,
}

impl Start {
    pub fn now() -> Start {
        Start { at: clock::wall(), boot: BootId::now() }
    }
}

/// What an earlier life leaves to this one.
#[derive(Debug)]
pub struct Inheritance {
    pub restored: Restored,
    /// The last sign of the earlier life.
    pub last_alive: Option<Timestamp>,
    /// Above every version an alarm has had.
    pub last_version: u64,
    /// The open alarms that still have a source.
    pub alarms: Vec<OpenAlarm>,
    /// What people keep quiet.
    pub holds: Vec<(AlarmSource, HoldNotes)>,
    /// Closes the alarms whose zone or camera is no longer configured.
    pub records: Vec<Record>,
}

/// How long nobody watched; for ever when that is not known: the clock was put back, or the machine
/// was off meanwhile, and a clock without a battery stands still then.
fn away(remembered: &Remembered, start: &Start) -> Duration {
    match (&remembered.last_boot, &start.boot, remembered.last_alive) {
        (Some(then), Some(now), Some(last)) if then == now => {
            Duration::try_from(start.at.duration_since(last)).unwrap_or(Duration::MAX)
        }
        _ => Duration::MAX,
    }
}

/// Sorts what the store remembers.
pub fn inherit(remembered: Remembered, names: &SiteNames, start: &Start) -> Inheritance {
    let mut inheritance = Inheritance {
        restored: Restored {
            last_incident: remembered.last_incident,
            last_alarm: remembered.last_alarm,
            away: away(&remembered, start),
            alarms: Vec::new(),
            holds: Vec::new(),
        },
        last_alive: remembered.last_alive,
        last_version: remembered.last_version,
        alarms: Vec::new(),
        holds: Vec::new(),
        records: Vec::new(),
    };
    inherit_holds(&mut inheritance, remembered.holds, names, start);
    for open in remembered.open_alarms {
        match names.source(&open.source) {
            Some(source) => {
                inheritance.restored.alarms.push(RestoredAlarm {
                    id: open.alarm,
                    source,
                    state: open.state,
                    raised_at: instant_of(open.raised_at),
                });
                inheritance.alarms.push(open);
            }
            None => inheritance.records.extend(orphaned(open, start.at)),
        }
    }
    inheritance
}

/// What people kept quiet stays so, as far as anybody can say how much time has passed.
fn inherit_holds(
    inheritance: &mut Inheritance,
    holds: Vec<OpenHold>,
    names: &SiteNames,
    start: &Start,
) {
    let now = clock::monotonic();
    for OpenHold { source: key, kind, by, reason, since } in holds {
        let Some(source) = names.source(&key) else {
            inheritance.records.extend(hold_orphaned(key, kind, start.at));
            continue;
        };
        let (restored, until) = match kind {
            HeldKind::OutOfService => (RestoredHold::OutOfService { source }, None),
            HeldKind::Shelved { alarm, until } => {
                let left = time_left(until, inheritance.restored.away, start);
                let until_now = now.after(left);
                (RestoredHold::Shelved { source, alarm, until: until_now }, Some(until))
            }
        };
        inheritance.restored.holds.push(restored);
        inheritance.holds.push((source, HoldNotes { by, reason, since, until }));
    }
}

/// The time that is left on the shelf; nothing when nobody knows how long the box was off.
fn time_left(until: Timestamp, away: Duration, start: &Start) -> Duration {
    if away == Duration::MAX {
        return Duration::ZERO;
    }
    let left = Duration::try_from(until.duration_since(start.at)).unwrap_or(Duration::ZERO);
    left.min(SHELVE_MAX)
}

fn hold_orphaned(source: AlarmKey, kind: HeldKind, at: Timestamp) -> Option<Record> {
    tracing::warn!("{source:?} is kept quiet no more: it is no longer configured");
    match (kind, source) {
        (HeldKind::Shelved { alarm, .. }, source) => {
            Some(Record::Unshelved { alarm, source, at, by: None })
        }
        // One for the zone.
        (HeldKind::OutOfService, AlarmKey::Intrusion(zone)) => {
            Some(Record::InService { zone, at, by: None })
        }
        (HeldKind::OutOfService, _) => None,
    }
}

fn orphaned(open: OpenAlarm, at: Timestamp) -> [Record; 2] {
    let text = format!(
        "alarm {} was closed: what it is about ({:?}) is no longer configured",
        open.alarm.0, open.source
    );
    tracing::warn!("{text}");
    let closed = Record::Alarm {
        alarm: open.alarm,
        at,
        source: open.source,
        state: crate::engine::AlarmState::Normal,
        // A new version is not known before the life has begun; the state ends it either way.
        version: open.version + 1,
        incident: open.incident,
        text: "No longer configured".into(),
    };
    [closed, Record::Note { at, text }]
}

/// The monotonic time of a civil one; the origin for what lies before the machine's start.
fn instant_of(then: Timestamp) -> Instant {
    let age = clock::wall().duration_since(then);
    clock::monotonic().before(age.try_into().unwrap_or_default())
}

/// Stage times of a deciding picture up to the alarm path, milliseconds. With `siren` behind them
/// they add up to the time from light to siren.
pub fn stages(received: &ReceivedReport) -> Vec<(&'static str, f64)> {
    let times = &received.report.stages;
    let at = Instant::from_nanos;
    let span = |from: u64, to: Instant| to.since(at(from)).as_secs_f64() * 1e3;
    vec![
        ("seen", span(times.captured_ns, at(times.arrived_ns))),
        ("inferred", span(times.arrived_ns, at(times.decoded_ns))),
        ("link", span(times.decoded_ns, received.received_at)),
    ]
}

/// The record of an incident's start.
pub fn incident_start(
    incident: IncidentId,
    zone: ZoneIndex,
    entry: &Entry,
    decided_at: Instant,
    context: EvidenceContext<'_>,
) -> Record {
    let names = context.names;
    let confirmed = entry.captured_at.since(entry.first_seen_at).as_secs_f64() * 1e3;
    let stages = std::iter::once(("confirmed", confirmed)).chain(context.stages.iter().copied());
    Record::IncidentStarted(IncidentStart {
        incident,
        zone: names.zone_id(zone).into(),
        zone_name: names.zone(zone).map_or("?", |zone| &zone.name).into(),
        camera: names.camera_id(entry.camera).into(),
        at: clock::wall_at(decided_at),
        captured_at: clock::wall_at(entry.captured_at),
        frame: entry.frame,
        score: entry.score.get(),
        anchor_norm: entry.anchor_norm,
        track: entry.track.map(|track| track.0),
        model_digest: context.model_digest.into(),
        zone_revision: names.revision_of(entry.camera).to_owned(),
        stages: stages.map(|(name, ms)| (name.to_owned(), ms)).collect(),
    })
}

/// What an incident's record carries besides the entry itself (invariant 3).
#[derive(Clone, Copy, Debug)]
pub struct EvidenceContext<'a> {
    pub names: &'a SiteNames,
    pub model_digest: &'a str,
    pub stages: &'a [(&'static str, f64)],
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a box was off that stopped at noon in run `then`, and starts after so many seconds
    /// of its clock in run `now`.
    fn away_s(then: Option<&str>, now: Option<&str>, seconds: i64) -> Option<u64> {
        let boot = |id: Option<&str>| id.map(|id| BootId::new(id.into()));
        let last: Timestamp = "2026-05-04T12:00:00Z".parse().expect("a time");
        let remembered =
            Remembered { last_alive: Some(last), last_boot: boot(then), ..Remembered::default() };
        let at = last + jiff::SignedDuration::from_secs(seconds);
        let away = away(&remembered, &Start { at, boot: boot(now) });
        (away != Duration::MAX).then_some(away.as_secs())
    }

    #[test]
    fn a_clock_that_may_have_stood_still_does_not_tell_how_long_the_box_was_off() {
        assert_eq!(away_s(Some("a"), Some("a"), 5), Some(5), "the machine ran on");
        assert_eq!(away_s(Some("a"), Some("b"), 5), None, "the machine was off");
        assert_eq!(away_s(None, Some("b"), 5), None);
        assert_eq!(away_s(Some("a"), None, 5), None);
        assert_eq!(away_s(None, None, 5), None);
        assert_eq!(away_s(Some("a"), Some("a"), -5), None, "the clock was put back");
    }
}
