//! Starts the shadow process, watches it, starts it again, and gives up.
//!
//! ```text
//!  off ── watch ──> starting ── Ready ──> watching
//!                     ^  │ ended, hung       │
//!                     └──┴─ resting <────────┘ ── died too often (`deaths`) ──> gave up
//! ```
//!
//! A life that ends with the active process beside which it looked is no death.
//!
//! Not here: what a model becomes that died too often (whoever `on_gave_up` calls).

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::deaths::{Deaths, HEALTHY_AFTER, Lived, Then};
use super::post::{GaveUp, Order, Shared};
use super::process::{End, Life, Plan};
use super::{Gone, ShadowQueue, Told};
use crate::clock;
use crate::engine::time::Instant;
use crate::guard::handle::shadowing::ShadowState;
use crate::link::ModelChoice;

/// First and longest pause before the next start; doubled after each failure.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// How often the process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How soon there is another look for an active process, where there is none to be fed by.
const NO_FEED: Duration = Duration::from_millis(500);

/// Starts the thread; it ends at `Order::Stop`.
pub(super) fn start(
    plan: Plan,
    orders: Receiver<Order>,
    to: ShadowQueue,
    shared: Arc<Shared>,
) -> io::Result<JoinHandle<()>> {
    let supervisor = Supervisor { plan, orders, to, shared, wanted: None };
    thread::Builder::new().name("shadow".into()).spawn(move || supervisor.run())
}

struct Supervisor {
    plan: Plan,
    orders: Receiver<Order>,
    to: ShadowQueue,
    shared: Arc<Shared>,
    wanted: Option<ModelChoice>,
}

/// What comes next.
#[derive(PartialEq, Eq)]
enum Next {
    /// The same model.
    GoOn,
    /// Another one, or none.
    Ordered,
    Stop,
}

impl Supervisor {
    fn run(mut self) {
        loop {
            let next = match self.wanted.clone() {
                None => self.wait(Duration::MAX),
                Some(model) => self.watch(&model),
            };
            if next == Next::Stop {
                self.to.end();
                return;
            }
        }
    }

    /// Until something else is wanted.
    fn watch(&mut self, model: &ModelChoice) -> Next {
        let (mut pause, mut deaths) = (BACK_OFF.0, Deaths::default());
        loop {
            self.set(ShadowState::Starting, "the model is being loaded");
            let (started, beside) = (clock::monotonic(), self.plan.feed.life());
            let end = match Life::start(&self.plan, model, &self.to) {
                Ok(life) => match self.look_after(life) {
                    Ok(end) => end,
                    Err(next) => return next,
                },
                // There is no active process, or it does not take the end: nobody's death.
                Err(error) => {
                    tracing::debug!("the shadow process cannot be started: {error}");
                    self.set(ShadowState::Resting, "there is nothing to look beside");
                    match self.wait(NO_FEED) {
                        Next::GoOn => continue,
                        next => return next,
                    }
                }
            };
            let failed = end.status.is_none_or(|status| !status.success());
            // Behind all that it said; before anything is made of its not being there.
            self.to.tell(Told::Gone(if failed { Gone::Failed } else { Gone::Unneeded }));
            let lived = clock::monotonic().since(started);
            let well = lived >= HEALTHY_AFTER && end.watched;
            deaths.lived(if well { Lived::Well } else { Lived::Shortly });
            if well {
                pause = BACK_OFF.0;
            }
            self.shared.standing().restarts += 1;
            if failed {
                tracing::warn!("shadow model {}: {}", model.slot, end.reason);
                if let Then::GiveUp { deaths, words } = deaths.died(clock::monotonic()) {
                    return self.give_up(model, end.reason, (deaths, words));
                }
            }
            self.set(ShadowState::Resting, &end.reason);
            match self.wait(pause) {
                Next::GoOn if self.plan.feed.life() != beside => pause = BACK_OFF.0,
                Next::GoOn => pause = (pause * 2).min(BACK_OFF.1),
                next => return next,
            }
        }
    }

    /// Until it ends, or something else is wanted.
    fn look_after(&mut self, mut life: Life) -> Result<End, Next> {
        loop {
            match self.wait(LOOK_EVERY) {
                Next::GoOn => {}
                next => {
                    life.end();
                    if next == Next::Ordered {
                        self.to.tell(Told::Gone(Gone::Unneeded));
                    }
                    return Err(next);
                }
            }
            if life.exited().is_some() {
                return Ok(life.end());
            }
            if !self.plan.feed.is(life.beside()) {
                let end = life.end();
                // It would have ended by itself.
                let status = Some(std::process::ExitStatus::default());
                return Ok(End { reason: "the active process ended".into(), status, ..end });
            }
            if let Some(reason) = life.hung(clock::monotonic()) {
                return Ok(End { reason, ..life.end() });
            }
        }
    }

    fn give_up(
        &mut self,
        model: &ModelChoice,
        reason: String,
        (deaths, words): (u32, &'static str),
    ) -> Next {
        let often = format!("it died {deaths} times {words}");
        tracing::error!("shadow model {}: {often}, and is not started again: {reason}", model.slot);
        self.set(ShadowState::GaveUp, &format!("{often}: {reason}"));
        self.wanted = None;
        self.to.end();
        self.shared.tell_gave_up(&GaveUp { model: model.clone(), reason, deaths, words });
        Next::Ordered
    }

    fn set(&self, state: ShadowState, text: &str) {
        let mut standing = self.shared.standing();
        // That it watches is for the comparer to say.
        standing.state = state;
        text.clone_into(&mut standing.text);
    }

    /// Waits for an order, at most so long.
    fn wait(&mut self, at_most: Duration) -> Next {
        let until: Option<Instant> =
            (at_most != Duration::MAX).then(|| clock::monotonic().after(at_most));
        let order = match until {
            None => self.orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(until) => self.orders.recv_timeout(until.since(clock::monotonic())),
        };
        match order {
            Ok(Order::Watch(wanted)) if wanted.is_some() && wanted == self.wanted => Next::GoOn,
            Ok(Order::Watch(wanted)) => {
                {
                    let mut standing = self.shared.standing();
                    standing.restarts = 0;
                    if let Some(model) = &wanted {
                        standing.candidate = Some(model.slot.clone());
                    }
                }
                if wanted.is_none() {
                    self.set(ShadowState::Off, "");
                }
                self.to.end();
                self.wanted = wanted;
                Next::Ordered
            }
            Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => Next::Stop,
            Err(RecvTimeoutError::Timeout) => Next::GoOn,
        }
    }
}
