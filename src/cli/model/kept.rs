//! A comparison as the evidence that is kept of it.

use std::time::Duration;

use super::compare::Comparison;
use super::evidence::{
    CaseRow, CoverageRow, EvidenceFile, FORMAT, ModelRow, RecordingRow, Settings, SpanRow, VERSION,
    later_by,
};
use super::recordings::{LookArgs, Recording};
use super::side::Side;
use crate::clock;
use crate::engine::time::Instant;
use crate::gate::corpus::CorpusCase;
use crate::gate::pairs::Incident;
use crate::vision::inference::Detector;

/// What is said of a model that was run.
pub fn model(side: &Side, detector: &Detector) -> ModelRow {
    let manifest = side.package.manifest();
    ModelRow {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        release: manifest.release,
        package: side.digest.clone(),
        model: detector.info().digest.clone(),
    }
}

/// The whole file.
pub fn file(
    [active, shadow]: [ModelRow; 2],
    recordings: &[Recording],
    compared: &Comparison,
    look: &LookArgs,
) -> EvidenceFile {
    let rows = recordings.iter().zip(&compared.recordings);
    let rows = rows.map(|(of, one)| recording(of, one.offset, one.seconds, one.coverage.of));
    let coverage = compared.run.coverage;
    EvidenceFile {
        format: FORMAT.to_owned(),
        version: VERSION,
        made_at: clock::wall(),
        active,
        shadow,
        settings: settings(look),
        recordings: rows.collect(),
        coverage: CoverageRow { seen: coverage.seen, of: coverage.of },
        cases: compared.cases.iter().map(case).collect(),
    }
}

/// How it was looked.
pub fn settings(look: &LookArgs) -> Settings {
    Settings {
        fps: look.fps,
        long_side_px: look.long_side,
        detail: look.detail.name().to_owned(),
        provider: Some(look.provider.to_string()),
    }
}

/// A recording that both models looked at from `began` on.
pub fn recording(of: &Recording, began: Duration, seconds: f64, pictures: u64) -> RecordingRow {
    RecordingRow {
        name: of.name.clone(),
        sha256: of.sha256.clone(),
        zones: of.zones_digest(),
        truth: of.truth.as_ref().map(|truth| truth.sha256.clone()),
        began_ms: millis(began),
        seconds,
        pictures,
    }
}

fn case(case: &CorpusCase) -> CaseRow {
    CaseRow {
        camera: case.place.camera.clone(),
        zone: case.place.zone.clone(),
        at_ms: millis(since_start(case.case.at)),
        told: case.case.told.into(),
        // Rounded up: nobody is told earlier than they were.
        later_by_ms: later_by(case.case.told).map(|span| span.as_micros().div_ceil(1000) as u64),
        label: case.case.label.map(Into::into),
        active: case.active.as_ref().map(span),
        shadow: case.shadow.as_ref().map(span),
    }
}

fn span(incident: &Incident) -> SpanRow {
    SpanRow {
        began_ms: millis(since_start(incident.started_at)),
        ended_ms: millis(since_start(incident.last_inside_at.max(incident.started_at))),
    }
}

/// From the first recording's start.
pub fn since_start(at: Instant) -> Duration {
    at.since(Instant::ZERO)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
