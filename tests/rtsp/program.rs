//! The real program with a camera that wants a password.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use standclear::clock;

use crate::server::{BALL, H264, PASSWORD, Server, Setup, USER};
use crate::support::{self, SOON};

const LOOK_EVERY: Duration = Duration::from_millis(50);

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_standclear"))
}

/// A configuration for a box with this camera, whose password is in a file.
fn configure(folder: &Path, camera: &str, password: &str) -> PathBuf {
    fs::write(folder.join("yard.password"), format!("{password}\n")).expect("a password");
    let zones = support::root().join("zones/yard-east.json");
    let models = support::root().join("models");
    let file = folder.join("standclear.toml");
    let text = format!(
        "[site]\nname = \"Yard\"\ntime_zone = \"UTC\"\n[model]\nfolder = {models:?}\n\
         [web]\nlisten = \"127.0.0.1:0\"\n[walk_test]\nrequired = false\n\
         [siren]\ndevice = \"none\"\n\
         [[camera]]\nid = \"yard\"\nname = \"Yard\"\nzones = {zones:?}\nfps = 5\n\
         source = {{ rtsp = {camera:?}, user = {USER:?}, password_file = \"yard.password\" }}\n"
    );
    fs::write(&file, text).expect("a configuration");
    file
}

#[test]
fn doctor_says_what_a_camera_sends_or_why_it_sends_nothing_and_never_the_password() {
    let server = Server::start(&Setup { auth: "digest", ..Setup::of(BALL, H264) });
    let place = format!("127.0.0.1:{}", server.port);
    let (right, other) = (server.url(), server.url() + "/other");
    for (url, password, told) in [
        (right.as_str(), PASSWORD, ["320×240", "over TCP", "avdec_h264"]),
        (&right, "wr0ng", [&place, "does not let the box in", "refuses"]),
        (&other, PASSWORD, [&place, "404", "behind host and port"]),
        ("rtsp://127.0.0.1:9/yard", PASSWORD, ["127.0.0.1:9", "refused", "correct the port"]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let config = configure(folder.path(), url, password);
        let done = program().args(["doctor", "--config"]).arg(config).output().expect("it runs");
        let said = [done.stdout, done.stderr].concat();
        let said = String::from_utf8(said).expect("text");
        let line = said.lines().find(|line| line.contains("camera yard")).expect("a line");
        assert!(told.iter().all(|told| line.contains(told)), "{line}");
        assert!(said.lines().any(|line| line.contains("H.265: ")), "{said}");
        assert!(!said.contains(password), "{said}");
    }
}

#[test]
fn the_password_is_neither_in_the_log_nor_in_the_list_of_processes() {
    let server = Server::start(&Setup { auth: "basic", ..Setup::of(BALL, H264) });
    let folder = tempfile::tempdir().expect("a folder");
    let config = configure(folder.path(), &server.url(), PASSWORD);
    let log = folder.path().join("log");
    let mut child = program()
        .args(["run", "--config"])
        .arg(config)
        .env("STANDCLEAR_LOG", "trace")
        .stdin(Stdio::null())
        .stdout(File::create(&log).expect("a log"))
        .stderr(File::options().append(true).open(&log).expect("a log"))
        .spawn()
        .expect("it runs");
    let until = clock::monotonic().after(SOON * 2);
    let said = loop {
        let said = fs::read_to_string(&log).unwrap_or_default();
        if said.contains("camera yard: pictures come over TCP") || clock::monotonic() > until {
            break said;
        }
        thread::park_timeout(LOOK_EVERY);
    };
    let processes: Vec<String> = fs::read_dir("/proc")
        .expect("Linux")
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("cmdline")).ok())
        .collect();
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert!(said.contains("camera yard: pictures come over TCP"), "{said}");
    assert!(processes.iter().any(|line| line.contains("vision")), "{processes:?}");
    assert!(!processes.iter().any(|line| line.contains(PASSWORD)), "{processes:?}");
    assert!(!said.contains(PASSWORD), "{said}");
}
