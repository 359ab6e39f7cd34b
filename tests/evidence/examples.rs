//! Examples in a whole guard: an incident's picture is kept to learn from, and nothing half is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use standclear::gate::verdict::Label;
use standclear::guard::handle::Judgement;
use standclear::guard::handle::examples::{ExampleRow, Occasion, WantedExamples, WantedLabels};

use super::*;

const ALL: WantedExamples = WantedExamples { labelled: WantedLabels::All, occasion: None };

fn examples(guard: &Guard) -> Vec<ExampleRow> {
    guard.handle().example_desk().examples(ALL, 10, None).expect("read")
}

fn files(site: &Site) -> Vec<String> {
    let Ok(entries) = fs::read_dir(site.path("data/examples")) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

#[test]
fn an_incident_leaves_an_example_that_a_verdict_labels_and_a_restart_keeps() {
    let _alone = alone();
    let site = Site::new();
    let guard = site.start();
    wait_watched(&guard);
    site.visit(&guard);
    let row = wait_for("an example", || examples(&guard).pop());
    assert_eq!((row.occasion, row.id), (Occasion::Incident, 1));
    assert_eq!(row.zone, Some((Some(0), "Bay".to_owned())));
    assert!(row.score.is_some_and(|score| score > 0.3) && !row.boxes.is_empty(), "{row:?}");
    let handle = guard.handle();
    let shown = handle.example_desk().example_picture(1).expect("a picture");
    let kept = fs::read(site.path("data/examples/example-00000001.jpg")).expect("there");
    assert_ne!(shown, kept, "everybody sees nobody");
    handle.judging().judge(1, Judgement::Test, "Eva", "").expect("kept");
    let label = examples(&guard)[0].label.clone().expect("labelled");
    assert_eq!((label.label, &*label.by), (Label::True, "Eva"));
    drop(handle);
    guard.stop();
    site.assert_whole();
    let guard = site.start();
    assert_eq!(examples(&guard).len(), 1);
    guard.stop();
}

#[test]
fn a_bank_that_fails_between_the_file_and_its_row_leaves_neither_and_keeps_the_next() {
    let _alone = alone();
    for point in ["examples::written", "examples::named"] {
        let site = Site::new();
        let guard = site.start();
        wait_watched(&guard);
        let failed = Arc::new(AtomicBool::new(false));
        let fails = failed.clone();
        let once = move || assert!(fails.swap(true, Ordering::SeqCst), "the test asked for it");
        fail::cfg_callback(point, once).expect("a fail point");
        site.visit(&guard);
        wait_for("nothing left behind", || {
            let failed = failed.load(Ordering::SeqCst);
            (failed && files(&site).is_empty()).then_some(())
        });
        assert_eq!(examples(&guard), [], "{point}");
        wait_alarm(&guard, intrusion, AlarmState::ReturnedUnacknowledged);
        site.visit(&guard);
        wait_for("an example", || examples(&guard).pop());
        fail::remove(point);
        assert_eq!(files(&site).len(), 1, "{point}");
        guard.stop();
        site.assert_whole();
    }
}
