//! `standclear model …` at a box that is stopped, and what it says of one that runs.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use standclear::digest::sha256_of;
use standclear::model_package::keys::file;
use standclear::model_store::check::check;
use standclear::rollout::slot::Digest;
use standclear::store::Store;
use tempfile::TempDir;

use super::gated::file_of;
use super::maker::{Maker, manifest_with, tar_of};

pub struct Stopped {
    pub folder: TempDir,
    pub maker: Maker,
}

impl Stopped {
    pub fn new() -> Stopped {
        let (folder, maker) = (TempDir::new().expect("a folder"), Maker::new());
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let text = format!(
            "site = {{ name = \"Test\", time_zone = \"UTC\" }}\n\
             web.listen = \"127.0.0.1:0\"\n\
             [[camera]]\nid = \"yard\"\nname = \"Yard\"\nsource = {{ test = \"ball\" }}\n\
             zones = \"{}\"\n\
             [model]\nfolder = \"{}\"\n",
            root.join("zones/yard-east.json").display(),
            root.join("models").display()
        );
        fs::write(folder.path().join("standclear.toml"), text).expect("written");
        Stopped { folder, maker }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// As after its first start.
    pub fn started_once(self) -> Stopped {
        drop(Store::open(&self.data()).expect("a store"));
        file::keep(&file::path_in(&self.data()), &self.maker.keyring()).expect("kept");
        self
    }

    /// Whether it went well, and all it said.
    pub fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_standclear"));
        let command = command.arg("model").args(arguments).current_dir(self.folder.path());
        let output = command.output().expect("ran");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn package(&self, release: u64) -> String {
        let manifest = manifest_with(|it| it["release"] = serde_json::json!(release));
        let path = self.folder.path().join(format!("people-{release}.standclear-model"));
        fs::write(&path, tar_of(&self.maker.parts(&manifest))).expect("written");
        path.display().to_string()
    }
}

#[test]
fn the_model_that_came_with_the_program_is_known_wherever_the_box_stands() {
    let stopped = Stopped::new();
    let path = stopped.folder.path().join("standclear.toml");
    let text = fs::read_to_string(&path).expect("there");
    let (before, _) = text.split_once("[model]").expect("there");
    fs::write(&path, before).expect("written");
    let stopped = stopped.started_once();
    let (well, said) = stopped.run(&["list"]);
    assert!(well && said.contains("nanodet-g-416-int8 1.0.0  release 0  committed"), "{said}");
}

#[test]
fn a_box_that_was_never_started_says_so_and_gets_no_store_by_being_asked() {
    let stopped = Stopped::new();
    for question in ["list", "history"] {
        let (well, said) = stopped.run(&[question]);
        assert!(well && said.contains("never started"), "{said}");
    }
    assert!(!stopped.data().exists());
}

#[test]
fn a_model_comes_in_is_listed_and_discarded_at_a_box_that_is_stopped() {
    let stopped = Stopped::new().started_once();
    let package = stopped.package(7);
    // What it holds is no model: a program with vision refuses it, one without cannot tell.
    let (well, said) = stopped.run(&["install", package.as_str()]);
    assert!(!well, "{said}");
    let (_, listed) = stopped.run(&["list"]);
    assert!(listed.contains("  committed shipped\n"), "{listed}");
    let (_, history) = stopped.run(&["history"]);
    assert!(
        history.contains("  installed  sha256-") && history.contains("console: people"),
        "{history}"
    );
    if cfg!(feature = "vision") {
        assert!(said.contains("cannot be loaded"), "{said}");
        assert!(listed.contains("it ended with an error"), "{listed}");
    } else {
        assert!(said.contains("built without vision"), "{said}");
        assert!(listed.contains("is installed and not verified"), "{listed}");
        let digest = listed.split("sha256-").nth(1).and_then(|it| it.get(..64)).expect("one");
        let (well, said) = stopped.run(&["discard", digest, "--reason", "not wanted"]);
        assert!(well, "{said}");
        let (_, history) = stopped.run(&["history"]);
        assert!(history.contains("  discarded  "), "{history}");
    }
    let broken: Vec<_> =
        check(&stopped.data()).into_iter().filter(|it| !it.broken.is_empty()).collect();
    assert_eq!(broken, []);
    let (well, said) = stopped.run(&["rollback", "--reason", "back"]);
    assert!(!well && said.contains("nothing was committed before"), "{said}");
}

#[test]
fn a_package_that_is_refused_is_named_and_stands_in_the_history() {
    let stopped = Stopped::new().started_once();
    let path = stopped.folder.path().join("x.standclear-model");
    let stranger = Maker::new();
    let manifest = manifest_with(|_| ());
    fs::write(&path, tar_of(&stranger.parts(&manifest))).expect("written");
    let (well, said) = stopped.run(&["install", &path.display().to_string()]);
    assert!(!well && said.contains("unknown key"), "{said}");
    let (_, history) = stopped.run(&["history"]);
    assert!(history.contains("x.standclear-model: unknown_key"), "{history}");
}

#[test]
fn what_needs_cameras_or_a_box_that_is_stopped_says_what_to_do() {
    let stopped = Stopped::new().started_once();
    let digest = "0".repeat(64);
    let (well, said) = stopped.run(&["shadow", digest.as_str()]);
    assert!(!well && said.contains("needs a box that runs"), "{said}");
    let promote = ["promote", digest.as_str(), "--evidence", "x", "--confirm", "people"];
    let (well, said) = stopped.run(&promote);
    assert!(!well && said.contains("--user") && said.contains("page"), "{said}");
    let _box = Store::open(&stopped.data()).expect("it runs");
    let (well, said) = stopped.run(&["list"]);
    assert!(!well && said.contains("this box runs") && said.contains("--token-file"), "{said}");
}

#[test]
fn no_token_goes_out_unencrypted() {
    let stopped = Stopped::new();
    fs::write(stopped.folder.path().join("token"), "geheim\n").expect("written");
    for url in ["http://192.0.2.1:8080", "http://127.0.0.1.example", "192.0.2.1:8080"] {
        let (well, said) = stopped.run(&["list", "--url", url, "--token-file", "token"]);
        assert!(!well && said.contains("must begin with https://"), "{url}: {said}");
    }
}

#[test]
fn a_box_that_runs_is_asked_with_the_token_and_its_refusal_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody");
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            let line = line.to_lowercase();
            if let Some(bytes) = line.strip_prefix("content-length:") {
                length = bytes.trim().parse().expect("a number");
            }
            if line.trim().is_empty() {
                break;
            }
            head += &line;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let said = r#"{"error":{"code":"no_previous","message":"there is nothing to go back to"}}"#;
        let answer = format!(
            "HTTP/1.1 409 Conflict\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{said}",
            said.len()
        );
        stream.write_all(answer.as_bytes()).expect("answered");
        (head, String::from_utf8(body).expect("text"))
    });
    let stopped = Stopped::new();
    fs::write(stopped.folder.path().join("token"), "geheim\n").expect("written");
    let at = ["--url", url.as_str(), "--token-file", "token"];
    let (well, said) =
        stopped.run(&[&["rollback", "--reason", "it misses people"][..], &at[..]].concat());
    assert!(
        !well && said.contains("409 no_previous") && said.contains("nothing to go back"),
        "{said}"
    );
    assert!(!said.contains("geheim"), "{said}");
    let (head, body) = asked.join().expect("asked");
    assert!(head.starts_with("post /api/models/rollback"), "{head}");
    assert!(head.contains("authorization: bearer geheim"), "{head}");
    assert_eq!(body, r#"{"reason":"it misses people"}"#);
}

#[cfg(feature = "vision")]
#[test]
fn what_tries_a_model_ends_when_whoever_started_it_is_gone() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let tried = Command::new(env!("CARGO_BIN_EXE_standclear"))
        .args(["model", "try", "--"])
        .arg(root.join("models/nanodet-g-416-int8"))
        // Over before a model is loaded, which takes a second.
        .stdin(std::process::Stdio::null())
        .output()
        .expect("ran");
    assert!(!tried.status.success() && tried.stdout.is_empty(), "{tried:?}");
}

#[test]
fn a_recording_counts_once_and_only_a_comparison_of_models_that_are_here_goes_into_the_box() {
    let stopped = Stopped::new().started_once();
    let manifest =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416-int8/manifest.json");
    let active = sha256_of(fs::read(manifest).expect("read"));
    let file = file_of(active, Digest::of("not here"), "gate-road", "both").to_string();
    fs::write(stopped.folder.path().join("a.json"), &file).expect("written");
    let (well, said) = stopped.run(&["evidence", "a.json"]);
    assert!(well, "{said}");
    let (well, said) = stopped.run(&["evidence", "a.json", "a.json"]);
    assert!(!well && said.contains("recording `gate-road` once more"), "{said}");
    let into = ["evidence", "a.json", "--into-box", "--config", "standclear.toml"];
    let (well, said) = stopped.run(&into);
    assert!(!well && said.contains("is not installed here"), "{said}");
    let runs = Store::open(&stopped.data()).expect("a store").reader().expect("one");
    assert_eq!(runs.shadow_run(None).expect("read"), None);
}
