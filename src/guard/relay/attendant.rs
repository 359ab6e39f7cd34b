//! A relay's thread: calls to coil, coil to device, outcome to the alarm path.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use super::{Beat, Calling, Calls, Coil, RelayError, RelayOutput, RelayReport, Shared, coil};
use crate::clock;
use crate::config::Relay;
use crate::engine::time::Instant;
use crate::guard::again;
use crate::guard::message::Message;
use crate::guard::priority;
use crate::guard::siren::DEAD_MAN_MAX;

/// How often the thread looks without being woken.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How often a coil that stays is set and read again: what a device forgot, or somebody else
/// switched, is found within a second.
const AGAIN_AFTER: Duration = Duration::from_millis(1000);

/// Pauses before a device that failed is tried again: the first, doubled at each failure up to the
/// last.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

pub(super) struct Attendant {
    number: usize,
    relay: Relay,
    output: Box<dyn RelayOutput>,
    shared: Arc<Shared>,
    reports: SyncSender<Message>,
    /// The coil as it was set, and when.
    set: Option<(Coil, Instant)>,
    failure: Option<Failure>,
    /// What was reported last; `None` before the first.
    told: Option<RelayReport>,
    waiting: Option<RelayReport>,
}

/// A device that failed.
struct Failure {
    at: Instant,
    pause: Duration,
    /// What was to be shown.
    calling: Calling,
}

impl Attendant {
    pub fn new(
        number: usize,
        relay: Relay,
        output: Box<dyn RelayOutput>,
        shared: Arc<Shared>,
        reports: SyncSender<Message>,
    ) -> Attendant {
        let (set, failure, told, waiting) = (None, None, None, None);
        Attendant { number, relay, output, shared, reports, set, failure, told, waiting }
    }

    /// Attends until the box stops, whatever panics.
    pub fn run(mut self) {
        priority::ask(priority::RELAY);
        let shared = self.shared.clone();
        let what = format!("the thread of the relay {}", self.relay.name);
        again::keep(&what, &mut self, &shared.stop, Attendant::attend, Attendant::panicked);
    }

    fn attend(&mut self) {
        while !self.shared.stop.load(Ordering::Acquire) {
            self.look();
            thread::park_timeout(LOOK_EVERY);
        }
        if let Err(error) = self.output.set(Coil::DeEnergised) {
            tracing::error!("relay {} stays as it is: {}", self.relay.name, chain(&error));
        }
    }

    /// Said as a fault; the next coil that is set takes it back.
    fn panicked(&mut self) {
        self.set = None;
        self.report(Some(again::PANICKED.into()));
        self.deliver();
    }

    fn look(&mut self) {
        let now = clock::monotonic();
        self.shared.looked_ns[self.number].store(now.as_nanos(), Ordering::Relaxed);
        let calling = self.calling(now);
        let wanted = coil(calling, self.relay.wiring, self.beat(now));
        let due = self.set.is_none_or(|(coil, at)| coil != wanted || now.since(at) >= AGAIN_AFTER);
        // What has changed is tried at once, also on a device that failed.
        let may = self.failure.as_ref().is_none_or(|failure| {
            failure.calling != calling || now.since(failure.at) >= failure.pause
        });
        if due && may {
            let outcome = self.carry_out(wanted);
            self.note(outcome, calling, wanted);
        }
        self.deliver();
    }

    fn calling(&self, now: Instant) -> Calling {
        let fed = Instant::from_nanos(self.shared.fed_ns.load(Ordering::Relaxed));
        let calls = match now.since(fed) > DEAD_MAN_MAX {
            true => Calls::ALL,
            false => Calls(self.shared.calls.load(Ordering::Acquire)),
        };
        match calls.has_any(&self.relay.role) {
            true => Calling::Yes,
            false => Calling::No,
        }
    }

    fn beat(&self, now: Instant) -> Beat {
        match self.relay.heartbeat {
            Some(every) if now.as_nanos() / nanos(every) % 2 == 1 => Beat::Second,
            Some(_) | None => Beat::First,
        }
    }

    fn carry_out(&mut self, wanted: Coil) -> Result<(), RelayError> {
        self.output.set(wanted)?;
        match self.output.read()? {
            Some(found) if found != wanted => Err(RelayError::Differs { wanted, found }),
            Some(_) | None => Ok(()),
        }
    }

    fn note(&mut self, outcome: Result<(), RelayError>, calling: Calling, wanted: Coil) {
        let at = clock::monotonic();
        let fault = match outcome {
            Ok(()) => {
                self.set = Some((wanted, at));
                self.failure = None;
                None
            }
            Err(error) => {
                self.set = None;
                let pause = match &self.failure {
                    Some(failure) => (failure.pause * 2).min(RETRY.1),
                    None => RETRY.0,
                };
                self.failure = Some(Failure { at, pause, calling });
                Some(chain(&error))
            }
        };
        self.report(fault);
    }

    fn report(&mut self, fault: Option<String>) {
        let report = RelayReport { relay: self.number, fault };
        if self.told.as_ref() != Some(&report) {
            self.waiting = Some(report.clone());
            self.told = Some(report);
        }
    }

    /// The newest report; one that found the alarm path full has been overtaken.
    fn deliver(&mut self) {
        if let Some(report) = self.waiting.take()
            && self.reports.try_send(Message::Relay(report.clone())).is_err()
        {
            self.waiting = Some(report);
        }
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX).max(1)
}

fn chain(error: &dyn Error) -> String {
    crate::telemetry::chain(error)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{self, Receiver};

    use super::super::{RelayThreads, Relays};
    use super::*;
    use crate::config::{HttpMethod, RelayRole, RelayTo, Wiring};

    /// Longest wait for what must come.
    const WAIT_MAX: Duration = Duration::from_secs(5);

    /// A device that is out of order for this reason panics.
    const PANIC: &str = "a panic on demand";

    /// Each coil that was set, with its time.
    type Coils = Arc<Mutex<Vec<(Coil, Instant)>>>;

    /// A device that takes notes and is out of order on demand.
    struct Device {
        coils: Coils,
        out_of_order: Arc<Mutex<Option<&'static str>>>,
    }

    impl RelayOutput for Device {
        fn set(&mut self, coil: Coil) -> Result<(), RelayError> {
            let out_of_order = *self.out_of_order.lock().expect("not poisoned");
            assert_ne!(out_of_order, Some(PANIC));
            if let Some(reason) = out_of_order {
                return Err(RelayError::Set { place: "device".into(), source: reason.into() });
            }
            self.coils.lock().expect("not poisoned").push((coil, clock::monotonic()));
            Ok(())
        }

        fn read(&mut self) -> Result<Option<Coil>, RelayError> {
            Ok(self.coils.lock().expect("not poisoned").last().map(|(coil, _)| *coil))
        }
    }

    struct Bench {
        relays: Relays,
        threads: RelayThreads,
        reports: Receiver<Message>,
        coils: Coils,
        out_of_order: Arc<Mutex<Option<&'static str>>>,
    }

    fn bench(wiring: Wiring, heartbeat: Option<Duration>) -> Bench {
        let relay = Relay {
            name: "horn".into(),
            role: vec![RelayRole::Emergency],
            wiring,
            heartbeat,
            to: RelayTo::Http { method: HttpMethod::Get, on: "on".into(), off: "off".into() },
        };
        let (coils, out_of_order) = (Coils::default(), Arc::default());
        let device = Device { coils: coils.clone(), out_of_order: Arc::clone(&out_of_order) };
        let (sender, reports) = mpsc::sync_channel(64);
        let (relays, threads) =
            RelayThreads::start(vec![(relay, Box::new(device))], &sender).expect("a thread");
        Bench { relays, threads, reports, coils, out_of_order }
    }

    impl Bench {
        /// Feeds the dead man until there is an answer.
        fn until<T>(&self, what: &str, mut look: impl FnMut(&[(Coil, Instant)]) -> Option<T>) -> T {
            let until = clock::monotonic().after(WAIT_MAX);
            while clock::monotonic() < until {
                self.relays.feed(clock::monotonic());
                if let Some(found) = look(&self.coils.lock().expect("not poisoned")) {
                    return found;
                }
                thread::park_timeout(Duration::from_millis(5));
            }
            panic!("{what} did not come within {WAIT_MAX:?}");
        }

        fn until_coil(&self, wanted: Coil) {
            self.until(&wanted.to_string(), |coils| {
                (coils.last().map(|(coil, _)| *coil) == Some(wanted)).then_some(())
            });
        }
    }

    const EMERGENCY: Calls = Calls::NONE.with(RelayRole::Emergency);

    #[test]
    fn fail_safe_is_energised_in_peace_and_a_stopped_box_lets_go() {
        let bench = bench(Wiring::FailSafe, None);
        bench.until_coil(Coil::DeEnergised);
        bench.relays.show(Calls::NONE.with(RelayRole::Warning));
        bench.until_coil(Coil::Energised);
        bench.relays.show(EMERGENCY);
        bench.until_coil(Coil::DeEnergised);
        bench.relays.show(Calls::NONE);
        bench.until_coil(Coil::Energised);
        let coils = bench.coils.clone();
        bench.threads.stop();
        let last = coils.lock().expect("not poisoned").last().map(|(coil, _)| *coil);
        assert_eq!(last, Some(Coil::DeEnergised));
    }

    #[test]
    fn a_hung_alarm_path_makes_every_relay_call_within_a_second() {
        for (wiring, calls) in
            [(Wiring::FailSafe, Coil::DeEnergised), (Wiring::EnergiseToCall, Coil::Energised)]
        {
            let bench = bench(wiring, None);
            bench.relays.show(Calls::NONE);
            let peace = match calls {
                Coil::Energised => Coil::DeEnergised,
                Coil::DeEnergised => Coil::Energised,
            };
            bench.until_coil(peace);
            let fed_at = clock::monotonic();
            bench.relays.feed(fed_at);
            let until = fed_at.after(WAIT_MAX);
            let called_at = loop {
                let last = bench.coils.lock().expect("not poisoned").last().copied();
                match last {
                    Some((coil, at)) if coil == calls => break at,
                    _ => assert!(clock::monotonic() < until, "it does not call"),
                }
                thread::park_timeout(Duration::from_millis(5));
            };
            let after = called_at.since(fed_at);
            assert!(after >= DEAD_MAN_MAX && after < Duration::from_millis(1100), "{after:?}");
            bench.threads.stop();
        }
    }

    #[test]
    fn a_heartbeat_beats_in_peace_and_stands_still_while_it_calls() {
        let bench = bench(Wiring::FailSafe, Some(Duration::from_millis(100)));
        bench.relays.show(Calls::NONE);
        bench.until("ten changes", |coils| {
            (coils.windows(2).filter(|pair| pair[0].0 != pair[1].0).count() >= 10).then_some(())
        });
        bench.relays.show(EMERGENCY);
        bench.until_coil(Coil::DeEnergised);
        let from = clock::monotonic().after(Duration::from_millis(100));
        bench.until("half a second", |_| {
            (clock::monotonic().since(from) > Duration::from_millis(500)).then_some(())
        });
        let coils = bench.coils.lock().expect("not poisoned").clone();
        assert!(coils.iter().filter(|(_, at)| *at > from).all(|(c, _)| *c == Coil::DeEnergised));
        bench.threads.stop();
    }

    #[test]
    fn a_panic_is_a_fault_and_the_relay_shows_what_it_should_afterwards() {
        let bench = bench(Wiring::FailSafe, None);
        bench.relays.show(Calls::NONE);
        bench.until_coil(Coil::Energised);
        *bench.out_of_order.lock().expect("not poisoned") = Some(PANIC);
        bench.relays.show(EMERGENCY);
        let fault = bench.until("a fault", |_| {
            bench.reports.try_iter().find_map(|message| match message {
                Message::Relay(report) => report.fault,
                _ => None,
            })
        });
        assert_eq!(fault, again::PANICKED);
        *bench.out_of_order.lock().expect("not poisoned") = None;
        bench.until_coil(Coil::DeEnergised);
        bench.until("word that it works", |_| {
            let works =
                |message| matches!(message, Message::Relay(report) if report.fault.is_none());
            bench.reports.try_iter().any(works).then_some(())
        });
        bench.threads.stop();
    }

    #[test]
    fn a_device_out_of_order_is_told_once_and_a_new_call_is_tried_at_once() {
        let bench = bench(Wiring::FailSafe, None);
        bench.relays.show(Calls::NONE);
        bench.until_coil(Coil::Energised);
        *bench.out_of_order.lock().expect("not poisoned") = Some("no power");
        let mut faults = Vec::new();
        bench.until("a fault and a second of trying", |_| {
            for message in bench.reports.try_iter() {
                if let Message::Relay(report) = message {
                    faults.extend(report.fault);
                }
            }
            (!faults.is_empty()).then_some(())
        });
        assert!(faults[0].contains("no power"), "{faults:?}");
        *bench.out_of_order.lock().expect("not poisoned") = None;
        bench.relays.show(EMERGENCY);
        let ordered_at = clock::monotonic();
        bench.until_coil(Coil::DeEnergised);
        let after = clock::monotonic().since(ordered_at);
        assert!(after < Duration::from_millis(200), "{after:?}");
        bench.threads.stop();
    }
}
