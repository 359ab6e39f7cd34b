//! The channel as played: the real delivery policy over the rows on the disk, and a receiver that
//! tells messages apart by key and version.

use std::collections::BTreeMap;
use std::time::Duration;

use standclear::engine::delivery::{Class, Delivery, Heads, Outcome, Step, Verdict};
use standclear::engine::time::Instant;

use crate::disk::{Disk, Kept, Row};
use crate::random::Random;
use crate::script::{Fault, Script};

/// The channel's thread; it dies with the guard.
pub struct Post {
    delivery: Delivery,
    cursors: BTreeMap<Class, u64>,
    sending: Option<Sending>,
}

struct Sending {
    until: Instant,
    /// `None` for a probe.
    row: Option<Row>,
    outcome: Outcome,
}

/// Outside the box: it never dies.
#[derive(Default)]
pub struct Receiver {
    /// By key and version: the row that it was.
    pub has: BTreeMap<(u64, u64), u64>,
    pub again: u64,
    pub given_up: u64,
}

impl Post {
    pub fn new(disk: &Disk, seed: u64) -> Post {
        Post {
            delivery: Delivery::new(seed),
            cursors: disk.persisted.cursors.clone(),
            sending: None,
        }
    }

    pub fn step(
        &mut self,
        (script, random): (&Script, &mut Random),
        disk: &mut Disk,
        receiver: &mut Receiver,
        now: Instant,
    ) {
        if let Some(sending) = &self.sending {
            if sending.until > now {
                return;
            }
            if let Some(sent) = self.sending.take() {
                self.outcome(sent, disk, receiver, now);
            }
        }
        let mut heads = Heads::default();
        for class in Class::ALL {
            let after = self.cursors.get(&class).copied().unwrap_or(0);
            heads.set(class, disk.persisted.head(class, after).map(|row| row.id));
        }
        match self.delivery.next(heads, now) {
            Step::Wait(_) => {}
            Step::Probe { .. } => self.sending = Some(send(None, script, random, receiver, now)),
            Step::Send { id, .. } => {
                let row = disk.persisted.rows[(id - 1) as usize].clone();
                self.sending = Some(send(Some(row), script, random, receiver, now));
            }
        }
    }

    fn outcome(&mut self, sent: Sending, disk: &mut Disk, receiver: &mut Receiver, now: Instant) {
        let Some(row) = sent.row else {
            self.delivery.probed(sent.outcome, now);
            return;
        };
        let verdict = self.delivery.sent(sent.outcome, now);
        match verdict {
            Verdict::Again => return,
            Verdict::GiveUp | Verdict::Expired => receiver.given_up += 1,
            Verdict::Done | Verdict::PassOver => {}
        }
        self.cursors.insert(row.class, row.id);
        disk.put(Kept::Cursor(row.class, row.id), now);
    }
}

fn send(
    row: Option<Row>,
    script: &Script,
    random: &mut Random,
    receiver: &mut Receiver,
    now: Instant,
) -> Sending {
    let gone = script.fails(Fault::ReceiverGone, now) || script.fails(Fault::NetworkGone, now);
    let fails = script.fails(Fault::ReceiverFails, now);
    if let (Some(row), false, false) = (&row, gone, fails)
        && let Some(before) = receiver.has.insert((row.key, row.version), row.id)
    {
        // Whoever tells messages apart by key and version throws the second one away.
        assert_eq!(before, row.id, "{row:?} is taken for another one");
        receiver.again += 1;
    }
    let outcome = match (gone, fails, script.fails(Fault::ReceiverMumbles, now)) {
        (true, _, _) => Outcome::Unreachable,
        (_, true, _) => Outcome::Failed,
        (_, _, true) if random.chance(0.5) => Outcome::Unreachable,
        _ => Outcome::Taken,
    };
    let takes = if gone { random.millis(100, 3_000) } else { Duration::from_millis(20) };
    Sending { until: now.after(takes), row, outcome }
}
