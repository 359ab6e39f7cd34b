//! What people do with examples: look, label, take them away, bring labels back, ask for thresholds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::desk::ExampleDesk;
use super::*;
use crate::config::Config;
use crate::engine::IncidentId;
use crate::gate::Probability;
use crate::gate::calibration::{Proposal, Wish};
use crate::gate::verdict::Label;
use crate::guard::handle::examples::{
    BoxBy, ExampleError, Examples, Imported, WantedExamples, WantedLabels,
};
use crate::store::record::{IncidentStart, Record};
use crate::store::verdicts::{Judgement, VerdictRow};

const ALL: WantedExamples = WantedExamples { labelled: WantedLabels::All, occasion: None };

fn desk(box_: &TestBox) -> ExampleDesk {
    let text = "[site]\nname = \"North yard\"\ntime_zone = \"UTC\"\n[[camera]]\nid = \"yard\"\n\
                name = \"Yard\"\nsource = { test = \"ball\" }\nzones = \"yard.json\"\n";
    let zones = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
        "properties":{"id":"gate","name":"Gate","kind":"restricted"},
        "geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}]}"#;
    fs::write(box_.folder.path().join("yard.json"), zones).expect("a zone file");
    let file = box_.folder.path().join("standclear.toml");
    let mut config = Config::parse(&file, text).expect("a configuration");
    config.store.path = box_.folder.path().to_path_buf();
    let reader = crate::store::examples::reader_of(box_.folder.path()).expect("a reader");
    ExampleDesk::of(&config, reader, box_.clerk.clone())
}

/// A box with three examples: one said to be true, one false, one of which nothing was said.
fn three() -> (TestBox, ExampleDesk) {
    let mut box_ = TestBox::new(10);
    box_.keep(ExampleOccasion::Incident, 1);
    box_.keep(ExampleOccasion::NearMiss, 2);
    box_.keep(ExampleOccasion::LowScore, 3);
    let desk = desk(&box_);
    desk.label_example(1, Label::True, "Eva").expect("kept");
    desk.label_example(2, Label::False, "Eva").expect("kept");
    (box_, desk)
}

/// A small reader of stored zip files, by the headers before each.
fn unzip(mut bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    while bytes.starts_with(b"PK\x03\x04") {
        let size = u32::from_le_bytes(bytes[18..22].try_into().expect("four bytes")) as usize;
        let name = usize::from(u16::from_le_bytes([bytes[26], bytes[27]]));
        let (header, rest) = bytes.split_at(30 + name);
        let (content, next) = rest.split_at(size);
        let name = String::from_utf8(header[30..].to_vec()).expect("text");
        assert!(files.insert(name, content.to_vec()).is_none());
        bytes = next;
    }
    assert!(bytes.starts_with(b"PK\x01\x02"));
    files
}

fn exported(desk: &ExampleDesk) -> (Vec<u8>, Value, BTreeMap<String, Vec<u8>>) {
    let mut zip = Vec::new();
    desk.export(&mut zip, "Eva").expect("written out");
    let files = unzip(&zip);
    let coco = serde_json::from_slice(&files["annotations.json"]).expect("JSON");
    (zip, coco, files)
}

fn import(desk: &ExampleDesk, coco: &Value) -> Result<Imported, ExampleError> {
    desk.import(&mut coco.to_string().as_bytes(), "Eva")
}

#[test]
fn an_export_is_coco_that_any_reader_of_it_understands_and_the_same_twice() {
    let (box_, desk) = three();
    let (zip, coco, files) = exported(&desk);
    assert_eq!(exported(&desk).0, zip);
    let list = |key: &str| coco[key].as_array().unwrap_or_else(|| panic!("{key}")).clone();
    assert_eq!(list("categories"), [json!({"id": 1, "name": "person", "supercategory": "person"})]);
    let licences: Vec<Value> = list("licenses").iter().map(|it| it["id"].clone()).collect();
    assert!(coco["info"]["description"].as_str().is_some_and(|it| it.contains("North yard")));
    let mut of_image: BTreeMap<u64, usize> = BTreeMap::new();
    for image in list("images") {
        let name = image["file_name"].as_str().expect("a name");
        let picture = canvas(&files[&format!("images/{name}")]);
        let size = (json!(picture.width()), json!(picture.height()));
        assert_eq!((image["width"].clone(), image["height"].clone()), size);
        assert!(licences.contains(&image["license"]));
        assert_eq!(files[&format!("images/{name}")], fs::read(box_.path(name)).expect("there"));
        assert!(of_image.insert(image["id"].as_u64().expect("a number"), 0).is_none());
    }
    let mut ids = Vec::new();
    for annotation in list("annotations") {
        ids.push(annotation["id"].as_u64().expect("a number"));
        assert_eq!((&annotation["category_id"], &annotation["iscrowd"]), (&json!(1), &json!(0)));
        let bounds: [f64; 4] = serde_json::from_value(annotation["bbox"].clone()).expect("a box");
        assert_eq!(bounds, [128.0, 72.0, 64.0, 120.0]);
        assert_eq!(annotation["area"], json!(64.0 * 120.0));
        let image = annotation["image_id"].as_u64().expect("a number");
        *of_image.get_mut(&image).expect("its picture is there") += 1;
    }
    assert_eq!(ids, [1, 2]);
    // What the model took for somebody where nobody was is no person.
    assert_eq!(of_image, BTreeMap::from([(1, 1), (2, 0), (3, 1)]));
    assert_eq!(list("images")[1]["false_boxes"], json!([[128.0, 72.0, 64.0, 120.0]]));
    assert!(!zip.windows(3).any(|it| it == b"Eva"), "who labelled goes nowhere");
    let noted = box_.clerk.ask(|store| store.audit_reader()).expect("asked").expect("a reader");
    let noted = noted.entries(1, None).expect("read");
    assert_eq!((&*noted[0].entry.action, &*noted[0].entry.by), ("examples_exported", "Eva"));
}

#[test]
fn what_was_written_out_changes_nothing_when_it_is_read_in_again() {
    let (_box, desk) = three();
    let before = desk.examples(ALL, 10, None).expect("read");
    let done = import(&desk, &exported(&desk).1).expect("taken");
    assert_eq!(done, Imported { labels: 2, unknown: 0, changed: 0 });
    assert_eq!(desk.examples(ALL, 10, None).expect("read"), before);
}

#[test]
fn labels_that_somebody_drew_elsewhere_are_taken_over_and_strange_pictures_are_counted() {
    let (_box, desk) = three();
    // As a program writes it that gives its own numbers and knows no labels.
    let image =
        |id: u64, name: &str| json!({"id": id, "file_name": name, "width": 320, "height": 240});
    let coco = json!({
        "images": [image(70, "images/example-00000003.jpg"), image(71, "example-00000001.jpg"),
            image(72, "cat.jpg"), image(73, "example-00000099.jpg")],
        "annotations": [
            {"id": 5, "image_id": 70, "category_id": 9, "bbox": [10, 20, 32, 48], "drawn": "by hand"},
            {"id": 6, "image_id": 72, "category_id": 9, "bbox": [0, 0, 320, 240]}],
        "categories": [{"id": 8, "name": "dog"}, {"id": 9, "name": "Person"}],
        "info": {"whatever": [1, 2, 3]},
    });
    let done = import(&desk, &coco).expect("taken");
    assert_eq!(done, Imported { labels: 2, unknown: 2, changed: 2 });
    let rows = desk.examples(ALL, 10, None).expect("read");
    let label = |row: usize| rows[row].label.as_ref().map(|it| it.label);
    assert_eq!((label(0), label(2)), (Some(Label::True), Some(Label::False)));
    let [drawn] = rows[0].boxes[..] else { panic!("{:?}", rows[0].boxes) };
    let at = [drawn.at.left_norm, drawn.at.top_norm, drawn.at.width_norm, drawn.at.height_norm];
    let right = [10.0 / 320.0, 20.0 / 240.0, 0.1, 0.2];
    assert!(at.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-9), "{at:?}");
    assert_eq!(drawn.by, BoxBy::Person);
    assert_eq!(rows[2].boxes.len(), 1, "what the model took for somebody stays");
}

/// What is done to a right file, and what the refusal says: the place, and what is wrong.
fn attacks() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/images/0/id", json!("one"), "line 1, column"),
        ("/images/0/id", json!(-1), "line 1, column"),
        ("/images/1/id", json!(1), "images[1].id: 1 is another picture's"),
        ("/images/1/file_name", json!("x/example-00000001.jpg"), "images[1].file_name"),
        ("/images/0/width", json!(640), "images[0]: the picture of example 1 has 320 × 240"),
        ("/images/0/label", json!("maybe"), "images[0].label"),
        ("/images/0/label", json!({"label": "true"}), "images[0].label"),
        ("/images/0/label", json!([]), "images[0].label"),
        ("/images/0/label", json!([[[]], {"a": [1, 2]}]), "images[0].label"),
        ("/images/0/label", json!(true), "images[0].label"),
        ("/images/0/label", json!("false"), "annotations[0]: its picture is labelled \"false\""),
        ("/annotations/0/image_id", json!(44), "annotations[0].image_id: there is no picture 44"),
        ("/annotations/0/category_id", json!(2), "annotations[0].category_id"),
        ("/annotations/0/bbox", json!([300, 0, 40, 10]), "annotations[0].bbox"),
        ("/annotations/0/bbox", json!([0, 0, 0, 10]), "annotations[0].bbox"),
        ("/annotations/0/bbox", json!([0, 0, -5, 10]), "annotations[0].bbox"),
        ("/annotations/0/bbox", json!([-1e300, 0, 1e300, 10]), "annotations[0].bbox"),
        ("/annotations/0/bbox", json!([0, 0, 10]), "line 1, column"),
        ("/annotations/0/bbox", json!("all of it"), "line 1, column"),
        ("/annotations/0/score", json!(7), "annotations[0].score"),
        ("/annotations/0/by", json!("nobody"), "line 1, column"),
        ("/categories/0/name", json!("people"), "categories"),
        ("/categories", json!([]), "categories"),
        ("/images", json!({}), "line 1, column"),
        ("/annotations", Value::Null, "line 1, column"),
    ]
}

#[test]
fn a_file_that_is_not_right_is_refused_with_the_place_and_changes_nothing() {
    let (_box, desk) = three();
    let right = exported(&desk).1;
    let before = desk.examples(ALL, 10, None).expect("read");
    let refused = |text: &[u8]| match desk.import(&mut &*text, "Eva") {
        Err(ExampleError::BadImport(why)) => why,
        other => panic!("{other:?}"),
    };
    for (place, wrong, said) in attacks() {
        let mut coco = right.clone();
        // What would be changed if the file were taken as far as it is right.
        coco["images"][2]["label"] = json!("true");
        *coco.pointer_mut(place).expect("a place") = wrong;
        let why = refused(coco.to_string().as_bytes());
        assert!(why.contains(said), "{place}: {why}");
        assert_eq!(desk.examples(ALL, 10, None).expect("read"), before, "{place}");
    }
    for text in ["", "[]", "{\"images\": [", "\u{0}\u{1}", &"[".repeat(200_000)] {
        assert!(refused(text.as_bytes()).contains("line "), "{:.20}", text);
    }
    let nested = format!("{{\"images\": {}{}, \"x\": 1}}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(refused(nested.as_bytes()).contains("line 1"));
    let endless = desk.import(&mut std::io::repeat(b' '), "Eva");
    let why = endless.expect_err("refused").to_string();
    assert!(why.contains("more than 64 MB"), "{why}");
}

#[test]
fn a_list_that_is_too_long_is_refused_where_it_gets_so_and_not_read_on() {
    let (_box, desk) = three();
    let image = r#"{"id":1,"file_name":"a.jpg","width":1,"height":1},"#;
    let annotation = r#"{"image_id":1,"category_id":1,"bbox":[0,0,1,1]},"#;
    // What follows is no JSON: whoever reads on says so.
    let lists = [("images", image, 100_000), ("annotations", annotation, 400_000)];
    for (list, one, most) in lists {
        let text = format!("{{\"{list}\":[{}!", one.repeat(most + 1));
        let why = desk.import(&mut text.as_bytes(), "Eva").expect_err("refused").to_string();
        assert!(why.contains(&format!("more than {most} in one list")), "{why}");
    }
}

#[test]
fn a_false_verdict_is_first_in_the_queue_and_says_so_and_a_label_of_nobody_is_refused() {
    let started = |incident| {
        move |store: &mut Store| store.write(&[incident_of(incident, 0.5)]).expect("kept")
    };
    let mut box_ = TestBox::with(10, started(1));
    box_.keep(ExampleOccasion::Incident, 2);
    box_.keep(ExampleOccasion::Incident, 1);
    box_.keep(ExampleOccasion::Incident, 3);
    judge(&box_, 1, Judgement::False);
    let desk = desk(&box_);
    let queue = desk.example_queue(10).expect("read");
    assert_eq!(queue.iter().map(|it| it.id).collect::<Vec<_>>(), [2, 3, 1]);
    assert!(queue[0].kept_because.contains("somebody who may be"), "{}", queue[0].kept_because);
    judge(&box_, 1, Judgement::True);
    assert_eq!(desk.example_queue(10).expect("read").len(), 2);
    let nobody = desk.label_example(9, Label::True, "Eva");
    assert!(matches!(nobody, Err(ExampleError::NoExample(9))), "{nobody:?}");
    let now = desk.bank_now().expect("read");
    assert_eq!((now.examples, now.room.examples), (3, 2_000));
    fs::remove_file(box_.path(&name_of(1))).expect("removed");
    assert!(matches!(desk.example_picture(1), Err(ExampleError::NoPicture(1, _))));
    let shown = desk.example_picture(2).expect("a picture");
    assert_eq!(canvas(&shown).dimensions(), SIZE);
}

fn incident_of(incident: u64, score: f32) -> Record {
    let at = "2026-03-01T14:00:00Z".parse().expect("a time");
    Record::IncidentStarted(IncidentStart {
        incident: IncidentId(incident),
        zone: "gate".into(),
        zone_name: "Gate".into(),
        camera: "yard".into(),
        at,
        captured_at: at,
        frame: incident,
        score,
        anchor_norm: (0.5, 0.5),
        track: None,
        model_digest: String::new(),
        zone_revision: String::new(),
        stages: Vec::new(),
    })
}

fn judge(box_: &TestBox, incident: u64, verdict: Judgement) {
    let row = VerdictRow {
        incident,
        verdict,
        by: "Karl".into(),
        at: "2026-03-01T15:00:00Z".parse().expect("a time"),
        note: String::new(),
    };
    box_.clerk.ask(move |store| store.judge(&row)).expect("asked").expect("kept");
}

/// `docs/design/gate.md`: of a hundred true incidents at most 5 % may be lost, with 95 %: the second
/// lowest score, which would have lost one.
#[test]
fn thresholds_are_proposed_from_verdicts_as_in_the_worked_example() {
    let score = |incident: u64| 0.30 + 0.005 * incident as f32;
    let box_ = TestBox::with(10, |store| {
        let incidents: Vec<Record> = (1..=100).map(|it| incident_of(it, score(it))).collect();
        store.write(&incidents).expect("kept");
    });
    let desk = desk(&box_);
    let miss_rate = Probability::new(0.05).expect("a share");
    let wish = Wish { miss_rate, confidence: Probability::CONFIDENCE };
    let told = desk.thresholds(wish).expect("told");
    assert_eq!(told.now, BTreeMap::from([("yard".to_owned(), 0.3)]));
    assert!(told.proposals.is_empty(), "nobody said anything");
    (1..=58).for_each(|incident| judge(&box_, incident, Judgement::True));
    let told = desk.thresholds(wish).expect("told");
    assert_eq!(told.proposals["yard"], Proposal::NotEnough { have: 58, needed: Some(59) });
    (59..=100).for_each(|incident| judge(&box_, incident, Judgement::Test));
    let told = desk.thresholds(wish).expect("told");
    let Proposal::Threshold(it) = told.proposals["yard"] else { panic!("{told:?}") };
    assert_eq!((it.score.get(), it.lost.misses(), it.lost.of()), (score(2), 1, 100));
    assert_eq!(it.too_high_from.map(|it| it.get()), Some(score(10)));
    // Judged false, the lowest may have been somebody who may be there: it is not spared.
    judge(&box_, 1, Judgement::False);
    let told = desk.thresholds(wish).expect("told");
    let Proposal::Threshold(it) = told.proposals["yard"] else { panic!("{told:?}") };
    assert!(it.score.get() <= score(2), "{it:?}");
    assert_eq!(it.false_incidents, 0);
}
