//! Handhelds and the people who carry them, as played.

use std::collections::BTreeMap;
use std::time::Duration;

use standclear::engine::AlarmId;
use standclear::engine::paging::{Action, Device, Input, Pager, Person, Receipt};
use standclear::engine::time::Instant;

use crate::random::Random;
use crate::script::{Fault, Script};

pub const DEVICES: usize = 3;

/// Who carries what, and who comes first.
const CARRIED: [(Device, Person); DEVICES] =
    [(Device(0), Person(0)), (Device(1), Person(1)), (Device(2), Person(1))];
const DUTY: [Person; 2] = [Person(0), Person(1)];

/// An answer that lay longer on a handheld is not sent.
const ANSWER_AGE_MAX: Duration = Duration::from_secs(120);

const PONG_EVERY: Duration = Duration::from_secs(1);

/// Whoever carries a handheld presses for this alarm, as they saw it.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub pressed_at: Instant,
    pub alarm: AlarmId,
    pub seen: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Handheld {
    connected: bool,
    back_at: Option<Instant>,
    pong_at: Option<Instant>,
    /// Receipts on their way: when, of what.
    receipts: Vec<(Instant, AlarmId, u64, Receipt)>,
    /// The newest version of each alarm that it has shown.
    pub has: BTreeMap<AlarmId, u64>,
    presses: Vec<Answer>,
    /// Since when it could be reached without a break.
    pub healthy_since: Option<Instant>,
}

/// All of them; they outlive the guard.
#[derive(Default)]
pub struct Handhelds {
    pub all: [Handheld; DEVICES],
    /// People answer everything from here on.
    pub diligent: bool,
}

/// A guard that starts knows these.
pub fn begin(pager: &mut Pager, now: Instant) {
    pager.step(Input::Devices(CARRIED.to_vec()), now);
    pager.step(Input::Duty(DUTY.to_vec()), now);
}

impl Handhelds {
    /// What reaches the guard of them now, and which answers.
    pub fn step(
        &mut self,
        script: &Script,
        random: &mut Random,
        now: Instant,
    ) -> (Vec<Input>, Vec<Answer>) {
        let (mut inputs, mut answers) = (Vec::new(), Vec::new());
        for (number, handheld) in self.all.iter_mut().enumerate() {
            let device = Device(number as u32);
            let radio = !script.fails(Fault::NetworkGone, now);
            let there = !script.fails(Fault::HandheldGone(number), now);
            let answers_at_all = !script.fails(Fault::HandheldHangs(number), now);
            if handheld.connected && !there {
                handheld.connected = false;
                inputs.push(Input::Disconnected(device));
            }
            let healthy = handheld.connected && radio && there && answers_at_all;
            if !healthy {
                handheld.healthy_since = None;
            }
            if !handheld.connected && radio && there {
                let back_at = *handheld.back_at.get_or_insert(now.after(random.millis(100, 900)));
                if back_at <= now {
                    handheld.back_at = None;
                    handheld.connected = true;
                    inputs.push(Input::Connected(device));
                }
            }
            if healthy {
                handheld.healthy_since.get_or_insert(now);
                handheld.live(device, now, &mut inputs, &mut answers);
            }
        }
        (inputs, answers)
    }

    /// What the guard wants done with them.
    pub fn act(&mut self, action: Action, random: &mut Random, now: Instant) {
        match action {
            Action::Send { device, alarm, version, .. } => {
                let press = self.diligent || random.chance(0.6);
                let handheld = &mut self.all[device.0 as usize];
                if handheld.healthy_since.is_none() {
                    return;
                }
                let received = now.after(random.millis(20, 80));
                handheld.receipts.push((received, alarm, version, Receipt::Received));
                let shown = received.after(random.millis(20, 120));
                handheld.receipts.push((shown, alarm, version, Receipt::Shown));
                if press {
                    let pressed_at = shown.after(random.millis(1_000, 12_000));
                    handheld.presses.push(Answer { pressed_at, alarm, seen: version });
                }
            }
            Action::Drop(device) => self.all[device.0 as usize].cut(),
            Action::Called { .. } | Action::Listening(_) => {}
        }
    }

    /// The guard is gone.
    pub fn cut(&mut self) {
        self.all.iter_mut().for_each(Handheld::cut);
    }
}

impl Handheld {
    fn cut(&mut self) {
        (self.connected, self.back_at, self.healthy_since) = (false, None, None);
        self.receipts.clear();
    }

    fn live(
        &mut self,
        device: Device,
        now: Instant,
        inputs: &mut Vec<Input>,
        answers: &mut Vec<Answer>,
    ) {
        if self.pong_at.is_none_or(|at| at <= now) {
            self.pong_at = Some(now.after(PONG_EVERY));
            inputs.push(Input::Heard(device));
        }
        let (ready, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.receipts).into_iter().partition(|(at, ..)| *at <= now);
        self.receipts = later;
        for (_, alarm, version, receipt) in ready {
            if receipt == Receipt::Shown {
                let has = self.has.entry(alarm).or_default();
                *has = version.max(*has);
            }
            inputs.push(Input::Receipt { device, alarm, version, receipt });
        }
        let (ready, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.presses).into_iter().partition(|it| it.pressed_at <= now);
        self.presses = later;
        answers.extend(ready.into_iter().filter(|it| now.since(it.pressed_at) <= ANSWER_AGE_MAX));
    }
}
