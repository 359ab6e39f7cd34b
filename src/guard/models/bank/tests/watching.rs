//! Who is close, and what is hardly seen.

use super::super::watch::{News, Wanted, Watch};
use super::*;
use crate::engine::{AnchorHow, Verdict};
use crate::guard::handle::Person;
use crate::guard::records::{InForce, Standing, ZoneSlot};
use crate::zone_file::ZoneInfo;

/// A square in the middle of the picture, of this kind.
fn names(kind: &str) -> Arc<SiteNames> {
    let ring = vec![[0.4, 0.4], [0.6, 0.4], [0.6, 0.8], [0.4, 0.8], [0.4, 0.4]];
    let info = ZoneInfo {
        id: "gate".into(),
        name: "Gate".into(),
        kind: kind.into(),
        ..ZoneInfo::default()
    };
    let polygons = Arc::new(vec![vec![ring]]);
    let zone = ZoneSlot { info, polygons, line: Arc::default(), standing: Standing::Live };
    Arc::new(SiteNames {
        cameras: vec![("yard".into(), "Yard".into())],
        addresses: vec![String::new()],
        in_force: vec![InForce::default()],
        zones: vec![zone],
    })
}

/// 0.4 of the picture high; in pixels 96.
fn person(foot_norm: [f64; 2], score: f32) -> Person {
    let inside = (0.4..=0.6).contains(&foot_norm[0]) && (0.4..=0.8).contains(&foot_norm[1]);
    Person {
        track: None,
        bounds_norm: [foot_norm[0] - 0.05, foot_norm[1] - 0.4, 0.1, 0.4],
        foot_norm,
        score,
        verdict: Verdict::Person,
        anchor: AnchorHow::Box,
        ground_m: None,
        speed_m_s: None,
        inside: if inside { vec![0] } else { Vec::new() },
    }
}

fn seen(at_ms: u64, names: &Arc<SiteNames>, people: Vec<Person>) -> FramePeople {
    FramePeople {
        camera: 0,
        frame: at_ms,
        captured_at: Instant::ZERO.after(Duration::from_millis(at_ms)),
        size_px: SIZE,
        people,
        covers: Vec::new(),
        names: names.clone(),
    }
}

fn wanted(news: Vec<News>) -> Vec<Wanted> {
    let wanted = news.into_iter().filter_map(|it| match it {
        News::Wanted(wanted) => Some(wanted),
        News::Somebody { .. } => None,
    });
    wanted.collect()
}

#[test]
fn whoever_is_a_step_from_a_zone_or_in_it_is_worth_a_picture_and_nobody_farther_away() {
    let names = names("restricted");
    let looks = |foot, score| {
        let found = wanted(Watch::default().look(&seen(0, &names, vec![person(foot, score)])));
        found.first().map(|it| (it.occasion, it.zone, it.why.contains("did not go in")))
    };
    let near = ExampleOccasion::NearMiss;
    // 16 pixels beside it, a sixth of their height; and in it.
    assert_eq!(looks([0.35, 0.6], 0.6), Some((near, Some(0), true)));
    assert_eq!(looks([0.5, 0.6], 0.6), Some((near, Some(0), false)));
    // 96 pixels, their height.
    assert_eq!(looks([0.1, 0.6], 0.6), None);
    // Below it by 0.15, which is 36 pixels; 0.2 are too many.
    assert_eq!(looks([0.5, 0.95], 0.6), Some((near, Some(0), true)));
    assert_eq!(looks([0.5, 1.0], 0.6), None);
    assert_eq!(looks([0.5, 0.6], 0.25), None, "nobody who scores enough");
}

#[test]
fn zones_that_alarm_by_no_entry_give_no_near_miss_nor_does_what_cannot_be_a_person() {
    for kind in ["occupancy", "ignore", "tripwire"] {
        let names = names(kind);
        let news = Watch::default().look(&seen(0, &names, vec![person([0.5, 0.6], 0.6)]));
        assert_eq!(news, [], "{kind}");
    }
    let names = names("restricted");
    let thing = Person { verdict: Verdict::Ignored, ..person([0.5, 0.6], 0.6) };
    assert_eq!(Watch::default().look(&seen(0, &names, vec![thing])), []);
}

#[test]
fn who_stays_beside_a_zone_is_one_picture_a_minute() {
    let names = names("warning");
    let mut watch = Watch::default();
    let mut pictures = 0;
    for at_ms in (0..=180_000).step_by(100) {
        let people = seen(at_ms, &names, vec![person([0.35, 0.6], 0.6)]);
        for it in wanted(watch.look(&people)) {
            watch.asked(0, &it, people.captured_at);
            pictures += 1;
        }
    }
    assert_eq!(pictures, 4, "at 0, 60, 120 and 180 s");
}

/// What comes of something that is seen with these scores, ten times a second.
fn faint(scores: &[f32]) -> (Vec<Wanted>, Vec<u64>) {
    let names = names("restricted");
    let (mut watch, mut pictures, mut taken_back) = (Watch::default(), Vec::new(), Vec::new());
    for (at_ms, score) in (0..).step_by(100).zip(scores) {
        let people = if *score > 0.0 { vec![person([0.1, 0.5], *score)] } else { Vec::new() };
        let people = seen(at_ms, &names, people);
        for news in watch.look(&people) {
            match news {
                News::Wanted(it) => {
                    watch.asked(0, &it, people.captured_at);
                    pictures.push(it);
                }
                News::Somebody { chain } => taken_back.push(chain),
            }
        }
    }
    (pictures, taken_back)
}

#[test]
fn what_is_hardly_seen_for_a_second_is_worth_a_picture_and_taken_back_when_it_was_somebody() {
    let (pictures, taken_back) = faint(&[0.2; 30]);
    let told: Vec<_> = pictures.iter().map(|it| (it.occasion, it.zone, it.score)).collect();
    assert_eq!(told, [(ExampleOccasion::LowScore, None, 0.2)]);
    assert_eq!(taken_back, [0; 0]);
    let (pictures, taken_back) = faint(&[[0.2; 15].as_slice(), &[0.5; 3]].concat());
    assert_eq!(taken_back, [pictures[0].chain.expect("one")]);
    // Seen for too short, too faint, or with gaps.
    assert_eq!(faint(&[0.2; 9]).0, []);
    assert_eq!(faint(&[0.11; 60]).0, []);
    let gaps = [[0.2; 6].as_slice(), &[0.0; 10]].concat();
    assert_eq!(faint(&gaps.repeat(10)).0, []);
}

/// A picture with one person.
pub fn somebody() -> FramePeople {
    seen(0, &names("restricted"), vec![person([0.5, 0.6], 0.6)])
}
