//! The door of a box at which somebody stands: packages that attack, models that do harm as soon as they
//! are tried, and a box that is killed meanwhile, all with the real program.

#[cfg(feature = "vision")]
#[path = "door/harm.rs"]
mod harm;

use std::fs;
use std::os::unix::fs::symlink;

use standclear::model_store::check::check;
use standclear::model_store::files::Disk;
use standclear::model_store::{FOLDER, ModelStore};

use super::attacks::attacks;
use super::command::Stopped;
use super::maker::snapshot;

/// As many lines of the history as there are.
const ALL: [&str; 3] = ["history", "--limit", "100"];

#[test]
fn every_attack_at_the_command_line_is_refused_by_its_name_and_changes_nothing() {
    let stopped = Stopped::new().started_once();
    let models = stopped.data().join(FOLDER);
    drop(ModelStore::open(Disk::new(models.clone()).expect("a folder"), 5));
    fs::create_dir(models.join("blobs")).expect("made");
    let install = |file: &str| {
        let (well, said) = stopped.run(&["install", file]);
        assert!(!well, "{file}: {said}");
        said
    };
    stopped.run(&["list"]);
    let before = snapshot(&models);
    let attacks = attacks(&stopped.maker);
    for (n, (code, package)) in attacks.iter().enumerate() {
        let file = format!("{n}.standclear-model");
        fs::write(stopped.folder.path().join(&file), package).expect("written");
        install(&file);
        let (_, history) = stopped.run(&ALL);
        assert!(history.contains(&format!("{file}: {code}: ")), "{code}: {history}");
        assert!(snapshot(&models) == before, "{code} changed something");
    }
    assert!(!stopped.folder.path().join("out").exists());
    // What is no plain file is not even opened.
    symlink("/dev/zero", stopped.folder.path().join("link.standclear-model")).expect("made");
    assert!(install("link.standclear-model").contains("a link"));
    assert!(install("/dev/zero").contains("a device or a pipe"));
    assert!(snapshot(&models) == before);
    let (_, listed) = stopped.run(&["list"]);
    assert!(listed.contains("  committed shipped\n") && !listed.contains("candidate"), "{listed}");
    let broken: Vec<_> =
        check(&stopped.data()).into_iter().filter(|it| !it.broken.is_empty()).collect();
    assert_eq!(broken, []);
}
