//! What a quantized model sees beside its parent, as a file: counts by recording and zone, and the
//! pictures that differ. `check-quantization --keep` writes it, the gate judges by it.
//!
//! Recordings with the same zones count together: half a point takes more pictures with somebody inside
//! than one clip may have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{EvidenceError, ModelRow, RecordingRow, Settings};
use crate::gate::pairs::Place;
use crate::gate::quantization::{
    Checked, Counted, Difference, Differs, PICTURES_NAMED_MAX, Recall,
};

/// What stands in every such file.
pub const PARENT_FORMAT: &str = "standclear-model-parent-check";

pub const PARENT_VERSION: u32 = 1;

/// Names of recordings that a zone of several is called by.
const NAMES_MAX: usize = 3;

/// Most zones of a recording; a camera has fewer.
const ZONES_MAX: usize = 256;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentFile {
    pub format: String,
    pub version: u32,
    pub made_at: jiff::Timestamp,
    pub quantized: ModelRow,
    pub parent: ModelRow,
    pub settings: Settings,
    pub recordings: Vec<ParentRecording>,
}

/// What both made of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentRecording {
    pub recording: RecordingRow,
    pub counted: KeptZones,
}

/// What was counted in its zones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptZones {
    pub zones: Vec<ZoneRow>,
    /// The first pictures that differ, lost ones first.
    pub differ: Vec<DifferRow>,
}

/// A zone: pictures with somebody inside, and in how many each has it OCCUPIED.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneRow {
    pub zone: String,
    pub inside: usize,
    pub parent_saw: usize,
    pub quantized_saw: usize,
}

/// A picture in which they differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DifferRow {
    pub zone: String,
    /// Number of the picture in the recording, from 0.
    pub picture: u64,
    pub how: HowRow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HowRow {
    Lost,
    Won,
    Ghost,
    GhostGone,
}

impl ParentFile {
    /// The same of what was read. `path` for what is wrong.
    pub fn parse(text: &[u8], path: &Path) -> Result<ParentFile, EvidenceError> {
        let file: ParentFile = serde_json::from_slice(text)
            .map_err(|source| EvidenceError::Parse { path: path.to_owned(), source })?;
        let what = file.wrong();
        what.map_or(Ok(file), |what| Err(EvidenceError::Wrong { path: path.to_owned(), what }))
    }

    /// As bytes of a file.
    pub fn text(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// What all of its recordings come to.
    pub fn checked(&self) -> Checked {
        checked_of(&self.recordings)
    }

    fn wrong(&self) -> Option<String> {
        if (self.format.as_str(), self.version) != (PARENT_FORMAT, PARENT_VERSION) {
            return Some(format!(
                "it is `{}` version {}; this program reads `{PARENT_FORMAT}` version {PARENT_VERSION}",
                self.format, self.version
            ));
        }
        if self.quantized.package == self.parent.package {
            return Some("a model is no parent of its own".to_owned());
        }
        let mut recordings = BTreeSet::new();
        for ParentRecording { recording, counted } in &self.recordings {
            let name = &recording.name;
            if !recordings.insert((&recording.sha256, &recording.zones)) {
                return Some(format!("`{name}` is in it twice; a recording counts once"));
            }
            if let Some(what) = counted.wrong(recording.pictures) {
                return Some(format!("recording `{name}`: {what}"));
            }
        }
        None
    }
}

impl KeptZones {
    /// Of one recording.
    pub fn of(counted: &Counted) -> KeptZones {
        let zone = |(place, recall): (&Place, &Recall)| ZoneRow {
            zone: place.zone.clone(),
            inside: recall.demanded,
            parent_saw: recall.parent_found,
            quantized_saw: recall.quantized_found,
        };
        let differs = |one: &Differs| DifferRow {
            zone: one.place.zone.clone(),
            picture: one.picture,
            how: one.how.into(),
        };
        KeptZones {
            zones: counted.zones.iter().map(zone).collect(),
            differ: counted.differ.iter().map(differs).collect(),
        }
    }

    fn counted(&self, clip: &str, camera: &str) -> Counted {
        let place = |zone: &str| Place { camera: camera.to_owned(), zone: zone.to_owned() };
        let zone = |row: &ZoneRow| {
            let recall = Recall {
                demanded: row.inside,
                parent_found: row.parent_saw,
                quantized_found: row.quantized_saw,
            };
            (place(&row.zone), recall)
        };
        let differs = |row: &DifferRow| Differs {
            clip: clip.to_owned(),
            picture: row.picture,
            place: place(&row.zone),
            how: row.how.into(),
        };
        Counted {
            zones: self.zones.iter().map(zone).collect(),
            differ: self.differ.iter().map(differs).collect(),
            ..Counted::default()
        }
    }

    /// Most pictures lost in any of its zones.
    pub fn lost_most(&self) -> usize {
        let lost = |row: &ZoneRow| row.parent_saw.saturating_sub(row.quantized_saw);
        self.zones.iter().map(lost).max().unwrap_or(0)
    }

    fn wrong(&self, pictures: u64) -> Option<String> {
        if self.zones.len() > ZONES_MAX || self.differ.len() > PICTURES_NAMED_MAX {
            return Some(format!(
                "at most {ZONES_MAX} zones and {PICTURES_NAMED_MAX} pictures are named"
            ));
        }
        let mut zones = BTreeSet::new();
        for row in &self.zones {
            let zone = &row.zone;
            if !zones.insert(zone) {
                return Some(format!("zone `{zone}` is in it twice"));
            }
            if row.inside as u64 > pictures || row.parent_saw.max(row.quantized_saw) > row.inside {
                return Some(format!("zone `{zone}` has more seen than there was to see"));
            }
        }
        let stray = self.differ.iter().find(|row| !zones.contains(&row.zone));
        stray.map(|row| format!("a picture differs in `{}`, no zone of it", row.zone))
    }
}

/// What these recordings come to, of one file or of several that are of the same models.
pub fn checked_of(recordings: &[ParentRecording]) -> Checked {
    checked(recordings.iter().map(|one| {
        let RecordingRow { name, zones, .. } = &one.recording;
        (name.as_str(), zones.as_str(), &one.counted)
    }))
}

/// What several recordings come to: name, zones (a digest), and what was counted. Zones of the same
/// digest are the same place, called after their recordings.
pub fn checked<'r>(
    all: impl Iterator<Item = (&'r str, &'r str, &'r KeptZones)> + Clone,
) -> Checked {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, zones, _) in all.clone() {
        names.entry(zones).or_default().push(name);
    }
    let called = called(&names);
    let mut sum = Counted::default();
    for (name, zones, kept) in all {
        sum.add(kept.counted(name, called.get(zones).map_or("", String::as_str)));
    }
    sum.checked()
}

/// What the recordings of each digest are called together; no two the same.
fn called<'z>(names: &BTreeMap<&'z str, Vec<&str>>) -> BTreeMap<&'z str, String> {
    let mut used = BTreeSet::new();
    let mut called = BTreeMap::new();
    for (zones, names) in names {
        let first = names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
        let plain = match names.len().saturating_sub(NAMES_MAX) {
            0 => first,
            more => format!("{first} and {more} more"),
        };
        let other = |n: usize| format!("{plain} (other zones, {n})");
        let fresh = std::iter::once(plain.clone()).chain((2..).map(other));
        let name = fresh.into_iter().find(|name| !used.contains(name)).unwrap_or_default();
        used.insert(name.clone());
        called.insert(*zones, name);
    }
    called
}

impl From<Difference> for HowRow {
    fn from(how: Difference) -> HowRow {
        match how {
            Difference::Lost => HowRow::Lost,
            Difference::Won => HowRow::Won,
            Difference::Ghost => HowRow::Ghost,
            Difference::GhostGone => HowRow::GhostGone,
        }
    }
}

impl From<HowRow> for Difference {
    fn from(how: HowRow) -> Difference {
        match how {
            HowRow::Lost => Difference::Lost,
            HowRow::Won => Difference::Won,
            HowRow::Ghost => Difference::Ghost,
            HowRow::GhostGone => Difference::GhostGone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::quantization::Outcome;

    fn kept(inside: usize, lost: usize) -> KeptZones {
        let zone = ZoneRow {
            zone: "press".to_owned(),
            inside,
            parent_saw: inside,
            quantized_saw: inside - lost,
        };
        KeptZones { zones: vec![zone], differ: vec![] }
    }

    fn outcome(all: &[(&str, &str, &KeptZones)]) -> Outcome {
        checked(all.iter().copied()).outcome
    }

    #[test]
    fn clips_of_the_same_zones_count_together_and_others_by_themselves() {
        let (half, other) = (kept(120, 0), kept(120, 1));
        assert!(matches!(outcome(&[("a", "z", &half)]), Outcome::NotEnough { .. }));
        assert_eq!(outcome(&[("a", "z", &half), ("b", "z", &other)]), Outcome::Accepted);
        let apart = checked([("a", "z", &half), ("a", "y", &other)].into_iter());
        assert_eq!(apart.zones.len(), 2, "two places, whatever the files are called");
        let place = Place { camera: "a".to_owned(), zone: "press".to_owned() };
        assert_eq!(apart.outcome, Outcome::Refused { zones: vec![place] }, "1 of 120 of them");
    }
}
