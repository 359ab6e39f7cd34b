//! The story itself: time in steps of 10 ms, a guard that lives and dies, and everybody around it.

use std::collections::BTreeMap;
use std::time::Duration;

use standclear::engine::geometry::Area;
use standclear::engine::paging::{self, Action, Listening, OpenAlarm, Pager, Wants, Who};
use standclear::engine::time::Instant;
use standclear::engine::zone::Rules;
use standclear::engine::{
    AlarmId, AlarmState, CameraSpec, Effects, Engine, EventKind, Health, Input, Part, SirenOrder,
    SirenPattern, Site, TICK_EVERY, ZoneSpec, ZoneState,
};

use crate::disk::{Disk, Kept};
use crate::handhelds::{self, Answer, Handhelds};
use crate::judge::Judge;
use crate::post::{Post, Receiver};
use crate::random::Random;
use crate::script::{ACT_1, ACT_2, CAMERAS, Fault, Script, ZONES};
use crate::vision::Vision;

const STEP: Duration = Duration::from_millis(10);

/// Whoever is reachable has an alarm that wants an answer by then, if it is the first on duty …
const FIRST_WITHIN: Duration = Duration::from_secs(2);

/// … and by then if anybody is: five seconds for a handheld that hangs, and three to notice.
const ANYBODY_WITHIN: Duration = Duration::from_secs(9);

/// When, in the second act, somebody sits down at the operator page.
const AT_THE_PAGE: Duration = Duration::from_secs(60);

/// The corners of a zone, clockwise from the top left, frame fractions.
pub fn polygon(zone: usize) -> [(f64, f64); 4] {
    let (x, y) = (ZONES[zone].1.0 / 1000.0, ZONES[zone].1.1 / 1000.0);
    let (left, right, top, bottom) = (x - 0.1, x + 0.17, y - 0.2, y + 0.2);
    [(left, top), (right, top), (right, bottom), (left, bottom)]
}

/// What a story was made of.
pub struct Told {
    pub counts: BTreeMap<&'static str, u64>,
}

/// The guard of the moment.
struct Guard {
    engine: Engine,
    pager: Pager,
    post: Post,
    vision: Vision,
    judge: Judge,
    siren: SirenOrder,
    life: u64,
    changes: u64,
    versions: BTreeMap<AlarmId, (u64, u64)>,
    /// Since when each version has wanted an answer here.
    wanted: BTreeMap<AlarmId, (u64, Instant)>,
    ticked_at: Instant,
    store: Health,
}

pub struct World {
    seed: u64,
    random: Random,
    script: Script,
    start: Instant,
    now: Instant,
    wall_s: i64,
    disk: Disk,
    receiver: Receiver,
    handhelds: Handhelds,
    guard: Option<Guard>,
    counts: BTreeMap<&'static str, u64>,
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut random = Random::new(seed);
        let start = Instant::from_millis(100_000);
        let script = Script::of(&mut random, start);
        World {
            seed,
            random,
            script,
            start,
            now: start,
            wall_s: 1_790_000_000,
            disk: Disk::default(),
            receiver: Receiver::default(),
            handhelds: Handhelds::default(),
            guard: None,
            counts: BTreeMap::new(),
        }
    }

    /// Tells both acts.
    pub fn tell(mut self) -> Told {
        let (act_2, end) = (self.start.after(ACT_1), self.start.after(ACT_1 + ACT_2));
        while self.now < end {
            self.handhelds.diligent = self.now >= act_2;
            self.step();
        }
        self.converged();
        let strangers = self.guard.as_ref().map_or(0, |guard| guard.judge.strangers);
        self.count("strangers heard", strangers);
        self.count("messages delivered", self.receiver.has.len() as u64);
        self.count("messages delivered twice", self.receiver.again);
        Told { counts: self.counts }
    }

    fn step(&mut self) {
        let before = self.now;
        self.now = self.now.after(STEP);
        let now = self.now;
        let steps = self.script.clock_steps.iter().filter(|(at, _)| before < *at && *at <= now);
        self.wall_s += steps.map(|(_, by)| by).sum::<i64>();
        if now.as_nanos().is_multiple_of(1_000_000_000) {
            self.wall_s += 1;
        }
        self.disk.step(&self.script, now);
        match (self.script.fails(Fault::GuardDies, now), self.guard.take()) {
            (true, Some(guard)) => self.kill(&guard),
            (true, None) => {}
            (false, None) => self.guard = Some(self.begin()),
            (false, Some(mut guard)) => {
                self.live(&mut guard);
                self.guard = Some(guard);
            }
        }
    }

    fn kill(&mut self, guard: &Guard) {
        self.count("kills", 1);
        self.count("strangers heard", guard.judge.strangers);
        let lost = self.disk.kill();
        self.count("records lost with a kill", lost);
        self.handhelds.cut();
    }

    fn begin(&mut self) -> Guard {
        let now = self.now;
        let restored = self.disk.persisted.restored(self.wall_s);
        self.disk.persisted.lives += 1;
        self.disk.persisted.alive_wall_s = self.wall_s;
        let engine = Engine::new(site(), &restored, now);
        let mut open: Vec<(AlarmId, AlarmState)> =
            engine.alarms().iter().map(|it| (it.id, it.state)).collect();
        open.sort_by_key(|(id, _)| *id);
        let kept: Vec<(AlarmId, AlarmState)> =
            self.disk.persisted.alarms.iter().map(|(id, it)| (*id, it.1)).collect();
        assert_eq!(open, kept, "seed {}: a restart changed the alarms", self.seed);
        let life = self.disk.persisted.lives;
        let version = life << 20;
        let mut pager = Pager::new(Duration::from_secs(30));
        handhelds::begin(&mut pager, now);
        Guard {
            judge: Judge::new(self.seed, &engine, now),
            versions: kept.into_iter().map(|(id, _)| (id, (version, version))).collect(),
            engine,
            pager,
            post: Post::new(&self.disk, self.seed ^ life),
            vision: Vision::new(now),
            siren: SirenOrder { pattern: SirenPattern::Silent, zone: None },
            life,
            changes: 0,
            wanted: BTreeMap::new(),
            ticked_at: now,
            store: Health::Working,
        }
    }

    fn live(&mut self, guard: &mut Guard) {
        let now = self.now;
        for input in guard.vision.step(&self.script, now, &mut self.random) {
            let report = match &input {
                Input::Frame(report) => Some(report.clone()),
                _ => None,
            };
            if let Some(report) = &report {
                guard.judge.deliver(report, now);
            }
            self.take(guard, input);
            if let Some(report) = &report {
                guard.judge.delivered(report, &guard.engine, guard.siren, now);
            }
        }
        let (inputs, answers) = self.handhelds.step(&self.script, &mut self.random, now);
        for input in inputs {
            self.page(guard, input);
        }
        for answer in answers {
            self.answer(guard, answer);
        }
        if now.since(guard.ticked_at) >= TICK_EVERY {
            guard.ticked_at = now;
            self.tick(guard);
        }
        if now > self.start.after(ACT_1 + AT_THE_PAGE) {
            self.tidy_up(guard);
        }
        let channel = (&self.script, &mut self.random);
        guard.post.step(channel, &mut self.disk, &mut self.receiver, now);
        self.judge_paging(guard);
    }

    fn tick(&mut self, guard: &mut Guard) {
        let now = self.now;
        self.take(guard, Input::Tick);
        let health = match self.disk.is_silent(now) {
            true => Health::Broken,
            false => Health::Working,
        };
        if health != guard.store {
            guard.store = health;
            self.take(guard, Input::Part { part: Part::Store, health });
        }
        self.disk.persisted.alive_wall_s = self.wall_s;
        let alarms = open_alarms(guard);
        self.page(guard, paging::Input::Alarms(alarms));
        guard.judge.moment(&guard.engine, guard.siren, self.disk.is_silent(now), now);
    }

    /// One input, and everything that follows: sound, record, and what was told.
    fn take(&mut self, guard: &mut Guard, input: Input) {
        let now = self.now;
        let Effects { siren, events, .. } = guard.engine.step(input, now);
        if let Some(order) = siren {
            guard.siren = order;
        }
        guard.judge.events(&events, now);
        guard.judge.entries(&events, &guard.engine, now);
        for event in events {
            let alarm = match &event.kind {
                EventKind::Alarm { alarm, to, .. } => Some((*alarm, *to)),
                EventKind::IncidentStarted { .. } => {
                    self.count("incidents", 1);
                    None
                }
                EventKind::ZoneUnknown { .. } => {
                    self.count("blind", 1);
                    None
                }
                EventKind::PersonEntered { zone, .. } => {
                    // A further person is news of an alarm that is open already.
                    let source = standclear::engine::AlarmSource::Intrusion(*zone);
                    let open = guard.engine.alarms().into_iter().find(|it| it.source == source);
                    open.map(|it| (it.id, AlarmState::Unacknowledged))
                }
                _ => None,
            };
            guard.changes += 1;
            let version = (guard.life << 20) + guard.changes;
            if let Some((alarm, to)) = alarm {
                let entry = guard.versions.entry(alarm).or_insert((version, version));
                entry.0 = version;
                if to == AlarmState::Unacknowledged {
                    entry.1 = version;
                }
                if to == AlarmState::Normal {
                    guard.versions.remove(&alarm);
                }
            }
            self.disk.put(Kept::Event(event, version), now);
        }
    }

    /// What is over and still waits for an answer calls nobody: somebody reads it at the page.
    fn tidy_up(&mut self, guard: &mut Guard) {
        for alarm in guard.engine.alarms() {
            if alarm.state == AlarmState::ReturnedUnacknowledged {
                self.take(guard, Input::Acknowledge { alarm: alarm.id });
            }
        }
    }

    fn page(&mut self, guard: &mut Guard, input: paging::Input) {
        for action in guard.pager.step(input, self.now) {
            match action {
                Action::Send { attempt, .. } if attempt > 1 => self.count("sent again", 1),
                Action::Called { who: Who::Person(person), .. } if person.0 > 0 => {
                    self.count("next person called", 1);
                }
                Action::Listening(Listening::Nobody) => self.count("nobody listened", 1),
                _ => {}
            }
            self.handhelds.act(action, &mut self.random, self.now);
        }
    }

    fn answer(&mut self, guard: &mut Guard, answer: Answer) {
        let Some((_, renewed)) = guard.versions.get(&answer.alarm) else { return };
        if *renewed > answer.seen {
            self.count("answers of what was newer", 1);
            return;
        }
        self.count("answers", 1);
        self.take(guard, Input::Acknowledge { alarm: answer.alarm });
    }

    /// R12: whoever can be reached has it in time.
    fn judge_paging(&mut self, guard: &mut Guard) {
        let now = self.now;
        let open = open_alarms(guard);
        guard.wanted.retain(|id, (renewed, _)| {
            open.iter().any(|it| it.alarm == *id && it.renewed == *renewed && wants(it))
        });
        for alarm in open.iter().filter(|it| wants(it)) {
            let (_, since) = *guard.wanted.entry(alarm.alarm).or_insert((alarm.renewed, now));
            let all = &self.handhelds.all;
            let healthy = |number: usize| all[number].healthy_since.is_some_and(|at| at <= since);
            let has = |number: usize| {
                all[number].has.get(&alarm.alarm).is_some_and(|it| *it >= alarm.renewed)
            };
            let waited = now.since(since);
            let told =
                || format!("seed {}, {} ms, {alarm:?}", self.seed, now.as_nanos() / 1_000_000);
            assert!(waited <= FIRST_WITHIN || !healthy(0) || has(0), "first on duty: {}", told());
            let anybody = (0..all.len()).any(healthy);
            let anybody_has = (0..all.len()).any(has);
            assert!(waited <= ANYBODY_WITHIN || !anybody || anybody_has, "nobody: {}", told());
        }
    }

    /// The end of the second act.
    fn converged(&mut self) {
        let told = |what: &str| format!("seed {}: {what} after everything healed", self.seed);
        let guard = self.guard.as_ref().expect("the guard lives again");
        for zone in 0..ZONES.len() {
            let zone = standclear::engine::ZoneIndex(zone as u16);
            let state = guard.engine.zone(zone).expect("a zone").state;
            assert_eq!(state, ZoneState::Clear, "{}", told("a zone is not clear"));
        }
        assert_eq!(guard.engine.alarms(), [], "{}", told("alarms are open"));
        assert_eq!(guard.siren.pattern, SirenPattern::Silent, "{}", told("it sounds"));
        assert_eq!(self.disk.waiting(), 0, "{}", told("records wait"));
        assert_eq!(guard.pager.listening(), Listening::Somebody, "{}", told("nobody listens"));
        let missing: Vec<_> = self
            .disk
            .persisted
            .rows
            .iter()
            .filter(|row| !self.receiver.has.contains_key(&(row.key, row.version)))
            .collect();
        assert_eq!(self.receiver.given_up, 0, "{}", told("messages were given up"));
        assert!(missing.is_empty(), "{}: {missing:?}", told("messages never came"));
    }

    fn count(&mut self, what: &'static str, more: u64) {
        *self.counts.entry(what).or_default() += more;
    }
}

fn wants(alarm: &OpenAlarm) -> bool {
    alarm.wants == Wants::Answer
}

fn open_alarms(guard: &Guard) -> Vec<OpenAlarm> {
    let open = |alarm: standclear::engine::AlarmView| {
        let (version, renewed) = *guard.versions.get(&alarm.id)?;
        let wants = match alarm.state {
            AlarmState::Unacknowledged => Wants::Answer,
            AlarmState::ReturnedUnacknowledged => Wants::Delivery,
            _ => Wants::Nothing,
        };
        Some(OpenAlarm { alarm: alarm.id, version, renewed, wants })
    };
    guard.engine.alarms().into_iter().filter_map(open).collect()
}

fn site() -> Site {
    let zones_of = |camera: usize| {
        let zones = (0..ZONES.len()).filter(|zone| ZONES[*zone].0 == camera);
        let spec = |zone: usize| {
            let area = Area::new(&[vec![polygon(zone).to_vec()]]).expect("a zone");
            ZoneSpec::restricted(area, Rules::DEFAULT)
        };
        CameraSpec { zones: zones.map(spec).collect(), ..CameraSpec::default() }
    };
    Site { cameras: (0..CAMERAS).map(zones_of).collect() }
}
