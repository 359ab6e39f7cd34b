//! Who is close to a zone, and what hardly looks like somebody: which pictures may be worth keeping.
//!
//! Pure: whether nothing came of it is asked later (`super`).
//!
//! Not here: what alarms. The engine decides by other rules, and nothing here reaches it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::engine::Verdict;
use crate::engine::time::Instant;
use crate::engine::tracking::WEAK_SCORE;
use crate::engine::zone::ENTER_SCORE;
use crate::guard::handle::Person;
use crate::guard::live::FramePeople;
use crate::hiding::covers::{BoxNorm, overlap};
use crate::store::examples::ExampleOccasion;

/// Somebody's foot is so close to a zone's edge, in their own heights: about a step.
const NEAR_HEIGHTS: f64 = 0.4;

/// One zone, or one camera's low scores, gives a picture so often at most: what goes on is one thing.
const REST: Duration = Duration::from_secs(60);

/// Something is seen for so long, so many times, before it is asked what it was.
const FAINT_FOR: Duration = Duration::from_secs(1);
const FAINT_LOOKS: u32 = 5;

/// What is not seen for so long is gone.
const FAINT_GONE: Duration = Duration::from_millis(700);

/// From one picture to the next the same thing overlaps by so much.
const SAME_IOU_MIN: f64 = 0.3;

/// Things of a camera that are followed.
const CHAINS_MAX: usize = 32;

/// A picture that may be worth keeping.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub occasion: ExampleOccasion,
    /// Its number.
    pub zone: Option<usize>,
    pub score: f32,
    /// For people.
    pub why: String,
    /// What hardly looks like somebody.
    pub chain: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Wanted(Wanted),
    /// It was somebody after all.
    Somebody {
        chain: u64,
    },
}

#[derive(Debug, Default)]
pub struct Watch {
    cameras: BTreeMap<usize, CameraWatch>,
    chains: u64,
}

#[derive(Debug, Default)]
struct CameraWatch {
    faint: VecDeque<Faint>,
    /// By zone, and for low scores by `None`: when a picture was asked for last.
    rests_since: BTreeMap<Option<usize>, Instant>,
}

/// Something that looks a little like somebody.
#[derive(Debug)]
struct Faint {
    number: u64,
    bounds: BoxNorm,
    looks: u32,
    first_at: Instant,
    last_at: Instant,
    best: f32,
}

impl CameraWatch {
    fn rests(&self, what: Option<usize>, at: Instant) -> bool {
        self.rests_since.get(&what).is_some_and(|since| at.since(*since) < REST)
    }
}

impl Watch {
    /// What of a picture is news.
    pub fn look(&mut self, people: &FramePeople) -> Vec<News> {
        let camera = self.cameras.entry(people.camera).or_default();
        let mut news = near(camera, people);
        news.extend(faint(camera, &mut self.chains, people));
        news
    }

    /// The picture was asked for: what is the same is not, for a while.
    pub fn asked(&mut self, camera: usize, wanted: &Wanted, at: Instant) {
        if let Some(camera) = self.cameras.get_mut(&camera) {
            camera.rests_since.insert(wanted.zone, at);
        }
    }
}

fn near(camera: &CameraWatch, people: &FramePeople) -> Vec<News> {
    let mut news = Vec::new();
    for (number, zone) in people.names.live() {
        let number = usize::from(number.0);
        let of_camera = usize::from(zone.info.camera) == people.camera;
        let alarms = matches!(zone.info.kind.as_str(), "restricted" | "warning");
        if !of_camera || !alarms || camera.rests(Some(number), people.captured_at) {
            continue;
        }
        let sure = people.people.iter().filter(|it| it.verdict == Verdict::Person);
        let sure = sure.filter(|it| it.score >= ENTER_SCORE);
        let close = |person: &&Person| {
            let away = heights_away(person, people.size_px, &zone.polygons);
            let inside = person.inside.contains(&number);
            (inside || away <= NEAR_HEIGHTS).then_some((inside, away, person.score))
        };
        let closest = sure.filter_map(|it| close(&it)).min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((inside, _, score)) = closest else { continue };
        let name = &zone.info.name;
        let why = if inside {
            format!("somebody was in {name} for too short to raise an incident")
        } else {
            format!("somebody came close to {name} and did not go in")
        };
        let occasion = ExampleOccasion::NearMiss;
        news.push(News::Wanted(Wanted { occasion, zone: Some(number), score, why, chain: None }));
    }
    news
}

/// From somebody's foot to the nearest edge, in their own heights.
fn heights_away(person: &Person, size_px: (u32, u32), polygons: &[Vec<Vec<[f64; 2]>>]) -> f64 {
    let px = |[x, y]: [f64; 2]| [x * f64::from(size_px.0), y * f64::from(size_px.1)];
    let foot = px(person.foot_norm);
    let height = person.bounds_norm[3] * f64::from(size_px.1);
    let sides = polygons.iter().flatten().flat_map(|ring| ring.windows(2));
    let away = sides.map(|side| from_side(foot, px(side[0]), px(side[1])));
    away.fold(f64::INFINITY, f64::min) / height.max(1.0)
}

fn from_side(point: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
    let (along, away) =
        ([to[0] - from[0], to[1] - from[1]], [point[0] - from[0], point[1] - from[1]]);
    let length = along[0] * along[0] + along[1] * along[1];
    let share = (along[0] * away[0] + along[1] * away[1]) / length.max(f64::MIN_POSITIVE);
    let share = share.clamp(0.0, 1.0);
    (away[0] - share * along[0]).hypot(away[1] - share * along[1])
}

fn faint(camera: &mut CameraWatch, chains: &mut u64, people: &FramePeople) -> Vec<News> {
    let at = people.captured_at;
    let mut news = Vec::new();
    camera.faint.retain(|chain| at.since(chain.last_at) <= FAINT_GONE);
    for person in people.people.iter().filter(|it| it.verdict == Verdict::Person) {
        let bounds = person.bounds_norm;
        let same = |chain: &Faint| overlap(chain.bounds, bounds) >= SAME_IOU_MIN;
        let found = camera.faint.iter().position(same);
        match (found, person.score) {
            (Some(found), score) if score >= ENTER_SCORE => {
                let gone = camera.faint.remove(found);
                news.extend(gone.map(|chain| News::Somebody { chain: chain.number }));
            }
            (Some(found), score) if score >= WEAK_SCORE => {
                let chain = &mut camera.faint[found];
                if chain.last_at < at {
                    chain.looks += 1;
                }
                (chain.bounds, chain.last_at) = (bounds, at);
                chain.best = chain.best.max(score);
            }
            (None, score) if (WEAK_SCORE..ENTER_SCORE).contains(&score) => {
                if camera.faint.len() == CHAINS_MAX {
                    camera.faint.pop_front();
                }
                *chains += 1;
                let (first_at, last_at) = (at, at);
                let number = *chains;
                camera.faint.push_back(Faint {
                    number,
                    bounds,
                    looks: 1,
                    first_at,
                    last_at,
                    best: score,
                });
            }
            (Some(_) | None, _) => {}
        }
    }
    news.extend(low_score(camera, at));
    news
}

/// What was hardly seen for long enough.
fn low_score(camera: &CameraWatch, at: Instant) -> Option<News> {
    if camera.rests(None, at) {
        return None;
    }
    let long = |chain: &&Faint| {
        chain.last_at == at && chain.looks >= FAINT_LOOKS && at.since(chain.first_at) >= FAINT_FOR
    };
    let chain = camera.faint.iter().filter(long).max_by(|a, b| a.best.total_cmp(&b.best))?;
    let why = "something looked like somebody for a while, and never enough".to_owned();
    let (occasion, zone) = (ExampleOccasion::LowScore, None);
    let (score, chain) = (chain.best, Some(chain.number));
    Some(News::Wanted(Wanted { occasion, zone, score, why, chain }))
}
