//! Who was seen where in the newest pictures of each camera, and what nobody may see of them: for as
//! long as video of them is kept.
//!
//! The alarm path leaves what it has seen and goes; a thread of its own takes it, so that nothing waits
//! while a clip is hashed or the store is slow.
//!
//! Not here: how people are hidden (`hiding`), and live pictures.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::clock;
use crate::config::Privacy;
use crate::engine::time::Instant;
use crate::guard::live::FramePeople;
use crate::guard::records::SiteNames;
use crate::hiding::covers::BoxNorm;
use crate::link::{ClipVeil, FoundPeople, HiddenPeople, RING_S, SeenPicture};
use crate::zone_file::Mask;

/// News waiting for the thread; it does nothing but take them. At 4 cameras and 30 pictures a second,
/// two seconds.
const QUEUE_MAX: usize = 256;

/// A clip begins with the key frame before what was asked for. So far before that it is told who is in
/// its pictures; earlier ones are a mosaic.
const LEAD: Duration = Duration::from_secs(20);

/// How far back is known who was seen.
const KEPT_FOR: Duration = Duration::from_secs(RING_S as u64 + LEAD.as_secs());

/// People of one picture that are kept; where there are more, it is kept that there were too many.
const PEOPLE_MAX: usize = 64;

/// People that are kept of a camera: 8 in each of 15 pictures a second. The oldest pictures go first.
const PEOPLE_KEPT: usize = 16_384;

/// Pictures that are kept of a camera.
const PICTURES_KEPT: usize = 4_096;

/// Something for the thread.
#[derive(Debug)]
enum News {
    Seen(FramePeople),
    Zones(Arc<SiteNames>),
}

/// Where the alarm path leaves what it has seen.
#[derive(Clone, Debug)]
pub struct SightingPost(SyncSender<News>);

impl SightingPost {
    /// Leaves what was seen in a picture and goes. What does not fit is missing in clips, which show a
    /// mosaic then.
    pub fn seen(&self, people: &FramePeople) {
        let _ = self.0.try_send(News::Seen(people.clone()));
    }

    /// Other zones, and so perhaps other masks, are in force. The next picture says so, too.
    pub fn zones(&self, names: &Arc<SiteNames>) {
        let _ = self.0.try_send(News::Zones(names.clone()));
    }
}

/// A picture that was looked at.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Instant,
    /// Where anybody may be, faint ones too; `None`: too many to keep.
    pub found: Option<Vec<BoxNorm>>,
    /// Those who are somebody.
    pub people: Vec<SeenPerson>,
}

#[derive(Clone, Debug)]
pub struct SeenPerson {
    pub bounds_norm: BoxNorm,
    pub score: f32,
    /// The zones they were inside of, by number.
    pub inside: Vec<usize>,
}

/// What is known of a span of a camera's video.
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    pub seen: Vec<Seen>,
    /// Everything that was masked at any time from a little before the span until now.
    pub masks: Vec<Mask>,
    /// Until then something else was masked: no clip shows an earlier time.
    pub not_before: Instant,
}

impl Sightings {
    /// What is to be hidden in a clip.
    pub fn veil(&self, privacy: Privacy) -> ClipVeil {
        let picture = |seen: &Seen| SeenPicture {
            captured_ns: seen.at.as_nanos(),
            found: seen.found.clone().map_or(FoundPeople::TooMany, FoundPeople::Boxes),
        };
        ClipVeil {
            people: match privacy {
                Privacy::Persons => HiddenPeople::Persons,
                Privacy::Heads => HiddenPeople::Heads,
                Privacy::Off => HiddenPeople::Nobody,
            },
            seen: self.seen.iter().map(picture).collect(),
            masks: self.masks.iter().flat_map(|mask| mask.polygons.iter().cloned()).collect(),
        }
    }
}

/// What is kept of all cameras.
#[derive(Debug)]
pub struct SightingLog(Mutex<Vec<CameraLog>>);

#[derive(Debug)]
struct CameraLog {
    seen: VecDeque<Seen>,
    people: usize,
    /// What was masked from when on.
    masks: VecDeque<(Instant, Arc<[Mask]>)>,
    /// When the last masks that are forgotten ended.
    masked_before: Instant,
}

/// Starts the thread; it ends when nobody is left to bring anything.
pub fn start(names: &SiteNames) -> io::Result<(SightingPost, Arc<SightingLog>, JoinHandle<()>)> {
    let log = Arc::new(SightingLog::new(names));
    let (sender, news) = mpsc::sync_channel(QUEUE_MAX);
    let ours = Arc::clone(&log);
    let thread =
        thread::Builder::new().name("sightings".into()).spawn(move || ours.take_all(&news))?;
    Ok((SightingPost(sender), log, thread))
}

impl SightingLog {
    fn new(names: &SiteNames) -> SightingLog {
        let camera = |camera: usize| CameraLog {
            seen: VecDeque::new(),
            people: 0,
            masks: VecDeque::from([(Instant::ZERO, names.shared_masks(camera))]),
            masked_before: Instant::ZERO,
        };
        SightingLog(Mutex::new((0..names.cameras.len()).map(camera).collect()))
    }

    /// What is known of a camera's video from then to then, and a little around it.
    pub fn of(&self, camera: usize, from: Instant, to: Instant) -> Sightings {
        let (from, to) = (from.before(LEAD), to.after(LEAD));
        self.lock().get(camera).map_or_else(Sightings::default, |log| log.of(from, to))
    }

    /// Of one camera, and what was masked from when on.
    #[cfg(test)]
    pub fn of_one_camera(masks: impl IntoIterator<Item = (Instant, Arc<[Mask]>)>) -> SightingLog {
        let (masks, masked_before) = (masks.into_iter().collect(), Instant::ZERO);
        let log = CameraLog { seen: VecDeque::new(), people: 0, masks, masked_before };
        SightingLog(Mutex::new(vec![log]))
    }

    fn take_all(&self, news: &Receiver<News>) {
        for news in news {
            let now = clock::monotonic();
            match news {
                News::Seen(people) => {
                    if let Some(log) = self.lock().get_mut(people.camera) {
                        log.mask(now, people.names.shared_masks(people.camera));
                        log.see(people);
                    }
                }
                News::Zones(names) => {
                    for (camera, log) in self.lock().iter_mut().enumerate() {
                        log.mask(now, names.shared_masks(camera));
                    }
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CameraLog>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CameraLog {
    fn see(&mut self, frame: FramePeople) {
        let at = frame.captured_at;
        // Covers of this very picture, without those carried on: clips carry for themselves.
        let found = frame.covers.iter().filter(|cover| cover.age.is_zero());
        let found: Vec<BoxNorm> = found.map(|cover| cover.bounds_norm).collect();
        let people = frame.people.into_iter().take(PEOPLE_MAX).map(|person| SeenPerson {
            bounds_norm: person.bounds_norm,
            score: person.score,
            inside: person.inside,
        });
        let seen = Seen {
            at,
            found: (found.len() <= PEOPLE_MAX).then_some(found),
            people: people.collect(),
        };
        self.people += seen.weight();
        self.seen.push_back(seen);
        let old = |seen: &Seen| at.since(seen.at) > KEPT_FOR;
        while self.people > PEOPLE_KEPT
            || self.seen.len() > PICTURES_KEPT
            || self.seen.front().is_some_and(old)
        {
            let Some(gone) = self.seen.pop_front() else { break };
            self.people -= gone.weight();
        }
    }

    fn mask(&mut self, now: Instant, masks: Arc<[Mask]>) {
        if let Some((_, before)) = self.masks.back_mut()
            && (Arc::ptr_eq(before, &masks) || *before == masks)
        {
            // Other zones may have come into force, and the masks are the same.
            *before = masks;
            return;
        }
        self.masks.push_back((now, masks));
        while let Some(&(until, _)) = self.masks.get(1)
            && now.since(until) > KEPT_FOR
        {
            if self.masks.pop_front().is_some_and(|(_, gone)| !gone.is_empty()) {
                self.masked_before = until;
            }
        }
    }

    fn of(&self, from: Instant, to: Instant) -> Sightings {
        let within = |seen: &&Seen| seen.at >= from && seen.at <= to;
        let ends = self.masks.iter().skip(1).map(|(at, _)| Some(*at)).chain([None]);
        let (mut masks, mut not_before) = (Vec::new(), self.masked_before);
        for ((_, in_force), end) in self.masks.iter().zip(ends) {
            match end.filter(|end| *end < from) {
                Some(end) if !in_force.is_empty() => not_before = not_before.max(end),
                Some(_) => {}
                None => masks.extend(in_force.iter().cloned()),
            }
        }
        Sightings { seen: self.seen.iter().filter(within).cloned().collect(), masks, not_before }
    }
}

impl Seen {
    /// What it counts towards the bound.
    fn weight(&self) -> usize {
        self.found.as_ref().map_or(0, Vec::len).max(self.people.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Instant {
        Instant::ZERO.after(Duration::from_secs(s))
    }

    fn log() -> CameraLog {
        let masks = VecDeque::from([(Instant::ZERO, Arc::from([]))]);
        CameraLog { seen: VecDeque::new(), people: 0, masks, masked_before: Instant::ZERO }
    }

    fn masks(id: &str) -> Arc<[Mask]> {
        Arc::from([Mask { id: id.into(), name: id.into(), polygons: Vec::new() }])
    }

    fn ids(log: &CameraLog, from: u64, to: u64) -> Vec<String> {
        log.of(at(from), at(to)).masks.into_iter().map(|mask| mask.id).collect()
    }

    #[test]
    fn what_was_masked_at_any_time_since_a_span_began_is_masked_in_all_of_it() {
        let mut log = log();
        assert_eq!(ids(&log, 0, 100), [""; 0]);
        log.mask(at(100), masks("desk"));
        assert_eq!(ids(&log, 60, 90), ["desk"], "in force by now, so nothing clear is kept");
        log.mask(at(110), Arc::from([]));
        assert_eq!(ids(&log, 105, 120), ["desk"], "in force when the video began");
        assert_eq!(ids(&log, 111, 120), [""; 0]);
    }

    #[test]
    fn a_clip_shows_nothing_of_a_time_of_other_masks_however_far_back_its_key_frame_is() {
        let not_before = |log: &CameraLog, from: u64| log.of(at(from), at(from + 40)).not_before;
        let mut log = log();
        log.mask(at(100), masks("desk"));
        assert_eq!(not_before(&log, 200), at(0), "it is black in all of the clip");
        log.mask(at(110), Arc::from([]));
        assert_eq!(not_before(&log, 105), at(0), "it is black in all of the clip");
        assert_eq!(not_before(&log, 111), at(110));
        log.mask(at(1_000), masks("gate"));
        assert_eq!(log.masks.len(), 2, "the desk is forgotten");
        assert_eq!(not_before(&log, 1_100), at(110), "and that there was something is not");
        // Other zones came into force, with the same mask.
        log.mask(at(1_050), masks("gate"));
        assert_eq!(not_before(&log, 1_100), at(110));
    }

    #[test]
    fn masks_are_forgotten_when_no_video_of_their_time_is_kept() {
        let mut log = log();
        for second in 0..1_000 {
            log.mask(at(second), masks(&second.to_string()));
        }
        assert!(log.masks.len() < 100, "{}", log.masks.len());
    }
}
