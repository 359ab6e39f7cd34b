//! Several engineers at once: each is told what became of their own, and nothing is half done.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::client::{Answer, Person};
use crate::site::wait_until;
use crate::world::{AROUND, AROUND_TOO, BESIDE, World, ZONES, document, draw, version};

type Deed<'a> = &'a (dyn Fn(&mut Person) -> Answer + Sync);

/// Both at the same moment.
fn together(one: (&mut Person, Deed<'_>), other: (&mut Person, Deed<'_>)) -> [Answer; 2] {
    let barrier = Barrier::new(2);
    let run = |(person, deed): (&mut Person, Deed<'_>)| {
        // The connection is there before the moment comes.
        person.state();
        barrier.wait();
        deed(person)
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| run(other));
        [run(one), other.join().expect("no panic")]
    })
}

/// What the store has in force is what the box decides by.
#[track_caller]
fn settled(world: &mut World) -> u64 {
    let number = world.ada.get(ZONES).ok()["in_force"]["number"].as_u64().expect("a number");
    wait_until(&world.guard, "the version in force", |now| {
        u64::from(now.cameras[0].zones_version) == number
    });
    let versions = world.ada.get(&format!("{ZONES}/versions")).ok();
    let in_force = versions["versions"].as_array().expect("a list").iter();
    assert_eq!(in_force.filter(|version| version["state"] == "in_force").count(), 1);
    number
}

#[test]
fn of_two_approvals_one_counts() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let mut cara = world.ada.add("Cara", "engineer");
    for round in 0..12 {
        let sides = if round % 2 == 0 { AROUND } else { AROUND_TOO };
        let number = world.propose(&document(&[("bay", sides)]), "once more");
        let approve = |person: &mut Person| person.post(&version(number, "approve"), &json!({}));
        let answers = together((&mut world.ben, &approve), (&mut cara, &approve));
        let mut statuses = answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
        statuses.sort_unstable();
        assert!(matches!(statuses[..], [200, 409 | 503]), "{answers:?}");
        assert_eq!(settled(&mut world), number);
        let made = world.ada.get(&format!("{ZONES}/versions/{number}")).ok();
        let winner = answers.iter().position(|answer| answer.status == 200).expect("one");
        assert_eq!(made["approved_by"], ["Ben", "Cara"][winner]);
    }
    world.guard.stop();
}

#[test]
fn approving_and_going_back_at_once_leaves_one_of_the_two() {
    let mut world = World::new(&[("bay", BESIDE)]);
    let mut cara = world.ada.add("Cara", "engineer");
    let mut earlier = 1;
    for round in 0..12 {
        world.change(
            &document(&[("bay", [0.1, 0.1, 0.3 + 0.01 * f64::from(round), 0.9])]),
            "a base",
        );
        let number = world.propose(&document(&[("bay", AROUND)]), "wider");
        let approve = |person: &mut Person| person.post(&version(number, "approve"), &json!({}));
        let back = version(earlier, "restore");
        let restore = |person: &mut Person| person.post(&back, &json!({ "reason": "stop" }));
        let answers = together((&mut world.ben, &approve), (&mut cara, &restore));
        for answer in &answers {
            assert!(matches!(answer.status, 200 | 409 | 503), "{answers:?}");
        }
        let now = settled(&mut world);
        assert!(answers.iter().any(|answer| answer.status == 200), "{answers:?}");
        let restored = answers[1].json["number"].as_u64();
        assert!(now == number || Some(now) == restored, "{now}: {answers:?}");
        earlier = number - 1;
    }
    world.guard.stop();
}

#[test]
fn of_two_proposals_of_one_draft_one_counts_and_a_draft_saved_meanwhile_is_not_lost() {
    let mut world = World::new(&[("bay", BESIDE)]);
    for round in 0..12 {
        let drawn = draw(&mut world.ada, &document(&[("bay", AROUND)]));
        let propose = |person: &mut Person| {
            let body = json!({ "reason": "x", "digest": drawn["digest"] });
            person.post(&format!("{ZONES}/propose"), &body)
        };
        let answers = together((&mut world.ada, &propose), (&mut world.ben, &propose));
        let taken = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(taken, 1, "{answers:?}");
        assert!(answers.iter().any(|answer| answer.status == 409), "{answers:?}");

        draw(&mut world.ada, &document(&[("bay", AROUND)]));
        let theirs = document(&[
            ("bay", AROUND_TOO),
            ("dock", [0.7, 0.1, 0.8, 0.2 + 0.01 * f64::from(round)]),
        ]);
        let body = json!({ "document": theirs });
        let save = |person: &mut Person| person.put(&format!("{ZONES}/draft"), &body);
        let [proposed, saved] = together((&mut world.ada, &propose), (&mut world.ben, &save));
        let saved = saved.ok()["document"].clone();
        let now = world.ada.get(ZONES).ok();
        match proposed.status {
            // Ada proposed what she had seen, never what Ben saved meanwhile.
            200 => assert_eq!(
                (&proposed.json["document"], &now["draft"]["document"]),
                (&drawn["document"], &saved)
            ),
            409 => assert_eq!(
                (&proposed.json["error"]["code"], &now["draft"]["document"]),
                (&json!("draft_changed"), &saved)
            ),
            _ => panic!("{proposed:?}"),
        }
        if now["draft"] != Value::Null {
            world.ben.delete(&format!("{ZONES}/draft")).ok();
        }
    }
    assert_eq!(settled(&mut world), 1);
    world.guard.stop();
}
