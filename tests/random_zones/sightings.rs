//! What is known of a detection before any zone is asked: its place, by rules 1 and 1a of
//! "The rules, exactly" in docs/design/decision.md.

use std::cmp::{max, min};
use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;

use crate::exact::{Bounds, Length, Point, clamped, decimal, part, px};

/// The numbers of the decision that are not the zone's. Another number is another decision, which
/// the test counts on.
#[derive(Clone, Debug)]
pub struct Rules {
    pub enter_score_percent: u64,
    pub hold_score_percent: u64,
    pub hits_min: usize,
    pub pictures_per_hit_max: usize,
    pub span_min_ms: i64,
    pub window_more_ms: i64,
    pub reach_percent: u64,
    pub reach_percent_per_s: u64,
    pub reach_grows_ms: i64,
    pub stranger_after_ms: i64,
    pub clear_after_more_ms: i64,
    pub vanished_after_ms: i64,
    pub middle_percent: u64,
    pub margin_percent: u64,
    pub margin_min_px: u32,
    pub holding_share_percent: u64,
    pub counted_ms: i64,
    pub told_while_seen_ms: i64,
    pub foot_lower_px: u32,
    pub square_aspect_min_percent: u64,
    pub legs_left_percent: u64,
}

impl Rules {
    pub const AS_WRITTEN: Rules = Rules {
        enter_score_percent: 30,
        hold_score_percent: 20,
        hits_min: 2,
        pictures_per_hit_max: 2,
        span_min_ms: 85,
        window_more_ms: 0,
        reach_percent: 50,
        reach_percent_per_s: 500,
        reach_grows_ms: 2_000,
        stranger_after_ms: 10_000,
        clear_after_more_ms: 0,
        vanished_after_ms: 2_000,
        middle_percent: 50,
        margin_percent: 8,
        margin_min_px: 3,
        holding_share_percent: 70,
        counted_ms: 500,
        told_while_seen_ms: 500,
        foot_lower_px: 0,
        square_aspect_min_percent: 95,
        legs_left_percent: 75,
    };
}

/// How many pixels the footage has.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub width_px: u32,
    pub height_px: u32,
}

/// A row of the exported detections, with the number of the track that took it.
#[derive(Clone, Debug)]
pub struct Detection {
    pub left: Length,
    pub top: Length,
    pub width: Length,
    pub height: Length,
    pub score: Length,
    pub track: Option<u64>,
}

/// Detections of each picture, in the detector's order; tracks are told apart by their box.
pub fn read(detections: &str, tracks: &str, pictures: usize) -> Vec<Vec<Detection>> {
    let fields = |line: &str| -> Vec<String> { line.split(',').map(str::to_owned).collect() };
    let mut numbers: BTreeMap<Vec<String>, Vec<u64>> = BTreeMap::new();
    for row in tracks.lines().map(fields) {
        let key = [&row[..1], &row[2..7]].concat();
        numbers.entry(key).or_default().push(row[1].parse().expect("a number"));
    }
    let mut film = vec![Vec::new(); pictures];
    for row in detections.lines().map(fields) {
        let key = [&row[..1], &row[2..7]].concat();
        let frame: usize = row[0].parse().expect("a frame");
        let track = numbers.get_mut(&key).and_then(Vec::pop);
        let [left, top, width, height, score] = [2, 3, 4, 5, 6].map(|i| decimal(&row[i]));
        film[frame - 1].push(Detection { left, top, width, height, score, track });
    }
    add_first_looks(&mut film);
    film
}

/// Gives each track the picture before its first exported one: `--tracks` lists whom the tracker
/// believes, from the second look on, while the height of legs counts from the first. That look is
/// the one nobody else has which shares most with the first exported box.
fn add_first_looks(film: &mut [Vec<Detection>]) {
    let mut known = BTreeSet::new();
    for picture in 0..film.len() {
        let new: Vec<(u64, Detection)> = film[picture]
            .iter()
            .filter_map(|d| d.track.filter(|&number| known.insert(number)).map(|n| (n, d.clone())))
            .collect();
        let Some(before) = picture.checked_sub(1) else { continue };
        for (number, box_) in new {
            let free = film[before].iter_mut().filter(|d| d.track.is_none());
            if let Some(first) = free.max_by_key(|d| d.shared_with(&box_)) {
                first.track = Some(number);
            }
        }
    }
}

impl Detection {
    /// Intersection over union, in millionths.
    fn shared_with(&self, other: &Detection) -> BigInt {
        let span = |start: [&Length; 2], size: [&Length; 2]| {
            let end = min(start[0] + size[0], start[1] + size[1]);
            max(end - max(start[0], start[1]), BigInt::ZERO)
        };
        let both = span([&self.left, &other.left], [&self.width, &other.width])
            * span([&self.top, &other.top], [&self.height, &other.height]);
        let either = &self.width * &self.height + &other.width * &other.height - &both;
        both * 1_000_000 / either
    }
}

/// A detection and where its feet are.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub score: Length,
    pub height: Length,
    /// Bottom and top centre of the box as detected.
    pub bottom_centre: Point,
    pub top_centre: Point,
    /// The part of the box in the picture; none for a box wholly outside.
    pub clipped: Option<Bounds>,
    pub foot: Point,
    pub estimate: Option<(Point, Point)>,
    pub margin: Length,
}

/// Heights that tracks had while they were whole.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    tracks: BTreeMap<u64, Track>,
}

#[derive(Clone, Debug, Default)]
struct Track {
    seen_ms: i64,
    kept: Vec<(i64, Detection)>,
    remembered: Option<Length>,
}

/// A track not seen for longer is forgotten.
const TRACK_FORGOTTEN_MS: i64 = 2_000;
const KEPT_MS: i64 = 1_000;
const KEPT_MAX: usize = 30;

impl Memory {
    /// Everybody of one picture.
    pub fn look(
        &mut self,
        detections: &[Detection],
        size: Size,
        now_ms: i64,
        rules: &Rules,
    ) -> Vec<Sighting> {
        self.tracks.retain(|_, track| now_ms - track.seen_ms <= TRACK_FORGOTTEN_MS);
        let sight = |detection: &Detection| {
            let remembered = detection.track.and_then(|number| {
                self.tracks.entry(number).or_default().see(detection, size, now_ms, rules)
            });
            sighting(detection, remembered, size, rules)
        };
        detections.iter().map(sight).collect()
    }
}

impl Track {
    /// The height remembered from before the legs went, if they did.
    fn see(&mut self, box_: &Detection, size: Size, now_ms: i64, rules: &Rules) -> Option<Length> {
        self.seen_ms = now_ms;
        self.kept.retain(|(at_ms, _)| now_ms - at_ms <= KEPT_MS);
        let upright = &box_.width * 2 >= box_.height;
        if let Some(remembered) = &self.remembered {
            if box_.height < part(remembered, 85, 100) && upright {
                return self.remembered.clone();
            }
            self.remembered = None;
            self.kept.clear();
        }
        let went_against = |old: &Detection| {
            let rise = (&old.top + &old.height) - (&box_.top + &box_.height);
            upright
                && box_.height < part(&old.height, rules.legs_left_percent, 100)
                && rise >= part(&old.height, 20, 100)
                && &box_.top - &old.top <= part(&old.height, 10, 100)
                && box_.width >= part(&old.width, 80, 100)
        };
        let mut heights: Vec<Length> = self
            .kept
            .iter()
            .filter(|(_, old)| went_against(old))
            .map(|(_, old)| old.height.clone())
            .collect();
        heights.sort();
        if !heights.is_empty() && heights.len() * 2 >= self.kept.len() {
            self.remembered = Some(heights[heights.len() / 2].clone());
        } else if box_.top > part(&px(size.height_px), 1, 100)
            && &box_.top + &box_.height < part(&px(size.height_px), 99, 100)
        {
            self.kept.push((now_ms, box_.clone()));
            if self.kept.len() > KEPT_MAX {
                self.kept.remove(0);
            }
        }
        self.remembered.clone()
    }
}

fn sighting(
    detection: &Detection,
    remembered: Option<Length>,
    size: Size,
    rules: &Rules,
) -> Sighting {
    let (width, height) = (px(size.width_px), px(size.height_px));
    let zero = BigInt::ZERO;
    let (right, bottom) = (&detection.left + &detection.width, &detection.top + &detection.height);
    let clipped = Bounds {
        left: clamped(&detection.left, &zero, &width),
        top: clamped(&detection.top, &zero, &height),
        right: clamped(&right, &zero, &width),
        bottom: clamped(&bottom, &zero, &height),
    };
    let middle: Length = (&clipped.left + &clipped.right) / 2;
    let shift = px(rules.foot_lower_px);
    let foot = Point::new(middle.clone(), min(&clipped.bottom + shift, height.clone()));
    let outside = clipped.left == clipped.right || clipped.top == clipped.bottom;
    let estimate = lowest(detection, &clipped, remembered, &height, rules)
        .filter(|_| !outside)
        .map(|(from, to)| (Point::new(middle.clone(), from), Point::new(middle.clone(), to)));
    let centre: Length = &detection.left + &detection.width / 2;
    Sighting {
        score: detection.score.clone(),
        height: detection.height.clone(),
        bottom_centre: Point::new(centre.clone(), bottom),
        top_centre: Point::new(centre, detection.top.clone()),
        clipped: (!outside).then_some(clipped),
        foot,
        estimate,
        margin: max(part(&detection.height, rules.margin_percent, 100), px(rules.margin_min_px)),
    }
}

/// The highest and the lowest place that hidden feet can have, as far down as the picture goes.
fn lowest(
    detection: &Detection,
    clipped: &Bounds,
    remembered: Option<Length>,
    picture: &Length,
    rules: &Rules,
) -> Option<(Length, Length)> {
    let (width, height) = (&clipped.right - &clipped.left, &clipped.bottom - &clipped.top);
    if let Some(remembered) = remembered {
        let y = min(max(&clipped.top + remembered, clipped.bottom.clone()), picture.clone());
        return Some((y.clone(), y));
    }
    let cut_below = clipped.bottom >= part(picture, 99, 100);
    let square = width >= part(&height, rules.square_aspect_min_percent, 100)
        && width < part(&height, 130, 100)
        && clipped.top > part(picture, 1, 100)
        && detection.score >= decimal("0.5");
    (cut_below || square).then(|| {
        let feet = &clipped.top + part(&width, 10, 3);
        (clipped.bottom.clone(), min(max(feet, clipped.bottom.clone()), picture.clone()))
    })
}
