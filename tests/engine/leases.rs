//! Any sequence of orders, pictures and silences: nothing panics, no lease outlives its end, and
//! nobody stays in an armed zone without an incident.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use standclear::engine::detection::Detection;
use standclear::engine::time::Instant;
use standclear::engine::zone::Rules;
use standclear::engine::{
    AlarmId, Arming, ArmingView, CameraIndex, CameraSpec, Criterion, DisarmedBy, Duty, HeadCount,
    Health, Input, Part, Refusal, Restored, Verdict, WalkTest, ZoneIndex, ZoneSpec,
};

use crate::world::{CAMERA, World, area, cases, person};

/// What may happen next.
#[derive(Clone, Debug)]
enum Step {
    /// Zones by shape and kind. The slots are taken as they are, or as picks among those that fit.
    Rezone {
        zones: Vec<(usize, usize)>,
        slots: Vec<u16>,
        fitting: bool,
    },
    Arm {
        slot: u16,
        for_ms: Option<u64>,
    },
    Tested {
        slot: u16,
        overdue: bool,
    },
    /// Pictures 100 ms apart with these people in them, by place.
    Pictures {
        count: usize,
        people: Vec<usize>,
    },
    Wait {
        ms: u64,
    },
    Silence {
        ms: u64,
    },
    CameraLost,
    WorkerDown,
    Part {
        broken: bool,
    },
    Acknowledge {
        alarm: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let zones = prop::collection::vec((0usize..4, 0usize..5), 0..5);
    let people = prop::collection::vec(0usize..4, 0..4);
    prop_oneof![
        3 => (zones, prop::collection::vec(0u16..8, 5), prop::bool::weighted(0.8))
            .prop_map(|(zones, slots, fitting)| Step::Rezone { zones, slots, fitting }),
        3 => (0u16..8, prop::option::of(0u64..3_000))
            .prop_map(|(slot, for_ms)| Step::Arm { slot, for_ms }),
        1 => (0u16..8, any::<bool>()).prop_map(|(slot, overdue)| Step::Tested { slot, overdue }),
        9 => (1usize..12, people).prop_map(|(count, people)| Step::Pictures { count, people }),
        1 => (0u64..3_000).prop_map(|ms| Step::Wait { ms }),
        1 => (0u64..2_000).prop_map(|ms| Step::Silence { ms }),
        1 => Just(Step::CameraLost),
        1 => Just(Step::WorkerDown),
        1 => any::<bool>().prop_map(|broken| Step::Part { broken }),
        1 => (0u64..6).prop_map(|alarm| Step::Acknowledge { alarm }),
    ]
}

/// Four shapes; each holds at least one of the four places.
fn shape(which: usize) -> Vec<(f64, f64)> {
    let (left, right) = [(0.0, 0.5), (0.5, 1.0), (0.0, 1.0), (0.3, 0.8)][which];
    vec![(left, 0.3), (right, 0.3), (right, 1.0), (left, 1.0)]
}

/// Places further apart than anybody's reach in a picture.
fn somebody_at(place: usize) -> Detection {
    person([200.0, 400.0, 600.0, 900.0][place], 600.0 + 80.0 * place as f64, 0.8)
}

fn duty((which, kind): (usize, usize)) -> Duty {
    let (area, criterion) = (area(&shape(which)), Criterion::Foot);
    match kind {
        0 | 1 => Duty::Restricted { area, criterion, approach: None },
        2 => Duty::Warning { area, criterion },
        3 => Duty::Occupancy { area, criterion, count: HeadCount::AtMost(0) },
        _ => Duty::Ignore { area },
    }
}

/// What the test knows of the zones by itself.
#[derive(Default)]
struct Known {
    duties: BTreeMap<u16, Duty>,
    leases: BTreeMap<u16, Instant>,
    /// Since when somebody has been inside in every picture, by zone and place.
    inside_since: BTreeMap<(u16, usize), Instant>,
}

/// The longest an entry takes: the window, and a picture.
const ENTRY_MAX: Duration = Duration::from_millis(300 + 100);

impl Known {
    fn check(&self, world: &mut World) -> Result<(), TestCaseError> {
        world.step(Input::Tick);
        for &slot in self.duties.keys() {
            let view = world.engine.zone(ZoneIndex(slot)).expect("a zone that was drawn");
            let disarmed = self.leases.get(&slot).is_some_and(|until| *until > world.now);
            prop_assert_eq!(view.arming != ArmingView::Armed, disarmed, "zone {}", slot);
            let inside = self
                .inside_since
                .iter()
                .any(|((zone, _), since)| *zone == slot && world.now.since(*since) >= ENTRY_MAX);
            prop_assert!(
                disarmed || !inside || view.incident.is_some(),
                "zone {} is armed, somebody is inside, and there is no incident",
                slot
            );
        }
        Ok(())
    }

    /// One picture; who counts as a person in it is the engine's word, where they are is not.
    fn picture(&mut self, world: &mut World, people: &[usize]) {
        let mut people = people.to_vec();
        people.sort_unstable();
        people.dedup();
        let detections: Vec<_> = people.iter().map(|&place| somebody_at(place)).collect();
        world.film(10.0, 1, |_| detections.clone());
        let taken = world.now.before(Duration::from_millis(100));
        let looked = world.engine.looked(CAMERA).to_vec();
        for (&slot, duty) in &self.duties {
            for place in 0..4 {
                let seen = people.iter().position(|&p| p == place).filter(|&p| {
                    looked[p].verdict == Verdict::Person
                        && !matches!(duty, Duty::Ignore { .. })
                        && world.engine.contains(ZoneIndex(slot), looked[p].anchor.foot_norm)
                });
                if seen.is_some() {
                    self.inside_since.entry((slot, place)).or_insert(taken);
                } else {
                    self.inside_since.remove(&(slot, place));
                }
            }
        }
    }

    fn rezone(
        &mut self,
        world: &mut World,
        zones: &[(usize, usize)],
        slots: &[u16],
    ) -> Result<(), TestCaseError> {
        let specs = zones.iter().map(|&zone| ZoneSpec { duty: duty(zone), rules: Rules::DEFAULT });
        let spec = CameraSpec { zones: specs.collect(), ..CameraSpec::default() };
        let before = world.engine.zone_count();
        let indices: Vec<_> = slots.iter().map(|&slot| ZoneIndex(slot)).collect();
        let effects = world.step(Input::Rezone { camera: CAMERA, spec, slots: indices });
        if let Some(refusal) = effects.refused {
            prop_assert_eq!(refusal, Refusal::BadSlots);
            prop_assert_eq!(world.engine.zone_count(), before);
            return Ok(());
        }
        let old = std::mem::take(&mut self.duties);
        self.duties = slots.iter().copied().zip(zones.iter().map(|&zone| duty(zone))).collect();
        // Only who was inside before, in a zone that did not change, has been inside until now.
        let (duties, leases) = (&self.duties, &mut self.leases);
        self.inside_since.retain(|(slot, _), _| old.get(slot) == duties.get(slot));
        leases.retain(|slot, _| duties.contains_key(slot));
        Ok(())
    }
}

/// One slot a pick: a number somebody had before, or the next one nobody has had.
fn fit(world: &World, picks: &[u16]) -> Vec<u16> {
    let mut free: Vec<u16> = (0..world.engine.zone_count() as u16).collect();
    let mut next = free.len() as u16;
    let choose = |&pick: &u16| {
        let pick = usize::from(pick) % (free.len() + usize::from(next < 8)).max(1);
        if pick < free.len() {
            return free.remove(pick);
        }
        next += 1;
        next - 1
    };
    picks.iter().map(choose).collect()
}

fn take(world: &mut World, known: &mut Known, step: &Step) -> Result<(), TestCaseError> {
    match step {
        Step::Rezone { zones, slots, fitting } => {
            let picks = &slots[..zones.len()];
            let slots = if *fitting { fit(world, picks) } else { picks.to_vec() };
            known.rezone(world, zones, &slots)?;
        }
        Step::Arm { slot, for_ms } => {
            let by = DisarmedBy::Schedule;
            let until = for_ms.map(|ms| world.now.after(Duration::from_millis(ms)));
            let arming = until.map_or(Arming::Armed, |until| Arming::Disarmed { until, by });
            let zone = ZoneIndex(*slot);
            let refused = world.step(Input::Arm { zone, arming }).refused;
            prop_assert_eq!(refused.is_some(), !known.duties.contains_key(slot));
            match until {
                Some(until) if refused.is_none() => known.leases.insert(*slot, until),
                Some(_) | None => known.leases.remove(slot),
            };
        }
        Step::Tested { slot, overdue } => {
            let walk_test = if *overdue { WalkTest::Overdue } else { WalkTest::Valid };
            let zone = ZoneIndex(*slot);
            let refused = world.step(Input::Tested { zone, walk_test }).refused;
            prop_assert_eq!(refused.is_some(), !known.duties.contains_key(slot));
        }
        Step::Pictures { count, people } => {
            for _ in 0..*count {
                known.picture(world, people);
                known.check(world)?;
            }
        }
        Step::Wait { ms } => {
            world.wait(Duration::from_millis(*ms));
            known.inside_since.clear();
        }
        Step::Silence { ms } => {
            world.silence(Duration::from_millis(*ms));
            known.inside_since.clear();
        }
        Step::CameraLost => {
            world
                .step(Input::CameraLost { camera: CameraIndex(u16::from(known.duties.len() > 3)) });
        }
        Step::WorkerDown => {
            world.step(Input::WorkerDown);
        }
        Step::Part { broken } => {
            let health = if *broken { Health::Broken } else { Health::Working };
            world.step(Input::Part { part: Part::Siren, health });
        }
        Step::Acknowledge { alarm } => {
            world.step(Input::Acknowledge { alarm: AlarmId(*alarm) });
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(1_000)))]

    #[test]
    fn no_sequence_of_orders_leaves_anybody_in_an_armed_zone_without_an_incident(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::of(CameraSpec::default(), &Restored::default());
        let mut known = Known::default();
        known.rezone(&mut world, &[(0, 0), (1, 3)], &[0, 1])?;
        for step in &steps {
            take(&mut world, &mut known, step)?;
            known.check(&mut world)?;
        }
        // Every lease lapses by itself, whatever has been said.
        world.silence(Duration::from_millis(3_100));
        for &slot in known.duties.keys() {
            let arming = world.engine.zone(ZoneIndex(slot)).map(|zone| zone.arming);
            prop_assert_eq!(arming, Some(ArmingView::Armed));
        }
    }
}
