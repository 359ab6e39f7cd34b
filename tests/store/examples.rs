//! Examples and what happened to models: kept, found again, and bounded.

use std::fs;
use std::path::Path;

use standclear::digest::sha256_of;
use standclear::engine::IncidentId;
use standclear::store::Store;
use standclear::store::examples::{
    DrawnBy, ExampleOccasion, FOLDER, ImportedLabels, KeptBox, KeptExample, LabelGiven,
    LabelledIncident, NewExample, NewLabels, SaidLabel, SoughtExamples, SoughtLabels,
};
use standclear::store::models::{MODEL_EVENTS_KEPT, ModelEvent, ModelEventKind};
use standclear::store::record::Record;
use standclear::store::verdicts::{Judgement, VerdictRow};

use super::{at, folder, incident, number, open, started};

/// With its picture, as the guard leaves it.
pub fn an_example(dir: &Path, id: u64, incident: Option<u64>) -> NewExample {
    let file = format!("example-{id:08}.jpg");
    fs::create_dir_all(dir.join(FOLDER)).expect("a folder");
    fs::write(dir.join(FOLDER).join(&file), b"jpeg").expect("a picture");
    NewExample {
        id,
        occasion: if incident.is_some() {
            ExampleOccasion::Incident
        } else {
            ExampleOccasion::NearMiss
        },
        camera: "east".into(),
        zone: Some(("gate".into(), "Gate".into())),
        incident,
        at: at(30),
        score: Some(0.5),
        size_px: (640, 360),
        boxes: vec![a_box(0.25)],
        covers: Some("[]".into()),
        hash: u64::MAX - id,
        file,
        bytes: 4,
        sha256: sha256_of(b"jpeg"),
        why: "somebody came close".into(),
    }
}

fn a_box(left: f64) -> KeptBox {
    KeptBox { left, top: 0.5, width: 0.1, height: 0.3, score: 0.5, by: DrawnBy::Model }
}

pub fn model_event(second: i64, kind: ModelEventKind) -> Record {
    Record::ModelEvent(ModelEvent {
        at: at(second),
        kind,
        slot: Some("shipped".into()),
        release: Some(3),
        by: "Eva".into(),
        text: format!("it is {}", kind.as_str()),
    })
}

fn judge(store: &mut Store, incident: u64, verdict: Judgement, second: i64) {
    let (by, note) = ("Karl".to_owned(), String::new());
    store.judge(&VerdictRow { incident, verdict, by, at: at(second), note }).expect("judged");
}

fn all(store: &Store) -> Vec<KeptExample> {
    let sought = SoughtExamples { limit: 500, ..SoughtExamples::default() };
    store.reader().map(|it| it.examples(sought).expect("read")).expect("a reader")
}

fn labels(store: &Store) -> Vec<(u64, Option<SaidLabel>)> {
    all(store).iter().map(|it| (it.example.id, it.label.as_ref().map(|it| it.label))).collect()
}

#[test]
fn an_example_is_there_after_reopening_and_its_number_is_never_given_twice() {
    let dir = folder();
    let mut store = open(dir.path());
    let newest = |store: &Store| store.reader().expect("a reader").newest_example().expect("read");
    assert_eq!(newest(&store), 0);
    let (one, two) = (an_example(dir.path(), 1, None), an_example(dir.path(), 2, None));
    assert_eq!(store.put_example(&one, &[]).expect("kept"), Vec::<String>::new());
    assert_eq!(store.put_example(&two, &[1]).expect("kept"), [one.file]);
    drop(store);
    let mut store = open(dir.path());
    assert_eq!(all(&store), [KeptExample { example: two.clone(), label: None, verdict: None }]);
    assert_eq!(store.remove_examples(&[2, 7]).expect("removed"), [two.file]);
    assert_eq!(newest(&store), 2);
    assert_eq!(number(dir.path(), "SELECT rows FROM removed WHERE what = 'example'"), 2);
}

#[test]
fn what_is_refused_leaves_nothing_behind_and_takes_nothing_away() {
    let dir = folder();
    let mut store = open(dir.path());
    store.put_example(&an_example(dir.path(), 1, None), &[]).expect("kept");
    let mut twice = an_example(dir.path(), 2, None);
    twice.file = "example-00000001.jpg".into();
    store.put_example(&twice, &[]).expect_err("the file is another's");
    let broken = NewExample { sha256: "00".into(), ..an_example(dir.path(), 3, None) };
    store.put_example(&broken, &[1]).expect_err("no digest");
    assert_eq!(labels(&store), [(1, None)]);
}

#[test]
fn the_newest_word_on_an_incident_is_its_examples_label() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[started(0), incident(1, 10), incident(2, 20)]).expect("kept");
    // Judged before its example came, and after.
    judge(&mut store, 1, Judgement::Test, 30);
    store.put_example(&an_example(dir.path(), 1, Some(1)), &[]).expect("kept");
    store.put_example(&an_example(dir.path(), 2, Some(2)), &[]).expect("kept");
    assert_eq!(labels(&store), [(2, None), (1, Some(SaidLabel::True))]);
    judge(&mut store, 1, Judgement::False, 31);
    judge(&mut store, 2, Judgement::False, 31);
    assert_eq!(labels(&store), [(2, None), (1, None)], "somebody may have been who may be there");
    let given = store.label_example(2, SaidLabel::False, "Eva", at(32)).expect("kept");
    assert_eq!(given, LabelGiven::Yes);
    judge(&mut store, 2, Judgement::False, 33);
    assert_eq!(labels(&store), [(2, Some(SaidLabel::False)), (1, None)]);
    judge(&mut store, 2, Judgement::True, 34);
    assert_eq!(labels(&store), [(2, Some(SaidLabel::True)), (1, None)]);
    let nobody = store.label_example(9, SaidLabel::True, "Eva", at(35)).expect("asked");
    assert_eq!(nobody, LabelGiven::NoExample);
}

#[test]
fn what_was_said_of_an_incident_outlives_its_example_and_a_false_verdict_is_no_certainty() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[started(0), incident(1, 10), incident(2, 20), incident(3, 21)]).expect("kept");
    store.put_example(&an_example(dir.path(), 1, Some(1)), &[]).expect("kept");
    store.label_example(1, SaidLabel::False, "Eva", at(32)).expect("kept");
    judge(&mut store, 2, Judgement::False, 33);
    store.remove_examples(&[1]).expect("removed");
    let reader = store.reader().expect("a reader");
    let said = reader.labelled_incidents().expect("read");
    let said: Vec<_> = said.iter().map(|LabelledIncident { label, .. }| *label).collect();
    assert_eq!(said, [SaidLabel::False, SaidLabel::Unsure]);
    // Its label comes with it when its example comes again.
    store.put_example(&an_example(dir.path(), 4, Some(1)), &[]).expect("kept");
    assert_eq!(labels(&store), [(4, Some(SaidLabel::False))]);
}

#[test]
fn a_file_of_labels_changes_what_it_changes_and_is_signed_once() {
    let dir = folder();
    let mut store = open(dir.path());
    for id in 1..=3 {
        store.put_example(&an_example(dir.path(), id, None), &[]).expect("kept");
    }
    let by_hand = KeptBox { by: DrawnBy::Person, ..a_box(0.3) };
    let labels = [
        NewLabels { id: 1, label: Some(SaidLabel::True), boxes: Some(vec![by_hand]) },
        NewLabels { id: 2, label: None, boxes: Some(vec![a_box(0.25)]) },
        NewLabels { id: 3, label: Some(SaidLabel::Unsure), boxes: None },
        NewLabels { id: 77, label: Some(SaidLabel::True), boxes: None },
    ];
    let done = store.import_labels(&labels, "Eva", at(50)).expect("kept");
    assert_eq!(done, ImportedLabels { labelled: 2, unknown: 1, changed: 2 });
    let again = store.import_labels(&labels, "Eva", at(51)).expect("kept");
    assert_eq!(again, ImportedLabels { labelled: 2, unknown: 1, changed: 0 });
    assert_eq!(all(&store)[2].example.boxes, [by_hand]);
    let signed = "SELECT count(*) FROM audit WHERE action = 'examples_imported' AND by = 'Eva'";
    assert_eq!(number(dir.path(), signed), 2);
}

#[test]
fn examples_are_found_by_occasion_and_label_page_by_page_and_the_queue_begins_with_doubt() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[started(0), incident(1, 10), incident(2, 20)]).expect("kept");
    let occasions = [
        (1, None, ExampleOccasion::LowScore),
        (2, Some(1), ExampleOccasion::Incident),
        (3, None, ExampleOccasion::Disagreement),
        (4, Some(2), ExampleOccasion::Incident),
        (5, None, ExampleOccasion::NearMiss),
        (6, None, ExampleOccasion::NearMiss),
    ];
    for (id, incident, occasion) in occasions {
        let new = NewExample { occasion, ..an_example(dir.path(), id, incident) };
        store.put_example(&new, &[]).expect("kept");
    }
    judge(&mut store, 1, Judgement::False, 30);
    store.label_example(6, SaidLabel::True, "Eva", at(31)).expect("kept");
    let reader = store.reader().expect("a reader");
    let ids =
        |found: Vec<KeptExample>| -> Vec<u64> { found.iter().map(|it| it.example.id).collect() };
    let queue = reader.example_queue(10).expect("read");
    assert_eq!(ids(queue), [3, 2, 4, 5, 1]);
    let sought = |labels, occasion, before, limit| {
        let sought = SoughtExamples { labels, occasion, before, limit };
        ids(reader.examples(sought).expect("read"))
    };
    assert_eq!(sought(SoughtLabels::All, None, None, 2), [6, 5]);
    assert_eq!(sought(SoughtLabels::All, None, Some(5), 2), [4, 3]);
    let near = Some(ExampleOccasion::NearMiss);
    assert_eq!(sought(SoughtLabels::All, near, None, 9), [6, 5]);
    assert_eq!(sought(SoughtLabels::Unlabelled, near, None, 9), [5]);
    assert_eq!(reader.examples_kept().expect("read"), (6, 24));
}

#[test]
fn what_happened_to_models_is_told_newest_first_once_and_not_for_ever() {
    let dir = folder();
    let mut store = open(dir.path());
    let story: Vec<Record> =
        (1_i64..).zip(ModelEventKind::ALL).map(|(at, kind)| model_event(at, kind)).collect();
    store.write(&story).expect("kept");
    store.write(&story).expect("again");
    let reader = store.reader().expect("a reader");
    let rows = reader.model_events(500, None).expect("read");
    let told: Vec<Record> =
        rows.iter().rev().map(|it| Record::ModelEvent(it.event.clone())).collect();
    assert_eq!(told, story);
    let kinds = i64::try_from(story.len()).expect("few");
    let older = reader.model_events(2, Some(rows[4].id)).expect("read");
    assert_eq!(older, rows[5..7]);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM event WHERE kind = 'note'"), kinds);
    let moved = format!("UPDATE model_event SET id = id + {MODEL_EVENTS_KEPT} WHERE id > 10");
    rusqlite::Connection::open(dir.path().join(standclear::store::FILE_NAME))
        .and_then(|file| file.execute_batch(&moved))
        .expect("moved");
    store.write(&[model_event(99, ModelEventKind::Fault)]).expect("kept");
    assert_eq!(number(dir.path(), "SELECT count(*) FROM model_event"), kinds - 10 + 1);
}

#[test]
fn a_store_of_schema_17_takes_examples_and_keeps_its_incidents() {
    let dir = folder();
    let mut store = open(dir.path());
    store.write(&[started(0), incident(1, 10)]).expect("kept");
    drop(store);
    let file = rusqlite::Connection::open(dir.path().join(standclear::store::FILE_NAME));
    let back = "DROP TABLE shadow_clip; DROP TABLE parent_check; DROP TABLE shadow_recording; DROP TABLE shadow_picture; DROP TABLE shadow_label; DROP TABLE shadow_incident;
      DROP TABLE shadow_run; DROP TABLE example; DROP TABLE incident_label; DROP TABLE model_event;
      PRAGMA user_version = 17;";
    file.and_then(|file| file.execute_batch(back)).expect("as it was");
    let mut store = open(dir.path());
    assert_eq!(store.restore().expect("remembered").last_incident, IncidentId(1).0);
    store.put_example(&an_example(dir.path(), 1, Some(1)), &[]).expect("kept");
    store.write(&[model_event(42, ModelEventKind::Installed)]).expect("kept");
    assert_eq!(labels(&store), [(1, None)]);
}
