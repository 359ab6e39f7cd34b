//! The trait and its thread, with adapters that fail in every way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use standclear::clock;
use standclear::engine::time::Instant;
use standclear::guard::handle::{InputValue, SetInputError};
use standclear::guard::inputs::{
    AdapterError, Face, InputAdapter, InputIndex, InputState, InputTable, Reading, Said,
    SharedInputs, Stop, Unknown, http, start,
};

use crate::{posted, wait_for};

const PRESS: InputIndex = InputIndex(0);

pub struct Running {
    pub shared: Arc<SharedInputs>,
    stop: Stop,
}

impl Running {
    /// One input, heard by this adapter.
    pub fn start(adapter: Box<dyn InputAdapter>, max_age_ms: u64) -> Running {
        let table = InputTable::new(&[posted("press", max_age_ms)], clock::wall());
        let shared = Arc::new(SharedInputs::new(table));
        let stop = Stop::default();
        start(adapter, shared.clone(), stop.clone()).expect("a thread");
        Running { shared, stop }
    }

    pub fn state(&self) -> InputState {
        self.shared.table().state(PRESS, clock::monotonic())
    }

    /// Waits until the input shows this face, and returns when that was seen.
    #[track_caller]
    pub fn wait(&self, face: Face) -> Instant {
        wait_for(&format!("{face:?}"), || (self.state().face() == face).then(clock::monotonic))
    }

    /// Waits until the input is unknown for such a reason.
    #[track_caller]
    pub fn wait_unknown(&self, why: fn(&Unknown) -> bool) -> Unknown {
        wait_for("the reason", || match self.state() {
            InputState::Unknown(unknown) if why(&unknown) => Some(unknown),
            _ => None,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// Asks a device, as Modbus or a GPIO level would be asked: once in each read.
struct Polled {
    level: Arc<Mutex<Level>>,
    connects: Arc<AtomicU64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    High,
    Low,
    CableOut,
    Poisoned,
    /// Says something of an input that is not its own.
    OfOthers,
    /// Does not come back in time.
    Hangs,
}

impl InputAdapter for Polled {
    fn source(&self) -> String {
        "the controller".into()
    }

    fn inputs(&self) -> &[InputIndex] {
        &[PRESS]
    }

    fn connect(&mut self) -> Result<(), AdapterError> {
        self.connects.fetch_add(1, Ordering::Relaxed);
        match *self.level.lock().expect("not poisoned") {
            Level::CableOut => Err(AdapterError::NoAnswer(Duration::from_secs(1))),
            Level::High | Level::Low | Level::Poisoned | Level::OfOthers | Level::Hangs => Ok(()),
        }
    }

    fn read(&mut self, wait: Duration) -> Result<Vec<Reading>, AdapterError> {
        let at = clock::monotonic();
        let reading = |input, said| Ok(vec![Reading { input, said, at, by: None }]);
        thread::park_timeout(wait / 10);
        let level = *self.level.lock().expect("not poisoned");
        match level {
            Level::High => reading(PRESS, Said::On),
            Level::Low => reading(PRESS, Said::Off),
            Level::CableOut => Err(AdapterError::Ended("the cable is out")),
            Level::Poisoned => panic!("the test asked for it"),
            Level::OfOthers => reading(InputIndex(7), Said::Off),
            Level::Hangs => {
                thread::park_timeout(wait + Duration::from_millis(1_100));
                reading(PRESS, Said::Off)
            }
        }
    }
}

fn polled() -> (Running, Arc<Mutex<Level>>, Arc<AtomicU64>) {
    let level = Arc::new(Mutex::new(Level::High));
    let connects = Arc::new(AtomicU64::new(0));
    let adapter = Polled { level: level.clone(), connects: connects.clone() };
    (Running::start(Box::new(adapter), 1_000), level, connects)
}

fn set(level: &Mutex<Level>, to: Level) {
    *level.lock().expect("not poisoned") = to;
}

#[test]
fn a_polled_source_fits_the_same_trait() {
    let (running, level, connects) = polled();
    running.wait(Face::On);
    set(&level, Level::Low);
    running.wait(Face::Off);
    assert_eq!(connects.load(Ordering::Relaxed), 1);
}

#[test]
fn a_lost_or_poisoned_adapter_is_unknown_at_once_and_tried_again() {
    for broken in [Level::CableOut, Level::Poisoned] {
        let (running, level, _) = polled();
        running.wait(Face::On);
        set(&level, broken);
        let lost = running.wait_unknown(|why| matches!(why, Unknown::Lost { .. }));
        let Unknown::Lost { source, .. } = lost else { unreachable!("just asked for") };
        assert_eq!(source, "the controller");
        set(&level, Level::Low);
        running.wait(Face::Off);
    }
}

#[test]
fn a_source_that_stood_still_is_given_up_with_what_it_says_late() {
    let (running, level, connects) = polled();
    running.wait(Face::On);
    set(&level, Level::Hangs);
    running.wait_unknown(|why| matches!(why, Unknown::Stale { .. }));
    let lost = running.wait_unknown(|why| matches!(why, Unknown::Lost { .. }));
    let Unknown::Lost { why, .. } = lost else { unreachable!("just asked for") };
    assert!(why.contains("stood still"), "{why}");
    set(&level, Level::High);
    running.wait(Face::On);
    assert!(connects.load(Ordering::Relaxed) >= 2);
}

#[test]
fn an_adapter_that_speaks_for_others_keeps_nothing_alive() {
    let (running, level, _) = polled();
    running.wait(Face::On);
    set(&level, Level::OfOthers);
    running.wait_unknown(|why| matches!(why, Unknown::Stale { .. }));
}

#[test]
fn a_table_that_somebody_broke_is_not_believed() {
    let table = InputTable::new(&[posted("press", 60_000)], clock::wall());
    let shared = Arc::new(SharedInputs::new(table));
    let now = clock::monotonic();
    shared.table().heard(PRESS, Said::Off, now, None);
    assert_eq!(shared.table().state(PRESS, now), InputState::Off);
    let broken = shared.clone();
    let panicked = thread::spawn(move || {
        let _table = broken.table();
        panic!("the test asked for it");
    });
    assert!(panicked.join().is_err());
    let unknown = InputState::Unknown(Unknown::NotSinceConnected);
    assert_eq!(shared.table().state(PRESS, now), unknown);
    shared.table().heard(PRESS, Said::On, clock::monotonic(), None);
    assert_eq!(shared.table().state(PRESS, clock::monotonic()), InputState::On);
}

#[test]
fn a_posted_value_counts_until_its_age_is_over() {
    let names = vec![("press".to_owned(), PRESS)];
    let (door, adapter) = http(names, vec!["press".into(), "by-mqtt".into()]);
    let running = Running::start(Box::new(adapter), 1_000);
    running.wait_unknown(|why| *why == Unknown::NeverHeard);
    wait_for("off", || {
        door.set("press", InputValue::Off, "plc").expect("taken");
        (running.state().face() == Face::Off).then_some(())
    });
    running.wait_unknown(|why| matches!(why, Unknown::Stale { .. }));
    assert_eq!(door.set("by-mqtt", InputValue::Off, "plc"), Err(SetInputError::NotPosted));
    assert_eq!(door.set("pres", InputValue::Off, "plc"), Err(SetInputError::UnknownInput));
}

#[test]
fn a_flood_of_posts_finds_an_end() {
    let (door, adapter) = http(vec![("press".to_owned(), PRESS)], vec!["press".into()]);
    let outcomes: Vec<_> = (0..100).map(|_| door.set("press", InputValue::Off, "plc")).collect();
    assert!(outcomes.contains(&Err(SetInputError::Busy)), "nobody takes them yet");
    drop(adapter);
    assert_eq!(door.set("press", InputValue::Off, "plc"), Err(SetInputError::Stopping));
}
