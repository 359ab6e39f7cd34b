//! The siren's own thread: takes orders, holds the output, watches both.
//!
//! An **order** is one atomic word; giving one never waits. The thread takes the newest order, hands
//! it to the **output** and reports back when it did. It is also the **dead man** of the alarm path:
//! when the alarm path has not fed it for `DEAD_MAN_MAX`, it sounds the fault pattern by itself. The
//! alarm path in turn sees when this thread last looked, and calls its silence a fault.
//!
//! Not here: how a sound card is driven (`sound_card`), and when to sound (the engine).

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use super::message::{Message, SirenReport, Sounding};
use crate::clock;
use crate::engine::SirenPattern;
use crate::engine::time::Instant;

/// Longest silence of the alarm path before the siren sounds by itself. The alarm path feeds it at
/// least every 50 ms; R1 allows one second until a fault is heard, and the look below and the sound
/// card's buffer come on top.
pub const DEAD_MAN_MAX: Duration = Duration::from_millis(900);

/// How often the thread looks without being woken.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long an output may take to open before that is a fault.
const OPENING_MAX: Duration = Duration::from_secs(4);

/// Reports waiting for a full alarm path; the oldest goes first, the newest order counts.
const REPORTS_KEPT: usize = 64;

/// What can sound. A trait, so that the alarm path is tested without a sound card.
pub trait SirenOutput: Send {
    /// Sounds this pattern from now on. Called often with the same one; never waits.
    fn sound(&mut self, pattern: SirenPattern);

    /// How the output is; never waits.
    fn state(&mut self, now: Instant) -> OutputState;
}

/// How an output is. The device is named for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputState {
    Opening { device: String },
    Working { device: String },
    Broken { device: String, reason: String },
}

/// A box without a siren: a fault that stays.
#[derive(Debug)]
pub struct NoSiren {
    pub reason: &'static str,
}

impl SirenOutput for NoSiren {
    fn sound(&mut self, _pattern: SirenPattern) {}

    fn state(&mut self, _now: Instant) -> OutputState {
        OutputState::Broken { device: "none".into(), reason: self.reason.into() }
    }
}

/// The alarm path's end: gives orders and feeds the dead man.
#[derive(Debug)]
pub struct Siren {
    shared: Arc<Shared>,
    thread: Thread,
    last_order: u64,
}

#[derive(Debug)]
struct Shared {
    /// Number of the order, then two bits of pattern.
    order: AtomicU64,
    /// When the alarm path was last alive, nanoseconds of the monotonic clock.
    fed_ns: AtomicU64,
    /// When the siren's thread last looked, in the same clock.
    looked_ns: AtomicU64,
    stop: AtomicBool,
}

impl Siren {
    /// Orders a pattern and returns the order's number. Never waits.
    pub fn order(&mut self, pattern: SirenPattern) -> u64 {
        self.last_order += 1;
        let word = self.last_order << 2 | code(pattern);
        self.shared.order.store(word, Ordering::Release);
        self.thread.unpark();
        self.last_order
    }

    /// The alarm path lives.
    pub fn feed(&self, now: Instant) {
        self.shared.fed_ns.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// How long the siren's thread has not looked: orders given since then are not heard.
    pub fn silence(&self, now: Instant) -> Duration {
        now.since(Instant::from_nanos(self.shared.looked_ns.load(Ordering::Relaxed)))
    }
}

/// The siren thread, to be stopped.
#[derive(Debug)]
pub struct SirenThread {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl SirenThread {
    /// Starts the thread; its reports go to the alarm path.
    pub fn start(
        output: Box<dyn SirenOutput>,
        reports: SyncSender<Message>,
    ) -> io::Result<(Siren, SirenThread)> {
        let shared = Arc::new(Shared {
            order: AtomicU64::new(code(SirenPattern::Silent)),
            fed_ns: AtomicU64::new(clock::monotonic().as_nanos()),
            looked_ns: AtomicU64::new(clock::monotonic().as_nanos()),
            stop: AtomicBool::new(false),
        });
        let attendant = Attendant {
            output,
            shared: shared.clone(),
            reports,
            waiting: VecDeque::with_capacity(REPORTS_KEPT),
            accepted: 0,
            told: None,
            opening_since: clock::monotonic(),
            dead_man_sounds: false,
        };
        let thread = thread::Builder::new().name("siren".into()).spawn(move || attendant.run())?;
        let siren =
            Siren { shared: shared.clone(), thread: thread.thread().clone(), last_order: 0 };
        Ok((siren, SirenThread { shared, thread }))
    }

    /// Silences the siren and ends its thread.
    pub fn stop(self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // A panic in it has been logged by the panic hook; there is nobody left to tell.
        let _ = self.thread.join();
    }
}

struct Attendant {
    output: Box<dyn SirenOutput>,
    shared: Arc<Shared>,
    reports: SyncSender<Message>,
    waiting: VecDeque<SirenReport>,
    accepted: u64,
    told: Option<SirenReport>,
    opening_since: Instant,
    dead_man_sounds: bool,
}

impl Attendant {
    fn run(mut self) {
        while !self.shared.stop.load(Ordering::Acquire) {
            self.look();
            thread::park_timeout(LOOK_EVERY);
        }
        self.output.sound(SirenPattern::Silent);
    }

    fn look(&mut self) {
        let word = self.shared.order.load(Ordering::Acquire);
        let (order, ordered) = (word >> 2, pattern_of(word));
        let now = clock::monotonic();
        self.shared.looked_ns.store(now.as_nanos(), Ordering::Relaxed);
        self.output.sound(self.with_dead_man(ordered, now));
        let state = self.judge(now);
        // An order given while the device still opens is taken when it can be heard, or cannot.
        if order != self.accepted
            && let Some(state) = &state
        {
            self.accepted = order;
            let output = match state {
                SirenReport::Working { .. } => Sounding::Yes,
                SirenReport::Accepted { .. } | SirenReport::Broken { .. } => Sounding::No,
            };
            let at = clock::monotonic();
            self.tell(SirenReport::Accepted { order, at, output });
        }
        if let Some(state) = state
            && self.told.as_ref() != Some(&state)
        {
            self.told = Some(state.clone());
            self.tell(state);
        }
        self.deliver();
        let silent = self.silence_of_alarm_path(now);
        if silent != self.dead_man_sounds {
            self.dead_man_sounds = silent;
            if silent {
                tracing::error!("the alarm path does not answer: the siren sounds by itself");
            }
        }
    }

    fn silence_of_alarm_path(&self, now: Instant) -> bool {
        let fed = Instant::from_nanos(self.shared.fed_ns.load(Ordering::Relaxed));
        now.since(fed) > DEAD_MAN_MAX
    }

    fn with_dead_man(&self, ordered: SirenPattern, now: Instant) -> SirenPattern {
        match ordered {
            // A soft warning that nobody will ever end again is no sign of a dead alarm path.
            SirenPattern::Silent | SirenPattern::Warning if self.silence_of_alarm_path(now) => {
                SirenPattern::Fault
            }
            SirenPattern::Silent
            | SirenPattern::Fault
            | SirenPattern::Warning
            | SirenPattern::Intrusion => ordered,
        }
    }

    /// What to report of the output; `None` while it may still be opening.
    fn judge(&mut self, now: Instant) -> Option<SirenReport> {
        match self.output.state(now) {
            OutputState::Working { device } => Some(SirenReport::Working { device }),
            OutputState::Broken { device, reason } => Some(SirenReport::Broken { device, reason }),
            OutputState::Opening { device } if now.since(self.opening_since) > OPENING_MAX => {
                let reason = "the sound device does not open".into();
                Some(SirenReport::Broken { device, reason })
            }
            OutputState::Opening { .. } => None,
        }
    }

    fn tell(&mut self, report: SirenReport) {
        if self.waiting.len() == REPORTS_KEPT {
            self.waiting.pop_front();
        }
        self.waiting.push_back(report);
    }

    fn deliver(&mut self) {
        while let Some(report) = self.waiting.front() {
            if self.reports.try_send(Message::Siren(report.clone())).is_err() {
                return;
            }
            self.waiting.pop_front();
        }
    }
}

fn code(pattern: SirenPattern) -> u64 {
    match pattern {
        SirenPattern::Silent => 0,
        SirenPattern::Fault => 1,
        SirenPattern::Intrusion => 2,
        SirenPattern::Warning => 3,
    }
}

fn pattern_of(word: u64) -> SirenPattern {
    match word & 0b11 {
        0 => SirenPattern::Silent,
        2 => SirenPattern::Intrusion,
        3 => SirenPattern::Warning,
        // 1 is the fault; two bits hold nothing else.
        _ => SirenPattern::Fault,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{self, Receiver};

    use super::*;

    /// Longest wait for what must come.
    const WAIT_MAX: Duration = Duration::from_secs(5);

    /// Notes each change of pattern with its time.
    struct Recorder {
        heard: Arc<Mutex<Vec<(SirenPattern, Instant)>>>,
        state: Arc<Mutex<OutputState>>,
    }

    impl SirenOutput for Recorder {
        fn sound(&mut self, pattern: SirenPattern) {
            let mut heard = self.heard.lock().expect("not poisoned");
            if heard.last().map(|(last, _)| *last) != Some(pattern) {
                heard.push((pattern, clock::monotonic()));
            }
        }

        fn state(&mut self, _now: Instant) -> OutputState {
            self.state.lock().expect("not poisoned").clone()
        }
    }

    struct Bench {
        siren: Siren,
        thread: SirenThread,
        reports: Receiver<Message>,
        heard: Arc<Mutex<Vec<(SirenPattern, Instant)>>>,
        state: Arc<Mutex<OutputState>>,
    }

    fn bench() -> Bench {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let working = OutputState::Working { device: "test".into() };
        let state = Arc::new(Mutex::new(working));
        let output = Recorder { heard: heard.clone(), state: state.clone() };
        let (sender, reports) = mpsc::sync_channel(64);
        let (siren, thread) = SirenThread::start(Box::new(output), sender).expect("a thread");
        Bench { siren, thread, reports, heard, state }
    }

    impl Bench {
        fn report(&self, wanted: impl Fn(&SirenReport) -> bool) -> SirenReport {
            let until = clock::monotonic().after(WAIT_MAX);
            loop {
                let left = until.since(clock::monotonic());
                match self.reports.recv_timeout(left).expect("a report in time") {
                    Message::Siren(report) if wanted(&report) => return report,
                    _ => {}
                }
            }
        }

        fn heard_at(&self, pattern: SirenPattern) -> Instant {
            let until = clock::monotonic().after(WAIT_MAX);
            while clock::monotonic() < until {
                let heard = self.heard.lock().expect("not poisoned").clone();
                if let Some((_, at)) = heard.iter().find(|(heard, _)| *heard == pattern) {
                    return *at;
                }
                thread::park_timeout(Duration::from_millis(5));
            }
            panic!("{pattern:?} was not heard within {WAIT_MAX:?}");
        }
    }

    #[test]
    fn an_order_is_taken_and_reported_with_its_number() {
        let mut bench = bench();
        bench.siren.feed(clock::monotonic());
        let number = bench.siren.order(SirenPattern::Intrusion);
        let report = bench.report(|report| matches!(report, SirenReport::Accepted { .. }));
        let SirenReport::Accepted { order, output, .. } = report else {
            panic!("not accepted: {report:?}");
        };
        assert_eq!((order, output), (number, Sounding::Yes));
        bench.heard_at(SirenPattern::Intrusion);
        bench.thread.stop();
    }

    #[test]
    fn a_hung_alarm_path_sounds_the_fault_within_a_second() {
        let bench = bench();
        let fed_at = clock::monotonic();
        bench.siren.feed(fed_at);
        let heard_at = bench.heard_at(SirenPattern::Fault);
        let after = heard_at.since(fed_at);
        assert!(after >= DEAD_MAN_MAX && after < Duration::from_secs(1), "after {after:?}");
        bench.thread.stop();
    }

    #[test]
    fn a_hung_alarm_path_is_heard_over_a_soft_warning() {
        let mut bench = bench();
        bench.siren.feed(clock::monotonic());
        bench.siren.order(SirenPattern::Warning);
        let warned_at = bench.heard_at(SirenPattern::Warning);
        assert!(bench.heard_at(SirenPattern::Fault) > warned_at);
        bench.thread.stop();
    }

    #[test]
    fn a_siren_thread_that_hangs_or_ends_is_silent_to_the_alarm_path() {
        let bench = bench();
        bench.report(|report| matches!(report, SirenReport::Working { .. }));
        let hung = bench.heard.lock().expect("not poisoned");
        let silence = || bench.siren.silence(clock::monotonic());
        let until = clock::monotonic().after(WAIT_MAX);
        while silence() < Duration::from_millis(500) {
            assert!(clock::monotonic() < until, "it still looks");
            thread::park_timeout(Duration::from_millis(5));
        }
        drop(hung);
        while silence() > Duration::from_millis(100) {
            assert!(clock::monotonic() < until, "it does not look again");
            thread::park_timeout(Duration::from_millis(5));
        }
        bench.thread.stop();
    }

    #[test]
    fn an_output_that_breaks_and_recovers_is_reported_each_time() {
        let bench = bench();
        bench.report(|report| matches!(report, SirenReport::Working { .. }));
        let (device, reason) = ("test".to_owned(), "unplugged".to_owned());
        *bench.state.lock().expect("not poisoned") = OutputState::Broken { device, reason };
        let broken = bench.report(|report| matches!(report, SirenReport::Broken { .. }));
        assert!(matches!(broken, SirenReport::Broken { reason, .. } if reason == "unplugged"));
        let device = "test".to_owned();
        *bench.state.lock().expect("not poisoned") = OutputState::Working { device };
        bench.report(|report| matches!(report, SirenReport::Working { .. }));
        bench.thread.stop();
    }

    #[test]
    fn a_siren_that_stops_is_silent() {
        let mut bench = bench();
        bench.siren.feed(clock::monotonic());
        bench.siren.order(SirenPattern::Intrusion);
        bench.heard_at(SirenPattern::Intrusion);
        bench.thread.stop();
        let heard = bench.heard.lock().expect("not poisoned");
        assert_eq!(heard.last().map(|(pattern, _)| *pattern), Some(SirenPattern::Silent));
    }
}
