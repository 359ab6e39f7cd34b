//! Figures of incidents: kept as lines, told as a table.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::trouble::Condition;

/// The parts of the way, in order, with what a column is called.
pub const STAGES: [(&str, &str); 7] = [
    ("confirmed", "second look"),
    ("wire", "wire"),
    ("seen", "decoded"),
    ("inferred", "inferred"),
    ("link", "link"),
    ("siren", "ordered"),
    ("sound", "sound card"),
];

/// One person who appeared. What is not known is `None`; a total that is `None` was never heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    pub condition: String,
    pub cameras: usize,
    pub camera: usize,
    /// From the first picture with the person at the camera to the sound.
    pub total_ms: Option<f64>,
    /// From that picture to the handheld's screen, where there is one.
    pub handheld_ms: Option<f64>,
    /// From that picture to the one that decided, at the camera.
    pub confirmed_ms: Option<f64>,
    /// From the camera to when the box says the picture was taken.
    pub wire_ms: Option<f64>,
    pub seen_ms: Option<f64>,
    pub inferred_ms: Option<f64>,
    pub link_ms: Option<f64>,
    pub siren_ms: Option<f64>,
    /// From the order's acceptance to the sound in the recording.
    pub sound_ms: Option<f64>,
}

impl Incident {
    pub fn of(condition: &str, cameras: usize, camera: usize) -> Incident {
        Incident {
            condition: condition.to_owned(),
            cameras,
            camera,
            total_ms: None,
            handheld_ms: None,
            confirmed_ms: None,
            wire_ms: None,
            seen_ms: None,
            inferred_ms: None,
            link_ms: None,
            siren_ms: None,
            sound_ms: None,
        }
    }

    pub fn stages(&self) -> [Option<f64>; 7] {
        [
            self.confirmed_ms,
            self.wire_ms,
            self.seen_ms,
            self.inferred_ms,
            self.link_ms,
            self.siren_ms,
            self.sound_ms,
        ]
    }

    pub fn to_line(&self) -> String {
        let figure = |ms: Option<f64>| ms.map_or("-".to_owned(), |ms| format!("{ms:.1}"));
        let mut line = format!("{}\t{}\t{}", self.condition, self.cameras, self.camera);
        for ms in [self.total_ms, self.handheld_ms].into_iter().chain(self.stages()) {
            line += &format!("\t{}", figure(ms));
        }
        line
    }

    fn of_line(line: &str) -> Option<Incident> {
        let words: Vec<&str> = line.split('\t').collect();
        let [condition, cameras, camera, figures @ ..] = &words[..] else {
            return None;
        };
        let figures: Vec<Option<f64>> = figures.iter().map(|word| word.parse().ok()).collect();
        let [total, handheld, confirmed, wire, seen, inferred, link, siren, sound] = figures[..]
        else {
            return None;
        };
        Some(Incident {
            total_ms: total,
            handheld_ms: handheld,
            confirmed_ms: confirmed,
            wire_ms: wire,
            seen_ms: seen,
            inferred_ms: inferred,
            link_ms: link,
            siren_ms: siren,
            sound_ms: sound,
            ..Incident::of(condition, cameras.parse().ok()?, camera.parse().ok()?)
        })
    }
}

/// The incidents of one file.
pub fn read(file: &Path) -> Vec<Incident> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(Incident::of_line).collect()
}

/// Those of all files in a folder.
pub fn read_all(folder: &Path) -> Vec<Incident> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "tsv"));
    files.sort();
    files.iter().flat_map(|file| read(file)).collect()
}

/// Incidents measured under the same condition.
pub struct Group<'a> {
    pub condition: Condition,
    pub cameras: usize,
    pub incidents: Vec<&'a Incident>,
}

impl Group<'_> {
    pub fn title(&self) -> String {
        let cameras = if self.cameras == 1 { "camera" } else { "cameras" };
        format!("{}, {} {cameras}", self.condition.title(), self.cameras)
    }

    /// Sorted; those never heard are missing.
    pub fn totals(&self) -> Vec<f64> {
        sorted(self.incidents.iter().filter_map(|incident| incident.total_ms))
    }

    /// The same of the handheld's screen.
    pub fn shown(&self) -> Vec<f64> {
        sorted(self.incidents.iter().filter_map(|incident| incident.handheld_ms))
    }

    pub fn stage(&self, number: usize) -> Vec<f64> {
        sorted(self.incidents.iter().filter_map(|incident| incident.stages()[number]))
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// In the order of the conditions, fewer cameras first.
pub fn groups(incidents: &[Incident]) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    for condition in Condition::ALL {
        let of_it = |incident: &&Incident| incident.condition == condition.key();
        let mut counts: Vec<usize> = incidents.iter().filter(of_it).map(|i| i.cameras).collect();
        counts.sort_unstable();
        counts.dedup();
        for cameras in counts {
            let these = incidents.iter().filter(of_it).filter(|i| i.cameras == cameras);
            groups.push(Group { condition, cameras, incidents: these.collect() });
        }
    }
    groups
}

/// The value of which at most `1 - share` are larger; the largest, where there are too few to tell.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// All tables, in Markdown.
pub fn table(incidents: &[Incident]) -> String {
    let groups = groups(incidents);
    let mut text = of_totals("sound", "heard", &groups, |group| group.totals());
    let with_handheld = incidents.iter().filter(|incident| incident.handheld_ms.is_some());
    let with_handheld: Vec<Incident> = with_handheld.cloned().collect();
    if !with_handheld.is_empty() {
        let groups = self::groups(&with_handheld);
        text += &format!(
            "\n{}",
            of_totals("handheld's screen", "shown", &groups, |group| group.shown())
        );
    }
    text + &of_parts(&groups)
}

fn of_totals(
    what: &str,
    done: &str,
    groups: &[Group<'_>],
    values: impl Fn(&Group<'_>) -> Vec<f64>,
) -> String {
    let mut text = format!(
        "| light at the camera → {what}, ms | n | not {done} | p50 | p99 | p99.9 | max |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for group in groups {
        let values = values(group);
        let count = group.incidents.len();
        let missed = count - values.len();
        let figures = [0.5, 0.99, 0.999, 1.0].map(|share| figure(quantile(&values, share)));
        let title = group.title();
        let _ = writeln!(text, "| {title} | {count} | {missed} | {} |", figures.join(" | "));
    }
    text
}

fn figure(ms: Option<f64>) -> String {
    ms.map_or(String::new(), |ms| format!("{ms:.0}"))
}

fn of_parts(groups: &[Group<'_>]) -> String {
    let mut text = String::new();
    let names: Vec<&str> = STAGES.iter().map(|(_, name)| *name).collect();
    let _ = write!(text, "\n| p50 / max of each part, ms | {} |\n|---|", names.join(" | "));
    text += &"---|".repeat(STAGES.len());
    text.push('\n');
    for group in groups {
        let part = |number: usize| {
            let values = group.stage(number);
            let both = [0.5, 1.0].map(|share| figure(quantile(&values, share)));
            both.join(" / ")
        };
        let parts: Vec<String> = (0..STAGES.len()).map(part).collect();
        let _ = writeln!(text, "| {} | {} |", group.title(), parts.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_back_the_incident_and_what_was_not_heard_stays_so() {
        let mut incident = Incident::of("calm", 4, 2);
        incident.sound_ms = Some(-1.5);
        assert_eq!(Incident::of_line(&incident.to_line()), Some(incident.clone()));
        incident.total_ms = Some(312.5);
        assert_eq!(Incident::of_line(&incident.to_line()), Some(incident));
    }

    #[test]
    fn of_a_hundred_the_p99_leaves_one_larger_and_of_few_it_is_the_largest() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(&hundred, 0.99), Some(99.0));
        assert_eq!(quantile(&hundred, 0.999), Some(100.0));
        assert_eq!(quantile(&[3.0, 4.0], 0.99), Some(4.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
