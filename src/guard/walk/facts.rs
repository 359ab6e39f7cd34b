//! What a report says beside the zone and its edges.

use super::{Place, WalkDesk};
use crate::guard::handle::{
    CalibrationFacts, IgnoredFacts, ModelFacts, SetbackFacts, SetbackFit, Snapshot, WalkFacts,
    WalkReport,
};
use crate::guard::zones::Guarding;
use crate::store::query::{HistoryError, StoreReader};
use crate::zone_file::{Duty, Polygon};

/// Most pictures in one report; each has some 300 kB.
const SNAPSHOTS_MAX: usize = 24;

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
            | Duty::Tripwire { .. } => None,
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
            armed: place.armed.to_owned(),
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
            siren_fault: now.siren.fault.clone(),
            pipeline_p99_ms: now.latency.capture_to_siren_p99_ms.unwrap_or_default(),
            valid_days: days.and_then(|days| u32::try_from(days).ok()),
        }
    }
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
pub fn report_of(reader: &StoreReader, id: u64) -> Result<Option<WalkReport>, HistoryError> {
    let Some(test) = reader.walk_test(id)? else {
        return Ok(None);
    };
    let picture = reader.walk_picture(id)?;
    let mut snapshots: Vec<(u64, Vec<u8>)> = Vec::new();
    let newest = test.edges.iter().filter_map(|edge| edge.attempts.last()?.incident);
    for incident in newest.take(SNAPSHOTS_MAX) {
        if snapshots.iter().all(|(known, _)| *known != incident)
            && let Some(jpeg) = reader.snapshot(incident)?
        {
            snapshots.push((incident, jpeg));
        }
    }
    // Facts of another version of this program may lack some; what is there counts.
    let facts = serde_json::from_str(&test.facts).unwrap_or_default();
    Ok(Some(WalkReport { test, facts, picture, snapshots }))
}
