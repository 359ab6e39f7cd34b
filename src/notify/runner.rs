//! The thread of a channel: reads what waits, asks the policy, sends, notes how far it got.
//!
//! It looks for work every [`POLL`]: a level, not an edge, so that nothing is ever waited for that
//! nobody announces. How far it got is noted once it has nothing more to send, or every
//! [`NOTED_AFTER`] messages, since each note is a synced write on the store's thread.
//!
//! Not here: what the channel does with a letter.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::clock_steps::ClockSteps;
use super::{
    Arrived, Channel, Faces, Letter, Loss, Occasion, Sent, Source, SourceError, State, Tended,
    Waiting,
};
use crate::clock;
use crate::engine::delivery::{
    Class, Delivery, Heads, LossReason, Outcome, Progress, Step, Told, Verdict,
};
use crate::engine::time::Instant;

/// How often there is a look for something to send.
pub const POLL: Duration = Duration::from_millis(100);

/// Messages after which it is noted how far the channel got, also when more wait.
const NOTED_AFTER: usize = 32;

/// How often what people see of the backlog is made anew.
const SHOWN_EVERY: Duration = Duration::from_secs(2);

/// Pause before a channel that panicked, or an outbox that does not answer, is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Orders that wait for a channel.
const ORDERS_MAX: usize = 4;

/// Somebody wants to know whether the channel works.
#[derive(Debug)]
pub struct TestOrder {
    pub by: String,
    pub reply: SyncSender<Sent>,
}

/// What a channel's thread is made of.
pub struct Parts {
    pub name: String,
    pub box_id: String,
    pub channel: Box<dyn Channel>,
    pub source: Box<dyn Source>,
    pub faces: Faces,
    /// Classes that the channel wants.
    pub classes: Vec<Class>,
    pub seed: u64,
}

/// A channel that runs.
pub struct Running {
    pub name: String,
    pub orders: SyncSender<TestOrder>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Tells it to end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
    }

    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }
}

/// Starts a channel's thread.
///
/// # Errors
/// The system does not allow another thread.
pub fn start(parts: Parts) -> io::Result<Running> {
    let (orders, ordered) = mpsc::sync_channel(ORDERS_MAX);
    let stop = Arc::new(AtomicBool::new(false));
    let name = parts.name.clone();
    let runner = Runner::new(parts, ordered, stop.clone());
    let thread = thread::Builder::new().name("channel".into()).spawn(move || runner.run())?;
    Ok(Running { name, orders, stop, thread })
}

struct Runner {
    parts: Parts,
    delivery: Delivery,
    ordered: Receiver<TestOrder>,
    stop: Arc<AtomicBool>,
    /// Dealt with, and not noted yet.
    unnoted: Vec<Progress>,
    told: Vec<Told>,
    unnoted_messages: usize,
    losses: Vec<Loss>,
    shown_at: Option<Instant>,
    steps: ClockSteps,
}

/// Whether there may be more to do at once.
#[derive(PartialEq, Eq)]
enum Turn {
    More,
    Rest,
}

impl Runner {
    fn new(parts: Parts, ordered: Receiver<TestOrder>, stop: Arc<AtomicBool>) -> Runner {
        Runner {
            delivery: Delivery::new(parts.seed),
            parts,
            ordered,
            stop,
            unnoted: Vec::new(),
            told: Vec::new(),
            unnoted_messages: 0,
            losses: Vec::new(),
            shown_at: None,
            steps: ClockSteps::new(clock::wall(), clock::monotonic()),
        }
    }

    fn run(mut self) {
        while !self.is_stopped() {
            let turned = panic::catch_unwind(AssertUnwindSafe(|| self.turn()));
            match turned {
                Ok(Ok(Turn::More)) => {}
                Ok(Ok(Turn::Rest)) => thread::park_timeout(POLL),
                Ok(Err(error)) => {
                    self.broken(&error.to_string());
                    thread::park_timeout(AGAIN_AFTER);
                }
                Err(_panic) => {
                    self.broken("its thread panicked");
                    thread::park_timeout(AGAIN_AFTER);
                }
            }
        }
        self.parts.channel.close();
        // What is not noted is delivered once more after the next start.
        let _ = self.note();
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn turn(&mut self) -> Result<Turn, SourceError> {
        self.steps.look(clock::wall(), clock::monotonic());
        match self.parts.channel.tend() {
            Tended::Same => {}
            Tended::Came => {
                self.works();
                self.delivery.hurry();
            }
            Tended::Complains(why) => self.complains(why),
            Tended::Broken(why) => self.broken(&why),
        }
        while let Ok(order) = self.ordered.try_recv() {
            let letter = Letter::test(&self.parts.box_id, clock::wall(), &order.by);
            let sent = self.send(&letter);
            // Whoever asked may have gone.
            let _ = order.reply.try_send(sent);
        }
        self.show()?;
        let waiting = self.waiting()?;
        let mut heads = Heads::default();
        for message in &waiting {
            heads.set(message.class, Some(message.id));
        }
        let turn = match self.delivery.next(heads, clock::monotonic()) {
            Step::Wait(_) => Turn::Rest,
            Step::Probe { class } => {
                let suspect = waiting.iter().find(|message| message.class == class);
                let box_id = &self.parts.box_id;
                let letter = match suspect {
                    Some(message) => Letter::probe(box_id, clock::wall(), &message.key),
                    None => Letter::test(box_id, clock::wall(), "the box"),
                };
                let sent = self.send(&letter);
                self.delivery.probed(sent.outcome, clock::monotonic());
                Turn::More
            }
            Step::Send { class, attempt, .. } => {
                if let Some(message) = waiting.iter().find(|message| message.class == class) {
                    self.deliver(message, attempt);
                }
                Turn::More
            }
        };
        if turn == Turn::Rest || self.unnoted_messages >= NOTED_AFTER {
            self.note()?;
        }
        Ok(turn)
    }

    /// The oldest waiting message of each class, behind what is dealt with and not noted.
    fn waiting(&self) -> Result<Vec<Waiting>, SourceError> {
        let mut waiting = Vec::with_capacity(self.parts.classes.len());
        for class in &self.parts.classes {
            let done = self.unnoted.iter().find(|done| done.class == *class);
            let after = done.map_or(0, |done| done.position);
            waiting.extend(self.parts.source.next(*class, after)?);
        }
        Ok(waiting)
    }

    fn deliver(&mut self, message: &Waiting, attempt: u32) {
        let now = clock::wall();
        self.steps.look(now, clock::monotonic());
        let now = self.steps.now_for(message.at, now);
        let letter = Letter::of(message, &self.parts.box_id, attempt, &self.losses, now);
        let sent = self.send(&letter);
        fail::fail_point!("notify::sent");
        let verdict = self.delivery.sent(sent.outcome, clock::monotonic());
        match verdict {
            Verdict::Again => return,
            Verdict::Done => match sent.arrived {
                Arrived::Whole => self.told_losses(),
                // Whoever comes to listen later is told then.
                Arrived::InPart | Arrived::Nowhere => {}
            },
            Verdict::PassOver => {}
            Verdict::GiveUp => tracing::warn!(
                "{} would not take {} (version {}): {}; it is counted as lost",
                self.parts.name,
                message.key,
                message.version,
                sent.why
            ),
            Verdict::Expired => tracing::warn!(
                "{} was too old for {} when it could be sent; it is counted as lost",
                message.key,
                self.parts.name
            ),
        }
        self.dealt_with(message, verdict);
    }

    fn dealt_with(&mut self, message: &Waiting, verdict: Verdict) {
        self.unnoted_messages += 1;
        let known = self.unnoted.iter().position(|done| done.class == message.class);
        let index = known.unwrap_or_else(|| {
            self.unnoted.push(Progress {
                class: message.class,
                position: 0,
                passed: Vec::new(),
                lost: Vec::new(),
            });
            self.unnoted.len() - 1
        });
        let progress = &mut self.unnoted[index];
        progress.position = message.id;
        match verdict {
            Verdict::Done | Verdict::Again => {}
            Verdict::PassOver => progress.passed.push(message.id),
            Verdict::GiveUp => progress.lost.push((message.id, LossReason::Refused)),
            Verdict::Expired => progress.lost.push((message.id, LossReason::Expired)),
        }
    }

    /// The receiver has been told of every loss that was known when its letter was written.
    fn told_losses(&mut self) {
        for loss in &mut self.losses {
            if loss.told < loss.rows {
                loss.told = loss.rows;
                self.told.push(Told { class: loss.class, reason: loss.reason, rows: loss.rows });
            }
        }
    }

    fn send(&mut self, letter: &Letter) -> Sent {
        // A letter that makes a channel panic is one that fails: others must still get out.
        let channel = &mut self.parts.channel;
        let sent = panic::catch_unwind(AssertUnwindSafe(|| channel.send(letter)))
            .unwrap_or_else(|_panic| Sent::not(Outcome::Failed, "its thread panicked"));
        match sent.outcome {
            Outcome::Taken => match (sent.arrived, letter.occasion) {
                (Arrived::Nowhere, Occasion::News | Occasion::History) => self.unheard(&sent.why),
                // Who hears tests says nothing about who hears alarms.
                (Arrived::Nowhere, Occasion::Test) if self.is_unheard() => {}
                (Arrived::Nowhere, Occasion::Test) | (Arrived::Whole | Arrived::InPart, _) => {
                    self.works()
                }
            },
            Outcome::NotForIt | Outcome::TooLate => {}
            Outcome::Refused | Outcome::Failed | Outcome::Forbidden | Outcome::Unreachable => {
                self.broken(&sent.why);
            }
        }
        sent
    }

    fn note(&mut self) -> Result<(), SourceError> {
        if self.unnoted.is_empty() && self.told.is_empty() {
            return Ok(());
        }
        self.parts.source.advance(self.unnoted.clone(), self.told.clone())?;
        self.unnoted.clear();
        self.told.clear();
        self.unnoted_messages = 0;
        Ok(())
    }

    fn works(&self) {
        let now = clock::wall();
        let mut came_back = false;
        self.parts.faces.change(&self.parts.name, |face| {
            came_back = face.state == State::Down;
            face.turn(State::Working, now);
        });
        if came_back {
            tracing::info!("the channel {} works again", self.parts.name);
        }
    }

    fn is_unheard(&self) -> bool {
        let faces = self.parts.faces.all();
        faces.iter().any(|face| face.name == self.parts.name && face.state == State::Unheard)
    }

    /// Messages go out, and to nobody.
    fn unheard(&self, why: &str) {
        let now = clock::wall();
        let mut was = State::Unheard;
        self.parts.faces.change(&self.parts.name, |face| {
            was = face.state;
            face.turn(State::Unheard, now);
            face.error = Some((why.to_owned(), now));
        });
        if was != State::Unheard {
            tracing::warn!("the channel {}: {why}; messages count as delivered", self.parts.name);
        }
    }

    /// Something beside the messages does not work: shown, and nothing waits for it.
    fn complains(&self, why: String) {
        tracing::warn!("the channel {}: {why}; messages go out all the same", self.parts.name);
        let now = clock::wall();
        self.parts.faces.change(&self.parts.name, |face| face.error = Some((why, now)));
    }

    fn broken(&self, why: &str) {
        let now = clock::wall();
        let mut was = State::Down;
        self.parts.faces.change(&self.parts.name, |face| {
            was = face.state;
            face.turn(State::Down, now);
            face.error = Some((why.to_owned(), now));
        });
        // Once: it is tried again for ever, and the page shows the newest reason.
        if was != State::Down {
            tracing::warn!(
                "the channel {} does not work: {why}; messages wait and it is tried again",
                self.parts.name
            );
        }
    }

    fn show(&mut self) -> Result<(), SourceError> {
        let now = clock::monotonic();
        if self.shown_at.is_some_and(|at| now.since(at) < SHOWN_EVERY) {
            return Ok(());
        }
        self.shown_at = Some(now);
        let backlog = self.parts.source.backlog()?;
        let mut losses = self.parts.source.losses()?;
        self.log_new(&losses);
        for loss in &mut losses {
            let same = |told: &&Told| told.class == loss.class && told.reason == loss.reason;
            let told = self.told.iter().filter(same).map(|told| told.rows).max();
            loss.told = loss.told.max(told.unwrap_or_default());
        }
        self.losses.clone_from(&losses);
        self.parts.faces.change(&self.parts.name, |face| {
            face.backlog = backlog;
            face.losses = losses;
        });
        Ok(())
    }

    fn log_new(&self, losses: &[Loss]) {
        for loss in losses {
            let same = |old: &&Loss| old.class == loss.class && old.reason == loss.reason;
            let before = self.losses.iter().find(same).map_or(loss.told, |old| old.rows);
            if loss.rows > before {
                tracing::warn!(
                    "{} lost {} messages of class {} ({}), from {} to {}",
                    self.parts.name,
                    loss.rows - before,
                    loss.class.name(),
                    loss.reason.name(),
                    loss.first_at,
                    loss.last_at
                );
            }
        }
    }
}
