//! The siren's thread: newest order to the output, outcome to the alarm path.
//!
//! What sounds, the first that applies: the pattern that is ordered; the fault pattern when the alarm
//! path is silent; the all-clear; a test; nothing.
//!
//! Not here: what a test is (`tester`), and how an output works (`SirenOutput`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use super::tester::{Line, Tester, World};
use super::{DEAD_MAN_MAX, OutputState, SOUND_BITS, Shared, SirenOutput, Sound};
use crate::clock;
use crate::engine::SirenPattern;
use crate::engine::time::Instant;
use crate::guard::again;
use crate::guard::message::{Message, SirenReport, Sounding};
use crate::guard::priority;

/// How often the thread looks without being woken.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long an output may take to open before that is a fault.
const OPENING_MAX: Duration = Duration::from_secs(4);

/// Reports waiting for a full alarm path; the oldest goes first, the newest order counts.
pub(super) const REPORTS_KEPT: usize = 64;

/// How much longer than it lasts the all-clear may hold the output, for the card's buffer.
const ALL_CLEAR_MARGIN: Duration = Duration::from_millis(200);

pub(super) struct Attendant {
    pub output: Box<dyn SirenOutput>,
    pub shared: Arc<Shared>,
    pub reports: SyncSender<Message>,
    pub waiting: VecDeque<SirenReport>,
    pub accepted: u64,
    pub told: Option<SirenReport>,
    /// The fault of the test that was told last.
    pub told_test: Option<String>,
    pub opening_since: Instant,
    pub dead_man_sounds: bool,
    /// How many all-clears have been seen.
    pub all_clears: u64,
    pub all_clear_since: Option<Instant>,
    pub tester: Tester,
}

impl Attendant {
    /// Attends until the box stops, whatever panics.
    pub fn run(mut self) {
        priority::ask(priority::SIREN);
        let shared = self.shared.clone();
        let what = "the siren's thread";
        again::keep(what, &mut self, &shared.stop, Attendant::attend, Attendant::panicked);
    }

    fn attend(&mut self) {
        while !self.shared.stop.load(Ordering::Acquire) {
            self.look();
            thread::park_timeout(LOOK_EVERY);
        }
        self.output.sound(Sound::SILENT);
    }

    /// Said as a fault; the next look that goes well takes it back.
    fn panicked(&mut self) {
        let device = match &self.told {
            Some(
                SirenReport::Working { device }
                | SirenReport::Degraded { device, .. }
                | SirenReport::Broken { device, .. },
            ) => device.clone(),
            Some(
                SirenReport::Accepted { .. } | SirenReport::Tested(_) | SirenReport::TestFault(_),
            )
            | None => String::new(),
        };
        let report = SirenReport::Broken { device, reason: again::PANICKED.into() };
        if self.told.as_ref() != Some(&report) {
            self.told = Some(report.clone());
            self.tell(report);
        }
        self.deliver();
    }

    fn look(&mut self) {
        let word = self.shared.order.load(Ordering::Acquire);
        let (order, ordered) = (word >> SOUND_BITS, Sound::of_word(word));
        let now = clock::monotonic();
        self.shared.looked_ns.store(now.as_nanos(), Ordering::Relaxed);
        let alarm = self.with_dead_man(ordered, now);
        let sound = self.with_all_clear_and_test(alarm, now);
        self.output.sound(sound);
        let state = self.output.state(now);
        self.test(alarm, &state, now);
        let state = self.judge(state, now);
        // An order given while the device still opens is taken when it can be heard, or cannot.
        if order != self.accepted
            && let Some(state) = &state
        {
            self.accepted = order;
            let output = match state {
                SirenReport::Working { .. } | SirenReport::Degraded { .. } => Sounding::Yes,
                SirenReport::Accepted { .. }
                | SirenReport::Broken { .. }
                | SirenReport::Tested(_)
                | SirenReport::TestFault(_) => Sounding::No,
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
        self.note_dead_man(now);
    }

    fn note_dead_man(&mut self, now: Instant) {
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

    fn with_dead_man(&self, ordered: Sound, now: Instant) -> Sound {
        match ordered.pattern() {
            // A soft warning that nobody will ever end again is no sign of a dead alarm path.
            SirenPattern::Silent | SirenPattern::Warning if self.silence_of_alarm_path(now) => {
                Sound::Alarm(SirenPattern::Fault, None)
            }
            SirenPattern::Silent
            | SirenPattern::Fault
            | SirenPattern::Warning
            | SirenPattern::Intrusion => ordered,
        }
    }

    fn with_all_clear_and_test(&mut self, alarm: Sound, now: Instant) -> Sound {
        let all_clears = self.shared.all_clears.load(Ordering::Acquire);
        if all_clears != self.all_clears {
            self.all_clears = all_clears;
            self.all_clear_since = Some(now);
        }
        let lasts = Sound::AllClear.lasts().unwrap_or_default() + ALL_CLEAR_MARGIN;
        let over = |since: Instant| now.since(since) > lasts;
        if alarm.pattern() != SirenPattern::Silent || self.all_clear_since.is_some_and(over) {
            self.all_clear_since = None;
        }
        match (alarm.pattern(), self.all_clear_since, self.tester.sound()) {
            (SirenPattern::Silent, Some(_), _) => Sound::AllClear,
            (SirenPattern::Silent, None, Some(test)) => test,
            (SirenPattern::Silent, None, None) => Sound::SILENT,
            (SirenPattern::Fault | SirenPattern::Warning | SirenPattern::Intrusion, _, _) => alarm,
        }
    }

    fn test(&mut self, alarm: Sound, state: &OutputState, now: Instant) {
        let taken = alarm.pattern() != SirenPattern::Silent || self.all_clear_since.is_some();
        let line = match state {
            _ if taken => Line::Taken,
            OutputState::Opening { .. } => Line::Opening,
            OutputState::Working { device } | OutputState::Degraded { device, .. } => {
                Line::Free { device: device.clone() }
            }
            OutputState::Broken { device, reason } => {
                Line::Broken { device: device.clone(), reason: reason.clone() }
            }
        };
        if let Some(sound) = self.shared.take_test() {
            self.tester.ask(sound);
        }
        let (wall, played) = (clock::wall(), self.output.played(now));
        if let Some(test) = self.tester.look(&World { now, wall, line, played }) {
            self.tell(SirenReport::Tested(test));
        }
        let fault = self.tester.fault(now, wall);
        if fault != self.told_test {
            self.told_test.clone_from(&fault);
            self.tell(SirenReport::TestFault(fault));
        }
    }

    /// What to report of the output; `None` while it may still be opening.
    fn judge(&self, state: OutputState, now: Instant) -> Option<SirenReport> {
        match state {
            OutputState::Working { device } => Some(SirenReport::Working { device }),
            OutputState::Degraded { device, reason } => {
                Some(SirenReport::Degraded { device, reason })
            }
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{self, Receiver};

    use jiff::civil::Time;
    use jiff::tz::TimeZone;

    use super::super::VoiceIndex;
    use super::super::tester::{TestPlan, TestSound};
    use super::super::voices::Voices;
    use super::super::{DEAD_MAN_MAX, Siren, SirenThread};
    use super::*;

    /// Longest wait for what must come.
    const WAIT_MAX: Duration = Duration::from_secs(5);

    /// The output whose fault this is panics.
    const PANIC: &str = "a panic on demand";

    /// Each change of sound with its time.
    type Heard = Arc<Mutex<Vec<(Sound, Instant)>>>;

    /// Notes what it is told to sound.
    struct Recorder {
        heard: Heard,
        state: Arc<Mutex<OutputState>>,
        voices: Arc<Voices>,
    }

    impl SirenOutput for Recorder {
        fn sound(&mut self, sound: Sound) {
            let mut heard = self.heard.lock().expect("not poisoned");
            if heard.last().map(|(last, _)| *last) != Some(sound) {
                heard.push((sound, clock::monotonic()));
            }
        }

        fn played(&mut self, now: Instant) -> Option<Duration> {
            self.heard.lock().expect("not poisoned").last().map(|(_, at)| now.since(*at))
        }

        fn voices(&self) -> Arc<Voices> {
            self.voices.clone()
        }

        fn state(&mut self, _now: Instant) -> OutputState {
            let state = self.state.lock().expect("not poisoned").clone();
            let panics = matches!(&state, OutputState::Broken { reason, .. } if reason == PANIC);
            assert!(!panics, "{PANIC}");
            state
        }
    }

    struct Bench {
        siren: Siren,
        thread: SirenThread,
        reports: Receiver<Message>,
        heard: Heard,
        state: Arc<Mutex<OutputState>>,
    }

    fn bench() -> Bench {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let working = OutputState::Working { device: "test".into() };
        let state = Arc::new(Mutex::new(working));
        let voices = Voices::of([("gate".into(), 48_000, vec![0.5; 24_000])]);
        let recorder =
            Recorder { heard: heard.clone(), state: state.clone(), voices: Arc::new(voices) };
        let (at, zone) = (Time::midnight(), TimeZone::UTC);
        let tests = TestPlan { at, zone, sound: TestSound::Inaudible };
        let (sender, reports) = mpsc::sync_channel(64);
        let (siren, thread) =
            SirenThread::start(Box::new(recorder), tests, sender).expect("a thread");
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
            self.sound_at(Sound::Alarm(pattern, None))
        }

        fn sound_at(&self, sound: Sound) -> Instant {
            let until = clock::monotonic().after(WAIT_MAX);
            while clock::monotonic() < until {
                let heard = self.heard.lock().expect("not poisoned").clone();
                if let Some((_, at)) = heard.iter().find(|(heard, _)| *heard == sound) {
                    return *at;
                }
                thread::park_timeout(Duration::from_millis(5));
            }
            panic!("{sound:?} was not heard within {WAIT_MAX:?}");
        }
    }

    #[test]
    fn an_order_is_taken_and_reported_with_its_number() {
        let mut bench = bench();
        bench.siren.feed(clock::monotonic());
        let number = bench.siren.order(SirenPattern::Intrusion, None);
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
        bench.siren.order(SirenPattern::Warning, None);
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
    fn a_panic_is_a_fault_orders_sound_all_the_same_and_the_thread_works_again() {
        let mut bench = bench();
        bench.report(|report| matches!(report, SirenReport::Working { .. }));
        let (device, reason) = ("test".to_owned(), PANIC.to_owned());
        *bench.state.lock().expect("not poisoned") = OutputState::Broken { device, reason };
        let broken = bench.report(|report| matches!(report, SirenReport::Broken { .. }));
        let said =
            matches!(broken, SirenReport::Broken { reason, .. } if reason == again::PANICKED);
        assert!(said);
        bench.siren.feed(clock::monotonic());
        bench.siren.order(SirenPattern::Intrusion, None);
        bench.heard_at(SirenPattern::Intrusion);
        let device = "test".to_owned();
        *bench.state.lock().expect("not poisoned") = OutputState::Working { device };
        bench.report(|report| matches!(report, SirenReport::Working { .. }));
        bench.thread.stop();
    }

    #[test]
    fn a_siren_that_stops_is_silent() {
        let mut bench = bench();
        bench.siren.feed(clock::monotonic());
        bench.siren.order(SirenPattern::Intrusion, None);
        bench.heard_at(SirenPattern::Intrusion);
        bench.thread.stop();
        let heard = bench.heard.lock().expect("not poisoned");
        assert_eq!(heard.last().map(|(sound, _)| *sound), Some(Sound::SILENT));
    }

    #[test]
    fn an_order_carries_the_recording_of_its_zone_and_none_for_a_zone_without() {
        let mut bench = bench();
        bench.siren.feed(clock::monotonic());
        bench.siren.order(SirenPattern::Intrusion, Some("gate"));
        bench.sound_at(Sound::Alarm(SirenPattern::Intrusion, Some(VoiceIndex(0))));
        bench.siren.order(SirenPattern::Intrusion, Some("yard"));
        bench.heard_at(SirenPattern::Intrusion);
        bench.thread.stop();
    }

    #[test]
    fn the_all_clear_sounds_in_silence_and_never_over_a_pattern() {
        let mut bench = bench();
        bench.siren.feed(clock::monotonic());
        bench.siren.order(SirenPattern::Warning, None);
        bench.siren.all_clear();
        bench.heard_at(SirenPattern::Warning);
        let taken = bench.report(|report| matches!(report, SirenReport::Accepted { .. }));
        assert!(matches!(taken, SirenReport::Accepted { output: Sounding::Yes, .. }));
        bench.siren.order(SirenPattern::Silent, None);
        bench.report(|report| matches!(report, SirenReport::Accepted { .. }));
        assert!(!bench.heard.lock().expect("not poisoned").iter().any(|h| h.0 == Sound::AllClear));
        bench.siren.all_clear();
        bench.sound_at(Sound::AllClear);
        bench.thread.stop();
    }

    #[test]
    fn the_test_at_the_start_is_reported_and_an_alarm_in_it_sounds_at_once() {
        let mut bench = bench();
        bench.siren.feed(clock::monotonic());
        let begun = bench.sound_at(Sound::InaudibleTest);
        bench.siren.order(SirenPattern::Intrusion, None);
        let after = bench.heard_at(SirenPattern::Intrusion).since(begun);
        assert!(after < Duration::from_millis(500), "after {after:?}");
        bench.siren.order(SirenPattern::Silent, None);
        let until = clock::monotonic().after(WAIT_MAX);
        while clock::monotonic() < until {
            bench.siren.feed(clock::monotonic());
            let report = bench.reports.recv_timeout(Duration::from_millis(50));
            if let Ok(Message::Siren(SirenReport::Tested(test))) = report {
                assert!(test.outcome.is_ok(), "{test:?}");
                bench.thread.stop();
                return;
            }
        }
        panic!("no test within {WAIT_MAX:?}");
    }
}
