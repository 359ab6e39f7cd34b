//! What must hold after every step, whatever fails: told from what was delivered and what came out,
//! never from the engine's own reasons.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use standclear::engine::time::Instant;
use standclear::engine::{
    AlarmId, AlarmSource, AlarmState, CameraIndex, Engine, Event, EventKind, FrameReport, Part,
    SirenOrder, SirenPattern, ZoneIndex, ZoneState,
};

use crate::script::{CAMERAS, ZONES};
use crate::world::polygon;

/// R1: until a zone that is not watched is UNKNOWN and alarms.
const UNKNOWN_WITHIN: Duration = Duration::from_millis(1_000);

/// After a start a camera may take so long to be watched for the first time.
const FIRST_PICTURE: Duration = Duration::from_millis(6_000);

/// Nobody was surely in a zone for so long: whoever is there then is somebody new.
const STRANGER: Duration = Duration::from_secs(30);

/// Pictures older than this decide nothing; the zone is UNKNOWN then.
const FRESH: Duration = Duration::from_millis(900);

/// Two looks at somebody inside, so far apart, are somebody inside.
const LOOKS_APART: (Duration, Duration) = (Duration::from_millis(90), Duration::from_millis(300));

/// So long after a start somebody who is first seen may be an old acquaintance.
const SAME_PERSON: Duration = Duration::from_secs(30);

/// Pictures remembered of a camera.
const PICTURES_KEPT: usize = 48;

/// The score from which a look counts.
const SCORE: f32 = 0.3;

/// A look at somebody inside a zone.
#[derive(Clone, Copy, Debug)]
struct Look {
    captured_at: Instant,
    foot_px: (f64, f64),
}

/// Of one life of the guard.
pub struct Judge {
    seed: u64,
    began: Instant,
    newest: [Option<Instant>; CAMERAS],
    /// When the pictures that were delivered were taken, newest last.
    pictures: [VecDeque<Instant>; CAMERAS],
    watched: [bool; CAMERAS],
    looks: Vec<VecDeque<Look>>,
    states: BTreeMap<AlarmId, (AlarmSource, AlarmState)>,
    disk_silent_since: Option<Instant>,
    /// When somebody was last surely in each zone.
    somebody: Vec<Option<Instant>>,
    /// People who must have been heard.
    pub strangers: u64,
}

impl Judge {
    pub fn new(seed: u64, engine: &Engine, began: Instant) -> Judge {
        let states = engine.alarms().into_iter().map(|it| (it.id, (it.source, it.state)));
        Judge {
            seed,
            began,
            newest: [None; CAMERAS],
            pictures: Default::default(),
            watched: [false; CAMERAS],
            looks: vec![VecDeque::new(); ZONES.len()],
            states: states.collect(),
            disk_silent_since: None,
            somebody: vec![None; ZONES.len()],
            strangers: 0,
        }
    }

    /// A report is about to be delivered.
    pub fn deliver(&mut self, report: &FrameReport, now: Instant) {
        let camera = usize::from(report.camera.0);
        let pictures = &mut self.pictures[camera];
        if pictures.back().is_some_and(|newest| report.captured_at <= *newest) {
            return;
        }
        pictures.push_back(report.captured_at);
        if pictures.len() > PICTURES_KEPT {
            pictures.pop_front();
        }
        self.note_looks(report);
        if now.since(report.captured_at) <= FRESH {
            self.newest[camera] = Some(report.captured_at);
        }
    }

    /// The engine has taken it. Of a picture that came too late nothing is promised but UNKNOWN. One
    /// that is fresh and brings the second look is at most 1.2 s behind the first (R2: 2 s): so the
    /// alarm must be there now, and of somebody who is new, the sound.
    pub fn delivered(
        &mut self,
        report: &FrameReport,
        engine: &Engine,
        siren: SirenOrder,
        now: Instant,
    ) {
        if now.since(report.captured_at) > FRESH {
            return;
        }
        let alarms = engine.alarms();
        for (zone, (camera, _)) in ZONES.iter().enumerate() {
            let pictures = &self.pictures[*camera];
            if !qualifies(&self.looks[zone], pictures, report, zone) {
                continue;
            }
            let source = AlarmSource::Intrusion(ZoneIndex(zone as u16));
            let state = alarms.iter().find(|alarm| alarm.source == source).map(|it| it.state);
            let told = format!("{}: somebody is in zone {zone}", self.at(now));
            assert!(state.is_some(), "{told} and no alarm is open");
            let last = self.somebody[zone].replace(now);
            let is_new = last.unwrap_or(self.began).after(STRANGER) < now;
            if is_new {
                self.strangers += 1;
                assert_eq!(state, Some(AlarmState::Unacknowledged), "{told}, and it is new");
                assert_eq!(siren.pattern, SirenPattern::Intrusion, "{told}, and it is new");
            }
        }
    }

    fn note_looks(&mut self, report: &FrameReport) {
        for (zone, (camera, _)) in ZONES.iter().enumerate() {
            if *camera != usize::from(report.camera.0) {
                continue;
            }
            for detection in &report.detections {
                let b = detection.bounds;
                let foot_px = (b.left() + b.width() / 2.0, b.top() + b.height());
                if detection.score.get() >= SCORE && inside(zone, foot_px) {
                    self.looks[zone].push_back(Look { captured_at: report.captured_at, foot_px });
                }
            }
            while self.looks[zone].len() > 256 {
                self.looks[zone].pop_front();
            }
        }
    }

    /// What came out of one step.
    pub fn events(&mut self, events: &[Event], now: Instant) {
        for event in events {
            match &event.kind {
                EventKind::IncidentStarted { zone, entry, .. } => {
                    let from = entry.captured_at.before(Duration::from_millis(1_000));
                    let looks = self.looks[usize::from(zone.0)].iter();
                    let seen = looks.filter(|it| it.captured_at >= from).count();
                    // A camera that is too slow for two looks is believed at once.
                    let enough = if self.is_slow(usize::from(entry.camera.0)) { 1 } else { 2 };
                    assert!(seen >= enough, "{}: an incident from {seen} looks", self.at(now));
                }
                EventKind::Alarm { alarm, source, to } => {
                    let before = self.states.get(alarm).map(|it| it.1);
                    if before == Some(AlarmState::Acknowledged) && *to == AlarmState::Unacknowledged
                    {
                        let why = events.iter().any(|it| is_entry(it, *source));
                        assert!(why, "{}: an answer was taken back for nothing", self.at(now));
                    }
                    match to {
                        AlarmState::Normal => drop(self.states.remove(alarm)),
                        _ => drop(self.states.insert(*alarm, (*source, *to))),
                    }
                }
                _ => {}
            }
        }
    }

    /// R7: a further person is heard, whatever was answered before. Right after a start whoever is
    /// first seen may be the one who was there before.
    pub fn entries(&self, events: &[Event], engine: &Engine, now: Instant) {
        if now.since(self.began) < SAME_PERSON {
            return;
        }
        let alarms = engine.alarms();
        for alarm in alarms.iter().filter(|it| events.iter().any(|e| is_entry(e, it.source))) {
            let told = self.at(now);
            assert_eq!(alarm.state, AlarmState::Unacknowledged, "{told}: a new person is silent");
        }
    }

    /// What must be so at any moment.
    pub fn moment(&mut self, engine: &Engine, siren: SirenOrder, disk_silent: bool, now: Instant) {
        for camera in 0..CAMERAS {
            self.camera(camera, engine, now);
        }
        let alarms = engine.alarms();
        let wants = |wanted: fn(AlarmSource) -> bool| {
            alarms.iter().any(|a| a.state == AlarmState::Unacknowledged && wanted(a.source))
        };
        let pattern = match () {
            () if wants(|s| matches!(s, AlarmSource::Intrusion(_))) => SirenPattern::Intrusion,
            () if wants(|s| matches!(s, AlarmSource::Blind(_) | AlarmSource::Fault(_))) => {
                SirenPattern::Fault
            }
            () => SirenPattern::Silent,
        };
        assert_eq!(siren.pattern, pattern, "{}: {alarms:?}", self.at(now));
        self.disk_silent_since = disk_silent.then(|| *self.disk_silent_since.get_or_insert(now));
        if self.disk_silent_since.is_some_and(|since| now.since(since) > Duration::from_millis(100))
        {
            let open = alarms.iter().any(|a| a.source == AlarmSource::Fault(Part::Store));
            assert!(open, "{}: the disk is silent and nobody is told", self.at(now));
        }
    }

    fn is_slow(&self, camera: usize) -> bool {
        let taken = &self.pictures[camera];
        let mut gaps: Vec<Duration> =
            taken.iter().zip(taken.iter().skip(1)).map(|(a, b)| b.since(*a)).collect();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).is_some_and(|middle| *middle > LOOKS_APART.1)
    }

    fn camera(&mut self, camera: usize, engine: &Engine, now: Instant) {
        let index = CameraIndex(camera as u16);
        let zones = ZONES.iter().enumerate().filter(|(_, (of, _))| *of == camera);
        let states: Vec<ZoneState> = zones
            .filter_map(|(zone, _)| engine.zone(ZoneIndex(zone as u16)))
            .map(|zone| zone.state)
            .collect();
        let known = states.iter().any(|state| !matches!(state, ZoneState::Unknown(_)));
        self.watched[camera] |= known;
        let since = self.newest[camera].unwrap_or(self.began);
        let alarm_within = if self.watched[camera] { UNKNOWN_WITHIN } else { FIRST_PICTURE };
        if now.since(since) <= UNKNOWN_WITHIN {
            return;
        }
        assert!(!known, "{}: camera {camera} is not watched and {states:?}", self.at(now));
        if now.since(since) > alarm_within && now.since(self.began) > alarm_within {
            let open = engine.alarms().iter().any(|a| a.source == AlarmSource::Blind(index));
            assert!(open, "{}: camera {camera} is blind without an alarm", self.at(now));
        }
    }

    pub fn at(&self, now: Instant) -> String {
        format!("seed {}, {} ms", self.seed, now.as_nanos() / 1_000_000)
    }
}

/// Whether this report brought the second of two looks that prove somebody inside, who was seen in
/// most pictures in between.
fn qualifies(
    looks: &VecDeque<Look>,
    pictures: &VecDeque<Instant>,
    report: &FrameReport,
    zone: usize,
) -> bool {
    if ZONES[zone].0 != usize::from(report.camera.0) {
        return false;
    }
    let Some(second) = looks.iter().rev().find(|it| it.captured_at == report.captured_at) else {
        return false;
    };
    let same = |it: &&Look| (it.foot_px.0 - second.foot_px.0).abs() < 8.0;
    let proves = |first: &&Look| {
        let apart = second.captured_at.since(first.captured_at);
        let since = |at: Instant| at >= first.captured_at;
        let taken = pictures.iter().filter(|at| since(**at)).count();
        let seen = looks.iter().filter(|it| since(it.captured_at)).filter(same).count();
        apart >= LOOKS_APART.0 && apart <= LOOKS_APART.1 && 2 * seen > taken
    };
    looks.iter().filter(same).any(|first| proves(&first))
}

fn inside(zone: usize, (x, y): (f64, f64)) -> bool {
    let [(left, top), _, (right, bottom), _] = polygon(zone);
    let (x, y) = (x / 1000.0, y / 1000.0);
    x >= left && x <= right && y >= top && y <= bottom
}

fn is_entry(event: &Event, source: AlarmSource) -> bool {
    match &event.kind {
        EventKind::IncidentStarted { zone, .. } | EventKind::PersonEntered { zone, .. } => {
            source == AlarmSource::Intrusion(*zone)
        }
        _ => false,
    }
}
