//! The outbox against a naive model of it, under random actions: the real store, killed at will.
//!
//! The model is lists in memory: every message ever committed, and for each channel what it took,
//! lost and passed over. After every action: each message is delivered, waiting or counted as lost;
//! classes keep their order; nothing is there to deliver that was not committed.
//!
//! `STANDCLEAR_CASES` runs more of them; a failure prints the actions, and its seed is kept beside
//! this file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};

use jiff::SignedDuration;
use proptest::prelude::*;
use standclear::engine::delivery::Class;
use standclear::store::outbox::{Bounds, LossReason, Message, Progress, Trimmed};

use super::outbox::matches;
use super::*;

const CHANNELS: [&str; 2] = ["broker", "hook"];

#[derive(Clone, Debug)]
enum Action {
    /// A batch of so many alarms, faults and zone changes.
    Write(u8, u8, u8),
    /// A channel takes so many of a class; every third is given up or passed over by this choice.
    Take {
        channel: usize,
        class: usize,
        messages: u8,
        fate: Fate,
    },
    /// The same progress is told once more: its outcome was not known.
    Repeat,
    /// Sends and forgets: it crashed before that was noted.
    SendWithoutNote {
        channel: usize,
        class: usize,
    },
    /// Closed in order, and opened again.
    Restart,
    /// Killed: file and log are taken as they are, while the store is open.
    Crash,
    /// Killed while a page of the log was being written: its tail is not there.
    Torn {
        bytes: u16,
    },
    /// Its tail is garbage.
    Trashed {
        bytes: u16,
    },
    ClockStep {
        hours: i16,
    },
    TrimByBytes {
        kept_percent: u8,
    },
    TrimByAge {
        hours: u8,
    },
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Delivered,
    EveryThirdRefused,
    EveryThirdPassed,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let fate = prop_oneof![
        Just(Fate::Delivered),
        Just(Fate::EveryThirdRefused),
        Just(Fate::EveryThirdPassed),
    ];
    let (channel, class) = (0..CHANNELS.len(), 0..Class::ALL.len());
    let action = prop_oneof![
        5 => (0..4_u8, 0..3_u8, 0..4_u8).prop_map(|(a, f, t)| Action::Write(a, f, t)),
        5 => (channel.clone(), class.clone(), 1..9_u8, fate).prop_map(
            |(channel, class, messages, fate)| Action::Take { channel, class, messages, fate }),
        1 => Just(Action::Repeat),
        1 => (channel, class).prop_map(|(channel, class)| Action::SendWithoutNote { channel, class }),
        1 => Just(Action::Restart),
        2 => Just(Action::Crash),
        1 => (1..6_000_u16).prop_map(|bytes| Action::Torn { bytes }),
        1 => (1..6_000_u16).prop_map(|bytes| Action::Trashed { bytes }),
        1 => (-800..800_i16).prop_map(|hours| Action::ClockStep { hours }),
        1 => (0..100_u8).prop_map(|kept_percent| Action::TrimByBytes { kept_percent }),
        1 => (0..48_u8).prop_map(|hours| Action::TrimByAge { hours }),
    ];
    proptest::collection::vec(action, 1..40)
}

/// What is to be true of a channel and class, counted by hand.
#[derive(Clone, Debug, Default, PartialEq)]
struct Account {
    position: u64,
    delivered: u64,
    passed: u64,
    lost: BTreeMap<LossReason, u64>,
}

/// The naive outbox.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    messages: Vec<Message>,
    accounts: BTreeMap<(usize, Class), Account>,
}

impl Model {
    fn waiting(&self, channel: usize, class: Class) -> Vec<Message> {
        let position = self.accounts.get(&(channel, class)).map_or(0, |account| account.position);
        let of = |m: &&Message| m.class == class && m.id > position;
        self.messages.iter().filter(of).cloned().collect()
    }

    fn account(&mut self, channel: usize, class: Class) -> &mut Account {
        self.accounts.entry((channel, class)).or_default()
    }

    /// Forgets what every channel is done with.
    fn forget(&mut self) {
        let done = |class| {
            let position = |channel| {
                self.accounts.get(&(channel, class)).map_or(0, |account| account.position)
            };
            (0..CHANNELS.len()).map(position).min().unwrap_or_default()
        };
        let done: BTreeMap<Class, u64> =
            Class::ALL.into_iter().map(|class| (class, done(class))).collect();
        self.messages.retain(|message| message.id > done[&message.class]);
    }

    fn lose_up_to(&mut self, class: Class, last: u64, reason: LossReason) {
        for channel in 0..CHANNELS.len() {
            let gone = self.waiting(channel, class).iter().filter(|m| m.id <= last).count() as u64;
            let account = self.account(channel, class);
            if gone > 0 {
                *account.lost.entry(reason).or_default() += gone;
            }
            account.position = account.position.max(last);
        }
        self.messages.retain(|message| message.class != class || message.id > last);
    }
}

/// The store under test, and its model.
struct World {
    dir: TempDir,
    store: Option<Store>,
    model: Model,
    /// The model at each commit since the log was last emptied: a torn log goes back to one of them.
    commits: Vec<Model>,
    clock: Timestamp,
    alarms: u64,
    last: Option<(usize, Progress)>,
}

fn classes() -> &'static [Class] {
    &Class::ALL
}

impl World {
    fn new() -> World {
        let dir = folder();
        let mut world = World {
            store: None,
            dir,
            model: Model::default(),
            commits: Vec::new(),
            clock: at(0),
            alarms: 0,
            last: None,
        };
        world.reopen();
        world
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().expect("open")
    }

    fn reopen(&mut self) {
        self.store = None;
        let mut store = open(self.dir.path());
        let channels = CHANNELS.map(|channel| (channel, classes()));
        store.set_channels(&channels).expect("kept");
        self.store = Some(store);
    }

    fn seen(&self) -> Model {
        let reader = self.store.as_ref().expect("open").reader().expect("a reader");
        let mut seen = Model::default();
        let mut messages: BTreeMap<u64, Message> = BTreeMap::new();
        for (index, channel) in CHANNELS.iter().enumerate() {
            for backlog in reader.backlog(channel).expect("readable") {
                let mut after = 0;
                while let Some(message) =
                    reader.next_message(channel, backlog.class, after).expect("readable")
                {
                    assert!(message.id > after.max(backlog.position), "order within the class");
                    after = message.id;
                    messages.insert(message.id, message);
                }
                let account = seen.account(index, backlog.class);
                account.position = backlog.position;
                account.delivered = backlog.delivered;
            }
            for loss in reader.losses(channel).expect("readable") {
                seen.account(index, loss.class).lost.insert(loss.reason, loss.rows);
            }
        }
        seen.messages = messages.into_values().collect();
        seen
    }

    /// Compares what the store says with the model; what was passed over only the model counts.
    fn check(&self) {
        let mut seen = self.seen();
        for (key, account) in &self.model.accounts {
            let seen = seen.accounts.entry(*key).or_default();
            seen.passed = account.passed;
        }
        for account in self.model.accounts.keys() {
            assert_eq!(seen.accounts[account], self.model.accounts[account], "{account:?}");
        }
        assert_eq!(seen.messages, self.model.messages);
    }

    fn note(&mut self) {
        self.commits.push(self.model.clone());
    }

    fn write(&mut self, alarms: u8, faults: u8, zones: u8) {
        let mut records = Vec::new();
        let mut second = || {
            self.clock += SignedDuration::from_secs(1);
            self.clock
        };
        for _ in 0..alarms {
            let at = second();
            self.alarms += 1;
            records.push(Record::Alarm {
                alarm: AlarmId(self.alarms),
                at,
                source: AlarmKey::Intrusion("gate".into()),
                state: AlarmState::Unacknowledged,
                version: (1 << 20) + self.alarms,
                incident: None,
                text: "1 person inside".into(),
            });
        }
        for _ in 0..faults {
            let at = second();
            self.alarms += 1;
            records.push(Record::Alarm {
                alarm: AlarmId(self.alarms),
                at,
                source: AlarmKey::Blind("east".into()),
                state: AlarmState::Unacknowledged,
                version: (1 << 20) + self.alarms,
                incident: None,
                text: "No picture".into(),
            });
        }
        for _ in 0..zones {
            records.push(Record::ZoneKnown { zone: "gate".into(), at: second() });
        }
        let before: u64 = self.highest();
        let expected = self.new_records(&records);
        self.store().write(&records).expect("kept");
        let new: Vec<Message> =
            self.seen().messages.into_iter().filter(|message| message.id > before).collect();
        assert_eq!(new.len(), expected.len(), "a message for each record that is new");
        for (message, record) in new.iter().zip(expected) {
            assert!(matches(record, message), "{message:?} of {record:?}");
        }
        self.model.messages.extend(new);
        self.note();
    }

    /// Those that are no repeats: of a zone, which may be told again when the clock stood there
    /// before, the event log knows; alarms have numbers of their own.
    fn new_records<'a>(&self, records: &'a [Record]) -> Vec<&'a Record> {
        let mut told = BTreeSet::new();
        let is_new = |record: &&Record| match record {
            Record::ZoneKnown { at, .. } => {
                let sql = format!(
                    "SELECT count(*) FROM event WHERE kind = 'zone_known' AND at_us = {}",
                    at.as_microsecond()
                );
                number(self.dir.path(), &sql) == 0 && told.insert(*at)
            }
            _ => true,
        };
        records.iter().filter(is_new).collect()
    }

    /// The highest number given so far, also to what is gone.
    fn highest(&self) -> u64 {
        let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'";
        u64::try_from(number(self.dir.path(), sql)).expect("not negative")
    }

    fn take(&mut self, channel: usize, class: Class, messages: u8, fate: Fate) {
        let reader = self.store().reader().expect("a reader");
        let expected = self.model.waiting(channel, class);
        let mut progress = Progress { class, position: 0, passed: vec![], lost: vec![] };
        let mut taken = 0;
        while taken < usize::from(messages) {
            let next =
                reader.next_message(CHANNELS[channel], class, progress.position).expect("readable");
            assert_eq!(next.as_ref(), expected.get(taken), "delivered in order, and only that");
            let Some(message) = next else { break };
            progress.position = message.id;
            taken += 1;
            match (fate, taken % 3) {
                (Fate::EveryThirdRefused, 0) => {
                    progress.lost.push((message.id, LossReason::Refused));
                }
                (Fate::EveryThirdPassed, 0) => progress.passed.push(message.id),
                _ => {}
            }
        }
        if taken == 0 {
            return;
        }
        let at = self.clock;
        self.store().advance(CHANNELS[channel], &[progress.clone()], &[], at).expect("kept");
        let account = self.model.account(channel, class);
        let (lost, passed) = (progress.lost.len() as u64, progress.passed.len() as u64);
        account.position = progress.position;
        account.passed += passed;
        account.delivered += taken as u64 - lost - passed;
        if lost > 0 {
            *account.lost.entry(LossReason::Refused).or_default() += lost;
        }
        self.model.forget();
        self.last = Some((channel, progress));
        self.note();
    }

    fn trim(&mut self, bounds: Bounds, reason: LossReason) {
        loop {
            let before = self.seen();
            if self.store().trim_outbox(bounds).expect("trimmed") == Trimmed::Enough {
                break;
            }
            let after = self.seen();
            let gone = |m: &&Message| after.messages.iter().all(|kept| kept.id != m.id);
            let gone: Vec<Message> = before.messages.iter().filter(gone).cloned().collect();
            let class = gone.first().expect("a portion is not empty").class;
            assert!(gone.iter().all(|message| message.class == class), "one class at a time");
            if reason == LossReason::Room {
                let less = |m: &Message| m.class > class;
                assert!(!after.messages.iter().any(less), "less urgent ones go first");
            }
            let last = gone.iter().map(|message| message.id).max().expect("some");
            let older = |m: &Message| m.class == class && m.id <= last;
            assert!(!after.messages.iter().any(older), "the oldest go first");
            self.model.lose_up_to(class, last, reason);
            self.note();
        }
    }

    /// Copies file and log as they are on disk while the store is open, damages the copy's log, and
    /// goes on with the copy: what a power cut leaves on a disk that lied about the last syncs.
    fn damage(&mut self, damage: impl FnOnce(&mut Vec<u8>)) {
        let copy = folder();
        for name in [FILE_NAME.to_owned(), format!("{FILE_NAME}-wal")] {
            let from = self.dir.path().join(&name);
            if from.exists() {
                fs::copy(&from, copy.path().join(&name)).expect("copied");
            }
        }
        let log = copy.path().join(format!("{FILE_NAME}-wal"));
        let mut bytes = fs::read(&log).unwrap_or_default();
        damage(&mut bytes);
        fs::write(&log, &bytes).expect("damaged");
        self.store = None;
        self.dir = copy;
        self.reopen();
        // It holds everything up to some commit, whole.
        let seen = self.seen();
        let same = |model: &&Model| {
            let positions = model.accounts.iter().all(|(key, account)| {
                seen.accounts.get(key).is_some_and(|seen| {
                    (seen.position, seen.delivered, &seen.lost)
                        == (account.position, account.delivered, &account.lost)
                })
            });
            positions && seen.messages == model.messages
        };
        let found = self.commits.iter().rposition(|model| same(&model));
        let found = found.unwrap_or_else(|| panic!("between two commits: {seen:?}"));
        self.model = self.commits[found].clone();
        // What came after it has not happened.
        self.commits.truncate(found + 1);
        self.last = None;
    }

    fn run(&mut self, action: &Action) {
        match action.clone() {
            Action::Write(alarms, faults, zones) => self.write(alarms, faults, zones),
            Action::Take { channel, class, messages, fate } => {
                self.take(channel, Class::ALL[class], messages, fate);
            }
            Action::Repeat => {
                if let Some((channel, progress)) = self.last.clone() {
                    let at = self.clock;
                    self.store().advance(CHANNELS[channel], &[progress], &[], at).expect("kept");
                }
            }
            Action::SendWithoutNote { channel, class } => {
                let class = Class::ALL[class];
                let reader = self.store().reader().expect("a reader");
                let next = reader.next_message(CHANNELS[channel], class, 0).expect("readable");
                assert_eq!(next.as_ref(), self.model.waiting(channel, class).first());
                drop(reader);
                self.reopen();
            }
            Action::Restart => self.reopen(),
            Action::Crash => {
                let before = self.model.clone();
                self.damage(|_log| {});
                assert_eq!(self.model, before, "what was committed survives");
            }
            Action::Torn { bytes } => self.damage(|log| {
                log.truncate(log.len().saturating_sub(usize::from(bytes)));
            }),
            Action::Trashed { bytes } => self.damage(|log| {
                let from = log.len().saturating_sub(usize::from(bytes)).max(32);
                log.iter_mut().skip(from).for_each(|byte| *byte ^= 0x5a);
            }),
            Action::ClockStep { hours } => {
                self.clock += SignedDuration::from_hours(i64::from(hours));
            }
            Action::TrimByBytes { kept_percent } => {
                let sql = "SELECT coalesce(sum(bytes), 0) FROM outbox";
                let bytes = u64::try_from(number(self.dir.path(), sql)).expect("not negative");
                let bytes_max = bytes * u64::from(kept_percent) / 100;
                self.trim(Bounds { bytes_max, not_before: None }, LossReason::Room);
            }
            Action::TrimByAge { hours } => {
                let not_before = self.clock - SignedDuration::from_hours(i64::from(hours));
                let bounds = Bounds { bytes_max: u64::MAX >> 1, not_before: Some(not_before) };
                self.trim(bounds, LossReason::Age);
            }
        }
    }
}

fn cases() -> u32 {
    let asked = std::env::var("STANDCLEAR_CASES").ok().and_then(|cases| cases.parse().ok());
    asked.unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_outbox_is_the_naive_one_whatever_happens(actions in actions()) {
        let mut world = World::new();
        world.note();
        for action in &actions {
            world.run(action);
            world.check();
        }
        // At the end everything is fetched: nothing is left, and everything was accounted for.
        for channel in 0..CHANNELS.len() {
            for class in Class::ALL {
                let left = world.model.waiting(channel, class).len();
                for _ in 0..left {
                    world.take(channel, class, 1, Fate::Delivered);
                }
            }
        }
        world.check();
        prop_assert!(world.seen().messages.is_empty());
    }
}

#[test]
fn a_log_without_its_end_is_a_store_of_an_earlier_moment() {
    let mut world = World::new();
    world.note();
    world.write(2, 1, 1);
    world.take(0, Class::Alarm, 1, Fate::Delivered);
    world.damage(|log| log.truncate(log.len() - 1));
    world.check();
    // The file itself was not touched.
    assert!(OpenOptions::new().read(true).open(world.dir.path().join(FILE_NAME)).is_ok());
}
