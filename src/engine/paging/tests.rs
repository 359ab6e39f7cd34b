//! Every rule of the table, with its time.

use super::*;

const EVA: Person = Person(1);
const BEN: Person = Person(2);
const CARA: Person = Person(3);
const EVAS: Device = Device(10);
const EVAS_SECOND: Device = Device(11);
const BENS: Device = Device(20);
const CARAS: Device = Device(30);
const ALARM: AlarmId = AlarmId(7);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A pager, a clock, and what was done since one last looked.
struct World {
    pager: Pager,
    now_ms: u64,
    done: Vec<Action>,
}

impl World {
    /// Eva, Ben and Cara are paired; Eva, then Ben are on duty; everybody is connected.
    fn new() -> World {
        let mut world = World { pager: Pager::new(ANSWER_WITHIN), now_ms: 1_000, done: vec![] };
        world.tell(Input::Devices(vec![(EVAS, EVA), (BENS, BEN), (CARAS, CARA)]));
        world.tell(Input::Duty(vec![EVA, BEN]));
        for device in [EVAS, BENS, CARAS] {
            world.tell(Input::Connected(device));
        }
        world.done.clear();
        world
    }

    fn tell(&mut self, input: Input) {
        let now = Instant::from_millis(self.now_ms);
        self.done.extend(self.pager.step(input, now));
    }

    /// Lets time pass in ticks of 50 ms; those who are connected answer all the while.
    fn pass_ms(&mut self, ms: u64) {
        for _ in 0..ms / 50 {
            self.now_ms += 50;
            for device in [EVAS, EVAS_SECOND, BENS, CARAS] {
                self.tell(Input::Heard(device));
            }
            self.tell(Input::Tick);
        }
    }

    fn open(&mut self, version: u64, renewed: u64, wants: Wants) {
        self.tell(Input::Alarms(vec![OpenAlarm { alarm: ALARM, version, renewed, wants }]));
    }

    fn receives(&mut self, device: Device, version: u64) {
        let receipt = Receipt::Received;
        self.tell(Input::Receipt { device, alarm: ALARM, version, receipt });
    }

    /// Device, version and attempt of what was sent since.
    fn sent(&mut self) -> Vec<(Device, u64, u32)> {
        let sent = self.done.iter().filter_map(|action| match *action {
            Action::Send { device, version, attempt, .. } => Some((device, version, attempt)),
            Action::Called { .. } | Action::Drop(_) | Action::Listening(_) => None,
        });
        let sent = sent.collect();
        self.done.clear();
        sent
    }

    fn called(&self) -> Vec<(Who, Why)> {
        let called = self.done.iter().filter_map(|action| match *action {
            Action::Called { who, why, .. } => Some((who, why)),
            Action::Send { .. } | Action::Drop(_) | Action::Listening(_) => None,
        });
        called.collect()
    }
}

#[test]
fn the_first_place_gets_an_alarm_in_the_same_step_on_every_device_and_nobody_else_does() {
    let mut world = World::new();
    let all = [(EVAS, EVA), (EVAS_SECOND, EVA), (BENS, BEN), (CARAS, CARA)];
    world.tell(Input::Devices(all.to_vec()));
    world.tell(Input::Connected(EVAS_SECOND));
    world.open(5, 5, Wants::Answer);
    assert_eq!(world.called(), [(Who::Person(EVA), Why::First)]);
    assert_eq!(world.sent(), [(EVAS, 5, 1), (EVAS_SECOND, 5, 1)]);
    // One receipt is enough for the turn; the other device is asked again all the same.
    world.receives(EVAS, 5);
    world.pass_ms(6_000);
    assert_eq!(world.called(), []);
    assert!(world.sent().iter().all(|sent| sent.0 == EVAS_SECOND));
}

#[test]
fn without_a_receipt_it_is_sent_again_after_a_second_and_the_next_person_called_after_five() {
    let mut world = World::new();
    world.open(5, 5, Wants::Answer);
    assert_eq!(world.sent(), [(EVAS, 5, 1)]);
    world.pass_ms(950);
    assert_eq!(world.sent(), []);
    world.pass_ms(50);
    assert_eq!(world.sent(), [(EVAS, 5, 2)]);
    world.pass_ms(3_950);
    assert_eq!(world.called(), []);
    assert_eq!(world.sent(), [(EVAS, 5, 3), (EVAS, 5, 4), (EVAS, 5, 5)]);
    world.pass_ms(50);
    assert_eq!(world.called(), [(Who::Person(BEN), Why::NoReceipt)]);
    assert_eq!(world.sent(), [(EVAS, 5, 6), (BENS, 5, 1)]);
    // From here on it is asked more rarely, and never given up.
    world.receives(BENS, 5);
    world.pass_ms(11_000);
    assert_eq!(world.sent(), [(EVAS, 5, 7), (EVAS, 5, 8)]);
}

#[test]
fn without_an_answer_the_next_are_called_one_after_the_other_and_then_everybody_again_and_again() {
    let mut world = World::new();
    world.open(5, 5, Wants::Answer);
    world.receives(EVAS, 5);
    let at = |world: &World| world.pager.next(ALARM).map(|next| next.at);
    assert_eq!(at(&world), Some(Instant::from_millis(1_000).after(ANSWER_WITHIN)));
    world.sent();
    world.pass_ms(29_950);
    assert_eq!(world.called(), []);
    world.pass_ms(50);
    assert_eq!(world.called(), [(Who::Person(BEN), Why::NoAnswer)]);
    world.receives(BENS, 5);
    world.sent();
    world.pass_ms(30_000);
    assert_eq!(world.called(), [(Who::Everybody, Why::NoAnswer)]);
    assert_eq!(world.sent(), [(CARAS, 5, 1)]);
    assert_eq!(world.pager.next(ALARM), None);
    world.receives(CARAS, 5);
    world.pass_ms(29_950);
    assert_eq!(world.sent(), []);
    world.pass_ms(50);
    assert_eq!(world.sent(), [(EVAS, 5, 2), (BENS, 5, 2), (CARAS, 5, 2)]);
}

#[test]
fn an_answer_ends_the_call_for_everybody_and_a_newer_alarm_begins_a_new_one() {
    let mut world = World::new();
    world.open(5, 5, Wants::Answer);
    world.pass_ms(5_000);
    world.sent();
    world.open(6, 5, Wants::Nothing);
    world.pass_ms(60_000);
    assert_eq!(world.done, []);
    world.open(7, 7, Wants::Answer);
    assert_eq!(world.sent(), [(EVAS, 7, 1)]);
}

#[test]
fn a_newer_cause_is_sent_anew_to_all_who_were_called_and_moves_nobodys_turn() {
    let mut world = World::new();
    world.open(5, 5, Wants::Answer);
    world.receives(EVAS, 5);
    world.pass_ms(20_000);
    world.sent();
    world.open(6, 6, Wants::Answer);
    assert_eq!(world.sent(), [(EVAS, 6, 1)]);
    // A receipt of the older one is none of the newer.
    world.receives(EVAS, 5);
    world.pass_ms(1_000);
    assert_eq!(world.sent(), [(EVAS, 6, 2)]);
    world.receives(EVAS, 6);
    world.pass_ms(8_950);
    assert_eq!(world.called(), []);
    world.pass_ms(50);
    assert_eq!(world.called(), [(Who::Person(BEN), Why::NoAnswer)]);
    // A change that is no newer cause is not sent: the state says it.
    world.receives(BENS, 6);
    world.sent();
    world.open(7, 6, Wants::Answer);
    world.pass_ms(2_000);
    assert_eq!(world.sent(), []);
}

#[test]
fn many_newer_causes_in_a_second_are_one_message_and_do_not_put_the_next_person_off() {
    let mut world = World::new();
    for version in 5..105 {
        world.open(version, version, Wants::Answer);
        world.pass_ms(50);
    }
    assert_eq!(
        world.called(),
        [(Who::Person(EVA), Why::First), (Who::Person(BEN), Why::NoReceipt)]
    );
    assert_eq!(world.sent().iter().filter(|sent| sent.0 == EVAS).count(), 6);
}

#[test]
fn a_device_lost_between_sent_and_received_passes_the_turn_on_at_once_and_gets_it_when_back() {
    let mut world = World::new();
    world.open(5, 5, Wants::Answer);
    world.sent();
    world.tell(Input::Disconnected(EVAS));
    assert_eq!(world.called(), [(Who::Person(BEN), Why::NotConnected)]);
    assert_eq!(world.sent(), [(BENS, 5, 1)]);
    world.receives(BENS, 5);
    world.tell(Input::Connected(EVAS));
    assert_eq!(world.sent(), [(EVAS, 5, 2)]);
    // What it had confirmed is sent again to a page that was begun anew.
    world.receives(EVAS, 5);
    world.tell(Input::Connected(EVAS));
    assert_eq!(world.sent(), [(EVAS, 5, 3)]);
}

#[test]
fn a_silent_device_is_gone_after_three_seconds() {
    let mut world = World::new();
    world.open(5, 5, Wants::Answer);
    world.receives(EVAS, 5);
    for device in [BENS, CARAS] {
        world.now_ms = 3_900;
        world.tell(Input::Heard(device));
    }
    assert!(!world.done.contains(&Action::Drop(EVAS)));
    world.now_ms = 4_000;
    world.tell(Input::Tick);
    assert!(world.done.contains(&Action::Drop(EVAS)));
    assert_eq!(world.called().last(), Some(&(Who::Person(BEN), Why::NotConnected)));
}

#[test]
fn a_shift_that_begins_hears_at_once_what_nobody_has_answered() {
    let mut world = World::new();
    world.open(5, 5, Wants::Answer);
    world.receives(EVAS, 5);
    world.pass_ms(2_000);
    world.sent();
    world.tell(Input::Duty(vec![CARA]));
    assert_eq!(world.called(), [(Who::Person(CARA), Why::OtherShift)]);
    assert_eq!(world.sent(), [(CARAS, 5, 1)]);
    // Somebody of both shifts goes on being called.
    world.receives(CARAS, 5);
    world.tell(Input::Duty(vec![BEN, CARA]));
    assert_eq!(world.called(), []);
}

#[test]
fn nobody_on_duty_or_nobody_on_duty_connected_is_everybody_at_once() {
    let mut world = World::new();
    world.tell(Input::Duty(vec![]));
    world.open(5, 5, Wants::Answer);
    assert_eq!(world.sent(), [(EVAS, 5, 1), (BENS, 5, 1), (CARAS, 5, 1)]);

    let mut world = World::new();
    world.tell(Input::Disconnected(EVAS));
    world.tell(Input::Disconnected(BENS));
    world.open(5, 5, Wants::Answer);
    let (eva, ben) = (Who::Person(EVA), Who::Person(BEN));
    let expected =
        [(eva, Why::First), (ben, Why::NotConnected), (Who::Everybody, Why::NotConnected)];
    assert_eq!(world.called(), expected);
    assert_eq!(world.sent(), [(CARAS, 5, 1)]);
    world.tell(Input::Connected(EVAS));
    assert_eq!(world.sent(), [(EVAS, 5, 1)]);
}

#[test]
fn handing_on_calls_the_next_person_now() {
    let mut world = World::new();
    world.open(5, 5, Wants::Answer);
    world.sent();
    world.tell(Input::CallNext(ALARM));
    assert_eq!(world.called(), [(Who::Person(BEN), Why::HandedOn)]);
    assert_eq!(world.sent(), [(BENS, 5, 1)]);
    world.tell(Input::CallNext(AlarmId(99)));
    assert_eq!(world.done, []);
}

#[test]
fn what_only_has_to_be_seen_calls_nobody_for_want_of_an_answer() {
    let mut world = World::new();
    world.open(5, 5, Wants::Delivery);
    assert_eq!(world.sent(), [(EVAS, 5, 1)]);
    world.receives(EVAS, 5);
    world.pass_ms(120_000);
    assert_eq!((world.called(), world.sent()), (vec![], vec![]));
    assert_eq!(world.pager.next(ALARM), None);
}

#[test]
fn a_receipt_of_what_was_never_sent_counts_for_nothing() {
    let mut world = World::new();
    world.receives(EVAS, 5);
    world.open(5, 5, Wants::Answer);
    world.receives(EVAS, 6);
    world.receives(EVAS, 4);
    world.receives(BENS, 5);
    world.receives(Device(99), 5);
    world.sent();
    world.pass_ms(1_000);
    assert_eq!(world.sent(), [(EVAS, 5, 2)]);
}

#[test]
fn nobody_listening_is_said_within_three_seconds_and_ends_with_the_first_who_comes() {
    let mut world = World::new();
    for device in [EVAS, BENS, CARAS] {
        world.tell(Input::Disconnected(device));
    }
    world.pass_ms(2_950);
    assert_eq!(world.pager.listening(), Listening::Somebody);
    world.pass_ms(50);
    assert_eq!(world.done, [Action::Listening(Listening::Nobody)]);
    world.done.clear();
    world.tell(Input::Connected(BENS));
    assert_eq!(world.done, [Action::Listening(Listening::Somebody)]);
}

#[test]
fn somebody_on_duty_without_any_device_is_nobody_listening() {
    let mut world = World::new();
    world.pass_ms(1_000);
    // The last devices are revoked while the duty list still names people.
    world.tell(Input::Devices(vec![]));
    world.done.clear();
    world.pass_ms(2_950);
    assert_eq!(world.pager.listening(), Listening::Somebody);
    world.pass_ms(50);
    assert_eq!(world.done, [Action::Listening(Listening::Nobody)]);
    // What changes in the directory meanwhile buys no time.
    world.tell(Input::Devices(vec![]));
    assert_eq!(world.pager.listening(), Listening::Nobody);
    world.tell(Input::Duty(vec![]));
    assert_eq!(world.pager.listening(), Listening::NotExpected);
    // A list that names somebody before anything is paired.
    world.tell(Input::Duty(vec![EVA]));
    world.pass_ms(9_950);
    assert_eq!(world.pager.listening(), Listening::Somebody);
    world.pass_ms(50);
    assert_eq!(world.pager.listening(), Listening::Nobody);
    world.tell(Input::Devices(vec![(EVAS, EVA)]));
    assert_eq!(world.pager.listening(), Listening::Nobody);
    world.tell(Input::Connected(EVAS));
    assert_eq!(world.pager.listening(), Listening::Somebody);
}

#[test]
fn without_a_paired_device_nobody_is_missed_and_a_start_gives_them_time() {
    let mut world = World { pager: Pager::new(ANSWER_WITHIN), now_ms: 1_000, done: vec![] };
    world.pass_ms(60_000);
    assert_eq!(world.pager.listening(), Listening::NotExpected);
    world.tell(Input::Devices(vec![(EVAS, EVA)]));
    world.pass_ms(9_950);
    assert_eq!(world.pager.listening(), Listening::Somebody);
    world.pass_ms(50);
    assert_eq!(world.pager.listening(), Listening::Nobody);
    world.tell(Input::Devices(vec![]));
    assert_eq!(world.pager.listening(), Listening::NotExpected);
}

#[test]
fn a_device_that_was_revoked_is_dropped_and_gets_nothing_more() {
    let mut world = World::new();
    world.tell(Input::Devices(vec![(BENS, BEN), (CARAS, CARA)]));
    assert_eq!(world.done, [Action::Drop(EVAS)]);
    world.tell(Input::Connected(EVAS));
    world.open(5, 5, Wants::Answer);
    assert_eq!(world.sent(), [(BENS, 5, 1)]);
}

#[test]
fn a_phone_that_may_make_no_sound_is_called_and_counts_for_nobody() {
    let mut world = World::new();
    world.tell(Input::Sound(EVAS, Sound::Blocked));
    assert!(!world.pager.listens(EVA));
    world.open(1, 1, Wants::Answer);
    world.receives(EVAS, 1);
    assert_eq!(world.pager.next(ALARM).map(|next| next.who), Some(Who::Person(BEN)));
    world.pass_ms(5_000);
    let (who, why) = (Who::Person(BEN), Why::NoReceipt);
    assert!(world.done.contains(&Action::Called { alarm: ALARM, who, why }), "{:?}", world.done);
    // Ben's can be heard: somebody listens, until his is blocked too.
    for device in [BENS, CARAS] {
        world.tell(Input::Sound(device, Sound::Blocked));
    }
    assert_eq!(world.pager.listening(), Listening::Somebody);
    world.pass_ms(3_000);
    assert_eq!(world.pager.listening(), Listening::Nobody);
    world.tell(Input::Sound(EVAS, Sound::Heard));
    assert_eq!(world.pager.listening(), Listening::Somebody);
}
