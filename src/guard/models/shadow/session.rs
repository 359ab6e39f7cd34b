//! One run: the log is played to the shadow model's engine, and what comes of it is compared.
//!
//! Not here: threads, the store and the pictures of cases (`comparer`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::footage::Looks;
use super::frames::Figures;
use super::incidents::{Incident, Incidents, Over, Shot, Who};
use super::log::{Entry, Given, Log, Looked, Turn, Watches};
use super::mind::{Mind, Noticed, Sees};
use super::tap::Beginning;
use crate::clock;
use crate::engine::time::Instant;
use crate::engine::{CameraIndex, FrameReport, Input, ZoneIndex};
use crate::gate::verdict::Coverage;
use crate::guard::handle::shadowing::CaseBox;
use crate::guard::records::SiteNames;
use crate::store::shadow::{Ended, RunSide, ShadowIncident};

/// A run under way.
pub(super) struct Session {
    pub run: u64,
    pub names: Arc<SiteNames>,
    pub coverage: Coverage,
    pub figures: Figures,
    pub incidents: Incidents,
    /// Whom the shadow model saw, for clips.
    pub looks: Looks,
    mind: Mind,
    log: Log,
    /// What was said last, and what holds where the log is.
    given: (Given, Given),
    /// What the wall clock was when it began, so that it may be set while the run goes on.
    began: (Instant, Timestamp),
    /// How far the log was played.
    at: Instant,
}

/// Where a shadow model's incident began: a picture of it is wanted.
pub(super) struct Wanted {
    pub incident: Incident,
}

/// What a run has counted before: it may have begun in an earlier life of the box.
pub(super) struct Before {
    pub coverage: Coverage,
    pub figures: Figures,
}

impl Session {
    pub fn begin(run: u64, before: Before, beginning: Beginning) -> Session {
        let Beginning { engine, names, at, .. } = beginning;
        let mind = Mind::of(engine);
        Session {
            run,
            names,
            coverage: before.coverage,
            figures: before.figures,
            incidents: Incidents::begin(&mind.under_way()),
            looks: Looks::default(),
            mind,
            log: Log::default(),
            given: (Given::Yes, Given::Yes),
            began: (at, clock::wall_at(at)),
            at,
        }
    }

    pub fn put(&mut self, at: Instant, entry: Entry) {
        self.log.put(at, entry);
    }

    /// Whether the shadow model is given pictures from now on.
    pub fn given(&mut self, at: Instant, given: Given) {
        if self.given.0 != given {
            self.given.0 = given;
            self.log.put(at, Entry::Given(given));
        }
    }

    pub fn report(&mut self, report: Looked) {
        self.log.report(report);
    }

    /// The shadow process that said them is gone.
    pub fn forget_reports(&mut self) {
        self.log.forget_reports();
    }

    /// Plays all that is known by `now`; returns incidents of the shadow model that the active one has not
    /// told.
    pub fn play(&mut self, now: Instant, watches: Watches) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        while let Some((at, turn)) = self.log.next(now, watches) {
            self.at = self.at.max(at);
            let noticed = match turn {
                Turn::Entry(Entry::Input(input)) => self.mind.hear(input, at),
                Turn::Entry(Entry::Noticed(noticed)) => {
                    self.incidents.noticed(Who::Active, noticed);
                    Vec::new()
                }
                Turn::Entry(Entry::Given(given)) => {
                    self.given.1 = given;
                    Vec::new()
                }
                // The log makes the other two of it.
                Turn::Entry(Entry::Frame { .. }) => Vec::new(),
                Turn::Unseen { frame, took } => {
                    self.active_saw(&frame, took);
                    Vec::new()
                }
                Turn::Both { frame, took, report } => {
                    self.active_saw(&frame, took);
                    self.shadow_saw(frame, report, at)
                }
            };
            wanted.extend(self.told(&noticed));
            self.note_blindness();
        }
        self.incidents.advance(self.at);
        wanted
    }

    fn active_saw(&mut self, frame: &FrameReport, took: Duration) {
        self.coverage.of += 1;
        self.figures.active.took(took.as_secs_f64() * 1e3);
        self.incidents.saw(Who::Active, shot(frame), &frame.detections);
    }

    /// The step that the active model's detections made is made with those of the shadow model.
    fn shadow_saw(&mut self, frame: FrameReport, looked: Looked, at: Instant) -> Vec<Noticed> {
        let Looked { detections, took, .. } = looked;
        self.coverage.seen += 1;
        self.figures.shadow.took(took.as_secs_f64() * 1e3);
        self.figures.compare(&frame.detections, &detections);
        let boxes = self.incidents.saw(Who::Shadow, shot(&frame), &detections);
        self.looks.saw(frame.camera, frame.captured_at, boxes);
        self.mind.hear(Input::Frame(FrameReport { detections, ..frame }), at)
    }

    fn told(&mut self, noticed: &[Noticed]) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for it in noticed {
            self.incidents.noticed(Who::Shadow, *it);
            if let Noticed::Began { incident, .. } = it
                && let Some(incident) = self.incidents.get(Who::Shadow, *incident)
                && !self.incidents.is_told_by_the_other(incident)
            {
                wanted.push(Wanted { incident: incident.clone() });
            }
        }
        wanted
    }

    /// Only what it is not given; what it makes of what it is given is its own.
    fn note_blindness(&mut self) {
        if self.given.1 == Given::Yes {
            return;
        }
        for index in (0..).take(self.names.cameras.len()) {
            let camera = CameraIndex(index);
            if self.mind.sees(camera) == Sees::No {
                self.incidents.blind(camera, self.at);
            }
        }
    }

    /// How far the log was played.
    pub fn played(&self) -> Instant {
        self.at
    }

    /// Incidents that only one of the two told; each once.
    pub fn disagreements(&mut self) -> Vec<Incident> {
        self.incidents.disagreements(self.at)
    }

    /// As rows.
    pub fn to_keep(&self) -> Vec<ShadowIncident> {
        self.incidents.to_keep().iter().map(|it| self.row(it)).collect()
    }

    fn row(&self, it: &Incident) -> ShadowIncident {
        let (zone, zone_name) = match self.names.zone(it.zone) {
            Some(info) => (info.id.clone(), info.name.clone()),
            None => (String::new(), String::new()),
        };
        let (side, number) = self.key(it);
        ShadowIncident {
            side,
            number,
            camera: self.names.camera_id(it.camera).to_owned(),
            zone,
            zone_name,
            zone_number: Some(usize::from(it.zone.0)),
            began: self.wall(it.began),
            last: self.wall(it.last),
            ended: match it.over {
                Over::Yes => Ended::Yes,
                Over::No => Ended::No,
            },
            score: it.score,
            boxes: boxes_text(&it.boxes),
            left_out: it.left_out.map(str::to_owned),
        }
    }

    /// The number it is kept by: the box's own for what the active model told; the shadow model's engine
    /// counts anew in each life, so its are made of when and where.
    pub fn key(&self, it: &Incident) -> (RunSide, u64) {
        match it.who {
            Who::Active => (RunSide::Active, it.number.0),
            Who::Shadow => {
                let began_us = u64::try_from(self.wall(it.began).as_microsecond()).unwrap_or(0);
                (RunSide::Shadow, began_us.saturating_mul(ZONES_APART) + zone_part(it.zone))
            }
        }
    }

    /// A moment of this run, by the wall clock of when it began.
    pub fn wall(&self, at: Instant) -> Timestamp {
        let (began, wall) = self.began;
        let span = |span: Duration| SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        let moved = match at >= began {
            true => wall.checked_add(span(at.since(began))),
            false => wall.checked_sub(span(began.since(at))),
        };
        moved.unwrap_or(wall)
    }
}

fn shot(frame: &FrameReport) -> Shot {
    let FrameReport { camera, frame: number, size, captured_at, .. } = *frame;
    Shot { camera, frame: number, at: captured_at, size }
}

/// A zone has one incident at a time, and two zones of so different numbers none at the same microsecond.
const ZONES_APART: u64 = 1024;

fn zone_part(zone: ZoneIndex) -> u64 {
    u64::from(zone.0) % ZONES_APART
}

/// As kept: left, top, width, height, score of each.
fn boxes_text(boxes: &[CaseBox]) -> String {
    let rows: Vec<[f64; 5]> = boxes
        .iter()
        .map(|it| [it.left_norm, it.top_norm, it.width_norm, it.height_norm, f64::from(it.score)])
        .collect();
    serde_json::to_string(&rows).unwrap_or_else(|_| "[]".into())
}

/// What the zones were, as one digest, by camera.
pub(super) fn zones_of(names: &SiteNames) -> String {
    let cameras = names.cameras.iter().zip(&names.in_force);
    let lines: BTreeMap<&str, &str> =
        cameras.map(|((id, _), zones)| (id.as_str(), zones.digest.as_str())).collect();
    let text: String =
        lines.iter().map(|(camera, digest)| format!("{camera} {digest}\n")).collect();
    crate::digest::sha256_of(text)
}

#[cfg(test)]
mod tests;
