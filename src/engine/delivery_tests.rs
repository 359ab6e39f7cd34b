//! The delivery policy against receivers that work, die, blame and lie.

use super::*;

/// A receiver as seen from the policy: what it says to a message, and to a probe.
struct World {
    delivery: Delivery,
    now: Instant,
    waiting: Vec<(Class, u64)>,
    done: Vec<u64>,
    given_up: Vec<u64>,
    tries: u32,
}

impl World {
    fn new(waiting: &[(Class, u64)]) -> World {
        World {
            delivery: Delivery::new(7),
            now: Instant::from_nanos(1_000_000_000),
            waiting: waiting.to_vec(),
            done: Vec::new(),
            given_up: Vec::new(),
            tries: 0,
        }
    }

    fn heads(&self) -> Heads {
        let mut heads = Heads::default();
        for class in Class::ALL {
            let head = self.waiting.iter().filter(|(of, _)| *of == class).map(|(_, id)| *id);
            heads.set(class, head.min());
        }
        heads
    }

    fn run(&mut self, steps: u32, says: impl Fn(Option<u64>, Instant) -> Outcome) {
        for _ in 0..steps {
            match self.delivery.next(self.heads(), self.now) {
                Step::Wait(None) => return,
                Step::Wait(Some(at)) => {
                    assert!(at > self.now);
                    self.now = at;
                }
                Step::Probe { .. } => {
                    let outcome = says(None, self.now);
                    self.delivery.probed(outcome, self.now);
                }
                Step::Send { id, .. } => {
                    self.tries += 1;
                    match self.delivery.sent(says(Some(id), self.now), self.now) {
                        Verdict::Done => self.done.push(id),
                        Verdict::PassOver => {}
                        Verdict::GiveUp | Verdict::Expired => self.given_up.push(id),
                        Verdict::Again => continue,
                    }
                    self.waiting.retain(|(_, waiting)| *waiting != id);
                }
            }
        }
    }
}

#[test]
fn alarms_go_before_faults_before_telemetry_and_the_oldest_first() {
    let mut world = World::new(&[
        (Class::Telemetry, 1),
        (Class::Fault, 2),
        (Class::Alarm, 3),
        (Class::Telemetry, 4),
        (Class::Alarm, 5),
    ]);
    world.run(100, |_, _| Outcome::Taken);
    assert_eq!(world.done, [3, 5, 2, 1, 4]);
}

#[test]
fn a_receiver_that_says_nothing_is_tried_for_ever_and_costs_nothing() {
    let mut world = World::new(&[(Class::Alarm, 1), (Class::Alarm, 2)]);
    let began = world.now;
    world.run(2_000, |_, _| Outcome::Unreachable);
    assert_eq!((world.done.len(), world.given_up.len()), (0, 0));
    // Two steps a try or probe: it and the pause.
    let mean = world.now.since(began) / 1_000;
    assert!(mean > PAUSE_MAX / 2 && mean < PAUSE_MAX, "{mean:?}");
    world.run(100, |_, _| Outcome::Taken);
    assert_eq!(world.done, [1, 2]);
}

#[test]
fn a_receiver_that_was_down_and_answered_so_costs_no_message() {
    for up_after_s in 0..400 {
        let mut world = World::new(&[(Class::Alarm, 1), (Class::Alarm, 2), (Class::Fault, 3)]);
        let up_at = world.now.after(Duration::from_secs(up_after_s));
        world.run(2_000, |_, now| if now >= up_at { Outcome::Taken } else { Outcome::Failed });
        assert_eq!(world.done, [1, 2, 3], "up after {up_after_s} s");
    }
}

#[test]
fn one_poisonous_message_is_given_up_and_the_rest_arrives() {
    for poison in [Outcome::Refused, Outcome::Failed] {
        let mut world = World::new(&[(Class::Alarm, 1), (Class::Alarm, 2), (Class::Fault, 3)]);
        let began = world.now;
        world.run(2_000, |id, _| if id == Some(1) { poison } else { Outcome::Taken });
        assert_eq!((&*world.done, &*world.given_up), (&[2, 3][..], &[1][..]));
        assert!(world.now.since(began) < Duration::from_secs(60), "{poison:?}");
    }
}

#[test]
fn a_receiver_that_refuses_everything_is_waited_for_for_ever_and_costs_nothing() {
    for refuses in [Outcome::Refused, Outcome::Failed] {
        let mut world = World::new(&[(Class::Alarm, 1), (Class::Telemetry, 2)]);
        let began = world.now;
        world.run(2_000, |_, _| refuses);
        assert_eq!((world.done.len(), world.given_up.len()), (0, 0));
        assert!(world.now.since(began) > PAUSE_MAX * 400, "it is left alone in between");
        world.run(100, |_, _| Outcome::Taken);
        assert_eq!(world.done, [1, 2]);
    }
}

#[test]
fn a_box_without_the_right_to_send_waits_for_it_and_loses_nothing() {
    let mut world = World::new(&[(Class::Alarm, 1), (Class::Fault, 2)]);
    // Whatever becomes of probes.
    world.run(500, |id, _| if id.is_none() { Outcome::Taken } else { Outcome::Forbidden });
    assert_eq!((world.done.len(), world.given_up.len()), (0, 0));
    world.run(100, |_, _| Outcome::Taken);
    assert_eq!(world.done, [1, 2]);
}

#[test]
fn a_message_that_breaks_the_line_each_time_blocks_the_rest_for_minutes_only() {
    let mut world = World::new(&[(Class::Alarm, 1), (Class::Alarm, 2), (Class::Fault, 3)]);
    let began = world.now;
    world.run(2_000, |id, _| if id == Some(1) { Outcome::Unreachable } else { Outcome::Taken });
    assert_eq!((&*world.done, &*world.given_up), (&[2, 3][..], &[1][..]));
    assert!(world.now.since(began) < Duration::from_secs(300));
    assert_eq!(world.tries, FAILURES_BEFORE_PROBE + SILENCES_MAX + 2);
}

#[test]
fn what_is_not_for_the_channel_or_too_late_blocks_nothing() {
    let mut world = World::new(&[(Class::Alarm, 1), (Class::Alarm, 2), (Class::Alarm, 3)]);
    world.run(100, |id, _| match id {
        Some(1) => Outcome::NotForIt,
        Some(2) => Outcome::TooLate,
        _ => Outcome::Taken,
    });
    assert_eq!((&*world.done, &*world.given_up), (&[3][..], &[2][..]));
}

#[test]
fn pauses_double_to_the_longest_and_the_same_seed_pauses_the_same() {
    let pauses = |seed| {
        let mut delivery = Delivery::new(seed);
        let now = Instant::from_nanos(0);
        let heads = Heads { alarm: Some(1), ..Heads::default() };
        let mut pauses = Vec::new();
        for _ in 0..12 {
            delivery.hurry();
            match delivery.next(heads, now) {
                Step::Send { .. } => {
                    delivery.sent(Outcome::Unreachable, now);
                }
                Step::Probe { .. } => delivery.probed(Outcome::Unreachable, now),
                Step::Wait(_) => panic!("it was to hurry"),
            }
            pauses.push(delivery.not_before().expect("a pause").since(now));
        }
        pauses
    };
    let (first, other) = (pauses(1), pauses(2));
    assert_eq!(first, pauses(1));
    assert_ne!(first, other);
    for (n, pause) in first.iter().enumerate() {
        let whole = PAUSE_MIN.saturating_mul(1 << n).min(PAUSE_MAX);
        assert!(*pause >= whole / 2 && *pause <= whole, "{n}: {pause:?}");
    }
}

#[test]
fn an_alarm_that_comes_while_a_fault_fails_goes_first() {
    let mut world = World::new(&[(Class::Fault, 1)]);
    world.run(3, |_, _| Outcome::Unreachable);
    world.waiting.push((Class::Alarm, 2));
    let came_at = world.now;
    world.run(1, |_, _| Outcome::Taken);
    assert_eq!((&*world.done, world.now), (&[2][..], came_at), "at once");
    world.run(100, |_, _| Outcome::Taken);
    assert_eq!(world.done, [2, 1]);
}
