//! The siren's test: once at the start, then every day at the site's hour.
//!
//! ```text
//!   waiting ── due, and nothing sounds ──> running ── all of it has left ──> passed, due tomorrow
//!      ^                                      │
//!      ├────────── an alarm sounds ───────────┤
//!      └── again in RETRY_AFTER ── failed <── too late, too fast, or the output broke
//! ```
//!
//! A test passes when every one of its samples has left for the loudspeaker, and took as long as they
//! sound. A test that failed, and one that is overdue, is a fault of the siren: nobody can say that it
//! would sound. The first test of a life is inaudible whatever is configured, since boxes start at
//! any hour.
//!
//! A person may ask for a test besides. It never waits: what cannot be tested now is said at once.
//!
//! Not here: how samples get to the device, and where the outcome is written down.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Sound, trial};
use crate::engine::time::Instant;

/// Pause before a failed test is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// How long after its hour a test may still wait, for an alarm to be answered for example.
const OVERDUE_AFTER: Duration = Duration::from_secs(60 * 60);

/// The longest day there is, by the clock nobody can set: the one on which summer time ends.
const LONGEST_DAY: Duration = Duration::from_secs(25 * 60 * 60);

/// A last test this old is overdue whatever the clock on the wall shows.
const OVERDUE_AGE: Duration = LONGEST_DAY.saturating_add(OVERDUE_AFTER);

/// When and how the siren is tested.
#[derive(Clone, Debug, PartialEq)]
pub struct TestPlan {
    pub at: Time,
    pub zone: TimeZone,
    pub sound: TestSound,
}

/// Whether people hear the daily test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestSound {
    Audible,
    Inaudible,
}

impl TestSound {
    /// What is played.
    pub fn sound(self) -> Sound {
        match self {
            TestSound::Audible => Sound::Test,
            TestSound::Inaudible => Sound::InaudibleTest,
        }
    }

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            TestSound::Audible => "audible",
            TestSound::Inaudible => "inaudible",
        }
    }
}

/// What the tester looks at.
#[derive(Debug)]
pub struct World {
    pub now: Instant,
    pub wall: Timestamp,
    pub line: Line,
    /// How much of the present sound has left for the loudspeaker.
    pub played: Option<Duration>,
}

/// Whether a test can be heard, or seen to flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Silent, on this device.
    Free {
        device: String,
    },
    /// Something sounds; a test never does over an alarm.
    Taken,
    /// There is no output yet.
    Opening,
    Broken {
        device: String,
        reason: String,
    },
}

/// A test that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SirenTest {
    pub at: Timestamp,
    pub sound: TestSound,
    pub device: String,
    /// How long it took, or why it failed.
    pub outcome: Result<Duration, String>,
    pub asked: Asked,
}

/// Who wanted a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    ByPlan,
    ByPerson,
    /// By a person, when it could not be made: that says nothing of the siren.
    ByPersonInVain,
}

impl SirenTest {
    /// For people.
    pub fn sentence(&self) -> String {
        let SirenTest { sound, device, .. } = self;
        let sound = sound.word();
        match &self.outcome {
            Ok(took) => format!(
                "the {sound} siren test passed on {device:?}: all samples left in {} ms",
                took.as_millis()
            ),
            Err(reason) => format!("the {sound} siren test failed on {device:?}: {reason}"),
        }
    }
}

/// Decides when to test and what came of it.
#[derive(Debug)]
pub struct Tester {
    plan: TestPlan,
    due: Due,
    /// What a person asked for.
    asked: Option<TestSound>,
    running: Option<Running>,
    passed_at: Instant,
    failed: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Due {
    /// The first of this life.
    First,
    At(Timestamp),
    /// After a failed one; what is tested, and since when that has been due.
    Again {
        from: Instant,
        sound: TestSound,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Running {
    sound: TestSound,
    asked: Asked,
    since: Instant,
}

impl Tester {
    pub fn new(plan: TestPlan, now: Instant) -> Tester {
        let (asked, running, failed) = (None, None, None);
        Tester { plan, due: Due::First, asked, running, passed_at: now, failed }
    }

    /// A person wants a test now.
    pub fn ask(&mut self, sound: TestSound) {
        self.asked = Some(sound);
    }

    /// What is to sound for the test, if nothing else does.
    pub fn sound(&self) -> Option<Sound> {
        self.running.map(|running| running.sound.sound())
    }

    /// Looks at the world; returns a test that has ended.
    pub fn look(&mut self, world: &World) -> Option<SirenTest> {
        let since = world.now;
        match (self.running, &world.line) {
            (None, Line::Free { .. }) => {
                let (sound, asked) = match self.asked.take() {
                    Some(sound) => (sound, Asked::ByPerson),
                    None => (self.due_sound(world)?, Asked::ByPlan),
                };
                self.running = Some(Running { sound, asked, since });
                None
            }
            (None, Line::Taken | Line::Opening | Line::Broken { .. }) => {
                let running = Running { sound: self.asked.take()?, asked: Asked::ByPerson, since };
                Some(not_made(running, world))
            }
            // It waits for its turn again; what sounds is more than a test.
            (Some(running), Line::Taken | Line::Opening) => {
                self.running = None;
                (running.asked == Asked::ByPerson).then(|| not_made(running, world))
            }
            (Some(running), Line::Free { device }) => {
                let outcome = judge(running, world)?;
                Some(self.ended(running, device.clone(), outcome, world))
            }
            (Some(running), Line::Broken { device, reason }) => {
                Some(self.ended(running, device.clone(), Err(reason.clone()), world))
            }
        }
    }

    /// Why nobody can say that the siren would sound.
    pub fn fault(&self, now: Instant, wall: Timestamp) -> Option<String> {
        if let Some(reason) = &self.failed {
            return Some(format!("its last test failed: {reason}"));
        }
        let overdue = match self.due {
            Due::At(due) => wall.duration_since(due) > signed(OVERDUE_AFTER),
            Due::First | Due::Again { .. } => false,
        };
        (overdue || now.since(self.passed_at) > OVERDUE_AGE)
            .then(|| "its daily test is overdue; it waits until nothing sounds".into())
    }

    fn due_sound(&self, world: &World) -> Option<TestSound> {
        match self.due {
            Due::First => Some(TestSound::Inaudible),
            Due::At(due) => {
                // The clock on the wall may have been set back by years.
                let long_ago = world.now.since(self.passed_at) > LONGEST_DAY;
                (world.wall >= due || long_ago).then_some(self.plan.sound)
            }
            Due::Again { from, sound } => (world.now >= from).then_some(sound),
        }
    }

    fn ended(
        &mut self,
        running: Running,
        device: String,
        outcome: Result<Duration, String>,
        world: &World,
    ) -> SirenTest {
        self.running = None;
        match &outcome {
            Ok(_) => {
                self.failed = None;
                self.passed_at = world.now;
                self.due = match (running.asked, self.due) {
                    // The daily one keeps its hour.
                    (Asked::ByPerson, Due::At(due)) => Due::At(due),
                    (Asked::ByPerson, Due::First | Due::Again { .. })
                    | (Asked::ByPlan | Asked::ByPersonInVain, _) => {
                        Due::At(next_due(&self.plan, world.wall))
                    }
                };
            }
            Err(reason) => {
                self.failed = Some(reason.clone());
                self.due = Due::Again { from: world.now.after(RETRY_AFTER), sound: running.sound };
            }
        }
        let Running { sound, asked, .. } = running;
        SirenTest { at: world.wall, sound, device, outcome, asked }
    }
}

/// A test that a person asked for and that cannot be made now. It says nothing of the siren.
fn not_made(running: Running, world: &World) -> SirenTest {
    let (device, why) = match &world.line {
        Line::Broken { device, reason } => (device.clone(), reason.clone()),
        Line::Opening => (String::new(), "the sound device is not open yet".into()),
        Line::Taken | Line::Free { .. } => (String::new(), "something else sounds".into()),
    };
    let (at, sound, asked) = (world.wall, running.sound, Asked::ByPersonInVain);
    SirenTest { at, sound, device, outcome: Err(why), asked }
}

/// What a running test has come to; `None` while it goes on.
fn judge(running: Running, world: &World) -> Option<Result<Duration, String>> {
    let length = running.sound.sound().lasts().unwrap_or_default();
    trial::judge(world.played, length, world.now.since(running.since))
}

/// The next time the site's clock shows the hour, later than `after`. A day whose hour the change to
/// summer time leaves out has it an hour later.
fn next_due(plan: &TestPlan, after: Timestamp) -> Timestamp {
    let today = after.to_zoned(plan.zone.clone()).date();
    let day = |days: i64| {
        let date = today.checked_add(jiff::Span::new().days(days)).ok()?;
        let zoned = date.to_datetime(plan.at).to_zoned(plan.zone.clone()).ok()?;
        Some(zoned.timestamp()).filter(|due| *due > after)
    };
    // At the end of the calendar there is no next day, and the clock nobody can set still says so.
    day(0).or_else(|| day(1)).unwrap_or(Timestamp::MAX)
}

fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stage {
        tester: Tester,
        now: Instant,
        wall: Timestamp,
        line: Line,
        /// Sound that leaves the device a second, in seconds.
        pace: f64,
        since: Option<Instant>,
    }

    const LOOK: Duration = Duration::from_millis(20);

    fn stage(sound: TestSound) -> Stage {
        let zone = TimeZone::get("Europe/Prague").expect("known");
        let plan = TestPlan { at: jiff::civil::time(7, 0, 0, 0), zone, sound };
        let (now, wall) = (Instant::from_nanos(5_000_000_000), at("2026-03-28T12:00:00Z"));
        let tester = Tester::new(plan, now);
        Stage { tester, now, wall, line: free(), pace: 1.0, since: None }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn free() -> Line {
        Line::Free { device: "card".into() }
    }

    impl Stage {
        fn pass(&mut self, span: Duration) {
            self.now = self.now.after(span);
            self.wall = self.wall.checked_add(signed(span)).expect("in the calendar");
        }

        /// Looks every 20 ms; the tests that ended.
        fn run(&mut self, span: Duration) -> Vec<SirenTest> {
            let mut ended = Vec::new();
            for _ in 0..span.as_millis() / LOOK.as_millis() {
                self.pass(LOOK);
                self.since = self.tester.sound().and(self.since.or(Some(self.now)));
                let played = self.since.map(|since| self.now.since(since).mul_f64(self.pace));
                let line = self.line.clone();
                let world = World { now: self.now, wall: self.wall, line, played };
                ended.extend(self.tester.look(&world));
            }
            ended
        }

        fn fault(&self) -> Option<String> {
            self.tester.fault(self.now, self.wall)
        }
    }

    const LONG: Duration = Duration::from_secs(5);

    #[test]
    fn the_first_test_is_inaudible_and_the_next_is_as_configured_at_the_sites_hour() {
        let mut stage = stage(TestSound::Audible);
        let first = stage.run(LONG);
        assert!(matches!(
            &first[..],
            [SirenTest { sound: TestSound::Inaudible, outcome: Ok(_), .. }]
        ));
        // The clocks go forward in that night: 07:00 is 05:00 UTC then, an hour earlier than today.
        stage.pass(Duration::from_secs((16 * 60 + 59) * 60));
        assert!(stage.wall < at("2026-03-29T05:00:00Z"));
        assert!(stage.run(Duration::from_secs(30)).is_empty(), "{}", stage.wall);
        let second = stage.run(Duration::from_secs(60));
        assert!(matches!(
            &second[..],
            [SirenTest { sound: TestSound::Audible, outcome: Ok(_), .. }]
        ));
        assert!(second[0].at < at("2026-03-29T05:00:05Z"), "{}", second[0].at);
        assert_eq!(stage.fault(), None);
    }

    #[test]
    fn an_alarm_ends_a_test_at_once_and_the_test_comes_after_it() {
        let mut stage = stage(TestSound::Audible);
        stage.run(Duration::from_millis(500));
        assert!(stage.tester.sound().is_some());
        stage.line = Line::Taken;
        assert!(stage.run(LOOK).is_empty());
        assert_eq!(stage.tester.sound(), None);
        assert!(stage.run(LONG).is_empty(), "nothing over an alarm");
        stage.line = free();
        stage.since = None;
        assert_eq!(stage.run(LONG).len(), 1);
    }

    #[test]
    fn samples_that_do_not_flow_or_flow_too_fast_are_a_fault_until_a_test_passes() {
        for (pace, said) in [(0.1, "have left"), (5.0, "plays nothing")] {
            let mut stage = stage(TestSound::Inaudible);
            stage.pace = pace;
            let ended = stage.run(LONG);
            assert!(matches!(&ended[..], [SirenTest { outcome: Err(_), .. }]), "{ended:?}");
            assert!(stage.fault().is_some_and(|fault| fault.contains(said)), "{:?}", stage.fault());
            stage.pace = 1.0;
            stage.since = None;
            assert_eq!(stage.run(Duration::from_secs(70)).len(), 1);
            assert_eq!(stage.fault(), None);
        }
    }

    #[test]
    fn a_test_that_finds_no_turn_is_overdue_an_hour_later_also_when_the_clock_is_set_back() {
        let mut stage = stage(TestSound::Inaudible);
        stage.run(LONG);
        stage.line = Line::Taken;
        stage.pass(Duration::from_secs(18 * 60 * 60 - 60));
        stage.run(LOOK);
        assert_eq!(stage.fault(), None, "{}", stage.wall);
        stage.pass(Duration::from_secs(60 * 60));
        assert!(stage.fault().is_some_and(|fault| fault.contains("overdue")), "{}", stage.wall);
        stage.line = free();
        stage.since = None;
        assert_eq!(stage.run(LONG).len(), 1);
        assert_eq!(stage.fault(), None);
        stage.wall = at("2020-01-01T00:00:00Z");
        assert_eq!(stage.fault(), None);
        stage.pass(Duration::from_secs(27 * 60 * 60));
        assert!(stage.fault().is_some_and(|fault| fault.contains("overdue")), "{}", stage.wall);
        stage.since = None;
        assert_eq!(stage.run(LONG).len(), 1, "it is tested although the wall says it is not due");
    }

    #[test]
    fn an_output_that_breaks_during_the_test_fails_it() {
        let mut stage = stage(TestSound::Inaudible);
        stage.run(Duration::from_millis(500));
        stage.line = Line::Broken { device: "card".into(), reason: "unplugged".into() };
        let ended = stage.run(LOOK);
        assert_eq!(ended[0].outcome, Err("unplugged".into()));
        assert!(ended[0].sentence().contains("failed on \"card\": unplugged"));
    }

    #[test]
    fn a_test_that_a_person_asks_for_is_made_at_once_and_moves_no_daily_one() {
        let mut stage = stage(TestSound::Audible);
        stage.run(Duration::from_secs(5));
        let due = stage.tester.due;
        stage.tester.ask(TestSound::Audible);
        let ended = stage.run(Duration::from_secs(20));
        let [SirenTest { sound, outcome: Ok(_), asked, .. }] = &ended[..] else {
            panic!("{ended:?}")
        };
        assert_eq!((*sound, *asked), (TestSound::Audible, Asked::ByPerson));
        assert!(matches!(due, Due::At(_)) && stage.tester.due == due, "{due:?}");
    }

    #[test]
    fn a_test_that_a_person_asks_for_never_sounds_over_an_alarm_and_says_so() {
        let mut stage = stage(TestSound::Inaudible);
        stage.run(Duration::from_secs(5));
        stage.line = Line::Taken;
        stage.tester.ask(TestSound::Audible);
        let ended = stage.run(Duration::from_secs(5));
        let [SirenTest { outcome: Err(why), .. }] = &ended[..] else { panic!("{ended:?}") };
        assert_eq!(why, "something else sounds");
        assert_eq!(stage.fault(), None, "it says nothing of the siren");
    }
}
