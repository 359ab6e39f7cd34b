//! The book of alarms against a naive model of my own: per source four facts and who keeps it quiet,
//! random causes, commands, passing time and restarts; after each step both must say the same.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::alarm::{AlarmBook, Hold, Latch, SILENCE_MAX, ShelfTime, Trigger};
use standclear::engine::time::Instant;
use standclear::engine::{
    AlarmId, AlarmSource, AlarmState, CameraIndex, Restored, RestoredAlarm, RestoredHold,
    SirenPattern, ZoneIndex,
};

use super::world::cases;

/// The first zone latches; the walk test is never heard.
const SOURCES: [AlarmSource; 4] = [
    AlarmSource::Intrusion(ZoneIndex(0)),
    AlarmSource::Warning(ZoneIndex(1)),
    AlarmSource::Blind(CameraIndex(0)),
    AlarmSource::Untested(ZoneIndex(0)),
];

fn latch(source: usize) -> Latch {
    if source == 0 { Latch::Yes } else { Latch::No }
}

#[derive(Clone, Debug)]
enum Action {
    Cause(usize),
    FurtherPerson(usize),
    Gone(usize),
    Acknowledge(usize),
    Reset(usize),
    Silence(Option<usize>),
    Shelve(usize, u64),
    Unshelve(usize),
    TakeOut(usize),
    PutBack(usize),
    Wait(u64),
    Restart,
}

fn action() -> impl Strategy<Value = Action> {
    let source = 0..SOURCES.len();
    prop_oneof![
        4 => source.clone().prop_map(Action::Cause),
        2 => source.clone().prop_map(Action::FurtherPerson),
        3 => source.clone().prop_map(Action::Gone),
        3 => source.clone().prop_map(Action::Acknowledge),
        2 => source.clone().prop_map(Action::Reset),
        2 => proptest::option::of(source.clone()).prop_map(Action::Silence),
        2 => (source.clone(), 1_u64..=480).prop_map(|(s, m)| Action::Shelve(s, m)),
        1 => source.clone().prop_map(Action::Unshelve),
        1 => source.clone().prop_map(Action::TakeOut),
        1 => source.prop_map(Action::PutBack),
        3 => (0_u64..20_000).prop_map(Action::Wait),
        1 => Just(Action::Restart),
    ]
}

/// One source, as plain facts.
#[derive(Clone, Debug, Default)]
struct Facts {
    cause: bool,
    unanswered: bool,
    latched: bool,
    /// Seconds at which it leaves the shelf.
    shelf: Option<u64>,
    out: bool,
    silent_until: Option<u64>,
    /// The number it was shelved as.
    shelved_as: Option<AlarmId>,
}

impl Facts {
    fn is_open(&self) -> bool {
        self.cause || self.unanswered || self.latched
    }

    fn is_held(&self) -> bool {
        self.out || self.shelf.is_some()
    }

    fn state(&self) -> AlarmState {
        match () {
            () if !self.is_open() => AlarmState::Normal,
            () if self.out => AlarmState::OutOfService,
            () if self.shelf.is_some() => AlarmState::Shelved,
            () if self.cause && self.unanswered => AlarmState::Unacknowledged,
            () if self.cause => AlarmState::Acknowledged,
            () if self.latched && self.unanswered => AlarmState::LatchedUnacknowledged,
            () if self.latched => AlarmState::LatchedAcknowledged,
            () => AlarmState::ReturnedUnacknowledged,
        }
    }

    fn is_heard(&self, source: usize, now: u64) -> bool {
        let sounds = source != 3 && !self.is_held();
        let silent = self.silent_until.is_some_and(|until| now < until);
        sounds && self.unanswered && (self.cause || self.latched) && !silent
    }

    /// Nobody is asked to answer or reset what is kept quiet.
    fn settle(&mut self) {
        if self.is_held() {
            self.unanswered = false;
            self.latched = false;
        }
        if !self.is_open() {
            self.silent_until = None;
        }
    }
}

#[derive(Default)]
struct Model {
    facts: [Facts; 4],
    now: u64,
}

impl Model {
    /// Whether it took the action; `false` is a refusal.
    fn act(&mut self, action: &Action) -> bool {
        let now = self.now;
        let (source, done) = match *action {
            Action::Cause(s) => (s, self.cause(s, false)),
            Action::FurtherPerson(s) => (s, self.cause(s, true)),
            Action::Gone(s) => {
                let it = &mut self.facts[s];
                if it.cause {
                    it.cause = false;
                    it.latched = latch(s) == Latch::Yes;
                }
                (s, true)
            }
            Action::Acknowledge(s) => (s, std::mem::take(&mut self.facts[s].unanswered)),
            Action::Reset(s) => {
                let it = &mut self.facts[s];
                let may = it.latched && !it.cause && !it.unanswered;
                it.latched &= !may;
                (s, may)
            }
            Action::Silence(which) => {
                let mut done = false;
                for s in (0..4).filter(|s| which.is_none_or(|it| it == *s)) {
                    if self.facts[s].is_heard(s, now) {
                        self.facts[s].silent_until = Some(now + SILENCE_MAX.as_secs());
                        done = true;
                    }
                }
                (0, done)
            }
            Action::Shelve(s, minutes) => {
                let it = &mut self.facts[s];
                let may = it.is_open() && !it.is_held();
                if may {
                    it.shelf = Some(now + minutes * 60);
                }
                (s, may)
            }
            Action::Unshelve(s) => {
                let may = self.facts[s].shelf.is_some();
                if may {
                    self.release(s);
                }
                (s, may)
            }
            Action::TakeOut(s) => {
                let may = !self.facts[s].out;
                (self.facts[s].out, self.facts[s].shelf) =
                    (true, self.facts[s].shelf.filter(|_| !may));
                (s, may)
            }
            Action::PutBack(s) => {
                let may = self.facts[s].out;
                if may {
                    self.release(s);
                }
                (s, may)
            }
            Action::Wait(seconds) => {
                self.now += seconds;
                for s in 0..4 {
                    if self.facts[s].shelf.is_some_and(|until| until <= self.now) {
                        self.release(s);
                    }
                }
                (0, true)
            }
            Action::Restart => {
                self.wake();
                (0, true)
            }
        };
        self.facts[source].settle();
        done
    }

    fn cause(&mut self, s: usize, further: bool) -> bool {
        let it = &mut self.facts[s];
        let news = further || !it.cause;
        if news {
            (it.cause, it.unanswered, it.latched) = (true, true, false);
            if !it.is_held() {
                self.wake();
            }
        }
        true
    }

    fn release(&mut self, s: usize) {
        let it = &mut self.facts[s];
        (it.out, it.shelf) = (false, None);
        if it.cause {
            it.unanswered = true;
            self.wake();
        }
    }

    fn wake(&mut self) {
        for it in &mut self.facts {
            it.silent_until = None;
        }
    }

    fn siren(&self) -> SirenPattern {
        let patterns = [SirenPattern::Intrusion, SirenPattern::Warning, SirenPattern::Fault];
        let heard = |s: &usize| self.facts[*s].is_heard(*s, self.now);
        (0..3).find(heard).map_or(SirenPattern::Silent, |s| patterns[s])
    }
}

fn at(seconds: u64) -> Instant {
    Instant::from_millis(1_000).after(Duration::from_secs(seconds))
}

/// The number of a source's open alarm; one that nobody has where there is none.
fn number(book: &AlarmBook, source: usize) -> AlarmId {
    let views = book.views();
    let open = views.iter().find(|view| view.source == SOURCES[source]);
    open.map_or(AlarmId(u64::MAX), |view| view.id)
}

/// What the store would keep, taken up again.
fn restart(book: &AlarmBook, last_alarm: u64) -> AlarmBook {
    let alarm = |view: standclear::engine::AlarmView| RestoredAlarm {
        id: view.id,
        source: view.source,
        state: view.state,
        raised_at: view.raised_at,
    };
    let hold = |hold: standclear::engine::alarm::HoldView| match (hold.alarm, hold.until) {
        (Some(alarm), Some(until)) => RestoredHold::Shelved { source: hold.source, alarm, until },
        _ => RestoredHold::OutOfService { source: hold.source },
    };
    AlarmBook::restored(&Restored {
        last_alarm,
        alarms: book.views().into_iter().map(alarm).collect(),
        holds: book.holds().into_iter().map(hold).collect(),
        ..Restored::default()
    })
}

/// Whether the book took the action.
fn act(book: &mut AlarmBook, action: &Action, model: &Model, last_alarm: u64) -> bool {
    let now = at(model.now);
    let mut apply = |s: usize, trigger| {
        book.apply(SOURCES[s], trigger, latch(s), now);
        true
    };
    match *action {
        Action::Cause(s) => apply(s, Trigger::Activate),
        Action::FurtherPerson(s) => apply(s, Trigger::Renew),
        Action::Gone(s) => apply(s, Trigger::Return),
        Action::Acknowledge(s) => book.acknowledge(number(book, s), now).is_ok(),
        Action::Reset(s) => book.reset(number(book, s), now).is_ok(),
        Action::Silence(which) => book.silence(which.map(|s| number(book, s)), now).is_ok(),
        Action::Shelve(s, minutes) => {
            let time = ShelfTime::from_minutes(minutes).expect("a time");
            book.shelve(number(book, s), now.after(time.get()), now).is_ok()
        }
        Action::Unshelve(s) => {
            let number = model.facts[s].shelved_as.unwrap_or(AlarmId(u64::MAX));
            book.unshelve(number, now).is_ok()
        }
        Action::TakeOut(s) => book.take_out(SOURCES[s], now).is_ok(),
        Action::PutBack(s) => book.put_back(SOURCES[s], now).is_ok(),
        Action::Wait(seconds) => {
            book.end_shelves(at(model.now + seconds));
            true
        }
        Action::Restart => {
            *book = restart(book, last_alarm);
            true
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(2_000), ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_book_says_what_plain_facts_say(
        actions in proptest::collection::vec(action(), 1..80)
    ) {
        let mut book = AlarmBook::restored(&Restored::default());
        let mut model = Model::default();
        let mut last_alarm = 0;
        let mut numbers: BTreeMap<AlarmSource, AlarmId> = BTreeMap::new();
        for action in &actions {
            let before = book.clone();
            let shelved_as = match action {
                Action::Shelve(s, _) => Some((*s, number(&book, *s))),
                _ => None,
            };
            let taken = act(&mut book, action, &model, last_alarm);
            let expected = model.act(action);
            prop_assert_eq!(taken, expected, "{:?} of {:?}", action, actions);
            if let Some((s, number)) = shelved_as.filter(|_| taken) {
                model.facts[s].shelved_as = Some(number);
            }
            if !taken {
                prop_assert_eq!(&book, &before, "refused, and yet changed: {:?}", action);
            }
            for (s, source) in SOURCES.into_iter().enumerate() {
                let facts = &model.facts[s];
                prop_assert_eq!(book.state(source), facts.state(), "{:?} after {:?}", source, action);
                let hold = match (facts.out, facts.shelf) {
                    (true, _) => Hold::OutOfService,
                    (false, Some(_)) => Hold::Shelved,
                    (false, None) => Hold::None,
                };
                prop_assert_eq!(book.hold(source), hold);
            }
            prop_assert_eq!(book.siren(at(model.now)).pattern, model.siren(), "after {:?}", action);
            for view in book.views() {
                let known = numbers.insert(view.source, view.id);
                prop_assert!(known.is_none_or(|known| known <= view.id));
                last_alarm = last_alarm.max(view.id.0);
            }
        }
    }
}
