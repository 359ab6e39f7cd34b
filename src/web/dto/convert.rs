//! From the guard's values to the API's.
//!
//! Not here: any judgement. An index that leads nowhere becomes `null`, not a panic.

use jiff::Timestamp;

use super::{
    AlarmDto, AlarmKindDto, AlarmStateDto, AnchorDto, CameraDto, CameraSourceDto, CameraStateDto,
    CaptureClockDto, HistoryDto, IncidentDto, LastWalkDto, LatencyDto, MaskDto, ModelDto, PartDto,
    PersonDto, PictureDto, PriorityDto, SirenDto, SirenStateDto, SirenTestDto, SiteDto, SpanDto,
    SpanStateDto, StageDto, StateDto, StepDto, StoreDto, TransportDto, VerdictDto, VisionDto,
    VisionStateDto, WalkDueDto, WalkDueStateDto, ZoneDto, ZoneHistoryDto, ZoneStateDto,
};
use crate::engine::time::Instant;
use crate::engine::{
    AlarmSource, AlarmState, AnchorHow, Part, Priority, Verdict, ZoneIndex, ZoneState,
};
use crate::guard::handle::{
    Alarm, Camera, DueState, IncidentRow, LivePicture, Mask, Person, SirenSound, Snapshot, Span,
    SpanState, TestHeard, VisionState, WalkDue, Zone,
};
use crate::link::{CaptureClock, Transport};

/// ISO 8601 in UTC, milliseconds.
pub(in crate::web) fn timestamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

impl From<&Snapshot> for StateDto {
    fn from(now: &Snapshot) -> StateDto {
        StateDto {
            site: SiteDto {
                name: now.site.name.clone(),
                time_zone: now.site.time_zone.clone(),
                version: env!("CARGO_PKG_VERSION"),
            },
            now: timestamp(now.now),
            uptime_ms: now.uptime_ms,
            vision: VisionDto {
                state: match now.vision.state {
                    VisionState::Starting => VisionStateDto::Starting,
                    VisionState::Watching => VisionStateDto::Watching,
                    VisionState::Restarting => VisionStateDto::Restarting,
                },
                detail: now.vision.detail.clone(),
                restarts: now.vision.restarts,
            },
            model: now.model.as_ref().map(|model| ModelDto {
                name: model.name.clone(),
                version: model.version.clone(),
                digest: model.digest.clone(),
                provider: model.provider.clone(),
                runtime: model.runtime.clone(),
            }),
            siren: siren(now),
            store: StoreDto { fault: now.store_fault.clone() },
            latency: LatencyDto {
                capture_to_siren_p99_ms: now.latency.capture_to_siren_p99_ms,
                capture_to_siren_max_ms: now.latency.capture_to_siren_max_ms,
                alarms: now.latency.incidents,
            },
            cameras: now.cameras.iter().map(camera).collect(),
            zones: now.zones.iter().map(|it| zone(it, now)).collect(),
            inputs: now.inputs.iter().map(Into::into).collect(),
            handhelds: (&now.handhelds).into(),
            alarms: now.alarms.iter().map(|it| alarm(it, now)).collect(),
            holds: StateDto::holds_of(now),
        }
    }
}

fn zone_id(now: &Snapshot, number: usize) -> Option<String> {
    zone_named(now, number).map(|(id, _)| id)
}

/// Id and camera of a zone number, also of a zone that was taken away.
fn zone_named(now: &Snapshot, number: usize) -> Option<(String, usize)> {
    let live = now.zones.iter().find(|zone| zone.number == number);
    let live = live.map(|zone| (zone.id.clone(), zone.camera));
    let retired = || now.retired.iter().find(|zone| zone.number == number);
    live.or_else(|| retired().map(|zone| (zone.id.clone(), zone.camera)))
}

fn camera_id(now: &Snapshot, index: usize) -> Option<String> {
    now.cameras.get(index).map(|camera| camera.id.clone())
}

fn siren(now: &Snapshot) -> SirenDto {
    let siren = &now.siren;
    let state = match (&siren.fault, siren.sound) {
        (Some(_), _) => SirenStateDto::Broken,
        (None, SirenSound::Silent) => SirenStateDto::Silent,
        (None, SirenSound::Intrusion) => SirenStateDto::Intrusion,
        (None, SirenSound::Warning) => SirenStateDto::Warning,
        (None, SirenSound::Fault) => SirenStateDto::Fault,
    };
    SirenDto {
        state,
        zone: siren.zone.and_then(|index| zone_id(now, index)),
        device: siren.device.clone(),
        fault: siren.fault.clone(),
        silenced_until: siren.silenced.as_ref().map(|(_, until)| timestamp(*until)),
        silenced_by: siren.silenced.as_ref().map(|(by, _)| by.clone()),
        attention: siren.attention.clone(),
        last_test: siren.test.as_ref().map(|test| SirenTestDto {
            at: timestamp(test.at),
            passed: test.failed.is_none(),
            audible: test.heard == TestHeard::ByPeople,
            detail: test.failed.clone(),
        }),
    }
}

fn camera(camera: &Camera) -> CameraDto {
    CameraDto {
        id: camera.id.clone(),
        name: camera.name.clone(),
        state: match camera.unknown {
            None => CameraStateDto::Watched,
            Some(_) => CameraStateDto::Unknown,
        },
        reason: camera.unknown.clone(),
        since: timestamp(camera.since),
        width_px: camera.size_px.map(|(width, _)| width),
        height_px: camera.size_px.map(|(_, height)| height),
        // JSON has no word for a number that is none.
        fps: if camera.fps.is_finite() { camera.fps } else { 0.0 },
        frame_age_ms: camera.frame_age_ms,
        detail_cut: camera.detail_cut.clone(),
        people: camera.people,
        zones_version: camera.zones_version,
        zones_fault: camera.zones_fault.clone(),
        source: camera_source(camera),
        privacy_masks: camera.masks.iter().map(mask).collect(),
        view_trouble: camera.view.trouble.as_ref().map(|it| it.fault.name()),
    }
}

fn camera_source(camera: &Camera) -> CameraSourceDto {
    let stream = camera.stream.as_ref();
    CameraSourceDto {
        address: camera.address.clone(),
        decoder: stream.and_then(|stream| stream.decoder.clone()),
        transport: stream.and_then(|stream| match stream.transport {
            Some(Transport::Tcp) => Some(TransportDto::Tcp),
            Some(Transport::Udp) => Some(TransportDto::Udp),
            Some(Transport::Auto) | None => None,
        }),
        clock: stream.map(|stream| match stream.clock {
            CaptureClock::SenderReport => CaptureClockDto::SenderReport,
            CaptureClock::Arrival => CaptureClockDto::Arrival,
            CaptureClock::Pipeline => CaptureClockDto::Pipeline,
        }),
        clock_refused: stream.and_then(|stream| stream.clock_refused.clone()),
        decoder_failed: stream.and_then(|stream| stream.decoder_failed.clone()),
    }
}

fn mask(mask: &Mask) -> MaskDto {
    MaskDto { id: mask.id.clone(), name: mask.name.clone(), polygons: mask.polygons.clone() }
}

fn zone(zone: &Zone, now: &Snapshot) -> ZoneDto {
    ZoneDto {
        id: zone.id.clone(),
        name: zone.name.clone(),
        camera: camera_id(now, zone.camera),
        kind: zone.kind.clone(),
        state: match zone.state {
            ZoneState::Clear => ZoneStateDto::Clear,
            ZoneState::Occupied => ZoneStateDto::Occupied,
            ZoneState::Unknown(_) => ZoneStateDto::Unknown,
        },
        reason: zone.reason.clone(),
        since: timestamp(zone.since),
        people: zone.people,
        incident: zone.incident,
        arming: (&zone.arming).into(),
        inhibition: zone.inhibition.into(),
        walk_test: zone.walk_test.as_ref().map(walk_due),
        polygons: zone.polygons.to_vec(),
        line: (!zone.line.is_empty()).then(|| zone.line.to_vec()),
    }
}

fn walk_due(due: &WalkDue) -> WalkDueDto {
    WalkDueDto {
        state: match due.state {
            DueState::Valid => WalkDueStateDto::Valid,
            DueState::Overdue => WalkDueStateDto::Overdue,
        },
        due_at: due.due_at.map(timestamp),
        last: due.last.as_ref().map(|last| LastWalkDto {
            id: last.id,
            at: timestamp(last.at),
            result: last.result.name(),
        }),
    }
}

/// What an alarm is about, by name.
pub(super) struct About {
    pub kind: AlarmKindDto,
    pub zone: Option<String>,
    pub camera: Option<String>,
    pub part: Option<PartDto>,
}

pub(super) fn about(source: AlarmSource, now: &Snapshot) -> About {
    let of_zone = |zone: ZoneIndex, kind| {
        let (id, camera) = zone_named(now, usize::from(zone.0)).unzip();
        let camera = camera.and_then(|camera| camera_id(now, camera));
        About { kind, zone: id, camera, part: None }
    };
    match source {
        AlarmSource::Intrusion(zone) => of_zone(zone, AlarmKindDto::Intrusion),
        AlarmSource::Warning(zone) => of_zone(zone, AlarmKindDto::Warning),
        AlarmSource::Untested(zone) => of_zone(zone, AlarmKindDto::Untested),
        AlarmSource::Blind(camera) => {
            let camera = camera_id(now, usize::from(camera.0));
            About { kind: AlarmKindDto::Blind, zone: None, camera, part: None }
        }
        AlarmSource::Fault(part) => {
            let part = Some(part.into());
            About { kind: AlarmKindDto::Fault, zone: None, camera: None, part }
        }
    }
}

impl From<Part> for PartDto {
    fn from(part: Part) -> PartDto {
        match part {
            Part::Siren => PartDto::Siren,
            Part::Store => PartDto::Store,
            Part::Relay => PartDto::Relay,
            Part::Handhelds => PartDto::Handhelds,
            Part::Detector => PartDto::Detector,
        }
    }
}

impl From<Priority> for PriorityDto {
    fn from(priority: Priority) -> PriorityDto {
        match priority {
            Priority::Emergency => PriorityDto::Emergency,
            Priority::High => PriorityDto::High,
            Priority::Fault => PriorityDto::Fault,
            Priority::Low => PriorityDto::Low,
        }
    }
}

fn alarm(alarm: &Alarm, now: &Snapshot) -> AlarmDto {
    let About { kind, zone, camera, part } = about(alarm.source, now);
    let answer = alarm.acknowledged.as_ref();
    AlarmDto {
        id: alarm.id.0,
        kind,
        priority: alarm.priority.into(),
        state: alarm.state.into(),
        version: alarm.version,
        renewed: alarm.renewed,
        silenced_until: alarm.silenced_until.map(timestamp),
        zone,
        camera,
        part,
        title: alarm.title.clone(),
        text: alarm.text.clone(),
        raised_at: timestamp(alarm.raised_at),
        changed_at: timestamp(alarm.changed_at),
        acknowledged_by: answer.map(|(by, _)| by.clone()),
        acknowledged_at: answer.map(|(_, at)| timestamp(*at)),
        incident: alarm.incident,
        snapshot: alarm.has_snapshot,
        ladder: ladder(alarm),
        delivery: alarm.delivery.iter().map(Into::into).collect(),
        stages: alarm.stages.iter().map(|&(stage, ms)| StageDto { stage, ms }).collect(),
    }
}

/// The steps an alarm reached, in the order of time: siren, store, handhelds.
fn ladder(alarm: &Alarm) -> Vec<StepDto> {
    let step = |&(step, after_ms): &(&'static str, u32)| StepDto { step, after_ms, person: None };
    let mut steps: Vec<StepDto> = alarm.ladder.iter().map(step).collect();
    for delivery in &alarm.delivery {
        let reached = [("received", delivery.received_ms), ("shown", delivery.shown_ms)];
        for (step, after_ms) in reached {
            let person = Some(delivery.person.clone());
            steps.extend(after_ms.map(|after_ms| StepDto { step, after_ms, person }));
        }
    }
    steps.sort_by_key(|step| step.after_ms);
    steps
}

impl From<AlarmState> for AlarmStateDto {
    fn from(state: AlarmState) -> AlarmStateDto {
        match state {
            AlarmState::Normal => AlarmStateDto::Normal,
            AlarmState::Unacknowledged => AlarmStateDto::Unacknowledged,
            AlarmState::Acknowledged => AlarmStateDto::Acknowledged,
            AlarmState::ReturnedUnacknowledged => AlarmStateDto::ReturnedUnacknowledged,
            AlarmState::LatchedUnacknowledged => AlarmStateDto::LatchedUnacknowledged,
            AlarmState::LatchedAcknowledged => AlarmStateDto::LatchedAcknowledged,
            AlarmState::Shelved => AlarmStateDto::Shelved,
            AlarmState::OutOfService => AlarmStateDto::OutOfService,
        }
    }
}

impl PictureDto {
    /// The header of a picture shown at `shown`.
    pub(in crate::web) fn of(picture: &LivePicture, now: &Snapshot, shown: Instant) -> PictureDto {
        let age_ms = shown.since(picture.captured).as_millis();
        PictureDto {
            frame: picture.frame,
            captured_at: timestamp(picture.captured_at),
            age_ms: u64::try_from(age_ms).unwrap_or(u64::MAX),
            width_px: picture.size_px.0,
            height_px: picture.size_px.1,
            people: picture.people.iter().map(|it| person(it, now)).collect(),
        }
    }
}

fn person(person: &Person, now: &Snapshot) -> PersonDto {
    PersonDto {
        track: person.track,
        bounds: person.bounds_norm,
        foot: person.foot_norm,
        score: person.score,
        verdict: match person.verdict {
            Verdict::Person => VerdictDto::Person,
            Verdict::TooSmall => VerdictDto::TooSmall,
            Verdict::Marked => VerdictDto::Marked,
            Verdict::Ignored => VerdictDto::Ignored,
        },
        anchor: match person.anchor {
            AnchorHow::Box => AnchorDto::Box,
            AnchorHow::Head => AnchorDto::Head,
            AnchorHow::Conservative => AnchorDto::Conservative,
        },
        ground_m: person.ground_m,
        speed_m_s: person.speed_m_s,
        inside: person.inside.iter().filter_map(|&index| zone_id(now, index)).collect(),
    }
}

impl From<IncidentRow> for IncidentDto {
    fn from(row: IncidentRow) -> IncidentDto {
        IncidentDto {
            id: row.id,
            zone: row.zone,
            zone_name: row.zone_name,
            camera: row.camera,
            started_at: timestamp(row.started_at),
            ended_at: row.ended_at.map(timestamp),
            entries: row.entries,
            score: row.score,
            model_digest: row.model_digest,
            zone_revision: row.zone_revision,
            snapshot: row.has_snapshot,
            clips: row.clips,
            no_video: row.no_video,
            pinned: row.is_pinned,
            siren_after_ms: row.siren_after_ms,
            acknowledged_by: row.acknowledged_by,
        }
    }
}

impl HistoryDto {
    /// Every zone of now in its order, also those that were clear all the time; zones that are no
    /// more come after them.
    pub(in crate::web) fn of(
        now: &Snapshot,
        from: Timestamp,
        to: Timestamp,
        spans: Vec<Span>,
    ) -> HistoryDto {
        let empty = |id: &str| ZoneHistoryDto { id: id.to_owned(), spans: Vec::new() };
        let mut zones: Vec<_> = now.zones.iter().map(|zone| empty(&zone.id)).collect();
        for span in spans {
            let place = zones.iter().position(|zone| zone.id == span.zone);
            let place = place.unwrap_or_else(|| {
                zones.push(empty(&span.zone));
                zones.len() - 1
            });
            zones[place].spans.push(SpanDto {
                state: match span.state {
                    SpanState::Occupied => SpanStateDto::Occupied,
                    SpanState::Unknown => SpanStateDto::Unknown,
                    SpanState::NoRecord => SpanStateDto::NoRecord,
                },
                from: timestamp(span.from),
                to: span.to.map(timestamp),
            });
        }
        HistoryDto { from: timestamp(from), to: timestamp(to), zones }
    }
}
