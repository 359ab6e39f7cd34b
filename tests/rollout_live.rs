//! Models on trial in the real vision process, with the real keeper of models: installed from the command
//! line, tried in a process of their own, and then they do harm. Some verified model guards again within
//! seconds.

#[path = "package_files/maker.rs"]
#[allow(dead_code, reason = "shared with the tests of package files")]
mod maker;
#[path = "guard/site.rs"]
#[allow(dead_code, reason = "shared with the tests of the guard")]
mod site;
mod support;
#[path = "guard/worker.rs"]
#[allow(dead_code, reason = "shared with the tests of the guard")]
mod worker;

use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use standclear::clock;
use standclear::config::Config;
use standclear::engine::time::Instant;
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::models::{EndReason, Slot};
use standclear::model_package::keys::file;
use standclear::model_store::files::Disk;
use standclear::model_store::{FOLDER, ModelStore};
use standclear::rollout::slot::Digest;
use standclear::rollout::stage::{Event, Fault, Person};
use tempfile::TempDir;

use maker::Maker;
use site::{SirenNotes, wait_until};
use support::hostile::{self, Harm, TEN_SECONDS, When};

/// R20: some verified model guards again so soon.
const GUARDS_AGAIN_MAX: Duration = Duration::from_secs(5);

/// A box with a package on trial, that has not started yet.
struct Yard {
    folder: TempDir,
    digest: Digest,
}

const ZONES: &str = r#"{"type":"FeatureCollection","features":[
    {"type":"Feature","properties":{"id":"bay","name":"Bay","kind":"restricted"},
     "geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}]}"#;

impl Yard {
    /// The package comes in as people bring it in, and is tried; the rest of its way is written down.
    fn with(harm: Harm) -> Yard {
        let (folder, maker) = (TempDir::new().expect("a folder"), Maker::new());
        let package = hostile::package("harm", 7, harm, When::Light);
        let digest: Digest = package.digest().parse().expect("a digest");
        let yard = Yard { folder, digest };
        fs::write(yard.folder.path().join("yard.json"), ZONES).expect("written");
        fs::write(yard.folder.path().join("standclear.toml"), yard.config()).expect("written");
        let data = yard.folder.path().join("data");
        drop(standclear::store::Store::open(&data).expect("a store"));
        file::keep(&file::path_in(&data), &maker.keyring()).expect("kept");
        let signed = hostile::signed(package.dir(), &maker.signing("release"));
        let path = yard.folder.path().join("harm.standclear-model");
        fs::write(&path, signed).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_standclear"));
        let command = command.args(["model", "install"]).arg(&path).current_dir(yard.folder.path());
        let output = command.output().expect("ran");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && said.contains("installed and verified"), "{said}");
        let mut store = ModelStore::open(Disk::existing(data.join(FOLDER)), 0).store;
        let by = Person::named("Eva").expect("a name");
        let tried = Event::Try { started_unix_s: 0, deadline_unix_s: 86_400 };
        for event in [Event::Shadow, Event::Approve { by }, tried] {
            store.apply(&event).expect("kept");
        }
        yard
    }

    fn config(&self) -> String {
        format!(
            "site = {{ name = \"Test\", time_zone = \"UTC\" }}\n\
             web.listen = \"127.0.0.1:0\"\n\
             [models]\nlatency_budget_ms = 2000\n\
             [[camera]]\nid = \"yard\"\nname = \"Yard\"\nsource = {{ file = \"{}\" }}\n\
             zones = \"yard.json\"\nfps = 5.0\n",
            support::footage().display()
        )
    }

    fn start(&self) -> Guard {
        let file = self.folder.path().join("standclear.toml");
        let config = Config::load(&file).expect("valid");
        let pid = self.folder.path().join("pid").into_os_string();
        let program = env!("CARGO_BIN_EXE_standclear");
        let noted = "echo $$ > \"$0\"; exec \"$1\" vision";
        let worker_command: Vec<OsString> =
            vec!["sh".into(), "-c".into(), noted.into(), pid, program.into()];
        let parts = Parts { siren: Box::new(SirenNotes::default()), worker_command };
        Guard::start(&config, parts).expect("it starts")
    }

    fn vision(&self) -> Pid {
        let pid = fs::read_to_string(self.folder.path().join("pid")).expect("written");
        Pid::from_raw(pid.trim().parse().expect("a number")).expect("not zero")
    }

    fn slot(&self) -> Slot {
        Slot::Blob(self.digest)
    }
}

/// Waits until a model guards, and says when that was.
fn guarded_by(guard: &Guard, slot: Slot) -> Instant {
    let slot = slot.to_string();
    wait_until(guard, &format!("{slot} guards"), |now| {
        let sees = now.cameras.iter().all(|camera| camera.unknown.is_none());
        sees && now.model.as_ref().is_some_and(|model| model.slot == slot)
    });
    clock::monotonic()
}

/// The last moment at which pictures were decided on, while they stop coming.
fn blind_for(guard: &Guard, until: Slot) -> Duration {
    let (slot, last, longest) =
        (until.to_string(), Cell::new(clock::monotonic()), Cell::new(Duration::ZERO));
    wait_until(guard, &format!("{slot} guards"), |now| {
        let at = clock::monotonic();
        if now.cameras.iter().all(|camera| camera.unknown.is_none()) {
            longest.set(longest.get().max(at.since(last.get())));
            last.set(at);
        }
        last.get() == at && now.model.as_ref().is_some_and(|model| model.slot == slot)
    });
    longest.get()
}

fn reason(guard: &Guard) -> Option<EndReason> {
    guard.handle().model_desk().models_now().rejected.last().map(|it| it.1)
}

#[test]
fn a_trial_whose_process_is_killed_guards_again_as_often_as_it_may_and_then_the_shipped_model() {
    let yard = Yard::with(Harm::None);
    let guard = yard.start();
    guarded_by(&guard, yard.slot());
    for (kill, next) in [(1, yard.slot()), (2, Slot::Shipped)] {
        let killed_at = clock::monotonic();
        kill_process(yard.vision(), Signal::KILL).expect("it is there");
        wait_until(&guard, "a restart", |now| now.vision.restarts >= kill);
        let again = guarded_by(&guard, next).since(killed_at);
        println!("kill {kill} in the trial: {next} guards after {again:?}");
        assert!(again < GUARDS_AGAIN_MAX, "{again:?}");
    }
    assert_eq!(reason(&guard), Some(EndReason::Fault(Fault::CrashLoop)));
    guard.stop();
}

#[test]
fn a_trial_that_ends_with_an_error_or_hangs_is_taken_back_and_the_shipped_model_guards() {
    let harms = [(Harm::Error, Fault::Error), (Harm::Slow { rounds: TEN_SECONDS }, Fault::Hung)];
    for (harm, fault) in harms {
        let yard = Yard::with(harm);
        let guard = yard.start();
        let blind = blind_for(&guard, Slot::Shipped);
        println!("{harm:?} in the trial: {blind:?} without a decision");
        let until = clock::monotonic().after(GUARDS_AGAIN_MAX);
        while reason(&guard).is_none() {
            assert!(clock::monotonic() < until, "{harm:?} is not told");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        assert_eq!(reason(&guard), Some(EndReason::Fault(fault)), "{harm:?}");
        guard.stop();
    }
}
