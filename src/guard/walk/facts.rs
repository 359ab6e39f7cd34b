//! What a report says beside the zone and its edges.

use jiff::Timestamp;

use super::{Place, WalkDesk};
use crate::config::{Privacy, SirenDevice};
use crate::guard::handle::{
    CalibrationFacts, IgnoredFacts, ModelFacts, SetbackFacts, SetbackFit, SirenHeard, Snapshot,
    VersionFacts, WalkFacts, WalkReport, WalkState, WalkTest,
};
use crate::guard::privacy::snapshot_for_all;
use crate::guard::zones::Guarding;
use crate::store::query::{HistoryError, SpanState, StoreReader};
use crate::zone_file::{Duty, Polygon, Zone};

/// Most pictures in one report; each has some 300 kB.
const SNAPSHOTS_MAX: usize = 24;

/// Why a test that passes unheard leaves its zone overdue.
const SIREN_NOT_PROVED: &str = "The siren could not sound, so this test does not make the zone's \
    walk test valid. Mend the siren, then test again.";

impl WalkDesk {
    /// What holds now.
    pub(super) fn facts(
        &self,
        now: &Snapshot,
        place: &Place<'_>,
        guarding: &Guarding,
    ) -> WalkFacts {
        let findings = self.parts.zones.findings_of(place.camera, guarding);
        let setback = findings.setbacks.iter().find(|setback| setback.zone == place.zone.id);
        let points = place.document.ground.as_ref().map_or(0, |ground| ground.points.len());
        let ignored = place.document.zones.iter().filter_map(|zone| match &zone.duty {
            Duty::Ignore { area, reason } => Some(IgnoredFacts {
                name: zone.name.clone(),
                reason: reason.clone(),
                polygons: closed(area),
            }),
            Duty::Restricted { .. }
            | Duty::Warning { .. }
            | Duty::Occupancy { .. }
            | Duty::Tripwire { .. }
            | Duty::PrivacyMask { .. } => None,
        });
        let days = self.parts.every.0.map(|every| every.as_hours() / 24);
        WalkFacts {
            site: now.site.name.clone(),
            time_zone: now.site.time_zone.clone(),
            box_version: env!("CARGO_PKG_VERSION").into(),
            camera_name: place.camera_name.to_owned(),
            frame_px: now.cameras.get(usize::from(place.camera.0)).and_then(|it| it.size_px),
            kind: place.zone.kind().as_str().into(),
            polygons: closed(place.zone.area()),
            line: place.zone.line().to_vec(),
            armed: armed(place.zone),
            version_digest: place.version_digest.to_owned(),
            model: now.model.as_ref().map(|model| ModelFacts {
                name: model.name.clone(),
                version: model.version.clone(),
                digest: model.digest.clone(),
            }),
            calibration: findings.calibration.as_ref().map(|fit| CalibrationFacts {
                residual_m: fit.residual_m,
                worst_m: fit.worst_m,
                points,
            }),
            setback: setback.map(|setback| SetbackFacts {
                text: setback.text.clone(),
                required_m: setback.required_m,
                actual_m: setback.actual_m,
                tight: setback.fit == SetbackFit::Tight,
            }),
            ignored: ignored.collect(),
            siren_device: now.siren.device.clone(),
            no_siren: self.parts.siren == SirenDevice::None,
            siren_fault: now.siren.doubt().cloned(),
            pipeline_p99_ms: now.latency.capture_to_siren_p99_ms.unwrap_or_default(),
            valid_days: days.and_then(|days| u32::try_from(days).ok()),
        }
    }
}

/// What a siren that cannot sound means for a test that passed, or may yet.
pub(super) fn siren_hint(test: &WalkTest) -> Option<&'static str> {
    match (test.siren, test.state) {
        (SirenHeard::Muted, WalkState::Running | WalkState::Passed)
            if !WalkFacts::of(test).no_siren =>
        {
            Some(SIREN_NOT_PROVED)
        }
        (SirenHeard::Muted | SirenHeard::Sounds, _) => None,
    }
}

/// The rule by which the zone alarms beside its tests, not what it says at this moment.
fn armed(zone: &Zone) -> String {
    let Some(watch) = zone.watch() else { return "never".into() };
    let plan = watch.schedule.as_ref().map(|schedule| {
        let mut plan = format!("by schedule: {}", schedule.words());
        for exception in &schedule.exceptions {
            plan += &format!("; on {} {}", exception.date, exception.words());
        }
        plan
    });
    match (plan, &watch.interlock) {
        (None, None) => "always".into(),
        (Some(plan), None) => plan,
        (None, Some(interlock)) => interlock.words(),
        (Some(plan), Some(interlock)) => format!("{plan}; besides {}", interlock.words()),
    }
}

/// When the zone was not seen between start and end of its test.
fn unseen(
    reader: &StoreReader,
    test: &WalkTest,
) -> Result<Vec<(Timestamp, Option<Timestamp>)>, HistoryError> {
    let start = test.started.at;
    let end = test.closed.as_ref().map_or(Timestamp::MAX, |closed| closed.signed.at);
    let spans = reader.history(start)?.into_iter().filter(|span| {
        span.zone == test.zone
            && span.state == SpanState::Unknown
            && span.from < end
            && span.to.is_none_or(|to| to > start)
    });
    let within = spans.map(|span| {
        let to = span.to.or(test.closed.as_ref().map(|closed| closed.signed.at));
        (span.from.max(start), to.map(|to| to.min(end)))
    });
    Ok(within.collect())
}

/// Rings as GeoJSON has them: the first point again at the end.
fn closed(area: &[Polygon]) -> Vec<Vec<Vec<[f64; 2]>>> {
    let ring = |ring: &Vec<[f64; 2]>| ring.iter().chain(ring.first()).copied().collect();
    area.iter().map(|rings| rings.iter().map(ring).collect()).collect()
}

/// Everything that a report of this test says; `None` when there is no such test.
///
/// # Errors
/// The store cannot be read.
pub fn report_of(
    reader: &StoreReader,
    id: u64,
    privacy: Privacy,
) -> Result<Option<WalkReport>, HistoryError> {
    let Some(test) = reader.walk_test(id)? else {
        return Ok(None);
    };
    let picture = reader.walk_picture(id, privacy)?;
    let mut snapshots: Vec<(u64, Vec<u8>)> = Vec::new();
    let newest = test.edges.iter().filter_map(|edge| edge.attempts.last()?.incident);
    for incident in newest.take(SNAPSHOTS_MAX) {
        if snapshots.iter().all(|(known, _)| *known != incident)
            && let Some(jpeg) = snapshot_for_all(reader, privacy, incident)?
        {
            snapshots.push((incident, jpeg));
        }
    }
    let facts = WalkFacts::of(&test);
    let version = reader.zone_version(&test.camera, test.zones_version)?;
    let version = version.map(|version| VersionFacts {
        made: version.made,
        approved: version.approved,
        applied_at: version.applied_at,
    });
    let unseen = unseen(reader, &test)?;
    Ok(Some(WalkReport { test, facts, picture, snapshots, version, unseen }))
}
