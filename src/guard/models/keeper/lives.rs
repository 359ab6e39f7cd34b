//! The lives of the vision process: what each may load, and what is heard of it.

use super::{Keeper, Kind, Life, Told};
use crate::clock;
use crate::engine::time::Instant;
use crate::guard::models::seen::{LifeEnd, ModelNews};
use crate::guard::models::take;
use crate::link::{ModelChoice, ModelInfo, PassedOver};
use crate::model_store::blobs;
use crate::rollout::probation::Seen;
use crate::rollout::slot::{Digest, Slot};
use crate::rollout::stage::{Event, Fault};
use crate::telemetry::chain;

impl Keeper {
    /// What the next life may load. One attempt of a trial is on the disk when this returns, or the
    /// trial is not in the order.
    pub(super) fn order(&mut self) -> Vec<ModelChoice> {
        let now = clock::monotonic();
        if let Some(owed) = &mut self.owed {
            owed.again_at = now;
        }
        self.settle(now);
        let before = self.store.ledger().generation();
        let booted = self.store.boot();
        if let Some((digest, fault)) = booted.ended {
            let kind = if fault == Fault::CrashLoop { Kind::CrashLoop } else { Kind::RolledBack };
            self.book.tell(Told::now(kind, Some(Slot::Blob(digest)), fault.to_string()));
            self.watch = None;
            self.reviews_open = 0;
            self.sweep_due = true;
        }
        match booted.not_kept {
            None if self.store.ledger().generation() != before => self.is_kept(),
            None => {}
            Some(error) => self.cannot_keep(&chain(&error)),
        }
        let banned = self.owed.as_ref().map(|owed| Slot::Blob(owed.digest));
        let mut order: Vec<Slot> =
            booted.order.into_iter().filter(|slot| Some(*slot) != banned).collect();
        order.retain(|slot| self.is_what_it_says(*slot, now));
        if !order.contains(&Slot::Shipped) {
            order.push(Slot::Shipped);
        }
        self.publish();
        order.into_iter().map(|slot| self.shared.folders.choice(slot)).collect()
    }

    /// The manifest holds the digest of every other file, and whoever loads a model holds it against
    /// that; the manifest itself is held against the ledger here.
    fn is_what_it_says(&mut self, slot: Slot, now: Instant) -> bool {
        let Some(digest) = slot.digest() else { return true };
        let path = blobs::folder_of(digest).join(crate::model_package::folder::MANIFEST);
        let found = take::read_small(&self.files, &path).map(Digest::of);
        let (fault, why) = match found {
            Ok(found) if found == digest => return true,
            Ok(found) => (Fault::FlippedBit, format!("its manifest is that of {found}")),
            Err(error) => (Fault::TornFile, format!("its manifest cannot be read: {error}")),
        };
        let text = format!("{slot} is passed over: {why}; install it again");
        self.book.tell(Told::now(Kind::Fault, Some(slot), text.clone()));
        self.passed_over = Some(text);
        self.against(digest, fault, &why, now);
        false
    }

    pub(super) fn heard(&mut self, news: ModelNews, now: Instant) {
        match news {
            ModelNews::LifeBegins { order } => {
                self.life_is_over();
                self.life.order = order.iter().filter_map(|slot| slot.parse().ok()).collect();
                self.tell_left_out();
            }
            ModelNews::Ready(info) => self.ready(&info, now),
            ModelNews::Frame { decided_ns, inference_ns, .. } => {
                self.saw_frame(Instant::from_nanos(decided_ns), inference_ns);
            }
            ModelNews::Heartbeat => self.saw(Seen::Heartbeat, now),
            ModelNews::Prepared { switch, outcome } => self.prepared(switch, outcome, now),
            ModelNews::Switched { switch, outcome } => self.switched(switch, outcome, now),
            ModelNews::FellBack { model, reason } => self.fell_back(&model, &reason, now),
            ModelNews::Golden { run, outcome } => self.saw_golden(run, outcome, now),
            ModelNews::LifeEnded { how, reason } => self.life_ended(how, &reason, now),
        }
    }

    /// A life whose order was given while the disk hung guards without the trial, which goes on in the
    /// next one: whoever looks after it must know that nothing is shown meanwhile.
    fn tell_left_out(&mut self) {
        let Some(trial) = self.store.ledger().trial().map(|trial| trial.slot) else { return };
        let slot = Slot::Blob(trial);
        let is_owed = self.owed.as_ref().is_some_and(|owed| owed.digest == trial);
        if is_owed || self.life.order.contains(&slot) {
            return;
        }
        let text = format!(
            "{slot} is on probation and does not guard in this life of the vision process: the disk \
             did not take its attempt in time. The next life begins with it; or roll it back"
        );
        self.book.tell(Told::now(Kind::Fault, Some(slot), text.clone()));
        self.life.left_out = Some((trial, text));
    }

    fn ready(&mut self, info: &ModelInfo, now: Instant) {
        // One that was told no slot has what came first.
        let said = info.slot.parse::<Slot>().ok();
        let active = said.or_else(|| self.life.order.first().copied()).unwrap_or(Slot::Shipped);
        self.life.active = Some(active);
        self.life.standby = None;
        self.active_is(Some(active));
        let passed: Vec<(Slot, &PassedOver)> = info
            .passed_over
            .iter()
            .filter_map(|it| Some((it.slot.parse::<Slot>().ok()?, it)))
            .collect();
        self.shared.change(|shown| {
            let said = passed.iter().map(|(slot, it)| (*slot, it.reason.clone()));
            shown.active.passed_over = said.collect();
        });
        for (slot, it) in passed {
            let text = format!("{slot} could not be loaded: {}", it.reason);
            self.book.tell(Told::now(Kind::Fault, Some(slot), text.clone()));
            match slot.digest().filter(|digest| self.is_on_trial(*digest)) {
                Some(digest) => self.not_loaded(digest, &it.reason, now),
                None => self.passed_over = Some(text),
            }
        }
        let by_right = self.store.ledger().committed() == active;
        if by_right {
            self.passed_over = None;
        }
        if active.digest().is_some_and(|digest| self.is_on_trial(digest)) {
            self.begin_watch(now);
        }
    }

    /// The model on trial is there and cannot be loaded, or its files are not what they were.
    fn not_loaded(&mut self, digest: Digest, why: &str, now: Instant) {
        let (fault, why) = blobs::what_is_wrong(&self.files, digest)
            .unwrap_or_else(|| (Fault::Error, why.to_owned()));
        self.take_back(Event::Fault(fault), &why, None, now);
    }

    fn fell_back(&mut self, model: &ModelInfo, reason: &str, now: Instant) {
        let was = self.life.active;
        let to = model.slot.parse().ok().or(self.life.standby);
        let to = to.unwrap_or_else(|| self.store.ledger().committed());
        let put_back = was.filter(|_| self.life.kept_until.is_some());
        // It looks with the other one already.
        self.step = super::Step::Idle;
        self.is_back(to);
        if let Some(failed) = put_back.filter(|it| *it == self.store.ledger().committed()) {
            self.not_put_back(failed, reason);
        }
        if let Some(digest) = was.and_then(Slot::digest).filter(|it| self.is_on_trial(*it)) {
            self.against(digest, Fault::Error, reason, now);
        }
    }

    fn life_ended(&mut self, how: LifeEnd, reason: &str, now: Instant) {
        let first = self.life.active.or(self.life.order.first().copied());
        let on_trial = first.and_then(Slot::digest).filter(|digest| self.is_on_trial(*digest));
        self.note_progress();
        self.life_is_over();
        let Some(digest) = on_trial else { return };
        match how {
            LifeEnd::Hung => self.against(digest, Fault::Hung, reason, now),
            LifeEnd::Failed => self.against(digest, Fault::Error, reason, now),
            // Counted at the next start.
            LifeEnd::Killed => {
                let text = format!("the vision process died in its trial: {reason}");
                self.book.tell(Told::now(Kind::Fault, Some(Slot::Blob(digest)), text));
            }
            LifeEnd::Stopped => {}
        }
    }

    fn life_is_over(&mut self) {
        self.step_is_gone();
        self.watch = None;
        self.life = Life::default();
        self.active_is(None);
    }

    /// Something that the vision process did was not heard: it is not known which model guards, and
    /// nothing more is counted for or against one before that is told anew.
    pub(super) fn has_missed_news(&mut self) {
        self.life_is_over();
        self.restart_vision("what it did was not heard while the keeper of models was held up");
    }

    /// What guards, for those who look.
    pub(super) fn active_is(&mut self, slot: Option<Slot>) {
        let since = slot.map(|_| clock::wall());
        self.shared.change(|shown| (shown.active.slot, shown.active.since) = (slot, since));
    }
}
