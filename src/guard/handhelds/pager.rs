//! The pager's thread: takes alarms to devices.
//!
//! It reads the snapshot that the web side reads, never the disk, and steps `engine::paging`, which
//! decides. What it does is tried once: a device that takes nothing loses its line. It tells the
//! alarm path every second how things stand, so that its own silence is noticed there.
//!
//! A panic ends every line and the thread begins anew; devices come back by themselves.

use std::collections::BTreeMap;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::view::{self, Deliveries};
use super::words;
use super::{Directory, Ends, HandheldDesk, NewLine};
use crate::clock;
use crate::engine::paging::{Action, Device, Input, Listening, Pager, Person, Receipt, Who};
use crate::engine::time::Instant;
use crate::engine::{AlarmId, TICK_EVERY};
use crate::guard::handle::{
    CloseWhy, ConnectedHandheld, HandheldState, HandheldsNow, LineId, OnDuty, OnDutyPerson,
    Presence, Said, Snapshot, ToHandheld,
};
use crate::guard::live::LiveHub;
use crate::guard::message::{HandheldReport, Message, PagerSight};

/// How often the duty list is asked who is on duty.
const DUTY_EVERY: Duration = Duration::from_secs(1);

/// At most so often the state that all devices share is made anew.
const STATE_EVERY: Duration = Duration::from_millis(250);

/// At most, and at least, so often the alarm path is told.
const REPORT_EVERY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The alarm path publishes every 200 ms: nothing for so long, and what the pager sees is not now.
const SNAPSHOT_AGE_MAX: Duration = Duration::from_secs(1);

/// A device's last sign of life is worth a write when it is so much later.
const SEEN_EVERY: Duration = Duration::from_secs(5 * 60);

/// Pause before a thread that panicked begins anew.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Names of people that were given a number. More than ever carried a device.
const PEOPLE_MAX: usize = 10_000;

/// What the thread is started with.
#[derive(Debug)]
pub struct PagerPlan {
    pub desk: Arc<HandheldDesk>,
    pub ends: Ends,
    pub hub: Arc<LiveHub>,
    pub alarm_path: SyncSender<Message>,
    pub acknowledge_within: Duration,
}

/// The thread, to be stopped.
#[derive(Debug)]
pub struct PagerThread {
    stop: watch::Sender<Running>,
    thread: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Yes,
    No,
}

impl PagerThread {
    /// # Errors
    /// The system does not allow another thread.
    pub fn start(plan: PagerPlan) -> io::Result<PagerThread> {
        let (stop, stopped) = watch::channel(Running::Yes);
        let thread =
            thread::Builder::new().name("pager".into()).spawn(move || run(plan, &stopped))?;
        Ok(PagerThread { stop, thread })
    }

    pub fn stop(self) {
        self.stop.send_replace(Running::No);
        let _ = self.thread.join();
    }
}

fn run(mut plan: PagerPlan, stopped: &watch::Receiver<Running>) {
    loop {
        let ran = panic::catch_unwind(AssertUnwindSafe(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            runtime.block_on(Runner::new(&plan).run(&mut plan, stopped.clone()));
            Ok::<(), io::Error>(())
        }));
        if *stopped.borrow() == Running::No {
            return;
        }
        match ran {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::error!("no handheld gets an alarm: {error}"),
            Err(_panic) => tracing::error!("the pager panicked; handhelds connect anew"),
        }
        thread::park_timeout(AGAIN_AFTER);
    }
}

struct Runner {
    desk: Arc<HandheldDesk>,
    alarm_path: SyncSender<Message>,
    pager: Pager,
    directory: Arc<Directory>,
    zone: TimeZone,
    people: BTreeMap<String, Person>,
    lines: BTreeMap<u32, Live>,
    snapshot: Arc<Snapshot>,
    snapshot_at: Instant,
    deliveries: Deliveries,
    duty: (Option<String>, Vec<String>),
    duty_at: Option<Instant>,
    state_at: Option<Instant>,
    told: Option<(HandheldsNow, PagerSight, Instant)>,
}

/// A connected device.
struct Live {
    connection: u64,
    messages: mpsc::Sender<ToHandheld>,
    presence: Presence,
    kept_at: Option<Instant>,
}

impl Runner {
    fn new(plan: &PagerPlan) -> Runner {
        Runner {
            desk: plan.desk.clone(),
            alarm_path: plan.alarm_path.clone(),
            pager: Pager::new(plan.acknowledge_within),
            directory: Arc::default(),
            zone: plan.desk.zone.clone(),
            people: BTreeMap::new(),
            lines: BTreeMap::new(),
            snapshot: plan.hub.snapshots().borrow().clone(),
            snapshot_at: clock::monotonic(),
            deliveries: Deliveries::default(),
            duty: (None, Vec::new()),
            duty_at: None,
            state_at: None,
            told: None,
        }
    }

    async fn run(mut self, plan: &mut PagerPlan, mut stopped: watch::Receiver<Running>) {
        let mut snapshots = plan.hub.snapshots();
        let mut directory = plan.desk.directory.subscribe();
        let mut ticks = tokio::time::interval(TICK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.put_directory(directory.borrow_and_update().clone());
        self.take_snapshot(snapshots.borrow_and_update().clone());
        loop {
            tokio::select! {
                biased;
                _stop = stopped.wait_for(|running| *running == Running::No) => return,
                changed = snapshots.changed() => match changed {
                    Ok(()) => {
                        let snapshot = snapshots.borrow_and_update().clone();
                        self.take_snapshot(snapshot);
                    }
                    Err(_the_guard_ended) => return,
                },
                Some(line) = plan.ends.lines.recv() => self.connected(line),
                Some((line, said)) = plan.ends.said.recv() => self.heard(line, said),
                Ok(()) = directory.changed() => {
                    let directory = directory.borrow_and_update().clone();
                    self.put_directory(directory);
                }
                _tick = ticks.tick() => self.step(Input::Tick),
            }
            fail::fail_point!("pager::looks");
            self.look_at_duty();
            self.show();
            self.report();
        }
    }

    fn step(&mut self, input: Input) {
        let now = clock::monotonic();
        let mut waiting = vec![input];
        // A line that is lost while it is used is an input of its own.
        while let Some(input) = waiting.pop() {
            for action in self.pager.step(input, now) {
                waiting.extend(self.act(action, now));
            }
        }
    }

    fn act(&mut self, action: Action, now: Instant) -> Option<Input> {
        match action {
            Action::Send { device, alarm, version, attempt } => {
                return self.send(device, alarm, version, attempt, now);
            }
            Action::Called { alarm, who, why } => {
                let who = self.name(who);
                tracing::info!("alarm {}: {who} {}", alarm.0, words::called(why));
            }
            Action::Drop(device) => {
                let revoked = !self.directory.devices.iter().any(|it| it.number == device.0);
                let why = if revoked { CloseWhy::Revoked } else { CloseWhy::Silent };
                if let Some(live) = self.lines.remove(&device.0) {
                    self.desk.close(device.0, live.connection);
                    let _ = live.messages.try_send(ToHandheld::Close(why));
                    tracing::warn!("{} {}", self.device_name(device.0), words::closed(why));
                }
            }
            Action::Listening(listening) => match listening {
                Listening::Nobody => tracing::error!("{}", words::listening(listening)),
                Listening::Somebody | Listening::NotExpected => {
                    tracing::info!("{}", words::listening(listening));
                }
            },
        }
        None
    }

    /// Puts an alarm in the way of a device; what follows where that does not take it.
    fn send(
        &mut self,
        device: Device,
        alarm: AlarmId,
        version: u64,
        attempt: u32,
        now: Instant,
    ) -> Option<Input> {
        let found = self.snapshot.alarms.iter().find(|it| it.id == alarm)?;
        let carried = self.directory.devices.iter().find(|it| it.number == device.0)?;
        let who = (carried.number, carried.person.as_str(), carried.name.as_str());
        let row = self.deliveries.sent(alarm, version, who, now);
        let next = self.next(alarm);
        let shown = view::alarm(found, &self.snapshot, &self.deliveries, next);
        let sent_at = clock::wall();
        let message = ToHandheld::Alarm { alarm: Arc::new(shown), attempt, sent_at };
        let taken = self.lines.get(&device.0).map(|live| live.messages.try_send(message));
        if let Some(Ok(())) = taken {
            row.into_iter().for_each(|row| self.desk.receipts.put(row));
            return None;
        }
        // It takes nothing, or is gone: dropping its queue ends its connection.
        if let Some(live) = self.lines.remove(&device.0) {
            self.desk.close(device.0, live.connection);
            tracing::warn!("{} was disconnected: it takes no messages", carried.name);
        }
        Some(Input::Disconnected(device))
    }

    fn connected(&mut self, line: NewLine) {
        let device = line.id.device;
        // It may have been paired a moment ago.
        let directory = self.desk.directory.borrow().clone();
        if !Arc::ptr_eq(&directory, &self.directory) {
            self.put_directory(directory);
        }
        if !self.directory.devices.iter().any(|it| it.number == device) {
            // Revoked meanwhile. Its queue ends with this, and so does its connection.
            return self.desk.close(device, line.id.connection);
        }
        let live = Live {
            connection: line.id.connection,
            messages: line.messages,
            presence: Presence::default(),
            kept_at: None,
        };
        if let Some(older) = self.lines.insert(device, live) {
            let _ = older.messages.try_send(ToHandheld::Close(CloseWhy::Replaced));
        }
        tracing::info!("{} is connected", self.device_name(device));
        self.seen(device);
        self.step(Input::Connected(Device(device)));
        self.state_at = None;
    }

    fn heard(&mut self, line: LineId, said: Said) {
        let Some(live) = self.lines.get_mut(&line.device) else { return };
        if live.connection != line.connection {
            return;
        }
        let device = Device(line.device);
        let receipt = |alarm, version, receipt| Input::Receipt { device, alarm, version, receipt };
        match said {
            Said::Here => {}
            Said::Awake(presence) => {
                live.presence = presence;
                self.step(Input::Sound(device, view::sound(presence)));
            }
            Said::Received { alarm, version } => {
                self.confirmed(device, alarm, version, Receipt::Received);
                self.step(receipt(alarm, version, Receipt::Received));
            }
            Said::Shown { alarm, version } => {
                self.confirmed(device, alarm, version, Receipt::Shown);
                self.step(receipt(alarm, version, Receipt::Shown));
            }
            Said::CallNext { alarm } => {
                tracing::info!("{} hands alarm {} on", self.device_name(device.0), alarm.0);
                self.step(Input::CallNext(alarm));
            }
            Said::Left => {
                self.lines.remove(&line.device);
                self.desk.close(line.device, line.connection);
                tracing::info!("{} is gone", self.device_name(device.0));
                return self.step(Input::Disconnected(device));
            }
        }
        self.seen(line.device);
        self.step(Input::Heard(device));
    }

    fn confirmed(&mut self, device: Device, alarm: AlarmId, version: u64, receipt: Receipt) {
        let now = clock::monotonic();
        let row = self.deliveries.confirmed(alarm, version, device.0, receipt, now);
        row.into_iter().for_each(|row| self.desk.receipts.put(row));
    }

    fn seen(&mut self, device: u32) {
        let now = clock::monotonic();
        if let Some(live) = self.lines.get_mut(&device)
            && live.kept_at.is_none_or(|at| now.since(at) >= SEEN_EVERY)
        {
            live.kept_at = Some(now);
            self.desk.receipts.seen(device, clock::wall());
        }
    }

    fn take_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        self.snapshot = snapshot;
        self.snapshot_at = clock::monotonic();
        self.deliveries.put(&self.snapshot.alarms, clock::monotonic());
        let open = self.snapshot.alarms.iter().map(view::open).collect();
        self.step(Input::Alarms(open));
    }

    fn put_directory(&mut self, directory: Arc<Directory>) {
        self.directory = directory.clone();
        let devices = directory.devices.iter();
        let devices =
            devices.map(|it| (Device(it.number), self.number(&it.person))).collect::<Vec<_>>();
        self.step(Input::Devices(devices));
        self.duty_at = None;
        self.look_at_duty();
    }

    fn look_at_duty(&mut self) {
        let now = clock::monotonic();
        if self.duty_at.is_some_and(|at| now.since(at) < DUTY_EVERY) {
            return;
        }
        self.duty_at = Some(now);
        let duty = match &self.directory.roster {
            Some(roster) => {
                let (shift, people) = roster.at(clock::wall(), &self.zone);
                (shift.map(str::to_owned), people.to_vec())
            }
            None => (None, Vec::new()),
        };
        let people = duty.1.iter().map(|person| self.number(person)).collect();
        self.duty = duty;
        self.step(Input::Duty(people));
    }

    /// A person's number, for as long as this runs.
    fn number(&mut self, person: &str) -> Person {
        if let Some(number) = self.people.get(person) {
            return *number;
        }
        let number = Person(u32::try_from(self.people.len()).unwrap_or(u32::MAX));
        if self.people.len() < PEOPLE_MAX {
            self.people.insert(person.to_owned(), number);
        }
        number
    }

    fn name(&self, who: Who) -> String {
        match who {
            Who::Everybody => "everybody".to_owned(),
            Who::Person(number) => {
                let found = self.people.iter().find(|(_, it)| **it == number);
                found.map_or("?".to_owned(), |(name, _)| name.clone())
            }
        }
    }

    fn device_name(&self, device: u32) -> String {
        let found = self.directory.devices.iter().find(|it| it.number == device);
        found.map_or("a handheld that is gone".into(), |it| format!("{} ({})", it.person, it.name))
    }

    fn next(&self, alarm: AlarmId) -> Option<(String, Instant)> {
        self.pager.next(alarm).map(|next| (self.name(next.who), next.at))
    }

    fn on_duty(&self) -> OnDuty {
        let listens = |person: &str| {
            self.people.get(person).is_some_and(|number| self.pager.listens(*number))
        };
        let (shift, people) = &self.duty;
        let person = |name: &String| OnDutyPerson { person: name.clone(), listens: listens(name) };
        OnDuty { shift: shift.clone(), people: people.iter().map(person).collect() }
    }

    /// Makes the state that devices are shown. Also while nobody looks: whoever comes sees now.
    fn show(&mut self) {
        let now = clock::monotonic();
        if self.state_at.is_some_and(|at| now.since(at) < STATE_EVERY) {
            return;
        }
        self.state_at = Some(now);
        let snapshot = &self.snapshot;
        let alarms = snapshot
            .alarms
            .iter()
            .map(|it| Arc::new(view::alarm(it, snapshot, &self.deliveries, self.next(it.id))));
        let state = HandheldState {
            now: snapshot.now,
            made_at: now,
            zones: view::guarded(snapshot).count(),
            zones_unknown: view::guarded(snapshot).filter(|zone| view::is_unknown(zone)).count(),
            unguarded: view::unguarded(snapshot),
            held: view::held(snapshot),
            siren: Some(snapshot.siren.clone()),
            alarms: alarms.collect(),
            duty: self.on_duty(),
        };
        self.desk.state.send_if_modified(|shown| {
            let is_new = !shown.shows_the_same(&state);
            *shown = Arc::new(state);
            is_new
        });
    }

    /// Tells the alarm path how things stand.
    fn report(&mut self) {
        let now = clock::monotonic();
        let age = self.told.as_ref().map(|(_, _, at)| now.since(*at));
        let sight = match now.since(self.snapshot_at) > SNAPSHOT_AGE_MAX {
            true => PagerSight::Stale,
            false => PagerSight::Now,
        };
        if age.is_some_and(|age| age < REPORT_EVERY.0) {
            return;
        }
        let connected = self.lines.iter().filter_map(|(number, live)| {
            let carried = self.directory.devices.iter().find(|it| it.number == *number)?;
            let (person, device) = (carried.person.clone(), carried.name.clone());
            Some(ConnectedHandheld { person, device, presence: live.presence })
        });
        let report = HandheldsNow {
            listening: self.pager.listening(),
            connected: connected.collect(),
            paired: self.directory.devices.len(),
            duty: self.on_duty(),
            deliveries: self.deliveries.all(),
        };
        let told = self.told.as_ref();
        let same = told.is_some_and(|(told, seen, _)| *told == report && *seen == sight);
        if same && age.is_some_and(|age| age < REPORT_EVERY.1) {
            return;
        }
        let message = HandheldReport { now: report.clone(), sight };
        // Full: the next look says it.
        if self.alarm_path.try_send(Message::Handhelds(Box::new(message))).is_ok() {
            self.told = Some((report, sight, now));
        }
    }
}
