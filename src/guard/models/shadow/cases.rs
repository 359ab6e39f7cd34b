//! From rows to cases: which incident of one model is which of the other, and what was said of it.
//!
//! A case has the number of one of its incidents, the active model's where that told it, so that a label
//! stays with it whatever is paired later.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::engine::time::Instant;
use crate::gate::pairs::{Incident, Meanwhile, Only, Place, TOLERANCE, pair};
use crate::gate::verdict::{Case, CaseId, Coverage, Gate, Label, Run, Source, Told};
use crate::guard::handle::shadowing::{CaseBox, CaseClip, CaseLabel, CaseRow, CaseSide};
use crate::guard::models::recorded::KeptTold;
use crate::store::shadow::clips::{CaseClipRow, KeptCaseClip};
use crate::store::shadow::{
    CaseMark, CaseWord, Ended, RunSide, RunSource, ShadowIncidentRow, ShadowRunRow,
};

/// In a run that goes on, what began so lately is not judged: the other model may be about to tell it.
const TOO_NEW: SignedDuration = SignedDuration::from_secs(15);

/// One case, with its rows.
pub(super) struct Found<'r> {
    pub told: Told,
    pub active: Option<&'r ShadowIncidentRow>,
    pub shadow: Option<&'r ShadowIncidentRow>,
    /// Known of a recording only.
    truth: Option<&'r ShadowIncidentRow>,
}

/// The cases of a run, in the order of their numbers.
pub(super) fn cases<'r>(
    run: &ShadowRunRow,
    rows: &'r [ShadowIncidentRow],
    now: Timestamp,
) -> Vec<Found<'r>> {
    if run.source == RunSource::Corpus {
        return recorded(rows);
    }
    let by_id: BTreeMap<u64, &ShadowIncidentRow> = rows.iter().map(|row| (row.id, row)).collect();
    let of = |side| -> Vec<Incident> {
        let rows = rows.iter().filter(|row| row.of.side == side);
        rows.map(|row| incident(run, row)).collect()
    };
    let pairing = pair(&of(RunSide::Active), &of(RunSide::Shadow), TOLERANCE);
    let row = |it: &Incident| by_id.get(&it.id).copied();
    let mut found: Vec<Found> = Vec::new();
    for both in &pairing.both {
        let told = Told::Both { shadow_later_by: both.shadow_later_by() };
        let (active, shadow) = (row(&both.active), row(&both.shadow));
        found.push(Found { told, active, shadow, truth: None });
    }
    for Only { incident, meanwhile } in &pairing.active_only {
        let told = Told::ActiveOnly(*meanwhile);
        found.push(Found { told, active: row(incident), shadow: None, truth: None });
    }
    for Only { incident, meanwhile } in &pairing.shadow_only {
        let told = Told::ShadowOnly(*meanwhile);
        found.push(Found { told, active: None, shadow: row(incident), truth: None });
    }
    let open = run.ended.is_none();
    found.retain(|it| it.counts() && !(open && it.is_too_new(now)));
    found.sort_by_key(Found::id);
    found
}

/// The cases of recordings, as their comparison found them: a case's incidents have its number.
fn recorded(rows: &[ShadowIncidentRow]) -> Vec<Found<'_>> {
    let mut cases: BTreeMap<u64, Found<'_>> = BTreeMap::new();
    for row in rows {
        // Where it was not kept, what it is by itself.
        let told = KeptTold::read(&row.of.boxes).unwrap_or(match row.of.side {
            RunSide::Active => Told::ActiveOnly(Meanwhile::Quiet),
            RunSide::Shadow => Told::ShadowOnly(Meanwhile::Quiet),
            RunSide::Truth => Told::Neither,
        });
        let nobody = Found { told, active: None, shadow: None, truth: None };
        let case = cases.entry(row.of.number).or_insert(nobody);
        *match row.of.side {
            RunSide::Active => &mut case.active,
            RunSide::Shadow => &mut case.shadow,
            RunSide::Truth => &mut case.truth,
        } = Some(row);
    }
    let mut found: Vec<Found<'_>> = cases.into_values().collect();
    found.sort_by_key(Found::id);
    found
}

/// As the gate takes it, with everything that is kept of the run.
pub(super) fn run(row: &ShadowRunRow, rows: &[ShadowIncidentRow], found: &[Found<'_>]) -> Run {
    let left_out = rows.iter().filter(|it| it.of.left_out.is_some());
    let left_out = left_out.filter(|it| it.of.side == RunSide::Active).count();
    let of_run = |it: &Found| {
        let case = Case { at: it.at_of(row), told: it.told, label: it.label() };
        (CaseId(it.id()), case)
    };
    Run {
        source: source(row.source),
        coverage: Coverage { seen: row.seen, of: row.of },
        cases: found.iter().map(of_run).collect(),
        left_out,
    }
}

pub(super) fn source(of: RunSource) -> Source {
    match of {
        RunSource::Live => Source::Live,
        RunSource::Corpus => Source::Corpus,
    }
}

pub(super) fn word(label: Label) -> CaseWord {
    match label {
        Label::True => CaseWord::True,
        Label::False => CaseWord::False,
        Label::Unsure => CaseWord::Unsure,
    }
}

fn label(word: CaseWord) -> Label {
    match word {
        CaseWord::True => Label::True,
        CaseWord::False => Label::False,
        CaseWord::Unsure => Label::Unsure,
    }
}

impl Found<'_> {
    fn rows(&self) -> impl Iterator<Item = &ShadowIncidentRow> {
        [self.active, self.shadow, self.truth].into_iter().flatten()
    }

    /// That of the first of its rows: the active model's, where it told it.
    pub fn id(&self) -> u64 {
        self.rows().next().map_or(0, |row| row.id)
    }

    /// Whether both could see it.
    fn counts(&self) -> bool {
        self.rows().all(|row| row.of.left_out.is_none())
    }

    fn is_too_new(&self, now: Timestamp) -> bool {
        // What is dated later than now was told before the clock was put back.
        let new = SignedDuration::ZERO..TOO_NEW;
        self.rows().any(|row| new.contains(&now.duration_since(row.of.began)))
    }

    fn mark(&self) -> Option<&CaseMark> {
        self.rows().find_map(|row| row.mark.as_ref())
    }

    fn label(&self) -> Option<Label> {
        self.mark().map(|mark| label(mark.word))
    }

    /// When the first of the two told it.
    fn began(&self) -> Timestamp {
        self.rows().map(|row| row.of.began).min().unwrap_or_default()
    }

    fn at_of(&self, run: &ShadowRunRow) -> Instant {
        instant(run, self.began())
    }

    /// As it is shown.
    pub fn row(&self, run: &ShadowRunRow) -> CaseRow {
        let first = self.rows().next();
        CaseRow {
            id: self.id(),
            run: run.id,
            camera: first.map(|row| row.of.camera.clone()).unwrap_or_default(),
            zone: first
                .map(|row| (row.of.zone_number, row.of.zone_name.clone()))
                .unwrap_or_default(),
            at: self.began(),
            told: self.told,
            standing: Gate::default().standing(self.told),
            label: self.mark().map(|mark| CaseLabel {
                label: label(mark.word),
                by: mark.by.clone(),
                at: mark.at,
            }),
            active: self.active.map(|row| side(run, row)),
            shadow: self.shadow.map(|row| side(run, row)),
            clip: match self.clip(run.source) {
                Ok(_) => CaseClip::There,
                Err(why) => CaseClip::None(why),
            },
        }
    }

    /// Its own video, or why there is none.
    pub fn clip(&self, source: RunSource) -> Result<&KeptCaseClip, String> {
        let why = match (source, self.shadow.and_then(|row| row.clip.as_ref())) {
            (RunSource::Corpus, _) => "it is of a recording",
            (RunSource::Live, Some(CaseClipRow::Kept(clip))) => return Ok(clip),
            (RunSource::Live, Some(CaseClipRow::Lost(why))) => why,
            (RunSource::Live, Some(CaseClipRow::Awaited)) => "it is being written",
            (RunSource::Live, None) if self.active.is_some() => "it would be that of its incident",
            (RunSource::Live, None) => {
                "none was asked for: the active model told somebody there, too"
            }
        };
        Err(why.to_owned())
    }

    /// Whether it wants a person before anything can be said of it.
    pub fn is_discordant(&self) -> bool {
        use crate::gate::verdict::Standing;
        match Gate::default().standing(self.told) {
            Standing::Found => false,
            Standing::Lost
            | Standing::Joined
            | Standing::Gained
            | Standing::Split
            | Standing::Unseen => true,
        }
    }

    pub fn is_labelled(&self) -> bool {
        self.mark().is_some()
    }
}

fn side(run: &ShadowRunRow, row: &ShadowIncidentRow) -> CaseSide {
    let boxes: Vec<[f64; 5]> = serde_json::from_str(&row.of.boxes).unwrap_or_default();
    let boxes = boxes.into_iter().map(|[left, top, width, height, score]| CaseBox {
        left_norm: left,
        top_norm: top,
        width_norm: width,
        height_norm: height,
        score: score as f32,
    });
    let of_box = row.of.side == RunSide::Active && run.source == RunSource::Live;
    CaseSide {
        began: row.of.began,
        ended: (row.of.ended == Ended::Yes).then_some(row.of.last),
        score: row.of.score,
        incident: of_box.then_some(row.of.number),
        boxes: boxes.collect(),
    }
}

fn incident(run: &ShadowRunRow, row: &ShadowIncidentRow) -> Incident {
    Incident {
        id: row.id,
        place: Place { camera: row.of.camera.clone(), zone: row.of.zone.clone() },
        started_at: instant(run, row.of.began),
        last_inside_at: instant(run, row.of.last),
    }
}

/// A moment of a run; a day is room for what began before it by its clock.
fn instant(run: &ShadowRunRow, at: Timestamp) -> Instant {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let zero = Instant::from_nanos(0).after(DAY);
    let since = at.duration_since(run.began);
    match Duration::try_from(since) {
        Ok(after) => zero.after(after),
        Err(_) => zero.before(since.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::shadow::ShadowIncident;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_second(1_772_373_600 + s).expect("a time")
    }

    #[test]
    fn what_was_told_before_the_clock_was_put_back_is_judged_and_only_what_is_new_waits() {
        let run = ShadowRunRow {
            id: 1,
            source: RunSource::Live,
            name: "this site".into(),
            active: "shipped".into(),
            shadow: "sha256-a".into(),
            active_model: "m1".into(),
            shadow_model: "m2".into(),
            zones: "z".into(),
            began: at(0),
            ended: None,
            seen: 1,
            of: 1,
            figures: "{}".into(),
        };
        let of = ShadowIncident {
            side: RunSide::Active,
            number: 7,
            camera: "yard".into(),
            zone: "bay".into(),
            zone_name: "Bay".into(),
            zone_number: Some(0),
            began: at(3600),
            last: at(3601),
            ended: Ended::Yes,
            score: 0.5,
            boxes: "[]".into(),
            left_out: None,
        };
        let rows = [ShadowIncidentRow { id: 1, run: 1, of, mark: None, clip: None }];
        let judged = |now| !cases(&run, &rows, now).is_empty();
        assert_eq!([60, 3600, 3614, 3615].map(at).map(judged), [true, false, false, true]);
    }
}
