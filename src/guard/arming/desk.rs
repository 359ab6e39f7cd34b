//! The alarm path's side of arming: hands new rules over, keeps what was heard last, and says for
//! each zone what is shown.
//!
//! What is shown as off is only what the engine says is off; reasons are the arming thread's, while
//! it speaks. When it has not spoken for [`SILENCE_MAX`], inputs are unknown and zones armed, and
//! say so.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use super::{ArmOrder, ZoneRules};
use crate::engine::time::Instant;
use crate::engine::{ArmingView, DisarmedBy, ZoneIndex};
use crate::guard::handle::{Armed, ArmedBy, Input, InputSight, ZoneArming};
use crate::zone_file::ArmingRule;

/// Longest silence of the arming thread, which speaks twice a second.
pub const SILENCE_MAX: Duration = Duration::from_secs(2);

/// What the arming thread says at each look.
#[derive(Clone, Debug)]
pub struct ArmingNews {
    /// Of the rules it decided by.
    pub epoch: u64,
    /// When it looked.
    pub at: Instant,
    pub orders: Vec<ArmOrder>,
    pub inputs: Vec<Input>,
    /// By zone number.
    pub zones: Vec<Option<ZoneArming>>,
    /// For the record.
    pub notes: Vec<String>,
}

/// Hands new rules to the arming thread. Never waits.
#[derive(Debug)]
pub struct ArmingPost {
    epoch: u64,
    changes: SyncSender<ZoneRules>,
    /// Rules that found no room; until they do, decisions by the old ones are not carried out, so
    /// that everything is armed.
    waiting: Option<ZoneRules>,
}

impl ArmingPost {
    /// The post and the arming thread's end of it. The first rules have epoch 0.
    pub fn new() -> (ArmingPost, Receiver<ZoneRules>) {
        let (changes, received) = sync_channel(1);
        (ArmingPost { epoch: 0, changes, waiting: None }, received)
    }

    /// Zones have changed: these are the rules of all zones by number, `None` for a retired one. To
    /// be called in the same step of the alarm path in which the engine took the zones.
    pub fn put_rules(&mut self, rules: Vec<Option<ArmingRule>>) {
        self.epoch += 1;
        self.waiting = Some(ZoneRules { epoch: self.epoch, rules });
        self.flush();
    }

    /// Tries again to hand over what waits; to be called at every tick.
    pub fn flush(&mut self) {
        let Some(rules) = self.waiting.take() else {
            return;
        };
        if let Err(TrySendError::Full(rules)) = self.changes.try_send(rules) {
            self.waiting = Some(rules);
        }
    }

    /// Whether a decision was made by the rules in force.
    pub fn is_current(&self, epoch: u64) -> bool {
        epoch == self.epoch
    }
}

/// What is shown of inputs and arming.
#[derive(Clone, Debug, Default)]
pub struct ArmingDesk {
    news: Option<Heard>,
}

#[derive(Clone, Debug)]
struct Heard {
    at: Instant,
    inputs: Vec<Input>,
    zones: Vec<Option<ZoneArming>>,
}

impl ArmingDesk {
    /// The arming thread has spoken.
    pub fn hear(&mut self, at: Instant, inputs: Vec<Input>, zones: Vec<Option<ZoneArming>>) {
        self.news = Some(Heard { at, inputs, zones });
    }

    fn fresh(&self, now: Instant) -> Option<&Heard> {
        self.news.as_ref().filter(|heard| now.since(heard.at) <= SILENCE_MAX)
    }

    /// The inputs as they are now.
    pub fn inputs(&self, now: Instant) -> Vec<Input> {
        let Some(heard) = &self.news else {
            return Vec::new();
        };
        let later = now.since(heard.at);
        let silent = later > SILENCE_MAX;
        let later_ms = u64::try_from(later.as_millis()).unwrap_or(u64::MAX);
        let mut inputs = heard.inputs.clone();
        for input in &mut inputs {
            input.age_ms = input.age_ms.map(|age| age.saturating_add(later_ms));
            if silent {
                input.state = InputSight::Unknown(SILENT.into());
            }
        }
        inputs
    }

    /// What is shown of a zone, of which the engine says `view`.
    pub fn zone(&self, zone: ZoneIndex, view: ArmingView, now: Instant) -> ZoneArming {
        let told = self.fresh(now).and_then(|heard| heard.zones.get(usize::from(zone.0)));
        match (view, told.and_then(Option::as_ref)) {
            (ArmingView::Disarmed(_), Some(told)) if told.armed == Armed::No => told.clone(),
            (ArmingView::Armed, Some(told)) if told.armed == Armed::Yes => told.clone(),
            (ArmingView::Disarmed(by), _) => {
                let (by, reason) = match by {
                    DisarmedBy::Schedule => (ArmedBy::Schedule, "Off by schedule"),
                    DisarmedBy::Interlock => (ArmedBy::Interlock, "Off by its interlock"),
                };
                let by = Some(by);
                ZoneArming { armed: Armed::No, by, reason: reason.into(), until: None }
            }
            // Off is decided and not yet carried out.
            (ArmingView::Armed, Some(_)) => armed("Armed"),
            (ArmingView::Armed, None) => match self.fresh(now) {
                Some(_) => armed("Armed"),
                None => armed(&format!("Armed because {SILENT}")),
            },
        }
    }
}

const SILENT: &str = "nobody looks at schedules and inputs";

fn armed(reason: &str) -> ZoneArming {
    ZoneArming { armed: Armed::Yes, by: None, reason: reason.into(), until: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(armed: Armed, reason: &str) -> ZoneArming {
        ZoneArming { armed, by: None, reason: reason.into(), until: None }
    }

    fn desk(zone: Option<ZoneArming>) -> ArmingDesk {
        let input = Input {
            name: "press".into(),
            state: InputSight::Off,
            since: jiff::Timestamp::UNIX_EPOCH,
            age_ms: Some(100),
        };
        let mut desk = ArmingDesk::default();
        desk.hear(Instant::from_millis(1_000), vec![input], vec![zone]);
        desk
    }

    const OFF: ArmingView = ArmingView::Disarmed(DisarmedBy::Interlock);

    #[test]
    fn only_what_the_engine_has_off_is_shown_as_off() {
        let soon = Instant::from_millis(1_200);
        let zone = |desk: &ArmingDesk, view| desk.zone(ZoneIndex(0), view, soon);
        let off = desk(Some(told(Armed::No, "Off while press is off")));
        assert_eq!(zone(&off, OFF).reason, "Off while press is off");
        assert_eq!(zone(&off, ArmingView::Armed).armed, Armed::Yes);
        let on = desk(Some(told(Armed::Yes, "Armed while press is on")));
        assert_eq!(zone(&on, ArmingView::Armed).reason, "Armed while press is on");
        assert_eq!(zone(&on, OFF).armed, Armed::No);
        assert_eq!(zone(&desk(None), ArmingView::Armed).armed, Armed::Yes);
    }

    #[test]
    fn an_arming_thread_that_is_silent_vouches_for_nothing() {
        let desk = desk(Some(told(Armed::No, "Off while press is off")));
        let late = Instant::from_millis(3_001);
        let shown = desk.zone(ZoneIndex(0), ArmingView::Armed, late);
        assert_eq!(shown.reason, "Armed because nobody looks at schedules and inputs");
        let inputs = desk.inputs(late);
        assert_eq!(inputs[0].state, InputSight::Unknown(SILENT.into()));
        assert_eq!(inputs[0].age_ms, Some(2_101));
    }

    #[test]
    fn rules_that_find_no_room_wait_and_older_decisions_do_not_count() {
        let (mut post, received) = ArmingPost::new();
        assert!(post.is_current(0));
        post.put_rules(vec![None]);
        post.put_rules(vec![None, None]);
        assert!(!post.is_current(0) && !post.is_current(1) && post.is_current(2));
        assert_eq!(received.try_recv().expect("the first").epoch, 1);
        post.flush();
        assert_eq!(received.try_recv().expect("the newest").epoch, 2);
        post.flush();
        assert!(received.try_recv().is_err());
    }
}
