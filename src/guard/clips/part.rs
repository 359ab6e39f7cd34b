//! One part of an incident's video, in up to two versions, and what is written down of it when.
//!
//! Pure: outcomes in, rows out. A clear clip has its row at once, its hidden one follows; where there is
//! no clear one, the hidden one is the part.

use jiff::Timestamp;

use super::folder::Finished;
use super::sightings::Sightings;
use super::track::{self, About};
use crate::clock;
use crate::engine::IncidentId;
use crate::engine::time::Instant;
use crate::link::ClipWritten;
use crate::store::evidence::{HiddenCopy, NewClip, NewHidden, Shows};
use crate::store::pictures::Hides;

/// What is to stand in the store.
#[derive(Clone, Debug)]
pub enum PendingRow {
    Clip(NewClip),
    Hidden(NewHidden),
    HiddenLost { incident: IncidentId, part: u32, why: String },
    Lost { incident: IncidentId, part: u32, why: String },
}

/// A file that is there under its last name.
#[derive(Clone, Debug)]
pub struct KeptFile {
    pub file: String,
    pub finished: Finished,
    pub written: ClipWritten,
}

/// What became of a version.
#[derive(Clone, Debug)]
pub enum Version {
    NotWanted,
    Awaited,
    Kept(KeptFile),
    Lost(String),
}

/// How far the store knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Clear,
    All,
}

pub struct Part {
    pub incident: IncidentId,
    pub part: u32,
    pub clear: Version,
    pub hidden: Version,
    /// What of people the hidden one hides.
    pub hides: Option<Hides>,
    pub about: Option<About>,
    pub sightings: Sightings,
    told: Told,
}

impl Part {
    pub fn new(
        (incident, part): (IncidentId, u32),
        (clear, hidden): (Version, Version),
        hides: Option<Hides>,
        about: Option<About>,
        sightings: Sightings,
    ) -> Part {
        Part { incident, part, clear, hidden, hides, about, sightings, told: Told::Nothing }
    }

    /// Nothing more comes.
    pub fn is_done(&self) -> bool {
        self.told == Told::All
    }

    /// The files of it that are there.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        [&self.clear, &self.hidden].into_iter().filter_map(|version| match version {
            Version::Kept(kept) => Some(kept.file.as_str()),
            Version::NotWanted | Version::Awaited | Version::Lost(_) => None,
        })
    }

    /// What is awaited will not come. Which versions those are.
    pub fn give_up(&mut self, why: &str) -> Vec<Shows> {
        let mut given_up = Vec::new();
        for (shows, version) in [(Shows::Clear, &mut self.clear), (Shows::Hidden, &mut self.hidden)]
        {
            if matches!(version, Version::Awaited) {
                *version = Version::Lost(why.to_owned());
                given_up.push(shows);
            }
        }
        given_up
    }

    /// The store will not have a row of it, and nothing after that: that version is lost, and what is
    /// left of the part is to be written down anew.
    pub fn refused(&mut self, shows: Shows, why: &str) {
        let lost = Version::Lost(format!("the store refuses its row: {why}"));
        let beside_clear = matches!((shows, &self.clear), (Shows::Hidden, Version::Kept(_)));
        match shows {
            Shows::Clear => self.clear = lost,
            Shows::Hidden => self.hidden = lost,
        }
        self.told = if beside_clear { Told::Clear } else { Told::Nothing };
    }

    /// What can be written down by now and has not been.
    pub fn settle(&mut self, at: Timestamp) -> Vec<PendingRow> {
        let (incident, part) = (self.incident, self.part);
        let mut rows = Vec::new();
        if self.told == Told::Nothing {
            let (row, told) = match (&self.clear, &self.hidden) {
                (Version::Kept(clear), _) => (self.clip(clear, Shows::Clear, at), Told::Clear),
                (Version::Lost(_) | Version::NotWanted, Version::Kept(hidden)) => {
                    (self.clip(hidden, Shows::Hidden, at), Told::All)
                }
                (Version::Lost(why), Version::Lost(_) | Version::NotWanted)
                | (Version::NotWanted, Version::Lost(why)) => {
                    (PendingRow::Lost { incident, part, why: why.clone() }, Told::All)
                }
                (Version::NotWanted, Version::NotWanted) => return rows,
                (Version::Awaited, _) | (_, Version::Awaited) => return rows,
            };
            rows.push(row);
            self.told = told;
        }
        if self.told == Told::Clear {
            let row = match &self.hidden {
                Version::Awaited => return rows,
                Version::NotWanted => None,
                Version::Kept(KeptFile { file, finished, written }) => {
                    Some(PendingRow::Hidden(NewHidden {
                        incident,
                        part,
                        file: file.clone(),
                        bytes: finished.bytes,
                        sha256: finished.sha256.clone(),
                        codec: written.codec.clone(),
                        hides: self.hides,
                        at,
                    }))
                }
                Version::Lost(why) => {
                    Some(PendingRow::HiddenLost { incident, part, why: why.clone() })
                }
            };
            rows.extend(row);
            self.told = Told::All;
        }
        rows
    }

    fn clip(&self, kept: &KeptFile, shows: Shows, at: Timestamp) -> PendingRow {
        let KeptFile { file, finished, written } = kept;
        let time = |ns| clock::wall_at(Instant::from_nanos(ns));
        let hidden = match (shows, &self.hidden) {
            (Shows::Hidden, _) | (Shows::Clear, Version::NotWanted) => HiddenCopy::None,
            (Shows::Clear, Version::Awaited | Version::Kept(_) | Version::Lost(_)) => {
                HiddenCopy::Awaited
            }
        };
        let about = self.about.as_ref();
        let track = about.and_then(|about| track::json(about, &self.sightings.seen, written));
        PendingRow::Clip(NewClip {
            incident: self.incident,
            part: self.part,
            file: file.clone(),
            bytes: finished.bytes,
            sha256: finished.sha256.clone(),
            from: time(written.first_ns),
            to: time(written.last_ns),
            longest_gap_ms: written.longest_gap_ns / 1_000_000,
            pictures: written.pictures,
            codec: written.codec.clone(),
            shows,
            hides: self.hides.filter(|_| shows == Shows::Hidden),
            hidden,
            track,
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(clear: Version, hidden: Version) -> Part {
        let hides = Some(Hides::Persons);
        Part::new((IncidentId(7), 1), (clear, hidden), hides, None, Sightings::default())
    }

    fn kept(file: &str) -> Version {
        Version::Kept(KeptFile {
            file: file.into(),
            finished: Finished { bytes: 3, sha256: "5e".repeat(32) },
            written: ClipWritten {
                first_ns: 0,
                last_ns: 1,
                longest_gap_ns: 1,
                pictures: 2,
                bytes: 3,
                codec: "H.264".into(),
            },
        })
    }

    fn lost(why: &str) -> Version {
        Version::Lost(why.into())
    }

    /// What stands in the store then, in words.
    fn told(part: &mut Part) -> Vec<String> {
        let rows = part.settle(Timestamp::UNIX_EPOCH);
        let word = |row: &PendingRow| match row {
            PendingRow::Clip(clip) => format!("{:?} {} {:?}", clip.shows, clip.file, clip.hidden),
            PendingRow::Hidden(hidden) => format!("beside {}", hidden.file),
            PendingRow::HiddenLost { why, .. } => format!("not beside: {why}"),
            PendingRow::Lost { why, .. } => format!("lost: {why}"),
        };
        rows.iter().map(word).collect()
    }

    #[test]
    fn a_clear_clip_has_its_row_at_once_and_the_hidden_one_follows() {
        let mut part = part(Version::Awaited, Version::Awaited);
        assert_eq!(told(&mut part), [""; 0]);
        part.clear = kept("a.mp4");
        assert_eq!(told(&mut part), ["Clear a.mp4 Awaited"]);
        assert_eq!(told(&mut part), [""; 0]);
        part.hidden = kept("a.hidden.mp4");
        assert_eq!(told(&mut part), ["beside a.hidden.mp4"]);
        assert!(part.is_done());
    }

    #[test]
    fn what_does_not_come_before_the_box_ends_is_said() {
        let mut part = part(lost("the disk is full"), Version::Awaited);
        assert_eq!(part.give_up("the box stopped"), [Shows::Hidden]);
        assert_eq!(told(&mut part), ["lost: the disk is full"]);
    }

    #[test]
    fn where_the_clear_one_is_lost_the_hidden_one_is_the_clip() {
        let mut part = part(lost("the disk is full"), Version::Awaited);
        assert_eq!(told(&mut part), [""; 0]);
        part.hidden = kept("a.hidden.mp4");
        assert_eq!(told(&mut part), ["Hidden a.hidden.mp4 None"]);
        assert!(part.is_done());
    }

    #[test]
    fn a_camera_with_a_mask_has_the_hidden_one_or_its_reason() {
        let mut kept = part(Version::NotWanted, kept("a.hidden.mp4"));
        assert_eq!(told(&mut kept), ["Hidden a.hidden.mp4 None"]);
        let mut none = part(Version::NotWanted, lost("no encoder"));
        assert_eq!(told(&mut none), ["lost: no encoder"]);
        assert!(kept.is_done() && none.is_done());
    }

    #[test]
    fn a_hidden_one_that_is_lost_says_why_beside_the_clear_one() {
        let mut part = part(kept("a.mp4"), lost("no encoder"));
        assert_eq!(told(&mut part), ["Clear a.mp4 Awaited", "not beside: no encoder"]);
        assert!(part.is_done());
    }

    #[test]
    fn where_nobody_is_hidden_there_is_the_clear_one_only() {
        let mut part = part(kept("a.mp4"), Version::NotWanted);
        assert_eq!(told(&mut part), ["Clear a.mp4 None"]);
        assert!(part.is_done());
    }

    #[test]
    fn where_the_clear_one_is_refused_the_hidden_one_is_the_clip_whenever_it_comes() {
        for comes_first in [Version::Awaited, kept("a.hidden.mp4")] {
            let mut part = part(kept("a.mp4"), comes_first);
            assert_eq!(told(&mut part)[0], "Clear a.mp4 Awaited");
            part.refused(Shows::Clear, "no");
            part.hidden = kept("a.hidden.mp4");
            assert_eq!(told(&mut part), ["Hidden a.hidden.mp4 None"]);
            assert!(part.is_done());
            part.refused(Shows::Hidden, "no");
            assert_eq!(told(&mut part), ["lost: the store refuses its row: no"]);
            assert!(part.is_done());
        }
    }

    #[test]
    fn where_the_hidden_one_is_refused_the_clear_one_stands_and_says_so() {
        let mut part = part(kept("a.mp4"), kept("a.hidden.mp4"));
        assert_eq!(told(&mut part), ["Clear a.mp4 Awaited", "beside a.hidden.mp4"]);
        part.refused(Shows::Hidden, "no");
        assert_eq!(told(&mut part), ["not beside: the store refuses its row: no"]);
        assert!(part.is_done());
    }

    #[test]
    fn where_a_refused_one_is_all_there_was_its_reason_is() {
        let mut part = part(kept("a.mp4"), Version::NotWanted);
        assert_eq!(told(&mut part), ["Clear a.mp4 None"]);
        part.refused(Shows::Clear, "no");
        assert_eq!(told(&mut part), ["lost: the store refuses its row: no"]);
    }
}
