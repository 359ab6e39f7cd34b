//! A box that starts on a full disk: it guards first, and says what is wrong.

use std::env;
use std::fs;
use std::path::PathBuf;

use standclear::clock;
use standclear::config::Config;
use standclear::engine::{AlarmState, SirenPattern};
use standclear::guard::app::{Guard, Parts, StartError};

use crate::site::{TestSite, fake_worker, fault, wait_alarm, wait_for, wait_watched};
use crate::small_disk::{fill, on_small_disk};
use crate::worker::Scene;

/// Names the small disk; set only for the program that plays on it.
const SMALL_DISK: &str = "STANDCLEAR_SMALL_DISK";

fn start(site: &TestSite, config: &Config) -> Result<Guard, Box<StartError>> {
    let parts = Parts {
        siren: Box::new(site.siren.clone()),
        worker_command: fake_worker(site.folder.path()),
    };
    Guard::start(config, parts).map_err(Box::new)
}

/// Not a test of its own: what happens on the small disk.
#[test]
fn on_a_small_disk() {
    let Some(disk) = env::var_os(SMALL_DISK).map(PathBuf::from) else {
        return;
    };
    let (site, ballast) = (TestSite::new(), disk.join("ballast"));
    let mut config = site.config();
    config.store.path = disk.join("store");
    let guard = start(&site, &config).unwrap_or_else(|error| panic!("{error:?}"));
    let piece = config.store.path.join("reserve-0");
    wait_for("room to be put aside", || piece.is_file().then_some(()));
    guard.stop();
    fs::write(config.store.path.join("reserve-1"), vec![1; 2 << 20]).expect("a second piece");
    fill(&ballast);

    let guard = start(&site, &config).unwrap_or_else(|error| panic!("{error:?}"));
    wait_watched(&guard);
    wait_alarm(&guard, fault, AlarmState::Unacknowledged);
    let kept = fs::read_dir(&config.store.path).expect("listed").count();
    let second = start(&site, &config).err().expect("one box a store");
    assert!(format!("{second:?}").contains("InUse"), "{second:?}");
    let left = fs::read_dir(&config.store.path).expect("listed").count();
    assert_eq!(left, kept, "one that starts beside it takes nothing of what is kept");
    let entered_at = clock::monotonic();
    site.shows(Scene::Person);
    site.siren.since(entered_at, SirenPattern::Intrusion);
    fs::remove_file(&ballast).expect("freed");
    wait_alarm(&guard, fault, AlarmState::ReturnedUnacknowledged);
    guard.stop();

    // Nothing is left to give up: then it is a sentence, as ever.
    for number in 0..8 {
        let _ = fs::remove_file(config.store.path.join(format!("reserve-{number}")));
    }
    fill(&ballast);
    let refused = start(&site, &config).err().expect("there is no room at all");
    let of_store = matches!(*refused, StartError::StoreFull { .. } | StartError::Store { .. });
    assert!(of_store, "{refused:?}");
    println!("\nguarded on a full disk");
}

#[test]
fn a_box_that_starts_on_a_full_disk_guards_and_says_so() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let disk = (dir.path(), "48m");
    let variables = [(SMALL_DISK, dir.path().as_os_str())];
    on_small_disk(disk, "full_disk::on_a_small_disk", &variables, "guarded on a full disk");
}
