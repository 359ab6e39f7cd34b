//! From a zone document to what the engine is told of a camera, and what the shell knows of a zone.
//!
//! What depends on the site or the day is judged here: the time from picture to siren, machine
//! inputs, the end of marks, the picture's size. In a document that is *proposed* it is refused; in
//! one that is *in force* it is a warning, since a slow day, a lost input or a wrong clock must not
//! stop the guarding: in doubt the zone is armed and the mark does not hold.
//!
//! Not here: what is wrong whatever the site and the day (`check`).

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::covered;
use super::document::{Document, Duty, GroundPoints, Interlock, Point, Polygon, Schedule, Zone};
use super::field::{Errors, FieldError};
use super::limits::{ENTER_WINDOW_MS, MARK_DAYS_MAX, SYSTEM_MS_MAX};
use crate::calibration::{CalibrationInput, Check, Fit, Heights, fit};
use crate::engine::detection::FrameSize;
use crate::engine::geometry::{Area, Line, PointNorm};
use crate::engine::time::Instant;
use crate::engine::zone::Rules;
use crate::engine::{self, BoxNorm, CameraSpec, StaticMark, ZoneSpec};

/// A point further from its measured place than this makes every distance doubtful, metres: the
/// width of a person.
const RESIDUAL_M_ADVISED: f64 = 0.5;

const SECONDS_A_DAY: i64 = 86_400;

/// What a document is compiled for.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Position of the camera in the site's list.
    pub camera: u16,
    pub now: Timestamp,
    pub monotonic_now: Instant,
    /// `None` until a picture was seen; the calibration waits for it.
    pub frame_size: Option<FrameSize>,
    /// Worst time from picture to siren that was measured.
    pub pipeline_max_ms: u32,
    /// Names of the machine inputs; `None`: unknown ones are not told.
    pub inputs: Option<&'a [String]>,
}

/// A document as the engine and the shell take it.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    pub spec: CameraSpec,
    /// `infos[i]` describes `spec.zones[i]`.
    pub infos: Vec<ZoneInfo>,
    /// What an engineer should know and may accept.
    pub warnings: Vec<FieldError>,
    pub fit: Option<Fit>,
}

/// A zone as people know it; the engine knows it by its index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ZoneInfo {
    pub id: String,
    pub name: String,
    /// `restricted`, `warning`, `occupancy`, `tripwire` or `ignore`.
    pub kind: String,
    /// Position of its camera in the site's list.
    pub camera: u16,
    /// GeoJSON MultiPolygon coordinates in frame fractions: polygon, ring, point. Empty for a
    /// tripwire.
    pub polygons: Vec<Vec<Vec<[f64; 2]>>>,
    /// Points of a tripwire; empty for an area.
    pub line: Vec<[f64; 2]>,
    pub arming: ArmingRule,
    /// Why an area is ignored.
    pub reason: Option<String>,
}

/// When a zone is armed. Neither: always. Both: when either says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmingRule {
    pub schedule: Option<Schedule>,
    pub interlock: Option<Interlock>,
}

impl ArmingRule {
    /// Whether nothing ever disarms the zone.
    pub fn is_always(&self) -> bool {
        self.schedule.is_none() && self.interlock.is_none()
    }
}

impl Document {
    /// A document that is proposed: everything must be right, on this site and today.
    pub fn compile(&self, context: &Context<'_>) -> Result<Compiled, Vec<FieldError>> {
        let (compiled, doubts) = self.compiled(context)?;
        if doubts.is_empty() { Ok(compiled) } else { Err(doubts) }
    }

    /// A document that was approved and guards: what site and day changed since is a warning.
    pub fn compile_in_force(&self, context: &Context<'_>) -> Result<Compiled, Vec<FieldError>> {
        let (mut compiled, mut doubts) = self.compiled(context)?;
        doubts.append(&mut compiled.warnings);
        Ok(Compiled { warnings: doubts, ..compiled })
    }

    /// The zones whose time from picture to siren would be too long.
    pub fn slow_zones(&self, pipeline_max_ms: u32) -> Vec<FieldError> {
        let zones = self.zones.iter().enumerate();
        zones.filter_map(|(number, zone)| too_slow(number, zone, pipeline_max_ms)).collect()
    }

    /// The compiled document, and what site and day speak against it.
    fn compiled(
        &self,
        context: &Context<'_>,
    ) -> Result<(Compiled, Vec<FieldError>), Vec<FieldError>> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let (mut doubts, mut warnings) = (Errors::default(), Errors::default());
        let fit = self
            .ground
            .as_ref()
            .and_then(|points| calibrated(points, context.frame_size, &mut doubts, &mut warnings));
        let marks = self.marks_that_hold(context, &mut doubts, &mut warnings);
        doubts.extend(self.slow_zones(context.pipeline_max_ms));
        self.unknown_inputs(context, &mut doubts);
        covered::warn(&self.zones, &mut warnings);
        let mut zones = Vec::new();
        let mut refused = Vec::new();
        let mut infos = Vec::new();
        for (number, zone) in self.zones.iter().enumerate() {
            match zone_spec(zone) {
                Ok(Some(spec)) => {
                    zones.push(spec);
                    infos.push(info(zone, context.camera));
                }
                // The engine looks there as everywhere; the shell knows what not to show.
                Ok(None) => {}
                Err(reason) => {
                    let place = format!("features[{number}].geometry.coordinates");
                    refused.push(FieldError::new(place, "", reason));
                }
            }
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        let ground = fit.as_ref().map(|fit| fit.ground.clone());
        let spec = CameraSpec { zones, ground, marks };
        let warnings = warnings.into_vec();
        Ok((Compiled { spec, infos, warnings, fit }, doubts.into_vec()))
    }

    fn marks_that_hold(
        &self,
        context: &Context<'_>,
        doubts: &mut Errors,
        warnings: &mut Errors,
    ) -> Vec<StaticMark> {
        let mut marks = Vec::new();
        for (number, mark) in self.marks.iter().enumerate() {
            let place = format!("marks[{number}].until");
            let left = mark.until.duration_since(context.now);
            if left.as_secs() > MARK_DAYS_MAX * SECONDS_A_DAY {
                let right = format!(
                    "a mark may hold for {MARK_DAYS_MAX} days at most, so that somebody looks again"
                );
                doubts.add(FieldError::new(place, mark.until.to_string(), right));
                continue;
            }
            let Some(left) = Duration::try_from(left).ok().filter(|left| !left.is_zero()) else {
                let right = format!(
                    "the mark “{}” has ended and no longer holds; remove it or date it anew",
                    mark.reason
                );
                warnings.add(FieldError::new(place, mark.until.to_string(), right));
                continue;
            };
            let [left_norm, top, width, height] = mark.bounds_norm;
            marks.push(StaticMark {
                bounds_norm: BoxNorm { left: left_norm, top, width, height },
                until: context.monotonic_now.after(left),
            });
        }
        marks
    }

    fn unknown_inputs(&self, context: &Context<'_>, doubts: &mut Errors) {
        let Some(known) = context.inputs else { return };
        for (number, zone) in self.zones.iter().enumerate() {
            let interlock = zone.watch().and_then(|watch| watch.interlock.as_ref());
            if let Some(interlock) = interlock
                && !known.contains(&interlock.input)
            {
                let place = format!("features[{number}].properties.interlock.armed_while.input");
                let right = match known {
                    [] => "the configuration has no machine input; add an [[input]]".to_owned(),
                    names => format!("no such machine input; there are {}", names.join(", ")),
                };
                doubts.add(FieldError::new(place, format!("\"{}\"", interlock.input), right));
            }
        }
    }
}

/// The time from picture to siren, in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    pub enter_ms: u32,
    pub dwell_ms: u32,
    pub pipeline_ms: u32,
}

impl Delay {
    pub fn total_ms(self) -> u64 {
        u64::from(self.enter_ms) + u64::from(self.dwell_ms) + u64::from(self.pipeline_ms)
    }
}

/// The sum spelled out.
impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Delay { enter_ms, dwell_ms, pipeline_ms } = self;
        write!(f, "enter {enter_ms} ms + dwell {dwell_ms} ms + ")?;
        write!(f, "worst measured pipeline {pipeline_ms} ms = {} ms", self.total_ms())
    }
}

impl Zone {
    /// How long an alarm of this zone may take; `None` for an area that is not looked at.
    pub fn delay(&self, pipeline_ms: u32) -> Option<Delay> {
        let enter_ms = self.watch()?.enter_window_ms;
        // The grace of an occupancy zone is the engineer's wish, no delay of an alarm.
        let dwell_ms = match self.duty {
            Duty::Restricted { presence, .. } | Duty::Warning { presence, .. } => presence.dwell_ms,
            Duty::Occupancy { .. }
            | Duty::Tripwire { .. }
            | Duty::Ignore { .. }
            | Duty::PrivacyMask { .. } => 0,
        };
        Some(Delay { enter_ms, dwell_ms, pipeline_ms })
    }
}

/// Why a zone's alarm would come too late.
fn too_slow(number: usize, zone: &Zone, pipeline_max_ms: u32) -> Option<FieldError> {
    let delay = zone.delay(pipeline_max_ms)?;
    if delay.total_ms() <= u64::from(SYSTEM_MS_MAX) {
        return None;
    }
    let Delay { enter_ms, dwell_ms, .. } = delay;
    let member = if dwell_ms > 0 { "dwell_ms" } else { "enter_window_ms" };
    let left = i64::from(SYSTEM_MS_MAX) - i64::from(pipeline_max_ms);
    let (without_dwell, least) = (left - i64::from(enter_ms), i64::from(ENTER_WINDOW_MS.0));
    let right = if left < least {
        "no timing can mend that; the pipeline must be faster: fewer pictures a second, a smaller \
         input, a faster processor"
            .to_owned()
    } else if dwell_ms > 0 && without_dwell >= 0 {
        format!("shorten dwell_ms to at most {without_dwell}")
    } else if dwell_ms > 0 {
        format!("shorten dwell_ms to 0 and enter_window_ms to at most {left}")
    } else {
        format!("shorten enter_window_ms to at most {left}")
    };
    let right = format!("more than {SYSTEM_MS_MAX} ms; {right}");
    Some(FieldError::new(
        format!("features[{number}].properties.{member}"),
        delay.to_string(),
        right,
    ))
}

fn calibrated(
    points: &GroundPoints,
    size: Option<FrameSize>,
    doubts: &mut Errors,
    warnings: &mut Errors,
) -> Option<Fit> {
    let Some(size) = size else {
        // Heights would be wrong on another shape of picture, and a wrong height hides people.
        let right = "waits for the first picture, whose size it needs; until then distances and \
                     heights are not known";
        warnings.add(FieldError::new("ground", "", right));
        return None;
    };
    let pair = |p: Point| (p[0], p[1]);
    let input = CalibrationInput {
        points: points.points.iter().map(|p| (pair(p.image), pair(p.ground_m))).collect(),
        people: points.people.iter().map(|p| (pair(p.foot), pair(p.head), p.height_m)).collect(),
    };
    let fit = match fit(&input, size.width_px() / size.height_px()) {
        Ok(fit) => fit,
        Err(error) => {
            doubts.add(FieldError::new("ground", "", error.to_string()));
            return None;
        }
    };
    if let Heights::Unknown { why } = &fit.heights {
        let right = format!("heights are not known, so size and hidden legs are not judged: {why}");
        warnings.add(FieldError::new("ground.people", "", right));
    }
    if let Check::Impossible { why } = &fit.check {
        warnings.add(FieldError::new("ground.points", "", *why));
    }
    if fit.worst_m > RESIDUAL_M_ADVISED {
        let worst = fit.per_point_m.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let list = if points.points.is_empty() { "people" } else { "points" };
        let place = worst.map_or("ground".to_owned(), |(i, _)| format!("ground.{list}[{i}]"));
        let right = format!("more than {RESIDUAL_M_ADVISED} m from where it was measured");
        warnings.add(FieldError::new(place, format!("{:.2} m", fit.worst_m), right));
    }
    Some(fit)
}

/// `None` for what is no zone of the engine's.
fn zone_spec(zone: &Zone) -> Result<Option<ZoneSpec>, String> {
    let area = |polygons: &[Polygon]| {
        let corners = |ring: &Vec<Point>| ring.iter().map(|p| (p[0], p[1])).collect();
        let polygons: Vec<Vec<Vec<PointNorm>>> =
            polygons.iter().map(|rings| rings.iter().map(corners).collect()).collect();
        Area::new(&polygons).map_err(|error| error.to_string())
    };
    let duty = match &zone.duty {
        Duty::Restricted { area: drawn, presence, approach_ms, .. } => engine::Duty::Restricted {
            area: area(drawn)?,
            criterion: presence.criterion,
            approach: approach_ms.map(millis),
        },
        Duty::Warning { area: drawn, presence, .. } => {
            engine::Duty::Warning { area: area(drawn)?, criterion: presence.criterion }
        }
        Duty::Occupancy { area: drawn, presence, count, .. } => engine::Duty::Occupancy {
            area: area(drawn)?,
            criterion: presence.criterion,
            count: *count,
        },
        Duty::Tripwire { line, direction, .. } => {
            let points: Vec<PointNorm> = line.iter().map(|p| (p[0], p[1])).collect();
            let line = Line::new(&points).map_err(|error| error.to_string())?;
            engine::Duty::Tripwire { line, direction: *direction }
        }
        Duty::Ignore { area: drawn, .. } => engine::Duty::Ignore { area: area(drawn)? },
        Duty::PrivacyMask { .. } => return Ok(None),
    };
    Ok(Some(ZoneSpec { duty, rules: rules(zone) }))
}

fn rules(zone: &Zone) -> Rules {
    let default = Rules::DEFAULT;
    let Some(watch) = zone.watch() else { return default };
    let clear_after = millis(watch.clear_after_ms);
    Rules {
        enter_window: millis(watch.enter_window_ms),
        clear_after,
        vanished_after: default.vanished_after.max(clear_after),
        latch: watch.latch,
        dwell: zone.presence().map_or(default.dwell, |presence| millis(presence.dwell_ms)),
        ..default
    }
}

fn millis(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

fn info(zone: &Zone, camera: u16) -> ZoneInfo {
    let closed = |ring: &Vec<Point>| ring.iter().chain(ring.first()).copied().collect();
    let polygons = zone.area().iter().map(|rings| rings.iter().map(closed).collect()).collect();
    let arming = zone.watch().map_or_else(ArmingRule::default, |watch| ArmingRule {
        schedule: watch.schedule.clone(),
        interlock: watch.interlock.clone(),
    });
    ZoneInfo {
        id: zone.id.clone(),
        name: zone.name.clone(),
        kind: zone.kind().as_str().to_owned(),
        camera,
        polygons,
        line: zone.line().to_vec(),
        arming,
        reason: zone.reason().map(str::to_owned),
    }
}
