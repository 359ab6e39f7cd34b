//! Which video shows what only the shadow model told, and whom to hide in it: pure but for its queue.
//!
//! A clip is asked for when its span is over and the shadow model has said whom it sees in it: the active
//! model does not see whoever it is about, and they are not to be recognised either.
//!
//! Not here: files and rows (`clips`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::clips::{ClipTask, WantedClip};
use crate::config::{Evidence, Privacy};
use crate::engine::CameraIndex;
use crate::engine::time::Instant;
use crate::guard::clips::{SightingLog, Sightings};
use crate::guard::handle::shadowing::CaseBox;
use crate::hiding::covers::BoxNorm;
use crate::link::{CLIP_S_MAX, ClipSpan, RING_S};
use crate::store::pictures::Hides;
use crate::store::shadow::clips::CaseKey;

/// A span is asked for so long after its end, as of incidents: pictures are decoded, and may come late.
const SETTLE: Duration = Duration::from_secs(2);

/// A shadow model that has not said so long after a span what it saw in it will not.
const SAID_MAX: Duration = Duration::from_secs(10);

/// A case has one clip, of this length at most.
const LONGEST: Duration = Duration::from_secs(CLIP_S_MAX as u64);

/// Clips whose span is not over: a model that tells more at once has told nothing.
const PENDING_MAX: usize = 8;

/// How far back is known whom the shadow model saw: as far as video goes, and a key frame before it.
const SEEN_FOR: Duration = Duration::from_secs(RING_S as u64 + 20);

/// Pictures and people of them that are kept of a camera; the oldest pictures go first.
const PICTURES_KEPT: usize = 2_048;
const PEOPLE_MAX: usize = 64;

/// Whoever only the shadow model sees is known to be where they are for so long after it looked. What it
/// did not look at for longer is hidden whole.
const LOOKED_MAX: Duration = Duration::from_secs(1);

/// Where the shadow model saw somebody in the newest pictures; `None`: too many to keep.
#[derive(Debug, Default)]
pub(super) struct Looks(BTreeMap<CameraIndex, VecDeque<Look>>);

/// When it looked, and whom it saw.
type Look = (Instant, Option<Vec<BoxNorm>>);

impl Looks {
    pub fn saw(&mut self, camera: CameraIndex, at: Instant, boxes: &[CaseBox]) {
        let looks = self.0.entry(camera).or_default();
        let bounds = |it: &CaseBox| [it.left_norm, it.top_norm, it.width_norm, it.height_norm];
        let found = (boxes.len() <= PEOPLE_MAX).then(|| boxes.iter().map(bounds).collect());
        looks.push_back((at, found));
        let old = |(seen, _): &Look| at.since(*seen) > SEEN_FOR;
        while looks.len() > PICTURES_KEPT || looks.front().is_some_and(old) {
            looks.pop_front();
        }
    }

    /// Whom either model saw. A picture that the shadow model looked at too long before or after shows
    /// nobody, since nobody knows whom.
    fn beside(&self, camera: CameraIndex, mut active: Sightings) -> Sightings {
        let none = VecDeque::new();
        let looks = self.0.get(&camera).unwrap_or(&none);
        for seen in &mut active.seen {
            let next = looks.partition_point(|(at, _)| *at < seen.at);
            let near = |(at, _): &&Look| apart(*at, seen.at) <= LOOKED_MAX;
            let exact = looks.get(next).filter(|(at, _)| *at == seen.at);
            let around = [looks.get(next), next.checked_sub(1).and_then(|it| looks.get(it))];
            let looked = around.into_iter().flatten().any(|it| near(&it));
            seen.found = match (seen.found.take(), exact) {
                (Some(mut found), Some((_, Some(of_shadow)))) => {
                    found.extend(of_shadow);
                    (found.len() <= PEOPLE_MAX).then_some(found)
                }
                (Some(found), None) if looked => Some(found),
                (_, _) => None,
            };
        }
        active
    }
}

fn apart(one: Instant, other: Instant) -> Duration {
    one.since(other).max(other.since(one))
}

const HOUR: Duration = Duration::from_secs(3600);

/// Clips in an hour: a model that alarms for nothing all the while is told by a dozen of them, and each costs
/// the process that guards some seconds of its processor and megabytes of the disk.
const IN_AN_HOUR_MAX: usize = 12;

/// A clip whose span is not over.
#[derive(Clone, Debug, PartialEq)]
struct Pending {
    of: CaseKey,
    camera: CameraIndex,
    from: Instant,
    to: Instant,
}

/// The clips of a run whose span is not over, on their way to whoever keeps them.
#[derive(Debug)]
pub(super) struct Footage {
    to: SyncSender<ClipTask>,
    sightings: Arc<SightingLog>,
    privacy: Privacy,
    before: Duration,
    after: Duration,
    pending: VecDeque<Pending>,
    /// When those of the last hour began, oldest first.
    wanted: VecDeque<Instant>,
}

impl Footage {
    pub fn new(
        to: SyncSender<ClipTask>,
        sightings: Arc<SightingLog>,
        (evidence, privacy): (Evidence, Privacy),
    ) -> Footage {
        let seconds = |s: u32| Duration::from_secs(u64::from(s));
        let (before, after) = (seconds(evidence.before_s), seconds(evidence.after_s));
        Footage {
            to,
            sightings,
            privacy,
            before,
            after,
            pending: VecDeque::new(),
            wanted: VecDeque::new(),
        }
    }

    /// What only the shadow model told is to have a clip: from before it began to as long after it as an
    /// incident's goes on after its end.
    pub fn want(&mut self, of: CaseKey, camera: CameraIndex, began: Instant) {
        if self.pending.len() == PENDING_MAX {
            return self.leave(ClipTask::Lost { of, why: "too many at once" });
        }
        while self.wanted.front().is_some_and(|first| began.since(*first) >= HOUR) {
            self.wanted.pop_front();
        }
        if self.wanted.len() == IN_AN_HOUR_MAX {
            return self.leave(ClipTask::Lost { of, why: "too many in the hour before it" });
        }
        self.wanted.push_back(began);
        let from = began.before(self.before);
        let to = began.after(self.after).min(from.after(LONGEST));
        self.pending.push_back(Pending { of, camera, from, to });
        self.leave(ClipTask::Await(of));
    }

    /// Asks for what is over: `played` says how far it is known what the shadow model saw.
    pub fn look(&mut self, looks: &Looks, played: Instant, now: Instant) {
        let over = |it: &Pending| {
            let said = played >= it.to || now >= it.to.after(SAID_MAX);
            said && now >= it.to.after(SETTLE)
        };
        while let Some(at) = self.pending.iter().position(over)
            && let Some(pending) = self.pending.remove(at)
        {
            self.ask(looks, &pending);
        }
    }

    /// The run is over: nobody knows what the shadow model saw from here on.
    pub fn end(&mut self) {
        for Pending { of, .. } in std::mem::take(&mut self.pending) {
            self.leave(ClipTask::Lost { of, why: "the comparison ended before it was over" });
        }
    }

    fn ask(&self, looks: &Looks, Pending { of, camera, from, to }: &Pending) {
        let seen = self.sightings.of(usize::from(camera.0), *from, *to);
        let hides = Hides::of(self.privacy);
        // People as they are, of a camera without masks, only where nobody is to be hidden.
        let as_sent = hides.is_none() && seen.masks.is_empty();
        let seen = looks.beside(*camera, seen);
        let not_before_ns = seen.not_before.as_nanos();
        self.leave(ClipTask::Film(Box::new(WantedClip {
            of: *of,
            camera: camera.0,
            span: ClipSpan { from_ns: from.as_nanos(), to_ns: to.as_nanos(), not_before_ns },
            veil: (!as_sent).then(|| seen.veil(self.privacy)),
            hides,
        })));
    }

    fn leave(&self, task: ClipTask) {
        if self.to.try_send(task).is_err() {
            tracing::warn!("a case has no clip: too many at once, or the disk hangs");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::time::Instant;
    use crate::guard::clips::Seen;

    const YARD: CameraIndex = CameraIndex(0);

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(1_000_000_000_000 + ms * 1_000_000)
    }

    fn bounds(left_norm: f64) -> BoxNorm {
        [left_norm, 0.5, 0.25, 0.25]
    }

    fn case_box(left_norm: f64) -> CaseBox {
        let [_, top_norm, width_norm, height_norm] = bounds(left_norm);
        CaseBox { left_norm, top_norm, width_norm, height_norm, score: 0.5 }
    }

    fn seen(ms: u64, found: Option<Vec<BoxNorm>>) -> Seen {
        Seen { at: at(ms), found, people: vec![] }
    }

    #[test]
    fn whoever_either_model_saw_is_hidden_and_what_the_shadow_did_not_look_at_is_hidden_whole() {
        let mut looks = Looks::default();
        looks.saw(YARD, at(5_000), &[case_box(0.5)]);
        looks.saw(YARD, at(7_000), &vec![case_box(0.5); PEOPLE_MAX + 1]);
        let of_active = || Some(vec![bounds(0.0)]);
        let active =
            [1_000, 4_100, 5_000, 5_900, 6_500, 7_000, 9_000].map(|ms| seen(ms, of_active()));
        let both = looks.beside(YARD, Sightings { seen: active.into(), ..Sightings::default() });
        let found: Vec<_> = both.seen.into_iter().map(|it| it.found).collect();
        let expected = [
            None,
            of_active(),
            Some(vec![bounds(0.0), bounds(0.5)]),
            of_active(),
            of_active(),
            None,
            None,
        ];
        assert_eq!(found, expected);
        let of_another = Sightings { seen: vec![seen(5_000, of_active())], ..Sightings::default() };
        assert_eq!(looks.beside(CameraIndex(1), of_another).seen[0].found, None);
    }

    fn footage() -> (Footage, std::sync::mpsc::Receiver<ClipTask>) {
        let (to, tasks) = std::sync::mpsc::sync_channel(32);
        let sightings = Arc::new(SightingLog::of_one_camera([]));
        let evidence =
            Evidence { before_s: 10, after_s: 5, days: 30, bytes_max: 1, ring_bytes_max: 1 };
        (Footage::new(to, sightings, (evidence, Privacy::Persons)), tasks)
    }

    #[test]
    fn a_clip_is_asked_for_once_its_span_is_over_and_it_is_known_whom_the_shadow_saw_in_it() {
        let (mut footage, tasks) = footage();
        let of = (1, crate::store::shadow::RunSide::Shadow, 7);
        footage.want(of, YARD, at(20_000));
        assert!(matches!(tasks.try_recv(), Ok(ClipTask::Await(it)) if it == of));
        for (played, now) in [(24_000, 24_000), (25_000, 26_000), (24_900, 34_000)] {
            footage.look(&Looks::default(), at(played), at(now));
            assert!(tasks.try_recv().is_err(), "{played} {now}");
        }
        footage.look(&Looks::default(), at(25_000), at(34_000));
        let Ok(ClipTask::Film(wanted)) = tasks.try_recv() else { panic!("it is over") };
        let span = (wanted.span.from_ns, wanted.span.to_ns);
        assert_eq!(span, (at(10_000).as_nanos(), at(25_000).as_nanos()));
        assert!(wanted.veil.is_some() && wanted.hides == Some(Hides::Persons));
        footage.look(&Looks::default(), at(26_000), at(99_000));
        assert!(tasks.try_recv().is_err(), "once");
    }

    #[test]
    fn what_is_not_over_when_the_run_is_says_so_and_so_does_what_is_too_much() {
        let (mut footage, tasks) = footage();
        let key = |number| (1, crate::store::shadow::RunSide::Shadow, number);
        (0..=PENDING_MAX as u64).for_each(|number| footage.want(key(number), YARD, at(20_000)));
        footage.end();
        let lost = tasks.try_iter().filter_map(|task| match task {
            ClipTask::Lost { of, why } => Some((of.2, why)),
            _ => None,
        });
        let lost: Vec<(u64, &str)> = lost.collect();
        assert_eq!(lost.len(), PENDING_MAX + 1);
        assert_eq!(lost[0], (PENDING_MAX as u64, "too many at once"));
        assert!(lost[1..].iter().all(|(_, why)| why.contains("comparison ended")), "{lost:?}");
    }

    #[test]
    fn a_model_that_alarms_all_the_while_has_a_dozen_clips_an_hour_and_the_rest_says_why() {
        let (mut footage, tasks) = footage();
        let key = |number| (1, crate::store::shadow::RunSide::Shadow, number);
        let mut awaited = Vec::new();
        for minute in 0..120 {
            footage.want(key(minute), YARD, at(minute * 60_000));
            for task in tasks.try_iter() {
                match task {
                    ClipTask::Await(of) => awaited.push(of.2),
                    ClipTask::Lost { why, .. } => assert_eq!(why, "too many in the hour before it"),
                    ClipTask::Film(_) | ClipTask::Outcome { .. } | ClipTask::Stop => {
                        panic!("nobody asked")
                    }
                }
            }
            footage.pending.clear();
        }
        assert_eq!(awaited, (0..12).chain(60..72).collect::<Vec<u64>>());
    }
}
