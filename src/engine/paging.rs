//! Whose handheld gets an alarm, when it gets it again, and who is next. Pure.
//!
//! Terms: a **person** carries one or more **devices**; a device is **connected** while it answers.
//! An alarm that wants an answer has a **call**: the people called so far, in order, and for each
//! device what it was sent. The person called last has the **turn**. A **receipt** is the device's
//! own word that the alarm arrived.
//!
//! | when | then |
//! |---|---|
//! | an alarm wants an answer | the first place of the duty list is called: all devices of that person |
//! | a called person's device is connected and has not been sent it | sent at once |
//! | no receipt within [`RESEND_AFTER`] | sent again, attempt + 1; after [`FAST_ATTEMPTS`] every [`SLOW_RESEND_AFTER`] |
//! | no receipt of the turn within [`NEXT_AFTER`] | also the next person |
//! | no answer within the time that is configured | also the next person |
//! | no called person is connected | also the next person, at once |
//! | nobody called is on duty any more (another shift) | also the first of that shift, at once |
//! | somebody hands it on | also the next person, at once |
//! | the last place was called | everybody who is paired; again each time the answer's time is over |
//! | nobody is on duty, or nobody on duty is connected | everybody who is paired, at once |
//! | a further cause (`renewed`) | sent anew to everybody called; whose turn it is stays as it is |
//! | answered, or no longer heard (shelved, out of service) | the call is over |
//! | the cause is gone and the alarm only has to be seen | whoever was called gets it; nobody further is called for want of an answer |
//! | a device is silent for [`SILENT_MAX`] | it counts as gone; what it was sent is to be sent again |
//! | a device says that its sound is blocked | it gets what it would, and its receipts count for nobody's turn |
//! | somebody is on duty, or devices are paired, and none that can be heard is connected for [`SILENT_MAX`] | nobody listens (after a start: [`START_GRACE`]) |
//!
//! Everything follows from what is so now: a lost message delays and never loses.
//!
//! Not here: sockets, names, the time on the wall, and which alarm is heard at all.

use std::collections::BTreeMap;
use std::time::Duration;

use super::AlarmId;
use super::time::Instant;

mod words;

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;

pub use words::{
    Action, Device, Input, Listening, OpenAlarm, Person, Receipt, Sound, Wants, Who, Why,
};

/// R12: no receipt for so long, and it is sent again.
pub const RESEND_AFTER: Duration = Duration::from_secs(1);

/// R12: no receipt for so long, and the next person is called as well.
pub const NEXT_AFTER: Duration = Duration::from_secs(5);

/// Attempts a second apart; a device that confirms none of them is broken, and is asked more rarely.
pub const FAST_ATTEMPTS: u32 = 5;

/// … this often.
pub const SLOW_RESEND_AFTER: Duration = Duration::from_secs(5);

/// A device silent for so long is gone. It is asked each second; one lost packet does not do it.
pub const SILENT_MAX: Duration = Duration::from_secs(3);

/// After a start, and after the first pairing or duty list, devices get this long to come: a phone
/// that sleeps wakes up for it within seconds.
pub const START_GRACE: Duration = Duration::from_secs(10);

/// Decides who gets what. See the module.
#[derive(Clone, Debug)]
pub struct Pager {
    answer_within: Duration,
    devices: BTreeMap<Device, Carried>,
    duty: Vec<Person>,
    calls: BTreeMap<AlarmId, Call>,
    listening: Listening,
    /// Without a connected device, nobody listens from here on.
    nobody_from: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Carried {
    person: Person,
    /// When it was last heard; `None` while it is not connected.
    heard_at: Option<Instant>,
    /// Of this connection.
    sound: Sound,
}

/// An alarm that wants something.
#[derive(Clone, Debug)]
struct Call {
    open: OpenAlarm,
    /// In the order in which they were called.
    called: Vec<Person>,
    reach: Reach,
    /// When the person called last was called.
    turn_since: Instant,
    /// Since when the turn has no receipt.
    unreceived_since: Option<Instant>,
    lines: BTreeMap<Device, Line>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Called,
    Everybody,
}

/// What one device was sent of one alarm.
#[derive(Clone, Copy, Debug)]
struct Line {
    version: u64,
    attempt: u32,
    receipt: Receipt,
    /// Not sent again before.
    again_at: Instant,
}

/// Who would be called next, and when at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    pub who: Who,
    pub at: Instant,
}

impl Pager {
    /// A pager that knows of nothing yet.
    pub fn new(answer_within: Duration) -> Pager {
        Pager {
            answer_within,
            devices: BTreeMap::new(),
            duty: Vec::new(),
            calls: BTreeMap::new(),
            listening: Listening::NotExpected,
            nobody_from: Instant::ZERO,
        }
    }

    /// Takes an input and does what is due.
    pub fn step(&mut self, input: Input, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        self.take(input, now, &mut actions);
        self.drop_silent(now, &mut actions);
        let mut calls = std::mem::take(&mut self.calls);
        for call in calls.values_mut() {
            self.advance(call, now, &mut actions);
            self.send(call, now, &mut actions);
        }
        self.calls = calls;
        self.judge(now, &mut actions);
        actions
    }

    pub fn listening(&self) -> Listening {
        self.listening
    }

    pub fn is_connected(&self, device: Device) -> bool {
        self.devices.get(&device).is_some_and(|carried| carried.heard_at.is_some())
    }

    /// Whether a person would hear an alarm.
    pub fn listens(&self, person: Person) -> bool {
        self.audible().any(|theirs| theirs == person)
    }

    /// Who is next for an alarm; `None` when everybody was called or nobody will be.
    pub fn next(&self, alarm: AlarmId) -> Option<Next> {
        let call = self.calls.get(&alarm)?;
        if call.open.wants != Wants::Answer || call.reach == Reach::Everybody {
            return None;
        }
        let answer = call.turn_since.after(self.answer_within);
        let receipt = call.unreceived_since.map(|since| since.after(NEXT_AFTER));
        let at = receipt.map_or(answer, |receipt| receipt.min(answer));
        Some(Next { who: self.who_is_next(call), at })
    }

    /// Whether anybody should listen: somebody is on duty, also without a device, or carries one.
    fn expects_somebody(&self) -> bool {
        !self.duty.is_empty() || !self.devices.is_empty()
    }

    fn take(&mut self, input: Input, now: Instant, actions: &mut Vec<Action>) {
        let expected = self.expects_somebody();
        self.take_in(input, now, actions);
        if !expected && self.expects_somebody() {
            self.nobody_from = now.after(START_GRACE);
        }
    }

    fn take_in(&mut self, input: Input, now: Instant, actions: &mut Vec<Action>) {
        match input {
            Input::Devices(list) => self.put_devices(&list, actions),
            Input::Duty(people) => self.duty = people,
            Input::Alarms(open) => self.put_alarms(&open, now),
            Input::Connected(device) => {
                // A connection that takes the place of another knows nothing of what that was sent.
                self.forget_sent(device, now);
                self.sounds(device, Sound::Heard);
                self.heard(device, now);
            }
            Input::Heard(device) if !self.is_connected(device) => {}
            Input::Heard(device) => self.heard(device, now),
            Input::Disconnected(device) => self.gone(device, now),
            Input::Sound(device, sound) => self.sounds(device, sound),
            Input::Receipt { device, alarm, version, receipt } => {
                if let Some(call) = self.calls.get_mut(&alarm)
                    && let Some(line) = call.lines.get_mut(&device)
                    // Of what it was sent, and of the newest cause: nobody confirms what may come.
                    && (call.open.renewed..=line.version).contains(&version)
                {
                    line.receipt = line.receipt.max(receipt);
                }
            }
            Input::CallNext(alarm) => {
                if let Some(mut call) = self.calls.remove(&alarm) {
                    if call.open.wants == Wants::Answer && call.reach == Reach::Called {
                        self.call_next(&mut call, Why::HandedOn, now, actions);
                    }
                    self.calls.insert(alarm, call);
                }
            }
            Input::Tick => {}
        }
    }

    fn put_devices(&mut self, list: &[(Device, Person)], actions: &mut Vec<Action>) {
        let before = std::mem::take(&mut self.devices);
        for &(device, person) in list {
            let known = before.get(&device);
            let heard_at = known.and_then(|carried| carried.heard_at);
            let sound = known.map_or(Sound::Heard, |carried| carried.sound);
            self.devices.insert(device, Carried { person, heard_at, sound });
        }
        for (device, carried) in before {
            if carried.heard_at.is_some() && !self.devices.contains_key(&device) {
                actions.push(Action::Drop(device));
            }
        }
        for call in self.calls.values_mut() {
            call.lines.retain(|device, _| self.devices.contains_key(device));
        }
    }

    fn put_alarms(&mut self, open: &[OpenAlarm], now: Instant) {
        let wanted = |alarm: &&OpenAlarm| alarm.wants != Wants::Nothing;
        self.calls.retain(|id, _| open.iter().filter(wanted).any(|alarm| alarm.alarm == *id));
        for &alarm in open.iter().filter(wanted) {
            let call = self.calls.entry(alarm.alarm).or_insert_with(|| Call {
                open: alarm,
                called: Vec::new(),
                reach: Reach::Called,
                turn_since: now,
                unreceived_since: None,
                lines: BTreeMap::new(),
            });
            call.open = alarm;
            // What was confirmed of an older cause says nothing of this one.
            for line in call.lines.values_mut().filter(|line| line.version < alarm.renewed) {
                line.receipt = Receipt::None;
            }
        }
    }

    fn heard(&mut self, device: Device, now: Instant) {
        if let Some(carried) = self.devices.get_mut(&device) {
            carried.heard_at = Some(now);
            if carried.sound == Sound::Heard {
                self.nobody_from = now.after(SILENT_MAX);
            }
        }
    }

    fn sounds(&mut self, device: Device, sound: Sound) {
        if let Some(carried) = self.devices.get_mut(&device) {
            carried.sound = sound;
        }
    }

    fn gone(&mut self, device: Device, now: Instant) {
        if let Some(carried) = self.devices.get_mut(&device) {
            carried.heard_at = None;
        }
        self.forget_sent(device, now);
    }

    fn forget_sent(&mut self, device: Device, now: Instant) {
        for line in self.calls.values_mut().filter_map(|call| call.lines.get_mut(&device)) {
            line.receipt = Receipt::None;
            line.again_at = now;
        }
    }

    fn drop_silent(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let silent = |carried: &Carried| {
            carried.heard_at.is_some_and(|heard_at| now.since(heard_at) >= SILENT_MAX)
        };
        let silent: Vec<Device> =
            self.devices.iter().filter(|(_, it)| silent(it)).map(|(device, _)| *device).collect();
        for device in silent {
            self.gone(device, now);
            actions.push(Action::Drop(device));
        }
    }

    /// Calls whoever else is due.
    fn advance(&self, call: &mut Call, now: Instant, actions: &mut Vec<Action>) {
        // Each round calls somebody more, so it ends with everybody.
        while call.reach == Reach::Called {
            let Some(why) = self.due(call, now) else { return };
            self.call_next(call, why, now, actions);
        }
        let remind =
            call.open.wants == Wants::Answer && now.since(call.turn_since) >= self.answer_within;
        if remind {
            call.turn_since = now;
            for line in call.lines.values_mut() {
                line.receipt = Receipt::None;
                line.again_at = now;
            }
        }
    }

    /// Why somebody more is to be called now.
    fn due(&self, call: &mut Call, now: Instant) -> Option<Why> {
        if call.called.is_empty() {
            return Some(Why::First);
        }
        if !self.duty.is_empty() && !self.duty.iter().any(|person| call.called.contains(person)) {
            return Some(Why::OtherShift);
        }
        if !self.connected().any(|(_, person)| call.called.contains(&person)) {
            return Some(Why::NotConnected);
        }
        let unreceived_since = match self.turn_has_receipt(call) {
            true => None,
            false => Some(call.unreceived_since.unwrap_or(now)),
        };
        call.unreceived_since = unreceived_since;
        if unreceived_since.is_some_and(|since| now.since(since) >= NEXT_AFTER) {
            return Some(Why::NoReceipt);
        }
        let unanswered = now.since(call.turn_since) >= self.answer_within;
        (call.open.wants == Wants::Answer && unanswered).then_some(Why::NoAnswer)
    }

    fn turn_has_receipt(&self, call: &Call) -> bool {
        let turn = call.called.last();
        call.lines.iter().any(|(device, line)| {
            let carried = self.devices.get(device);
            // What arrives without a sound wakes nobody.
            let is_theirs = |it: &Carried| Some(&it.person) == turn && it.sound == Sound::Heard;
            line.receipt > Receipt::None && carried.is_some_and(is_theirs)
        })
    }

    fn call_next(&self, call: &mut Call, why: Why, now: Instant, actions: &mut Vec<Action>) {
        let who = self.who_is_next(call);
        match who {
            Who::Person(person) => call.called.push(person),
            Who::Everybody => call.reach = Reach::Everybody,
        }
        call.turn_since = now;
        call.unreceived_since = Some(now);
        actions.push(Action::Called { alarm: call.open.alarm, who, why });
    }

    fn who_is_next(&self, call: &Call) -> Who {
        let next = self.duty.iter().find(|person| !call.called.contains(person));
        next.map_or(Who::Everybody, |person| Who::Person(*person))
    }

    fn send(&self, call: &mut Call, now: Instant, actions: &mut Vec<Action>) {
        let OpenAlarm { alarm, version, renewed, .. } = call.open;
        for (device, person) in self.connected() {
            let is_called = call.reach == Reach::Everybody || call.called.contains(&person);
            if !is_called {
                continue;
            }
            let attempt = match call.lines.get(&device) {
                None => 1,
                Some(line) if line.receipt > Receipt::None || now < line.again_at => continue,
                Some(line) if line.version < renewed => 1,
                Some(line) => line.attempt.saturating_add(1),
            };
            let pause = if attempt > FAST_ATTEMPTS { SLOW_RESEND_AFTER } else { RESEND_AFTER };
            let again_at = now.after(pause);
            let line = Line { version, attempt, receipt: Receipt::None, again_at };
            call.lines.insert(device, line);
            actions.push(Action::Send { device, alarm, version, attempt });
        }
    }

    fn connected(&self) -> impl Iterator<Item = (Device, Person)> + '_ {
        let connected = self.devices.iter().filter(|(_, carried)| carried.heard_at.is_some());
        connected.map(|(device, carried)| (*device, carried.person))
    }

    /// Whose devices are connected and can be heard.
    fn audible(&self) -> impl Iterator<Item = Person> + '_ {
        let is_heard = |it: &&Carried| it.heard_at.is_some() && it.sound == Sound::Heard;
        self.devices.values().filter(is_heard).map(|carried| carried.person)
    }

    fn judge(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let listening = if !self.expects_somebody() {
            Listening::NotExpected
        } else if self.audible().next().is_some() {
            Listening::Somebody
        } else if now >= self.nobody_from {
            Listening::Nobody
        } else {
            // Not long enough to say so; what was said of an hour ago is not taken back either.
            match self.listening {
                Listening::Nobody => Listening::Nobody,
                Listening::NotExpected | Listening::Somebody => Listening::Somebody,
            }
        };
        if listening != self.listening {
            self.listening = listening;
            actions.push(Action::Listening(listening));
        }
    }
}
