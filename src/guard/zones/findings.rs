//! What is to be said of a document that is being drawn.

use std::time::Duration;

use super::apply::elsewhere;
use super::{ZoneDesk, frame_size, pipeline, sentences};
use crate::calibration::{CalibrationInput, Extent, Fit, Heights, fit, grid};
use crate::engine::CameraIndex;
use crate::engine::detection::FrameSize;
use crate::engine::geometry::{Area, PointNorm};
use crate::engine::setback::{self, Setback};
use crate::guard::handle::{
    Calibration, Findings, HeightsKnown, Pipeline, SetbackFit, ZoneDeskError, ZoneSetback,
};
use crate::store::zones::ZonesOfCamera;
use crate::zone_file::{Document, GroundPoints, Hazard, Point, Ring, Zone, shape};

/// A line of the grid every so many metres.
const GRID_STEP_M: f64 = 1.0;

impl ZoneDesk {
    /// Everything there is to say of a document of the right shape.
    pub(super) fn judge(
        &self,
        camera: CameraIndex,
        kept: &ZonesOfCamera,
        document: &Document,
    ) -> Findings {
        let now = self.now();
        let size = frame_size(&now, camera);
        let (mut problems, warnings) = match self.compile(camera, document, Document::compile) {
            Ok(compiled) => (Vec::new(), compiled.warnings),
            Err(ZoneDeskError::Fields(problems)) => (problems, Vec::new()),
            // Compiling has no other error.
            Err(_) => (Vec::new(), Vec::new()),
        };
        problems.extend(elsewhere(&self.armed().names, camera, document));
        let before = kept.in_force.as_ref().and_then(|version| shape(&version.document).ok());
        let fit =
            document.ground.as_ref().zip(size).and_then(|(points, size)| fitted(points, size));
        Findings {
            problems,
            warnings,
            differences: before
                .map(|before| sentences(&before, document, size))
                .unwrap_or_default(),
            setbacks: fit
                .as_ref()
                .map(|fit| setbacks(fit, document, pipeline(&now)))
                .unwrap_or_default(),
            calibration: fit.as_ref().map(calibration),
        }
    }
}

fn fitted(points: &GroundPoints, size: FrameSize) -> Option<Fit> {
    let pair = |p: Point| (p[0], p[1]);
    let input = CalibrationInput {
        points: points.points.iter().map(|p| (pair(p.image), pair(p.ground_m))).collect(),
        people: points.people.iter().map(|p| (pair(p.foot), pair(p.head), p.height_m)).collect(),
    };
    fit(&input, size.width_px() / size.height_px()).ok()
}

fn calibration(fit: &Fit) -> Calibration {
    let extent = Extent::visible(&fit.ground);
    Calibration {
        residual_m: fit.residual_m,
        worst_m: fit.worst_m,
        per_point_m: fit.per_point_m.clone(),
        heights: match fit.heights {
            Heights::Known => HeightsKnown::Yes,
            Heights::Unknown { .. } => HeightsKnown::No,
        },
        grid: extent.map(|extent| grid(&fit.ground, GRID_STEP_M, extent)).unwrap_or_default(),
    }
}

fn setbacks(fit: &Fit, document: &Document, pipeline: Pipeline) -> Vec<ZoneSetback> {
    let with_hazard = document.zones.iter().filter_map(|zone| Some((zone, zone.hazard()?)));
    with_hazard.filter_map(|(zone, hazard)| setback_of(fit, zone, hazard, pipeline)).collect()
}

/// `None` while an outline is not finished; `problems` says so.
fn setback_of(fit: &Fit, zone: &Zone, hazard: &Hazard, pipeline: Pipeline) -> Option<ZoneSetback> {
    let area = area_of(zone.area())?;
    let machine = area_of(&[vec![hazard.outline.clone()]])?;
    // Until somebody is believed to be inside, the siren does not sound: that time counts too.
    let confirm_ms = zone.watch()?.enter_window_ms + zone.presence()?.dwell_ms;
    let millis = |ms: u32| Duration::from_millis(ms.into());
    let system = millis(confirm_ms) + millis(pipeline.p99_ms);
    let stop = millis(hazard.stop_time_ms);
    let required_m = setback::required_m(stop, system, hazard.height_m);
    let sum = sum_text(confirm_ms, pipeline, hazard, required_m);
    let measured = Setback::measure(&fit.ground, &area, &machine, required_m);
    let band = setback::band(&fit.ground, &machine, required_m).unwrap_or_default();
    let (actual_m, fits, text) = match measured {
        Ok(measured) => {
            let fits = if measured.tight { SetbackFit::Tight } else { SetbackFit::Enough };
            (Some(measured.actual_m), fits, sum)
        }
        Err(error) => (None, SetbackFit::Tight, format!("{sum}; {error}")),
    };
    let zone = zone.id.clone();
    Some(ZoneSetback { zone, required_m, actual_m, band, fit: fits, text })
}

fn sum_text(confirm_ms: u32, pipeline: Pipeline, hazard: &Hazard, required_m: f64) -> String {
    let seconds = |ms: u32| f64::from(ms) / 1e3;
    let reach_m = setback::required_m(Duration::ZERO, Duration::ZERO, hazard.height_m);
    format!(
        "S = {:.1} m/s × ({:.2} s to be sure + {:.2} s to the siren + {:.2} s to stop) + {reach_m:.2} m = {required_m:.2} m",
        setback::APPROACH_M_S,
        seconds(confirm_ms),
        seconds(pipeline.p99_ms),
        seconds(hazard.stop_time_ms),
    )
}

fn area_of(polygons: &[Vec<Ring>]) -> Option<Area> {
    let corners = |ring: &Ring| ring.iter().map(|p| (p[0], p[1])).collect();
    let polygons: Vec<Vec<Vec<PointNorm>>> =
        polygons.iter().map(|rings| rings.iter().map(corners).collect()).collect();
    Area::new(&polygons).ok()
}
