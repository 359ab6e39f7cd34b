//! Tens of thousands of random steps, held against what must always be so.

use super::*;

const STEPS: usize = 20_000;

/// splitmix64: the same numbers every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    fn device(&mut self) -> Device {
        Device(u32::try_from(self.below(6)).expect("small"))
    }
}

/// What the world is, beside the pager that is told of it.
#[derive(Default)]
struct World {
    paired: BTreeMap<Device, Person>,
    duty: Vec<Person>,
    /// When each was heard last.
    connected: BTreeMap<Device, Instant>,
    alarms: BTreeMap<AlarmId, OpenAlarm>,
    /// The newest version each connected device was sent since it connected, and when.
    sent: BTreeMap<(Device, AlarmId), (u64, Instant)>,
    version: u64,
}

impl World {
    fn input(&mut self, dice: &mut Dice, now: Instant) -> Input {
        let alarm = AlarmId(dice.below(4));
        match dice.below(16) {
            0 => {
                let all = (0..6).map(|n| (Device(n), Person(n / 2)));
                self.paired = all.filter(|_| dice.below(8) > 0).collect();
                self.connected.retain(|device, _| self.paired.contains_key(device));
                Input::Devices(self.paired.iter().map(|(d, p)| (*d, *p)).collect())
            }
            1 => {
                let people = (0..dice.below(4)).map(|_| Person(dice.below(4) as u32));
                self.duty = people.collect();
                Input::Duty(self.duty.clone())
            }
            2..=4 => {
                let wants = match dice.below(5) {
                    0 => Wants::Nothing,
                    1 => Wants::Delivery,
                    _ => Wants::Answer,
                };
                self.version += 1;
                let version = self.version;
                let before = self.alarms.get(&alarm).map_or(version, |before| before.renewed);
                let renewed = if dice.below(2) == 0 { version } else { before };
                self.alarms.insert(alarm, OpenAlarm { alarm, version, renewed, wants });
                Input::Alarms(self.alarms.values().copied().collect())
            }
            5 => {
                self.alarms.remove(&alarm);
                Input::Alarms(self.alarms.values().copied().collect())
            }
            6..=7 => {
                let device = dice.device();
                if self.paired.contains_key(&device) {
                    self.connected.insert(device, now);
                    self.sent.retain(|(of, _), _| *of != device);
                }
                Input::Connected(device)
            }
            8 => {
                let device = dice.device();
                self.connected.remove(&device);
                Input::Disconnected(device)
            }
            9..=12 => {
                let device = dice.device();
                if let Some(heard_at) = self.connected.get_mut(&device) {
                    *heard_at = now;
                }
                Input::Heard(device)
            }
            13..=14 => {
                let device = dice.device();
                let version = self.sent.get(&(device, alarm)).map_or(0, |sent| sent.0);
                Input::Receipt { device, alarm, version, receipt: Receipt::Received }
            }
            _ => Input::CallNext(alarm),
        }
    }

    fn take(&mut self, actions: &[Action], now: Instant) {
        for action in actions {
            match *action {
                Action::Send { device, alarm, version, attempt } => {
                    assert!(attempt > 0);
                    let open = self.alarms.get(&alarm).expect("nobody is called for what is over");
                    assert_ne!(open.wants, Wants::Nothing);
                    assert_eq!(version, open.version);
                    assert!(self.connected.contains_key(&device), "sent to nobody");
                    self.sent.insert((device, alarm), (version, now));
                }
                Action::Drop(device) => {
                    self.connected.remove(&device);
                }
                Action::Called { .. } | Action::Listening(_) => {}
            }
        }
    }
}

impl World {
    fn expects_somebody(&self) -> bool {
        !self.paired.is_empty() || !self.duty.is_empty()
    }
}

/// What must be so after every step.
fn check(world: &World, pager: &Pager, now: Instant) {
    for (device, heard_at) in &world.connected {
        assert!(now.since(*heard_at) < SILENT_MAX, "{device:?} is taken for connected");
        assert!(pager.is_connected(*device));
    }
    for open in world.alarms.values().filter(|open| open.wants != Wants::Nothing) {
        let on_its_way = world.connected.keys().any(|device| {
            let newest = world.sent.get(&(*device, open.alarm));
            newest.is_some_and(|(version, at)| {
                *version >= open.renewed || now.since(*at) <= SLOW_RESEND_AFTER
            })
        });
        assert!(
            on_its_way || world.connected.is_empty(),
            "{open:?} is on its way to nobody, and {:?} are connected",
            world.connected
        );
    }
    match pager.listening() {
        Listening::NotExpected => assert!(!world.expects_somebody()),
        Listening::Somebody => assert!(world.expects_somebody()),
        Listening::Nobody => assert!(world.connected.is_empty() && world.expects_somebody()),
    }
}

#[test]
fn whatever_happens_an_alarm_is_on_its_way_to_somebody_connected_if_anybody_is() {
    for seed in 0..8 {
        let (mut dice, mut world) = (Dice(seed), World::default());
        let mut pager = Pager::new(Duration::from_secs(30));
        let mut now = Instant::from_millis(1);
        let mut alone_since = now;
        for _ in 0..STEPS {
            now = now.after(Duration::from_millis(dice.below(400)));
            let expected = world.expects_somebody();
            let input = world.input(&mut dice, now);
            let mut copy = pager.clone();
            let actions = pager.step(input.clone(), now);
            assert_eq!(copy.step(input, now), actions, "the same twice");
            world.take(&actions, now);
            check(&world, &pager, now);
            if !world.connected.is_empty() || !expected || !world.expects_somebody() {
                alone_since = now;
            }
            let said = pager.listening() == Listening::Nobody;
            assert!(said || now.since(alone_since) < SILENT_MAX.max(START_GRACE), "nobody is said");
        }
        assert!(world.version > 1_000, "alarms came and went");
    }
}
