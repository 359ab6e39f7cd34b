//! The arming thread: looks at clock and inputs, and tells the alarm path.
//!
//! It never waits for the alarm path: a message that finds no room is given up, and what it would
//! have said is said at the next look. A panic ends nothing but the leases; the thread begins anew.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;

use super::{Arming, TestHold, ZoneRules};
use crate::clock;
use crate::engine::time::Instant;
use crate::guard::arming::desk::ArmingNews;
use crate::guard::handle::{Input, InputSight};
use crate::guard::inputs::{InputState, InputTable, Moment, SharedInputs, Stop};
use crate::guard::message::Message;

/// How often clock and inputs are looked at when nothing changes.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Shortest time between two looks: a flood of readings must not become a flood of messages.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// Pause before a thread that panicked begins anew; the leases run out meanwhile.
const AGAIN_AFTER: Duration = Duration::from_secs(4);

/// Notes that wait for room at the alarm path; more are counted.
const NOTES_KEPT: usize = 64;

/// What the thread is started with.
#[derive(Debug)]
pub struct ArmingPlan {
    /// IANA name.
    pub time_zone: String,
    pub rules: ZoneRules,
    /// The last sign of an earlier life: now is not before it.
    pub last_alive: Option<Timestamp>,
    pub inputs: Arc<SharedInputs>,
    /// New rules, from the alarm path's [`super::ArmingPost`].
    pub changes: Receiver<ZoneRules>,
    pub alarm_path: SyncSender<Message>,
    /// The zone that is armed for its walk test.
    pub hold: TestHold,
}

/// The thread, to be stopped.
#[derive(Debug)]
pub struct ArmingThread {
    stop: Stop,
    thread: JoinHandle<()>,
}

impl ArmingThread {
    /// # Errors
    /// The system does not allow another thread.
    pub fn start(plan: ArmingPlan) -> io::Result<ArmingThread> {
        let stop = Stop::default();
        let stopped = stop.clone();
        let thread =
            thread::Builder::new().name("arming".into()).spawn(move || run(plan, &stopped))?;
        Ok(ArmingThread { stop, thread })
    }

    /// Disarms nothing from now on; what is off is armed when its lease runs out.
    pub fn stop(&self) {
        self.stop.stop();
        self.thread.thread().unpark();
    }

    /// Waits until it has ended.
    pub fn join(self) {
        self.stop();
        let _ = self.thread.join();
    }
}

fn run(mut plan: ArmingPlan, stop: &Stop) {
    plan.inputs.wake_me();
    loop {
        let ran = panic::catch_unwind(AssertUnwindSafe(|| Runner::new(&plan).run(&mut plan, stop)));
        match ran {
            Ok(Ended::Stopped) => return,
            Ok(Ended::AlarmPathGone) => {
                tracing::info!("the arming thread ends with the alarm path");
                return;
            }
            Err(_panic) => tracing::error!(
                "the arming thread panicked; every zone is armed until it looks again in {} s",
                AGAIN_AFTER.as_secs()
            ),
        }
        let until = clock::monotonic().after(AGAIN_AFTER);
        while clock::monotonic() < until {
            if stop.is_stopped() {
                return;
            }
            thread::park_timeout(LOOK_EVERY);
        }
    }
}

enum Ended {
    Stopped,
    AlarmPathGone,
}

/// Whether there can be more.
enum Changes {
    MayCome,
    NeverAgain,
}

struct Runner {
    arming: Arming,
    notes: Vec<String>,
    notes_lost: u32,
}

impl Runner {
    fn new(plan: &ArmingPlan) -> Runner {
        let arming = Arming::new(&plan.time_zone, plan.rules.clone(), plan.last_alive);
        Runner { arming, notes: Vec::new(), notes_lost: 0 }
    }

    fn run(&mut self, plan: &mut ArmingPlan, stop: &Stop) -> Ended {
        while !stop.is_stopped() {
            if let Changes::NeverAgain = self.take_rules(plan) {
                return Ended::AlarmPathGone;
            }
            let looked_at = clock::monotonic();
            self.look(plan, Moment { monotonic: looked_at, wall: clock::wall() });
            // Woken by a reading; but not more often than the pause allows.
            thread::park_timeout(LOOK_EVERY);
            loop {
                let passed = clock::monotonic().since(looked_at);
                if passed >= LOOK_PAUSE {
                    break;
                }
                thread::park_timeout(LOOK_PAUSE - passed);
            }
        }
        Ended::Stopped
    }

    /// Takes new rules. They are kept in the plan too: a thread that begins anew goes on by the
    /// newest, since decisions by older ones are not carried out.
    fn take_rules(&mut self, plan: &mut ArmingPlan) -> Changes {
        match plan.changes.try_recv() {
            Ok(rules) => {
                plan.rules = rules.clone();
                self.arming.put_rules(rules);
                Changes::MayCome
            }
            Err(TryRecvError::Empty) => Changes::MayCome,
            Err(TryRecvError::Disconnected) => Changes::NeverAgain,
        }
    }

    fn look(&mut self, plan: &ArmingPlan, now: Moment) {
        let mut table = plan.inputs.table();
        let changes = table.look(now);
        self.arming.hold(plan.hold.now(now.monotonic));
        let look = self.arming.look(&table, now);
        let zone = self.arming.time_zone();
        let notes: Vec<String> =
            changes.iter().map(|it| it.text(table.name(it.input), zone)).collect();
        let inputs = shown(&table, now.monotonic, &self.arming);
        drop(table);
        notes.into_iter().for_each(|note| self.note(note));
        if let Some(jump) = &look.jump {
            tracing::warn!("{jump}; schedules switch nothing off until it has been steady");
            self.note(format!("{jump}: schedules switch nothing off until it has been steady"));
        }
        let news = ArmingNews {
            epoch: self.arming.epoch(),
            at: now.monotonic,
            orders: look.orders,
            inputs,
            zones: self.arming.shown(),
            notes: self.notes.clone(),
        };
        let orders = news.orders.clone();
        match plan.alarm_path.try_send(Message::Arming(Box::new(news))) {
            Ok(()) => self.notes.clear(),
            Err(_full_or_gone) => self.arming.undelivered(&orders),
        }
    }

    fn note(&mut self, note: String) {
        if self.notes.len() == NOTES_KEPT {
            self.notes_lost = self.notes_lost.saturating_add(1);
            return;
        }
        if self.notes_lost > 0 {
            self.notes.push(format!("{} notes on inputs were lost", self.notes_lost));
            self.notes_lost = 0;
        }
        self.notes.push(note);
    }
}

/// The inputs as people see them.
fn shown(table: &InputTable, now: Instant, arming: &Arming) -> Vec<Input> {
    let input = |(name, state, since, age): (&str, InputState, _, Option<Duration>)| Input {
        name: name.to_owned(),
        state: match state {
            InputState::On => InputSight::On,
            InputState::Off => InputSight::Off,
            InputState::Unknown(why) => InputSight::Unknown(why.reason(arming.time_zone())),
        },
        since,
        age_ms: age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
    };
    table.rows(now).map(input).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::guard::arming::ArmingPost;

    #[test]
    fn a_thread_that_begins_anew_goes_on_by_the_newest_rules() {
        let (mut post, changes) = ArmingPost::new();
        let (alarm_path, _messages) = sync_channel(1);
        let table = InputTable::new(&[], clock::wall());
        let mut plan = ArmingPlan {
            time_zone: "UTC".into(),
            rules: ZoneRules::default(),
            last_alive: None,
            inputs: Arc::new(SharedInputs::new(table)),
            changes,
            alarm_path,
            hold: TestHold::default(),
        };
        let mut runner = Runner::new(&plan);
        post.put_rules(vec![None]);
        assert!(matches!(runner.take_rules(&mut plan), Changes::MayCome));
        // As after a panic.
        let anew = Runner::new(&plan);
        assert!(post.is_current(anew.arming.epoch()), "its decisions are carried out");
    }
}
